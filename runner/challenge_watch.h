/*
 * challenge_watch: challenges checks on a thread of its own, which records what it found unless it
 * is a survey, while the owner looks at signals and shows what is under way.
 *
 * After a signal what is under way gets a moment to end; when it hangs, its thread is left behind
 * (app->is_abandoning), and a second signal does not wait for it.
 */
#ifndef ASSIZE_RUNNER_CHALLENGE_WATCH_H
#define ASSIZE_RUNNER_CHALLENGE_WATCH_H

#include <stddef.h>

#include "runner/challenge.h"

struct terminal;

struct challenge_watch {
	struct challenger_request challenge; /* arena and tell are the watch's */
	/* Set: assize challenges itself (challenge_self.h), and of challenge only app is set. */
	const char *self_program;
	struct terminal *terminal; /* MAY be NULL: nothing is shown */
	/* MAY be NULL. After each check that was come to, in order, on the caller's thread. */
	void (*on_done)(void *ctx, const struct challenged *c);
	void *on_done_ctx;
};

/*
 * *out has one of each of *n checks, in the app's arena; those that were not come to say so.
 * *signal: the one that ended it, 0 = none. -1: the record or the machine failed.
 */
int challenge_watch(struct challenge_watch *w, struct challenged **out, size_t *n, int *signal,
		    struct err *e);

#endif
