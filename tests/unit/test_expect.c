/* expect: the language, and the one function that judges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/model/expect.h"

static const struct pos at = {"a.yaml", 7, 11};

static int parse(struct arena *a, const char *text, struct expectation *x, struct err *e)
{
	return expect_parse(a, &text, &at, 1, x, e);
}

static enum outcome judge(const char *text, const struct measurement *m, const struct baseline *b,
			  struct verdict *v)
{
	struct arena *a = arena_new();
	struct expectation x;
	struct err e = {0};
	enum outcome outcome;

	if (parse(a, text, &x, &e) != 0)
		fail_msg("%s: %s", text, e.message);
	expect_judge(a, &x, NULL, m, b, v);
	outcome = v->outcome;
	v->bound = v->reason = NULL; /* they die with the arena */
	arena_free(a);
	return outcome;
}

static void test_expect_judges_numbers(void **state)
{
	static const struct {
		const char *bound;
		double value;
		const char *unit;
		enum outcome outcome;
	} cases[] = {
		{"< 5", 4.9, "", OUTCOME_PASS},
		{"< 5", 5, "", OUTCOME_FAIL},
		{"<= 5", 5, "", OUTCOME_PASS},
		{"> -1", 0, "", OUTCOME_PASS},
		{">= 0", -0.0, "", OUTCOME_PASS},
		{"== 0", -0.0, "", OUTCOME_PASS},
		{"!= 5", 5, "", OUTCOME_FAIL},
		{"!= 5", 6, "", OUTCOME_PASS},
		{"< 300ms", 0.299, "s", OUTCOME_PASS},
		{"< 300 ms", 0.3, "s", OUTCOME_FAIL},
		{"< 1h", 3599, "s", OUTCOME_PASS},
		{"< 2", 3, "s", OUTCOME_FAIL},
		{">= 99.9%", 0.999, "%", OUTCOME_PASS},
		{">= 99.9%", 0.9989, "%", OUTCOME_FAIL},
		{"<= 1 KiB", 1024, "B", OUTCOME_PASS},
		{"< 1 kB", 1001, "B", OUTCOME_FAIL},
		{"between 1 and 5", 1, "", OUTCOME_PASS},
		{"between 1 and 5", 5.0001, "", OUTCOME_FAIL},
		{"between 0 and 1h", 3600, "s", OUTCOME_PASS},
		{"in [1, 2, 3.5]", 3.5, "", OUTCOME_PASS},
		{"in [1, 2]", 3, "", OUTCOME_FAIL},
		{"< 5ms", 1, "B", OUTCOME_UNDECIDED},
		{"== \"5\"", 5, "", OUTCOME_UNDECIDED},
		{"!= \"5\"", 5, "", OUTCOME_UNDECIDED},
		{"matches /5/", 5, "", OUTCOME_UNDECIDED},
		{"in [\"a\"]", 5, "", OUTCOME_UNDECIDED},
	};
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct measurement m = measurement_real("", cases[i].value, cases[i].unit);

		if (judge(cases[i].bound, &m, NULL, &v) != cases[i].outcome)
			fail_msg("%s on %g %s", cases[i].bound, cases[i].value, cases[i].unit);
	}
}

static void test_expect_compares_big_integers_exactly(void **state)
{
	struct measurement m = measurement_int("", INT64_MAX, "");
	struct verdict v;

	(void)state;
	assert_int_equal(judge("== 9223372036854775807", &m, NULL, &v), OUTCOME_PASS);
	assert_int_equal(judge("== 9223372036854775806", &m, NULL, &v), OUTCOME_FAIL);
	assert_int_equal(judge("> 9223372036854775806", &m, NULL, &v), OUTCOME_PASS);
	m = measurement_int("", INT64_C(9007199254740993), "");
	assert_int_equal(judge("== 9007199254740992.0", &m, NULL, &v), OUTCOME_FAIL);
	assert_int_equal(judge("> 9007199254740992.0", &m, NULL, &v), OUTCOME_PASS);
	assert_int_equal(judge("< 9007199254740994.0", &m, NULL, &v), OUTCOME_PASS);
	assert_int_equal(judge("in [9007199254740992.0]", &m, NULL, &v), OUTCOME_FAIL);
	assert_int_equal(judge("< 1e300", &m, NULL, &v), OUTCOME_PASS);
	assert_int_equal(judge("> -1e300", &m, NULL, &v), OUTCOME_PASS);
	m = measurement_real("", 9007199254740992.0, "");
	assert_int_equal(judge("== 9007199254740993", &m, NULL, &v), OUTCOME_FAIL);
	assert_int_equal(judge("< 9007199254740993", &m, NULL, &v), OUTCOME_PASS);
	m = measurement_int("", -3, "");
	assert_int_equal(judge("< -2.5", &m, NULL, &v), OUTCOME_PASS);
	assert_int_equal(judge("> -3.5", &m, NULL, &v), OUTCOME_PASS);
}

