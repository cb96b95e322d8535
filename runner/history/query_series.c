/*
 * Series through time. The results of one lie one in each run, so this is a walk over runs, newest
 * first, with one seek each into `results`; what is shared (outcome, bound, unit) is read again
 * only when it changes, which it seldom does. Those of many series that are measured together lie
 * side by side: they are read run by run, without a seek for each.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/row.h"
#include "runner/history/store.h"
#include "runner/stats/summary.h"

/* What the walk is about. */
struct walk {
	int64_t series_id;
	int64_t since_ms;    /* of measured_ms; INT64_MIN = all */
	int64_t last_run_id; /* inclusive */
	size_t limit;
};

/* The shared part of the row last read. */
struct shared {
	int64_t facts_id;
	enum outcome outcome;
	const char *unit, *bound;
	bool has_limit, has_share, is_whole;
	double limit, share;
	unsigned char hash[SHA256_BYTES]; /* of the check's definition */
};

static int read_shared(struct record *r, struct arena *a, int64_t facts_id, struct shared *out,
		       struct err *e)
{
	sqlite3_stmt *s;

	if (out->facts_id == facts_id)
		return 0;
	s = store_row(
		r,
		"SELECT outcome, (SELECT body FROM texts WHERE id = unit), (SELECT "
		"body FROM texts WHERE id = bound), usual_limit, share, is_whole, "
		"(SELECT hash FROM definitions WHERE id = definition_id) FROM facts WHERE id = ?1",
		"facts row", facts_id, e);
	if (s == NULL)
		return -1;
	*out = (struct shared){
		.facts_id = facts_id,
		.outcome = store_outcome(s, 0),
		.unit = store_text_or(s, 1, a, ""),
		.bound = store_text_or(s, 2, a, ""),
		.has_limit = sqlite3_column_type(s, 3) != SQLITE_NULL,
		.limit = store_real(s, 3),
		.has_share = sqlite3_column_type(s, 4) != SQLITE_NULL,
		.share = store_real(s, 4),
		.is_whole = sqlite3_column_int(s, 5) != 0,
	};
	store_digest(s, 6, out->hash, sizeof(out->hash));
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

/* The first run that can hold results of the window; one past the last when none can. */
static int first_run(struct record *r, int64_t since_ms, int64_t *id, struct err *e)
{
	sqlite3_stmt *s;

	*id = 0;
	if (since_ms < INT64_MIN + STORE_LONGEST_RUN_MS)
		return 0;
	s = store_sql(r, "SELECT coalesce(min(id), ?2) FROM runs WHERE begin_ms >= ?1", e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, since_ms - STORE_LONGEST_RUN_MS);
	store_bind_int(s, 2, INT64_MAX);
	return store_integer(r, s, id, e) < 0 ? -1 : 0;
}

/* In the order of enum column. */
#define SOURCE(is_doubtful, order)                                                                 \
	"SELECT x.facts_id, x.value, x.n, x.own_limit, x.room, x.at_ms, r.id, r.begin_ms, "        \
	"r.subject, " is_doubtful                                                                  \
	" FROM runs r CROSS JOIN results x ON x.id = (r.id << 24 | ?1) WHERE r.id BETWEEN ?2 AND " \
	"?3 ORDER BY " order
/* Not ended when the run after ?3 began: so that it stays so. */
#define UNFINISHED                                                                                 \
	"NOT EXISTS (SELECT 1 FROM run_ends WHERE run = r.id AND state = 1 AND seq < "             \
	"coalesce((SELECT seq FROM runs WHERE id = ?3 + 1), 9223372036854775807))"
#define UNVOUCHED "r.merge IS NOT NULL AND (SELECT vouched FROM merges WHERE id = r.merge) = 0"
static_assert(RUN_COMPLETE == 1, "as UNFINISHED has it");

/* All series of the runs from ?1 to ?2, and which one it is. */
#define SCAN                                                                                       \
	"SELECT x.facts_id, x.value, x.n, x.own_limit, x.room, x.at_ms, r.id, r.begin_ms, "        \
	"r.subject, x.id & 16777215 FROM runs r CROSS JOIN results x ON x.id BETWEEN r.id << 24 "  \
	"AND (r.id << 24 | 16777215) WHERE r.id BETWEEN ?1 AND ?2 ORDER BY r.id DESC"

enum column {
	COLUMN_FACTS,
	COLUMN_VALUE,
	COLUMN_COUNTS,
	COLUMN_LIMIT,
	COLUMN_ROOM,
	COLUMN_AT,
	COLUMN_RUN,
	COLUMN_BEGIN,
	COLUMN_SUBJECT,
	COLUMN_DOUBT,		      /* if asked for: nothing should rest on the run; see below */
	COLUMN_SERIES = COLUMN_DOUBT, /* of SCAN */
};

/*
 * Newest run first. In doubt is one that did not come to its end, or was merged though nobody
 * vouched for it.
 */
static sqlite3_stmt *start(struct record *r, const struct walk *w, bool is_doubt_told,
			   struct err *e)
{
	bool has_merges;
	int64_t first;
	sqlite3_stmt *s;

