/* plan: which checks share a probe. Kinds of the test's own, so that only merging is tested. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runner/base/arena.h"
#include "runner/model/kind.h"
#include "runner/plan.h"

static int probe_one(struct probe *p, struct err *e)
{
	(void)p;
	(void)e;
	return 0;
}

static int probe_two(struct probe *p, struct err *e)
{
	(void)p;
	(void)e;
	return -1;
}

static const char *key_of(struct arena *a, const struct check *c)
{
	(void)a;
	return c->spec; /* the test's checks carry their merge key as spec */
}

static const struct audit_kind kind_a = {
	.name = "a", .family = "x", .merge_key = key_of, .probe = probe_one};
static const struct audit_kind kind_b = {
	.name = "b", .family = "x", .merge_key = key_of, .probe = probe_one};
static const struct audit_kind kind_c = {
	.name = "c", .family = "command", .merge_key = key_of, .probe = probe_two};
static const struct audit_kind kind_alone = {.name = "d", .family = "x", .probe = probe_one};

static char key_same[] = "same", key_other[] = "other";

static void test_plan_merges_what_one_probe_answers(void **state)
{
	struct arena *a = arena_new();
	const struct target t = {.name = "t"}, u = {.name = "u"};
	struct check checks[] = {
		{.name = "1", .kind = &kind_a, .target = &t, .spec = key_same},
		{.name = "2", .kind = &kind_b, .target = &t, .spec = key_same},
		{.name = "3", .kind = &kind_a, .target = &t, .spec = key_other},
		{.name = "4", .kind = &kind_a, .target = &u, .spec = key_same},
		{.name = "5", .kind = &kind_a, .target = &t, .spec = key_same, .timeout_ms = 9},
		{.name = "6", .kind = &kind_alone, .target = &t},
		{.name = "7", .kind = &kind_alone, .target = &t},
		{.name = "8", .kind = &kind_a, .target = &t, .spec = key_same},
		{.name = "9", .kind = &kind_c, .target = &t, .spec = key_same},
		{.name = "10", .kind = &kind_a, .target = &t, .spec = NULL},
		{.name = "11",
		 .kind = &kind_a,
		 .target = &t,
		 .spec = key_same,
		 .retry_delay_ms = 9},
	};
	const struct check *list[11];
	struct plan plan;

	(void)state;
	for (size_t i = 0; i < 11; i++)
		list[i] = &checks[i];
	plan_make(a, list, 11, &plan);
	assert_int_equal(plan.n_checks, 11);
	assert_int_equal(plan.n_jobs, 8);
	assert_int_equal(plan.jobs[0]->n_checks, 4); /* 1, 2, 8 and 11, which is not retried */
	assert_int_equal(plan.jobs[0]->slots[0], 0);
	assert_int_equal(plan.jobs[0]->slots[1], 1);
	assert_int_equal(plan.jobs[0]->slots[2], 7);
	assert_int_equal(plan.n_pool_jobs, 8);
	assert_true(plan.needs_proc);
	assert_false(plan.needs_http);
	arena_free(a);
}

static void test_plan_keeps_pauses_apart(void **state)
{
	struct arena *a = arena_new();
	const struct check checks[] = {
		{.name = "1", .kind = &kind_a, .spec = key_same, .retries = 1},
		{.name = "2", .kind = &kind_a, .spec = key_same, .retries = 1, .retry_delay_ms = 9},
		{.name = "3", .kind = &kind_a, .spec = key_same, .retries = 1, .retry_backoff = 2},
		{.name = "4", .kind = &kind_a, .spec = key_same, .retries = 1, .retry_backoff = 2},
	};
	const struct check *list[] = {&checks[0], &checks[1], &checks[2], &checks[3]};
	struct plan plan;

	(void)state;
	plan_make(a, list, 4, &plan);
	assert_int_equal(plan.n_jobs, 3);
	assert_int_equal(plan.jobs[2]->n_checks, 2);
	arena_free(a);
}

static void test_plan_keeps_needs_apart(void **state)
{
	struct arena *a = arena_new();
	struct check first = {.name = "first", .kind = &kind_alone};
	const struct check *needs[] = {&first};
	struct check checks[] = {
		{.name = "1", .kind = &kind_a, .spec = key_same},
		{.name = "2", .kind = &kind_a, .spec = key_same, .needs = needs, .n_needs = 1},
	};
	const struct check *list[] = {&first, &checks[0], &checks[1]};
	struct plan plan;

	(void)state;
	plan_make(a, list, 3, &plan);
	assert_int_equal(plan.n_jobs, 3);
	arena_free(a);
}

static void test_plan_retries_a_part(void **state)
{
	struct arena *a = arena_new();
	struct check checks[] = {{.name = "1", .kind = &kind_a, .spec = key_same},
				 {.name = "2", .kind = &kind_a, .spec = key_same},
				 {.name = "3", .kind = &kind_a, .spec = key_same}};
	const struct check *list[] = {&checks[0], &checks[1], &checks[2]};
	const bool wanted[] = {true, false, true};
	struct plan plan;
	struct job *retry;

	(void)state;
	plan_make(a, list, 3, &plan);
	retry = plan_retry(a, plan.jobs[0], wanted);
	assert_int_equal(retry->n_checks, 2);
	assert_int_equal(retry->attempt, 2);
	assert_int_equal(retry->slots[1], 2);
	assert_ptr_equal(retry->checks[1], &checks[2]);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan_merges_what_one_probe_answers),
		cmocka_unit_test(test_plan_keeps_pauses_apart),
		cmocka_unit_test(test_plan_keeps_needs_apart),
		cmocka_unit_test(test_plan_retries_a_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
