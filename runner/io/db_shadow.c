/*
 * db_shadow: a statement that names a shadowed table is asked with the shadow before it.
 *
 * When that fails it must be known whose fault it is. So the statement is prepared twice more: as
 * it was written, and over a shadow that is nothing but the table. If the first is accepted and the
 * second is not, the statement cannot be asked of any shadow: it groups by a primary key, samples,
 * names an index or a hidden column. If both are, the error is what the damage does.
 *
 * What bare names mean is the session's to say: a search path, the current database.
 */
#include "runner/io/db_shadow.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/db_driver.h"
#include "runner/io/db_shadow_text.h"
#include "runner/io/db_shadow_view.h"

#define PREPARE_MAX_MS 30000

/* pthread calls below fail only when misused. */
static void must(int rc)
{
	if (rc != 0)
		abort();
}

/* ---- views ---- */

struct db_view *db_view_of(struct db_views *all, const char *source)
{
	struct db_view *v = all->first;

	while (v && strcmp(v->source, source) != 0)
		v = v->next;
	if (v)
		return v;
	v = xmalloc(sizeof(*v));
	*v = (struct db_view){.all = all, .next = all->first, .source = xstrdup(source)};
	must(pthread_mutex_init(&v->lock, NULL));
	all->first = v;
	return v;
}

static void uncover(struct db_view *v)
{
	for (size_t i = 0; i < v->n; i++)
		free((char *)(uintptr_t)v->targets[i].schema); /* the view's, hence const */
	free(v->targets);
	v->targets = NULL;
	v->n = 0;
}

void db_views_release(struct db_views *all)
{
	while (all->first) {
		struct db_view *v = all->first;

		all->first = v->next;
		uncover(v);
		must(pthread_mutex_destroy(&v->lock));
		free(v->source);
		free(v);
	}
}

/* The catalog calls a table of another schema "schema.table". */
static const char *bare_name(const struct db_shadow *s)
{
	size_t n = s->schema ? strlen(s->schema) : 0;

	if (n > 0 && strncmp(s->table, s->schema, n) == 0 && s->table[n] == '.' && s->table[n + 1])
		return s->table + n + 1;
	return s->table;
}

void db_view_cover(struct db_view *v, const struct db_shadow *shadows, size_t n)
{
	uncover(v);
	atomic_store(&v->all->is_unshadowed, false);
	v->is_known = false;
	if (n == 0)
		return;
	v->targets = xmalloc(n * sizeof(*v->targets));
	for (size_t i = 0; i < n; i++)
		v->targets[i] = (struct shadow_target){
			.schema = shadows[i].schema ? xstrdup(shadows[i].schema) : NULL,
			.table = bare_name(&shadows[i]),
			.body = shadows[i].body,
		};
	v->n = n;
}

/* ---- what bare names mean ---- */

struct meaning {
	struct shadow_target *target;
	bool is_exact;
};

static void set_schema(struct shadow_target *t, enum db_engine engine, const char *schema)
{
	t->is_bare = !t->schema || db_same_name(engine, t->schema, schema);
	if (!t->schema)
		t->schema = xstrdup(schema);
}

/* A row of the schema, and whether names of tables differ by case. */
static int take_meaning(void *ctx, const struct db_row *row, struct err *e)
{
	struct meaning *m = ctx;

	(void)e;
	if (row->values[0].type == DB_TEXT)
		set_schema(m->target, row->n > 1 ? DB_MYSQL : DB_POSTGRES, row->values[0].text);
	m->is_exact = row->n > 1 && row->values[1].integer == 0;
	return 0;
}

static int learn_one(struct db *db, struct shadow_target *t, int64_t deadline_ms, bool *is_exact,
		     struct err *e)
{
	static const char postgres[] =
		"SELECT n.nspname FROM pg_catalog.pg_class c"
		" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
		" WHERE c.oid = pg_catalog.to_regclass(pg_catalog.quote_ident(?1))";
	static const char mysql[] = "SELECT DATABASE(), @@lower_case_table_names";
	struct meaning m = {.target = t};
	int rc = 0;

