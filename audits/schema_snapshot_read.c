/*
 * schema_snapshot_read: reading trusts nothing. A fact that is of another type than it should be is
 * an error with its place in the file, and so is the absence of what every object has.
 */
#include <string.h>

#include "audits/schema_snapshot.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/file.h"
#include "runner/io/json.h"

struct reader {
	struct arena *arena;
	const char *path;
	const struct json_doc *doc;
	struct err *e;
	int64_t version;
	bool has_failed; /* e is set; everything read since is worthless */
};

static void fail(struct reader *r, const char *pointer, const char *what)
{
	if (!r->has_failed)
		err_set(r->e, ERR_MEASURE, "cannot use snapshot \"%s\": %s is not %s", r->path,
			pointer, what);
	r->has_failed = true;
}

static const char *below(struct reader *r, const char *at, const char *key)
{
	return arena_printf(r->arena, "%s/%s", at, key);
}

static struct json_value get(struct reader *r, const char *at, const char *key)
{
	struct json_value v = {.type = JSON_ABSENT};

	if (!r->has_failed && json_pointer(r->doc, below(r, at, key), &v, r->e) != 0)
		r->has_failed = true;
	return v;
}

static const char *get_text(struct reader *r, const char *at, const char *key)
{
	struct json_value v = get(r, at, key);

	if (v.type == JSON_IS_TEXT)
		return arena_strdup(r->arena, v.text);
	fail(r, below(r, at, key), "a text");
	return "";
}

/* NULL when it is null or not there. */
static const char *get_optional(struct reader *r, const char *at, const char *key)
{
	struct json_value v = get(r, at, key);

	if (v.type == JSON_IS_NULL || v.type == JSON_ABSENT)
		return NULL;
	return get_text(r, at, key);
}

static bool get_bool(struct reader *r, const char *at, const char *key)
{
	struct json_value v = get(r, at, key);

	if (v.type != JSON_IS_BOOL)
		fail(r, below(r, at, key), "true or false");
	return v.boolean;
}

static bool get_flag(struct reader *r, const char *at, const char *key)
{
	return get(r, at, key).type != JSON_ABSENT && get_bool(r, at, key);
}

static int64_t get_int(struct reader *r, const char *at, const char *key)
{
	struct json_value v = get(r, at, key);

	if (v.type != JSON_IS_INT)
		fail(r, below(r, at, key), "a whole number");
	return v.integer;
}

static size_t get_length(struct reader *r, const char *at, const char *key)
{
	struct json_value v = get(r, at, key);

	if (v.type == JSON_IS_ARRAY)
		return v.n;
	fail(r, below(r, at, key), "a list");
	return 0;
}

/* A list that need not be there. */
static size_t get_optional_length(struct reader *r, const char *at, const char *key)
{
	return get(r, at, key).type == JSON_ABSENT ? 0 : get_length(r, at, key);
}

static const char *item(struct reader *r, const char *at, const char *key, size_t i)
{
	return arena_printf(r->arena, "%s/%s/%zu", at, key, i);
}

static const char **get_texts(struct reader *r, const char *at, const char *key, bool may_be_null,
			      size_t *n)
{
	*n = get_length(r, at, key);
	const char **items = arena_array(r->arena, *n, sizeof(*items));

	for (size_t i = 0; i < *n; i++) {
		const char *index = arena_printf(r->arena, "%zu", i);

		items[i] = may_be_null ? get_optional(r, below(r, at, key), index)
				       : get_text(r, below(r, at, key), index);
	}
	return items;
}

/* Which of the words it is; NULL words are skipped. */
static size_t get_word(struct reader *r, const char *at, const char *key, const char *const *words,
		       size_t n)
{
	const char *text = get_text(r, at, key);

	for (size_t i = 0; i < n; i++)
		if (words[i] && strcmp(words[i], text) == 0)
			return i;
	fail(r, below(r, at, key), "one of the words it may be");
	return 0;
}

/* ---- parts of a table ---- */

static enum db_generation get_generation(struct reader *r, const char *at)
{
	static const char *const words[] = {NULL, "virtual", "stored", "identity",
					    "identity always"};

	if (r->version == 1)
		return get_bool(r, at, "generated") ? DB_VIRTUAL : DB_PLAIN;
	if (!get_optional(r, at, "generated"))
		return DB_PLAIN;
	return (enum db_generation)get_word(r, at, "generated", words, 5);
}

