/*
 * The counts are looked at once for what is wrong with them and once for the rank. Sums of rates
 * may fall by a rounding error, which Prometheus forgives up to a relative 1e-12, and so do we: the
 * count before it stands.
 */
#include "runner/stats/quantile.h"

#include <math.h>
#include <stdbool.h>

#define TOLERANCE 1e-12

/* The count that stands for `next` behind `before`; NaN when it falls. */
static double settled(double before, double next)
{
	if (fabs(next - before) < TOLERANCE * (before + next))
		return before;
	return next < before ? NAN : next;
}

static enum quantile_state check_counts(const struct quantile_bucket *buckets, size_t n,
					struct quantile *out)
{
	out->n = 0;
	for (out->at = 0; out->at < n; out->at++) {
		double count = buckets[out->at].count;

		if (!isfinite(count) || count < 0)
			return QUANTILE_NO_COUNT;
		out->n = out->at == 0 ? count : settled(out->n, count);
		if (isnan(out->n))
			return QUANTILE_FALLS;
	}
	return QUANTILE_FOUND;
}

/* The bucket that holds the rank, and what was counted before it. */
static size_t find_rank(const struct quantile_bucket *buckets, size_t n, double rank,
			double *before, double *inside)
{
	double count = buckets[0].count;
	size_t i = 0;

	*before = 0;
	while (i < n - 1 && count < rank) {
		*before = count;
		i++;
		count = settled(count, buckets[i].count);
	}
	*inside = count - *before;
	return i;
}

enum quantile_state stats_histogram_quantile(double q, const struct quantile_bucket *buckets,
					     size_t n, struct quantile *out)
{
	enum quantile_state state;
	double before, inside, start;
	size_t i;

	*out = (struct quantile){.value = NAN};
	if (n == 0 || !(q >= 0 && q <= 1))
		return QUANTILE_NONE;
	if (!isinf(buckets[n - 1].bound))
		return QUANTILE_NO_INFINITY;
	state = check_counts(buckets, n, out);
	if (state != QUANTILE_FOUND)
		return state;
	if (n == 1)
		return QUANTILE_NO_BOUND;
	if (out->n == 0)
		return QUANTILE_EMPTY;
	i = find_rank(buckets, n, q * out->n, &before, &inside);
	out->at = i;
	if (i == n - 1) {
		out->value = buckets[n - 2].bound;
		return QUANTILE_BEYOND;
	}
	out->value = buckets[i].bound;
	if (i == 0 && buckets[0].bound <= 0) /* where it begins nobody knows */
		return QUANTILE_FOUND;
	start = i == 0 ? 0 : buckets[i - 1].bound;
	/* q = 0 falls into the first bucket, which may hold nothing. */
	out->value = inside > 0
			     ? start + (buckets[i].bound - start) * ((q * out->n - before) / inside)
			     : start;
	return QUANTILE_FOUND;
}
