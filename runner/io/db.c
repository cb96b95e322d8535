/*
 * db: the pool. A session costs an open, a schema parse and a dozen settings, so it is kept and
 * handed on; a statement then costs its preparation only. Sessions belong to a home (one a target),
 * because the ceiling of connections is the target's.
 *
 * The lock covers the lists and the preflight, never an open or a statement: a database that hangs
 * holds up nobody else's.
 */
#include "runner/io/db.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/db_driver.h"
#include "runner/io/file.h"

struct db_home {
	struct db_source source; /* its texts are the home's */
	const struct db_driver *driver;
	int64_t n_open; /* idle, in use, or being opened */
	struct db *idle;
	bool is_registered; /* with the file door, from the first preflight that succeeded */
	struct db_home *next;
};

struct db_pool {
	const struct clock *clock;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct db_home *homes;
};

/* pthread calls below fail only when misused; a pool that cannot lock must not go on. */
static void must(int rc)
{
	if (rc != 0)
		abort();
}

struct db_pool *db_pool_new(const struct clock *clock)
{
	struct db_pool *p = xmalloc(sizeof(*p));
	pthread_condattr_t attr;

	*p = (struct db_pool){.clock = clock};
	must(pthread_mutex_init(&p->lock, NULL));
	must(pthread_condattr_init(&attr));
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC));
	must(pthread_cond_init(&p->changed, &attr));
	must(pthread_condattr_destroy(&attr));
	return p;
}

static void home_free(struct db_home *h)
{
	/* The home owns these; a source only borrows, hence const. */
	free((char *)(uintptr_t)h->source.name);
	free((char *)(uintptr_t)h->source.location);
	free((char *)(uintptr_t)h->source.password);
	free(h);
}

void db_pool_free(struct db_pool *p)
{
	if (!p)
		return;
	while (p->homes) {
		struct db_home *h = p->homes;

		p->homes = h->next;
		while (h->idle) {
			struct db *db = h->idle;

			h->idle = db->next;
			h->driver->close(db);
		}
		if (h->is_registered)
			file_unregister_database(h->source.location);
		home_free(h);
	}
	must(pthread_cond_destroy(&p->changed));
	must(pthread_mutex_destroy(&p->lock));
	free(p);
}

static struct db_home *find_home(struct db_pool *p, const struct db_source *source, struct err *e)
{
	const struct db_driver *driver;
	struct db_home *h = p->homes;

	while (h && (strcmp(h->source.name, source->name) != 0 ||
		     strcmp(h->source.location, source->location) != 0))
		h = h->next;
	if (h)
		return h;
	driver = db_driver_of(source->engine, e);
	if (!driver)
		return NULL;
	h = xmalloc(sizeof(*h));
	*h = (struct db_home){.source = *source, .driver = driver, .next = p->homes};
	h->source.name = xstrdup(source->name);
	h->source.location = xstrdup(source->location);
	h->source.password = source->password ? xstrdup(source->password) : NULL;
	p->homes = h;
	return h;
}

/* What is to be looked at while the process has no session there: a file. */
static int preflight(struct db_home *h, struct err *e)
{
	if (!h->driver->preflight || h->is_registered)
		return 0;
	if (h->driver->preflight(h->source.location, e) != 0)
		return -1;
	file_register_database(h->source.location);
	h->is_registered = true;
	return 0;
}

