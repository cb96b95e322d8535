/*
 * arsenal_database_survey: the attacks there are on a check.
 *
 * What can be done to a column depends on what it holds, what is claimed on the kind
 * (database_claims.c). The rows of a distribution's baseline are what is compared with and
 * are never damaged.
 */
#include <math.h>
#include <string.h>

#include "audits/arsenal/database.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/model/kind.h"

#define BIT(op) DAMAGE_BIT(DAMAGE_##op)

#define LEAST_SHARE    0.0001
#define DAY_S	       86400.0
#define MAX_CATEGORIES 20 /* of a column that nobody calls a category */
#define MAX_TRIED      5  /* of them */

/* What can be done to a column of a class, whoever claims to see it. */
static unsigned possible(enum column_class class)
{
	switch (class) {
	case CLASS_INTEGER:
		return BIT(ZEROED) | SCALE_BITS | BIT(NEGATED) | BIT(CONSTANT) | BIT(GROUP_LOST) |
		       BIT(ORPHANED) | BIT(NEWEST_LOST);
	case CLASS_REAL:
		return BIT(ZEROED) | SCALE_BITS | BIT(NEGATED) | BIT(CONSTANT) | BIT(NEWEST_LOST);
	case CLASS_TEXT:
		return TEXT_BITS | BIT(CONSTANT) | BIT(GROUP_LOST) | BIT(ORPHANED) | TIME_BITS;
	case CLASS_TIME:
		return BIT(CONSTANT) | TIME_BITS;
	case CLASS_BOOL:
		return BIT(GROUP_LOST);
	case CLASS_ENUM:
		return TEXT_BITS | BIT(CONSTANT) | BIT(GROUP_LOST);
	case CLASS_OTHER:
		break;
	}
	return 0;
}

static bool is_sql(const struct siege *s)
{
	return strcmp(s->challenge->check->kind->name, "sql") == 0;
}

/* ---- which tables it is about ---- */

/* Does a side of kind reconcile read the table? */
static bool is_of_side(const struct siege *s, const struct seen_table *t, const char *side)
{
	const struct check *c = s->challenge->check;
	const struct target *target = strcmp(side, "left") == 0 ? c->target : c->other_target;
	const char *query = siege_text(c, side, "query");
	enum db_engine engine = t->of->source.engine;
	struct table_name *names;
	size_t n = 0;

	if (target != NULL && strcmp(t->of->source.name, target->name) != 0)
		return false;
	if (query == NULL)
		return siege_is_table(s, t, siege_text(c, side, "table"));
	names = siege_names(s->challenge->arena, engine, query, &n);
	for (size_t i = 0; i < n; i++)
		if (db_same_name(engine, names[i].name, t->name))
			return true;
	return false;
}

/* SQL of one condition of two, of which either may be NULL. */
static const char *both(const struct siege *s, const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a != NULL ? a : b;
	return arena_printf(s->challenge->arena, "(%s\n) AND (%s\n)", a, b);
}

/*
 * Does a query depend on the table at all? It reads a column of it, or is another one without its
 * rows. A name that was taken for a table's (database_names.c) is not attacked.
 */
static bool is_read(struct siege *s, const struct seen_table *t)
{
	const struct damage empty = {DAMAGE_EMPTY, t, NO_COLUMN, NULL, NULL};

	for (size_t i = 0; i < t->facts->n_columns; i++)
		if (t->columns[i].use == COLUMN_SUBJECT)
			return true;
	return siege_moves(s, &empty, 0);
}

static void find_subject(struct siege *s, struct seen_table *t)
{
	const struct check *c = s->challenge->check;
	const char *table = siege_text(c, NULL, "table");
	const char *where = siege_text(c, NULL, "where");
	const char *baseline = siege_text(c, NULL, "baseline_where");

	if (is_sql(s)) {
		t->is_subject = is_read(s, t);
	} else if (strcmp(c->kind->name, "reconcile") == 0) {
		bool is_left = is_of_side(s, t, "left"), is_right = is_of_side(s, t, "right");
		const char *side = is_left ? "left" : "right";

		/* Of both, they would go on to agree. */
		t->is_subject = is_left != is_right;
		if (siege_text(c, side, "table") != NULL)
			t->where = both(s, where, siege_text(c, side, "where"));
	} else if (siege_is_table(s, t, table)) {
		t->is_subject = true;
		t->where = where;
	} else {
		t->is_subject = siege_is_table(s, t, siege_text(c, "references", "table"));
	}
	if (t->is_subject && baseline != NULL) {
		t->scope = where != NULL ? where
					 : arena_printf(s->challenge->arena,
							"CASE WHEN (%s\n) THEN 0 ELSE 1 END = 1",
							baseline);
		t->where = NULL;
	}
}

