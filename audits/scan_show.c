/* scan_show: the statement, from what the measurement says of itself. */
#include "audits/scan_show.h"

#include <string.h>

#include "audits/column.h"
#include "audits/database.h"
#include "audits/scan_internal.h"
#include "audits/show.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/io/db_dialect.h"
#include "runner/model/kind.h"

const char *scan_quoted(struct arena *a, const struct check *c, const char *name)
{
	struct buf b;
	const char *text;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	db_quote(database_engine(c->target), &b, name);
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

/* Without it the query that is to come says what is wrong. */
const struct db_table *scan_look_again(struct probe *p, const struct check *c)
{
	const struct scan_spec *spec = c->spec;
	struct db *db;

	if (database_acquire(p, &db, NULL) != 0)
		return NULL;
	const struct db_table *table = column_look(p, db, spec->table);

	database_release(p, db);
	return table;
}

/* " AND column is what the label says" */
static int put_segment(struct probe *p, const struct check *c, const struct label *label,
		       struct buf *out, struct err *e)
{
	enum db_engine engine = database_engine(c->target);
	const char *text = database_label_text(p->arena, label->value, SCAN_NULL_LABEL);
	struct buf name;
	int rc = 0;

	buf_init(&name, BUF_UNBOUNDED); /* the definition is bounded */
	column_put_shown(engine, scan_look_again(p, c), label->name, &name);
	(void)buf_puts(out, " AND (");
	if (text) {
		dialect_exact(engine, out, name.data);
		(void)buf_puts(out, " = ");
		rc = dialect_literal(engine, out, text, e);
	} else {
		(void)buf_printf(out, "%s IS NULL", name.data);
	}
	buf_release(&name);
	(void)buf_putc(out, ')');
	return rc;
}

int scan_put_rows(struct probe *p, const struct check *c, const struct measurement *m,
		  struct buf *out, struct err *e)
{
	const struct scan_spec *spec = c->spec;
	enum db_engine engine = database_engine(c->target);

	db_quote_table(engine, out, spec->table);
	/* On lines of its own: a comment at its end must not swallow the parenthesis. */
	(void)buf_printf(out, " WHERE (\n%s\n)", spec->where ? spec->where : "1 = 1");
	/* scan_emit() puts the segment's labels last. */
	for (size_t i = m->n_labels - spec->by.n; i < m->n_labels; i++)
		if (put_segment(p, c, &m->labels[i], out, e) != 0)
			return -1;
	return 0;
}

int scan_show(struct probe *p, size_t check, const struct measurement *m,
	      const struct scan_shown *shown, struct buf *out, struct err *e)
{
	const struct check *c = p->checks[check];
	enum db_engine engine = database_engine(c->target);
	struct buf sql;
	int rc;

	buf_init(&sql, BUF_UNBOUNDED); /* the definition is bounded */
	(void)buf_puts(&sql, "SELECT ");
	show_columns(engine, &sql, shown->show, scan_look_again(p, c));
	(void)buf_puts(&sql, " FROM ");
	rc = scan_put_rows(p, c, m, &sql, e);
	(void)buf_printf(&sql, " AND (%s)", shown->condition);
	if (shown->order)
		(void)buf_printf(&sql, " ORDER BY %s", shown->order);
	dialect_limit(engine, &sql, shown->show->limit);
	if (rc == 0)
		rc = show_query(p, shown->show, sql.data, out, e);
	buf_release(&sql);
	return rc;
}