	if (first_run(r, w->since_ms, &first, e) != 0 || store_has_merges(r, &has_merges, e) != 0)
		return NULL;
	if (is_doubt_told)
		s = has_merges
			    ? store_sql(r, SOURCE(UNFINISHED " OR " UNVOUCHED, STORE_NEWEST_FIRST),
					e)
			    : store_sql(r, SOURCE(UNFINISHED, "r.id DESC"), e);
	else
		s = has_merges ? store_sql(r, SOURCE("0", STORE_NEWEST_FIRST), e)
			       : store_sql(r, SOURCE("0", "r.id DESC"), e);
	if (s == NULL)
		return NULL;
	store_bind_int(s, 1, w->series_id);
	store_bind_int(s, 2, first);
	store_bind_int(s, 3, w->last_run_id);
	return s;
}

static int64_t measured_ms(sqlite3_stmt *s)
{
	return sqlite3_column_int64(s, COLUMN_BEGIN) + sqlite3_column_int64(s, COLUMN_AT);
}

static struct point read_point(sqlite3_stmt *s, struct arena *a, const struct shared *f)
{
	struct value value = row_value(s, COLUMN_VALUE, a);
	double limit = sqlite3_column_type(s, COLUMN_LIMIT) != SQLITE_NULL
			       ? store_real(s, COLUMN_LIMIT)
			       : f->limit;
	int64_t n, n_total;
	double share;

	row_counts(s, COLUMN_COUNTS, f->is_whole, &n, &n_total);
	share = f->has_share ? f->share : row_derived_share(&value, n_total);
	return (struct point){
		.run_id = sqlite3_column_int64(s, COLUMN_RUN),
		.measured_ms = measured_ms(s),
		.outcome = f->outcome,
		.value = value,
		.share = share,
		.has_limit = f->has_limit,
		.limit = f->has_limit ? limit : 0,
		.room = row_room(s, COLUMN_ROOM, &value, share, limit),
		.bound = f->bound,
		.unit = f->unit,
	};
}

/*
 * A walk over more runs than pages are kept (4 KiB, STORE_KEPT_KIB) meets no leaf of the tree
 * again; with few kept the next one is read into memory that the processor has at hand.
 */
#define WALK_KIB  256
#define LONG_WALK (STORE_KEPT_KIB / 4)

static int is_long(struct record *r, const struct walk *w, bool *out, struct err *e)
{
	int64_t first = 0, last = 0;
	sqlite3_stmt *s;

	*out = false;
	if (w->limit != 0)
		return 0;
	s = store_sql(r, "SELECT coalesce(max(id), 0) FROM runs", e);
	if (s == NULL || store_integer(r, s, &last, e) < 0 ||
	    first_run(r, w->since_ms, &first, e) != 0)
		return -1;
	*out = last > LONG_WALK && first < last - LONG_WALK;
	return 0;
}

/* What was read of a series, newest first. */
struct trail {
	int64_t series_id; /* 0 = never seen: it has no points */
	struct point *points;
	size_t n, cap;
	struct shared shared;
};

static bool is_full(const struct trail *t, size_t limit)
{
	return limit != 0 && t->n >= limit;
}

/* The row s is at. */
static int add_point(struct record *r, struct arena *a, sqlite3_stmt *s, struct last_text *subject,
		     int64_t since_ms, struct trail *t, struct err *e)
{
	struct point p;

	if (read_shared(r, a, sqlite3_column_int64(s, COLUMN_FACTS), &t->shared, e) != 0 ||
	    lookup_body(r, a, sqlite3_column_int64(s, COLUMN_SUBJECT), subject, e) != 0)
		return -1;
	p = read_point(s, a, &t->shared);
	if (p.measured_ms < since_ms)
		return 0;
	p.subject = subject->body;
	t->points = store_grow(a, t->points, sizeof(*t->points), t->n, &t->cap);
	t->points[t->n++] = p;
	return 0;
}

/* On to the older ones, until t is full. */
static int walk_points(struct record *r, struct arena *a, const struct walk *w, struct trail *t,
		       struct err *e)
{
	struct last_text subject = {0, ""};
	sqlite3_stmt *s = start(r, w, false, e);
	int rc = 0;

