/*
 * recorded: what others measured and pushed into the record (`assize record NAME VALUE`).
 *
 * A measurement is only as good as it is young: max_age is required, and what is older is no value
 * but a reason. Values of several label sets are told apart by by:, picked by labels:, or reckoned
 * together by agg:; which of two sets is meant is never guessed.
 */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/io/clock.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/model/unit.h"

#define MAX_SERIES 1000
#define MAX_SETS   50 /* label sets, in evidence */

enum agg { AGG_LAST, AGG_SUM, AGG_AVG, AGG_MIN, AGG_MAX, AGG_COUNT };
static const char *const agg_names[] = {"last", "sum", "avg", "min", "max", "count", NULL};

struct recorded_spec {
	const char *name;
	struct pairs labels;
	struct texts by;
	int agg; /* enum agg */
	int64_t max_age_ms, window_ms, forget_ms;
	const char *unit;
};

static const struct key_row recorded_keys[] = {
	{.name = "name",
	 .type = KEY_NAME,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct recorded_spec, name),
	 .help = "what it is recorded under",
	 .example = "satisfaction"},
	{.name = "max_age",
	 .type = KEY_DURATION,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct recorded_spec, max_age_ms),
	 .min = 1000,
	 .max = INT64_C(3660) * 24 * 3600 * 1000,
	 .help = "how old the newest value may be; an older one is no value",
	 .example = "7d"},
	{.name = "labels",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct recorded_spec, labels),
	 .help = "only values with these labels",
	 .example = "{ shop: paris }"},
	{.name = "by",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct recorded_spec, by),
	 .help = "labels that tell series apart, one each; at most 1,000",
	 .example = "[shop]"},
	{.name = "agg",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct recorded_spec, agg),
	 .choices = agg_names,
	 .def = "last",
	 .help = "the newest value, or what the values of `window` come to"},
	{.name = "window",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct recorded_spec, window_ms),
	 .min = 1000,
	 .max = INT64_C(3660) * 24 * 3600 * 1000,
	 .help = "with agg: how far back values count; default is max_age",
	 .example = "30d"},
	{.name = "forget",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct recorded_spec, forget_ms),
	 .min = 1000,
	 .max = INT64_C(3660) * 24 * 3600 * 1000,
	 .help = "labels not heard of for so long are left out, not missed: a series of by, or "
		 "with agg last what else would make values of different labels; default never",
	 .example = "90d"},
	{.name = "unit",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct recorded_spec, unit),
	 .def = "",
	 .help = "the unit the values are in: %, ms, s, B, MiB, or a word of yours",
	 .example = "\"%\""},
	KEY_END,
};

static const struct value_row recorded_values[] = {
	{.name = "",
	 .type = VALUE_REAL,
	 .unit = "",
	 .usual = ">= 5",
	 .help = "the value, or what values come to"},
	{.name = NULL},
};

static bool recorded_has_value(const struct check *c, const char *name, struct value_row *row)
{
	const struct recorded_spec *spec = c->spec;

	if (*name)
		return false;
	*row = recorded_values[0];
	if (spec->agg != AGG_COUNT)
		value_row_in(row, spec->unit);
	return true;
}

static int64_t window_of(const struct recorded_spec *spec)
{
	return spec->window_ms > 0 ? spec->window_ms : spec->max_age_ms;
}

static void recorded_check(struct keys_context *ctx, struct check *c)
{
	const struct recorded_spec *spec = c->spec;

	if (spec->window_ms > 0 && spec->agg == AGG_LAST)
		diags_at(ctx->diags, keys_pos(c->spec_node, "window"),
			 "say agg: avg (sum, min, max, count), or leave window out",
			 "check \"%s\": window is for what several values come to", c->name);
	if (spec->forget_ms > 0 && spec->by.n == 0 && spec->agg != AGG_LAST)
		diags_at(ctx->diags, keys_pos(c->spec_node, "forget"), NULL,
			 "check \"%s\": forget is for series told apart with by, or for the newest "
			 "value: window says how far back values count",
			 c->name);
	if (spec->forget_ms > 0 && spec->forget_ms < spec->max_age_ms)
		diags_at(ctx->diags, keys_pos(c->spec_node, "forget"), NULL,
			 "check \"%s\": forget is shorter than max_age: what is late would not be "
			 "missed",
			 c->name);
}

static void recorded_wish(struct arena *a, const struct check *c, struct wish *out)
{
	const struct recorded_spec *spec = c->spec;

	(void)a;
	out->external = spec->name;
	out->window_ms = window_of(spec);
}

