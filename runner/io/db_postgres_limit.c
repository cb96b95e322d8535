/*
 * db_postgres_limit: no row that is longer than a session may hold is ever sent.
 *
 * libpq holds a row whole, twice, before anybody sees how long it is, so the server is asked: a
 * statement with columns of no fixed size is wrapped once more, where each row is measured and a
 * long one comes as NULLs with a flag. The server knows the length of a text or a bytea without
 * reading it; any other type costs what writing it costs. Fixed sizes are known from the
 * description, and a statement with nothing else runs as it is.
 *
 * OFFSET 0 keeps the planner from merging the two levels, which would compute a column twice.
 *
 * What remains: messages of the server. One that quotes a long value holds that value.
 *
 * Sources: PostgreSQL src/backend/utils/adt/varlena.c (textoctetlen), libpq fe-protocol3.c.
 */
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/io/db_postgres.h"

enum {
	OID_BYTEA = 17,
	OID_TEXT = 25,
	OID_CIDR = 650,
	OID_INET = 869,
	OID_BPCHAR = 1042,
	OID_VARCHAR = 1043,
	OID_NUMERIC = 1700,
};

#define MAX_NUMERICS	50   /* of 144 KiB at most: together less than half a row */
#define MAX_SHORT_CHARS 1000 /* varchar(1000): thousands of them are no long row */
#define TYPMOD_BYTES	4    /* varchar(n) has the modifier n + 4 */

struct columns {
	struct postgres_db *s;
	const PGresult *description;
	int n, n_numerics;
};

/* Is what the column holds short, whatever the row? */
static bool is_short(const struct columns *c, int i)
{
	int modifier = c->s->pq->PQfmod(c->description, i);

	if (c->s->pq->PQfsize(c->description, i) > 0)
		return true;
	switch (c->s->pq->PQftype(c->description, i)) {
	case OID_NUMERIC:
		return c->n_numerics <= MAX_NUMERICS;
	case OID_INET:
	case OID_CIDR:
		return true;
	case OID_VARCHAR:
	case OID_BPCHAR:
		return modifier > TYPMOD_BYTES && modifier <= MAX_SHORT_CHARS + TYPMOD_BYTES;
	default:
		return false;
	}
}

/* " + the bytes of column i as they are sent"; the server's + whatever the search path. */
static void add_size(struct buf *out, const struct columns *c, int i)
{
	/* The caller of a buffer without a ceiling need not look at it. */
	(void)buf_puts(out, " OPERATOR(pg_catalog.+) COALESCE(pg_catalog.octet_length(");
	switch (c->s->pq->PQftype(c->description, i)) {
	case OID_TEXT:
	case OID_VARCHAR:
	case OID_BPCHAR:
		(void)buf_printf(out, "c%d), 0)", i);
		return;
	case OID_BYTEA: /* in hex */
		(void)buf_printf(out, "c%d), 0) OPERATOR(pg_catalog.*) 2", i);
		return;
	default:
		(void)buf_printf(out, "CAST(c%d AS pg_catalog.text)), 0)", i);
	}
}

static void add_list(struct buf *out, const struct columns *c)
{
	for (int i = 0; i < c->n; i++) {
		(void)buf_printf(
			out, is_short(c, i) ? "c%d AS " : "CASE WHEN f THEN NULL ELSE c%d END AS ",
			i);
		db_quote(DB_POSTGRES, out, c->s->pq->PQfname(c->description, i));
		(void)buf_puts(out, ", ");
	}
	(void)buf_puts(out, "f");
}

const char *postgres_limit_rows(struct postgres_db *s, struct arena *a, const char *sql,
				const PGresult *description)
{
	struct columns c = {.s = s, .description = description, .n = s->pq->PQnfields(description)};
	bool is_limited = false;
	const char *text = NULL;
	struct buf b;

	for (int i = 0; i < c.n; i++)
		c.n_numerics += s->pq->PQftype(description, i) == OID_NUMERIC;
	buf_init(&b, BUF_UNBOUNDED); /* names and an expression a column */
	(void)buf_puts(&b, "SELECT ");
	add_list(&b, &c);
	(void)buf_puts(&b, " FROM (SELECT *, (CAST(0 AS pg_catalog.int8)");
	for (int i = 0; i < c.n; i++) {
		if (is_short(&c, i))
			continue;
		add_size(&b, &c, i);
		is_limited = true;
	}
	(void)buf_printf(&b, ") OPERATOR(pg_catalog.>) %d AS f FROM (%s) q(", DB_MAX_ROW_BYTES,
			 sql);
	for (int i = 0; i < c.n; i++)
		(void)buf_printf(&b, "%sc%d", i > 0 ? ", " : "", i);
	(void)buf_puts(&b, ") OFFSET 0) r");
	if (is_limited)
		text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}
