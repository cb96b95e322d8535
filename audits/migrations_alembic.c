/*
 * migrations_alembic: revisions name what comes before them, and the table holds the newest one of
 * each branch only: what is applied is everything that leads to them.
 *
 * Revisions are Python that is read, not run: literal assignments to revision, down_revision,
 * depends_on and branch_labels, which is what the tool's template has; what is computed, or half of
 * what a revision has, leaves everything undecided, since it may be the one that is not applied.
 * There is no order but the graph's, so an older revision that comes in late is one that nothing
 * applied depends on: pending, or a second head.
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

static const struct column_shape alembic_columns[] = {
	{.name = "version_num", .class = COLUMN_TEXT},
	{.name = NULL},
};

static void append(struct world *w, struct migration *m, const char **keys, size_t n)
{
	const char **all = arena_array(w->arena, m->n_requires + n, sizeof(*all));

	if (m->n_requires > 0)
		memcpy(all, m->requires, m->n_requires * sizeof(*all));
	if (n > 0)
		memcpy(all + m->n_requires, keys, n * sizeof(*all));
	m->requires = all;
	m->n_requires += n;
}

static int computed(struct world *w, const struct migration_file *f, const char *name,
		    struct err *e)
{
	err_set(e, ERR_MEASURE, "%s: %s is computed, and files are read, never run",
		migrations_shown(w, f), name);
	return err_help(e, "write it as a literal, as alembic's template does");
}

static int no_such(struct world *w, const struct migration_file *f, const char *name,
		   const char *other, struct err *e)
{
	err_set(e, ERR_MEASURE, "%s: it has a %s, but no %s that could be read",
		migrations_shown(w, f), other, name);
	return err_help(e, "alembic loads no such file: write %s at its left margin", name);
}

/* Before Alembic 0.2 the file was called what the revision was: its hexadecimal digits. */
static const char *legacy_name(struct world *w, const struct migration_file *f)
{
	size_t n = strspn(f->base, "0123456789abcdef");

	return n > 0 && strcmp(f->base + n, ".py") == 0 ? arena_strndup(w->arena, f->base, n)
							: NULL;
}

/* *name is NULL when the file is none of Alembic's. */
static int read_name(struct world *w, const struct migration_file *f, const char *text,
		     const struct source_strings *down, const char **name, struct err *e)
{
	struct source_strings found = migrations_python_strings(w, text, NULL, "revision");

	if (found.value == SOURCE_ABSENT) {
		*name = down->value == SOURCE_ABSENT ? NULL : legacy_name(w, f);
		return down->value == SOURCE_ABSENT || *name
			       ? 0
			       : no_such(w, f, "revision", "down_revision", e);
	}
	if (found.value == SOURCE_COMPUTED || found.n != 1)
		return computed(w, f, "revision", e);
	*name = found.items[0];
	return 0;
}

/* n_replaces counts the first of requires that are down revisions, the rest are depends_on. */
static int alembic_file(struct world *w, const struct migration_file *f, const char *text,
			struct err *e)
{
	struct source_strings down = migrations_python_strings(w, text, NULL, "down_revision");
	struct source_strings depends = migrations_python_strings(w, text, NULL, "depends_on");
	struct source_strings labels = migrations_python_strings(w, text, NULL, "branch_labels");
	const char *name;

	if (read_name(w, f, text, &down, &name, e) != 0)
		return -1;
	if (!name)
		return 0;
	if (down.value == SOURCE_ABSENT)
		return no_such(w, f, "down_revision", "revision", e);
	if (down.value == SOURCE_COMPUTED)
		return computed(w, f, "down_revision", e);
	if (depends.value == SOURCE_COMPUTED)
		return computed(w, f, "depends_on", e);
	struct migration m = {.key = name, .version = name, .file = f};

	m.name = arena_printf(w->arena, "%s (%s)", m.key, f->base);
	append(w, &m, down.items, down.n);
	m.n_replaces = down.n;
	append(w, &m, depends.items, depends.n);
	m.labels = labels.items;
	m.n_labels = labels.n;
	migrations_add(w, &m);
	return 0;
}

