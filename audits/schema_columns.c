/* schema_columns: columns against a definition. One function a fact, each difference a sentence. */
#include <string.h>
#include <strings.h>

#include "audits/schema_compare.h"
#include "audits/schema_expression.h"
#include "audits/schema_type.h"
#include "runner/base/arena.h"
#include "runner/base/str.h"

struct subject {
	struct differences *d;
	const struct db_table *table;
	const struct db_column *column;
	const char *name; /* "column orders.state" */
};

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
	return !sql || strcasecmp(sql, "NULL") == 0 || str_starts(sql, "NULL::");
}

/* The digits before and behind the point without zeros that say nothing; false = no number. */
static bool split_number(const char *s, const char **whole, size_t *n_whole, size_t *n_part)
{
	s += strspn(s, "0");
	*whole = s;
	*n_whole = strspn(s, "0123456789");
	s += *n_whole;
	*n_part = 0;
	if (*s == '.') {
		*n_part = strspn(s + 1, "0123456789");
		s += 1 + *n_part;
		while (*n_part > 0 && (*whole)[*n_whole + *n_part] == '0')
			--*n_part;
	}
	return *s == '\0';
}

/* MariaDB prints a default with the scale of its column: 0 as 0.00. */
static bool is_same_number(const char *a, const char *b)
{
	const char *whole_a, *whole_b;
	size_t n_a, n_b, part_a, part_b;

	if (*a == '-' && *b == '-') {
		a++;
		b++;
	}
	if (!strpbrk(a, "0123456789") || !strpbrk(b, "0123456789") ||
	    !split_number(a, &whole_a, &n_a, &part_a) || !split_number(b, &whole_b, &n_b, &part_b))
		return false;
	return n_a == n_b && part_a == part_b && strncmp(whole_a, whole_b, n_a) == 0 &&
	       (part_a == 0 || strncmp(whole_a + n_a, whole_b + n_b, part_a + 1) == 0);
}

static bool default_matches(struct arena *a, enum db_engine engine, const char *expected,
			    const char *sql)
{
	if (is_no_default(expected) || is_no_default(sql))
		return is_no_default(expected) && is_no_default(sql);
	if (strcmp(expected, sql) == 0 || schema_expression_is(a, expected, sql) ||
	    is_literal_of(schema_expression(a, sql), expected) ||
	    is_same_number(expected, schema_expression(a, sql)))
		return true;
	/* true and false are 1 and 0 where booleans are integers */
	return engine == DB_MYSQL &&
	       ((strcasecmp(expected, "true") == 0 && strcmp(sql, "1") == 0) ||
		(strcasecmp(expected, "false") == 0 && strcmp(sql, "0") == 0));
}

static void compare_default(const struct subject *s, const char *expected)
{
	const struct db_column *c = s->column;

	differences_expect(s->d, default_matches(s->d->arena, s->d->engine, expected, c->def),
			   SCHEMA_CHANGED, "%s: default is %s, expected %s", s->name,
			   c->def ? c->def : "NULL", expected);
}

/* ---- keys ---- */

static const struct db_foreign_key *own_key(const struct subject *s)
{
	for (size_t i = 0; i < s->table->n_foreign_keys; i++) {
		const struct db_foreign_key *k = &s->table->foreign_keys[i];

		if (k->n_columns == 1 && db_same_name(s->d->engine, k->columns[0], s->column->name))
			return k;
	}
	return NULL;
}

static bool refers_to(const struct subject *s, const struct db_foreign_key *k, const char *to)
{
	const char *table = "", **columns = NULL;
	size_t n = 0;

	(void)schema_reference(s->d->arena, to, &table, &columns, &n); /* it was checked */
	return schema_refers_to(s->d->engine, k, table) &&
	       (n == 0 || schema_same_columns(s->d->engine, k->targets, k->n_columns, columns, n));
}

