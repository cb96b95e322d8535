/*
 * reports: text made visible, trails reduced, results grouped, and what JSON and JUnit say about a
 * run.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reports/report.h"
#include "reports/spark.h"
#include "reports/text.h"
#include "reports/view.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/json.h"
#include "tests/unit/report_fixture.h"

struct world {
	struct arena *a;
	struct report r;
	struct buf out;
};

static int set_up(void **state)
{
	static struct world w;

	w.a = arena_new();
	fixture_report(w.a, &w.r);
	buf_init(&w.out, BUF_UNBOUNDED);
	*state = &w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	buf_release(&w->out);
	arena_free(w->a);
	return 0;
}

static size_t count_of(const char *text, const char *needle)
{
	size_t n = 0;

	for (const char *p = strstr(text, needle); p != NULL; p = strstr(p + 1, needle))
		n++;
	return n;
}

static void test_text_hidden_characters_become_visible(void **state)
{
	struct world *w = *state;

	text_put(&w->out, "a\n\t\x1b\x7f\xE2\x80\xAE\xff\xC0\xAF\xEF\xBF\xBF\xF3\xA0\x80\x81z");
	assert_string_equal(w->out.data,
			    "a\\n\\t\\x1b\\x7f\\u{202E}\\xff\\xc0\\xaf\\u{FFFF}\\u{E0001}z");
}

static void test_text_backslashes_stay_readable(void **state)
{
	struct world *w = *state;

	text_put(&w->out, "matches /^2\\.\\d+$/");
	assert_string_equal(w->out.data, "matches /^2\\.\\d+$/");
}

static void test_text_markup_leaves_no_markup(void **state)
{
	struct world *w = *state;

	text_markup(&w->out, "<a href='x'>&\"]]>");
	assert_string_equal(w->out.data, "&lt;a href=&#39;x&#39;&gt;&amp;&quot;]]&gt;");
}

static void test_text_share_is_shown_as_share(void **state)
{
	struct world *w = *state;
	const struct result *owner = &w->r.results[3], *volume = &w->r.results[4];

	text_value(&w->out, owner);
	text_sample(&w->out, owner);
	text_value(&w->out, volume);
	assert_string_equal(w->out.data, "1.30 %1297 of 99 77298 475");
	assert_false(result_is_share(volume)); /* the % of "within 20 % of" is a distance */
}

static void test_spark_keeps_every_extreme(void **state)
{
	enum { N = 5000 };
	struct world *w = *state;
	struct point *trail = arena_array(w->a, N, sizeof(*trail));
	struct spark_point *points;
	double low = INFINITY, high = -INFINITY;
	size_t n;

	for (size_t i = 0; i < N; i++)
		trail[i].value = (struct value)REAL(1);
	trail[1234].value.real = 99;
	trail[4321].value.real = -7;
	trail[N - 1].value.real = 3;
	points = spark_points(w->a, trail, N, false, 120, &n);
	assert_true(n <= 120);
	for (size_t i = 0; i < n; i++) {
		low = fmin(low, points[i].y);
		high = fmax(high, points[i].y);
	}
	assert_true(low == -7 && high == 99);
	assert_true(points[n - 1].y == 3);
}

static void test_spark_short_trails_are_kept_whole(void **state)
{
	struct world *w = *state;
	struct spark_point *points;
	size_t n;

	points = spark_points(w->a, w->r.trails[8], FIXTURE_TRAIL, false, 120, &n);
	assert_int_equal(n, FIXTURE_TRAIL);
	assert_false(points[n - 1].has_y); /* api/up measured nothing this time */
	assert_true(points[n - 2].has_y);
}

static void test_spark_blocks_need_two_values(void **state)
{
	const struct spark_point points[] = {
		{.has_y = true, .y = 0}, {.has_y = false}, {.has_y = true, .y = 8}};
	struct world *w = *state;

	spark_blocks(&w->out, points, 2);
	assert_string_equal(w->out.data, "");
	spark_blocks(&w->out, points, 3);
	assert_string_equal(w->out.data, "\xE2\x96\x81.\xE2\x96\x88");
}

