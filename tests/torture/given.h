/* given: what the lives of power.c say, and results and challenges that follow from a seed. */
#ifndef ASSIZE_TESTS_GIVEN_H
#define ASSIZE_TESTS_GIVEN_H

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/history/challenges.h"
#include "runner/history/record.h"
#include "runner/stats/random.h"

#define BEGIN_MS  INT64_C(1760000400000)
#define N_SAMPLES 300

enum word { BEGINS, ADDS, ENDS, SIGNS, CHALLENGES, REFUSED };

/* Said before it is tried, and again when it is acknowledged. */
struct message {
	enum word word;
	bool is_done;
	int64_t run;
	uint64_t first, n, seed; /* of a batch or challenge: what is in it follows from the seed */
};

static int64_t value_of(uint64_t seed, uint64_t ordinal)
{
	struct stats_random r = {seed + ordinal};

	return (int64_t)(stats_random_next(&r) >> 16);
}

static const char *evidence_of(struct arena *a, uint64_t seed, uint64_t ordinal)
{
	size_t n = (size_t)(value_of(seed, ordinal) % 3000);
	char *text;

	if (n % 4 != 0)
		return NULL;
	text = arena_alloc(a, n + 1);
	memset(text, 'a' + (int)(n % 26), n);
	text[n] = '\0';
	return text;
}

static void make_result(struct arena *a, const struct message *m, uint64_t i, struct result *out)
{
	struct check_info *c = arena_alloc(a, sizeof(*c));
	int64_t value = value_of(m->seed, i);

	*c = (struct check_info){
		.name = arena_printf(a, "audit/check-%" PRIu64, i),
		.kind = "missing",
		.title = "What is it there for",
		.target = "shop",
		.file = "assize.yaml",
		.line = 1 + value % 3, /* now and then another definition */
		.col = 9,
		.tags = "",
	};
	*out = (struct result){
		.ordinal = (int64_t)i,
		.check = c,
		.series = "",
		.value = {.type = VALUE_INT, .integer = value},
		.unit = "",
		.bound = ">= 0",
		.room = NAN,
		.n = -1,
		.n_total = -1,
		.share = NAN,
		.evidence = evidence_of(a, m->seed, i),
		.measured_ms = BEGIN_MS,
		.duration_us = 1,
		.attempts = 1,
	};
	if (value % 16 == 0) {
		double *samples = arena_array(a, N_SAMPLES, sizeof(*samples));

		for (size_t k = 0; k < N_SAMPLES; k++)
			samples[k] = (double)(value + (int64_t)k);
		out->samples = samples;
		out->n_samples = N_SAMPLES;
	}
}

static bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_there(const struct result *results, size_t n, const struct result *given)
{
	for (size_t i = 0; i < n; i++) {
		const struct result *x = &results[i];

		if (x->ordinal == given->ordinal)
			return x->value.type == VALUE_INT &&
			       x->value.integer == given->value.integer &&
			       same_text(x->evidence, given->evidence) &&
			       strcmp(x->check->name, given->check->name) == 0 &&
			       x->check->line == given->check->line;
	}
	return false;
}

static uint64_t count_there(const struct result *results, size_t n, const struct message *m)
{
	struct arena *a = arena_new();
	uint64_t there = 0;

	for (uint64_t i = m->first; i < m->first + m->n; i++) {
		struct result given;

		make_result(a, m, i, &given);
		there += is_there(results, n, &given);
	}
	arena_free(a);
	return there;
}

/* Its subject is the seed. */
static struct challenged make_challenged(struct arena *a, uint64_t seed)
{
	struct check_info *c = arena_alloc(a, sizeof(*c));
	struct challenged x = {.check = c,
			       .at_ms = BEGIN_MS,
			       .subject = arena_printf(a, "%" PRIu64, seed),
			       .n_attacks = (size_t)(value_of(seed, 0) % 40)};

	*c = (struct check_info){
		.name = arena_printf(a, "audit/check-%d", (int)(value_of(seed, 1) % 90)),
		.kind = "missing",
		.file = "assize.yaml",
		.tags = "",
	};
	x.attacks = arena_array(a, x.n_attacks, sizeof(*x.attacks));
	for (size_t i = 0; i < x.n_attacks; i++)
		x.attacks[i] = (struct attack_result){
			.name = "rows-lost",
			.object = "orders",
			.words = arena_printf(a, "%" PRId64 " rows are gone", value_of(seed, i)),
			.outcome = (enum attack_outcome)(value_of(seed, i) % (ATTACK_LAST + 1)),
			.reason = evidence_of(a, seed, i),
		};
	challenged_count(&x);
	return x;
}

/* Is it all of what was made of its seed? */
static bool is_whole_challenge(struct arena *a, const struct challenged *x, uint64_t *seed)
{
	struct challenged given;

	*seed = strtoull(x->subject, NULL, 10);
	given = make_challenged(a, *seed);
	if (strcmp(x->check->name, given.check->name) != 0 || x->n_attacks != given.n_attacks ||
	    x->n_noticed != given.n_noticed || x->n_survived != given.n_survived)
		return false;
	for (size_t i = 0; i < given.n_attacks; i++)
		if (strcmp(x->attacks[i].words, given.attacks[i].words) != 0 ||
		    x->attacks[i].outcome != given.attacks[i].outcome ||
		    (x->attacks[i].reason == NULL) != (given.attacks[i].reason == NULL))
			return false;
	return true;
}

#endif
