/*
 * The range of another record, record by record in its order, read as what it was when it was
 * written and written as if it were now. Whatever is derived (places, standings, what results
 * share) is derived here anew.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/utc.h"
#include "runner/history/challenges.h"
#include "runner/history/leaf.h"
#include "runner/history/merge_parts.h"

#define SCRATCH_BYTES	(16 * 1024 * 1024)
#define PROGRESS_EVENTS 64
#define MAX_SKEW_MS	60000 /* as of a gate (GATE_MAX_CLOCK_SKEW_MS) */

enum event_kind {
	EVENT_RUN,
	EVENT_BATCH,
	EVENT_END,
	EVENT_RESTORATION,
	EVENT_EXTERNAL,
	EVENT_CHALLENGE
};

struct event {
	int64_t seq;
	enum event_kind kind;
	int64_t id;  /* run, run, run, restoration, measurement, challenge */
	int64_t run; /* of a restoration */
	int64_t batch, n_results;
};

/* What has not happened yet would be the newest there is, once it has. */
static int check_past(const struct merging *m, const char *what, int64_t id, const char *how,
		      int64_t ms, struct err *e)
{
	char text[UTC_MAX];

	if (ms <= m->o->at_ms || (uint64_t)ms - (uint64_t)m->o->at_ms <= MAX_SKEW_MS)
		return 0;
	if (utc_format(ms, 0, text) <= 0)
		(void)strcpy(text, "no time");
	(void)err_set(e, ERR_RECORD,
		      "cannot merge \"%s\": %s %lld %s in the future, at %s: a clock is wrong",
		      m->from->path, what, (long long)id, how, text);
	return err_help(e, "nothing of it was taken; if its clock is right and the one here is "
			   "not, set that and merge again");
}

/* ---- runs ---- */

static void know_run(struct merging *m, int64_t source, int64_t id)
{
	int64_t *kept = arena_alloc(m->arena, sizeof(*kept));

	*kept = id;
	id_map_put(&m->runs, source, kept);
}

/* The number here of a run that was taken now or by an earlier merge. */
static int run_of(struct merging *m, int64_t source, int64_t *out, struct err *e)
{
	const int64_t *known = id_map_get(&m->runs, source);
	sqlite3_stmt *s;
	int rc;

	if (known != NULL) {
		*out = *known;
		return 0;
	}
	s = store_sql(m->into,
		      "SELECT r.id FROM runs r JOIN merges x ON x.id = r.merge WHERE r.source = ?1 "
		      "AND x.identity = ?2",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, source);
	store_bind_digest(s, 2, m->identity, sizeof(m->identity));
	rc = store_integer(m->into, s, out, e);
	if (rc == 0)
		return err_set(e, ERR_RECORD,
			       "cannot merge \"%s\": it has results of run %lld before it began",
			       m->from->path, (long long)source);
	if (rc < 0)
		return -1;
	know_run(m, source, *out);
	return 0;
}

static int take_run(struct merging *m, const struct event *x, struct err *e)
{
	struct run_info run;
	int64_t id = 0;

	if (record_run(m->from, m->scratch, x->id, &run, e) != 0 ||
	    check_past(m, "run", x->id, "began", run.begin_ms, e) != 0)
		return -1;
	run.merge_id = m->out->id;
	run.source_id = x->id;
	if (store_run_begin(m->into, &run, &id, e) != 0)
		return -1;
	know_run(m, x->id, id);
	m->out->n_runs++;
	return 0;
}

static int take_end(struct merging *m, const struct event *x, struct err *e)
{
	struct run_info run;

	if (record_run(m->from, m->scratch, x->id, &run, e) != 0 ||
	    check_past(m, "run", x->id, "ended", run.end_ms, e) != 0 ||
	    run_of(m, x->id, &run.id, e) != 0)
		return -1;
	return store_run_end(m->into, &run, e);
}

/* ---- results ---- */

