/*
 * baseline: the two samples of each series that a baseline rule compares. Private to gates.
 */
#ifndef ASSIZE_GATES_BASELINE_H
#define ASSIZE_GATES_BASELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gates/lines.h"
#include "runner/stats/two_samples.h"

#define BASELINE_MAX_VALUES 2000 /* of a side, the newest */

struct baseline_values {
	double *values; /* newest first until it is turned */
	size_t n, n_lost;
};

struct baseline_compared {
	const struct check *check;
	const char *series, *unit;
	struct baseline_values candidate, baseline;
	int64_t newest_run, newest_ms;
	int64_t candidate_ms; /* of the newest value of the candidate; -1 = none */
	enum outcome outcome;
	const char *text;  /* undecided, or set when it was judged */
	bool is_tested;	   /* p_value is one of those made at once */
	bool is_counted;   /* by counts of a rare event */
	bool is_new_event; /* the baseline has none of it */
	double change, centre, floor, p_value;
	struct two_samples test;
};

struct baseline_comparing {
	struct lines *lines;
	const struct gate_input *in;
	const struct baseline_rule *rule;
	struct baseline_compared *items;
	size_t n, cap;
	int64_t first_candidate_ms; /* of any series; INT64_MAX = none */
};

/* When the candidate began: what a baseline of a window ends with. For all pasts first. */
void baseline_find_begin(struct baseline_comparing *c, const struct gate_past *past);
/* Adds an item for each series of the past. */
void baseline_collect(struct baseline_comparing *c, const struct gate_past *past);

#endif
