/*
 * scrape: one metric of a metrics endpoint, read as it arrives.
 *
 * Checks on the same page share one fetch. Nothing is kept of series nobody selected; of selected
 * ones a hash (to notice a duplicate) and the numbers of their group. Without agg a group must be
 * one series, because which of several was meant nobody knows. What the exposition says about
 * itself wins: its content type chooses the format, and a page, a wrong status or a torn line is no
 * measurement. With rate the page is read twice: the first time counters are only noted, the second
 * time their increases take the place of values.
 */
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "audits/exposition.h"
#include "audits/hash_table.h"
#include "audits/kind_rows.h"
#include "audits/scrape_group.h"
#include "audits/scrape_histogram.h"
#include "audits/scrape_rate.h"
#include "audits/scrape_spec.h"
#include "audits/series_selector.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/http.h"
#include "runner/model/kind.h"
#include "runner/model/unit.h"

#define ACCEPT_OPENMETRICS "application/openmetrics-text;version=1.0.0"
#define ACCEPT_PROMETHEUS  "text/plain;version=0.0.4"

static const char *scrape_merge_key(struct arena *a, const struct check *c)
{
	const struct scrape_spec *spec = c->spec;

	return arena_printf(a, "%s\x1f%d\x1f%" PRId64 "\x1f%" PRId64, spec->path, spec->format,
			    spec->max_size, spec->rate_ms);
}

/* What one check has seen so far. */
struct selection {
	const struct scrape_spec *spec;
	enum { OTHER, ASKED, CREATED, COUNT } at_hand; /* what the name at hand is to it */
	int64_t n_named;
	struct scrape_groups groups;
	struct scrape_histograms histograms; /* with quantile */
	struct scrape_rate rate;	     /* with rate */
	const char *remark;		     /* of it */
	struct hash_table seen;		     /* selected series */
	const char *problem;		     /* found while reading; NULL = none */
};

struct scrape_state {
	struct probe *probe;
	struct http_preview preview;
	struct exposition *exposition; /* NULL until the first byte */
	enum exposition_format format;
	struct selection *selections; /* one a check */
	const char *url;
	/* of the answer */
	int64_t n_bytes;
	bool is_length_known;
	/* with rate: which time it is, and of each time when it was and when the process began */
	size_t pass;
	int64_t read_us[2];
	double process_s[2]; /* NaN = it does not say */
};

#define PROCESS_START "process_start_time_seconds"

static void release_state(void *ptr)
{
	struct scrape_state *s = ptr;

	exposition_free(s->exposition);
	for (size_t i = 0; i < s->probe->n_checks; i++) {
		hash_table_release(&s->selections[i].seen);
		scrape_rate_release(&s->selections[i].rate);
		scrape_histograms_release(&s->selections[i].histograms);
		scrape_groups_release(&s->selections[i].groups);
	}
}

static int make_state(struct probe *p, struct err *e)
{
	const struct check *c = p->checks[0];
	const struct scrape_spec *spec = c->spec;
	struct scrape_state *s = arena_alloc(p->arena, sizeof(*s));

	s->probe = p;
	s->process_s[0] = s->process_s[1] = NAN;
	s->url = scrape_url(p);
	if (s->url == NULL)
		return err_set(e, ERR_MEASURE, "\"%s\" is not on the host of target \"%s\"",
			       spec->path, c->target->name);
	s->selections = arena_array(p->arena, p->n_checks, sizeof(*s->selections));
	for (size_t i = 0; i < p->n_checks; i++) {
		s->selections[i].spec = p->checks[i]->spec;
		scrape_groups_init(&s->selections[i].groups, p->arena, &s->selections[i].spec->by);
		scrape_histograms_init(&s->selections[i].histograms, p->arena,
				       &s->selections[i].groups);
		scrape_rate_init(&s->selections[i].rate, p->arena);
	}
	arena_defer(p->arena, release_state, s);
	p->state = s;
	return 0;
}

static void begin_second(struct scrape_state *s)
{
	s->pass = 1;
	s->preview = (struct http_preview){0};
	exposition_free(s->exposition);
	s->exposition = NULL;
	for (size_t i = 0; i < s->probe->n_checks; i++) {
		s->selections[i].n_named = 0;
		hash_table_clear(&s->selections[i].seen);
	}
}

