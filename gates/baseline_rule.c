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
 * answers nothing but errors has nothing to be compared by. A run that did not end has lost its
 * value. A few losses are borne where nothing hangs on them: a candidate passes only when it would
 * also pass had every value that was lost been as bad as can be. And a candidate is evidence like
 * any other, so the newest of its values may not be older than the gate allows.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gates/baseline.h"
#include "gates/lines.h"
#include "gates/refuse.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/model/unit.h"
#include "runner/stats/random.h"
#include "runner/stats/summary.h"
#include "runner/stats/two_samples.h"

#define MAX_LOST 0.1 /* share of a side's runs that may have given no value */

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

static const char *lost_text(struct lines *l, const struct baseline_values *side, const char *name)
{
	size_t all = side->n + side->n_lost;

	return arena_printf(l->arena,
			    "%zu of %zu runs of the %s gave no value: what it would have been "
			    "nobody knows",
			    side->n_lost, all, name);
}

static const char *few_text(struct lines *l, const struct baseline_values *side, const char *name,
			    int64_t min_n)
{
	return arena_printf(l->arena, "the %s has %zu values, at least %" PRId64 " are needed",
			    name, side->n, min_n);
}

/* As for other evidence of the check, where the gate reads any. */
static int64_t max_age_of(const struct gate_input *in, const struct check *check)
{
	for (size_t i = 0; i < in->n_items; i++)
		if (str_equal(in->items[i].check->name, check->name))
			return in->items[i].max_age_ms;
	return in->gate->max_age_ms;
}

/* Why the series cannot be compared; NULL = it can. */
static const char *too_little(const struct baseline_comparing *c, const struct baseline_compared *x)
{
	const struct {
		const struct baseline_values *side;
		const char *name;
	} sides[] = {{&x->candidate, "candidate"}, {&x->baseline, "baseline"}};
	int64_t max_age_ms = max_age_of(c->in, x->check);
	struct lines *l = c->lines;

	for (size_t i = 0; i < 2; i++) {
		const struct baseline_values *side = sides[i].side;

		if ((double)side->n_lost > MAX_LOST * (double)(side->n + side->n_lost))
			return lost_text(l, side, sides[i].name);
		if (side->n < 2 || (int64_t)side->n < c->rule->min_n)
			return few_text(l, side, sides[i].name, c->rule->min_n);
	}
	if (refuse_is_stale(x->candidate_ms, c->in->now_ms, max_age_ms))
		return arena_printf(l->arena, "the candidate was last measured %s, limit %s",
				    lines_age(l, x->candidate_ms, c->in->now_ms),
				    lines_duration(l, max_age_ms));
	if (!unit_converts(c->rule->effect_unit, x->unit))
		return arena_printf(l->arena,
				    "an effect of %s says nothing about a value in \"%s\"",
				    c->rule->effect_text, x->unit);
	return NULL;
}

static size_t count_zeros(const struct baseline_values *side)
{
	size_t n = 0;

	for (size_t i = 0; i < side->n; i++)
		n += side->values[i] == 0 ? 1 : 0;
	return n;
}

#define LARGEST_COUNT 9007199254740992.0 /* 2^53 */

