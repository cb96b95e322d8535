/*
 * TAP: the blocks of the specification of version 14, each with what it says of itself, and what no
 * stream may get away with.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audits/tap_read.h"
#include "runner/base/arena.h"

/* passed, failed, skipped, todo; problem: NULL, or a piece of it. */
static void expect_report(const char *text, const char *counts, const char *problem)
{
	struct arena *a = arena_new();
	struct tap_report r;
	char seen[100];

	tap_read(a, text, strlen(text), &r);
	(void)snprintf(seen, sizeof(seen), "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, r.passed,
		       r.failed, r.skipped, r.todo);
	if (problem && (!r.problem || !strstr(r.problem, problem)))
		fail_msg("\"%s\" expected of:\n%s\ngot: %s", problem, text,
			 r.problem ? r.problem : "no problem");
	if (!problem && r.problem)
		fail_msg("%s of:\n%s", r.problem, text);
	if (counts)
		assert_string_equal(seen, counts);
	arena_free(a);
}

static void test_tap_counts_whole_streams(void **state)
{
	(void)state;
	expect_report("TAP version 14\n1..4\nok 1 - Input file opened\n"
		      "not ok 2 - First line of the input valid\n  ---\n"
		      "  message: 'First line invalid'\n  severity: fail\n  data:\n"
		      "    got: 'Flirble'\n    expect: 'Fnible'\n  ...\n"
		      "ok 3 - Read the rest of the file\n"
		      "not ok 4 - Summarized correctly # ToDo Not written yet\n  ---\n"
		      "  message: \"Can't make summary yet\"\n  severity: todo\n  ...\n",
		      "2 1 0 1", NULL);
	expect_report("1..5\nnot ok\nok\nnot ok\nok\nok\n", "3 2 0 0", NULL);
	expect_report("TAP version 14\n1..3\nok 2\nok 3\nok 1\n", "3 0 0 0", NULL);
	expect_report("TAP version 13\nok 1\nok 2\n1..2\n", "2 0 0 0", NULL);
	expect_report("1..2\r\nok 1\r\nnot ok 2\r\n", "1 1 0 0", NULL);
	expect_report("1..1\n# a comment\n\npragma +strict\nnoise\nok 1", "1 0 0 0", NULL);
	expect_report("1..1\nokay\nnotok\nok_\n  ok 9\nok 1\n", "1 0 0 0", NULL);
	expect_report("\xef\xbb\xbf"
		      "1..1\nok 1\n",
		      "1 0 0 0", NULL);
	/* White space before a # is no directive by itself. */
	expect_report("1..2\nok 1 - a # b\nnot ok 2 - # c\n", "1 1 0 0", NULL);
}

static void test_tap_refuses_streams_that_are_not_whole(void **state)
{
	(void)state;
	expect_report("TAP version 14\n1..6\nnot ok\nok\nnot ok\nok\nok\n", NULL,
		      "6 tests were planned, 5 were reported");
	expect_report("TAP version 14\n1..3\nok 2\nok 4\nok 1\n", NULL,
		      "test 4 is outside of the plan 1..3");
	expect_report("ok 1\nok 2\n", NULL, "no plan");
	expect_report("", NULL, "no TAP");
	expect_report("hello\n", NULL, "no TAP");
	expect_report("TAP version 14\n", NULL, "no plan");
	expect_report("1..1\nok 1\n1..1\n", NULL, "two plans");
	expect_report("ok 1\n1..2\nok 2\n", NULL, "after the plan");
	expect_report("1..2\nok 1\nok 1\n", NULL, "test 1 is reported twice");
	expect_report("5..8\nok 5\nok 6\nok 7\nok 8\n", NULL, "does not start at 1");
	expect_report("1..1\nok 1\nok 2\n", NULL, "1 test was planned, 2 were reported");
	expect_report("TAP version 15\n1..1\nok 1\n", NULL, "not known");
	expect_report("TAP version 14\n1..1\nok 1\nTAP version 14\n", NULL, "two streams");
	expect_report("1..2\nok 1\nBail out! MySQL is not running.\n", NULL,
		      "it bailed out: MySQL is not running.");
	expect_report("1..1\nok 1\nbail OUT!\n", NULL, "it bailed out");
	expect_report("1..1\n    bail out! inner\nok 1\n", NULL, "it bailed out: inner");
	expect_report("Bail out! \\# and \\\\ are not supported\n", NULL, "it bailed out");
	expect_report("1..1\nok 0\n", NULL, "the number of a test is outside of the plan 1..1");
	expect_report("1..1\nok 99999999999999999999\n", NULL,
		      "the number of a test is outside of the plan 1..1");
	expect_report("1..3\nok 9223372036854775807\nok\nok\n", NULL, "is reported twice");
	expect_report("1..99999999999999999999\nok 1\n", NULL, "more tests are planned");
	expect_report("1..1\nok 1\n  ---\n  torn: ye", NULL, "inside of a YAML block");
}

