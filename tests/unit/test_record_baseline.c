/* record: what a value is held against that is expected `within` so much of its history. */
#include "record_world.h"
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_record_baseline_takes_passing_values(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct baseline b = {0};
	struct err e = {0};
	int64_t last = 0;

	assert_ok(record_baseline(w->record, c, "", 0, 1, &b, &e), e);
	assert_int_equal(b.n, 0);
	for (int i = 1; i <= 9; i++)
		last = world_run(w, "", world_result(w, c, "", OUTCOME_PASS, world_real(i)));
	(void)world_run(w, "", world_result(w, c, "", OUTCOME_WARN, world_int(10)));
	(void)world_run(w, "", world_result(w, c, "", OUTCOME_FAIL, world_int(1000)));
	(void)world_run(w, "", world_result(w, c, "", OUTCOME_UNDECIDED, (struct value){0}));
	(void)world_run(w, "", world_result(w, c, "", OUTCOME_PASS, world_real(INFINITY)));
	assert_ok(record_baseline(w->record, c, "", 0, INT64_MAX, &b, &e), e);
	assert_int_equal(b.n, 10);
	assert_true(b.median == 5.5 && b.mean == 5.5);
	assert_true(fabs(b.sigma - 3.0276503540974917) < 1e-15);
	assert_ok(record_baseline(w->record, c, "", 0, last, &b, &e), e);
	assert_int_equal(b.n, 8); /* the present run excluded */
	assert_ok(record_baseline(w->record, c, "", WORLD_T0 + 8 * WORLD_HOUR, last + 1, &b, &e),
		  e);
	assert_int_equal(b.n, 2);
}

/* One run of a looser definition, or one that is stopped in time, would move what others are held
 * to. */
static void test_record_baseline_is_of_one_definition_and_of_whole_runs(void **state)
{
	struct world *w = *state;
	struct check_info *c = world_check(w, "a/b"), *looser = world_check(w, "a/b");
	struct result r = world_result(w, c, "", OUTCOME_PASS, world_int(50));
	struct run_info slow, stopped, present;
	struct baseline b = {0};
	struct err e = {0};

	memset(looser->hash, 0x22, sizeof(looser->hash));
	slow = world_begin(w, "");
	world_add(w, &slow, &r, 1);
	stopped = world_begin(w, "");
	world_add(w, &stopped, &r, 1);
	(void)world_run(w, "", world_result(w, looser, "", OUTCOME_PASS, world_int(50)));
	(void)world_run(w, "", world_result(w, c, "", OUTCOME_PASS, world_int(100)));
	present = world_begin(w, "");
	world_end(w, &slow, OUTCOME_PASS); /* behind the begin of the one that is judged */
	assert_ok(record_baseline(w->record, c, "", 0, present.id, &b, &e), e);
	assert_int_equal(b.n, 1);
	assert_true(b.median == 100);
	assert_ok(record_baseline(w->record, looser, "", 0, present.id, &b, &e), e);
	assert_int_equal(b.n, 1);
	assert_true(b.median == 50);
	assert_ok(record_baseline(w->record, c, "", 0, present.id + 1, &b, &e), e);
	assert_int_equal(b.n, 2); /* of the next one the slow run is history */
}

/* A check with nothing but a `within` bound gathers its history while it is undecided. */
static void test_record_baseline_gathers_while_undecided(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct baseline b = {0};
	struct err e = {0};

	for (int i = 1; i <= EXPECT_MIN_BASELINE; i++)
		(void)world_run(w, "", world_result(w, c, "", OUTCOME_UNDECIDED, world_int(i)));
	assert_ok(record_baseline(w->record, c, "", 0, INT64_MAX, &b, &e), e);
	assert_int_equal(b.n, EXPECT_MIN_BASELINE);
	assert_true(b.median == 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_record_baseline_takes_passing_values),
		TEST(test_record_baseline_is_of_one_definition_and_of_whole_runs),
		TEST(test_record_baseline_gathers_while_undecided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
