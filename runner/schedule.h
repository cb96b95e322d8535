/*
 * schedule: when a check should have run, and when it will.
 *
 * Cron expressions are read on the civil time line of the check's zone. A local time that a change
 * to summer time skips fires at the change. One that occurs twice fires the first time only, but
 * for what repeats (cron.h), which does so in both hours.
 */
#ifndef ASSIZE_RUNNER_SCHEDULE_H
#define ASSIZE_RUNNER_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct check;
struct err;

/* Overdue: its moment passed this long ago, and nothing was measured since. */
#define SCHEDULE_GRACE_MS (10 * 60 * 1000)

struct schedule_times {
	int64_t previous_ms; /* latest moment <= now at which it should have run; -1 none */
	int64_t next_ms;     /* -1 none */
	int64_t now_ms;
};

/* c->schedule must be set. -1: the zone is unknown to this machine. */
int schedule_times(const struct check *c, int64_t now_ms, struct schedule_times *out,
		   struct err *e);

/*
 * Due when its last moment lies behind its last measurement (-1 = never measured: due), or that is
 * in the future: a clock that went wrong once must not silence a schedule.
 */
bool schedule_is_due(const struct schedule_times *t, int64_t measured_ms);

/*
 * Since when it is due: the first of its moments behind its last measurement, not the latest, or
 * what has not run for days would be fresh again after each of them; of one never measured, the
 * latest. -1 in *out: it is not due.
 */
int schedule_due_since(const struct check *c, int64_t measured_ms, int64_t now_ms, int64_t *out,
		       struct err *e);

#endif
