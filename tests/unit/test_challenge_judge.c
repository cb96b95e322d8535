/*
 * challenge: what an attack came to, what would have noticed it, and what counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/model/challenge.h"
#include "runner/model/kind.h"
#include "tests/unit/challenge_sample.h"
#include "tests/unit/challenge_world.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

struct scene {
	const char *what;
	const char *name, *first, *second, *warn; /* of what is expected */
	const char *unit;
	struct sample before, after;
	bool is_unmeasured;
	enum attack_outcome outcome;
	const char *advice; /* NULL = none */
};

static const struct scene scenes[] = {
	{"below the bound",
	 "",
	 ">= 1000",
	 NULL,
	 NULL,
	 "",
	 {"", INT(1200), 0},
	 {"", INT(600), 0},
	 false,
	 ATTACK_FAILED,
	 NULL},
	{"no value of it",
	 "",
	 ">= 1000",
	 NULL,
	 NULL,
	 "",
	 {"", INT(1200), 0},
	 {"", {.type = 0}, 0},
	 false,
	 ATTACK_NO_VALUE,
	 NULL},
	{"no answer",
	 "",
	 ">= 1000",
	 NULL,
	 NULL,
	 "",
	 {"", INT(1200), 0},
	 {"", {.type = 0}, 0},
	 true,
	 ATTACK_ERROR,
	 NULL},
	{"nothing moved",
	 "",
	 ">= 1000",
	 NULL,
	 NULL,
	 "",
	 {"", INT(1200), 0},
	 {"", INT(1200), 0},
	 false,
	 ATTACK_BLIND,
	 NULL},
	{"a real that was an integer",
	 "",
	 ">= 1000",
	 NULL,
	 NULL,
	 "",
	 {"", INT(1200), 0},
	 {"", REAL(1200), 0},
	 false,
	 ATTACK_BLIND,
	 NULL},
	{"towards a floor",
	 "",
	 ">= 1000",
	 NULL,
	 NULL,
	 "",
	 {"", INT(1800), 0},
	 {"", INT(1200), 0},
	 false,
	 ATTACK_TOLERATED,
	 "expect: \">= 1500\""},
	{"away from a floor",
	 "",
	 ">= 1000",
	 NULL,
	 NULL,
	 "",
	 {"", INT(1200), 0},
	 {"", INT(2400), 0},
	 false,
	 ATTACK_WRONG_WAY,
	 "expect: [\">= 1000\", \"<= 1800\"]"},
	{"a floor of zero has no room",
	 "",
	 "> 0",
	 NULL,
	 NULL,
	 "",
	 {"", INT(3), 0},
	 {"", INT(6), 0},
	 false,
	 ATTACK_WRONG_WAY,
	 "expect: [\"> 0\", \"<= 4\"]"},
	{"by one",
	 "",
	 "> 0",
	 NULL,
	 NULL,
	 "",
	 {"", INT(2), 0},
	 {"", INT(1), 0},
	 false,
	 ATTACK_TOLERATED,
	 "expect: \">= 2\""},
	{"two bounds look on both sides",
	 "",
	 ">= 1000",
	 "<= 2000",
	 NULL,
	 "",
	 {"", INT(1200), 0},
	 {"", INT(1400), 0},
	 false,
	 ATTACK_TOLERATED,
	 "expect: [\">= 1000\", \"<= 1300\"]"},
	{"so does between",
	 "",
	 "between 1000 and 2000",
	 NULL,
	 NULL,
	 "",
	 {"", INT(1900), 0},
	 {"", INT(1500), 0},
	 false,
	 ATTACK_TOLERATED,
	 "expect: [\"between 1000 and 2000\", \">= 1700\"]"},
	{"and a list",
	 "",
	 "in [1, 2]",
	 NULL,
	 NULL,
	 "",
	 {"", INT(1), 0},
	 {"", INT(2), 0},
	 false,
	 ATTACK_TOLERATED,
	 "expect: [\"in [1, 2]\", \"<= 1\"]"},
	{"nobody excluded it",
	 "",
	 "!= 7",
	 NULL,
	 NULL,
	 "",
	 {"", INT(1), 0},
	 {"", INT(2), 0},
	 false,
	 ATTACK_TOLERATED,
	 "expect: [\"!= 7\", \"<= 1\"]"},
	{"a time, in a unit people use",
	 "",
	 "< 1h",
	 NULL,
	 NULL,
	 "s",
	 {"", REAL(60), 0},
	 {"", REAL(1860), 0},
	 false,
	 ATTACK_TOLERATED,
	 "expect: \"<= 16m\""},
	{"a size",
	 "size",
	 ">= 1000",
	 NULL,
	 NULL,
	 "B",
	 {"size", INT(4096), 0},
	 {"size", INT(2048), 0},
	 false,
	 ATTACK_TOLERATED,
	 "expect: { size: \">= 3KiB\" }"},
	{"a share",
	 "",
	 "<= 10 %",
	 NULL,
	 NULL,
	 "",
	 {"", INT(0), 1000},
	 {"", INT(50), 1000},
	 false,
	 ATTACK_TOLERATED,
	 "expect: \"<= 2.5%\""},
	{"fewer faults are no fault",
	 "",
	 "<= 10 %",
	 NULL,
	 NULL,
	 "",
	 {"", INT(50), 1000},
	 {"", INT(10), 1000},
	 false,
	 ATTACK_WRONG_WAY,
	 NULL},
	{"below nothing",
	 "",
	 "<= 5",
	 NULL,
	 NULL,
	 "",
	 {"", REAL(4), 0},
	 {"", REAL(-4), 0},
	 false,
	 ATTACK_WRONG_WAY,
	 "expect: [\"<= 5\", \">= 0\"]"},
	{"text that may be so, too",
	 "",
	 "in [\"a\", \"b\"]",
	 NULL,
	 NULL,
	 "",
	 {"", TEXT("a"), 0},
	 {"", TEXT("b"), 0},
	 false,
	 ATTACK_TOLERATED,
	 NULL},
	{"text that matches",
	 "",
	 "matches /^v/",
	 NULL,
	 NULL,
	 "",
	 {"", TEXT("v1"), 0},
	 {"", TEXT("v2"), 0},
	 false,
	 ATTACK_TOLERATED,
	 NULL},
	{"text that does not",
	 "",
	 "matches /^v/",
	 NULL,
	 NULL,
	 "",
	 {"", TEXT("v1"), 0},
	 {"", TEXT("x"), 0},
	 false,
	 ATTACK_FAILED,
	 NULL},
	{"a warning is a pass",
	 "",
	 ">= 10",
	 NULL,
	 ">= 1000",
	 "",
	 {"", INT(1200), 0},
	 {"", INT(600), 0},
	 false,
	 ATTACK_TOLERATED,
	 "say in expect: what is said in warn:, a warning is a pass"},
	{"so is one without an expectation",
	 "",
	 NULL,
	 NULL,
	 ">= 1000",
	 "",
	 {"", INT(1200), 0},
	 {"", INT(600), 0},
	 false,
	 ATTACK_TOLERATED,
	 "say in expect: what is said in warn:, a warning is a pass"},
	{"a value of which nothing is expected",
	 "other",
	 ">= 1",
	 NULL,
	 NULL,
	 "",
	 {"total", REAL(100), 0},
	 {"total", REAL(50), 0},
	 false,
	 ATTACK_TOLERATED,
	 "expect: { total: \">= 75\" }"},
	{"a series that is gone",
	 "",
	 ">= 1",
	 NULL,
	 NULL,
	 "",
	 {"{a=\"x\"}", INT(5), 0},
	 {"{a=\"y\"}", INT(5), 0},
	 false,
	 ATTACK_TOLERATED,
	 NULL},
};

