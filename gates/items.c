/*
 * Which checks a gate reads, and which of them have nothing that counts.
 *
 * A check that require selects is hard, whatever advise says about it, and is held to the strictest
 * age among the selectors that make it hard.
 */
#include "gates/gate.h"

#include "gates/refuse.h"
#include "runner/base/arena.h"

static int64_t age_of(const struct gate *g, const struct selector *s)
{
	return s->max_age_ms != 0 ? s->max_age_ms : g->max_age_ms;
}

/* Narrows the item to the strictest of the selectors that match; false = none does. */
static bool apply(const struct gate *g, const struct selector *selectors, size_t n,
		  const struct check *c, struct gate_item *item)
{
	bool has_match = false;

	for (size_t i = 0; i < n; i++) {
		const struct selector *s = &selectors[i];

		if (!selector_matches(s, c) || (has_match && age_of(g, s) >= item->max_age_ms))
			continue;
		item->selector = s;
		item->max_age_ms = age_of(g, s);
		has_match = true;
	}
	return has_match;
}

/* Every entry that asks for a streak is a rule of its own: they do not replace one another. */
static void add_streaks(struct arena *a, const struct selector *selectors, size_t n, bool is_hard,
			struct gate_item *item)
{
	struct gate_streak *grown;
	size_t n_new = 0;

	for (size_t i = 0; i < n; i++)
		n_new += selectors[i].streak_of > 0 && selector_matches(&selectors[i], item->check);
	if (n_new == 0)
		return;
	grown = arena_array(a, item->n_streaks + n_new, sizeof(*grown));
	for (size_t i = 0; i < item->n_streaks; i++)
		grown[i] = item->streaks[i];
	for (size_t i = 0; i < n; i++)
		if (selectors[i].streak_of > 0 && selector_matches(&selectors[i], item->check))
			grown[item->n_streaks++] = (struct gate_streak){&selectors[i], is_hard};
	item->streaks = grown;
}

size_t gate_item_past_runs(const struct gate_item *item)
{
	size_t most = 0;

	for (size_t i = 0; i < item->n_streaks; i++) {
		const struct selector *s = item->streaks[i].selector;
		size_t n = s->streak_apart_ms > 0 ? GATE_MAX_STREAK_RUNS : (size_t)s->streak_of;

		most = n > most ? n : most;
	}
	return most;
}

struct gate_item *gate_items(struct arena *a, const struct definition *d, const struct gate *g,
			     size_t *n)
{
	struct gate_item *items = arena_array(a, d->n_checks, sizeof(*items));
	size_t count = 0;

	for (size_t i = 0; i < d->n_checks; i++) {
		struct gate_item item = {.check = d->checks[i], .other_subject_ms = -1};

		item.is_hard = apply(g, g->require, g->n_require, item.check, &item);
		if (!item.is_hard && !apply(g, g->advise, g->n_advise, item.check, &item))
			continue;
		add_streaks(a, g->require, g->n_require, true, &item);
		add_streaks(a, g->advise, g->n_advise, false, &item);
		items[count++] = item;
	}
	*n = count;
	return items;
}

bool gate_item_is_stale(const struct gate_input *in, const struct gate_item *item)
{
	if (item->n_evidence == 0)
		return true;
	for (size_t i = 0; i < item->n_evidence; i++) {
		const struct evidence *e = &item->evidence[i];

		if (refuse_evidence(in, item, e) != REFUSE_NOTHING)
			return true;
		/* what was not measured is as good as never; a failure was measured and stands */
		if (e->result.outcome != OUTCOME_FAIL && !outcome_is_passing(e->result.outcome))
			return true;
	}
	return false;
}
