/*
 * An attack is noticed when the check does not pass any more. When it still passes, the series that
 * moved decide: towards the bound is room that the damage used up, away from it means that nobody
 * looks on that side.
 */
#include "runner/model/challenge.h"

#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/model/unit.h"

static const char *const outcome_names[] = {
	[ATTACK_INCONCLUSIVE] = "inconclusive",
	[ATTACK_GUARDED] = "guarded",
	[ATTACK_NO_EFFECT] = "no effect",
	[ATTACK_OUT_OF_REACH] = "out of reach",
	[ATTACK_OUT_OF_CLAIM] = "out of claim",
	[ATTACK_FAILED] = "failed",
	[ATTACK_NO_VALUE] = "no value",
	[ATTACK_ERROR] = "error",
	[ATTACK_BLIND] = "blind",
	[ATTACK_TOLERATED] = "tolerated",
	[ATTACK_WRONG_WAY] = "wrong way",
	[ATTACK_STEADY] = "steady",
	[ATTACK_FALSE_ALARM] = "false alarm",
};

const char *attack_outcome_name(enum attack_outcome o)
{
	return (size_t)o <= ATTACK_LAST ? outcome_names[o] : outcome_names[ATTACK_INCONCLUSIVE];
}

bool attack_outcome_from_name(const char *name, enum attack_outcome *out)
{
	for (size_t i = 0; i <= ATTACK_LAST; i++) {
		if (strcmp(outcome_names[i], name) != 0)
			continue;
		*out = (enum attack_outcome)i;
		return true;
	}
	return false;
}

bool attack_is_noticed(enum attack_outcome o)
{
	return o == ATTACK_FAILED || o == ATTACK_NO_VALUE || o == ATTACK_ERROR;
}

bool attack_is_survivor(enum attack_outcome o)
{
	return o == ATTACK_BLIND || o == ATTACK_TOLERATED || o == ATTACK_WRONG_WAY;
}

struct attack *challenge_add(struct challenge *c, const struct attack_row *row, const char *object)
{
	if (c->n_attacks == c->cap_attacks) {
		size_t cap = c->cap_attacks == 0 ? 16 : c->cap_attacks * 2;
		struct attack *grown = arena_array(c->arena, cap, sizeof(*grown));

		if (c->n_attacks > 0)
			memcpy(grown, c->attacks, c->n_attacks * sizeof(*grown));
		c->attacks = grown;
		c->cap_attacks = cap;
	}
	c->attacks[c->n_attacks] = (struct attack){.row = row, .object = object};
	return &c->attacks[c->n_attacks++];
}

void challenged_count(struct challenged *c)
{
	c->n_noticed = c->n_survived = c->n_uncounted = c->n_steady = c->n_false_alarms = 0;
	for (size_t i = 0; i < c->n_attacks; i++) {
		enum attack_outcome o = c->attacks[i].outcome;

		if (attack_is_noticed(o))
			c->n_noticed++;
		else if (attack_is_survivor(o))
			c->n_survived++;
		else if (o == ATTACK_STEADY)
			c->n_steady++;
		else if (o == ATTACK_FALSE_ALARM)
			c->n_false_alarms++;
		else
			c->n_uncounted++;
	}
}

double challenged_score(const struct challenged *c)
{
	int64_t counted = c->n_noticed + c->n_survived;

	return counted > 0 ? (double)c->n_noticed / (double)counted : -1;
}

static const struct result *find(const struct result *items, size_t n, const char *series)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(items[i].series, series) == 0)
			return &items[i];
	return NULL;
}

static bool is_same(const struct result *a, const struct result *b)
{
	if (a->value.type != b->value.type)
		return false;
	switch (a->value.type) {
	case VALUE_NONE:
		return true;
	case VALUE_INT:
		return a->value.integer == b->value.integer;
	case VALUE_REAL:
		return a->value.real == b->value.real;
	case VALUE_TEXT:
		return strcmp(a->value.text, b->value.text) == 0;
	}
	return false;
}

