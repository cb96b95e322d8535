/*
 * testd: a small HTTP/1.1 server on loopback for tests, benches and the demo.
 *
 *	testd [--dir DIR] [--delay-ms N] [--addresses N] [--port N] [--mode NAME] [--keep FILE]
 *
 * Prints "port N" when it listens, ends on SIGTERM or with its parent. Serves the files of DIR with
 * their length and a content type by suffix (.om is OpenMetrics, .prom and no suffix the Prometheus
 * text format). A file PATH.http is the answer as it stands, status line and head included, and the
 * connection is closed behind it; a file PATH.next takes the place of PATH once that was answered.
 * Every answer waits --delay-ms. --addresses N listens on 127.0.0.1 and on N - 1 further addresses
 * 127.1.x.y, the same port on each, so that one process is a thousand hosts.
 *
 * /status/NNN answers with that status, /echo with the request it got, /mode/NAME and what is below
 * it misbehave as the table below says; --mode NAME makes every path do so; /session/ is a shop to
 * log in to (testd_session.h); --keep keeps the last request to /echo. One thread, epoll.
 */
#define _GNU_SOURCE /* accept4, sendfile, strcasestr */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/tools/testd_gzip.h"
#include "tests/tools/testd_keep.h"
#include "tests/tools/testd_modes.h"
#include "tests/tools/testd_session.h"

#define MAX_REQUEST   16384
#define DRIP_MS	      50
#define BOMB_BYTES    (96L << 20)
#define MAX_ADDRESSES 4096

struct options {
	const char *dir, *mode, *keep;
	int64_t delay_ms;
	int n_addresses;
	uint16_t port;
};

struct connection {
	int fd; /* -1: a listener's entry or free */
	bool is_listener;
	char in[MAX_REQUEST + 1];
	size_t n_in;
	char *out; /* owned */
	size_t n_out, n_sent;
	int file; /* -1 = none; sent after out */
	off_t file_left;
	enum after after;
	int64_t due_ms; /* 0 = not waiting */
	struct connection *next, *prev;
};

struct server {
	struct options options;
	int epoll;
	struct connection *all;	      /* every open connection */
	struct connection *listeners; /* linked by next */
	char *bomb;
	size_t n_bomb;
	struct shop shop;
};

static volatile sig_atomic_t is_ended;

static void end(int signal_number)
{
	(void)signal_number; /* any of them ends the program */
	is_ended = 1;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void reply_bytes(struct connection *c, const char *head, const void *body, size_t n)
{
	bool is_framed = strstr(head, "\r\n\r\n") != NULL || head[0] == '\0' ||
			 strncmp(head, "HTTP/", 5) != 0;
	char length[64] = "";
	size_t n_head = strlen(head);

	if (!is_framed)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n\r\n", n);
	c->n_out = n_head + strlen(length) + n;
	c->out = allocate(c->n_out + 1);
	memcpy(c->out, head, n_head);
	memcpy(c->out + n_head, length, strlen(length));
	memcpy(c->out + n_head + strlen(length), body, n);
	c->n_sent = 0;
}

static void reply_gzip(struct server *s, struct connection *c, const char *how)
{
	bool is_closed = strcmp(how, "good-gzip-close") == 0;
	const char *head = is_closed ? OK TEXT "Content-Encoding: gzip\r\n" ENDS "\r\n"
				     : OK TEXT "Content-Encoding: gzip\r\n";
	size_t n;
	char *z;

	if (strcmp(how, "bomb") == 0) {
		if (s->bomb == NULL)
			s->bomb = gzip("", 0, BOMB_BYTES, &s->n_bomb);
		reply_bytes(c, head, s->bomb, s->n_bomb);
		return;
	}
	z = gzip(GOOD, strlen(GOOD), 0, &n);
	if (strcmp(how, "torn-gzip") == 0)
		n -= 12;
	else if (strcmp(how, "gzip-damaged") == 0)
		z[n - 6] = (char)(z[n - 6] ^ 1);
	else if (strcmp(how, "gzip-trailing") == 0)
		memcpy(z + n, "more", 4), n += 4;
	else if (strcmp(how, "not-gzip") == 0)
		memcpy(z, "orders", 6);
	reply_bytes(c, head, z, n);
	if (is_closed)
		c->after = CLOSE;
	free(z);
}

static bool reply_flood(struct connection *c, const char *name)
{
	size_t i = 0, n, n_head, n_piece;

	while (i < sizeof(floods) / sizeof(floods[0]) && strcmp(floods[i].name, name) != 0)
		i++;
	if (i == sizeof(floods) / sizeof(floods[0]))
		return false;
	n_head = strlen(floods[i].head);
	n_piece = strlen(floods[i].piece);
	n = (4 << 20) / n_piece * n_piece;
	c->n_out = n_head + n;
	c->n_sent = 0;
	c->out = allocate(c->n_out);
	memcpy(c->out, floods[i].head, n_head);
	for (size_t at = 0; at < n; at += n_piece)
		memcpy(c->out + n_head + at, floods[i].piece, n_piece);
	c->after = HANG;
	return true;
}

/* One chunk of many; the next follows when it is out. */
static void reply_endless(struct connection *c)
{
	static const char line[] = "orders_total 12\n";
	size_t n = 4096 * strlen(line);
	char *lines = allocate(n + 16), *at = lines;

	at += sprintf(at, "%zx\r\n", n);
	for (size_t i = 0; i < 4096; i++, at += strlen(line))
		memcpy(at, line, strlen(line));
	memcpy(at, "\r\n", 2);
	reply_bytes(c, "", lines, (size_t)(at - lines) + 2);
	free(lines);
}

static bool reply_mode(struct server *s, struct connection *c, const char *name)
{
	static const char *const zipped[] = {"torn-gzip", "gzip-damaged", "gzip-trailing",
					     "not-gzip",  "good-gzip",	  "good-gzip-close",
					     "bomb"};

	for (size_t i = 0; i < sizeof(zipped) / sizeof(zipped[0]); i++) {
		if (strcmp(zipped[i], name) == 0) {
			reply_gzip(s, c, name);
			return true;
		}
	}
	if (reply_flood(c, name))
		return true;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(modes[i].name, name) == 0) {
			reply_bytes(c, modes[i].head, modes[i].body, strlen(modes[i].body));
			c->after = modes[i].after;
			return true;
		}
	}
	return false;
}

