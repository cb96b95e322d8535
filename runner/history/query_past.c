/*
 * The results of a check through time, as the record was at some point of its own sequence: what
 * rules about history are a function of, now and when a decision is made again.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/newest.h"
#include "runner/history/row.h"
#include "runner/history/store.h"

struct name {
	int64_t id;
	const char *text;
};

struct reading {
	struct record *record;
	struct arena *arena;
	const struct past_query *query;
	struct facts_cache *facts;
	struct name *series; /* of the check, by id */
	size_t n_series;
	struct last_text subject;
	struct past_result *items;
	size_t n, cap, n_runs;
	int64_t run_id;	   /* of the last item */
	int64_t first_ms;  /* of all items the one measured first */
	int64_t first_run; /* whose that is */
	bool is_more;	   /* there are more runs than the limit */
	bool is_late;	   /* it is their failures that are read */
};

static int read_series_names(struct reading *x, int64_t check_id, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		x->record, "SELECT id, name FROM series WHERE check_id = ?1 ORDER BY id", e);
	size_t cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, check_id);
	while ((rc = store_step(x->record, s, e)) == 1) {
		x->series = store_grow(x->arena, x->series, sizeof(*x->series), x->n_series, &cap);
		x->series[x->n_series++] = (struct name){
			sqlite3_column_int64(s, 0),
			store_text_or(s, 1, x->arena, ""),
		};
	}
	return rc;
}

