/*
 * scan_internal: what the scan's files tell each other; private to them.
 *
 * scan.c holds questions, answers and what kinds see of them; scan_sql.c writes the statements;
 * scan_run.c asks them and finds the bad ones.
 */
#ifndef ASSIZE_AUDITS_SCAN_INTERNAL_H
#define ASSIZE_AUDITS_SCAN_INTERNAL_H

#include "audits/scan.h"

/* Below every engine's limit on result columns (SQLite 2,000, PostgreSQL 1,664, MySQL 4,096). */
#define SCAN_MAX_COLUMNS 1600
/* More is a list, not a comparison of segments; it also bounds the memory. */
#define SCAN_MAX_SEGMENTS 1000
/* Segments times terms. */
#define SCAN_MAX_ANSWERS 400000
/* Most columns one term takes. */
#define SCAN_TERM_COLUMNS 3

enum scan_shape {
	SCAN_TOGETHER, /* one row of aggregates a segment */
	SCAN_EXTREMES, /* extremes of the whole table only: subqueries, which an index answers */
	SCAN_VALUES,   /* one SCAN_DISTINCT */
};

/* The terms of one statement. */
struct scan_batch {
	struct scan *scan;
	enum scan_shape shape;
	struct scan_term **terms;
	size_t n;
};

/* ---- scan_sql.c ---- */

/* Result columns a term takes in a statement of SCAN_TOGETHER; 0 = the rows' own count. */
size_t scan_columns(const struct scan *s, const struct scan_term *t);
/*
 * The longest batch from the beginning of terms (n > 0) whose terms fit into one statement of at
 * most max_columns columns.
 */
struct scan_batch scan_batch_of(struct scan *s, struct scan_term **terms, size_t n,
				size_t max_columns);
/* All terms, in the order they are asked in: batches cut from it have no gaps. In the arena. */
struct scan_term **scan_in_order(const struct scan *s);
/* In the arena. */
const char *scan_statement(const struct scan_batch *b);

/* ---- scan_run.c ---- */

/* -1: nothing could be asked (no such table, a bad filter, the deadline). Else look at the terms.
 */
int scan_run(struct scan *s, struct db *db, struct err *e);

#endif
