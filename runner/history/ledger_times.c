/*
 * What clocks said, in the order things were recorded. Writers wait for each other for up to half a
 * minute, clocks are set right by some seconds: what differs by more than TOLERANCE_MS was not
 * recorded when it says it was, or the clock was moved.
 */
#include <inttypes.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/utc.h"
#include "runner/history/ledger_parts.h"

#define TOLERANCE_MS INT64_C(300000)

static const char *shown(struct ledger_check *c, int64_t ms)
{
	char text[UTC_MAX];

	return utc_format(ms, 0, text) > 0 ? arena_strdup(c->a, text) : "no time";
}

static const char *apart(struct ledger_check *c, int64_t ms)
{
	char text[NUM_REAL_MAX];

	(void)num_format_duration(ms, text); /* its length */
	return arena_strdup(c->a, text);
}

/* Times of recording must ascend with the numbers; what was merged was recorded elsewhere. */
static int check_order(struct ledger_check *c, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		c->r,
		"SELECT seq, begin_ms, 'run ' || id || ' began' FROM runs WHERE merge IS "
		"NULL UNION ALL SELECT seq, end_ms, 'run ' || run || ' ended' FROM "
		"run_ends WHERE (SELECT merge FROM runs WHERE id = run) IS NULL UNION "
		"ALL SELECT seq, at_ms, 'merge ' || id || ' was made' FROM merges UNION "
		"ALL SELECT seq, at_ms, 'pruning ' || id || ' was made' FROM prunings UNION "
		"ALL SELECT seq, "
		"at_ms, 'decision ' || id "
		"|| ' was made' FROM decisions UNION ALL SELECT seq, at_ms, 'override ' "
		"|| id || ' was made' FROM overrides UNION ALL SELECT seq, "
		"recorded_ms, 'measurement ' || id "
		"|| ' was recorded' FROM externals WHERE merge IS NULL UNION ALL SELECT seq, "
		"recorded_ms, 'challenge ' || id || ' was recorded' FROM challenges WHERE merge IS "
		"NULL UNION ALL SELECT seq, "
		"at_ms, 'key ' || id || ' was "
		"made' FROM keys ORDER BY 1",
		e);
	int64_t newest = INT64_MIN;
	const char *before = "";
	int rc;

	if (s == NULL)
		return -1;
	while ((rc = store_step(c->r, s, e)) == 1) {
		int64_t ms = sqlite3_column_int64(s, 1);

		if (newest != INT64_MIN && ms < newest && newest - ms > TOLERANCE_MS)
			(void)ledger_find(c, LEDGER_DOUBT,
					  "either the clock was set back, or it was recorded later "
					  "than it says",
					  "%s at %s, %s before %s, which was recorded earlier",
					  store_text_or(s, 2, c->a, ""), shown(c, ms),
					  apart(c, newest - ms), before);
		if (ms <= newest)
			continue;
		newest = ms;
		before = store_text_or(s, 2, c->a, "");
	}
	return rc;
}

/* Nothing was merged before it happened. A run may have got its end by a later merge. */
static int check_merged(struct ledger_check *c, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		c->r,
		"SELECT x.what, x.ms, m.id, m.at_ms FROM (SELECT seq, begin_ms AS ms, 'run ' || id "
		"|| ' began' AS what FROM runs WHERE merge IS NOT NULL UNION ALL SELECT seq, "
		"end_ms, 'run ' || run || ' ended' FROM run_ends WHERE (SELECT merge FROM runs "
		"WHERE id = run) IS NOT NULL UNION ALL SELECT seq, at_ms, 'restoration ' || id || "
		"' was made' FROM restorations WHERE (SELECT merge FROM runs WHERE id = run) IS "
		"NOT NULL UNION ALL SELECT seq, max(at_ms, recorded_ms), 'measurement ' || id || ' "
		"was recorded' FROM externals WHERE merge IS NOT NULL UNION ALL SELECT seq, "
		"max(at_ms, recorded_ms), 'challenge ' || id || ' was recorded' FROM challenges "
		"WHERE merge IS NOT NULL) x JOIN merges m ON m.seq = "
		"(SELECT max(seq) FROM merges WHERE seq < x.seq) WHERE x.ms > m.at_ms + ?1 ORDER "
		"BY x.seq",
		e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, TOLERANCE_MS);
	while ((rc = store_step(c->r, s, e)) == 1)
		(void)LEDGER_FIND(c, LEDGER_DOUBT, "%s at %s, after merge %lld, at %s, brought it",
				  store_text_or(s, 0, c->a, ""),
				  shown(c, sqlite3_column_int64(s, 1)),
				  (long long)sqlite3_column_int64(s, 2),
				  shown(c, sqlite3_column_int64(s, 3)));
	return rc;
}

/*
 * Two runs of one boot, in the order they were recorded in one record: the wall clock must not have
 * gone less far than the monotonic one, which nobody can set. It may have gone further: a machine
 * that sleeps counts in one of them only.
 */
