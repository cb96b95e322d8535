/*
 * The error budget: how much of a window may be bad, how much was, and how fast it is being spent
 * (Google, The Site Reliability Workbook, chapter 5, "Alerting on SLOs").
 *
 * Runs come at irregular times, and counting them would let whoever runs a passing check in a loop
 * thin out the failures. So time is what counts: each result stands for the time that is nearer to
 * it than to the results beside it, and where two results are further apart than max_gap nothing is
 * known about the time between. A moment is bad when any of the checks was failing, else unknown
 * when any of them is unknown: outcomes are joined as everywhere.
 *
 * What is unknown may have been bad, all of it. So a budget is spent when what was bad has spent
 * it, to the last moment; it is left when what was bad and what is unknown together have not, and
 * in between the rule is undecided. The same is true of a burn rate, which must be exceeded in both
 * of its windows.
 *
 * A failure was measured and stands, also in a run that did not end and under another definition.
 * Everything else that is not a complete run's pass under this definition is unknown.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "gates/lines.h"
#include "gates/refuse.h"
#include "runner/base/arena.h"
#include "runner/base/num.h"

/* A stretch of time and what it was: PASS, FAIL, or UNDECIDED = unknown. */
struct stretch {
	int64_t from_ms, to_ms;
	enum outcome state;
};

struct timeline {
	struct arena *arena;
	int64_t begin_ms, end_ms;
	struct stretch *items; /* adjacent, from begin to end */
	size_t n, cap;
};

struct moment {
	int64_t at_ms;
	enum outcome state;
};

struct spending {
	int64_t bad_ms, unknown_ms;
};

static void put(struct timeline *t, int64_t from_ms, int64_t to_ms, enum outcome state)
{
	if (from_ms < t->begin_ms)
		from_ms = t->begin_ms;
	if (to_ms > t->end_ms)
		to_ms = t->end_ms;
	if (from_ms >= to_ms)
		return;
	if (t->n > 0 && t->items[t->n - 1].state == state) {
		t->items[t->n - 1].to_ms = to_ms;
		return;
	}
	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? 16 : t->cap * 2;
		struct stretch *more = arena_array(t->arena, cap, sizeof(*more));

		for (size_t i = 0; i < t->n; i++)
			more[i] = t->items[i];
		t->items = more;
		t->cap = cap;
	}
	t->items[t->n++] = (struct stretch){from_ms, to_ms, state};
}

static enum outcome state_of(const struct budget_rule *rule, const struct past_result *p)
{
	if (p->outcome == OUTCOME_FAIL)
		return OUTCOME_FAIL;
	if (!outcome_is_passing(p->outcome) || !p->has_value || p->run_state != RUN_COMPLETE ||
	    (!p->is_same_definition && !rule->is_any_definition))
		return OUTCOME_UNDECIDED;
	return OUTCOME_PASS;
}

static int compare_moments(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	return x->at_ms < y->at_ms ? -1 : x->at_ms > y->at_ms;
}

/* Runs of one and the same moment are one, whatever order they come in. */
static size_t join_equal(struct moment *items, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (count > 0 && items[count - 1].at_ms == items[i].at_ms)
			items[count - 1].state =
				outcome_join(items[count - 1].state, items[i].state);
		else
			items[count++] = items[i];
	}
	return count;
}

/* One moment a run, at its last series; in order of time. */
static struct moment *moments_of(struct arena *a, const struct budget_rule *rule,
				 const struct gate_past *past, size_t *n)
{
	struct moment *items = arena_array(a, past->n, sizeof(*items));
	size_t count = 0;

	for (size_t i = 0; i < past->n; i++) {
		const struct past_result *p = &past->results[i];
		enum outcome state = state_of(rule, p);

		if (i == 0 || p->run_id != past->results[i - 1].run_id) {
			items[count++] = (struct moment){p->measured_ms, state};
			continue;
		}
		items[count - 1].state = outcome_join(items[count - 1].state, state);
		if (p->measured_ms > items[count - 1].at_ms)
			items[count - 1].at_ms = p->measured_ms;
	}
	if (count > 0)
		qsort(items, count, sizeof(*items), compare_moments);
	*n = join_equal(items, count);
	return items;
}

