/*
 * scan_alone: questions that would spoil the statement they share with others.
 *
 * Distinct and repeated values are counted by a GROUP BY: COUNT(DISTINCT) would turn off
 * PostgreSQL's parallel workers for everything beside it, and takes SQLite five times as long when
 * there are millions. On MySQL it is the other way round, and it shares its statement: 2,000,000
 * reals take 2.3 s there, and 20 s by GROUP BY. So it does on SQLite as long as there are few
 * values, which has to be tried: scan_has_distinct(). Percentiles sort all values of an expression,
 * once for all percentiles of it: PostgreSQL by percentile_cont(), the others by numbering the
 * sorted rows and picking two neighbours.
 *
 * Each counts the rows it reads as well, in the same snapshot. Names are given in an inner SELECT,
 * because an expression that is a number would group by place.
 */
#include <string.h>

#include "audits/scan_internal.h"
#include "runner/base/buf.h"

/* "k1, k2, " */
static void put_keys(const struct scan *s, struct buf *out)
{
	for (size_t i = 0; i < s->spec->by.n; i++)
		(void)buf_printf(out, "k%zu, ", i + 1);
}

static void put_grouping(const struct scan *s, struct buf *out)
{
	for (size_t i = 0; i < s->spec->by.n; i++)
		(void)buf_printf(out, "%sk%zu", i == 0 ? " GROUP BY " : ", ", i + 1);
}

/* "(SELECT key AS k1, ": the columns to follow. */
static void put_named_keys(const struct scan *s, struct buf *out)
{
	(void)buf_puts(out, "(SELECT ");
	for (size_t i = 0; i < s->spec->by.n; i++) {
		scan_put_key(s, s->spec->by.items[i], out);
		(void)buf_printf(out, " AS k%zu, ", i + 1);
	}
}

/* A sum of counts is no integer everywhere. */
static void put_count(const struct scan *s, const char *sum, struct buf *out)
{
	(void)buf_printf(out, "CAST(coalesce(sum(%s), 0) AS %s)", sum,
			 s->engine == DB_MYSQL ? "SIGNED" : "BIGINT");
}

static void put_distinct(const struct scan *s, const struct scan_term *t, struct buf *out)
{
	(void)buf_puts(out, "SELECT ");
	put_keys(s, out);
	put_count(s, "n", out);
	(void)buf_puts(out, ", count(v) FROM (SELECT ");
	put_keys(s, out);
	(void)buf_puts(out, "v, count(*) AS n FROM ");
	put_named_keys(s, out);
	(void)buf_printf(out, "\n%s\nAS v", t->expression);
	scan_put_source(s, NULL, out);
	(void)buf_puts(out, ") AS q GROUP BY ");
	put_keys(s, out);
	(void)buf_puts(out, "v) AS g");
	put_grouping(s, out);
}

/* "v1, v2" */
static void put_values(const struct scan_term *t, struct buf *out)
{
	for (size_t i = 0; i < t->columns->n; i++)
		(void)buf_printf(out, "%sv%zu", i > 0 ? ", " : "", i + 1);
}

static void put_repeated(const struct scan *s, const struct scan_term *t, struct buf *out)
{
	(void)buf_puts(out, "SELECT ");
	put_keys(s, out);
	put_count(s, "n", out);
	(void)buf_puts(out, ", ");
	put_count(s, "beyond", out);
	(void)buf_puts(out, " FROM (SELECT ");
	put_keys(s, out);
	(void)buf_puts(out, "count(*) AS n, CASE WHEN ");
	for (size_t i = 0; i < t->columns->n; i++)
		(void)buf_printf(out, "%sv%zu IS NOT NULL", i > 0 ? " AND " : "", i + 1);
	(void)buf_puts(out, " THEN count(*) - 1 ELSE 0 END AS beyond FROM ");
	put_named_keys(s, out);
	for (size_t i = 0; i < t->columns->n; i++) {
		(void)buf_puts(out, i > 0 ? ", " : "");
		db_quote(s->engine, out, t->columns->items[i]);
		(void)buf_printf(out, " AS v%zu", i + 1);
	}
	scan_put_source(s, NULL, out);
	(void)buf_puts(out, ") AS q GROUP BY ");
	put_keys(s, out);
	put_values(t, out);
	(void)buf_puts(out, ") AS g");
	put_grouping(s, out);
}

