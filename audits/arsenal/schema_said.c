/*
 * arsenal_schema_said: does a definition say the fact at a place? Only then its damage has to be
 * noticed by a check without a snapshot.
 *
 * It is read off what is written, by the manual's words for each key, and not off what the
 * comparison does: a fact that is written and not compared is what a challenge is to find.
 */
#include <string.h>
#include <strings.h>

#include "audits/arsenal/schema.h"
#include "audits/schema_compare.h"
#include "audits/schema_expression.h"
#include "runner/base/arena.h"
#include "runner/base/str.h"

static enum db_engine engine_of(const struct schema_said *k)
{
	return k->catalog->engine;
}

static bool is_same(const struct schema_said *k, const char *a, const char *b)
{
	return a && b && db_same_name(engine_of(k), a, b);
}

static const void *find(const struct schema_said *k, const struct groups *in, const char *name)
{
	for (size_t i = 0; i < in->n; i++)
		if (is_same(k, in->items[i].name, name))
			return in->items[i].value;
	return NULL;
}

/* ---- a table ---- */

/* Of a pattern only that something matches. */
bool schema_says_table(const struct schema_said *k, const struct schema_spot *s)
{
	size_t n = 0;

	(void)s;
	for (size_t i = 0; i < k->catalog->n_tables; i++)
		n += !k->catalog->tables[i].is_view &&
		     schema_matches(k->catalog, &k->catalog->tables[i], k->name);
	return !schema_is_glob(k->name) || n == 1;
}

#define SAYS(function_, condition_)                                                                \
	bool function_(const struct schema_said *k, const struct schema_spot *s)                   \
	{                                                                                          \
		(void)s;                                                                           \
		return (condition_);                                                               \
	}

SAYS(schema_says_storage, k->table && k->table->storage)
SAYS(schema_says_charset, k->table && k->table->charset)
SAYS(schema_says_collation, k->table && k->table->collation)
SAYS(schema_says_comment, k->table && k->table->comment)
SAYS(schema_says_parent, k->table && k->table->parent)
SAYS(schema_says_partitioning, k->table && k->table->partition_by)
SAYS(schema_says_row_security, k->table && k->table->says_row_security)

/* ---- columns ---- */

static const struct schema_column *column_of(const struct schema_said *k, const char *name)
{
	return k->table ? find(k, &k->table->columns, name) : NULL;
}

static const struct schema_column *column_at(const struct schema_said *k,
					     const struct schema_spot *s)
{
	return column_of(k, ((const struct db_column *)s->item)->name);
}

#define COLUMN_SAYS(function_, condition_)                                                         \
	bool function_(const struct schema_said *k, const struct schema_spot *s)                   \
	{                                                                                          \
		const struct schema_column *c = column_at(k, s);                                   \
                                                                                                   \
		return c && (condition_);                                                          \
	}

COLUMN_SAYS(schema_says_column, true)
COLUMN_SAYS(schema_says_type, c->type || c->declared)
COLUMN_SAYS(schema_says_null, c->has_nullable || c->is_exact)
COLUMN_SAYS(schema_says_default, c->def || c->is_exact)
COLUMN_SAYS(schema_says_generated,
	    (c->has_generated && c->generated != SCHEMA_GENERATED_NO) || c->expression)
COLUMN_SAYS(schema_says_expression, c->expression)
COLUMN_SAYS(schema_says_column_collation, c->collation || c->is_exact)
COLUMN_SAYS(schema_says_column_comment, c->comment)

/* An identity is one, always or not. */
COLUMN_SAYS(schema_says_mode, c->has_generated && c->generated != SCHEMA_GENERATED_NO &&
				      c->generated != SCHEMA_GENERATED_IDENTITY)

/* integer takes every integer, and varchar every length. */
bool schema_says_width(const struct schema_said *k, const struct schema_spot *s)
{
	static const char *const sorts[] = {"integer", "text", "real", "blob", "numeric"};
	const struct schema_column *c = column_at(k, s);

	if (!c || !c->type)
		return c && c->declared;
	for (size_t i = 0; i < sizeof(sorts) / sizeof(*sorts); i++)
		if (strcasecmp(c->type, sorts[i]) == 0)
			return c->declared != NULL;
	return c->declared || strchr(c->type, '(') || !(s->is && strchr(s->is, '('));
}

/* ---- keys ---- */

bool schema_says_primary_key(const struct schema_said *k, const struct schema_spot *s)
{
	if (!k->table)
		return false;
	if (k->table->primary_key.n > 0 || k->table->primary_key_name)
		return true;
	for (size_t i = 0; i < s->table->n_columns; i++) {
		const struct schema_column *c = column_of(k, s->table->columns[i].name);

		if (c && c->has_key && c->key == SCHEMA_KEY_PRIMARY)
			return true;
	}
	return false;
}

