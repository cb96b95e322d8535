/*
 * The loop: libcurl's socket interface on epoll. curl_multi_poll() would walk every transfer on
 * every wake-up, which for a thousand of them costs more than the transfers do. The queue and the
 * per-host counts are ours and not libcurl's, so that the time a transfer waited for its turn is
 * not mistaken for the time the server took.
 */
#define _GNU_SOURCE /* eventfd and epoll are Linux */
#include "runner/io/http.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/http_hosts.h"
#include "runner/io/http_internal.h"
#include "runner/io/http_turns.h"

#define MAX_EVENTS 256
#define MAX_IDLE   64
/* Transfers begun before the sockets are looked at again: the first of a thousand need not wait for
 * the last one's connection to send what they ask. */
#define MAX_LAUNCHES 32
/* Receive buffers of all transfers together; a single one gets at most MAX_BUFFER. */
#define BUFFER_BUDGET (1L << 20)
#define MAX_BUFFER    (256L << 10)
#define MIN_BUFFER    (1L << 10)
/* Connections that wait for a next request: more are closed when their answer is there, and not all
 * at the end, which is waited for. */
#define MAX_KEPT 256L
/* Descriptors the rest of the program may need beside the loop's. */
#define SPARE_FDS 256

struct http_loop {
	const struct clock *clock;
	long max_total, max_per_host;
	struct http_turns *turns; /* NULL = nobody else asks the hosts; borrowed */
	atomic_bool has_new_turn; /* one that turns had refused */
	CURLM *multi;
	int epoll, wake;
	int64_t timer_us; /* when curl wants to be called; -1 = not at all */
	bool is_stopping, is_woken;
	bool has_more;		     /* of the queue could be launched at once */
	struct http_queue queue;     /* no turn asked for yet */
	struct http_transfer *later; /* not before their time */
	struct http_transfer *active;
	long n_active, n_queued;
	struct http_hosts hosts;
	CURL *idle[MAX_IDLE];
	size_t n_idle;
};

/* ---- curl's view of the loop ---- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
	struct http_loop *l = ctx;
	struct epoll_event ev = {.data.fd = fd};

	(void)easy; /* one loop for all */
	if (what == CURL_POLL_REMOVE) {
		(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL); /* may be closed already */
		return 0;
	}
	if (what & CURL_POLL_IN)
		ev.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		ev.events |= EPOLLOUT;
	if (known != NULL && epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &ev) == 0)
		return 0;
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) != 0 &&
	    epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &ev) != 0)
		return -1;
	/* Any pointer but NULL: "known" the next time. */
	return curl_multi_assign(l->multi, fd, l) == CURLM_OK ? 0 : -1;
}

static int on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	struct http_loop *l = ctx;

	(void)multi; /* one loop, one multi */
	l->timer_us = timeout_ms < 0 ? -1 : clock_monotonic_us(l->clock) + timeout_ms * 1000;
	return 0;
}

/* A thousand hosts need a thousand descriptors; the usual soft limit is 1,024. */
static void raise_fd_limit(long wanted)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= (rlim_t)wanted)
		return;
	r.rlim_cur = r.rlim_max < (rlim_t)wanted ? r.rlim_max : (rlim_t)wanted;
	(void)setrlimit(RLIMIT_NOFILE, &r); /* without it, connections fail and say why */
}

/*
 * Without libcurl the loop is there and http_start() says why nothing can be asked. In the thread
 * of the loop: whoever made it writes to the record meanwhile.
 */
static void start_curl(struct http_loop *l)
{
	if (http_library(NULL) < 0)
		return;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		oom();
	l->multi = curl_multi_init();
	if (l->multi == NULL)
		oom();
	/* Known options with values of the right kind: these cannot fail. */
	(void)curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
	(void)curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	(void)curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
	(void)curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, MAX_KEPT);
}

