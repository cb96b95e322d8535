/*
 * arsenal_migrations: attacks migrations checks on both of the sides that they compare.
 *
 * What a framework keeps nothing to tell by is out of reach, and what the check allows is out of
 * its claim; both are read off the table of frameworks and the definition before anything is tried.
 */
#include "audits/arsenal/migrations.h"
#include "audits/kind_rows.h"

#include <string.h>
#include <strings.h>

#include "audits/database.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/db_lens.h"
#include "runner/io/db_shadow.h"
#include "runner/model/definition.h"

#define ATTACK(op_, name_, help_) [op_] = {.name = (name_), .help = (help_)}

const struct attack_row books_rows[] = {
	[BOOKS_IDENTITY] = {.name = "identity",
			    .help = "a copy of the files, and the table seen as it is",
			    .is_control = true,
			    .is_proof = true},
	[BOOKS_ROWS_REORDERED] = {.name = "rows-reordered",
				  .help = "rows of the table stand in another order",
				  .is_control = true},
	ATTACK(BOOKS_NEWEST_LOST, "newest-migration-lost",
	       "the newest applied migration is not in the table"),
	ATTACK(BOOKS_OLDEST_LOST, "oldest-migration-lost",
	       "the oldest applied migration is not in the table, though newer ones are"),
	ATTACK(BOOKS_ALL_LOST, "all-migrations-lost", "the table is empty"),
	ATTACK(BOOKS_TABLE_GONE, "table-gone", "the framework's table is gone"),
	ATTACK(BOOKS_CHECKSUM_CHANGED, "checksum-changed", "the table has another checksum"),
	ATTACK(BOOKS_FAILED, "marked-failed", "the table says that a migration failed"),
	ATTACK(BOOKS_ROLLED_BACK, "marked-rolled-back", "the table says that one was rolled back"),
	ATTACK(BOOKS_LOCK_HELD, "lock-held", "the framework's lock is held"),
	ATTACK(BOOKS_UNKNOWN_ADDED, "unknown-migration-added",
	       "the table has a migration that no file has"),
	ATTACK(BOOKS_ORDER_SWAPPED, "order-swapped",
	       "two migrations were applied the other way round"),
	ATTACK(BOOKS_FILE_LOST, "file-lost", "the file of an applied migration is gone"),
	ATTACK(BOOKS_FILE_EDITED, "file-edited",
	       "the file of an applied migration has a byte more"),
	ATTACK(BOOKS_FILE_ADDED, "file-added", "there is a file that was not applied"),
	ATTACK(BOOKS_FILE_RENAMED, "file-renamed",
	       "the file of an applied migration is of another version"),
	[BOOKS_N] = {.name = NULL},
};

/* ---- strikes ---- */

static int strike_rows(struct challenge *c, const struct books_damage *d, struct probe *p,
		       struct err *e)
{
	const struct db_shadow shadow = {
		.schema = d->table->schema,
		.table = d->table->name,
		.body = d->body,
	};
	bool is_unshadowed;
	int rc;

	db_pool_shadow(c->world->dbs, c->check->target->name, &shadow, 1);
	rc = c->check->kind->probe(p, e);
	is_unshadowed = db_is_unshadowed(c->world->dbs);
	db_pool_shadow(c->world->dbs, c->check->target->name, NULL, 0);
	if (!is_unshadowed)
		return rc;
	if (rc == 0) /* a lock that could not be read is no error of the check */
		(void)err_set(e, ERR_MEASURE, "the table could not be seen otherwise");
	return 1;
}

/* The lens: the table is not there. */
static void lose_table(void *ctx, struct arena *a, struct db_catalog *c)
{
	const struct db_table *gone = ctx;
	size_t n = 0;

	(void)a;
	for (size_t i = 0; i < c->n_tables; i++)
		if (strcmp(c->tables[i].name, gone->name) != 0)
			c->tables[n++] = c->tables[i];
	c->n_tables = n;
}

static int strike_table(struct challenge *c, const struct books_damage *d, struct probe *p,
			struct err *e)
{
	struct db_table gone = *d->table;
	int rc;

	db_pool_lens(c->world->dbs, c->check->target->name, lose_table, &gone);
	rc = c->check->kind->probe(p, e);
	db_pool_lens(c->world->dbs, c->check->target->name, NULL, NULL);
	return rc;
}

static int strike_files(struct books *b, const struct books_damage *d, struct probe *p,
			struct err *e)
{
	struct err later = {0};
	int rc;

	if (b->uncopied) {
		(void)err_set(e, ERR_MEASURE, "%s", b->uncopied);
		return 1;
	}
	if (books_do(b, d, e) != 0)
		return 1;
	p->checks = &b->copy;
	rc = b->copy->kind->probe(p, e);
	if (books_undo(b, d, &later) != 0)
		b->uncopied = arena_strdup(b->arena, later.message);
	return rc;
}

static int strike(struct challenge *c, const struct attack *a, double dose, struct probe *p,
		  struct err *e)
{
	const struct books_damage *d = a ? a->state : NULL;

	(void)dose;
	if (!d)
		return c->check->kind->probe(p, e);
	switch (d->side) {
	case BOOKS_ROWS:
		return strike_rows(c, d, p, e);
	case BOOKS_TABLE:
		return strike_table(c, d, p, e);
	case BOOKS_FILES:
		break;
	}
	return strike_files(c->state, d, p, e);
}

