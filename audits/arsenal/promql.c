/*
 * A check of kind promql is attacked in the answer of the query API: its points, its series, its
 * times. What the query itself would have made of damaged samples only the server knows, so a
 * metric that is renamed or gone there is an answer without series here.
 */
#include <inttypes.h>
#include <string.h>

#include "audits/arsenal/metrics.h"
#include "audits/arsenal/replay.h"
#include "audits/kind_rows.h"
#include "audits/exposition.h"
#include "audits/json_edit.h"
#include "audits/promql.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/json.h"

#define AN_HOUR_S 3600.0
#define BIT(row)  (1u << ((row)-METRIC_DOUBLED))

static const char instance[] = "instance";

/* What a value of the document is, by its number. */
struct part {
	enum { ELSE, SERIES, POINT, TIME, VALUE, LABEL } is;
	double v;		 /* TIME, VALUE */
	const char *name, *text; /* LABEL */
	size_t series, point;
	size_t n_points; /* POINT: of its series */
};

struct querying {
	struct replay *replay;
	struct json_doc *doc; /* the arena's to free */
	struct part *parts;
	size_t n_parts;
	size_t n_series, n_points; /* points: the most that a series has */
	size_t result;		   /* its number */
};

static int begin(struct challenge *c, struct err *e)
{
	struct querying *q = arena_alloc(c->arena, sizeof(*q));

	(void)e; /* nothing can fail */
	q->replay = replay_new(c);
	c->state = q;
	return 0;
}

/* ---- what the answer holds ---- */

static double number_of(const struct json_doc *doc, const struct json_t *at)
{
	struct json_value v;

	json_read(doc, at, &v);
	return v.type == JSON_IS_INT ? (double)v.integer : v.type == JSON_IS_REAL ? v.real : 0;
}

/* [time, "value"], whose number is n */
static void note_point(struct querying *q, size_t n, const struct json_t *pair, struct part at)
{
	struct json_value v;

	json_read(q->doc, json_item(pair, 1), &v);
	q->parts[n] = at;
	q->parts[n].is = POINT;
	q->parts[n + 1] = at;
	q->parts[n + 1].is = TIME;
	q->parts[n + 1].v = number_of(q->doc, json_item(pair, 0));
	q->parts[n + 2] = at;
	q->parts[n + 2].is = VALUE;
	if (v.type == JSON_IS_TEXT)
		(void)exposition_real(v.text, v.n, &q->parts[n + 2].v); /* the check could */
}

static void note_values(struct querying *q, size_t n, struct json_t *list, struct part at)
{
	struct json_value v;

	json_read(q->doc, list, &v);
	at.n_points = v.n;
	if (v.n > q->n_points)
		q->n_points = v.n;
	n++;
	for (size_t i = 0; i < v.n; i++) {
		at.point = i;
		note_point(q, n, json_item(list, i), at);
		n += json_size_of(q->doc, json_item(list, i));
	}
}

static void note_labels(struct querying *q, size_t n, struct json_t *metric, struct part at)
{
	const char *name;
	struct json_t *value;
	void *walk = NULL;

	n++;
	while (json_member_next(metric, &walk, &name, &value)) {
		struct json_value v;

		json_read(q->doc, value, &v);
		q->parts[n] = at;
		q->parts[n].is = LABEL;
		q->parts[n].name = name;
		q->parts[n].text = v.type == JSON_IS_TEXT ? v.text : "";
		n += json_size_of(q->doc, value);
	}
}

static void note_series(struct querying *q, size_t n, struct json_t *series, size_t i)
{
	struct part at = {.is = SERIES, .series = i, .n_points = 1};
	const char *name;
	struct json_t *member;
	void *walk = NULL;

	q->parts[n++] = at;
	while (json_member_next(series, &walk, &name, &member)) {
		if (strcmp(name, "metric") == 0)
			note_labels(q, n, member, at);
		else if (strcmp(name, "value") == 0)
			note_point(q, n, member, at);
		else if (strcmp(name, "values") == 0)
			note_values(q, n, member, at);
		n += json_size_of(q->doc, member);
	}
}

static void free_doc(void *doc)
{
	json_free(doc);
}

