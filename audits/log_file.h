/*
 * log_file: the files of a log as they lie there, and their bytes.
 *
 * A file that begins as gzip does is read unpacked, whatever its name. Reading goes to the size the
 * file had when it was found, never further, in constant memory; a file that becomes shorter
 * meanwhile and a gzip stream that is not whole are errors. Symbolic links are followed (a name
 * like "current"), the same file under two names is found once.
 *
 * Everything lives in the arena given; errors are ERR_MEASURE.
 */
#ifndef ASSIZE_AUDITS_LOG_FILE_H
#define ASSIZE_AUDITS_LOG_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct clock;
struct err;

#define LOG_HEAD_BYTES 256
#define LOG_MAX_FILES  1000
#define LOG_HEX	       33 /* of the first half of a SHA-256, with its NUL */

/* When reading has to end, whatever is left. */
struct log_limits {
	const struct clock *clock;
	int64_t deadline_ms; /* monotonic */
	const atomic_bool *is_interrupted;
};

struct log_file {
	const struct log_limits *limits;
	const char *path;
	const char *name; /* for people: relative to the definition, escaped */
	bool is_live;	  /* named by `path`; else one that was rotated away */
	bool is_packed;
	uint64_t device, inode; /* only compared */
	int64_t size;		/* as stored */
	int64_t modified_ms;
	char head[LOG_HEAD_BYTES]; /* unpacked */
	size_t n_head;
};

struct log_paths {
	const struct log_limits *limits;
	const char *root_dir;
	const char *live;    /* a path or a glob */
	const char *rotated; /* a glob; NULL = as logrotate names them: PATH.1, PATH-20261126 */
};

/* Oldest first; those that are live behind those that are not. */
int log_files_find(struct arena *a, const struct log_paths *paths, struct log_file **out, size_t *n,
		   struct err *e);

/* -1 with e stops the reading. */
typedef int log_sink(void *ctx, const char *p, size_t n, struct err *e);

/* The bytes from `from` on, unpacked. */
int log_file_read(const struct log_file *f, int64_t from, log_sink *sink, void *ctx, struct err *e);

/* Where the last whole line ends; of a file that is not packed. */
int log_file_last_line(const struct log_file *f, int64_t *out, struct err *e);

/*
 * Digest of the up to LOG_HEAD_BYTES bytes in front of a place. 1 = there is no such place: the
 * file is shorter.
 */
int log_file_tail(const struct log_file *f, int64_t before, char out[static LOG_HEX],
		  struct err *e);

void log_digest(const void *p, size_t n, char out[static LOG_HEX]);

#endif
