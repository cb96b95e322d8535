/*
 * Units form three families (share, time, size) with one base each; everything else is a name that
 * equals only itself. Plain "" goes with everything: a bound without a unit is read in the unit of
 * the measurement.
 */
#include "runner/model/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/base/num.h"

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

	if (v == floor(v) && fabs(v) < 1e15) {
		(void)snprintf(text, sizeof(text), "%.0f", fabs(v));
	} else if (fabs(v) >= 1000 && fabs(v) < 1e15) {
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

static bool is_alike(double value, double bound, const char *unit)
{
	struct buf x, y;
	bool is;

	buf_init(&x, 512); /* longer than any number */
	buf_init(&y, 512);
	unit_format(&x, value, unit);
	unit_format(&y, bound, unit);
	is = strcmp(x.data, y.data) == 0;
	buf_release(&x);
	buf_release(&y);
	return is;
}

void unit_format_beside(struct buf *out, double value, double bound, const char *unit)
{
	char text[NUM_REAL_MAX];

	if (value == bound || !isfinite(value) || !isfinite(bound) ||
	    !is_alike(value, bound, unit)) {
		unit_format(out, value, unit);
	} else if (strcmp(unit, "%") == 0) {
		(void)buf_printf(out, "%.15g %%", value * 100); /* a full buffer shows */
	} else {
		(void)num_format_real(value, text); /* its length */
		(void)buf_puts(out, text);
		put_name(out, unit, false);
	}
}

void unit_format_bound(struct buf *out, double bound, const char *unit)
{
	const char *base;

	(void)unit_to_base(unit, &base); /* shares, time and size have digits of their own */
	if (bound == floor(bound) || !isfinite(bound) || strcmp(base, "%") == 0 ||
	    strcmp(base, "s") == 0 || strcmp(base, "B") == 0) {
		unit_format(out, bound, unit);
		return;
	}
	(void)buf_printf(out, "%.12g", bound); /* a full buffer shows in is_full */
	put_name(out, unit, false);
}
