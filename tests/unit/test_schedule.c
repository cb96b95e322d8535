/* schedule: cron expressions meet time zones, both changes of summer time included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "runner/base/utc.h"
#include "runner/model/definition.h"
#include "runner/schedule.h"

static int64_t at(const char *text)
{
	int64_t ms = 0;
	int has_zone;

	assert_int_equal(utc_parse(text, strlen(text), &ms, &has_zone), 0);
	return ms;
}

static void times(const char *cron, const char *zone, const char *now, struct schedule_times *t)
{
	struct check c = {.name = "a/b", .schedule = cron, .time_zone = zone};
	struct err e = {0};

	assert_int_equal(cron_parse(cron, &c.cron, &e), 0);
	if (schedule_times(&c, at(now), t, &e) != 0)
		fail_msg("%s", e.message);
}

static void test_schedule_reads_cron_in_the_zone(void **state)
{
	struct schedule_times t;

	(void)state;
	times("0 2 * * *", "Europe/Berlin", "2026-07-10T12:00:00Z", &t);
	assert_int_equal(t.previous_ms, at("2026-07-10T00:00:00Z"));
	assert_int_equal(t.next_ms, at("2026-07-11T00:00:00Z"));
	times("0 2 * * *", "Europe/Berlin", "2026-12-10T12:00:00Z", &t);
	assert_int_equal(t.previous_ms, at("2026-12-10T01:00:00Z"));
	times("*/15 * * * *", "UTC", "2026-11-22T21:40:03Z", &t);
	assert_int_equal(t.previous_ms, at("2026-11-22T21:30:00Z"));
	assert_int_equal(t.next_ms, at("2026-11-22T21:45:00Z"));
}

static void test_schedule_survives_the_change_of_summer_time(void **state)
{
	struct schedule_times t;

	(void)state;
	/* 29 March 2026: 02:00 becomes 03:00 in Berlin; 02:30 does not exist */
	times("30 2 * * *", "Europe/Berlin", "2026-03-29T12:00:00Z", &t);
	assert_int_equal(t.previous_ms, at("2026-03-29T01:00:00Z"));
	assert_int_equal(t.next_ms, at("2026-03-30T00:30:00Z"));
	/* what was measured at the jump is not due again, and nothing is due before it */
	times("30 2 * * *", "Europe/Berlin", "2026-03-29T01:05:00Z", &t);
	assert_int_equal(t.previous_ms, at("2026-03-29T01:00:00Z"));
	assert_false(schedule_is_due(&t, at("2026-03-29T01:00:00Z")));
	times("30 2 * * *", "Europe/Berlin", "2026-03-29T00:59:59Z", &t);
	assert_int_equal(t.previous_ms, at("2026-03-28T01:30:00Z"));
	assert_int_equal(t.next_ms, at("2026-03-29T01:00:00Z"));
	times("0 4 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", &t);
	assert_int_equal(t.next_ms, at("2026-03-29T02:00:00Z"));
}

/* The moments around now, UTC. */
static void around(const char *cron, const char *zone, const char *now, const char *previous,
		   const char *next)
{
	struct schedule_times t;
	char text[2][UTC_MAX];

	times(cron, zone, now, &t);
	(void)utc_format(t.previous_ms, 0, text[0]); /* its length */
	(void)utc_format(t.next_ms, 0, text[1]);     /* same */
	assert_string_equal(text[0], previous);
	assert_string_equal(text[1], next);
	assert_false(schedule_is_due(&t, t.previous_ms));
}

