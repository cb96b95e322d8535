/*
 * schema_type: one table of words; a type is a word, its arguments, and unsigned or [] behind it.
 */
#include "audits/schema_type.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"

/* Ordered within a sort from narrow to wide. */
enum kind {
	OTHER = 0, /* compared by name */
	TINYINT,
	SMALLINT,
	MEDIUMINT,
	INT,
	BIGINT,
	FLOAT,
	DOUBLE,
	NUMERIC,
	CHAR,
	VARCHAR,
	TINYTEXT,
	TEXT,
	MEDIUMTEXT,
	LONGTEXT,
	BINARY,
	VARBINARY,
	TINYBLOB,
	BLOB,
	MEDIUMBLOB,
	LONGBLOB,
	BOOLEAN,
	DATE,
	TIME,
	TIMETZ,
	TIMESTAMP,
	TIMESTAMPTZ,
	INTERVAL,
	VARBIT,
	JSON,
	JSONB,
	UUID,
	/* sorts: expected only */
	ANY_INTEGER,
	ANY_REAL,
	ANY_NUMERIC,
	ANY_TEXT,
	ANY_BLOB,
};

/* expected: what the word asks for; declared: what it is where an engine prints it. */
static const struct word {
	const char *name;
	enum kind expected, declared;
} words[] = {
	{"integer", ANY_INTEGER, INT},
	{"tinyint", TINYINT, TINYINT},
	{"smallint", SMALLINT, SMALLINT},
	{"int2", SMALLINT, SMALLINT},
	{"smallserial", SMALLINT, SMALLINT},
	{"mediumint", MEDIUMINT, MEDIUMINT},
	{"int", INT, INT},
	{"int4", INT, INT},
	{"serial", INT, INT},
	{"bigint", BIGINT, BIGINT},
	{"int8", BIGINT, BIGINT},
	{"bigserial", BIGINT, BIGINT},
	{"real", ANY_REAL, FLOAT},
	{"float", ANY_REAL, FLOAT},
	{"float4", FLOAT, FLOAT},
	{"double", DOUBLE, DOUBLE},
	{"double precision", DOUBLE, DOUBLE},
	{"float8", DOUBLE, DOUBLE},
	{"numeric", ANY_NUMERIC, NUMERIC},
	{"decimal", ANY_NUMERIC, NUMERIC},
	{"dec", ANY_NUMERIC, NUMERIC},
	{"char", CHAR, CHAR},
	{"character", CHAR, CHAR},
	{"nchar", CHAR, CHAR},
	{"bpchar", CHAR, CHAR},
	{"varchar", VARCHAR, VARCHAR},
	{"character varying", VARCHAR, VARCHAR},
	{"nvarchar", VARCHAR, VARCHAR},
	{"varying character", VARCHAR, VARCHAR},
	{"text", ANY_TEXT, TEXT},
	{"tinytext", TINYTEXT, TINYTEXT},
	{"mediumtext", MEDIUMTEXT, MEDIUMTEXT},
	{"longtext", LONGTEXT, LONGTEXT},
	{"clob", ANY_TEXT, TEXT},
	{"blob", ANY_BLOB, BLOB},
	{"bytea", ANY_BLOB, BLOB},
	{"binary", BINARY, BINARY},
	{"varbinary", VARBINARY, VARBINARY},
	{"tinyblob", TINYBLOB, TINYBLOB},
	{"mediumblob", MEDIUMBLOB, MEDIUMBLOB},
	{"longblob", LONGBLOB, LONGBLOB},
	{"boolean", BOOLEAN, BOOLEAN},
	{"bool", BOOLEAN, BOOLEAN},
	{"date", DATE, DATE},
	{"time", TIME, TIME},
	{"time without time zone", TIME, TIME},
	{"timetz", TIMETZ, TIMETZ},
	{"time with time zone", TIMETZ, TIMETZ},
	{"timestamp", TIMESTAMP, TIMESTAMP},
	{"timestamp without time zone", TIMESTAMP, TIMESTAMP},
	{"datetime", TIMESTAMP, TIMESTAMP},
	{"timestamptz", TIMESTAMPTZ, TIMESTAMPTZ},
	{"timestamp with time zone", TIMESTAMPTZ, TIMESTAMPTZ},
	{"interval", INTERVAL, INTERVAL},
	{"varbit", VARBIT, VARBIT},
	{"bit varying", VARBIT, VARBIT},
	{"json", JSON, JSON},
	{"jsonb", JSONB, JSONB},
	{"uuid", UUID, UUID},
};

