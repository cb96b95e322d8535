/* decimal: what doubles cannot tell apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "runner/base/decimal.h"

static struct decimal of(const char *text)
{
	struct decimal d;

	assert_int_equal(decimal_parse(text, strlen(text), &d), 0);
	return d;
}

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void test_decimal_orders_every_digit(void **state)
{
	/* Each is less than the next. */
	static const char *const rows[] = {
		"-1e30",
		"-12345678901234567890.5",
		"-12345678901234567890",
		"-0.1",
		"-0.00000000000000000001",
		"0",
		"1e-300",
		"0.12345678901234567",
		"0.12345678901234568",
		"1",
		"1.0000000000000000000000001",
		"9.99",
		"10",
		"12345678901234567890",
		"12345678901234567891",
		"1e20",
		"100000000000000000000.1",
		"1e400",
		"1.0000000001e400",
	};

	(void)state;
	for (int i = 0; i < (int)(sizeof(rows) / sizeof(*rows)); i++)
		for (int k = 0; k < (int)(sizeof(rows) / sizeof(*rows)); k++) {
			struct decimal a = of(rows[i]), b = of(rows[k]);

			assert_int_equal(sign(decimal_compare(&a, &b)), sign(i - k));
		}
}

static void test_decimal_knows_one_number_by_many_texts(void **state)
{
	static const char *const rows[][2] = {
		{"0", "-0"},	    {"0.00", "0e9"},   {"1.50", "1.5"},	 {"007", "7"},
		{"1e3", "1000.00"}, {"1.5E+2", "150"}, {"12e-1", "1.2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct decimal a = of(rows[i][0]), b = of(rows[i][1]);

		assert_int_equal(decimal_compare(&a, &b), 0);
	}
}

static void test_decimal_reckons(void **state)
{
	/* a, b, |a - b|, |a x b| */
	static const char *const rows[][4] = {
		{"1.1", "1", "0.1", "1.1"},
		{"1", "1.1", "0.1", "1.1"},
		{"-1", "1", "2", "1"},
		{"-5", "-7.5", "2.5", "37.5"},
		{"0", "3", "3", "0"},
		{"1000", "0.001", "999.999", "1"},
		{"99999999999999999999", "-1", "100000000000000000000", "99999999999999999999"},
		{"0.12345678901234567", "0.12345678901234568", "0.00000000000000001",
		 "0.0152415787532388357872275656912056"},
		{"123456789123456789", "987654321987654321", "864197532864197532",
		 "121932631356500531347203169112635269"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct decimal a = of(rows[i][0]), b = of(rows[i][1]), out;
		struct decimal distance = of(rows[i][2]), product = of(rows[i][3]);

		assert_int_equal(decimal_distance(&a, &b, &out), 0);
		assert_int_equal(decimal_compare(&out, &distance), 0);
		assert_int_equal(decimal_product(&a, &b, &out), 0);
		assert_int_equal(decimal_compare(&out, &product), 0);
	}
}

static void test_decimal_refuses_what_it_has_no_room_for(void **state)
{
	static char nines[DECIMAL_MAX_DIGITS / 2 + 2];
	struct decimal a = of("1e-4000"), b = of("1e300"), out;

	(void)state;
	assert_int_equal(decimal_parse("1e-5000", 7, &out), -1);
	assert_int_equal(decimal_parse("0x10", 4, &out), -1);
	assert_int_equal(decimal_parse("", 0, &out), -1);
	assert_int_equal(decimal_distance(&a, &b, &out), -1);
	nines[0] = '0';
	nines[1] = '.';
	memset(nines + 2, '9', sizeof(nines) - 3);
	a = of(nines);
	assert_int_equal(decimal_product(&a, &a, &out), 0);
	assert_true(decimal_compare(&out, &a) < 0);
	assert_int_equal(decimal_parse("1.", 2, &out), -1);
	assert_int_equal(decimal_parse("1e", 2, &out), -1);
	assert_int_equal(decimal_parse("1e+-5", 5, &out), -1);
	assert_int_equal(decimal_parse("1 ", 2, &out), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decimal_orders_every_digit),
		cmocka_unit_test(test_decimal_knows_one_number_by_many_texts),
		cmocka_unit_test(test_decimal_reckons),
		cmocka_unit_test(test_decimal_refuses_what_it_has_no_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
