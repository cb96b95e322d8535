/*
 * digests: a folder against its SHA256SUMS, in both directions.
 *
 * One walk through the folder, relative to open descriptors and never through a symbolic link,
 * digests every file the manifest lists and notes every one it does not. What the walk did not meet
 * is then looked up by name: gone, a link, below a link. A listed link is followed only when it
 * ends inside the root, as sha256sum -c would, since a digest that agrees cannot be forged by a
 * link.
 *
 * One file that cannot be read makes the whole no measurement: the differences found are a lower
 * bound, and a lower bound passes where the truth would not.
 */
#include "audits/digests.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/kind_rows.h"
#include "audits/manifest.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/digest.h"
#include "runner/io/dir.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

#define MAX_DEPTH      256 /* one descriptor a level */
#define EVIDENCE_LINES 50

static const struct key_row digests_keys[] = {
	{.name = "manifest",
	 .type = KEY_PATH,
	 .flags = KEY_REQUIRED | KEY_POLICY | KEY_WORLD,
	 .offset = offsetof(struct digests_spec, manifest),
	 .help = "list of SHA-256 digests as sha256sum writes it, relative to the definition",
	 .example = "dist/SHA256SUMS"},
	{.name = "root",
	 .type = KEY_PATH,
	 .flags = KEY_WORLD,
	 .offset = offsetof(struct digests_spec, root),
	 .help = "folder the names are relative to, that of the manifest if absent",
	 .example = "dist"},
	{.name = "ignore",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct digests_spec, ignore),
	 .help = "names below the root that need not be listed; * also matches /",
	 .example = "[\"*.asc\", \".git\"]"},
	{.name = "exact",
	 .type = KEY_BOOL,
	 .offset = offsetof(struct digests_spec, exact),
	 .def = "true",
	 .help = "a file that is not listed is a difference"},
	KEY_END,
};

static const struct value_row digests_values[] = {
	{.name = "",
	 .type = VALUE_INT,
	 .unit = "differences",
	 .implied = "== 0",
	 .help = "differences between the manifest and the folder"},
	{.name = NULL},
};

/* Worst first: the order of evidence. */
enum finding_class { FOUND_UNREADABLE, FOUND_DIFFERENT, FOUND_MISSING, FOUND_NO_FILE, FOUND_EXTRA };

struct finding {
	enum finding_class class;
	const char *name; /* escaped */
	const char *text;
};

struct walk {
	struct probe *probe;
	const struct digests_spec *spec;
	const char *root;
	struct manifest manifest;
	struct stat manifest_st; /* itself is not a file of the folder */
	struct finding *findings;
	size_t n, cap;
	size_t n_unreadable;
	int64_t n_files; /* looked at */
};

static void digests_check(struct keys_context *ctx, struct check *c)
{
	struct digests_spec *spec = c->spec;
	const struct node *node = node_get(c->spec_node, "manifest");

	spec->place = ctx->root_dir && node ? file_absolute(ctx->arena, ctx->root_dir, node->text)
					    : spec->manifest;
}

static void digests_describe(struct probe *p, struct buf *out)
{
	const struct digests_spec *spec = p->checks[0]->spec;

	(void)buf_printf(out, "%s against %s\n", spec->manifest, /* the definition is bounded */
			 spec->root ? spec->root : "its folder");
}

static void add(struct walk *w, enum finding_class class, const char *name, const char *text)
{
	if (w->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 16;
		struct finding *grown = arena_array(w->probe->arena, cap, sizeof(*grown));

		if (w->n > 0)
			memcpy(grown, w->findings, w->n * sizeof(*grown));
		w->findings = grown;
		w->cap = cap;
	}
	w->findings[w->n++] = (struct finding){
		.class = class,
		.name = str_escaped(w->probe->arena, name),
		.text = text,
	};
	w->n_unreadable += class == FOUND_UNREADABLE;
}

static void add_unreadable(struct walk *w, const char *name, int error)
{
	add(w, FOUND_UNREADABLE, name,
	    arena_printf(w->probe->arena, "could not be read: %s", strerror(error)));
}

/* Digests the open file of a listed entry. -1: time is up; anything else is a finding. */
static int compare_digest(struct walk *w, const struct manifest_entry *entry, int fd, struct err *e)
{
	struct arena *a = w->probe->arena;
	unsigned char digest[SHA256_BYTES];
	char want[SHA256_HEX], got[SHA256_HEX];
	struct err failure = {.class = ERR_NONE};
	int64_t size;

	w->n_files++;
	if (sha256_file(fd, w->probe->deadline_ms, digest, &size, &failure) < 0) {
		if (clock_monotonic_ms(w->probe->world->clock) > w->probe->deadline_ms)
			return err_set(e, ERR_MEASURE,
				       "did not finish in time: %lld files digested",
				       (long long)w->n_files - 1);
		add(w, FOUND_UNREADABLE, entry->name, arena_strdup(a, failure.message));
		return 0;
	}
	if (memcmp(digest, entry->digest, SHA256_BYTES) == 0)
		return 0;
	sha256_hex(entry->digest, want);
	sha256_hex(digest, got);
	add(w, FOUND_DIFFERENT, entry->name,
	    arena_printf(a, "digest differs (expected %.12s\xE2\x80\xA6, found %.12s\xE2\x80\xA6)",
			 want, got));
	return 0;
}

