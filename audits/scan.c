/*
 * scan: build, run, split.
 *
 * Every statement counts the rows it aggregates, so that a share is a share of the rows of the same
 * snapshot, also when the terms had to be split. When nothing but extremes of whole columns is
 * asked, each becomes a subquery of its own: the engine then answers from an index, if there is
 * one, instead of reading the table.
 *
 * Finding the bad ones: a statement the engine refuses is prepared term by term (no row is read).
 * One that fails while running, as a generated column can, is halved until the culprits are alone;
 * but first the bare count must succeed, else it is the table and not a term.
 *
 * Measured on 2,000,000 rows x 51 columns: one query a metric 80 s, one fused query 10 s.
 */
#include "audits/scan.h"

#include <assert.h>
#include <string.h>

#include "audits/database.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/model/kind.h"

/* Below every engine's limit on result columns (SQLite 2,000, PostgreSQL 1,664). */
#define MAX_TERMS 1600

/* Terms of one statement. */
struct batch {
	struct scan *scan;
	struct scan_term **terms;
	size_t n;
	bool is_extremes; /* only extremes of whole columns: subqueries */
	size_t n_answers; /* rows that came back: exactly one is an answer */
};

void scan_init(struct scan *s, struct probe *p, const char *table, const char *where)
{
	*s = (struct scan){
		.probe = p,
		.engine = database_engine(p->checks[0]->target),
		.table = table,
		.where = where,
	};
	map_init(&s->by_sql, p->arena);
}

static const char *keep(const struct scan *s, struct buf *b)
{
	const char *text = arena_strndup(s->probe->arena, b->data, b->len);

	buf_release(b);
	return text;
}

static const char *term_sql(const struct scan *s, const char *function, const char *column)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	buf_printf(&b, "%s(", function);
	db_quote(s->engine, &b, column);
	buf_putc(&b, ')');
	return keep(s, &b);
}

const struct scan_term *scan_find(const struct scan *s, const char *function, const char *column)
{
	return map_get(&s->by_sql, term_sql(s, function, column));
}

void scan_add(struct scan *s, const char *function, const char *column)
{
	struct scan_term *t = arena_alloc(s->probe->arena, sizeof(*t));

	t->sql = term_sql(s, function, column);
	t->is_extreme = strcmp(function, "max") == 0 || strcmp(function, "min") == 0;
	if (!map_put(&s->by_sql, t->sql, t))
		return; /* asked already */
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 8;
		struct scan_term **grown = arena_array(s->probe->arena, cap, sizeof(*grown));

		if (s->n > 0)
			memcpy(grown, s->terms, s->n * sizeof(*grown));
		s->terms = grown;
		s->cap = cap;
	}
	s->terms[s->n++] = t;
}

/* ---- text ---- */

static void add_source(const struct scan *s, struct buf *out)
{
	buf_puts(out, " FROM ");
	db_quote_table(s->engine, out, s->table);
	/* On lines of its own: a comment at its end must not swallow the parenthesis. */
	if (s->where)
		buf_printf(out, " WHERE (\n%s\n)", s->where);
}

static void add_statement(const struct batch *b, struct buf *out)
{
	const struct scan *s = b->scan;

	if (b->is_extremes) {
		buf_puts(out, "SELECT EXISTS (SELECT 1");
		add_source(s, out);
		buf_putc(out, ')');
	} else {
		buf_puts(out, "SELECT count(*)");
	}
	for (size_t i = 0; i < b->n; i++) {
		if (!b->is_extremes) {
			buf_printf(out, ", %s", b->terms[i]->sql);
			continue;
		}
		buf_printf(out, ", (SELECT %s", b->terms[i]->sql);
		add_source(s, out);
		buf_putc(out, ')');
	}
	if (!b->is_extremes)
		add_source(s, out);
}