/* A block that never closes must not swallow the failure behind it. */
static void test_tap_ends_yaml_at_less_indented_lines(void **state)
{
	(void)state;
	expect_report("1..2\nok 1\n  ---\n  a: 1\nnot ok 2\n", "1 1 0 0", NULL);
	expect_report("1..2\nok 1\n  ---\n  a: |\n\n    not ok 7\n  ...\nok 2\n", "2 0 0 0", NULL);
	expect_report("1..1\n  ---\n  not ok 2\n  ...\nok 1\n", "1 0 0 0", NULL);
}

static void test_tap_tells_skipped_streams(void **state)
{
	struct arena *a = arena_new();
	const char *text = "1..0 # WWW::Mechanize not installed\n";
	struct tap_report r;

	(void)state;
	tap_read(a, text, strlen(text), &r);
	assert_null(r.problem);
	assert_string_equal(r.skip_reason, "WWW::Mechanize not installed");
	tap_read(a, "1..0\n", 5, &r);
	assert_string_equal(r.skip_reason, "");
	arena_free(a);
	expect_report("1..0\nok 1\n", NULL, "0 tests were planned, 1 was reported");
}

static void test_tap_counts_directives(void **state)
{
	(void)state;
	expect_report("TAP version 14\n1..4\nok 1 - must be skipped test # SKIP\n"
		      "ok 2 - must not be skipped test \\# SKIP\n"
		      "not ok 3 # skip no disk\nnot ok 14 # ToDo bend space and time\n",
		      "1 0 2 1", "test 14 is outside");
	expect_report("1..2\nok 1 - do it later # Skipped\n"
		      "ok 2 - works on windows # Skipped: only run on windows\n",
		      "0 0 2 0", NULL);
	expect_report("1..3\nok 1 # skip this test is skipped\n"
		      "ok 2 not skipped: https://example.com/page.html#skip is a url\n"
		      "ok 3 - #SkIp case insensitive, so this is skipped\n",
		      "1 0 2 0", NULL);
	/* What would turn a failure into something to do. */
	expect_report("1..1\nnot ok 1 - see issue#todo\n", "0 1 0 0", NULL);
	expect_report("1..1\nnot ok 1 - a \\# ToDo b\n", "0 1 0 0", NULL);
	/* What a reader may take or leave excuses nothing. */
	expect_report("1..1\nnot ok 1 - a visible #skip-link\n", "0 1 0 0", NULL);
	expect_report("1..1\nnot ok 1 - C# skipper works\n", "0 1 0 0", NULL);
	expect_report("1..1\nnot ok 1 - renders # todolist\n", "0 1 0 0", NULL);
}

static void expect_point(const char *line, const char *description, enum tap_directive directive,
			 const char *reason)
{
	struct arena *a = arena_new();
	struct tap_point p;

	assert_true(tap_point_parse(a, line, strlen(line), &p));
	assert_string_equal(p.description, description);
	assert_int_equal(p.directive, directive);
	assert_string_equal(p.reason, reason);
	arena_free(a);
}

/* Descriptions are escaped once more for people: a backslash shows as two. */
static void test_tap_undoes_escapes(void **state)
{
	(void)state;
	expect_point("ok 1 - hello # todo", "hello", TAP_TODO, "");
	expect_point("ok 2 - hello \\# todo", "hello # todo", TAP_NONE, "");
	expect_point("ok 3 - hello # todo hash \\# character", "hello", TAP_TODO,
		     "hash # character");
	expect_point("ok 4 - hello # todo hash # character", "hello", TAP_TODO, "hash # character");
	expect_point("ok 5 - hello \\\\# todo hash \\# character", "hello \\\\", TAP_TODO,
		     "hash # character");
	expect_point("ok 6 - hello \\\\# todo hash # character", "hello \\\\", TAP_TODO,
		     "hash # character");
	expect_point("ok 7 - hello # description # todo", "hello # description # todo", TAP_NONE,
		     "");
	expect_point("ok 8 - hello \\\\\\\\\\\\\\# todo", "hello \\\\\\\\\\\\# todo", TAP_NONE, "");
	expect_point("ok 42 - this is the description of the test",
		     "this is the description of the test", TAP_NONE, "");
	expect_point("ok 1 this is fine", "this is fine", TAP_NONE, "");
	expect_point("ok 1 - this is fine", "this is fine", TAP_NONE, "");
	expect_point("ok - 3 apples", "3 apples", TAP_NONE, "");
}

