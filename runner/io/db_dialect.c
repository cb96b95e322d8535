/*
 * db_dialect: one small function a fragment, one branch an engine.
 *
 * Literals: '' is a quote everywhere. A backslash escapes in MySQL unless NO_BACKSLASH_ESCAPES is
 * set, and in PostgreSQL when standard_conforming_strings is off; text that has one is therefore
 * written in a form that has one meaning only: E'' in PostgreSQL, hexadecimal in MySQL. Behind ODBC
 * either may stand, so there it is refused.
 *
 * Patterns: PostgreSQL's "." matches a line break and its "$" only the very end. The others get
 * (?s), and an end without backslashes: a place where no character follows, (?!.).
 */
#include "runner/io/db_dialect.h"

#include <string.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"

/* What a number looks like as text, for columns that hold numbers as text. */
#define NUMBER_PATTERN "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?"

/* MySQL: a column that is a number or a time, not a text (it coerces least readily of all). */
#define MYSQL_IS_NO_TEXT "(coercibility(%s) = 5)"

static void put_quoted(struct buf *out, const char *prefix, const char *text,
		       bool doubles_backslash)
{
	(void)buf_printf(out, "%s'", prefix);
	for (const char *s = text; *s; s++) {
		if (*s == '\'' || (*s == '\\' && doubles_backslash))
			(void)buf_putc(out, *s);
		(void)buf_putc(out, *s);
	}
	(void)buf_putc(out, '\'');
}

int dialect_literal(enum db_engine engine, struct buf *out, const char *text, struct err *e)
{
	if (!strchr(text, '\\')) {
		put_quoted(out, "", text, false);
		return 0;
	}
	switch (engine) {
	case DB_SQLITE:
		put_quoted(out, "", text, false);
		return 0;
	case DB_POSTGRES:
		put_quoted(out, "E", text, true);
		return 0;
	case DB_MYSQL:
		(void)buf_puts(out, "_utf8mb4 X'");
		for (const char *s = text; *s; s++)
			(void)buf_printf(out, "%02x", (unsigned)(unsigned char)*s);
		(void)buf_putc(out, '\'');
		return 0;
	case DB_ODBC:
		break;
	}
	return err_set(e, ERR_MEASURE,
		       "cannot write \"%s\" through ODBC: what a backslash means there is unknown",
		       text);
}

void dialect_text(enum db_engine engine, struct buf *out, const char *x)
{
	switch (engine) {
	case DB_SQLITE:
	case DB_POSTGRES:
		(void)buf_printf(out, "CAST(%s AS text)", x);
		return;
	case DB_MYSQL:
		(void)buf_printf(out, "CONVERT(%s USING utf8mb4)", x);
		return;
	case DB_ODBC:
		(void)buf_printf(out, "CAST(%s AS VARCHAR(4000))", x);
		return;
	}
}

void dialect_exact(enum db_engine engine, struct buf *out, const char *x)
{
	switch (engine) {
	case DB_SQLITE:
		(void)buf_printf(out, "CAST(%s AS text) COLLATE BINARY", x);
		return;
	case DB_POSTGRES:
		(void)buf_printf(out, "CAST(%s AS text) COLLATE \"C\"", x);
		return;
	case DB_MYSQL:
		(void)buf_printf(out, "CAST(CONVERT(%s USING utf8mb4) AS BINARY)", x);
		return;
	case DB_ODBC:
		dialect_text(engine, out, x);
		return;
	}
}

void dialect_exact_ascii(enum db_engine engine, struct buf *out, const char *x)
{
	if (engine == DB_MYSQL)
		(void)buf_printf(out, "CAST(%s AS BINARY)", x);
	else
		dialect_exact(engine, out, x);
}

void dialect_length(enum db_engine engine, struct buf *out, const char *x,
		    enum dialect_content content)
{
	switch (engine) {
	case DB_SQLITE: /* a text would end at its first NUL */
		(void)buf_printf(out,
				 "CASE WHEN typeof(%s) = 'blob' THEN length(%s) "
				 "WHEN instr(%s, char(0)) > 0 THEN length(CAST(%s AS BLOB)) "
				 "ELSE length(CAST(%s AS text)) END",
				 x, x, x, x, x);
		return;
	case DB_POSTGRES: /* the text of bytea is \\x and two digits a byte; NULL beside a domain
			   * makes it what it is of */
		if (content == DIALECT_TEXT || content == DIALECT_INTEGER ||
		    content == DIALECT_NUMBER) {
			(void)buf_printf(out, "char_length(CAST(%s AS text))", x);
			return;
		}
		(void)buf_printf(out,
				 "CASE WHEN pg_catalog.pg_typeof(coalesce(%s, NULL)) = "
				 "CAST('pg_catalog.bytea' AS pg_catalog.regtype) "
				 "THEN (char_length(CAST(%s AS text)) - 2) / 2 "
				 "ELSE char_length(CAST(%s AS text)) END",
				 x, x, x);
		return;
	case DB_MYSQL:
	case DB_ODBC:
		break;
	}
	(void)buf_puts(out, "char_length(");
	if (engine == DB_MYSQL && content == DIALECT_TEXT)
		(void)buf_puts(out, x);
	else
		dialect_text(engine, out, x);
	(void)buf_putc(out, ')');
}

/* The pattern between before and after, as a literal. */
static int put_pattern(enum db_engine engine, struct buf *out, const char *before,
		       const char *pattern, const char *after, struct err *e)
{
	struct buf whole;

	buf_init(&whole, BUF_UNBOUNDED); /* the definition is bounded */
	(void)buf_printf(&whole, "%s%s%s", before, pattern, after);
	int rc = dialect_literal(engine, out, whole.data, e);

	buf_release(&whole);
	return rc;
}

