/*
 * crew: the few threads of one verification.
 *
 * One repository handle a thread: libgit2 inflates inside the lock of its object database, so a
 * shared handle makes four threads as slow as one. The calling thread is worker 0, uses the handle
 * it already has, and is the one that tells progress. Items are taken in small batches, in order,
 * so that neighbours in the tree stay neighbours in the pack and on disk. Small trees get one
 * thread: opening a handle costs more than reading a few dozen objects.
 */
#include "rollback/pack.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/git.h"

#define FILES_A_THREAD 128

struct crew {
	struct worker workers[ROOM_MAX_THREADS];
	size_t n_workers;
	/* the pass under way */
	crew_task_fn *task;
	size_t n, batch;
	atomic_size_t next;
	atomic_bool is_stopped;
};

bool room_is_late(const struct verification *v)
{
	return (v->req->is_interrupted && atomic_load(v->req->is_interrupted)) ||
	       clock_monotonic_ms(v->req->clock) >= v->req->deadline_ms;
}

int room_late(struct verification *v, struct step *s)
{
	if (v->req->is_interrupted && atomic_load(v->req->is_interrupted))
		return step_find(s, OUTCOME_UNDECIDED, "assize rollback verify",
				 "interrupted during %s", v->where);
	return step_find(s, OUTCOME_UNDECIDED, "raise the timeout of the check",
			 "ran out of time during %s", v->where);
}

/* Files and bytes where the step goes through files, else the items of the pass. */
static void tell(struct verification *v, int64_t done, int64_t total, bool is_new)
{
	struct rollback_progress p = {
		.tag = v->tag,
		.step = v->where,
		.done = done,
		.total = total,
		.is_new = is_new,
		.has_scratch = v->scratch != NULL,
	};

	if (is_new) {
		atomic_store(&v->n_files_done, 0);
		atomic_store(&v->n_bytes_done, 0);
	} else if (atomic_load(&v->n_files_done) > 0) {
		p.done = atomic_load(&v->n_files_done);
		p.total = (int64_t)v->plan.files.n;
		p.bytes = atomic_load(&v->n_bytes_done);
		p.total_bytes = v->plan.n_bytes;
	}
	v->req->progress(v->req->progress_ctx, &p);
}

void room_progress(struct verification *v, int64_t done, int64_t total)
{
	int64_t now;

	if (!v->req->progress)
		return;
	now = clock_monotonic_ms(v->req->clock);
	if (now - v->progress_ms < ROOM_PROGRESS_MS)
		return;
	v->progress_ms = now;
	tell(v, done, total, false);
}

void room_progress_begin(struct verification *v)
{
	if (v->req->progress)
		tell(v, 0, 0, true);
}

void worker_did(struct worker *w, int64_t bytes)
{
	struct verification *v = w->v;
	int64_t n = atomic_fetch_add(&v->n_files_done, 1) + 1;

	(void)atomic_fetch_add(&v->n_bytes_done, bytes); /* only the sum matters */
	if (w == &w->crew->workers[0])
		room_progress(v, n, (int64_t)v->plan.files.n);
}

void crew_init(struct verification *v)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	struct crew *crew = arena_alloc(v->a, sizeof(*crew));

	crew->n_workers = online < 1		      ? 1
			  : online > ROOM_MAX_THREADS ? ROOM_MAX_THREADS
						      : (size_t)online;
	for (size_t i = 0; i < crew->n_workers; i++) {
		crew->workers[i].v = v;
		crew->workers[i].crew = crew;
		crew->workers[i].a = arena_new();
	}
	v->crew = crew;
}

void crew_release(struct verification *v)
{
	if (!v->crew)
		return;
	for (size_t i = 0; i < v->crew->n_workers; i++) {
		struct worker *w = &v->crew->workers[i];

		pack_worker_release(w);
		git_repository_free(w->view);
		for (size_t k = 0; k < w->n_stores; k++) {
			git_odb_free(w->stores[k].odb);
			git_repository_free(w->stores[k].repo);
		}
		free(w->buffer);
		arena_free(w->a);
	}
	v->crew = NULL;
}

size_t crew_size(const struct verification *v)
{
	return v->crew->n_workers;
}

struct worker *crew_first(struct verification *v)
{
	return &v->crew->workers[0];
}

