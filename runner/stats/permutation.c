/* Ranks are multiples of a half, their sums are exact: ways that look the same compare as equal. */
#include "runner/stats/permutation.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "runner/base/arena.h"
#include "runner/stats/random.h"
#include "runner/stats/summary.h"

/* A slope above it would call a jump a trend. */
#define MAX_SLOPE 0.9

/* How much of a run's distance from the mean the next one still has; 0 when nothing varies. */
static double slope_of(const double *history, size_t n, double mean)
{
	double with_next = 0, with_itself = 0, slope;

	for (size_t i = 0; i < n; i++) {
		double d = history[i] - mean;

		with_itself += d * d;
		if (i + 1 < n)
			with_next += d * (history[i + 1] - mean);
	}
	slope = with_itself > 0 ? with_next / with_itself : 0;
	return fmin(fmax(slope, 0), MAX_SLOPE); /* also of what is not finite */
}

/* The share of the ways, by centres, that look as bad as what was seen. */
static double compare_centres(const double *history, size_t n, double present)
{
	size_t n_as_bad = 1; /* the one seen */

	for (size_t i = 0; i < n; i++)
		if (history[i] >= present)
			n_as_bad++;
	return (double)n_as_bad / (double)(n + 1);
}

static double compare_residuals(const double *history, size_t n, double present)
{
	double mean = stats_mean(history, n);
	double slope = slope_of(history, n, mean);
	double seen = (present - mean) - slope * (history[n - 1] - mean);
	size_t n_as_bad = 1;

	for (size_t i = 1; i < n; i++)
		if ((history[i] - mean) - slope * (history[i - 1] - mean) >= seen)
			n_as_bad++;
	return (double)n_as_bad / (double)n;
}

struct permutation stats_permutation_run(const double *history, size_t n, double present)
{
	if (n == 0)
		return (struct permutation){1, 1};
	return (struct permutation){
		fmax(compare_centres(history, n, present), compare_residuals(history, n, present)),
		n};
}

size_t stats_permutation_min_runs(double level)
{
	/* 1 / 0.05 is 20 and a little: what is a whole number but for rounding is one. */
	return (size_t)fmax(ceil(1 / level - 1e-9), 1);
}

struct ranked {
	double size; /* without its sign */
	double rank;
	int sign;
};

static int compare_sizes(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return x->size < y->size ? -1 : x->size > y->size;
}

/* Equal sizes share the mean of the ranks they take. */
static void give_ranks(struct ranked *items, size_t n)
{
	qsort(items, n, sizeof(*items), compare_sizes);
	for (size_t i = 0, end; i < n; i = end) {
		end = i + 1;
		while (end < n && items[end].size == items[i].size)
			end++;
		for (size_t k = i; k < end; k++)
			items[k].rank = (double)(i + 1 + end) / 2;
	}
}

/* Of one way: bit i of flips turns pair i round, 64 pairs a word. */
static double sum_of(const struct ranked *items, size_t n, const uint64_t *flips)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		bool is_turned = (flips[i / 64] >> (i % 64) & 1) != 0;
		int sign = is_turned ? -items[i].sign : items[i].sign;

		sum += sign * items[i].rank;
	}
	return sum;
}

/* All ways: the one seen is the one that turns nothing. */
static struct permutation compare_all(const struct ranked *items, size_t n)
{
	uint64_t ways = UINT64_C(1) << n;
	uint64_t none = 0;
	double seen = sum_of(items, n, &none);
	size_t n_as_bad = 0;

	for (uint64_t flips = 0; flips < ways; flips++)
		if (sum_of(items, n, &flips) >= seen)
			n_as_bad++;
	return (struct permutation){(double)n_as_bad / (double)ways, (size_t)ways};
}

static struct permutation compare_drawn(const struct ranked *items, size_t n, uint64_t seed)
{
	size_t n_words = (n + 63) / 64, n_as_bad = 1;
	uint64_t *flips = xmalloc(n_words * sizeof(*flips));
	struct stats_random random = {seed};
	double seen;

	for (size_t i = 0; i < n_words; i++)
		flips[i] = 0;
	seen = sum_of(items, n, flips);
	for (size_t draw = 0; draw < PERMUTATION_DRAWS; draw++) {
		for (size_t i = 0; i < n_words; i++)
			flips[i] = stats_random_next(&random);
		if (sum_of(items, n, flips) >= seen)
			n_as_bad++;
	}
	free(flips);
	return (struct permutation){(double)n_as_bad / (PERMUTATION_DRAWS + 1),
				    PERMUTATION_DRAWS + 1};
}

struct permutation stats_permutation_paired(const double *differences, size_t n, uint64_t seed)
{
	struct ranked *items = xmalloc((n + 1) * sizeof(*items));
	struct permutation out;

	for (size_t i = 0; i < n; i++) {
		double d = differences[i];

		items[i] = (struct ranked){.size = fabs(d), .sign = (d > 0) - (d < 0)};
	}
	give_ranks(items, n);
	out = n <= PERMUTATION_EXACT_PAIRS ? compare_all(items, n) : compare_drawn(items, n, seed);
	free(items);
	return out;
}

size_t stats_permutation_min_pairs(double level)
{
	if (level * (PERMUTATION_DRAWS + 1) < 1)
		return SIZE_MAX;
	return (size_t)fmax(ceil(-log2(level) - 1e-9), 1);
}