/* ---- attacks ---- */

static bool is_declared(const struct seen_table *t, size_t column)
{
	for (size_t i = 0; i < t->facts->n_foreign_keys; i++)
		for (size_t k = 0; k < t->facts->foreign_keys[i].n_columns; k++)
			if (siege_find_column(t, t->facts->foreign_keys[i].columns[k]) == column)
				return true;
	return false;
}

/* Does the query compare the column with the key of another table? */
static bool is_joined(const struct siege *s, const struct seen_table *t, size_t column)
{
	enum db_engine engine = t->of->source.engine;
	const char *name = t->facts->columns[column].name;

	for (size_t i = 0; i < s->n_tables; i++) {
		const struct db_table *other = s->tables[i]->facts;

		for (size_t k = 0; s->tables[i] != t && k < other->n_columns; k++)
			for (size_t h = 0; other->columns[k].key == 1 && h < s->heard.n; h++)
				if (siege_equates(s->challenge->arena, engine,
						  s->heard.items[h].sql, name,
						  other->columns[k].name))
					return true;
	}
	return false;
}

/* No quantity and no category: it points somewhere. */
static bool is_reference(const struct siege *s, const struct seen_table *t, size_t column)
{
	return is_declared(t, column) || is_joined(s, t, column);
}

static void set_dose(struct attack *a, const struct damage *d, bool is_whole)
{
	double one = d->table->n_rows > 0 ? 1.0 / (double)d->table->n_rows : 1;

	switch (d->op) {
	case DAMAGE_LOST:
	case DAMAGE_NEWEST_LOST:
	case DAMAGE_DUP:
	case DAMAGE_NULLED:
	case DAMAGE_EMPTIED:
	case DAMAGE_UNKNOWN:
	case DAMAGE_CASE_SPACE:
	case DAMAGE_ZEROED:
	case DAMAGE_NEGATED:
	case DAMAGE_ORPHANED:
		a->dose = is_whole ? 1 : 0.5;
		a->least = fmin(fmax(LEAST_SHARE, one), a->dose);
		a->most = is_whole ? 0 : 1;
		return;
	case DAMAGE_SCALED_UP:
	case DAMAGE_SCALED_DOWN:
		a->dose = 9;
		a->least = 0.001;
		a->most = 999;
		return;
	case DAMAGE_STALE:
	case DAMAGE_AHEAD:
		a->dose = 30 * DAY_S;
		a->least = 1;
		a->most = 3650 * DAY_S;
		return;
	case DAMAGE_NONE:
	case DAMAGE_ORDER:
	case DAMAGE_EXTRA:
	case DAMAGE_EMPTY:
	case DAMAGE_GROUP_LOST:
	case DAMAGE_DROPPED:
	case DAMAGE_CONSTANT:
	case DAMAGE_OPS:
		return;
	}
}

static struct attack *add(const struct siege *s, const struct damage *d, bool is_whole)
{
	struct arena *a = s->challenge->arena;
	struct damage *kept = arena_alloc(a, sizeof(*kept));
	const char *object = "";
	struct attack *attack;

	*kept = *d;
	if (d->table != NULL && d->column != NO_COLUMN)
		object = arena_printf(a, "%s.%s", d->table->shown,
				      d->table->facts->columns[d->column].name);
	else if (d->table != NULL)
		object = d->table->shown;
	attack = challenge_add(s->challenge, siege_row(s->challenge->check, d->op), object);
	attack->state = kept;
	if (d->table != NULL)
		set_dose(attack, d, is_whole);
	return attack;
}

/* A value of the column as SQL, from a query that gives it; false: there is none. */
static bool find_literal(const struct siege *s, struct damage *d, const char *sql)
{
	enum db_engine engine = d->table->of->source.engine;
	struct db_value v;
	struct buf b;

	if (siege_ask(s, d->table->of, sql, &v, NULL) != 0 || v.type == DB_NULL)
		return false;
	buf_init(&b, BUF_UNBOUNDED); /* a value */
	if (siege_literal(engine, &v, &b, NULL) != 0) {
		buf_release(&b);
		return false;
	}
	d->literal = siege_keep(s, &b);
	d->told = d->op != DAMAGE_GROUP_LOST ? NULL : v.type == DB_TEXT ? v.text : d->literal;
	return true;
}

/* The column's value of place i by the number of its rows, most first. */
static bool find_value(const struct siege *s, struct damage *d, int64_t i)
{
	struct arena *a = s->challenge->arena;
	const struct seen_table *t = d->table;
	const char *x = siege_column(s, d);
	bool is_bool =
		t->columns[d->column].class == CLASS_BOOL && t->of->source.engine == DB_POSTGRES;

	return find_literal(s, d,
			    arena_printf(a,
					 "SELECT %s%s%s FROM %s WHERE %s IS NOT NULL%s GROUP BY %s "
					 "ORDER BY count(*) DESC, %s LIMIT 1 OFFSET %lld",
					 is_bool ? "CAST(" : "", x, is_bool ? " AS text)" : "",
					 t->quoted, x, siege_also(s, t), x, x, (long long)i));
}

