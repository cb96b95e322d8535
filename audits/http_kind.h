/*
 * http_kind: what the files of kind http share; private to audits/http*.c.
 *
 * http.c reads the definition and makes the request, http_answer.c keeps what arrives and measures
 * it, http_phases.c measures the way there, http_end.c decides whether the body is the whole one.
 */
#ifndef ASSIZE_AUDITS_HTTP_KIND_H
#define ASSIZE_AUDITS_HTTP_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audits/capture.h"
#include "audits/http_end.h"
#include "runner/base/buf.h"
#include "runner/base/pairs.h"

struct check;
struct err;
struct http_response;
struct json_doc;
struct probe;

#define HTTP_SNIPPET_BYTES 160

/* A value with a name of the definition's. */
struct http_capture {
	const char *name;
	struct capture from;
};

struct http_spec {
	const char *path, *body;
	int method;
	struct pairs headers, json, capture;
	int64_t max_body, redirects;
	struct http_end_spec end;
	struct http_capture *captures; /* json and capture, read */
	size_t n_captures;
};

struct http_state {
	struct buf body; /* what is kept */
	bool is_wanted;	 /* does anybody ask for it? */
	bool is_too_long;
	char snippet[HTTP_SNIPPET_BYTES];
	size_t n_snippet;
	struct json_doc *json;
	struct http_end end;
	bool is_end_unknown;
	const char *query, *evidence;
};

/* Does the check say something about this value? */
bool http_is_expected(const struct check *c, const char *name);
/* Emits a value of the probe's check, with its request and evidence unless it brings its own. */
void http_emit(struct probe *p, struct measurement m);

/* http_answer.c */
int http_on_body(struct probe *p, const char *data, size_t n, struct err *e);
int http_finish(struct probe *p, const struct http_response *res, struct err *e);

/* http_phases.c: values of the connection and of the way to the answer, those that are expected. */
void http_emit_phases(struct probe *p, const struct http_response *res);
/* Is one of them expected that exists on a new connection only? */
bool http_wants_connection(const struct check *c);

#endif
