/*
 * schema_expression: a precedence climber that writes what it reads.
 *
 * Each operand becomes text at once, an operation "(left op right)": parentheses of the source
 * carry no meaning beyond the order they make, and that order is in the result. Nothing is ever
 * dropped that could change a value: casts only where a literal already has that type or the cast
 * is what the engine adds when it prints.
 */
#include "audits/schema_expression.h"

#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"

#define MAX_DEPTH 64

enum token_type { END = 0, WORD, NUMBER, NAME, TEXT, MARK };

struct parser {
	struct arena *arena;
	const char *next;
	enum token_type type;
	const char *token; /* WORD in lower case, NAME without quotes, TEXT with them */
	int depth;
	bool has_failed;
};

/* ---- words ---- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ASCII only. Names in backquotes are MySQL's, which are the same in any case. */
static const char *lower(struct arena *a, const char *text, size_t n)
{
	char *out = arena_strndup(a, text, n);

	for (char *c = out; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return out;
}

/* From a quote to its end; the text with doubled quotes as they are. */
static void take_quoted(struct parser *p, char close)
{
	const char *s = p->next + 1;

	while (*s && !(*s == close && s[1] != close))
		s += *s == close ? 2 : 1;
	if (!*s) { /* no closing quote */
		*p = (struct parser){.arena = p->arena, .next = s, .token = "", .has_failed = true};
		return;
	}
	size_t n = (size_t)(s - p->next);

	p->type = close == '\'' ? TEXT : NAME;
	if (close == '\'')
		p->token = arena_strndup(p->arena, p->next, n + 1);
	else if (close == '`')
		p->token = lower(p->arena, p->next + 1, n - 1);
	else
		p->token = arena_strndup(p->arena, p->next + 1, n - 1);
	p->next = s + 1;
}

static void take_word(struct parser *p)
{
	size_t n = 1;

	while (is_letter(p->next[n]) || is_digit(p->next[n]) || p->next[n] == '$')
		n++;
	p->type = WORD;
	p->token = lower(p->arena, p->next, n);
	p->next += n;
}

static void take_mark(struct parser *p)
{
	static const char *const marks[] = {"::",  "<>", "!=",	"<=", ">=", "||",  "!~~*", "!~~",
					    "~~*", "~~", "!~*", "!~", "~*", "->>", "->",   "#>>",
					    "#>",  "@>", "<@",	"&&", "<<", ">>",  "=="};

	p->type = MARK;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (!str_starts(p->next, marks[i]))
			continue;
		p->token = marks[i];
		p->next += strlen(marks[i]);
		return;
	}
	p->token = arena_strndup(p->arena, p->next, 1);
	p->next++;
}

static void step(struct parser *p)
{
	size_t n = 0;

	p->next += strspn(p->next, " \t\r\n");
	if (!*p->next) {
		p->type = END;
		p->token = "";
	} else if (*p->next == '\'' || *p->next == '"' || *p->next == '`') {
		take_quoted(p, *p->next);
	} else if (is_digit(*p->next) || (*p->next == '.' && is_digit(p->next[1]))) {
		while (is_digit(p->next[n]) || p->next[n] == '.' || is_letter(p->next[n]))
			n++;
		p->type = NUMBER;
		p->token = arena_strndup(p->arena, p->next, n);
		p->next += n;
	} else if (is_letter(*p->next)) {
		take_word(p);
	} else {
		take_mark(p);
	}
}

static bool is(const struct parser *p, const char *token)
{
	return (p->type == WORD || p->type == MARK) && strcmp(p->token, token) == 0;
}

static bool accept(struct parser *p, const char *token)
{
	if (!is(p, token))
		return false;
	step(p);
	return true;
}

static void expect(struct parser *p, const char *token)
{
	if (!accept(p, token))
		p->has_failed = true;
}

static const char *fail(struct parser *p)
{
	p->has_failed = true;
	return "";
}

/* ---- operands ---- */

static const char *expression(struct parser *p, int least);

