/*
 * arsenal_schema_loss: keys, constraints, indexes, views and lists of values, which are lost whole
 * or in part, and what may turn up though nobody listed it.
 *
 * What stands in several places of a catalog is lost in all of them: a constraint takes the index
 * along that the engine made for it.
 */
#include <string.h>
#include <strings.h>

#include "audits/arsenal/schema.h"
#include "audits/schema_compare.h"
#include "runner/base/arena.h"
#include "runner/base/str.h"

/* ---- keys ---- */

static void remove_constraint(struct db_table *t, size_t i)
{
	memmove(&t->constraints[i], &t->constraints[i + 1],
		(t->n_constraints - i - 1) * sizeof(*t->constraints));
	t->n_constraints--;
}

/* The unique indexes of a set: those made for it go, those made by hand remain as plain ones. */
static void open_indexes(enum db_engine engine, struct db_table *t, const char *const *columns,
			 size_t n_columns)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_indexes; i++) {
		struct db_index *x = &t->indexes[i];
		bool is_it = x->is_unique && !x->where &&
			     schema_same_set(engine, x->columns, x->n_columns, columns, n_columns);

		if (is_it && x->is_automatic)
			continue;
		if (is_it)
			x->is_unique = false;
		t->indexes[n++] = *x;
	}
	t->n_indexes = n;
}

bool schema_lose_primary_key(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_table *t = s->table;
	size_t n;
	const char **key = schema_primary_key(s->arena, t, &n);

	(void)f;
	if (n == 0)
		return false;
	for (size_t i = 0; i < t->n_columns; i++)
		t->columns[i].key = 0;
	for (size_t i = t->n_constraints; i-- > 0;)
		if (t->constraints[i].type == DB_PRIMARY_KEY)
			remove_constraint(t, i);
	open_indexes(s->catalog->engine, t, key, n);
	s->words = arena_printf(s->arena, "the primary key of %s is gone", t->name);
	return true;
}

static void reverse_columns(struct arena *a, struct db_constraint *k)
{
	const char **columns = arena_array(a, k->n_columns, sizeof(*columns));

	for (size_t i = 0; i < k->n_columns; i++)
		columns[i] = k->columns[k->n_columns - 1 - i];
	k->columns = columns;
}

bool schema_reorder_primary_key(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_table *t = s->table;
	size_t n;

	(void)f;
	(void)schema_primary_key(s->arena, t, &n);
	if (n < 2)
		return false;
	for (size_t i = 0; i < t->n_columns; i++)
		if (t->columns[i].key > 0)
			t->columns[i].key = (int64_t)n + 1 - t->columns[i].key;
	for (size_t i = 0; i < t->n_constraints; i++)
		if (t->constraints[i].type == DB_PRIMARY_KEY)
			reverse_columns(s->arena, &t->constraints[i]);
	s->words = arena_printf(s->arena, "the columns of the primary key of %s are reversed",
				t->name);
	return true;
}

/* The columns that the UNIQUE or the unique index at the spot keeps unique. */
static const char **unique_columns(const struct schema_spot *s, size_t *n)
{
	const struct db_constraint *k = s->item;
	const struct db_index *x = s->item;
	bool is_constraint = s->part == PART_CONSTRAINT;

	*n = is_constraint ? k->n_columns : x->n_columns;
	return is_constraint ? k->columns : x->columns;
}

/* Constraints are not always read: what made an index is then known by the index alone. */
static bool is_of_constraint(const struct schema_spot *s, const struct db_index *x)
{
	size_t n;
	const char **key = schema_primary_key(s->arena, s->table, &n);

	return x->is_automatic &&
	       (s->table->n_constraints > 0 ||
		schema_same_set(s->catalog->engine, x->columns, x->n_columns, key, n));
}

static bool is_unique(const struct schema_spot *s)
{
	const struct db_constraint *k = s->item;
	const struct db_index *x = s->item;

	if (s->part == PART_CONSTRAINT)
		return k->type == DB_UNIQUE;
	return x->is_unique && !is_of_constraint(s, x);
}

