/*
 * days: how the results of a series came out, counted by day. Private to runner/history.
 *
 * `days` is a cache beside the results (schema.c), written with them: a year of a series is 365
 * rows there and as many pages as runs in `results`. A verification holds it against them by sums
 * of a keyed hash over both, as multisets are compared (Bellare, Micciancio 1997, "A New Paradigm
 * for Collision-Free Hashing", additive form). The hash is SplitMix64 under a key that nobody knew
 * before that verification; counts and ids no result can make are refused first. Memory is
 * constant, whatever the number of days.
 */
#ifndef ASSIZE_HISTORY_DAYS_H
#define ASSIZE_HISTORY_DAYS_H

#include <stdbool.h>
#include <stdint.h>

#include "runner/model/outcome.h"

struct err;
struct record;

/* The row of what was measured then; series is its id, or the id of a result of it. */
int64_t days_id(int64_t measured_ms, int64_t series);
/* One more; inside a transaction that writes. */
int days_count(struct record *r, int64_t id, enum outcome outcome, struct err *e);

struct days_sum {
	uint64_t key, sum[2];
	int64_t n; /* how many were added */
};

void days_begin(struct days_sum *s);
/* id is one of days_id(), n is not negative. */
void days_add(struct days_sum *s, int64_t id, enum outcome outcome, int64_t n);
/* s is of all results: does the table say the same, and nothing that no result can make it say? */
int days_agree(struct record *r, const struct days_sum *s, bool *is_so, struct err *e);

#endif
