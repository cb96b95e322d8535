/*
 * Selectors: what they select, and where they say they are wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "audits/exposition.h"
#include "audits/series_selector.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"

#define TEXT(s)                                                                                    \
	{                                                                                          \
		s, sizeof(s) - 1                                                                   \
	}

static const struct exposition_label labels[] = {
	{TEXT("code"), TEXT("500")},
	{TEXT("path"), TEXT("/a\"b\\c")},
	{TEXT("empty"), TEXT("")},
};

/* 1, 0, or -1 when the selector cannot be read. */
static int selects(const char *selector)
{
	struct arena *a = arena_new();
	struct series_selector s;
	struct err e = {0};
	int code = series_selector_parse(a, selector, &s, &e);

	if (code == 0)
		code = series_selector_matches(&s, labels, sizeof(labels) / sizeof(labels[0]), &e);
	arena_free(a);
	return code;
}

static void test_series_selector_matches_labels(void **state)
{
	(void)state;
	assert_int_equal(selects("requests"), 1);
	assert_int_equal(selects("requests{}"), 1);
	assert_int_equal(selects("requests{code=\"500\"}"), 1);
	assert_int_equal(selects("requests{code='500',}"), 1);
	assert_int_equal(selects(" requests { code = \"500\" , path != \"x\" } "), 1);
	assert_int_equal(selects("requests{code=\"50\"}"), 0);
	assert_int_equal(selects("requests{code!=\"500\"}"), 0);
	assert_int_equal(selects("requests{code!=\"501\"}"), 1);
	assert_int_equal(selects("requests{code=\"500\",code=\"501\"}"), 0);
}

static void test_series_selector_anchors_patterns(void **state)
{
	(void)state;
	assert_int_equal(selects("requests{code=~\"5..\"}"), 1);
	assert_int_equal(selects("requests{code=~\"5\"}"), 0);
	assert_int_equal(selects("requests{code=~\"4..|50.\"}"), 1);
	assert_int_equal(selects("requests{code!~\"5.*\"}"), 0);
	assert_int_equal(selects("requests{code!~\"5\"}"), 1);
}

static void test_series_selector_reads_absent_as_empty(void **state)
{
	(void)state;
	assert_int_equal(selects("requests{zone=\"\"}"), 1);
	assert_int_equal(selects("requests{zone!=\"\"}"), 0);
	assert_int_equal(selects("requests{empty=\"\"}"), 1);
	assert_int_equal(selects("requests{zone=~\".*\"}"), 1);
	assert_int_equal(selects("requests{zone=~\".+\"}"), 0);
	assert_int_equal(selects("requests{code=\"\"}"), 0);
}

static void test_series_selector_knows_escapes(void **state)
{
	(void)state;
	assert_int_equal(selects("requests{path=\"/a\\\"b\\\\c\"}"), 1);
	assert_int_equal(selects("requests{path='/a\"b\\\\c'}"), 1);
	assert_int_equal(selects("requests{path=~\"/a.b\\\\\\\\c\"}"), 1);
}

static void test_series_selector_compares_names_whole(void **state)
{
	struct arena *a = arena_new();
	struct series_selector s;
	struct err e = {0};

	(void)state;
	assert_int_equal(series_selector_parse(a, "job:requests:rate5m", &s, &e), 0);
	assert_true(series_selector_is_named(&s, "job:requests:rate5m", 19));
	assert_false(series_selector_is_named(&s, "job:requests:rate5", 18));
	assert_false(series_selector_is_named(&s, "job:requests:rate5mm", 20));
	arena_free(a);
}