static void test_tap_reads_subtests(void **state)
{
	(void)state;
	expect_report("TAP version 14\n1..2\n\n# Subtest: foo.tap\n    1..2\n    ok 1\n"
		      "    ok 2 - this passed\nok 1 - foo.tap\n\n# Subtest: bar.tap\n"
		      "    ok 1 - object should be a Bar\n"
		      "    not ok 2 - object.isBar should return true\n      ---\n"
		      "      found: false\n      wanted: true\n      at:\n"
		      "        file: test/bar.ts\n        line: 43\n        column: 8\n      ...\n"
		      "    ok 3 - object can bar bears # ToDo\n    1..3\nnot ok 2 - bar.tap\n"
		      "  ---\n  fail: 1\n  todo: 1\n  ...\n",
		      "1 1 0 0", NULL);
	expect_report("TAP version 14\nok 1 - true is ok\n# Subtest: this is a subtest\n"
		      "    ok 1 - this is fine\n    not ok 2 - this is not fine\n    1..2\n"
		      "not ok 2 - this is a subtest\n1..2\n",
		      "1 1 0 0", NULL);
	expect_report("TAP version 14\n    ok 1 - subtest test point\n    1..1\n"
		      "ok 1 - subtest passing\n1..1\n",
		      "1 0 0 0", NULL);
	expect_report("TAP version 14\n        ok 1 - nested twice\n        1..1\n"
		      "    ok 1 - nested parent\n    1..1\nok 1 - double nest passing\n1..1\n",
		      "1 0 0 0", NULL);
	expect_report("TAP version 14\n\nok 1 - in the parent\n\n# Subtest: nested\n    1..1\n"
		      "    ok 1 - in the subtest\nok 2 - nested\n\n# Subtest: empty\n    1..0\n"
		      "ok 3 - empty\n\n# Subtest\n    ok 1 - name is optional\n    1..1\nok 4\n\n"
		      "1..4\n",
		      "4 0 0 0", NULL);
	expect_report("TAP version 14\n1..1\npragma +strict\nnoise\nok 1\n", "1 0 0 0",
		      "it is strict (pragma), but \"noise\" is no TAP");
	expect_report("TAP version 14\npragma -strict\n# Subtest: child test\n    1..1\n"
		      "    pragma +strict\n    ok 1\nok 1 - child test\n"
		      "!!This is not valid TAP content!!\n1..1\n",
		      "1 0 0 0", NULL);
}

static void test_tap_finds_contradicting_subtests(void **state)
{
	(void)state;
	expect_report("1..1\n    1..2\n    ok 1\n    not ok 2\nok 1 - parent\n", NULL,
		      "\"parent\" is said to be ok, but of its subtest: a test of it failed");
	expect_report("1..1\n    1..2\n    ok 1\nok 1 - parent\n", NULL,
		      "2 tests were planned, 1 was reported");
	expect_report("1..1\n    1..1\n        1..1\n        not ok 1\n    ok 1\nok 1\n", NULL,
		      "is said to be ok");
	expect_report("1..1\n    not ok 1 # ToDo\n    1..1\nok 1\n", "1 0 0 0", NULL);
	expect_report("1..1\n    not ok 1\n    1..1\nok 1 # ToDo\n", "0 0 0 1", NULL);
	/* Not ended by a test point: no TAP at all, and nothing is lost by it. */
	expect_report("1..1\nok 1\n    not ok 1\n", "1 0 0 0", NULL);
}

static void test_tap_shows_what_failed(void **state)
{
	struct arena *a = arena_new();
	const char *text = "1..2\nnot ok 1 - a\x1b[31m\nnot ok 2 - later # ToDo\n";
	struct tap_report r;

	(void)state;
	tap_read(a, text, strlen(text), &r);
	assert_int_equal(r.n_failures, 1);
	assert_string_equal(r.failures[0], "not ok 1 - a\\x1b[31m");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tap_counts_whole_streams),
		cmocka_unit_test(test_tap_refuses_streams_that_are_not_whole),
		cmocka_unit_test(test_tap_ends_yaml_at_less_indented_lines),
		cmocka_unit_test(test_tap_tells_skipped_streams),
		cmocka_unit_test(test_tap_counts_directives),
		cmocka_unit_test(test_tap_undoes_escapes),
		cmocka_unit_test(test_tap_reads_subtests),
		cmocka_unit_test(test_tap_finds_contradicting_subtests),
		cmocka_unit_test(test_tap_shows_what_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
