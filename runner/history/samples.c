/*
 * Repetitions: written with the result they are behind, read as the history of a series.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/store.h"

#define VALUE_BYTES 8

/* ---- writing ---- */

static void put_double(unsigned char *out, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	for (int i = 0; i < VALUE_BYTES; i++)
		out[i] = (unsigned char)(bits >> (56 - 8 * i));
}

static double get_double(const unsigned char *in)
{
	uint64_t bits = 0;
	double v;

	for (int i = 0; i < VALUE_BYTES; i++)
		bits = bits << 8 | in[i];
	memcpy(&v, &bits, sizeof(v));
	return v;
}

int store_samples(struct record *r, int64_t result_id, const struct result *x, struct err *e)
{
	sqlite3_stmt *s;
	unsigned char *body;
	int rc;

	if (x->n_samples == 0)
		return 0;
	s = store_sql(r, "INSERT INTO samples VALUES (?1, ?2)", e);
	if (s == NULL)
		return -1;
	body = xmalloc(x->n_samples * VALUE_BYTES);
	for (size_t i = 0; i < x->n_samples; i++)
		put_double(&body[i * VALUE_BYTES], x->samples[i]);
	store_bind_int(s, 1, result_id);
	store_bind_digest(s, 2, body, x->n_samples * VALUE_BYTES);
	rc = store_run(r, s, e);
	free(body);
	return rc;
}

/* ---- reading ---- */

int store_read_samples(struct record *r, sqlite3_stmt *s, int at, struct arena *a,
		       const double **values, size_t *n, struct err *e)
{
	const unsigned char *body = sqlite3_column_blob(s, at);
	size_t n_bytes = (size_t)sqlite3_column_bytes(s, at);
	double *copy;

	if (body == NULL || n_bytes == 0 || n_bytes % VALUE_BYTES != 0)
		return err_set(e, ERR_RECORD,
			       "cannot trust record \"%s\": repetitions of a result are damaged",
			       r->path);
	*n = n_bytes / VALUE_BYTES;
	copy = arena_array(a, *n, sizeof(*copy));
	for (size_t i = 0; i < *n; i++)
		copy[i] = get_double(&body[i * VALUE_BYTES]);
	*values = copy;
	return 0;
}

static void reverse(struct sample_run *runs, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct sample_run x = runs[i];

		runs[i] = runs[n - 1 - i];
		runs[n - 1 - i] = x;
	}
}

/*
 * One seek a run, newest first, as all reading of a series is (query_series.c). Failed and skipped
 * results are no history; what was measured but undecided is, or there would never be any.
 */
static sqlite3_stmt *start(struct record *r, const struct sample_query *q, int64_t series_id,
			   struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT r.id, f.outcome, m.body FROM runs r CROSS JOIN samples m ON m.result = "
		"(r.id << 24 | ?1) CROSS JOIN results x ON x.id = m.result CROSS JOIN facts f ON "
		"f.id = x.facts_id CROSS JOIN definitions d ON d.id = f.definition_id WHERE r.id < "
		"?2 AND d.hash = ?3 AND f.outcome NOT IN (?4, ?5) AND x.value IS NOT NULL AND (?6 "
		"OR r.host = (SELECT host FROM runs WHERE id = ?2)) ORDER BY r.id DESC LIMIT ?7",
		e);

	if (s == NULL)
		return NULL;
	store_bind_int(s, 1, series_id);
	store_bind_int(s, 2, q->before_run_id);
	store_bind_digest(s, 3, q->hash, 32);
	store_bind_int(s, 4, OUTCOME_FAIL);
	store_bind_int(s, 5, OUTCOME_SKIP);
	store_bind_int(s, 6, q->is_any_host);
	store_bind_int(s, 7, (int64_t)q->limit);
	return s;
}

static int read_runs(struct record *r, struct arena *a, const struct sample_query *q,
		     struct sample_run **out, size_t *n, struct err *e)
{
	struct sample_run *runs = NULL;
	int64_t check_id, series_id = 0;
	size_t cap = 0;
	sqlite3_stmt *s;
	int rc;

	if (lookup_check(r, q->check, &check_id, e) != 0 ||
	    (check_id != 0 && lookup_series(r, check_id, q->series, &series_id, e) != 0))
		return -1;
	if (series_id == 0)
		return 0;
	s = start(r, q, series_id, e);
	if (s == NULL)
		return -1;
	while ((rc = store_step(r, s, e)) == 1) {
		struct sample_run *run;

		runs = store_grow(a, runs, sizeof(*runs), *n, &cap);
		run = &runs[*n];
		run->run_id = sqlite3_column_int64(s, 0);
		run->outcome = store_outcome(s, 1);
		if (store_read_samples(r, s, 2, a, &run->values, &run->n, e) != 0)
			return -1;
		(*n)++;
	}
	reverse(runs, *n);
	*out = runs;
	return rc;
}

int record_sample_runs(struct record *r, struct arena *a, const struct sample_query *q,
		       struct sample_run **out, size_t *n, struct err *e)
{
	struct sample_run *runs = NULL;
	size_t count = 0;

	if (store_enter(r, STORE_READING, e) != 0 ||
	    store_leave(r, read_runs(r, a, q, &runs, &count, e), e) != 0)
		return -1;
	*out = runs;
	*n = count;
	return 0;
}

static struct result *find_result(struct result *results, size_t n, const char *check,
				  const char *series)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(results[i].series, series) == 0 &&
		    strcmp(results[i].check->name, check) == 0)
			return &results[i];
	return NULL;
}

static int fill_samples(struct record *r, struct arena *a, int64_t run_id, struct result *results,
			size_t n, struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "SELECT c.name, s.name, m.body FROM samples m JOIN series s ON "
				    "s.id = (m.result & 16777215) JOIN checks c ON c.id = "
				    "s.check_id WHERE m.result BETWEEN ?1 AND ?2",
				    e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, run_id << STORE_SERIES_BITS);
	store_bind_int(s, 2, run_id << STORE_SERIES_BITS | STORE_MAX_SERIES);
	while ((rc = store_step(r, s, e)) == 1) {
		struct result *x = find_result(results, n, store_text_or(s, 0, a, ""),
					       store_text_or(s, 1, a, ""));

		if (x != NULL && store_read_samples(r, s, 2, a, &x->samples, &x->n_samples, e) != 0)
			return -1;
	}
	return rc;
}

int record_run_samples(struct record *r, struct arena *a, int64_t run_id, struct result *results,
		       size_t n, struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, fill_samples(r, a, run_id, results, n, e), e);
}
