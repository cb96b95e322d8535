/* gate: error budgets and burn rates over recorded outcomes. */
#include "gate_scene.h"

#define DAY	   (24 * HOUR)
#define MAX_POINTS 700

struct budget_scene {
	struct scene *s;
	struct past_result points[2][MAX_POINTS];
	struct gate_past pasts[2];
	struct check other;
	struct burn_pair burn[3];
	struct budget_rule rule;
	struct gate_budget budget;
};

/* A run an hour for `n` hours, newest first, all of which pass. */
static void set_points(struct budget_scene *w, size_t which, size_t n)
{
	assert_true(n <= MAX_POINTS);
	for (size_t i = 0; i < n; i++)
		w->points[which][i] = (struct past_result){
			.run_id = 5000 - (int64_t)i,
			.measured_ms = NOW - (int64_t)i * HOUR,
			.run_state = RUN_COMPLETE,
			.outcome = OUTCOME_PASS,
			.is_same_definition = true,
			.has_value = true,
			.series = "",
			.subject = "v1",
			.unit = "",
		};
	w->pasts[which].results = w->points[which];
	w->pasts[which].n = n;
}

/* 90 % of ten days: a budget of 24 h. */
static struct budget_scene *scene_of(void **state)
{
	struct scene *s = *state;
	struct budget_scene *w = arena_alloc(s->arena, sizeof(*w));

	*w = (struct budget_scene){.s = s};
	w->other = (struct check){.name = "api/up", .id = "up", .audit = "api"};
	w->pasts[0].check = &s->check;
	w->pasts[1].check = &w->other;
	w->rule = (struct budget_rule){.pos = {"assize.yaml", 50, 5},
				       .objective = "90%",
				       .allowed = 0.1,
				       .window_ms = 10 * DAY,
				       .max_gap_ms = 2 * HOUR};
	set_points(w, 0, 260);
	w->budget = (struct gate_budget){&w->rule, {w->pasts, 1}};
	s->in.budgets = &w->budget;
	s->in.n_budgets = 1;
	return w;
}

static void set_outcomes(struct budget_scene *w, size_t from, size_t n, enum outcome outcome)
{
	for (size_t i = from; i < from + n; i++)
		w->points[0][i].outcome = outcome;
}

static void test_budget_that_is_left(void **state)
{
	struct budget_scene *w = scene_of(state);
	struct decision d;

	comes_to(w->s, OUTCOME_PASS,
		 "100 % of the budget is left, 24 h of 24 h; nothing is unknown; nothing was spent "
		 "in "
		 "the last 10 d");
	set_outcomes(w, 10, 6, OUTCOME_FAIL);
	comes_to(w->s, OUTCOME_PASS, "75 % of the budget is left, 18 h of 24 h");
	comes_to(w->s, OUTCOME_PASS, "at the rate of the last 10 d it is not spent in 10 d");
	set_outcomes(w, 10, 16, OUTCOME_FAIL);
	comes_to(w->s, OUTCOME_PASS, "at the rate of the last 10 d it is spent in 5 d");
	gate_decide(w->s->arena, &w->s->in, &d);
	assert_string_equal(d.lines[0].check, "tasks/fresh");
	assert_string_equal(d.lines[1].check, "budget");
	assert_string_equal(d.lines[1].series, "90% of 10 d");
	assert_int_equal(d.lines[1].line, 50);
}

static void test_budget_that_is_spent(void **state)
{
	struct budget_scene *w = scene_of(state);
	struct decision d;

	set_outcomes(w, 10, 24, OUTCOME_FAIL);
	comes_to(w->s, OUTCOME_FAIL,
		 "the budget of 24 h is spent: 24 h failed, nothing is unknown");
	gate_decide(w->s->arena, &w->s->in, &d);
	assert_string_equal(d.lines[0].remedy, "assize history tasks/fresh");
	w->rule.allowed = 0.01;
	comes_to(w->s, OUTCOME_FAIL, "the budget of 2 h 24 min is spent: 24 h failed, nothing");
	w->s->in.edition = 3; /* as it was told once */
	comes_to(w->s, OUTCOME_FAIL, "the budget of 2 h is spent: 24 h failed, 0 ms are unknown");
	w->s->in.edition = 0;
	w->rule.allowed = 0.1;
	for (size_t i = 10; i < 34; i++) { /* a failure stands, whatever became of its run */
		w->points[0][i].run_state = RUN_INCOMPLETE;
		w->points[0][i].is_same_definition = false;
	}
	comes_to(w->s, OUTCOME_FAIL, "the budget of 24 h is spent");
}

