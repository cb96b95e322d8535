/*
 * test_clock: clocks, and time zones against the C library's own reading of the same files.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "runner/base/err.h"
#include "runner/base/utc.h"
#include "runner/io/clock.h"
#include "runner/io/tzif.h"

static void test_clock_fixed_stands_still_but_deadlines_run(void **state)
{
	struct clock c = clock_fixed(1234567890123);
	int64_t before = clock_monotonic_us(&c);

	(void)state;
	assert_int_equal(clock_wall_ms(&c), 1234567890123);
	while (clock_monotonic_us(&c) == before)
		;
	assert_int_equal(clock_wall_ms(&c), 1234567890123);
	assert_true(clock_monotonic_ms(&c) >= before / 1000);
}

static void test_clock_system_reads_the_machine(void **state)
{
	struct clock c = clock_system();
	int64_t before = (int64_t)time(NULL) * 1000;
	int64_t now = clock_wall_ms(&c);

	(void)state;
	assert_true(now >= before - 1000 && now <= before + 60000);
}

static int64_t offset_s(const char *zone, const char *utc)
{
	int64_t instant, out;
	int has_zone;
	struct err e = {.class = ERR_NONE};

	assert_int_equal(utc_parse(utc, strlen(utc), &instant, &has_zone), 0);
	if (zone_offset_ms(zone, instant, &out, &e) < 0)
		fail_msg("%s", e.message);
	return out / 1000;
}

static void test_zone_knows_famous_changes(void **state)
{
	(void)state;
	assert_int_equal(offset_s("UTC", "2026-07-01T00:00:00Z"), 0);
	assert_int_equal(offset_s("Europe/Berlin", "2026-03-29T00:59:59Z"), 3600);
	assert_int_equal(offset_s("Europe/Berlin", "2026-03-29T01:00:00Z"), 7200);
	assert_int_equal(offset_s("Europe/Berlin", "2026-10-25T00:59:59Z"), 7200);
	assert_int_equal(offset_s("Europe/Berlin", "2026-10-25T01:00:00Z"), 3600);
	assert_int_equal(offset_s("Asia/Kathmandu", "2026-01-01T00:00:00Z"), 20700);
	assert_int_equal(offset_s("Australia/Lord_Howe", "2026-01-01T00:00:00Z"), 39600);
	assert_int_equal(offset_s("Australia/Lord_Howe", "2026-07-01T00:00:00Z"), 37800);
	/* Long after the last transition any file lists: only the footer knows. */
	assert_int_equal(offset_s("Europe/Berlin", "2099-07-01T00:00:00Z"), 7200);
	assert_int_equal(offset_s("America/Nuuk", "2099-07-01T00:00:00Z"), -3600);
	/* Before the first transition: local mean time. */
	assert_int_equal(offset_s("Europe/Berlin", "1850-01-01T00:00:00Z"), 3208);
}

static void test_zone_takes_offsets(void **state)
{
	(void)state;
	assert_int_equal(offset_s("+05:30", "2026-07-01T00:00:00Z"), 19800);
	assert_int_equal(offset_s("-03:30", "2026-01-01T00:00:00Z"), -12600);
	assert_int_equal(offset_s("+14:00", "2026-01-01T00:00:00Z"), 50400);
	assert_int_equal(offset_s("+00:00", "2026-01-01T00:00:00Z"), 0);
}

static void expect_refused(const char *zone, const char *part)
{
	struct err e = {.class = ERR_NONE};
	int64_t out = 42;

	assert_int_equal(zone_offset_ms(zone, 0, &out, &e), -1);
	if (!strstr(e.message, part))
		fail_msg("\"%s\" lacks \"%s\"", e.message, part);
	assert_int_equal(e.class, ERR_DEFINITION);
	assert_non_null(strstr(e.help, "Europe/Berlin"));
	assert_int_equal(out, 42);
}

static void test_zone_refuses_what_is_no_zone(void **state)
{
	(void)state;
	expect_refused("", "not a zone name");
	expect_refused("/etc/passwd", "not a zone name");
	expect_refused("../../../etc/passwd", "not a zone name");
	expect_refused("Europe/Berlin\n", "not a zone name");
	expect_refused("Europe/Atlantis", "No such file");
	expect_refused("Europe", "a directory");
	expect_refused("right/UTC", "time zone");
	expect_refused("+14:01", "not a zone name");
	expect_refused("+05:60", "not a zone name");
	expect_refused("+5:30", "not a zone name");
	expect_refused("05:30", "not a zone name");
	expect_refused("+05:3x", "not a zone name");
}

