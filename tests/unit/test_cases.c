/*
 * The cases every format for CI systems counts: what is one, what it says, which comes first, and
 * that whatever is not a success has one that does not pass.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reports/cases.h"
#include "reports/view.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "tests/unit/report_fixture.h"

static const struct report_case *named(const struct report_case *cases, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(cases[i].name, name) == 0)
			return &cases[i];
	fail_msg("there is no case %s", name);
	return NULL;
}

static bool all_pass(const struct report_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!outcome_is_passing(cases[i].outcome))
			return false;
	return n > 0;
}

static void test_cases_say_what_was_found(void **state)
{
	struct arena *a = arena_new();
	struct report r;
	struct report_case *cases;
	const struct report_case *c;
	size_t n;

	(void)state;
	fixture_report(a, &r);
	cases = report_cases(a, &r, &n);
	assert_int_equal(n, r.n_results);
	c = named(cases, n, "tasks/missing{column=\"owner\"}");
	assert_string_equal(c->message, "measured 1.30 %, bound <= 0.1 %");
	assert_string_equal(c->group, "tasks");
	assert_string_equal(c->rule, "tasks/missing");
	assert_int_equal(c->line, 34);
	assert_non_null(strstr(c->details, "evidence: id 8812051, created 14:05:20"));
	assert_non_null(strstr(c->details, "explain: assize explain 12 tasks/missing\n"));
	c = named(cases, n, "api/up");
	assert_string_equal(c->message, "no measurement: could not connect to 127.0.0.1:9100: "
					"connection refused, bound == 1");
	c = named(cases, n, "api/home:total");
	assert_string_equal(c->message, "measured 262 ms, bound <= 300 ms: outside the bound "
					"(warning bound <= 250 ms)");
	c = named(cases, n, "queue/lag");
	assert_string_equal(c->message, "skipped: needs api/up, which is undecided, bound <= 60 s");
	assert_string_equal(named(cases, n, "tasks/fresh")->details, "");
	arena_free(a);
}

static void test_cases_of_a_shut_gate_name_its_reasons(void **state)
{
	struct arena *a = arena_new();
	struct report r;
	struct report_case *cases;
	size_t n;

	(void)state;
	fixture_report(a, &r);
	fixture_keep_passing(&r);
	fixture_add_decision(a, &r, false);
	cases = report_cases(a, &r, &n);
	assert_int_equal(cases[0].kind, CASE_GATE);
	assert_int_equal(cases[0].outcome, OUTCOME_FAIL);
	assert_string_equal(cases[0].message,
			    "gate release is shut for v2.31.0: fail tasks/missing{column="
			    "\"owner\"}: 1.30 %, bound <= 0.1 %; undecided api/up: measured 3 h "
			    "ago, limit 30 min");
	assert_int_equal(cases[0].line, 34);
	assert_non_null(strstr(cases[0].details, "advised: warn") == NULL ? "" : NULL);
	assert_non_null(strstr(cases[0].details, "to do: assize run api/up --subject v2.31.0\n"));
	arena_free(a);
}

/* Asked again about the same subject, the gate opened: the newer decision counts. */
static void test_cases_count_the_newer_decision(void **state)
{
	struct arena *a = arena_new();
	struct report r;
	struct decision both[2];
	struct report_case *cases;
	struct buf junit;
	size_t n;

	(void)state;
	fixture_report(a, &r);
	fixture_keep_passing(&r);
	fixture_add_decision(a, &r, false);
	both[0] = r.decisions[0];
	fixture_add_decision(a, &r, true);
	both[1] = r.decisions[0];
	both[1].id = both[0].id + 1;
	r.decisions = both;
	r.n_decisions = 2;
	cases = report_cases(a, &r, &n);
	assert_int_equal(n, r.n_results + 1);
	assert_true(all_pass(cases, n));
	buf_init(&junit, BUF_UNBOUNDED);
	report_junit(&junit, &r, JUNIT_JENKINS);
	assert_null(strstr(junit.data, "<failure"));
	buf_release(&junit);
	both[1].subject = "v2.32.0"; /* another subject: both count */
	cases = report_cases(a, &r, &n);
	assert_int_equal(n, r.n_results + 2);
	assert_false(all_pass(cases, n));
	arena_free(a);
}