static void recorded_describe(struct probe *p, struct buf *out)
{
	const struct recorded_spec *spec = p->checks[0]->spec;

	(void)buf_printf(out, "%s of what was recorded as %s", agg_names[spec->agg], spec->name);
	for (size_t i = 0; i < spec->labels.n; i++)
		(void)buf_printf(out, "%s%s=\"%s\"", i == 0 ? " with " : ", ",
				 spec->labels.items[i].name, spec->labels.items[i].value);
	(void)buf_putc(out, '\n'); /* the definition is bounded */
}

/* ---- groups ---- */

/* Values that become one series. */
struct group_of {
	const char *key;
	const struct label *labels;
	const struct external *newest;
	struct map sets; /* struct external *, the newest of each label set */
	bool has_reals;	 /* else all values are integers */
	int64_t n;	 /* within the window */
	double sum, min, max;
	const char *trouble; /* of the newest value, or the first that cannot be reckoned with */
};

struct recorded {
	struct probe *probe;
	const struct recorded_spec *spec;
	int64_t now_ms;
	struct group_of *groups;
	size_t n_groups;
	bool has_forgotten;
};

static const char *label_of(const struct external *x, const char *name)
{
	for (size_t i = 0; i < x->n_labels; i++)
		if (strcmp(x->labels[i].name, name) == 0)
			return x->labels[i].value;
	return NULL;
}

static bool is_picked(const struct recorded_spec *spec, const struct external *x)
{
	for (size_t i = 0; i < spec->labels.n; i++)
		if (!str_equal(label_of(x, spec->labels.items[i].name),
			       spec->labels.items[i].value))
			return false;
	return true;
}

/* NULL: there are more than MAX_SERIES. */
static struct group_of *group_of(struct recorded *r, const struct external *x)
{
	const struct texts *by = &r->spec->by;
	struct arena *a = r->probe->arena;
	struct label *labels = arena_array(a, by->n + 1, sizeof(*labels));
	struct measurement m = measurement_none("", "");

	for (size_t i = 0; i < by->n; i++) {
		const char *value = label_of(x, by->items[i]);

		labels[i] = (struct label){by->items[i], value ? value : ""};
	}
	m.labels = labels;
	m.n_labels = by->n;
	const char *key = measurement_series(a, &m);

	for (size_t i = 0; i < r->n_groups; i++)
		if (strcmp(r->groups[i].key, key) == 0)
			return &r->groups[i];
	if (r->n_groups == MAX_SERIES)
		return NULL;
	r->groups[r->n_groups] =
		(struct group_of){.key = key, .labels = labels, .min = INFINITY, .max = -INFINITY};
	map_init(&r->groups[r->n_groups].sets, a);
	return &r->groups[r->n_groups++];
}

/* From here on a double may stand for several integers. */
#define MAX_EXACT 0x1p53

/* The number in base unit; NaN: it is in another unit than the check says. */
static double number_of(const struct recorded_spec *spec, const struct external *x)
{
	const char *base, *expected;
	double factor = unit_to_base(x->unit, &base);

	(void)unit_to_base(spec->unit, &expected); /* values say their own factor */
	if (strcmp(base, expected) != 0)
		return NAN;
	return factor * (x->value.type == VALUE_INT ? (double)x->value.integer : x->value.real);
}

static bool is_large(const struct external *x)
{
	return x->value.type == VALUE_INT && fabs((double)x->value.integer) >= MAX_EXACT;
}

/* What is wrong with a value by itself; NULL = nothing. */
static const char *problem_of(const struct recorded *r, const struct external *x, double v)
{
	if (isnan(v))
		return arena_printf(r->probe->arena,
				    "a value is in \"%s\", but the check says unit: \"%s\"",
				    x->unit, r->spec->unit);
	if (is_large(x))
		return "a value is an integer beyond 2^53, which is not reckoned with exactly";
	return NULL;
}

static void note_set(struct group_of *g, const struct external *x)
{
	const struct external **newest = map_get(&g->sets, x->series);

	if (!newest) {
		newest = arena_alloc(g->sets.arena, sizeof(*newest));
		(void)map_put(&g->sets, x->series, newest); /* it is new */
	}
	*newest = x;
}

static void take(struct recorded *r, struct group_of *g, const struct external *x)
{
	const struct recorded_spec *spec = r->spec;
	double v = number_of(spec, x);

	note_set(g, x);
	g->newest = x; /* they come oldest first */
	if (spec->agg == AGG_LAST)
		g->trouble = isnan(v) ? problem_of(r, x, v) : NULL;
	else if (x->at_ms < r->now_ms - window_of(spec))
		return;
	else if (spec->agg != AGG_COUNT && !g->trouble)
		g->trouble = problem_of(r, x, v);
	g->has_reals = g->has_reals || x->value.type != VALUE_INT;
	g->n++;
	g->sum += v;
	g->min = fmin(g->min, v);
	g->max = fmax(g->max, v);
}

