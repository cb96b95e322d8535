/*
 * db_sqlite_catalog: what an SQLite database is made of, read through the pragma functions.
 *
 * Ordinary tables come all at once, one query a kind of fact. Views and virtual tables come one at
 * a time, because a view that no longer resolves or a virtual table whose module is not here would
 * otherwise take the facts about every other object with it. What the pragmas do not know is in the
 * text of the statements (db_sqlite_ddl.c).
 *
 * Source: https://sqlite.org/pragma.html (table_xinfo, index_list, index_xinfo, foreign_key_list).
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/base/str.h"
#include "runner/io/db_catalog_build.h"
#include "runner/io/db_sqlite.h"
#include "runner/io/db_sqlite_ddl.h"

/* The rows of ordinary tables when ?1 is empty, of that one object otherwise. */
#define OF_TABLES                                                                                  \
	" CASE WHEN ?1 = '' THEN m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%'"            \
	" AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"                                            \
	" ELSE m.type IN ('table', 'view') AND m.name = ?1 END"

struct read {
	struct db *db;
	struct arena *arena;
	int64_t deadline_ms;
	struct db_catalog *catalog;
	struct map tables;   /* by name: struct db_table */
	struct map keyed;    /* ... those whose primary key has an index: it is not the rowid */
	struct db_table *of; /* the table of the rows so far */
	int64_t key;	     /* foreign keys: id of the one the rows so far belong to */
	const char *index;   /* indexes: name of it */
};

static const char *text_of(struct read *r, const struct db_value *v)
{
	return db_value_text(r->arena, v);
}

/* The table a row is about, by its first value: rows of a table come together. */
static struct db_table *table_of(struct read *r, const struct db_row *row)
{
	if (!r->of || strcmp(r->of->name, row->values[0].text) != 0)
		r->of = map_get(&r->tables, row->values[0].text);
	return r->of;
}

/* ---- one function a kind of row ---- */

static int add_object(void *ctx, const struct db_row *row, struct err *e)
{
	struct read *r = ctx;
	struct db_catalog *c = r->catalog;

	(void)e;
	c->tables = db_array_grow(r->arena, c->tables, c->n_tables, sizeof(*c->tables));
	struct db_table *t = &c->tables[c->n_tables++];

	t->name = text_of(r, &row->values[0]);
	t->is_view = row->values[1].integer != 0;
	t->definition = text_of(r, &row->values[2]);
	return 0;
}

static int add_column(void *ctx, const struct db_row *row, struct err *e)
{
	static const enum db_generation generations[] = {DB_PLAIN, DB_PLAIN, DB_VIRTUAL, DB_STORED};
	const struct db_value *v = row->values;
	struct read *r = ctx;
	struct db_table *t = table_of(r, row);

	(void)e;
	if (!t)
		return 0; /* made since the names were read */
	t->columns = db_array_grow(r->arena, t->columns, t->n_columns, sizeof(*t->columns));
	struct db_column *c = &t->columns[t->n_columns++];

	c->name = text_of(r, &v[1]);
	c->type = v[2].type == DB_NULL ? "" : text_of(r, &v[2]);
	c->is_nullable = v[3].integer == 0;
	c->def = text_of(r, &v[4]);
	c->key = v[5].integer;
	c->generation = generations[v[6].integer & 3];
	return 0;
}

/* A row a column of an index: table, index, unique, origin, column, the statement. */
static int add_index_column(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct read *r = ctx;
	struct db_table *t = table_of(r, row);

	(void)e;
	if (!t)
		return 0;
	if (!r->index || strcmp(r->index, v[1].text) != 0) {
		t->indexes = db_array_grow(r->arena, t->indexes, t->n_indexes, sizeof(*t->indexes));
		struct db_index *x = &t->indexes[t->n_indexes++];

		x->name = r->index = text_of(r, &v[1]);
		x->is_unique = v[2].integer != 0;
		x->is_automatic = strcmp(v[3].text, "c") != 0;
		x->where = text_of(r, &v[5]); /* the statement, until all columns are known */
		if (strcmp(v[3].text, "pk") == 0)
			(void)map_put(&r->keyed, t->name, t);
	}
	struct db_index *x = &t->indexes[t->n_indexes - 1];

	x->columns = db_array_grow(r->arena, x->columns, x->n_columns, sizeof(*x->columns));
	x->columns[x->n_columns++] = v[4].type == DB_NULL ? "(expression)" : text_of(r, &v[4]);
	return 0;
}