static int put_match(enum db_engine engine, struct buf *out, const char *x, const char *pattern,
		     bool is_all, struct err *e)
{
	switch (engine) {
	case DB_SQLITE: /* its options are those wanted: db_sqlite_matches.c */
		(void)buf_puts(out, "assize_matches(");
		(void)put_pattern(engine, out, is_all ? "^(?:" : "", pattern, is_all ? ")$" : "",
				  NULL); /* any text can be written */
		(void)buf_printf(out, ", %s)", x);
		return 0;
	case DB_POSTGRES:
		(void)buf_puts(out, "CAST(");
		(void)buf_printf(out, "%s AS text) COLLATE \"C\" ~ ", x);
		return put_pattern(engine, out, is_all ? "^(?:" : "", pattern, is_all ? ")$" : "",
				   e);
	case DB_MYSQL:
		(void)buf_printf(out, "CONVERT(%s USING utf8mb4) COLLATE utf8mb4_bin REGEXP ", x);
		return put_pattern(engine, out, is_all ? "(?s)^(?:" : "(?s)", pattern,
				   is_all ? ")(?!.)" : "", e);
	case DB_ODBC:
		break;
	}
	return err_set(e, ERR_MEASURE,
		       "cannot match a pattern through ODBC: the standard it speaks has none");
}

int dialect_matches(enum db_engine engine, struct buf *out, const char *x, const char *pattern,
		    struct err *e)
{
	return put_match(engine, out, x, pattern, false, e);
}

int dialect_is_all(enum db_engine engine, struct buf *out, const char *x, const char *pattern,
		   struct err *e)
{
	return put_match(engine, out, x, pattern, true, e);
}

/* Numbers stored as text are compared as numbers, where the engine would guess. */
static void put_number_bound(enum db_engine engine, struct buf *out, const char *x,
			     enum dialect_content content, char sign, const char *bound)
{
	if (engine == DB_MYSQL && (content == DIALECT_INTEGER || content == DIALECT_NUMBER)) {
		(void)buf_printf(out, "%s %c %s", x, sign, bound);
		return;
	}
	switch (engine) {
	case DB_SQLITE: /* any type in any row: a text would be larger than every number */
		(void)buf_printf(
			out,
			"CASE typeof(%s) WHEN 'integer' THEN %s %c %s WHEN 'real' THEN %s %c %s "
			"WHEN 'null' THEN NULL ELSE NOT (",
			x, x, sign, bound, x, sign, bound);
		(void)put_match(engine, out, x, NUMBER_PATTERN, true, NULL); /* cannot fail here */
		(void)buf_printf(out, ") OR CAST(%s AS NUMERIC) %c %s END", x, sign, bound);
		return;
	case DB_MYSQL: /* 'abc' would be 0 */
		(void)buf_printf(out, "CASE WHEN " MYSQL_IS_NO_TEXT " THEN %s %c %s ELSE NOT (", x,
				 x, sign, bound);
		(void)put_match(engine, out, x, NUMBER_PATTERN, true, NULL); /* cannot fail here */
		(void)buf_printf(out, ") OR %s + 0e0 %c %s END", x, sign, bound);
		return;
	case DB_POSTGRES: /* refuses to compare a text with a number */
		(void)buf_printf(out, "%s %c %s", x, sign, bound);
		if (sign == '<' && content != DIALECT_INTEGER) /* NaN is above every number there */
			(void)buf_printf(out, " OR CAST(%s AS text) = 'NaN'", x);
		return;
	case DB_ODBC:
		(void)buf_printf(out, "%s %c %s", x, sign, bound);
		return;
	}
}

static int put_bound(enum db_engine engine, struct buf *out, const char *x,
		     enum dialect_content content, char sign, const char *bound, struct err *e)
{
	double number;

	if (num_parse_real(bound, strlen(bound), &number) == 0) {
		put_number_bound(engine, out, x, content, sign, bound);
		return 0;
	}
	/* SQLite compares a number with a text by type, so that none would be above. */
	if (engine == DB_SQLITE)
		(void)buf_printf(out, "(typeof(%s) NOT IN ('text', 'null') OR ", x);
	(void)buf_printf(out, "%s %c ", x, sign);
	if (dialect_literal(engine, out, bound, e) != 0)
		return -1;
	if (engine == DB_SQLITE)
		(void)buf_putc(out, ')');
	return 0;
}

int dialect_is_below(enum db_engine engine, struct buf *out, const char *x,
		     enum dialect_content content, const char *bound, struct err *e)
{
	return put_bound(engine, out, x, content, '<', bound, e);
}

int dialect_is_above(enum db_engine engine, struct buf *out, const char *x,
		     enum dialect_content content, const char *bound, struct err *e)
{
	return put_bound(engine, out, x, content, '>', bound, e);
}

bool dialect_is_no_number(enum db_engine engine, struct buf *out, const char *x)
{
	switch (engine) {
	case DB_SQLITE:
		/* Numbers sort before every text, texts before blobs; typeof() costs twice as much.
		 */
		(void)buf_printf(out, "%s >= ''", x);
		return true;
	case DB_MYSQL:
		/* A date or a time is a number where one is wanted: 20260102. */
		(void)buf_printf(out,
				 "%s IS NOT NULL AND (NOT " MYSQL_IS_NO_TEXT
				 " OR %s LIKE '____-__-__%%' OR %s LIKE '%%:%%:%%')",
				 x, x, x, x);
		return true;
	case DB_POSTGRES:
	case DB_ODBC:
		break;
	}
	return false;
}

void dialect_limit(enum db_engine engine, struct buf *out, int64_t n)
{
	if (engine != DB_ODBC)
		(void)buf_printf(out, " LIMIT %lld", (long long)n);
}
