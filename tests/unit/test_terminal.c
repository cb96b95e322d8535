/*
 * terminal: what is said while a run works and when it is done, on a terminal and in a log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reports/report.h"
#include "reports/terminal.h"
#include "runner/base/arena.h"
#include "tests/unit/report_fixture.h"

struct world {
	struct arena *a;
	struct report r;
	struct terminal t;
	char *text;
	size_t n;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -1;
	w->a = arena_new();
	fixture_report(w->a, &w->r);
	w->t.out = open_memstream(&w->text, &w->n);
	w->t.width = 80;
	*state = w;
	return w->t.out != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	(void)fclose(w->t.out);
	free(w->text);
	arena_free(w->a);
	free(w);
	return 0;
}

static const char *said(struct world *w)
{
	(void)fflush(w->t.out);
	return w->text;
}

static void begin(struct world *w)
{
	terminal_begin(&w->t, &w->r.run, (size_t)w->r.run.n_planned);
}

static void check_missing(struct world *w)
{
	terminal_check(&w->t, &w->r.results[1], 3, FIXTURE_BEGIN_MS + 1000);
}

static void test_terminal_log_begins_with_one_stable_line(void **state)
{
	struct world *w = *state;

	begin(w);
	assert_string_equal(said(w), "2026-11-22T21:40:03Z run=12 subject=v2.31.0 def=4be190c7 "
				     "checks=12\n");
}

static void test_terminal_log_says_the_worst_series_once(void **state)
{
	struct world *w = *state;

	begin(w);
	check_missing(w);
	assert_non_null(strstr(said(w),
			       "\n2026-11-22T21:40:04Z 1/12 FAIL tasks/missing{column=\"owner\"} "
			       "1.30 % bound <= 0.1 % 148 ms  (+2 more series)\n"));
}

static void test_terminal_log_says_why_there_is_no_value(void **state)
{
	struct world *w = *state;

	terminal_check(&w->t, &w->r.results[8], 1, FIXTURE_BEGIN_MS);
	assert_non_null(strstr(said(w), "undecided api/up no value bound == 1 333 ms: could not "
					"connect to 127.0.0.1:9100: connection refused\n"));
}

static void test_terminal_log_ends_with_the_result(void **state)
{
	static const char last[] = "2026-11-22T21:40:17Z result=fail pass=7 warn=1 fail=2 "
				   "undecided=1 skip=1 record=12 exit=1\n";
	struct world *w = *state;
	size_t n;

	terminal_end(&w->t, &w->r);
	n = strlen(said(w));
	assert_string_equal(said(w) + n - strlen(last), last);
}

static void test_terminal_log_counts_what_is_missing(void **state)
{
	struct world *w = *state;

	w->r.n_results = 1;
	w->r.run.state = RUN_INTERRUPTED;
	terminal_end(&w->t, &w->r);
	assert_non_null(strstr(said(w), " missing=11 interrupted=yes record=12 "));
}

static void test_terminal_failures_carry_everything_needed(void **state)
{
	static const char *const facts[] = {
		"FAIL tasks/missing   Tasks are filled in   severity 9\n",
		"  series    {column=\"owner\"}\n",
		"  measured  1.30 %      1297 of 99 772\n",
		"  bound     <= 0.1 %\n",
		"  before    0.06 %   run 11, 21 Nov 2026, 21:40 UTC\n",
		"  evidence  id 8812044, created 14:05:11, channel partner\n",
		"          | id 8812046, created 14:05:13, channel partner\n",
		"  query     SELECT count(*) FROM execution_tasks WHERE owner IS NULL\n",
		"  at        audits/storefront.yaml:34:17\n",
		"  explain   assize explain 12 tasks/missing -f other.yaml\n",
		"  again     assize run tasks/missing --subject v2.31.0 -f other.yaml\n",
		"undecided api/up ",
	};
	struct world *w = *state;

	w->t.repeated = " -f other.yaml";
	terminal_end(&w->t, &w->r);
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		assert_non_null(strstr(said(w), facts[i]));
	assert_null(strstr(said(w), "OPEN"));
	assert_null(strstr(said(w), "SHUT"));
}

static void test_terminal_failures_say_since_when(void **state)
{
	struct world *w = *state;

	for (size_t i = 2; i < 5; i++)
		w->r.trails[3][FIXTURE_TRAIL - i].outcome = OUTCOME_FAIL;
	terminal_end(&w->t, &w->r);
	assert_non_null(strstr(said(w), "  since     run 9, 19 Nov 2026, 21:40 UTC, 4 runs\n"));
}

static void test_terminal_log_has_no_escape_codes(void **state)
{
	struct world *w = *state;

	begin(w);
	check_missing(w);
	terminal_end(&w->t, &w->r);
	assert_null(strchr(said(w), '\033'));
	assert_null(strchr(said(w), '\r'));
}

static void test_terminal_color_is_for_what_did_not_pass(void **state)
{
	struct world *w = *state;

	w->t.is_live = w->t.has_color = true;
	begin(w);
	terminal_check(&w->t, &w->r.results[0], 1, 0);
	assert_null(strchr(said(w), '\033'));
	check_missing(w);
	assert_non_null(strstr(said(w), "\033[1;31mFAIL\033[0m"));
}

static void test_terminal_large_live_run_lists_only_what_did_not_pass(void **state)
{
	struct world *w = *state;

	w->t.is_live = true;
	terminal_begin(&w->t, &w->r.run, 1000);
	terminal_check(&w->t, &w->r.results[0], 1, 0);
	assert_null(strstr(said(w), "tasks/columns"));
	check_missing(w);
	assert_non_null(strstr(said(w), "tasks/missing"));
	assert_int_equal(w->t.n_done, 2);
}

static void test_terminal_live_line_fits_and_is_erased(void **state)
{
	static const char *const running[] = {"tasks/a-rather-long-name-for-a-check-that-works",
					      "tasks/b", "tasks/c", "tasks/d"};
	static const int64_t running_ms[] = {11000, 1000, 500, 400};
	struct world *w = *state;
	const char *line;

	w->t.is_live = true;
	w->t.width = 60;
	begin(w);
	line = said(w) + strlen(said(w));
	terminal_tick(&w->t, running, running_ms, 4, "restoring v2.30.4", 0);
	(void)said(w);
	line = strstr(w->text, "0/12");
	assert_non_null(line);
	assert_true(w->t.has_live_line);
	assert_null(strchr(line, '\n'));
	assert_true(strlen(line) <= 60); /* ASCII from here on */
	check_missing(w);
	assert_non_null(strstr(said(w), "\r\033[K"));
	assert_false(w->t.has_live_line);
}

