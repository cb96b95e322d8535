/*
 * arsenal_database_guard: attacks that are not to be counted, whatever the check would say.
 *
 * Guarded is what the schema would not have let happen, which is tried on the damaged rows
 * themselves: a CHECK that does not hold of one of them, a unique key that repeats, a reference
 * that finds nothing, a text that is too long. So a constraint guards exactly what it is about.
 *
 * Twice the same row guards a unique key only when the check reads all of its columns: what is
 * imported twice gets new keys where the database gives them, and looks the same to everybody who
 * does not read them. SQLite's foreign keys guard nothing: whether they are looked at is up to each
 * session that writes.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "audits/arsenal/database.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/model/kind.h"

static void settle(struct attack *a, enum attack_outcome outcome, const char *reason)
{
	a->settled = outcome;
	a->reason = reason;
}

static bool is_of_rows(enum damage_op op)
{
	return op == DAMAGE_EMPTY || op == DAMAGE_LOST || op == DAMAGE_NEWEST_LOST ||
	       op == DAMAGE_GROUP_LOST || op == DAMAGE_DUP;
}

/* Does the query, which nobody is in doubt about, give a row? An error gives none. */
static bool gives_row(const struct siege *s, const struct seen_table *t, const char *sql)
{
	int64_t n = 0;

	return siege_count(s, t->of,
			   arena_printf(s->challenge->arena, "SELECT count(*) FROM (%s\n) q", sql),
			   &n, NULL) == 0 &&
	       n > 0;
}

/* ---- what the schema forbids ---- */

static bool has_column(const char *const *columns, size_t n, const struct damage *d)
{
	const char *name = d->table->facts->columns[d->column].name;

	for (size_t i = 0; i < n; i++)
		if (db_same_name(d->table->of->source.engine, columns[i], name))
			return true;
	return false;
}

static const char *check_guard(const struct siege *s, const struct damage *d, const char *body)
{
	struct arena *a = s->challenge->arena;
	const struct db_table *t = d->table->facts;
	struct buf name;

	buf_init(&name, BUF_UNBOUNDED); /* a name */
	db_quote(d->table->of->source.engine, &name, d->table->name);
	const char *alias = siege_keep(s, &name);

	for (size_t i = 0; i < t->n_constraints; i++) {
		const struct db_constraint *c = &t->constraints[i];

		if (c->type == DB_CHECK && c->expression != NULL && !c->is_unvalidated &&
		    gives_row(s, d->table,
			      arena_printf(a, "SELECT 1 FROM (%s\n) AS %s WHERE NOT (%s\n) LIMIT 1",
					   body, alias, c->expression)))
			return arena_printf(a, "CHECK (%s) forbids it", c->expression);
	}
	return NULL;
}

/* A unique key, by a constraint or by an index alone. */
struct unique_key {
	const char *const *columns;
	size_t n;
};

/* The key i of the table; false: there are no more. An expression, or a part of the rows, is none:
 * n is then 0. */
static bool unique_key(const struct db_table *t, size_t i, struct unique_key *out)
{
	*out = (struct unique_key){.n = 0};
	if (i < t->n_constraints) {
		const struct db_constraint *c = &t->constraints[i];

		if (c->type == DB_PRIMARY_KEY || c->type == DB_UNIQUE)
			*out = (struct unique_key){c->columns, c->n_columns};
		return true;
	}
	i -= t->n_constraints;
	if (i >= t->n_indexes)
		return false;
	const struct db_index *x = &t->indexes[i];

	if (x->is_unique && x->where == NULL && !x->is_invalid)
		*out = (struct unique_key){x->columns, x->n_columns};
	for (size_t k = 0; k < out->n; k++)
		if (x->columns[k][0] == '(')
			out->n = 0;
	return true;
}

static const char *joined(const struct siege *s, const struct seen_table *t,
			  const struct unique_key *key, const char *between, const char *behind)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* as many names as a key has */
	for (size_t i = 0; i < key->n; i++) {
		(void)buf_puts(&b, i > 0 ? between : "");
		db_quote(t->of->source.engine, &b, key->columns[i]);
		(void)buf_puts(&b, behind);
	}
	return siege_keep(s, &b);
}

static const char *told_key(const struct siege *s, const struct unique_key *key)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* as many names as a key has */
	for (size_t i = 0; i < key->n; i++)
		(void)buf_printf(&b, "%s%s", i > 0 ? ", " : "", key->columns[i]);
	return arena_printf(s->challenge->arena, "(%s) is unique", siege_keep(s, &b));
}