/* Older versions had INVISIBLE of MySQL behind ON UPDATE, in the default. */
static const char *get_default(struct reader *r, const char *at)
{
	const char *text = get_optional(r, at, "default");
	const char *update = text && r->version < 5 ? strstr(text, " on update ") : NULL;

	if (!update || strchr(update, '\'')) /* of a text that says so */
		return text;
	update += strlen(" on update ");
	return arena_strndup(r->arena, text, (size_t)(update - text) + strcspn(update, ", "));
}

static void read_columns(struct reader *r, const char *at, struct db_table *t)
{
	t->n_columns = get_length(r, at, "columns");
	t->columns = arena_array(r->arena, t->n_columns, sizeof(*t->columns));
	for (size_t i = 0; i < t->n_columns; i++) {
		const char *c = item(r, at, "columns", i);
		bool has_key = r->version == 1 || get(r, c, "key").type != JSON_ABSENT;

		t->columns[i] = (struct db_column){
			.name = get_text(r, c, "name"),
			.type = get_text(r, c, "type"),
			.is_nullable = get_bool(r, c, "nullable"),
			.generation = get_generation(r, c),
			.expression = get_optional(r, c, "expression"),
			.def = get_default(r, c),
			.collation = get_optional(r, c, "collation"),
			.comment = get_optional(r, c, "comment"),
			.key = has_key ? get_int(r, c, "key") : 0,
			.on_conflict = get_optional(r, c, "on_conflict"),
			.sequence = get_optional(r, c, "sequence"),
			.options = get_optional(r, c, "options"),
		};
	}
}

/* Of so many columns of a key; NULL when none has any. */
static const char **get_options(struct reader *r, const char *at, size_t n_columns)
{
	size_t n;

	if (get_optional_length(r, at, "options") == 0)
		return NULL;
	const char **options = get_texts(r, at, "options", true, &n);

	if (n != n_columns)
		fail(r, below(r, at, "options"), "as long as columns");
	return options;
}

static void read_constraints(struct reader *r, const char *at, struct db_table *t)
{
	static const char *const words[] = {"primary key", "unique", "check", "exclude"};

	t->n_constraints = r->version == 1 ? 0 : get_length(r, at, "constraints");
	t->constraints = arena_array(r->arena, t->n_constraints, sizeof(*t->constraints));
	for (size_t i = 0; i < t->n_constraints; i++) {
		const char *c = item(r, at, "constraints", i);
		struct db_constraint *k = &t->constraints[i];

		*k = (struct db_constraint){
			.type = (enum db_constraint_type)get_word(r, c, "type", words, 4),
			.name = get_optional(r, c, "name"),
			.expression = get_optional(r, c, "expression"),
			.is_deferrable = get_flag(r, c, "deferrable"),
			.is_deferred = get_flag(r, c, "deferred"),
			.is_unvalidated = get_flag(r, c, "unvalidated"),
			.is_no_inherit = get_flag(r, c, "no_inherit"),
			.has_equal_nulls = get_flag(r, c, "nulls_not_distinct"),
			.on_conflict = get_optional(r, c, "on_conflict"),
		};
		if (get_optional_length(r, c, "columns") > 0)
			k->columns = get_texts(r, c, "columns", false, &k->n_columns);
		k->options = get_options(r, c, k->n_columns);
	}
}

static void read_indexes(struct reader *r, const char *at, struct db_table *t)
{
	t->n_indexes = get_length(r, at, "indexes");
	t->indexes = arena_array(r->arena, t->n_indexes, sizeof(*t->indexes));
	for (size_t i = 0; i < t->n_indexes; i++) {
		const char *x = item(r, at, "indexes", i);
		struct db_index *index = &t->indexes[i];

		*index = (struct db_index){
			.name = get_text(r, x, "name"),
			.is_unique = get_bool(r, x, "unique"),
			.is_automatic = get_flag(r, x, "automatic"),
			.where = get_optional(r, x, "where"),
			.method = get_optional(r, x, "method"),
			.has_equal_nulls = get_flag(r, x, "nulls_not_distinct"),
			.is_invalid = get_flag(r, x, "invalid"),
		};
		if (r->version == 1 && get_bool(r, x, "partial"))
			index->where = "";
		index->columns = get_texts(r, x, "columns", false, &index->n_columns);
		if (get_optional_length(r, x, "include") > 0)
			index->include = get_texts(r, x, "include", false, &index->n_include);
		index->options = get_options(r, x, index->n_columns);
	}
}

