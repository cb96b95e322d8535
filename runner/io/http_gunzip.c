/*
 * RFC 1952, strictly: every member must end with a right checksum, and what follows a member must
 * be another one. libcurl's own decoder takes a stream that stops in the middle for a whole one.
 */
#define ZLIB_CONST /* zlib reads through pointers to const */
#include "runner/io/http_gunzip.h"

#include <stdlib.h>

#include <zlib.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"

#define PIECE_BYTES 32768
/* 15: the largest window; + 16: expect a gzip header */
#define WINDOW_BITS (15 + 16)

struct http_gunzip {
	z_stream z;
	bool is_ended;
	unsigned char out[PIECE_BYTES];
};

struct http_gunzip *http_gunzip_new(void)
{
	struct http_gunzip *g = xmalloc(sizeof(*g));

	g->z = (z_stream){0};
	g->is_ended = false;
	if (inflateInit2(&g->z, WINDOW_BITS) != Z_OK)
		oom(); /* the only reason it has with constant arguments */
	return g;
}

void http_gunzip_free(struct http_gunzip *g)
{
	if (g == NULL)
		return;
	(void)inflateEnd(&g->z); /* tells only that the stream was not at its end */
	free(g);
}

bool http_gunzip_is_ended(const struct http_gunzip *g)
{
	return g->is_ended;
}

/* Bytes behind the end of a member: only another member may stand there. */
static int begin_member(struct http_gunzip *g, struct err *e)
{
	if (g->z.next_in[0] != 0x1f)
		return err_set(e, ERR_MEASURE, "there are bytes behind the end of the gzip stream");
	if (inflateReset(&g->z) != Z_OK)
		oom(); /* an initialised stream can be reset */
	g->is_ended = false;
	return 0;
}

int http_gunzip_feed(struct http_gunzip *g, const char *p, size_t n,
		     int (*sink)(void *ctx, const char *p, size_t n, struct err *e), void *ctx,
		     struct err *e)
{
	g->z.next_in = (const Bytef *)p;
	g->z.avail_in = (uInt)n; /* one read of curl: far below 4 GiB */
	while (g->z.avail_in > 0) {
		int code;
		size_t made;

		if (g->is_ended && begin_member(g, e) != 0)
			return -1;
		do {
			g->z.next_out = g->out;
			g->z.avail_out = PIECE_BYTES;
			code = inflate(&g->z, Z_NO_FLUSH);
			made = PIECE_BYTES - g->z.avail_out;
			if (made > 0 && sink(ctx, (const char *)g->out, made, e) != 0)
				return -1;
		} while (code == Z_OK && g->z.avail_out == 0);
		if (code == Z_STREAM_END)
			g->is_ended = true;
		else if (code == Z_MEM_ERROR)
			oom();
		else if (code != Z_OK && code != Z_BUF_ERROR)
			return err_set(e, ERR_MEASURE, "the gzip stream is damaged: %s",
				       g->z.msg != NULL ? g->z.msg : "invalid data");
	}
	return 0;
}
