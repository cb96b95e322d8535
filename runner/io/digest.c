/*
 * digest: SHA-256 by libcrypto's plain functions. EVP, which is to be used instead since OpenSSL 3,
 * makes a context anew for every text, at twice the price of hashing 200 bytes: a ledger is
 * millions of such texts. What computes is the same code.
 */
#define OPENSSL_API_COMPAT 0x10100000L

#include "runner/io/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <zlib.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"

/* Fits the second-level cache; larger reads were not faster. */
#define READ_BYTES (256 * 1024)

static SHA256_CTX *context(struct sha256 *h)
{
	_Static_assert(sizeof(SHA256_CTX) <= sizeof(h->state), "the state does not fit");
	return (SHA256_CTX *)h->state;
}

/* These fail only for a caller's mistake, but a hash that was not made must never be used. */

void sha256_init(struct sha256 *h)
{
	if (!SHA256_Init(context(h)))
		abort();
}

void sha256_add(struct sha256 *h, const void *p, size_t n)
{
	if (!SHA256_Update(context(h), p, n))
		abort();
}

void sha256_final(struct sha256 *h, unsigned char out[static SHA256_BYTES])
{
	if (!SHA256_Final(out, context(h)))
		abort();
}

void sha256_peek(const struct sha256 *h, unsigned char out[static SHA256_BYTES])
{
	struct sha256 copy = *h;

	sha256_final(&copy, out);
}

void sha256_of(const void *p, size_t n, unsigned char out[static SHA256_BYTES])
{
	struct sha256 h;

	sha256_init(&h);
	sha256_add(&h, p, n);
	sha256_final(&h, out);
}

void sha256_hex(const unsigned char digest[static SHA256_BYTES], char out[static SHA256_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_BYTES; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[2 * SHA256_BYTES] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int sha256_from_hex(const char *hex, size_t n, unsigned char out[static SHA256_BYTES])
{
	unsigned char bytes[SHA256_BYTES];

	if (n != 2 * SHA256_BYTES)
		return -1;
	for (size_t i = 0; i < SHA256_BYTES; i++) {
		int high = hex_value(hex[2 * i]);
		int low = hex_value(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		bytes[i] = (unsigned char)(high * 16 + low);
	}
	memcpy(out, bytes, sizeof(bytes));
	return 0;
}

static bool is_same_content(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Adds everything up to the end of fd; *n is what was added. */
static int add_all(struct sha256 *h, int fd, char *block, int64_t deadline_ms, int64_t *n,
		   struct err *e)
{
	struct clock clock = clock_system();

	for (*n = 0;;) {
		ssize_t got = read(fd, block, READ_BYTES);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(e, ERR_MEASURE, "could not read: %s", strerror(errno));
		if (got == 0)
			return 0;
		sha256_add(h, block, (size_t)got);
		*n += got;
		if (clock_monotonic_ms(&clock) > deadline_ms)
			return err_set(e, ERR_MEASURE,
				       "could not read to the end in time: %lld bytes digested",
				       (long long)*n);
	}
}

int sha256_file(int fd, int64_t deadline_ms, unsigned char out[static SHA256_BYTES],
		int64_t *size_bytes, struct err *e)
{
	struct stat before, after;
	struct sha256 h;
	int64_t n;

	if (fstat(fd, &before) < 0)
		return err_set(e, ERR_MEASURE, "could not stat: %s", strerror(errno));
	/* Advice only: a file system may ignore it. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);

	char *block = xmalloc(READ_BYTES);
	sha256_init(&h);
	int rc = add_all(&h, fd, block, deadline_ms, &n, e);
	free(block);
	if (rc == 0 && fstat(fd, &after) < 0)
		rc = err_set(e, ERR_MEASURE, "could not stat: %s", strerror(errno));
	if (rc == 0 && (n != before.st_size || !is_same_content(&before, &after)))
		rc = err_set(e, ERR_MEASURE,
			     "changed while it was read: %lld bytes announced, %lld read",
			     (long long)before.st_size, (long long)n);
	if (rc < 0)
		return -1;
	sha256_final(&h, out);
	*size_bytes = n;
	return 0;
}

static void digest_of(const EVP_MD *type, const void *p, size_t n, unsigned char *out)
{
	/* Fails without memory, or when this libcrypto was built without the algorithm. */
	if (!EVP_Digest(p, n, out, NULL, type, NULL))
		abort();
}

void sha1_of(const void *p, size_t n, unsigned char out[static SHA1_BYTES])
{
	digest_of(EVP_sha1(), p, n, out);
}

void sha384_of(const void *p, size_t n, unsigned char out[static SHA384_BYTES])
{
	digest_of(EVP_sha384(), p, n, out);
}

uint32_t crc32_add(uint32_t crc, const void *p, size_t n)
{
	return (uint32_t)crc32_z(crc, p, n);
}
