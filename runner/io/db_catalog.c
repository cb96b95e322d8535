/*
 * db_catalog: one call for everything, and the order of what it gives.
 *
 * The order is made here because no engine promises one, and a snapshot that moves by itself is
 * not worth reviewing. What has no name (constraints of SQLite) is told apart by what it says.
 */
#include "runner/io/db_catalog.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db_catalog_build.h"
#include "runner/io/db_driver.h"

void *db_array_grow(struct arena *a, void *items, size_t n, size_t size)
{
	bool is_full = n == 0 || (n >= 4 && (n & (n - 1)) == 0);

	if (!is_full)
		return items;
	void *grown = arena_array(a, n == 0 ? 4 : n * 2, size);

	if (n > 0)
		memcpy(grown, items, n * size);
	return grown;
}

const char *db_value_text(struct arena *a, const struct db_value *v)
{
	switch (v->type) {
	case DB_NULL:
		break;
	case DB_INT:
		return arena_printf(a, "%lld", (long long)v->integer);
	case DB_REAL:
		return arena_printf(a, "%.17g", v->real);
	case DB_TEXT:
	case DB_BLOB:
		return arena_strndup(a, v->text, v->len);
	}
	return NULL;
}

/* ---- order ---- */

static int order_text(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

static int order_texts(const char *const *a, size_t n_a, const char *const *b, size_t n_b)
{
	for (size_t i = 0; i < n_a && i < n_b; i++) {
		int order = order_text(a[i], b[i]);

		if (order != 0)
			return order;
	}
	return (n_a > n_b) - (n_a < n_b);
}

/* Structs that begin with their name. */
static int by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return order_text(*x, *y);
}

static int by_constraint(const void *a, const void *b)
{
	const struct db_constraint *x = a, *y = b;
	int order = (int)x->type - (int)y->type;

	if (order == 0)
		order = order_text(x->name, y->name);
	if (order == 0)
		order = order_texts(x->columns, x->n_columns, y->columns, y->n_columns);
	if (order == 0)
		order = order_text(x->expression, y->expression);
	return order != 0 ? order
			  : order_texts(x->options, x->options ? x->n_columns : 0, y->options,
					y->options ? y->n_columns : 0);
}

/* The names of automatic indexes are numbers in disguise where constraints have none. */
static int by_index(const void *a, const void *b)
{
	const struct db_index *x = a, *y = b;

	return order_text(x->name, y->name);
}

static int by_foreign_key(const void *a, const void *b)
{
	const struct db_foreign_key *x = a, *y = b;
	int order = order_text(x->name, y->name);

	if (order == 0)
		order = order_texts(x->columns, x->n_columns, y->columns, y->n_columns);
	if (order == 0)
		order = order_text(x->table, y->table);
	return order != 0 ? order : order_texts(x->targets, x->n_columns, y->targets, y->n_columns);
}

/* An array of nothing may be NULL, which qsort need not accept. */
static void sort(void *items, size_t n, size_t size, int (*order)(const void *, const void *))
{
	if (n > 1)
		qsort(items, n, size, order);
}

static void sort_table(struct db_table *t)
{
	sort(t->partitions, t->n_partitions, sizeof(*t->partitions), by_name);
	sort(t->constraints, t->n_constraints, sizeof(*t->constraints), by_constraint);
	sort(t->indexes, t->n_indexes, sizeof(*t->indexes), by_index);
	sort(t->foreign_keys, t->n_foreign_keys, sizeof(*t->foreign_keys), by_foreign_key);
	sort(t->triggers, t->n_triggers, sizeof(*t->triggers), by_name);
	sort(t->rules, t->n_rules, sizeof(*t->rules), by_name);
	sort(t->statistics, t->n_statistics, sizeof(*t->statistics), by_name);
	sort(t->policies, t->n_policies, sizeof(*t->policies), by_name);
}

void db_catalog_sort(struct db_catalog *c)
{
	for (size_t i = 0; i < c->n_tables; i++)
		sort_table(&c->tables[i]);
	sort(c->tables, c->n_tables, sizeof(*c->tables), by_name);
	sort(c->sequences, c->n_sequences, sizeof(*c->sequences), by_name);
	sort(c->extensions, c->n_extensions, sizeof(*c->extensions), by_name);
	sort(c->enums, c->n_enums, sizeof(*c->enums), by_name);
	sort(c->types, c->n_types, sizeof(*c->types), by_name);
}

/* ---- asking ---- */

/* For a driver that cannot do better: an object at a time. */
static int describe_all(struct db *db, struct arena *a, int64_t deadline_ms, struct db_catalog *c,
			struct err *e)
{
	struct db_object *objects;
	size_t n;

	if (db->driver->objects(db, a, deadline_ms, &objects, &n, e) != 0)
		return -1;
	c->tables = arena_array(a, n, sizeof(*c->tables));
	c->n_tables = n;
	for (size_t i = 0; i < n; i++) {
		struct db_table *t = &c->tables[i];
		struct err why = {0};

		if (db->driver->describe(db, a, objects[i].name, deadline_ms, t, &why) == 0)
			continue;
		/* A session that is gone says nothing about the object. */
		if (db->is_broken || !objects[i].is_view) {
			if (e)
				*e = why;
			return -1;
		}
		*t = (struct db_table){.name = objects[i].name, .is_view = true};
		t->error = arena_strdup(a, why.message);
	}
	return 0;
}

int db_catalog(struct db *db, struct arena *a, const struct db_wanted *wanted, int64_t deadline_ms,
	       struct db_catalog *out, struct err *e)
{
	static const struct db_wanted everything = {.facts = ~0u};
	struct db_catalog c = {.engine = db_engine(db)};
	int rc;

	if (!wanted)
		wanted = &everything;
	db->absence = DB_ABSENT_NOTHING;
	if (db->driver->catalog)
		rc = db->driver->catalog(db, a, wanted, deadline_ms, &c, e);
	else
		rc = describe_all(db, a, deadline_ms, &c, e);
	if (rc != 0)
		return -1;
	db_catalog_sort(&c);
	db_lens_catalog(db, a, &c);
	*out = c;
	return 0;
}

bool db_has_rowid(const struct db_table *t)
{
	return !t->is_view &&
	       (t->storage == NULL || (!str_glob_fold("*without*rowid*", t->storage) &&
				       !str_glob_fold("*virtual*", t->storage)));
}
