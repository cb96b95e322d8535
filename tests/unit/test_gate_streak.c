/* gate: so many of the last so many runs (`consecutive`, `of`, `apart`). */
#include "gate_scene.h"

#define MAX_PAST 40

struct streak_scene {
	struct scene *s;
	struct past_result past[MAX_PAST];
	struct gate_streak streak;
};

/* Newest first, an hour apart, run ids down from 12: p pass, w warn, f fail, u undecided, s skip, v
 * pass without a value, i incomplete, k interrupted, d other definition, x from the future. */
static void set_past(struct streak_scene *w, const char *runs)
{
	static const struct {
		char letter;
		enum outcome outcome;
	} letters[] = {{'p', OUTCOME_PASS},
		       {'w', OUTCOME_WARN},
		       {'f', OUTCOME_FAIL},
		       {'s', OUTCOME_SKIP},
		       {'u', OUTCOME_UNDECIDED}};
	size_t n = strlen(runs);

	assert_true(n <= MAX_PAST);
	for (size_t i = 0; i < n; i++) {
		struct past_result *p = &w->past[i];

		*p = (struct past_result){
			.run_id = 12 - (int64_t)i,
			.measured_ms = NOW - MINUTE - (int64_t)i * HOUR,
			.known_ms = NOW - MINUTE - (int64_t)i * HOUR,
			.run_state = runs[i] == 'i'   ? RUN_INCOMPLETE
				     : runs[i] == 'k' ? RUN_INTERRUPTED
						      : RUN_COMPLETE,
			.outcome = OUTCOME_PASS,
			.is_same_definition = runs[i] != 'd',
			.has_value = runs[i] != 'v',
			.number = 3,
			.series = "",
			.subject = "v2",
			.unit = "",
		};
		for (size_t k = 0; k < sizeof(letters) / sizeof(letters[0]); k++)
			if (letters[k].letter == runs[i])
				p->outcome = letters[k].outcome;
		if (runs[i] == 'x')
			p->measured_ms = NOW + HOUR;
	}
	w->s->item.past = w->past;
	w->s->item.n_past = n;
}

static void ask_for(struct streak_scene *w, int64_t need, int64_t of, int64_t apart_ms)
{
	w->s->selector.streak_need = need;
	w->s->selector.streak_of = of;
	w->s->selector.streak_apart_ms = apart_ms;
	w->s->selector.pos = (struct pos){"assize.yaml", 41, 16};
	w->streak = (struct gate_streak){&w->s->selector, true};
	w->s->item.streaks = &w->streak;
	w->s->item.n_streaks = 1;
}

static struct streak_scene *scene_of(void **state)
{
	struct scene *s = *state;
	struct streak_scene *w = arena_alloc(s->arena, sizeof(*w));

	*w = (struct streak_scene){.s = s};
	return w;
}

static void comes_of(struct streak_scene *w, const char *runs, enum outcome outcome,
		     const char *text)
{
	set_past(w, runs);
	comes_to(w->s, outcome, text);
}

static void test_streak_of_three_in_a_row(void **state)
{
	struct streak_scene *w = scene_of(state);

	ask_for(w, 3, 3, 0);
	comes_of(w, "ppp", OUTCOME_PASS, "3 of the last 3 runs passed");
	comes_of(w, "pwp", OUTCOME_PASS, "3 of the last 3 runs passed");
	comes_of(w, "pppfffff", OUTCOME_PASS, "3 of the last 3 runs passed");
	comes_of(w, "ppf", OUTCOME_FAIL,
		 "2 of the last 3 runs passed; run 10 failed, required are 3 in a row");
	comes_of(w, "pfp", OUTCOME_FAIL, "2 of the last 3 runs passed; run 11 failed");
	comes_of(w, "pf", OUTCOME_FAIL, "1 of 2 runs passed, there are no more; run 11 failed");
}

