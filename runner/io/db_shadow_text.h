/*
 * db_shadow_text: a statement that sees other tables in place of some; private to the db files.
 *
 * The body of a shadow goes before the statement as a common table expression, into the WITH that
 * it begins with if there is one. Nothing is wrapped, so names, order and duplicates of the result
 * columns stay what they were, as do parameters, a semicolon and a comment at the end.
 *
 *	SELECT sum(total) FROM orders
 *	WITH orders AS (body) SELECT sum(total) FROM orders
 *
 *	SELECT main.orders.id FROM main.orders
 *	WITH assize_shadow_0 AS (body) SELECT orders.id FROM assize_shadow_0 AS orders
 *
 * A table named without its schema is found by the engine itself, at every level and by its own
 * rules: a nearer name of the statement's own goes first. A table named with its schema can only be
 * that table, so there the text is changed, to a name that nothing else has.
 */
#ifndef ASSIZE_IO_DB_SHADOW_TEXT_H
#define ASSIZE_IO_DB_SHADOW_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/io/db.h"
#include "runner/io/db_token.h"

struct arena;
struct err;

struct shadow_target {
	const char *schema; /* NULL = nothing is named with one */
	const char *table;
	const char *body;
	bool is_bare; /* without a schema its name means this table */
	bool is_used; /* out: the statement names it */
};

/* SQLite's names of the number of a row, which a column of that name hides. */
#define SHADOW_ROWIDS 3
extern const char *const shadow_rowids[SHADOW_ROWIDS];

struct shadow_text {
	enum db_engine engine;
	bool is_exact; /* names of tables differ by case (MySQL) */
	const char *sql;
	const struct db_tokens *tokens; /* of sql; what is made lives in their arena */
	struct shadow_target *targets;
	size_t n_targets;
	/* out */
	const char *shadowed; /* NULL = no target is named: the statement is asked as it is */
	bool asks_rowid[SHADOW_ROWIDS]; /* without saying of which table */
};

/* -1: what it names cannot be seen through a shadow. */
int shadow_put(struct shadow_text *t, struct err *e);

/* "cannot put another table in place of "orders": why". Always -1. */
int shadow_refuse(const struct shadow_target *target, const char *why, struct err *e);

#endif
