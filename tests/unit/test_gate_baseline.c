/* gate: candidate against baseline, and the holes of judges before this one. */
#include "gate_scene.h"

#include "runner/stats/random.h"

#define DAY	   (24 * HOUR)
#define MAX_VALUES 400

struct baseline_scene {
	struct scene *s;
	struct past_result values[MAX_VALUES];
	size_t n;
	struct gate_past past;
	struct baseline_rule rule;
	struct gate_baseline baseline;
};

static struct baseline_scene *scene_of(void **state)
{
	struct scene *s = *state;
	struct baseline_scene *w = arena_alloc(s->arena, sizeof(*w));

	*w = (struct baseline_scene){.s = s};
	w->rule = (struct baseline_rule){.pos = {"assize.yaml", 60, 5},
					 .against = {.subject = "v1"},
					 .min_n = 20,
					 .effect_text = "5",
					 .effect = 5,
					 .effect_unit = "",
					 .direction = BASELINE_HIGHER,
					 .alpha = 0.01};
	w->past.check = &s->check;
	w->past.results = w->values;
	w->baseline = (struct gate_baseline){&w->rule, {&w->past, 1}};
	s->in.baselines = &w->baseline;
	s->in.n_baselines = 1;
	return w;
}

/* Runs older than those before, n of them about the subject. Noise of 0 to 9 around the level. */
static void add(struct baseline_scene *w, const char *subject, const char *series, size_t n,
		double level)
{
	struct stats_random r = {w->n + 1};

	assert_true(w->n + n <= MAX_VALUES);
	for (size_t i = 0; i < n; i++) {
		w->values[w->n] = (struct past_result){
			.run_id = 900 - (int64_t)w->n,
			.measured_ms = NOW - MINUTE - (int64_t)w->n * HOUR,
			.run_state = RUN_COMPLETE,
			.outcome = OUTCOME_PASS,
			.is_same_definition = true,
			.has_value = true,
			.number = level + (double)(stats_random_next(&r) % 10),
			.series = series,
			.subject = subject,
			.unit = "",
		};
		w->n++;
	}
	w->past.n = w->n;
}

static void start_over(struct baseline_scene *w)
{
	w->n = 0;
	w->past.n = 0;
}

static void test_baseline_no_change_passes(void **state)
{
	struct baseline_scene *w = scene_of(state);
	struct decision one, two;

	add(w, "v2", "", 20, 100);
	add(w, "v1", "", 40, 100);
	comes_to(w->s, OUTCOME_PASS, "20 against 40 values");
	gate_decide(w->s->arena, &w->s->in, &one); /* the same for ever: no clock, no luck */
	gate_decide(w->s->arena, &w->s->in, &two);
	assert_string_equal(one.lines[1].text, two.lines[1].text);
	assert_string_equal(one.lines[1].check, "tasks/fresh");
	assert_int_equal(one.lines[1].line, 60);
}

static void test_baseline_worse_shuts(void **state)
{
	struct baseline_scene *w = scene_of(state);
	struct decision d;

	add(w, "v2", "", 20, 120);
	add(w, "v1", "", 40, 100);
	comes_to(w->s, OUTCOME_FAIL,
		 "of the baseline (effect 5), p = 0.0001, 20 against 40 values");
	gate_decide(w->s->arena, &w->s->in, &d);
	assert_string_equal(d.lines[0].remedy, "assize history tasks/fresh");
	w->rule.direction = BASELINE_LOWER; /* higher is better */
	comes_to(w->s, OUTCOME_PASS, "above the median");
	w->rule.direction = BASELINE_EITHER;
	comes_to(w->s, OUTCOME_FAIL, "above the median");
	w->rule.effect = 30; /* it is there, and nobody minds */
	comes_to(w->s, OUTCOME_PASS, "above the median");
	w->rule.effect = 0.5;
	w->rule.is_effect_share = true;
	comes_to(w->s, OUTCOME_PASS, "above the median");
	w->rule.effect = 0.05;
	comes_to(w->s, OUTCOME_FAIL, "above the median");
}