/* The terms from first on that one statement takes. */
static struct batch next_batch(struct scan *s, struct scan_term **terms, size_t n, size_t max)
{
	struct batch b = {.scan = s, .terms = terms, .n = n < max ? n : max};

	b.is_extremes = !s->where && !s->needs_count && b.n > 0;
	for (size_t i = 0; i < b.n; i++)
		b.is_extremes = b.is_extremes && terms[i]->is_extreme;
	return b;
}

static const char *statement(const struct batch *b)
{
	struct buf out;

	buf_init(&out, BUF_UNBOUNDED); /* the definition is bounded */
	add_statement(b, &out);
	return keep(b->scan, &out);
}

const char *scan_sql(const struct scan *s, const struct scan_term *term)
{
	struct scan alone = *s;
	struct scan_term copy = term ? *term : (struct scan_term){.sql = NULL};
	struct scan_term *terms[] = {&copy};
	struct batch b = next_batch(&alone, terms, term ? 1 : 0, 1);
	struct buf line;

	buf_init(&line, BUF_UNBOUNDED);
	database_one_line(&line, statement(&b));
	return keep(s, &line);
}

struct measurement scan_no_measurement(const struct scan *s, const struct scan_term *term)
{
	struct arena *a = s->probe->arena;
	struct measurement m = measurement_none(
		"", arena_printf(a, "table \"%s\": %s", s->table, term->error.message));

	if (term->error.help[0])
		m.evidence = arena_printf(a, "help: %s", term->error.help);
	m.query = scan_sql(s, term);
	return m;
}

/* ---- asking ---- */

static void copy_value(struct arena *a, const struct db_value *from, struct db_value *to)
{
	*to = *from;
	to->text = NULL;
	if (from->type != DB_TEXT)
		return;
	if (to->len > DATABASE_MAX_TEXT_BYTES)
		to->len = DATABASE_MAX_TEXT_BYTES; /* nobody looks at more of it */
	to->text = arena_strndup(a, from->text, to->len);
}

static int take_answers(void *ctx, const struct db_row *row, struct err *e)
{
	struct batch *b = ctx;
	int64_t first = row->values[0].integer;

	b->n_answers++;
	if (b->n_answers > 1 || row->n != b->n + 1)
		return err_set(e, ERR_MEASURE, "the filter is not one condition");
	b->scan->n_rows = b->is_extremes && first > 0 ? -1 : first;
	for (size_t i = 0; i < b->n; i++) {
		b->terms[i]->n_rows = b->scan->n_rows;
		copy_value(b->scan->probe->arena, &row->values[i + 1], &b->terms[i]->value);
	}
	return 0;
}

static int ask(struct batch *b, struct db *db, struct err *e)
{
	b->n_answers = 0;
	if (db_query(db, statement(b), NULL, 0, b->scan->probe->deadline_ms, take_answers, b, e) !=
	    0)
		return -1;
	return b->n_answers == 1 ? 0 : err_set(e, ERR_MEASURE, "the filter is not one condition");
}

static void set_bad(struct batch *b, const struct err *e)
{
	for (size_t i = 0; i < b->n; i++) {
		b->terms[i]->is_bad = true;
		b->terms[i]->error = *e;
	}
}

/* It failed while running, though its rows can be counted: which term was it? */
static void halve(struct batch *b, struct db *db, const struct err *why)
{
	if (b->n == 1) {
		set_bad(b, why);
		return;
	}
	struct batch halves[] = {
		next_batch(b->scan, b->terms, b->n / 2, b->n),
		next_batch(b->scan, b->terms + b->n / 2, b->n - b->n / 2, b->n),
	};

	for (size_t i = 0; i < 2; i++) {
		struct err e = {0};

		if (ask(&halves[i], db, &e) != 0)
			halve(&halves[i], db, &e); /* at most 11 deep: MAX_TERMS is 1,600 */
	}
}

