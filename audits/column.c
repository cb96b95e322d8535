/*
 * column: what a column is written as.
 *
 * A FLOAT is shown by the fewest digits that give it back, as PostgreSQL shows its own (real): the
 * six that MySQL writes when they do, else seven, eight or nine of the double that it is exactly.
 * The text is made by concat(), because a conversion is optimized away: the digits would then be
 * compared as the number they were made of.
 */
#include "audits/column.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/num.h"
#include "runner/model/kind.h"

bool column_is_bit(const struct db_column *c)
{
	return strncasecmp(c->type, "bit", 3) == 0;
}

bool column_is_float(const struct db_column *c)
{
	return strncasecmp(c->type, "float", 5) == 0;
}

const char *column_base(const struct db_column *c)
{
	return c->base ? c->base : c->type;
}

const struct db_table *column_look(struct probe *p, struct db *db, const char *table)
{
	struct db_table *t = arena_alloc(p->arena, sizeof(*t));
	enum db_engine engine = db_engine(db);

	if ((engine == DB_MYSQL || engine == DB_POSTGRES) &&
	    db_describe(db, p->arena, table, p->deadline_ms, t, NULL) == 0)
		return t;
	return NULL;
}

static const struct db_column *find(enum db_engine engine, const struct db_table *table,
				    const char *name)
{
	for (size_t i = 0; table && i < table->n_columns; i++)
		if (db_same_name(engine, table->columns[i].name, name))
			return &table->columns[i];
	return NULL;
}

/* x to so many digits. */
static void put_digits(struct buf *out, const char *x, int digits)
{
	if (digits == 6)
		(void)buf_printf(out, "concat(%s)", x);
	else
		(void)buf_printf(out, "concat(round(%s, %d - floor(log10(abs(%s)))))", x,
				 digits - 1, x);
}

static void put_float(struct buf *out, const char *x)
{
	(void)buf_puts(out, "(CASE");
	for (int digits = 6; digits < 9; digits++) {
		(void)buf_puts(out, " WHEN CAST(");
		put_digits(out, x, digits);
		(void)buf_printf(out, " AS FLOAT) = %s THEN ", x);
		put_digits(out, x, digits);
	}
	(void)buf_puts(out, " ELSE ");
	put_digits(out, x, 9);
	(void)buf_puts(out, " END)");
}

/* What has the text that a column is shown by; false: that is its own, and nothing was written. */
static bool put_text_of(enum db_engine engine, const struct db_column *c, const char *x,
			struct buf *out)
{
	if (engine == DB_MYSQL && column_is_float(c))
		put_float(out, x);
	else if (engine == DB_POSTGRES && strcmp(column_base(c), "inet") == 0)
		(void)buf_printf(out, "pg_catalog.abbrev(%s)", x);
	else
		return false;
	return true;
}

/* The number that is compared; false: the column itself is, and nothing was written. */
static bool put_number_of(enum db_engine engine, const struct db_column *c, const char *x,
			  struct buf *out)
{
	if (engine != DB_MYSQL || !(column_is_bit(c) || column_is_float(c)))
		return false;
	(void)buf_printf(out, column_is_bit(c) ? "(%s + 0)" : "(%s + 0e0)", x);
	return true;
}

static void put_column(enum db_engine engine, const struct db_table *table, const char *name,
		       bool is_text, struct buf *out)
{
	const struct db_column *c = find(engine, table, name);
	struct buf x;

	buf_init(&x, BUF_UNBOUNDED); /* the definition is bounded */
	db_quote(engine, &x, name);
	/* BIT is the number it is also as text. */
	if (!c || !((is_text && put_text_of(engine, c, x.data, out)) ||
		    ((!is_text || column_is_bit(c)) && put_number_of(engine, c, x.data, out))))
		(void)buf_puts(out, x.data);
	buf_release(&x);
}

void column_put_compared(enum db_engine engine, const struct db_table *table, const char *name,
			 struct buf *out)
{
	put_column(engine, table, name, false, out);
}

void column_put_shown(enum db_engine engine, const struct db_table *table, const char *name,
		      struct buf *out)
{
	put_column(engine, table, name, true, out);
}

bool column_is_single(enum db_engine engine, const struct db_table *table, const char *name)
{
	const struct db_column *c = find(engine, table, name);

	return c && ((engine == DB_MYSQL && column_is_float(c)) ||
		     (engine == DB_POSTGRES && strcmp(column_base(c), "real") == 0));
}

double column_shortest(double x)
{
	char text[NUM_REAL_MAX];
	double found = x;

	for (int digits = 6; digits <= 9; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, x);
		if (num_parse_real(text, strlen(text), &found) == 0 && (float)found == (float)x)
			return found;
	}
	return x;
}

double column_single_below(double bound)
{
	if (fabs(bound) > FLT_MAX)
		return bound;
	float nearest = (float)bound;

	return column_shortest(nearest) < bound ? nextafterf(nearest, INFINITY) : nearest;
}

double column_single_above(double bound)
{
	return -column_single_below(-bound);
}
