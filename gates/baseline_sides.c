/*
 * Which recorded values are the candidate's and which the baseline's, and which of either were
 * lost.
 */
#include <math.h>
#include <string.h>

#include "gates/baseline.h"
#include "gates/refuse.h"
#include "runner/base/arena.h"
#include "runner/base/map.h"
#include "runner/base/str.h"

static bool is_of_candidate(const struct baseline_comparing *c, const struct past_result *p)
{
	const struct baseline_side *side = &c->rule->candidate;
	const char *subject = side->subject != NULL ? side->subject : c->in->subject;

	if (side->window_ms > 0)
		return p->measured_ms > c->in->now_ms - side->window_ms;
	return subject != NULL && subject[0] != '\0' && strcmp(p->subject, subject) == 0;
}

static bool is_of_baseline(const struct baseline_comparing *c, const struct past_result *p)
{
	const struct baseline_side *side = &c->rule->against;

	if (side->subject != NULL)
		return strcmp(p->subject, side->subject) == 0;
	return p->measured_ms > c->in->now_ms - side->window_ms &&
	       p->measured_ms < c->first_candidate_ms;
}

/* Evidence of the kind that counts: what it says is looked at elsewhere. */
static bool is_sound(const struct baseline_comparing *c, const struct past_result *p)
{
	/* what was measured of another commit is no value of the candidate */
	if (!gate_is_before_edition(c->in, 5) &&
	    refuse_is_moved(c->in, p->subject, p->subject_commit))
		return false;
	return p->is_same_definition && p->measured_ms >= 0 &&
	       !refuse_is_future(p->measured_ms, c->in->now_ms) && p->outcome != OUTCOME_SKIP;
}

static struct baseline_compared *item_of(struct baseline_comparing *c, struct map *names,
					 const struct check *check, const struct past_result *p)
{
	void *found = map_get(names, p->series);
	struct baseline_compared *more;

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
	c->items[c->n] = (struct baseline_compared){.check = check,
						    .series = p->series,
						    .unit = p->unit,
						    .newest_run = p->run_id,
						    .newest_ms = p->measured_ms,
						    .candidate_ms = -1};
	return &c->items[c->n++];
}

/*
 * A value that counts. Of a baseline also one that could not be judged for want of history; of a
 * candidate what is in doubt is lost.
 */
static bool is_value(const struct past_result *p, bool is_candidate)
{
	return p->run_state == RUN_COMPLETE && p->has_value && isfinite(p->number) &&
	       !(is_candidate && p->outcome == OUTCOME_UNDECIDED);
}

static void take(struct baseline_comparing *c, struct baseline_values *side,
		 const struct past_result *p, bool is_value)
{
	if (side->n + side->n_lost == BASELINE_MAX_VALUES)
		return;
	if (side->values == NULL)
		side->values = arena_array(c->lines->arena, BASELINE_MAX_VALUES, sizeof(double));
	if (is_value)
		side->values[side->n++] = p->number;
	else
		side->n_lost++;
}

static void turn(struct baseline_values *side)
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

static bool is_asked_for(const struct baseline_comparing *c, const struct past_result *p)
{
	return c->rule->series == NULL || str_glob(c->rule->series, p->series) || is_loss_of_all(p);
}

static bool is_all_lost(const struct baseline_compared *x)
{
	return x->series[0] == '\0' && x->candidate.n == 0 && x->baseline.n == 0;
}

/* Of a check with several series, those that failed as a whole are no series of their own. */
static void share_losses(struct baseline_comparing *c, size_t first)
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

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void baseline_collect(struct baseline_comparing *c, const struct gate_past *past)
{
	size_t first = c->n;
	int64_t candidate_ms = -1;
	struct map names;

	map_init(&names, c->lines->arena);
	for (size_t i = 0; i < past->n; i++) {
		const struct past_result *p = &past->results[i];
		struct baseline_compared *x;
		bool is_candidate = is_of_candidate(c, p);

		if (!is_sound(c, p) || (!is_candidate && !is_of_baseline(c, p)) ||
		    !is_asked_for(c, p))
			continue;
		x = item_of(c, &names, past->check, p);
		if (x->unit[0] == '\0')
			x->unit = p->unit; /* a run without a value has none */
		take(c, is_candidate ? &x->candidate : &x->baseline, p, is_value(p, is_candidate));
		if (is_candidate && is_value(p, true)) {
			candidate_ms = later(candidate_ms, p->measured_ms);
			x->candidate_ms = later(x->candidate_ms, p->measured_ms);
		}
	}
	share_losses(c, first);
	for (size_t i = first; i < c->n; i++) {
		turn(&c->items[i].candidate);
		turn(&c->items[i].baseline);
		/* another series does not answer for one that is gone; once it did */
		if (gate_is_before_edition(c->in, 2))
			c->items[i].candidate_ms = candidate_ms;
	}
}

void baseline_find_begin(struct baseline_comparing *c, const struct gate_past *past)
{
	for (size_t i = 0; i < past->n; i++)
		if (is_of_candidate(c, &past->results[i]) &&
		    past->results[i].measured_ms < c->first_candidate_ms)
			c->first_candidate_ms = past->results[i].measured_ms;
}
