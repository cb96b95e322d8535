/*
 * JUnit reports as Ant, surefire, pytest and GoogleTest write them, and those that contradict
 * themselves, are torn, or try to be more than a report.
 */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audits/junit_read.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"

/* tests, passed, failed, skipped, flaky */
static void expect_counts(const char *text, const char *counts)
{
	struct arena *a = arena_new();
	struct junit_report r = {0};
	struct err e = {.class = ERR_NONE};
	char seen[100];

	if (junit_read(a, text, strlen(text), &r, &e) < 0)
		fail_msg("%s\nof %s", e.message, text);
	(void)snprintf(seen, sizeof(seen),
		       "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, r.tests,
		       r.passed, r.failed, r.skipped, r.flaky);
	assert_string_equal(seen, counts);
	arena_free(a);
}

static void expect_refusal(const char *text, const char *words)
{
	struct arena *a = arena_new();
	struct junit_report r = {0};
	struct err e = {.class = ERR_NONE};

	if (junit_read(a, text, strlen(text), &r, &e) == 0)
		fail_msg("taken: %s", text);
	if (!strstr(e.message, words))
		fail_msg("\"%s\" expected, got \"%s\"", words, e.message);
	arena_free(a);
}

static void test_junit_counts_reports_of_many_producers(void **state)
{
	(void)state;
	/* surefire */
	expect_counts("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"A\" "
		      "time=\"0.1\" tests=\"4\" errors=\"1\" skipped=\"1\" failures=\"1\">"
		      "<properties><property name=\"x\" value=\"y\"/></properties>"
		      "<testcase name=\"a\" classname=\"A\" time=\"0.01\"/>"
		      "<testcase name=\"b\" classname=\"A\"><failure message=\"no\" type=\"T\">"
		      "<![CDATA[trace <here>]]></failure></testcase>"
		      "<testcase name=\"c\"><error/></testcase>"
		      "<testcase name=\"d\"><skipped message=\"x\"/></testcase>"
		      "<system-out>ok</system-out></testsuite>",
		      "4 1 2 1 0");
	expect_counts("<testsuite tests='2' failures='0'><testcase name='a'><flakyFailure/>"
		      "</testcase><testcase name='b'/></testsuite>",
		      "2 2 0 0 1");
	/* pytest: one test with a failure and an error of its teardown */
	expect_counts("<testsuites><testsuite name='pytest' errors='1' failures='1' skipped='0' "
		      "tests='1' time='0.1'><testcase name='t'><failure/><error/></testcase>"
		      "</testsuite></testsuites>",
		      "1 0 1 0 0");
	/* GoogleTest: the root adds up, several failures of one test, one that did not run */
	expect_counts("<testsuites tests='3' failures='1' disabled='1' errors='0' time='0.5' "
		      "name='AllTests'><testsuite name='S' tests='3' failures='1' disabled='1' "
		      "skipped='0' errors='0' time='0.5'>"
		      "<testcase name='a' status='run' result='completed'/>"
		      "<testcase name='b'><failure/><failure/></testcase>"
		      "<testcase name='DISABLED_c' status='notrun' result='suppressed'/>"
		      "</testsuite></testsuites>",
		      "3 1 1 1 0");
	/* nested suites, counted either way */
	expect_counts("<testsuites><testsuite name='o' tests='2'><testcase name='a'/>"
		      "<testsuite name='i' tests='1'><testcase name='b'/></testsuite></testsuite>"
		      "</testsuites>",
		      "2 2 0 0 0");
	expect_counts("<testsuites><testsuite name='o' tests='1'><testcase name='a'/>"
		      "<testsuite name='i' tests='1'><testcase name='b'/></testsuite></testsuite>"
		      "</testsuites>",
		      "2 2 0 0 0");
	expect_counts("<j:testsuites xmlns:j='urn:x'><j:testsuite><j:testcase name='a'/>"
		      "</j:testsuite></j:testsuites>",
		      "1 1 0 0 0");
	expect_counts("<testsuites/>", "0 0 0 0 0");
	/* A failure outweighs a skip of the same test. */
	expect_counts("<testsuite><testcase name='a'><skipped/><failure/></testcase></testsuite>",
		      "1 0 1 0 0");
}

static void test_junit_refuses_reports_that_contradict_themselves(void **state)
{
	(void)state;
	expect_refusal("<testsuite name='s' tests='3'><testcase name='a'/></testsuite>",
		       "suite \"s\" says that it has 3 tests, but 1 is in it");
	expect_refusal("<testsuite name='s' tests='1' failures='1'><testcase name='a'/>"
		       "</testsuite>",
		       "1 failures, but 0 are in it");
	expect_refusal("<testsuite errors='0'><testcase name='a'><error/></testcase></testsuite>",
		       "0 errors, but 1 is in it");
	expect_refusal("<testsuite skipped='1'><testcase name='a'/></testsuite>", "skipped tests");
	expect_refusal("<testsuites tests='5'><testsuite tests='1'><testcase name='a'/></testsuite>"
		       "</testsuites>",
		       "has 5 tests");
	expect_refusal("<testsuite tests='many'/>", "is no count");
	expect_refusal("<testsuite tests='-1'/>", "is no count");
}

