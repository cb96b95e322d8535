/*
 * cron: five-field cron expressions and @hourly, @daily, @weekly, @monthly, @yearly.
 *
 * Fields minute hour day-of-month month day-of-week with lists, ranges, steps and English three
 * letter names; 7 is Sunday. As in Vixie cron, when both day fields are restricted either matches.
 * Works on local civil time given by the caller: the zone is not known here.
 *
 * Source: crontab(5), POSIX.1-2017 crontab.
 */
#ifndef ASSIZE_BASE_CRON_H
#define ASSIZE_BASE_CRON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct civil;

struct cron {
	uint64_t minutes; /* bit 0..59 */
	uint32_t hours;	  /* bit 0..23 */
	uint32_t days;	  /* bit 1..31 */
	uint16_t months;  /* bit 1..12 */
	uint8_t weekdays; /* bit 0..6 */
	bool is_any_day, is_any_weekday;
	bool is_repeating; /* the minute or the hour begins with a star: no fixed time of day */
};

/* An expression that never fires (30 February) is an error. */
int cron_parse(const char *text, struct cron *out, struct err *e);
bool cron_matches(const struct cron *c, const struct civil *local);

/*
 * The latest minute <= local_ms, or the first minute > local_ms, at which c fires; both on the
 * civil time line (ms as if the local reading were UTC). -1 when there is none within 5 years.
 */
int64_t cron_previous(const struct cron *c, int64_t local_ms);
int64_t cron_next(const struct cron *c, int64_t local_ms);

#endif
