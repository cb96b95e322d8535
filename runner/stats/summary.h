/*
 * summary: centre and spread of a sample. Pure functions; nothing is kept, nothing read.
 *
 * No value may be NaN or infinite (the record never hands out such values); an empty sample has no
 * centre and gives NaN, one value has no spread and gives NaN. Sums are compensated (Neumaier 1974)
 * and scaled, so that neither cancellation nor overflow shows up in the result.
 */
#ifndef ASSIZE_STATS_SUMMARY_H
#define ASSIZE_STATS_SUMMARY_H

#include <stddef.h>

double stats_mean(const double *values, size_t n);

/* Middle value, or the middle of the two in the middle. values are copied, not reordered. */
double stats_median(const double *values, size_t n);

/* In ascending order. */
void stats_sort(double *values, size_t n);

/* A value of the sample that at least `share` of it does not exceed (nearest rank); sorted. */
double stats_percentile(const double *sorted, size_t n, double share);

/* Standard deviation of the population the sample was drawn from (divisor n - 1). */
double stats_sigma(const double *values, size_t n);

#endif
