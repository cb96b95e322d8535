/* record: opening, writing, reading back exactly. */
#include "record_world.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define NEWEST 19

static void execute(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void refuses(const char *path, enum record_mode mode, const char *message)
{
	struct record *r = NULL;
	struct err e = {0};

	assert_int_equal(record_open(path, mode, &r, &e), -1);
	assert_null(r);
	assert_int_equal(e.class, ERR_RECORD);
	if (strstr(e.message, message) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.message, message);
}

static void opens(const char *path, enum record_mode mode)
{
	struct record *r = NULL;
	struct err e = {0};

	assert_ok(record_open(path, mode, &r, &e), e);
	record_close(r);
}

static void test_record_is_private(void **state)
{
	struct world *w = *state;
	struct stat st;
	char dir[128];

	needs_file("its directory and modes");
	(void)snprintf(dir, sizeof(dir), "%s/.assize", w->dir);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(ask(w->path, "PRAGMA application_id"), 0x41535a45);
	assert_int_equal(ask(w->path, "PRAGMA page_size"), 4096);
}

static void test_record_migrates_an_empty_file(void **state)
{
	struct world *w = *state;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/empty.db", w->dir);
	assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
	refuses(path, RECORD_READ, "there is no record yet");
	opens(path, RECORD_WRITE);
	assert_int_equal(ask(path, "PRAGMA user_version"), NEWEST);
	opens(path, RECORD_READ);
}

static void test_record_migrates_version_zero(void **state)
{
	struct world *w = *state;
	const char *path = arena_printf(w->arena, "%s/zero.db", w->dir);

	execute(path, "PRAGMA application_id = 1095981637; PRAGMA user_version = 0");
	opens(path, RECORD_WRITE);
	assert_int_equal(ask(path, "PRAGMA user_version"), NEWEST);
	assert_int_equal(ask(path, "SELECT count(*) FROM head"), 1);
}

static void test_record_refuses_a_newer_version(void **state)
{
	struct world *w = *state;

	needs_file("its version is changed behind its back");
	record_close(w->record);
	w->record = NULL;
	execute(w->path, "PRAGMA user_version = 1000");
	refuses(w->path, RECORD_WRITE, "has version 1000, this assize knows versions up to 19");
	refuses(w->path, RECORD_READ, "has version 1000, this assize knows versions up to 19");
}

/* What each version added to the one before it; taken away again it is a file of that one. */
static const char *const added_by[] = {
	[2] = "DROP TABLE externals; DROP TABLE external_labels",
	[3] = "DROP TABLE samples",
	[4] = "DROP TABLE cursors",
	[5] = "ALTER TABLE steps DROP COLUMN note",
	[6] = "DROP TABLE artifacts",
	[7] = "ALTER TABLE restorations DROP COLUMN content",
	[8] = "DROP TABLE nodes; DROP TABLE migrations; DROP TABLE cursor_moves; DROP TABLE keys; "
	      "DROP TABLE checkpoints; DROP INDEX runs_seq; "
	      "DROP INDEX run_ends_seq; DROP INDEX definitions_seq; DROP INDEX batches_seq; "
	      "DROP INDEX restorations_seq; DROP INDEX decisions_seq; DROP INDEX externals_seq; "
	      "DROP INDEX artifacts_restoration; ALTER TABLE head DROP frontier; "
	      "ALTER TABLE head DROP root; ALTER TABLE definitions DROP leaf; "
	      "ALTER TABLE facts DROP leaf; ALTER TABLE head DROP working",
	[9] = "DROP TABLE decision_waivers",
	[10] = "DROP TABLE told; DROP TABLE gaps; DROP TABLE notices; DROP TABLE notice_lines; "
	       "DROP TABLE notice_ends; DROP TABLE outbox",
	[11] = "ALTER TABLE decisions DROP policy; ALTER TABLE decisions DROP basis; "
	       "ALTER TABLE definitions DROP expects",
	[12] = "DROP TABLE overrides; ALTER TABLE decisions DROP override",
	[13] = "DROP TABLE anchors",
	[14] = "DROP TABLE merges; DROP INDEX runs_source; DROP INDEX runs_own; DROP INDEX "
	       "runs_manifest; DROP INDEX runs_sharded; ALTER TABLE runs DROP merge; ALTER TABLE "
	       "runs DROP source; ALTER TABLE runs DROP behind; ALTER TABLE runs DROP shard; ALTER "
	       "TABLE runs DROP shards; ALTER TABLE runs DROP manifest; ALTER TABLE externals DROP "
	       "merge",
	[15] = "DROP TABLE prunings; DROP TABLE pruned_texts; DROP TABLE pruned_samples",
	[16] = "DROP TABLE days",
	[17] = "ALTER TABLE runs DROP subject_commit; ALTER TABLE overrides DROP subject_commit; "
	       "DROP INDEX cursor_moves_check; CREATE TABLE cursors(id INTEGER)",
	[18] = "ALTER TABLE overrides DROP definition; ALTER TABLE overrides DROP definition_file",
	[19] = "DROP TABLE challenges; DROP TABLE attacks",
};

static void bring_up(struct world *w, int version)
{
	static const char *const empty[] = {
		"SELECT count(*) FROM externals", "SELECT count(*) FROM samples",
		"SELECT count(note) FROM steps",  "SELECT count(*) FROM artifacts",
		"SELECT count(*) FROM outbox",	  "SELECT count(merge) + count(shard) FROM runs"};
	const struct check_info *c = world_check(w, "a/b");
	struct result *out;
	struct err e = {0};
	int64_t run_id;
	char text[64];
	size_t n;

	/* A new file: the record that says it was brought up before goes with the tables. */
	record_close(w->record);
	assert_int_equal(unlink(w->path), 0);
	assert_ok(record_open(w->path, RECORD_WRITE, &w->record, &e), e);
	run_id = world_run(w, "v1", world_result(w, c, "x", OUTCOME_PASS, world_int(5)));
	record_close(w->record);
	w->record = NULL;
	for (int v = NEWEST; v > version; v--)
		execute(w->path, added_by[v]);
	(void)snprintf(text, sizeof(text), "PRAGMA user_version = %d", version);
	execute(w->path, text);
	(void)snprintf(text, sizeof(text), "has version %d, older than %d", version, NEWEST);
	refuses(w->path, RECORD_READ, text);
	assert_ok(record_open(w->path, RECORD_WRITE, &w->record, &e), e);
	assert_int_equal(ask(w->path, "PRAGMA user_version"), NEWEST);
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
		assert_int_equal(ask(w->path, empty[i]), 0);
	assert_ok(record_run_results(w->record, w->arena, run_id, &out, &n, &e), e);
	assert_int_equal(n, 1);
	assert_int_equal(out[0].value.integer, 5);
	(void)world_run(w, "v2", world_result(w, c, "x", OUTCOME_PASS, world_int(6)));
	assert_int_equal(ask(w->path, "SELECT sum(n_pass) FROM days"), 2);
	assert_int_equal(
		ask(w->path, "SELECT sum(n_warn + n_fail + n_undecided + n_skip) FROM days"), 0);
	opens(w->path, RECORD_READ);
}

static void test_record_brings_older_versions_up_to_date(void **state)
{
	needs_file("tables are dropped behind its back");
	for (int version = 1; version < NEWEST; version++)
		bring_up(*state, version);
}

static void test_record_refuses_what_is_not_a_record(void **state)
{
	struct world *w = *state;
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/foreign.db", w->dir);
	execute(path, "CREATE TABLE orders(id INTEGER)");
	refuses(path, RECORD_WRITE, "something else, not a record");
	execute(path, "PRAGMA application_id = 7");
	refuses(path, RECORD_READ, "something else, not a record");
	assert_int_equal(ask(path, "SELECT count(*) FROM sqlite_schema"), 1);

	(void)snprintf(path, sizeof(path), "%s/text.db", w->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0; i < 1000; i++)
		(void)fputs("this is not a database\n", f);
	assert_int_equal(fclose(f), 0);
	refuses(path, RECORD_WRITE, "cannot trust record");
	refuses(w->dir, RECORD_WRITE, "not a file");
	(void)snprintf(path, sizeof(path), "%s/none/deep/record.db", w->dir);
	refuses(path, RECORD_WRITE, "could not make directory");
	refuses(path, RECORD_READ, "there is no record yet");
}

static void test_record_read_mode_writes_nothing(void **state)
{
	struct world *w = *state;
	struct run_info run = {.command = "run"};
	struct record *r;
	struct err e = {0};

	assert_ok(record_open(w->path, RECORD_READ, &r, &e), e);
	assert_int_equal(record_begin(r, &run, &e), -1);
	assert_int_equal(e.class, ERR_INTERNAL);
	record_close(r);
}

static void same_real(double a, double b)
{
	if (isnan(a) && isnan(b))
		return;
	if (memcmp(&a, &b, sizeof(a)) != 0)
		fail_msg("%.17g is not %.17g", a, b);
}

static void same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_true(a == b);
	else
		assert_string_equal(a, b);
}

