/*
 * The rows of the kind, and what no row can say: a quantile needs every bucket, of no series only
 * the count is known.
 */
#include "audits/scrape_spec.h"

#include <stddef.h>
#include <string.h>

#include "audits/scrape_group.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/http.h"
#include "runner/model/unit.h"

static const char *const formats[] = {"auto", "prometheus", "openmetrics", NULL};
static const char *const resets[] = {"fail", "rebaseline", "ignore", NULL};
static const char *const beyonds[] = {"refuse", "bound", NULL};

const struct key_row scrape_keys[] = {
	{.name = "metric",
	 .type = KEY_TEXT,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct scrape_spec, metric),
	 .help = "the series to look at, as a selector with = != =~ !~",
	 .example = "'http_requests_total{code=~\"5..\"}'"},
	{.name = "path",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct scrape_spec, path),
	 .def = "/metrics",
	 .help = "where the metrics are, behind the target's URL",
	 .example = "/metrics"},
	{.name = "by",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct scrape_spec, by),
	 .help = "labels that name a series: one value for each combination; one that no series "
		 "has is undecided",
	 .example = "[instance]"},
	{.name = "agg",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct scrape_spec, agg),
	 .choices = scrape_aggregates,
	 .def = "none",
	 .help = "what to make of several series: sum, avg, min, max or count",
	 .example = "sum"},
	{.name = "quantile",
	 .type = KEY_REAL,
	 .offset = offsetof(struct scrape_spec, quantile),
	 .min = 0,
	 .max = 1,
	 .help = "a quantile out of the buckets of a histogram, NAME_bucket, as PromQL has it; "
		 "above 0. Of "
		 "one histogram for each combination of by, or with agg: sum of all together",
	 .example = "0.95"},
	{.name = "beyond",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct scrape_spec, beyond),
	 .choices = beyonds,
	 .def = "refuse",
	 .help = "a quantile beyond the last bound: no measurement, or that bound"},
	{.name = "rate",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct scrape_spec, rate_ms),
	 .min = 10,
	 .max = 3600 * 1000,
	 .help = "counters: read the page twice, so long apart; the value is the increase per "
		 "second, a quantile that of what was observed between",
	 .example = "10s"},
	{.name = "reset",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct scrape_spec, reset),
	 .choices = resets,
	 .def = "fail",
	 .help = "with rate, a counter that was reset between (or is new): no measurement, counted "
		 "from 0, or left out; one that is gone is no measurement or left out"},
	{.name = "min_series",
	 .type = KEY_INT,
	 .offset = offsetof(struct scrape_spec, min_series),
	 .min = 0,
	 .max = 1000000,
	 .def = "1",
	 .help = "fewer selected series are no measurement; 0 only with agg: count"},
	{.name = "max_age",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct scrape_spec, max_age_ms),
	 .min = 1,
	 .max = INT64_C(366) * 86400 * 1000,
	 .help = "a sample with an older timestamp is no measurement",
	 .example = "5m"},
	{.name = "unit",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct scrape_spec, unit),
	 .def = "",
	 .help = "the unit of the metric: %, ms, s, B, MiB, or a word of yours",
	 .example = "s"},
	{.name = "format",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct scrape_spec, format),
	 .choices = formats,
	 .def = "auto",
	 .help = "auto follows the content type"},
	{.name = "min_size",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct scrape_spec, min_size),
	 .min = 1,
	 .max = INT64_C(4) * 1024 * 1024 * 1024,
	 .help = "a smaller page is no measurement; Prometheus text of this size is whole, though "
		 "nothing "
		 "marks its end",
	 .example = "4 kB"},
	{.name = "max_size",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct scrape_spec, max_size),
	 .min = 1,
	 .max = INT64_C(4) * 1024 * 1024 * 1024,
	 .def = "128MiB",
	 .help = "a larger exposition is no measurement"},
	KEY_END,
};

const struct value_row scrape_values[] = {
	{.name = "",
	 .type = VALUE_REAL,
	 .unit = "",
	 .usual = "< 5",
	 .help = "the value, one for each combination of by"},
	{.name = NULL},
};

static bool selects_bound(const struct scrape_spec *spec)
{
	for (size_t i = 0; i < spec->selector.n_matchers; i++)
		if (strcmp(spec->selector.matchers[i].label, "le") == 0)
			return true;
	for (size_t i = 0; i < spec->by.n; i++)
		if (strcmp(spec->by.items[i], "le") == 0)
			return true;
	return false;
}

