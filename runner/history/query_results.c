/*
 * Results of one run: all of them, or those of one check as evidence for a gate.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/row.h"
#include "runner/history/store.h"

/* 1 = there is such a run. */
static int read_begin(struct record *r, int64_t run_id, int64_t *begin_ms, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT begin_ms FROM runs WHERE id = ?1", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, run_id);
	return store_integer(r, s, begin_ms, e);
}

static int read_all(struct record *r, struct arena *a, int64_t run_id, struct row_placed **out,
		    size_t *n, struct err *e)
{
	struct facts_cache *cache = facts_cache_new(r, a);
	struct row_placed *items = NULL;
	size_t count = 0, cap = 0;
	int64_t begin_ms = 0;
	sqlite3_stmt *s;
	int rc;

	if (read_begin(r, run_id, &begin_ms, e) < 0)
		return -1;
	s = store_sql(r,
		      "SELECT " ROW_COLUMNS ", x.id, s.check_id, s.name, coalesce(p.place, 0) FROM "
		      "results x JOIN series s ON s.id = x.series LEFT JOIN places p ON p.result = "
		      "x.id WHERE x.id BETWEEN ?1 AND ?2",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, run_id << STORE_SERIES_BITS);
	store_bind_int(s, 2, run_id << STORE_SERIES_BITS | STORE_MAX_SERIES);
	while ((rc = store_step(r, s, e)) == 1) {
		struct row_placed *x;

		items = store_grow(a, items, sizeof(*items), count, &cap);
		x = &items[count++];
		if (row_read(cache, s, begin_ms, &x->result, e) != 0)
			return -1;
		x->id = sqlite3_column_int64(s, ROW_N_COLUMNS);
		x->check_id = sqlite3_column_int64(s, ROW_N_COLUMNS + 1);
		x->result.series = store_text_or(s, ROW_N_COLUMNS + 2, a, "");
		x->place = sqlite3_column_int64(s, ROW_N_COLUMNS + 3);
	}
	*out = items;
	*n = count;
	return rc;
}

int record_run_results(struct record *r, struct arena *a, int64_t run_id, struct result **out,
		       size_t *n, struct err *e)
{
	struct row_placed *items = NULL;
	struct result *results;
	size_t count = 0;

	if (store_enter(r, STORE_READING, e) != 0 ||
	    store_leave(r, read_all(r, a, run_id, &items, &count, e), e) != 0)
		return -1;
	if (count > 0)
		qsort(items, count, sizeof(*items), row_compare_placed);
	results = arena_array(a, count, sizeof(*results));
	for (size_t i = 0; i < count; i++)
		results[i] = items[i].result;
	*out = results;
	*n = count;
	return 0;
}

static int read_header(struct record *r, struct arena *a, int64_t run_id, int64_t *begin_ms,
		       struct evidence *out, struct err *e)
{
	sqlite3_stmt *s = store_row(r,
				    "SELECT r.begin_ms, e.state, (SELECT body FROM texts WHERE id "
				    "= r.subject), r.definition_digest, (SELECT body FROM texts "
				    "WHERE id = r.subject_commit) FROM runs r LEFT JOIN "
				    "run_ends e ON e.run = r.id WHERE r.id = ?1",
				    "run", run_id, e);

	if (s == NULL)
		return -1;
	*begin_ms = sqlite3_column_int64(s, 0);
	out->run_id = run_id;
	out->run_state = store_run_state(s, 1);
	out->subject = store_text_or(s, 2, a, "");
	store_digest(s, 3, out->definition_digest, sizeof(out->definition_digest));
	out->subject_commit = store_text(s, 4, a);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

/* run_id 0: nothing. */
static int read_evidence(struct record *r, struct arena *a, int64_t check_id, int64_t run_id,
			 struct evidence **out, size_t *n, struct err *e)
{
	struct facts_cache *cache = facts_cache_new(r, a);
	struct evidence header = {.run_id = 0}, *items;
	struct row_placed *rows = NULL;
	int64_t begin_ms = 0;
	size_t count = 0, cap = 0;
	sqlite3_stmt *s;
	int rc;

