/* reconcile_read: the two statements, each run by a thread of its own. */
#include "audits/reconcile.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "audits/column.h"
#include "audits/database.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/db.h"
#include "runner/model/kind.h"

struct reader {
	struct probe probe; /* a copy whose arena is the reader's own */
	const struct reconcile_spec *spec;
	const struct reconcile_side *side;
	const char *which;
	struct spill *out;
	atomic_bool *is_over; /* the other side failed: nobody needs the rest */
	bool *is_float;	      /* by column */
	struct buf key, values;
	struct err err;
	int rc;
};

/* MySQL sends six digits of a FLOAT, and all of them as a double. */
static bool is_float(enum db_engine engine, const struct db_table *t, const char *column)
{
	for (size_t i = 0; t && engine == DB_MYSQL && i < t->n_columns; i++)
		if (db_same_name(engine, t->columns[i].name, column))
			return column_is_float(&t->columns[i]);
	return false;
}

static void put_columns(struct buf *b, enum db_engine engine, const struct texts *columns,
			const struct db_table *t)
{
	for (size_t i = 0; i < columns->n; i++) {
		if (i > 0)
			(void)buf_puts(b, ", ");
		db_quote(engine, b, columns->items[i]);
		if (is_float(engine, t, columns->items[i]))
			(void)buf_puts(b, " + 0e0");
	}
}

static void put_condition(struct buf *b, const char *word, const char *condition)
{
	/* The line break ends a comment in the user's text. */
	if (condition)
		(void)buf_printf(b, " %s (%s\n)", word, condition);
}

/* Without the semicolon that would end it inside parentheses. */
static void put_query(struct buf *b, const char *query)
{
	size_t n = strlen(query);

	while (n > 0 && strchr("; \t\r\n", query[n - 1]))
		n--;
	(void)buf_puts(b, "(");
	(void)buf_add(b, query, n);
	(void)buf_puts(b, "\n) AS q");
}

static void put_source(struct buf *b, enum db_engine engine, const struct reconcile_side *side)
{
	if (side->query)
		put_query(b, side->query);
	else
		db_quote_table(engine, b, side->table);
}

const char *reconcile_sql(struct arena *a, const struct reconcile_spec *spec,
			  const struct reconcile_side *side, const struct db_table *table)
{
	enum db_engine engine = database_engine(side->target);
	const char *sql;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	(void)buf_puts(&b, "SELECT ");
	put_columns(&b, engine, &side->key, table);
	if (side->values.n > 0)
		(void)buf_puts(&b, ", ");
	put_columns(&b, engine, &side->values, table);
	(void)buf_puts(&b, " FROM ");
	put_source(&b, engine, side);
	put_condition(&b, "WHERE", spec->where ? spec->where : side->where);
	if (spec->where)
		put_condition(&b, "AND", side->where);
	sql = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return sql;
}

/* A FLOAT is what other engines say of theirs. */
static struct db_value value_of(const struct reader *r, const struct db_row *row, size_t i)
{
	struct db_value v = row->values[i];

	if (r->is_float[i] && v.type == DB_REAL)
		v.real = column_shortest(v.real);
	return v;
}

static int fail_rounded(const char *column, struct err *e)
{
	err_set(e, ERR_MEASURE,
		"column \"%s\" is a FLOAT, of which the server sends six digits only", column);
	return err_help(e, "read it with a query that writes `%s + 0e0 AS %s`", column, column);
}

static int fail_bits(const char *column, struct err *e)
{
	err_set(e, ERR_MEASURE, "column \"%s\" is a BIT beyond 9223372036854775807", column);
	return err_help(e, "read it with a query that writes `%s + 0 AS %s`", column, column);
}

static int take_row(void *ctx, const struct db_row *row, struct err *e)
{
	struct reader *r = ctx;
	size_t n_key = r->side->key.n;

	if (atomic_load_explicit(r->is_over, memory_order_relaxed))
		return 1;
	for (size_t i = 0; i < row->n; i++)
		if (row->values[i].is_rounded)
			return fail_rounded(row->names[i], e);
	for (size_t i = 0; i < row->n; i++)
		if (row->values[i].is_cut && !row->values[i].is_decimal)
			return fail_bits(row->names[i], e);
	buf_reset(&r->key);
	buf_reset(&r->values);
	for (size_t i = 0; i < row->n; i++) {
		struct db_value v = value_of(r, row, i);
		int rc = i < n_key ? reconcile_put_key(&r->key, &v, r->side->zone, e)
				   : reconcile_put_value(&r->values, &v, r->side->zone, e);

		if (rc != 0)
			return -1;
	}
	return reconcile_join_add(r->out, r->key.data, r->key.len, r->values.data, r->values.len,
				  e);
}

