/*
 * scan_internal: what the scan's files tell each other; private to them.
 *
 * scan.c holds questions, answers and what kinds see of them. scan_place.c finds the
 * place of each term, scan_sql.c writes the statements,
 * scan_alone.c those of questions that cannot share one, scan_column.c knows what columns are
 * declared to hold, scan_key.c what a table can be divided by, scan_sample.c takes a sample of it,
 * scan_crew.c asks over several sessions, scan_merge.c makes one answer of what the parts say,
 * scan_segment.c tells segments apart, scan_center.c keeps deviations exact, and scan_run.c does
 * all of that in turn and finds the questions that cannot be asked.
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
/* A smaller table is read sooner than further sessions are opened. */
#define SCAN_LARGE_ROWS 100000

enum scan_shape {
	SCAN_TOGETHER, /* one row of aggregates a segment */
	SCAN_EXTREMES, /* extremes of the whole table only: subqueries, which an index answers */
	SCAN_ALONE,    /* one term that scan_is_alone(), or the percentiles of one expression */
};

/* An integer that every row has, in whose ranges the table can be read: SQLite's rowid, or a
 * primary key. */
struct scan_key {
	const char *sql; /* quoted */
	const char *name;
	int64_t min, max;
	const struct db_table *table;
};

/* What is known so far of one column of one segment. */
struct scan_cell {
	struct db_value value;
	struct db_numbers *numbers;   /* of such a column; in the arena */
	struct db_distinct *distinct; /* of another; freed with the cells */
};

/* Where in a row a term is told. */
struct scan_spot {
	size_t cell;	  /* what is told, several terms may share it; 0 = the rows' count */
	size_t column;	  /* the first of the cell's result columns, behind the keys */
	size_t n_columns; /* those the term adds to the statement: 0 = it shares another's */
	size_t place;	  /* in a column that tells several cells */
	bool is_first;	  /* of the cell */
};

/* The terms of one statement. */
struct scan_batch {
	struct scan *scan;
	enum scan_shape shape;
	bool is_split; /* asked in ranges of the key */
	struct scan_term **terms;
	size_t n;
	struct scan_spot *spots;   /* one a term; in the arena */
	size_t n_cells, n_columns; /* of all terms; the rows' count is one more of each */
	/* While it is asked: a row of cells a segment, NULL = not seen; then what went wrong. */
	struct scan_cell **cells;
	const struct err *error;
};

/* ---- scan_place.c ---- */

/* Finds the spots of the batch's terms, as many as fit into max_columns: b->n. */
void scan_place(struct scan_batch *b, size_t max_columns);
/* All result columns of the batch: keys, count, terms. */
size_t scan_all_columns(const struct scan_batch *b);
/* All terms, in the order they are asked in: batches cut from it have no gaps. In the arena. */
struct scan_term **scan_in_order(const struct scan *s);
/*
 * The longest batch from the beginning of terms (n > 0) whose terms fit into one statement of at
 * most max_columns columns.
 */
struct scan_batch scan_batch_of(struct scan *s, struct scan_term **terms, size_t n,
				size_t max_columns);
/* Is assize's own function of SQLite's sessions worth that its SQL is less known? */
bool scan_has_functions(const struct scan *s);
/* Is the term told by the numbers that all terms of its expression share? See scan_merge.c. */
bool scan_has_numbers(const struct scan *s, const struct scan_term *t);
/* Are the distinct values told by parts of the table, as long as they are few? */
bool scan_has_distinct(const struct scan *s, const struct scan_term *t);

/* ---- scan_sql.c ---- */

/* " FROM table WHERE range AND where"; range: a condition on the key, NULL = all rows. */
void scan_put_source(const struct scan *s, const char *range, struct buf *out);
/* What a column of by: is grouped by. */
void scan_put_key(const struct scan *s, const char *column, struct buf *out);
/* In the arena. range: a condition on the key, NULL = all rows. */
const char *scan_statement(const struct scan_batch *b, const char *range);

/* ---- scan_alone.c ---- */

