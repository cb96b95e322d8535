/*
 * challenge_self: assize itself must turn red.
 *
 * Each sabotage has a world of its own: a private directory with a small definition, a gate and a
 * record that the program under attack makes there, as a child with an environment of its own. The
 * unharmed world must pass first, or the sabotage means nothing; then one thing is damaged, and the
 * same question must not be answered with 0. What turns red for another reason than the damage is
 * inconclusive.
 *
 * A clock that was set back is told by moving all moments in the record ahead instead: what a
 * program can see of it is the same, and assize has no option for another clock.
 */
#ifndef ASSIZE_RUNNER_CHALLENGE_SELF_H
#define ASSIZE_RUNNER_CHALLENGE_SELF_H

#include <stdatomic.h>

#include "runner/model/challenge.h"

struct app;

struct self_request {
	struct app *app;
	const char *program;		   /* absolute: what is attacked */
	const atomic_bool *is_interrupted; /* MAY be NULL: the rest is inconclusive */
	/* MAY be NULL. Before each sabotage: which of how many. */
	void (*tell)(void *ctx, const struct attack_row *row, size_t i, size_t n);
	void *tell_ctx;
};

/* The executable that runs now, in the app's arena. -1: nobody knows. */
int challenge_self_program(struct app *app, const char **out, struct err *e);

/* What stands for a check: "assize". */
const struct check_info *challenge_self_info(void);

/*
 * Makes every sabotage. out is like that of a check called "assize", its text lives in the app's
 * arena. -1 only when the machine fails. proc_start_helper() must have been called.
 */
int challenge_self(const struct self_request *req, struct challenged *out, struct err *e);

#endif
