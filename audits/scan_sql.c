/*
 * scan_sql: the statements of a scan.
 *
 * Every statement counts the rows it aggregates, so that a share is a share of the rows of the same
 * snapshot, also when the terms had to be split. When nothing but extremes of the whole table is
 * asked, each becomes a subquery of its own: the engine then answers from an index, if there is
 * one, instead of reading the table. What needs a statement of its own is in scan_alone.c.
 */
#include <string.h>

#include "audits/column.h"
#include "audits/scan_internal.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/io/db_dialect.h"
#include "runner/model/kind.h"

/* ---- pieces; the caller looks at the buffer once, at the end ---- */

void scan_put_source(const struct scan *s, const char *range, struct buf *out)
{
	(void)buf_puts(out, " FROM ");
	const char *and = " WHERE ";

	db_quote_table(s->engine, out, s->spec->table);
	if (s->sample_source)
		(void)buf_puts(out, s->sample_source);
	if (!range)
		range = s->sample_condition; /* a sample is not divided */
	if (range) {
		(void)buf_printf(out, "%s%s", and, range);
		and = " AND ";
	}
	/* On lines of its own: a comment at its end must not swallow the parenthesis. */
	if (s->spec->where)
		(void)buf_printf(out, "%s(\n%s\n)", and, s->spec->where);
}

/*
 * What a column of by: is grouped and told by: its text, compared byte by byte. The engine's own
 * comparison may call two spellings one, and then nobody knows which of the two it answers with.
 */
void scan_put_key(const struct scan *s, const char *column, struct buf *out)
{
	const char *before = "", *behind = "";

	switch (s->engine) {
	case DB_SQLITE:
		behind = " COLLATE BINARY";
		break;
	case DB_POSTGRES:
		before = "CAST(";
		behind = " AS text) COLLATE \"C\"";
		break;
	case DB_MYSQL:
		before = "CAST(CONVERT(";
		behind = " USING utf8mb4) AS BINARY)";
		break;
	case DB_ODBC:
		break;
	}
	(void)buf_puts(out, before);
	column_put_shown(s->engine, s->table, column, out);
	(void)buf_puts(out, behind);
}

/* " GROUP BY key, key" */
static void put_grouping(const struct scan *s, struct buf *out)
{
	for (size_t i = 0; i < s->spec->by.n; i++) {
		(void)buf_puts(out, i == 0 ? " GROUP BY " : ", ");
		scan_put_key(s, s->spec->by.items[i], out);
	}
}

/* What may hold a comment stands on lines of its own: see scan_put_source(). */
static void put_call(struct buf *out, const char *function, const char *expression)
{
	const char *gap = strpbrk(expression, "-/#") ? "\n" : "";

	(void)buf_printf(out, "%s(%s%s%s)", function, gap, expression, gap);
}

/*
 * SQLite has no standard deviation. This one is for people who ask again by hand; from the mean,
 * because squares of the values themselves would cancel out.
 */
static void put_deviation(const struct scan *s, const struct scan_term *t, struct buf *out)
{
	struct buf d;

	buf_init(&d, BUF_UNBOUNDED); /* the definition is bounded */
	(void)buf_printf(&d, "((\n%s\n) - (SELECT avg(\n%s\n)", t->expression, t->expression);
	scan_put_source(s, NULL, &d);
	(void)buf_puts(&d, "))");
	(void)buf_printf(out, "sqrt((total(%s * %s) - total(%s) * avg(%s)) / (count(\n%s\n) - 1))",
			 d.data, d.data, d.data, d.data, t->expression);
	buf_release(&d);
}

static void put_condition(const struct scan *s, const struct scan_term *t, struct buf *out)
{
	(void)buf_printf(out, "CASE WHEN (\n%s\n) THEN 1 END", scan_condition(s, t));
}

static bool asks_numbers(const struct scan_term *t)
{
	return t->operand->is_numbers && t->how != SCAN_COUNT_IF;
}

/* All cells that the column of the term at i tells: see db_sqlite_numbers.c. */
static void put_all_numbers(const struct scan_batch *b, size_t i, struct buf *out)
{
	size_t column = b->spots[i].column;

	(void)buf_puts(out, "assize_numbers('");
	for (size_t k = i; k < b->n && b->spots[k].column == column; k++)
		if (b->spots[k].is_first)
			(void)buf_putc(out, asks_numbers(b->terms[k]) ? 'n' : 'c');
	(void)buf_putc(out, '\'');
	for (size_t k = i; k < b->n && b->spots[k].column == column; k++) {
		const struct scan_term *t = b->terms[k];
		const char *gap = strpbrk(t->expression, "-/#") ? "\n" : "";

		if (!b->spots[k].is_first)
			continue;
		(void)buf_puts(out, ", ");
		if (t->how == SCAN_COUNT_IF)
			put_condition(b->scan, t, out);
		else
			(void)buf_printf(out, "%s%s%s", gap, t->expression, gap);
	}
	(void)buf_putc(out, ')');
}

