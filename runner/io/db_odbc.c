/*
 * db_odbc: sessions on databases that have no driver of their own here, and their statements.
 *
 * SQL_ATTR_ACCESS_MODE is set and means nothing: drivers accept it and go on writing. What keeps a
 * session from writing is the role, of which ODBC knows little (_privileges.c), so that most
 * targets need allow_writable_role; a look at each statement, for a dialect that is not known
 * (db_reading.h); and a transaction that is rolled back, where the database has some. The rest is
 * with whoever makes the role.
 *
 * A driver is told the limit of a statement, and asked to cancel it at its deadline. Most do; one
 * that does not look up cannot be made to. What comes late is no value either way.
 *
 * Sources: ODBC Programmer's Reference; unixODBC 2.3.
 */
#include "runner/io/db_odbc.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/db_reading.h"
#include "runner/io/db_token.h"

#define MAX_NAMES      ((size_t)1024 * 1024)
#define MAX_LOCATION   ((size_t)64 * 1024)
#define MAX_COLUMNS    1000 /* where the driver does not say less */
#define PREPARE_MAX_MS 30000

static struct odbc_db *of_db(struct db *db)
{
	return (struct odbc_db *)db;
}

/* ---- a session ---- */

static SQLPOINTER number(uintptr_t n)
{
	return (SQLPOINTER)n; /* how ODBC passes numbers */
}

/* Seconds, rounded up. */
static uintptr_t whole_seconds(int64_t ms)
{
	int64_t s = (ms + 999) / 1000;

	return (uintptr_t)(s < 1 ? 1 : s > 86400 ? 86400 : s);
}

static bool cancel(void *ctx)
{
	struct odbc_db *s = ctx;

	return SQL_SUCCEEDED(s->client->cancel(s->statement));
}

static int connection_string(const struct odbc_db *s, struct buf *out, struct err *e)
{
	const char *location = s->source->location;
	size_t n = strlen(location);

	buf_init(out, MAX_LOCATION);
	(void)buf_add(out, location, n);
	if (s->source->password) {
		(void)buf_puts(out, n > 0 && location[n - 1] == ';' ? "PWD={" : ";PWD={");
		for (const char *c = s->source->password; *c; c++) {
			if (*c == '}')
				(void)buf_putc(out, *c);
			(void)buf_putc(out, *c);
		}
		(void)buf_putc(out, '}');
	}
	if (!out->is_full)
		return 0;
	return err_set(e, ERR_MEASURE,
		       "cannot connect to target \"%s\": its connection string is "
		       "too long",
		       s->source->name);
}

static int dial(struct odbc_db *s, struct err *e)
{
	struct buf text;
	SQLWCHAR *wide = NULL;
	int rc = connection_string(s, &text, e);

	if (rc == 0 && !(wide = odbc_wide(text.data, text.len)))
		rc = err_set(e, ERR_MEASURE,
			     "cannot connect to target \"%s\": its connection string is not UTF-8",
			     s->source->name);
	buf_release(&text);
	if (rc == 0 && !SQL_SUCCEEDED(s->client->connect(s->connection, NULL, wide, SQL_NTS, NULL,
							 0, NULL, SQL_DRIVER_NOPROMPT)))
		rc = odbc_fail(s, SQL_HANDLE_DBC, s->connection, e);
	free(wide);
	s->is_connected = rc == 0;
	return rc;
}

static void take_info(struct odbc_db *s, SQLUSMALLINT what, char *out, size_t size)
{
	SQLWCHAR text[128] = {0};
	SQLSMALLINT bytes = 0;
	struct buf b;

	buf_init(&b, size - 1);
	if (SQL_SUCCEEDED(s->client->get_info(s->connection, what, text, (SQLSMALLINT)sizeof(text),
					      &bytes)))
		for (size_t n = 0; n < 127 && text[n]; n++)
			odbc_narrow(&b, text + n, 1); /* names of users are not that long */
	memcpy(out, b.data, b.len + 1);
	buf_release(&b);
}

static void know(struct odbc_db *s)
{
	SQLUSMALLINT most = 0;

	take_info(s, SQL_DBMS_NAME, s->dbms, sizeof(s->dbms));
	take_info(s, SQL_USER_NAME, s->user, sizeof(s->user));
	s->db.max_columns = MAX_COLUMNS;
	if (SQL_SUCCEEDED(s->client->get_info(s->connection, SQL_MAX_COLUMNS_IN_SELECT, &most,
					      sizeof(most), NULL)) &&
	    most > 0 && most < MAX_COLUMNS)
		s->db.max_columns = most;
}

