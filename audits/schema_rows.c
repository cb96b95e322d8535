/*
 * schema_rows: the keys of the kind, and what is to be found wrong with them before anything runs.
 *
 * The keys that describe a table stand twice, below `schema:` for the one of `table:` and below
 * each name of `tables:`; one macro writes both, so that they cannot come apart.
 */
#include <stddef.h>
#include <string.h>

#include "audits/schema_spec.h"
#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/model/kind.h"

static const char *const key_names[] = {"primary", "unique", NULL};
static const char *const generated_names[] = {"no",	  "virtual", "stored",
					      "identity", "always",  NULL};

#define ROW(struct_, member_, name_, type_, help_, example_)                                       \
	{                                                                                          \
		.name = (name_), .type = (type_), .offset = offsetof(struct_, member_),            \
		.help = (help_), .example = (example_)                                             \
	}

#define ROW_DEFAULT(struct_, member_, name_, type_, def_, help_, example_)                         \
	{                                                                                          \
		.name = (name_), .type = (type_), .offset = offsetof(struct_, member_),            \
		.def = (def_), .help = (help_), .example = (example_)                              \
	}

#define ROW_NAMED(struct_, member_, name_, type_, sub_, item_, help_, example_)                    \
	{                                                                                          \
		.name = (name_), .type = (type_), .offset = offsetof(struct_, member_),            \
		.sub = (sub_), .sub_size = sizeof(item_), .help = (help_), .example = (example_)   \
	}

static const struct key_row column_keys[] = {
	ROW(struct schema_column, type, "type", KEY_TEXT,
	    "integer, text, real, blob and numeric take every type of that sort (integer: INT, "
	    "bigint); smallint, bigint, double, boolean, timestamp, varchar(20), ... are that type "
	    "under whatever name the engine has for it; another word is the declared type",
	    "integer"),
	ROW(struct schema_column, declared, "declared", KEY_TEXT,
	    "the type as declared, case and spacing apart; a server's other names for it count",
	    "VARCHAR(40)"),
	ROW(struct schema_column, is_nullable, "nullable", KEY_BOOL,
	    "may it hold NULL, by what the engine enforces", "false"),
	ROW(struct schema_column, def, "default", KEY_TEXT,
	    "the default, as SQL or as the text itself; NULL = it has none", "pending"),
	{.name = "key",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct schema_column, key),
	 .choices = key_names,
	 .help = "primary: part of the primary key; unique: unique by itself",
	 .example = "primary"},
	ROW(struct schema_column, is_unique, "unique", KEY_BOOL, "is it unique by itself", "true"),
	ROW(struct schema_column, references, "references", KEY_TEXT,
	    "table(column) that a foreign key on this column alone refers to", "owners(id)"),
	{.name = "generated",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct schema_column, generated),
	 .choices = generated_names,
	 .help = "identity takes AUTO_INCREMENT, and both identities of PostgreSQL; always only "
		 "GENERATED ALWAYS AS IDENTITY",
	 .example = "stored"},
	ROW(struct schema_column, expression, "expression", KEY_TEXT,
	    "what a generated column is computed from", "price * quantity"),
	ROW(struct schema_column, collation, "collation", KEY_TEXT,
	    "its own collation, when that is not the table's or the database's", "NOCASE"),
	ROW(struct schema_column, comment, "comment", KEY_TEXT, "its comment", "in euros"),
	ROW_DEFAULT(
		struct schema_column, is_exact, "exact", KEY_BOOL, "false",
		"forbid what is not written: a default, a key, a foreign key, a generated value, "
		"a collation, NULL where nullable is not said",
		"true"),
	KEY_END,
};