/* What all terms of the expression are made of. */
static void put_numbers(const struct scan *s, const struct scan_term *t, struct buf *out)
{
	put_call(out, "count", t->expression);
	(void)buf_puts(out, ", ");
	if (!t->operand->has_deviation) {
		put_call(out, "sum", t->expression);
		return;
	}
	(void)buf_puts(out, "sum(");
	scan_put_centered(t->operand, t->expression, out);
	(void)buf_puts(out, "), var_pop(");
	if (scan_is_bigint(s, t) && t->operand->center == 0)
		(void)buf_printf(out, "CAST(%s AS double precision)", t->expression);
	else
		scan_put_centered(t->operand, t->expression, out);
	(void)buf_putc(out, ')');
}

static void put_term(const struct scan_batch *b, size_t i, struct buf *out)
{
	const struct scan *s = b->scan;
	const struct scan_term *t = b->terms[i];

	if (scan_has_numbers(s, t)) {
		if (s->engine == DB_SQLITE)
			put_all_numbers(b, i, out);
		else
			put_numbers(s, t, out);
		return;
	}
	switch (t->how) {
	case SCAN_COUNT:
		put_call(out, "count", t->expression);
		return;
	case SCAN_COUNT_IF:
		(void)buf_puts(out, "count(");
		put_condition(s, t, out);
		(void)buf_putc(out, ')');
		return;
	case SCAN_OTHERS:
		(void)buf_puts(out, "count(CASE WHEN ");
		(void)dialect_is_no_number(s->engine, out, t->expression);
		(void)buf_puts(out, " THEN 1 END)");
		return;
	case SCAN_SUM:
		put_call(out, "sum", t->expression);
		return;
	case SCAN_MIN:
	case SCAN_MAX:
		put_call(out, t->how == SCAN_MIN ? "min" : "max", t->expression);
		if (scan_is_float(s, t))
			(void)buf_puts(out, " + 0e0");
		if (scan_is_bit(s, t))
			(void)buf_puts(out, " + 0");
		return;
	case SCAN_AVG:
		put_call(out, "avg", t->expression);
		return;
	case SCAN_STDDEV:
		if (s->engine == DB_SQLITE)
			put_deviation(s, t, out);
		else
			put_call(out, s->engine == DB_ODBC ? "STDEV" : "stddev_samp",
				 t->expression);
		return;
	case SCAN_DISTINCT:
		if (scan_has_distinct(s, t))
			put_call(out, "assize_distinct", t->expression);
		else
			(void)buf_printf(out, "count(DISTINCT (\n%s\n))", t->expression);
		return;
	case SCAN_REPEATED:
	case SCAN_PERCENTILE:
		return; /* statements of their own */
	}
}

/* ---- statements ---- */

static void put_together(const struct scan_batch *b, const char *range, struct buf *out)
{
	const struct scan *s = b->scan;

	(void)buf_puts(out, "SELECT ");
	for (size_t i = 0; i < s->spec->by.n; i++) {
		scan_put_key(s, s->spec->by.items[i], out);
		(void)buf_puts(out, ", ");
	}
	(void)buf_puts(out, "count(*)");
	for (size_t i = 0; i < b->n; i++) {
		if (b->spots[i].n_columns == 0)
			continue;
		(void)buf_puts(out, ", ");
		put_term(b, i, out);
	}
	scan_put_source(s, range, out);
	put_grouping(s, out);
}

static void put_extremes(const struct scan_batch *b, struct buf *out)
{
	(void)buf_puts(out, "SELECT CASE WHEN EXISTS (SELECT 1");
	scan_put_source(b->scan, NULL, out);
	(void)buf_puts(out, ") THEN 1 ELSE 0 END");
	for (size_t i = 0; i < b->n; i++) {
		(void)buf_puts(out, ", (SELECT ");
		put_term(b, i, out);
		scan_put_source(b->scan, NULL, out);
		(void)buf_putc(out, ')');
	}
}

const char *scan_statement(const struct scan_batch *b, const char *range)
{
	struct buf out;
	const char *text;

	buf_init(&out, BUF_UNBOUNDED); /* the definition is bounded */
	switch (b->shape) {
	case SCAN_TOGETHER:
		put_together(b, range, &out);
		break;
	case SCAN_EXTREMES:
		put_extremes(b, &out);
		break;
	case SCAN_ALONE:
		scan_put_alone(b, &out);
		break;
	}
	text = arena_strndup(b->scan->probe->arena, out.data, out.len);
	buf_release(&out);
	return text;
}
