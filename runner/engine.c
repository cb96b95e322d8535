/*
 * Two ways to make a probe: blocking kinds run on a small pool, HTTP kinds are driven by one curl
 * loop on a thread of its own. Both end in one list of finished jobs and one byte in a pipe that
 * wakes the owner, which polls it beside a signalfd. The list is short and the byte is written only
 * when the list was empty, so ten thousand trivial checks cost a lock each and few wake-ups.
 *
 * signalfd(2) is Linux; so is the rest of the runner's process handling (subreaper).
 */
#define _GNU_SOURCE /* signalfd, pipe2 */
#include "runner/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/clients.h"
#include "runner/io/clock.h"
#include "runner/io/http.h"
#include "runner/io/proc.h"
#include "runner/model/kind.h"
#include "runner/plan.h"

#define MAX_HTTP_TRANSFERS 4096
#define MAX_HTTP_PER_HOST  64
#define MAX_UNCLAIMED	   512 /* finished jobs; past that the pool waits for the owner */
#define MAX_THREADS	   64

struct queue {
	struct job *first, *last;
};

struct engine {
	const struct probe_world *world;
	unsigned clients; /* to be loaded by a thread that has nothing to do yet */
	pthread_mutex_t lock;
	pthread_cond_t has_work; /* pool threads wait for it */
	struct queue pool, http, done;
	size_t n_done;
	struct job *oldest, *newest; /* under way, linked by ->older and ->newer */
	size_t n_running;
	bool is_stopping;
	pthread_t threads[MAX_THREADS];
	size_t n_threads;
	struct http_loop *loop;
	pthread_t http_thread;
	bool has_proc;
	int wake[2]; /* pipe: a byte when done was empty */
	int signals; /* signalfd */
	sigset_t old_mask;
};

static void push(struct queue *q, struct job *job)
{
	job->next = NULL;
	if (q->first == NULL)
		q->first = job;
	else
		q->last->next = job;
	q->last = job;
}

static void push_front(struct queue *q, struct job *job)
{
	job->next = q->first;
	if (q->first == NULL)
		q->last = job;
	q->first = job;
}

static struct job *pop(struct queue *q)
{
	struct job *job = q->first;

	if (job != NULL)
		q->first = job->next;
	return job;
}

/* lock held: the owner reads when a job was started while it is under way */
static void remember(struct engine *g, struct job *job)
{
	atomic_store(&job->started_us, clock_monotonic_us(g->world->clock));
	job->older = g->newest;
	job->newer = NULL;
	if (g->newest != NULL)
		g->newest->newer = job;
	else
		g->oldest = job;
	g->newest = job;
	g->n_running++;
}

/* lock held */
static void forget(struct engine *g, struct job *job)
{
	if (job->older != NULL)
		job->older->newer = job->newer;
	else
		g->oldest = job->newer;
	if (job->newer != NULL)
		job->newer->older = job->older;
	else
		g->newest = job->older;
	g->n_running--;
}

/* What was left of the check's time when its probe ended: waiting here does not count. */
static void fetch_evidence(struct job *job)
{
	int64_t left_ms = job->checks[0]->timeout_ms - job->duration_us / 1000;

	job->probe.deadline_ms = job->started_us / 1000 + (left_ms > 0 ? left_ms : 0);
	for (size_t i = 0; i < job->n_findings; i++) {
		struct finding *f = &job->findings[i];
		const struct audit_kind *kind = job->checks[f->check]->kind;
		struct err e = {0};
		struct buf out;

		buf_init(&out, EVIDENCE_MAX_BYTES);
		if (kind->evidence(&job->probe, f->check, f->measurement, &out, &e) != 0)
			(void)buf_printf(&out, "%scould not show what failed: %s",
					 out.len > 0 ? "\n" : "", e.message); /* full: cut */
		if (out.len > 0)
			f->text = arena_strndup(job->arena, out.data, out.len);
		buf_release(&out);
	}
}

static void start_clock(struct engine *g, struct job *job)
{
	int64_t now_us = clock_monotonic_us(g->world->clock);

	atomic_store(&job->started_us, now_us); /* the owner may be looking */
	job->measured_ms = clock_wall_ms(g->world->clock);
	job->probe.deadline_ms = now_us / 1000 + job->checks[0]->timeout_ms;
}

