/* schema_facts: questions about a catalog that several comparisons ask. */
#include <string.h>
#include <strings.h>

#include "audits/schema_compare.h"
#include "audits/schema_expression.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"

/* The name without the schema, which it has in front where it is in none that is searched. */
static const char *bare_name(const char *name, const char *schema)
{
	size_t n = schema ? strlen(schema) : 0;

	return n > 0 && strncmp(name, schema, n) == 0 && name[n] == '.' ? name + n + 1 : name;
}

/* Does what is written say the schema of the table, or say none of one that is searched? */
static bool is_named(enum db_engine engine, const char *name, const char *schema,
		     const char *written)
{
	const char *bare = bare_name(name, schema);

	if (engine == DB_SQLITE)
		schema = "main";
	return (bare == name && db_names_table(engine, written, NULL, bare)) ||
	       (schema && db_names_table(engine, written, schema, bare));
}

/* A dot in a name, which is as it is here, or the schema's own name in front of it. */
static bool is_spelled(enum db_engine engine, const char *name, const char *written)
{
	return db_same_name(engine, name, written) || db_names_table(engine, written, NULL, name);
}

/* Of a table that is named but for case: is it by case as well, where that tells? */
static bool is_in_case(const struct db_catalog *c, const struct db_table *t, const char *written)
{
	const char *bare = bare_name(t->name, t->schema);
	size_t n = strlen(bare), end = strlen(written);

	if (end > 0 && written[end - 1] == '`')
		end--;
	return !c->tells_case || strchr(bare, '`') ||
	       (end >= n && strncmp(written + end - n, bare, n) == 0);
}

const struct db_table *schema_find_table(const struct db_catalog *c, const char *name)
{
	for (size_t i = 0; i < c->n_tables; i++)
		if (is_named(c->engine, c->tables[i].name, c->tables[i].schema, name) &&
		    is_in_case(c, &c->tables[i], name))
			return &c->tables[i];
	for (size_t i = 0; i < c->n_tables; i++)
		if (is_spelled(c->engine, c->tables[i].name, name) &&
		    is_in_case(c, &c->tables[i], name))
			return &c->tables[i];
	return NULL;
}

bool schema_refers_to(enum db_engine engine, const struct db_foreign_key *k, const char *written)
{
	return is_named(engine, k->table, k->schema, written) ||
	       db_same_name(engine, k->table, written);
}

const struct db_column *schema_find_column(enum db_engine engine, const struct db_table *t,
					   const char *name)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (db_same_name(engine, t->columns[i].name, name))
			return &t->columns[i];
	return NULL;
}

/* json_valid(`column`), with or without quotes. */
static bool is_json_check(const struct db_constraint *k, const char *column)
{
	const char *s = k->expression;
	size_t n = strlen(column);

	if (k->type != DB_CHECK || !s || strncasecmp(s, "json_valid(", 11) != 0)
		return false;
	s += 11;
	if (*s == '`')
		s++;
	if (strncasecmp(s, column, n) != 0)
		return false;
	s += n;
	if (*s == '`')
		s++;
	return strcmp(s, ")") == 0;
}

const char *schema_column_type(enum db_engine engine, const struct db_table *t,
			       const struct db_column *c)
{
	if (engine != DB_MYSQL || strncasecmp(c->type, "longtext", 8) != 0)
		return c->type;
	for (size_t i = 0; i < t->n_constraints; i++)
		if (is_json_check(&t->constraints[i], c->name))
			return "json";
	return c->type;
}

const char **schema_primary_key(struct arena *a, const struct db_table *t, size_t *n)
{
	const char **columns = arena_array(a, t->n_columns, sizeof(*columns));

	*n = 0;
	for (size_t place = 1; place <= t->n_columns; place++)
		for (size_t i = 0; i < t->n_columns; i++)
			if (t->columns[i].key == (int64_t)place)
				columns[(*n)++] = t->columns[i].name;
	return columns;
}

bool schema_same_columns(enum db_engine engine, const char *const *a, size_t n_a,
			 const char *const *b, size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++)
		if (!a[i] != !b[i] || (a[i] && !db_same_name(engine, a[i], b[i])))
			return false;
	return true;
}

bool schema_same_set(enum db_engine engine, const char *const *a, size_t n_a, const char *const *b,
		     size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++) {
		size_t k = 0;

		while (k < n_b && !db_same_name(engine, a[i], b[k]))
			k++;
		if (k == n_b)
			return false;
	}
	return true;
}

static bool is_whole(const struct db_index *x)
{
	/* a prefix of a column (MySQL) is unique by less than the column */
	for (size_t i = 0; x->options && i < x->n_columns; i++)
		if (x->options[i] && *x->options[i] == '(')
			return false;
	return x->is_unique && !x->where && !x->is_invalid;
}

bool schema_is_unique(struct arena *a, enum db_engine engine, const struct db_table *t,
		      const char *const *columns, size_t n)
{
	size_t n_key;
	const char **key = schema_primary_key(a, t, &n_key);

	if (n_key > 0 && schema_same_set(engine, key, n_key, columns, n))
		return true;
	for (size_t i = 0; i < t->n_indexes; i++) {
		const struct db_index *x = &t->indexes[i];

		if (is_whole(x) && schema_same_set(engine, x->columns, x->n_columns, columns, n))
			return true;
	}
	return false;
}

const char *schema_list(struct arena *a, const char *const *names, size_t n)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the catalog and the definition are bounded */
	for (size_t i = 0; i < n; i++)
		(void)buf_printf(&b, "%s%s", i > 0 ? ", " : "",
				 names[i] ? names[i] : "primary key");
	const char *text = n > 0 ? arena_strndup(a, b.data, b.len) : "none";

	buf_release(&b);
	return text;
}

const char *schema_hint(struct arena *a, const char *word, const char *const *names, size_t n)
{
	int i = str_closest(word, names, n);

	return i < 0 ? "" : arena_printf(a, "; did you mean %s?", names[i]);
}

static bool is_no_action(const char *action)
{
	return strcasecmp(action, "NO ACTION") == 0 || strcasecmp(action, "RESTRICT") == 0;
}

bool schema_same_action(enum db_engine engine, const char *a, const char *b)
{
	if (engine == DB_MYSQL && is_no_action(a) && is_no_action(b))
		return true;
	return strcasecmp(a, b) == 0;
}

/* Lower case outside quotes, white space one space, none around marks, no ";" at the end. */
static const char *plain_query(struct arena *a, const char *sql)
{
	char *out = arena_alloc(a, strlen(sql) + 1);
	char quote = '\0';
	size_t n = 0;

	for (const char *s = sql; *s; s++) {
		bool is_space = strchr(" \t\r\n", *s) != NULL;
		const char *next = s + strspn(s, " \t\r\n");

		if (quote)
			out[n++] = *s;
		else if (!is_space)
			out[n++] = *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s;
		else if (n > 0 && !strchr(" (,", out[n - 1]) && *next && !strchr("),;", *next))
			out[n++] = ' ';
		if (*s == quote)
			quote = '\0';
		else if (!quote && strchr("'\"`", *s))
			quote = *s;
	}
	while (n > 0 && (out[n - 1] == ';' || out[n - 1] == ' '))
		n--;
	out[n] = '\0';
	return out;
}

bool schema_same_query(struct arena *a, const char *one, const char *other)
{
	if (!one || !other)
		return one == other;
	return strcmp(plain_query(a, one), plain_query(a, other)) == 0;
}
