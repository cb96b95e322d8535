/*
 * Candidate against baseline, series by series: the value each run recorded is one value of a
 * sample, for repetitions within a run share its machine and its hour.
 *
 * A series is worse when its median has moved the wrong way by more than the effect and chance does
 * not explain it (runner/stats/two_samples.h). Where most of the baseline is 0, medians say
 * nothing: then it is counts that are compared, exactly, and a baseline without any event never
 * lets a candidate with some pass. All series a rule judges are judged at once (Holm), so that
 * twenty of them make no more false alarms than one.
 *
 * What there is too little of is undecided, and so is a candidate that gave no values: one that
 * answers nothing but errors has nothing to be compared by.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gates/lines.h"
#include "gates/refuse.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/map.h"
#include "runner/base/str.h"
#include "runner/model/unit.h"
#include "runner/stats/random.h"
#include "runner/stats/summary.h"
#include "runner/stats/two_samples.h"

#define MAX_VALUES 2000 /* of a side, the newest */
#define MAX_LOST   0.1	/* share of a side's runs that may have given no value */

struct side {
	double *values; /* newest first until it is turned */
	size_t n, n_lost;
};

struct compared {
	const struct check *check;
	const char *series, *unit;
	struct side candidate, baseline;
	int64_t newest_run, newest_ms;
	enum outcome outcome;
	const char *text;  /* undecided, or set when it was judged */
	bool is_tested;	   /* p_value is one of those made at once */
	bool is_counted;   /* by counts of a rare event */
	bool is_new_event; /* the baseline has none of it */
	double change, centre, floor, p_value;
	struct two_samples test;
};

struct comparing {
	struct lines *lines;
	const struct gate_input *in;
	const struct baseline_rule *rule;
	struct compared *items;
	size_t n, cap;
	int64_t first_candidate_ms; /* of any series; INT64_MAX = none */
};

/* ---- who belongs to which side ---- */

static bool is_of_candidate(const struct comparing *c, const struct past_result *p)
{
	const struct baseline_side *side = &c->rule->candidate;
	const char *subject = side->subject != NULL ? side->subject : c->in->subject;

	if (side->window_ms > 0)
		return p->measured_ms > c->in->now_ms - side->window_ms;
	return subject != NULL && subject[0] != '\0' && strcmp(p->subject, subject) == 0;
}

static bool is_of_baseline(const struct comparing *c, const struct past_result *p)
{
	const struct baseline_side *side = &c->rule->against;

	if (side->subject != NULL)
		return strcmp(p->subject, side->subject) == 0;
	return p->measured_ms > c->in->now_ms - side->window_ms &&
	       p->measured_ms < c->first_candidate_ms;
}

/* Evidence of the kind that counts: what it says is looked at elsewhere. */
static bool is_sound(const struct comparing *c, const struct past_result *p)
{
	return p->run_state == RUN_COMPLETE && p->is_same_definition && p->measured_ms >= 0 &&
	       !refuse_is_future(p->measured_ms, c->in->now_ms) && p->outcome != OUTCOME_SKIP;
}

static struct compared *item_of(struct comparing *c, struct map *names, const struct check *check,
				const struct past_result *p)
{
	void *found = map_get(names, p->series);
	struct compared *more;

	/* places are kept, not pointers: the array moves */
	if (found != NULL)
		return &c->items[*(const size_t *)found];
	if (c->n == c->cap) {
		c->cap = c->cap == 0 ? 16 : c->cap * 2;
		more = arena_array(c->lines->arena, c->cap, sizeof(*more));
		for (size_t i = 0; i < c->n; i++)
			more[i] = c->items[i];
		c->items = more;
	}
	found = arena_alloc(c->lines->arena, sizeof(size_t));
	*(size_t *)found = c->n;
	(void)map_put(names, p->series, found); /* it was not there */
	c->items[c->n] = (struct compared){.check = check,
					   .series = p->series,
					   .unit = p->unit,
					   .newest_run = p->run_id,
					   .newest_ms = p->measured_ms};
	return &c->items[c->n++];
}

static void take(struct comparing *c, struct side *side, const struct past_result *p)
{
	if (side->n + side->n_lost == MAX_VALUES)
		return;
	if (side->values == NULL)
		side->values = arena_array(c->lines->arena, MAX_VALUES, sizeof(double));
	if (p->has_value && isfinite(p->number))
		side->values[side->n++] = p->number;
	else
		side->n_lost++;
}

