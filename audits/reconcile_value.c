/*
 * A column is a tag, and then nothing (NULL), eight bytes (numbers), twelve (times) or a length and
 * bytes. Nothing is aligned, so everything is copied in and out.
 */
#include "audits/reconcile_value.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/base/decimal.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/redact.h"
#include "runner/base/utc.h"
#include "runner/io/clock.h"
#include "runner/io/db.h"
#include "runner/io/digest.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

#define SHOWN_BYTES 48

/* ---- reading what a database gave ---- */

/* Digits of the fraction behind the third, which utc_parse() leaves out. */
static uint32_t nanoseconds(const char *text, size_t n)
{
	const char *point = memchr(text, '.', n);
	uint32_t scale = 100000, ns = 0;

	if (!point)
		return 0;
	for (const char *s = point + 1; s < text + n && *s >= '0' && *s <= '9'; s++) {
		if (s - point <= 3)
			continue;
		ns += (uint32_t)(*s - '0') * scale;
		scale /= 10;
	}
	return ns;
}

/* Is the text a time? *out is then set. 1 yes, 0 no, -1 error. */
static int read_time(const struct db_value *v, const char *zone, struct reconcile_cell *out,
		     struct err *e)
{
	int has_zone;

	/* Most texts are none: a look at two bytes says so. */
	if (v->len < 10 || v->text[4] != '-' || v->text[7] != '-' ||
	    utc_parse(v->text, v->len, &out->integer, &has_zone) != 0)
		return 0;
	out->type = RECONCILE_TIME;
	out->ns = nanoseconds(v->text, v->len);
	/* A date alone is a day, which has no zone. */
	has_zone = has_zone || v->len == 10;
	if (!has_zone && zone && zone_instant_ms(zone, out->integer, false, &out->integer, e) != 0)
		return -1;
	return 1;
}

static int read_text(const struct db_value *v, const char *zone, struct reconcile_cell *out,
		     struct err *e)
{
	int is_time = v->type == DB_TEXT ? read_time(v, zone, out, e) : 0;

	if (is_time != 0)
		return is_time < 0 ? -1 : 0;
	out->type = v->type == DB_TEXT ? RECONCILE_TEXT : RECONCILE_BLOB;
	out->text = v->text;
	out->len = v->len;
	return 0;
}

static void set_real(double v, struct reconcile_cell *out)
{
	out->type = RECONCILE_REAL;
	out->real = v;
}

/* A whole number within 64 bits is an integer, however the engine stores it. */
static void fold_real(struct reconcile_cell *c)
{
	double v = c->real;

	if (c->type != RECONCILE_REAL || v < -9223372036854775808.0 || v >= 9223372036854775808.0 ||
	    v != floor(v))
		return;
	c->type = RECONCILE_INT;
	c->integer = (int64_t)v;
}

static int read_value(const struct db_value *v, const char *zone, struct reconcile_cell *out,
		      struct err *e)
{
	*out = (struct reconcile_cell){.type = RECONCILE_NULL};
	switch (v->type) {
	case DB_NULL:
		return 0;
	case DB_INT:
		out->type = RECONCILE_INT;
		out->integer = v->integer;
		return 0;
	case DB_REAL:
		if (!v->is_decimal) {
			set_real(v->real, out);
			return 0;
		}
		out->type = RECONCILE_DECIMAL;
		out->text = v->text;
		out->len = v->len;
		return 0;
	case DB_TEXT:
	case DB_BLOB:
		break;
	}
	return read_text(v, zone, out, e);
}

/* ---- bytes ---- */

static void put_bytes(struct buf *out, enum reconcile_type type, const char *text, size_t n)
{
	unsigned char digest[SHA256_BYTES];
	uint32_t length;

	if (n > RECONCILE_MAX_TEXT_BYTES) {
		sha256_of(text, n, digest);
		/* The caller's buffer has no ceiling: a row is bounded by its columns. */
		(void)buf_putc(out, (char)RECONCILE_LONG);
		length = sizeof(digest);
		(void)buf_add(out, &length, sizeof(length));
		(void)buf_add(out, digest, sizeof(digest));
		return;
	}
	length = (uint32_t)n;
	(void)buf_putc(out, (char)type);
	(void)buf_add(out, &length, sizeof(length));
	(void)buf_add(out, text, n);
}