static void test_cases_never_all_pass_when_the_run_does_not(void **state)
{
	static const struct {
		const char *what;
		const char *message;
	} rows[] = {
		{"incomplete", "run 12 has no end: the process died or still runs"},
		{"interrupted", "run 12 was interrupted"},
		{"missing", "1 of 8 checks have no result"},
		{"empty", "nothing was measured"},
		{"skipped", "nothing was measured: every check was skipped"},
		{"some skipped", "1 of 7 series were skipped: the run is undecided"},
		{"contradiction", "the run is recorded as fail, though every series passes"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct report r;
		struct report_case *cases;
		size_t n;

		fixture_report(a, &r);
		fixture_keep_passing(&r);
		if (i == 0)
			r.run.state = RUN_INCOMPLETE;
		else if (i == 1)
			r.run.state = RUN_INTERRUPTED;
		else if (i == 2)
			r.run.n_planned++;
		else if (i == 3)
			r.run.n_planned = (int64_t)(r.n_results = 0);
		else if (i == 6)
			r.run.outcome = OUTCOME_FAIL;
		for (size_t k = 0; k < r.n_results && (i == 4 || (i == 5 && k == 0)); k++)
			r.results[k].outcome = OUTCOME_SKIP;
		cases = report_cases(a, &r, &n);
		if (n == 0 || all_pass(cases, n))
			fail_msg("%s: everything passes", rows[i].what);
		assert_int_equal(cases[0].kind, CASE_RUN);
		assert_string_equal(cases[0].message, rows[i].message);
		assert_non_null(strstr(report_verdict(a, &r), rows[i].message));
		arena_free(a);
	}
}

static void test_cases_have_fingerprints_of_names_alone(void **state)
{
	struct arena *a = arena_new();
	struct report r;
	struct report_case *before, *after;
	size_t n;

	(void)state;
	fixture_report(a, &r);
	before = report_cases(a, &r, &n);
	for (size_t i = 0; i < r.n_results; i++) {
		r.results[i].bound_line += 7;
		r.results[i].value = (struct value)INTEGER(4711);
		r.results[i].outcome = OUTCOME_FAIL;
		r.results[i].bound = "== 0";
	}
	r.run.id++;
	after = report_cases(a, &r, &n);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(before[i].fingerprint, after[i].fingerprint);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(after[i].fingerprint, after[k].fingerprint);
	}
	arena_free(a);
}

static void test_cases_are_ranked_by_what_matters(void **state)
{
	static const char *const expected[] = {"gates/release", "tasks/missing{column=\"owner\"}",
					       "api/up",	"dist/digests",
					       "queue/lag",	"api/home:total",
					       "tasks/columns"};
	struct arena *a = arena_new();
	struct report r;
	struct report_case *cases, **ranked;
	size_t n;

	(void)state;
	fixture_report(a, &r);
	fixture_add_decision(a, &r, false);
	cases = report_cases(a, &r, &n);
	ranked = report_cases_ranked(a, cases, n);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_string_equal(ranked[i]->name, expected[i]);
	arena_free(a);
}

/* Of more than ten errors nine are shown, and the tenth line says how many there are. */
static void test_github_shows_ten_and_counts_the_rest(void **state)
{
	struct arena *a = arena_new();
	struct report r;
	struct buf out;
	size_t n_lines = 0;

	(void)state;
	fixture_many(a, &r, 100, 2);
	for (size_t i = 0; i < r.n_results; i++)
		r.results[i].outcome = i < 50 ? OUTCOME_FAIL : OUTCOME_WARN;
	buf_init(&out, BUF_UNBOUNDED);
	report_github(&out, &r);
	for (const char *p = out.data; (p = strchr(p, '\n')) != NULL; p++)
		n_lines++;
	assert_int_equal(n_lines, 10 + 10 + 1);
	assert_non_null(strstr(out.data, "::error title=and 41 more::41 more errors are in "));
	assert_non_null(strstr(out.data, "::warning title=and 41 more::41 more warnings are in "));
	buf_release(&out);
	arena_free(a);
}