static int open_connection(struct odbc_db *s, struct err *e)
{
	const struct odbc_client *c = s->client;

	if (!SQL_SUCCEEDED(c->alloc(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &s->env)) ||
	    !SQL_SUCCEEDED(c->set_env(s->env, SQL_ATTR_ODBC_VERSION, number(SQL_OV_ODBC3), 0)) ||
	    !SQL_SUCCEEDED(c->alloc(SQL_HANDLE_DBC, s->env, &s->connection)))
		return err_set(e, ERR_MEASURE, "could not start the ODBC driver manager");
	/* What a driver does not know it refuses, and is asked in another way below. */
	(void)c->set_connection(s->connection, SQL_ATTR_LOGIN_TIMEOUT,
				number(whole_seconds(s->deadline_ms - s->started_ms)), 0);
	(void)c->set_connection(s->connection, SQL_ATTR_ACCESS_MODE, number(SQL_MODE_READ_ONLY), 0);
	if (dial(s, e) != 0)
		return -1;
	/* A database without transactions refuses. */
	(void)c->set_connection(s->connection, SQL_ATTR_AUTOCOMMIT, number(SQL_AUTOCOMMIT_OFF), 0);
	know(s);
	s->is_watched = true;
	return db_watch_init(&s->watch, e);
}

/*
 * For a driver without UTF-16 the driver manager converts to the character set of the thread's
 * locale, as it finds it while it makes the connection: UTF-8, whatever the program's is.
 */
static int open_in_utf8(struct odbc_db *s, struct err *e)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
	int rc = open_connection(s, e);

	if (utf8) {
		/* Back to what it was: that cannot fail. */
		(void)uselocale(before);
		freelocale(utf8);
	}
	return rc;
}

static void odbc_session_close(struct db *db)
{
	struct odbc_db *s = of_db(db);

	if (s->is_watched)
		db_watch_release(&s->watch);
	/* Nothing is under way, and there is nothing left to lose. */
	if (s->is_connected) {
		(void)s->client->end(SQL_HANDLE_DBC, s->connection, SQL_ROLLBACK);
		(void)s->client->disconnect(s->connection);
	}
	if (s->connection)
		(void)s->client->free(SQL_HANDLE_DBC, s->connection);
	if (s->env)
		(void)s->client->free(SQL_HANDLE_ENV, s->env);
	buf_release(&s->cells);
	buf_release(&s->texts);
	free(s->columns);
	free(s->values);
	free(s->names);
	free(s);
}

/* ---- calls ---- */

static int begin_call(struct odbc_db *s, int64_t deadline_ms, struct err *e)
{
	int64_t limit_ms = s->source->statement_timeout_ms;

	s->started_ms = clock_monotonic_ms(s->clock);
	s->deadline_ms = deadline_ms;
	if (limit_ms > 0 && s->started_ms + limit_ms < s->deadline_ms)
		s->deadline_ms = s->started_ms + limit_ms;
	if (s->started_ms >= s->deadline_ms)
		return err_set(e, ERR_MEASURE,
			       "could not start the query: the deadline has passed");
	if (!SQL_SUCCEEDED(s->client->alloc(SQL_HANDLE_STMT, s->connection, &s->statement)))
		return odbc_fail(s, SQL_HANDLE_DBC, s->connection, e);
	/* The watch is what counts. */
	(void)s->client->set_statement(s->statement, SQL_ATTR_QUERY_TIMEOUT,
				       number(whole_seconds(s->deadline_ms - s->started_ms)), 0);
	db_watch_begin(&s->watch, s->deadline_ms);
	return 0;
}

static int end_call(struct odbc_db *s, int rc, struct err *e)
{
	bool is_late = db_watch_end(&s->watch);
	struct err late = {0};

	if (is_late)
		s->db.is_broken = true;
	(void)s->client->free(SQL_HANDLE_STMT, s->statement);
	s->statement = SQL_NULL_HSTMT;
	/* There is nothing to undo: a transaction that cannot be ended has lost its session. */
	if (!SQL_SUCCEEDED(s->client->end(SQL_HANDLE_DBC, s->connection, SQL_ROLLBACK)))
		s->db.is_broken = true;
	if (!is_late && clock_monotonic_ms(s->clock) < s->deadline_ms)
		return rc;
	(void)odbc_fail_late(s, &late);
	if (e)
		*e = late;
	return -1;
}

int odbc_call(struct odbc_db *s, odbc_begin_fn *begin, const void *what, int64_t deadline_ms,
	      db_row_fn *fn, void *ctx, struct err *e)
{
	int rc = begin_call(s, deadline_ms, e);

	if (rc != 0)
		return rc;
	SQLRETURN begun = begin(s, what);

	/* SQL_NO_DATA: a statement that touched no rows, which is none that gives any. */
	if (!SQL_SUCCEEDED(begun) && begun != SQL_NO_DATA)
		rc = odbc_fail(s, SQL_HANDLE_STMT, s->statement, e);
	else
		rc = odbc_read_rows(s, fn, ctx, e);
	return end_call(s, rc, e);
}

static SQLRETURN execute(struct odbc_db *s, const void *what)
{
	SQLWCHAR *const *sql = what;

	return s->client->execute(s->statement, *sql, SQL_NTS);
}

