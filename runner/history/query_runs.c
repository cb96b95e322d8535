/* Runs as they are and were, and where each check stands. */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/store.h"

#define COLUMNS                                                                                    \
	"r.id, r.begin_ms, e.end_ms, e.state, e.outcome, (SELECT body FROM "                       \
	"texts WHERE id = r.subject), (SELECT body FROM texts WHERE id = "                         \
	"r.selection), (SELECT body FROM texts WHERE id = r.command), "                            \
	"(SELECT body FROM texts WHERE id = r.definition_file), "                                  \
	"r.definition_digest, (SELECT body FROM texts WHERE id = "                                 \
	"r.commit_id), r.is_dirty, (SELECT body FROM texts WHERE id = "                            \
	"r.host), (SELECT body FROM texts WHERE id = r.user), (SELECT body "                       \
	"FROM texts WHERE id = r.version), (SELECT body FROM texts WHERE id "                      \
	"= r.job_url), (SELECT body FROM texts WHERE id = r.boot_id), "                            \
	"r.begin_monotonic_ms, r.n_planned, e.n_pass, e.n_warn, e.n_fail, "                        \
	"e.n_undecided, e.n_skip, e.exit_status, r.shard, r.shards, r.manifest, r.merge, "         \
	"r.source, "                                                                               \
	"(SELECT body FROM texts WHERE id = r.subject_commit)"
#define SOURCE "runs r LEFT JOIN run_ends e ON e.run = r.id"

/* A run without its end is incomplete and undecided, and nobody saw its exit status. */
static struct run_info read_run(sqlite3_stmt *s, struct arena *a)
{
	bool has_end = sqlite3_column_type(s, 2) != SQLITE_NULL;
	struct run_info run = {
		.id = sqlite3_column_int64(s, 0),
		.begin_ms = sqlite3_column_int64(s, 1),
		.end_ms = has_end ? sqlite3_column_int64(s, 2) : -1,
		.state = store_run_state(s, 3),
		.outcome = store_outcome(s, 4),
		.subject = store_text_or(s, 5, a, ""),
		.selection = store_text_or(s, 6, a, ""),
		.command = store_text_or(s, 7, a, ""),
		.definition_file = store_text_or(s, 8, a, ""),
		.commit = store_text_or(s, 10, a, ""),
		.is_dirty = sqlite3_column_int(s, 11) != 0,
		.host = store_text_or(s, 12, a, ""),
		.user = store_text_or(s, 13, a, ""),
		.version = store_text_or(s, 14, a, ""),
		.job_url = store_text_or(s, 15, a, ""),
		.boot_id = store_text_or(s, 16, a, ""),
		.begin_monotonic_ms = sqlite3_column_int64(s, 17),
		.n_planned = sqlite3_column_int64(s, 18),
		.n_pass = sqlite3_column_int64(s, 19),
		.n_warn = sqlite3_column_int64(s, 20),
		.n_fail = sqlite3_column_int64(s, 21),
		.n_undecided = sqlite3_column_int64(s, 22),
		.n_skip = sqlite3_column_int64(s, 23),
		.exit_status = has_end ? sqlite3_column_int(s, 24) : -1,
	};

	store_digest(s, 9, run.definition_digest, sizeof(run.definition_digest));
	run.shard.index = sqlite3_column_int64(s, 25); /* NULL is 0 */
	run.shard.total = sqlite3_column_int64(s, 26);
	store_digest(s, 27, run.shard.manifest, sizeof(run.shard.manifest));
	run.merge_id = sqlite3_column_int64(s, 28); /* NULL is 0 */
	run.source_id = sqlite3_column_int64(s, 29);
	run.subject_commit = store_text(s, 30, a);
	return run;
}

int record_run(struct record *r, struct arena *a, int64_t id, struct run_info *out, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT " COLUMNS " FROM " SOURCE " WHERE r.id = ?1", e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	rc = store_step(r, s, e);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		(void)err_set(e, ERR_USAGE, "there is no run %lld in record \"%s\"", (long long)id,
			      r->path);
		return err_help(e, "assize history lists the runs"), -1;
	}
	*out = read_run(s, a);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

