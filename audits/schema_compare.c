/* schema_compare: see the header. One function a kind of fact, each difference a sentence. */
#include "audits/schema_compare.h"

#include <stdarg.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"
#include "runner/model/measurement.h"

void differences_init(struct differences *d, struct arena *a)
{
	*d = (struct differences){.arena = a};
	buf_init(&d->lines, EVIDENCE_MAX_BYTES - 64);
}

void differences_release(struct differences *d)
{
	buf_release(&d->lines);
}

void differences_expect(struct differences *d, bool holds, const char *fmt, ...)
{
	va_list ap;

	d->n_facts++;
	if (holds)
		return;
	d->n++;
	va_start(ap, fmt);
	const char *line = arena_vprintf(d->arena, fmt, ap);

	va_end(ap);
	/* A line that does not fit is counted only; the reader sees that the count is higher. */
	(void)buf_printf(&d->lines, "%s%s", d->lines.len > 0 ? "\n" : "",
			 str_escaped(d->arena, line));
}

static bool same_name(const char *a, const char *b)
{
	return db_same_name(DB_SQLITE, a, b);
}

/* ---- lists of columns ---- */

static bool same_columns(const char *const *a, size_t n_a, const char *const *b, size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++)
		if (!a[i] != !b[i] || (a[i] && !same_name(a[i], b[i])))
			return false;
	return true;
}

static const char *list_columns(struct arena *a, const char *const *columns, size_t n)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the catalog and the definition are bounded */
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%s", i > 0 ? ", " : "", columns[i] ? columns[i] : "primary key");
	const char *text = n > 0 ? arena_strndup(a, b.data, b.len) : "none";

	buf_release(&b);
	return text;
}

static const struct db_column *find_column(const struct db_table *t, const char *name)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (same_name(t->columns[i].name, name))
			return &t->columns[i];
	return NULL;
}

/* The primary key's columns in key order. */
static const char **primary_key(struct arena *a, const struct db_table *t, size_t *n)
{
	const char **columns = arena_array(a, t->n_columns, sizeof(*columns));

	*n = 0;
	for (size_t place = 1; place <= t->n_columns; place++)
		for (size_t i = 0; i < t->n_columns; i++)
			if (t->columns[i].key == (int64_t)place)
				columns[(*n)++] = t->columns[i].name;
	return columns;
}

/* Unique by itself: a whole unique index or the whole primary key. */
static bool is_unique_column(struct arena *a, const struct db_table *t, const char *name)
{
	size_t n_key;
	const char **key = primary_key(a, t, &n_key);

	if (same_columns(key, n_key, &name, 1))
		return true;
	for (size_t i = 0; i < t->n_indexes; i++) {
		const struct db_index *x = &t->indexes[i];

		if (x->is_unique && !x->where && same_columns(x->columns, x->n_columns, &name, 1))
			return true;
	}
	return false;
}

/* ---- defaults ---- */

/* 'it''s' is the literal it's. */
static bool is_literal_of(const char *sql, const char *text)
{
	if (*sql++ != '\'')
		return false;
	for (; *text; text++, sql++) {
		if (*sql == '\'' && *++sql != '\'')
			return false;
		if (*sql != *text)
			return false;
	}
	return strcmp(sql, "'") == 0;
}

static bool is_no_default(const char *sql)
{
	return !sql || same_name(sql, "NULL");
}

static bool default_matches(const char *expected, const char *sql)
{
	if (is_no_default(expected) || is_no_default(sql))
		return is_no_default(expected) && is_no_default(sql);
	return strcmp(expected, sql) == 0 || is_literal_of(sql, expected);
}

/* ---- a table against a definition ---- */

