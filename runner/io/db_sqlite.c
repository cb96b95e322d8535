/*
 * db_sqlite: sessions on SQLite databases and the statements they run.
 *
 * What keeps them read-only is in db_sqlite_guard.c. A statement is prepared, run and finalized
 * within one call: none stays open, so a session holds no lock between calls.
 */
#include "runner/io/db_sqlite.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/db_token.h"

/* VM steps between two looks at the clock: some 20 us of work. */
#define PROGRESS_STEPS 1000
#define BUSY_PAUSE_MS  5
#define PREPARE_MAX_MS 30000

void db_begin_process(void)
{
	/* When it is too late for it, nothing is lost but time. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static struct sqlite_db *of_db(struct db *db)
{
	return (struct sqlite_db *)db;
}

/* ---- time ---- */

bool sqlite_is_late(struct sqlite_db *s)
{
	if (clock_monotonic_ms(s->clock) < s->deadline_ms)
		return false;
	s->is_late = true;
	return true;
}

static int on_progress(void *ctx)
{
	return sqlite_is_late(ctx) ? 1 : 0;
}

/* SQLite found the file locked; 0 gives up. */
static int on_busy(void *ctx, int n_before)
{
	struct sqlite_db *s = ctx;
	struct timespec pause = {.tv_nsec = BUSY_PAUSE_MS * 1000000L};

	(void)n_before;
	s->was_locked = true;
	if (sqlite_is_late(s))
		return 0;
	/* Waking early only asks again sooner. */
	(void)nanosleep(&pause, NULL);
	return 1;
}

static void begin_call(struct sqlite_db *s, int64_t deadline_ms)
{
	s->started_ms = clock_monotonic_ms(s->clock);
	s->deadline_ms = deadline_ms;
	s->is_late = false;
	s->was_locked = false;
	s->denied[0] = '\0';
}

/* ---- a session ---- */

static void sqlite_session_close(struct db *db)
{
	struct sqlite_db *s = of_db(db);

	/* Every statement is finalized, so it cannot be busy. */
	(void)sqlite3_close(s->handle);
	free(s->location);
	free(s->values);
	free(s->names);
	free(s);
}

static int sqlite_session_open(const struct db_source *source, const struct clock *clock,
			       int64_t deadline_ms, struct db **out, struct err *e)
{
	const char *location = source->location;
	struct sqlite_db *s = xmalloc(sizeof(*s));
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
		    SQLITE_OPEN_EXRESCODE;

	/* A relative "file:..." would be read as a URI, and that can carry immutable=1. */
	assert(location[0] == '/');
	*s = (struct sqlite_db){
		.db = {.driver = &db_driver_sqlite},
		.clock = clock,
		.location = xstrdup(location),
	};
	begin_call(s, deadline_ms);
	int rc = sqlite3_open_v2(location, &s->handle, flags, NULL);

	if (!s->handle)
		oom();
	sqlite3_progress_handler(s->handle, PROGRESS_STEPS, on_progress, s);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_handler(s->handle, on_busy, s);
	if (rc != SQLITE_OK || sqlite_add_matches(s) != 0 || sqlite_add_values(s) != 0 ||
	    sqlite_add_numbers(s) != 0 || sqlite_protect(s) != 0) {
		sqlite_fail(s, e);
	} else if (sqlite_own_query(&s->db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, 0,
				    deadline_ms, NULL, NULL, e) == 0) {
		*out = &s->db; /* it can be read, and the schema makes sense */
		return 0;
	}
	sqlite_session_close(&s->db);
	return -1;
}

/* ---- statements ---- */

/* Is there anything but white space and comments behind the statement? */
static bool has_more(struct sqlite_db *s, const char *tail)
{
	while (*tail) {
		sqlite3_stmt *next = NULL;
		const char *rest = tail;

		if (sqlite3_prepare_v2(s->handle, tail, -1, &next, &rest) != SQLITE_OK || next) {
			/* The result repeats what is known. */
			(void)sqlite3_finalize(next);
			return true;
		}
		if (rest == tail)
			return false;
		tail = rest;
	}
	return false;
}

static int prepare(struct sqlite_db *s, const char *sql, sqlite3_stmt **out, struct err *e)
{
	const char *tail = NULL;
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->handle, sql, -1, &stmt, &tail);

	if (rc != SQLITE_OK && strstr(sqlite3_errmsg(s->handle), "unsafe use of ") &&
	    sqlite3_db_config(s->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, NULL) == SQLITE_OK)
		rc = sqlite3_prepare_v2(s->handle, sql, -1, &stmt, &tail);
	if (rc != SQLITE_OK)
		return sqlite_fail(s, e);
	if (!stmt)
		return err_set(e, ERR_MEASURE, "cannot run the query: there is no statement in it");
	if (has_more(s, tail)) {
		err_set(e, ERR_MEASURE,
			"cannot run the query: it has several statements, and a check runs one");
	} else if (!sqlite3_stmt_readonly(stmt) || sqlite3_column_count(stmt) == 0) {
		err_set(e, ERR_MEASURE,
			"cannot run the query: an audit only reads (SELECT, VALUES, "
			"WITH ... SELECT), and this statement does something else");
	} else {
		*out = stmt;
		return 0;
	}
	/* It never ran: there is no result to lose. */
	(void)sqlite3_finalize(stmt);
	return -1;
}

