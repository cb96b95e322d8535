/*
 * two_samples: does a candidate differ from a baseline by more than chance? Pure functions; values
 * are finite, each sample in the order it was measured.
 *
 * The change is that of the medians: what is measured has its tail on one side, and one run that
 * something else disturbed says nothing about the candidate. How likely chance is to bring it about
 * is told by the sum of the candidate's ranks, for the same reason.
 *
 * Independent values change places freely (a permutation test, as in permutation.h). Values that
 * resemble their neighbours do not: a machine that is slow for an hour gives twenty slow values in
 * a row, and a test that takes them for independent alarms on noise alone (Mann-Whitney on 30 % of
 * AR(0.8) series). Then the two samples are taken as one series, and what was seen is compared with
 * all other places where a block as long as the candidate could have been cut out of it, the end
 * joined to the beginning (a block permutation with a single block; Politis and Romano 1992 join
 * the ends in the same way). In a series whose statistics do not change all places are alike. There
 * are as many of them as values, but neighbouring places are nearly the same: n values of a
 * first-order autoregression say as much as n (1 - phi) / (1 + phi) independent ones, and no
 * p-value is below one by that number.
 */
#ifndef ASSIZE_STATS_TWO_SAMPLES_H
#define ASSIZE_STATS_TWO_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stats_tail { STATS_EITHER = 0, STATS_HIGHER, STATS_LOWER };

struct two_samples {
	double change; /* median of the candidate less that of the baseline */
	double p_value;
	double n_worth; /* independent ways that were compared: p_value is never below 1 / n_worth
			 */
	double phi;	/* lag-1 autocorrelation within the samples */
	bool is_rotated;
};

#define TWO_SAMPLES_DRAWS 9999

/* Both have at least two values. */
struct two_samples stats_two_samples(const double *baseline, size_t n_baseline,
				     const double *candidate, size_t n_candidate,
				     enum stats_tail tail, uint64_t seed);

/*
 * Counts of something rare: were `candidate` of candidate + baseline events to be expected when the
 * share of the runs that are the candidate's is `share`? Exact: given their sum the one of two
 * Poisson counts is binomial (Przyborowski and Wilenski 1940). Either: twice the smaller tail.
 */
double stats_two_counts(uint64_t candidate, uint64_t baseline, double share, enum stats_tail tail);

/*
 * P-values of n comparisons made at once, so adjusted (Holm 1979) that those at most alpha are
 * wrong together with a probability of at most alpha; in place.
 */
void stats_holm(double *p_values, size_t n);

#endif