static int scrape_begin(struct probe *p, struct http_request *req, struct err *e)
{
	const struct check *c = p->checks[0];
	const struct scrape_spec *spec = c->spec;
	struct scrape_state *s;

	if (p->state != NULL)
		begin_second(p->state);
	else if (make_state(p, e) != 0)
		return -1;
	s = p->state;
	req->url = s->url;
	req->headers = &c->target->headers;
	req->ca_file = c->target->ca_file;
	req->route = &c->target->route;
	req->max_body_bytes = spec->max_size;
	req->max_connections = (long)c->target->max_connections;
	req->preview = &s->preview;
	req->accept = spec->format == FORMAT_PROMETHEUS	   ? ACCEPT_PROMETHEUS
		      : spec->format == FORMAT_OPENMETRICS ? ACCEPT_OPENMETRICS
							   : ACCEPT_OPENMETRICS
			      "," ACCEPT_PROMETHEUS ";q=0.5,*/*;q=0.1";
	return 0;
}

/* ---- samples ---- */

/* Is it what the metric's family names with this suffix: x_created beside x_total or x_bucket? */
static bool is_beside(const struct selection *sel, const char *name, size_t n, const char *suffix)
{
	static const char *const endings[] = {"_total", "_bucket", "_count", "_sum"};
	const char *asked = sel->spec->selector.name;
	size_t n_base = strlen(asked), n_suffix = strlen(suffix);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		if (str_ends(asked, endings[i])) {
			n_base -= strlen(endings[i]);
			break;
		}
	}
	return n == n_base + n_suffix && memcmp(name, asked, n_base) == 0 &&
	       memcmp(name + n_base, suffix, n_suffix) == 0;
}

static bool wants(void *ctx, const char *name, size_t n)
{
	struct scrape_state *s = ctx;
	bool is_wanted = n == strlen(PROCESS_START) && memcmp(name, PROCESS_START, n) == 0;

	for (size_t i = 0; i < s->probe->n_checks; i++) {
		struct selection *sel = &s->selections[i];

		sel->at_hand = OTHER;
		if (series_selector_is_named(&sel->spec->selector, name, n))
			sel->at_hand = ASKED;
		else if (sel->spec->rate_ms > 0 && is_beside(sel, name, n, "_created"))
			sel->at_hand = CREATED;
		else if (sel->spec->quantile > 0 && is_beside(sel, name, n, "_count"))
			sel->at_hand = COUNT;
		is_wanted = is_wanted || sel->at_hand != OTHER;
	}
	return is_wanted;
}

static const char *age_problem(const struct scrape_state *s, const struct scrape_spec *spec,
			       const struct exposition_sample *sample)
{
	int64_t now_ms = clock_wall_ms(s->probe->world->clock);
	double age_ms = (double)now_ms - sample->timestamp_s * 1000;
	char age[NUM_REAL_MAX], limit[NUM_REAL_MAX];

	if (spec->max_age_ms == 0 || !sample->has_timestamp)
		return NULL;
	(void)num_format_duration(spec->max_age_ms, limit); /* cannot fail */
	if (age_ms > (double)spec->max_age_ms) {
		(void)num_format_duration(age_ms < 9e15 ? (int64_t)age_ms : INT64_MAX, age);
		return arena_printf(s->probe->arena,
				    "the sample in line %" PRId64 " is %s old, more "
				    "than %s (max_age)",
				    sample->line, age, limit);
	}
	if (age_ms < -(double)spec->max_age_ms)
		return arena_printf(s->probe->arena,
				    "the sample in line %" PRId64
				    " lies in the future by more than "
				    "%s (max_age)",
				    sample->line, limit);
	return NULL;
}

/* To its group, or as a bucket to the histogram there; a counter waits for the end of the page. */
static const char *count_in(const struct scrape_state *s, struct selection *sel,
			    const struct exposition_sample *sample)
{
	bool is_rate = sel->spec->rate_ms > 0, is_bucket = sel->spec->quantile > 0;
	const char *problem;
	double bound = 0;
	size_t at;

	if (is_bucket && (problem = scrape_histograms_note(&sel->histograms, sample)) != NULL)
		return problem;
	if (is_rate && s->pass == 0)
		return scrape_rate_first(&sel->rate, sample);
	problem = is_bucket ? scrape_histograms_place(&sel->histograms, sample, &at, &bound)
			    : scrape_groups_place(&sel->groups, sample, &at);
	if (problem != NULL)
		return problem;
	if (is_rate)
		return scrape_rate_second(&sel->rate, sample, at, bound);
	if (is_bucket)
		scrape_histograms_take(&sel->histograms, at, bound, sample->value);
	else
		scrape_groups_take(&sel->groups, at, sample->value);
	return NULL;
}

