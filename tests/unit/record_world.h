/*
 * record_world: a record in a directory of its own, and short ways to fill it. Included once by
 * each test program of the record, hence static functions; not every program uses all of them.
 *
 * With ASSIZE_TEST_RECORDS, the URL of a PostgreSQL database with a parameter, the records are
 * there, and their copies in the directory: tests/t/shared_record.t runs the same programs so.
 */
#ifndef ASSIZE_TESTS_RECORD_WORLD_H
#define ASSIZE_TESTS_RECORD_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <glob.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/ledger.h"
#include "runner/history/record.h"

struct world {
	char dir[64];
	char path[512];
	struct arena *arena;
	struct record *record; /* open for writing */
	int64_t now_ms;
};

#define WORLD_T0   INT64_C(1795383603000) /* 2026-11-22T21:40:03Z */
#define WORLD_MIN  INT64_C(60000)
#define WORLD_HOUR INT64_C(3600000)
#define assert_ok(call, e)                                                                         \
	do {                                                                                       \
		if ((call) != 0)                                                                   \
			fail_msg("%s", (e).message);                                               \
	} while (0)

/* NULL: records are files. */
static inline const char *world_server(void)
{
	return getenv("ASSIZE_TEST_RECORDS");
}

/* A test of the file itself says nothing of a record on a server. */
static inline void needs_file(const char *why)
{
	if (world_server() == NULL)
		return;
	print_message("# only a file: %s\n", why);
	skip();
}

static inline void world_path(struct world *w)
{
	char cache[96];

	if (world_server() == NULL) {
		(void)snprintf(w->path, sizeof(w->path), "%s/.assize/record.db", w->dir);
		return;
	}
	(void)snprintf(cache, sizeof(cache), "%s/cache", w->dir);
	assert_int_equal(setenv("ASSIZE_RECORD_CACHE", cache, 1), 0);
	(void)snprintf(w->path, sizeof(w->path), "%s&record=t%s", world_server(),
		       strchr(w->dir, '.') + 1);
}

static inline int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err e = {0};

	assert_non_null(w);
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/assize-record.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	world_path(w);
	w->arena = arena_new();
	w->now_ms = WORLD_T0;
	assert_ok(record_open(w->path, RECORD_WRITE, &w->record, &e), e);
	*state = w;
	return 0;
}

static inline int world_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* Whatever a test did: replayed from the server it is the same, in every table. */
static inline void world_replay(struct world *w)
{
	const struct ledger_trust nobody = {.n_keys = 0};
	struct ledger_verification v;
	struct err e = {0};

	if (world_server() == NULL || w->record == NULL)
		return;
	assert_ok(ledger_verify(w->record, w->arena, &nobody, &v, &e), e);
	for (size_t i = 0; i < v.n_findings; i++)
		if (v.findings[i].grade == LEDGER_BROKEN)
			fail_msg("%s", v.findings[i].text);
}

static inline int world_teardown(void **state)
{
	struct world *w = *state;

	world_replay(w);
	record_close(w->record);
	arena_free(w->arena);
	(void)nftw(w->dir, world_remove, 16, FTW_DEPTH | FTW_PHYS); /* scratch of ours */
	free(w);
	return 0;
}

static inline struct check_info *world_check(struct world *w, const char *name)
{
	struct check_info *info = arena_alloc(w->arena, sizeof(*info));

	*info = (struct check_info){
		.name = name,
		.kind = "rows",
		.title = "A title",
		.target = "shop",
		.file = "assize.yaml",
		.line = 7,
		.col = 9,
		.severity = 5,
		.tags = "release",
	};
	memset(info->hash, name[0], sizeof(info->hash));
	return info;
}

static inline struct result world_result(struct world *w, const struct check_info *check,
					 const char *series, enum outcome outcome, struct value v)
{
	return (struct result){
		.check = check,
		.series = series,
		.outcome = outcome,
		.value = v,
		.unit = "",
		.bound = "<= 10",
		.has_limit = true,
		.limit = 10,
		.room = NAN,
		.n = -1,
		.n_total = -1,
		.share = NAN,
		.measured_ms = w->now_ms,
		.duration_us = 1234,
		.attempts = 1,
	};
}

static inline struct value world_int(int64_t v)
{
	return (struct value){.type = VALUE_INT, .integer = v};
}

static inline struct value world_real(double v)
{
	return (struct value){.type = VALUE_REAL, .real = v};
}

/* On a machine of this boot id. */
static inline struct run_info world_begin_on(struct world *w, const char *boot_id,
					     const char *subject, struct run_shard shard)
{
	struct run_info run = {
		.begin_ms = w->now_ms,
		.end_ms = -1,
		.subject = subject,
		.subject_commit = strcmp(subject, "v2") == 0 ? "5ca1ab1e" : NULL,
		.selection = "",
		.command = "run",
		.definition_file = "assize.yaml",
		.commit = "c0ffee",
		.host = "alpha",
		.user = "audit",
		.version = "0.1.0",
		.job_url = "",
		.boot_id = boot_id,
		.begin_monotonic_ms = 42,
		.n_planned = 1,
		.shard = shard,
	};
	struct err e = {0};

	memset(run.definition_digest, 0xab, sizeof(run.definition_digest));
	assert_ok(record_begin(w->record, &run, &e), e);
	return run;
}

static inline struct run_info world_begin_part(struct world *w, const char *subject,
					       struct run_shard shard)
{
	return world_begin_on(w, "b007", subject, shard);
}

static inline struct run_info world_begin(struct world *w, const char *subject)
{
	return world_begin_part(w, subject, (struct run_shard){.index = 0});
}

static inline void world_end(struct world *w, struct run_info *run, enum outcome outcome)
{
	struct err e = {0};

	run->end_ms = w->now_ms + 1;
	run->state = RUN_COMPLETE;
	run->outcome = outcome;
	assert_ok(record_end(w->record, run, &e), e);
}

static inline void world_add(struct world *w, const struct run_info *run,
			     const struct result *results, size_t n)
{
	struct err e = {0};

	assert_ok(record_results(w->record, run->id, results, n, NULL, 0, &e), e);
}

/* A whole run of one result an hour after the last one; its id. */
static inline int64_t world_run(struct world *w, const char *subject, struct result result)
{
	struct run_info run;

	w->now_ms += WORLD_HOUR;
	run = world_begin(w, subject);
	result.measured_ms = w->now_ms;
	world_add(w, &run, &result, 1);
	world_end(w, &run, result.outcome);
	return run.id;
}

/* The one number a query of the file gives: of a record on a server, of its copy. */
static inline int64_t ask(const char *path, const char *sql)
{
	sqlite3_stmt *s;
	int64_t answer;
	sqlite3 *db;
	glob_t found = {0};
	char pattern[128];

	if (strncmp(path, "postgresql:", 11) == 0) {
		(void)snprintf(pattern, sizeof(pattern), "%s/*/copy.db",
			       getenv("ASSIZE_RECORD_CACHE"));
		assert_int_equal(glob(pattern, 0, NULL, &found), 0);
		assert_int_equal(found.gl_pathc, 1);
		path = found.gl_pathv[0];
	}
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	globfree(&found);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	answer = sqlite3_column_int64(s, 0);
	assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return answer;
}

#endif
