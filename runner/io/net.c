/*
 * getaddrinfo() knows no deadline, so it runs on a thread of its own, which is left behind when it
 * takes too long; the last of the two who hold its question frees it.
 */
#define _GNU_SOURCE /* SOCK_NONBLOCK, SOCK_CLOEXEC */
#include "runner/io/net.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/io/clock.h"

#define SLICE_MS      50
#define MAX_ADDRESSES 16
#define READ_BYTES    16384

static int64_t left_ms(const struct net_wait *w)
{
	return w->deadline_ms - clock_monotonic_ms(w->clock);
}

static bool is_cancelled(const struct net_wait *w)
{
	return w->is_cancelled != NULL && atomic_load(w->is_cancelled);
}

static double seconds_since(const struct net_wait *w, int64_t begin_us)
{
	return (double)(clock_monotonic_us(w->clock) - begin_us) / 1e6;
}

/* ---- places ---- */

bool net_is_address(const char *host)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static bool is_host(const char *host)
{
	size_t n = strlen(host);

	if (net_is_address(host))
		return true;
	return n > 0 && n <= 253 && host[0] != '-' && host[0] != '.' &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") ==
		       n;
}

int net_place_parse(struct arena *a, const char *text, const char *default_port,
		    struct net_place *out, struct err *e)
{
	const char *colon = strrchr(text, ':'), *close = strchr(text, ']');
	struct net_place p = {.port = default_port};
	int64_t port = 0;

	if (text[0] == '[' && close != NULL) {
		p.host = arena_strndup(a, text + 1, (size_t)(close - text) - 1);
		if (close[1] == ':')
			p.port = close + 2;
		else if (close[1] != '\0')
			p.host = "";
	} else if (colon != NULL && strchr(text, ':') == colon) {
		p.host = arena_strndup(a, text, (size_t)(colon - text));
		p.port = colon + 1;
	} else {
		p.host = arena_strdup(a, text);
	}
	if (!is_host(p.host) || p.port == NULL || num_parse_int(p.port, strlen(p.port), &port) ||
	    port < 1 || port > 65535) {
		(void)err_set(e, ERR_DEFINITION, "\"%s\" is no host and port", text);
		return err_help(e, "write them like \"db.example:5432\", \"127.0.0.1:22\" or "
				   "\"[::1]:443\"");
	}
	p.port = arena_printf(a, "%d", (int)port); /* one spelling, and short */
	*out = p;
	return 0;
}

/* ---- names ---- */

struct lookup {
	pthread_mutex_t lock;
	pthread_cond_t is_answered;
	int n_holders;
	bool is_done;
	int code;
	struct addrinfo *found;
	char host[256], port[8];
};

static void lookup_release(struct lookup *l)
{
	bool is_last;

	(void)pthread_mutex_lock(&l->lock); /* a default mutex: cannot fail */
	is_last = --l->n_holders == 0;
	(void)pthread_mutex_unlock(&l->lock);
	if (!is_last)
		return;
	if (l->found != NULL)
		freeaddrinfo(l->found);
	(void)pthread_cond_destroy(&l->is_answered);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

static void *look_up(void *ctx)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct lookup *l = ctx;
	struct addrinfo *found = NULL;
	int code = getaddrinfo(l->host, l->port, &hints, &found);

	(void)pthread_mutex_lock(&l->lock);
	l->code = code;
	l->found = code == 0 ? found : NULL;
	l->is_done = true;
	(void)pthread_cond_broadcast(&l->is_answered);
	(void)pthread_mutex_unlock(&l->lock);
	lookup_release(l);
	return NULL;
}

static struct lookup *lookup_new(const struct net_place *place)
{
	struct lookup *l = xmalloc(sizeof(*l));
	pthread_condattr_t attributes;

