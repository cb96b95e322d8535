/*
 * migrations_drizzle: meta/_journal.json names the files; the table keeps their SHA-256 and, as
 * created_at, the journal's `when`. Only what is newer than the newest row is ever applied.
 * Source: drizzle-orm/migrator.js.
 */
#include "audits/migrations.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/json.h"

static const struct column_shape drizzle_columns[] = {
	{.name = "hash", .class = COLUMN_TEXT},
	{.name = "created_at"},
	{.name = "id"},
	{.name = NULL},
};

static int drizzle_entry(struct world *w, const struct json_doc *doc,
			 const struct migration_file *journal, size_t i, struct err *e)
{
	struct json_value when, tag;
	struct migration m = {0};

	if (json_pointer(doc, arena_printf(w->arena, "/entries/%zu/when", i), &when, e) != 0 ||
	    json_pointer(doc, arena_printf(w->arena, "/entries/%zu/tag", i), &tag, e) != 0)
		return -1;
	if (when.type != JSON_IS_INT || tag.type != JSON_IS_TEXT)
		return err_set(e, ERR_MEASURE, "entry %zu of %s has no when or no tag", i,
			       migrations_shown(w, journal));
	/* The journal is in meta/, the files are beside that folder. */
	const char *folder = arena_strndup(w->arena, journal->path, strlen(journal->path) - 18);

	m.key = arena_printf(w->arena, "%lld", (long long)when.integer);
	m.version = m.key;
	m.name = arena_strdup(w->arena, tag.text);
	m.file = migrations_find_file(w, journal->dir,
				      arena_printf(w->arena, "%s%s.sql", folder, tag.text));
	if (!m.file) {
		m.file = journal;
		m.is_unhashable = true;
	}
	migrations_add(w, &m);
	return 0;
}

static int drizzle_files(struct world *w, struct err *e)
{
	const struct migration_file *journal = migrations_find_base(w, "_journal.json");
	struct json_value entries;
	struct json_doc *doc;
	const char *text;
	size_t size;
	int rc;

	if (!journal || !str_ends(journal->path, "meta/_journal.json"))
		return 0;
	if (migrations_read(w, journal, &text, &size, e) != 0)
		return -1;
	if (json_parse(text, size, &doc, e) != 0)
		return err_context(e, "%s", migrations_shown(w, journal));
	rc = json_pointer(doc, "/entries", &entries, e);
	if (rc == 0 && entries.type != JSON_IS_ARRAY)
		rc = err_set(e, ERR_MEASURE, "%s has no entries", migrations_shown(w, journal));
	for (size_t i = 0; rc == 0 && i < entries.n; i++)
		rc = drizzle_entry(w, doc, journal, i, e);
	json_free(doc);
	return rc;
}

static bool drizzle_take(struct world *w, cells c, struct applied *out)
{
	const char *created = c[1] ? c[1] : "NULL";

	*out = (struct applied){.key = created, .checksum = c[0]};
	out->name = arena_printf(w->scratch, "created_at %s", created);
	if (!migrations_is_digits(created))
		out->state = APPLIED_UNKNOWN;
	return true;
}

static bool drizzle_agrees(const struct migration *m, const struct applied *row, const char *text,
			   size_t n)
{
	(void)m;
	return migrations_is_sha256(text, n, row->checksum);
}

static int drizzle_compare(struct world *w, struct err *e)
{
	for (size_t i = 0; i < w->n_migrations; i++) {
		const struct migration *m = &w->migrations[i];

		if (m->is_unhashable)
			migrations_found(w, FOUND_BROKEN, m->name,
					 "%s names it, but there is no such file; restore the file",
					 migrations_shown(w, m->file));
	}
	if (migrations_compare_rows(w, e) != 0)
		return -1;
	migrations_find_unapplied(w);
	return 0;
}

const struct framework migrations_drizzle = {
	.name = "drizzle",
	.title = "Drizzle",
	.tables = "__drizzle_migrations drizzle.__drizzle_migrations",
	.columns = drizzle_columns,
	.order_by = "created_at",
	.files = drizzle_files,
	.take = drizzle_take,
	.order = migrations_order_number,
	.agrees = drizzle_agrees,
	.tolerates_line_ends = true,
	.compare = drizzle_compare,
	.knows = KNOWS(FOUND_PENDING) | KNOWS(FOUND_MISSING) | KNOWS(FOUND_MODIFIED) |
		 KNOWS(FOUND_OUT_OF_ORDER) | KNOWS(FOUND_UNKNOWN) | KNOWS(FOUND_DUPLICATE) |
		 KNOWS(FOUND_BROKEN),
	.apply = "drizzle-kit migrate",
	.compares = "meta/_journal.json and its files; SHA-256 of the file in either line ends; a "
		    "file older than the newest row is never applied by drizzle",
};
