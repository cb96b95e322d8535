/* Decisions of gates: written whole, read whole, never changed. */
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/store.h"

static int write_waived(struct record *r, int64_t decision, size_t place, const struct waived *w,
			struct err *e)
{
	int64_t id, owner, reason, ticket;
	sqlite3_stmt *s;

	if (intern_text(r, w->id, &id, e) != 0 || intern_text(r, w->owner, &owner, e) != 0 ||
	    intern_text(r, w->reason, &reason, e) != 0 ||
	    intern_text(r, w->ticket, &ticket, e) != 0)
		return -1;
	s = store_sql(r,
		      "INSERT INTO decision_waivers(decision, place, waiver, owner, reason, "
		      "ticket, granted_ms, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, decision);
	store_bind_int(s, 2, (int64_t)place);
	store_bind_int(s, 3, id);
	store_bind_int(s, 4, owner);
	store_bind_int(s, 5, reason);
	store_bind_int(s, 6, ticket);
	store_bind_int(s, 7, w->granted_ms);
	store_bind_int(s, 8, w->expires_ms);
	return store_run(r, s, e);
}

static int write_line(struct record *r, int64_t decision, size_t place,
		      const struct decision_line *x, struct err *e)
{
	const char *const texts[] = {x->check != NULL ? x->check : "",
				     x->series != NULL ? x->series : "",
				     x->text != NULL ? x->text : "", x->remedy, x->file};
	int64_t ids[5];
	sqlite3_stmt *s;

	for (size_t i = 0; i < 5; i++)
		if (intern_text(r, texts[i], &ids[i], e) != 0)
			return -1;
	s = store_sql(
		r,
		"INSERT INTO decision_lines(decision, place, check_name, series, text, remedy, "
		"file, outcome, is_hard, line, col, run, measured_ms) VALUES (?1, ?2, ?3, ?4, "
		"?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
		e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, decision);
	store_bind_int(s, 2, (int64_t)place);
	for (int i = 0; i < 5; i++)
		store_bind_id(s, 3 + i, ids[i]);
	store_bind_int(s, 8, x->outcome);
	store_bind_int(s, 9, x->is_hard);
	store_bind_int(s, 10, x->line);
	store_bind_int(s, 11, x->col);
	store_bind_int(s, 12, x->run_id);
	store_bind_int(s, 13, x->measured_ms);
	if (store_run(r, s, e) != 0)
		return -1;
	return x->waived != NULL ? write_waived(r, decision, place, x->waived, e) : 0;
}

static int write_decision(struct record *r, const struct decision *d, int64_t *id, struct err *e)
{
	int64_t gate, subject, policy, basis;
	sqlite3_stmt *s;

	if (intern_text(r, d->gate, &gate, e) != 0 ||
	    intern_text(r, d->subject != NULL ? d->subject : "", &subject, e) != 0 ||
	    intern_text(r, d->policy, &policy, e) != 0 || intern_text(r, d->basis, &basis, e) != 0)
		return -1;
	s = store_sql(r,
		      "INSERT INTO decisions(seq, gate, subject, at_ms, run, is_open, outcome, "
		      "definition_digest, oldest_ms, policy, basis, override) VALUES (?1, ?2, ?3, "
		      "?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, store_take_seq(r, 1));
	store_bind_int(s, 2, gate);
	store_bind_int(s, 3, subject);
	store_bind_int(s, 4, d->at_ms);
	store_bind_int(s, 5, d->run_id);
	store_bind_int(s, 6, d->is_open);
	store_bind_int(s, 7, d->outcome);
	store_bind_digest(s, 8, d->definition_digest, sizeof(d->definition_digest));
	store_bind_int(s, 9, d->oldest_ms);
	store_bind_id(s, 10, policy);
	store_bind_id(s, 11, basis);
	store_bind_id(s, 12, d->override != NULL ? d->override->id : 0);
	if (store_run(r, s, e) != 0)
		return -1;
	*id = sqlite3_last_insert_rowid(r->db);
	for (size_t i = 0; i < d->n_lines; i++)
		if (write_line(r, *id, i, &d->lines[i], e) != 0)
			return -1;
	return 0;
}

int record_decision(struct record *r, struct decision *d, struct err *e)
{
	int64_t id = 0;

	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	if (store_leave(r, write_decision(r, d, &id, e) == 0 ? tell_decision(r, d, id, e) : -1,
			e) != 0)
		return -1;
	d->id = id;
	return 0;
}

/* What the record does not have stays "": a waiver without words is still one that was applied. */
static const struct waived *waived_at(sqlite3_stmt *s, int at, struct arena *a)
{
	struct waived *w;

	if (sqlite3_column_type(s, at) == SQLITE_NULL)
		return NULL;
	w = arena_alloc(a, sizeof(*w));
	*w = (struct waived){
		.id = store_text_or(s, at, a, ""),
		.owner = store_text_or(s, at + 1, a, ""),
		.reason = store_text_or(s, at + 2, a, ""),
		.ticket = store_text_or(s, at + 3, a, ""),
		.granted_ms = sqlite3_column_int64(s, at + 4),
		.expires_ms = sqlite3_column_int64(s, at + 5),
	};
	return w;
}

static int read_lines(struct record *r, struct arena *a, struct decision *d, struct err *e)
{
	sqlite3_stmt *s =
		store_sql(r,
			  "SELECT (SELECT body FROM texts WHERE id = check_name), (SELECT "
			  "body FROM texts WHERE id = series), outcome, is_hard, (SELECT body "
			  "FROM texts WHERE id = text), (SELECT body FROM texts WHERE id = "
			  "remedy), (SELECT body FROM texts WHERE id = file), line, col, run, "
			  "measured_ms, (SELECT body FROM texts WHERE id = waiver), (SELECT body "
			  "FROM texts WHERE id = owner), (SELECT body FROM texts WHERE id = "
			  "reason), (SELECT body FROM texts WHERE id = ticket), granted_ms, "
			  "expires_ms FROM decision_lines LEFT JOIN decision_waivers USING "
			  "(decision, place) WHERE decision = ?1 ORDER BY place",
			  e);
	size_t cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, d->id);
	while ((rc = store_step(r, s, e)) == 1) {
		d->lines = store_grow(a, d->lines, sizeof(*d->lines), d->n_lines, &cap);
		d->lines[d->n_lines++] = (struct decision_line){
			.check = store_text_or(s, 0, a, ""),
			.series = store_text_or(s, 1, a, ""),
			.outcome = store_outcome(s, 2),
			.is_hard = sqlite3_column_int(s, 3) != 0,
			.text = store_text_or(s, 4, a, ""),
			.remedy = store_text(s, 5, a),
			.file = store_text(s, 6, a),
			.line = sqlite3_column_int64(s, 7),
			.col = sqlite3_column_int64(s, 8),
			.run_id = sqlite3_column_int64(s, 9),
			.measured_ms = sqlite3_column_int64(s, 10),
			.waived = waived_at(s, 11, a),
		};
	}
	return rc < 0 ? -1 : 0;
}

#define COLUMNS                                                                                    \
	"id, (SELECT body FROM texts WHERE id = gate), (SELECT body FROM "                         \
	"texts WHERE id = subject), at_ms, run, is_open, outcome, "                                \
	"definition_digest, oldest_ms, (SELECT body FROM texts WHERE id = policy), (SELECT body "  \
	"FROM texts WHERE id = basis), override"

/* What belongs to the decision and is kept elsewhere. */
static int read_parts(struct record *r, struct arena *a, struct decision *d, int64_t override,
		      struct err *e)
{
	if (override != 0 && store_override(r, a, override, &d->override, e) != 0)
		return -1;
	return read_lines(r, a, d, e);
}

static int read_decisions(struct record *r, struct arena *a, sqlite3_stmt *s, struct decision **out,
			  size_t *n, struct err *e)
{
	struct decision *items = NULL;
	int64_t *overrides = NULL;
	size_t count = 0, cap = 0, cap_overrides = 0;
	int rc;

	while ((rc = store_step(r, s, e)) == 1) {
		struct decision *d;

		items = store_grow(a, items, sizeof(*items), count, &cap);
		overrides = store_grow(a, overrides, sizeof(*overrides), count, &cap_overrides);
		overrides[count] = sqlite3_column_int64(s, 11); /* NULL is 0 */
		d = &items[count++];
		*d = (struct decision){
			.id = sqlite3_column_int64(s, 0),
			.gate = store_text_or(s, 1, a, ""),
			.subject = store_text_or(s, 2, a, ""),
			.at_ms = sqlite3_column_int64(s, 3),
			.run_id = sqlite3_column_int64(s, 4),
			.is_open = sqlite3_column_int(s, 5) != 0,
			.outcome = store_outcome(s, 6),
			.oldest_ms = sqlite3_column_int64(s, 8),
			.policy = store_text(s, 9, a),
			.basis = store_text(s, 10, a),
		};
		store_digest(s, 7, d->definition_digest, sizeof(d->definition_digest));
	}
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = read_parts(r, a, &items[i], overrides[i], e);
	if (rc != 0)
		return -1;
	*out = items;
	*n = count;
	return 0;
}

static int read_of_run(struct record *r, struct arena *a, int64_t run_id, struct decision **out,
		       size_t *n, struct err *e)
{
	sqlite3_stmt *s =
		store_sql(r, "SELECT " COLUMNS " FROM decisions WHERE run = ?1 ORDER BY id", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, run_id);
	return read_decisions(r, a, s, out, n, e);
}

int record_run_decisions(struct record *r, struct arena *a, int64_t run_id, struct decision **out,
			 size_t *n, struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, read_of_run(r, a, run_id, out, n, e), e);
}