static void check_scene(struct arena *a, const struct scene *s)
{
	struct named_expectation x = named(a, s->name, s->first, s->second, s->warn);
	const struct audit_kind kind = {.name = "sql", .family = "database"};
	const struct check check = {.name = "a/b", .kind = &kind, .expects = &x, .n_expects = 1};
	struct result before = judged(a, &check, &s->before, s->unit);
	struct result after = judged(a, &check, &s->after, s->unit);
	const struct attack_sides sides = {
		.check = &check,
		.before = &before,
		.n_before = 1,
		.after = &after,
		.n_after = 1,
		.is_measured = !s->is_unmeasured,
	};
	struct attack_result out = {.name = "one", .object = "orders"};

	attack_judge(a, &sides, &out);
	if (out.outcome != s->outcome)
		fail_msg("%s: %s, not %s", s->what, attack_outcome_name(out.outcome),
			 attack_outcome_name(s->outcome));
	if ((out.advice == NULL) != (s->advice == NULL) ||
	    (s->advice != NULL && strcmp(out.advice, s->advice) != 0))
		fail_msg("%s: advice %s", s->what, out.advice != NULL ? out.advice : "none");
	if (attack_is_survivor(out.outcome))
		assert_non_null(out.reason);
}

static void test_challenge_attacks_come_to_what_they_did(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < N(scenes); i++)
		check_scene(a, &scenes[i]);
	arena_free(a);
}

/* What is between the outer quotes of the last text of a list. */
static const char *proposed(struct arena *a, const char *advice)
{
	const char *end = strrchr(advice, '"'), *begin = end - 1;

	while (*begin != '"')
		begin--;
	return arena_strndup(a, begin + 1, (size_t)(end - begin - 1));
}