static void test_baseline_too_few_values_are_undecided(void **state)
{
	struct baseline_scene *w = scene_of(state);

	add(w, "v2", "", 19, 100);
	add(w, "v1", "", 40, 100);
	comes_to(w->s, OUTCOME_UNDECIDED, "the candidate has 19 values, at least 20 are needed");
	start_over(w);
	add(w, "v2", "", 20, 100);
	add(w, "v1", "", 19, 100);
	comes_to(w->s, OUTCOME_UNDECIDED, "the baseline has 19 values, at least 20 are needed");
	w->past.n = 20; /* a missing baseline */
	comes_to(w->s, OUTCOME_UNDECIDED, "the baseline has 0 values");
	start_over(w);
	add(w, "v1", "", 40, 100);
	comes_to(w->s, OUTCOME_UNDECIDED, "the candidate has 0 values");
	w->past.n = 0;
	comes_to(w->s, OUTCOME_UNDECIDED, "the candidate was never measured");
	w->baseline.past.n = 0;
	comes_to(w->s, OUTCOME_UNDECIDED, "the baseline rule selects no check");
}

/* Kayenta: an all-error canary scores 100. */
static void test_baseline_an_all_error_canary_scores_nothing(void **state)
{
	struct baseline_scene *w = scene_of(state);

	add(w, "v2", "", 30, 100);
	add(w, "v1", "", 40, 100);
	for (size_t i = 0; i < 30; i++) {
		w->values[i].outcome = OUTCOME_UNDECIDED;
		w->values[i].has_value = false;
		w->values[i].number = NAN;
	}
	comes_to(w->s, OUTCOME_UNDECIDED, "30 of 30 runs of the candidate gave no value");
	for (size_t i = 0; i < 27; i++) { /* three errors of thirty can be borne, four cannot */
		w->values[i].outcome = OUTCOME_PASS;
		w->values[i].has_value = true;
		w->values[i].number = (double)(100 + i % 7);
	}
	comes_to(w->s, OUTCOME_PASS, "27 against 40 values");
	w->values[0].has_value = false;
	comes_to(w->s, OUTCOME_UNDECIDED, "4 of 30 runs of the candidate gave no value");
}

/* Of a check with series an error has no series: it is a loss of every one of them. */
static void test_baseline_errors_without_a_series_count(void **state)
{
	struct baseline_scene *w = scene_of(state);

	w->rule.series = "{shop*";
	add(w, "v2", "{shop=\"a\"}", 20, 100);
	add(w, "v2", "", 20, 100);
	for (size_t i = 20; i < 40; i++)
		w->values[i].has_value = false;
	add(w, "v1", "{shop=\"a\"}", 40, 100);
	comes_to(w->s, OUTCOME_UNDECIDED, "20 of 40 runs of the candidate gave no value");
	for (size_t i = 20; i < 40; i++)
		w->values[i].outcome = OUTCOME_SKIP;
	comes_to(w->s, OUTCOME_PASS, "20 against 40 values");
}

/* Argo Rollouts: NaN under a failure condition alone is a success. */
static void test_baseline_nan_is_no_success(void **state)
{
	static const double odd[] = {NAN, INFINITY, -INFINITY};
	struct baseline_scene *w = scene_of(state);

	for (size_t k = 0; k < 3; k++) {
		start_over(w);
		add(w, "v2", "", 20, 100);
		add(w, "v1", "", 40, 100);
		for (size_t i = 0; i < 20; i++)
			w->values[i].number = odd[k]; /* whatever has_value says */
		comes_to(w->s, OUTCOME_UNDECIDED, "20 of 20 runs of the candidate gave no value");
	}
}