static void turn(struct side *side)
{
	for (size_t i = 0; i < side->n / 2; i++) {
		double v = side->values[i];

		side->values[i] = side->values[side->n - 1 - i];
		side->values[side->n - 1 - i] = v;
	}
}

/* A check that failed as a whole has one result without a series: all of them were lost. */
static bool is_loss_of_all(const struct past_result *p)
{
	return !p->has_value && p->series[0] == '\0';
}

static bool is_asked_for(const struct comparing *c, const struct past_result *p)
{
	return c->rule->series == NULL || str_glob(c->rule->series, p->series) || is_loss_of_all(p);
}

static bool is_all_lost(const struct compared *x)
{
	return x->series[0] == '\0' && x->candidate.n == 0 && x->baseline.n == 0;
}

/* Of a check with several series, those that failed as a whole are no series of their own. */
static void share_losses(struct comparing *c, size_t first)
{
	size_t lost = first;

	while (lost < c->n && !is_all_lost(&c->items[lost]))
		lost++;
	if (lost == c->n || c->n == first + 1)
		return;
	for (size_t i = first; i < c->n; i++) {
		if (i == lost)
			continue;
		c->items[i].candidate.n_lost += c->items[lost].candidate.n_lost;
		c->items[i].baseline.n_lost += c->items[lost].baseline.n_lost;
	}
	for (size_t i = lost; i + 1 < c->n; i++)
		c->items[i] = c->items[i + 1];
	c->n--;
}

static void collect(struct comparing *c, const struct gate_past *past)
{
	size_t first = c->n;
	struct map names;

	map_init(&names, c->lines->arena);
	for (size_t i = 0; i < past->n; i++) {
		const struct past_result *p = &past->results[i];
		struct compared *x;
		bool is_candidate = is_of_candidate(c, p);

		if (!is_sound(c, p) || (!is_candidate && !is_of_baseline(c, p)) ||
		    !is_asked_for(c, p))
			continue;
		x = item_of(c, &names, past->check, p);
		if (x->unit[0] == '\0')
			x->unit = p->unit; /* a run without a value has none */
		take(c, is_candidate ? &x->candidate : &x->baseline, p);
	}
	share_losses(c, first);
	for (size_t i = first; i < c->n; i++) {
		turn(&c->items[i].candidate);
		turn(&c->items[i].baseline);
	}
}

static void find_begin(struct comparing *c, const struct gate_past *past)
{
	for (size_t i = 0; i < past->n; i++)
		if (is_of_candidate(c, &past->results[i]) &&
		    past->results[i].measured_ms < c->first_candidate_ms)
			c->first_candidate_ms = past->results[i].measured_ms;
}

/* ---- one series ---- */

static const char *amount(struct lines *l, double v, const char *unit)
{
	const char *text;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* nothing here can fail */
	unit_format(&b, v, unit);
	text = arena_strndup(l->arena, b.data, b.len);
	buf_release(&b);
	return text;
}

static const char *lost_text(struct lines *l, const struct side *side, const char *name)
{
	size_t all = side->n + side->n_lost;

	return arena_printf(l->arena,
			    "%zu of %zu runs of the %s gave no value: what it would have been "
			    "nobody knows",
			    side->n_lost, all, name);
}

static const char *few_text(struct lines *l, const struct side *side, const char *name,
			    int64_t min_n)
{
	return arena_printf(l->arena, "the %s has %zu values, at least %" PRId64 " are needed",
			    name, side->n, min_n);
}

/* Why the series cannot be compared; NULL = it can. */
static const char *too_little(const struct comparing *c, const struct compared *x)
{
	const struct {
		const struct side *side;
		const char *name;
	} sides[] = {{&x->candidate, "candidate"}, {&x->baseline, "baseline"}};
	struct lines *l = c->lines;

	for (size_t i = 0; i < 2; i++) {
		const struct side *side = sides[i].side;

		if ((double)side->n_lost > MAX_LOST * (double)(side->n + side->n_lost))
			return lost_text(l, side, sides[i].name);
		if (side->n < 2 || (int64_t)side->n < c->rule->min_n)
			return few_text(l, side, sides[i].name, c->rule->min_n);
	}
	if (!unit_converts(c->rule->effect_unit, x->unit))
		return arena_printf(l->arena,
				    "an effect of %s says nothing about a value in \"%s\"",
				    c->rule->effect_text, x->unit);
	return NULL;
}