/*
 * The value that most rows have, of a category that has another one. What a query looks at is not
 * known beforehand: of the first few values it is one whose loss it answers otherwise to, if there
 * is such a one.
 */
static bool find_group(struct siege *s, struct damage *d, bool is_category)
{
	const struct seen_table *t = d->table;
	const char *x = siege_column(s, d);
	bool is_found = false;
	int64_t n = 0;

	if (siege_count(s, t->of,
			arena_printf(s->challenge->arena,
				     "SELECT count(DISTINCT %s) FROM %s WHERE %s IS NOT NULL%s", x,
				     t->quoted, x, siege_also(s, t)),
			&n, NULL) != 0 ||
	    n < 2 || (!is_category && n > MAX_CATEGORIES))
		return false;
	for (int64_t i = 0; !is_category && !is_found && i < n && i < MAX_TRIED; i++)
		is_found = find_value(s, d, i) && siege_moves(s, d, 0);
	is_found = is_found || find_value(s, d, 0);
	/* What tells segments and categories apart is in the series; other data is nobody's. */
	if (!is_category)
		d->told = NULL;
	return is_found;
}

static bool find_constant(const struct siege *s, struct damage *d)
{
	const char *x = siege_column(s, d);

	return find_literal(s, d,
			    arena_printf(s->challenge->arena,
					 "SELECT min(%s) FROM %s WHERE %s IS NOT NULL%s", x,
					 d->table->quoted, x, siege_also(s, d->table)));
}

/* As short as can be, so that a type of few characters holds it. */
static bool find_unknown(const struct siege *s, struct damage *d)
{
	static const char *const texts[] = {"'?'", "'~'", "'~?'", "'?~'"};
	const char *x = siege_column(s, d);

	d->literal = texts[0]; /* an enum's column is not asked for what it cannot hold */
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int64_t n = 0;

		if (d->table->columns[d->column].class != CLASS_ENUM &&
		    siege_count(s, d->table->of,
				arena_printf(s->challenge->arena,
					     "SELECT count(*) FROM %s WHERE %s = %s",
					     d->table->quoted, x, texts[i]),
				&n, NULL) != 0)
			return false;
		d->literal = texts[i];
		if (n == 0)
			return true;
	}
	return false;
}

static bool find_values(struct siege *s, struct damage *d, bool is_category)
{
	if (d->op == DAMAGE_GROUP_LOST)
		return find_group(s, d, is_category);
	if (d->op == DAMAGE_CONSTANT)
		return find_constant(s, d);
	return d->op != DAMAGE_UNKNOWN || find_unknown(s, d);
}

/* A text of PostgreSQL's or MySQL's that is a time is known as such by the kind alone. */
static bool is_text_time(const struct seen_table *t, const struct damage *d)
{
	return (d->op == DAMAGE_STALE || d->op == DAMAGE_AHEAD) &&
	       t->columns[d->column].class == CLASS_TEXT;
}

static unsigned possible_of(const struct siege *s, const struct seen_table *t, size_t column)
{
	const struct seen_column *c = &t->columns[column];
	unsigned bits = BIT(DROPPED) | BIT(NULLED) | possible(c->class);

	if (c->time_scale > 0)
		bits |= TIME_BITS;
	if (c->class == CLASS_BOOL && t->of->source.engine != DB_POSTGRES) /* a number there */
		bits |= BIT(ZEROED) | BIT(CONSTANT);
	if (is_sql(s) && is_reference(s, t, column))
		bits &= BIT(DROPPED) | BIT(NULLED) | BIT(ORPHANED);
	else if (is_sql(s))
		bits &= ~BIT(ORPHANED);
	if (c->class != CLASS_TIME && strcmp(s->challenge->check->kind->name, "freshness") != 0)
		bits &= ~TIME_BITS; /* nothing says that it is a time */
	if (is_sql(s) && c->class == CLASS_INTEGER)
		bits &= ~BIT(GROUP_LOST);
	return bits;
}

/* What changes which value there is, and not whether there is one. */
#define VALUE_BITS (TEXT_BITS | SCALE_BITS | BIT(CONSTANT) | BIT(ZEROED) | BIT(NEGATED))

/*
 * Does it matter to the query which values the column has? count(x) reads x, and minds nothing but
 * NULL. Every row is damaged, in every way there is, until the answer is another one.
 */