/* The check could read it. -1: then we can, or nothing of it is attacked. */
static int read_answer(struct challenge *c, struct querying *q, struct err *e)
{
	const struct http_taped *x = &q->replay->tape.items[0];
	struct json_t *data, *result;
	struct json_value v, type;
	size_t n;

	if (json_parse(x->body, x->n_body, &q->doc, e) != 0)
		return -1;
	arena_defer(c->arena, free_doc, q->doc);
	data = json_member(json_root(q->doc), "data");
	result = json_member(data, "result");
	q->n_parts = json_size_of(q->doc, json_root(q->doc));
	q->parts = arena_array(c->arena, q->n_parts + 3, sizeof(*q->parts));
	q->result = n = json_number_of(q->doc, result);
	json_read(q->doc, result, &v);
	json_read(q->doc, json_member(data, "resultType"), &type);
	if (type.type == JSON_IS_TEXT && strcmp(type.text, "scalar") == 0) {
		note_point(q, n, result, (struct part){.n_points = 1});
		return 0;
	}
	q->n_series = v.n;
	n++;
	for (size_t i = 0; i < v.n; i++) {
		note_series(q, n, json_item(result, i), i);
		n += json_size_of(q->doc, json_item(result, i));
	}
	return 0;
}

/* ---- survey ---- */

/* Of a label of by: the first of several values. */
static void survey_label(struct challenge *c, const struct querying *q, const char *label)
{
	struct metric_object x = {.label = label};

	for (size_t i = 0; i < q->n_parts; i++) {
		const struct part *part = &q->parts[i];

		if (part->is != LABEL || strcmp(part->name, label) != 0)
			continue;
		if (x.value == NULL)
			x.value = part->text;
		if (strcmp(x.value, part->text) == 0)
			continue;
		(void)metric_add(c, METRIC_LABEL_MISSING,
				 replay_printf(c, "%s=\"%s\"", label, x.value), &x);
		return;
	}
}

/* A query that says which instance it means gets no other. */
static void survey_target(struct challenge *c, const struct promql_spec *spec)
{
	const struct metric_object x = {.label = instance};
	struct attack *a;

	for (size_t i = 0; i < spec->by.n; i++) {
		if (strcmp(spec->by.items[i], instance) != 0)
			continue;
		a = metric_add(c, METRIC_OTHER_TARGET, instance, &x);
		if (strstr(spec->query, instance) == NULL)
			return;
		a->settled = ATTACK_GUARDED;
		a->reason = "the query names the instance: the server gives no other";
		return;
	}
}

static void survey_series(struct challenge *c, const struct querying *q, const char *name)
{
	const struct promql_spec *spec = c->check->spec;

	(void)metric_add(c, METRIC_MISSING, name, NULL);
	if (q->n_series > 1)
		metric_survey_lost(c, METRIC_LOST, name, q->n_series);
	for (size_t i = 0; i < spec->by.n; i++)
		survey_label(c, q, spec->by.items[i]);
	(void)metric_add(c, METRIC_DUPLICATE, name, NULL);
	survey_target(c, spec);
}

static damage_fn damage;

static int survey(struct challenge *c, struct err *e)
{
	struct querying *q = c->state;
	const struct promql_spec *spec = c->check->spec;
	const char *name = "the value";

	if (read_answer(c, q, e) != 0)
		return -1;
	replay_survey(c, q->replay, metric_rows, (1u << REPLAY_N_ROWS) - 1);
	(void)metric_add(c, METRIC_MEMBER_ADDED, "", NULL);
	if (q->n_series > 1)
		(void)metric_add(c, METRIC_REORDERED, "", NULL);
	if (spec->reduce != PROMQL_REDUCE_COUNT)
		metric_survey_values(c, name,
				     (BIT(METRIC_LAST_VALUE) - 1) | BIT(METRIC_LAST_VALUE));
	if (q->n_series > 0)
		survey_series(c, q, "the series");
	/* Older samples of a range are newer ones that are missing: no server gives others. */
	if (spec->reduce == PROMQL_REDUCE_NONE)
		(void)metric_survey_stale(c, "the answer", AN_HOUR_S);
	if (q->n_points > 1)
		metric_survey_lost(c, METRIC_NEWEST_LOST, "", q->n_points);
	metric_settle(c, q->replay, damage);
	return 0;
}

