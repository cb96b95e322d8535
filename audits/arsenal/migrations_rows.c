/*
 * arsenal_migrations_rows: what the framework's table may say instead.
 *
 * Each attack is a query that stands in for the table. It is asked once before it is used: one that
 * the engine refuses would be an error of the attack, not something the check noticed.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "audits/arsenal/migrations.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db_shadow.h"

#define KEYS_TRIED 1000

/* Where a framework says that a migration failed, or was rolled back. */
static const struct mark {
	const char *framework, *column;
	enum books_operator op;
	enum finding class;
	const char *value; /* as SQL; "no" and "yes" in the column's own words, "=x": of column x */
} marks[] = {
	{"flyway", "success", BOOKS_FAILED, FOUND_FAILED, "no"},
	{"sqlx", "success", BOOKS_FAILED, FOUND_FAILED, "no"},
	{"prisma", "finished_at", BOOKS_FAILED, FOUND_FAILED, "NULL"},
	{"golang-migrate", "dirty", BOOKS_FAILED, FOUND_FAILED, "yes"},
	{"liquibase", "EXECTYPE", BOOKS_FAILED, FOUND_FAILED, "'FAILED'"},
	{"atlas", "error", BOOKS_FAILED, FOUND_FAILED, "'it failed'"},
	{"goose", "is_applied", BOOKS_ROLLED_BACK, FOUND_ROLLED_BACK, "no"},
	{"prisma", "rolled_back_at", BOOKS_ROLLED_BACK, FOUND_ROLLED_BACK, "=started_at"},
};

/* ---- reading ---- */

struct reading {
	struct books *books;
	const struct db_column *columns[BOOKS_MAX_COLUMNS]; /* of the framework's; NULL = none */
	size_t n;
};

static const char *text_of(struct books *b, const struct db_value *v)
{
	/* a blob of PostgreSQL with the \x that says so */
	return v->type == DB_TEXT ? arena_strndup(b->arena, v->text, v->len)
				  : migrations_cell(b->arena, v);
}

static void keep_applied(struct books *b, struct books_row *r)
{
	struct world *w = b->world;
	struct applied a = {0};

	r->is_taken = w->framework->take(w, r->cells, &a);
	if (r->is_taken) {
		r->applied.key = arena_strdup(b->arena, a.key);
		r->applied.state = a.state;
		r->applied.checksum =
			a.checksum && *a.checksum ? arena_strdup(b->arena, a.checksum) : NULL;
	}
	migrations_end_scratch(w);
}

static int take_row(void *ctx, const struct db_row *row, struct err *e)
{
	struct reading *k = ctx;
	struct books *b = k->books;
	struct books_row *r;
	size_t at = 0;

	(void)e;
	if ((b->n_rows & (b->n_rows - 1)) == 0) {
		struct books_row *grown =
			arena_array(b->arena, b->n_rows ? b->n_rows * 2 : 1, sizeof(*grown));

		if (b->n_rows > 0)
			memcpy(grown, b->rows, b->n_rows * sizeof(*grown));
		b->rows = grown;
	}
	r = &b->rows[b->n_rows++];
	*r = (struct books_row){0};
	for (size_t i = 0; i < k->n; i++) {
		if (!k->columns[i])
			continue;
		r->types[i] = row->values[at].type;
		r->texts[i] = text_of(b, &row->values[at]);
		r->cells[i] = migrations_cell(b->arena, &row->values[at++]);
	}
	keep_applied(b, r);
	return 0;
}

/* The migration of a row that is about it alone and done. */
static const struct migration *simply_applied(const struct books *b, const struct books_row *r)
{
	struct world *w = b->world;
	const struct migration *m = r->is_taken ? map_get(&w->by_key, r->applied.key) : NULL;
	const struct applied *last = m ? map_get(&w->row_by_key, r->applied.key) : NULL;

	if (!m || !last || last->state != APPLIED_DONE || r->applied.state != APPLIED_DONE)
		return NULL;
	return m->is_replaced || m->is_duplicated || m->is_repeatable ? NULL : m;
}