int record_runs(struct record *r, struct arena *a, int64_t before_id, size_t limit,
		struct run_info **out, size_t *n, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r, "SELECT " COLUMNS " FROM " SOURCE " WHERE r.id < ?1 ORDER BY r.id DESC LIMIT ?2",
		e);
	struct run_info *runs = NULL;
	size_t count = 0, cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, before_id == 0 ? INT64_MAX : before_id);
	store_bind_int(s, 2, limit > INT64_MAX ? INT64_MAX : (int64_t)limit);
	while ((rc = store_step(r, s, e)) == 1) {
		runs = store_grow(a, runs, sizeof(*runs), count, &cap);
		runs[count++] = read_run(s, a);
	}
	if (rc < 0)
		return -1;
	*out = runs;
	*n = count;
	return 0;
}

static int read_previous(struct record *r, struct arena *a, const struct run_info *of,
			 struct run_info *out, struct err *e)
{
	int64_t command, selection;
	sqlite3_stmt *s;
	int rc;

	if (lookup_text(r, of->command, &command, e) != 0 ||
	    lookup_text(r, of->selection, &selection, e) != 0)
		return -1;
	s = store_sql(r,
		      "SELECT " COLUMNS " FROM runs r JOIN run_ends e ON e.run = r.id WHERE "
		      "r.command = ?1 AND r.selection = ?2 AND r.id < ?3 AND e.state = ?4 "
		      "AND r.shard IS ?5 AND r.shards IS ?6 ORDER BY r.id DESC LIMIT 1",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, command);
	store_bind_int(s, 2, selection);
	store_bind_int(s, 3, of->id);
	store_bind_int(s, 4, RUN_COMPLETE);
	store_bind_id(s, 5, of->shard.index);
	store_bind_id(s, 6, of->shard.total);
	rc = store_step(r, s, e);
	if (rc < 0)
		return -1;
	if (rc == 1) {
		*out = read_run(s, a);
		(void)sqlite3_reset(s); /* after a row: nothing to tell */
	}
	return 1 - rc;
}

int record_previous_run(struct record *r, struct arena *a, const struct run_info *of,
			struct run_info *out, struct err *e)
{
	int rc;

	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	rc = read_previous(r, a, of, out, e);
	if (store_leave(r, rc < 0 ? -1 : 0, e) != 0)
		return -1;
	return rc;
}

int record_check_states(struct record *r, struct arena *a, struct check_state **out, size_t *n,
			struct err *e)
{
	sqlite3_stmt *s =
		store_sql(r,
			  "SELECT c.name, s.outcome, s.measured_ms, s.run, s.since_ms FROM "
			  "states s JOIN checks c ON c.id = s.check_id ORDER BY c.name",
			  e);
	struct check_state *states = NULL;
	size_t count = 0, cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	while ((rc = store_step(r, s, e)) == 1) {
		states = store_grow(a, states, sizeof(*states), count, &cap);
		states[count++] = (struct check_state){
			.name = store_text_or(s, 0, a, ""),
			.outcome = store_outcome(s, 1),
			.measured_ms = sqlite3_column_int64(s, 2),
			.run_id = sqlite3_column_int64(s, 3),
			.since_ms = sqlite3_column_int64(s, 4),
		};
	}
	if (rc < 0)
		return -1;
	*out = states;
	*n = count;
	return 0;
}

/* finished_ms is the latest there is: what a clock that was ahead said stays there. */
int record_last_measured(struct record *r, const char *check, int64_t now_ms, int64_t *out,
			 struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "SELECT CASE WHEN finished_ms > ?2 AND outcome <> ?3 THEN "
				    "measured_ms ELSE finished_ms END FROM states WHERE check_id = "
				    "(SELECT id FROM checks WHERE name = ?1)",
				    e);
	int64_t at = -1;

	if (s == NULL)
		return -1;
	store_bind_text(s, 1, check);
	store_bind_int(s, 2, now_ms);
	store_bind_int(s, 3, OUTCOME_SKIP);
	if (store_integer(r, s, &at, e) < 0)
		return -1;
	*out = at;
	return 0;
}

/*
 * Runs that may have come to a verdict: those around the days on which anything of the check did.
 * As a check that has not come to one for a year, or ever, would else be looked for in every run.
 */
#define AROUND_VERDICTS(order)                                                                     \
	"WITH RECURSIVE day(n) AS (SELECT max(id) >> 24 FROM days WHERE id < ((?2 / 86400000 + 2)" \
	" << 24) UNION ALL SELECT (SELECT max(id) >> 24 FROM days WHERE id < (day.n << 24)) FROM " \
	"day WHERE day.n IS NOT NULL), verdict(n) AS (SELECT n FROM day WHERE EXISTS (SELECT 1 "   \
	"FROM series s CROSS JOIN days d ON d.id = (day.n << 24 | s.id) WHERE s.check_id = ?1 "    \
	"AND (d.n_pass > 0 OR d.n_warn > 0 OR d.n_fail > 0))) SELECT r.id, r.begin_ms FROM runs "  \
	"r CROSS JOIN run_ends e ON e.run = r.id AND e.state = ?3 WHERE r.begin_ms <= ?2 AND "     \
	"r.begin_ms / 86400000 IN (SELECT n FROM verdict UNION "                                   \
	"SELECT n - 1 FROM verdict UNION SELECT n + 1 FROM verdict) ORDER BY " order