/* Handles of another thread's repositories are this thread's own; worker 0 is the verifying one. */
git_odb *worker_odb(struct worker *w, const struct entry *entry)
{
	const struct verification *v = w->v;
	struct store *own;
	struct err e = {0};

	if (w == &w->crew->workers[0])
		return v->stores[entry->store].odb;
	if (w->n_stores < v->n_stores) { /* all stores are known before the first pass */
		w->stores = arena_array(w->a, v->n_stores, sizeof(*w->stores));
		w->n_stores = v->n_stores;
	}
	own = &w->stores[entry->store];
	if (own->odb)
		return own->odb;
	if ((entry->store > 0 ? git_door_open_bare : git_door_open)(v->stores[entry->store].gitdir,
								    &own->repo, &e) < 0)
		step_find(&w->first, OUTCOME_UNDECIDED, NULL, "%s", e.message);
	else if (git_repository_odb(&own->odb, own->repo) < 0)
		step_find(&w->first, OUTCOME_UNDECIDED, NULL,
			  "could not open the object database: %s", git_door_message());
	return own->odb;
}

/* Must this pass end now? A finding of one worker does not stop the others before there are many.
 */
static bool should_stop(struct worker *w)
{
	if (step_is_full(&w->first) || step_is_full(&w->second))
		return true;
	if (!room_is_late(w->v))
		return false;
	room_late(w->v, &w->first);
	return true;
}

static void take_batches(struct worker *w)
{
	struct crew *crew = w->crew;

	while (!atomic_load(&crew->is_stopped)) {
		size_t begin = atomic_fetch_add(&crew->next, crew->batch);
		size_t end = begin + crew->batch < crew->n ? begin + crew->batch : crew->n;

		for (size_t i = begin; i < end; i++) {
			if (should_stop(w)) {
				atomic_store(&crew->is_stopped, true);
				return;
			}
			crew->task(w, i);
		}
		if (begin >= crew->n)
			break;
		if (w == &crew->workers[0])
			room_progress(w->v, (int64_t)end, (int64_t)crew->n);
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;
	const struct clock *clock = w->v->req->clock;
	int64_t begin_us = clock_monotonic_us(clock);

	if (!w->buffer)
		w->buffer = xmalloc(WORKER_BUFFER);
	take_batches(w);
	w->first_us = clock_monotonic_us(clock) - begin_us - w->second_us;
	return NULL;
}

static void run_threads(struct crew *crew, size_t n_threads)
{
	pthread_t threads[ROOM_MAX_THREADS];
	size_t n_started = 0;

	/* A thread that cannot be started is work for the others. */
	while (n_started + 1 < n_threads &&
	       pthread_create(&threads[n_started], NULL, work, &crew->workers[n_started + 1]) == 0)
		n_started++;
	work(&crew->workers[0]);
	for (size_t i = 0; i < n_started; i++)
		(void)pthread_join(threads[i], NULL); /* fails only for a thread that is not ours */
}

/* Shares the wall time of a pass between its two steps as the workers spent their own. */
static void share_time(struct crew *crew, int64_t wall_us, struct step *first, struct step *second)
{
	int64_t first_us = 0, second_us = 0;

	for (size_t i = 0; i < crew->n_workers; i++) {
		first_us += crew->workers[i].first_us;
		second_us += crew->workers[i].second_us;
	}
	if (!second || first_us + second_us <= 0) {
		first->duration_us += wall_us;
		return;
	}
	first->duration_us +=
		(int64_t)((double)wall_us * (double)first_us / (double)(first_us + second_us));
	second->duration_us +=
		(int64_t)((double)wall_us * (double)second_us / (double)(first_us + second_us));
}

int crew_run(struct verification *v, size_t n, size_t worth, crew_task_fn *task, struct step *first,
	     struct step *second)
{
	struct crew *crew = v->crew;
	size_t n_threads = 1 + n * worth / FILES_A_THREAD;
	int64_t begin_us = clock_monotonic_us(v->req->clock);

	if (n_threads > crew->n_workers)
		n_threads = crew->n_workers;
	crew->task = task;
	crew->n = n;
	crew->batch = worth < ROOM_BATCH ? ROOM_BATCH / worth : 1;
	atomic_store(&crew->next, 0);
	atomic_store(&crew->is_stopped, false);
	for (size_t i = 0; i < crew->n_workers; i++) {
		struct worker *w = &crew->workers[i];

		step_init(&w->first, w->a);
		step_init(&w->second, w->a);
		w->first_us = w->second_us = 0;
		w->is_broken = false;
	}
	run_threads(crew, n_threads);

	int rc = atomic_load(&crew->is_stopped) ? -1 : 0;
	for (size_t i = 0; i < crew->n_workers; i++) {
		if (!step_is_passing(&crew->workers[i].first) || crew->workers[i].is_broken)
			rc = -1;
		step_merge(first, &crew->workers[i].first);
		if (second)
			step_merge(second, &crew->workers[i].second);
	}
	share_time(crew, clock_monotonic_us(v->req->clock) - begin_us, first, second);
	return rc;
}