static void read_foreign_keys(struct reader *r, const char *at, struct db_table *t)
{
	t->n_foreign_keys = get_length(r, at, "foreign_keys");
	t->foreign_keys = arena_array(r->arena, t->n_foreign_keys, sizeof(*t->foreign_keys));
	for (size_t i = 0; i < t->n_foreign_keys; i++) {
		const char *k = item(r, at, "foreign_keys", i);
		struct db_foreign_key *key = &t->foreign_keys[i];
		size_t n_targets;

		*key = (struct db_foreign_key){
			.name = get_optional(r, k, "name"),
			.table = get_text(r, k, "table"),
			.on_update = get_text(r, k, "on_update"),
			.on_delete = get_text(r, k, "on_delete"),
			.is_deferrable = get_flag(r, k, "deferrable"),
			.is_deferred = get_flag(r, k, "deferred"),
			.is_unvalidated = get_flag(r, k, "unvalidated"),
			.is_disabled = get_flag(r, k, "disabled"),
			.is_match_full = get_flag(r, k, "match_full"),
			.set_columns = get_optional(r, k, "set_columns"),
		};
		key->columns = get_texts(r, k, "columns", false, &key->n_columns);
		key->targets = get_texts(r, k, "targets", true, &n_targets);
		if (n_targets != key->n_columns)
			fail(r, below(r, k, "targets"), "as long as columns");
	}
}

static struct db_trigger *read_triggers(struct reader *r, const char *at, const char *key,
					size_t *n)
{
	*n = get_optional_length(r, at, key);
	struct db_trigger *items = arena_array(r->arena, *n, sizeof(*items));

	for (size_t i = 0; i < *n; i++) {
		const char *x = item(r, at, key, i);

		items[i] = (struct db_trigger){
			.name = get_text(r, x, "name"),
			.definition = get_optional(r, x, "definition"),
			.is_disabled = get_flag(r, x, "disabled"),
			.enabled = get_optional(r, x, "enabled"),
		};
		if (get(r, x, "place").type != JSON_ABSENT)
			items[i].place = get_int(r, x, "place");
	}
	return items;
}

static void read_partitions(struct reader *r, const char *at, struct db_table *t)
{
	t->n_partitions = get_optional_length(r, at, "partitions");
	t->partitions = arena_array(r->arena, t->n_partitions, sizeof(*t->partitions));
	for (size_t i = 0; i < t->n_partitions; i++) {
		const char *x = item(r, at, "partitions", i);

		t->partitions[i] = (struct db_partition){
			.name = get_text(r, x, "name"),
			.bounds = get_optional(r, x, "bounds"),
		};
	}
}

static void read_table(struct reader *r, const char *at, struct db_table *t)
{
	*t = (struct db_table){
		.name = get_text(r, at, "name"),
		.is_view = get_bool(r, at, "view"),
		.is_materialized = get_flag(r, at, "materialized"),
		.is_unpopulated = get_flag(r, at, "unpopulated"),
		.definition = get_optional(r, at, "definition"),
		.storage = get_optional(r, at, "storage"),
		.charset = get_optional(r, at, "charset"),
		.collation = get_optional(r, at, "collation"),
		.comment = get_optional(r, at, "comment"),
		.has_row_security = get_flag(r, at, "row_security"),
		.forces_row_security = get_flag(r, at, "row_security_forced"),
		.options = get_optional(r, at, "options"),
		.replica_identity = get_optional(r, at, "replica_identity"),
		.parent = get_optional(r, at, "parent"),
		.other_parents = get_optional(r, at, "other_parents"),
		.partition_by = get_optional(r, at, "partition_by"),
	};
	read_columns(r, at, t);
	read_constraints(r, at, t);
	read_indexes(r, at, t);
	read_foreign_keys(r, at, t);
	t->triggers = read_triggers(r, at, "triggers", &t->n_triggers);
	t->rules = read_triggers(r, at, "rules", &t->n_rules);
	t->statistics = read_triggers(r, at, "statistics", &t->n_statistics);
	t->policies = read_triggers(r, at, "policies", &t->n_policies);
	read_partitions(r, at, t);
}

