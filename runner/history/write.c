/*
 * Writing a run: begin, batches of results, end. Each is one transaction, and the last batch shares
 * that of the end: a commit is five waits for the disk. A batch is interned first
 * (which may add definitions, records of their own in the sequence) and inserted second, in the
 * order of its keys, so that its numbers are consecutive and its rows fill pages to the end.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/history/days.h"
#include "runner/history/leaf.h"
#include "runner/history/row.h"
#include "runner/history/store.h"

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

int store_run_begin(struct record *r, const struct run_info *run, int64_t *id, struct err *e)
{
	const char *const texts[] = {
		run->subject, run->selection, run->command, run->definition_file, run->commit,
		run->host,    run->user,      run->version, run->job_url,	  run->boot_id};
	int64_t ids[10], subject_commit;
	sqlite3_stmt *s;

	for (size_t i = 0; i < 10; i++)
		if (intern_text(r, or_empty(texts[i]), &ids[i], e) != 0)
			return -1;
	if (intern_text(r, run->subject_commit, &subject_commit, e) != 0)
		return -1;
	s = store_sql(
		r,
		"INSERT INTO runs(seq, begin_ms, begin_monotonic_ms, n_planned, is_dirty, "
		"definition_digest, subject, selection, command, definition_file, commit_id, "
		"host, user, version, job_url, boot_id, shard, shards, manifest, merge, source, "
		"subject_commit, behind) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "
		"?12, ?13, "
		"?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, CASE WHEN ?20 IS NOT NULL THEN "
		"coalesce((SELECT id FROM runs WHERE merge IS NULL AND begin_ms <= ?2 ORDER "
		"BY begin_ms DESC, id DESC LIMIT 1), 0) END)",
		e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, store_take_seq(r, 1));
	store_bind_int(s, 2, run->begin_ms);
	store_bind_int(s, 3, run->begin_monotonic_ms);
	store_bind_int(s, 4, run->n_planned);
	store_bind_int(s, 5, run->is_dirty);
	store_bind_digest(s, 6, run->definition_digest, sizeof(run->definition_digest));
	for (int i = 0; i < 10; i++)
		store_bind_int(s, 7 + i, ids[i]);
	if (run->shard.index != 0) { /* unbound is NULL */
		store_bind_int(s, 17, run->shard.index);
		store_bind_int(s, 18, run->shard.total);
		store_bind_digest(s, 19, run->shard.manifest, sizeof(run->shard.manifest));
	}
	store_bind_id(s, 20, run->merge_id);
	store_bind_id(s, 21, run->source_id);
	store_bind_id(s, 22, subject_commit);
	if (store_run(r, s, e) != 0)
		return -1;
	*id = sqlite3_last_insert_rowid(r->db);
	if (*id > STORE_MAX_RUN)
		return err_set(e, ERR_RECORD, "could not write record \"%s\": it is full of runs",
			       r->path);
	return 0;
}

int record_begin(struct record *r, struct run_info *run, struct err *e)
{
	int64_t id = 0;

	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	if (store_leave(r, store_run_begin(r, run, &id, e) == 0 ? tell_begin(r, id, e) : -1, e) !=
	    0)
		return -1;
	run->id = id;
	return 0;
}

/* What a batch needs to know about its run. */
struct batch {
	int64_t run_id, number;
	struct run_place place;
	int64_t begin_ms, subject;
	struct row *rows; /* sorted by id before insertion */
	size_t n;
};

static int find_run(struct record *r, struct batch *b, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT begin_ms, subject, (SELECT count(*) FROM batches WHERE run = id), "
		"EXISTS (SELECT 1 FROM run_ends WHERE run = id), coalesce(behind, -1) FROM runs "
		"WHERE id = ?1",
		e);
	bool has_ended;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, b->run_id);
	rc = store_step(r, s, e);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(e, ERR_RECORD,
			       "cannot add to run %lld: record \"%s\" has no such run",
			       (long long)b->run_id, r->path);
	b->begin_ms = sqlite3_column_int64(s, 0);
	b->subject = sqlite3_column_int64(s, 1);
	b->number = sqlite3_column_int64(s, 2);
	has_ended = sqlite3_column_int(s, 3) != 0;
	b->place = (struct run_place){b->run_id, sqlite3_column_int64(s, 4), b->begin_ms};
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	if (has_ended)
		return err_set(e, ERR_RECORD, "cannot add to run %lld: it has ended",
			       (long long)b->run_id);
	return 0;
}

