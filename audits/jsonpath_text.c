/*
 * The words of a query: white space, strings, numbers, names. Strict to the letter of RFC 9535,
 * section 2: what one reader forgives, another reads differently.
 */
#include <string.h>

#include "audits/jsonpath_internal.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"

/* Of the query in a message. */
#define SHOWN_BYTES 120
/* Integers that every JSON implementation can hold (RFC 7493). */
#define MAX_INDEX ((INT64_C(1) << 53) - 1)

int jsonpath_refuse(const struct jsonpath_reader *r, size_t at, const char *what)
{
	size_t n_column = 1, n_shown = r->n < SHOWN_BYTES ? r->n : SHOWN_BYTES;

	while (n_shown < r->n && ((unsigned char)r->text[n_shown] & 0xc0) == 0x80)
		n_shown++; /* not in the middle of a character */
	for (size_t i = 0; i < at && i < r->n; i++)
		n_column += ((unsigned char)r->text[i] & 0xc0) != 0x80;
	return err_set(r->e, ERR_DEFINITION, "\"%s%s\" is no JSONPath: character %zu: %s",
		       str_escaped(r->arena, arena_strndup(r->arena, r->text, n_shown)),
		       n_shown < r->n ? "..." : "", n_column, what);
}

void jsonpath_blanks(struct jsonpath_reader *r)
{
	while (r->at < r->n && strchr(" \t\n\r", r->text[r->at]) != NULL && r->text[r->at] != '\0')
		r->at++;
}

bool jsonpath_sees(const struct jsonpath_reader *r, const char *word)
{
	size_t n = strlen(word);

	return r->n - r->at >= n && memcmp(r->text + r->at, word, n) == 0;
}

bool jsonpath_takes(struct jsonpath_reader *r, const char *word)
{
	if (!jsonpath_sees(r, word))
		return false;
	r->at += strlen(word);
	return true;
}

int jsonpath_enter(struct jsonpath_reader *r)
{
	if (r->depth >= JSONPATH_MAX_DEPTH)
		return jsonpath_refuse(r, r->at, "it is nested too deep");
	r->depth++;
	return 0;
}

void jsonpath_leave(struct jsonpath_reader *r)
{
	r->depth--;
}

/* ---- strings ---- */

/* Four hexadecimal digits. */
static int hex4(struct jsonpath_reader *r, uint32_t *out)
{
	static const char digits[] = "0123456789abcdef";

	*out = 0;
	for (int i = 0; i < 4; i++) {
		char c = r->at < r->n ? r->text[r->at] : '\0';
		const char *d;

		if (c >= 'A' && c <= 'F')
			c = (char)(c - 'A' + 'a');
		d = c != '\0' ? strchr(digits, c) : NULL;
		if (d == NULL)
			return jsonpath_refuse(r, r->at, "four hexadecimal digits follow \\u");
		*out = *out << 4 | (uint32_t)(d - digits);
		r->at++;
	}
	return 0;
}

