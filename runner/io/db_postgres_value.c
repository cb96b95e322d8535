/*
 * db_postgres_value: fields as values.
 *
 * Fields travel as text; the type's OID says what they are. A numeric that is a whole number within
 * 64 bits stays exact. NaN and infinity stay what they are, which is no measurement further up.
 * Times are written as RFC 3339 has them, in UTC where they carry a zone. Every other type is its
 * text.
 *
 * Sources: PostgreSQL src/include/catalog/pg_type.dat (OIDs never change), manual 8.5.2, 8.4.1.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/io/db_postgres.h"

enum {
	OID_BOOL = 16,
	OID_BYTEA = 17,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_OID = 26,
	OID_FLOAT4 = 700,
	OID_FLOAT8 = 701,
	OID_BPCHAR = 1042,
	OID_TIMESTAMP = 1114,
	OID_TIMESTAMPTZ = 1184,
	OID_NUMERIC = 1700,
};

void postgres_read_names(struct postgres_db *s, const PGresult *r)
{
	size_t n = (size_t)s->pq->PQnfields(r);

	if (n > s->cap) {
		s->cap = n;
		s->values = xrealloc(s->values, s->cap * sizeof(*s->values));
		s->names = xrealloc(s->names, s->cap * sizeof(*s->names));
	}
	for (size_t i = 0; i < n; i++)
		s->names[i] = s->pq->PQfname(r, (int)i);
}

/* NaN, an infinity, or a numeric beyond any double. */
static double special(const char *text)
{
	if (strcmp(text, "NaN") == 0)
		return (double)NAN;
	return text[0] == '-' ? -(double)INFINITY : (double)INFINITY;
}

/* "-12.500": whole when nothing but zeros stands behind the point. */
static void read_number(const char *text, size_t len, struct db_value *out)
{
	size_t whole = strcspn(text, ".");
	const char *rest = text + whole + (text[whole] == '.');

	if (rest[strspn(rest, "0")] == '\0' && num_parse_int(text, whole, &out->integer) == 0) {
		out->type = DB_INT;
		return;
	}
	out->type = DB_REAL;
	out->is_cut = num_is_cut(text, len);
	out->is_decimal = strcspn(text, "NI") == len; /* also beyond any double */
	if (num_parse_real(text, len, &out->real) != 0)
		out->real = special(text);
}

static int digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* "\x00ff" */
static void read_bytes(struct postgres_db *s, const char *text, size_t len)
{
	for (size_t i = 2; i + 1 < len; i += 2)
		/* The caller looks at the buffer once, at the end. */
		(void)buf_putc(&s->decoded, (char)(digit(text[i]) * 16 + digit(text[i + 1])));
}

/* "2026-11-25 12:00:00.5+00" as "2026-11-25T12:00:00.5Z"; "infinity" and "... BC" as they are. */
static void read_time(struct postgres_db *s, const char *text, size_t len)
{
	size_t at = strcspn(text, " ");
	bool is_utc = len > 3 && strcmp(text + len - 3, "+00") == 0;

	if (at == len) {
		(void)buf_add(&s->decoded, text, len);
		return;
	}
	(void)buf_add(&s->decoded, text, at);
	(void)buf_putc(&s->decoded, 'T');
	(void)buf_add(&s->decoded, text + at + 1, len - at - 1 - (is_utc ? 3 : 0));
	if (is_utc)
		(void)buf_putc(&s->decoded, 'Z');
}

/* A char(n) without the blanks that fill it, as its text is without them. */
static void read_padded(struct postgres_db *s, const char *text, size_t len)
{
	while (len > 0 && text[len - 1] == ' ')
		len--;
	(void)buf_add(&s->decoded, text, len);
}

/* A value that is not what was sent; its text is an offset until the row is whole. */
static void decode(struct postgres_db *s, Oid type, struct db_value *v)
{
	size_t start = s->decoded.len;

	if (type == OID_BYTEA)
		read_bytes(s, v->text, v->len);
	else if (type == OID_BPCHAR)
		read_padded(s, v->text, v->len);
	else
		read_time(s, v->text, v->len);
	v->type = type == OID_BYTEA ? DB_BLOB : DB_TEXT;
	v->len = s->decoded.len - start;
	v->integer = (int64_t)start;
	v->text = NULL;
	(void)buf_putc(&s->decoded, '\0');
}

static void read_value(struct postgres_db *s, Oid type, struct db_value *v)
{
	switch (type) {
	case OID_BOOL:
		v->type = DB_INT;
		v->integer = v->text[0] == 't';
		return;
	case OID_INT2:
	case OID_INT4:
	case OID_INT8:
	case OID_OID:
	case OID_NUMERIC:
		read_number(v->text, v->len, v);
		return;
	case OID_FLOAT4:
	case OID_FLOAT8:
		v->type = DB_REAL;
		if (num_parse_real(v->text, v->len, &v->real) != 0)
			v->real = special(v->text);
		return;
	case OID_BYTEA:
	case OID_BPCHAR:
	case OID_TIMESTAMP:
	case OID_TIMESTAMPTZ:
		decode(s, type, v);
		return;
	default:
		v->type = DB_TEXT;
	}
}

void postgres_read_row(struct postgres_db *s, const PGresult *r, int row)
{
	int n = s->pq->PQnfields(r);

	buf_reset(&s->decoded);
	for (int i = 0; i < n; i++) {
		struct db_value *v = &s->values[i];

		*v = (struct db_value){.type = DB_NULL, .text = ""};
		if (s->pq->PQgetisnull(r, row, i))
			continue;
		v->text = s->pq->PQgetvalue(r, row, i);
		v->len = (size_t)s->pq->PQgetlength(r, row, i);
		read_value(s, s->pq->PQftype(r, i), v);
	}
	for (int i = 0; i < n; i++) {
		struct db_value *v = &s->values[i];

		if (v->text)
			continue;
		v->text = s->decoded.data + v->integer;
		v->integer = 0;
	}
}