static int alembic_files(struct world *w, struct err *e)
{
	for (size_t i = 0; i < w->n_files; i++) {
		const struct migration_file *f = &w->files[i];
		const char *text;
		size_t size;

		/* Alembic passes over packages, too. */
		if (!str_ends(f->base, ".py") || str_starts(f->base, "__init__"))
			continue;
		if (migrations_read(w, f, &text, &size, e) != 0 || alembic_file(w, f, text, e) != 0)
			return -1;
		migrations_end_scratch(w);
	}
	return 0;
}

static bool alembic_take(struct world *w, cells c, struct applied *out)
{
	(void)w;
	*out = (struct applied){.key = c[0] ? c[0] : "NULL"};
	if (!c[0])
		out->state = APPLIED_UNKNOWN;
	return true;
}

/* Marks what leads to m; a stack instead of recursion, since a chain may be 100,000 long. */
static void mark_applied(struct world *w, struct migration *m)
{
	struct migration **stack = arena_array(w->arena, w->n_migrations + 1, sizeof(m));
	size_t n = 0;

	m->is_applied = true;
	stack[n++] = m;
	while (n > 0) {
		const struct migration *top = stack[--n];

		for (size_t i = 0; i < top->n_requires; i++) {
			struct migration *below = find(w, top->requires[i]);

			if (!below || below->is_applied)
				continue;
			below->is_applied = true;
			stack[n++] = below;
		}
	}
}

/* Marks what others come after, and names those that come after nothing there is. */
static size_t alembic_find_gaps(struct world *w, bool *is_followed)
{
	size_t n_gaps = 0;

	for (size_t i = 0; i < w->n_migrations; i++) {
		const struct migration *m = &w->migrations[i];

		for (size_t k = 0; k < m->n_requires; k++) {
			const struct migration *below = find(w, m->requires[k]);

			if (below && k < m->n_replaces)
				is_followed[below - w->migrations] = true;
			if (below)
				continue;
			n_gaps++;
			migrations_found(w, FOUND_BROKEN, m->name,
					 "%s comes after revision %s, which no file has; restore "
					 "that file or mend down_revision",
					 migrations_shown(w, m->file), m->requires[k]);
			if (m->is_applied)
				w->untold[FOUND_PENDING] = arena_printf(
					w->arena, "what comes before revision %s is unknown",
					m->requires[k]);
		}
	}
	return n_gaps;
}

/* More than one end. */
static void alembic_find_heads(struct world *w, const bool *is_followed)
{
	size_t n_heads = 0;
	struct buf heads;

	buf_init(&heads, 512); /* longer than that is cut, as the finding would be */
	for (size_t i = 0; i < w->n_migrations; i++)
		if (!is_followed[i] && find(w, w->migrations[i].key) == &w->migrations[i])
			buf_printf(&heads, "%s%s", n_heads++ > 0 ? ", " : "", w->migrations[i].key);
	if (n_heads > 1)
		migrations_found(w, FOUND_BROKEN, "heads",
				 "%zu revisions have none after them (%s), and alembic upgrade "
				 "head refuses; join them with alembic merge heads",
				 n_heads, heads.data);
	buf_release(&heads);
}

/*
 * Takes away what nothing comes after or depends on, again and again: what stays leads in a circle,
 * or to one.
 */
