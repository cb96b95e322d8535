/* db_sqlite_ddl: a reader of CREATE statements; what it does not look for, it steps over. */
#include "runner/io/db_sqlite_ddl.h"

#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/io/db_catalog_build.h"
#include "runner/io/db_sqlite_sql.h"

struct ddl {
	struct sql_reader r;
	struct arena *arena;
	struct db_table *table;
};

static bool accept(struct ddl *d, const char *word)
{
	return sql_accept(&d->r, word);
}

static bool at_end(const struct ddl *d)
{
	return d->r.token.type == SQL_END;
}

/* The present token as a name, stepped over. */
static const char *take_name(struct ddl *d)
{
	const char *name = sql_name(&d->r, d->arena);

	sql_step(&d->r);
	return name;
}

/* The text from here to the end. */
static const char *take_rest(struct ddl *d)
{
	const char *start = d->r.token.start;

	while (!at_end(d))
		sql_step(&d->r);
	return sql_since(&d->r, start, d->arena);
}

static struct db_column *find_column(const struct db_table *t, const char *name)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (db_same_name(DB_SQLITE, t->columns[i].name, name))
			return &t->columns[i];
	return NULL;
}

static struct db_constraint *add_constraint(struct ddl *d, enum db_constraint_type type,
					    const char *name)
{
	struct db_table *t = d->table;

	t->constraints =
		db_array_grow(d->arena, t->constraints, t->n_constraints, sizeof(*t->constraints));
	struct db_constraint *c = &t->constraints[t->n_constraints++];

	c->type = type;
	c->name = name;
	return c;
}

/* COLLATE x, unless the column itself compares so. */
static const char *take_collation(struct ddl *d, const char *name)
{
	const struct db_column *c = find_column(d->table, name);
	const char *collation = accept(d, "COLLATE") ? take_name(d) : NULL;

	if (!collation || strcasecmp(collation, c && c->collation ? c->collation : "BINARY") == 0)
		return NULL;
	return arena_printf(d->arena, "COLLATE %s", collation);
}

/* "(a, b DESC, c COLLATE x)": the names, and the collations into options unless it is NULL. */
static const char **take_columns(struct ddl *d, size_t *n, const char ***options)
{
	const char **names = NULL;

	*n = 0;
	for (bool is_first = true; accept(d, is_first ? "(" : ","); is_first = false) {
		names = db_array_grow(d->arena, names, *n, sizeof(*names));
		names[*n] = take_name(d);
		const char *option = take_collation(d, names[(*n)++]);

		if (options && (option || *options)) {
			const char **all = arena_array(d->arena, *n, sizeof(*all));

			for (size_t i = 0; *options && i + 1 < *n; i++)
				all[i] = (*options)[i];
			all[*n - 1] = option;
			*options = all;
		}
		while (!at_end(d) && !sql_is(&d->r, ",") && !sql_is(&d->r, ")"))
			sql_step(&d->r);
	}
	(void)accept(d, ")");
	return names;
}

static const char **one_name(struct ddl *d, const char *name)
{
	const char **names = arena_array(d->arena, 1, sizeof(*names));

	names[0] = name;
	return names;
}

/* ---- REFERENCES ---- */

/* ON DELETE .., ON UPDATE .., MATCH .., [NOT] DEFERRABLE [INITIALLY ..] in any order. */
static void take_actions(struct ddl *d, struct db_foreign_key *k)
{
	for (;;) {
		if (accept(d, "ON")) {
			sql_step(&d->r);
			/* SET NULL, SET DEFAULT and NO ACTION are two words */
			(void)(accept(d, "SET") || accept(d, "NO"));
			sql_step(&d->r);
		} else if (accept(d, "MATCH")) {
			sql_step(&d->r);
		} else if (sql_is(&d->r, "NOT") && sql_follows(&d->r, "DEFERRABLE")) {
			sql_step(&d->r);
			sql_step(&d->r);
		} else if (accept(d, "DEFERRABLE")) {
			k->is_deferrable = true;
		} else if (accept(d, "INITIALLY")) {
			k->is_deferred = k->is_deferrable && sql_is(&d->r, "DEFERRED");
			sql_step(&d->r);
		} else {
			return;
		}
	}
}

