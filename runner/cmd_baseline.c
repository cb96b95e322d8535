/*
 * assize baseline CHECK: the present distribution of a check's rows as a file, to be committed and
 * compared with by `distribution: { baseline_file: FILE }`.
 *
 * A file there already is replaced as a whole or not at all. No rows at all are an error: a
 * baseline of nothing would make every later measurement impossible.
 */
#include <stdio.h>
#include <string.h>

#include "audits/distribution.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/options.h"

static int run_baseline(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "var", "output", NULL};

const struct command command_baseline = {
	.name = "baseline",
	.group = "define",
	.words = "AUDIT/CHECK",
	.summary = "write the distribution a check sees now as a baseline to compare with",
	.accepts = accepts,
	.run = run_baseline,
};

static const struct check *find_check(const struct definition *d, const char *name, struct err *e)
{
	const struct check *c = definition_check(d, name);
	const char **names;
	size_t n = 0;

	if (c && strcmp(c->kind->name, "distribution") == 0)
		return c;
	if (c) {
		err_set(e, ERR_USAGE, "check \"%s\" is of kind \"%s\", which has no baseline", name,
			c->kind->name);
		return NULL;
	}
	names = arena_array(d->arena, d->n_checks, sizeof(*names));
	for (size_t i = 0; i < d->n_checks; i++)
		if (strcmp(d->checks[i]->kind->name, "distribution") == 0)
			names[n++] = d->checks[i]->name;
	int close = str_closest(name, names, n);

	err_set(e, ERR_USAGE, "there is no check \"%s\"", name);
	if (close >= 0)
		err_help(e, "did you mean \"%s\"?", names[close]);
	return NULL;
}

static int capture(struct app *app, const struct definition *d, const struct check *c,
		   struct db_pool *pool, struct buf *out, struct err *e)
{
	struct probe_world world = {.clock = &app->clock, .dbs = pool, .definition = d};
	struct probe p = {
		.world = &world,
		.arena = app->arena,
		.checks = &c,
		.n_checks = 1,
		.deadline_ms = clock_monotonic_ms(&app->clock) + c->timeout_ms,
	};
	struct distribution found;

	if (distribution_capture(&p, &found, e) != 0)
		return -1;
	if (found.n == 0)
		return err_set(e, ERR_MEASURE, "check \"%s\" finds no rows to make a baseline of",
			       c->name);
	distribution_write(out, c, &found);
	return 0;
}

static int write_out(struct app *app, const struct options *o, const struct buf *text,
		     struct err *e)
{
	if (o->output)
		return file_write_atomic(file_absolute(app->arena, app->cwd, o->output), text->data,
					 text->len, e);
	(void)fwrite(text->data, 1, text->len, app->out); /* main looks at the stream */
	return 0;
}

static int run_baseline(struct app *app, const struct command *self, int argc, char **argv)
{
	const struct check *c;
	struct definition *d;
	struct options o;
	struct err e = {0};
	struct buf text;
	int status;

	if (!app_begin(app, self, argc, argv, &o, &status))
		return status;
	if (o.n_words != 1) {
		err_set(&e, ERR_USAGE, "assize baseline takes one check");
		err_help(&e, "assize baseline orders/states -o audits/states.json");
		return app_fail(app, &e);
	}
	if (app_load(app, &o, &d) != 0)
		return EXIT_USAGE;
	c = find_check(d, o.words[0], &e);
	if (!c || app_guard_definition(app, d, o.output, &e) != 0)
		return app_fail(app, &e);
	struct db_pool *pool = db_pool_new(&app->clock);

	buf_init(&text, BUF_UNBOUNDED); /* so many cells */
	if (capture(app, d, c, pool, &text, &e) != 0 || write_out(app, &o, &text, &e) != 0)
		status = app_fail(app, &e);
	else
		status = EXIT_PASS;
	buf_release(&text);
	db_pool_free(pool);
	return status;
}
