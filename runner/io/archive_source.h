/*
 * archive_source: the bytes of an archive without their compression. Private to
 * runner/io/archive*.c.
 *
 * What is not compressed is read directly and can be read at any place; what is compressed is
 * unpacked on a thread, a few blocks ahead of the reader. Owns its blocks and its thread, borrows
 * the descriptor.
 */
#ifndef ASSIZE_IO_ARCHIVE_SOURCE_H
#define ASSIZE_IO_ARCHIVE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive_api;
struct archive_source;
struct err;

/* At most max_bytes come out of it, until deadline_ms. */
int archive_source_open(const struct archive_api *api, int fd, int64_t max_bytes,
			int64_t deadline_ms, struct archive_source **out, struct err *e);
void archive_source_close(struct archive_source *s); /* also in the middle; NULL is allowed */

bool archive_source_is_seekable(const struct archive_source *s);
int64_t archive_source_size(const struct archive_source *s); /* of the file */
/* Only when seekable. */
void archive_source_seek(struct archive_source *s, int64_t position);
int64_t archive_source_position(const struct archive_source *s); /* unpacked */

/* The next bytes, valid until a call that gives others; 0 at the end, -1 with e. */
int64_t archive_source_read(struct archive_source *s, const void **p, struct err *e);
/* Once the end was read: compressed bytes behind it that are neither padding nor a stream. */
int64_t archive_source_extra(const struct archive_source *s);

#endif
