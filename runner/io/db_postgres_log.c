/*
 * db_postgres_log: a shared log in three tables of a PostgreSQL database.
 *
 * assize_record has one row a record, its head; assize_record_change the changes, which are only
 * ever inserted; assize_record_base whole records in parts. They are in the first schema of the
 * search path that has them, or, when nobody has made them yet, the first one there is.
 *
 * A transaction is three round trips: BEGIN with the head's row locked, the change with the new
 * head in one statement, COMMIT. READ COMMITTED: who waited for the row sees it as it was left. The
 * server ends a transaction whose client says nothing for a minute, so that a machine that is gone
 * does not hold the record.
 *
 * Every setting is SET LOCAL: behind a pooler that hands transactions around, too.
 *
 * What is written is durable when COMMIT is answered: synchronous_commit is on whatever the role's
 * setting. When the answer does not come nobody knows, and nothing is said to be recorded.
 */
#include "runner/io/db_postgres_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"

#define LAYOUT		1 /* of the three tables */
#define MAKE_ATTEMPTS	5
#define UNDEFINED_TABLE "42P01"

/* ---- the head ---- */

#define HEAD_COLUMNS POSTGRES_LOG_COLUMNS ", base, base_bytes, since_bytes, layout"

struct head_answer {
	struct shared_head head;
	bool is_there;
};

static int take_head(void *ctx, struct postgres_log *l, const PGresult *r, int row, struct err *e)
{
	struct head_answer *x = ctx;

	if (l->session.pq->PQnfields(r) != 10)
		return 0; /* a SET of the same message */
	if (postgres_log_integer(l, r, row, 9) > LAYOUT) {
		(void)err_set(e, ERR_RECORD,
			      "cannot read record \"%s\": its tables are of a later layout",
			      l->url.shown);
		return err_help(e, "a newer assize made them: use that one");
	}
	x->is_there = true;
	x->head.base = postgres_log_integer(l, r, row, 6);
	x->head.base_bytes = postgres_log_integer(l, r, row, 7);
	x->head.since_bytes = postgres_log_integer(l, r, row, 8);
	return postgres_log_read_change(l, r, row, &x->head.newest, e);
}

/* The session is lost or was never there. Nothing is under way on it. */
static int renew(struct postgres_log *l, struct err *e)
{
	bool is_locked = l->is_locked; /* for messages */
	int rc = 0;

	if (l->session.db.is_broken)
		postgres_log_disconnect(l);
	if (!l->session.conn)
		rc = postgres_log_connect(l, e);
	l->is_locked = is_locked;
	return rc;
}

/*
 * 0 also when there is no row: x says. is_first: the statement begins what is to be done, so that a
 * session that turns out to be lost is opened again.
 */
static int ask_head(struct postgres_log *l, const char *sql, bool is_first, struct head_answer *x,
		    struct err *e)
{
	struct postgres_log_answer answer = {.row = take_head, .ctx = x};
	int rc = -1;

	for (int i = 0; i < (is_first ? 2 : 1); i++) {
		bool is_old = l->session.conn && !l->session.db.is_broken;
		struct err why = {0};

		*x = (struct head_answer){.is_there = false};
		if (is_first && renew(l, e) != 0)
			return -1;
		rc = postgres_log_run(l, sql, &answer, &why);
		if (rc != 0 && e)
			*e = why;
		if (rc == 0 || !l->session.db.is_broken || !is_old)
			break;
	}
	return rc;
}

static int postgres_log_head(struct shared_log *log, struct shared_head *out, struct err *e)
{
	struct postgres_log *l = postgres_log_of(log);
	struct err why = {0};
	struct head_answer x;
	char sql[512];

	/* Sized for it: a name of a record is short, and needs no quoting. */
	(void)snprintf(sql, sizeof(sql),
		       "SELECT " HEAD_COLUMNS " FROM assize_record WHERE name = '%s'", l->url.name);
	if (ask_head(l, sql, !l->is_locked, &x, &why) != 0 &&
	    !postgres_log_is_state(l, UNDEFINED_TABLE)) {
		if (e)
			*e = why;
		return -1;
	}
	*out = x.head;
	return 0;
}

/* ---- tables ---- */

