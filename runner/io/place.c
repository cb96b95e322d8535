/* renameat2, statx and syncfs are Linux; so is the rest of the process handling. */
#define _GNU_SOURCE
#include "runner/io/place.h"
#include "runner/io/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define NS_A_SECOND   INT64_C(1000000000)
#define SMALL_TREE    32 /* entries; below that fsync of each is cheaper than of everything */
#define MAX_DEPTH     256
#define TICK_LIMIT_MS 3000

int64_t place_ns(struct timespec t)
{
	return (int64_t)t.tv_sec * NS_A_SECOND + t.tv_nsec;
}

int place_identify(int fd, struct place_identity *out, bool *is_mounted)
{
	struct statx x;

	if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &x) < 0)
		return -1;
	out->inode = x.stx_ino;
	out->born_ns = x.stx_mask & STATX_BTIME
			       ? (int64_t)x.stx_btime.tv_sec * NS_A_SECOND + x.stx_btime.tv_nsec
			       : -1;
	*is_mounted = (x.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
	return 0;
}

bool place_is_mounted(int fd)
{
	struct statx x;

	return statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, 0, &x) == 0 &&
	       (x.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static bool is_mounted_with(const char *path, unsigned long flag)
{
	struct statvfs st;

	return statvfs(path, &st) == 0 && (st.f_flag & flag) != 0;
}

bool place_is_read_only(const char *path)
{
	return is_mounted_with(path, ST_RDONLY);
}

bool place_is_noexec(const char *path)
{
	return is_mounted_with(path, ST_NOEXEC);
}

bool place_is_fixed(const char *path)
{
	struct statx x;

	return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0, &x) == 0 &&
	       (x.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0;
}

bool place_is_same(const struct place_identity *a, const struct place_identity *b)
{
	return a->inode == b->inode && a->born_ns == b->born_ns;
}

int place_move(const char *from, const char *to)
{
	struct stat st;

	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* Without the flag: what could come in between is an empty directory, which holds nothing
	 * to lose. */
	if (lstat(to, &st) == 0) {
		errno = EEXIST;
		return -1;
	}
	return rename(from, to);
}

int place_exchange(const char *a, const char *b)
{
	return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

static int sync_fd(int fd)
{
	int rc = fsync(fd), error = errno;

	(void)close(fd); /* fsync has told */
	errno = error;
	return rc;
}

static int sync_entries(int fd, int depth);

static int sync_entry(int dir, const char *name, int depth)
{
	struct stat st;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return 0; /* a link is part of its directory */
	if (depth >= MAX_DEPTH) {
		errno = ELOOP;
		return -1;
	}
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	return S_ISDIR(st.st_mode) ? sync_entries(fd, depth + 1) : sync_fd(fd);
}

/* Children first, then the directory; fd is closed in any case. */
static int sync_entries(int fd, int depth)
{
	DIR *dir = dir_open(fd);
	const char *name;
	int rc = 0, error;

	if (!dir)
		return -1;
	while (rc == 0 && (name = dir_next(dir)))
		rc = sync_entry(dirfd(dir), name, depth);
	if (rc == 0 && errno == 0)
		rc = fsync(dirfd(dir));
	else
		rc = -1;
	error = errno;
	(void)closedir(dir); /* fsync has told */
	errno = error;
	return rc;
}

int place_sync_tree(int root_fd, size_t n_entries)
{
	int fd;

	if (n_entries > SMALL_TREE)
		return syncfs(root_fd);
	fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : sync_entries(fd, 0);
}

int place_sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : sync_fd(fd);
}

int place_await_tick(const char *path, int64_t latest_ctime_ns)
{
	int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC), rc = -1;
	const struct timespec pause = {.tv_nsec = 1000000};
	struct stat st;

	if (fd < 0)
		return -1;
	for (int i = 0; i < TICK_LIMIT_MS; i++) {
		if (futimens(fd, NULL) < 0 || fstat(fd, &st) < 0)
			break;
		if (place_ns(st.st_ctim) > latest_ctime_ns) {
			rc = 0;
			break;
		}
		(void)nanosleep(&pause, NULL); /* shorter when interrupted: looks again */
	}
	(void)close(fd); /* nothing was written */
	return rc;
}

int place_lock(const char *path, int *fd)
{
	int file = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644), error;

	if (file < 0)
		return -1;
	if (flock(file, LOCK_EX | LOCK_NB) == 0) {
		*fd = file;
		return 0;
	}
	error = errno;
	(void)close(file); /* nothing was written */
	errno = error;
	return error == EWOULDBLOCK ? 1 : -1;
}
