/*
 * What a sink was told and is not over for it: who was told of a beginning hears of its end, by the
 * severity and owner it was told with, whatever its check has become since. An Alertmanager knows
 * an alert by them and would keep it.
 */
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/notices.h"

/* A beginning, and an end: see news_is_end(). */
#define IS_PASSING "l.outcome IN (?4, ?5)"
#define STANDS	   "(l.kind IN (?6, ?7, ?8, ?9) OR (l.kind = ?10 AND NOT " IS_PASSING "))"
#define IS_OVER	   "(l.kind = ?11 OR (l.kind = ?10 AND " IS_PASSING "))"
/* Of gates and of what is overdue there is no series; a check's name has a slash, a gate's not. */
#define LINES                                                                                      \
	"FROM notice_lines l JOIN notices n ON n.id = l.notice WHERE l.series = ?1"                \
	" AND (?1 <> 0 OR (SELECT body FROM texts WHERE id = l.check_name) = ?2)"                  \
	" AND (SELECT body FROM texts WHERE id = n.sink) = ?3"

bool news_is_end(const struct transition *t)
{
	return t->kind == TRANSITION_RECOVERY ||
	       (t->kind == TRANSITION_GATE_OPEN && outcome_is_passing(t->outcome));
}

int news_told(struct record *r, struct arena *a, const struct notify_sink *sink,
	      const struct transition *t, struct told **out, size_t *n, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT l.severity, (SELECT body FROM texts WHERE id = l.owner) " LINES
		" AND " STANDS " AND l.notice > (SELECT coalesce(max(l.notice), 0) " LINES
		" AND " IS_OVER ") GROUP BY l.severity, l.owner ORDER BY max(l.notice) DESC",
		e);
	const enum transition_kind kinds[] = {TRANSITION_FAILURE,   TRANSITION_UNDECIDED,
					      TRANSITION_OVERDUE,   TRANSITION_GATE_SHUT,
					      TRANSITION_GATE_OPEN, TRANSITION_RECOVERY};
	size_t cap = 0;
	int rc;

	*out = NULL;
	*n = 0;
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, t->series_id);
	store_bind_text(s, 2, t->check);
	store_bind_text(s, 3, sink->name);
	store_bind_int(s, 4, OUTCOME_PASS);
	store_bind_int(s, 5, OUTCOME_WARN);
	for (int i = 0; i < 6; i++)
		store_bind_int(s, 6 + i, kinds[i]);
	while ((rc = store_step(r, s, e)) == 1) {
		*out = store_grow(a, *out, sizeof(**out), *n, &cap);
		(*out)[(*n)++] = (struct told){sqlite3_column_int64(s, 0), store_text(s, 1, a)};
	}
	return rc;
}