	*l = (struct lookup){.n_holders = 2};
	assert(strlen(place->host) < sizeof(l->host) && strlen(place->port) < sizeof(l->port));
	memcpy(l->host, place->host, strlen(place->host) + 1);
	memcpy(l->port, place->port, strlen(place->port) + 1);
	/* Default attributes and a clock that exists: none of these can fail on Linux. */
	(void)pthread_mutex_init(&l->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&l->is_answered, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return l;
}

static int start_lookup(const struct net_place *place, struct lookup **out, struct err *e)
{
	struct lookup *l = lookup_new(place);
	pthread_t thread;
	int rc;

	if (net_is_address(place->host)) { /* nobody is asked: it cannot take long */
		(void)look_up(l);
		*out = l;
		return 0;
	}
	rc = pthread_create(&thread, NULL, look_up, l);
	if (rc != 0) {
		l->n_holders = 1;
		lookup_release(l);
		return err_set(e, ERR_MEASURE, "could not start a thread: %s", strerror(rc));
	}
	(void)pthread_detach(thread); /* it was just made: cannot fail */
	*out = l;
	return 0;
}

static void wait_a_while(struct lookup *l)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until); /* it exists: cannot fail */
	until.tv_nsec += SLICE_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	(void)pthread_cond_timedwait(&l->is_answered, &l->lock, &until); /* either end is as good */
}

/* l->found can be used by the caller alone when this returns 0. */
static int finish_lookup(struct lookup *l, const struct net_wait *w, struct err *e)
{
	bool is_done;

	(void)pthread_mutex_lock(&l->lock);
	while (!l->is_done && left_ms(w) > 0 && !is_cancelled(w))
		wait_a_while(l);
	is_done = l->is_done;
	(void)pthread_mutex_unlock(&l->lock);
	if (is_cancelled(w))
		return err_set(e, ERR_MEASURE, "stopped, the run was interrupted");
	if (!is_done)
		return err_set(e, ERR_MEASURE, "timed out looking up the name \"%s\"", l->host);
	if (l->code != 0)
		return err_set(e, ERR_MEASURE, "could not look up the name \"%s\": %s", l->host,
			       gai_strerror(l->code));
	return 0;
}

/* ---- waiting ---- */

int net_wait_for(int fd, bool to_write, const struct net_wait *w, const char *what, struct err *e)
{
	struct pollfd p = {.fd = fd, .events = to_write ? POLLOUT : POLLIN};

	for (;;) {
		int64_t left = left_ms(w);

		if (is_cancelled(w))
			return err_set(e, ERR_MEASURE, "stopped, the run was interrupted");
		if (left <= 0)
			return err_set(e, ERR_MEASURE, "timed out %s", what);
		if (poll(&p, 1, left < SLICE_MS ? (int)left : SLICE_MS) > 0)
			return 0;
	}
}

int net_send(int fd, const void *data, size_t n, const struct net_wait *w, struct err *e)
{
	const char *at = data;

	while (n > 0) {
		ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);

		if (sent >= 0) {
			at += sent;
			n -= (size_t)sent;
		} else if (errno == EAGAIN) {
			if (net_wait_for(fd, true, w, "sending", e) != 0)
				return -1;
		} else if (errno != EINTR) {
			return err_set(e, ERR_MEASURE, "could not send: %s", strerror(errno));
		}
	}
	return 0;
}

long net_read(int fd, struct buf *out, const struct net_wait *w, struct err *e)
{
	char bytes[READ_BYTES];

	for (;;) {
		/* No more than fits: what is behind the first line of an answer is not asked for.
		 * In a full buffer there is one byte left to tell an end from too much. */
		size_t room = out->ceiling_bytes - out->len;
		size_t most = room == 0 ? 1 : room < sizeof(bytes) ? room : sizeof(bytes);
		ssize_t n = recv(fd, bytes, most, 0);

		if (n >= 0) {
			if (buf_add(out, bytes, (size_t)n) == 0)
				return (long)n;
			return err_set(e, ERR_MEASURE, "the answer has more than %zu bytes",
				       out->ceiling_bytes);
		}
		if (errno == EAGAIN) {
			if (net_wait_for(fd, false, w, "waiting for an answer", e) != 0)
				return -1;
		} else if (errno != EINTR) {
			return err_set(e, ERR_MEASURE, "could not read: %s", strerror(errno));
		}
	}
}

/* ---- connecting ---- */

