/*
 * Series are told apart by the labels of `by` and by nothing else: two with the same are one too
 * many, because which was meant nobody knows. A point that is not a number, too old, or surrounded
 * by nothing for too long is no measurement; neither is a native histogram, which is many numbers.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "audits/exposition.h"
#include "audits/promql.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/json.h"
#include "runner/model/kind.h"
#include "runner/model/unit.h"

#define MAX_KEY	   (64 * 1024)
#define MAX_OTHERS 64
#define FUTURE_S   1.0 /* a moment may be rounded, but not more */

struct point {
	double at_s, value;
	bool is_rounded; /* see measurement.h */
};

/* What came with one set of labels. */
struct promql_group {
	struct measurement measurement;
	int64_t n; /* series */
};

struct measuring {
	struct probe *probe;
	const struct promql_spec *spec;
	const struct promql_answer *answer;
	const struct promql_moment *moment;
	struct map seen; /* label values of by -> struct promql_group */
	struct buf key;
	const char *unit;
	double factor;
};

static const char *duration(struct arena *a, double seconds)
{
	char text[NUM_REAL_MAX];

	(void)num_format_duration(seconds < 9e15 ? (int64_t)(seconds * 1000) : INT64_MAX, text);
	return arena_strdup(a, text);
}

/* Beyond 2^53 the server itself keeps no single steps; what its text has more is lost here. */
static bool is_rounded(const char *s, size_t n, double value)
{
	double plain;

	return fabs(value) >= 0x1p53 ||
	       (num_parse_real(s, n, &plain) == 0 && num_is_mistaken(s, n));
}

/* [ 1700000000.123, "12.5" ]; NULL, or why it is no point. */
static const char *read_point(const struct measuring *m, const struct json_t *pair,
			      struct point *out)
{
	struct json_value at, value;

	json_read(m->answer->doc, json_item(pair, 0), &at);
	json_read(m->answer->doc, json_item(pair, 1), &value);
	if (at.type == JSON_IS_INT)
		out->at_s = (double)at.integer;
	else if (at.type == JSON_IS_REAL)
		out->at_s = at.real;
	else
		return "the answer holds a point without a time";
	if (value.type != JSON_IS_TEXT || exposition_real(value.text, value.n, &out->value) != 0)
		return "the answer holds a point without a number";
	out->is_rounded = is_rounded(value.text, value.n, out->value);
	return NULL;
}

static const char *age_problem(const struct measuring *m, double at_s)
{
	struct arena *a = m->probe->arena;
	double age_s = m->moment->to_s - at_s, limit_s = (double)m->spec->stale_ms / 1000;

	if (age_s > limit_s)
		return arena_printf(a,
				    "the newest point is %s older than what was asked for, more "
				    "than %s (stale)",
				    duration(a, age_s), duration(a, limit_s));
	if (age_s < -FUTURE_S)
		return arena_printf(a, "the newest point is %s newer than what was asked for",
				    duration(a, -age_s));
	return NULL;
}

static struct measurement measure_instant(const struct measuring *m, const struct json_t *pair)
{
	struct point point;
	const char *problem = read_point(m, pair, &point);
	struct measurement out;

	if (problem == NULL)
		problem = age_problem(m, point.at_s);
	if (problem != NULL)
		return measurement_none("", problem);
	out = measurement_real("", point.value * m->factor, m->unit);
	out.is_rounded = point.is_rounded;
	return out;
}

/* ---- ranges ---- */

struct run {
	double previous_s, gap_s, gap_at_s;
	double last, min, max, sum;
	int64_t n;
	bool has_nan, has_rounded;
};

static void note_gap(struct run *r, double to_s)
{
	if (to_s - r->previous_s > r->gap_s) {
		r->gap_s = to_s - r->previous_s;
		r->gap_at_s = r->previous_s;
	}
	r->previous_s = to_s;
}

static void add_point(struct run *r, const struct point *point)
{
	note_gap(r, point->at_s);
	r->last = point->value;
	r->min = fmin(r->min, point->value);
	r->max = fmax(r->max, point->value);
	r->sum += point->value;
	r->has_nan = r->has_nan || isnan(point->value);
	r->has_rounded = r->has_rounded || point->is_rounded;
	r->n++;
}