int books_read_rows(struct books *b, struct err *e)
{
	struct world *w = b->world;
	struct reading k = {.books = b, .n = books_n_columns(b)};

	for (size_t i = 0; i < k.n; i++)
		k.columns[i] = books_column(b, i);
	map_init(&w->row_names, w->arena); /* a framework counts rows by it */
	if (db_query(w->db, w->query, NULL, 0, b->probe.deadline_ms, take_row, &k, e) != 0)
		return -1;
	for (size_t i = 0; i < b->n_rows; i++)
		b->rows[i].migration = simply_applied(b, &b->rows[i]);
	return 0;
}

static const char *version_of(const struct books *b, const struct books_row *r)
{
	const struct applied *a = map_get(&b->world->row_by_key, r->applied.key);

	return a && a->version ? a->version : r->applied.key;
}

static const struct books_row *outermost(const struct books *b, bool is_newest)
{
	int (*order)(const char *, const char *) = b->world->framework->order;
	const struct books_row *best = NULL;

	for (size_t i = 0; i < b->n_rows; i++) {
		const struct books_row *r = &b->rows[i];
		int after;

		if (!r->migration)
			continue;
		after = !best ? 1 : order ? order(version_of(b, r), version_of(b, best)) : 1;
		if (!best || (is_newest ? after > 0 : after < 0))
			best = r;
	}
	return best;
}

const struct books_row *books_newest(const struct books *b)
{
	return outermost(b, true);
}

/* ---- attacks ---- */

static int ignore(void *ctx, const struct db_row *row, struct err *e)
{
	(void)ctx;
	(void)row;
	(void)e;
	return 0;
}

static int count_row(void *ctx, const struct db_row *row, struct err *e)
{
	size_t *n = ctx;

	(void)row;
	(void)e;
	++*n;
	return 0;
}

static struct attack *add(struct books *b, enum books_operator op, const char *object,
			  unsigned findings, const struct books_damage *d)
{
	struct attack *a = books_add(b, op, object, findings, d);
	struct err e = {0};

	if (!a->reason &&
	    db_query(b->world->db, d->body, NULL, 0, b->probe.deadline_ms, ignore, NULL, &e) != 0)
		a->reason = arena_strdup(b->arena, e.message); /* it stays inconclusive */
	return a;
}

/* How many rows the check's own statement gives where the table is another; -1 = it cannot be. */
static int64_t count_through(struct books *b, const char *body, struct err *e)
{
	const struct db_shadow shadow = {b->table.schema, b->table.name, body};
	struct db_pool *pool = b->challenge->world->dbs;
	const char *target = b->challenge->check->target->name;
	size_t n = 0;
	int rc;

	db_pool_shadow(pool, target, &shadow, 1);
	rc = db_query(b->world->db, b->world->query, NULL, 0, b->probe.deadline_ms, count_row, &n,
		      e);
	db_pool_shadow(pool, target, NULL, 0);
	return rc == 0 ? (int64_t)n : -1;
}

/* Is the table seen through a shadow at all, the same and another? */
static void try_shadow(struct books *b)
{
	const char *from = books_from(b, &b->table);
	struct books_damage d = {
		.table = &b->table,
		.body = arena_printf(b->arena, "SELECT * FROM %s", from),
		.words = "the table is seen as it is",
	};
	struct err e = {0};
	int64_t n = count_through(b, d.body, &e), none = 0;

	if (n >= 0)
		none = count_through(b, arena_printf(b->arena, "%s WHERE 1 = 0", d.body), &e);
	if (n < 0 || none < 0)
		b->unshadowed = arena_strdup(b->arena, e.message);
	else if (none > 0)
		b->unshadowed = "the table is not seen through a shadow";
	else
		(void)add(b, BOOKS_IDENTITY, b->table.name, 0, &d); /* to be tried as it is */
}

