/*
 * utc: instants as milliseconds since 1970-01-01T00:00:00Z, and their text (RFC 3339).
 *
 * The proleptic Gregorian calendar, leap seconds ignored like POSIX time. No allocation, no locale,
 * no environment.
 */
#ifndef ASSIZE_BASE_UTC_H
#define ASSIZE_BASE_UTC_H

#include <stddef.h>
#include <stdint.h>

#define UTC_MAX 32

struct civil {
	int year, month, day; /* month and day from 1 */
	int hour, minute, second, ms;
	int weekday; /* 0 = Sunday */
};

void utc_civil(int64_t ms, struct civil *out);
int64_t utc_from_civil(const struct civil *c); /* weekday ignored */

/* "2026-11-22T21:40:03Z"; with_ms adds ".123". */
size_t utc_format(int64_t ms, int with_ms, char out[static UTC_MAX]);

/*
 * RFC 3339 with zone, or "YYYY-MM-DD[ T]HH:MM[:SS[.fff]]" and "YYYY-MM-DD" which carry no zone.
 * has_zone tells which; without a zone *out is the reading as UTC.
 */
int utc_parse(const char *s, size_t n, int64_t *out, int *has_zone);

#endif
