/*
 * The socket is connected, so that the kernel drops what others send and tells when nobody listens.
 */
#define _GNU_SOURCE /* SOCK_NONBLOCK, SOCK_CLOEXEC */
#include "runner/io/dns.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/net.h"

#define N_TRIES	   3
#define MAX_ASKED  512
#define LINE_BYTES 512

int dns_first_server(struct arena *a, const char *file, struct net_place *out, struct err *e)
{
	FILE *f = fopen(file, "re");
	char line[LINE_BYTES], address[64];
	bool is_found = false;

	if (f == NULL)
		return err_set(e, ERR_MEASURE, "could not open \"%s\": %s", file, strerror(errno));
	while (!is_found && fgets(line, sizeof(line), f) != NULL)
		is_found = sscanf(line, "nameserver %63s", address) == 1 && net_is_address(address);
	(void)fclose(f); /* only read */
	if (!is_found)
		return err_set(e, ERR_MEASURE, "there is no name server in \"%s\"", file);
	*out = (struct net_place){.host = arena_strdup(a, address), .port = "53"};
	return 0;
}

static int open_udp(const struct net_place *server, int *fd, struct err *e)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
				       .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	int s, code = getaddrinfo(server->host, server->port, &hints, &found);

	if (code != 0)
		return err_set(e, ERR_MEASURE, "cannot use the name server \"%s\": %s",
			       server->host, gai_strerror(code));
	s = socket(found->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s >= 0 && connect(s, found->ai_addr, found->ai_addrlen) == 0) {
		freeaddrinfo(found);
		*fd = s;
		return 0;
	}
	(void)err_set(e, ERR_MEASURE, "could not reach the name server: %s", strerror(errno));
	if (s >= 0)
		(void)close(s); /* nothing was sent */
	freeaddrinfo(found);
	return -1;
}

/* Reads packets until one answers the question. 1: the time of this try is over. */
static int receive(struct arena *a, int fd, const struct dns_question *q,
		   const struct net_wait *wait, struct dns_answer *out, struct err *e)
{
	unsigned char *packet = arena_alloc(a, DNS_MAX_BYTES);

	for (;;) {
		ssize_t n;
		int rc;

		/* Before every packet, so that no flood of others' outlasts the deadline. */
		if (net_wait_for(fd, false, wait, "waiting for the name server", e) != 0)
			return 1;
		n = recv(fd, packet, DNS_MAX_BYTES, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return err_set(e, ERR_MEASURE, "could not reach the name server: %s",
				       strerror(errno));
		rc = dns_answer_read(a, packet, (size_t)n, q, out, e);
		if (rc <= 0)
			return rc;
	}
}

static int ask_udp(struct arena *a, const struct net_place *server, const struct dns_question *q,
		   const struct net_wait *wait, struct dns_answer *out, struct err *e)
{
	struct buf asked;
	int fd = -1, rc = 1;

	if (open_udp(server, &fd, e) != 0)
		return -1;
	buf_init(&asked, MAX_ASKED);
	dns_question_write(&asked, q);
	for (int i = 0; i < N_TRIES && rc > 0; i++) {
		struct net_wait share = *wait;
		int64_t now_ms = clock_monotonic_ms(wait->clock);

		share.deadline_ms = now_ms + (wait->deadline_ms - now_ms) / (N_TRIES - i);
		rc = net_send(fd, asked.data, asked.len, &share, e);
		if (rc == 0)
			rc = receive(a, fd, q, &share, out, e);
	}
	buf_release(&asked);
	(void)close(fd); /* everything was read */
	return rc == 0 ? 0 : -1;
}

static int read_stream(int fd, struct buf *in, const struct net_wait *wait, struct err *e)
{
	for (;;) {
		const unsigned char *p = (const unsigned char *)in->data;
		long n;

		if (in->len >= 2 && in->len >= 2U + ((size_t)p[0] << 8 | p[1]))
			return 0;
		n = net_read(fd, in, wait, e);
		if (n < 0)
			return -1;
		if (n == 0)
			return err_set(e, ERR_MEASURE,
				       "the name server closed in the middle of its answer");
	}
}

static int ask_tcp(struct arena *a, const struct net_place *server, const struct dns_question *q,
		   const struct net_wait *wait, struct dns_answer *out, struct err *e)
{
	struct net_connected c;
	struct buf message, in;
	char length[2];
	int rc;

	if (net_connect(a, server, wait, &c, e) != 0)
		return err_context(e, "the answer was cut, by TCP");
	if (c.fd < 0)
		return err_set(e, ERR_MEASURE, "the answer was cut, and TCP is refused");
	buf_init(&message, MAX_ASKED);
	buf_init(&in, DNS_MAX_BYTES + 2);
	dns_question_write(&message, q);
	length[0] = (char)(message.len >> 8);
	length[1] = (char)(message.len & 0xff);
	rc = net_send(c.fd, length, 2, wait, e);
	if (rc == 0)
		rc = net_send(c.fd, message.data, message.len, wait, e);
	if (rc == 0)
		rc = read_stream(c.fd, &in, wait, e);
	if (rc == 0)
		rc = dns_answer_read(a, (const unsigned char *)in.data + 2, in.len - 2, q, out, e);
	if (rc > 0 || (rc == 0 && out->is_truncated))
		rc = err_set(e, ERR_MEASURE, "the answer by TCP is cut, or to another question");
	(void)close(c.fd); /* everything was read */
	buf_release(&message);
	buf_release(&in);
	return rc;
}

int dns_ask(struct arena *a, const struct net_place *server, struct dns_question *q,
	    const struct net_wait *wait, struct dns_answer *out, struct err *e)
{
	/* Not to be guessed from outside; without random bytes it is as good as any other. */
	if (getrandom(&q->id, sizeof(q->id), GRND_NONBLOCK) != (ssize_t)sizeof(q->id))
		q->id = (uint16_t)(clock_monotonic_us(wait->clock) & 0xffff);
	if (ask_udp(a, server, q, wait, out, e) != 0)
		return -1;
	return out->is_truncated ? ask_tcp(a, server, q, wait, out, e) : 0;
}