static void same_check(const struct check_info *a, const struct check_info *b)
{
	same_text(a->name, b->name);
	same_text(a->kind, b->kind);
	same_text(a->title, b->title);
	same_text(a->why, b->why);
	same_text(a->owner, b->owner);
	same_text(a->target, b->target);
	same_text(a->file, b->file);
	same_text(a->tags, b->tags);
	assert_int_equal(a->line, b->line);
	assert_int_equal(a->col, b->col);
	assert_int_equal(a->severity, b->severity);
	assert_memory_equal(a->hash, b->hash, sizeof(a->hash));
}

static void same_value(const struct value *a, const struct value *b)
{
	assert_int_equal(a->type, b->type);
	switch (a->type) {
	case VALUE_NONE:
		return;
	case VALUE_INT:
		assert_int_equal(a->integer, b->integer);
		return;
	case VALUE_REAL:
		same_real(a->real, b->real);
		return;
	case VALUE_TEXT:
		assert_string_equal(a->text, b->text);
		return;
	}
}

static void same_result(const struct result *a, const struct result *b)
{
	same_check(a->check, b->check);
	same_value(&a->value, &b->value);
	assert_int_equal(a->ordinal, b->ordinal);
	same_text(a->series, b->series);
	assert_int_equal(a->outcome, b->outcome);
	same_text(a->unit, b->unit);
	same_text(a->bound, b->bound);
	assert_int_equal(a->has_limit, b->has_limit);
	if (a->has_limit)
		same_real(a->limit, b->limit);
	same_real(a->room, b->room);
	same_text(a->reason, b->reason);
	same_text(a->evidence, b->evidence);
	same_text(a->query, b->query);
	assert_int_equal(a->bound_line, b->bound_line);
	assert_int_equal(a->bound_col, b->bound_col);
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->n_total, b->n_total);
	same_real(a->share, b->share);
	assert_int_equal(a->measured_ms, b->measured_ms);
	assert_int_equal(a->duration_us, b->duration_us);
	assert_int_equal(a->attempts, b->attempts);
	assert_int_equal(a->is_flaky, b->is_flaky);
}

