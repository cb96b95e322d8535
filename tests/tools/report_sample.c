/*
 * report_sample WHICH FORMAT: renders a run made by hand to standard output, for tests that look at
 * a report with a program nobody here wrote.
 *
 * WHICH   plain, pass, shut, open, hostile, incomplete, interrupted, missing, empty, skipped,
 *         undecided, barred (all pass, the gate is shut), overridden (as barred), waived, many
 * FORMAT  those of assize report --format, and events, live
 */
#include <stdio.h>
#include <string.h>

#include "reports/report.h"
#include "reports/terminal.h"
#include "reports/view.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "tests/unit/report_fixture.h"

static int make_sample(struct arena *a, const char *which, struct report *r)
{
	fixture_report(a, r);
	if (strcmp(which, "shut") == 0 || strcmp(which, "hostile") == 0)
		fixture_add_samples(a, r, FIXTURE_SAMPLED);
	if (strcmp(which, "pass") == 0) {
		fixture_keep_passing(r);
	} else if (strcmp(which, "shut") == 0) {
		fixture_add_decision(a, r, false);
	} else if (strcmp(which, "open") == 0) {
		fixture_keep_passing(r);
		fixture_add_decision(a, r, true);
	} else if (strcmp(which, "hostile") == 0) {
		fixture_add_decision(a, r, false);
		fixture_make_hostile(a, r);
	} else if (strcmp(which, "incomplete") == 0) {
		r->n_results = 6;
		r->run.state = RUN_INCOMPLETE;
		r->run.outcome = OUTCOME_UNDECIDED;
		r->run.end_ms = -1;
		r->run.exit_status = 2;
	} else if (strcmp(which, "empty") == 0) {
		fixture_keep_passing(r);
		r->n_results = 0;
		r->n_restorations = 0;
		r->run.outcome = OUTCOME_UNDECIDED;
		r->run.exit_status = 2;
	} else if (strcmp(which, "interrupted") == 0) {
		fixture_keep_passing(r);
		r->run.state = RUN_INTERRUPTED;
		r->run.outcome = OUTCOME_UNDECIDED;
		r->run.exit_status = 2;
	} else if (strcmp(which, "missing") == 0) {
		fixture_keep_passing(r);
		r->run.n_planned++;
		r->run.outcome = OUTCOME_UNDECIDED;
		r->run.exit_status = 2;
	} else if (strcmp(which, "skipped") == 0) {
		fixture_keep_one(r, OUTCOME_SKIP);
	} else if (strcmp(which, "undecided") == 0) {
		fixture_keep_one(r, OUTCOME_UNDECIDED);
	} else if (strcmp(which, "waived") == 0) {
		fixture_keep_passing(r);
		fixture_add_waived(a, r);
	} else if (strcmp(which, "barred") == 0) {
		fixture_keep_passing(r);
		fixture_add_decision(a, r, false);
	} else if (strcmp(which, "overridden") == 0) {
		fixture_keep_passing(r);
		fixture_add_overridden(a, r);
	} else if (strcmp(which, "many") == 0) {
		fixture_many(a, r, 1000, 8760);
	} else if (strcmp(which, "plain") != 0) {
		return -1;
	}
	return 0;
}

static void print_terminal(const struct report *r, bool is_live)
{
	struct terminal t = {.out = stdout, .is_live = is_live, .has_color = is_live, .width = 100};

	terminal_begin(&t, &r->run, (size_t)r->run.n_planned);
	for (size_t i = 0; i < r->n_results;) {
		size_t end = i + 1;

		while (end < r->n_results &&
		       strcmp(r->results[end].check->name, r->results[i].check->name) == 0)
			end++;
		terminal_check(&t, &r->results[i], end - i, r->results[end - 1].measured_ms);
		i = end;
	}
	terminal_end(&t, r);
	for (size_t i = 0; i < r->n_decisions; i++)
		terminal_decision(&t, &r->decisions[i]);
}

static void junit_jenkins(struct buf *out, const struct report *r)
{
	report_junit(out, r, JUNIT_JENKINS);
}

static void junit_gitlab(struct buf *out, const struct report *r)
{
	report_junit(out, r, JUNIT_GITLAB);
}

static const struct {
	const char *name;
	void (*render)(struct buf *out, const struct report *r);
} formats[] = {
	{"html", report_html},
	{"json", report_json},
	{"junit", junit_jenkins},
	{"junit-gitlab", junit_gitlab},
	{"tap", report_tap},
	{"ctrf", report_ctrf},
	{"sarif", report_sarif},
	{"gitlab-codequality", report_codequality},
	{"github", report_github},
	{"markdown", report_markdown},
	{"openmetrics", report_openmetrics},
};

static int print_sample(const struct report *r, const char *format)
{
	struct buf out;

	if (strcmp(format, "events") == 0 || strcmp(format, "live") == 0) {
		print_terminal(r, strcmp(format, "live") == 0);
		return 0;
	}
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i].name, format) != 0)
			continue;
		buf_init(&out, BUF_UNBOUNDED);
		formats[i].render(&out, r);
		(void)fwrite(out.data, 1, out.len,
			     stdout); /* asked below, when the stream is closed */
		buf_release(&out);
		return 0;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct report r;
	int status =
		argc == 3 && make_sample(a, argv[1], &r) == 0 && print_sample(&r, argv[2]) == 0;

	arena_free(a);
	if (!status)
		(void)fputs("usage: report_sample WHICH FORMAT\n",
			    stderr); /* nowhere else to tell */
	return status && fclose(stdout) == 0 ? 0 : 1;
}
