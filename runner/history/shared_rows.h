/*
 * shared_rows: whether the rows of a change are those of its leaves. Private to shared.
 *
 * Everybody who may write to a record may append to its log, and whoever appends may put any row
 * into a change. What makes a row evidence is the leaf it was hashed into, so a row that no leaf of
 * the change has is not taken, nor one that changes what leaves before it were made of, nor a cache
 * that says something else than the leaves do. Work under way (locks, what was told, what waits to
 * be sent) and checkpoints, which are signed, may change as they like: no gate opens by them.
 */
#ifndef ASSIZE_HISTORY_SHARED_ROWS_H
#define ASSIZE_HISTORY_SHARED_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/history/id_map.h"
#include "runner/history/store.h"

struct arena;
struct err;
struct leaf;
struct record;

/* ---- shared_caches.c: what follows from the leaves of one change ---- */

struct shared_leaves {
	struct record *r;
	struct arena *arena;
	int64_t last_text; /* of before */
	int64_t *results;  /* ids of those that have a leaf, in order of the leaves */
	size_t n_results, cap_results;
	/* the present batch */
	bool has_batch;
	struct run_place place;
	int64_t batch, subject;
	struct id_map news; /* check -> struct standing_news */
	int64_t *touched;
	size_t n_touched, cap_touched;
};

/* Before its rows are applied. */
int shared_leaves_begin(struct shared_leaves *x, struct record *r, struct arena *a, struct err *e);
int shared_leaves_take(void *ctx, const struct leaf *leaf, struct err *e); /* ledger_follow()'s */
/* from: the first of them. */
int shared_leaves_end(struct shared_leaves *x, int64_t from, struct err *e);

/* ---- shared_rows.c ---- */

/* Is this table computed from the leaves, and not to be taken from the log? */
bool shared_is_cache(const char *table);
/*
 * After the rows of a change were applied, its caches computed, and its leaves found to be from <=
 * seq < to: *is_so = each row is one of those leaves', and each cache as it was computed.
 */
int shared_rows_agree(const struct shared_leaves *x, const void *bytes, size_t n, int64_t from,
		      int64_t to, bool *is_so, struct err *e);

#endif
