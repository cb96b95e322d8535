/*
 * http: one request; its status, times, size, body, and what a JSON body says at a pointer.
 *
 * A redirect is an answer like any other unless `redirects` allows some: a page that sends visitors
 * to a login page is not up. The body is kept only when something is asked of it, and then up to
 * max_body. A body whose end nothing marked (neither a length nor chunks) may be torn: it is no
 * value and has no size unless the definition says how it ends (http_end.h). A JSON document has an
 * end of its own, a bare number apart.
 */
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "audits/http_end.h"
#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/http.h"
#include "runner/io/json.h"
#include "runner/model/kind.h"

/* A body may be longer than what is kept of it, but not without end. */
#define MAX_TRANSFER_BYTES (INT64_C(64) << 20)
#define SNIPPET_BYTES	   160

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "OPTIONS", NULL};

struct http_spec {
	const char *path, *body;
	int method;
	struct pairs headers, json;
	int64_t max_body, redirects;
	struct http_end_spec end;
};

static const struct key_row http_keys[] = {
	{.name = "path",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct http_spec, path),
	 .def = "/",
	 .help = "what to request, behind the target's URL",
	 .example = "/health"},
	{.name = "method",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct http_spec, method),
	 .choices = methods,
	 .def = "GET",
	 .help = "request method",
	 .example = "POST"},
	{.name = "headers",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct http_spec, headers),
	 .help = "headers of this request, over those of the target",
	 .example = "{ Accept: application/json }"},
	{.name = "body",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct http_spec, body),
	 .help = "body of the request",
	 .example = "'{\"id\": 1}'"},
	{.name = "json",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct http_spec, json),
	 .help = "values to read from a JSON body: a name of yours for each JSON Pointer",
	 .example = "{ queue: /jobs/waiting }"},
	{.name = "max_body",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct http_spec, max_body),
	 .min = 1,
	 .max = 1024 * 1024 * 1024,
	 .def = "1MiB",
	 .help = "a longer body is not judged by body or json"},
	{.name = "min_body",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct http_spec, end.min_body),
	 .min = 1,
	 .max = 1024 * 1024 * 1024,
	 .help = "a shorter body is no measurement; one of this size is whole, though nothing "
		 "marks its end",
	 .example = "2 kB"},
	{.name = "ends_with",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct http_spec, end.ends_with),
	 .help = "a body that ends otherwise (newlines behind it aside) is no measurement; one "
		 "that ends so "
		 "is whole, though nothing marks its end",
	 .example = "\"</html>\""},
	{.name = "redirects",
	 .type = KEY_INT,
	 .offset = offsetof(struct http_spec, redirects),
	 .min = 0,
	 .max = 20,
	 .def = "0",
	 .help = "redirects to follow; with 0 a redirect is the answer"},
	KEY_END,
};

static const struct value_row http_values[] = {
	{.name = "status",
	 .type = VALUE_INT,
	 .unit = "",
	 .implied = "== 200",
	 .help = "status code of the (last) answer"},
	{.name = "total",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .help = "from the beginning to the last byte, redirects included"},
	{.name = "size", .type = VALUE_INT, .unit = "B", .help = "length of the decoded body"},
	{.name = "body",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "the body as text, without newlines at its end"},
	{.name = NULL},
};

static bool is_fixed_value(const char *name)
{
	for (const struct value_row *row = http_values; row->name != NULL; row++)
		if (strcmp(row->name, name) == 0)
			return true;
	return false;
}

static void check_captures(struct keys_context *ctx, const struct check *c)
{
	const struct http_spec *spec = c->spec;

	for (size_t i = 0; i < spec->json.n; i++) {
		const struct pair *p = &spec->json.items[i];

		if (is_fixed_value(p->name))
			(void)diags_at(ctx->diags, p->pos, "choose another name",
				       "check \"%s\": \"%s\" is a value of every http check",
				       c->name, p->name);
		else if (!str_is_name(p->name))
			(void)diags_at(ctx->diags, p->pos, "use letters, digits, _ . and -",
				       "check \"%s\": \"%s\" cannot be the name of a value",
				       c->name, p->name);
		if (!json_pointer_is_valid(p->value))
			(void)diags_at(ctx->diags, p->pos,
				       "for example /jobs/0/state; "
				       "~0 stands for ~ and ~1 for /",
				       "check \"%s\": \"%s\" is not a JSON Pointer", c->name,
				       p->value);
	}
}

