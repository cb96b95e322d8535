/*
 * arsenal_schema: attacks schema checks on the catalog they read, which a lens damages in memory.
 *
 * The catalog is read once for the survey: each fact of each place is damaged in a copy, and
 * whether the check has to notice that is decided there, by what its definition says and what its
 * snapshot would say otherwise. A strike then lets the check read the real catalog through a lens
 * (db_lens.h) that does the same damage at the same place.
 */
#include "audits/arsenal/schema.h"
#include "audits/kind_rows.h"

#include <string.h>

#include "audits/database.h"
#include "audits/schema_compare.h"
#include "audits/schema_snapshot.h"
#include "audits/schema_wanted.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/db_lens.h"
#include "runner/model/challenge.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

/* Places of one operator that are tried, spread over all there are. */
#define MOST_PLACES 32

#define CONTROL(op_, name_, help_) [op_] = {.name = (name_), .help = (help_), .is_control = true}
#define ATTACK(op_, name_, help_)  [op_] = {.name = (name_), .help = (help_)}

static const struct attack_row rows[OP_N + 1] = {
	[OP_IDENTITY] = {.name = "identity",
			 .help = "the catalog as it is, seen as attacks show it",
			 .is_control = true,
			 .is_proof = true},
	CONTROL(OP_TABLE_UNRELATED, "table-unrelated", "there is a table that nobody speaks of"),
	CONTROL(OP_COLUMN_UNRELATED, "column-unrelated",
		"a table has a nullable column that nobody speaks of"),
	CONTROL(OP_COLUMNS_REORDERED, "columns-reordered", "columns stand in another order"),
	ATTACK(OP_TABLE_DROPPED, "table-dropped", "a table is gone"),
	ATTACK(OP_TABLE_CHANGED, "table-changed",
	       "storage, character set, parent, partitioning or options of a table are others"),
	ATTACK(OP_ROW_SECURITY_LOST, "row-security-lost", "row-level security is off"),
	ATTACK(OP_COMMENT_LOST, "comment-lost", "a comment is gone"),
	ATTACK(OP_COLUMN_DROPPED, "column-dropped", "a column is gone"),
	ATTACK(OP_COLUMN_RENAMED, "column-renamed", "a column has another name"),
	ATTACK(OP_COLUMN_CHANGED, "column-changed",
	       "collation, options or ON CONFLICT of a column are gone"),
	ATTACK(OP_TYPE_CHANGED, "type-changed", "a column is of another sort of type"),
	ATTACK(OP_TYPE_NARROWED, "type-narrowed", "a column's type holds less"),
	ATTACK(OP_NULL_ALLOWED, "null-allowed", "NOT NULL is gone"),
	ATTACK(OP_NULL_FORBIDDEN, "null-forbidden", "a column refuses NULL that took it"),
	ATTACK(OP_DEFAULT_LOST, "default-lost", "a default is gone"),
	ATTACK(OP_DEFAULT_CHANGED, "default-changed", "a default is another one"),
	ATTACK(OP_DEFAULT_GAINED, "default-gained", "a column has a default that had none"),
	ATTACK(OP_GENERATED_LOST, "generated-lost",
	       "a computed column or an identity is a plain column"),
	ATTACK(OP_GENERATED_CHANGED, "generated-changed",
	       "a column is computed or counted otherwise"),
	ATTACK(OP_PRIMARY_KEY_LOST, "primary-key-lost", "a primary key is gone"),
	ATTACK(OP_PRIMARY_KEY_REORDERED, "primary-key-reordered",
	       "the columns of a primary key are reversed"),
	ATTACK(OP_UNIQUE_LOST, "unique-lost", "nothing keeps a set of columns unique any more"),
	ATTACK(OP_CHECK_LOST, "check-lost", "a CHECK constraint is gone"),
	ATTACK(OP_EXCLUSION_LOST, "exclusion-lost", "an exclusion constraint is gone"),
	ATTACK(OP_CONSTRAINT_CHANGED, "constraint-changed",
	       "condition, name, columns, validity or deferral of a constraint are others"),
	ATTACK(OP_FOREIGN_KEY_LOST, "foreign-key-lost", "a foreign key is gone"),
	ATTACK(OP_FOREIGN_KEY_CHANGED, "foreign-key-changed",
	       "a foreign key refers elsewhere, acts otherwise, or guards nothing"),
	ATTACK(OP_INDEX_LOST, "index-lost", "an index is gone"),
	ATTACK(OP_INDEX_INVALID, "index-invalid", "an index serves no query (servers)"),
	ATTACK(OP_INDEX_CHANGED, "index-changed",
	       "columns, order, condition, method or name of an index are others"),
	ATTACK(OP_TRIGGER_LOST, "trigger-lost", "a trigger is gone"),
	ATTACK(OP_TRIGGER_DISABLED, "trigger-disabled", "a trigger does not fire (PostgreSQL)"),
	ATTACK(OP_TRIGGER_CHANGED, "trigger-changed", "a trigger does something else"),
	ATTACK(OP_RULE_LOST, "rule-lost", "a rule, policy or statistics object is gone"),
	ATTACK(OP_RULE_CHANGED, "rule-changed", "a rule, policy or statistics object is another"),
	ATTACK(OP_PARTITION_LOST, "partition-lost", "a partition is gone"),
	ATTACK(OP_PARTITION_CHANGED, "partition-changed", "a partition has other bounds"),
	ATTACK(OP_VIEW_DROPPED, "view-dropped", "a view is gone"),
	ATTACK(OP_VIEW_BROKEN, "view-broken", "a view does not resolve any more"),
	ATTACK(OP_VIEW_CHANGED, "view-changed", "a view asks something else, or keeps no rows"),
	ATTACK(OP_SEQUENCE_LOST, "sequence-lost", "a sequence is gone"),
	ATTACK(OP_SEQUENCE_CHANGED, "sequence-changed", "a sequence counts otherwise"),
	ATTACK(OP_EXTENSION_LOST, "extension-lost", "an extension is gone (PostgreSQL)"),
	ATTACK(OP_EXTENSION_CHANGED, "extension-changed", "an extension is of another version"),
	ATTACK(OP_TYPE_LOST, "type-lost", "an enum, domain or composite type is gone"),
	ATTACK(OP_VALUE_LOST, "value-lost", "an enum lacks its last value"),
	ATTACK(OP_VALUES_REORDERED, "values-reordered", "the values of an enum are reversed"),
	ATTACK(OP_TYPE_REDEFINED, "type-redefined", "a domain or composite type is another"),
	ATTACK(OP_TABLE_RETURNED, "table-returned", "a table is there that has to be absent"),
	ATTACK(OP_UNLISTED_ADDED, "unlisted-added",
	       "a table, column, index and so on is there that exact or a snapshot forbids"),
	[OP_N] = {.name = NULL},
};