/* xorshift64*: the same sequence on every machine. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static double some_real(uint64_t *seed)
{
	static const double odd[] = {0.0,	-0.0, 1,      -1,    INFINITY,
				     -INFINITY, NAN,  5e-324, 1e308, 0.1};
	uint64_t bits = next_random(seed);
	double v;

	if (bits % 3 != 0)
		return odd[bits / 3 % (sizeof(odd) / sizeof(odd[0]))];
	bits = next_random(seed);
	memcpy(&v, &bits, sizeof(v));
	return v;
}

static int64_t some_int(uint64_t *seed)
{
	static const int64_t odd[] = {0, 1, -1, 127, 32768, INT64_MAX, INT64_MIN, INT64_C(1) << 53};
	uint64_t bits = next_random(seed);

	return odd[bits % (sizeof(odd) / sizeof(odd[0]))];
}

static struct value some_value(uint64_t *seed)
{
	switch (next_random(seed) % 4) {
	case 0:
		return (struct value){.type = VALUE_NONE};
	case 1:
		return world_int(some_int(seed));
	case 2:
		return world_real(some_real(seed));
	default:
		return (struct value){.type = VALUE_TEXT,
				      .text = next_random(seed) % 2 ? "" : "na\xc3\xafve \xff 1e5"};
	}
}

static struct result some_result(struct world *w, const struct check_info *check, uint64_t *seed)
{
	static const char *const texts[] = {NULL, "", "a", "two\nlines", "it's \"quoted\""};
	struct result r =
		world_result(w, check, "", (enum outcome)(next_random(seed) % 5), some_value(seed));

	r.ordinal = (int64_t)(next_random(seed) % 3);
	r.has_limit = next_random(seed) % 2;
	r.limit = some_real(seed);
	r.room = some_real(seed);
	r.reason = texts[next_random(seed) % 5];
	r.evidence = texts[next_random(seed) % 5];
	r.query = texts[next_random(seed) % 5];
	r.bound_line = (int64_t)(next_random(seed) % 3);
	r.n = some_int(seed);
	r.n_total = some_int(seed);
	if (next_random(seed) % 2)
		r.n_total = r.n;
	r.share = some_real(seed);
	if (next_random(seed) % 2 && r.value.type == VALUE_INT && r.n_total > 0)
		r.share = (double)r.value.integer / (double)r.n_total;
	if (next_random(seed) % 2)
		r.room = next_random(seed) % 2 ? r.share / r.limit : (1 - r.share) / (1 - r.limit);
	if (next_random(seed) % 4 == 0 && r.value.type == VALUE_REAL)
		r.room = next_random(seed) % 2 ? r.value.real / r.limit : r.limit / r.value.real;
	r.measured_ms = w->now_ms + (int64_t)(next_random(seed) % 100000) - 50000;
	r.duration_us = (int64_t)(next_random(seed) >> 2);
	r.attempts = (int64_t)(next_random(seed) % 3);
	r.is_flaky = next_random(seed) % 2;
	return r;
}

/* Every field of 2,000 odd results comes back as it was, bit by bit. */
static void test_record_keeps_results_exactly(void **state)
{
	struct world *w = *state;
	uint64_t seed = 42;

	for (int round = 0; round < 20; round++) {
		struct run_info run = world_begin(w, "");
		struct result in[100], *out;
		struct err e = {0};
		size_t n;

		for (size_t i = 0; i < 100; i++) {
			struct check_info *c =
				world_check(w, arena_printf(w->arena, "a/c%zu", 100 + i));

			c->owner = round % 2 ? "team" : NULL;
			in[i] = some_result(w, c, &seed);
			in[i].ordinal = (int64_t)i;
		}
		world_add(w, &run, in, 100);
		assert_ok(record_run_results(w->record, w->arena, run.id, &out, &n, &e), e);
		assert_int_equal(n, 100);
		for (size_t i = 0; i < n; i++)
			same_result(&in[i], &out[i]);
	}
}

