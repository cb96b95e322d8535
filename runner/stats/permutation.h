/*
 * permutation: how often would chance alone look like this? Pure functions; nothing is kept.
 *
 * If nothing changed, every way to hand out the labels ("this run", "a run before"; "ours", "the
 * control's") was as likely as the one that was seen. The p-value is the share of all those ways
 * that look at least as bad (Fisher 1935, The Design of Experiments, 21; Pitman 1937). Nothing is
 * assumed about how the values are spread. What was seen counts as one of the ways, so that a
 * p-value is never 0, also when only some of the ways are drawn: (b + 1) / (m + 1), Phipson and
 * Smyth 2010, "Permutation p-values should never be zero".
 *
 * Larger is worse in all of this. Values are finite.
 */
#ifndef ASSIZE_STATS_PERMUTATION_H
#define ASSIZE_STATS_PERMUTATION_H

#include <stddef.h>
#include <stdint.h>

struct permutation {
	double p_value; /* one-sided: of looking this bad or worse */
	size_t n_ways;	/* that were compared, the one seen among them */
};

/*
 * Is a run worse than the n runs before it? Given is the centre of each run's sample.
 *
 * The repetitions of one run share a machine, a cache, an hour: two runs differ by more than their
 * repetitions do, and n repetitions are not n independent values. So whole runs change places, as
 * blocks, and never a repetition from one run into another. There are n + 1 ways, all of them are
 * compared, by the distance of the one run's centre from the middle of the others'; that distance
 * orders the ways as the centres themselves are ordered.
 *
 * Runs in a row are alike, too: what is slow today is slow tomorrow by itself more easily. So the
 * same is asked once more of what each run adds to what the one before it made likely (the
 * residuals of a first-order autoregression, Cochrane and Orcutt 1949), of which there are n. The
 * p-value is the larger of the two, so that neither the trend of a machine nor one odd neighbour
 * makes an alarm by itself. It is never below 1 / n: see stats_permutation_min_runs().
 *
 * history is oldest first.
 */
struct permutation stats_permutation_run(const double *history, size_t n, double present);

/* Fewer runs of history can never give a p-value of `level` (0 < level <= 1) or less. */
size_t stats_permutation_min_runs(double level);

/*
 * Are the first halves of n pairs larger than the second ones? Given are the differences. Whoever
 * measured the pairs has drawn lots about the order in each, so the halves change places within
 * their pairs. Compared is the sum of signed ranks (Wilcoxon 1945; equal ones share their ranks,
 * zeros count in them, Pratt 1959): one repetition that was disturbed is one rank, however far off
 * it is. Up to PERMUTATION_EXACT_PAIRS all 2^n ways are compared, with more of them
 * PERMUTATION_DRAWS drawn by the seed.
 */
#define PERMUTATION_EXACT_PAIRS 12
#define PERMUTATION_DRAWS	9999
struct permutation stats_permutation_paired(const double *differences, size_t n, uint64_t seed);

/*
 * Fewer pairs can never give a p-value of `level` (0 < level <= 1) or less, all of them worse:
 * there are 2^n ways. SIZE_MAX: no number of them can, since not so many ways are drawn.
 */
size_t stats_permutation_min_pairs(double level);

#endif
