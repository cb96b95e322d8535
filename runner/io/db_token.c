/* db_token: what two of the lexers find, in one form; PostgreSQL's has its own way to do it. */
#include "runner/io/db_token.h"

#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/db_catalog_build.h"
#include "runner/io/db_reading_token.h"
#include "runner/io/db_sqlite_sql.h"

void db_token_add(struct db_tokens *t, const struct db_token *token)
{
	t->items = db_array_grow(t->arena, t->items, t->n, sizeof(*t->items));
	t->items[t->n++] = *token;
}

bool db_token_is_word(const struct db_token *t, const char *word)
{
	return t->type == DB_TOKEN_WORD && strlen(word) == t->len &&
	       strncasecmp(t->at, word, t->len) == 0;
}

bool db_token_is_mark(const struct db_token *t, char mark)
{
	return t->type == DB_TOKEN_MARK && *t->at == mark;
}

bool db_token_is_name(const struct db_token *t)
{
	return t->type == DB_TOKEN_WORD || t->type == DB_TOKEN_NAME;
}

/* i - 1 of 0 is beyond the last, too. */
const struct db_token *db_token_at(const struct db_tokens *t, size_t i)
{
	static const struct db_token none;

	return i < t->n ? &t->items[i] : &none;
}

bool db_mark_at(const struct db_tokens *t, size_t i, char mark)
{
	return db_token_is_mark(db_token_at(t, i), mark);
}

bool db_word_at(const struct db_tokens *t, size_t i, const char *word)
{
	return db_token_is_word(db_token_at(t, i), word);
}

bool db_one_of_at(const struct db_tokens *t, size_t i, const char *const *words)
{
	for (; *words; words++)
		if (db_word_at(t, i, *words))
			return true;
	return false;
}

/* ---- SQLite ---- */

int sqlite_tokens(struct db_tokens *out, const char *sql, size_t n_params, struct err *e)
{
	static const enum db_token_type types[] = {
		[SQL_WORD] = DB_TOKEN_WORD,
		[SQL_NAME] = DB_TOKEN_NAME,
		[SQL_TEXT] = DB_TOKEN_TEXT,
		[SQL_MARK] = DB_TOKEN_MARK,
	};
	struct sql_reader r;

	(void)n_params;
	(void)e;
	for (sql_begin(&r, sql); r.token.type != SQL_END; sql_step(&r)) {
		struct db_token t = {types[r.token.type], r.token.start, r.token.n, NULL};

		if (t.type == DB_TOKEN_WORD && *t.at >= '0' && *t.at <= '9')
			t.type = DB_TOKEN_OTHER;
		else if (t.type != DB_TOKEN_MARK)
			t.name = sql_name(&r, out->arena);
		db_token_add(out, &t);
	}
	return 0;
}

/* ---- MySQL, and what is behind ODBC ---- */

/* The text between quotes, where a doubled quote is one. */
static const char *unquote(struct arena *a, const char *text, size_t n, char quote)
{
	char *name = arena_alloc(a, n + 1);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		name[kept++] = text[i];
		if (text[i] == quote)
			i++; /* doubled */
	}
	name[kept] = '\0';
	return name;
}

static struct db_token of_reading(struct arena *a, const struct token *t)
{
	struct db_token out = {DB_TOKEN_OTHER, t->at, t->len, NULL};

	switch (t->type) {
	case TOKEN_WORD:
		out.type = DB_TOKEN_WORD;
		out.name = arena_strndup(a, t->at, t->len);
		break;
	case TOKEN_NAME:
	case TOKEN_TEXT:
		out.type = t->type == TOKEN_NAME ? DB_TOKEN_NAME : DB_TOKEN_TEXT;
		out.name = unquote(a, t->at, t->len, t->at[-1]);
		out.at--;
		out.len += 2;
		break;
	case TOKEN_MARK:
		out.type = DB_TOKEN_MARK;
		break;
	case TOKEN_PLACEHOLDER:
	case TOKEN_NUMBER:
	case TOKEN_END:
	case TOKEN_BAD:
		break;
	}
	return out;
}

static int reading_tokens(enum db_engine engine, struct db_tokens *out, const char *sql,
			  struct err *e)
{
	struct tokens tokens = {.engine = engine, .at = sql};
	struct token t;

	while ((t = token_next(&tokens)).type != TOKEN_END) {
		if (t.type == TOKEN_BAD)
			return err_set(e, ERR_MEASURE, "cannot run the query: %s", tokens.problem);
		struct db_token found = of_reading(out->arena, &t);

		db_token_add(out, &found);
	}
	return 0;
}

int mysql_tokens(struct db_tokens *out, const char *sql, size_t n_params, struct err *e)
{
	(void)n_params;
	return reading_tokens(DB_MYSQL, out, sql, e);
}

int odbc_tokens(struct db_tokens *out, const char *sql, size_t n_params, struct err *e)
{
	(void)n_params;
	return reading_tokens(DB_ODBC, out, sql, e);
}
