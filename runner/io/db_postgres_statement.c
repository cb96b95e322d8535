/*
 * db_postgres_statement: reads a statement as PostgreSQL's lexer would, and wraps it.
 *
 * A statement runs as `SELECT * FROM (<it>) q`, where nothing but a query can stand: COMMIT, DO,
 * COPY, SET are syntax errors there. That holds when what a user wrote cannot leave the
 * parentheses, so it must be whole: every quote and comment closed, every parenthesis closed by its
 * own, no semicolon but at the end. A comment at the end is ended by a line of its own.
 *
 * The same pass collects for the guard every word and every name that is called. Where the lexers
 * of PostgreSQL's versions differ (a number that runs into a word, U&"" names), or where the
 * meaning depends on settings (a continued E'' string), the statement is refused instead of
 * guessed at.
 *
 * EXPLAIN is taken, too, without ANALYZE: what follows is wrapped.
 *
 * Sources: PostgreSQL manual 4.1; src/backend/parser/scan.l.
 */
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/io/db_postgres.h"
#include "runner/io/db_token.h"

#define MAX_SQL_BYTES  ((size_t)4 * 1024 * 1024)
#define MAX_NAME_BYTES 63 /* NAMEDATALEN - 1: a longer one would be cut by the server */

enum token { TOKEN_OTHER = 0, TOKEN_NAME, TOKEN_ESCAPED /* an E'' string */ };

struct lexer {
	const char *at;
	struct arena *arena;
	struct buf out, operators, calls, call_schemas, call_names, words;
	struct map seen_words, seen_calls;
	enum token last;
	const char *name, *schema; /* of the last words: schema.name */
	bool is_after_dot;
	bool has_params;
	bool is_ended;	  /* a semicolon was seen */
	bool has_analyze; /* among the options of EXPLAIN */
	size_t n_tokens, depth;
	const char *first;	  /* the first word; NULL = a parenthesis */
	size_t explain_bytes;	  /* of `out` that are EXPLAIN and its options */
	bool is_explain;	  /* its options may follow */
	struct db_tokens *tokens; /* NULL = nobody wants them */
	struct err *e;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}

static bool is_word(char c)
{
	return is_word_start(c) || is_digit(c) || c == '$';
}

static int refuse(struct lexer *l, const char *what)
{
	return err_set(l->e, ERR_MEASURE, "cannot run the query: %s", what);
}

static int refuse_verb(struct lexer *l)
{
	return refuse(l, "an audit only reads (SELECT, VALUES, WITH ... SELECT), and this "
			 "statement does something else");
}

/* ---- what the guard wants ---- */

static void add_element(struct buf *list, const char *name)
{
	/* The caller looks at the buffers once, at the end. */
	(void)buf_puts(list, list->len == 0 ? "{\"" : ",\"");
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			(void)buf_putc(list, '\\');
		(void)buf_putc(list, *name);
	}
	(void)buf_putc(list, '"');
}

static void note_call(struct lexer *l)
{
	const char *key = arena_printf(l->arena, "%s(%s", l->schema ? l->schema : "", l->name);

	if (!map_put(&l->seen_calls, key, l))
		return;
	if (l->schema) {
		add_element(&l->call_schemas, l->schema);
		add_element(&l->call_names, l->name);
	} else {
		add_element(&l->calls, l->name);
	}
}

static void note_name(struct lexer *l, const char *name)
{
	l->schema = l->is_after_dot ? l->name : NULL;
	l->name = name;
	l->last = TOKEN_NAME;
	if (l->is_explain && (strcmp(name, "analyze") == 0 || strcmp(name, "analyse") == 0))
		l->has_analyze = true;
	if (map_put(&l->seen_words, name, l))
		add_element(&l->words, name);
}

/* ---- tokens ---- */

static void copy(struct lexer *l, const char *end)
{
	(void)buf_add(&l->out, l->at, (size_t)(end - l->at));
	l->at = end;
}

