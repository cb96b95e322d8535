/*
 * db_odbc_row: rows as typed values, one cell after the other.
 *
 * Texts come as UTF-16, which every driver manager converts to, so that nobody's locale matters.
 * Integers and decimals come as digits: they are integers when they are integral and fit into 64
 * bits with a sign, otherwise reals. Dates are ISO text, as ODBC writes them. A cell is fetched in
 * pieces, a row held whole, up to DB_MAX_ROW_BYTES.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utf16.h"
#include "runner/io/db_odbc.h"

#define MAX_NAME_UNITS 256
#define PIECE_UNITS    2048

/* ---- UTF-16 ---- */

SQLWCHAR *odbc_wide(const char *text, size_t len)
{
	if (!str_is_utf8(text, len))
		return NULL;
	SQLWCHAR *out = xmalloc((len + 1) * sizeof(*out));
	size_t n = 0;

	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)text[i++];
		size_t n_more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		uint32_t point = n_more == 0 ? c : c & (0x3fu >> n_more);

		for (; n_more > 0; n_more--)
			point = point << 6 | ((unsigned char)text[i++] & 0x3f);
		if (point >= 0x10000) {
			point -= 0x10000;
			out[n++] = (SQLWCHAR)(0xd800 | point >> 10);
			point = 0xdc00 | (point & 0x3ff);
		}
		out[n++] = (SQLWCHAR)point;
	}
	out[n] = 0;
	return out;
}

void odbc_narrow(struct buf *out, const SQLWCHAR *text, size_t n)
{
	struct utf16 u = {0};

	for (size_t i = 0; i < n; i++)
		utf16_add_unit(&u, text[i], out);
	utf16_end(&u, out);
}

/* ---- columns ---- */

static int read_columns(struct odbc_db *s, struct err *e)
{
	SQLSMALLINT n = 0, len;
	SQLWCHAR name[MAX_NAME_UNITS];

	if (!SQL_SUCCEEDED(s->client->column_count(s->statement, &n)))
		return odbc_fail(s, SQL_HANDLE_STMT, s->statement, e);
	s->n = n > 0 ? (size_t)n : 0;
	if (s->n > s->cap) {
		s->cap = s->n;
		s->columns = xrealloc(s->columns, s->cap * sizeof(*s->columns));
		s->values = xrealloc(s->values, s->cap * sizeof(*s->values));
		s->names = xrealloc(s->names, s->cap * sizeof(*s->names));
	}
	buf_reset(&s->texts);
	for (size_t i = 0; i < s->n; i++) {
		struct odbc_column *c = &s->columns[i];

		if (!SQL_SUCCEEDED(s->client->describe(s->statement, (SQLUSMALLINT)(i + 1), name,
						       MAX_NAME_UNITS, &len, &c->type, NULL, NULL,
						       NULL)))
			return odbc_fail(s, SQL_HANDLE_STMT, s->statement, e);
		c->name = s->texts.len;
		odbc_narrow(&s->texts, name,
			    len < MAX_NAME_UNITS ? (size_t)len : MAX_NAME_UNITS - 1);
		(void)buf_putc(&s->texts, '\0'); /* far below the ceiling: columns are limited */
	}
	for (size_t i = 0; i < s->n; i++)
		s->names[i] = s->texts.data + s->columns[i].name;
	return 0;
}

/* ---- cells ---- */

static SQLSMALLINT wanted_type(SQLSMALLINT type)
{
	switch (type) {
	case SQL_BIT:
	case SQL_TINYINT:
	case SQL_SMALLINT:
	case SQL_INTEGER:
	case SQL_BIGINT:
	case SQL_DECIMAL:
	case SQL_NUMERIC:
		return SQL_C_CHAR;
	case SQL_REAL:
	case SQL_FLOAT:
	case SQL_DOUBLE:
		return SQL_C_DOUBLE;
	case SQL_BINARY:
	case SQL_VARBINARY:
	case SQL_LONGVARBINARY:
		return SQL_C_BINARY;
	default:
		return SQL_C_WCHAR;
	}
}

static int fail_cell(struct odbc_db *s, struct err *e)
{
	return odbc_fail(s, SQL_HANDLE_STMT, s->statement, e);
}