static void compare_reference(const struct subject *s, const char *expected)
{
	struct arena *a = s->d->arena;
	const struct db_foreign_key *found = NULL;

	for (size_t i = 0; i < s->table->n_foreign_keys; i++) {
		const struct db_foreign_key *k = &s->table->foreign_keys[i];

		if (k->n_columns == 1 &&
		    db_same_name(s->d->engine, k->columns[0], s->column->name) &&
		    refers_to(s, k, expected) && (!found || found->is_disabled))
			found = k;
	}
	const struct db_foreign_key *other = found ? found : own_key(s);

	differences_expect(s->d, found != NULL, SCHEMA_RULES, "%s: references %s, expected %s",
			   s->name,
			   other ? arena_printf(a, "%s(%s)", other->table,
						schema_list(a, other->targets, other->n_columns))
				 : "nothing",
			   expected);
	if (found)
		differences_expect(s->d, !found->is_disabled, SCHEMA_RULES,
				   "%s: the triggers of its foreign key are disabled", s->name);
}

static bool is_unique(const struct subject *s)
{
	return schema_is_unique(s->d->arena, s->d->engine, s->table, &s->column->name, 1);
}

static void compare_keys(const struct subject *s, const struct schema_column *expected)
{
	bool is_exact = expected->is_exact;

	if (expected->has_key && expected->key == SCHEMA_KEY_PRIMARY)
		differences_expect(s->d, s->column->key > 0, SCHEMA_RULES,
				   "%s: is not in the primary key", s->name);
	else if (is_exact)
		differences_expect(s->d, s->column->key == 0, SCHEMA_RULES,
				   "%s: is in the primary key", s->name);
	if (expected->has_key && expected->key == SCHEMA_KEY_UNIQUE)
		differences_expect(s->d, is_unique(s), SCHEMA_RULES, "%s: is not unique by itself",
				   s->name);
	else if (expected->has_unique || (is_exact && !expected->has_key))
		differences_expect(s->d, is_unique(s) == expected->is_unique, SCHEMA_RULES,
				   "%s: is %sunique by itself, expected %sunique", s->name,
				   is_unique(s) ? "" : "not ", expected->is_unique ? "" : "not ");
	if (expected->references)
		compare_reference(s, expected->references);
	else if (is_exact)
		differences_expect(s->d, own_key(s) == NULL, SCHEMA_RULES,
				   "%s: references %s, expected nothing", s->name,
				   own_key(s) ? own_key(s)->table : "");
}

/* ---- generated values ---- */

static const char *generation_words(enum db_generation g)
{
	switch (g) {
	case DB_PLAIN:
		break;
	case DB_VIRTUAL:
		return "generated (virtual)";
	case DB_STORED:
		return "generated (stored)";
	case DB_IDENTITY:
		return "identity";
	case DB_IDENTITY_ALWAYS:
		return "identity (always)";
	}
	return "not generated";
}

static bool generation_matches(int expected, enum db_generation g)
{
	static const enum db_generation wanted[] = {
		[SCHEMA_GENERATED_NO] = DB_PLAIN,
		[SCHEMA_GENERATED_VIRTUAL] = DB_VIRTUAL,
		[SCHEMA_GENERATED_STORED] = DB_STORED,
		[SCHEMA_GENERATED_IDENTITY] = DB_IDENTITY,
		[SCHEMA_GENERATED_ALWAYS] = DB_IDENTITY_ALWAYS,
	};

	return wanted[expected] == g ||
	       (expected == SCHEMA_GENERATED_IDENTITY && g == DB_IDENTITY_ALWAYS);
}

static void compare_generation(const struct subject *s, const struct schema_column *expected)
{
	static const char *const words[] = {"not generated", "virtual", "stored", "identity",
					    "identity (always)"};
	const struct db_column *c = s->column;

	if (expected->has_generated)
		differences_expect(s->d, generation_matches(expected->generated, c->generation),
				   SCHEMA_RULES, "%s: is %s, expected %s", s->name,
				   generation_words(c->generation), words[expected->generated]);
	else if (expected->is_exact && !expected->expression)
		differences_expect(s->d, c->generation == DB_PLAIN, SCHEMA_RULES,
				   "%s: is %s, expected not generated", s->name,
				   generation_words(c->generation));
	if (expected->expression)
		differences_expect(
			s->d,
			schema_expression_is(s->d->arena, expected->expression, c->expression),
			SCHEMA_RULES, "%s: is computed from %s, expected %s", s->name,
			c->expression ? c->expression : "nothing", expected->expression);
}

