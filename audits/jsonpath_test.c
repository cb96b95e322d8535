/*
 * Filters decided: RFC 9535, section 2.3.5.2 and 2.4. "Nothing" of the RFC is JSON_ABSENT here, so
 * that it equals itself and nothing else. Each decision may fail, when the budget ends or two
 * numbers cannot be told apart; the failure ends the evaluation.
 */
#include <string.h>

#include "audits/jsonpath_internal.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/model/pattern.h"

#define PATTERN_STEPS 100
#define COMPILE_STEPS 1000
#define BYTES_A_STEP  64

/* A value, and where it is when it is an array or an object. */
struct seen {
	struct json_value value;
	struct json_t *node;
};

static int call_value(struct jsonpath_run *run, const struct jsonpath_call *call,
		      struct json_t *current, struct seen *out);

/* What it costs to read all of a text. */
static int64_t text_steps(const struct json_value *v)
{
	return v->type == JSON_IS_TEXT ? (int64_t)(v->n / BYTES_A_STEP) : 0;
}

/* The only place the query selects; nothing when there is none or several. */
static int only_node(struct jsonpath_run *run, const struct jsonpath *query, struct json_t *current,
		     struct seen *out)
{
	struct json_nodes nodes = {.items = NULL};
	int code = jsonpath_evaluate(run, query, current, &nodes);

	*out = (struct seen){.value = {.type = JSON_ABSENT}};
	if (code == 0 && nodes.n == 1) {
		out->node = nodes.items[0];
		json_read(run->doc, out->node, &out->value);
	}
	json_nodes_release(&nodes);
	return code;
}

static int operand_value(struct jsonpath_run *run, const struct jsonpath_operand *o,
			 struct json_t *current, struct seen *out)
{
	switch (o->type) {
	case OPERAND_LITERAL:
		*out = (struct seen){.value = o->literal};
		return 0;
	case OPERAND_QUERY:
		return only_node(run, o->query, current, out);
	case OPERAND_CALL:
		return call_value(run, o->call, current, out);
	}
	return -1;
}

/* ---- functions ---- */

static int64_t n_characters(const char *s, size_t n)
{
	int64_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += ((unsigned char)s[i] & 0xc0) != 0x80;
	return count;
}

static int call_value(struct jsonpath_run *run, const struct jsonpath_call *call,
		      struct json_t *current, struct seen *out)
{
	struct json_value v = {.type = JSON_IS_INT};
	struct json_nodes nodes = {.items = NULL};

	switch (call->function) {
	case JSONPATH_VALUE:
		return only_node(run, call->args[0].query, current, out);
	case JSONPATH_COUNT:
		if (jsonpath_evaluate(run, call->args[0].query, current, &nodes) != 0) {
			json_nodes_release(&nodes);
			return -1;
		}
		v.integer = (int64_t)nodes.n;
		json_nodes_release(&nodes);
		break;
	case JSONPATH_LENGTH:
		if (operand_value(run, &call->args[0], current, out) != 0 ||
		    jsonpath_spend(run, text_steps(&out->value)) != 0)
			return -1;
		if (out->value.type == JSON_IS_TEXT)
			v.integer = n_characters(out->value.text, out->value.n);
		else if (out->value.type == JSON_IS_ARRAY || out->value.type == JSON_IS_OBJECT)
			v.integer = (int64_t)out->value.n;
		else
			v.type = JSON_ABSENT;
		break;
	case JSONPATH_MATCH:
	case JSONPATH_SEARCH:
		v.type = JSON_ABSENT; /* they give no value: the parser refuses them here */
		break;
	}
	*out = (struct seen){.value = v};
	return 0;
}

/* A pattern that stands in the document; NULL when it is none. */
static int pattern_of(struct jsonpath_run *run, const struct json_value *v,
		      const struct pattern **out)
{
	struct err e = {0};
	const char *re;
	size_t at;

	*out = run->pattern;
	if (run->pattern_text == v->text)
		return 0; /* borrowed from the document: the same text is at the same place */
	if (jsonpath_spend(run, COMPILE_STEPS) != 0)
		return -1;
	run->pattern_text = v->text;
	run->pattern = NULL;
	re = v->n <= JSONPATH_MAX_BYTES ? iregexp_translate(run->arena, v->text, v->n, &at) : NULL;
	if (re != NULL && pattern_compile(run->arena, re, strlen(re), false, &run->pattern, &e))
		run->pattern = NULL;
	*out = run->pattern;
	return 0;
}

static int call_test(struct jsonpath_run *run, const struct jsonpath_call *call,
		     struct json_t *current)
{
	struct seen text, re;
	const struct pattern *pattern = call->pattern;

	if (operand_value(run, &call->args[0], current, &text) != 0 ||
	    operand_value(run, &call->args[1], current, &re) != 0)
		return -1;
	if (text.value.type != JSON_IS_TEXT || re.value.type != JSON_IS_TEXT)
		return 0;
	if (pattern == NULL && pattern_of(run, &re.value, &pattern) != 0)
		return -1;
	if (pattern == NULL)
		return 0;
	if (jsonpath_spend(run, PATTERN_STEPS + text_steps(&text.value)) != 0)
		return -1;
	return call->function == JSONPATH_MATCH
		       ? pattern_match_all(pattern, text.value.text, text.value.n, run->e)
		       : pattern_search(pattern, text.value.text, text.value.n, run->e);
}

/* ---- comparisons ---- */

static bool is_number(const struct json_value *v)
{
	return v->type == JSON_IS_INT || v->type == JSON_IS_REAL;
}

