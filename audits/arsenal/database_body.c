/*
 * arsenal_database_body: damaged tables as queries over the real ones.
 *
 * Columns are written one by one, so that a damaged one keeps its name and place. Numbers that a
 * damage makes larger get the widest type of their sort, so that the damage is a wrong number and
 * no overflow: an error of ours would look as if the check had noticed.
 */
#include <string.h>

#include "audits/arsenal/database.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/io/db_dialect.h"
#include "runner/model/kind.h"

#define FAR_AWAY "1000000000" /* from where a key would be */

const char *siege_column(const struct siege *s, const struct damage *d)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* a name */
	db_quote(d->table->of->source.engine, &b, d->table->facts->columns[d->column].name);
	return siege_keep(s, &b);
}

const char *siege_from(const struct siege *s, const struct seen_table *t)
{
	struct buf b;

	if (!t->is_numbered)
		return t->quoted;
	buf_init(&b, BUF_UNBOUNDED); /* two names */
	(void)buf_printf(&b, "(SELECT *, row_number() OVER () AS assize_row FROM %s) AS ",
			 t->quoted);
	db_quote(t->of->source.engine, &b, t->name);
	return siege_keep(s, &b);
}

/* ---- which rows ---- */

static bool is_of_share(enum damage_op op)
{
	return (DAMAGE_BIT(op) &
		(DAMAGE_BIT(DAMAGE_LOST) | DAMAGE_BIT(DAMAGE_DUP) | DAMAGE_BIT(DAMAGE_NULLED) |
		 DAMAGE_BIT(DAMAGE_EMPTIED) | DAMAGE_BIT(DAMAGE_UNKNOWN) |
		 DAMAGE_BIT(DAMAGE_CASE_SPACE) | DAMAGE_BIT(DAMAGE_ZEROED) |
		 DAMAGE_BIT(DAMAGE_NEGATED) | DAMAGE_BIT(DAMAGE_ORPHANED))) != 0;
}

/* Conditions of which none is ever NULL, or NULL takes no row: appended with AND between them. */
static void put_also(struct buf *out, const char *condition)
{
	(void)buf_printf(out, "%s%s", out->len > 0 ? " AND " : "", condition);
}

/* The rows that are chosen, whatever is in the column. "" = all. */
static void put_chosen(const struct siege *s, const struct damage *d, const struct seen_table *t,
		       double dose, struct buf *out)
{
	if (is_of_share(d->op) && dose < 1)
		put_also(out, arena_printf(s->challenge->arena, "%s < %.0f", t->rank,
					   dose * t->rank_end));
	if (t->scope != NULL)
		put_also(out, arena_printf(s->challenge->arena,
					   "CASE WHEN (%s\n) THEN 1 ELSE 0 END = 1", t->scope));
}

/*
 * A number that is written as text has no case, and is the same number behind a space: only a rule
 * for texts, of kind invalid, is about the space.
 */
static const char *has_letters(const struct siege *s, const struct damage *d)
{
	struct arena *a = s->challenge->arena;
	const char *x = siege_column(s, d);

	switch (d->table->of->source.engine) {
	case DB_SQLITE:
		return arena_printf(a, "upper(%s) <> lower(%s) COLLATE BINARY", x, x);
	case DB_POSTGRES:
		return arena_printf(a, "upper(CAST(%s AS text)) <> lower(CAST(%s AS text))", x, x);
	case DB_MYSQL: /* most collations do not tell cases apart */
		return arena_printf(a, "HEX(UPPER(%s)) <> HEX(LOWER(%s))", x, x);
	case DB_ODBC:
		break;
	}
	return arena_printf(a, "%s IS NOT NULL", x);
}

/* What is different afterwards, of the column; NULL = every row. */
static const char *differs(const struct siege *s, const struct damage *d)
{
	struct arena *a = s->challenge->arena;
	const char *x = d->column == NO_COLUMN ? "" : siege_column(s, d);

	switch (d->op) {
	case DAMAGE_EMPTIED:
		return arena_printf(a, "%s <> ''", x);
	case DAMAGE_ZEROED:
	case DAMAGE_SCALED_UP:
	case DAMAGE_SCALED_DOWN:
	case DAMAGE_NEGATED:
		return arena_printf(a, "%s <> 0", x);
	case DAMAGE_CONSTANT:
		return arena_printf(a, "%s <> %s", x, d->literal);
	case DAMAGE_GROUP_LOST:
		return arena_printf(a, "%s = %s", x, d->literal);
	case DAMAGE_CASE_SPACE:
		return strcmp(s->challenge->check->kind->name, "invalid") == 0
			       ? arena_printf(a, "%s IS NOT NULL", x)
			       : has_letters(s, d);
	case DAMAGE_NULLED:
	case DAMAGE_UNKNOWN:
	case DAMAGE_ORPHANED:
	case DAMAGE_STALE:
	case DAMAGE_AHEAD:
	case DAMAGE_NEWEST_LOST:
		return arena_printf(a, "%s IS NOT NULL", x);
	case DAMAGE_NONE:
	case DAMAGE_ORDER:
	case DAMAGE_EXTRA:
	case DAMAGE_EMPTY:
	case DAMAGE_LOST:
	case DAMAGE_DUP:
	case DAMAGE_DROPPED:
	case DAMAGE_OPS:
		break;
	}
	return NULL;
}