/* Series of one check are read back by id; where they were given otherwise, their place is kept. */
static int keep_places(struct record *r, const struct row *rows, size_t n, struct err *e)
{
	bool is_ascending = true;

	for (size_t i = 1; i < n; i++)
		is_ascending = is_ascending && rows[i - 1].id < rows[i].id;
	for (size_t i = 0; i < n && !is_ascending; i++) {
		sqlite3_stmt *s = store_sql(r, "INSERT INTO places VALUES (?1, ?2)", e);

		if (s == NULL)
			return -1;
		store_bind_int(s, 1, rows[i].id);
		store_bind_int(s, 2, (int64_t)i);
		if (store_run(r, s, e) != 0)
			return -1;
	}
	return 0;
}

/* Interns one check's series (n of them from at on) and updates where the check stands. */
static int prepare_check(struct record *r, struct batch *b, size_t at, size_t n,
			 const struct result *results, struct err *e)
{
	const struct result *first = &results[at];
	struct standing standing;

	if (standing_read(r, first->check->name, or_empty(first->series), &standing, e) != 0)
		return -1;
	for (size_t i = at; i < at + n; i++) {
		struct row *row = &b->rows[i];
		int64_t series_id = i == at ? standing.series_id : 0;

		*row = (struct row){.begin_ms = b->begin_ms, .result = &results[i]};
		if ((series_id == 0 &&
		     intern_series(r, standing.check_id, or_empty(results[i].series), &series_id,
				   e) != 0) ||
		    intern_facts(r, standing.check_id, &results[i],
				 standing.run << STORE_SERIES_BITS | series_id, &row->facts_id,
				 &row->usual_limit, e) != 0)
			return -1;
		leaf_remember_series(r, series_id, or_empty(results[i].series));
		row->id = b->run_id << STORE_SERIES_BITS | series_id;
	}
	if (keep_places(r, &b->rows[at], n, e) != 0)
		return -1;
	for (size_t i = at; i < at + n; i++)
		if (results[i].cursor != NULL &&
		    store_cursor(r, standing.check_id, b->run_id, results[i].cursor, e) != 0)
			return -1;
	return standing_update(r, &standing, &b->place, b->subject, first, n, e);
}

static int prepare_rows(struct record *r, struct batch *b, const struct result *results,
			struct err *e)
{
	size_t at = 0;

	while (at < b->n) {
		size_t n = 1;

		while (at + n < b->n &&
		       (results[at + n].check == results[at].check ||
			strcmp(results[at + n].check->name, results[at].check->name) == 0))
			n++;
		if (prepare_check(r, b, at, n, results, e) != 0)
			return -1;
		at += n;
	}
	return 0;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* Series of sorted rows as "1-250 253": most checks finish in the order they were planned. */
static void put_members(struct buf *out, const struct batch *b)
{
	for (size_t i = 0, last; i < b->n; i = last + 1) {
		last = i;
		while (last + 1 < b->n && b->rows[last + 1].id == b->rows[last].id + 1)
			last++;
		/* the buffer is unbounded: cannot fail */
		(void)buf_printf(out, "%s%" PRId64, i > 0 ? " " : "",
				 b->rows[i].id & STORE_MAX_SERIES);
		if (last > i)
			(void)buf_printf(out, "-%" PRId64, b->rows[last].id & STORE_MAX_SERIES);
	}
}

static int insert_batch(struct record *r, const struct batch *b, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "INSERT INTO batches VALUES (?1, ?2, ?3, ?4, ?5)", e);
	struct buf members;
	int rc;

	if (s == NULL)
		return -1;
	buf_init(&members, BUF_UNBOUNDED);
	put_members(&members, b);
	store_bind_int(s, 1, b->run_id);
	store_bind_int(s, 2, b->number);
	store_bind_int(s, 3, store_take_seq(r, (int64_t)b->n));
	store_bind_int(s, 4, (int64_t)b->n);
	store_bind_text(s, 5, members.data);
	rc = store_run(r, s, e);
	buf_release(&members);
	return rc;
}