/* ---- measurements ---- */

static const char *age_text(struct arena *a, int64_t ms)
{
	char text[NUM_REAL_MAX];

	(void)num_format_duration(ms, text); /* its length */
	return arena_strdup(a, text);
}

static int by_silence(const void *a, const void *b)
{
	const struct external *const *x = a, *const *y = b;

	if ((*x)->at_ms != (*y)->at_ms)
		return (*x)->at_ms < (*y)->at_ms ? -1 : 1;
	return strcmp((*x)->series, (*y)->series);
}

/* The newest of each label set of the group, that of the set which is silent longest first. */
static const struct external **sets_of(struct arena *a, const struct group_of *g)
{
	const struct external **sets = arena_array(a, g->sets.n + 1, sizeof(*sets));

	for (size_t i = 0; i < g->sets.n; i++)
		sets[i] = *(const struct external **)g->sets.entries[i].value;
	qsort(sets, g->sets.n, sizeof(*sets), by_silence);
	return sets;
}

static const char *set_text(struct arena *a, const struct external *x)
{
	return x->series[0] ? str_escaped(a, x->series) : "no labels";
}

/* One of them may be of a name that nobody uses any more: then it is said since when. */
static const char *mixed_text(struct arena *a, const struct group_of *g)
{
	const struct external **sets = sets_of(a, g);
	char since[UTC_MAX];

	(void)utc_format(sets[0]->at_ms, 0, since); /* its length */
	return arena_printf(
		a,
		"values with different labels, %zu sets of them, one (%.200s) not "
		"heard of since %s: tell them apart with by, pick with labels, or leave "
		"out with forget what is silent",
		g->sets.n, set_text(a, sets[0]), since);
}

/* Why the group has no value; NULL = it has one. */
static const char *trouble_of(const struct recorded *r, const struct group_of *g)
{
	const struct recorded_spec *spec = r->spec;
	struct arena *a = r->probe->arena;
	int64_t age_ms = r->now_ms - g->newest->at_ms;

	if (age_ms < 0)
		return arena_printf(a, "the newest value is %s in the future: look at the clocks",
				    age_text(a, -age_ms));
	if (age_ms > spec->max_age_ms)
		return arena_printf(a, "the newest value is %s old, and counts for %s",
				    age_text(a, age_ms), age_text(a, spec->max_age_ms));
	if (g->sets.n > 1 && spec->agg == AGG_LAST)
		return mixed_text(a, g);
	if (g->n == 0)
		return arena_printf(a, "no value within the last %s", age_text(a, window_of(spec)));
	if (g->trouble)
		return g->trouble;
	if (spec->agg == AGG_SUM && !g->has_reals && fabs(g->sum) >= MAX_EXACT)
		return "the sum is an integer beyond 2^53, which is not reckoned with exactly";
	return NULL;
}

static struct measurement value_of(const struct recorded *r, const struct group_of *g)
{
	const struct recorded_spec *spec = r->spec;
	const char *trouble = trouble_of(r, g), *unit;
	double v = 0;

	if (trouble)
		return measurement_none("", trouble);
	(void)unit_to_base(spec->unit, &unit);
	switch ((enum agg)spec->agg) {
	case AGG_LAST:
		if (g->newest->value.type == VALUE_INT && unit_to_base(g->newest->unit, &unit) == 1)
			return measurement_int("", g->newest->value.integer, unit);
		v = number_of(spec, g->newest);
		break;
	case AGG_SUM:
		v = g->sum;
		break;
	case AGG_AVG:
		v = g->sum / (double)g->n;
		break;
	case AGG_MIN:
		v = g->min;
		break;
	case AGG_MAX:
		v = g->max;
		break;
	case AGG_COUNT:
		return measurement_int("", g->n, "");
	}
	struct measurement m = measurement_real("", v, unit);

	m.is_rounded = spec->agg == AGG_LAST ? is_large(g->newest)
					     : spec->agg == AGG_AVG && fabs(g->sum) >= MAX_EXACT;
	return m;
}

static const char *source_of(struct arena *a, const struct external *x)
{
	char at[UTC_MAX], recorded[UTC_MAX];

	(void)utc_format(x->at_ms, 0, at); /* their lengths */
	(void)utc_format(x->recorded_ms, 0, recorded);
	return arena_printf(a, "newest: true at %s, recorded at %s by %s on %s", at, recorded,
			    str_escaped(a, x->user), str_escaped(a, x->host));
}