static void alembic_find_circles(struct world *w)
{
	size_t *n_above = arena_array(w->arena, w->n_migrations, sizeof(*n_above));
	struct migration **stack = arena_array(w->arena, w->n_migrations, sizeof(*stack));
	struct migration *below;
	size_t n = 0, n_left = w->n_migrations;
	struct buf names;

	for (size_t i = 0; i < w->n_migrations; i++)
		for (size_t k = 0; k < w->migrations[i].n_requires; k++)
			if ((below = find(w, w->migrations[i].requires[k])))
				n_above[below - w->migrations]++;
	for (size_t i = 0; i < w->n_migrations; i++)
		if (n_above[i] == 0)
			stack[n++] = &w->migrations[i];
	for (; n > 0; n_left--) {
		const struct migration *top = stack[--n];

		for (size_t k = 0; k < top->n_requires; k++)
			if ((below = find(w, top->requires[k])) &&
			    --n_above[below - w->migrations] == 0)
				stack[n++] = below;
	}
	if (n_left == 0)
		return;
	buf_init(&names, 512); /* longer than that is cut, as the finding would be */
	for (size_t i = 0, told = 0; i < w->n_migrations; i++)
		if (n_above[i] > 0)
			buf_printf(&names, "%s%s", told++ > 0 ? ", " : "", w->migrations[i].key);
	migrations_found(w, FOUND_BROKEN, "circle",
			 "down_revision or depends_on goes in a circle among %s, and alembic loads "
			 "none of them",
			 names.data);
	buf_release(&names);
}

/* What depends on a branch by its label depends on the revision that has it. */
static void alembic_resolve_labels(struct world *w)
{
	struct map by_label;

	map_init(&by_label, w->arena);
	for (size_t i = 0; i < w->n_migrations; i++) {
		struct migration *m = &w->migrations[i];

		for (size_t k = 0; k < m->n_labels; k++)
			if (find(w, m->labels[k]) || !map_put(&by_label, m->labels[k], m))
				migrations_found(w, FOUND_BROKEN, m->name,
						 "the branch label %s is that of another revision "
						 "as well, and alembic loads none of them",
						 m->labels[k]);
	}
	for (size_t i = 0; i < w->n_migrations; i++) {
		struct migration *m = &w->migrations[i];

		for (size_t k = m->n_replaces; k < m->n_requires; k++) {
			const struct migration *labelled = map_get(&by_label, m->requires[k]);

			if (labelled)
			m->requires[k] = labelled->key;
		}
	}
}

static int alembic_compare(struct world *w, struct err *e)
{
	bool *is_followed = arena_array(w->arena, w->n_migrations, sizeof(*is_followed));

	alembic_resolve_labels(w);
	if (migrations_compare_rows(w, e) != 0)
		return -1;
	for (size_t i = 0; i < w->n_rows; i++) {
		struct migration *m = find(w, w->rows[i].key);

		if (m)
			mark_applied(w, m);
	}
	if (alembic_find_gaps(w, is_followed) == 0)
		alembic_find_heads(w, is_followed);
	alembic_find_circles(w);
	if (!w->untold[FOUND_PENDING])
		migrations_find_unapplied(w);
	return 0;
}

/* Does downgrade() do anything? Its first statement tells: generated ones hold `pass`. */
static bool alembic_has_down(const char *text)
{
	const char *line = strstr(text, "def downgrade");

	while (line && (line = strchr(line, '\n'))) {
		line += strspn(line, " \t\r\n");
		if (strncmp(line, "\"\"\"", 3) == 0)
			line = strstr(line + 3, "\"\"\"");
		else if (*line != '#')
			break;
	}
	return line && *line && strncmp(line, "pass", 4) != 0 && strncmp(line, "raise", 5) != 0;
}

const struct framework migrations_alembic = {
	.name = "alembic",
	.title = "Alembic",
	.tables = "alembic_version",
	.columns = alembic_columns,
	.is_exact = true,
	.order_by = "version_num",
	.files = alembic_files,
	.take = alembic_take,
	.compare = alembic_compare,
	.has_down = alembic_has_down,
	.refuses_newer = true,
	.knows = KNOWS(FOUND_PENDING) | KNOWS(FOUND_MISSING) | KNOWS(FOUND_UNKNOWN) |
		 KNOWS(FOUND_DUPLICATE) | KNOWS(FOUND_BROKEN),
	.apply = "alembic upgrade head",
	.compares = "the graph of revision and down_revision in .py files against the heads in the "
		    "table; which others were applied follows from it; no checksum, so an edited "
		    "file is not seen",
};