static size_t count_zeros(const struct side *side)
{
	size_t n = 0;

	for (size_t i = 0; i < side->n; i++)
		n += side->values[i] == 0 ? 1 : 0;
	return n;
}

#define LARGEST_COUNT 9007199254740992.0 /* 2^53 */

/* The sum of a side's counts; false when they are no counts. */
static bool sum_counts(const struct side *side, uint64_t *sum)
{
	double total = 0;

	for (size_t i = 0; i < side->n; i++) {
		if (side->values[i] < 0 || side->values[i] != floor(side->values[i]))
			return false;
		total += side->values[i];
	}
	if (total > LARGEST_COUNT)
		return false;
	*sum = (uint64_t)total;
	return true;
}

static enum stats_tail tail_of(const struct baseline_rule *rule)
{
	switch ((enum baseline_direction)rule->direction) {
	case BASELINE_HIGHER:
		return STATS_HIGHER;
	case BASELINE_LOWER:
		return STATS_LOWER;
	case BASELINE_EITHER:
		break;
	}
	return STATS_EITHER;
}

/*
 * Events of a run come together more easily than apart: so the runs that have any are compared as
 * well, and the larger of the p-values counts. Where the baseline has no event at all there is
 * nothing to come together, and one run with fifty of them is as bad as it looks.
 */
static void test_counts(const struct comparing *c, struct compared *x)
{
	const struct side *now = &x->candidate, *then = &x->baseline;
	double share = (double)now->n / (double)(now->n + then->n);
	uint64_t runs_now = now->n - count_zeros(now), runs_then = then->n - count_zeros(then);
	enum stats_tail tail = tail_of(c->rule);
	uint64_t events_now, events_then;
	double of_runs = stats_two_counts(runs_now, runs_then, share, tail);

	x->is_counted = true;
	x->is_new_event = runs_then == 0 && runs_now > 0;
	x->centre = stats_mean(then->values, then->n);
	x->change = stats_mean(now->values, now->n) - x->centre;
	x->p_value = of_runs;
	if (sum_counts(now, &events_now) && sum_counts(then, &events_then)) {
		double of_events = stats_two_counts(events_now, events_then, share, tail);

		x->p_value = x->is_new_event ? fmin(of_events, of_runs) : fmax(of_events, of_runs);
	}
}

static void test_medians(const struct comparing *c, struct compared *x)
{
	const char *name = arena_printf(c->lines->arena, "%s %s %s", c->in->gate->name,
					x->check->name, x->series);
	uint64_t seed = stats_random_seed((uint64_t)x->newest_run, name);

	x->test = stats_two_samples(x->baseline.values, x->baseline.n, x->candidate.values,
				    x->candidate.n, tail_of(c->rule), seed);
	x->centre = stats_median(x->baseline.values, x->baseline.n);
	x->change = x->test.change;
	x->p_value = x->test.p_value;
}

static void test_series(const struct comparing *c, struct compared *x)
{
	x->text = too_little(c, x);
	if (x->text != NULL)
		return;
	x->is_tested = true;
	if (2 * count_zeros(&x->baseline) >= x->baseline.n)
		test_counts(c, x);
	else
		test_medians(c, x);
	x->floor = c->rule->is_effect_share ? c->rule->effect * fabs(x->centre) : c->rule->effect;
}

static bool is_beyond_effect(const struct comparing *c, const struct compared *x)
{
	switch (tail_of(c->rule)) {
	case STATS_HIGHER:
		return x->change > x->floor;
	case STATS_LOWER:
		return -x->change > x->floor;
	case STATS_EITHER:
		break;
	}
	return fabs(x->change) > x->floor;
}

