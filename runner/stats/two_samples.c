/* Ranks are multiples of a half, their sums are exact: ways that look the same compare as equal. */
#include "runner/stats/two_samples.h"

#include <math.h>
#include <stdlib.h>

#include "runner/base/arena.h"
#include "runner/stats/drift.h"
#include "runner/stats/random.h"
#include "runner/stats/summary.h"

/* Above it a series is a walk, of which no number of values says anything. */
#define MAX_PHI 0.99

struct placed {
	double value;
	size_t place; /* in the series: baseline first, then candidate */
};

struct pooled {
	double *ranks; /* by place, less their mean: a block of no difference sums to 0 */
	size_t n, n_candidate;
	enum stats_tail tail;
	double seen; /* sum of the candidate's ranks */
};

static int compare_values(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

/* Equal values share the mean of the ranks they take. */
static void give_ranks(struct pooled *p, struct placed *items)
{
	qsort(items, p->n, sizeof(*items), compare_values);
	for (size_t i = 0, end; i < p->n; i = end) {
		end = i + 1;
		while (end < p->n && items[end].value == items[i].value)
			end++;
		for (size_t k = i; k < end; k++)
			p->ranks[items[k].place] =
				(double)(i + 1 + end) / 2 - (double)(p->n + 1) / 2;
	}
}

static bool is_as_far(const struct pooled *p, double sum)
{
	switch (p->tail) {
	case STATS_EITHER:
		return fabs(sum) >= fabs(p->seen);
	case STATS_HIGHER:
		return sum >= p->seen;
	case STATS_LOWER:
		return sum <= p->seen;
	}
	return true;
}

/* Every block of the candidate's length, the end joined to the beginning. */
static void compare_rotations(const struct pooled *p, double phi, struct two_samples *out)
{
	size_t n_as_far = 0, first = p->n - p->n_candidate;
	double sum = p->seen;

	for (size_t i = 0; i < p->n; i++) {
		n_as_far += is_as_far(p, sum) ? 1 : 0;
		sum += p->ranks[(first + p->n_candidate + i) % p->n];
		sum -= p->ranks[(first + i) % p->n];
	}
	out->n_worth = fmax(1, (double)p->n * (1 - phi) / (1 + phi));
	out->p_value = fmax((double)n_as_far / (double)p->n, 1 / out->n_worth);
}

/* The sum of n_candidate ranks, each set of them as likely as every other. */
static double draw_sum(const struct pooled *p, struct stats_random *r, bool *is_taken)
{
	size_t first = p->n - p->n_candidate;
	double sum = 0;

	for (size_t i = 0; i < p->n; i++)
		is_taken[i] = false;
	/* Floyd's sampling: one draw a place. The bias of a 64-bit remainder is below 1e-12. */
	for (size_t i = first; i < p->n; i++) {
		size_t place = (size_t)(stats_random_next(r) % (i + 1));

		place = is_taken[place] ? i : place;
		is_taken[place] = true;
		sum += p->ranks[place];
	}
	return sum;
}

static void compare_drawn(const struct pooled *p, uint64_t seed, struct two_samples *out)
{
	bool *is_taken = xmalloc(p->n * sizeof(*is_taken));
	struct stats_random random = {seed};
	size_t n_as_far = 1; /* the one seen */

	for (size_t i = 0; i < TWO_SAMPLES_DRAWS; i++)
		n_as_far += is_as_far(p, draw_sum(p, &random, is_taken)) ? 1 : 0;
	free(is_taken);
	out->n_worth = TWO_SAMPLES_DRAWS + 1;
	out->p_value = (double)n_as_far / out->n_worth;
}

struct correlation {
	double with_next, with_itself;
};

static void add_correlation(struct correlation *c, const double *values, size_t n)
{
	double mean = stats_mean(values, n);

	for (size_t i = 0; i < n; i++) {
		double d = values[i] - mean;

		c->with_itself += d * d;
		if (i + 1 < n)
			c->with_next += d * (values[i + 1] - mean);
	}
}

/* Within each sample, so that a difference between them is not taken for resemblance. */
static double autocorrelation(const double *a, size_t n_a, const double *b, size_t n_b)
{
	struct correlation c = {0, 0};
	double phi;

	add_correlation(&c, a, n_a);
	add_correlation(&c, b, n_b);
	phi = c.with_itself > 0 ? c.with_next / c.with_itself : 0;
	return isfinite(phi) ? phi : 0;
}

static struct pooled pool(const double *baseline, size_t n_baseline, const double *candidate,
			  size_t n_candidate)
{
	struct pooled p = {.n = n_baseline + n_candidate, .n_candidate = n_candidate};
	struct placed *items = xmalloc(p.n * sizeof(*items));

	p.ranks = xmalloc(p.n * sizeof(*p.ranks));
	for (size_t i = 0; i < p.n; i++)
		items[i] = (struct placed){i < n_baseline ? baseline[i] : candidate[i - n_baseline],
					   i};
	give_ranks(&p, items);
	free(items);
	for (size_t i = n_baseline; i < p.n; i++)
		p.seen += p.ranks[i];
	return p;
}

struct two_samples stats_two_samples(const double *baseline, size_t n_baseline,
				     const double *candidate, size_t n_candidate,
				     enum stats_tail tail, uint64_t seed)
{
	struct pooled p = pool(baseline, n_baseline, candidate, n_candidate);
	double n = (double)p.n, phi;
	struct two_samples out = {
		.change = stats_median(candidate, n_candidate) - stats_median(baseline, n_baseline),
		.phi = autocorrelation(baseline, n_baseline, candidate, n_candidate),
	};

	p.tail = tail;
	/*
	 * The estimate is too low by about 1 / n of each sample and varies by about 1 / sqrt(n).
	 * More than one such deviation is enough to be careful: of independent values one sixth is
	 * then rotated without need, of AR(0.4) in 40 values nearly all.
	 */
	phi = fmin(out.phi + 2 / n, MAX_PHI);
	out.is_rotated = phi > 1 / sqrt(n);
	if (out.is_rotated)
		compare_rotations(&p, phi, &out);
	else
		compare_drawn(&p, seed, &out);
	free(p.ranks);
	return out;
}

/* ---- counts ---- */

#define MAX_STEPS 100000

/* Continued fraction of the incomplete beta function (Lentz's method; DLMF 8.17.22). */
static double beta_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1), f;

	d = fabs(d) < tiny ? 1 / tiny : 1 / d;
	f = d;
	for (int i = 1; i < MAX_STEPS; i++) {
		double m = i, even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
		       odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), step;

		d = 1 + even * d;
		d = fabs(d) < tiny ? 1 / tiny : 1 / d;
		c = 1 + even / c;
		c = fabs(c) < tiny ? tiny : c;
		f *= d * c;
		d = 1 + odd * d;
		d = fabs(d) < tiny ? 1 / tiny : 1 / d;
		c = 1 + odd / c;
		c = fabs(c) < tiny ? tiny : c;
		step = d * c;
		f *= step;
		if (fabs(step - 1) < 1e-15)
			break;
	}
	return f;
}

