/*
 * Numbers are read by hand, and handed to strtod() only where the exact short cut does not apply,
 * and then without a decimal point, so that the locale has no say. num_format.c writes them.
 */
#include "runner/base/num.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Powers of ten that a double holds exactly. */
static const double exact_powers[] = {1e0,  1e1,  1e2,	1e3,  1e4,  1e5,  1e6,	1e7,
				      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
				      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define MAX_EXACT_POWER	  22
#define MAX_EXACT_INTEGER 9007199254740992 /* 2^53 */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A decimal number taken apart: digits x 10^exponent. Digits beyond those kept only leave a trace.
 */
#define KEPT_DIGITS 800 /* more than 767, which decide every rounding of a double */
struct decimal {
	bool is_negative, is_cut;
	size_t n;
	long exponent;
	uint64_t leading; /* value of the first 19 significant digits */
	char digits[KEPT_DIGITS + 2];
};

static void add_digit(struct decimal *d, char c, bool is_fraction)
{
	if (is_fraction)
		d->exponent--;
	if (d->n == 0 && c == '0')
		return;
	if (d->n == KEPT_DIGITS) {
		d->is_cut = d->is_cut || c != '0';
		d->exponent++;
		return;
	}
	if (d->n < 19)
		d->leading = d->leading * 10 + (uint64_t)(c - '0');
	d->digits[d->n++] = c;
}

/* [eE][+-]?digits at s; adds it to d. Exponents beyond any double stop growing. */
static int take_exponent(const char *s, size_t n, struct decimal *d)
{
	size_t i = 1;
	bool is_minus = false;
	long value = 0;

	if (i < n && (s[i] == '+' || s[i] == '-'))
		is_minus = s[i++] == '-';
	if (i == n)
		return -1;
	for (; i < n; i++) {
		if (!is_digit(s[i]))
			return -1;
		if (value < 100000000)
			value = value * 10 + (s[i] - '0');
	}
	d->exponent += is_minus ? -value : value;
	return 0;
}

static int take_decimal(const char *s, size_t n, struct decimal *d)
{
	size_t i = 0, start;

	if (i < n && s[i] == '-') {
		d->is_negative = true;
		i++;
	}
	for (start = i; i < n && is_digit(s[i]); i++)
		add_digit(d, s[i], false);
	if (i == start)
		return -1;
	if (i < n && s[i] == '.') {
		for (start = ++i; i < n && is_digit(s[i]); i++)
			add_digit(d, s[i], true);
		if (i == start)
			return -1;
	}
	if (i == n)
		return 0;
	return s[i] == 'e' || s[i] == 'E' ? take_exponent(s + i, n - i, d) : -1;
}

static double decimal_value(struct decimal *d)
{
	char text[KEPT_DIGITS + 32];

	if (d->n == 0)
		return 0.0;
	/* Both factors exact, so one rounding: Clinger, "How to read floating point numbers". */
	if (d->n <= 19 && d->leading <= MAX_EXACT_INTEGER && d->exponent >= -MAX_EXACT_POWER &&
	    d->exponent <= MAX_EXACT_POWER) {
		double m = (double)d->leading;

		return d->exponent < 0 ? m / exact_powers[-d->exponent]
				       : m * exact_powers[d->exponent];
	}
	if (d->is_cut) {
		d->digits[d->n++] = '1';
		d->exponent--;
	}
	(void)snprintf(text, sizeof(text), "%.*se%ld", (int)d->n, d->digits, d->exponent);
	return strtod(text, NULL);
}

int num_parse_real(const char *s, size_t n, double *out)
{
	struct decimal d;
	double v;

	/* Not an initialiser: that would clear all digits for each number. */
	d.is_negative = d.is_cut = false;
	d.n = 0;
	d.exponent = 0;
	d.leading = 0;
	if (take_decimal(s, n, &d) < 0)
		return -1;
	v = decimal_value(&d);
	if (isinf(v))
		return -1;
	*out = d.is_negative ? -v : v;
	return 0;
}

bool num_is_cut(const char *s, size_t n)
{
	size_t n_digits = 0, n_zeros = 0, n_whole = 0;
	bool is_fraction = false;

	for (size_t i = 0; i < n && s[i] != 'e' && s[i] != 'E'; i++) {
		if (s[i] == '.')
			is_fraction = true;
		if (s[i] < '0' || s[i] > '9' || (s[i] == '0' && n_digits + n_whole == 0))
			continue; /* a sign, the point, zeros in front */
		n_whole += is_fraction ? 0 : 1;
		n_zeros = s[i] == '0' ? n_zeros + 1 : 0;
		n_digits++;
	}
	return n_digits - n_zeros > 15 || n_whole >= 19;
}

/* As many digits as there are, without the zeros around them. */
static size_t digits_of(const struct decimal *d)
{
	size_t n = d->n;

	while (n > 0 && d->digits[n - 1] == '0')
		n--;
	return n;
}

bool num_is_mistaken(const char *s, size_t n)
{
	struct decimal d = {.n = 0}, kept = {.n = 0}, few = {.n = 0};
	char text[KEPT_DIGITS + 32];
	double v;

	if (take_decimal(s, n, &d) < 0 || num_parse_real(s, n, &v) < 0)
		return false;
	size_t n_digits = digits_of(&d);

	if (d.is_cut)
		n_digits = KEPT_DIGITS;
	if (n_digits <= 15)
		return false;
	(void)snprintf(text, sizeof(text), "%.*e", (int)n_digits - 1, fabs(v));
	(void)take_decimal(text, strlen(text), &kept); /* as it was printed */
	if (!d.is_cut && digits_of(&kept) == n_digits &&
	    memcmp(kept.digits, d.digits, n_digits) == 0)
		return false;
	(void)snprintf(text, sizeof(text), "%.14e", fabs(v));
	(void)take_decimal(text, strlen(text), &few);
	return decimal_value(&few) == fabs(v) || v == floor(v);
}

int num_parse_int(const char *s, size_t n, int64_t *out)
{
	bool is_negative = n > 0 && s[0] == '-';
	int64_t v = 0; /* counted downwards, where there is one value more */

	if (n == (size_t)is_negative)
		return -1;
	for (size_t i = is_negative; i < n; i++) {
		if (!is_digit(s[i]) || v < INT64_MIN / 10)
			return -1;
		v *= 10;
		if (v < INT64_MIN + (s[i] - '0'))
			return -1;
		v -= s[i] - '0';
	}
	if (!is_negative && v == INT64_MIN)
		return -1;
	*out = is_negative ? v : -v;
	return 0;
}

struct unit {
	const char *name;
	int64_t factor;
};

/* Bytes of "digits" or "digits.digits" at the start of s; 0 when there is no such thing. */
static size_t number_length(const char *s, size_t n)
{
	size_t i = 0, start;

	while (i < n && is_digit(s[i]))
		i++;
	if (i == 0 || i == n || s[i] != '.')
		return i;
	for (start = ++i; i < n && is_digit(s[i]);)
		i++;
	return i == start ? 0 : i;
}

/* A number_length() text times factor, which has to come out whole and fit. */
static int scale(const char *s, size_t n, int64_t factor, int64_t *out)
{
	int64_t whole, total, divisor = 1, fraction = 0;
	const char *point = memchr(s, '.', n);
	size_t n_whole = point != NULL ? (size_t)(point - s) : n;

	if (num_parse_int(s, n_whole, &whole) < 0 || whole > INT64_MAX / factor)
		return -1;
	total = whole * factor;
	if (point != NULL) {
		while (n > n_whole + 1 && s[n - 1] == '0')
			n--;
		if (n - n_whole - 1 > 15)
			return -1;
		for (size_t i = n_whole + 1; i < n; i++) {
			fraction = fraction * 10 + (s[i] - '0');
			divisor *= 10;
		}
	}
	/* fraction / divisor * factor, whole only when divisor's powers of 2 and 5 are in factor.
	 */
	for (int prime = 2; prime <= 5; prime += 3) {
		while (divisor % prime == 0 && factor % prime == 0) {
			divisor /= prime;
			factor /= prime;
		}
		while (divisor % prime == 0 && fraction % prime == 0) {
			divisor /= prime;
			fraction /= prime;
		}
	}
	if (divisor != 1 || (fraction != 0 && factor > INT64_MAX / fraction))
		return -1;
	if (fraction * factor > INT64_MAX - total)
		return -1;
	*out = total + fraction * factor;
	return 0;
}

int num_parse_duration_ms(const char *s, size_t n, int64_t *out)
{
	static const struct unit units[] = {{"w", 604800000}, {"d", 86400000}, {"h", 3600000},
					    {"m", 60000},     {"min", 60000},  {"s", 1000},
					    {"ms", 1}};
	const size_t n_units = sizeof(units) / sizeof(units[0]);
	size_t next = 0; /* units before this one are used up */
	int64_t total = 0;

	if (n == 0)
		return -1;
	while (n != 0) {
		size_t digits = number_length(s, n), unit, i;
		int64_t part;

		for (unit = digits; unit < n && s[unit] >= 'a' && s[unit] <= 'z';)
			unit++;
		for (i = next; i < n_units; i++) {
			if (strlen(units[i].name) == unit - digits &&
			    memcmp(units[i].name, s + digits, unit - digits) == 0)
				break;
		}
		if (digits == 0 || i == n_units || scale(s, digits, units[i].factor, &part) < 0 ||
		    part > INT64_MAX - total)
			return -1;
		/* "1.5h20m" is two ways of writing at once. */
		if (unit != n && memchr(s, '.', digits) != NULL)
			return -1;
		total += part;
		for (next = i + 1; next < n_units && units[next].factor == units[i].factor;)
			next++; /* the same by another name */
		s += unit;
		n -= unit;
	}
	*out = total;
	return 0;
}

int num_parse_size_bytes(const char *s, size_t n, int64_t *out)
{
	static const struct unit units[] = {
		{"", 1},
		{"B", 1},
		{"kB", 1000},
		{"MB", 1000000},
		{"GB", 1000000000},
		{"TB", 1000000000000},
		{"KiB", 1024},
		{"MiB", 1048576},
		{"GiB", 1073741824},
		{"TiB", 1099511627776},
	};
	size_t digits = number_length(s, n);
	size_t unit = digits;

	if (digits == 0)
		return -1;
	if (unit < n && s[unit] == ' ' && unit + 1 < n)
		unit++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) == n - unit &&
		    memcmp(units[i].name, s + unit, n - unit) == 0)
			return scale(s, digits, units[i].factor, out);
	}
	return -1;
}
