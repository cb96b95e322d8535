/* record: what gates, reports and schedules ask of it. */
#include "record_world.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_record_evidence_is_the_newest_run(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	int64_t v1 = world_run(w, "v1", world_result(w, c, "x", OUTCOME_FAIL, world_int(11)));
	int64_t v2 = world_run(w, "v2", world_result(w, c, "y", OUTCOME_PASS, world_int(1)));
	struct evidence *out;
	struct err e = {0};
	size_t n;

	(void)world_run(w, "v2",
			world_result(w, world_check(w, "z/other"), "", OUTCOME_PASS, world_int(0)));
	assert_ok(record_evidence(w->record, w->arena, "a/b", "v1", &out, &n, &e), e);
	assert_int_equal(n, 1);
	assert_int_equal(out[0].run_id, v1);
	assert_string_equal(out[0].subject, "v1");
	assert_string_equal(out[0].result.series, "x");
	assert_int_equal(out[0].result.outcome, OUTCOME_FAIL);
	assert_int_equal(out[0].run_state, RUN_COMPLETE);
	assert_int_equal(out[0].definition_digest[0], 0xab);
	assert_ok(record_evidence(w->record, w->arena, "a/b", NULL, &out, &n, &e), e);
	assert_int_equal(n, 1);
	assert_int_equal(out[0].run_id, v2);
	assert_ok(record_evidence(w->record, w->arena, "a/b", "v3", &out, &n, &e), e);
	assert_int_equal(n, 0);
	assert_ok(record_evidence(w->record, w->arena, "a/unknown", NULL, &out, &n, &e), e);
	assert_int_equal(n, 0);
}

static void test_record_evidence_tells_incomplete_runs(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct run_info run = world_begin(w, "v1");
	struct result r[] = {world_result(w, c, "one", OUTCOME_PASS, world_int(1)),
			     world_result(w, c, "two", OUTCOME_FAIL, world_int(12))};
	struct evidence *out;
	struct err e = {0};
	size_t n;

	world_add(w, &run, r, 2);
	assert_ok(record_evidence(w->record, w->arena, "a/b", "v1", &out, &n, &e), e);
	assert_int_equal(n, 2);
	assert_int_equal(out[0].run_state, RUN_INCOMPLETE);
	assert_string_equal(out[1].result.series, "two");
	run.state = RUN_INTERRUPTED;
	run.end_ms = w->now_ms;
	assert_ok(record_end(w->record, &run, &e), e);
	assert_ok(record_evidence(w->record, w->arena, "a/b", "v1", &out, &n, &e), e);
	assert_int_equal(out[1].run_state, RUN_INTERRUPTED);
}

/* A run that began first and writes last does not pass for the newest. */
static void test_record_evidence_survives_overlap(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct run_info old = world_begin(w, "v1"), new = world_begin(w, "v1");
	struct result failed = world_result(w, c, "", OUTCOME_FAIL, world_int(11));
	struct result passed = world_result(w, c, "", OUTCOME_PASS, world_int(1));
	struct check_state *states;
	struct evidence *out;
	struct err e = {0};
	size_t n;

	world_add(w, &new, &failed, 1);
	world_add(w, &old, &passed, 1);
	assert_ok(record_evidence(w->record, w->arena, "a/b", "v1", &out, &n, &e), e);
	assert_int_equal(out[0].run_id, new.id);
	assert_ok(record_check_states(w->record, w->arena, &states, &n, &e), e);
	assert_int_equal(n, 1);
	assert_int_equal(states[0].run_id, new.id);
	assert_int_equal(states[0].outcome, OUTCOME_FAIL);
}

/* Subjects that take turns: the newest run about each is found, whatever came in between. */
static void test_record_evidence_follows_each_subject(void **state)
{
	static const char *const subjects[] = {"v1", "v2", "any", "v2", "v2", "v1", "any", "v3"};
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct err e = {0};

	for (size_t i = 0; i < 8; i++) {
		(void)world_run(w, subjects[i],
				world_result(w, c, "", OUTCOME_PASS, world_int((int64_t)i)));
		for (size_t k = 0; k <= i; k++) {
			struct evidence *out;
			size_t n, newest = k;

			for (size_t j = k; j <= i; j++)
				newest = strcmp(subjects[j], subjects[k]) == 0 ? j : newest;
			assert_ok(record_evidence(w->record, w->arena, "a/b", subjects[k], &out, &n,
						  &e),
				  e);
			assert_int_equal(n, 1);
			assert_int_equal(out[0].result.value.integer, newest);
		}
	}
}

