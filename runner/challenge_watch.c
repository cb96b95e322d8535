/*
 * A worker goes from check to check; the owner sleeps in poll(2) beside a signalfd until the worker
 * writes a byte or it is time to look. What the worker tells is static or of the definition, so
 * that the owner may show it whenever it likes.
 *
 * The record is the worker's while it is there, and so are the results of a check until it has
 * counted them as done. When it has to be left behind, it finds the challenge interrupted before it
 * would touch the record again.
 */
#define _GNU_SOURCE /* signalfd, pipe2 */
#include "runner/challenge_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "reports/terminal.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/challenge_keep.h"
#include "runner/challenge_self.h"
#include "runner/history/challenges.h"
#include "runner/io/proc.h"
#include "runner/judge.h"
#include "runner/model/definition.h"

#define LIVE_TICK_MS  100
#define PLAIN_TICK_MS 1000
#define GRACE_MS      1000

struct watch {
	const struct challenge_watch *req;
	struct challenger *challenger;	/* NULL = of assize itself */
	atomic_bool is_interrupted;	/* then */
	struct challenge_origin origin; /* of what is recorded */
	size_t n_items;
	struct challenged *items; /* the worker's; the first n_done are finished */
	pthread_t worker;
	int wake[2];
	int signals;
	sigset_t old_mask;
	pthread_mutex_t lock; /* of all below */
	size_t n_done;
	bool is_recording; /* the record is in the hands of the worker */
	bool is_over;
	int rc;
	struct err err;
	/* what is under way */
	const char *check, *attack; /* NULL = none */
	size_t i, n;
	int64_t since_ms;
};

static int64_t now_ms(const struct watch *w)
{
	return clock_monotonic_ms(&w->req->challenge.app->clock);
}

/* ---- the worker ---- */

/* row NULL = the world is as it is. */
static void tell_row(struct watch *w, const char *check, const struct attack_row *row, size_t i,
		     size_t n)
{
	(void)pthread_mutex_lock(&w->lock); /* a default mutex, used rightly: cannot fail */
	if (w->check != check)
		w->since_ms = now_ms(w);
	w->check = check;
	w->attack = row != NULL ? row->name : NULL;
	w->i = i;
	w->n = n;
	(void)pthread_mutex_unlock(&w->lock); /* same */
}

static void tell(void *ctx, const struct check *c, const struct attack *a, size_t i, size_t n)
{
	tell_row(ctx, c->name, a != NULL ? a->row : NULL, i, n);
}

static void set_recording(struct watch *w, bool is_recording)
{
	(void)pthread_mutex_lock(&w->lock);
	w->is_recording = is_recording;
	(void)pthread_mutex_unlock(&w->lock);
}

static int challenge_one(struct watch *w, size_t i, struct err *e)
{
	const struct challenger_request *req = &w->req->challenge;
	int rc = challenger_check(w->challenger, req->checks[i], &w->items[i], e);

	if (rc != 0 || req->is_survey)
		return rc;
	set_recording(w, true);
	rc = challenge_keep(req->record, &req->app->clock, &w->origin, w->challenger, &w->items[i],
			    e);
	set_recording(w, false);
	return rc;
}

static void tell_self(void *ctx, const struct attack_row *row, size_t i, size_t n)
{
	tell_row(ctx, challenge_self_info()->name, row, i, n);
}

static int challenge_own(struct watch *w, struct err *e)
{
	struct self_request req = {
		.app = w->req->challenge.app,
		.program = w->req->self_program,
		.is_interrupted = &w->is_interrupted,
		.tell = tell_self,
		.tell_ctx = w,
	};

	return challenge_self(&req, &w->items[0], e);
}

static void *work(void *ctx)
{
	struct watch *w = ctx;
	struct err e = {0};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < w->n_items; i++) {
		rc = w->challenger != NULL ? challenge_one(w, i, &e) : challenge_own(w, &e);
		(void)pthread_mutex_lock(&w->lock);
		w->n_done += rc == 0 ? 1 : 0;
		(void)pthread_mutex_unlock(&w->lock);
		(void)!write(w->wake[1], "", 1); /* full = the owner has a wake-up already */
	}
	(void)pthread_mutex_lock(&w->lock);
	w->is_over = true;
	w->rc = rc;
	w->err = e;
	(void)pthread_mutex_unlock(&w->lock);
	(void)!write(w->wake[1], "", 1); /* same */
	return NULL;
}