static void test_view_joins_series_and_finds_the_worst(void **state)
{
	struct world *w = *state;
	size_t n;
	struct check_view *views = check_views(w->a, w->r.results, w->r.n_results, &n);

	assert_int_equal(n, 12);
	assert_string_equal(views[1].info->name, "tasks/missing");
	assert_int_equal(views[1].n, 3);
	assert_int_equal(views[1].worst, 2);
	assert_int_equal(views[1].n_not_passing, 1);
	assert_int_equal(views[1].outcome, OUTCOME_FAIL);
}

static void test_view_tally_counts_checks_and_what_is_missing(void **state)
{
	struct world *w = *state;
	size_t n;
	struct check_view *views = check_views(w->a, w->r.results, w->r.n_results, &n);
	struct tally t = tally(views, n, 15);

	assert_int_equal(t.n_pass, 7);
	assert_int_equal(t.n_warn, 1);
	assert_int_equal(t.n_fail, 2);
	assert_int_equal(t.n_undecided, 1);
	assert_int_equal(t.n_skip, 1);
	assert_int_equal(t.n_missing, 3);
}

static void test_view_stretch_begins_where_the_outcome_did(void **state)
{
	struct world *w = *state;
	struct point *trail = w->r.trails[3];
	struct stretch s;

	trail[FIXTURE_TRAIL - 2].outcome = trail[FIXTURE_TRAIL - 3].outcome = OUTCOME_FAIL;
	s = stretch(trail, FIXTURE_TRAIL);
	assert_int_equal(s.n_runs, 3);
	assert_int_equal(s.first->run_id, FIXTURE_RUN - 2);
	assert_int_equal(s.before->run_id, FIXTURE_RUN - 3);
	assert_null(stretch(trail, 0).first);
}

static struct json_value json_at(const struct json_doc *d, const char *pointer)
{
	struct json_value v;

	assert_int_equal(json_pointer(d, pointer, &v, NULL), 0);
	return v;
}

static struct json_doc *json_of(struct world *w)
{
	struct json_doc *d = NULL;
	struct err e = {0};

	report_json(&w->out, &w->r);
	assert_int_equal(json_parse(w->out.data, w->out.len, &d, &e), 0);
	return d;
}

static void test_report_json_has_the_documented_shape(void **state)
{
	struct json_doc *d = json_of(*state);

	assert_string_equal(json_at(d, "/assize").text, "run/1");
	assert_int_equal(json_at(d, "/exit").integer, 1);
	assert_int_equal(json_at(d, "/run/id").integer, FIXTURE_RUN);
	assert_string_equal(json_at(d, "/run/begin").text, "2026-11-22T21:40:03.000Z");
	assert_int_equal(json_at(d, "/run/checks/fail").integer, 2);
	assert_int_equal(json_at(d, "/checks").n, 12);
	assert_string_equal(json_at(d, "/checks/1/name").text, "tasks/missing");
	assert_string_equal(json_at(d, "/checks/1/outcome").text, "fail");
	assert_string_equal(json_at(d, "/checks/1/tags/1").text, "release");
	assert_int_equal(json_at(d, "/checks/1/series/2/value").integer, 1297);
	assert_true(json_at(d, "/checks/1/series/2/share").real == 0.013);
	assert_string_equal(json_at(d, "/checks/1/series/2/shown").text, "1.30 %");
	assert_int_equal(json_at(d, "/checks/1/series/2/line").integer, 34);
	assert_int_equal(json_at(d, "/checks/1/series/2/evidence").n, 3);
	assert_int_equal(json_at(d, "/restorations/1/steps/0/remedy").type, JSON_IS_TEXT);
	assert_int_equal(json_at(d, "/restorations/1/objects").type, JSON_IS_NULL);
	json_free(d);
}

static void test_report_json_no_measurement_is_null_never_zero(void **state)
{
	struct json_doc *d = json_of(*state);

	assert_string_equal(json_at(d, "/checks/5/name").text, "api/up");
	assert_string_equal(json_at(d, "/checks/5/outcome").text, "undecided");
	assert_int_equal(json_at(d, "/checks/5/series/0/value").type, JSON_IS_NULL);
	assert_int_equal(json_at(d, "/checks/5/series/0/n").type, JSON_IS_NULL);
	assert_int_equal(json_at(d, "/checks/5/series/0/share").type, JSON_IS_NULL);
	assert_int_equal(json_at(d, "/checks/5/series/0/room").type, JSON_IS_NULL);
	assert_int_equal(json_at(d, "/checks/5/series/0/reason").type, JSON_IS_TEXT);
	json_free(d);
}

