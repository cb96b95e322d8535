/*
 * scrape_group: the selected series of one scrape check, gathered by the labels of `by`.
 *
 * A group keeps a count, a sum, the smallest, the largest and the first value, so any number of
 * series costs the same. Label values and problems live in the arena given; at most
 * SCRAPE_MAX_GROUPS groups.
 */
#ifndef ASSIZE_AUDITS_SCRAPE_GROUP_H
#define ASSIZE_AUDITS_SCRAPE_GROUP_H

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
	struct map map; /* label values -> struct scrape_group */
	struct buf key; /* under construction */
};

void scrape_groups_init(struct scrape_groups *g, struct arena *a);
void scrape_groups_release(struct scrape_groups *g);
/* NULL, or why the sample cannot be taken. */
const char *scrape_groups_add(struct scrape_groups *g, const struct texts *by,
			      const struct exposition_sample *sample);
size_t scrape_groups_count(const struct scrape_groups *g);
/* agg is an enum scrape_aggregate. */
struct measurement scrape_groups_measure(const struct scrape_groups *g, size_t i,
					 const struct texts *by, int agg);

#endif
