/*
 * arsenal_database: a challenge of one check on tables, from its first statement to its last.
 *
 * The pool holds one snapshot of each source, so that a row written meanwhile is not taken for what
 * a damage did. The statements are those of the kind itself: what they ask of the world as it is
 * says which tables and columns there are to damage.
 */
#include "audits/arsenal/database.h"

#include <stdlib.h>
#include <string.h>

#include "audits/database.h"
#include "audits/scan.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/db_shadow.h"
#include "runner/model/kind.h"

/* pthread calls on a lock of one's own fail only when misused. */
static void must(int rc)
{
	if (rc != 0)
		abort();
}

const char *siege_keep(const struct siege *s, struct buf *b)
{
	const char *text = arena_strndup(s->challenge->arena, b->data, b->len);

	buf_release(b);
	return text;
}

bool siege_is_interrupted(const struct siege *s)
{
	return atomic_load(&s->challenge->world->is_interrupted);
}

int64_t siege_deadline_ms(const struct siege *s)
{
	return clock_monotonic_ms(s->challenge->world->clock) + s->challenge->check->timeout_ms;
}

int siege_acquire(const struct siege *s, const struct seen_source *of, struct db **out,
		  struct err *e)
{
	return db_acquire(s->challenge->world->dbs, &of->source, siege_deadline_ms(s), out, e);
}

void siege_release(const struct siege *s, struct db *db)
{
	db_release(s->challenge->world->dbs, db);
}

struct answer {
	struct arena *arena;
	struct db_value *out;
};

static int take_answer(void *ctx, const struct db_row *row, struct err *e)
{
	struct answer *answer = ctx;

	(void)e;
	*answer->out = row->values[0];
	if (answer->out->text != NULL)
		answer->out->text =
			arena_strndup(answer->arena, answer->out->text, answer->out->len);
	return 1;
}

int siege_ask(const struct siege *s, const struct seen_source *of, const char *sql,
	      struct db_value *out, struct err *e)
{
	struct answer answer = {s->challenge->arena, out};
	struct db *db;
	int rc;

	*out = (struct db_value){.type = DB_NULL};
	if (siege_acquire(s, of, &db, e) != 0)
		return -1;
	rc = db_query(db, sql, NULL, 0, siege_deadline_ms(s), take_answer, &answer, e);
	siege_release(s, db);
	return rc;
}

int siege_count(const struct siege *s, const struct seen_source *of, const char *sql, int64_t *out,
		struct err *e)
{
	struct db_value v;

	if (siege_ask(s, of, sql, &v, e) != 0)
		return -1;
	*out = v.type == DB_INT ? v.integer : v.type == DB_REAL ? (int64_t)v.real : 0;
	return 0;
}

/* Where in the check's spec a key's value is; NULL = there is no such key of the type. */
static const void *at_key(const struct check *c, const char *group, const char *key,
			  enum key_type type)
{
	const struct key_row *row = keys_row(c->kind->keys, group != NULL ? group : key);
	const char *base = c->spec;

	if (row != NULL && group != NULL) {
		base += row->offset;
		row = row->type == KEY_GROUP ? keys_row(row->sub, key) : NULL;
	}
	return row != NULL && row->type == type ? base + row->offset : NULL;
}

const char *siege_text(const struct check *c, const char *group, const char *key)
{
	const char *const *text = at_key(c, group, key, KEY_TEXT);

	return text != NULL ? *text : NULL;
}

const struct texts *siege_texts(const struct check *c, const char *group, const char *key)
{
	static const struct texts none;
	const struct texts *texts = at_key(c, group, key, KEY_TEXTS);

	return texts != NULL ? texts : &none;
}

const struct groups *siege_groups(const struct check *c, const char *key)
{
	static const struct groups none;
	const struct groups *groups = at_key(c, NULL, key, KEY_GROUPS);

	return groups != NULL ? groups : &none;
}

const char *siege_choice(const struct check *c, const char *key)
{
	const int *choice = at_key(c, NULL, key, KEY_ENUM);

	return choice != NULL ? keys_row(c->kind->keys, key)->choices[*choice] : NULL;
}

/* ---- what the check asks ---- */

static const struct seen_source *find_source(const struct siege *s, const char *name)
{
	for (size_t i = 0; i < s->n_sources; i++)
		if (strcmp(s->sources[i].source.name, name) == 0)
			return &s->sources[i];
	return NULL;
}

static bool is_known(const struct hearing *h, const struct seen_source *of, const char *sql)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->items[i].of == of && strcmp(h->items[i].sql, sql) == 0)
			return true;
	return false;
}