static void test_record_gives_definition_order_back(void **state)
{
	struct world *w = *state;
	const struct check_info *first = world_check(w, "a/first");
	const struct check_info *second = world_check(w, "a/second");
	struct run_info run = world_begin(w, "");
	struct result one[] = {
		world_result(w, second, "", OUTCOME_PASS, world_int(1)),
	};
	struct result two[] = {
		world_result(w, first, "b", OUTCOME_PASS, world_int(2)),
		world_result(w, first, "a", OUTCOME_PASS, world_int(3)),
		world_result(w, first, "c", OUTCOME_PASS, world_int(4)),
	};
	struct result again[] = {two[1], two[2], two[0]}, *out;
	struct err e = {0};
	size_t n;

	one[0].ordinal = again[0].ordinal = 1;
	two[0].ordinal = two[1].ordinal = two[2].ordinal = 0;
	world_add(w, &run, one, 1); /* work that finished first */
	world_add(w, &run, two, 3);
	world_end(w, &run, OUTCOME_PASS);
	assert_ok(record_run_results(w->record, w->arena, run.id, &out, &n, &e), e);
	assert_int_equal(n, 4);
	assert_string_equal(out[0].series, "b");
	assert_string_equal(out[1].series, "a");
	assert_string_equal(out[2].series, "c");
	assert_string_equal(out[3].check->name, "a/second");

	run = world_begin(w, ""); /* the same series, emitted in another order */
	for (size_t i = 0; i < 3; i++)
		again[i].ordinal = 5;
	world_add(w, &run, again, 3);
	assert_ok(record_run_results(w->record, w->arena, run.id, &out, &n, &e), e);
	assert_int_equal(n, 3);
	assert_string_equal(out[0].series, "a");
	assert_string_equal(out[1].series, "c");
	assert_string_equal(out[2].series, "b");
}

