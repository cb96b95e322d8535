/*
 * quantile: a quantile out of the buckets of a histogram.
 *
 * Linear inside a bucket, from 0 in the first one if its bound is above 0, as histogram_quantile()
 * of PromQL has it. Where PromQL repairs or guesses in silence (counts that fall as the bounds
 * rise, a quantile behind the last bound, no observation at all) this says so instead: only
 * QUANTILE_FOUND is an answer. Pure; nothing is kept, nothing allocated.
 *
 * Source: the documentation of histogram_quantile(), Prometheus, classic histograms.
 */
#ifndef ASSIZE_STATS_QUANTILE_H
#define ASSIZE_STATS_QUANTILE_H

#include <stddef.h>

struct quantile_bucket {
	double bound; /* inclusive upper bound; the last one is +Inf */
	double count; /* of observations up to it, those of the buckets before it included */
};

enum quantile_state {
	QUANTILE_NONE = 0,    /* not one bucket, or q is not in 0..1 */
	QUANTILE_FOUND,	      /* value */
	QUANTILE_BEYOND,      /* above the last finite bound, which is value */
	QUANTILE_EMPTY,	      /* no observation */
	QUANTILE_NO_BOUND,    /* +Inf is the only bucket */
	QUANTILE_NO_INFINITY, /* the last bucket is not +Inf: of how many is not known */
	QUANTILE_FALLS,	      /* bucket `at` counts less than the one before it */
	QUANTILE_NO_COUNT,    /* the count of bucket `at` is NaN, infinite or below 0 */
};

struct quantile {
	double value;
	double n; /* observations, once the counts are known to be good */
	size_t at;
};

/* The bounds rise strictly. Counts that differ by rounding (1e-12 of them) are equal. */
enum quantile_state stats_histogram_quantile(double q, const struct quantile_bucket *buckets,
					     size_t n, struct quantile *out);

#endif
