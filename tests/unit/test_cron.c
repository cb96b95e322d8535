/* cron: five fields, as Vixie cron reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "runner/base/cron.h"
#include "runner/base/err.h"
#include "runner/base/utc.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct cron parsed(const char *text)
{
	struct err e = {.class = ERR_NONE};
	struct cron c = {.minutes = 0};

	if (cron_parse(text, &c, &e) < 0)
		fail_msg("\"%s\": %s", text, e.message);
	return c;
}

static int64_t at(const char *text)
{
	int64_t ms;
	int has_zone;

	if (utc_parse(text, strlen(text), &ms, &has_zone) < 0)
		fail_msg("no time: \"%s\"", text);
	return ms;
}

static void test_cron_refuses_with_a_reason(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"", "five fields"},
		{"* * * *", "five fields"},
		{"* * * * * *", "five fields"},
		{"@reboot", "unknown schedule"},
		{"@", "unknown schedule"},
		{"@Daily", "unknown schedule"},
		{"60 * * * *", "as minute"},
		{"-1 * * * *", "as minute"},
		{"5/15 * * * *", "as minute"},
		{"*/0 * * * *", "as minute"},
		{"*/ * * * *", "as minute"},
		{"1-  * * * *", "as minute"},
		{"1,, * * * *", "as minute"},
		{", * * * *", "as minute"},
		{"5-1 * * * *", "as minute"},
		{"1.5 * * * *", "as minute"},
		{"99999999999 * * * *", "as minute"},
		{"* 24 * * *", "as hour"},
		{"* * 0 * *", "as day of month"},
		{"* * 32 * *", "as day of month"},
		{"* * L * *", "as day of month"},
		{"* * * 0 *", "as month"},
		{"* * * 13 *", "as month"},
		{"* * * january *", "as month"},
		{"* * * * 8", "as day of week"},
		{"* * * * monday", "as day of week"},
		{"* * * * ?", "as day of week"},
		{"* * * * 1#2", "as day of week"},
		{"0 0 30 2 *", "never fires"},
		{"0 0 31 2,4,6,9,11 *", "never fires"},
		{"0 0 30 feb */2", "never fires"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = {.class = ERR_NONE};
		struct cron c = {.minutes = 42};

		if (cron_parse(rows[i].text, &c, &e) == 0)
			fail_msg("accepted \"%s\"", rows[i].text);
		if (strstr(e.message, rows[i].message) == NULL)
			fail_msg("\"%s\": %s", rows[i].text, e.message);
		assert_int_equal(e.class, ERR_DEFINITION);
		assert_true(e.help[0] != '\0');
		assert_true(c.minutes == 42);
	}
}

static void test_cron_reads_fields(void **state)
{
	struct cron c = parsed("0,15-17,*/30 9-17/4 1 jan-MAR,Dec mon-fri");

	(void)state;
	assert_true(c.minutes == (1u | 1u << 15 | 1u << 16 | 1u << 17 | UINT64_C(1) << 30));
	assert_int_equal(c.hours, 1u << 9 | 1u << 13 | 1u << 17);
	assert_int_equal(c.days, 1u << 1);
	assert_int_equal(c.months, 1u << 1 | 1u << 2 | 1u << 3 | 1u << 12);
	assert_int_equal(c.weekdays, 0x3E);
	assert_false(c.is_any_day || c.is_any_weekday);

	c = parsed("\t*  * * *\t* ");
	assert_true(c.minutes == (UINT64_C(1) << 60) - 1);
	assert_int_equal(c.hours, 0xFFFFFF);
	assert_int_equal(c.days, 0xFFFFFFFE);
	assert_int_equal(c.months, 0x1FFE);
	assert_int_equal(c.weekdays, 0x7F);
	assert_true(c.is_any_day && c.is_any_weekday);
}

static void test_cron_takes_seven_for_sunday(void **state)
{
	(void)state;
	assert_int_equal(parsed("0 0 * * 7").weekdays, 1);
	assert_int_equal(parsed("0 0 * * 0").weekdays, 1);
	assert_int_equal(parsed("0 0 * * sun").weekdays, 1);
	assert_int_equal(parsed("0 0 * * 5-7").weekdays, 0x61);
	assert_int_equal(parsed("0 0 * * fri-sun").weekdays, 0x61);
	assert_int_equal(parsed("0 0 * * sun-tue").weekdays, 0x07);
	assert_int_equal(parsed("0 0 * * */2").weekdays, 0x55);
}

