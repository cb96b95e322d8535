/*
 * gate: waivers. What they let through, what they never do, and what is said about those that do
 * not count. The world is a gate over two checks, one of which fails.
 */
#include "gate_scene.h"

#define DAY (24 * HOUR)

/* Beside the scene: a second check with one failing series, and a waiver of it. */
struct waiver_scene {
	struct scene s;
	struct check broken;
	struct check_info info;
	struct evidence evidence[2];
	struct gate_item items[2];
	struct waiver waiver, second;
	struct waiver *waivers[2];
	const char *gates[2];
};

static void init(struct waiver_scene *w, struct arena *a)
{
	memset(w, 0, sizeof(*w));
	scene_init(&w->s, a);
	w->broken = w->s.check;
	w->broken.id = "broken";
	w->broken.name = "tasks/broken";
	w->info = w->s.info;
	w->info.name = "tasks/broken";
	w->items[0] = w->items[1] = w->s.item;
	w->items[1].check = &w->broken;
	w->items[1].evidence = w->evidence;
	for (int i = 0; i < 2; i++) {
		w->evidence[i] = w->s.evidence[i];
		w->evidence[i].result.check = &w->info;
		w->evidence[i].result.outcome = OUTCOME_FAIL;
		w->evidence[i].result.value.integer = 11;
	}
	w->s.in.items = w->items;
	w->s.in.n_items = 2;
	w->s.gate.max_waiver_ms = 30 * DAY;
	w->gates[0] = "nightly";
	w->gates[1] = "release";
	w->waiver = (struct waiver){.id = "W-12",
				    .pos = {"waivers.yaml", 3, 5},
				    .check = &w->broken,
				    .gates = {.items = w->gates, .n = 2},
				    .owner = "platform",
				    .reason = "known until the migration",
				    .ticket = "OPS-417",
				    .granted_ms = NOW - DAY,
				    .expires_ms = NOW + DAY};
	w->waivers[0] = &w->waiver;
	w->waivers[1] = &w->second;
	w->s.in.waivers = w->waivers;
	w->s.in.n_waivers = 1;
}

static int waiver_setup(void **state)
{
	struct arena *a = arena_new();
	struct waiver_scene *w = arena_alloc(a, sizeof(*w));

	init(w, a);
	*state = w;
	return 0;
}

static int waiver_teardown(void **state)
{
	struct waiver_scene *w = *state;

	arena_free(w->s.arena);
	return 0;
}

static void again(struct waiver_scene *w)
{
	init(w, w->s.arena);
}

static struct decision decided(struct waiver_scene *w)
{
	struct decision d;

	gate_decide(w->s.arena, &w->s.in, &d);
	return d;
}

static const struct decision_line *line_of(const struct decision *d, const char *check)
{
	for (size_t i = 0; i < d->n_lines; i++)
		if (strcmp(d->lines[i].check, check) == 0)
			return &d->lines[i];
	return NULL;
}

static void test_waiver_lets_a_failure_through_and_keeps_its_words(void **state)
{
	struct waiver_scene *w = *state;
	struct decision d;
	const struct decision_line *l;

	w->s.in.n_waivers = 0;
	comes_to(&w->s, OUTCOME_FAIL, "11, bound <= 10");
	w->s.in.n_waivers = 1;
	comes_to(&w->s, OUTCOME_WARN, "11, bound <= 10");
	d = decided(w);
	l = line_of(&d, "tasks/broken");
	assert_non_null(l);
	assert_int_equal(l->outcome, OUTCOME_FAIL);
	assert_false(decision_line_shuts(l));
	assert_string_equal(decision_line_state(l), "waived");
	assert_string_equal(decision_state(&d), "waived");
	assert_int_equal(decision_waived(&d), 1);
	assert_string_equal(l->waived->id, "W-12");
	assert_string_equal(l->waived->owner, "platform");
	assert_string_equal(l->waived->reason, "known until the migration");
	assert_string_equal(l->waived->ticket, "OPS-417");
	assert_int_equal(l->waived->expires_ms, NOW + DAY);
	assert_string_equal(l->remedy, "assize explain 12 tasks/broken");
	assert_int_equal(d.oldest_ms, NOW - MINUTE); /* of what passes */
}

