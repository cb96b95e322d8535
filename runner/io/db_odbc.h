/*
 * db_odbc: one session through unixODBC, shared by the db_odbc files; private to them.
 *
 * db_odbc.c opens sessions and runs statements, _client.c loads the driver manager, _row.c reads
 * rows, _privileges.c refuses roles that could write, _error.c says what went wrong, _catalog.c
 * reads the schema.
 */
#ifndef ASSIZE_IO_DB_ODBC_H
#define ASSIZE_IO_DB_ODBC_H

#include <stdbool.h>
#include <stdint.h>

#include <sql.h>
#include <sqlext.h>

#include "runner/base/buf.h"
#include "runner/io/db_driver.h"
#include "runner/io/db_watch.h"

struct arena;
struct clock;
struct err;
struct library_version;

/* _client.c: the functions of the driver manager which are called. Text goes as UTF-16. */
struct odbc_client {
	SQLRETURN (*alloc)(SQLSMALLINT, SQLHANDLE, SQLHANDLE *);
	SQLRETURN (*free)(SQLSMALLINT, SQLHANDLE);
	SQLRETURN (*set_env)(SQLHENV, SQLINTEGER, SQLPOINTER, SQLINTEGER);
	SQLRETURN (*set_connection)(SQLHDBC, SQLINTEGER, SQLPOINTER, SQLINTEGER);
	SQLRETURN (*set_statement)(SQLHSTMT, SQLINTEGER, SQLPOINTER, SQLINTEGER);
	SQLRETURN(*connect)
	(SQLHDBC, SQLHWND, SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT, SQLSMALLINT *,
	 SQLUSMALLINT);
	SQLRETURN (*disconnect)(SQLHDBC);
	SQLRETURN (*get_info)(SQLHDBC, SQLUSMALLINT, SQLPOINTER, SQLSMALLINT, SQLSMALLINT *);
	SQLRETURN (*execute)(SQLHSTMT, SQLWCHAR *, SQLINTEGER);
	SQLRETURN (*prepare)(SQLHSTMT, SQLWCHAR *, SQLINTEGER);
	SQLRETURN (*column_count)(SQLHSTMT, SQLSMALLINT *);
	SQLRETURN(*describe)
	(SQLHSTMT, SQLUSMALLINT, SQLWCHAR *, SQLSMALLINT, SQLSMALLINT *, SQLSMALLINT *, SQLULEN *,
	 SQLSMALLINT *, SQLSMALLINT *);
	SQLRETURN (*fetch)(SQLHSTMT);
	SQLRETURN (*get_data)(SQLHSTMT, SQLUSMALLINT, SQLSMALLINT, SQLPOINTER, SQLLEN, SQLLEN *);
	SQLRETURN(*diagnosis)
	(SQLSMALLINT, SQLHANDLE, SQLSMALLINT, SQLWCHAR *, SQLINTEGER *, SQLWCHAR *, SQLSMALLINT,
	 SQLSMALLINT *);
	SQLRETURN (*cancel)(SQLHSTMT);
	SQLRETURN (*end)(SQLSMALLINT, SQLHANDLE, SQLSMALLINT);
	SQLRETURN(*tables)
	(SQLHSTMT, SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT,
	 SQLWCHAR *, SQLSMALLINT);
	SQLRETURN(*columns)
	(SQLHSTMT, SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT,
	 SQLWCHAR *, SQLSMALLINT);
	SQLRETURN(*primary_keys)
	(SQLHSTMT, SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT);
	SQLRETURN(*statistics)
	(SQLHSTMT, SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT,
	 SQLUSMALLINT, SQLUSMALLINT);
	SQLRETURN(*foreign_keys)
	(SQLHSTMT, SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT,
	 SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT);
	SQLRETURN(*privileges)
	(SQLHSTMT, SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT);
	SQLRETURN(*drivers)
	(SQLHENV, SQLUSMALLINT, SQLWCHAR *, SQLSMALLINT, SQLSMALLINT *, SQLWCHAR *, SQLSMALLINT,
	 SQLSMALLINT *);
	SQLRETURN(*sources)
	(SQLHENV, SQLUSMALLINT, SQLWCHAR *, SQLSMALLINT, SQLSMALLINT *, SQLWCHAR *, SQLSMALLINT,
	 SQLSMALLINT *);
};

/* Loaded once a process; NULL = not there. */
const struct odbc_client *odbc_client(struct err *e);
int odbc_version(struct arena *a, struct library_version *out, struct err *e);

/* A column of the result under way. */
struct odbc_column {
	SQLSMALLINT type;
	size_t name;	   /* where it begins in names */
	size_t start, len; /* of the value, in cells */
};

struct odbc_db {
	struct db db; /* first: a struct db * of ours is a struct odbc_db * */
	const struct odbc_client *client;
	SQLHENV env;
	SQLHDBC connection;
	bool is_connected;
	SQLHSTMT statement; /* under way; SQL_NULL_HSTMT = none */
	const struct db_source *source;
	const struct clock *clock;
	struct db_watch watch;
	bool is_watched;
	char quote; /* around names: ", or ` where that may be a text */
	char dbms[64], user[128];
	int64_t started_ms, deadline_ms; /* of the call under way */
	struct odbc_column *columns;
	struct db_value *values;
	const char **names;
	size_t n, cap;
	struct buf cells, texts; /* the values of a row, and the names of the columns */
};

/* UTF-16 with a NUL behind it, to be freed; NULL = the text is not UTF-8. */
SQLWCHAR *odbc_wide(const char *text, size_t len);
/* Appends units of UTF-16 as UTF-8; half a pair becomes U+FFFD. */
void odbc_narrow(struct buf *out, const SQLWCHAR *text, size_t n);

/* _row.c: everything a statement gives; fn as for db_query(). */
int odbc_read_rows(struct odbc_db *s, db_row_fn *fn, void *ctx, struct err *e);

/* _privileges.c: refuses a role that could write, and one of which nobody knows. */
int odbc_check_privileges(struct odbc_db *s, struct err *e);

/* _error.c: what the handle says about its last error, as a message. Always -1. */
int odbc_fail(struct odbc_db *s, SQLSMALLINT type, SQLHANDLE handle, struct err *e);
int odbc_fail_late(struct odbc_db *s, struct err *e);

/*
 * One call that gives rows: begin() starts it on s->statement, which is then read and ended, within
 * the deadline, and rolled back.
 */
typedef SQLRETURN odbc_begin_fn(struct odbc_db *s, const void *what);
int odbc_call(struct odbc_db *s, odbc_begin_fn *begin, const void *what, int64_t deadline_ms,
	      db_row_fn *fn, void *ctx, struct err *e);

/* _catalog.c */
int odbc_objects(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
		 size_t *n, struct err *e);
int odbc_describe(struct db *db, struct arena *a, const char *name, int64_t deadline_ms,
		  struct db_table *out, struct err *e);

#endif
