/*
 * db_sqlite_catalog: what an SQLite database is made of, read through the pragma functions.
 *
 * One table at a time, because a view that no longer resolves or a virtual table whose module is
 * not here would otherwise take the facts about every other table with it.
 *
 * Source: https://sqlite.org/pragma.html (table_xinfo, index_list, index_xinfo, foreign_key_list).
 */
#include <stdio.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db_sqlite.h"

/* An array that grows in an arena: what it leaves behind is at most as large as itself. */
struct list {
	struct arena *arena;
	void *items;
	size_t n, cap, size;
};

static void *list_add(struct list *l)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 8;
		void *grown = arena_array(l->arena, cap, l->size);

		if (l->n > 0)
			memcpy(grown, l->items, l->n * l->size);
		l->items = grown;
		l->cap = cap;
	}
	return (char *)l->items + l->n++ * l->size;
}

static const char *text_of(struct arena *a, const struct db_value *v)
{
	return v->type == DB_NULL ? NULL : arena_strndup(a, v->text, v->len);
}

static int add_object(void *ctx, const struct db_row *row, struct err *e)
{
	struct list *l = ctx;
	struct db_object *o = list_add(l);

	(void)e;
	o->name = text_of(l->arena, &row->values[0]);
	o->is_view = row->values[1].integer != 0;
	return 0;
}

int sqlite_objects(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
		   size_t *n, struct err *e)
{
	struct list l = {.arena = a, .size = sizeof(struct db_object)};

	if (sqlite_own_query(db,
			     "SELECT name, type = 'view' FROM sqlite_schema"
			     " WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%'"
			     " ESCAPE '\\' ORDER BY name",
			     NULL, 0, deadline_ms, add_object, &l, e) != 0)
		return -1;
	*out = l.items;
	*n = l.n;
	return 0;
}

static int add_column(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct list *l = ctx;
	struct db_column *c = list_add(l);

	(void)e;
	c->name = text_of(l->arena, &v[0]);
	c->type = v[1].type == DB_NULL ? "" : text_of(l->arena, &v[1]);
	c->is_nullable = v[2].integer == 0;
	c->def = text_of(l->arena, &v[3]);
	c->key = v[4].integer;
	c->is_generated = v[5].integer >= 2;
	return 0;
}

struct index_list {
	struct list indexes;
	bool has_key; /* the primary key has an index of its own: it is not the rowid */
};

static int add_index(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct index_list *l = ctx;
	struct db_index *x = list_add(&l->indexes);

	(void)e;
	x->name = text_of(l->indexes.arena, &v[0]);
	x->is_unique = v[1].integer != 0;
	x->is_automatic = strcmp(v[2].text, "c") != 0;
	x->is_partial = v[3].integer != 0;
	if (strcmp(v[2].text, "pk") == 0)
		l->has_key = true;
	return 0;
}

static int add_name(void *ctx, const struct db_row *row, struct err *e)
{
	struct list *l = ctx;
	const char **name = list_add(l);

	(void)e;
	*name = row->values[0].type == DB_NULL ? "(expression)" : text_of(l->arena, row->values);
	return 0;
}

/* One row a column of a key: id, table, from, to, on_update, on_delete. */
struct foreign_keys {
	struct list keys, columns, targets;
	int64_t id;
};

static void end_key(struct foreign_keys *f)
{
	if (f->keys.n == 0)
		return;
	struct db_foreign_key *k = (struct db_foreign_key *)f->keys.items + f->keys.n - 1;

	k->columns = f->columns.items;
	k->targets = f->targets.items;
	k->n_columns = f->columns.n;
}

static int add_foreign_key(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;
	struct foreign_keys *f = ctx;
	struct arena *a = f->keys.arena;

	(void)e;
	if (f->keys.n == 0 || v[0].integer != f->id) {
		end_key(f);
		struct db_foreign_key *k = list_add(&f->keys);

		k->table = text_of(a, &v[1]);
		k->on_update = text_of(a, &v[4]);
		k->on_delete = text_of(a, &v[5]);
		f->columns = (struct list){.arena = a, .size = sizeof(const char *)};
		f->targets = f->columns;
		f->id = v[0].integer;
	}
	*(const char **)list_add(&f->columns) = text_of(a, &v[2]);
	*(const char **)list_add(&f->targets) = text_of(a, &v[3]);
	return 0;
}

