/*
 * migrations_names: from the names of files to migrations.
 */
#include "audits/migrations.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/model/kind.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool migrations_is_digits(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

bool migrations_is_true(const char *cell)
{
	return cell && (*cell == 't' || *cell == 'T' || *cell == 'y' || *cell == 'Y' ||
			(is_digit(*cell) && strcmp(cell, "0") != 0));
}

const char *migrations_number(struct arena *a, const char *digits, size_t n)
{
	while (n > 1 && *digits == '0') {
		digits++;
		n--;
	}
	return arena_strndup(a, digits, n);
}

int migrations_order_number(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	if (n != m)
		return n < m ? -1 : 1;
	return strcmp(a, b);
}

int migrations_order_text(const char *a, const char *b)
{
	return strcmp(a, b);
}

int migrations_order_dotted(const char *a, const char *b)
{
	while (*a || *b) {
		size_t n = strcspn(a, "."), m = strcspn(b, ".");

		if (n != m)
			return n < m ? -1 : 1;
		int order = strncmp(a, b, n);

		if (order)
			return order;
		a += n + (a[n] == '.');
		b += m + (b[m] == '.');
	}
	return 0;
}

struct migration *migrations_add(struct world *w, const struct migration *m)
{
	w->migrations = migrations_grow(w, w->migrations, w->n_migrations, sizeof(*m));
	struct migration *slot = &w->migrations[w->n_migrations++];

	*slot = *m;
	return slot;
}

/* The suffix of the list that ends the name, as a length; 0 = none. */
static size_t suffix_of(const char *name, const char *list)
{
	size_t longest = 0, n = strlen(name);

	for (const char *s = list; s && *s;) {
		size_t n_suffix = strcspn(s, " ");

		if (n > n_suffix && n_suffix > longest &&
		    memcmp(name + n - n_suffix, s, n_suffix) == 0)
			longest = n_suffix;
		s += n_suffix + strspn(s + n_suffix, " ");
	}
	return longest;
}

/* The component before the last of a path that has one. */
static const char *folder_of(struct arena *a, const struct migration_file *f)
{
	size_t n = (size_t)(f->base - f->path) - 1;
	size_t start = n;

	while (start > 0 && f->path[start - 1] != '/')
		start--;
	return arena_strndup(a, f->path + start, n - start);
}

/* Does the name fit, and what migration is it then? */
static bool parse_name(struct world *w, const struct migration_file *f, struct migration *m)
{
	const struct naming *g = &w->framework->naming;
	bool is_folder = g->key == NAMING_FOLDER;
	size_t n_digits, suffix;
	const char *name;

	if (!g->suffixes || f->depth < g->depth_min || f->depth > g->depth_max)
		return false;
	if (is_folder && strcmp(f->base, g->suffixes) != 0)
		return false;
	suffix = is_folder ? 0 : suffix_of(f->base, g->suffixes);
	if ((!is_folder && suffix == 0) || suffix_of(f->base, g->except) > 0)
		return false;
	name = is_folder ? folder_of(w->arena, f) : f->base;
	n_digits = strspn(name, "0123456789");
	if (n_digits < (size_t)g->min_digits ||
	    (g->after && (name[n_digits] == '\0' || !strchr(g->after, name[n_digits]))))
		return false;

	const char *key = name;

	if (g->key == NAMING_VERSION)
		key = migrations_number(w->arena, name, n_digits);
	else if (g->key == NAMING_STEM)
		key = arena_strndup(w->arena, name, strlen(name) - suffix);
	*m = (struct migration){
		.key = key,
		.version = key,
		.name = is_folder ? name : f->base,
		.file = f,
	};
	return true;
}

static int files_by_name(struct world *w)
{
	for (size_t i = 0; i < w->n_files; i++) {
		struct migration m;

		if (parse_name(w, &w->files[i], &m) &&
		    (!w->framework->adjust || w->framework->adjust(w, &m)))
			migrations_add(w, &m);
	}
	return 0;
}

const struct migration_file *migrations_find_file(const struct world *w, const char *dir,
						  const char *path)
{
	for (size_t i = 0; i < w->n_files; i++)
		if (strcmp(w->files[i].path, path) == 0 && strcmp(w->files[i].dir, dir) == 0)
			return &w->files[i];
	return NULL;
}

const struct migration_file *migrations_find_base(const struct world *w, const char *base)
{
	for (size_t i = 0; i < w->n_files; i++)
		if (strcmp(w->files[i].base, base) == 0)
			return &w->files[i];
	return NULL;
}

int migrations_of_files(struct world *w, struct err *e)
{
	w->n_migrations = 0;
	if ((w->framework->files ? w->framework->files(w, e) : files_by_name(w)) != 0)
		return -1;
	return migrations_check_size(w, e);
}

bool migrations_take_name(const char *cell, struct applied *out)
{
	*out = (struct applied){.key = cell ? cell : "NULL"};
	if (!cell)
		out->state = APPLIED_UNKNOWN;
	return true;
}

bool migrations_take_first_name(struct world *w, cells c, struct applied *out)
{
	(void)w;
	return migrations_take_name(c[0], out);
}
