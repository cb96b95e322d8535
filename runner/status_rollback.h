/*
 * status_rollback: the part of `assize status` about rollback sets: how many of the releases a set
 * names are proven, how old the oldest proof is, and when a gate wants the next.
 */
#ifndef ASSIZE_RUNNER_STATUS_ROLLBACK_H
#define ASSIZE_RUNNER_STATUS_ROLLBACK_H

#include <stddef.h>
#include <stdint.h>

#include "runner/model/outcome.h"

struct app;
struct definition;
struct err;
struct json_writer;
struct record;

struct status_set {
	const char *name;
	enum outcome
		outcome; /* pass: every release is proven, and no gate waits for a newer proof */
	size_t n_tags, n_proven;
	int64_t oldest_ms; /* of the proofs; -1 = there is none */
	int64_t next_ms;   /* when the first gate stops counting them; -1 = no gate asks */
	const char *note;  /* why the outcome is none that passes; "" */
};

struct status_sets {
	struct status_set *items; /* of the definition, in its order */
	size_t n;
	int64_t now_ms;
};

/* Tags are listed, nothing is verified. record NULL = there is none yet. What cannot be listed is
 * said in the set's note. */
int status_sets_read(struct app *app, struct record *record, const struct definition *d,
		     int64_t now_ms, struct status_sets *out, struct err *e);
void status_sets_print(struct app *app, const struct status_sets *sets);
/* The member "rollback": set, outcome, tags, proven, oldest_ms, next_ms, reason. */
void status_sets_put(struct json_writer *w, const struct status_sets *sets);

#endif