/* 2^64 or one beside it: what does not touch it can be judged. */
static void test_expect_judges_rounded_integers_beside_the_bound_only(void **state)
{
	static const struct {
		const char *bound;
		enum outcome outcome;
	} cases[] = {
		{">= 1e19", OUTCOME_PASS},
		{"< 1e19", OUTCOME_FAIL},
		{"!= 5", OUTCOME_PASS},
		{"between 1 and 1e20", OUTCOME_PASS},
		{"in [1, 2]", OUTCOME_FAIL},
		{"== 18446744073709551616", OUTCOME_UNDECIDED},
		{"== 18446744073709551615", OUTCOME_UNDECIDED},
		{"!= 18446744073709551616", OUTCOME_UNDECIDED},
		{"<= 18446744073709551616", OUTCOME_UNDECIDED},
		{"between 1 and 18446744073709551616", OUTCOME_UNDECIDED},
		{"between 18446744073709551616 and 1e20", OUTCOME_UNDECIDED},
		{"in [1, 18446744073709551616]", OUTCOME_UNDECIDED},
	};
	struct measurement m = measurement_real("", 18446744073709551616.0, "");
	struct verdict v;

	(void)state;
	m.is_rounded = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (judge(cases[i].bound, &m, NULL, &v) != cases[i].outcome)
			fail_msg("%s", cases[i].bound);
}

static void test_expect_judges_text(void **state)
{
	struct measurement m = measurement_text("", "it's ok/fine");
	struct verdict v;

	(void)state;
	assert_int_equal(judge("== \"it's ok/fine\"", &m, NULL, &v), OUTCOME_PASS);
	assert_int_equal(judge("!= 'x'", &m, NULL, &v), OUTCOME_PASS);
	assert_int_equal(judge("!= \"it's ok/fine\"", &m, NULL, &v), OUTCOME_FAIL);
	assert_int_equal(judge("matches /ok\\/f/", &m, NULL, &v), OUTCOME_PASS);
	assert_int_equal(judge("matches /OK/", &m, NULL, &v), OUTCOME_FAIL);
	assert_int_equal(judge("matches /OK/i", &m, NULL, &v), OUTCOME_PASS);
	assert_int_equal(judge("in [\"a\", \"it's ok/fine\"]", &m, NULL, &v), OUTCOME_PASS);
	assert_int_equal(judge("in [\"a\", 3]", &m, NULL, &v), OUTCOME_FAIL);
	assert_int_equal(judge("< 5", &m, NULL, &v), OUTCOME_UNDECIDED);
	assert_int_equal(judge("!= 5", &m, NULL, &v), OUTCOME_UNDECIDED);
	assert_int_equal(judge("between 1 and 2", &m, NULL, &v), OUTCOME_UNDECIDED);
}

static void test_expect_refuses_a_pattern_that_explodes(void **state)
{
	struct measurement m =
		measurement_text("", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
	struct verdict v;

	(void)state;
	assert_int_equal(judge("matches /^(a+)+$/", &m, NULL, &v), OUTCOME_UNDECIDED);
}

/* Every operator of the language, on every way to have no value. */
static void test_expect_never_passes_without_a_measurement(void **state)
{
	static const char *const bounds[] = {"< 5",
					     "<= 5",
					     "> 5",
					     ">= 5",
					     "== 5",
					     "!= 5",
					     "== \"a\"",
					     "!= \"a\"",
					     "between 1 and 2",
					     "in [1, \"a\"]",
					     "matches /.*/",
					     "within 1000% of median(28d)",
					     "within 1000 sigma of mean(28d)"};
	const struct baseline full = {.n = 100, .median = 1, .mean = 1, .sigma = 1};
	struct measurement m = measurement_none("", "there was nothing");
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		if (judge(bounds[i], &m, &full, &v) != OUTCOME_UNDECIDED)
			fail_msg("%s", bounds[i]);
		assert_true(v.is_no_measurement);
	}
}