static const char *read_run(const struct measuring *m, const struct json_t *values, struct run *r)
{
	const struct promql_moment *moment = m->moment;
	struct json_value list;

	*r = (struct run){.previous_s = moment->from_s, .min = INFINITY, .max = -INFINITY};
	json_read(m->answer->doc, values, &list);
	if (list.type != JSON_IS_ARRAY || list.n == 0)
		return "the answer holds a series without points";
	for (size_t i = 0; i < list.n; i++) {
		struct point point;
		const char *problem = read_point(m, json_item(values, i), &point);

		if (problem != NULL)
			return problem;
		if (i > 0 && !(point.at_s > r->previous_s))
			return "the points of a series are not in the order of time";
		if (point.at_s < moment->from_s - moment->step_s ||
		    point.at_s > moment->to_s + moment->step_s)
			return "the answer holds points outside of the range that was asked for";
		add_point(r, &point);
	}
	return NULL;
}

/* Are the points all over the range, or is there a hole nobody would see in their maximum? */
static const char *gap_problem(const struct measuring *m, struct run *r)
{
	struct arena *a = m->probe->arena;
	double limit_s = (double)m->spec->max_gap_ms / 1000;
	const char *problem = age_problem(m, r->previous_s);

	if (problem != NULL)
		return problem;
	note_gap(r, m->moment->to_s);
	if (r->n < m->spec->min_points)
		return arena_printf(a, "%" PRId64 " points in the range, min_points is %" PRId64,
				    r->n, m->spec->min_points);
	if (r->gap_s > limit_s)
		return arena_printf(a,
				    "no point for %s, beginning %s before the end of the range, "
				    "longer than %s (max_gap)",
				    duration(a, r->gap_s),
				    duration(a, m->moment->to_s - r->gap_at_s),
				    duration(a, limit_s));
	return NULL;
}

static double reduced(const struct run *r, enum promql_reduce reduce)
{
	switch (reduce) {
	case PROMQL_REDUCE_NONE:
	case PROMQL_REDUCE_LAST:
		return r->last;
	case PROMQL_REDUCE_MIN:
		return r->has_nan ? NAN : r->min;
	case PROMQL_REDUCE_MAX:
		return r->has_nan ? NAN : r->max;
	case PROMQL_REDUCE_AVG:
		return r->sum / (double)r->n;
	case PROMQL_REDUCE_COUNT:
		return (double)r->n;
	}
	return NAN;
}

static struct measurement measure_range(const struct measuring *m, const struct json_t *values)
{
	enum promql_reduce reduce = (enum promql_reduce)m->spec->reduce;
	struct run run;
	const char *problem = read_run(m, values, &run);
	struct measurement out;

	if (problem == NULL)
		problem = gap_problem(m, &run);
	if (problem != NULL)
		return measurement_none("", problem);
	if (reduce == PROMQL_REDUCE_COUNT) {
		out = measurement_int("", run.n, "");
	} else {
		out = measurement_real("", reduced(&run, reduce) * m->factor, m->unit);
		out.is_rounded = run.has_rounded;
	}
	out.n = run.n;
	return out;
}

/* ---- series ---- */

/* The values of the labels in one text; a length before each keeps them apart. */
static int make_key(struct measuring *m, const struct json_t *metric, struct label *labels,
		    struct err *e)
{
	buf_reset(&m->key);
	m->key.is_full = false;
	for (size_t i = 0; i < m->spec->by.n; i++) {
		struct json_value v;

		json_read(m->answer->doc, json_member(metric, m->spec->by.items[i]), &v);
		labels[i].name = m->spec->by.items[i];
		labels[i].value =
			v.type == JSON_IS_TEXT ? arena_strdup(m->probe->arena, v.text) : "";
		/* looked at once, below */
		(void)buf_printf(&m->key, "%zu:%s", strlen(labels[i].value), labels[i].value);
	}
	return m->key.is_full ? err_set(e, ERR_MEASURE, "the labels of by are longer than %d bytes",
					MAX_KEY)
			      : 0;
}

static struct measurement measure_one(const struct measuring *m, const struct json_t *series)
{
	bool is_range = m->moment->step_s > 0;
	struct measurement out;

	if (json_member(series, is_range ? "histograms" : "histogram") != NULL)
		return measurement_none("", "the series is a native histogram, not a number: ask "
					    "for histogram_quantile() or another function of it");
	if (is_range)
		return measure_range(m, json_member(series, "values"));
	out = measure_instant(m, json_member(series, "value"));
	out.n = 1;
	return out;
}

