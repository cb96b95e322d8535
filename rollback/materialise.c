/*
 * materialise: the tag's tree, written into a private directory.
 *
 * Each blob is read once: the bytes whose hash libgit2 just checked are the bytes written, and
 * their SHA-256 is what compare expects to find on disk. The pass therefore serves two steps; its
 * time is shared out as the workers spent it, reading to closure and writing to materialise.
 *
 * Nothing can be written outside: the directory is new and ours (mode 0700), directories are made
 * from names that were checked, files are created with O_EXCL | O_NOFOLLOW, and symbolic links come
 * into being only after every file is closed. Room for bytes and inodes is checked first.
 */
#include "rollback/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/digest.h"
#include "runner/io/file.h"
#include "runner/io/git.h"

#define BLOCK_BYTES 4096 /* what the smallest file takes on usual file systems */

static int check_room(struct verification *v, struct step *s)
{
	const struct tree_plan *plan = &v->plan;
	int64_t n_inodes = (int64_t)(plan->files.n + plan->links.n + plan->directories.n);
	int64_t bytes, inodes, needed = plan->n_bytes + n_inodes * BLOCK_BYTES;
	char free_text[NUM_REAL_MAX], needed_text[NUM_REAL_MAX];
	struct err e = {0};
	const char *remedy =
		arena_printf(v->a, "df -h %s; df -i %s", str_as_word(v->a, v->scratch_parent),
			     str_as_word(v->a, v->scratch_parent));

	if (file_free_space(v->scratch, &bytes, &inodes, &e) < 0)
		return step_find(s, OUTCOME_UNDECIDED, remedy, "%s", e.message);
	num_format_size(bytes, free_text);
	num_format_size(needed, needed_text);
	if (bytes < needed)
		return step_find(s, OUTCOME_UNDECIDED, remedy,
				 "no room to restore in \"%s\": %s free, %s needed",
				 v->scratch_parent, free_text, needed_text);
	if (inodes < n_inodes)
		return step_find(s, OUTCOME_UNDECIDED, remedy,
				 "no room to restore in \"%s\": %lld inodes free, %lld needed",
				 v->scratch_parent, (long long)inodes, (long long)n_inodes);
	return 0;
}

/* The finding for a path that could not be created or written. */
static int refused(struct step *s, const struct entry *entry, int error)
{
	const char *path = str_escaped(s->a, entry->path);

	if (error == EEXIST)
		return step_find(s, OUTCOME_FAIL,
				 "set restore: { scratch: } to a file system that "
				 "tells these names apart",
				 "\"%s\" exists already: scratch cannot tell two names apart",
				 path);
	if (error == ENAMETOOLONG || error == EILSEQ || error == EINVAL)
		return step_find(s, OUTCOME_FAIL, NULL, "\"%s\" cannot be created: %s", path,
				 strerror(error));
	return step_find(s, OUTCOME_UNDECIDED, NULL, "could not write \"%s\" in scratch: %s", path,
			 strerror(error));
}

static int open_root(struct verification *v, struct step *s)
{
	struct stat st;
	const char *root = arena_printf(v->a, "%s/tree", v->scratch);

	if (mkdir(root, 0755) < 0)
		return refused(s, v->plan.root, errno);
	v->root_fd = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (v->root_fd < 0 || fstat(v->root_fd, &st) < 0)
		return refused(s, v->plan.root, errno);
	v->is_umask_plain = (st.st_mode & 07777) == 0755;
	if (!v->is_umask_plain && fchmod(v->root_fd, 0755) < 0)
		return refused(s, v->plan.root, errno);
	return 0;
}