static const char tables[] =
	"CREATE TABLE IF NOT EXISTS assize_record(name text PRIMARY KEY, layout int NOT NULL,"
	" number bigint NOT NULL, kind int NOT NULL, version int NOT NULL, size bigint NOT NULL,"
	" root text NOT NULL, digest text NOT NULL, base bigint NOT NULL,"
	" base_bytes bigint NOT NULL, since_bytes bigint NOT NULL);"
	"CREATE TABLE IF NOT EXISTS assize_record_change(record text NOT NULL,"
	" number bigint NOT NULL, kind int NOT NULL, version int NOT NULL, size bigint NOT NULL,"
	" root text NOT NULL, digest text NOT NULL, body bytea NOT NULL,"
	" at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (record, number));"
	"CREATE TABLE IF NOT EXISTS assize_record_base(record text NOT NULL,"
	" number bigint NOT NULL, part int NOT NULL, body bytea NOT NULL,"
	" PRIMARY KEY (record, number, part))";

/* Two that make the same table at once: one of them fails, and finds it there the next time. */
static int make_tables(struct postgres_log *l, struct err *e)
{
	struct postgres_log_answer none = {.row = NULL};
	int rc = -1;

	for (int i = 0; i < MAKE_ATTEMPTS && rc != 0; i++) {
		rc = postgres_log_run(l, tables, &none, e);
		if (rc != 0 && !postgres_log_is_state(l, "23505") &&
		    !postgres_log_is_state(l, "42P07") && !postgres_log_is_state(l, "42710") &&
		    !postgres_log_wants_retry(l))
			break;
	}
	return rc;
}

/* ---- transactions ---- */

