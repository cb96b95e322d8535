/*
 * file: reading and replacing whole files, paths by text, globs, file systems.
 *
 * A file is opened without blocking and looked at before it is believed, so a FIFO in the place of
 * a file can never hang a run.
 */
#include "runner/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/file_held.h"
#include "runner/io/file_kept.h"
#include "runner/io/file_registry.h"

static const char *type_name(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a directory";
	if (S_ISFIFO(mode))
		return "a named pipe";
	if (S_ISSOCK(mode))
		return "a socket";
	if (S_ISLNK(mode))
		return "a symbolic link";
	return "a device";
}

/* Is this something file_open() gives out? */
static int check_openable(int dir, const char *path, const struct stat *st, struct err *e)
{
	if (!S_ISREG(st->st_mode))
		return err_set(e, ERR_MEASURE, "could not open \"%s\": %s, not a file", path,
			       type_name(st->st_mode));
	if (file_is_registered(dir, path, st)) {
		(void)err_set(e, ERR_MEASURE,
			      "could not open \"%s\": it is a database this run has open", path);
		(void)err_help(e, "reading it as a file would drop the locks of the open session; "
				  "audit a copy");
		return -1;
	}
	return 0;
}

static int open_checked(int dir, const char *path, bool follow, struct stat *st, struct err *e)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (follow ? 0 : O_NOFOLLOW);
	struct stat now;

	/* Looked at before the open: closing a descriptor of an open database is already the harm.
	 */
	if (fstatat(dir, path, &now, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, ERR_MEASURE, "could not open \"%s\": %s", path, strerror(errno));
	if (check_openable(dir, path, &now, e) < 0)
		return -1;

	int fd = openat(dir, path, flags);
	if (fd < 0)
		return err_set(e, ERR_MEASURE, "could not open \"%s\": %s", path, strerror(errno));
	/* Another file may have taken its place in between. */
	int rc = fstat(fd, &now) < 0 ? err_set(e, ERR_MEASURE, "could not stat \"%s\": %s", path,
					       strerror(errno))
				     : check_openable(dir, path, &now, e);
	if (rc < 0) {
		(void)close(fd); /* only read from, nothing to lose */
		return -1;
	}
	file_registry_note(&now);
	*st = now;
	return fd;
}

/* Never the file of that name in the working directory: it is anybody's. */
static int not_held(const char *name, struct err *e)
{
	return err_set(e, ERR_MEASURE,
		       "could not open \"%s\": no absolute path, and no content is held under it",
		       name);
}

int file_open(const char *path, struct stat *st, struct err *e)
{
	const char *p;
	size_t n;

	if (!file_is_held_name(path))
		return open_checked(AT_FDCWD, path, true, st, e);
	if (!file_held_find(path, &p, &n))
		return not_held(path, e);

	int fd = file_held_open(path, p, n, e);
	if (fd >= 0 && fstat(fd, st) < 0) {
		(void)err_set(e, ERR_MEASURE, "could not stat \"%s\": %s", path, strerror(errno));
		(void)close(fd); /* only read from */
		return -1;
	}
	return fd;
}

int file_open_at(int dir, const char *name, struct stat *st, struct err *e)
{
	return open_checked(dir, name, false, st, e);
}

static int too_large(const char *path, const struct buf *out, struct err *e)
{
	return err_set(e, ERR_MEASURE, "could not read \"%s\": larger than the limit of %zu bytes",
		       path, out->ceiling_bytes);
}

/* Up to the end of fd, at most what the ceiling leaves. */
static int read_all(int fd, const char *path, struct buf *out, struct err *e)
{
	char block[16384];

	for (;;) {
		ssize_t n = read(fd, block, sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, ERR_MEASURE, "could not read \"%s\": %s", path,
				       strerror(errno));
		if (n == 0)
			return 0;
		if (buf_add(out, block, (size_t)n) < 0)
			return too_large(path, out, e);
	}
}

int file_read(const char *path, struct buf *out, struct err *e)
{
	const char *p;
	struct stat st;
	size_t n;

	if (file_is_held_name(path) && file_held_find(path, &p, &n))
		return buf_add(out, p, n) == 0 ? 0 : too_large(path, out, e);

	int fd = file_open(path, &st, e);

	if (fd < 0)
		return -1;

	int rc = read_all(fd, path, out, e);
	(void)close(fd); /* only read from, nothing to lose */
	return rc;
}

