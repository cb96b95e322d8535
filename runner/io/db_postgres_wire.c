/*
 * db_postgres_wire: sending and receiving, never longer than the deadline.
 *
 * The server is given the same limit (statement_timeout), and a little more time to say so itself,
 * because its answer leaves the session usable. When it says nothing it is told to cancel on a
 * connection of its own, as a statement can lift its own limit; when that changes nothing either
 * the session is broken.
 *
 * What remains: libpq's PQcancel() connects without a deadline. A host that vanished holds it up
 * until tcp_user_timeout (10 s unless the connection string says otherwise).
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>

#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/db_postgres.h"

#define GRACE_MS  250  /* for the server's own limit to show */
#define CANCEL_MS 2000 /* for an answer to a cancel */

void postgres_begin_call(struct postgres_db *s, int64_t deadline_ms)
{
	s->started_ms = clock_monotonic_ms(s->clock);
	s->deadline_ms = deadline_ms;
	if (s->source->statement_timeout_ms > 0 &&
	    s->source->statement_timeout_ms < deadline_ms - s->started_ms)
		s->deadline_ms = s->started_ms + s->source->statement_timeout_ms;
	s->is_late = false;
}

bool postgres_is_past(struct postgres_db *s)
{
	if (clock_monotonic_ms(s->clock) < s->deadline_ms)
		return false;
	s->is_late = true;
	return true;
}

int64_t postgres_limit_ms(const struct postgres_db *s)
{
	int64_t left_ms = s->deadline_ms - clock_monotonic_ms(s->clock);

	if (left_ms > INT_MAX)
		return INT_MAX;
	return left_ms > 0 ? left_ms : 1; /* 0 would be none */
}

bool postgres_wait(struct postgres_db *s, short events, int64_t until_ms)
{
	for (;;) {
		struct pollfd p = {.fd = s->pq->PQsocket(s->conn), .events = events};
		int64_t left_ms = until_ms - clock_monotonic_ms(s->clock);

		if (left_ms <= 0)
			return false;
		int rc = poll(&p, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX);

		if (rc > 0)
			return true;
		/* Any other failure shows when libpq uses the socket. */
		if (rc < 0 && errno != EINTR)
			return true;
	}
}

static void cancel(struct postgres_db *s)
{
	PGcancel *c = s->pq->PQgetCancel(s->conn);
	char why[256];

	if (!c)
		return;
	/* When it does not arrive, the wait that follows ends as well. */
	(void)s->pq->PQcancel(c, why, sizeof(why));
	s->pq->PQfreeCancel(c);
}

/* The socket is ready to be read; false: the session is broken. */
static bool wait_answer(struct postgres_db *s, short events)
{
	if (postgres_wait(s, events, s->deadline_ms + GRACE_MS))
		return true;
	if (!s->is_late)
		cancel(s);
	s->is_late = true;
	if (postgres_wait(s, events, s->deadline_ms + GRACE_MS + CANCEL_MS))
		return true;
	s->db.is_broken = true;
	return false;
}

int postgres_flush(struct postgres_db *s, int was_sent, struct err *e)
{
	int rc;

	if (!was_sent)
		return postgres_fail_connection(s, e);
	while ((rc = s->pq->PQflush(s->conn)) > 0) {
		if (!wait_answer(s, POLLIN | POLLOUT))
			return postgres_fail_late(s, e);
		if (!s->pq->PQconsumeInput(s->conn))
			return postgres_fail_connection(s, e);
	}
	return rc == 0 ? 0 : postgres_fail_connection(s, e);
}

PGresult *postgres_next(struct postgres_db *s, int *rc, struct err *e)
{
	while (s->pq->PQisBusy(s->conn)) {
		if (!wait_answer(s, POLLIN)) {
			*rc = postgres_fail_late(s, e);
			return NULL;
		}
		if (!s->pq->PQconsumeInput(s->conn)) {
			*rc = postgres_fail_connection(s, e);
			return NULL;
		}
	}
	return s->pq->PQgetResult(s->conn);
}

int postgres_drain(struct postgres_db *s, int rc, struct err *e)
{
	PGresult *r;
	int broken = 0;

	while ((r = postgres_next(s, &broken, rc == 0 ? e : NULL)) != NULL) {
		if (rc == 0 && s->pq->PQresultStatus(r) == PGRES_FATAL_ERROR)
			rc = postgres_fail(s, r, e);
		s->pq->PQclear(r);
	}
	return rc == 0 ? broken : rc;
}

void postgres_stop(struct postgres_db *s)
{
	cancel(s);
	/* That it was cancelled is what was asked for. */
	(void)postgres_drain(s, 0, NULL);
}

int postgres_do(struct postgres_db *s, const char *sql, struct err *e)
{
	int rc = postgres_flush(s, s->pq->PQsendQuery(s->conn, sql), e);

	return s->db.is_broken ? -1 : postgres_drain(s, rc, e);
}
