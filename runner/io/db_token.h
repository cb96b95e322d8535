/*
 * db_token: a statement as its engine's lexer reads it; for the db files of this room, and
 * db_tokens_of() for the others.
 *
 * Each engine has a lexer of its own, for what it is good for there (db_sqlite_sql.h, db_reading.h,
 * db_postgres_statement.c). This is what they have in common, for who looks for names in a
 * statement of any engine (db_shadow_text.h).
 */
#ifndef ASSIZE_IO_DB_TOKEN_H
#define ASSIZE_IO_DB_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/io/db_catalog.h"

struct arena;
struct err;

enum db_token_type {
	DB_TOKEN_OTHER = 0, /* a number, a placeholder */
	DB_TOKEN_WORD,	    /* keyword or unquoted name */
	DB_TOKEN_NAME,	    /* quoted name */
	DB_TOKEN_TEXT,	    /* literal; SQLite takes one for a name where only a name can stand */
	DB_TOKEN_MARK,	    /* any other character */
};

struct db_token {
	enum db_token_type type;
	const char *at; /* in the statement, with its quotes */
	size_t len;
	/* WORD, NAME and TEXT: without quotes, words folded as the engine folds names; else NULL.
	 * Escapes of a text are as they were written. */
	const char *name;
};

struct db_tokens {
	struct arena *arena;
	struct db_token *items;
	size_t n;
};

void db_token_add(struct db_tokens *t, const struct db_token *token);

/*
 * The tokens of a statement of an engine, for who only looks for names in it; placeholders are
 * none. -1: the engine reads it in no one way.
 */
int db_tokens_of(enum db_engine engine, struct db_tokens *out, const char *sql, struct err *e);

/* Of db_driver.tokens: SQLite's never fails. */
int sqlite_tokens(struct db_tokens *out, const char *sql, size_t n_params, struct err *e);
int mysql_tokens(struct db_tokens *out, const char *sql, size_t n_params, struct err *e);
int odbc_tokens(struct db_tokens *out, const char *sql, size_t n_params, struct err *e);

bool db_token_is_word(const struct db_token *t, const char *word); /* whatever the case */
bool db_token_is_mark(const struct db_token *t, char mark);
bool db_token_is_name(const struct db_token *t); /* WORD or NAME */

/* Token i; before the first and behind the last there is one without text, of no kind. */
const struct db_token *db_token_at(const struct db_tokens *t, size_t i);
bool db_mark_at(const struct db_tokens *t, size_t i, char mark);
bool db_word_at(const struct db_tokens *t, size_t i, const char *word);
bool db_one_of_at(const struct db_tokens *t, size_t i, const char *const *words); /* NULL ends */

#endif