static void take(struct scrape_state *s, struct selection *sel,
		 const struct exposition_sample *sample)
{
	struct arena *a = s->probe->arena;
	struct err e = {0};
	bool is_new;
	int fits;

	sel->n_named++;
	fits = series_selector_matches(&sel->spec->selector, sample->labels, sample->n_labels, &e);
	if (fits < 0)
		sel->problem = arena_printf(a, "line %" PRId64 ": %s", sample->line, e.message);
	if (fits != 1)
		return;
	(void)hash_table_put(&sel->seen, scrape_series_hash(sample, NULL), &is_new);
	if (!is_new)
		sel->problem = arena_printf(a,
					    "line %" PRId64 ": the series was there before, so "
					    "there are two values for it",
					    sample->line);
	if (sel->problem == NULL)
		sel->problem = age_problem(s, sel->spec, sample);
	if (sel->problem == NULL)
		sel->problem = count_in(s, sel, sample);
}

static int on_sample(void *ctx, const struct exposition_sample *sample, struct err *e)
{
	struct scrape_state *s = ctx;

	(void)e; /* what one check cannot use does not stop the others */
	if (sample->n_labels == 0 && sample->name.n == strlen(PROCESS_START) &&
	    memcmp(sample->name.s, PROCESS_START, sample->name.n) == 0)
		s->process_s[s->pass] = sample->value;
	for (size_t i = 0; i < s->probe->n_checks; i++) {
		struct selection *sel = &s->selections[i];

		if (sel->problem != NULL)
			continue;
		switch (sel->at_hand) {
		case OTHER:
			break;
		case ASKED:
			take(s, sel, sample);
			break;
		case CREATED:
			sel->problem = scrape_rate_birth(&sel->rate, sample, s->pass == 1);
			break;
		case COUNT:
			sel->problem = scrape_histograms_count(&sel->histograms, sample);
			break;
		}
	}
	return 0;
}

static bool is_secret(void *ctx, const char *line, size_t n)
{
	const struct scrape_state *s = ctx;
	const char *text = probe_head(s->probe, line, n, n);

	return strlen(text) != n || memcmp(text, line, n) != 0; /* masked, or no text at all */
}

/* ---- the answer ---- */

static bool is_type(const char *content_type, const char *type)
{
	size_t n = strcspn(content_type, "; \t");

	return n == strlen(type) && strncasecmp(content_type, type, n) == 0;
}

/* The version of a content type, "" when it has none. */
static const char *version_of(struct arena *a, const char *content_type)
{
	const char *at = content_type;

	while ((at = strchr(at, ';')) != NULL) {
		at += 1 + strspn(at + 1, " \t");
		if (strncasecmp(at, "version=", 8) == 0)
			return arena_strndup(a, at + 8, strcspn(at + 8, "; \t"));
	}
	return "";
}

static int choose_by_type(struct scrape_state *s, enum exposition_format *out, struct err *e)
{
	struct arena *a = s->probe->arena;
	const char *type = s->preview.content_type, *version = version_of(a, type);

	if (type[0] == '\0') {
		(void)err_set(e, ERR_MEASURE, "the answer has no content type");
		return err_help(e, "set format: prometheus or format: openmetrics");
	}
	if (is_type(type, "text/plain") && (version[0] == '\0' || strcmp(version, "0.0.4") == 0)) {
		*out = EXPOSITION_PROMETHEUS;
		return 0;
	}
	if (is_type(type, "application/openmetrics-text") &&
	    (strcmp(version, "1.0.0") == 0 || strcmp(version, "0.0.1") == 0)) {
		*out = EXPOSITION_OPENMETRICS;
		return 0;
	}
	if (is_type(type, "text/html"))
		return err_set(e, ERR_MEASURE, "the answer is an HTML page, not an exposition");
	(void)err_set(e, ERR_MEASURE, "the content type \"%s\" is not one of an exposition",
		      str_escaped(a, type));
	return err_help(e, "set format: prometheus or format: openmetrics if it is one");
}

static int open_exposition(struct scrape_state *s, struct err *e)
{
	static const struct exposition_handler handler = {wants, on_sample, is_secret};
	const struct scrape_spec *spec = s->probe->checks[0]->spec;

	s->format = EXPOSITION_PROMETHEUS;
	s->probe->retry_after_ms = http_retry_wish_ms(s->preview.status, s->preview.retry_after,
						      clock_wall_ms(s->probe->world->clock));
	if (s->preview.status != 200)
		return err_set(e, ERR_MEASURE, "the answer has status %ld, an exposition has 200",
			       s->preview.status);
	if (spec->format == FORMAT_OPENMETRICS)
		s->format = EXPOSITION_OPENMETRICS;
	else if (spec->format == FORMAT_AUTO && choose_by_type(s, &s->format, e) != 0)
		return -1;
	s->read_us[s->pass] = clock_monotonic_us(s->probe->world->clock);
	s->exposition = exposition_new(s->format, &handler, s);
	return 0;
}

