/*
 * Runs that are parts of one whole. What a row says of itself is believed only as far as it fits: a
 * part must have a number its whole has.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/store.h"

int record_run_shard(struct record *r, int64_t run_id, struct run_shard *out, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT shard, shards, manifest FROM runs WHERE id = ?1", e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, run_id);
	rc = store_step(r, s, e);
	if (rc < 0)
		return -1;
	*out = (struct run_shard){.index = 0};
	if (rc == 0)
		return 0;
	/* one that has a manifest is a part, whatever else it says */
	if (sqlite3_column_type(s, 2) != SQLITE_NULL) {
		out->index = sqlite3_column_int64(s, 0) != 0 ? sqlite3_column_int64(s, 0) : -1;
		out->total = sqlite3_column_int64(s, 1);
		store_digest(s, 2, out->manifest, sizeof(out->manifest));
	}
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

#define COLUMNS                                                                                    \
	"r.id, r.shard, r.shards, r.begin_ms, CASE WHEN e.seq < ?1 THEN e.state END, (SELECT "     \
	"body FROM texts WHERE id = r.subject), r.manifest, r.definition_digest, CASE WHEN e.seq " \
	"< "                                                                                       \
	"?1 THEN e.end_ms ELSE -1 END, (SELECT identity FROM merges WHERE id = r.merge) FROM "     \
	"runs "                                                                                    \
	"r LEFT "                                                                                  \
	"JOIN run_ends e ON e.run = r.id WHERE r.seq < ?1 AND "
#define NEWEST " ORDER BY " STORE_NEWEST_FIRST

static struct shard_run read_run(sqlite3_stmt *s, struct arena *a)
{
	struct shard_run run = {
		.run_id = sqlite3_column_int64(s, 0),
		.index = sqlite3_column_int64(s, 1),
		.total = sqlite3_column_int64(s, 2),
		.begin_ms = sqlite3_column_int64(s, 3),
		.run_state = store_run_state(s, 4),
		.subject = store_text_or(s, 5, a, ""),
		.end_ms = sqlite3_column_int64(s, 8),
	};

	store_digest(s, 6, run.manifest, sizeof(run.manifest));
	store_digest(s, 7, run.definition_digest, sizeof(run.definition_digest));
	if (sqlite3_column_type(s, 9) != SQLITE_NULL)
		store_digest(s, 9, run.origin, sizeof(run.origin));
	return run;
}

/* One row, or none: *out stays as it is. */
static int read_one(struct record *r, struct arena *a, sqlite3_stmt *s, struct shard_run *out,
		    struct err *e)
{
	int rc = store_step(r, s, e);

	if (rc != 1)
		return rc;
	*out = read_run(s, a);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

/* ---- the run that is asked about ---- */

struct asked {
	int64_t run_id, before_seq;
	int64_t subject, selection; /* ids of the texts */
};

static int read_asked(struct record *r, struct arena *a, struct asked *x, struct shard_set *out,
		      struct err *e)
{
	sqlite3_stmt *s =
		store_row(r,
			  "SELECT shard, shards, manifest, definition_digest, subject, selection, "
			  "(SELECT body FROM texts WHERE id = subject), (SELECT body FROM texts "
			  "WHERE id = selection) FROM runs WHERE id = ?1",
			  "run", x->run_id, e);
	int64_t index;

