/*
 * The past of many series at once, such as those of a page. What is measured together lies side by
 * side: where most of it is wanted it is read run by run, without a seek for each.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/trail.h"

struct trails {
	struct trail *items; /* in the order of series_id */
	struct trail **wide; /* those with a whole_id, in its order */
	size_t n, n_wide;
	size_t limit;
};

/* So many runs are looked at before what is to be read next is chosen anew. */
#define WINDOW_RUNS 64
/* A row that is passed over costs so much less than a seek. */
#define ROWS_A_SEEK 4

/* All series of the runs from ?1 to ?2, and which one it is. */
#define SCAN                                                                                       \
	"SELECT " TRAIL_COLUMNS ", x.id & 16777215 FROM runs r CROSS JOIN results x ON x.id "      \
	"BETWEEN r.id << 24 AND (r.id << 24 | 16777215) WHERE r.id BETWEEN ?1 AND ?2 ORDER BY "    \
	"r.id DESC"
#define SCAN_SERIES TRAIL_N_COLUMNS

static int compare_ids(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_series(const void *a, const void *b)
{
	const struct trail *x = a, *y = b;

	return compare_ids(x->series_id, y->series_id);
}

static int by_whole(const void *a, const void *b)
{
	const struct trail *const *x = a, *const *y = b;

	return compare_ids((*x)->whole_id, (*y)->whole_id);
}

/* Is there more of it in older runs, and to be found run by run? */
static bool is_wanting(const struct trail *t, size_t limit)
{
	return t->series_id != 0 && !t->is_whole && !trail_is_full(t, limit);
}

static size_t n_wanting(const struct trails *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += is_wanting(&t->items[i], t->limit);
	return n;
}

/* Is reading all of these runs less work than a seek for each series and run? */
static int is_dense(struct record *r, const struct trails *t, int64_t first, int64_t last,
		    bool *out, struct err *e)
{
	int64_t n_rows = 0;
	sqlite3_stmt *s = store_sql(
		r, "SELECT coalesce(sum(n_results), 0) FROM batches WHERE run BETWEEN ?1 AND ?2",
		e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, first);
	store_bind_int(s, 2, last);
	if (store_integer(r, s, &n_rows, e) < 0)
		return -1;
	*out = n_rows / ROWS_A_SEEK <= (int64_t)n_wanting(t) * (last - first + 1);
	return 0;
}

static bool ends_at(const struct trail *t, int64_t run_id)
{
	return t->n > 0 && t->points[t->n - 1].run_id == run_id;
}

/* A scan of runs up to `last`. */
struct scan {
	struct record *record;
	struct arena *arena;
	sqlite3_stmt *s;
	struct last_text subject;
	int64_t last;
};

static int add(struct scan *x, struct trail *t, size_t limit, struct err *e)
{
	if (!is_wanting(t, limit))
		return 0;
	/* All that t can come to hold: growing would leave as much behind. */
	if (t->points == NULL && limit != 0) {
		t->cap = x->last < (int64_t)limit ? (size_t)x->last : limit;
		t->points = arena_array(x->arena, t->cap, sizeof(*t->points));
	}
	return trail_add(x->record, x->arena, x->s, &x->subject, INT64_MIN, t, e);
}

/* The row of one series, and of all that it stands in for. */
static int take_row(struct scan *x, struct trails *t, struct err *e)
{
	int64_t run_id = sqlite3_column_int64(x->s, TRAIL_RUN);
	struct trail key = {.series_id = sqlite3_column_int64(x->s, SCAN_SERIES)};
	struct trail *own = bsearch(&key, t->items, t->n, sizeof(key), by_series);
	const struct trail *whole = &key;
	struct trail **wide = NULL;

	key.whole_id = key.series_id;
	if (t->n_wide > 0)
		wide = bsearch(&whole, t->wide, t->n_wide, sizeof(*wide), by_whole);
	if (own != NULL && ends_at(own, run_id))
		own->n--; /* what stood in for it came first */
	if (own != NULL && add(x, own, t->limit, e) != 0)
		return -1;
	if (wide == NULL)
		return 0;
	while (wide > t->wide && wide[-1]->whole_id == key.whole_id)
		wide--;
	for (; wide < t->wide + t->n_wide && (*wide)->whole_id == key.whole_id; wide++)
		if (!ends_at(*wide, run_id) && add(x, *wide, t->limit, e) != 0)
			return -1;
	return 0;
}

static int scan_runs(struct record *r, struct arena *a, struct trails *t, int64_t first,
		     int64_t last, struct err *e)
{
	struct scan x = {r, a, store_sql(r, SCAN, e), {0, ""}, last};
	int rc;

	if (x.s == NULL)
		return -1;
	store_bind_int(x.s, 1, first);
	store_bind_int(x.s, 2, last);
	while ((rc = store_step(r, x.s, e)) == 1)
		if (take_row(&x, t, e) != 0)
			return -1;
	return rc;
}

/* From the run up_to on, window by window, for as long as runs hold mostly what is wanted. */
static int scan_dense(struct record *r, struct arena *a, struct trails *t, int64_t *up_to,
		      struct err *e)
{
	while (*up_to > 0 && n_wanting(t) > 0) {
		int64_t first = *up_to > WINDOW_RUNS ? *up_to - WINDOW_RUNS + 1 : 1;
		bool is_less_work;

		if (is_dense(r, t, first, *up_to, &is_less_work, e) != 0)
			return -1;
		if (!is_less_work)
			return 0;
		if (scan_runs(r, a, t, first, *up_to, e) != 0)
			return -1;
		*up_to = first - 1;
	}
	return 0;
}

static int read_trails(struct record *r, struct arena *a, struct trails *t, int64_t up_to,
		       struct err *e)
{
	int64_t rest = up_to;
	bool has_merges;

	/* Of merged runs the order of numbers is not that of time. */
	if (store_has_merges(r, &has_merges, e) != 0 ||
	    (!has_merges && scan_dense(r, a, t, &rest, e) != 0))
		return -1;
	for (size_t i = 0; i < t->n; i++) {
		struct trail *x = &t->items[i];
		const struct trail_walk w = {INT64_MIN, x->is_whole ? up_to : rest, t->limit};

		if (x->series_id != 0 && trail_walk(r, a, &w, x, e) != 0)
			return -1;
	}
	return 0;
}

static void sort(struct arena *a, struct trails *t)
{
	qsort(t->items, t->n, sizeof(*t->items), by_series);
	t->wide = arena_array(a, t->n, sizeof(struct trail *));
	for (size_t i = 0; i < t->n; i++)
		if (t->items[i].whole_id != 0 && t->items[i].whole_id != t->items[i].series_id)
			t->wide[t->n_wide++] = &t->items[i];
	if (t->n_wide > 0)
		qsort(t->wide, t->n_wide, sizeof(struct trail *), by_whole);
}

int record_trails(struct record *r, struct arena *a, int64_t up_to_run_id,
		  const struct result *results, size_t n_results, size_t limit, struct point **out,
		  size_t *n, struct err *e)
{
	struct trails t = {.items = arena_array(a, n_results, sizeof(*t.items)),
			   .n = n_results,
			   .limit = limit};
	int64_t *ids = arena_array(a, n_results, sizeof(*ids));
	int rc = 0;

	if (n_results == 0)
		return 0;
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	for (size_t i = 0; rc >= 0 && i < n_results; i++) {
		rc = trail_find(r, results[i].check->name, results[i].series, &t.items[i], e);
		ids[i] = t.items[i].series_id;
	}
	sort(a, &t);
	if (rc >= 0)
		rc = read_trails(r, a, &t, up_to_run_id, e);
	if (store_leave(r, rc, e) != 0)
		return -1;
	for (size_t i = 0; i < t.n; i++)
		trail_reverse(t.items[i].points, t.items[i].n);
	for (size_t i = 0; i < n_results; i++) {
		const struct trail key = {.series_id = ids[i]};
		const struct trail *found = bsearch(&key, t.items, t.n, sizeof(key), by_series);

		out[i] = found->points;
		n[i] = found->n;
	}
	return 0;
}
