/* Below a folder names are joined by text: the source is read, and the copy is private. */
#define _GNU_SOURCE /* copy_file_range() */
#include "runner/io/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/io/dir.h"
#include "runner/io/file.h"

#define MAX_DEPTH   256
#define BLOCK_BYTES (64 * 1024)

static int not_looked(const char *path, struct err *e)
{
	return err_set(e, ERR_MEASURE, "could not look at \"%s\": %s", path, strerror(errno));
}

static int not_copied(const char *path, struct err *e)
{
	return err_set(e, ERR_MEASURE, "could not copy \"%s\": %s", path, strerror(errno));
}

/* --- folders --- */

struct walk {
	struct arena *arena;
	int (*visit)(struct walk *w, const char *name, const struct stat *st, struct err *e);
	const char *root; /* of the source */
	const char *to;
	const struct copy_size *most;
	struct copy_size size;
	const atomic_bool *is_interrupted;
};

static int walk_below(struct walk *w, const char *name, int depth, struct err *e);

static int walk_entry(struct walk *w, const char *name, int depth, struct err *e)
{
	const char *path = arena_printf(w->arena, "%s/%s", w->root, name);
	struct stat st;

	if (w->is_interrupted != NULL && atomic_load(w->is_interrupted))
		return err_set(e, ERR_MEASURE, "could not copy all of \"%s\": interrupted",
			       w->root);
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : not_looked(path, e); /* gone since it was listed */
	if (w->visit(w, name, &st, e) < 0)
		return -1;
	return S_ISDIR(st.st_mode) ? walk_below(w, name, depth + 1, e) : 0;
}

