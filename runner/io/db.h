/*
 * db: read-only sessions on audited databases; one driver file an engine (db_sqlite.c).
 *
 * Read-only by construction: the driver refuses everything but reading, see its opening comment for
 * the holes each engine's own switch leaves. A pool keeps at most source->max_connections sessions
 * a source and hands one to one thread at a time. A statement runs until the deadline (monotonic
 * ms), then fails with "took longer than ...".
 *
 * Every engine but SQLite is optional, twice: it is left out of a build without the library's
 * headers, and the library is loaded when the first session is opened (library.h), so that a
 * machine without it, and a start that needs none, pay nothing.
 *
 * Errors are ERR_MEASURE. After a failure db_missing() tells whether it was a table or a column
 * that does not exist, so that a kind may say which one is gone and which ones there are.
 */
#ifndef ASSIZE_IO_DB_H
#define ASSIZE_IO_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/io/db_catalog.h"

struct arena;
struct clock;
struct db;
struct db_pool;
struct err;
struct library_version;

/*
 * The longest row a statement may give, in bytes: the clients' libraries hold a row whole, some
 * twice. A longer one is an error before it is held wherever the library permits that.
 */
#define DB_MAX_ROW_BYTES (16 * 1024 * 1024)

enum db_type { DB_NULL = 0, DB_INT, DB_REAL, DB_TEXT, DB_BLOB };

struct db_value {
	enum db_type type;
	int64_t integer;
	double real;
	const char *text; /* TEXT (NUL terminated) and BLOB; valid until the next row */
	size_t len;
	bool is_decimal; /* REAL: text is the decimal that it was read from */
	bool is_cut;	 /* REAL: of a decimal with more digits than a double keeps */
	bool is_rounded; /* REAL: the server holds more digits than it sends (MySQL's FLOAT) */
};

struct db_row {
	size_t n;
	const struct db_value *values;
	const char *const *names;
};

/* What a session is opened on. */
struct db_source {
	enum db_engine engine;
	const char *name; /* the target's, for messages; with location it identifies the source */
	/* SQLite: an absolute path. PostgreSQL: a connection string or URI (libpq 34.1.1). MySQL:
	 * host=... port=... user=... dbname=... socket=... in the same form. ODBC: DSN=...; */
	const char *location;
	const char *password; /* NULL = none; never shown */
	int64_t max_connections;
	int64_t statement_timeout_ms; /* of one statement, below the deadline; 0 = only that */
	bool allow_writable_role;     /* else a role that could write is refused */
};

/* Called for each row; non-zero stops (1 = enough, -1 = error already in e). */
typedef int db_row_fn(void *ctx, const struct db_row *row, struct err *e);

/*
 * Before anything else uses SQLite, the record included: turns off statistics that it keeps behind
 * a lock which all threads of a scan would wait for.
 */
void db_begin_process(void);

/*
 * Is a location of a form that the engine's driver understands? Asks nobody and loads no library,
 * so it is 0 where only the library could tell, or the engine is left out.
 */
int db_check_location(enum db_engine engine, struct arena *a, const char *location, struct err *e);

struct db_pool *db_pool_new(const struct clock *clock);
void db_pool_free(struct db_pool *p);

/* Blocks while all sessions are in use, at most until the deadline. The source is copied. */
int db_acquire(struct db_pool *p, const struct db_source *source, int64_t deadline_ms,
	       struct db **out, struct err *e);
/*
 * Up to n further sessions for whoever holds one already: those that are idle or may be opened at
 * once. Never waits for another's, so that two who want more cannot wait for each other. Returns
 * how many there are; what could not be opened is not missed.
 */
size_t db_acquire_more(struct db_pool *p, const struct db_source *source, int64_t deadline_ms,
		       struct db **out, size_t n);
void db_release(struct db_pool *p, struct db *db);

/*
 * Runs one statement that only reads: SELECT, VALUES, WITH..SELECT, or a PRAGMA the driver knows to
 * be a reading one. Text parameters are bound as ?1..?n.
 */
int db_query(struct db *db, const char *sql, const char *const *params, size_t n_params,
	     int64_t deadline_ms, db_row_fn *fn, void *ctx, struct err *e);

/* Prepares only: does the engine accept it, and how many columns would it give? */
int db_prepare(struct db *db, const char *sql, size_t *n_columns, struct err *e);

/*
 * One snapshot for several statements, and for several sessions of one source: everything asked of
 * them between begin and end sees the same state of the database. 1: the engine cannot guarantee
 * that for these sessions; nothing was begun. The sessions may be used by a thread each. A
 * statement that fails leaves the snapshot as it is.
 */
int db_begin_read(struct db *const *dbs, size_t n, int64_t deadline_ms, struct err *e);
void db_end_read(struct db *const *dbs, size_t n);

enum db_engine db_engine(const struct db *db);

/* Of the client library of an engine with a server; -1: it cannot be used, or is left out. */
int db_version(enum db_engine engine, struct arena *a, struct library_version *out, struct err *e);

/* Most result columns one statement may have. */
size_t db_max_columns(const struct db *db);

/*
 * What the last failed call on this session did not find; name (may be NULL) is then the name as
 * the engine says it, without table or schema, until the next call.
 */
enum db_absence { DB_ABSENT_NOTHING = 0, DB_ABSENT_TABLE, DB_ABSENT_COLUMN };
enum db_absence db_missing(const struct db *db, const char **name);

/*
 * Are two names of tables or columns the same name to the engine? SQLite and MySQL fold ASCII case;
 * to PostgreSQL, whose names are written quoted, they are what they are.
 */
bool db_same_name(enum db_engine engine, const char *a, const char *b);

/*
 * Appends a name quoted as one identifier of the engine; db_quote_table also takes "schema.table",
 * each part as it is or in the engine's quotes, which a part with a dot needs: "a.b" in double
 * quotes, in backquotes on MySQL. (SQLite: "main" is the only schema there is, so any other dot
 * belongs to the name.)
 */
struct buf;
void db_quote(enum db_engine engine, struct buf *out, const char *name);
void db_quote_table(enum db_engine engine, struct buf *out, const char *name);
/* Is such a name, as it is written, that of a table in a schema? schema NULL = it must say none. */
bool db_names_table(enum db_engine engine, const char *written, const char *schema,
		    const char *table);
/* The table of such a name, without quotes; schema NULL = it has none. Text is in a. */
const char *db_split_table(enum db_engine engine, struct arena *a, const char *name,
			   const char **schema);

#endif