/* Up to the closing mark, which is stepped over. */
static const char *list(struct parser *p, const char *close)
{
	const char *text = "";

	if (accept(p, close))
		return text;
	for (;;) {
		const char *item = expression(p, 0);

		text = *text ? arena_printf(p->arena, "%s, %s", text, item) : item;
		if (p->has_failed || !accept(p, ","))
			break;
	}
	expect(p, close);
	return text;
}

static const char *take_case(struct parser *p)
{
	const char *text = "case";

	while (!p->has_failed && !is(p, "end")) {
		if (is(p, "when") || is(p, "then") || is(p, "else")) {
			text = arena_printf(p->arena, "%s %s", text, p->token);
			step(p);
		}
		text = arena_printf(p->arena, "%s %s", text, expression(p, 0));
	}
	expect(p, "end");
	return arena_printf(p->arena, "%s end", text);
}

/* A type behind :: or AS: words, arguments, []. */
static const char *take_type(struct parser *p)
{
	static const char *const more[] = {"varying", "precision", "without", "with",
					   "time",    "zone",	   "unsigned"};
	const char *text = p->token;
	bool goes_on = true;

	if (p->type != WORD && p->type != NAME)
		return fail(p);
	step(p);
	while (goes_on && !p->has_failed) {
		goes_on = false;
		for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
			if (!is(p, more[i]))
				continue;
			text = arena_printf(p->arena, "%s %s", text, p->token);
			step(p);
			goes_on = true;
		}
		if (accept(p, "(")) {
			text = arena_printf(p->arena, "%s(%s)", text, list(p, ")"));
			goes_on = true;
		}
		if (accept(p, "[")) {
			expect(p, "]");
			text = arena_printf(p->arena, "%s[]", text);
			goes_on = true;
		}
		if (accept(p, ".")) {
			text = arena_printf(p->arena, "%s.%s", text, p->token);
			step(p);
			goes_on = true;
		}
	}
	return text;
}

static const char *take_name(struct parser *p)
{
	const char *name = p->token;
	bool is_word = p->type == WORD;

	step(p);
	if (is_word && strcmp(name, "case") == 0)
		return take_case(p);
	if (is_word && strcmp(name, "array") == 0 && accept(p, "["))
		return arena_printf(p->arena, "array[%s]", list(p, "]"));
	if (is_word && strcmp(name, "cast") == 0 && accept(p, "(")) {
		const char *value = expression(p, 0);

		expect(p, "as");
		const char *type = take_type(p);

		expect(p, ")");
		return arena_printf(p->arena, "cast(%s as %s)", value, type);
	}
	while (accept(p, ".")) {
		name = arena_printf(p->arena, "%s.%s", name, p->token);
		step(p);
	}
	/* DATE '2020-01-01' is a literal, as is '2020-01-01'::date */
	if (is_word && p->type == TEXT) {
		name = p->token;
		step(p);
		return name;
	}
	if (!accept(p, "("))
		return name;
	const char *arguments = list(p, ")");
	bool is_now = strcmp(name, "now") == 0 || strcmp(name, "current_timestamp") == 0;

	return is_now && !*arguments ? "current_timestamp"
				     : arena_printf(p->arena, "%s(%s)", name, arguments);
}

/* MySQL prints a literal's character set before it: _utf8mb4'a'. */
static bool is_introducer(const struct parser *p)
{
	return p->type == WORD && *p->token == '_' && *p->next == '\'';
}

/* One expression, or a row of several. */
static const char *parenthesis(struct parser *p)
{
	const char *text = expression(p, 0);

	if (accept(p, ","))
		return arena_printf(p->arena, "row(%s, %s)", text, list(p, ")"));
	expect(p, ")");
	return text;
}

static const char *operand(struct parser *p)
{
	const char *text = p->token;

	if (is_introducer(p)) {
		step(p);
		text = p->token;
	}
	switch (p->type) {
	case END:
		break;
	case NUMBER:
	case TEXT:
		step(p);
		return text;
	case WORD:
	case NAME:
		return take_name(p);
	case MARK:
		if (accept(p, "("))
			return parenthesis(p);
		if (accept(p, "-")) {
			text = expression(p, 80);
			return is_digit(*text) ? arena_printf(p->arena, "-%s", text)
					       : arena_printf(p->arena, "(- %s)", text);
		}
		if (accept(p, "+"))
			return expression(p, 80);
	}
	return fail(p);
}

