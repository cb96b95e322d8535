/*
 * A recurring window begins when its expression fires on the clock of its zone, and ends when that
 * clock shows so much later: Friday 16:00 for 64 hours is over on Monday 08:00, also where clocks
 * are changed on the Sunday between.
 */
#include "runner/freeze.h"

#include "runner/base/arena.h"
#include "runner/base/cron.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/model/definition.h"

#define MINUTE_MS INT64_C(60000)
/* Clocks are changed by less: what a local reading of now may have passed already. */
#define CHANGE_MS (3 * 60 * MINUTE_MS)

/* When the newest window that has begun, began; -1 = none has, in five years. */
static int last_begin(const struct freeze *f, int64_t now_ms, int64_t *local, int64_t *begin,
		      struct err *e)
{
	int64_t offset;

	*begin = -1;
	if (zone_offset_ms(f->time_zone, now_ms, &offset, e) != 0)
		return -1;
	/* where clocks went back the reading of now is earlier than one that has been */
	*local = cron_previous(&f->cron, now_ms + offset + CHANGE_MS);
	for (; *local >= 0; *local = cron_previous(&f->cron, *local - MINUTE_MS)) {
		if (zone_instant_ms(f->time_zone, *local, false, begin, e) != 0)
			return -1;
		if (*begin <= now_ms)
			return 0;
	}
	*begin = -1;
	return 0;
}

static void find_window(struct arena *a, const struct freeze *f, int64_t now_ms,
			struct gate_window *out)
{
	struct err e = {0};
	int64_t local, begin;

	*out = (struct gate_window){.freeze = f, .from_ms = f->from_ms, .to_ms = f->to_ms};
	if (!f->is_recurring)
		return;
	out->to_ms = out->from_ms = 0;
	if (last_begin(f, now_ms, &local, &begin, &e) != 0 ||
	    (begin >= 0 &&
	     zone_instant_ms(f->time_zone, local + f->for_ms, true, &out->to_ms, &e) != 0)) {
		out->error = arena_strdup(a, e.message);
		return;
	}
	out->from_ms = begin >= 0 ? begin : 0;
}

const struct gate_window *freeze_windows(struct arena *a, const struct gate *g, int64_t now_ms)
{
	struct gate_window *windows = arena_array(a, g->n_freezes, sizeof(*windows));

	for (size_t i = 0; i < g->n_freezes; i++)
		find_window(a, &g->freezes[i], now_ms, &windows[i]);
	return windows;
}
