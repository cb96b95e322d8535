/*
 * migrations_atlas: the hash of a file is the SHA-256, in base64, of all names and contents up to
 * and including it, so behind one difference nothing more can be told. atlas.sum holds the same for
 * the folder as it is. Source: sql/migrate/dir.go and migrate.go.
 */
#include "audits/migrations.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/digest.h"

#define HASH_SIZE 48 /* base64 of 32 bytes */

static const struct column_shape atlas_columns[] = {
	{.name = "version", .class = COLUMN_TEXT},
	{.name = "description"},
	{.name = "type"},
	{.name = "applied", .class = COLUMN_INTEGER},
	{.name = "total", .class = COLUMN_INTEGER},
	{.name = "error"},
	{.name = "hash"},
	{.name = "executed_at"},
	{.name = "operator_version"},
	{.name = NULL},
};

/* Only the first line says so, as in Atlas: what is added behind it makes no exception. */
static bool is_sum_ignored(const char *text)
{
	static const char directive[] = "atlas:sum ", ignore[] = "ignore";
	size_t n = 0;

	while (text[n] >= ' ' && text[n] <= '~')
		n++;
	const char *found = strstr(text, directive);

	if (!found || found >= text + n)
		return false;
	found += strlen(directive);
	found += strspn(found, " ");
	return found + strlen(ignore) == text + n && strncmp(found, ignore, strlen(ignore)) == 0;
}

/* As sql/migrate/dir.go: the name of every file, and the content unless the file asks not to. */
static int add_file(struct world *w, struct sha256 *h, const struct migration *m, struct err *e)
{
	const char *text;
	size_t size;

	sha256_add(h, m->file->base, strlen(m->file->base));
	if (m->is_unhashable)
		return 0;
	if (migrations_read(w, m->file, &text, &size, e) != 0)
		return -1;
	sha256_add(h, text, size);
	return 0;
}

static void peek(const struct sha256 *h, char hash[static HASH_SIZE])
{
	unsigned char digest[SHA256_BYTES];

	sha256_peek(h, digest);
	migrations_base64(digest, sizeof(digest), hash);
}

/* Files are in order of name. */
static int atlas_files(struct world *w, struct err *e)
{
	for (size_t i = 0; i < w->n_files; i++) {
		const struct migration_file *f = &w->files[i];
		struct migration m = {.file = f};
		const char *text;
		size_t size;

		if (f->depth > 0 || !str_ends(f->base, ".sql"))
			continue;
		if (migrations_read(w, f, &text, &size, e) != 0)
			return -1;
		m.key = arena_strndup(w->arena, f->base, strcspn(f->base, "_."));
		m.version = m.key;
		m.name = f->base;
		m.is_unhashable = is_sum_ignored(text);
		migrations_add(w, &m);
	}
	return 0;
}

/* type: 1 = baseline, 2 = executed, 4 = marked as resolved. */
static bool atlas_take(struct world *w, cells c, struct applied *out)
{
	long long applied = 0, total = 0;

	(void)w;
	*out = (struct applied){.key = c[0] ? c[0] : "NULL"};
	if (c[0] && *c[0] == '.') /* .atlas_cloud_identifier and the like */
		return false;
	out->name = c[1] && *c[1] ? arena_printf(w->arena, "%s_%s", out->key, c[1]) : out->key;
	out->checksum = c[6] && *c[6] ? c[6] : NULL;
	if (c[3] && c[4] && migrations_is_digits(c[3]) && migrations_is_digits(c[4])) {
		applied = strtoll(c[3], NULL, 10);
		total = strtoll(c[4], NULL, 10);
	}
	if (c[5] && *c[5]) {
		out->state = APPLIED_FAILED;
		out->remark =
			arena_printf(w->arena, "statement %lld of %lld failed", applied + 1, total);
	} else if (applied != total) {
		out->state = APPLIED_FAILED;
		out->remark = arena_printf(w->arena, "only %lld of %lld statements were applied",
					   applied, total);
	} else if (c[2] && strcmp(c[2], "1") == 0) {
		out->state = APPLIED_BASELINE;
	}
	return true;
}

/* Does atlas.sum hold the hash of m, which covers all before it? */
static bool is_in_sum(struct world *w, const char *sum, const struct migration *m,
		      const struct sha256 *h)
{
	char hash[HASH_SIZE];

	peek(h, hash);
	bool is_in = strstr(sum, arena_printf(w->scratch, "%s h1:%s\n", m->file->base, hash));

	migrations_end_scratch(w);
	return is_in;
}

