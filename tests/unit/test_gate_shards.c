/* gate: evidence of one shard counts when all shards of its whole are there, alike and fresh. */
#include "gate_scene.h"

#define N 4

struct parts {
	struct scene s;
	struct shard_run runs[N], others[N], duplicates[N];
	struct gate_shards shards;
	int64_t run_ids[1];
};

/* Run 12, which the scene's evidence is of, is the third of four; all are sound. */
static void init(struct parts *p, struct arena *a)
{
	memset(p, 0, sizeof(*p));
	scene_init(&p->s, a);
	for (int i = 0; i < N; i++) {
		p->runs[i] = (struct shard_run){.run_id = 10 + i,
						.index = i + 1,
						.total = N,
						.begin_ms = NOW - 2 * MINUTE,
						.run_state = RUN_COMPLETE,
						.subject = "v2"};
		memset(p->runs[i].manifest, 0xab, 32);
		memset(p->runs[i].definition_digest, 7, 32);
	}
	p->run_ids[0] = 12;
	p->shards = (struct gate_shards){.runs = p->run_ids, .n_runs = 1};
	p->shards.set = (struct shard_set){.subject = "v2",
					   .selection = "tag:fast severity>=7",
					   .total = N,
					   .runs = p->runs,
					   .others = p->others,
					   .duplicates = p->duplicates,
					   .newest = p->runs[3]};
	memset(p->shards.set.manifest, 0xab, 32);
	memset(p->shards.set.definition_digest, 7, 32);
	p->s.in.shards = &p->shards;
	p->s.in.n_shards = 1;
}

static int parts_setup(void **state)
{
	struct arena *a = arena_new();
	struct parts *p = arena_alloc(a, sizeof(*p));

	init(p, a);
	*state = p;
	return 0;
}

static int parts_teardown(void **state)
{
	struct parts *p = *state;

	arena_free(p->s.arena);
	return 0;
}

static void shuts(struct parts *p, const char *text)
{
	comes_to(&p->s, OUTCOME_UNDECIDED, text);
	init(p, p->s.arena);
}

static void test_shards_open_when_all_are_there(void **state)
{
	struct parts *p = *state;

	comes_to(&p->s, OUTCOME_PASS, "all 4 shards of manifest abababababab have a complete run");
	p->s.evidence[0].result.outcome = OUTCOME_FAIL;
	comes_to(&p->s, OUTCOME_FAIL, "all 4 shards");
}

static void test_shards_are_missed_by_name(void **state)
{
	struct parts *p = *state;

	p->runs[2] = (struct shard_run){.run_id = 0};
	shuts(p, "shard 3 of 4 has no complete run of manifest abababababab");
	p->runs[0] = p->runs[1] = p->runs[3] = (struct shard_run){.run_id = 0};
	shuts(p, "shards 1, 2 and 4 of 4 have no complete run of manifest abababababab");
	p->runs[1].run_state = RUN_INCOMPLETE;
	shuts(p, "shard 2 of 4 has no complete run of manifest abababababab: run 11 did not come "
		 "to its end");
	p->runs[1].run_state = RUN_INTERRUPTED;
	shuts(p, "shard 2 of 4 has no complete run of manifest abababababab: run 11 was "
		 "interrupted");
}

static void test_shards_must_be_fresh(void **state)
{
	struct parts *p = *state;

	p->runs[0].begin_ms = NOW - HOUR - MINUTE;
	shuts(p, "shard 1 of 4 of manifest abababababab: run 10 began 61 min ago, limit 60 min");
	p->runs[0].begin_ms = NOW + HOUR;
	shuts(p, "run 10 began 60 min in the future: a clock is wrong");
	p->runs[0].begin_ms = -1;
	shuts(p, "run 10 began");
}

static void test_shards_must_be_of_one_definition(void **state)
{
	struct parts *p = *state;

	p->runs[0].definition_digest[31] = 8;
	shuts(p, "shard 1 of 4 has no complete run of manifest abababababab: run 10 was made "
		 "under another definition");
	p->runs[0] = (struct shard_run){.run_id = 0};
	p->others[0] = p->runs[1];
	p->others[0].definition_digest[0] = 8;
	shuts(p, "; run 11 of shard 1 was made under another definition");
	p->runs[0] = (struct shard_run){.run_id = 0};
	p->others[0] = p->runs[1];
	p->others[0].subject = "v1";
	shuts(p, "; run 11 of shard 1 was made about \"v1\"");
	p->runs[0] = (struct shard_run){.run_id = 0};
	p->others[0] = p->runs[1];
	shuts(p, "; run 11 of shard 1 was made with other variables, checks or words");
	p->shards.set.newest.manifest[0] = 1;
	shuts(p, "the evidence is of manifest abababababab, and run 13, shard 4 of 4, is of "
		 "manifest 01abababab");
	p->shards.set.total = 0;
	shuts(p, "run 12 is no part of anything, though it says so");
}

