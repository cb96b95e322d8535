/* num: strict numbers, durations and sizes, and their shortest text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/num.h"

static const char *const not_numbers[] = {
	"",	  " ",	   "1 ",   " 1",       "+1",  "-",     "--1",	   "0x10",
	"12,345", "1_000", "nan",  "NaN",      "inf", "Inf",   "-inf",	   "1e",
	"1e+",	  "1e5.0", ".5",   "5.",       "-.5", "1.2.3", "e5",	   "1e--",
	"1f",	  "0b1",   "1e 5", "infinity", "\t1", "1\n",   "\xC2\xB2",
};

static void test_num_refuses_what_is_not_wholly_a_number(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(not_numbers) / sizeof(not_numbers[0]); i++) {
		const char *s = not_numbers[i];
		double real = 42;
		int64_t integer = 42;

		if (num_parse_real(s, strlen(s), &real) == 0)
			fail_msg("accepted \"%s\"", s);
		assert_true(real == 42);
		if (num_parse_int(s, strlen(s), &integer) == 0)
			fail_msg("accepted \"%s\" as an integer", s);
		assert_int_equal(integer, 42);
	}
}

static void check_real(const char *s, double want)
{
	double got = 42;

	if (num_parse_real(s, strlen(s), &got) < 0)
		fail_msg("refused \"%s\"", s);
	if (memcmp(&got, &want, sizeof(got)) != 0)
		fail_msg("\"%s\" read as %.17g, not %.17g", s, got, want);
}

static void test_num_reads_reals(void **state)
{
	(void)state;
	check_real("0", 0.0);
	check_real("-0", -0.0);
	check_real("-0.0e5", -0.0);
	check_real("007", 7.0);
	check_real("0.1", 0.1);
	check_real("1e5", 1e5);
	check_real("1E-5", 1e-5);
	check_real("1.234e+06", 1234000.0);
	check_real("9007199254740993", 9007199254740992.0);
	check_real("1e22", 1e22);
	check_real("1e23", 1e23);
	check_real("123456789012345678901234567890", 123456789012345678901234567890.0);
	check_real("2.2250738585072011e-308", 2.2250738585072011e-308);
	check_real("5e-324", 5e-324);
	check_real("1e-999", 0.0);
	check_real("1.7976931348623157e308", DBL_MAX);
	check_real("0.000000000000000000000000000000000000000000001e45", 1.0);
}

static void test_num_refuses_overflow(void **state)
{
	static const char *const texts[] = {"1e999", "-1e999", "1.8e308", "1e99999999999999999999"};
	double v = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(num_parse_real(texts[i], strlen(texts[i]), &v), -1);
	assert_true(v == 42);
}

/* Half way between two doubles, decided by the 1,500th digit. */
static void test_num_rounds_by_every_digit(void **state)
{
	char text[1600] = "9007199254740993.";
	size_t n = strlen(text);

	(void)state;
	memset(text + n, '0', 1500);
	text[n + 1500] = '\0';
	check_real(text, 9007199254740992.0);
	text[n + 1499] = '1';
	check_real(text, 9007199254740994.0);
}

static void test_num_reads_only_the_bytes_given(void **state)
{
	double real;
	int64_t integer;

	(void)state;
	assert_int_equal(num_parse_real("12.5xyz", 4, &real), 0);
	assert_true(real == 12.5);
	assert_int_equal(num_parse_int("1234", 2, &integer), 0);
	assert_int_equal(integer, 12);
	assert_int_equal(num_parse_real("1\0002", 3, &real), -1);
}