static void find_floats(struct reader *r, enum db_engine engine, const struct db_table *table)
{
	const struct texts *key = &r->side->key, *values = &r->side->values;

	r->is_float = arena_array(r->probe.arena, key->n + values->n, sizeof(*r->is_float));
	for (size_t i = 0; i < key->n + values->n; i++)
		r->is_float[i] = is_float(engine, table,
					  i < key->n ? key->items[i] : values->items[i - key->n]);
}

/* NULL = not looked at; what cannot be described fails again where it is told. */
static const struct db_table *table_of(struct reader *r, struct db *db)
{
	struct arena *a = r->probe.arena;
	struct db_table *t = arena_alloc(a, sizeof(*t));

	if (db_engine(db) != DB_MYSQL || !r->side->table ||
	    db_describe(db, a, r->side->table, r->probe.deadline_ms, t, NULL) != 0)
		return NULL;
	return t;
}

/* What was accepted in parentheses may have closed them. */
static int check_closed(struct reader *r, struct db *db)
{
	const char *const conditions[] = {r->spec->where, r->side->where};
	const char *source;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	put_source(&b, db_engine(db), r->side);
	source = arena_strndup(r->probe.arena, b.data, b.len);
	buf_release(&b);
	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++)
		if (conditions[i] && !database_is_condition(db, source, conditions[i]))
			return err_set(&r->err, ERR_MEASURE, "the filter is not one condition");
	return 0;
}

static int read_side(struct reader *r)
{
	struct db_source source = database_source(r->side->target);
	struct probe *p = &r->probe;
	struct db *db;
	int rc;

	if (db_acquire(p->world->dbs, &source, p->deadline_ms, &db, &r->err) != 0)
		return -1;
	const struct db_table *table = table_of(r, db);
	const char *sql = reconcile_sql(p->arena, r->spec, r->side, table);

	find_floats(r, db_engine(db), table);
	rc = db_query(db, sql, NULL, 0, p->deadline_ms, take_row, r, &r->err);
	if (rc != 0)
		rc = database_explain(p, db, r->side->table, &r->err);
	else
		rc = check_closed(r, db);
	db_release(p->world->dbs, db);
	return rc;
}

static void *run_reader(void *ctx)
{
	struct reader *r = ctx;

	r->rc = read_side(r);
	if (r->rc != 0)
		atomic_store_explicit(r->is_over, true, memory_order_relaxed);
	return NULL;
}

static void init_reader(struct reader *r, const struct probe *p, atomic_bool *is_over)
{
	r->probe = *p;
	r->probe.arena = arena_new();
	r->is_over = is_over;
	buf_init(&r->key, BUF_UNBOUNDED); /* columns are bounded, and so is their number */
	buf_init(&r->values, BUF_UNBOUNDED);
}

static void release_reader(struct reader *r)
{
	buf_release(&r->key);
	buf_release(&r->values);
	arena_free(r->probe.arena);
}

int reconcile_read(struct probe *p, const struct reconcile_spec *spec, struct reconcile_join *j,
		   struct err *e)
{
	struct reader left = {.spec = spec, .side = &spec->left, .which = "left", .out = j->left};
	struct reader right = {
		.spec = spec, .side = &spec->right, .which = "right", .out = j->right};
	atomic_bool is_over = false;
	pthread_t thread;
	bool has_thread;

	init_reader(&left, p, &is_over);
	init_reader(&right, p, &is_over);
	has_thread = pthread_create(&thread, NULL, run_reader, &right) == 0;
	(void)run_reader(&left); /* its result is in it */
	if (has_thread)
		(void)pthread_join(thread, NULL); /* ours and joinable: cannot fail */
	else if (left.rc == 0)
		(void)run_reader(&right); /* one after the other gives the same rows */
	const struct reader *bad = left.rc != 0 ? &left : right.rc != 0 ? &right : NULL;

	if (bad) {
		*e = bad->err;
		(void)err_context(e, "the %s side, target \"%s\"", bad->which,
				  bad->side->target->name);
	}
	release_reader(&left);
	release_reader(&right);
	return bad ? -1 : 0;
}