static void test_record_run_without_end_is_incomplete(void **state)
{
	struct world *w = *state;
	struct run_info run = world_begin(w, "v1"), out;
	struct err e = {0};

	assert_ok(record_run(w->record, w->arena, run.id, &out, &e), e);
	assert_int_equal(out.state, RUN_INCOMPLETE);
	assert_int_equal(out.outcome, OUTCOME_UNDECIDED);
	assert_int_equal(out.end_ms, -1);
	run.n_pass = 3;
	run.exit_status = 0;
	run.is_dirty = true;
	world_end(w, &run, OUTCOME_WARN);
	assert_ok(record_run(w->record, w->arena, run.id, &out, &e), e);
	assert_int_equal(out.state, RUN_COMPLETE);
	assert_int_equal(out.outcome, OUTCOME_WARN);
	assert_int_equal(out.end_ms, w->now_ms + 1);
	assert_int_equal(out.n_pass, 3);
	assert_int_equal(out.exit_status, 0);
	assert_true(out.begin_monotonic_ms == 42 && out.n_planned == 1);
	assert_string_equal(out.subject, "v1");
	assert_string_equal(out.boot_id, "b007");
	assert_string_equal(out.commit, "c0ffee");
	assert_memory_equal(out.definition_digest, run.definition_digest, 32);
	assert_int_equal(record_run(w->record, w->arena, 99, &out, &e), -1);
	assert_int_equal(e.class, ERR_USAGE);
	assert_non_null(strstr(e.message, "there is no run 99"));
}

static void test_record_refuses_to_rewrite(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct result r[] = {world_result(w, c, "", OUTCOME_FAIL, world_int(11)),
			     world_result(w, c, "", OUTCOME_PASS, world_int(1))};
	struct run_info run = world_begin(w, "");
	struct result *out;
	struct err e = {0};
	size_t n;

	world_add(w, &run, r, 1);
	assert_int_equal(record_results(w->record, run.id, &r[1], 1, NULL, 0, &e), -1);
	assert_int_equal(e.class, ERR_RECORD);
	assert_non_null(strstr(e.message, "check \"a/b\""));
	world_end(w, &run, OUTCOME_FAIL);
	e = (struct err){0};
	assert_int_equal(record_results(w->record, run.id, &r[1], 1, NULL, 0, &e), -1);
	assert_non_null(strstr(e.message, "it has ended"));
	e = (struct err){0};
	assert_int_equal(record_end(w->record, &run, &e), -1);
	assert_non_null(strstr(e.message, "it has ended"));
	e = (struct err){0};
	assert_int_equal(record_results(w->record, 77, r, 1, NULL, 0, &e), -1);
	assert_non_null(strstr(e.message, "no such run"));
	assert_ok(record_run_results(w->record, w->arena, run.id, &out, &n, &e), e);
	assert_int_equal(n, 1);
	assert_int_equal(out[0].value.integer, 11);
}

/* What a run ends with is one commit: where the last result is refused there is no end either. */
static void test_record_last_is_all_or_nothing(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct result r[] = {world_result(w, c, "", OUTCOME_PASS, world_int(1)),
			     world_result(w, c, "", OUTCOME_PASS, world_int(2))};
	struct run_info run = world_begin(w, ""), read;
	struct result *out;
	struct err e = {0};
	size_t n;

	run.state = RUN_COMPLETE;
	run.end_ms = run.begin_ms + 1;
	/* One series, twice. */
	assert_int_equal(record_last(w->record, &run, r, 2, NULL, 0, &e), -1);
	assert_ok(record_run_results(w->record, w->arena, run.id, &out, &n, &e), e);
	assert_int_equal(n, 0);
	assert_ok(record_run(w->record, w->arena, run.id, &read, &e), e);
	assert_int_equal(read.state, RUN_INCOMPLETE);
	assert_ok(record_last(w->record, &run, r, 1, NULL, 0, &e), e);
	assert_ok(record_run_results(w->record, w->arena, run.id, &out, &n, &e), e);
	assert_int_equal(n, 1);
	assert_ok(record_run(w->record, w->arena, run.id, &read, &e), e);
	assert_int_equal(read.state, RUN_COMPLETE);
}