static int insert_rows(struct record *r, struct batch *b, struct err *e)
{
	if (b->n == 0)
		return 0;
	qsort(b->rows, b->n, sizeof(*b->rows), compare_rows);
	for (size_t i = 0; i < b->n; i++) {
		const struct result *x = b->rows[i].result;

		if (row_insert(r, &b->rows[i], e) != 0 ||
		    days_count(r, days_id(x->measured_ms, b->rows[i].id), x->outcome, e) != 0 ||
		    store_samples(r, b->rows[i].id, x, e) != 0)
			return err_context(e, "check \"%s\", series \"%s\"", x->check->name,
					   or_empty(x->series));
	}
	return insert_batch(r, b, e);
}

/*
 * A restoration carries no time of its own: it is as old as the oldest result of a rollback check
 * that came with it, so that no evidence ever looks fresher than it is.
 */
static int64_t restorations_at(const struct batch *b, const struct result *results)
{
	int64_t at = -1;

	for (size_t i = 0; i < b->n; i++)
		if (strcmp(or_empty(results[i].check->kind), "rollback") == 0 &&
		    (at == -1 || results[i].measured_ms < at))
			at = results[i].measured_ms;
	return at == -1 ? b->begin_ms : at;
}

int store_batch(struct record *r, int64_t run_id, const struct result *results, size_t n,
		int64_t *restorations_ms, struct err *e)
{
	struct batch b = {.run_id = run_id, .n = n};
	int rc;

	b.rows = xmalloc((n + 1) * sizeof(*b.rows));
	rc = find_run(r, &b, e) != 0 || prepare_rows(r, &b, results, e) != 0 ||
			     insert_rows(r, &b, e) != 0
		     ? -1
		     : 0;
	free(b.rows);
	*restorations_ms = restorations_at(&b, results);
	return rc;
}

/* One batch, inside a transaction. */
static int write_results(struct record *r, int64_t run_id, const struct result *results, size_t n,
			 const struct restoration *restorations, size_t n_restorations,
			 struct err *e)
{
	int64_t at_ms;

	if (store_batch(r, run_id, results, n, &at_ms, e) != 0)
		return -1;
	return store_restorations(r, run_id, at_ms, restorations, n_restorations, e);
}

int record_results(struct record *r, int64_t run_id, const struct result *results, size_t n,
		   const struct restoration *restorations, size_t n_restorations, struct err *e)
{
	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	return store_leave(r, write_results(r, run_id, results, n, restorations, n_restorations, e),
			   e);
}

int store_run_end(struct record *r, const struct run_info *run, struct err *e)
{
	struct batch b = {.run_id = run->id};
	const int64_t numbers[] = {run->end_ms,	     run->state,  run->outcome,
				   run->n_pass,	     run->n_warn, run->n_fail,
				   run->n_undecided, run->n_skip, run->exit_status};
	sqlite3_stmt *s;

	if (find_run(r, &b, e) != 0)
		return -1;
	s = store_sql(
		r, "INSERT INTO run_ends VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)", e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, run->id);
	store_bind_int(s, 2, store_take_seq(r, 1));
	for (int i = 0; i < 9; i++)
		store_bind_int(s, 3 + i, numbers[i]);
	return store_run(r, s, e);
}

int record_last(struct record *r, const struct run_info *run, const struct result *results,
		size_t n, const struct restoration *restorations, size_t n_restorations,
		struct err *e)
{
	int rc = 0;

	assert(run->state != RUN_INCOMPLETE); /* what has no end has no state to record */
	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	if (n > 0)
		rc = write_results(r, run->id, results, n, restorations, n_restorations, e);
	if (rc == 0)
		rc = store_run_end(r, run, e);
	if (rc == 0)
		rc = tell_end(r, run, e);
	return store_leave(r, rc, e);
}

int record_end(struct record *r, const struct run_info *run, struct err *e)
{
	return record_last(r, run, NULL, 0, NULL, 0, e);
}