/* 25 October 2026: 03:00 becomes 02:00 in Berlin, at 01:00 UTC. */
static void test_schedule_fires_once_at_a_time_of_day_shown_twice(void **state)
{
	const char *const zone = "Europe/Berlin", *const cron = "30 2 * * *";

	(void)state;
	around(cron, zone, "2026-10-25T00:29:59Z", "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z");
	around(cron, zone, "2026-10-25T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
	/* the second 02:10, 02:30 and 02:40, and later */
	around(cron, zone, "2026-10-25T01:10:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
	around(cron, zone, "2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
	around(cron, zone, "2026-10-25T01:40:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
	around(cron, zone, "2026-10-25T12:00:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
	/* the hours before and after it are as ever */
	around("30 1,3 * * *", zone, "2026-10-25T01:10:00Z", "2026-10-24T23:30:00Z",
	       "2026-10-25T02:30:00Z");
	/* where clocks are changed by half an hour: 02:00 becomes 01:30 at 15:00 UTC the day before
	 */
	around("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T15:20:00Z", "2026-04-04T14:45:00Z",
	       "2026-04-05T15:15:00Z");
}

static void test_schedule_that_repeats_does_so_in_both_hours(void **state)
{
	const char *const zone = "Europe/Berlin";

	(void)state;
	around("*/30 * * * *", zone, "2026-10-25T00:59:59Z", "2026-10-25T00:30:00Z",
	       "2026-10-25T01:00:00Z");
	around("*/30 * * * *", zone, "2026-10-25T01:00:00Z", "2026-10-25T01:00:00Z",
	       "2026-10-25T01:30:00Z");
	around("@hourly", zone, "2026-10-25T00:10:00Z", "2026-10-25T00:00:00Z",
	       "2026-10-25T01:00:00Z");
	/* on both sides of it the nearest moment has the other hour's reading */
	around("45 * * * *", zone, "2026-10-25T01:10:00Z", "2026-10-25T00:45:00Z",
	       "2026-10-25T01:45:00Z");
	around("15 * * * *", zone, "2026-10-25T00:50:00Z", "2026-10-25T00:15:00Z",
	       "2026-10-25T01:15:00Z");
	around("*/30 2 * * *", zone, "2026-10-25T12:00:00Z", "2026-10-25T01:30:00Z",
	       "2026-10-26T01:00:00Z");
	around("*/30 2 * * *", zone, "2026-10-24T12:00:00Z", "2026-10-24T00:30:00Z",
	       "2026-10-25T00:00:00Z");
}

static void test_schedule_is_due_until_measured(void **state)
{
	const struct schedule_times t = {1000, 2000, 1800};
	const struct schedule_times none = {-1, 2000, 1800};

	(void)state;
	assert_true(schedule_is_due(&t, -1));
	assert_true(schedule_is_due(&t, 999));
	assert_false(schedule_is_due(&t, 1000));
	assert_false(schedule_is_due(&t, 1500));
	assert_false(schedule_is_due(&t, 1800));
	assert_true(schedule_is_due(&t, 1801)); /* of a clock that was wrong */
	assert_false(schedule_is_due(&none, -1));
}

/* Since when, of what was measured then; "" = it is not due. */
static void due_since(const char *measured, const char *now, const char *want)
{
	struct check c = {.name = "a/b", .schedule = "0 * * * *", .time_zone = "UTC"};
	struct err e = {0};
	int64_t since;

	assert_int_equal(cron_parse(c.schedule, &c.cron, &e), 0);
	if (schedule_due_since(&c, *measured ? at(measured) : -1, at(now), &since, &e) != 0)
		fail_msg("%s", e.message);
	assert_int_equal(since, *want ? at(want) : -1);
}

static void test_schedule_is_due_since_the_first_moment_missed(void **state)
{
	(void)state;
	due_since("2026-11-22T21:40:03Z", "2026-11-22T21:59:59Z", "");
	due_since("2026-11-22T21:40:03Z", "2026-11-22T22:00:01Z", "2026-11-22T22:00:00Z");
	due_since("2026-11-22T21:40:03Z", "2026-11-24T09:00:01Z", "2026-11-22T22:00:00Z");
	due_since("2026-11-22T22:00:00Z", "2026-11-22T22:30:00Z", "");
	due_since("", "2026-11-22T22:30:00Z", "2026-11-22T22:00:00Z");
	/* measured by a clock that was wrong */
	due_since("2026-11-25T00:00:00Z", "2026-11-22T22:30:00Z", "2026-11-22T22:00:00Z");
}

static void test_schedule_refuses_an_unknown_zone(void **state)
{
	struct check c = {.name = "a/b", .schedule = "* * * * *", .time_zone = "Mars/Olympus"};
	struct schedule_times t;
	struct err e = {0};

	(void)state;
	assert_int_equal(cron_parse(c.schedule, &c.cron, &e), 0);
	assert_int_equal(schedule_times(&c, 0, &t, &e), -1);
	assert_non_null(strstr(e.message, "Mars/Olympus"));
	assert_non_null(strstr(e.message, "a/b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schedule_reads_cron_in_the_zone),
		cmocka_unit_test(test_schedule_survives_the_change_of_summer_time),
		cmocka_unit_test(test_schedule_fires_once_at_a_time_of_day_shown_twice),
		cmocka_unit_test(test_schedule_that_repeats_does_so_in_both_hours),
		cmocka_unit_test(test_schedule_is_due_until_measured),
		cmocka_unit_test(test_schedule_is_due_since_the_first_moment_missed),
		cmocka_unit_test(test_schedule_refuses_an_unknown_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