static const char *words(const struct challenge *c, const struct attack *a, double dose)
{
	(void)c;
	(void)dose;
	return ((const struct books_damage *)a->state)->words;
}

/* ---- what is settled before ---- */

static const char *const classes[FOUND_N] = {
	[FOUND_PENDING] = "pending",
	[FOUND_MISSING] = "missing",
	[FOUND_MODIFIED] = "modified",
	[FOUND_LINE_ENDS] = "line_ends",
	[FOUND_OUT_OF_ORDER] = "out_of_order",
	[FOUND_FAILED] = "failed",
	[FOUND_ROLLED_BACK] = "rolled_back",
	[FOUND_UNKNOWN] = "unknown",
	[FOUND_DUPLICATE] = "duplicate",
	[FOUND_BROKEN] = "broken",
	[FOUND_SINCE] = "since",
	[FOUND_REFUSED] = "refused",
};

/* Which of the findings that it would give are allowed; NULL = none. */
static const char *allowed_of(const struct books *b, unsigned findings)
{
	for (size_t i = 0; i < b->spec->allow.n; i++)
		for (int class = 0; class < FOUND_N; class ++)
			if ((findings & KNOWS(class)) &&
			    strcmp(b->spec->allow.items[i], classes[class]) == 0)
				return classes[class];
	return NULL;
}

static void settle(struct books *b, struct attack *a, unsigned findings,
		   const struct books_damage *d)
{
	const struct framework *f = b->world->framework;
	const char *allowed = allowed_of(b, findings & f->knows);

	if (a->row->is_control)
		return;
	if (findings != 0 && !(findings & f->knows)) {
		a->settled = ATTACK_OUT_OF_REACH;
		a->reason = arena_printf(b->arena, "%s keeps nothing to tell it by", f->title);
	} else if (allowed) {
		a->settled = ATTACK_OUT_OF_CLAIM;
		a->reason = arena_printf(b->arena, "the check allows %s", allowed);
	} else if (d->side == BOOKS_ROWS && b->unshadowed) {
		a->reason = b->unshadowed; /* and is inconclusive */
	} else if (d->side == BOOKS_FILES && b->uncopied) {
		a->reason = b->uncopied;
	}
}

struct attack *books_add(struct books *b, enum books_operator op, const char *object,
			 unsigned findings, const struct books_damage *d)
{
	struct books_damage *kept = arena_alloc(b->arena, sizeof(*kept));
	struct attack *a = challenge_add(b->challenge, &books_rows[op], object);

	*kept = *d;
	a->state = kept;
	settle(b, a, findings, d);
	return a;
}

/* ---- the survey ---- */

static int find_lock(struct books *b, struct err *e)
{
	struct world *w = b->world;
	const char *name;
	struct db_object *objects;
	size_t n;

	if (!w->framework->lock_suffix)
		return 0;
	name = arena_printf(b->arena, "%s%s", w->table, w->framework->lock_suffix);
	if (db_objects(w->db, b->arena, b->probe.deadline_ms, &objects, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(objects[i].name, name) == 0)
			return db_describe(w->db, b->arena, objects[i].name, b->probe.deadline_ms,
					   &b->lock, e);
	return 0;
}

static int look_at_books(struct books *b, struct err *e)
{
	struct world *w = b->world;
	const char *schema = NULL;

	if (migrations_compare_all(w, e) != 0 ||
	    db_describe(w->db, b->arena, w->table, b->probe.deadline_ms, &b->table, e) != 0)
		return -1;
	b->engine = db_engine(w->db);
	(void)db_split_table(b->engine, b->arena, w->table,
			     &schema); /* the name is the catalog's */
	if (schema)
		b->table.schema = schema;
	return find_lock(b, e) != 0 ? -1 : books_read_rows(b, e);
}

static void survey_table(struct books *b)
{
	struct books_damage gone = {
		.side = BOOKS_TABLE,
		.table = &b->table,
		.words = arena_printf(b->arena, "the table %s is gone", b->table.name),
	};

	(void)books_add(b, BOOKS_TABLE_GONE, b->table.name, 0, &gone); /* to be tried as it is */
}

static int survey(struct challenge *c, struct err *e)
{
	struct books *b = arena_alloc(c->arena, sizeof(*b));
	int rc;

	*b = (struct books){.challenge = c, .arena = c->arena, .spec = c->check->spec};
	c->state = b;
	b->probe = (struct probe){
		.world = c->world,
		.arena = c->arena,
		.checks = &c->check,
		.n_checks = 1,
		.deadline_ms = clock_monotonic_ms(c->world->clock) + c->check->timeout_ms,
	};
	b->world = migrations_world(&b->probe);
	if (database_acquire(&b->probe, &b->world->db, e) != 0)
		return -1;
	rc = look_at_books(b, e);
	if (rc == 0) {
		books_copy_files(b);
		books_survey_rows(b);
		survey_table(b);
		books_survey_files(b);
	}
	database_release(&b->probe, b->world->db);
	return rc;
}

const struct arsenal arsenal_migrations = {
	.rows = books_rows,
	.survey = survey,
	.strike = strike,
	.words = words,
};