ssize_t file_read_at(int fd, void *to, size_t n, uint64_t offset)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = pread(fd, (char *)to + done, n - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

int file_write_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

/* The directory part of path, "." when there is none. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");

	size_t n = slash == path ? 1 : (size_t)(slash - path);
	char *dir = xmalloc(n + 1);
	memcpy(dir, path, n);
	dir[n] = '\0';
	return dir;
}

static int sync_directory(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;

	/* EINVAL: a file system that cannot sync a directory has nothing to say about it. */
	int rc = fsync(fd) < 0 && errno != EINVAL ? -1 : 0;
	int saved = errno;
	(void)close(fd); /* nothing was written through it */
	errno = saved;
	return rc;
}

/* Pipes and devices ("/dev/stdout") cannot be replaced by a rename: they are written to. */
static int write_in_place(const char *path, int flags, const void *p, size_t n, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | flags, 0666);
	int rc = fd < 0 ? -1 : file_write_all(fd, p, n);
	int saved = errno;

	if (fd >= 0 && close(fd) < 0 && rc == 0) {
		rc = -1;
		saved = errno;
	}
	return rc < 0 ? err_set(e, ERR_MEASURE, "could not write \"%s\": %s", path, strerror(saved))
		      : 0;
}

/* Everything up to the rename. mode is that of the file replaced, or -1. */
static int write_temporary(const char *temporary, int mode, const void *p, size_t n)
{
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0)
		return -1;

	int rc = file_write_all(fd, p, n);
	if (rc == 0 && mode >= 0)
		rc = fchmod(fd, (mode_t)mode & 07777);
	if (rc == 0)
		rc = fsync(fd);
	int saved = errno;
	if (close(fd) < 0 && rc == 0) {
		rc = -1;
		saved = errno;
	}
	if (rc < 0)
		(void)unlink(temporary); /* the write error is the one to tell */
	errno = saved;
	return rc;
}

/* A directory that is not there is the path's fault, and nobody makes one by mistake. */
static int could_not_write(struct arena *a, const char *path, const char *dir, int why,
			   struct err *e)
{
	if (why != ENOENT || access(dir, F_OK) == 0)
		return err_set(e, ERR_MEASURE, "could not write \"%s\": %s", path, strerror(why));
	(void)err_set(e, ERR_MEASURE, "could not write \"%s\": there is no directory \"%s\"", path,
		      dir);
	return err_help(e, "mkdir -p %s", str_as_word(a, dir));
}

/* Beside path, and in its place when is_kept. */
static int write_beside(const char *path, bool is_there, mode_t mode, const void *p, size_t n,
			bool is_kept, struct err *e)
{
	struct arena *a = arena_new();
	/* Through a symbolic link: its target is replaced, the link stays. */
	char *real = is_there ? realpath(path, NULL) : NULL;
	const char *target = real ? real : path;
	const char *temporary = arena_printf(a, "%s.%ld.tmp", target, (long)getpid());
	char *dir = directory_of(target);
	int rc = write_temporary(temporary, is_there ? (int)(mode & 07777) : -1, p, n);

	if (rc == 0 && !is_kept) {
		rc = unlink(temporary);
	} else if (rc == 0 && rename(temporary, target) < 0) {
		int saved = errno;

		(void)unlink(temporary); /* the rename error is the one to tell */
		errno = saved;
		rc = -1;
	}
	if (rc == 0 && is_kept)
		rc = sync_directory(dir);
	if (rc < 0)
		(void)could_not_write(a, path, dir, errno, e);
	free(dir);
	free(real);
	arena_free(a);
	return rc;
}

int file_write_atomic(const char *path, const void *p, size_t n, struct err *e)
{
	struct stat st;
	bool is_there = stat(path, &st) == 0;

	if (is_there && S_ISDIR(st.st_mode))
		return err_set(e, ERR_MEASURE, "could not write \"%s\": a directory", path);
	if (is_there && !S_ISREG(st.st_mode))
		return write_in_place(path, 0, p, n, e);
	if (is_there && file_registry_refuse(&st, e) != 0)
		return -1;
	if (is_there && file_refuse_kept(path, &st, e) != 0)
		return -1;
	return write_beside(path, is_there, is_there ? st.st_mode : 0, p, n, true, e);
}

int file_check_writable(const char *path, struct err *e)
{
	struct stat st;
	bool is_there = stat(path, &st) == 0;

	if (is_there && S_ISDIR(st.st_mode))
		return err_set(e, ERR_MEASURE, "could not write \"%s\": a directory", path);
	if (is_there && S_ISREG(st.st_mode) && file_refuse_kept(path, &st, e) != 0)
		return -1;
	if (!is_there || S_ISREG(st.st_mode))
		return write_beside(path, is_there, is_there ? st.st_mode : 0, "", 0, false, e);
	/* A pipe is not opened: that would wait for its reader. */
	return access(path, W_OK) == 0 ? 0
				       : err_set(e, ERR_MEASURE, "could not write \"%s\": %s", path,
						 strerror(errno));
}

