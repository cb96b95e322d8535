/*
 * scan_sql: the statements of a scan.
 *
 * Every statement counts the rows it aggregates, so that a share is a share of the rows of the same
 * snapshot, also when the terms had to be split. When nothing but extremes of the whole table is
 * asked, each becomes a subquery of its own: the engine then answers from an index, if there is
 * one, instead of reading the table. What needs a statement of its own is in scan_alone.c.
 *
 * Counts, sums, means and deviations of one expression come from the same few columns, its numbers,
 * on SQLite and MySQL, and of PostgreSQL's integers: see scan_merge.c.
 */
#include <stdlib.h>
#include <string.h>

#include "audits/scan_internal.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/io/db_dialect.h"
#include "runner/model/kind.h"

static bool is_row_count(const struct scan_term *t)
{
	return t->how == SCAN_COUNT && strcmp(t->expression, "*") == 0;
}

bool scan_has_numbers(const struct scan *s, const struct scan_term *t)
{
	if (!t->operand->is_numbers || is_row_count(t) || t->is_whole || s->is_plain)
		return false;
	if (s->engine == DB_SQLITE)
		return t->how != SCAN_COUNT_IF && t->how < SCAN_DISTINCT;
	if (t->how == SCAN_OTHERS)
		return s->engine == DB_MYSQL && scan_is_numeric(t);
	/* PostgreSQL shares the work of sum, mean and deviation by itself, but for integers. */
	if (s->engine != DB_MYSQL && (s->engine != DB_POSTGRES || !scan_is_integer(t)))
		return false;
	return t->how == SCAN_COUNT || t->how == SCAN_SUM || t->how == SCAN_AVG ||
	       t->how == SCAN_STDDEV;
}

/* count, sum, variance; the latter two less the center */
static size_t number_columns(const struct scan *s, const struct scan_operand *o)
{
	return s->engine == DB_SQLITE ? 1 : o->has_deviation ? 3 : 2;
}

size_t scan_columns(const struct scan_batch *b, size_t i)
{
	const struct scan_term *t = b->terms[i];

	if (is_row_count(t))
		return 0;
	if (!scan_has_numbers(b->scan, t))
		return 1;
	if (i > 0 && b->terms[i - 1]->operand == t->operand &&
	    scan_has_numbers(b->scan, b->terms[i - 1]))
		return 0;
	return number_columns(b->scan, t->operand);
}

size_t scan_all_columns(const struct scan_batch *b)
{
	size_t n = b->scan->spec->by.n + 1;

	for (size_t i = 0; i < b->n; i++)
		n += scan_columns(b, i);
	return n;
}

/* What may stand in one statement: terms that share alike. */
enum sharing { SHARES_PARTS, SHARES_WHOLE, SHARES_NOTHING };

struct scan_place {
	struct scan_term *term;
	enum sharing sharing;
	size_t first; /* the index of the first term it stands with */
};

static enum sharing sharing_of(const struct scan *s, const struct scan_term *t)
{
	bool is_extreme = t->how == SCAN_MIN || t->how == SCAN_MAX;

	if (scan_is_alone(s, t))
		return SHARES_NOTHING;
	if (!s->key || t->is_whole || t->how == SCAN_DISTINCT)
		return SHARES_WHOLE;
	if (is_extreme && !scan_has_numbers(s, t) && !scan_is_numeric(t) && !scan_is_bytewise(s, t))
		return SHARES_WHOLE;
	return SHARES_PARTS;
}

/* Terms that share alike, and of those the ones that share numbers, stand together. */
static int by_place(const void *a, const void *b)
{
	const struct scan_place *x = a, *y = b;

	if (x->sharing != y->sharing)
		return x->sharing < y->sharing ? -1 : 1;
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->term->index < y->term->index ? -1 : 1;
}

struct scan_term **scan_in_order(const struct scan *s)
{
	struct arena *a = s->probe->arena;
	struct scan_term **terms = arena_array(a, s->n, sizeof(struct scan_term *));
	struct scan_place *places = arena_array(a, s->n, sizeof(*places));
	size_t *first = arena_array(a, s->n_operands, sizeof(*first));

	memset(first, 0xff, s->n_operands * sizeof(*first));
	for (size_t i = 0; i < s->n; i++) {
		struct scan_term *t = s->terms[i];
		size_t *of_numbers = &first[t->operand->index];

		places[i] = (struct scan_place){t, sharing_of(s, t), t->index};
		if (!scan_has_numbers(s, t))
			continue;
		if (*of_numbers > i)
			*of_numbers = i;
		places[i].first = *of_numbers;
	}
	if (s->n > 0)
		qsort(places, s->n, sizeof(*places), by_place);
	for (size_t i = 0; i < s->n; i++)
		terms[i] = places[i].term;
	return terms;
}

struct scan_batch scan_batch_of(struct scan *s, struct scan_term **terms, size_t n,
				size_t max_columns)
{
	enum sharing sharing = sharing_of(s, terms[0]);
	struct scan_batch b = {
		.scan = s,
		.shape = s->has_only_extremes ? SCAN_EXTREMES : SCAN_TOGETHER,
		.is_split = sharing == SHARES_PARTS,
		.terms = terms,
	};
	size_t used = s->spec->by.n + 1; /* the keys and the count */

	if (sharing == SHARES_NOTHING) {
		b.shape = SCAN_ALONE;
		b.n = scan_alone_together(terms, n);
		return b;
	}
	while (b.n < n && sharing_of(s, terms[b.n]) == sharing) {
		used += scan_columns(&b, b.n);
		if (used > max_columns)
			break;
		b.n++;
	}
	return b;
}

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
	scan_put_shown(s->engine, s->table, column, out);
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

/* What all terms of the expression are made of. */
static void put_numbers(const struct scan *s, const struct scan_term *t, struct buf *out)
{
	if (s->engine == DB_SQLITE) {
		put_call(out, "assize_numbers", t->expression);
		return;
	}
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

static void put_term(const struct scan_batch *b, const struct scan_term *t, struct buf *out)
{
	const struct scan *s = b->scan;

	if (scan_has_numbers(s, t)) {
		put_numbers(s, t, out);
		return;
	}
	switch (t->how) {
	case SCAN_COUNT:
		put_call(out, "count", t->expression);
		return;
	case SCAN_COUNT_IF:
		(void)buf_printf(out, "count(CASE WHEN (\n%s\n) THEN 1 END)", scan_condition(s, t));
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
		if (scan_columns(b, i) == 0)
			continue;
		(void)buf_puts(out, ", ");
		put_term(b, b->terms[i], out);
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
		put_term(b, b->terms[i], out);
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
