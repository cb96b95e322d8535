/*
 * html: the page's promises that can be computed: nothing runs or loads, the style is the hashed
 * one, both palettes keep WCAG 2.2 AA contrast, sections appear only with data, and the sentence
 * says the verdict.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "reports/html.h"
#include "reports/report.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
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

static const char *page_of(struct world *w)
{
	buf_reset(&w->out);
	report_html(&w->out, &w->r);
	return w->out.data;
}

static bool says(struct world *w, const char *needle)
{
	return strstr(page_of(w), needle) != NULL;
}

static void test_html_runs_and_loads_nothing(void **state)
{
	static const char *const forbidden[] = {
		"<script", "javascript:",	   " style=", "src=",	  "url(",   "@import",
		"<link",   "http-equiv=\"refresh", " onload", " onclick", "<iframe"};
	struct world *w = *state;

	fixture_add_decision(w->a, &w->r, false);
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		assert_false(says(w, forbidden[i]));
	assert_true(says(w, "default-src 'none'; style-src 'sha256-"));
	for (const char *p = strstr(page_of(w), "href=\""); p != NULL; p = strstr(p + 1, "href=\""))
		assert_int_equal(p[6], '#');
}

/* The hash itself is checked by a browser in tests/t/report_html.t. */
static void test_html_has_one_style_and_its_hash(void **state)
{
	struct world *w = *state;
	const char *style = strstr(page_of(w), "<style>");

	assert_non_null(style);
	assert_null(strstr(style + 1, "<style"));
	assert_non_null(strstr(w->out.data, "'sha256-"));
}

struct palette {
	double paper, ink, mid, bad, wv, link; /* relative luminance */
};