/* One result more than GitHub takes: the file says that it is left out. */
static void test_sarif_is_bounded(void **state)
{
	struct arena *a = arena_new();
	struct report r;
	struct buf out;

	(void)state;
	fixture_many(a, &r, 25001, 2);
	for (size_t i = 0; i < r.n_results; i++)
		r.results[i].outcome = OUTCOME_WARN;
	r.results[25000].outcome = OUTCOME_FAIL;
	buf_init(&out, BUF_UNBOUNDED);
	report_sarif(&out, &r);
	assert_non_null(strstr(out.data, "1 more results are left out of this file"));
	assert_non_null(strstr(out.data, "\"ruleId\": \"audit500/check25000\""));
	assert_null(strstr(out.data, "\"ruleId\": \"audit499/check24999\""));
	buf_release(&out);
	arena_free(a);
}

/* Failures with 20 KiB of evidence each, and more cases than fit: below 900 KiB, and it is said. */
static void test_markdown_is_bounded(void **state)
{
	struct arena *a = arena_new();
	char *evidence = arena_alloc(a, 20481);
	struct report r;
	struct buf out;

	(void)state;
	memset(evidence, '<', 20480);
	evidence[20480] = '\0';
	fixture_many(a, &r, 20000, 2);
	for (size_t i = 0; i < r.n_results; i++) {
		r.results[i].outcome = i % 2 == 0 ? OUTCOME_FAIL : OUTCOME_PASS;
		r.results[i].evidence = evidence;
		r.results[i].reason = evidence;
	}
	buf_init(&out, BUF_UNBOUNDED);
	report_markdown(&out, &r);
	assert_in_range(out.len, 500000, 900 * 1024);
	assert_non_null(strstr(out.data, " more that did not pass are left out here.**"));
	assert_non_null(strstr(out.data, " more are left out here.\n\n</details>\n"));
	buf_release(&out);
	arena_free(a);
}

static void test_openmetrics_is_bounded(void **state)
{
	struct arena *a = arena_new();
	struct report r;
	struct buf out;
	char *name = arena_alloc(a, 1001);

	(void)state;
	memset(name, 'n', 1000);
	name[1000] = '\0';
	fixture_many(a, &r, 150, 2);
	for (size_t i = 0; i < r.n_results; i++) { /* one check, 150 series */
		r.results[i].check = r.results[0].check;
		r.results[i].series = arena_printf(a, "{n=\"%zu\"}", i);
	}
	r.results[149].outcome = OUTCOME_FAIL;
	r.results[148].series = name;
	r.results[148].outcome = OUTCOME_UNDECIDED;
	r.run.n_planned = 1;
	buf_init(&out, BUF_UNBOUNDED);
	report_openmetrics(&out, &r);
	assert_non_null(strstr(out.data, "assize_run_series_left_out 50\n"));
	assert_non_null(strstr(out.data, "series=\"{n=\\\"149\\\"}\",outcome=\"fail\"} 1\n"));
	assert_null(strstr(out.data, "{n=\\\"98\\\"}"));
	assert_non_null(strstr(out.data, "nnn... ")); /* cut, with a digest of all of it */
	buf_release(&out);
	arena_free(a);
}

/* What looks alike once it is visible stays two series: a scrape with a duplicate is refused. */
static void test_openmetrics_keeps_names_apart(void **state)
{
	struct arena *a = arena_new();
	struct report r;
	struct buf out;

	(void)state;
	fixture_many(a, &r, 2, 2);
	r.results[1].check = r.results[0].check;
	r.results[0].series = "a\nb";
	r.results[1].series = "a\\nb";
	buf_init(&out, BUF_UNBOUNDED);
	report_openmetrics(&out, &r);
	assert_non_null(strstr(out.data, "series=\"a\\\\nb\",outcome=\"pass\"} 1\n"));
	assert_non_null(strstr(out.data, "series=\"a\\\\\\\\nb\",outcome=\"pass\"} 1\n"));
	buf_release(&out);
	arena_free(a);
}

