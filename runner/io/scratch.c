/*
 * scratch: private directories that come and go.
 *
 * Removal never follows a symbolic link and never leaves the directory it was given: everything is
 * done relative to descriptors opened with O_NOFOLLOW. It refuses a path that scratch_create()
 * cannot have made.
 */
#include "runner/io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"

#define SCRATCH_PREFIX "assize-"
/* One descriptor a level; deeper than any path the kernel accepts in one call needs (PATH_MAX / 2).
 */
#define MAX_DEPTH 512

static int make_parents(struct arena *a, const char *path)
{
	char *partial = arena_strdup(a, path);

	for (char *p = partial + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(partial, 0777) < 0 && errno != EEXIST)
			return -1;
		*p = '/';
	}
	return mkdir(partial, 0777) < 0 && errno != EEXIST ? -1 : 0;
}

int scratch_create(struct arena *a, const char *parent, const char **path, struct err *e)
{
	char *name = arena_printf(a, "%s/" SCRATCH_PREFIX "XXXXXX", parent);

	if (make_parents(a, parent) < 0 || !mkdtemp(name))
		return err_set(e, ERR_MEASURE,
			       "could not create a scratch directory below \"%s\": %s", parent,
			       strerror(errno));
	*path = name;
	return 0;
}

static int remove_entry(int parent, const char *name, int depth);

/* Empties the directory fd, which is closed in any case. */
static int empty_directory(int fd, int depth)
{
	DIR *dir = fdopendir(fd);

	if (!dir) {
		(void)close(fd); /* the fdopendir error is the one to tell */
		return -1;
	}

	int rc = 0;
	for (;;) {
		errno = 0;

		const struct dirent *entry = readdir(dir);
		if (!entry) {
			rc = errno ? -1 : 0;
			break;
		}
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		rc = remove_entry(dirfd(dir), entry->d_name, depth);
		if (rc < 0)
			break;
	}

	int saved = errno;
	(void)closedir(dir); /* only read from */
	errno = saved;
	return rc;
}

static int open_directory(int parent, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent, name, flags);

	/* A restored tree may hold directories nobody may read: they are ours, so make them
	 * readable. */
	if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0)
		fd = openat(parent, name, flags);
	return fd;
}

static int remove_entry(int parent, const char *name, int depth)
{
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	/* EISDIR on Linux, EPERM as POSIX has it: then it must be a directory. */
	if (errno != EISDIR && errno != EPERM)
		return -1;
	if (depth >= MAX_DEPTH) {
		errno = ELOOP;
		return -1;
	}

	int fd = open_directory(parent, name);
	if (fd < 0)
		return -1;
	/* Entries cannot be unlinked from a directory that is not writable; if this fails they
	 * tell. */
	(void)fchmod(fd, 0700);
	if (empty_directory(fd, depth + 1) < 0)
		return -1;
	return unlinkat(parent, name, AT_REMOVEDIR);
}

int scratch_remove(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');

	if (!slash || !str_starts(slash + 1, SCRATCH_PREFIX))
		return err_set(e, ERR_INTERNAL, "cannot remove \"%s\": not a scratch directory",
			       path);
	if (remove_entry(AT_FDCWD, path, 0) < 0)
		return err_set(e, ERR_MEASURE, "could not remove scratch directory \"%s\": %s",
			       path, strerror(errno));
	return 0;
}