static void keep_heard(struct arena *a, struct hearing *h, const struct heard *new)
{
	if (h->n == h->cap) {
		size_t cap = h->cap == 0 ? 8 : h->cap * 2;
		struct heard *grown = arena_array(a, cap, sizeof(*grown));

		if (h->n > 0)
			memcpy(grown, h->items, h->n * sizeof(*grown));
		h->items = grown;
		h->cap = cap;
	}
	h->items[h->n++] = *new;
}

static void listen(void *ctx, const char *source, const char *sql)
{
	struct siege *s = ctx;
	struct arena *a = s->challenge->arena;
	struct heard new = {.of = find_source(s, source)};

	must(pthread_mutex_lock(&s->lock));
	if (new.of != NULL && !is_known(s->present, new.of, sql)) {
		new.sql = arena_strdup(a, sql);
		keep_heard(a, s->present, &new);
	}
	must(pthread_mutex_unlock(&s->lock));
}

static void add_source(struct siege *s, const struct target *t)
{
	struct seen_source *of = &s->sources[s->n_sources++];

	of->source = database_source(t);
	of->label = "";
	db_pool_hold(s->challenge->world->dbs, of->source.name, true);
}

/*
 * The check, of all rows where it is of a sample: a shadow has no pages and no numbers of rows to
 * choose by, and what such a check expects holds for all rows as well.
 */
static const struct check *of_all_rows(const struct challenge *c)
{
	struct scan_spec *spec;
	struct check *copy;

	if (siege_text(c->check, NULL, "sample") == NULL)
		return c->check;
	copy = arena_alloc(c->arena, sizeof(*copy));
	*copy = *c->check;
	spec = copy->spec = arena_alloc(c->arena, copy->kind->spec_size);
	memcpy(spec, c->check->spec, copy->kind->spec_size);
	spec->sample = NULL; /* kinds that take one begin with it: see scan.h */
	return copy;
}

int siege_open(struct challenge *c, struct err *e)
{
	struct siege *s;

	if (c->check->target->type == TARGET_ODBC ||
	    (c->check->other_target != NULL && c->check->other_target->type == TARGET_ODBC)) {
		(void)err_set(
			e, ERR_MEASURE,
			"nobody knows how the database behind ODBC reads a damaged table, nor "
			"whether it can be held to one state meanwhile");
		return err_help(e, "where it can be, ask it as postgres, mysql or sqlite");
	}
	s = arena_alloc(c->arena, sizeof(*s));
	*s = (struct siege){.challenge = c, .check = of_all_rows(c)};
	must(pthread_mutex_init(&s->lock, NULL));
	c->state = s;
	add_source(s, c->check->target);
	if (c->check->other_target != NULL && c->check->other_target != c->check->target) {
		add_source(s, c->check->other_target);
		for (size_t i = 0; i < s->n_sources; i++)
			s->sources[i].label =
				arena_printf(c->arena, "%s: ", s->sources[i].source.name);
	}
	return 0;
}

void siege_close(struct challenge *c)
{
	struct siege *s = c->state;

	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_sources; i++)
		db_pool_hold(c->world->dbs, s->sources[i].source.name, false);
	must(pthread_mutex_destroy(&s->lock));
}

int siege_lead(struct challenge *c, struct err *e)
{
	struct siege *s = c->state;

	return siege_look(s, e) == 0 ? siege_survey(s, e) : -1;
}

/* ---- strikes ---- */

/* The check's own measurements, and what it asks for them. */
static int probe_and_listen(struct siege *s, struct probe *p, struct hearing *heard, struct err *e)
{
	struct db_pool *pool = s->challenge->world->dbs;
	int rc;

	s->present = heard;
	p->checks = &s->check;
	db_pool_listen(pool, listen, s);
	rc = s->check->kind->probe(p, e);
	db_pool_listen(pool, NULL, NULL);
	return rc;
}

/* The check as it is. Its attempt outlives the challenge. */
static int take_baseline(struct siege *s, struct probe *p, struct err *e)
{
	int rc = probe_and_listen(s, p, &s->heard, e);

	s->baseline = p->emitted;
	s->n_baseline = p->n_emitted;
	return rc;
}

int siege_shadows(const struct siege *s, const struct seen_source *of, const struct damage *d,
		  double dose, struct siege_shadows *out, struct err *e)
{
	out->items = arena_array(s->challenge->arena, s->n_tables, sizeof(*out->items));
	out->n = 0;
	for (size_t i = 0; i < s->n_tables; i++) {
		const struct seen_table *t = s->tables[i];
		struct db_shadow *shadow = &out->items[out->n];

		if (t->of != of || (d->table != NULL && d->table != t))
			continue;
		*shadow = (struct db_shadow){.schema = t->schema, .table = t->name};
		if (siege_body(s, d, t, dose, &shadow->body, e) != 0)
			return -1;
		out->n++;
	}
	return 0;
}

