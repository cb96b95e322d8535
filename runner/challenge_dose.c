/*
 * The dose grows or shrinks tenfold until the check changes its mind, then the flip is closed in on
 * by geometric bisection to 5 %. Below the flip three more doses are tried: a check that notices
 * less and misses more is erratic, and its flip means little.
 */
#include <math.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/challenge_parts.h"

#define GROWTH	  10.0
#define PRECISION 1.05
#define N_SAMPLES 3

struct search {
	struct bout *bout;
	const struct attack *attack;
	size_t n_left;		   /* executions */
	double missed;		   /* the largest dose known to be missed; 0 = none */
	double noticed;		   /* the smallest known to be noticed; 0 = none */
	struct attack_result flip; /* what noticed that one; no outcome = not asked here */
};

/* 1 = noticed, 0 = missed, 2 = cannot be told; -1 = error. */
static int ask(struct search *s, double dose, struct attack_result *out, struct err *e)
{
	struct attempt t;
	int rc = bout_attempt(s->bout, s->attack, dose, &t, e);

	s->n_left--;
	*out = (struct attack_result){.name = s->attack->row->name, .object = s->attack->object};
	if (rc == 0 && t.refusal != NULL)
		rc = 2;
	else if (rc == 0)
		rc = outcome_is_passing(t.judged.outcome) ? 0 : 1;
	if (rc == 1)
		bout_judge(s->bout, s->attack, &t, out);
	attempt_release(&t);
	return rc;
}

static int note(struct search *s, double dose, struct err *e)
{
	struct attack_result told;
	int rc = ask(s, dose, &told, e);

	if (rc == 1) {
		s->noticed = dose;
		s->flip = told;
	} else if (rc == 0) {
		s->missed = dose;
	}
	return rc;
}

/* Until there is a dose on either side of the flip, or no room for one. */
static int bracket(struct search *s, struct err *e)
{
	const struct attack *a = s->attack;
	int rc = 0;

	while (rc < 2 && rc >= 0 && s->n_left > N_SAMPLES && s->missed == 0 &&
	       s->noticed > a->least)
		rc = note(s, fmax(s->noticed / GROWTH, a->least), e);
	while (rc < 2 && rc >= 0 && s->n_left > N_SAMPLES && s->noticed == 0 && s->missed < a->most)
		rc = note(s, fmin(s->missed * GROWTH, a->most), e);
	return rc;
}

static int close_in(struct search *s, struct err *e)
{
	int rc = 0;

	while (rc < 2 && rc >= 0 && s->n_left > N_SAMPLES && s->missed > 0 &&
	       s->noticed / s->missed > PRECISION)
		rc = note(s, sqrt(s->noticed * s->missed), e);
	return rc;
}

/* Is a dose below the flip noticed? */
static int sample(struct search *s, bool *is_erratic, struct err *e)
{
	static const double below[N_SAMPLES] = {0.7, 0.3, 0.1};

	for (size_t i = 0; i < N_SAMPLES && s->n_left > 0; i++) {
		double dose = s->missed * below[i];
		struct attack_result told;
		int rc;

		if (dose < s->attack->least)
			return 0;
		rc = ask(s, dose, &told, e);
		if (rc < 0)
			return -1;
		*is_erratic = *is_erratic || rc == 1;
	}
	return 0;
}

/*
 * At its smallest dose another bound may notice the attack than at its full one, or none at all,
 * where nothing can be measured any more.
 */
static void tell_flip(const struct search *s, bool is_noticed, struct attack_result *out)
{
	const struct bout *b = s->bout;
	const char *words;
	const struct attack_result *flip = s->flip.outcome != ATTACK_INCONCLUSIVE ? &s->flip : out;

	out->turns_red = s->noticed;
	if (is_noticed)
		out->bound = flip->outcome == ATTACK_FAILED ? flip->bound : NULL;
	words = b->arsenal->words(&b->challenge, s->attack, s->noticed);
	if (flip->outcome != ATTACK_FAILED && flip->reason != NULL)
		words = arena_printf(b->challenge.arena, "%s: %s", words, flip->reason);
	out->turns_red_words = bout_keep(b, words);
}

/* What an interrupt or a refused dose left open is no figure: it would stand for a bound. */
static bool is_closed_in(const struct search *s)
{
	return s->missed > 0 ? s->noticed / s->missed <= PRECISION : s->noticed <= s->attack->least;
}

int bout_find_dose(struct bout *b, const struct attack *a, bool is_noticed,
		   struct attack_result *out, struct err *e)
{
	struct search s = {b,
			   a,
			   CHALLENGE_MAX_STEPS,
			   is_noticed ? 0 : a->dose,
			   is_noticed ? a->dose : 0,
			   {.name = NULL}};

	if (bracket(&s, e) < 0)
		return -1;
	if (s.noticed == 0)
		return 0;
	if (close_in(&s, e) < 0 || sample(&s, &out->is_erratic, e) < 0)
		return -1;
	if (is_closed_in(&s))
		tell_flip(&s, is_noticed, out);
	return 0;
}