int materialise_begin(struct verification *v, struct step *s)
{
	const struct entries *list = &v->plan.directories;
	struct err e = {0};

	if (scratch_hold(v->a, v->scratch_parent, &v->held, &e) < 0)
		return step_find(s, OUTCOME_UNDECIDED,
				 "set restore: { scratch: } to a directory that can be written",
				 "%s", e.message);
	v->scratch = v->held.path;
	room_progress_begin(v);
	if (check_room(v, s) < 0 || open_root(v, s) < 0)
		return -1;
	for (size_t i = 1; i < list->n; i++) {
		const char *path = list->items[i]->path;

		if (mkdirat(v->root_fd, path, 0755) < 0 ||
		    (!v->is_umask_plain && fchmodat(v->root_fd, path, 0755, 0) < 0))
			return refused(s, list->items[i], errno);
		if (i % 256 == 0 && room_is_late(v))
			return room_late(v, s);
	}
	return 0;
}

static int create(struct worker *w, const struct entry *entry)
{
	mode_t mode = entry->type == ENTRY_EXECUTABLE ? 0755 : 0644;
	int fd = openat(w->v->root_fd, entry->path,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd >= 0 && !w->v->is_umask_plain && fchmod(fd, mode) < 0) {
		int error = errno;

		(void)close(fd); /* nothing was written */
		errno = error;
		return -1;
	}
	return fd;
}

static void broken(struct worker *w, const struct entry *entry, int error)
{
	w->is_broken = true;
	refused(&w->second, entry, error);
}

static void write_file(struct worker *w, const struct entry *entry, const char *data, size_t n)
{
	int fd = create(w, entry), rc;

	if (fd < 0) {
		broken(w, entry, errno);
		return;
	}
	rc = file_write_all(fd, data, n);
	if (rc < 0)
		broken(w, entry, errno);
	if (close(fd) < 0 && rc == 0)
		broken(w, entry, errno);
}

/*
 * Hashes an LFS object and, when fd_out >= 0, writes what it hashed. -1 when it could not be read
 * (the finding is made), -2 when it could not be written (errno).
 */
static int copy_lfs(struct worker *w, const struct entry *entry, int fd_in, int fd_out)
{
	unsigned char digest[SHA256_BYTES];
	struct sha256 h;
	ssize_t n;
	int rc = 0;

	sha256_init(&h);
	while ((n = read(fd_in, w->buffer, WORKER_BUFFER)) > 0 && !room_is_late(w->v)) {
		sha256_add(&h, w->buffer, (size_t)n);
		if (fd_out >= 0 && rc == 0 && file_write_all(fd_out, w->buffer, (size_t)n) < 0)
			rc = -2;
	}
	sha256_final(&h, digest);
	if (n > 0)
		return room_late(w->v, &w->first);
	if (n < 0)
		return step_find(&w->first, OUTCOME_UNDECIDED, NULL,
				 "LFS object %s could not be read: %s", entry->lfs->hex,
				 strerror(errno));
	if (memcmp(digest, entry->lfs->sha256, SHA256_BYTES) != 0)
		return step_find(&w->first, OUTCOME_FAIL, lfs_remedy(w->v, entry, w->a),
				 "LFS object %s of \"%s\" holds other bytes", entry->lfs->hex,
				 str_escaped(w->a, entry->path));
	return rc;
}

static void restore_lfs(struct worker *w, struct entry *entry)
{
	int in = lfs_open(w->v, entry, &w->first), out = -1;

	if (in < 0)
		return;
	if (w->v->set->content == CONTENT_CHECKOUT) {
		out = create(w, entry);
		if (out < 0)
			broken(w, entry, errno);
	}
	if (copy_lfs(w, entry, in, out) == -2)
		broken(w, entry, errno);
	memcpy(entry->sha256, entry->lfs->sha256, SHA256_BYTES);
	if (out >= 0 && close(out) < 0)
		broken(w, entry, errno);
	(void)close(in); /* only read */
}

