/*
 * db_sqlite_sql: SQL text as words; private to the db_sqlite files.
 *
 * Comments and white space are passed over. Nothing is owned: a token is a piece of the text.
 */
#ifndef ASSIZE_IO_DB_SQLITE_SQL_H
#define ASSIZE_IO_DB_SQLITE_SQL_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum sql_token_type { SQL_END = 0, SQL_WORD, SQL_NAME, SQL_TEXT, SQL_MARK };

/* WORD: unquoted, also numbers; NAME: "quoted", `quoted` or [quoted]; TEXT: 'literal'; MARK: one
 * byte of anything else. */
struct sql_token {
	enum sql_token_type type;
	const char *start;
	size_t n;
};

struct sql_reader {
	const char *next;	/* the text after the token */
	struct sql_token token; /* the present one */
};

void sql_begin(struct sql_reader *r, const char *sql); /* at the first token */
void sql_step(struct sql_reader *r);
bool sql_is(const struct sql_reader *r, const char *word);	/* ASCII case apart; or one mark */
bool sql_follows(const struct sql_reader *r, const char *word); /* the same of the next token */
bool sql_accept(struct sql_reader *r, const char *word);	/* step over it if it is there */
/* At "(": steps behind its ")" and gives the trimmed text between them. Else NULL. */
const char *sql_parenthesis(struct sql_reader *r, struct arena *a);
/* The token as a name, without quotes. */
const char *sql_name(const struct sql_reader *r, struct arena *a);
/* The text from a token up to where the reader is now, trimmed, white space runs one space. */
const char *sql_since(const struct sql_reader *r, const char *start, struct arena *a);

#endif
