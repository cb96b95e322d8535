/* arsenal_migrations_sql: pieces of the queries that stand in for a framework's table. */
#include <string.h>
#include <strings.h>

#include "audits/arsenal/migrations.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"

const struct db_column *books_column(const struct books *b, size_t i)
{
	return migrations_column(&b->table, b->world->framework->columns[i].name);
}

size_t books_n_columns(const struct books *b)
{
	size_t n = 0;

	while (n < BOOKS_MAX_COLUMNS && b->world->framework->columns[n].name)
		n++;
	return n;
}

/* ---- SQL ---- */

static bool has_type(const struct db_column *c, const char *word)
{
	for (const char *t = c->type; *t; t++)
		if (strncasecmp(t, word, strlen(word)) == 0)
			return true;
	return false;
}

static const char *quoted(struct books *b, const char *text)
{
	struct buf s;
	const char *sql;

	buf_init(&s, BUF_UNBOUNDED); /* a cell */
	(void)buf_putc(&s, '\'');
	for (; *text; text++) {
		if (*text == '\'' || (*text == '\\' && b->engine == DB_MYSQL))
			(void)buf_putc(&s, *text);
		(void)buf_putc(&s, *text);
	}
	(void)buf_putc(&s, '\'');
	sql = arena_strndup(b->arena, s.data, s.len);
	buf_release(&s);
	return sql;
}

const char *books_literal(struct books *b, const struct db_column *c, enum db_type type,
			  const char *text)
{
	if (!text || type == DB_NULL)
		return "NULL";
	if (type == DB_INT || type == DB_REAL)
		return text;
	if (type == DB_BLOB)
		return arena_printf(b->arena, b->engine == DB_POSTGRES ? "'\\x%s'::bytea" : "X'%s'",
				    text);
	return arena_printf(b->arena, "%s%s", quoted(b, text),
			    b->engine == DB_POSTGRES && has_type(c, "bytea") ? "::bytea" : "");
}

const char *books_name(struct books *b, const char *column)
{
	struct buf s;
	const char *sql;

	buf_init(&s, BUF_UNBOUNDED); /* a name */
	db_quote(b->engine, &s, column);
	sql = arena_strndup(b->arena, s.data, s.len);
	buf_release(&s);
	return sql;
}

/* With its schema, so that the shadow finds the table itself. */
const char *books_from(struct books *b, const struct db_table *t)
{
	const char *schema = t->schema ? t->schema : b->engine == DB_SQLITE ? "main" : NULL;
	size_t n = schema ? strlen(schema) : 0;
	const char *bare = t->name;

	if (n > 0 && strncmp(bare, schema, n) == 0 && bare[n] == '.')
		bare += n + 1;
	return schema ? arena_printf(b->arena, "%s.%s", books_name(b, schema), books_name(b, bare))
		      : books_name(b, bare);
}

/* The rows that have what this one has in the columns that tell rows apart. */
const char *books_is_row(struct books *b, const struct books_row *r)
{
	const struct framework *f = b->world->framework;
	const char *sql = NULL;

	for (size_t i = 0; i < books_n_columns(b); i++) {
		const struct db_column *c = books_column(b, i);
		bool tells = f->columns[i].class != COLUMN_ANY ||
			     strcasecmp(f->columns[i].name, f->order_by) == 0;
		const char *is;

		if (!c || !tells || r->types[i] == DB_REAL || r->types[i] == DB_BLOB)
			continue;
		is = r->types[i] == DB_NULL
			     ? arena_printf(b->arena, "%s IS NULL", books_name(b, c->name))
			     : arena_printf(b->arena, "%s = %s", books_name(b, c->name),
					    books_literal(b, c, r->types[i], r->texts[i]));
		sql = sql ? arena_printf(b->arena, "%s AND %s", sql, is) : is;
	}
	return sql ? sql : "1 = 1";
}

/* All rows about the migration of this one. */
const char *books_is_key(struct books *b, const struct books_row *of)
{
	const char *sql = NULL;

	for (size_t i = 0; i < b->n_rows; i++) {
		const struct books_row *r = &b->rows[i];
		const char *is;

		if (!r->is_taken || strcmp(r->applied.key, of->applied.key) != 0)
			continue;
		is = books_is_row(b, r);
		sql = sql ? arena_printf(b->arena, "%s OR %s", sql, is) : is;
	}
	return sql;
}

/* Every column of the table, one with another value in the rows that are meant. */
const char *books_with(struct books *b, const struct db_table *t, const struct db_column *changed,
		       const char *value, const char *where)
{
	struct buf s;
	const char *sql;

	buf_init(&s, BUF_UNBOUNDED); /* names of the catalog */
	(void)buf_puts(&s, "SELECT ");
	for (size_t i = 0; i < t->n_columns; i++) {
		const char *name = books_name(b, t->columns[i].name);

		(void)buf_puts(&s, i > 0 ? ", " : "");
		if (strcmp(t->columns[i].name, changed->name) != 0)
			(void)buf_puts(&s, name);
		else if (where)
			(void)buf_printf(&s, "CASE WHEN %s THEN %s ELSE %s END AS %s", where, value,
					 name, name);
		else
			(void)buf_printf(&s, "%s AS %s", value, name);
	}
	(void)buf_printf(&s, " FROM %s", books_from(b, t));
	sql = arena_strndup(b->arena, s.data, s.len);
	buf_release(&s);
	return sql;
}

const char *books_boolean(const struct books *b, const struct db_column *c, bool is_true)
{
	if (b->engine == DB_POSTGRES && has_type(c, "bool"))
		return is_true ? "true" : "false";
	return is_true ? "1" : "0";
}
