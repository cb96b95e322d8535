/*
 * oci_auth: what a registry asks for before it answers (WWW-Authenticate, RFC 9110 and the token
 * authentication of the distribution project), without sockets.
 */
#ifndef ASSIZE_AUDITS_OCI_AUTH_H
#define ASSIZE_AUDITS_OCI_AUTH_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

struct oci_challenge {
	bool is_bearer;			     /* else Basic */
	const char *realm, *service, *scope; /* NULL = not said */
};

/* Of a header's value. false: neither Bearer with a realm nor Basic, or malformed. */
bool oci_challenge_parse(struct arena *a, const char *value, struct oci_challenge *out);

/* The URL to get a token from, service and scope percent-encoded. */
const char *oci_token_url(struct arena *a, const struct oci_challenge *c);

/* "Basic ..." of a user and a password. */
const char *oci_basic(struct arena *a, const char *user, const char *password);

/* "Bearer ..." out of a token server's answer; NULL with e when it has none. */
const char *oci_bearer(struct arena *a, const char *json, size_t n, struct err *e);

#endif
