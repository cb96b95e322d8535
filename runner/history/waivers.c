/* What gates let through, asked from the side of the run that found it. */
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/store.h"

static int read_waived(struct record *r, struct arena *a, int64_t run_id, struct waived_line **out,
		       size_t *n, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT d.id, d.at_ms, (SELECT body FROM texts WHERE id = d.gate), (SELECT body "
		"FROM texts WHERE id = d.subject), (SELECT body FROM texts WHERE id = "
		"l.check_name), (SELECT body FROM texts WHERE id = l.series), (SELECT body FROM "
		"texts WHERE id = w.waiver), (SELECT body FROM texts WHERE id = w.owner), (SELECT "
		"body FROM texts WHERE id = w.reason), (SELECT body FROM texts WHERE id = "
		"w.ticket), w.granted_ms, w.expires_ms FROM decision_waivers w JOIN decision_lines "
		"l ON l.decision = w.decision AND l.place = w.place JOIN decisions d ON d.id = "
		"w.decision WHERE l.run = ?1 ORDER BY w.decision, w.place",
		e);
	struct waived_line *items = NULL;
	size_t count = 0, cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, run_id);
	while ((rc = store_step(r, s, e)) == 1) {
		items = store_grow(a, items, sizeof(*items), count, &cap);
		items[count++] = (struct waived_line){
			.decision = sqlite3_column_int64(s, 0),
			.at_ms = sqlite3_column_int64(s, 1),
			.gate = store_text_or(s, 2, a, ""),
			.subject = store_text_or(s, 3, a, ""),
			.check = store_text_or(s, 4, a, ""),
			.series = store_text_or(s, 5, a, ""),
			.by = {.id = store_text_or(s, 6, a, ""),
			       .owner = store_text_or(s, 7, a, ""),
			       .reason = store_text_or(s, 8, a, ""),
			       .ticket = store_text_or(s, 9, a, ""),
			       .granted_ms = sqlite3_column_int64(s, 10),
			       .expires_ms = sqlite3_column_int64(s, 11)},
		};
	}
	*out = items;
	*n = count;
	return rc < 0 ? -1 : 0;
}

int record_run_waived(struct record *r, struct arena *a, int64_t run_id, struct waived_line **out,
		      size_t *n, struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, read_waived(r, a, run_id, out, n, e), e);
}
