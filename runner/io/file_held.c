/*
 * file_held: content that stands for files which are on no disk, by name.
 *
 * What a definition rests on may come from a commit; whoever reads it wants a name to read and to
 * show. The list is one per process, because a name means the same to whoever asks: the one mutable
 * object of this file, guarded by its lock. Content is read-only from the moment it is held, so a
 * reader needs the lock for finding it only.
 */
#define _GNU_SOURCE /* memfd_create(), seals */
#include "runner/io/file_held.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/file.h"

struct held {
	struct held *next;
	const char *name, *p;
	size_t n;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct held *all;

static void let_go(void *ctx)
{
	struct held *h = ctx;

	(void)pthread_mutex_lock(&lock); /* a plain mutex cannot fail */
	for (struct held **at = &all; *at; at = &(*at)->next) {
		if (*at == h) {
			*at = h->next;
			break;
		}
	}
	(void)pthread_mutex_unlock(&lock);
}

void file_hold(struct arena *a, const char *name, const char *p, size_t n)
{
	struct held *h = arena_alloc(a, sizeof(*h));

	assert(file_is_held_name(name));
	*h = (struct held){.name = arena_strdup(a, name), .p = arena_strndup(a, p, n), .n = n};
	arena_defer(a, let_go, h);
	(void)pthread_mutex_lock(&lock);
	h->next = all;
	all = h;
	(void)pthread_mutex_unlock(&lock);
}

bool file_is_held_name(const char *path)
{
	return path[0] != '/';
}

bool file_held_find(const char *name, const char **p, size_t *n)
{
	bool is_found = false;

	if (!file_is_held_name(name))
		return false;
	(void)pthread_mutex_lock(&lock);
	for (const struct held *h = all; h && !is_found; h = h->next) {
		is_found = strcmp(h->name, name) == 0;
		if (is_found) {
			*p = h->p;
			*n = h->n;
		}
	}
	(void)pthread_mutex_unlock(&lock);
	return is_found;
}

static int fill(int fd, const char *p, size_t n)
{
	if (file_write_all(fd, p, n) != 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
}

int file_held_open(const char *name, const char *p, size_t n, struct err *e)
{
	int fd = memfd_create("assize", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && fill(fd, p, n) == 0)
		return fd;
	(void)err_set(e, ERR_MEASURE, "could not open \"%s\": no file in memory: %s", name,
		      strerror(errno));
	if (fd >= 0)
		(void)close(fd); /* nothing was read from it */
	return -1;
}
