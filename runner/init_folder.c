/*
 * Folders: every file in it by its digest. A list that is there already (SHA256SUMS in the folder)
 * is taken; otherwise one is written beside the folder, where whoever changes the folder does not
 * change the list by the way. Links and special files cannot be listed and are named to be ignored.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/init_artifact.h"
#include "runner/io/digest.h"
#include "runner/io/dir.h"
#include "runner/io/file.h"
#include "runner/model/result.h"

#define MAX_DEPTH   100
#define MAX_FILES   100000
#define MAX_IGNORED 50
#define TIMEOUT_MS  120000

struct entry {
	const char *name;
	unsigned char digest[SHA256_BYTES];
};

struct folder {
	struct artifact *artifact;
	const char *manifest; /* absolute */
	bool is_given;	      /* it was there already */
	struct entry *entries;
	size_t n, cap;
	const char *ignored[MAX_IGNORED];
	size_t n_ignored;
	int64_t deadline_ms;
	struct buf digests;
};

static int walk(struct folder *d, int fd, const char *prefix, unsigned depth, struct err *e);

static int add_file(struct folder *d, int dir, const char *base, const char *name, struct err *e)
{
	struct entry entry = {.name = name};
	struct stat st;
	int64_t size;
	int fd, rc;

	if (d->is_given) /* its list says what it is */
		return 0;
	fd = file_open_at(dir, base, &st, e);
	if (fd < 0)
		return err_context(e, "%s", name);
	rc = sha256_file(fd, d->deadline_ms, entry.digest, &size, e);
	(void)close(fd); /* only read from */
	if (rc != 0)
		return err_context(e, "%s", name);
	if (d->n == MAX_FILES)
		return err_set(e, ERR_USAGE, "more than %d files are in \"%s\"", MAX_FILES,
			       d->artifact->subject->given);
	if (d->n == d->cap) {
		size_t cap = d->cap == 0 ? 64 : d->cap * 2;
		struct entry *grown = arena_array(d->artifact->arena, cap, sizeof(*grown));

		if (d->n > 0)
			memcpy(grown, d->entries, d->n * sizeof(*grown));
		d->entries = grown;
		d->cap = cap;
	}
	d->entries[d->n++] = entry;
	return 0;
}

static int ignore(struct folder *d, const char *name, struct err *e)
{
	if (d->n_ignored == MAX_IGNORED || strpbrk(name, "*?") || !str_is_utf8(name, strlen(name)))
		return err_set(e, ERR_USAGE, "too many links or special files are in \"%s\"",
			       d->artifact->subject->given);
	d->ignored[d->n_ignored++] = name;
	return 0;
}

static int visit(struct folder *d, int dir, const char *base, const char *name, unsigned depth,
		 struct err *e)
{
	struct stat st;
	int fd;

	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_set(e, ERR_MEASURE, "could not look at \"%s\": %s", name,
			       strerror(errno));
	if (S_ISREG(st.st_mode))
		return add_file(d, dir, base, name, e);
	if (!S_ISDIR(st.st_mode))
		return ignore(d, name, e);
	if (depth == MAX_DEPTH)
		return err_set(e, ERR_MEASURE, "\"%s\": folders are nested too deep", name);
	fd = openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, ERR_MEASURE, "could not open folder \"%s\": %s", name,
			       strerror(errno));
	return walk(d, fd, name, depth + 1, e);
}