static const struct key_row index_keys[] = {
	{.name = "columns",
	 .type = KEY_TEXTS,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct schema_index, columns),
	 .help = "columns in index order; an expression as SQL; with DESC behind it, also that",
	 .example = "[owner, \"created_at DESC\"]"},
	ROW(struct schema_index, is_unique, "unique", KEY_BOOL, "is it unique", "true"),
	ROW(struct schema_index, where, "where", KEY_TEXT,
	    "the condition of a partial index; \"\" = it covers the whole table",
	    "\"state = 'open'\""),
	ROW(struct schema_index, include, "include", KEY_TEXTS,
	    "columns carried beside the key (PostgreSQL)", "[state]"),
	ROW(struct schema_index, method, "method", KEY_TEXT, "btree, hash, gin, fulltext, ...",
	    "gin"),
	ROW_DEFAULT(struct schema_index, is_valid, "valid", KEY_BOOL, "true",
		    "false: it may be invalid or not ready, left by a build that failed", "false"),
	ROW_DEFAULT(struct schema_index, is_any_name, "any_name", KEY_BOOL, "false",
		    "an index on these columns under whatever name will do", "true"),
	KEY_END,
};

static const struct key_row check_keys[] = {
	ROW(struct schema_check_constraint, condition, "condition", KEY_TEXT,
	    "its condition; parentheses, casts of literals and spacing may differ",
	    "\"price > 0\""),
	ROW_DEFAULT(struct schema_check_constraint, is_valid, "valid", KEY_BOOL, "true",
		    "false: rows that exist may break it (NOT VALID, NOT ENFORCED)", "false"),
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
	ROW(struct schema_foreign_key, name, "name", KEY_TEXT, "its name", "orders_owner_fk"),
	ROW(struct schema_foreign_key, on_delete, "on_delete", KEY_TEXT,
	    "cascade, set null, set default, restrict or no action; set null (b) of some columns "
	    "only",
	    "cascade"),
	ROW(struct schema_foreign_key, on_update, "on_update", KEY_TEXT, "the same for updates",
	    "no action"),
	ROW(struct schema_foreign_key, is_deferrable, "deferrable", KEY_BOOL, "is it deferrable",
	    "false"),
	ROW_DEFAULT(struct schema_foreign_key, is_valid, "valid", KEY_BOOL, "true",
		    "false: rows that exist may break it (NOT VALID)", "false"),
	KEY_END,
};

static const struct key_row partition_keys[] = {
	ROW(struct schema_partition, bounds, "bounds", KEY_TEXT,
	    "its bounds as the engine prints them", "\"FOR VALUES FROM (1) TO (10)\""),
	KEY_END,
};

