/* newest: what is known last of a check where runs overlap. */
#include "record_world.h"

#include "runner/history/newest.h"
#include "runner/model/definition.h"

static struct result seen(struct world *w, const char *series, enum outcome outcome, int64_t from,
			  int64_t to)
{
	struct result r = world_result(w, world_check(w, "a/b"), series, outcome, world_int(1));

	r.measured_ms = w->now_ms + from;
	r.duration_us = (to - from) * 1000;
	return r;
}

/* The run of the newest evidence about the check. */
static int64_t newest_run(struct world *w)
{
	struct check check = {.name = "a/b"};
	struct evidence *items;
	struct newest newest;
	struct err e = {0};
	size_t n;

	memcpy(check.hash, world_check(w, "a/b")->hash, sizeof(check.hash));
	newest_init(&newest, w->arena, w->record);
	assert_ok(newest_evidence(&newest, &check, NULL, &items, &n, &e), e);
	assert_true(n > 0);
	return items[0].run_id;
}

/* An older run saw a first result, a newer one that overlaps with it a second: is it the older? */
static bool older_is_known_last(struct world *w, struct result old, struct result new)
{
	struct run_info one, two;

	w->now_ms += 2 * WORLD_HOUR;
	old.measured_ms += 2 * WORLD_HOUR;
	new.measured_ms += 2 * WORLD_HOUR;
	one = world_begin(w, "");
	two = world_begin(w, "");
	world_add(w, &two, &new, 1);
	world_end(w, &two, new.outcome);
	world_add(w, &one, &old, 1);
	w->now_ms += WORLD_MIN;
	world_end(w, &one, old.outcome);
	w->now_ms -= WORLD_MIN;
	return newest_run(w) == one.id;
}

static void test_newest_counts_a_failure_that_may_be_later(void **state)
{
	const struct {
		int64_t from, to; /* of the older run's failure */
		bool is_last;
	} rows[] = {
		{3000, 4000, true}, /* behind the pass of 1000 to 2000 */
		{1200, 1800, true}, /* within: the pass may be of what was before */
		{500, 1500, true},  /* half of it */
		{0, 1000, true},    /* ended in the moment in which the other began */
		{0, 999, false},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			older_is_known_last(w, seen(w, "", OUTCOME_FAIL, rows[i].from, rows[i].to),
					    seen(w, "", OUTCOME_PASS, 1000, 2000)),
			rows[i].is_last);
}

static void test_newest_takes_no_older_pass(void **state)
{
	struct world *w = *state;

	assert_false(older_is_known_last(w, seen(w, "", OUTCOME_PASS, 3000, 4000),
					 seen(w, "", OUTCOME_FAIL, 1000, 2000)));
	assert_false(older_is_known_last(w, seen(w, "", OUTCOME_UNDECIDED, 3000, 4000),
					 seen(w, "", OUTCOME_PASS, 1000, 2000)));
	/* of two failures that were seen at the same time the newer one is told */
	assert_false(older_is_known_last(w, seen(w, "", OUTCOME_FAIL, 1200, 1800),
					 seen(w, "", OUTCOME_FAIL, 1000, 2000)));
}

/*
 * A run on another machine, whose clock is off_ms ahead, sees a failure while the newest run is
 * under way, and writes it down behind that one's pass; or before that one began, if is_early.
 */
static bool elsewhere_is_known_last(struct world *w, int64_t off_ms, bool is_early)
{
	struct result fail = seen(w, "", OUTCOME_FAIL, 3000, 4000);
	struct result pass = seen(w, "", OUTCOME_PASS, 1000, 2000);
	struct run_info one, two;

	w->now_ms += 2 * WORLD_HOUR;
	fail.measured_ms += 2 * WORLD_HOUR + off_ms;
	pass.measured_ms += 2 * WORLD_HOUR;
	w->now_ms += off_ms;
	one = world_begin_on(w, "c10c", "", (struct run_shard){.index = 0});
	w->now_ms -= off_ms;
	if (is_early)
		world_add(w, &one, &fail, 1);
	two = world_begin(w, "");
	world_add(w, &two, &pass, 1);
	world_end(w, &two, OUTCOME_PASS);
	if (!is_early)
		world_add(w, &one, &fail, 1);
	w->now_ms += off_ms + WORLD_MIN;
	world_end(w, &one, OUTCOME_FAIL);
	w->now_ms -= off_ms + WORLD_MIN;
	return newest_run(w) == one.id;
}

static void test_newest_compares_no_times_of_two_clocks(void **state)
{
	static const int64_t offs[] = {0,
				       5000,
				       -5000,
				       40000,
				       -40000,
				       20 * WORLD_MIN,
				       -20 * WORLD_MIN,
				       20 * WORLD_HOUR,
				       -20 * WORLD_HOUR};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
		assert_true(elsewhere_is_known_last(w, offs[i], false));
		assert_false(elsewhere_is_known_last(w, offs[i], true));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_newest_counts_a_failure_that_may_be_later),
		TEST(test_newest_takes_no_older_pass),
		TEST(test_newest_compares_no_times_of_two_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
