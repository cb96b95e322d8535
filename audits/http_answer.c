/*
 * What an answer is worth: the bytes that are kept of it, and the values made of them. The body is
 * kept only when something is asked of it, and then up to max_body. One whose end nothing marked
 * may be torn: it is no value and has no size unless the definition says how it ends (http_end.h).
 * A JSON document has an end of its own, a bare number apart.
 */
#include <string.h>
#include <strings.h>

#include "audits/http_kind.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/http.h"
#include "runner/io/json.h"
#include "runner/model/kind.h"

#define SHOWN_BYTES 60 /* of a body, in a reason */

static const char unmarked[] = "nothing marked the end of the body, so it may be torn: say how it "
			       "ends (ends_with) or how long it is at least (min_body)";

int http_on_body(struct probe *p, const char *data, size_t n, struct err *e)
{
	struct http_state *s = p->state;
	size_t room = HTTP_SNIPPET_BYTES - s->n_snippet;

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

/* Without credentials. */
static void put_location(struct buf *b, const char *location)
{
	size_t at, n = http_url_credentials(location, &at);

	(void)buf_puts(b, "\nlocation: "); /* cut when full */
	str_escape(b, location, at);
	str_escape(b, location + at + n, strlen(location + at + n));
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
		put_location(&b, res->headers[i].value);
	}
	if (s->n_snippet > 0 && (s->is_wanted || res->status >= 400)) {
		bool is_cut = res->n_body_bytes > (int64_t)s->n_snippet;
		const char *head = probe_head(p, s->snippet, s->n_snippet, s->n_snippet - is_cut);

		(void)buf_puts(&b, "\nbody: ");
		str_escape(&b, head, strlen(head));
		if (is_cut)
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

static struct measurement measure_body(struct probe *p, const struct http_state *s,
				       const char *content_type)
{
	const char *problem = body_problem(p, s), *text = s->body.data;
	size_t n = s->body.len;

	if (problem == NULL && s->is_end_unknown)
		problem = unmarked;
	if (problem != NULL)
		return measurement_none("body", problem);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	problem = capture_no_text(p->arena, content_type, text, n);
	if (problem != NULL)
		return measurement_none("body", problem);
	return measurement_text("body", arena_strndup(p->arena, n > 0 ? text : "", n));
}

/* NULL when s->json is there. */
static const char *parse_json(struct probe *p, struct http_state *s,
			      const struct http_response *res)
{
	struct err e = {0};
	const char *type = res->content_type[0] != '\0' ? res->content_type : "no content type";
	const char *problem = body_problem(p, s);

	if (problem != NULL)
		return problem;
	if (s->body.len == 0)
		return "the body is empty, not JSON";
	if (json_parse(s->body.data, s->body.len, &s->json, &e) == 0)
		return NULL;
	return arena_printf(
		p->arena, "the body is not JSON (%s): %s, it begins \"%s\"",
		str_escaped(p->arena, type), e.message,
		str_escaped(p->arena, probe_head(p, s->body.data, s->body.len, SHOWN_BYTES)));
}

static const char *text_problem(struct probe *p, const struct http_state *s,
				const char *content_type)
{
	const char *problem = body_problem(p, s);

	return problem != NULL ? problem
			       : capture_no_text(p->arena, content_type, s->body.data, s->body.len);
}

void http_emit(struct probe *p, struct measurement m)
{
	const struct http_state *s = p->state;

	m.query = s->query;
	if (m.evidence == NULL)
		m.evidence = s->evidence;
	probe_emit(p, 0, &m);
}

static void emit_captures(struct probe *p, const struct http_response *res)
{
	const struct http_spec *spec = p->checks[0]->spec;
	struct http_state *s = p->state;
	struct capture_view view = {
		.text_problem = text_problem(p, s, res->content_type),
		.torn_problem = s->is_end_unknown ? unmarked : NULL,
		.headers = res->headers,
		.n_headers = res->n_headers,
	};
	bool has_json = false;

	for (size_t i = 0; i < spec->n_captures; i++)
		has_json = has_json || capture_is_of_json(&spec->captures[i].from);
	if (has_json)
		view.json_problem = parse_json(p, s, res);
	view.json = s->json;
	if (view.text_problem == NULL) {
		view.text = s->body.len > 0 ? s->body.data : "";
		view.n_text = s->body.len;
	}
	for (size_t i = 0; i < spec->n_captures; i++)
		http_emit(p, capture_take(&spec->captures[i].from, spec->captures[i].name, &view,
					  p->arena));
}

int http_finish(struct probe *p, const struct http_response *res, struct err *e)
{
	const struct http_spec *spec = p->checks[0]->spec;
	struct http_state *s = p->state;
	const char *problem = http_end_problem(&s->end, &spec->end, res, p->arena);

	s->evidence = evidence_of(p, s, res);
	s->is_end_unknown = http_end_is_unknown(&spec->end, res);
	http_emit(p, measurement_int("status", res->status, ""));
	http_emit(p, measurement_real("total", res->total_s, "s"));
	http_emit_phases(p, res);
	if (problem != NULL) /* also when nobody asks for the body: the definition spoke of it */
		return err_set(e, ERR_MEASURE, "%s", problem);
	http_emit(p, s->is_end_unknown ? measurement_none("size", unmarked)
				       : measurement_int("size", res->n_body_bytes, "B"));
	if (http_is_expected(p->checks[0], "body"))
		http_emit(p, measure_body(p, s, res->content_type));
	emit_captures(p, res);
	return 0;
}
