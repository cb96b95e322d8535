/*
 * scan_merge: one answer from what the parts say.
 *
 * Counts and sums of integers add exactly; a sum that leaves 64 bits becomes a real. Reals add with
 * what rounding loses kept beside them (Neumaier), so the order of the parts, which is nobody's,
 * does not show. Extremes are compared only when they are numbers: text has the engine's collation,
 * and is asked whole. An average is a sum and a count.
 *
 * A standard deviation is made of three columns: n, sum(d) and sum(d * d), where d = x - c and c is
 * the same whole number near the mean in all parts: the average of the first 1,000 rows. Then the
 * sum of squared differences to the mean is M2 = sum(d * d) - sum(d)^2 / n. Its relative error is
 * some 1e-16 * sum(d * d) / M2, which is 1e-15 unless the first rows are far from all others.
 * Beyond 1e-12 it is asked again with the mean that is known by then as c; beyond 1e-6 there is no
 * answer.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audits/database.h"
#include "audits/scan_internal.h"
#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/io/db_numbers.h"
#include "runner/model/kind.h"

#define ROUNDING  1.1e-16
#define PRECISE	  1e-12
#define TOLERABLE 1e-6

void scan_cells_init(struct scan_batch *b)
{
	size_t n = b->scan->spec->by.n > 0 ? SCAN_MAX_SEGMENTS : 1;

	b->cells = xmalloc(n * sizeof(*b->cells));
	memset(b->cells, 0, n * sizeof(*b->cells));
	b->error = NULL;
}

void scan_cells_release(struct scan_batch *b)
{
	size_t n = b->scan->spec->by.n > 0 ? SCAN_MAX_SEGMENTS : 1;

	for (size_t i = 0; i < n; i++)
		free(b->cells[i]);
	free(b->cells);
	b->cells = NULL;
}

/* ---- columns ---- */

static void keep_value(struct scan *s, const struct db_value *from, struct scan_cell *to)
{
	to->value = *from;
	to->lost = 0;
	to->value.text = NULL;
	if (from->type != DB_TEXT)
		return;
	if (from->len > DATABASE_MAX_TEXT_BYTES)
		to->value.len = DATABASE_MAX_TEXT_BYTES; /* nobody looks at more of it */
	to->value.text = arena_strndup(s->probe->arena, from->text, to->value.len);
}

static double real_of(const struct db_value *v)
{
	return v->type == DB_INT ? (double)v->integer : v->real;
}

static bool fits(int64_t a, int64_t b)
{
	return b >= 0 ? a <= INT64_MAX - b : a >= INT64_MIN - b;
}

static void add_real(struct scan_cell *to, double x)
{
	double sum = to->value.real + x;

	to->lost += fabs(to->value.real) >= fabs(x) ? (to->value.real - sum) + x
						    : (x - sum) + to->value.real;
	to->value.real = sum;
}

/* false: not two numbers. */
static bool add(struct scan_cell *to, const struct db_value *v)
{
	bool is_number = v->type == DB_INT || v->type == DB_REAL;

	if (!is_number || (to->value.type != DB_INT && to->value.type != DB_REAL))
		return false;
	if (to->value.type == DB_INT && v->type == DB_INT && fits(to->value.integer, v->integer)) {
		to->value.integer += v->integer;
		return true;
	}
	if (to->value.type == DB_INT) {
		to->value.type = DB_REAL;
		to->value.real = 0;
		add_real(to, (double)to->value.integer);
	}
	add_real(to, real_of(v));
	return true;
}

/* Whole numbers beyond 2^53 have no exact double: two integers are compared as such. */
static bool is_less(const struct db_value *a, const struct db_value *b)
{
	if (a->type == DB_INT && b->type == DB_INT)
		return a->integer < b->integer;
	return real_of(a) < real_of(b);
}

static bool take_extreme(struct scan *s, struct scan_cell *to, const struct db_value *v,
			 bool is_max)
{
	bool is_number = v->type == DB_INT || v->type == DB_REAL;

	if (!is_number || (to->value.type != DB_INT && to->value.type != DB_REAL))
		return false;
	if (is_max ? is_less(&to->value, v) : is_less(v, &to->value))
		keep_value(s, v, to);
	return true;
}

/* ---- a row ---- */

/* A column that was torn: its cell is a blob, which no aggregate of ours is. */
static void set_torn(struct scan_cell *c)
{
	c->value = (struct db_value){.type = DB_BLOB};
}