/* Which labels there are is seen nowhere else. */
static const char *sets_text(struct arena *a, const struct group_of *g)
{
	const struct external **sets = sets_of(a, g);
	const char *text;
	struct buf b;

	buf_init(&b, EVIDENCE_MAX_BYTES); /* a full one is cut */
	(void)buf_puts(&b, source_of(a, g->newest));
	for (size_t i = 0; i < g->sets.n && i < MAX_SETS; i++) {
		char at[UTC_MAX];

		(void)utc_format(sets[i]->at_ms, 0, at); /* its length */
		(void)buf_printf(&b, "\n%s: newest of %s", set_text(a, sets[i]), at);
	}
	if (g->sets.n > MAX_SETS)
		(void)buf_printf(&b, "\nand %zu more", g->sets.n - MAX_SETS);
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

static void emit_group(struct recorded *r, const struct group_of *g)
{
	struct probe *p = r->probe;
	struct measurement m = value_of(r, g);

	m.labels = g->labels;
	m.n_labels = r->spec->by.n;
	m.n = r->spec->agg == AGG_LAST ? 1 : g->n;
	m.evidence = g->sets.n > 1 && r->spec->agg == AGG_LAST ? sets_text(p->arena, g)
							       : source_of(p->arena, g->newest);
	probe_emit(p, 0, &m);
}

static const struct past_externals *externals_of(const struct past *past, const char *name)
{
	for (size_t i = 0; past && i < past->n_externals; i++)
		if (strcmp(past->externals[i].name, name) == 0)
			return &past->externals[i];
	return NULL;
}

static bool is_forgotten(const struct recorded *r, const struct external *newest)
{
	return r->spec->forget_ms > 0 && newest->at_ms < r->now_ms - r->spec->forget_ms;
}

static int take_all(struct recorded *r, const struct past_externals *all, struct err *e)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct external *x = &all->items[i];
		struct group_of *g;

		if (!is_picked(r->spec, x))
			continue;
		/* Of its labels it is the newest, or there is a newer one: it does not count. */
		if (r->spec->agg == AGG_LAST && is_forgotten(r, x)) {
			r->has_forgotten = true;
			continue;
		}
		g = group_of(r, x);
		if (!g)
			return err_set(e, ERR_MEASURE, "there are more than %d series", MAX_SERIES);
		take(r, g, x);
	}
	return 0;
}

static int recorded_probe(struct probe *p, struct err *e)
{
	struct recorded r = {.probe = p, .spec = p->checks[0]->spec};
	const struct past_externals *all = externals_of(p->world->past, r.spec->name);
	size_t n_emitted = 0;

	r.now_ms = clock_wall_ms(p->world->clock);
	if (!all || all->n == 0) {
		(void)err_set(e, ERR_MEASURE, "nothing was ever recorded as \"%s\"", r.spec->name);
		return err_help(e, "assize record %s VALUE", r.spec->name);
	}
	if (all->is_untrusted)
		return err_set(e, ERR_MEASURE,
			       "\"%s\" was merged from a record that no trusted key had signed for",
			       r.spec->name);
	if (all->n_left_out > 0)
		return err_set(e, ERR_MEASURE,
			       "\"%s\" was recorded too often within the window: %zu values more "
			       "than can be looked at",
			       r.spec->name, all->n_left_out);
	r.groups = arena_array(p->arena, MAX_SERIES, sizeof(*r.groups));
	if (take_all(&r, all, e) < 0)
		return -1;
	for (size_t i = 0; i < r.n_groups; i++)
		if (is_forgotten(&r, r.groups[i].newest)) {
			r.has_forgotten = true;
		} else {
			emit_group(&r, &r.groups[i]);
			n_emitted++;
		}
	if (n_emitted == 0)
		return err_set(e, ERR_MEASURE,
			       r.has_forgotten ? "every series of \"%s\" is forgotten"
					       : "no value of \"%s\" has these labels",
			       r.spec->name);
	return 0;
}

const struct audit_kind audit_kind_recorded = {
	.name = "recorded",
	.family = "record",
	.summary = "what others measured and pushed with `assize record`",
	.blind =
		"It proves that somebody recorded a value, not that the value is true: whoever can "
		"write the record can write any. A series that was never recorded is not missed; "
		"with by, give the check a count of them in another one.",
	.spec_size = sizeof(struct recorded_spec),
	.keys = recorded_keys,
	.values = recorded_values,
	.check = recorded_check,
	.has_value = recorded_has_value,
	.wish = recorded_wish,
	.describe = recorded_describe,
	.probe = recorded_probe,
};
