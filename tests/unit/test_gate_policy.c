/* policy: what a decision was a function of survives as text, and nothing else is taken for it. */
#include "gate_scene.h"

#include "gates/policy.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"

struct texts_of {
	struct buf policy, basis;
};

static struct texts_of write(const struct scene *s)
{
	struct texts_of t;

	buf_init(&t.policy, BUF_UNBOUNDED);
	buf_init(&t.basis, BUF_UNBOUNDED);
	policy_write(&t.policy, &s->in);
	basis_write(&t.basis, &s->in);
	return t;
}

static void release(struct texts_of *t)
{
	buf_release(&t->policy);
	buf_release(&t->basis);
}

static void add_waiver(struct scene *s)
{
	static const char *gates[] = {"release"};
	static struct waiver waiver, *waivers[] = {&waiver};

	waiver = (struct waiver){.id = "w1",
				 .check = &s->check,
				 .gates = {gates, NULL, 1},
				 .owner = "me",
				 .reason = "because",
				 .ticket = "T-1",
				 .granted_ms = NOW - HOUR,
				 .expires_ms = NOW + HOUR};
	s->gate.max_waiver_ms = 24 * HOUR;
	s->in.waivers = waivers;
	s->in.n_waivers = 1;
}

/* Everything a gate can ask for. */
static void fill(struct scene *s)
{
	static struct selector streak_rule = {
		.streak_need = 2, .streak_of = 3, .streak_apart_ms = 1000, .pos = {"g.yaml", 1, 2}};
	static const struct gate_streak streak = {&streak_rule, true};
	static const struct burn_pair burn = {14.4, HOUR, MINUTE};
	static const struct budget_rule budget = {.pos = {"g.yaml", 3, 4},
						  .objective = "99.5%",
						  .allowed = 0.005,
						  .window_ms = 48 * HOUR,
						  .max_gap_ms = HOUR,
						  .burn = &burn,
						  .n_burn = 1};
	static const struct baseline_rule baseline = {.pos = {"g.yaml", 5, 6},
						      .against = {.subject = "v\"1"},
						      .min_n = 20,
						      .effect_text = "5ms",
						      .effect = 0.005,
						      .effect_unit = "s",
						      .direction = BASELINE_HIGHER,
						      .alpha = 0.01};
	static struct past_result past[2];
	static struct gate_past of_check;
	static struct gate_budget budgets;
	static struct gate_baseline baselines;

	past[0] = past[1] = (struct past_result){.run_id = 12,
						 .measured_ms = NOW - MINUTE,
						 .run_state = RUN_COMPLETE,
						 .outcome = OUTCOME_PASS,
						 .is_same_definition = true,
						 .has_value = true,
						 .series = "",
						 .subject = "v2",
						 .unit = ""};
	past[1].run_id = 11;
	past[1].run_state = RUN_INCOMPLETE;
	of_check = (struct gate_past){&s->check, past, 2};
	budgets = (struct gate_budget){&budget, {&of_check, 1}};
	baselines = (struct gate_baseline){&baseline, {&of_check, 1}};
	s->item.streaks = &streak;
	s->item.n_streaks = 1;
	s->item.past = past;
	s->item.n_past = 2;
	scene_add_rollback(s, true);
	s->commits[2] = NULL;
	add_waiver(s);
	s->in.budgets = &budgets;
	s->in.n_budgets = 1;
	s->in.baselines = &baselines;
	s->in.n_baselines = 1;
	s->in.before_seq = 77;
	s->evidence[0].result.outcome = OUTCOME_FAIL;
}

/* As the record would: what was read gets the results it names. */
static void put_evidence(struct scene *s, struct basis *b)
{
	assert_int_equal(b->evidence[0].run_id, 12);
	assert_int_equal(b->evidence[0].run_state, RUN_COMPLETE);
	b->items[0].evidence = s->item.evidence;
	b->items[0].n_evidence = s->item.n_evidence;
	b->items[0].past = s->item.past;
	b->items[0].n_past = s->item.n_past;
	b->budgets[0][0].results = s->item.past;
	b->budgets[0][0].n = s->item.n_past;
	b->baselines[0][0].results = s->item.past;
	b->baselines[0][0].n = s->item.n_past;
	for (size_t i = 0; i < b->input.n_restorations; i++)
		b->restorations[i].restoration = s->rows[i].restoration;
}

