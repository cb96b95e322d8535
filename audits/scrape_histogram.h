/*
 * scrape_histogram: the selected buckets of one scrape check, gathered by the labels of `by`.
 *
 * One histogram is what has the same labels but for le. A group of `by` holds one, or with agg: sum
 * several, whose buckets are added up bound by bound; a bound that one of them lacks makes the sum
 * no histogram, which PromQL does not notice. Bucket texts and problems live in the arena given.
 */
#ifndef ASSIZE_AUDITS_SCRAPE_HISTOGRAM_H
#define ASSIZE_AUDITS_SCRAPE_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audits/hash_table.h"
#include "audits/series_map.h"
#include "runner/model/measurement.h"

struct arena;
struct exposition_sample;
struct scrape_groups;
struct scrape_histogram;

#define SCRAPE_MAX_BUCKETS 1000 /* of one group */

struct scrape_histograms {
	struct arena *arena;
	struct scrape_groups *groups;	/* borrowed */
	struct scrape_histogram *items; /* one a group */
	size_t n, cap;
	struct hash_table histograms, buckets; /* those that were seen */
	struct series_map totals;	       /* of the page at hand */
};

/* How its quantile is wanted. */
struct scrape_quantile {
	double q;
	bool is_sum;	       /* of several histograms */
	bool is_bound_allowed; /* behind the last bound that bound is the value */
};

void scrape_histograms_init(struct scrape_histograms *h, struct arena *a, struct scrape_groups *g);
void scrape_histograms_release(struct scrape_histograms *h);
/*
 * Each page: a selected bucket and, of any histogram of that name, NAME_count are noted, and at its
 * end they must agree: a quantile rests on how many observations there were. NULL, or what is
 * wrong.
 */
const char *scrape_histograms_note(struct scrape_histograms *h,
				   const struct exposition_sample *sample);
const char *scrape_histograms_count(struct scrape_histograms *h,
				    const struct exposition_sample *sample);
const char *scrape_histograms_end(struct scrape_histograms *h);
/* Which bucket of which group the sample is. NULL, or why it cannot be taken. */
const char *scrape_histograms_place(struct scrape_histograms *h,
				    const struct exposition_sample *sample, size_t *at,
				    double *bound);
void scrape_histograms_take(struct scrape_histograms *h, size_t at, double bound, double count);
/* Of group i of the groups. */
struct measurement scrape_histograms_measure(const struct scrape_histograms *h, size_t i,
					     const struct scrape_quantile *wanted);

#endif
