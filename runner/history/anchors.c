/* Where checkpoints of the record were put. */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/ledger_parts.h"

static int insert(struct record *r, const struct ledger_anchor *x, struct err *e)
{
	int64_t place, host, user;
	sqlite3_stmt *s;

	if (intern_text(r, x->place, &place, e) != 0 || intern_text(r, x->host, &host, e) != 0 ||
	    intern_text(r, x->user, &user, e) != 0)
		return -1;
	s = store_sql(r,
		      "INSERT INTO anchors(seq, kind, place, size, root, receipt, at_ms, host, "
		      "user) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, store_take_seq(r, 1));
	store_bind_text(s, 2, x->kind);
	store_bind_int(s, 3, place);
	store_bind_int(s, 4, (int64_t)x->size);
	store_bind_digest(s, 5, x->root.bytes, SHA256_BYTES);
	store_bind_digest(s, 6, x->receipt, x->n_receipt);
	store_bind_int(s, 7, x->at_ms);
	store_bind_int(s, 8, host);
	store_bind_int(s, 9, user);
	return store_run(r, s, e);
}

int ledger_add_anchor(struct record *r, const struct ledger_anchor *x, struct err *e)
{
	if (x->n_receipt > LEDGER_MAX_RECEIPT)
		return err_set(e, ERR_MEASURE, "its receipt has %zu bytes, the limit is %d",
			       x->n_receipt, LEDGER_MAX_RECEIPT);
	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	return store_leave(r, insert(r, x, e), e);
}

static void read_anchor(sqlite3_stmt *s, struct arena *a, struct ledger_anchor *out)
{
	unsigned char *receipt;

	*out = (struct ledger_anchor){
		.id = sqlite3_column_int64(s, 0),
		.seq = sqlite3_column_int64(s, 1),
		.kind = store_text_or(s, 2, a, ""),
		.place = store_text_or(s, 3, a, ""),
		.size = (uint64_t)sqlite3_column_int64(s, 4),
		.at_ms = sqlite3_column_int64(s, 6),
		.host = store_text_or(s, 7, a, ""),
		.user = store_text_or(s, 8, a, ""),
		.n_receipt = (size_t)sqlite3_column_bytes(s, 9),
	};
	store_digest(s, 5, out->root.bytes, SHA256_BYTES);
	receipt = arena_alloc(a, out->n_receipt + 1);
	if (out->n_receipt > 0)
		memcpy(receipt, sqlite3_column_blob(s, 9), out->n_receipt);
	out->receipt = receipt;
}

int ledger_read_anchors(struct record *r, struct arena *a, const char *kind, const char *place,
			size_t limit, struct ledger_anchor **out, size_t *n, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT x.id, x.seq, x.kind, p.body, x.size, x.root, x.at_ms, (SELECT body FROM "
		"texts WHERE id = x.host), (SELECT body FROM texts WHERE id = x.user), x.receipt "
		"FROM anchors x LEFT JOIN texts p ON p.id = x.place WHERE (?1 IS NULL OR x.kind = "
		"?1) AND (?2 IS NULL OR p.body = ?2) ORDER BY x.id DESC LIMIT ?3",
		e);
	struct ledger_anchor *items = NULL;
	size_t count = 0, cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_text(s, 1, kind);
	store_bind_text(s, 2, place);
	store_bind_int(s, 3, (int64_t)limit);
	while ((rc = store_step(r, s, e)) == 1) {
		items = store_grow(a, items, sizeof(*items), count, &cap);
		read_anchor(s, a, &items[count++]);
	}
	*out = items;
	*n = count;
	return rc;
}

int ledger_anchors(struct record *r, struct arena *a, const char *kind, const char *place,
		   size_t limit, struct ledger_anchor **out, size_t *n, struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, ledger_read_anchors(r, a, kind, place, limit, out, n, e), e);
}

static int read_reach(struct record *r, struct arena *a, int64_t run_id, struct ledger_reach *out,
		      struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT l.size, x.size, x.at_ms, (SELECT body FROM texts WHERE id = x.place) FROM "
		"(SELECT 1 + coalesce((SELECT seq FROM run_ends WHERE run = ?1), (SELECT max(seq) "
		"FROM runs WHERE id = ?1), 0) AS size) l LEFT JOIN anchors x ON x.id = (SELECT "
		"max(id) FROM anchors WHERE seq < l.size)",
		e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, run_id);
	rc = store_step(r, s, e);
	if (rc != 1)
		return rc;
	*out = (struct ledger_reach){
		.size = sqlite3_column_int64(s, 0),
		.anchored = sqlite3_column_int64(s, 1),
		.anchored_ms = sqlite3_column_int64(s, 2),
		.place = store_text(s, 3, a),
	};
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

int ledger_reach(struct record *r, struct arena *a, int64_t run_id, struct ledger_reach *out,
		 struct err *e)
{
	*out = (struct ledger_reach){.size = 0};
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, read_reach(r, a, run_id, out, e), e);
}
