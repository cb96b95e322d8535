/*
 * retry: how long to wait before a check that did not pass is tried again.
 *
 * The pause is retry_delay, retry_backoff times as long after each further attempt, never more than
 * RETRY_MAX_PAUSE_MS (unless retry_delay is). With a backoff above 1 up to a quarter is added: the
 * same for the same seed (a run's), check and attempt, another one for others, so that a thousand
 * checks which failed together do not come back together.
 */
#ifndef ASSIZE_RUNNER_RETRY_H
#define ASSIZE_RUNNER_RETRY_H

#include <stdint.h>

struct check;

#define RETRY_MAX_PAUSE_MS (5 * 60 * 1000)

/* The pause behind this attempt (from 1). */
int64_t retry_pause_ms(const struct check *c, int64_t seed, int attempt);

#endif
