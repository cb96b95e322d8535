/*
 * schema_snapshot_old: a catalog as a version of the file says it, an older one or the newest.
 *
 * MySQL prints every table in the query of a view, and every sequence in a default, with the name
 * of its database. A file is to be compared with databases of other names as well: since version 5
 * that of the database itself is left out.
 */
#include <string.h>

#include "audits/schema_snapshot.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"

/* To what version 1 knew. */
static struct db_table reduce_to_1(struct arena *a, const struct db_table *t)
{
	struct db_table r = {
		.name = t->name,
		.is_view = t->is_view,
		.error = t->error,
		.columns = arena_array(a, t->n_columns, sizeof(*t->columns)),
		.n_columns = t->n_columns,
		.indexes = arena_array(a, t->n_indexes, sizeof(*t->indexes)),
		.n_indexes = t->n_indexes,
		.foreign_keys = arena_array(a, t->n_foreign_keys, sizeof(*t->foreign_keys)),
		.n_foreign_keys = t->n_foreign_keys,
	};

	for (size_t i = 0; i < t->n_columns; i++) {
		const struct db_column *c = &t->columns[i];
		bool is_computed = c->generation == DB_VIRTUAL || c->generation == DB_STORED;

		r.columns[i] = (struct db_column){
			.name = c->name,
			.type = c->type,
			.is_nullable = c->is_nullable,
			.generation = is_computed ? DB_VIRTUAL : DB_PLAIN,
			.def = c->def,
			.key = c->key,
		};
	}
	for (size_t i = 0; i < t->n_indexes; i++) {
		struct db_index *x = &r.indexes[i];

		*x = t->indexes[i];
		x->options = NULL;
		x->where = x->where ? "" : NULL;
		x->columns = arena_array(a, x->n_columns, sizeof(*x->columns));
		for (size_t k = 0; k < x->n_columns; k++)
			x->columns[k] = *t->indexes[i].columns[k] == '(' ? "(expression)"
									 : t->indexes[i].columns[k];
	}
	for (size_t i = 0; i < t->n_foreign_keys; i++) {
		struct db_foreign_key *k = &r.foreign_keys[i];

		*k = t->foreign_keys[i];
		k->name = NULL;
		k->is_deferrable = k->is_deferred = false;
		k->is_unvalidated = k->is_disabled = false;
	}
	return r;
}

static void *copy(struct arena *a, const void *items, size_t n, size_t size)
{
	void *copied = arena_array(a, n, size);

	if (n > 0)
		memcpy(copied, items, n * size);
	return copied;
}

/* Options of an index without the collation, which PostgreSQL's expressions had none of. */
static void drop_collations(struct arena *a, struct db_index *x)
{
	const char **options;

	if (!x->options)
		return;
	options = copy(a, x->options, x->n_columns, sizeof(*options));
	for (size_t i = 0; i < x->n_columns; i++) {
		if (*x->columns[i] != '(' || !options[i] || !str_starts(options[i], "COLLATE "))
			continue;
		options[i] = strchr(options[i] + strlen("COLLATE "), ' ');
		options[i] = options[i] ? options[i] + 1 : NULL;
	}
	x->options = options;
}

static struct db_trigger *without_enabled(struct arena *a, const struct db_trigger *items, size_t n)
{
	struct db_trigger *r = copy(a, items, n, sizeof(*items));

	for (size_t i = 0; i < n; i++)
		r[i].enabled = NULL;
	return r;
}

/* Behind the quoted text or name that begins here; a quote within it is doubled or escaped. */
static const char *behind_quoted(const char *s)
{
	char quote = *s++;

	for (; *s && (*s != quote || s[1] == quote); s++)
		s += s[1] && (*s == quote || (*s == '\\' && quote != '`')) ? 1 : 0;
	return *s ? s + 1 : s;
}