const char *siege_changes(const struct siege *s, const struct damage *d, double dose)
{
	const char *differing = differs(s, d);
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	put_chosen(s, d, d->table, dose, &b);
	if (differing != NULL)
		put_also(&b, differing);
	if (b.len > 0)
		return siege_keep(s, &b);
	buf_release(&b);
	return NULL;
}

/* ---- what is in its place ---- */

/* A decimal number as the widest integer, at whose ends it stops. */
static const char *as_bigint(const struct siege *s, enum db_engine engine, const char *x)
{
	return arena_printf(s->challenge->arena,
			    "CAST(least(greatest(%s, -9223372036854775808), 9223372036854775807) "
			    "AS %s)",
			    x, engine == DB_MYSQL ? "SIGNED" : "bigint");
}

static const char *scaled(const struct siege *s, const struct damage *d, double dose)
{
	struct arena *a = s->challenge->arena;
	const char *x = siege_column(s, d);
	bool is_integer = d->table->columns[d->column].class == CLASS_INTEGER;
	char sign = d->op == DAMAGE_SCALED_UP ? '*' : '/';
	char factor[NUM_REAL_MAX];

	(void)num_format_real(1 + dose, factor);
	switch (d->table->of->source.engine) {
	case DB_SQLITE:
		return is_integer ? arena_printf(a, "CAST(round(%s %c (%s + 0.0)) AS INTEGER)", x,
						 sign, factor)
				  : arena_printf(a, "%s %c (%s + 0.0)", x, sign, factor);
	case DB_POSTGRES:
		return is_integer ? as_bigint(s, DB_POSTGRES,
					      arena_printf(a, "round(CAST(%s AS numeric) %c %s)", x,
							   sign, factor))
				  : arena_printf(a, "%s %c %s", x, sign, factor);
	case DB_MYSQL:
		return is_integer
			       ? as_bigint(s, DB_MYSQL,
					   arena_printf(a, "round(CAST(%s AS DECIMAL(30,6)) %c %s)",
							x, sign, factor))
			       : arena_printf(a, "%s %c %s", x, sign, factor);
	case DB_ODBC:
		break;
	}
	return x;
}

/*
 * SQLite's times are texts: moved, they are written as they were. What they end with is cut off
 * first: a pattern that begins with a star is tried at each character of each row.
 */
static const char *moved_text(const struct siege *s, const char *x, long long seconds)
{
	static const char *const forms[][3] = {
		{"substr(", ", -2) GLOB '[0-9]Z'", "%Y-%m-%dT%H:%M:%SZ"},
		/* reckoned in UTC */
		{"substr(", ", -6) GLOB '[+-][0-9][0-9]:[0-9][0-9]'", "%Y-%m-%dT%H:%M:%SZ"},
		{"instr(", ", 'T') > 0", "%Y-%m-%dT%H:%M:%S"},
		{"substr(", ", -3) GLOB '-[0-9][0-9]'", "%Y-%m-%d"},
		{"", " IS NOT NULL", "%Y-%m-%d %H:%M:%S"},
	};
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* five forms */
	(void)buf_puts(&b, "CASE");
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		(void)buf_printf(&b, " WHEN %s%s%s THEN strftime('%s', %s, '%lld seconds')",
				 forms[i][0], x, forms[i][1], forms[i][2], x, seconds);
	(void)buf_puts(&b, " END");
	return siege_keep(s, &b);
}

static const char *moved(const struct siege *s, const struct damage *d, double dose)
{
	struct arena *a = s->challenge->arena;
	const char *x = siege_column(s, d);
	const struct seen_column *c = &d->table->columns[d->column];
	const char *type = d->table->facts->columns[d->column].type;
	long long seconds = (long long)(d->op == DAMAGE_STALE ? -dose : dose);

	if (c->time_scale > 0)
		return arena_printf(a, "(%s + %lld)", x, seconds * (long long)c->time_scale);
	switch (d->table->of->source.engine) {
	case DB_SQLITE:
		return moved_text(s, x, seconds);
	case DB_POSTGRES:
		return arena_printf(a, "CAST(%s + pg_catalog.make_interval(secs => %lld) AS %s)", x,
				    seconds, type);
	case DB_MYSQL:
		return arena_printf(a, "DATE_ADD(%s, INTERVAL %lld SECOND)", x, seconds);
	case DB_ODBC:
		break;
	}
	return x;
}

