/*
 * Databases as a source: the catalog suggests checks, one run measures them.
 */
#include <string.h>

#include "audits/database.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/init.h"
#include "runner/init_draft.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/search_path.h"

#define CATALOG_TIMEOUT_MS 60000

/* "shop" of "data/shop.db", of "... dbname=shop ..." and of "postgresql://host/shop?x". */
static void name_it(struct init *in, struct init_subject *s, enum target_type type)
{
	const char *from = s->given;

	if (type != TARGET_SQLITE && strstr(from, "dbname="))
		from = strstr(from, "dbname=") + strlen("dbname=");
	else if (type != TARGET_ODBC && strrchr(from, '/'))
		from = strrchr(from, '/') + 1;
	else if (type != TARGET_SQLITE)
		from = target_type_name(type);
	init_name(in, s, from, strcspn(from, type == TARGET_SQLITE ? "." : "?; \t"),
		  target_type_name(type));
}

static int begin(struct init *in, struct init_subject *s, struct err *e)
{
	struct init_target *t = arena_alloc(in->app->arena, sizeof(*t));
	enum target_type type = s->source->type;

	(void)e; /* what is wrong with it shows when it is opened */
	name_it(in, s, type);
	*t = (struct init_target){.type = type, .location = s->given, .absolute = s->given};
	if (type == TARGET_SQLITE) {
		t->absolute = file_absolute(in->app->arena, in->app->cwd, s->given);
		t->location = init_path(in, t->absolute);
	} else {
		t->password_env = in->o.password_env;
	}
	s->state = t;
	return 0;
}

static void put_target(const struct init_subject *s, struct buf *out, bool is_draft)
{
	const struct init_target *t = s->state;

	(void)buf_printf(out, "  %s: { %s: ", s->name, target_type_name(t->type));
	init_put_text(out, is_draft ? t->absolute : t->location);
	if (t->password_env)
		(void)buf_printf(out, ", password: \"${env:%s}\"", t->password_env);
	(void)buf_puts(out, " }\n");
}

/* Without the server's word UTC is taken, as by any check that says no zone. */
static void look_at_zone(struct init *in, struct init_subject *s, struct db *db,
			 int64_t deadline_ms)
{
	struct err e = {0};

	if (init_ask_zone(db, &in->app->clock, in->app->arena, deadline_ms, s->state, &e) != 0)
		init_note(s,
			  "%s: the time zone of the server is not known, times without one are "
			  "taken in UTC: %s",
			  s->name, e.message);
}

static int look(struct init *in, struct init_subject *s, struct err *e)
{
	struct init_target *t = s->state;
	struct db_source source = database_source(s->target);
	int64_t deadline_ms = clock_monotonic_ms(&in->app->clock) + CATALOG_TIMEOUT_MS;
	struct db_pool *pool = db_pool_new(&in->app->clock);
	const char *missed = NULL;
	struct db *db;
	int rc = db_acquire(pool, &source, deadline_ms, &db, e);

	if (rc == 0) {
		rc = db_catalog(db, in->app->arena, NULL, deadline_ms, &t->catalog, e);
		if (rc == 0)
			missed = search_path_misses(db, in->app->arena, deadline_ms);
		if (rc == 0)
			look_at_zone(in, s, db, deadline_ms);
		db_release(pool, db);
	}
	db_pool_free(pool);
	if (rc != 0)
		return err_context(e, "%s", s->given);
	if (missed && t->catalog.n_tables == 0) {
		(void)err_set(e, ERR_USAGE, "there is no table in the search path of %s", s->given);
		return err_help(e, "%s", missed);
	}
	if (missed)
		init_note(s, "%s: %s", s->name, missed);
	init_suggest(in->app->arena, t);
	if (t->catalog.n_tables > INIT_MAX_TABLES)
		init_note(s, "%s has %zu tables, the first %d were taken", s->name,
			  t->catalog.n_tables, INIT_MAX_TABLES);
	return 0;
}

static void put_draft(const struct init_subject *s, struct buf *out)
{
	init_put_suggestions(out, s->state);
}

/* "table \"t\": could not ...": of what a statement that failed was asked. */
static const char *without_table(const char *reason)
{
	const char *cause = str_starts(reason, "table \"") ? strstr(reason, "\": ") : NULL;

	return cause ? cause + strlen("\": ") : reason;
}

