/*
 * arsenal_database_names: the tables behind FROM and JOIN of a statement that the engine accepted.
 *
 * A reader of words, not a parser. What it calls a table is looked up in the catalog, and that the
 * check reads it is tried (database_look.c), so that a wrong name costs a look-up. A name
 * that the statement gives to a query of its own (WITH x AS) hides the table.
 */
#include <string.h>

#include "audits/arsenal/database.h"
#include "runner/base/arena.h"
#include "runner/io/db_token.h"

#define MAX_DEPTH 64

struct reader {
	struct arena *arena;
	struct db_tokens tokens;
	size_t at;
	struct table_name *names, *own;
	size_t n, cap, n_own, cap_own;
	size_t depth;
	/* By depth of parentheses: in a list behind FROM, and behind a SELECT at all. */
	bool in_from[MAX_DEPTH], has_select[MAX_DEPTH];
	bool is_expected; /* the next name is a table's */
};

static bool is_name_at(const struct reader *r, size_t i)
{
	return db_token_is_name(db_token_at(&r->tokens, i));
}

static const char *name_at(const struct reader *r, size_t i)
{
	return db_token_at(&r->tokens, i)->name;
}

static void add(struct reader *r, struct table_name **names, size_t *n, size_t *cap,
		struct table_name name)
{
	if (*n == *cap) {
		struct table_name *grown;

		*cap = *cap == 0 ? 8 : *cap * 2;
		grown = arena_array(r->arena, *cap, sizeof(*grown));
		if (*n > 0)
			memcpy(grown, *names, *n * sizeof(*grown));
		*names = grown;
	}
	(*names)[(*n)++] = name;
}

/* At a table's name, with what may stand before it; then behind it. A function's is none. */
static void take_table(struct reader *r)
{
	struct table_name name = {NULL, name_at(r, r->at)};

	r->is_expected = false;
	r->at++;
	while (db_mark_at(&r->tokens, r->at, '.') && is_name_at(r, r->at + 1)) {
		name = (struct table_name){name.name, name_at(r, r->at + 1)};
		r->at += 2;
	}
	if (!db_mark_at(&r->tokens, r->at, '(') && !db_mark_at(&r->tokens, r->at, '.'))
		add(r, &r->names, &r->n, &r->cap, name);
}

/* The name before the AS at which the reader is, "x AS" and "x(a, b) AS": its place. */
static size_t named_before(const struct reader *r)
{
	size_t i = r->at - 1;

	if (!db_mark_at(&r->tokens, i, ')'))
		return i;
	while (i > 0 && i < r->tokens.n && !db_mark_at(&r->tokens, i, '('))
		i--;
	return i - 1;
}

/* "x AS (", at the AS: a name of the statement's own. */
static void take_own(struct reader *r)
{
	size_t ahead = r->at + 1, name = named_before(r);

	while (db_word_at(&r->tokens, ahead, "NOT") ||
	       db_word_at(&r->tokens, ahead, "MATERIALIZED"))
		ahead++;
	if (db_mark_at(&r->tokens, ahead, '(') && is_name_at(r, name))
		add(r, &r->own, &r->n_own, &r->cap_own,
		    (struct table_name){NULL, name_at(r, name)});
}

static void take_mark(struct reader *r)
{
	if (db_mark_at(&r->tokens, r->at, '(') && r->depth + 1 < MAX_DEPTH) {
		r->depth++;
		r->in_from[r->depth] = r->is_expected; /* "FROM (a JOIN b)" */
		r->has_select[r->depth] = false;
	} else if (db_mark_at(&r->tokens, r->at, ')')) {
		r->depth -= r->depth > 0 ? 1 : 0;
		r->is_expected = false;
	} else if (db_mark_at(&r->tokens, r->at, ',')) {
		r->is_expected = r->in_from[r->depth];
	} else {
		r->is_expected = false;
	}
}

static void take_word(struct reader *r)
{
	static const char *const ends[] = {"WHERE",  "GROUP",	  "ORDER",  "HAVING", "LIMIT",
					   "UNION",  "INTERSECT", "EXCEPT", "WINDOW", "FETCH",
					   "OFFSET", "FOR",	  "SELECT", NULL};

	if (db_word_at(&r->tokens, r->at, "FROM") && r->has_select[r->depth] &&
	    !db_word_at(&r->tokens, r->at - 1, "DISTINCT")) {
		r->in_from[r->depth] = r->is_expected = true;
		return;
	}
	if (db_word_at(&r->tokens, r->at, "JOIN") ||
	    db_word_at(&r->tokens, r->at, "STRAIGHT_JOIN")) {
		r->is_expected = true;
		return;
	}
	if (db_word_at(&r->tokens, r->at, "LATERAL") || db_word_at(&r->tokens, r->at, "ONLY"))
		return;
	if (db_word_at(&r->tokens, r->at, "AS"))
		take_own(r);
	if (db_one_of_at(&r->tokens, r->at, ends))
		r->in_from[r->depth] = false;
	if (db_word_at(&r->tokens, r->at, "SELECT"))
		r->has_select[r->depth] = true;
	r->is_expected = false;
}

static bool is_reserved(const struct reader *r)
{
	static const char *const words[] = {"SELECT", "VALUES", "WITH",	 "LATERAL",
					    "ONLY",   "FROM",	"WHERE", NULL};

	return db_one_of_at(&r->tokens, r->at, words);
}

/* Those that the statement did not make itself. */
static size_t keep_real(enum db_engine engine, struct reader *r)
{
	size_t n_kept = 0;

	for (size_t i = 0; i < r->n; i++) {
		bool is_kept = true;

		for (size_t k = 0; k < r->n_own && r->names[i].schema == NULL; k++)
			is_kept =
				is_kept && !db_same_name(engine, r->own[k].name, r->names[i].name);
		if (is_kept)
			r->names[n_kept++] = r->names[i];
	}
	return n_kept;
}

struct table_name *siege_names(struct arena *a, enum db_engine engine, const char *sql, size_t *n)
{
	struct reader r = {.arena = a, .tokens = {.arena = a}};

	*n = 0;
	if (db_tokens_of(engine, &r.tokens, sql, NULL) != 0)
		return NULL;
	while (r.at < r.tokens.n) {
		if (r.is_expected && is_name_at(&r, r.at) && !is_reserved(&r)) {
			take_table(&r);
			continue;
		}
		if (db_token_at(&r.tokens, r.at)->type == DB_TOKEN_WORD)
			take_word(&r);
		else
			take_mark(&r);
		r.at++;
	}
	*n = keep_real(engine, &r);
	return r.names;
}

bool siege_equates(struct arena *a, enum db_engine engine, const char *sql, const char *one,
		   const char *other)
{
	struct reader r = {.arena = a, .tokens = {.arena = a}};

	if (db_tokens_of(engine, &r.tokens, sql, NULL) != 0)
		return false;
	for (size_t i = 1; i < r.tokens.n; i++) {
		size_t right = i + 1;

		if (!db_mark_at(&r.tokens, i, '='))
			continue;
		while (db_mark_at(&r.tokens, right + 1, '.'))
			right += 2;
		if (!is_name_at(&r, i - 1) || !is_name_at(&r, right))
			continue;
		const char *x = name_at(&r, i - 1), *y = name_at(&r, right);

		if ((db_same_name(engine, x, one) && db_same_name(engine, y, other)) ||
		    (db_same_name(engine, x, other) && db_same_name(engine, y, one)))
			return true;
	}
	return false;
}