/* A row a column of a key: table, id, to table, from, to, on_update, on_delete. */
static int add_foreign_key(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct read *r = ctx;
	struct db_table *before = r->of, *t = table_of(r, row);

	(void)e;
	if (!t)
		return 0;
	if (t != before || t->n_foreign_keys == 0 || v[1].integer != r->key) {
		t->foreign_keys = db_array_grow(r->arena, t->foreign_keys, t->n_foreign_keys,
						sizeof(*t->foreign_keys));
		struct db_foreign_key *k = &t->foreign_keys[t->n_foreign_keys++];

		k->table = text_of(r, &v[2]);
		k->on_update = text_of(r, &v[5]);
		k->on_delete = text_of(r, &v[6]);
		r->key = v[1].integer;
	}
	struct db_foreign_key *k = &t->foreign_keys[t->n_foreign_keys - 1];

	k->columns = db_array_grow(r->arena, k->columns, k->n_columns, sizeof(*k->columns));
	k->targets = db_array_grow(r->arena, k->targets, k->n_columns, sizeof(*k->targets));
	k->columns[k->n_columns] = text_of(r, &v[3]);
	k->targets[k->n_columns++] = text_of(r, &v[4]);
	return 0;
}

static int add_trigger(void *ctx, const struct db_row *row, struct err *e)
{
	struct read *r = ctx;
	struct db_table *t = table_of(r, row);

	(void)e;
	if (!t)
		return 0;
	t->triggers = db_array_grow(r->arena, t->triggers, t->n_triggers, sizeof(*t->triggers));
	t->triggers[t->n_triggers++] = (struct db_trigger){
		.name = text_of(r, &row->values[1]),
		.definition = text_of(r, &row->values[2]),
	};
	return 0;
}

/* ---- the queries ---- */

static const struct {
	const char *sql;
	db_row_fn *add;
} facts[] = {
	/* hidden 1 is a parameter of a virtual table, not a column of it */
	{"SELECT m.name, x.name, x.type, x.\"notnull\", x.dflt_value, x.pk, x.hidden"
	 " FROM sqlite_schema m, pragma_table_xinfo(m.name) x"
	 " WHERE" OF_TABLES " AND x.hidden <> 1 ORDER BY m.name, x.cid",
	 add_column},
	{"SELECT m.name, i.name, i.\"unique\", i.origin, x.name, s.sql"
	 " FROM sqlite_schema m, pragma_index_list(m.name) i, pragma_index_xinfo(i.name) x"
	 " LEFT JOIN sqlite_schema s ON s.type = 'index' AND s.name = i.name"
	 " WHERE" OF_TABLES " AND x.key = 1 ORDER BY m.name, i.name, x.seqno",
	 add_index_column},
	{"SELECT m.name, k.id, k.\"table\", k.\"from\", k.\"to\", k.on_update, k.on_delete"
	 " FROM sqlite_schema m, pragma_foreign_key_list(m.name) k"
	 " WHERE" OF_TABLES " ORDER BY m.name, k.id, k.seq",
	 add_foreign_key},
	{"SELECT t.tbl_name, t.name, t.sql FROM sqlite_schema m, sqlite_schema t"
	 " WHERE" OF_TABLES " AND t.type = 'trigger' AND t.tbl_name = m.name COLLATE NOCASE"
	 " ORDER BY m.name, t.name",
	 add_trigger},
};

static int read_facts(struct read *r, const char *name, struct err *e)
{
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		r->of = NULL;
		r->index = NULL;
		if (sqlite_own_query(r->db, facts[i].sql, &name, 1, r->deadline_ms, facts[i].add, r,
				     e) != 0)
			return -1;
	}
	return 0;
}

/*
 * A single INTEGER PRIMARY KEY without an index is the rowid and never NULL, though nothing
 * declares it so; any other PRIMARY KEY column may hold NULL unless it says NOT NULL (an old fault
 * SQLite keeps).
 */
static void mark_rowid(struct db_table *t)
{
	struct db_column *key = NULL;
	size_t n_keys = 0;

	for (size_t i = 0; i < t->n_columns; i++) {
		if (t->columns[i].key == 0)
			continue;
		key = &t->columns[i];
		n_keys++;
	}
	if (n_keys == 1)
		key->is_nullable = false;
}

/* Adds what the statements say, once the pragmas have spoken. */
static void complete(struct read *r, struct db_table *t)
{
	const char *sql = t->definition;

	if (!map_get(&r->keyed, t->name))
		mark_rowid(t);
	for (size_t i = 0; i < t->n_indexes; i++) {
		const char *statement = t->indexes[i].where;

		t->indexes[i].where = NULL;
		if (statement)
			sqlite_ddl_index(r->arena, statement, &t->indexes[i]);
	}
	t->definition = t->is_view && sql ? sqlite_ddl_view(r->arena, sql) : NULL;
	if (!t->is_view && sql)
		sqlite_ddl_table(r->arena, sql, t);
}