static int add_series(struct measuring *m, const struct json_t *series, struct err *e)
{
	struct arena *a = m->probe->arena;
	struct label *labels = arena_array(a, m->spec->by.n, sizeof(*labels));
	struct promql_group *group;

	if (make_key(m, json_member(series, "metric"), labels, e) != 0)
		return -1;
	group = map_get(&m->seen, m->key.data);
	if (group == NULL) {
		group = arena_alloc(a, sizeof(*group));
		group->measurement = measure_one(m, series);
		(void)map_put(&m->seen, arena_strdup(a, m->key.data), group); /* known to be new */
	}
	group->n++;
	if (group->n > 1) {
		group->measurement = measurement_none(
			"", arena_printf(a,
					 "%" PRId64 " series%s and one is wanted: name labels in "
					 "by, or aggregate them in the query",
					 group->n, m->spec->by.n > 0 ? " with these labels" : ""));
		group->measurement.n = group->n;
	}
	group->measurement.labels = labels;
	group->measurement.n_labels = m->spec->by.n;
	return 0;
}

/* A label of by that no series has is a slip of the finger, and would make one group of all. */
static int check_labels(const struct measuring *m, size_t n, struct err *e)
{
	const struct texts *by = &m->spec->by;
	const char *names[MAX_OTHERS];
	struct json_t *value;
	size_t n_names = 0;
	void *at = NULL;
	int close;

	for (size_t i = 0; i < by->n; i++) {
		bool is_there = false;

		for (size_t k = 0; k < n && !is_there; k++) {
			const struct json_t *metric =
				json_member(json_item(m->answer->result, k), "metric");

			is_there = json_member(metric, by->items[i]) != NULL;
		}
		if (is_there)
			continue;
		while (n_names < MAX_OTHERS &&
		       json_member_next(json_member(json_item(m->answer->result, 0), "metric"), &at,
					&names[n_names], &value))
			n_names++;
		close = str_closest(by->items[i], names, n_names);
		(void)err_set(e, ERR_MEASURE, "no series of the answer has the label \"%s\" of by",
			      by->items[i]);
		return close >= 0 ? err_help(e, "did you mean \"%s\"?",
					     str_escaped(m->probe->arena, names[close]))
				  : err_help(e, "take it out of by, or keep it in the query "
						"(sum by (...))");
	}
	return 0;
}

static int check_count(const struct measuring *m, size_t n, struct err *e)
{
	const struct promql_spec *spec = m->spec;

	if (n == 0) {
		(void)err_set(e, ERR_MEASURE, "the query gives no series");
		return err_help(e, "if none means zero, say so: (QUERY) or vector(0)");
	}
	if ((int64_t)n > spec->max_series)
		return err_set(e, ERR_MEASURE, "more than %" PRId64 " series (max_series)",
			       spec->max_series);
	if ((int64_t)n < spec->min_series)
		return err_set(e, ERR_MEASURE, "%zu series, min_series is %" PRId64, n,
			       spec->min_series);
	return 0;
}

static void emit(const struct measuring *m, struct measurement out)
{
	if (out.reason == NULL)
		out.reason = m->answer->remark;
	out.query = m->spec->query;
	probe_emit(m->probe, 0, &out);
}

static int measure_all(struct measuring *m, struct err *e)
{
	struct json_value list;

	if (strcmp(m->answer->type, "scalar") == 0) {
		struct measurement out = measure_instant(m, m->answer->result);

		if (m->spec->by.n > 0)
			return err_set(e, ERR_MEASURE,
				       "the query gives a scalar, which has no labels (by)");
		out.n = 1;
		emit(m, out);
		return 0;
	}
	json_read(m->answer->doc, m->answer->result, &list);
	if (check_count(m, list.n, e) != 0 || check_labels(m, list.n, e) != 0)
		return -1;
	for (size_t i = 0; i < list.n; i++)
		if (add_series(m, json_item(m->answer->result, i), e) != 0)
			return -1;
	for (size_t i = 0; i < m->seen.n; i++) {
		const struct promql_group *group = m->seen.entries[i].value;

		emit(m, group->measurement);
	}
	return 0;
}

int promql_measure(struct probe *p, const struct promql_answer *answer,
		   const struct promql_moment *moment, struct err *e)
{
	struct measuring m = {
		.probe = p, .spec = p->checks[0]->spec, .answer = answer, .moment = moment};
	int rc;

	m.factor = unit_to_base(m.spec->unit, &m.unit);
	map_init(&m.seen, p->arena);
	buf_init(&m.key, MAX_KEY);
	rc = measure_all(&m, e);
	buf_release(&m.key);
	return rc;
}
