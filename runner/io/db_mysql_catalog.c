/*
 * db_mysql_catalog: what a database is made of, read from information_schema, one query a kind of
 * fact.
 *
 * The queries are the driver's own and name their columns for the server they go to: MySQL and
 * MariaDB have added different ones. Every fact but triggers can be seen by a role that may SELECT
 * and SHOW VIEW in the whole database; what another is not shown is told (db_mysql_sight.c).
 * Triggers need TRIGGER, which a reading role has not, so mostly there are none. A
 * view that no longer resolves is told by the server in the place of its comment, or has no
 * columns.
 *
 * Sources: https://mariadb.com/kb/en/information-schema-tables/ and
 * https://dev.mysql.com/doc/refman/8.0/en/information-schema.html.
 */
#include "runner/io/db_mysql_catalog.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/base/pairs.h"
#include "runner/base/str.h"
#include "runner/io/db_catalog_build.h"

#define MAX_SQL_BYTES (1024 * 1024)

const char *mysql_text(struct mysql_read *r, const struct db_value *v)
{
	return v->type == DB_NULL || v->len == 0 ? NULL : db_value_text(r->arena, v);
}

const char *mysql_join(struct mysql_read *r, const struct texts *texts)
{
	struct buf b;

	buf_init(&b, MAX_SQL_BYTES);
	for (size_t i = 0; i < texts->n; i++)
		(void)buf_printf(&b, "%s%s", i > 0 ? ", " : "", texts->items[i]);
	const char *text = texts->n > 0 ? arena_strndup(r->arena, b.data, b.len) : NULL;

	buf_release(&b);
	return text;
}

struct db_table *mysql_table(struct mysql_read *r, const struct db_row *row)
{
	if (!r->of || strcmp(r->of->name, row->values[0].text) != 0)
		r->of = map_get(&r->tables, row->values[0].text);
	return r->of;
}

/* " WHERE schema IN (?1, ?2) AND table = ?3": what the query is about. */
static void add_condition(const struct mysql_read *r, struct buf *sql, const char *schema,
			  const char *table)
{
	(void)buf_printf(sql, " WHERE %s IN (", schema);
	for (size_t i = 0; i < r->n_schemas; i++)
		(void)buf_printf(sql, "%s?%zu", i > 0 ? ", " : "", i + 1);
	(void)buf_putc(sql, ')');
	if (r->n_params > r->n_schemas)
		(void)buf_printf(sql, " AND %s = ?%zu", table, r->n_params);
	/* Comparing with information_schema ignores case; most file systems do not. */
	if (r->n_params > r->n_schemas && !of_session(r)->folds_tables)
		(void)buf_printf(sql, " AND BINARY %s = ?%zu", table, r->n_params);
}

/* "name" in the current database (?1), "schema.name" elsewhere. */
static void add_name(struct buf *sql, const char *schema, const char *table)
{
	(void)buf_printf(sql, "IF(%s = ?1, %s, CONCAT(%s, '.', %s))", schema, table, schema, table);
}

int mysql_ask(struct mysql_read *r, const struct mysql_question *q, struct err *e)
{
	struct buf sql;

	buf_init(&sql, MAX_SQL_BYTES);
	/* With the session's ONLY_FULL_GROUP_BY some BIT columns of views are bigint unsigned. */
	if (of_session(r)->is_mariadb)
		(void)buf_puts(&sql, "SET STATEMENT sql_mode = '' FOR ");
	(void)buf_puts(&sql, "SELECT ");
	add_name(&sql, q->schema, q->table);
	(void)buf_printf(&sql, ", %s FROM information_schema.%s", q->columns, q->from);
	add_condition(r, &sql, q->schema, q->table);
	(void)buf_puts(&sql, q->rest);
	r->of = NULL;
	r->key = NULL;
	int rc = sql.is_full ? err_set(e, ERR_MEASURE, "cannot read the catalog: too many schemas")
			     : mysql_own_query(of_session(r), sql.data, r->params, r->n_params,
					       r->deadline_ms, q->add, r, e);

	buf_release(&sql);
	return rc;
}

/* ---- tables, views and sequences ---- */

/* "utf8mb4" of "utf8mb4_general_ci". */
static const char *charset_of(struct mysql_read *r, const char *collation)
{
	return collation ? arena_strndup(r->arena, collation, strcspn(collation, "_")) : NULL;
}

static void add_sequence(struct mysql_read *r, const char *name)
{
	struct db_catalog *c = r->catalog;

	c->sequences = db_array_grow(r->arena, c->sequences, c->n_sequences, sizeof(*c->sequences));
	c->sequences[c->n_sequences++] = (struct db_sequence){.name = name, .type = "bigint"};
}