	if (s == NULL)
		return -1;
	index = sqlite3_column_int64(s, 0);
	out->total = sqlite3_column_int64(s, 1);
	store_digest(s, 2, out->manifest, sizeof(out->manifest));
	store_digest(s, 3, out->definition_digest, sizeof(out->definition_digest));
	x->subject = sqlite3_column_int64(s, 4);
	x->selection = sqlite3_column_int64(s, 5);
	out->subject = store_text_or(s, 6, a, "");
	out->selection = store_text_or(s, 7, a, "");
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	if (out->total < 1 || out->total > RECORD_MAX_SHARDS || index < 1 || index > out->total)
		out->total = 0;
	return 0;
}

/* ---- the others ---- */

/* newest: of the same part. A run again, where and after the first one ended, replaces it. */
static bool is_duplicate(const struct shard_run *run, const struct shard_run *newest)
{
	return run->run_state == RUN_COMPLETE &&
	       (memcmp(run->origin, newest->origin, sizeof(run->origin)) != 0 ||
		run->end_ms > newest->begin_ms);
}

static int read_parts(struct record *r, struct arena *a, const struct asked *x,
		      const struct shard_set *set, struct shard_run *out,
		      struct shard_run *duplicates, struct err *e)
{
	sqlite3_stmt *s =
		store_sql(r,
			  "SELECT " COLUMNS "r.manifest = ?2 AND r.shards = ?3 AND r.subject = ?4 "
			  "AND r.selection = ?5" NEWEST,
			  e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, x->before_seq);
	store_bind_digest(s, 2, set->manifest, sizeof(set->manifest));
	store_bind_int(s, 3, set->total);
	store_bind_int(s, 4, x->subject);
	store_bind_int(s, 5, x->selection);
	while ((rc = store_step(r, s, e)) == 1) {
		struct shard_run run = read_run(s, a), *newest, *duplicate;

		if (run.index < 1 || run.index > set->total)
			continue;
		newest = &out[run.index - 1];
		duplicate = &duplicates[run.index - 1];
		if (newest->run_id == 0)
			*newest = run;
		else if (is_duplicate(&run, newest) &&
			 (duplicate->run_id == 0 || run.begin_ms > duplicate->begin_ms))
			*duplicate = run;
	}
	return rc;
}

static int read_other(struct record *r, struct arena *a, const struct asked *x,
		      const struct shard_set *set, int64_t index, struct shard_run *out,
		      struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "SELECT " COLUMNS
				    "r.selection = ?2 AND r.manifest IS NOT NULL AND r.manifest "
				    "<> ?3 AND r.shard = ?4 AND r.shards = ?5" NEWEST " LIMIT 1",
				    e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, x->before_seq);
	store_bind_int(s, 2, x->selection);
	store_bind_digest(s, 3, set->manifest, sizeof(set->manifest));
	store_bind_int(s, 4, index);
	store_bind_int(s, 5, set->total);
	return read_one(r, a, s, out, e);
}

static int read_newest(struct record *r, struct arena *a, const struct asked *x,
		       struct shard_run *out, struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "SELECT " COLUMNS
				    "r.selection = ?2 AND r.subject = ?3 AND r.manifest IS NOT "
				    "NULL" NEWEST " LIMIT 1",
				    e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, x->before_seq);
	store_bind_int(s, 2, x->selection);
	store_bind_int(s, 3, x->subject);
	return read_one(r, a, s, out, e);
}

static int read_set(struct record *r, struct arena *a, struct asked *x, struct shard_set *out,
		    struct err *e)
{
	struct shard_run *runs, *others, *duplicates;

	if (read_asked(r, a, x, out, e) != 0)
		return -1;
	runs = arena_array(a, (size_t)out->total, sizeof(*runs));
	others = arena_array(a, (size_t)out->total, sizeof(*others));
	duplicates = arena_array(a, (size_t)out->total, sizeof(*duplicates));
	if (read_newest(r, a, x, &out->newest, e) != 0 ||
	    read_parts(r, a, x, out, runs, duplicates, e) != 0)
		return -1;
	for (int64_t i = 0; i < out->total; i++)
		if (runs[i].run_id == 0 && read_other(r, a, x, out, i + 1, &others[i], e) != 0)
			return -1;
	out->runs = runs;
	out->others = others;
	out->duplicates = duplicates;
	return 0;
}

int record_shard_set(struct record *r, struct arena *a, int64_t run_id, int64_t before_seq,
		     struct shard_set *out, struct err *e)
{
	struct asked x = {.run_id = run_id, .before_seq = before_seq};
	struct shard_set set = {.total = 0};

	if (store_enter(r, STORE_READING, e) != 0 ||
	    store_leave(r, read_set(r, a, &x, &set, e), e) != 0)
		return -1;
	*out = set;
	return 0;
}