/* ---- damage ---- */

struct editing {
	const struct damage *d;
	const struct querying *q;
	const struct metric_object *object;
	size_t row;
};

static bool is_lost(const struct editing *x, const struct part *part)
{
	switch (x->row) {
	case METRIC_MISSING:
		return true;
	case METRIC_LOST:
		return part->series >= metric_kept(x->object->n, x->d->dose);
	case METRIC_LABEL_MISSING:
		for (size_t i = 0; i < x->q->n_parts; i++) {
			const struct part *label = &x->q->parts[i];

			if (label->is == LABEL && label->series == part->series &&
			    strcmp(label->name, x->object->label) == 0)
				return strcmp(label->text, x->object->value) == 0;
		}
		return false;
	default: /* nothing of series */
		return false;
	}
}

/* The text of the i-th series, as it came. */
static void put_raw(const struct editing *x, size_t series, struct buf *out)
{
	const struct http_taped *answer = x->d->answer;
	size_t number = 0, from, n;

	while (x->q->parts[number].is != SERIES || x->q->parts[number].series != series)
		number++;
	json_span(answer->body, answer->n_body, number, &from, &n);
	(void)buf_add(out, answer->body + from, n); /* as long as the answer */
}

static enum json_edit edit_series(const struct editing *x, const struct part *part, struct buf *out)
{
	size_t last = x->q->n_series - 1;

	if (x->row == METRIC_DUPLICATE && part->series == 0) {
		put_raw(x, 0, out);
		(void)buf_putc(out, ',');
		put_raw(x, 0, out);
		return JSON_REPLACE;
	}
	if (x->row == METRIC_REORDERED && (part->series == 0 || part->series == last)) {
		put_raw(x, last - part->series, out);
		return JSON_REPLACE;
	}
	return is_lost(x, part) ? JSON_DROP : JSON_KEEP;
}

static enum json_edit edit(void *ctx, size_t number, struct buf *out)
{
	const struct editing *x = ctx;
	const struct part *part = &x->q->parts[number];

	switch (part->is) {
	case ELSE:
		return JSON_KEEP;
	case SERIES:
		return edit_series(x, part, out);
	case POINT:
		return x->row == METRIC_NEWEST_LOST &&
				       part->point >= metric_kept(part->n_points, x->d->dose)
			       ? JSON_DROP
			       : JSON_KEEP;
	case TIME:
		if (x->row != METRIC_STALE)
			return JSON_KEEP;
		(void)buf_printf(out, "%.3f", part->v - x->d->dose); /* short */
		return JSON_REPLACE;
	case VALUE:
		if (x->row > METRIC_LAST_VALUE)
			return JSON_KEEP;
		(void)buf_printf(out, "\"%s\"",
				 metric_value(x->d->arena, x->row, x->d->dose, part->v)); /* same */
		return JSON_REPLACE;
	case LABEL:
		if (x->row != METRIC_OTHER_TARGET || strcmp(part->name, x->object->label) != 0)
			return JSON_KEEP;
		(void)buf_printf(out, "\"another-%zu\"", part->series); /* same */
		return JSON_REPLACE;
	}
	return JSON_KEEP;
}

static void damage(struct damage *d)
{
	struct editing x = {.d = d,
			    .q = d->challenge->state,
			    .object = d->attack->state,
			    .row = metric_row(d->attack)};
	struct buf b;

	if (replay_damage(d, x.row, false))
		return;
	if (x.row == METRIC_MEMBER_ADDED) {
		damage_add_member(d);
		return;
	}
	buf_init(&b, BUF_UNBOUNDED); /* at most twice the answer */
	json_edit(d->answer->body, d->answer->n_body, edit, &x, &b);
	damage_body(d, arena_strndup(d->arena, b.data, b.len), b.len);
	buf_release(&b);
}

static int strike(struct challenge *c, const struct attack *a, double dose, struct probe *p,
		  struct err *e)
{
	const struct querying *q = c->state;
	const struct strike s = {c, a, dose, p};

	return replay_strike(q->replay, &s, damage, e);
}

const struct arsenal arsenal_promql = {
	.rows = metric_rows_of_queries,
	.open = begin,
	.survey = survey,
	.strike = strike,
	.words = metric_words,
};
