/*
 * compare: what is on disk against the tree, both directions.
 *
 * Every directory is opened again component by component without following links and read to its
 * end: each name found must be in the tree, and as many must be found as the tree has. The files of
 * a large one are shared out in pieces, so that its thread is not the last one at work. Files are
 * read back whole and their SHA-256 compared with the one taken from the re-hashed object; type,
 * permission bits, size, link count, file system and symlink targets must be exact, the owner that
 * of the root, and no program may have capabilities.
 *
 * What is compared is the tree in scratch or a warm copy of it. Of a warm copy stamps are taken on
 * the way, each before its file is read; the caller may be content with those (warm.c).
 */
#include "rollback/room.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"
#include "runner/io/acl.h"
#include "runner/io/digest.h"
#include "runner/io/dir.h"
#include "runner/io/place.h"

#define MODE_DIRECTORY 0755
#define PIECE_CHILDREN 64

static const char *shown(struct worker *w, const struct entry *entry)
{
	return str_escaped(w->a, *entry->path ? entry->path : "/");
}

static int differs(struct worker *w, const struct entry *entry, const char *how)
{
	const struct copy *copy = w->v->copy;

	w->first.order = entry->order;
	return step_find(&w->first, OUTCOME_FAIL, copy->remedy, "%s \"%s\" %s", copy->words,
			 shown(w, entry), how);
}

static int unreadable(struct worker *w, const struct entry *entry)
{
	int error = errno;

	w->first.order = entry->order;
	return step_find(&w->first, OUTCOME_UNDECIDED, w->v->copy->remedy,
			 "could not read back \"%s\": %s", shown(w, entry), strerror(error));
}

/* The root's ctime is not its own: moving the copy into its place changes it. */
static void stamp(const struct copy *copy, const struct entry *entry, const struct stat *st)
{
	struct stamp *at = copy->stamps ? &copy->stamps[entry->order] : NULL;

	if (!at)
		return;
	at->size_bytes = S_ISDIR(st->st_mode) ? 0 : (int64_t)st->st_size;
	at->mtime_ns = place_ns(st->st_mtim);
	at->ctime_ns = *entry->path ? place_ns(st->st_ctim) : 0;
	at->inode = st->st_ino;
	at->mode = st->st_mode;
	at->n_links = (uint32_t)st->st_nlink;
}

/* A descriptor of a directory of the restored tree, no component of which is a link; -1 with errno.
 */
static int open_directory(struct worker *w, const struct entry *dir)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(w->v->copy->root_fd, ".", flags);
	char name[ROOM_MAX_PATH + 1];

	for (const char *p = dir->path; fd >= 0 && *p;) {
		size_t n = strcspn(p, "/");
		int next, error;

		memcpy(name, p, n);
		name[n] = '\0';
		next = openat(fd, name, flags);
		error = errno;
		(void)close(fd); /* only read */
		errno = error;
		fd = next;
		p += n;
		p += strspn(p, "/");
	}
	return fd;
}

/* What it covers is not looked at, and stands there when it is gone. */
static int compare_mount(struct worker *w, const struct entry *entry, int fd)
{
	return place_is_mounted(fd) ? differs(w, entry, "has something mounted on it") : 0;
}

/* To its end: a read that is not filled and has brought all there is to be saves another one. */
static int compare_bytes(struct worker *w, const struct entry *entry, int fd)
{
	unsigned char digest[SHA256_BYTES];
	int64_t n_read = 0;
	struct sha256 h;
	ssize_t n;

	sha256_init(&h);
	do {
		if (n_read > 0 && room_is_late(w->v))
			return room_late(w->v, &w->first);
		n = read(fd, w->buffer, WORKER_BUFFER);
		if (n < 0)
			return unreadable(w, entry);
		sha256_add(&h, w->buffer, (size_t)n);
		n_read += n;
	} while (n == WORKER_BUFFER || (n > 0 && n_read < entry->size_bytes));
	sha256_final(&h, digest);
	if (memcmp(digest, entry->sha256, SHA256_BYTES) != 0)
		return differs(w, entry, "holds other bytes than the tag");
	return 0;
}