/* ---- operations ---- */

/* Digits, with or without sign and point: n bytes of text. */
static bool is_number(const char *text, size_t n, bool *is_whole)
{
	size_t sign = n > 0 && *text == '-' ? 1 : 0;
	size_t digits = strspn(text + sign, "0123456789.");

	*is_whole = !memchr(text, '.', n);
	return digits > 0 && sign + digits >= n && n > sign;
}

static bool is_numeric(const char *type)
{
	static const char *const types[] = {"smallint", "integer", "bigint", "real",
					    "double precision"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return str_starts(type, "numeric");
}

/*
 * PostgreSQL casts the literals it prints: (0)::numeric, '-1'::integer, 'a'::text. NULL = this cast
 * is of something else, or changes the value.
 */
static const char *without_cast(struct arena *a, const char *literal, const char *type)
{
	size_t n = strlen(literal);
	bool is_whole;

	if (strcmp(literal, "null") == 0)
		return literal;
	if (*literal == '\'') {
		bool is_text = !is_number(literal + 1, n - 2, &is_whole) || !is_numeric(type);

		return is_text ? literal : arena_strndup(a, literal + 1, n - 2);
	}
	if (!is_number(literal, n, &is_whole) || !is_numeric(type))
		return NULL;
	return is_whole || !(str_ends(type, "int") || str_ends(type, "integer")) ? literal : NULL;
}

/* Casts of literals, and of columns to text, are what PostgreSQL adds; any other is kept. */
static const char *cast(struct parser *p, const char *left)
{
	static const char *const texts[] = {"text", "character varying", "bpchar", "text[]",
					    "character varying[]"};
	const char *type = take_type(p);
	bool is_plain = strncmp(left, "array[", 6) == 0 || (*left != '(' && !strchr(left, '('));

	const char *literal = without_cast(p->arena, left, type);

	if (literal)
		return literal;
	for (size_t i = 0; is_plain && i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(type, texts[i]) == 0)
			return left;
	return arena_printf(p->arena, "cast(%s as %s)", left, type);
}

static const struct operator
{
	const char *mark, *written;
	int level;
}
operators[] = {
	{"or", "or", 10},
	{"xor", "xor", 12},
	{"and", "and", 20},
	{"=", "=", 40},
	{"==", "=", 40},
	{"<>", "<>", 40},
	{"!=", "<>", 40},
	{"<", "<", 40},
	{"<=", "<=", 40},
	{">", ">", 40},
	{">=", ">=", 40},
	{"like", "like", 40},
	{"~~", "like", 40},
	{"!~~", "not like", 40},
	{"ilike", "ilike", 40},
	{"~~*", "ilike", 40},
	{"regexp", "regexp", 40},
	{"rlike", "regexp", 40},
	{"~", "~", 40},
	{"~*", "~*", 40},
	{"!~", "!~", 40},
	{"!~*", "!~*", 40},
	{"@>", "@>", 40},
	{"<@", "<@", 40},
	{"&&", "&&", 40},
	{"glob", "glob", 40},
	{"|", "|", 45},
	{"&", "&", 46},
	{"<<", "<<", 48},
	{">>", ">>", 48},
	{"||", "||", 50},
	{"->", "->", 50},
	{"->>", "->>", 50},
	{"#>", "#>", 50},
	{"#>>", "#>>", 50},
	{"+", "+", 60},
	{"-", "-", 60},
	{"*", "*", 70},
	{"/", "/", 70},
	{"%", "%", 70},
	{"collate", "collate", 90},
};

static const struct operator* operator_of(const struct parser *p)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (is(p, operators[i].mark))
			return &operators[i];
	return NULL;
}