/* name, type, engine, collation, comment, schema */
static int add_table(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct mysql_read *r = ctx;
	struct db_catalog *c = r->catalog;

	(void)e;
	if (strcmp(v[1].text, "SEQUENCE") == 0) {
		add_sequence(r, mysql_text(r, &v[0]));
		return 0;
	}
	c->tables = db_array_grow(r->arena, c->tables, c->n_tables, sizeof(*c->tables));
	struct db_table *t = &c->tables[c->n_tables++];

	t->name = mysql_text(r, &v[0]);
	t->schema = mysql_text(r, &v[5]);
	t->is_view = strstr(v[1].text, "VIEW") != NULL;
	if (!t->is_view) {
		t->storage = mysql_text(r, &v[2]);
		t->collation = mysql_text(r, &v[3]);
		t->charset = charset_of(r, t->collation);
		t->comment = mysql_text(r, &v[4]);
		if (strcmp(v[1].text, "SYSTEM VERSIONED") == 0)
			t->storage = arena_printf(r->arena, "%s, SYSTEM VERSIONED",
						  t->storage ? t->storage : "");
	} else if (v[4].type == DB_TEXT && str_starts(v[4].text, "View '")) {
		t->error = mysql_text(r, &v[4]);
	}
	return 0;
}

/* What decides which rows a view takes, and with whose rights; NULL = all as usual. */
static const char *view_options(struct mysql_read *r, const struct db_value *v)
{
	const char *check = mysql_text(r, &v[2]), *security = mysql_text(r, &v[3]);
	const char *algorithm = mysql_text(r, &v[4]);
	struct texts options = {.items = arena_array(r->arena, 3, sizeof(*options.items))};

	if (algorithm && strcmp(algorithm, "UNDEFINED") != 0)
		options.items[options.n++] = arena_printf(r->arena, "ALGORITHM=%s", algorithm);
	if (security && strcmp(security, "INVOKER") == 0)
		options.items[options.n++] = "SQL SECURITY INVOKER";
	if (check && strcmp(check, "NONE") != 0)
		options.items[options.n++] = arena_printf(r->arena, "CHECK OPTION=%s", check);
	return mysql_join(r, &options);
}

/* name, query, check option, security, algorithm */
static int add_view(void *ctx, const struct db_row *row, struct err *e)
{
	struct mysql_read *r = ctx;
	struct db_table *t = mysql_table(r, row);

	(void)e;
	if (!t)
		return 0;
	t->definition = mysql_text(r, &row->values[1]);
	t->options = view_options(r, row->values);
	return 0;
}

static const struct mysql_question tables_question = {
	"t.TABLE_SCHEMA",
	"t.TABLE_NAME",
	"t.TABLE_TYPE, t.ENGINE, t.TABLE_COLLATION, t.TABLE_COMMENT, t.TABLE_SCHEMA",
	"TABLES t",
	"",
	add_table,
};

/* Only MariaDB tells the algorithm, since 10.1.3. */
static struct mysql_question views_question(const struct mysql_db *s)
{
	struct mysql_question q = {
		"v.TABLE_SCHEMA",
		"v.TABLE_NAME",
		"v.VIEW_DEFINITION, v.CHECK_OPTION, v.SECURITY_TYPE, NULL",
		"VIEWS v",
		"",
		add_view,
	};

	if (s->is_mariadb && s->version >= 100103)
		q.columns = "v.VIEW_DEFINITION, v.CHECK_OPTION, v.SECURITY_TYPE, v.ALGORITHM";
	return q;
}

/* ---- sequences: where they start and how they go on is in themselves ---- */

static int add_sequence_facts(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct mysql_read *r = ctx;

	(void)e;
	for (size_t i = 0; i < r->catalog->n_sequences; i++) {
		struct db_sequence *s = &r->catalog->sequences[i];

		if (strcmp(s->name, v[0].text) != 0)
			continue;
		s->start = mysql_text(r, &v[1]);
		s->increment = mysql_text(r, &v[2]);
		s->minimum = mysql_text(r, &v[3]);
		s->maximum = mysql_text(r, &v[4]);
		s->is_cycle = v[5].integer != 0;
	}
	return 0;
}

static int read_sequences(struct mysql_read *r, struct err *e)
{
	const struct db_catalog *c = r->catalog;
	const char **names = arena_array(r->arena, c->n_sequences, sizeof(*names));
	struct buf sql;

	if (c->n_sequences == 0)
		return 0;
	buf_init(&sql, MAX_SQL_BYTES);
	for (size_t i = 0; i < c->n_sequences; i++) {
		names[i] = c->sequences[i].name;
		(void)buf_printf(&sql,
				 "%sSELECT ?%zu, start_value, increment, minimum_value, "
				 "maximum_value, cycle_option FROM ",
				 i > 0 ? " UNION ALL " : "", i + 1);
		db_quote_table(DB_MYSQL, &sql, names[i]);
	}
	/* Best effort: a role may see the name of a sequence that it may not read. */
	int rc = sql.is_full ? 0
			     : mysql_own_query(of_session(r), sql.data, names, c->n_sequences,
					       r->deadline_ms, add_sequence_facts, r, NULL);

	buf_release(&sql);
	if (rc != 0 && r->db->is_broken)
		return err_set(e, ERR_MEASURE, "could not read the sequences of the database");
	return 0;
}