/* Waits until somebody gives a session back. The lock is held. -1: the deadline passed. */
static int wait_for_change(struct db_pool *p, int64_t deadline_ms)
{
	int64_t left_ms = deadline_ms - clock_monotonic_ms(p->clock);
	struct timespec until;

	if (left_ms <= 0)
		return -1;
	/* Cannot fail: the clock is required by POSIX. */
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(left_ms / 1000);
	until.tv_nsec += (long)(left_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	int rc = pthread_cond_timedwait(&p->changed, &p->lock, &until);

	if (rc != 0 && rc != ETIMEDOUT)
		abort();
	return 0;
}

/* Opens one more session of a home whose n_open already counts it. The lock is not held. */
static int open_session(struct db_pool *p, struct db_home *h, int64_t deadline_ms, struct db **out,
			struct err *e)
{
	if (h->driver->open(&h->source, p->clock, deadline_ms, out, e) == 0) {
		(*out)->home = h;
		return 0;
	}
	must(pthread_mutex_lock(&p->lock));
	h->n_open--;
	must(pthread_cond_broadcast(&p->changed));
	must(pthread_mutex_unlock(&p->lock));
	return -1;
}

int db_acquire(struct db_pool *p, const struct db_source *source, int64_t deadline_ms,
	       struct db **out, struct err *e)
{
	int64_t ceiling = source->max_connections > 0 ? source->max_connections : 1;

	must(pthread_mutex_lock(&p->lock));
	struct db_home *h = find_home(p, source, e);

	if (!h) {
		must(pthread_mutex_unlock(&p->lock));
		return -1;
	}
	while (!h->idle && h->n_open >= ceiling) {
		if (wait_for_change(p, deadline_ms) == 0)
			continue;
		must(pthread_mutex_unlock(&p->lock));
		return err_set(e, ERR_MEASURE,
			       "could not get a connection to target \"%s\" before the deadline: "
			       "all %lld are in use",
			       source->name, (long long)ceiling);
	}
	if (h->idle) {
		*out = h->idle;
		h->idle = (*out)->next;
		(*out)->next = NULL;
		must(pthread_mutex_unlock(&p->lock));
		return 0;
	}
	int rc = preflight(h, e);

	if (rc == 0)
		h->n_open++;
	must(pthread_mutex_unlock(&p->lock));
	return rc == 0 ? open_session(p, h, deadline_ms, out, e) : -1;
}

/* An idle session of the source's home, or room for one that is to be opened; false: neither. */
static bool take_without_waiting(struct db_pool *p, const struct db_source *source,
				 struct db_home **home, struct db **out)
{
	bool has;

	must(pthread_mutex_lock(&p->lock));
	struct db_home *h = find_home(p, source, NULL);

	*out = h ? h->idle : NULL;
	has = h && (h->idle || h->n_open < source->max_connections);
	if (*out) {
		h->idle = (*out)->next;
		(*out)->next = NULL;
	} else if (has) {
		h->n_open++;
	}
	must(pthread_mutex_unlock(&p->lock));
	*home = h;
	return has;
}

size_t db_acquire_more(struct db_pool *p, const struct db_source *source, int64_t deadline_ms,
		       struct db **out, size_t n)
{
	size_t got = 0;
	struct db_home *h;

	while (got < n && take_without_waiting(p, source, &h, &out[got])) {
		if (!out[got] && open_session(p, h, deadline_ms, &out[got], NULL) != 0)
			break;
		got++;
	}
	return got;
}

void db_release(struct db_pool *p, struct db *db)
{
	struct db_home *h = db->home;
	bool is_broken = db->is_broken;

	if (is_broken)
		h->driver->close(db);
	must(pthread_mutex_lock(&p->lock));
	if (is_broken) {
		h->n_open--;
	} else {
		db->next = h->idle;
		h->idle = db;
	}
	must(pthread_cond_broadcast(&p->changed));
	must(pthread_mutex_unlock(&p->lock));
}

int db_fail_long_row(struct err *e)
{
	(void)err_set(e, ERR_MEASURE, "could not run the query: a row is longer than %d MiB",
		      DB_MAX_ROW_BYTES / 1024 / 1024);
	return err_help(e, "select less of it: its length, a hash, or the beginning of it");
}

int db_query(struct db *db, const char *sql, const char *const *params, size_t n_params,
	     int64_t deadline_ms, db_row_fn *fn, void *ctx, struct err *e)
{
	db->absence = DB_ABSENT_NOTHING;
	return db->driver->query(db, sql, params, n_params, deadline_ms, fn, ctx, e);
}

int db_prepare(struct db *db, const char *sql, size_t *n_columns, struct err *e)
{
	db->absence = DB_ABSENT_NOTHING;
	return db->driver->prepare(db, sql, n_columns, e);
}

int db_objects(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
	       size_t *n, struct err *e)
{
	db->absence = DB_ABSENT_NOTHING;
	return db->driver->objects(db, a, deadline_ms, out, n, e);
}

int db_elsewhere(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
		 size_t *n, struct err *e)
{
	*out = NULL;
	*n = 0;
	if (!db->driver->elsewhere)
		return 0;
	db->absence = DB_ABSENT_NOTHING;
	return db->driver->elsewhere(db, a, deadline_ms, out, n, e);
}

int db_describe(struct db *db, struct arena *a, const char *name, int64_t deadline_ms,
		struct db_table *out, struct err *e)
{
	db->absence = DB_ABSENT_NOTHING;
	return db->driver->describe(db, a, name, deadline_ms, out, e);
}

int db_begin_read(struct db *const *dbs, size_t n, int64_t deadline_ms, struct err *e)
{
	return dbs[0]->driver->begin_read ? dbs[0]->driver->begin_read(dbs, n, deadline_ms, e) : 1;
}

void db_end_read(struct db *const *dbs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dbs[i]->driver->end_read(dbs[i]);
}

enum db_engine db_engine(const struct db *db)
{
	return db->driver->engine;
}

size_t db_max_columns(const struct db *db)
{
	return db->max_columns;
}

enum db_absence db_missing(const struct db *db, const char **name)
{
	if (name)
		*name = db->missing;
	return db->absence;
}
