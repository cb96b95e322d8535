/*
 * oci_layout: a folder as tools write it: oci-layout, index.json, blobs/sha256/<digest>; or the
 * same in an uncompressed tar.
 *
 * Names of blobs come from digests that were looked at first, so no document leads out of the
 * folder; no symbolic link below it is followed, for the same reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/oci.h"
#include "audits/oci_tar.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/dir.h"
#include "runner/io/file.h"
#include "runner/io/json.h"
#include "runner/model/kind.h"

#define READ_BYTES (256 * 1024)

struct layout {
	struct oci_store store;
	const char *path;
	int blobs; /* blobs/sha256; -1 = there is none */
	int root;  /* the folder, or the tar */
	bool is_tar;
	struct map members; /* of the tar: name to struct oci_member */
};

static void close_layout(void *ptr)
{
	struct layout *l = ptr;

	if (l->blobs >= 0)
		(void)close(l->blobs); /* only read from */
	if (l->root >= 0)
		(void)close(l->root); /* only read from */
}

/* left bytes of fd from `at` on; INT64_MAX: up to its end. */
static enum oci_answer read_blob(struct layout *l, int fd, int64_t at, int64_t left,
				 struct oci_blob *into, struct err *e)
{
	struct probe *p = l->store.probe;
	char *block = xmalloc(READ_BYTES);
	enum oci_answer answer = OCI_UNREADABLE;

	for (;;) {
		ssize_t n = pread(fd, block, left < READ_BYTES ? (size_t)left : READ_BYTES, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			(void)err_set(e, ERR_MEASURE, "could not be read: %s", strerror(errno));
			break;
		}
		if (n == 0 || oci_blob_add(into, block, (size_t)n, e) < 0) {
			answer = n == 0 || into->is_too_long ? OCI_HERE : OCI_UNREADABLE;
			break;
		}
		at += n;
		left -= n;
		if (clock_monotonic_ms(p->world->clock) > p->deadline_ms) {
			(void)err_set(e, ERR_MEASURE, "could not be read to its end in time");
			break;
		}
	}
	free(block);
	return answer;
}

static enum oci_answer fetch_member(struct layout *l, const char *name, struct oci_blob *into,
				    struct err *e)
{
	const struct oci_member *member =
		map_get(&l->members, arena_printf(l->store.probe->arena, "blobs/sha256/%s", name));

	if (!member)
		return OCI_ABSENT;
	if (!member->is_file) {
		(void)err_set(e, ERR_MEASURE, "there is a link or device in its place, not a file");
		return OCI_WRONG;
	}
	return read_blob(l, l->root, member->offset, member->size, into, e);
}

static enum oci_answer fetch(struct oci_store *store, const struct oci_descriptor *d,
			     struct oci_blob *into, struct err *e)
{
	/* The store is the first member: this is the layout it is part of. */
	struct layout *l = (struct layout *)(void *)store;
	const char *name = d->digest + strlen("sha256:");
	struct stat st;

