/*
 * migrations: what a database says was applied against what the repository says there is.
 *
 * One value a kind of finding. A framework that cannot tell a kind at all (edits, where no checksum
 * is kept) gives no value for it; who expects one in writing gets no measurement with the reason.
 * Findings that are allowed are counted apart, so that they stay visible.
 */
#include "audits/migrations.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "audits/database.h"
#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/io/git_files.h"
#include "runner/model/kind.h"

#define MAX_REMARKS_BYTES 2048

static const struct key_row migrations_keys[] = {
	{.name = "path",
	 .type = KEY_TEXTS,
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .offset = offsetof(struct migrations_spec, paths),
	 .help = "directory of the migrations, or several; relative to the definition",
	 .example = "db/migrate"},
	{.name = "framework",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct migrations_spec, framework),
	 .def = "auto",
	 .choices = migrations_framework_names,
	 .help = "whose migrations; auto tells by columns of the table and names of the files",
	 .example = "flyway"},
	{.name = "ref",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = offsetof(struct migrations_spec, ref),
	 .help = "read the files from this commit, branch or tag instead of the work tree",
	 .example = "origin/main"},
	{.name = "table",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct migrations_spec, table),
	 .help = "the bookkeeping table, where it has not the framework's usual name",
	 .example = "audit.schema_history"},
	{.name = "allow",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct migrations_spec, allow),
	 .help = "findings that are no failure, by the names of the values",
	 .example = "[pending]"},
	KEY_END,
};

/* The first FOUND_N are in the order of enum finding. */
static const struct value_row migrations_values[] = {
	{.name = "pending",
	 .type = VALUE_INT,
	 .unit = "migrations",
	 .implied = "== 0",
	 .is_optional = true,
	 .help = "files that are not applied"},
	{.name = "missing",
	 .type = VALUE_INT,
	 .unit = "migrations",
	 .implied = "== 0",
	 .is_optional = true,
	 .help = "applied, but no file has them"},
	{.name = "modified",
	 .type = VALUE_INT,
	 .unit = "migrations",
	 .implied = "== 0",
	 .is_optional = true,
	 .help = "files changed after they were applied, by checksum"},
	{.name = "line_ends",
	 .type = VALUE_INT,
	 .unit = "migrations",
	 .implied = "== 0",
	 .is_optional = true,
	 .help = "files whose line ends alone changed, where the tool takes that for a change"},
	{.name = "out_of_order",
	 .type = VALUE_INT,
	 .unit = "migrations",
	 .implied = "== 0",
	 .is_optional = true,
	 .help = "files that are not applied though newer ones are"},
	{.name = "failed",
	 .type = VALUE_INT,
	 .unit = "migrations",
	 .implied = "== 0",
	 .is_optional = true,
	 .help = "marked as failed, dirty or unfinished"},
	{.name = "rolled_back",
	 .type = VALUE_INT,
	 .unit = "migrations",
	 .implied = "== 0",
	 .is_optional = true,
	 .help = "undone, while the file is still there"},
	{.name = "unknown",
	 .type = VALUE_INT,
	 .unit = "rows",
	 .implied = "== 0",
	 .is_optional = true,
	 .help = "rows the framework could not have written"},
	{.name = "duplicate",
	 .type = VALUE_INT,
	 .unit = "migrations",
	 .implied = "== 0",
	 .is_optional = true,
	 .help = "files of a version another file has"},
	{.name = "broken",
	 .type = VALUE_INT,
	 .unit = "faults",
	 .implied = "== 0",
	 .is_optional = true,
	 .help = "faults of the graph, plan, journal or sum file: several heads, a migration that "
		 "comes after none there is, a file that is named and not there"},
	{.name = "since",
	 .type = VALUE_INT,
	 .unit = "migrations",
	 .is_optional = true,
	 .help = "of a check that rollback runs as a release has it: applied after that release"},
	{.name = "refused",
	 .type = VALUE_INT,
	 .unit = "migrations",
	 .implied = "== 0",
	 .is_optional = true,
	 .help = "the same, where the framework of the release does not start with a table that is "
		 "ahead of its files"},
	{.name = "allowed",
	 .type = VALUE_INT,
	 .unit = "findings",
	 .help = "findings left out of the above by allow"},
	{.name = "applied",
	 .type = VALUE_INT,
	 .unit = "migrations",
	 .help = "migrations the table says something about"},
	{.name = NULL},
};

