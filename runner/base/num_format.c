/*
 * Numbers as text. The form is ECMAScript's Number::toString (RFC 8785 prescribes it for canonical
 * JSON), except that negative zero keeps its sign: plain digits from 1e-6 up to 1e21, else an
 * exponent.
 *
 * The shortest digits are found without a big-number library. A value with at most 15 digits
 * (nearly all that are ever measured) is recognised by one multiplication and one division, both of
 * exact operands. The rest tries 16 and 17 digits; subnormal numbers, whose digits are coarse, try
 * from 1.
 */
#include "runner/base/num.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Powers of ten that a double holds exactly. */
static const double powers[] = {1e0,  1e1,  1e2,  1e3,	1e4,  1e5,  1e6,  1e7,
				1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
				1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define MAX_DIGITS	  17
#define MAX_EXACT_INTEGER 9007199254740992 /* 2^53 */

/* 0.DIGITS x 10^point */
struct digits {
	char text[MAX_DIGITS + 1];
	int n;
	int point;
};

/* Digits of m x 10^exponent, trailing zeros dropped; m is not 0. */
static void digits_of_integer(uint64_t m, int exponent, struct digits *out)
{
	char reversed[24];
	int n = 0, zeros = 0;

	while (m % 10 == 0) {
		m /= 10;
		zeros++;
	}
	for (; m != 0; m /= 10)
		reversed[n++] = (char)('0' + m % 10);
	for (int i = 0; i < n; i++)
		out->text[i] = reversed[n - 1 - i];
	out->n = n;
	out->point = n + zeros + exponent;
}

static double value_of(uint64_t m, int exponent)
{
	char text[48];

	/* Without a decimal point, so that the locale has no say. */
	(void)snprintf(text, sizeof(text), "%llue%d", (unsigned long long)m, exponent);
	return strtod(text, NULL);
}

/* v rounded to `precision` digits as an integer times a power of ten. */
static uint64_t rounded(double v, int precision, int *exponent)
{
	char text[48];
	uint64_t m = 0;
	char *p = text;

	(void)snprintf(text, sizeof(text), "%.*e", precision - 1, v);
	for (; *p != 'e'; p++) {
		if (*p >= '0' && *p <= '9') /* the point is the locale's */
			m = m * 10 + (uint64_t)(*p - '0');
	}
	*exponent = (int)strtol(p + 1, NULL, 10) - (precision - 1);
	return m;
}

/* Shortest digits by trial, for v > 0. */
static void digits_by_trial(double v, int first_precision, struct digits *out)
{
	uint64_t m;
	int exponent;

	for (int precision = first_precision; precision < MAX_DIGITS; precision++) {
		m = rounded(v, precision, &exponent);
		if (value_of(m, exponent) == v) {
			digits_of_integer(m, exponent, out);
			return;
		}
		/* Above a power of two the gap is twice the gap below: the neighbour may do. */
		if (value_of(m + 1, exponent) == v) {
			digits_of_integer(m + 1, exponent, out);
			return;
		}
	}
	m = rounded(v, MAX_DIGITS, &exponent);
	digits_of_integer(m, exponent, out);
}

/* Shortest digits of a finite v > 0. */
static void shortest_digits(double v, struct digits *out)
{
	int k = 0;
	double m;

	if (v < (double)MAX_EXACT_INTEGER && v == floor(v)) {
		digits_of_integer((uint64_t)v, 0, out);
		return;
	}
	if (v < 1e-7 || v >= 1e15) {
		digits_by_trial(v, v < 2.3e-308 ? 1 : 15, out);
		return;
	}
	/*
	 * Scaled to 15 digits. If v is the double nearest to some m / 10^k, the product errs by
	 * less than half, so rounding finds that m; and the division, rounded once, tells whether
	 * it was one.
	 */
	while (v * powers[k] < 1e14)
		k++; /* ends at 22 at the latest: 1e-7 has 15 digits there */
	m = floor(v * powers[k] + 0.5);
	if (m <= 1e15 && m / powers[k] == v)
		digits_of_integer((uint64_t)m, -k, out);
	else
		digits_by_trial(v, 16, out);
}

static char *put(char *p, const char *s, int n)
{
	memcpy(p, s, (size_t)n);
	return p + n;
}

static char *put_zeros(char *p, int n)
{
	memset(p, '0', (size_t)n);
	return p + n;
}

static char *put_digits(char *p, const struct digits *d)
{
	if (d->point > 21 || d->point < -5) {
		*p++ = d->text[0];
		if (d->n > 1) {
			*p++ = '.';
			p = put(p, d->text + 1, d->n - 1);
		}
		return p + snprintf(p, 8, "e%+d", d->point - 1);
	}
	if (d->point <= 0) {
		p = put(p, "0.", 2);
		p = put_zeros(p, -d->point);
		return put(p, d->text, d->n);
	}
	if (d->point >= d->n) {
		p = put(p, d->text, d->n);
		return put_zeros(p, d->point - d->n);
	}
	p = put(p, d->text, d->point);
	*p++ = '.';
	return put(p, d->text + d->point, d->n - d->point);
}

size_t num_format_real(double v, char out[static NUM_REAL_MAX])
{
	struct digits d;
	char *p = out;

	if (isnan(v)) {
		p = put(p, "nan", 3);
	} else {
		if (signbit(v))
			*p++ = '-';
		if (isinf(v)) {
			p = put(p, "inf", 3);
		} else if (v == 0) {
			*p++ = '0';
		} else {
			shortest_digits(fabs(v), &d);
			p = put_digits(p, &d);
		}
	}
	*p = '\0';
	return (size_t)(p - out);
}

/*
 * value / unit for people: one decimal below 10, none above. Cut, not rounded: what is shown has
 * really passed, and 59.9 s never reads as 60.
 */
static size_t put_scaled(uint64_t value, uint64_t unit, const char *name, bool is_negative,
			 char *out)
{
	uint64_t whole = value / unit;
	uint64_t tenths = value % unit * 10 / unit; /* a unit is at most 2^60 */
	const char *sign = is_negative ? "-" : "";
	int n;

	if (whole < 10 && tenths != 0)
		n = snprintf(out, NUM_REAL_MAX, "%s%llu.%llu %s", sign, (unsigned long long)whole,
			     (unsigned long long)tenths, name);
	else
		n = snprintf(out, NUM_REAL_MAX, "%s%llu %s", sign, (unsigned long long)whole, name);
	return (size_t)n; /* at most 20 digits and a unit */
}

static uint64_t magnitude(int64_t v)
{
	return v < 0 ? (uint64_t) - (v + 1) + 1 : (uint64_t)v;
}

size_t num_format_duration(int64_t ms, char out[static NUM_REAL_MAX])
{
	uint64_t v = magnitude(ms);
	bool is_negative = ms < 0;

	if (v < 1000)
		return put_scaled(v, 1, "ms", is_negative, out);
	if (v < 60000)
		return put_scaled(v, 1000, "s", is_negative, out);
	if (v < 3600000)
		return put_scaled(v, 60000, "min", is_negative, out);
	if (v < 86400000)
		return put_scaled(v, 3600000, "h", is_negative, out);
	return put_scaled(v, 86400000, "d", is_negative, out);
}

size_t num_format_size(int64_t bytes, char out[static NUM_REAL_MAX])
{
	static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	uint64_t v = magnitude(bytes), unit = 1;
	size_t i = 0;

	while (i + 1 < sizeof(names) / sizeof(names[0]) && v / unit >= 1024) {
		unit *= 1024;
		i++;
	}
	return put_scaled(v, unit, names[i], bytes < 0, out);
}
