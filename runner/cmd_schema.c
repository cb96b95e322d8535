/*
 * assize schema: the schema of a database as a snapshot file, and what changed between two.
 *
 *	schema capture TARGET       a snapshot, to be committed and compared with by
 *	                            `schema: { snapshot: FILE }`
 *	schema diff TARGET [FILE]   from the snapshot (that of the target's check, when no file is
 *	                            named) to the database as it is now
 *	schema diff OLD NEW         from one to the other; each a file or a target
 *
 * Reads catalogs, never a row. A file there already is replaced as a whole or not at all. A view
 * that no longer resolves is an error: a snapshot that leaves it out would later call it
 *unexpected. diff exits with 0 when both are the same and with 1 when they are not.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "audits/database.h"
#include "audits/schema_changes.h"
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
#include "runner/search_path.h"

#define CAPTURE_TIMEOUT_MS 60000

static int run_schema(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "var", "output", "json", NULL};

const struct command command_schema = {
	.name = "schema",
	.group = "define",
	.words = "capture TARGET | diff TARGET|FILE [TARGET|FILE]",
	.summary = "write a database's schema as a snapshot; review what changed since",
	.accepts = accepts,
	.run = run_schema,
};

/* What the words ask for. */
struct request {
	struct app *app;
	const struct options *o;
	struct definition *definition; /* NULL = no target is named */
	struct db_pool *pool;
};

/* One side of a comparison. */
struct side {
	const char *word;
	const struct target *target; /* NULL = a file */
	struct schema_snapshot snapshot;
};