static void test_shards_are_there_once(void **state)
{
	struct parts *p = *state;

	p->duplicates[2] = p->runs[2];
	p->duplicates[2].run_id = 9;
	p->duplicates[2].origin[15] = 1;
	shuts(p, "shard 3 of 4 of manifest abababababab: run 9 and run 12 are both complete, made "
		 "in different records, and neither");
	p->duplicates[0] = p->runs[0];
	p->duplicates[0].run_id = 9;
	shuts(p, "run 9 and run 10 are both complete, made at the same time");
	/* too old to count */
	init(p, p->s.arena);
	p->duplicates[0] = p->runs[0];
	p->duplicates[0].begin_ms = NOW - HOUR - MINUTE;
	comes_to(&p->s, OUTCOME_PASS, "all 4 shards");
}

/* Advice does not shut a gate, and what nobody rests on is nobody's business. */
static void test_shards_are_held_to_what_rests_on_them(void **state)
{
	struct parts *p = *state;
	struct gate_item items[2] = {p->s.item, p->s.item};
	struct evidence other = p->s.evidence[0];

	p->runs[1] = (struct shard_run){.run_id = 0};
	other.run_id = 99;
	items[1].evidence = &other;
	items[0].is_hard = false;
	p->s.in.items = items;
	p->s.in.n_items = 2;
	comes_to(&p->s, OUTCOME_WARN, "shard 2 of 4 has no complete run");
	p->run_ids[0] = 98;
	comes_to(&p->s, OUTCOME_PASS, NULL);
	p->run_ids[0] = 99;
	comes_to(&p->s, OUTCOME_UNDECIDED, "shard 2 of 4 has no complete run");
	/* the strictest age counts */
	init(p, p->s.arena);
	items[0].is_hard = true;
	items[0].max_age_ms = MINUTE;
	items[1].evidence = p->s.evidence;
	p->s.in.items = items;
	p->s.in.n_items = 2;
	p->s.evidence[0].result.measured_ms = NOW;
	comes_to(&p->s, OUTCOME_UNDECIDED,
		 "shards 1, 2, 3 and 4 of 4 of manifest abababababab: run 10 "
		 "began 2 min ago, limit 60 s");
}

/* Budgets and baselines, too, and verified tags. */
static void test_shards_of_history_are_held_to_it(void **state)
{
	struct parts *p = *state;
	const struct past_result result = {.run_id = 12, .series = "", .subject = "v2"};
	const struct gate_past past = {.check = &p->s.check, .results = &result, .n = 1};
	const struct budget_rule rule = {.pos = {"assize.yaml", 9, 9},
					 .objective = "99%",
					 .allowed = 0.01,
					 .window_ms = HOUR,
					 .max_gap_ms = HOUR};
	const struct gate_budget budget = {&rule, {&past, 1}};

	p->s.evidence[0].run_id = 5;
	p->runs[1] = (struct shard_run){.run_id = 0};
	comes_to(&p->s, OUTCOME_PASS, NULL);
	p->s.in.budgets = &budget;
	p->s.in.n_budgets = 1;
	comes_to(&p->s, OUTCOME_UNDECIDED, "shard 2 of 4 has no complete run");
	init(p, p->s.arena);
	p->s.evidence[0].run_id = 5;
	p->runs[1] = (struct shard_run){.run_id = 0};
	scene_add_rollback(&p->s, true);
	comes_to(&p->s, OUTCOME_PASS, NULL);
	p->run_ids[0] = 11;
	comes_to(&p->s, OUTCOME_UNDECIDED, "shard 2 of 4 has no complete run");
}

static void test_shards_remedy_is_the_run_that_is_missing(void **state)
{
	struct parts *p = *state;
	struct decision d;
	bool is_found = false;

	p->runs[1] = (struct shard_run){.run_id = 0};
	gate_decide(p->s.arena, &p->s.in, &d);
	for (size_t i = 0; i < d.n_lines; i++)
		is_found = is_found ||
			   (d.lines[i].remedy != NULL &&
			    strcmp(d.lines[i].remedy, "assize run tag:fast 'severity>=7' --shard "
						      "2/4 --subject v2") == 0);
	assert_true(is_found);
}

