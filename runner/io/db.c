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
#include "runner/io/db_shadow_view.h"
#include "runner/io/file.h"

struct db_home {
	struct db_source source; /* its texts are the home's */
	const struct db_driver *driver;
	struct db_view *view;
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
	struct db_views views;
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

	*p = (struct db_pool){.clock = clock, .views = {.clock = clock}};
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
	db_views_release(&p->views);
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
	h->view = db_view_of(&p->views, source->name);
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
		(*out)->view = h->view;
		return 0;
	}
	must(pthread_mutex_lock(&p->lock));
	h->n_open--;
	h->view->is_taken = false;
	must(pthread_cond_broadcast(&p->changed));
	must(pthread_mutex_unlock(&p->lock));
	return -1;
}

/* ---- one session in one snapshot ---- */

static int begin_hold(struct db_pool *p, struct db *db, int64_t deadline_ms, struct err *e)
{
	const struct db_driver *driver = db->driver;
	int rc = 1;

	if (driver->hold)
		rc = driver->hold(db, deadline_ms, e);
	else if (driver->begin_read)
		rc = driver->begin_read(&db, 1, deadline_ms, e);
	if (rc == 1)
		rc = err_set(e, ERR_MEASURE,
			     "cannot keep one snapshot of target \"%s\": its database has none",
			     db->view->source);
	must(pthread_mutex_lock(&p->lock));
	db->view->is_taken = rc == 0;
	db->view->held = rc == 0 ? db : NULL;
	must(pthread_mutex_unlock(&p->lock));
	if (rc == 0)
		return 0;
	atomic_store(&p->views.is_unshadowed, true);
	db_release(p, db);
	return -1;
}

/* An idle session that may be handed out; NULL = none. */
static struct db *take_idle(struct db_home *h)
{
	struct db **at = &h->idle;
	struct db *db;

	while (*at && h->view->is_taken && *at != h->view->held)
		at = &(*at)->next;
	db = *at;
	if (!db)
		return NULL;
	*at = db->next;
	db->next = NULL;
	return db;
}

static bool is_openable(const struct db_home *h, int64_t ceiling)
{
	return h->n_open < ceiling && !h->view->is_taken;
}

/* The lock is held. *out NULL: one is to be opened, and counted already. */
static int wait_for_session(struct db_pool *p, struct db_home *h, const struct db_source *source,
			    int64_t deadline_ms, struct db **out, struct err *e)
{
	int64_t ceiling = source->max_connections > 0 ? source->max_connections : 1;

	while (!h->view->is_lost && !(*out = take_idle(h)) && !is_openable(h, ceiling))
		if (wait_for_change(p, deadline_ms) != 0)
			return err_set(
				e, ERR_MEASURE,
				"could not get a connection to target \"%s\" before the deadline: "
				"all %lld are in use",
				source->name, (long long)(h->view->is_held ? 1 : ceiling));
	if (h->view->is_lost) {
		atomic_store(&p->views.is_unshadowed, true);
		return err_set(e, ERR_MEASURE,
			       "could not go on with target \"%s\": the session was lost, and its "
			       "snapshot with it",
			       source->name);
	}
	if (!*out && preflight(h, e) != 0)
		return -1;
	h->n_open += *out ? 0 : 1;
	return 0;
}

int db_acquire(struct db_pool *p, const struct db_source *source, int64_t deadline_ms,
	       struct db **out, struct err *e)
{
	bool is_first = false;
	struct db *db = NULL;
	int rc = -1;

	must(pthread_mutex_lock(&p->lock));
	struct db_home *h = find_home(p, source, e);

	if (h)
		rc = wait_for_session(p, h, source, deadline_ms, &db, e);
	if (rc == 0 && h->view->is_held && !h->view->is_taken) {
		is_first = true;
		h->view->is_taken = true;
	}
	must(pthread_mutex_unlock(&p->lock));
	if (rc == 0 && !db)
		rc = open_session(p, h, deadline_ms, &db, e);
	if (rc == 0 && is_first)
		rc = begin_hold(p, db, deadline_ms, e);
	if (rc == 0)
		*out = db;
	return rc;
}

