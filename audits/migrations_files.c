/*
 * migrations_files: what is below the directories, from the work tree or from a commit.
 *
 * A directory is walked relative to open descriptors and never through a symbolic link, so that no
 * path leaves it; a link that is met is said, because a tool might have followed it. Hidden folders
 * and those that hold somebody else's code (node_modules and the like) are left out. Names come
 * first, content only for files that turn out to be migrations.
 */
#include "audits/migrations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/dir.h"
#include "runner/io/file.h"
#include "runner/io/git_files.h"
#include "runner/model/kind.h"

#define MAX_DEPTH 16

const char *migrations_shown(const struct world *w, const struct migration_file *f)
{
	const char *shown = file_shown(w->scratch, w->spec->root,
				       arena_printf(w->scratch, "%s/%s", f->dir, f->path));

	return w->spec->ref ? arena_printf(w->scratch, "%s:%s", w->spec->ref, shown) : shown;
}

struct walk {
	struct world *world;
	const char *dir;
};

/* Folders no framework keeps its migrations in. */
static bool is_foreign(const char *name)
{
	static const char *const names[] = {"node_modules", "__pycache__", "site-packages",
					    "vendor", "venv"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return *name == '.';
}

static bool has_foreign_part(struct arena *a, const char *path)
{
	char *rest = arena_strdup(a, path);
	char *slash;

	while ((slash = strchr(rest, '/'))) {
		*slash = '\0';
		if (is_foreign(rest))
			return true;
		rest = slash + 1;
	}
	return *rest == '.';
}

static int add_file(const struct walk *k, const char *path, struct err *e)
{
	struct world *w = k->world;
	const char *slash = strrchr(path, '/');
	struct migration_file *f;

	if (w->n_files == MIGRATIONS_MAX) {
		err_set(e, ERR_MEASURE, "more than %d files below \"%s\"", MIGRATIONS_MAX, k->dir);
		return err_help(e, "name the directory of the migrations itself");
	}
	w->files = migrations_grow(w, w->files, w->n_files, sizeof(*f));
	f = &w->files[w->n_files++];
	*f = (struct migration_file){.dir = k->dir, .path = path, .base = slash ? slash + 1 : path};
	for (const char *s = path; *s; s++)
		f->depth += *s == '/';
	return migrations_check_size(w, e);
}

/* A commit gives all files at once, those of foreign folders too. */
static int add_committed(void *ctx, const char *path, struct err *e)
{
	const struct walk *k = ctx;
	bool is_foreign_path = has_foreign_part(k->world->scratch, path);

	migrations_end_scratch(k->world);
	return is_foreign_path ? 0 : add_file(k, path, e);
}

static int could_not(struct walk *k, const char *path, struct err *e)
{
	return err_set(e, ERR_MEASURE, "could not read \"%s%s%s\": %s", k->dir, *path ? "/" : "",
		       path, strerror(errno));
}

static int walk_directory(struct walk *k, int fd, const char *path, int depth, struct err *e);

static int visit(struct walk *k, int dir, const char *base, const char *path, int depth,
		 struct err *e)
{
	struct stat st;

	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return could_not(k, path, e);
	if (S_ISREG(st.st_mode))
		return *base == '.' ? 0 : add_file(k, path, e);
	if (S_ISLNK(st.st_mode) && *base != '.')
		migrations_remark(k->world, "%s: a symbolic link, not followed", path);
	if (!S_ISDIR(st.st_mode) || is_foreign(base))
		return 0;
	if (depth == MAX_DEPTH)
		return err_set(e, ERR_MEASURE, "folders below \"%s\" are nested deeper than %d",
			       k->dir, MAX_DEPTH);

	int fd = openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return could_not(k, path, e);
	return walk_directory(k, fd, path, depth + 1, e);
}

/* Everything below fd, which is closed in any case. path is relative to k->dir, "" for that. */
static int walk_directory(struct walk *k, int fd, const char *path, int depth, struct err *e)
{
	const struct probe *p = k->world->probe;
	const char *slash = *path ? "/" : "";
	DIR *dir = dir_open(fd);
	const char *name;
	int rc = 0;

	if (!dir)
		return could_not(k, path, e);
	while (rc == 0 && (name = dir_next(dir)) != NULL) {
		if (clock_monotonic_ms(p->world->clock) > p->deadline_ms)
			rc = err_set(e, ERR_MEASURE, "did not finish in time: %zu files listed",
				     k->world->n_files);
		else
			rc = visit(k, dirfd(dir), name,
				   arena_printf(k->world->arena, "%s%s%s", path, slash, name),
				   depth, e);
	}
	if (rc == 0 && errno != 0)
		rc = could_not(k, path, e);
	(void)closedir(dir); /* only read from */
	return rc;
}

/* Growing in place wants memory that can move, so it is not the arena's, only freed with it. */
void *migrations_grow(struct world *w, void *items, size_t n, size_t size)
{
	size_t slot = 0;

	if (n > 0 && (n & (n - 1)) != 0)
		return items;
	while (w->grown[slot] != items)
		slot++;
	w->grown[slot] = xrealloc(items, (n > 0 ? n * 2 : 1) * size);
	return w->grown[slot];
}

int migrations_check_size(const struct world *w, struct err *e)
{
	if (arena_size(w->arena) <= MIGRATIONS_MAX_NAMES_BYTES)
		return 0;
	err_set(e, ERR_MEASURE, "%zu files and %zu rows have more than 20 MiB of names", w->n_files,
		w->n_rows);
	return err_help(e, "name the directory of the migrations itself, and the framework");
}

static int compare_files(const void *a, const void *b)
{
	const struct migration_file *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	return order ? order : strcmp(x->dir, y->dir);
}

int migrations_list_files(struct world *w, struct err *e)
{
	const struct texts *paths = &w->spec->paths;

	if (w->spec->ref && git_files_open(w->arena, paths->items[0], w->spec->ref, &w->git, e) < 0)
		return -1;
	for (size_t i = 0; i < paths->n; i++) {
		struct walk k = {w, paths->items[i]};

		if (w->git) {
			if (git_files_walk(w->git, k.dir, add_committed, &k, e) != 0)
				return -1;
			continue;
		}
		int fd = open(k.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return could_not(&k, "", e);
		if (walk_directory(&k, fd, "", 0, e) < 0)
			return -1;
	}
	if (w->n_files > 0)
		qsort(w->files, w->n_files, sizeof(*w->files), compare_files);
	return 0;
}

/* Opens dir/path a component at a time, so that no link on the way is followed. */
static int read_below(struct world *w, const struct migration_file *f, struct buf *out,
		      struct err *e)
{
	char *rest = arena_strdup(w->arena, f->path), *slash;
	int dir = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	char block[16384];

	while (dir >= 0 && (slash = strchr(rest, '/'))) {
		*slash = '\0';

		int next = openat(dir, rest, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		(void)close(dir); /* only read from */
		dir = next;
		rest = slash + 1;
	}
	if (dir < 0)
		return err_set(e, ERR_MEASURE, "could not open \"%s\": %s", migrations_shown(w, f),
			       strerror(errno));
	int fd = file_open_at(dir, rest, &st, e);

	(void)close(dir); /* only read from */
	if (fd < 0)
		return -1;
	for (;;) {
		ssize_t n = read(fd, block, sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || buf_add(out, block, (size_t)n) < 0) {
			(void)close(fd); /* only read from */
			if (n == 0)
				return 0;
			return err_set(e, ERR_MEASURE, "could not read \"%s\": %s",
				       migrations_shown(w, f),
				       n < 0 ? strerror(errno) : "larger than 4 MiB");
		}
	}
}

int migrations_read(struct world *w, const struct migration_file *f, const char **text,
		    size_t *size, struct err *e)
{
	if (f != w->content_of) {
		if (clock_monotonic_ms(w->probe->world->clock) > w->probe->deadline_ms)
			return err_set(e, ERR_MEASURE, "did not finish in time");
		w->content_of = NULL;
		buf_reset(&w->content);
		if ((w->git ? git_files_read(w->git, f->dir, f->path, &w->content, e)
			    : read_below(w, f, &w->content, e)) != 0)
			return -1;
		w->content_of = f;
	}
	*text = w->content.data;
	*size = w->content.len;
	return 0;
}
