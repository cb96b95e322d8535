/*
 * distribution_ask: the statements.
 *
 * Categories are compared byte by byte, whatever the column's collation takes for equal. Rows for
 * which the baseline's condition and the check's both hold are the check's: the baseline never
 * contains what is tested.
 */
#include "audits/distribution.h"

#include <math.h>
#include <string.h>

#include "audits/column.h"
#include "audits/database.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/db_dialect.h"
#include "runner/model/kind.h"

#define NOT_A_NUMBER (-1)

/* ---- cells ---- */

void distribution_init(struct distribution *d, struct arena *a, const struct distribution_spec *s)
{
	*d = (struct distribution){.arena = a, .edges = s->edges, .n_edges = s->n_edges};
	map_init(&d->by_name, a);
}

struct distribution_cell *distribution_cell(struct distribution *d, const char *name)
{
	/* Cells move as they grow in number, so the map holds their place. */
	size_t *at = map_get(&d->by_name, name);

	if (at)
		return &d->cells[*at];
	if (d->n == d->cap) {
		struct distribution_cell *old = d->cells;

		d->cap = d->cap == 0 ? 16 : d->cap * 2;
		d->cells = arena_array(d->arena, d->cap, sizeof(*d->cells));
		if (d->n > 0)
			memcpy(d->cells, old, d->n * sizeof(*d->cells));
	}
	d->cells[d->n].name = name;
	at = arena_alloc(d->arena, sizeof(*at));
	*at = d->n;
	(void)map_put(&d->by_name, name, at); /* it was not there */
	return &d->cells[d->n++];
}

/* "< 0", "0..10", ">= 10" */
static const char *bin_name(const struct distribution *d, int64_t bin)
{
	char low[NUM_REAL_MAX], high[NUM_REAL_MAX];
	size_t i = (size_t)bin;

	if (bin < 0)
		return "not a number";
	if (i > 0)
		(void)num_format_real(d->edges[i - 1], low);
	if (i < d->n_edges)
		(void)num_format_real(d->edges[i], high);
	if (i == 0)
		return arena_printf(d->arena, "< %s", high);
	if (i >= d->n_edges)
		return arena_printf(d->arena, ">= %s", low);
	return arena_printf(d->arena, "%s..%s", low, high);
}

static const char *category_name(struct arena *a, const struct db_value *v)
{
	char number[NUM_REAL_MAX];
	struct buf b;
	const char *name;

	if (v->type == DB_INT)
		return arena_printf(a, "%lld", (long long)v->integer);
	if (v->type == DB_REAL) {
		(void)num_format_real(v->real, number);
		return arena_strdup(a, number);
	}
	if (v->len == 4 && memcmp(v->text, "NULL", 4) == 0)
		return "'NULL'"; /* the word, not its absence */
	if (str_is_utf8(v->text, v->len) && !memchr(v->text, '\0', v->len))
		return arena_strndup(a, v->text, v->len);
	buf_init(&b, BUF_UNBOUNDED); /* four times a value */
	str_escape(&b, v->text, v->len);
	name = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return name;
}

/* ---- SQL ---- */

/* A number in a bin, or what has the category's name as its text. */
static void put_value(struct buf *b, enum db_engine engine, const struct distribution_spec *s,
		      const struct db_table *table, bool is_number)
{
	/* The line break ends a comment in the user's text. */
	if (!s->column)
		(void)buf_printf(b, "(%s\n)", s->expression);
	else if (is_number)
		column_put_compared(engine, table, s->column, b);
	else
		column_put_shown(engine, table, s->column, b);
}

/* The number of the bin, NULL for NULL. */
static void put_bin(struct buf *b, enum db_engine engine, const char *x,
		    const struct distribution *d, bool is_single)
{
	char number[NUM_REAL_MAX];

	(void)buf_printf(b, "CASE WHEN %s IS NULL THEN NULL", x);
	/* To SQLite every text is larger than every number. */
	if (engine == DB_SQLITE)
		(void)buf_printf(b, " WHEN typeof(%s) NOT IN ('integer', 'real') THEN %d", x,
				 NOT_A_NUMBER);
	for (size_t i = 0; i < d->n_edges; i++) {
		(void)num_format_real(is_single ? column_single_below(d->edges[i]) : d->edges[i],
				      number);
		(void)buf_printf(b, " WHEN %s < %s THEN %zu", x, number, i);
	}
	/* NaN is above every number there: only what reaches the last bin is looked at. */
	if (engine == DB_POSTGRES)
		(void)buf_printf(b, " WHEN CAST(%s AS text) = 'NaN' THEN %d", x, NOT_A_NUMBER);
	(void)buf_printf(b, " ELSE %zu END", d->n_edges);
}

