/*
 * db_mysql_value: rows of the text protocol as typed values.
 *
 * Every value arrives as text; the column's type says what it is. Integers and DECIMAL are integers
 * when they are integral and fit into 64 bits with a sign, as SUM() of integers does, otherwise
 * reals: a BIGINT UNSIGNED beyond 9223372036854775807 loses its last digits rather than its order.
 * A date with a time has a "T" between them, and "Z" behind when it is an instant: TIMESTAMP, which
 * the session has in UTC, unlike DATETIME, which has no zone. BIT is an integer, sent as bytes when
 * it is a column, and mostly in digits when it is computed (max(b)), which nothing in the answer
 * says: what could be either is a blob. A string is a blob when its character set is binary; JSON
 * is text.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/io/db_mysql.h"

/* The number of the character set that is none. */
#define BINARY 63

void mysql_read_names(struct mysql_db *s, MYSQL_RES *result)
{
	size_t n = s->client->num_fields(result);
	const MYSQL_FIELD *fields = s->client->fetch_fields(result);

	if (n > s->cap) {
		s->cap = n;
		s->values = xrealloc(s->values, n * sizeof(*s->values));
		s->names = xrealloc(s->names, n * sizeof(*s->names));
		s->times = xrealloc(s->times, n * sizeof(*s->times));
	}
	for (size_t i = 0; i < n; i++)
		s->names[i] = fields[i].name;
}

static bool read_integer(const char *text, size_t len, struct db_value *out)
{
	if (num_parse_int(text, len, &out->integer) != 0)
		return false;
	out->type = DB_INT;
	return true;
}

static bool read_real(const char *text, size_t len, struct db_value *out)
{
	if (num_parse_real(text, len, &out->real) != 0)
		return false;
	out->type = DB_REAL;
	return true;
}

/* "12.00" is 12: a scale says how a number is written, not what it is. */
static bool read_decimal(const char *text, size_t len, struct db_value *out)
{
	const char *point = memchr(text, '.', len);
	size_t whole = point ? (size_t)(point - text) : len;
	bool is_integral = !point || strspn(point + 1, "0") == len - whole - 1;

	if (is_integral && read_integer(text, whole, out))
		return true;
	out->is_cut = num_is_cut(text, len);
	out->is_decimal = read_real(text, len, out);
	return out->is_decimal;
}

/* Bytes, most significant first, or digits: these are no bytes where there are too many of them. */
static void read_bits(const MYSQL_FIELD *field, const char *bytes, size_t len, struct db_value *out)
{
	bool is_digits =
		(field->flags & BINARY_FLAG) && len > 0 && strspn(bytes, "0123456789") == len;
	uint64_t bits = 0;

	for (size_t i = 0; i < len && i < 8; i++)
		bits = bits << 8 | (unsigned char)bytes[i];
	if (is_digits) {
		bool fits = len == (field->length + 7) / 8 &&
			    (field->length >= 64 || bits >> field->length == 0);

		if (fits)
			out->type = DB_BLOB;
		else
			(void)read_decimal(bytes, len, out);
		return;
	}
	if (bits <= INT64_MAX) {
		out->type = DB_INT;
		out->integer = (int64_t)bits;
	} else {
		out->type = DB_REAL;
		out->real = (double)bits;
		out->is_cut = true;
	}
}

/* Anything else in such a column (there is nothing) stays as it is. */
static void write_time(char out[static MYSQL_TIME_MAX], bool is_instant, struct db_value *v)
{
	if (v->type != DB_TEXT || v->len < 19 || v->len + 2 > MYSQL_TIME_MAX || v->text[10] != ' ')
		return;
	memcpy(out, v->text, v->len);
	out[10] = 'T';
	if (is_instant)
		out[v->len++] = 'Z';
	out[v->len] = '\0';
	v->text = out;
}

static void read_value(const MYSQL_FIELD *field, const char *text, size_t len, struct db_value *out)
{
	*out = (struct db_value){.type = DB_NULL, .text = ""};
	if (!text)
		return;
	out->text = text;
	out->len = len;
	out->type = DB_TEXT; /* also for what cannot be read as what it should be */
	switch (field->type) {
	case MYSQL_TYPE_TINY:
	case MYSQL_TYPE_SHORT:
	case MYSQL_TYPE_INT24:
	case MYSQL_TYPE_LONG:
	case MYSQL_TYPE_LONGLONG:
	case MYSQL_TYPE_YEAR:
	case MYSQL_TYPE_DECIMAL:
	case MYSQL_TYPE_NEWDECIMAL:
		(void)read_decimal(text, len, out);
		break;
	case MYSQL_TYPE_FLOAT: /* six digits, of the seven and more that it holds */
	case MYSQL_TYPE_DOUBLE:
		out->is_rounded = read_real(text, len, out) && field->type == MYSQL_TYPE_FLOAT;
		break;
	case MYSQL_TYPE_BIT:
		read_bits(field, text, len, out);
		break;
	case MYSQL_TYPE_GEOMETRY:
		out->type = DB_BLOB;
		break;
	case MYSQL_TYPE_TINY_BLOB:
	case MYSQL_TYPE_MEDIUM_BLOB:
	case MYSQL_TYPE_LONG_BLOB:
	case MYSQL_TYPE_BLOB:
	case MYSQL_TYPE_VARCHAR:
	case MYSQL_TYPE_VAR_STRING:
	case MYSQL_TYPE_STRING:
		if (field->charsetnr == BINARY)
			out->type = DB_BLOB;
		break;
	default: /* the types of the library, which may know more: dates, times, JSON, ENUM, SET */
		break;
	}
}

void mysql_read_row(struct mysql_db *s, MYSQL_RES *result, MYSQL_ROW row)
{
	size_t n = s->client->num_fields(result);
	const MYSQL_FIELD *fields = s->client->fetch_fields(result);
	const unsigned long *lengths = s->client->fetch_lengths(result);

	for (size_t i = 0; i < n; i++) {
		read_value(&fields[i], row[i], lengths[i], &s->values[i]);
		if (fields[i].type == MYSQL_TYPE_TIMESTAMP || fields[i].type == MYSQL_TYPE_DATETIME)
			write_time(s->times[i], fields[i].type == MYSQL_TYPE_TIMESTAMP,
				   &s->values[i]);
	}
}