/* A constraint, or an index that stands in no constraint: each set of columns once. */
bool schema_lose_unique(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_table *t = s->table;
	enum db_engine engine = s->catalog->engine;
	size_t n, before = t->n_constraints;
	const char *what = schema_spot_what(s);
	struct db_index *x = s->item;

	(void)f;
	if (!is_unique(s))
		return false;
	const char **columns = unique_columns(s, &n);

	if (s->part == PART_INDEX && x->where) {
		x->is_unique = false;
		s->words = arena_printf(s->arena, "%s is not unique any more", what);
		return true;
	}
	for (size_t i = t->n_constraints; i-- > 0;)
		if (t->constraints[i].type == DB_UNIQUE &&
		    schema_same_set(engine, t->constraints[i].columns, t->constraints[i].n_columns,
				    columns, n))
			remove_constraint(t, i);
	if (s->part == PART_INDEX && t->n_constraints < before)
		return false;
	open_indexes(engine, t, columns, n);
	s->words = arena_printf(s->arena, "nothing keeps (%s) of %s unique",
				schema_list(s->arena, columns, n), t->name);
	return true;
}

/* ---- constraints ---- */

static bool lose_constraint(struct schema_spot *s, enum db_constraint_type type)
{
	const struct db_constraint *k = s->item;

	if (k->type != type)
		return false;
	schema_spot_remove(s);
	return true;
}

bool schema_lose_check(const struct schema_fact *f, struct schema_spot *s)
{
	(void)f;
	return lose_constraint(s, DB_CHECK);
}

bool schema_lose_exclusion(const struct schema_fact *f, struct schema_spot *s)
{
	(void)f;
	return lose_constraint(s, DB_EXCLUDE);
}

/* "price > 0" as "price > 0 OR 1 = 1". */
bool schema_other_condition(const struct schema_fact *f, struct schema_spot *s)
{
	const struct db_constraint *k = s->item;

	return k->type == DB_CHECK && schema_append_text(f, s);
}

/* The name of a primary key is not to be chosen on MySQL. */
bool schema_other_name(const struct schema_fact *f, struct schema_spot *s)
{
	const struct db_constraint *k = s->item;
	const struct db_index *x = s->item;

	if (s->part == PART_CONSTRAINT &&
	    (k->type == DB_UNIQUE || (k->type == DB_PRIMARY_KEY && s->catalog->engine == DB_MYSQL)))
		return false;
	if (s->part == PART_INDEX && x->is_automatic)
		return false;
	return schema_append_text(f, s);
}

static bool is_of(const struct schema_spot *s, enum db_constraint_type type)
{
	return ((const struct db_constraint *)s->item)->type == type;
}

bool schema_unvalidate(const struct schema_fact *f, struct schema_spot *s)
{
	return is_of(s, DB_CHECK) && schema_set(f, s);
}

bool schema_disinherit(const struct schema_fact *f, struct schema_spot *s)
{
	return is_of(s, DB_CHECK) && schema_flip(f, s);
}

bool schema_defer(const struct schema_fact *f, struct schema_spot *s)
{
	return !is_of(s, DB_CHECK) && schema_flip(f, s);
}

/* A column of the table by another name; NULL = it has none. */
static const char *other_column(const struct schema_spot *s, const char *name)
{
	for (size_t i = 0; i < s->table->n_columns; i++)
		if (!db_same_name(s->catalog->engine, s->table->columns[i].name, name))
			return s->table->columns[i].name;
	return NULL;
}

/* The list with another one in front. */
static const char **with_first(struct schema_spot *s, const char *const *names, size_t n,
			       const char *first)
{
	const char **list = arena_array(s->arena, n, sizeof(*list));

	memcpy(list, names, n * sizeof(*list));
	list[0] = first;
	s->was = schema_list(s->arena, names, n);
	s->is = schema_list(s->arena, list, n);
	return list;
}

bool schema_other_columns(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_foreign_key *k = s->item;
	const char *other = other_column(s, k->columns[0]);

	(void)f;
	if (!other)
		return false;
	k->columns = with_first(s, k->columns, k->n_columns, other);
	return true;
}

bool schema_other_targets(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_foreign_key *k = s->item;

	(void)f;
	k->targets =
		with_first(s, k->targets, k->n_columns,
			   arena_printf(s->arena, "%s_old", k->targets[0] ? k->targets[0] : "id"));
	return true;
}

bool schema_fewer_unique(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_constraint *k = s->item;

	(void)f;
	if (k->type != DB_UNIQUE || k->n_columns < 2)
		return false;
	s->was = schema_list(s->arena, k->columns, k->n_columns);
	k->n_columns--;
	s->is = schema_list(s->arena, k->columns, k->n_columns);
	return true;
}