static void check_end(struct keys_context *ctx, const struct check *c)
{
	const struct http_spec *spec = c->spec;
	const char *end = spec->end.ends_with;
	size_t n = end != NULL ? strlen(end) : 0;

	if (end != NULL && (n == 0 || n > HTTP_END_MAX || strchr("\r\n", end[n - 1]) != NULL))
		(void)diags_at(
			ctx->diags, keys_pos(c->spec_node, "ends_with"), NULL,
			"check \"%s\": \"ends_with\" must have 1 to %d bytes, the last of them "
			"no newline",
			c->name, HTTP_END_MAX);
	if ((end != NULL || spec->end.min_body > 0) && strcmp(methods[spec->method], "HEAD") == 0)
		(void)diags_at(ctx->diags,
			       keys_pos(c->spec_node, end != NULL ? "ends_with" : "min_body"), NULL,
			       "check \"%s\": the answer to HEAD has no body", c->name);
}

static void http_check(struct keys_context *ctx, struct check *c)
{
	const struct http_spec *spec = c->spec;

	check_captures(ctx, c);
	check_end(ctx, c);
	if (spec->body != NULL && (strcmp(methods[spec->method], "GET") == 0 ||
				   strcmp(methods[spec->method], "HEAD") == 0))
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "body"), "add method: POST",
			       "check \"%s\": a %s request has no body", c->name,
			       methods[spec->method]);
	if (c->target != NULL && http_join(ctx->arena, c->target->location, spec->path) == NULL)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "path"),
			       "write a path, or make a target of that host",
			       "check \"%s\": \"path\" leaves the host of target \"%s\"", c->name,
			       c->target->name);
}

static bool http_has_value(const struct check *c, const char *name, struct value_row *row)
{
	const struct http_spec *spec = c->spec;

	for (size_t i = 0; i < spec->json.n; i++) {
		if (strcmp(spec->json.items[i].name, name) != 0)
			continue;
		/* The document decides whether it is a number or a text. */
		*row = (struct value_row){.name = name, .type = VALUE_NONE, .unit = ""};
		return true;
	}
	return false;
}

/* "GET http://host/path": no header is ever shown. */
static const char *request_line(struct probe *p)
{
	const struct http_spec *spec = p->checks[0]->spec;
	const char *url = http_join(p->arena, p->checks[0]->target->location, spec->path);

	return arena_printf(p->arena, "%s %s", methods[spec->method], url != NULL ? url : "");
}

static void http_describe(struct probe *p, struct buf *out)
{
	(void)buf_printf(out, "%s\n", request_line(p)); /* the definition is bounded */
}

struct http_state {
	struct buf body; /* what is kept */
	bool is_wanted;	 /* does anybody ask for it? */
	bool is_too_long;
	char snippet[SNIPPET_BYTES];
	size_t n_snippet;
	struct json_doc *json;
	const char *json_error; /* why there is none */
	struct http_end end;
	bool is_end_unknown;
	const char *query, *evidence;
};

static const char unmarked[] = "nothing marked the end of the body, so it may be torn: say how it "
			       "ends (ends_with) or how long it is at least (min_body)";

static void release_state(void *ptr)
{
	struct http_state *s = ptr;

	buf_release(&s->body);
	json_free(s->json);
}

static bool is_expected(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->n_expects; i++)
		if (strcmp(c->expects[i].name, name) == 0)
			return true;
	return false;
}

static int http_begin(struct probe *p, struct http_request *req, struct err *e)
{
	const struct check *c = p->checks[0];
	const struct http_spec *spec = c->spec;
	struct http_state *s = arena_alloc(p->arena, sizeof(*s));
	const char *url = http_join(p->arena, c->target->location, spec->path);

	if (url == NULL)
		return err_set(e, ERR_MEASURE, "\"%s\" is not on the host of target \"%s\"",
			       spec->path, c->target->name);
	buf_init(&s->body, (size_t)spec->max_body);
	arena_defer(p->arena, release_state, s);
	s->is_wanted = spec->json.n > 0 || is_expected(c, "body");
	s->query = request_line(p);
	p->state = s;
	req->method = methods[spec->method];
	req->url = url;
	req->headers = &c->target->headers;
	req->extra_headers = &spec->headers;
	req->body = spec->body;
	req->ca_file = c->target->ca_file;
	req->max_redirects = (long)spec->redirects;
	req->max_connections = (long)c->target->max_connections;
	req->max_body_bytes =
		spec->max_body > MAX_TRANSFER_BYTES ? spec->max_body : MAX_TRANSFER_BYTES;
	return 0;
}