/* ---- the owner ---- */

/* Not before the challenger: it forks, and what it starts is to have the usual signals. */
static int open_wakers(struct watch *w, struct err *e)
{
	sigset_t mask;

	(void)sigemptyset(&mask); /* constants: cannot fail */
	(void)sigaddset(&mask, SIGINT);
	(void)sigaddset(&mask, SIGTERM);
	(void)sigaddset(&mask, SIGHUP);
	if (pipe2(w->wake, O_CLOEXEC | O_NONBLOCK) != 0)
		return err_set(e, ERR_INTERNAL, "could not make a pipe: %s", strerror(errno));
	(void)pthread_sigmask(SIG_BLOCK, &mask, &w->old_mask); /* valid arguments: cannot fail */
	w->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w->signals >= 0)
		return 0;
	(void)err_set(e, ERR_INTERNAL, "could not wait for signals: %s", strerror(errno));
	(void)pthread_sigmask(SIG_SETMASK, &w->old_mask, NULL);
	(void)close(w->wake[0]); /* nothing was written */
	(void)close(w->wake[1]);
	return -1;
}

static void close_wakers(struct watch *w)
{
	(void)pthread_sigmask(SIG_SETMASK, &w->old_mask, NULL);
	(void)close(w->signals); /* read only */
	(void)close(w->wake[0]);
	(void)close(w->wake[1]);
}

/* The signal that came, 0 = none. */
static int wait_for_news(struct watch *w, int64_t wait_ms)
{
	struct pollfd fds[] = {{w->wake[0], POLLIN, 0}, {w->signals, POLLIN, 0}};
	struct signalfd_siginfo info;
	char drain[64];

	if (poll(fds, 2, wait_ms > 0 ? (int)wait_ms : 0) < 0)
		return 0; /* interrupted: the caller's loop comes back */
	while (read(w->wake[0], drain, sizeof(drain)) > 0)
		;
	if (fds[1].revents != 0 && read(w->signals, &info, sizeof(info)) == sizeof(info))
		return (int)info.ssi_signo;
	return 0;
}

static void tick(struct watch *w)
{
	struct terminal *t = w->req->terminal;
	const char *check, *attack;
	int64_t running_ms;
	char detail[128];
	size_t i, n;

	if (t == NULL)
		return;
	(void)pthread_mutex_lock(&w->lock);
	check = w->check;
	attack = w->attack;
	i = w->i;
	n = w->n;
	running_ms = now_ms(w) - w->since_ms;
	(void)pthread_mutex_unlock(&w->lock);
	if (attack != NULL)
		(void)snprintf(detail, sizeof(detail), "attack %zu of %zu  %s", i + 1, n, attack);
	terminal_tick(t, &check, &running_ms, check != NULL ? 1 : 0, attack != NULL ? detail : NULL,
		      clock_wall_ms(&w->req->challenge.app->clock));
}

/* Hands on what is finished; is it all? */
static bool take(struct watch *w, size_t *n_taken, struct challenged *out)
{
	bool is_over;
	size_t n_done;

	(void)pthread_mutex_lock(&w->lock);
	n_done = w->n_done;
	is_over = w->is_over;
	(void)pthread_mutex_unlock(&w->lock);
	for (; *n_taken < n_done; ++*n_taken) {
		out[*n_taken] = w->items[*n_taken];
		if (w->req->on_done != NULL)
			w->req->on_done(w->req->on_done_ctx, &out[*n_taken]);
	}
	return is_over;
}

static bool is_recording(struct watch *w)
{
	bool is_it;

	(void)pthread_mutex_lock(&w->lock);
	is_it = w->is_recording;
	(void)pthread_mutex_unlock(&w->lock);
	return is_it;
}

