/* freeze: where windows of the calendar are, also where clocks are changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/utc.h"
#include "runner/freeze.h"
#include "runner/io/clock.h"
#include "runner/model/definition.h"

#define BERLIN "Europe/Berlin"

static int64_t at(const char *text)
{
	int64_t ms;
	int has_zone;

	assert_int_equal(utc_parse(text, strlen(text), &ms, &has_zone), 0);
	return ms;
}

static void instant_is(const char *local, bool is_late, const char *want)
{
	struct err e = {0};
	char got[UTC_MAX];
	int64_t ms;

	assert_int_equal(zone_instant_ms(BERLIN, at(local), is_late, &ms, &e), 0);
	(void)utc_format(ms, 0, got);
	assert_string_equal(got, want);
}

static void test_freeze_instant_of_a_plain_day(void **state)
{
	(void)state;
	instant_is("2026-12-20", false, "2026-12-19T23:00:00Z");
	instant_is("2026-12-20", true, "2026-12-19T23:00:00Z");
	instant_is("2026-07-01T12:00", false, "2026-07-01T10:00:00Z");
	/* hours before and after a change: only one reading is real */
	instant_is("2026-10-25T01:59", true, "2026-10-24T23:59:00Z");
	instant_is("2026-10-25T03:00", false, "2026-10-25T02:00:00Z");
}

static void test_freeze_instant_where_clocks_change(void **state)
{
	(void)state;
	instant_is("2026-10-25T02:30", false, "2026-10-25T00:30:00Z"); /* twice */
	instant_is("2026-10-25T02:30", true, "2026-10-25T01:30:00Z");
	instant_is("2026-03-29T02:30", false, "2026-03-29T00:30:00Z"); /* never */
	instant_is("2026-03-29T02:30", true, "2026-03-29T01:30:00Z");
}

/* The window of a freeze at now: "FROM TO", or "none". */
static const char *window_at(struct arena *a, const char *cron, int64_t for_ms, const char *now)
{
	struct freeze f = {.is_recurring = true, .for_ms = for_ms, .time_zone = BERLIN};
	struct gate g = {.freezes = &f, .n_freezes = 1};
	const struct gate_window *w;
	struct err e = {0};
	char from[UTC_MAX], to[UTC_MAX];

	assert_int_equal(cron_parse(cron, &f.cron, &e), 0);
	w = freeze_windows(a, &g, at(now));
	assert_null(w->error);
	if (at(now) < w->from_ms || at(now) >= w->to_ms)
		return "none";
	(void)utc_format(w->from_ms, 0, from);
	(void)utc_format(w->to_ms, 0, to);
	return arena_printf(a, "%s %s", from, to);
}

#define HOURS(n) ((n)*INT64_C(3600000))

static void test_freeze_recurs(void **state)
{
	static const char weekend[] = "0 16 * * 5";
	struct arena *a = arena_new();

	(void)state;
	/* Friday 16:00 to Monday 08:00 */
	assert_string_equal(window_at(a, weekend, HOURS(64), "2026-11-27T14:59:59Z"), "none");
	assert_string_equal(window_at(a, weekend, HOURS(64), "2026-11-27T15:00:00Z"),
			    "2026-11-27T15:00:00Z 2026-11-30T07:00:00Z");
	assert_string_equal(window_at(a, weekend, HOURS(64), "2026-11-30T06:59:59Z"),
			    "2026-11-27T15:00:00Z 2026-11-30T07:00:00Z");
	assert_string_equal(window_at(a, weekend, HOURS(64), "2026-11-30T07:00:00Z"), "none");
	/* over the change: still Monday 08:00 on the clock */
	assert_string_equal(window_at(a, weekend, HOURS(64), "2026-10-26T06:59:59Z"),
			    "2026-10-23T14:00:00Z 2026-10-26T07:00:00Z");
	assert_string_equal(window_at(a, weekend, HOURS(64), "2026-03-30T05:59:59Z"),
			    "2026-03-27T15:00:00Z 2026-03-30T06:00:00Z");
	arena_free(a);
}

/* 02:30 comes twice: the window has begun at the first, and is over after the second. */
static void test_freeze_recurs_in_the_hour_that_comes_twice(void **state)
{
	static const char night[] = "30 2 * * *";
	static const char want[] = "2026-10-25T00:30:00Z 2026-10-25T01:50:00Z";
	struct arena *a = arena_new();
	int64_t for_ms = 20 * INT64_C(60000);

	(void)state;
	assert_string_equal(window_at(a, night, for_ms, "2026-10-25T00:29:59Z"), "none");
	assert_string_equal(window_at(a, night, for_ms, "2026-10-25T00:30:00Z"), want);
	/* the second 02:10: the clock shows an earlier time than it has shown */
	assert_string_equal(window_at(a, night, for_ms, "2026-10-25T01:10:00Z"), want);
	assert_string_equal(window_at(a, night, for_ms, "2026-10-25T01:49:59Z"), want);
	assert_string_equal(window_at(a, night, for_ms, "2026-10-25T01:50:00Z"), "none");
	arena_free(a);
}

static void test_freeze_in_a_zone_nobody_knows_is_told(void **state)
{
	struct arena *a = arena_new();
	struct freeze f = {.is_recurring = true, .for_ms = HOURS(1), .time_zone = "Europe/Nowhere"};
	struct gate g = {.freezes = &f, .n_freezes = 1};
	struct err e = {0};

	(void)state;
	assert_int_equal(cron_parse("@daily", &f.cron, &e), 0);
	assert_non_null(freeze_windows(a, &g, at("2026-11-27T14:59:59Z"))->error);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_freeze_instant_of_a_plain_day),
		cmocka_unit_test(test_freeze_instant_where_clocks_change),
		cmocka_unit_test(test_freeze_recurs),
		cmocka_unit_test(test_freeze_recurs_in_the_hour_that_comes_twice),
		cmocka_unit_test(test_freeze_in_a_zone_nobody_knows_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
