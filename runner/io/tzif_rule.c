/*
 * tzif_rule: POSIX TZ strings (POSIX.1-2017 section 8.3, extended by RFC 8536 section 3.3.1).
 *
 * Both changes of three neighbouring years are laid on one line and the latest one that has
 * happened decides. That needs no case for the southern hemisphere, for hours that reach into
 * another day, or for daylight time all year round.
 */
#include "runner/io/tzif.h"

#include <stdbool.h>
#include <string.h>

#include "runner/base/utc.h"

#define DAY_S 86400

enum day_form { DAY_JULIAN, DAY_ZERO_BASED, DAY_OF_WEEK };

/* "M3.5.0/2", "J60", "59": when a change happens, in local time. */
struct change {
	enum day_form form;
	int64_t month, week, day;
	int64_t time_s;
};

struct rule {
	int64_t standard_s, daylight_s; /* to add to UTC */
	bool has_daylight;
	struct change start, end;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Moves *s behind the text when it is next. */
static bool accept(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static int read_number(const char **s, int64_t max, int64_t *out)
{
	int64_t n = 0;

	if (!is_digit(**s))
		return -1;
	for (; is_digit(**s); (*s)++) {
		n = n * 10 + (**s - '0');
		if (n > max)
			return -1;
	}
	*out = n;
	return 0;
}

/* "CET" or "<+0330>". */
static int read_name(const char **s)
{
	const char *start = *s;

	if (accept(s, '<')) {
		while (is_letter(**s) || is_digit(**s) || **s == '+' || **s == '-')
			(*s)++;
		return accept(s, '>') && *s - start > 2 ? 0 : -1;
	}
	while (is_letter(**s))
		(*s)++;
	return *s - start >= 3 ? 0 : -1;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static int read_time(const char **s, int64_t *out)
{
	bool is_negative = **s == '-';
	int64_t hours, minutes = 0, seconds = 0;

	if (**s == '-' || **s == '+')
		(*s)++;
	if (read_number(s, 167, &hours) < 0)
		return -1;
	if (accept(s, ':') && read_number(s, 59, &minutes) < 0)
		return -1;
	if (accept(s, ':') && read_number(s, 59, &seconds) < 0)
		return -1;

	int64_t total = hours * 3600 + minutes * 60 + seconds;
	*out = is_negative ? -total : total;
	return 0;
}

static int read_change(const char **s, struct change *out)
{
	*out = (struct change){.form = DAY_ZERO_BASED, .time_s = 2 * 3600};
	if (accept(s, 'M')) {
		out->form = DAY_OF_WEEK;
		if (read_number(s, 12, &out->month) < 0 || out->month < 1 || !accept(s, '.') ||
		    read_number(s, 5, &out->week) < 0 || out->week < 1 || !accept(s, '.') ||
		    read_number(s, 6, &out->day) < 0)
			return -1;
	} else if (accept(s, 'J')) {
		out->form = DAY_JULIAN;
		if (read_number(s, 365, &out->day) < 0 || out->day < 1)
			return -1;
	} else if (read_number(s, 365, &out->day) < 0) {
		return -1;
	}
	return accept(s, '/') ? read_time(s, &out->time_s) : 0;
}

static int rule_parse(const char *s, struct rule *out)
{
	*out = (struct rule){.standard_s = 0};
	if (read_name(&s) < 0 || read_time(&s, &out->standard_s) < 0)
		return -1;
	out->standard_s = -out->standard_s; /* POSIX counts west of Greenwich as positive */
	if (!*s)
		return 0;

	out->has_daylight = true;
	out->daylight_s = out->standard_s + 3600;
	if (read_name(&s) < 0)
		return -1;
	if (*s != ',') {
		if (read_time(&s, &out->daylight_s) < 0)
			return -1;
		out->daylight_s = -out->daylight_s;
	}
	if (!accept(&s, ',') || read_change(&s, &out->start) < 0 || !accept(&s, ',') ||
	    read_change(&s, &out->end) < 0)
		return -1;
	return *s ? -1 : 0;
}

static int64_t civil_day_s(int year, int64_t month, int *weekday)
{
	struct civil c = {.year = year, .month = (int)month, .day = 1};
	int64_t ms = utc_from_civil(&c);

	utc_civil(ms, &c);
	*weekday = c.weekday;
	return ms / 1000;
}

/* The change of one year in seconds of local time. */
static int64_t change_local_s(const struct change *c, int year)
{
	int weekday;
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int64_t first = civil_day_s(year, c->form == DAY_OF_WEEK ? c->month : 1, &weekday);

	switch (c->form) {
	case DAY_JULIAN: /* 29 February is never counted */
		return first + (c->day - (is_leap && c->day >= 60 ? 0 : 1)) * DAY_S + c->time_s;
	case DAY_ZERO_BASED:
		return first + c->day * DAY_S + c->time_s;
	case DAY_OF_WEEK:
		break;
	}

	int next_weekday;
	int64_t next = c->month == 12 ? civil_day_s(year + 1, 1, &next_weekday)
				      : civil_day_s(year, c->month + 1, &next_weekday);
	int64_t day = first + ((c->day - weekday + 7) % 7 + (c->week - 1) * 7) * DAY_S;
	if (day >= next) /* week 5 is "the last" */
		day -= 7 * DAY_S;
	return day + c->time_s;
}

int tzif_rule_offset_s(const char *text, int64_t unix_s, int64_t *out)
{
	struct rule rule;
	struct civil now;

	if (rule_parse(text, &rule) < 0)
		return -1;
	if (!rule.has_daylight) {
		*out = rule.standard_s;
		return 0;
	}

	utc_civil(unix_s * 1000, &now);
	int64_t latest = INT64_MIN, offset = rule.standard_s;
	for (int year = now.year - 1; year <= now.year + 1; year++) {
		int64_t end = change_local_s(&rule.end, year) - rule.daylight_s;
		int64_t start = change_local_s(&rule.start, year) - rule.standard_s;

		if (end <= unix_s && end > latest) {
			latest = end;
			offset = rule.standard_s;
		}
		/* An end and a start at one instant: daylight time all year, which goes on. */
		if (start <= unix_s && start >= latest) {
			latest = start;
			offset = rule.daylight_s;
		}
	}
	*out = offset;
	return 0;
}