/* Do two rows of the query have the same key, without NULLs? */
static bool repeats(const struct siege *s, const struct seen_table *t, const struct unique_key *key,
		    const char *body)
{
	const char *columns = joined(s, t, key, ", ", "");
	const char *whole = joined(s, t, key, " AND ", " IS NOT NULL");

	return gives_row(s, t,
			 arena_printf(s->challenge->arena,
				      "SELECT 1 FROM (%s\n) AS d WHERE %s GROUP BY %s HAVING "
				      "count(*) > 1 LIMIT 1",
				      body, whole, columns));
}

/* The columns would repeat in another row. */
static const char *unique_guard(const struct siege *s, const struct damage *d, const char *body)
{
	struct unique_key key;

	for (size_t i = 0; unique_key(d->table->facts, i, &key); i++)
		if (key.n > 0 && has_column(key.columns, key.n, d) &&
		    repeats(s, d->table, &key, body))
			return told_key(s, &key);
	return NULL;
}

/* The check reads all columns of a unique key: it would see that the row is the same. */
static const char *twice_guard(const struct siege *s, const struct damage *d)
{
	const struct seen_table *t = d->table;
	struct unique_key key;

	for (size_t i = 0; unique_key(t->facts, i, &key); i++) {
		bool is_read = key.n > 0;

		for (size_t k = 0; k < key.n; k++) {
			size_t column = siege_find_column(t, key.columns[k]);

			is_read = is_read && column != NO_COLUMN &&
				  t->columns[column].use != COLUMN_UNREAD;
		}
		if (is_read)
			return told_key(s, &key);
	}
	return NULL;
}

static bool is_enforced(const struct seen_table *t, const struct db_foreign_key *k)
{
	return t->of->source.engine != DB_SQLITE && !k->is_disabled && !k->is_unvalidated;
}

/* The column of the other table that a key's column i refers to. */
static const char *target_of(const struct db_foreign_key *k, const struct seen_table *parent,
			     size_t i)
{
	if (k->targets != NULL && k->targets[i] != NULL)
		return k->targets[i];
	for (size_t c = 0; c < parent->facts->n_columns; c++)
		if (parent->facts->columns[c].key == (int64_t)i + 1)
			return parent->facts->columns[c].name;
	return NULL;
}

/* Rows of one query whose key is in no row of another. NULL: the key cannot be told. */
static const char *unmatched(const struct siege *s, const struct db_foreign_key *k,
			     const struct seen_table *parent, const char *children,
			     const char *parents)
{
	enum db_engine engine = parent->of->source.engine;
	struct buf equal, whole;

	buf_init(&equal, BUF_UNBOUNDED); /* as many names as a key has */
	buf_init(&whole, BUF_UNBOUNDED);
	for (size_t i = 0; i < k->n_columns; i++) {
		const char *target = target_of(k, parent, i);

		if (target == NULL) {
			buf_release(&equal);
			buf_release(&whole);
			return NULL;
		}
		(void)buf_puts(&equal, i > 0 ? " AND p." : "p.");
		db_quote(engine, &equal, target);
		(void)buf_puts(&equal, " = c.");
		db_quote(engine, &equal, k->columns[i]);
		(void)buf_puts(&whole, i > 0 ? " AND c." : "c.");
		db_quote(engine, &whole, k->columns[i]);
		(void)buf_puts(&whole, " IS NOT NULL");
	}
	const char *same = siege_keep(s, &equal), *has = siege_keep(s, &whole);

	return arena_printf(s->challenge->arena,
			    "SELECT 1 FROM (%s\n) AS c WHERE %s AND NOT EXISTS (SELECT 1 FROM "
			    "(%s\n) AS p WHERE %s) LIMIT 1",
			    children, has, parents, same);
}

/* Columns that the role may not read are not named. */
static const char *undamaged(const struct siege *s, const struct seen_table *t)
{
	const struct damage none = {DAMAGE_NONE, t, NO_COLUMN, NULL, NULL};
	const char *body = NULL;

	(void)siege_body(s, &none, t, 0, &body, NULL); /* cannot fail: it asks nothing */
	return body;
}

static bool refers_to(const struct db_foreign_key *k, const struct seen_table *child,
		      const struct seen_table *parent)
{
	enum db_engine engine = child->of->source.engine;

	if (child->of != parent->of)
		return false;
	return db_same_name(engine, k->table, parent->name) ||
	       db_same_name(engine, k->table, parent->facts->name);
}

/* The table a key refers to, as far as a query needs it. */
static const struct seen_table *parent_of(const struct siege *s, const struct seen_table *child,
					  const struct db_foreign_key *k)
{
	for (size_t i = 0; i < s->n_tables; i++)
		if (refers_to(k, child, s->tables[i]))
			return s->tables[i];
	return NULL;
}

