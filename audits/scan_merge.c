/*
 * scan_merge: one answer from what the parts say.
 *
 * Counts and sums of integers add exactly; a sum that leaves 64 bits becomes a real. Numbers
 * (count, sum, mean and deviation of an expression, on SQLite also extremes) are a struct
 * db_numbers, which SQLite's parts come as, and MySQL's are made into from count(), sum() and
 * var_pop(). Distinct values that are few come as such, and are told once the parts are put
 * together; many are asked whole. Other extremes are compared when they are numbers, or texts that
 * are ordered by their bytes; text of another collation is asked whole, and so is what is not
 * ASCII: the bytes that SQLite orders it by are those of the database's encoding, which need not be
 * the ones we see.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audits/database.h"
#include "audits/scan_internal.h"
#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/io/db_distinct.h"
#include "runner/io/db_numbers.h"
#include "runner/model/kind.h"

void scan_cells_init(struct scan_batch *b)
{
	size_t n = b->scan->spec->by.n > 0 ? SCAN_MAX_SEGMENTS : 1;

	b->cells = xmalloc(n * sizeof(*b->cells));
	memset(b->cells, 0, n * sizeof(*b->cells));
	b->error = NULL;
}

static void free_cells(const struct scan_batch *b, struct scan_cell *cells)
{
	for (size_t i = 0; cells && i <= b->n_cells; i++)
		db_distinct_free(cells[i].distinct);
	free(cells);
}

void scan_cells_release(struct scan_batch *b)
{
	size_t n = b->scan->spec->by.n > 0 ? SCAN_MAX_SEGMENTS : 1;

	for (size_t i = 0; i < n; i++)
		free_cells(b, b->cells[i]);
	free(b->cells);
	b->cells = NULL;
}

/* ---- columns ---- */

