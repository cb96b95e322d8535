/* The order of runs: one relation, used by whatever asks which of two is the newer one. */
#include "runner/base/err.h"
#include "runner/history/store.h"

bool run_place_is_before(const struct run_place *a, const struct run_place *b)
{
	bool is_merged_a = a->behind >= 0, is_merged_b = b->behind >= 0;
	int64_t at_a = is_merged_a ? a->behind : a->id, at_b = is_merged_b ? b->behind : b->id;

	if (at_a != at_b)
		return at_a < at_b;
	if (is_merged_a != is_merged_b)
		return is_merged_b;
	if (is_merged_a && a->begin_ms != b->begin_ms)
		return a->begin_ms < b->begin_ms;
	return a->id < b->id;
}

int store_run_place(struct record *r, int64_t run_id, struct run_place *out, struct err *e)
{
	sqlite3_stmt *s =
		store_row(r, "SELECT coalesce(behind, -1), begin_ms FROM runs WHERE id = ?1", "run",
			  run_id, e);

	if (s == NULL)
		return -1;
	*out = (struct run_place){run_id, sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1)};
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

int store_has_merges(struct record *r, bool *out, struct err *e)
{
	return store_exists(r, "SELECT EXISTS (SELECT 1 FROM merges)", out, e);
}
