/*
 * reconcile_join: two sets of keyed rows, compared key by key in bounded memory.
 *
 * Both sides are put aside by the hash of their key (runner/io/spill.h), in any order; rows of one
 * key meet in one part, and the parts are joined one after the other. Keys are compared byte for
 * byte, so the result is exact. Memory is two blocks a part and the distinct keys of one part,
 * RECONCILE_PART_MAX_BYTES at most; more is an error.
 *
 * Sides may be filled by two threads, one each.
 */
#ifndef ASSIZE_AUDITS_RECONCILE_JOIN_H
#define ASSIZE_AUDITS_RECONCILE_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct reconcile_tolerance;
struct spill;

#define RECONCILE_PARTS		 256
#define RECONCILE_PART_MAX_BYTES (24 * 1024 * 1024)
#define RECONCILE_SHOWN		 10

/* What is counted, in the order of the kind's values. */
enum reconcile_finding_type {
	RECONCILE_MISSING_LEFT = 0, /* keys the left side lacks */
	RECONCILE_MISSING_RIGHT,
	RECONCILE_DIFFERENT,  /* keys once on each side, whose values differ */
	RECONCILE_DUPLICATES, /* rows beyond the first of their key, of both sides */
	RECONCILE_FINDINGS
};

/* A key to show; the rows are as spilled, NULL where the side has none, and owned. */
struct reconcile_finding {
	char *left, *right;
	int64_t n_left, n_right; /* rows of this key */
};

struct reconcile_findings {
	int64_t n;					 /* in all, as counted above */
	int64_t n_keys;					 /* keys it is about */
	int64_t n_total;				 /* of how many */
	struct reconcile_finding first[RECONCILE_SHOWN]; /* smallest keys */
	size_t n_shown;
};

struct reconcile_join {
	size_t n_key, n_values;
	const struct reconcile_tolerance *tolerances; /* one a value */
	struct spill *left, *right;
	int64_t n_left, n_right; /* rows */
	struct reconcile_findings findings[RECONCILE_FINDINGS];
};

void reconcile_join_init(struct reconcile_join *j, size_t n_key, size_t n_values,
			 const struct reconcile_tolerance *tolerances);
void reconcile_join_release(struct reconcile_join *j);

/* A row of one side: its key columns, then its values, as reconcile_put_*() wrote them. */
int reconcile_join_add(struct spill *side, const char *key, size_t key_len, const char *values,
		       size_t values_len, struct err *e);

/* Once, after both sides are complete. */
int reconcile_join_run(struct reconcile_join *j, struct err *e);

/* Where the columns of a finding's row begin. */
const char *reconcile_row_columns(const char *row);

#endif
