/*
 * assize init: a definition to begin with, from the databases themselves.
 *
 * The catalog suggests checks, the checks measure the database once (into a record that is thrown
 * away), and what they measured becomes their bounds: the definition passes when it is run, and
 * each of its checks can fail. Nothing that exists is replaced.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "audits/database.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/history/record.h"
#include "runner/init_draft.h"
#include "runner/io/file.h"
#include "runner/load.h"
#include "runner/options.h"
#include "runner/session.h"

#define CATALOG_TIMEOUT_MS 60000
#define MAX_TARGETS	   20

static int run_init(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"sqlite",	      "postgres", "mysql", "odbc",
				      "password-env", "output",	  NULL};

const struct command command_init = {
	.name = "init",
	.group = "define",
	.words = "",
	.summary = "write a definition to begin with: what is true of a database now, as checks",
	.accepts = accepts,
	.run = run_init,
};

struct init {
	struct app *app;
	struct options o;
	const char *path;    /* of the definition to be written */
	const char *scratch; /* a directory of our own */
	struct init_target targets[MAX_TARGETS];
	size_t n;
	struct map names;
};

/* ---- what is to be audited ---- */

/* "shop" of "data/shop.db", of "... dbname=shop ..." and of "postgresql://host/shop?x". */
static const char *name_of(struct arena *a, enum target_type type, const char *location)
{
	const char *from = location, *end;
	struct buf b;

	if (type != TARGET_SQLITE && strstr(location, "dbname="))
		from = strstr(location, "dbname=") + strlen("dbname=");
	else if (type != TARGET_ODBC && strrchr(location, '/'))
		from = strrchr(location, '/') + 1;
	else if (type != TARGET_SQLITE)
		from = target_type_name(type);
	end = from + strcspn(from, type == TARGET_SQLITE ? "." : "?; \t");
	buf_init(&b, 64);
	for (const char *s = from; s < end; s++) {
		bool is_letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');

		if (is_letter || (b.len > 0 && *s >= '0' && *s <= '9'))
			(void)buf_putc(&b, *s); /* cut at the ceiling */
		else if (b.len > 0)
			(void)buf_putc(&b, '_');
	}
	from = b.len > 0 ? arena_strndup(a, b.data, b.len) : target_type_name(type);
	buf_release(&b);
	return from;
}

static int add_targets(struct init *in, enum target_type type, const struct texts *given,
		       struct err *e)
{
	struct arena *a = in->app->arena;

	for (size_t i = 0; i < given->n; i++) {
		const char *location = given->items[i], *name = name_of(a, type, location);
		struct init_target *t = &in->targets[in->n];

		if (in->n == MAX_TARGETS)
			return err_set(e, ERR_USAGE, "more than %d databases at once", MAX_TARGETS);
		*t = (struct init_target){.type = type, .location = location, .absolute = location};
		t->name = name;
		for (int k = 2; !map_put(&in->names, t->name, t); k++)
			t->name = arena_printf(a, "%s_%d", name, k);
		if (type == TARGET_SQLITE)
			t->absolute = file_absolute(a, in->app->cwd, location);
		else
			t->password_env = in->o.password_env;
		in->n++;
	}
	return 0;
}

/* Without a word: the SQLite databases here and one directory down. */
static int look_around(struct init *in, struct err *e)
{
	static const char *const globs[] = {"*.db",   "*.sqlite",   "*.sqlite3",
					    "*/*.db", "*/*.sqlite", "*/*.sqlite3"};
	struct arena *a = in->app->arena;

	for (size_t i = 0; i < sizeof(globs) / sizeof(*globs); i++) {
		struct texts found = {0};

		if (file_glob(a, arena_printf(a, "%s/%s", in->app->cwd, globs[i]), &found.items,
			      &found.n, e) != 0)
			return -1;
		for (size_t k = 0; k < found.n; k++)
			found.items[k] = file_shown(a, in->app->cwd, found.items[k]);
		if (add_targets(in, TARGET_SQLITE, &found, e) != 0)
			return -1;
	}
	if (in->n > 0)
		return 0;
	(void)err_set(e, ERR_USAGE,
		      "there is nothing to begin with: no database was named, and "
		      "none is here (*.db, *.sqlite)"); /* -1 below */
	return err_help(e, "assize init --sqlite data/shop.db, or --postgres \"host=db dbname=shop "
			   "user=audit\"");
}