/* Everything below the folder fd, which is closed in any case. */
static int walk(struct folder *d, int fd, const char *prefix, unsigned depth, struct err *e)
{
	struct arena *a = d->artifact->arena;
	DIR *dir = dir_open(fd);
	const char *name;
	int rc = 0;

	if (!dir)
		return err_set(e, ERR_MEASURE, "could not list \"%s\": %s", prefix,
			       strerror(errno));
	while (rc == 0 && (name = dir_next(dir)) != NULL)
		rc = visit(d, dirfd(dir), name,
			   *prefix ? arena_printf(a, "%s/%s", prefix, name) : arena_strdup(a, name),
			   depth, e);
	if (rc == 0 && errno != 0)
		rc = err_set(e, ERR_MEASURE, "could not list \"%s\": %s", prefix, strerror(errno));
	(void)closedir(dir); /* only read from */
	return rc;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int list(struct folder *d, struct err *e)
{
	struct artifact *t = d->artifact;
	int fd = open(t->absolute, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, ERR_MEASURE, "could not open folder \"%s\": %s",
			       t->subject->given, strerror(errno));
	d->deadline_ms = clock_monotonic_ms(&t->in->app->clock) + TIMEOUT_MS;
	if (walk(d, fd, "", 0, e) != 0)
		return err_context(e, "%s", t->subject->given);
	if (d->n == 0 && !d->is_given)
		return artifact_unmeasured(
			t, "a folder without a file in it is nothing to begin with", e);
	if (d->n == 0) /* its own list says what they are */
		return 0;
	qsort(d->entries, d->n, sizeof(*d->entries), compare_entries);
	for (size_t i = 0; i < d->n; i++)
		artifact_put_digest(&d->digests, d->entries[i].digest, d->entries[i].name);
	return 0;
}

static void release(void *ptr)
{
	struct folder *d = ptr;

	buf_release(&d->digests);
}

static int look(struct artifact *t, void **state, struct err *e)
{
	struct folder *d = arena_alloc(t->arena, sizeof(*d));

	*state = d;
	d->artifact = t;
	buf_init(&d->digests, BUF_UNBOUNDED); /* files are limited */
	arena_defer(t->arena, release, d);
	if (access(arena_printf(t->arena, "%s/oci-layout", t->absolute), F_OK) == 0)
		init_note(t->subject, "%s: this is an image layout: --oci %s knows more of it",
			  t->subject->given, t->subject->given);
	d->manifest = arena_printf(t->arena, "%s/SHA256SUMS", t->absolute);
	if (access(d->manifest, F_OK) == 0) {
		d->is_given = true;
		return list(d, e) == 0 ? 1 : -1;
	}
	d->manifest = arena_printf(t->arena, "%s.SHA256SUMS", t->absolute);
	if (artifact_check_free(t, d->manifest, e) != 0 || list(d, e) != 0)
		return -1;
	/* The draft reads a copy of our own. */
	if (file_write_atomic(
		    arena_printf(t->arena, "%s/%s.SHA256SUMS", t->in->scratch, t->subject->name),
		    d->digests.data, d->digests.len, e) != 0)
		return -1;
	return 1;
}

static void put_keys(struct buf *out, const struct folder *d, const char *manifest,
		     const char *root)
{
	(void)buf_puts(out, "digests: { manifest: ");
	init_put_text(out, manifest);
	if (!d->is_given) {
		(void)buf_puts(out, ", root: ");
		init_put_text(out, root);
	}
	if (d->n_ignored > 0) {
		(void)buf_puts(out, ", ignore: ");
		init_put_list(out, d->ignored, d->n_ignored);
	}
	(void)buf_puts(out, " }");
}

static void put_draft(const struct artifact *t, const void *state, struct buf *out)
{
	const struct folder *d = state;
	const char *copy =
		arena_printf(t->arena, "%s/%s.SHA256SUMS", t->in->scratch, t->subject->name);

	put_keys(out, d, d->is_given ? d->manifest : copy, t->absolute);
	(void)buf_puts(out, ", expect: \">= 0\"");
}

static int put(struct init_writer *w, struct artifact *t, void *state, struct err *e)
{
	const struct folder *d = state;
	const char *reason = "";
	const struct result *r = artifact_value(t, "digests", "", &reason);

	if (!r)
		return artifact_unmeasured(t, reason, e);
	if (r->value.integer > 0) {
		(void)err_set(e, ERR_MEASURE, "%s: differs from \"%s\": %.*s", t->subject->given,
			      file_shown(w->arena, t->in->app->cwd, d->manifest),
			      (int)strcspn(r->evidence ? r->evidence : "", "\n"),
			      r->evidence ? r->evidence : ""); /* -1 below */
		return err_help(e, "what differs from its own list is nothing to begin with");
	}
	init_put_id(w, "digests", NULL, NULL);
	(void)buf_printf(w->out, " # %lld file%s; each release has a list of its own\n        ",
			 (long long)r->n, r->n == 1 ? "" : "s");
	if (d->n_ignored > 0)
		(void)buf_printf(
			w->out, "# %zu link%s or special file%s cannot be listed\n        ",
			d->n_ignored, d->n_ignored == 1 ? "" : "s", d->n_ignored == 1 ? "" : "s");
	put_keys(w->out, d, init_path(t->in, d->manifest), t->path);
	(void)buf_putc(w->out, '\n');
	return 0;
}

static int finish(struct artifact *t, void *state, struct err *e)
{
	const struct folder *d = state;

	if (d->is_given)
		return 0;
	if (artifact_check_free(t, d->manifest, e) != 0 ||
	    file_write_atomic(d->manifest, d->digests.data, d->digests.len, e) != 0)
		return -1;
	init_note(t->subject, "%s: the digests of its files are in %s", t->subject->given,
		  file_shown(t->arena, t->in->app->cwd, d->manifest));
	return 0;
}

const struct artifact_part artifact_folder = {
	.id = "digests",
	.is_of_folders = true,
	.look = look,
	.put_draft = put_draft,
	.put = put,
	.finish = finish,
};
