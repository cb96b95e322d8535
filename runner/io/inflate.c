/*
 * inflate: libdeflate for whole streams, zlib for their beginnings.
 *
 * libdeflate takes the whole input and gives the whole output, which is what makes it fast and what
 * makes it useless for a beginning. It is loaded, not linked: few runs of the program need it.
 */
#define ZLIB_CONST /* zlib reads through pointers to const */
#include "runner/io/inflate.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#ifdef ASSIZE_DEFLATE
#include <libdeflate.h>
#endif

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/library.h"

struct inflater {
	z_stream zlib;
	bool is_zlib_ready;
	void *fast; /* of libdeflate, NULL = zlib does everything */
};

#ifdef ASSIZE_DEFLATE

/* Written once, before anybody reads it. */
static struct {
	pthread_once_t once;
	struct libdeflate_decompressor *(*alloc)(void);
	enum libdeflate_result (*run)(struct libdeflate_decompressor *, const void *, size_t,
				      void *, size_t, size_t *);
	void (*free)(struct libdeflate_decompressor *);
	bool is_here;
} library = {.once = PTHREAD_ONCE_INIT};

static void load(void)
{
	const struct library_symbol symbols[] = {
		{"libdeflate_alloc_decompressor", &library.alloc},
		{"libdeflate_zlib_decompress", &library.run},
		{"libdeflate_free_decompressor", &library.free},
	};
	struct err e = {0};

	/* Why it is not here is nobody's trouble: zlib takes its place. */
	library.is_here = library_load("libdeflate.so.0", "deflate", "libdeflate0", symbols,
				       sizeof(symbols) / sizeof(*symbols), &e) == 0;
}

static void *fast_new(void)
{
	(void)pthread_once(&library.once, load); /* fails only when misused */
	return library.is_here ? library.alloc() : NULL;
}

static int fast_run(void *fast, const void *in, size_t n_in, void *out, size_t n_out)
{
	/* Without a place for the size found, another one is an error. */
	return library.run(fast, in, n_in, out, n_out, NULL) == LIBDEFLATE_SUCCESS ? 0 : -1;
}

static void fast_free(void *fast)
{
	if (fast)
		library.free(fast);
}

#else

static void *fast_new(void)
{
	return NULL;
}

static int fast_run(void *fast, const void *in, size_t n_in, void *out, size_t n_out)
{
	(void)fast, (void)in, (void)n_in, (void)out, (void)n_out;
	return -1;
}

static void fast_free(void *fast)
{
	(void)fast;
}

#endif

struct inflater *inflater_new(void)
{
	struct inflater *f = xmalloc(sizeof(*f));

	*f = (struct inflater){.fast = fast_new()};
	return f;
}

void inflater_free(struct inflater *f)
{
	if (!f)
		return;
	if (f->is_zlib_ready)
		(void)inflateEnd(&f->zlib); /* reports only misuse */
	fast_free(f->fast);
	free(f);
}

/* zlib, set to the beginning of a stream; its counters hold less than size_t. */
static int begin(struct inflater *f, const void *in, size_t n_in, void *out, size_t n_out)
{
	int rc;

	if (n_in > UINT_MAX || n_out > UINT_MAX)
		return -1;
	rc = f->is_zlib_ready ? inflateReset(&f->zlib) : inflateInit(&f->zlib);
	if (rc != Z_OK)
		return -1;
	f->is_zlib_ready = true;
	f->zlib.next_in = in;
	f->zlib.avail_in = (uInt)n_in;
	f->zlib.next_out = out;
	f->zlib.avail_out = (uInt)n_out;
	return 0;
}

int inflater_run(struct inflater *f, const void *in, size_t n_in, void *out, size_t n_out)
{
	unsigned char extra; /* room to notice a byte too many; zlib wants some in any case */

	if (f->fast)
		return fast_run(f->fast, in, n_in, out, n_out);
	if (begin(f, in, n_in, out, n_out) < 0)
		return -1;
	if (n_out > 0 && inflate(&f->zlib, Z_NO_FLUSH) == Z_STREAM_END)
		return f->zlib.avail_out == 0 ? 0 : -1;
	if (f->zlib.avail_out > 0)
		return -1;
	/* All bytes are there; the end of the stream and its checksum may not have been read. */
	f->zlib.next_out = &extra;
	f->zlib.avail_out = 1;
	return inflate(&f->zlib, Z_NO_FLUSH) == Z_STREAM_END && f->zlib.avail_out == 1 ? 0 : -1;
}

int inflater_head(struct inflater *f, const void *in, size_t n_in, void *out, size_t n_out,
		  size_t *got)
{
	int rc;

	if (begin(f, in, n_in, out, n_out) < 0)
		return -1;
	rc = inflate(&f->zlib, Z_NO_FLUSH);
	if (rc != Z_STREAM_END && !(rc == Z_OK && f->zlib.avail_out == 0))
		return -1;
	*got = n_out - f->zlib.avail_out;
	return 0;
}