/* A quoted thing whose opening quote is at l->at; a doubled quote belongs to it. */
static int take_quoted(struct lexer *l, bool has_escapes)
{
	char quote = *l->at;
	const char *c = l->at + 1;

	for (; *c; c++) {
		if (has_escapes && *c == '\\' && c[1]) {
			c++;
			continue;
		}
		if (*c != quote)
			continue;
		if (c[1] != quote) {
			copy(l, c + 1);
			l->last = has_escapes ? TOKEN_ESCAPED : TOKEN_OTHER;
			return 0;
		}
		c++;
	}
	return refuse(l, "a quote in it is not closed");
}

static int take_dollar(struct lexer *l)
{
	const char *tag_end = l->at + 1;

	l->last = TOKEN_OTHER;
	if (is_digit(*tag_end)) {
		while (is_digit(*tag_end))
			tag_end++;
		if (is_word(*tag_end))
			return refuse(l, "a parameter in it runs into a word");
		copy(l, tag_end);
		return 0;
	}
	while (is_word(*tag_end) && *tag_end != '$')
		tag_end++;
	if (*tag_end != '$')
		return refuse(l, "a \"$\" in it opens no quote");
	const char *tag = arena_strndup(l->arena, l->at, (size_t)(tag_end + 1 - l->at));
	const char *end = strstr(tag_end + 1, tag);

	if (!end)
		return refuse(l, "a quote in it is not closed");
	copy(l, end + strlen(tag));
	return 0;
}

static int take_number(struct lexer *l)
{
	const char *c = l->at;

	if (*c == '0' && c[1] && strchr("xXoObB", c[1]))
		c += 2 + strspn(c + 2, "0123456789abcdefABCDEF_");
	else
		c += strspn(c, "0123456789_");
	if (*c == '.')
		c += 1 + strspn(c + 1, "0123456789_");
	if (*c == 'e' || *c == 'E') {
		const char *sign = c + 1 + (c[1] == '+' || c[1] == '-');

		if (is_digit(*sign))
			c = sign + strspn(sign, "0123456789_");
	}
	if (is_word(*c))
		return refuse(l, "a number in it runs into a word");
	copy(l, c);
	l->last = TOKEN_OTHER;
	return 0;
}

