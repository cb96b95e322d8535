/* show: from a row to a line. */
#include "audits/show.h"

#include <string.h>

#include "audits/column.h"
#include "audits/database.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

#define MAX_VALUE_BYTES 60

const struct key_row show_rows_only[] = {SHOW_ROWS, KEY_END};

bool show_is_wanted(const struct show *s)
{
	return s->columns.n > 0;
}

static bool has(const struct texts *t, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(t->items[i], name) == 0)
			return true;
	return false;
}

void show_check(struct keys_context *ctx, const struct check *c, const struct show *s)
{
	for (size_t i = 0; i < s->columns.n; i++)
		if (has(&s->columns, i, s->columns.items[i]))
			diags_at(ctx->diags, s->columns.positions[i], NULL,
				 "check \"%s\": column \"%s\" is shown twice", c->name,
				 s->columns.items[i]);
	for (size_t i = 0; i < s->mask.n; i++)
		if (!has(&s->columns, s->columns.n, s->mask.items[i]))
			diags_at(ctx->diags, s->mask.positions[i],
				 "only columns that are shown can be masked",
				 "check \"%s\": \"%s\" is masked, but not among the columns",
				 c->name, s->mask.items[i]);
}

void show_columns(enum db_engine engine, struct buf *out, const struct show *s,
		  const struct db_table *table)
{
	for (size_t i = 0; i < s->columns.n; i++) {
		if (i > 0)
			(void)buf_puts(out, ", ");
		column_put_compared(engine, table, s->columns.items[i], out);
	}
}

static void put_text(struct probe *p, const struct db_value *v, struct buf *out)
{
	const char *text = probe_head(p, v->text, v->len, MAX_VALUE_BYTES);

	(void)buf_putc(out, '"');
	str_escape(out, text, strlen(text));
	(void)buf_puts(out, v->len > MAX_VALUE_BYTES ? "\"..." : "\"");
}

static void put_value(struct probe *p, const struct db_value *v, struct buf *out)
{
	char number[NUM_REAL_MAX];

	switch (v->type) {
	case DB_INT:
		(void)buf_printf(out, "%lld", (long long)v->integer);
		return;
	case DB_REAL:
		num_format_real(v->real, number);
		(void)buf_puts(out, number);
		return;
	case DB_TEXT:
		put_text(p, v, out);
		return;
	case DB_BLOB:
		(void)buf_printf(out, "(%zu bytes)", v->len);
		return;
	case DB_NULL:
		(void)buf_puts(out, "NULL");
		return;
	}
}

void show_row(struct probe *p, const struct show *s, const struct db_value *values, struct buf *out)
{
	/* A full buffer keeps what it has; the caller's ceiling is the recorder's. */
	(void)buf_puts(out, out->len > 0 ? "\nrow: " : "row: ");
	for (size_t i = 0; i < s->columns.n; i++) {
		(void)buf_printf(out, "%s%s = ", i > 0 ? ", " : "",
				 str_escaped(p->arena, s->columns.items[i]));
		if (has(&s->mask, s->mask.n, s->columns.items[i]) && values[i].type != DB_NULL)
			(void)buf_puts(out, "***");
		else
			put_value(p, &values[i], out);
	}
}

struct rows {
	struct probe *probe;
	const struct show *show;
	struct buf *out;
	int64_t n;
};

static int take_row(void *ctx, const struct db_row *row, struct err *e)
{
	struct rows *r = ctx;

	if (row->n < r->show->columns.n)
		return err_set(e, ERR_MEASURE, "a row has %zu columns", row->n);
	show_row(r->probe, r->show, row->values, r->out);
	return ++r->n >= r->show->limit ? 1 : 0;
}

int show_query(struct probe *p, const struct show *s, const char *sql, struct buf *out,
	       struct err *e)
{
	struct rows r = {p, s, out, 0};
	struct db *db;

	if (database_acquire(p, &db, e) != 0)
		return -1;
	int rc = db_query(db, sql, NULL, 0, p->deadline_ms, take_row, &r, e);

	if (rc != 0)
		rc = database_explain(p, db, NULL, e);
	database_release(p, db);
	return rc;
}
