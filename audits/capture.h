/*
 * capture: one value out of the answer to a request, named by one text.
 *
 *	/jobs/0/state             JSON Pointer (RFC 6901); "" is the whole document
 *	$.jobs[?@.id==7].state    JSONPath (RFC 9535), which must select exactly one place
 *	count($.jobs[*])          how many places it selects: 0 as well, once the names it begins
 *	                          with lead to a list or an object
 *	'/balance ([0-9]+)/'      regular expression in the text of the body: its group, or all of
 *	                          the match when it has none; of several matches the first
 *	header:Cache-Control      a header, which must be there exactly once
 *	cookie:session            the value of a cookie the answer sets
 *
 * A text that begins and ends with a slash is an expression, so a pointer to a member whose name
 * is empty is written as a JSONPath.
 *
 * What is found in text, headers and cookies is a number when it is written as JSON writes
 * numbers without exponent (007, 1.2.3 and 1e5 are none), else text. Everything that is not exactly
 * one value is no measurement, with a reason that names what was looked for.
 */
#ifndef ASSIZE_AUDITS_CAPTURE_H
#define ASSIZE_AUDITS_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/model/measurement.h"

struct arena;
struct err;
struct http_header;
struct json_doc;
struct jsonpath;
struct pattern;

enum capture_source {
	CAPTURE_POINTER,
	CAPTURE_PATH,
	CAPTURE_COUNT,
	CAPTURE_PATTERN,
	CAPTURE_HEADER,
	CAPTURE_COOKIE
};

struct capture {
	enum capture_source source;
	const char *text;	     /* as written */
	const char *name;	     /* of a header or cookie */
	const struct jsonpath *path; /* PATH and COUNT */
	const struct jsonpath *stem; /* COUNT: what must be there */
	const struct pattern *pattern;
};

/* text is borrowed, everything made of it is a's. -1: none of the forms above, ERR_DEFINITION. */
int capture_parse(struct arena *a, const char *text, struct capture *out, struct err *e);
/* Pointers, JSONPath and counts alone: here a slash at the end ends nothing. */
int capture_parse_json(struct arena *a, const char *text, struct capture *out, struct err *e);

bool capture_is_of_json(const struct capture *c);
bool capture_is_of_body(const struct capture *c); /* of JSON or of the text */

/* The answer as captures see it. */
struct capture_view {
	const struct json_doc *json; /* NULL: json_problem says why */
	const char *json_problem;
	const char *text; /* of the body, valid UTF-8; NULL: text_problem says why */
	size_t n_text;
	const char *text_problem;
	const char *torn_problem; /* why the body may have broken off; NULL = it is whole */
	const struct http_header *headers;
	size_t n_headers;
	bool is_text_kept; /* numbers in text, headers and cookies stay text, to be sent on */
};

/*
 * Why a pattern would be held against a body in vain; NULL when it is text. content_type is what
 * the server says of it, "" = nothing.
 */
const char *capture_no_text(struct arena *a, const char *content_type, const char *s, size_t n);

/* The value, called `name`; or no measurement and why. Its text is in a. */
struct measurement capture_take(const struct capture *c, const char *name,
				const struct capture_view *view, struct arena *a);

#endif