static int take_word(struct lexer *l)
{
	const char *start = l->at, *end = start;

	while (is_word(*end))
		end++;
	size_t n = (size_t)(end - start);
	char *name = arena_strndup(l->arena, start, n);

	if (end[0] == '\'' && n == 1 && (*start == 'e' || *start == 'E')) {
		copy(l, end);
		return take_quoted(l, true);
	}
	if (end[0] == '&' && end[1] == '"' && n == 1 && (*start == 'u' || *start == 'U'))
		return refuse(l, "a name in it is written as U&\"...\"; write its characters");
	if (n > MAX_NAME_BYTES)
		return refuse(l, "a name in it is longer than 63 bytes");
	/* ASCII only, as the server does unless its encoding has one byte a character. */
	for (char *c = name; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	copy(l, end);
	note_name(l, name);
	if (l->n_tokens == 0)
		l->first = name;
	return 0;
}

static int take_name(struct lexer *l)
{
	const char *start = l->at + 1;

	if (take_quoted(l, false) != 0)
		return -1;
	size_t n = (size_t)(l->at - 1 - start), kept = 0;
	char *name = arena_strndup(l->arena, start, n);

	if (n > MAX_NAME_BYTES)
		return refuse(l, "a name in it is longer than 63 bytes");
	for (size_t i = 0; i < n; i++) {
		name[kept++] = name[i];
		if (name[i] == '"')
			i++; /* doubled */
	}
	name[kept] = '\0';
	note_name(l, name);
	return 0;
}

static int take_comment(struct lexer *l)
{
	size_t depth = 0;
	const char *c = l->at;

	if (*c == '-') {
		copy(l, c + strcspn(c, "\r\n"));
		return 0;
	}
	do {
		if (c[0] == '/' && c[1] == '*') {
			depth++;
			c += 2;
		} else if (c[0] == '*' && c[1] == '/') {
			depth--;
			c += 2;
		} else if (*c++ == '\0') {
			return refuse(l, "a comment in it is not closed");
		}
	} while (depth > 0);
	copy(l, c);
	return 0;
}

static int take_parenthesis(struct lexer *l)
{
	if (*l->at == '(') {
		if (l->last == TOKEN_NAME)
			note_call(l);
		l->depth++;
	} else if (l->depth-- == 0) {
		return refuse(l, "a parenthesis in it closes none");
	}
	copy(l, l->at + 1);
	l->last = TOKEN_OTHER;
	return 0;
}

static int take_other(struct lexer *l)
{
	if (strchr("+-*/<>=~!@#%^&|`?", *l->at))
		(void)buf_putc(&l->operators, *l->at);
	else
		(void)buf_putc(&l->operators, ' ');
	if (*l->at == '?' && l->has_params && is_digit(l->at[1])) {
		(void)buf_putc(&l->out, '$');
		l->at++;
		l->last = TOKEN_OTHER;
		return take_number(l);
	}
	l->is_after_dot = *l->at == '.' && l->last == TOKEN_NAME;
	copy(l, l->at + 1);
	l->last = TOKEN_OTHER;
	return 0;
}

/* ---- the whole ---- */

/* What began at start and was just taken. */
static void note_token(struct lexer *l, const char *start)
{
	struct db_token t = {DB_TOKEN_OTHER, start, (size_t)(l->at - start), NULL};

	if (l->last == TOKEN_NAME) {
		t.type = *start == '"' ? DB_TOKEN_NAME : DB_TOKEN_WORD;
		t.name = l->name;
	} else if (*start == '\'' || l->last == TOKEN_ESCAPED) {
		const char *text = strchr(start, '\'') + 1;

		t.type = DB_TOKEN_TEXT;
		t.name = arena_strndup(l->arena, text, (size_t)(l->at - 1 - text));
	} else if (*start == '$' && t.len > 1 && l->at[-1] == '$') {
		const char *text = strchr(start + 1, '$') + 1;
		size_t tag = (size_t)(text - start);

		t.type = DB_TOKEN_TEXT;
		t.name = arena_strndup(l->arena, text, t.len - 2 * tag);
	} else if (t.len == 1 && !is_digit(*start)) {
		t.type = DB_TOKEN_MARK;
	}
	db_token_add(l->tokens, &t);
}

/* EXPLAIN, VERBOSE and a list of options stay outside of the parentheses. */
static bool is_before_query(const struct lexer *l, char c)
{
	if (l->n_tokens == 0)
		return strncasecmp(l->at, "explain", 7) == 0 && !is_word(l->at[7]);
	if (!l->is_explain)
		return false;
	if (l->depth > 0)
		return true;
	if (l->n_tokens == 1)
		return c == '(' || (strncasecmp(l->at, "verbose", 7) == 0 && !is_word(l->at[7]));
	return false;
}

static int take_token(struct lexer *l)
{
	char c = *l->at;
	bool was_escaped = l->last == TOKEN_ESCAPED;
	bool is_option = is_before_query(l, c);
	const char *start = l->at;
	int rc;

	if (l->is_ended)
		return refuse(l, "it has several statements, and a check runs one");
	if (!is_option && l->is_explain) {
		l->is_explain = false;
		l->n_tokens = 0;
		l->first = NULL;
	}
	if (c == '\'' && was_escaped)
		return refuse(l, "an E'' string in it goes on in a second one");
	if (is_word_start(c))
		rc = take_word(l);
	else if (c == '"')
		rc = take_name(l);
	else if (c == '\'')
		rc = take_quoted(l, false);
	else if (c == '$')
		rc = take_dollar(l);
	else if (is_digit(c) || (c == '.' && is_digit(l->at[1])))
		rc = take_number(l);
	else if (c == '(' || c == ')')
		rc = take_parenthesis(l);
	else
		rc = take_other(l);
	if (c != '.')
		l->is_after_dot = false;
	if (rc == 0 && l->tokens)
		note_token(l, start);
	if (is_option) {
		l->is_explain = true;
		l->explain_bytes = l->out.len;
	}
	l->n_tokens++;
	return rc;
}

static int take_all(struct lexer *l)
{
	while (*l->at) {
		if (strchr(" \t\r\n\f\v", *l->at)) {
			copy(l, l->at + 1);
		} else if ((l->at[0] == '-' && l->at[1] == '-') ||
			   (l->at[0] == '/' && l->at[1] == '*')) {
			if (take_comment(l) != 0)
				return -1;
		} else if (*l->at == ';') {
			(void)buf_putc(&l->out, ' ');
			l->at++;
			l->is_ended = true;
		} else if (take_token(l) != 0) {
			return -1;
		}
	}
	if (l->depth > 0)
		return refuse(l, "a parenthesis in it is not closed");
	if (l->n_tokens == 0 || l->is_explain)
		return refuse(l, "there is no statement in it");
	return 0;
}

static bool is_reading(const char *verb)
{
	static const char *const verbs[] = {"select", "values", "with", "table"};

	if (!verb)
		return true; /* a parenthesis; the server says what is in it */
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(verb, verbs[i]) == 0)
			return true;
	return false;
}