static void test_expect_takes_shares_of_counts(void **state)
{
	struct measurement m = measurement_int("", 3, "");
	struct verdict v;

	(void)state;
	assert_int_equal(judge("<= 0.2%", &m, NULL, &v), OUTCOME_UNDECIDED); /* of how many? */
	m.n_total = 1000;
	m.share = 0.003;
	assert_int_equal(judge("<= 0.2%", &m, NULL, &v), OUTCOME_FAIL);
	assert_int_equal(judge("<= 0.3%", &m, NULL, &v), OUTCOME_PASS);
	assert_int_equal(judge("<= 3", &m, NULL, &v), OUTCOME_PASS);
	assert_int_equal(judge("<= 2", &m, NULL, &v), OUTCOME_FAIL);
}

/* Worse by more than the floor, and more than chance: one of the two alone is not enough. */
static void test_expect_judges_comparisons(void **state)
{
	static const struct {
		double change, p_value;
		enum outcome outcome;
	} cases[] = {
		{6, 0.01, OUTCOME_FAIL},       {6, 0.05, OUTCOME_FAIL},
		{6, 0.051, OUTCOME_PASS},      {5, 0.001, OUTCOME_PASS},
		{-50, 0.01, OUTCOME_PASS},     {0, 1, OUTCOME_PASS},
		{NAN, 0.5, OUTCOME_UNDECIDED}, {6, NAN, OUTCOME_UNDECIDED},
	};
	struct measurement m = measurement_real("time", 106, "s");
	struct comparison c = {.centre = 100, .floor = 5, .level = 0.05, .words = "so much"};
	struct baseline history = {.history = &c}, control = {.control = &c};
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c.change = cases[i].change;
		c.p_value = cases[i].p_value;
		assert_int_equal(judge("not worse than history", &m, &history, &v),
				 cases[i].outcome);
		assert_int_equal(judge("not  worse than control", &m, &control, &v),
				 cases[i].outcome);
	}
	c = (struct comparison){
		.centre = 100, .change = 6, .floor = 5, .p_value = 0.01, .level = 0.05};
	assert_int_equal(judge("not worse than history", &m, &history, &v), OUTCOME_FAIL);
	assert_true(v.has_limit && v.limit == 105 && fabs(v.room - 1.2) < 1e-12);
	c.p_value = 0.5; /* more than the floor, as every other run is */
	assert_int_equal(judge("not worse than history", &m, &history, &v), OUTCOME_PASS);
	assert_float_equal(v.room, 0.1, 1e-12);
	/* what it is compared with is missing */
	assert_int_equal(judge("not worse than control", &m, &history, &v), OUTCOME_UNDECIDED);
	assert_int_equal(judge("not worse than history", &m, &control, &v), OUTCOME_UNDECIDED);
	assert_int_equal(judge("not worse than history", &m, NULL, &v), OUTCOME_UNDECIDED);
	c.reason = "too little of it";
	assert_int_equal(judge("not worse than history", &m, &history, &v), OUTCOME_UNDECIDED);
	m = measurement_none("time", "why");
	c.reason = NULL;
	assert_int_equal(judge("not worse than history", &m, &history, &v), OUTCOME_UNDECIDED);
	assert_true(v.is_no_measurement);
}

static void test_expect_needs_a_full_baseline(void **state)
{
	struct measurement m = measurement_real("", 105, "");
	struct baseline b = {.n = 6, .median = 100, .mean = 100, .sigma = 2};
	struct verdict v;

	(void)state;
	assert_int_equal(judge("within 10% of median(28d)", &m, NULL, &v), OUTCOME_UNDECIDED);
	assert_int_equal(judge("within 10% of median(28d)", &m, &b, &v), OUTCOME_UNDECIDED);
	b.n = EXPECT_MIN_BASELINE;
	assert_int_equal(judge("within 10% of median(28d)", &m, &b, &v), OUTCOME_PASS);
	assert_int_equal(judge("within 4% of median(28d)", &m, &b, &v), OUTCOME_FAIL);
	assert_int_equal(judge("within 3 sigma of mean(28d)", &m, &b, &v), OUTCOME_PASS);
	assert_int_equal(judge("within 2 sigma of mean(28d)", &m, &b, &v), OUTCOME_FAIL);
	b.sigma = 0;
	assert_int_equal(judge("within 3 sigma of mean(28d)", &m, &b, &v), OUTCOME_FAIL);
	b.mean = NAN;
	assert_int_equal(judge("within 3 sigma of mean(28d)", &m, &b, &v), OUTCOME_UNDECIDED);
}

