/*
 * scrape_group: the selected series of one scrape check, gathered by the labels of `by`. A series
 * without such a label is in the group "", but a label that none has is nobody's grouping: a slip
 * of the finger would make one group of all and hide what it was to show.
 *
 * A group keeps a count, a sum, the smallest, the largest and the first value, so any number of
 * series costs the same. Label values and problems live in the arena given; at most
 * SCRAPE_MAX_GROUPS groups.
 */
#ifndef ASSIZE_AUDITS_SCRAPE_GROUP_H
#define ASSIZE_AUDITS_SCRAPE_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/buf.h"
#include "runner/base/map.h"
#include "runner/model/measurement.h"

struct arena;
struct exposition_sample;
struct texts;

#define SCRAPE_MAX_GROUPS 10000

enum scrape_aggregate {
	SCRAPE_NONE,
	SCRAPE_SUM,
	SCRAPE_AVG,
	SCRAPE_MIN,
	SCRAPE_MAX,
	SCRAPE_COUNT,
};
extern const char *const scrape_aggregates[]; /* their names, NULL terminated */

struct scrape_groups {
	struct arena *arena;
	const struct texts *by; /* borrowed */
	bool *is_seen;		/* by->n: some series has this label */
	size_t n_unseen;
	struct map others; /* names of labels, while some of by are not seen */
	struct map map;	   /* label values -> struct scrape_group */
	struct buf key;	   /* under construction */
};

/*
 * Tells the series of one name apart, the same whatever order the labels stand in. without is a
 * label that does not count, NULL = all do.
 */
uint64_t scrape_series_hash(const struct exposition_sample *s, const char *without);

void scrape_groups_init(struct scrape_groups *g, struct arena *a, const struct texts *by);
void scrape_groups_release(struct scrape_groups *g);
/* Which group the sample belongs to: *at counts from 0. NULL, or why it cannot be taken. */
const char *scrape_groups_place(struct scrape_groups *g, const struct exposition_sample *sample,
				size_t *at);
void scrape_groups_take(struct scrape_groups *g, size_t at, double value);
size_t scrape_groups_count(const struct scrape_groups *g);
const struct label *scrape_groups_labels(const struct scrape_groups *g, size_t i); /* by->n */
/* Once all were added: NULL, or that no series has a label of by; *help is what to do then. */
const char *scrape_groups_problem(const struct scrape_groups *g, const char **help);
/* agg is an enum scrape_aggregate. */
struct measurement scrape_groups_measure(const struct scrape_groups *g, size_t i, int agg);

#endif