static void test_terminal_log_heartbeat_comes_every_ten_seconds(void **state)
{
	static const char *const running[] = {"rollback/releases"};
	static const int64_t running_ms[] = {10000};
	struct world *w = *state;

	begin(w);
	terminal_tick(&w->t, running, running_ms, 1, NULL, FIXTURE_BEGIN_MS + 9999);
	assert_null(strstr(said(w), "running"));
	terminal_tick(&w->t, running, running_ms, 1, NULL, FIXTURE_BEGIN_MS + 10000);
	terminal_tick(&w->t, running, running_ms, 1, NULL, FIXTURE_BEGIN_MS + 10001);
	assert_non_null(strstr(said(w), "\n2026-11-22T21:40:13Z 0/12 running rollback/releases "
					"10 s\n"));
	assert_null(strstr(strstr(said(w), "running") + 1, "running"));
}

static void test_terminal_quiet_says_nothing_when_all_pass(void **state)
{
	struct world *w = *state;

	fixture_keep_passing(&w->r);
	w->t.is_quiet = true;
	begin(w);
	terminal_check(&w->t, w->r.results, 1, 0);
	terminal_end(&w->t, &w->r);
	assert_string_equal(said(w), "");
}

static void test_terminal_quiet_speaks_when_something_is_missing(void **state)
{
	struct world *w = *state;

	fixture_keep_passing(&w->r);
	w->r.n_results--;
	w->t.is_quiet = true;
	terminal_end(&w->t, &w->r);
	assert_non_null(strstr(said(w), "missing=1"));
}

static void test_terminal_quiet_failure_comes_with_its_run(void **state)
{
	struct world *w = *state;

	w->t.is_quiet = true;
	begin(w);
	check_missing(w);
	terminal_end(&w->t, &w->r);
	assert_non_null(strstr(said(w), "run=12 subject=v2.31.0"));
	assert_non_null(strstr(said(w), "\nFAIL tasks/missing"));
}