static void test_challenge_advice_tells_the_two_apart(void **state)
{
	static const double values[] = {-1e9, -1200, -0.5, -1e-9, 0,	1e-9,  3e-4, 0.1, 0.3,	 1,
					2,    7,     1199, 1200,  1201, 86400, 1e6,  1e9, 1.7e15};
	static const char *const units[] = {"", "s", "B", "orders", "%"};
	const struct audit_kind kind = {.name = "sql", .family = "database"};
	const struct check check = {.name = "a/b", .kind = &kind};
	struct arena *a = arena_new();
	size_t n_known = 0;

	(void)state;
	for (size_t i = 0; i < N(values) * N(values) * N(units); i++) {
		const char *unit = units[i % N(units)], *text;
		struct sample from = {"", REAL(values[i / N(units) % N(values)]), 0};
		struct sample to = {"", REAL(values[i / N(units) / N(values)]), 0};
		struct result before = judged(a, &check, &from, unit);
		struct result after = judged(a, &check, &to, unit);
		struct attack_result of = {
			.name = "one", .object = "", .outcome = ATTACK_TOLERATED};
		const struct attack_sides sides = {&check, &before, &after, 1, 1, true};
		struct named_expectation x;
		struct check with = check;

		text = attack_advice(a, &sides, &of, "");
		if (from.value.real == to.value.real) {
			assert_null(text);
			continue;
		}
		if (text == NULL)
			fail_msg("nothing between %.17g and %.17g %s", from.value.real,
				 to.value.real, unit);
		n_known++;
		x = named(a, "", proposed(a, text), NULL, NULL);
		with.expects = &x;
		with.n_expects = 1;
		if (judged(a, &with, &from, unit).outcome != OUTCOME_PASS ||
		    judged(a, &with, &to, unit).outcome != OUTCOME_FAIL)
			fail_msg("%s does not tell %.17g from %.17g %s", text, from.value.real,
				 to.value.real, unit);
	}
	assert_true(n_known > 1000);
	arena_free(a);
}

/* A bound that the check only just meets would be red tomorrow. */
static void test_challenge_advice_lies_between_the_two(void **state)
{
	static const struct sample from = {"", INT(501), 0}, to = {"", REAL(500.8), 0};
	const struct audit_kind kind = {.name = "sql", .family = "database"};
	const struct check check = {.name = "a/b", .kind = &kind};
	struct arena *a = arena_new();
	struct result before = judged(a, &check, &from, ""), after = judged(a, &check, &to, "");
	struct attack_result of = {.name = "one", .object = "", .outcome = ATTACK_TOLERATED};
	const struct attack_sides sides = {&check, &before, &after, 1, 1, true};

	(void)state;
	assert_string_equal(attack_advice(a, &sides, &of, ""), "expect: \">= 500.9\"");
	arena_free(a);
}

/* A bound for one series is one for all of them. */
static void test_challenge_advice_holds_for_every_series(void **state)
{
	struct arena *a = arena_new();
	const struct audit_kind kind = {.name = "sql", .family = "database"};
	const struct check check = {.name = "a/b", .kind = &kind};
	struct sample now[] = {{"{c=\"x\"}", INT(100), 0}, {"{c=\"y\"}", INT(10), 0}};
	struct sample then[] = {{"{c=\"x\"}", INT(50), 0}, {"{c=\"y\"}", INT(10), 0}};
	struct result before[2], after[2];
	const struct attack_sides sides = {&check, before, after, 2, 2, true};
	struct attack_result of = {.name = "one", .object = "", .outcome = ATTACK_TOLERATED};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		before[i] = judged(a, &check, &now[i], "");
		after[i] = judged(a, &check, &then[i], "");
	}
	assert_null(attack_advice(a, &sides, &of, "{c=\"x\"}"));
	now[1].value.integer = 90;
	before[1] = judged(a, &check, &now[1], "");
	assert_string_equal(attack_advice(a, &sides, &of, "{c=\"x\"}"), "expect: \">= 75\"");
	arena_free(a);
}

static void test_challenge_advice_names_another_kind(void **state)
{
	struct arena *a = arena_new();
	const struct audit_kind kind = {.name = "missing", .family = "database"};
	const struct check check = {.name = "a/b", .kind = &kind};
	struct sample one = {"", INT(0), 100};
	struct result r = judged(a, &check, &one, "");
	const struct attack_sides sides = {&check, &r, &r, 1, 1, true};
	struct attack_result of = {.name = "rows-lost", .object = "orders"};

	(void)state;
	assert_string_equal(attack_advice(a, &sides, &of, NULL), "a check of kind rows on orders");
	struct audit_kind artifact = {.name = "file", .family = "artifact"};
	const struct check of_file = {.name = "a/b", .kind = &artifact};
	const struct attack_sides file_sides = {&of_file, &r, &r, 1, 1, true};
	struct attack_result flipped = {.name = "bit-flipped", .object = "head"};

	assert_string_equal(attack_advice(a, &file_sides, &flipped, NULL),
			    "a check of kind digests");
	of.name = "nulled"; /* its own business */
	assert_null(attack_advice(a, &sides, &of, NULL));
	of.name = "bit-flipped"; /* another family's */
	assert_null(attack_advice(a, &sides, &of, NULL));
	arena_free(a);
}

