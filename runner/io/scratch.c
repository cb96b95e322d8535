/*
 * scratch: private directories that come and go.
 *
 * Removal never follows a symbolic link and never leaves the directory it was given: everything is
 * done relative to descriptors opened with O_NOFOLLOW. It refuses a path that scratch_create()
 * cannot have made.
 *
 * Whether the maker of a held directory lives is asked of the lock it keeps on it, not of a process
 * id: those come round again, and a container cannot see those of its neighbour.
 */
#include "runner/io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/dir.h"

#define SCRATCH_PREFIX "assize-"
#define HELD_PREFIX    SCRATCH_PREFIX "held-"
#define HOLD_ATTEMPTS  100
/* One descriptor a level; deeper than any path the kernel accepts in one call needs (PATH_MAX / 2).
 */
#define MAX_DEPTH  512
#define LARGE_TREE 256 /* entries from which on a second thread is worth while */

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

static int not_created(const char *parent, struct err *e)
{
	return err_set(e, ERR_MEASURE, "could not create a scratch directory below \"%s\": %s",
		       parent, strerror(errno));
}

int scratch_create(struct arena *a, const char *parent, const char **path, struct err *e)
{
	char *name = arena_printf(a, "%s/" SCRATCH_PREFIX "XXXXXX", parent);

	if (make_parents(a, parent) < 0 || !mkdtemp(name))
		return not_created(parent, e);
	*path = name;
	return 0;
}

/*
 * Between mkdtemp and flock a sweeper may take the directory for left behind and remove it. It does
 * so with the lock, so: whoever gets no lock, or a lock on what the name no longer leads to, has
 * lost and tries another name.
 */
static bool is_held(const char *path, int fd)
{
	struct stat of_fd, of_path;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return false;
	return fstat(fd, &of_fd) == 0 && lstat(path, &of_path) == 0 &&
	       of_fd.st_ino == of_path.st_ino && of_fd.st_dev == of_path.st_dev;
}

int scratch_hold(struct arena *a, const char *parent, struct scratch *out, struct err *e)
{
	if (make_parents(a, parent) < 0)
		return not_created(parent, e);
	for (int i = 0; i < HOLD_ATTEMPTS; i++) {
		char *name = arena_printf(a, "%s/" HELD_PREFIX "XXXXXX", parent);
		int fd;

		if (!mkdtemp(name))
			return not_created(parent, e);
		fd = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno != ENOENT)
			return not_created(parent, e);
		if (fd >= 0 && is_held(name, fd)) {
			*out = (struct scratch){name, fd};
			return 0;
		}
		if (fd >= 0)
			(void)close(fd); /* only locked */
	}
	errno = EBUSY;
	return not_created(parent, e);
}

/*
 * A removal. Files go one by one and most of that is freeing their pages, so a large tree has a
 * helper: it takes files away from behind, while the removal itself goes on from the front. Only
 * the removal takes directories away, and it alone says whether all is gone.
 */
struct removal {
	int parent; /* where the root's name counts */
	const char *root;
	size_t n; /* entries gone */
	bool has_helper;
	pthread_t helper;
	atomic_bool is_over;
};

struct name {
	struct name *before;
	const char *text;
};

