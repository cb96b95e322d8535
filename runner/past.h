/*
 * past: reads from the record what the checks of a run wish to know (runner/model/past.h).
 */
#ifndef ASSIZE_RUNNER_PAST_H
#define ASSIZE_RUNNER_PAST_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct check;
struct err;
struct past;
struct record;

/* *out is NULL when none of them wishes anything. Text lives in the arena. */
int past_read(struct arena *a, struct record *r, const struct check *const *checks, size_t n,
	      int64_t now_ms, const struct past **out, struct err *e);

#endif