struct type {
	const char *text; /* the whole, canonical */
	const char *name; /* without arguments, unsigned and [] */
	const char *args; /* "10,2"; NULL = none */
	bool is_unsigned;
	bool is_array;
	enum kind expected, declared;
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '"';
}

/* Lower case but for quoted text, white space only between two words, and there one space. */
static const char *canonical(struct arena *a, const char *type)
{
	char *out = arena_alloc(a, strlen(type) + 1);
	size_t n = 0;
	char quote = '\0';

	for (const char *s = type; *s; s++) {
		bool is_space = *s == ' ' || *s == '\t' || *s == '\n' || *s == '\r';
		char next = lower(s[strspn(s, " \t\r\n")]);

		if (quote || !is_space)
			out[n++] = quote ? *s : lower(*s);
		else if (n > 0 && (is_word(out[n - 1]) || out[n - 1] == ')') && is_word(next))
			out[n++] = ' ';
		if (*s == quote)
			quote = '\0';
		else if (!quote && (*s == '\'' || *s == '"'))
			quote = *s;
	}
	out[n] = '\0';
	return out;
}

/* Cuts word off the end of text; true when it was there. */
static bool cut(char *text, const char *word)
{
	if (!str_ends(text, word) || strlen(text) == strlen(word))
		return false;
	text[strlen(text) - strlen(word)] = '\0';
	return true;
}

static struct type parse(struct arena *a, const char *text)
{
	struct type t = {.text = canonical(a, text)};
	char *name = arena_strdup(a, t.text), *open, *close;

	while (cut(name, "[]"))
		t.is_array = true;
	(void)cut(name, " zerofill");
	t.is_unsigned = cut(name, " unsigned");
	open = strchr(name, '(');
	close = open ? strrchr(open, ')') : NULL;
	if (close) {
		t.args = arena_strndup(a, open + 1, (size_t)(close - open - 1));
		memmove(open, close + 1, strlen(close + 1) + 1);
	}
	t.name = name;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].name, name) != 0)
			continue;
		t.expected = words[i].expected;
		t.declared = words[i].declared;
		/* a sort with arguments is that one type */
		if (t.args)
			t.expected = t.declared;
	}
	return t;
}

static bool is_integer(enum kind k)
{
	return k >= TINYINT && k <= BIGINT;
}

static bool is_text(enum kind k)
{
	return k >= CHAR && k <= LONGTEXT;
}

static bool is_blob(enum kind k)
{
	return k >= BINARY && k <= LONGBLOB;
}

/* "10" and "10,0" are one precision and scale; other arguments are compared as text. */
static bool same_args(enum kind kind, const char *a, const char *b)
{
	size_t n_a = strlen(a), n_b = strlen(b);

	if (kind == NUMERIC) {
		n_a -= str_ends(a, ",0") ? 2 : 0;
		n_b -= str_ends(b, ",0") ? 2 : 0;
	}
	return n_a == n_b && strncmp(a, b, n_a) == 0;
}

static bool is_mysql_boolean(enum db_engine engine, const struct type *t)
{
	return engine == DB_MYSQL && t->declared == TINYINT && t->args &&
	       strcmp(t->args, "1") == 0 && !t->is_unsigned;
}

/* ---- SQLite: affinity ---- */

/* Looked for in this order. */
static enum kind affinity(const char *declared)
{
	static const struct {
		const char *part;
		enum kind affinity;
	} rules[] = {
		{"int", ANY_INTEGER}, {"char", ANY_TEXT}, {"clob", ANY_TEXT}, {"text", ANY_TEXT},
		{"blob", ANY_BLOB},   {"real", ANY_REAL}, {"floa", ANY_REAL}, {"doub", ANY_REAL},
	};

	if (!*declared)
		return ANY_BLOB;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strstr(declared, rules[i].part))
			return rules[i].affinity;
	return ANY_NUMERIC;
}

/* ---- questions ---- */

static bool sort_has(enum kind sort, enum kind k)
{
	return (sort == ANY_INTEGER && is_integer(k)) ||
	       (sort == ANY_REAL && (k == FLOAT || k == DOUBLE)) ||
	       (sort == ANY_NUMERIC && k == NUMERIC) || (sort == ANY_TEXT && is_text(k)) ||
	       (sort == ANY_BLOB && is_blob(k));
}

static bool is_sort(enum kind k)
{
	return k >= ANY_INTEGER;
}