struct http_loop *http_loop_new(const struct clock *clock, long max_total, long max_per_host)
{
	struct http_loop *l = xmalloc(sizeof(*l));
	struct epoll_event ev = {.events = EPOLLIN};

	assert(max_total > 0 && max_per_host > 0);
	*l = (struct http_loop){
		.clock = clock,
		.max_total = max_total,
		.max_per_host = max_per_host,
		.timer_us = -1,
	};
	raise_fd_limit(max_total + SPARE_FDS);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ev.data.fd = l->wake;
	if (l->epoll < 0 || l->wake < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wake, &ev) != 0)
		oom(); /* the machine has no kernel memory or no descriptor left to start with */
	return l;
}

static void on_turn(void *ctx)
{
	struct http_loop *l = ctx;

	atomic_store(&l->has_new_turn, true);
	http_loop_wake(l);
}

void http_loop_share(struct http_loop *l, struct http_turns *turns)
{
	assert(l->turns == NULL && l->n_active == 0);
	l->turns = turns;
	http_turns_watch(turns, on_turn, l);
}

void http_loop_free(struct http_loop *l)
{
	if (l == NULL)
		return;
	assert(l->active == NULL && l->queue.first == NULL && l->later == NULL);
	if (l->turns != NULL)
		http_turns_watch(l->turns, NULL, NULL);
	for (size_t i = 0; i < l->n_idle; i++)
		curl_easy_cleanup(l->idle[i]);
	http_hosts_release(&l->hosts);
	/* Closing what is only ours: nothing could be done about a failure. */
	if (l->multi != NULL) {
		(void)curl_multi_cleanup(l->multi);
		curl_global_cleanup();
	}
	(void)close(l->epoll);
	(void)close(l->wake);
	free(l);
}

/* ---- waiting and beginning ---- */

int http_start(struct http_loop *l, const struct http_request *req,
	       const struct http_handler *handler, void *ctx, struct err *e)
{
	struct http_transfer *t;
	struct http_host *host;

	if (l->is_stopping)
		return err_set(e, ERR_MEASURE, "the run is being stopped");
	if (http_library(e) < 0)
		return -1;
	host = http_url_is_http(req->url) ? http_hosts_find(&l->hosts, req->url) : NULL;
	if (host == NULL)
		return err_set(e, ERR_MEASURE,
			       "cannot request \"%.200s\": not an http or https URL", req->url);
	t = http_transfer_new(l, req, handler, ctx);
	t->host = host;
	if (req->delay_ms > 0) {
		t->not_before_us = clock_monotonic_us(l->clock) + req->delay_ms * 1000;
		t->next = l->later;
		l->later = t;
		return 0;
	}
	http_queue_add(&l->queue, t);
	l->n_queued++;
	return 0;
}

/* Those whose time has come join the queue. */
static void queue_due(struct http_loop *l)
{
	int64_t now_us = l->later != NULL ? clock_monotonic_us(l->clock) : 0;
	struct http_transfer **at = &l->later;

	while (*at != NULL) {
		struct http_transfer *t = *at;

		if (t->not_before_us > now_us) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		http_queue_add(&l->queue, t);
		l->n_queued++;
	}
}

static CURL *take_easy(struct http_loop *l)
{
	CURL *easy;

	if (l->n_idle > 0)
		return l->idle[--l->n_idle];
	easy = curl_easy_init();
	if (easy == NULL)
		oom();
	return easy;
}

static void give_easy(struct http_loop *l, CURL *easy)
{
	if (l->n_idle < MAX_IDLE) {
		curl_easy_reset(easy);
		l->idle[l->n_idle++] = easy;
	} else {
		curl_easy_cleanup(easy);
	}
}

static long buffer_bytes(const struct http_loop *l)
{
	long each = BUFFER_BUDGET / (l->n_active + l->n_queued + 1);

	return each > MAX_BUFFER ? MAX_BUFFER : each < MIN_BUFFER ? MIN_BUFFER : each;
}