static bool minds_values(struct siege *s, const struct seen_table *t, size_t column)
{
	unsigned bits = t->columns[column].claimed & possible_of(s, t, column) & VALUE_BITS;
	bool is_moved = bits == 0;

	for (unsigned op = DAMAGE_EMPTY; op < DAMAGE_OPS && !is_moved; op++) {
		struct damage d = {(enum damage_op)op, t, column, NULL, NULL};

		if ((bits & DAMAGE_BIT(op)) != 0 && find_values(s, &d, false))
			is_moved = siege_moves(s, &d, op == DAMAGE_SCALED_UP ? 9 : 1);
	}
	return is_moved;
}

static void attack_column(struct siege *s, const struct seen_table *t, size_t column)
{
	const struct seen_column *c = &t->columns[column];
	unsigned claimed = c->claimed | ((c->claimed & WHOLE_NULL) != 0 ? BIT(NULLED) : 0);
	bool is_category = c->use == COLUMN_SEGMENT ||
			   strcmp(s->challenge->check->kind->name, "distribution") == 0;

	claimed &= possible_of(s, t, column);
	bool is_minded = !is_sql(s) || minds_values(s, t, column);

	for (unsigned op = DAMAGE_EMPTY; op < DAMAGE_OPS; op++) {
		struct damage d = {(enum damage_op)op, t, column, NULL, NULL};
		bool is_whole = op == DAMAGE_NULLED && (c->claimed & BIT(NULLED)) == 0;
		struct attack *a;

		if ((claimed & DAMAGE_BIT(op)) == 0 || siege_is_interrupted(s) ||
		    !find_values(s, &d, is_category))
			continue;
		a = add(s, &d, is_whole);
		if (is_text_time(t, &d)) {
			a->settled = ATTACK_INCONCLUSIVE;
			a->reason = "it is text, which nobody but its reader takes for a time";
		} else if (!is_minded && (DAMAGE_BIT(op) & VALUE_BITS) != 0) {
			a->settled = ATTACK_OUT_OF_REACH;
			a->reason = "it is not asked which value there is";
		} else {
			siege_settle(s, a);
		}
	}
}

/* That a column is not read is told once, not of everything that could be done to it. */
static void tell_unread(const struct siege *s, const struct seen_table *t, size_t column)
{
	const struct damage d = {DAMAGE_DROPPED, t, column, NULL, NULL};
	struct attack *a = add(s, &d, false);

	a->settled = ATTACK_OUT_OF_REACH;
	a->reason = t->columns[column].use == COLUMN_FILTER ? "only the check's filter reads it"
							    : "the check does not read it";
}

static void attack_table(struct siege *s, struct seen_table *t)
{
	siege_claim(s, t);
	for (unsigned op = DAMAGE_EMPTY; op < DAMAGE_OPS; op++) {
		const struct damage d = {(enum damage_op)op, t, NO_COLUMN, NULL, NULL};

		if ((t->claimed & DAMAGE_BIT(op)) != 0)
			siege_settle(s, add(s, &d, false));
	}
	for (size_t i = 0; i < t->facts->n_columns; i++) {
		if (t->columns[i].use >= COLUMN_SEGMENT)
			attack_column(s, t, i);
		else if (siege_is_of_columns(s))
			tell_unread(s, t, i);
	}
}

/* An index gives another order; without one only few rows are sorted. */
#define MAX_SORTED_ROWS 100000

static bool is_cheap_to_reverse(const struct siege *s)
{
	for (size_t i = 0; i < s->n_tables; i++)
		if (s->tables[i]->facts->n_columns == 0 ||
		    (s->tables[i]->facts->columns[0].key != 1 &&
		     s->tables[i]->n_rows > MAX_SORTED_ROWS))
			return false;
	return true;
}

int siege_survey(struct siege *s, struct err *e)
{
	bool has_subject = false;

	for (unsigned op = DAMAGE_NONE; op < DAMAGE_EMPTY; op++) {
		const struct damage d = {(enum damage_op)op, NULL, NO_COLUMN, NULL, NULL};

		if (op != DAMAGE_ORDER || is_cheap_to_reverse(s))
			(void)add(s, &d, false);
	}
	for (size_t i = 0; i < s->n_tables; i++) {
		find_subject(s, s->tables[i]);
		has_subject = has_subject || s->tables[i]->is_subject;
		if (s->tables[i]->is_subject)
			attack_table(s, s->tables[i]);
	}
	if (has_subject)
		return 0;
	return err_set(
		e, ERR_MEASURE,
		strcmp(s->challenge->check->kind->name, "reconcile") == 0
			? "both sides read the same table, which agrees with itself whatever "
			  "is done to it"
			: "no table is found that it is about");
}