static void test_policy_gives_the_same_decision(void **state)
{
	struct scene *s = *state;
	struct decision was, is;
	struct texts_of t;
	struct err e = {0};
	struct basis b;

	fill(s);
	gate_decide(s->arena, &s->in, &was);
	assert_true(was.n_lines > 6);
	t = write(s);
	if (policy_read(s->arena, t.policy.data, t.basis.data, &b, &e) != 0)
		fail_msg("%s", e.message);
	assert_int_equal(b.input.before_seq, 77);
	assert_int_equal(b.n_open, 3);
	assert_int_equal(b.open[0].runs[0], 11);
	put_evidence(s, &b);
	gate_decide(s->arena, &b.input, &is);
	assert_int_equal(was.n_lines, is.n_lines);
	for (size_t i = 0; i < was.n_lines; i++) {
		assert_string_equal(was.lines[i].text, is.lines[i].text);
		assert_string_equal(was.lines[i].check, is.lines[i].check);
		assert_int_equal(was.lines[i].outcome, is.lines[i].outcome);
		assert_int_equal(was.lines[i].line, is.lines[i].line);
		assert_true((was.lines[i].waived != NULL) == (is.lines[i].waived != NULL));
	}
	assert_int_equal(was.outcome, is.outcome);
	assert_int_equal(was.oldest_ms, is.oldest_ms);
	release(&t);
}

/* The same input gives the same text; the policy knows nothing of the time or the evidence. */
static void test_policy_is_one_text_as_long_as_nobody_changes_it(void **state)
{
	struct scene *s = *state;
	struct texts_of one, two;

	fill(s);
	one = write(s);
	s->in.now_ms += HOUR;
	s->evidence[0].run_id = 13;
	two = write(s);
	assert_string_equal(one.policy.data, two.policy.data);
	assert_string_not_equal(one.basis.data, two.basis.data);
	release(&two);
	s->check.pos.file = "a \\ \"file\":null.yaml"; /* shown from elsewhere, it is the same */
	two = write(s);
	assert_string_not_equal(one.policy.data, two.policy.data);
	assert_true(policy_is_same(one.policy.data, two.policy.data));
	assert_true(policy_is_same(two.policy.data, one.policy.data));
	release(&two);
	s->check.pos.line++;
	two = write(s);
	assert_false(policy_is_same(one.policy.data, two.policy.data));
	release(&two);
	s->check.pos.line--;
	s->item.max_age_ms++;
	two = write(s);
	assert_string_not_equal(one.policy.data, two.policy.data);
	assert_false(policy_is_same(one.policy.data, two.policy.data));
	assert_false(policy_is_same(one.policy.data, ""));
	release(&one);
	release(&two);
}

/* Rules whose findings are in the basis: when, on whom and how long ago is the policy's. */
static void test_policy_is_another_when_a_rule_is(void **state)
{
	struct scene *s = *state;
	struct freeze freezes[] = {
		{.reason = "holidays", .from_ms = 1, .to_ms = 2},
		{.reason = "weekends", .is_recurring = true, .for_ms = HOUR, .time_zone = "UTC"},
	};
	struct gate_dependency on = {.gate = "first", .within_ms = HOUR};
	int64_t *const numbers[] = {&freezes[0].to_ms, &freezes[1].for_ms, &on.within_ms,
				    &s->gate.anchored_within_ms};
	struct texts_of one, two;
	struct err e = {0};
	struct basis b;

	fill(s);
	s->gate.freezes = freezes;
	s->gate.n_freezes = 2;
	s->gate.depends = &on;
	s->gate.n_depends = 1;
	s->gate.is_ledger_asked = true;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		one = write(s);
		assert_int_equal(policy_read(s->arena, one.policy.data, one.basis.data, &b, &e), 0);
		++*numbers[i];
		two = write(s);
		assert_false(policy_is_same(one.policy.data, two.policy.data));
		release(&one);
		release(&two);
	}
	one = write(s);
	freezes[1].cron.hours = 1;
	two = write(s);
	assert_false(policy_is_same(one.policy.data, two.policy.data));
	release(&two);
	s->gate.n_depends = 0;
	two = write(s);
	assert_false(policy_is_same(one.policy.data, two.policy.data));
	release(&two);
	release(&one);
}