/* An attack's state. */
struct harm {
	const struct schema_fact *fact; /* NULL = none: the way of damaging alone */
	const char *table;		/* NULL = it is in none */
	const char *what, *words;
	size_t i;
};

/* ---- the lens ---- */

struct look {
	const struct harm *harm;
	const struct schema_spec *spec;
	bool is_done;
};

static struct db_table *find_table(struct db_catalog *c, const char *name)
{
	for (size_t i = 0; name && i < c->n_tables; i++)
		if (strcmp(c->tables[i].name, name) == 0)
			return &c->tables[i];
	return NULL;
}

static void look(void *ctx, struct arena *a, struct db_catalog *c)
{
	struct look *l = ctx;
	const struct harm *h = l->harm;

	if (!h || !h->fact) {
		l->is_done = true;
		return;
	}
	struct schema_spot s = {
		.arena = a,
		.catalog = c,
		.table = find_table(c, h->table),
		.spec = l->spec,
		.part = h->fact->part,
		.i = h->i,
	};

	if ((h->table && !s.table) || !schema_spot_fill(&s) ||
	    strcmp(schema_spot_what(&s), h->what) != 0)
		return;
	l->is_done = h->fact->damage(h->fact, &s);
}

static int strike(struct challenge *c, const struct attack *a, double dose, struct probe *p,
		  struct err *e)
{
	struct look l = {.harm = a ? a->state : NULL, .spec = c->check->spec};
	int rc;

	(void)dose;
	db_pool_lens(c->world->dbs, c->check->target->name, look, &l);
	rc = c->check->kind->probe(p, e);
	db_pool_lens(c->world->dbs, c->check->target->name, NULL, NULL);
	if (l.is_done || rc != 0)
		return rc;
	(void)err_set(e, ERR_MEASURE, "the catalog was changed by others meanwhile");
	return 1;
}

