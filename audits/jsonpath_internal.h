/*
 * jsonpath_internal: a parsed query, shared by audits/jsonpath*.c only.
 *
 * jsonpath_parse.c reads segments and selectors, jsonpath_filter.c the expressions in filters,
 * jsonpath_text.c white space, strings and numbers. jsonpath_select.c walks the document,
 * jsonpath_test.c decides filters. jsonpath_iregexp.c translates patterns.
 */
#ifndef ASSIZE_AUDITS_JSONPATH_INTERNAL_H
#define ASSIZE_AUDITS_JSONPATH_INTERNAL_H

#include "audits/jsonpath.h"

struct pattern;
struct jsonpath_test;

enum jsonpath_selects {
	JSONPATH_NAME,
	JSONPATH_INDEX,
	JSONPATH_SLICE,
	JSONPATH_WILDCARD,
	JSONPATH_FILTER
};

struct jsonpath_selector {
	enum jsonpath_selects type;
	const char *name; /* its length is n_name: it may hold NUL */
	size_t n_name;
	int64_t start, end, step; /* start is the index */
	bool has_start, has_end;
	const struct jsonpath_test *filter;
	struct jsonpath_selector *next;
};

struct jsonpath_segment {
	bool is_descendant;
	struct jsonpath_selector *selectors;
	struct jsonpath_segment *next;
};

struct jsonpath {
	bool is_relative; /* begins at @ */
	bool is_singular;
	struct jsonpath_segment *segments;
};

enum jsonpath_function {
	JSONPATH_LENGTH,
	JSONPATH_COUNT,
	JSONPATH_VALUE,
	JSONPATH_MATCH,
	JSONPATH_SEARCH
};

/* What is compared, or given to a function. */
struct jsonpath_operand {
	enum { OPERAND_LITERAL, OPERAND_QUERY, OPERAND_CALL } type;
	struct json_value literal;
	const struct jsonpath *query;
	const struct jsonpath_call *call;
};

struct jsonpath_call {
	enum jsonpath_function function;
	struct jsonpath_operand args[2];
	const struct pattern *pattern; /* of a second argument that is a literal */
};

enum jsonpath_comparison { COMPARE_EQ, COMPARE_NE, COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE };

struct jsonpath_test {
	enum { TEST_OR, TEST_AND, TEST_NOT, TEST_EXISTS, TEST_CALL, TEST_COMPARE } type;
	const struct jsonpath_test *left, *right; /* OR, AND; NOT: left */
	const struct jsonpath *query;		  /* EXISTS */
	const struct jsonpath_call *call;
	enum jsonpath_comparison comparison;
	struct jsonpath_operand a, b;
};

/* ---- parsing ---- */

struct jsonpath_reader {
	struct arena *arena;
	const char *text;
	size_t n, at;
	unsigned depth;
	struct err *e;
};

/* jsonpath_text.c */
/* ERR_DEFINITION with the place; always -1. */
int jsonpath_refuse(const struct jsonpath_reader *r, size_t at, const char *what);
void jsonpath_blanks(struct jsonpath_reader *r);
bool jsonpath_sees(const struct jsonpath_reader *r, const char *word);
/* Moves behind the word when it is what comes next. */
bool jsonpath_takes(struct jsonpath_reader *r, const char *word);
int jsonpath_string(struct jsonpath_reader *r, const char **out, size_t *n);
int jsonpath_integer(struct jsonpath_reader *r, int64_t *out);
int jsonpath_number(struct jsonpath_reader *r, struct json_value *out);
int jsonpath_shorthand(struct jsonpath_reader *r, const char **out, size_t *n);
/* One level deeper, until jsonpath_leave(). */
int jsonpath_enter(struct jsonpath_reader *r);
void jsonpath_leave(struct jsonpath_reader *r);

/* jsonpath_parse.c: behind $ or @. */
int jsonpath_query(struct jsonpath_reader *r, struct jsonpath *out);
/* jsonpath_filter.c: behind the question mark. */
int jsonpath_filter(struct jsonpath_reader *r, const struct jsonpath_test **out);

/* ---- evaluation ---- */

struct jsonpath_run {
	const struct json_doc *doc;
	int64_t steps_left;
	struct err *e;
	/* The last pattern read from the document, so that one is not compiled for each text. */
	struct arena *arena;
	const char *pattern_text;
	struct pattern *pattern; /* NULL: it is no I-Regexp */
};

/* Counts; -1 when there is nothing left to spend. */
int jsonpath_spend(struct jsonpath_run *run, int64_t steps);
/* jsonpath_select.c */
int jsonpath_evaluate(struct jsonpath_run *run, const struct jsonpath *p, struct json_t *current,
		      struct json_nodes *out);
/* jsonpath_test.c: 1 true, 0 false, -1 could not tell. */
int jsonpath_decide(struct jsonpath_run *run, const struct jsonpath_test *t,
		    struct json_t *current);

#endif