static void put_rows(struct buf *b, enum db_engine engine, const struct distribution_spec *s)
{
	(void)buf_puts(b, " FROM ");
	db_quote_table(engine, b, s->table);
	if (s->where && s->baseline_where)
		(void)buf_printf(b, " WHERE ((%s\n) OR (%s\n))", s->where, s->baseline_where);
	else if (s->where)
		(void)buf_printf(b, " WHERE (%s\n)", s->where);
}

const char *distribution_sql(struct arena *a, enum db_engine engine,
			     const struct distribution_spec *s, const struct distribution *d)
{
	struct buf b, x;
	const char *sql;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	buf_init(&x, BUF_UNBOUNDED);
	put_value(&x, engine, s, d->table, d->n_edges > 0);
	(void)buf_puts(&b, "SELECT cell, side, count(*) FROM (SELECT ");
	if (d->n_edges > 0)
		put_bin(&b, engine, x.data, d,
			s->column && column_is_single(engine, d->table, s->column));
	else
		dialect_exact(engine, &b, x.data);
	(void)buf_puts(&b, " AS cell, ");
	if (!s->baseline_where)
		(void)buf_puts(&b, "0");
	else if (s->where)
		(void)buf_printf(&b, "CASE WHEN (%s\n) THEN 0 ELSE 1 END", s->where);
	else
		(void)buf_printf(&b, "CASE WHEN (%s\n) THEN 1 ELSE 0 END", s->baseline_where);
	(void)buf_puts(&b, " AS side");
	put_rows(&b, engine, s);
	(void)buf_puts(&b, ") AS q GROUP BY cell, side");
	sql = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	buf_release(&x);
	return sql;
}

/* The rows that edges are taken from: the baseline's, or all when there is none (capturing). */
const char *distribution_edges_sql(struct arena *a, enum db_engine engine,
				   const struct distribution_spec *s, const struct db_table *table)
{
	struct buf b, x, where;
	const char *sql;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	buf_init(&x, BUF_UNBOUNDED);
	buf_init(&where, BUF_UNBOUNDED);
	put_value(&x, engine, s, table, true);
	(void)buf_printf(&where, " WHERE %s IS NOT NULL", x.data);
	if (engine == DB_SQLITE)
		(void)buf_printf(&where, " AND typeof(%s) IN ('integer', 'real')", x.data);
	if (engine == DB_POSTGRES)
		(void)buf_printf(&where, " AND CAST(%s AS text) <> 'NaN'", x.data);
	if (s->baseline_where)
		(void)buf_printf(&where, " AND (%s\n)", s->baseline_where);
	if (s->baseline_where && s->where)
		(void)buf_printf(&where, " AND CASE WHEN (%s\n) THEN 0 ELSE 1 END = 1", s->where);
	else if (s->where)
		(void)buf_printf(&where, " AND (%s\n)", s->where);
	if (s->bins.equal > 0)
		(void)buf_printf(&b, "SELECT min(%s), max(%s) FROM ", x.data, x.data);
	else
		(void)buf_printf(&b,
				 "SELECT bin, min(x) FROM (SELECT %s AS x, ntile(%lld) OVER "
				 "(ORDER BY %s) AS bin FROM ",
				 x.data, (long long)s->bins.quantiles, x.data);
	db_quote_table(engine, &b, s->table);
	(void)buf_puts(&b, where.data);
	if (s->bins.equal == 0)
		(void)buf_puts(&b, ") AS q GROUP BY bin ORDER BY bin");
	sql = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	buf_release(&x);
	buf_release(&where);
	return sql;
}

/* ---- asking ---- */

struct asking {
	struct distribution *d;
	const struct distribution_spec *spec;
	double low; /* the smallest value, of quantiles */
};

static int number_of(const struct db_value *v, double *out, struct err *e)
{
	if (v->type == DB_INT)
		*out = (double)v->integer;
	else if (v->type == DB_REAL)
		*out = v->real;
	else if (v->type == DB_NULL)
		return err_set(e, ERR_MEASURE, "there is no row to take the edges of bins from");
	else
		return err_set(e, ERR_MEASURE, "only numbers can be put into bins");
	return 0;
}

static int take_range(void *ctx, const struct db_row *row, struct err *e)
{
	const struct asking *q = ctx;
	struct distribution *d = q->d;
	size_t n = (size_t)q->spec->bins.equal;
	double low = 0, high = 0;

	if (number_of(&row->values[0], &low, e) != 0 || number_of(&row->values[1], &high, e) != 0)
		return -1;
	if (!isfinite(low) || !isfinite(high))
		return err_set(e, ERR_MEASURE,
			       "a value is infinite: there are no bins of equal width");
	if (!(low < high))
		return err_set(e, ERR_MEASURE,
			       "all values are the same: they cannot be put into bins");
	d->edges = arena_array(d->arena, n - 1, sizeof(*d->edges));
	for (size_t i = 1; i < n; i++)
		d->edges[d->n_edges++] = low + (high - low) * ((double)i / (double)n);
	return 0;
}