static void put_cell(struct buf *out, const struct reconcile_cell *c)
{
	switch (c->type) {
	case RECONCILE_NULL:
		(void)buf_putc(out, (char)c->type);
		return;
	case RECONCILE_INT:
		(void)buf_putc(out, (char)c->type);
		(void)buf_add(out, &c->integer, sizeof(c->integer));
		return;
	case RECONCILE_REAL:
		(void)buf_putc(out, (char)c->type);
		(void)buf_add(out, &c->real, sizeof(c->real));
		return;
	case RECONCILE_TIME:
		(void)buf_putc(out, (char)c->type);
		(void)buf_add(out, &c->integer, sizeof(c->integer));
		(void)buf_add(out, &c->ns, sizeof(c->ns));
		return;
	case RECONCILE_DECIMAL:
	case RECONCILE_TEXT:
	case RECONCILE_BLOB:
	case RECONCILE_LONG:
		put_bytes(out, c->type, c->text, c->len);
		return;
	}
}

int reconcile_put_value(struct buf *out, const struct db_value *v, const char *zone, struct err *e)
{
	struct reconcile_cell c;

	if (read_value(v, zone, &c, e) != 0)
		return -1;
	put_cell(out, &c);
	return 0;
}

/* Without zeros behind the point. */
static size_t trimmed_len(const struct reconcile_cell *c)
{
	size_t n = c->len;

	if (!memchr(c->text, '.', n))
		return n;
	while (c->text[n - 1] == '0')
		n--;
	return c->text[n - 1] == '.' ? n - 1 : n;
}

/* As num_format_real() writes what a double keeps; else all digits. */
static void put_decimal_key(const struct reconcile_cell *c, char number[static NUM_REAL_MAX],
			    struct reconcile_cell *out)
{
	double real;

	out->type = RECONCILE_TEXT;
	if (!num_is_cut(c->text, c->len) && num_parse_real(c->text, c->len, &real) == 0) {
		out->len = num_format_real(real, number);
		out->text = number;
		return;
	}
	out->len = trimmed_len(c);
}

int reconcile_put_key(struct buf *out, const struct db_value *v, const char *zone, struct err *e)
{
	struct reconcile_cell c;
	char number[NUM_REAL_MAX];

	if (read_value(v, zone, &c, e) != 0)
		return -1;
	fold_real(&c);
	if (c.type == RECONCILE_TEXT && c.len > 0 && c.len < 20 &&
	    num_parse_int(c.text, c.len, &c.integer) == 0) {
		struct buf again;

		/* Only the number's own text is that number: "007" is not 7. */
		buf_init(&again, NUM_REAL_MAX);
		(void)buf_printf(&again, "%lld", (long long)c.integer);
		if (again.len == c.len && memcmp(again.data, c.text, c.len) == 0)
			c.type = RECONCILE_INT;
		buf_release(&again);
	} else if (c.type == RECONCILE_REAL) {
		c.len = num_format_real(c.real, number);
		c.text = number;
		c.type = RECONCILE_TEXT;
	} else if (c.type == RECONCILE_DECIMAL) {
		put_decimal_key(&c, number, &c);
	}
	put_cell(out, &c);
	return 0;
}

struct reconcile_cell reconcile_take(const char **at)
{
	struct reconcile_cell c = {.type = (enum reconcile_type)(unsigned char)*(*at)++};
	uint32_t length;