static const char *orphaned(const struct siege *s, const struct damage *d)
{
	struct arena *a = s->challenge->arena;
	const char *x = siege_column(s, d);
	enum db_engine engine = d->table->of->source.engine;

	if (d->table->columns[d->column].class != CLASS_INTEGER)
		return engine == DB_MYSQL ? arena_printf(a, "CONCAT('?', %s)", x)
					  : arena_printf(a, "'?' || %s", x);
	return engine == DB_POSTGRES ? arena_printf(a, "CAST(%s AS bigint) + " FAR_AWAY, x)
				     : arena_printf(a, "%s + " FAR_AWAY, x);
}

static const char *damaged_value(const struct siege *s, const struct damage *d, double dose)
{
	struct arena *a = s->challenge->arena;
	const char *x = siege_column(s, d);
	enum db_engine engine = d->table->of->source.engine;
	bool is_narrow =
		engine == DB_POSTGRES && d->table->columns[d->column].class == CLASS_INTEGER;

	switch (d->op) {
	case DAMAGE_NULLED:
		return "NULL";
	case DAMAGE_EMPTIED:
		return "''";
	case DAMAGE_UNKNOWN:
	case DAMAGE_CONSTANT:
		return d->literal;
	case DAMAGE_CASE_SPACE:
		return engine == DB_MYSQL ? arena_printf(a, "CONCAT(' ', UPPER(%s))", x)
					  : arena_printf(a, "' ' || upper(%s)", x);
	case DAMAGE_ZEROED:
		return "0";
	case DAMAGE_SCALED_UP:
	case DAMAGE_SCALED_DOWN:
		return scaled(s, d, dose);
	case DAMAGE_NEGATED:
		return is_narrow ? as_bigint(s, DB_POSTGRES,
					     arena_printf(a, "-CAST(%s AS numeric)", x))
				 : arena_printf(a, "-%s", x);
	case DAMAGE_ORPHANED:
		return orphaned(s, d);
	case DAMAGE_STALE:
	case DAMAGE_AHEAD:
		return moved(s, d, dose);
	case DAMAGE_NONE:
	case DAMAGE_ORDER:
	case DAMAGE_EXTRA:
	case DAMAGE_EMPTY:
	case DAMAGE_LOST:
	case DAMAGE_NEWEST_LOST:
	case DAMAGE_GROUP_LOST:
	case DAMAGE_DUP:
	case DAMAGE_DROPPED:
	case DAMAGE_OPS:
		break;
	}
	return x;
}

/* ---- bodies ---- */

static void put_damaged_column(const struct siege *s, const struct damage *d, double dose,
			       const char *x, struct buf *out)
{
	const char *condition = siege_changes(s, d, dose);

	(void)buf_printf(out, "CASE WHEN %s THEN %s ELSE %s END AS %s",
			 condition != NULL ? condition : "1 = 1", damaged_value(s, d, dose), x, x);
}

/* The columns, with the damage to one of them. d NULL = none. */
static void put_columns(const struct siege *s, const struct seen_table *t, const struct damage *d,
			double dose, struct buf *out)
{
	enum db_engine engine = t->of->source.engine;
	const char *gap = "";

	for (size_t i = 0; i < t->facts->n_columns; i++) {
		bool is_it = d != NULL && d->column == i;

		if (is_it && d->op == DAMAGE_DROPPED)
			continue;
		(void)buf_puts(out, gap);
		gap = ", ";
		if (is_it)
			put_damaged_column(s, d, dose, siege_column(s, d), out);
		else
			db_quote(engine, out, t->facts->columns[i].name);
	}
	if (*gap == '\0')
		/* A table of the dropped column alone: two, so that one is not taken for it. */
		(void)buf_puts(out, "1 AS assize_nothing, 1 AS assize_at_all");
}

static void put_whole(const struct siege *s, const struct seen_table *t, struct buf *out)
{
	(void)buf_puts(out, "SELECT ");
	put_columns(s, t, NULL, 0, out);
	(void)buf_printf(out, " FROM %s", siege_from(s, t));
}

/* Only rows that a condition, which may be NULL, does not take. */
static void put_without(const struct siege *s, const struct seen_table *t, const char *condition,
			struct buf *out)
{
	put_whole(s, t, out);
	(void)buf_printf(out, " WHERE CASE WHEN %s THEN 1 ELSE 0 END = 0", condition);
}

static void put_reversed(const struct siege *s, const struct seen_table *t, struct buf *out)
{
	struct buf key;

	buf_init(&key, BUF_UNBOUNDED); /* a name */
	db_quote(t->of->source.engine, &key, t->facts->columns[0].name);
	put_whole(s, t, out);
	(void)buf_printf(out, " ORDER BY %s DESC", key.data);
	buf_release(&key);
}

