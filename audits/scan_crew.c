/*
 * scan_crew: statements over several sessions, a thread each, the caller's among them.
 *
 * One lock guards what they share: the list of tasks and all that rows are merged into. A statement
 * of aggregates gives one row, or one a segment, so nobody waits for it.
 */
#include <pthread.h>
#include <stdlib.h>

#include "audits/scan_internal.h"
#include "runner/base/arena.h"
#include "runner/model/kind.h"

#define MAX_CREW 64

struct crew {
	struct scan *scan;
	pthread_mutex_t lock;
	struct scan_task *tasks;
	size_t n, next;
};

struct member {
	struct crew *crew;
	struct db *db;
	struct scan_task *task; /* under way */
	size_t n_rows;		/* of it */
	pthread_t thread;
};

/* Fails only when misused; a crew that cannot lock must not go on. */
static void must(int rc)
{
	if (rc != 0)
		abort();
}

static int merge_row(struct member *m, const struct db_row *row, struct err *e)
{
	struct scan_batch *b = m->task->batch;
	const struct db_value *count = &row->values[b->scan->spec->by.n];
	size_t segment = 0;

	m->n_rows++;
	if ((b->scan->spec->by.n == 0 && m->n_rows > 1) || row->n != scan_all_columns(b) ||
	    count->type != DB_INT)
		return scan_not_one(b, e);
	if (b->scan->spec->by.n > 0 && scan_segment_of(b->scan, row->values, &segment, e) != 0)
		return -1;
	scan_merge(b, segment, count);
	return 0;
}

static int on_row(void *ctx, const struct db_row *row, struct err *e)
{
	struct member *m = ctx;

	must(pthread_mutex_lock(&m->crew->lock));
	int rc = merge_row(m, row, e);

	must(pthread_mutex_unlock(&m->crew->lock));
	return rc;
}

/* The lock is held. NULL: nothing is left that still matters. */
static struct scan_task *next_task(struct crew *c)
{
	while (c->next < c->n) {
		struct scan_task *task = &c->tasks[c->next++];

		if (!task->batch->error)
			return task;
	}
	return NULL;
}

static void fail_batch(struct scan_batch *b, const struct err *e)
{
	struct err *kept;

	if (b->error)
		return;
	kept = arena_alloc(b->scan->probe->arena, sizeof(*kept));
	*kept = *e;
	b->error = kept;
}

static void *work(void *ctx)
{
	struct member *m = ctx;
	struct crew *c = m->crew;

	must(pthread_mutex_lock(&c->lock));
	while ((m->task = next_task(c)) != NULL) {
		struct err e = {0};

		m->n_rows = 0;
		must(pthread_mutex_unlock(&c->lock));
		int rc = db_query(m->db, m->task->sql, NULL, 0, c->scan->probe->deadline_ms, on_row,
				  m, &e);

		if (rc == 0 && c->scan->spec->by.n == 0 && m->n_rows != 1)
			rc = scan_not_one(m->task->batch, &e);
		must(pthread_mutex_lock(&c->lock));
		if (rc != 0)
			fail_batch(m->task->batch, &e);
	}
	must(pthread_mutex_unlock(&c->lock));
	return NULL;
}

void scan_crew_run(struct scan *s, struct db *const *dbs, size_t n_dbs, struct scan_task *tasks,
		   size_t n_tasks)
{
	struct crew c = {.scan = s, .tasks = tasks, .n = n_tasks};
	struct member members[MAX_CREW];
	size_t n = n_dbs < n_tasks ? n_dbs : n_tasks, n_started = 1;

	must(pthread_mutex_init(&c.lock, NULL));
	for (size_t i = 0; i < n && i < MAX_CREW; i++)
		members[i] = (struct member){.crew = &c, .db = dbs[i]};
	/* Fewer threads do the same work, later. */
	while (n_started < n && n_started < MAX_CREW &&
	       pthread_create(&members[n_started].thread, NULL, work, &members[n_started]) == 0)
		n_started++;
	(void)work(&members[0]); /* always NULL */
	for (size_t i = 1; i < n_started; i++)
		must(pthread_join(members[i].thread, NULL));
	must(pthread_mutex_destroy(&c.lock));
}