/* What was merged though nobody trusted had signed is told, or counts for nothing. */
static void test_shards_and_merges_are_vouched_for(void **state)
{
	struct parts *p = *state;
	struct gate_merged x = {.merge_id = 3,
				.run_id = 12,
				.n_runs = 2,
				.origin = "shop/ab",
				.is_own_key = true,
				.is_hard = true};

	p->s.in.merged = &x;
	p->s.in.n_merged = 1;
	comes_to(&p->s, OUTCOME_PASS,
		 "run 12 and 1 more were merged (merge 3 of shop/ab), and vouched for by its own "
		 "key only");
	p->s.in.is_trust_named = true;
	comes_to(&p->s, OUTCOME_UNDECIDED, "run 12 and 1 more were merged (merge 3");
	x.is_own_key = false;
	x.n_runs = 1;
	comes_to(&p->s, OUTCOME_UNDECIDED,
		 "run 12 was merged (merge 3 of shop/ab), and nobody vouched for it");
	x.is_hard = false;
	comes_to(&p->s, OUTCOME_WARN, "and nobody vouched for it");
}

/* However many are missing, a line stays one. */
/* Does the gate open by an override? */
static bool is_let_through(struct parts *p)
{
	const struct override o = {.id = 3,
				   .gate = "release",
				   .subject = "v2",
				   .actor = "jane",
				   .reason = "the shop is down",
				   .at_ms = NOW - MINUTE,
				   .until_ms = NOW + HOUR};
	struct decision d;

	p->s.in.overrides = &o;
	p->s.in.n_overrides = 1;
	gate_decide(p->s.arena, &p->s.in, &d);
	p->s.in.n_overrides = 0;
	if (!d.is_open)
		assert_non_null(strstr(d.lines[0].text,
				       "override 3 does not let it through: a check that rests on "
				       "it is absolute"));
	return d.is_open;
}

/* A pass of an absolute check that does not count is none an override may count. */
static void test_shards_and_merges_of_absolute_checks_are_absolute(void **state)
{
	struct parts *p = *state;
	struct gate_merged merged = {
		.merge_id = 3, .run_id = 12, .n_runs = 1, .origin = "shop/ab", .is_hard = true};
	struct gate_ledger ledger = {.size = 40, .signed_size = 20};

	for (int absolute = 0; absolute < 2; absolute++) {
		p->s.check.is_absolute = merged.is_absolute = absolute == 1;
		p->runs[3].run_id = 0;
		assert_int_equal(is_let_through(p), absolute == 0);
		p->s.in.edition = 1; /* as it was decided once */
		assert_true(is_let_through(p));
		init(p, p->s.arena);
		p->s.in.merged = &merged;
		p->s.in.n_merged = 1;
		p->s.in.is_trust_named = true;
		assert_int_equal(is_let_through(p), absolute == 0);
		init(p, p->s.arena);
		p->s.in.ledger = &ledger;
		p->s.in.not_signed = (struct gate_unsigned){
			.run_id = 12, .n_runs = 1, .is_absolute = absolute == 1};
		assert_int_equal(is_let_through(p), absolute == 0);
		init(p, p->s.arena);
	}
}

static void test_shards_of_a_thousand(void **state)
{
	struct parts *p = *state;
	struct shard_run *none = arena_array(p->s.arena, 1000, sizeof(*none));

	p->shards.set.total = 1000;
	p->shards.set.runs = p->shards.set.others = p->shards.set.duplicates = none;
	shuts(p, "shards 1, 2, 3, 4, 5, 6, 7, 8 and 992 more of 1000 have no complete run");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, parts_setup, parts_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_shards_open_when_all_are_there),
		TEST(test_shards_are_missed_by_name),
		TEST(test_shards_must_be_fresh),
		TEST(test_shards_must_be_of_one_definition),
		TEST(test_shards_are_there_once),
		TEST(test_shards_are_held_to_what_rests_on_them),
		TEST(test_shards_of_history_are_held_to_it),
		TEST(test_shards_remedy_is_the_run_that_is_missing),
		TEST(test_shards_and_merges_are_vouched_for),
		TEST(test_shards_and_merges_of_absolute_checks_are_absolute),
		TEST(test_shards_of_a_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