/* Does atlas.sum say what the files say? */
static int atlas_compare_sum(struct world *w, struct err *e)
{
	const struct migration_file *file = migrations_find_base(w, "atlas.sum");
	const char *sum;
	struct sha256 h;
	size_t n;
	int rc = 0;

	if (!file) {
		migrations_found(w, FOUND_BROKEN, "atlas.sum",
				 "there is none, and atlas refuses to apply; atlas migrate hash");
		return 0;
	}
	if (migrations_read(w, file, &sum, &n, e) != 0)
		return -1;
	sum = arena_strndup(w->arena, sum, n); /* others are read meanwhile */
	sha256_init(&h);
	for (size_t i = 0; i < w->n_migrations && rc == 0; i++) {
		const struct migration *m = &w->migrations[i];

		rc = add_file(w, &h, m, e);
		if (rc != 0 || m->is_unhashable || is_in_sum(w, sum, m, &h))
			continue;
		migrations_found(w, FOUND_BROKEN, "atlas.sum",
				 "%s does not agree with %s, and atlas refuses to apply; look at "
				 "that file, then atlas migrate hash",
				 migrations_shown(w, file), migrations_shown(w, m->file));
		break; /* every hash behind it differs, too */
	}
	return rc;
}

static const struct applied *row_of(const struct world *w, const struct migration *m)
{
	return map_get(&w->row_by_key, m->key);
}

/* Is the hash that of migration i and those before it which were applied by then? -1 = error. */
static int agrees_by_then(struct world *w, size_t i, const struct applied *row, struct err *e)
{
	struct sha256 h;
	char hash[HASH_SIZE];
	int rc = 0;

	sha256_init(&h);
	for (size_t k = 0; k <= i && rc == 0; k++) {
		const struct applied *other = row_of(w, &w->migrations[k]);

		if (other && other <= row) /* rows come in the order they were written */
			rc = add_file(w, &h, &w->migrations[k], e);
	}
	peek(&h, hash);
	return rc == 0 ? strcmp(hash, row->checksum) == 0 : -1;
}

/* h covers the migrations up to i. 1 = the row agrees, 0 = it does not, -1 = error. */
static int agrees(struct world *w, size_t i, const struct applied *row, const struct sha256 *h,
		  struct err *e)
{
	char hash[HASH_SIZE];

	if (row->state != APPLIED_DONE || w->migrations[i].is_unhashable)
		return 1;
	if (!row->checksum) {
		migrations_has_no_checksum(w, &w->migrations[i], FOUND_MODIFIED);
		return 1;
	}
	peek(h, hash);
	if (strcmp(row->checksum, hash) == 0)
		return 1;
	return agrees_by_then(w, i, row, e);
}

/*
 * What was in the folder when a migration was applied is not known; that is taken to be what was
 * applied by then. The first difference is the edited file, all behind it follow from it.
 */
static int atlas_compare_hashes(struct world *w, struct err *e)
{
	struct sha256 h;
	int rc = 1;

	sha256_init(&h);
	for (size_t i = 0; i < w->n_migrations && rc > 0; i++) {
		const struct migration *m = &w->migrations[i];
		const struct applied *row = row_of(w, m);

		if (!row)
			continue;
		rc = add_file(w, &h, m, e) == 0 ? agrees(w, i, row, &h, e) : -1;
		if (rc != 0)
			continue;
		migrations_found(w, FOUND_MODIFIED, m->name,
				 "%s was changed after it was applied; put it back and write the "
				 "change as a new migration",
				 migrations_shown(w, m->file));
		migrations_remark(w, "behind %s: not compared, a hash covers all files before it",
				  m->name);
	}
	return rc < 0 ? -1 : 0;
}

static int atlas_compare(struct world *w, struct err *e)
{
	if (migrations_compare_rows(w, e) != 0 || atlas_compare_sum(w, e) != 0)
		return -1;
	for (size_t i = 0; i < w->n_rows; i++)
		if (!map_get(&w->by_key, w->rows[i].key))
			w->untold[FOUND_MODIFIED] =
				arena_printf(w->arena,
					     "a hash covers all files before it, and that of %s "
					     "is gone",
					     w->rows[i].name);
	if (!w->untold[FOUND_MODIFIED] && atlas_compare_hashes(w, e) != 0)
		return -1;
	migrations_find_unapplied(w);
	return 0;
}

const struct framework migrations_atlas = {
	.name = "atlas",
	.title = "Atlas",
	.tables = "atlas_schema_revisions atlas_schema_revisions.atlas_schema_revisions",
	.columns = atlas_columns,
	.order_by = "executed_at",
	.files = atlas_files,
	.take = atlas_take,
	.order = migrations_order_text,
	.compare = atlas_compare,
	.refuses_newer = true,
	.knows = KNOWS(FOUND_PENDING) | KNOWS(FOUND_MISSING) | KNOWS(FOUND_MODIFIED) |
		 KNOWS(FOUND_OUT_OF_ORDER) | KNOWS(FOUND_FAILED) | KNOWS(FOUND_DUPLICATE) |
		 KNOWS(FOUND_BROKEN),
	.apply = "atlas migrate apply",
	.repair = "mend the database, then atlas migrate apply or set",
	.compares = "files VERSION_x.sql and atlas.sum; SHA-256 of all names and contents up to a "
		    "file, so only the first edited one can be named",
};