static void test_expect_needs_all_terms_and_marks_warnings(void **state)
{
	static const char *const hard_texts[] = {">= 10", "<= 20"};
	static const struct pos positions[] = {{"a.yaml", 3, 5}, {"a.yaml", 4, 5}};
	static const char *const soft_texts[] = {"<= 15"};
	struct arena *a = arena_new();
	struct expectation hard, soft;
	struct verdict v;
	struct err e = {0};
	struct measurement m;

	(void)state;
	assert_int_equal(expect_parse(a, hard_texts, positions, 2, &hard, &e), 0);
	assert_int_equal(expect_parse(a, soft_texts, positions, 1, &soft, &e), 0);
	m = measurement_int("", 12, "");
	expect_judge(a, &hard, &soft, &m, NULL, &v);
	assert_int_equal(v.outcome, OUTCOME_PASS);
	assert_string_equal(v.bound, ">= 10, <= 20");
	m = measurement_int("", 18, "");
	expect_judge(a, &hard, &soft, &m, NULL, &v);
	assert_int_equal(v.outcome, OUTCOME_WARN);
	assert_non_null(strstr(v.reason, "<= 15"));
	m = measurement_int("", 25, "");
	expect_judge(a, &hard, &soft, &m, NULL, &v);
	assert_int_equal(v.outcome, OUTCOME_FAIL);
	assert_int_equal(v.pos.line, 4); /* the term that failed */
	arena_free(a);
}

static void test_expect_tells_how_much_room_is_used(void **state)
{
	struct verdict v;
	struct measurement m = measurement_real("", 0.99998, "%");

	(void)state;
	(void)judge(">= 99.99%", &m, NULL, &v);
	assert_float_equal(v.room, 0.2, 1e-6);
	m = measurement_real("", 92, "s");
	(void)judge("<= 60s", &m, NULL, &v);
	assert_float_equal(v.room, 92.0 / 60, 1e-9);
	assert_true(v.has_limit);
	assert_float_equal(v.limit, 60, 1e-9);
	m = measurement_int("", 4, "");
	(void)judge("between 0 and 8", &m, NULL, &v);
	assert_float_equal(v.room, 0, 1e-9);
	(void)judge("== 4", &m, NULL, &v);
	assert_true(isnan(v.room));
}

/* What was meant is told only where it can be told, and can then be read. */
static void test_expect_suggests_what_was_meant(void **state)
{
	static const char *const cases[][2] = {
		{"5", "write \"== 5\""},
		{"-5", "write \"== -5\""},
		{"= 0", "write \"== 0\""},
		{"=> 0", "write \">= 0\""},
		{"<> 0", "write \"!= 0\""},
		{"\xE2\x89\xA4 7", "write \"<= 7\""},
		{"0.1%", "write \"<= 0.1%\" for at most, \">= 0.1%\" for at least, or \"== 0.1%\""},
		{"1_000_000", "write \"== 1000000\""},
		{">= 1 000", "write \">= 1000\""},
		{"between 1,000 and 2'000", "write \"between 1000 and 2000\""},
		{"'ok'", "write \"== 'ok'\""},
		{"\"it's\"", "write '== \"it''s\"'"},
		{"5 apples", "write e.g."},
		{"= five", "write e.g."},
		{">= 1,00", "write e.g."},
		{"about 5", "write e.g."},
		{"", "write e.g."},
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct expectation x;
		struct err e = {0};

		assert_int_equal(parse(a, cases[i][0], &x, &e), -1);
		if (strncmp(e.help, "write e.g.", 10) == 0)
			e.help[10] = '\0';
		assert_string_equal(e.help, cases[i][1]);
	}
	arena_free(a);
}