	if (l->is_tar)
		return fetch_member(l, name, into, e);
	if (l->blobs < 0)
		return OCI_ABSENT;
	if (fstatat(l->blobs, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return OCI_ABSENT;
		(void)err_set(e, ERR_MEASURE, "could not be looked at: %s", strerror(errno));
		return OCI_UNREADABLE;
	}
	if (!S_ISREG(st.st_mode)) {
		(void)err_set(e, ERR_MEASURE, "there is %s in its place, not a file",
			      S_ISLNK(st.st_mode)   ? "a symbolic link"
			      : S_ISDIR(st.st_mode) ? "a directory"
						    : "a special file");
		return OCI_WRONG;
	}

	int fd = file_open_at(l->blobs, name, &st, e);
	if (fd < 0)
		return OCI_UNREADABLE;
	enum oci_answer answer = read_blob(l, fd, 0, INT64_MAX, into, e);
	(void)close(fd); /* only read from */
	return answer;
}

static int read_member(struct layout *l, const char *name, struct buf *out, struct err *e)
{
	const struct oci_member *member = map_get(&l->members, name);
	struct oci_blob blob;

	if (!member || !member->is_file) {
		(void)err_set(e, ERR_MEASURE, "there is no file %s in it", name);
		return err_help(e,
				"an image layout has oci-layout, index.json and blobs/, as skopeo "
				"copy ... oci-archive:FILE writes it");
	}
	oci_blob_init(&blob, l->store.probe->arena, -1, out, false);
	enum oci_answer answer = read_blob(l, l->root, member->offset, member->size, &blob, e);
	oci_blob_release(&blob);
	if (blob.is_too_long)
		return err_set(e, ERR_MEASURE, "%s is longer than a document is", name);
	return answer == OCI_HERE ? 0 : -1;
}

static int read_json(struct layout *l, const char *name, struct buf *out, struct err *e)
{
	if (l->is_tar)
		return read_member(l, name, out, e);

	const char *path = arena_printf(l->store.probe->arena, "%s/%s", l->path, name);

	if (file_read(path, out, e) < 0)
		return err_help(e, "an image layout is a folder with oci-layout, index.json and "
				   "blobs/, as skopeo copy ... oci:FOLDER writes it");
	return 0;
}

static void free_json(void *doc)
{
	json_free(doc);
}

/* Is the version of the layout one that is known? */
static int check_version(struct layout *l, struct err *e)
{
	struct json_doc *doc;
	struct json_value v;
	struct buf text;

	buf_init(&text, OCI_MAX_DOCUMENT);
	int rc = read_json(l, "oci-layout", &text, e);
	if (rc == 0)
		rc = json_parse(text.data, text.len, &doc, e) < 0 ? err_context(e, "oci-layout")
								  : 0;
	buf_release(&text);
	if (rc < 0)
		return -1;
	arena_defer(l->store.probe->arena, free_json, doc);
	json_read(doc, json_member(json_root(doc), "imageLayoutVersion"), &v);
	if (v.type != JSON_IS_TEXT || strcmp(v.text, "1.0.0") != 0)
		return err_set(e, ERR_MEASURE,
			       "its oci-layout does not say imageLayoutVersion 1.0.0");
	return 0;
}

/* "v1, latest": what an index has instead of what was asked for. */
static const char *names_of(struct arena *a, const struct oci_document *index)
{
	const char *names = NULL;

	for (size_t i = 0; i < index->n_items && i < 20; i++)
		if (index->items[i].ref)
			names = arena_printf(a, "%s%s%s", names ? names : "", names ? ", " : "",
					     str_escaped(a, index->items[i].ref));
	return names ? names : "none";
}

static bool is_meant(const struct oci_descriptor *d, const char *ref)
{
	return !ref || str_equal(d->ref, ref) || strcmp(d->digest, ref) == 0;
}

/* Those that are asked for come first: what they lead to is theirs, whoever else leads to it. */
static int read_roots(struct layout *l, const char *ref, struct oci_root **roots, size_t *n,
		      struct err *e)
{
	struct arena *a = l->store.probe->arena;
	struct oci_document index;
	struct buf text;
	size_t at = 0, n_meant = 0;

	buf_init(&text, OCI_MAX_DOCUMENT);
	int rc = read_json(l, "index.json", &text, e);
	if (rc == 0 && oci_document_parse(a, text.data, text.len, &index, e) < 0)
		rc = err_context(e, "index.json");
	buf_release(&text);
	if (rc < 0)
		return -1;
	if (!index.is_index)
		return err_set(e, ERR_MEASURE, "its index.json is no index");
	if (index.n_items == 0)
		return err_set(e, ERR_MEASURE,
			       "its index.json is empty: \"manifests\" lists no image");
	*roots = arena_array(a, index.n_items, sizeof(**roots));
	*n = index.n_items;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < index.n_items; i++) {
			bool is_selected = is_meant(&index.items[i], ref);

			if (is_selected == (pass == 0))
				(*roots)[at++] = (struct oci_root){.descriptor = index.items[i],
								   .is_selected = is_selected};
			n_meant += is_selected && pass == 0;
		}
	if (n_meant == 0 && ref) {
		(void)err_set(e, ERR_MEASURE, "nothing in it is named \"%s\"", str_escaped(a, ref));
		return err_help(e, "the names there are: %s", names_of(a, &index));
	}
	return n_meant > 0 ? 0 : err_set(e, ERR_MEASURE, "its index.json lists no image");
}

