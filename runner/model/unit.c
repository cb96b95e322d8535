/*
 * Units form three families (share, time, size) with one base each; everything else is a name that
 * equals only itself. Plain "" goes with everything: a bound without a unit is read in the unit of
 * the measurement.
 */
#include "runner/model/unit.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/base/num.h"

/* From here on a real is not shown in all its digits. */
#define MANY 1000000000000000 /* 10^15 */
/* From here on neighbours have one double. */
#define TWO_TO_53 9007199254740992

static const struct unit_row {
	const char *name;
	const char *base;
	double factor;
} rows[] = {
	{"%", "%", 0.01},      {"us", "s", 1e-6},	 {"ms", "s", 1e-3},
	{"s", "s", 1},	       {"m", "s", 60},		 {"min", "s", 60},
	{"h", "s", 3600},      {"d", "s", 86400},	 {"w", "s", 604800},
	{"B", "B", 1},	       {"kB", "B", 1e3},	 {"MB", "B", 1e6},
	{"GB", "B", 1e9},      {"TB", "B", 1e12},	 {"KiB", "B", 1024},
	{"MiB", "B", 1048576}, {"GiB", "B", 1073741824}, {"TiB", "B", 1099511627776},
};

static const struct unit_row *find(const char *s, size_t n)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strlen(rows[i].name) == n && memcmp(rows[i].name, s, n) == 0)
			return &rows[i];
	return NULL;
}

double unit_to_base(const char *from, const char **base)
{
	const struct unit_row *row = find(from, strlen(from));

	*base = row != NULL ? row->base : from;
	return row != NULL ? row->factor : 1;
}

bool unit_is_suffix(const char *s, size_t n)
{
	return find(s, n) != NULL;
}

bool unit_converts(const char *bound, const char *measured)
{
	return bound[0] == '\0' || strcmp(bound, measured) == 0;
}

/* 1297 -> "1 297": thin groups of three help the eye, and no locale is asked. */
static void put_grouped(struct buf *out, const char *digits)
{
	size_t n = strspn(digits, "0123456789");

	for (size_t i = 0; i < n; i++) {
		if (n > 4 && i > 0 && (n - i) % 3 == 0)
			(void)buf_putc(out, ' '); /* a full buffer shows in is_full */
		(void)buf_putc(out, digits[i]);
	}
	(void)buf_puts(out, digits + n);
}

static void put_number(struct buf *out, double v)
{
	char text[400];

	if (v == floor(v) && fabs(v) < MANY) {
		(void)snprintf(text, sizeof(text), "%.0f", fabs(v));
	} else if (fabs(v) >= 1000 && fabs(v) < MANY) {
		(void)snprintf(text, sizeof(text), "%.1f", fabs(v));
	} else {
		(void)snprintf(text, sizeof(text), "%.4g", fabs(v));
	}
	if (v < 0)
		(void)buf_putc(out, '-');
	put_grouped(out, text);
}

/*
 * A share is shown with as many decimals as it takes to tell it from 0 and from 100 %: 99.998 %
 * must never be printed as 100 %.
 */
static void put_share(struct buf *out, double v)
{
	double percent = v * 100;
	double rest = fmin(fabs(percent), fabs(100 - percent));
	int decimals = 2;
	char text[400];

	if (percent == floor(percent))
		decimals = 0;
	else
		while (decimals < 12 && rest < 5 * pow(10, -decimals))
			decimals++;
	(void)snprintf(text, sizeof(text), "%.*f", decimals, fabs(percent));
	for (size_t n = strlen(text); decimals > 2 && text[n - 1] == '0'; decimals--)
		text[--n] = '\0';
	if (percent < 0)
		(void)buf_putc(out, '-');
	put_grouped(out, text);
	(void)buf_puts(out, " %");
}

static void put_scaled(struct buf *out, double v, double step, const char *unit)
{
	char text[64];
	double scaled = v / step;

	(void)snprintf(text, sizeof(text), fabs(scaled) >= 100 ? "%.0f" : "%.3g", scaled);
	(void)buf_puts(out, text);
	(void)buf_putc(out, ' ');
	(void)buf_puts(out, unit);
}

static void put_time(struct buf *out, double v)
{
	double t = fabs(v);

	if (t == 0)
		(void)buf_puts(out, "0 s");
	else if (t < 1e-3)
		put_scaled(out, v, 1e-6, "us");
	else if (t < 1)
		put_scaled(out, v, 1e-3, "ms");
	else if (t >= 86400 && fmod(t, 86400) == 0)
		put_scaled(out, v, 86400, "d");
	else if (t >= 3600 && fmod(t, 3600) == 0)
		put_scaled(out, v, 3600, "h");
	else if (t < 120)
		put_scaled(out, v, 1, "s");
	else if (t < 7200)
		put_scaled(out, v, 60, "min");
	else if (t < 172800)
		put_scaled(out, v, 3600, "h");
	else
		put_scaled(out, v, 86400, "d");
}

static void put_size(struct buf *out, double v)
{
	double b = fabs(v);

	if (b < 1024)
		put_scaled(out, v, 1, "B");
	else if (b < 1048576)
		put_scaled(out, v, 1024, "KiB");
	else if (b < 1073741824)
		put_scaled(out, v, 1048576, "MiB");
	else
		put_scaled(out, v, 1073741824, "GiB");
}

