/*
 * Notices on their way. One that waits has a row in `outbox`; whoever delivers it holds the lock
 * "notice/ID", so that two processes never send the same and a process that is killed holds
 * nothing. Between sending and writing that it was sent lies a moment in which a kill makes it be
 * sent again: with the same key, by which a receiver knows it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/base/num.h"
#include "runner/history/store.h"
#include "runner/model/definition.h"
#include "runner/model/notify.h"

static const char *notice_lock(struct arena *a, int64_t id)
{
	return arena_printf(a, "notice/%" PRId64, id);
}

static enum transition_kind kind_at(sqlite3_stmt *s, int at)
{
	int v = sqlite3_column_int(s, at);

	return v >= 0 && v <= TRANSITION_TEST ? (enum transition_kind)v : TRANSITION_TEST;
}

static int read_lines(struct record *r, struct arena *a, struct notice *x, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT l.kind, l.was, l.is_repeat, l.series, l.outcome, l.severity, l.line, l.col,"
		" l.run, l.since_ms, l.at_ms, c.body, x.body, j.body, v.body, u.body, b.body, "
		"t.body,"
		" o.body, y.body, f.body, l.number FROM notice_lines l"
		" JOIN texts c ON c.id = l.check_name JOIN texts x ON x.id = l.series_name"
		" JOIN texts j ON j.id = l.subject JOIN texts v ON v.id = l.value"
		" JOIN texts u ON u.id = l.unit JOIN texts b ON b.id = l.bound"
		" LEFT JOIN texts t ON t.id = l.title LEFT JOIN texts o ON o.id = l.owner"
		" LEFT JOIN texts y ON y.id = l.reason LEFT JOIN texts f ON f.id = l.file"
		" WHERE l.notice = ?1 ORDER BY l.place",
		e);
	struct transition *items = NULL;
	size_t cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, x->id);
	while ((rc = store_step(r, s, e)) == 1) {
		items = store_grow(a, items, sizeof(*items), x->n, &cap);
		items[x->n++] = (struct transition){
			.kind = kind_at(s, 0),
			.was = (unsigned)sqlite3_column_int(s, 1),
			.is_repeat = sqlite3_column_int(s, 2) != 0,
			.series_id = sqlite3_column_int64(s, 3),
			.outcome = store_outcome(s, 4),
			.severity = sqlite3_column_int64(s, 5),
			.line = sqlite3_column_int64(s, 6),
			.col = sqlite3_column_int64(s, 7),
			.run_id = sqlite3_column_int64(s, 8),
			.since_ms = sqlite3_column_int64(s, 9),
			.at_ms = sqlite3_column_int64(s, 10),
			.check = store_text_or(s, 11, a, ""),
			.series = store_text_or(s, 12, a, ""),
			.subject = store_text_or(s, 13, a, ""),
			.value = store_text_or(s, 14, a, ""),
			.unit = store_text_or(s, 15, a, ""),
			.bound = store_text_or(s, 16, a, ""),
			.title = store_text(s, 17, a),
			.owner = store_text(s, 18, a),
			.reason = store_text(s, 19, a),
			.file = store_text(s, 20, a),
			.number = store_real(s, 21),
		};
	}
	x->items = items;
	return rc;
}

#define NOTICE_COLUMNS                                                                             \
	"n.id, (SELECT body FROM texts WHERE id = n.sink), n.at_ms, n.run, n.n_lines, "            \
	"(SELECT lower(hex(origin)) FROM head)"

static struct notice read_notice(sqlite3_stmt *s, struct arena *a)
{
	struct notice x = {
		.id = sqlite3_column_int64(s, 0),
		.sink = store_text_or(s, 1, a, ""),
		.at_ms = sqlite3_column_int64(s, 2),
		.run_id = sqlite3_column_int64(s, 3),
		.n_total = sqlite3_column_int64(s, 4),
	};

	x.key = arena_printf(a, "%s/%" PRId64, store_text_or(s, 5, a, ""), x.id);
	return x;
}

static int read_waiting(struct record *r, struct arena *a, int64_t now_ms, struct notice **out,
			size_t *n, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT " NOTICE_COLUMNS ", n.attempts, n.tried_ms, n.why, n.next_ms FROM"
		" (SELECT *, min(next_ms) OVER (PARTITION BY sink) AS turn_ms FROM"
		" (SELECT x.id, x.sink, x.at_ms, x.run, x.n_lines, o.attempts, o.tried_ms, o.why,"
		" o.next_ms, row_number() OVER (PARTITION BY x.sink ORDER BY x.id) AS place"
		" FROM outbox o JOIN notices x ON x.id = o.notice) WHERE place <= ?2) n"
		" WHERE n.turn_ms <= ?1 ORDER BY n.id",
		e);
	size_t cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, now_ms);
	store_bind_int(s, 2, NOTICE_MAX_TAKEN);
	while ((rc = store_step(r, s, e)) == 1) {
		struct notice *x;

		*out = store_grow(a, *out, sizeof(**out), *n, &cap);
		x = &(*out)[(*n)++];
		*x = read_notice(s, a);
		x->attempts = sqlite3_column_int64(s, 6);
		x->tried_ms = sqlite3_column_int64(s, 7);
		x->why = store_text(s, 8, a);
		x->next_ms = sqlite3_column_int64(s, 9);
	}
	return rc;
}

/* Of a sink somebody else is at work on nothing is taken: it would arrive before what that has. */
static int take_free(struct record *r, struct arena *a, struct notice *items, size_t *n,
		     struct err *e)
{
	struct map busy;
	size_t kept = 0;

