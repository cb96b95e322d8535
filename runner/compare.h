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
struct record;

/* Which series, and of which run. */
struct compare_with {
	struct record *record;
	const char *check, *series;
	const unsigned char *hash; /* of the definition */
	int64_t run_id;
};

/* -1 only when the record cannot be read. m has a value and sampling. Texts are in a. */
int compare_with_history(struct arena *a, const struct compare_with *with,
			 const struct measurement *m, struct comparison *out, struct err *e);

void compare_with_control(struct arena *a, const struct measurement *m, struct comparison *out);

#endif
