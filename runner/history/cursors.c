/*
 * How far checks have read. A run that began later decides: it began from what was recorded then,
 * so nothing between the two is passed over, whichever of them is written last.
 */
#include "runner/base/err.h"
#include "runner/history/store.h"

static int add_move(struct record *r, int64_t check_id, int64_t run_id, const char *state,
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

int store_cursor(struct record *r, int64_t check_id, int64_t run_id, const char *state,
		 struct err *e)
{
	sqlite3_stmt *s;

	if (add_move(r, check_id, run_id, state, e) != 0)
		return -1;
	s = store_sql(r,
		      "INSERT INTO cursors VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE "
		      "SET run = excluded.run, state = excluded.state "
		      "WHERE excluded.run >= run",
		      e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, check_id);
	store_bind_int(s, 2, run_id);
	store_bind_text(s, 3, state);
	return store_run(r, s, e);
}

int record_cursor(struct record *r, struct arena *a, const char *check, const char **out,
		  struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "SELECT state FROM cursors WHERE check_id = "
				    "(SELECT id FROM checks WHERE name = ?1)",
				    e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_text(s, 1, check);
	rc = store_step(r, s, e);
	if (rc < 0)
		return -1;
	*out = rc == 1 ? store_text(s, 0, a) : NULL;
	if (rc == 1)
		(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}
