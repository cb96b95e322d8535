/* What was recorded since: what no checkpoint of a given size vouches for. */
#include "runner/base/err.h"
#include "runner/history/store.h"

int record_since(struct record *r, struct arena *a, int64_t from_seq, int64_t before_seq,
		 struct recorded_since *out, struct err *e)
{
	struct recorded_since since = {.n_runs = 0};
	int64_t *runs;
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT id FROM runs WHERE seq >= ?1 AND seq < ?2 "
		"UNION SELECT run FROM run_ends WHERE seq >= ?1 AND seq < ?2 "
		"UNION SELECT run FROM batches WHERE first_seq >= ?1 AND first_seq < ?2 "
		"UNION SELECT run FROM restorations WHERE seq >= ?1 AND seq < ?2 ORDER BY 1",
		e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, from_seq);
	store_bind_int(s, 2, before_seq);
	if (store_integers(r, s, a, &runs, &since.n_runs, e) != 0)
		return -1;
	since.runs = runs;
	s = store_sql(r, "SELECT id FROM decisions WHERE seq >= ?1 AND seq < ?2 ORDER BY seq", e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, from_seq);
	store_bind_int(s, 2, before_seq);
	if (store_integer(r, s, &since.first_decision, e) < 0)
		return -1;
	*out = since;
	return 0;
}
