/* gate: what opens it, what keeps it shut, and what it says. */
#include "gate_scene.h"

static void test_gate_opens_on_a_fresh_pass(void **state)
{
	struct scene *s = *state;
	struct decision d;

	comes_to(s, OUTCOME_PASS, "3, bound <= 10, measured 60 s ago");
	gate_decide(s->arena, &s->in, &d);
	assert_int_equal(d.oldest_ms, NOW - MINUTE);
	assert_int_equal(d.at_ms, NOW);
	assert_string_equal(d.gate, "release");
	assert_string_equal(d.subject, "v2");
	assert_int_equal(d.lines[0].run_id, 12);
	s->item.n_evidence = 3;
	comes_to(s, OUTCOME_PASS, "3 series pass");
	s->evidence[1].result.outcome = OUTCOME_WARN;
	comes_to(s, OUTCOME_WARN, NULL);
}

static void test_gate_says_what_passed_late(void **state)
{
	struct scene *s = *state;

	for (size_t i = 0; i < 3; i++) {
		s->evidence[i].result.is_flaky = true;
		s->evidence[i].result.attempts = 2;
	}
	comes_to(s, OUTCOME_PASS, "3, bound <= 10, measured 60 s ago, flaky: passed at attempt 2");
	s->item.n_evidence = 3;
	comes_to(s, OUTCOME_PASS, "3 series pass, measured 60 s ago, flaky: passed at attempt 2");
}

static void test_gate_fails_on_a_disproved_series(void **state)
{
	struct scene *s = *state;
	struct decision d;

	s->item.n_evidence = 3;
	s->evidence[2].result.outcome = OUTCOME_FAIL;
	s->evidence[2].result.reason = "outside the bound";
	s->evidence[2].result.value.integer = 11;
	s->evidence[2].result.bound_line = 9;
	comes_to(s, OUTCOME_FAIL, "11, bound <= 10");
	gate_decide(s->arena, &s->in, &d);
	assert_string_equal(d.lines[0].series, "c");
	assert_int_equal(d.lines[0].line, 9);
	assert_string_equal(d.lines[0].remedy, "assize explain 12 tasks/fresh");
	assert_int_equal(d.oldest_ms, -1);
}

static void test_gate_never_measured(void **state)
{
	struct scene *s = *state;
	struct decision d;

	s->item.n_evidence = 0;
	comes_to(s, OUTCOME_UNDECIDED, "never measured");
	s->item.other_subject_ms = NOW - 3 * HOUR;
	s->item.other_subject = "v1";
	comes_to(s, OUTCOME_UNDECIDED, "never measured about \"v2\"; last about \"v1\", 3 h ago");
	gate_decide(s->arena, &s->in, &d);
	assert_string_equal(d.lines[0].remedy, "assize run tasks/fresh --subject v2");
	s->in.subject = "it's two";
	gate_decide(s->arena, &s->in, &d);
	assert_string_equal(d.lines[0].remedy, "assize run tasks/fresh --subject 'it'\\''s two'");
	assert_true(gate_item_is_stale(&s->in, &s->item));
}

static void test_gate_refuses_other_subjects(void **state)
{
	struct scene *s = *state;

	s->evidence[0].subject = "v1";
	comes_to(s, OUTCOME_UNDECIDED, "measured about \"v1\", not about \"v2\"");
	s->evidence[0].subject = "";
	comes_to(s, OUTCOME_UNDECIDED, "measured about no subject, not about \"v2\"");
	s->evidence[0].subject = NULL;
	comes_to(s, OUTCOME_UNDECIDED, "not about \"v2\"");
	s->evidence[0].subject = "any";
	comes_to(s, OUTCOME_PASS, NULL);
	s->evidence[0].subject = "v1";
	s->gate.is_any_subject = true;
	comes_to(s, OUTCOME_PASS, NULL);
	s->gate.is_any_subject = false;
	s->evidence[0].subject = "";
	s->in.subject = "";
	comes_to(s, OUTCOME_UNDECIDED, "no subject is given");
	s->in.subject = NULL;
	comes_to(s, OUTCOME_UNDECIDED, "no subject is given");
}