static void test_streak_too_few_runs_are_undecided(void **state)
{
	struct streak_scene *w = scene_of(state);
	struct decision d;

	ask_for(w, 3, 3, 0);
	comes_of(w, "pp", OUTCOME_UNDECIDED,
		 "2 of 2 runs passed, there are no more, required are 3 in a row");
	comes_of(w, "p", OUTCOME_UNDECIDED, "1 of 1 run passed, there are no more");
	gate_decide(w->s->arena, &w->s->in, &d);
	assert_string_equal(d.lines[0].remedy, "assize run tasks/fresh --subject v2");
	assert_string_equal(d.lines[0].check, "tasks/fresh");
	assert_int_equal(d.lines[0].line, 41);
	assert_int_equal(d.lines[0].run_id, 12);
	comes_of(w, "", OUTCOME_UNDECIDED, "0 of 0 runs passed"); /* the record lost them */
}

static void test_streak_nothing_but_a_pass_is_one(void **state)
{
	static const struct {
		const char *runs, *text;
	} doubts[] = {
		{"pip", "run 11 did not come to its end"},
		{"pkp", "run 11 was interrupted"},
		{"pup", "run 11 could not measure it"},
		{"psp", "run 11 skipped it"},
		{"pvp", "run 11 has a pass without a value"},
		{"pdp", "run 11 measured under another definition of the check"},
		{"pxp", "run 11 is from the future: a clock is wrong"},
	};
	struct streak_scene *w = scene_of(state);

	for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++) {
		ask_for(w, 3, 3, 0);
		comes_of(w, doubts[i].runs, OUTCOME_UNDECIDED, doubts[i].text);
		ask_for(w, 2, 3, 0);
		comes_of(w, doubts[i].runs, OUTCOME_PASS, "2 of the last 3 runs passed");
	}
	ask_for(w, 3, 3, 0);
	comes_of(w, "pif", OUTCOME_FAIL, "run 10 failed"); /* a failure speaks before a doubt */
	set_past(w, "ppp");
	w->past[1].outcome = (enum outcome)9; /* a record from who knows where */
	comes_to(w->s, OUTCOME_UNDECIDED, "run 11 could not measure it");
	set_past(w, "ppp");
	w->past[1].measured_ms = -1;
	comes_to(w->s, OUTCOME_UNDECIDED, "a clock is wrong");
}

static void test_streak_four_of_five(void **state)
{
	struct streak_scene *w = scene_of(state);

	ask_for(w, 4, 5, 0);
	comes_of(w, "ppfpp", OUTCOME_PASS, "4 of the last 5 runs passed");
	comes_of(w, "pppp", OUTCOME_PASS, "4 of 4 runs passed");
	comes_of(w, "pffpp", OUTCOME_FAIL,
		 "3 of the last 5 runs passed; run 11 failed, required "
		 "are 4 of the last 5");
	comes_of(w, "pfpup", OUTCOME_UNDECIDED,
		 "3 of the last 5 runs passed; run 9 could not measure it");
	comes_of(w, "pfp", OUTCOME_UNDECIDED, "2 of 3 runs passed, there are no more");
	comes_of(w, "pff", OUTCOME_FAIL, "1 of 3 runs passed"); /* no run to come can help */
}

static void test_streak_does_not_excuse_the_newest(void **state)
{
	struct streak_scene *w = scene_of(state);
	struct result *r = &w->s->evidence[0].result;

	ask_for(w, 4, 5, 0);
	r->outcome = OUTCOME_FAIL;
	comes_of(w, "fpppp", OUTCOME_FAIL, "4 of the last 5 runs passed");
	r->outcome = OUTCOME_PASS;
	r->measured_ms = NOW - 2 * HOUR; /* stale, however long the streak */
	comes_of(w, "ppppp", OUTCOME_UNDECIDED, "measured 2 h ago, limit 60 min");
}

