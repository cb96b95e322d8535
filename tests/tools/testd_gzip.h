/*
 * testd_gzip: compressed bodies for testd, true ones and bombs; and how testd ends when it cannot
 * go on.
 *
 * Private to testd.c, which damages what comes from here.
 */
#ifndef ASSIZE_TESTS_TOOLS_TESTD_GZIP_H
#define ASSIZE_TESTS_TOOLS_TESTD_GZIP_H

#define ZLIB_CONST /* zlib reads through pointers to const */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "testd: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *allocate(size_t n)
{
	void *p = calloc(1, n);

	if (p == NULL)
		die("memory");
	return p;
}

/* zeros: that many zero bytes after the text, a bomb. */
static char *gzip(const char *text, size_t n, long zeros, size_t *out_n)
{
	static const char block[65536];
	size_t room = n + (size_t)zeros / 100 + 4096;
	char *out = allocate(room);
	z_stream z = {0};

	if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		die("zlib");
	z.next_in = (const Bytef *)text;
	z.avail_in = (uInt)n;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)room;
	deflate(&z, Z_NO_FLUSH);
	for (; zeros > 0; zeros -= (long)sizeof(block)) {
		z.next_in = (const Bytef *)block;
		z.avail_in = sizeof(block);
		deflate(&z, Z_NO_FLUSH);
	}
	deflate(&z, Z_FINISH);
	*out_n = room - z.avail_out;
	deflateEnd(&z);
	return out;
}

#endif
