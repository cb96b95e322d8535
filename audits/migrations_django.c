/*
 * migrations_django: migrations name what they depend on and what they replace; the table holds all
 * names, those of applications that came with a package included.
 *
 * Migrations are Python that is read, not run: the literals of dependencies and replaces, which is
 * what makemigrations writes. Only applications with files below the path are compared. A squashed
 * migration counts as Django counts it, see django_apply_replaces().
 */
#include "audits/migrations.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"

static struct migration *find(const struct world *w, const char *key)
{
	return map_get(&w->by_key, key);
}

static const struct column_shape django_columns[] = {
	{.name = "app", .class = COLUMN_TEXT},
	{.name = "name", .class = COLUMN_TEXT},
	{.name = "id"},
	{.name = "applied"},
	{.name = NULL},
};

/* The application a file in APP/migrations/ belongs to; NULL = it is in no such folder. */
static const char *app_of(struct arena *a, const struct migration_file *f)
{
	const char *path = arena_printf(a, "%s/%s", f->dir, f->path);
	const char *end = path + strlen(path) - strlen(f->base) - 1; /* at the slash */
	const char *folder = end, *app;

	while (folder > path && folder[-1] != '/')
		folder--;
	if (end - folder != 10 || strncmp(folder, "migrations", 10) != 0 || folder - path < 2)
		return NULL;
	app = folder - 1;
	while (app > path && app[-1] != '/')
		app--;
	return arena_strndup(a, app, (size_t)(folder - 1 - app));
}

/* ("app", "name") pairs become keys. A text with a dot is a model, no migration. */
static const char **pairs_of(struct world *w, const char **strings, size_t n, size_t *out)
{
	const char **keys = arena_array(w->arena, n / 2 + 1, sizeof(*keys));
	const char *app = NULL;

	*out = 0;
	for (size_t i = 0; i < n; i++) {
		if (strchr(strings[i], '.'))
			continue;
		if (!app) {
			app = strings[i];
			continue;
		}
		if (!str_starts(strings[i], "__")) /* __first__, __latest__ */
			keys[(*out)++] = arena_printf(w->arena, "%s.%s", app, strings[i]);
		app = NULL;
	}
	return keys;
}

/* What is computed leaves untold what follows from it. */
static bool is_computed(struct world *w, const struct migration *m, const char *name,
			const struct source_strings *found)
{
	if (found->value != SOURCE_COMPUTED)
		return false;
	w->untold[FOUND_BROKEN] = w->untold[FOUND_OUT_OF_ORDER] =
		arena_printf(w->arena, "%s of %s is computed, and files are read, never run", name,
			     migrations_shown(w, m->file));
	return true;
}

static void django_file(struct world *w, struct migration *m, const char *text)
{
	struct source_strings found =
		migrations_python_strings(w, text, "Migration", "dependencies");

	m->is_unhashable = is_computed(w, m, "dependencies", &found);
	m->requires = pairs_of(w, found.items, found.n, &m->n_requires);
	found = migrations_python_strings(w, text, "Migration", "replaces");
	if (is_computed(w, m, "replaces", &found)) {
		m->is_unhashable = true;
		w->untold[FOUND_PENDING] = w->untold[FOUND_MISSING] = w->untold[FOUND_BROKEN];
	}
	m->replaces = pairs_of(w, found.items, found.n, &m->n_replaces);
	migrations_add(w, m);
}

/* is_unhashable stands for a migration whose dependencies are not known. */
static int django_files(struct world *w, struct err *e)
{
	for (size_t i = 0; i < w->n_files; i++) {
		const struct migration_file *f = &w->files[i];
		const char *app = app_of(w->arena, f);
		struct migration m = {.file = f};
		const char *text;
		size_t size;

		if (!app || !str_ends(f->base, ".py") || strchr("_~", *f->base))
			continue;
		if (migrations_read(w, f, &text, &size, e) != 0)
			return -1;
		if (!strstr(text, "Migration"))
			continue;
		m.key = arena_printf(w->arena, "%s.%.*s", app, (int)strlen(f->base) - 3, f->base);
		m.version = app;
		m.name = m.key;
		django_file(w, &m, text);
		migrations_end_scratch(w);
	}
	return 0;
}

static bool django_take(struct world *w, cells c, struct applied *out)
{
	const char *app = c[0] ? c[0] : "NULL", *name = c[1] ? c[1] : "NULL";

	*out = (struct applied){.key = arena_printf(w->scratch, "%s.%s", app, name),
				.version = app};
	return true;
}

static bool is_done(const struct world *w, const char *key)
{
	return map_get(&w->row_by_key, key) != NULL;
}

/*
 * Squashed migrations: when all they replace were applied they count as applied, too; when only
 * some were, Django goes on with the old ones and leaves the squashed one alone.
 */
static void django_apply_replaces(struct world *w, struct map *replaced)
{
	for (size_t i = 0; i < w->n_migrations; i++) {
		struct migration *m = &w->migrations[i];
		size_t n_done = 0;

		for (size_t k = 0; k < m->n_replaces; k++)
			n_done += is_done(w, m->replaces[k]);
		m->is_applied = m->is_applied || is_done(w, m->key) ||
				(m->n_replaces > 0 && n_done == m->n_replaces);
		if (n_done > 0 && n_done < m->n_replaces && !is_done(w, m->key)) {
			m->is_replaced = true;
			continue;
		}
		for (size_t k = 0; k < m->n_replaces; k++) {
			struct migration *old = find(w, m->replaces[k]);

			map_put(replaced, m->replaces[k], m);
			if (old)
				old->is_replaced = true;
		}
	}
}