	if (s == NULL)
		return -1;
	while (!is_full(t, w->limit) && (rc = store_step(r, s, e)) == 1)
		if (add_point(r, a, s, &subject, w->since_ms, t, e) != 0)
			return -1;
	(void)sqlite3_reset(s); /* stopped at the limit, or done */
	return rc < 0 ? -1 : 0;
}

/* -1 error, 0 such a series was never seen, 1 found. */
static int find_series(struct record *r, const char *check, const char *series, int64_t *id,
		       struct err *e)
{
	int64_t check_id;

	*id = 0;
	if (lookup_check(r, check, &check_id, e) != 0)
		return -1;
	if (check_id != 0 && lookup_series(r, check_id, series, id, e) != 0)
		return -1;
	return *id != 0;
}

static void reverse(struct point *points, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct point p = points[i];

		points[i] = points[n - 1 - i];
		points[n - 1 - i] = p;
	}
}

int record_series(struct record *r, struct arena *a, const char *check, const char *series,
		  int64_t since_ms, size_t limit, struct point **out, size_t *n, struct err *e)
{
	struct walk w = {0, since_ms, INT64_MAX, limit};
	struct trail t = {0};
	bool is_walk_long = false;
	int rc;

	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	rc = find_series(r, check, series, &w.series_id, e);
	if (rc == 1)
		rc = is_long(r, &w, &is_walk_long, e) != 0 ? -1 : 1;
	if (is_walk_long)
		store_keep_pages(r, WALK_KIB);
	if (rc == 1)
		rc = walk_points(r, a, &w, &t, e);
	if (is_walk_long)
		store_keep_pages(r, STORE_KEPT_KIB);
	if (store_leave(r, rc, e) != 0)
		return -1;
	reverse(t.points, t.n);
	*out = t.points;
	*n = t.n;
	return 0;
}

/* ---- many series at once ---- */

/* The trails of a page, in the order of series_id. */
struct trails {
	struct trail *items;
	size_t n;
	size_t limit;
};

/* So many runs are looked at before what is to be read next is chosen anew. */
#define WINDOW_RUNS 64
/* A row that is passed over costs so much less than a seek. */
#define ROWS_A_SEEK 4

static int compare_trails(const void *a, const void *b)
{
	const struct trail *x = a, *y = b;

	return x->series_id < y->series_id ? -1 : x->series_id > y->series_id;
}

