/*
 * lookback: rules of a gate that look at what was recorded over a time: `budget` and `baseline`.
 * Parts of struct gate; text as written, or resolved by the loader.
 */
#ifndef ASSIZE_MODEL_LOOKBACK_H
#define ASSIZE_MODEL_LOOKBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/err.h"

struct selector;

/* Both windows are spending the budget at least `rate` times as fast as the objective allows. */
struct burn_pair {
	double rate;
	int64_t long_ms, short_ms;
};

struct budget_rule {
	struct pos pos;
	const char *objective; /* "99.5%" */
	double allowed;	       /* share of the time that may be bad: 0.005 */
	int64_t window_ms;
	int64_t max_gap_ms;	/* between results further apart than that nothing is known */
	bool is_any_definition; /* what was measured under other definitions counts as well */
	const struct selector *checks;
	size_t n_checks;
	const struct burn_pair *burn;
	size_t n_burn;
};

enum baseline_direction { BASELINE_EITHER = 0, BASELINE_HIGHER, BASELINE_LOWER };

/* Which runs a side is made of. Neither: those about the subject the gate is asked for. */
struct baseline_side {
	const char *subject; /* NULL = not by subject */
	int64_t window_ms;   /* 0 = not by time */
};

struct baseline_rule {
	struct pos pos;
	const struct selector *checks; /* one */
	const char *series;	       /* glob; NULL = all */
	struct baseline_side candidate, against;
	int64_t min_n;
	const char *effect_text;
	double effect; /* a change up to here does not count: base unit, or a share */
	bool is_effect_share;
	const char *effect_unit; /* base unit; "" = the series' own */
	int direction;		 /* enum baseline_direction: what is worse */
	double alpha;
};

#endif
