/*
 * sql: one query, one number (or text); with labels, one a row.
 *
 * Strict about what a scalar is: exactly one row and one column to judge. No row, a NULL, a second
 * row or a second series of the same labels is no measurement, because each of them has let a
 * broken check pass somewhere. A number stored as text stays text: comparing "9" with "10" is a
 * mistake to show, not to hide.
 */
#include <stddef.h>
#include <string.h>

#include "audits/database.h"
#include "audits/kind_rows.h"
#include "audits/show.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/db.h"
#include "runner/model/kind.h"
#include "runner/model/unit.h"

#define NULL_LABEL "NULL" /* a text that says the same gets quotes */
#define MAX_SERIES 10000

struct sql_show {
	struct show show; /* first: see show.h */
	const char *query;
};

struct sql_spec {
	const char *query, *value, *unit;
	struct texts labels;
	struct sql_show show;
};

static const struct key_row sql_show_rows[] = {
	SHOW_ROWS,
	{.name = "query",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct sql_show, query),
	 .help = "statement that finds the rows; else the check's own rows of a failed series",
	 .example = "SELECT id, email FROM orders WHERE total < 0"},
	KEY_END,
};

static const struct key_row sql_keys[] = {
	{.name = "query",
	 .type = KEY_TEXT,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct sql_spec, query),
	 .help = "one statement that only reads",
	 .example = "SELECT count(*) FROM orders"},
	{.name = "value",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct sql_spec, value),
	 .help = "the result column to judge, when there are several",
	 .example = "total"},
	{.name = "labels",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct sql_spec, labels),
	 .help = "result columns that name a series: every row is one; NULL is named NULL, and the "
		 "text that says so 'NULL', in quotes",
	 .example = "[region]"},
	{.name = "unit",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct sql_spec, unit),
	 .def = "",
	 .help = "the unit the query answers in: %, ms, s, B, MiB, or a word of yours",
	 .example = "s"},
	SHOW_KEY(struct sql_spec, show, sql_show_rows),
	KEY_END,
};

static const struct value_row sql_values[] = {
	{.name = "",
	 .type = VALUE_NONE,
	 .unit = "",
	 .usual = "== 0",
	 .help = "what the query answers"},
	{.name = NULL},
};

static void check_labels(struct keys_context *ctx, const struct check *c,
			 const struct sql_spec *spec)
{
	const struct texts *l = &spec->labels;

	for (size_t i = 0; i < l->n; i++) {
		if (str_equal(l->items[i], spec->value))
			diags_at(ctx->diags, l->positions[i], NULL,
				 "check \"%s\": column \"%s\" cannot be label and value at once",
				 c->name, spec->value);
		for (size_t k = 0; k < i; k++)
			if (strcmp(l->items[i], l->items[k]) == 0)
				diags_at(ctx->diags, l->positions[i], NULL,
					 "check \"%s\": label \"%s\" is written twice", c->name,
					 l->items[i]);
	}
}

static bool is_blank(const char *query)
{
	return query && query[strspn(query, " \t\r\n;")] == '\0';
}

static void sql_check(struct keys_context *ctx, struct check *c)
{
	const struct sql_spec *spec = c->spec;

	if (is_blank(spec->query))
		diags_at(ctx->diags, keys_pos(c->spec_node, "query"), NULL,
			 "check \"%s\": the query is empty", c->name);
	if (is_blank(spec->show.query))
		diags_at(ctx->diags, keys_pos(c->spec_node, "show"), NULL,
			 "check \"%s\": the query that finds the rows is empty", c->name);
	check_labels(ctx, c, spec);
	show_check(ctx, c, &spec->show.show);
}

static bool sql_has_value(const struct check *c, const char *name, struct value_row *row)
{
	const struct sql_spec *spec = c->spec;

	if (*name)
		return false;
	*row = sql_values[0];
	value_row_in(row, spec->unit);
	return true;
}

static void sql_describe(struct probe *p, struct buf *out)
{
	const struct sql_spec *spec = p->checks[0]->spec;

	database_one_line(out, spec->query);
	buf_putc(out, '\n');
}

/* Rows on their way to measurements: none is emitted before all of them made sense. */
struct sql_rows {
	struct probe *probe;
	const struct sql_spec *spec;
	struct db *db;
	double factor;
	const char *unit;
	size_t value;	/* column */
	size_t *labels; /* columns, one a label */
	struct measurement *series;
	size_t n, cap;
	struct map seen;
};

