/*
 * command: reports of tests (TAP, JUnit). A count is a value only when the report is whole and
 * enough tests ran: neither a report that stops in the middle nor one in which everything was
 * skipped may pass.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "audits/command.h"
#include "audits/junit_read.h"
#include "audits/tap_read.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/proc.h"

/* What both protocols tell. */
struct tests {
	int64_t tests, passed, failed, skipped;
	const char *problem; /* NULL, or why the counts mean nothing */
};

/* Failed tests first: they are what one wants to see. */
static void show_failures(struct command_view *v, const char *const *failures, size_t n)
{
	for (size_t i = n; i > 0; i--)
		command_add_evidence(v, arena_printf(v->probe->arena, "failed: %s",
						     command_shown(v, failures[i - 1])));
}

static void refuse_too_few(const struct command_view *v, struct tests *t)
{
	int64_t n_ran = t->passed + t->failed, least = v->spec->min_tests;

	if (t->problem || n_ran >= least)
		return;
	t->problem = n_ran == 0 ? arena_printf(v->probe->arena,
					       "no test ran (%" PRId64 " in the report, %" PRId64
					       " skipped)",
					       t->tests, t->skipped)
				: arena_printf(v->probe->arena,
					       "only %" PRId64 " of at least %" PRId64 " tests ran",
					       n_ran, least);
}

/* A value of the report, or the report's problem. */
static void emit_count(const struct command_view *v, const struct tests *t, const char *name,
		       int64_t n)
{
	struct measurement m =
		t->problem ? measurement_none(name, t->problem) : measurement_int(name, n, "");

	if (!t->problem && strcmp(name, "failed") == 0 && t->passed + t->failed > 0) {
		m.n_total = t->passed + t->failed;
		m.share = (double)n / (double)m.n_total;
	}
	if (!t->problem)
		m.n = t->tests;
	command_emit(v, m);
}

static void emit_tests(const struct command_view *v, const struct tests *t)
{
	emit_count(v, t, "tests", t->tests);
	emit_count(v, t, "passed", t->passed);
	emit_count(v, t, "failed", t->failed);
	emit_count(v, t, "skipped", t->skipped);
}

/* NULL, or why there is not the one document to read. */
static const char *not_one(const struct command_view *v)
{
	if (v->documents_problem || v->n_documents <= 1)
		return v->documents_problem;
	return arena_printf(v->probe->arena, "\"%s\" names %zu files, but one is one stream",
			    v->spec->report, v->n_documents);
}

void command_emit_tap(struct command_view *v)
{
	struct tap_report r = {0};
	struct tests t = {.problem = not_one(v)};

	if (!v->reason && !t.problem) {
		tap_read(v->probe->arena, v->documents[0].text, v->documents[0].n, &r);
		t = (struct tests){r.planned, r.passed, r.failed, r.skipped, r.problem};
		if (!t.problem && r.skip_reason && v->spec->min_tests > 0)
			t.problem = arena_printf(v->probe->arena, "all tests were skipped%s%s",
						 *r.skip_reason ? ": " : "", r.skip_reason);
		refuse_too_few(v, &t);
		show_failures(v, r.failures, r.n_failures);
	}
	emit_tests(v, &t);
	emit_count(v, &t, "todo", r.todo);
}

static const char *read_documents(const struct command_view *v, struct junit_report *r)
{
	struct arena *a = v->probe->arena;

	for (size_t i = 0; i < v->n_documents; i++) {
		const struct command_document *d = &v->documents[i];
		struct err e = {.class = ERR_NONE};

		if (junit_read(a, d->text, d->n, r, &e) < 0)
			return arena_printf(a, "the report%s%s cannot be counted on: %s",
					    d->path ? " " : "", d->path ? d->path : "", e.message);
	}
	return NULL;
}

static void emit_time(const struct command_view *v, const struct tests *t, const char *name,
		      double time, const struct label *label)
{
	struct measurement m = measurement_real(name, time, "s");

	if (t->problem)
		m = measurement_none(name, t->problem);
	else if (isnan(time))
		m = measurement_none(name, "the report does not tell it as a number of seconds");
	m.labels = label;
	m.n_labels = label != NULL;
	command_emit(v, m);
}

/* Suites of one name in several files are told apart by their place. */
static const char *suite_name(struct arena *a, const struct junit_report *r, size_t i)
{
	const char *name = *r->suites[i].name ? r->suites[i].name : "(no name)";
	size_t before = 0;

	for (size_t k = 0; k < i; k++)
		before += strcmp(r->suites[k].name, r->suites[i].name) == 0;
	return before ? arena_printf(a, "%s (%zu)", name, before + 1) : name;
}

static void emit_suites(const struct command_view *v, const struct tests *t,
			const struct junit_report *r)
{
	static const char *const names[] = {"suite_tests", "suite_failed", "suite_time"};
	struct arena *a = v->probe->arena;
	const char *problem = t->problem;

	if (!problem && r->n_left_out > 0)
		problem = arena_printf(
			a, "it has %" PRId64 " suite%s more than the %d that are told apart",
			r->n_left_out, r->n_left_out == 1 ? "" : "s", JUNIT_MAX_SUITES);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && (problem || v->reason); i++)
		command_emit(v, measurement_none(names[i], problem));
	for (size_t i = 0; i < r->n_suites && !problem; i++) {
		const struct junit_suite *s = &r->suites[i];
		struct measurement tests = measurement_int("suite_tests", s->tests, "");
		struct measurement failed = measurement_int("suite_failed", s->failed, "");
		struct label *label = arena_alloc(a, sizeof(*label));

		*label = (struct label){.name = "suite", .value = suite_name(a, r, i)};
		tests.labels = failed.labels = label;
		tests.n_labels = failed.n_labels = 1;
		command_emit(v, tests);
		command_emit(v, failed);
		emit_time(v, t, "suite_time", s->time, label);
	}
}

void command_emit_junit(struct command_view *v)
{
	struct junit_report r = {0};
	struct tests t = {.problem = v->documents_problem};

	if (!v->reason && !t.problem) {
		const char *problem = read_documents(v, &r);

		t = (struct tests){r.tests, r.passed, r.failed, r.skipped, problem};
		refuse_too_few(v, &t);
		show_failures(v, r.failures, r.n_failures);
		if (r.flaky > 0)
			v->remark = arena_printf(
				v->probe->arena, "%" PRId64 " passed only when run again%s%s",
				r.flaky, v->remark ? "; " : "", v->remark ? v->remark : "");
	}
	emit_tests(v, &t);
	emit_count(v, &t, "flaky", r.flaky);
	emit_time(v, &t, "time", r.time, NULL);
	emit_suites(v, &t, &r);
}