static const char *shown(struct arena *a, const struct result *r)
{
	struct buf b;
	const char *text;

	if (r == NULL || r->value.type == VALUE_NONE)
		return NULL;
	buf_init(&b, BUF_UNBOUNDED); /* one value */
	result_format(&b, r);
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

static void tell(struct arena *a, const struct result *before, const struct result *after,
		 struct attack_result *out)
{
	const char *series = after != NULL ? after->series : before->series;

	out->series = arena_strdup(a, series);
	out->before = shown(a, before);
	out->after = shown(a, after);
}

/* The worst of what was not passed: a failure before what could not be measured. */
static const struct result *worst(const struct result *after, size_t n)
{
	const struct result *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (outcome_is_passing(after[i].outcome))
			continue;
		if (found == NULL ||
		    (after[i].outcome == OUTCOME_FAIL && found->outcome != OUTCOME_FAIL))
			found = &after[i];
	}
	return found;
}

static const char *bound_words(struct arena *a, const struct result *r)
{
	return r->bound[0] != '\0' ? arena_printf(a, "bound %s", r->bound) : "no bound";
}

/* How far a series went towards its bound; NAN = it did not move, or there is no telling. */
static double moved(const struct result *before, const struct result *after)
{
	if (is_same(before, after))
		return NAN;
	return isnan(before->room) || isnan(after->room) ? 0 : after->room - before->room;
}

struct movement {
	const struct result *before, *after;
	double most;
	bool is_any;
};

static void look_at(struct movement *m, const struct result *before, const struct result *after)
{
	double by = moved(before, after);

	if (isnan(by) || (m->is_any && fabs(by) <= fabs(m->most)))
		return;
	*m = (struct movement){before, after, by, true};
}

/* Series that are there on one side only: how many, and the first of them. */
static size_t unmatched(const struct result *of, size_t n_of, const struct result *in, size_t n_in,
			const struct result **first)
{
	size_t n = 0;

	for (size_t i = 0; i < n_of; i++) {
		if (find(in, n_in, of[i].series) != NULL)
			continue;
		if (n == 0)
			*first = &of[i];
		n++;
	}
	return n;
}

static void judge_survivor(struct arena *a, const struct result *before, size_t n_before,
			   const struct result *after, size_t n_after, struct attack_result *out)
{
	struct movement judged = {0}, seen = {0};
	const struct result *gone = NULL, *come = NULL;
	size_t n_gone = unmatched(before, n_before, after, n_after, &gone);
	size_t n_come = unmatched(after, n_after, before, n_before, &come);

	for (size_t i = 0; i < n_after; i++) {
		const struct result *b = find(before, n_before, after[i].series);

		if (b != NULL)
			look_at(after[i].bound[0] != '\0' ? &judged : &seen, b, &after[i]);
	}
	if (judged.is_any) {
		bool is_away = judged.most < 0;

		tell(a, judged.before, judged.after, out);
		out->outcome = is_away ? ATTACK_WRONG_WAY : ATTACK_TOLERATED;
		out->reason = is_away ? arena_printf(a, "it looks like an improvement: %s",
						     bound_words(a, judged.after))
				      : arena_printf(a, "still inside its %s",
						     bound_words(a, judged.after));
		return;
	}
	if (n_gone > 0) {
		tell(a, gone, NULL, out);
		out->outcome = ATTACK_TOLERATED;
		out->reason = n_gone == 1 ? "the series is gone, and nobody misses it"
					  : arena_printf(a,
							 "%zu series are gone, and nobody "
							 "misses them",
							 n_gone);
		return;
	}
	if (n_come > 0) {
		tell(a, NULL, come, out);
		out->outcome = ATTACK_TOLERATED;
		out->reason = n_come == 1 ? "a series is new, and passes"
					  : arena_printf(a, "%zu series are new, and pass", n_come);
		return;
	}
	if (seen.is_any) {
		tell(a, seen.before, seen.after, out);
		out->outcome = ATTACK_TOLERATED;
		out->reason = "it is measured, and nothing is expected of it";
		return;
	}
	tell(a, &before[0], &after[0], out);
	out->outcome = ATTACK_BLIND;
	out->reason = "no value moved";
}

void attack_judge(struct arena *a, const struct result *before, size_t n_before,
		  const struct result *after, size_t n_after, bool is_measured,
		  struct attack_result *out)
{
	const struct result *bad = worst(after, n_after);

	if (bad == NULL) {
		judge_survivor(a, before, n_before, after, n_after, out);
		return;
	}
	tell(a, find(before, n_before, bad->series), bad, out);
	out->reason = bad->reason != NULL ? arena_strdup(a, bad->reason) : NULL;
	if (bad->outcome == OUTCOME_FAIL)
		out->outcome = ATTACK_FAILED;
	else
		out->outcome = is_measured ? ATTACK_NO_VALUE : ATTACK_ERROR;
}