/* Appends the cell in pieces. 1 = it is NULL. */
static int read_pieces(struct odbc_db *s, size_t i, SQLSMALLINT type, struct err *e)
{
	SQLWCHAR piece[PIECE_UNITS];
	size_t unit = type == SQL_C_WCHAR ? sizeof(SQLWCHAR) : 1;
	/* What the driver ends a piece of text with is no part of it. */
	size_t room = sizeof(piece) - (type == SQL_C_BINARY ? 0 : unit);
	SQLRETURN rc;

	do {
		SQLLEN left = 0;

		rc = s->client->get_data(s->statement, (SQLUSMALLINT)(i + 1), type, piece,
					 (SQLLEN)sizeof(piece), &left);
		if (rc == SQL_NO_DATA)
			return 0;
		if (!SQL_SUCCEEDED(rc))
			return fail_cell(s, e);
		if (left == SQL_NULL_DATA)
			return 1;
		size_t got = left == SQL_NO_TOTAL || (size_t)left > room ? room : (size_t)left;

		if (type == SQL_C_WCHAR)
			odbc_narrow(&s->cells, piece, got / unit);
		else
			(void)buf_add(&s->cells, piece, got);
	} while (rc == SQL_SUCCESS_WITH_INFO && !s->cells.is_full);
	if (s->cells.is_full)
		return db_fail_long_row(e);
	return 0;
}

/* "12.00" is 12: a scale says how a number is written, not what it is. */
static void read_number(const char *text, size_t len, struct db_value *out)
{
	const char *point = memchr(text, '.', len);
	size_t whole = point ? (size_t)(point - text) : len;
	bool is_integral = !point || strspn(point + 1, "0") == len - whole - 1;

	if (is_integral && num_parse_int(text, whole, &out->integer) == 0)
		out->type = DB_INT;
	else if (num_parse_real(text, len, &out->real) == 0) {
		out->type = DB_REAL;
		out->is_cut = num_is_cut(text, len);
		out->is_decimal = true;
	}
}

static int read_real(struct odbc_db *s, size_t i, struct db_value *out, struct err *e)
{
	SQLLEN len = 0;
	double real = 0;

	if (!SQL_SUCCEEDED(s->client->get_data(s->statement, (SQLUSMALLINT)(i + 1), SQL_C_DOUBLE,
					       &real, sizeof(real), &len)))
		return fail_cell(s, e);
	if (len == SQL_NULL_DATA)
		return 0;
	out->type = DB_REAL;
	out->real = real;
	return 0;
}

static int read_cell(struct odbc_db *s, size_t i, struct err *e)
{
	struct odbc_column *c = &s->columns[i];
	struct db_value *out = &s->values[i];
	SQLSMALLINT type = wanted_type(c->type);

	*out = (struct db_value){.type = DB_NULL, .text = ""};
	if (type == SQL_C_DOUBLE)
		return read_real(s, i, out, e);
	c->start = s->cells.len;
	int rc = read_pieces(s, i, type, e);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	c->len = s->cells.len - c->start;
	out->type = type == SQL_C_BINARY ? DB_BLOB : DB_TEXT;
	(void)buf_putc(&s->cells, '\0'); /* the next cell looks whether it is full */
	return 0;
}

/* Texts are pointed at when the row is whole: the buffer moves while it grows. */
static int read_row(struct odbc_db *s, struct err *e)
{
	buf_reset(&s->cells);
	for (size_t i = 0; i < s->n; i++)
		if (read_cell(s, i, e) != 0)
			return -1;
	for (size_t i = 0; i < s->n; i++) {
		struct db_value *v = &s->values[i];

		if (v->type != DB_TEXT && v->type != DB_BLOB)
			continue;
		v->text = s->cells.data + s->columns[i].start;
		v->len = s->columns[i].len;
		if (wanted_type(s->columns[i].type) == SQL_C_CHAR)
			read_number(v->text, v->len, v);
	}
	return 0;
}

int odbc_read_rows(struct odbc_db *s, db_row_fn *fn, void *ctx, struct err *e)
{
	if (read_columns(s, e) != 0)
		return -1;
	if (s->n == 0)
		return err_set(e, ERR_MEASURE, "the query gives no rows, not even none");
	struct db_row row = {.n = s->n, .values = s->values, .names = s->names};
	SQLRETURN rc;

	while (SQL_SUCCEEDED(rc = s->client->fetch(s->statement))) {
		if (read_row(s, e) != 0)
			return -1;
		int wish = fn ? fn(ctx, &row, e) : 0;

		if (wish != 0)
			return wish > 0 ? 0 : -1;
	}
	return rc == SQL_NO_DATA ? 0 : odbc_fail(s, SQL_HANDLE_STMT, s->statement, e);
}
