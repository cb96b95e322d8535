/*
 * scan_run: asking, and finding the questions that cannot be asked.
 *
 * A statement the engine refuses is prepared term by term (no row is read). One that fails while
 * running, as a cast or a generated column can, is halved until the culprits are alone; but first
 * the bare count must succeed, else it is the table and not a term.
 *
 * Measured on 2,000,000 rows x 51 columns: one query a metric 80 s, one fused query 10 s.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "audits/database.h"
#include "audits/scan_internal.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/model/kind.h"
#include "runner/model/measurement.h"

#define MAX_LABEL_BYTES 256

/* A statement under way. */
struct asking {
	struct scan_batch *batch;
	size_t n_rows;
};

static struct arena *arena_of(const struct scan *s)
{
	return s->probe->arena;
}

/* ---- segments ---- */

static int label_text(const struct scan *s, size_t i, const struct db_value *v, const char **out,
		      struct err *e)
{
	const char *column = s->spec->by.items[i];
	char number[NUM_REAL_MAX];

	switch (v->type) {
	case DB_NULL:
		*out = "(null)";
		return 0;
	case DB_INT:
		*out = arena_printf(arena_of(s), "%lld", (long long)v->integer);
		return 0;
	case DB_REAL:
		(void)num_format_real(v->real, number);
		*out = arena_strdup(arena_of(s), number);
		return 0;
	case DB_TEXT:
	case DB_BLOB: /* MySQL: text as bytes */
		break;
	}
	if (v->len > MAX_LABEL_BYTES || !str_is_utf8(v->text, v->len) ||
	    memchr(v->text, '\0', v->len)) {
		(void)err_set(e, ERR_MEASURE, "column \"%s\" of by: holds values that are %s",
			      column,
			      v->len > MAX_LABEL_BYTES ? "longer than 256 bytes" : "not text");
		return err_help(e, "segments are told apart by short texts and numbers");
	}
	*out = arena_strndup(arena_of(s), v->text, v->len);
	return 0;
}

static int too_many(const struct scan *s, struct err *e)
{
	if (s->n_segments >= SCAN_MAX_SEGMENTS)
		(void)err_set(e, ERR_MEASURE, "by: gives more than %d segments", SCAN_MAX_SEGMENTS);
	else
		(void)err_set(e, ERR_MEASURE, "by: gives more than %zu segments of %zu values each",
			      s->n_segments, s->n);
	return err_help(e, "segment by fewer or coarser columns, or narrow the rows with where:");
}

/* The segment of a row, made when it is new. */
static int find_segment(struct scan *s, const struct db_value *keys, struct scan_segment **out,
			struct err *e)
{
	struct arena *a = arena_of(s);
	size_t n = s->spec->by.n;
	struct label *labels = arena_array(a, n, sizeof(*labels));
	struct buf key;

	buf_init(&key, BUF_UNBOUNDED); /* every part is bounded */
	for (size_t i = 0; i < n; i++) {
		labels[i].name = s->spec->by.items[i];
		if (label_text(s, i, &keys[i], &labels[i].value, e) != 0) {
			buf_release(&key);
			return -1;
		}
		(void)buf_printf(&key, "%s%c\x1f", labels[i].value,
				 keys[i].type == DB_NULL ? '-' : '+');
	}
	*out = map_get(&s->by_key, key.data);
	if (*out) {
		buf_release(&key);
		return 0;
	}
	if (s->n_segments >= SCAN_MAX_SEGMENTS || (s->n_segments + 1) * s->n > SCAN_MAX_ANSWERS) {
		buf_release(&key);
		return too_many(s, e);
	}
	struct scan_segment *g = arena_alloc(a, sizeof(*g));

	*g = (struct scan_segment){
		.key = arena_strndup(a, key.data, key.len),
		.labels = labels,
		.answers = arena_array(a, s->n, sizeof(*g->answers)),
	};
	buf_release(&key);
	(void)map_put(&s->by_key, g->key, g); /* it is new */
	s->segments[s->n_segments++] = g;
	*out = g;
	return 0;
}

