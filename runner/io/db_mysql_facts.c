/*
 * db_mysql_facts: columns, indexes, constraints, triggers and partitions from information_schema.
 *
 * A UNIQUE constraint and a unique index are one thing to these servers: both are listed, the index
 * as made by the constraint. The default of a column is SQL text in MariaDB and a bare value in
 * MySQL, where it is quoted here unless the column is a number; ON UPDATE belongs to it.
 */
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db_catalog_build.h"
#include "runner/io/db_mysql_catalog.h"
#include "runner/io/db_mysql_printed.h"

/* ---- columns ---- */

static enum db_generation generation_of(const char *extra)
{
	if (strstr(extra, "VIRTUAL GENERATED"))
		return DB_VIRTUAL;
	if (strstr(extra, "STORED GENERATED") || strstr(extra, "PERSISTENT"))
		return DB_STORED;
	if (strstr(extra, "auto_increment"))
		return DB_IDENTITY;
	return DB_PLAIN;
}

static bool is_number(const char *type)
{
	static const char *const types[] = {
		"tinyint", "smallint", "mediumint", "int",  "bigint",
		"decimal", "float",    "double",    "year", "bit",
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (str_starts(type, types[i]))
			return true;
	return false;
}

static const char *expression_of(struct mysql_read *r, const struct db_value *v)
{
	const char *text = mysql_text(r, v);

	return of_session(r)->is_mariadb ? text : mysql_printed(r->arena, text);
}

/* "current_timestamp(3)"; INVISIBLE and the like follow. NULL = it stays what it is. */
static const char *update_of(struct mysql_read *r, const char *extra)
{
	const char *update = strstr(extra, "on update ");

	if (!update)
		return NULL;
	update += strlen("on update ");
	return arena_strndup(r->arena, update, strcspn(update, ", "));
}

static const char *default_of(struct mysql_read *r, const struct db_column *c, const char *def,
			      const char *extra)
{
	const char *update = update_of(r, extra);

	if (!def || (of_session(r)->is_mariadb && strcmp(def, "NULL") == 0))
		return NULL;
	if (!of_session(r)->is_mariadb && strstr(extra, "DEFAULT_GENERATED"))
		def = mysql_printed(r->arena, def);
	else if (!of_session(r)->is_mariadb && !is_number(c->type))
		def = mysql_literal(r->arena, def);
	return update ? arena_printf(r->arena, "%s on update %s", def, update) : def;
}

/* What EXTRA says beside how a value is made, and ON UPDATE where no default says it. */
static const char *column_options(struct mysql_read *r, const struct db_column *c,
				  const char *extra)
{
	const char *update = update_of(r, extra);
	struct texts options = {.items = arena_array(r->arena, 3, sizeof(*options.items))};

	if (update && !c->def)
		options.items[options.n++] = arena_printf(r->arena, "ON UPDATE %s", update);
	if (strstr(extra, "INVISIBLE"))
		options.items[options.n++] = "INVISIBLE";
	if (strstr(extra, "WITHOUT SYSTEM VERSIONING"))
		options.items[options.n++] = "WITHOUT SYSTEM VERSIONING";
	return mysql_join(r, &options);
}

/* name, column, type, nullable, default, extra, expression, collation, comment */
static int add_column(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct mysql_read *r = ctx;
	struct db_table *t = mysql_table(r, row);

	(void)e;
	if (!t || t->error)
		return 0;
	t->columns = db_array_grow(r->arena, t->columns, t->n_columns, sizeof(*t->columns));
	struct db_column *c = &t->columns[t->n_columns++];

	c->name = mysql_text(r, &v[1]);
	c->type = mysql_text(r, &v[2]);
	c->is_nullable = strcmp(v[3].text, "YES") == 0;
	c->generation = generation_of(v[5].text);
	c->expression = expression_of(r, &v[6]);
	if (c->generation != DB_VIRTUAL && c->generation != DB_STORED && !t->is_view)
		c->def = default_of(r, c, db_value_text(r->arena, &v[4]), v[5].text);
	c->options = column_options(r, c, v[5].text);
	c->collation = mysql_text(r, &v[7]);
	if (str_equal(c->collation, t->collation))
		c->collation = NULL;
	c->comment = mysql_text(r, &v[8]);
	return 0;
}

/* ---- indexes, with the constraints they are ---- */

static void set_key(struct db_table *t, const char *column, int64_t place)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (strcmp(t->columns[i].name, column) == 0)
			t->columns[i].key = place;
}