static int find_column(const struct sql_rows *q, const struct db_row *row, const char *name,
		       size_t *out, struct err *e)
{
	size_t n_found = 0;

	for (size_t i = 0; i < row->n; i++) {
		if (!db_same_name(db_engine(q->db), row->names[i], name))
			continue;
		*out = i;
		n_found++;
	}
	if (n_found == 1)
		return 0;
	if (n_found > 1)
		return err_set(e, ERR_MEASURE, "the query gives %zu columns called \"%s\"", n_found,
			       name);
	return err_set(e, ERR_MEASURE, "the query gives no column called \"%s\"", name);
}

static bool is_label(const struct sql_rows *q, size_t column)
{
	for (size_t i = 0; i < q->spec->labels.n; i++)
		if (q->labels[i] == column)
			return true;
	return false;
}

static int find_labels(struct sql_rows *q, const struct db_row *row, struct err *e)
{
	const struct texts *labels = &q->spec->labels;

	q->labels = arena_array(q->probe->arena, labels->n, sizeof(*q->labels));
	for (size_t i = 0; i < labels->n; i++)
		if (find_column(q, row, labels->items[i], &q->labels[i], e) != 0)
			return -1;
	return 0;
}

/* The only column that is no label, unless one was named. */
static int find_columns(struct sql_rows *q, const struct db_row *row, struct err *e)
{
	const struct sql_spec *spec = q->spec;
	size_t n_free = 0;

	if (find_labels(q, row, e) != 0)
		return -1;
	if (spec->value)
		return find_column(q, row, spec->value, &q->value, e);
	for (size_t i = 0; i < row->n; i++) {
		if (is_label(q, i))
			continue;
		q->value = i;
		n_free++;
	}
	if (n_free == 1)
		return 0;
	err_set(e, ERR_MEASURE, "the query gives %zu columns%s where one is to be judged", n_free,
		spec->labels.n > 0 ? " beside the labels" : "");
	return err_help(e, "name it with `value`, or leave the others out");
}

static int set_labels(struct sql_rows *q, const struct db_row *row, struct measurement *m,
		      struct err *e)
{
	struct arena *a = q->probe->arena;
	size_t n = q->spec->labels.n;
	struct label *labels = arena_array(a, n, sizeof(*labels));

	for (size_t i = 0; i < n; i++) {
		const struct db_value *v = &row->values[q->labels[i]];
		struct db_value shown = *v;
		shown.is_rounded = false; /* a name, not a number to be judged */
		struct measurement text = database_measure(a, &shown, 1, "");
		struct buf b;

		labels[i].name = q->spec->labels.items[i];
		if (v->type == DB_NULL) {
			labels[i].value = NULL_LABEL;
			continue;
		}
		if (text.value.type == VALUE_NONE)
			return err_set(e, ERR_MEASURE, "label \"%s\" cannot be read: %s",
				       labels[i].name, text.reason);
		if (text.value.type == VALUE_TEXT) {
			labels[i].value = database_label(a, text.value.text, NULL_LABEL);
			continue;
		}
		buf_init(&b, 64);
		if (v->type == DB_INT)
			buf_printf(&b, "%lld", (long long)v->integer);
		else
			value_format(&b, &text.value, "");
		labels[i].value = arena_strndup(a, b.data, b.len);
		buf_release(&b);
	}
	m->labels = labels;
	m->n_labels = n;
	return 0;
}

static int refuse_twins(struct sql_rows *q, const struct measurement *m, struct err *e)
{
	const char *series = measurement_series(q->probe->arena, m);

	if (map_put(&q->seen, series, q))
		return 0;
	err_set(e, ERR_MEASURE, "two rows have the same labels %s", series);
	return err_help(e, "group by the label columns, or add the one that tells the rows apart");
}

static int take_row(void *ctx, const struct db_row *row, struct err *e)
{
	struct sql_rows *q = ctx;
	struct arena *a = q->probe->arena;

	if (q->n == 0 && find_columns(q, row, e) != 0)
		return -1;
	if (q->n == 1 && q->spec->labels.n == 0) {
		err_set(e, ERR_MEASURE, "the query gave several rows where one value is expected");
		return err_help(e, "aggregate, or name the columns that tell the rows apart with "
				   "`labels`");
	}
	if (q->n == MAX_SERIES)
		return err_set(e, ERR_MEASURE, "the query gave more than %d rows, one series each",
			       MAX_SERIES);
	if (q->n == q->cap) {
		size_t cap = q->cap ? q->cap * 2 : 1;
		struct measurement *grown = arena_array(a, cap, sizeof(*grown));

		if (q->n > 0)
			memcpy(grown, q->series, q->n * sizeof(*grown));
		q->series = grown;
		q->cap = cap;
	}
	struct measurement m = database_measure(a, &row->values[q->value], q->factor, q->unit);

	m.query = q->spec->query;
	if (q->spec->labels.n > 0 &&
	    (set_labels(q, row, &m, e) != 0 || refuse_twins(q, &m, e) != 0))
		return -1;
	q->series[q->n++] = m;
	return 0;
}