/* ---- percentiles ---- */

/* They share one sort: PostgreSQL 11 and later keep one state for equal arguments. */
static void put_percentile_cont(const struct scan_batch *b, struct buf *out)
{
	const struct scan *s = b->scan;

	(void)buf_puts(out, "SELECT ");
	put_keys(s, out);
	(void)buf_puts(out, "count(*)");
	for (size_t i = 0; i < b->n; i++)
		(void)buf_printf(out, ", percentile_cont(%d / 100e0) WITHIN GROUP (ORDER BY v)",
				 b->terms[i]->percent);
	(void)buf_puts(out, " FROM ");
	put_named_keys(s, out);
	(void)buf_printf(out, "\n%s\nAS v", b->terms[0]->expression);
	scan_put_source(s, NULL, out);
	(void)buf_puts(out, ") AS q");
	put_grouping(s, out);
}

/*
 * Of n sorted values the one at (n - 1) * percent / 100, counted from 0: its whole part finds the
 * row, its fraction says how far towards the next. NULLs sort before all values, so that the first
 * value is row a - n + 1. The arithmetic is of integers until the end, and then of decimals where
 * the engine has such: doubles do not tell integers beyond 2^53 apart.
 */
static void put_interpolated(const struct scan *s, const struct scan_term *t, struct buf *out)
{
	const char *hundred = s->engine == DB_MYSQL ? "100.0" : "100e0";
	int p = t->percent;

	(void)buf_printf(out,
			 ", sum(CASE r - (a - n) - 1 - ((n - 1) * %d - (n - 1) * %d %% 100) / 100 "
			 "WHEN 0 THEN v * (1 - ((n - 1) * %d %% 100) / %s) "
			 "WHEN 1 THEN v * (((n - 1) * %d %% 100) / %s) END)",
			 p, p, p, hundred, p, hundred);
}

static void put_over(const struct scan *s, const char *order, struct buf *out)
{
	(void)buf_puts(out, " OVER (");
	for (size_t i = 0; i < s->spec->by.n; i++)
		(void)buf_printf(out, "%sk%zu", i == 0 ? "PARTITION BY " : ", ", i + 1);
	(void)buf_printf(out, "%s%s)", s->spec->by.n > 0 && *order ? " " : "", order);
}

static void put_numbered(const struct scan_batch *b, struct buf *out)
{
	const struct scan *s = b->scan;

	(void)buf_puts(out, "SELECT ");
	put_keys(s, out);
	(void)buf_puts(out, "coalesce(max(a), 0)");
	for (size_t i = 0; i < b->n; i++)
		put_interpolated(s, b->terms[i], out);
	(void)buf_puts(out, " FROM (SELECT ");
	put_keys(s, out);
	(void)buf_puts(out, "v, row_number()");
	put_over(s, "ORDER BY v", out);
	(void)buf_puts(out, " AS r, count(v)");
	put_over(s, "", out);
	(void)buf_puts(out, " AS n, count(*)");
	put_over(s, "", out);
	(void)buf_puts(out, " AS a FROM ");
	put_named_keys(s, out);
	(void)buf_printf(out, "\n%s\nAS v", b->terms[0]->expression);
	scan_put_source(s, NULL, out);
	(void)buf_puts(out, ") AS q) AS w");
	put_grouping(s, out);
}

bool scan_is_alone(const struct scan *s, const struct scan_term *t)
{
	if (t->how == SCAN_DISTINCT)
		return s->engine != DB_MYSQL && !scan_has_distinct(s, t);
	return t->how > SCAN_DISTINCT;
}

size_t scan_alone_together(struct scan_term *const *terms, size_t n)
{
	size_t together = 1;

	if (terms[0]->how != SCAN_PERCENTILE)
		return 1;
	while (together < n && terms[together]->how == SCAN_PERCENTILE &&
	       strcmp(terms[together]->expression, terms[0]->expression) == 0)
		together++;
	return together;
}

void scan_put_alone(const struct scan_batch *b, struct buf *out)
{
	if (b->terms[0]->how == SCAN_DISTINCT)
		put_distinct(b->scan, b->terms[0], out);
	else if (b->terms[0]->how == SCAN_REPEATED)
		put_repeated(b->scan, b->terms[0], out);
	else if (b->scan->engine == DB_POSTGRES)
		put_percentile_cont(b, out);
	else
		put_numbered(b, out);
}
