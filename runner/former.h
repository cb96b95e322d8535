/*
 * former: what the runner answers when the rollback room asks for checks of a tag's own definition
 * (runner/model/former.h).
 *
 * The definition is loaded from the restored tree, with today's targets in place of its own, and
 * each check is probed and judged as in any run. Nothing is recorded here but in the restoration:
 * these are not results of today's checks. Called on a probe's thread.
 */
#ifndef ASSIZE_RUNNER_FORMER_H
#define ASSIZE_RUNNER_FORMER_H

#include "runner/model/former.h"

struct app;
struct audit_kind;
struct probe_world;

/* The ctx of former_run(). Borrows both. */
struct former_asker {
	const struct app *app;
	const struct probe_world *world;
};

former_fn former_run;

#endif