/* ---- definition ---- */

static int finding_of(const char *name)
{
	for (int i = 0; i < FOUND_N; i++)
		if (strcmp(migrations_values[i].name, name) == 0)
			return i;
	return -1;
}

static void migrations_check(struct keys_context *ctx, struct check *c)
{
	struct migrations_spec *spec = c->spec;
	const char *names[FOUND_N];

	for (int i = 0; i < FOUND_N; i++)
		names[i] = migrations_values[i].name;
	for (size_t i = 0; i < spec->allow.n; i++) {
		const char *name = spec->allow.items[i];
		int close = str_closest(name, names, FOUND_N);

		if (finding_of(name) >= 0)
			continue;
		diags_at(ctx->diags, spec->allow.positions[i],
			 close < 0 ? "assize kinds migrations lists them"
				   : arena_printf(ctx->arena, "did you mean \"%s\"?", names[close]),
			 "check \"%s\": there is no finding \"%s\"", c->name, name);
	}
	spec->root = ctx->root_dir;
	for (size_t i = 0; i < spec->paths.n; i++)
		spec->paths.items[i] =
			file_absolute(ctx->arena, ctx->root_dir, spec->paths.items[i]);
}

static void migrations_describe(struct probe *p, struct buf *out)
{
	const struct migrations_spec *spec = p->checks[0]->spec;

	for (size_t i = 0; i < spec->paths.n; i++)
		buf_printf(out, "migrations (%s) of %s%s%s against the table %s\n",
			   migrations_framework_names[spec->framework], spec->paths.items[i],
			   spec->ref ? " at " : "", spec->ref ? spec->ref : "",
			   spec->table ? spec->table : "of the framework");
}

/* ---- values ---- */

static bool is_allowed(const struct world *w, int class)
{
	for (size_t i = 0; i < w->spec->allow.n; i++)
		if (finding_of(w->spec->allow.items[i]) == class)
			return true;
	return false;
}

/* Does somebody expect the value in writing? */
static bool is_asked_for(const struct world *w, const char *name)
{
	const struct check *c = w->probe->checks[w->check];

	for (size_t i = 0; i < c->n_expects; i++)
		if (strcmp(c->expects[i].name, name) == 0)
			return !c->expects[i].is_implied;
	return false;
}

/* The lines, and behind them what was not compared. */
static const char *evidence_of(struct world *w, const struct finding_list *list)
{
	if (w->remarks.len == 0)
		return list->lines.data;
	return arena_printf(w->arena, "%s\n%s", list->lines.data, w->remarks.data);
}

static void emit(struct world *w, struct measurement *m)
{
	m->query = w->query;
	m->n = (int64_t)w->n_migrations;
	probe_emit(w->probe, w->check, m);
}

static void emit_finding(struct world *w, int class)
{
	const char *name = migrations_values[class].name;
	struct finding_list *list = &w->findings[class];
	struct measurement m = measurement_int(name, list->n, migrations_values[class].unit);

	if (class == FOUND_SINCE || class == FOUND_REFUSED) {
		if (!w->probe->former)
			return;
		if (list->n > 0)
			m.evidence = list->lines.data;
	} else if (!(w->framework->knows & KNOWS(class))) {
		if (!is_asked_for(w, name))
			return;
		m = measurement_none(name, arena_printf(w->arena, "%s keeps nothing to tell it by",
							w->framework->title));
	} else if (list->n == 0 && w->untold[class]) {
		m = measurement_none(name, w->untold[class]);
	} else if (list->n > 0) {
		m.evidence = evidence_of(w, list);
	}
	if (is_allowed(w, class) && !is_asked_for(w, name))
		return;
	emit(w, &m);
}

