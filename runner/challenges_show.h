/*
 * challenges_show: what checks noticed when they were challenged, and when.
 *
 * With --json "challenges/1": challenges [], newest first: id, check, at_ms (it began),
 * recorded_ms, duration_us, subject, reason and help (why it was not challenged; null = it was),
 * score and counts as in the JSON of assize challenge (reports/challenge.h), check_sha256 (the
 * check's definition), definition_sha256, definition_file, commit, is_dirty, host, user, version,
 * merge (that brought it; null = it was made here). Of a check that is named the newest has its
 * attacks [] as well.
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
