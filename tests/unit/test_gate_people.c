/*
 * gate: rules beside those about checks: override, freeze, depends_on, the record itself. Each
 * alone, then the matrix of what must stay shut under each of them.
 */
#include "gate_scene.h"

#define DAY (24 * HOUR)

/* Beside the scene: one of each, none of which is in use until a test puts it there. */
struct people {
	struct scene s;
	struct freeze freeze;
	struct gate_window window;
	struct gate_dependency on;
	struct decision staging;
	struct gate_opened past;
	struct override overrides[2];
};

static void init(struct people *p, struct arena *a)
{
	memset(p, 0, sizeof(*p));
	scene_init(&p->s, a);
	memset(p->s.in.definition_digest, 7, sizeof(p->s.in.definition_digest));
	p->freeze = (struct freeze){.pos = {"assize.yaml", 50, 9}, .reason = "holidays"};
	p->window = (struct gate_window){
		.freeze = &p->freeze, .from_ms = NOW - DAY, .to_ms = NOW + 3 * DAY};
	p->on = (struct gate_dependency){
		.pos = {"assize.yaml", 60, 5}, .gate = "staging", .within_ms = HOUR};
	p->staging = (struct decision){.id = 4,
				       .gate = "staging",
				       .subject = "v2",
				       .at_ms = NOW - MINUTE,
				       .is_open = true,
				       .outcome = OUTCOME_PASS};
	memset(p->staging.definition_digest, 7, sizeof(p->staging.definition_digest));
	p->past = (struct gate_opened){.on = &p->on, .newest = &p->staging};
	p->overrides[0] = (struct override){.id = 3,
					    .gate = "release",
					    .subject = "v2",
					    .actor = "jane",
					    .reason = "the shop is down",
					    .at_ms = NOW - MINUTE,
					    .until_ms = NOW + HOUR};
	p->overrides[1] = p->overrides[0];
	p->overrides[1].id = 2;
}

static int people_setup(void **state)
{
	struct arena *a = arena_new();
	struct people *p = arena_alloc(a, sizeof(*p));

	init(p, a);
	*state = p;
	return 0;
}

static int people_teardown(void **state)
{
	struct people *p = *state;

	arena_free(p->s.arena);
	return 0;
}

static void again(struct people *p)
{
	init(p, p->s.arena);
}

static struct decision decided(struct people *p)
{
	struct decision d;

	gate_decide(p->s.arena, &p->s.in, &d);
	return d;
}

static bool says(const struct decision *d, const char *text)
{
	for (size_t i = 0; i < d->n_lines; i++)
		if (strstr(d->lines[i].text, text) != NULL)
			return true;
	return false;
}

static void stays_shut(struct people *p, const char *what)
{
	struct decision d = decided(p);

	if (d.is_open || outcome_is_passing(d.outcome) || d.override != NULL)
		fail_msg("%s: opened", what);
}

/* ---- freeze ---- */

static void freeze_on(struct people *p)
{
	p->s.in.windows = &p->window;
	p->s.in.n_windows = 1;
}

static void test_freeze_shuts_inside_its_window(void **state)
{
	struct people *p = *state;
	struct decision d;

	freeze_on(p);
	comes_to(&p->s, OUTCOME_FAIL,
		 "frozen until 2026-11-25T21:40:03Z, which is 3 d in the future: holidays");
	d = decided(p);
	assert_string_equal(d.lines[0].check, "freeze");
	assert_int_equal(d.lines[0].line, 50);
	p->window.to_ms = NOW;
	comes_to(&p->s, OUTCOME_PASS, NULL);
	p->window.to_ms = NOW + 1;
	comes_to(&p->s, OUTCOME_FAIL, "frozen until");
	p->window.from_ms = NOW;
	comes_to(&p->s, OUTCOME_FAIL, "frozen until");
	p->window.from_ms = NOW + 1;
	p->window.to_ms = NOW + DAY;
	comes_to(&p->s, OUTCOME_PASS, NULL);
}

