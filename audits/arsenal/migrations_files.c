/*
 * arsenal_migrations_files: what the repository's files may be instead, in a private copy.
 *
 * The copy lies below the challenge's own directory at the path that the files have, since some
 * frameworks read names of folders. A file of a new version is made by counting the first number in
 * its name, or its folder's, up; whether the framework takes it for another migration is asked of
 * the framework before it is used.
 */
#include "audits/arsenal/migrations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"

#define VERSIONS_TRIED 100

/* ---- files ---- */

static int could_not(const char *act, const char *path, struct err *e)
{
	return err_set(e, ERR_MEASURE, "could not %s \"%s\": %s", act, path, strerror(errno));
}

/* Every folder above the path. */
static int make_folders(struct arena *a, const char *path, struct err *e)
{
	char *partial = arena_strdup(a, path);

	for (char *s = partial + 1; *s; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		if (mkdir(partial, 0700) != 0 && errno != EEXIST)
			return could_not("make", partial, e);
		*s = '/';
	}
	return 0;
}

static int write_file(struct arena *a, const char *path, const void *data, size_t n, struct err *e)
{
	int fd, rc;

	if (make_folders(a, path, e) != 0)
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return could_not("write", path, e);
	rc = file_write_all(fd, data, n);
	if (rc != 0)
		(void)could_not("write", path, e);
	if (close(fd) != 0 && rc == 0)
		rc = could_not("write", path, e);
	return rc;
}

static int copy_one(struct arena *a, const char *from, const char *to, struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, MIGRATIONS_MAX_FILE_BYTES);
	rc = file_read(from, &text, e);
	if (rc == 0)
		rc = write_file(a, to, text.data, text.len, e);
	buf_release(&text);
	return rc;
}

static const char *copied(const struct books *b, const struct migration_file *f)
{
	return arena_printf(b->arena, "%s%s/%s", b->tree, f->dir, f->path);
}

static const struct check *with_paths(struct books *b)
{
	const struct check *c = b->challenge->check;
	struct migrations_spec *spec = arena_alloc(b->arena, sizeof(*spec));
	struct check *copy = arena_alloc(b->arena, sizeof(*copy));
	const char **paths = arena_array(b->arena, b->spec->paths.n, sizeof(*paths));

	*spec = *b->spec;
	*copy = *c;
	copy->spec = spec;
	for (size_t i = 0; i < spec->paths.n; i++)
		paths[i] = arena_printf(b->arena, "%s%s", b->tree, b->spec->paths.items[i]);
	spec->paths.items = paths;
	spec->ref = NULL;
	spec->root = b->tree;
	return copy;
}

static int copy_all(struct books *b, struct err *e)
{
	struct world *w = b->world;
	const char *text;
	size_t n;

	for (size_t i = 0; i < b->spec->paths.n; i++)
		if (make_folders(b->arena,
				 arena_printf(b->arena, "%s%s/", b->tree, b->spec->paths.items[i]),
				 e) != 0)
			return -1;
	for (size_t i = 0; i < w->n_files; i++) {
		text = "";
		n = 0;
		/* What cannot be read is no migration that was compared: its name is enough. */
		if (migrations_read(w, &w->files[i], &text, &n, e) != 0) {
			if (clock_monotonic_ms(b->probe.world->clock) > b->probe.deadline_ms)
				return -1;
			*e = (struct err){0};
		}
		if (write_file(b->arena, copied(b, &w->files[i]), text, n, e) != 0)
			return -1;
	}
	return 0;
}

void books_copy_files(struct books *b)
{
	struct err e = {0};

	b->tree = arena_printf(b->arena, "%s/files", b->challenge->scratch);
	b->copy = with_paths(b);
	if (copy_all(b, &e) != 0)
		b->uncopied = arena_strdup(b->arena, e.message);
}

/* ---- doing, and undoing ---- */

