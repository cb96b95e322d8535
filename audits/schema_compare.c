/* schema_compare: keys, constraints, indexes and the rest of a table against a definition. */
#include "audits/schema_compare.h"

#include <string.h>
#include <strings.h>

#include "audits/schema_expression.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"

/* ---- primary key, unique ---- */

static void compare_primary_key(struct differences *d, const struct schema_table *expected,
				const struct db_table *t)
{
	const struct texts *wanted = &expected->primary_key;
	const char *name = NULL;
	size_t n;
	const char **key = schema_primary_key(d->arena, t, &n);

	if (wanted->n > 0)
		differences_expect(d,
				   schema_same_columns(d->engine, wanted->items, wanted->n, key, n),
				   SCHEMA_RULES, "table %s: primary key is %s, expected %s",
				   t->name, schema_list(d->arena, key, n),
				   schema_list(d->arena, wanted->items, wanted->n));
	if (!expected->primary_key_name)
		return;
	for (size_t i = 0; i < t->n_constraints; i++)
		if (t->constraints[i].type == DB_PRIMARY_KEY)
			name = t->constraints[i].name;
	differences_expect(d, name && db_same_name(d->engine, name, expected->primary_key_name),
			   SCHEMA_CHANGED, "table %s: the primary key is named %s, expected %s",
			   t->name, name ? name : "nothing", expected->primary_key_name);
}

static bool is_listed_unique(struct differences *d, const struct schema_table *expected,
			     const struct db_constraint *c)
{
	for (size_t i = 0; i < expected->unique.n; i++) {
		struct texts names = schema_names(d->arena, expected->unique.items[i]);
		struct db_index x = {
			.is_unique = true, .columns = names.items, .n_columns = names.n};
		struct db_table t = {.indexes = &x, .n_indexes = 1};

		if (schema_is_unique(d->arena, d->engine, &t, c->columns, c->n_columns))
			return true;
	}
	return false;
}

static void compare_unique(struct differences *d, const struct schema_table *expected,
			   const struct db_table *t)
{
	for (size_t i = 0; i < expected->unique.n; i++) {
		struct texts names = schema_names(d->arena, expected->unique.items[i]);

		differences_expect(d,
				   schema_is_unique(d->arena, d->engine, t, names.items, names.n),
				   SCHEMA_RULES, "table %s: nothing keeps (%s) unique", t->name,
				   schema_list(d->arena, names.items, names.n));
	}
	if (!expected->is_exact || expected->unique.n == 0)
		return;
	for (size_t i = 0; i < t->n_constraints; i++) {
		const struct db_constraint *c = &t->constraints[i];

		if (c->type == DB_UNIQUE)
			differences_expect(d, is_listed_unique(d, expected, c), SCHEMA_RULES,
					   "table %s: unexpected unique (%s)", t->name,
					   schema_list(d->arena, c->columns, c->n_columns));
	}
}

/* ---- CHECK ---- */

/* By name; a text that is no name is a condition, under whatever name. */
static const struct db_constraint *find_check(struct differences *d, const struct db_table *t,
					      const struct group *wanted)
{
	for (size_t i = 0; i < t->n_constraints; i++) {
		const struct db_constraint *c = &t->constraints[i];

		if (c->type != DB_CHECK)
			continue;
		if (c->name && db_same_name(d->engine, c->name, wanted->name))
			return c;
		if (!str_is_name(wanted->name) &&
		    schema_expression_is(d->arena, wanted->name, c->expression))
			return c;
	}
	return NULL;
}

static void compare_checks(struct differences *d, const struct schema_table *expected,
			   const struct db_table *t)
{
	bool *is_used = arena_array(d->arena, t->n_constraints, sizeof(*is_used));

	for (size_t i = 0; i < expected->checks.n; i++) {
		const struct group *g = &expected->checks.items[i];
		const struct schema_check_constraint *w = g->value;
		const struct db_constraint *c = find_check(d, t, g);

		differences_expect(d, c != NULL, SCHEMA_RULES, "check %s is missing from table %s",
				   g->name, t->name);
		if (!c)
			continue;
		is_used[c - t->constraints] = true;
		if (w->condition)
			differences_expect(
				d, schema_expression_is(d->arena, w->condition, c->expression),
				SCHEMA_RULES, "check %s of table %s: condition is %s, expected %s",
				g->name, t->name, c->expression, w->condition);
		if (w->is_valid)
			differences_expect(d, !c->is_unvalidated, SCHEMA_RULES,
					   "check %s of table %s: rows that exist may break it",
					   g->name, t->name);
	}
	if (!expected->is_exact || expected->checks.n == 0)
		return;
	for (size_t i = 0; i < t->n_constraints; i++)
		if (t->constraints[i].type == DB_CHECK)
			differences_expect(d, is_used[i], SCHEMA_EXTRA,
					   "unexpected check %s of table %s",
					   t->constraints[i].name ? t->constraints[i].name
								  : t->constraints[i].expression,
					   t->name);
}

