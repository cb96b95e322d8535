/*
 * past: reads from the record what the checks of a run wish to know (runner/model/past.h).
 */
#ifndef ASSIZE_RUNNER_PAST_H
#define ASSIZE_RUNNER_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct check;
struct err;
struct past;
struct record;

/*
 * is_trust_named: the definition says whose signature counts (ledger: trust); what was merged
 * without one is told then. *out is NULL when none of them wishes anything. Text lives in the
 * arena.
 */
int past_read(struct arena *a, struct record *r, const struct check *const *checks, size_t n,
	      int64_t now_ms, bool is_trust_named, const struct past **out, struct err *e);

#endif