/* Harmless only where no two rows stand at the same place. */
static void try_reordered(struct books *b)
{
	const struct framework *f = b->world->framework;
	const struct db_column *c = migrations_column(&b->table, f->order_by);
	size_t at = 0;
	struct books_damage d = {.table = &b->table, .words = "the rows stand in another order"};

	while (at < books_n_columns(b) && strcasecmp(f->columns[at].name, f->order_by) != 0)
		at++;
	if (b->unshadowed || !c || at == books_n_columns(b) || b->n_rows < 2)
		return;
	for (size_t i = 0; i + 1 < b->n_rows; i++)
		if (str_equal(b->rows[i].texts[at], b->rows[i + 1].texts[at]))
			return;
	d.body = arena_printf(b->arena, "SELECT * FROM %s ORDER BY %s DESC",
			      books_from(b, &b->table), books_name(b, c->name));
	(void)add(b, BOOKS_ROWS_REORDERED, b->table.name, 0, &d); /* to be tried as it is */
}

static size_t n_simple(const struct books *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_rows; i++)
		n += b->rows[i].migration != NULL;
	return n;
}

static bool has_baseline(const struct books *b)
{
	for (size_t i = 0; i < b->n_rows; i++)
		if (b->rows[i].is_taken && b->rows[i].applied.state == APPLIED_BASELINE)
			return true;
	return false;
}

static void lose(struct books *b, enum books_operator op, const struct books_row *r,
		 unsigned findings)
{
	struct books_damage d = {
		.table = &b->table,
		.body = arena_printf(b->arena,
				     "SELECT * FROM %s WHERE CASE WHEN %s THEN 0 ELSE 1 END = 1",
				     books_from(b, &b->table), books_is_key(b, r)),
		.words = arena_printf(b->arena, "%s is not in the table", r->migration->name),
	};

	(void)add(b, op, r->migration->name, findings, &d); /* to be tried as it is */
}

static void try_losses(struct books *b)
{
	const struct books_row *newest = outermost(b, true), *oldest = outermost(b, false);
	struct books_damage all = {
		.table = &b->table,
		.body = arena_printf(b->arena, "SELECT * FROM %s WHERE 1 = 0",
				     books_from(b, &b->table)),
		.words = "the table is empty",
	};

	if (!newest)
		return;
	if (newest != oldest)
		lose(b, BOOKS_NEWEST_LOST, newest, KNOWS(FOUND_PENDING));
	/* what is older than a baseline need not be there */
	if (newest != oldest && !has_baseline(b))
		lose(b, BOOKS_OLDEST_LOST, oldest,
		     b->world->framework->knows & KNOWS(FOUND_OUT_OF_ORDER)
			     ? KNOWS(FOUND_OUT_OF_ORDER)
			     : KNOWS(FOUND_PENDING));
	if (n_simple(b) > 0)
		(void)add(b, BOOKS_ALL_LOST, b->table.name, KNOWS(FOUND_PENDING), &all);
}

/* ---- what a row says ---- */

static bool is_hashed(const struct books_row *r)
{
	return r->migration && r->applied.checksum && !r->migration->is_unhashable;
}

/* The newest, or another where that has no checksum. */
static const struct books_row *hashed_row(const struct books *b)
{
	const struct books_row *found = books_newest(b);

	for (size_t i = 0; i < b->n_rows && !(found && is_hashed(found)); i++)
		if (is_hashed(&b->rows[i]))
			found = &b->rows[i];
	return found && is_hashed(found) ? found : NULL;
}

/* One digit of it, or the last character of a text, is another. */
static const char *other_checksum(struct books *b, enum db_type type, const char *text)
{
	char *other = arena_strdup(b->arena, text);
	size_t n = strlen(other);
	/* of a number or of hex, a digit; of base64 no padding */
	char *at = n > 2 ? &other[n / 2] : &other[n - 1];

	(void)type;
	*at = *at == '1' ? '2' : '1';
	return other;
}

