/*
 * sign: Ed25519 (RFC 8032) through libcrypto: the key that vouches for a record and its decisions.
 * Verifying is digest_verify's.
 *
 * A private key lives in a file of its own, PEM (PKCS#8, RFC 5958), mode 0600: `openssl pkey` reads
 * it. It is never in a record, a report, a message or on a command line. A file that others may
 * read is refused, because a key that others may have read vouches for nothing.
 */
#ifndef ASSIZE_IO_SIGN_H
#define ASSIZE_IO_SIGN_H

#include <stddef.h>

struct err;
struct sign_key;

#define SIGN_PUBLIC_BYTES    32
#define SIGN_SIGNATURE_BYTES 64

/*
 * Before there are threads: OpenSSL asks the terminal, else standard input, for the pass phrase of
 * a private key, ours or one of a client library, and waits for as long as it takes. From now on it
 * asks nobody, and such a key cannot be read.
 */
void sign_ask_nobody(void);

/* Makes a key and its file, which must not be there yet. */
int sign_key_make(const char *path, struct err *e);
/* Owned by the caller. */
int sign_key_load(const char *path, struct sign_key **out, struct err *e);
/* From the PEM itself, as a CI system's secret store gives it in an environment variable. */
int sign_key_parse(const char *pem, size_t n, struct sign_key **out, struct err *e);
/*
 * For a key that is in the environment: from now on other processes of this user cannot read this
 * one's memory or environment, unless they have capabilities, and it leaves no core file.
 */
void sign_guard_process(void);
void sign_key_free(struct sign_key *k);

void sign_key_public(const struct sign_key *k, unsigned char out[static SIGN_PUBLIC_BYTES]);
int sign_message(const struct sign_key *k, const void *p, size_t n,
		 unsigned char out[static SIGN_SIGNATURE_BYTES], struct err *e);
#endif
