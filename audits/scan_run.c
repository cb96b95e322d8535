/*
 * scan_run: asking, and finding the questions that cannot be asked.
 *
 * All statements are asked together, over all sessions there are, in one snapshot if the engine
 * offers that; where it does not, every statement still counts the rows it aggregates. A table is
 * divided only when several sessions see one snapshot.
 *
 * A statement the engine refuses is prepared term by term (no row is read). One that fails while
 * running, as a cast or a generated column can, is halved, and the halves are asked, until the
 * culprits are alone; but first the bare count must succeed, else it is the table and not a term.
 *
 * Measured on 2,000,000 rows x 51 columns: one query a metric 80 s, one fused query 10 s.
 */
#include <string.h>

#include "audits/database.h"
#include "audits/scan_internal.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/model/kind.h"
#include "runner/model/measurement.h"

/* Ranges for each session, so that one that has more rows than others holds up nobody. */
#define RANGES_PER_SESSION 16

/* Batches that are to be asked. */
struct round {
	struct scan *scan;
	struct db *const *dbs;
	size_t n_dbs;
	struct scan_batch *items;
	size_t n, cap;
};

static struct arena *arena_of(const struct scan *s)
{
	return s->probe->arena;
}

static int fail_filter(struct err *e)
{
	return err_set(e, ERR_MEASURE, "the filter is not one condition");
}

static int fail_expression(struct err *e)
{
	return err_set(e, ERR_MEASURE, "what is asked is not one expression");
}

int scan_not_one(const struct scan_batch *b, struct err *e)
{
	return b->n == 1 && !b->scan->spec->where ? fail_expression(e) : fail_filter(e);
}

static void add_batch(struct round *r, struct scan_batch b)
{
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 4;
		struct scan_batch *grown = arena_array(arena_of(r->scan), cap, sizeof(*grown));

		if (r->n > 0)
			memcpy(grown, r->items, r->n * sizeof(*grown));
		r->items = grown;
		r->cap = cap;
	}
	r->items[r->n++] = b;
}

/* ---- before ---- */

static int prepare(const struct scan_batch *b, struct db *db, struct err *e)
{
	size_t n_columns;

	if (db_prepare(db, scan_statement(b, NULL), &n_columns, e) != 0)
		return -1;
	return n_columns == scan_all_columns(b) ? 0 : scan_not_one(b, e);
}

static void set_bad(const struct scan *s, struct scan_term *t, const struct err *e)
{
	struct err *kept = arena_alloc(arena_of(s), sizeof(*kept));

	*kept = *e;
	t->error = kept;
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
	b->n = n_good;
	scan_place(b, SCAN_MAX_COLUMNS);
	return 0;
}

static const char *source_of(const struct scan *s)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	db_quote_table(s->engine, &b, s->spec->table);
	const char *source = arena_strndup(arena_of(s), b.data, b.len);

	buf_release(&b);
	return source;
}

/* What is accepted in parentheses may have closed them. */
static int check_closed(struct scan *s, struct db *db, struct err *e)
{
	const char *source = source_of(s);

	if (s->spec->where && !database_is_condition(db, source, s->spec->where))
		return fail_filter(e);
	for (size_t i = 0; i < s->n; i++) {
		struct scan_term *t = s->terms[i];
		struct err why = {0};

		if (t->error || t->how == SCAN_COUNT_IF || t->how == SCAN_REPEATED ||
		    database_is_expression(db, source, t->expression))
			continue;
		(void)fail_expression(&why);
		set_bad(s, t, &why);
	}
	return 0;
}

/* All batches whose statements the engine accepts. */
static int first_round(struct round *r, struct err *e)
{
	struct scan *s = r->scan;
	size_t max_columns = db_max_columns(r->dbs[0]);
	struct scan_term **terms = scan_in_order(s);
	size_t done = 0;

	if (max_columns > SCAN_MAX_COLUMNS)
		max_columns = SCAN_MAX_COLUMNS;
	while (done < s->n) {
		struct scan_batch b = scan_batch_of(s, terms + done, s->n - done, max_columns);

		done += b.n;
		if (sort_out(&b, r->dbs[0], e) != 0)
			return -1;
		if (b.n == 0)
			continue;
		scan_find_centers(&b, r->dbs[0]);
		add_batch(r, b);
	}
	return 0;
}

