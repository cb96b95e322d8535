/*
 * drift: how far a sample's shares have moved from a baseline's. Pure functions.
 *
 * Counts of n cells are given as doubles, none negative, with a positive sum each. What cannot be
 * said is NaN.
 */
#ifndef ASSIZE_STATS_DRIFT_H
#define ASSIZE_STATS_DRIFT_H

#include <stddef.h>

/*
 * Population stability index: the sum over cells of (a - b) ln(a / b), a and b being shares. A
 * share of 0 has no logarithm: it is taken as half a row of `sample`, on either side.
 */
double stats_psi(const double *sample, const double *baseline, size_t n);

/* Largest change of a share, as a ratio: 0.05 = five percentage points. */
double stats_max_share_change(const double *sample, const double *baseline, size_t n);

struct chi_square {
	double statistic;
	double p_value; /* probability of a statistic at least this large, if nothing moved */
	size_t degrees; /* of freedom */
	size_t n_thin;	/* cells with an expected count below 5 (Cochran 1954) */
	size_t n_cells; /* of how many */
};

/*
 * Goodness of fit (Pearson 1900): baseline is what is true, in any scale. Cells where it is 0 are
 * left out; a sample with rows in one of them is impossible: p_value 0.
 */
struct chi_square stats_chi_square_fit(const double *sample, const double *baseline, size_t n);

/* Homogeneity of two samples, both counts of rows. Cells that are 0 in both are left out. */
struct chi_square stats_chi_square_two(const double *a, const double *b, size_t n);

/* ln Gamma(a), a > 0; safe in threads, which lgamma() is not. */
double stats_log_gamma(double a);

/* P(X >= x) for a chi-square variable, degrees > 0. Relative error below 1e-11. */
double stats_chi_square_tail(double x, double degrees);

#endif