/* Argo Rollouts: terminated with zero measurements is a success. */
static void test_baseline_terminated_without_measurements_is_no_success(void **state)
{
	struct baseline_scene *w = scene_of(state);

	add(w, "v2", "", 20, 100);
	add(w, "v1", "", 40, 100);
	for (size_t i = 0; i < 20; i++)
		w->values[i].run_state = i % 2 ? RUN_INCOMPLETE : RUN_INTERRUPTED;
	comes_to(w->s, OUTCOME_UNDECIDED, "20 of 20 runs of the candidate gave no value");
}

/* Runs that did not end are lost, not left out: else whoever kills the bad ones passes. */
static void test_baseline_runs_without_an_end_are_lost(void **state)
{
	struct baseline_scene *w = scene_of(state);

	add(w, "v2", "", 30, 100);
	add(w, "v1", "", 40, 100);
	for (size_t i = 0; i < 3; i++)
		w->values[10 + i].run_state = RUN_INCOMPLETE;
	comes_to(w->s, OUTCOME_PASS, "27 against 40 values");
	w->values[13].run_state = RUN_INTERRUPTED;
	comes_to(w->s, OUTCOME_UNDECIDED, "4 of 30 runs of the candidate gave no value");
	w->values[13].run_state = RUN_COMPLETE;
	w->values[13].outcome = OUTCOME_UNDECIDED; /* a value in doubt */
	comes_to(w->s, OUTCOME_UNDECIDED, "4 of 30 runs of the candidate gave no value");
	w->values[13].outcome = OUTCOME_PASS;
	w->values[40].outcome = OUTCOME_UNDECIDED; /* of a baseline: it had too little history */
	comes_to(w->s, OUTCOME_PASS, "27 against 40 values");
}

/* What a candidate lost could have been as bad as can be. */
static void test_baseline_losses_must_not_matter(void **state)
{
	struct baseline_scene *w = scene_of(state);

	w->rule.effect = 0.05;
	w->rule.min_n = 10;
	add(w, "v2", "", 20, 0);
	add(w, "v1", "", 40, 0);
	for (size_t i = 0; i < 60; i++)
		w->values[i].number = 0;
	w->values[7].run_state = RUN_INTERRUPTED;
	comes_to(w->s, OUTCOME_UNDECIDED,
		 "1 runs of the candidate gave no value, and at their worst it would not pass");
	w->rule.direction = BASELINE_EITHER; /* one value does not move a median so far */
	w->rule.effect = 2;
	for (size_t i = 0; i < 60; i++)
		w->values[i].number = (double)(10 + i % 2);
	comes_to(w->s, OUTCOME_PASS, "19 against 40 values");
}

static void test_baseline_a_candidate_becomes_stale(void **state)
{
	struct baseline_scene *w = scene_of(state);

	add(w, "v2", "", 30, 100);
	add(w, "v1", "", 40, 100);
	w->values[0].measured_ms = NOW - HOUR; /* as old as the gate allows */
	comes_to(w->s, OUTCOME_PASS, "30 against 40 values");
	w->values[0].measured_ms--;
	comes_to(w->s, OUTCOME_UNDECIDED, "the candidate was last measured 60 min ago, limit");
	w->values[0].measured_ms = NOW - MINUTE; /* no value is no newer one */
	w->values[0].has_value = false;
	comes_to(w->s, OUTCOME_UNDECIDED, "the candidate was last measured 61 min ago, limit");
	w->s->item.max_age_ms = 2 * HOUR;
	comes_to(w->s, OUTCOME_PASS, "29 against 40 values");
	w->rule.candidate.window_ms = DAY; /* a window is no licence */
	w->s->item.max_age_ms = HOUR;
	comes_to(w->s, OUTCOME_UNDECIDED, "the candidate was last measured 61 min ago, limit");
}