	switch (c.type) {
	case RECONCILE_NULL:
		return c;
	case RECONCILE_INT:
		memcpy(&c.integer, *at, sizeof(c.integer));
		*at += sizeof(c.integer);
		return c;
	case RECONCILE_REAL:
		memcpy(&c.real, *at, sizeof(c.real));
		*at += sizeof(c.real);
		return c;
	case RECONCILE_TIME:
		memcpy(&c.integer, *at, sizeof(c.integer));
		memcpy(&c.ns, *at + sizeof(c.integer), sizeof(c.ns));
		*at += sizeof(c.integer) + sizeof(c.ns);
		return c;
	case RECONCILE_DECIMAL:
	case RECONCILE_TEXT:
	case RECONCILE_BLOB:
	case RECONCILE_LONG:
		break;
	}
	memcpy(&length, *at, sizeof(length));
	c.text = *at + sizeof(length);
	c.len = length;
	*at += sizeof(length) + length;
	return c;
}

/* ---- comparing ---- */

int reconcile_tolerance_parse(const char *text, struct reconcile_tolerance *out)
{
	size_t n = strlen(text);
	struct reconcile_tolerance t = {0};
	size_t digits = n > 0 && text[n - 1] == '%' ? n - 1 : 0;

	while (digits > 1 && text[digits - 1] == ' ')
		digits--;
	if (digits > 0 && num_parse_real(text, digits, &t.relative) == 0)
		t.relative /= 100;
	else if (num_parse_real(text, n, &t.absolute) == 0)
		digits = n;
	else if (num_parse_duration_ms(text, n, &t.apart_ms) == 0)
		digits = 0;
	else
		return -1;
	t.text = digits > 0 ? text : NULL;
	t.len = digits;
	if (t.absolute < 0 || t.relative < 0 || t.apart_ms < 0)
		return -1;
	*out = t;
	return 0;
}

static bool is_number(const struct reconcile_cell *c)
{
	return c->type == RECONCILE_INT || c->type == RECONCILE_REAL ||
	       c->type == RECONCILE_DECIMAL;
}

static double number(const struct reconcile_cell *c)
{
	return c->type == RECONCILE_INT ? (double)c->integer : c->real;
}

/* A decimal as what a double keeps of it; a text, on the side that has it as text, likewise. */
static bool as_number(const struct reconcile_cell *c, struct reconcile_cell *out)
{
	double real;

	*out = *c;
	if (c->type == RECONCILE_INT || c->type == RECONCILE_REAL)
		return true;
	if (c->type != RECONCILE_TEXT && c->type != RECONCILE_DECIMAL)
		return false;
	if (num_parse_int(c->text, c->len, &out->integer) == 0) {
		out->type = RECONCILE_INT;
		return true;
	}
	if (num_parse_real(c->text, c->len, &real) == 0)
		set_real(real, out);
	else if (c->type == RECONCILE_DECIMAL) /* beyond any double */
		*out = (struct reconcile_cell){
			.type = RECONCILE_REAL,
			.real = c->text[0] == '-' ? -(double)INFINITY : (double)INFINITY,
		};
	else
		return false;
	return true;
}

/* What has all its digits; -1 when it has not, or is no number. */
static int as_decimal(const struct reconcile_cell *c, struct decimal *out)
{
	char digits[32];

	if (c->type == RECONCILE_INT) {
		int n = snprintf(digits, sizeof(digits), "%lld", (long long)c->integer);

		return decimal_parse(digits, (size_t)n, out);
	}
	if (c->type != RECONCILE_TEXT && c->type != RECONCILE_DECIMAL)
		return -1;
	return decimal_parse(c->text, c->len, out);
}

static bool are_same_decimals(const struct decimal *left, const struct decimal *right,
			      const struct reconcile_tolerance *t)
{
	struct decimal distance, room, share;

	if (decimal_compare(left, right) == 0)
		return true;
	if (!t->text || decimal_parse(t->text, t->len, &room) != 0 ||
	    decimal_distance(left, right, &distance) != 0)
		return false;
	if (t->relative == 0)
		return decimal_compare(&distance, &room) <= 0;
	if (decimal_product(left, &room, &share) != 0)
		return false;
	share.scale += 2; /* percent */
	return decimal_compare(&distance, &share) <= 0;
}

