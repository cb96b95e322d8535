/*
 * db_watch: a statement ends at its deadline, whatever the server thinks of it.
 *
 * Servers are told a limit as well, but they count in their own way, may return a value without an
 * error when they interrupt, and know nothing of a network that swallows packets. So a thread of
 * each session waits for the deadline, asks the server to end the statement, and when that is not
 * possible or does not help, has the connection cut. Either way the statement is late, and the
 * session is not used again: the request may arrive after the statement has ended and would hit the
 * next.
 *
 * The thread sleeps until the earliest deadline it knows of; a statement that ends in time does not
 * wake it.
 */
#include "runner/io/db_watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runner/base/err.h"
#include "runner/io/clock.h"

#define GRACE_MS 2000

/* pthread calls below fail only when misused; a watch that cannot lock must not go on. */
static void must(int rc)
{
	if (rc != 0)
		abort();
}

/* Waits until something changes, at most until then. The lock is held. */
static void sleep_until(struct db_watch *w, int64_t until_ms)
{
	int64_t left_ms = until_ms - clock_monotonic_ms(w->clock);
	struct timespec until;

	w->wakes_ms = until_ms;
	if (until_ms == INT64_MAX) {
		must(pthread_cond_wait(&w->changed, &w->lock));
		return;
	}
	if (left_ms <= 0)
		return;
	/* Cannot fail: the clock is required by POSIX. */
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(left_ms / 1000);
	until.tv_nsec += (long)(left_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	/* Awake early or late, the clock is asked again. */
	(void)pthread_cond_timedwait(&w->changed, &w->lock, &until);
}

/* The deadline passed. The lock is held, but for the time of the request. */
static void fire(struct db_watch *w)
{
	w->has_fired = true;
	w->is_stopping = true;
	must(pthread_mutex_unlock(&w->lock));
	bool is_asked = w->stop(w->ctx);

	must(pthread_mutex_lock(&w->lock));
	w->is_stopping = false;
	must(pthread_cond_broadcast(&w->changed));
	int64_t until_ms = clock_monotonic_ms(w->clock) + (is_asked ? GRACE_MS : 0);

	while (w->deadline_ms != INT64_MAX && clock_monotonic_ms(w->clock) < until_ms)
		sleep_until(w, until_ms);
	if (w->deadline_ms != INT64_MAX && w->cut)
		w->cut(w->ctx);
	while (w->deadline_ms != INT64_MAX)
		sleep_until(w, INT64_MAX);
}

static void *watch(void *ctx)
{
	struct db_watch *w = ctx;

	must(pthread_mutex_lock(&w->lock));
	while (!w->is_ending) {
		if (clock_monotonic_ms(w->clock) >= w->deadline_ms)
			fire(w);
		else
			sleep_until(w, w->deadline_ms);
	}
	must(pthread_mutex_unlock(&w->lock));
	return NULL;
}

int db_watch_init(struct db_watch *w, struct err *e)
{
	pthread_condattr_t attr;

	w->deadline_ms = INT64_MAX;
	w->wakes_ms = INT64_MAX;
	must(pthread_mutex_init(&w->lock, NULL));
	must(pthread_condattr_init(&attr));
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC));
	must(pthread_cond_init(&w->changed, &attr));
	must(pthread_condattr_destroy(&attr));
	int rc = pthread_create(&w->thread, NULL, watch, w);

	w->is_started = rc == 0;
	if (rc == 0)
		return 0;
	return err_set(e, ERR_MEASURE, "could not start a thread: %s", strerror(rc));
}

void db_watch_release(struct db_watch *w)
{
	if (w->is_started) {
		must(pthread_mutex_lock(&w->lock));
		w->is_ending = true;
		must(pthread_cond_broadcast(&w->changed));
		must(pthread_mutex_unlock(&w->lock));
		must(pthread_join(w->thread, NULL));
	}
	must(pthread_cond_destroy(&w->changed));
	must(pthread_mutex_destroy(&w->lock));
}

void db_watch_begin(struct db_watch *w, int64_t deadline_ms)
{
	must(pthread_mutex_lock(&w->lock));
	w->deadline_ms = deadline_ms;
	w->has_fired = false;
	if (deadline_ms < w->wakes_ms)
		must(pthread_cond_broadcast(&w->changed));
	must(pthread_mutex_unlock(&w->lock));
}

bool db_watch_end(struct db_watch *w)
{
	must(pthread_mutex_lock(&w->lock));
	w->deadline_ms = INT64_MAX;
	if (w->has_fired)
		must(pthread_cond_broadcast(&w->changed));
	while (w->is_stopping)
		must(pthread_cond_wait(&w->changed, &w->lock));
	bool has_fired = w->has_fired;

	must(pthread_mutex_unlock(&w->lock));
	return has_fired;
}