/* The owner may change it whenever it was proven. */
static int compare_owner(struct worker *w, const struct entry *entry, const struct stat *st)
{
	uid_t owner = w->v->copy->owner;

	if (st->st_uid == owner)
		return 0;
	return differs(w, entry,
		       arena_printf(w->a, "belongs to user %lld, and all of it to user %lld",
				    (long long)st->st_uid, (long long)owner));
}

/* What lstat knows of a file; its bytes are not read here. */
static int compare_stat(struct worker *w, const struct entry *entry, const struct stat *st)
{
	mode_t mode = entry->type == ENTRY_EXECUTABLE ? 0755 : 0644;

	if (!S_ISREG(st->st_mode))
		return differs(w, entry, "is not a regular file");
	if ((st->st_mode & 07777) != mode)
		return differs(w, entry, "has other permission bits than the tag");
	if (st->st_nlink != 1)
		return differs(w, entry, "is linked from elsewhere");
	if (st->st_size != entry->size_bytes)
		return differs(w, entry, "has another size than the tag");
	if (st->st_dev != w->v->copy->device)
		return differs(w, entry, "is on another file system");
	if (compare_owner(w, entry, st) < 0)
		return -1;
	stamp(w->v->copy, entry, st);
	return 0;
}

static int compare_file(struct worker *w, const struct entry *entry, int dir)
{
	int fd = openat(dir, entry->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), rc = 0;
	struct stat st;

	if (fd < 0 && errno == ELOOP)
		return differs(w, entry, "is a symbolic link, the tag has a file");
	if (fd < 0 && errno == ENOENT)
		return differs(w, entry, "is not there");
	if (fd < 0 || fstat(fd, &st) < 0)
		rc = unreadable(w, entry);
	else
		rc = compare_stat(w, entry, &st);
	if (rc == 0)
		rc = compare_mount(w, entry, fd);
	if (rc == 0 && entry->type == ENTRY_EXECUTABLE && acl_gives_privileges(fd))
		rc = differs(w, entry, "has capabilities of its own, which no tag gives");
	if (rc == 0)
		rc = compare_bytes(w, entry, fd);
	worker_did(w, entry->size_bytes);
	if (fd >= 0)
		(void)close(fd); /* only read */
	return rc;
}