const char *siege_also(const struct siege *s, const struct seen_table *t)
{
	const char *condition = t->where != NULL ? t->where : t->scope;

	return condition != NULL ? arena_printf(s->challenge->arena, " AND (%s\n)", condition) : "";
}

int siege_literal(enum db_engine engine, const struct db_value *v, struct buf *out, struct err *e)
{
	char number[NUM_REAL_MAX];

	if (v->type == DB_INT) {
		(void)buf_printf(out, "%lld", (long long)v->integer);
		return 0;
	}
	if (v->type == DB_REAL) {
		(void)num_format_real(v->real, number);
		(void)buf_puts(out, number);
		return 0;
	}
	if (v->type != DB_TEXT)
		return err_set(e, ERR_MEASURE, "a value of it cannot be written as SQL");
	return dialect_literal(engine, out, v->text, e);
}

/*
 * Without the newest rows. Their number is counted among those with a time that the check looks at;
 * rows of the same time as the newest that is kept are kept.
 */
static int put_without_newest(const struct siege *s, const struct damage *d, double dose,
			      struct buf *out, struct err *e)
{
	struct arena *a = s->challenge->arena;
	const struct seen_table *t = d->table;
	const char *x = siege_column(s, d);
	const char *rows =
		arena_printf(a, "FROM %s WHERE %s IS NOT NULL%s", t->quoted, x, siege_also(s, t));
	struct db_value newest;
	struct buf literal;
	int64_t n;
	int rc;

	if (siege_count(s, t->of, arena_printf(a, "SELECT count(*) %s", rows), &n, e) != 0)
		return -1;
	if ((int64_t)(dose * (double)n) >= n) {
		put_without(s, t, arena_printf(a, "%s IS NOT NULL", x), out);
		return 0;
	}
	if (siege_ask(s, t->of,
		      arena_printf(a, "SELECT %s %s ORDER BY 1 DESC LIMIT 1 OFFSET %lld", x, rows,
				   (long long)(dose * (double)n)),
		      &newest, e) != 0)
		return -1;
	buf_init(&literal, BUF_UNBOUNDED); /* a value */
	rc = siege_literal(t->of->source.engine, &newest, &literal, e);
	if (rc == 0)
		put_without(s, t, arena_printf(a, "%s > %s", x, siege_keep(s, &literal)), out);
	else
		buf_release(&literal);
	return rc;
}

static int put_body(const struct siege *s, const struct damage *d, const struct seen_table *t,
		    double dose, struct buf *out, struct err *e)
{
	const char *changes = d->table != NULL ? siege_changes(s, d, dose) : NULL;

	switch (d->op) {
	case DAMAGE_NONE:
		put_whole(s, t, out);
		return 0;
	case DAMAGE_ORDER:
		put_reversed(s, t, out);
		return 0;
	case DAMAGE_EXTRA:
		(void)buf_puts(out, "SELECT ");
		put_columns(s, t, NULL, 0, out);
		(void)buf_printf(out, ", 1 AS assize_extra FROM %s", siege_from(s, t));
		return 0;
	case DAMAGE_EMPTY:
	case DAMAGE_LOST:
	case DAMAGE_GROUP_LOST:
		put_without(s, t, changes != NULL ? changes : "1 = 1", out);
		return 0;
	case DAMAGE_NEWEST_LOST:
		return put_without_newest(s, d, dose, out, e);
	case DAMAGE_DUP:
		put_whole(s, t, out);
		(void)buf_puts(out, " UNION ALL ");
		put_whole(s, t, out);
		(void)buf_printf(out, " WHERE %s", changes != NULL ? changes : "1 = 1");
		return 0;
	case DAMAGE_DROPPED:
	case DAMAGE_NULLED:
	case DAMAGE_EMPTIED:
	case DAMAGE_UNKNOWN:
	case DAMAGE_CASE_SPACE:
	case DAMAGE_CONSTANT:
	case DAMAGE_ZEROED:
	case DAMAGE_SCALED_UP:
	case DAMAGE_SCALED_DOWN:
	case DAMAGE_NEGATED:
	case DAMAGE_ORPHANED:
	case DAMAGE_STALE:
	case DAMAGE_AHEAD:
	case DAMAGE_OPS:
		break;
	}
	(void)buf_puts(out, "SELECT ");
	put_columns(s, t, d, dose, out);
	(void)buf_printf(out, " FROM %s", siege_from(s, t));
	return 0;
}

int siege_body(const struct siege *s, const struct damage *d, const struct seen_table *t,
	       double dose, const char **out, struct err *e)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded, and so is a table's width */
	if (put_body(s, d, t, dose, &b, e) != 0) {
		buf_release(&b);
		return -1;
	}
	*out = siege_keep(s, &b);
	return 0;
}
