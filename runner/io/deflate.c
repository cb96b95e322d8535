/*
 * zlib at its fastest level: what is packed is rows on their way to a server, of which the second
 * level takes 8 % more away in twice the time.
 */
#define ZLIB_CONST /* zlib reads through pointers to const */
#include "runner/io/deflate.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/io/inflate.h"

#define LENGTH_BYTES 8

int deflate_pack(const void *p, size_t n, struct buf *out)
{
	unsigned char head[LENGTH_BYTES], *packed;
	uLongf size;
	int rc;

	if (n > INT_MAX)
		return -1;
	for (size_t i = 0; i < LENGTH_BYTES; i++)
		head[i] = (unsigned char)((uint64_t)n >> (8 * (LENGTH_BYTES - 1 - i)));
	size = compressBound((uLong)n);
	packed = xmalloc(size);
	if (compress2(packed, &size, p, (uLong)n, 1) != Z_OK)
		oom(); /* the only way it fails with room enough */
	rc = buf_add(out, head, sizeof(head)) == 0 ? buf_add(out, packed, size) : -1;
	free(packed);
	return rc;
}

int deflate_unpack(const void *p, size_t n, struct buf *out)
{
	const unsigned char *in = p;
	struct inflater *f;
	uint64_t length = 0;
	char *raw;
	int rc;

	if (n < LENGTH_BYTES)
		return -1;
	for (size_t i = 0; i < LENGTH_BYTES; i++)
		length = length << 8 | in[i];
	if (length > INT_MAX || length > out->ceiling_bytes)
		return -1;
	raw = xmalloc((size_t)length + 1);
	f = inflater_new();
	rc = inflater_run(f, in + LENGTH_BYTES, n - LENGTH_BYTES, raw, (size_t)length);
	inflater_free(f);
	if (rc == 0)
		rc = buf_add(out, raw, (size_t)length);
	free(raw);
	return rc;
}