static int compare_names(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static const char *series_name(const struct reading *x, int64_t id)
{
	const struct name key = {id, NULL};
	const struct name *found =
		bsearch(&key, x->series, x->n_series, sizeof(key), compare_names);

	return found != NULL ? found->text : "";
}

/* ROW_COLUMNS, then run id, begin, subject, series id, state and the number of the run's end. */
#define COLUMNS                                                                                    \
	ROW_COLUMNS ", r.id, r.begin_ms, r.subject, x.id & 16777215, e.state, e.seq, "             \
		    "(SELECT body FROM texts WHERE id = r.subject_commit)"
#define COLUMN(i) (ROW_N_COLUMNS + (i))
#define ABOUT	  "(r.subject = ?3 OR r.subject = ?4)"
#define ONE	  "r.id = ?6"
/* What differs from the order of numbers when some were merged. */
#define BY_PLACE STORE_NEWEST_FIRST
#define SOURCE(filter, order)                                                                      \
	"SELECT " COLUMNS " FROM runs r CROSS JOIN series s CROSS JOIN results x ON x.id = "       \
	"(r.id << 24 | s.id) LEFT JOIN run_ends e ON e.run = r.id WHERE s.check_id = ?1 AND "      \
	"r.seq < ?2 AND r.begin_ms >= ?5" filter " ORDER BY " order ", s.name"

/* Of the newest runs, or of one that is named. */
static sqlite3_stmt *start(struct reading *x, int64_t check_id, int64_t run_id, struct err *e)
{
	const struct past_query *q = x->query;
	int64_t subject = 0, any = 0;
	bool has_merges;
	sqlite3_stmt *s;

	if (q->subject != NULL && (lookup_text(x->record, q->subject, &subject, e) != 0 ||
				   lookup_text(x->record, "any", &any, e) != 0))
		return NULL;
	if (store_has_merges(x->record, &has_merges, e) != 0)
		return NULL;
	if (run_id != 0)
		s = q->subject != NULL
			    ? store_sql(x->record, SOURCE(" AND " ONE " AND " ABOUT, "r.id"), e)
			    : store_sql(x->record, SOURCE(" AND " ONE, "r.id"), e);
	else if (q->subject != NULL)
		s = has_merges ? store_sql(x->record, SOURCE(" AND " ABOUT, BY_PLACE), e)
			       : store_sql(x->record, SOURCE(" AND " ABOUT, "r.id DESC"), e);
	else
		s = has_merges ? store_sql(x->record, SOURCE("", BY_PLACE), e)
			       : store_sql(x->record, SOURCE("", "r.id DESC"), e);
	if (s == NULL)
		return NULL;
	store_bind_int(s, 1, check_id);
	store_bind_int(s, 2, q->before_seq);
	if (q->subject != NULL) {
		store_bind_int(s, 3, subject);
		store_bind_int(s, 4, any);
	}
	store_bind_int(s, 5,
		       q->since_ms < INT64_MIN + STORE_LONGEST_RUN_MS
			       ? INT64_MIN
			       : q->since_ms - STORE_LONGEST_RUN_MS);
	if (run_id != 0)
		store_bind_int(s, 6, run_id);
	return s;
}

static bool is_open(const struct past_query *q, int64_t run_id)
{
	for (size_t i = 0; i < q->n_open; i++)
		if (q->open[i] == run_id)
			return true;
	return q->open == NULL;
}

static void add(struct reading *x, const struct result *r, const struct past_result *run)
{
	struct past_result *p;

	x->items = store_grow(x->arena, x->items, sizeof(*x->items), x->n, &x->cap);
	p = &x->items[x->n++];
	*p = *run;
	p->measured_ms = r->measured_ms;
	p->known_ms = result_known_ms(r);
	p->outcome = r->outcome;
	p->unit = r->unit;
	p->is_same_definition = memcmp(r->check->hash, x->query->hash, sizeof(r->check->hash)) == 0;
	p->number = r->value.type == VALUE_INT	  ? (double)r->value.integer
		    : r->value.type == VALUE_REAL ? r->value.real
						  : NAN;
	p->has_value = r->value.type == VALUE_TEXT || isfinite(p->number);
}

/* Is it of those that are asked for besides the newest runs? */
static bool is_late_failure(const struct reading *x, const struct result *r)
{
	return r->outcome == OUTCOME_FAIL && result_known_ms(r) >= x->first_ms &&
	       memcmp(r->check->hash, x->query->hash, sizeof(r->check->hash)) == 0;
}

/* 1 = go on, 0 = enough. */
static int take_row(struct reading *x, sqlite3_stmt *s, struct err *e)
{
	const struct past_query *q = x->query;
	struct past_result run = {.run_id = sqlite3_column_int64(s, COLUMN(0))};
	bool has_end = sqlite3_column_type(s, COLUMN(5)) != SQLITE_NULL &&
		       sqlite3_column_int64(s, COLUMN(5)) < q->before_seq;
	struct result r;

	if (!has_end && !is_open(q, run.run_id))
		return 1; /* it had no result of the check then */
	if (row_read(x->facts, s, sqlite3_column_int64(s, COLUMN(1)), &r, e) != 0 ||
	    lookup_body(x->record, x->arena, sqlite3_column_int64(s, COLUMN(2)), &x->subject, e) !=
		    0)
		return -1;
	if (r.measured_ms < q->since_ms || (x->is_late && !is_late_failure(x, &r)))
		return 1;
	x->is_more = run.run_id != x->run_id && x->n_runs == q->limit;
	if (x->is_more && !x->is_late)
		return 0;
	if (x->n == RECORD_MAX_PAST)
		return err_set(e, ERR_MEASURE,
			       "could not look back at check \"%s\": more than %d results",
			       q->check, RECORD_MAX_PAST);
	x->n_runs += run.run_id != x->run_id && !x->is_late ? 1 : 0;
	x->run_id = run.run_id;
	if (x->n == 0 || (!x->is_late && r.measured_ms < x->first_ms)) {
		x->first_ms = r.measured_ms;
		x->first_run = run.run_id;
	}
	run.run_state = has_end ? store_run_state(s, COLUMN(4)) : RUN_INCOMPLETE;
	run.series = series_name(x, sqlite3_column_int64(s, COLUMN(3)));
	run.subject = x->subject.body;
	run.subject_commit = store_text(s, COLUMN(6), x->arena);
	add(x, &r, &run);
	return 1;
}

static int read_rows(struct reading *x, int64_t check_id, int64_t run_id, struct err *e)
{
	sqlite3_stmt *s = start(x, check_id, run_id, e);
	int rc;

	if (s == NULL)
		return -1;
	while ((rc = store_step(x->record, s, e)) == 1 && (rc = take_row(x, s, e)) == 1)
		;
	(void)sqlite3_reset(s); /* stopped at the limit, or done */
	return rc;
}

/* What a run saw fail after a newer one had begun was under way when that one was. */
static int read_late(struct reading *x, int64_t check_id, struct err *e)
{
	const struct overlap *meanwhile;
	int64_t last = x->run_id;

	if (newest_overlap(x->query->newest, x->first_run, &meanwhile, e) != 0)
		return -1;
	x->is_late = true;
	for (size_t i = 0; i < meanwhile->n; i++) {
		bool is_older;

		if (store_is_before(x->record, meanwhile->runs[i].run_id, last, &is_older, e) !=
			    0 ||
		    (is_older && read_rows(x, check_id, meanwhile->runs[i].run_id, e) != 0))
			return -1;
	}
	return 0;
}

static int read_past(struct reading *x, struct err *e)
{
	int64_t check_id;

	if (lookup_check(x->record, x->query->check, &check_id, e) != 0)
		return -1;
	if (check_id == 0)
		return 0;
	if (read_series_names(x, check_id, e) != 0)
		return -1;
	if (read_rows(x, check_id, 0, e) != 0)
		return -1;
	return x->query->newest != NULL && x->is_more ? read_late(x, check_id, e) : 0;
}

int record_past(struct record *r, struct arena *a, const struct past_query *q,
		struct past_result **out, size_t *n, struct err *e)
{
	struct reading x = {.record = r,
			    .arena = a,
			    .query = q,
			    .facts = facts_cache_new(r, a),
			    .subject = {0, ""}};

	if (store_enter(r, STORE_READING, e) != 0 || store_leave(r, read_past(&x, e), e) != 0)
		return -1;
	*out = x.items;
	*n = x.n;
	return 0;
}

int record_next_seq(struct record *r, int64_t *out, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT next_seq FROM head", e);

	return s == NULL || store_integer(r, s, out, e) < 0 ? -1 : 0;
}