static int take_quantile(void *ctx, const struct db_row *row, struct err *e)
{
	struct asking *q = ctx;
	struct distribution *d = q->d;
	double edge = 0;

	if (number_of(&row->values[1], &edge, e) != 0)
		return -1;
	if (!d->edges)
		d->edges = arena_array(d->arena, DISTRIBUTION_MAX_BINS, sizeof(*d->edges));
	if (row->values[0].integer == 1)
		q->low = edge;
	/* Many equal values fill more than one: bins that are none are left out. */
	else if (edge > (d->n_edges > 0 ? d->edges[d->n_edges - 1] : q->low))
		d->edges[d->n_edges++] = edge;
	return 0;
}

static int find_edges(struct probe *p, struct db *db, const struct distribution_spec *s,
		      struct distribution *d, struct err *e)
{
	struct asking q = {.d = d, .spec = s};
	const char *sql = distribution_edges_sql(p->arena, db_engine(db), s, d->table);

	if (db_query(db, sql, NULL, 0, p->deadline_ms,
		     s->bins.equal > 0 ? take_range : take_quantile, &q, e) != 0)
		return database_explain(p, db, s->table, e);
	if (d->n_edges > 0)
		return 0;
	return err_set(e, ERR_MEASURE,
		       d->edges ? "all values are the same: they cannot be put into bins"
				: "there is no row to take the edges of bins from");
}

/* What was accepted in parentheses may have closed them. */
static int check_closed(struct probe *p, struct db *db, const struct distribution_spec *s,
			struct err *e)
{
	const char *const conditions[] = {s->where, s->baseline_where};
	struct buf b;
	bool is_one = true;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	db_quote_table(db_engine(db), &b, s->table);
	const char *source = arena_strndup(p->arena, b.data, b.len);

	buf_release(&b);
	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++)
		is_one = is_one &&
			 (!conditions[i] || database_is_condition(db, source, conditions[i]));
	if (!is_one)
		return err_set(e, ERR_MEASURE, "the filter is not one condition");
	if (s->expression && !database_is_expression(db, source, s->expression))
		return err_set(e, ERR_MEASURE, "what is asked is not one expression");
	return 0;
}

bool distribution_finds_edges(const struct distribution_spec *s)
{
	return !s->baseline_file && (s->bins.equal > 0 || s->bins.quantiles > 0);
}

static int take_cell(void *ctx, const struct db_row *row, struct err *e)
{
	const struct asking *q = ctx;
	struct distribution *d = q->d;
	const struct db_value *v = &row->values[0];
	double rows = (double)row->values[2].integer;
	struct distribution_cell *cell;

	if (d->n == DISTRIBUTION_MAX_CELLS) {
		err_set(e, ERR_MEASURE, "there are more than %d categories",
			DISTRIBUTION_MAX_CELLS);
		return err_help(e, "group them with an expression, or numbers with bins:");
	}
	cell = distribution_cell(d, v->type == DB_NULL ? "NULL"
				    : d->n_edges > 0   ? bin_name(d, v->integer)
						       : category_name(d->arena, v));
	if (row->values[1].integer == 0) {
		cell->rows += rows;
		d->n_rows += rows;
	} else {
		cell->baseline += rows;
		d->n_baseline += rows;
	}
	return 0;
}

int distribution_ask(struct probe *p, struct db *db, const struct distribution_spec *s,
		     struct distribution *d, struct err *e)
{
	struct asking q = {.d = d, .spec = s};

	if (s->column)
		d->table = column_look(p, db, s->table);
	if (distribution_finds_edges(s) && find_edges(p, db, s, d, e) != 0)
		return -1;
	d->sql = distribution_sql(p->arena, db_engine(db), s, d);
	if (db_query(db, d->sql, NULL, 0, p->deadline_ms, take_cell, &q, e) != 0)
		return database_explain(p, db, s->table, e);
	return check_closed(p, db, s, e);
}

int distribution_capture(struct probe *p, struct distribution *d, struct err *e)
{
	struct distribution_spec alone = *(const struct distribution_spec *)p->checks[0]->spec;
	struct db *db;

	alone.baseline_where = alone.baseline_file = NULL;
	distribution_init(d, p->arena, &alone);
	if (database_acquire(p, &db, e) != 0)
		return -1;
	int rc = distribution_ask(p, db, &alone, d, e);

	database_release(p, db);
	return rc;
}
