/*
 * promql: a query to Prometheus, Thanos, Mimir or VictoriaMetrics, of a moment or of a range.
 *
 * The time asked for is ours, said to the server and held against what comes back: an answer out of
 * a cache is not mistaken for one of now. Servers that can leave a part out are told not to, each
 * in its own words; the others pass over parameters they do not know. One series more than may come
 * is asked for, so that a cut list is seen to be too long. No redirect is followed.
 */
#include "audits/promql.h"

#include <inttypes.h>
#include <string.h>

#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/io/clock.h"
#include "runner/io/http.h"
#include "runner/model/kind.h"
#include "runner/model/unit.h"

#define MAX_POINTS 11000 /* more than that Prometheus refuses, too */
#define MAX_FORM   (256 * 1024)
#define DAY_MS	   (INT64_C(24) * 3600 * 1000)
#define MAX_SPAN   (366 * DAY_MS)
#define DEFAULT_MS (INT64_C(5) * 60 * 1000) /* as far back as Prometheus looks for a sample */

static const char *const reduces[] = {"none", "last", "min", "max", "avg", "count", NULL};
static const char *const warnings[] = {"refuse", "infos", "allow", NULL};
static const char *const partials[] = {"refuse", "allow", NULL};

static const struct key_row range_keys[] = {
	{.name = "last",
	 .type = KEY_DURATION,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct promql_range, last_ms),
	 .min = 1000,
	 .max = MAX_SPAN,
	 .help = "how far back",
	 .example = "1h"},
	{.name = "step",
	 .type = KEY_DURATION,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct promql_range, step_ms),
	 .min = 1000,
	 .max = MAX_SPAN,
	 .help = "from one point to the next",
	 .example = "30s"},
	KEY_END,
};

static const struct key_row promql_keys[] = {
	{.name = "query",
	 .type = KEY_TEXT,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct promql_spec, query),
	 .help = "the query, in PromQL or what the server makes of it",
	 .example = "'sum by (job) (rate(http_requests_total{code=~\"5..\"}[5m]))'"},
	{.name = "by",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct promql_spec, by),
	 .help = "labels that name a series: one value for each combination; one that no series "
		 "has is undecided, and so are two series with the same labels",
	 .example = "[job]"},
	{.name = "unit",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct promql_spec, unit),
	 .def = "",
	 .help = "the unit of the result: %, ms, s, B, MiB, or a word of yours",
	 .example = "s"},
	{.name = "range",
	 .type = KEY_GROUP,
	 .offset = offsetof(struct promql_spec, range),
	 .sub = range_keys,
	 .sub_size = sizeof(struct promql_range),
	 .help = "ask for points of a time instead of a moment; needs reduce",
	 .example = "{ last: 1h, step: 30s }"},
	{.name = "reduce",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct promql_spec, reduce),
	 .choices = reduces,
	 .def = "none",
	 .help = "with range: what to make of the points of a series; count is how many there are",
	 .example = "max"},
	{.name = "min_points",
	 .type = KEY_INT,
	 .offset = offsetof(struct promql_spec, min_points),
	 .min = 1,
	 .max = MAX_POINTS,
	 .def = "1",
	 .help = "with range: a series of fewer points is no measurement"},
	{.name = "max_gap",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct promql_spec, max_gap_ms),
	 .min = 1000,
	 .max = MAX_SPAN,
	 .help = "with range: a longer time without a point, at the beginning, between two or at "
		 "the end, is no measurement; without this key 5m, or two steps if that is longer",
	 .example = "10m"},
	{.name = "stale",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct promql_spec, stale_ms),
	 .min = 1,
	 .max = MAX_SPAN,
	 .help = "an answer whose newest point is older than this, seen from the time asked for, "
		 "is no measurement; without this key 5m, or max_gap if that is longer",
	 .example = "2m"},
	{.name = "ago",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct promql_spec, ago_ms),
	 .min = 0,
	 .max = MAX_SPAN,
	 .def = "0s",
	 .help = "ask as of so long before now: for samples that arrive late",
	 .example = "1m"},
	{.name = "min_series",
	 .type = KEY_INT,
	 .offset = offsetof(struct promql_spec, min_series),
	 .min = 1,
	 .max = 100000,
	 .def = "1",
	 .help = "fewer series are no measurement"},
	{.name = "max_series",
	 .type = KEY_INT,
	 .offset = offsetof(struct promql_spec, max_series),
	 .min = 1,
	 .max = 100000,
	 .def = "1000",
	 .help = "more series are no measurement"},
	{.name = "warnings",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct promql_spec, warnings),
	 .choices = warnings,
	 .def = "refuse",
	 .help = "an answer with warnings or infos is no measurement; infos takes those with "
		 "infos, "
		 "allow all"},
	{.name = "partial",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct promql_spec, partial),
	 .choices = partials,
	 .def = "refuse",
	 .help = "Thanos, VictoriaMetrics: an answer that leaves out a store which did not answer "
		 "is no measurement; allow takes it (Thanos says it by a warning)"},
	{.name = "max_size",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct promql_spec, max_size),
	 .min = 1,
	 .max = INT64_C(256) * 1024 * 1024,
	 .def = "16MiB",
	 .help = "a larger answer is no measurement"},
	KEY_END,
};

