/* Overrides: records of their own, only ever added. */
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/store.h"

static int write_override(struct record *r, const struct override *o, int64_t *id, struct err *e)
{
	const char *const texts[] = {o->gate, o->subject, o->actor, o->reason, o->host, o->user};
	int64_t ids[6], subject_commit, definition, file;
	sqlite3_stmt *s;

	for (size_t i = 0; i < 6; i++)
		if (intern_text(r, texts[i] != NULL ? texts[i] : "", &ids[i], e) != 0)
			return -1;
	if (intern_text(r, o->subject_commit, &subject_commit, e) != 0 ||
	    intern_text(r, o->definition, &definition, e) != 0 ||
	    intern_text(r, o->definition_file, &file, e) != 0)
		return -1;
	s = store_sql(r,
		      "INSERT INTO overrides(seq, gate, subject, actor, reason, host, user, at_ms, "
		      "until_ms, subject_commit, definition, definition_file) VALUES (?1, ?2, ?3, "
		      "?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, store_take_seq(r, 1));
	for (int i = 0; i < 6; i++)
		store_bind_int(s, 2 + i, ids[i]);
	store_bind_int(s, 8, o->at_ms);
	store_bind_int(s, 9, o->until_ms);
	store_bind_id(s, 10, subject_commit);
	store_bind_id(s, 11, definition);
	store_bind_id(s, 12, file);
	if (store_run(r, s, e) != 0)
		return -1;
	*id = sqlite3_last_insert_rowid(r->db);
	return 0;
}

int record_override(struct record *r, struct override *o, struct err *e)
{
	int64_t id = 0;

	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	if (store_leave(r, write_override(r, o, &id, e), e) != 0)
		return -1;
	o->id = id;
	return 0;
}

#define COLUMNS                                                                                    \
	"id, (SELECT body FROM texts WHERE id = gate), (SELECT body FROM texts WHERE id = "        \
	"subject), (SELECT body FROM texts WHERE id = actor), (SELECT body FROM texts WHERE id "   \
	"= reason), (SELECT body FROM texts WHERE id = host), (SELECT body FROM texts WHERE id = " \
	"user), at_ms, until_ms, (SELECT body FROM texts WHERE id = subject_commit), seq, "        \
	"(SELECT "                                                                                 \
	"body FROM texts WHERE id = definition), (SELECT body FROM texts WHERE id = "              \
	"definition_file)"

static struct override override_at(sqlite3_stmt *s, struct arena *a)
{
	return (struct override){
		.id = sqlite3_column_int64(s, 0),
		.gate = store_text_or(s, 1, a, ""),
		.subject = store_text_or(s, 2, a, ""),
		.actor = store_text_or(s, 3, a, ""),
		.reason = store_text_or(s, 4, a, ""),
		.host = store_text_or(s, 5, a, ""),
		.user = store_text_or(s, 6, a, ""),
		.at_ms = sqlite3_column_int64(s, 7),
		.until_ms = sqlite3_column_int64(s, 8),
		.subject_commit = store_text(s, 9, a),
		.definition = store_text(s, 11, a),
		.definition_file = store_text(s, 12, a),
		.seq = sqlite3_column_int64(s, 10),
	};
}

int store_override(struct record *r, struct arena *a, int64_t id, const struct override **out,
		   struct err *e)
{
	sqlite3_stmt *s =
		store_row(r, "SELECT " COLUMNS " FROM overrides WHERE id = ?1", "override", id, e);
	struct override *o;

	if (s == NULL)
		return -1;
	o = arena_alloc(a, sizeof(*o));
	*o = override_at(s, a);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	*out = o;
	return 0;
}

static int read_overrides(struct record *r, struct arena *a, const struct override_query *q,
			  struct override **out, size_t *n, struct err *e)
{
	struct override *items = NULL;
	int64_t gate = 0, subject = 0;
	size_t count = 0, cap = 0;
	sqlite3_stmt *s;
	int rc;

	if (lookup_text(r, q->gate != NULL ? q->gate : "", &gate, e) != 0 ||
	    lookup_text(r, q->subject != NULL ? q->subject : "", &subject, e) != 0)
		return -1;
	s = store_sql(r,
		      "SELECT " COLUMNS
		      " FROM overrides WHERE until_ms > ?1 AND seq < ?2 AND (?3 OR gate = ?4) AND "
		      "(?5 OR subject = ?6) ORDER BY id DESC LIMIT ?7",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, q->until_after_ms);
	store_bind_int(s, 2, q->before_seq > 0 ? q->before_seq : INT64_MAX);
	store_bind_int(s, 3, q->gate == NULL);
	store_bind_int(s, 4, gate);
	store_bind_int(s, 5, q->subject == NULL);
	store_bind_int(s, 6, subject);
	store_bind_int(s, 7, (int64_t)q->limit);
	while ((rc = store_step(r, s, e)) == 1) {
		items = store_grow(a, items, sizeof(*items), count, &cap);
		items[count++] = override_at(s, a);
	}
	*out = items;
	*n = count;
	return rc < 0 ? -1 : 0;
}

int record_overrides(struct record *r, struct arena *a, const struct override_query *q,
		     struct override **out, size_t *n, struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, read_overrides(r, a, q, out, n, e), e);
}

int record_override_of(struct record *r, struct arena *a, int64_t id, const struct override **out,
		       struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, store_override(r, a, id, out, e), e);
}