static bool is_key(const struct db_foreign_key *k, const char *const *columns, size_t n,
		   const char *table)
{
	if (k->n_columns != n || !db_same_name(DB_SQLITE, k->table, table))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!db_same_name(DB_SQLITE, k->columns[i], columns[i]))
			return false;
	return true;
}

/* Behind REFERENCES. The pragma has the key already, without its name. */
static void take_reference(struct ddl *d, const char *name, const char **columns, size_t n)
{
	const char *table = take_name(d);
	struct db_foreign_key said = {.name = name};
	size_t n_targets;

	(void)take_columns(d, &n_targets, NULL);
	take_actions(d, &said);
	for (size_t i = 0; i < d->table->n_foreign_keys; i++) {
		struct db_foreign_key *k = &d->table->foreign_keys[i];

		if (!is_key(k, columns, n, table))
			continue;
		k->name = said.name;
		k->is_deferrable = said.is_deferrable;
		k->is_deferred = said.is_deferred;
	}
}

/* ---- one column, one constraint of the table ---- */

/* CONSTRAINT name, or NULL. */
static const char *take_constraint_name(struct ddl *d)
{
	return accept(d, "CONSTRAINT") ? take_name(d) : NULL;
}

static void take_check(struct ddl *d, const char *name)
{
	add_constraint(d, DB_CHECK, name)->expression = sql_parenthesis(&d->r, d->arena);
}

/* Behind GENERATED ALWAYS or at AS. */
static void take_generated(struct ddl *d, struct db_column *c)
{
	const char *expression = sql_parenthesis(&d->r, d->arena);

	if (c)
		c->expression = expression;
}

/* ON CONFLICT x, which decides whether rows are refused, left out or deleted; ABORT is the usual.
 */
static const char *take_conflict(struct ddl *d)
{
	static const char *const words[] = {"ROLLBACK", "FAIL", "IGNORE", "REPLACE"};
	const char *found = NULL;

	if (!sql_is(&d->r, "ON") || !sql_follows(&d->r, "CONFLICT"))
		return NULL;
	sql_step(&d->r);
	sql_step(&d->r);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (sql_is(&d->r, words[i]))
			found = words[i];
	sql_step(&d->r);
	return found;
}

static void take_key(struct ddl *d, struct db_column *c, enum db_constraint_type type,
		     const char *name)
{
	struct db_constraint *k = add_constraint(d, type, name);

	k->columns = one_name(d, c->name);
	k->n_columns = 1;
	if (type == DB_PRIMARY_KEY && !accept(d, "ASC"))
		(void)accept(d, "DESC");
	k->on_conflict = take_conflict(d);
}

/* What follows a column's name and type, up to the comma. */
static void take_column_constraint(struct ddl *d, struct db_column *c, const char *name)
{
	if (accept(d, "PRIMARY")) {
		(void)accept(d, "KEY");
		take_key(d, c, DB_PRIMARY_KEY, name);
	} else if (sql_is(&d->r, "NOT") && sql_follows(&d->r, "NULL")) {
		sql_step(&d->r);
		sql_step(&d->r);
		c->on_conflict = take_conflict(d);
	} else if (accept(d, "AUTOINCREMENT")) {
		c->generation = DB_IDENTITY;
	} else if (accept(d, "UNIQUE")) {
		take_key(d, c, DB_UNIQUE, name);
	} else if (accept(d, "CHECK")) {
		take_check(d, name);
	} else if (accept(d, "COLLATE")) {
		c->collation = take_name(d);
	} else if (accept(d, "AS")) {
		take_generated(d, c);
	} else if (accept(d, "REFERENCES")) {
		take_reference(d, name, one_name(d, c->name), 1);
	} else if (!sql_parenthesis(&d->r, d->arena)) {
		sql_step(&d->r);
	}
}

static void take_column(struct ddl *d)
{
	const char *name = take_name(d);
	struct db_column *c = find_column(d->table, name);
	struct db_column unknown = {.name = name};

	while (!at_end(d) && !sql_is(&d->r, ",") && !sql_is(&d->r, ")")) {
		const char *constraint = take_constraint_name(d);

		take_column_constraint(d, c ? c : &unknown, constraint);
	}
}