static struct check_state state_of(struct world *w)
{
	struct check_state *states;
	struct err e = {0};
	size_t n;

	assert_ok(record_check_states(w->record, w->arena, &states, &n, &e), e);
	assert_int_equal(n, 1);
	assert_string_equal(states[0].name, "a/b");
	return states[0];
}

static void test_record_knows_since_when(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct result pass = world_result(w, c, "", OUTCOME_PASS, world_int(1));
	struct result fail = world_result(w, c, "", OUTCOME_FAIL, world_int(11));
	int64_t run;

	(void)world_run(w, "", pass);
	(void)world_run(w, "", pass);
	assert_int_equal(state_of(w).since_ms, WORLD_T0 + WORLD_HOUR);
	(void)world_run(w, "", fail);
	run = world_run(w, "", fail);
	assert_int_equal(state_of(w).outcome, OUTCOME_FAIL);
	assert_int_equal(state_of(w).since_ms, WORLD_T0 + 3 * WORLD_HOUR);
	assert_int_equal(state_of(w).measured_ms, WORLD_T0 + 4 * WORLD_HOUR);
	assert_int_equal(state_of(w).run_id, run);
}

static void test_record_joins_series_of_a_check(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct run_info run = world_begin(w, "");
	struct result r[] = {world_result(w, c, "one", OUTCOME_PASS, world_int(1)),
			     world_result(w, c, "two", OUTCOME_WARN, world_int(9)),
			     world_result(w, c, "three", OUTCOME_UNDECIDED, (struct value){0})};

	world_add(w, &run, r, 2);
	assert_int_equal(state_of(w).outcome, OUTCOME_WARN);
	world_add(w, &run, &r[2], 1);
	assert_int_equal(state_of(w).outcome, OUTCOME_UNDECIDED);
}

static void test_record_last_measured_ignores_skips(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct err e = {0};
	int64_t at = 0;

	assert_ok(record_last_measured(w->record, "a/b", w->now_ms, &at, &e), e);
	assert_int_equal(at, -1);
	(void)world_run(w, "", world_result(w, c, "", OUTCOME_SKIP, (struct value){0}));
	assert_ok(record_last_measured(w->record, "a/b", w->now_ms, &at, &e), e);
	assert_int_equal(at, -1);
	(void)world_run(w, "", world_result(w, c, "", OUTCOME_UNDECIDED, (struct value){0}));
	(void)world_run(w, "", world_result(w, c, "", OUTCOME_SKIP, (struct value){0}));
	assert_ok(record_last_measured(w->record, "a/b", w->now_ms, &at, &e), e);
	assert_int_equal(at, WORLD_T0 + 2 * WORLD_HOUR);
}

static void test_record_last_measured_forgets_the_future(void **state)
{
	struct world *w = *state;
	struct result pass = world_result(w, world_check(w, "a/b"), "", OUTCOME_PASS, world_int(1));
	int64_t at = 0;

	w->now_ms = WORLD_T0 + 8760 * WORLD_HOUR;
	(void)world_run(w, "", pass);
	w->now_ms = WORLD_T0;
	(void)world_run(w, "", pass);
	(void)record_last_measured(w->record, "a/b", w->now_ms, &at, NULL); /* at says it */
	assert_int_equal(at, WORLD_T0 + WORLD_HOUR);
}

static void add_at(struct world *w, const char *check, const char *series, enum outcome outcome,
		   int64_t measured_ms)
{
	struct result r = world_result(w, world_check(w, check), series, outcome, world_int(1));
	struct run_info run = world_begin(w, "v1");
	struct err e = {0};

	r.measured_ms = measured_ms;
	assert_ok(record_results(w->record, run.id, &r, 1, NULL, 0, &e), e);
}

