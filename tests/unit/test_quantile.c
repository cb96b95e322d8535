/*
 * quantile: the numbers of Prometheus where it has one, and a state of its own where it repairs or
 * guesses.
 *
 * The histograms and values are those of its promqltest suite (histograms.test), classic buckets,
 * counts as of the moment they are asked for.
 */
#include "runner/stats/quantile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MAX_BUCKETS 6

struct histogram {
	const char *name;
	struct quantile_bucket buckets[MAX_BUCKETS];
	size_t n;
};

static const struct histogram positive = {
	"positive", {{.1, 50}, {.2, 70}, {1, 110}, {INFINITY, 120}}, 4};
static const struct histogram negative = {
	"negative", {{-.2, 10}, {-.1, 20}, {.3, 20}, {INFINITY, 30}}, 4};
static const struct histogram middles = {
	"middles", {{0, 0}, {2, 1}, {4, 2}, {6, 3}, {INFINITY, 3}}, 5};
static const struct histogram full_positive = {
	"full positive", {{0, 0}, {.1, 50}, {.2, 70}, {1, 110}, {INFINITY, 110}}, 5};
static const struct histogram full_negative = {
	"full negative", {{-.25, 0}, {-.2, 10}, {-.1, 20}, {.3, 20}, {INFINITY, 20}}, 5};
/* Requests of two jobs on two instances, and their sums. */
static const struct histogram job1_ins1 = {"job1 ins1", {{.1, 10}, {.2, 30}, {INFINITY, 40}}, 3};
static const struct histogram job1_ins2 = {"job1 ins2", {{.1, 20}, {.2, 50}, {INFINITY, 60}}, 3};
static const struct histogram job2_ins1 = {"job2 ins1", {{.1, 30}, {.2, 40}, {INFINITY, 60}}, 3};
static const struct histogram job2_ins2 = {"job2 ins2", {{.1, 40}, {.2, 70}, {INFINITY, 90}}, 3};
static const struct histogram all = {"all", {{.1, 100}, {.2, 190}, {INFINITY, 250}}, 3};
static const struct histogram averages = {"avg", {{.1, 25}, {.2, 47.5}, {INFINITY, 62.5}}, 3};
static const struct histogram ins1 = {"ins1", {{.1, 40}, {.2, 70}, {INFINITY, 100}}, 3};
static const struct histogram ins2 = {"ins2", {{.1, 60}, {.2, 120}, {INFINITY, 150}}, 3};
static const struct histogram job1 = {"job1", {{.1, 30}, {.2, 80}, {INFINITY, 100}}, 3};
static const struct histogram job2 = {"job2", {{.1, 70}, {.2, 110}, {INFINITY, 150}}, 3};
static const struct histogram falling = {
	"falling", {{.1, 20}, {1, 10}, {10, 50}, {100, 40}, {1000, 90}, {INFINITY, 80}}, 6};
static const struct histogram mixed = {"mixed", {{.1, 10}, {.2, 30}, {INFINITY, 40}}, 3};
static const struct histogram infinity_only = {"mixed ins2", {{INFINITY, 0}}, 1};
static const struct histogram nothing = {"empty", {{.1, 0}, {.2, 0}, {INFINITY, 0}}, 3};

static const struct histogram unmoved = {"constant", {{0, 0}, {1, 0}, {2, 0}, {INFINITY, 0}}, 4};