static void emit_all(struct world *w)
{
	struct measurement allowed = measurement_int("allowed", 0, "findings");
	struct measurement applied = measurement_int("applied", 0, "migrations");
	struct buf lines;

	buf_init(&lines, EVIDENCE_MAX_BYTES * 2);
	for (int class = 0; class < FOUND_N; class ++) {
		struct finding_list *list = &w->findings[class];

		emit_finding(w, class);
		if (!is_allowed(w, class) || list->n == 0)
			continue;
		allowed.value.integer += list->n;
		buf_printf(&lines, "%s%s", lines.len > 0 ? "\n" : "", list->lines.data);
	}
	if (w->spec->allow.n > 0) {
		allowed.evidence =
			lines.len > 0 ? arena_strndup(w->arena, lines.data, lines.len) : NULL;
		emit(w, &allowed);
	}
	applied.value.integer = (int64_t)w->row_by_key.n;
	applied.evidence =
		arena_printf(w->arena, "%s, table %s, %zu migrations in files%s%s%s%s",
			     w->framework->title, w->table, w->n_migrations,
			     w->git ? " of commit " : "", w->git ? git_files_commit(w->git) : "",
			     w->remarks.len > 0 ? "\n" : "", w->remarks.data);
	emit(w, &applied);
	buf_release(&lines);
}

/* ---- probe ---- */

int migrations_compare_all(struct world *w, struct err *e)
{
	if (migrations_list_files(w, e) != 0 || migrations_detect(w, e) != 0)
		return -1;
	migrations_find_duplicates(w);
	if (migrations_read_rows(w, e) != 0)
		return -1;
	migrations_read_lock(w);
	return migrations_compare(w, e);
}

static void release(void *buf)
{
	buf_release(buf);
}

/* What is not in the probe's arena, because it shrinks or moves while the check runs. */
static void release_own(void *world)
{
	struct world *w = world;

	arena_free(w->scratch);
	buf_release(&w->content);
	for (size_t i = 0; i < sizeof(w->grown) / sizeof(w->grown[0]); i++)
		free(w->grown[i]);
}

struct world *migrations_world(struct probe *p)
{
	struct world *w = arena_alloc(p->arena, sizeof(*w));

	*w = (struct world){.probe = p, .arena = p->arena, .spec = p->checks[0]->spec};
	map_init(&w->row_names, p->arena);
	w->scratch = arena_new();
	buf_init(&w->content, MIGRATIONS_MAX_FILE_BYTES);
	arena_defer(p->arena, release_own, w);
	/* Measurements borrow their text, so it goes with the arena. */
	buf_init(&w->remarks, MAX_REMARKS_BYTES);
	arena_defer(p->arena, release, &w->remarks);
	for (int i = 0; i < FOUND_N; i++)
		arena_defer(p->arena, release, &w->findings[i].lines);
	return w;
}

static int migrations_probe(struct probe *p, struct err *e)
{
	struct world *w = migrations_world(p);
	int rc;

	if (database_acquire(p, &w->db, e) != 0)
		return -1;
	rc = p->former ? migrations_compare_since(w, e) : migrations_compare_all(w, e);
	if (rc == 0)
		emit_all(w);
	database_release(p, w->db);
	return rc;
}

static const char *migrations_note(size_t i, const char **name)
{
	if (i >= migrations_n_frameworks)
		return NULL;
	*name = migrations_frameworks[i]->name;
	return migrations_frameworks[i]->compares;
}

const struct audit_kind audit_kind_migrations = {
	.name = "migrations",
	.family = "database",
	.summary = "applied migrations against the files in the repository, across frameworks",
	.blind = "It compares the books with the files, not the schema with either: a migration "
		 "that was marked as applied and never ran, or tables changed by hand, pass; "
		 "`schema` sees those. Where a framework keeps no checksum, an edited file is "
		 "not seen. Files are read, never run: where a program would compute names or "
		 "dependencies, what follows from them is undecided.",
	.spec_size = sizeof(struct migrations_spec),
	.keys = migrations_keys,
	.values = migrations_values,
	.targets = TARGET_DATABASES,
	.scalar_key = "path",
	.check = migrations_check,
	.describe = migrations_describe,
	.note = migrations_note,
	.notes_title = "what is compared",
	.probe = migrations_probe,
	.arsenal = &arsenal_migrations,
};