static int ask_all(struct batch *b, struct db *db, struct err *e)
{
	struct batch count = {.scan = b->scan};
	struct err why = {0};

	if (ask(b, db, &why) == 0)
		return 0;
	if (b->n == 0 || ask(&count, db, NULL) != 0) {
		*e = why;
		return -1;
	}
	halve(b, db, &why);
	return 0;
}

/*
 * Prepares the batch; when the engine refuses it, every term by itself. The good ones move to the
 * front and stay. -1: it is not a term, it is the table or the filter.
 */
static int sort_out(struct batch *b, struct db *db, struct err *e)
{
	struct scan *s = b->scan;
	struct batch alone = {.scan = s};
	size_t n_good = 0, n_columns;

	if (db_prepare(db, statement(b), &n_columns, NULL) == 0)
		return 0;
	if (db_prepare(db, statement(&alone), &n_columns, e) != 0)
		return database_explain(s->probe, db, s->table, e);
	for (size_t i = 0; i < b->n; i++) {
		struct scan_term *t = b->terms[i];

		alone = (struct batch){.scan = s, .terms = &t, .n = 1};
		if (db_prepare(db, statement(&alone), &n_columns, &t->error) == 0) {
			b->terms[n_good++] = t;
			continue;
		}
		t->is_bad = true;
		/* Adds a hint; the error is the answer. */
		(void)database_explain(s->probe, db, s->table, &t->error);
	}
	*b = next_batch(s, b->terms, n_good, n_good);
	return 0;
}

int scan_run(struct scan *s, struct db *db, struct err *e)
{
	size_t max = db_max_columns(db) - 1;
	size_t done = 0;

	if (max > MAX_TERMS)
		max = MAX_TERMS;
	/* The order of the terms is nobody's business: a copy may be sorted. */
	struct scan_term **terms = arena_array(s->probe->arena, s->n, sizeof(*terms));

	if (s->n > 0)
		memcpy(terms, s->terms, s->n * sizeof(*terms));
	do {
		struct batch b = next_batch(s, terms + done, s->n - done, max);
		size_t n = b.n;

		if (sort_out(&b, db, e) != 0 ||
		    ((b.n > 0 || s->needs_count) && ask_all(&b, db, e) != 0))
			return err_context(e, "table \"%s\"", s->table);
		done += n;
	} while (done < s->n);
	return 0;
}

/* ---- what the kinds put into their rows ---- */

static const struct scan_spec *spec_of(const struct check *c)
{
	const struct scan_spec *spec = c->spec;

	assert(spec->part); /* set in check() */
	return spec;
}

const char *scan_merge_key(struct arena *a, const struct check *c)
{
	const struct scan_spec *spec = c->spec;

	return arena_printf(a, "scan\x1f%s\x1f%s%s", spec->table, spec->where ? "w" : "",
			    spec->where ? spec->where : "");
}

static void collect(struct scan *s, struct probe *p)
{
	const struct scan_spec *first = spec_of(p->checks[0]);

	scan_init(s, p, first->table, first->where);
	for (size_t i = 0; i < p->n_checks; i++)
		spec_of(p->checks[i])->part->add(s, p->checks[i]);
}

void scan_describe(struct probe *p, struct buf *out)
{
	struct scan s;
	size_t done = 0;

	collect(&s, p);
	do {
		struct batch b = next_batch(&s, s.terms + done, s.n - done, MAX_TERMS);

		database_one_line(out, statement(&b));
		buf_putc(out, '\n');
		done += b.n;
	} while (done < s.n);
}

int scan_probe(struct probe *p, struct err *e)
{
	struct scan s;
	struct db *db;

	collect(&s, p);
	if (database_acquire(p, &db, e) != 0)
		return -1;
	int rc = scan_run(&s, db, e);

	database_release(p, db);
	if (rc != 0)
		return -1;
	for (size_t i = 0; i < p->n_checks; i++)
		spec_of(p->checks[i])->part->emit(p, i, &s);
	return 0;
}
