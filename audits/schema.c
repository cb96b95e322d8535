/*
 * schema: what a database is made of against what it should be made of.
 *
 * The value is the number of differences, expected to be 0; the differences are the evidence, one
 * line each. A table or column that is gone is a difference, not a failure to measure: the catalog
 * was read and does not have it. All schema checks of a target share one probe, which reads each
 * table's facts once.
 */
#include <stddef.h>
#include <string.h>

#include "audits/database.h"
#include "audits/kind_rows.h"
#include "audits/schema_compare.h"
#include "audits/schema_snapshot.h"
#include "runner/base/arena.h"
#include "runner/base/map.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/model/kind.h"

struct schema_spec {
	struct schema_table table; /* name NULL = no single table */
	struct texts tables, views;
	const char *snapshot;
};

static const char *const key_names[] = {"primary", "unique", NULL};

static const struct key_row column_keys[] = {
	{.name = "type",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct schema_column, type),
	 .help = "integer, text, real, blob or numeric take every type of that affinity (integer: "
		 "INT, BIGINT); another word is the declared type",
	 .example = "integer"},
	{.name = "declared",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct schema_column, declared),
	 .help = "the type exactly as declared, case and spacing apart",
	 .example = "VARCHAR(40)"},
	{.name = "nullable",
	 .type = KEY_BOOL,
	 .offset = offsetof(struct schema_column, is_nullable),
	 .help = "may it hold NULL, by what the engine enforces",
	 .example = "false"},
	{.name = "default",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct schema_column, def),
	 .help = "the default, as SQL or as the text itself; NULL = it has none",
	 .example = "pending"},
	{.name = "key",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct schema_column, key),
	 .choices = key_names,
	 .help = "primary: part of the primary key; unique: unique by itself",
	 .example = "primary"},
	KEY_END,
};

static const struct key_row index_keys[] = {
	{.name = "columns",
	 .type = KEY_TEXTS,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct schema_index, columns),
	 .help = "columns in index order",
	 .example = "[owner, state]"},
	{.name = "unique",
	 .type = KEY_BOOL,
	 .offset = offsetof(struct schema_index, is_unique),
	 .help = "is it unique",
	 .example = "true"},
	{.name = "any_name",
	 .type = KEY_BOOL,
	 .offset = offsetof(struct schema_index, is_any_name),
	 .def = "false",
	 .help = "an index on these columns under whatever name will do",
	 .example = "true"},
	KEY_END,
};

static const struct key_row foreign_key_keys[] = {
	{.name = "columns",
	 .type = KEY_TEXTS,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct schema_foreign_key, columns),
	 .help = "columns that refer",
	 .example = "owner_id"},
	{.name = "references",
	 .type = KEY_TEXT,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct schema_foreign_key, references),
	 .help = "table(columns) referred to; without columns, whichever",
	 .example = "owners(id)"},
	KEY_END,
};

static const struct key_row schema_keys[] = {
	{.name = "table",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct schema_spec, table.name),
	 .help = "table or view that must exist; the keys below describe it",
	 .example = "orders"},
	{.name = "columns",
	 .type = KEY_GROUPS,
	 .offset = offsetof(struct schema_spec, table.columns),
	 .sub = column_keys,
	 .sub_size = sizeof(struct schema_column),
	 .help = "columns that must exist, each with what is expected of it",
	 .example = "{ id: { type: integer, key: primary }, email: { nullable: false } }"},
	{.name = "exact",
	 .type = KEY_BOOL,
	 .offset = offsetof(struct schema_spec, table.is_exact),
	 .def = "false",
	 .help = "forbid columns, indexes, foreign keys and tables beside those listed, wherever "
		 "some are listed",
	 .example = "true"},
	{.name = "primary_key",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct schema_spec, table.primary_key),
	 .help = "columns of the primary key, in order",
	 .example = "[order_id, line]"},
	{.name = "indexes",
	 .type = KEY_GROUPS,
	 .offset = offsetof(struct schema_spec, table.indexes),
	 .sub = index_keys,
	 .sub_size = sizeof(struct schema_index),
	 .help = "indexes by name",
	 .example = "{ orders_owner: { columns: owner } }"},
	{.name = "foreign_keys",
	 .type = KEY_LIST,
	 .offset = offsetof(struct schema_spec, table.foreign_keys),
	 .sub = foreign_key_keys,
	 .sub_size = sizeof(struct schema_foreign_key),
	 .help = "foreign keys that must exist",
	 .example = "[ { columns: owner_id, references: owners(id) } ]"},
	{.name = "tables",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct schema_spec, tables),
	 .help = "tables that must exist; with exact, the only ones",
	 .example = "[orders, owners]"},
	{.name = "views",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct schema_spec, views),
	 .help = "views that must exist and still resolve",
	 .example = "[open_orders]"},
	{.name = "snapshot",
	 .type = KEY_PATH,
	 .offset = offsetof(struct schema_spec, snapshot),
	 .help = "file written by `assize schema capture`: every fact, both directions",
	 .example = "audits/shop.schema.json"},
	KEY_END,
};