static void start_probe(struct engine *g, struct job *job)
{
	job->arena = arena_new();
	job->probe = (struct probe){
		.world = g->world,
		.arena = job->arena,
		.checks = job->checks,
		.n_checks = job->n_checks,
		.progress = &job->progress,
	};
	start_clock(g, job);
}

/* failure: NULL = measured. An error is large and rare, so a job has room for one only then. */
static void finish(struct engine *g, struct job *job, const struct err *failure)
{
	bool was_empty;

	if (failure != NULL) {
		struct err *kept = arena_alloc(job->arena, sizeof(*kept));

		*kept = *failure;
		job->err = kept;
	}
	if (job->n_findings == 0)
		job->duration_us = clock_monotonic_us(g->world->clock) - job->started_us;
	(void)pthread_mutex_lock(&g->lock); /* a default mutex, used rightly: cannot fail */
	forget(g, job);
	was_empty = g->done.first == NULL;
	push(&g->done, job);
	g->n_done++;
	(void)pthread_mutex_unlock(&g->lock); /* same */
	if (was_empty)
		(void)!write(g->wake[1], "", 1); /* full = the owner has a wake-up already */
}

/* The first thread of the pool does it, for all; with the lock held, which it gives back meanwhile.
 */
static void load_clients(struct engine *g)
{
	unsigned clients = g->clients;

	if (clients == 0)
		return;
	g->clients = 0;
	(void)pthread_mutex_unlock(&g->lock);
	clients_load(clients);
	(void)pthread_mutex_lock(&g->lock);
}

static void *pool_thread(void *ctx)
{
	struct engine *g = ctx;

	(void)pthread_mutex_lock(&g->lock);
	load_clients(g);
	while (true) {
		struct err e = {0};
		struct job *job;
		int rc = 0;

		while ((g->pool.first == NULL || g->n_done >= MAX_UNCLAIMED) && !g->is_stopping)
			(void)pthread_cond_wait(&g->has_work, &g->lock);
		if (g->is_stopping)
			break;
		job = pop(&g->pool);
		remember(g, job);
		(void)pthread_mutex_unlock(&g->lock);
		if (job->n_findings > 0) {
			fetch_evidence(job);
		} else {
			start_probe(g, job);
			rc = job->checks[0]->kind->probe(&job->probe, &e);
		}
		finish(g, job, rc != 0 ? &e : NULL);
		(void)pthread_mutex_lock(&g->lock);
	}
	(void)pthread_mutex_unlock(&g->lock);
	return NULL;
}

/* What an HTTP transfer carries: who started it and for which job. */
struct transfer {
	struct engine *engine;
	struct job *job;
};

/* Its turn at the host has come: the wait for it is neither the check's time nor its duration. */
static void on_started(void *ctx)
{
	const struct transfer *t = ctx;

	start_clock(t->engine, t->job);
}

static int on_body(void *ctx, const char *data, size_t n, struct err *e)
{
	struct transfer *t = ctx;

	return t->job->checks[0]->kind->on_body(&t->job->probe, data, n, e);
}

static void ask_again(struct transfer *t);

static void on_done(void *ctx, const struct http_response *res, struct err *e)
{
	struct transfer *t = ctx;
	struct job *job = t->job;
	struct err failure = {0};

	if (res != NULL)
		job->probe.retry_after_ms =
			http_retry_after_ms(res, clock_wall_ms(t->engine->world->clock));
	if (res == NULL)
		finish(t->engine, job, e);
	else if (job->checks[0]->kind->finish(&job->probe, res, &failure) != 0)
		finish(t->engine, job, &failure);
	else if (job->probe.again_ms > 0)
		ask_again(t);
	else
		finish(t->engine, job, NULL);
}

/* What of the request is not the kind's is in req. */
static void ask(struct transfer *t, struct http_request *req, const struct http_handler *handler)
{
	struct job *job = t->job;
	struct err e = {0};

	if (job->checks[0]->kind->begin(&job->probe, req, &e) != 0 ||
	    http_start(t->engine->loop, req, handler, t, &e) != 0)
		finish(t->engine, job, &e);
}