static void test_freeze_that_cannot_be_placed_is_undecided(void **state)
{
	struct people *p = *state;

	freeze_on(p);
	p->window = (struct gate_window){.freeze = &p->freeze, .error = "no such zone"};
	comes_to(&p->s, OUTCOME_UNDECIDED,
		 "could not tell whether the gate is frozen: no such zone");
}

/* ---- depends_on ---- */

static void depend_on(struct people *p)
{
	p->s.in.depends = &p->past;
	p->s.in.n_depends = 1;
}

static void test_dependency_must_be_open_lately_about_this(void **state)
{
	struct people *p = *state;
	struct decision d;

	depend_on(p);
	comes_to(&p->s, OUTCOME_PASS, "was decided open 60 s ago");
	p->staging.at_ms = NOW - HOUR;
	comes_to(&p->s, OUTCOME_PASS, NULL);
	p->staging.at_ms = NOW - HOUR - 1;
	comes_to(&p->s, OUTCOME_UNDECIDED, "was decided 60 min ago, limit 60 min");
	p->staging.at_ms = NOW + 2 * MINUTE;
	comes_to(&p->s, OUTCOME_UNDECIDED, "in the future: a clock is wrong");
	p->staging.at_ms = NOW - MINUTE;
	p->staging.subject = "v1";
	comes_to(&p->s, OUTCOME_UNDECIDED, "was never decided about \"v2\"");
	p->staging.subject = "any";
	comes_to(&p->s, OUTCOME_UNDECIDED, "was never decided about \"v2\"");
	p->staging.subject = "v2";
	p->staging.gate = "stagin";
	comes_to(&p->s, OUTCOME_UNDECIDED, "was never decided about \"v2\"");
	p->past.newest = NULL;
	comes_to(&p->s, OUTCOME_UNDECIDED, "was never decided about \"v2\"");
	d = decided(p);
	assert_string_equal(d.lines[0].check, "depends_on");
	assert_string_equal(d.lines[0].series, "staging");
	assert_string_equal(d.lines[0].remedy, "assize gate staging --subject v2");
	assert_int_equal(d.lines[0].line, 60);
}

static void test_dependency_under_another_definition_is_undecided(void **state)
{
	struct people *p = *state;

	depend_on(p);
	p->staging.definition_digest[31] ^= 1;
	comes_to(&p->s, OUTCOME_UNDECIDED, "under another definition");
	p->staging.definition_digest[31] ^= 1;
	p->s.in.definition_digest[0] ^= 1;
	comes_to(&p->s, OUTCOME_UNDECIDED, "under another definition");
	p->s.in.definition_digest[0] ^= 1;
	p->past.is_other_policy = true;
	comes_to(&p->s, OUTCOME_UNDECIDED, "by other rules or with other variables");
	p->staging.is_open = false;
	p->staging.outcome = OUTCOME_FAIL;
	comes_to(&p->s, OUTCOME_FAIL, "was decided shut (fail)");
}

static void test_dependency_that_is_shut_says_how(void **state)
{
	struct people *p = *state;

	depend_on(p);
	p->staging.is_open = false;
	p->staging.outcome = OUTCOME_FAIL;
	comes_to(&p->s, OUTCOME_FAIL, "was decided shut (fail) 60 s ago");
	p->staging.outcome = OUTCOME_UNDECIDED;
	comes_to(&p->s, OUTCOME_UNDECIDED, "was decided shut (undecided) 60 s ago");
	p->past.subject_commit = "aaaa";
	p->s.in.subject_commit = "bbbb";
	p->staging.is_open = true;
	comes_to(&p->s, OUTCOME_UNDECIDED, "about another commit: \"v2\" was aaaa then");
	p->staging.is_open = false;
	p->s.in.subject_commit = NULL;
	p->staging.outcome = OUTCOME_PASS; /* a record from who knows where */
	comes_to(&p->s, OUTCOME_UNDECIDED, "was decided shut (pass)");
}

