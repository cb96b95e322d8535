/*
 * cold: takes the repository's files out of the page cache, so that the time to restore is that of
 * a machine which has not just read them: its own, and those of the stores it borrows from.
 *
 * posix_fadvise(DONTNEED) asks for that file by file and changes nothing in the repository. What
 * the kernel keeps nevertheless (pages not written yet, files mapped by another process, a file
 * system in memory) is counted with mincore(2) and told: beyond a hundredth the step warns that the
 * time is not a cold one. Caches of a disk, a hypervisor or a file server are out of reach.
 */
#define _DEFAULT_SOURCE /* mincore */
#include "rollback/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/io/dir.h"
#include "runner/io/git.h"

#define MAX_DEPTH    64
#define WINDOW_BYTES ((size_t)256 << 20) /* mapped at a time, to count what is left */

struct cold {
	struct verification *v;
	size_t page_bytes;
	int64_t n_files, n_bytes, n_left, n_unread;
	unsigned char *pages; /* one a page of a window */
};

/* Bytes of the file that are still in memory. */
static int64_t count_left(struct cold *c, int fd, size_t size)
{
	int64_t left = 0;

	for (size_t at = 0; at < size; at += WINDOW_BYTES) {
		size_t n = size - at < WINDOW_BYTES ? size - at : WINDOW_BYTES;
		void *map = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, (off_t)at);

		if (map == MAP_FAILED || mincore(map, n, c->pages) < 0)
			left += (int64_t)n; /* not known to be gone */
		else
			for (size_t i = 0; i * c->page_bytes < n; i++)
				left += (c->pages[i] & 1) ? (int64_t)c->page_bytes : 0;
		if (map != MAP_FAILED)
			(void)munmap(map, n); /* our own mapping */
	}
	return left < (int64_t)size ? left : (int64_t)size;
}

static void drop_file(struct cold *c, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0) {
		c->n_unread += fd < 0;
	} else {
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* counted below */
		c->n_files++;
		c->n_bytes += st.st_size;
		c->n_left += count_left(c, fd, (size_t)st.st_size);
	}
	if (fd >= 0)
		(void)close(fd); /* only read */
}

static void drop_below(struct cold *c, int fd, int depth)
{
	DIR *dir = dir_open(fd);
	const char *name;
	struct stat st;

	if (!dir || depth >= MAX_DEPTH) {
		c->n_unread++;
		if (dir)
			(void)closedir(dir); /* only read */
		return;
	}
	while (!room_is_late(c->v) && (name = dir_next(dir))) {
		if (fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISREG(st.st_mode))
			drop_file(c, dirfd(dir), name);
		else if (S_ISDIR(st.st_mode))
			drop_below(c,
				   openat(dirfd(dir), name,
					  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
				   depth + 1);
	}
	(void)closedir(dir); /* only read */
}

int cold_drop(struct verification *v, struct step *s)
{
	struct cold c = {.v = v, .page_bytes = (size_t)sysconf(_SC_PAGESIZE)};
	char all[NUM_REAL_MAX], left[NUM_REAL_MAX];
	const char *common = git_repository_commondir(v->repo);
	int fd = open(common, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *const *lenders;
	size_t n;

	if (fd < 0)
		return step_find(s, OUTCOME_UNDECIDED, NULL,
				 "could not read the repository's directory: %s", strerror(errno));
	c.pages = xmalloc(WINDOW_BYTES / c.page_bytes);
	drop_below(&c, fd, 0);
	git_door_alternates(v->a, arena_printf(v->a, "%sobjects", common), &lenders, &n);
	for (size_t i = 0; i < n; i++)
		drop_below(&c, open(lenders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0);
	free(c.pages);
	(void)num_format_size(c.n_bytes, all); /* its length */
	(void)num_format_size(c.n_left, left); /* same */
	step_note(s, "%s of %lld files dropped from the page cache, %s of it stay", all,
		  (long long)c.n_files, left);
	if (c.n_unread > 0)
		step_find(s, OUTCOME_WARN, NULL, "%lld files or directories could not be opened",
			  (long long)c.n_unread);
	if (c.n_left > c.n_bytes / 100)
		step_find(s, OUTCOME_WARN, "sync && echo 3 | sudo tee /proc/sys/vm/drop_caches",
			  "%s of %s could not be dropped from the page cache: the time to restore "
			  "is not that of a cold start",
			  left, all);
	return 0;
}
