/*
 * Where each check stands: its newest run, how that came out, and since when. A cache beside the
 * results, kept because a gate asks for the newest run of every check it reads and a schedule for
 * the last measurement of every check there is.
 *
 * `states` has the newest run about any subject. `latest` has the newest run about a subject that
 * is not the newest about all; while runs are about one subject only, nothing is written there.
 */
#include <stdbool.h>

#include "runner/base/err.h"
#include "runner/history/store.h"

/* Columns from `at` on, in the order of the table; NULL = there is no row. */
static void read_state(sqlite3_stmt *s, int at, struct standing *x)
{
	x->is_known = sqlite3_column_type(s, at) != SQLITE_NULL;
	if (!x->is_known)
		return;
	x->run = sqlite3_column_int64(s, at);
	x->subject = sqlite3_column_int64(s, at + 1);
	x->outcome = store_outcome(s, at + 2);
	x->measured_ms = sqlite3_column_int64(s, at + 3);
	x->since_ms = sqlite3_column_int64(s, at + 4);
	x->finished_ms = sqlite3_column_int64(s, at + 5);
}

int standing_read(struct record *r, const char *check, const char *series, struct standing *out,
		  struct err *e)
{
	struct standing now = {.finished_ms = -1};
	sqlite3_stmt *s =
		store_sql(r,
			  "SELECT c.id, x.id, s.run, s.subject, s.outcome, s.measured_ms, "
			  "s.since_ms, s.finished_ms FROM checks c LEFT JOIN states s ON "
			  "s.check_id = c.id LEFT JOIN series x ON x.check_id = c.id AND "
			  "x.name = ?2 WHERE c.name = ?1",
			  e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_text(s, 1, check);
	store_bind_text(s, 2, series);
	rc = store_step(r, s, e);
	if (rc < 0)
		return -1;
	if (rc == 1) {
		now.check_id = sqlite3_column_int64(s, 0);
		now.series_id = sqlite3_column_int64(s, 1); /* NULL reads as 0: new */
		read_state(s, 2, &now);
		(void)sqlite3_reset(s); /* after a row: nothing to tell */
	} else if (intern_check(r, check, &now.check_id, e) != 0) {
		return -1;
	}
	*out = now;
	return 0;
}

static int write_state(struct record *r, const struct standing *x, bool is_there, struct err *e)
{
	sqlite3_stmt *s =
		is_there ? store_sql(r,
				     "UPDATE states SET run = ?2, subject = ?3, outcome = ?4, "
				     "measured_ms = ?5, since_ms = ?6, finished_ms = ?7 WHERE "
				     "check_id = ?1",
				     e)
			 : store_sql(r,
				     "INSERT INTO states(check_id, run, subject, outcome, "
				     "measured_ms, since_ms, finished_ms) VALUES (?1, ?2, ?3, ?4, "
				     "?5, ?6, ?7)",
				     e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, x->check_id);
	store_bind_int(s, 2, x->run);
	store_bind_int(s, 3, x->subject);
	store_bind_int(s, 4, x->outcome);
	store_bind_int(s, 5, x->measured_ms);
	store_bind_int(s, 6, x->since_ms);
	store_bind_int(s, 7, x->finished_ms);
	return store_run(r, s, e);
}

static int write_latest(struct record *r, int64_t check_id, int64_t subject, int64_t run_id,
			struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "INSERT INTO latest VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE "
				    "SET run = excluded.run WHERE (SELECT coalesce(behind, id), "
				    "behind IS NOT NULL, begin_ms, id FROM runs WHERE id = "
				    "excluded.run) > (SELECT coalesce(behind, id), behind IS NOT "
				    "NULL, begin_ms, id FROM runs WHERE id = latest.run)",
				    e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, subject);
	store_bind_int(s, 2, check_id);
	store_bind_int(s, 3, run_id);
	return store_run(r, s, e);
}

struct standing_news standing_news_begin(void)
{
	return (struct standing_news){.finished_ms = -1};
}

