/*
 * One series through time. Its results lie one in each run, so this is a walk over runs, newest
 * first, with one seek each into `results`; what is shared (outcome, bound, unit) is read again
 * only when it changes, which it seldom does.
 *
 * A run in which a check could not be measured, or was skipped, has one result for the check as a
 * whole, of the series "". It belongs to the past of every series of that check; and the past of
 * the check as a whole is what its series came to together.
 */
#include "runner/history/trail.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/row.h"
#include "runner/stats/summary.h"

static int read_shared(struct record *r, struct arena *a, int64_t facts_id,
		       struct trail_shared *out, struct err *e)
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
	*out = (struct trail_shared){
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

#define SOURCE(join, is_doubtful, order)                                                           \
	"SELECT " TRAIL_COLUMNS ", " is_doubtful " FROM runs r " join                              \
	" WHERE r.id BETWEEN ?2 AND ?3 ORDER BY " order
#define OWN "CROSS JOIN results x ON x.id = (r.id << 24 | ?1)"
/* ... or what the run has of the check as a whole, ?4. */
#define OWN_OR_WHOLE                                                                               \
	"CROSS JOIN results x ON x.id = CASE WHEN EXISTS (SELECT 1 FROM results o WHERE o.id = "   \
	"(r.id << 24 | ?1)) THEN (r.id << 24 | ?1) ELSE (r.id << 24 | ?4) END"
/* ... or nothing: that run's series have to be looked at. */
#define WHOLE_OR_NULL "LEFT JOIN results x ON x.id = (r.id << 24 | ?1)"
/* Not ended when the run after ?3 began: so that it stays so. */
#define UNFINISHED                                                                                 \
	"NOT EXISTS (SELECT 1 FROM run_ends WHERE run = r.id AND state = 1 AND seq < "             \
	"coalesce((SELECT seq FROM runs WHERE id = ?3 + 1), 9223372036854775807))"
#define UNVOUCHED "r.merge IS NOT NULL AND (SELECT vouched FROM merges WHERE id = r.merge) = 0"
static_assert(RUN_COMPLETE == 1, "as UNFINISHED has it");

#define COLUMN_DOUBT TRAIL_N_COLUMNS /* nothing should rest on the run; see below */

/* Newest run first. */
static sqlite3_stmt *choose(struct record *r, const struct trail *t, bool has_merges, struct err *e)
{
	if (t->is_whole)
		return has_merges ? store_sql(r, SOURCE(WHOLE_OR_NULL, "0", STORE_NEWEST_FIRST), e)
				  : store_sql(r, SOURCE(WHOLE_OR_NULL, "0", "r.id DESC"), e);
	if (t->whole_id != 0)
		return has_merges ? store_sql(r, SOURCE(OWN_OR_WHOLE, "0", STORE_NEWEST_FIRST), e)
				  : store_sql(r, SOURCE(OWN_OR_WHOLE, "0", "r.id DESC"), e);
	return has_merges ? store_sql(r, SOURCE(OWN, "0", STORE_NEWEST_FIRST), e)
			  : store_sql(r, SOURCE(OWN, "0", "r.id DESC"), e);
}

/*
 * Of the series alone, with COLUMN_DOUBT. In doubt is a run that did not come to its end, or was
 * merged though nobody vouched for it.
 */
static sqlite3_stmt *choose_doubted(struct record *r, bool has_merges, struct err *e)
{
	return has_merges
		       ? store_sql(r, SOURCE(OWN, UNFINISHED " OR " UNVOUCHED, STORE_NEWEST_FIRST),
				   e)
		       : store_sql(r, SOURCE(OWN, UNFINISHED, "r.id DESC"), e);
}

static sqlite3_stmt *start(struct record *r, const struct trail *t, const struct trail_walk *w,
			   bool is_doubt_told, struct err *e)
{
	bool has_merges;
	int64_t first;
	sqlite3_stmt *s;

	if (first_run(r, w->since_ms, &first, e) != 0 || store_has_merges(r, &has_merges, e) != 0)
		return NULL;
	s = is_doubt_told ? choose_doubted(r, has_merges, e) : choose(r, t, has_merges, e);
	if (s == NULL)
		return NULL;
	store_bind_int(s, 1, t->series_id);
	store_bind_int(s, 2, first);
	store_bind_int(s, 3, w->last_run_id);
	if (!is_doubt_told && !t->is_whole && t->whole_id != 0)
		store_bind_int(s, 4, t->whole_id);
	return s;
}

static int64_t measured_ms(sqlite3_stmt *s)
{
	return sqlite3_column_int64(s, TRAIL_BEGIN) + sqlite3_column_int64(s, TRAIL_AT);
}

static struct point read_point(sqlite3_stmt *s, struct arena *a, const struct trail_shared *f)
{
	struct value value = row_value(s, TRAIL_VALUE, a);
	double limit = sqlite3_column_type(s, TRAIL_LIMIT) != SQLITE_NULL
			       ? store_real(s, TRAIL_LIMIT)
			       : f->limit;
	int64_t n, n_total;
	double share;

	row_counts(s, TRAIL_COUNTS, f->is_whole, &n, &n_total);
	share = f->has_share ? f->share : row_derived_share(&value, n_total);
	return (struct point){
		.run_id = sqlite3_column_int64(s, TRAIL_RUN),
		.measured_ms = measured_ms(s),
		.outcome = f->outcome,
		.value = value,
		.share = share,
		.has_limit = f->has_limit,
		.limit = f->has_limit ? limit : 0,
		.room = row_room(s, TRAIL_ROOM, &value, share, limit),
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

static int is_long(struct record *r, const struct trail_walk *w, bool *out, struct err *e)
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

bool trail_is_full(const struct trail *t, size_t limit)
{
	return limit != 0 && t->n >= limit;
}

static void append(struct arena *a, struct trail *t, const struct point *p)
{
	t->points = store_grow(a, t->points, sizeof(*t->points), t->n, &t->cap);
	t->points[t->n++] = *p;
}

int trail_add(struct record *r, struct arena *a, sqlite3_stmt *s, struct last_text *subject,
	      int64_t since_ms, struct trail *t, struct err *e)
{
	struct point p;

	if (read_shared(r, a, sqlite3_column_int64(s, TRAIL_FACTS), &t->shared, e) != 0 ||
	    lookup_body(r, a, sqlite3_column_int64(s, TRAIL_SUBJECT), subject, e) != 0)
		return -1;
	p = read_point(s, a, &t->shared);
	if (p.measured_ms < since_ms)
		return 0;
	p.subject = subject->body;
	append(a, t, &p);
	return 0;
}

/*
 * What the check's series came to in the run s is at, where it has any of them. *n_seeks: they may
 * be many, and the runs as well.
 */
static int add_joined(struct record *r, struct arena *a, sqlite3_stmt *s, struct last_text *subject,
		      int64_t since_ms, struct trail *t, size_t *n_seeks, struct err *e)
{
	int64_t run_id = sqlite3_column_int64(s, TRAIL_RUN);
	struct point p = {.run_id = run_id, .share = NAN, .room = NAN, .bound = "", .unit = ""};
	int64_t at_ms = 0;
	size_t n = 0;
	sqlite3_stmt *q;
	int rc;

	q = store_sql(r,
		      "SELECT f.outcome, x.at_ms FROM series s CROSS JOIN results x ON x.id = "
		      "(?1 << 24 | s.id) CROSS JOIN facts f ON f.id = x.facts_id WHERE "
		      "s.check_id = ?2",
		      e);
	if (q == NULL || lookup_body(r, a, sqlite3_column_int64(s, TRAIL_SUBJECT), subject, e) != 0)
		return -1;
	store_bind_int(q, 1, run_id);
	store_bind_int(q, 2, t->check_id);
	while ((rc = store_step(r, q, e)) == 1) {
		enum outcome outcome = store_outcome(q, 0);

		p.outcome = n++ == 0 ? outcome : outcome_join(p.outcome, outcome);
		if (sqlite3_column_int64(q, 1) > at_ms)
			at_ms = sqlite3_column_int64(q, 1);
	}
	*n_seeks += t->n_series;
	if (rc < 0 || n == 0)
		return rc;
	p.measured_ms = sqlite3_column_int64(s, TRAIL_BEGIN) + at_ms;
	p.subject = subject->body;
	if (p.measured_ms >= since_ms)
		append(a, t, &p);
	return 0;
}

/* The past of a check as a whole ends here, however long it is: it is told as "at least". */
#define MAX_SEEKS 50000

int trail_walk(struct record *r, struct arena *a, const struct trail_walk *w, struct trail *t,
	       struct err *e)
{
	struct last_text subject = {0, ""};
	sqlite3_stmt *s = start(r, t, w, false, e);
	size_t n_seeks = 0;
	int rc = 0;

	if (s == NULL)
		return -1;
	while (!trail_is_full(t, w->limit) && n_seeks < MAX_SEEKS &&
	       (rc = store_step(r, s, e)) == 1) {
		bool is_joined = sqlite3_column_type(s, TRAIL_FACTS) == SQLITE_NULL;

		if (is_joined ? add_joined(r, a, s, &subject, w->since_ms, t, &n_seeks, e) != 0
			      : trail_add(r, a, s, &subject, w->since_ms, t, e) != 0)
			return -1;
	}
	(void)sqlite3_reset(s); /* stopped at the limit, or done */
	return rc < 0 ? -1 : 0;
}

int trail_find(struct record *r, const char *check, const char *series, struct trail *out,
	       struct err *e)
{
	sqlite3_stmt *s;
	int64_t n;

	*out = (struct trail){.series_id = 0};
	if (lookup_check(r, check, &out->check_id, e) != 0)
		return -1;
	if (out->check_id == 0)
		return 0;
	if (lookup_series(r, out->check_id, series, &out->series_id, e) != 0)
		return -1;
	if (out->series_id == 0)
		return 0;
	if (lookup_series(r, out->check_id, "", &out->whole_id, e) != 0)
		return -1;
	if (out->whole_id != out->series_id)
		return 1;
	s = store_sql(r, "SELECT count(*) FROM series WHERE check_id = ?1", e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, out->check_id);
	if (store_integer(r, s, &n, e) < 0)
		return -1;
	out->n_series = (size_t)n;
	out->is_whole = n > 1;
	return 1;
}

void trail_reverse(struct point *points, size_t n)
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
	const struct trail_walk w = {since_ms, INT64_MAX, limit};
	bool is_walk_long = false;
	struct trail t;
	int rc;

	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	rc = trail_find(r, check, series, &t, e);
	if (rc == 1)
		rc = is_long(r, &w, &is_walk_long, e) != 0 ? -1 : 1;
	if (is_walk_long)
		store_keep_pages(r, WALK_KIB);
	if (rc == 1)
		rc = trail_walk(r, a, &w, &t, e);
	if (is_walk_long)
		store_keep_pages(r, STORE_KEPT_KIB);
	if (store_leave(r, rc, e) != 0)
		return -1;
	trail_reverse(t.points, t.n);
	*out = t.points;
	*n = t.n;
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
static int collect(struct record *r, struct arena *a, const struct trail *t,
		   const struct trail_walk *w, const unsigned char hash[static SHA256_BYTES],
		   double **out, size_t *n, struct err *e)
{
	struct trail_shared shared = {.facts_id = 0};
	double *values = NULL;
	size_t count = 0, cap = 0;
	sqlite3_stmt *s = start(r, t, w, true, e);
	int rc;

	if (s == NULL)
		return -1;
	while ((rc = store_step(r, s, e)) == 1) {
		int64_t at = measured_ms(s);
		struct value v;

		if (read_shared(r, a, sqlite3_column_int64(s, TRAIL_FACTS), &shared, e) != 0)
			return -1;
		/* Who supplies an unsigned record, stops runs or loosens a bound for one of them
		 * must not choose what others are judged by. */
		if (at < w->since_ms || !may_be_baseline(shared.outcome) ||
		    sqlite3_column_int(s, COLUMN_DOUBT) != 0 ||
		    memcmp(shared.hash, hash, sizeof(shared.hash)) != 0)
			continue;
		v = row_value(s, TRAIL_VALUE, a);
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
	const struct trail_walk w = {.since_ms = since_ms, .last_run_id = before_run_id - 1};
	struct trail t;
	struct arena *scratch;
	double *values = NULL;
	size_t n = 0;
	int rc;

	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	scratch = arena_new();
	rc = trail_find(r, check->name, series, &t, e);
	if (rc == 1)
		rc = collect(r, scratch, &t, &w, check->hash, &values, &n, e);
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
