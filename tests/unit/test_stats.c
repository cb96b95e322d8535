/* stats: centre and spread, also where plain sums go wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>

#include "runner/stats/summary.h"

static void is_close(double got, double want)
{
	if (!(fabs(got - want) <= 4 * DBL_EPSILON * fabs(want)))
		fail_msg("%.17g is not %.17g", got, want);
}

static void test_stats_of_nothing_are_not_numbers(void **state)
{
	const double one[] = {5};

	(void)state;
	assert_true(isnan(stats_mean(NULL, 0)));
	assert_true(isnan(stats_median(NULL, 0)));
	assert_true(isnan(stats_sigma(NULL, 0)));
	assert_true(isnan(stats_sigma(one, 1)));
	assert_true(stats_mean(one, 1) == 5 && stats_median(one, 1) == 5);
}

static void test_stats_median_is_the_middle(void **state)
{
	const double odd[] = {3, -1, 2};
	const double even[] = {4, 1, 3, 2};
	const double large[] = {DBL_MAX, DBL_MAX};
	const double wide[] = {-DBL_MAX, DBL_MAX};

	(void)state;
	assert_true(stats_median(odd, 3) == 2);
	assert_true(odd[0] == 3); /* the caller's order is kept */
	assert_true(stats_median(even, 4) == 2.5);
	assert_true(stats_median(large, 2) == DBL_MAX);
	assert_true(stats_median(wide, 2) == 0);
}

static void test_stats_percentile_is_a_value_of_the_sample(void **state)
{
	double values[20];

	(void)state;
	for (size_t i = 0; i < 20; i++)
		values[i] = (double)(20 - i);
	stats_sort(values, 20);
	assert_true(values[0] == 1 && values[19] == 20);
	assert_true(stats_percentile(values, 20, 0.95) == 19); /* 19 of 20 do not exceed it */
	assert_true(stats_percentile(values, 20, 0.951) == 20);
	assert_true(stats_percentile(values, 20, 1) == 20);
	assert_true(stats_percentile(values, 20, 0) == 1);
	assert_true(stats_percentile(values, 1, 0.95) == 1);
	assert_true(isnan(stats_percentile(values, 0, 0.5)));
}

/* Reference: NIST Statistical Reference Datasets, NumAcc1..NumAcc4 (exact by construction). */
static void test_stats_survive_nist_datasets(void **state)
{
	double values[1001];
	const double one[] = {10000001, 10000003, 10000002};

	(void)state;
	assert_true(stats_mean(one, 3) == 10000002);
	assert_true(stats_sigma(one, 3) == 1);
	for (int k = 0; k < 3; k++) { /* NumAcc2, NumAcc3, NumAcc4 */
		const double base[] = {1.2, 1000000.2, 10000000.2};

		values[0] = base[k];
		for (size_t i = 1; i < 1001; i++)
			values[i] = base[k] + (i % 2 == 1 ? -0.1 : 0.1);
		is_close(stats_mean(values, 1001), base[k]);
		assert_true(fabs(stats_sigma(values, 1001) - 0.1) < 1e-8);
	}
}

static void test_stats_do_not_overflow(void **state)
{
	const double large[] = {DBL_MAX, DBL_MAX, DBL_MAX};
	const double wide[] = {-DBL_MAX, DBL_MAX};
	const double small[] = {5e-324, 5e-324};
	const double lost[] = {1e16, 1, -1e16, 1};

	(void)state;
	assert_true(stats_mean(large, 3) == DBL_MAX);
	assert_true(stats_sigma(large, 3) == 0);
	assert_true(stats_mean(wide, 2) == 0);
	assert_true(stats_mean(small, 2) == 5e-324);
	assert_true(stats_mean(lost, 4) == 0.5);
}

static void test_stats_of_constants_have_no_spread(void **state)
{
	double values[100];

	(void)state;
	for (size_t i = 0; i < 100; i++)
		values[i] = 0.1;
	assert_true(stats_mean(values, 100) == 0.1);
	assert_true(stats_sigma(values, 100) == 0);
	for (size_t i = 0; i < 100; i++)
		values[i] = 0;
	assert_true(stats_mean(values, 100) == 0 && stats_sigma(values, 100) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stats_of_nothing_are_not_numbers),
		cmocka_unit_test(test_stats_median_is_the_middle),
		cmocka_unit_test(test_stats_percentile_is_a_value_of_the_sample),
		cmocka_unit_test(test_stats_survive_nist_datasets),
		cmocka_unit_test(test_stats_do_not_overflow),
		cmocka_unit_test(test_stats_of_constants_have_no_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