/* What describes a table, in a struct that holds it at `at` (an offset expression's prefix). */
#define TABLE_KEYS(s, at)                                                                          \
	ROW_NAMED(s, at columns, "columns", KEY_NAMED, column_keys, struct schema_column,          \
		  "columns that must exist, each with what is expected of it, or only its type",   \
		  "{ id: integer, email: { type: text, nullable: false } }"),                      \
		ROW_DEFAULT(                                                                       \
			s, at is_exact, "exact", KEY_BOOL, "false",                                \
			"forbid columns, keys, indexes, tables and so on beside those listed, "    \
			"wherever some are listed",                                                \
			"true"),                                                                   \
		ROW(s, at primary_key, "primary_key", KEY_TEXTS,                                   \
		    "columns of the primary key, in order", "[order_id, line]"),                   \
		ROW(s, at primary_key_name, "primary_key_name", KEY_TEXT,                          \
		    "name of the primary key's constraint", "orders_pkey"),                        \
		ROW(s, at unique, "unique", KEY_TEXTS,                                             \
		    "what must be unique: a column, or several with commas between them, in any "  \
		    "order",                                                                       \
		    "[email, \"tenant, number\"]"),                                                \
		ROW_NAMED(s, at checks, "checks", KEY_NAMED, check_keys,                           \
			  struct schema_check_constraint,                                          \
			  "CHECK constraints by name; in a list also by condition, under "         \
			  "whatever name",                                                         \
			  "{ positive: \"price > 0\" }"),                                          \
		ROW_NAMED(s, at indexes, "indexes", KEY_NAMED, index_keys, struct schema_index,    \
			  "indexes by name, with their columns",                                   \
			  "{ orders_owner: [owner, state] }"),                                     \
		ROW_NAMED(s, at foreign_keys, "foreign_keys", KEY_LIST, foreign_key_keys,          \
			  struct schema_foreign_key, "foreign keys that must exist",               \
			  "[ { columns: owner_id, references: owners(id) } ]"),                    \
		ROW(s, at triggers, "triggers", KEY_TEXTS,                                         \
		    "triggers that must exist and be enabled", "orders_audit"),                    \
		ROW(s, at partition_by, "partition_by", KEY_TEXT, "how the table is partitioned",  \
		    "RANGE (created_at)"),                                                         \
		ROW_NAMED(s, at partitions, "partitions", KEY_NAMED, partition_keys,               \
			  struct schema_partition, "partitions by name",                           \
			  "[orders_2026, orders_2027]"),                                           \
		ROW(s, at parent, "parent", KEY_TEXT,                                              \
		    "table it is a partition of, or inherits from", "orders"),                     \
		ROW(s, at storage, "storage", KEY_TEXT,                                            \
		    "what it is kept in: InnoDB, UNLOGGED, STRICT, WITHOUT ROWID", "InnoDB"),      \
		ROW(s, at charset, "charset", KEY_TEXT, "its character set (MySQL)", "utf8mb4"),   \
		ROW(s, at collation, "collation", KEY_TEXT, "its collation (MySQL)",               \
		    "utf8mb4_general_ci"),                                                         \
		ROW(s, at comment, "comment", KEY_TEXT, "its comment", "one row an order"),        \
		ROW(s, at has_row_security, "row_security", KEY_BOOL,                              \
		    "is row-level security enabled (PostgreSQL)", "true")

static const struct key_row table_keys[] = {
	TABLE_KEYS(struct schema_table, ),
	KEY_END,
};

static const struct key_row view_keys[] = {
	ROW(struct schema_view, definition, "definition", KEY_TEXT,
	    "its query as the engine prints it, case and spacing apart",
	    "\"SELECT id FROM orders\""),
	ROW(struct schema_view, is_materialized, "materialized", KEY_BOOL, "are its rows stored",
	    "true"),
	KEY_END,
};

static const struct key_row sequence_keys[] = {
	ROW(struct schema_sequence, type, "type", KEY_TEXT, "type of its numbers", "bigint"),
	ROW(struct schema_sequence, start, "start", KEY_TEXT, "number it starts with", "1"),
	ROW(struct schema_sequence, increment, "increment", KEY_TEXT, "step between numbers", "1"),
	ROW(struct schema_sequence, minimum, "minimum", KEY_TEXT, "lowest number", "1"),
	ROW(struct schema_sequence, maximum, "maximum", KEY_TEXT, "highest number", "2147483647"),
	ROW(struct schema_sequence, is_cycle, "cycle", KEY_BOOL, "does it begin again", "false"),
	ROW(struct schema_sequence, owner, "owned_by", KEY_TEXT, "table.column it belongs to",
	    "orders.id"),
	KEY_END,
};

static const struct key_row extension_keys[] = {
	ROW(struct schema_extension, version, "version", KEY_TEXT, "its version", "\"1.3\""),
	KEY_END,
};

static const struct key_row enum_keys[] = {
	ROW(struct schema_enum, values, "values", KEY_TEXTS, "its values in order", "[new, paid]"),
	KEY_END,
};