/* The statement as it is sent: checked, filled in, UTF-16, to be freed. NULL = an error. */
static SQLWCHAR *statement_text(const struct odbc_db *s, const char *sql, const char *const *params,
				size_t n_params, struct err *e)
{
	SQLWCHAR *wide = NULL;
	struct buf text, named;
	size_t len;

	if (db_reading_check(DB_ODBC, sql, &len, e) != 0)
		return NULL;
	int rc = db_reading_fill(DB_ODBC, &text, sql, len, params, n_params, e);

	db_reading_requote(DB_ODBC, &named, text.data, s->quote);
	if (rc == 0 && (named.is_full || !(wide = odbc_wide(named.data, named.len))))
		(void)err_set(e, ERR_MEASURE, "cannot run the query: it is too long, or not UTF-8");
	buf_release(&text);
	buf_release(&named);
	return wide;
}

static int odbc_query(struct db *db, const char *sql, const char *const *params, size_t n_params,
		      int64_t deadline_ms, db_row_fn *fn, void *ctx, struct err *e)
{
	SQLWCHAR *text = statement_text(of_db(db), sql, params, n_params, e);

	if (!text)
		return -1;
	int rc = odbc_call(of_db(db), execute, &text, deadline_ms, fn, ctx, e);

	free(text);
	return rc;
}

static int prepare(struct odbc_db *s, SQLWCHAR *text, size_t *n_columns, struct err *e)
{
	SQLSMALLINT n = 0;

	if (!SQL_SUCCEEDED(s->client->prepare(s->statement, text, SQL_NTS)) ||
	    !SQL_SUCCEEDED(s->client->column_count(s->statement, &n)))
		return odbc_fail(s, SQL_HANDLE_STMT, s->statement, e);
	*n_columns = n > 0 ? (size_t)n : 0;
	return 0;
}

/* Some drivers look at a statement only when it runs: then this says what it can. */
static int odbc_prepare(struct db *db, const char *sql, size_t *n_columns, struct err *e)
{
	struct odbc_db *s = of_db(db);
	SQLWCHAR *text = statement_text(s, sql, NULL, 0, e);

	if (!text)
		return -1;
	int rc = begin_call(s, clock_monotonic_ms(s->clock) + PREPARE_MAX_MS, e);

	if (rc == 0)
		rc = end_call(s, prepare(s, text, n_columns, e), e);
	free(text);
	return rc;
}

/* ---- opening ---- */

/*
 * Where "name" may be a text (SQLite when there is no such column, MySQL always), a misspelt column
 * would be counted like one that is there. There names are given to the driver in backticks, which
 * are names and nothing else.
 */
static int find_quote(struct odbc_db *s, struct err *e)
{
	static const char *const probes[] = {
		"SELECT \"assize: no such column\"",
		"SELECT `assize: no such column`",
	};
	static const char quotes[] = {'"', '`'};

	for (size_t i = 0; i < sizeof(quotes); i++) {
		SQLWCHAR *text = odbc_wide(probes[i], strlen(probes[i]));
		int rc = odbc_call(s, execute, &text, s->deadline_ms, NULL, NULL, NULL);

		free(text);
		s->quote = quotes[i];
		if (rc != 0 && s->db.is_broken)
			break;
		if (rc != 0)
			return 0;
	}
	return err_set(e, ERR_MEASURE,
		       "cannot use target \"%s\": its database takes names in quotes for texts",
		       s->source->name);
}

static int odbc_session_open(const struct db_source *source, const struct clock *clock,
			     int64_t deadline_ms, struct db **out, struct err *e)
{
	const struct odbc_client *client = odbc_client(e);

	if (!client)
		return -1;
	struct odbc_db *s = xmalloc(sizeof(*s));

	*s = (struct odbc_db){
		.db = {.driver = &db_driver_odbc},
		.client = client,
		.source = source,
		.clock = clock,
		.watch = {.clock = clock, .stop = cancel},
		.started_ms = clock_monotonic_ms(clock),
		.deadline_ms = deadline_ms,
	};
	s->watch.ctx = s;
	s->quote = '"';
	buf_init(&s->cells, DB_MAX_ROW_BYTES);
	buf_init(&s->texts, MAX_NAMES);
	if (open_in_utf8(s, e) == 0 && find_quote(s, e) == 0 && odbc_check_privileges(s, e) == 0) {
		*out = &s->db;
		return 0;
	}
	odbc_session_close(&s->db);
	return -1;
}

const struct db_driver db_driver_odbc = {
	.engine = DB_ODBC,
	.version = odbc_version,
	.open = odbc_session_open,
	.close = odbc_session_close,
	.query = odbc_query,
	.prepare = odbc_prepare,
	.tokens = odbc_tokens,
	.objects = odbc_objects,
	.describe = odbc_describe,
};