/* An idle session of the source's home, or room for one that is to be opened; false: neither. */
static bool take_without_waiting(struct db_pool *p, const struct db_source *source,
				 struct db_home **home, struct db **out)
{
	bool has;

	must(pthread_mutex_lock(&p->lock));
	struct db_home *h = find_home(p, source, NULL);

	*out = h && !h->view->is_held ? take_idle(h) : NULL;
	has = h && !h->view->is_held && (*out || h->n_open < source->max_connections);
	if (has && !*out)
		h->n_open++;
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
	bool is_broken = db->is_broken, is_held = h->view->held == db;

	if (is_broken)
		h->driver->close(db);
	must(pthread_mutex_lock(&p->lock));
	if (is_broken) {
		h->n_open--;
		h->view->is_lost = h->view->is_lost || is_held;
		h->view->held = is_held ? NULL : h->view->held;
	} else {
		db->next = h->idle;
		h->idle = db;
	}
	must(pthread_cond_broadcast(&p->changed));
	must(pthread_mutex_unlock(&p->lock));
}

/* The session that is held, taken out of the idle ones; NULL = none is. The lock is held. */
static struct db *take_held(struct db_pool *p, struct db_view *v)
{
	struct db *db = NULL;

	for (struct db_home *h = p->homes; h && v->held && !db; h = h->next)
		if (h->view == v)
			db = take_idle(h);
	v->is_taken = v->is_lost = false;
	v->held = NULL;
	return db;
}

void db_pool_hold(struct db_pool *p, const char *source, bool is_held)
{
	struct db *db = NULL;

	must(pthread_mutex_lock(&p->lock));
	struct db_view *v = db_view_of(&p->views, source);

	if (v->is_held != is_held)
		db = take_held(p, v);
	v->is_held = is_held;
	must(pthread_mutex_unlock(&p->lock));
	if (!db)
		return;
	db->driver->end_read(db);
	db_release(p, db);
}

void db_pool_shadow(struct db_pool *p, const char *source, const struct db_shadow *shadows,
		    size_t n)
{
	must(pthread_mutex_lock(&p->lock));
	db_view_cover(db_view_of(&p->views, source), shadows, n);
	must(pthread_mutex_unlock(&p->lock));
}

void db_pool_lens(struct db_pool *p, const char *source, db_lens_fn *fn, void *ctx)
{
	must(pthread_mutex_lock(&p->lock));
	struct db_view *v = db_view_of(&p->views, source);

	v->lens = fn;
	v->lens_ctx = ctx;
	must(pthread_mutex_unlock(&p->lock));
}

void db_pool_listen(struct db_pool *p, db_listener_fn *fn, void *ctx)
{
	p->views.listener = fn;
	p->views.listener_ctx = ctx;
}

bool db_is_unshadowed(const struct db_pool *p)
{
	return atomic_load(&p->views.is_unshadowed);
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
	const struct db_question q = {
		.sql = sql,
		.params = params,
		.n_params = n_params,
		.deadline_ms = deadline_ms,
		.fn = fn,
		.ctx = ctx,
	};

	return db_view_ask(db, &q, e);
}

int db_prepare(struct db *db, const char *sql, size_t *n_columns, struct err *e)
{
	const struct db_question q = {.sql = sql, .n_columns = n_columns};

	return db_view_ask(db, &q, e);
}

int db_objects(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
	       size_t *n, struct err *e)
{
	db->absence = DB_ABSENT_NOTHING;
	if (db->driver->objects(db, a, deadline_ms, out, n, e) != 0)
		return -1;
	db_lens_objects(db, a, out, n);
	return 0;
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
	if (db->driver->describe(db, a, name, deadline_ms, out, e) != 0)
		return -1;
	return db_lens_table(db, a, out, e);
}

/* A session that is held sees one state already, and goes on to. */
int db_begin_read(struct db *const *dbs, size_t n, int64_t deadline_ms, struct err *e)
{
	if (dbs[0]->view->held == dbs[0])
		return n == 1 ? 0 : 1;
	return dbs[0]->driver->begin_read ? dbs[0]->driver->begin_read(dbs, n, deadline_ms, e) : 1;
}

void db_end_read(struct db *const *dbs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (dbs[i]->view->held != dbs[i])
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