SAYS(schema_says_key_order, k->table && k->table->primary_key.n > 1)

/* Both with the index group's own claim, and that of a set of columns nothing else keeps unique. */
static bool says_set(const struct schema_said *k, const char *const *columns, size_t n)
{
	const struct schema_column *c = n == 1 ? column_of(k, columns[0]) : NULL;

	if (c && ((c->has_key && c->key == SCHEMA_KEY_UNIQUE) || (c->has_unique && c->is_unique)))
		return true;
	for (size_t i = 0; i < k->table->unique.n; i++) {
		struct texts names = schema_names(k->arena, k->table->unique.items[i]);
		size_t found = 0;

		for (size_t a = 0; a < names.n; a++)
			for (size_t b = 0; b < n; b++)
				found += is_same(k, names.items[a], columns[b]);
		if (found == n && names.n == n)
			return true;
	}
	return false;
}

static bool is_primary_set(const struct schema_said *k, const struct db_table *t,
			   const char *const *columns, size_t n)
{
	size_t n_key = 0, n_found = 0;

	for (size_t i = 0; i < t->n_columns; i++) {
		if (t->columns[i].key == 0)
			continue;
		n_key++;
		for (size_t b = 0; b < n; b++)
			n_found += is_same(k, t->columns[i].name, columns[b]);
	}
	return n_key == n && n_found == n;
}

/* ---- indexes ---- */

static bool is_column_of(const struct schema_said *k, const char *wanted, const char *column)
{
	size_t n = strlen(column);

	return is_same(k, wanted, column) || schema_expression_is(k->arena, wanted, column) ||
	       (strncasecmp(wanted, column, n) == 0 && wanted[n] == ' ');
}

static bool has_columns(const struct schema_said *k, const struct schema_index *w,
			const struct db_index *x)
{
	if (w->columns.n != x->n_columns)
		return false;
	for (size_t i = 0; i < x->n_columns; i++)
		if (!is_column_of(k, w->columns.items[i], x->columns[i]))
			return false;
	return true;
}

/* What is said of the index; under any name only where one alone has its columns. */
static const struct schema_index *index_at(const struct schema_said *k, const struct schema_spot *s)
{
	const struct db_index *x = s->item;

	for (size_t i = 0; k->table && i < k->table->indexes.n; i++) {
		const struct schema_index *w = k->table->indexes.items[i].value;
		size_t n = 0;

		for (size_t j = 0; w->is_any_name && j < s->table->n_indexes; j++)
			n += has_columns(k, w, &s->table->indexes[j]);
		if (w->is_any_name ? n == 1 && has_columns(k, w, x)
				   : is_same(k, k->table->indexes.items[i].name, x->name))
			return w;
	}
	return NULL;
}

#define INDEX_SAYS(function_, condition_)                                                          \
	bool function_(const struct schema_said *k, const struct schema_spot *s)                   \
	{                                                                                          \
		const struct schema_index *w = index_at(k, s);                                     \
                                                                                                   \
		return w && (condition_);                                                          \
	}

INDEX_SAYS(schema_says_index, true)
INDEX_SAYS(schema_says_index_columns, w->columns.n > 0)
INDEX_SAYS(schema_says_include, w->include.n > 0)
INDEX_SAYS(schema_says_where, w->where)
INDEX_SAYS(schema_says_method, w->method)
INDEX_SAYS(schema_says_index_valid, w->is_valid)

/* "created DESC" says it, "created" does not. */
bool schema_says_index_options(const struct schema_said *k, const struct schema_spot *s)
{
	const struct schema_index *w = index_at(k, s);
	const struct db_index *x = s->item;

	for (size_t i = 0; w && i < w->columns.n && i < x->n_columns; i++)
		if (x->options && x->options[i] &&
		    strlen(w->columns.items[i]) > strlen(x->columns[i]) && x->columns[i][0] != '(')
			return true;
	return false;
}

bool schema_says_unique(const struct schema_said *k, const struct schema_spot *s)
{
	const struct db_constraint *u = s->item;
	const struct db_index *x = s->item;
	bool is_index = s->part == PART_INDEX;
	const struct schema_index *w = is_index ? index_at(k, s) : NULL;
	const char **columns = is_index ? x->columns : u->columns;
	size_t n = is_index ? x->n_columns : u->n_columns;

	if (!k->table)
		return false;
	if (w && w->has_unique && w->is_unique)
		return true;
	if (!is_index && u->name && find(k, &k->table->indexes, u->name)) /* it goes with it */
		return true;
	if ((is_index && x->where) || is_primary_set(k, s->table, columns, n))
		return false;
	return says_set(k, columns, n);
}

/* ---- CHECK ---- */

