/* challenge_sample: what a check measured, judged as the runner does it. Included once. */
#ifndef ASSIZE_TESTS_CHALLENGE_SAMPLE_H
#define ASSIZE_TESTS_CHALLENGE_SAMPLE_H

#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/model/challenge.h"
#include "tests/unit/challenge_world.h"

struct sample {
	const char *series;
	struct value value;
	int64_t n_total; /* 0 = does not apply */
};

#define INT(v)                                                                                     \
	{                                                                                          \
		.type = VALUE_INT, .integer = (v)                                                  \
	}
#define REAL(v)                                                                                    \
	{                                                                                          \
		.type = VALUE_REAL, .real = (v)                                                    \
	}
#define TEXT(s)                                                                                    \
	{                                                                                          \
		.type = VALUE_TEXT, .text = (s)                                                    \
	}

/* As judge.c does it. */
static struct result judged(struct arena *a, const struct check *c, const struct sample *s,
			    const char *unit)
{
	size_t n = strcspn(s->series, "{");
	struct measurement m = measurement_none(arena_strndup(a, s->series, n), "it is not there");
	struct result r = {
		.series = s->series, .value = s->value, .unit = unit, .bound = "", .n = -1};
	struct verdict v;

	m.value = s->value;
	m.unit = unit;
	if (s->n_total > 0) {
		m.n_total = s->n_total;
		m.share = (double)s->value.integer / (double)s->n_total;
	}
	r.n_total = m.n_total;
	r.share = m.share;
	r.room = NAN;
	r.outcome = OUTCOME_PASS;
	for (size_t i = 0; i < c->n_expects; i++) {
		const struct named_expectation *x = &c->expects[i];

		if (strcmp(x->name, m.name) != 0)
			continue;
		expect_judge(a, x->has_expect ? &x->expect : &x->warn,
			     x->has_expect && x->has_warn ? &x->warn : NULL, &m, NULL, &v);
		if (!x->has_expect && v.outcome == OUTCOME_FAIL)
			v.outcome = OUTCOME_WARN;
		r.outcome = v.outcome;
		r.bound = v.bound;
		r.reason = v.reason;
		r.has_limit = v.has_limit;
		r.limit = v.limit;
	}
	return r;
}

#endif