/*
 * The damaged column refers to another table. Where the check does not read that one its rows are
 * not looked at: a value that a key holds is then not to be changed into any other.
 */
static const char *child_guard(const struct siege *s, const struct damage *d, const char *body)
{
	struct arena *a = s->challenge->arena;
	const struct db_table *t = d->table->facts;

	for (size_t i = 0; i < t->n_foreign_keys; i++) {
		const struct db_foreign_key *k = &t->foreign_keys[i];
		const struct seen_table *parent = parent_of(s, d->table, k);
		const char *sql = NULL;

		if (!is_enforced(d->table, k) || !has_column(k->columns, k->n_columns, d) ||
		    d->op == DAMAGE_NULLED)
			continue;
		if (parent != NULL)
			sql = unmatched(s, k, parent, body, undamaged(s, parent));
		else if (d->op == DAMAGE_CONSTANT) /* one of its own values */
			continue;
		if (parent == NULL || (sql != NULL && gives_row(s, d->table, sql)))
			return arena_printf(a, "its foreign key to %s forbids it", k->table);
	}
	return NULL;
}

/* Others that the check reads refer to the damaged rows. */
static const char *parent_guard(const struct siege *s, const struct damage *d, const char *body)
{
	struct arena *a = s->challenge->arena;

	for (size_t i = 0; i < s->n_tables; i++) {
		const struct seen_table *child = s->tables[i];

		for (size_t k = 0; child != d->table && k < child->facts->n_foreign_keys; k++) {
			const struct db_foreign_key *key = &child->facts->foreign_keys[k];
			const char *sql;

			if (!is_enforced(child, key) || !refers_to(key, child, d->table))
				continue;
			sql = unmatched(s, key, d->table, undamaged(s, child), body);
			if (sql != NULL && gives_row(s, child, sql))
				return arena_printf(a, "the foreign key of %s forbids it",
						    child->shown);
		}
	}
	return NULL;
}

/* How many characters the type of a text holds; 0 = no bound. */
static long long most_characters(const struct db_column *c)
{
	const char *parenthesis = strchr(c->type, '(');

	if (parenthesis == NULL || !str_glob_fold("*char*", c->type))
		return 0;
	return isdigit((unsigned char)parenthesis[1]) ? strtoll(parenthesis + 1, NULL, 10) : 0;
}

/* SQLite's types bind nobody. */
static const char *length_guard(const struct siege *s, const struct damage *d, const char *body)
{
	struct arena *a = s->challenge->arena;
	const struct seen_table *t = d->table;
	long long most = most_characters(&t->facts->columns[d->column]);

	if (t->of->source.engine == DB_SQLITE || most == 0 ||
	    t->columns[d->column].class != CLASS_TEXT)
		return NULL;
	return gives_row(s, t,
			 arena_printf(a, "SELECT 1 FROM (%s\n) AS d WHERE char_length(%s) > %lld",
				      body, siege_column(s, d), most))
		       ? arena_printf(a, "its type holds %lld characters", most)
		       : NULL;
}

/* What is known without looking at a row. */
static const char *known_guard(const struct siege *s, const struct damage *d)
{
	const struct db_column *c;
	bool is_text_op =
		d->op == DAMAGE_EMPTIED || d->op == DAMAGE_UNKNOWN || d->op == DAMAGE_CASE_SPACE;

	if (d->op == DAMAGE_DUP)
		return twice_guard(s, d);
	if (is_of_rows(d->op) || d->op == DAMAGE_DROPPED)
		return NULL;
	c = &d->table->facts->columns[d->column];
	if (d->op == DAMAGE_NULLED && !c->is_nullable)
		return "it is NOT NULL";
	if (is_text_op && d->table->columns[d->column].class == CLASS_ENUM)
		return "its type lists the values there are";
	if (d->table->of->source.engine == DB_MYSQL && d->op == DAMAGE_NEGATED &&
	    str_glob_fold("*unsigned*", c->type))
		return "its type has no negative numbers";
	return NULL;
}

/* What the damaged rows show. */
static const char *shown_guard(const struct siege *s, const struct damage *d, const char *body)
{
	const char *why = NULL;

	if (d->op == DAMAGE_DUP || d->op == DAMAGE_DROPPED)
		return NULL;
	if (!is_of_rows(d->op)) {
		why = length_guard(s, d, body);
		if (why == NULL)
			why = check_guard(s, d, body);
		if (why == NULL)
			why = unique_guard(s, d, body);
		if (why == NULL)
			why = child_guard(s, d, body);
	}
	return why != NULL ? why : parent_guard(s, d, body);
}

/* ---- what changes nothing ---- */

