/*
 * merge_world: two records and what one of them takes of the other, on top of full_record.h.
 * Included once by each test program, hence static functions.
 */
#ifndef ASSIZE_TESTS_MERGE_WORLD_H
#define ASSIZE_TESTS_MERGE_WORLD_H

#include "full_record.h"

#define LATER (WORLD_T0 + 1000 * WORLD_HOUR)

static inline const char *path_of(struct world *w, const char *name)
{
	return arena_printf(w->arena, "%s/%s", w->dir, name);
}

static inline struct record *open_other(struct world *w, const char *name)
{
	struct record *r;
	struct err e = {0};

	assert_ok(record_open(path_of(w, name), RECORD_WRITE, &r, &e), e);
	return r;
}

/* A run of one result in some record, begun at that time. */
static inline int64_t run_at(struct world *w, struct record *r, int64_t at_ms, const char *subject,
			     enum outcome outcome)
{
	struct record *own = w->record;
	int64_t now = w->now_ms, id;

	w->record = r;
	w->now_ms = at_ms - WORLD_HOUR;
	id = world_run(w, subject,
		       world_result(w, world_check(w, "a/b"), "", outcome, world_int(5)));
	w->record = own;
	if (w->now_ms < now)
		w->now_ms = now;
	return id;
}

static inline void refuses(struct world *w, struct record *from, const struct merge_options *o,
			   const char *text)
{
	struct ledger_head before, after;
	struct merged m;
	struct err e = {0};

	assert_ok(ledger_head(w->record, w->arena, &before, &e), e);
	if (record_merge(w->record, from, w->arena, o, &m, &e) != -1)
		fail_msg("taken in spite of: %s", text);
	if (strstr(e.message, text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.message, text);
	e = (struct err){0};
	assert_ok(ledger_head(w->record, w->arena, &after, &e), e);
	assert_int_equal(before.size, after.size);
}

/* How often a verification says it. */
static inline size_t tells(struct world *w, enum ledger_grade grade, const char *text)
{
	struct ledger_verification v = full_verify(w, w->path, NULL);
	size_t n = 0;

	for (size_t i = 0; i < v.n_findings; i++)
		n += v.findings[i].grade == grade && strstr(v.findings[i].text, text) != NULL;
	return n;
}

static inline void is_whole(struct world *w)
{
	struct ledger_verification v = full_verify(w, w->path, NULL);

	full_show(&v);
	assert_int_equal(v.n_broken, 0); /* the clocks of these worlds are doubtful */
}

static inline void restore_as(struct world *w, struct record *r, int64_t at_ms,
			      const char *const is[3], enum outcome outcome)
{
	struct record *own = w->record;
	int64_t now = w->now_ms;
	struct artifact_digest artifact = {"app.tar.gz", is[2]};
	struct restoration x = {.set = "releases",
				.tag = "v1",
				.commit = is[0],
				.tree = is[1],
				.outcome = outcome,
				.artifacts = &artifact,
				.n_artifacts = 1};
	struct run_info run;
	struct err e = {0};

	w->record = r;
	w->now_ms = at_ms;
	run = world_begin(w, "");
	assert_ok(record_results(r, run.id, NULL, 0, &x, 1, &e), e);
	world_end(w, &run, outcome);
	w->record = own;
	if (w->now_ms < now)
		w->now_ms = now;
}

static inline void restore(struct world *w, struct record *r, int64_t at_ms, enum outcome outcome)
{
	restore_as(w, r, at_ms, (const char *const[]){"c0ffee", "7ee", "aa11"}, outcome);
}

#endif
