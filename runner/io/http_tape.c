/*
 * Which request an answer belongs to is told by everything that is sent, so that an answer is never
 * given to another question than it was an answer to.
 */
#include "runner/io/http_tape.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/pairs.h"
#include "runner/io/http_fetch.h"

#define PIECE_BYTES ((size_t)64 << 10)

static void release(void *tape)
{
	buf_release(&((struct http_tape *)tape)->body);
}

void http_tape_init(struct http_tape *t, struct arena *a)
{
	*t = (struct http_tape){.arena = a};
	buf_init(&t->body, 0);
	arena_defer(a, release, t);
}

void http_tape_rewind(struct http_tape *t)
{
	t->is_playing = true;
	t->is_off = false;
	for (size_t i = 0; i < t->n; i++)
		t->items[i].is_given = false;
}

static void put_headers(struct buf *b, const struct pairs *headers)
{
	for (size_t i = 0; headers != NULL && i < headers->n; i++)
		(void)buf_printf(b, "%s: %s\n", headers->items[i].name, headers->items[i].value);
	(void)buf_putc(b, '\n');
}

/* All that is sent; what was sent already has its limits. */
static const char *request_text(struct arena *a, const struct http_request *req, size_t *n)
{
	const char *body = req->body != NULL ? req->body : "", *text;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_printf(&b, "%s %s %s\n", req->method != NULL ? req->method : "GET", req->url,
			 req->accept != NULL ? req->accept : "");
	put_headers(&b, req->headers);
	put_headers(&b, req->extra_headers);
	(void)buf_add(&b, body, req->n_body > 0 ? req->n_body : strlen(body));
	*n = b.len;
	text = memcpy(arena_alloc(a, b.len), b.data, b.len);
	buf_release(&b);
	return text;
}

struct http_response http_response_copy(const struct http_response *res, struct arena *a)
{
	struct http_response copy = *res;
	struct http_header *headers = arena_array(a, res->n_headers + 1, sizeof(*headers));

	for (size_t i = 0; i < res->n_headers; i++) {
		headers[i].name = arena_strdup(a, res->headers[i].name);
		headers[i].value = arena_strdup(a, res->headers[i].value);
	}
	if (res->n_chain > 0) {
		struct http_certificate *chain = arena_array(a, res->n_chain, sizeof(*chain));

		for (size_t i = 0; i < res->n_chain; i++) {
			chain[i] = res->chain[i];
			chain[i].subject = arena_strdup(a, res->chain[i].subject);
		}
		copy.chain = chain;
	}
	copy.headers = headers;
	copy.content_type = arena_strdup(a, res->content_type);
	copy.url = arena_strdup(a, res->url);
	return copy;
}

/* ---- recording ---- */

void http_tape_begin(struct http_tape *t, int64_t max_body_bytes)
{
	buf_release(&t->body);
	buf_init(&t->body, max_body_bytes > 0 ? (size_t)max_body_bytes : BUF_UNBOUNDED);
	t->first_us = 0;
}

int http_tape_body(struct http_tape *t, const char *data, size_t n, int64_t now_us, struct err *e)
{
	if (t->first_us == 0)
		t->first_us = now_us;
	return buf_add(&t->body, data, n) == 0
		       ? 0
		       : err_set(e, ERR_MEASURE, "the body is larger than can be kept");
}

struct http_taped *http_tape_keep(struct http_tape *t, const struct http_request *req,
				  const struct http_response *res, int64_t now_us)
{
	struct http_taped *x;

	if (t->n == t->cap) {
		struct http_taped *grown = arena_array(t->arena, t->cap * 2 + 4, sizeof(*grown));

		if (t->n > 0)
			memcpy(grown, t->items, t->n * sizeof(*grown));
		t->items = grown;
		t->cap = t->cap * 2 + 4;
	}
	x = &t->items[t->n++];
	*x = (struct http_taped){
		.response = http_response_copy(res, t->arena),
		.n_body = t->body.len,
		.first_us = t->first_us > 0 ? t->first_us : now_us,
	};
	x->request = request_text(t->arena, req, &x->n_request);
	/* bytes, which may hold a NUL */
	x->body = memcpy(arena_alloc(t->arena, x->n_body + 1), x->n_body > 0 ? t->body.data : "",
			 x->n_body);
	buf_release(&t->body);
	buf_init(&t->body, 0);
	return x;
}

void http_tape_cookie(void *ctx, const char *value)
{
	struct http_tape *t = ctx;
	struct http_taped *x = &t->items[t->n - 1];
	const char **more = arena_array(t->arena, x->n_cookies + 1, sizeof(*more));

	if (x->n_cookies > 0)
		memcpy(more, x->cookies, x->n_cookies * sizeof(*more));
	more[x->n_cookies++] = arena_strdup(t->arena, value);
	x->cookies = more;
}

/* ---- playing ---- */

static bool is_asked(const struct http_taped *x, const char *request, size_t n)
{
	return !x->is_given && x->n_request == n && memcmp(x->request, request, n) == 0;
}

static bool find(const struct http_tape *t, const struct http_request *req, size_t *at)
{
	struct arena *a = arena_new();
	size_t n, i = 0;
	const char *request = request_text(a, req, &n);

	while (i < t->n && !is_asked(&t->items[i], request, n))
		i++;
	arena_free(a);
	*at = i;
	return i < t->n;
}

static const char *header_of(const struct http_response *res, const char *name)
{
	for (size_t i = 0; i < res->n_headers; i++)
		if (strcasecmp(res->headers[i].name, name) == 0)
			return res->headers[i].value;
	return "";
}

static int deliver(const struct http_taped *x, const struct http_sink *sink, struct err *e)
{
	for (size_t at = 0; sink != NULL && at < x->n_body; at += PIECE_BYTES) {
		size_t left = x->n_body - at;

		if (sink->on_body(sink->ctx, x->body + at, left < PIECE_BYTES ? left : PIECE_BYTES,
				  e) != 0)
			return -1;
	}
	return 0;
}

int http_tape_give(struct http_tape *t, const struct http_request *req,
		   const struct http_sink *sink, struct http_response *res, struct err *e)
{
	struct http_taped x;
	size_t at;

	if (!find(t, req, &at)) {
		t->is_off = true;
		return err_set(e, ERR_MEASURE,
			       "what the server would answer to this request is not known");
	}
	t->items[at].is_given = true;
	t->last = at;
	x = t->items[at];
	if (t->alter != NULL)
		t->alter(t->alter_ctx, at, &x);
	x.response.n_body_bytes = (int64_t)x.n_body;
	if (req->preview != NULL) {
		*req->preview = (struct http_preview){.status = x.response.status};
		(void)snprintf(req->preview->content_type, sizeof(req->preview->content_type), "%s",
			       x.response.content_type); /* cut, as it says */
		(void)snprintf(req->preview->retry_after, sizeof(req->preview->retry_after), "%s",
			       header_of(&x.response, "Retry-After"));
	}
	if (deliver(&x, sink, e) != 0)
		return -1;
	*res = x.response;
	return 0;
}
