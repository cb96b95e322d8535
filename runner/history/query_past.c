/*
 * The results of a check through time, as the record was at some point of its own sequence: what
 * rules about history are a function of, now and when a decision is made again.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
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
	int64_t subject_id;
	const char *subject; /* of subject_id */
	struct past_result *items;
	size_t n, cap, n_runs;
	int64_t run_id; /* of the last item */
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

/* Subjects repeat from run to run: the text is read when the id changes. */
static int read_subject(struct reading *x, int64_t id, struct err *e)
{
	sqlite3_stmt *s;
	int rc;

	if (x->subject_id == id)
		return 0;
	s = store_sql(x->record, "SELECT body FROM texts WHERE id = ?1", e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	rc = store_step(x->record, s, e);
	if (rc < 0)
		return -1;
	x->subject = rc == 1 ? store_text_or(s, 0, x->arena, "") : "";
	x->subject_id = id;
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

/* ROW_COLUMNS, then run id, begin, subject, series id, state and the number of the run's end. */
#define COLUMNS	  ROW_COLUMNS ", r.id, r.begin_ms, r.subject, x.id & 16777215, e.state, e.seq"
#define COLUMN(i) (ROW_N_COLUMNS + (i))
#define ABOUT	  "(r.subject = ?3 OR r.subject = ?4)"
/* What differs from the order of numbers when some were merged. */
#define BY_PLACE STORE_NEWEST_FIRST
#define SOURCE(filter, order)                                                                      \
	"SELECT " COLUMNS " FROM runs r CROSS JOIN series s CROSS JOIN results x ON x.id = "       \
	"(r.id << 24 | s.id) LEFT JOIN run_ends e ON e.run = r.id WHERE s.check_id = ?1 AND "      \
	"r.seq < ?2 AND r.begin_ms >= ?5" filter " ORDER BY " order ", s.name"

static sqlite3_stmt *start(struct reading *x, int64_t check_id, struct err *e)
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
	if (q->subject != NULL)
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
	p->outcome = r->outcome;
	p->unit = r->unit;
	p->is_same_definition = memcmp(r->check->hash, x->query->hash, sizeof(r->check->hash)) == 0;
	p->number = r->value.type == VALUE_INT	  ? (double)r->value.integer
		    : r->value.type == VALUE_REAL ? r->value.real
						  : NAN;
	p->has_value = r->value.type == VALUE_TEXT || isfinite(p->number);
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
	    read_subject(x, sqlite3_column_int64(s, COLUMN(2)), e) != 0)
		return -1;
	if (r.measured_ms < q->since_ms)
		return 1;
	if (run.run_id != x->run_id && x->n_runs == q->limit)
		return 0;
	if (x->n == RECORD_MAX_PAST)
		return err_set(e, ERR_MEASURE,
			       "could not look back at check \"%s\": more than %d results",
			       q->check, RECORD_MAX_PAST);
	x->n_runs += run.run_id != x->run_id ? 1 : 0;
	x->run_id = run.run_id;
	run.run_state = has_end ? store_run_state(s, COLUMN(4)) : RUN_INCOMPLETE;
	run.series = series_name(x, sqlite3_column_int64(s, COLUMN(3)));
	run.subject = x->subject;
	add(x, &r, &run);
	return 1;
}

static int read_past(struct reading *x, struct err *e)
{
	int64_t check_id;
	sqlite3_stmt *s;
	int rc;

	if (lookup_check(x->record, x->query->check, &check_id, e) != 0)
		return -1;
	if (check_id == 0)
		return 0;
	if (read_series_names(x, check_id, e) != 0)
		return -1;
	s = start(x, check_id, e);
	if (s == NULL)
		return -1;
	while ((rc = store_step(x->record, s, e)) == 1 && (rc = take_row(x, s, e)) == 1)
		;
	(void)sqlite3_reset(s); /* stopped at the limit, or done */
	return rc;
}

int record_past(struct record *r, struct arena *a, const struct past_query *q,
		struct past_result **out, size_t *n, struct err *e)
{
	struct reading x = {
		.record = r, .arena = a, .query = q, .facts = facts_cache_new(r, a), .subject = ""};

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
