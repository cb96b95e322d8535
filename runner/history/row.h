/*
 * row: one row of `results` <-> struct result. Private to runner/history.
 *
 * A row holds only what is a result's own; what it shares with others of its series (struct facts)
 * is read once per query and kept in a cache, which borrows the record and lives in the arena
 * given.
 */
#ifndef ASSIZE_HISTORY_ROW_H
#define ASSIZE_HISTORY_ROW_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "runner/history/store.h"

struct facts_cache;

struct facts_cache *facts_cache_new(struct record *r, struct arena *a);

/* Columns of a query that row_read() understands, from column 0 on; `x` names results. */
#define ROW_COLUMNS   "x.facts_id, x.value, x.n, x.own_limit, x.room, x.at_ms, x.duration_us"
#define ROW_N_COLUMNS 7

/* Everything but the series' name; text in the cache's arena. begin_ms is the run's. */
int row_read(struct facts_cache *c, sqlite3_stmt *s, int64_t begin_ms, struct result *out,
	     struct err *e);

/* What rows of definitions and facts stand for; NULL and -1 where there is no such row. */
const struct check_info *row_definition(struct facts_cache *c, int64_t id, struct err *e);
/* As a result without numbers of its own, but whole and derived as those of its facts are. */
int row_facts(struct facts_cache *c, int64_t id, struct result *out, bool *has_share,
	      struct err *e);

struct row {
	int64_t id; /* run << 24 | series */
	int64_t facts_id;
	double usual_limit;
	int64_t begin_ms;
	const struct result *result;
};
int row_insert(struct record *r, const struct row *row, struct err *e);

/* A result on its way into definition order: checks together, their series as they were given. */
struct row_placed {
	int64_t check_id, place, id;
	struct result result;
};
int row_compare_placed(const void *a, const void *b);

/* The parts of a row that take thought, shared with the series reader. */
bool row_has_derived_share(const struct result *x);
bool row_is_whole(const struct result *x); /* n_total is n */
struct value row_value(sqlite3_stmt *s, int at, struct arena *a);
double row_derived_share(const struct value *v, int64_t n_total);
double row_room(sqlite3_stmt *s, int at, const struct value *v, double share, double limit);
void row_counts(sqlite3_stmt *s, int at, bool is_whole, int64_t *n, int64_t *n_total);

#endif
