/*
 * Each field becomes a set of bits. The rule of Vixie cron for the two day fields is kept to the
 * letter: a field that begins with a star (also with a step) leaves the decision to the other one;
 * when neither does, either may match. Quartz's "5/15" and the like are refused: cron programs
 * disagree about them.
 */
#include "runner/base/cron.h"

#include <string.h>
#include <strings.h>

#include "runner/base/err.h"
#include "runner/base/utc.h"

#define MINUTE_MS  INT64_C(60000)
#define DAY_MS	   INT64_C(86400000)
#define MAX_DAYS   (5 * 366)
#define MAX_NUMBER 9999

struct field {
	const char *name;
	int min, max;
	const char *const *words; /* for min, min + 1, ...; NULL = none */
};

static const char *const month_words[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
					  "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_words[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, N_FIELDS };

static const struct field fields[N_FIELDS] = {
	[MINUTE] = {"minute", 0, 59, NULL},
	[HOUR] = {"hour", 0, 23, NULL},
	[DAY] = {"day of month", 1, 31, NULL},
	[MONTH] = {"month", 1, 12, month_words},
	[WEEKDAY] = {"day of week", 0, 7, weekday_words},
};

/* A piece of the expression. */
struct span {
	const char *s;
	size_t n;
};

static bool take_number(struct span *t, int *out)
{
	int v = 0;
	size_t i = 0;

	for (; i < t->n && t->s[i] >= '0' && t->s[i] <= '9'; i++) {
		v = v * 10 + (t->s[i] - '0');
		if (v > MAX_NUMBER)
			return false;
	}
	if (i == 0)
		return false;
	t->s += i;
	t->n -= i;
	*out = v;
	return true;
}

static bool take_char(struct span *t, char c)
{
	if (t->n == 0 || t->s[0] != c)
		return false;
	t->s++;
	t->n--;
	return true;
}

/* A number within the field, or one of its words. */
static bool take_value(struct span *t, const struct field *f, int *out)
{
	for (int i = 0; f->words != NULL && f->words[i] != NULL; i++) {
		if (t->n >= 3 && strncasecmp(t->s, f->words[i], 3) == 0) {
			t->s += 3;
			t->n -= 3;
			*out = f->min + i;
			return true;
		}
	}
	return take_number(t, out) && *out >= f->min && *out <= f->max;
}

/* "*", "a", "a-b", each but the second with an optional "/step": adds the values to bits. */
static bool take_item(struct span t, const struct field *f, uint64_t *bits)
{
	int low, high, step = 1;
	bool is_range = true;

	if (take_char(&t, '*')) {
		low = f->min;
		high = f == &fields[WEEKDAY] ? 6 : f->max;
	} else {
		if (!take_value(&t, f, &low))
			return false;
		high = low;
		is_range = take_char(&t, '-');
		if (is_range && !take_value(&t, f, &high))
			return false;
		/* "fri-sun": Sunday ends a week as well as it begins one. */
		if (is_range && f == &fields[WEEKDAY] && high == 0 && low > 0)
			high = 7;
	}
	if (is_range && take_char(&t, '/')) {
		if (!take_number(&t, &step) || step < 1)
			return false;
	}
	if (t.n != 0 || high < low)
		return false;
	for (int v = low; v <= high; v += step)
		*bits |= UINT64_C(1) << v;
	return true;
}

static int parse_field(const struct field *f, struct span text, uint64_t *bits, struct err *e)
{
	struct span rest = text;

	*bits = 0;
	for (;;) {
		const char *comma = memchr(rest.s, ',', rest.n);
		struct span item = {.s = rest.s, .n = comma ? (size_t)(comma - rest.s) : rest.n};

		if (!take_item(item, f, bits)) {
			(void)err_set(e, ERR_DEFINITION, "cannot read \"%.*s\" as %s of a schedule",
				      (int)text.n, text.s, f->name);
			return err_help(
				e,
				"the %s is %d to %d%s: \"*\", a value, a range \"a-b\", a step "
				"\"*/n\" or \"a-b/n\", or a list of those with commas",
				f->name, f->min, f->max,
				f->words != NULL ? " or three letters of an English name" : "");
		}
		if (comma == NULL)
			return 0;
		rest.n -= item.n + 1;
		rest.s = comma + 1;
	}
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* Up to max words of text; returns how many there are, max + 1 for more. */
static size_t split(const char *text, struct span *out, size_t max)
{
	size_t n = 0;

	for (;;) {
		while (is_space(*text))
			text++;
		if (*text == '\0')
			return n;
		if (n == max)
			return max + 1;
		out[n].s = text;
		while (*text != '\0' && !is_space(*text))
			text++;
		out[n].n = (size_t)(text - out[n].s);
		n++;
	}
}

static const char *nickname(const char *text)
{
	static const struct {
		const char *name, *expression;
	} names[] = {
		{"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
		{"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
		{"@annually", "0 0 1 1 *"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i].name) == 0)
			return names[i].expression;
	}
	return NULL;
}

/* Is the day field the one that decides, and none of its days ever in the months? */
static bool never_fires(const struct cron *c)
{
	static const int lengths[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (!c->is_any_day && !c->is_any_weekday)
		return false; /* the weekday alone is enough */
	for (int month = 1; month <= 12; month++) {
		for (int day = 1; day <= lengths[month]; day++) {
			if ((c->months >> month & 1) != 0 && (c->days >> day & 1) != 0)
				return false;
		}
	}
	return true;
}

int cron_parse(const char *text, struct cron *out, struct err *e)
{
	struct span words[N_FIELDS];
	uint64_t bits[N_FIELDS];
	const char *expression = text[0] == '@' ? nickname(text) : text;
	struct cron c;

	if (expression == NULL) {
		(void)err_set(e, ERR_DEFINITION, "unknown schedule \"%s\"", text);
		return err_help(e,
				"use @hourly, @daily, @weekly, @monthly, @yearly or five fields: "
				"minute, hour, day of month, month, day of week");
	}
	if (split(expression, words, N_FIELDS) != N_FIELDS) {
		(void)err_set(e, ERR_DEFINITION, "a schedule has five fields, \"%s\" has not",
			      text);
		return err_help(e, "minute, hour, day of month, month, day of week: "
				   "\"*/15 * * * *\" is every quarter of an hour");
	}
	for (size_t i = 0; i < N_FIELDS; i++) {
		if (parse_field(&fields[i], words[i], &bits[i], e) < 0)
			return -1;
	}
	c = (struct cron){
		.minutes = bits[MINUTE],
		.hours = (uint32_t)bits[HOUR],
		.days = (uint32_t)bits[DAY],
		.months = (uint16_t)bits[MONTH],
		.weekdays = (uint8_t)((bits[WEEKDAY] | bits[WEEKDAY] >> 7) & 0x7F),
		.is_any_day = words[DAY].s[0] == '*',
		.is_any_weekday = words[WEEKDAY].s[0] == '*',
		.is_repeating = words[MINUTE].s[0] == '*' || words[HOUR].s[0] == '*',
	};
	if (never_fires(&c)) {
		(void)err_set(e, ERR_DEFINITION, "the schedule \"%s\" never fires", text);
		return err_help(e, "no month it names has the day it names");
	}
	*out = c;
	return 0;
}

static bool matches_day(const struct cron *c, const struct civil *t)
{
	bool is_day = (c->days >> t->day & 1) != 0;
	bool is_weekday = (c->weekdays >> t->weekday & 1) != 0;

	if ((c->months >> t->month & 1) == 0)
		return false;
	if (c->is_any_day || c->is_any_weekday)
		return is_day && is_weekday;
	return is_day || is_weekday;
}

bool cron_matches(const struct cron *c, const struct civil *local)
{
	return (c->minutes >> local->minute & 1) != 0 && (c->hours >> local->hour & 1) != 0 &&
	       matches_day(c, local);
}

static int64_t floor_to(int64_t v, int64_t unit)
{
	int64_t rest = v % unit;

	return v - (rest < 0 ? rest + unit : rest);
}

/*
 * From minute `at` of the day in direction step (1 or -1): the minute of that day which fires, or
 * -1.
 */
static int minute_of_day(const struct cron *c, int at, int step)
{
	for (int m = at; m >= 0 && m < 24 * 60; m += step) {
		if ((c->hours >> m / 60 & 1) == 0) {
			/* To the edge of the hour: the loop's step leaves it. */
			m = step > 0 ? m / 60 * 60 + 59 : m / 60 * 60;
			continue;
		}
		if ((c->minutes >> m % 60 & 1) != 0)
			return m;
	}
	return -1;
}

static int64_t search(const struct cron *c, int64_t from_ms, int step)
{
	int64_t day_ms = floor_to(from_ms, DAY_MS);
	int at = (int)((from_ms - day_ms) / MINUTE_MS);

	for (int i = 0; i <= MAX_DAYS; i++) {
		struct civil date;

		utc_civil(day_ms, &date);
		if (matches_day(c, &date)) {
			int minute = minute_of_day(c, at, step);

			if (minute >= 0)
				return day_ms + minute * MINUTE_MS;
		}
		day_ms += step * DAY_MS;
		at = step > 0 ? 0 : 24 * 60 - 1;
	}
	return -1;
}

int64_t cron_previous(const struct cron *c, int64_t local_ms)
{
	return search(c, floor_to(local_ms, MINUTE_MS), -1);
}

int64_t cron_next(const struct cron *c, int64_t local_ms)
{
	return search(c, floor_to(local_ms, MINUTE_MS) + MINUTE_MS, 1);
}