static int scrape_on_body(struct probe *p, const char *data, size_t n, struct err *e)
{
	struct scrape_state *s = p->state;

	const struct scrape_spec *spec = p->checks[0]->spec;

	if (s->exposition == NULL && open_exposition(s, e) != 0)
		return -1;
	if (exposition_feed(s->exposition, data, n, e) == 0)
		return 0;
	/* Exporters that get OpenMetrics wrong often speak the other format well. */
	if (s->format == EXPOSITION_OPENMETRICS && spec->format == FORMAT_AUTO)
		(void)err_help(e, "format: prometheus asks for the older, looser format");
	return -1;
}

/* Why nothing, or too little, was selected. */
static const char *count_problem(const struct scrape_state *s, const struct selection *sel)
{
	struct arena *a = s->probe->arena;
	int64_t n = (int64_t)sel->seen.n, n_all = exposition_samples(s->exposition);

	if (n >= sel->spec->min_series)
		return NULL;
	if (n > 0)
		return arena_printf(a, "%" PRId64 " series selected, min_series is %" PRId64, n,
				    sel->spec->min_series);
	if (sel->n_named > 0)
		return arena_printf(a,
				    "no series selected: %" PRId64 " are named \"%s\", none has "
				    "such labels",
				    sel->n_named, sel->spec->selector.name);
	if (n_all == 0)
		return "the exposition is empty";
	return arena_printf(a, "no series selected: of %" PRId64 " samples none is named \"%s\"",
			    n_all, sel->spec->selector.name);
}

/*
 * Why the page may not be all there is, though it ends with a line: neither a length nor chunks
 * mark the end of it, and Prometheus text has no end mark of its own.
 */
static const char *end_problem(const struct scrape_state *s, const struct selection *sel)
{
	char size[NUM_REAL_MAX], limit[NUM_REAL_MAX];

	if (s->n_bytes < sel->spec->min_size) {
		(void)num_format_size(s->n_bytes, size);	   /* cannot fail */
		(void)num_format_size(sel->spec->min_size, limit); /* same */
		return arena_printf(
			s->probe->arena,
			"the exposition has %s, less than min_size (%s): it may be torn", size,
			limit);
	}
	if (s->is_length_known || s->format == EXPOSITION_OPENMETRICS || sel->spec->min_size > 0)
		return NULL;
	return "nothing marked the end of the exposition, so it may be torn: say how large it is "
	       "at least (min_size)";
}

static struct measurement measure(const struct selection *sel, size_t i)
{
	const struct scrape_spec *spec = sel->spec;
	const struct scrape_quantile wanted = {
		.q = spec->quantile,
		.is_sum = spec->agg == SCRAPE_SUM,
		.is_bound_allowed = spec->beyond != 0,
	};

	return spec->quantile > 0 ? scrape_histograms_measure(&sel->histograms, i, &wanted)
				  : scrape_groups_measure(&sel->groups, i, spec->agg);
}

static void take_increase(void *ctx, const struct scrape_counter *c, double increase,
			  double seconds)
{
	struct selection *sel = ctx;

	if (sel->spec->quantile > 0)
		scrape_histograms_take(&sel->histograms, c->group, c->bound, increase);
	else
		scrape_groups_take(&sel->groups, c->group, increase / seconds);
}

/* Why the counters of two looks make no rate; NULL when they do, or when none is wanted. */
static const char *rate_problem(const struct scrape_state *s, struct selection *sel)
{
	const struct scrape_interval interval = {
		.seconds = (double)(s->read_us[1] - s->read_us[0]) / 1e6,
		/* false too when it does not say, which is NaN */
		.is_new_process =
			s->process_s[0] < s->process_s[1] || s->process_s[0] > s->process_s[1],
		.reset = (enum scrape_reset)sel->spec->reset,
	};

	return sel->spec->rate_ms > 0
		       ? scrape_rate_settle(&sel->rate, &interval, take_increase, sel, &sel->remark)
		       : NULL;
}