/* A statement failed; that there are no rows, or only NULLs, is an answer. */
static bool is_failed(const struct suggestion *g)
{
	const char *cause = g->reason ? without_table(g->reason) : "";

	return !g->is_measured && (str_starts(cause, "could not ") || str_starts(cause, "cannot "));
}

/* Some of the table could be read, but not what these checks would have asked of it. */
static void note_gaps(struct init_subject *s, const struct init_target *t, size_t rows)
{
	const struct db_table *table = t->items[rows].table;
	const char *reason = NULL;
	size_t n = 0;

	for (size_t i = rows + 1; i < t->n && t->items[i].table == table; i++) {
		if (!is_failed(&t->items[i]))
			continue;
		reason = without_table(t->items[i].reason);
		n++;
	}
	if (n > 0)
		init_note(s, "%s: %zu check%s of \"%s\" left out: %s", s->name, n,
			  n == 1 ? "" : "s", table->name, reason);
}

/* What may not be read, or a policy hides, is no measurement; a gate without it is nearly empty. */
static void note_unread(struct init_subject *s)
{
	const struct init_target *t = s->state;

	for (size_t i = 0; i < t->n; i++) {
		const struct suggestion *g = &t->items[i];

		if (g->type != SUGGEST_ROWS)
			continue;
		if (g->is_measured)
			note_gaps(s, t, i);
		else if (g->table->has_row_security)
			init_note(s,
				  "%s: rows of \"%s\" not looked at: a policy hides them from the "
				  "role; give it BYPASSRLS",
				  s->name, g->table->name);
		else if (g->reason)
			init_note(s, "%s: only the columns of \"%s\" are checked: %s", s->name,
				  g->table->name, without_table(g->reason));
	}
}

static bool has_age(const struct init_target *t, const struct db_table *table)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->items[i].table == table && t->items[i].type == SUGGEST_FRESH &&
		    t->items[i].is_measured)
			return true;
	return false;
}

/* Many tables have a moment that is to come; one that has no other gets no check of its age. */
static void note_future(struct init_subject *s)
{
	const struct init_target *t = s->state;

	for (size_t i = 0; i < t->n; i++) {
		const struct suggestion *g = &t->items[i];

		if (g->type != SUGGEST_FRESH || g->is_measured || !g->reason ||
		    !str_ends(g->reason, " in the future") || has_age(t, g->table))
			continue;
		init_note(s, "%s: no check of the age of \"%s\": %s%s%s", s->name, g->table->name,
			  g->reason, g->lacks_zone ? " by the clock of " : "",
			  !g->lacks_zone ? ""
			  : g->zone	 ? g->zone
					 : "UTC; write one with the zone: of who writes it");
	}
}

static void note_unnamed_zone(struct init_subject *s)
{
	const struct init_target *t = s->state;

	if (t->n_zoneless > 0)
		init_note(
			s,
			"%s: no check of the age of %zu column%s without a time zone: the server "
			"writes them in its own, \"%s\", which is no name that zone: takes; write "
			"freshness with, for example, zone: Europe/Berlin",
			s->name, t->n_zoneless, t->n_zoneless == 1 ? "" : "s", t->unnamed_zone);
}

static int put(struct init_writer *w, struct init_subject *s, struct err *e)
{
	(void)e; /* what was not measured is left out */
	init_take(s->state, s);
	note_unread(s);
	note_future(s);
	note_unnamed_zone(s);
	init_put_tables(w, s->state);
	return 0;
}

/* The same way to all of them: what differs is behind the catalog. */
#define DATABASE(name, target)                                                                     \
	{                                                                                          \
		.option = #name, .offset = offsetof(struct options, name), .type = target,         \
		.n_rounds = 1, .begin = begin, .put_target = put_target, .look = look,             \
		.put_draft = put_draft, .put = put                                                 \
	}

const struct init_source init_sqlite = DATABASE(sqlite, TARGET_SQLITE);
const struct init_source init_postgres = DATABASE(postgres, TARGET_POSTGRES);
const struct init_source init_mysql = DATABASE(mysql, TARGET_MYSQL);
const struct init_source init_odbc = DATABASE(odbc, TARGET_ODBC);
