/*
 * assize plan: what `run` would do, in which order and with which queries; touches nothing.
 */
#include <stdio.h>
#include <string.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/curl_line.h"
#include "runner/io/digest.h"
#include "runner/io/json.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/options.h"
#include "runner/plan.h"
#include "runner/selection.h"
#include "runner/shard.h"

static int run_plan(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file",  "policy-sha256", "var",	"subject",
				      "shard", "json",		"curl", NULL};

const struct command command_plan = {
	.name = "plan",
	.group = "define",
	.words = "[SELECT..]",
	.summary = "print the probes, queries and requests a run would make; touches nothing",
	.accepts = accepts,
	.run = run_plan,
};

/* What the probe would ask, redacted, each line indented. */
static const char *described(struct app *app, const struct definition *d, const struct job *job)
{
	const struct probe_world world = {.clock = &app->clock, .definition = d};
	struct probe probe = {
		.world = &world,
		.arena = app->arena,
		.checks = job->checks,
		.n_checks = job->n_checks,
	};
	struct buf b;
	const char *text;

	buf_init(&b, BUF_UNBOUNDED); /* bounded by the definition */
	job->checks[0]->kind->describe(&probe, &b);
	text = redact_text(d->redactor, app->arena, b.data);
	text = arena_strdup(app->arena, text);
	buf_release(&b);
	return text;
}

static void print_lines(FILE *out, const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");

		(void)fprintf(out, "      %.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

static void print_expectations(FILE *out, const struct check *c)
{
	for (size_t i = 0; i < c->n_expects; i++) {
		const struct named_expectation *x = &c->expects[i];
		const char *gap = x->name[0] != '\0' ? " " : "";

		if (x->has_expect)
			(void)fprintf(out, "      expect %s%s%s%s\n", x->name, gap, x->expect.text,
				      x->is_implied ? "  (implied)" : "");
		if (x->has_warn)
			(void)fprintf(out, "      warn   %s%s%s\n", x->name, gap, x->warn.text);
	}
}

static void print_job(struct app *app, const struct definition *d, const struct job *job,
		      size_t number)
{
	(void)fprintf(app->out, "%zu. %s", number,
		      job->checks[0]->target != NULL ? job->checks[0]->target->name : "");
	(void)fprintf(app->out, "%s%s%s%s\n", job->checks[0]->target != NULL ? "  " : "",
		      job->checks[0]->kind->family, job->n_checks > 1 ? ", one probe" : "",
		      job->checks[0]->kind->runs_alone ? ", alone" : "");
	for (size_t i = 0; i < job->n_checks; i++) {
		const struct check *c = job->checks[i];

		(void)fprintf(app->out, "   %s  %s  severity %lld", c->name, c->kind->name,
			      (long long)c->severity);
		if (c->schedule != NULL)
			(void)fprintf(app->out, "  %s %s", c->schedule, c->time_zone);
		for (size_t k = 0; k < c->n_needs; k++)
			(void)fprintf(app->out, "%s%s", k == 0 ? "  needs " : " ",
				      c->needs[k]->name);
		(void)fputc('\n', app->out);
		print_expectations(app->out, c);
	}
	print_lines(app->out, described(app, d, job));
}

static void put_shard(struct json_writer *w, const struct run_shard *shard)
{
	char hex[SHA256_HEX];

	if (shard->index == 0)
		return;
	sha256_hex(shard->manifest, hex);
	json_open(w, "shard", '{');
	json_put_int(w, "index", shard->index);
	json_put_int(w, "of", shard->total);
	json_put_text(w, "manifest_sha256", hex);
	json_close(w, '}');
}

static void print_json(struct app *app, const struct definition *d, const struct plan *plan,
		       const struct run_shard *shard)
{
	struct json_writer w;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	json_writer_init(&w, &b, true);
	json_open(&w, NULL, '{');
	json_put_text(&w, "assize", "plan/1");
	json_put_text(&w, "commit", d->commit);
	put_shard(&w, shard);
	json_open(&w, "probes", '[');
	for (size_t i = 0; i < plan->n_jobs; i++) {
		const struct job *job = plan->jobs[i];

		json_open(&w, NULL, '{');
		json_put_text(&w, "target",
			      job->checks[0]->target != NULL ? job->checks[0]->target->name : NULL);
		json_open(&w, "checks", '[');
		for (size_t k = 0; k < job->n_checks; k++)
			json_put_text(&w, NULL, job->checks[k]->name);
		json_close(&w, ']');
		json_put_text(&w, "asks", described(app, d, job));
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_close(&w, '}');
	(void)fwrite(b.data, 1, b.len, app->out); /* main looks at the stream */
	buf_release(&b);
}

/* A script: a comment with the checks, then their requests. */
static int print_curl(struct app *app, const struct definition *d, const struct plan *plan,
		      struct err *e)
{
	size_t n_printed = 0;

	for (size_t i = 0; i < plan->n_jobs; i++) {
		const struct job *job = plan->jobs[i];
		const struct probe_world world = {.clock = &app->clock, .definition = d};
		struct probe probe = {
			.world = &world,
			.arena = app->arena,
			.checks = job->checks,
			.n_checks = job->n_checks,
		};
		const char *lines = curl_lines(&probe, d, e);

		if (lines == NULL && e->class != ERR_NONE)
			return -1;
		if (lines == NULL)
			continue;
		for (size_t k = 0; k < job->n_checks; k++)
			(void)fprintf(app->out, "# %s\n", job->checks[k]->name);
		(void)fputs(lines, app->out);
		n_printed++;
	}
	if (n_printed == 0)
		(void)fprintf(app->out, "# no check of the selection asks over HTTP\n");
	return 0;
}

static int run_plan(struct app *app, const struct command *self, int argc, char **argv)
{
	struct options o;
	struct definition *d;
	struct plan plan;
	struct err e = {0};
	struct selection selection;
	struct run_shard shard;
	int status;

	if (!app_begin(app, self, argc, argv, &o, &status))
		return status;
	if (o.is_curl && o.is_json) {
		(void)err_set(&e, ERR_USAGE, "--curl and --json cannot be combined");
		return app_fail(app, &e);
	}
	if (app_load(app, &o, &d) != 0)
		return EXIT_USAGE;
	if (selection_make(app, d, &o, &selection, &e) != 0 ||
	    shard_take(app, d, &o, o.subject != NULL ? o.subject : "", &selection, &shard, &e) != 0)
		return app_fail(app, &e);
	plan_make(app->arena, selection.checks, selection.n_checks, &plan);
	if (o.is_curl)
		return print_curl(app, d, &plan, &e) == 0 ? EXIT_PASS : app_fail(app, &e);
	if (o.is_json) {
		print_json(app, d, &plan, &shard);
		return EXIT_PASS;
	}
	(void)fprintf(app->out, "%zu checks, %zu probes", plan.n_checks, plan.n_jobs);
	if (d->commit != NULL)
		(void)fprintf(app->out, ", definitions of %s at %s", d->root_file, d->commit);
	if (shard.index != 0)
		(void)fprintf(app->out, ", shard %lld of %lld", (long long)shard.index,
			      (long long)shard.total);
	(void)fputs("\n\n", app->out);
	for (size_t i = 0; i < plan.n_jobs; i++)
		print_job(app, d, plan.jobs[i], i + 1);
	return EXIT_PASS;
}