/* GitHub refuses a rule with more than twenty tags. */
static void test_sarif_has_twenty_tags_at_most(void **state)
{
	struct arena *a = arena_new();
	struct check_info *c = arena_alloc(a, sizeof(*c));
	struct report r;
	struct buf out;

	(void)state;
	fixture_many(a, &r, 1, 2);
	r.results[0].outcome = OUTCOME_FAIL;
	*c = *r.results[0].check;
	c->tags = "t01 t02 t03 t04 t05 t06 t07 t08 t09 t10 t11 t12 t13 t14 t15 t16 t17 t18 t19 t20 "
		  "t21";
	r.results[0].check = c;
	buf_init(&out, BUF_UNBOUNDED);
	report_sarif(&out, &r);
	assert_non_null(strstr(out.data, "\"t20\""));
	assert_null(strstr(out.data, "\"t21\""));
	buf_release(&out);
	arena_free(a);
}

/* Let through, and first: what it was overridden as stays to be seen. */
static void test_cases_of_an_overridden_gate_tell_what_kept_it_shut(void **state)
{
	struct arena *a = arena_new();
	struct report r;
	struct report_case *cases, **ranked;
	size_t n;

	(void)state;
	fixture_report(a, &r);
	fixture_keep_passing(&r);
	fixture_add_overridden(a, &r);
	cases = report_cases(a, &r, &n);
	ranked = report_cases_ranked(a, cases, n);
	assert_int_equal(ranked[0]->kind, CASE_GATE);
	assert_int_equal(ranked[0]->outcome, OUTCOME_WARN);
	assert_true(ranked[0]->is_let_through);
	assert_false(ranked[0]->is_failure);
	assert_string_equal(case_word(ranked[0]), "overridden");
	assert_string_equal(ranked[0]->message,
			    "gate release is overridden for v2.31.0, overridden by jane until "
			    "2026-11-23T21:40:03Z (override 3): the outage is worse: fail "
			    "tasks/missing{column=\"owner\"}: 1.30 %, bound <= 0.1 %; undecided "
			    "api/up: measured 3 h ago, limit 30 min");
	assert_non_null(strstr(ranked[0]->details, "required: fail tasks/missing"));
	arena_free(a);
}

/*
 * The report of a gate is about that gate: what it does not require and what another gate decided
 * stop nobody, what an override let through is said to be, and what shuts it stays a failure.
 */
static void test_cases_are_about_the_gate_that_decided_last(void **state)
{
	struct arena *a = arena_new();
	struct report r;
	struct decision both[2];
	struct report_case *cases;
	size_t n;

	(void)state;
	fixture_report(a, &r);
	fixture_add_decision(a, &r, false);
	both[0] = r.decisions[0];
	fixture_add_decision(a, &r, true); /* it requires tasks/fresh alone */
	both[1] = r.decisions[0];
	both[1].id = both[0].id + 1;
	both[1].gate = "small";
	r.decisions = both;
	r.n_decisions = 2;
	cases = report_cases(a, &r, &n);
	for (size_t i = 0; i < n; i++)
		assert_false(cases[i].is_failure);
	assert_true(named(cases, n, "gates/release")->is_aside);
	assert_ptr_equal(
		named(cases, n, "gates/release")->message,
		strstr(named(cases, n, "gates/release")->message,
		       "this report is about gate small for v2.31.0; fail: gate release "));
	assert_string_equal(named(cases, n, "tasks/missing{column=\"owner\"}")->message,
			    "not required by gate small; fail: measured 1.30 %, bound <= 0.1 %");
	assert_true(named(cases, n, "api/up")->is_aside);
	assert_string_equal(named(cases, n, "api/up")->state, "undecided");

	r.decisions = &both[0]; /* the shut one: what it requires stays a failure */
	r.n_decisions = 1;
	cases = report_cases(a, &r, &n);
	assert_true(named(cases, n, "gates/release")->is_failure);
	assert_true(named(cases, n, "tasks/missing{column=\"owner\"}")->is_failure);
	assert_true(named(cases, n, "api/up")->is_failure); /* for another reason than measured */
	assert_true(named(cases, n, "dist/digests")->is_aside);
	fixture_lines[2].check = "dist/digests"; /* what is advised is no requirement */
	assert_string_equal(named(report_cases(a, &r, &n), n, "dist/digests")->message,
			    "only advised by gate release; fail: measured 1, bound == 0");
	fixture_lines[2].check = "api/home";

	fixture_add_overridden(a, &r);
	cases = report_cases(a, &r, &n);
	for (size_t i = 0; i < n; i++)
		assert_false(cases[i].is_failure);
	assert_string_equal(named(cases, n, "api/up")->state, "overridden");
	assert_true(named(cases, n, "api/up")->is_let_through);
	assert_true(named(cases, n, "dist/digests")->is_aside);
	arena_free(a);
}

