/*
 * db_shadow_text: finds the names of shadowed tables in a statement, and puts the shadows before
 * it.
 *
 * This is a lexer's view, not a parser's, so it errs on one side: what could be the table and is
 * not understood is refused. It need not tell a table from a column of the same name, because a
 * common table expression that nothing refers to changes nothing. What a chain of names means does
 * follow from its length: schema.table is a table (unless something else is called like the schema,
 * which is refused), and schema.table.column a column of it.
 *
 * Measured on SQLite 3.40, PostgreSQL 15 and MariaDB 10.11: a name with its schema never finds a
 * common table expression, also inside of one of the same name.
 */
#include "runner/io/db_shadow_text.h"

#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db_shadow_lists.h"

#define PRIVATE "assize_shadow_"

const char *const shadow_rowids[SHADOW_ROWIDS] = {"rowid", "_rowid_", "oid"};

struct edit {
	const char *at;
	size_t len;
	const char *text;
};

/* What the statement does with one target. */
struct use {
	bool is_bare, is_private, is_inline;
	bool is_stripped;      /* a column was named with the schema */
	bool has_namesake;     /* a table of another schema, or a column, is called like it */
	bool has_schema_alias; /* something is called like its schema */
};

struct weaver {
	struct shadow_text *text;
	struct arena *arena;
	size_t n; /* tokens */
	struct use *uses;
	struct edit *edits;
	size_t n_edits;
	struct shadow_lists lists;
	struct err *e;
};

int shadow_refuse(const struct shadow_target *target, const char *why, struct err *e)
{
	return err_set(e, ERR_MEASURE, "cannot put another table in place of \"%s\": %s",
		       target->table, why);
}

/* ---- tokens ---- */

static const struct db_token *token(const struct weaver *w, size_t i)
{
	return db_token_at(w->text->tokens, i);
}

static bool is_mark(const struct weaver *w, size_t i, char mark)
{
	return db_mark_at(w->text->tokens, i, mark);
}

static bool is_word(const struct weaver *w, size_t i, const char *word)
{
	return db_word_at(w->text->tokens, i, word);
}

static bool is_one_of(const struct weaver *w, size_t i, const char *const *words)
{
	return db_one_of_at(w->text->tokens, i, words);
}

/* SQLite takes a text for a name where it is a part of a longer one. */
static bool is_part(const struct weaver *w, size_t i)
{
	const struct db_token *t = token(w, i);

	if (db_token_is_name(t))
		return true;
	return w->text->engine == DB_SQLITE && t->type == DB_TOKEN_TEXT &&
	       (is_mark(w, i - 1, '.') || is_mark(w, i + 1, '.'));
}

static bool is_named(const struct weaver *w, size_t i, const char *name)
{
	return shadow_is_named(w->text, i, name);
}

/* How many names are joined by points from i on. */
static size_t chain_length(const struct weaver *w, size_t i)
{
	size_t n = 1;

	while (is_mark(w, i + 2 * n - 1, '.') && is_part(w, i + 2 * n))
		n++;
	return n;
}

static int refuse(struct weaver *w, size_t target, const char *why)
{
	return shadow_refuse(&w->text->targets[target], why, w->e);
}

/* ---- what a statement names ---- */

static void edit(struct weaver *w, const char *from, const char *to, const char *text)
{
	w->edits[w->n_edits++] = (struct edit){from, (size_t)(to - from), text};
}

/* Is what stands behind a table its alias? */
static bool has_alias(const struct weaver *w, size_t next)
{
	static const char *const others[] = {
		"on",	     "using",	  "where",     "join",	 "inner",	  "left",
		"right",     "full",	  "outer",     "cross",	 "natural",	  "group",
		"having",    "window",	  "order",     "limit",	 "offset",	  "fetch",
		"for",	     "union",	  "intersect", "except", "minus",	  "not",
		"indexed",   "use",	  "force",     "ignore", "straight_join", "tablesample",
		"partition", "procedure", "into",      "lock",	 "set",		  "qualify",
		"and",	     "or",	  NULL,
	};
	const struct db_token *t = token(w, next);

	if (t->type == DB_TOKEN_TEXT)
		return w->text->engine == DB_SQLITE;
	return db_token_is_name(t) && !is_one_of(w, next, others);
}