static bool is_ignored(const struct walk *w, const char *name)
{
	for (size_t i = 0; i < w->spec->ignore.n; i++)
		if (str_glob(w->spec->ignore.items[i], name))
			return true;
	return false;
}

static bool is_manifest(const struct walk *w, const struct stat *st)
{
	return st->st_dev == w->manifest_st.st_dev && st->st_ino == w->manifest_st.st_ino;
}

static const char *type_words(mode_t mode)
{
	if (S_ISLNK(mode))
		return "a symbolic link that is not listed";
	if (S_ISFIFO(mode))
		return "a named pipe, not a file";
	if (S_ISSOCK(mode))
		return "a socket, not a file";
	return "a device, not a file";
}

static int visit_file(struct walk *w, int dir, const char *base, const char *name,
		      const struct stat *st, struct err *e)
{
	struct manifest_entry *entry = map_get(&w->manifest.by_name, name);

	if (!entry) {
		if (!is_manifest(w, st) && w->spec->exact && !is_ignored(w, name)) {
			w->n_files++;
			add(w, FOUND_EXTRA, name, "not listed");
		}
		return 0;
	}
	entry->is_seen = true;

	struct err failure = {.class = ERR_NONE};
	struct stat opened;
	int fd = file_open_at(dir, base, &opened, &failure);
	if (fd < 0) {
		add(w, FOUND_UNREADABLE, name, arena_strdup(w->probe->arena, failure.message));
		return 0;
	}

	int rc = compare_digest(w, entry, fd, e);
	(void)close(fd); /* only read from */
	return rc;
}

static int visit_directory(struct walk *w, int fd, const char *prefix, int depth, struct err *e);

static int visit(struct walk *w, int dir, const char *base, const char *name, int depth,
		 struct err *e)
{
	struct stat st;

	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		/* Gone since it was listed: if it matters the manifest still asks for it. */
		if (errno != ENOENT)
			add_unreadable(w, name, errno);
		return 0;
	}
	if (S_ISREG(st.st_mode))
		return visit_file(w, dir, base, name, &st, e);
	if (S_ISDIR(st.st_mode)) {
		if (is_ignored(w, name))
			return 0; /* what is listed below it is looked up by name */

		int fd = openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0) {
			add_unreadable(w, name, errno);
			return 0;
		}
		return visit_directory(w, fd, name, depth + 1, e);
	}
	/* A listed link or device is looked up by name at the end. */
	if (!map_get(&w->manifest.by_name, name) && w->spec->exact && !is_ignored(w, name))
		add(w, FOUND_NO_FILE, name, type_words(st.st_mode));
	return 0;
}

/* Everything below the directory fd, which is closed in any case. */
static int visit_directory(struct walk *w, int fd, const char *prefix, int depth, struct err *e)
{
	DIR *dir = dir_open(fd);
	const char *found;
	int rc = 0;

	if (!dir) {
		add_unreadable(w, prefix, errno);
		return 0;
	}
	if (depth >= MAX_DEPTH) {
		add(w, FOUND_UNREADABLE, prefix, "folders are nested too deep");
		(void)closedir(dir); /* only read from */
		return 0;
	}
	while (rc == 0 && (found = dir_next(dir)) != NULL) {
		if (clock_monotonic_ms(w->probe->world->clock) > w->probe->deadline_ms) {
			rc = err_set(e, ERR_MEASURE, "did not finish in time: %lld files digested",
				     (long long)w->n_files);
			break;
		}
		/* "." stands for the root: names below it carry no prefix. */
		const char *name = strcmp(prefix, ".") == 0
					   ? arena_strdup(w->probe->arena, found)
					   : arena_printf(w->probe->arena, "%s/%s", prefix, found);
		rc = visit(w, dirfd(dir), found, name, depth, e);
	}
	if (rc == 0 && errno != 0)
		add_unreadable(w, prefix, errno);
	(void)closedir(dir); /* only read from */
	return rc;
}

/* Is the resolved path below the resolved root? */
static bool is_below(const char *root, const char *path)
{
	size_t n = strlen(root);

	return strcmp(root, "/") == 0 || (strncmp(root, path, n) == 0 && path[n] == '/');
}

