/*
 * epoll_twin FILE: what a thousand answers cost without everything that assize is: for each
 * "ADDRESS PORT" of the file a connection, one request, the answer read (it comes in one piece),
 * all at once, by one thread and epoll. Exit status 0 when every answer began "HTTP/1.1 200".
 */
#define _GNU_SOURCE /* SOCK_NONBLOCK */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_HOSTS 4096

struct host {
	int fd;
	bool is_sent, is_good;
	size_t n_read;
};

static const char request[] = "GET / HTTP/1.1\r\nHost: twin\r\nConnection: close\r\n\r\n";

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void open_host(struct host *h, int epoll, const char *address, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = h};

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		die(address);
	h->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (h->fd < 0)
		die("socket");
	if (connect(h->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS)
		die("connect");
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, h->fd, &ev) != 0)
		die("epoll_ctl");
}

/* false: the host is done. */
static bool serve(struct host *h, uint32_t events)
{
	char bytes[4096];
	ssize_t n;

	if (!h->is_sent && (events & EPOLLOUT)) {
		if (write(h->fd, request, sizeof(request) - 1) != (ssize_t)sizeof(request) - 1)
			die("write");
		h->is_sent = true;
	}
	while ((n = read(h->fd, bytes, sizeof(bytes))) > 0) {
		if (h->n_read == 0)
			h->is_good = n > 12 && memcmp(bytes, "HTTP/1.1 200", 12) == 0;
		h->n_read += (size_t)n;
	}
	if (n < 0 && errno == EAGAIN && h->n_read == 0)
		return true;
	if (n < 0 && errno != EAGAIN)
		die("read");
	(void)close(h->fd); /* what was to be read was read */
	return false;
}

int main(int argc, char **argv)
{
	struct host *hosts = calloc(MAX_HOSTS, sizeof(*hosts));
	struct rlimit files = {.rlim_cur = 0};
	struct epoll_event events[256];
	size_t n_hosts = 0, n_left;
	char address[64];
	unsigned port;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	FILE *list = argc == 2 ? fopen(argv[1], "r") : NULL;

	if (list == NULL || epoll < 0 || hosts == NULL)
		die("epoll_twin FILE");
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files); /* socket() tells when it was too little */
	}
	while (n_hosts < MAX_HOSTS && fscanf(list, "%63s %u", address, &port) == 2)
		open_host(&hosts[n_hosts++], epoll, address, (uint16_t)port);
	(void)fclose(list); /* only read from */
	for (n_left = n_hosts; n_left > 0;) {
		int n = epoll_wait(epoll, events, 256, -1);

		for (int i = 0; i < n; i++)
			n_left -= !serve(events[i].data.ptr, events[i].events);
	}
	for (size_t i = 0; i < n_hosts; i++)
		if (!hosts[i].is_good)
			return 1;
	return n_hosts == 0;
}
