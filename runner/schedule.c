/*
 * The cron room knows civil time only; here it meets time zones, as in cronie: a time of day that
 * clocks show twice is one moment, the first, for what runs at a fixed time, and two for what
 * repeats (a star in the minute or hour), which would else rest for an hour.
 */
#include "runner/schedule.h"

#include <stdbool.h>

#include "runner/base/cron.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/model/definition.h"

#define DAY_MS INT64_C(86400000)

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

/* Both instants of a reading that is shown twice; of one that is left out the moment clocks jump.
 */
static int instants(const char *zone, int64_t local_ms, int64_t out[2], struct err *e)
{
	int64_t offset;

	if (zone_instant_ms(zone, local_ms, false, &out[0], e) != 0 ||
	    zone_instant_ms(zone, local_ms, true, &out[1], e) != 0)
		return -1;
	if (out[0] == out[1])
		return 0;
	if (zone_offset_ms(zone, out[0], &offset, e) != 0)
		return -1;
	if (out[0] + offset == local_ms)
		return 0;
	if (zone_offset_ms(zone, out[1], &offset, e) != 0 ||
	    find_change(zone, out[0], out[1], offset, &out[1], e) != 0)
		return -1;
	out[0] = out[1];
	return 0;
}

/* Do clocks go back behind from_ms and not behind to_ms? 1 = from the first reading to the second.
 */
static int find_return(const char *zone, int64_t from_ms, int64_t to_ms, int64_t readings[2],
		       struct err *e)
{
	int64_t before, after, at_ms;

	if (zone_offset_ms(zone, from_ms, &before, e) != 0 ||
	    zone_offset_ms(zone, to_ms, &after, e) != 0)
		return -1;
	if (after >= before)
		return 0;
	if (find_change(zone, from_ms, to_ms, after, &at_ms, e) != 0)
		return -1;
	readings[0] = at_ms + before;
	readings[1] = at_ms + after;
	return 1;
}

/* The last moment not behind now_ms with a reading not behind that one; -1 = none. */
static int find_previous(const struct check *c, int64_t local_ms, int64_t now_ms, int64_t *out,
			 struct err *e)
{
	int64_t local = cron_previous(&c->cron, local_ms), both[2];

	*out = -1;
	if (local < 0)
		return 0;
	if (instants(c->time_zone, local, both, e) != 0)
		return -1;
	*out = c->cron.is_repeating && both[1] <= now_ms ? both[1] : both[0];
	return 0;
}

/* The first moment behind now_ms with a reading behind that one; -1 = none. */
static int find_next(const struct check *c, int64_t local_ms, int64_t now_ms, int64_t *out,
		     struct err *e)
{
	int64_t local = cron_next(&c->cron, local_ms), both[2];

	for (; local >= 0; local = cron_next(&c->cron, local)) {
		if (instants(c->time_zone, local, both, e) != 0)
			return -1;
		*out = c->cron.is_repeating && both[0] <= now_ms ? both[1] : both[0];
		if (*out > now_ms)
			return 0;
	}
	*out = -1;
	return 0;
}

/* Within a day of clocks that go back, readings on the other side of it may be nearer. */
static int find_times(const struct check *c, struct schedule_times *t, struct err *e)
{
	int64_t now_ms = t->now_ms, offset, readings[2], other_ms;
	int rc;

	if (zone_offset_ms(c->time_zone, now_ms, &offset, e) != 0 ||
	    find_previous(c, now_ms + offset, now_ms, &t->previous_ms, e) != 0 ||
	    find_next(c, now_ms + offset, now_ms, &t->next_ms, e) != 0)
		return -1;
	rc = find_return(c->time_zone, now_ms - DAY_MS, now_ms, readings, e);
	if (rc == 1 && (rc = find_previous(c, readings[0] - 1, now_ms, &other_ms, e)) == 0 &&
	    other_ms > t->previous_ms)
		t->previous_ms = other_ms;
	if (rc < 0)
		return -1;
	rc = find_return(c->time_zone, now_ms, now_ms + DAY_MS, readings, e);
	if (rc == 1 && (rc = find_next(c, readings[1] - 1, now_ms, &other_ms, e)) == 0 &&
	    other_ms >= 0 && (t->next_ms < 0 || other_ms < t->next_ms))
		t->next_ms = other_ms;
	return rc;
}

int schedule_times(const struct check *c, int64_t now_ms, struct schedule_times *out, struct err *e)
{
	struct schedule_times t = {-1, -1, now_ms};

	if (find_times(c, &t, e) != 0) {
		(void)err_context(e, "check \"%s\"", c->name);
		return -1;
	}
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