static void test_streak_needs_every_series(void **state)
{
	struct streak_scene *w = scene_of(state);

	ask_for(w, 2, 2, 0);
	set_past(w, "pppp");
	w->past[1].run_id = 12;
	w->past[2].run_id = w->past[3].run_id = 11;
	w->past[1].series = w->past[3].series = "b";
	comes_to(w->s, OUTCOME_PASS, "2 of the last 2 runs passed");
	w->past[3].series = "c";
	comes_to(w->s, OUTCOME_UNDECIDED, "run 11 does not have its series b");
	w->past[3].series = "b";
	w->past[3].outcome = OUTCOME_FAIL;
	comes_to(w->s, OUTCOME_FAIL, "run 11 failed b");
	w->past[3].outcome = OUTCOME_UNDECIDED;
	comes_to(w->s, OUTCOME_UNDECIDED, "run 11 could not measure it b");
	w->past[1].run_id = 11; /* a series that is gone must have passed while it was there */
	w->past[1].outcome = OUTCOME_FAIL;
	comes_to(w->s, OUTCOME_FAIL, "run 11 failed b");
}

/* Reruns in a loop until three in a row pass. */
static void test_streak_apart_counts_a_loop_of_runs_once(void **state)
{
	struct streak_scene *w = scene_of(state);

	ask_for(w, 3, 3, 10 * MINUTE);
	comes_of(w, "ppp", OUTCOME_PASS, "3 of the last 3 runs passed, at least 10 min apart");
	for (size_t i = 0; i < 3; i++)
		w->past[i].measured_ms = NOW - MINUTE - (int64_t)i * MINUTE;
	comes_to(w->s, OUTCOME_UNDECIDED,
		 "1 of 1 run passed, there are no more, at least 10 min apart; 2 more are too "
		 "close to a later one, required are 3 in a row");
	w->past[2].outcome = OUTCOME_FAIL; /* it cannot be rerun out of sight */
	comes_to(w->s, OUTCOME_FAIL, "1 of 2 runs passed");
	set_past(w, "pppppppp");
	for (size_t i = 0; i < 8; i++)
		w->past[i].measured_ms = NOW - (int64_t)i * 5 * MINUTE;
	comes_to(w->s, OUTCOME_PASS, "3 of the last 3 runs passed");
	w->past[2].measured_ms = NOW + 1; /* an older run with a later time is never far enough */
	comes_to(w->s, OUTCOME_PASS, "3 of the last 3 runs passed");
	assert_int_equal(gate_item_past_runs(&w->s->item), GATE_MAX_STREAK_RUNS);
	ask_for(w, 3, 5, 0);
	assert_int_equal(gate_item_past_runs(&w->s->item), 5);
}

/* A slow run that began early, and what it saw while newer ones passed. */
static void test_streak_a_late_failure_comes_forward(void **state)
{
	struct streak_scene *w = scene_of(state);

	ask_for(w, 2, 2, 0);
	comes_of(w, "ppf", OUTCOME_PASS, "2 of the last 2 runs passed");
	w->past[2].known_ms = w->past[1].measured_ms - 1;
	comes_to(w->s, OUTCOME_PASS, "2 of the last 2 runs passed");
	w->past[2].known_ms = w->past[1].measured_ms; /* it may have been so all the time */
	comes_to(w->s, OUTCOME_FAIL, "1 of the last 2 runs passed; run 10 failed");
	w->s->in.edition = 1; /* as it was decided once */
	comes_to(w->s, OUTCOME_PASS, "2 of the last 2 runs passed");
	w->s->in.edition = 0;
	w->past[2].known_ms = w->past[0].measured_ms;
	comes_to(w->s, OUTCOME_FAIL, "1 of the last 2 runs passed; run 10 failed");
	w->past[2].is_same_definition = false;
	comes_to(w->s, OUTCOME_PASS, "2 of the last 2 runs passed");
	w->past[2].is_same_definition = true;
	w->past[2].subject_commit = "aaaa";
	w->s->in.subject_commit =
		"bbbb"; /* the tag was moved since: of that commit it says nothing */
	comes_to(w->s, OUTCOME_PASS, "2 of the last 2 runs passed");
	w->past[1].subject_commit = "aaaa";
	comes_to(w->s, OUTCOME_UNDECIDED,
		 "run 11 measured another commit: \"v2\" was aaaa then, and is bbbb now");
	w->past[1].subject_commit = NULL;
	w->s->in.subject_commit = NULL;
	w->past[2].run_state = RUN_INCOMPLETE;
	comes_to(w->s, OUTCOME_UNDECIDED, "run 10 did not come to its end");
	w->past[2].run_state = RUN_COMPLETE;
	w->past[2].outcome = OUTCOME_PASS; /* a pass does not */
	comes_to(w->s, OUTCOME_PASS, "2 of the last 2 runs passed");
	ask_for(w, 2, 3, 0);
	comes_of(w, "ppff", OUTCOME_PASS, "2 of the last 3 runs passed");
	w->past[3].known_ms = NOW; /* it takes the place of the other one, and of no pass */
	comes_to(w->s, OUTCOME_PASS, "2 of the last 3 runs passed; run 9 failed");
	comes_of(w, "pfpf", OUTCOME_PASS, "2 of the last 3 runs passed");
	w->past[3].known_ms = NOW;
	comes_to(w->s, OUTCOME_FAIL, "1 of the last 3 runs passed; run 9 failed");
	ask_for(w, 2, 2, 10 * MINUTE); /* a loop of runs is one pass still */
	comes_of(w, "pppf", OUTCOME_PASS, "2 of the last 2 runs passed");
	w->past[1].measured_ms = w->past[0].measured_ms - MINUTE;
	w->past[3].known_ms = w->past[2].measured_ms;
	comes_to(w->s, OUTCOME_FAIL,
		 "1 of the last 2 runs passed, at least 10 min apart; 1 more is too close to a "
		 "later one; run 9 failed");
}