static void test_terminal_gate_shut_names_what_to_do(void **state)
{
	struct world *w = *state;

	fixture_add_decision(w->a, &w->r, false);
	w->t.is_live = true;
	terminal_decision(&w->t, &w->r.decisions[0]);
	assert_memory_equal(said(w), "SHUT  release  v2.31.0", 22);
	assert_non_null(strstr(said(w), "exit 1\n"));
	assert_non_null(strstr(
		said(w), "1.30 %, bound <= 0.1 %\n             at audits/storefront.yaml:34:17\n"));
	assert_non_null(strstr(said(w), "to do: assize run api/up --subject v2.31.0\n"));
	assert_non_null(strstr(said(w), "(advice)"));
}

static void test_terminal_gate_log_ends_with_the_decision(void **state)
{
	struct world *w = *state;

	fixture_add_decision(w->a, &w->r, true);
	terminal_decision(&w->t, &w->r.decisions[0]);
	assert_string_equal(said(w), "2026-11-22T21:40:18Z gate=release subject=v2.31.0 "
				     "decision=OPEN outcome=pass met=1 unmet=0 id=5 exit=0\n");
}

static void test_terminal_hostile_text_cannot_move_the_cursor(void **state)
{
	struct world *w = *state;

	fixture_add_decision(w->a, &w->r, false);
	fixture_make_hostile(w->a, &w->r);
	for (int is_live = 0; is_live < 2; is_live++) {
		w->t.is_live = is_live == 1;
		begin(w);
		for (size_t i = 0; i < w->r.n_results; i++)
			terminal_check(&w->t, &w->r.results[i], 1, FIXTURE_BEGIN_MS);
		terminal_end(&w->t, &w->r);
		terminal_decision(&w->t, &w->r.decisions[0]);
	}
	for (const char *p = said(w); *p != '\0'; p++)
		assert_true((unsigned char)*p >= 0x20 || *p == '\n');
	assert_null(strstr(w->text, "\xE2\x80\xAE"));
	assert_null(strstr(w->text, "\xff"));
	for (const char *p = strstr(w->text, "::error"); p != NULL; p = strstr(p + 1, "::error")) {
		const char *start = p;

		while (start > w->text && start[-1] == ' ')
			start--;
		assert_true(start > w->text && start[-1] != '\n');
	}
}

static void test_table_aligns_by_width_and_leaves_no_blanks(void **state)
{
	static const char *const headers[] = {"tag", "objects", "state"};
	struct world *w = *state;
	struct table t;

	table_init(&t, w->a, headers, 3, "lrl");
	table_row(&t, "v1.0.0", "4118", "proven");
	table_row(&t, "v1.10.0-\xC3\xA9", "12", NULL);
	table_row(&t, "x\n", NULL, "unproven");
	table_print(&t, w->t.out);
	assert_string_equal(said(w), "tag        objects  state\n"
				     "v1.0.0        4118  proven\n"
				     "v1.10.0-\xC3\xA9       12\n"
				     "x\\n                 unproven\n");
}

#define TERMINAL_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TERMINAL_TEST(test_terminal_log_begins_with_one_stable_line),
		TERMINAL_TEST(test_terminal_log_says_the_worst_series_once),
		TERMINAL_TEST(test_terminal_log_says_why_there_is_no_value),
		TERMINAL_TEST(test_terminal_log_ends_with_the_result),
		TERMINAL_TEST(test_terminal_log_counts_what_is_missing),
		TERMINAL_TEST(test_terminal_failures_carry_everything_needed),
		TERMINAL_TEST(test_terminal_failures_say_since_when),
		TERMINAL_TEST(test_terminal_log_has_no_escape_codes),
		TERMINAL_TEST(test_terminal_color_is_for_what_did_not_pass),
		TERMINAL_TEST(test_terminal_large_live_run_lists_only_what_did_not_pass),
		TERMINAL_TEST(test_terminal_live_line_fits_and_is_erased),
		TERMINAL_TEST(test_terminal_log_heartbeat_comes_every_ten_seconds),
		TERMINAL_TEST(test_terminal_quiet_says_nothing_when_all_pass),
		TERMINAL_TEST(test_terminal_quiet_speaks_when_something_is_missing),
		TERMINAL_TEST(test_terminal_quiet_failure_comes_with_its_run),
		TERMINAL_TEST(test_terminal_gate_shut_names_what_to_do),
		TERMINAL_TEST(test_terminal_gate_log_ends_with_the_decision),
		TERMINAL_TEST(test_terminal_hostile_text_cannot_move_the_cursor),
		TERMINAL_TEST(test_table_aligns_by_width_and_leaves_no_blanks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
