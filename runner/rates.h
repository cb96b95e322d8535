/*
 * rates: how often what was measured of checks passed, from the outcomes that are counted by day.
 *
 * A rate is passes (warnings pass) by results that say something: what was skipped does not count,
 * what could not be measured was no pass. It is cut, never rounded up: 100 % has no exception.
 */
#ifndef ASSIZE_RATES_H
#define ASSIZE_RATES_H

#include <stdint.h>

struct app;
struct err;
struct options;
struct record;

/*
 * assize history --rates: all checks, the worst first, or with a check among the words it day by
 * day, the newest first. Without --since, 30 days. -1 with the cause in e.
 */
int rates_show(struct app *app, struct record *r, const struct options *o, int64_t since_ms,
	       struct err *e);

#endif
