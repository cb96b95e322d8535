/*
 * db_postgres_log_session: one message to the server of a record, and what can go wrong with it.
 */
#include <stdio.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/db_postgres_log.h"

#define CONNECT_MS    15000
#define SERIALIZATION "40001"
#define DEADLOCK      "40P01"

/* ---- what goes wrong ---- */

bool postgres_log_is_state(const struct postgres_log *l, const char *state)
{
	return strcmp(l->state, state) == 0;
}

/* The transaction is gone, and may succeed when it is tried again. */
bool postgres_log_wants_retry(const struct postgres_log *l)
{
	return postgres_log_is_state(l, SERIALIZATION) || postgres_log_is_state(l, DEADLOCK);
}

static void help(const struct postgres_log *l, const char *message, struct err *e)
{
	const char *user = l->session.pq->PQuser(l->session.conn);

	if (postgres_log_is_state(l, "42501") && strstr(message, "schema"))
		(void)err_help(e,
			       "GRANT CREATE ON SCHEMA ... TO \"%s\", or let the schema's owner "
			       "make the record: assize run",
			       user);
	else if (postgres_log_is_state(l, "42501"))
		(void)err_help(e,
			       "to read: GRANT SELECT ON assize_record, assize_record_change, "
			       "assize_record_base TO \"%s\"; to write also INSERT on all three "
			       "and UPDATE on assize_record",
			       user);
	else if (postgres_log_is_state(l, "25006"))
		(void)err_help(e, "a record is on the primary server and the role may write: look "
				  "at target_session_attrs and default_transaction_read_only");
	else if (postgres_log_is_state(l, "53100"))
		(void)err_help(e, "make room on the server's disk: until then nothing is recorded, "
				  "and what was acknowledged is there");
	else if (strstr(message, "password"))
		(void)err_help(e, "give the password in PGPASSWORD, ~/.pgpass, a service file, or "
				  "with the URL in ASSIZE_RECORD");
	else if (strstr(message, "Connection refused") || strstr(message, "No such file"))
		(void)err_help(e, "is the server running there, and does it listen on that "
				  "address and port?");
	else if (strstr(message, "SSL") || strstr(message, "certificate"))
		(void)err_help(e, "look at sslmode and sslrootcert of the URL");
}

static int fail(struct postgres_log *l, const char *message, struct err *e)
{
	if (postgres_log_is_state(l, "55P03"))
		return err_set(e, ERR_RECORD,
			       "could not write record \"%s\": another runner has held it for %d s",
			       l->url.shown, SHARED_LOG_WAIT_MS / 1000);
	(void)err_set(e, ERR_RECORD, "could not %s record \"%s\": %s",
		      l->is_locked ? "write" : "read", l->url.shown, message);
	help(l, message, e);
	return -1;
}

/* ---- the session ---- */

void postgres_log_disconnect(struct postgres_log *l)
{
	l->session.pq->PQfinish(l->session.conn);
	l->session.conn = NULL;
	l->session.db.is_broken = l->session.is_open = false;
	l->is_locked = false;
}

int postgres_log_connect(struct postgres_log *l, struct err *e)
{
	struct postgres_db *s = &l->session;
	struct err why = {0};

	l->state[0] = '\0';
	postgres_begin_call(s, clock_monotonic_ms(&l->clock) + CONNECT_MS);
	if (postgres_connect(s, &why) != 0) {
		(void)fail(l, why.message, e);
		postgres_log_disconnect(l);
		return -1;
	}
	s->is_open = true;
	if (l->place || postgres_log_find_place(l, e) == 0)
		return 0;
	postgres_log_disconnect(l);
	return -1;
}

/* ---- statements ---- */

static int take(struct postgres_log *l, struct postgres_log_answer *x, PGresult *r, struct err *e)
{
	const struct postgres_api *pq = l->session.pq;
	ExecStatusType status = pq->PQresultStatus(r);
	const char *state, *message;
	int rc = 0;

	if (status == PGRES_TUPLES_OK || status == PGRES_SINGLE_TUPLE ||
	    status == PGRES_COMMAND_OK) {
		(void)snprintf(x->tag, sizeof(x->tag), "%s",
			       pq->PQcmdStatus(r)); /* cut: none of ours */
		for (int i = 0; i < pq->PQntuples(r) && rc == 0 && x->row; i++)
			rc = x->row(x->ctx, l, r, i, e);
		return rc;
	}
	state = pq->PQresultErrorField(r, PG_DIAG_SQLSTATE);
	message = pq->PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	(void)snprintf(l->state, sizeof(l->state), "%s", state ? state : ""); /* its size */
	if (!state || str_starts(state, "57P0") || str_starts(state, "08") ||
	    strcmp(state, "25P03") == 0)
		l->session.db.is_broken = true;
	return fail(l, message ? message : "lost the connection", e);
}

