/*
 * db_sqlite_numbers: aggregates of our own, whose results are bytes for whoever asked.
 *
 * assize_numbers(asked, x, y, ...): a struct db_numbers for each value behind asked, in one blob.
 * asked has a letter for each: n = all that is told of numbers; c = how many are not NULL, as
 * n_others. One call a row for all columns of a table: count, sum, extremes and moments of each
 * would be eight, and each would decode its column again; and what those cannot say exactly, this
 * does.
 *
 * assize_distinct(x): a struct db_distinct's bytes, or NULL when it is full.
 *
 * Source: https://sqlite.org/appfunc.html, https://sqlite.org/c3ref/aggregate_context.html.
 */
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/io/db_distinct.h"
#include "runner/io/db_numbers.h"
#include "runner/io/db_sqlite.h"

static void add_value(struct db_numbers *t, sqlite3_value *value)
{
	switch (sqlite3_value_type(value)) {
	case SQLITE_INTEGER:
		db_numbers_add_integer(t, sqlite3_value_int64(value));
		return;
	case SQLITE_FLOAT:
		db_numbers_add_real(t, sqlite3_value_double(value));
		return;
	case SQLITE_NULL:
		return;
	default:
		t->n_others++;
	}
}

struct columns {
	size_t n;
	struct db_numbers items[];
};

static void on_numbers(sqlite3_context *ctx, int n_args, sqlite3_value **args)
{
	size_t n = (size_t)n_args - 1;
	struct columns *all = sqlite3_aggregate_context(
		ctx, (int)(sizeof(*all) + n * sizeof(all->items[0]))); /* zeros at first */
	const unsigned char *asked = sqlite3_value_text(args[0]);

	if (!all || !asked)
		oom();
	all->n = n;
	for (size_t i = 0; i < n; i++) {
		if (asked[i] != 'c')
			add_value(&all->items[i], args[i + 1]);
		else if (sqlite3_value_type(args[i + 1]) != SQLITE_NULL)
			all->items[i].n_others++;
	}
}

static void on_numbers_end(sqlite3_context *ctx)
{
	struct columns *all = sqlite3_aggregate_context(ctx, 0);

	if (!all) { /* there was no row */
		sqlite3_result_zeroblob(ctx, 0);
		return;
	}
	for (size_t i = 0; i < all->n; i++)
		db_numbers_close(&all->items[i]);
	sqlite3_result_blob64(ctx, all->items, all->n * sizeof(all->items[0]), SQLITE_TRANSIENT);
}

/* ---- distinct values ---- */

static void on_distinct(sqlite3_context *ctx, int n_args, sqlite3_value **args)
{
	struct db_distinct **d = sqlite3_aggregate_context(ctx, sizeof(struct db_distinct *));
	sqlite3_value *x = args[0];

	(void)n_args; /* registered with one */
	if (!d)
		oom();
	if (!*d)
		*d = db_distinct_new();
	switch (sqlite3_value_type(x)) {
	case SQLITE_INTEGER:
		db_distinct_add_integer(*d, sqlite3_value_int64(x));
		return;
	case SQLITE_FLOAT:
		db_distinct_add_real(*d, sqlite3_value_double(x));
		return;
	case SQLITE_TEXT: {
		const unsigned char *text = sqlite3_value_text(x); /* before its length is asked */

		if (!text)
			oom();
		db_distinct_add_bytes(*d, true, text, (size_t)sqlite3_value_bytes(x));
		return;
	}
	case SQLITE_BLOB: {
		const void *blob = sqlite3_value_blob(x);

		db_distinct_add_bytes(*d, false, blob, (size_t)sqlite3_value_bytes(x));
		return;
	}
	default:
		return;
	}
}

/* SQLite calls it once for each aggregate that has begun, also when the statement fails. */
static void on_distinct_end(sqlite3_context *ctx)
{
	struct db_distinct **d = sqlite3_aggregate_context(ctx, 0);
	struct buf out;

	if (!d || !*d) {
		sqlite3_result_zeroblob(ctx, 0);
		return;
	}
	buf_init(&out, BUF_UNBOUNDED); /* a full one is small */
	db_distinct_write(*d, &out);
	if (!db_distinct_is_full(*d))
		sqlite3_result_blob64(ctx, out.data, out.len, SQLITE_TRANSIENT);
	buf_release(&out);
	db_distinct_free(*d);
	*d = NULL;
}

int sqlite_add_numbers(struct sqlite_db *s)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;

	if (sqlite3_create_function_v2(s->handle, "assize_numbers", -1, flags, NULL, NULL,
				       on_numbers, on_numbers_end, NULL) != SQLITE_OK)
		return -1;
	return sqlite3_create_function_v2(s->handle, "assize_distinct", 1, flags, NULL, NULL,
					  on_distinct, on_distinct_end, NULL) == SQLITE_OK
		       ? 0
		       : -1;
}
