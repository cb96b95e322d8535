/*
 * dns: asks one name server, by UDP and, when the answer is cut, by TCP.
 *
 * Nothing of the machine's resolver is in between: no hosts file, no search domains, no cache of
 * its own. A lost packet is sent again within the deadline.
 */
#ifndef ASSIZE_IO_DNS_H
#define ASSIZE_IO_DNS_H

#include "runner/io/dns_message.h"

struct net_place;
struct net_wait;

/* The first name server of the file (/etc/resolv.conf), port 53. */
int dns_first_server(struct arena *a, const char *file, struct net_place *out, struct err *e);

/* server's host is an address. q->id is set here. */
int dns_ask(struct arena *a, const struct net_place *server, struct dns_question *q,
	    const struct net_wait *wait, struct dns_answer *out, struct err *e);

#endif