static const char *end_list(struct lexer *l, struct buf *list)
{
	(void)buf_puts(list, list->len == 0 ? "{}" : "}");
	return arena_strdup(l->arena, list->data);
}

static int finish(struct lexer *l, struct postgres_statement *st)
{
	if (l->has_analyze)
		return refuse(l, "EXPLAIN ANALYZE runs what it explains; leave ANALYZE out");
	if (!is_reading(l->first))
		return refuse_verb(l);
	if (l->out.is_full || l->words.is_full || l->calls.is_full || l->call_schemas.is_full ||
	    l->call_names.is_full)
		return refuse(l, "it is longer than 4 MiB");
	st->arena = l->arena;
	st->is_explain = l->explain_bytes > 0;
	st->sql = arena_printf(l->arena, "%.*s SELECT * FROM (\n%s\n) q", (int)l->explain_bytes,
			       l->out.data, l->out.data + l->explain_bytes);
	st->words = end_list(l, &l->words);
	st->calls = end_list(l, &l->calls);
	st->call_schemas = end_list(l, &l->call_schemas);
	st->call_names = end_list(l, &l->call_names);
	st->operators = arena_strdup(l->arena, l->operators.data);
	return 0;
}

/* st NULL: only its tokens are wanted. */
static int read_all(struct lexer *l, struct postgres_statement *st)
{
	struct buf *bufs[] = {&l->out,		&l->operators,	&l->calls,
			      &l->call_schemas, &l->call_names, &l->words};

	for (size_t i = 0; i < sizeof(bufs) / sizeof(*bufs); i++)
		buf_init(bufs[i], MAX_SQL_BYTES);
	map_init(&l->seen_words, l->arena);
	map_init(&l->seen_calls, l->arena);
	int rc = take_all(l) == 0 && (!st || finish(l, st) == 0) ? 0 : -1;

	for (size_t i = 0; i < sizeof(bufs) / sizeof(*bufs); i++)
		buf_release(bufs[i]);
	return rc;
}

int postgres_read_statement(struct postgres_statement *st, struct arena *a, const char *sql,
			    size_t n_params, struct err *e)
{
	struct lexer l = {.at = sql, .arena = a, .has_params = n_params > 0, .e = e};

	return read_all(&l, st);
}

int postgres_tokens(struct db_tokens *out, const char *sql, size_t n_params, struct err *e)
{
	struct lexer l = {
		.at = sql,
		.arena = out->arena,
		.has_params = n_params > 0,
		.tokens = out,
		.e = e,
	};

	return read_all(&l, NULL);
}