static const char *words(const struct challenge *c, const struct attack *a, double dose)
{
	(void)c;
	(void)dose;
	return ((const struct harm *)a->state)->words;
}

/* ---- the survey ---- */

/* Places of one fact in one table that nobody claims: one attack stands for all of them. */
struct unclaimed {
	size_t attack, n; /* n 0 = none yet */
	const struct schema_fact *fact;
	const char *table;
};

struct survey {
	struct challenge *challenge;
	const struct schema_spec *spec;
	struct db_catalog catalog;
	int64_t version; /* of the snapshot; 0 = there is none */
	struct arena *scratch;
	struct unclaimed unclaimed;
	size_t n_of[OP_N];
};

static int read_catalog(struct challenge *c, struct db_catalog *out, struct err *e)
{
	struct probe p = {
		.world = c->world,
		.arena = c->arena,
		.checks = &c->check,
		.n_checks = 1,
		.deadline_ms = clock_monotonic_ms(c->world->clock) + c->check->timeout_ms,
	};
	struct db_wanted wanted = schema_wanted(&p);
	struct db *db;
	int rc;

	if (database_acquire(&p, &db, e) != 0)
		return -1;
	rc = db_catalog(db, c->arena, &wanted, p.deadline_ms, out, e);
	database_release(&p, db);
	return rc;
}

/* Is the table one of those that a snapshot writes? */
static bool is_in_path(const struct db_table *t)
{
	size_t n = t->schema ? strlen(t->schema) : 0;

	return n == 0 || strncmp(t->name, t->schema, n) != 0 || t->name[n] != '.';
}

/* What a snapshot of the version says of the one table, and of all that is in none. */
static const char *written(struct survey *v, const struct db_catalog *c, const char *table)
{
	struct db_catalog some = *c;
	struct buf b;
	const char *text;

	some.tables = arena_array(v->scratch, c->n_tables, sizeof(*some.tables));
	some.n_tables = 0;
	for (size_t i = 0; i < c->n_tables; i++)
		if (strcmp(c->tables[i].name, table ? table : SCHEMA_ADDED_NAME) == 0)
			some.tables[some.n_tables++] = c->tables[i];
	some = schema_snapshot_reduce(v->scratch, &some, v->version);
	buf_init(&b, BUF_UNBOUNDED); /* the catalog is bounded */
	schema_snapshot_write(&b, &some);
	text = arena_strndup(v->scratch, b.data, b.len);
	buf_release(&b);
	return text;
}

/* A view that is broken cannot be written: that it is, is a fact by itself. */
static bool snapshot_says(struct survey *v, const struct schema_fact *f,
			  const struct schema_spot *s, const struct db_catalog *damaged)
{
	const char *table = s->table ? s->table->name : NULL;

	if (v->version == 0 || f->part == PART_ABSENT || (s->table && !is_in_path(s->table)))
		return false;
	return strcmp(written(v, &v->catalog, table), written(v, damaged, table)) != 0;
}

/* Calls says() for everything the definition says of the place's table, or once. */
static bool definition_says(struct survey *v, schema_says_fn *says, const struct schema_spot *s)
{
	const struct schema_spec *spec = v->spec;
	struct schema_said k = {v->scratch, spec, &v->catalog, NULL, NULL};

	if (!says)
		return false;
	if (!s->table || s->part == PART_VIEW)
		return says(&k, s);
	k.table = &spec->table;
	k.name = spec->table.name;
	if (k.name && schema_find_table(&v->catalog, k.name) == s->table && says(&k, s))
		return true;
	for (size_t i = 0; i < spec->tables.n; i++) {
		k.table = spec->tables.items[i].value;
		k.name = spec->tables.items[i].name;
		if (!s->table->is_view && schema_matches(&v->catalog, s->table, k.name) &&
		    says(&k, s))
			return true;
	}
	return false;
}

static bool says_anything(const struct schema_said *k, const struct schema_spot *s)
{
	(void)k;
	(void)s;
	return true;
}