/* SQL without "`shop`." before names. */
static const char *without_database(struct arena *a, const char *sql, const char *database)
{
	struct buf out, prefix;
	const char *end;

	if (!sql || !database)
		return sql;
	buf_init(&out, BUF_UNBOUNDED); /* no longer than the text */
	buf_init(&prefix, BUF_UNBOUNDED);
	db_quote(DB_MYSQL, &prefix, database);
	(void)buf_putc(&prefix, '.');
	for (const char *s = sql; *s; s = end) {
		end = strchr("'\"`", *s) ? behind_quoted(s) : s + 1;
		if (strncmp(s, prefix.data, prefix.len) == 0 && (s == sql || s[-1] != '.'))
			end = s + prefix.len;
		else
			(void)buf_add(&out, s, (size_t)(end - s));
	}
	sql = arena_strndup(a, out.data, out.len);
	buf_release(&out);
	buf_release(&prefix);
	return sql;
}

/* To what the newest version says. */
static struct db_table as_of_5(struct arena *a, const struct db_table *t)
{
	struct db_table r = *t;

	r.definition = without_database(a, t->definition, t->schema);
	r.columns = copy(a, t->columns, t->n_columns, sizeof(*t->columns));
	for (size_t i = 0; i < r.n_columns; i++)
		r.columns[i].def = without_database(a, t->columns[i].def, t->schema);
	return r;
}

/* To what version 4 knew. */
static struct db_table reduce_to_4(struct arena *a, enum db_engine engine, const struct db_table *t)
{
	struct db_table r = *t;
	struct db_trigger *triggers = copy(a, t->triggers, t->n_triggers, sizeof(*t->triggers));

	if (engine != DB_POSTGRES)
		r.options = NULL;
	r.other_parents = NULL;
	r.n_policies = 0;
	r.columns = copy(a, t->columns, t->n_columns, sizeof(*t->columns));
	r.constraints = copy(a, t->constraints, t->n_constraints, sizeof(*t->constraints));
	r.foreign_keys = copy(a, t->foreign_keys, t->n_foreign_keys, sizeof(*t->foreign_keys));
	r.triggers = triggers;
	for (size_t i = 0; i < r.n_columns; i++)
		r.columns[i].options = NULL;
	for (size_t i = 0; i < r.n_constraints; i++)
		r.constraints[i].options = NULL;
	for (size_t i = 0; i < r.n_foreign_keys; i++)
		r.foreign_keys[i].set_columns = NULL;
	for (size_t i = 0; i < r.n_triggers; i++)
		triggers[i].place = 0;
	return r;
}

/* Sequences and types of that version. */
static void reduce_others_to_4(struct arena *a, struct db_catalog *r)
{
	struct db_user_type *types = arena_array(a, r->n_types, sizeof(*types));
	size_t n = 0;

	r->sequences = copy(a, r->sequences, r->n_sequences, sizeof(*r->sequences));
	for (size_t i = 0; i < r->n_sequences; i++)
		r->sequences[i].is_unlogged = false;
	for (size_t i = 0; i < r->n_types; i++) {
		if (str_starts(r->types[i].definition, "RANGE "))
			continue;
		types[n] = r->types[i];
		types[n++].collation = NULL;
	}
	r->types = types;
	r->n_types = n;
}

/* To what version 3 knew. */
static struct db_table reduce_to_3(struct arena *a, enum db_engine engine, const struct db_table *t)
{
	struct db_table r = *t;

	r.is_unpopulated = false;
	r.columns = copy(a, t->columns, t->n_columns, sizeof(*t->columns));
	r.constraints = copy(a, t->constraints, t->n_constraints, sizeof(*t->constraints));
	r.indexes = copy(a, t->indexes, t->n_indexes, sizeof(*t->indexes));
	for (size_t i = 0; i < r.n_columns; i++)
		r.columns[i].on_conflict = NULL;
	for (size_t i = 0; i < r.n_constraints; i++)
		r.constraints[i].on_conflict = NULL;
	for (size_t i = 0; engine == DB_POSTGRES && i < r.n_indexes; i++)
		drop_collations(a, &r.indexes[i]);
	r.triggers = without_enabled(a, t->triggers, t->n_triggers);
	r.rules = without_enabled(a, t->rules, t->n_rules);
	return r;
}