static size_t n_wanting(const struct trails *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->items[i].series_id != 0 && !is_full(&t->items[i], t->limit);
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

/* All that t can come to hold: growing would leave as much behind. */
static void reserve(struct arena *a, struct trail *t, size_t limit, int64_t n_runs)
{
	if (t->points != NULL || limit == 0)
		return;
	t->cap = n_runs < (int64_t)limit ? (size_t)n_runs : limit;
	t->points = arena_array(a, t->cap, sizeof(*t->points));
}

static int scan_runs(struct record *r, struct arena *a, struct trails *t, int64_t first,
		     int64_t last, struct err *e)
{
	struct last_text subject = {0, ""};
	sqlite3_stmt *s = store_sql(r, SCAN, e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, first);
	store_bind_int(s, 2, last);
	while ((rc = store_step(r, s, e)) == 1) {
		struct trail key = {.series_id = sqlite3_column_int64(s, COLUMN_SERIES)};
		struct trail *found = bsearch(&key, t->items, t->n, sizeof(key), compare_trails);

		if (found == NULL || is_full(found, t->limit))
			continue;
		reserve(a, found, t->limit, last);
		if (add_point(r, a, s, &subject, INT64_MIN, found, e) != 0)
			return -1;
	}
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
	bool has_merges;

	/* Of merged runs the order of numbers is not that of time. */
	if (store_has_merges(r, &has_merges, e) != 0 ||
	    (!has_merges && scan_dense(r, a, t, &up_to, e) != 0))
		return -1;
	for (size_t i = 0; up_to > 0 && i < t->n; i++) {
		struct walk w = {t->items[i].series_id, INT64_MIN, up_to, t->limit};

		if (w.series_id != 0 && walk_points(r, a, &w, &t->items[i], e) != 0)
			return -1;
	}
	return 0;
}

int record_trails(struct record *r, struct arena *a, int64_t up_to_run_id,
		  const struct result *results, size_t n_results, size_t limit, struct point **out,
		  size_t *n, struct err *e)
{
	struct trails t = {arena_array(a, n_results, sizeof(*t.items)), n_results, limit};
	int64_t *ids = arena_array(a, n_results, sizeof(*ids));
	int rc = 0;

	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	for (size_t i = 0; rc >= 0 && i < n_results; i++) {
		rc = find_series(r, results[i].check->name, results[i].series, &ids[i], e);
		t.items[i] = (struct trail){.series_id = ids[i]};
	}
	qsort(t.items, t.n, sizeof(*t.items), compare_trails);
	if (rc >= 0)
		rc = read_trails(r, a, &t, up_to_run_id, e);
	if (store_leave(r, rc, e) != 0)
		return -1;
	for (size_t i = 0; i < t.n; i++)
		reverse(t.items[i].points, t.items[i].n);
	for (size_t i = 0; i < n_results; i++) {
		struct trail key = {.series_id = ids[i]};
		struct trail *found = bsearch(&key, t.items, t.n, sizeof(key), compare_trails);

		out[i] = found->points;
		n[i] = found->n;
	}
	return 0;
}

/*
 * A measured value that was undecided had too little history to be judged by: it is the history of
 * the next ones, else a check with nothing but a `within` bound would stay undecided for ever.
 */
static bool may_be_baseline(enum outcome outcome)
{
	return outcome_is_passing(outcome) || outcome == OUTCOME_UNDECIDED;
}

/* Numbers that were measured and not disproved, newest first. */
static int collect(struct record *r, struct arena *a, const struct walk *w,
		   const unsigned char hash[static SHA256_BYTES], double **out, size_t *n,
		   struct err *e)
{
	struct shared shared = {.facts_id = 0};
	double *values = NULL;
	size_t count = 0, cap = 0;
	sqlite3_stmt *s = start(r, w, true, e);
	int rc;

	if (s == NULL)
		return -1;
	while ((rc = store_step(r, s, e)) == 1) {
		int64_t at = measured_ms(s);
		struct value v;

		if (read_shared(r, a, sqlite3_column_int64(s, COLUMN_FACTS), &shared, e) != 0)
			return -1;
		/* Who supplies an unsigned record, stops runs or loosens a bound for one of them
		 * must not choose what others are judged by. */
		if (at < w->since_ms || !may_be_baseline(shared.outcome) ||
		    sqlite3_column_int(s, COLUMN_DOUBT) != 0 ||
		    memcmp(shared.hash, hash, sizeof(shared.hash)) != 0)
			continue;
		v = row_value(s, COLUMN_VALUE, a);
		if (v.type != VALUE_INT && (v.type != VALUE_REAL || !isfinite(v.real)))
			continue;
		values = store_grow(a, values, sizeof(*values), count, &cap);
		values[count++] = v.type == VALUE_INT ? (double)v.integer : v.real;
	}
	*out = values;
	*n = count;
	return rc;
}

int record_baseline(struct record *r, const struct check_info *check, const char *series,
		    int64_t since_ms, int64_t before_run_id, struct baseline *out, struct err *e)
{
	struct walk w = {.since_ms = since_ms, .last_run_id = before_run_id - 1};
	struct arena *scratch;
	double *values = NULL;
	size_t n = 0;
	int rc;

	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	scratch = arena_new();
	rc = find_series(r, check->name, series, &w.series_id, e);
	if (rc == 1)
		rc = collect(r, scratch, &w, check->hash, &values, &n, e);
	rc = store_leave(r, rc, e);
	if (rc == 0)
		*out = (struct baseline){
			.n = n,
			.median = stats_median(values, n),
			.mean = stats_mean(values, n),
			.sigma = stats_sigma(values, n),
		};
	arena_free(scratch);
	return rc;
}
