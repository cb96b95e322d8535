/*
 * Two directions: a writer for our own leaves, which is on the path of every result and therefore
 * appends whole pieces, and the canonical form of anybody's JSON, which is not.
 */
#include "runner/io/jcs.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utf8.h"
#include "runner/io/digest.h"
#include "runner/io/json.h"

/* Appending never checks its result: the buffer is unbounded, and memory ends in one place. */

static const char hex_digits[] = "0123456789abcdef";

void jcs_begin(struct jcs *j, struct buf *out)
{
	*j = (struct jcs){.out = out};
	(void)buf_putc(out, '{');
}

void jcs_end(struct jcs *j)
{
	(void)buf_putc(j->out, '}');
}

void jcs_put_name(struct jcs *j, const char *name)
{
	assert(j->last == NULL || strcmp(j->last, name) < 0);
	(void)buf_puts(j->out, j->last == NULL ? "\"" : ",\"");
	(void)buf_puts(j->out, name);
	(void)buf_puts(j->out, "\":");
	j->last = name;
}

size_t jcs_digits(int64_t v, char *out)
{
	/* Two digits a division: numbers are most of what a ledger is made of. */
	static const char pairs[] = "0001020304050607080910111213141516171819"
				    "2021222324252627282930313233343536373839"
				    "4041424344454647484950515253545556575859"
				    "6061626364656667686970717273747576777879"
				    "8081828384858687888990919293949596979899";
	uint64_t rest = v < 0 ? UINT64_C(0) - (uint64_t)v : (uint64_t)v;
	char text[20], *at = text + sizeof(text);
	size_t n;

	for (; rest >= 100; rest /= 100)
		memcpy(at -= 2, pairs + 2 * (rest % 100), 2);
	if (rest >= 10)
		memcpy(at -= 2, pairs + 2 * rest, 2);
	else
		*--at = (char)('0' + rest);
	n = (size_t)(text + sizeof(text) - at);
	if (v < 0)
		*out = '-';
	memcpy(out + (v < 0), at, n);
	return n + (v < 0);
}

void jcs_put_int(struct jcs *j, const char *name, int64_t v)
{
	bool is_text = v > JCS_MAX_INTEGER || v < -JCS_MAX_INTEGER;
	char text[24];
	size_t n = 0;

	if (is_text)
		text[n++] = '"';
	n += jcs_digits(v, text + n);
	if (is_text)
		text[n++] = '"';
	jcs_put_name(j, name);
	(void)buf_add(j->out, text, n);
}

size_t jcs_real(double v, char out[static JCS_REAL_MAX])
{
	uint64_t bits, mantissa;
	int exponent;
	size_t n = 0;

	memcpy(&bits, &v, sizeof(bits));
	mantissa = bits & UINT64_C(0xfffffffffffff);
	exponent = (int)(bits >> 52 & 0x7ff);
	if (isnan(v))
		return (size_t)(stpcpy(out, "nan") - out);
	if (bits >> 63)
		out[n++] = '-';
	if (isinf(v))
		return n + (size_t)(stpcpy(out + n, "inf") - (out + n));
	memcpy(out + n, exponent == 0 ? "0x0" : "0x1", 3);
	n += 3;
	if (mantissa != 0)
		out[n++] = '.';
	for (mantissa <<= 12; mantissa != 0; mantissa <<= 4)
		out[n++] = hex_digits[mantissa >> 60];
	exponent = exponent != 0 ? exponent - 1023 : v == 0 ? 0 : -1022;
	out[n++] = 'p';
	out[n++] = exponent < 0 ? '-' : '+';
	n += jcs_digits(exponent < 0 ? -exponent : exponent, out + n);
	out[n] = '\0';
	return n;
}

void jcs_put_real(struct jcs *j, const char *name, double v)
{
	char text[JCS_REAL_MAX];
	size_t n = jcs_real(v, text);

	jcs_put_name(j, name);
	(void)buf_putc(j->out, '"');
	(void)buf_add(j->out, text, n);
	(void)buf_putc(j->out, '"');
}

static void escape(struct buf *out, unsigned char c)
{
	static const char named[] = "\b\t\n\f\r", letters[] = "btnfr";
	const char *at = strchr(named, c);

	if (c == '"' || c == '\\')
		(void)buf_printf(out, "\\%c", c);
	else if (c != '\0' && at != NULL)
		(void)buf_printf(out, "\\%c", letters[at - named]);
	else
		(void)buf_printf(out, "\\u%04x", c);
}

void jcs_string(struct buf *out, const char *s, size_t n)
{
	size_t plain = 0; /* start of what can be copied as it is */

	(void)buf_putc(out, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		(void)buf_add(out, s + plain, i - plain);
		escape(out, c);
		plain = i + 1;
	}
	(void)buf_add(out, s + plain, n - plain);
	(void)buf_putc(out, '"');
}

