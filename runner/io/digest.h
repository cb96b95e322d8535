/*
 * digest: SHA-256 (FIPS 180-4) through libcrypto, the only door to it.
 *
 * struct sha256 is on the caller's storage: nothing is allocated, a copy goes its own way. Results
 * are 32 bytes; hex is lower case, 64 characters and NUL.
 *
 * SHA-1, SHA-384 and CRC-32 are here because others keep them in their books (migration tools);
 * assize itself signs and compares with SHA-256 only.
 */
#ifndef ASSIZE_IO_DIGEST_H
#define ASSIZE_IO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct err;

#define SHA256_BYTES 32
#define SHA256_HEX   65

struct sha256 {
	uint64_t state[14]; /* libcrypto's */
};

void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *p, size_t n);
void sha256_final(struct sha256 *h, unsigned char out[static SHA256_BYTES]);
/* The digest of what was added so far; more may be added. */
void sha256_peek(const struct sha256 *h, unsigned char out[static SHA256_BYTES]);

void sha256_of(const void *p, size_t n, unsigned char out[static SHA256_BYTES]);
void sha256_hex(const unsigned char digest[static SHA256_BYTES], char out[static SHA256_HEX]);
/* -1 unless exactly 64 hex digits. */
int sha256_from_hex(const char *hex, size_t n, unsigned char out[static SHA256_BYTES]);

/* Whole file, read sequentially with readahead; a file that changes size while read is an error. */
int sha256_file(int fd, int64_t deadline_ms, unsigned char out[static SHA256_BYTES],
		int64_t *size_bytes, struct err *e);

#define SHA1_BYTES   20
#define SHA384_BYTES 48

void sha1_of(const void *p, size_t n, unsigned char out[static SHA1_BYTES]);
void sha384_of(const void *p, size_t n, unsigned char out[static SHA384_BYTES]);

/* CRC-32 of ISO 3309 (zlib, gzip, PNG), continued from crc; begin with 0. */
uint32_t crc32_add(uint32_t crc, const void *p, size_t n);

#endif