/* A tag that was moved stands for what nobody measured. */
static void test_gate_refuses_another_commit_of_the_subject(void **state)
{
	struct scene *s = *state;
	struct evidence *e = &s->evidence[0];

	e->subject_commit = "1a2b3c4d5e6f7a8b";
	comes_to(s, OUTCOME_UNDECIDED,
		 "measured 60 s ago of what may be another commit: \"v2\" was 1a2b3c4d5e6f then, "
		 "and is no tag here now");
	assert_true(gate_item_is_stale(&s->in, &s->item));
	s->in.edition = 4; /* as it was decided once */
	comes_to(s, OUTCOME_PASS, NULL);
	s->in.edition = 0;
	s->in.subject_commit = "1a2b3c4d5e6f7a8b";
	comes_to(s, OUTCOME_PASS, NULL);
	assert_false(gate_item_is_stale(&s->in, &s->item));
	s->in.subject_commit = "1a2b3c4d5e6f0000";
	comes_to(s, OUTCOME_UNDECIDED,
		 "measured 60 s ago of another commit: \"v2\" was 1a2b3c4d5e6f then, and is "
		 "1a2b3c4d5e6f now");
	assert_true(gate_item_is_stale(&s->in, &s->item));
	s->gate.is_any_subject = true;
	comes_to(s, OUTCOME_UNDECIDED, "of another commit");
	e->subject = "any"; /* measured for all releases: of none of them */
	comes_to(s, OUTCOME_PASS, NULL);
	e->subject = "v2";
	e->subject_commit = NULL; /* before the tag was made, or elsewhere */
	comes_to(s, OUTCOME_PASS, NULL);
}

static void test_gate_refuses_what_time_says(void **state)
{
	struct scene *s = *state;
	struct result *r = &s->evidence[0].result;

	r->measured_ms = NOW - HOUR;
	comes_to(s, OUTCOME_PASS, NULL);
	r->measured_ms = NOW - HOUR - 1;
	comes_to(s, OUTCOME_UNDECIDED, "measured 60 min ago, limit 60 min");
	assert_true(gate_item_is_stale(&s->in, &s->item));
	r->measured_ms = NOW + GATE_MAX_CLOCK_SKEW_MS;
	comes_to(s, OUTCOME_PASS, NULL);
	r->measured_ms = NOW + GATE_MAX_CLOCK_SKEW_MS + 1;
	comes_to(s, OUTCOME_UNDECIDED, "in the future: a clock is wrong");
	r->measured_ms = INT64_MAX;
	comes_to(s, OUTCOME_UNDECIDED, "a clock is wrong");
	r->measured_ms = INT64_MIN;
	comes_to(s, OUTCOME_UNDECIDED, "limit 60 min");
	r->measured_ms = 0; /* a result nobody measured */
	comes_to(s, OUTCOME_UNDECIDED, "limit 60 min");
	r->measured_ms = -1;
	s->item.max_age_ms = INT64_MAX;
	comes_to(s, OUTCOME_UNDECIDED, NULL);
	r->measured_ms = NOW;
	s->item.max_age_ms = -1;
	comes_to(s, OUTCOME_UNDECIDED, NULL);
	s->in.now_ms = INT64_MIN;
	comes_to(s, OUTCOME_UNDECIDED, "a clock is wrong");
}

static void test_gate_refuses_unfinished_runs(void **state)
{
	struct scene *s = *state;

	s->evidence[0].run_state = RUN_INCOMPLETE;
	comes_to(s, OUTCOME_UNDECIDED, "run 12 did not come to its end");
	s->evidence[0].run_state = RUN_INTERRUPTED;
	comes_to(s, OUTCOME_UNDECIDED, "run 12 was interrupted");
	assert_true(gate_item_is_stale(&s->in, &s->item));
	s->evidence[0].result.outcome = OUTCOME_FAIL; /* refused either way */
	comes_to(s, OUTCOME_UNDECIDED, "run 12 was interrupted");
}

static void test_gate_refuses_another_definition(void **state)
{
	struct scene *s = *state;

	s->info.hash[31] ^= 1;
	comes_to(s, OUTCOME_UNDECIDED, "under another definition of the check");
	assert_true(gate_item_is_stale(&s->in, &s->item));
	s->info.hash[31] ^= 1;
	s->info.name = "tasks/other";
	comes_to(s, OUTCOME_UNDECIDED, "of another check");
	s->evidence[0].result.check = NULL;
	comes_to(s, OUTCOME_UNDECIDED, "of another check");
}

static void test_gate_says_a_refusal_once(void **state)
{
	struct scene *s = *state;
	struct decision d;

	s->item.n_evidence = 3;
	for (int i = 0; i < 3; i++)
		s->evidence[i].run_state = RUN_INCOMPLETE;
	gate_decide(s->arena, &s->in, &d);
	assert_int_equal(d.n_lines, 1);
	s->evidence[0].run_state = RUN_COMPLETE; /* a mix: the passing one does not save it */
	comes_to(s, OUTCOME_UNDECIDED, "did not come to its end");
}