/* Begin, definitions, results, restorations, end and decision are one gapless sequence. */
static void test_record_numbers_every_record(void **state)
{
	struct world *w = *state;
	const struct check_info *c[] = {world_check(w, "a/b"), world_check(w, "a/c")};
	struct restoration restoration = {.set = "releases", .tag = "v1"};
	struct decision decision = {.gate = "release", .subject = "v1"};
	struct err e = {0};

	for (int i = 0; i < 3; i++) {
		struct run_info run = world_begin(w, "");
		struct result r[] = {world_result(w, c[0], "x", OUTCOME_PASS, world_int(i)),
				     world_result(w, c[1], "", OUTCOME_PASS, world_int(i))};

		world_add(w, &run, r, 2);
		assert_ok(record_results(w->record, run.id, NULL, 0, &restoration, 1, &e), e);
		world_end(w, &run, OUTCOME_PASS);
		assert_ok(record_decision(w->record, &decision, &e), e);
	}
	assert_int_equal(
		ask(w->path,
		    "WITH RECURSIVE row(run, batch, k) AS (SELECT run, batch, 0 FROM batches UNION "
		    "ALL SELECT row.run, row.batch, k + 1 FROM row JOIN batches b USING (run, "
		    "batch) WHERE k + 1 < b.n_results), seqs(seq) AS (SELECT seq FROM runs UNION "
		    "ALL SELECT seq FROM run_ends UNION ALL SELECT seq FROM definitions UNION ALL "
		    "SELECT seq FROM restorations UNION ALL SELECT seq FROM decisions UNION ALL "
		    "SELECT first_seq + k FROM row JOIN batches USING (run, batch)) SELECT "
		    "count(*) = 20 AND count(DISTINCT seq) = 20 AND min(seq) = 1 AND max(seq) = 20 "
		    "AND (SELECT next_seq = 21 FROM head) FROM seqs"),
		1);
}

static void test_record_that_is_held_stands_still(void **state)
{
	struct world *w = *state;
	struct decision decision = {.gate = "g", .subject = "s", .at_ms = WORLD_T0};
	static const char *const change = "UPDATE head SET next_seq = next_seq";
	sqlite3 *db;
	int64_t seq;
	struct err e = {0};

	needs_file("somebody else writes to it");
	assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
	assert_ok(record_hold(w->record, &e), e);
	assert_ok(record_next_seq(w->record, &seq, &e), e);
	assert_int_equal(sqlite3_exec(db, change, NULL, NULL, NULL), SQLITE_BUSY);
	assert_int_equal(record_decision(w->record, &decision, &e), -1);
	assert_non_null(strstr(e.message, "is held: nothing is written"));
	assert_ok(record_let_go(w->record, 0, &e), e);
	assert_int_equal(sqlite3_exec(db, change, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_ok(record_decision(w->record, &decision, &e), e);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_record_is_private),
		TEST(test_record_migrates_an_empty_file),
		TEST(test_record_migrates_version_zero),
		TEST(test_record_refuses_a_newer_version),
		TEST(test_record_brings_older_versions_up_to_date),
		TEST(test_record_refuses_what_is_not_a_record),
		TEST(test_record_read_mode_writes_nothing),
		TEST(test_record_keeps_results_exactly),
		TEST(test_record_gives_definition_order_back),
		TEST(test_record_run_without_end_is_incomplete),
		TEST(test_record_refuses_to_rewrite),
		TEST(test_record_last_is_all_or_nothing),
		TEST(test_record_numbers_every_record),
		TEST(test_record_that_is_held_stands_still),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