/* Does the check speak of the table at all? */
static bool is_spoken_of(struct survey *v, const struct schema_spot *s)
{
	const struct schema_spec *spec = v->spec;
	struct schema_said k = {v->scratch, spec, &v->catalog, NULL, NULL};

	if (!s->table || (v->version > 0 && is_in_path(s->table)))
		return true;
	if (s->table->is_view && schema_says_view(&k, s))
		return true;
	return s->part != PART_VIEW && definition_says(v, says_anything, s);
}

/* Whether something harmless would be forbidden by what else the check says. */
static bool is_harmless(struct survey *v, const struct schema_fact *f, const struct schema_spot *s)
{
	const struct schema_spec *spec = v->spec;

	if (f->op == OP_COLUMNS_REORDERED)
		return true;
	if (v->version > 0)
		return false;
	if (f->op == OP_COLUMN_UNRELATED)
		return !definition_says(v, schema_forbids_columns, s);
	for (size_t i = 0; i < spec->absent.n + spec->tables.n; i++) {
		const char *pattern = i < spec->absent.n
					      ? spec->absent.items[i]
					      : spec->tables.items[i - spec->absent.n].name;
		struct db_table t = {.name = SCHEMA_ADDED_NAME};

		if (schema_is_glob(pattern) && schema_matches(&v->catalog, &t, pattern))
			return false;
	}
	return !definition_says(v, schema_forbids_tables, s);
}

static const char *sentence(struct arena *a, const struct schema_fact *f,
			    const struct schema_spot *s, const char *what)
{
	if (s->words)
		return arena_strdup(a, s->words);
	if (!s->was)
		return arena_printf(a, "%s is gone", what);
	return arena_printf(a, "%s: %s is %s instead of %s", what, f->label, s->is, s->was);
}

static struct attack *add(struct survey *v, const struct schema_fact *f,
			  const struct schema_spot *at, const struct schema_spot *damaged)
{
	struct arena *a = v->challenge->arena;
	struct harm *h = arena_alloc(a, sizeof(*h));
	struct attack *attack = challenge_add(v->challenge, &rows[f->op],
					      arena_strdup(a, schema_spot_object(at, f)));

	*h = (struct harm){
		.fact = f,
		.table = at->table ? arena_strdup(a, at->table->name) : NULL,
		.what = arena_strdup(a, schema_spot_what(at)),
		.i = at->i,
	};
	h->words = sentence(a, f, damaged, h->what);
	attack->state = h;
	v->n_of[f->op]++;
	return attack;
}

/* What would only be more than before is no gap in what the check says. */
static bool is_gain(enum schema_operator op, const struct schema_spot *damaged)
{
	return op == OP_NULL_FORBIDDEN || op == OP_UNLISTED_ADDED ||
	       (damaged->was &&
		(strcmp(damaged->was, "none") == 0 || strcmp(damaged->was, "no") == 0));
}

static void add_unclaimed(struct survey *v, const struct schema_fact *f,
			  const struct schema_spot *at, const struct schema_spot *damaged)
{
	struct unclaimed *u = &v->unclaimed;
	struct challenge *c = v->challenge;
	struct attack *a;

	if (is_gain(f->op, damaged) || damaged->guard || (!at->table && v->version == 0))
		return;
	if (u->n > 0 && u->fact == f && u->table == (at->table ? at->table->name : NULL)) {
		u->n++;
		c->attacks[u->attack].reason =
			arena_printf(c->arena,
				     "the check says nothing of it, nor of %zu more like "
				     "it there",
				     u->n - 1);
		return;
	}
	a = add(v, f, at, damaged);
	a->settled = ATTACK_OUT_OF_REACH;
	a->reason = v->version > 0 ? "the check's snapshot cannot say it"
				   : "the check says nothing of it";
	*u = (struct unclaimed){
		.attack = c->n_attacks - 1,
		.n = 1,
		.fact = f,
		.table = at->table ? at->table->name : NULL,
	};
}

static void weigh(struct survey *v, const struct schema_fact *f, struct schema_spot *at,
		  const struct schema_spot *damaged)
{
	struct attack *a;

	if (rows[f->op].is_control) {
		if (v->n_of[f->op] == 0 && is_harmless(v, f, at))
			(void)add(v, f, at, damaged); /* to be tried as it is */
		return;
	}
	at->was = damaged->was;
	at->is = damaged->is;
	if (!snapshot_says(v, f, at, damaged->catalog) && !definition_says(v, f->says, at)) {
		add_unclaimed(v, f, at, damaged);
		return;
	}
	a = add(v, f, at, damaged);
	if (damaged->guard || damaged->unseen) {
		a->settled = damaged->guard ? ATTACK_GUARDED : ATTACK_OUT_OF_REACH;
		a->reason = damaged->guard ? damaged->guard : damaged->unseen;
	}
}