static void unlink_active(struct http_loop *l, struct http_transfer *t)
{
	struct http_transfer *first;

	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		l->active = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	t->next = t->prev = NULL;
	l->n_active--;
	t->host->n_active--;
	if (l->turns != NULL)
		http_turns_give(l->turns, t->host->origin);
	/* Its host has a turn to give: to the one that waited longest, before all others. */
	first = http_queue_take(&t->host->waiting);
	if (first != NULL)
		http_queue_add_first(&l->queue, first);
}

static void link_active(struct http_loop *l, struct http_transfer *t)
{
	t->prev = NULL;
	t->next = l->active;
	if (l->active != NULL)
		l->active->prev = t;
	l->active = t;
	l->n_active++;
	t->host->n_active++;
}

/* The turn of t has come: its time runs from now, or goes on where a redirect had to wait. */
static void start_time(struct http_transfer *t, int64_t now_us)
{
	bool is_first = t->begin_us == 0;

	t->request_us = now_us;
	t->begin_us = is_first ? now_us : t->begin_us + now_us - t->queued_us;
	if (t->timeout_ms > 0)
		t->deadline_ms = t->begin_us / 1000 + t->timeout_ms;
	if (is_first && t->handler.started != NULL)
		t->handler.started(t->ctx);
}

/* Hands t to curl. On failure t is over: done was called. */
static void launch(struct http_loop *l, struct http_transfer *t)
{
	int64_t now_us = clock_monotonic_us(l->clock);
	struct err e = {0};

	t->easy = take_easy(l);
	start_time(t, now_us);
	link_active(l, t);
	if (http_transfer_prepare(t, now_us / 1000, buffer_bytes(l), &e) == 0) {
		if (curl_multi_add_handle(l->multi, t->easy) == CURLM_OK)
			return;
		(void)err_set(&e, ERR_INTERNAL, "libcurl refused the transfer");
	}
	unlink_active(l, t);
	give_easy(l, t->easy);
	http_transfer_fail(t, &e);
	http_transfer_free(t);
}

static bool take_turn(struct http_loop *l, const struct http_transfer *t)
{
	long most = t->max_connections > 0 ? t->max_connections : l->max_per_host;

	if (t->host->n_active >= most)
		return false;
	return l->turns == NULL || http_turns_take(l->turns, t->host->origin, most);
}

static void launch_queued(struct http_loop *l)
{
	int n_launched = 0;

	l->has_more = false;
	while (l->queue.first != NULL && l->n_active < l->max_total && !l->is_stopping) {
		struct http_transfer *t;

		if (n_launched == MAX_LAUNCHES) {
			l->has_more = true;
			return;
		}
		t = http_queue_take(&l->queue);

		if (!take_turn(l, t)) {
			http_queue_add(&t->host->waiting, t);
			continue;
		}
		l->n_queued--;
		n_launched++;
		launch(l, t);
	}
}

/* ---- the end of transfers ---- */

static void complete(struct http_loop *l, struct http_transfer *t, CURLcode code)
{
	struct err e = {0};
	bool is_followed = false;

	(void)curl_multi_remove_handle(l->multi, t->easy); /* it is ours: cannot fail */
	if (code == CURLE_OK && t->failure == NULL &&
	    http_transfer_redirect(t, &is_followed, &e) == 0 && is_followed) {
		struct http_host *next = http_hosts_find(&l->hosts, t->url);

		unlink_active(l, t);
		give_easy(l, t->easy);
		t->easy = NULL;
		if (next != NULL)
			t->host = next;
		t->queued_us = clock_monotonic_us(l->clock);
		http_queue_add(&l->queue, t);
		l->n_queued++;
		return;
	}
	unlink_active(l, t);
	if (e.class != ERR_NONE)
		http_transfer_fail(t, &e);
	else
		http_transfer_finish(t, code, clock_monotonic_us(l->clock));
	give_easy(l, t->easy);
	http_transfer_free(t);
}

