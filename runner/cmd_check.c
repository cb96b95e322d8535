/*
 * assize check: is the definition sound? Touches nothing but definition files.
 */
#include <stdio.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/io/digest.h"
#include "runner/io/json.h"
#include "runner/load.h"
#include "runner/model/definition.h"
#include "runner/options.h"

static int run_check(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "policy-sha256", "var", "json", "quiet", NULL};

const struct command command_check = {
	.name = "check",
	.group = "define",
	.words = "",
	.summary = "validate definitions: every error in one pass; touches nothing",
	.accepts = accepts,
	.run = run_check,
};

static size_t count_visible(const struct definition *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_checks; i++)
		n += !d->checks[i]->is_hidden;
	return n;
}

static void print_count(FILE *out, const char *before, size_t n, const char *noun)
{
	if (n > 0)
		(void)fprintf(out, "%s%zu %s%s", before, n, noun, n == 1 ? "" : "s");
}

static void print_sound(struct app *app, const struct definition *d)
{
	char hex[SHA256_HEX];

	(void)fprintf(app->out, "%s%s%s is sound: ", d->root_file, d->commit ? " at " : "",
		      d->commit ? d->commit : "");
	(void)fprintf(app->out, "%zu audit%s", d->n_audits, d->n_audits == 1 ? "" : "s");
	print_count(app->out, ", ", count_visible(d), "check");
	print_count(app->out, ", ", d->n_targets, "target");
	print_count(app->out, ", ", d->n_gates, "gate");
	print_count(app->out, ", ", d->n_rollbacks, "rollback set");
	sha256_hex(d->digest, hex);
	(void)fprintf(app->out, "\npolicy %s\n", hex);
}

static void put_problem(struct json_writer *w, struct arena *a, const struct definition *d,
			const struct err *e)
{
	const struct redactor *r = d ? d->redactor : NULL;

	json_open(w, NULL, '{');
	json_put_text(w, "file", e->pos.file);
	json_put_int(w, "line", e->pos.line);
	json_put_int(w, "column", e->pos.col);
	json_put_text(w, "message", r ? redact_text(r, a, e->message) : e->message);
	json_put_text(w, "help", e->help[0] ? r ? redact_text(r, a, e->help) : e->help : NULL);
	json_close(w, '}');
}

static void print_json(struct app *app, const struct definition *d, struct diags *diags)
{
	struct json_writer w;
	struct buf b;
	char hex[SHA256_HEX];

	buf_init(&b, BUF_UNBOUNDED); /* at most DIAGS_MAX errors are kept */
	json_writer_init(&w, &b, true);
	json_open(&w, NULL, '{');
	json_put_text(&w, "assize", "check/1");
	json_put_bool(&w, "is_sound", diags->n_total == 0);
	json_put_int(&w, "n_errors", (int64_t)diags->n);
	json_open(&w, "errors", '[');
	diags_sort(diags);
	for (size_t i = 0; i < diags->n; i++)
		put_problem(&w, app->arena, d, &diags->items[i]);
	json_close(&w, ']');
	if (diags->n_total == 0) {
		sha256_hex(d->digest, hex);
		json_put_text(&w, "commit", d->commit);
		json_put_text(&w, "policy_sha256", hex);
		json_put_int(&w, "n_audits", (int64_t)d->n_audits);
		json_put_int(&w, "n_checks", (int64_t)count_visible(d));
		json_put_int(&w, "n_targets", (int64_t)d->n_targets);
		json_put_int(&w, "n_gates", (int64_t)d->n_gates);
		json_put_int(&w, "n_rollback_sets", (int64_t)d->n_rollbacks);
	}
	json_close(&w, '}');
	(void)fwrite(b.data, 1, b.len, app->out); /* main looks at the stream */
	buf_release(&b);
}

static int run_check(struct app *app, const struct command *self, int argc, char **argv)
{
	struct options o;
	struct load_options load;
	struct definition *d = NULL;
	struct diags diags;
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &o, &status))
		return status;
	if (app_no_words(self, &o, &e) != 0) {
		(void)err_help(&e, "assize check -f %s", o.words[0]);
		return app_fail(app, &e);
	}
	load = (struct load_options){
		.path = o.file,
		.cwd = app->cwd,
		.env = app->env,
		.env_ctx = app->env_ctx,
		.pinned = o.pinned,
		.vars = o.vars.items,
		.n_vars = o.vars.n,
	};
	diags_init(&diags, app->arena);
	status = definition_load(app->arena, &load, &d, &diags) == 0 ? EXIT_PASS : EXIT_USAGE;
	if (o.is_json)
		print_json(app, d, &diags);
	else if (status != EXIT_PASS)
		definition_print_diags(app->err, d, &diags);
	if (status == EXIT_PASS && !o.is_json && !o.is_quiet)
		print_sound(app, d);
	if (status != EXIT_PASS && !o.is_json)
		(void)fprintf(app->err, "%zu error%s\n", diags.n, diags.n == 1 ? "" : "s");
	return status;
}