static const char *address_text(struct arena *a, const struct addrinfo *at)
{
	char host[INET6_ADDRSTRLEN], port[8];

	if (getnameinfo(at->ai_addr, at->ai_addrlen, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return "an address";
	return arena_printf(a, at->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/*
 * Has the socket reached itself? A port of this machine that is among those for outgoing
 * connections may be given to the very socket that tries it, and then takes it.
 */
static bool is_self(int s)
{
	struct sockaddr_storage own = {0}, peer = {0};
	socklen_t n_own = sizeof(own), n_peer = sizeof(peer);

	return getsockname(s, (struct sockaddr *)&own, &n_own) == 0 &&
	       getpeername(s, (struct sockaddr *)&peer, &n_peer) == 0 && n_own == n_peer &&
	       memcmp(&own, &peer, n_own) == 0;
}

/* 0 and fd, 1 refused, -1 nothing came of it. */
static int try_address(const struct addrinfo *at, const struct net_wait *w, int *fd, struct err *e)
{
	int s = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int code = 0, one = 1;
	socklen_t n = sizeof(code);

	if (s < 0)
		return err_set(e, ERR_MEASURE, "could not make a socket: %s", strerror(errno));
	(void)setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* slower without */
	if (connect(s, at->ai_addr, at->ai_addrlen) != 0)
		code = errno;
	if (code == EINPROGRESS) {
		if (net_wait_for(s, true, w, "connecting", e) != 0) {
			(void)close(s); /* nothing was sent */
			return -1;
		}
		if (getsockopt(s, SOL_SOCKET, SO_ERROR, &code, &n) != 0)
			code = errno;
	}
	if (code == 0 && !is_self(s)) {
		*fd = s;
		return 0;
	}
	code = code == 0 ? ECONNREFUSED : code; /* nobody else listens there */
	(void)close(s);				/* nothing was sent */
	(void)err_set(e, ERR_MEASURE, "could not connect: %s", strerror(code));
	return code == ECONNREFUSED ? 1 : -1;
}

static int connect_any(struct arena *a, const struct addrinfo *found, const struct net_wait *w,
		       struct net_connected *out, struct err *e)
{
	int n_left = 0, n_refused = 0, n_tried = 0;
	int64_t begin_us = clock_monotonic_us(w->clock);

	for (const struct addrinfo *at = found; at != NULL && n_left < MAX_ADDRESSES;
	     at = at->ai_next)
		n_left++;
	for (const struct addrinfo *at = found; n_left > 0; at = at->ai_next, n_left--) {
		struct net_wait share = *w;
		struct err why = {0};
		int rc;

		share.deadline_ms = clock_monotonic_ms(w->clock) + left_ms(w) / n_left;
		rc = try_address(at, &share, &out->fd, &why);
		if (rc == 0) {
			out->address = address_text(a, at);
			out->connect_s = seconds_since(w, begin_us);
			return 0;
		}
		n_tried++;
		n_refused += rc == 1;
		out->tried =
			arena_printf(a, "%s%s%s: %s", out->tried, out->tried[0] != '\0' ? "\n" : "",
				     address_text(a, at), why.message);
		if (n_tried == 1 || rc != 1)
			*e = why; /* the one that is not a plain refusal says more */
	}
	if (n_tried == 0)
		return err_set(e, ERR_MEASURE, "the name has no address");
	if (n_refused < n_tried)
		return -1;
	*e = (struct err){0};
	return 0;
}

int net_connect(struct arena *a, const struct net_place *place, const struct net_wait *w,
		struct net_connected *out, struct err *e)
{
	struct net_connected c = {.fd = -1, .address = "", .tried = ""};
	int64_t begin_us = clock_monotonic_us(w->clock);
	struct lookup *l = NULL;
	int rc;

	if (left_ms(w) <= 0)
		return err_set(e, ERR_MEASURE, "its time was over before it could begin");
	if (start_lookup(place, &l, e) != 0)
		return -1;
	rc = finish_lookup(l, w, e);
	c.lookup_s = seconds_since(w, begin_us);
	if (rc == 0)
		rc = connect_any(a, l->found, w, &c, e);
	lookup_release(l);
	if (rc == 0)
		*out = c;
	return rc;
}
