/* utc: instants and their text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "runner/base/utc.h"

static void check_against_libc(int64_t ms)
{
	int64_t seconds = ms / 1000 - (ms % 1000 < 0);
	time_t t = (time_t)seconds;
	struct civil c;
	struct tm tm;

	utc_civil(ms, &c);
	assert_non_null(gmtime_r(&t, &tm));
	if (c.year != tm.tm_year + 1900 || c.month != tm.tm_mon + 1 || c.day != tm.tm_mday ||
	    c.hour != tm.tm_hour || c.minute != tm.tm_min || c.second != tm.tm_sec ||
	    c.weekday != tm.tm_wday || c.ms != (ms % 1000 + 1000) % 1000)
		fail_msg("%lld ms is %d-%d-%d", (long long)ms, c.year, c.month, c.day);
	assert_true(utc_from_civil(&c) == ms);
}

static void test_utc_agrees_with_the_c_library(void **state)
{
	uint64_t x = 1;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		int64_t ms;

		x = x * 6364136223846793005u + 1442695040888963407u;
		/* Most within 10,000 years, some anywhere. */
		ms = i % 8 == 0 ? (int64_t)x : (int64_t)(x >> 15) - (INT64_C(1) << 48);
		check_against_libc(ms);
	}
	for (int64_t day = -800000; day < 800000; day += 1)
		check_against_libc(day * 86400000);
	check_against_libc(-1);
	check_against_libc(INT64_MIN);
	check_against_libc(INT64_MAX);
}

static void check_text(int64_t ms, int with_ms, const char *want)
{
	char got[UTC_MAX];

	assert_int_equal(utc_format(ms, with_ms, got), strlen(want));
	assert_string_equal(got, want);
}

static void test_utc_writes_rfc_3339(void **state)
{
	(void)state;
	check_text(0, 0, "1970-01-01T00:00:00Z");
	check_text(0, 1, "1970-01-01T00:00:00.000Z");
	check_text(1795383603123, 0, "2026-11-22T21:40:03Z");
	check_text(1795383603123, 1, "2026-11-22T21:40:03.123Z");
	check_text(-1, 1, "1969-12-31T23:59:59.999Z");
	check_text(951782400000, 0, "2000-02-29T00:00:00Z");
	check_text(INT64_MAX, 1, "292278994-08-17T07:12:55.807Z");
	check_text(INT64_MIN, 1, "-292275055-05-16T16:47:04.192Z");
}

static void test_utc_reads_what_is_an_instant(void **state)
{
	static const struct {
		const char *s;
		int64_t ms;
		int has_zone;
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0, 1},
		{"2026-11-22T21:40:03Z", 1795383603000, 1},
		{"2026-11-22t21:40:03.123z", 1795383603123, 1},
		{"2026-11-22 21:40:03.1239999999999Z", 1795383603123, 1},
		{"2026-11-22T21:40:03.5Z", 1795383603500, 1},
		{"2026-11-22T23:40:03+02:00", 1795383603000, 1},
		{"2026-11-22T16:10:03-05:30", 1795383603000, 1},
		{"2026-11-22T21:40:03-00:00", 1795383603000, 1},
		{"2016-12-31T23:59:60Z", 1483228800000, 1},
		{"2026-11-22", 1795305600000, 0},
		{"2026-11-22 21:40", 1795383600000, 0},
		{"2026-11-22T21:40:03", 1795383603000, 0},
		{"2026-11-22 21:40:03.25", 1795383603250, 0},
		{"2000-02-29", 951782400000, 0},
		{"0000-01-01", -62167219200000, 0},
		{"9999-12-31T23:59:59.999Z", 253402300799999, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ms = 42;
		int has_zone = 42;

		if (utc_parse(rows[i].s, strlen(rows[i].s), &ms, &has_zone) < 0)
			fail_msg("refused \"%s\"", rows[i].s);
		if (ms != rows[i].ms || has_zone != rows[i].has_zone)
			fail_msg("\"%s\" gave %lld", rows[i].s, (long long)ms);
	}
}

static void test_utc_refuses_everything_else(void **state)
{
	static const char *const texts[] = {
		"",
		"now",
		"2026",
		"2026-11",
		"2026-11-2",
		"26-11-22",
		"2026-11-31",
		"2026-02-29",
		"1900-02-29",
		"2026-00-10",
		"2026-13-10",
		"2026-11-00",
		"2026/11/22",
		"2026-11-22T",
		"2026-11-22T21",
		"2026-11-22T24:00:00Z",
		"2026-11-22T21:60:00Z",
		"2026-11-22T21:40:61Z",
		"2026-11-22T21:40Z",
		"2026-11-22T21:40:03.",
		"2026-11-22T21:40:03.Z",
		"2026-11-22T21:40:03+0200",
		"2026-11-22T21:40:03+02",
		"2026-11-22T21:40:03+24:00",
		"2026-11-22T21:40:03+02:60",
		"2026-11-22T21:40:03ZZ",
		"2026-11-22T21:40:03 Z",
		" 2026-11-22",
		"2026-11-22 ",
		"+2026-11-22",
		"2026-11-22  21:40",
		"1795383603",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int64_t ms = 42;
		int has_zone = 42;

		if (utc_parse(texts[i], strlen(texts[i]), &ms, &has_zone) == 0)
			fail_msg("accepted \"%s\"", texts[i]);
		assert_int_equal(ms, 42);
		assert_int_equal(has_zone, 42);
	}
}

static void test_utc_reads_back_what_it_writes(void **state)
{
	uint64_t x = 7;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char text[UTC_MAX];
		int64_t want, got;
		int has_zone;
		size_t n;

		x = x * 6364136223846793005u + 1442695040888963407u;
		want = (int64_t)(x % UINT64_C(315569519999999)) - INT64_C(62167219200000);
		n = utc_format(want, 1, text);
		assert_int_equal(utc_parse(text, n, &got, &has_zone), 0);
		assert_true(got == want && has_zone);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utc_agrees_with_the_c_library),
		cmocka_unit_test(test_utc_writes_rfc_3339),
		cmocka_unit_test(test_utc_reads_what_is_an_instant),
		cmocka_unit_test(test_utc_refuses_everything_else),
		cmocka_unit_test(test_utc_reads_back_what_it_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
