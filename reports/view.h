/*
 * view: results grouped and compared the way every report speaks of them.
 *
 * A check is the run of neighbouring results with one name; its outcome is their join. Everything
 * is derived from a struct report, borrowed, and lives in the arena given.
 */
#ifndef ASSIZE_REPORTS_VIEW_H
#define ASSIZE_REPORTS_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/report.h"
#include "runner/base/map.h"

struct check_view {
	const struct check_info *info;
	const struct result *series;
	size_t n;
	size_t first; /* index of series[0] among the report's results */
	size_t worst; /* index into series: the one to show when only one can be */
	size_t n_not_passing;
	enum outcome outcome;
	int64_t duration_us; /* of its slowest series: they may share one probe */
};

/* Checks, not series. */
struct tally {
	size_t n_checks; /* with a result */
	size_t n_pass, n_warn, n_fail, n_undecided, n_skip;
	size_t n_flaky;	  /* of those that pass, with or without a warning */
	size_t n_missing; /* planned, and without any result */
};

struct check_view check_view(const struct result *series, size_t n, size_t first);
struct check_view *check_views(struct arena *a, const struct result *results, size_t n_results,
			       size_t *n_views);
struct tally tally(const struct check_view *views, size_t n, int64_t n_planned);

/* A key of a map by check and series: the same for no two pairs. */
const char *result_key(struct arena *a, const char *check, const char *series);

/* Results by check and series. */
struct result_index {
	struct map map;
};
void result_index_init(struct result_index *x, struct arena *a, const struct result *results,
		       size_t n);
const struct result *result_index_get(const struct result_index *x, struct arena *a,
				      const char *check, const char *series);

/* The present stretch of one outcome at the end of a trail. */
struct stretch {
	size_t n_runs;		    /* 0 = no trail */
	const struct point *first;  /* where it began */
	const struct point *before; /* the last point of another outcome, NULL = never seen */
};
struct stretch stretch(const struct point *trail, size_t n);

/* What was measured just before this run: from the trail. NULL = nothing. */
const struct point *trail_previous(const struct report *r, size_t result_index);

/* The newest decision made on the run, NULL = none. */
const struct decision *report_decision(const struct report *r);
/* That decision, where it was made under another definition than the run; else NULL. */
const struct decision *report_decided_otherwise(const struct report *r);

/* Did the run measure nothing, and the gate open on what others did: a budget, say? */
bool report_rests_on_others(const struct report *r);

/* Was the same gate asked again about the same subject, on this run? */
bool decision_is_superseded(const struct report *r, const struct decision *d);

/*
 * What keeps the run from passing and no series tells: no end, checks without a result, nothing
 * measured, nothing but skipped. NULL = nothing. Every format shows it as something that does not
 * pass, so that none is green where the exit status of the run is not 0.
 */
const char *report_problem(struct arena *a, const struct report *r);

/*
 * Where a file of a definition lies, for a CI system: it looks from the top of what it checked out.
 * What was read from a commit (git:REF:PATH) is recorded by its path from there. "" = unknown.
 */
const char *report_place(struct arena *a, const struct report *r, const char *file);

/*
 * What a step of a release that is proven warns of: no series of its check tells, for that passes.
 * What is said of one that is not proven is in the evidence of its check.
 */
bool restoration_step_warns(const struct restoration *r, const struct restoration_step *s);

/* Of the last decision if there is one, else of the run. */
int report_exit_status(const struct report *r);

/* "waived by W-12 until 2026-12-04T09:00:00Z, owner platform, ticket OPS-417: the reason", foreign
 * text as it is. */
void waived_put(struct buf *out, const struct waived *w);
/* "overridden by jane until 2026-12-04T09:00:00Z (override 3): the reason", the same. */
void override_put(struct buf *out, const struct override *o);

/* Exit status a decision stands for: 0 open, 1 disproved, 2 anything else. */
int decision_exit_status(const struct decision *d);

/* Does the reason add anything to value and bound, which are shown beside it? */
bool result_has_remark(const struct result *r);

/*
 * For showing the worst first, and for nothing else: 4 what is disproved, 3 what is undecided, 2
 * skipped, 1 a warning, 0 a pass.
 */
int outcome_rank(enum outcome o);

/* "FAIL", "undecided", "pass": how an outcome is written for people. */
const char *outcome_word(enum outcome o);

#endif