static struct db_constraint *add_constraint(struct mysql_read *r, struct db_table *t)
{
	t->constraints =
		db_array_grow(r->arena, t->constraints, t->n_constraints, sizeof(*t->constraints));
	return &t->constraints[t->n_constraints++];
}

static const char *method_of(struct mysql_read *r, const char *type)
{
	char *lower = arena_strdup(r->arena, type);

	if (strcmp(type, "BTREE") == 0)
		return NULL;
	for (char *c = lower; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
	return lower;
}

/* name, index, not unique, place, column, prefix, order, type, expression, is it of use */
static void begin_index(struct mysql_read *r, struct db_table *t, const struct db_value *v)
{
	bool is_primary = strcmp(v[1].text, "PRIMARY") == 0;
	bool is_unique = v[2].integer == 0;

	t->indexes = db_array_grow(r->arena, t->indexes, t->n_indexes, sizeof(*t->indexes));
	struct db_index *x = &t->indexes[t->n_indexes++];

	x->name = r->key = mysql_text(r, &v[1]);
	x->is_unique = is_unique;
	x->is_automatic = is_unique;
	x->method = method_of(r, v[7].text);
	x->is_invalid = v[9].integer != 0;
	if (!is_unique)
		return;
	struct db_constraint *c = add_constraint(r, t);

	c->type = is_primary ? DB_PRIMARY_KEY : DB_UNIQUE;
	c->name = x->name;
}

/* "DESC", "(10)" or both; NULL = nothing but the column. */
static const char *option_of(struct mysql_read *r, const struct db_value *v)
{
	const char *prefix = mysql_text(r, &v[5]);
	bool is_descending = v[6].type == DB_TEXT && strcmp(v[6].text, "D") == 0;

	if (!prefix)
		return is_descending ? "DESC" : NULL;
	return arena_printf(r->arena, "(%s)%s", prefix, is_descending ? " DESC" : "");
}

static int add_index_column(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct mysql_read *r = ctx;
	struct db_table *before = r->of, *t = mysql_table(r, row);

	(void)e;
	if (!t)
		return 0;
	if (t != before || !r->key || strcmp(r->key, v[1].text) != 0)
		begin_index(r, t, v);
	struct db_index *x = &t->indexes[t->n_indexes - 1];
	const char *expression = expression_of(r, &v[8]);
	const char *column =
		expression ? arena_printf(r->arena, "(%s)", expression) : mysql_text(r, &v[4]);

	x->columns = db_array_grow(r->arena, x->columns, x->n_columns, sizeof(*x->columns));
	x->options = db_array_grow(r->arena, x->options, x->n_columns, sizeof(*x->options));
	x->options[x->n_columns] = option_of(r, v);
	x->columns[x->n_columns++] = column;
	if (x->is_unique) {
		struct db_constraint *c = &t->constraints[t->n_constraints - 1];

		c->columns = x->columns;
		c->options = x->options;
		c->n_columns = x->n_columns;
		if (c->type == DB_PRIMARY_KEY)
			set_key(t, column, v[3].integer);
	}
	return 0;
}

/* ---- other constraints ---- */

/* name, constraint, column, to table, to column, on update, on delete, to schema; the actions are
 * NULL to who may only SELECT */
static int add_foreign_key(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct mysql_read *r = ctx;
	struct db_table *before = r->of, *t = mysql_table(r, row);

	(void)e;
	if (!t)
		return 0;
	if (t != before || !r->key || strcmp(r->key, v[1].text) != 0) {
		t->foreign_keys = db_array_grow(r->arena, t->foreign_keys, t->n_foreign_keys,
						sizeof(*t->foreign_keys));
		t->foreign_keys[t->n_foreign_keys++] = (struct db_foreign_key){
			.name = mysql_text(r, &v[1]),
			.table = mysql_text(r, &v[3]),
			.schema = mysql_text(r, &v[7]),
			.on_update = mysql_text(r, &v[5]),
			.on_delete = mysql_text(r, &v[6]),
		};
		r->key = t->foreign_keys[t->n_foreign_keys - 1].name;
	}
	struct db_foreign_key *k = &t->foreign_keys[t->n_foreign_keys - 1];

	k->columns = db_array_grow(r->arena, k->columns, k->n_columns, sizeof(*k->columns));
	k->targets = db_array_grow(r->arena, k->targets, k->n_columns, sizeof(*k->targets));
	k->columns[k->n_columns] = mysql_text(r, &v[2]);
	k->targets[k->n_columns++] = mysql_text(r, &v[4]);
	return 0;
}

/* name, constraint, condition, is it not enforced */
static int add_check(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct mysql_read *r = ctx;
	struct db_table *t = mysql_table(r, row);

	(void)e;
	if (!t)
		return 0;
	struct db_constraint *c = add_constraint(r, t);

	c->type = DB_CHECK;
	c->name = mysql_text(r, &v[1]);
	c->expression = expression_of(r, &v[2]);
	c->is_unvalidated = v[3].integer != 0;
	return 0;
}

/* name, trigger, definition, place among those of its event */
static int add_trigger(void *ctx, const struct db_row *row, struct err *e)
{
	struct mysql_read *r = ctx;
	struct db_table *t = mysql_table(r, row);

	(void)e;
	if (!t)
		return 0;
	t->triggers = db_array_grow(r->arena, t->triggers, t->n_triggers, sizeof(*t->triggers));
	t->triggers[t->n_triggers++] = (struct db_trigger){
		.name = mysql_text(r, &row->values[1]),
		.definition = mysql_text(r, &row->values[2]),
		.place = row->values[3].integer > 1 ? row->values[3].integer : 0,
	};
	return 0;
}

/* name, partition, method, expression, description */
static int add_partition(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct mysql_read *r = ctx;
	struct db_table *t = mysql_table(r, row);
	const char *bounds = mysql_text(r, &v[4]);
	bool is_range = str_starts(v[2].text, "RANGE"), is_list = str_starts(v[2].text, "LIST");

	(void)e;
	if (!t)
		return 0;
	t->partition_by = arena_printf(r->arena, "%s (%s)", v[2].text, v[3].text);
	/* A partition with subpartitions comes once for each of them. */
	if (t->n_partitions > 0 && strcmp(t->partitions[t->n_partitions - 1].name, v[1].text) == 0)
		return 0;
	t->partitions =
		db_array_grow(r->arena, t->partitions, t->n_partitions, sizeof(*t->partitions));
	struct db_partition *p = &t->partitions[t->n_partitions++];

	p->name = mysql_text(r, &v[1]);
	if (bounds && (is_range || is_list))
		p->bounds = arena_printf(r->arena, "VALUES %s (%s)", is_range ? "LESS THAN" : "IN",
					 bounds);
	return 0;
}

/* ---- the questions ---- */

static const struct mysql_question columns_question = {
	"c.TABLE_SCHEMA",
	"c.TABLE_NAME",
	"c.COLUMN_NAME, c.COLUMN_TYPE, c.IS_NULLABLE, c.COLUMN_DEFAULT, c.EXTRA,"
	" c.GENERATION_EXPRESSION, c.COLLATION_NAME, c.COLUMN_COMMENT",
	"COLUMNS c",
	" ORDER BY 1, c.ORDINAL_POSITION",
	add_column,
};

/* The last two: the expression of a key part, and whether the index is ignored. */
#define INDEX_COLUMNS                                                                              \
	"s.INDEX_NAME, s.NON_UNIQUE, s.SEQ_IN_INDEX, s.COLUMN_NAME, s.SUB_PART, s.COLLATION,"      \
	" s.INDEX_TYPE, "

static struct mysql_question indexes_question(const struct mysql_db *s)
{
	struct mysql_question q = {
		"s.TABLE_SCHEMA",
		"s.TABLE_NAME",
		INDEX_COLUMNS "NULL, 0",
		"STATISTICS s",
		" ORDER BY 1, s.INDEX_NAME, s.SEQ_IN_INDEX",
		add_index_column,
	};

	if (s->is_mariadb && s->version >= 100600)
		q.columns = INDEX_COLUMNS "NULL, s.IGNORED = 'YES'";
	else if (!s->is_mariadb && s->version >= 80013)
		q.columns = INDEX_COLUMNS "s.EXPRESSION, s.IS_VISIBLE = 'NO'";
	return q;
}

static const struct mysql_question foreign_keys_question = {
	"k.TABLE_SCHEMA",
	"k.TABLE_NAME",
	"k.CONSTRAINT_NAME, k.COLUMN_NAME, IF(k.REFERENCED_TABLE_SCHEMA = ?1,"
	" k.REFERENCED_TABLE_NAME, CONCAT(k.REFERENCED_TABLE_SCHEMA, '.',"
	" k.REFERENCED_TABLE_NAME)), k.REFERENCED_COLUMN_NAME, r.UPDATE_RULE, r.DELETE_RULE,"
	" k.REFERENCED_TABLE_SCHEMA",
	"KEY_COLUMN_USAGE k LEFT JOIN information_schema.REFERENTIAL_CONSTRAINTS r"
	" ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.TABLE_NAME = k.TABLE_NAME"
	" AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME",
	" AND k.REFERENCED_TABLE_NAME IS NOT NULL ORDER BY 1, k.CONSTRAINT_NAME,"
	" k.ORDINAL_POSITION",
	add_foreign_key,
};

static const struct mysql_question mariadb_checks_question = {
	"c.CONSTRAINT_SCHEMA",
	"c.TABLE_NAME",
	"c.CONSTRAINT_NAME, c.CHECK_CLAUSE, 0",
	"CHECK_CONSTRAINTS c",
	"",
	add_check,
};

static const struct mysql_question mysql_checks_question = {
	"t.TABLE_SCHEMA",
	"t.TABLE_NAME",
	"c.CONSTRAINT_NAME, c.CHECK_CLAUSE, t.ENFORCED = 'NO'",
	"TABLE_CONSTRAINTS t JOIN information_schema.CHECK_CONSTRAINTS c"
	" ON c.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND c.CONSTRAINT_NAME = t.CONSTRAINT_NAME",
	" AND t.CONSTRAINT_TYPE = 'CHECK'",
	add_check,
};

static const struct mysql_question triggers_question = {
	"t.EVENT_OBJECT_SCHEMA",
	"t.EVENT_OBJECT_TABLE",
	"t.TRIGGER_NAME, CONCAT(t.ACTION_TIMING, ' ', t.EVENT_MANIPULATION,"
	" ' FOR EACH ROW ', t.ACTION_STATEMENT), t.ACTION_ORDER",
	"TRIGGERS t",
	"",
	add_trigger,
};

static const struct mysql_question partitions_question = {
	"p.TABLE_SCHEMA",
	"p.TABLE_NAME",
	"p.PARTITION_NAME, p.PARTITION_METHOD, p.PARTITION_EXPRESSION, p.PARTITION_DESCRIPTION",
	"PARTITIONS p",
	" AND p.PARTITION_NAME IS NOT NULL ORDER BY 1, p.PARTITION_ORDINAL_POSITION",
	add_partition,
};

int mysql_read_columns(struct mysql_read *r, struct err *e)
{
	const struct mysql_question indexes = indexes_question(of_session(r));

	return mysql_ask(r, &columns_question, e) != 0 || mysql_ask(r, &indexes, e) != 0 ? -1 : 0;
}

int mysql_read_facts(struct mysql_read *r, struct err *e)
{
	const struct mysql_db *s = of_session(r);
	const struct mysql_question *checks = NULL;

	if (s->is_mariadb && s->version >= 100222)
		checks = &mariadb_checks_question;
	else if (!s->is_mariadb && s->version >= 80016)
		checks = &mysql_checks_question;
	if (mysql_ask(r, &foreign_keys_question, e) != 0 ||
	    (checks && mysql_ask(r, checks, e) != 0) || mysql_ask(r, &triggers_question, e) != 0)
		return -1;
	return mysql_ask(r, &partitions_question, e);
}