/* A listed entry that the walk did not digest. */
static int look_up(struct walk *w, const struct manifest_entry *entry, struct err *e)
{
	char resolved[PATH_MAX], root[PATH_MAX];
	const char *path = arena_printf(w->probe->arena, "%s/%s", w->root, entry->name);
	struct stat st;
	struct err failure = {.class = ERR_NONE};

	if (!realpath(path, resolved)) {
		if (errno == ENOENT || errno == ENOTDIR)
			add(w, FOUND_MISSING, entry->name,
			    lstat(path, &st) == 0 ? "a symbolic link that leads nowhere"
						  : "missing");
		else
			add_unreadable(w, entry->name, errno);
		return 0;
	}
	if (!realpath(w->root, root) || !is_below(root, resolved)) {
		add(w, FOUND_NO_FILE, entry->name, "a symbolic link leads out of the root");
		return 0;
	}
	if (stat(resolved, &st) == 0 && !S_ISREG(st.st_mode)) {
		add(w, FOUND_NO_FILE, entry->name,
		    S_ISDIR(st.st_mode) ? "a directory, not a file" : type_words(st.st_mode));
		return 0;
	}

	int fd = file_open(resolved, &st, &failure);
	if (fd < 0) {
		add(w, FOUND_UNREADABLE, entry->name,
		    arena_strdup(w->probe->arena, failure.message));
		return 0;
	}
	int rc = compare_digest(w, entry, fd, e);
	(void)close(fd); /* only read from */
	return rc;
}

static int compare_findings(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	return strcmp(x->name, y->name);
}

static const char *findings_text(struct walk *w)
{
	struct buf b;

	if (w->n == 0)
		return NULL;
	qsort(w->findings, w->n, sizeof(*w->findings), compare_findings);
	buf_init(&b, BUF_UNBOUNDED); /* bounded by the lines below and by probe_emit() */
	for (size_t i = 0; i < w->n && i < EVIDENCE_LINES; i++)
		(void)buf_printf(&b, "%s%s: %s", i > 0 ? "\n" : "", w->findings[i].name,
				 w->findings[i].text);
	if (w->n > EVIDENCE_LINES)
		(void)buf_printf(&b, "\nand %zu more", w->n - EVIDENCE_LINES);

	const char *text = arena_strndup(w->probe->arena, b.data, b.len);
	buf_release(&b);
	return text;
}

static int read_manifest(struct walk *w, struct err *e)
{
	struct arena *a = w->probe->arena;
	const char *path = w->spec->manifest;
	struct buf text;

	buf_init(&text, MANIFEST_MAX_BYTES);
	int rc = file_read(path, &text, e);
	if (rc == 0 && manifest_parse(a, text.data, text.len, &w->manifest, e) < 0)
		rc = err_context(e, "manifest \"%s\"", path);
	/* From a commit it need not be in the folder; then no file of the folder is it. */
	if (rc == 0 && stat(w->spec->place, &w->manifest_st) < 0 && !file_is_held_name(path))
		rc = err_set(e, ERR_MEASURE, "could not look at \"%s\": %s", path, strerror(errno));
	buf_release(&text);
	return rc;
}

static int walk_root(struct walk *w, struct err *e)
{
	int fd = open(w->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, ERR_MEASURE, "could not open folder \"%s\": %s", w->root,
			       strerror(errno));
	if (visit_directory(w, fd, ".", 0, e) < 0)
		return -1;
	for (size_t i = 0; i < w->manifest.by_name.n; i++) {
		const struct manifest_entry *entry = w->manifest.by_name.entries[i].value;

		if (!entry->is_seen && look_up(w, entry, e) < 0)
			return -1;
	}
	return 0;
}

const char *digests_root(struct arena *a, const struct digests_spec *spec)
{
	size_t n = (size_t)(strrchr(spec->place, '/') - spec->place); /* it is absolute */

	if (spec->root)
		return spec->root;
	return n == 0 ? "/" : arena_strndup(a, spec->place, n);
}

static int digests_probe(struct probe *p, struct err *e)
{
	const struct digests_spec *spec = p->checks[0]->spec;
	struct walk w = {.probe = p, .spec = spec};

	w.root = digests_root(p->arena, spec);
	if (read_manifest(&w, e) < 0 || walk_root(&w, e) < 0)
		return -1;

	struct measurement m = measurement_int("", (int64_t)w.n, "differences");
	if (w.n_unreadable > 0)
		m = measurement_none("",
				     arena_printf(p->arena, "%zu file%s could not be read",
						  w.n_unreadable, w.n_unreadable == 1 ? "" : "s"));
	m.evidence = findings_text(&w);
	m.n = w.n_files;
	m.query = arena_printf(p->arena, "%s against %s", spec->manifest, w.root);
	probe_emit(p, 0, &m);
	return 0;
}

const struct audit_kind audit_kind_digests = {
	.name = "digests",
	.family = "artifact",
	.summary = "a folder against its list of SHA-256 digests, in both directions",
	.blind = "It proves that the files are those the manifest lists, not that the manifest is "
		 "the "
		 "one that was released: whoever can replace both replaces both. Keep the manifest "
		 "where the builder cannot write, or sign it. Modes, owners, times, empty folders "
		 "and "
		 "extended attributes are not part of a digest.",
	.spec_size = sizeof(struct digests_spec),
	.keys = digests_keys,
	.values = digests_values,
	.scalar_key = "manifest",
	.check = digests_check,
	.arsenal = &arsenal_digests,
	.describe = digests_describe,
	.probe = digests_probe,
};