/*
 * Did the check fail because the damaged rows cannot be read at all (a sum out of range)? That
 * would be our fault, not its merit. Every value of the damaged column is asked for.
 */
static bool is_unreadable(const struct siege *s, const struct damage *d, double dose, struct err *e)
{
	struct db_value ignored;
	const char *body, *sql;

	if (d->table == NULL)
		return false;
	if (siege_body(s, d, d->table, dose, &body, e) != 0)
		return true;
	sql = arena_printf(
		s->challenge->arena, "SELECT count(%s) FROM (%s\n) q",
		d->column == NO_COLUMN || d->op == DAMAGE_DROPPED ? "*" : siege_column(s, d), body);
	return siege_ask(s, d->table->of, sql, &ignored, e) != 0;
}

static const struct siege_shadows *
shadows_of(const struct siege *s, const struct siege_shadows *shadows, const struct seen_source *of)
{
	return &shadows[of - s->sources];
}

/* Is the state lost that the world as it is was seen in? */
static bool is_lost(const struct siege *s, struct err *why)
{
	struct db_value ignored;

	for (size_t i = 0; i < s->n_tables; i++)
		if (siege_ask(s, s->tables[i]->of,
			      arena_printf(s->challenge->arena, "SELECT 1 FROM %s LIMIT 1",
					   s->tables[i]->quoted),
			      &ignored, why) != 0)
			return true;
	return false;
}

/*
 * Did a statement fail because it cannot see a shadow, of those that the check needs? Those that it
 * asks of the undamaged shadows in vain as well, and comes to an answer all the same, do not count
 * (how large is the rowid?).
 */
static bool is_blinded(struct siege *s, const struct hearing *heard,
		       const struct siege_shadows *shadows, struct err *why)
{
	struct db_pool *pool = s->challenge->world->dbs;
	bool is_any = is_lost(s, why);

	for (size_t i = 0; i < heard->n && !is_any; i++) {
		const struct heard *h = &heard->items[i];
		const struct siege_shadows *of = shadows_of(s, shadows, h->of);
		size_t ignored;
		struct db *db;

		if (siege_is_spared(s, h))
			continue;
		if (siege_acquire(s, h->of, &db, why) != 0)
			return true;
		db_pool_shadow(pool, h->of->source.name, of->items, of->n);
		is_any = db_prepare(db, h->sql, &ignored, why) != 0 && db_is_unshadowed(pool);
		db_pool_shadow(pool, h->of->source.name, NULL, 0);
		siege_release(s, db);
	}
	return is_any;
}

int siege_strike(struct siege *s, const struct damage *d, double dose, struct probe *p,
		 struct err *e)
{
	struct db_pool *pool = s->challenge->world->dbs;
	struct hearing heard = {.n = 0};
	struct siege_shadows shadows[2];
	struct err why = {0};
	bool is_unshadowed;
	int rc;

	for (size_t i = 0; i < s->n_sources; i++)
		if (siege_shadows(s, &s->sources[i], d, dose, &shadows[i], e) != 0)
			return 1;
	for (size_t i = 0; i < s->n_sources; i++)
		db_pool_shadow(pool, s->sources[i].source.name, shadows[i].items, shadows[i].n);
	rc = probe_and_listen(s, p, &heard, e);
	is_unshadowed = db_is_unshadowed(pool);
	for (size_t i = 0; i < s->n_sources; i++)
		db_pool_shadow(pool, s->sources[i].source.name, NULL, 0);
	/* Also where the check came to an end: what it could not ask may be a value it lacks. */
	if ((is_unshadowed && is_blinded(s, &heard, shadows, &why)) ||
	    (rc != 0 && is_unreadable(s, d, dose, &why))) {
		*e = why;
		return 1;
	}
	return rc;
}

bool siege_moves(struct siege *s, const struct damage *d, double dose)
{
	struct probe p = {
		.world = s->challenge->world,
		.arena = arena_new(),
		.checks = &s->check,
		.n_checks = 1,
		.deadline_ms = siege_deadline_ms(s),
	};
	struct err e = {0};
	int rc = siege_strike(s, d, dose, &p, &e);
	bool is_moved = rc < 0 || (rc == 0 && p.n_emitted != s->n_baseline);

	for (size_t i = 0; rc == 0 && !is_moved && i < p.n_emitted; i++)
		is_moved = !value_is_same(&p.emitted[i].measurement.value,
					  &s->baseline[i].measurement.value);
	arena_free(p.arena);
	return is_moved;
}

int siege_attack(struct challenge *c, const struct attack *a, double dose, struct probe *p,
		 struct err *e)
{
	return a == NULL ? take_baseline(c->state, p, e)
			 : siege_strike(c->state, a->state, dose, p, e);
}