/* Restores a file whose attributes may change its bytes; true when that is done. */
static bool restore_changed(struct worker *w, struct entry *entry)
{
	struct verification *v = w->v;
	git_buf out = {0};
	bool is_same = true, is_certain = true;

	if (!w->view)
		w->view = attributes_view(v, worker_odb(w, entry));
	if (!w->view || attributes_apply(w->view, entry, &out, &is_same, &is_certain) < 0) {
		w->is_broken = true;
		step_find(&w->second, OUTCOME_UNDECIDED, NULL,
			  "could not apply the attributes of \"%s\": %s",
			  str_escaped(w->a, entry->path), str_escaped(w->a, git_door_message()));
		return true;
	}
	if (!is_certain)
		step_find(&w->second, OUTCOME_UNDECIDED,
			  "remove the ident attribute from .gitattributes, or keep a single $Id$",
			  "\"%s\" has several $Id$, or one that another program expanded: what a "
			  "checkout writes cannot be told",
			  str_escaped(w->a, entry->path));
	else if (!is_same && v->set->content == CONTENT_RAW)
		step_find(&w->second, OUTCOME_UNDECIDED, "set content: checkout",
			  "\"%s\" is stored with other bytes than a checkout writes (%s)",
			  str_escaped(w->a, entry->path),
			  entry->changes & CHANGE_EOL ? "eol=crlf" : "ident");
	if (!is_same && v->set->content == CONTENT_CHECKOUT) {
		entry->size_bytes = (int64_t)out.size;
		sha256_of(out.ptr, out.size, entry->sha256);
		write_file(w, entry, out.ptr, out.size);
	}
	git_buf_dispose(&out);
	return !is_same && v->set->content == CONTENT_CHECKOUT;
}

static void restore_entry(struct worker *w, struct entry *entry, const void *data,
			  const unsigned char *digest)
{
	w->second.order = entry->order;
	if (entry->lfs) {
		restore_lfs(w, entry);
		if (w->v->set->content == CONTENT_CHECKOUT)
			return;
	}
	if ((entry->changes & (CHANGE_EOL | CHANGE_IDENT)) && restore_changed(w, entry))
		return;
	memcpy(entry->sha256, digest, SHA256_BYTES);
	write_file(w, entry, data, (size_t)entry->size_bytes);
}

/* A blob whose name is proven, to all of its places. */
static void restore_blob(struct worker *w, struct entry *owner, const void *data, size_t size)
{
	const struct clock *clock = w->v->req->clock;
	unsigned char digest[SHA256_BYTES];
	int64_t begin_us;

	sha256_of(data, size, digest);
	content_place(w->v, &owner->id, digest, size);
	begin_us = clock_monotonic_us(clock);
	for (struct entry *entry = owner; entry; entry = entry->next_same) {
		restore_entry(w, entry, data, digest);
		worker_did(w, entry->size_bytes);
	}
	w->second_us += clock_monotonic_us(clock) - begin_us;
}

/* Reads it by libgit2, if nothing else did. */
static void restore_task(struct worker *w, size_t i)
{
	struct entry *owner = w->v->plan.blobs.items[i];
	struct wanted wanted = room_wanted(w->v, owner);
	git_odb_object *blob;

	if (owner->is_read)
		return;
	w->first.order = owner->order;
	wanted.odb = worker_odb(w, owner);
	if (!wanted.odb || room_read(w->v, &wanted, &w->first, &blob) < 0)
		return;
	restore_blob(w, owner, git_odb_object_data(blob), git_odb_object_size(blob));
	git_odb_object_free(blob);
}

int materialise_run(struct verification *v, struct step *closure, struct step *s)
{
	const struct entries *links = &v->plan.links;

	if (pack_run(v, restore_blob, closure, s) < 0)
		return -1;
	pack_release(v);
	if (crew_run(v, v->plan.blobs.n, 1, restore_task, closure, s) < 0)
		return -1;
	for (size_t i = 0; i < links->n; i++)
		if (symlinkat(links->items[i]->target, v->root_fd, links->items[i]->path) < 0)
			return refused(s, links->items[i], errno);
	return 0;
}