static void test_baseline_a_series_that_is_gone_becomes_stale(void **state)
{
	struct baseline_scene *w = scene_of(state);

	add(w, "v2", "/home", 20, 100);
	add(w, "v2", "/pay", 20, 100); /* begins where that ended */
	add(w, "v1", "/home", 40, 100);
	add(w, "v1", "/pay", 40, 100);
	comes_to(w->s, OUTCOME_UNDECIDED,
		 "the candidate was last measured 20 h 1 min ago, limit 60 min");
	w->s->in.edition = 1; /* as it was decided once */
	comes_to(w->s, OUTCOME_PASS, "20 against 40 values");
	w->s->in.edition = 0;
	w->s->item.max_age_ms = DAY;
	comes_to(w->s, OUTCOME_PASS, "20 against 40 values");
}

static void test_baseline_only_sound_runs_count(void **state)
{
	struct baseline_scene *w = scene_of(state);

	add(w, "v2", "", 20, 100);
	add(w, "v1", "", 20, 100);
	w->values[30].is_same_definition = false;
	comes_to(w->s, OUTCOME_UNDECIDED, "the baseline has 19 values");
	w->values[30].is_same_definition = true;
	w->values[3].subject_commit = "1a2b"; /* of a tag that is not here, or another */
	comes_to(w->s, OUTCOME_UNDECIDED, "the candidate has 19 values");
	w->s->in.subject_commit = "3c4d";
	comes_to(w->s, OUTCOME_UNDECIDED, "the candidate has 19 values");
	w->s->in.edition = 4; /* as it was decided once */
	comes_to(w->s, OUTCOME_PASS, "20 against 20 values");
	w->s->in.edition = 0;
	w->s->in.subject_commit = "1a2b";
	comes_to(w->s, OUTCOME_PASS, "20 against 20 values");
	w->values[3].measured_ms = NOW + HOUR;
	comes_to(w->s, OUTCOME_UNDECIDED, "it has results from the future: a clock is wrong");
	w->values[3].measured_ms = NOW;
	w->values[3].subject = "any"; /* about this release, or it is no candidate's value */
	comes_to(w->s, OUTCOME_UNDECIDED, "the candidate has 19 values");
}

/* A zero baseline against real errors. */
static void test_baseline_of_zero_lets_no_error_pass(void **state)
{
	struct baseline_scene *w = scene_of(state);

	w->rule.effect = 0.05;
	w->rule.is_effect_share = true;
	add(w, "v2", "", 20, 0);
	add(w, "v1", "", 40, 0);
	for (size_t i = 0; i < 60; i++)
		w->values[i].number = 0;
	comes_to(w->s, OUTCOME_PASS, "the same as the mean 0 of the baseline");
	w->values[4].number = 1;
	comes_to(w->s, OUTCOME_UNDECIDED, "the baseline has none of it, the candidate has");
	w->values[4].number = 50;
	comes_to(w->s, OUTCOME_FAIL, "2.5 above the mean 0 of the baseline");
	w->values[4].number = 0;
	for (size_t i = 0; i < 20; i += 2)
		w->values[i].number = 0.25; /* no counts: shares of errors */
	comes_to(w->s, OUTCOME_FAIL, "0.125 above the mean 0");
}

static void test_baseline_rare_events_are_counted(void **state)
{
	struct baseline_scene *w = scene_of(state);

	w->rule.effect = 0.1;
	add(w, "v2", "", 20, 0);
	add(w, "v1", "", 40, 0);
	for (size_t i = 0; i < 60; i++)
		w->values[i].number = i % 5 == 0 ? 1 : 0;
	comes_to(w->s, OUTCOME_PASS, "the same as the mean 0.2 of the baseline");
	w->values[0].number = 40; /* one bad run among runs that have some: they come together */
	comes_to(w->s, OUTCOME_PASS, "above the mean");
	for (size_t i = 0; i < 20; i++)
		w->values[i].number = 2;
	comes_to(w->s, OUTCOME_FAIL, "1.8 above the mean 0.2 of the baseline");
}