/* ---- indexes ---- */

/* A name, an expression, or either with DESC and the like behind it. */
static bool is_index_column(struct differences *d, const char *wanted, const struct db_index *x,
			    size_t i)
{
	const char *column = x->columns[i];
	const char *option = x->options ? x->options[i] : NULL;

	if (db_same_name(d->engine, wanted, column) ||
	    (*column == '(' && schema_expression_is(d->arena, wanted, column)))
		return true;
	return option && strcasecmp(wanted, arena_printf(d->arena, "%s %s", column, option)) == 0;
}

static bool has_columns(struct differences *d, const struct texts *wanted, const struct db_index *x)
{
	if (wanted->n != x->n_columns)
		return false;
	for (size_t i = 0; i < wanted->n; i++)
		if (!is_index_column(d, wanted->items[i], x, i))
			return false;
	return true;
}

static bool has_condition(struct differences *d, const char *wanted, const struct db_index *x)
{
	return *wanted ? schema_expression_is(d->arena, wanted, x->where) : !x->where;
}

static bool is_index(struct differences *d, const struct group *g, const struct db_index *x)
{
	const struct schema_index *w = g->value;

	if (!w->is_any_name)
		return db_same_name(d->engine, x->name, g->name);
	return has_columns(d, &w->columns, x) && (!w->has_unique || x->is_unique == w->is_unique) &&
	       (!w->where || has_condition(d, w->where, x));
}

static const char *index_columns(struct arena *a, const struct db_index *x)
{
	const char **names = arena_array(a, x->n_columns, sizeof(*names));

	for (size_t i = 0; i < x->n_columns; i++)
		names[i] = x->options && x->options[i]
				   ? arena_printf(a, "%s %s", x->columns[i], x->options[i])
				   : x->columns[i];
	return schema_list(a, names, x->n_columns);
}

static void compare_index(struct differences *d, const struct schema_index *w,
			  const struct db_index *x)
{
	const char *name = x->name, *method = x->method ? x->method : "btree";

	if (w->columns.n > 0)
		differences_expect(d, has_columns(d, &w->columns, x), SCHEMA_CHANGED,
				   "index %s: columns are %s, expected %s", name,
				   index_columns(d->arena, x),
				   schema_list(d->arena, w->columns.items, w->columns.n));
	if (w->has_unique)
		differences_expect(d, x->is_unique == w->is_unique, SCHEMA_RULES,
				   "index %s: is %sunique, expected %sunique", name,
				   x->is_unique ? "" : "not ", w->is_unique ? "" : "not ");
	if (w->where)
		differences_expect(d, has_condition(d, w->where, x), SCHEMA_CHANGED,
				   "index %s: condition is %s, expected %s", name,
				   x->where ? x->where : "none", *w->where ? w->where : "none");
	if (w->include.n > 0)
		differences_expect(d,
				   schema_same_columns(d->engine, w->include.items, w->include.n,
						       x->include, x->n_include),
				   SCHEMA_CHANGED, "index %s: includes %s, expected %s", name,
				   schema_list(d->arena, x->include, x->n_include),
				   schema_list(d->arena, w->include.items, w->include.n));
	if (w->method)
		differences_expect(d, strcasecmp(w->method, method) == 0, SCHEMA_CHANGED,
				   "index %s: method is %s, expected %s", name, method, w->method);
	if (w->is_valid)
		differences_expect(d, !x->is_invalid, SCHEMA_RULES,
				   "index %s: is not valid, queries do not use it", name);
}

static void compare_indexes(struct differences *d, const struct schema_table *expected,
			    const struct db_table *t)
{
	const struct groups *wanted = &expected->indexes;
	bool *is_used = arena_array(d->arena, t->n_indexes, sizeof(*is_used));

	for (size_t i = 0; i < wanted->n; i++) {
		const struct group *g = &wanted->items[i];
		const struct schema_index *w = g->value;
		size_t k = 0;

		while (k < t->n_indexes && !is_index(d, g, &t->indexes[k]))
			k++;
		if (w->is_any_name)
			differences_expect(d, k < t->n_indexes, SCHEMA_CHANGED,
					   "table %s: no %sindex on %s", t->name,
					   w->has_unique && w->is_unique ? "unique " : "",
					   schema_list(d->arena, w->columns.items, w->columns.n));
		else
			differences_expect(d, k < t->n_indexes, SCHEMA_CHANGED,
					   "index %s is missing from table %s", g->name, t->name);
		if (k == t->n_indexes)
			continue;
		is_used[k] = true;
		compare_index(d, w, &t->indexes[k]);
	}
	if (!expected->is_exact || wanted->n == 0)
		return;
	for (size_t i = 0; i < t->n_indexes; i++)
		if (!t->indexes[i].is_automatic)
			differences_expect(d, is_used[i], SCHEMA_EXTRA,
					   "unexpected index %s on table %s", t->indexes[i].name,
					   t->name);
}