int books_do(struct books *b, const struct books_damage *d, struct err *e)
{
	if (!d->path && !d->to)
		return 0;
	if (d->to && make_folders(b->arena, d->to, e) != 0)
		return -1;
	if (d->like)
		return copy_one(b->arena, d->like, d->to, e);
	if (d->is_edit)
		return file_append(d->path, "x", 1, e);
	return rename(d->path, d->to) != 0 ? could_not("rename", d->path, e) : 0;
}

int books_undo(struct books *b, const struct books_damage *d, struct err *e)
{
	struct stat st;

	(void)b;
	if (!d->path && !d->to)
		return 0;
	if (d->like)
		return unlink(d->to) != 0 ? could_not("remove", d->to, e) : 0;
	if (d->is_edit)
		return stat(d->path, &st) != 0 || truncate(d->path, st.st_size - 1) != 0
			       ? could_not("mend", d->path, e)
			       : 0;
	return rename(d->to, d->path) != 0 ? could_not("mend", d->path, e) : 0;
}

/* ---- what the framework makes of it ---- */

struct seen {
	bool has_old; /* the migration of the key is there */
	bool has_new; /* one of a key that no file had */
};

static void look(const struct books *b, const struct world *w, const char *key, struct seen *out)
{
	for (size_t i = 0; i < w->n_migrations; i++) {
		out->has_old = out->has_old || strcmp(w->migrations[i].key, key) == 0;
		out->has_new = out->has_new || !map_get(&b->world->by_key, w->migrations[i].key);
	}
}

/* The files as they are damaged: false = the framework cannot read them so. */
static bool see(struct books *b, const struct books_damage *d, const char *key, struct seen *out)
{
	struct arena *arena = arena_new();
	struct probe p = b->probe;
	struct err e = {0};
	struct world *w;
	bool is_read = false;

	*out = (struct seen){0};
	p.arena = arena;
	p.checks = &b->copy;
	w = migrations_world(&p);
	w->framework = b->world->framework;
	w->table = b->world->table;
	w->db = b->world->db;
	if (books_do(b, d, &e) == 0) {
		is_read = migrations_list_files(w, &e) == 0 && migrations_of_files(w, &e) == 0;
		if (is_read)
			look(b, w, key, out);
		e = (struct err){0};
		if (books_undo(b, d, &e) != 0)
			b->uncopied = arena_strdup(b->arena, e.message);
	}
	arena_free(arena);
	return is_read;
}

/* ---- names ---- */

/* The path with the first number at or behind `at` higher by so much; NULL = there is none. */
static const char *counted_up(struct arena *a, const char *path, size_t at, size_t by)
{
	size_t n = strcspn(path + at, "0123456789"), digits;

	at += n;
	digits = strspn(path + at, "0123456789");
	if (digits == 0 || digits > 18)
		return NULL;
	return arena_printf(a, "%.*s%0*llu%s", (int)at, path, (int)digits,
			    strtoull(path + at, NULL, 10) + by, path + at + digits);
}

/* Of its own name, or of its folder's. */
static const char *next_path(struct books *b, const struct migration_file *f, size_t by)
{
	size_t at = (size_t)(f->base - f->path), folder = at > 0 ? at - 1 : 0;
	const char *path = counted_up(b->arena, f->path, at, by);

	while (folder > 0 && f->path[folder - 1] != '/')
		folder--;
	if (!path && at > 0)
		path = counted_up(b->arena, f->path, folder, by);
	return path ? arena_printf(b->arena, "%s%s/%s", b->tree, f->dir, path) : NULL;
}

/* Where the file would be another migration; NULL = no name makes it one. */
static const char *find_place(struct books *b, const struct migration *m, struct books_damage *d)
{
	struct stat st;
	struct seen seen;

	for (size_t by = 1; by <= VERSIONS_TRIED; by++) {
		d->to = next_path(b, m->file, by);
		if (!d->to)
			return NULL;
		if (lstat(d->to, &st) == 0)
			continue;
		if (see(b, d, m->key, &seen) && seen.has_new)
			return d->to;
		if (b->uncopied)
			return NULL;
	}
	return NULL;
}

