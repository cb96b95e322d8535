/*
 * test_drift: against published values and closed forms.
 *
 * Quantiles: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4 (three decimals). Values of
 * Q: Abramowitz and Stegun, table 26.7. Closed forms: 2 degrees are exp(-x/2), 1 degree is
 * erfc(sqrt(x/2)), and an even number is a Poisson sum (A&S 26.4.21).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "runner/stats/drift.h"

static void near(double got, double want, double relative)
{
	if (!(fabs(got - want) <= fabs(want) * relative))
		fail_msg("%.17g is not %.17g", got, want);
}

static void test_drift_tail_at_published_quantiles(void **state)
{
	static const struct {
		double degrees, tail, quantile;
	} table[] = {
		{1, 0.10, 2.706},     {1, 0.05, 3.841},	     {1, 0.001, 10.828},
		{2, 0.05, 5.991},     {3, 0.01, 11.345},     {4, 0.05, 9.488},
		{5, 0.01, 15.086},    {7, 0.05, 14.067},     {10, 0.05, 18.307},
		{10, 0.001, 29.588},  {15, 0.025, 27.488},   {20, 0.10, 28.412},
		{25, 0.05, 37.652},   {30, 0.01, 50.892},    {50, 0.05, 67.505},
		{100, 0.05, 124.342}, {100, 0.001, 149.449},
	};

	(void)state;
	/* A quantile rounded at the third decimal moves the tail by less than a thousandth of it.
	 */
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		near(stats_chi_square_tail(table[i].quantile, table[i].degrees), table[i].tail,
		     1e-3);
}

static void test_drift_tail_at_published_values(void **state)
{
	(void)state;
	near(stats_chi_square_tail(1, 1), 0.31731, 2e-5);
	near(stats_chi_square_tail(10, 10), 0.44049, 2e-5);
	near(stats_chi_square_tail(20, 20), 0.45793, 2e-5);
	near(stats_chi_square_tail(1, 10), 0.99983, 2e-5);
	near(stats_chi_square_tail(10, 1), 0.00157, 5e-3);
}

static double poisson_sum(double x, int degrees)
{
	double term = 1, sum = 1;

	for (int k = 1; k < degrees / 2; k++) {
		term *= x / 2 / k;
		sum += term;
	}
	return sum * exp(-x / 2);
}

static void test_drift_tail_has_closed_forms(void **state)
{
	(void)state;
	for (double x = 0.01; x < 1200; x *= 1.37) {
		near(stats_chi_square_tail(x, 1), erfc(sqrt(x / 2)), 1e-12);
		near(stats_chi_square_tail(x, 2), exp(-x / 2), 1e-12);
		for (int degrees = 4; degrees <= 200; degrees += 14)
			near(stats_chi_square_tail(x, degrees), poisson_sum(x, degrees), 1e-11);
	}
}

static void test_drift_tail_at_its_ends(void **state)
{
	(void)state;
	assert_true(stats_chi_square_tail(0, 3) == 1);
	assert_true(stats_chi_square_tail((double)INFINITY, 3) == 0);
	assert_true(isnan(stats_chi_square_tail((double)NAN, 3)));
	assert_true(isnan(stats_chi_square_tail(1, 0)));
	assert_true(stats_chi_square_tail(1e6, 3) == 0);
	near(stats_chi_square_tail(10000, 10000), 0.4981, 1e-3); /* normal approximation */
}

/* Mendel's peas (1866): 315, 101, 108, 32 against 9:3:3:1 give 0.470 and p = 0.925. */
static void test_drift_fit_of_mendels_peas(void **state)
{
	const double peas[] = {315, 101, 108, 32}, law[] = {9, 3, 3, 1};
	struct chi_square t = stats_chi_square_fit(peas, law, 4);

	(void)state;
	near(t.statistic, 0.470024, 1e-5);
	near(t.p_value, 0.925426, 1e-5);
	assert_int_equal(t.degrees, 3);
	assert_int_equal(t.n_thin, 0);
}

