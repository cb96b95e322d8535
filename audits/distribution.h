/*
 * distribution: the spec of kind distribution, what is counted and what it is compared with;
 * private to distribution*.c and the command that captures a baseline.
 */
#ifndef ASSIZE_AUDITS_DISTRIBUTION_H
#define ASSIZE_AUDITS_DISTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/map.h"
#include "runner/base/pairs.h"
#include "runner/io/db.h"

struct arena;
struct buf;
struct check;
struct err;
struct keys_context;
struct probe;

#define DISTRIBUTION_MAX_CELLS 1000
#define DISTRIBUTION_MAX_BINS  100

struct distribution_bins {
	struct texts edges;
	int64_t equal, quantiles; /* 0 = not these */
};

struct distribution_spec {
	const char *table, *column, *expression, *where;
	struct distribution_bins bins;
	struct pairs baseline;
	const char *baseline_file, *baseline_where;
	int64_t min_rows;
	/* set by check() */
	double *edges;
	size_t n_edges;
	double *shares; /* one a pair of baseline */
	bool are_counts;
};

/* A category, or the rows between two edges. */
struct distribution_cell {
	const char *name; /* as shown and as written in a baseline; NULL is "NULL" */
	double rows, baseline;
};

struct distribution {
	struct arena *arena;
	struct distribution_cell *cells;
	size_t n, cap;
	struct map by_name;
	double *edges; /* NULL = categories */
	size_t n_edges;
	double n_rows, n_baseline;    /* rows; n_baseline -1 = shares, of unknown many */
	const struct db_table *table; /* as far as its columns matter; NULL = not looked at */
	const char *sql;	      /* what was asked last */
};

void distribution_init(struct distribution *d, struct arena *a, const struct distribution_spec *s);
struct distribution_cell *distribution_cell(struct distribution *d, const char *name);

/* distribution_ask.c: one grouped statement, after one for the edges where bins ask for them. */
const char *distribution_sql(struct arena *a, enum db_engine engine,
			     const struct distribution_spec *s, const struct distribution *d);
const char *distribution_edges_sql(struct arena *a, enum db_engine engine,
				   const struct distribution_spec *s, const struct db_table *table);
/* Do the edges come from the rows? */
bool distribution_finds_edges(const struct distribution_spec *s);
int distribution_ask(struct probe *p, struct db *db, const struct distribution_spec *s,
		     struct distribution *d, struct err *e);

/* distribution_baseline.c: what is written in the definition, and files. */
void distribution_check_baseline(struct keys_context *ctx, const struct check *c,
				 struct distribution_spec *s);
void distribution_written(struct distribution *d, const struct distribution_spec *s);
int distribution_read_file(struct distribution *d, const struct check *c, struct err *e);
void distribution_write(struct buf *out, const struct check *c, const struct distribution *d);

/* Asks for the present distribution alone; edges come from it. For `assize baseline`. */
int distribution_capture(struct probe *p, struct distribution *d, struct err *e);

#endif