static struct timeline timeline_of(struct arena *a, const struct budget_rule *rule,
				   const struct gate_past *past, int64_t now_ms)
{
	struct timeline t = {.arena = a, .begin_ms = now_ms - rule->window_ms, .end_ms = now_ms};
	size_t n;
	const struct moment *m = moments_of(a, rule, past, &n);

	put(&t, t.begin_ms, n > 0 ? m[0].at_ms : t.end_ms, OUTCOME_UNDECIDED);
	for (size_t i = 0; i < n; i++) {
		int64_t next_ms = i + 1 < n ? m[i + 1].at_ms : now_ms;
		int64_t gap_ms = next_ms - m[i].at_ms;

		if (gap_ms > rule->max_gap_ms) {
			put(&t, m[i].at_ms, next_ms, OUTCOME_UNDECIDED);
		} else if (i + 1 == n) {
			put(&t, m[i].at_ms, next_ms, m[i].state);
		} else {
			put(&t, m[i].at_ms, m[i].at_ms + gap_ms / 2, m[i].state);
			put(&t, m[i].at_ms + gap_ms / 2, next_ms, m[i + 1].state);
		}
	}
	return t;
}

/* Both cover the same time. */
static struct timeline join_timelines(const struct timeline *a, const struct timeline *b)
{
	struct timeline t = {.arena = a->arena, .begin_ms = a->begin_ms, .end_ms = a->end_ms};
	size_t i = 0, k = 0;
	int64_t at_ms = t.begin_ms;

	while (i < a->n && k < b->n) {
		int64_t end_ms = a->items[i].to_ms < b->items[k].to_ms ? a->items[i].to_ms
								       : b->items[k].to_ms;

		put(&t, at_ms, end_ms, outcome_join(a->items[i].state, b->items[k].state));
		at_ms = end_ms;
		i += a->items[i].to_ms == end_ms ? 1 : 0;
		k += b->items[k].to_ms == end_ms ? 1 : 0;
	}
	return t;
}

/* Of the last `window_ms` before the end. */
static struct spending spent(const struct timeline *t, int64_t window_ms)
{
	/* what no stretch covers is unknown */
	struct spending s = {.unknown_ms = window_ms};
	int64_t begin_ms = t->end_ms - window_ms;

	for (size_t i = 0; i < t->n; i++) {
		const struct stretch *x = &t->items[i];
		int64_t from_ms = x->from_ms > begin_ms ? x->from_ms : begin_ms;

		if (x->to_ms <= from_ms || x->state == OUTCOME_UNDECIDED)
			continue;
		s.bad_ms += x->state == OUTCOME_FAIL ? x->to_ms - from_ms : 0;
		s.unknown_ms -= x->to_ms - from_ms;
	}
	return s;
}

/* ---- the rule ---- */

struct judged_budget {
	struct lines *lines;
	const struct gate_input *in;
	const struct budget_rule *rule;
	struct timeline all;
	const struct check *worst, *least_known; /* of which most was bad, most unknown */
};

static void add_line(const struct judged_budget *b, enum outcome outcome, const char *text)
{
	struct lines *l = b->lines;
	const struct budget_rule *rule = b->rule;
	struct decision_line *line = lines_add(l, "budget", outcome, true, text);
	char window[NUM_REAL_MAX];

	(void)num_format_duration(rule->window_ms, window); /* its length */
	line->series = arena_printf(l->arena, "%s of %s", rule->objective, window);
	line->file = rule->pos.file;
	line->line = rule->pos.line;
	line->col = rule->pos.col;
	if (outcome == OUTCOME_FAIL && b->worst != NULL)
		line->remedy =
			arena_printf(l->arena, "assize history %s", lines_word(l, b->worst->name));
	else if (outcome == OUTCOME_UNDECIDED && b->least_known != NULL)
		line->remedy = lines_run(l, b->in, b->least_known);
}

static int64_t budget_ms(const struct budget_rule *rule)
{
	return (int64_t)(rule->allowed * (double)rule->window_ms);
}

/* When what is left is gone, at the rate of the longest burn window. */
static const char *forecast(const struct judged_budget *b, int64_t left_ms)
{
	const struct budget_rule *rule = b->rule;
	struct lines *l = b->lines;
	int64_t window_ms = 0;
	struct spending s;
	double in_ms;

	for (size_t i = 0; i < rule->n_burn; i++)
		if (rule->burn[i].long_ms > window_ms)
			window_ms = rule->burn[i].long_ms;
	if (window_ms == 0)
		window_ms = rule->window_ms;
	s = spent(&b->all, window_ms);
	if (s.bad_ms == 0)
		return arena_printf(l->arena, "nothing was spent in the last %s",
				    lines_duration(l, window_ms));
	in_ms = (double)left_ms * (double)window_ms / (double)s.bad_ms;
	if (in_ms >= (double)rule->window_ms)
		return arena_printf(l->arena, "at the rate of the last %s it is not spent in %s",
				    lines_duration(l, window_ms),
				    lines_duration(l, rule->window_ms));
	return arena_printf(l->arena, "at the rate of the last %s it is spent in %s",
			    lines_duration(l, window_ms), lines_duration(l, (int64_t)in_ms));
}