static void try_checksum(struct books *b)
{
	static const char *const names[] = {"checksum", "hash", "script_hash"};
	const struct framework *f = b->world->framework;
	const struct books_row *r = hashed_row(b);
	struct books_damage d = {.table = &b->table, .words = "a checksum is another one"};

	if (!(f->knows & KNOWS(FOUND_MODIFIED))) {
		(void)books_add(b, BOOKS_CHECKSUM_CHANGED, b->table.name, KNOWS(FOUND_MODIFIED),
				&d); /* settled */
		return;
	}
	for (size_t i = 0; r && i < books_n_columns(b) * 3; i++) {
		const struct db_column *c = books_column(b, i / 3);

		if (!c || strcasecmp(f->columns[i / 3].name, names[i % 3]) != 0 || !r->texts[i / 3])
			continue;
		d.body = books_with(
			b, &b->table, c,
			books_literal(b, c, r->types[i / 3],
				      other_checksum(b, r->types[i / 3], r->texts[i / 3])),
			books_is_key(b, r));
		d.words = arena_printf(b->arena, "the checksum of %s is another one",
				       r->migration->name);
		(void)add(b, BOOKS_CHECKSUM_CHANGED, r->migration->name, KNOWS(FOUND_MODIFIED), &d);
	}
}

static void try_mark(struct books *b, const struct mark *k, const struct books_row *r)
{
	const struct db_column *c = migrations_column(&b->table, k->column);
	const char *value = k->value;
	struct books_damage d = {.table = &b->table};

	if (!c)
		return;
	if (*value == '=')
		value = books_name(b, value + 1);
	else if (strcmp(value, "no") == 0 || strcmp(value, "yes") == 0)
		value = books_boolean(b, c, *value == 'y');
	d.body = books_with(b, &b->table, c, value, books_is_key(b, r));
	d.words = arena_printf(b->arena, "the table says that %s %s", r->migration->name,
			       k->op == BOOKS_FAILED ? "failed" : "was rolled back");
	(void)add(b, k->op, r->migration->name, KNOWS(k->class), &d); /* to be tried as it is */
}

static void try_marks(struct books *b)
{
	const struct framework *f = b->world->framework;
	const struct books_row *r = outermost(b, true);
	struct books_damage failed = {.table = &b->table, .words = "a migration failed"};
	struct books_damage undone = {.table = &b->table, .words = "a migration was rolled back"};

	for (size_t i = 0; r && i < sizeof(marks) / sizeof(*marks); i++)
		if (strcmp(marks[i].framework, f->name) == 0)
			try_mark(b, &marks[i], r);
	if (!(f->knows & KNOWS(FOUND_FAILED)))
		(void)books_add(b, BOOKS_FAILED, b->table.name, KNOWS(FOUND_FAILED), &failed);
	if (!(f->knows & KNOWS(FOUND_ROLLED_BACK)))
		(void)books_add(b, BOOKS_ROLLED_BACK, b->table.name, KNOWS(FOUND_ROLLED_BACK),
				&undone);
}

static void try_lock(struct books *b)
{
	struct books_damage d = {.table = &b->lock};
	const struct db_column *c;
	size_t n = 0;
	struct err ignored = {0};

	if (!b->lock.name)
		return;
	c = migrations_column(&b->lock, b->world->framework->lock_column);
	d.words = arena_printf(b->arena, "the lock %s is held", b->lock.name);
	if (!c ||
	    db_query(b->world->db,
		     arena_printf(b->arena, "SELECT 1 FROM %s", books_from(b, &b->lock)), NULL, 0,
		     b->probe.deadline_ms, count_row, &n, &ignored) != 0 ||
	    n == 0)
		return;
	d.body = books_with(b, &b->lock, c, books_boolean(b, c, true), NULL);
	(void)add(b, BOOKS_LOCK_HELD, b->lock.name, KNOWS(FOUND_FAILED), &d);
}

