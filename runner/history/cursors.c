/*
 * How far checks have read: every move is a record. Where a check goes on is for the runs to say
 * that a gate may rest on: what a run had read that did not come to its end, or that judged by
 * another definition, was judged by nobody, and is read again.
 *
 * Of those the run that began last decides: it began from what was recorded then, so nothing
 * between two of them is passed over, whichever of them is written last.
 */
#include <string.h>

#include "runner/base/err.h"
#include "runner/history/store.h"

int store_cursor(struct record *r, int64_t check_id, int64_t run_id, const char *state,
		 struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r, "INSERT INTO cursor_moves(seq, check_id, run, state) VALUES (?1, ?2, ?3, ?4)",
		e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, store_take_seq(r, 1));
	store_bind_int(s, 2, check_id);
	store_bind_int(s, 3, run_id);
	store_bind_text(s, 4, state);
	return store_run(r, s, e);
}

/*
 * Newest first: the state, and whether the run has results of the check's definition. A part of
 * several counts when all of them came to their end.
 */
#define MOVES                                                                                      \
	"SELECT m.state, EXISTS (SELECT 1 FROM series s CROSS JOIN results x ON x.id = (m.run << " \
	"24 | s.id) CROSS JOIN facts f ON f.id = x.facts_id CROSS JOIN definitions d ON d.id = "   \
	"f.definition_id WHERE s.check_id = m.check_id AND d.hash = ?2) FROM cursor_moves m JOIN " \
	"run_ends e ON e.run = m.run AND e.state = ?3 JOIN runs r ON r.id = m.run WHERE "          \
	"m.check_id = (SELECT id FROM checks WHERE name = ?1) AND (r.manifest IS NULL OR (SELECT " \
	"count(DISTINCT o.shard) FROM runs o JOIN run_ends z ON z.run = o.id AND z.state = ?3 "    \
	"WHERE o.manifest = r.manifest) = r.shards) ORDER BY m.run DESC, m.id DESC"

static int find_cursor(struct record *r, struct arena *a, sqlite3_stmt *s,
		       struct record_cursor *out, struct err *e)
{
	int rc = 0;

	while (out->own == NULL && (rc = store_step(r, s, e)) == 1) {
		const char *state = store_text_or(s, 0, a, "");

		if (sqlite3_column_int(s, 1) != 0)
			out->own = state;
		if (out->other == NULL)
			out->other = state;
	}
	if (out->own == NULL)
		return rc;
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

int record_cursor(struct record *r, struct arena *a, const char *check,
		  const unsigned char hash[static SHA256_BYTES], struct record_cursor *out,
		  struct err *e)
{
	sqlite3_stmt *s = store_sql(r, MOVES, e);

	*out = (struct record_cursor){NULL, NULL};
	if (s == NULL)
		return -1;
	store_bind_text(s, 1, check);
	store_bind_digest(s, 2, hash, SHA256_BYTES);
	store_bind_int(s, 3, RUN_COMPLETE);
	return find_cursor(r, a, s, out, e);
}