static void put_utf8(struct buf *b, uint32_t c)
{
	char s[4];
	size_t n = 0;

	if (c < 0x80) {
		s[n++] = (char)c;
	} else if (c < 0x800) {
		s[n++] = (char)(0xc0 | c >> 6);
		s[n++] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		s[n++] = (char)(0xe0 | c >> 12);
		s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		s[n++] = (char)(0x80 | (c & 0x3f));
	} else {
		s[n++] = (char)(0xf0 | c >> 18);
		s[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		s[n++] = (char)(0x80 | (c & 0x3f));
	}
	(void)buf_add(b, s, n); /* bounded by the query */
}

/* Behind \u: one character, which may be two halves of a surrogate pair. */
static int unicode(struct jsonpath_reader *r, struct buf *b)
{
	uint32_t c, low;
	size_t at = r->at;

	if (hex4(r, &c) != 0)
		return -1;
	if (c >= 0xdc00 && c <= 0xdfff)
		return jsonpath_refuse(r, at, "half a surrogate pair is no character");
	if (c >= 0xd800 && c <= 0xdbff) {
		if (!jsonpath_takes(r, "\\u"))
			return jsonpath_refuse(r, at, "half a surrogate pair is no character");
		if (hex4(r, &low) != 0)
			return -1;
		if (low < 0xdc00 || low > 0xdfff)
			return jsonpath_refuse(r, at, "half a surrogate pair is no character");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	put_utf8(b, c);
	return 0;
}

static int escaped(struct jsonpath_reader *r, char quote, struct buf *b)
{
	static const char from[] = "bfnrt/\\", to[] = "\b\f\n\r\t/\\";
	char c = r->at < r->n ? r->text[r->at] : '\0';
	const char *known = c != '\0' ? strchr(from, c) : NULL;

	if (c != 'u' && c != quote && known == NULL)
		return jsonpath_refuse(r, r->at, "no such escape; \\\\ stands for a backslash");
	r->at++;
	if (c == 'u')
		return unicode(r, b);
	(void)buf_putc(b, known != NULL ? to[known - from] : quote); /* bounded by the query */
	return 0;
}

static int string(struct jsonpath_reader *r, struct buf *b)
{
	char quote = r->text[r->at++];

	for (;;) {
		unsigned char c;

		if (r->at >= r->n)
			return jsonpath_refuse(r, r->at, "the text has no end");
		c = (unsigned char)r->text[r->at];
		if (c < 0x20)
			return jsonpath_refuse(r, r->at, "a control character, written as \\uXXXX");
		r->at++;
		if (c == (unsigned char)quote)
			return 0;
		if (c != '\\')
			(void)buf_putc(b, (char)c); /* bounded by the query */
		else if (escaped(r, quote, b) != 0)
			return -1;
	}
}

int jsonpath_string(struct jsonpath_reader *r, const char **out, size_t *n)
{
	struct buf b;
	int code;

	buf_init(&b, JSONPATH_MAX_BYTES);
	code = string(r, &b);
	if (code == 0) {
		*n = b.len;
		*out = arena_strndup(r->arena, b.data, b.len);
	}
	buf_release(&b);
	return code;
}

/* ---- names and numbers ---- */

int jsonpath_shorthand(struct jsonpath_reader *r, const char **out, size_t *n)
{
	size_t from = r->at;

	while (r->at < r->n) {
		unsigned char c = (unsigned char)r->text[r->at];
		bool is_letter =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;

		if (!is_letter && (r->at == from || c < '0' || c > '9'))
			break;
		r->at++;
	}
	if (r->at == from)
		return jsonpath_refuse(r, from, "a name or * belongs here; others are ['name']");
	*n = r->at - from;
	*out = arena_strndup(r->arena, r->text + from, *n);
	return 0;
}

static size_t skip_digits(struct jsonpath_reader *r)
{
	size_t from = r->at;

	while (r->at < r->n && r->text[r->at] >= '0' && r->text[r->at] <= '9')
		r->at++;
	return r->at - from;
}

/* "0", or digits that do not begin with it, with an optional minus; no value yet. */
static int integer_part(struct jsonpath_reader *r)
{
	size_t at, n;

	(void)jsonpath_takes(r, "-"); /* it may be there */
	at = r->at;
	n = skip_digits(r);
	if (n == 0)
		return jsonpath_refuse(r, at, "a number has a digit here");
	if (n > 1 && r->text[at] == '0')
		return jsonpath_refuse(r, at, "a number does not begin with 0");
	return 0;
}

int jsonpath_integer(struct jsonpath_reader *r, int64_t *out)
{
	size_t from = r->at;
	int64_t v;

	if (integer_part(r) != 0)
		return -1;
	if (r->text[from] == '-' && r->text[from + 1] == '0')
		return jsonpath_refuse(r, from, "-0 is no index");
	if (num_parse_int(r->text + from, r->at - from, &v) != 0 || v > MAX_INDEX || v < -MAX_INDEX)
		return jsonpath_refuse(r, from, "the index lies beyond 2^53 - 1");
	*out = v;
	return 0;
}

int jsonpath_number(struct jsonpath_reader *r, struct json_value *out)
{
	size_t from = r->at;
	bool is_integer = true;

	*out = (struct json_value){.type = JSON_ABSENT};
	if (integer_part(r) != 0)
		return -1;
	if (jsonpath_takes(r, ".")) {
		is_integer = false;
		if (skip_digits(r) == 0)
			return jsonpath_refuse(r, r->at, "a digit follows the point");
	}
	if (jsonpath_takes(r, "e") || jsonpath_takes(r, "E")) {
		is_integer = false;
		if (!jsonpath_takes(r, "+"))
			(void)jsonpath_takes(r, "-"); /* one of them, or none */
		if (skip_digits(r) == 0)
			return jsonpath_refuse(r, r->at, "an exponent has a digit here");
	}
	if (is_integer && num_parse_int(r->text + from, r->at - from, &out->integer) == 0) {
		out->type = JSON_IS_INT;
		return 0;
	}
	if (num_parse_real(r->text + from, r->at - from, &out->real) != 0)
		return jsonpath_refuse(r, from, "the number is too large");
	out->type = JSON_IS_REAL;
	out->is_rounded = is_integer;
	return 0;
}