/* The sum of a side's counts; false when they are no counts. */
static bool sum_counts(const struct baseline_values *side, uint64_t *sum)
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
static void test_counts(const struct baseline_comparing *c, struct baseline_compared *x)
{
	const struct baseline_values *now = &x->candidate, *then = &x->baseline;
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

static void test_medians(const struct baseline_comparing *c, struct baseline_compared *x)
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

static void test_values(const struct baseline_comparing *c, struct baseline_compared *x)
{
	if (2 * count_zeros(&x->baseline) >= x->baseline.n)
		test_counts(c, x);
	else
		test_medians(c, x);
	x->floor = c->rule->is_effect_share ? c->rule->effect * fabs(x->centre) : c->rule->effect;
}

static void test_series(const struct baseline_comparing *c, struct baseline_compared *x)
{
	x->text = too_little(c, x);
	if (x->text != NULL)
		return;
	x->is_tested = true;
	test_values(c, x);
}

static bool is_beyond_effect(const struct baseline_comparing *c, const struct baseline_compared *x)
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

/* Independent values that can tell n comparisons at once from chance. */
static double worth_needed(const struct baseline_comparing *c, size_t n_tested)
{
	return ceil((double)n_tested / c->rule->alpha - 1e-9);
}

static bool is_pass(const struct baseline_comparing *c, const struct baseline_compared *x,
		    size_t n_tested)
{
	if (!isfinite(x->change) || !isfinite(x->floor) || !isfinite(x->p_value))
		return false;
	if (!is_beyond_effect(c, x))
		return true;
	return x->p_value > c->rule->alpha && !x->is_new_event &&
	       (x->is_counted || x->test.n_worth >= worth_needed(c, n_tested));
}

/* Beyond all that was seen by more than the effect, and whole where that is. */
static double worst(const struct baseline_compared *x, bool is_high)
{
	double out = x->baseline.values[0];

	for (size_t i = 0; i < x->baseline.n; i++)
		out = is_high ? fmax(out, x->baseline.values[i]) : fmin(out, x->baseline.values[i]);
	for (size_t i = 0; i < x->candidate.n; i++)
		out = is_high ? fmax(out, x->candidate.values[i])
			      : fmin(out, x->candidate.values[i]);
	return is_high ? ceil(out + 2 * x->floor + 1) : floor(out - 2 * x->floor - 1);
}

/* Does it pass with what the candidate lost on that side? By its own p-value: the smallest. */
static bool is_pass_at(const struct baseline_comparing *c, const struct baseline_compared *x,
		       bool is_high, size_t n_tested)
{
	struct baseline_compared y = *x;

	y.candidate.values = arena_array(c->lines->arena, BASELINE_MAX_VALUES, sizeof(double));
	memcpy(y.candidate.values, x->candidate.values, x->candidate.n * sizeof(double));
	for (size_t i = 0; i < x->candidate.n_lost; i++)
		y.candidate.values[y.candidate.n++] = worst(x, is_high);
	test_values(c, &y);
	return is_pass(c, &y, n_tested);
}

static bool is_pass_at_worst(const struct baseline_comparing *c, const struct baseline_compared *x,
			     size_t n_tested)
{
	enum stats_tail tail = tail_of(c->rule);

	if (x->candidate.n_lost == 0)
		return true;
	return (tail == STATS_LOWER || is_pass_at(c, x, true, n_tested)) &&
	       (tail == STATS_HIGHER || is_pass_at(c, x, false, n_tested));
}

/* "12 ms above the baseline's 100 ms (effect 5 ms), p = 0.0003, 20 against 40 values" */
static const char *found_text(const struct baseline_comparing *c, const struct baseline_compared *x)
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
static void conclude(const struct baseline_comparing *c, struct baseline_compared *x,
		     size_t n_tested)
{
	struct lines *l = c->lines;
	const char *found;
	double needed = worth_needed(c, n_tested);

	if (!isfinite(x->change) || !isfinite(x->floor) || !isfinite(x->p_value)) {
		x->text = "the comparison is not a finite number";
		return;
	}
	found = found_text(c, x);
	x->text = found;
	if (is_pass(c, x, n_tested)) {
		x->outcome = is_pass_at_worst(c, x, n_tested) ? OUTCOME_PASS : OUTCOME_UNDECIDED;
		if (x->outcome != OUTCOME_PASS)
			x->text = arena_printf(l->arena,
					       "%s, but %zu runs of the candidate gave no value, "
					       "and at their worst it would not pass",
					       found, x->candidate.n_lost);
	} else if (x->p_value <= c->rule->alpha)
		x->outcome = OUTCOME_FAIL;
	else if (x->is_new_event)
		x->text = arena_printf(l->arena,
				       "the baseline has none of it, the candidate has: %s", found);
	else
		x->text = arena_printf(l->arena,
				       "%s and are worth %.0f; to tell that from chance %.0f are "
				       "needed",
				       found, x->test.n_worth, needed);
}

/* ---- the rule ---- */

static void add_line(const struct baseline_comparing *c, const struct baseline_compared *x)
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

static void add_future(struct baseline_comparing *c, const struct gate_past *past)
{
	struct baseline_compared none = {
		.check = past->check,
		.series = "",
		.text = "it has results from the future: a clock is wrong",
	};

	add_line(c, &none);
}

static void add_nothing(struct baseline_comparing *c, const struct gate_past *past)
{
	struct baseline_compared none = {
		.check = past->check,
		.series = "",
		.text = c->first_candidate_ms == INT64_MAX
				? "the candidate was never measured"
				: "neither candidate nor baseline have a value that counts",
	};

	add_line(c, &none);
}

static void judge(struct baseline_comparing *c)
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
	struct baseline_comparing c = {
		.lines = l, .in = in, .rule = of->rule, .first_candidate_ms = INT64_MAX};

	for (size_t i = 0; i < of->past.n; i++)
		baseline_find_begin(&c, &of->past.items[i]);
	for (size_t i = 0; i < of->past.n; i++) {
		size_t before = c.n;

		if (refuse_has_future(&of->past.items[i], in->now_ms)) {
			add_future(&c, &of->past.items[i]);
			continue;
		}
		baseline_collect(&c, &of->past.items[i]);
		if (c.n == before)
			add_nothing(&c, &of->past.items[i]);
	}
	if (of->past.n == 0)
		lines_add(l, "", OUTCOME_UNDECIDED, true, "the baseline rule selects no check");
	judge(&c);
}