/* What a dependency means once squashed migrations stand for others. */
static struct migration *resolve(const struct world *w, const struct map *replaced, const char *key)
{
	struct migration *m = map_get(replaced, key);

	return m ? m : find(w, key);
}

static void django_find_rows(struct world *w, const struct map *apps, const struct map *replaced)
{
	struct map others;

	map_init(&others, w->arena);
	for (size_t i = 0; i < w->n_rows; i++) {
		const struct applied *row = &w->rows[i];

		if (!map_get(apps, row->version)) {
			if (map_put(&others, row->version, w))
				migrations_remark(w,
						  "app %s: not compared, no migrations of it are "
						  "below the path",
						  row->version);
			continue;
		}
		if (!resolve(w, replaced, row->key))
			migrations_found(w, FOUND_MISSING, row->name,
					 "applied, but no file of Django has it; restore the file, "
					 "or deploy from the branch that has it");
	}
}

/* Dependencies on nothing, and what was applied before what it needs. */
static void django_find_gaps(struct world *w, const struct map *apps, const struct map *replaced,
			     bool *is_followed, struct map *gaps)
{
	for (size_t i = 0; i < w->n_migrations; i++) {
		const struct migration *m = &w->migrations[i];

		for (size_t k = 0; !m->is_replaced && k < m->n_requires; k++) {
			const char *key = m->requires[k];
			struct migration *below = resolve(w, replaced, key);
			const char *app = arena_strndup(w->arena, key, strcspn(key, "."));

			if (!below && map_get(apps, app)) {
				map_put(gaps, app, w);
				migrations_found(w, FOUND_BROKEN, m->name,
						 "%s depends on %s, which no file has; restore it "
						 "or mend dependencies",
						 migrations_shown(w, m->file), key);
			}
			if (!below)
				continue;
			if (strcmp(below->version, m->version) == 0)
				is_followed[below - w->migrations] = true;
			if (!m->is_applied || below->is_applied)
				continue;
			migrations_found_unapplied(w, below, m->name);
			below->is_applied = true; /* told */
		}
	}
}

/* Several ends in one app, unless a gap makes them. */
static void django_find_leaves(struct world *w, const bool *is_followed, const struct map *gaps)
{
	struct map leaves;

	map_init(&leaves, w->arena);
	for (size_t i = 0; i < w->n_migrations; i++) {
		struct migration *m = &w->migrations[i];
		const struct migration *other;

		if (m->is_replaced || is_followed[i] || map_get(gaps, m->version) ||
		    map_put(&leaves, m->version, m))
			continue;
		other = map_get(&leaves, m->version);
		migrations_found(w, FOUND_BROKEN, m->version,
				 "both %s and %s are the last of the app, and migrate refuses; "
				 "join them with manage.py makemigrations --merge",
				 migrations_shown(w, other->file), migrations_shown(w, m->file));
	}
}

static int django_compare(struct world *w, struct err *e)
{
	bool *is_followed = arena_array(w->arena, w->n_migrations, sizeof(*is_followed));
	struct map apps, replaced, gaps;

	(void)e;
	map_init(&apps, w->arena);
	map_init(&gaps, w->arena);
	map_init(&replaced, w->arena);
	for (size_t i = 0; i < w->n_migrations; i++) {
		struct migration *m = &w->migrations[i];

		map_put(&apps, m->version, m);
		if (m->is_unhashable) /* which migrations of the app are the last is unknown */
			map_put(&gaps, m->version, w);
	}
	django_apply_replaces(w, &replaced);
	django_find_rows(w, &apps, &replaced);
	django_find_gaps(w, &apps, &replaced, is_followed, &gaps);
	django_find_leaves(w, is_followed, &gaps);
	migrations_find_unapplied(w);
	return 0;
}

/* Operations undo themselves but for those that run what somebody wrote, unless told how. */
static bool django_has_down(const char *text)
{
	bool runs_own = strstr(text, "RunPython(") || strstr(text, "RunSQL(");

	return strstr(text, "operations") && (!runs_own || strstr(text, "reverse"));
}

const struct framework migrations_django = {
	.name = "django",
	.title = "Django",
	.tables = "django_migrations",
	.columns = django_columns,
	.is_exact = true,
	.order_by = "id",
	.files = django_files,
	.take = django_take,
	.compare = django_compare,
	.has_down = django_has_down,
	.knows = KNOWS(FOUND_PENDING) | KNOWS(FOUND_MISSING) | KNOWS(FOUND_OUT_OF_ORDER) |
		 KNOWS(FOUND_DUPLICATE) | KNOWS(FOUND_BROKEN),
	.apply = "manage.py migrate",
	.compares = "files APP/migrations/x.py with dependencies and replaces, for the apps below "
		    "the path; the app is the folder's name; no checksum, so an edited file is "
		    "not seen",
};