/* ---- foreign keys ---- */

static bool is_foreign_key(struct differences *d, const struct schema_foreign_key *w,
			   const struct db_foreign_key *k)
{
	const char *table = "", **targets = NULL;
	size_t n = 0;

	(void)schema_reference(d->arena, w->references, &table, &targets, &n); /* it was checked */
	return schema_same_columns(d->engine, k->columns, k->n_columns, w->columns.items,
				   w->columns.n) &&
	       schema_refers_to(d->engine, k, table) &&
	       (n == 0 || schema_same_columns(d->engine, k->targets, k->n_columns, targets, n));
}

static void compare_action(struct differences *d, const char *what, const char *event,
			   const char *wanted, const char *found)
{
	if (wanted)
		differences_expect(d, found && schema_same_action(d->engine, wanted, found),
				   SCHEMA_RULES, "%s: on %s is %s, expected %s", what, event,
				   found ? found : "unknown", wanted);
}

static void compare_foreign_key(struct differences *d, const struct schema_foreign_key *w,
				const char *what, const struct db_foreign_key *k)
{
	const char *on_delete =
		k->set_columns ? arena_printf(d->arena, "%s (%s)", k->on_delete, k->set_columns)
			       : k->on_delete;

	if (w->name)
		differences_expect(d, k->name && db_same_name(d->engine, w->name, k->name),
				   SCHEMA_CHANGED, "%s: is named %s, expected %s", what,
				   k->name ? k->name : "nothing", w->name);
	compare_action(d, what, "delete", w->on_delete, on_delete);
	compare_action(d, what, "update", w->on_update, k->on_update);
	if (w->has_deferrable)
		differences_expect(d, k->is_deferrable == w->is_deferrable, SCHEMA_RULES,
				   "%s: is %sdeferrable, expected %sdeferrable", what,
				   k->is_deferrable ? "" : "not ", w->is_deferrable ? "" : "not ");
	if (w->is_valid)
		differences_expect(d, !k->is_unvalidated, SCHEMA_RULES,
				   "%s: rows that exist may break it", what);
	differences_expect(d, !k->is_disabled, SCHEMA_RULES, "%s: its triggers are disabled", what);
}

static void compare_foreign_keys(struct differences *d, const struct schema_table *expected,
				 const struct db_table *t)
{
	const struct groups *wanted = &expected->foreign_keys;
	bool *is_used = arena_array(d->arena, t->n_foreign_keys, sizeof(*is_used));

	for (size_t i = 0; i < wanted->n; i++) {
		const struct schema_foreign_key *w = wanted->items[i].value;
		const char *what = arena_printf(
			d->arena, "table %s: foreign key on %s to %s", t->name,
			schema_list(d->arena, w->columns.items, w->columns.n), w->references);
		const struct db_foreign_key *found = NULL;

		for (size_t k = 0; k < t->n_foreign_keys; k++) {
			if (!is_foreign_key(d, w, &t->foreign_keys[k]))
				continue;
			is_used[k] = true;
			found = &t->foreign_keys[k];
		}
		differences_expect(d, found != NULL, SCHEMA_RULES, "%s is missing", what);
		if (found)
			compare_foreign_key(d, w, what, found);
	}
	if (!expected->is_exact || wanted->n == 0)
		return;
	for (size_t k = 0; k < t->n_foreign_keys; k++)
		differences_expect(d, is_used[k], SCHEMA_EXTRA,
				   "table %s: unexpected foreign key on %s to %s", t->name,
				   schema_list(d->arena, t->foreign_keys[k].columns,
					       t->foreign_keys[k].n_columns),
				   t->foreign_keys[k].table);
}

void schema_compare_table(struct differences *d, const struct schema_table *expected,
			  const struct db_table *t)
{
	schema_compare_columns(d, expected, t);
	compare_primary_key(d, expected, t);
	compare_unique(d, expected, t);
	compare_checks(d, expected, t);
	compare_indexes(d, expected, t);
	compare_foreign_keys(d, expected, t);
	schema_compare_traits(d, expected, t);
}