/* " rows", but "1 row" and "1 category". */
static void put_name(struct buf *out, const char *unit, bool is_one)
{
	size_t n = strlen(unit);

	if (n == 0)
		return;
	bool is_y = is_one && n > 4 && strcmp(unit + n - 3, "ies") == 0;

	if (is_one && n > 3 && unit[n - 1] == 's')
		n -= is_y ? 3 : 1;
	(void)buf_putc(out, ' '); /* a full buffer shows in is_full */
	(void)buf_add(out, unit, n);
	(void)buf_puts(out, is_y ? "y" : "");
}

void unit_format(struct buf *out, double value, const char *unit)
{
	if (isnan(value) || isinf(value)) {
		(void)buf_puts(out, isnan(value) ? "NaN" : value > 0 ? "infinity" : "-infinity");
		return;
	}
	if (strcmp(unit, "%") == 0) {
		put_share(out, value);
	} else if (strcmp(unit, "s") == 0) {
		put_time(out, value);
	} else if (strcmp(unit, "B") == 0) {
		put_size(out, value);
	} else {
		put_number(out, value);
		put_name(out, unit, value == 1);
	}
}

/* Has the unit digits of its own, in steps of its own? */
static bool is_scaled(const char *unit)
{
	return strcmp(unit, "%") == 0 || strcmp(unit, "s") == 0 || strcmp(unit, "B") == 0;
}

/* The number that unit_format() makes people read, in base unit. */
static double shown(double value, const char *unit)
{
	char digits[400];
	size_t n = 0;
	const char *at, *base;
	struct buf text;
	double read;

	buf_init(&text, 512); /* longer than any number */
	unit_format(&text, value, unit);
	for (at = text.data; strchr("0123456789+-.e ", *at) != NULL && *at != '\0'; at++) {
		if (*at == ' ' && strchr("0123456789", at[1]) == NULL)
			break; /* the unit */
		if (*at != ' ' && n + 1 < sizeof(digits))
			digits[n++] = *at;
	}
	digits[n] = '\0';
	if (num_parse_real(digits, n, &read) != 0)
		read = value;
	if (is_scaled(unit) && *at == ' ')
		read *= unit_to_base(at + 1, &base);
	buf_release(&text);
	return read;
}

/* Does unit_format() show this integer, and not one near it? */
static bool is_shown(int64_t value, const char *unit)
{
	if (!is_scaled(unit))
		return value > -MANY && value < MANY;
	if (strcmp(unit, "%") == 0 || (value > -TWO_TO_53 && value < TWO_TO_53))
		return true;
	/* multiples of 1024 are doubles, all of them */
	return value % 1024 == 0 && shown((double)value, unit) == (double)value;
}

void unit_format_integer(struct buf *out, int64_t value, const char *unit)
{
	char text[24];

	if (is_shown(value, unit)) {
		unit_format(out, (double)value, unit);
		return;
	}
	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	(void)buf_puts(out, value < 0 ? "-" : "");
	put_grouped(out, text + (value < 0));
	put_name(out, unit, false);
}

/* -1, 0, 1: equal is also what differs by no more than a conversion does. */
static int order(double x, double y)
{
	if (fabs(x - y) <= 1e-12 * fabs(y))
		return 0;
	return x < y ? -1 : 1;
}

/* In per cent: a product has digits that its share has not, 28.999999999999996 of 0.29. */
static void put_percent(double share, char text[NUM_REAL_MAX])
{
	char written[NUM_REAL_MAX + 3];
	double read;

	(void)snprintf(text, NUM_REAL_MAX, "%.15g", share * 100);
	(void)snprintf(written, sizeof(written), "%se-2", text);
	if (strchr(text, 'e') || num_parse_real(written, strlen(written), &read) != 0 ||
	    read != share)
		(void)num_format_real(share * 100, text); /* its length */
}

static void put_all_digits(struct buf *out, double value, const char *unit)
{
	char text[NUM_REAL_MAX];

	if (strcmp(unit, "%") == 0)
		put_percent(value, text);
	else
		(void)num_format_real(value, text); /* its length */
	(void)buf_puts(out, text);
	put_name(out, unit, false);
}

void unit_format_beside(struct buf *out, double value, double bound, const char *unit)
{
	if (value == bound || !isfinite(value) || !isfinite(bound) ||
	    order(shown(value, unit), bound) == (value < bound ? -1 : 1))
		unit_format(out, value, unit);
	else
		put_all_digits(out, value, unit);
}

/* 20 MB is 19.07 MiB and some: whoever writes powers of ten reads them. */
static void put_size_bound(struct buf *out, double bound)
{
	static const struct {
		double step;
		const char *unit;
	} tens[] = {{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}};

	for (size_t i = 0; i < sizeof(tens) / sizeof(tens[0]); i++) {
		if (fmod(bound, tens[i].step / 100) != 0 || fabs(bound) < tens[i].step)
			continue;
		(void)buf_printf(out, "%.12g %s", bound / tens[i].step, tens[i].unit);
		return;
	}
	put_all_digits(out, bound, "B");
}

void unit_format_bound(struct buf *out, double bound, const char *unit)
{
	bool is_plain = !is_scaled(unit);

	if (!isfinite(bound) || (bound == floor(bound) && is_plain && fabs(bound) < MANY) ||
	    (!is_plain && order(shown(bound, unit), bound) == 0)) {
		unit_format(out, bound, unit);
	} else if (is_plain && fabs(bound) < MANY) {
		(void)buf_printf(out, "%.12g", bound); /* a full buffer shows in is_full */
		put_name(out, unit, false);
	} else if (strcmp(unit, "B") == 0) {
		put_size_bound(out, bound);
	} else {
		put_all_digits(out, bound, unit);
	}
}
