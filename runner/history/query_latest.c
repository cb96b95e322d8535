/* The latest moment the record knows, by the clock of whoever wrote it. */
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/store.h"

/*
 * Of what was made here before number ?1. Of decisions, which no index has by their time, the
 * newest thousand; of runs the newest by their begin, and when those ended.
 */
#define LATEST                                                                                     \
	"SELECT at, seq, what, id, (SELECT body FROM texts WHERE id = host) FROM (SELECT * FROM "  \
	"(SELECT max(begin_ms, coalesce(end_ms, begin_ms)) AS at, r.seq AS seq, 'run' AS what, "   \
	"r.id AS id, host FROM runs r LEFT JOIN run_ends e ON e.run = r.id AND e.seq < ?1 WHERE "  \
	"r.merge IS NULL AND r.seq < ?1 ORDER BY begin_ms DESC LIMIT 64) UNION ALL SELECT * FROM " \
	"(SELECT at_ms, seq, 'decision', id, 0 FROM decisions WHERE seq < ?1 ORDER BY seq DESC "   \
	"LIMIT 1000)) ORDER BY at DESC, seq LIMIT 1"

static int read_latest(struct record *r, struct arena *a, int64_t before_seq,
		       struct record_latest *out, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, LATEST, e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, before_seq);
	rc = store_step(r, s, e);
	if (rc <= 0)
		return rc;
	out->at_ms = sqlite3_column_int64(s, 0);
	out->seq = sqlite3_column_int64(s, 1);
	out->what = store_text_or(s, 2, a, "");
	out->id = sqlite3_column_int64(s, 3);
	out->host = store_text(s, 4, a);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

int record_latest(struct record *r, struct arena *a, int64_t before_seq, struct record_latest *out,
		  struct err *e)
{
	*out = (struct record_latest){.at_ms = -1, .what = ""};
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, read_latest(r, a, before_seq, out, e), e);
}
