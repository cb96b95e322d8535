/*
 * migrations_flyway: Flyway and refinery, who share the way files are named.
 *
 * Flyway: V1_1__x.sql are versioned, R__x.sql run again whenever they change, U and B (undo,
 * baseline) are not expected in the table. Versions are dotted numbers in which "1" is "1.0". Rows
 * come in the order of installed_rank; undo and repair (type DELETE) write rows of their own, and
 * the last one about a version counts. Source: Flyway's schema history and its checksum calculator.
 *
 * refinery: SipHash-1-3 over name, 0xff, version as 32 or 64 bits little endian, content, 0xff,
 * which is what Rust's Hash feeds for (&str, i32, &str). Source: refinery_core/src/runner.rs.
 */
#include "audits/migrations.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"

#define MAX_DESCRIPTION 200 /* Flyway cuts it to that, the last three being dots */

static const struct column_shape flyway_columns[] = {
	{.name = "version"},
	{.name = "description"},
	{.name = "type", .class = COLUMN_TEXT},
	{.name = "script", .class = COLUMN_TEXT},
	{.name = "checksum", .class = COLUMN_INTEGER},
	{.name = "success"},
	{.name = "installed_rank", .class = COLUMN_INTEGER},
	{.name = "installed_by"},
	{.name = "installed_on"},
	{.name = "execution_time"},
	{.name = NULL},
};

/* "1_02.0" becomes "1.2": parts without leading zeros, zero parts at the end left out. */
static const char *dotted(struct arena *a, const char *version, size_t n)
{
	struct buf b;
	const char *text, *end = version + n;
	size_t keep = 0;

	buf_init(&b, BUF_UNBOUNDED); /* a file name or a cell */
	while (version < end) {
		size_t part = strspn(version, "0123456789");

		if (part > (size_t)(end - version))
			part = (size_t)(end - version);
		if (b.len > 0)
			buf_putc(&b, '.');
		const char *number = migrations_number(a, version, part);

		buf_puts(&b, number);
		if (strcmp(number, "0") != 0 || keep == 0)
			keep = b.len;
		version += part;
		version += version < end;
	}
	text = arena_strndup(a, b.data, keep);
	buf_release(&b);
	return text;
}

/* V1_1__add_x.sql: letter, version (empty for R), description. */
struct flyway_name {
	char letter;
	const char *version, *description;
	bool is_sql;
};

static bool parse_name(struct arena *a, const char *base, struct flyway_name *out)
{
	const char *suffix = strrchr(base, '.');
	const char *bar = strstr(base, "__");
	size_t n = bar ? (size_t)(bar - base) : 0;

	if (!suffix || !bar || bar > suffix || !strchr("VRUB", *base))
		return false;
	if ((*base == 'R') != (n == 1) || strspn(base + 1, "0123456789._") < n - 1)
		return false;
	*out = (struct flyway_name){
		.letter = *base,
		.version = dotted(a, base + 1, n - 1),
		.description = arena_strndup(a, bar + 2, (size_t)(suffix - bar) - 2),
		.is_sql = strcmp(suffix, ".sql") == 0,
	};
	return true;
}

/* A description as the table holds it. */
static const char *spaced(struct arena *a, const char *description)
{
	char *text = arena_strdup(a, description);

	for (char *s = text; *s; s++)
		if (*s == '_')
			*s = ' ';
	return text;
}

static int flyway_files(struct world *w, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < w->n_files; i++) {
		const struct migration_file *f = &w->files[i];
		struct flyway_name name;
		bool is_code = str_ends(f->base, ".java") || str_ends(f->base, ".kt");

		if (!parse_name(w->arena, f->base, &name) || (!name.is_sql && !is_code) ||
		    (name.letter != 'V' && name.letter != 'R'))
			continue;
		const char *key =
			name.letter == 'R'
				? arena_printf(w->arena, "R %s", spaced(w->arena, name.description))
				: name.version;

		migrations_add(w, &(struct migration){.key = key,
						      .version = name.version,
						      .name = f->base,
						      .file = f,
						      .is_repeatable = name.letter == 'R',
						      .is_unhashable = is_code});
	}
	return 0;
}

