/*
 * The tail of chi-square is the regularised upper incomplete gamma function Q(df / 2, x / 2): its
 * power series (DLMF 8.11.4) where that converges fast, x < a + 1, else its continued fraction
 * (DLMF 8.9.2) by the modified Lentz method (Thompson and Barnett 1986). ln Gamma is Stirling's
 * series (DLMF 5.11.1) after a shift upwards: lgamma() writes a global, so threads may not call it.
 */
#include "runner/stats/drift.h"

#include <math.h>
#include <stdbool.h>

#define EPSILON	       1e-16
#define TINY	       1e-300
#define MAX_ITERATIONS 100000
#define THIN	       5

/* ---- the incomplete gamma function ---- */

double stats_log_gamma(double a)
{
	/* Bernoulli numbers B(2k) / (2k (2k - 1)) */
	static const double c[] = {1.0 / 12,	-1.0 / 360, 1.0 / 1260,
				   -1.0 / 1680, 1.0 / 1188, -691.0 / 360360};
	double shift = 0, power, sum = 0;

	/* Gamma(a + 1) = a Gamma(a), until the series is exact to the last digit. */
	for (; a < 20; a++)
		shift += log(a);
	power = a;
	for (size_t k = 0; k < sizeof(c) / sizeof(*c); k++, power *= a * a)
		sum += c[k] / power;
	return (a - 0.5) * log(a) - a + 0.91893853320467274178 + sum - shift;
}

/* x^a e^-x / Gamma(a) */
static double front(double a, double x)
{
	return exp(a * log(x) - x - stats_log_gamma(a));
}

static double lower_series(double a, double x)
{
	double term = 1 / a, sum = term;

	for (int i = 1; i < MAX_ITERATIONS && term > sum * EPSILON; i++) {
		term *= x / (a + i);
		sum += term;
	}
	return sum * front(a, x);
}

static double upper_fraction(double a, double x)
{
	double b = x + 1 - a, c = 1 / TINY, d = 1 / b, h = d;

	for (int i = 1; i < MAX_ITERATIONS; i++) {
		double an = -i * (i - a);

		b += 2;
		d = an * d + b;
		d = 1 / (fabs(d) < TINY ? TINY : d);
		c = b + an / c;
		c = fabs(c) < TINY ? TINY : c;
		h *= d * c;
		if (fabs(d * c - 1) < EPSILON * 10)
			break;
	}
	return h * front(a, x);
}

double stats_chi_square_tail(double x, double degrees)
{
	double a = degrees / 2;

	if (isnan(x) || !(degrees > 0))
		return NAN;
	if (x <= 0)
		return 1;
	if (isinf(x))
		return 0;
	return x / 2 < a + 1 ? 1 - lower_series(a, x / 2) : upper_fraction(a, x / 2);
}

/* ---- shares ---- */

static double sum_of(const double *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	return sum;
}

double stats_psi(const double *sample, const double *baseline, size_t n)
{
	double rows = sum_of(sample, n), whole = sum_of(baseline, n), psi = 0;

	if (!(rows > 0) || !(whole > 0))
		return NAN;
	for (size_t i = 0; i < n; i++) {
		double a = sample[i] / rows, b = baseline[i] / whole;

		if (sample[i] == 0 && baseline[i] == 0)
			continue;
		a = a > 0 ? a : 0.5 / rows;
		b = b > 0 ? b : 0.5 / rows;
		psi += (a - b) * log(a / b);
	}
	return psi;
}

/*
 * Of whole numbers one quotient, whose rounding is that of a bound with the same digits; a
 * difference of two would be a neighbour of it. Of other numbers to 15 places, which is as exact as
 * their sum.
 */
static double change_of(double a, double of_a, double b, double of_b)
{
	double change = fabs(a / of_a - b / of_b);
	double x = a * of_b, y = b * of_a, of_both = of_a * of_b;
	bool is_whole = a == floor(a) && b == floor(b) && x < 0x1p53 && y < 0x1p53;

	if (is_whole && of_a == floor(of_a) && of_b == floor(of_b) && of_both < 0x1p53)
		return fabs(x - y) / of_both;
	return round(change * 1e15) / 1e15;
}

double stats_max_share_change(const double *sample, const double *baseline, size_t n)
{
	double rows = sum_of(sample, n), whole = sum_of(baseline, n), most = 0;

	if (!(rows > 0) || !(whole > 0))
		return NAN;
	for (size_t i = 0; i < n; i++)
		most = fmax(most, change_of(sample[i], rows, baseline[i], whole));
	return most;
}

/* ---- chi-square ---- */

static void add_cell(struct chi_square *t, double observed, double expected)
{
	t->statistic += (observed - expected) * (observed - expected) / expected;
	t->n_thin += expected < THIN;
	t->n_cells++;
}

static void finish(struct chi_square *t, size_t n_used, bool is_impossible)
{
	t->degrees = n_used > 0 ? n_used - 1 : 0;
	t->p_value = is_impossible     ? 0
		     : t->degrees == 0 ? NAN
				       : stats_chi_square_tail(t->statistic, (double)t->degrees);
}

struct chi_square stats_chi_square_fit(const double *sample, const double *baseline, size_t n)
{
	double rows = sum_of(sample, n), whole = sum_of(baseline, n);
	struct chi_square t = {0};
	bool is_impossible = false;

	if (!(rows > 0) || !(whole > 0))
		return (struct chi_square){.statistic = NAN, .p_value = NAN};
	for (size_t i = 0; i < n; i++) {
		if (baseline[i] > 0)
			add_cell(&t, sample[i], rows * baseline[i] / whole);
		else if (sample[i] > 0)
			is_impossible = true;
	}
	finish(&t, t.n_cells, is_impossible);
	return t;
}

struct chi_square stats_chi_square_two(const double *a, const double *b, size_t n)
{
	double n_a = sum_of(a, n), n_b = sum_of(b, n);
	struct chi_square t = {0};
	size_t n_used = 0;

	if (!(n_a > 0) || !(n_b > 0))
		return (struct chi_square){.statistic = NAN, .p_value = NAN};
	for (size_t i = 0; i < n; i++) {
		double both = a[i] + b[i];

		if (both <= 0)
			continue;
		add_cell(&t, a[i], both * n_a / (n_a + n_b));
		add_cell(&t, b[i], both * n_b / (n_a + n_b));
		n_used++;
	}
	finish(&t, n_used, false);
	return t;
}