/* ---- asking ---- */

/* Ranges last: they even out what the long ones before them leave over. */
static void ask(struct round *r)
{
	size_t n_ranges = r->n_dbs * RANGES_PER_SESSION, n = 0;
	struct scan *s = r->scan;
	struct scan_task *tasks = arena_array(arena_of(s), r->n * n_ranges, sizeof(*tasks));
	const char **ranges = s->key ? scan_ranges(s, n_ranges) : NULL;

	for (size_t i = 0; i < r->n; i++)
		scan_cells_init(&r->items[i]);
	for (size_t i = 0; i < r->n; i++)
		if (!r->items[i].is_split)
			tasks[n++] = (struct scan_task){&r->items[i],
							scan_statement(&r->items[i], NULL)};
	for (size_t k = 0; ranges && k < n_ranges; k++)
		for (size_t i = 0; i < r->n; i++)
			if (r->items[i].is_split)
				tasks[n++] = (struct scan_task){
					&r->items[i], scan_statement(&r->items[i], ranges[k])};
	scan_crew_run(s, r->dbs, r->n_dbs, tasks, n);
}

/* The rows alone: when that fails, it is the table. Tells the segments as well. */
static int ask_count(const struct round *r, struct err *e)
{
	struct scan_batch count = {.scan = r->scan};
	struct scan_task task = {&count, scan_statement(&count, NULL)};

	scan_cells_init(&count);
	scan_crew_run(r->scan, r->dbs, 1, &task, 1);
	scan_cells_release(&count);
	if (count.error && e)
		*e = *count.error;
	return count.error ? -1 : 0;
}

/* Adds to the next round what has to be asked again of a batch. */
static void settle(struct scan_batch *b, struct round *next)
{
	struct scan *s = b->scan;
	size_t n = b->n;
	struct scan_term **again = arena_array(arena_of(s), n, sizeof(*again));

	if (!b->error) {
		n = scan_finish(b, again);
	} else if (n == 1 && scan_has_numbers(s, b->terms[0])) {
		/* Asked by itself, without the numbers that others share: it may not be a culprit.
		 */
		b->terms[0]->is_whole = true;
		again[0] = b->terms[0];
	} else if (n == 1) {
		set_bad(s, b->terms[0], b->error);
		return;
	} else {
		memcpy(again, b->terms, n * sizeof(*again));
	}
	for (size_t done = 0; done < n;) {
		size_t rest = n - done;
		struct scan_batch part = scan_batch_of(
			s, again + done, n > 1 && b->error && rest > n / 2 ? n / 2 : rest,
			SCAN_MAX_COLUMNS);

		add_batch(next, part);
		done += part.n;
	}
}

static int ask_rounds(struct round *r, struct err *e)
{
	bool is_counted = false;

	while (r->n > 0) {
		struct round next = {.scan = r->scan, .dbs = r->dbs, .n_dbs = r->n_dbs};
		const struct err *why = NULL;

		ask(r);
		for (size_t i = 0; i < r->n && !why; i++)
			why = r->items[i].error;
		if (why && !is_counted && ask_count(r, NULL) != 0)
			*e = *why;
		else
			is_counted = is_counted || why;
		for (size_t i = 0; i < r->n; i++) {
			if (!why || is_counted)
				settle(&r->items[i], &next);
			scan_cells_release(&r->items[i]);
		}
		if (why && !is_counted)
			return -1;
		*r = next;
	}
	return 0;
}

/* ---- the whole ---- */

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

int scan_run(struct scan *s, struct db *const *dbs, size_t n_dbs, struct err *e)
{
	struct round r = {.scan = s, .dbs = dbs, .n_dbs = n_dbs};

	make_room(s);
	if (first_round(&r, e) != 0 || check_closed(s, dbs[0], e) != 0 || ask_rounds(&r, e) != 0)
		return err_context(e, "table \"%s\"", s->spec->table);
	/* Nothing could be asked: the segments still have to be told. */
	if (s->n_segments == 0 && s->terms[0]->error && ask_count(&r, e) != 0)
		return err_context(e, "table \"%s\"", s->spec->table);
	return 0;
}