/* WCAG 2.2, relative luminance of #rrggbb. */
static double luminance(const char *hex)
{
	static const double weight[3] = {0.2126, 0.7152, 0.0722};
	double sum = 0;

	for (int i = 0; i < 3; i++) {
		unsigned v = 0;
		double c;

		assert_int_equal(sscanf(hex + 1 + (strlen(hex) == 4 ? i : 2 * i),
					strlen(hex) == 4 ? "%1x" : "%2x", &v),
				 1);
		c = strlen(hex) == 4 ? v * 17 / 255.0 : v / 255.0;
		sum += weight[i] * (c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
	}
	return sum;
}

static double color_of(const char *root, const char *name)
{
	const char *end = strchr(root, '}');
	const char *p = strstr(root, name);
	char hex[8] = "";

	assert_non_null(end);
	assert_non_null(p);
	assert_true(p < end);
	p += strlen(name);
	memcpy(hex, p, strspn(p, "#0123456789abcdef"));
	return luminance(hex);
}

static double contrast(double a, double b)
{
	return (fmax(a, b) + 0.05) / (fmin(a, b) + 0.05);
}

static void test_html_contrast_is_wcag_aa_in_every_palette(void **state)
{
	static const char *const names[] = {"--ink:", "--mid:", "--bad:", "--wv:", "--link:"};
	struct world *w = *state;
	size_t n = 0;

	for (const char *root = strstr(page_of(w), ":root{"); root != NULL;
	     root = strstr(root + 1, ":root{")) {
		double paper = color_of(root, "--paper:");

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			assert_true(contrast(paper, color_of(root, names[i])) >= 4.5);
		n++;
	}
	assert_int_equal(n, 3); /* light, dark, print */
}

/* Text takes only colours whose contrast is computed above. */
static void test_html_text_uses_only_the_palette(void **state)
{
	struct world *w = *state;
	const char *style = strstr(page_of(w), "<style>");
	const char *end = strstr(style, "</style>");

	for (const char *p = strstr(style, "color:"); p != NULL && p < end;
	     p = strstr(p + 1, "color:"))
		assert_true(strncmp(p + 6, "var(--", 6) == 0 || strncmp(p + 6, "inherit", 7) == 0 ||
			    strncmp(p + 6, "currentColor", 12) == 0 ||
			    strncmp(p + 6, "transparent", 11) == 0);
}

static void test_html_state_is_never_colour_alone(void **state)
{
	struct world *w = *state;
	const char *page = page_of(w);
	size_t n = 0;

	/* every coloured row begins with a mark and the word */
	for (const char *p = strstr(page, "<tr class=\"bad"); p != NULL;
	     p = strstr(p + 1, "<tr class=\"bad")) {
		const char *end = strstr(p, "</td>");
		const char *word = strstr(p, "FAIL");

		assert_true(word != NULL && word < end);
		n++;
	}
	assert_true(n >= 2);
}

static void test_html_sections_appear_only_with_data(void **state)
{
	static const char *const sections[] = {"id=\"changed\"", "id=\"gate\"", "id=\"fails\"",
					       "id=\"rollback\""};
	struct world *w = *state;

	fixture_add_decision(w->a, &w->r, false);
	for (size_t i = 0; i < 4; i++)
		assert_true(says(w, sections[i]));
	fixture_keep_passing(&w->r);
	w->r.n_decisions = w->r.n_restorations = 0;
	for (size_t i = 0; i < 4; i++)
		assert_false(says(w, sections[i]));
	assert_true(says(w, "id=\"ledger\""));
	assert_true(says(w, "id=\"verify\""));
}

static void test_html_sentence_says_what_failed(void **state)
{
	struct world *w = *state;

	assert_true(says(w, "<span class=\"vd bad\">Failed.</span> 2 of 12 checks are disproved; "
			    "the gravest is <code>dist/digests</code>: measured 1, bound =\xC2\xA0"
			    "0."));
}

static void test_html_sentence_for_every_ending(void **state)
{
	struct world *w = *state;
	struct report all = w->r;

	fixture_keep_passing(&w->r);
	assert_true(says(w, "<span class=\"vd\">Passed.</span> All 7 checks hold."));
	w->r.run.state = RUN_INTERRUPTED;
	assert_true(says(w, ">Interrupted.</span> 7 of 7 checks have a result"));
	w->r.run.state = RUN_INCOMPLETE;
	assert_true(says(w, ">Incomplete.</span>"));
	w->r.run.state = RUN_COMPLETE;
	w->r.run.n_planned = 8;
	assert_true(says(w, ">Incomplete.</span> 7 of 8 checks have a result"));
	w->r.n_results = 0;
	w->r.run.n_planned = 0;
	assert_true(says(w, ">Undecided.</span> No check was measured."));
	w->r = all;
	fixture_report(w->a, &w->r);
	w->r.results += 8;
	w->r.trails += 8;
	w->r.n_trails += 8;
	w->r.n_results = 1;
	w->r.run.n_planned = 1;
	w->r.has_previous = false;
	assert_true(says(w, ">Undecided.</span> 1 of 1 check could not be measured: "
			    "<code>api/up</code>, could not connect to"));
}

static void test_html_open_and_shut_belong_to_gates(void **state)
{
	struct world *w = *state;

	assert_false(says(w, "Shut"));
	assert_false(says(w, "Open"));
	fixture_add_decision(w->a, &w->r, false);
	assert_true(says(w, ">Shut.</span> Gate <code>release</code> keeps out v2.31.0: "
			    "2 requirements are not met."));
	fixture_keep_passing(&w->r);
	fixture_add_decision(w->a, &w->r, true);
	assert_true(says(w, ">Open.</span> Gate <code>release</code> lets v2.31.0 through. "));
}

static void test_html_changes_name_loosened_bounds(void **state)
{
	struct world *w = *state;

	assert_true(says(w, "<b class=\"bad\">Newly failing</b> <code>dist/digests</code> 0 → 1."));
	assert_true(says(w, "<b class=\"wv\">Newly undecided</b> <code>api/up</code>"));
	assert_true(says(w, "<b class=\"wv\">Bound loosened</b> <code>api/errors</code> from "
			    "≤\xC2\xA0"
			    "0.5\xC2\xA0% to ≤\xC2\xA0"
			    "1\xC2\xA0%, written at <code>audits/storefront.yaml:58:17</code>"));
}

static void test_html_changes_name_what_is_gone_and_new(void **state)
{
	struct world *w = *state;

	w->r.n_results--;
	assert_true(says(w, "<b class=\"wv\">No longer checked</b> "
			    "<code>rollback/releases{tag=&quot;v2.30.4&quot;}</code> was pass"));
	w->r.n_results++;
	w->r.n_previous_results--;
	assert_true(says(w, "<b>New</b> <code>rollback/releases"));
}

static void test_html_changes_say_when_nothing_did(void **state)
{
	struct world *w = *state;

	w->r.previous_results = w->r.results;
	w->r.previous = w->r.run;
	for (size_t i = 0; i < w->r.n_results; i++)
		w->r.results[i].outcome = OUTCOME_PASS;
	assert_true(says(w, "Definitions unchanged.</b> Every check came out as before."));
}

static void test_html_bound_signs_leave_patterns_alone(void **state)
{
	struct world *w = *state;

	w->r.results[0].bound = "matches /a, <= b/";
	w->r.results[4].bound = ">= 10, != 12";
	assert_true(says(w, "matches\xC2\xA0/a,\xC2\xA0&lt;=\xC2\xA0"
			    "b/"));
	assert_true(says(w, "≥\xC2\xA0"
			    "10,\xC2\xA0≠\xC2\xA0"
			    "12"));
}

static void test_html_what_a_gate_told_is_set_as_all_else(void **state)
{
	static const struct {
		const char *told, *shown;
	} cases[] = {
		{"1 row, bound >= 2 rows, measured 64 s ago",
		 "<td>1\xC2\xA0row, bound \xE2\x89\xA5 2 rows, measured 64\xC2\xA0s ago<"},
		{"98.70 %, bound >= 99.9 %, != 100 %", "<td>98.70\xC2\xA0%, bound \xE2\x89\xA5 "
						       "99.9\xC2\xA0%, \xE2\x89\xA0 100\xC2\xA0%<"},
		{"frozen until 2026-11-28T09:47:11Z, which is 2 h 24 min in the future",
		 "<td>frozen until <span class=\"nb\">2026-11-28T09:47:11Z,</span> which is "
		 "2\xC2\xA0h 24\xC2\xA0min in the future<"},
		{"\"<b>\", bound matches /, bound >= 1/", "bound matches /, bound &gt;= 1/<"},
		{"no bound at all", "<td>no bound at all<"},
		{"", "<td><"},
	};
	struct world *w = *state;
	struct decision_line line;

	fixture_add_decision(w->a, &w->r, true);
	line = w->r.decisions[0].lines[0];
	w->r.decisions[0].lines = &line;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		line.text = cases[i].told;
		assert_true(says(w, cases[i].shown));
	}
}

