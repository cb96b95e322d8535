/*
 * ruling: what the decision a report is about makes of a failure that the report shows.
 *
 * The report of a gate is about that gate, the one of the newest decision (report_decision()): its
 * exit status is that one's. What the gate does not require, and what other gates decided, is shown
 * beside it and stops nobody; what it let through is told with who let it. Whatever keeps the gate
 * shut, and every failure of a report without a decision, has no ruling: it stays a failure.
 *
 * Borrows from the report; texts live in the arena given to ruling_index_init().
 */
#ifndef ASSIZE_REPORTS_RULING_H
#define ASSIZE_REPORTS_RULING_H

#include <stdbool.h>

#include "reports/report.h"
#include "runner/base/map.h"

struct arena;
struct buf;

/* At most one is set; none = the failure counts. */
struct ruling {
	const struct waived *waived;	 /* a waiver let it through */
	const struct override *override; /* the gate was overridden, in spite of it */
	const char *aside;		 /* why the gate does not mind it; foreign text as it is */
};

struct ruling_index {
	struct arena *arena;
	const struct report *report;
	const struct decision *decision; /* what the report is about; NULL = the run alone */
	struct map waived;		 /* by check and series */
	struct map lines;		 /* of each check a line, a hard one if it has one */
};

void ruling_index_init(struct ruling_index *x, struct arena *a, const struct report *r);

/* Of a series that failed or is undecided; of all others none. */
struct ruling ruling_of_series(const struct ruling_index *x, const struct result *s);
/* Of a shut gate. */
struct ruling ruling_of_decision(const struct ruling_index *x, const struct decision *d);
/* Of what keeps the run from passing and no series tells (report_problem()). */
struct ruling ruling_of_run(const struct ruling_index *x);

bool ruling_is_none(const struct ruling *x);
/* Was it let through by somebody who is named? */
bool ruling_lets_through(const struct ruling *x);
/* "waived by ...", "overridden by ..." or why it is set aside, foreign text as it is; "" = none. */
void ruling_put(struct buf *out, const struct ruling *x);

#endif