void jcs_put_digest(struct jcs *j, const char *name, const void *p, size_t n)
{
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];

	sha256_of(p, n, digest);
	sha256_hex(digest, hex);
	jcs_put_name(j, name);
	(void)buf_printf(j->out, "{\"sha256\":\"%s\",\"size\":%zu}", hex, n);
}

void jcs_put_text(struct jcs *j, const char *name, const char *s, size_t n)
{
	if (n > JCS_MAX_TEXT || !str_is_utf8(s, n)) {
		jcs_put_digest(j, name, s, n);
		return;
	}
	jcs_put_name(j, name);
	jcs_string(j->out, s, n);
}

void jcs_put_hex(struct jcs *j, const char *name, const unsigned char *bytes, size_t n)
{
	jcs_put_name(j, name);
	(void)buf_putc(j->out, '"');
	for (size_t i = 0; i < n; i++) {
		(void)buf_putc(j->out, hex_digits[bytes[i] >> 4]);
		(void)buf_putc(j->out, hex_digits[bytes[i] & 15]);
	}
	(void)buf_putc(j->out, '"');
}

/* ---- the canonical form of any JSON ---- */

struct member {
	const char *name;
	struct json_t *value;
};

/*
 * RFC 8785 sorts by UTF-16 code units. UTF-8 sorts by code points, which differs only where a
 * surrogate pair (D800 and up) meets a character from E000 to FFFF.
 */
static uint32_t sort_unit(uint32_t code_point)
{
	return code_point >= 0x10000 ? 0xD800 + (code_point >> 10) - 0x40 : code_point;
}

static int by_utf16(const void *a, const void *b)
{
	const char *x = ((const struct member *)a)->name, *y = ((const struct member *)b)->name;
	uint32_t cx, cy;

	for (;;) {
		size_t nx = utf8_decode(x, strlen(x), &cx), ny = utf8_decode(y, strlen(y), &cy);

		if (nx == 0 || ny == 0) /* one ends; names of one object differ */
			return nx != 0 ? 1 : -1;
		if (cx != cy)
			return sort_unit(cx) != sort_unit(cy)
				       ? (sort_unit(cx) > sort_unit(cy) ? 1 : -1)
			       : cx > cy ? 1
					 : -1;
		x += nx;
		y += ny;
	}
}

static int put_number(struct buf *out, double v, struct err *e)
{
	char text[NUM_REAL_MAX];

	if (!isfinite(v))
		return err_set(e, ERR_MEASURE, "a number has no canonical form");
	if (v == 0)
		v = 0; /* -0 and 0 are one */
	(void)buf_add(out, text, num_format_real(v == 0 ? 0.0 : v, text));
	return 0;
}

static int put_any(const struct json_doc *d, struct json_t *at, struct buf *out, struct arena *a,
		   struct err *e);

static int put_object(const struct json_doc *d, struct json_t *at, struct buf *out, struct arena *a,
		      struct err *e)
{
	struct json_value v;
	struct member *members;
	void *iterator = NULL;
	size_t n = 0;

	json_read(d, at, &v);
	members = arena_array(a, v.n + 1, sizeof(*members));
	while (n < v.n && json_member_next(at, &iterator, &members[n].name, &members[n].value))
		n++;
	if (n > 1)
		qsort(members, n, sizeof(*members), by_utf16);
	(void)buf_putc(out, '{');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			(void)buf_putc(out, ',');
		jcs_string(out, members[i].name, strlen(members[i].name));
		(void)buf_putc(out, ':');
		if (put_any(d, members[i].value, out, a, e) != 0)
			return -1;
	}
	(void)buf_putc(out, '}');
	return 0;
}

/* The parser has bounded the depth. */
static int put_any(const struct json_doc *d, struct json_t *at, struct buf *out, struct arena *a,
		   struct err *e)
{
	struct json_value v;

	json_read(d, at, &v);
	switch (v.type) {
	case JSON_ABSENT:
	case JSON_IS_NULL:
		return buf_puts(out, "null");
	case JSON_IS_BOOL:
		return buf_puts(out, v.boolean ? "true" : "false");
	case JSON_IS_INT:
		return put_number(out, (double)v.integer, e);
	case JSON_IS_REAL:
		return put_number(out, v.real, e);
	case JSON_IS_TEXT:
		jcs_string(out, v.text, v.n);
		return 0;
	case JSON_IS_ARRAY:
		(void)buf_putc(out, '[');
		for (size_t i = 0; i < v.n; i++) {
			if (i > 0)
				(void)buf_putc(out, ',');
			if (put_any(d, json_item(at, i), out, a, e) != 0)
				return -1;
		}
		return buf_putc(out, ']');
	case JSON_IS_OBJECT:
		return put_object(d, at, out, a, e);
	}
	return -1;
}

int jcs_of_json(const char *text, size_t n, struct buf *out, struct err *e)
{
	struct arena *a;
	struct json_doc *d;
	int rc;

	if (json_parse(text, n, &d, e) != 0)
		return -1;
	a = arena_new();
	rc = put_any(d, json_root(d), out, a, e);
	arena_free(a);
	json_free(d);
	return rc;
}