/* Not by the name alone: what an engine's word really is. MySQL's TIMESTAMP is an instant. */
static bool same_kind(enum db_engine engine, const struct type *expected, const struct type *t)
{
	if (expected->expected == BOOLEAN && is_mysql_boolean(engine, t))
		return true;
	if (engine == DB_MYSQL && t->declared == TIMESTAMP && expected->expected == TIMESTAMPTZ)
		return strcmp(t->name, "timestamp") == 0;
	if (expected->expected == JSON && t->declared == JSONB)
		return true;
	return expected->expected == t->declared;
}

bool schema_type_matches(struct arena *a, enum db_engine engine, const char *expected,
			 const char *declared)
{
	struct type e = parse(a, expected), t = parse(a, declared);

	if (strcmp(e.text, t.text) == 0 && !(engine == DB_SQLITE && is_sort(e.expected)))
		return true;
	if (is_sort(e.expected)) {
		if (e.is_array != t.is_array || (e.is_unsigned && !t.is_unsigned))
			return false;
		return engine == DB_SQLITE ? affinity(t.text) == e.expected
					   : sort_has(e.expected, t.declared);
	}
	if (e.expected == OTHER || !same_kind(engine, &e, &t) || e.is_array != t.is_array)
		return false;
	if (is_integer(e.expected))
		return e.is_unsigned == t.is_unsigned;
	return !e.args || (t.args && same_args(e.expected, e.args, t.args));
}

bool schema_type_is(struct arena *a, enum db_engine engine, const char *expected,
		    const char *declared)
{
	struct type e = parse(a, expected), t = parse(a, declared);

	if (strcmp(e.text, t.text) == 0)
		return true;
	if (engine == DB_SQLITE || e.declared == OTHER || e.declared != t.declared ||
	    e.is_unsigned != t.is_unsigned || e.is_array != t.is_array)
		return false;
	/* "timestamp" and "datetime" are two types to MySQL, tinyint(1) is how it writes boolean */
	if (engine == DB_MYSQL && (e.declared == TIMESTAMP || e.declared == TINYINT))
		return false;
	if (is_integer(e.declared))
		return true;
	return e.args && t.args ? same_args(e.declared, e.args, t.args) : e.args == t.args;
}

/* ---- changes ---- */

/* The numbers of "10,2"; -1 = not said. */
static void numbers(const struct type *t, long *first, long *second)
{
	char *end = NULL;

	*first = *second = -1;
	if (!t->args || *t->args < '0' || *t->args > '9')
		return;
	*first = strtol(t->args, &end, 10);
	*second = *end == ',' ? strtol(end + 1, NULL, 10) : 0;
}

/* Both are of one sort: does each length or digit still fit? */
static bool holds_all(const struct type *was, const struct type *is)
{
	long size_was, scale_was, size_is, scale_is;

	numbers(was, &size_was, &scale_was);
	numbers(is, &size_is, &scale_is);
	if (is_integer(is->declared))
		return is->declared >= was->declared && is->is_unsigned == was->is_unsigned;
	if (is->declared == FLOAT || is->declared == DOUBLE)
		return is->declared >= was->declared;
	if (size_is < 0)
		return is->declared >= was->declared; /* no limit, or that of the word */
	if (size_was < 0)
		return false;
	if (is->declared == NUMERIC)
		return scale_is >= scale_was && size_is - scale_is >= size_was - scale_was;
	return size_is >= size_was;
}

static enum kind sort_of(enum kind k)
{
	static const enum kind sorts[] = {ANY_INTEGER, ANY_REAL, ANY_NUMERIC, ANY_TEXT, ANY_BLOB};

	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
		if (sort_has(sorts[i], k))
			return sorts[i];
	return k;
}

enum schema_narrowing schema_type_change(struct arena *a, enum db_engine engine, const char *was,
					 const char *is)
{
	struct type w = parse(a, was), t = parse(a, is);

	if (schema_type_is(a, engine, was, is))
		return SCHEMA_TYPE_WIDER;
	if (engine == DB_SQLITE)
		return affinity(w.text) == affinity(t.text) ? SCHEMA_TYPE_WIDER : SCHEMA_TYPE_OTHER;
	if (w.declared == OTHER || t.declared == OTHER || w.is_array != t.is_array)
		return SCHEMA_TYPE_OTHER;
	if (is_integer(w.declared) && t.declared == NUMERIC && !t.args)
		return SCHEMA_TYPE_WIDER;
	if (sort_of(w.declared) != sort_of(t.declared))
		return SCHEMA_TYPE_OTHER;
	return holds_all(&w, &t) ? SCHEMA_TYPE_WIDER : SCHEMA_TYPE_NARROWER;
}