/* When the run came to a verdict about the check under its definition: 1 = *ms is set. */
static int read_verdict(struct record *r, int64_t check_id, const unsigned char *hash,
			int64_t run_id, int64_t begin_ms, int64_t *ms, struct err *e)
{
	sqlite3_stmt *s =
		store_sql(r,
			  "SELECT ?3 + max(x.at_ms) FROM series s CROSS JOIN results x ON x.id = "
			  "(?2 | s.id) CROSS JOIN facts f ON f.id = x.facts_id CROSS JOIN "
			  "definitions d ON d.id = f.definition_id WHERE s.check_id = ?1 HAVING "
			  "min(d.hash = ?8) AND (max(f.outcome = ?4) OR (max(f.outcome IN (?5, "
			  "?6)) AND NOT max(f.outcome = ?7)))",
			  e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, check_id);
	store_bind_int(s, 2, run_id << STORE_SERIES_BITS);
	store_bind_int(s, 3, begin_ms);
	store_bind_int(s, 4, OUTCOME_FAIL);
	store_bind_int(s, 5, OUTCOME_PASS);
	store_bind_int(s, 6, OUTCOME_WARN);
	store_bind_int(s, 7, OUTCOME_UNDECIDED);
	store_bind_digest(s, 8, hash, SHA256_BYTES);
	return store_integer(r, s, ms, e);
}

/* Back through the runs, as the one in which it came to a verdict is not known. */
static int find_verdict(struct record *r, const struct check_info *check, int64_t now_ms,
			int64_t *out, struct err *e)
{
	bool has_merges;
	int64_t check_id;
	sqlite3_stmt *s;
	int rc;

	if (lookup_check(r, check->name, &check_id, e) != 0 ||
	    store_has_merges(r, &has_merges, e) != 0)
		return -1;
	s = has_merges ? store_sql(r, AROUND_VERDICTS(STORE_NEWEST_FIRST), e)
		       : store_sql(r, AROUND_VERDICTS("r.id DESC"), e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, check_id);
	store_bind_int(s, 2, now_ms);
	store_bind_int(s, 3, RUN_COMPLETE);
	while ((rc = store_step(r, s, e)) == 1) {
		rc = read_verdict(r, check_id, check->hash, sqlite3_column_int64(s, 0),
				  sqlite3_column_int64(s, 1), out, e);
		if (rc != 0)
			break;
	}
	(void)sqlite3_reset(s); /* stopped at the newest, or done */
	return rc < 0 ? -1 : 0;
}

/* Is what the newest run said of it a verdict that counts? Then it is the last one. */
static int is_verdict_newest(struct record *r, const struct check_info *check, bool *is_so,
			     struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT EXISTS (SELECT 1 FROM states t JOIN checks c ON c.id = t.check_id JOIN "
		"run_ends e ON e.run = t.run AND e.state = ?5 WHERE c.name = ?1 AND t.outcome NOT "
		"IN (?2, ?3) AND EXISTS (SELECT 1 FROM series s CROSS JOIN results x ON x.id = "
		"(t.run << 24 | s.id) CROSS JOIN facts f ON f.id = x.facts_id CROSS JOIN "
		"definitions d ON d.id = f.definition_id WHERE s.check_id = t.check_id AND d.hash "
		"= ?4))",
		e);
	int64_t found = 0;

	if (s == NULL)
		return -1;
	store_bind_text(s, 1, check->name);
	store_bind_int(s, 2, OUTCOME_UNDECIDED);
	store_bind_int(s, 3, OUTCOME_SKIP);
	store_bind_digest(s, 4, check->hash, SHA256_BYTES);
	store_bind_int(s, 5, RUN_COMPLETE);
	if (store_integer(r, s, &found, e) < 0)
		return -1;
	*is_so = found != 0;
	return 0;
}