static void compare_column(struct differences *d, const char *table,
			   const struct schema_column *expected, const struct db_table *t,
			   const struct db_column *c)
{
	const char *type = *c->type ? c->type : "none";

	if (expected->type)
		differences_expect(d, schema_type_matches(d->arena, expected->type, c->type),
				   "column %s.%s: type is %s, expected %s", table, c->name, type,
				   expected->type);
	if (expected->declared)
		differences_expect(d, schema_type_is(d->arena, expected->declared, c->type),
				   "column %s.%s: declared type is %s, expected %s", table, c->name,
				   type, expected->declared);
	if (expected->has_nullable)
		differences_expect(d, expected->is_nullable == c->is_nullable,
				   "column %s.%s: is %s, expected %s", table, c->name,
				   c->is_nullable ? "nullable" : "not null",
				   expected->is_nullable ? "nullable" : "not null");
	if (expected->def)
		differences_expect(d, default_matches(expected->def, c->def),
				   "column %s.%s: default is %s, expected %s", table, c->name,
				   c->def ? c->def : "NULL", expected->def);
	if (!expected->has_key)
		return;
	if (expected->key == SCHEMA_KEY_PRIMARY)
		differences_expect(d, c->key > 0, "column %s.%s: is not in the primary key", table,
				   c->name);
	else
		differences_expect(d, is_unique_column(d->arena, t, c->name),
				   "column %s.%s: is not unique by itself", table, c->name);
}

static bool is_expected_column(const struct schema_table *expected, const char *name)
{
	for (size_t i = 0; i < expected->columns.n; i++)
		if (same_name(expected->columns.items[i].name, name))
			return true;
	return false;
}

static void compare_columns(struct differences *d, const struct schema_table *expected,
			    const struct db_table *t)
{
	for (size_t i = 0; i < expected->columns.n; i++) {
		const char *name = expected->columns.items[i].name;
		const struct db_column *c = find_column(t, name);

		differences_expect(d, c != NULL, "column %s is missing from table %s", name,
				   t->name);
		if (c)
			compare_column(d, t->name, expected->columns.items[i].value, t, c);
	}
	if (!expected->is_exact || expected->columns.n == 0)
		return;
	for (size_t i = 0; i < t->n_columns; i++)
		differences_expect(d, is_expected_column(expected, t->columns[i].name),
				   "unexpected column %s in table %s", t->columns[i].name, t->name);
}

static void compare_primary_key(struct differences *d, const struct schema_table *expected,
				const struct db_table *t)
{
	const struct texts *wanted = &expected->primary_key;
	size_t n;
	const char **key = primary_key(d->arena, t, &n);

	if (wanted->n == 0)
		return;
	differences_expect(d, same_columns(wanted->items, wanted->n, key, n),
			   "table %s: primary key is %s, expected %s", t->name,
			   list_columns(d->arena, key, n),
			   list_columns(d->arena, wanted->items, wanted->n));
}

static const struct db_index *find_index(const struct db_table *t, const char *name,
					 const struct schema_index *expected)
{
	for (size_t i = 0; i < t->n_indexes; i++) {
		const struct db_index *x = &t->indexes[i];

		if (!expected->is_any_name) {
			if (same_name(x->name, name))
				return x;
			continue;
		}
		if (same_columns(x->columns, x->n_columns, expected->columns.items,
				 expected->columns.n) &&
		    (!expected->has_unique || x->is_unique == expected->is_unique))
			return x;
	}
	return NULL;
}

static void compare_index(struct differences *d, const struct schema_index *expected,
			  const char *name, const struct db_table *t, const struct db_index *x)
{
	const struct texts *wanted = &expected->columns;

	if (expected->is_any_name) {
		differences_expect(d, x != NULL, "table %s: no %sindex on %s", t->name,
				   expected->has_unique && expected->is_unique ? "unique " : "",
				   list_columns(d->arena, wanted->items, wanted->n));
		return;
	}
	differences_expect(d, x != NULL, "index %s is missing from table %s", name, t->name);
	if (!x)
		return;
	differences_expect(d, same_columns(x->columns, x->n_columns, wanted->items, wanted->n),
			   "index %s: columns are %s, expected %s", x->name,
			   list_columns(d->arena, x->columns, x->n_columns),
			   list_columns(d->arena, wanted->items, wanted->n));
	if (expected->has_unique)
		differences_expect(d, x->is_unique == expected->is_unique,
				   "index %s: is %sunique, expected %sunique", x->name,
				   x->is_unique ? "" : "not ", expected->is_unique ? "" : "not ");
}

