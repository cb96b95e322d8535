/*
 * db_mysql_printed: one level of backslashes is the catalog's, the next that of literals.
 *
 * Source: append_unescaped() in sql/sql_show.cc and sql/unireg.cc of MySQL 8.0.
 */
#include "runner/io/db_mysql_printed.h"

#include <stdbool.h>
#include <string.h>

#include "runner/base/arena.h"

static char meant(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	default: /* quotes and backslashes are themselves; a NUL would end the text: a 0 it stays */
		return c;
	}
}

/* As it was before it was put into a literal. */
static char *unescape(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, strlen(text) + 1);
	size_t n = 0;

	for (const char *s = text; *s; s++) {
		if (*s == '\\' && s[1])
			out[n++] = meant(*++s);
		else
			out[n++] = *s;
	}
	out[n] = '\0';
	return out;
}

const char *mysql_printed(struct arena *a, const char *text)
{
	if (!text || !strchr(text, '\\'))
		return text;
	const char *sql = unescape(a, text);
	char *out = arena_alloc(a, strlen(sql) + 1);
	size_t n = 0;
	bool is_literal = false;

	for (const char *s = sql; *s; s++) {
		if (is_literal && *s == '\\' && s[1]) {
			out[n++] = meant(*++s);
			if (*s == '\'')
				out[n++] = '\'';
			continue;
		}
		is_literal = is_literal != (*s == '\'');
		out[n++] = *s;
	}
	out[n] = '\0';
	return out;
}

const char *mysql_literal(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, 2 * strlen(text) + 3);
	size_t n = 0;

	out[n++] = '\'';
	for (const char *s = text; *s; s++) {
		if (*s == '\'')
			out[n++] = '\'';
		out[n++] = *s;
	}
	out[n++] = '\'';
	out[n] = '\0';
	return out;
}
