/*
 * An attack is noticed when the check does not pass any more; a warning is a pass. When it still
 * passes, the series that moved decide: to a side where there is a bound they are tolerated, to one
 * where there is none nobody looks.
 */
#include "runner/model/challenge.h"

#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

/* How much longer than before something may take by chance. */
#define NOISE 3

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
		else if (!c->attacks[i].is_planned) /* of a survey: it would be made */
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

/* As it is judged. A number may come as an integer once and as a real then. */
static bool is_same(const struct result *a, const struct result *b)
{
	double x, y;

	if (a->value.type == VALUE_TEXT && b->value.type == VALUE_TEXT)
		return strcmp(a->value.text, b->value.text) == 0;
	if (a->value.type == VALUE_INT && b->value.type == VALUE_INT && !result_is_share(a) &&
	    !result_is_share(b))
		return a->value.integer == b->value.integer; /* also beyond 2^53 */
	if (result_number(a, &x) && result_number(b, &y))
		return x == y || (isnan(x) && isnan(y));
	return a->value.type == b->value.type;
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
	const struct result *one = after != NULL ? after : before;

	out->series = arena_strdup(a, one->series);
	out->before = shown(a, before);
	out->after = shown(a, after);
	if (one->bound[0] == '\0' &&
	    before != NULL) /* nothing was judged where there is no value */
		one = before;
	out->bound = one->bound[0] != '\0' ? arena_strdup(a, one->bound) : NULL;
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

/* What a value that moved did: how much of itself it changed by, and which way. */
struct movement {
	const struct result *before, *after;
	double by; /* 0 to 2 */
	bool is_away, is_any;
};

static unsigned sides_of(const struct check *c, const char *series)
{
	size_t n = strcspn(series, "{");

	for (size_t i = 0; i < c->n_expects; i++) {
		const struct named_expectation *x = &c->expects[i];

		if (strlen(x->name) == n && strncmp(x->name, series, n) == 0)
			return expect_sides(x->has_expect ? &x->expect : &x->warn);
	}
	return 0;
}

/* Others of these kinds are what they read, and may be times as well. */
static const struct {
	const char *kind, *value;
} timed[] = {
	{"http", "total"},	 {"http", "dns"},	   {"http", "connect"},
	{"http", "tls"},	 {"http", "first_byte"},   {"journey", "steps"},
	{"journey", "total"},	 {"tcp", "connect"},	   {"tcp", "answered"},
	{"tls", "connect"},	 {"tls", "handshake"},	   {"dns", "time"},
	{"command", "duration"}, {"command", "cpu"},	   {"benchmark", "time"},
	{"benchmark", "p95"},	 {"benchmark", "min"},	   {"benchmark", "max"},
	{"benchmark", "cpu"},	 {"benchmark", "control"},
};

bool attack_is_timed(const struct check *c, const char *series)
{
	size_t n = strcspn(series, "{");

	for (size_t i = 0; i < sizeof(timed) / sizeof(timed[0]); i++)
		if (strcmp(c->kind->name, timed[i].kind) == 0 && strlen(timed[i].value) == n &&
		    strncmp(timed[i].value, series, n) == 0)
			return true;
	return false;
}

/* Away: to the side on which nothing is expected. */
static struct movement movement_of(const struct check *c, const struct result *before,
				   const struct result *after)
{
	struct movement m = {before, after, 1, false, !is_same(before, after)};
	unsigned sides;
	double x, y;

	if (!m.is_any || !result_number(before, &x) || !result_number(after, &y))
		return m;
	m.by = x != y ? fabs(y - x) / fmax(fabs(x), fabs(y)) : 0;
	if (attack_is_timed(c, after->series)) { /* and whatever else moved tells more */
		m.is_any = y > x * NOISE;
		m.by /= 1000;
		return m;
	}
	sides = sides_of(c, after->series);
	m.is_away = (y > x && sides == EXPECT_FLOOR) || (y < x && sides == EXPECT_CEILING);
	return m;
}

static void look_at(struct movement *most, const struct movement *m)
{
	if (m->is_any && (!most->is_any || m->by > most->by))
		*most = *m;
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

static void tell_moved(struct arena *a, const struct movement *m, struct attack_result *out)
{
	bool is_warning = m->after->outcome == OUTCOME_WARN && m->before->outcome != OUTCOME_WARN;

	tell(a, m->before, m->after, out);
	out->outcome = m->is_away ? ATTACK_WRONG_WAY : ATTACK_TOLERATED;
	if (is_warning)
		out->reason = arena_printf(a, "it only warns: %s",
					   m->after->reason != NULL ? m->after->reason : "");
	else if (m->is_away)
		out->reason = "it looks like an improvement, and nothing is expected on that side";
	else if (out->bound != NULL)
		out->reason = "it is still inside its bound";
	else
		out->reason = "it is measured, and nothing is expected of it";
}

static void tell_unmatched(struct arena *a, size_t n_gone, const struct result *gone, size_t n_come,
			   const struct result *come, struct attack_result *out)
{
	out->outcome = ATTACK_TOLERATED;
	if (n_gone > 0) {
		tell(a, gone, NULL, out);
		out->reason = n_gone == 1 ? "the series is gone, and nobody misses it"
					  : arena_printf(a,
							 "%zu series are gone, and nobody "
							 "misses them",
							 n_gone);
		return;
	}
	tell(a, NULL, come, out);
	out->reason = n_come == 1 ? "a series is new, and passes"
				  : arena_printf(a, "%zu series are new, and pass", n_come);
}

/* A bound that was approached tells more than a series that is gone, and that more than a value of
 * which nothing is expected. */
static void judge_survivor(struct arena *a, const struct attack_sides *s, struct attack_result *out)
{
	struct movement bounded = {.is_any = false}, seen = {.is_any = false};
	const struct result *gone = NULL, *come = NULL;
	size_t n_gone = unmatched(s->before, s->n_before, s->after, s->n_after, &gone);
	size_t n_come = unmatched(s->after, s->n_after, s->before, s->n_before, &come);

	for (size_t i = 0; i < s->n_after; i++) {
		const struct result *b = find(s->before, s->n_before, s->after[i].series);
		struct movement m;

		if (b == NULL)
			continue;
		m = movement_of(s->check, b, &s->after[i]);
		look_at(s->after[i].bound[0] != '\0' ? &bounded : &seen, &m);
	}
	if (bounded.is_any) {
		tell_moved(a, &bounded, out);
	} else if (n_gone > 0 || n_come > 0) {
		tell_unmatched(a, n_gone, gone, n_come, come, out);
	} else if (seen.is_any) {
		tell_moved(a, &seen, out);
	} else {
		tell(a, &s->before[0], &s->after[0], out);
		out->outcome = ATTACK_BLIND;
		out->reason = "no value moved";
	}
	out->advice = attack_advice(a, s, out, out->outcome != ATTACK_BLIND ? out->series : NULL);
}

void attack_judge(struct arena *a, const struct attack_sides *s, struct attack_result *out)
{
	const struct result *bad = worst(s->after, s->n_after);

	if (bad == NULL) {
		judge_survivor(a, s, out);
		return;
	}
	tell(a, find(s->before, s->n_before, bad->series), bad, out);
	out->reason = bad->reason != NULL ? arena_strdup(a, bad->reason) : NULL;
	if (bad->outcome == OUTCOME_FAIL)
		out->outcome = ATTACK_FAILED;
	else
		out->outcome = s->is_measured ? ATTACK_NO_VALUE : ATTACK_ERROR;
}
