/*
 * db_reading_token: SQL text as tokens; private to the db_reading files.
 *
 * Nothing is copied: a token points into the text. After TOKEN_BAD, problem says what is wrong, in
 * words that follow "cannot run the query: ".
 */
#ifndef ASSIZE_IO_DB_READING_TOKEN_H
#define ASSIZE_IO_DB_READING_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/io/db.h"

enum token_type {
	TOKEN_END = 0,
	TOKEN_BAD,
	TOKEN_WORD,	   /* keyword or unquoted name */
	TOKEN_NAME,	   /* quoted name; at and len without the quotes */
	TOKEN_TEXT,	   /* literal, without the quotes */
	TOKEN_NUMBER,	   /* digits, with an exponent if there is one: never a point */
	TOKEN_PLACEHOLDER, /* ?12; at and len are the digits */
	TOKEN_MARK,	   /* any other character */
};

struct token {
	enum token_type type;
	const char *at;
	size_t len;
};

struct tokens {
	enum db_engine engine;
	const char *at; /* where the next token or a blank before it begins */
	const char *problem;
};

struct token token_next(struct tokens *t);

bool token_is_word(const struct token *t, const char *word); /* whatever the case */
bool token_is_mark(const struct token *t, char mark);

#endif
