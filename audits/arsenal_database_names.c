/*
 * arsenal_database_names: the tables behind FROM and JOIN of a statement that the engine accepted.
 *
 * A reader of words, not a parser. What it calls a table is looked up in the catalog, and that the
 * check reads it is tried (arsenal_database_look.c), so that a wrong name costs a look-up. A name
 * that the statement gives to a query of its own (WITH x AS) hides the table.
 */
#include <string.h>
#include <strings.h>

#include "audits/arsenal_database.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"

#define MAX_DEPTH 64

enum word_type { WORD_END, WORD_BARE, WORD_QUOTED, WORD_OTHER };

struct word {
	enum word_type type;
	const char *at; /* without quotes */
	size_t len;
	char quote; /* WORD_QUOTED: doubled within, means itself */
};

struct reader {
	enum db_engine engine;
	struct arena *arena;
	const char *at;
	struct word word, before; /* the present one, and the one before it */
	struct table_name *names, *own;
	size_t n, cap, n_own, cap_own;
	size_t depth;
	/* By depth of parentheses: in a list behind FROM, and behind a SELECT at all. */
	bool in_from[MAX_DEPTH], has_select[MAX_DEPTH];
	bool is_expected; /* the next name is a table's */
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static const char *skip_comment(const struct reader *r, const char *at)
{
	size_t depth = 0;

	do {
		if (strncmp(at, "/*", 2) == 0 && (depth == 0 || r->engine == DB_POSTGRES)) {
			depth++;
			at += 2;
		} else if (strncmp(at, "*/", 2) == 0) {
			depth--;
			at += 2;
		} else if (*at != '\0') {
			at++;
		}
	} while (depth > 0 && *at != '\0');
	return at;
}

static const char *skip_blanks(const struct reader *r)
{
	const char *at = r->at;

	for (;;) {
		at += strspn(at, " \t\n\v\f\r");
		if (strncmp(at, "--", 2) == 0 || (*at == '#' && r->engine == DB_MYSQL))
			at += strcspn(at, "\n");
		else if (strncmp(at, "/*", 2) == 0)
			at = skip_comment(r, at);
		else
			return at;
	}
}

/* At a quote: behind the closing one. */
static const char *end_of_quoted(const char *at, char close, bool has_escapes)
{
	for (at++; *at != '\0'; at++) {
		if (has_escapes && *at == '\\' && at[1] != '\0')
			at++;
		else if (*at == close && at[1] == close)
			at++;
		else if (*at == close)
			return at + 1;
	}
	return at;
}

/* PostgreSQL's $tag$...$tag$; NULL = there is none. */
static const char *end_of_dollars(const char *at)
{
	size_t n = 1 + strspn(at + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
				      "0123456789");

	if (at[n] != '$')
		return NULL;
	n++;
	for (const char *end = at + n; *end != '\0'; end++)
		if (strncmp(end, at, n) == 0)
			return end + n;
	return at + strlen(at);
}

static struct word quoted(const char *at, const char *end, char quote)
{
	return (struct word){WORD_QUOTED, at + 1, (size_t)(end - at) - 2, quote};
}

static struct word read_word(struct reader *r)
{
	const char *at = r->at = skip_blanks(r);
	bool is_escape = r->engine == DB_MYSQL ||
			 (r->engine == DB_POSTGRES && (at[0] | 0x20) == 'e' && at[1] == '\'');