/* Of several columns of a key, the last column; of one, another column of the table. */
bool schema_fewer_columns(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_index *x = s->item;
	const char **columns;

	(void)f;
	if (x->is_automatic || x->n_columns == 0)
		return false;
	s->was = schema_list(s->arena, x->columns, x->n_columns);
	if (x->n_columns > 1) {
		x->n_columns--;
	} else {
		const char *other = other_column(s, x->columns[0]);

		if (!other)
			return false;
		columns = arena_array(s->arena, 1, sizeof(*columns));
		columns[0] = other;
		x->columns = columns;
		x->options = NULL;
	}
	s->is = schema_list(s->arena, x->columns, x->n_columns);
	return true;
}

/* Those of a key's columns: DESC, a collation, a prefix. */
bool schema_lose_options(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_constraint *k = s->item;
	struct db_index *x = s->item;
	bool is_index = s->part == PART_INDEX, has = false;
	const char **options = is_index ? x->options : k->options;
	size_t n = is_index ? x->n_columns : k->n_columns;

	for (size_t i = 0; options && i < n; i++)
		has = has || options[i];
	if (!has || (is_index && x->is_automatic))
		return false;
	if (is_index)
		x->options = NULL;
	else
		k->options = NULL;
	s->words = arena_printf(s->arena, "%s has no %s", schema_spot_what(s), f->label);
	return true;
}

bool schema_lose_include(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_index *x = s->item;

	(void)f;
	if (x->n_include == 0)
		return false;
	s->was = schema_list(s->arena, x->include, x->n_include);
	s->is = "nothing";
	x->n_include = 0;
	return true;
}

bool schema_lose_index(const struct schema_fact *f, struct schema_spot *s)
{
	const struct db_index *x = s->item;

	(void)f;
	if (x->is_automatic)
		return false;
	schema_spot_remove(s);
	return true;
}

/* An index that a constraint made stands and falls with it. */
bool schema_invalidate(const struct schema_fact *f, struct schema_spot *s)
{
	return !((const struct db_index *)s->item)->is_automatic && schema_set(f, s);
}

bool schema_other_method(const struct schema_fact *f, struct schema_spot *s)
{
	return !((const struct db_index *)s->item)->is_automatic && schema_other_text(f, s);
}

bool schema_other_place(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_trigger *t = s->item;

	(void)f;
	if (t->place == 0)
		return false;
	t->place++;
	s->words = arena_printf(s->arena, "%s fires one place later", schema_spot_what(s));
	return true;
}

/* ---- views, values ---- */

bool schema_depopulate(const struct schema_fact *f, struct schema_spot *s)
{
	return s->table->is_materialized && schema_set(f, s);
}

bool schema_break_view(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_table *t = s->table;

	(void)f;
	t->error = "a table that it reads is gone";
	t->n_columns = t->n_constraints = t->n_indexes = t->n_foreign_keys = 0;
	s->words = arena_printf(s->arena, "%s does not resolve any more", schema_spot_what(s));
	return true;
}

static bool put_values(struct schema_spot *s, const char **values, size_t n)
{
	struct db_enum *x = s->item;

	s->was = schema_list(s->arena, x->values, x->n_values);
	s->is = schema_list(s->arena, values, n);
	x->values = values;
	x->n_values = n;
	return true;
}

bool schema_fewer_values(const struct schema_fact *f, struct schema_spot *s)
{
	const struct db_enum *x = s->item;

	(void)f;
	return x->n_values > 1 && put_values(s, x->values, x->n_values - 1);
}

bool schema_reverse_values(const struct schema_fact *f, struct schema_spot *s)
{
	const struct db_enum *x = s->item;
	const char **values = arena_array(s->arena, x->n_values, sizeof(*values));

	(void)f;
	for (size_t i = 0; i < x->n_values; i++)
		values[i] = x->values[x->n_values - 1 - i];
	return x->n_values > 1 && put_values(s, values, x->n_values);
}

/* ---- what nobody listed ---- */

static bool say_added(const struct schema_fact *f, struct schema_spot *s)
{
	s->words = s->table ? arena_printf(s->arena, "there is a %s more in %s", f->label,
					   s->table->name)
			    : arena_printf(s->arena, "there is a %s more", f->label);
	return true;
}

static struct db_table *add_table(struct schema_spot *s, const char *name, bool is_view)
{
	struct db_table *t = schema_spot_add(s, PART_TABLE);

