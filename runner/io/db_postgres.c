/*
 * db_postgres: what a statement goes through on a PostgreSQL server.
 *
 * A session has no state of ours: every statement runs in a transaction of its own that sets what
 * it needs for itself, and is rolled back. That also holds behind a pooler that hands transactions
 * around. In turn:
 *
 * 1. BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY, the settings, and a query at once: from then
 *    on the transaction cannot be made to write.
 * 2. The guard looks at every function the statement can call (db_postgres_guard.c).
 * 3. The statement, wrapped so that it can only be a query (db_postgres_statement.c), through the
 *    extended protocol, which takes one statement. It is described first, so that no row longer
 *    than may be held is sent (db_postgres_limit.c); rows come one by one, so memory stays flat.
 * 4. ROLLBACK, then DISCARD ALL: what a function might have left in the session.
 *
 * Between begin_read and end_read statements share one transaction, each in a savepoint; another
 * session can join its snapshot.
 *
 * JIT is off: on aggregates of a few seconds compiling costs more than it saves (2,000,000 rows x
 * 200 metrics: 4.0 s with, 2.2 s without).
 */
#include "runner/io/db_postgres.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"

/* PostgreSQL takes 1,664 targets; the same number as scan.c's, with some room. */
#define MAX_COLUMNS	   1600
#define PREPARE_MAX_MS	   30000
#define IDLE_MS		   10000 /* between two statements, beyond their limit */
#define SNAPSHOT_MAX_BYTES 256

/* ---- a session ---- */

static void postgres_session_close(struct db *db)
{
	struct postgres_db *s = postgres_of(db);

	s->pq->PQfinish(s->conn);
	buf_release(&s->decoded);
	free(s->values);
	free(s->names);
	free(s);
}

static int postgres_session_open(const struct db_source *source, const struct clock *clock,
				 int64_t deadline_ms, struct db **out, struct err *e)
{
	const struct postgres_api *pq = postgres_library(e);

	if (!pq)
		return -1;
	struct postgres_db *s = xmalloc(sizeof(*s));

	*s = (struct postgres_db){
		.db = {.driver = &db_driver_postgres, .max_columns = MAX_COLUMNS},
		.pq = pq,
		.source = source,
		.clock = clock,
	};
	buf_init(&s->decoded, DB_MAX_ROW_BYTES);
	postgres_begin_call(s, deadline_ms);
	s->deadline_ms = deadline_ms; /* no statement yet */
	if (postgres_connect(s, e) == 0) {
		s->is_open = true;
		int rc = postgres_begin_catalog(s, e);

		if (rc == 0 && !source->allow_writable_role)
			rc = postgres_check_role(s, e);
		postgres_end(s);
		if (rc == 0 && !s->db.is_broken) {
			*out = &s->db;
			return 0;
		}
	}
	postgres_session_close(&s->db);
	return -1;
}

/* ---- transactions ---- */

/* The caller of a buffer without a ceiling need not look at it. */
static void put_limits(struct buf *b, long long limit_ms)
{
	(void)buf_printf(b, "SET LOCAL statement_timeout = %lld; SET LOCAL lock_timeout = %lld;",
			 limit_ms, limit_ms);
}

/*
 * A transaction that reads. row_security off: policies that would hide rows are an error instead of
 * a part of the table that passes for all of it. snapshot (may be NULL) is another session's to be
 * joined; settings are further ones.
 */
