/* db_sqlite_sql: a tokenizer after https://sqlite.org/lang_keywords.html and tokenize.c's rules. */
#include "runner/io/db_sqlite_sql.h"

#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* Bytes above ASCII are letters to SQLite. */
static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static const char *skip_gap(const char *s)
{
	for (;;) {
		if (is_space(*s)) {
			s++;
		} else if (s[0] == '-' && s[1] == '-') {
			s += strcspn(s, "\n");
		} else if (s[0] == '/' && s[1] == '*') {
			const char *end = strstr(s + 2, "*/");

			s = end ? end + 2 : s + strlen(s);
		} else {
			return s;
		}
	}
}

/* Behind the closing quote; a doubled one is part of the text (not in brackets). */
static const char *skip_quoted(const char *s, char close)
{
	for (s++; *s; s++) {
		if (*s != close)
			continue;
		if (close == ']' || s[1] != close)
			return s + 1;
		s++;
	}
	return s;
}

void sql_step(struct sql_reader *r)
{
	const char *s = skip_gap(r->next), *end = s + 1;
	enum sql_token_type type = SQL_MARK;

	switch (*s) {
	case '\0':
		type = SQL_END;
		end = s;
		break;
	case '\'':
		type = SQL_TEXT;
		end = skip_quoted(s, '\'');
		break;
	case '"':
	case '`':
		type = SQL_NAME;
		end = skip_quoted(s, *s);
		break;
	case '[':
		type = SQL_NAME;
		end = skip_quoted(s, ']');
		break;
	default:
		if (!is_letter(*s))
			break;
		type = SQL_WORD;
		while (is_letter(*end))
			end++;
	}
	r->token = (struct sql_token){.type = type, .start = s, .n = (size_t)(end - s)};
	r->next = end;
}

void sql_begin(struct sql_reader *r, const char *sql)
{
	r->next = sql;
	sql_step(r);
}

bool sql_is(const struct sql_reader *r, const char *word)
{
	const struct sql_token *t = &r->token;

	return (t->type == SQL_WORD || t->type == SQL_MARK) && strlen(word) == t->n &&
	       strncasecmp(t->start, word, t->n) == 0;
}

bool sql_follows(const struct sql_reader *r, const char *word)
{
	struct sql_reader ahead = *r;

	sql_step(&ahead);
	return sql_is(&ahead, word);
}

bool sql_accept(struct sql_reader *r, const char *word)
{
	if (!sql_is(r, word))
		return false;
	sql_step(r);
	return true;
}

const char *sql_name(const struct sql_reader *r, struct arena *a)
{
	const struct sql_token *t = &r->token;

	if (t->type != SQL_NAME && t->type != SQL_TEXT)
		return arena_strndup(a, t->start, t->n);
	char close = *t->start == '[' ? ']' : *t->start;
	char *name = arena_alloc(a, t->n + 1);
	size_t n = 0;

	for (size_t i = 1; i + 1 < t->n; i++) {
		name[n++] = t->start[i];
		if (t->start[i] == close)
			i++; /* the second of a doubled quote */
	}
	name[n] = '\0';
	return name;
}

/* Comments are kept out and white space runs become one space, but never inside quotes. */
static const char *tidy(struct arena *a, const char *start, const char *end)
{
	char *out = arena_alloc(a, (size_t)(end - start) + 1);
	struct sql_reader r;
	const char *behind = NULL;
	size_t n = 0;

	for (sql_begin(&r, start); r.token.type != SQL_END && r.token.start < end; sql_step(&r)) {
		if (behind && behind != r.token.start)
			out[n++] = ' ';
		memcpy(out + n, r.token.start, r.token.n);
		n += r.token.n;
		behind = r.token.start + r.token.n;
	}
	out[n] = '\0';
	return out;
}

const char *sql_since(const struct sql_reader *r, const char *start, struct arena *a)
{
	return tidy(a, start, r->token.start);
}

const char *sql_parenthesis(struct sql_reader *r, struct arena *a)
{
	size_t depth = 0;

	if (!sql_is(r, "("))
		return NULL;
	const char *start = r->next;

	for (; r->token.type != SQL_END; sql_step(r)) {
		if (sql_is(r, "("))
			depth++;
		else if (sql_is(r, ")") && --depth == 0)
			break;
	}
	const char *text = tidy(a, start, r->token.start);

	(void)sql_accept(r, ")");
	return text;
}
