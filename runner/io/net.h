/*
 * net: TCP connections that keep a deadline, the looking up of names included.
 *
 * Sockets are non-blocking; every wait ends at the deadline of the monotonic clock and, within
 * 100 ms, when the run was interrupted. Errors are ERR_MEASURE.
 */
#ifndef ASSIZE_IO_NET_H
#define ASSIZE_IO_NET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct clock;
struct err;

struct net_wait {
	const struct clock *clock;
	int64_t deadline_ms;
	const atomic_bool *is_cancelled; /* NULL = never */
};

struct net_place {
	const char *host; /* name, IPv4 or IPv6 address without brackets */
	const char *port; /* 1 to 65535 */
};

/* "host:port", "[2001:db8::1]:port"; default_port NULL: it must be there. e: ERR_DEFINITION. */
int net_place_parse(struct arena *a, const char *text, const char *default_port,
		    struct net_place *out, struct err *e);
/* Is host an address, not a name? */
bool net_is_address(const char *host);

struct net_connected {
	int fd; /* the caller's, to close; -1 = refused by every address */
	double lookup_s, connect_s;
	const char *address; /* "192.0.2.1:443", of fd; in the arena */
	const char *tried; /* what every address tried said, a line each; "" = the first took it */
};

/*
 * Tries the addresses of the host in the resolver's order, each with its share of the time. That
 * all refuse is an answer (fd -1); -1 when the name is not known or nothing came of the others.
 */
int net_connect(struct arena *a, const struct net_place *place, const struct net_wait *wait,
		struct net_connected *out, struct err *e);

/* Until fd can be read (or written); -1: the time is over, e says "timed out WHAT". */
int net_wait_for(int fd, bool to_write, const struct net_wait *wait, const char *what,
		 struct err *e);
/* Sends all of it. */
int net_send(int fd, const void *data, size_t n, const struct net_wait *wait, struct err *e);
/*
 * Reads once: bytes appended to out, 0 = the peer has closed, -1 = failed. out's ceiling bounds the
 * amount; a full one is an error.
 */
long net_read(int fd, struct buf *out, const struct net_wait *wait, struct err *e);

#endif
