/* schema_snapshot: writing. One line a fact; order is the catalog's, which is stable. */
#include "audits/schema_snapshot.h"

#include <string.h>

#include "audits/schema_compare.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/db.h"
#include "runner/io/json.h"

const char *schema_engine_name(enum db_engine engine)
{
	switch (engine) {
	case DB_SQLITE:
		break;
	case DB_POSTGRES:
		return "postgresql";
	case DB_MYSQL:
		return "mysql";
	case DB_ODBC:
		return "odbc";
	}
	return "sqlite";
}

int schema_capture(struct db *db, struct arena *a, int64_t deadline_ms, struct db_catalog *out,
		   struct err *e)
{
	struct db_catalog c;

	if (db_catalog(db, a, NULL, deadline_ms, &c, e) != 0)
		return -1;
	for (size_t i = 0; i < c.n_tables; i++)
		if (c.tables[i].error)
			return err_set(e, ERR_MEASURE, "%s \"%s\": %s",
				       c.tables[i].is_view ? "view" : "table", c.tables[i].name,
				       c.tables[i].error);
	if (schema_see_whole(&c, e) != 0)
		return -1;
	*out = c;
	return 0;
}

/* ---- facts that are left out when they are as usual ---- */

static void put_text(struct json_writer *w, const char *key, const char *text)
{
	if (text)
		json_put_text(w, key, text);
}

static void put_flag(struct json_writer *w, const char *key, bool is_set)
{
	if (is_set)
		json_put_bool(w, key, true);
}

static void put_texts(struct json_writer *w, const char *key, const char *const *items, size_t n)
{
	json_open(w, key, '[');
	for (size_t i = 0; i < n; i++)
		json_put_text(w, NULL, items[i]); /* NULL: the other table's primary key */
	json_close(w, ']');
}

/* Those of a key's columns, where one has any. */
static void put_options(struct json_writer *w, const char *const *options, size_t n)
{
	for (size_t i = 0; options && i < n; i++)
		if (options[i]) {
			put_texts(w, "options", options, n);
			return;
		}
}

/* ---- parts of a table ---- */

static const char *const generations[] = {
	[DB_PLAIN] = NULL,
	[DB_VIRTUAL] = "virtual",
	[DB_STORED] = "stored",
	[DB_IDENTITY] = "identity",
	[DB_IDENTITY_ALWAYS] = "identity always",
};