/* Are both the same digits, or integers that need not be near? *out is then the answer. */
static bool is_plain_to_see(const struct reconcile_cell *left, const struct reconcile_cell *right,
			    const struct reconcile_tolerance *t, bool *out)
{
	if (left->type != right->type)
		return false;
	if (left->type == RECONCILE_INT) {
		*out = left->integer == right->integer;
		return *out || !t->text;
	}
	*out = left->type == RECONCILE_DECIMAL && left->len == right->len &&
	       memcmp(left->text, right->text, left->len) == 0;
	return *out;
}

/* A decimal that no double holds is none, nor an infinity. */
static bool is_beyond(const struct reconcile_cell *c, const struct reconcile_cell *as_number)
{
	return c->type == RECONCILE_DECIMAL && isinf(number(as_number));
}

/* One of them is a double at least. */
static bool are_same_numbers(const struct reconcile_cell *left, const struct reconcile_cell *right,
			     const struct reconcile_tolerance *t)
{
	double l = number(left), r = number(right);
	double room = fabs(l) * t->relative > t->absolute ? fabs(l) * t->relative : t->absolute;

	if (isnan(l) || isnan(r))
		return isnan(l) && isnan(r);
	if (l == r)
		return true;
	/* Nothing is near infinity: its rounding below would be infinite as well. */
	if (isinf(l) || isinf(r))
		return false;
	/* 1.1 and 1 lie a rounding more than 0.1 apart: a decimal bound is meant for decimals. */
	return room > 0 && fabs(l - r) <= room + 2 * DBL_EPSILON * fmax(fabs(l), fabs(r));
}

static bool are_same_times(const struct reconcile_cell *left, const struct reconcile_cell *right,
			   const struct reconcile_tolerance *t)
{
	const struct reconcile_cell *first = left, *last = right;
	int64_t apart_ms;

	if (left->integer > right->integer ||
	    (left->integer == right->integer && left->ns > right->ns)) {
		first = right;
		last = left;
	}
	apart_ms = last->integer - first->integer;
	if (last->ns > first->ns)
		apart_ms++; /* a part of a millisecond is more than none */
	return apart_ms <= t->apart_ms;
}

/*
 * Of two, one of which is a number: 1 yes, 0 no, -1 when the other is none. What the nearest double
 * is that double is the same where one side is one; how far they lie apart is counted in all
 * digits.
 */
static int compare_numbers(const struct reconcile_cell *left, const struct reconcile_cell *right,
			   const struct reconcile_tolerance *t)
{
	bool is_any_real = left->type == RECONCILE_REAL || right->type == RECONCILE_REAL;
	struct reconcile_cell l, r, whole_left = *left, whole_right = *right;
	struct decimal x, y;
	bool are_numbers = as_number(left, &l) && as_number(right, &r);
	bool is_one_beyond = are_numbers && (is_beyond(left, &l) || is_beyond(right, &r));

	if (is_any_real && are_numbers && !is_one_beyond && number(&l) == number(&r))
		return 1;
	fold_real(&whole_left);
	fold_real(&whole_right);
	if (as_decimal(&whole_left, &x) == 0 && as_decimal(&whole_right, &y) == 0)
		return are_same_decimals(&x, &y, t);
	return are_numbers ? !is_one_beyond && are_same_numbers(&l, &r, t) : -1;
}