/* A table at tokens i to last becomes the private one of its target, or the body itself. */
static void put_table(struct weaver *w, size_t k, size_t i, size_t last)
{
	static const char *const bare[] = {"in", "table", NULL};
	const struct shadow_target *t = &w->text->targets[k];
	const struct db_token *end = token(w, last);
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the driver looks at the length of the statement */
	if (shadow_is_nested(&w->lists, i)) {
		(void)buf_printf(&b, "(\n%s\n)", t->body);
		w->uses[k].is_inline = true;
	} else {
		(void)buf_printf(&b, PRIVATE "%zu", k);
		w->uses[k].is_private = true;
	}
	if (!has_alias(w, last + 1) && !is_one_of(w, i - 1, bare)) {
		(void)buf_puts(&b, " AS ");
		db_quote(w->text->engine, &b, t->table);
	}
	edit(w, token(w, i)->at, end->at + end->len, arena_strndup(w->arena, b.data, b.len));
	buf_release(&b);
}

static bool is_only(const struct weaver *w, size_t i)
{
	return is_word(w, i - 1, "only") || (is_mark(w, i - 1, '(') && is_word(w, i - 2, "only"));
}

/* What is asked of a table at tokens i to last that a shadow would be silent about. */
static int refuse_part(struct weaver *w, size_t k, size_t i, size_t last)
{
	if (is_only(w, i))
		return refuse(w, k, "ONLY asks for it without the tables that inherit from it");
	if (is_word(w, last + 1, "partition") && is_mark(w, last + 2, '('))
		return refuse(w, k, "the query asks for a partition of it");
	if (is_word(w, last + 1, "for") && is_word(w, last + 2, "system_time"))
		return refuse(w, k, "the query asks for a state of the past");
	return 0;
}

/* The name alone, at token i, which may also be that of a column. */
static int look_at_bare(struct weaver *w, size_t k, size_t i)
{
	static const char *const before[] = {"from", "join", "straight_join", "table", NULL};
	enum shadow_meaning meaning = shadow_meaning_of(&w->lists, k, i);

	if (!w->text->targets[k].is_bare || meaning == SHADOW_MEANS_OTHER)
		return 0;
	if (refuse_part(w, k, i, i) != 0)
		return -1;
	if (meaning == SHADOW_MEANS_FOUND)
		w->uses[k].is_bare = true;
	else if (meaning == SHADOW_MEANS_UNKNOWN || is_mark(w, i - 1, ',') ||
		 is_mark(w, i - 1, '(') || is_word(w, i - 1, "oj")) /* {oj orders ... */
		return refuse(w, k,
			      "the query gives its name to something else, and it is not clear "
			      "which of the two is meant");
	else if (is_one_of(w, i - 1, before))
		put_table(w, k, i, i);
	return 0;
}

/* MariaDB takes .table for the table, where no schema is before the point. */
static bool has_no_schema(const struct weaver *w, size_t i)
{
	static const char *const before[] = {"from", "join", "straight_join", NULL};

	return w->text->engine == DB_MYSQL && is_one_of(w, i, before);
}

static int look_at_chain(struct weaver *w, size_t k, size_t i, size_t n)
{
	const struct shadow_target *t = &w->text->targets[k];
	struct use *u = &w->uses[k];
	bool is_open = is_mark(w, i + 2 * n - 1, '.'); /* schema.table.* */
	bool is_called = is_mark(w, i + 2 * n - 1, '(');

	if (is_named(w, i + 2 * (n - 1), t->schema) && !is_open)
		u->has_schema_alias = true;
	if (is_mark(w, i - 1, '.'))
		return 0; /* (row).field */
	if (n == 1)
		return is_named(w, i, t->table) && !is_open && !is_called ? look_at_bare(w, k, i)
									  : 0;
	if (n >= 3 && is_named(w, i + 2, t->schema) && is_named(w, i + 4, t->table) &&
	    (w->text->engine == DB_POSTGRES || w->text->engine == DB_ODBC))
		return refuse(w, k, "the query names it with its database");
	if (!is_named(w, i + 2, t->table) || (n == 2 && is_called))
		return 0;
	if (has_no_schema(w, i))
		return refuse(w, k, "the query names it with a point before it");
	if (!is_named(w, i, t->schema)) {
		u->has_namesake = true;
		return 0;
	}
	if (n == 2 && !is_open) {
		if (refuse_part(w, k, i, i + 2) != 0)
			return -1;
		put_table(w, k, i, i + 2);
		return 0;
	}
	u->is_stripped = true;
	edit(w, token(w, i)->at, token(w, i + 2)->at, "");
	return 0;
}