static void test_num_reads_integers_to_their_limits(void **state)
{
	int64_t v = 42;

	(void)state;
	assert_int_equal(num_parse_int("9223372036854775807", 19, &v), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(num_parse_int("-9223372036854775808", 20, &v), 0);
	assert_true(v == INT64_MIN);
	assert_int_equal(num_parse_int("-0", 2, &v), 0);
	assert_int_equal(v, 0);
	v = 42;
	assert_int_equal(num_parse_int("9223372036854775808", 19, &v), -1);
	assert_int_equal(num_parse_int("-9223372036854775809", 20, &v), -1);
	assert_int_equal(num_parse_int("92233720368547758070", 20, &v), -1);
	assert_int_equal(num_parse_int("1.0", 3, &v), -1);
	assert_int_equal(num_parse_int("1e3", 3, &v), -1);
	assert_int_equal(v, 42);
}

struct scaled {
	const char *text;
	int64_t want; /* -1 = refused */
};

static void check_scaled(const struct scaled *rows, size_t n,
			 int (*parse)(const char *, size_t, int64_t *))
{
	for (size_t i = 0; i < n; i++) {
		int64_t got = -1;
		int rc = parse(rows[i].text, strlen(rows[i].text), &got);

		if (rc != (rows[i].want < 0 ? -1 : 0) || got != rows[i].want)
			fail_msg("\"%s\" gave %d, %lld", rows[i].text, rc, (long long)got);
	}
}

static void test_num_reads_durations(void **state)
{
	static const struct scaled rows[] = {
		{"250ms", 250},
		{"0s", 0},
		{"0.5s", 500},
		{"1.250s", 1250},
		{"1h30m", 5400000},
		{"1h30min", 5400000},
		{"7d", 604800000},
		{"1w2d3h4m5s6ms", 788645006},
		{"1h0.5s", 3600500},
		{"1.500000000000000000000s", 1500},
		{"", -1},
		{"5", -1},
		{"s", -1},
		{"-5s", -1},
		{"5 s", -1},
		{"5S", -1},
		{"1m1m", -1},
		{"1m1h", -1},
		{"1m1min", -1},
		{"1min1m", -1},
		{"1.5h20m", -1},
		{"0.5ms", -1},
		{"0.0001s", -1},
		{".5s", -1},
		{"5.s", -1},
		{"5sec", -1},
		{"99999999999999w", -1},
		{"15250284453w", -1},
		{"9223372036854775807ms", INT64_MAX},
		{"9223372036854775s808ms", -1},
	};

	(void)state;
	check_scaled(rows, sizeof(rows) / sizeof(rows[0]), num_parse_duration_ms);
}

static void test_num_reads_sizes(void **state)
{
	static const struct scaled rows[] = {
		{"0", 0},
		{"512", 512},
		{"512B", 512},
		{"512 B", 512},
		{"64KiB", 65536},
		{"1.5 MB", 1500000},
		{"1.5MiB", 1572864},
		{"0.25KiB", 256},
		{"2kB", 2000},
		{"1GB", 1000000000},
		{"3GiB", 3221225472},
		{"1TB", 1000000000000},
		{"1TiB", 1099511627776},
		{"8388607TiB", 9223370937343148032},
		{"8388608TiB", -1},
		{"0.1KiB", -1},
		{"1.5", -1},
		{"1.5B", -1},
		{"1  MB", -1},
		{"1 ", -1},
		{"1K", -1},
		{"1KB", -1},
		{"1mb", -1},
		{"-1", -1},
		{"MB", -1},
		{"", -1},
		{"1MB ", -1},
		{"1e3", -1},
	};

	(void)state;
	check_scaled(rows, sizeof(rows) / sizeof(rows[0]), num_parse_size_bytes);
}

static void check_text(double v, const char *want)
{
	char got[NUM_REAL_MAX];
	size_t n = num_format_real(v, got);

	assert_string_equal(got, want);
	assert_int_equal(n, strlen(want));
}

static void test_num_writes_the_shortest_text(void **state)
{
	(void)state;
	check_text(0.0, "0");
	check_text(-0.0, "-0");
	check_text(NAN, "nan");
	check_text(INFINITY, "inf");
	check_text(-INFINITY, "-inf");
	check_text(1.0, "1");
	check_text(-12.5, "-12.5");
	check_text(0.1, "0.1");
	check_text(0.1 + 0.2, "0.30000000000000004");
	check_text(100, "100");
	check_text(1e15, "1000000000000000");
	check_text(1e20, "100000000000000000000");
	check_text(1e21, "1e+21");
	check_text(1.5e300, "1.5e+300");
	check_text(0.000001, "0.000001");
	check_text(1e-7, "1e-7");
	check_text(1.25e-7, "1.25e-7");
	check_text(123456.789, "123456.789");
	check_text(9007199254740991.0, "9007199254740991");
	check_text(9007199254740993.0, "9007199254740992");
	check_text(5e-324, "5e-324");
	check_text(DBL_MAX, "1.7976931348623157e+308");
	check_text(DBL_MIN, "2.2250738585072014e-308");
	check_text(4.35, "4.35");
	check_text(0.999999999999999, "0.999999999999999");
	check_text(999999999999999.9, "999999999999999.9");
	/* Shorter than what rounding to 16 digits finds: the gap above a power of two is wider. */
	check_text(ldexp(1, -44), "5.684341886080802e-14");
	check_text(ldexp(1, 89), "6.189700196426902e+26");
}

/* A fixed generator: xorshift64*, so that a failure can be repeated. */
static uint64_t next_random(uint64_t *x)
{
	*x ^= *x >> 12;
	*x ^= *x << 25;
	*x ^= *x >> 27;
	return *x * UINT64_C(2685821657736338717);
}

static void check_round_trip(double v)
{
	char text[NUM_REAL_MAX], shorter[64];
	double back;
	size_t n = num_format_real(v, text);

	if (num_parse_real(text, n, &back) < 0 || memcmp(&back, &v, sizeof(v)) != 0)
		fail_msg("%.17g was written as \"%s\"", v, text);
	/* The C library agrees, and fewer digits would not do (with correct rounding). */
	if (strtod(text, NULL) != v)
		fail_msg("strtod() reads \"%s\" as another number than %.17g", text, v);
	n = strspn(text, "-0.");
	for (size_t i = n, digits = 0; text[i] != '\0'; i++) {
		if (text[i] == 'e' || text[i] == '\0')
			break;
		digits += text[i] != '.';
		if (text[i + 1] == 'e' || text[i + 1] == '\0') {
			size_t end = i;

			while (end > n && text[end] == '0')
				end--, digits--;
			if (digits < 2)
				return;
			(void)snprintf(shorter, sizeof(shorter), "%.*e", (int)digits - 2, v);
			if (strtod(shorter, NULL) == v)
				fail_msg("\"%s\" is longer than \"%s\"", text, shorter);
		}
	}
}

static void test_num_round_trips_any_bits(void **state)
{
	uint64_t x = 88172645463325252u;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t bits = next_random(&x);
		double v;

		memcpy(&v, &bits, sizeof(v));
		if (isfinite(v))
			check_round_trip(v);
		/* Those people meet: few digits around the point. */
		check_round_trip((double)(int64_t)(bits >> 34) / 1000);
		check_round_trip((double)(bits >> 11) / 9007199254740992.0);
	}
	for (int e = -1074; e < 1024; e++)
		check_round_trip(ldexp(1, e));
}