/* ---- answers ---- */

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

/*
 * The standard deviation from n, sum(d) and sum(d * d), where d is the difference to a number near
 * the mean: the relative error of the variance is that of the sums times (1 + (mean of d)^2 /
 * variance), some 1e-15 unless the first 1,000 rows are far from all others.
 */
static struct db_value stddev_of_sums(const struct db_value *v)
{
	double n = (double)v[0].integer;
	double mean, squares;

	if (n < 2)
		return (struct db_value){.type = DB_NULL, .text = ""};
	mean = v[1].real / n;
	squares = v[2].real - v[1].real * mean;
	return (struct db_value){
		.type = DB_REAL,
		.real = squares > 0 ? sqrt(squares / (n - 1)) : 0,
		.text = "",
	};
}

static void take_row(const struct scan_batch *b, struct scan_segment *g, int64_t n_rows,
		     const struct db_value *values)
{
	for (size_t i = 0; i < b->n; i++) {
		struct scan_answer *answer = &g->answers[b->terms[i]->index];
		size_t n = scan_columns(b->scan, b->terms[i]);

		answer->n_rows = n_rows;
		if (b->shape == SCAN_TOGETHER && n == 0)
			answer->value =
				(struct db_value){.type = DB_INT, .integer = n_rows, .text = ""};
		else if (b->shape == SCAN_TOGETHER && n == SCAN_TERM_COLUMNS)
			answer->value = stddev_of_sums(values);
		else
			copy_value(arena_of(b->scan), values, &answer->value);
		values += b->shape == SCAN_TOGETHER ? n : 1;
	}
}

static size_t columns_of(const struct scan_batch *b)
{
	size_t n = b->scan->spec->by.n + 1;

	for (size_t i = 0; i < b->n; i++)
		n += b->shape == SCAN_TOGETHER ? scan_columns(b->scan, b->terms[i]) : 1;
	return n;
}

static int not_one(const struct scan_batch *b, struct err *e)
{
	return err_set(e, ERR_MEASURE,
		       b->n == 1 && !b->scan->spec->where ? "what is asked is not one expression"
							  : "the filter is not one condition");
}

static int on_row(void *ctx, const struct db_row *row, struct err *e)
{
	struct asking *q = ctx;
	struct scan *s = q->batch->scan;
	size_t n_keys = s->spec->by.n;
	const struct db_value *count = &row->values[n_keys];
	struct scan_segment *g = s->segments[0];

	q->n_rows++;
	if ((n_keys == 0 && q->n_rows > 1) || row->n != columns_of(q->batch) ||
	    count->type != DB_INT)
		return not_one(q->batch, e);
	if (n_keys > 0 && find_segment(s, row->values, &g, e) != 0)
		return -1;
	take_row(q->batch, g,
		 q->batch->shape == SCAN_EXTREMES && count->integer > 0 ? -1 : count->integer,
		 count + 1);
	return 0;
}

static int ask(struct scan_batch *b, struct db *db, struct err *e)
{
	struct asking q = {.batch = b};

	if (db_query(db, scan_statement(b), NULL, 0, b->scan->probe->deadline_ms, on_row, &q, e) !=
	    0)
		return -1;
	return b->scan->spec->by.n > 0 || q.n_rows == 1 ? 0 : not_one(b, e);
}

/* ---- the bad ones ---- */

static void set_bad(const struct scan *s, struct scan_term *t, const struct err *e)
{
	struct err *kept = arena_alloc(arena_of(s), sizeof(*kept));

	*kept = *e;
	t->error = kept;
}