/* Regularised incomplete beta function; a, b > 0, 0 < x < 1. */
static double beta_share(double a, double b, double x)
{
	double front = exp(stats_log_gamma(a + b) - stats_log_gamma(a) - stats_log_gamma(b) +
			   a * log(x) + b * log1p(-x));

	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* P(X >= k), X binomial of n with chance p. */
static double at_least(uint64_t k, uint64_t n, double p)
{
	if (k == 0)
		return 1;
	if (k > n)
		return 0;
	return beta_share((double)k, (double)(n - k) + 1, p);
}

double stats_two_counts(uint64_t candidate, uint64_t baseline, double share, enum stats_tail tail)
{
	uint64_t n = candidate + baseline;
	double high = at_least(candidate, n, share), low = at_least(baseline, n, 1 - share);

	switch (tail) {
	case STATS_HIGHER:
		return high;
	case STATS_LOWER:
		return low;
	case STATS_EITHER:
		break;
	}
	return fmin(1, 2 * fmin(high, low));
}

struct ranked {
	double p;
	size_t place;
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return x->p < y->p ? -1 : x->p > y->p;
}

void stats_holm(double *p_values, size_t n)
{
	struct ranked *sorted = xmalloc((n + 1) * sizeof(*sorted));
	double most = 0;

	for (size_t i = 0; i < n; i++)
		sorted[i] = (struct ranked){p_values[i], i};
	qsort(sorted, n, sizeof(*sorted), compare_ranked);
	for (size_t i = 0; i < n; i++) {
		most = fmax(most, fmin(1, sorted[i].p * (double)(n - i)));
		p_values[sorted[i].place] = most;
	}
	free(sorted);
}
