/* given: what the lives of power.c say, and results that follow from a seed. */
#ifndef ASSIZE_TESTS_GIVEN_H
#define ASSIZE_TESTS_GIVEN_H

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/history/record.h"
#include "runner/stats/random.h"

#define BEGIN_MS  INT64_C(1760000400000)
#define N_SAMPLES 300

enum word { BEGINS, ADDS, ENDS, SIGNS, REFUSED };

/* Said before it is tried, and again when it is acknowledged. */
struct message {
	enum word word;
	bool is_done;
	int64_t run;
	uint64_t first, n, seed; /* of a batch: its results follow from the seed */
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

#endif