static void merge_value(struct scan *s, const struct scan_term *t, struct scan_cell *to,
			const struct db_value *v)
{
	bool is_merged;

	if (v->type == DB_NULL)
		return;
	if (to->value.type == DB_NULL) {
		keep_value(s, v, to);
		return;
	}
	if (t->how == SCAN_MIN || t->how == SCAN_MAX)
		is_merged = take_extreme(s, to, v, t->how == SCAN_MAX);
	else
		is_merged = add(to, v);
	if (!is_merged)
		set_torn(to);
}

static void merge_numbers(struct scan *s, struct scan_cell *to, const struct db_value *v)
{
	struct db_numbers part;

	if (v->type != DB_BLOB || v->len != sizeof(part)) {
		set_torn(to);
		return;
	}
	memcpy(&part, v->text, sizeof(part)); /* bytes of a result are not aligned */
	if (!to->numbers) {
		to->numbers = arena_alloc(s->probe->arena, sizeof(*to->numbers));
		*to->numbers = part;
		return;
	}
	db_numbers_merge(to->numbers, &part);
}

void scan_merge(struct scan_batch *b, size_t segment, const struct db_value *values)
{
	struct scan_cell *cells = b->cells[segment];

	if (!cells) {
		size_t n = scan_all_columns(b) - b->scan->spec->by.n;

		cells = b->cells[segment] = xmalloc(n * sizeof(*cells));
		memset(cells, 0, n * sizeof(*cells));
	}
	cells->value.type = DB_INT;
	cells->value.integer += values->integer;
	cells++;
	values++;
	for (size_t i = 0; i < b->n; i++) {
		const struct scan_term *t = b->terms[i];
		size_t n = scan_columns(b, i);

		if (n == 1 && scan_has_numbers(b->scan, t))
			merge_numbers(b->scan, cells, values);
		else
			for (size_t k = 0; k < n; k++)
				merge_value(b->scan, t, &cells[k], &values[k]);
		cells += n;
		values += n;
	}
}

/* ---- answers ---- */

static struct db_value real_value(double x)
{
	return (struct db_value){.type = DB_REAL, .real = x, .text = ""};
}

static struct db_value whole(const struct scan_cell *c)
{
	struct db_value v = c->value;

	if (v.type == DB_REAL)
		v.real += c->lost;
	return v;
}

static const char *center_text(struct arena *a, double mean)
{
	char number[NUM_REAL_MAX];

	/* From here on every real is whole, and a whole literal keeps whole columns exact. */
	if (fabs(mean) > 0x1p52 && fabs(mean) < 0x1p62)
		return arena_printf(a, "%lld", (long long)mean);
	(void)num_format_real(mean, number);
	return arena_strdup(a, number);
}

/* false: ask again, with a better c. */
static bool finish_stddev(struct scan *s, struct scan_term *t, const struct scan_cell *c,
			  struct db_value *out)
{
	double n = (double)c[0].value.integer;
	double sum = real_of(&c[1].value) + c[1].lost, squares = real_of(&c[2].value) + c[2].lost;
	double m2 = squares - sum * sum / n;
	double error = ROUNDING * squares;

	*out = (struct db_value){.type = DB_NULL, .text = ""};
	if (n < 2)
		return true;
	if (error > PRECISE * m2 && error > 0 && !t->is_centered) {
		double center = t->center ? strtod(t->center, NULL) : 0;

		t->is_centered = true;
		t->center = center_text(s->probe->arena, center + sum / n);
		return false;
	}
	if (error <= TOLERABLE * m2 || squares <= 0)
		*out = real_value(m2 > 0 ? sqrt(m2 / (n - 1)) : 0);
	return true;
}

/* false: an extreme among values that are no numbers; ask the engine. */
static bool finish_numbers(const struct scan_term *t, const struct db_numbers *n, struct db_value *out)
{
	bool has_others = n->n_others > 0;

	*out = (struct db_value){.type = DB_NULL, .text = ""};
	switch (t->how) {
	case SCAN_COUNT:
		out->type = DB_INT;
		out->integer = n->n_integers + n->n_reals + n->n_others;
		return true;
	case SCAN_OTHERS:
		out->type = DB_INT;
		out->integer = n->n_others;
		return true;
	case SCAN_MIN:
	case SCAN_MAX:
		if (!has_others)
			*out = t->how == SCAN_MIN ? db_numbers_min(n) : db_numbers_max(n);
		return !has_others;
	case SCAN_SUM:
		*out = has_others ? *out : db_numbers_sum(n);
		return true;
	case SCAN_AVG:
		*out = has_others ? *out : db_numbers_mean(n);
		return true;
	case SCAN_STDDEV:
		*out = has_others ? *out : db_numbers_deviation(n);
		return true;
	case SCAN_COUNT_IF:
	case SCAN_DISTINCT:
	case SCAN_REPEATED:
	case SCAN_PERCENTILE:
		break; /* scan_has_numbers() */
	}
	return true;
}