static void test_waiver_counts_for_exactly_what_it_names(void **state)
{
	struct waiver_scene *w = *state;
	struct check other;

	w->items[1].n_evidence = 2;
	comes_to(&w->s, OUTCOME_WARN, NULL); /* the whole check */
	w->waiver.series = "b";
	comes_to(&w->s, OUTCOME_FAIL, "11, bound <= 10");
	w->second = w->waiver;
	w->second.id = "W-13";
	w->second.series = "";
	w->s.in.n_waivers = 2;
	comes_to(&w->s, OUTCOME_WARN, NULL);
	w->second.series = "B"; /* no prefix, no glob, no folding of case */
	comes_to(&w->s, OUTCOME_FAIL,
		 "waiver W-13 does not count: the check has no series \"B\", it has one without a "
		 "name, b");

	again(w);
	w->gates[1] = "releases";
	comes_to(&w->s, OUTCOME_FAIL, "11, bound <= 10");
	again(w);
	other = w->broken;
	other.name = "tasks/broke";
	w->waiver.check = &other;
	comes_to(&w->s, OUTCOME_FAIL, "waiver W-12 is not needed: nothing it names fails");
}

static void test_waiver_is_over_when_it_expires(void **state)
{
	struct waiver_scene *w = *state;

	w->waiver.expires_ms = NOW + 1;
	comes_to(&w->s, OUTCOME_WARN, NULL);
	w->waiver.expires_ms = NOW;
	comes_to(&w->s, OUTCOME_FAIL, "11, bound <= 10; waiver W-12 expired just now");
	w->waiver.granted_ms = NOW - 10 * DAY;
	w->waiver.expires_ms = NOW - 3 * DAY;
	comes_to(&w->s, OUTCOME_FAIL, "11, bound <= 10; waiver W-12 expired 3 d ago");
	w->waiver.expires_ms = INT64_MIN;
	comes_to(&w->s, OUTCOME_FAIL, "it expires before it is granted");
}

static void test_waiver_granted_in_the_future_does_not_count_yet(void **state)
{
	struct waiver_scene *w = *state;

	w->waiver.granted_ms = NOW + GATE_MAX_CLOCK_SKEW_MS;
	comes_to(&w->s, OUTCOME_WARN, NULL);
	w->waiver.granted_ms = NOW + 2 * HOUR;
	comes_to(&w->s, OUTCOME_FAIL, "waiver W-12 does not count yet: granted 2 h in the future");
	w->evidence[0].result.outcome = OUTCOME_PASS;
	comes_to(&w->s, OUTCOME_WARN, "waiver W-12 does not count yet: granted 2 h in the future");
}

/* What the loader refuses is refused here as well. */
static void test_waiver_the_loader_would_refuse_does_not_count(void **state)
{
	struct waiver_scene *w = *state;

	w->broken.is_absolute = true;
	comes_to(&w->s, OUTCOME_FAIL, "waiver W-12 does not count: the check is absolute");
	w->broken.is_absolute = false;
	w->s.gate.max_waiver_ms = DAY;
	comes_to(&w->s, OUTCOME_FAIL, "waiver W-12 does not count: it is longer than 24 h");
	w->s.gate.max_waiver_ms = 2 * DAY;
	comes_to(&w->s, OUTCOME_WARN, NULL);
}

static void test_waiver_that_is_not_needed_is_advice(void **state)
{
	struct waiver_scene *w = *state;
	const struct decision_line *l;
	struct decision d;

	w->evidence[0].result.outcome = OUTCOME_PASS;
	comes_to(&w->s, OUTCOME_WARN, "waiver W-12 is not needed: nothing it names fails");
	d = decided(w);
	assert_int_equal(decision_waived(&d), 0);
	assert_string_equal(decision_state(&d), "warn");
	l = &d.lines[d.n_lines - 1];
	assert_false(l->is_hard);
	assert_string_equal(l->check, "tasks/broken");
	assert_string_equal(l->file, "waivers.yaml");
	assert_int_equal(l->line, 3);
	w->waiver.expires_ms = NOW - HOUR;
	comes_to(&w->s, OUTCOME_WARN, "waiver W-12 expired 60 min ago");
	w->gates[1] = "other"; /* of no interest here */
	comes_to(&w->s, OUTCOME_PASS, NULL);
}