static void emit_selection(struct scrape_state *s, size_t i)
{
	struct selection *sel = &s->selections[i];
	const char *problem = sel->problem, *help = NULL, *unit;
	double factor = unit_to_base(sel->spec->unit, &unit);
	const char *query = arena_printf(s->probe->arena, "GET %s %s", s->url, sel->spec->metric);

	if (problem == NULL)
		problem = end_problem(s, sel);
	if (problem == NULL)
		problem = count_problem(s, sel);
	if (problem == NULL)
		problem = scrape_histograms_end(&sel->histograms);
	if (problem == NULL)
		problem = rate_problem(s, sel);
	if (problem == NULL)
		problem = scrape_groups_problem(&sel->groups, &help);
	if (problem != NULL) {
		struct measurement m = measurement_none("", problem);

		if (help != NULL)
			m.evidence = arena_printf(s->probe->arena, "help: %s", help);
		m.query = query;
		probe_emit(s->probe, i, &m);
		return;
	}
	if (scrape_groups_count(&sel->groups) == 0) { /* min_series: 0 allows it, for a count */
		struct measurement m = measurement_int("", 0, "");

		if (sel->n_named == 0)
			m.reason = arena_printf(s->probe->arena,
						"nothing on the page is named \"%s\": 0 is also "
						"what a misspelt name counts",
						sel->spec->selector.name);
		m.n = 0;
		m.query = query;
		probe_emit(s->probe, i, &m);
	}
	for (size_t k = 0; k < scrape_groups_count(&sel->groups); k++) {
		struct measurement m = measure(sel, k);

		if (m.value.type == VALUE_REAL) {
			m.is_rounded = fabs(m.value.real) >= 0x1p53; /* of several integers */
			m.value.real *= factor;
		}
		m.unit = sel->spec->agg == SCRAPE_COUNT ? "" : unit;
		if (m.reason == NULL)
			m.reason = sel->remark;
		m.query = query;
		probe_emit(s->probe, i, &m);
	}
}

/* The first of two looks is over: what was wrong with it stays wrong. */
static void end_first(struct scrape_state *s, int64_t rate_ms)
{
	for (size_t i = 0; i < s->probe->n_checks; i++) {
		struct selection *sel = &s->selections[i];

		if (sel->problem == NULL)
			sel->problem = end_problem(s, sel);
		if (sel->problem == NULL)
			sel->problem = count_problem(s, sel);
		if (sel->problem == NULL)
			sel->problem = scrape_histograms_end(&sel->histograms);
	}
	s->probe->again_ms = rate_ms;
}

static int scrape_finish(struct probe *p, const struct http_response *res, struct err *e)
{
	struct scrape_state *s = p->state;
	const struct scrape_spec *spec = p->checks[0]->spec; /* rate is that of all */

	s->preview.status = res->status;
	s->n_bytes = res->n_body_bytes;
	s->is_length_known = res->is_length_known;
	if (s->exposition == NULL) { /* not one byte came */
		if (res->status != 200)
			return open_exposition(s, e);
		return err_set(e, ERR_MEASURE, "the exposition is empty");
	}
	if (exposition_end(s->exposition, e) != 0)
		return -1;
	if (spec->rate_ms > 0 && s->pass == 0) {
		end_first(s, spec->rate_ms);
		return 0;
	}
	for (size_t i = 0; i < p->n_checks; i++)
		emit_selection(s, i);
	return 0;
}

const struct audit_kind audit_kind_scrape = {
	.name = "scrape",
	.family = "http",
	.summary = "a metric of an endpoint: Prometheus text or OpenMetrics, selected, aggregated",
	.blind = "A value is what the exporter says, at this moment; whether anything behind it "
		 "still moves only a second look tells. A page in Prometheus text that comes "
		 "without length and without chunks and is torn at a line end looks whole from "
		 "min_size on. A quantile is a guess inside a bucket, of all observations since "
		 "the exporter began to count, unless rate asks for those of a time. A counter "
		 "that was reset and has caught up is noticed only where the exporter says when "
		 "its process began (process_start_time_seconds) or it made the counter "
		 "(X_created).",
	.spec_size = sizeof(struct scrape_spec),
	.keys = scrape_keys,
	.values = scrape_values,
	.targets = TARGET_BIT(TARGET_HTTP),
	.scalar_key = "metric",
	.check = scrape_check,
	.arsenal = &arsenal_scrape,
	.check_bounds = scrape_check_bounds,
	.has_value = scrape_has_value,
	.merge_key = scrape_merge_key,
	.describe = scrape_describe,
	.begin = scrape_begin,
	.on_body = scrape_on_body,
	.finish = scrape_finish,
};