int file_append(const char *path, const void *p, size_t n, struct err *e)
{
	return write_in_place(path, O_APPEND | O_CREAT, p, n, e);
}

const char *file_absolute(struct arena *a, const char *dir, const char *path)
{
	const char *joined = path[0] == '/' ? path : arena_printf(a, "%s/%s", dir, path);
	char *out = arena_alloc(a, strlen(joined) + 2);
	size_t len = 0;

	for (const char *s = joined; *s;) {
		s += strspn(s, "/");

		size_t n = strcspn(s, "/");
		if (n == 2 && s[0] == '.' && s[1] == '.') {
			while (len > 0 && out[--len] != '/')
				;
		} else if (n > 0 && !(n == 1 && s[0] == '.')) {
			out[len++] = '/';
			memcpy(out + len, s, n);
			len += n;
		}
		s += n;
	}
	if (len == 0)
		out[len++] = '/';
	out[len] = '\0';
	return out;
}

const char *file_shown(struct arena *a, const char *cwd, const char *path)
{
	size_t n = strlen(cwd);

	while (n > 0 && cwd[n - 1] == '/')
		n--;
	if (n > 0 && strncmp(path, cwd, n) == 0 && path[n] == '/' && path[n + 1])
		return arena_strdup(a, path + n + 1);
	return arena_strdup(a, path);
}

bool file_leads_nowhere(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && stat(path, &st) != 0 &&
	       (errno == ENOENT || errno == ELOOP);
}

/* What a file that is to be written at path will be: the folder it is in, and its name there. */
static char *place_of(const char *path)
{
	char *dir = directory_of(path), *real = realpath(dir, NULL), *place = NULL;
	const char *slash = strrchr(path, '/');

	if (real) {
		struct arena *a = arena_new();

		place = xstrdup(arena_printf(a, "%s/%s", real, slash ? slash + 1 : path));
		arena_free(a);
	}
	free(real);
	free(dir);
	return place;
}

bool file_is_one(const char *path, const char *other)
{
	struct stat a, b;
	bool has_a = stat(path, &a) == 0, has_b = stat(other, &b) == 0;

	if (has_a && has_b)
		return S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
	if (has_a || has_b)
		return false;

	char *place = place_of(path), *place_other = place_of(other);
	bool is_one = place && place_other && strcmp(place, place_other) == 0;
	free(place);
	free(place_other);
	return is_one;
}

bool file_leads_below(const char *path, const char *dir)
{
	char real[PATH_MAX], top[PATH_MAX];
	size_t n;

	if (!realpath(path, real) || !realpath(dir, top))
		return false;
	n = strcmp(top, "/") == 0 ? 0 : strlen(top);
	return strncmp(real, top, n) == 0 && (real[n] == '/' || real[n] == '\0');
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A folder that is not there holds no files; one that may not be read could hold some. */
static int stop_at_error(const char *path, int error)
{
	(void)path; /* the caller names the pattern */
	return error != ENOENT && error != ENOTDIR;
}

int file_glob(struct arena *a, const char *pattern, const char ***out, size_t *n, struct err *e)
{
	glob_t found = {.gl_pathc = 0};
	int rc = glob(pattern, GLOB_NOSORT | GLOB_MARK, stop_at_error, &found);

	if (rc == GLOB_NOSPACE)
		oom();
	if (rc == GLOB_ABORTED)
		return err_set(e, ERR_MEASURE, "could not search \"%s\": %s", pattern,
			       strerror(errno));

	const char **paths = arena_array(a, found.gl_pathc + 1, sizeof(*paths));
	size_t count = 0;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		size_t len = strlen(found.gl_pathv[i]);

		/* GLOB_MARK ends folders with a slash. */
		if (len > 0 && found.gl_pathv[i][len - 1] != '/')
			paths[count++] = arena_strdup(a, found.gl_pathv[i]);
	}
	globfree(&found);
	qsort(paths, count, sizeof(*paths), compare_paths);
	*out = paths;
	*n = count;
	return 0;
}

int file_free_space(const char *path, int64_t *bytes, int64_t *inodes, struct err *e)
{
	struct statvfs fs;

	if (statvfs(path, &fs) < 0)
		return err_set(e, ERR_MEASURE, "could not ask for the free space at \"%s\": %s",
			       path, strerror(errno));

	uint64_t block = fs.f_frsize > 0 ? fs.f_frsize : 1;
	*bytes = fs.f_bavail > (uint64_t)INT64_MAX / block ? INT64_MAX
							   : (int64_t)(fs.f_bavail * block);
	/* File systems that make inodes as needed announce none at all. */
	*inodes = fs.f_files == 0 || fs.f_favail > (uint64_t)INT64_MAX ? INT64_MAX
								       : (int64_t)fs.f_favail;
	return 0;
}