	map_init(&busy, a);
	for (size_t i = 0; i < *n; i++) {
		bool is_held = false;
		const char *said;

		if (map_get(&busy, items[i].sink) != NULL)
			continue;
		if (lock_take(r, notice_lock(a, items[i].id), a, &is_held, &said, e) != 0)
			return -1;
		if (is_held)
			(void)map_put(&busy, items[i].sink, r); /* the first time */
		else
			items[kept++] = items[i];
	}
	*n = kept;
	for (size_t i = 0; i < *n; i++)
		if (read_lines(r, a, &items[i], e) != 0)
			return -1;
	return 0;
}

/* Those somebody here can deliver, or that nobody will any more. */
static size_t keep_ours(const struct definition *d, int64_t before_ms, struct notice *items,
			size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (definition_sink(d, items[i].sink) != NULL || items[i].at_ms < before_ms)
			items[kept++] = items[i];
	return kept;
}

int record_notices_take(struct record *r, struct arena *a, int64_t now_ms, int64_t before_ms,
			struct notice **out, size_t *n, struct err *e)
{
	const struct definition *d = r->teller.definition;
	struct notice *items = NULL;
	size_t count = 0;
	int rc;

	*out = NULL;
	*n = 0;
	/* Nearly always there is nothing, and nothing is written to find that out. */
	if (read_waiting(r, a, now_ms, &items, &count, e) != 0)
		return -1;
	if (keep_ours(d, before_ms, items, count) == 0)
		return 0;
	items = NULL;
	count = 0;
	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	rc = read_waiting(r, a, now_ms, &items, &count, e);
	if (rc == 0) {
		count = keep_ours(d, before_ms, items, count);
		rc = take_free(r, a, items, &count, e);
	}
	if (store_leave(r, rc, e) != 0)
		return -1;
	*out = items;
	*n = count;
	return 0;
}

static int insert_end(struct record *r, const struct notice *x, int64_t id, int64_t now_ms,
		      bool is_delivered, struct err *e)
{
	sqlite3_stmt *s =
		store_sql(r, "INSERT INTO notice_ends VALUES (?1, ?2, ?3, ?4, ?5, ?6)", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	store_bind_int(s, 2, store_take_seq(r, 1));
	store_bind_int(s, 3, now_ms);
	store_bind_int(s, 4, is_delivered);
	store_bind_int(s, 5, x->attempts);
	store_bind_text(s, 6, x->why);
	return store_run(r, s, e);
}

/* Takes the lock away as well, in the same transaction. */
static int leave_outbox(struct record *r, int64_t id, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "DELETE FROM outbox WHERE notice = ?1", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	store_work(r);
	return store_run(r, s, e);
}

static int end(struct record *r, const struct notice *x, int64_t now_ms, bool is_delivered,
	       struct err *e)
{
	return insert_end(r, x, x->id, now_ms, is_delivered, e) == 0 &&
			       leave_outbox(r, x->id, e) == 0 &&
			       lock_let_go(r, notice_lock(r->teller.arena, x->id), e) == 0
		       ? 0
		       : -1;
}

int record_notice_end(struct record *r, const struct notice *x, int64_t now_ms, bool is_delivered,
		      struct err *e)
{
	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	return store_leave(r, end(r, x, now_ms, is_delivered, e), e);
}

static int wait(struct record *r, const struct notice *x, int64_t next_ms, struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "UPDATE outbox SET attempts = ?2, tried_ms = ?3, next_ms = ?4,"
				    " why = ?5 WHERE notice = ?1",
				    e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, x->id);
	store_bind_int(s, 2, x->attempts);
	store_bind_int(s, 3, x->tried_ms);
	store_bind_int(s, 4, next_ms);
	store_bind_text(s, 5, x->why);
	store_work(r);
	if (store_run(r, s, e) != 0)
		return -1;
	return lock_let_go(r, notice_lock(r->teller.arena, x->id), e);
}