static void check_quantile(struct keys_context *ctx, const struct check *c,
			   const struct scrape_spec *spec)
{
	const struct node *node = c->spec_node;

	if (node_get(node, "quantile") == NULL) {
		if (node_get(node, "beyond") != NULL)
			(void)diags_at(ctx->diags, keys_pos(node, "beyond"), "add quantile: 0.95",
				       "check \"%s\": \"beyond\" is about a quantile", c->name);
		return;
	}
	if (spec->quantile <= 0)
		(void)diags_at(ctx->diags, keys_pos(node, "quantile"), "for example 0.95",
			       "check \"%s\": a quantile is above 0 and at most 1", c->name);
	if (spec->agg != SCRAPE_NONE && spec->agg != SCRAPE_SUM)
		(void)diags_at(ctx->diags, keys_pos(node, "agg"), "use agg: sum, or by",
			       "check \"%s\": of histograms only the sum has a quantile", c->name);
	if (spec->selector.name == NULL)
		return; /* reported */
	if (!str_ends(spec->selector.name, "_bucket"))
		(void)diags_at(ctx->diags, keys_pos(node, "metric"),
			       arena_printf(ctx->arena, "write %s_bucket", spec->selector.name),
			       "check \"%s\": a quantile is made of buckets", c->name);
	if (selects_bound(spec))
		(void)diags_at(ctx->diags, keys_pos(node, "metric"), "leave out the label le",
			       "check \"%s\": a quantile needs all buckets", c->name);
}

static void check_rate(struct keys_context *ctx, const struct check *c,
		       const struct scrape_spec *spec)
{
	if (spec->rate_ms == 0 && node_get(c->spec_node, "reset") != NULL)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "reset"), "add rate: 10s",
			       "check \"%s\": \"reset\" is about a rate", c->name);
	if (spec->quantile > 0 && spec->reset != 0)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "reset"), "remove it",
			       "check \"%s\": buckets without those that were reset are no "
			       "histogram",
			       c->name);
	if (spec->rate_ms > 0 && spec->agg == SCRAPE_COUNT)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "agg"),
			       "use agg: sum, avg, min or max, or by",
			       "check \"%s\": how many series there are is no rate", c->name);
}

void scrape_check_bounds(struct keys_context *ctx, const struct check *c)
{
	const struct scrape_spec *spec = c->spec;

	if (spec->rate_ms >= c->timeout_ms)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "rate"),
			       "give the check a longer timeout",
			       "check \"%s\": its timeout is over before the second look", c->name);
}

static void check_by(struct keys_context *ctx, const struct check *c,
		     const struct scrape_spec *spec)
{
	for (size_t i = 0; i < spec->by.n; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(spec->by.items[i], spec->by.items[k]) == 0)
				(void)diags_at(ctx->diags, spec->by.positions[i], NULL,
					       "check \"%s\": label \"%s\" is written twice",
					       c->name, spec->by.items[i]);
}

void scrape_check(struct keys_context *ctx, struct check *c)
{
	struct scrape_spec *spec = c->spec;
	struct err e = {0};

	check_by(ctx, c, spec);
	if (spec->metric != NULL &&
	    series_selector_parse(ctx->arena, spec->metric, &spec->selector, &e) != 0)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "metric"),
			       "for example 'http_requests_total{code=~\"5..\"}'",
			       "check \"%s\": %s", c->name, e.message);
	check_quantile(ctx, c, spec);
	check_rate(ctx, c, spec);
	if (spec->min_series == 0 && (spec->agg != SCRAPE_COUNT || spec->by.n > 0))
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "min_series"),
			       "use agg: count, without by",
			       "check \"%s\": of no series only the count is known", c->name);
	if (c->target != NULL && http_join(ctx->arena, c->target->location, spec->path) == NULL)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "path"),
			       "write a path, or make a target of that host",
			       "check \"%s\": \"path\" leaves the host of target \"%s\"", c->name,
			       c->target->name);
}

bool scrape_has_value(const struct check *c, const char *name, struct value_row *row)
{
	const struct scrape_spec *spec = c->spec;

	if (*name != '\0')
		return false;
	*row = scrape_values[0];
	if (spec->agg != SCRAPE_COUNT)
		value_row_in(row, spec->unit);
	return true;
}

const char *scrape_url(struct probe *p)
{
	const struct check *c = p->checks[0];
	const struct scrape_spec *spec = c->spec;

	return http_join(p->arena, c->target->location, spec->path);
}

void scrape_describe(struct probe *p, struct buf *out)
{
	const char *url = scrape_url(p);

	(void)buf_printf(out, "GET %s\n", url != NULL ? url : ""); /* the definition is bounded */
	for (size_t i = 0; i < p->n_checks; i++) {
		const struct scrape_spec *spec = p->checks[i]->spec;

		if (spec->rate_ms > 0)
			(void)buf_printf(out, "twice, %g s apart: ", (double)spec->rate_ms / 1000);
		if (spec->quantile > 0)
			(void)buf_printf(out, "quantile %g of ", spec->quantile);
		(void)buf_printf(out, "%s%s%s",
				 spec->agg != SCRAPE_NONE ? scrape_aggregates[spec->agg] : "",
				 spec->agg != SCRAPE_NONE ? " of " : "", spec->metric);
		for (size_t k = 0; k < spec->by.n; k++)
			(void)buf_printf(out, "%s%s", k == 0 ? " by " : ", ", spec->by.items[k]);
		(void)buf_putc(out, '\n');
	}
}