	t->is_bare = false;
	switch (db->driver->engine) {
	case DB_SQLITE:
		set_schema(t, DB_SQLITE, "main");
		break;
	case DB_POSTGRES:
		rc = db->driver->query(db, postgres, &t->table, 1, deadline_ms, take_meaning, &m,
				       e);
		break;
	case DB_MYSQL:
		rc = db->driver->query(db, mysql, NULL, 0, deadline_ms, take_meaning, &m, e);
		break;
	case DB_ODBC:
		t->is_bare = true; /* refused whatever it means */
		break;
	}
	*is_exact = m.is_exact;
	return rc;
}

/* The lock of the view is held. */
static int learn(struct db *db, int64_t deadline_ms, struct err *e)
{
	struct db_view *v = db->view;

	for (size_t i = 0; i < v->n && !v->is_known; i++)
		if (learn_one(db, &v->targets[i], deadline_ms, &v->is_exact, e) != 0)
			return -1;
	v->is_known = true;
	return 0;
}

/* ---- asking ---- */

static int ask(struct db *db, const struct db_question *q, const char *sql, struct err *e)
{
	db->absence = DB_ABSENT_NOTHING;
	if (q->n_columns)
		return db->driver->prepare(db, sql, q->n_columns, e);
	return db->driver->query(db, sql, q->params, q->n_params, q->deadline_ms, q->fn, q->ctx, e);
}

static int fail_unshadowed(const struct db *db)
{
	atomic_store(&db->view->all->is_unshadowed, true);
	return -1;
}