/* To what version 2 knew, of what version 3 did. */
static struct db_table reduce_to_2(struct arena *a, const struct db_table *t)
{
	struct db_table r = *t;

	r.options = r.replica_identity = NULL;
	r.n_rules = r.n_statistics = 0;
	r.columns = copy(a, t->columns, t->n_columns, sizeof(*t->columns));
	r.constraints = copy(a, t->constraints, t->n_constraints, sizeof(*t->constraints));
	r.indexes = copy(a, t->indexes, t->n_indexes, sizeof(*t->indexes));
	r.foreign_keys = copy(a, t->foreign_keys, t->n_foreign_keys, sizeof(*t->foreign_keys));
	for (size_t i = 0; i < r.n_columns; i++)
		r.columns[i].sequence = NULL;
	for (size_t i = 0; i < r.n_constraints; i++)
		r.constraints[i].is_no_inherit = r.constraints[i].has_equal_nulls = false;
	for (size_t i = 0; i < r.n_indexes; i++)
		r.indexes[i].has_equal_nulls = false;
	for (size_t i = 0; i < r.n_foreign_keys; i++)
		r.foreign_keys[i].is_match_full = false;
	return r;
}

struct db_catalog schema_snapshot_reduce(struct arena *a, const struct db_catalog *c,
					 int64_t version)
{
	struct db_catalog r = *c;

	if (version >= SCHEMA_SNAPSHOT_VERSION && c->engine != DB_MYSQL)
		return r;
	r.tables = arena_array(a, c->n_tables, sizeof(*c->tables));
	for (size_t i = 0; i < c->n_tables && version >= SCHEMA_SNAPSHOT_VERSION; i++)
		r.tables[i] = as_of_5(a, &c->tables[i]);
	if (version >= SCHEMA_SNAPSHOT_VERSION)
		return r;
	for (size_t i = 0; i < c->n_tables; i++) {
		r.tables[i] = reduce_to_4(a, c->engine, &c->tables[i]);
		if (version < 4)
			r.tables[i] = reduce_to_3(a, c->engine, &r.tables[i]);
		if (version < 3)
			r.tables[i] = version == 1 ? reduce_to_1(a, &r.tables[i])
						   : reduce_to_2(a, &r.tables[i]);
	}
	reduce_others_to_4(a, &r);
	if (version < 3)
		r.n_types = 0;
	if (version == 1)
		r.n_sequences = r.n_extensions = r.n_enums = 0;
	return r;
}

const char *schema_snapshot_lacks(enum db_engine engine, int64_t version)
{
	if (version == 1)
		return "the snapshot is of version 1, without constraints, triggers and the text "
		       "of "
		       "views: capture it again";
	if (version == 2 && engine == DB_POSTGRES)
		return "the snapshot is of version 2, without options, rules, statistics, domains "
		       "and the like: capture it again";
	if (version <= 3 && engine == DB_SQLITE)
		return "the snapshot is older than version 4, without ON CONFLICT: capture it "
		       "again";
	if (version == 3 && engine == DB_POSTGRES)
		return "the snapshot is of version 3, without collations of indexed expressions, "
		       "views that are not populated and triggers enabled always or for replicas: "
		       "capture it again";
	if (version <= 4 && engine == DB_SQLITE)
		return "the snapshot is of version 4, without collations of UNIQUE and PRIMARY "
		       "KEY and the modules of virtual tables: capture it again";
	if (version <= 4 && engine == DB_POSTGRES)
		return "the snapshot is of version 4, without policies, ranges, collations of "
		       "types, further parents and columns that ON DELETE sets: capture it again";
	if (version <= 4 && engine == DB_MYSQL)
		return "the snapshot is older than version 5, without what decides about rows of "
		       "views and columns, prefixes of unique columns and the order of "
		       "triggers: capture it again";
	return NULL;
}