static int http_on_body(struct probe *p, const char *data, size_t n, struct err *e)
{
	struct http_state *s = p->state;
	size_t room = SNIPPET_BYTES - s->n_snippet;

	(void)e; /* nothing here can fail the transfer */
	http_end_feed(&s->end, data, n);
	if (room > 0) {
		memcpy(s->snippet + s->n_snippet, data, n < room ? n : room);
		s->n_snippet += n < room ? n : room;
	}
	if (!s->is_wanted || s->is_too_long)
		return 0;
	if (buf_add(&s->body, data, n) != 0) {
		s->is_too_long = true;
		buf_release(&s->body);
	}
	return 0;
}

/* The status line, where a redirect leads, and how the body begins when that explains something. */
static const char *evidence_of(struct probe *p, const struct http_state *s,
			       const struct http_response *res)
{
	struct buf b;
	const char *text;

	buf_init(&b, EVIDENCE_MAX_BYTES);
	(void)buf_printf(&b, "HTTP/%s %ld", res->http_version, res->status); /* cut when full */
	if (res->content_type[0] != '\0') {
		(void)buf_puts(&b, ", ");
		str_escape(&b, res->content_type, strlen(res->content_type));
	}
	(void)buf_printf(&b, ", %lld bytes", (long long)res->n_body_bytes);
	for (size_t i = 0; i < res->n_headers; i++) {
		if (strcasecmp(res->headers[i].name, "Location") != 0)
			continue;
		(void)buf_puts(&b, "\nlocation: ");
		str_escape(&b, res->headers[i].value, strlen(res->headers[i].value));
	}
	if (s->n_snippet > 0 && (s->is_wanted || res->status >= 400)) {
		(void)buf_puts(&b, "\nbody: ");
		str_escape(&b, s->snippet, s->n_snippet);
		if (res->n_body_bytes > (int64_t)s->n_snippet)
			(void)buf_puts(&b, " ...");
	}
	text = arena_strndup(p->arena, b.data, b.len);
	buf_release(&b);
	return text;
}

/* Why the body kept cannot be judged; NULL when it can. */
static const char *body_problem(struct probe *p, const struct http_state *s)
{
	const struct http_spec *spec = p->checks[0]->spec;
	char limit[NUM_REAL_MAX];

	if (!s->is_too_long)
		return NULL;
	(void)num_format_size(spec->max_body, limit); /* cannot fail */
	return arena_printf(p->arena, "the body is larger than %s (max_body)", limit);
}

static struct measurement measure_body(struct probe *p, const struct http_state *s)
{
	const char *problem = body_problem(p, s), *text = s->body.data;
	size_t n = s->body.len;

	if (problem == NULL && s->is_end_unknown)
		problem = unmarked;
	if (problem != NULL)
		return measurement_none("body", problem);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	if (n > 0 && memchr(text, '\0', n) != NULL)
		return measurement_none("body", "the body holds a NUL byte: it is no text");
	if (n > 0 && !str_is_utf8(text, n))
		return measurement_none("body", "the body is not valid UTF-8: it is no text");
	return measurement_text("body", arena_strndup(p->arena, n > 0 ? text : "", n));
}

static void parse_json(struct probe *p, struct http_state *s, const struct http_response *res)
{
	struct err e = {0};
	const char *type = res->content_type[0] != '\0' ? res->content_type : "no content type";

	s->json_error = body_problem(p, s);
	if (s->json_error != NULL)
		return;
	if (s->body.len == 0) {
		s->json_error = "the body is empty, not JSON";
		return;
	}
	if (json_parse(s->body.data, s->body.len, &s->json, &e) != 0)
		s->json_error = arena_printf(
			p->arena, "the body is not JSON (%s): %s, it begins \"%s\"",
			str_escaped(p->arena, type), e.message,
			str_escaped(p->arena,
				    arena_strndup(p->arena, s->snippet,
						  s->n_snippet < 60 ? s->n_snippet : 60)));
}