static void test_challenge_advice_knows_no_time_that_was_taken_once(void **state)
{
	struct arena *a = arena_new();
	const struct audit_kind kinds[] = {{.name = "http", .family = "http"},
					   {.name = "freshness", .family = "database"}};
	const struct sample from = {"total", REAL(0.001), 0}, to = {"total", REAL(0.003), 0};
	struct attack_result of = {.name = "later", .object = "", .outcome = ATTACK_TOLERATED};

	(void)state;
	for (size_t i = 0; i < N(kinds); i++) {
		const struct check check = {.name = "a/b", .kind = &kinds[i]};
		struct result before = judged(a, &check, &from, "s");
		struct result after = judged(a, &check, &to, "s");
		const struct attack_sides sides = {&check, &before, &after, 1, 1, true};

		assert_true((attack_advice(a, &sides, &of, "total") == NULL) == (i == 0));
	}
	arena_free(a);
}

/* 293 us and 700 us are the same answer; ten times as long is another one. */
static void test_challenge_attacks_move_no_time_by_chance(void **state)
{
	static const struct {
		double then;
		int64_t count;
		enum attack_outcome outcome;
		const char *series;
	} cases[] = {
		{0.0007, 5, ATTACK_BLIND, "total"},    {0.0001, 5, ATTACK_BLIND, "total"},
		{0.003, 5, ATTACK_TOLERATED, "total"}, {0.0007, 6, ATTACK_WRONG_WAY, "a"},
		{0.003, 6, ATTACK_WRONG_WAY, "a"},
	};
	struct arena *a = arena_new();
	const struct audit_kind kind = {.name = "http", .family = "http"};
	struct named_expectation x[] = {named(a, "total", "< 5s", NULL, NULL),
					named(a, "a", ">= 1", NULL, NULL)};
	const struct check check = {.name = "a/b", .kind = &kind, .expects = x, .n_expects = 2};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		const struct sample now[] = {{"total", REAL(0.000293), 0}, {"a", INT(5), 0}};
		const struct sample then[] = {{"total", REAL(cases[i].then), 0},
					      {"a", INT(cases[i].count), 0}};
		struct result before[] = {judged(a, &check, &now[0], "s"),
					  judged(a, &check, &now[1], "")};
		struct result after[] = {judged(a, &check, &then[0], "s"),
					 judged(a, &check, &then[1], "")};
		const struct attack_sides sides = {&check, before, after, 2, 2, true};
		struct attack_result out = {.name = "x", .object = ""};

		attack_judge(a, &sides, &out);
		assert_int_equal(out.outcome, cases[i].outcome);
		assert_string_equal(out.series, cases[i].series);
	}
	arena_free(a);
}

static void test_challenge_score_counts_what_is_fair(void **state)
{
	struct attack_result r[ATTACK_LAST + 1];
	struct challenged c = {.attacks = r};
	enum attack_outcome back;

	(void)state;
	challenged_count(&c);
	assert_true(challenged_score(&c) < 0); /* nothing was executed: never whole */
	for (size_t i = 0; i <= ATTACK_LAST; i++) {
		r[i] = (struct attack_result){.outcome = (enum attack_outcome)i};
		assert_true(attack_outcome_from_name(attack_outcome_name(r[i].outcome), &back));
		assert_int_equal(back, i);
	}
	c.n_attacks = N(r);
	challenged_count(&c);
	assert_int_equal(c.n_noticed, 3);
	assert_int_equal(c.n_survived, 3);
	assert_int_equal(c.n_uncounted, 5);
	assert_int_equal(c.n_steady, 1);
	assert_int_equal(c.n_false_alarms, 1);
	assert_true(challenged_score(&c) == 0.5);
	c.n_attacks = ATTACK_OUT_OF_CLAIM + 1;
	challenged_count(&c);
	assert_true(challenged_score(&c) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_challenge_attacks_come_to_what_they_did),
		cmocka_unit_test(test_challenge_advice_tells_the_two_apart),
		cmocka_unit_test(test_challenge_advice_lies_between_the_two),
		cmocka_unit_test(test_challenge_advice_holds_for_every_series),
		cmocka_unit_test(test_challenge_advice_names_another_kind),
		cmocka_unit_test(test_challenge_advice_knows_no_time_that_was_taken_once),
		cmocka_unit_test(test_challenge_attacks_move_no_time_by_chance),
		cmocka_unit_test(test_challenge_score_counts_what_is_fair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