/* Runs of a check that passes, in a loop, do not thin out the time it failed. */
static void test_budget_is_of_time_not_of_runs(void **state)
{
	struct budget_scene *w = scene_of(state);

	set_outcomes(w, 10, 24, OUTCOME_FAIL);
	memmove(&w->points[0][300], &w->points[0][0], 260 * sizeof(w->points[0][0]));
	for (size_t i = 0; i < 300; i++) {
		w->points[0][i] = w->points[0][300];
		w->points[0][i].run_id = 9000 - (int64_t)i;
		w->points[0][i].measured_ms = NOW - (int64_t)i;
	}
	w->pasts[0].n = 560;
	comes_to(w->s, OUTCOME_FAIL, "24 h failed");
}

static void test_budget_unknown_time_is_not_good_time(void **state)
{
	static const enum outcome unknown[] = {OUTCOME_UNDECIDED, OUTCOME_SKIP, (enum outcome)9};
	struct budget_scene *w = scene_of(state);

	for (size_t i = 0; i < 3; i++) {
		set_points(w, 0, 260);
		set_outcomes(w, 10, 23, unknown[i]);
		comes_to(w->s, OUTCOME_PASS, "24 h of 24 h; 23 h are unknown");
		set_outcomes(w, 10, 24, unknown[i]); /* had it failed, it would be spent */
		comes_to(w->s, OUTCOME_UNDECIDED,
			 "nothing failed, 24 h are unknown, all of the 24 h that are left of 24 h");
		set_outcomes(w, 10, 25, unknown[i]);
		comes_to(w->s, OUTCOME_UNDECIDED,
			 "nothing failed, 25 h are unknown, more than the 24 h that are left of 24 "
			 "h");
	}
	set_outcomes(w, 10, 25, OUTCOME_PASS);
	set_outcomes(w, 50, 20, OUTCOME_FAIL);
	set_outcomes(w, 80, 5, OUTCOME_UNDECIDED);
	comes_to(w->s, OUTCOME_UNDECIDED, "5 h are unknown, more than the 4 h that are left");
}

static void test_budget_only_a_sound_pass_is_known(void **state)
{
	struct budget_scene *w = scene_of(state);

	for (size_t i = 10; i < 40; i++)
		w->points[0][i].run_state = RUN_INTERRUPTED;
	comes_to(w->s, OUTCOME_UNDECIDED, "30 h are unknown");
	for (size_t i = 10; i < 40; i++) {
		w->points[0][i].run_state = RUN_COMPLETE;
		w->points[0][i].has_value = false;
	}
	comes_to(w->s, OUTCOME_UNDECIDED, "30 h are unknown");
	for (size_t i = 10; i < 40; i++) {
		w->points[0][i].has_value = true;
		w->points[0][i].is_same_definition = false;
	}
	comes_to(w->s, OUTCOME_UNDECIDED, "30 h are unknown");
	w->rule.is_any_definition = true;
	comes_to(w->s, OUTCOME_PASS, "100 % of the budget is left");
}

static void test_budget_gaps_are_unknown(void **state)
{
	struct budget_scene *w = scene_of(state);

	for (size_t i = 10; i < 260; i++) /* a hole of 31 hours */
		w->points[0][i].measured_ms -= 30 * HOUR;
	comes_to(w->s, OUTCOME_UNDECIDED, "31 h are unknown");
	set_points(w, 0, 5);
	comes_to(w->s, OUTCOME_UNDECIDED, "9 d 20 h are unknown");
	set_points(w, 0, 0);
	comes_to(w->s, OUTCOME_UNDECIDED, "10 d are unknown");
	set_points(w, 0, 260);
	for (size_t i = 0; i < 260; i++) /* nobody has looked for a day and a half */
		w->points[0][i].measured_ms -= 36 * HOUR;
	comes_to(w->s, OUTCOME_UNDECIDED, "36 h are unknown");
	w->budget.past.n = 0;
	comes_to(w->s, OUTCOME_UNDECIDED, "there is nothing to look back at");
	w->budget.past.n = 1;
	set_points(w, 0, 260);
	w->points[0][0].measured_ms = NOW + HOUR;
	comes_to(w->s, OUTCOME_UNDECIDED, "tasks/fresh has results from the future");
}

