/*
 * log_place: how far a log was read, and where that place is now.
 *
 * A place is a list of marks, one a file. A file is known again by its inode (not its device,
 * whose number may be another after a boot) together with digests of its first bytes and of those
 * in front of the mark; when its inode is another (a copy, gzip) by the digests alone, the oldest
 * such file first. So a log that was renamed is read on where it is now, one that was copied and
 * cut is read on in the copy, one that was packed in the packed file; and an inode that another
 * file got since is not mistaken for the same.
 *
 * What no file is found for is lost: nobody can say what was written behind the mark. Marks of
 * files that were rotated away and then grew no more, or of one of several files that was not the
 * newest and did not grow, are done: they may go.
 *
 * Text form (in the record): JSON. Everything lives in the arena given.
 */
#ifndef ASSIZE_AUDITS_LOG_PLACE_H
#define ASSIZE_AUDITS_LOG_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audits/log_file.h"

struct arena;
struct err;

enum log_role {
	LOG_IS_LIVE = 0,
	LOG_IS_ROTATED, /* away, but its writer may not know yet */
	LOG_IS_DONE,	/* nothing more is expected to come */
	LOG_IS_PACKED,	/* read to its end, whatever its offset says */
};

struct log_mark {
	enum log_role role;
	uint64_t inode;
	int64_t offset; /* bytes read, unpacked */
	int64_t n_head;
	char head[LOG_HEX]; /* digest of the first n_head bytes */
	char tail[LOG_HEX]; /* log_file_tail() of offset */
	const char *name;
};

struct log_place {
	const char *path; /* as the definition gave it: another one is another log */
	int64_t at_ms;	  /* when it was looked at */
	struct log_mark *marks;
	size_t n;
};

int log_place_parse(struct arena *a, const char *text, struct log_place *out, struct err *e);
const char *log_place_text(struct arena *a, const struct log_place *place);

/* matches[i]: the mark of files[i], NULL = it is new. lost: marks that have no file. */
struct log_match {
	const struct log_mark **marks;
	const struct log_mark **lost;
	size_t n_lost;
};
int log_place_match(struct arena *a, const struct log_place *place, const struct log_file *files,
		    size_t n, struct log_match *out, struct err *e);

/* A mark for what was read of the file up to offset. */
int log_mark_set(const struct log_file *f, int64_t offset, enum log_role role, struct log_mark *out,
		 struct err *e);

#endif
