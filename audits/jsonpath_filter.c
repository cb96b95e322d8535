/*
 * Expressions in filters: RFC 9535, section 2.3.5 and 2.4. Functions are checked for their types
 * here (section 2.4.3), so that evaluation meets none that makes no sense.
 */
#include <string.h>

#include "audits/jsonpath_internal.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/model/pattern.h"

/* What functions take and give. */
enum type { TYPE_VALUE, TYPE_NODES, TYPE_LOGICAL };

static const struct {
	const char *name;
	enum type gives, takes;
	size_t n_args;
} functions[] = {
	[JSONPATH_LENGTH] = {"length", TYPE_VALUE, TYPE_VALUE, 1},
	[JSONPATH_COUNT] = {"count", TYPE_VALUE, TYPE_NODES, 1},
	[JSONPATH_VALUE] = {"value", TYPE_VALUE, TYPE_NODES, 1},
	[JSONPATH_MATCH] = {"match", TYPE_LOGICAL, TYPE_VALUE, 2},
	[JSONPATH_SEARCH] = {"search", TYPE_LOGICAL, TYPE_VALUE, 2},
};

static int operand(struct jsonpath_reader *r, struct jsonpath_operand *out);
static int any_of(struct jsonpath_reader *r, const struct jsonpath_test **out);

/* ---- operands ---- */

/* Does operand fit a parameter of that type? */
static bool fits(const struct jsonpath_operand *o, enum type type)
{
	switch (o->type) {
	case OPERAND_LITERAL:
		return type == TYPE_VALUE;
	case OPERAND_QUERY:
		return type == TYPE_NODES || o->query->is_singular;
	case OPERAND_CALL:
		return functions[o->call->function].gives == type;
	}
	return false;
}

/* A pattern that is written in the query is compiled once, and wrong now or never. */
static int compile(struct jsonpath_reader *r, size_t at, struct jsonpath_call *call)
{
	const struct json_value *v = &call->args[1].literal;
	struct pattern *compiled;
	struct err e = {0};
	size_t wrong;
	const char *re;

	if (call->args[1].type != OPERAND_LITERAL || v->type != JSON_IS_TEXT)
		return 0;
	re = iregexp_translate(r->arena, v->text, v->n, &wrong);
	if (re == NULL)
		return jsonpath_refuse(r, at, "the pattern is no I-Regexp (RFC 9485)");
	if (pattern_compile(r->arena, re, strlen(re), false, &compiled, &e) != 0)
		return jsonpath_refuse(r, at, e.message);
	call->pattern = compiled;
	return 0;
}

static int arguments(struct jsonpath_reader *r, struct jsonpath_call *call)
{
	size_t n_args = functions[call->function].n_args, at = r->at;

	for (size_t i = 0; i < n_args; i++) {
		if (i > 0 && !jsonpath_takes(r, ","))
			return jsonpath_refuse(r, r->at, "the function has two arguments");
		jsonpath_blanks(r);
		at = r->at;
		if (operand(r, &call->args[i]) != 0)
			return -1;
		if (!fits(&call->args[i], functions[call->function].takes))
			return jsonpath_refuse(
				r, at,
				functions[call->function].takes == TYPE_NODES
					? "the function wants a query"
					: "the function wants a value: a literal, a query for one "
					  "place, or a function that gives one");
		jsonpath_blanks(r);
	}
	if (!jsonpath_takes(r, ")"))
		return jsonpath_refuse(r, r->at, "the arguments end here with )");
	return n_args == 2 ? compile(r, at, call) : 0;
}

/* A lower-case word was seen. */
static int call_of(struct jsonpath_reader *r, const struct jsonpath_call **out)
{
	size_t n = 0, at = r->at;
	struct jsonpath_call *call = arena_alloc(r->arena, sizeof(*call));

	while (at + n < r->n && strchr("abcdefghijklmnopqrstuvwxyz_0123456789", r->text[at + n]) &&
	       r->text[at + n] != '\0')
		n++;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (strlen(functions[i].name) != n ||
		    memcmp(functions[i].name, r->text + at, n) != 0)
			continue;
		call->function = (enum jsonpath_function)i;
		r->at += n;
		if (!jsonpath_takes(r, "("))
			return jsonpath_refuse(r, r->at, "( follows the name of a function");
		if (jsonpath_enter(r) != 0 || arguments(r, call) != 0)
			return -1;
		jsonpath_leave(r);
		*out = call;
		return 0;
	}
	return jsonpath_refuse(r, at,
			       "a literal, a query (@ or $) or one of the functions length, count, "
			       "value, match, search belongs here");
}

static bool is_word_end(const struct jsonpath_reader *r, size_t n)
{
	return r->at + n >= r->n || r->text[r->at + n] == '\0' ||
	       strchr("abcdefghijklmnopqrstuvwxyz_0123456789(", r->text[r->at + n]) == NULL;
}

/* true, false, null; false when it is none of these. */
static bool is_word_literal(struct jsonpath_reader *r, struct json_value *v)
{
	*v = (struct json_value){.type = JSON_ABSENT};
	if (jsonpath_sees(r, "true") && is_word_end(r, 4))
		*v = (struct json_value){.type = JSON_IS_BOOL, .boolean = true};
	else if (jsonpath_sees(r, "false") && is_word_end(r, 5))
		*v = (struct json_value){.type = JSON_IS_BOOL};
	else if (jsonpath_sees(r, "null") && is_word_end(r, 4))
		v->type = JSON_IS_NULL;
	if (v->type == JSON_ABSENT)
		return false;
	r->at += v->type == JSON_IS_BOOL && !v->boolean ? 5 : 4;
	return true;
}