static void read_value(sqlite3_stmt *stmt, int i, struct db_value *out)
{
	*out = (struct db_value){.type = DB_NULL, .text = ""};
	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		out->type = DB_INT;
		out->integer = sqlite3_column_int64(stmt, i);
		return;
	case SQLITE_FLOAT:
		out->type = DB_REAL;
		out->real = sqlite3_column_double(stmt, i);
		return;
	case SQLITE_TEXT:
		out->type = DB_TEXT;
		out->text = (const char *)sqlite3_column_text(stmt, i);
		break;
	case SQLITE_BLOB:
		out->type = DB_BLOB;
		out->text = sqlite3_column_blob(stmt, i);
		break;
	default:
		return;
	}
	out->len = (size_t)sqlite3_column_bytes(stmt, i);
	if (!out->text && out->len > 0)
		oom();
	if (!out->text)
		out->text = "";
}

static int read_names(struct sqlite_db *s, sqlite3_stmt *stmt)
{
	int n = sqlite3_column_count(stmt);

	if ((size_t)n > s->cap) {
		s->cap = (size_t)n;
		s->values = xrealloc(s->values, s->cap * sizeof(*s->values));
		s->names = xrealloc(s->names, s->cap * sizeof(*s->names));
	}
	for (int i = 0; i < n; i++) {
		s->names[i] = sqlite3_column_name(stmt, i);
		if (!s->names[i])
			oom();
	}
	return n;
}

/* Steps to the end or until fn has enough. */
static int step_all(struct sqlite_db *s, sqlite3_stmt *stmt, db_row_fn *fn, void *ctx,
		    struct err *e)
{
	int n = 0;
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		/* Not before the first step: that may prepare again, after a change of schema. */
		if (n == 0)
			n = read_names(s, stmt);
		struct db_row row = {.n = (size_t)n, .values = s->values, .names = s->names};

		size_t size = 0;

		for (int i = 0; i < n; i++) {
			read_value(stmt, i, &s->values[i]);
			size += s->values[i].len;
		}
		if (size > DB_MAX_ROW_BYTES)
			return db_fail_long_row(e);
		int wish = fn ? fn(ctx, &row, e) : 0;

		if (wish != 0)
			return wish > 0 ? 0 : -1;
	}
	return rc == SQLITE_DONE ? 0 : sqlite_fail(s, e);
}

/* SQLite takes one that nobody filled in for NULL, which nothing equals. */
static int refuse_parameter(sqlite3_stmt *stmt, int n, struct err *e)
{
	const char *name = sqlite3_bind_parameter_name(stmt, n);

	(void)err_set(e, ERR_MEASURE, "cannot run the query: %s has no value", name ? name : "?");
	return err_help(e, "nothing fills parameters in: write the value");
}

static int run(struct sqlite_db *s, const char *sql, const char *const *params, size_t n_params,
	       db_row_fn *fn, void *ctx, struct err *e)
{
	sqlite3_stmt *stmt;
	int rc = 0;

	if (prepare(s, sql, &stmt, e) != 0)
		return -1;
	for (size_t i = 0; i < n_params && rc == 0; i++)
		if (sqlite3_bind_text(stmt, (int)i + 1, params[i], -1, SQLITE_STATIC) != SQLITE_OK)
			rc = sqlite_fail(s, e);
	if (rc == 0 && sqlite3_bind_parameter_count(stmt) > (int)n_params)
		rc = refuse_parameter(stmt, sqlite3_bind_parameter_count(stmt), e);
	if (rc == 0)
		rc = step_all(s, stmt, fn, ctx, e);
	/* Repeats the result of the last step. */
	(void)sqlite3_finalize(stmt);
	return rc;
}

static int sqlite_query(struct db *db, const char *sql, const char *const *params, size_t n_params,
			int64_t deadline_ms, db_row_fn *fn, void *ctx, struct err *e)
{
	struct sqlite_db *s = of_db(db);

	begin_call(s, deadline_ms);
	if (sqlite_is_late(s))
		return err_set(e, ERR_MEASURE,
			       "could not start the query: the deadline has passed");
	if (!sqlite_has_snapshot(s))
		return err_set(e, ERR_MEASURE,
			       "could not run the query: an earlier error ended the snapshot");
	int rc = run(s, sql, params, n_params, fn, ctx, e);

	return rc == 0 && !s->is_own ? sqlite_check_state(s, deadline_ms, e) : rc;
}

int sqlite_own_query(struct db *db, const char *sql, const char *const *params, size_t n_params,
		     int64_t deadline_ms, db_row_fn *fn, void *ctx, struct err *e)
{
	struct sqlite_db *s = of_db(db);

	s->is_own = true;
	int rc = sqlite_query(db, sql, params, n_params, deadline_ms, fn, ctx, e);

	s->is_own = false;
	return rc;
}

/* Bounded by the length of the text; the ceiling is for a lock met while reading the schema. */
static int sqlite_prepare(struct db *db, const char *sql, size_t *n_columns, struct err *e)
{
	struct sqlite_db *s = of_db(db);
	sqlite3_stmt *stmt;

	begin_call(s, clock_monotonic_ms(s->clock) + PREPARE_MAX_MS);
	if (prepare(s, sql, &stmt, e) != 0)
		return -1;
	*n_columns = (size_t)sqlite3_column_count(stmt);
	/* It never ran: there is no result to lose. */
	(void)sqlite3_finalize(stmt);
	return 0;
}

const struct db_driver db_driver_sqlite = {
	.engine = DB_SQLITE,
	.preflight = sqlite_preflight,
	.open = sqlite_session_open,
	.close = sqlite_session_close,
	.query = sqlite_query,
	.prepare = sqlite_prepare,
	.tokens = sqlite_tokens,
	.begin_read = sqlite_begin_read,
	.end_read = sqlite_end_read,
	.hold = sqlite_hold,
	.objects = sqlite_objects,
	.describe = sqlite_describe,
	.catalog = sqlite_catalog,
};