static int read_row(struct merging *m, sqlite3_stmt *s, int64_t begin_ms, struct row_placed *out,
		    struct err *e)
{
	if (row_read(m->facts, s, begin_ms, &out->result, e) != 0)
		return -1;
	out->id = sqlite3_column_int64(s, ROW_N_COLUMNS);
	out->check_id = sqlite3_column_int64(s, ROW_N_COLUMNS + 1);
	out->result.series = store_text_or(s, ROW_N_COLUMNS + 2, m->scratch, "");
	out->place = sqlite3_column_int64(s, ROW_N_COLUMNS + 3);
	if (sqlite3_column_type(s, ROW_N_COLUMNS + 4) == SQLITE_NULL)
		return 0;
	return store_read_samples(m->from, s, ROW_N_COLUMNS + 4, m->scratch, &out->result.samples,
				  &out->result.n_samples, e);
}

/* A range of a batch's series, appended. */
static int read_range(struct merging *m, const struct event *x, int64_t begin_ms,
		      const int64_t range[static 2], struct row_placed *out, size_t *n,
		      struct err *e)
{
	sqlite3_stmt *s = store_sql(
		m->from,
		"SELECT " ROW_COLUMNS
		", x.id, s.check_id, s.name, coalesce(p.place, 0), m.body FROM "
		"results x JOIN series s ON s.id = x.series LEFT JOIN places p ON p.result = x.id "
		"LEFT JOIN samples m ON m.result = x.id WHERE x.id BETWEEN ?1 AND ?2 ORDER BY x.id",
		e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, x->id << STORE_SERIES_BITS | range[0]);
	store_bind_int(s, 2, x->id << STORE_SERIES_BITS | range[1]);
	while ((rc = store_step(m->from, s, e)) == 1 && *n < (size_t)x->n_results)
		if (read_row(m, s, begin_ms, &out[(*n)++], e) != 0)
			return -1;
	(void)sqlite3_reset(s); /* done, or there are more than were counted: told below */
	return rc;
}

