/*
 * copy: a private copy of a file, or of a folder with everything below it.
 *
 * Blocks are shared where the file system can (FICLONE), else copied inside the kernel. Times, mode
 * and owner of files are kept; folders are the copier's own (0700), symbolic links stay what they
 * are, also those on their way out. What is neither is refused, but for named pipes. The owner can
 * only be kept where this user may give files away: copy_entry() says so by what is there then.
 *
 * The source is opened for reading and nothing else.
 */
#ifndef ASSIZE_IO_COPY_H
#define ASSIZE_IO_COPY_H

#include <stdatomic.h>
#include <stdint.h>

struct err;

/* What a copy would take. */
struct copy_size {
	int64_t bytes, entries;
};

/* Of what path leads to; -1 also when there is more than most. */
int copy_measure(const char *path, const struct copy_size *most, struct copy_size *out,
		 struct err *e);

/* to must not be there. What is at from itself is followed when it is a symbolic link. */
int copy_tree(const char *from, const char *to, const atomic_bool *is_interrupted, struct err *e);
/*
 * Of a file its size, mode, owner and times, while its content is a hole: for whoever does not read
 * it. Anything else as copy_tree().
 */
int copy_hollow(const char *from, const char *to, struct err *e);
/* One entry, a folder without what is in it; a symbolic link stays one. */
int copy_entry(const char *from, const char *to, struct err *e);
/* Away with what is there, if anything is; a folder only when it is empty. */
int copy_remove(const char *path, struct err *e);

#endif