void standing_news_add(struct standing_news *n, enum outcome outcome, int64_t measured_ms)
{
	n->outcome = n->has_any ? outcome_join(n->outcome, outcome) : outcome;
	if (!n->has_any || measured_ms > n->measured_ms)
		n->measured_ms = measured_ms;
	if (outcome != OUTCOME_SKIP && measured_ms > n->finished_ms)
		n->finished_ms = measured_ms;
	n->has_any = true;
}

struct standing standing_advance(const struct standing *old, const struct run_place *run,
				 const struct run_place *old_run, int64_t subject,
				 const struct standing_news *news, struct standing_about *about)
{
	struct standing now = *old;
	bool is_other_subject = old->is_known && old->subject != subject;

	*about = (struct standing_about){.run = 0};
	if (news->finished_ms > now.finished_ms)
		now.finished_ms = news->finished_ms;
	/* an older run, which is still writing or was merged */
	if (old->is_known && run_place_is_before(run, old_run)) {
		if (is_other_subject)
			*about = (struct standing_about){subject, run->id};
		return now;
	}
	if (is_other_subject)
		*about = (struct standing_about){old->subject, old->run};
	now.outcome = news->outcome;
	if (old->is_known && old->run == run->id) /* a check whose series came in two batches */
		now.outcome = outcome_join(now.outcome, old->outcome);
	now.measured_ms = news->measured_ms;
	now.run = run->id;
	now.subject = subject;
	now.is_known = true;
	if (!old->is_known || old->outcome != now.outcome)
		now.since_ms = now.measured_ms;
	return now;
}

static int take_news(struct record *r, const struct standing *old, const struct run_place *run,
		     int64_t subject, const struct standing_news *news, struct err *e)
{
	/* that of a run made here before another one is not looked up: its number says enough */
	struct run_place old_run = {.id = old->run, .behind = -1};
	struct standing_about about;
	struct standing now;

	if (old->is_known && (run->behind >= 0 || old->run > run->id) &&
	    store_run_place(r, old->run, &old_run, e) != 0)
		return -1;
	now = standing_advance(old, run, &old_run, subject, news, &about);
	if (about.run != 0 && write_latest(r, old->check_id, about.subject, about.run, e) != 0)
		return -1;
	return write_state(r, &now, old->is_known, e);
}

int standing_update(struct record *r, const struct standing *old, const struct run_place *run,
		    int64_t subject, const struct result *series, size_t n, struct err *e)
{
	struct standing_news news = standing_news_begin();

	for (size_t i = 0; i < n; i++)
		standing_news_add(&news, series[i].outcome, series[i].measured_ms);
	return take_news(r, old, run, subject, &news, e);
}

int standing_follow(struct record *r, int64_t check_id, const struct run_place *run,
		    int64_t subject, const struct standing_news *news, struct err *e)
{
	struct standing old = {.check_id = check_id, .finished_ms = -1};
	sqlite3_stmt *s = store_sql(r,
				    "SELECT run, subject, outcome, measured_ms, since_ms, "
				    "finished_ms FROM states WHERE check_id = ?1",
				    e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, check_id);
	rc = store_step(r, s, e);
	if (rc < 0)
		return -1;
	if (rc == 1) {
		read_state(s, 0, &old);
		(void)sqlite3_reset(s); /* after a row: nothing to tell */
	}
	return take_news(r, &old, run, subject, news, e);
}

int standing_newest_run(struct record *r, int64_t check_id, const char *subject, int64_t *run_id,
			struct err *e)
{
	sqlite3_stmt *s;
	int64_t subject_id = 0;

	*run_id = 0;
	if (subject != NULL && lookup_text(r, subject, &subject_id, e) != 0)
		return -1;
	s = subject == NULL
		    ? store_sql(r, "SELECT run FROM states WHERE check_id = ?1", e)
		    : store_sql(r,
				"SELECT run FROM states WHERE check_id = ?1 AND subject = ?2 "
				"UNION ALL SELECT run FROM latest WHERE check_id = ?1 AND "
				"subject = ?2 LIMIT 1",
				e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, check_id);
	if (subject != NULL)
		store_bind_int(s, 2, subject_id);
	return store_integer(r, s, run_id, e) < 0 ? -1 : 0;
}