static int read_indexes(struct db *db, struct arena *a, int64_t deadline_ms, struct db_table *t,
			bool *has_key, struct err *e)
{
	struct index_list l = {.indexes = {.arena = a, .size = sizeof(struct db_index)}};

	if (sqlite_own_query(db,
			     "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?1)"
			     " ORDER BY name",
			     &t->name, 1, deadline_ms, add_index, &l, e) != 0)
		return -1;
	t->indexes = l.indexes.items;
	t->n_indexes = l.indexes.n;
	*has_key = l.has_key;
	for (size_t i = 0; i < t->n_indexes; i++) {
		struct db_index *x = &t->indexes[i];
		struct list names = {.arena = a, .size = sizeof(const char *)};

		if (sqlite_own_query(db,
				     "SELECT name FROM pragma_index_xinfo(?1) WHERE key = 1"
				     " ORDER BY seqno",
				     &x->name, 1, deadline_ms, add_name, &names, e) != 0)
			return -1;
		x->columns = names.items;
		x->n_columns = names.n;
	}
	return 0;
}

static int read_columns(struct db *db, struct arena *a, int64_t deadline_ms, struct db_table *t,
			struct err *e)
{
	struct list l = {.arena = a, .size = sizeof(struct db_column)};

	/* hidden 1 is a parameter of a virtual table, not a column of it */
	if (sqlite_own_query(db,
			     "SELECT name, type, \"notnull\", dflt_value, pk, hidden"
			     " FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid",
			     &t->name, 1, deadline_ms, add_column, &l, e) != 0)
		return -1;
	t->columns = l.items;
	t->n_columns = l.n;
	return 0;
}

static int read_foreign_keys(struct db *db, struct arena *a, int64_t deadline_ms,
			     struct db_table *t, struct err *e)
{
	struct foreign_keys f = {.keys = {.arena = a, .size = sizeof(struct db_foreign_key)}};

	if (sqlite_own_query(db,
			     "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete"
			     " FROM pragma_foreign_key_list(?1) ORDER BY id, seq",
			     &t->name, 1, deadline_ms, add_foreign_key, &f, e) != 0)
		return -1;
	end_key(&f);
	t->foreign_keys = f.keys.items;
	t->n_foreign_keys = f.keys.n;
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

int sqlite_describe(struct db *db, struct arena *a, const char *name, int64_t deadline_ms,
		    struct db_table *out, struct err *e)
{
	const char *bare = str_starts(name, "main.") && name[5] ? name + 5 : name;
	struct list found = {.arena = a, .size = sizeof(struct db_object)};
	struct db_table t = {.name = NULL};
	bool has_key = false;

	if (sqlite_own_query(db,
			     "SELECT name, type = 'view' FROM sqlite_schema"
			     " WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE",
			     &bare, 1, deadline_ms, add_object, &found, e) != 0)
		return -1;
	if (found.n == 0) {
		db->absence = DB_ABSENT_TABLE;
		/* Cut at its size: for a hint only. */
		(void)snprintf(db->missing, sizeof(db->missing), "%s", bare);
		return err_set(e, ERR_MEASURE, "no such table: %s", name);
	}
	const struct db_object *o = found.items;

	t.name = o->name;
	t.is_view = o->is_view;
	if (read_columns(db, a, deadline_ms, &t, e) != 0 ||
	    read_indexes(db, a, deadline_ms, &t, &has_key, e) != 0 ||
	    read_foreign_keys(db, a, deadline_ms, &t, e) != 0)
		return err_context(e, "%s \"%s\"", t.is_view ? "view" : "table", t.name);
	if (!has_key)
		mark_rowid(&t);
	*out = t;
	return 0;
}
