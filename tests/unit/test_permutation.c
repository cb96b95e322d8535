/* permutation: p-values by hand, and how often there is an alarm when nothing changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "runner/stats/permutation.h"
#include "runner/stats/random.h"
#include "runner/stats/summary.h"

#define assert_near(got, want) assert_true(fabs((got) - (want)) < 1e-12)

static void test_random_is_the_same_everywhere(void **state)
{
	struct stats_random r = {1234567};

	(void)state;
	/* the first outputs of the published reference for this seed */
	assert_true(stats_random_next(&r) == UINT64_C(6457827717110365317));
	assert_true(stats_random_next(&r) == UINT64_C(3203168211198807973));
	assert_true(stats_random_next(&r) == UINT64_C(9817491932198370423));
	assert_true(stats_random_seed(7, "a/b") == stats_random_seed(7, "a/b"));
	assert_true(stats_random_seed(7, "a/b") != stats_random_seed(8, "a/b"));
	assert_true(stats_random_seed(7, "a/b") != stats_random_seed(7, "a/c"));
}

static void test_permutation_of_runs_by_hand(void **state)
{
	/* neighbours are not alike: the residuals are the distances from the mean */
	static const double history[] = {2, 4, 2, 4, 2, 4, 2, 4, 2, 4};

	(void)state;
	/* the worst of 11 ways, and of 10 residuals */
	assert_near(stats_permutation_run(history, 10, 5).p_value, 0.1);
	assert_int_equal(stats_permutation_run(history, 10, 5).n_ways, 10);
	/* five runs were as bad: 6 of 11; of the residuals but the first run's, five and it */
	assert_near(stats_permutation_run(history, 10, 4).p_value, 0.6);
	assert_near(stats_permutation_run(history, 10, 1).p_value, 1);
	assert_near(stats_permutation_run(history, 0, 1).p_value, 1);
	assert_near(stats_permutation_run(history, 1, 9).p_value, 1);
}

static void test_permutation_of_equal_runs_is_no_alarm(void **state)
{
	double history[40];

	(void)state;
	for (size_t i = 0; i < 40; i++)
		history[i] = 0.25;
	assert_near(stats_permutation_run(history, 40, 0.25).p_value, 1);
	assert_near(stats_permutation_run(history, 40, 0.2499).p_value, 1);
	assert_near(stats_permutation_run(history, 40, 0.2501).p_value, 1.0 / 40);
	for (size_t i = 0; i < 40; i++)
		history[i] = 0;
	assert_near(stats_permutation_run(history, 40, 0).p_value, 1);
}

/* A run that is the worst, but only goes on with what the runs before it began. */
static void test_permutation_knows_a_trend_from_a_jump(void **state)
{
	double history[40];

	(void)state;
	for (size_t i = 0; i < 40; i++)
		history[i] = 100 + 10 * sin((double)i / 6.3); /* ends low, on its way up */
	assert_true(stats_permutation_run(history, 40, history[39] + 1.2).p_value > 0.05);
	assert_true(stats_permutation_run(history, 40, 115).p_value <= 0.05);
}

static void test_permutation_needs_so_many_runs(void **state)
{
	static const struct {
		double level;
		size_t runs;
	} cases[] = {{0.5, 2}, {0.25, 4}, {0.1, 10}, {0.05, 20}, {0.01, 100}, {0.03, 34}, {1, 1}};
	double history[100];

	(void)state;
	for (size_t i = 0; i < 100; i++)
		history[i] = (double)(i % 2);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = cases[i].runs;

		assert_int_equal(stats_permutation_min_runs(cases[i].level), n);
		assert_true(stats_permutation_run(history, n, 9).p_value <= cases[i].level);
		if (n > 1)
			assert_true(stats_permutation_run(history, n - 1, 9).p_value >
				    cases[i].level);
	}
}

static void test_permutation_needs_so_many_pairs(void **state)
{
	static const struct {
		double level;
		size_t pairs;
	} cases[] = {{0.5, 1},	   {0.25, 2}, {0.1, 4}, {0.05, 5}, {0.01, 7}, {0.000244140625, 12},
		     {0.0002, 13}, {1, 1}};
	double worse[16];

	(void)state;
	for (size_t i = 0; i < 16; i++)
		worse[i] = (double)(i + 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = cases[i].pairs;

		assert_int_equal(stats_permutation_min_pairs(cases[i].level), n);
		if (n > PERMUTATION_EXACT_PAIRS)
			continue;
		assert_true(stats_permutation_paired(worse, n, 1).p_value <= cases[i].level);
		if (n > 1)
			assert_true(stats_permutation_paired(worse, n - 1, 1).p_value >
				    cases[i].level);
	}
	assert_true(stats_permutation_min_pairs(0.00009) == SIZE_MAX);
}