static void test_dependency_overridden_counts_only_where_accepted(void **state)
{
	struct people *p = *state;

	depend_on(p);
	p->staging.outcome = OUTCOME_FAIL;
	p->staging.override = &p->overrides[0];
	comes_to(&p->s, OUTCOME_UNDECIDED, "was overridden by jane 60 s ago");
	p->on.is_overridden_accepted = true;
	comes_to(&p->s, OUTCOME_WARN, "was decided open 60 s ago, overridden by jane");
	p->overrides[0].until_ms = NOW + 1;
	comes_to(&p->s, OUTCOME_WARN, "was decided open");
	p->overrides[0].until_ms = NOW;
	comes_to(&p->s, OUTCOME_UNDECIDED,
		 "was opened by an override of jane, which ended just now");
	p->s.in.edition = 1; /* as it was decided once */
	comes_to(&p->s, OUTCOME_PASS, "was decided open 60 s ago");
}

static void test_dependency_with_waivers_counts_until_they_expire(void **state)
{
	struct people *p = *state;
	struct waived w = {.id = "W-1", .granted_ms = NOW - DAY, .expires_ms = NOW + 1};
	struct decision_line lines[] = {
		{.check = "a/b", .outcome = OUTCOME_PASS, .is_hard = true},
		{.check = "a/c", .outcome = OUTCOME_FAIL, .is_hard = true, .waived = &w},
	};

	depend_on(p);
	p->staging.lines = lines;
	p->staging.n_lines = 2;
	comes_to(&p->s, OUTCOME_WARN, "was decided open 60 s ago, with 1 waived");
	w.expires_ms = NOW;
	comes_to(&p->s, OUTCOME_UNDECIDED, "was opened with waiver W-1, which expired just now");
	lines[1].is_hard = false; /* advice opened nothing */
	comes_to(&p->s, OUTCOME_PASS, "was decided open 60 s ago");
	lines[1].is_hard = true;
	p->s.in.edition = 1;
	comes_to(&p->s, OUTCOME_PASS, "was decided open 60 s ago");
}

/* Another gate's word is nothing to open on. */
static void test_dependencies_alone_open_nothing(void **state)
{
	struct people *p = *state;

	depend_on(p);
	p->s.in.n_items = 0;
	comes_to(&p->s, OUTCOME_UNDECIDED, "no check is required");
}

/* ---- override ---- */

static void override_with(struct people *p, size_t n)
{
	p->s.in.overrides = p->overrides;
	p->s.in.n_overrides = n;
}

static void test_override_opens_and_hides_nothing(void **state)
{
	struct people *p = *state;
	struct decision d;

	p->s.evidence[0].result.outcome = OUTCOME_FAIL;
	override_with(p, 1);
	d = decided(p);
	assert_true(d.is_open);
	assert_true(decision_is_overridden(&d));
	assert_int_equal(d.outcome, OUTCOME_FAIL);
	assert_string_equal(decision_state(&d), "overridden");
	assert_ptr_equal(d.override, &p->overrides[0]);
	assert_int_equal(d.n_lines, 1);
	assert_true(decision_line_shuts(&d.lines[0]));
	assert_string_equal(d.lines[0].text, "3, bound <= 10");
	p->s.evidence[0].result.outcome = OUTCOME_UNDECIDED;
	d = decided(p);
	assert_true(d.is_open);
	assert_int_equal(d.outcome, OUTCOME_UNDECIDED);
	freeze_on(p);
	d = decided(p);
	assert_true(d.is_open);
	assert_true(says(&d, "frozen until"));
}

static void test_override_of_an_open_gate_is_not_used(void **state)
{
	struct people *p = *state;
	struct decision d;

	override_with(p, 1);
	d = decided(p);
	assert_int_equal(d.outcome, OUTCOME_PASS);
	assert_null(d.override);
}