	*out = NULL;
	*n = 0;
	if (check_id == 0 || run_id == 0)
		return 0;
	if (read_header(r, a, run_id, &begin_ms, &header, e) != 0)
		return -1;
	s = store_sql(r,
		      "SELECT " ROW_COLUMNS ", s.name, coalesce(p.place, 0), x.id FROM series s "
		      "CROSS JOIN results x ON x.id = (?2 | s.id) LEFT JOIN places p ON p.result = "
		      "x.id WHERE s.check_id = ?1",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, check_id);
	store_bind_int(s, 2, run_id << STORE_SERIES_BITS);
	while ((rc = store_step(r, s, e)) == 1) {
		struct row_placed *x;

		rows = store_grow(a, rows, sizeof(*rows), count, &cap);
		x = &rows[count++];
		if (row_read(cache, s, begin_ms, &x->result, e) != 0)
			return -1;
		x->result.series = store_text_or(s, ROW_N_COLUMNS, a, "");
		x->place = sqlite3_column_int64(s, ROW_N_COLUMNS + 1);
		x->id = sqlite3_column_int64(s, ROW_N_COLUMNS + 2);
	}
	if (rc < 0)
		return -1;
	if (count > 0)
		qsort(rows, count, sizeof(*rows), row_compare_placed);
	items = arena_array(a, count, sizeof(*items));
	for (size_t i = 0; i < count; i++) {
		items[i] = header;
		items[i].result = rows[i].result;
	}
	*out = items;
	*n = count;
	return 0;
}

int store_evidence(struct record *r, struct arena *a, const char *check, const char *subject,
		   struct evidence **out, size_t *n, struct err *e)
{
	int64_t check_id, run_id;

	if (lookup_check(r, check, &check_id, e) != 0 ||
	    standing_newest_run(r, check_id, subject, &run_id, e) != 0)
		return -1;
	return read_evidence(r, a, check_id, run_id, out, n, e);
}

int store_run_evidence(struct record *r, struct arena *a, const char *check, int64_t run_id,
		       struct evidence **out, size_t *n, struct err *e)
{
	int64_t check_id;

	return lookup_check(r, check, &check_id, e) != 0
		       ? -1
		       : read_evidence(r, a, check_id, run_id, out, n, e);
}

int record_evidence(struct record *r, struct arena *a, const char *check, const char *subject,
		    struct evidence **out, size_t *n, struct err *e)
{
	struct evidence *items;
	size_t count;

	if (store_enter(r, STORE_READING, e) != 0 ||
	    store_leave(r, store_evidence(r, a, check, subject, &items, &count, e), e) != 0)
		return -1;
	*out = items;
	*n = count;
	return 0;
}

int record_run_with_series(struct record *r, const char *check, int64_t *run_id, struct err *e)
{
	int64_t check_id = 0;
	sqlite3_stmt *s;
	int rc;

	*run_id = 0;
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	rc = lookup_check(r, check, &check_id, e);
	if (rc == 0) {
		s = store_sql(r,
			      "SELECT r.id FROM runs r WHERE EXISTS (SELECT 1 FROM series s CROSS "
			      "JOIN results x ON x.id = (r.id << 24 | s.id) WHERE s.check_id = ?1 "
			      "AND s.name <> '') ORDER BY " STORE_NEWEST_FIRST " LIMIT 1",
			      e);
		if (s != NULL)
			store_bind_int(s, 1, check_id);
		rc = s == NULL || store_integer(r, s, run_id, e) < 0 ? -1 : 0;
	}
	return store_leave(r, rc, e);
}

int record_run_evidence(struct record *r, struct arena *a, const char *check, int64_t run_id,
			struct evidence **out, size_t *n, struct err *e)
{
	struct evidence *items;
	size_t count;

	if (store_enter(r, STORE_READING, e) != 0 ||
	    store_leave(r, store_run_evidence(r, a, check, run_id, &items, &count, e), e) != 0)
		return -1;
	*out = items;
	*n = count;
	return 0;
}
