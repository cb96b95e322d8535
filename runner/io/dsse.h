/*
 * dsse: signed statements (DSSE 1.0), alone or in a Sigstore bundle 0.3.
 *
 * What is signed is the type and the payload, each with its length (PAE), so that neither can be
 * taken for the other and nothing has to be put in a canonical form. The key is Ed25519. There is
 * one signature: an envelope with two says that somebody else vouches, too, and a bundle may not
 * have them. A key is hinted at by the SHA-256 of its public half as `openssl pkey -pubout
 * -outform DER` writes it (SubjectPublicKeyInfo, RFC 8410), in hexadecimal.
 *
 * Sources: github.com/secure-systems-lab/dsse (protocol.md, envelope.md),
 * github.com/sigstore/protobuf-specs (sigstore_bundle.proto).
 */
#ifndef ASSIZE_IO_DSSE_H
#define ASSIZE_IO_DSSE_H

#include <stddef.h>

#include "runner/io/sign.h"

struct arena;
struct err;

#define DSSE_IN_TOTO   "application/vnd.in-toto+json"
#define DSSE_MAX_BYTES ((size_t)64 << 20)

enum dsse_form { DSSE_ENVELOPE, DSSE_BUNDLE };

/* *out: JSON with a newline at its end. */
int dsse_sign(struct arena *a, enum dsse_form form, const char *type, const char *payload, size_t n,
	      const struct sign_key *key, const char **out, struct err *e);

/* What was signed. */
struct dsse {
	const char *payload; /* NUL terminated behind n */
	size_t n;
};

/*
 * Verifies an envelope or a bundle, whichever it is. base64 is taken in the standard and in the URL
 * alphabet, as the specification asks, of one reading each. ERR_MEASURE: why it is not a statement
 * of that type by that key.
 */
int dsse_verify(struct arena *a, const char *text, size_t n, const char *type,
		const unsigned char public[static SIGN_PUBLIC_BYTES], struct dsse *out,
		struct err *e);

/* The key of a PEM file ("BEGIN PUBLIC KEY"), as `openssl pkey -pubout` writes it. */
int dsse_public_key(struct arena *a, const char *pem, size_t n,
		    unsigned char out[static SIGN_PUBLIC_BYTES], struct err *e);

#endif
