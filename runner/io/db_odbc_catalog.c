/*
 * db_odbc_catalog: what a database is made of, as far as ODBC's catalog functions know.
 *
 * Columns with their types, nullability and defaults, primary and foreign keys, and indexes.
 * Checks, generated columns, triggers and the queries of views are beyond ODBC. The names given to
 * these functions are patterns to some drivers, so every row is looked at again.
 *
 * A table of the schema that everybody begins in has its bare name, any other "schema.name".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db_catalog_build.h"
#include "runner/io/db_odbc.h"

struct read {
	struct arena *arena;
	const char *schema, *name; /* what is described; schema NULL = any */
	struct db_object *objects;
	size_t n_objects;
	struct db_table *table;
	const char *key; /* name of the index or key of the rows so far */
};

static const char *text_of(struct read *r, const struct db_value *v)
{
	return v->type == DB_NULL || (v->type == DB_TEXT && v->len == 0)
		       ? NULL
		       : db_value_text(r->arena, v);
}

/* ---- names ---- */

static bool is_first_schema(const char *schema)
{
	static const char *const first[] = {"public", "dbo", "main"};

	for (size_t i = 0; i < sizeof(first) / sizeof(*first); i++)
		if (strcmp(schema, first[i]) == 0)
			return true;
	return false;
}

/* catalog, schema, name, type */
static int add_object(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct read *r = ctx;
	const char *schema = text_of(r, &v[1]), *name = text_of(r, &v[2]);
	const char *type = text_of(r, &v[3]);
	bool is_view = type && strcmp(type, "VIEW") == 0;

	(void)e;
	if (!name || !type || (!is_view && strcmp(type, "TABLE") != 0))
		return 0;
	if (schema && !is_first_schema(schema))
		name = arena_printf(r->arena, "%s.%s", schema, name);
	r->objects = db_array_grow(r->arena, r->objects, r->n_objects, sizeof(*r->objects));
	r->objects[r->n_objects++] = (struct db_object){name, is_view};
	return 0;
}

static SQLRETURN ask_tables(struct odbc_db *s, const void *what)
{
	SQLWCHAR any[] = {'%', 0};

	(void)what;
	return s->client->tables(s->statement, NULL, 0, NULL, 0, any, SQL_NTS, NULL, 0);
}

