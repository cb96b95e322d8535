/*
 * One series through time. Its results lie one in each run, so this is a walk over runs, newest
 * first, with one seek each into `results`; what is shared (outcome, bound, unit) is read again
 * only when it changes, which it seldom does.
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
	COLUMN_DOUBT, /* if asked for: nothing should rest on the run; see below */
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

/* Subjects repeat from run to run: the text is read when the id changes. */
static int read_subject(struct record *r, struct arena *a, int64_t id, int64_t *last_id,
			const char **text, struct err *e)
{
	sqlite3_stmt *s;

	if (*last_id == id)
		return 0;
	s = store_sql(r, "SELECT body FROM texts WHERE id = ?1", e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	switch (store_step(r, s, e)) {
	case 1:
		*text = store_text_or(s, 0, a, "");
		(void)sqlite3_reset(s); /* after a row: nothing to tell */
		break;
	case 0:
		*text = "";
		break;
	default:
		return -1;
	}
	*last_id = id;
	return 0;
}

/* Newest first. */
static int walk_points(struct record *r, struct arena *a, const struct walk *w, struct point **out,
		       size_t *n, struct err *e)
{
	struct shared shared = {.facts_id = 0};
	struct point *points = NULL;
	size_t count = 0, cap = 0;
	const char *subject = "";
	int64_t subject_id = 0;
	sqlite3_stmt *s = start(r, w, false, e);
	int rc = 0;

	if (s == NULL)
		return -1;
	while ((w->limit == 0 || count < w->limit) && (rc = store_step(r, s, e)) == 1) {
		struct point p;

		if (read_shared(r, a, sqlite3_column_int64(s, COLUMN_FACTS), &shared, e) != 0 ||
		    read_subject(r, a, sqlite3_column_int64(s, COLUMN_SUBJECT), &subject_id,
				 &subject, e) != 0)
			return -1;
		p = read_point(s, a, &shared);
		if (p.measured_ms < w->since_ms)
			continue;
		p.subject = subject;
		points = store_grow(a, points, sizeof(*points), count, &cap);
		points[count++] = p;
	}
	(void)sqlite3_reset(s); /* stopped at the limit, or done */
	*out = points;
	*n = count;
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

static int read_series(struct record *r, struct arena *a, const char *check, const char *series,
		       struct walk *w, struct point **out, size_t *n, struct err *e)
{
	struct point *points = NULL;
	bool is_walk_long = false;
	size_t count = 0;
	int rc;

	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	rc = find_series(r, check, series, &w->series_id, e);
	if (rc == 1)
		rc = is_long(r, w, &is_walk_long, e) != 0 ? -1 : 1;
	if (is_walk_long)
		store_keep_pages(r, WALK_KIB);
	if (rc == 1)
		rc = walk_points(r, a, w, &points, &count, e);
	if (is_walk_long)
		store_keep_pages(r, STORE_KEPT_KIB);
	if (store_leave(r, rc, e) != 0)
		return -1;
	reverse(points, count);
	*out = points;
	*n = count;
	return 0;
}

int record_series(struct record *r, struct arena *a, const char *check, const char *series,
		  int64_t since_ms, size_t limit, struct point **out, size_t *n, struct err *e)
{
	struct walk w = {0, since_ms, INT64_MAX, limit};

	return read_series(r, a, check, series, &w, out, n, e);
}

int record_trail(struct record *r, struct arena *a, const char *check, const char *series,
		 int64_t up_to_run_id, size_t limit, struct point **out, size_t *n, struct err *e)
{
	struct walk w = {0, INT64_MIN, up_to_run_id, limit};

	return read_series(r, a, check, series, &w, out, n, e);
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