static const struct value_row promql_values[] = {
	{.name = "",
	 .type = VALUE_REAL,
	 .unit = "",
	 .usual = "< 5",
	 .help = "the value, one for each combination of by"},
	{.name = NULL},
};

static bool is_range(const struct promql_spec *spec)
{
	return spec->range.step_ms > 0;
}

static void check_range(struct keys_context *ctx, const struct check *c,
			const struct promql_spec *spec)
{
	static const char *const needs_range[] = {"reduce", "min_points", "max_gap"};

	for (size_t i = 0; i < sizeof(needs_range) / sizeof(needs_range[0]); i++)
		if (!is_range(spec) && node_get(c->spec_node, needs_range[i]) != NULL)
			(void)diags_at(ctx->diags, keys_pos(c->spec_node, needs_range[i]),
				       "add range: { last: 1h, step: 30s }",
				       "check \"%s\": \"%s\" is about the points of a range",
				       c->name, needs_range[i]);
	if (!is_range(spec))
		return;
	if (spec->reduce == PROMQL_REDUCE_NONE)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "range"),
			       "add reduce: last, min, max, avg or count",
			       "check \"%s\": a range gives many points, and one value is judged",
			       c->name);
	if (spec->range.step_ms > spec->range.last_ms)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "range"), NULL,
			       "check \"%s\": \"step\" is longer than \"last\"", c->name);
	else if (spec->range.last_ms / spec->range.step_ms >= MAX_POINTS)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "range"), "take a longer step",
			       "check \"%s\": more than %d points", c->name, MAX_POINTS);
}

static void promql_check(struct keys_context *ctx, struct check *c)
{
	struct promql_spec *spec = c->spec;

	check_range(ctx, c, spec);
	for (size_t i = 0; i < spec->by.n; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(spec->by.items[i], spec->by.items[k]) == 0)
				(void)diags_at(ctx->diags, spec->by.positions[i], NULL,
					       "check \"%s\": label \"%s\" is written twice",
					       c->name, spec->by.items[i]);
	if (spec->min_series > spec->max_series)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "min_series"), NULL,
			       "check \"%s\": \"min_series\" is more than \"max_series\"", c->name);
	if (spec->query != NULL && strlen(spec->query) > MAX_FORM / 4)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "query"), NULL,
			       "check \"%s\": the query is longer than %d bytes", c->name,
			       MAX_FORM / 4);
	if (spec->max_gap_ms == 0)
		spec->max_gap_ms =
			2 * spec->range.step_ms > DEFAULT_MS ? 2 * spec->range.step_ms : DEFAULT_MS;
	if (spec->stale_ms == 0)
		spec->stale_ms = spec->max_gap_ms;
}

static bool promql_has_value(const struct check *c, const char *name, struct value_row *row)
{
	const struct promql_spec *spec = c->spec;

	if (*name != '\0')
		return false;
	*row = promql_values[0];
	if (spec->reduce != PROMQL_REDUCE_COUNT)
		value_row_in(row, spec->unit);
	return true;
}

static const char *url_of(struct probe *p)
{
	const struct check *c = p->checks[0];

	return http_join(p->arena, c->target->location,
			 is_range(c->spec) ? "/api/v1/query_range" : "/api/v1/query");
}

static void promql_describe(struct probe *p, struct buf *out)
{
	const struct promql_spec *spec = p->checks[0]->spec;
	char last[NUM_REAL_MAX], step[NUM_REAL_MAX];
	size_t n = strlen(spec->query);

	while (n > 0 && spec->query[n - 1] == '\n')
		n--;
	/* the definition is bounded */
	(void)buf_printf(out, "POST %s\n%.*s\n", url_of(p), (int)n, spec->query);
	if (!is_range(spec))
		return;
	(void)num_format_duration(spec->range.last_ms, last); /* cannot fail */
	(void)num_format_duration(spec->range.step_ms, step); /* same */
	(void)buf_printf(out, "%s of the last %s, every %s\n", reduces[spec->reduce], last, step);
}

struct promql_state {
	struct buf body;
	struct promql_moment moment;
	const char *url, *form;
	struct pairs headers;
};

static void release_state(void *ptr)
{
	struct promql_state *s = ptr;

	buf_release(&s->body);
}

/* application/x-www-form-urlencoded */
static void put_form(struct buf *form, const char *name, const char *value)
{
	(void)buf_printf(form, "%s%s=", form->len > 0 ? "&" : "", name); /* the query is bounded */
	for (const char *p = value; *p != '\0'; p++) {
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		    (*p >= '0' && *p <= '9') || strchr("-._~", *p) != NULL)
			(void)buf_putc(form, *p);
		else
			(void)buf_printf(form, "%%%02X", (unsigned char)*p);
	}
}

