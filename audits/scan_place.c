/*
 * scan_place: which terms stand in one statement, in which order, and where in its rows each is
 * told.
 *
 * Counts, sums, means and deviations of one expression come from the same few columns, its numbers,
 * on SQLite and MySQL, and of PostgreSQL's integers: see scan_merge.c. On SQLite a call of an
 * aggregate costs more than what it adds up, so that one call tells all such numbers of a row: on
 * 1,000,000 rows x 51 columns 3.0 s where a call for each takes 5.4 s.
 */
#include <stdlib.h>
#include <string.h>

#include "audits/scan_internal.h"
#include "runner/base/arena.h"
#include "runner/model/kind.h"

static bool is_row_count(const struct scan_term *t)
{
	return t->how == SCAN_COUNT && strcmp(t->expression, "*") == 0;
}

/* Cells that one column of SQLite's tells: its functions take 127 arguments. */
#define SQLITE_PLACES 100
/* So few terms are asked in the SQL that everybody knows. */
#define FEW_TERMS 8

bool scan_has_functions(const struct scan *s)
{
	return s->engine == DB_SQLITE && !s->is_plain && s->n > FEW_TERMS;
}

bool scan_has_numbers(const struct scan *s, const struct scan_term *t)
{
	if (is_row_count(t) || t->is_whole || s->is_plain)
		return false;
	if (scan_has_functions(s) && (t->how == SCAN_COUNT || t->how == SCAN_COUNT_IF))
		return true;
	if (!t->operand->is_numbers)
		return false;
	if (s->engine == DB_SQLITE)
		return t->how != SCAN_COUNT_IF && t->how < SCAN_DISTINCT;
	if (t->how == SCAN_OTHERS)
		return s->engine == DB_MYSQL && scan_is_numeric(t);
	/* PostgreSQL shares the work of sum, mean and deviation by itself, but for integers. */
	if (s->engine != DB_MYSQL && (s->engine != DB_POSTGRES || !scan_is_integer(t)))
		return false;
	return t->how == SCAN_COUNT || t->how == SCAN_SUM || t->how == SCAN_AVG ||
	       t->how == SCAN_STDDEV;
}

bool scan_has_distinct(const struct scan *s, const struct scan_term *t)
{
	return s->engine == DB_SQLITE && t->how == SCAN_DISTINCT && !t->is_whole && !s->is_plain &&
	       s->spec->by.n == 0 && scan_is_bytewise(s, t) && t->operand->column->key == 0;
}

/* Do both ask the same numbers? What holds a condition is not what it is a condition of. */
static bool is_same(const struct scan *s, const struct scan_term *a, const struct scan_term *b)
{
	return a->operand == b->operand && scan_has_numbers(s, a) && scan_has_numbers(s, b) &&
	       (a->how == SCAN_COUNT_IF) == (b->how == SCAN_COUNT_IF);
}

/* Columns of one that shares none: of numbers count, sum, variance; the latter two less the center.
 */
static size_t own_columns(const struct scan *s, const struct scan_term *t)
{
	if (!scan_has_numbers(s, t) || s->engine == DB_SQLITE)
		return 1;
	return t->operand->has_deviation ? 3 : 2;
}

/* The spot of the term at i, whose predecessors have theirs. */
static struct scan_spot spot_of(const struct scan_batch *b, size_t i)
{
	const struct scan *s = b->scan;
	const struct scan_term *t = b->terms[i], *before = i > 0 ? b->terms[i - 1] : NULL;
	const struct scan_spot *last = i > 0 ? &b->spots[i - 1] : NULL;
	struct scan_spot spot = {.cell = 0};

	if (is_row_count(t))
		return spot;
	if (before && is_same(s, before, t)) {
		spot = *last;
		spot.n_columns = 0;
		spot.is_first = false;
		return spot;
	}
	spot = (struct scan_spot){
		.cell = b->n_cells + 1,
		.column = b->n_columns + 1,
		.n_columns = own_columns(s, t),
		.is_first = true,
	};
	if (s->engine == DB_SQLITE && scan_has_numbers(s, t) && last && last->cell > 0 &&
	    scan_has_numbers(s, before) && last->place + 1 < SQLITE_PLACES) {
		spot.column = last->column;
		spot.n_columns = 0;
		spot.place = last->place + 1;
	}
	return spot;
}

