/*
 * challenges_show: what checks noticed when they were challenged, and when.
 *
 * With --json "challenges/1": challenges [], newest first: id, check, at_ms (it began),
 * recorded_ms, duration_us, subject, score (noticed of those that count; null = no attack counts),
 * noticed, survived, uncounted, steady, false_alarms, reason and help (why it was not challenged;
 * null = it was), check_sha256 (the check's definition), definition_sha256, definition_file,
 * commit, is_dirty, host, user, version, merge (that brought it; null = it was made here). Of a
 * check that is named the newest has attacks [] as well: name, object, words, outcome, reason,
 * series, before, after, bound, advice, turns_red, turns_red_words, is_control, is_erratic,
 * duration_us, as in the JSON of assize challenge.
 */
#ifndef ASSIZE_RUNNER_CHALLENGES_SHOW_H
#define ASSIZE_RUNNER_CHALLENGES_SHOW_H

#include <stdint.h>

struct app;
struct err;
struct options;
struct record;

/*
 * assize history --challenges: all of them, newest first, or with a check among the words its
 * newest one with its attacks, and the scores before. -1 with the cause in e.
 */
int challenges_show(struct app *app, struct record *r, const struct options *o, int64_t since_ms,
		    struct err *e);

#endif