static int compare_stamp(struct worker *w, const struct entry *entry, int dir)
{
	struct stat st;

	if (fstatat(dir, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? differs(w, entry, "is not there") : unreadable(w, entry);
	return compare_stat(w, entry, &st);
}

static int compare_link(struct worker *w, const struct entry *entry, int dir)
{
	char target[ROOM_MAX_PATH + 2];
	ssize_t n = readlinkat(dir, entry->name, target, sizeof(target));
	struct stat st;

	if (n < 0 && errno == EINVAL)
		return differs(w, entry, "is not a symbolic link");
	if (n < 0)
		return unreadable(w, entry);
	if (n != entry->size_bytes || memcmp(target, entry->target, (size_t)n) != 0)
		return differs(w, entry, "points elsewhere than in the tag");
	if (fstatat(dir, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return unreadable(w, entry);
	if (compare_owner(w, entry, &st) < 0)
		return -1;
	stamp(w->v->copy, entry, &st);
	return 0;
}

static int compare_directory(struct worker *w, const struct entry *entry, const struct stat *st)
{
	if (!S_ISDIR(st->st_mode))
		return differs(w, entry, "is not a directory");
	if ((st->st_mode & 07777) != MODE_DIRECTORY)
		return differs(w, entry, "has other permission bits than a checkout gives (0755)");
	if (st->st_dev != w->v->copy->device)
		return differs(w, entry, "is on another file system");
	if (compare_owner(w, entry, st) < 0)
		return -1;
	stamp(w->v->copy, entry, st);
	return 0;
}

static bool is_file(const struct entry *entry)
{
	return entry->type == ENTRY_FILE || entry->type == ENTRY_EXECUTABLE;
}

/* Files are compared by piece. */
static int compare_other(struct worker *w, const struct entry *entry, int dir)
{
	struct stat st;

	if (entry->type == ENTRY_SYMLINK)
		return compare_link(w, entry, dir);
	if (entry->type == ENTRY_SUBMODULE) /* closure has refused to prove such a tag */
		return differs(w, entry, "is a submodule, which is never restored");
	if (fstatat(dir, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return unreadable(w, entry);
	return compare_directory(w, entry, &st);
}

static void find_absent(struct worker *w, const struct entry *dir, int fd)
{
	struct stat st;

	for (size_t i = 0; i < dir->n_children; i++)
		if (!is_file(dir->children[i]) &&
		    fstatat(fd, dir->children[i]->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			differs(w, dir->children[i], "is not there");
}

/* Every other directory is looked at as its parent's entry. */
static void compare_root(struct worker *w, const struct entry *root, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		unreadable(w, root);
	else
		compare_directory(w, root, &st);
}

static bool goes_on(struct worker *w)
{
	return !step_is_full(&w->first) && !room_is_late(w->v);
}

/* Closes fd. */
static void compare_names(struct worker *w, const struct entry *dir, int fd)
{
	const char *name = "";
	size_t n_found = 0;
	DIR *stream = dir_open(fd);

	if (!stream) {
		unreadable(w, dir);
		return;
	}
	while (goes_on(w) && (name = dir_next(stream))) {
		const struct entry *entry = entry_child(dir, name, strlen(name));

		if (entry) {
			n_found++;
			if (!is_file(entry))
				compare_other(w, entry, fd);
		} else {
			w->first.order = dir->order;
			step_find(&w->first, OUTCOME_FAIL, w->v->copy->remedy,
				  "%s \"%s\" has \"%s\", which is not in the tag",
				  w->v->copy->words, shown(w, dir), str_escaped(w->a, name));
		}
	}
	if (!name && errno)
		unreadable(w, dir);
	else if (!name && n_found != dir->n_children)
		find_absent(w, dir, fd);
	(void)closedir(stream); /* only read */
}

static void compare_task(struct worker *w, size_t i)
{
	const struct piece *piece = &w->v->copy->pieces[i];
	const struct entry *dir = piece->directory;
	int fd = open_directory(w, dir);

	if (fd < 0) {
		if (piece->first == 0) /* once is enough */
			unreadable(w, dir);
		return;
	}
	if (piece->first == 0 && !*dir->path)
		compare_root(w, dir, fd);
	else if (piece->first == 0)
		(void)compare_mount(w, dir, fd); /* told in steps */
	for (size_t k = piece->first; k < piece->first + piece->n && goes_on(w); k++)
		if (is_file(dir->children[k]))
			(w->v->copy->is_by_stamp ? compare_stamp
						 : compare_file)(w, dir->children[k], fd);
	if (piece->first == 0)
		compare_names(w, dir, fd);
	else
		(void)close(fd); /* only read */
}

/* All children of all directories; a directory without any is a piece as well. */
static const struct piece *pieces_of(const struct verification *v, size_t *n)
{
	const struct entries *all = &v->plan.directories;
	struct piece *pieces;

	*n = 0;
	for (size_t i = 0; i < all->n; i++)
		*n += 1 + all->items[i]->n_children / PIECE_CHILDREN;
	pieces = arena_array(v->a, *n, sizeof(*pieces));
	*n = 0;
	for (size_t i = 0; i < all->n; i++) {
		const struct entry *dir = all->items[i];
		size_t first = 0;

		do {
			size_t left = dir->n_children - first;

			pieces[(*n)++] = (struct piece){
				dir, first, left < PIECE_CHILDREN ? left : PIECE_CHILDREN};
			first += PIECE_CHILDREN;
		} while (first < dir->n_children);
	}
	return pieces;
}

int compare_copy(struct verification *v, const struct copy *copy, struct step *s)
{
	struct copy shared = *copy;
	size_t n, worth;
	int rc;

	shared.pieces = pieces_of(v, &n);
	worth = 1 + v->plan.files.n / n;
	v->copy = &shared;
	rc = crew_run(v, n, worth, compare_task, s, NULL);
	v->copy = NULL;
	return rc;
}

int compare_run(struct verification *v, struct step *s)
{
	struct copy restored = {.root_fd = v->root_fd, .words = "restored"};
	struct stat st;

	if (fstat(v->root_fd, &st) < 0)
		return step_find(s, OUTCOME_UNDECIDED, NULL, "could not read back \"/\": %s",
				 strerror(errno));
	restored.device = st.st_dev;
	restored.owner = st.st_uid;
	return compare_copy(v, &restored, s);
}
