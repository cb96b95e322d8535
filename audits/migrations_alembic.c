/*
 * migrations_alembic: revisions name what comes before them, and the table holds the newest one of
 * each branch only: what is applied is everything that leads to them.
 *
 * Revisions are Python that is read, not run: literal assignments to revision, down_revision and
 * depends_on, which is what the tool's template has; what is computed leaves everything undecided,
 * since it may be the one that is not applied. There is no order but the graph's, so an older
 * revision that comes in late is one that nothing applied depends on: pending, or a second head.
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

/* n_replaces counts the first of requires that are down revisions, the rest are depends_on. */
static int alembic_file(struct world *w, const struct migration_file *f, const char *text,
			struct err *e)
{
	struct source_strings name = migrations_python_strings(w, text, NULL, "revision");
	struct source_strings down = migrations_python_strings(w, text, NULL, "down_revision");
	struct source_strings depends = migrations_python_strings(w, text, NULL, "depends_on");

	if (name.value == SOURCE_ABSENT)
		return 0;
	if (name.value == SOURCE_COMPUTED || name.n != 1)
		return computed(w, f, "revision", e);
	if (down.value == SOURCE_ABSENT)
		return 0;
	if (down.value == SOURCE_COMPUTED)
		return computed(w, f, "down_revision", e);
	if (depends.value == SOURCE_COMPUTED)
		return computed(w, f, "depends_on", e);
	struct migration m = {.key = name.items[0], .version = name.items[0], .file = f};

	m.name = arena_printf(w->arena, "%s (%s)", m.key, f->base);
	append(w, &m, down.items, down.n);
	m.n_replaces = down.n;
	append(w, &m, depends.items, depends.n);
	migrations_add(w, &m);
	return 0;
}

static int alembic_files(struct world *w, struct err *e)
{
	for (size_t i = 0; i < w->n_files; i++) {
		const struct migration_file *f = &w->files[i];
		const char *text;
		size_t size;

		if (!str_ends(f->base, ".py"))
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

/* More than one end, or none. */
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
	if (n_heads == 0)
		migrations_found(w, FOUND_BROKEN, "heads",
				 "every revision has another after it: down_revision goes in a "
				 "circle");
	buf_release(&heads);
}

static int alembic_compare(struct world *w, struct err *e)
{
	bool *is_followed = arena_array(w->arena, w->n_migrations, sizeof(*is_followed));

	if (migrations_compare_rows(w, e) != 0)
		return -1;
	for (size_t i = 0; i < w->n_rows; i++) {
		struct migration *m = find(w, w->rows[i].key);

		if (m)
			mark_applied(w, m);
	}
	if (alembic_find_gaps(w, is_followed) == 0)
		alembic_find_heads(w, is_followed);
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
