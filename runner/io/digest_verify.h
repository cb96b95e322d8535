/*
 * digest_verify: public key signatures through libcrypto, verified and never made.
 *
 * A verification answers true or false; a key that is no key (a point off its curve, an RSA modulus
 * of nothing) is false like a signature that does not fit. Numbers are big-endian, without sign.
 *
 * Sources: RFC 8032 (Ed25519), FIPS 186-5 (ECDSA), RFC 8017 (RSASSA-PKCS1-v1_5), RFC 7693
 * (BLAKE2b).
 */
#ifndef ASSIZE_IO_DIGEST_VERIFY_H
#define ASSIZE_IO_DIGEST_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum digest_type { DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512, DIGEST_BLAKE2B512 };
#define DIGEST_MAX_BYTES 64

size_t digest_size(enum digest_type type);

/* A whole file; one that changes size while it is read is an error. */
int digest_file(enum digest_type type, int fd, int64_t deadline_ms,
		unsigned char out[static DIGEST_MAX_BYTES], struct err *e);
void digest_of(enum digest_type type, const void *p, size_t n,
	       unsigned char out[static DIGEST_MAX_BYTES]);

struct bytes {
	const unsigned char *p;
	size_t n;
};

/* key of 32 bytes, signature of 64. */
bool verify_ed25519(struct bytes key, struct bytes signature, struct bytes message);
/* curve "P-256", "P-384", "P-521"; point uncompressed. */
bool verify_ecdsa(const char *curve, struct bytes point, struct bytes r, struct bytes s,
		  enum digest_type type, struct bytes message);
bool verify_rsa(struct bytes modulus, struct bytes exponent, struct bytes signature,
		enum digest_type type, struct bytes message);

#endif
