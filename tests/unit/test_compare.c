/* compare: what the runs before and the pairs of this one come to, in numbers and in words. */
#include "record_world.h"

#include "runner/compare.h"
#include "runner/model/definition.h"
#include "runner/model/measurement.h"

#define N_RUNS 20

/* Runs around 100 ms of five repetitions each; run i is i % 5 - 2 ms off. */
static void add_history(struct world *w, const struct check_info *c, double scale)
{
	for (size_t i = 0; i < N_RUNS; i++) {
		double off = ((double)(i % 5) - 2) / 1000;
		double *v = arena_array(w->arena, 5, sizeof(*v));
		struct run_info run;
		struct result r;

		for (size_t k = 0; k < 5; k++)
			v[k] = scale * (0.1 + off + ((double)k - 2) / 10000);
		r = world_result(w, c, "time", OUTCOME_PASS, world_real(v[2]));
		r.samples = v;
		r.n_samples = 5;
		run = world_begin(w, "");
		world_add(w, &run, &r,
			  1); /* its end is not needed: each costs a wait for the disk */
	}
}

static const double five[] = {1, 1, 1, 1, 1};

static struct sampling sampling(double effect, bool is_share)
{
	return (struct sampling){.values = five,
				 .n = 5,
				 .effect = effect,
				 .is_effect_share = is_share,
				 .level = 0.05,
				 .max_runs = 40};
}

static struct comparison compare(struct world *w, const struct check_info *c,
				 const struct measurement *m, bool is_of_control)
{
	const struct run_info run = world_begin(w, "");
	const struct compare_with with = {w->record, c->name, "time", c->hash, run.id};
	struct named_expectation x = {.name = "time", .has_expect = true};
	struct baseline b = {0};
	struct err e = {0};

	x.expect.has_control = is_of_control;
	x.expect.has_history = !is_of_control;
	assert_ok(compare_measurement(w->arena, &with, &x, m, &b, &e), e);
	assert_true((b.control != NULL) == is_of_control && (b.history != NULL) == !is_of_control);
	return is_of_control ? *b.control : *b.history;
}

static void test_compare_with_history(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "b/c");
	struct measurement m = measurement_real("time", 0.11, "s");
	struct sampling s = sampling(0.05, true);
	struct comparison x;

	m.sampling = &s;
	add_history(w, c, 1);
	x = compare(w, c, &m, false);
	assert_null(x.reason);
	assert_true(fabs(x.centre - 0.1) < 1e-12 && fabs(x.change - 0.01) < 1e-12);
	assert_true(fabs(x.floor - 0.005) < 1e-12);
	assert_true(fabs(x.p_value - 1.0 / N_RUNS) < 1e-12 && x.level == 0.05);
	assert_string_equal(x.words,
			    "10 % above the median 100 ms of 20 runs (98 ms to 102 ms), p = 0.05");
	assert_string_equal(x.rule, "worse is more than 5 %, with a p of at most 0.05");
	/* an effect of its own unit */
	s = sampling(0.02, false);
	x = compare(w, c, &m, false);
	assert_true(x.floor == 0.02);
	assert_string_equal(x.rule, "worse is more than 20 ms, with a p of at most 0.05");
	/* fewer runs are looked at than there are, and are too few */
	s.max_runs = 19;
	x = compare(w, c, &m, false);
	assert_string_equal(x.reason, "the history has 19 runs of this definition on this host, "
				      "at least 20 are needed");
	assert_non_null(strstr(x.help, "1 more"));
	m.value.real = 0.1;
	s = sampling(0.05, true);
	assert_non_null(strstr(compare(w, c, &m, false).words, "the same as the median"));
	m.value.real = 0.09;
	assert_non_null(strstr(compare(w, c, &m, false).words, "10 % below the median"));
}

/* A share of nothing is nothing: what is above it is told in its own unit. */
static void test_compare_with_a_history_of_zeros(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "b/c");
	struct measurement m = measurement_real("time", 0.002, "s");
	struct sampling s = sampling(0.05, true);
	struct comparison x;

	m.sampling = &s;
	add_history(w, c, 0);
	x = compare(w, c, &m, false);
	assert_true(x.floor == 0 && x.centre == 0 && x.change == 0.002);
	assert_non_null(strstr(x.words, "2 ms above the median"));
	m.value.real = 0;
	x = compare(w, c, &m, false);
	assert_true(x.change == 0 && x.p_value == 1);
}

static void test_compare_with_control(void **state)
{
	static const double slower[] = {0.1, 0.2, 0.15, 0.12, 0.11, 0.3};
	struct world *w = *state;
	const struct check_info *c = world_check(w, "b/c");
	struct measurement m = measurement_real("ratio", 1.14, "");
	struct sampling s = sampling(0.03, true);
	struct comparison x;

	m.sampling = &s;
	x = compare(w, c, &m, true);
	assert_string_equal(x.reason, "there is no control beside the value");
	s.paired = slower;
	s.n_pairs = 6;
	x = compare(w, c, &m, true);
	assert_null(x.reason);
	assert_true(x.centre == 1 && x.floor == 0.03);
	assert_true(x.p_value == 1.0 / 64);
	assert_string_equal(x.words, "14 % above the control in the middle of 6 pairs, p = 0.016");
}

static void test_compare_says_nothing_without_repetitions(void **state)
{
	struct world *w = *state;
	const struct compare_with with = {w->record, "b/c", "time", world_check(w, "b/c")->hash, 1};
	struct named_expectation x = {.name = "time", .has_warn = true};
	struct measurement m = measurement_real("time", 1, "s");
	struct baseline b = {0};
	struct err e = {0};

	x.warn.has_history = true;
	assert_ok(compare_measurement(w->arena, &with, &x, &m, &b, &e), e);
	assert_null(b.history);
	assert_null(compare_evidence(w->arena, &b, NULL, NULL));
	assert_string_equal(compare_evidence(w->arena, &b, NULL, "as it was"), "as it was");
}

static void test_compare_leads_the_evidence(void **state)
{
	const struct comparison c = {.words = "so much", .rule = "worse is more"};
	const struct comparison few = {.reason = "too few", .help = "wait"};
	struct baseline b = {.history = &c};
	struct world *w = *state;

	assert_string_equal(compare_evidence(w->arena, &b, NULL, "rest"),
			    "history: so much, worse is more\nrest");
	assert_string_equal(compare_evidence(w->arena, &b, "so much", NULL),
			    "history: worse is more");
	b.control = &few;
	assert_string_equal(compare_evidence(w->arena, &b, "too few", "rest"),
			    "history: so much, worse is more\nhelp: wait\nrest");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_compare_with_history),
		TEST(test_compare_with_a_history_of_zeros),
		TEST(test_compare_with_control),
		TEST(test_compare_says_nothing_without_repetitions),
		TEST(test_compare_leads_the_evidence),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