static void test_permutation_of_pairs_by_hand(void **state)
{
	static const double all[] = {1, 2, 3, 4, 5}, most[] = {1, 2, 3, 4, -5},
			    ties[] = {1, 1, 1, -1}, none[] = {0, 0, 0}, zeros[] = {0, 0, 1, 2};

	(void)state;
	/* one way of 32 */
	assert_near(stats_permutation_paired(all, 5, 0).p_value, 1.0 / 32);
	assert_int_equal(stats_permutation_paired(all, 5, 0).n_ways, 32);
	/* ranks 1 + 2 + 3 + 4 - 5 = 5: ways with a sum of 5 or more, that is with at most 5 of 15
	 * on the other side: 0, 1, 2, 3, 4, 5, 1+2, 1+3, 1+4, 2+3 */
	assert_near(stats_permutation_paired(most, 5, 0).p_value, 10.0 / 32);
	/* three or more of four */
	assert_near(stats_permutation_paired(ties, 4, 0).p_value, 5.0 / 16);
	assert_near(stats_permutation_paired(none, 3, 0).p_value, 1);
	/* what is equal in both halves decides nothing, whichever way it is turned */
	assert_near(stats_permutation_paired(zeros, 4, 0).p_value, 1.0 / 4);
	assert_near(stats_permutation_paired(none, 0, 0).p_value, 1);
}

/* Drawn ways agree with the exact answer, and are the same for the same seed. */
static void test_permutation_of_pairs_is_drawn_fairly(void **state)
{
	double d[30];
	struct permutation p;

	(void)state;
	for (size_t i = 0; i < 30; i++)
		d[i] = (double)(i + 1);
	p = stats_permutation_paired(d, 30, 5);
	assert_int_equal(p.n_ways, PERMUTATION_DRAWS + 1);
	assert_near(p.p_value, 1.0 / (PERMUTATION_DRAWS + 1)); /* never 0 */
	for (size_t i = 0; i < 30; i++)
		d[i] = i % 2 == 0 ? -1 : 1;
	/* a balance of 15 and 15: P(at least so many) = 1/2 + C(30,15) / 2^31 */
	p = stats_permutation_paired(d, 30, 5);
	assert_true(fabs(p.p_value - 0.5722) < 0.015);
	assert_true(p.p_value == stats_permutation_paired(d, 30, 5).p_value);
	assert_true(p.p_value != stats_permutation_paired(d, 30, 6).p_value);
}

/* One repetition that was disturbed is one of thirty. */
static void test_permutation_of_pairs_survives_an_outlier(void **state)
{
	double d[30];

	(void)state;
	for (size_t i = 0; i < 30; i++)
		d[i] = (i % 2 == 0 ? -1 : 1) * (1 + 0.01 * (double)i);
	d[7] = 1e9;
	assert_true(stats_permutation_paired(d, 30, 1).p_value > 0.2);
}

/* ---- how often there is an alarm ---- */

#define N_HISTORIES 10000 /* of 1,000 the confidence bound would lie above the level by itself */
#define N_CHANGED   1000
#define N_RUNS	    40
#define N_SAMPLES   10
#define LEVEL	    0.05

