/*
 * challenge_keep: what a challenge found goes into the record (runner/history/challenges.h), with
 * who challenged, and under which definition.
 */
#ifndef ASSIZE_RUNNER_CHALLENGE_KEEP_H
#define ASSIZE_RUNNER_CHALLENGE_KEEP_H

struct app;
struct challenge_origin;
struct challenged;
struct challenger;
struct clock;
struct definition;
struct err;
struct record;

/* Once, before the first check; text lives in the app's arena. */
void challenge_keep_begin(struct app *app, const struct definition *d,
			  struct challenge_origin *out);

/*
 * Of one check, as challenger_check() left it, on the thread that challenges. Of one that was
 * interrupted nothing is kept: what it had no time for would look as if it could not be done.
 */
int challenge_keep(struct record *record, const struct clock *clock,
		   const struct challenge_origin *origin, struct challenger *challenger,
		   const struct challenged *c, struct err *e);

#endif