/* "2 h 24 min failed", "nothing failed". */
static const char *amount(const struct judged_budget *b, int64_t ms, const char *some,
			  const char *none)
{
	if (ms == 0 && !b->lines->has_one_unit)
		return none;
	return arena_printf(b->lines->arena, "%s %s", lines_duration(b->lines, ms), some);
}

static void decide_spent(const struct judged_budget *b)
{
	struct lines *l = b->lines;
	struct spending s = spent(&b->all, b->rule->window_ms);
	int64_t budget = budget_ms(b->rule), left = budget - s.bad_ms;
	const char *bad = amount(b, s.bad_ms, "failed", "nothing failed"),
		   *unknown = amount(b, s.unknown_ms, "are unknown", "nothing is unknown");

	if (left <= 0)
		add_line(b, OUTCOME_FAIL,
			 arena_printf(l->arena, "the budget of %s is spent: %s, %s",
				      lines_duration(l, budget), bad, unknown));
	else if (s.unknown_ms >= left)
		add_line(b, OUTCOME_UNDECIDED,
			 arena_printf(l->arena,
				      "%s, %s, %s the %s that are left of %s; "
				      "known is what complete runs at most %s apart say",
				      bad, unknown, s.unknown_ms > left ? "more than" : "all of",
				      lines_duration(l, left), lines_duration(l, budget),
				      lines_duration(l, b->rule->max_gap_ms)));
	else
		add_line(b, OUTCOME_PASS,
			 arena_printf(l->arena, "%.0f %% of the budget is left, %s of %s; %s; %s",
				      100 * (double)left / (double)budget, lines_duration(l, left),
				      lines_duration(l, budget), unknown, forecast(b, left)));
}

/* How many times as fast as allowed, if nothing and if all of what is unknown was bad. */
struct burn {
	double least, most;
};

static struct burn burn_of(const struct judged_budget *b, int64_t window_ms)
{
	struct spending s = spent(&b->all, window_ms);
	double allowed = b->rule->allowed * (double)window_ms;

	return (struct burn){(double)s.bad_ms / allowed,
			     (double)(s.bad_ms + s.unknown_ms) / allowed};
}

static void decide_burn(const struct judged_budget *b, const struct burn_pair *pair)
{
	struct lines *l = b->lines;
	struct burn of_long = burn_of(b, pair->long_ms), of_short = burn_of(b, pair->short_ms);
	const char *long_text = lines_duration(l, pair->long_ms),
		   *short_text = lines_duration(l, pair->short_ms);

	if (of_long.least >= pair->rate && of_short.least >= pair->rate)
		add_line(b, OUTCOME_FAIL,
			 arena_printf(l->arena,
				      "burns %.1f times as fast as allowed over %s and %.1f times "
				      "over %s, limit %.4g",
				      of_long.least, long_text, of_short.least, short_text,
				      pair->rate));
	else if (of_long.most >= pair->rate && of_short.most >= pair->rate)
		add_line(b, OUTCOME_UNDECIDED,
			 arena_printf(l->arena,
				      "too little is known of the last %s and %s to tell whether "
				      "the budget burns %.4g times as fast as allowed",
				      long_text, short_text, pair->rate));
}

/* Joins the checks' timelines; false when a clock is wrong, which is said. */
static bool look_back(struct judged_budget *b, const struct gate_budget *of)
{
	int64_t most_bad = -1, most_unknown = -1, now_ms = b->in->now_ms;

	for (size_t i = 0; i < of->past.n; i++) {
		const struct gate_past *past = &of->past.items[i];
		struct timeline t = timeline_of(b->lines->arena, b->rule, past, now_ms);
		struct spending s = spent(&t, b->rule->window_ms);

		if (refuse_has_future(past, now_ms)) {
			add_line(b, OUTCOME_UNDECIDED,
				 arena_printf(b->lines->arena,
					      "%s has results from the future: a clock is wrong",
					      past->check->name));
			return false;
		}
		if (s.bad_ms > most_bad) {
			most_bad = s.bad_ms;
			b->worst = past->check;
		}
		if (s.unknown_ms > most_unknown) {
			most_unknown = s.unknown_ms;
			b->least_known = past->check;
		}
		b->all = i == 0 ? t : join_timelines(&b->all, &t);
	}
	return true;
}

void budget_rule_decide(struct lines *l, const struct gate_input *in, const struct gate_budget *of)
{
	struct judged_budget b = {.lines = l, .in = in, .rule = of->rule};

	if (of->past.n == 0 || in->now_ms < of->rule->window_ms || !(of->rule->allowed > 0)) {
		add_line(&b, OUTCOME_UNDECIDED, "there is nothing to look back at");
		return;
	}
	if (!look_back(&b, of))
		return;
	decide_spent(&b);
	for (size_t i = 0; i < of->rule->n_burn; i++)
		decide_burn(&b, &of->rule->burn[i]);
}