static void complete_all(struct http_loop *l)
{
	CURLMsg *msg;
	int left;

	while (l->multi != NULL && (msg = curl_multi_info_read(l->multi, &left)) != NULL) {
		CURLcode code = msg->data.result;
		char *mine = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		/* Set when the transfer was launched, so it is there. */
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &mine);
		complete(l, (struct http_transfer *)(void *)mine, code);
	}
}

static void cancel(struct http_transfer *t)
{
	struct err e = {0};

	(void)err_set(&e, ERR_MEASURE, "stopped before it ended");
	http_transfer_fail(t, &e);
	http_transfer_free(t);
}

static void cancel_all(struct http_loop *l)
{
	while (l->active != NULL) {
		struct http_transfer *t = l->active;

		(void)curl_multi_remove_handle(l->multi, t->easy); /* it is ours: cannot fail */
		unlink_active(l, t);
		give_easy(l, t->easy);
		cancel(t);
	}
	while (l->later != NULL) {
		struct http_transfer *t = l->later;

		l->later = t->next;
		cancel(t);
	}
	http_hosts_requeue(&l->hosts, &l->queue);
	while (l->queue.first != NULL)
		cancel(http_queue_take(&l->queue));
	l->n_queued = 0;
}

/* ---- running ---- */

static int wait_ms(const struct http_loop *l)
{
	int64_t next_us = l->timer_us, left;

	if (l->is_woken || l->is_stopping || l->has_more)
		return 0;
	for (const struct http_transfer *t = l->later; t != NULL; t = t->next)
		if (next_us < 0 || t->not_before_us < next_us)
			next_us = t->not_before_us;
	if (next_us < 0)
		return -1;
	left = next_us - clock_monotonic_us(l->clock);
	if (left <= 0)
		return 0;
	left = (left + 999) / 1000;
	return left > 60000 ? 60000 : (int)left;
}

static void serve_socket(struct http_loop *l, const struct epoll_event *ev)
{
	int running, what = 0;

	if (ev->data.fd == l->wake) {
		uint64_t n;

		if (read(l->wake, &n, sizeof(n)) > 0)
			l->is_woken = true;
		return;
	}
	if (ev->events & (EPOLLIN | EPOLLHUP))
		what |= CURL_CSELECT_IN;
	if (ev->events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (ev->events & EPOLLERR)
		what |= CURL_CSELECT_ERR;
	/* Failures of single transfers arrive as messages; the call itself fails for misuse only.
	 */
	(void)curl_multi_socket_action(l->multi, ev->data.fd, what, &running);
}

void http_loop_run(struct http_loop *l, void (*on_wake)(void *ctx), void *ctx)
{
	struct epoll_event events[MAX_EVENTS];

	if (l->multi == NULL)
		start_curl(l);
	while (!l->is_stopping) {
		int n, running;

		queue_due(l);
		launch_queued(l);
		n = epoll_wait(l->epoll, events, MAX_EVENTS, wait_ms(l));
		for (int i = 0; i < n; i++)
			serve_socket(l, &events[i]);
		if (l->timer_us >= 0 && clock_monotonic_us(l->clock) >= l->timer_us) {
			l->timer_us = -1;
			(void)curl_multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &running);
		}
		complete_all(l);
		if (l->is_woken) {
			l->is_woken = false;
			/* Somebody else gave a turn back: all who wait for one ask again. */
			if (atomic_exchange(&l->has_new_turn, false))
				http_hosts_requeue(&l->hosts, &l->queue);
			on_wake(ctx);
		}
	}
	cancel_all(l);
	l->is_stopping = false;
}

void http_loop_wake(struct http_loop *l)
{
	uint64_t one = 1;

	/* Only a full counter fails, and then the loop has been woken anyway. */
	while (write(l->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

void http_loop_stop(struct http_loop *l)
{
	l->is_stopping = true;
}
