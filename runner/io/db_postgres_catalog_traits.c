/*
 * db_postgres_catalog_traits: what few definitions ask of a table: comments, collations, queries of
 * views, parents, partitions, options.
 *
 * Comments are joined: obj_description() and col_description() run a query of their own for each
 * object.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/io/db_catalog_build.h"
#include "runner/io/db_postgres_catalog.h"

static const char *text_of(const struct postgres_catalog *c, const struct db_value *v)
{
	return db_value_text(c->arena, v);
}

/* Several parents, as inheritance has: the first, and the others beside it. */
static const char tables_sql[] =
	"SELECT c.oid::text, CASE WHEN c.relkind IN ('v', 'm') THEN"
	"  pg_catalog.rtrim(pg_catalog.btrim(pg_catalog.pg_get_viewdef(c.oid)), ';') END,"
	" i.inhparent::text, i.inhparent::pg_catalog.regclass::text,"
	" CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END,"
	" CASE WHEN c.relispartition THEN pg_catalog.pg_get_expr(c.relpartbound, c.oid) END,"
	" o.description, CASE WHEN c.relkind = 'f' THEN"
	"  (SELECT pg_catalog.concat_ws(', ', 'server=' || s.srvname,"
	"    pg_catalog.array_to_string(f.ftoptions, ', ')) FROM pg_catalog.pg_foreign_table f"
	"   JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid)"
	"  ELSE pg_catalog.array_to_string(c.reloptions, ', ') END,"
	" CASE c.relreplident WHEN 'n' THEN"
	"  CASE WHEN c.relkind IN ('r', 'p') THEN 'NOTHING' END WHEN 'f' THEN 'FULL' WHEN 'i' THEN"
	"  (SELECT 'USING INDEX ' || x.relname FROM pg_catalog.pg_index y"
	"   JOIN pg_catalog.pg_class x ON x.oid = y.indexrelid"
	"   WHERE y.indrelid = c.oid AND y.indisreplident) END,"
	" (SELECT pg_catalog.string_agg(h.inhparent::pg_catalog.regclass::text, ', '"
	"   ORDER BY h.inhseqno) FROM pg_catalog.pg_inherits h"
	"  WHERE h.inhrelid = c.oid AND h.inhseqno > i.inhseqno)"
	" FROM pg_catalog.pg_class c"
	" LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid AND i.inhseqno ="
	"  (SELECT pg_catalog.min(f.inhseqno) FROM pg_catalog.pg_inherits f"
	"   WHERE f.inhrelid = c.oid)"
	" LEFT JOIN pg_catalog.pg_description o ON o.objoid = c.oid AND o.objsubid = 0"
	"  AND o.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass"
	" WHERE c.oid = ANY ($1::oid[])";

static int add_traits(void *ctx, const struct db_row *row, struct err *e)
{
	struct postgres_catalog *c = ctx;
	const struct db_value *v = row->values;
	struct db_table *t = postgres_catalog_table(c, row);

	(void)e;
	if (!t)
		return 0;
	struct postgres_class *class = &c->classes[t - c->catalog->tables];

	t->definition = text_of(c, &v[1]);
	class->parent = text_of(c, &v[2]);
	class->bounds = text_of(c, &v[5]);
	t->parent = v[2].type == DB_NULL ? NULL : postgres_catalog_name(c, &v[2], &v[3]);
	t->partition_by = text_of(c, &v[4]);
	t->comment = text_of(c, &v[6]);
	t->options = text_of(c, &v[7]);
	t->replica_identity = text_of(c, &v[8]);
	t->other_parents = text_of(c, &v[9]);
	return 0;
}

static void add_partitions(struct postgres_catalog *c)
{
	struct db_catalog *all = c->catalog;

	for (size_t i = 0; i < all->n_tables; i++) {
		const struct postgres_class *class = &c->classes[i];
		struct db_table *t = &all->tables[i];
		struct db_table *parent = class->parent ? map_get(&c->tables, class->parent) : NULL;

		if (!parent || !class->bounds)
			continue;
		parent->partitions =
			db_array_grow(c->arena, parent->partitions, parent->n_partitions,
				      sizeof(struct db_partition));
		parent->partitions[parent->n_partitions++] =
			(struct db_partition){.name = t->name, .bounds = class->bounds};
	}
}

/* Of columns that have any. */
static const char columns_sql[] =
	"SELECT a.attrelid::text, a.attname, CASE WHEN a.attcollation <> t.typcollation THEN"
	"  (SELECT l.collname FROM pg_catalog.pg_collation l WHERE l.oid = a.attcollation) END,"
	" o.description FROM pg_catalog.pg_attribute a"
	" JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
	" LEFT JOIN pg_catalog.pg_description o ON o.objoid = a.attrelid"
	"  AND o.objsubid = a.attnum AND o.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass"
	" WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid = ANY ($1::oid[])"
	"  AND (a.attcollation <> t.typcollation OR o.description IS NOT NULL)";

static int add_column_traits(void *ctx, const struct db_row *row, struct err *e)
{
	const struct postgres_catalog *c = ctx;
	const struct db_value *v = row->values;
	struct db_table *t = postgres_catalog_table(c, row);

	(void)e;
	for (size_t i = 0; t && i < t->n_columns; i++) {
		if (strcmp(t->columns[i].name, v[1].text) != 0)
			continue;
		t->columns[i].collation = text_of(c, &v[2]);
		t->columns[i].comment = text_of(c, &v[3]);
	}
	return 0;
}

int postgres_catalog_traits(struct postgres_catalog *c, struct err *e)
{
	if (postgres_catalog_rows(c, tables_sql, add_traits, e) != 0)
		return -1;
	add_partitions(c);
	return postgres_catalog_rows(c, columns_sql, add_column_traits, e);
}