static void start_transfer(struct engine *g, struct job *job)
{
	static const struct http_handler handler = {on_started, on_body, on_done};
	struct http_request req = {.timeout_ms = job->checks[0]->timeout_ms};
	struct transfer *t;

	start_probe(g, job);
	t = arena_alloc(job->arena, sizeof(*t));
	*t = (struct transfer){g, job};
	ask(t, &req, &handler);
}

/* As finish() wants it; the clock of the check goes on. */
static void ask_again(struct transfer *t)
{
	static const struct http_handler handler = {NULL, on_body, on_done};
	struct probe *p = &t->job->probe;
	struct http_request req = {.delay_ms = p->again_ms};
	struct err e = {0};

	req.timeout_ms =
		p->deadline_ms - p->again_ms - clock_monotonic_us(t->engine->world->clock) / 1000;
	p->again_ms = 0;
	if (req.timeout_ms > 0) {
		ask(t, &req, &handler);
		return;
	}
	(void)err_set(&e, ERR_MEASURE, "its time would be over before the second request");
	(void)err_help(&e, "give the check a longer timeout");
	finish(t->engine, t->job, &e);
}

static void on_wake(void *ctx)
{
	struct engine *g = ctx;
	struct queue taken;
	struct job *job;
	bool is_stopping;

	(void)pthread_mutex_lock(&g->lock);
	taken = g->http;
	g->http = (struct queue){NULL, NULL};
	is_stopping = g->is_stopping;
	for (job = taken.first; job != NULL; job = job->next)
		remember(g, job);
	(void)pthread_mutex_unlock(&g->lock);
	while ((job = pop(&taken)) != NULL)
		start_transfer(g, job);
	if (is_stopping)
		http_loop_stop(g->loop);
}

static void *http_thread(void *ctx)
{
	struct engine *g = ctx;

	http_loop_run(g->loop, on_wake, g);
	return NULL;
}

static int open_wakers(struct engine *g, struct err *e)
{
	sigset_t mask;

	(void)sigemptyset(&mask); /* constants: cannot fail */
	(void)sigaddset(&mask, SIGINT);
	(void)sigaddset(&mask, SIGTERM);
	(void)sigaddset(&mask, SIGHUP);
	if (pipe2(g->wake, O_CLOEXEC | O_NONBLOCK) != 0)
		return err_set(e, ERR_INTERNAL, "could not make a pipe: %s", strerror(errno));
	(void)pthread_sigmask(SIG_BLOCK, &mask, &g->old_mask); /* valid arguments: cannot fail */
	g->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (g->signals >= 0)
		return 0;
	(void)err_set(e, ERR_INTERNAL, "could not wait for signals: %s", strerror(errno));
	(void)pthread_sigmask(SIG_SETMASK, &g->old_mask, NULL);
	(void)close(g->wake[0]); /* nothing was written */
	(void)close(g->wake[1]);
	return -1;
}

static int start_http(struct engine *g, struct err *e)
{
	int rc;

	g->loop = http_loop_new(g->world->clock, MAX_HTTP_TRANSFERS, MAX_HTTP_PER_HOST);
	http_loop_share(g->loop, g->world->turns);
	rc = pthread_create(&g->http_thread, NULL, http_thread, g);
	if (rc == 0)
		return 0;
	http_loop_free(g->loop);
	g->loop = NULL;
	return err_set(e, ERR_INTERNAL, "could not start a thread: %s", strerror(rc));
}

static int start_pool(struct engine *g, size_t n_threads, struct err *e)
{
	while (g->n_threads < n_threads) {
		int rc = pthread_create(&g->threads[g->n_threads], NULL, pool_thread, g);

		if (rc != 0 && g->n_threads == 0)
			return err_set(e, ERR_INTERNAL, "could not start a thread: %s",
				       strerror(rc));
		if (rc != 0)
			break; /* fewer threads do the same work, later */
		g->n_threads++;
	}
	return 0;
}

static size_t at_most(size_t a, size_t b)
{
	return a < b ? a : b;
}

int engine_start(const struct probe_world *world, const struct plan *plan, size_t n_threads,
		 struct engine **out, struct err *e)
{
	struct engine *g;