static void test_override_does_not_pass_absolute_checks(void **state)
{
	struct people *p = *state;

	override_with(p, 1);
	p->s.check.is_absolute = true;
	p->s.evidence[0].result.outcome = OUTCOME_FAIL;
	comes_to(&p->s, OUTCOME_FAIL,
		 "3, bound <= 10; override 3 does not let it through: the check is absolute");
	p->s.item.n_evidence = 0;
	comes_to(&p->s, OUTCOME_UNDECIDED, "never measured; override 3 does not let it through");
}

/* What a budget says of an absolute check is no less absolute. */
static void test_override_does_not_pass_budgets_of_absolute_checks(void **state)
{
	struct people *p = *state;
	struct past_result failed = {.run_id = 12,
				     .measured_ms = NOW - HOUR,
				     .run_state = RUN_COMPLETE,
				     .outcome = OUTCOME_FAIL,
				     .is_same_definition = true,
				     .has_value = true,
				     .series = "",
				     .subject = "v1",
				     .unit = ""};
	struct check other = {.name = "api/up"};
	const struct gate_past pasts[] = {{&p->s.check, &failed, 1}, {&other, &failed, 1}};
	const struct budget_rule rules[] = {
		{.pos = {"assize.yaml", 50, 5},
		 .objective = "90%",
		 .allowed = 0.1,
		 .window_ms = 2 * HOUR,
		 .max_gap_ms = 2 * HOUR},
		{.pos = {"assize.yaml", 55, 5}, .objective = "90%", .allowed = 0.1},
	};
	const struct gate_budget budgets[] = {{&rules[0], {pasts, 2}}, {&rules[1], {&pasts[1], 1}}};

	override_with(p, 1);
	p->s.in.budgets = budgets;
	p->s.in.n_budgets = 2;
	assert_true(decided(p).is_open);
	p->s.check.is_absolute = true;
	comes_to(&p->s, OUTCOME_FAIL,
		 "60 min are unknown; override 3 does not let it through: the check is absolute");
	stays_shut(p, "a spent budget");
	p->s.in.budgets = &budgets[1]; /* another one, of another check */
	p->s.in.n_budgets = 1;
	assert_true(decided(p).is_open);
}

static void test_override_is_about_one_gate_and_one_subject(void **state)
{
	struct people *p = *state;

	p->s.evidence[0].result.outcome = OUTCOME_FAIL;
	override_with(p, 1);
	p->overrides[0].subject_commit = p->s.in.subject_commit = "aaaa";
	assert_true(decided(p).is_open);
	p->s.in.subject_commit = "bbbb";
	stays_shut(p, "a tag that was moved since");
	comes_to(&p->s, OUTCOME_FAIL, "does not count: it is about another commit: ");
	p->s.in.subject_commit = NULL;
	p->overrides[0].subject = "v1";
	stays_shut(p, "another subject");
	p->overrides[0].subject = "any";
	stays_shut(p, "an override for any");
	p->s.in.subject = "any";
	p->s.gate.is_any_subject = true;
	stays_shut(p, "any for any");
	again(p);
	p->s.evidence[0].result.outcome = OUTCOME_FAIL;
	override_with(p, 1);
	p->overrides[0].gate = "releases";
	stays_shut(p, "another gate");
	p->overrides[0].gate = "release";
	p->overrides[0].subject = p->s.in.subject = "";
	stays_shut(p, "no subject");
	p->s.in.subject = NULL;
	stays_shut(p, "no subject at all");
}

