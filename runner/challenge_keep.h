/*
 * challenge_keep: what a challenge found goes into the record (runner/history/challenges.h), with
 * who challenged, and under which definition.
 */
#ifndef ASSIZE_RUNNER_CHALLENGE_KEEP_H
#define ASSIZE_RUNNER_CHALLENGE_KEEP_H

struct app;
struct challenged;
struct challenger;
struct definition;
struct err;
struct record;

/*
 * Of one check, as challenger_check() left it. Of one that was interrupted nothing is kept: what it
 * had no time for would look as if it could not be done.
 */
int challenge_keep(struct app *app, const struct definition *d, struct record *record,
		   struct challenger *challenger, const struct challenged *c, struct err *e);

#endif