static int by_name(const void *a, const void *b)
{
	const struct db_object *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int odbc_objects(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
		 size_t *n, struct err *e)
{
	struct read r = {.arena = a};

	if (odbc_call((struct odbc_db *)db, ask_tables, NULL, deadline_ms, add_object, &r, e) != 0)
		return -1;
	if (r.n_objects > 0)
		qsort(r.objects, r.n_objects, sizeof(*r.objects), by_name);
	*out = r.objects;
	*n = r.n_objects;
	return 0;
}

/* ---- one table ---- */

/* Is a row about the table described? Its schema and name are in two columns next to each other. */
static bool is_about(const struct read *r, const struct db_value *schema)
{
	const struct db_value *name = schema + 1;

	return name->type == DB_TEXT && db_same_name(DB_ODBC, name->text, r->name) &&
	       (!r->schema ||
		(schema->type == DB_TEXT && db_same_name(DB_ODBC, schema->text, r->schema)));
}

/* ..., 5 type name, 6 size, 8 digits, 10 nullable, 12 default */
static int add_column(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct read *r = ctx;
	struct db_table *t = r->table;

	(void)e;
	if (row->n < 13 || !is_about(r, &v[1]))
		return 0;
	t->name = text_of(r, &v[2]);
	t->columns = db_array_grow(r->arena, t->columns, t->n_columns, sizeof(*t->columns));
	struct db_column *c = &t->columns[t->n_columns++];

	c->name = text_of(r, &v[3]);
	c->type = text_of(r, &v[5]);
	if (!c->type)
		c->type = "";
	c->is_nullable = v[10].type != DB_INT || v[10].integer != SQL_NO_NULLS;
	c->def = text_of(r, &v[12]);
	if (c->def && strcmp(c->def, "NULL") == 0)
		c->def = NULL;
	return 0;
}

/* ..., 3 column, 4 place */
static int add_key(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct read *r = ctx;

	(void)e;
	if (row->n < 5 || !is_about(r, &v[1]) || v[3].type != DB_TEXT)
		return 0;
	for (size_t i = 0; i < r->table->n_columns; i++)
		if (strcmp(r->table->columns[i].name, v[3].text) == 0)
			r->table->columns[i].key = v[4].integer;
	return 0;
}

/* ..., 3 not unique, 5 index, 6 kind of row, 7 place, 8 column, 9 order, 12 filter */
static int add_index_column(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct read *r = ctx;
	struct db_table *t = r->table;

	(void)e;
	if (row->n < 13 || !is_about(r, &v[1]) || v[5].type != DB_TEXT ||
	    v[6].integer == SQL_TABLE_STAT)
		return 0;
	if (!r->key || strcmp(r->key, v[5].text) != 0) {
		t->indexes = db_array_grow(r->arena, t->indexes, t->n_indexes, sizeof(*t->indexes));
		struct db_index *x = &t->indexes[t->n_indexes++];

		x->name = r->key = text_of(r, &v[5]);
		x->is_unique = v[3].integer == 0;
		x->where = text_of(r, &v[12]);
	}
	struct db_index *x = &t->indexes[t->n_indexes - 1];
	const char *column = text_of(r, &v[8]);

	x->columns = db_array_grow(r->arena, x->columns, x->n_columns, sizeof(*x->columns));
	x->columns[x->n_columns++] = column ? column : "(expression)";
	return 0;
}

static const char *rule_of(const struct db_value *v)
{
	switch (v->type == DB_INT ? v->integer : SQL_NO_ACTION) {
	case SQL_CASCADE:
		return "CASCADE";
	case SQL_SET_NULL:
		return "SET NULL";
	case SQL_SET_DEFAULT:
		return "SET DEFAULT";
	case SQL_RESTRICT:
		return "RESTRICT";
	default:
		return "NO ACTION";
	}
}

/* ..., 2 to table, 3 to column, 5 schema, 6 table, 7 column, 8 place, 9 update, 10 delete, 11 name
 */
static int add_foreign_key(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct read *r = ctx;
	struct db_table *t = r->table;

	(void)e;
	if (row->n < 12 || !is_about(r, &v[5]))
		return 0;
	if (t->n_foreign_keys == 0 || v[8].integer <= 1) {
		t->foreign_keys = db_array_grow(r->arena, t->foreign_keys, t->n_foreign_keys,
						sizeof(*t->foreign_keys));
		t->foreign_keys[t->n_foreign_keys++] = (struct db_foreign_key){
			.name = text_of(r, &v[11]),
			.table = text_of(r, &v[2]),
			.on_update = rule_of(&v[9]),
			.on_delete = rule_of(&v[10]),
		};
	}
	struct db_foreign_key *k = &t->foreign_keys[t->n_foreign_keys - 1];

	k->columns = db_array_grow(r->arena, k->columns, k->n_columns, sizeof(*k->columns));
	k->targets = db_array_grow(r->arena, k->targets, k->n_columns, sizeof(*k->targets));
	k->columns[k->n_columns] = text_of(r, &v[7]);
	k->targets[k->n_columns++] = text_of(r, &v[3]);
	return 0;
}

static int take_type(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct read *r = ctx;

	(void)e;
	if (is_about(r, &v[1]) && v[3].type == DB_TEXT)
		r->table->is_view = strcmp(v[3].text, "VIEW") == 0;
	return 0;
}

/* What is asked about: schema may be NULL. */
struct place {
	SQLWCHAR *schema, *name;
};

static SQLRETURN ask_columns(struct odbc_db *s, const void *what)
{
	const struct place *p = what;

	return s->client->columns(s->statement, NULL, 0, p->schema, SQL_NTS, p->name, SQL_NTS, NULL,
				  0);
}

static SQLRETURN ask_type(struct odbc_db *s, const void *what)
{
	const struct place *p = what;

	return s->client->tables(s->statement, NULL, 0, p->schema, SQL_NTS, p->name, SQL_NTS, NULL,
				 0);
}

static SQLRETURN ask_key(struct odbc_db *s, const void *what)
{
	const struct place *p = what;

	return s->client->primary_keys(s->statement, NULL, 0, p->schema, SQL_NTS, p->name, SQL_NTS);
}

static SQLRETURN ask_indexes(struct odbc_db *s, const void *what)
{
	const struct place *p = what;

	return s->client->statistics(s->statement, NULL, 0, p->schema, SQL_NTS, p->name, SQL_NTS,
				     SQL_INDEX_ALL, SQL_QUICK);
}

static SQLRETURN ask_foreign_keys(struct odbc_db *s, const void *what)
{
	const struct place *p = what;

	return s->client->foreign_keys(s->statement, NULL, 0, NULL, 0, NULL, 0, NULL, 0, p->schema,
				       SQL_NTS, p->name, SQL_NTS);
}

/* Columns must be known; what else a driver has no answer to, it has no answer to. */
static int read_table(struct odbc_db *s, const struct place *p, struct read *r, int64_t deadline_ms,
		      struct err *e)
{
	static const struct {
		odbc_begin_fn *ask;
		db_row_fn *add;
		bool is_needed;
	} facts[] = {
		{ask_columns, add_column, true},
		{ask_type, take_type, false},
		{ask_key, add_key, false},
		{ask_indexes, add_index_column, false},
		{ask_foreign_keys, add_foreign_key, false},
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		struct err why = {0};

		r->key = NULL;
		if (odbc_call(s, facts[i].ask, p, deadline_ms, facts[i].add, r, &why) == 0 ||
		    (!facts[i].is_needed && !s->db.is_broken))
			continue;
		if (e)
			*e = why;
		return -1;
	}
	return 0;
}

int odbc_describe(struct db *db, struct arena *a, const char *name, int64_t deadline_ms,
		  struct db_table *out, struct err *e)
{
	const char *dot = strchr(name, '.');
	bool has_schema = dot && dot > name && dot[1];
	struct db_catalog c = {.engine = DB_ODBC};
	struct read r = {.arena = a, .name = has_schema ? dot + 1 : name};

	if (has_schema)
		r.schema = arena_strndup(a, name, (size_t)(dot - name));
	r.table = c.tables = arena_array(a, 1, sizeof(*c.tables));
	c.n_tables = 1;
	struct place place = {
		.schema = r.schema ? odbc_wide(r.schema, strlen(r.schema)) : NULL,
		.name = odbc_wide(r.name, strlen(r.name)),
	};
	int rc = place.name ? read_table((struct odbc_db *)db, &place, &r, deadline_ms, e)
			    : err_set(e, ERR_MEASURE, "no such table: %s", name);

	free(place.schema);
	free(place.name);
	if (rc != 0)
		return -1;
	if (r.table->n_columns == 0) {
		db->absence = DB_ABSENT_TABLE;
		/* Cut at its size: for a hint only. */
		(void)snprintf(db->missing, sizeof(db->missing), "%s", r.name);
		return err_set(e, ERR_MEASURE, "no such table: %s", name);
	}
	db_catalog_sort(&c);
	*out = c.tables[0];
	return 0;
}