/* What flyway validate refuses beside the checksum: another description, another type. */
static const char *disagreement(struct world *w, const char *key, const char *description,
				const char *type)
{
	const struct migration *m = map_get(&w->by_key, key);
	struct flyway_name name;

	if (!m || m->is_duplicated || !parse_name(w->scratch, m->file->base, &name))
		return NULL;
	if (name.is_sql != (strcmp(type, "SQL") == 0))
		return arena_printf(w->scratch,
				    "was applied as type %s, which the file is not, and flyway "
				    "validate refuses it; put the file back, or flyway repair",
				    type);
	const char *own = spaced(w->scratch, name.description);

	if (strcmp(description, "<< no description >>") == 0)
		description = "";
	if (strlen(own) > MAX_DESCRIPTION)
		own = arena_printf(w->scratch, "%.*s...", MAX_DESCRIPTION - 3, own);
	return strcmp(description, own) == 0
		       ? NULL
		       : arena_printf(w->scratch,
				      "was applied as \"%s\", which its name no longer says, and "
				      "flyway validate refuses it; put the name back, or flyway "
				      "repair",
				      description);
}

static bool flyway_take(struct world *w, cells c, struct applied *out)
{
	const char *version = c[0], *description = c[1] ? c[1] : "", *type = c[2] ? c[2] : "";
	bool is_undo = str_starts(type, "UNDO");

	*out = (struct applied){.name = c[3] && *c[3] ? c[3] : description, .checksum = c[4]};
	if (strcmp(type, "SCHEMA") == 0)
		return false;
	out->key = version ? dotted(w->scratch, version, strlen(version))
			   : arena_printf(w->scratch, "R %s", spaced(w->scratch, description));
	if (version && strspn(version, "0123456789._") != strlen(version)) {
		out->key = version;
		out->state = APPLIED_UNKNOWN;
	} else if (!migrations_is_true(c[5])) {
		out->state = APPLIED_FAILED;
	} else if (is_undo || strcmp(type, "DELETE") == 0) {
		out->state = APPLIED_ROLLED_BACK;
	} else if (strstr(type, "BASELINE")) {
		out->state = APPLIED_BASELINE;
	} else {
		out->remark = disagreement(w, out->key, description, type);
	}
	if (!version)
		out->version = "";
	return true;
}

static bool flyway_agrees(const struct migration *m, const struct applied *row, const char *text,
			  size_t n)
{
	char got[16];

	(void)m;
	snprintf(got, sizeof(got), "%" PRId32, migrations_flyway_crc(text, n));
	return strcmp(got, row->checksum) == 0;
}

/* A repeatable migration that changed is not an edit, it is due again. */
static int flyway_compare(struct world *w, struct err *e)
{
	for (size_t i = 0; i < w->n_migrations; i++) {
		struct migration *m = &w->migrations[i];
		struct applied *row = map_get(&w->row_by_key, m->key);
		const char *text;
		size_t size;

		if (!m->is_repeatable || m->is_unhashable || !row || row->state != APPLIED_DONE ||
		    row->remark)
			continue;
		if (!row->checksum) {
			migrations_has_no_checksum(w, m, FOUND_PENDING);
			m->is_applied = m->is_unhashable = true;
			continue;
		}
		if (migrations_read(w, m->file, &text, &size, e) != 0)
			return -1;
		if (flyway_agrees(m, row, text, size))
			continue;
		migrations_found(w, FOUND_PENDING, m->name,
				 "%s changed since it was applied and runs again; %s",
				 migrations_shown(w, m->file), w->framework->apply);
		m->is_unhashable = true; /* told; not compared once more */
		row->checksum = NULL;
		m->is_applied = true;
	}
	if (migrations_compare_rows(w, e) != 0)
		return -1;
	migrations_find_unapplied(w);
	return 0;
}

