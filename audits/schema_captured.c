/*
 * schema_captured: a table as it was captured against the same table now, every fact, both ways.
 *
 * Indexes and foreign keys are sets: those made by hand are told apart by name, those a constraint
 * made (their names are numbers in disguise) by their columns.
 */
#include <string.h>

#include "audits/schema_compare.h"
#include "runner/base/arena.h"
#include "runner/base/str.h"

static const char *or_none(const char *text)
{
	return text && *text ? text : "none";
}

static const struct db_column *find_column(const struct db_table *t, const char *name)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (db_same_name(DB_SQLITE, t->columns[i].name, name))
			return &t->columns[i];
	return NULL;
}

static void compare_column(struct differences *d, const char *table, const struct db_column *was,
			   const struct db_column *is)
{
	differences_expect(d, schema_type_is(d->arena, was->type, is->type),
			   "column %s.%s: type is %s, was %s", table, is->name, or_none(is->type),
			   or_none(was->type));
	differences_expect(d, was->is_nullable == is->is_nullable, "column %s.%s: is %s, was %s",
			   table, is->name, is->is_nullable ? "nullable" : "not null",
			   was->is_nullable ? "nullable" : "not null");
	differences_expect(d, str_equal(was->def, is->def), "column %s.%s: default is %s, was %s",
			   table, is->name, or_none(is->def), or_none(was->def));
	differences_expect(d, was->key == is->key,
			   "column %s.%s: place in the primary key is %lld, was %lld", table,
			   is->name, (long long)is->key, (long long)was->key);
	differences_expect(d, was->generation == is->generation, "column %s.%s: is %s, was %s",
			   table, is->name,
			   is->generation != DB_PLAIN ? "generated" : "stored as written",
			   was->generation != DB_PLAIN ? "generated" : "stored as written");
}

static void compare_columns(struct differences *d, const struct db_table *was,
			    const struct db_table *is)
{
	for (size_t i = 0; i < was->n_columns; i++) {
		const struct db_column *c = find_column(is, was->columns[i].name);

		differences_expect(d, c != NULL, "column %s is missing from table %s",
				   was->columns[i].name, is->name);
		if (c)
			compare_column(d, is->name, &was->columns[i], c);
	}
	for (size_t i = 0; i < is->n_columns; i++)
		differences_expect(d, find_column(was, is->columns[i].name) != NULL,
				   "unexpected column %s in table %s", is->columns[i].name,
				   is->name);
}

static bool same_columns(const struct db_index *a, const struct db_index *b)
{
	if (a->n_columns != b->n_columns)
		return false;
	for (size_t i = 0; i < a->n_columns; i++)
		if (!db_same_name(DB_SQLITE, a->columns[i], b->columns[i]))
			return false;
	return true;
}

static const struct db_index *find_index(const struct db_table *t, const struct db_index *like)
{
	for (size_t i = 0; i < t->n_indexes; i++) {
		const struct db_index *x = &t->indexes[i];

		if (x->is_automatic != like->is_automatic)
			continue;
		if (like->is_automatic ? same_columns(x, like)
				       : db_same_name(DB_SQLITE, x->name, like->name))
			return x;
	}
	return NULL;
}

static const char *index_words(struct arena *a, const struct db_index *x)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the catalog is bounded */
	buf_printf(&b, "%s(", x->is_unique ? "unique " : "");
	for (size_t i = 0; i < x->n_columns; i++)
		buf_printf(&b, "%s%s", i > 0 ? ", " : "", x->columns[i]);
	buf_printf(&b, ")%s", x->where ? " partial" : "");
	const char *text = arena_strndup(a, b.data, b.len);

	buf_release(&b);
	return text;
}

static const char *index_name(struct arena *a, const struct db_index *x)
{
	return x->is_automatic ? arena_printf(a, "constraint %s", index_words(a, x))
			       : arena_printf(a, "index %s", x->name);
}

static void compare_indexes(struct differences *d, const struct db_table *was,
			    const struct db_table *is)
{
	struct arena *a = d->arena;

	for (size_t i = 0; i < was->n_indexes; i++) {
		const struct db_index *w = &was->indexes[i], *x = find_index(is, w);

		differences_expect(d, x != NULL, "%s is missing from table %s", index_name(a, w),
				   is->name);
		if (!x)
			continue;
		const char *now = index_words(a, x), *then = index_words(a, w);

		differences_expect(d, strcmp(now, then) == 0, "%s: is %s, was %s", index_name(a, w),
				   now, then);
	}
	for (size_t i = 0; i < is->n_indexes; i++)
		differences_expect(d, find_index(was, &is->indexes[i]) != NULL,
				   "unexpected %s on table %s", index_name(a, &is->indexes[i]),
				   is->name);
}

/* "(owner_id) to owners(id) on update NO ACTION on delete CASCADE": all there is to compare. */
static const char *foreign_key_words(struct arena *a, const struct db_foreign_key *k)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the catalog is bounded */
	buf_putc(&b, '(');
	for (size_t i = 0; i < k->n_columns; i++)
		buf_printf(&b, "%s%s", i > 0 ? ", " : "", k->columns[i]);
	buf_printf(&b, ") to %s(", k->table);
	for (size_t i = 0; i < k->n_columns; i++)
		buf_printf(&b, "%s%s", i > 0 ? ", " : "",
			   k->targets[i] ? k->targets[i] : "primary key");
	buf_printf(&b, ") on update %s on delete %s", k->on_update, k->on_delete);
	const char *text = arena_strndup(a, b.data, b.len);

	buf_release(&b);
	return text;
}

static bool has_foreign_key(struct arena *a, const struct db_table *t, const char *words)
{
	for (size_t i = 0; i < t->n_foreign_keys; i++)
		if (strcmp(foreign_key_words(a, &t->foreign_keys[i]), words) == 0)
			return true;
	return false;
}

/* Foreign keys of one table that the other lacks. */
static void lack_foreign_keys(struct differences *d, const struct db_table *of,
			      const struct db_table *in, const char *what)
{
	for (size_t i = 0; i < of->n_foreign_keys; i++) {
		const char *words = foreign_key_words(d->arena, &of->foreign_keys[i]);

		differences_expect(d, has_foreign_key(d->arena, in, words),
				   "table %s: %s foreign key %s", in->name, what, words);
	}
}

void schema_compare_captured(struct differences *d, const struct db_table *captured,
			     const struct db_table *actual)
{
	differences_expect(d, captured->is_view == actual->is_view, "%s is a %s, was a %s",
			   actual->name, actual->is_view ? "view" : "table",
			   captured->is_view ? "view" : "table");
	compare_columns(d, captured, actual);
	compare_indexes(d, captured, actual);
	lack_foreign_keys(d, captured, actual, "missing");
	lack_foreign_keys(d, actual, captured, "unexpected");
}