static const char *type_of(const char *path)
{
	static const char *const types[][2] = {
		{".html", HTML},
		{".json", JSON},
		{".om", OM},
		{".prom", TEXT},
	};
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash != NULL ? slash : path, '.');

	if (dot == NULL)
		return TEXT;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i][0], dot) == 0)
			return types[i][1];
	return "Content-Type: text/plain; charset=utf-8\r\n";
}

static bool reply_file(struct server *s, struct connection *c, const char *path)
{
	char full[4096], next[sizeof(full) + 8], head[512];
	struct stat st;
	bool is_raw;
	int fd;

	if (s->options.dir == NULL || strstr(path, "..") != NULL)
		return false;
	snprintf(full, sizeof(full), "%s%s.http", s->options.dir, path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	is_raw = fd >= 0;
	if (!is_raw) {
		snprintf(full, sizeof(full), "%s%s%s", s->options.dir, path,
			 path[strlen(path) - 1] == '/' ? "index.html" : "");
		fd = open(full, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return false;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return false;
	}
	snprintf(head, sizeof(head), OK "%sContent-Length: %lld\r\n\r\n", type_of(full),
		 (long long)st.st_size);
	snprintf(next, sizeof(next), "%s.next", full);
	(void)rename(next, full); /* there is none, mostly */
	reply_bytes(c, is_raw ? "" : head, "", 0);
	if (is_raw)
		c->after = CLOSE;
	c->file = fd;
	c->file_left = st.st_size;
	return true;
}

static void answer(struct server *s, struct connection *c)
{
	char path[2048] = "/", mode[64], head[256], *query;
	struct shop_answer shop;

	c->after = KEEP;
	if (sscanf(c->in, "%*15s %2047s", path) != 1)
		snprintf(path, sizeof(path), "/");
	query = strchr(path, '?');
	if (query != NULL)
		*query = '\0';
	if (s->options.mode != NULL && reply_mode(s, c, s->options.mode))
		return;
	if (strncmp(path, "/mode/", 6) == 0) {
		snprintf(mode, sizeof(mode), "%.*s", (int)strcspn(path + 6, "/"), path + 6);
		if (reply_mode(s, c, mode))
			return;
	}
	if (strncmp(path, "/session/", 9) == 0 && shop_answer(&s->shop, &shop, path + 8, c->in)) {
		reply_bytes(c, shop.head, shop.body, strlen(shop.body));
	} else if (strncmp(path, "/status/", 8) == 0) {
		snprintf(head, sizeof(head), "HTTP/1.1 %d Chosen\r\n" TEXT, atoi(path + 8));
		reply_bytes(c, head, "chosen\n", 7);
	} else if (strcmp(path, "/echo") == 0) {
		reply_bytes(c, OK TEXT, c->in, c->n_in);
		keep_file(s->options.keep, c->in, c->n_in);
	} else if (!reply_file(s, c, path)) {
		if (s->options.dir == NULL && strcmp(path, "/") == 0)
			reply_bytes(c, OK TEXT, "ok\n", 3);
		else
			reply_bytes(c, "HTTP/1.1 404 Not Found\r\n" HTML, PAGE, strlen(PAGE));
	}
}

static void keep_head_only(struct connection *c)
{
	const char *body = memmem(c->out, c->n_out, "\r\n\r\n", 4);

	if (body != NULL)
		c->n_out = (size_t)(body - c->out) + 4;
	c->file_left = 0;
}

static void drop(struct server *s, struct connection *c, bool is_reset)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};

	if (is_reset) /* a close with linger 0 sends RST */
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(c->fd);
	if (c->file >= 0)
		close(c->file);
	free(c->out);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->all = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	free(c);
}