/* Twenty series at once: one of them is a little off in one world of a hundred each. */
static void test_baseline_series_are_judged_at_once(void **state)
{
	struct baseline_scene *w = scene_of(state);
	char names[5][8];

	for (size_t k = 0; k < 5; k++) {
		(void)snprintf(names[k], sizeof(names[k]), "s%zu", k);
		add(w, "v2", names[k], 20, k == 3 ? 130 : 100);
		add(w, "v1", names[k], 40, 100);
	}
	w->s->item.max_age_ms = 30 * DAY;
	comes_to(w->s, OUTCOME_FAIL, "p = 0.0005 of 5 series at once");
	w->rule.series = "s[3]";
	comes_to(w->s, OUTCOME_UNDECIDED,
		 "neither candidate nor baseline have a value that counts");
	w->rule.series = "s2";
	comes_to(w->s, OUTCOME_PASS, "20 against 40 values");
}

static void test_baseline_neighbours_alike_need_more_values(void **state)
{
	struct baseline_scene *w = scene_of(state);

	add(w, "v2", "", 20, 100);
	add(w, "v1", "", 40, 100);
	for (size_t i = 0; i < 60; i++) /* a slow machine: it went up for days, then the release */
		w->values[i].number = 200 - (double)i;
	comes_to(w->s, OUTCOME_UNDECIDED,
		 "and are worth 2; to tell that from chance 100 are needed");
}

static void test_baseline_of_a_window(void **state)
{
	struct baseline_scene *w = scene_of(state);

	w->rule.against = (struct baseline_side){.window_ms = 10 * DAY};
	add(w, "v2", "", 24, 120);
	add(w, "v0", "", 20, 100);
	add(w, "v1", "", 20, 100);
	comes_to(w->s, OUTCOME_FAIL, "24 against 40 values");
	w->rule.against.window_ms = 2 * DAY;
	comes_to(w->s, OUTCOME_FAIL, "24 against 24 values");
	w->rule.candidate.window_ms = DAY;
	w->rule.against.window_ms = 10 * DAY;
	comes_to(w->s, OUTCOME_FAIL, "24 against 40 values");
	w->rule.candidate.window_ms = DAY / 2;
	comes_to(w->s, OUTCOME_UNDECIDED, "the candidate has 12 values");
}

static void test_baseline_units_must_go_together(void **state)
{
	struct baseline_scene *w = scene_of(state);

	add(w, "v2", "", 20, 100);
	add(w, "v1", "", 40, 100);
	for (size_t i = 0; i < 60; i++)
		w->values[i].unit = "B";
	w->rule.effect_unit = "s";
	w->rule.effect_text = "5ms";
	comes_to(w->s, OUTCOME_UNDECIDED, "an effect of 5ms says nothing about a value in \"B\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_baseline_no_change_passes),
		SCENE_TEST(test_baseline_worse_shuts),
		SCENE_TEST(test_baseline_too_few_values_are_undecided),
		SCENE_TEST(test_baseline_an_all_error_canary_scores_nothing),
		SCENE_TEST(test_baseline_errors_without_a_series_count),
		SCENE_TEST(test_baseline_nan_is_no_success),
		SCENE_TEST(test_baseline_terminated_without_measurements_is_no_success),
		SCENE_TEST(test_baseline_runs_without_an_end_are_lost),
		SCENE_TEST(test_baseline_losses_must_not_matter),
		SCENE_TEST(test_baseline_a_candidate_becomes_stale),
		SCENE_TEST(test_baseline_a_series_that_is_gone_becomes_stale),
		SCENE_TEST(test_baseline_only_sound_runs_count),
		SCENE_TEST(test_baseline_of_zero_lets_no_error_pass),
		SCENE_TEST(test_baseline_rare_events_are_counted),
		SCENE_TEST(test_baseline_series_are_judged_at_once),
		SCENE_TEST(test_baseline_neighbours_alike_need_more_values),
		SCENE_TEST(test_baseline_of_a_window),
		SCENE_TEST(test_baseline_units_must_go_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