static void check_duration(int64_t ms, const char *want)
{
	char got[NUM_REAL_MAX];

	assert_int_equal(num_format_duration(ms, got), strlen(want));
	assert_string_equal(got, want);
}

static void test_num_writes_durations_for_people(void **state)
{
	(void)state;
	check_duration(0, "0 ms");
	check_duration(340, "340 ms");
	check_duration(1000, "1 s");
	check_duration(1250, "1.2 s");
	check_duration(59999, "59 s");
	check_duration(60000, "1 min");
	check_duration(240000, "4 min");
	check_duration(3599999, "59 min");
	check_duration(10800000, "3 h");
	check_duration(86400000, "1 d");
	check_duration(777600000, "9 d");
	check_duration(-1500, "-1.5 s");
	check_duration(INT64_MIN, "-106751991167 d");
}

static void check_size(int64_t bytes, const char *want)
{
	char got[NUM_REAL_MAX];

	assert_int_equal(num_format_size(bytes, got), strlen(want));
	assert_string_equal(got, want);
}

static void test_num_writes_sizes_for_people(void **state)
{
	(void)state;
	check_size(0, "0 B");
	check_size(512, "512 B");
	check_size(1023, "1023 B");
	check_size(1024, "1 KiB");
	check_size(1572864, "1.5 MiB");
	check_size(10 * 1048576 + 900000, "10 MiB");
	check_size(INT64_MAX, "7.9 EiB");
	check_size(INT64_MIN, "-8 EiB");
}

static void test_num_tells_what_a_double_may_not_keep(void **state)
{
	static const struct {
		const char *text;
		bool is_cut;
	} rows[] = {
		{"0", false},
		{"123456789012345", false},
		{"1234567890123456", true},
		{"-1234567890123450", false},
		{"0.00000123456789012345", false},
		{"0.001234567890123456", true},
		{"2.5000000000000000", false},
		{"3.3333333333333333", true},
		{"12000000000000000000", true},
		{"1e300", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(num_is_cut(rows[i].text, strlen(rows[i].text)), rows[i].is_cut);
}

static void test_num_tells_what_reads_as_another(void **state)
{
	static const struct {
		const char *text;
		bool is_mistaken;
	} rows[] = {
		{"5", false},
		{"0.1", false},
		{"0.10000000000000000555", false}, /* what 0.1 is, and what printf says of it */
		{"0.30000000000000004", false},
		{"0.33333333333333333333", false},
		{"5.000000000000000000001", true},
		{"-5.000000000000000000001", true},
		{"4.9999999999999999999e3", true},
		{"0.10000000000000000001", true},
		{"9007199254740993.0", true},
		{"18446744073709551615", true},
		{"18446744073709551616", false},
		{"1e300", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (num_is_mistaken(rows[i].text, strlen(rows[i].text)) != rows[i].is_mistaken)
			fail_msg("%s", rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_num_refuses_what_is_not_wholly_a_number),
		cmocka_unit_test(test_num_reads_reals),
		cmocka_unit_test(test_num_refuses_overflow),
		cmocka_unit_test(test_num_rounds_by_every_digit),
		cmocka_unit_test(test_num_reads_only_the_bytes_given),
		cmocka_unit_test(test_num_reads_integers_to_their_limits),
		cmocka_unit_test(test_num_reads_durations),
		cmocka_unit_test(test_num_reads_sizes),
		cmocka_unit_test(test_num_writes_the_shortest_text),
		cmocka_unit_test(test_num_round_trips_any_bits),
		cmocka_unit_test(test_num_writes_durations_for_people),
		cmocka_unit_test(test_num_writes_sizes_for_people),
		cmocka_unit_test(test_num_tells_what_a_double_may_not_keep),
		cmocka_unit_test(test_num_tells_what_reads_as_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