static void test_gate_needs_a_value_and_an_outcome(void **state)
{
	static const double none[] = {NAN, INFINITY, -INFINITY};
	struct scene *s = *state;
	struct result *r = &s->evidence[0].result;

	r->value = (struct value){.type = VALUE_NONE};
	comes_to(s, OUTCOME_UNDECIDED, "passing without a value");
	for (size_t i = 0; i < 3; i++) {
		r->value = (struct value){.type = VALUE_REAL, .real = none[i]};
		comes_to(s, OUTCOME_UNDECIDED, "passing without a value");
	}
	r->outcome = OUTCOME_SKIP;
	r->reason = "needs \"tasks/up\", which is fail";
	comes_to(s, OUTCOME_UNDECIDED, "skipped: needs \"tasks/up\", which is fail");
	assert_true(gate_item_is_stale(&s->in, &s->item));
	r->outcome = OUTCOME_UNDECIDED;
	r->reason = "the probe was killed";
	comes_to(s, OUTCOME_UNDECIDED, "could not be measured: the probe was killed");
	assert_true(gate_item_is_stale(&s->in, &s->item));
	r->outcome = OUTCOME_FAIL;
	assert_false(gate_item_is_stale(&s->in, &s->item));
}

static void test_gate_words(void **state)
{
	struct scene *s = *state;
	struct result *r = &s->evidence[0].result;
	struct gate_item items[40];
	struct decision d;

	r->outcome = OUTCOME_WARN;
	r->reason = "outside the bound (warning bound <= 2)";
	comes_to(s, OUTCOME_WARN, "3, bound <= 10: outside the bound (warning bound <= 2)");
	r->outcome = OUTCOME_FAIL;
	r->reason = "not one of the listed values";
	comes_to(s, OUTCOME_FAIL, "3, bound <= 10: not one of the listed values");
	r->outcome = OUTCOME_UNDECIDED;
	r->reason = NULL;
	comes_to(s, OUTCOME_UNDECIDED, "could not be measured: no reason was recorded");
	r->outcome = (enum outcome)9; /* a record from who knows where */
	comes_to(s, OUTCOME_UNDECIDED, "recorded with an unknown outcome");
	r->outcome = OUTCOME_PASS;
	for (size_t i = 0; i < 40; i++)
		items[i] = s->item;
	items[17].n_evidence = 0;
	s->in.items = items;
	s->in.n_items = 40;
	gate_decide(s->arena, &s->in, &d);
	assert_int_equal(d.n_lines, 40);
	assert_int_equal(d.lines[0].outcome, OUTCOME_UNDECIDED); /* what shuts comes first */
	assert_int_equal(d.lines[39].outcome, OUTCOME_PASS);
}

static void test_gate_needs_something_to_open_on(void **state)
{
	struct scene *s = *state;

	s->item.is_hard = false;
	comes_to(s, OUTCOME_UNDECIDED, "no check is required");
	s->in.n_items = 0;
	comes_to(s, OUTCOME_UNDECIDED, "no check is required");
	scene_add_rollback(s, false);
	comes_to(s, OUTCOME_UNDECIDED, "no check is required"); /* it does require something */
	s->gate.n_require = 0;
	comes_to(s, OUTCOME_PASS, "proven 60 min ago, restored in 2 s"); /* the rollback alone */
	s->in.gate = NULL;
	comes_to(s, OUTCOME_UNDECIDED, "no such gate");
}

static void test_gate_advice_marks(void **state)
{
	struct scene *s = *state;
	struct gate_item items[] = {s->item, s->item};
	struct decision d;

	s->in.items = items;
	s->in.n_items = 2;
	items[1].is_hard = false;
	items[1].n_evidence = 0;
	comes_to(s, OUTCOME_WARN, "never measured");
	gate_decide(s->arena, &s->in, &d);
	assert_true(d.lines[0].is_hard);
	assert_false(d.lines[1].is_hard);
	items[1].n_evidence = 1;
	comes_to(s, OUTCOME_PASS, NULL);
}