static void test_html_many_series_show_the_worst(void **state)
{
	enum { N = 40 };
	struct world *w = *state;
	struct result *results = arena_array(w->a, N, sizeof(*results));

	for (size_t i = 0; i < N; i++) {
		results[i] = w->r.results[3];
		results[i].series = arena_printf(w->a, "{shard=\"%zu\"}", i);
		results[i].outcome = i % 2 == 0 ? OUTCOME_PASS : OUTCOME_FAIL;
	}
	w->r.results = results;
	w->r.n_results = N;
	w->r.trails = NULL;
	w->r.has_previous = false;
	w->r.run.n_planned = 1;
	assert_true(says(w, "the worst of 40 series, 20 not passing"));
	assert_true(says(w, "And 12 more series that did not pass."));
}

static void test_html_thousand_checks_with_a_year_are_quick_and_small(void **state)
{
	struct world *w = *state;
	struct timespec before, after;
	double seconds;

	fixture_many(w->a, &w->r, 1000, 8760);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before); /* cannot fail for this clock */
	(void)page_of(w);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	seconds = (double)(after.tv_sec - before.tv_sec) +
		  (double)(after.tv_nsec - before.tv_nsec) / 1e9;
	assert_true(w->out.len <= 5 * 1000 * 1000);
	assert_true(seconds <= 1.0 * 5); /* 1 s is the bar; sanitizers get five times that */
}

#define HTML_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HTML_TEST(test_html_runs_and_loads_nothing),
		HTML_TEST(test_html_has_one_style_and_its_hash),
		HTML_TEST(test_html_contrast_is_wcag_aa_in_every_palette),
		HTML_TEST(test_html_text_uses_only_the_palette),
		HTML_TEST(test_html_state_is_never_colour_alone),
		HTML_TEST(test_html_sections_appear_only_with_data),
		HTML_TEST(test_html_sentence_says_what_failed),
		HTML_TEST(test_html_sentence_for_every_ending),
		HTML_TEST(test_html_open_and_shut_belong_to_gates),
		HTML_TEST(test_html_changes_name_loosened_bounds),
		HTML_TEST(test_html_changes_name_what_is_gone_and_new),
		HTML_TEST(test_html_changes_say_when_nothing_did),
		HTML_TEST(test_html_bound_signs_leave_patterns_alone),
		HTML_TEST(test_html_what_a_gate_told_is_set_as_all_else),
		HTML_TEST(test_html_many_series_show_the_worst),
		HTML_TEST(test_html_thousand_checks_with_a_year_are_quick_and_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