static int usage(const struct options *o, struct err *e)
{
	const char *verb = o->n_words > 0 ? o->words[0] : "";

	if (o->n_words == 2 && strcmp(verb, "capture") == 0 && !o->is_json)
		return 0;
	if ((o->n_words == 2 || o->n_words == 3) && strcmp(verb, "diff") == 0)
		return 0;
	err_set(e, ERR_USAGE,
		"assize schema does two things: capture TARGET, and diff TARGET|FILE "
		"[TARGET|FILE]");
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

static int capture(struct request *r, const struct target *t, struct db_catalog *out, struct err *e)
{
	struct app *app = r->app;
	int64_t deadline_ms = clock_monotonic_ms(&app->clock) + CAPTURE_TIMEOUT_MS;
	struct db_source source = database_source(t);
	struct db *db;

	if (db_acquire(r->pool, &source, deadline_ms, &db, e) != 0)
		return -1;
	int rc = schema_capture(db, app->arena, deadline_ms, out, e);
	const char *missed = rc == 0 ? search_path_misses(db, app->arena, deadline_ms) : NULL;

	if (missed)
		(void)fprintf(app->err, "assize: target \"%s\": %s\n", t->name, missed);

	db_release(r->pool, db);
	return rc;
}

static int write_out(const struct request *r, const struct buf *text, struct err *e)
{
	struct app *app = r->app;

	if (r->o->output)
		return file_write_atomic(file_absolute(app->arena, app->cwd, r->o->output),
					 text->data, text->len, e);
	(void)fwrite(text->data, 1, text->len, app->out); /* main looks at the stream */
	return 0;
}

/* ---- diff ---- */

static const char *path_of(const struct request *r, const char *word)
{
	return file_absolute(r->app->arena, r->app->cwd, word);
}

static bool is_file(const struct request *r, const char *word)
{
	struct stat st;

	return stat(path_of(r, word), &st) == 0 && S_ISREG(st.st_mode);
}

/* The snapshot that a schema check of the target compares with. */
static const char *own_snapshot(const struct definition *d, const struct target *t, struct err *e)
{
	for (size_t i = 0; i < d->n_checks; i++) {
		const char *path = schema_snapshot_of(d->checks[i]);

		if (path && d->checks[i]->target == t)
			return path;
	}
	err_set(e, ERR_USAGE, "no check compares target \"%s\" with a snapshot", t->name);
	err_help(e, "name the file: assize schema diff %s FILE", t->name);
	return NULL;
}

static int read_side(struct request *r, struct side *s, struct err *e)
{
	if (!s->target)
		return schema_snapshot_read(r->app->arena, path_of(r, s->word), &s->snapshot, e);
	s->snapshot.version = SCHEMA_SNAPSHOT_VERSION;
	return capture(r, s->target, &s->snapshot.catalog, e);
}

/* A file is what was and a target what is; of two of a kind the first is what was. */
static int find_sides(struct request *r, struct side *was, struct side *is, struct err *e)
{
	const struct options *o = r->o;
	struct side sides[2] = {{.word = o->words[1]},
				{.word = o->n_words == 3 ? o->words[2] : NULL}};

	for (size_t i = 0; i < 2; i++) {
		struct side *s = &sides[i];

		if (!s->word || is_file(r, s->word))
			continue;
		if (!r->definition)
			return err_set(e, ERR_USAGE, "there is no file \"%s\"", s->word);
		s->target = find_target(r->definition, s->word, e);
		if (!s->target)
			return -1;
	}
	if (!sides[1].word) {
		if (!sides[0].target)
			return err_set(e, ERR_USAGE, "a file is compared with something else");
		sides[1].word = own_snapshot(r->definition, sides[0].target, e);
		if (!sides[1].word)
			return -1;
	}
	bool is_backwards = sides[0].target && !sides[1].target;

	*was = sides[is_backwards ? 1 : 0];
	*is = sides[is_backwards ? 0 : 1];
	return 0;
}

/* What is not compared because the older of the files does not know it. */
static void tell_lacks(const struct request *r, const struct side *was, const struct side *is)
{
	const struct side *older = was->snapshot.version <= is->snapshot.version ? was : is;
	const char *lacks =
		schema_snapshot_lacks(older->snapshot.catalog.engine, older->snapshot.version);

	if (lacks)
		(void)fprintf(r->app->err, "assize: %s: %s\n",
			      str_escaped(r->app->arena, older->word), lacks);
}

static int diff(struct request *r, struct buf *out, bool *is_different, struct err *e)
{
	struct arena *a = r->app->arena;
	struct side was, is;

	if (find_sides(r, &was, &is, e) != 0 || read_side(r, &was, e) != 0 ||
	    read_side(r, &is, e) != 0)
		return -1;
	if (was.snapshot.catalog.engine != is.snapshot.catalog.engine)
		return err_set(e, ERR_USAGE, "cannot compare: \"%s\" is of %s, \"%s\" of %s",
			       was.word, schema_engine_name(was.snapshot.catalog.engine), is.word,
			       schema_engine_name(is.snapshot.catalog.engine));
	tell_lacks(r, &was, &is);
	int64_t version = was.snapshot.version < is.snapshot.version ? was.snapshot.version
								     : is.snapshot.version;
	struct db_catalog before = schema_snapshot_reduce(a, &was.snapshot.catalog, version);
	struct db_catalog now = schema_snapshot_reduce(a, &is.snapshot.catalog, version);
	struct schema_changes changes = schema_changes(a, &before, &now, version > 1);

	*is_different = changes.n > 0;
	if (r->o->is_json) {
		schema_changes_json(&changes, out);
		return 0;
	}
	(void)buf_printf(out, "was: %s\nis:  %s\n\n", str_escaped(a, was.word),
			 str_escaped(a, is.word));
	schema_changes_review(&changes, out);
	return 0;
}

/* ---- the command ---- */

/* Does a word name a target? Then the definition is needed. */
static bool needs_definition(const struct request *r)
{
	bool needs = strcmp(r->o->words[0], "capture") == 0 || r->o->n_words == 2;

	for (size_t i = 1; i < r->o->n_words; i++)
		needs = needs || !is_file(r, r->o->words[i]);
	return needs;
}

static int run_request(struct request *r, struct err *e)
{
	bool is_different = false;
	struct buf text;
	int rc;

	buf_init(&text, BUF_UNBOUNDED); /* as large as the catalog */
	if (strcmp(r->o->words[0], "capture") == 0) {
		const struct target *t = find_target(r->definition, r->o->words[1], e);
		struct db_catalog catalog;

		rc = t ? capture(r, t, &catalog, e) : -1;
		if (rc == 0) {
			catalog = schema_snapshot_reduce(r->app->arena, &catalog,
							 SCHEMA_SNAPSHOT_VERSION);
			schema_snapshot_write(&text, &catalog);
		}
	} else {
		rc = diff(r, &text, &is_different, e);
	}
	if (rc == 0)
		rc = write_out(r, &text, e);
	buf_release(&text);
	if (rc != 0)
		return app_fail(r->app, e);
	return is_different ? EXIT_DISPROVED : EXIT_PASS;
}

static int run_schema(struct app *app, const struct command *self, int argc, char **argv)
{
	struct options o;
	struct request r = {.app = app, .o = &o};
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &o, &status))
		return status;
	if (usage(&o, &e) != 0)
		return app_fail(app, &e);
	if (needs_definition(&r) && app_load(app, &o, &r.definition) != 0)
		return EXIT_USAGE;
	if (app_guard_definition(app, r.definition, o.output, &e) != 0)
		return app_fail(app, &e);
	r.pool = db_pool_new(&app->clock);
	status = run_request(&r, &e);
	db_pool_free(r.pool);
	return status;
}