static bool is_ordinary(const struct db_table *t)
{
	return !t->is_view && !(t->definition && strncasecmp(t->definition, "CREATE VIRTUAL",
							     strlen("CREATE VIRTUAL")) == 0);
}

/* A view or a virtual table. What is wrong with it is a fact about it; what is wrong with the
 * session is not. */
static int read_single(struct read *r, struct db_table *t, struct err *e)
{
	const struct sqlite_db *s = (const struct sqlite_db *)r->db;
	struct err why = {0};

	if (read_facts(r, t->name, &why) == 0)
		return 0;
	if (s->is_late || s->was_locked || r->db->is_broken) {
		if (e)
			*e = why;
		return -1;
	}
	*t = (struct db_table){
		.name = t->name,
		.is_view = t->is_view,
		.definition = t->definition,
		.error = arena_strdup(r->arena, why.message),
	};
	return 0;
}

static struct read begin(struct db *db, struct arena *a, int64_t deadline_ms, struct db_catalog *c)
{
	struct read r = {.db = db, .arena = a, .deadline_ms = deadline_ms, .catalog = c};

	map_init(&r.tables, a);
	map_init(&r.keyed, a);
	return r;
}

static void know_tables(struct read *r)
{
	for (size_t i = 0; i < r->catalog->n_tables; i++)
		(void)map_put(&r->tables, r->catalog->tables[i].name, &r->catalog->tables[i]);
}

/* There is no schema but main, and nothing that took time. */
int sqlite_catalog(struct db *db, struct arena *a, const struct db_wanted *wanted,
		   int64_t deadline_ms, struct db_catalog *out, struct err *e)
{
	struct read r = begin(db, a, deadline_ms, out);

	(void)wanted;
	if (sqlite_own_query(db,
			     "SELECT name, type = 'view', sql FROM sqlite_schema"
			     " WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%'"
			     " ESCAPE '\\'",
			     NULL, 0, deadline_ms, add_object, &r, e) != 0)
		return -1;
	know_tables(&r);
	if (read_facts(&r, "", e) != 0)
		return -1;
	for (size_t i = 0; i < out->n_tables; i++) {
		struct db_table *t = &out->tables[i];

		if (!is_ordinary(t) && read_single(&r, t, e) != 0)
			return -1;
		complete(&r, t);
	}
	return 0;
}

/* ---- names, and one object ---- */

int sqlite_objects(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
		   size_t *n, struct err *e)
{
	struct db_catalog c = {.engine = DB_SQLITE};
	struct read r = begin(db, a, deadline_ms, &c);

	if (sqlite_own_query(db,
			     "SELECT name, type = 'view', NULL FROM sqlite_schema"
			     " WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%'"
			     " ESCAPE '\\' ORDER BY name",
			     NULL, 0, deadline_ms, add_object, &r, e) != 0)
		return -1;
	*out = arena_array(a, c.n_tables, sizeof(**out));
	*n = c.n_tables;
	for (size_t i = 0; i < c.n_tables; i++)
		(*out)[i] = (struct db_object){c.tables[i].name, c.tables[i].is_view};
	return 0;
}

int sqlite_describe(struct db *db, struct arena *a, const char *name, int64_t deadline_ms,
		    struct db_table *out, struct err *e)
{
	const char *bare = str_starts(name, "main.") && name[5] ? name + 5 : name;
	struct db_catalog c = {.engine = DB_SQLITE};
	struct read r = begin(db, a, deadline_ms, &c);

	if (sqlite_own_query(db,
			     "SELECT name, type = 'view', sql FROM sqlite_schema"
			     " WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE",
			     &bare, 1, deadline_ms, add_object, &r, e) != 0)
		return -1;
	if (c.n_tables == 0) {
		db->absence = DB_ABSENT_TABLE;
		/* Cut at its size: for a hint only. */
		(void)snprintf(db->missing, sizeof(db->missing), "%s", bare);
		return err_set(e, ERR_MEASURE, "no such table: %s", name);
	}
	know_tables(&r);
	if (read_facts(&r, c.tables[0].name, e) != 0)
		return err_context(e, "%s \"%s\"", c.tables[0].is_view ? "view" : "table",
				   c.tables[0].name);
	complete(&r, &c.tables[0]);
	db_catalog_sort(&c);
	*out = c.tables[0];
	return 0;
}