static int find_targets(struct init *in, struct err *e)
{
	const struct options *o = &in->o;

	map_init(&in->names, in->app->arena);
	if (o->sqlite.n + o->postgres.n + o->mysql.n + o->odbc.n == 0)
		return look_around(in, e);
	if (add_targets(in, TARGET_SQLITE, &o->sqlite, e) != 0 ||
	    add_targets(in, TARGET_POSTGRES, &o->postgres, e) != 0 ||
	    add_targets(in, TARGET_MYSQL, &o->mysql, e) != 0)
		return -1;
	return add_targets(in, TARGET_ODBC, &o->odbc, e);
}

/* ---- measuring ---- */

static const char *temporary(const struct app *app)
{
	const char *dir = app->env(app->env_ctx, "TMPDIR");

	return dir && dir[0] == '/' ? dir : "/tmp";
}

/* Writes a definition into the scratch directory and loads it: it must be one of ours. */
static int load_text(struct init *in, const struct buf *text, struct definition **out,
		     struct err *e)
{
	const char *path = arena_printf(in->app->arena, "%s/assize.yaml", in->scratch);
	struct load_options load = {
		.path = path,
		.cwd = in->app->cwd,
		.env = in->app->env,
		.env_ctx = in->app->env_ctx,
	};
	struct diags diags;

	if (file_write_atomic(path, text->data, text->len, e) != 0)
		return -1;
	diags_init(&diags, in->app->arena);
	if (definition_load(in->app->arena, &load, out, &diags) == 0)
		return 0;
	*e = diags.items[0];
	if (e->pos.line <= in->n + 2) { /* a target: what the user wrote */
		e->pos = (struct pos){.file = NULL};
		e->class = ERR_USAGE;
		return -1;
	}
	e->class = ERR_INTERNAL;
	return err_context(e, "the definition that was made does not load (line %u)",
			   (unsigned)e->pos.line);
}

static int read_catalogs(struct init *in, const struct definition *d, struct err *e)
{
	struct db_pool *pool = db_pool_new(&in->app->clock);
	int rc = 0;

	for (size_t i = 0; i < in->n && rc == 0; i++) {
		struct db_source source = database_source(d->targets[i]);
		int64_t deadline_ms = clock_monotonic_ms(&in->app->clock) + CATALOG_TIMEOUT_MS;
		struct db *db;

		rc = db_acquire(pool, &source, deadline_ms, &db, e);
		if (rc == 0) {
			rc = db_catalog(db, in->app->arena, NULL, deadline_ms,
					&in->targets[i].catalog, e);
			db_release(pool, db);
		}
		if (rc != 0)
			(void)err_context(e, "%s", in->targets[i].location); /* always -1 */
		else
			init_suggest(in->app->arena, &in->targets[i]);
	}
	db_pool_free(pool);
	return rc;
}

static int measure(struct init *in, const struct definition *d, struct err *e)
{
	const char *path = arena_printf(in->app->arena, "%s/record.db", in->scratch);
	struct run_info run;
	struct result *results;
	struct record *record;
	size_t n;
	int rc;

	if (record_open(path, RECORD_WRITE, &record, e) != 0)
		return -1;
	struct session_request req = {
		.app = in->app,
		.definition = d,
		.record = record,
		.checks = (const struct check *const *)d->checks,
		.n_checks = d->n_checks,
		.command = "run",
		.subject = "",
		.selection = "",
	};

	rc = session_run(&req, &run, e);
	if (rc == 0 && run.state != RUN_COMPLETE)
		rc = err_set(e, ERR_MEASURE, "interrupted: nothing was written");
	if (rc == 0)
		rc = record_run_results(record, in->app->arena, run.id, &results, &n, e);
	if (rc == 0)
		init_take_results(in->targets, in->n, results, n);
	record_close(record);
	return rc;
}