static void watch(struct server *s, struct connection *c, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = c};

	(void)epoll_ctl(s->epoll, EPOLL_CTL_MOD, c->fd, &ev); /* fails only for a bad descriptor */
}

/* 0 = sent all, 1 = would block, -1 = peer is gone. */
static int send_some(struct connection *c)
{
	while (c->n_sent < c->n_out) {
		ssize_t n = send(c->fd, c->out + c->n_sent, c->n_out - c->n_sent,
				 MSG_NOSIGNAL | (c->file_left > 0 ? MSG_MORE : 0));
		if (n < 0)
			return errno == EAGAIN ? 1 : -1;
		c->n_sent += (size_t)n;
	}
	while (c->file_left > 0) {
		ssize_t n = sendfile(c->fd, c->file, NULL, (size_t)c->file_left);

		if (n < 0)
			return errno == EAGAIN ? 1 : -1;
		if (n == 0)
			return -1;
		c->file_left -= n;
	}
	return 0;
}

static bool take_request(struct server *s, struct connection *c);

/* The answer is out: what now? False when the connection was dropped. */
static bool finish(struct server *s, struct connection *c)
{
	free(c->out);
	c->out = NULL;
	c->n_out = c->n_sent = 0;
	if (c->file >= 0)
		close(c->file);
	c->file = -1;
	switch (c->after) {
	case KEEP:
		watch(s, c, EPOLLIN);
		return take_request(s, c);
	case CLOSE:
		drop(s, c, false);
		return false;
	case RESET:
		drop(s, c, true);
		return false;
	case HANG:
		watch(s, c, EPOLLIN);
		return true;
	case DRIP:
		c->due_ms = now_ms() + DRIP_MS;
		watch(s, c, 0);
		return true;
	case REPEAT:
		reply_endless(c);
		watch(s, c, EPOLLOUT);
		return true;
	}
	return false;
}

static bool write_out(struct server *s, struct connection *c)
{
	switch (send_some(c)) {
	case 0:
		return finish(s, c);
	case 1:
		watch(s, c, EPOLLOUT);
		return true;
	default:
		drop(s, c, false);
		return false;
	}
}

/* A whole request in the buffer? Then answer it, now or when its delay is over. */
static bool take_request(struct server *s, struct connection *c)
{
	char *end_of_head;
	size_t used;
	const char *length;

	c->in[c->n_in] = '\0';
	end_of_head = strstr(c->in, "\r\n\r\n");
	if (end_of_head == NULL) {
		if (c->n_in < MAX_REQUEST)
			return true;
		drop(s, c, false);
		return false;
	}
	used = (size_t)(end_of_head - c->in) + 4;
	length = strcasestr(c->in, "\r\nContent-Length:");
	if (length != NULL && length < end_of_head)
		used += strtoul(length + 17, NULL, 10);
	if (c->n_in < used)
		return true;
	answer(s, c);
	if (strncmp(c->in, "HEAD ", 5) == 0)
		keep_head_only(c);
	memmove(c->in, c->in + used, c->n_in - used);
	c->n_in -= used;
	if (s->options.delay_ms == 0)
		return write_out(s, c);
	c->due_ms = now_ms() + s->options.delay_ms;
	watch(s, c, 0);
	return true;
}