static void test_gate_joins_fail_over_undecided(void **state)
{
	struct scene *s = *state;
	struct gate_item items[] = {s->item, s->item};
	struct evidence failing = s->evidence[0];
	struct decision d;

	s->in.items = items;
	s->in.n_items = 2;
	failing.result.outcome = OUTCOME_FAIL;
	items[0].n_evidence = 0;
	items[1].evidence = &failing;
	comes_to(s, OUTCOME_FAIL, "never measured");
	gate_decide(s->arena, &s->in, &d);
	assert_int_equal(d.lines[0].outcome, OUTCOME_FAIL);
}

static void test_gate_rollback_all(void **state)
{
	struct scene *s = *state;
	struct restoration_step step = {
		"closure", OUTCOME_FAIL, 1, "object 12ab is missing", "git fetch --refetch", NULL};
	struct decision d;

	scene_add_rollback(s, true);
	comes_to(s, OUTCOME_PASS, "proven 60 min ago, restored in 2 s");
	s->rows[0].restoration.restore_us = s->rows[1].restoration.restore_us = 384;
	comes_to(s, OUTCOME_PASS, "proven 60 min ago, restored in 384 us");
	s->in.edition = 4; /* as it was told once */
	comes_to(s, OUTCOME_PASS, "proven 60 min ago, restored in 0 ms");
	s->in.edition = 0;
	s->rows[1].restoration.outcome = OUTCOME_FAIL;
	s->rows[1].restoration.steps = &step;
	s->rows[1].restoration.n_steps = 1;
	comes_to(s, OUTCOME_FAIL, "disproved at closure: object 12ab is missing");
	gate_decide(s->arena, &s->in, &d);
	assert_string_equal(d.lines[0].check, "rollback/releases");
	assert_string_equal(d.lines[0].series, "v1.1");
	assert_string_equal(d.lines[0].remedy, "git fetch --refetch");
	s->rows[1].restoration.outcome = OUTCOME_UNDECIDED;
	comes_to(s, OUTCOME_UNDECIDED, "unproven");
	s->rows[1].restoration.outcome = OUTCOME_SKIP;
	comes_to(s, OUTCOME_UNDECIDED, "unproven");
	s->rows[1].restoration.outcome = OUTCOME_PASS;
	s->rows[1].at_ms = NOW - 25 * HOUR;
	comes_to(s, OUTCOME_UNDECIDED, "limit 24 h");
	s->rows[1].at_ms = NOW + HOUR;
	comes_to(s, OUTCOME_UNDECIDED, "a clock is wrong");
	s->rows[1].at_ms = NOW;
	s->rows[1].run_state = RUN_INCOMPLETE;
	comes_to(s, OUTCOME_UNDECIDED, "did not come to its end");
	s->rows[1].run_state = RUN_COMPLETE;
	s->commits[1] = "decaf";
	comes_to(s, OUTCOME_UNDECIDED,
		 "proven just now as commit c0ffee, but the tag leads to decaf now");
	s->commits[1] = NULL;
	comes_to(s, OUTCOME_UNDECIDED, "but the tag leads to none now");
	s->commits[1] = "c0ffee";
	s->rows[1].restoration.commit = NULL;
	comes_to(s, OUTCOME_UNDECIDED, "as commit ?");
	s->rows[1].restoration.commit = "c0ffee";
	s->tags[1] = "v9"; /* a target nobody verified; v1.1 is no target any more */
	comes_to(s, OUTCOME_UNDECIDED, "never verified");
	s->tags[1] = "v1.1";
	s->rows[1].restoration.set = "others";
	comes_to(s, OUTCOME_UNDECIDED, "never verified");
	s->in.n_rollback_tags = 0;
	comes_to(s, OUTCOME_UNDECIDED, "no tag to roll back to");
	s->in.rollback_error = "repository is gone";
	comes_to(s, OUTCOME_UNDECIDED, "could not list the targets: repository is gone");
}

