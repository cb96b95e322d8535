/*
 * The cron room knows civil time only; here it meets time zones.
 */
#include "runner/schedule.h"

#include "runner/base/cron.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/model/definition.h"

/* The instant, behind before_ms and not behind after_ms, from which on the offset is that one. */
static int find_change(const char *zone, int64_t before_ms, int64_t after_ms, int64_t offset,
		       int64_t *out, struct err *e)
{
	while (after_ms - before_ms > 1) {
		int64_t middle_ms = before_ms + (after_ms - before_ms) / 2, there;

		if (zone_offset_ms(zone, middle_ms, &there, e) != 0)
			return -1;
		if (there == offset)
			after_ms = middle_ms;
		else
			before_ms = middle_ms;
	}
	*out = after_ms;
	return 0;
}

/*
 * Local reading -> instant; the offset is looked up at the instant the first guess gives. A reading
 * that is left out when clocks go forward is the moment they do.
 */
static int to_utc(const char *zone, int64_t local_ms, int64_t guess_offset, int64_t *out,
		  struct err *e)
{
	int64_t guess_ms = local_ms - guess_offset, at_ms, offset, there;

	if (zone_offset_ms(zone, guess_ms, &offset, e) != 0)
		return -1;
	at_ms = local_ms - offset;
	if (zone_offset_ms(zone, at_ms, &there, e) != 0)
		return -1;
	if (there == offset) {
		*out = at_ms;
		return 0;
	}
	return guess_ms < at_ms ? find_change(zone, guess_ms, at_ms, there, out, e)
				: find_change(zone, at_ms, guess_ms, offset, out, e);
}

int schedule_times(const struct check *c, int64_t now_ms, struct schedule_times *out, struct err *e)
{
	struct schedule_times t = {-1, -1, now_ms};
	int64_t offset, local;

	if (zone_offset_ms(c->time_zone, now_ms, &offset, e) != 0)
		return err_context(e, "check \"%s\"", c->name);
	local = cron_previous(&c->cron, now_ms + offset);
	if (local >= 0 && to_utc(c->time_zone, local, offset, &t.previous_ms, e) != 0)
		return -1;
	local = cron_next(&c->cron, now_ms + offset);
	if (local >= 0 && to_utc(c->time_zone, local, offset, &t.next_ms, e) != 0)
		return -1;
	*out = t;
	return 0;
}

bool schedule_is_due(const struct schedule_times *t, int64_t measured_ms)
{
	return t->previous_ms >= 0 && (measured_ms < t->previous_ms || measured_ms > t->now_ms);
}

int schedule_due_since(const struct check *c, int64_t measured_ms, int64_t now_ms, int64_t *out,
		       struct err *e)
{
	struct schedule_times now, then;

	*out = -1;
	if (schedule_times(c, now_ms, &now, e) != 0)
		return -1;
	if (!schedule_is_due(&now, measured_ms))
		return 0;
	*out = now.previous_ms;
	if (measured_ms < 0)
		return 0;
	if (schedule_times(c, measured_ms, &then, e) != 0)
		return -1;
	if (then.next_ms >= 0 && then.next_ms < *out)
		*out = then.next_ms;
	return 0;
}
