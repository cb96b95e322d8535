/*
 * scan_center: a whole number near the mean of what is deviated from.
 *
 * MySQL's and MariaDB's own deviations make doubles of all values and keep the mean as one: of
 * integers beyond 2^53 nothing true is left, and little of values that differ by a millionth of
 * themselves. PostgreSQL's deviation of a bigint is exact and slow; that of the same as doubles is
 * as MySQL's. The deviation of the differences to a whole number near the mean is the same, and the
 * differences are small. The number is the average of the first 1,000 rows, when it is more than
 * 2^20 of their deviations; else it is 0, and the price of a subtraction is saved. That the other
 * rows may be closer together does no harm: the first ones are a part of the deviation of all, so
 * that it is at most sqrt(rows / 1,000) times smaller than theirs.
 */
#include <math.h>

#include "audits/scan_internal.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/model/kind.h"

struct centers {
	struct scan_operand **operands;
	size_t n;
};

static void take_center(struct scan_operand *o, const struct db_value *v)
{
	if (v->type == DB_INT)
		o->center = v->integer;
	else if (v->type == DB_REAL && fabs(v->real) < 0x1p62)
		o->center = (int64_t)v->real;
}

static int take_centers(void *ctx, const struct db_row *row, struct err *e)
{
	const struct centers *c = ctx;

	(void)e;
	for (size_t i = 0; i < c->n && i < row->n; i++)
		take_center(c->operands[i], &row->values[i]);
	return 0;
}

static bool has_center(const struct scan *s, const struct scan_term *t)
{
	if (t->how != SCAN_STDDEV)
		return false;
	return s->engine == DB_MYSQL || (scan_is_bigint(s, t) && scan_has_numbers(s, t));
}

static void put_question(const struct scan *s, const char *expression, struct buf *out)
{
	(void)buf_printf(out,
			 "(SELECT CASE WHEN abs(avg(x)) > 1048576 * stddev_pop(x)"
			 " THEN round(avg(x)) END FROM (SELECT\n%s\nAS x",
			 expression);
	scan_put_source(s, NULL, out);
	(void)buf_puts(out, " LIMIT 1000) AS q)");
}

void scan_find_centers(const struct scan_batch *b, struct db *db)
{
	const struct scan *s = b->scan;
	struct centers all = {.n = 0};
	struct buf sql;

	all.operands = arena_array(s->probe->arena, b->n, sizeof(struct scan_operand *));
	buf_init(&sql, BUF_UNBOUNDED); /* the definition is bounded */
	(void)buf_puts(&sql, "SELECT ");
	for (size_t i = 0; i < b->n; i++) {
		if (!has_center(s, b->terms[i]))
			continue;
		(void)buf_puts(&sql, all.n > 0 ? ", " : "");
		put_question(s, b->terms[i]->expression, &sql);
		all.operands[all.n++] = b->terms[i]->operand;
	}
	/* Without an answer they stay 0; what cannot be asked says so when its sums are. */
	if (all.n > 0)
		(void)db_query(db, sql.data, NULL, 0, s->probe->deadline_ms, take_centers, &all,
			       NULL);
	buf_release(&sql);
}

/* In DECIMAL, which neither overflows nor minds a sign. */
void scan_put_centered(const struct scan_operand *o, const char *expression, struct buf *out)
{
	if (o->center == 0)
		(void)buf_printf(out, "\n%s\n", expression); /* a comment may end it */
	else
		(void)buf_printf(out, "(\n%s\n) - (%lld.0)", expression, (long long)o->center);
}