static void test_streak_every_entry_is_a_rule(void **state)
{
	struct scene *s = *state;
	struct selector require[] = {
		{.text = "tasks/*", .glob = "tasks/*", .streak_need = 2, .streak_of = 2},
		{.text = "tasks/fresh", .glob = "tasks/fresh", .streak_need = 4, .streak_of = 5},
		{.text = "shop/*", .glob = "shop/*", .streak_need = 9, .streak_of = 9},
		{.text = "tasks/*", .glob = "tasks/*"},
	};
	struct selector advise = {.glob = "tasks/*", .streak_need = 20, .streak_of = 20};
	struct check *checks[] = {&s->check};
	struct definition d = {.checks = checks, .n_checks = 1};
	struct gate_item *items;
	size_t n;

	s->gate.require = require;
	s->gate.n_require = 4;
	s->gate.advise = &advise;
	s->gate.n_advise = 1;
	items = gate_items(s->arena, &d, &s->gate, &n);
	assert_int_equal(n, 1);
	assert_int_equal(items[0].n_streaks, 3);
	assert_ptr_equal(items[0].streaks[0].selector, &require[0]);
	assert_ptr_equal(items[0].streaks[1].selector, &require[1]);
	assert_true(items[0].streaks[1].is_hard);
	assert_false(items[0].streaks[2].is_hard);
	assert_int_equal(gate_item_past_runs(&items[0]), 20);
}

static void test_streak_as_advice_only_marks(void **state)
{
	struct streak_scene *w = scene_of(state);

	ask_for(w, 3, 3, 0);
	w->streak.is_hard = false;
	comes_of(w, "ppf", OUTCOME_WARN, "run 10 failed");
	w->s->item.n_evidence = 0; /* said once, by the rule about evidence */
	comes_to(w->s, OUTCOME_UNDECIDED, "never measured");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_streak_of_three_in_a_row),
		SCENE_TEST(test_streak_too_few_runs_are_undecided),
		SCENE_TEST(test_streak_nothing_but_a_pass_is_one),
		SCENE_TEST(test_streak_four_of_five),
		SCENE_TEST(test_streak_does_not_excuse_the_newest),
		SCENE_TEST(test_streak_needs_every_series),
		SCENE_TEST(test_streak_apart_counts_a_loop_of_runs_once),
		SCENE_TEST(test_streak_a_late_failure_comes_forward),
		SCENE_TEST(test_streak_every_entry_is_a_rule),
		SCENE_TEST(test_streak_as_advice_only_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
