/*
 * CTRF (Common Test Report Format, https://ctrf.io, specification 0.0): one test a case.
 *
 * Readers fail a build by the count of failed tests alone. Status "other" would fit what is
 * undecided and would be let through, so undecided is "failed" too and rawStatus tells it apart.
 * "other" is what a gate's waiver or an override let through, and a gate that was overridden.
 * "skipped" is also what the gate the report is about does not mind (ruling.h), and what is only
 * noted: whoever counts passes counts what could have failed.
 */
#include "reports/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "reports/cases.h"
#include "reports/text.h"
#include "reports/view.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/utc.h"
#include "runner/io/json.h"

static const char *status(const struct report_case *c)
{
	if (c->is_let_through)
		return "other";
	if (c->is_failure)
		return "failed";
	return case_is_skipped(c) ? "skipped" : "passed";
}

static bool is_flaky(const struct report_case *c)
{
	return c->result != NULL && c->result->is_flaky;
}

/* A run without an end lasted, as far as is known, until its last result. */
static int64_t stop_ms(const struct report *r)
{
	int64_t stop = r->run.begin_ms;

	if (r->run.end_ms >= 0)
		return r->run.end_ms;
	for (size_t i = 0; i < r->n_results; i++)
		if (r->results[i].measured_ms > stop)
			stop = r->results[i].measured_ms;
	return stop;
}

static void put_summary(struct json_writer *w, const struct report *r,
			const struct report_case *cases, size_t n)
{
	int64_t n_failed = 0, n_skipped = 0, n_let_through = 0, n_flaky = 0;

	for (size_t i = 0; i < n; i++) {
		n_failed += cases[i].is_failure;
		n_skipped += case_is_skipped(&cases[i]);
		n_let_through += cases[i].is_let_through;
		n_flaky += is_flaky(&cases[i]);
	}
	json_open(w, "summary", '{');
	json_put_int(w, "tests", (int64_t)n);
	json_put_int(w, "passed", (int64_t)n - n_failed - n_skipped - n_let_through);
	json_put_int(w, "failed", n_failed);
	json_put_int(w, "skipped", n_skipped);
	json_put_int(w, "pending", 0);
	json_put_int(w, "other", n_let_through);
	json_put_int(w, "flaky", n_flaky);
	json_put_int(w, "start", r->run.begin_ms);
	json_put_int(w, "stop", stop_ms(r));
	json_put_int(w, "duration", stop_ms(r) - r->run.begin_ms);
	json_close(w, '}');
}

static void put_test(struct json_writer *w, const struct report_case *c)
{
	json_open(w, NULL, '{');
	json_put_text(w, "testId", c->fingerprint);
	json_put_text(w, "name", c->name);
	json_open(w, "suite", '[');
	json_put_text(w, NULL, c->group);
	json_close(w, ']');
	json_put_text(w, "status", status(c));
	json_put_text(w, "rawStatus", c->state);
	json_put_int(w, "duration", (c->duration_us + 500) / 1000);
	json_put_int(w, "start", c->start_ms);
	json_put_text(w, "message", c->message);
	if (c->details[0] != '\0')
		json_put_text(w, "trace", c->details);
	if (c->file[0] != '\0')
		text_json(w, "filePath", c->file);
	if (c->line > 0)
		json_put_int(w, "line", c->line);
	json_put_bool(w, "flaky", is_flaky(c));
	if (c->result != NULL && c->result->attempts > 1)
		json_put_int(w, "retries", c->result->attempts - 1);
	json_open(w, "labels", '{');
	json_put_int(w, "severity", c->severity);
	if (c->result != NULL)
		text_json(w, "kind", c->result->check->kind);
	if (c->result != NULL && c->result->check->owner != NULL)
		text_json(w, "owner", c->result->check->owner);
	json_close(w, '}');
	json_close(w, '}');
}

static void put_environment(struct json_writer *w, const struct report *r)
{
	json_open(w, "environment", '{');
	if (r->run.commit[0] != '\0')
		text_json(w, "commit", r->run.commit);
	if (r->run.job_url[0] != '\0')
		text_json(w, "buildUrl", r->run.job_url);
	json_close(w, '}');
}

static void put_extra(struct arena *a, struct json_writer *w, const struct report *r)
{
	json_open(w, "extra", '{');
	json_put_text(w, "verdict", report_verdict(a, r));
	json_put_int(w, "exit", report_exit_status(r));
	json_put_int(w, "run", r->run.id);
	text_json(w, "subject", r->run.subject);
	text_json(w, "host", r->run.host);
	json_close(w, '}');
}

void report_ctrf(struct buf *out, const struct report *r)
{
	struct arena *a = arena_new();
	size_t n;
	const struct report_case *cases = report_cases(a, r, &n);
	char when[UTC_MAX];
	struct json_writer w;

	(void)utc_format(stop_ms(r), 1, when);
	json_writer_init(&w, out, true);
	json_open(&w, NULL, '{');
	json_put_text(&w, "reportFormat", "CTRF");
	json_put_text(&w, "specVersion", "0.0.0");
	json_put_text(&w, "timestamp", when);
	json_put_text(&w, "generatedBy", "assize");
	json_open(&w, "results", '{');
	json_open(&w, "tool", '{');
	json_put_text(&w, "name", "assize");
	text_json(&w, "version", r->run.version);
	json_close(&w, '}');
	put_summary(&w, r, cases, n);
	json_open(&w, "tests", '[');
	for (size_t i = 0; i < n; i++)
		put_test(&w, &cases[i]);
	json_close(&w, ']');
	put_environment(&w, r);
	put_extra(a, &w, r);
	json_close(&w, '}');
	json_close(&w, '}');
	arena_free(a);
}
