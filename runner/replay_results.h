/*
 * replay_results: the results of a run judged once more, each from its recorded value and what was
 * recorded to be expected of it.
 */
#ifndef ASSIZE_RUNNER_REPLAY_RESULTS_H
#define ASSIZE_RUNNER_REPLAY_RESULTS_H

#include <stddef.h>

struct arena;
struct err;
struct record;
struct result;
struct run_info;

enum replayed {
	REPLAYED_UNKNOWN = 0, /* cannot be judged again: text says why */
	REPLAYED_EQUAL,
	REPLAYED_DIFFERS, /* text says how */
};

/* One result of the run; text is in a, NULL when it is equal. -1: the record cannot be read. */
int replay_result(struct record *record, struct arena *a, const struct run_info *run,
		  const struct result *r, enum replayed *out, const char **text, struct err *e);

#endif