static int begin(struct postgres_db *s, const char *snapshot, int64_t idle_ms, const char *settings,
		 struct err *e)
{
	struct buf b;
	long long limit_ms = (long long)postgres_limit_ms(s);

	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_puts(&b, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;");
	if (snapshot)
		(void)buf_printf(&b, "SET TRANSACTION SNAPSHOT '%s';", snapshot);
	put_limits(&b, limit_ms);
	(void)buf_printf(&b, "SET LOCAL idle_in_transaction_session_timeout = %lld;",
			 (long long)idle_ms + IDLE_MS);
	(void)buf_puts(&b, "SET LOCAL jit = off; SET LOCAL standard_conforming_strings = on;"
			   "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD';"
			   "SET LOCAL IntervalStyle = iso_8601; SET LOCAL bytea_output = hex;"
			   "SET LOCAL extra_float_digits = 1; SET LOCAL lc_monetary = 'C';"
			   "SET LOCAL row_security = off;");
	(void)buf_puts(&b, settings);
	(void)buf_puts(&b, "SELECT 1");
	int rc = postgres_do(s, b.data, e);

	buf_release(&b);
	return rc;
}

/* The settings end with it, as those before them do. */
static int begin_savepoint(struct postgres_db *s, const char *settings, struct err *e)
{
	struct buf b;
	long long limit_ms = (long long)postgres_limit_ms(s);

	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_puts(&b, "SAVEPOINT statement;");
	put_limits(&b, limit_ms);
	(void)buf_puts(&b, settings);
	int rc = postgres_do(s, b.data, e);

	buf_release(&b);
	return rc;
}

static int begin_with(struct postgres_db *s, const char *settings, struct err *e)
{
	return s->is_reading ? begin_savepoint(s, settings, e)
			     : begin(s, NULL, postgres_limit_ms(s), settings, e);
}

int postgres_begin(struct postgres_db *s, struct err *e)
{
	return begin_with(s, "", e);
}

int postgres_begin_catalog(struct postgres_db *s, struct err *e)
{
	return begin_with(s,
			  "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off;"
			  "SET LOCAL enable_mergejoin = off; SET LOCAL join_collapse_limit = 1;"
			  "SET LOCAL from_collapse_limit = 1;",
			  e);
}

void postgres_end(struct postgres_db *s)
{
	if (s->db.is_broken)
		return;
	if (s->is_reading) {
		if (postgres_do(s, "ROLLBACK TO statement; RELEASE statement", NULL) != 0)
			s->db.is_broken = true;
		return;
	}
	if (postgres_do(s, "ROLLBACK", NULL) != 0 || postgres_do(s, "DISCARD ALL", NULL) != 0 ||
	    s->pq->PQtransactionStatus(s->conn) != PQTRANS_IDLE)
		s->db.is_broken = true;
}

/* ---- one snapshot for several ---- */

static void postgres_end_read(struct db *db)
{
	struct postgres_db *s = postgres_of(db);

	s->is_reading = false;
	postgres_begin_call(s, clock_monotonic_ms(s->clock) + PREPARE_MAX_MS);
	postgres_end(s);
}

static int take_snapshot(void *ctx, const struct db_row *row, struct err *e)
{
	struct buf *snapshot = ctx;

	(void)e;
	/* Looked at by the server: a name that was cut is none. */
	(void)buf_puts(snapshot, row->values[0].text);
	return 0;
}

static int join(struct postgres_db *s, struct postgres_db *first, struct buf *snapshot,
		int64_t deadline_ms, struct err *e)
{
	postgres_begin_call(s, deadline_ms);
	int64_t idle_ms = deadline_ms - s->started_ms;

	if (s != first)
		return begin(s, snapshot->data, idle_ms, "", e);
	if (begin(s, NULL, idle_ms, "", e) != 0)
		return -1;
	return postgres_rows(s, "SELECT pg_catalog.pg_export_snapshot()", NULL, 0, take_snapshot,
			     snapshot, e);
}

/* The first exports its snapshot, the others join it. A standby cannot export: no guarantee. */
static int postgres_begin_read(struct db *const *dbs, size_t n, int64_t deadline_ms, struct err *e)
{
	struct buf snapshot;
	size_t n_begun = 0;
	int rc = 0;

	buf_init(&snapshot, SNAPSHOT_MAX_BYTES);
	while (n_begun < n && rc == 0) {
		struct postgres_db *s = postgres_of(dbs[n_begun++]);

		rc = join(s, postgres_of(dbs[0]), &snapshot, deadline_ms, e);
		s->is_reading = true;
	}
	buf_release(&snapshot);
	if (rc == 0)
		return 0;
	for (size_t i = 0; i < n_begun; i++)
		postgres_end_read(dbs[i]);
	return rc;
}

/* ---- statements ---- */

/* Takes one result; 1 = fn has enough. */
static int take_result(struct postgres_db *s, const PGresult *r, db_row_fn *fn, void *ctx,
		       struct err *e)
{
	ExecStatusType status = s->pq->PQresultStatus(r);
	int n = s->pq->PQntuples(r);

	if (status == PGRES_COMMAND_OK)
		return err_set(e, ERR_MEASURE, "cannot run the query: it gives no rows");
	if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK)
		return postgres_fail(s, r, e);
	for (int i = 0; i < n; i++) {
		postgres_read_names(s, r);
		postgres_read_row(s, r, i);
		size_t n_values = (size_t)s->pq->PQnfields(r) - s->is_limited;

		if (s->decoded.is_full || (s->is_limited && s->values[n_values].integer))
			return db_fail_long_row(e);
		struct db_row row = {.n = n_values, .values = s->values, .names = s->names};
		int wish = fn ? fn(ctx, &row, e) : 0;

		if (wish != 0)
			return wish > 0 ? 1 : -1;
	}
	return 0;
}

/* Takes the rows of what was sent. */
static int take_rows(struct postgres_db *s, int was_sent, db_row_fn *fn, void *ctx, struct err *e)
{
	PGresult *r;
	int rc = postgres_flush(s, was_sent, e);

	if (rc != 0)
		return -1;
	/* Cannot fail: the query was just sent. */
	(void)s->pq->PQsetSingleRowMode(s->conn);
	while (rc == 0 && (r = postgres_next(s, &rc, e)) != NULL) {
		rc = take_result(s, r, fn, ctx, e);
		s->pq->PQclear(r);
		/* What failed on the server has ended there. */
		if (rc != 0 && !s->db.is_broken &&
		    s->pq->PQtransactionStatus(s->conn) == PQTRANS_ACTIVE)
			postgres_stop(s);
	}
	return rc > 0 ? 0 : rc;
}