/* A day is one of UTC, and a clock that went wrong makes no day that is looked for for ever. */
static void test_record_counts_outcomes_by_day(void **state)
{
	const int64_t day_ms = 86400000, today = 20000 * day_ms;
	struct world *w = *state;
	struct check_rate *rates;
	struct day_rate *days;
	struct err e = {0};
	size_t n;

	add_at(w, "a/b", "x", OUTCOME_FAIL, today - 1);
	add_at(w, "a/b", "x", OUTCOME_PASS, today);
	add_at(w, "a/b", "y", OUTCOME_WARN, today + day_ms - 1);
	add_at(w, "a/b", "x", OUTCOME_SKIP, today + 1);
	add_at(w, "a/c", "", OUTCOME_UNDECIDED, today);
	add_at(w, "a/b", "x", OUTCOME_PASS, INT64_MAX);
	add_at(w, "a/b", "x", OUTCOME_FAIL, -5);
	assert_ok(record_days(w->record, w->arena, "a/b", NULL, 0, &days, &n, &e), e);
	assert_int_equal(n, 4);
	assert_int_equal(days[0].begin_ms, 0);
	assert_int_equal(days[0].outcomes.n[OUTCOME_FAIL], 1);
	assert_int_equal(days[1].begin_ms, today - day_ms);
	assert_int_equal(days[1].outcomes.n[OUTCOME_FAIL], 1);
	assert_int_equal(days[2].begin_ms, today);
	assert_int_equal(days[2].outcomes.n[OUTCOME_PASS], 1);
	assert_int_equal(days[2].outcomes.n[OUTCOME_WARN], 1);
	assert_int_equal(days[2].outcomes.n[OUTCOME_SKIP], 1);
	assert_int_equal(days[2].outcomes.n[OUTCOME_UNDECIDED], 0);
	assert_int_equal(days[3].begin_ms, INT64_MAX / day_ms * day_ms);
	assert_ok(record_days(w->record, w->arena, "a/b", "y", today, &days, &n, &e), e);
	assert_int_equal(n, 1);
	assert_int_equal(days[0].outcomes.n[OUTCOME_PASS], 0);
	assert_int_equal(days[0].outcomes.n[OUTCOME_WARN], 1);
	assert_ok(record_days(w->record, w->arena, "a/none", NULL, 0, &days, &n, &e), e);
	assert_int_equal(n, 0);
	assert_ok(record_rates(w->record, w->arena, today + 5, &rates, &n, &e), e);
	assert_int_equal(n, 2);
	assert_string_equal(rates[0].check, "a/b");
	assert_int_equal(rates[0].outcomes.n[OUTCOME_PASS], 2);
	assert_int_equal(rates[0].outcomes.n[OUTCOME_FAIL], 0);
	assert_string_equal(rates[1].check, "a/c");
	assert_int_equal(rates[1].outcomes.n[OUTCOME_UNDECIDED], 1);
}

static void test_record_lists_runs(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct run_info *runs, previous, third;
	struct result r = world_result(w, c, "", OUTCOME_PASS, world_int(1));
	struct err e = {0};
	int64_t ids[4];
	size_t n;

	for (int i = 0; i < 3; i++)
		ids[i] = world_run(w, "v1", r);
	ids[3] = world_begin(w, "v1").id;
	assert_ok(record_runs(w->record, w->arena, 0, 2, &runs, &n, &e), e);
	assert_int_equal(n, 2);
	assert_int_equal(runs[0].id, ids[3]);
	assert_int_equal(runs[0].state, RUN_INCOMPLETE);
	assert_int_equal(runs[1].id, ids[2]);
	assert_ok(record_runs(w->record, w->arena, ids[2], 9, &runs, &n, &e), e);
	assert_int_equal(n, 2);
	assert_int_equal(runs[0].id, ids[1]);
	assert_ok(record_run(w->record, w->arena, ids[3], &third, &e), e);
	assert_int_equal(record_previous_run(w->record, w->arena, &third, &previous, &e), 0);
	assert_int_equal(previous.id, ids[2]);
	third.selection = "tasks/*";
	assert_int_equal(record_previous_run(w->record, w->arena, &third, &previous, &e), 1);
	third.selection = "";
	third.id = ids[0];
	assert_int_equal(record_previous_run(w->record, w->arena, &third, &previous, &e), 1);
}

static struct restoration restored(const char *tag, const char *commit, enum outcome outcome)
{
	static struct restoration_step steps[] = {
		{"identity", OUTCOME_PASS, 120, NULL, NULL, "signed by a@example.com"},
		{"closure", OUTCOME_FAIL, 4000, "object 12ab is missing", "git fetch --refetch",
		 NULL},
	};