static const char *itself(enum db_engine engine, struct arena *a, const struct shadow_target *t)
{
	struct buf b;
	const char *text;

	buf_init(&b, BUF_UNBOUNDED); /* two names */
	(void)buf_puts(&b, "SELECT * FROM ");
	if (t->schema) {
		db_quote(engine, &b, t->schema);
		(void)buf_putc(&b, '.');
	}
	db_quote(engine, &b, t->table);
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

static int note_row(void *ctx, const struct db_row *row, struct err *e)
{
	bool *is_any = ctx;

	(void)row;
	(void)e;
	*is_any = true;
	return 0;
}

static bool has_column(struct db *db, const struct db_question *q, const char *table,
		       const char *column)
{
	static const char sql[] = "SELECT 1 FROM pragma_table_xinfo(?1, 'main')"
				  " WHERE name = ?2 COLLATE NOCASE AND hidden <> 1";
	const char *const params[] = {table, column};
	bool is_any = false;

	/* What cannot be asked is not known to be one. */
	(void)db->driver->query(db, sql, params, 2, q->deadline_ms, note_row, &is_any, NULL);
	return is_any;
}

/* SQLite: a rowid that is asked for must be a column of every table that could be meant. */
static int check_rowids(struct db *db, const struct db_question *q, const struct shadow_text *t,
			struct err *e)
{
	for (size_t i = 0; i < SHADOW_ROWIDS; i++)
		for (size_t k = 0; k < t->n_targets && t->asks_rowid[i]; k++) {
			const struct shadow_target *target = &t->targets[k];

			if (target->is_used && !has_column(db, q, target->table, shadow_rowids[i]))
				return shadow_refuse(target,
						     "the query asks for the number of a row, "
						     "which only the table itself has",
						     e);
		}
	return 0;
}

/* Does the driver accept it? */
static bool is_accepted(struct db *db, const char *sql, struct err *why)
{
	size_t n;

	return db->driver->prepare(db, sql, &n, why) == 0;
}

/* A statement with a shadow failed: would it with any? Then why says how. */
static bool fails_always(struct db *db, struct shadow_text *t, struct err *why)
{
	struct shadow_text whole = *t;

	if (db->is_broken || !is_accepted(db, t->sql, NULL))
		return false;
	whole.targets = arena_array(t->tokens->arena, t->n_targets, sizeof(*whole.targets));
	memcpy(whole.targets, t->targets, t->n_targets * sizeof(*whole.targets));
	for (size_t i = 0; i < t->n_targets; i++)
		whole.targets[i].body = itself(t->engine, t->tokens->arena, &t->targets[i]);
	return shadow_put(&whole, why) != 0 || !is_accepted(db, whole.shadowed, why);
}

static const struct shadow_target *first_used(const struct shadow_text *t)
{
	size_t i = 0;

	while (i + 1 < t->n_targets && !t->targets[i].is_used)
		i++;
	return &t->targets[i];
}

static const char *reason_of(const struct err *why)
{
	static const char words[] = "could not run the query: ";

	return why->message + (str_starts(why->message, words) ? strlen(words) : 0);
}

static int ask_shadowed(struct db *db, const struct db_question *q, struct shadow_text *t,
			struct err *e)
{
	int rc = ask(db, q, t->shadowed, e);
	struct err why = {0};
	enum db_absence absence = db->absence;
	char missing[sizeof(db->missing)];

	if (rc == 0 || clock_monotonic_ms(db->view->all->clock) >= q->deadline_ms)
		return rc;
	memcpy(missing, db->missing, sizeof(missing));
	/* What has parameters cannot be prepared alone: then nobody knows. */
	if (q->n_params > 0) {
		(void)fail_unshadowed(db);
	} else if (fails_always(db, t, &why)) {
		(void)fail_unshadowed(db);
		absence = DB_ABSENT_NOTHING;
		(void)shadow_refuse(first_used(t), reason_of(&why), e);
	}
	db->absence = absence;
	memcpy(db->missing, missing, sizeof(missing));
	return rc;
}

/* -1: a shadow could not be put. */
static int put(struct db *db, const struct db_question *q, struct shadow_text *t, struct err *e)
{
	struct db_view *v = db->view;
	size_t size = v->n * sizeof(*t->targets);
	int rc;

	must(pthread_mutex_lock(&v->lock));
	rc = learn(db, q->deadline_ms, e);
	t->targets = arena_alloc(t->tokens->arena, size);
	memcpy(t->targets, v->targets, size);
	must(pthread_mutex_unlock(&v->lock));
	t->n_targets = v->n;
	t->is_exact = v->is_exact;
	if (rc != 0 || shadow_put(t, e) != 0)
		return fail_unshadowed(db);
	return t->shadowed && check_rowids(db, q, t, e) != 0 ? fail_unshadowed(db) : 0;
}

/* A session that is held and broken has lost its snapshot: whatever failed is not the damage. */
static int judge_hold(const struct db *db, int rc)
{
	return rc != 0 && db->is_broken && db->view->held == db ? fail_unshadowed(db) : rc;
}

int db_view_ask(struct db *db, const struct db_question *q, struct err *e)
{
	const struct db_views *all = db->view->all;
	struct db_tokens tokens = {0};
	struct shadow_text t = {
		.engine = db->driver->engine,
		.sql = q->sql,
		.tokens = &tokens,
	};
	struct db_question timed = *q;
	int rc;

	if (all->listener)
		all->listener(all->listener_ctx, db->view->source, q->sql);
	if (db->view->n == 0)
		return judge_hold(db, ask(db, q, q->sql, e));
	if (q->n_columns)
		timed.deadline_ms = clock_monotonic_ms(all->clock) + PREPARE_MAX_MS;
	tokens.arena = arena_new();
	/* What cannot be read is refused by the driver, too, and in its own words. */
	if (db->driver->tokens(&tokens, q->sql, q->n_params, NULL) != 0)
		rc = ask(db, q, q->sql, e);
	else if (put(db, &timed, &t, e) != 0)
		rc = -1;
	else if (t.shadowed)
		rc = ask_shadowed(db, &timed, &t, e);
	else
		rc = ask(db, q, q->sql, e);
	arena_free(tokens.arena);
	return judge_hold(db, rc);
}
