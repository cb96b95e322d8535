/*
 * newest: what is known last of a check, for gates, for whatever tells how checks stand, and for
 * who is told of it.
 *
 * Evidence is in the arena given. One `struct newest` serves many checks: runs that overlap are
 * looked up once a run.
 */
#ifndef ASSIZE_HISTORY_NEWEST_H
#define ASSIZE_HISTORY_NEWEST_H

#include <stddef.h>
#include <stdint.h>

#include "runner/base/map.h"

struct arena;
struct check;
struct err;
struct evidence;
struct record;

struct newest {
	struct arena *arena;
	struct record *record;
	struct map overlaps; /* by number of the run */
};

/* Runs that were under way while another one was; the greatest number first. */
struct overlap {
	struct overlapping *runs;
	size_t n;
};

void newest_init(struct newest *x, struct arena *a, struct record *record);

/*
 * The newest evidence about the subject or about "any", NULL = about whatever: that of the run
 * which began last, or a failure that a run which was under way meanwhile has seen since. n = 0:
 * never measured.
 */
int newest_evidence(struct newest *x, const struct check *check, const char *subject,
		    struct evidence **out, size_t *n, struct err *e);
/* The same inside a transaction; private to runner/history. */
int store_newest(struct newest *x, const struct check *check, const char *subject,
		 struct evidence **out, size_t *n, struct err *e);
/* Private to runner/history as well. */
int newest_overlap(struct newest *x, int64_t run_id, const struct overlap **out, struct err *e);

#endif
