/*
 * archive_tar: what programs that unpack a tar do not agree about. Private to runner/io/archive*.c.
 *
 * libarchive reads one of several ways to say where a member goes and where it ends; whoever
 * unpacks the archive with another program may get other members. Followed beside it are the
 * headers alone. Told is the first of these, after which nothing is followed any more:
 *
 * - a global header (pax, type g) that names, sizes or gives away members: GNU tar and Python heed
 *   it, libarchive and busybox do not
 * - a member of two names, by GNU's headers and by pax or by two of one kind, that differ
 * - a member whose own header has another size than its pax record, below the 8 GiB for which it
 *   cannot have the same: what some take for content are members to others
 * - content behind a link, a device or a pipe: some take it for members
 * - a size that is no number
 *
 * Sources: pax(1) of POSIX.1-2017; tar(5) of libarchive; GNU tar 1.34, Python 3.11 as they are.
 */
#ifndef ASSIZE_IO_ARCHIVE_TAR_H
#define ASSIZE_IO_ARCHIVE_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/buf.h"
#include "runner/io/archive.h"
#include "runner/io/tar_header.h"

struct tar_scan {
	int64_t next;	/* where in the stream the next block that matters begins */
	int64_t member; /* and the first header of the member it belongs to */
	size_t n_block;
	unsigned char block[TAR_BLOCK];
	char type;    /* of the extension being read; 0 = none */
	int64_t left; /* of its body */
	struct buf body;
	struct buf names[2]; /* so far, of the member and of what it links to */
	int64_t pax_size;    /* -1 = none */
	bool is_sparse;	     /* blocks of GNU's sparse map follow */
	bool is_over;
	char doubt[ARCHIVE_DOUBT_BYTES]; /* "" = there is none */
};

void tar_scan_init(struct tar_scan *s);
void tar_scan_release(struct tar_scan *s);
/* Bytes of the stream from position on, in order; what was given already is passed over. */
void tar_scan_add(struct tar_scan *s, int64_t position, const void *p, size_t n);

#endif