/* A gate that is open opens in spite of what keeps its run from passing; a shut one does not. */
static void test_cases_of_a_run_that_did_not_pass_follow_the_gate(void **state)
{
	struct arena *a = arena_new();
	struct report r;
	struct report_case *cases;
	size_t n;

	(void)state;
	fixture_report(a, &r);
	fixture_keep_passing(&r);
	r.run.n_planned++;
	fixture_add_decision(a, &r, true);
	cases = report_cases(a, &r, &n);
	assert_true(named(cases, n, "run/complete")->is_aside);
	assert_false(named(cases, n, "run/complete")->is_failure);
	assert_string_equal(named(cases, n, "run/complete")->message,
			    "gate release is open; undecided: 1 of 8 checks have no result");
	fixture_add_overridden(a, &r);
	cases = report_cases(a, &r, &n);
	assert_string_equal(named(cases, n, "run/complete")->state, "overridden");
	fixture_add_decision(a, &r, false);
	cases = report_cases(a, &r, &n);
	assert_true(named(cases, n, "run/complete")->is_failure);
	arena_free(a);
}

static void test_report_places_are_from_the_top_of_the_checkout(void **state)
{
	static const struct {
		const char *file, *place;
	} rows[] = {
		{NULL, ""},
		{"", ""},
		{"assize.yaml", "sub/assize.yaml"},
		{"././audits/a.yaml", "sub/audits/a.yaml"},
		{"/etc/assize.yaml", "/etc/assize.yaml"},
		{"git:origin/main:ci/assize.yaml", "ci/assize.yaml"},
		{"git:v1^{}:a:b.yaml", "a:b.yaml"},
		{"./git:v1:a.yaml", "sub/git:v1:a.yaml"}, /* a file that is called so */
	};
	struct arena *a = arena_new();
	struct report r = {.file_prefix = "sub/"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(report_place(a, &r, rows[i].file), rows[i].place);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases_say_what_was_found),
		cmocka_unit_test(test_cases_of_a_shut_gate_name_its_reasons),
		cmocka_unit_test(test_cases_count_the_newer_decision),
		cmocka_unit_test(test_cases_never_all_pass_when_the_run_does_not),
		cmocka_unit_test(test_cases_have_fingerprints_of_names_alone),
		cmocka_unit_test(test_cases_are_ranked_by_what_matters),
		cmocka_unit_test(test_github_shows_ten_and_counts_the_rest),
		cmocka_unit_test(test_sarif_is_bounded),
		cmocka_unit_test(test_markdown_is_bounded),
		cmocka_unit_test(test_openmetrics_is_bounded),
		cmocka_unit_test(test_openmetrics_keeps_names_apart),
		cmocka_unit_test(test_sarif_has_twenty_tags_at_most),
		cmocka_unit_test(test_cases_of_an_overridden_gate_tell_what_kept_it_shut),
		cmocka_unit_test(test_cases_are_about_the_gate_that_decided_last),
		cmocka_unit_test(test_cases_of_a_run_that_did_not_pass_follow_the_gate),
		cmocka_unit_test(test_report_places_are_from_the_top_of_the_checkout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
