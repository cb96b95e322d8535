/*
 * Days and civil dates convert by counting from 1 March of year 0, where the leap day is the last
 * of its year: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". Text is read by hand:
 * strptime() consults the locale and accepts what RFC 3339 does not.
 */
#include "runner/base/utc.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DAY_MS 86400000

/* Civil date of a day number (0 = 1970-01-01). */
static void civil_from_days(int64_t days, struct civil *out)
{
	int64_t z = days + 719468; /* from 0000-03-01 */
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t day_of_era = z - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153; /* 0 = March */

	out->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	out->month = (int)(month < 10 ? month + 3 : month - 9);
	out->year = (int)(year_of_era + era * 400 + (out->month <= 2));
}

static int64_t days_from_civil(int64_t year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

void utc_civil(int64_t ms, struct civil *out)
{
	int64_t days = ms / DAY_MS;
	int64_t rest = ms % DAY_MS;

	if (rest < 0) {
		days--;
		rest += DAY_MS;
	}
	civil_from_days(days, out);
	out->weekday = (int)((days % 7 + 11) % 7); /* 1970-01-01 was a Thursday */
	out->hour = (int)(rest / 3600000);
	out->minute = (int)(rest / 60000 % 60);
	out->second = (int)(rest / 1000 % 60);
	out->ms = (int)(rest % 1000);
}

int64_t utc_from_civil(const struct civil *c)
{
	int64_t days = days_from_civil(c->year, c->month, c->day);
	int64_t rest = c->hour * INT64_C(3600000) + c->minute * INT64_C(60000) +
		       c->second * INT64_C(1000) + c->ms;

	/* Towards zero first: the earliest instant's day begins before the earliest instant. */
	if (days < 0)
		return (days + 1) * DAY_MS + (rest - DAY_MS);
	return days * DAY_MS + rest;
}

size_t utc_format(int64_t ms, int with_ms, char out[static UTC_MAX])
{
	struct civil c;
	int n;

	utc_civil(ms, &c);
	if (with_ms)
		n = snprintf(out, UTC_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", c.year, c.month,
			     c.day, c.hour, c.minute, c.second, c.ms);
	else
		n = snprintf(out, UTC_MAX, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day,
			     c.hour, c.minute, c.second);
	return (size_t)n; /* at most 30: years of 64-bit milliseconds have 9 digits and a sign */
}

/* A cursor over text that is read strictly, piece by piece. */
struct cursor {
	const char *s;
	size_t n;
};

static bool take_digits(struct cursor *c, size_t count, int *out)
{
	int value = 0;

	if (c->n < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (c->s[i] < '0' || c->s[i] > '9')
			return false;
		value = value * 10 + (c->s[i] - '0');
	}
	c->s += count;
	c->n -= count;
	*out = value;
	return true;
}

static bool take_one_of(struct cursor *c, const char *set)
{
	if (c->n == 0 || c->s[0] == '\0' || strchr(set, c->s[0]) == NULL)
		return false;
	c->s++;
	c->n--;
	return true;
}

static bool take_date(struct cursor *c, struct civil *out)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year, month, day, length;

	if (!take_digits(c, 4, &year) || !take_one_of(c, "-") || !take_digits(c, 2, &month) ||
	    !take_one_of(c, "-") || !take_digits(c, 2, &day))
		return false;
	if (month < 1 || month > 12)
		return false;
	length = lengths[month - 1];
	if (month == 2 && (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)))
		length = 29;
	if (day < 1 || day > length)
		return false;
	out->year = year;
	out->month = month;
	out->day = day;
	return true;
}

/* ":SS" with an optional fraction, cut to milliseconds. A leap second reads as the one after it. */
static bool take_seconds(struct cursor *c, struct civil *out)
{
	int digit, scale = 100;

	if (!take_one_of(c, ":") || !take_digits(c, 2, &out->second) || out->second > 60)
		return false;
	if (!take_one_of(c, "."))
		return true;
	if (!take_digits(c, 1, &digit))
		return false;
	do {
		out->ms += digit * scale;
		scale /= 10;
	} while (take_digits(c, 1, &digit));
	return true;
}

/* "Z" or "+HH:MM"; the offset in ms. */
static bool take_zone(struct cursor *c, int64_t *offset_ms)
{
	int hours, minutes;
	bool is_west;

	*offset_ms = 0;
	if (take_one_of(c, "Zz"))
		return true;
	is_west = c->n > 0 && c->s[0] == '-';
	if (!take_one_of(c, "+-") || !take_digits(c, 2, &hours) || !take_one_of(c, ":") ||
	    !take_digits(c, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*offset_ms = (hours * 60 + minutes) * INT64_C(60000) * (is_west ? -1 : 1);
	return true;
}

int utc_parse(const char *s, size_t n, int64_t *out, int *has_zone)
{
	struct cursor c = {.s = s, .n = n};
	struct civil civil = {0};
	int64_t offset_ms = 0;
	bool is_zoned = false;

	if (!take_date(&c, &civil))
		return -1;
	if (c.n != 0) {
		if (!take_one_of(&c, "Tt ") || !take_digits(&c, 2, &civil.hour) ||
		    civil.hour > 23 || !take_one_of(&c, ":") ||
		    !take_digits(&c, 2, &civil.minute) || civil.minute > 59)
			return -1;
		/* A zone needs seconds before it (RFC 3339, 5.6). */
		if (c.n != 0 && !take_seconds(&c, &civil))
			return -1;
		if (c.n != 0) {
			if (!take_zone(&c, &offset_ms))
				return -1;
			is_zoned = true;
		}
		if (c.n != 0)
			return -1;
	}
	*out = utc_from_civil(&civil) - offset_ms;
	*has_zone = is_zoned;
	return 0;
}
