/* record: when a check last gave a verdict. */
#include "record_world.h"

static void test_record_last_verdict_is_none_that_is_undecided(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct run_info run;
	struct result r[] = {world_result(w, c, "one", OUTCOME_PASS, world_int(1)),
			     world_result(w, c, "two", OUTCOME_UNDECIDED, (struct value){0})};
	struct err e = {0};
	int64_t at = 0;

	assert_ok(record_last_verdict(w->record, "a/b", w->now_ms, &at, &e), e);
	assert_int_equal(at, -1);
	(void)world_run(w, "", world_result(w, c, "", OUTCOME_UNDECIDED, (struct value){0}));
	assert_ok(record_last_verdict(w->record, "a/b", w->now_ms, &at, &e), e);
	assert_int_equal(at, -1);
	(void)world_run(w, "", world_result(w, c, "", OUTCOME_FAIL, world_int(1)));
	assert_ok(record_last_verdict(w->record, "a/b", w->now_ms, &at, &e), e);
	assert_int_equal(at, WORLD_T0 + 2 * WORLD_HOUR);
	(void)world_run(w, "", world_result(w, c, "", OUTCOME_SKIP, (struct value){0}));
	run = world_begin(w, "");
	world_add(w, &run, r, 2); /* as a whole it is undecided */
	(void)world_run(w, "",
			world_result(w, world_check(w, "a/c"), "", OUTCOME_PASS, world_int(1)));
	assert_ok(record_last_verdict(w->record, "a/b", w->now_ms, &at, &e), e);
	assert_int_equal(at, WORLD_T0 + 2 * WORLD_HOUR);
	r[1].outcome = OUTCOME_FAIL;
	(void)world_run(w, "", r[1]);
	assert_ok(record_last_verdict(w->record, "a/b", w->now_ms, &at, &e), e);
	assert_true(at > WORLD_T0 + 3 * WORLD_HOUR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_record_last_verdict_is_none_that_is_undecided,
						world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
