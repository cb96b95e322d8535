/*
 * http: one request; its status, times, size and body, values of the answer, and the certificates
 * met on the way.
 *
 * A redirect is an answer like any other unless `redirects` allows some: a page that sends visitors
 * to a login page is not up. Here are the keys and the request; http_answer.c measures.
 */
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "audits/http_kind.h"
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
	 .choices = http_methods,
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
	 .help = "values to read from a JSON body: a name of yours for each JSON Pointer or "
		 "JSONPath",
	 .example = "{ queue: /jobs/waiting, state: \"$.jobs[?@.id == 7].state\" }"},
	{.name = "capture",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct http_spec, capture),
	 .help = "values to read from the answer: a name of yours for each /pointer, $.path, "
		 "count($.path[*]), '/pattern (group)/', header:Name or cookie:name",
	 .example = "{ balance: \"/balance ([0-9]+)/\", cache: \"header:Cache-Control\" }"},
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
	 .is_at_least_0 = true,
	 .help = "from the beginning to the last byte, redirects included"},
	{.name = "size", .type = VALUE_INT, .unit = "B", .help = "length of the decoded body"},
	{.name = "body",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "the body as text, without newlines at its end"},
	{.name = "dns",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "looking up the name"},
	{.name = "connect",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "making the connection, once the name was known"},
	{.name = "tls",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "the TLS handshake, once the connection stood"},
	{.name = "first_byte",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "waiting for the first byte of the answer, once the connection was ready"},
	{.name = "tls_days_left",
	 .type = VALUE_REAL,
	 .unit = "",
	 .help = "days until the first certificate expires, of those the server sent and of the "
		 "chain built from them, authority included"},
	{.name = "url",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "where the answer came from, after redirects"},
	{.name = "redirects",
	 .type = VALUE_INT,
	 .unit = "",
	 .help = "how many redirects were followed"},
	{.name = "http_version",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "version of HTTP the answer came in: 1.0, 1.1, 2"},
	{.name = NULL},
};

static bool is_fixed_value(const char *name)
{
	for (const struct value_row *row = http_values; row->name != NULL; row++)
		if (strcmp(row->name, name) == 0)
			return true;
	return false;
}

static bool is_named_before(const struct http_spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->n_captures; i++)
		if (strcmp(spec->captures[i].name, name) == 0)
			return true;
	return false;
}

static void add_capture(struct keys_context *ctx, struct check *c, const struct pair *p,
			int (*parse)(struct arena *a, const char *text, struct capture *out,
				     struct err *e))
{
	struct http_spec *spec = c->spec;
	struct capture from;
	struct err e = {0};

	if (is_fixed_value(p->name))
		(void)diags_at(ctx->diags, p->pos, "choose another name",
			       "check \"%s\": \"%s\" is a value of every http check", c->name,
			       p->name);
	else if (!str_is_name(p->name))
		(void)diags_at(ctx->diags, p->pos, "use letters, digits, _ . and -",
			       "check \"%s\": \"%s\" cannot be the name of a value", c->name,
			       p->name);
	else if (is_named_before(spec, p->name))
		(void)diags_at(ctx->diags, p->pos, "choose another name",
			       "check \"%s\": there are two values called \"%s\"", c->name,
			       p->name);
	if (parse(ctx->arena, p->value, &from, &e) != 0)
		(void)diags_at(ctx->diags, p->pos,
			       e.help[0] != '\0' ? arena_strdup(ctx->arena, e.help) : NULL,
			       "check \"%s\": %s", c->name, e.message);
	else
		spec->captures[spec->n_captures++] =
			(struct http_capture){.name = p->name, .from = from};
}

static void check_captures(struct keys_context *ctx, struct check *c)
{
	struct http_spec *spec = c->spec;

	spec->captures =
		arena_array(ctx->arena, spec->json.n + spec->capture.n, sizeof(*spec->captures));
	for (size_t i = 0; i < spec->json.n; i++)
		add_capture(ctx, c, &spec->json.items[i], capture_parse_json);
	for (size_t i = 0; i < spec->capture.n; i++)
		add_capture(ctx, c, &spec->capture.items[i], capture_parse);
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
	if ((end != NULL || spec->end.min_body > 0) &&
	    strcmp(http_methods[spec->method], "HEAD") == 0)
		(void)diags_at(ctx->diags,
			       keys_pos(c->spec_node, end != NULL ? "ends_with" : "min_body"), NULL,
			       "check \"%s\": the answer to HEAD has no body", c->name);
}

static void http_check(struct keys_context *ctx, struct check *c)
{
	const struct http_spec *spec = c->spec;

	check_captures(ctx, c);
	check_end(ctx, c);
	if (spec->body != NULL && (strcmp(http_methods[spec->method], "GET") == 0 ||
				   strcmp(http_methods[spec->method], "HEAD") == 0))
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "body"), "add method: POST",
			       "check \"%s\": a %s request has no body", c->name,
			       http_methods[spec->method]);
	if (c->target != NULL && http_join(ctx->arena, c->target->location, spec->path) == NULL)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "path"),
			       "write a path, or make a target of that host",
			       "check \"%s\": \"path\" leaves the host of target \"%s\"", c->name,
			       c->target->name);
}

static bool http_has_value(const struct check *c, const char *name, struct value_row *row)
{
	const struct http_spec *spec = c->spec;

	if (!is_named_before(spec, name))
		return false;
	/* The answer decides whether it is a number or a text. */
	*row = (struct value_row){.name = name, .type = VALUE_NONE, .unit = ""};
	return true;
}

/* "GET http://host/path": no header is ever shown. */
static const char *request_line(struct probe *p)
{
	const struct http_spec *spec = p->checks[0]->spec;
	const char *url = http_join(p->arena, p->checks[0]->target->location, spec->path);

	return arena_printf(p->arena, "%s %s", http_methods[spec->method], url != NULL ? url : "");
}

static void http_describe(struct probe *p, struct buf *out)
{
	(void)buf_printf(out, "%s\n", request_line(p)); /* the definition is bounded */
}

static void release_state(void *ptr)
{
	struct http_state *s = ptr;

	buf_release(&s->body);
	json_free(s->json);
}

bool http_is_expected(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->n_expects; i++)
		if (strcmp(c->expects[i].name, name) == 0)
			return true;
	return false;
}

static bool is_body_wanted(const struct check *c)
{
	const struct http_spec *spec = c->spec;

	for (size_t i = 0; i < spec->n_captures; i++)
		if (capture_is_of_body(&spec->captures[i].from))
			return true;
	return http_is_expected(c, "body");
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
	s->is_wanted = is_body_wanted(c);
	s->query = request_line(p);
	p->state = s;
	req->method = http_methods[spec->method];
	req->url = url;
	req->headers = &c->target->headers;
	req->extra_headers = &spec->headers;
	req->body = spec->body;
	req->ca_file = c->target->ca_file;
	req->route = &c->target->route;
	req->is_fresh = http_wants_connection(c);
	req->wants_chain = http_is_expected(c, "tls_days_left");
	req->max_redirects = (long)spec->redirects;
	req->max_connections = (long)c->target->max_connections;
	req->max_body_bytes =
		spec->max_body > MAX_TRANSFER_BYTES ? spec->max_body : MAX_TRANSFER_BYTES;
	return 0;
}

const struct audit_kind audit_kind_http = {
	.name = "http",
	.family = "http",
	.summary = "one request: status, times, size, body, values of the answer, certificates",
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
	.arsenal = &arsenal_http,
	.has_value = http_has_value,
	.describe = http_describe,
	.begin = http_begin,
	.on_body = http_on_body,
	.finish = http_finish,
};