/* How many of the rows that the check looks at are in a table, or in a query in its place. */
static int count_seen(const struct siege *s, const struct seen_table *t, const char *body,
		      int64_t *out, struct err *e)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	if (body != NULL) {
		(void)buf_printf(&b, "SELECT count(*) FROM (%s\n) AS ", body);
		db_quote(t->of->source.engine, &b, t->name);
	} else {
		(void)buf_printf(&b, "SELECT count(*) FROM %s", t->quoted);
	}
	if (t->where != NULL)
		(void)buf_printf(&b, " WHERE (%s\n)", t->where);
	return siege_count(s, t->of, siege_keep(s, &b), out, e);
}

/* How many rows fewer. The newest are few, or none, where many have the same time. */
static int count_lost(const struct siege *s, const struct seen_table *t, const char *body,
		      int64_t *out, struct err *e)
{
	int64_t before, after;

	if (count_seen(s, t, NULL, &before, e) != 0 || count_seen(s, t, body, &after, e) != 0)
		return -1;
	*out = before - after;
	return 0;
}

/* How many of the rows that the check looks at the damage would change. */
static int count_changes(const struct siege *s, const struct attack *a, const char *body,
			 int64_t *out, struct err *e)
{
	const struct damage *d = a->state;
	const struct seen_table *t = d->table;
	const char *changes = siege_changes(s, d, a->dose);
	struct buf b;

	if (d->op == DAMAGE_NEWEST_LOST)
		return count_lost(s, t, body, out, e);

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	(void)buf_printf(&b, "SELECT count(*) FROM %s WHERE %s", siege_from(s, t),
			 changes != NULL ? changes : "1 = 1");
	if (t->where != NULL)
		(void)buf_printf(&b, " AND (%s\n)", t->where);
	return siege_count(s, t->of, siege_keep(s, &b), out, e);
}

/*
 * Rows that repeat are what the check looks for, and a column that is the same everywhere makes
 * none where the others still tell all rows apart.
 */
static bool makes_no_repetition(const struct siege *s, const struct damage *d, const char *body)
{
	const struct texts *columns = siege_texts(s->challenge->check, NULL, "columns");
	const struct unique_key key = {columns->items, columns->n};

	return d->op == DAMAGE_CONSTANT &&
	       strcmp(s->challenge->check->kind->name, "duplicates") == 0 &&
	       !repeats(s, d->table, &key, body);
}

static const char *no_effect_words(const struct damage *d)
{
	if (d->table->n_rows == 0)
		return "it has no rows";
	if (is_of_rows(d->op))
		return d->table->where != NULL ? "the check looks at no such row"
					       : "there are too few rows for it";
	return "no row that the check looks at would be changed by it";
}

/* A value that is reckoned may not be reckoned: out of range. Every row of it is asked for. */
static bool is_reckoned(const struct siege *s, const struct damage *d, const char *body,
			struct err *e)
{
	const unsigned reckoning = SCALE_BITS | DAMAGE_BIT(DAMAGE_NEGATED) |
				   DAMAGE_BIT(DAMAGE_ORPHANED) | DAMAGE_BIT(DAMAGE_STALE) |
				   DAMAGE_BIT(DAMAGE_AHEAD);
	int64_t ignored;

	return (DAMAGE_BIT(d->op) & reckoning) == 0 ||
	       siege_count(s, d->table->of,
			   arena_printf(s->challenge->arena, "SELECT count(%s) FROM (%s\n) q",
					siege_column(s, d), body),
			   &ignored, e) == 0;
}

void siege_settle(struct siege *s, struct attack *a)
{
	const struct damage *d = a->state;
	bool is_drop = d->op == DAMAGE_DROPPED;
	const char *body, *guard = known_guard(s, d);
	struct err e = {0};
	int64_t n = 0;

	if (guard != NULL) {
		settle(a, ATTACK_GUARDED, guard);
		return;
	}
	if (siege_body(s, d, d->table, a->dose, &body, &e) != 0 ||
	    (!is_drop && count_changes(s, a, body, &n, &e) != 0) || !is_reckoned(s, d, body, &e)) {
		settle(a, ATTACK_INCONCLUSIVE, arena_strdup(s->challenge->arena, e.message));
		return;
	}
	if (!is_drop && n == 0) {
		settle(a, ATTACK_NO_EFFECT, no_effect_words(d));
		return;
	}
	guard = shown_guard(s, d, body);
	if (guard != NULL)
		settle(a, ATTACK_GUARDED, guard);
	else if (makes_no_repetition(s, d, body))
		settle(a, ATTACK_NO_EFFECT, "no two rows become alike by it");
	else if (!is_drop && !siege_is_accepted(s, d, a->dose))
		settle(a, ATTACK_INCONCLUSIVE,
		       "the check's statements are not accepted over what it becomes");
}