static void test_report_json_embeds_the_decision_and_its_exit(void **state)
{
	struct world *w = *state;
	struct json_doc *d;

	fixture_keep_passing(&w->r);
	fixture_add_decision(w->a, &w->r, false);
	d = json_of(w);
	assert_int_equal(json_at(d, "/exit").integer, 1);
	assert_string_equal(json_at(d, "/decisions/0/decision").text, "shut");
	assert_int_equal(json_at(d, "/decisions/0/lines").n, 4);
	assert_true(json_at(d, "/decisions/0/lines/0/is_required").boolean);
	json_free(d);
}

static void test_report_json_decision_alone(void **state)
{
	struct world *w = *state;
	struct json_doc *d = NULL;

	fixture_add_decision(w->a, &w->r, false);
	w->r.decisions[0].outcome = OUTCOME_UNDECIDED;
	report_decision_json(&w->out, &w->r.decisions[0]);
	assert_int_equal(json_parse(w->out.data, w->out.len, &d, NULL), 0);
	assert_string_equal(json_at(d, "/assize").text, "decision/1");
	assert_int_equal(json_at(d, "/exit").integer, 2);
	json_free(d);
}

static void test_report_junit_counts_are_right(void **state)
{
	struct world *w = *state;

	report_junit(&w->out, &w->r, JUNIT_JENKINS);
	assert_int_equal(count_of(w->out.data, "<testcase "), 15);
	assert_int_equal(count_of(w->out.data, "<failure "), 2);
	assert_int_equal(count_of(w->out.data, "<error "), 1);
	assert_int_equal(count_of(w->out.data, "<skipped "), 1);
	assert_non_null(strstr(w->out.data, "<testsuites name=\"assize\" tests=\"15\" "
					    "failures=\"2\" errors=\"1\" time="));
	assert_non_null(strstr(w->out.data, "<testsuite name=\"tasks\" tests=\"6\" "
					    "failures=\"1\" errors=\"0\" skipped=\"0\""));
}

/* A case with nothing inside is what every reader counts as passed. */
static void test_report_junit_has_no_bare_testcase(void **state)
{
	struct world *w = *state;

	fixture_add_decision(w->a, &w->r, false);
	report_junit(&w->out, &w->r, JUNIT_JENKINS);
	assert_null(strstr(w->out.data, "></testcase>"));
	assert_null(strstr(w->out.data, "/testcase>\n    </testcase>"));
	assert_int_equal(count_of(w->out.data, "<testcase "),
			 count_of(w->out.data, "<failure ") + count_of(w->out.data, "<error ") +
				 count_of(w->out.data, "<skipped ") +
				 count_of(w->out.data, "<system-out>"));
}

static void test_report_junit_missing_results_are_an_error(void **state)
{
	struct world *w = *state;

	w->r.n_results = 1;
	report_junit(&w->out, &w->r, JUNIT_JENKINS);
	assert_non_null(strstr(w->out.data, "11 of 12 checks have no result"));
	assert_int_equal(count_of(w->out.data, "<error "), 1);
}

static void test_report_junit_run_without_end_is_an_error(void **state)
{
	struct world *w = *state;

	fixture_keep_passing(&w->r);
	w->r.run.state = RUN_INCOMPLETE;
	report_junit(&w->out, &w->r, JUNIT_JENKINS);
	assert_non_null(strstr(w->out.data, "run 12 has no end"));
	assert_int_equal(count_of(w->out.data, "<error "), 1);
}

static void test_report_junit_nothing_measured_is_an_error(void **state)
{
	struct world *w = *state;

	w->r.n_results = 0;
	w->r.run.n_planned = 0;
	report_junit(&w->out, &w->r, JUNIT_JENKINS);
	assert_non_null(strstr(w->out.data, "message=\"nothing was measured\""));
}

static void test_report_junit_shut_gate_is_never_a_pass(void **state)
{
	struct world *w = *state;

	fixture_keep_passing(&w->r);
	fixture_add_decision(w->a, &w->r, false);
	w->r.decisions[0].outcome = OUTCOME_PASS; /* contradicts itself: shut wins, undecided */
	report_junit(&w->out, &w->r, JUNIT_JENKINS);
	assert_int_equal(count_of(w->out.data, "<error "), 1);
}