/* Takes all answers to what was sent; the first failure counts. */
int postgres_log_receive(struct postgres_log *l, int was_sent, struct postgres_log_answer *x,
			 struct err *e)
{
	struct postgres_db *s = &l->session;
	struct err why = {0};
	PGresult *r;
	int rc, broken = 0;

	l->state[0] = x->tag[0] = '\0';
	if (postgres_flush(s, was_sent, &why) != 0)
		return fail(l, why.message, e);
	rc = 0;
	while ((r = postgres_next(s, &broken, &why)) != NULL) {
		if (rc == 0)
			rc = take(l, x, r, e);
		s->pq->PQclear(r);
		/* What is cancelled takes its transaction with it. */
		if (rc != 0 && x->row && !l->is_locked && !s->db.is_broken &&
		    s->pq->PQtransactionStatus(s->conn) == PQTRANS_ACTIVE)
			postgres_stop(s);
	}
	if (broken != 0)
		s->db.is_broken = true;
	return rc == 0 && broken != 0 ? fail(l, why.message, e) : rc;
}

int postgres_log_run(struct postgres_log *l, const char *sql, struct postgres_log_answer *x,
		     struct err *e)
{
	postgres_begin_call(&l->session, clock_monotonic_ms(&l->clock) + POSTGRES_LOG_CALL_MS);
	return postgres_log_receive(l, l->session.pq->PQsendQuery(l->session.conn, sql), x, e);
}

/* ---- would it take a change ---- */

struct stands {
	bool is_read_only, may_write;
};

static int take_stands(void *ctx, struct postgres_log *l, const PGresult *r, int row, struct err *e)
{
	struct stands *x = ctx;

	(void)e; /* both are true or false, never NULL */
	x->is_read_only = l->session.pq->PQgetvalue(r, row, 0)[0] == 't';
	x->may_write = l->session.pq->PQgetvalue(r, row, 1)[0] == 't';
	return 0;
}

#define MAY(table, what) "has_table_privilege(to_regclass('" table "'), '" what "')"

/* Of a standby every transaction is read-only, too. Tables nobody has made yet refuse nothing. */
int postgres_log_examine(struct shared_log *log, struct err *e)
{
	struct postgres_log *l = postgres_log_of(log);
	struct stands x = {.may_write = true};
	struct postgres_log_answer answer = {.row = take_stands, .ctx = &x};
	int rc;

	if (postgres_log_run(l,
			     "SELECT current_setting('transaction_read_only') = 'on', "
			     "coalesce(" MAY("assize_record", "UPDATE") " AND " MAY(
				     "assize_record",
				     "INSERT") " AND " MAY("assize_record_change",
							   "INSERT") " AND " MAY("assize_record_"
										 "base",
										 "INSERT") ", "
											   "true)",
			     &answer, e) != 0)
		return -1;
	if (!x.is_read_only && x.may_write)
		return 0;
	l->is_locked = true; /* for the message: it is about writing */
	(void)snprintf(l->state, sizeof(l->state), "%s",
		       x.is_read_only ? "25006" : "42501"); /* its size */
	rc = fail(l,
		  x.is_read_only ? "the server is a standby, or read-only for this role"
				 : "the role may not write its tables",
		  e);
	l->is_locked = false;
	return rc;
}

int64_t postgres_log_integer(const struct postgres_log *l, const PGresult *r, int row, int at)
{
	const char *text = l->session.pq->PQgetvalue(r, row, at);
	int64_t v;

	return num_parse_int(text, strlen(text), &v) == 0 ? v : -1;
}

int postgres_log_damaged(const struct postgres_log *l, const char *what, struct err *e)
{
	return err_set(e, ERR_RECORD, "cannot trust record \"%s\": %s on the server is damaged",
		       l->url.shown, what);
}

/* The first columns are POSTGRES_LOG_COLUMNS, as text. */
int postgres_log_read_change(const struct postgres_log *l, const PGresult *r, int row,
			     struct shared_change *out, struct err *e)
{
	const struct postgres_api *pq = l->session.pq;
	int64_t kind = postgres_log_integer(l, r, row, 1);
	struct shared_change c = {
		.number = postgres_log_integer(l, r, row, 0),
		.kind = kind == SHARED_MADE ? SHARED_MADE
					    : (kind == SHARED_KEPT ? SHARED_KEPT : SHARED_CHANGE),
		.version = postgres_log_integer(l, r, row, 2),
		.size = postgres_log_integer(l, r, row, 3),
	};

	if (c.number < 0 || c.version < 0 || c.size < 0 || kind < 0 || kind > SHARED_KEPT)
		return postgres_log_damaged(l, "a change", e);
	if (sha256_from_hex(pq->PQgetvalue(r, row, 4), (size_t)pq->PQgetlength(r, row, 4),
			    c.root) != 0 ||
	    sha256_from_hex(pq->PQgetvalue(r, row, 5), (size_t)pq->PQgetlength(r, row, 5),
			    c.digest) != 0)
		return postgres_log_damaged(l, "a change", e);
	*out = c;
	return 0;
}