static const struct value_row schema_values[] = {
	{.name = "",
	 .type = VALUE_INT,
	 .unit = "differences",
	 .implied = "== 0",
	 .help = "number of differences; each is a line of the evidence"},
	{.name = NULL},
};

/* ---- the definition ---- */

static bool is_written(const struct node *groups, const char *name, const char *key)
{
	const struct node *group = groups ? node_get(groups, name) : NULL;

	return group && group->type == NODE_MAPPING && node_get(group, key);
}

/* A boolean that was not written is not compared: presence is in the source only. */
static void note_presence(struct schema_spec *spec, const struct node *map)
{
	const struct groups *columns = &spec->table.columns, *indexes = &spec->table.indexes;

	for (size_t i = 0; i < columns->n; i++) {
		struct schema_column *c = columns->items[i].value;
		const char *name = columns->items[i].name;

		c->has_nullable = is_written(node_get(map, "columns"), name, "nullable");
		c->has_key = is_written(node_get(map, "columns"), name, "key");
	}
	for (size_t i = 0; i < indexes->n; i++) {
		struct schema_index *x = indexes->items[i].value;

		x->has_unique =
			is_written(node_get(map, "indexes"), indexes->items[i].name, "unique");
	}
}

static void schema_check(struct keys_context *ctx, struct check *c)
{
	struct schema_spec *spec = c->spec;
	const struct schema_table *t = &spec->table;
	bool describes = t->columns.n > 0 || t->primary_key.n > 0 || t->indexes.n > 0 ||
			 t->foreign_keys.n > 0;

	if (c->spec_node && c->spec_node->type == NODE_MAPPING)
		note_presence(spec, c->spec_node);
	if (!t->name && describes)
		diags_at(ctx->diags, c->kind_pos, "add `table: NAME`",
			 "check \"%s\": columns, keys and indexes need the table they belong to",
			 c->name);
	else if (!t->name && spec->tables.n == 0 && spec->views.n == 0 && !spec->snapshot)
		diags_at(ctx->diags, c->kind_pos, "name a table, tables, views or a snapshot",
			 "check \"%s\": there is nothing to compare with", c->name);
	for (size_t i = 0; i < t->foreign_keys.n; i++) {
		const struct schema_foreign_key *k = t->foreign_keys.items[i].value;

		if (k->references && !schema_reference_is_valid(k->references))
			diags_at(ctx->diags, t->foreign_keys.items[i].pos, NULL,
				 "check \"%s\": references \"%s\" is not of the form table(column)",
				 c->name, k->references);
	}
}

/* ---- the catalog, read once a probe ---- */

struct facts {
	struct db_table table;
	struct err error; /* set: the table is there but cannot be described */
};

struct catalog {
	struct probe *probe;
	struct db *db;
	struct db_object *objects;
	size_t n_objects;
	struct map facts; /* by the object's own name */
};

static const struct db_object *find_object(const struct catalog *cat, const char *name)
{
	const char *bare = str_starts(name, "main.") && name[5] ? name + 5 : name;

	for (size_t i = 0; i < cat->n_objects; i++)
		if (db_same_name(db_engine(cat->db), cat->objects[i].name, bare))
			return &cat->objects[i];
	return NULL;
}

static const struct facts *describe_object(struct catalog *cat, const struct db_object *o)
{
	struct facts *f = map_get(&cat->facts, o->name);

	if (f)
		return f;
	f = arena_alloc(cat->probe->arena, sizeof(*f));
	/* The error stays with the table: it is undecided for whoever asks about it. */
	(void)db_describe(cat->db, cat->probe->arena, o->name, cat->probe->deadline_ms, &f->table,
			  &f->error);
	map_put(&cat->facts, o->name, f);
	return f;
}

static const char *closest(const struct catalog *cat, const char *name)
{
	struct arena *a = cat->probe->arena;
	const char **names = arena_array(a, cat->n_objects, sizeof(*names));

	for (size_t i = 0; i < cat->n_objects; i++)
		names[i] = cat->objects[i].name;
	int i = str_closest(name, names, cat->n_objects);

	return i < 0 ? "" : arena_printf(a, "; there is a %s", names[i]);
}

/* ---- one check ---- */

static int compare_table(struct catalog *cat, struct differences *d, const struct schema_spec *spec,
			 struct err *e)
{
	const char *name = spec->table.name;
	const struct db_object *o = find_object(cat, name);

	differences_expect(d, o != NULL, "table %s is missing%s", name,
			   o ? "" : closest(cat, name));
	if (!o)
		return 0;
	const struct facts *f = describe_object(cat, o);

	if (f->error.class != ERR_NONE) {
		*e = f->error;
		return -1;
	}
	schema_compare_table(d, &spec->table, &f->table);
	return 0;
}

static void compare_names(struct catalog *cat, struct differences *d,
			  const struct schema_spec *spec)
{
	bool *is_listed = arena_array(cat->probe->arena, cat->n_objects, sizeof(*is_listed));

	for (size_t i = 0; i < spec->tables.n; i++) {
		const char *name = spec->tables.items[i];
		const struct db_object *o = find_object(cat, name);

		differences_expect(d, o && !o->is_view, "table %s is %s%s", name,
				   o ? "a view" : "missing", o ? "" : closest(cat, name));
		if (o)
			is_listed[o - cat->objects] = true;
	}
	if (!spec->table.is_exact || spec->tables.n == 0)
		return;
	for (size_t i = 0; i < cat->n_objects; i++)
		if (!cat->objects[i].is_view)
			differences_expect(d, is_listed[i], "unexpected table %s",
					   cat->objects[i].name);
}