static int read_one(struct record *r, struct arena *a, int64_t id, struct decision **out, size_t *n,
		    struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT " COLUMNS " FROM decisions WHERE id = ?1", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	return read_decisions(r, a, s, out, n, e);
}

int record_decision_of(struct record *r, struct arena *a, int64_t id, struct decision **out,
		       struct err *e)
{
	size_t n = 0;

	if (store_enter(r, STORE_READING, e) != 0 ||
	    store_leave(r, read_one(r, a, id, out, &n, e), e) != 0)
		return -1;
	if (n > 0)
		return 0;
	return err_set(e, ERR_USAGE, "there is no decision %lld in record \"%s\"", (long long)id,
		       r->path);
}

static int read_of_gate(struct record *r, struct arena *a, const char *gate, size_t limit,
			struct decision **out, size_t *n, struct err *e)
{
	int64_t gate_id = 0;
	sqlite3_stmt *s;

	if (gate != NULL && lookup_text(r, gate, &gate_id, e) != 0)
		return -1;
	s = gate == NULL
		    ? store_sql(r, "SELECT " COLUMNS " FROM decisions ORDER BY id DESC LIMIT ?1", e)
		    : store_sql(r,
				"SELECT " COLUMNS
				" FROM decisions WHERE gate = ?2 ORDER BY id DESC "
				"LIMIT ?1",
				e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, (int64_t)limit);
	if (gate != NULL)
		store_bind_int(s, 2, gate_id);
	return read_decisions(r, a, s, out, n, e);
}

