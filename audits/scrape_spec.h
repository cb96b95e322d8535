/*
 * scrape_spec: what a scrape check may say, and what is wrong with it; private to audits/scrape*.c.
 */
#ifndef ASSIZE_AUDITS_SCRAPE_SPEC_H
#define ASSIZE_AUDITS_SCRAPE_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "audits/series_selector.h"
#include "runner/base/pairs.h"
#include "runner/model/keys.h"
#include "runner/model/kind.h"

enum scrape_format { FORMAT_AUTO, FORMAT_PROMETHEUS, FORMAT_OPENMETRICS };

struct scrape_spec {
	const char *path, *metric, *unit;
	struct texts by;
	int agg, format;
	double quantile; /* 0 = none */
	int beyond;	 /* 0 refuse, 1 bound */
	int64_t rate_ms; /* 0 = the page is read once */
	int reset;	 /* enum scrape_reset */
	int64_t min_series, min_size, max_size, max_age_ms;
	struct series_selector selector; /* of metric, filled by scrape_check() */
};

extern const struct key_row scrape_keys[];
extern const struct value_row scrape_values[];

/* Of the audit kind; see kind.h. */
void scrape_check(struct keys_context *ctx, struct check *c);
void scrape_check_bounds(struct keys_context *ctx, const struct check *c);
bool scrape_has_value(const struct check *c, const char *name, struct value_row *row);
void scrape_describe(struct probe *p, struct buf *out);

/* NULL: the path leaves the host of the target. */
const char *scrape_url(struct probe *p);

#endif