static void keep_value(struct scan *s, const struct db_value *from, struct scan_cell *to)
{
	to->value = *from;
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

/* false: not two integers, or their sum is none. */
static bool add(struct scan_cell *to, const struct db_value *v)
{
	if (to->value.type != DB_INT || v->type != DB_INT || !fits(to->value.integer, v->integer))
		return false;
	to->value.integer += v->integer;
	return true;
}

/* Whole numbers beyond 2^53 have no exact double: two integers are compared as such. */
static bool is_less(const struct db_value *a, const struct db_value *b)
{
	if (a->type == DB_INT && b->type == DB_INT)
		return a->integer < b->integer;
	return real_of(a) < real_of(b);
}

static bool is_number(const struct db_value *v)
{
	return v->type == DB_INT || v->type == DB_REAL;
}

static bool is_ascii(const struct db_value *v)
{
	for (size_t i = 0; i < v->len; i++)
		if ((unsigned char)v->text[i] >= 0x80)
			return false;
	return v->type == DB_TEXT;
}

static int compare_bytes(const struct db_value *a, const struct db_value *b)
{
	int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);

	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* false: their order is not known here. */
static bool take_extreme(struct scan *s, const struct scan_term *t, struct scan_cell *to,
			 const struct db_value *v)
{
	const struct db_value *less = t->how == SCAN_MAX ? &to->value : v;
	const struct db_value *more = t->how == SCAN_MAX ? v : &to->value;
	bool is_better;

	if (is_number(less) && is_number(more))
		is_better = is_less(less, more);
	else if (scan_is_bytewise(s, t) && is_ascii(less) && is_ascii(more))
		is_better = compare_bytes(less, more) < 0;
	else
		return false;
	if (is_better)
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
		is_merged = take_extreme(s, t, to, v);
	else
		is_merged = add(to, v);
	if (!is_merged)
		set_torn(to);
}

/* false: this is not what put_all_numbers() asked for. */
static bool read_place(const struct db_value *v, size_t place, struct db_numbers *out)
{
	size_t end = (place + 1) * sizeof(*out);

	*out = (struct db_numbers){0};
	if (v->type != DB_BLOB || (v->len > 0 && v->len < end))
		return false;
	if (v->len > 0) /* there were rows; bytes of a result are not aligned */
		memcpy(out, v->text + end - sizeof(*out), sizeof(*out));
	return true;
}

static void merge_numbers(struct scan *s, const struct scan_term *t, const struct scan_spot *spot,
			  struct scan_cell *to, const struct db_value *v)
{
	struct db_numbers part;
	bool is_read = s->engine == DB_SQLITE
			       ? read_place(v, spot->place, &part)
			       : db_numbers_of(&v[0], &v[1], spot->n_columns > 2 ? &v[2] : NULL,
					       t->operand->center, &part);

	if (!is_read) {
		set_torn(to);
		return;
	}
	if (!to->numbers) {
		to->numbers = arena_alloc(s->probe->arena, sizeof(*to->numbers));
		*to->numbers = part;
		return;
	}
	db_numbers_merge(to->numbers, &part);
}

static void merge_distinct(struct scan_cell *to, const struct db_value *v)
{
	if (!to->distinct)
		to->distinct = db_distinct_new();
	if (v->type != DB_BLOB || !db_distinct_merge(to->distinct, v->text, v->len) ||
	    db_distinct_is_full(to->distinct))
		set_torn(to);
}

void scan_merge(struct scan_batch *b, size_t segment, const struct db_value *values)
{
	struct scan *s = b->scan;
	struct scan_cell *cells = b->cells[segment];

	if (!cells) {
		size_t bytes = (b->n_cells + 1) * sizeof(*cells);

		cells = b->cells[segment] = xmalloc(bytes);
		memset(cells, 0, bytes);
	}
	cells->value.type = DB_INT;
	cells->value.integer += values->integer;
	for (size_t i = 0; i < b->n; i++) {
		const struct scan_term *t = b->terms[i];
		const struct scan_spot *spot = &b->spots[i];

		if (!spot->is_first)
			continue;
		if (scan_has_numbers(s, t))
			merge_numbers(s, t, spot, &cells[spot->cell], &values[spot->column]);
		else if (scan_has_distinct(s, t))
			merge_distinct(&cells[spot->cell], &values[spot->column]);
		else
			merge_value(s, t, &cells[spot->cell], &values[spot->column]);
	}
}

/* ---- answers ---- */

/* false: an extreme among values that are no numbers; ask the engine. */
static bool finish_numbers(const struct scan_term *t, const struct db_numbers *n,
			   struct db_value *out)
{
	bool has_others = n->n_others > 0;

	*out = (struct db_value){.type = DB_NULL, .text = ""};
	switch (t->how) {
	case SCAN_COUNT:
	case SCAN_COUNT_IF:
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
	case SCAN_DISTINCT:
	case SCAN_REPEATED:
	case SCAN_PERCENTILE:
		break; /* scan_has_numbers() */
	}
	return true;
}

/* false: asked again as it stands, undivided. */
static bool finish_term(const struct scan_batch *b, const struct scan_term *t,
			const struct scan_cell *c, struct db_value *out)
{
	bool is_torn = c->value.type == DB_BLOB;

	if (c->numbers && !is_torn)
		return finish_numbers(t, c->numbers, out);
	*out = c->value;
	if (c->distinct && !is_torn)
		*out = (struct db_value){.type = DB_INT,
					 .integer = (int64_t)db_distinct_count(c->distinct),
					 .text = ""};
	return !is_torn || (!b->is_split && !scan_has_numbers(b->scan, t) && !c->distinct);
}

static bool is_in(const struct scan_term *t, struct scan_term *const *list, size_t n)
{
	return n > 0 && list[n - 1] == t;
}

size_t scan_finish(struct scan_batch *b, struct scan_term **again)
{
	struct scan *s = b->scan;
	size_t n_again = 0;

	for (size_t i = 0; i < b->n; i++) {
		struct scan_term *t = b->terms[i];
		size_t cell = b->spots[i].cell;

		for (size_t k = 0; k < s->n_segments; k++) {
			struct scan_answer *answer = &s->segments[k]->answers[t->index];
			const struct scan_cell *cells = b->cells[k];

			if (!cells)
				continue; /* the segment has no rows here */
			answer->n_rows = cells->value.integer;
			if (b->shape == SCAN_EXTREMES && answer->n_rows > 0)
				answer->n_rows = -1;
			if (cell == 0)
				answer->value = (struct db_value){
					.type = DB_INT, .integer = answer->n_rows, .text = ""};
			else if (!finish_term(b, t, &cells[cell], &answer->value) &&
				 !is_in(t, again, n_again))
				again[n_again++] = t;
		}
	}
	/* Only now: it changes what the columns are. */
	for (size_t i = 0; i < n_again; i++)
		again[i]->is_whole = true;
	return n_again;
}