	t->name = name;
	t->is_view = is_view;
	t->storage = s->catalog->engine == DB_MYSQL && !is_view ? "InnoDB" : NULL;
	t->n_columns = 1;
	t->columns = arena_array(s->arena, 1, sizeof(*t->columns));
	t->columns[0] = (struct db_column){.name = "id", .type = "integer", .is_nullable = true};
	t->definition = is_view ? "SELECT 1 AS id" : NULL;
	return t;
}

bool schema_add_table(const struct schema_fact *f, struct schema_spot *s)
{
	(void)add_table(s, SCHEMA_ADDED_NAME, false); /* whole as it is */
	return say_added(f, s);
}

bool schema_add_view(const struct schema_fact *f, struct schema_spot *s)
{
	(void)add_table(s, SCHEMA_ADDED_NAME, true); /* whole as it is */
	return say_added(f, s);
}

/* A table of the name, or one that the pattern matches. */
bool schema_return_table(const struct schema_fact *f, struct schema_spot *s)
{
	char *name = arena_strdup(s->arena, s->item);
	const char *schema = NULL, *bare;
	struct db_table *t;

	(void)f;
	for (char *c = name; *c; c++)
		if (*c == '*' || *c == '?')
			*c = 'x';
	bare = db_split_table(s->catalog->engine, s->arena, name, &schema);
	t = add_table(s, schema ? arena_printf(s->arena, "%s.%s", schema, bare) : bare, false);
	t->schema = schema;
	s->words = arena_printf(s->arena, "there is a table %s", t->name);
	return true;
}

bool schema_add_column(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_column *c = schema_spot_add(s, PART_COLUMN);

	*c = (struct db_column){.name = SCHEMA_ADDED_NAME, .type = "integer", .is_nullable = true};
	return say_added(f, s);
}

static const char **first_column(struct schema_spot *s)
{
	const char **columns = arena_array(s->arena, 1, sizeof(*columns));

	columns[0] = s->table->columns[0].name;
	return columns;
}

bool schema_add_index(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_index *x;

	if (s->table->n_columns == 0)
		return false;
	x = schema_spot_add(s, PART_INDEX);
	x->name = SCHEMA_ADDED_NAME;
	x->columns = first_column(s);
	x->n_columns = 1;
	return say_added(f, s);
}

bool schema_add_check(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_constraint *k = schema_spot_add(s, PART_CONSTRAINT);

	k->type = DB_CHECK;
	k->name = SCHEMA_ADDED_NAME;
	k->expression = "1 = 1";
	return say_added(f, s);
}

bool schema_add_foreign_key(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_foreign_key *k;

	if (s->table->n_columns == 0)
		return false;
	k = schema_spot_add(s, PART_FOREIGN_KEY);
	k->name = SCHEMA_ADDED_NAME;
	k->columns = k->targets = first_column(s);
	k->n_columns = 1;
	k->table = s->table->name;
	k->schema = s->table->schema;
	k->on_update = k->on_delete = "NO ACTION";
	return say_added(f, s);
}

bool schema_add_trigger(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_trigger *t;
	size_t n = 0;

	for (size_t i = 0; i < s->catalog->n_tables; i++)
		n += s->catalog->tables[i].n_triggers;
	t = schema_spot_add(s, PART_TRIGGER);

	t->name = SCHEMA_ADDED_NAME;
	t->definition = "AFTER INSERT";
	if (s->catalog->engine == DB_MYSQL && n == 0)
		s->unseen = "a role that is shown no trigger would not be shown this one";
	return say_added(f, s);
}

bool schema_add_sequence(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_sequence *q = schema_spot_add(s, PART_SEQUENCE);

	*q = (struct db_sequence){.name = SCHEMA_ADDED_NAME,
				  .type = "bigint",
				  .start = "1",
				  .increment = "1",
				  .minimum = "1",
				  .maximum = "9223372036854775807"};
	return say_added(f, s);
}

bool schema_add_extension(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_extension *x = schema_spot_add(s, PART_EXTENSION);

	x->name = SCHEMA_ADDED_NAME;
	x->version = "1.0";
	return say_added(f, s);
}

bool schema_add_enum(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_enum *x = schema_spot_add(s, PART_ENUM);

	x->name = SCHEMA_ADDED_NAME;
	x->n_values = 1;
	x->values = arena_array(s->arena, 1, sizeof(*x->values));
	x->values[0] = "new";
	return say_added(f, s);
}