static void read_in(struct server *s, struct connection *c)
{
	ssize_t n = recv(c->fd, c->in + c->n_in, MAX_REQUEST - c->n_in, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		drop(s, c, false);
		return;
	}
	c->n_in += (size_t)n;
	(void)take_request(s, c); /* the connection may be gone; nothing follows */
}

/* Answers whose delay is over; returns ms until the next one, -1 = none. */
static int run_due(struct server *s)
{
	int64_t now = now_ms(), next = -1;
	struct connection *following;

	for (struct connection *c = s->all; c != NULL; c = following) {
		following = c->next;
		if (c->due_ms == 0)
			continue;
		if (c->due_ms > now) {
			if (next < 0 || c->due_ms < next)
				next = c->due_ms;
			continue;
		}
		c->due_ms = 0;
		if (c->after == DRIP && c->n_out == 0)
			reply_bytes(c, "", "#", 1);
		if (write_out(s, c) && c->due_ms > 0 && (next < 0 || c->due_ms < next))
			next = c->due_ms;
	}
	return next < 0 ? -1 : (int)(next - now);
}

static void accept_all(struct server *s, int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
		struct connection *c;
		struct epoll_event ev = {.events = EPOLLIN};

		if (fd < 0)
			return;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c = allocate(sizeof(*c));
		c->fd = fd;
		c->file = -1;
		c->next = s->all;
		if (s->all != NULL)
			s->all->prev = c;
		s->all = c;
		ev.data.ptr = c;
		if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
			drop(s, c, false);
	}
}

static void listen_on(struct server *s, int i)
{
	uint32_t address =
		i == 0 ? INADDR_LOOPBACK
		       : 0x7F010000U + (uint32_t)(i / 250) * 256 + (uint32_t)(i % 250) + 1;
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port = htons(s->options.port),
				 .sin_addr.s_addr = htonl(address)};
	socklen_t n = sizeof(sa);
	struct connection *c = allocate(sizeof(*c));
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	int one = 1;

	c->is_listener = true;
	c->next = s->listeners;
	s->listeners = c;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	(void)setsockopt(c->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
	    listen(c->fd, 4096) != 0 || getsockname(c->fd, (struct sockaddr *)&sa, &n) != 0 ||
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0)
		die("listen");
	s->options.port = ntohs(sa.sin_port);
}

static long number(const char *option, const char *text, long max)
{
	char *rest;
	long n = text != NULL ? strtol(text, &rest, 10) : -1;

	if (n < 0 || n > max || *rest != '\0') {
		fprintf(stderr, "testd: %s wants a number up to %ld\n", option, max);
		exit(3);
	}
	return n;
}

static void read_options(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i += 2) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(name, "--dir") == 0)
			o->dir = value;
		else if (strcmp(name, "--mode") == 0)
			o->mode = value;
		else if (strcmp(name, "--keep") == 0)
			o->keep = value;
		else if (strcmp(name, "--delay-ms") == 0)
			o->delay_ms = number(name, value, 600000);
		else if (strcmp(name, "--addresses") == 0)
			o->n_addresses = (int)number(name, value, MAX_ADDRESSES);
		else if (strcmp(name, "--port") == 0)
			o->port = (uint16_t)number(name, value, 65535);
		else {
			fprintf(stderr, "testd: unknown option %s\n", name);
			exit(3);
		}
	}
}

static void close_all(struct server *s)
{
	while (s->all != NULL)
		drop(s, s->all, false);
	while (s->listeners != NULL) {
		struct connection *c = s->listeners;

		s->listeners = c->next;
		close(c->fd);
		free(c);
	}
	close(s->epoll);
	free(s->bomb);
}

int main(int argc, char **argv)
{
	struct server s = {.options = {.n_addresses = 1}};
	struct sigaction act = {.sa_handler = end};
	struct epoll_event events[256];

	read_options(argc, argv, &s.options);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* Linux only, like epoll: cannot fail */
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	s.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s.epoll < 0)
		die("epoll");
	for (int i = 0; i < s.options.n_addresses; i++)
		listen_on(&s, i);
	printf("port %d\n", s.options.port);
	fflush(stdout);
	while (!is_ended) {
		int n = epoll_wait(s.epoll, events, 256, run_due(&s));

		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			if (c->is_listener)
				accept_all(&s, c->fd);
			else if (events[i].events & EPOLLOUT)
				(void)write_out(&s, c);
			else if (events[i].events & EPOLLIN)
				read_in(&s, c);
			else
				drop(&s, c, false);
		}
	}
	close_all(&s);
	return 0;
}
