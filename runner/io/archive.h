/*
 * archive: one pass through the members of an archive, nothing extracted; the door to libarchive.
 *
 * Formats: tar (with its extensions), zip, 7z, ar (so also .deb) and cpio; compression: gzip,
 * bzip2, xz, lzma, lzip, zstd, lz4, compress. No program is ever started, whatever the content asks
 * for. A compressed stream is unpacked on a thread of its own, so that whoever looks at the content
 * (digests it, searches it) works beside it and not after it.
 *
 * Strict where libarchive is lenient: its warnings are errors here; the checksum of gzip is
 * compared; a tar must have its end mark; what lies behind the end of a tar or a cpio is counted;
 * what programs do not agree about in a tar is told.
 * An archive that cannot be read to its end is an error, never a shorter archive; but an ar that
 * was cut between two members looks like a whole one.
 *
 * The library is loaded when the first archive is opened. Everything the callbacks are given is
 * borrowed and valid until they return.
 */
#ifndef ASSIZE_IO_ARCHIVE_H
#define ASSIZE_IO_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum member_type {
	MEMBER_UNKNOWN = 0,
	MEMBER_FILE,
	MEMBER_DIRECTORY,
	MEMBER_SYMLINK,
	MEMBER_HARDLINK, /* may come with content (cpio) */
	MEMBER_DEVICE,
	MEMBER_FIFO,
	MEMBER_SOCKET,
};

struct archive_member {
	const char *name, *link; /* as stored, any bytes; link: of links, else NULL */
	enum member_type type;
	unsigned mode;		  /* permissions with setuid, setgid, sticky */
	int64_t uid, gid;	  /* -1 = none is stored (7z) */
	const char *user, *group; /* NULL = only the number is stored */
};

/* Reading stops with an error that names the limit. */
struct archive_limits {
	int64_t max_members;
	int64_t max_bytes; /* of content, unpacked */
	int64_t max_ratio; /* unpacked by packed; content below 16 MiB is never too much */
	int64_t deadline_ms;
};

/* MUST all be set. -1 ends the pass with e. */
struct archive_sink {
	void *context;
	int (*on_member)(void *context, const struct archive_member *m, struct err *e);
	/* Content in order, holes of sparse files as zeros. */
	int (*on_data)(void *context, const void *p, size_t n, struct err *e);
	int (*on_end)(void *context, struct err *e); /* of the member, also without content */
};

#define ARCHIVE_DOUBT_BYTES 160

struct archive_summary {
	int64_t n_members;
	int64_t bytes;	      /* of content */
	int64_t packed_bytes; /* size of the file */
	int64_t extra_bytes;  /* behind the end of a tar or cpio, or of a compression: no padding */
	char doubt[ARCHIVE_DOUBT_BYTES]; /* what of a tar is read differently by others; "" =
					    nothing */
	bool is_zip;
};

/* Do the first bytes of a file, 512 if it has them, begin an archive or what is compressed? */
bool archive_is_likely(const void *head, size_t n);

bool archive_is_built(void); /* false: archive_walk() only says what to install */

/* fd is read from its beginning with pread(2) and stays the caller's. */
int archive_walk(int fd, const struct archive_limits *limits, const struct archive_sink *sink,
		 struct archive_summary *out, struct err *e);

#endif
