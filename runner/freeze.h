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
 * The instant of a local reading. Where clocks go back a reading has two, where they go forward
 * none: is_late takes the later of those that could be meant, else the earlier, so that a window is
 * rather too long than too short.
 */
int freeze_instant(const char *zone, int64_t local_ms, bool is_late, int64_t *out, struct err *e);

/*
 * One window a freeze, in order: the one now is in, if it is in one. A zone that cannot be read is
 * told in the window, never passed over.
 */
const struct gate_window *freeze_windows(struct arena *a, const struct gate *g, int64_t now_ms);

#endif