static int check_clocks(struct ledger_check *c, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		c->r,
		"SELECT before, id, really - gone FROM (SELECT id, lag(id) OVER w AS before, "
		"begin_ms - lag(begin_ms) OVER w AS gone, begin_monotonic_ms - "
		"lag(begin_monotonic_ms) OVER w AS really FROM runs WHERE begin_monotonic_ms > 0 "
		"WINDOW w AS (PARTITION BY boot_id, host, (SELECT identity FROM merges WHERE id = "
		"merge) ORDER BY seq)) WHERE really - gone > ?1 ORDER BY id",
		e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, TOLERANCE_MS);
	while ((rc = store_step(c->r, s, e)) == 1)
		(void)LEDGER_FIND(c, LEDGER_DOUBT,
				  "the clock was set back by %s between run %lld and run %lld",
				  apart(c, sqlite3_column_int64(s, 2)),
				  (long long)sqlite3_column_int64(s, 0),
				  (long long)sqlite3_column_int64(s, 1));
	return rc;
}

/* Runs whose results say they were measured outside of it, by the first of each. */
static int check_runs(struct ledger_check *c, struct err *e)
{
	sqlite3_stmt *s = store_sql(c->r,
				    "SELECT r.id, r.begin_ms, e.end_ms FROM runs r JOIN run_ends e "
				    "ON e.run = r.id WHERE "
				    "e.end_ms < r.begin_ms - ?1 OR e.seq < r.seq",
				    e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, TOLERANCE_MS);
	while ((rc = store_step(c->r, s, e)) == 1)
		(void)LEDGER_FIND(c, LEDGER_DOUBT, "run %lld ended at %s, before it began at %s",
				  (long long)sqlite3_column_int64(s, 0),
				  shown(c, sqlite3_column_int64(s, 2)),
				  shown(c, sqlite3_column_int64(s, 1)));
	return rc;
}

/* Runs that somebody, or something, ended before they did. */
static int check_unended(struct ledger_check *c, struct err *e)
{
	sqlite3_stmt *s = store_sql(c->r,
				    "SELECT count(*), min(id), max(id) FROM runs WHERE id NOT IN "
				    "(SELECT run FROM run_ends)",
				    e);

	if (s == NULL || store_step(c->r, s, e) < 0)
		return -1;
	if (sqlite3_column_int64(s, 0) > 0)
		(void)ledger_find(c, LEDGER_NOTE,
				  "killed, or stopped because of what it would have found: assize "
				  "history lists "
				  "them",
				  "without an end: %lld of the runs, between run %lld and run %lld",
				  (long long)sqlite3_column_int64(s, 0),
				  (long long)sqlite3_column_int64(s, 1),
				  (long long)sqlite3_column_int64(s, 2));
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

/* Those made under another definition than the one that is pinned. */
static int check_definitions(struct ledger_check *c, struct err *e)
{
	sqlite3_stmt *s;
	int rc;

	if (c->trust->definition == NULL)
		return 0;
	s = store_sql(c->r,
		      "SELECT id, (SELECT body FROM texts WHERE id = gate), at_ms, "
		      "lower(hex(definition_digest)) FROM decisions WHERE definition_digest <> ?1",
		      e);
	if (s == NULL)
		return -1;
	store_bind_digest(s, 1, c->trust->definition, SHA256_BYTES);
	while ((rc = store_step(c->r, s, e)) == 1)
		(void)LEDGER_FIND(
			c, LEDGER_DOUBT,
			"decision %lld of gate \"%s\", %s, was made under definition %.12s, "
			"not under the one that is pinned",
			(long long)sqlite3_column_int64(s, 0), store_text_or(s, 1, c->a, ""),
			shown(c, sqlite3_column_int64(s, 2)), store_text_or(s, 3, c->a, ""));
	return rc;
}

static int count_all(struct ledger_check *c, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		c->r,
		"SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM decisions), (SELECT "
		"count(*) "
		"FROM pruned_texts) + (SELECT count(*) FROM pruned_samples), (SELECT count(*) FROM "
		"prunings)",
		e);

	if (s == NULL || store_step(c->r, s, e) < 0)
		return -1;
	c->out->n_runs = (uint64_t)sqlite3_column_int64(s, 0);
	c->out->n_decisions = (uint64_t)sqlite3_column_int64(s, 1);
	c->out->n_pruned = (uint64_t)sqlite3_column_int64(s, 2);
	c->out->n_prunings = (uint64_t)sqlite3_column_int64(s, 3);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

int ledger_check_times(struct ledger_check *c, struct err *e)
{
	int (*const steps[])(struct ledger_check *, struct err *) = {
		check_order,   check_merged,	  check_clocks, check_runs,
		check_unended, check_definitions, count_all};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i](c, e) != 0)
			return -1;
	return 0;
}
