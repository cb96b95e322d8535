/*
 * db_sqlite_numbers: assize_numbers(x), an aggregate: struct db_numbers as a blob.
 *
 * One call a row instead of the eight or more that count, sum, extremes and moments take, each of
 * which would decode the column again; and what those cannot say exactly, this does.
 *
 * Source: https://sqlite.org/appfunc.html, https://sqlite.org/c3ref/aggregate_context.html.
 */
#include "runner/base/arena.h"
#include "runner/io/db_numbers.h"
#include "runner/io/db_sqlite.h"

static void on_value(sqlite3_context *ctx, int n_args, sqlite3_value **args)
{
	struct db_numbers *t = sqlite3_aggregate_context(ctx, sizeof(*t)); /* zeros at first */

	(void)n_args; /* registered with one */
	if (!t)
		oom();
	switch (sqlite3_value_type(args[0])) {
	case SQLITE_INTEGER:
		db_numbers_add_integer(t, sqlite3_value_int64(args[0]));
		return;
	case SQLITE_FLOAT:
		db_numbers_add_real(t, sqlite3_value_double(args[0]));
		return;
	case SQLITE_NULL:
		return;
	default:
		t->n_others++;
	}
}

static void on_end(sqlite3_context *ctx)
{
	static const struct db_numbers none;
	struct db_numbers *t = sqlite3_aggregate_context(ctx, 0);

	if (t)
		db_numbers_close(t);
	sqlite3_result_blob(ctx, t ? t : &none, sizeof(*t), SQLITE_TRANSIENT);
}

int sqlite_add_numbers(struct sqlite_db *s)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;

	return sqlite3_create_function_v2(s->handle, "assize_numbers", 1, flags, NULL, NULL,
					  on_value, on_end, NULL) == SQLITE_OK
		       ? 0
		       : -1;
}
