/*
 * scan: all checks of table quality on one table and filter, asked in one aggregate query.
 *
 * A kind adds the aggregate expressions it needs (equal text is asked once), the scan runs them in
 * as few statements as the engine's column limit allows, and the kind turns what came back into
 * measurements. A bad expression costs its own answer only: 199 good ones and a bad one are 199
 * answers and one error. Everything lives in the arena of the probe.
 *
 * A kind that compiles to a scan puts struct scan_spec first in its spec, sets `part` in check(),
 * and uses scan_merge_key, scan_describe and scan_probe in its row.
 */
#ifndef ASSIZE_AUDITS_SCAN_H
#define ASSIZE_AUDITS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/io/db.h"
#include "runner/model/keys.h"

struct arena;
struct buf;
struct check;
struct measurement;
struct probe;
struct scan;

/* What one kind adds to a scan and makes of it; check is an index into the probe's checks. */
struct scan_part {
	void (*add)(struct scan *s, const struct check *c);
	void (*emit)(struct probe *p, size_t check, struct scan *s);
};

struct scan_spec {
	const char *table, *where;
	const struct scan_part *part;
};

/* The two rows every such kind begins with. */
#define SCAN_KEYS                                                                                  \
	{.name = "table",                                                                          \
	 .type = KEY_TEXT,                                                                         \
	 .flags = KEY_REQUIRED,                                                                    \
	 .offset = offsetof(struct scan_spec, table),                                              \
	 .help = "table or view",                                                                  \
	 .example = "orders"},                                                                     \
	{                                                                                          \
		.name = "where", .type = KEY_TEXT, .offset = offsetof(struct scan_spec, where),    \
		.help = "only rows for which this SQL condition holds",                            \
		.example = "state = 'paid'"                                                        \
	}

/* One aggregate expression and its answer. */
struct scan_term {
	const char *sql;
	bool is_extreme; /* max() or min() of a column: an index answers it */
	bool is_bad;	 /* could not be asked; error says why */
	struct err error;
	struct db_value value;
	int64_t n_rows; /* rows in the same snapshot; -1 = not counted, there are some */
};

struct scan {
	struct probe *probe;
	enum db_engine engine;
	const char *table, *where; /* where NULL = all rows */
	struct scan_term **terms;
	size_t n, cap;
	struct map by_sql;
	bool needs_count; /* somebody asks how many rows there are */
	int64_t n_rows;	  /* as a term's, of the last statement */
};

void scan_init(struct scan *s, struct probe *p, const char *table, const char *where);
/* Adds function(column); both are borrowed for the call. */
void scan_add(struct scan *s, const char *function, const char *column);
/* A term that was added. */
const struct scan_term *scan_find(const struct scan *s, const char *function, const char *column);
/* The statement that asks one term alone, or only counts the rows (NULL): to keep with a value. */
const char *scan_sql(const struct scan *s, const struct scan_term *term);
/* No measurement, because this term is_bad. */
struct measurement scan_no_measurement(const struct scan *s, const struct scan_term *term);

/* -1: nothing could be asked (no such table, a bad filter, the deadline). Else look at the terms.
 */
int scan_run(struct scan *s, struct db *db, struct err *e);

const char *scan_merge_key(struct arena *a, const struct check *c);
void scan_describe(struct probe *p, struct buf *out);
int scan_probe(struct probe *p, struct err *e);

#endif