static void test_quantile_is_that_of_prometheus(void **state)
{
	static const struct {
		const struct histogram *histogram;
		double q, value;
	} rows[] = {
		{&full_positive, 0, 0},
		{&full_negative, 0, -.25},
		{&full_positive, .25, .055},
		{&full_negative, .25, -.225},
		{&full_positive, .5, .125},
		{&full_negative, .5, -.2},
		{&full_positive, .75, .45},
		{&full_negative, .75, -.15},
		{&full_positive, 1, 1},
		{&full_negative, 1, -.1},
		{&positive, 0, 0},
		{&negative, 0, -.2},
		{&positive, .2, .048},
		{&negative, .2, -.2},
		{&positive, .5, .15},
		{&negative, .5, -.15},
		{&positive, .8, .72},
		{&middles, 1. / 6, 1},
		{&middles, .5, 3},
		{&middles, 5. / 6, 5},
		{&all, .3, .075},
		{&all, .5, .1277777777777778},
		{&averages, .3, .075},
		{&averages, .5, .12777777777777778},
		{&ins1, .3, .075},
		{&ins2, .3, .075},
		{&ins1, .5, .1333333333},
		{&ins2, .5, .125},
		{&job1, .3, .1},
		{&job2, .3, .0642857142857143},
		{&job1, .5, .14},
		{&job2, .5, .1125},
		{&job1_ins1, .3, .11},
		{&job1_ins2, .3, .09},
		{&job2_ins1, .3, .06},
		{&job2_ins2, .3, .0675},
		{&job1_ins1, .5, .15},
		{&job1_ins2, .5, .1333333333333333},
		{&job2_ins1, .5, .1},
		{&job2_ins2, .5, .1166666666666667},
		{&mixed, .5, .15},
		{&mixed, .75, .2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct histogram *h = rows[i].histogram;
		struct quantile got;

		assert_int_equal(stats_histogram_quantile(rows[i].q, h->buckets, h->n, &got),
				 QUANTILE_FOUND);
		if (!(fabs(got.value - rows[i].value) <= 1e-9 * fabs(rows[i].value)))
			fail_msg("%s: quantile %g is %.17g, not %.17g", h->name, rows[i].q,
				 got.value, rows[i].value);
		assert_true(got.n == h->buckets[h->n - 1].count);
	}
}

/* Prometheus gives the last finite bound for all of these, whatever lies behind it. */
static void test_quantile_behind_the_last_bound_says_so(void **state)
{
	static const struct {
		const struct histogram *histogram;
		double q, bound;
	} rows[] = {{&positive, 1, 1}, {&negative, 1, .3}, {&negative, .8, .3}, {&mixed, 1, .2}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct histogram *h = rows[i].histogram;
		struct quantile got;

		assert_int_equal(stats_histogram_quantile(rows[i].q, h->buckets, h->n, &got),
				 QUANTILE_BEYOND);
		assert_true(got.value == rows[i].bound);
	}
}

static enum quantile_state state_of(const struct histogram *h, double q, struct quantile *got)
{
	return stats_histogram_quantile(q, h->buckets, h->n, got);
}

/* Prometheus: -Inf, +Inf, NaN; the envelope of the counts (with a remark); NaN. */
static void test_quantile_is_no_guess(void **state)
{
	struct quantile got;

	(void)state;
	assert_int_equal(state_of(&positive, -.1, &got), QUANTILE_NONE);
	assert_int_equal(state_of(&positive, 1.01, &got), QUANTILE_NONE);
	assert_int_equal(state_of(&positive, NAN, &got), QUANTILE_NONE);
	assert_true(isnan(got.value));
	assert_int_equal(state_of(&falling, .01, &got), QUANTILE_FALLS);
	assert_int_equal(state_of(&falling, .5, &got), QUANTILE_FALLS);
	assert_int_equal(state_of(&falling, .99, &got), QUANTILE_FALLS);
	assert_int_equal(got.at, 1);
	assert_int_equal(state_of(&infinity_only, .5, &got), QUANTILE_NO_BOUND);
	assert_int_equal(state_of(&nothing, .2, &got), QUANTILE_EMPTY);
	assert_int_equal(state_of(&unmoved, 1, &got), QUANTILE_EMPTY);
	assert_int_equal(stats_histogram_quantile(.5, NULL, 0, &got), QUANTILE_NONE);
	assert_int_equal(stats_histogram_quantile(.5, positive.buckets, 3, &got),
			 QUANTILE_NO_INFINITY);
}

static void test_quantile_wants_counts(void **state)
{
	static const double bad[] = {NAN, INFINITY, -1};
	struct quantile got;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct histogram h = positive;

		h.buckets[1].count = bad[i];
		assert_int_equal(state_of(&h, .1, &got), QUANTILE_NO_COUNT);
		assert_int_equal(got.at, 1);
	}
}

/* Counts of rates: 0.1 + 0.2 is not 0.3, and that is no fall. */
static void test_quantile_forgives_rounding(void **state)
{
	static const struct histogram h = {
		"rounded", {{1, .1 + .2}, {2, .3}, {3, .6}, {INFINITY, .6}}, 4};
	struct quantile got;

	(void)state;
	assert_int_equal(state_of(&h, .75, &got), QUANTILE_FOUND);
	assert_true(fabs(got.value - 2.5) < 1e-9);
	assert_int_equal(state_of(&h, .25, &got), QUANTILE_FOUND);
	assert_true(fabs(got.value - .5) < 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantile_is_that_of_prometheus),
		cmocka_unit_test(test_quantile_behind_the_last_bound_says_so),
		cmocka_unit_test(test_quantile_is_no_guess),
		cmocka_unit_test(test_quantile_wants_counts),
		cmocka_unit_test(test_quantile_forgives_rounding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