/* ---- the rest ---- */

static void read_sequences(struct reader *r, struct db_catalog *c)
{
	c->n_sequences = get_length(r, "", "sequences");
	c->sequences = arena_array(r->arena, c->n_sequences, sizeof(*c->sequences));
	for (size_t i = 0; i < c->n_sequences; i++) {
		const char *s = item(r, "", "sequences", i);

		c->sequences[i] = (struct db_sequence){
			.name = get_text(r, s, "name"),
			.type = get_optional(r, s, "type"),
			.start = get_optional(r, s, "start"),
			.increment = get_optional(r, s, "increment"),
			.minimum = get_optional(r, s, "minimum"),
			.maximum = get_optional(r, s, "maximum"),
			.is_cycle = get_flag(r, s, "cycle"),
			.is_unlogged = get_flag(r, s, "unlogged"),
			.owner = get_optional(r, s, "owned_by"),
		};
	}
}

static void read_others(struct reader *r, struct db_catalog *c)
{
	read_sequences(r, c);
	c->n_extensions = get_length(r, "", "extensions");
	c->extensions = arena_array(r->arena, c->n_extensions, sizeof(*c->extensions));
	for (size_t i = 0; i < c->n_extensions; i++) {
		const char *x = item(r, "", "extensions", i);

		c->extensions[i].name = get_text(r, x, "name");
		c->extensions[i].version = get_optional(r, x, "version");
	}
	c->n_enums = get_length(r, "", "enums");
	c->enums = arena_array(r->arena, c->n_enums, sizeof(*c->enums));
	for (size_t i = 0; i < c->n_enums; i++) {
		const char *x = item(r, "", "enums", i);

		c->enums[i].name = get_text(r, x, "name");
		c->enums[i].values = get_texts(r, x, "values", false, &c->enums[i].n_values);
	}
	c->n_types = get_optional_length(r, "", "types");
	c->types = arena_array(r->arena, c->n_types, sizeof(*c->types));
	for (size_t i = 0; i < c->n_types; i++) {
		const char *x = item(r, "", "types", i);

		c->types[i].name = get_text(r, x, "name");
		c->types[i].definition = get_text(r, x, "definition");
		c->types[i].collation = get_optional(r, x, "collation");
	}
}

static int read_catalog(struct reader *r, struct schema_snapshot *out)
{
	static const char *const engines[] = {"sqlite", "postgresql", "mysql", "odbc"};
	struct schema_snapshot s = {.version = get_int(r, "", "assize_schema")};
	struct db_catalog *c = &s.catalog;

	r->version = s.version;
	if (s.version < 1 || s.version > SCHEMA_SNAPSHOT_VERSION)
		fail(r, "/assize_schema", "1, 2, 3, 4 or 5, the forms there are");
	/* version 1 was of SQLite whether or not it says so */
	if (s.version > 1 && !r->has_failed)
		c->engine = (enum db_engine)get_word(r, "", "engine", engines, 4);
	c->n_tables = get_length(r, "", "tables");
	c->tables = arena_array(r->arena, c->n_tables, sizeof(*c->tables));
	for (size_t i = 0; i < c->n_tables && !r->has_failed; i++)
		read_table(r, item(r, "", "tables", i), &c->tables[i]);
	if (s.version > 1 && !r->has_failed)
		read_others(r, c);
	if (r->has_failed)
		return -1;
	*out = s;
	return 0;
}

int schema_snapshot_read(struct arena *a, const char *path, struct schema_snapshot *out,
			 struct err *e)
{
	struct reader r = {.arena = a, .path = path, .e = e};
	struct json_doc *doc = NULL;
	struct buf text;
	int rc = -1;

	buf_init(&text, SCHEMA_SNAPSHOT_MAX_BYTES);
	if (file_read(path, &text, e) != 0) {
		err_context(e, "snapshot");
	} else if (json_parse(text.data, text.len, &doc, e) != 0) {
		err_context(e, "snapshot \"%s\"", path);
	} else {
		r.doc = doc;
		rc = read_catalog(&r, out);
		json_free(doc);
	}
	buf_release(&text);
	return rc;
}