const struct key_row schema_keys[] = {
	ROW(struct schema_spec, table.name, "table", KEY_TEXT,
	    "table or view that must exist; the keys below describe it. schema.table for one of "
	    "another schema; a name with a dot in the quotes of the engine: '\"a.b\"', '`a.b`'",
	    "orders"),
	TABLE_KEYS(struct schema_spec, table.),
	ROW_NAMED(struct schema_spec, tables, "tables", KEY_NAMED, table_keys, struct schema_table,
		  "tables that must exist, by name or pattern, each described by the keys above; "
		  "with exact, the only ones",
		  "{ orders: { columns: [id, owner] }, \"audit_*\": { columns: { at: timestamp } } "
		  "}"),
	ROW_NAMED(struct schema_spec, views, "views", KEY_NAMED, view_keys, struct schema_view,
		  "views that must exist and still resolve", "[open_orders]"),
	ROW_NAMED(struct schema_spec, sequences, "sequences", KEY_NAMED, sequence_keys,
		  struct schema_sequence, "sequences by name", "{ order_numbers: bigint }"),
	ROW_NAMED(struct schema_spec, extensions, "extensions", KEY_NAMED, extension_keys,
		  struct schema_extension, "extensions by name (PostgreSQL)", "[pgcrypto]"),
	ROW_NAMED(struct schema_spec, enums, "enums", KEY_NAMED, enum_keys, struct schema_enum,
		  "enum types with their values (PostgreSQL)", "{ mood: [sad, ok, happy] }"),
	ROW(struct schema_spec, absent, "absent", KEY_TEXTS,
	    "names or patterns of tables and views that must not exist", "[\"tmp_*\", orders_old]"),
	{.name = "snapshot",
	 .type = KEY_PATH,
	 .flags = KEY_POLICY,
	 .offset = offsetof(struct schema_spec, snapshot),
	 .help = "file written by `assize schema capture`: every fact, both directions",
	 .example = "audits/shop.schema.json"},
	KEY_END,
};

/* ---- what is said, and what is wrong with it ---- */

bool schema_is_glob(const char *name)
{
	return strpbrk(name, "*?") != NULL;
}

struct texts schema_names(struct arena *a, const char *list)
{
	struct texts t = {.items = arena_array(a, strlen(list) + 1, sizeof(*t.items))};

	for (const char *s = list; *s;) {
		s += strspn(s, " ,");
		size_t n = strcspn(s, ",");
		size_t kept = n;

		while (kept > 0 && s[kept - 1] == ' ')
			kept--;
		if (kept > 0)
			t.items[t.n++] = arena_strndup(a, s, kept);
		s += n;
	}
	return t;
}

bool schema_reference(struct arena *a, const char *references, const char **table,
		      const char ***columns, size_t *n)
{
	const char *open = strchr(references, '(');
	size_t length = open ? (size_t)(open - references) : strlen(references);

	while (length > 0 && references[length - 1] == ' ')
		length--;
	*n = 0;
	if (length == 0)
		return false;
	*table = arena_strndup(a, references, length);
	if (!open)
		return true;
	const char *close = strchr(open, ')');

	if (!close || close[1 + strspn(close + 1, " ")])
		return false;
	struct texts names =
		schema_names(a, arena_strndup(a, open + 1, (size_t)(close - open - 1)));

	*columns = names.items;
	*n = names.n;
	return names.n > 0;
}

static void note_column(struct group *g)
{
	struct schema_column *c = g->value;

	c->has_nullable = keys_has(g, "nullable");
	c->has_key = keys_has(g, "key");
	c->has_unique = keys_has(g, "unique");
	c->has_generated = keys_has(g, "generated");
}

/* A choice that was not written is not compared: presence is in the source only. */
static void note_table(struct schema_table *t, const struct node *map)
{
	t->says_row_security =
		map && map->type == NODE_MAPPING && node_get(map, "row_security") != NULL;
	for (size_t i = 0; i < t->columns.n; i++)
		note_column(&t->columns.items[i]);
	for (size_t i = 0; i < t->indexes.n; i++)
		((struct schema_index *)t->indexes.items[i].value)->has_unique =
			keys_has(&t->indexes.items[i], "unique");
	for (size_t i = 0; i < t->foreign_keys.n; i++)
		((struct schema_foreign_key *)t->foreign_keys.items[i].value)->has_deferrable =
			keys_has(&t->foreign_keys.items[i], "deferrable");
}

