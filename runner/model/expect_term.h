/*
 * expect_term: the parsed form of one term of an expectation; private to expect_parse.c,
 * expect_judge.c and expect_sides.c. All memory is in the arena given to expect_parse().
 */
#ifndef ASSIZE_MODEL_EXPECT_TERM_H
#define ASSIZE_MODEL_EXPECT_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/model/expect.h"

struct pattern;

enum term_type { TERM_COMPARE, TERM_BETWEEN, TERM_IN, TERM_MATCHES, TERM_WITHIN, TERM_NOT_WORSE };

enum term_op { OP_LESS, OP_LESS_EQUAL, OP_MORE, OP_MORE_EQUAL, OP_EQUAL, OP_NOT_EQUAL };

/* A literal of the language; numbers in base units. */
struct operand {
	bool is_text;
	bool is_integer; /* integer holds the exact value, unit has factor 1 */
	int64_t integer;
	double number;
	bool is_large;	    /* as written or in base units it is beyond 2^53 - 1 */
	const char *digits; /* the number as written */
	const char *suffix; /* its unit as written, "" none */
	const char *unit;   /* base unit, "" none */
	const char *text;
};

struct expect_term {
	enum term_type type;
	struct pos pos;
	enum term_op op;	  /* COMPARE */
	struct operand *operands; /* COMPARE 1, BETWEEN 2, IN n */
	size_t n_operands;
	struct pattern *pattern; /* MATCHES */
	const char *pattern_text;
	/* WITHIN: tolerance as a share of the centre, or in sigmas */
	double tolerance;
	bool is_sigma;
	enum expect_statistic statistic;
	int64_t window_ms;
	bool is_of_control; /* NOT_WORSE: than the control, else than history */
};

#endif