static void interrupt(struct watch *w)
{
	atomic_store(w->challenger != NULL ? challenger_interrupt(w->challenger)
					   : &w->is_interrupted,
		     true);
}

/* False: the worker did not end in time. */
static bool look_after(struct watch *w, struct challenged *out, int *signal)
{
	bool is_live = w->req->terminal != NULL && w->req->terminal->is_live;
	int64_t until_ms = INT64_MAX;
	size_t n_taken = 0;

	*signal = 0;
	while (!take(w, &n_taken, out)) {
		int came = wait_for_news(w, is_live || *signal != 0 ? LIVE_TICK_MS : PLAIN_TICK_MS);

		if (came != 0) /* asked twice: at once */
			until_ms = now_ms(w) + (*signal == 0 ? GRACE_MS : 0);
		if (came != 0) {
			*signal = came;
			interrupt(w);
		}
		if (now_ms(w) >= until_ms && !is_recording(w))
			return take(w, &n_taken, out);
		tick(w);
	}
	return true;
}

/* What every check comes to that is not reached. */
static struct challenged *unreached(const struct watch *w)
{
	const struct challenger_request *req = &w->req->challenge;
	struct arena *a = req->app->arena;
	struct challenged *out = arena_array(a, w->n_items, sizeof(*out));

	for (size_t i = 0; i < w->n_items; i++)
		out[i] = (struct challenged){
			.check = w->req->self_program != NULL
					 ? challenge_self_info()
					 : judge_check_info(a, req->checks[i],
							    req->definition->redactor),
			.at_ms = -1,
			.reason = "the challenge was interrupted before it came to an end",
			.subject = "",
		};
	return out;
}

static int open_challenger(struct watch *w, struct err *e)
{
	if (w->req->self_program != NULL)
		return proc_start_helper(e);
	if (!w->req->challenge.is_survey)
		challenge_keep_begin(w->req->challenge.app, w->req->challenge.definition,
				     &w->origin);
	return challenger_new(&w->req->challenge, &w->challenger, e);
}

static void close_challenger(struct watch *w)
{
	if (w->challenger != NULL)
		challenger_free(w->challenger);
	else
		proc_stop_helper();
}

/* 1: the worker hangs and has to be left behind. */
static int drive(struct watch *w, struct challenged *out, int *signal, struct err *e)
{
	int rc = pthread_create(&w->worker, NULL, work, w);

	if (rc != 0)
		return err_set(e, ERR_INTERNAL, "could not start a thread: %s", strerror(rc));
	if (!look_after(w, out, signal))
		return 1;
	(void)pthread_join(w->worker, NULL); /* ours and joinable: cannot fail */
	if (w->rc != 0)
		*e = w->err;
	return w->rc;
}

static void free_arena(void *arena)
{
	arena_free(arena);
}

int challenge_watch(struct challenge_watch *req, struct challenged **out, size_t *n, int *signal,
		    struct err *e)
{
	struct app *app = req->challenge.app;
	/* in the arena, not here: a worker that hangs outlives this function */
	struct watch *w = arena_alloc(app->arena, sizeof(*w));
	int rc;

	w->req = req;
	w->n_items = req->self_program != NULL ? 1 : req->challenge.n_checks;
	w->items = arena_array(app->arena, w->n_items, sizeof(*w->items));
	req->challenge.arena = arena_new();
	req->challenge.tell = tell;
	req->challenge.tell_ctx = w;
	*out = unreached(w);
	*n = w->n_items;
	(void)pthread_mutex_init(&w->lock, NULL); /* default attributes: cannot fail on Linux */
	rc = open_challenger(w, e);
	if (rc == 0 && open_wakers(w, e) != 0) {
		close_challenger(w);
		rc = -1;
	}
	if (rc == 0) {
		rc = drive(w, *out, signal, e);
		if (rc == 1) {
			app->is_abandoning = true;
			if (w->challenger != NULL)
				challenger_abandon(w->challenger);
			return 0; /* what the worker has stays */
		}
		close_wakers(w);
		close_challenger(w);
	}
	(void)pthread_mutex_destroy(&w->lock);
	arena_defer(app->arena, free_arena, req->challenge.arena);
	return rc;
}
