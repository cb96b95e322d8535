/* clock: CLOCK_REALTIME or a fixed instant; CLOCK_MONOTONIC always, so that deadlines work. */
#include "runner/io/clock.h"

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
	(void)c; /* a fixed wall clock still has real monotonic time */
	return read_clock_us(CLOCK_MONOTONIC);
}