static int make(struct init *in, struct buf *text, size_t *n_checks, struct err *e)
{
	struct definition *d;
	size_t n_suggested = 0;
	char day[UTC_MAX];

	init_write_draft(text, in->targets, in->n, true);
	if (load_text(in, text, &d, e) != 0 || read_catalogs(in, d, e) != 0)
		return -1;
	for (size_t i = 0; i < in->n; i++)
		n_suggested += in->targets[i].n;
	if (n_suggested == 0) {
		(void)err_set(e, ERR_USAGE, "there is no table in %s",
			      in->n == 1 ? in->targets[0].location : "any of the databases");
		return -1;
	}
	text->len = 0;
	init_write_draft(text, in->targets, in->n, false);
	if (load_text(in, text, &d, e) != 0 || measure(in, d, e) != 0)
		return -1;
	(void)utc_format(clock_wall_ms(&in->app->clock), 0, day); /* its length */
	day[10] = '\0';
	text->len = 0;
	*n_checks = init_write(in->app->arena, text, in->targets, in->n, day);
	return 0;
}

/* Never over something that is there. */
static int write_definition(struct init *in, const struct buf *text, struct err *e)
{
	struct stat st;

	if (lstat(in->path, &st) == 0) {
		(void)err_set(e, ERR_USAGE, "\"%s\" is there already",
			      file_shown(in->app->arena, in->app->cwd, in->path)); /* -1 below */
		return err_help(e, "write elsewhere with -o FILE, and take over what you like");
	}
	return text ? file_write_atomic(in->path, text->data, text->len, e) : 0;
}

static void print_done(struct init *in, size_t n_checks)
{
	const char *shown = file_shown(in->app->arena, in->app->cwd, in->path);
	bool is_usual = strcmp(shown, LOAD_FILE) == 0;

	for (size_t i = 0; i < in->n; i++)
		if (in->targets[i].catalog.n_tables > INIT_MAX_TABLES)
			(void)fprintf(in->app->err,
				      "assize: %s has %zu tables, the first %d were taken\n",
				      in->targets[i].name, in->targets[i].catalog.n_tables,
				      INIT_MAX_TABLES);
	(void)fprintf(in->app->out, "%s: %zu check%s that hold%s now\n", shown, n_checks,
		      n_checks == 1 ? "" : "s", n_checks == 1 ? "s" : "");
	(void)fprintf(in->app->out, "next: read it, then assize run%s%s\n", is_usual ? "" : " -f ",
		      is_usual ? "" : shown);
}

static int run_init(struct app *app, const struct command *self, int argc, char **argv)
{
	struct init in = {.app = app};
	struct err e = {0}, cleanup = {0};
	struct buf text;
	size_t n_checks = 0;
	int status;

	if (!app_begin(app, self, argc, argv, &in.o, &status))
		return status;
	if (in.o.n_words > 0) {
		(void)err_set(&e, ERR_USAGE, "init takes no words, got \"%s\"", in.o.words[0]);
		(void)err_help(&e, "assize init --sqlite %s", in.o.words[0]);
		return app_fail(app, &e);
	}
	in.path = file_absolute(app->arena, app->cwd, in.o.output ? in.o.output : LOAD_FILE);
	if (find_targets(&in, &e) != 0 || write_definition(&in, NULL, &e) != 0 ||
	    scratch_create(app->arena, temporary(app), &in.scratch, &e) != 0)
		return app_fail(app, &e);
	buf_init(&text, BUF_UNBOUNDED); /* tables and columns are limited */
	if (make(&in, &text, &n_checks, &e) == 0 && write_definition(&in, &text, &e) == 0)
		print_done(&in, n_checks);
	buf_release(&text);
	if (scratch_remove(in.scratch, &cleanup) != 0 && e.class == ERR_NONE)
		e = cleanup;
	return e.class == ERR_NONE ? EXIT_PASS : app_fail(app, &e);
}
