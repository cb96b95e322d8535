/* clock: CLOCK_REALTIME or a fixed instant; CLOCK_MONOTONIC always, so that deadlines work. */
#define _DEFAULT_SOURCE /* adjtimex() */
#include "runner/io/clock.h"

#include <sys/timex.h>
#include <time.h>

static int64_t read_clock_us(clockid_t id)
{
	struct timespec ts;

	/* Cannot fail: both clocks are required by POSIX and ts is ours. */
	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

struct clock clock_system(void)
{
	return (struct clock){.fixed_ms = -1};
}

struct clock clock_fixed(int64_t unix_ms)
{
	return (struct clock){.fixed_ms = unix_ms};
}

int64_t clock_wall_ms(const struct clock *c)
{
	return c->fixed_ms >= 0 ? c->fixed_ms : read_clock_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_monotonic_ms(const struct clock *c)
{
	return clock_monotonic_us(c) / 1000;
}

int64_t clock_monotonic_us(const struct clock *c)
{
	/* a fixed wall clock still has real monotonic time */
	return c->monotonic_us > 0 ? c->monotonic_us : read_clock_us(CLOCK_MONOTONIC);
}

int clock_ask(struct clock_state *out)
{
	struct timex t = {.modes = 0}; /* changes nothing */
	int state = adjtimex(&t);

	if (state < 0)
		return -1;
	out->is_synchronised = state != TIME_ERROR && (t.status & STA_UNSYNC) == 0;
	out->is_leap = state == TIME_INS || state == TIME_DEL || state == TIME_OOP;
	out->max_error_us = t.maxerror;
	return 0;
}