/* ---- attacks ---- */

static const char *shown(const struct books *b, const char *path)
{
	return file_shown(b->arena, arena_printf(b->arena, "%s%s", b->tree, b->spec->root), path);
}

static void refuse(struct books *b, struct attack *a)
{
	if (!a->reason) /* it stays inconclusive */
		a->reason = arena_printf(b->arena, "no file name makes another migration of %s",
					 b->world->framework->title);
}

static void try_lost(struct books *b, const struct migration *m, const char *name)
{
	struct books_damage d = {
		.side = BOOKS_FILES,
		.path = copied(b, m->file),
		.to = arena_printf(b->arena, "%s/lost", b->challenge->scratch),
		.words = arena_printf(b->arena, "the file %s is gone", name),
	};
	unsigned findings = KNOWS(FOUND_MISSING);
	struct seen seen;

	/* a plan or journal still names it */
	if (!b->uncopied && see(b, &d, m->key, &seen) && seen.has_old)
		findings = KNOWS(FOUND_BROKEN);
	(void)books_add(b, BOOKS_FILE_LOST, name, findings, &d); /* to be tried */
}

/* The byte is behind the last: frameworks hash the whole file. */
static void try_edited(struct books *b, const struct migration *m, const char *name)
{
	const struct framework *f = b->world->framework;
	struct books_damage d = {
		.side = BOOKS_FILES,
		.path = copied(b, m->file),
		.is_edit = true,
		.words = arena_printf(b->arena, "the file %s has a byte more", name),
	};
	const struct applied *row = map_get(&b->world->row_by_key, m->key);
	struct attack *a = books_add(b, BOOKS_FILE_EDITED, name, KNOWS(FOUND_MODIFIED), &d);

	if (a->reason || !(f->knows & KNOWS(FOUND_MODIFIED)))
		return;
	if (m->is_unhashable || !row || !row->checksum || !*row->checksum) {
		a->settled = ATTACK_OUT_OF_REACH;
		a->reason = "the table keeps no checksum of it";
	}
}

static void try_added(struct books *b, const struct migration *m)
{
	struct books_damage d = {.side = BOOKS_FILES, .like = copied(b, m->file)};
	const char *to = b->uncopied ? NULL : find_place(b, m, &d);
	const char *name = to ? shown(b, to) : "";
	struct attack *a;

	d.to = to;
	d.words = to ? arena_printf(b->arena, "there is a file %s that was not applied", name)
		     : "there is a file that was not applied";
	a = books_add(b, BOOKS_FILE_ADDED, name, KNOWS(FOUND_PENDING), &d);
	if (!to)
		refuse(b, a);
}

static void try_renamed(struct books *b, const struct migration *m, const char *name)
{
	struct books_damage d = {.side = BOOKS_FILES, .path = copied(b, m->file)};
	const char *to = b->uncopied ? NULL : find_place(b, m, &d);
	struct attack *a;

	d.to = to;
	d.words = to ? arena_printf(b->arena, "the file %s is named %s", name, shown(b, to))
		     : arena_printf(b->arena, "the file %s has another name", name);
	a = books_add(b, BOOKS_FILE_RENAMED, name, KNOWS(FOUND_MISSING), &d);
	if (!to)
		refuse(b, a);
}

void books_survey_files(struct books *b)
{
	struct books_damage same = {.side = BOOKS_FILES, .words = "the files are copies"};
	const struct books_row *r = books_newest(b);
	const struct migration *m = r ? r->migration : NULL;
	const char *name;

	if (!b->uncopied)
		(void)books_add(b, BOOKS_IDENTITY, "files", 0, &same); /* to be tried as it is */
	if (!m)
		return;
	name = shown(b, copied(b, m->file));
	try_lost(b, m, name);
	try_edited(b, m, name);
	try_added(b, m);
	try_renamed(b, m, name);
}