static void test_override_ends(void **state)
{
	struct people *p = *state;
	struct decision d;

	p->s.evidence[0].result.outcome = OUTCOME_FAIL;
	override_with(p, 1);
	p->overrides[0].until_ms = NOW;
	comes_to(&p->s, OUTCOME_FAIL, "override 3 by jane ended just now");
	p->overrides[0].at_ms = NOW - 5 * HOUR;
	p->overrides[0].until_ms = NOW - 2 * HOUR;
	comes_to(&p->s, OUTCOME_FAIL, "override 3 by jane ended 2 h ago");
	p->overrides[0].at_ms = NOW + 2 * HOUR;
	p->overrides[0].until_ms = NOW + 3 * HOUR;
	comes_to(&p->s, OUTCOME_FAIL, "override 3 by jane does not count: dated 2 h in the future");
	p->overrides[0].at_ms = NOW - HOUR;
	p->overrides[0].until_ms = NOW - HOUR + GATE_MAX_OVERRIDE_MS + 1;
	comes_to(&p->s, OUTCOME_FAIL, "it is longer than 24 h");
	p->overrides[0].at_ms = INT64_MIN;
	p->overrides[0].until_ms = INT64_MAX;
	comes_to(&p->s, OUTCOME_FAIL, "it is longer than 24 h");
	override_with(p, 2); /* an older one that counts still does */
	d = decided(p);
	assert_true(d.is_open);
	assert_int_equal(d.override->id, 2);
}

static void test_override_makes_no_gate_of_nothing(void **state)
{
	struct people *p = *state;

	override_with(p, 1);
	p->s.in.n_items = 0;
	comes_to(&p->s, OUTCOME_UNDECIDED,
		 "override 3 by jane does not count: the gate requires nothing");
	p->s.in.n_items = 1;
	p->s.item.is_hard = false;
	p->s.item.n_evidence = 0;
	comes_to(&p->s, OUTCOME_UNDECIDED, "the gate requires nothing");
	p->s.in.gate = NULL;
	stays_shut(p, "no gate");
}

/* ---- the record itself ---- */

static struct gate_ledger whole(void)
{
	return (struct gate_ledger){.pos = {"assize.yaml", 70, 5},
				    .anchored_within_ms = DAY,
				    .size = 500,
				    .anchored = 480,
				    .anchored_ms = NOW - HOUR};
}

static void test_record_must_be_whole_and_anchored(void **state)
{
	struct people *p = *state;
	struct gate_ledger x = whole();

	p->s.in.ledger = &x;
	comes_to(&p->s, OUTCOME_PASS,
		 "500 records are what was recorded, 480 of them anchored 60 min ago");
	x.anchored_within_ms = 0;
	x.anchored = x.anchored_ms = 0;
	comes_to(&p->s, OUTCOME_PASS, "500 records are what was recorded");
	x = whole();
	x.n_doubts = 1;
	x.finding = "the clock was set back";
	comes_to(&p->s, OUTCOME_UNDECIDED, "the record is in doubt: the clock was set back");
	x.n_broken = 1;
	x.finding = "records 3 to 4 are gone";
	comes_to(&p->s, OUTCOME_FAIL,
		 "the record is not what was recorded: records 3 to 4 are gone");
	x = whole();
	p->s.in.not_signed = (struct gate_unsigned){.decided = "staging"};
	comes_to(&p->s, OUTCOME_UNDECIDED,
		 "the decision of gate \"staging\" is signed for by no key that is trusted");
	p->s.in.not_signed = (struct gate_unsigned){.run_id = 9, .n_runs = 3};
	comes_to(&p->s, OUTCOME_UNDECIDED,
		 "run 9 and 2 more are signed for by no key that is trusted");
	x.error = "disk I/O error";
	comes_to(&p->s, OUTCOME_UNDECIDED, "could not be verified: disk I/O error");
}

static void test_record_anchored_otherwise_is_undecided(void **state)
{
	struct people *p = *state;
	struct gate_ledger x = whole();

	p->s.in.ledger = &x;
	x.anchored = 0;
	comes_to(&p->s, OUTCOME_UNDECIDED, "no anchor vouches for the record");
	x = whole();
	x.anchored_ms = 0;
	comes_to(&p->s, OUTCOME_UNDECIDED, "no anchor vouches for the record");
	x.anchored_ms = NOW - DAY - 1;
	comes_to(&p->s, OUTCOME_UNDECIDED, "the record was anchored 24 h ago, limit 24 h");
	x.anchored_ms = NOW + DAY;
	comes_to(&p->s, OUTCOME_UNDECIDED, "24 h in the future: a clock is wrong");
	p->s.in.n_items = 0;
	x = whole();
	comes_to(&p->s, OUTCOME_UNDECIDED, "nothing to open on");
}