static int last_verdict(struct record *r, const struct check_info *check, int64_t now_ms,
			int64_t *out, struct err *e)
{
	bool is_newest;

	if (is_verdict_newest(r, check, &is_newest, e) != 0)
		return -1;
	return is_newest ? record_last_measured(r, check->name, now_ms, out, e)
			 : find_verdict(r, check, now_ms, out, e);
}

int record_last_verdict(struct record *r, const struct check_info *check, int64_t now_ms,
			int64_t *out, struct err *e)
{
	int64_t at = -1;
	int rc;

	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	rc = last_verdict(r, check, now_ms, &at, e);
	if (store_leave(r, rc, e) != 0)
		return -1;
	*out = at;
	return 0;
}

int store_is_before(struct record *r, int64_t a, int64_t b, bool *out, struct err *e)
{
	struct run_place of_a, of_b;

	if (store_run_place(r, a, &of_a, e) != 0 || store_run_place(r, b, &of_b, e) != 0)
		return -1;
	*out = run_place_is_before(&of_a, &of_b);
	return 0;
}

int record_is_before(struct record *r, int64_t a, int64_t b, bool *out, struct err *e)
{
	return store_enter(r, STORE_READING, e) != 0
		       ? -1
		       : store_leave(r, store_is_before(r, a, b, out, e), e);
}

/* Of runs that have no end nobody knows how long they went on; none goes on for longer than a day.
 */
/*
 * Runs of one boot of a machine have one clock, unless it was set between them (by more than ?3):
 * wall clock less monotonic clock is when that machine started. ?1 = the run. A run without an end
 * is taken to be under way for ?2, on whatever clock.
 */
#define OVERLAPPING                                                                                \
	"SELECT o.id, o.boot_id <> m.boot_id OR abs(o.begin_ms - o.begin_monotonic_ms - "          \
	"m.begin_ms + m.begin_monotonic_ms) > ?3, EXISTS (SELECT 1 FROM batches b WHERE b.run = "  \
	"o.id AND b.first_seq > m.seq) FROM runs m LEFT JOIN run_ends f ON f.run = m.id CROSS "    \
	"JOIN runs o LEFT JOIN run_ends e ON e.run = o.id WHERE m.id = ?1 AND o.id <> m.id AND "   \
	"o.begin_ms >= m.begin_ms - 2 * ?2 AND o.begin_ms <= coalesce(f.end_ms, m.begin_ms + ?2) " \
	"+ ?2 AND CASE WHEN m.merge IS NULL AND o.merge IS NULL THEN o.seq < coalesce(f.seq, "     \
	"9223372036854775807) AND coalesce(e.seq > m.seq, o.begin_ms + ?2 >= m.begin_ms) ELSE "    \
	"o.begin_ms <= coalesce(f.end_ms, m.begin_ms + ?2) AND coalesce(e.end_ms, o.begin_ms + "   \
	"?2) >= m.begin_ms END"
#define SAME_START_MS 1000

int record_overlapping(struct record *r, struct arena *a, int64_t run_id, struct overlapping **out,
		       size_t *n, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, OVERLAPPING, e);
	size_t cap = 0;
	int rc;

	*out = NULL;
	*n = 0;
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, run_id);
	store_bind_int(s, 2, STORE_LONGEST_RUN_MS);
	store_bind_int(s, 3, SAME_START_MS);
	while ((rc = store_step(r, s, e)) == 1) {
		*out = store_grow(a, *out, sizeof(**out), *n, &cap);
		(*out)[(*n)++] = (struct overlapping){
			.run_id = sqlite3_column_int64(s, 0),
			.is_other_clock = sqlite3_column_int(s, 1) != 0,
			.is_later = sqlite3_column_int(s, 2) != 0,
		};
	}
	return rc;
}

static int read_subject_commit(struct record *r, struct arena *a, const char *subject,
			       const char **commit, struct err *e)
{
	sqlite3_stmt *s;
	int64_t id;
	int rc;

	if (lookup_text(r, subject, &id, e) != 0)
		return -1;
	s = store_sql(r,
		      "SELECT (SELECT body FROM texts WHERE id = subject_commit) FROM runs WHERE "
		      "subject = ?1 AND subject_commit IS NOT NULL ORDER BY id DESC LIMIT 1",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	*commit = NULL;
	while ((rc = store_step(r, s, e)) == 1)
		*commit = store_text(s, 0, a);
	return rc;
}

int record_subject_commit(struct record *r, struct arena *a, const char *subject,
			  const char **commit, struct err *e)
{
	return store_enter(r, STORE_READING, e) != 0
		       ? -1
		       : store_leave(r, read_subject_commit(r, a, subject, commit, e), e);
}
