/*
 * assize schema capture TARGET: the schema of a database as a snapshot file, to be committed and
 * compared with by `schema: { snapshot: FILE }`. Reads the catalog, never a row.
 *
 * A file there already is replaced as a whole or not at all. A view that no longer resolves is an
 * error: a snapshot that leaves it out would later call it unexpected.
 */
#include <stdio.h>
#include <string.h>

#include "audits/database.h"
#include "audits/schema_snapshot.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/options.h"

#define CAPTURE_TIMEOUT_MS 60000

static int run_schema(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "var", "output", NULL};

const struct command command_schema = {
	.name = "schema",
	.group = "define",
	.words = "capture TARGET",
	.summary = "write a database's schema as a snapshot to compare with",
	.accepts = accepts,
	.run = run_schema,
};

static int usage(const struct options *o, struct err *e)
{
	if (o->n_words == 2 && strcmp(o->words[0], "capture") == 0)
		return 0;
	err_set(e, ERR_USAGE, "assize schema does one thing: capture TARGET");
	return err_help(e, "assize schema capture shop -o audits/shop.schema.json");
}

static const struct target *find_target(const struct definition *d, const char *name, struct err *e)
{
	const char **names = arena_array(d->arena, d->n_targets, sizeof(*names));

	for (size_t i = 0; i < d->n_targets; i++) {
		names[i] = d->targets[i]->name;
		if (strcmp(names[i], name) != 0)
			continue;
		if (TARGET_BIT(d->targets[i]->type) & TARGET_DATABASES)
			return d->targets[i];
		err_set(e, ERR_USAGE, "target \"%s\" is not a database", name);
		return NULL;
	}
	int close = str_closest(name, names, d->n_targets);

	err_set(e, ERR_USAGE, "there is no target \"%s\"", name);
	if (close >= 0)
		err_help(e, "did you mean \"%s\"?", names[close]);
	return NULL;
}

static int capture(struct app *app, const struct target *t, struct db_pool *pool, struct buf *out,
		   struct err *e)
{
	int64_t deadline_ms = clock_monotonic_ms(&app->clock) + CAPTURE_TIMEOUT_MS;
	struct db_table *tables;
	struct db *db;
	size_t n;

	struct db_source source = database_source(t);

	if (db_acquire(pool, &source, deadline_ms, &db, e) != 0)
		return -1;
	int rc = schema_capture(db, app->arena, deadline_ms, &tables, &n, e);

	db_release(pool, db);
	if (rc == 0)
		schema_snapshot_write(out, tables, n);
	return rc;
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

static int run_schema(struct app *app, const struct command *self, int argc, char **argv)
{
	const struct target *t;
	struct definition *d;
	struct options o;
	struct err e = {0};
	struct buf text;
	int status;

	if (!app_begin(app, self, argc, argv, &o, &status))
		return status;
	if (usage(&o, &e) != 0)
		return app_fail(app, &e);
	if (app_load(app, &o, &d) != 0)
		return EXIT_USAGE;
	t = find_target(d, o.words[1], &e);
	if (!t)
		return app_fail(app, &e);
	struct db_pool *pool = db_pool_new(&app->clock);

	buf_init(&text, BUF_UNBOUNDED); /* as large as the catalog */
	if (capture(app, t, pool, &text, &e) != 0 || write_out(app, &o, &text, &e) != 0)
		status = app_fail(app, &e);
	else
		status = EXIT_PASS;
	buf_release(&text);
	db_pool_free(pool);
	return status;
}
