/*
 * trail: the past of a series, as it is read. Private to runner/history; inside a transaction.
 */
#ifndef ASSIZE_HISTORY_TRAIL_H
#define ASSIZE_HISTORY_TRAIL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/history/store.h"

/* The shared part of the row last read. */
struct trail_shared {
	int64_t facts_id;
	enum outcome outcome;
	const char *unit, *bound;
	bool has_limit, has_share, is_whole;
	double limit, share;
	unsigned char hash[SHA256_BYTES]; /* of the check's definition */
};

/* What was read of a series, newest first. */
struct trail {
	int64_t check_id;
	int64_t series_id; /* 0 = never seen: it has no points */
	int64_t whole_id;  /* the check's series "": of runs that have no other; 0 = none */
	bool is_whole;	   /* it is that one, and the check has others */
	size_t n_series;   /* of the check; where is_whole */
	struct point *points;
	size_t n, cap;
	struct trail_shared shared;
};

/* What a walk is about. */
struct trail_walk {
	int64_t since_ms;    /* of measured_ms; INT64_MIN = all */
	int64_t last_run_id; /* inclusive */
	size_t limit;	     /* of all its points; 0 = none */
};

/* -1 error, 0 such a series was never seen, 1 found. */
int trail_find(struct record *r, const char *check, const char *series, struct trail *out,
	       struct err *e);
/* From w->last_run_id on to older ones, until t is full. */
int trail_walk(struct record *r, struct arena *a, const struct trail_walk *w, struct trail *t,
	       struct err *e);
bool trail_is_full(const struct trail *t, size_t limit);
void trail_reverse(struct point *points, size_t n);

/* Columns of a row that trail_add() understands, from 0 on; `x` names results, `r` runs. */
#define TRAIL_COLUMNS                                                                              \
	"x.facts_id, x.value, x.n, x.own_limit, x.room, x.at_ms, r.id, r.begin_ms, r.subject"
enum trail_column {
	TRAIL_FACTS,
	TRAIL_VALUE,
	TRAIL_COUNTS,
	TRAIL_LIMIT,
	TRAIL_ROOM,
	TRAIL_AT,
	TRAIL_RUN,
	TRAIL_BEGIN,
	TRAIL_SUBJECT,
	TRAIL_N_COLUMNS,
};
/* One that was measured before since_ms is left out. */
int trail_add(struct record *r, struct arena *a, sqlite3_stmt *s, struct last_text *subject,
	      int64_t since_ms, struct trail *t, struct err *e);

#endif