static int open_directory(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The directory fd, which is closed in any case. What cannot be done here the removal will tell. */
static void help(struct removal *r, struct arena *a, int fd, int depth)
{
	DIR *dir = dir_open(fd);
	struct name *last = NULL; /* of those left */
	const char *found;

	if (!dir)
		return;
	while ((found = dir_next(dir))) {
		struct name *name = arena_alloc(a, sizeof(*name));

		*name = (struct name){last, arena_strdup(a, found)};
		last = name;
	}
	for (; last && !atomic_load(&r->is_over); last = last->before) {
		if (unlinkat(dirfd(dir), last->text, 0) == 0 || depth >= MAX_DEPTH ||
		    (errno != EISDIR && errno != EPERM))
			continue;
		fd = open_directory(dirfd(dir), last->text);
		if (fd >= 0)
			help(r, a, fd, depth + 1);
	}
	(void)closedir(dir); /* only read from */
}

static void *helper(void *ctx)
{
	struct removal *r = ctx;
	int fd = open_directory(r->parent, r->root);
	struct arena *a = arena_new();

	if (fd >= 0)
		help(r, a, fd, 0);
	arena_free(a);
	return NULL;
}

static int gone(struct removal *r)
{
	if (++r->n == LARGE_TREE) /* without the helper it takes longer */
		r->has_helper = pthread_create(&r->helper, NULL, helper, r) == 0;
	return 0;
}

static int remove_entry(struct removal *r, int parent, const char *name, int depth);

/* Empties the directory fd, which is closed in any case. */
static int empty_directory(struct removal *r, int fd, int depth)
{
	DIR *dir = dir_open(fd);
	const char *name;
	int rc = 0;

	if (!dir)
		return -1;
	while (rc == 0 && (name = dir_next(dir)))
		rc = remove_entry(r, dirfd(dir), name, depth);
	if (rc == 0 && errno != 0)
		rc = -1;

	int saved = errno;
	(void)closedir(dir); /* only read from */
	errno = saved;
	return rc;
}

static int remove_entry(struct removal *r, int parent, const char *name, int depth)
{
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return gone(r);
	/* EISDIR on Linux, EPERM as POSIX has it: then it must be a directory. */
	if (errno != EISDIR && errno != EPERM)
		return -1;
	if (depth >= MAX_DEPTH) {
		errno = ELOOP;
		return -1;
	}

	int fd = open_directory(parent, name);
	/* A restored tree may hold directories nobody may read: they are ours, so make them
	 * readable. */
	if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0)
		fd = open_directory(parent, name);
	if (fd < 0)
		return -1;
	/* Entries cannot be unlinked from a directory that is not writable; if this fails they
	 * tell. */
	(void)fchmod(fd, 0700);
	if (empty_directory(r, fd, depth + 1) < 0)
		return -1;
	return unlinkat(parent, name, AT_REMOVEDIR);
}

static int remove_tree(int parent, const char *name)
{
	struct removal r = {.parent = parent, .root = name};
	int rc = remove_entry(&r, parent, name, 0), saved = errno;

	atomic_store(&r.is_over, true);
	if (r.has_helper)
		(void)pthread_join(r.helper, NULL); /* it is ours: cannot fail */
	errno = saved;
	return rc;
}

int scratch_remove(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');

	if (!slash || !str_starts(slash + 1, SCRATCH_PREFIX))
		return err_set(e, ERR_INTERNAL, "cannot remove \"%s\": not a scratch directory",
			       path);
	if (remove_tree(AT_FDCWD, path) < 0)
		return err_set(e, ERR_MEASURE, "could not remove scratch directory \"%s\": %s",
			       path, strerror(errno));
	return 0;
}

int scratch_release(struct scratch *s, struct err *e)
{
	int rc = s->path ? scratch_remove(s->path, e) : 0;

	if (s->path && s->fd >= 0)
		(void)close(s->fd); /* only locked */
	*s = (struct scratch){NULL, -1};
	return rc;
}

/* Ours, private, and nobody's: then it is gone afterwards. */
static bool sweep_one(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	bool is_gone = false;

	if (fd < 0)
		return false;
	/* its group may have been let pass, never more */
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 0067) == 0 &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0)
		is_gone = remove_tree(parent, name) == 0;
	(void)close(fd); /* only locked */
	return is_gone;
}

size_t scratch_sweep(const char *parent)
{
	DIR *dir = opendir(parent);
	const struct dirent *entry;
	size_t n = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		if (str_starts(entry->d_name, HELD_PREFIX))
			n += sweep_one(dirfd(dir), entry->d_name);
	(void)closedir(dir); /* only read */
	return n;
}
