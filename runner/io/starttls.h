/*
 * starttls: the few words before TLS, for protocols that begin without it.
 *
 *	smtp      RFC 3207: greeting, EHLO, STARTTLS must be offered, STARTTLS
 *	imap      RFC 9051, 6.2.1: greeting, STARTTLS
 *	pop3      RFC 2595: greeting, STLS
 *	postgres  SSLRequest and a letter, as libpq does it
 *	ldap      RFC 4511, 4.14: an extended request
 *
 * The server's words are bounded: STARTTLS_MAX_BYTES in all. What it sends beyond its consent is an
 * error: somebody between could have put it there, to be taken for something said inside of TLS
 * (CVE-2011-0411). Errors are ERR_MEASURE and quote what the server said.
 */
#ifndef ASSIZE_IO_STARTTLS_H
#define ASSIZE_IO_STARTTLS_H

struct arena;
struct err;
struct net_wait;

#define STARTTLS_MAX_BYTES (16 * 1024)

enum starttls {
	STARTTLS_NONE,
	STARTTLS_SMTP,
	STARTTLS_IMAP,
	STARTTLS_POP3,
	STARTTLS_POSTGRES,
	STARTTLS_LDAP
};

/* In the order of the enum, NULL behind the last one. */
extern const char *const starttls_names[];
/* Where such a server is found; 443 without. */
const char *starttls_port(enum starttls how);

/* Talks on a connected, non-blocking socket until the TLS handshake may begin. */
int starttls_ask(struct arena *a, int fd, enum starttls how, const struct net_wait *wait,
		 struct err *e);

#endif
