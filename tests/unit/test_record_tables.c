/*
 * record: a record that lost a table, or keeps rows that point nowhere, is told and never believed.
 * Every function meets every loss; none crashes, and what cannot be answered is ERR_RECORD.
 */
#include "record_world.h"

#include <sqlite3.h>

#include "runner/history/challenges.h"

static const char *const tables[] = {
	"head",	   "texts",	"runs",		  "run_ends",	      "checks",
	"series",  "facts",	"definitions",	  "results",	      "batches",
	"places",  "states",	"latest",	  "restorations",     "steps",
	"pins",	   "decisions", "decision_lines", "decision_waivers", "overrides",
	"merges",  "locks",	"externals",	  "external_labels",  "cursor_moves",
	"samples", "artifacts", "challenges",	  "attacks",
};

static void execute(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* How one attempt went: counts what was refused, and refuses any other way to fail. */
static size_t refused(int rc, struct err *e)
{
	bool is_refused = rc < 0;

	if (is_refused && e->class != ERR_RECORD && e->class != ERR_USAGE)
		fail_msg("class %d: %s", (int)e->class, e->message);
	*e = (struct err){0};
	return is_refused ? 1 : 0;
}

/* Everything a record can be asked; ignores the answers. */
static size_t ask_everything(struct record *r, struct arena *a, int64_t run_id)
{
	const struct override_query all_overrides = {.limit = 9};
	struct override *overrides;
	struct decision last;
	struct waived_line *waived;
	struct restoration_row *rows;
	struct restoration *restorations;
	struct check_state *states;
	struct evidence *evidence;
	struct decision *decisions;
	struct run_info *runs, run = {.id = run_id, .command = "run", .selection = ""}, found;
	const unsigned char hash[32] = {0};
	const struct check_info check = {.name = "a/b"};
	const struct sample_query samples = {
		.check = "a/b", .series = "x", .hash = hash, .before_run_id = 9, .limit = 5};
	const struct challenge_query all_challenges = {.limit = 9};
	struct recorded_challenge *challenges, challenge;
	struct past_externals externals;
	struct sample_run *sample_runs;
	struct baseline baseline;
	struct record_cursor cursor;
	struct result *results;
	struct point *points;
	struct pin *pins;
	struct err e = {0};
	size_t n, bad = 0;
	int64_t at;

	bad += refused(record_run(r, a, run_id, &found, &e), &e);
	bad += refused(record_runs(r, a, 0, 10, &runs, &n, &e), &e);
	bad += refused(record_previous_run(r, a, &run, &found, &e), &e);
	bad += refused(record_run_results(r, a, run_id, &results, &n, &e), &e);
	bad += refused(record_run_restorations(r, a, run_id, &restorations, &n, &e), &e);
	bad += refused(record_run_decisions(r, a, run_id, &decisions, &n, &e), &e);
	bad += refused(record_overrides(r, a, &all_overrides, &overrides, &n, &e), &e);
	bad += refused(record_last_decision(r, a, "release", "v1", INT64_MAX, &last, &e), &e);
	bad += refused(record_run_waived(r, a, run_id, &waived, &n, &e), &e);
	bad += refused(record_evidence(r, a, "a/b", "v1", &evidence, &n, &e), &e);
	bad += refused(record_evidence(r, a, "a/b", NULL, &evidence, &n, &e), &e);
	bad += refused(record_series(r, a, "a/b", "x", 0, 0, &points, &n, &e), &e);
	bad += refused(record_baseline(r, &check, "x", 0, INT64_MAX, &baseline, &e), &e);
	bad += refused(record_check_states(r, a, &states, &n, &e), &e);
	bad += refused(record_last_measured(r, "a/b", INT64_MAX, &at, &e), &e);
	bad += refused(record_last_verdict(r, &check, INT64_MAX, &at, &e), &e);
	bad += refused(record_pins(r, a, &pins, &n, &e), &e);
	bad += refused(record_restorations(r, a, "releases", &rows, &n, &e), &e);
	bad += refused(record_decisions(r, a, "release", 5, &decisions, &n, &e), &e);
	bad += refused(record_externals(r, a, "score", 0, 5, &externals, &e), &e);
	bad += refused(record_cursor(r, a, "a/b", hash, &cursor, &e), &e);
	bad += refused(record_sample_runs(r, a, &samples, &sample_runs, &n, &e), &e);
	bad += refused(record_run_samples(r, a, run_id, results, 0, &e), &e);
	bad += refused(record_challenges_of(r, a, &all_challenges, &challenges, &n, &e), &e);
	bad += refused(record_challenges_newest(r, a, &challenges, &n, &e), &e);
	bad += refused(record_challenge(r, a, 1, &challenge, &e), &e);
	return bad + refused(record_decisions(r, a, NULL, 5, &decisions, &n, &e), &e);
}

static struct restoration_step steps[] = {{"identity", OUTCOME_PASS, 1, NULL, NULL, NULL}};

/* A failing line that is waived. */
static struct decision_line waived_line(void)
{
	static const struct waived waived = {"W-1", "o", "r", "t", 1, 2};

	return (struct decision_line){.check = "a/b",
				      .series = "",
				      .outcome = OUTCOME_FAIL,
				      .is_hard = true,
				      .text = "3",
				      .remedy = "run",
				      .file = "f",
				      .line = 1,
				      .col = 1,
				      .run_id = 1,
				      .measured_ms = 1,
				      .waived = &waived};
}

/* A run with one of everything; each part may be refused. */
static size_t write_everything(struct world *w, struct record *r, int64_t number, int64_t *run_id)
{
	const struct check_info *c =
		world_check(w, arena_printf(w->arena, "a/b%s", number > 1 ? "new" : ""));
	struct result results[] = {world_result(w, c, "y", OUTCOME_PASS, world_int(number)),
				   world_result(w, c, "x", OUTCOME_PASS, world_int(number)),
				   world_result(w, c, "z", OUTCOME_PASS, world_int(number))};
	struct restoration restoration = {.set = "releases",
					  .tag = "v1",
					  .commit = "c0ffee",
					  .tree = "7ee",
					  .steps = steps,
					  .n_steps = 1};
	struct override override = {.gate = "release", .subject = "v1", .until_ms = 9};
	struct decision_line line = waived_line();
	struct decision d = {.gate = "release", .subject = "v1", .lines = &line, .n_lines = 1};
	struct run_info run = {.command = "run",
			       .selection = "",
			       .subject = "v1",
			       .begin_ms = w->now_ms + number,
			       .state = RUN_COMPLETE};
	struct label label = {"shop", "paris"};
	struct external external = {.name = "score",
				    .labels = &label,
				    .n_labels = 1,
				    .series = "{shop=\"paris\"}",
				    .value = world_int(number),
				    .unit = "",
				    .at_ms = run.begin_ms,
				    .recorded_ms = run.begin_ms,
				    .host = "h",
				    .user = "u"};
	const struct challenge_origin origin = {.recorded_ms = run.begin_ms};
	struct attack_result attack = {.name = "table-empty", .outcome = ATTACK_FAILED};
	struct challenged challenged = {
		.check = c, .at_ms = run.begin_ms, .attacks = &attack, .n_attacks = 1};
	const char *holder;
	struct err e = {0};
	size_t bad = 0;
	int rc = record_begin(r, &run, &e);

	bad += refused(rc, &e);
	*run_id = rc == 0 ? run.id : 1;
	run.id = *run_id;
	d.run_id = run.id;
	results[2].cursor = "here";
	/* twice the same series, in an order that is not that of their ids */
	bad += refused(record_results(r, run.id, results, 1, NULL, 0, &e), &e);
	bad += refused(record_results(r, run.id, &results[1], 1, NULL, 0, &e), &e);
	bad += refused(record_results(r, run.id, &results[2], 1, &restoration, 1, &e), &e);
	bad += refused(record_end(r, &run, &e), &e);
	bad += refused(record_override(r, &override, &e), &e);
	d.override = &override;
	bad += refused(record_decision(r, &d, &e), &e);
	bad += refused(record_external(r, &external, &e), &e);
	challenged_count(&challenged);
	bad += refused(record_challenge_add(r, &challenged, &origin, NULL, &e), &e);
	bad += refused(record_lock(r, "schedule", w->arena, &holder, &e), &e);
	return bad + refused(record_unlock(r, "schedule", &e), &e);
}

static void test_record_without_a_table_is_refused(void **state)
{
	struct world *w = *state;
	int64_t run_id;

	needs_file("a table is dropped behind its back");
	assert_int_equal(write_everything(w, w->record, 1, &run_id), 0);
	assert_int_equal(ask_everything(w->record, w->arena, run_id), 0);
	record_close(w->record);
	w->record = NULL;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct record *r;
		struct err e = {0};
		size_t bad;

		execute(w->path,
			arena_printf(w->arena, "ALTER TABLE %s RENAME TO gone", tables[i]));
		assert_ok(record_open(w->path, RECORD_WRITE, &r, &e), e);
		bad = ask_everything(r, w->arena, run_id);
		bad += write_everything(w, r, 2 + (int64_t)i, &run_id);
		record_close(r);
		if (bad == 0)
			fail_msg("nothing missed the table %s", tables[i]);
		execute(w->path,
			arena_printf(w->arena, "ALTER TABLE gone RENAME TO %s", tables[i]));
		run_id = 1;
	}
}

/* Rows that point at rows which are not there. */
static void test_record_with_dangling_rows_is_refused(void **state)
{
	static const char *const losses[] = {
		"UPDATE facts SET definition_id = 99",
		"UPDATE results SET facts_id = 99",
		"DELETE FROM runs",
	};
	struct world *w = *state;
	int64_t run_id;

	needs_file("rows are deleted behind its back");
	assert_int_equal(write_everything(w, w->record, 1, &run_id), 0);
	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		struct evidence *evidence;
		struct err e = {0};
		size_t n;

		execute(w->path, losses[i]);
		assert_int_equal(
			record_evidence(w->record, w->arena, "a/b", "v1", &evidence, &n, &e), -1);
		assert_int_equal(e.class, ERR_RECORD);
		assert_non_null(strstr(e.message, "cannot trust record"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_record_without_a_table_is_refused, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_record_with_dangling_rows_is_refused,
						world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
