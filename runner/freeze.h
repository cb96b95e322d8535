/*
 * freeze: when the windows of a gate are, where calendars meet time zones.
 */
#ifndef ASSIZE_RUNNER_FREEZE_H
#define ASSIZE_RUNNER_FREEZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gates/gate.h"

struct arena;
struct err;

/*
 * One window a freeze, in order: the one now is in, if it is in one. A zone that cannot be read is
 * told in the window, never passed over.
 */
const struct gate_window *freeze_windows(struct arena *a, const struct gate *g, int64_t now_ms);

#endif