/* The folder, or the tar with its members listed. */
static int open_root(struct layout *l, struct err *e)
{
	struct stat st;

	if (stat(l->path, &st) < 0 || S_ISDIR(st.st_mode)) {
		l->root = open(l->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return l->root >= 0
			       ? 0
			       : err_set(e, ERR_MEASURE, "could not open image layout \"%s\": %s",
					 l->path, strerror(errno));
	}
	l->is_tar = true;
	l->root = file_open(l->path, &st, e);
	if (l->root < 0)
		return -1;
	if (oci_tar_read(l->store.probe->arena, l->root, st.st_size, &l->members, e) < 0)
		return err_context(e, "image layout \"%s\"", l->path);
	return 0;
}

int oci_layout_open(struct probe *p, const char *path, struct oci_store **store,
		    struct oci_root **roots, size_t *n, struct err *e)
{
	const struct oci_spec *spec = p->checks[0]->spec;
	struct layout *l = arena_alloc(p->arena, sizeof(*l));

	l->store = (struct oci_store){.fetch = fetch, .where = path, .probe = p};
	l->path = path;
	l->blobs = -1;
	l->root = -1;
	arena_defer(p->arena, close_layout, l);
	if (open_root(l, e) < 0)
		return -1;
	if (check_version(l, e) < 0 || read_roots(l, spec->ref, roots, n, e) < 0)
		return err_context(e, "image layout \"%s\"", path);
	*store = &l->store;
	if (l->is_tar)
		return 0;
	l->blobs = openat(l->root, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (l->blobs < 0 && errno != ENOENT)
		return err_set(e, ERR_MEASURE, "could not open \"%s/blobs/sha256\": %s", path,
			       strerror(errno));
	return 0;
}

/* Names in the folder fd, which is closed; files of known blobs are passed over. */
static int list_orphans(struct oci_walk *w, int fd, const char *prefix, bool has_blobs,
			struct err *e)
{
	struct arena *a = w->probe->arena;
	DIR *dir = dir_open(fd);

	if (!dir)
		return err_set(e, ERR_MEASURE, "could not list \"%s\": %s", prefix,
			       strerror(errno));
	for (const char *name; (name = dir_next(dir)) != NULL;) {
		bool is_known =
			has_blobs ? map_get(&w->nodes, arena_printf(a, "sha256:%s", name)) != NULL
				  : strcmp(name, "sha256") == 0;

		if (!is_known)
			oci_find(w, OCI_ORPHAN, "%s/%s: nothing leads to it", prefix,
				 str_escaped(a, name));
	}
	int rc = errno ? err_set(e, ERR_MEASURE, "could not list \"%s\": %s", prefix,
				 strerror(errno))
		       : 0;
	(void)closedir(dir); /* only read from */
	return rc;
}

static void member_orphans(struct layout *l, struct oci_walk *w)
{
	static const char folder[] = "blobs/sha256/";
	struct arena *a = w->probe->arena;

	for (size_t i = 0; i < l->members.n; i++) {
		const char *name = l->members.entries[i].key;

		if (!str_starts(name, "blobs/") ||
		    (str_starts(name, folder) &&
		     map_get(&w->nodes, arena_printf(a, "sha256:%s", name + sizeof(folder) - 1))))
			continue;
		oci_find(w, OCI_ORPHAN, "%s: nothing leads to it", str_escaped(a, name));
	}
}

int oci_layout_orphans(struct oci_store *s, struct oci_walk *w, struct err *e)
{
	struct layout *l = (struct layout *)(void *)s;

	if (l->is_tar) {
		member_orphans(l, w);
		return 0;
	}

	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int blobs = openat(l->root, "blobs", flags);

	if (blobs < 0)
		return errno == ENOENT ? 0
				       : err_set(e, ERR_MEASURE, "could not open blobs/: %s",
						 strerror(errno));
	if (list_orphans(w, blobs, "blobs", false, e) < 0)
		return -1;
	if (l->blobs < 0)
		return 0;

	int sha256 = openat(l->root, "blobs/sha256", flags);
	if (sha256 < 0)
		return err_set(e, ERR_MEASURE, "could not open blobs/sha256: %s", strerror(errno));
	return list_orphans(w, sha256, "blobs/sha256", true, e);
}