/* ---- a column ---- */

static void compare_type(const struct subject *s, const struct schema_column *expected)
{
	struct differences *d = s->d;
	const char *type = schema_column_type(d->engine, s->table, s->column);
	const char *shown = *type ? type : "none";

	if (expected->type)
		differences_expect(d,
				   schema_type_matches(d->arena, d->engine, expected->type, type),
				   SCHEMA_RULES, "%s: type is %s, expected %s", s->name, shown,
				   expected->type);
	if (expected->declared)
		differences_expect(
			d, schema_type_is(d->arena, d->engine, expected->declared, s->column->type),
			SCHEMA_RULES, "%s: declared type is %s, expected %s", s->name,
			*s->column->type ? s->column->type : "none", expected->declared);
}

/* A text that is there, said or (exactly) not to be. */
static void compare_text(const struct subject *s, const struct schema_column *expected,
			 const char *what, const char *wanted, const char *found)
{
	if (wanted)
		differences_expect(s->d, found && strcasecmp(wanted, found) == 0, SCHEMA_CHANGED,
				   "%s: %s is %s, expected %s", s->name, what,
				   found ? found : "none", wanted);
	else if (expected->is_exact)
		differences_expect(s->d, !found, SCHEMA_CHANGED, "%s: %s is %s, expected none",
				   s->name, what, found ? found : "none");
}

static void compare_column(const struct subject *s, const struct schema_column *expected)
{
	const struct db_column *c = s->column;
	/* exact without a word on NULL: what nobody allowed is forbidden */
	bool may_be_null = expected->has_nullable && expected->is_nullable;

	compare_type(s, expected);
	if (expected->has_nullable || expected->is_exact)
		differences_expect(s->d, c->is_nullable == may_be_null, SCHEMA_RULES,
				   "%s: is %s, expected %s", s->name,
				   c->is_nullable ? "nullable" : "not null",
				   may_be_null ? "nullable" : "not null");
	if (expected->def)
		compare_default(s, expected->def);
	else if (expected->is_exact)
		compare_default(s, "NULL");
	compare_keys(s, expected);
	compare_generation(s, expected);
	compare_text(s, expected, "collation", expected->collation, c->collation);
	if (expected->comment)
		compare_text(s, expected, "comment", expected->comment, c->comment);
}

static const char *hint(struct differences *d, const struct db_table *t, const char *name)
{
	const char **names = arena_array(d->arena, t->n_columns, sizeof(*names));

	for (size_t i = 0; i < t->n_columns; i++)
		names[i] = t->columns[i].name;
	return schema_hint(d->arena, name, names, t->n_columns);
}

static bool is_listed(const struct differences *d, const struct groups *columns, const char *name)
{
	for (size_t i = 0; i < columns->n; i++)
		if (db_same_name(d->engine, columns->items[i].name, name))
			return true;
	return false;
}

void schema_compare_columns(struct differences *d, const struct schema_table *expected,
			    const struct db_table *t)
{
	const struct groups *columns = &expected->columns;

	for (size_t i = 0; i < columns->n; i++) {
		const char *name = columns->items[i].name;
		const struct db_column *c = schema_find_column(d->engine, t, name);

		differences_expect(d, c != NULL, SCHEMA_GONE,
				   "column %s is missing from table %s%s", name, t->name,
				   c ? "" : hint(d, t, name));
		if (!c)
			continue;
		struct subject s = {
			.d = d,
			.table = t,
			.column = c,
			.name = arena_printf(d->arena, "column %s.%s", t->name, c->name),
		};

		compare_column(&s, columns->items[i].value);
	}
	if (!expected->is_exact || columns->n == 0)
		return;
	for (size_t i = 0; i < t->n_columns; i++)
		differences_expect(d, is_listed(d, columns, t->columns[i].name), SCHEMA_EXTRA,
				   "unexpected column %s in table %s", t->columns[i].name, t->name);
}