/* The C library's answer, from the civil time it shows. */
static int64_t libc_offset_s(int64_t unix_s)
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	assert_non_null(localtime_r(&t, &tm));

	struct civil c = {.year = tm.tm_year + 1900,
			  .month = tm.tm_mon + 1,
			  .day = tm.tm_mday,
			  .hour = tm.tm_hour,
			  .minute = tm.tm_min,
			  .second = tm.tm_sec};
	return utc_from_civil(&c) / 1000 - unix_s;
}

static void compare_with_libc(const char *zone)
{
	assert_int_equal(setenv("TZ", zone, 1), 0);
	tzset();
	/* 1871 to 2097 in steps that meet every hour and season. */
	for (int64_t t = -3124137600; t < 4007000000; t += 17 * 86400 + 3601) {
		int64_t got;

		assert_int_equal(zone_offset_ms(zone, t * 1000, &got, NULL), 0);
		if (got / 1000 != libc_offset_s(t))
			fail_msg("%s at %lld: %lld, libc %lld", zone, (long long)t,
				 (long long)(got / 1000), (long long)libc_offset_s(t));
	}
}

static void test_zone_agrees_with_the_c_library(void **state)
{
	static const char *const zones[] = {
		"Europe/Berlin",     "America/New_York",    "America/Sao_Paulo",
		"Africa/Casablanca", "Asia/Tehran",	    "Asia/Gaza",
		"Australia/Sydney",  "Antarctica/Troll",    "Pacific/Apia",
		"Europe/Dublin",     "Pacific/Chatham",	    "America/Scoresbysund",
		"Asia/Kolkata",	     "Africa/Monrovia",	    "Pacific/Kwajalein",
		"America/Godthab",   "Australia/Lord_Howe", "America/St_Johns",
		"Etc/GMT+5",	     "Asia/Hovd",
	};
	char *saved = getenv("TZ");

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		compare_with_libc(zones[i]);
	if (saved)
		(void)setenv("TZ", saved, 1);
	else
		(void)unsetenv("TZ");
	tzset();
}

static int64_t at(const char *utc)
{
	int64_t ms;
	int has_zone;

	assert_int_equal(utc_parse(utc, strlen(utc), &ms, &has_zone), 0);
	return ms / 1000;
}

static int64_t by_rule(const char *rule, const char *utc)
{
	int64_t out;

	assert_int_equal(tzif_rule_offset_s(rule, at(utc), &out), 0);
	return out;
}