static void test_gate_rollback_gone(void **state)
{
	struct scene *s = *state;
	const char *gone[] = {"v1.1"};
	struct decision d;

	scene_add_rollback(s, true);
	s->in.n_rollback_tags = 1;
	s->in.rollback_gone = gone;
	s->in.n_rollback_gone = 1;
	comes_to(s, OUTCOME_UNDECIDED, "verified 60 min ago as commit c0ffee, and is no tag");
	gate_decide(s->arena, &s->in, &d);
	assert_string_equal(d.lines[0].remedy, "git tag v1.1 c0ffee");
	s->rows[1].restoration.outcome = OUTCOME_FAIL; /* it had been moved before */
	s->rows[1].restoration.commit = "decaf";
	comes_to(s, OUTCOME_UNDECIDED, "disproved 60 min ago as commit decaf, and is no tag");
	gate_decide(s->arena, &s->in, &d);
	assert_string_equal(d.lines[0].remedy, "bring back the tag as it was released");
	s->rows[1].pinned = "c0ffee";
	gate_decide(s->arena, &s->in, &d);
	assert_string_equal(d.lines[0].remedy, "git tag v1.1 c0ffee");
	s->rows[1].restoration.commit = NULL;
	comes_to(s, OUTCOME_UNDECIDED, "disproved 60 min ago, and is no tag");
	s->in.edition = 4; /* as it was told once */
	comes_to(s, OUTCOME_UNDECIDED, "disproved 60 min ago as commit ?, and is no tag");
	gate_decide(s->arena, &s->in, &d);
	assert_string_equal(d.lines[0].remedy, "bring back the tag as it was released");
}

static void test_gate_rollback_any(void **state)
{
	struct scene *s = *state;

	scene_add_rollback(s, false);
	s->rows[0].restoration.outcome = OUTCOME_FAIL;
	comes_to(s, OUTCOME_WARN, "disproved");
	s->rows[1].restoration.outcome = OUTCOME_UNDECIDED;
	comes_to(s, OUTCOME_WARN, "unproven");
	s->rows[2].restoration.outcome = OUTCOME_UNDECIDED;
	comes_to(s, OUTCOME_UNDECIDED, "unproven");
	s->rows[1].restoration.outcome = OUTCOME_FAIL;
	s->rows[2].restoration.outcome = OUTCOME_FAIL;
	comes_to(s, OUTCOME_FAIL, "disproved");
}

static void test_gate_items_take_the_strictest(void **state)
{
	struct scene *s = *state;
	struct check other = s->check, third = s->check, hidden = s->check;
	struct check *checks[] = {&other, &s->check, &third, &hidden};
	struct selector require[] = {
		{.text = "tasks/fresh", .glob = "tasks/fresh", .max_age_ms = 2 * HOUR},
		{.text = "severity>=7", .severity_op = 'g', .severity = 7, .max_age_ms = MINUTE},
		{.text = "severity>=7", .severity_op = 'g', .severity = 7},
	};
	struct selector advise[] = {{.text = "*", .glob = "*", .max_age_ms = 1}};
	struct definition d = {.checks = checks, .n_checks = 4};
	struct gate_item *items;
	size_t n;

	other.name = "tasks/other";
	third.name = "tasks/third";
	hidden.name = "rollback/x";
	hidden.is_hidden = true;
	hidden.severity = 9;
	other.severity = 8;
	s->gate.require = require;
	s->gate.n_require = 3;
	s->gate.advise = advise;
	s->gate.n_advise = 1;
	items = gate_items(s->arena, &d, &s->gate, &n);
	assert_true(n >= 3);
	assert_string_equal(items[0].check->name, "tasks/other");
	assert_true(items[0].is_hard);
	assert_int_equal(items[0].max_age_ms, MINUTE);
	assert_ptr_equal(items[0].selector, &require[1]);
	assert_true(items[1].is_hard);
	assert_int_equal(items[1].max_age_ms,
			 2 * HOUR); /* what advises does not make it stricter */
	assert_false(items[2].is_hard);
	assert_int_equal(items[2].max_age_ms, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_gate_opens_on_a_fresh_pass),
		SCENE_TEST(test_gate_says_what_passed_late),
		SCENE_TEST(test_gate_fails_on_a_disproved_series),
		SCENE_TEST(test_gate_never_measured),
		SCENE_TEST(test_gate_refuses_other_subjects),
		SCENE_TEST(test_gate_refuses_another_commit_of_the_subject),
		SCENE_TEST(test_gate_refuses_what_time_says),
		SCENE_TEST(test_gate_refuses_unfinished_runs),
		SCENE_TEST(test_gate_refuses_another_definition),
		SCENE_TEST(test_gate_says_a_refusal_once),
		SCENE_TEST(test_gate_needs_a_value_and_an_outcome),
		SCENE_TEST(test_gate_words),
		SCENE_TEST(test_gate_needs_something_to_open_on),
		SCENE_TEST(test_gate_advice_marks),
		SCENE_TEST(test_gate_joins_fail_over_undecided),
		SCENE_TEST(test_gate_rollback_all),
		SCENE_TEST(test_gate_rollback_gone),
		SCENE_TEST(test_gate_rollback_any),
		SCENE_TEST(test_gate_items_take_the_strictest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
