/*
 * db_mysql_watch: a statement ends at its deadline, whatever the server thinks of it.
 *
 * The server is told a limit as well, but it counts in its own way, may return a value without an
 * error when it interrupts (MariaDB), knows nothing of a network that swallows packets, and MySQL
 * applies it to SELECT only. So a thread of each session waits for the deadline. Then it sends KILL
 * QUERY over a connection of its own, and when that is not possible or does not help, it shuts the
 * socket. Either way the statement is late, and the session is not used again: the kill may arrive
 * after the statement has ended and would hit the next.
 *
 * The thread sleeps until the earliest deadline it knows of; a statement that ends in time does not
 * wake it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/db_mysql.h"

#define KILL_TIMEOUT_MS 2000
#define GRACE_MS	2000

/* pthread calls below fail only when misused; a watch that cannot lock must not go on. */
static void must(int rc)
{
	if (rc != 0)
		abort();
}

/* Waits until something changes, at most until then. The lock is held. */
static void sleep_until(struct mysql_db *s, int64_t until_ms)
{
	struct mysql_watch *w = &s->watch;
	int64_t left_ms = until_ms - clock_monotonic_ms(s->clock);
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

/* Asks the server to end the statement. The lock is not held: this takes time. */
static bool kill_query(struct mysql_db *s)
{
	char sql[48];
	bool is_done = false;
	MYSQL *other = mysql_dial(s, KILL_TIMEOUT_MS, &is_done);

	/* Fits: the number has at most 20 digits. */
	(void)snprintf(sql, sizeof(sql), "KILL QUERY %lu", s->id);
	if (is_done)
		is_done = s->client->real_query(other, sql, strlen(sql)) == 0;
	s->client->close(other);
	return is_done;
}

/* The deadline passed. The lock is held, but for the time of the kill. */
static void fire(struct mysql_db *s)
{
	struct mysql_watch *w = &s->watch;

	w->has_fired = true;
	w->is_killing = true;
	must(pthread_mutex_unlock(&w->lock));
	bool is_killed = kill_query(s);

	must(pthread_mutex_lock(&w->lock));
	w->is_killing = false;
	must(pthread_cond_broadcast(&w->changed));
	int64_t until_ms = clock_monotonic_ms(s->clock) + (is_killed ? GRACE_MS : 0);

	while (w->deadline_ms != INT64_MAX && clock_monotonic_ms(s->clock) < until_ms)
		sleep_until(s, until_ms);
	if (w->deadline_ms != INT64_MAX)
		/* Already gone is as good. */
		(void)shutdown(s->socket, SHUT_RDWR);
	while (w->deadline_ms != INT64_MAX)
		sleep_until(s, INT64_MAX);
}

static void *watch(void *ctx)
{
	struct mysql_db *s = ctx;
	struct mysql_watch *w = &s->watch;

	must(pthread_mutex_lock(&w->lock));
	while (!w->is_ending) {
		if (clock_monotonic_ms(s->clock) >= w->deadline_ms)
			fire(s);
		else
			sleep_until(s, w->deadline_ms);
	}
	must(pthread_mutex_unlock(&w->lock));
	return NULL;
}

int mysql_watch_init(struct mysql_db *s, struct err *e)
{
	struct mysql_watch *w = &s->watch;
	pthread_condattr_t attr;

	*w = (struct mysql_watch){.deadline_ms = INT64_MAX, .wakes_ms = INT64_MAX};
	must(pthread_mutex_init(&w->lock, NULL));
	must(pthread_condattr_init(&attr));
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC));
	must(pthread_cond_init(&w->changed, &attr));
	must(pthread_condattr_destroy(&attr));
	int rc = pthread_create(&w->thread, NULL, watch, s);

	w->is_started = rc == 0;
	if (rc == 0)
		return 0;
	return err_set(e, ERR_MEASURE, "could not start a thread: %s", strerror(rc));
}

void mysql_watch_release(struct mysql_db *s)
{
	struct mysql_watch *w = &s->watch;

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

void mysql_watch_begin(struct mysql_db *s, int64_t deadline_ms)
{
	struct mysql_watch *w = &s->watch;

	must(pthread_mutex_lock(&w->lock));
	w->deadline_ms = deadline_ms;
	w->has_fired = false;
	if (deadline_ms < w->wakes_ms)
		must(pthread_cond_broadcast(&w->changed));
	must(pthread_mutex_unlock(&w->lock));
}

bool mysql_watch_end(struct mysql_db *s)
{
	struct mysql_watch *w = &s->watch;

	must(pthread_mutex_lock(&w->lock));
	w->deadline_ms = INT64_MAX;
	if (w->has_fired)
		must(pthread_cond_broadcast(&w->changed));
	while (w->is_killing)
		must(pthread_cond_wait(&w->changed, &w->lock));
	bool has_fired = w->has_fired;

	must(pthread_mutex_unlock(&w->lock));
	return has_fired;
}