static void test_budget_joins_checks_and_series(void **state)
{
	struct budget_scene *w = scene_of(state);

	set_points(w, 1, 260);
	w->budget.past.n = 2;
	set_outcomes(w, 10, 12, OUTCOME_FAIL);
	for (size_t i = 40; i < 52; i++)
		w->points[1][i].outcome = OUTCOME_FAIL;
	comes_to(w->s, OUTCOME_FAIL, "24 h failed");
	for (size_t i = 40; i < 52; i++) /* at the same time: no moment is bad twice */
		w->points[1][i].outcome = OUTCOME_PASS;
	for (size_t i = 10; i < 22; i++)
		w->points[1][i].outcome = OUTCOME_FAIL;
	comes_to(w->s, OUTCOME_PASS, "50 % of the budget is left");
	set_points(w, 0, 521); /* a run of two series is one moment */
	for (size_t i = 0; i < 521; i++) {
		w->points[0][i].run_id = 5000 - (int64_t)i / 2;
		w->points[0][i].measured_ms = NOW - (int64_t)(i / 2) * HOUR;
	}
	for (size_t i = 21; i < 21 + 2 * 24; i += 2)
		w->points[0][i].outcome = OUTCOME_FAIL;
	w->budget.past.n = 1;
	comes_to(w->s, OUTCOME_FAIL, "24 h failed");
}

/* Two runs of one moment: the failure counts, before and behind it, in whatever order. */
static void test_budget_runs_of_one_moment_are_joined(void **state)
{
	struct budget_scene *w = scene_of(state);

	for (int first = 0; first < 2; first++) {
		set_points(w, 0, 260);
		w->points[0][11].measured_ms = w->points[0][10].measured_ms;
		w->points[0][10 + first].outcome = OUTCOME_FAIL;
		comes_to(w->s, OUTCOME_PASS, "94 % of the budget is left, 22 h 30 min of 24 h");
	}
}

static void test_budget_burns(void **state)
{
	struct budget_scene *w = scene_of(state);

	w->burn[0] = (struct burn_pair){5, 12 * HOUR, 2 * HOUR};
	w->rule.burn = w->burn;
	w->rule.n_burn = 1;
	comes_to(w->s, OUTCOME_PASS, "nothing was spent in the last 12 h");
	set_outcomes(w, 0, 8, OUTCOME_FAIL);
	comes_to(w->s, OUTCOME_FAIL,
		 "burns 6.2 times as fast as allowed over 12 h and 10.0 times over 2 h, limit 5");
	set_outcomes(w, 0, 3, OUTCOME_PASS); /* it has ended: the short window says so */
	comes_to(w->s, OUTCOME_PASS, "79 % of the budget is left");
	set_outcomes(w, 0, 8, OUTCOME_PASS);
	set_outcomes(w, 0, 1, OUTCOME_FAIL); /* a blip: the long one says so */
	comes_to(w->s, OUTCOME_PASS, NULL);
	set_outcomes(w, 0, 8, OUTCOME_UNDECIDED);
	comes_to(w->s, OUTCOME_UNDECIDED,
		 "too little is known of the last 12 h and 2 h to tell whether the budget burns 5 "
		 "times as fast as allowed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_budget_that_is_left),
		SCENE_TEST(test_budget_that_is_spent),
		SCENE_TEST(test_budget_is_of_time_not_of_runs),
		SCENE_TEST(test_budget_unknown_time_is_not_good_time),
		SCENE_TEST(test_budget_only_a_sound_pass_is_known),
		SCENE_TEST(test_budget_gaps_are_unknown),
		SCENE_TEST(test_budget_joins_checks_and_series),
		SCENE_TEST(test_budget_runs_of_one_moment_are_joined),
		SCENE_TEST(test_budget_burns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
