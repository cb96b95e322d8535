/*
 * challenge: attacks checks one after the other and says what each of them noticed.
 *
 * Nothing of it is evidence: no run is recorded, and no gate ever reads what a check said of a
 * damaged world. A check is challenged alone, without retries and without what it needs; its
 * baseline must pass first, in the same way of asking.
 */
#ifndef ASSIZE_RUNNER_CHALLENGE_H
#define ASSIZE_RUNNER_CHALLENGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "runner/model/challenge.h"

struct app;
struct arena;
struct challenger;
struct definition;
struct record;

/* Executions that the smallest noticed dose of an attack may cost. */
#define CHALLENGE_MAX_STEPS 15

struct challenger_request {
	struct app *app;
	struct arena *arena; /* of what is told of the checks: the challenging thread's */
	const struct definition *definition;
	struct record *record;		   /* open, for `within`; NULL = there is none */
	const struct check *const *checks; /* all that will be challenged */
	size_t n_checks;
	bool is_survey; /* no attack is made, only told what would be */
	/*
	 * MAY be NULL. Before each attack: which of how many; attack NULL = the baseline. On the
	 * thread that challenges.
	 */
	void (*tell)(void *ctx, const struct check *c, const struct attack *a, size_t i, size_t n);
	void *tell_ctx;
};

int challenger_new(const struct challenger_request *req, struct challenger **out, struct err *e);
void challenger_free(struct challenger *c);
/*
 * In its place while challenger_check() hangs on another thread: removes what it has on disk, and
 * leaves the rest to the end of the process.
 */
void challenger_abandon(struct challenger *c);

/*
 * Set once, from any thread: what is under way ends soon, the rest is inconclusive, and checks that
 * come later are not challenged.
 */
atomic_bool *challenger_interrupt(struct challenger *c);

/*
 * Challenges one of the checks. That it cannot be challenged is an answer (out->reason); -1 only
 * when the record or the machine fails. Text lives in the request's arena.
 */
int challenger_check(struct challenger *c, const struct check *check, struct challenged *out,
		     struct err *e);

#endif