static void try_spot(struct survey *v, const struct schema_fact *f, struct db_table *t, size_t i)
{
	struct db_catalog copy;
	struct schema_spot at, damaged;

	v->scratch = arena_new();
	at = (struct schema_spot){
		.arena = v->scratch,
		.catalog = &v->catalog,
		.table = t,
		.spec = v->spec,
		.part = f->part,
		.i = i,
	};
	if (schema_spot_fill(&at) && is_spoken_of(v, &at)) {
		copy = schema_copy(v->scratch, &v->catalog, t ? t->name : NULL);
		damaged = at;
		damaged.catalog = &copy;
		damaged.table = find_table(&copy, t ? t->name : NULL);
		if (schema_spot_fill(&damaged) && f->damage(f, &damaged))
			weigh(v, f, &at, &damaged);
	}
	arena_free(v->scratch);
}

static bool is_in_table(enum schema_part part)
{
	return part >= PART_TABLE && part < PART_SEQUENCE;
}

static void try_fact(struct survey *v, const struct schema_fact *f)
{
	struct db_catalog *c = &v->catalog;

	if (f->engines != 0 && !(f->engines & (1u << c->engine)))
		return;
	for (size_t i = 0;
	     !is_in_table(f->part) && i < schema_part_count(c, NULL, v->spec, f->part); i++)
		try_spot(v, f, NULL, i);
	for (size_t t = 0; is_in_table(f->part) && t < c->n_tables; t++)
		for (size_t i = 0; !c->tables[t].error &&
				   i < schema_part_count(c, &c->tables[t], v->spec, f->part);
		     i++)
			try_spot(v, f, &c->tables[t], i);
}

/* ---- no more than can be borne ---- */

/* The places of an operator that has too many are spread over all it has; the rest is told. */
static void thin(struct challenge *c, const struct attack_row *row)
{
	size_t n = 0, seen = 0, kept = 0, total = c->n_attacks;
	struct harm *h;
	struct attack *rest;

	for (size_t i = 0; i < total; i++)
		n += c->attacks[i].row == row && !c->attacks[i].reason;
	if (n <= MOST_PLACES)
		return;
	c->n_attacks = 0;
	for (size_t i = 0; i < total; i++) {
		struct attack a = c->attacks[i];
		bool is_one = a.row == row && !a.reason;

		if (is_one && seen++ * MOST_PLACES / n < kept)
			continue;
		kept += is_one;
		c->attacks[c->n_attacks++] = a;
	}
	h = arena_alloc(c->arena, sizeof(*h));
	h->words = arena_printf(c->arena, "the same at %zu more places", n - kept);
	rest = challenge_add(c, row, arena_printf(c->arena, "%zu more", n - kept));
	rest->state = h;
	rest->settled = ATTACK_INCONCLUSIVE;
	rest->reason =
		arena_printf(c->arena, "%zu of %zu places were tried, spread over all", kept, n);
}

static int survey(struct challenge *c, struct err *e)
{
	static const struct harm nothing = {.words = "the catalog is seen as it is"};
	struct survey v = {.challenge = c, .spec = c->check->spec};
	struct schema_snapshot snapshot;

	challenge_add(c, &rows[OP_IDENTITY], "")->state = &nothing;
	if (read_catalog(c, &v.catalog, e) != 0)
		return -1;
	if (v.spec->snapshot) {
		if (schema_snapshot_read(c->arena, v.spec->snapshot, &snapshot, e) != 0)
			return -1;
		v.version = snapshot.version;
	}
	for (const struct schema_fact *f = schema_facts; f->damage; f++)
		try_fact(&v, f);
	for (size_t i = 0; i < OP_N; i++)
		thin(c, &rows[i]);
	return 0;
}

const struct arsenal arsenal_schema = {
	.rows = rows,
	.survey = survey,
	.strike = strike,
	.words = words,
};