bool reconcile_is_same(const struct reconcile_cell *left, const struct reconcile_cell *right,
		       const struct reconcile_tolerance *t)
{
	bool is_same;

	if (left->type == RECONCILE_NULL || right->type == RECONCILE_NULL)
		return left->type == right->type;
	if (is_plain_to_see(left, right, t, &is_same))
		return is_same;
	if (is_number(left) || is_number(right)) {
		int answer = compare_numbers(left, right, t);

		if (answer >= 0)
			return answer != 0;
	}
	if (left->type == RECONCILE_TIME && right->type == RECONCILE_TIME)
		return are_same_times(left, right, t);
	if (!left->text || !right->text || left->len != right->len)
		return false;
	/* A text here may be a blob there; a digest is equal to nothing but a digest. */
	return (left->type == RECONCILE_LONG) == (right->type == RECONCILE_LONG) &&
	       memcmp(left->text, right->text, left->len) == 0;
}

const char *reconcile_tolerance_misses(const struct reconcile_cell *left,
				       const struct reconcile_cell *right,
				       const struct reconcile_tolerance *t)
{
	struct reconcile_cell l, r;
	bool are_times = left->type == RECONCILE_TIME && right->type == RECONCILE_TIME;

	if (left->type == RECONCILE_NULL || right->type == RECONCILE_NULL)
		return NULL;
	if (t->apart_ms > 0)
		return are_times ? NULL : "times";
	if (!t->text ||
	    ((is_number(left) || is_number(right)) && as_number(left, &l) && as_number(right, &r)))
		return NULL;
	return "numbers";
}

int reconcile_order(const struct reconcile_cell *a, const struct reconcile_cell *b)
{
	struct reconcile_cell x, y;
	size_t n;

	if (a->type == RECONCILE_INT && b->type == RECONCILE_INT)
		return (a->integer > b->integer) - (a->integer < b->integer);
	if (as_number(a, &x) && as_number(b, &y)) {
		double l = number(&x), r = number(&y);

		return (l > r) - (l < r);
	}
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->type == RECONCILE_TIME && a->integer != b->integer)
		return a->integer < b->integer ? -1 : 1;
	if (a->type == RECONCILE_TIME)
		return (a->ns > b->ns) - (a->ns < b->ns);
	if (!a->text || !b->text)
		return 0;
	n = a->len < b->len ? a->len : b->len;
	int order = memcmp(a->text, b->text, n);

	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static void show_time(struct buf *out, const struct reconcile_cell *c)
{
	char when[UTC_MAX];
	size_t n;

	if (c->ns == 0) {
		(void)utc_format(c->integer, c->integer % 1000 != 0, when);
		(void)buf_puts(out, when);
		return;
	}
	n = utc_format(c->integer, 1, when);
	(void)buf_printf(out, "%.*s%06uZ", (int)(n - 1), when, (unsigned)c->ns);
}

void reconcile_show(const struct probe *p, struct buf *out, const struct reconcile_cell *cell)
{
	struct reconcile_cell shown = *cell;
	const struct reconcile_cell *c = &shown;
	char text[NUM_REAL_MAX];

	fold_real(&shown);
	switch (c->type) {
	case RECONCILE_NULL:
		(void)buf_puts(out, "NULL");
		return;
	case RECONCILE_INT:
		(void)buf_printf(out, "%lld", (long long)c->integer);
		return;
	case RECONCILE_REAL:
		(void)num_format_real(c->real, text);
		(void)buf_puts(out, text);
		return;
	case RECONCILE_DECIMAL:
		(void)buf_add(out, c->text, trimmed_len(c));
		return;
	case RECONCILE_TIME:
		show_time(out, c);
		return;
	case RECONCILE_TEXT:
		(void)buf_putc(out, '"');
		redact_show(p->world->definition->redactor, p->arena, c->text, c->len, SHOWN_BYTES,
			    out);
		(void)buf_puts(out, c->len > SHOWN_BYTES ? "...\"" : "\"");
		return;
	case RECONCILE_BLOB:
		(void)buf_printf(out, "a blob of %zu bytes", c->len);
		return;
	case RECONCILE_LONG:
		(void)buf_puts(out, "a long text ");
		for (size_t i = 0; i < 4; i++)
			(void)buf_printf(out, "%02x", (unsigned)(unsigned char)c->text[i]);
		return;
	}
}