static void test_drift_fit_leaves_out_what_cannot_be(void **state)
{
	const double sample[] = {50, 50, 0, 1}, law[] = {0.5, 0.5, 0, 0};
	struct chi_square t = stats_chi_square_fit(sample, law, 4);

	(void)state;
	assert_true(t.p_value == 0);
	assert_int_equal(t.n_cells, 2);
	t = stats_chi_square_fit(sample, law, 3);
	near(t.p_value, 1, 1e-12);
	t = stats_chi_square_fit(sample, law, 1);
	assert_true(isnan(t.p_value)); /* one cell says nothing */
}

/* A 2 x 2 table by hand: n (ad - bc)^2 / ((a+b)(c+d)(a+c)(b+d)). */
static void test_drift_two_samples(void **state)
{
	const double a[] = {30, 70}, b[] = {50, 50};
	double want = 200.0 * (30 * 50 - 70 * 50) * (30 * 50 - 70 * 50) / (100.0 * 100 * 80 * 120);
	struct chi_square t = stats_chi_square_two(a, b, 2);

	(void)state;
	near(t.statistic, want, 1e-12);
	assert_int_equal(t.degrees, 1);
	near(t.p_value, erfc(sqrt(want / 2)), 1e-12);
	assert_int_equal(t.n_cells, 4);
}

static void test_drift_two_samples_count_thin_cells(void **state)
{
	const double a[] = {3, 97, 0}, b[] = {1, 99, 0};
	struct chi_square t = stats_chi_square_two(a, b, 3);

	(void)state;
	assert_int_equal(t.n_thin, 2); /* 2 expected in each sample's first cell */
	assert_int_equal(t.n_cells, 4);
}

static void test_drift_psi(void **state)
{
	const double a[] = {60, 40}, b[] = {0.5, 0.5}, none[] = {0, 0};
	const double fresh[] = {50, 50, 100}, old[] = {1, 1, 0};

	(void)state;
	near(stats_psi(a, b, 2), 0.1 * log(1.2) - 0.1 * log(0.8), 1e-12);
	assert_true(stats_psi(b, b, 2) == 0);
	assert_true(isnan(stats_psi(none, b, 2)));
	assert_true(isnan(stats_psi(a, none, 2)));
	/* A new cell: against half a row of 200. */
	near(stats_psi(fresh, old, 3),
	     2 * (0.25 - 0.5) * log(0.5) + (0.5 - 0.0025) * log(0.5 / 0.0025), 1e-12);
}

static void test_drift_share_change(void **state)
{
	const double a[] = {60, 30, 10}, b[] = {5, 3, 2};

	(void)state;
	near(stats_max_share_change(a, b, 3), 0.1, 1e-12);
}

/* A change of a tenth of a point is not above a bound of a tenth of a point. */
static void test_drift_share_change_is_what_a_bound_reads_as(void **state)
{
	(void)state;
	for (int was = 0; was <= 999; was++) {
		const double counts[] = {was, 1000 - was}, shares[] = {was / 1e3, 1 - was / 1e3};
		const double sample[] = {2 * (was + 1), 2 * (999 - was)};

		assert_true(stats_max_share_change(sample, counts, 2) == 0.001);
		assert_true(stats_max_share_change(sample, shares, 2) == 0.001);
	}
	/* Three rows of 10^8 more are more. */
	const double many[] = {5e7, 5e7}, more[] = {5e7 + 100003, 5e7 - 100003};

	assert_true(stats_max_share_change(more, many, 2) > 0.001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drift_tail_at_published_quantiles),
		cmocka_unit_test(test_drift_tail_at_published_values),
		cmocka_unit_test(test_drift_tail_has_closed_forms),
		cmocka_unit_test(test_drift_tail_at_its_ends),
		cmocka_unit_test(test_drift_fit_of_mendels_peas),
		cmocka_unit_test(test_drift_fit_leaves_out_what_cannot_be),
		cmocka_unit_test(test_drift_two_samples),
		cmocka_unit_test(test_drift_two_samples_count_thin_cells),
		cmocka_unit_test(test_drift_psi),
		cmocka_unit_test(test_drift_share_change),
		cmocka_unit_test(test_drift_share_change_is_what_a_bound_reads_as),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