int record_decisions(struct record *r, struct arena *a, const char *gate, size_t limit,
		     struct decision **out, size_t *n, struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, read_of_gate(r, a, gate, limit, out, n, e), e);
}

static int read_last(struct record *r, struct arena *a, const int64_t ids[3], struct decision *out,
		     struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "SELECT " COLUMNS
				    " FROM decisions WHERE gate = ?1 AND subject = ?2 AND seq < ?3 "
				    "ORDER BY id DESC LIMIT 1",
				    e);
	struct decision *found;
	size_t n;

	if (s == NULL)
		return -1;
	for (int i = 0; i < 3; i++)
		store_bind_int(s, i + 1, ids[i]);
	if (read_decisions(r, a, s, &found, &n, e) != 0)
		return -1;
	if (n > 0)
		*out = found[0];
	return n > 0 ? 0 : 1;
}

int record_last_decision(struct record *r, struct arena *a, const char *gate, const char *subject,
			 int64_t before_seq, struct decision *out, struct err *e)
{
	int64_t ids[3] = {0, 0, before_seq};
	int rc;

	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	rc = lookup_text(r, gate, &ids[0], e) != 0 || lookup_text(r, subject, &ids[1], e) != 0
		     ? -1
		     : read_last(r, a, ids, out, e);
	return store_leave(r, rc < 0 ? -1 : 0, e) != 0 ? -1 : rc;
}
