/*
 * What stands though no run will see it end: checks and gates that were taken out of the
 * definition, or renamed, while they failed. Of a record that several definitions share nobody but
 * a person knows which of them are gone, so it is shown, and ended by name.
 */
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/notices.h"
#include "runner/model/definition.h"

#define RUN_OF(id)                                                                                 \
	"(SELECT body FROM texts WHERE id = (SELECT definition_file FROM runs WHERE id = " id "))"

/* ?1 = NULL: of all names. */
static const char standing[] =
	"SELECT c.name AS name, s.name, t.open, t.series, t.since_ms, t.run, " RUN_OF(
		"t.run") " FROM told t JOIN series s ON s.id = t.series JOIN checks c ON c.id = "
			 "s.check_id"
			 " WHERE ?1 IS NULL OR c.name = ?1"
			 " UNION ALL SELECT c.name, '', 1 << ?2, 0, g.due_ms, coalesce(z.run, "
			 "0), " RUN_OF(
				 "z.run") " FROM gaps g JOIN checks c ON c.id = g.check_id LEFT "
					  "JOIN states z ON z.check_id = c.id"
					  " WHERE g.is_open AND (?1 IS NULL OR c.name = ?1)"
					  " UNION ALL SELECT name, '', 1 << ?3, 0, at_ms, "
					  "run, " RUN_OF(
						  "run") " FROM"
							 " (SELECT x.body AS name, l.at_ms, l.run, "
							 "l.kind, l.outcome, max(l.notice)"
							 "  FROM notice_lines l JOIN texts x ON "
							 "x.id = l.check_name WHERE l.series = 0"
							 "  AND (l.kind IN (?3, ?4) OR (l.kind = "
							 "?5 AND l.was = 1 << ?3))"
							 "  AND (?1 IS NULL OR x.body = ?1) GROUP "
							 "BY l.check_name)"
							 " WHERE kind = ?3 OR (kind = ?4 AND "
							 "outcome NOT IN (?6, ?7)) ORDER BY 5, 1, "
							 "2";

static int read_still_told(struct record *r, struct arena *a, const char *name,
			   struct still_told **out, size_t *n, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, standing, e);
	size_t cap = 0;
	int rc;

	*out = NULL;
	*n = 0;
	if (s == NULL)
		return -1;
	store_bind_text(s, 1, name);
	store_bind_int(s, 2, TRANSITION_OVERDUE);
	store_bind_int(s, 3, TRANSITION_GATE_SHUT);
	store_bind_int(s, 4, TRANSITION_GATE_OPEN);
	store_bind_int(s, 5, TRANSITION_RECOVERY);
	store_bind_int(s, 6, OUTCOME_PASS);
	store_bind_int(s, 7, OUTCOME_WARN);
	while ((rc = store_step(r, s, e)) == 1) {
		*out = store_grow(a, *out, sizeof(**out), *n, &cap);
		(*out)[(*n)++] = (struct still_told){
			.name = store_text_or(s, 0, a, ""),
			.series = store_text_or(s, 1, a, ""),
			.open = (unsigned)sqlite3_column_int(s, 2),
			.series_id = sqlite3_column_int64(s, 3),
			.since_ms = sqlite3_column_int64(s, 4),
			.run_id = sqlite3_column_int64(s, 5),
			.definition = store_text_or(s, 6, a, ""),
		};
	}
	return rc;
}

int record_still_told(struct record *r, struct arena *a, struct still_told **out, size_t *n,
		      struct err *e)
{
	return read_still_told(r, a, NULL, out, n, e);
}

int news_gate_is_ended(struct record *r, const char *gate, bool *out, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT l.kind = ?4 FROM notice_lines l JOIN texts x ON x.id = l.check_name WHERE"
		" l.series = 0 AND x.body = ?1 AND (l.kind IN (?2, ?3) OR (l.kind = ?4 AND"
		" l.was = 1 << ?2)) ORDER BY l.notice DESC LIMIT 1",
		e);
	int64_t is_ended = 0;

	if (s == NULL)
		return -1;
	store_bind_text(s, 1, gate);
	store_bind_int(s, 2, TRANSITION_GATE_SHUT);
	store_bind_int(s, 3, TRANSITION_GATE_OPEN);
	store_bind_int(s, 4, TRANSITION_RECOVERY);
	if (store_integer(r, s, &is_ended, e) < 0)
		return -1;
	*out = is_ended != 0;
	return 0;
}

static int close_gap(struct record *r, const char *check, struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "UPDATE gaps SET is_open = 0 WHERE check_id = (SELECT id FROM"
				    " checks WHERE name = ?1)",
				    e);

	if (s == NULL)
		return -1;
	store_bind_text(s, 1, check);
	store_work(r);
	return store_run(r, s, e);
}

static int end_all(struct record *r, struct news *news, const char *name, const char *reason,
		   size_t *n, struct err *e)
{
	struct still_told *items;

	if (read_still_told(r, news->arena, name, &items, n, e) != 0)
		return -1;
	for (size_t i = 0; i < *n; i++) {
		struct transition *t = news_add(news);

		t->kind = TRANSITION_RECOVERY;
		t->was = items[i].open;
		t->series_id = items[i].series_id;
		t->check = name;
		t->series = items[i].series;
		t->outcome = OUTCOME_SKIP;
		t->reason = reason;
		t->since_ms = items[i].since_ms;
		if (t->series_id != 0 && news_write_told(r, t->series_id, 0, 0, 0, e) != 0)
			return -1;
	}
	return close_gap(r, name, e) == 0 ? news_write(r, news, 0, e) : -1;
}

int record_end_told(struct record *r, const char *name, const char *reason, int64_t now_ms,
		    size_t *n, struct err *e)
{
	struct news news = {
		.arena = r->teller.arena, .definition = r->teller.definition, .now_ms = now_ms};

	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	return store_leave(r, end_all(r, &news, name, reason, n, e), e);
}