static struct measurement measure_json(struct probe *p, const struct pair *capture,
				       const struct json_value *v, bool is_end_unknown)
{
	struct arena *a = p->arena;
	const char *name = capture->name, *at = capture->value;
	struct measurement m;

	switch (v->type) {
	case JSON_ABSENT:
		return measurement_none(name,
					arena_printf(a, "the body has nothing at \"%s\"", at));
	case JSON_IS_NULL:
		return measurement_none(name, arena_printf(a, "there is null at \"%s\"", at));
	case JSON_IS_ARRAY:
	case JSON_IS_OBJECT:
		return measurement_none(
			name, arena_printf(a, "there is an %s at \"%s\", not a value",
					   v->type == JSON_IS_ARRAY ? "array" : "object", at));
	case JSON_IS_BOOL:
		return measurement_text(name, v->boolean ? "true" : "false");
	case JSON_IS_TEXT:
		return measurement_text(name, v->text);
	case JSON_IS_INT:
	case JSON_IS_REAL:
		break;
	}
	if (at[0] == '\0' && is_end_unknown)
		return measurement_none(name, unmarked);
	if (v->type == JSON_IS_INT)
		return measurement_int(name, v->integer, "");
	m = measurement_real(name, v->real, "");
	m.is_rounded = v->is_rounded;
	if (m.is_rounded)
		m.reason = "an integer beyond 2^63: its last digits are not kept";
	return m;
}

static void emit(struct probe *p, struct measurement m)
{
	const struct http_state *s = p->state;

	m.query = s->query;
	m.evidence = s->evidence;
	probe_emit(p, 0, &m);
}

static void emit_captures(struct probe *p, const struct http_response *res)
{
	const struct http_spec *spec = p->checks[0]->spec;
	struct http_state *s = p->state;

	if (spec->json.n > 0)
		parse_json(p, s, res);
	for (size_t i = 0; i < spec->json.n; i++) {
		const struct pair *capture = &spec->json.items[i];
		struct json_value v = {.type = JSON_ABSENT};
		struct err e = {0};

		if (s->json_error != NULL)
			emit(p, measurement_none(capture->name, s->json_error));
		else if (json_pointer(s->json, capture->value, &v, &e) != 0)
			emit(p, measurement_none(capture->name, arena_strdup(p->arena, e.message)));
		else
			emit(p, measure_json(p, capture, &v, s->is_end_unknown));
	}
}

static int http_finish(struct probe *p, const struct http_response *res, struct err *e)
{
	const struct http_spec *spec = p->checks[0]->spec;
	struct http_state *s = p->state;
	const char *problem = http_end_problem(&s->end, &spec->end, res, p->arena);

	s->evidence = evidence_of(p, s, res);
	s->is_end_unknown = http_end_is_unknown(&spec->end, res);
	emit(p, measurement_int("status", res->status, ""));
	emit(p, measurement_real("total", res->total_s, "s"));
	if (problem != NULL) /* also when nobody asks for the body: the definition spoke of it */
		return err_set(e, ERR_MEASURE, "%s", problem);
	emit(p, s->is_end_unknown ? measurement_none("size", unmarked)
				  : measurement_int("size", res->n_body_bytes, "B"));
	if (is_expected(p->checks[0], "body"))
		emit(p, measure_body(p, s));
	emit_captures(p, res);
	return 0;
}

const struct audit_kind audit_kind_http = {
	.name = "http",
	.family = "http",
	.summary = "one request: status, time, size, body, values of a JSON body",
	.blind = "One request from one place says nothing about other visitors, other routes or "
		 "the next minute. What a script would do in a browser is not run. A status alone "
		 "says "
		 "nothing about the body: an empty one, an error page and, where nothing marks its "
		 "end, a torn one pass; min_body and ends_with look at it. Environment proxies are "
		 "not used.",
	.spec_size = sizeof(struct http_spec),
	.keys = http_keys,
	.values = http_values,
	.targets = TARGET_BIT(TARGET_HTTP),
	.scalar_key = "path",
	.check = http_check,
	.has_value = http_has_value,
	.describe = http_describe,
	.begin = http_begin,
	.on_body = http_on_body,
	.finish = http_finish,
};
