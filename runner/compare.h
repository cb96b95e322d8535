/*
 * compare: what `not worse than history` and `not worse than control` are judged by.
 *
 * The numbers come from a measurement's repetitions and from those the record has of earlier runs;
 * whether they make a pass is for expect_judge() to say. Larger is worse.
 *
 * History are the newest runs of the same definition on the same host (unless the check says
 * otherwise) that passed, or that had too little history to be judged. Each counts as one, by its
 * median (permutation.h says why).
 */
#ifndef ASSIZE_RUNNER_COMPARE_H
#define ASSIZE_RUNNER_COMPARE_H

#include <stdint.h>

#include "runner/model/expect.h"

struct arena;
struct err;
struct measurement;
struct named_expectation;
struct record;

/* Which series, and of which run. */
struct compare_with {
	struct record *record;
	const char *check, *series;
	const unsigned char *hash; /* of the definition */
	int64_t run_id;
};

/*
 * Fills in out->history and out->control, for those of them that the expectation asks for and the
 * measurement has the repetitions for; else they stay as they are. -1 only when the record cannot
 * be read. Everything is in a.
 */
int compare_measurement(struct arena *a, const struct compare_with *with,
			const struct named_expectation *expected, const struct measurement *m,
			struct baseline *out, struct err *e);

/*
 * The evidence with what the comparisons came to in front: worth seeing also of a pass. What is the
 * reason of the verdict already is not said twice.
 */
const char *compare_evidence(struct arena *a, const struct baseline *b, const char *reason,
			     const char *evidence);

#endif