static bool finish_term(struct scan_batch *b, struct scan_term *t, size_t n,
			const struct scan_cell *c, struct db_value *out)
{
	if (c->numbers)
		return finish_numbers(t, c->numbers, out);
	if (scan_has_moments(b, t))
		return finish_stddev(b->scan, t, c, out);
	if (c->value.type == DB_BLOB && b->is_split)
		return false;
	*out = whole(c);
	if (n == 2 && c[1].value.integer == 0)
		*out = (struct db_value){.type = DB_NULL, .text = ""};
	else if (n == 2)
		*out = real_value((real_of(&c->value) + c->lost) / (double)c[1].value.integer);
	return true;
}

static bool is_in(const struct scan_term *t, struct scan_term *const *list, size_t n)
{
	return n > 0 && list[n - 1] == t;
}

size_t scan_finish(struct scan_batch *b, struct scan_term **again)
{
	struct scan *s = b->scan;
	size_t n_again = 0, column = 1, next = 1;

	for (size_t i = 0; i < b->n; i++) {
		struct scan_term *t = b->terms[i];
		size_t n = scan_columns(b, i);
		bool is_count = n == 0 && !scan_has_numbers(s, t);

		if (n > 0) {
			column = next;
			next += n;
		}
		for (size_t k = 0; k < s->n_segments; k++) {
			struct scan_answer *answer = &s->segments[k]->answers[t->index];
			const struct scan_cell *cells = b->cells[k];

			if (!cells)
				continue; /* the segment has no rows here */
			answer->n_rows = cells->value.integer;
			if (b->shape == SCAN_EXTREMES && answer->n_rows > 0)
				answer->n_rows = -1;
			if (is_count)
				answer->value = (struct db_value){
					.type = DB_INT, .integer = answer->n_rows, .text = ""};
			else if (!finish_term(b, t, n, cells + column, &answer->value) &&
				 !is_in(t, again, n_again))
				again[n_again++] = t;
		}
	}
	/* Only now: it changes what the columns are. */
	for (size_t i = 0; i < n_again; i++)
		if (!scan_has_moments(b, again[i]))
			again[i]->is_whole = true;
	return n_again;
}

/* ---- centers ---- */

struct centers {
	struct scan *scan;
	struct scan_term **terms;
	size_t n;
};

static int take_centers(void *ctx, const struct db_row *row, struct err *e)
{
	struct centers *c = ctx;

	(void)e;
	for (size_t i = 0; i < c->n && i < row->n; i++) {
		const struct db_value *v = &row->values[i];

		if (v->type == DB_INT)
			c->terms[i]->center =
				arena_printf(c->scan->probe->arena, "%lld", (long long)v->integer);
		else if (v->type == DB_REAL)
			c->terms[i]->center = center_text(c->scan->probe->arena, v->real);
	}
	return 0;
}

static void ask_centers(struct centers *c, struct db *db)
{
	/* What cannot be asked says so when its sums are asked. */
	(void)db_query(db, scan_center_statement(c->scan, c->terms, c->n), NULL, 0,
		       c->scan->probe->deadline_ms, take_centers, c, NULL);
}

void scan_find_centers(struct scan_batch *b, struct db *db)
{
	struct centers all = {.scan = b->scan};

	all.terms = arena_array(b->scan->probe->arena, b->n, sizeof(*all.terms));
	for (size_t i = 0; i < b->n; i++)
		if (scan_has_moments(b, b->terms[i]) && !b->terms[i]->center)
			all.terms[all.n++] = b->terms[i];
	if (all.n > 0)
		ask_centers(&all, db);
	for (size_t i = 0; i < all.n; i++) {
		struct centers one = {.scan = b->scan, .terms = &all.terms[i], .n = 1};

		if (!all.terms[i]->center && all.n > 1)
			ask_centers(&one, db);
		if (!all.terms[i]->center) /* no value among the first rows, or a bad one */
			all.terms[i]->center = "0";
	}
}