/* IS [NOT] NULL and the like, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE behind left. */
static const char *predicate(struct parser *p, const char *left)
{
	struct arena *a = p->arena;

	if (accept(p, "is")) {
		const char *no = accept(p, "not") ? "not " : "";

		return arena_printf(a, "(%s is %s%s)", left, no, expression(p, 41));
	}
	if (accept(p, "isnull"))
		return arena_printf(a, "(%s is null)", left);
	if (accept(p, "notnull"))
		return arena_printf(a, "(%s is not null)", left);
	const char *no = accept(p, "not") ? "not " : "";

	if (accept(p, "in")) {
		expect(p, "(");
		return arena_printf(a, "(%s %sin (%s))", left, no, list(p, ")"));
	}
	if (accept(p, "between")) {
		const char *low = expression(p, 41);

		expect(p, "and");
		return arena_printf(a, "(%s %sbetween %s and %s)", left, no, low,
				    expression(p, 41));
	}
	const struct operator* o = operator_of(p);

	if (!o || !*no)
		return fail(p);
	step(p);
	return arena_printf(a, "(%s not %s %s)", left, o->written, expression(p, 41));
}

/* PostgreSQL prints x IN (1, 2) as x = ANY (ARRAY[1, 2]), NOT IN as <> ALL. */
static const char *as_list(struct parser *p, const struct operator* o, const char *left,
			   const char *right)
{
	bool is_any = strcmp(o->written, "=") == 0 && str_starts(right, "any(array[");
	bool is_all = strcmp(o->written, "<>") == 0 && str_starts(right, "all(array[");

	if (!is_any && !is_all)
		return NULL;
	const char *items = strchr(right, '[') + 1;
	const char *end = strrchr(right, ']');

	if (strcmp(end, "])") != 0)
		return NULL;
	return arena_printf(p->arena, "(%s %sin (%.*s))", left, is_all ? "not " : "",
			    (int)(end - items), items);
}

static bool is_predicate(const struct parser *p)
{
	return is(p, "is") || is(p, "in") || is(p, "between") || is(p, "not") || is(p, "isnull") ||
	       is(p, "notnull");
}

static const char *binary(struct parser *p, const char *left, const struct operator* o)
{
	step(p);
	const char *right = expression(p, o->level + 1);
	const char *as_in = as_list(p, o, left, right);

	return as_in ? as_in : arena_printf(p->arena, "(%s %s %s)", left, o->written, right);
}

static const char *expression(struct parser *p, int least)
{
	const char *left;

	if (++p->depth > MAX_DEPTH)
		p->has_failed = true;
	if (p->has_failed)
		return "";
	if (least <= 30 && accept(p, "not"))
		left = arena_printf(p->arena, "(not %s)", expression(p, 30));
	else
		left = operand(p);
	while (!p->has_failed) {
		const struct operator* o = operator_of(p);

		if (accept(p, "::"))
			left = cast(p, left);
		else if (least <= 40 && is_predicate(p))
			left = predicate(p, left);
		else if (o && o->level >= least)
			left = binary(p, left, o);
		else
			break;
	}
	p->depth--;
	return left;
}

static const char *one_space(struct arena *a, const char *sql)
{
	char *out = arena_alloc(a, strlen(sql) + 1);
	size_t n = 0;

	for (const char *s = sql; *s; s++) {
		bool is_space = *s == ' ' || *s == '\t' || *s == '\n' || *s == '\r';

		if (!is_space)
			out[n++] = *s;
		else if (n > 0 && out[n - 1] != ' ')
			out[n++] = ' ';
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return out;
}

const char *schema_expression(struct arena *a, const char *sql)
{
	struct parser p = {.arena = a, .next = sql};

	step(&p);
	const char *text = expression(&p, 0);

	return p.has_failed || p.type != END ? one_space(a, sql) : text;
}

bool schema_expression_is(struct arena *a, const char *one, const char *other)
{
	if (!one || !other)
		return one == other;
	return strcmp(schema_expression(a, one), schema_expression(a, other)) == 0;
}
