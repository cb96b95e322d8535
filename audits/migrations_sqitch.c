/*
 * migrations_sqitch: sqitch.plan names the changes in order, deploy/NAME.sql are the scripts. A
 * reworked change is named again after a tag, and the script of the earlier one is NAME@TAG.sql
 * from then on. The table keeps the plain SHA-1 of the deploy script. Change ids, which also cover
 * notes and dependencies, are not recomputed. Source: App::Sqitch::Plan::Change.
 */
#include "audits/migrations.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"

/* The path of a file beside f, or below the folder f is in. */
static const char *beside(struct arena *a, const struct migration_file *f, const char *name)
{
	return arena_printf(a, "%.*s%s", (int)(f->base - f->path), f->path, name);
}

/* A place in a list as text that migrations_order_text() orders. */
static const char *place(struct arena *a, size_t i)
{
	return arena_printf(a, "%08zu", i);
}

static const struct column_shape sqitch_columns[] = {
	{.name = "change", .class = COLUMN_TEXT},
	{.name = "script_hash"},
	{.name = "project", .class = COLUMN_TEXT},
	{.name = "change_id"},
	{.name = "committed_at"},
	{.name = "planned_at"},
	{.name = NULL},
};

struct plan {
	const struct migration_file *file;
	const char *project;
	const char **names; /* of the changes, in order */
	const char **tags;  /* the first tag at or after each; NULL = none */
	size_t n, cap;
};

static void plan_add(struct world *w, struct plan *p, const char *name)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 64;
		const char **names = arena_array(w->arena, cap, sizeof(*names));
		const char **tags = arena_array(w->arena, cap, sizeof(*tags));

		if (p->n > 0) {
			memcpy(names, p->names, p->n * sizeof(*names));
			memcpy(tags, p->tags, p->n * sizeof(*tags));
		}
		p->names = names;
		p->tags = tags;
		p->cap = cap;
	}
	p->names[p->n++] = name;
}

static void plan_line(struct world *w, struct plan *p, const char *line, size_t n)
{
	size_t word;

	while (n > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		n--;
	}
	for (word = 0; word < n && !strchr(" \t\r#[", line[word]);)
		word++;
	if (n > 9 && strncmp(line, "%project=", 9) == 0)
		p->project = arena_strndup(w->arena, line + 9, word - 9);
	if (word == 0 || *line == '%')
		return;
	if (*line != '@') {
		plan_add(w, p, arena_strndup(w->arena, line, word));
		return;
	}
	for (size_t i = p->n; i-- > 0 && !p->tags[i];)
		p->tags[i] = arena_strndup(w->arena, line, word);
}

/* How often the name was asked for before: it tells reworked changes apart. */
static size_t n_before(struct arena *a, struct map *counts, const char *name)
{
	size_t *n = map_get(counts, name);

	if (!n) {
		n = arena_alloc(a, sizeof(*n));
		map_put(counts, arena_strdup(a, name), n);
	}
	return (*n)++;
}

/* For each change the tag in its script's name: NULL when it is the last of its name. */
static const char **rework_tags(struct world *w, const struct plan *p)
{
	const char **tags = arena_array(w->arena, p->n, sizeof(*tags));
	struct map later;

	map_init(&later, w->arena);
	for (size_t i = p->n; i-- > 0;)
		if (!map_put(&later, p->names[i], w))
			tags[i] = p->tags[i] ? p->tags[i] : "@HEAD";
	return tags;
}

static int sqitch_files(struct world *w, struct err *e)
{
	struct plan p = {.file = migrations_find_base(w, "sqitch.plan")};
	const char *text;
	size_t size;

	if (!p.file)
		return 0;
	if (migrations_read(w, p.file, &text, &size, e) != 0)
		return -1;
	for (const char *s = text; *s;) {
		size_t n = strcspn(s, "\n");

		plan_line(w, &p, s, n);
		s += n + (s[n] == '\n');
	}
	struct map counts;
	const char **tags = rework_tags(w, &p);

	map_init(&counts, w->arena);
	for (size_t i = 0; i < p.n; i++) {
		const char *tag = tags[i];
		const char *script =
			arena_printf(w->arena, "deploy/%s%s.sql", p.names[i], tag ? tag : "");
		struct migration m = {.version = place(w->arena, i)};

		m.key = arena_printf(w->arena, "%s\n%zu", p.names[i],
				     n_before(w->arena, &counts, p.names[i]));
		m.name = arena_printf(w->arena, "%s%s", p.names[i], tag ? tag : "");
		m.file = migrations_find_file(w, p.file->dir, beside(w->arena, p.file, script));
		m.body = p.project;
		if (!m.file) {
			m.file = p.file;
			m.is_unhashable = true;
		}
		migrations_add(w, &m);
	}
	return 0;
}

static bool sqitch_take(struct world *w, cells c, struct applied *out)
{
	const char *project = w->n_migrations > 0 ? w->migrations[0].body : NULL;
	const char *name = c[0] ? c[0] : "NULL";

	if (project && (!c[2] || strcmp(project, c[2]) != 0))
		return false;
	*out = (struct applied){.key = arena_printf(w->scratch, "%s\n%zu", name,
						    n_before(w->arena, &w->row_names, name)),
				.name = name,
				.checksum = c[1]};
	return true;
}

static bool sqitch_agrees(const struct migration *m, const struct applied *row, const char *text,
			  size_t n)
{
	(void)m;
	return migrations_is_sha1(text, n, row->checksum);
}

/* Rows have no version of their own: their place is that of their change in the plan. */
static int sqitch_compare(struct world *w, struct err *e)
{
	for (size_t i = 0; i < w->n_rows; i++) {
		const struct migration *m = map_get(&w->by_key, w->rows[i].key);

		w->rows[i].version = m ? m->version : "";
	}
	for (size_t i = 0; i < w->n_migrations; i++)
		if (w->migrations[i].is_unhashable)
			migrations_found(
				w, FOUND_BROKEN, w->migrations[i].name,
				"%s names it, but there is no deploy script of it; restore "
				"the script",
				migrations_shown(w, w->migrations[i].file));
	if (migrations_compare_rows(w, e) != 0)
		return -1;
	migrations_find_unapplied(w);
	return 0;
}

const struct framework migrations_sqitch = {
	.name = "sqitch",
	.title = "sqitch",
	.tables = "changes sqitch.changes",
	.columns = sqitch_columns,
	.order_by = "committed_at",
	.files = sqitch_files,
	.take = sqitch_take,
	.order = migrations_order_text,
	.agrees = sqitch_agrees,
	.compare = sqitch_compare,
	.down_file = "deploy/>revert/",
	.refuses_newer = true,
	.knows = KNOWS(FOUND_PENDING) | KNOWS(FOUND_MISSING) | KNOWS(FOUND_MODIFIED) |
		 KNOWS(FOUND_LINE_ENDS) | KNOWS(FOUND_OUT_OF_ORDER) | KNOWS(FOUND_BROKEN),
	.apply = "sqitch deploy",
	.compares = "changes of sqitch.plan in their order; SHA-1 of deploy/NAME.sql, line ends "
		    "included; change ids are not recomputed; on SQLite the target is sqitch.db",
};