static int read_members(struct merging *m, const struct event *x, const char **out, struct err *e)
{
	sqlite3_stmt *s =
		store_sql(m->from, "SELECT members FROM batches WHERE run = ?1 AND batch = ?2", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, x->id);
	store_bind_int(s, 2, x->batch);
	if (store_step(m->from, s, e) < 0)
		return -1;
	*out = store_text_or(s, 0, m->scratch, "");
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

static int read_batch(struct merging *m, const struct event *x, struct row_placed *out,
		      struct err *e)
{
	struct run_place place;
	const char *members;
	int64_t range[2];
	size_t n = 0;

	if (store_run_place(m->from, x->id, &place, e) != 0 || read_members(m, x, &members, e) != 0)
		return -1;
	while (leaf_next_members(&members, &range[0], &range[1])) {
		int rc = read_range(m, x, place.begin_ms, range, out, &n, e);

		if (rc < 0)
			return -1;
		if (rc > 0) {
			n = SIZE_MAX; /* told below */
			break;
		}
	}
	if (n != (size_t)x->n_results)
		return err_set(e, ERR_RECORD,
			       "cannot merge \"%s\": run %lld has not as many results as it says",
			       m->from->path, (long long)x->id);
	if (n > 1)
		qsort(out, n, sizeof(*out), row_compare_placed);
	return 0;
}

static int take_batch(struct merging *m, const struct event *x, struct err *e)
{
	struct row_placed *taken = arena_array(m->scratch, (size_t)x->n_results, sizeof(*taken));
	struct result *results = arena_array(m->scratch, (size_t)x->n_results, sizeof(*results));
	int64_t run_id, restorations_ms;

	if (run_of(m, x->id, &run_id, e) != 0 || read_batch(m, x, taken, e) != 0)
		return -1;
	for (int64_t i = 0; i < x->n_results; i++) {
		results[i] = taken[i].result;
		if (check_past(m, "a result of run", x->id, "was measured", results[i].measured_ms,
			       e) != 0)
			return -1;
	}
	m->out->n_results += x->n_results;
	return store_batch(m->into, run_id, results, (size_t)x->n_results, &restorations_ms, e);
}

/* ---- the rest ---- */

static bool is_other(const char *pinned, const char *is)
{
	return pinned != NULL && (is == NULL || strcmp(pinned, is) != 0);
}

static int refuse_identity(const struct merging *m, const struct event *x, const struct pin *pin,
			   const char *what, const char *is, const char *pinned, struct err *e)
{
	(void)err_set(
		e, ERR_RECORD,
		"cannot merge \"%s\": its restoration %lld of tag \"%s\" of set \"%s\" passed "
		"with %s %s, here it is pinned to %s",
		m->from->path, (long long)x->id, pin->tag, pin->set, what,
		is != NULL ? is : "unknown", pinned);
	return err_help(e, "nothing of it was taken; one of the two repositories has another tag "
			   "of that name: find out which was moved");
}

/* A pass is one of the tag as it is known here. What did not pass may say that it was moved. */
static int check_pin(const struct merging *m, const struct event *x, const struct restoration *r,
		     struct err *e)
{
	const struct pin *pin = NULL;
	struct pin *pins;
	size_t n;

	if (r->outcome != OUTCOME_PASS && r->outcome != OUTCOME_WARN)
		return 0;
	if (record_pins(m->into, m->scratch, &pins, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n && pin == NULL; i++)
		if (strcmp(pins[i].tag, r->tag) == 0 && strcmp(pins[i].set, r->set) == 0)
			pin = &pins[i];
	if (pin == NULL)
		return 0;
	if (is_other(pin->commit, r->commit))
		return refuse_identity(m, x, pin, "commit", r->commit, pin->commit, e);
	if (is_other(pin->tree, r->tree))
		return refuse_identity(m, x, pin, "tree", r->tree, pin->tree, e);
	for (size_t i = 0; i < r->n_artifacts; i++)
		for (size_t k = 0; k < pin->n_artifacts; k++) {
			const struct artifact_digest *is = &r->artifacts[i],
						     *was = &pin->artifacts[k];

			if (strcmp(is->name, was->name) == 0 && is_other(was->digest, is->digest))
				return refuse_identity(
					m, x, pin,
					arena_printf(m->scratch, "artifact \"%s\"", is->name),
					is->digest, was->digest, e);
		}
	return 0;
}

static int take_restoration(struct merging *m, const struct event *x, struct err *e)
{
	struct restoration_row row;
	int64_t run_id;

	if (run_of(m, x->run, &run_id, e) != 0 ||
	    store_restoration_of(m->from, m->scratch, x->id, &row, e) != 0 ||
	    check_past(m, "restoration", x->id, "was made", row.at_ms, e) != 0 ||
	    check_pin(m, x, &row.restoration, e) != 0)
		return -1;
	m->out->n_restorations++;
	return store_restorations(m->into, run_id, row.at_ms, &row.restoration, 1, e);
}

/* One whose id is taken by another stays away: the first to say it is believed. */
static int take_external(struct merging *m, const struct event *x, struct err *e)
{
	struct external external;
	struct err why = {0};
	int rc;

	if (store_external_of(m->from, m->scratch, x->id, &external, e) != 0 ||
	    check_past(m, "measurement", x->id, "was made", external.at_ms, e) != 0 ||
	    check_past(m, "measurement", x->id, "was recorded", external.recorded_ms, e) != 0)
		return -1;
	rc = store_external(m->into, &external, m->out->id, &why);
	if (rc < 0 && why.class != ERR_USAGE) {
		*e = why;
		return -1;
	}
	m->out->n_externals += rc == 0;
	m->out->n_taken += rc < 0;
	return 0;
}

static int take_challenge(struct merging *m, const struct event *x, struct err *e)
{
	struct recorded_challenge c;
	int64_t id;

	if (store_challenge_of(m->from, m->scratch, x->id, &c, e) != 0 ||
	    check_past(m, "challenge", x->id, "was made", c.challenged.at_ms, e) != 0 ||
	    check_past(m, "challenge", x->id, "was recorded", c.origin.recorded_ms, e) != 0)
		return -1;
	m->out->n_challenges++;
	return store_challenge(m->into, &c.challenged, &c.origin, m->out->id, &id, e);
}

static int take_event(struct merging *m, const struct event *x, struct err *e)
{
	switch (x->kind) {
	case EVENT_RUN:
		return take_run(m, x, e);
	case EVENT_BATCH:
		return take_batch(m, x, e);
	case EVENT_END:
		return take_end(m, x, e);
	case EVENT_RESTORATION:
		return take_restoration(m, x, e);
	case EVENT_EXTERNAL:
		return take_external(m, x, e);
	case EVENT_CHALLENGE:
		return take_challenge(m, x, e);
	}
	return -1;
}

/* ---- the range ---- */

/* What the other record has made itself; kinds as in enum event_kind. */
#define OWN_RUN(column) "(SELECT merge FROM runs WHERE id = " column ") IS NULL"
#define IN_RANGE	" WHERE seq >= ?1 AND seq < ?2 AND "
static const char events_sql[] =
	"SELECT seq, 0, id, 0, 0, 0 FROM runs" IN_RANGE "merge IS NULL "
	"UNION ALL SELECT first_seq, 1, run, 0, batch, n_results FROM batches WHERE first_seq >= "
	"?1 AND first_seq < ?2 AND " OWN_RUN(
		"batches.run") " UNION ALL SELECT seq, 2, run, 0, 0, 0 FROM run_ends" IN_RANGE
		OWN_RUN("run_ends.run") " UNION ALL SELECT seq, 3, id, run, 0, 0 FROM "
					"restorations" IN_RANGE OWN_RUN(
						"restorations.run") " UNION ALL SELECT seq, 4, id, "
								    "0, 0, 0 FROM "
								    "externals" IN_RANGE
								    "merge IS NULL "
								    "UNION ALL SELECT seq, 5, id, "
								    "0, 0, 0 FROM "
								    "challenges" IN_RANGE
								    "merge IS NULL "
								    "ORDER BY 1";

static int count_foreign(struct merging *m, int64_t from, int64_t to, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		m->from,
		"SELECT (SELECT count(*) FROM runs WHERE seq >= ?1 AND seq < ?2 AND merge IS NOT "
		"NULL) + (SELECT count(*) FROM externals WHERE seq >= ?1 AND seq < ?2 AND merge IS "
		"NOT NULL) + (SELECT count(*) FROM challenges WHERE seq >= ?1 AND seq < ?2 AND "
		"merge IS NOT NULL)",
		e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, from);
	store_bind_int(s, 2, to);
	return store_integer(m->from, s, &m->out->n_foreign, e) < 0 ? -1 : 0;
}

static struct event read_event(sqlite3_stmt *s)
{
	return (struct event){
		.seq = sqlite3_column_int64(s, 0),
		.kind = (enum event_kind)sqlite3_column_int(s, 1),
		.id = sqlite3_column_int64(s, 2),
		.run = sqlite3_column_int64(s, 3),
		.batch = sqlite3_column_int64(s, 4),
		.n_results = sqlite3_column_int64(s, 5),
	};
}

static void renew_scratch(struct merging *m)
{
	if (arena_size(m->scratch) <= SCRATCH_BYTES)
		return;
	arena_free(m->scratch);
	m->scratch = arena_new();
	m->facts = facts_cache_new(m->from, m->scratch);
}

int merge_take(struct merging *m, int64_t from, int64_t to, struct err *e)
{
	sqlite3_stmt *s = store_sql(m->from, events_sql, e);
	size_t n = 0;
	int rc;

	if (s == NULL || count_foreign(m, from, to, e) != 0)
		return -1;
	store_bind_int(s, 1, from);
	store_bind_int(s, 2, to);
	while ((rc = store_step(m->from, s, e)) == 1) {
		struct event x = read_event(s);

		/* a signature is made between two transactions; this one was made by hand */
		if (x.kind == EVENT_BATCH && x.n_results > to - x.seq)
			rc = err_set(e, ERR_RECORD,
				     "cannot merge \"%s\": its checkpoint ends within a batch",
				     m->from->path);
		else
			rc = take_event(m, &x, e);
		if (rc != 0)
			break;
		renew_scratch(m);
		if (m->o->progress != NULL && n++ % PROGRESS_EVENTS == 0)
			m->o->progress(m->o->progress_ctx, (uint64_t)(x.seq - from),
				       (uint64_t)(to - from));
	}
	(void)sqlite3_reset(s); /* its failure was told by the step */
	return rc;
}