static void compare_indexes(struct differences *d, const struct schema_table *expected,
			    const struct db_table *t)
{
	const struct groups *wanted = &expected->indexes;
	bool *is_used = arena_array(d->arena, t->n_indexes, sizeof(*is_used));

	for (size_t i = 0; i < wanted->n; i++) {
		const struct db_index *x =
			find_index(t, wanted->items[i].name, wanted->items[i].value);

		compare_index(d, wanted->items[i].value, wanted->items[i].name, t, x);
		if (x)
			is_used[x - t->indexes] = true;
	}
	if (!expected->is_exact || wanted->n == 0)
		return;
	for (size_t i = 0; i < t->n_indexes; i++)
		if (!t->indexes[i].is_automatic)
			differences_expect(d, is_used[i], "unexpected index %s on table %s",
					   t->indexes[i].name, t->name);
}

/* ---- foreign keys ---- */

/* Takes "table(a, b)" apart; n = 0 without columns. false: not of that form. */
static bool split_reference(struct arena *a, const char *references, const char **table,
			    const char ***columns, size_t *n)
{
	const char *open = strchr(references, '(');
	size_t length = open ? (size_t)(open - references) : strlen(references);

	while (length > 0 && references[length - 1] == ' ')
		length--;
	*n = 0;
	if (length == 0)
		return false;
	*table = arena_strndup(a, references, length);
	if (!open)
		return true;
	const char *s = open + 1;

	*columns = arena_array(a, strlen(references), sizeof(**columns));
	for (;;) {
		s += strspn(s, " ");
		size_t width = strcspn(s, ",)");
		size_t kept = width;

		while (kept > 0 && s[kept - 1] == ' ')
			kept--;
		if (kept == 0 || !s[width])
			return false;
		(*columns)[(*n)++] = arena_strndup(a, s, kept);
		s += width + 1;
		if (s[-1] == ')')
			return s[strspn(s, " ")] == '\0';
	}
}

bool schema_reference_is_valid(const char *references)
{
	struct arena *a = arena_new();
	const char *table, **columns;
	size_t n;
	bool is_valid = split_reference(a, references, &table, &columns, &n);

	arena_free(a);
	return is_valid;
}

static bool is_foreign_key(const struct db_foreign_key *k, const struct texts *columns,
			   const char *table, const char *const *targets, size_t n_targets)
{
	return same_columns(k->columns, k->n_columns, columns->items, columns->n) &&
	       same_name(k->table, table) &&
	       (n_targets == 0 || same_columns(k->targets, k->n_columns, targets, n_targets));
}

static void compare_foreign_keys(struct differences *d, const struct schema_table *expected,
				 const struct db_table *t)
{
	const struct groups *wanted = &expected->foreign_keys;
	bool *is_used = arena_array(d->arena, t->n_foreign_keys, sizeof(*is_used));

	for (size_t i = 0; i < wanted->n; i++) {
		const struct schema_foreign_key *w = wanted->items[i].value;
		const char *table = "", **targets = NULL;
		size_t n_targets;
		bool is_there = false;

		(void)split_reference(d->arena, w->references, &table, &targets, &n_targets);
		for (size_t k = 0; k < t->n_foreign_keys; k++) {
			if (!is_foreign_key(&t->foreign_keys[k], &w->columns, table, targets,
					    n_targets))
				continue;
			is_used[k] = true;
			is_there = true;
		}
		differences_expect(d, is_there, "table %s: foreign key on %s to %s is missing",
				   t->name, list_columns(d->arena, w->columns.items, w->columns.n),
				   w->references);
	}
	if (!expected->is_exact || wanted->n == 0)
		return;
	for (size_t k = 0; k < t->n_foreign_keys; k++)
		differences_expect(d, is_used[k], "table %s: unexpected foreign key on %s to %s",
				   t->name,
				   list_columns(d->arena, t->foreign_keys[k].columns,
						t->foreign_keys[k].n_columns),
				   t->foreign_keys[k].table);
}

void schema_compare_table(struct differences *d, const struct schema_table *expected,
			  const struct db_table *actual)
{
	compare_columns(d, expected, actual);
	compare_primary_key(d, expected, actual);
	compare_indexes(d, expected, actual);
	compare_foreign_keys(d, expected, actual);
}