/* -1, 0, 1 through *out. A long double holds every int64_t and every double. */
static int compare_numbers(struct jsonpath_run *run, const struct json_value *a,
			   const struct json_value *b, int *out)
{
	long double x = a->type == JSON_IS_INT ? (long double)a->integer : (long double)a->real;
	long double y = b->type == JSON_IS_INT ? (long double)b->integer : (long double)b->real;

	*out = x < y ? -1 : x > y;
	if (*out == 0 && (a->is_rounded || b->is_rounded))
		return err_set(run->e, ERR_MEASURE,
			       "the query compares an integer beyond 2^63 with a number that "
			       "cannot be told from it");
	return 0;
}

static int compare_texts(const struct json_value *a, const struct json_value *b)
{
	size_t n = a->n < b->n ? a->n : b->n;
	int order = n > 0 ? memcmp(a->text, b->text, n) : 0; /* UTF-8 sorts as its characters */

	if (order == 0)
		order = a->n < b->n ? -1 : a->n > b->n;
	return order;
}

static int equal(struct jsonpath_run *run, const struct seen *a, const struct seen *b);

static struct seen seen_at(const struct jsonpath_run *run, struct json_t *node)
{
	struct seen s = {.node = node};

	json_read(run->doc, node, &s.value);
	return s;
}

static int equal_arrays(struct jsonpath_run *run, const struct seen *a, const struct seen *b)
{
	for (size_t i = 0; i < a->value.n; i++) {
		struct seen x = seen_at(run, json_item(a->node, i));
		struct seen y = seen_at(run, json_item(b->node, i));
		int is_equal = equal(run, &x, &y);

		if (is_equal <= 0)
			return is_equal;
	}
	return 1;
}

static int equal_objects(struct jsonpath_run *run, const struct seen *a, const struct seen *b)
{
	struct json_t *child;
	const char *name;
	void *at = NULL;

	while (json_member_next(a->node, &at, &name, &child)) {
		struct seen x = seen_at(run, child);
		struct seen y = seen_at(run, json_member(b->node, name));
		int is_equal = equal(run, &x, &y);

		if (is_equal <= 0)
			return is_equal;
	}
	return 1;
}

/* 1, 0, or -1 when it cannot be told. The document's depth bounds the recursion. */
static int equal(struct jsonpath_run *run, const struct seen *a, const struct seen *b)
{
	const struct json_value *x = &a->value, *y = &b->value;
	int order;

	if (jsonpath_spend(run, 1 + text_steps(x)) != 0)
		return -1;
	if (is_number(x) && is_number(y)) {
		if (compare_numbers(run, x, y, &order) != 0)
			return -1;
		return order == 0;
	}
	if (x->type != y->type)
		return 0;
	switch (x->type) {
	case JSON_ABSENT:
	case JSON_IS_NULL:
		return 1;
	case JSON_IS_BOOL:
		return x->boolean == y->boolean;
	case JSON_IS_TEXT:
		return compare_texts(x, y) == 0;
	case JSON_IS_ARRAY:
		return x->n == y->n ? equal_arrays(run, a, b) : 0;
	case JSON_IS_OBJECT:
		return x->n == y->n ? equal_objects(run, a, b) : 0;
	case JSON_IS_INT:
	case JSON_IS_REAL:
		break; /* above */
	}
	return 0;
}

/* Numbers and texts have an order, among themselves; nothing else has. */
static int less(struct jsonpath_run *run, const struct seen *a, const struct seen *b)
{
	int order;

	if (jsonpath_spend(run, text_steps(&a->value)) != 0)
		return -1;
	if (is_number(&a->value) && is_number(&b->value)) {
		if (compare_numbers(run, &a->value, &b->value, &order) != 0)
			return -1;
		return order < 0;
	}
	if (a->value.type == JSON_IS_TEXT && b->value.type == JSON_IS_TEXT)
		return compare_texts(&a->value, &b->value) < 0;
	return 0;
}

static int compare(struct jsonpath_run *run, const struct jsonpath_test *t, struct json_t *current)
{
	struct seen a, b;
	int is_equal;

	if (operand_value(run, &t->a, current, &a) != 0 ||
	    operand_value(run, &t->b, current, &b) != 0)
		return -1;
	switch (t->comparison) {
	case COMPARE_LT:
		return less(run, &a, &b);
	case COMPARE_GT:
		return less(run, &b, &a);
	case COMPARE_EQ:
	case COMPARE_NE:
	case COMPARE_LE:
	case COMPARE_GE:
		break;
	}
	is_equal = equal(run, &a, &b);
	if (is_equal < 0)
		return -1;
	if (t->comparison == COMPARE_NE)
		return !is_equal;
	if (t->comparison == COMPARE_EQ || is_equal)
		return is_equal;
	return t->comparison == COMPARE_LE ? less(run, &a, &b) : less(run, &b, &a);
}

static int exists(struct jsonpath_run *run, const struct jsonpath *query, struct json_t *current)
{
	struct json_nodes nodes = {.items = NULL};
	int code = jsonpath_evaluate(run, query, current, &nodes);
	int found = nodes.n > 0;

	json_nodes_release(&nodes);
	return code == 0 ? found : -1;
}

int jsonpath_decide(struct jsonpath_run *run, const struct jsonpath_test *t, struct json_t *current)
{
	int first;

	switch (t->type) {
	case TEST_OR:
	case TEST_AND:
		first = jsonpath_decide(run, t->left, current);
		if (first < 0 || first == (t->type == TEST_OR))
			return first;
		return jsonpath_decide(run, t->right, current);
	case TEST_NOT:
		first = jsonpath_decide(run, t->left, current);
		return first < 0 ? first : !first;
	case TEST_EXISTS:
		return exists(run, t->query, current);
	case TEST_CALL:
		return call_test(run, t->call, current);
	case TEST_COMPARE:
		return compare(run, t, current);
	}
	return -1;
}