static void write_columns(struct json_writer *w, const struct db_table *t)
{
	json_open(w, "columns", '[');
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct db_column *c = &t->columns[i];

		json_open(w, NULL, '{');
		json_put_text(w, "name", c->name);
		json_put_text(w, "type", c->type);
		json_put_bool(w, "nullable", c->is_nullable);
		put_text(w, "default", c->def);
		if (c->key > 0)
			json_put_int(w, "key", c->key);
		put_text(w, "generated", generations[c->generation]);
		put_text(w, "expression", c->expression);
		put_text(w, "collation", c->collation);
		put_text(w, "comment", c->comment);
		put_text(w, "on_conflict", c->on_conflict);
		put_text(w, "sequence", c->sequence);
		put_text(w, "options", c->options);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static const char *const constraint_types[] = {
	[DB_PRIMARY_KEY] = "primary key",
	[DB_UNIQUE] = "unique",
	[DB_CHECK] = "check",
	[DB_EXCLUDE] = "exclude",
};

static void write_constraints(struct json_writer *w, const struct db_table *t)
{
	json_open(w, "constraints", '[');
	for (size_t i = 0; i < t->n_constraints; i++) {
		const struct db_constraint *c = &t->constraints[i];

		json_open(w, NULL, '{');
		json_put_text(w, "type", constraint_types[c->type]);
		put_text(w, "name", c->name);
		if (c->n_columns > 0)
			put_texts(w, "columns", c->columns, c->n_columns);
		put_options(w, c->options, c->n_columns);
		put_text(w, "expression", c->expression);
		put_flag(w, "deferrable", c->is_deferrable);
		put_flag(w, "deferred", c->is_deferred);
		put_flag(w, "unvalidated", c->is_unvalidated);
		put_flag(w, "no_inherit", c->is_no_inherit);
		put_flag(w, "nulls_not_distinct", c->has_equal_nulls);
		put_text(w, "on_conflict", c->on_conflict);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void write_indexes(struct json_writer *w, const struct db_table *t)
{
	json_open(w, "indexes", '[');
	for (size_t i = 0; i < t->n_indexes; i++) {
		const struct db_index *x = &t->indexes[i];

		json_open(w, NULL, '{');
		json_put_text(w, "name", x->name);
		json_put_bool(w, "unique", x->is_unique);
		put_flag(w, "automatic", x->is_automatic);
		put_texts(w, "columns", x->columns, x->n_columns);
		put_options(w, x->options, x->n_columns);
		if (x->n_include > 0)
			put_texts(w, "include", x->include, x->n_include);
		put_text(w, "where", x->where);
		put_text(w, "method", x->method);
		put_flag(w, "nulls_not_distinct", x->has_equal_nulls);
		put_flag(w, "invalid", x->is_invalid);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void write_foreign_keys(struct json_writer *w, const struct db_table *t)
{
	json_open(w, "foreign_keys", '[');
	for (size_t i = 0; i < t->n_foreign_keys; i++) {
		const struct db_foreign_key *k = &t->foreign_keys[i];

		json_open(w, NULL, '{');
		put_text(w, "name", k->name);
		put_texts(w, "columns", k->columns, k->n_columns);
		json_put_text(w, "table", k->table);
		put_texts(w, "targets", k->targets, k->n_columns);
		json_put_text(w, "on_update", k->on_update);
		json_put_text(w, "on_delete", k->on_delete);
		put_flag(w, "deferrable", k->is_deferrable);
		put_flag(w, "deferred", k->is_deferred);
		put_flag(w, "unvalidated", k->is_unvalidated);
		put_flag(w, "disabled", k->is_disabled);
		put_flag(w, "match_full", k->is_match_full);
		put_text(w, "set_columns", k->set_columns);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void write_triggers(struct json_writer *w, const char *key, const struct db_trigger *items,
			   size_t n)
{
	if (n == 0)
		return;
	json_open(w, key, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(w, NULL, '{');
		json_put_text(w, "name", items[i].name);
		put_text(w, "definition", items[i].definition);
		put_flag(w, "disabled", items[i].is_disabled);
		put_text(w, "enabled", items[i].enabled);
		if (items[i].place > 0)
			json_put_int(w, "place", items[i].place);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void write_partitions(struct json_writer *w, const struct db_table *t)
{
	if (t->n_partitions == 0)
		return;
	json_open(w, "partitions", '[');
	for (size_t i = 0; i < t->n_partitions; i++) {
		json_open(w, NULL, '{');
		json_put_text(w, "name", t->partitions[i].name);
		put_text(w, "bounds", t->partitions[i].bounds);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void write_table(struct json_writer *w, const struct db_table *t)
{
	json_open(w, NULL, '{');
	json_put_text(w, "name", t->name);
	json_put_bool(w, "view", t->is_view);
	put_flag(w, "materialized", t->is_materialized);
	put_flag(w, "unpopulated", t->is_unpopulated);
	put_text(w, "definition", t->definition);
	put_text(w, "storage", t->storage);
	put_text(w, "charset", t->charset);
	put_text(w, "collation", t->collation);
	put_text(w, "comment", t->comment);
	put_flag(w, "row_security", t->has_row_security);
	put_flag(w, "row_security_forced", t->forces_row_security);
	put_text(w, "options", t->options);
	put_text(w, "replica_identity", t->replica_identity);
	put_text(w, "parent", t->parent);
	put_text(w, "other_parents", t->other_parents);
	put_text(w, "partition_by", t->partition_by);
	write_columns(w, t);
	write_constraints(w, t);
	write_indexes(w, t);
	write_foreign_keys(w, t);
	write_triggers(w, "triggers", t->triggers, t->n_triggers);
	write_triggers(w, "rules", t->rules, t->n_rules);
	write_triggers(w, "statistics", t->statistics, t->n_statistics);
	write_triggers(w, "policies", t->policies, t->n_policies);
	write_partitions(w, t);
	json_close(w, '}');
}

/* ---- the rest ---- */

static void write_sequences(struct json_writer *w, const struct db_catalog *c)
{
	json_open(w, "sequences", '[');
	for (size_t i = 0; i < c->n_sequences; i++) {
		const struct db_sequence *s = &c->sequences[i];

		json_open(w, NULL, '{');
		json_put_text(w, "name", s->name);
		put_text(w, "type", s->type);
		put_text(w, "start", s->start);
		put_text(w, "increment", s->increment);
		put_text(w, "minimum", s->minimum);
		put_text(w, "maximum", s->maximum);
		put_flag(w, "cycle", s->is_cycle);
		put_flag(w, "unlogged", s->is_unlogged);
		put_text(w, "owned_by", s->owner);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void write_types(struct json_writer *w, const struct db_catalog *c)
{
	json_open(w, "types", '[');
	for (size_t i = 0; i < c->n_types; i++) {
		json_open(w, NULL, '{');
		json_put_text(w, "name", c->types[i].name);
		json_put_text(w, "definition", c->types[i].definition);
		put_text(w, "collation", c->types[i].collation);
		json_close(w, '}');
	}
	json_close(w, ']');
}

void schema_snapshot_write(struct buf *out, const struct db_catalog *c)
{
	struct json_writer w;

	json_writer_init(&w, out, true);
	json_open(&w, NULL, '{');
	json_put_int(&w, "assize_schema", SCHEMA_SNAPSHOT_VERSION);
	json_put_text(&w, "engine", schema_engine_name(c->engine));
	json_open(&w, "tables", '[');
	for (size_t i = 0; i < c->n_tables; i++)
		write_table(&w, &c->tables[i]);
	json_close(&w, ']');
	write_sequences(&w, c);
	json_open(&w, "extensions", '[');
	for (size_t i = 0; i < c->n_extensions; i++) {
		json_open(&w, NULL, '{');
		json_put_text(&w, "name", c->extensions[i].name);
		put_text(&w, "version", c->extensions[i].version);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_open(&w, "enums", '[');
	for (size_t i = 0; i < c->n_enums; i++) {
		json_open(&w, NULL, '{');
		json_put_text(&w, "name", c->enums[i].name);
		put_texts(&w, "values", c->enums[i].values, c->enums[i].n_values);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	if (c->n_types > 0)
		write_types(&w, c);
	json_close(&w, '}');
	(void)buf_putc(out, '\n');
}
