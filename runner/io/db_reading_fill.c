/*
 * db_reading_fill: parameters as literals, and names in other quotes.
 *
 * Where backslashes are read in different ways, a parameter with one is refused.
 */
#include <stdint.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/io/db_reading.h"
#include "runner/io/db_reading_token.h"

#define MAX_SQL_BYTES (4 * 1024 * 1024)

/* The next placeholder; number counts from 1. TOKEN_END = no more. */
static struct token next_placeholder(struct tokens *t, size_t *number)
{
	for (;;) {
		struct token now = token_next(t);
		int64_t n;

		if (now.type == TOKEN_BAD)
			now.type = TOKEN_END;
		if (now.type == TOKEN_END)
			return now;
		if (now.type != TOKEN_PLACEHOLDER || num_parse_int(now.at, now.len, &n) != 0)
			continue;
		*number = (size_t)n;
		return now;
	}
}

/* The caller looks at the buffer once, at the end. */
static void put_literal(enum db_engine engine, struct buf *out, const char *text)
{
	(void)buf_putc(out, '\'');
	for (const char *c = text; *c; c++) {
		if (*c == '\'' || (*c == '\\' && engine == DB_MYSQL))
			(void)buf_putc(out, *c);
		(void)buf_putc(out, *c);
	}
	(void)buf_putc(out, '\'');
}

int db_reading_fill(enum db_engine engine, struct buf *out, const char *sql, size_t len,
		    const char *const *params, size_t n_params, struct err *e)
{
	struct tokens t = {.engine = engine, .at = sql};
	const char *from = sql;
	size_t number;

	buf_init(out, MAX_SQL_BYTES);
	for (;;) {
		struct token now = next_placeholder(&t, &number);

		if (now.type == TOKEN_END)
			break;
		if (number < 1 || number > n_params)
			return err_set(e, ERR_MEASURE, "cannot run the query: ?%zu has no value",
				       number);
		if (engine != DB_MYSQL && strchr(params[number - 1], '\\'))
			return err_set(e, ERR_MEASURE,
				       "cannot run the query: a parameter with a backslash is read "
				       "differently by engines");
		(void)buf_add(out, from, (size_t)(now.at - 1 - from));
		put_literal(engine, out, params[number - 1]);
		from = now.at + now.len;
	}
	if (from < sql + len)
		(void)buf_add(out, from, (size_t)(sql + len - from));
	if (!out->is_full)
		return 0;
	return err_set(e, ERR_MEASURE, "cannot run the query: it is longer than 4 MiB");
}

void db_reading_requote(enum db_engine engine, struct buf *out, const char *sql, char mark)
{
	struct tokens t = {.engine = engine, .at = sql};
	const char *from = sql;
	struct token now;

	buf_init(out, MAX_SQL_BYTES);
	while ((now = token_next(&t)).type != TOKEN_END && now.type != TOKEN_BAD) {
		if (now.type != TOKEN_NAME || now.at[-1] != '"' || mark == '"')
			continue;
		/* The caller looks at the buffer once, at the end. */
		(void)buf_add(out, from, (size_t)(now.at - 1 - from));
		(void)buf_putc(out, mark);
		for (size_t i = 0; i < now.len; i++) {
			if (now.at[i] == mark)
				(void)buf_putc(out, mark);
			if (now.at[i] == '"')
				i++; /* doubled */
			(void)buf_putc(out, now.at[i]);
		}
		(void)buf_putc(out, mark);
		from = t.at;
	}
	(void)buf_puts(out, from);
}