void scan_place(struct scan_batch *b, size_t max_columns)
{
	size_t n = b->n;

	b->spots = arena_array(b->scan->probe->arena, n, sizeof(*b->spots));
	b->n = 0;
	b->n_cells = 0;
	b->n_columns = 0;
	while (b->n < n) {
		struct scan_spot spot = spot_of(b, b->n);

		/* One statement is no longer than where each cell is a column. */
		if (scan_all_columns(b) + spot.n_columns > max_columns ||
		    b->n_cells + spot.is_first > max_columns)
			return;
		b->spots[b->n++] = spot;
		b->n_cells += spot.is_first;
		b->n_columns += spot.n_columns;
	}
}

size_t scan_all_columns(const struct scan_batch *b)
{
	return b->scan->spec->by.n + 1 + b->n_columns;
}

/* What may stand in one statement: terms that share alike. */
enum sharing { SHARES_PARTS, SHARES_WHOLE, SHARES_NOTHING };

struct scan_place {
	struct scan_term *term;
	enum sharing sharing;
	bool has_numbers;
	size_t first; /* the index of the first term it stands with */
};

static enum sharing sharing_of(const struct scan *s, const struct scan_term *t)
{
	bool is_extreme = t->how == SCAN_MIN || t->how == SCAN_MAX;

	if (scan_is_alone(s, t))
		return SHARES_NOTHING;
	if (!s->key || t->is_whole || (t->how == SCAN_DISTINCT && !scan_has_distinct(s, t)))
		return SHARES_WHOLE;
	if (is_extreme && !scan_has_numbers(s, t) && !scan_is_numeric(t) && !scan_is_bytewise(s, t))
		return SHARES_WHOLE;
	return SHARES_PARTS;
}

/* Terms that share alike, of those the ones with numbers, of those the ones that share them, stand
 * together. */
static int by_place(const void *a, const void *b)
{
	const struct scan_place *x = a, *y = b;

	if (x->sharing != y->sharing)
		return x->sharing < y->sharing ? -1 : 1;
	if (x->has_numbers != y->has_numbers)
		return x->has_numbers ? -1 : 1;
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->term->index < y->term->index ? -1 : 1;
}

struct scan_term **scan_in_order(const struct scan *s)
{
	struct arena *a = s->probe->arena;
	struct scan_term **terms = arena_array(a, s->n, sizeof(struct scan_term *));
	struct scan_place *places = arena_array(a, s->n, sizeof(*places));
	size_t *first = arena_array(a, s->n_operands, sizeof(*first));

	memset(first, 0xff, s->n_operands * sizeof(*first));
	for (size_t i = 0; i < s->n; i++) {
		struct scan_term *t = s->terms[i];
		size_t *of_numbers = &first[t->operand->index];

		places[i] =
			(struct scan_place){t, sharing_of(s, t), scan_has_numbers(s, t), t->index};
		if (!places[i].has_numbers)
			continue;
		if (*of_numbers > i)
			*of_numbers = i;
		places[i].first = *of_numbers;
	}
	if (s->n > 0)
		qsort(places, s->n, sizeof(*places), by_place);
	for (size_t i = 0; i < s->n; i++)
		terms[i] = places[i].term;
	return terms;
}

struct scan_batch scan_batch_of(struct scan *s, struct scan_term **terms, size_t n,
				size_t max_columns)
{
	enum sharing sharing = sharing_of(s, terms[0]);
	struct scan_batch b = {
		.scan = s,
		.shape = s->has_only_extremes ? SCAN_EXTREMES : SCAN_TOGETHER,
		.is_split = sharing == SHARES_PARTS,
		.terms = terms,
	};

	if (sharing == SHARES_NOTHING) {
		b.shape = SCAN_ALONE;
		b.n = scan_alone_together(terms, n);
	} else {
		while (b.n < n && sharing_of(s, terms[b.n]) == sharing)
			b.n++;
	}
	scan_place(&b, max_columns);
	return b;
}