static void test_zone_rule_follows_rfc_8536(void **state)
{
	(void)state;
	assert_int_equal(by_rule("IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-26T23:59:59Z"), 7200);
	assert_int_equal(by_rule("IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-27T00:00:00Z"), 10800);
	assert_int_equal(by_rule("<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "2026-03-29T00:59:59Z"),
			 -10800);
	assert_int_equal(by_rule("<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "2026-03-29T01:00:00Z"),
			 -7200);
	/* The RFC's example of daylight time all year. */
	assert_int_equal(by_rule("XXX3EDT4,0/0,J365/23", "2026-01-01T02:59:59Z"), -14400);
	assert_int_equal(by_rule("XXX3EDT4,0/0,J365/23", "2026-01-01T03:00:00Z"), -14400);
	assert_int_equal(by_rule("XXX3EDT4,0/0,J365/23", "2026-07-01T00:00:00Z"), -14400);
	/* J60 is 1 March in every year, 59 is 29 February in a leap year. */
	assert_int_equal(by_rule("AAA0BBB,J60/0,J300", "2028-02-29T23:59:59Z"), 0);
	assert_int_equal(by_rule("AAA0BBB,J60/0,J300", "2028-03-01T00:00:00Z"), 3600);
	assert_int_equal(by_rule("AAA0BBB,J60/0,J300", "2027-03-01T00:00:00Z"), 3600);
	assert_int_equal(by_rule("AAA0BBB,59/0,J300", "2028-02-29T00:00:00Z"), 3600);
	assert_int_equal(by_rule("AAA0BBB,59/0,J300", "2027-02-28T23:59:59Z"), 0);
	assert_int_equal(by_rule("AAA5:30:15", "2026-01-01T00:00:00Z"), -19815);
	/* Week 5 is the last one, also in December. */
	assert_int_equal(by_rule("AAA0BBB,M12.5.0/0,M1.1.0/0", "2026-12-27T00:00:00Z"), 3600);
	assert_int_equal(by_rule("AAA0BBB,M12.5.0/0,M1.1.0/0", "2026-12-26T23:59:59Z"), 0);
}

static void test_zone_rule_refuses_nonsense(void **state)
{
	static const char *const rules[] = {
		"",
		"A1",
		"AAA",
		"AAA168",
		"AAA1:60",
		"AAA1B",
		"AAA1BBB",
		"AAA1BBB,",
		"AAA1BBB,M3",
		"AAA1BBB,M13.1.0,M10.5.0",
		"AAA1BBB,M0.1.0,M10.5.0",
		"AAA1BBB,M3.6.0,M10.5.0",
		"AAA1BBB,M3.1.7,M10.5.0",
		"AAA1BBB,M3.1.0",
		"AAA1BBB,J0,J5",
		"AAA1BBB,J366,J5",
		"AAA1BBB,366,5",
		"AAA1BBB,M3.1.0,M10.5.0x",
		"<AA",
		"<>1",
		"AAA99999999999999999999",
		"AAA1BBB,M3.1.0/,M10.5.0",
	};
	int64_t out = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (tzif_rule_offset_s(rules[i], 0, &out) == 0)
			fail_msg("accepted \"%s\"", rules[i]);
	assert_int_equal(out, 42);
}

/* A version 1 file: one change at 1000 from type 0 (+60 s) to type 1 (+120 s). */
static const unsigned char version1[] = {
	'T',
	'Z',
	'i',
	'f',
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	/* utc */ 0,
	0,
	0,
	0,
	/* std */ 0,
	0,
	0,
	0,
	/* leap */ 0,
	0,
	0,
	1, /* times */
	0,
	0,
	0,
	2,
	/* types */ 0,
	0,
	0,
	4,
	/* chars */ 0,
	0,
	3,
	0xe8,
	/* time */ 1, /* index */
	0,
	0,
	0,
	60,
	0,
	0,
	0,
	0,
	0,
	120,
	0,
	0,
	'A',
	'B',
	'C',
	0,
};

static void test_zone_reads_version_1(void **state)
{
	int64_t out;

	(void)state;
	assert_int_equal(tzif_offset_s(version1, sizeof(version1), 999, &out), 0);
	assert_int_equal(out, 60);
	assert_int_equal(tzif_offset_s(version1, sizeof(version1), 1000, &out), 0);
	assert_int_equal(out, 120);
}

static void test_zone_refuses_damaged_files(void **state)
{
	unsigned char bytes[sizeof(version1)];
	int64_t out = 42;

	(void)state;
	/* Cut anywhere. Exact-size copies, so that a sanitizer sees any read past the end. */
	for (size_t n = 0; n < sizeof(version1); n++) {
		unsigned char *cut = malloc(n > 0 ? n : 1);

		memcpy(cut, version1, n);
		assert_int_equal(tzif_offset_s(cut, n, 1000, &out), -1);
		free(cut);
	}
	/* Any byte of the header turned over: refused, or an answer, never a bad read. */
	for (size_t i = 0; i < sizeof(bytes) * 8; i++) {
		int64_t ignored;

		memcpy(bytes, version1, sizeof(bytes));
		bytes[i / 8] ^= (unsigned char)(1U << i % 8);
		(void)tzif_offset_s(bytes, sizeof(bytes), 1000, &ignored);
	}
	memcpy(bytes, version1, sizeof(bytes));
	bytes[48] = 7; /* the change leads to a type that is not there */
	assert_int_equal(tzif_offset_s(bytes, sizeof(bytes), 1000, &out), -1);
	assert_int_equal(out, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock_fixed_stands_still_but_deadlines_run),
		cmocka_unit_test(test_clock_system_reads_the_machine),
		cmocka_unit_test(test_zone_knows_famous_changes),
		cmocka_unit_test(test_zone_takes_offsets),
		cmocka_unit_test(test_zone_refuses_what_is_no_zone),
		cmocka_unit_test(test_zone_agrees_with_the_c_library),
		cmocka_unit_test(test_zone_rule_follows_rfc_8536),
		cmocka_unit_test(test_zone_rule_refuses_nonsense),
		cmocka_unit_test(test_zone_reads_version_1),
		cmocka_unit_test(test_zone_refuses_damaged_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