/* A view whose query no longer resolves is as good as missing, and says why. */
static void compare_views(struct catalog *cat, struct differences *d,
			  const struct schema_spec *spec)
{
	for (size_t i = 0; i < spec->views.n; i++) {
		const char *name = spec->views.items[i];
		const struct db_object *o = find_object(cat, name);
		const struct facts *f = o ? describe_object(cat, o) : NULL;

		differences_expect(d, o && o->is_view, "view %s is %s", name,
				   o ? "a table" : "missing");
		if (o)
			differences_expect(d, f->error.class == ERR_NONE, "view %s is broken: %s",
					   name, f->error.message);
	}
}

static const struct db_table *find_captured(const struct db_table *tables, size_t n,
					    const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (db_same_name(DB_SQLITE, tables[i].name, name))
			return &tables[i];
	return NULL;
}

static int compare_snapshot(struct catalog *cat, struct differences *d, const char *path,
			    struct err *e)
{
	struct db_table *captured;
	size_t n;

	if (schema_snapshot_read(cat->probe->arena, path, &captured, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *what = captured[i].is_view ? "view" : "table";
		const struct db_object *o = find_object(cat, captured[i].name);
		const struct facts *f = o ? describe_object(cat, o) : NULL;

		differences_expect(d, o != NULL, "%s %s is missing", what, captured[i].name);
		if (!o)
			continue;
		if (f->error.class != ERR_NONE)
			differences_expect(d, false, "%s %s is broken: %s", what, captured[i].name,
					   f->error.message);
		else
			schema_compare_captured(d, &captured[i], &f->table);
	}
	for (size_t i = 0; i < cat->n_objects; i++)
		differences_expect(d, find_captured(captured, n, cat->objects[i].name) != NULL,
				   "unexpected %s %s", cat->objects[i].is_view ? "view" : "table",
				   cat->objects[i].name);
	return 0;
}

static void measure(struct catalog *cat, size_t check)
{
	struct probe *p = cat->probe;
	const struct schema_spec *spec = p->checks[check]->spec;
	struct differences d;
	struct err e = {0};
	struct measurement m;

	differences_init(&d, p->arena);
	if ((spec->table.name && compare_table(cat, &d, spec, &e) != 0) ||
	    (spec->snapshot && compare_snapshot(cat, &d, spec->snapshot, &e) != 0)) {
		m = measurement_none("", arena_strdup(p->arena, e.message));
		if (e.help[0])
			m.evidence = arena_printf(p->arena, "help: %s", e.help);
	} else {
		compare_names(cat, &d, spec);
		compare_views(cat, &d, spec);
		m = measurement_int("", d.n, "differences");
		m.n = d.n_facts;
		if (d.lines.len > 0)
			m.evidence = arena_strndup(p->arena, d.lines.data, d.lines.len);
	}
	differences_release(&d);
	probe_emit(p, check, &m);
}

static int schema_probe(struct probe *p, struct err *e)
{
	struct catalog cat = {.probe = p};

	if (database_acquire(p, &cat.db, e) != 0)
		return -1;
	map_init(&cat.facts, p->arena);
	int rc = db_objects(cat.db, p->arena, p->deadline_ms, &cat.objects, &cat.n_objects, e);

	for (size_t i = 0; rc == 0 && i < p->n_checks; i++)
		measure(&cat, i);
	database_release(p, cat.db);
	return rc;
}

static const char *schema_merge_key(struct arena *a, const struct check *c)
{
	(void)a;
	(void)c;
	return "schema";
}

static void schema_describe(struct probe *p, struct buf *out)
{
	for (size_t i = 0; i < p->n_checks; i++) {
		const struct schema_spec *spec = p->checks[i]->spec;

		if (spec->table.name)
			buf_printf(out, "catalog of table %s\n", spec->table.name);
		if (spec->tables.n > 0 || spec->views.n > 0)
			buf_puts(out, "catalog: names of tables and views\n");
		if (spec->snapshot)
			buf_printf(out, "catalog of all tables, against %s\n", spec->snapshot);
	}
}

const struct audit_kind audit_kind_schema = {
	.name = "schema",
	.family = "database",
	.summary = "tables, columns, keys and indexes against what they should be",
	.blind = "It compares what the catalog says, not the rows. CHECK constraints, collations, "
		 "triggers, the text of views and the condition of a partial index are not "
		 "compared. "
		 "Without exact or a snapshot, what is there beside the listed things passes.",
	.spec_size = sizeof(struct schema_spec),
	.keys = schema_keys,
	.values = schema_values,
	.targets = TARGET_DATABASES,
	.check = schema_check,
	.merge_key = schema_merge_key,
	.describe = schema_describe,
	.probe = schema_probe,
};
