/*
 * db_postgres_log_read: changes and bases. They come row by row, so that no more than one is held;
 * as bytes, since hex would be twice as long. One format counts for all columns of an answer:
 * numbers are cast to text.
 */
#include <inttypes.h>
#include <stdio.h>

#include "runner/base/err.h"
#include "runner/io/db_postgres_log.h"

#define PAGE 500 /* changes asked for at once */

struct changes_answer {
	int (*take)(void *ctx, const struct shared_change *c, struct err *e);
	void *ctx;
	int64_t last;
	int n;
};

static int take_body(const struct postgres_log *l, const PGresult *r, int row, int at,
		     const void **p, size_t *n, struct err *e)
{
	const struct postgres_api *pq = l->session.pq;

	if (pq->PQgetisnull(r, row, at)) {
		*p = NULL;
		*n = 0;
		return 0;
	}
	*p = pq->PQgetvalue(r, row, at);
	*n = (size_t)pq->PQgetlength(r, row, at);
	return *n > POSTGRES_LOG_MAX_BODY ? postgres_log_damaged(l, "a change", e) : 0;
}

static int take_change(void *ctx, struct postgres_log *l, const PGresult *r, int row, struct err *e)
{
	struct changes_answer *x = ctx;
	struct shared_change c;

	if (postgres_log_read_change(l, r, row, &c, e) != 0 ||
	    take_body(l, r, row, 6, &c.body, &c.n, e) != 0)
		return -1;
	x->last = c.number;
	x->n++;
	return x->take(x->ctx, &c, e);
}

static int ask_rows(struct postgres_log *l, const char *sql, const char *const *params, int n,
		    struct postgres_log_answer *x, struct err *e)
{
	int was_sent;

	postgres_begin_call(&l->session, clock_monotonic_ms(&l->clock) + POSTGRES_LOG_TRANSFER_MS);
	was_sent = l->session.pq->PQsendQueryParams(l->session.conn, sql, n, NULL, params, NULL,
						    NULL, 1);
	if (was_sent)
		/* Cannot fail: the query was just sent. */
		(void)l->session.pq->PQsetSingleRowMode(l->session.conn);
	return postgres_log_receive(l, was_sent, x, e);
}

int postgres_log_changes(struct shared_log *log, int64_t from, int64_t to,
			 int (*take_one)(void *ctx, const struct shared_change *c, struct err *e),
			 void *ctx, struct err *e)
{
	struct postgres_log *l = postgres_log_of(log);
	struct changes_answer x = {.take = take_one, .ctx = ctx, .last = from - 1};
	struct postgres_log_answer answer = {.row = take_change, .ctx = &x};
	char texts[4][24];
	const char *const params[] = {l->url.name, texts[0], texts[1], texts[2], texts[3]};
	int rc;

	(void)snprintf(texts[0], sizeof(texts[0]), "%" PRId64, from); /* its size */
	(void)snprintf(texts[1], sizeof(texts[1]), "%" PRId64, to);   /* same */
	(void)snprintf(texts[3], sizeof(texts[3]), "%d", PAGE);	      /* same */
	do {
		x.n = 0;
		(void)snprintf(texts[2], sizeof(texts[2]), "%" PRId64, x.last); /* same */
		rc = ask_rows(l,
			      "SELECT c.number::text, c.kind::text, c.version::text, "
			      "c.size::text, c.root, c.digest, CASE WHEN c.number > $2::bigint "
			      "THEN c.body END FROM assize_record_change c WHERE c.record = $1 AND "
			      "c.number > $4::bigint AND c.number <= $3::bigint ORDER BY c.number "
			      "LIMIT $5::bigint", /* c.number: number alone is the text of it */
			      params, 5, &answer, e);
	} while (rc == 0 && x.n == PAGE);
	return rc < 0 ? -1 : 0;
}

struct parts_answer {
	int (*take)(void *ctx, const void *p, size_t n, struct err *e);
	void *ctx;
};

static int take_part(void *ctx, struct postgres_log *l, const PGresult *r, int row, struct err *e)
{
	const struct parts_answer *x = ctx;
	const void *p;
	size_t n;

	if (take_body(l, r, row, 0, &p, &n, e) != 0)
		return -1;
	return p == NULL ? postgres_log_damaged(l, "a base", e) : x->take(x->ctx, p, n, e);
}

int postgres_log_parts(struct shared_log *log, int64_t number,
		       int (*take_one)(void *ctx, const void *p, size_t n, struct err *e),
		       void *ctx, struct err *e)
{
	struct postgres_log *l = postgres_log_of(log);
	struct parts_answer x = {.take = take_one, .ctx = ctx};
	struct postgres_log_answer answer = {.row = take_part, .ctx = &x};
	char text[24];
	const char *const params[] = {l->url.name, text};

	(void)snprintf(text, sizeof(text), "%" PRId64, number); /* its size */
	return ask_rows(l,
			"SELECT body FROM assize_record_base WHERE record = $1 AND number = "
			"$2::bigint ORDER BY part",
			params, 2, &answer, e) < 0
		       ? -1
		       : 0;
}
