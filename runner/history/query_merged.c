/* Runs that were merged, and who vouched for them then. */
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/store.h"

int record_unvouched_runs(struct record *r, struct arena *a, int64_t before_seq,
			  struct merged_run **out, size_t *n, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT r.id, m.id, m.vouched, (SELECT body FROM texts WHERE id = m.origin) FROM "
		"merges m JOIN runs r ON r.merge = m.id WHERE m.vouched < 2 AND r.seq < ?1 ORDER "
		"BY "
		"r.id",
		e);
	struct merged_run *runs = NULL;
	size_t count = 0, cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, before_seq);
	while ((rc = store_step(r, s, e)) == 1) {
		runs = store_grow(a, runs, sizeof(*runs), count, &cap);
		runs[count++] = (struct merged_run){
			.run_id = sqlite3_column_int64(s, 0),
			.merge_id = sqlite3_column_int64(s, 1),
			.is_own_key = sqlite3_column_int64(s, 2) == 1,
			.origin = store_text_or(s, 3, a, "a record without a key"),
		};
	}
	if (rc != 0)
		return -1;
	*out = runs;
	*n = count;
	return 0;
}