/* false: it is a column. */
static bool take_table_constraint(struct ddl *d)
{
	const char *name = take_constraint_name(d);
	bool is_primary = sql_is(&d->r, "PRIMARY") && sql_follows(&d->r, "KEY");

	if (is_primary || (sql_is(&d->r, "UNIQUE") && sql_follows(&d->r, "("))) {
		sql_step(&d->r);
		(void)accept(d, "KEY");
		struct db_constraint *c =
			add_constraint(d, is_primary ? DB_PRIMARY_KEY : DB_UNIQUE, name);

		c->columns = take_columns(d, &c->n_columns, &c->options);
		c->on_conflict = take_conflict(d);
	} else if (sql_is(&d->r, "CHECK") && sql_follows(&d->r, "(")) {
		sql_step(&d->r);
		take_check(d, name);
	} else if (sql_is(&d->r, "FOREIGN") && sql_follows(&d->r, "KEY")) {
		size_t n;

		sql_step(&d->r);
		sql_step(&d->r);
		const char **columns = take_columns(d, &n, NULL);

		(void)accept(d, "REFERENCES");
		take_reference(d, name, columns, n);
	} else {
		return false;
	}
	(void)take_conflict(d); /* of CHECK, where it has no meaning */
	return true;
}

void sqlite_ddl_table(struct arena *a, const char *sql, struct db_table *t)
{
	struct ddl d = {.arena = a, .table = t};
	const char *options;

	sql_begin(&d.r, sql);
	(void)accept(&d, "CREATE");
	if (accept(&d, "VIRTUAL")) {
		t->storage = "VIRTUAL TABLE";
		while (!at_end(&d) && !accept(&d, "USING"))
			sql_step(&d.r);
		t->options = take_rest(&d);
		return;
	}
	while (!at_end(&d) && !accept(&d, "("))
		sql_step(&d.r);
	while (!at_end(&d) && !accept(&d, ")")) {
		if (accept(&d, ","))
			continue;
		if (!take_table_constraint(&d))
			take_column(&d);
	}
	options = take_rest(&d);
	t->storage = *options ? options : NULL;
}

/* ---- indexes and views ---- */

/* One column: expression [COLLATE name] [ASC | DESC]. The reader ends at its comma or ). */
static void take_index_column(struct ddl *d, struct db_index *x, size_t i)
{
	const char *start = d->r.token.start, *expression, *collation = NULL;
	bool is_descending;

	while (!at_end(d) && !sql_is(&d->r, ",") && !sql_is(&d->r, ")") &&
	       !sql_is(&d->r, "COLLATE") && !sql_is(&d->r, "ASC") && !sql_is(&d->r, "DESC"))
		if (!sql_parenthesis(&d->r, d->arena))
			sql_step(&d->r);
	expression = sql_since(&d->r, start, d->arena);
	if (accept(d, "COLLATE"))
		collation = take_name(d);
	is_descending = accept(d, "DESC");
	(void)accept(d, "ASC");
	if (i >= x->n_columns)
		return;
	if (strcmp(x->columns[i], "(expression)") == 0)
		x->columns[i] = *expression == '(' ? expression
						   : arena_printf(d->arena, "(%s)", expression);
	if (!collation && !is_descending)
		return;
	if (!x->options)
		x->options = arena_array(d->arena, x->n_columns, sizeof(*x->options));
	x->options[i] = collation ? arena_printf(d->arena, "COLLATE %s%s", collation,
						 is_descending ? " DESC" : "")
				  : "DESC";
}

void sqlite_ddl_index(struct arena *a, const char *sql, struct db_index *x)
{
	struct ddl d = {.arena = a};

	sql_begin(&d.r, sql);
	while (!at_end(&d) && !sql_is(&d.r, "("))
		sql_step(&d.r);
	for (size_t i = 0; accept(&d, i == 0 ? "(" : ","); i++)
		take_index_column(&d, x, i);
	(void)accept(&d, ")");
	if (!accept(&d, "WHERE"))
		return;
	x->where = take_rest(&d);
}

const char *sqlite_ddl_view(struct arena *a, const char *sql)
{
	struct ddl d = {.arena = a};

	sql_begin(&d.r, sql);
	while (!at_end(&d) && !sql_is(&d.r, "AS"))
		if (!sql_parenthesis(&d.r, a))
			sql_step(&d.r);
	(void)accept(&d, "AS");
	return take_rest(&d);
}