static void test_expect_points_at_what_it_cannot_read(void **state)
{
	static const struct {
		const char *text;
		unsigned col; /* in the text, from 0 */
		const char *says;
	} cases[] = {
		{"", 0, "empty"},
		{"= 5", 0, "written =="},
		{"5", 0, "must begin with"},
		{"< ", 2, "missing here"},
		{"< five", 2, "neither a number nor"},
		{"< 0x10", 3, "no such unit"},
		{"< 12,345", 4, "no thousands separators"},
		{"< 12,34", 4, "does not belong here"},
		{"< nan", 2, "neither a number nor"},
		{"< 5 parsecs", 4, "no such unit"},
		{"< 5 6", 4, "does not belong"},
		{"< \"a\"", 5, "== and != only"},
		{"== \"a", 5, "no end"},
		{"between 1", 9, "\"and\" is missing"},
		{"between 5 and 1", 15, "above the upper"},
		{"between 1s and 1KiB", 19, "do not convert"},
		{"in 1", 3, "\"[\" is missing"},
		{"in [1", 5, "\"]\" or"},
		{"matches ok", 8, "\"/\" is missing"},
		{"matches /ok", 11, "no closing"},
		{"matches /(/", 9, "cannot compile"},
		{"within 10 of median(1d)", 10, "\"%\" or \"sigma\""},
		{"within 10% of mode(1d)", 14, "median"},
		{"within 10% of median(soon)", 21, "not a window"},
		{"within 10% of median(1d", 23, "\")\" is missing"},
		{"like /x/", 0, "must begin with"},
		{"in[1,2] ]", 8, "does not belong"},
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct expectation x;
		struct err e = {0};

		if (parse(a, cases[i].text, &x, &e) == 0)
			fail_msg("accepted: %s", cases[i].text);
		if (strstr(e.message, cases[i].says) == NULL || e.class != ERR_DEFINITION)
			fail_msg("%s: %s", cases[i].text, e.message);
		if (e.pos.col != at.col + cases[i].col || e.pos.line != at.line)
			fail_msg("%s: column %u, expected %u", cases[i].text, e.pos.col - at.col,
				 cases[i].col);
	}
	arena_free(a);
}

static void test_expect_summarises_units(void **state)
{
	struct arena *a = arena_new();
	struct expectation x;
	struct err e = {0};

	(void)state;
	assert_int_equal(parse(a, "between 0 and 5%", &x, &e), 0);
	assert_string_equal(x.unit, "%");
	assert_true(x.has_share);
	assert_int_equal(parse(a, "within 10% of median(28d)", &x, &e), 0);
	assert_false(x.has_share); /* the tolerance is not a bound in % */
	assert_int_equal(x.window_ms, INT64_C(28) * 86400 * 1000);
	assert_int_equal(parse(a, "matches /x/", &x, &e), 0);
	assert_true(x.has_text);
	arena_free(a);
}

static void test_expect_limits_a_set(void **state)
{
	struct arena *a = arena_new();
	struct expectation x;
	struct err e = {0};
	struct buf set;

	(void)state;
	buf_init(&set, BUF_UNBOUNDED);
	(void)buf_puts(&set, "in [1");
	for (size_t i = 1; i < EXPECT_MAX_SET; i++)
		(void)buf_puts(&set, ",1");
	(void)buf_puts(&set, "]");
	assert_int_equal(parse(a, set.data, &x, &e), 0);
	set.len--;
	(void)buf_puts(&set, ",1]");
	assert_int_equal(parse(a, set.data, &x, &e), -1);
	assert_non_null(strstr(e.message, "\xE2\x80\xA6")); /* a long expectation is cut ... */
	assert_non_null(strstr(e.message, "more than 1,000 values in one set"));
	buf_release(&set);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expect_judges_numbers),
		cmocka_unit_test(test_expect_compares_big_integers_exactly),
		cmocka_unit_test(test_expect_judges_rounded_integers_beside_the_bound_only),
		cmocka_unit_test(test_expect_judges_text),
		cmocka_unit_test(test_expect_refuses_a_pattern_that_explodes),
		cmocka_unit_test(test_expect_never_passes_without_a_measurement),
		cmocka_unit_test(test_expect_takes_shares_of_counts),
		cmocka_unit_test(test_expect_needs_a_full_baseline),
		cmocka_unit_test(test_expect_judges_comparisons),
		cmocka_unit_test(test_expect_needs_all_terms_and_marks_warnings),
		cmocka_unit_test(test_expect_tells_how_much_room_is_used),
		cmocka_unit_test(test_expect_suggests_what_was_meant),
		cmocka_unit_test(test_expect_points_at_what_it_cannot_read),
		cmocka_unit_test(test_expect_summarises_units),
		cmocka_unit_test(test_expect_limits_a_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