/* A text with one byte of its structure gone is none: never a decision from half of it. */
static void test_policy_refuses_what_is_not_one(void **state)
{
	static const char *const texts[] = {"", "null", "[]", "{}", "{\"assize\":\"policy/2\"}"};
	struct scene *s = *state;
	struct texts_of t;
	struct err e = {0};
	struct basis b;
	size_t n_read = 0;

	fill(s);
	t = write(s);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(policy_read(s->arena, texts[i], t.basis.data, &b, &e), -1);
		assert_int_equal(policy_read(s->arena, t.policy.data, texts[i], &b, &e), -1);
	}
	for (size_t i = 0; i < t.policy.len; i++) {
		char kept = t.policy.data[i];

		if (kept != '"' && kept != '{' && kept != '[' && kept != ':')
			continue;
		t.policy.data[i] = ' ';
		n_read += policy_read(s->arena, t.policy.data, t.basis.data, &b, &e) == 0 ? 1 : 0;
		t.policy.data[i] = kept;
	}
	assert_int_equal(n_read, 0);
	release(&t);
}

/* What no definition can ask for, and what would run over. */
static void test_policy_refuses_impossible_numbers(void **state)
{
	static const struct {
		const char *was, *is;
		bool is_basis;
	} edits[] = {
		{"\"need\":2,", "\"need\":0,", false},
		{"\"need\":2,", "\"need\":4,", false},
		{"\"need\":2,", "\"need\":-1,", false},
		{"\"of\":3,", "\"of\":1,", false},
		{"\"of\":3,", "\"of\":-3,", false},
		{"\"of\":3,", "\"of\":5000000000,", false},
		{"\"apart_ms\":1000", "\"apart_ms\":-1", false},
		{"\"window_ms\":172800000", "\"window_ms\":0", false},
		{"\"window_ms\":172800000", "\"window_ms\":-172800000", false},
		{"\"window_ms\":172800000", "\"window_ms\":9223372036854775807", false},
		{"\"max_gap_ms\":3600000", "\"max_gap_ms\":9223372036854775807", false},
		{"\"long_ms\":3600000", "\"long_ms\":172800001", false},
		{"\"short_ms\":60000", "\"short_ms\":0", false},
		{"\"direction\":1", "\"direction\":7", false},
		{"\"min_n\":20", "\"min_n\":0", false},
		{"\"max_age_ms\":3600000", "\"max_age_ms\":-3600000", false},
		{"\"now_ms\":1795383603000", "\"now_ms\":-9223372036854775807", true},
		{"\"now_ms\":1795383603000", "\"now_ms\":9223372036854775807", true},
		{"\"edition\":5", "\"edition\":0", true},
		{"\"edition\":5", "\"edition\":6", true},
	};
	struct scene *s = *state;
	struct texts_of t;

	fill(s);
	t = write(s);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		const char *text = edits[i].is_basis ? t.basis.data : t.policy.data;
		const char *at = strstr(text, edits[i].was), *edited;
		struct err e = {0};
		struct basis b;

		if (at == NULL)
			fail_msg("no %s in %s", edits[i].was, text);
		edited = arena_printf(s->arena, "%.*s%s%s", (int)(at - text), text, edits[i].is,
				      at + strlen(edits[i].was));
		if (policy_read(s->arena, edits[i].is_basis ? t.policy.data : edited,
				edits[i].is_basis ? edited : t.basis.data, &b, &e) == 0)
			fail_msg("read: %s", edits[i].is);
		assert_non_null(strstr(e.message, "it is not one of this version"));
	}
	release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_policy_gives_the_same_decision),
		SCENE_TEST(test_policy_is_one_text_as_long_as_nobody_changes_it),
		SCENE_TEST(test_policy_is_another_when_a_rule_is),
		SCENE_TEST(test_policy_refuses_what_is_not_one),
		SCENE_TEST(test_policy_refuses_impossible_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