	return (struct restoration){
		.set = "releases",
		.tag = tag,
		.commit = commit,
		.tree = commit != NULL ? "7ee" : NULL,
		.outcome = outcome,
		.tag_time_ms = 77,
		.n_objects = 5,
		.n_files = 3,
		.n_bytes = 900,
		.restore_us = 4120,
		.steps = steps,
		.n_steps = 2,
	};
}

static void test_record_keeps_restorations_and_pins(void **state)
{
	struct world *w = *state;
	struct check_info *c = world_check(w, "rollback/releases");
	struct result r;
	struct restoration first[] = {restored("v1", "c1", OUTCOME_FAIL),
				      restored("v2", NULL, OUTCOME_UNDECIDED)};
	struct restoration second[] = {restored("v1", "moved", OUTCOME_FAIL),
				       restored("v2", "c2", OUTCOME_PASS)};
	struct run_info run = world_begin(w, "any");
	struct restoration_row *rows;
	struct restoration *items;
	struct err e = {0};
	struct pin *pins;
	size_t n;

	c->kind = "rollback";
	r = world_result(w, c, "v1", OUTCOME_FAIL, world_int(1));
	r.measured_ms = w->now_ms + 5;
	assert_ok(record_results(w->record, run.id, &r, 1, first, 2, &e), e);
	world_end(w, &run, OUTCOME_FAIL);
	run = world_begin(w, "any");
	r.measured_ms = w->now_ms + 900;
	second[0].content = "of another tree";
	second[0].tree = "another";
	second[1].content = "of c2";
	assert_ok(record_results(w->record, run.id, &r, 1, second, 2, &e), e);

	assert_ok(record_pins(w->record, w->arena, &pins, &n, &e), e);
	assert_int_equal(n, 2);
	assert_string_equal(pins[0].tag, "v1");
	assert_string_equal(pins[0].commit, "c1");
	assert_string_equal(pins[0].tree, "7ee");
	assert_int_equal(pins[0].first_seen_ms, w->now_ms + 5);
	assert_string_equal(pins[1].commit, "c2");
	assert_null(pins[0].content);
	assert_string_equal(pins[1].content, "of c2");
	assert_ok(record_restorations(w->record, w->arena, "releases", &rows, &n, &e), e);
	assert_int_equal(n, 2);
	assert_string_equal(rows[0].restoration.commit, "moved");
	assert_string_equal(rows[1].restoration.content, "of c2");
	assert_int_equal(rows[0].run_id, run.id);
	assert_int_equal(rows[0].at_ms, w->now_ms + 900);
	assert_int_equal(rows[0].run_state, RUN_INCOMPLETE);
	assert_int_equal(rows[1].restoration.outcome, OUTCOME_PASS);
	assert_ok(record_restorations(w->record, w->arena, "others", &rows, &n, &e), e);
	assert_int_equal(n, 0);
	assert_ok(record_run_restorations(w->record, w->arena, run.id - 1, &items, &n, &e), e);
	assert_int_equal(n, 2);
	assert_null(items[1].commit);
	assert_int_equal(items[0].n_steps, 2);
	assert_string_equal(items[0].steps[1].finding, "object 12ab is missing");
	assert_string_equal(items[0].steps[1].remedy, "git fetch --refetch");
	assert_int_equal(items[0].steps[1].outcome, OUTCOME_FAIL);
	assert_null(items[0].steps[1].note);
	assert_string_equal(items[0].steps[0].note, "signed by a@example.com");
	assert_int_equal(items[0].restore_us, 4120);
}

static void test_record_lock_holds(void **state)
{
	struct world *w = *state;
	struct record *other;
	const char *holder = "";
	struct err e = {0};

	assert_int_equal(record_lock(w->record, "schedule", w->arena, &holder, &e), 0);
	assert_null(holder);
	assert_ok(record_open(w->path, RECORD_WRITE, &other, &e), e);
	assert_int_equal(record_lock(other, "schedule", w->arena, &holder, &e), 1);
	assert_non_null(strstr(holder, "process "));
	assert_int_equal(record_lock(other, "another", w->arena, &holder, &e), 0);
	assert_ok(record_unlock(w->record, "schedule", &e), e);
	assert_int_equal(record_lock(other, "schedule", w->arena, &holder, &e), 0);
	record_close(other);
}