/* Does the term need a statement that it shares with no other aggregate? */
bool scan_is_alone(const struct scan *s, const struct scan_term *t);
/* How many terms from the first one (it is alone) one statement asks. */
size_t scan_alone_together(struct scan_term *const *terms, size_t n);
void scan_put_alone(const struct scan_batch *b, struct buf *out);

/* ---- scan_key.c ---- */

/* The key there is; false: none. */
bool scan_key_of(struct scan *s, struct db *db, struct scan_key *key);
/* The key of a table that is large enough to be divided; else NULL. Finds out which expressions are
 * columns of SQLite's. */
const struct scan_key *scan_find_key(struct scan *s, struct db *db);
/* Conditions of n ranges which together hold every row once. In the arena. */
const char **scan_ranges(const struct scan *s, size_t n);

/* ---- scan_column.c: each is false, or as written, as long as the table was not looked at ---- */

/* The table, described once; NULL when it cannot be, which fails again where it is told. */
const struct db_table *scan_table(struct scan *s, struct db *db);
/* Looks at the table where texts of its columns matter. */
void scan_look(struct scan *s, struct db *db);
/* Looks at the table, once all is added, where its columns' types matter. */
void scan_know(struct scan *s, struct db *db);
/* Tells the operands that are columns of the table. */
void scan_know_columns(struct scan *s, const struct db_table *table);
/* Does the term stand for a column that is declared to hold numbers? */
bool scan_is_numeric(const struct scan_term *t);
bool scan_is_integer(const struct scan_term *t);
bool scan_is_bit(const struct scan *s, const struct scan_term *t);
/* PostgreSQL's, whose own deviation reckons in decimals: ten times as slow as in doubles. */
bool scan_is_bigint(const struct scan *s, const struct scan_term *t);
/* A FLOAT of MySQL, which sends six digits of it, and all of them as a double: + 0e0. */
bool scan_is_float(const struct scan *s, const struct scan_term *t);
/* Are the texts of the column that the term stands for ordered by their bytes? */
bool scan_is_bytewise(const struct scan *s, const struct scan_term *t);
/* The condition of a SCAN_COUNT_IF, the cheapest there is. */
const char *scan_condition(const struct scan *s, const struct scan_term *t);

/* ---- scan_sample.c ---- */

bool scan_is_sample(const char *text);
/* Sets what makes a sample of the scan, if its checks say so. */
int scan_find_sample(struct scan *s, struct db *db, struct err *e);
/* What scan_check() has to say of sample:. */
void scan_check_sample(struct keys_context *ctx, const struct check *c);

/* ---- scan_segment.c ---- */

/* The segment of a row, made when it is new. */
int scan_segment_of(struct scan *s, const struct db_value *keys, size_t *out, struct err *e);
void scan_sort_segments(struct scan *s);

/* ---- scan_merge.c ---- */

void scan_cells_init(struct scan_batch *b);
void scan_cells_release(struct scan_batch *b);
/* Adds a row of one part; values begin behind the keys. */
void scan_merge(struct scan_batch *b, size_t segment, const struct db_value *values);
/*
 * The answers of the batch, once all parts are merged. A term whose parts cannot be made into one
 * is left without an answer and listed in again (room for b->n); returns how many.
 */
size_t scan_finish(struct scan_batch *b, struct scan_term **again);

/* ---- scan_center.c ---- */

/* Finds the centers of the batch's deviations, where the engine needs them. */
void scan_find_centers(const struct scan_batch *b, struct db *db);
/* The expression less its center. */
void scan_put_centered(const struct scan_operand *o, const char *expression, struct buf *out);

/* ---- scan_crew.c ---- */

struct scan_task {
	struct scan_batch *batch;
	const char *sql;
};

/* Asks all of them, each of the sessions by a thread of its own; failures are in the batches. */
void scan_crew_run(struct scan *s, struct db *const *dbs, size_t n_dbs, struct scan_task *tasks,
		   size_t n_tasks);

/* ---- scan_run.c ---- */

/* -1: nothing could be asked (no such table, a bad filter, the deadline). Else look at the terms.
 */
int scan_run(struct scan *s, struct db *const *dbs, size_t n_dbs, struct err *e);
int scan_not_one(const struct scan_batch *b, struct err *e);

#endif
