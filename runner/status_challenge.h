/*
 * status_challenge: the part of `assize status` about how much of what the checks guard against
 * they were seen to notice (runner/history/challenges.h). It says nothing of how things stand: no
 * outcome, and so no exit status, depends on it.
 *
 * A check counts by its newest challenge under the definition it has now; under another one it was
 * another check.
 */
#ifndef ASSIZE_RUNNER_STATUS_CHALLENGE_H
#define ASSIZE_RUNNER_STATUS_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct app;
struct definition;
struct err;
struct json_writer;
struct record;

struct status_challenge {
	bool has_any; /* some check of the definition was challenged, whatever came of it */
	size_t n_checks;
	size_t n_scored;			      /* at least one attack on them counts */
	size_t n_never;				      /* challenged */
	size_t n_changed;			      /* since they were */
	size_t n_refused;			      /* they could not be, or no attack counts */
	int64_t n_noticed, n_counted, n_false_alarms; /* of those that are scored */
	int64_t oldest_ms, newest_ms;		      /* the same; -1 = there is none */
	const char *worst; /* that noticed the smallest share; NULL = all noticed all */
	int64_t n_worst_noticed, n_worst_counted;
};

/* record NULL = there is none yet. */
int status_challenge_read(struct app *app, struct record *record, const struct definition *d,
			  struct status_challenge *out, struct err *e);
/* A table after an empty line; nothing where nothing was ever challenged. */
void status_challenge_print(struct app *app, const struct status_challenge *s, int64_t now_ms);
/*
 * The member "challenge": null where nothing was ever challenged, else checks, scored, never,
 * changed, unchallenged, noticed, counted, false_alarms, oldest_ms, newest_ms (-1 = none is
 * scored), worst {check, noticed, counted} or null.
 */
void status_challenge_put(struct json_writer *w, const struct status_challenge *s);

#endif