/* By name, or by a condition that only one has. */
static const struct schema_check_constraint *
check_at(const struct schema_said *k, const struct schema_spot *s, bool *by_condition)
{
	const struct db_constraint *c = s->item;

	*by_condition = false;
	for (size_t i = 0; k->table && c->type == DB_CHECK && i < k->table->checks.n; i++) {
		const struct group *g = &k->table->checks.items[i];
		size_t n = 0;

		if (is_same(k, g->name, c->name))
			return g->value;
		if (str_is_name(g->name) || !schema_expression_is(k->arena, g->name, c->expression))
			continue;
		for (size_t j = 0; j < s->table->n_constraints; j++)
			n += s->table->constraints[j].type == DB_CHECK &&
			     schema_expression_is(k->arena, g->name,
						  s->table->constraints[j].expression);
		*by_condition = true;
		return n == 1 ? g->value : NULL;
	}
	return NULL;
}

bool schema_says_check(const struct schema_said *k, const struct schema_spot *s)
{
	bool by_condition;

	return check_at(k, s, &by_condition) != NULL;
}

bool schema_says_condition(const struct schema_said *k, const struct schema_spot *s)
{
	bool by_condition;
	const struct schema_check_constraint *w = check_at(k, s, &by_condition);

	return w && (by_condition || w->condition);
}

bool schema_says_check_valid(const struct schema_said *k, const struct schema_spot *s)
{
	bool by_condition;
	const struct schema_check_constraint *w = check_at(k, s, &by_condition);

	return w && w->is_valid;
}

/* ---- foreign keys ---- */

static bool is_key(const struct schema_said *k, const struct schema_foreign_key *w,
		   const struct db_foreign_key *key)
{
	const char *table = "", **columns = NULL;
	size_t n = 0;

	return schema_reference(k->arena, w->references, &table, &columns, &n) &&
	       schema_refers_to(engine_of(k), key, table) &&
	       schema_same_columns(engine_of(k), w->columns.items, w->columns.n, key->columns,
				   key->n_columns);
}

static const struct schema_foreign_key *key_at(const struct schema_said *k,
					       const struct schema_spot *s)
{
	for (size_t i = 0; k->table && i < k->table->foreign_keys.n; i++) {
		const struct schema_foreign_key *w = k->table->foreign_keys.items[i].value;
		size_t n = 0;

		for (size_t j = 0; j < s->table->n_foreign_keys; j++)
			n += is_key(k, w, &s->table->foreign_keys[j]);
		if (n == 1 && is_key(k, w, s->item))
			return w;
	}
	return NULL;
}

/* In the list, or by the column that refers, which no second key has. */
bool schema_says_foreign_key(const struct schema_said *k, const struct schema_spot *s)
{
	const struct db_foreign_key *key = s->item;
	const struct schema_column *c;
	size_t n = 0;

	if (key_at(k, s))
		return true;
	c = key->n_columns == 1 ? column_of(k, key->columns[0]) : NULL;
	for (size_t j = 0; j < s->table->n_foreign_keys; j++)
		n += s->table->foreign_keys[j].n_columns == 1 &&
		     is_same(k, s->table->foreign_keys[j].columns[0], key->columns[0]);
	return c && c->references && n == 1;
}

/* "owners(id)" says it, "owners" does not. */
bool schema_says_targets(const struct schema_said *k, const struct schema_spot *s)
{
	const struct schema_foreign_key *w = key_at(k, s);
	const struct db_foreign_key *key = s->item;
	const struct schema_column *c = key->n_columns == 1 ? column_of(k, key->columns[0]) : NULL;

	if (w)
		return strchr(w->references, '(') != NULL;
	return c && c->references && strchr(c->references, '(') && schema_says_foreign_key(k, s);
}

#define KEY_SAYS(function_, condition_)                                                            \
	bool function_(const struct schema_said *k, const struct schema_spot *s)                   \
	{                                                                                          \
		const struct schema_foreign_key *w = key_at(k, s);                                 \
                                                                                                   \
		return w && (condition_);                                                          \
	}

KEY_SAYS(schema_says_on_delete, w->on_delete)
KEY_SAYS(schema_says_on_update, w->on_update)
KEY_SAYS(schema_says_deferrable, w->has_deferrable)
KEY_SAYS(schema_says_key_valid, w->is_valid)

/* The name of a constraint, an index or a foreign key. */
bool schema_says_name(const struct schema_said *k, const struct schema_spot *s)
{
	const struct db_constraint *c = s->item;
	const struct schema_foreign_key *key;
	const struct schema_index *x;

	if (!k->table)
		return false;
	if (s->part == PART_INDEX) {
		x = index_at(k, s);
		return x && !x->is_any_name;
	}
	if (s->part == PART_FOREIGN_KEY) {
		key = key_at(k, s);
		return key && key->name;
	}
	return (c->type == DB_PRIMARY_KEY && k->table->primary_key_name) ||
	       (c->type == DB_CHECK && find(k, &k->table->checks, c->name));
}