static void test_waivers_alone_open_nothing(void **state)
{
	struct waiver_scene *w = *state;

	w->s.in.items = &w->items[1];
	w->s.in.n_items = 1;
	comes_to(&w->s, OUTCOME_UNDECIDED,
		 "every requirement is waived: there is nothing to open on");
	w->s.in.items = w->items; /* a pass that is only advice is nothing to open on either */
	w->s.in.n_items = 2;
	w->items[0].is_hard = false;
	comes_to(&w->s, OUTCOME_UNDECIDED,
		 "every requirement is waived: there is nothing to open on");
	scene_add_rollback(&w->s, false);
	comes_to(&w->s, OUTCOME_WARN, "proven 60 min ago"); /* a proof of its own */
}

/* A baseline compares values, and those that never passed may well be alike. */
static void test_waivers_and_a_baseline_open_nothing(void **state)
{
	struct waiver_scene *w = *state;
	struct past_result past[8];
	struct gate_past of_check = {&w->broken, past, 8};
	const struct baseline_rule rule = {.against = {.subject = "v1"},
					   .min_n = 4,
					   .effect_text = "1",
					   .effect = 1,
					   .effect_unit = "",
					   .alpha = 0.05};
	const struct gate_baseline baseline = {&rule, {&of_check, 1}};

	for (int i = 0; i < 8; i++)
		past[i] = (struct past_result){.run_id = 12 - i,
					       .measured_ms = NOW - MINUTE - i * MINUTE,
					       .run_state = RUN_COMPLETE,
					       .outcome = OUTCOME_FAIL,
					       .is_same_definition = true,
					       .has_value = true,
					       .number = 11,
					       .series = "",
					       .subject = i < 4 ? "v2" : "v1",
					       .unit = ""};
	w->s.in.baselines = &baseline;
	w->s.in.n_baselines = 1;
	comes_to(&w->s, OUTCOME_WARN, "4 against 4 values"); /* beside another check */
	w->s.in.items = &w->items[1];
	w->s.in.n_items = 1;
	comes_to(&w->s, OUTCOME_UNDECIDED,
		 "every check that is required is waived, and what passes besides is nothing to "
		 "open on");
	w->s.in.edition = 2; /* as it was decided once */
	comes_to(&w->s, OUTCOME_WARN, "4 against 4 values");
}

/* A streak that holds without the newest run is no pass of it, nor is a budget. */
static void test_waivers_and_a_streak_open_nothing(void **state)
{
	struct waiver_scene *w = *state;
	struct selector rule = {.streak_need = 2, .streak_of = 3};
	const struct gate_streak streak = {&rule, true};
	struct past_result past[3];
	struct gate_past of_check = {&w->broken, past, 3};
	const struct budget_rule budget = {
		.objective = "50%", .allowed = 0.5, .window_ms = 2 * HOUR, .max_gap_ms = 2 * HOUR};
	const struct gate_budget budgets = {&budget, {&of_check, 1}};

	for (int i = 0; i < 3; i++)
		past[i] = (struct past_result){.run_id = 12 - i,
					       .measured_ms = NOW - MINUTE - i * HOUR,
					       .run_state = RUN_COMPLETE,
					       .outcome = i == 0 ? OUTCOME_FAIL : OUTCOME_PASS,
					       .is_same_definition = true,
					       .has_value = true,
					       .series = "",
					       .subject = "v2",
					       .unit = ""};
	w->items[1].streaks = &streak;
	w->items[1].n_streaks = 1;
	w->items[1].past = past;
	w->items[1].n_past = 3;
	comes_to(&w->s, OUTCOME_WARN, "2 of the last 3 runs passed"); /* beside another check */
	w->s.in.items = &w->items[1];
	w->s.in.n_items = 1;
	comes_to(&w->s, OUTCOME_UNDECIDED,
		 "every check that is required is waived, and what passes besides is nothing to "
		 "open on");
	w->items[1].n_streaks = 0;
	w->s.in.budgets = &budgets;
	w->s.in.n_budgets = 1;
	comes_to(&w->s, OUTCOME_UNDECIDED, "every check that is required is waived");
}