static void test_record_lock_outlives_no_holder(void **state)
{
	struct world *w = *state;
	const char *holder = NULL;
	struct err e = {0};
	pid_t child = fork();
	sqlite3 *db;
	int status;
	assert_true(child >= 0);
	if (child == 0) {
		struct record *r;

		if (record_open(w->path, RECORD_WRITE, &r, &e) != 0)
			_exit(1);
		_exit(record_lock(r, "schedule", w->arena, &holder, &e)); /* and never lets go */
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(record_lock(w->record, "schedule", w->arena, &holder, &e), 0);
	assert_non_null(holder);
	assert_non_null(strstr(holder, "ended without letting go"));

	needs_file("the rest is done by rows that are changed behind its back");
	assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE locks SET boot_id = 'earlier'", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(record_lock(w->record, "schedule", w->arena, &holder, &e), 0);
	assert_non_null(strstr(holder, "started anew"));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void say_it_is_a_container(struct world *w)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE locks SET pid_space = 'elsewhere', pid = 1", NULL,
				      NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Its process cannot be seen: it holds the lock while it lives, and no longer. */
static void test_record_lock_of_a_container_that_was_killed(void **state)
{
	struct world *w = *state;
	const char *holder = NULL;
	struct err e = {0};
	int ready[2], status;
	char said = 0;
	pid_t child;

	needs_file("the kernel's lock is of one machine");
	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct record *r;

		if (record_open(w->path, RECORD_WRITE, &r, &e) != 0 ||
		    record_lock(r, "released", w->arena, &holder, &e) != 0 ||
		    record_unlock(r, "released", &e) != 0 ||
		    record_lock(r, "schedule", w->arena, &holder, &e) != 0 ||
		    write(ready[1], "y", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(close(ready[1]), 0);
	assert_int_equal(read(ready[0], &said, 1), 1);
	assert_int_equal(close(ready[0]), 0);
	say_it_is_a_container(w);
	assert_int_equal(record_lock(w->record, "schedule", w->arena, &holder, &e), 1);
	assert_non_null(strstr(holder, "cannot be seen from here"));
	assert_int_equal(record_lock(w->record, "released", w->arena, &holder, &e), 0);
	assert_null(holder);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(record_lock(w->record, "schedule", w->arena, &holder, &e), 0);
	assert_non_null(strstr(holder, "ended without letting go"));
}

/* A row alone is not what a lock is, nor is a lock of a transaction that was rolled back. */
static void test_record_lock_is_the_kernels_too(void **state)
{
	struct world *w = *state;
	const char *holder = NULL;
	struct err e = {0};
	struct record *other;
	sqlite3 *db;

	needs_file("the kernel's lock is of one machine");
	assert_int_equal(record_lock(w->record, "schedule", w->arena, &holder, &e), 0);
	assert_ok(record_open(w->path, RECORD_WRITE, &other, &e), e);
	assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DELETE FROM locks", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(record_lock(other, "schedule", w->arena, &holder, &e), 1);
	assert_non_null(strstr(holder, "about to let go"));
	assert_int_equal(sqlite3_exec(db,
				      "CREATE INDEX no ON locks(abs(-9223372036854775807 - 1 + "
				      "0 * pid))", /* overflows with the first row */
				      NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(record_lock(w->record, "another", w->arena, &holder, &e), -1);
	assert_int_equal(sqlite3_exec(db, "DROP INDEX no", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	e = (struct err){0};
	assert_int_equal(record_lock(other, "another", w->arena, &holder, &e), 0);
	record_close(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_record_evidence_is_the_newest_run),
		TEST(test_record_evidence_tells_incomplete_runs),
		TEST(test_record_evidence_survives_overlap),
		TEST(test_record_evidence_follows_each_subject),
		TEST(test_record_knows_since_when),
		TEST(test_record_joins_series_of_a_check),
		TEST(test_record_last_measured_ignores_skips),
		TEST(test_record_last_measured_forgets_the_future),
		TEST(test_record_counts_outcomes_by_day),
		TEST(test_record_lists_runs),
		TEST(test_record_keeps_restorations_and_pins),
		TEST(test_record_lock_holds),
		TEST(test_record_lock_outlives_no_holder),
		TEST(test_record_lock_of_a_container_that_was_killed),
		TEST(test_record_lock_is_the_kernels_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
