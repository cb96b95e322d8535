/*
 * tls: looks at a TLS server without believing it, the door to libssl.
 *
 * The handshake is made whatever the certificates are; whether they would be trusted is one of the
 * facts, with the library's reason. Old protocols and weak keys are let through as well, because to
 * see them is the point; weak keys and digests in the chain count as not trusted. Nothing is sent
 * or read beyond the handshake.
 */
#ifndef ASSIZE_IO_TLS_H
#define ASSIZE_IO_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct net_wait;

struct tls_question {
	const char *name;    /* whom the certificate must be for; sent (SNI) unless an address */
	const char *ca_file; /* PEM bundle in place of the system's; NULL = system */
	int64_t now_ms;	     /* Unix time at which certificates must hold */
};

struct tls_certificate {
	const char *subject, *issuer;
	double days_left; /* negative: expired */
	bool is_sent;	  /* by the server; else it is our own, found while the chain was built */
};

/* Everything is in the arena. */
struct tls_facts {
	const char *protocol, *cipher; /* "TLSv1.3", "TLS_AES_256_GCM_SHA384" */
	const char *names; /* DNS names and addresses of the certificate, sorted; NULL = > 64 KiB */
	const char *key_type; /* "RSA", "EC", .. */
	int key_bits;
	bool is_verified;
	const char *verify_reason; /* "" when verified */
	struct tls_certificate *chain;
	size_t n_chain; /* the server's own first; at least 1 */
	double handshake_s;
};

/* Makes the handshake on a connected, non-blocking socket, which stays the caller's. */
int tls_look(struct arena *a, int fd, const struct tls_question *question,
	     const struct net_wait *wait, struct tls_facts *out, struct err *e);

#endif
