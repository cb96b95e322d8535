/*
 * challenge: what became of the attacks on checks, for people and for programs.
 *
 * Pure functions of what the challenge gave; all foreign text is made visible (text.h). What can be
 * acted on comes first and in full: a check that cries at a harmless change, then what it survives;
 * then how much it takes to turn it red; what it notices and what did not count are lists of names.
 */
#ifndef ASSIZE_REPORTS_CHALLENGE_H
#define ASSIZE_REPORTS_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "runner/model/challenge.h"

struct arena;
struct buf;
struct json_writer;

struct challenge_report {
	const struct challenged *items; /* definition order */
	size_t n;
	int64_t begin_ms, duration_us;
	double at_least; /* the share of attacks each check has to notice: 1 = all */
	bool is_survey;	 /* nothing was attacked, only looked at what would be */
	bool is_interrupted;
	const char *definition_file;
};

/* Attacks that would be made on it. */
int64_t challenge_planned(const struct challenged *c);
/* Did at least one attack that counts come to an end, or would one be made? */
bool challenge_is_challenged(const struct challenge_report *r, const struct challenged *c);
int64_t challenge_unchallenged(const struct challenge_report *r); /* how many are not */
/* The counts of all that were. */
void challenge_total(const struct challenge_report *r, struct challenged *out);
/* Was what counts noticed, as far as at_least asks for it, and no harmless change? */
bool challenge_is_met(const struct challenged *c, double at_least);
/*
 * 0: every check met what it has to; 1: one did not; 2: none of that, but one could not be
 * challenged, or nothing was executed, or the challenge was interrupted.
 */
int challenge_exit_status(const struct challenge_report *r);

/* One check. repeated: options that printed commands are to be run with; NULL = none. */
void challenge_text(struct buf *out, const struct challenged *c, const char *repeated,
		    bool has_color);
/* The challenged ones, worst first; nothing for one alone. */
void challenge_ranking(struct arena *a, const struct challenge_report *r, FILE *out);
/* One line. */
void challenge_summary(struct buf *out, const struct challenge_report *r);

/*
 * "assize": "challenge/1". Members are only ever added; times are RFC 3339 UTC with milliseconds,
 * numbers in base units, null = does not apply or unknown, never 0.
 *
 *   assize      "challenge/1"
 *   exit        exit status of the command
 *   begin, duration_us, is_interrupted, is_survey (--dry-run), at_least
 *   definition  file
 *   attacks     noticed, counted, survived, uncounted, steady, false_alarms: of all checks
 *   unchallenged  how many checks
 *   checks      in definition order: name, kind, title, owner, target, severity, file, line,
 * column, definition_sha256, at, duration_us, is_challenged, reason and help (why it was not),
 * score (noticed of those that count; null = none was executed), noticed, survived, uncounted,
 * steady, false_alarms, attacks []: name, object, words, class (noticed | survived | uncounted |
 * control | planned), outcome (failed, no value, error; blind, tolerated, wrong way; guarded, no
 * effect, out of reach, out of claim, inconclusive; steady, false alarm; null while planned),
 * reason, series, before, after, bound (as shown), advice, turns_red (the smallest dose that is
 * noticed, to 5 %, in the operator's measure), turns_red_words, is_erratic, duration_us
 */
void challenge_json(struct buf *out, const struct challenge_report *r);
/* Of these the members of one check, in an object that is open: score to false_alarms, attacks. */
void challenge_json_score(struct json_writer *w, const struct challenged *c);
void challenge_json_attacks(struct json_writer *w, const struct challenged *c);

#endif