static void test_report_junit_profiles_differ_where_the_schemas_do(void **state)
{
	struct world *w = *state;

	report_junit(&w->out, &w->r, JUNIT_JENKINS);
	assert_null(strstr(w->out.data, " file="));
	assert_null(strstr(w->out.data, "<properties>"));
	buf_reset(&w->out);
	report_junit(&w->out, &w->r, JUNIT_GITLAB);
	assert_int_equal(count_of(w->out.data, " file=\"audits/storefront.yaml\""), 15);
	assert_int_equal(count_of(w->out.data, "<properties>"), 15);
}

/* Names of all formats that render to a buffer, for claims about all of them. */
static void render(struct world *w, size_t format)
{
	buf_reset(&w->out);
	switch (format) {
	case 0:
		report_json(&w->out, &w->r);
		return;
	case 1:
		report_junit(&w->out, &w->r, JUNIT_JENKINS);
		return;
	case 2:
		report_junit(&w->out, &w->r, JUNIT_GITLAB);
		return;
	default:
		report_html(&w->out, &w->r);
		return;
	}
}

static void test_report_hostile_text_stays_text_in_every_format(void **state)
{
	static const char *const traces[] = {"<script", "\x1b",		"\x07",
					     "\x7f",	"\xE2\x80\xAE", "\xE2\x80\x8B",
					     "\xff",	"\xC0\xAF",	"\xED\xA0\x80"};
	struct world *w = *state;

	fixture_add_decision(w->a, &w->r, false);
	fixture_make_hostile(w->a, &w->r);
	for (size_t format = 0; format < 4; format++) {
		render(w, format);
		for (size_t i = format == 0 ? 1 : 0; i < sizeof(traces) / sizeof(traces[0]); i++)
			assert_null(strstr(w->out.data, traces[i]));
		assert_int_equal(strlen(w->out.data), w->out.len);
		if (format > 0)
			assert_null(strstr(w->out.data, "]]>"));
		/* a CI command works only at the start of a line */
		assert_null(strstr(w->out.data, "\n::"));
	}
}

static void test_report_same_record_gives_the_same_bytes(void **state)
{
	struct world *w = *state;

	for (size_t format = 0; format < 4; format++) {
		struct buf first;

		render(w, format);
		first = w->out;
		buf_init(&w->out, BUF_UNBOUNDED);
		render(w, format);
		assert_int_equal(first.len, w->out.len);
		assert_memory_equal(first.data, w->out.data, first.len);
		buf_release(&first);
	}
}

#define REPORT_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REPORT_TEST(test_text_hidden_characters_become_visible),
		REPORT_TEST(test_text_backslashes_stay_readable),
		REPORT_TEST(test_text_markup_leaves_no_markup),
		REPORT_TEST(test_text_share_is_shown_as_share),
		REPORT_TEST(test_spark_keeps_every_extreme),
		REPORT_TEST(test_spark_short_trails_are_kept_whole),
		REPORT_TEST(test_spark_blocks_need_two_values),
		REPORT_TEST(test_view_joins_series_and_finds_the_worst),
		REPORT_TEST(test_view_tally_counts_checks_and_what_is_missing),
		REPORT_TEST(test_view_stretch_begins_where_the_outcome_did),
		REPORT_TEST(test_report_json_has_the_documented_shape),
		REPORT_TEST(test_report_json_no_measurement_is_null_never_zero),
		REPORT_TEST(test_report_json_embeds_the_decision_and_its_exit),
		REPORT_TEST(test_report_json_decision_alone),
		REPORT_TEST(test_report_junit_counts_are_right),
		REPORT_TEST(test_report_junit_has_no_bare_testcase),
		REPORT_TEST(test_report_junit_missing_results_are_an_error),
		REPORT_TEST(test_report_junit_run_without_end_is_an_error),
		REPORT_TEST(test_report_junit_nothing_measured_is_an_error),
		REPORT_TEST(test_report_junit_shut_gate_is_never_a_pass),
		REPORT_TEST(test_report_junit_profiles_differ_where_the_schemas_do),
		REPORT_TEST(test_report_hostile_text_stays_text_in_every_format),
		REPORT_TEST(test_report_same_record_gives_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
