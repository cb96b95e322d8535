/*
 * The kernel gives up to 256 bytes at once or fails; it never gives fewer.
 */
#define _GNU_SOURCE /* getrandom */
#include "runner/io/random.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"

#define MAX_BYTES 64

int random_hex(struct arena *a, size_t n_bytes, const char **out, struct err *e)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[MAX_BYTES];
	char *hex;

	assert(n_bytes <= MAX_BYTES);
	if (getrandom(bytes, n_bytes, 0) != (ssize_t)n_bytes)
		return err_set(e, ERR_INTERNAL, "could not get random bytes: %s", strerror(errno));
	hex = arena_alloc(a, 2 * n_bytes + 1);
	for (size_t i = 0; i < n_bytes; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * n_bytes] = '\0';
	*out = hex;
	return 0;
}