/* Normal (Box and Muller 1958). */
static double normal(struct stats_random *r)
{
	double u = ((double)(stats_random_next(r) >> 11) + 1) / 9007199254740993.0;
	double v = (double)(stats_random_next(r) >> 11) / 9007199254740992.0;

	return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* The next of a stationary autoregression of first order with variance 1. */
static double follow(double x, double slope, struct stats_random *r)
{
	return slope * x + sqrt(1 - slope * slope) * normal(r);
}

struct simulated {
	double medians[N_RUNS + 1]; /* the last is the run in question */
	double means[N_RUNS + 1], variances[N_RUNS + 1];
};

/*
 * Times around 100: runs differ by 2 and follow one another, repetitions in a run by 2 and follow
 * one another likewise; the last run is slower by `shift`.
 */
static void simulate(struct simulated *s, double slope, double shift, struct stats_random *r)
{
	double run = normal(r), repetition;

	for (size_t i = 0; i <= N_RUNS; i++) {
		double values[N_SAMPLES];

		repetition = normal(r);
		for (size_t k = 0; k < N_SAMPLES; k++) {
			values[k] = 100 + 2 * run + 2 * repetition + (i == N_RUNS ? shift : 0);
			repetition = follow(repetition, slope, r);
		}
		s->medians[i] = stats_median(values, N_SAMPLES);
		s->means[i] = stats_mean(values, N_SAMPLES);
		s->variances[i] = pow(stats_sigma(values, N_SAMPLES), 2);
		run = follow(run, slope, r);
	}
}

/* What most tools do: repetitions of all runs as if they were independent (Welch's z). */
static bool is_alarm_of_pooled(const struct simulated *s)
{
	double mean = stats_mean(s->means, N_RUNS), variance = stats_mean(s->variances, N_RUNS);
	double error = sqrt(variance / (N_RUNS * N_SAMPLES) + s->variances[N_RUNS] / N_SAMPLES);

	return (s->means[N_RUNS] - mean) / error > 1.645;
}

struct alarms {
	size_t n, n_with_floor, n_of_pooled;
};

static struct alarms count_alarms(double slope, double shift, size_t n, uint64_t seed)
{
	struct stats_random r = {seed};
	struct alarms a = {0};

	for (size_t i = 0; i < n; i++) {
		struct simulated s;
		double centre;
		bool is_alarm;

		simulate(&s, slope, shift, &r);
		centre = stats_median(s.medians, N_RUNS);
		is_alarm = stats_permutation_run(s.medians, N_RUNS, s.medians[N_RUNS]).p_value <=
			   LEVEL;
		a.n += is_alarm;
		a.n_with_floor += is_alarm && s.medians[N_RUNS] > 1.05 * centre;
		a.n_of_pooled += is_alarm_of_pooled(&s);
	}
	return a;
}

/* Upper end of the one-sided 95 % interval of a rate (Wilson 1927). */
static double upper_bound(size_t n_alarms)
{
	double z = 1.645, n = N_HISTORIES, rate = (double)n_alarms / n;

	return (rate + z * z / (2 * n) + z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))) /
	       (1 + z * z / n);
}

static void keeps_level(double slope, bool is_below)
{
	struct alarms a = count_alarms(slope, 0, N_HISTORIES, 20261126);
	double chance = 3 * sqrt(LEVEL * (1 - LEVEL) * N_HISTORIES);

	print_message("AR(%.1f), nothing changed: %zu of %d alarms, %.1f %%, with 95 %% confidence "
		      "at most %.1f %%; with a floor of 5 %% %zu; of repetitions taken for "
		      "independent %zu\n",
		      slope, a.n, N_HISTORIES, 100.0 * (double)a.n / N_HISTORIES,
		      100 * upper_bound(a.n), a.n_with_floor, a.n_of_pooled);
	assert_true(is_below ? upper_bound(a.n) <= LEVEL
			     : (double)a.n <= LEVEL * N_HISTORIES + chance);
	assert_true((double)a.n_with_floor <= 0.02 * N_HISTORIES);
	/* the repetitions of one run are not independent: what comes of it when they are taken so
	 */
	assert_true((double)a.n_of_pooled > 4 * LEVEL * N_HISTORIES);
}

/*
 * Independent runs: the test is exact, its rate is 2 of 41 and a little less, so near to the level
 * that chance may show it above. Runs that follow one another: the rate is below, surely.
 */
static void test_permutation_keeps_its_level(void **state)
{
	(void)state;
	keeps_level(0, false);
	keeps_level(0.5, true);
	keeps_level(0.8, true);
}

static double found(double slope, double shift)
{
	return (double)count_alarms(slope, shift, N_CHANGED, 7).n_with_floor / N_CHANGED;
}

static void test_permutation_finds_what_changed(void **state)
{
	(void)state;
	/* three times what runs differ by, all in all */
	assert_true(found(0, 8) > 0.7);
	assert_true(found(0.5, 8) > 0.7);
	assert_true(found(0.5, 16) > 0.99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_is_the_same_everywhere),
		cmocka_unit_test(test_permutation_of_runs_by_hand),
		cmocka_unit_test(test_permutation_of_equal_runs_is_no_alarm),
		cmocka_unit_test(test_permutation_knows_a_trend_from_a_jump),
		cmocka_unit_test(test_permutation_needs_so_many_runs),
		cmocka_unit_test(test_permutation_needs_so_many_pairs),
		cmocka_unit_test(test_permutation_of_pairs_by_hand),
		cmocka_unit_test(test_permutation_of_pairs_is_drawn_fairly),
		cmocka_unit_test(test_permutation_of_pairs_survives_an_outlier),
		cmocka_unit_test(test_permutation_keeps_its_level),
		cmocka_unit_test(test_permutation_finds_what_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