/* Is a text what a function finds a table by: f('orders'), 'orders'::regclass? */
static bool is_looked_up(const struct weaver *w, size_t i)
{
	static const char *const others[] = {
		"in",	   "values", "any",	 "some",      "all",	"and",	     "or",
		"not",	   "on",     "where",	 "when",      "then",	"else",	     "case",
		"between", "like",   "ilike",	 "as",	      "using",	"select",    "from",
		"by",	   "having", "over",	 "filter",    "lower",	"upper",     "coalesce",
		"nullif",  "ifnull", "concat",	 "max",	      "min",	"count",     "length",
		"replace", "trim",   "substr",	 "substring", "left",	"right",     "md5",
		"instr",   "strpos", "position", "quote",     "format", "concat_ws", "exists",
		NULL,
	};

	if (is_word(w, i - 1, "regclass"))
		return true;
	if (is_mark(w, i + 1, ':') && is_mark(w, i + 2, ':') && db_token_is_name(token(w, i + 3)) &&
	    str_starts(token(w, i + 3)->name, "reg"))
		return true;
	return is_mark(w, i - 1, '(') && db_token_is_name(token(w, i - 2)) &&
	       !str_starts(token(w, i - 2)->name, "assize_") && !is_one_of(w, i - 2, others);
}

static void fold(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

static int look_at_text(struct weaver *w, size_t k, size_t i)
{
	const struct shadow_target *t = &w->text->targets[k];
	enum db_engine engine = w->text->engine;
	static const char *const before[] = {"from", "join", "in", NULL};
	bool is_name = is_one_of(w, i - 1, before) || is_mark(w, i - 1, ',');
	char *text = arena_strdup(w->arena, token(w, i)->name);
	bool is_table = false;

	if (engine == DB_SQLITE && is_name && is_named(w, i, t->table) &&
	    look_at_bare(w, k, i) != 0)
		return -1;
	/* Whatever the case: a function may fold it. */
	for (int folded = 0; folded < 2; folded++) {
		is_table = is_table || db_names_table(engine, text, NULL, t->table) ||
			   (t->schema && db_names_table(engine, text, t->schema, t->table));
		fold(text);
	}
	if (is_table && is_looked_up(w, i))
		return refuse(w, k,
			      "the query also names it in a text, which finds the table itself");
	return 0;
}

static int look(struct weaver *w)
{
	for (size_t i = 0; i < w->n;) {
		bool is_chain = is_part(w, i), is_text = token(w, i)->type == DB_TOKEN_TEXT;
		size_t n = is_chain ? chain_length(w, i) : 1;

		for (size_t k = 0; k < w->text->n_targets; k++)
			if ((is_chain && look_at_chain(w, k, i, n) != 0) ||
			    (!is_chain && is_text && look_at_text(w, k, i) != 0))
				return -1;
		i += 2 * n - 1;
	}
	return 0;
}

/* ---- what no shadow has ---- */

static int refuse_others(struct weaver *w, size_t k)
{
	static const char *const heads[] = {"select", "with", "values", "table", NULL};
	const struct use *u = &w->uses[k];

	if (w->text->engine == DB_ODBC)
		return refuse(w, k, "the dialect of a database behind ODBC is not known");
	if (!is_one_of(w, 0, heads) && !is_mark(w, 0, '('))
		return refuse(w, k, "the statement is no query");
	if (u->has_schema_alias && (u->is_private || u->is_inline))
		return refuse(w, k, "the query gives the name of its schema to something else");
	if (u->has_namesake && u->is_stripped)
		return refuse(w, k, "the query also names another table that is called like it");
	return 0;
}

/* SQLite's are told by their names alone, so that it is the session's to say what they are. */
static int look_at_columns(struct weaver *w, size_t k, size_t i)
{
	static const char *const system[] = {"ctid", "xmin",	 "xmax", "cmin",
					     "cmax", "tableoid", NULL};
	const struct db_token *t = token(w, i);

	if (!db_token_is_name(t) || is_mark(w, i + 1, '('))
		return 0;
	for (size_t r = 0; r < SHADOW_ROWIDS && w->text->engine == DB_SQLITE; r++)
		if (!is_mark(w, i - 1, '.') && strcasecmp(t->name, shadow_rowids[r]) == 0)
			w->text->asks_rowid[r] = true;
	for (size_t r = 0; system[r] && w->text->engine == DB_POSTGRES; r++)
		if (strcmp(t->name, system[r]) == 0)
			return refuse(w, k, "the query asks for a system column");
	return 0;
}

static int refuse_column(struct weaver *w, size_t k)
{
	static const char *const locks[] = {"update", "share", "no", "key", NULL};

	for (size_t i = 0; i < w->n; i++) {
		if (is_word(w, i, "for") && is_one_of(w, i + 1, locks))
			return refuse(w, k, "the query locks rows");
		if (db_token_is_name(token(w, i)) && str_starts(token(w, i)->name, PRIVATE))
			return refuse(w, k, "the query uses a name that begins with " PRIVATE);
		if (look_at_columns(w, k, i) != 0)
			return -1;
	}
	return 0;
}

static int find_uses(struct weaver *w, bool *is_any)
{
	*is_any = false;
	for (size_t k = 0; k < w->text->n_targets; k++) {
		const struct use *u = &w->uses[k];
		bool is_used = u->is_bare || u->is_private || u->is_inline;

		w->text->targets[k].is_used = is_used;
		if (u->is_stripped && !is_used)
			return refuse(w, k, "the query names columns of it, and never the table");
		*is_any = *is_any || is_used;
		if (is_used && (refuse_others(w, k) != 0 || refuse_column(w, k) != 0))
			return -1;
	}
	return 0;
}

/* ---- the result; the caller looks at the buffer once, at the end ---- */

static const char *gap(const struct weaver *w, size_t *n)
{
	return (*n)++ > 0 ? ", " : w->lists.has_with ? "" : "WITH ";
}

static void put_definition(const struct weaver *w, struct buf *out, size_t k, size_t *n)
{
	const struct shadow_target *t = &w->text->targets[k];
	const struct use *u = &w->uses[k];
	const char *as = w->text->engine == DB_POSTGRES ? " AS NOT MATERIALIZED (" : " AS (";

	if (u->is_private)
		(void)buf_printf(out, "%s" PRIVATE "%zu%s\n%s\n)", gap(w, n), k, as, t->body);
	if (!u->is_bare)
		return;
	(void)buf_puts(out, gap(w, n));
	db_quote(w->text->engine, out, t->table);
	if (u->is_private)
		(void)buf_printf(out, "%sSELECT * FROM " PRIVATE "%zu)", as, k);
	else
		(void)buf_printf(out, "%s\n%s\n)", as, t->body);
}

static const char *put_together(const struct weaver *w)
{
	const char *from = w->lists.insert, *made;
	struct buf b;
	size_t n = 0;

	buf_init(&b, BUF_UNBOUNDED); /* the driver looks at its length */
	(void)buf_add(&b, w->text->sql, (size_t)(from - w->text->sql));
	for (size_t k = 0; k < w->text->n_targets; k++)
		put_definition(w, &b, k, &n);
	if (n > 0)
		(void)buf_puts(&b, w->lists.has_with ? ", " : " ");
	for (size_t i = 0; i < w->n_edits; i++) {
		const struct edit *e = &w->edits[i];

		if (e->at < from)
			continue; /* one table was given twice */
		(void)buf_add(&b, from, (size_t)(e->at - from));
		(void)buf_puts(&b, e->text);
		from = e->at + e->len;
	}
	(void)buf_puts(&b, from);
	made = arena_strndup(w->arena, b.data, b.len);
	buf_release(&b);
	return made;
}

int shadow_put(struct shadow_text *t, struct err *e)
{
	struct weaver w = {
		.text = t,
		.arena = t->tokens->arena,
		.n = t->tokens->n,
		.e = e,
	};
	bool is_any;

	t->shadowed = NULL;
	memset(t->asks_rowid, 0, sizeof(t->asks_rowid));
	w.uses = arena_array(w.arena, t->n_targets + 1, sizeof(*w.uses));
	w.edits = arena_array(w.arena, w.n * t->n_targets + 1, sizeof(*w.edits));
	shadow_read_lists(t, &w.lists);
	if (look(&w) != 0 || find_uses(&w, &is_any) != 0)
		return -1;
	if (is_any)
		t->shadowed = put_together(&w);
	return 0;
}