int record_notice_wait(struct record *r, const struct notice *x, int64_t next_ms, struct err *e)
{
	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	return store_leave(r, wait(r, x, next_ms, e), e);
}

int record_notice_lost(struct record *r, const struct notice *x, struct err *e)
{
	int64_t id;
	int rc;

	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	rc = notice_insert(r, x, &id, e);
	if (rc == 0)
		rc = insert_end(r, x, id, x->at_ms, false, e);
	return store_leave(r, rc, e);
}

int record_undelivered(struct record *r, struct arena *a, int64_t since_ms, size_t limit,
		       struct undelivered **out, size_t *n, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT " NOTICE_COLUMNS
		", coalesce(o.attempts, d.attempts), coalesce(o.tried_ms, -1),"
		" coalesce(o.why, d.why), o.notice IS NOT NULL, coalesce(o.next_ms, -1),"
		" coalesce(d.at_ms, -1) FROM notices n LEFT JOIN outbox o ON o.notice = n.id"
		" LEFT JOIN notice_ends d ON d.notice = n.id WHERE n.id IN (SELECT notice FROM "
		"outbox"
		"  UNION SELECT notice FROM notice_ends WHERE NOT is_delivered AND at_ms >= ?1)"
		" ORDER BY n.id DESC LIMIT ?2",
		e);
	struct undelivered *items = NULL;
	size_t count = 0, cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, since_ms);
	store_bind_int(s, 2, (int64_t)limit);
	while ((rc = store_step(r, s, e)) == 1) {
		struct undelivered *x;

		items = store_grow(a, items, sizeof(*items), count, &cap);
		x = &items[count++];
		x->notice = read_notice(s, a);
		x->notice.attempts = sqlite3_column_int64(s, 6);
		x->notice.tried_ms = sqlite3_column_int64(s, 7);
		x->notice.why = store_text(s, 8, a);
		x->is_waiting = sqlite3_column_int(s, 9) != 0;
		x->next_ms = sqlite3_column_int64(s, 10);
		x->end_ms = sqlite3_column_int64(s, 11);
	}
	if (rc < 0)
		return -1;
	*out = items;
	*n = count;
	return 0;
}

/* ---- runs that died ---- */

static int read_run_locks(struct record *r, struct arena *a, const char ***out, size_t *n,
			  struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "SELECT name FROM locks WHERE name >= 'run/' AND name < 'run0'"
				    " ORDER BY name",
				    e);
	size_t cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	while ((rc = store_step(r, s, e)) == 1) {
		*out = store_grow(a, *out, sizeof(**out), *n, &cap);
		(*out)[(*n)++] = store_text_or(s, 0, a, "");
	}
	return rc;
}

int record_dead_runs(struct record *r, struct arena *a, struct run_info **out, size_t *n,
		     struct err *e)
{
	const char **names = NULL;
	struct run_info *runs;
	size_t n_names = 0, count = 0;

	if (read_run_locks(r, a, &names, &n_names, e) != 0)
		return -1;
	runs = arena_array(a, n_names, sizeof(*runs));
	for (size_t i = 0; i < n_names; i++) {
		const char *number = names[i] + strlen("run/"), *why;
		int64_t id;

		if (num_parse_int(number, strlen(number), &id) != 0)
			return err_set(e, ERR_RECORD, "cannot trust record \"%s\": a lock \"%s\"",
				       r->path, names[i]);
		if (lock_death(r, a, names[i], &why, e) != 0)
			return -1;
		if (why != NULL && record_run(r, a, id, &runs[count++], e) != 0)
			return -1;
	}
	*out = runs;
	*n = count;
	return 0;
}
