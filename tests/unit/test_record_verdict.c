/* record: when a check last gave a verdict. */
#include "record_world.h"

#include "runner/history/store.h"

static int64_t verdict(struct world *w)
{
	struct err e = {0};
	int64_t at = 0;

	assert_ok(record_last_verdict(w->record, world_check(w, "a/b"), w->now_ms, &at, &e), e);
	return at;
}

static void test_record_last_verdict_is_none_that_is_undecided(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct check_info *other = world_check(w, "a/b");
	struct run_info run;
	struct result r[] = {world_result(w, c, "one", OUTCOME_PASS, world_int(1)),
			     world_result(w, c, "two", OUTCOME_UNDECIDED, (struct value){0})};
	struct err e = {0};
	int64_t at = 0, was;

	assert_ok(record_last_verdict(w->record, world_check(w, "a/b"), w->now_ms, &at, &e), e);
	assert_int_equal(at, -1);
	(void)world_run(w, "", world_result(w, c, "", OUTCOME_UNDECIDED, (struct value){0}));
	assert_ok(record_last_verdict(w->record, world_check(w, "a/b"), w->now_ms, &at, &e), e);
	assert_int_equal(at, -1);
	(void)world_run(w, "", world_result(w, c, "", OUTCOME_FAIL, world_int(1)));
	assert_ok(record_last_verdict(w->record, world_check(w, "a/b"), w->now_ms, &at, &e), e);
	assert_int_equal(at, WORLD_T0 + 2 * WORLD_HOUR);
	(void)world_run(w, "", world_result(w, c, "", OUTCOME_SKIP, (struct value){0}));
	run = world_begin(w, "");
	world_add(w, &run, r, 2); /* as a whole it is undecided */
	world_end(w, &run, OUTCOME_UNDECIDED);
	(void)world_run(w, "",
			world_result(w, world_check(w, "a/c"), "", OUTCOME_PASS, world_int(1)));
	assert_ok(record_last_verdict(w->record, world_check(w, "a/b"), w->now_ms, &at, &e), e);
	assert_int_equal(at, WORLD_T0 + 2 * WORLD_HOUR);
	r[1].outcome = OUTCOME_FAIL;
	(void)world_run(w, "", r[1]);
	assert_ok(record_last_verdict(w->record, world_check(w, "a/b"), w->now_ms, &at, &e), e);
	assert_true(at > WORLD_T0 + 3 * WORLD_HOUR);
	was = at;
	run = world_begin(w, "");
	world_add(w, &run, r, 1); /* it never ends */
	assert_int_equal(verdict(w), was);
	r[0].check = other;
	memset(other->hash, 0x22, sizeof(other->hash));
	(void)world_run(w, "", r[0]); /* of another definition */
	assert_int_equal(verdict(w), was);
}

/* A run over midnight gave its verdict on the day after it began, or before a clock was set back.
 */
static void test_record_last_verdict_is_found_around_midnight(void **state)
{
	const int64_t day_ms = 24 * WORLD_HOUR, midnight = WORLD_T0 - WORLD_T0 % day_ms;
	const int64_t moves[] = {WORLD_MIN, -WORLD_MIN};
	struct world *w = *state;

	for (int64_t i = 0; i < 2; i++) {
		struct result r =
			world_result(w, world_check(w, "a/b"), "", OUTCOME_PASS, world_int(1));
		struct run_info run;

		w->now_ms = midnight + (2 * i + 1) * day_ms - moves[i];
		run = world_begin(w, "");
		r.measured_ms = w->now_ms + 2 * moves[i];
		world_add(w, &run, &r, 1);
		world_end(w, &run, OUTCOME_PASS);
		for (int k = 0; k < 40; k++)
			(void)world_run(w, "",
					world_result(w, world_check(w, "a/b"), "",
						     OUTCOME_UNDECIDED, (struct value){0}));
		assert_int_equal(verdict(w), r.measured_ms);
	}
}

/* Steps that SQLite took for it. */
static int64_t steps(struct record *r)
{
	int64_t n = 0;

	for (size_t i = 0; i < r->n_statements; i++)
		n += sqlite3_stmt_status(r->statements[i].stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
	return n;
}

#define N_SERIES 40
#define N_RUNS	 100

/* What never gave a verdict is not looked for in the results of every run. */
static void test_record_last_verdict_that_never_was_is_soon_known(void **state)
{
	struct world *w = *state;
	struct result r[N_SERIES];

	for (size_t i = 0; i < N_SERIES; i++)
		r[i] = world_result(w, world_check(w, "a/b"),
				    arena_printf(w->arena, "{x=\"%zu\"}", i), OUTCOME_UNDECIDED,
				    (struct value){0});
	for (int k = 0; k < N_RUNS; k++) {
		struct run_info run;

		w->now_ms += WORLD_HOUR;
		run = world_begin(w, "");
		for (size_t i = 0; i < N_SERIES; i++)
			r[i].measured_ms = w->now_ms;
		world_add(w, &run, r, N_SERIES);
		world_end(w, &run, OUTCOME_UNDECIDED);
	}
	(void)steps(w->record);
	assert_int_equal(verdict(w), -1);
	assert_in_range(steps(w->record), 1, INT64_C(3) * N_SERIES * N_RUNS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_record_last_verdict_is_none_that_is_undecided,
						world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_record_last_verdict_is_found_around_midnight,
						world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_record_last_verdict_that_never_was_is_soon_known, world_setup,
			world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