/* ---- all of it ---- */

static struct mysql_read begin(struct db *db, struct arena *a, int64_t deadline_ms,
			       struct db_catalog *c)
{
	struct mysql_read r = {.db = db, .arena = a, .deadline_ms = deadline_ms, .catalog = c};

	map_init(&r.tables, a);
	return r;
}

/* What conditions are about: schemas, the current one first, and one table unless name is NULL. */
static void set_scope(struct mysql_read *r, const struct texts *schemas, const char *name)
{
	size_t n = schemas ? schemas->n : 0;

	r->params = arena_array(r->arena, n + 2, sizeof(*r->params));
	r->params[r->n_params++] = of_session(r)->place.dbname;
	for (size_t i = 0; i < n; i++)
		r->params[r->n_params++] = schemas->items[i];
	r->n_schemas = r->n_params;
	if (name)
		r->params[r->n_params++] = name;
}

static void know_tables(struct mysql_read *r)
{
	for (size_t i = 0; i < r->catalog->n_tables; i++)
		(void)map_put(&r->tables, r->catalog->tables[i].name, &r->catalog->tables[i]);
}

/* MySQL tells in a view's comment that it no longer resolves, MariaDB by listing no columns. */
static void find_broken_views(struct mysql_read *r)
{
	struct db_catalog *c = r->catalog;

	for (size_t i = 0; i < c->n_tables; i++) {
		struct db_table *t = &c->tables[i];

		if (t->is_view && t->n_columns == 0 && !t->error)
			t->error =
				"the server lists no columns of it: what it is made of is gone, "
				"or the role may not SELECT from it; a SELECT from it says which";
	}
}

int mysql_catalog(struct db *db, struct arena *a, const struct db_wanted *wanted,
		  int64_t deadline_ms, struct db_catalog *out, struct err *e)
{
	struct mysql_read r = begin(db, a, deadline_ms, out);

	set_scope(&r, &wanted->schemas, NULL);
	out->tells_case = !of_session(&r)->folds_tables;
	if (mysql_ask(&r, &tables_question, e) != 0)
		return -1;
	know_tables(&r);
	const struct mysql_question views = views_question(of_session(&r));

	if (mysql_ask(&r, &views, e) != 0 || mysql_read_columns(&r, e) != 0 ||
	    mysql_read_facts(&r, e) != 0)
		return -1;
	find_broken_views(&r);
	if (mysql_read_sight(&r, e) != 0)
		return -1;
	return read_sequences(&r, e);
}

static int add_object(void *ctx, const struct db_row *row, struct err *e)
{
	struct mysql_read *r = ctx;

	if (strcmp(row->values[1].text, "SEQUENCE") == 0)
		return 0;
	return add_table(r, row, e);
}

int mysql_objects(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
		  size_t *n, struct err *e)
{
	const struct mysql_question question = {
		"t.TABLE_SCHEMA",
		"t.TABLE_NAME",
		"t.TABLE_TYPE, NULL, NULL, NULL, NULL",
		"TABLES t",
		"",
		add_object,
	};
	struct db_catalog c = {.engine = DB_MYSQL};
	struct mysql_read r = begin(db, a, deadline_ms, &c);

	set_scope(&r, NULL, NULL);
	if (mysql_ask(&r, &question, e) != 0)
		return -1;
	db_catalog_sort(&c);
	*out = arena_array(a, c.n_tables, sizeof(**out));
	*n = c.n_tables;
	for (size_t i = 0; i < c.n_tables; i++)
		(*out)[i] = (struct db_object){c.tables[i].name, c.tables[i].is_view};
	return 0;
}

int mysql_describe(struct db *db, struct arena *a, const char *name, int64_t deadline_ms,
		   struct db_table *out, struct err *e)
{
	const char *schema, *bare = db_split_table(DB_MYSQL, a, name, &schema);
	struct db_catalog c = {.engine = DB_MYSQL};
	struct mysql_read r = begin(db, a, deadline_ms, &c);

	set_scope(&r, NULL, bare);
	if (schema)
		r.params[0] = schema;
	if (mysql_ask(&r, &tables_question, e) != 0)
		return -1;
	if (c.n_tables == 0) {
		db->absence = DB_ABSENT_TABLE;
		/* Cut at its size: for a hint only. */
		(void)snprintf(db->missing, sizeof(db->missing), "%s", bare);
		return err_set(e, ERR_MEASURE, "no such table: %s", name);
	}
	know_tables(&r);
	if (mysql_read_columns(&r, e) != 0)
		return err_context(e, "%s \"%s\"", c.tables[0].is_view ? "view" : "table",
				   c.tables[0].name);
	db_catalog_sort(&c);
	*out = c.tables[0];
	return 0;
}
