/*
 * A lock as the kernel has it, beside the row that says who holds it: a byte of an empty file
 * beside the record (RECORD-locks), chosen by the lock's name. The kernel lets go of it when the
 * holder ends, however it ends, and every process on this machine sees that, whichever process ids
 * it can see: the row alone would be held for ever by a container that was killed.
 *
 * It is a lock of the open file (F_OFD_SETLK), not of the process: who reads the file and closes it
 * does not open it. The file stays; one that was removed would be another file to the next.
 */
#define _GNU_SOURCE /* F_OFD_SETLK */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/store.h"
#include "runner/io/digest.h"

/* Below this no two names of a record meet in one byte, as far as anybody can count. */
#define MAX_OFFSET (INT64_MAX / 2)

static struct flock byte_of(const char *name, short type)
{
	unsigned char digest[SHA256_BYTES];
	uint64_t at = 0;

	sha256_of(name, strlen(name), digest);
	for (size_t i = 0; i < 8; i++)
		at = at << 8 | digest[i];
	return (struct flock){.l_type = type,
			      .l_whence = SEEK_SET,
			      .l_start = (off_t)(at % MAX_OFFSET),
			      .l_len = 1};
}

/* Beside the file itself, whatever link led there: everybody must come to the same. */
static int open_file(const struct record *r, int flags)
{
	const char *path = sqlite3_db_filename(r->db, "main");
	struct arena *a = arena_new();
	int fd = open(arena_printf(a, "%s-locks", path != NULL ? path : r->path),
		      flags | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0666);
	int error = errno;

	arena_free(a);
	errno = error;
	return fd;
}

/* What is to happen when the transaction is over: the kernel knows nothing of it. */
static void note(struct lock_bytes *l, int64_t start, bool is_release)
{
	if (l->n == l->cap) {
		l->cap = l->cap > 0 ? 2 * l->cap : 16;
		l->items = xrealloc(l->items, l->cap * sizeof(*l->items));
	}
	l->items[l->n++] = (struct lock_byte){start, is_release};
}

int lock_byte_take(struct record *r, const char *name, bool *is_busy, struct err *e)
{
	struct lock_bytes *l = &r->lock_bytes;
	struct flock byte = byte_of(name, F_WRLCK);

	*is_busy = false;
	if (l->fd < 0)
		l->fd = open_file(r, O_RDWR | O_CREAT);
	if (l->fd < 0)
		return err_set(e, ERR_RECORD, "could not open \"%s-locks\": %s", r->path,
			       strerror(errno));
	if (fcntl(l->fd, F_OFD_SETLK, &byte) == 0) {
		note(l, byte.l_start, false);
		return 0;
	}
	*is_busy = errno == EAGAIN || errno == EACCES;
	return *is_busy ? 0
			: err_set(e, ERR_RECORD, "could not lock \"%s-locks\": %s", r->path,
				  strerror(errno));
}

void lock_byte_let_go(struct record *r, const char *name)
{
	note(&r->lock_bytes, byte_of(name, F_UNLCK).l_start, true);
}

void lock_bytes_settle(struct record *r, bool is_committed)
{
	struct lock_bytes *l = &r->lock_bytes;

	for (size_t i = 0; i < l->n; i++) {
		struct flock byte = {.l_type = F_UNLCK,
				     .l_whence = SEEK_SET,
				     .l_start = l->items[i].start,
				     .l_len = 1};

		/* Should it fail, the end of the process lets go of it. */
		if (l->fd >= 0 && l->items[i].is_release == is_committed)
			(void)fcntl(l->fd, F_OFD_SETLK, &byte);
	}
	l->n = 0;
}

void lock_bytes_release(struct record *r)
{
	if (r->lock_bytes.fd >= 0)
		(void)close(r->lock_bytes.fd); /* nothing was written to it */
	free(r->lock_bytes.items);
}

bool lock_byte_is_held(const struct record *r, const char *name)
{
	struct flock byte = byte_of(name, F_WRLCK);
	bool is_held;
	int fd = open_file(r, O_RDONLY);

	if (fd < 0)
		return errno != ENOENT;
	is_held = fcntl(fd, F_OFD_GETLK, &byte) != 0 || byte.l_type != F_UNLCK;
	(void)close(fd); /* nothing was written, and nothing is locked through it */
	return is_held;
}