static int sql_probe(struct probe *p, struct err *e)
{
	const struct sql_spec *spec = p->checks[0]->spec;
	struct sql_rows q = {.probe = p, .spec = spec};

	if (database_acquire(p, &q.db, e) != 0)
		return -1;
	q.factor = unit_to_base(spec->unit, &q.unit);
	map_init(&q.seen, p->arena);
	int rc = db_query(q.db, spec->query, NULL, 0, p->deadline_ms, take_row, &q, e);

	database_release(p, q.db);
	if (rc != 0)
		return -1;
	if (q.n == 0)
		return err_set(e, ERR_MEASURE, "the query gave no rows");
	for (size_t i = 0; i < q.n; i++)
		probe_emit(p, 0, &q.series[i]);
	return 0;
}

/* ---- what failed ---- */

struct sql_finding {
	struct sql_rows rows;
	const struct measurement *failed;
	size_t *columns; /* those shown */
	struct buf *out;
	int64_t n;
};

static bool is_of_series(const struct measurement *a, const struct measurement *b)
{
	for (size_t i = 0; i < a->n_labels; i++)
		if (strcmp(a->labels[i].value, b->labels[i].value) != 0)
			return false;
	return true;
}

static int find_shown(struct sql_finding *f, const struct db_row *row, struct err *e)
{
	const struct sql_spec *spec = f->rows.spec;
	const struct texts *columns = &spec->show.show.columns;

	f->columns = arena_array(f->rows.probe->arena, columns->n, sizeof(*f->columns));
	for (size_t i = 0; i < columns->n; i++)
		if (find_column(&f->rows, row, columns->items[i], &f->columns[i], e) != 0)
			return -1;
	return spec->show.query ? 0 : find_labels(&f->rows, row, e);
}

static int take_finding(void *ctx, const struct db_row *row, struct err *e)
{
	struct sql_finding *f = ctx;
	const struct sql_spec *spec = f->rows.spec;
	const struct show *show = &spec->show.show;
	struct db_value *values =
		arena_array(f->rows.probe->arena, show->columns.n, sizeof(*values));
	struct measurement m = {.n_labels = 0};

	if (!f->columns && find_shown(f, row, e) != 0)
		return -1;
	if (!spec->show.query && set_labels(&f->rows, row, &m, e) != 0)
		return -1;
	if (m.n_labels > 0 && !is_of_series(&m, f->failed))
		return 0;
	for (size_t i = 0; i < show->columns.n; i++)
		values[i] = row->values[f->columns[i]];
	show_row(f->rows.probe, show, values, f->out);
	return ++f->n >= show->limit ? 1 : 0;
}

static bool sql_wants_evidence(const struct check *c)
{
	const struct sql_spec *spec = c->spec;

	return show_is_wanted(&spec->show.show);
}

static int sql_evidence(struct probe *p, size_t check, const struct measurement *m, struct buf *out,
			struct err *e)
{
	const struct sql_spec *spec = p->checks[check]->spec;
	struct sql_finding f = {.rows = {.probe = p, .spec = spec}, .failed = m, .out = out};
	const char *sql = spec->show.query ? spec->show.query : spec->query;

	if (database_acquire(p, &f.rows.db, e) != 0)
		return -1;
	int rc = db_query(f.rows.db, sql, NULL, 0, p->deadline_ms, take_finding, &f, e);

	database_release(p, f.rows.db);
	return rc;
}

const struct audit_kind audit_kind_sql = {
	.name = "sql",
	.family = "database",
	.summary = "what a query answers: one value, or one a row",
	.blind = "It proves what the query says, not that the query asks the right thing: a "
		 "condition "
		 "that filters out the broken rows passes over them. A number stored as text is "
		 "judged "
		 "as text. A series that stops appearing in the rows is seen only when none is "
		 "left.",
	.spec_size = sizeof(struct sql_spec),
	.keys = sql_keys,
	.values = sql_values,
	.targets = TARGET_DATABASES,
	.arsenal = &arsenal_sql,
	.scalar_key = "query",
	.check = sql_check,
	.has_value = sql_has_value,
	.describe = sql_describe,
	.probe = sql_probe,
	.wants_evidence = sql_wants_evidence,
	.evidence = sql_evidence,
};