static int query_of(struct jsonpath_reader *r, const struct jsonpath **out)
{
	struct jsonpath *q = arena_alloc(r->arena, sizeof(*q));

	q->is_relative = r->text[r->at++] == '@';
	*out = q;
	return jsonpath_query(r, q);
}

static int operand(struct jsonpath_reader *r, struct jsonpath_operand *out)
{
	char c = r->at < r->n ? r->text[r->at] : '\0';

	if (c == '@' || c == '$') {
		out->type = OPERAND_QUERY;
		return query_of(r, &out->query);
	}
	out->type = OPERAND_LITERAL;
	if (c == '\'' || c == '"') {
		out->literal.type = JSON_IS_TEXT;
		return jsonpath_string(r, &out->literal.text, &out->literal.n);
	}
	if (c == '-' || (c >= '0' && c <= '9'))
		return jsonpath_number(r, &out->literal);
	if (is_word_literal(r, &out->literal))
		return 0;
	out->type = OPERAND_CALL;
	return call_of(r, &out->call);
}

/* ---- tests ---- */

static bool takes_comparison(struct jsonpath_reader *r, enum jsonpath_comparison *out)
{
	static const struct {
		const char *word;
		enum jsonpath_comparison is;
	} words[] = {{"==", COMPARE_EQ}, {"!=", COMPARE_NE}, {"<=", COMPARE_LE},
		     {">=", COMPARE_GE}, {"<", COMPARE_LT},  {">", COMPARE_GT}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (jsonpath_takes(r, words[i].word)) {
			*out = words[i].is;
			return true;
		}
	}
	return false;
}

/* May it stand alone as a test? */
static int test_alone(struct jsonpath_reader *r, size_t at, struct jsonpath_test *t)
{
	switch (t->a.type) {
	case OPERAND_LITERAL:
		return jsonpath_refuse(r, at, "a literal is no test; compare it with something");
	case OPERAND_QUERY:
		t->type = TEST_EXISTS;
		t->query = t->a.query;
		return 0;
	case OPERAND_CALL:
		t->type = TEST_CALL;
		t->call = t->a.call;
		if (functions[t->call->function].gives == TYPE_LOGICAL)
			return 0;
		return jsonpath_refuse(r, at, "the function gives a value; compare it with one");
	}
	return -1;
}

static int compare(struct jsonpath_reader *r, struct jsonpath_test *t, bool may_compare)
{
	size_t at = r->at, behind;

	if (operand(r, &t->a) != 0)
		return -1;
	behind = r->at;
	jsonpath_blanks(r);
	if (!may_compare || !takes_comparison(r, &t->comparison)) {
		r->at = behind;
		return test_alone(r, at, t);
	}
	t->type = TEST_COMPARE;
	if (!fits(&t->a, TYPE_VALUE))
		return jsonpath_refuse(r, at, "only a query for one place can be compared");
	jsonpath_blanks(r);
	at = r->at;
	if (operand(r, &t->b) != 0)
		return -1;
	if (!fits(&t->b, TYPE_VALUE))
		return jsonpath_refuse(r, at, "only a query for one place can be compared");
	return 0;
}

/* [!] ( expression ), [!] test, or a comparison. */
static int basic(struct jsonpath_reader *r, const struct jsonpath_test **out)
{
	struct jsonpath_test *t = arena_alloc(r->arena, sizeof(*t)), *inner = t;
	bool is_negated = jsonpath_takes(r, "!");

	*out = t;
	if (is_negated) {
		jsonpath_blanks(r);
		inner = arena_alloc(r->arena, sizeof(*inner));
		t->type = TEST_NOT;
		t->left = inner;
	}
	if (!jsonpath_takes(r, "("))
		return compare(r, inner, !is_negated);
	if (jsonpath_enter(r) != 0)
		return -1;
	jsonpath_blanks(r);
	if (any_of(r, is_negated ? &t->left : out) != 0)
		return -1;
	jsonpath_blanks(r);
	if (!jsonpath_takes(r, ")"))
		return jsonpath_refuse(r, r->at, "an operator or ) belongs here");
	jsonpath_leave(r);
	return 0;
}

/* Operands of one level of precedence, joined from the left. */
static int joined(struct jsonpath_reader *r, const struct jsonpath_test **out, const char *word,
		  int (*each)(struct jsonpath_reader *r, const struct jsonpath_test **out))
{
	const struct jsonpath_test *left, *right;

	if (each(r, &left) != 0)
		return -1;
	for (;;) {
		size_t before = r->at;
		struct jsonpath_test *t;

		jsonpath_blanks(r);
		if (!jsonpath_takes(r, word)) {
			r->at = before;
			*out = left;
			return 0;
		}
		jsonpath_blanks(r);
		if (each(r, &right) != 0)
			return -1;
		t = arena_alloc(r->arena, sizeof(*t));
		t->type = word[0] == '&' ? TEST_AND : TEST_OR;
		t->left = left;
		t->right = right;
		left = t;
	}
}

static int all_of(struct jsonpath_reader *r, const struct jsonpath_test **out)
{
	return joined(r, out, "&&", basic);
}

static int any_of(struct jsonpath_reader *r, const struct jsonpath_test **out)
{
	return joined(r, out, "||", all_of);
}

int jsonpath_filter(struct jsonpath_reader *r, const struct jsonpath_test **out)
{
	if (jsonpath_enter(r) != 0 || any_of(r, out) != 0)
		return -1;
	jsonpath_leave(r);
	return 0;
}