static void put_seconds(struct buf *form, const char *name, int64_t ms)
{
	/* exact in a double's text: milliseconds are whole */
	(void)buf_printf(form, "&%s=%" PRId64 ".%03d", name, ms / 1000, (int)(ms % 1000));
}

static const char *make_form(struct probe *p, struct promql_moment *moment)
{
	const struct check *c = p->checks[0];
	const struct promql_spec *spec = c->spec;
	int64_t to_ms = clock_wall_ms(p->world->clock) - spec->ago_ms, from_ms = to_ms;
	bool may_leave_out = spec->partial != 0;
	struct buf form;
	const char *text;

	buf_init(&form, MAX_FORM);
	put_form(&form, "query", spec->query);
	if (is_range(spec)) {
		/* the last point is at the end, whatever the step */
		from_ms -= spec->range.last_ms / spec->range.step_ms * spec->range.step_ms;
		put_seconds(&form, "start", from_ms);
		put_seconds(&form, "end", to_ms);
		put_seconds(&form, "step", spec->range.step_ms);
	} else {
		put_seconds(&form, "time", to_ms);
	}
	put_seconds(&form, "timeout", c->timeout_ms);
	(void)buf_printf(&form, "&limit=%" PRId64, spec->max_series + 1);
	(void)buf_printf(&form, "&dedup=true&partial_response=%s",
			 may_leave_out ? "true" : "false");
	(void)buf_printf(&form, "&nocache=1&deny_partial_response=%d", may_leave_out ? 0 : 1);
	*moment = (struct promql_moment){(double)from_ms / 1000, (double)to_ms / 1000,
					 is_range(spec) ? (double)spec->range.step_ms / 1000 : 0};
	text = arena_strndup(p->arena, form.data, form.len);
	buf_release(&form);
	return text;
}

static int promql_begin(struct probe *p, struct http_request *req, struct err *e)
{
	const struct check *c = p->checks[0];
	const struct promql_spec *spec = c->spec;
	struct promql_state *s = arena_alloc(p->arena, sizeof(*s));

	(void)e; /* what could be wrong was found when the definition was read */
	s->url = url_of(p);
	s->form = make_form(p, &s->moment);
	s->headers.items = arena_alloc(p->arena, sizeof(*s->headers.items));
	s->headers.items[0] =
		(struct pair){.name = "Content-Type", .value = "application/x-www-form-urlencoded"};
	s->headers.n = 1;
	buf_init(&s->body, (size_t)spec->max_size);
	arena_defer(p->arena, release_state, s);
	p->state = s;
	req->method = "POST";
	req->url = s->url;
	req->headers = &c->target->headers;
	req->extra_headers = &s->headers;
	req->body = s->form;
	req->accept = "application/json";
	req->ca_file = c->target->ca_file;
	req->route = &c->target->route;
	req->max_body_bytes = spec->max_size;
	req->max_connections = (long)c->target->max_connections;
	return 0;
}

static int promql_on_body(struct probe *p, const char *data, size_t n, struct err *e)
{
	struct promql_state *s = p->state;
	const struct promql_spec *spec = p->checks[0]->spec;
	char limit[NUM_REAL_MAX];

	if (buf_add(&s->body, data, n) == 0)
		return 0;
	(void)num_format_size(spec->max_size, limit); /* cannot fail */
	return err_set(e, ERR_MEASURE, "the answer is larger than %s (max_size)", limit);
}

static int promql_finish(struct probe *p, const struct http_response *res, struct err *e)
{
	struct promql_state *s = p->state;
	const struct promql_reply reply = {s->body.data, res->content_type, s->url, s->body.len,
					   res->status};
	struct promql_answer answer;

	if (promql_answer_read(p, &reply, p->checks[0]->spec, &answer, e) != 0)
		return -1;
	return promql_measure(p, &answer, &s->moment, e);
}

const struct audit_kind audit_kind_promql = {
	.name = "promql",
	.family = "http",
	.summary = "a query to Prometheus, Thanos, Mimir or VictoriaMetrics: a moment or a range",
	.blind =
		"The server says what it stored, not how things are: an instant answer bears the "
		"time it was asked for and not that of the sample behind it, which may be as old "
		"as the server looks back (5 minutes; the timestamp of a metric can be asked for). "
		"A metric that is no longer scraped is missing, not bad: say how many series there "
		"must be (min_series). Whether Mimir or Prometheus left out a part without saying "
		"so cannot be seen.",
	.spec_size = sizeof(struct promql_spec),
	.keys = promql_keys,
	.values = promql_values,
	.targets = TARGET_BIT(TARGET_PROMETHEUS),
	.scalar_key = "query",
	.check = promql_check,
	.arsenal = &arsenal_promql,
	.has_value = promql_has_value,
	.describe = promql_describe,
	.begin = promql_begin,
	.on_body = promql_on_body,
	.finish = promql_finish,
};
