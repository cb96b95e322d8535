/*
 * Values are scaled by a power of two, which is exact, to at most 1 before they are added: a sum of
 * values near the largest double would overflow where its mean does not.
 */
#include "runner/stats/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"

/* Exponent that brings every value to at most 1 in size. */
static int scale_of(const double *values, size_t n)
{
	double largest = 0;
	int exponent;

	for (size_t i = 0; i < n; i++)
		if (fabs(values[i]) > largest)
			largest = fabs(values[i]);
	(void)frexp(largest, &exponent); /* only the exponent is wanted */
	return exponent;
}

/* A sum and what rounding has taken from it. */
struct sum {
	double total, lost;
};

static void add(struct sum *s, double v)
{
	double t = s->total + v;

	s->lost += fabs(s->total) >= fabs(v) ? (s->total - t) + v : (v - t) + s->total;
	s->total = t;
}

static double scaled_mean(const double *values, size_t n, int exponent)
{
	struct sum s = {0, 0};

	for (size_t i = 0; i < n; i++)
		add(&s, ldexp(values[i], -exponent));
	return (s.total + s.lost) / (double)n;
}

double stats_mean(const double *values, size_t n)
{
	int exponent;

	if (n == 0)
		return NAN;
	exponent = scale_of(values, n);
	return ldexp(scaled_mean(values, n, exponent), exponent);
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void stats_sort(double *values, size_t n)
{
	if (n > 0)
		qsort(values, n, sizeof(*values), compare);
}

double stats_percentile(const double *sorted, size_t n, double share)
{
	size_t rank = (size_t)ceil(share * (double)n - 1e-9); /* 0.95 * 20 is a little above 19 */

	if (n == 0)
		return NAN;
	return sorted[rank > 0 ? rank - 1 : 0];
}

double stats_median(const double *values, size_t n)
{
	double *sorted, low, high;

	if (n == 0)
		return NAN;
	sorted = xmalloc(n * sizeof(*sorted));
	memcpy(sorted, values, n * sizeof(*sorted));
	stats_sort(sorted, n);
	low = sorted[(n - 1) / 2];
	high = sorted[n / 2];
	free(sorted);
	return low == high ? low : low / 2 + high / 2;
}

double stats_sigma(const double *values, size_t n)
{
	struct sum squares = {0, 0};
	double mean;
	int exponent;

	if (n < 2)
		return NAN;
	exponent = scale_of(values, n);
	mean = scaled_mean(values, n, exponent);
	for (size_t i = 0; i < n; i++) {
		double d = ldexp(values[i], -exponent) - mean;

		add(&squares, d * d);
	}
	return ldexp(sqrt((squares.total + squares.lost) / (double)(n - 1)), exponent);
}