static void test_junit_refuses_what_is_no_report(void **state)
{
	(void)state;
	expect_refusal("", "not well-formed");
	expect_refusal("PASS\n", "not well-formed");
	expect_refusal("<testsuite><testcase name='a'/>", "not well-formed");
	expect_refusal("<html><body>502 Bad Gateway</body></html>", "first element is <html>");
	expect_refusal("<testcase name='a'/>", "first element is <testcase>");
	expect_refusal("<testsuite><testcase name='a'><testcase name='b'/></testcase></testsuite>",
		       "inside of another");
	expect_refusal("<testsuite><testcase name='a'><testsuite/></testcase></testsuite>",
		       "inside of a test case");
	expect_refusal("<testsuite/><testsuite/>", "not well-formed");
	expect_refusal("<testsuite name='s'><testcase name='a'/><failure/></testsuite>",
		       "suite \"s\" has a <failure> outside of all test cases");
	expect_refusal("<testsuites><error message='setup'/></testsuites>", "outside of all");
}

static void test_junit_expands_nothing(void **state)
{
	char deep[4096] = "";

	(void)state;
	expect_refusal("<!DOCTYPE t [<!ENTITY a 'b'>]><testsuite name='&a;'/>", "DOCTYPE");
	expect_refusal("<!DOCTYPE t SYSTEM 'file:///etc/passwd'><testsuite/>", "DOCTYPE");
	expect_refusal("<testsuite name='&x;'/>", "not well-formed");
	for (int i = 0; i < 100; i++)
		(void)strcat(deep, "<testsuite>");
	expect_refusal(deep, "nested deeper");
}

static void test_junit_tells_suites_and_time(void **state)
{
	struct arena *a = arena_new();
	struct junit_report r = {0};
	struct err e = {.class = ERR_NONE};
	const char *one = "<testsuites><testsuite name='a' time='1.5'><testcase name='x'/>"
			  "</testsuite><testsuite name='b' time='2'><testcase name='y' "
			  "classname='C'><failure message='a &lt; b'/></testcase></testsuite>"
			  "</testsuites>";
	const char *two = "<testsuite name='c' time='1,234.5'><testcase name='z'/></testsuite>";

	(void)state;
	assert_int_equal(junit_read(a, one, strlen(one), &r, &e), 0);
	assert_int_equal(r.n_suites, 2);
	assert_string_equal(r.suites[1].name, "b");
	assert_int_equal(r.suites[1].failed, 1);
	assert_true(r.suites[0].time == 1.5);
	assert_true(r.time == 3.5);
	assert_string_equal(r.failures[0], "C.y: a < b");
	/* A second document is added; its time is no number, so there is none of the whole. */
	assert_int_equal(junit_read(a, two, strlen(two), &r, &e), 0);
	assert_int_equal(r.tests, 3);
	assert_int_equal(r.n_documents, 2);
	assert_true(isnan(r.time));
	arena_free(a);
}

static void expect_time(const char *text, double time)
{
	struct arena *a = arena_new();
	struct junit_report r = {0};
	struct err e = {.class = ERR_NONE};

	if (junit_read(a, text, strlen(text), &r, &e) < 0)
		fail_msg("%s", e.message);
	if (isnan(time) ? !isnan(r.time) : r.time != time)
		fail_msg("%g s of %s", r.time, text);
	arena_free(a);
}

/* Node's reporter writes test cases beside suites. */
static void test_junit_adds_up_a_root_that_does_not_say_its_time(void **state)
{
	(void)state;
	expect_time("<testsuites><testcase name='a' time='2'/><testsuite time='0.5'>"
		    "<testcase name='b' time='0.5'/></testsuite></testsuites>",
		    2.5);
	expect_time("<testsuites><testcase name='a'/></testsuites>", NAN);
	expect_time("<testsuites><testcase name='a' time='2'/><testsuite><testcase name='b'/>"
		    "</testsuite></testsuites>",
		    NAN);
	expect_time("<testsuites time='3'><testcase name='a'/></testsuites>", 3);
	expect_time("<testsuite time='3'><testcase name='a' time='1'/></testsuite>", 3);
}

static void test_junit_counts_suites_that_it_does_not_keep(void **state)
{
	static const char suite[] = "<testsuite><testcase name='a'/></testsuite>";
	struct arena *a = arena_new();
	size_t n = sizeof(suite) - 1;
	char *text = arena_alloc(a, (JUNIT_MAX_SUITES + 2) * n + 100);
	struct junit_report r = {0};
	struct err e = {.class = ERR_NONE};

	(void)state;
	(void)strcpy(text, "<testsuites>");
	for (size_t i = 0; i < JUNIT_MAX_SUITES + 2; i++)
		memcpy(text + 12 + i * n, suite, n + 1);
	(void)strcat(text, "</testsuites>");
	assert_int_equal(junit_read(a, text, strlen(text), &r, &e), 0);
	assert_int_equal(r.tests, JUNIT_MAX_SUITES + 2);
	assert_int_equal(r.n_suites, JUNIT_MAX_SUITES);
	assert_int_equal(r.n_left_out, 2);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_junit_counts_reports_of_many_producers),
		cmocka_unit_test(test_junit_refuses_reports_that_contradict_themselves),
		cmocka_unit_test(test_junit_refuses_what_is_no_report),
		cmocka_unit_test(test_junit_expands_nothing),
		cmocka_unit_test(test_junit_tells_suites_and_time),
		cmocka_unit_test(test_junit_adds_up_a_root_that_does_not_say_its_time),
		cmocka_unit_test(test_junit_counts_suites_that_it_does_not_keep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
