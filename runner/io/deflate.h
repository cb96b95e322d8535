/*
 * deflate: bytes packed as one zlib stream (RFC 1950) behind their length, 8 bytes big endian.
 *
 * For what assize writes and reads itself; whoever unpacks says how much it may become.
 */
#ifndef ASSIZE_IO_DEFLATE_H
#define ASSIZE_IO_DEFLATE_H

#include <stddef.h>

struct buf;

/* Appends the packed bytes; -1 when they do not fit below the buffer's ceiling. */
int deflate_pack(const void *p, size_t n, struct buf *out);
/* Appends what was packed; -1: that is not what these bytes are, or more than the ceiling. */
int deflate_unpack(const void *p, size_t n, struct buf *out);

#endif
