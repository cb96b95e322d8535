/*
 * outcome: what a check's series, a check, or a run came to.
 *
 * The zero value is UNDECIDED, so whatever was forgotten can never open a gate. Outcomes are joined
 * by outcome_join() only, never by comparing numbers: the enum has no order.
 */
#ifndef ASSIZE_MODEL_OUTCOME_H
#define ASSIZE_MODEL_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

enum outcome {
	OUTCOME_UNDECIDED = 0, /* could not measure, with a reason */
	OUTCOME_PASS,
	OUTCOME_WARN, /* passes, marked */
	OUTCOME_FAIL, /* disproved */
	OUTCOME_SKIP, /* not executed, with a reason; undecided where a gate requires it */
};
#define OUTCOME_COUNT 5

/* How many came out so, by enum outcome. */
struct outcome_counts {
	int64_t n[OUTCOME_COUNT];
};

/*
 * Any fail = fail; else any undecided = undecided; else any skip = skip; else any warn = warn; else
 * pass. Joining nothing is the caller's decision (and is undecided wherever it matters).
 */
enum outcome outcome_join(enum outcome a, enum outcome b);

bool outcome_is_passing(enum outcome o);		     /* PASS or WARN */
const char *outcome_name(enum outcome o);		     /* "undecided", "pass", ... */
bool outcome_from_name(const char *name, enum outcome *out); /* false: no such name */

#endif