/* ---- a migration that no file has ---- */

/* 0012 as 0013, another text with something behind it. */
static const char *next_text(struct books *b, const char *text, size_t by)
{
	size_t n = strlen(text);

	if (migrations_is_digits(text) && n < 19)
		return arena_printf(b->arena, "%0*llu", (int)n, strtoull(text, NULL, 10) + by);
	return arena_printf(b->arena, "%s_%zu", text, by);
}

/* Would the row be about a migration that is neither in the files nor in the table? */
static bool is_unknown_with(struct books *b, const struct books_row *r, size_t at, const char *text)
{
	struct world *w = b->world;
	const char *values[BOOKS_MAX_COLUMNS];
	struct applied a = {0};
	bool is_unknown;

	memcpy(values, r->cells, sizeof(values));
	values[at] = text;
	map_init(&w->row_names, w->arena);
	is_unknown = w->framework->take(w, values, &a) && strcmp(a.key, r->applied.key) != 0 &&
		     !map_get(&w->by_key, a.key) && !map_get(&w->row_by_key, a.key);
	migrations_end_scratch(w);
	return is_unknown;
}

/* The column that names a migration, and a name that nothing has; false = none was found. */
static bool find_unknown(struct books *b, const struct books_row *r, size_t *at, const char **text)
{
	const struct framework *f = b->world->framework;
	bool is_django = strcmp(f->name, "django") == 0; /* another app is another project's */

	for (*at = is_django ? 1 : 0; *at < books_n_columns(b); ++*at) {
		if (!r->texts[*at] || (r->types[*at] != DB_TEXT && r->types[*at] != DB_INT))
			continue;
		for (size_t by = 1; by <= KEYS_TRIED; by++) {
			*text = next_text(b, r->texts[*at], by);
			if (is_unknown_with(b, r, *at, *text))
				return true;
			if (!migrations_is_digits(r->texts[*at]))
				break;
		}
	}
	return false;
}

static void try_unknown(struct books *b)
{
	const struct books_row *r = outermost(b, true);
	const struct db_column *c;
	struct books_damage d = {.table = &b->table};
	const char *text, *other;
	size_t at;

	if (!r || !find_unknown(b, r, &at, &text))
		return;
	c = books_column(b, at);
	other = arena_printf(
		b->arena, "%s WHERE %s",
		books_with(b, &b->table, c, books_literal(b, c, r->types[at], text), NULL),
		books_is_row(b, r));
	/* golang-migrate keeps one row: then it is that one */
	d.body = strcmp(b->world->framework->name, "golang-migrate") == 0
			 ? other
			 : arena_printf(b->arena, "%s UNION ALL %s",
					books_with(b, &b->table, c, books_name(b, c->name), NULL),
					other);
	d.words = arena_printf(b->arena, "the table has %s, which no file has", text);
	(void)add(b, BOOKS_UNKNOWN_ADDED, text, KNOWS(FOUND_MISSING) | KNOWS(FOUND_UNKNOWN), &d);
}

static void try_order(struct books *b)
{
	struct books_damage d = {
		.table = &b->table,
		.body = "",
		.words = "the newest migration was applied before the oldest",
	};
	struct attack *a;

	if (n_simple(b) < 2)
		return;
	a = books_add(b, BOOKS_ORDER_SWAPPED, b->table.name, 0, &d);
	a->settled = ATTACK_OUT_OF_REACH;
	a->reason = "in what order migrations were applied is not compared";
}

void books_survey_rows(struct books *b)
{
	try_shadow(b);
	try_reordered(b);
	try_losses(b);
	try_checksum(b);
	try_marks(b);
	try_lock(b);
	try_unknown(b);
	try_order(b);
}