static void test_waiver_of_advice_changes_nothing(void **state)
{
	struct waiver_scene *w = *state;
	struct decision d;

	w->items[1].is_hard = false;
	comes_to(&w->s, OUTCOME_WARN, "11, bound <= 10");
	d = decided(w);
	assert_int_equal(decision_waived(&d), 0);
	assert_string_equal(decision_state(&d), "warn");
}

static void test_waiver_does_not_cover_another_failure(void **state)
{
	struct waiver_scene *w = *state;

	w->s.evidence[0].result.outcome = OUTCOME_FAIL;
	comes_to(&w->s, OUTCOME_FAIL, "3, bound <= 10");
	w->s.evidence[0].result.outcome = OUTCOME_UNDECIDED;
	comes_to(&w->s, OUTCOME_UNDECIDED, NULL);
}

/* The matrix: whatever is no failure that was measured stays as shut as without a waiver. */
static void spoil(struct waiver_scene *w, int how)
{
	struct result *r = &w->evidence[0].result;

	switch (how) {
	case 0: /* error, timeout, killed, empty, missing baseline: all are this */
		r->outcome = OUTCOME_UNDECIDED;
		break;
	case 1:
		r->outcome = OUTCOME_SKIP;
		break;
	case 2:
		r->outcome = OUTCOME_PASS;
		r->value = (struct value){.type = VALUE_REAL, .real = NAN};
		break;
	case 3:
		r->outcome = OUTCOME_PASS;
		r->value = (struct value){.type = VALUE_REAL, .real = INFINITY};
		break;
	case 4:
		r->outcome = OUTCOME_PASS;
		r->value.type = VALUE_NONE;
		break;
	case 5:
		r->measured_ms = NOW - 2 * HOUR;
		break;
	case 6:
		r->measured_ms = NOW + 2 * HOUR;
		break;
	case 7:
		w->evidence[0].subject = "v1";
		break;
	case 8:
		w->evidence[0].run_state = RUN_INCOMPLETE;
		break;
	case 9:
		w->evidence[0].run_state = RUN_INTERRUPTED;
		break;
	case 10:
		w->broken.hash[0] ^= 1;
		break;
	case 11:
		w->items[1].n_evidence = 0;
		break;
	case 12:
		r->outcome = (enum outcome)9;
		break;
	case 13:
		w->s.in.n_items = 0;
		break;
	case 14:
		w->s.in.subject = "";
		break;
	default:
		w->s.in.gate = NULL;
		break;
	}
}

static void test_waiver_is_never_green_without_a_measured_failure(void **state)
{
	struct waiver_scene *w = *state;

	for (int how = 0; how <= 15; how++) {
		again(w);
		spoil(w, how);
		comes_to(&w->s, OUTCOME_UNDECIDED, NULL);
	}
}

#define WAIVER_TEST(name) cmocka_unit_test_setup_teardown(name, waiver_setup, waiver_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WAIVER_TEST(test_waiver_lets_a_failure_through_and_keeps_its_words),
		WAIVER_TEST(test_waiver_counts_for_exactly_what_it_names),
		WAIVER_TEST(test_waiver_is_over_when_it_expires),
		WAIVER_TEST(test_waiver_granted_in_the_future_does_not_count_yet),
		WAIVER_TEST(test_waiver_the_loader_would_refuse_does_not_count),
		WAIVER_TEST(test_waiver_that_is_not_needed_is_advice),
		WAIVER_TEST(test_waivers_alone_open_nothing),
		WAIVER_TEST(test_waivers_and_a_baseline_open_nothing),
		WAIVER_TEST(test_waivers_and_a_streak_open_nothing),
		WAIVER_TEST(test_waiver_of_advice_changes_nothing),
		WAIVER_TEST(test_waiver_does_not_cover_another_failure),
		WAIVER_TEST(test_waiver_is_never_green_without_a_measured_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
