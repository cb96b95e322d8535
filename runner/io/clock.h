/*
 * clock: time, passed in.
 *
 * clock_system() reads the machine. Tests and ASSIZE_FAKE_NOW-free code use clock_fixed(), whose
 * wall time stands still (monotonic time stays real so that deadlines work, unless what happened
 * once is gone through again). Thread-safe.
 */
#ifndef ASSIZE_IO_CLOCK_H
#define ASSIZE_IO_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock {
	int64_t fixed_ms;     /* -1 = the system's wall clock */
	int64_t monotonic_us; /* where monotonic time stands still; 0 = it goes on */
};

struct clock clock_system(void);
struct clock clock_fixed(int64_t unix_ms);
int64_t clock_wall_ms(const struct clock *c);	   /* Unix milliseconds */
int64_t clock_monotonic_ms(const struct clock *c); /* arbitrary origin, never goes back */
int64_t clock_monotonic_us(const struct clock *c);

/* What the kernel knows of its own clock (adjtimex(2)). */
struct clock_state {
	bool is_synchronised;
	bool is_leap; /* a leap second is under way, or comes at midnight */
	int64_t max_error_us;
};
int clock_ask(struct clock_state *out); /* -1 = errno */

struct err;
/*
 * Offset of a zone from UTC at an instant, in ms; -1 when the zone is unknown. A zone is an IANA
 * name, or an offset, +05:30 ahead of UTC.
 */
int zone_offset_ms(const char *zone, int64_t unix_ms, int64_t *out, struct err *e);
/*
 * The instant of a local reading (as if it were UTC). An hour that repeats has two: the later one
 * if is_late. One that was jumped over is taken by the offset that makes it earlier, or later.
 */
int zone_instant_ms(const char *zone, int64_t local_ms, bool is_late, int64_t *out, struct err *e);

#endif