int postgres_rows(struct postgres_db *s, const char *sql, const char *const *params,
		  size_t n_params, db_row_fn *fn, void *ctx, struct err *e)
{
	int was_sent =
		s->pq->PQsendQueryParams(s->conn, sql, (int)n_params, NULL, params, NULL, NULL, 0);

	return take_rows(s, was_sent, fn, ctx, e);
}

/* Parse and Describe: what the server makes of it, without running it. The caller clears *out. */
static int describe_statement(struct postgres_db *s, const char *sql, PGresult **out, struct err *e)
{
	PGresult *r;
	int rc = postgres_flush(s, s->pq->PQsendPrepare(s->conn, "", sql, 0, NULL), e);

	if (rc != 0 || postgres_drain(s, 0, e) != 0)
		return -1;
	rc = postgres_flush(s, s->pq->PQsendDescribePrepared(s->conn, ""), e);
	if (rc != 0)
		return -1;
	while ((r = postgres_next(s, &rc, e)) != NULL) {
		if (s->pq->PQresultStatus(r) == PGRES_COMMAND_OK && !*out) {
			*out = r;
			continue;
		}
		if (rc == 0)
			rc = postgres_fail(s, r, e);
		s->pq->PQclear(r);
	}
	return rc;
}

/* A user's statement; without fn and columns it is run, with n_columns only described. */
struct job {
	const char *sql;
	const char *const *params;
	size_t n_params;
	size_t *n_columns; /* NULL: run it */
	db_row_fn *fn;
	void *ctx;
};

/* Runs what was described; what it can give of any length is asked for with a limit. */
static int run_described(struct postgres_db *s, const struct postgres_statement *st,
			 const struct job *job, const PGresult *description, struct err *e)
{
	const char *limited =
		st->is_explain ? NULL : postgres_limit_rows(s, st->arena, st->sql, description);

	if (!limited)
		return take_rows(s,
				 s->pq->PQsendQueryPrepared(s->conn, "", (int)job->n_params,
							    job->params, NULL, NULL, 0),
				 job->fn, job->ctx, e);
	s->is_limited = true;
	int rc = postgres_rows(s, limited, job->params, job->n_params, job->fn, job->ctx, e);

	s->is_limited = false;
	return rc;
}

static int run_statement(struct postgres_db *s, const struct postgres_statement *st,
			 const struct job *job, struct err *e)
{
	PGresult *description = NULL;
	int rc = describe_statement(s, st->sql, &description, e);

	if (rc == 0 && job->n_columns)
		*job->n_columns = description ? (size_t)s->pq->PQnfields(description) : 0;
	else if (rc == 0)
		rc = run_described(s, st, job, description, e);
	s->pq->PQclear(description);
	return rc;
}

static int run_job(struct postgres_db *s, struct arena *a, const struct job *job, struct err *e)
{
	struct postgres_statement st;

	if (postgres_is_past(s))
		return err_set(e, ERR_MEASURE,
			       "could not start the query: the deadline has passed");
	if (postgres_read_statement(&st, a, job->sql, job->n_params, e) != 0)
		return -1;
	int rc = postgres_begin(s, e);

	if (rc == 0)
		rc = postgres_check_calls(s, &st, e);
	if (rc == 0)
		rc = run_statement(s, &st, job, e);
	postgres_end(s);
	return rc;
}

static int postgres_query(struct db *db, const char *sql, const char *const *params,
			  size_t n_params, int64_t deadline_ms, db_row_fn *fn, void *ctx,
			  struct err *e)
{
	struct job job = {.sql = sql, .params = params, .n_params = n_params, .fn = fn, .ctx = ctx};
	struct arena *a = arena_new();

	postgres_begin_call(postgres_of(db), deadline_ms);
	int rc = run_job(postgres_of(db), a, &job, e);

	arena_free(a);
	return rc;
}

static int postgres_prepare(struct db *db, const char *sql, size_t *n_columns, struct err *e)
{
	struct postgres_db *s = postgres_of(db);
	struct job job = {.sql = sql, .n_columns = n_columns};
	struct arena *a = arena_new();

	postgres_begin_call(s, clock_monotonic_ms(s->clock) + PREPARE_MAX_MS);
	int rc = run_job(s, a, &job, e);

	arena_free(a);
	return rc;
}

const struct db_driver db_driver_postgres = {
	.engine = DB_POSTGRES,
	.version = postgres_version,
	.open = postgres_session_open,
	.close = postgres_session_close,
	.query = postgres_query,
	.prepare = postgres_prepare,
	.tokens = postgres_tokens,
	.begin_read = postgres_begin_read,
	.end_read = postgres_end_read,
	.objects = postgres_objects,
	.elsewhere = postgres_elsewhere,
	.describe = postgres_describe,
	.catalog = postgres_read_catalog,
};