/* It failed while running, though its rows can be counted: which term was it? */
static void halve(struct scan_batch *b, struct db *db, const struct err *why)
{
	size_t half = b->n / 2;

	if (b->n == 1) {
		set_bad(b->scan, b->terms[0], why);
		return;
	}
	struct scan_batch halves[] = {
		scan_batch_of(b->scan, b->terms, half, SCAN_MAX_COLUMNS),
		scan_batch_of(b->scan, b->terms + half, b->n - half, SCAN_MAX_COLUMNS),
	};

	for (size_t i = 0; i < 2; i++) {
		struct err e = {0};

		if (ask(&halves[i], db, &e) != 0)
			halve(&halves[i], db, &e); /* at most 11 deep: 1,600 terms */
	}
}

static int ask_all(struct scan_batch *b, struct db *db, struct err *e)
{
	struct scan_batch count = {.scan = b->scan};
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

static int prepare(const struct scan_batch *b, struct db *db, struct err *e)
{
	size_t n_columns;

	if (db_prepare(db, scan_statement(b), &n_columns, e) != 0)
		return -1;
	return n_columns == columns_of(b) ? 0 : not_one(b, e);
}

/*
 * Prepares the batch; when the engine refuses it, every term by itself. The good ones move to the
 * front and stay. -1: it is not a term, it is the table, the filter or a segment.
 */
static int sort_out(struct scan_batch *b, struct db *db, struct err *e)
{
	struct scan *s = b->scan;
	struct scan_batch count = {.scan = s};
	size_t n_good = 0;

	if (prepare(b, db, NULL) == 0)
		return 0;
	if (prepare(&count, db, e) != 0)
		return database_explain(s->probe, db, s->spec->table, e);
	for (size_t i = 0; i < b->n; i++) {
		struct scan_term *t = b->terms[i];
		struct scan_batch alone = scan_batch_of(s, &t, 1, SCAN_MAX_COLUMNS);
		struct err why = {0};

		if (prepare(&alone, db, &why) == 0) {
			b->terms[n_good++] = t;
			continue;
		}
		/* Adds a hint; the error is the answer. */
		(void)database_explain(s->probe, db, s->spec->table, &why);
		set_bad(s, t, &why);
	}
	if (n_good > 0)
		*b = scan_batch_of(s, b->terms, n_good, SCAN_MAX_COLUMNS);
	else
		b->n = 0;
	return 0;
}

static void make_room(struct scan *s)
{
	static const struct label none = {NULL, NULL};
	struct arena *a = arena_of(s);

	s->is_asked = true;
	s->segments = arena_array(a, SCAN_MAX_SEGMENTS, sizeof(*s->segments));
	map_init(&s->by_key, a);
	if (s->spec->by.n > 0)
		return;
	/* The whole is there also when it has no rows. */
	struct scan_segment *whole = arena_alloc(a, sizeof(*whole));

	*whole = (struct scan_segment){
		.key = "",
		.labels = &none,
		.answers = arena_array(a, s->n, sizeof(*whole->answers)),
	};
	s->segments[s->n_segments++] = whole;
}

int scan_run(struct scan *s, struct db *db, struct err *e)
{
	size_t max_columns = db_max_columns(db);
	struct scan_term **terms = scan_in_order(s);
	size_t done = 0;

	if (max_columns > SCAN_MAX_COLUMNS)
		max_columns = SCAN_MAX_COLUMNS;
	make_room(s);
	struct scan_batch count = {.scan = s};

	while (done < s->n) {
		struct scan_batch b = scan_batch_of(s, terms + done, s->n - done, max_columns);
		size_t n = b.n;

		if (sort_out(&b, db, e) != 0 || (b.n > 0 && ask_all(&b, db, e) != 0))
			return err_context(e, "table \"%s\"", s->spec->table);
		done += n;
	}
	/* Nothing could be asked: the segments still have to be told. */
	if (s->n_segments == 0 && s->terms[0]->error && ask(&count, db, e) != 0)
		return err_context(e, "table \"%s\"", s->spec->table);
	return 0;
}
