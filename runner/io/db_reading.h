/*
 * db_reading: is a text one statement that only reads? For engines that have no authorizer.
 *
 * A tokenizer, not a parser: it knows where words, names, texts and comments begin and end exactly
 * as the engine does, and refuses every statement that does not begin like a query, every word and
 * function that would write, lock, wait or run something, and every construct it could read
 * differently from the engine. It is the second line: the first is a role without the privilege to
 * write. A name that is one of the refused words must be quoted.
 *
 * DB_MYSQL is read with backslash escapes, "..." as text, and # comments: the sql_mode which the
 * driver sets. For DB_ODBC the dialect is not known, so whatever two dialects would read in two
 * ways is refused. Other engines have better means and do not use this.
 */
#ifndef ASSIZE_IO_DB_READING_H
#define ASSIZE_IO_DB_READING_H

#include <stddef.h>

#include "runner/io/db.h"

struct buf;
struct err;

/* -1: refused, with the reason. len (may be NULL): the statement without the ';' behind it. */
int db_reading_check(enum db_engine engine, const char *sql, size_t *len, struct err *e);

/*
 * Appends len bytes of a statement to out, which is initialised here and the caller's to release,
 * with each placeholder ?1, ?2, ... replaced by its parameter as a literal: these clients have
 * none, or none with numbers.
 */
int db_reading_fill(enum db_engine engine, struct buf *out, const char *sql, size_t len,
		    const char *const *params, size_t n_params, struct err *e);

/* The statement in out, as above, with names in double quotes in marks instead. */
void db_reading_requote(enum db_engine engine, struct buf *out, const char *sql, char mark);

#endif