static void test_series_selector_reads_quoted_names(void **state)
{
	struct arena *a = arena_new();
	struct series_selector s;
	struct err e = {0};

	(void)state;
	assert_int_equal(series_selector_parse(a, "{\"queue.length\"}", &s, &e), 0);
	assert_true(series_selector_is_named(&s, "queue.length", 12));
	assert_int_equal(s.n_matchers, 0);
	assert_int_equal(series_selector_parse(a, "{'a b', \"x.y\"=~\"z\", code!='1'}", &s, &e), 0);
	assert_true(series_selector_is_named(&s, "a b", 3));
	assert_int_equal(s.n_matchers, 2);
	assert_string_equal(s.matchers[0].label, "x.y");
	assert_int_equal(series_selector_parse(a, "{code=\"1\", \"late\"}", &s, &e), 0);
	assert_true(series_selector_is_named(&s, "late", 4));
	assert_int_equal(selects("a{\"code\"=\"500\"}"), 1);
	/* no name, an empty one, two */
	assert_int_equal(series_selector_parse(a, "{code=\"1\"}", &s, &e), -1);
	assert_non_null(strstr(e.message, "the name of a metric is missing"));
	assert_int_equal(series_selector_parse(a, "{\"\"}", &s, &e), -1);
	assert_int_equal(series_selector_parse(a, "{\"a\", \"b\"}", &s, &e), -1);
	assert_non_null(strstr(e.message, "at column 7 stands a second name of a metric"));
	assert_int_equal(series_selector_parse(a, "a{\"b\"}", &s, &e), -1);
	arena_free(a);
}

static void test_series_selector_says_where_it_is_wrong(void **state)
{
	static const char *const bad[][2] = {
		{"", "at column 1 the name of a metric is missing"},
		{"{a=\"b\"}", "at column 1 the name of a metric is missing"},
		{"5xx", "at column 1 the name of a metric is missing"},
		{"a-b", "at column 2 something stands behind the selector"},
		{"a{b}", "at column 4 stands none of = != =~ !~"},
		{"a{b==\"c\"}", "at column 5 a value in quotes is missing"},
		{"a{b=c}", "at column 5 a value in quotes is missing"},
		{"a{b=\"c\"", "at column 8 stands neither , nor }"},
		{"a{b=\"c}", "at column 8 the closing quote is missing"},
		{"a{b=\"c\" d=\"e\"}", "at column 9 stands neither , nor }"},
		{"a{,}", "at column 3 a label name is missing"},
		{"a{b:c=\"d\"}", "at column 4 stands none of"},
		{"a{b=\"\\d\"}", "at column 6 begins an unknown escape"},
		{"a{b=\"\\", "at column 6 begins an unknown escape"},
		{"a{__name__=\"b\"}", "write the metric's name before the braces"},
		{"a{b=~\"[\"}", "at column 6: cannot compile pattern"},
		{"a{b=\"c\"} > 5", "at column 10 something stands behind the selector"},
		{"a[5m]", "at column 2 something stands behind the selector"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena *a = arena_new();
		struct series_selector s;
		struct err e = {0};

		assert_int_equal(series_selector_parse(a, bad[i][0], &s, &e), -1);
		assert_int_equal(e.class, ERR_DEFINITION);
		if (strstr(e.message, bad[i][1]) == NULL)
			fail_msg("%s: %s", bad[i][0], e.message);
		arena_free(a);
	}
}

static void test_series_selector_limits_matchers(void **state)
{
	char text[1024] = "a{";

	(void)state;
	for (int i = 0; i < 65; i++)
		strcat(text, "b=\"c\",");
	strcat(text, "}");
	assert_int_equal(selects(text), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_series_selector_matches_labels),
		cmocka_unit_test(test_series_selector_anchors_patterns),
		cmocka_unit_test(test_series_selector_reads_absent_as_empty),
		cmocka_unit_test(test_series_selector_knows_escapes),
		cmocka_unit_test(test_series_selector_compares_names_whole),
		cmocka_unit_test(test_series_selector_reads_quoted_names),
		cmocka_unit_test(test_series_selector_says_where_it_is_wrong),
		cmocka_unit_test(test_series_selector_limits_matchers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
