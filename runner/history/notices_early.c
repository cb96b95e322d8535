/*
 * News that no result holds: a scheduled check that was not measured when it should have been, and
 * a run that died.
 */
#include "runner/history/notices.h"

#include <inttypes.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"

int record_first_due(struct record *r, const char *check, int64_t *out, struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "SELECT due_ms FROM gaps WHERE check_id = (SELECT id FROM"
				    " checks WHERE name = ?1)",
				    e);

	*out = -1;
	if (s == NULL)
		return -1;
	store_bind_text(s, 1, check);
	return store_integer(r, s, out, e) < 0 ? -1 : 0;
}

static int write_gap(struct record *r, int64_t check_id, int64_t due_ms, int64_t run_id,
		     struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "REPLACE INTO gaps VALUES (?1, ?2, ?3, 1)", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, check_id);
	store_bind_int(s, 2, due_ms);
	store_bind_int(s, 3, run_id);
	store_work(r);
	return store_run(r, s, e);
}

/* Of one that is not told: nothing is forgotten of what was. */
static int remember_gap(struct record *r, int64_t check_id, int64_t due_ms, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "INSERT OR IGNORE INTO gaps VALUES (?1, ?2, 0, 0)", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, check_id);
	store_bind_int(s, 2, due_ms);
	store_work(r);
	return store_run(r, s, e);
}

/*
 * Is a missed moment news? 1 = yes. A check is late once, however long it is; one that was never
 * measured may be new, and is late from the second moment on that passes without it.
 */
static int is_gap_news(struct record *r, int64_t check_id, int64_t due_ms, bool is_known,
		       struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT due_ms, is_open FROM gaps WHERE check_id = ?1", e);
	int rc;
	int64_t told = 0;
	bool is_open = false;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, check_id);
	rc = store_step(r, s, e);
	if (rc == 1) {
		told = sqlite3_column_int64(s, 0);
		is_open = sqlite3_column_int(s, 1) != 0;
		(void)sqlite3_reset(s); /* after a row: nothing to tell */
	}
	if (rc < 0)
		return -1;
	return rc == 0 ? is_known : due_ms > told && !(is_open && !is_known);
}

static int tell_overdue(struct record *r, struct news *news, const struct transition *early,
			int64_t run_id, struct err *e)
{
	struct transition *t;
	int64_t check_id;
	int is_news;

	if (intern_check(r, early->check, &check_id, e) != 0)
		return -1;
	is_news = is_gap_news(r, check_id, early->since_ms, early->at_ms >= 0, e);
	if (is_news < 0)
		return -1;
	if (is_news == 0)
		return remember_gap(r, check_id, early->since_ms, e);
	t = news_add(news);
	*t = *early;
	t->at_ms = news->now_ms;
	return write_gap(r, check_id, early->since_ms, run_id, e);
}

/*
 * Gaps that this run closed. One that it found itself is over without a word: its message says so.
 * What was measured and does not pass has news of its own.
 */
int news_closed_gaps(struct record *r, struct news *news, const struct run_info *run, struct err *e)
{
	sqlite3_stmt *s =
		store_sql(r,
			  "SELECT c.name, g.due_ms, g.run, z.outcome FROM gaps g"
			  " JOIN checks c ON c.id = g.check_id JOIN states z ON z.check_id ="
			  " c.id WHERE g.is_open AND z.run = ?1 AND z.finished_ms >= ?2",
			  e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, run->id);
	store_bind_int(s, 2, run->begin_ms);
	while ((rc = store_step(r, s, e)) == 1) {
		struct transition *t;

		if (sqlite3_column_int64(s, 2) == run->id ||
		    !outcome_is_passing(store_outcome(s, 3)))
			continue;
		t = news_add(news);
		t->kind = TRANSITION_RECOVERY;
		t->was = TRANSITION_BIT(TRANSITION_OVERDUE);
		news_fill_check(news, t, store_text_or(s, 0, news->arena, ""));
		t->outcome = store_outcome(s, 3);
		t->reason = "it was measured again";
		t->run_id = run->id;
		t->since_ms = sqlite3_column_int64(s, 1);
	}
	if (rc != 0)
		return -1;
	s = store_sql(r,
		      "UPDATE gaps SET is_open = 0 WHERE is_open AND check_id IN (SELECT check_id"
		      " FROM states WHERE run = ?1 AND finished_ms >= ?2)",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, run->id);
	store_bind_int(s, 2, run->begin_ms);
	store_work(r);
	return store_run(r, s, e);
}

const char *news_run_lock(struct arena *a, int64_t run_id)
{
	return arena_printf(a, "run/%" PRId64, run_id);
}

/* A run that died is told by whoever takes its lock away. */
static int tell_incomplete(struct record *r, struct news *news, const struct transition *early,
			   struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "DELETE FROM locks WHERE name = ?1", e);

	if (s == NULL)
		return -1;
	store_bind_text(s, 1, news_run_lock(news->arena, early->run_id));
	if (store_run(r, s, e) != 0)
		return -1;
	if (sqlite3_changes(r->db) > 0)
		*news_add(news) = *early;
	return 0;
}

int news_early(struct record *r, struct news *news, int64_t run_id, struct err *e)
{
	struct teller *who = &r->teller;

	for (size_t i = 0; i < who->n_early; i++) {
		const struct transition *t = &who->early[i];

		if ((t->kind == TRANSITION_INCOMPLETE ? tell_incomplete(r, news, t, e)
						      : tell_overdue(r, news, t, run_id, e)) != 0)
			return -1;
	}
	return 0;
}
