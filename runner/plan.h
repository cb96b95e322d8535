/*
 * plan: which probes a run will make, and in which order.
 *
 * Checks that a kind can answer together (one scan of a table, one fetch of an exposition) are
 * merged into one job; a job waits until every check it needs has passed. The plan is a pure
 * function of the definition and the selection: `assize plan` prints what `assize run` would do.
 *
 * The plan and its jobs live in the arena given; each attempt of a job has an arena of its own.
 */
#ifndef ASSIZE_RUNNER_PLAN_H
#define ASSIZE_RUNNER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/model/progress.h"

struct arena;
struct judged;
struct result;

/* A series that failed, on its way to what its kind can show of it (audit_kind.evidence). */
struct finding {
	size_t check; /* index into the job's checks */
	const struct measurement *measurement;
	struct result *result;
	const char *text; /* filled by the engine, in the job's arena; NULL = nothing to show */
};

struct job {
	const struct check **checks; /* of one probe, definition order */
	size_t *slots;		     /* slots[i]: index of checks[i] among the planned checks */
	size_t n_checks;
	int attempt;	       /* from 1 */
	const char **earlier;  /* of each check: what attempts before this gave; NULL = none */
	int64_t not_before_ms; /* monotonic; a retry waits */
	bool is_submitted;

	/* filled by the engine */
	struct arena *arena; /* of this attempt; freed by whoever takes the finished job */
	struct probe probe;
	struct progress progress; /* the owner looks while it is under way */
	const struct err *err;	  /* in arena; set: checks that emitted nothing were not measured */
	/* monotonic; an HTTP probe begins when its turn comes, though it is under way */
	_Atomic(int64_t) started_us;
	int64_t duration_us;
	int64_t measured_ms; /* wall */
	struct job *next;
	struct job *older, *newer; /* while under way */

	/* Filled by the owner: a job that is submitted with findings fetches their evidence. */
	struct judged *judged; /* of each check; NULL before that */
	bool *is_retried;      /* each check: another job has it now */
	struct finding *findings;
	size_t n_findings;
};

struct plan {
	const struct check **checks; /* definition order */
	size_t n_checks;
	struct job **jobs; /* order of their first check */
	size_t n_jobs;
	size_t n_pool_jobs;
	bool needs_http, needs_proc;
};

void plan_make(struct arena *a, const struct check *const *checks, size_t n, struct plan *out);

/* A job for some of another's checks: a retry. */
struct job *plan_retry(struct arena *a, const struct job *of, const bool *wanted);

#endif
