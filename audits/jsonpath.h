/*
 * jsonpath: queries into a JSON document (RFC 9535), with regular expressions as RFC 9485 has them.
 *
 * A query is parsed once, when the definition is loaded: everything that is wrong with it, a
 * pattern that is no I-Regexp included, is an error with the place in its text. Asked of a document
 * it gives the places it selects, in the order the RFC demands, the same place as often as it is
 * selected.
 *
 * Work is bounded, because both the query and the document may come from elsewhere: an evaluation
 * that looked at too many nodes, or at one pattern for too long, has told nothing and says so. It
 * is never "selects nothing".
 *
 * Deviations: numbers are compared exactly and not as doubles; where an integer beyond 2^63 would
 * have to be told from a number equal to it, the evaluation fails. A pattern written in the query
 * must be valid, where the RFC would call every text a mismatch; one read from the document is a
 * mismatch when it is not, as there.
 */
#ifndef ASSIZE_AUDITS_JSONPATH_H
#define ASSIZE_AUDITS_JSONPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/io/json.h"

struct arena;
struct err;
struct jsonpath;

/* Of the query's text in bytes, and of brackets, parentheses and calls inside one another. */
#define JSONPATH_MAX_BYTES 4096
#define JSONPATH_MAX_DEPTH 32

/* Nodes looked at by one evaluation; matching a pattern counts as a hundred, 64 bytes as one. */
#define JSONPATH_MAX_STEPS INT64_C(5000000)

/* The query is a's and immutable: threads may share it. -1: no valid query, ERR_DEFINITION. */
int jsonpath_parse(struct arena *a, const char *text, size_t n, struct jsonpath **out,
		   struct err *e);

/* Does it name at most one place whatever the document (only names and indexes)? */
bool jsonpath_is_singular(const struct jsonpath *p);

/*
 * The names and indexes p begins with, before anything that may select many: what must be there so
 * that "selects nothing" says something about what was looked for. In a.
 */
const struct jsonpath *jsonpath_stem(struct arena *a, const struct jsonpath *p);

/* Places in a document; owns its array. Zero it before the first use. */
struct json_nodes {
	struct json_t **items;
	size_t n, cap;
};

void json_nodes_release(struct json_nodes *nodes);

/* -1: the budget was spent, or something could not be told; ERR_MEASURE. Appends to out. */
int jsonpath_select(const struct jsonpath *p, const struct json_doc *d, struct json_nodes *out,
		    struct err *e);

/*
 * An I-Regexp (RFC 9485) as a pattern for runner/model/pattern.h, in a. NULL: it is none, and *at
 * is the offset of what is wrong. ^ and $ stand for the ends of the text.
 */
const char *iregexp_translate(struct arena *a, const char *text, size_t n, size_t *at);

#endif