/* ---- the matrix ---- */

static void spoil(struct people *p, int how)
{
	struct result *r = &p->s.evidence[0].result;
	static const double odd[] = {NAN, INFINITY, -INFINITY};

	switch (how) {
	case 0:
		p->s.in.gate = NULL;
		break;
	case 1:
		p->s.in.n_items = 0;
		break;
	case 2:
		r->outcome = OUTCOME_SKIP;
		break;
	case 3: /* error, timeout, killed, empty, missing baseline: all are this */
		r->outcome = OUTCOME_UNDECIDED;
		break;
	case 4:
	case 5:
	case 6:
		r->value = (struct value){.type = VALUE_REAL, .real = odd[how - 4]};
		break;
	case 7:
		r->value.type = VALUE_NONE;
		break;
	case 8:
		r->measured_ms = NOW - 2 * HOUR;
		break;
	case 9:
		r->measured_ms = NOW + 2 * HOUR;
		break;
	case 10:
		p->s.evidence[0].subject = "v1";
		break;
	case 11:
		p->s.evidence[0].run_state = RUN_INCOMPLETE;
		break;
	case 12:
		p->s.check.hash[0] ^= 1;
		break;
	case 13:
		p->s.item.n_evidence = 0;
		break;
	default:
		r->outcome = OUTCOME_FAIL;
		break;
	}
}

/* A rule that is content adds nothing that opens; one about an absolute check opens nothing. */
static void test_rules_are_never_green(void **state)
{
	struct people *p = *state;

	const struct gate_ledger ledger = whole();

	for (int how = 0; how <= 14; how++) {
		for (int rule = 0; rule < 5; rule++) {
			again(p);
			spoil(p, how);
			if (rule == 0 || rule == 3) {
				freeze_on(p);
				p->window.to_ms = NOW - HOUR;
			}
			if (rule == 1 || rule == 3)
				depend_on(p);
			if (rule == 2 || rule == 3) {
				override_with(p, 2);
				p->s.check.is_absolute = true;
			}
			if (rule >= 3)
				p->s.in.ledger = &ledger;
			stays_shut(p, arena_printf(p->s.arena, "%d under rule %d", how, rule));
		}
	}
}

#define PEOPLE_TEST(name) cmocka_unit_test_setup_teardown(name, people_setup, people_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PEOPLE_TEST(test_freeze_shuts_inside_its_window),
		PEOPLE_TEST(test_freeze_that_cannot_be_placed_is_undecided),
		PEOPLE_TEST(test_dependency_must_be_open_lately_about_this),
		PEOPLE_TEST(test_dependency_under_another_definition_is_undecided),
		PEOPLE_TEST(test_dependency_that_is_shut_says_how),
		PEOPLE_TEST(test_dependency_overridden_counts_only_where_accepted),
		PEOPLE_TEST(test_dependency_with_waivers_counts_until_they_expire),
		PEOPLE_TEST(test_dependencies_alone_open_nothing),
		PEOPLE_TEST(test_override_opens_and_hides_nothing),
		PEOPLE_TEST(test_override_of_an_open_gate_is_not_used),
		PEOPLE_TEST(test_override_does_not_pass_absolute_checks),
		PEOPLE_TEST(test_override_does_not_pass_budgets_of_absolute_checks),
		PEOPLE_TEST(test_override_is_about_one_gate_and_one_subject),
		PEOPLE_TEST(test_override_ends),
		PEOPLE_TEST(test_override_makes_no_gate_of_nothing),
		PEOPLE_TEST(test_record_must_be_whole_and_anchored),
		PEOPLE_TEST(test_record_anchored_otherwise_is_undecided),
		PEOPLE_TEST(test_rules_are_never_green),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