/* "12 ms above the baseline's 100 ms (effect 5 ms), p = 0.0003, 20 against 40 values" */
static const char *found_text(const struct comparing *c, const struct compared *x)
{
	struct lines *l = c->lines;
	const char *where =
		x->change == 0 ? "the same as"
		: x->change > 0
			? arena_printf(l->arena, "%s above", amount(l, x->change, x->unit))
			: arena_printf(l->arena, "%s below", amount(l, -x->change, x->unit));

	return arena_printf(l->arena,
			    "%s the %s %s of the baseline (effect %s), p = %.2g%s, %zu "
			    "against %zu values%s",
			    where, x->is_counted ? "mean" : "median", amount(l, x->centre, x->unit),
			    c->rule->effect_text, x->p_value,
			    c->n > 1 ? arena_printf(l->arena, " of %zu series at once", c->n) : "",
			    x->candidate.n, x->baseline.n,
			    x->test.is_rotated ? arena_printf(l->arena,
							      ", which resemble their neighbours "
							      "(phi %.2f)",
							      x->test.phi)
					       : "");
}

/* After p_value was adjusted; n_tested series were judged at once. */
static void conclude(const struct comparing *c, struct compared *x, size_t n_tested)
{
	struct lines *l = c->lines;
	const char *found;
	double needed = ceil((double)n_tested / c->rule->alpha - 1e-9);

	if (!isfinite(x->change) || !isfinite(x->floor) || !isfinite(x->p_value)) {
		x->text = "the comparison is not a finite number";
		return;
	}
	found = found_text(c, x);
	x->text = found;
	if (!is_beyond_effect(c, x))
		x->outcome = OUTCOME_PASS;
	else if (x->p_value <= c->rule->alpha)
		x->outcome = OUTCOME_FAIL;
	else if (x->is_new_event)
		x->text = arena_printf(l->arena,
				       "the baseline has none of it, the candidate has: %s", found);
	else if (!x->is_counted && x->test.n_worth < needed)
		x->text = arena_printf(l->arena,
				       "%s and are worth %.0f; to tell that from chance %.0f are "
				       "needed",
				       found, x->test.n_worth, needed);
	else
		x->outcome = OUTCOME_PASS;
}

/* ---- the rule ---- */

static void add_line(const struct comparing *c, const struct compared *x)
{
	struct lines *l = c->lines;
	struct decision_line *line = lines_add(l, x->check->name, x->outcome, true, x->text);

	line->series = x->series;
	line->file = c->rule->pos.file;
	line->line = c->rule->pos.line;
	line->col = c->rule->pos.col;
	line->run_id = x->newest_run;
	line->measured_ms = x->newest_ms;
	if (x->outcome == OUTCOME_FAIL)
		line->remedy =
			arena_printf(l->arena, "assize history %s%s%s",
				     lines_word(l, x->check->name), x->series[0] != '\0' ? " " : "",
				     x->series[0] != '\0' ? lines_word(l, x->series) : "");
	else if (x->outcome == OUTCOME_UNDECIDED)
		line->remedy = lines_run(l, c->in, x->check);
}

static void add_nothing(struct comparing *c, const struct gate_past *past)
{
	struct compared none = {
		.check = past->check,
		.series = "",
		.text = c->first_candidate_ms == INT64_MAX
				? "the candidate was never measured"
				: "neither candidate nor baseline have a value that counts",
	};

	add_line(c, &none);
}

static void judge(struct comparing *c)
{
	double *p_values = arena_array(c->lines->arena, c->n, sizeof(*p_values));
	size_t n_tested = 0, at = 0;

	for (size_t i = 0; i < c->n; i++) {
		test_series(c, &c->items[i]);
		if (c->items[i].is_tested)
			p_values[n_tested++] = c->items[i].p_value;
	}
	stats_holm(p_values, n_tested);
	for (size_t i = 0; i < c->n; i++) {
		if (c->items[i].is_tested) {
			c->items[i].p_value = p_values[at++];
			conclude(c, &c->items[i], n_tested);
		}
		add_line(c, &c->items[i]);
	}
}

void baseline_rule_decide(struct lines *l, const struct gate_input *in,
			  const struct gate_baseline *of)
{
	struct comparing c = {
		.lines = l, .in = in, .rule = of->rule, .first_candidate_ms = INT64_MAX};

	for (size_t i = 0; i < of->past.n; i++)
		find_begin(&c, &of->past.items[i]);
	for (size_t i = 0; i < of->past.n; i++) {
		size_t before = c.n;

		collect(&c, &of->past.items[i]);
		if (c.n == before)
			add_nothing(&c, &of->past.items[i]);
	}
	if (of->past.n == 0)
		lines_add(l, "", OUTCOME_UNDECIDED, true, "the baseline rule selects no check");
	judge(&c);
}
