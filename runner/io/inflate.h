/*
 * inflate: zlib streams (RFC 1950) whose inflated size is known before.
 *
 * libdeflate does it where it was found at build time and can be loaded, 2.3 times as fast as zlib;
 * zlib does it everywhere else, with the same results. Output never exceeds the size the caller
 * gives, whatever the stream claims. One inflater a thread.
 */
#ifndef ASSIZE_IO_INFLATE_H
#define ASSIZE_IO_INFLATE_H

#include <stddef.h>

struct inflater;

/* Owned by the caller. */
struct inflater *inflater_new(void);
void inflater_free(struct inflater *f); /* NULL is allowed */

/*
 * The stream that begins at `in` into exactly n_out bytes. Bytes after its end are not looked at:
 * n_in may be more than the stream has. -1: no such stream, or it does not have that size.
 */
int inflater_run(struct inflater *f, const void *in, size_t n_in, void *out, size_t n_out);

/* Its first bytes, at most n_out; *got says how many. -1: it is no stream, or needs more input. */
int inflater_head(struct inflater *f, const void *in, size_t n_in, void *out, size_t n_out,
		  size_t *got);

#endif