	if (plan->needs_proc && proc_start_helper(e) != 0) /* forks: before threads and masks */
		return -1;
	g = xmalloc(sizeof(*g));
	memset(g, 0, sizeof(*g));
	g->world = world;
	g->clients = clients_of(plan);
	g->has_proc = plan->needs_proc;
	(void)pthread_mutex_init(&g->lock, NULL); /* default attributes: cannot fail on Linux */
	(void)pthread_cond_init(&g->has_work, NULL);
	if (open_wakers(g, e) != 0) {
		if (g->has_proc)
			proc_stop_helper();
		free(g);
		return -1;
	}
	if ((plan->needs_http && start_http(g, e) != 0) ||
	    start_pool(g, at_most(at_most(n_threads, MAX_THREADS), plan->n_pool_jobs), e) != 0) {
		(void)engine_stop(g); /* idle, so it ends */
		return -1;
	}
	*out = g;
	return 0;
}

void engine_submit(struct engine *g, struct job *job)
{
	bool is_evidence = job->n_findings > 0; /* of a kind with probe(): see audit_kind */
	bool is_http = job->checks[0]->kind->begin != NULL;
	bool was_empty;

	(void)pthread_mutex_lock(&g->lock);
	was_empty = is_http ? g->http.first == NULL : false;
	if (is_evidence)
		push_front(&g->pool, job);
	else
		push(is_http ? &g->http : &g->pool, job);
	if (!is_http)
		(void)pthread_cond_signal(&g->has_work);
	(void)pthread_mutex_unlock(&g->lock);
	if (was_empty)
		http_loop_wake(g->loop);
}

struct job *engine_wait(struct engine *g, int64_t wait_ms, int *signal)
{
	struct pollfd fds[] = {{g->wake[0], POLLIN, 0}, {g->signals, POLLIN, 0}};
	struct signalfd_siginfo info;
	char drain[64];
	struct job *list;

	*signal = 0;
	if (poll(fds, 2, wait_ms > 60000 ? 60000 : (int)wait_ms) < 0)
		return NULL; /* interrupted: the caller's loop comes back */
	while (read(g->wake[0], drain, sizeof(drain)) > 0)
		;
	if (fds[1].revents != 0 && read(g->signals, &info, sizeof(info)) == sizeof(info))
		*signal = (int)info.ssi_signo;
	(void)pthread_mutex_lock(&g->lock);
	list = g->done.first;
	g->done = (struct queue){NULL, NULL};
	if (g->n_done >= MAX_UNCLAIMED)
		(void)pthread_cond_broadcast(&g->has_work);
	g->n_done = 0;
	(void)pthread_mutex_unlock(&g->lock);
	return list;
}

size_t engine_running(struct engine *g, const struct job **out, size_t max)
{
	size_t n = 0, all;

	(void)pthread_mutex_lock(&g->lock);
	all = g->n_running;
	for (const struct job *job = g->oldest; job != NULL && n < max; job = job->newer)
		out[n++] = job;
	(void)pthread_mutex_unlock(&g->lock);
	return all;
}

bool engine_stop(struct engine *g)
{
	bool is_idle;

	(void)pthread_mutex_lock(&g->lock);
	g->is_stopping = true;
	is_idle = g->n_running == 0;
	(void)pthread_cond_broadcast(&g->has_work);
	(void)pthread_mutex_unlock(&g->lock);
	if (!is_idle) /* threads still talk to the helper, which dies with this process */
		return false;
	if (g->loop != NULL) {
		http_loop_wake(g->loop);
		(void)pthread_join(g->http_thread, NULL); /* ours and joinable: cannot fail */
		http_loop_free(g->loop);
	}
	for (size_t i = 0; i < g->n_threads; i++)
		(void)pthread_join(g->threads[i], NULL); /* same */
	if (g->has_proc)
		proc_stop_helper();
	(void)pthread_sigmask(SIG_SETMASK, &g->old_mask, NULL);
	(void)close(g->signals); /* read only */
	(void)close(g->wake[0]);
	(void)close(g->wake[1]);
	(void)pthread_cond_destroy(&g->has_work);
	(void)pthread_mutex_destroy(&g->lock);
	free(g);
	return true;
}
