/*
 * db_sqlite: one session, shared by the db_sqlite files; private to them.
 *
 * db_sqlite.c opens sessions and runs statements, _guard.c is what makes them read-only, _file.c
 * looks at the file beforehand, _snapshot.c gives several statements and sessions one state,
 * _error.c says what went wrong, _catalog.c reads the schema, for what only its statements say with
 * _ddl.c and _sql.c; _matches.c adds regular expressions, _values.c questions about one value, and
 * _numbers.c aggregates.
 */
#ifndef ASSIZE_IO_DB_SQLITE_H
#define ASSIZE_IO_DB_SQLITE_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "runner/io/db_driver.h"

struct clock;
struct err;

struct sqlite_db {
	struct db db; /* first: a struct db * of ours is a struct sqlite_db * */
	sqlite3 *handle;
	const struct clock *clock;
	char *location;
	int64_t started_ms, deadline_ms; /* of the call under way */
	bool is_late;			 /* the deadline ended it */
	bool was_locked;		 /* ... while waiting for another program's lock */
	bool is_own;			 /* the driver's own query */
	bool is_reading;		 /* between begin_read and end_read */
	bool is_watching;		 /* held without a transaction: nobody may write */
	int64_t version;		 /* PRAGMA data_version while is_watching */
	char denied[160];		 /* what the authorizer refused first, in words */
	struct db_value *values;
	const char **names;
	size_t cap;
};

/* _guard.c: all protections; -1 = one could not be set up, and then none of them counts. */
int sqlite_protect(struct sqlite_db *s);

/* _matches.c: the function assize_matches(pattern, value). */
int sqlite_add_matches(struct sqlite_db *s);

/* _values.c: the functions assize_in(x, set) and assize_length(x). */
int sqlite_add_values(struct sqlite_db *s);

/* _numbers.c: the aggregates assize_numbers(asked, x, ...) and assize_distinct(x). */
int sqlite_add_numbers(struct sqlite_db *s);

/* Is the call under way past its deadline? Then it fails for that reason. */
bool sqlite_is_late(struct sqlite_db *s);

/* _file.c: struct db_driver's preflight. */
int sqlite_preflight(const char *location, struct err *e);

/* _error.c: turns the handle's last error into a message. Always -1. */
int sqlite_fail(struct sqlite_db *s, struct err *e);
int sqlite_fail_wal(const char *location, struct err *e);

/* A query of the driver's own: virtual tables may prepare (never run) what their constructors need.
 */
int sqlite_own_query(struct db *db, const char *sql, const char *const *params, size_t n_params,
		     int64_t deadline_ms, db_row_fn *fn, void *ctx, struct err *e);

/* _snapshot.c: struct db_driver's, and a look at a session before it is asked. */
int sqlite_begin_read(struct db *const *dbs, size_t n, int64_t deadline_ms, struct err *e);
void sqlite_end_read(struct db *db);
bool sqlite_has_snapshot(const struct sqlite_db *s);
int sqlite_hold(struct db *db, int64_t deadline_ms, struct err *e);
/* Behind a statement: is the state the one that is held? */
int sqlite_check_state(struct sqlite_db *s, int64_t deadline_ms, struct err *e);

/* _catalog.c */
int sqlite_objects(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
		   size_t *n, struct err *e);
int sqlite_describe(struct db *db, struct arena *a, const char *name, int64_t deadline_ms,
		    struct db_table *out, struct err *e);
int sqlite_catalog(struct db *db, struct arena *a, const struct db_wanted *wanted,
		   int64_t deadline_ms, struct db_catalog *out, struct err *e);

#endif
