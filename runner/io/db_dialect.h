/*
 * db_dialect: SQL that the engines write differently, as text; no session is needed.
 *
 * `x` is SQL that stands for itself: a quoted name, or an expression in parentheses. Everything is
 * appended to out, which the caller looks at once, at the end. NULL gives NULL.
 *
 * The fragments mean the same on every engine: comparing is by bytes (MySQL's own collations take
 * "A" for "a" and "a " for "a"), a pattern sees case, its "." sees line breaks, lengths are
 * characters. Where an engine cannot, the function is -1 with ERR_MEASURE and the reason: undecided
 * is the answer then.
 *
 * ODBC stands for SQL-92, whatever is behind it.
 */
#ifndef ASSIZE_IO_DB_DIALECT_H
#define ASSIZE_IO_DB_DIALECT_H

#include <stdbool.h>
#include <stdint.h>

#include "runner/io/db.h"

struct buf;
struct err;

/*
 * What the column that x stands for is declared to hold, when that is known: MySQL then needs fewer
 * conversions, on a large table a good part of its time.
 */
enum dialect_content {
	DIALECT_ANYTHING,
	DIALECT_TEXT,	 /* of a character set that writes ASCII, and nothing else, as ASCII */
	DIALECT_INTEGER, /* written in one way only: no ZEROFILL */
	DIALECT_NUMBER,	 /* another one */
};
#define DIALECT_N_CONTENTS (DIALECT_NUMBER + 1)

/* A text literal, safe whatever the server's rules on backslashes are. */
int dialect_literal(enum db_engine engine, struct buf *out, const char *text, struct err *e);

/* x as text, as the engine writes it. */
void dialect_text(enum db_engine engine, struct buf *out, const char *x);

/* x as text that is compared byte by byte. */
void dialect_exact(enum db_engine engine, struct buf *out, const char *x);

/* As dialect_exact(), of a column of DIALECT_TEXT, to be compared with nothing but ASCII. */
void dialect_exact_ascii(enum db_engine engine, struct buf *out, const char *x);

/* How many characters x has as text; of SQLite's blobs and PostgreSQL's bytea the bytes. */
void dialect_length(enum db_engine engine, struct buf *out, const char *x,
		    enum dialect_content content);

/*
 * Does the pattern match somewhere in the text of x? The pattern is the engine's own kind, near
 * enough to one another for what a table holds: PCRE2 (SQLite, through assize_matches(), and
 * MariaDB), ICU (MySQL), POSIX with extensions (PostgreSQL). None of them takes part in any locale.
 */
int dialect_matches(enum db_engine engine, struct buf *out, const char *x, const char *pattern,
		    struct err *e);

/*
 * As dialect_matches(), but the pattern matches the whole text; a line break at the end belongs to
 * the text (PCRE2's and ICU's "$" would overlook it).
 */
int dialect_is_all(enum db_engine engine, struct buf *out, const char *x, const char *pattern,
		   struct err *e);

/*
 * Is x outside of a bound, x < bound or x > bound? A number is compared as a number, and what is no
 * number is outside; any other bound is compared as the engine compares the column's type with that
 * text (dates as dates).
 */
int dialect_is_below(enum db_engine engine, struct buf *out, const char *x,
		     enum dialect_content content, const char *bound, struct err *e);
int dialect_is_above(enum db_engine engine, struct buf *out, const char *x,
		     enum dialect_content content, const char *bound, struct err *e);

/*
 * A condition that holds for values that are no numbers, not for NULL. False, and nothing, where
 * the engine itself refuses to reckon with them.
 */
bool dialect_is_no_number(enum db_engine engine, struct buf *out, const char *x);

/* " LIMIT n"; "" on ODBC, where the reader stops by itself. */
void dialect_limit(enum db_engine engine, struct buf *out, int64_t n);

#endif
