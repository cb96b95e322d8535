/*
 * timestamp: time stamps (RFC 3161) of a text: a token in which an authority that is not us says,
 * signed, that it saw this SHA-256 at that time.
 *
 * `openssl ts` reads requests and tokens as they are here. A token counts when it is about the very
 * digest, its signature and certificate lead to one of the given authorities, and the certificate
 * is for time stamping; it goes on counting after its certificate has expired, since what it says
 * is that it was signed before.
 */
#ifndef ASSIZE_IO_TIMESTAMP_H
#define ASSIZE_IO_TIMESTAMP_H

#include <stddef.h>
#include <stdint.h>

#include "runner/io/digest.h"

struct arena;
struct err;

/* A TimeStampReq (DER) that asks for the certificate as well, with a nonce: it comes back. */
int timestamp_request(struct arena *a, const unsigned char digest[static SHA256_BYTES],
		      const unsigned char **out, size_t *n, struct err *e);
/*
 * Of a TimeStampResp (DER) to this request. ERR_MEASURE: it is none, the authority refused, or it
 * answers something else. *token is within the arena.
 */
int timestamp_response(struct arena *a, const void *response, size_t n, const void *request,
		       size_t n_request, const unsigned char **token, size_t *n_token,
		       struct err *e);
/* ca_file: PEM certificates to trust. *at_ms: the time it says. */
int timestamp_verify(const void *token, size_t n, const unsigned char digest[static SHA256_BYTES],
		     const char *ca_file, int64_t *at_ms, struct err *e);

#endif
