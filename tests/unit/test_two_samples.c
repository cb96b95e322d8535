/* two_samples: by hand, against exact numbers, and that noise alone makes no alarms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "runner/stats/random.h"
#include "runner/stats/two_samples.h"

#define ALPHA 0.01

static double uniform(struct stats_random *r)
{
	return ((double)(stats_random_next(r) >> 11) + 0.5) / 9007199254740992.0;
}

/* Box and Muller 1958. */
static double normal(struct stats_random *r)
{
	double u = uniform(r), v = uniform(r);

	return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static void fill_ar(struct stats_random *r, double phi, double *out, size_t n)
{
	double v = normal(r) / sqrt(1 - phi * phi);

	for (size_t i = 0; i < n; i++) {
		out[i] = v;
		v = phi * v + normal(r);
	}
}

/* Share of worlds without a difference in which the p-value is at most alpha. */
static double alarms(double phi, size_t n_baseline, size_t n_candidate, size_t n_worlds)
{
	struct stats_random r = {20261126};
	double values[1040];
	size_t n = 0;

	for (size_t i = 0; i < n_worlds; i++) {
		struct two_samples t;

		fill_ar(&r, phi, values, n_baseline + n_candidate);
		t = stats_two_samples(values, n_baseline, values + n_baseline, n_candidate,
				      STATS_EITHER, i);
		n += t.p_value <= ALPHA ? 1 : 0;
	}
	return (double)n / (double)n_worlds;
}

/* Mann-Whitney alarms on 30 % of AR(0.8) series; this may not on much more than alpha. */
static void test_two_samples_no_false_alarms_on_ar_noise(void **state)
{
	static const double phis[] = {0, 0.4, 0.8, 0.95};
	const size_t n_worlds = 400;

	(void)state;
	for (size_t i = 0; i < sizeof(phis) / sizeof(phis[0]); i++) {
		double many = alarms(phis[i], 1000, 40, n_worlds),
		       few = alarms(phis[i], 20, 20, n_worlds);

		print_message("phi %.2f: %.4f of 1000 + 40, %.4f of 20 + 20\n", phis[i], many, few);
		if (many > 2.5 * ALPHA || few > 2.5 * ALPHA)
			fail_msg("phi %.2f: alarms on %.4f of 1000 + 40, %.4f of 20 + 20", phis[i],
				 many, few);
	}
}

static void test_two_samples_finds_a_shift(void **state)
{
	struct stats_random r = {7};
	struct two_samples t;
	double values[1200];
	size_t n_independent = 0, n_too_few = 0, n_alike = 0;

	(void)state;
	for (int world = 0; world < 50; world++) {
		fill_ar(&r, 0, values, 60);
		for (size_t i = 40; i < 60; i++)
			values[i] += 2;
		t = stats_two_samples(values, 40, values + 40, 20, STATS_HIGHER, 1);
		n_independent += t.p_value <= ALPHA ? 1 : 0;
		n_too_few += t.is_rotated ? 1 : 0; /* 60 places cannot tell one in a hundred */
		fill_ar(&r, 0.8, values, 1200);
		for (size_t i = 1160; i < 1200; i++)
			values[i] += 8;
		n_alike += stats_two_samples(values, 1160, values + 1160, 40, STATS_HIGHER, 1)
				   .p_value <= ALPHA;
	}
	assert_true(n_independent >= 35);
	assert_true(n_independent + n_too_few >= 48);
	assert_true(n_alike >= 45);
}

static void test_two_samples_tails_and_ways(void **state)
{
	static const double low[] = {3, 1, 2, 3, 1, 2, 1, 3}, high[] = {9, 7, 8, 7, 9, 8, 7, 9};
	struct two_samples t = stats_two_samples(low, 8, high, 8, STATS_HIGHER, 1);

	(void)state;
	assert_true(t.change == 6);
	assert_false(t.is_rotated);
	assert_true(t.n_worth == TWO_SAMPLES_DRAWS + 1);
	assert_true(t.p_value < 0.01);
	assert_true(stats_two_samples(low, 8, high, 8, STATS_LOWER, 1).p_value > 0.99);
	assert_true(stats_two_samples(high, 8, low, 8, STATS_LOWER, 1).p_value < 0.01);
	assert_true(stats_two_samples(high, 8, low, 8, STATS_EITHER, 1).p_value < 0.01);
	assert_true(stats_two_samples(low, 8, low, 8, STATS_EITHER, 1).p_value == 1);
	/* the same seed gives the same answer */
	assert_true(stats_two_samples(low, 8, low, 7, STATS_HIGHER, 5).p_value ==
		    stats_two_samples(low, 8, low, 7, STATS_HIGHER, 5).p_value);
}

static void test_two_samples_rotates_what_resembles_its_neighbours(void **state)
{
	static const double slow[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, next[] = {11, 12, 13, 14, 15};
	struct two_samples t = stats_two_samples(slow, 10, next, 5, STATS_HIGHER, 1);

	(void)state;
	assert_true(t.is_rotated);
	assert_true(t.n_worth >= 1 && t.n_worth < 8); /* far from fifteen */
	assert_true(t.p_value == 1 / t.n_worth);
}

/* Exact values by hand: sums of binomial terms. */
static void test_two_counts_are_exact(void **state)
{
	(void)state;
	assert_true(fabs(stats_two_counts(7, 0, 0.5, STATS_HIGHER) - 0.0078125) < 1e-14);
	assert_true(fabs(stats_two_counts(3, 0, 0.5, STATS_EITHER) - 0.25) < 1e-14);
	assert_true(fabs(stats_two_counts(5, 1, 0.25, STATS_HIGHER) - 19.0 / 4096) < 1e-14);
	assert_true(fabs(stats_two_counts(1, 5, 0.5, STATS_LOWER) - 7.0 / 64) < 1e-14);
	assert_true(stats_two_counts(0, 0, 0.5, STATS_EITHER) == 1);
	assert_true(stats_two_counts(0, 9, 0.5, STATS_HIGHER) == 1);
	assert_true(fabs(stats_two_counts(50, 50, 0.5, STATS_HIGHER) - 0.539794618693589) < 1e-12);
	assert_true(stats_two_counts(1000000, 900000, 0.5, STATS_HIGHER) < 1e-300);
	assert_true(stats_two_counts(5000, 5000, 0.5, STATS_EITHER) == 1);
}

/* The example of Holm's method: 0.01, 0.04, 0.03, 0.005. */
static void test_holm_by_hand(void **state)
{
	double p[] = {0.01, 0.04, 0.03, 0.005}, one[] = {0.9, 0.8};
	static const double want[] = {0.03, 0.06, 0.06, 0.02};

	(void)state;
	stats_holm(p, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(fabs(p[i] - want[i]) < 1e-12);
	stats_holm(one, 2);
	assert_true(one[0] == 1 && one[1] == 1);
	stats_holm(p, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_samples_no_false_alarms_on_ar_noise),
		cmocka_unit_test(test_two_samples_finds_a_shift),
		cmocka_unit_test(test_two_samples_tails_and_ways),
		cmocka_unit_test(test_two_samples_rotates_what_resembles_its_neighbours),
		cmocka_unit_test(test_two_counts_are_exact),
		cmocka_unit_test(test_holm_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