static void postgres_log_unlock(struct shared_log *log)
{
	struct postgres_log *l = postgres_log_of(log);
	struct postgres_log_answer none = {.row = NULL};
	char state[POSTGRES_LOG_STATE_BYTES];

	if (!l->is_locked)
		return;
	memcpy(state, l->state, sizeof(state));
	/* Whatever it answers: a session that cannot roll back is not used again. */
	if (l->session.conn && !l->session.db.is_broken &&
	    postgres_log_run(l, "ROLLBACK", &none, NULL) != 0)
		l->session.db.is_broken = true;
	memcpy(l->state, state, sizeof(state));
	l->is_locked = false;
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static int begin(struct postgres_log *l, struct head_answer *x, struct err *e)
{
	char sql[1024];

	(void)snprintf(sql, sizeof(sql), /* sized for it */
		       "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = %d;"
		       "SET LOCAL statement_timeout = %d;"
		       "SET LOCAL idle_in_transaction_session_timeout = %d;"
		       "SET LOCAL synchronous_commit = on;"
		       "SELECT " HEAD_COLUMNS " FROM assize_record WHERE name = '%s' FOR UPDATE",
		       SHARED_LOG_WAIT_MS, POSTGRES_LOG_CALL_MS, POSTGRES_LOG_CALL_MS, l->url.name);
	l->is_locked = true;
	return ask_head(l, sql, true, x, e);
}

/* The first one inserts the row, others wait for it. */
static int make_row(struct postgres_log *l, struct head_answer *x, struct err *e)
{
	struct postgres_log_answer none = {.row = NULL};
	char sql[1024];

	(void)snprintf(sql, sizeof(sql), /* sized for it */
		       "INSERT INTO assize_record VALUES ('%s', %d, 0, 0, 0, 0, '" ZEROS
		       "', '" ZEROS "', 0, 0, 0) ON CONFLICT DO NOTHING",
		       l->url.name, LAYOUT);
	if (postgres_log_run(l, sql, &none, e) != 0)
		return -1;
	(void)snprintf(sql, sizeof(sql), /* same */
		       "SELECT " HEAD_COLUMNS " FROM assize_record WHERE name = '%s' FOR UPDATE",
		       l->url.name);
	return ask_head(l, sql, false, x, e);
}

static int lock_once(struct postgres_log *l, struct head_answer *x, struct err *e)
{
	int rc = begin(l, x, e);

	if (rc != 0 && postgres_log_is_state(l, UNDEFINED_TABLE)) {
		postgres_log_unlock(&l->log);
		l->is_locked = true; /* for messages: this is on the way to writing */
		rc = make_tables(l, e) == 0 ? begin(l, x, e) : -1;
	}
	if (rc == 0 && !x->is_there)
		rc = make_row(l, x, e);
	return rc;
}

static int postgres_log_lock(struct shared_log *log, struct shared_head *out, struct err *e)
{
	struct postgres_log *l = postgres_log_of(log);
	struct head_answer x;
	int rc = -1;

	for (int i = 0; i < MAKE_ATTEMPTS; i++) {
		struct err why = {0};

		rc = lock_once(l, &x, &why);
		if (rc == 0 && x.is_there)
			break;
		if (rc == 0)
			rc = err_set(&why, ERR_RECORD, "record \"%s\" went away", l->url.shown);
		if (e)
			*e = why;
		postgres_log_unlock(log);
		if (!postgres_log_wants_retry(l))
			break;
	}
	if (rc == 0)
		*out = x.head;
	return rc;
}

/* A statement with numbers and text, of which one parameter, the last, is bytes. */
static int run_with_bytes(struct postgres_log *l, const char *sql, const char *const *texts, int n,
			  const void *p, size_t size, struct postgres_log_answer *x, struct err *e)
{
	const char *values[16];
	int lengths[16] = {0}, formats[16] = {0};

	if (size > POSTGRES_LOG_MAX_BODY)
		return err_set(e, ERR_RECORD,
			       "cannot write record \"%s\": %zu bytes at once are too many",
			       l->url.shown, size);
	for (int i = 0; i < n; i++)
		values[i] = texts[i];
	values[n] = size > 0 ? p : "";
	lengths[n] = (int)size;
	formats[n] = 1;
	postgres_begin_call(&l->session, clock_monotonic_ms(&l->clock) + POSTGRES_LOG_TRANSFER_MS);
	return postgres_log_receive(l,
				    l->session.pq->PQsendQueryParams(l->session.conn, sql, n + 1,
								     NULL, values, lengths, formats,
								     0),
				    x, e);
}

/*
 * Of a change or part that is to be added. Rows are there that no head knows of: e says so. Nothing
 * else makes two of a number, for who adds one has locked the head.
 */
static int fail_to_add(struct postgres_log *l, int64_t number, struct err *e)
{
	if (!postgres_log_is_state(l, "23505"))
		return postgres_log_wants_retry(l) ? 1 : -1;
	(void)err_set(e, ERR_RECORD,
		      "could not write record \"%s\": the server has change %" PRId64
		      " already, behind the record's head",
		      l->url.shown, number);
	return err_help(
		e,
		"somebody added it, or put an older row into assize_record. When nothing of "
		"it is to be kept: DELETE FROM assize_record_change WHERE record = '%s' AND "
		"number >= %" PRId64 ", and the same of assize_record_base",
		l->url.name, number);
}

static int postgres_log_append(struct shared_log *log, const struct shared_head *head,
			       struct err *e)
{
	static const char sql[] =
		"WITH head AS (UPDATE assize_record SET number = $2::bigint, kind = $3::int,"
		" version = $4::int, size = $5::bigint, root = $6, digest = $7,"
		" base = $8::bigint, base_bytes = $9::bigint, since_bytes = $10::bigint"
		" WHERE name = $1 AND number = $2::bigint - 1 RETURNING name)"
		" INSERT INTO assize_record_change(record, number, kind, version, size, root,"
		" digest, body) SELECT name, $2::bigint, $3::int, $4::int, $5::bigint, $6, $7,"
		" $11::bytea FROM head";
	const struct shared_change *c = &head->newest;
	const int64_t numbers[] = {c->number,  c->kind,		 c->version,	   c->size,
				   head->base, head->base_bytes, head->since_bytes};
	struct postgres_log *l = postgres_log_of(log);
	char texts[7][24], root[SHA256_HEX], digest[SHA256_HEX];
	struct postgres_log_answer x = {.row = NULL};

	for (size_t i = 0; i < 7; i++)
		(void)snprintf(texts[i], sizeof(texts[i]), "%" PRId64, numbers[i]); /* its size */
	sha256_hex(c->root, root);
	sha256_hex(c->digest, digest);
	const char *const values[] = {l->url.name, texts[0], texts[1], texts[2], texts[3],
				      root,	   digest,   texts[4], texts[5], texts[6]};

	if (run_with_bytes(l, sql, values, 10, c->body, c->n, &x, e) != 0)
		return fail_to_add(l, c->number, e);
	if (strcmp(x.tag, "INSERT 0 1") == 0)
		return 0;
	return err_set(e, ERR_RECORD, "could not write record \"%s\": its head is not where it was",
		       l->url.shown);
}

static int postgres_log_put_part(struct shared_log *log, int64_t number, int64_t part,
				 const void *p, size_t n, struct err *e)
{
	struct postgres_log *l = postgres_log_of(log);
	char texts[2][24];
	struct postgres_log_answer x = {.row = NULL};

	(void)snprintf(texts[0], sizeof(texts[0]), "%" PRId64, number); /* its size */
	(void)snprintf(texts[1], sizeof(texts[1]), "%" PRId64, part);	/* same */
	const char *const values[] = {l->url.name, texts[0], texts[1]};

	if (run_with_bytes(l,
			   "INSERT INTO assize_record_base(record, number, part, body) VALUES "
			   "($1, $2::bigint, $3::int, $4::bytea)",
			   values, 3, p, n, &x, e) == 0)
		return 0;
	return fail_to_add(l, number, e);
}

static int postgres_log_commit(struct shared_log *log, struct err *e)
{
	struct postgres_log *l = postgres_log_of(log);
	struct postgres_log_answer x = {.row = NULL};
	struct err why = {0};
	int rc = postgres_log_run(l, "COMMIT", &x, &why);

	l->is_locked = false;
	if (rc == 0 && strcmp(x.tag, "COMMIT") == 0)
		return 0;
	if (rc == 0)
		return err_set(e, ERR_RECORD,
			       "could not write record \"%s\": the server took it back",
			       l->url.shown);
	if (e)
		*e = why;
	if (postgres_log_wants_retry(l))
		return 1;
	if ((l->session.db.is_broken || postgres_log_is_state(l, "40003")) && e)
		(void)err_help(e, "nobody knows whether the last of it was recorded; assize "
				  "history shows what is there");
	return -1;
}

/* ---- opening ---- */

static const char *postgres_log_place(const struct shared_log *l)
{
	return ((const struct postgres_log *)l)->place;
}

static const char *postgres_log_standby(const struct shared_log *l)
{
	return ((const struct postgres_log *)l)->standby;
}

static void postgres_log_close(struct shared_log *log)
{
	struct postgres_log *l = postgres_log_of(log);
	struct arena *a = l->arena;

	if (l->session.conn)
		l->session.pq->PQfinish(l->session.conn);
	buf_release(&l->session.decoded);
	arena_free(a);
}

static const struct shared_log_driver driver = {
	.close = postgres_log_close,
	.place = postgres_log_place,
	.standby = postgres_log_standby,
	.examine = postgres_log_examine,
	.head = postgres_log_head,
	.lock = postgres_log_lock,
	.append = postgres_log_append,
	.put_part = postgres_log_put_part,
	.commit = postgres_log_commit,
	.unlock = postgres_log_unlock,
	.changes = postgres_log_changes,
	.parts = postgres_log_parts,
};

int shared_log_open_postgres(const struct shared_url *url, struct shared_log **out, struct err *e)
{
	struct err why = {0};
	const struct postgres_api *pq = postgres_library(&why);
	struct arena *a;
	struct postgres_log *l;

	if (!pq)
		return err_set(e, ERR_RECORD, "could not open record \"%s\": %s", url->shown,
			       why.message);
	a = arena_new();
	l = arena_alloc(a, sizeof(*l));
	l->log.driver = &driver;
	l->arena = a;
	l->url = (struct shared_url){
		.conninfo = arena_strdup(a, url->conninfo),
		.password = url->password ? arena_strdup(a, url->password) : NULL,
		.name = arena_strdup(a, url->name),
		.shown = arena_strdup(a, url->shown),
	};
	l->source = (struct db_source){.engine = DB_POSTGRES,
				       .name = l->url.shown,
				       .location = l->url.conninfo,
				       .password = l->url.password};
	l->clock = clock_system();
	l->session = (struct postgres_db){
		.pq = pq, .source = &l->source, .clock = &l->clock, .is_record = true};
	buf_init(&l->session.decoded, DB_MAX_ROW_BYTES);
	if (postgres_log_connect(l, e) != 0) {
		postgres_log_close(&l->log);
		return -1;
	}
	*out = &l->log;
	return 0;
}