static void note_objects(struct schema_spec *spec)
{
	for (size_t i = 0; i < spec->tables.n; i++)
		note_table(spec->tables.items[i].value, spec->tables.items[i].node);
	for (size_t i = 0; i < spec->views.n; i++)
		((struct schema_view *)spec->views.items[i].value)->has_materialized =
			keys_has(&spec->views.items[i], "materialized");
	for (size_t i = 0; i < spec->sequences.n; i++)
		((struct schema_sequence *)spec->sequences.items[i].value)->has_cycle =
			keys_has(&spec->sequences.items[i], "cycle");
}

static void check_reference(struct keys_context *ctx, const struct check *c, struct pos pos,
			    const char *references)
{
	const char *table, **columns;
	size_t n;

	if (references && !schema_reference(ctx->arena, references, &table, &columns, &n))
		diags_at(ctx->diags, pos, NULL,
			 "check \"%s\": references \"%s\" is not of the form table(column)",
			 c->name, references);
}

static void check_table(struct keys_context *ctx, const struct check *c,
			const struct schema_table *t)
{
	for (size_t i = 0; i < t->columns.n; i++) {
		const struct schema_column *column = t->columns.items[i].value;

		check_reference(ctx, c, t->columns.items[i].pos, column->references);
	}
	for (size_t i = 0; i < t->foreign_keys.n; i++) {
		const struct schema_foreign_key *k = t->foreign_keys.items[i].value;

		check_reference(ctx, c, t->foreign_keys.items[i].pos, k->references);
	}
	/* a list of names says nothing of columns, which an index cannot be without */
	for (size_t i = 0; i < t->indexes.n; i++) {
		const struct schema_index *x = t->indexes.items[i].value;

		if (x->columns.n == 0 && x->is_any_name)
			diags_at(ctx->diags, t->indexes.items[i].pos, "add `columns:`",
				 "check \"%s\": an index under any name needs its columns",
				 c->name);
	}
}

static bool describes(const struct schema_table *t)
{
	return t->columns.n > 0 || t->primary_key.n > 0 || t->indexes.n > 0 ||
	       t->foreign_keys.n > 0 || t->unique.n > 0 || t->checks.n > 0 || t->triggers.n > 0 ||
	       t->partitions.n > 0 || t->primary_key_name || t->partition_by || t->parent ||
	       t->storage || t->charset || t->collation || t->comment || t->says_row_security;
}

/* In quotes it would match nothing, and be absent. */
static void check_pattern(struct keys_context *ctx, const struct check *c, struct pos pos,
			  const char *name)
{
	if (schema_is_glob(name) && strpbrk(name, "\"`"))
		diags_at(ctx->diags, pos, "leave the quotes out: a dot in a pattern is a dot",
			 "check \"%s\": pattern %s has quotes", c->name, name);
}

void schema_spec_check(struct keys_context *ctx, struct check *c)
{
	struct schema_spec *spec = c->spec;
	const struct schema_table *t = &spec->table;
	bool has_objects = spec->tables.n > 0 || spec->views.n > 0 || spec->sequences.n > 0 ||
			   spec->extensions.n > 0 || spec->enums.n > 0 || spec->absent.n > 0;

	note_table(&spec->table, c->spec_node);
	note_objects(spec);
	if (!t->name && describes(t))
		diags_at(ctx->diags, c->kind_pos, "add `table: NAME`",
			 "check \"%s\": columns, keys and indexes need the table they belong to",
			 c->name);
	else if (!t->name && !has_objects && !spec->snapshot)
		diags_at(ctx->diags, c->kind_pos, "name a table, tables, views or a snapshot",
			 "check \"%s\": there is nothing to compare with", c->name);
	check_table(ctx, c, t);
	for (size_t i = 0; i < spec->tables.n; i++) {
		check_table(ctx, c, spec->tables.items[i].value);
		check_pattern(ctx, c, spec->tables.items[i].pos, spec->tables.items[i].name);
	}
	for (size_t i = 0; i < spec->absent.n; i++)
		check_pattern(ctx, c, spec->absent.positions[i], spec->absent.items[i]);
}