	if (*at == '\0')
		return (struct word){.type = WORD_END, .at = at};
	if (*at == '\'' || (*at != '\0' && at[1] == '\'' && is_escape && *at != '`')) {
		r->at = end_of_quoted(*at == '\'' ? at : at + 1, '\'', is_escape);
		return (struct word){WORD_OTHER, "'", 1, 0};
	}
	if (*at == '"' && r->engine == DB_MYSQL) {
		r->at = end_of_quoted(at, '"', true);
		return (struct word){WORD_OTHER, "'", 1, 0};
	}
	if (*at == '"' || *at == '`' || (*at == '[' && r->engine == DB_SQLITE)) {
		char close = *at == '[' ? ']' : *at;

		r->at = end_of_quoted(at, close, false);
		return quoted(at, r->at, close);
	}
	if (*at == '$' && r->engine == DB_POSTGRES && end_of_dollars(at) != NULL) {
		r->at = end_of_dollars(at);
		return (struct word){WORD_OTHER, "'", 1, 0};
	}
	while (is_letter(*r->at))
		r->at++;
	if (r->at > at)
		return (struct word){WORD_BARE, at, (size_t)(r->at - at), 0};
	r->at++;
	return (struct word){WORD_OTHER, at, 1, 0};
}

static void step(struct reader *r)
{
	r->before = r->word;
	r->word = read_word(r);
}

static bool is_word(const struct word *w, const char *text)
{
	return w->type == WORD_BARE && strlen(text) == w->len &&
	       strncasecmp(w->at, text, w->len) == 0;
}

static bool is_mark(const struct word *w, char mark)
{
	return w->type == WORD_OTHER && *w->at == mark;
}

static bool is_one_of(const struct word *w, const char *const *words)
{
	for (; *words != NULL; words++)
		if (is_word(w, *words))
			return true;
	return false;
}

/* The name as the engine means it. */
static const char *name_of(const struct reader *r, const struct word *w)
{
	char *name = arena_alloc(r->arena, w->len + 1);
	size_t n = 0;

	for (size_t i = 0; i < w->len; i++) {
		char c = w->at[i];

		if (w->type == WORD_BARE && r->engine == DB_POSTGRES && c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		name[n++] = c;
		if (w->type == WORD_QUOTED && c == w->quote && i + 1 < w->len)
			i++;
	}
	name[n] = '\0';
	return name;
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

static bool is_name(const struct word *w)
{
	return w->type == WORD_BARE || w->type == WORD_QUOTED;
}

/* At a table's name, with what may stand before it; then behind it. A function's is none. */
static void take_table(struct reader *r)
{
	struct table_name name = {NULL, name_of(r, &r->word)};

	r->is_expected = false;
	step(r);
	while (is_mark(&r->word, '.')) {
		step(r);
		if (!is_name(&r->word))
			return;
		name = (struct table_name){name.name, name_of(r, &r->word)};
		step(r);
	}
	if (!is_mark(&r->word, '('))
		add(r, &r->names, &r->n, &r->cap, name);
}

/* "x AS (": a name of the statement's own. */
static void take_own(struct reader *r, const struct word *name)
{
	struct reader ahead = *r;

	step(&ahead);
	while (is_word(&ahead.word, "NOT") || is_word(&ahead.word, "MATERIALIZED"))
		step(&ahead);
	if (is_mark(&ahead.word, '(') && is_name(name))
		add(r, &r->own, &r->n_own, &r->cap_own,
		    (struct table_name){NULL, name_of(r, name)});
}

static void take_mark(struct reader *r)
{
	if (is_mark(&r->word, '(') && r->depth + 1 < MAX_DEPTH) {
		r->depth++;
		r->in_from[r->depth] = r->is_expected; /* "FROM (a JOIN b)" */
		r->has_select[r->depth] = false;
	} else if (is_mark(&r->word, ')')) {
		r->depth -= r->depth > 0 ? 1 : 0;
		r->is_expected = false;
	} else if (is_mark(&r->word, ',')) {
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

	if (is_word(&r->word, "FROM") && r->has_select[r->depth] &&
	    !is_word(&r->before, "DISTINCT")) {
		r->in_from[r->depth] = r->is_expected = true;
		return;
	}
	if (is_word(&r->word, "JOIN") || is_word(&r->word, "STRAIGHT_JOIN")) {
		r->is_expected = true;
		return;
	}
	if (is_word(&r->word, "LATERAL") || is_word(&r->word, "ONLY"))
		return;
	if (is_word(&r->word, "AS"))
		take_own(r, &r->before);
	if (is_one_of(&r->word, ends))
		r->in_from[r->depth] = false;
	if (is_word(&r->word, "SELECT"))
		r->has_select[r->depth] = true;
	r->is_expected = false;
}

static bool is_reserved(const struct word *w)
{
	static const char *const words[] = {"SELECT", "VALUES", "WITH",	 "LATERAL",
					    "ONLY",   "FROM",	"WHERE", NULL};

	return is_one_of(w, words);
}

struct table_name *siege_names(struct arena *a, enum db_engine engine, const char *sql, size_t *n)
{
	struct reader r = {.engine = engine, .arena = a, .at = sql};
	size_t n_kept = 0;

	step(&r);
	while (r.word.type != WORD_END) {
		if (r.is_expected && is_name(&r.word) && !is_reserved(&r.word)) {
			take_table(&r);
			continue;
		}
		if (r.word.type == WORD_BARE)
			take_word(&r);
		else
			take_mark(&r);
		step(&r);
	}
	for (size_t i = 0; i < r.n; i++) {
		bool is_kept = true;

		for (size_t k = 0; k < r.n_own && r.names[i].schema == NULL; k++)
			is_kept = is_kept && !db_same_name(engine, r.own[k].name, r.names[i].name);
		if (is_kept)
			r.names[n_kept++] = r.names[i];
	}
	*n = n_kept;
	return r.names;
}