static void test_cron_knows_nicknames(void **state)
{
	static const char *const names[][2] = {
		{"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
		{"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
		{"@annually", "0 0 1 1 *"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct cron a = parsed(names[i][0]), b = parsed(names[i][1]);

		assert_true(a.minutes == b.minutes && a.hours == b.hours && a.days == b.days &&
			    a.months == b.months && a.weekdays == b.weekdays &&
			    a.is_any_day == b.is_any_day && a.is_any_weekday == b.is_any_weekday);
	}
}

static void check_day(const char *text, const char *when, bool want)
{
	struct cron c = parsed(text);
	struct civil local;

	utc_civil(at(when), &local);
	if (cron_matches(&c, &local) != want)
		fail_msg("\"%s\" at %s", text, when);
}

/* 13 November 2026 is a Friday, 14 a Saturday, 20 a Friday. */
static void test_cron_joins_the_day_fields_as_vixie_does(void **state)
{
	(void)state;
	/* Both restricted: either is enough. */
	check_day("0 0 13 * 5", "2026-11-13", true);
	check_day("0 0 13 * 5", "2026-11-20", true);
	check_day("0 0 13 * 5", "2026-10-13", true);
	check_day("0 0 13 * 5", "2026-11-14", false);
	/* One begins with a star: both must hold, also when the star has a step. */
	check_day("0 0 * * 5", "2026-11-13", true);
	check_day("0 0 * * 5", "2026-11-14", false);
	check_day("0 0 13 * *", "2026-11-13", true);
	check_day("0 0 13 * *", "2026-11-20", false);
	check_day("0 0 */2 * 5", "2026-11-13", true);
	check_day("0 0 */2 * 5", "2026-11-20", false);
	check_day("0 0 */2 * 5", "2026-11-15", false);
	/* A range over everything is a restriction to Vixie: either is enough. */
	check_day("0 0 1-31 * 5", "2026-11-14", true);
	check_day("0 0 13 11 *", "2026-12-13", false);
	check_day("5 0 13 11 *", "2026-11-13", false);
}

static void check_around(const char *text, const char *now, const char *previous, const char *next)
{
	struct cron c = parsed(text);
	char got[2][UTC_MAX] = {"none", "none"};
	int64_t p = cron_previous(&c, at(now)), n = cron_next(&c, at(now));

	if (p != -1)
		(void)utc_format(p, 0, got[0]);
	if (n != -1)
		(void)utc_format(n, 0, got[1]);
	if (strncmp(got[0], previous, strlen(previous)) != 0 ||
	    strncmp(got[1], next, strlen(next)) != 0)
		fail_msg("\"%s\" at %s: %s, %s", text, now, got[0], got[1]);
}

static void test_cron_finds_the_times_around(void **state)
{
	(void)state;
	check_around("*/15 * * * *", "2026-11-25 10:07:30", "2026-11-25T10:00", "2026-11-25T10:15");
	check_around("*/15 * * * *", "2026-11-25 10:15:00", "2026-11-25T10:15", "2026-11-25T10:30");
	check_around("*/15 * * * *", "2026-11-25 10:14:59.999", "2026-11-25T10:00",
		     "2026-11-25T10:15");
	check_around("59 23 * * *", "2026-12-31 23:59:59", "2026-12-31T23:59", "2027-01-01T23:59");
	check_around("0 0 1 1 *", "2026-06-01", "2026-01-01T00:00", "2027-01-01T00:00");
	check_around("30 9-17/4 * * mon-fri", "2026-11-28 12:00", "2026-11-27T17:30",
		     "2026-11-30T09:30");
	check_around("0 12 29 2 *", "2026-11-25", "2024-02-29T12:00", "2028-02-29T12:00");
	check_around("0 0 31 * *", "2026-04-15", "2026-03-31", "2026-05-31");
	check_around("0 0 1 1 *", "1969-06-01", "1969-01-01", "1970-01-01");
}

static void test_cron_gives_up_after_five_years(void **state)
{
	(void)state;
	/* 2100 is no leap year. */
	check_around("0 0 29 2 *", "2100-06-01", "2096-02-29", "2104-02-29");
	check_around("0 0 29 2 *", "2102-06-01", "none", "2104-02-29");
	check_around("0 0 29 2 *", "2097-06-01", "2096-02-29", "none");
}

/* The searches against the definition, minute by minute. */
static void test_cron_searches_agree_with_matches(void **state)
{
	static const char *const texts[] = {
		"*/15 * * * *",	  "7 3,4 * * *",       "0 0 1,15 * 1", "59 23 31 * *",
		"0 12 */3 * */2", "1-5/2 6 * 11,12 *", "0 0 * * 7",
	};
	const int64_t start = at("2026-11-20"), minute = 60000;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct cron c = parsed(texts[i]);
		int64_t last = cron_previous(&c, start - 1);

		for (int64_t t = start; t < start + 20 * 24 * 60 * minute; t += minute) {
			struct civil local;

			if (cron_next(&c, t - 1) == t - 1)
				fail_msg("\"%s\" is not later", texts[i]);
			utc_civil(t, &local);
			if (cron_matches(&c, &local)) {
				if (cron_next(&c, t - minute) != t || cron_next(&c, last) != t)
					fail_msg("\"%s\" misses its next", texts[i]);
				last = t;
			}
			if (cron_previous(&c, t) != last || cron_previous(&c, t + 59999) != last)
				fail_msg("\"%s\" misses its previous", texts[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cron_refuses_with_a_reason),
		cmocka_unit_test(test_cron_reads_fields),
		cmocka_unit_test(test_cron_takes_seven_for_sunday),
		cmocka_unit_test(test_cron_knows_nicknames),
		cmocka_unit_test(test_cron_joins_the_day_fields_as_vixie_does),
		cmocka_unit_test(test_cron_finds_the_times_around),
		cmocka_unit_test(test_cron_gives_up_after_five_years),
		cmocka_unit_test(test_cron_searches_agree_with_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
