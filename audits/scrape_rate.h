/*
 * scrape_rate: counters seen twice, and how far each of them came.
 *
 * A counter that stands lower than before was reset, and so was one whose X_created moved, and
 * every one when the process says that it began anew; what it counted before nobody knows. What
 * its TYPE calls no counter has no rate. Says what to make of that: nothing
 * (RESET_FAIL), what it counted since (RESET_REBASELINE, also for one that is new, as it is in
 * PromQL's rate() for resets), or to leave it out (RESET_IGNORE, also one that is new or gone).
 * Problems live in the arena given; at most SERIES_MAP_MAX counters.
 */
#ifndef ASSIZE_AUDITS_SCRAPE_RATE_H
#define ASSIZE_AUDITS_SCRAPE_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audits/series_map.h"

struct arena;
struct exposition_sample;

enum scrape_reset { RESET_FAIL, RESET_REBASELINE, RESET_IGNORE };

struct scrape_counter {
	uint64_t birth;		/* key of births */
	double before, now;	/* NaN is what the exporter said */
	double before_s, now_s; /* timestamps; NaN = none */
	size_t group;		/* the caller's, of the second time */
	double bound;
	bool was_there, is_there;
};

/* When a counter, or a histogram, says that it began to count: the first and the second time. */
struct scrape_birth {
	double first_s, second_s;
	bool is_first_known, is_second_known;
};

struct scrape_rate {
	struct arena *arena;
	struct series_map counters; /* of struct scrape_counter */
	struct series_map births;   /* of struct scrape_birth */
};

void scrape_rate_init(struct scrape_rate *r, struct arena *a);
void scrape_rate_release(struct scrape_rate *r);
/* NULL, or why it cannot be taken. */
const char *scrape_rate_first(struct scrape_rate *r, const struct exposition_sample *sample);
const char *scrape_rate_second(struct scrape_rate *r, const struct exposition_sample *sample,
			       size_t group, double bound);
/* A sample of X_created, of a counter or a histogram that may come or have come. */
const char *scrape_rate_birth(struct scrape_rate *r, const struct exposition_sample *sample,
			      bool is_second);

struct scrape_interval {
	double seconds;	     /* between the two; samples with timestamps have their own */
	bool is_new_process; /* all counters were reset */
	enum scrape_reset reset;
};

/*
 * Calls take for each counter that counts, with its increase and the seconds that took. NULL, or
 * why there is no rate; *remark says what was left out, NULL = nothing.
 */
const char *scrape_rate_settle(const struct scrape_rate *r, const struct scrape_interval *interval,
			       void (*take)(void *ctx, const struct scrape_counter *c,
					    double increase, double seconds),
			       void *ctx, const char **remark);

#endif
