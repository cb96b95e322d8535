/*
 * db: read-only sessions on audited databases; one driver file an engine (db_sqlite.c).
 *
 * Read-only by construction: the driver refuses everything but reading, see its opening comment for
 * the holes each engine's own switch leaves. A pool keeps at most target->max_connections sessions a
 * target and hands one to one thread at a time. A statement runs until the deadline (monotonic ms),
 * then fails with "took longer than ...".
 *
 * Errors are ERR_MEASURE. Database objects that do not exist are reported with has_missing set, so
 * that a kind may say which table or column is gone.
 */
#ifndef ASSIZE_IO_DB_H
#define ASSIZE_IO_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct clock;
struct db;
struct db_pool;
struct err;

enum db_type { DB_NULL = 0, DB_INT, DB_REAL, DB_TEXT, DB_BLOB };

struct db_value {
	enum db_type type;
	int64_t integer;
	double real;
	const char *text; /* TEXT and BLOB; NUL terminated; valid until the next row */
	size_t len;
};

struct db_row {
	size_t n;
	const struct db_value *values;
	const char *const *names;
};

/* Called for each row; non-zero stops (1 = enough, -1 = error already in e). */
typedef int db_row_fn(void *ctx, const struct db_row *row, struct err *e);

struct db_pool *db_pool_new(const struct clock *clock);
void db_pool_free(struct db_pool *p);

/*
 * target_key identifies the target (its name); location as in the definition. Blocks while all
 * sessions are in use, at most until the deadline.
 */
int db_acquire(struct db_pool *p, const char *target_key, const char *location,
	       int64_t max_connections, int64_t deadline_ms, struct db **out, struct err *e);
void db_release(struct db_pool *p, struct db *db);

/*
 * Runs one statement. text must be a single SELECT, VALUES, WITH..SELECT (or the driver's own PRAGMA reads
 * through db_pragma). Text parameters are bound as ?1..?n.
 */
int db_query(struct db *db, const char *sql, const char *const *params, size_t n_params,
	     int64_t deadline_ms, db_row_fn *fn, void *ctx, struct err *e);

/* Prepares only: does the engine accept it, and how many columns would it give? */
int db_prepare(struct db *db, const char *sql, size_t *n_columns, struct err *e);

/* Most result columns one statement may have. */
size_t db_max_columns(const struct db *db);

#endif