const struct framework migrations_flyway = {
	.name = "flyway",
	.title = "Flyway",
	.tables = "flyway_schema_history schema_version",
	.columns = flyway_columns,
	.order_by = "installed_rank",
	.files = flyway_files,
	.take = flyway_take,
	.order = migrations_order_dotted,
	.agrees = flyway_agrees,
	.tolerates_line_ends = true,
	.compare = flyway_compare,
	.down_file = "V>U",
	.knows = KNOWS(FOUND_PENDING) | KNOWS(FOUND_MISSING) | KNOWS(FOUND_MODIFIED) |
		 KNOWS(FOUND_OUT_OF_ORDER) | KNOWS(FOUND_FAILED) | KNOWS(FOUND_ROLLED_BACK) |
		 KNOWS(FOUND_UNKNOWN) | KNOWS(FOUND_DUPLICATE),
	.apply = "flyway migrate",
	.repair = "mend the database, then flyway repair",
	.compares = "files V1_1__x.sql and R__x.sql; CRC-32 of the lines without their ends, so "
		    "line ends never matter; description and type of the row; migrations in Java "
		    "have no checksum",
};

/* ---- refinery ---- */

static const struct column_shape refinery_columns[] = {
	{.name = "version", .class = COLUMN_INTEGER},
	{.name = "name"},
	{.name = "checksum", .class = COLUMN_TEXT},
	{.name = "applied_on"},
	{.name = NULL},
};

static int refinery_files(struct world *w, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < w->n_files; i++) {
		const struct migration_file *f = &w->files[i];
		struct flyway_name name;
		bool is_code = str_ends(f->base, ".rs");

		if (!parse_name(w->arena, f->base, &name) || (!name.is_sql && !is_code) ||
		    (name.letter != 'V' && name.letter != 'U'))
			continue;
		size_t n = strspn(f->base + 1, "0123456789");
		const char *version = migrations_number(w->arena, f->base + 1, n);

		migrations_add(w, &(struct migration){.key = version,
						      .version = version,
						      .name = f->base,
						      .body = name.description,
						      .file = f,
						      .is_unhashable = is_code});
	}
	return 0;
}

static bool refinery_take(struct world *w, cells c, struct applied *out)
{
	const char *version = c[0] ? c[0] : "NULL";

	*out = (struct applied){.key = version, .checksum = c[2]};
	out->name = arena_printf(w->scratch, "V%s__%s", version, c[1] ? c[1] : "");
	if (!migrations_is_digits(version))
		out->state = APPLIED_UNKNOWN;
	return true;
}

static bool refinery_hash_is(const struct migration *m, const char *checksum, const char *text,
			     size_t n, size_t n_version)
{
	uint64_t version = strtoull(m->version, NULL, 10);
	char got[24];
	struct buf b;

	buf_init(&b, MIGRATIONS_MAX_FILE_BYTES * 2 + 1024);
	buf_puts(&b, m->body);
	buf_putc(&b, '\xff');
	for (size_t i = 0; i < n_version; i++)
		buf_putc(&b, (char)(version >> (8 * i) & 0xff));
	buf_add(&b, text, n);
	buf_putc(&b, '\xff');
	snprintf(got, sizeof(got), "%" PRIu64, migrations_siphash13(b.data, b.len));
	buf_release(&b);
	return strcmp(got, checksum) == 0;
}

static bool refinery_agrees(const struct migration *m, const struct applied *row, const char *text,
			    size_t n)
{
	return refinery_hash_is(m, row->checksum, text, n, 4) ||
	       refinery_hash_is(m, row->checksum, text, n, 8);
}

const struct framework migrations_refinery = {
	.name = "refinery",
	.title = "refinery",
	.tables = "refinery_schema_history",
	.columns = refinery_columns,
	.order_by = "version",
	.files = refinery_files,
	.take = refinery_take,
	.order = migrations_order_number,
	.agrees = refinery_agrees,
	.refuses_newer = true,
	.knows = KNOWS(FOUND_PENDING) | KNOWS(FOUND_MISSING) | KNOWS(FOUND_MODIFIED) |
		 KNOWS(FOUND_LINE_ENDS) | KNOWS(FOUND_OUT_OF_ORDER) | KNOWS(FOUND_UNKNOWN) |
		 KNOWS(FOUND_DUPLICATE),
	.apply = "refinery migrate",
	.compares = "files V1__x.sql and U1__x.sql; SipHash-1-3 of name, version and content, line "
		    "ends included; migrations in Rust make their SQL when they run and are not "
		    "compared",
};