static int walk_below(struct walk *w, const char *name, int depth, struct err *e)
{
	const char *path =
		name[0] != '\0' ? arena_printf(w->arena, "%s/%s", w->root, name) : w->root;
	DIR *dir = dir_open(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const char *found;
	int rc = 0;

	if (dir == NULL)
		return err_set(e, ERR_MEASURE, "could not open folder \"%s\": %s", path,
			       strerror(errno));
	if (depth > MAX_DEPTH)
		rc = err_set(e, ERR_MEASURE, "cannot copy \"%s\": folders are nested too deep",
			     w->root);
	while (rc == 0 && (found = dir_next(dir)) != NULL)
		rc = walk_entry(w,
				name[0] != '\0' ? arena_printf(w->arena, "%s/%s", name, found)
						: arena_strdup(w->arena, found),
				depth, e);
	if (rc == 0 && errno != 0)
		rc = not_looked(path, e);
	(void)closedir(dir); /* only read from */
	return rc;
}

/* --- how large --- */

static int check_most(const struct walk *w, struct err *e)
{
	char text[NUM_REAL_MAX];

	if (w->size.bytes > w->most->bytes) {
		num_format_size(w->most->bytes, text);
		return err_set(e, ERR_MEASURE, "\"%s\" holds more than %s", w->root, text);
	}
	if (w->size.entries > w->most->entries)
		return err_set(e, ERR_MEASURE, "\"%s\" holds more than %lld files", w->root,
			       (long long)w->most->entries);
	return 0;
}

static int add_size(struct walk *w, const char *name, const struct stat *st, struct err *e)
{
	(void)name;
	w->size.entries++;
	w->size.bytes += S_ISREG(st->st_mode) ? st->st_size : 0;
	return check_most(w, e);
}

int copy_measure(const char *path, const struct copy_size *most, struct copy_size *out,
		 struct err *e)
{
	struct walk w = {.root = path, .visit = add_size, .most = most};
	struct stat st;
	int rc;

	if (stat(path, &st) < 0)
		return not_looked(path, e);
	w.arena = arena_new();
	rc = add_size(&w, "", &st, e);
	if (rc == 0 && S_ISDIR(st.st_mode))
		rc = walk_below(&w, "", 0, e);
	arena_free(w.arena);
	if (rc == 0)
		*out = w.size;
	return rc;
}

/* --- files --- */

static int copy_through(int from, int to)
{
	char *block = xmalloc(BLOCK_BYTES);
	ssize_t n;

	do {
		n = read(from, block, BLOCK_BYTES);
		if (n > 0 && file_write_all(to, block, (size_t)n) != 0)
			n = -1;
		else if (n < 0 && errno == EINTR)
			n = 1;
	} while (n > 0);
	free(block);
	return n < 0 ? -1 : 0;
}

static int copy_bytes(int from, int to)
{
	bool is_begun = false;
	ssize_t n;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	do {
		n = copy_file_range(from, NULL, to, NULL, SSIZE_MAX / 2, 0);
		is_begun = is_begun || n > 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	/* Other file systems, old kernels; and files of /proc, of which it copies nothing. */
	return n < 0 && is_begun ? -1 : copy_through(from, to);
}

/* The owner first: giving a file away takes setuid from it. */
static int keep_attributes(int fd, const struct stat *st)
{
	const struct timespec times[] = {st->st_atim, st->st_mtim};

	/* Only root may give files away, the group its members: whoever needs more looks. */
	if (fchown(fd, st->st_uid, st->st_gid) != 0 && fchown(fd, (uid_t)-1, st->st_gid) != 0)
		errno = 0;
	return fchmod(fd, st->st_mode & 07777) != 0 ? -1 : futimens(fd, times);
}

static int copy_file(const char *from, const char *to, struct err *e)
{
	struct stat st;
	int in = file_open(from, &st, e), out, rc;

	if (in < 0)
		return -1;
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	rc = out < 0 || copy_bytes(in, out) != 0 || keep_attributes(out, &st) != 0
		     ? not_copied(from, e)
		     : 0;
	if (out >= 0 && close(out) != 0 && rc == 0)
		rc = not_copied(from, e);
	(void)close(in); /* only read from */
	return rc;
}

static int copy_link(const char *from, const char *to, struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlink(from, target, sizeof(target) - 1);

	if (n < 0)
		return not_copied(from, e);
	target[n] = '\0';
	return symlink(target, to) != 0 ? not_copied(from, e) : 0;
}

static int copy_as(const char *from, const char *to, const struct stat *st, struct err *e)
{
	if (S_ISREG(st->st_mode))
		return copy_file(from, to, e);
	if (S_ISLNK(st->st_mode))
		return copy_link(from, to, e);
	if (S_ISDIR(st->st_mode))
		return mkdir(to, 0700) != 0 ? not_copied(from, e) : 0;
	if (S_ISFIFO(st->st_mode))
		return mkfifo(to, st->st_mode & 0777) != 0 ? not_copied(from, e) : 0;
	return err_set(e, ERR_MEASURE, "cannot copy \"%s\": %s", from,
		       S_ISSOCK(st->st_mode) ? "it is a socket" : "it is a device");
}

int copy_entry(const char *from, const char *to, struct err *e)
{
	struct stat st;

	return lstat(from, &st) < 0 ? not_looked(from, e) : copy_as(from, to, &st, e);
}

static int copy_below(struct walk *w, const char *name, const struct stat *st, struct err *e)
{
	return copy_as(arena_printf(w->arena, "%s/%s", w->root, name),
		       arena_printf(w->arena, "%s/%s", w->to, name), st, e);
}

int copy_tree(const char *from, const char *to, const atomic_bool *is_interrupted, struct err *e)
{
	struct walk w = {
		.root = from, .to = to, .visit = copy_below, .is_interrupted = is_interrupted};
	struct stat st;
	int rc;

	if (stat(from, &st) < 0)
		return not_looked(from, e);
	rc = copy_as(from, to, &st, e);
	if (rc == 0 && S_ISDIR(st.st_mode)) {
		w.arena = arena_new();
		rc = walk_below(&w, "", 0, e);
		arena_free(w.arena);
	}
	return rc;
}

int copy_hollow(const char *from, const char *to, struct err *e)
{
	struct stat st;
	int out, rc;

	if (stat(from, &st) < 0)
		return not_looked(from, e);
	if (!S_ISREG(st.st_mode))
		return copy_tree(from, to, NULL, e);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	rc = out < 0 || ftruncate(out, st.st_size) != 0 || keep_attributes(out, &st) != 0
		     ? not_copied(from, e)
		     : 0;
	if (out >= 0 && close(out) != 0 && rc == 0)
		rc = not_copied(from, e);
	return rc;
}

int copy_remove(const char *path, struct err *e)
{
	if (remove(path) == 0 || errno == ENOENT || errno == ENOTDIR)
		return 0;
	return err_set(e, ERR_MEASURE, "could not remove \"%s\": %s", path, strerror(errno));
}
