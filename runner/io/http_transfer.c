/*
 * One transfer. Redirects are followed here and not by libcurl, for three reasons: headers and body
 * of the request (they carry secrets) must not travel to another origin, bodies of the answers on
 * the way must not reach the kind, and a refused redirect deserves its own words. Content coding is
 * undone here as well, see http_gunzip.c; Content-Length is compared with what came, because
 * libcurl takes the last of several.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/http_internal.h"
#include "runner/base/pairs.h"

#define MAX_LOCATION 200 /* bytes, in a message */

const char *const http_methods[] = {"GET",   "HEAD",   "POST",	  "PUT",
				    "PATCH", "DELETE", "OPTIONS", NULL};

struct http_transfer *http_transfer_new(struct http_loop *l, const struct http_request *req,
					const struct http_handler *handler, void *ctx)
{
	struct http_transfer *t = xmalloc(sizeof(*t));

	*t = (struct http_transfer){
		.loop = l,
		.handler = *handler,
		.ctx = ctx,
		.method = xstrdup(req->method != NULL ? req->method : "GET"),
		.url = xstrdup(req->url),
		.ca_file = req->ca_file != NULL ? xstrdup(req->ca_file) : NULL,
		.accept = xstrdup(req->accept != NULL ? req->accept : "*/*"),
		.headers = req->headers,
		.extra_headers = req->extra_headers,
		.body = req->body,
		.n_sent = req->n_body,
		.route = req->route,
		.is_fresh = req->is_fresh,
		.wants_chain = req->wants_chain,
		.hides_url = req->hides_url,
		.preview = req->preview,
		.deadline_ms = req->deadline_ms,
		.timeout_ms = req->timeout_ms,
		.max_body_bytes = req->max_body_bytes,
		.redirects_left = req->max_redirects,
		.max_redirects = req->max_redirects,
		.max_connections = req->max_connections,
	};
	buf_init(&t->head.lines, HTTP_MAX_HEAD_BYTES);
	return t;
}

void http_transfer_free(struct http_transfer *t)
{
	curl_slist_free_all(t->lines);
	buf_release(&t->head.lines);
	http_gunzip_free(t->gunzip);
	http_chain_free(t->chain);
	free(t->failure);
	free(t->method);
	free(t->url);
	free(t->ca_file);
	free(t->accept);
	free(t);
}

/* Leaves what went wrong for the end of the transfer, which the callback stops now. */
static int fail(struct http_transfer *t, const struct err *e)
{
	if (t->failure == NULL)
		t->failure = xmalloc(sizeof(*t->failure));
	*t->failure = *e;
	return -1;
}

/* ---- what the server sends ---- */

static void head_reset(struct http_head *h, long status)
{
	struct buf lines = h->lines;

	buf_reset(&lines);
	*h = (struct http_head){.status = status, .lines = lines};
}

static size_t trim(const char **s, size_t n)
{
	while (n > 0 && (**s == ' ' || **s == '\t'))
		(*s)++, n--;
	while (n > 0 && strchr(" \t\r\n", (*s)[n - 1]) != NULL)
		n--;
	return n;
}

static int note_length(struct http_head *h, const char *value, struct err *e)
{
	int64_t length;

	if (num_parse_int(value, strlen(value), &length) != 0 || length < 0)
		return err_set(e, ERR_MEASURE, "the answer has the Content-Length \"%s\"", value);
	if (h->has_length && h->length != length)
		return err_set(e, ERR_MEASURE,
			       "the answer has two Content-Lengths, %" PRId64 " and %" PRId64,
			       h->length, length);
	h->has_length = true;
	h->length = length;
	return 0;
}

/* What else may be wrapped around a body is not undone by anybody. */
static int note_transfer_coding(struct http_head *h, const char *value, struct err *e)
{
	if (strcasecmp(value, "identity") == 0)
		return 0;
	if (strcasecmp(value, "chunked") != 0 || h->is_chunked)
		return err_set(e, ERR_MEASURE,
			       "the answer has the transfer coding \"%s%s\", only chunked once is "
			       "understood",
			       h->is_chunked ? "chunked, " : "", value);
	h->is_chunked = true;
	return 0;
}

/* The last header was stored with its value at this offset: what does it mean for the transfer? */
static int note_header(struct http_head *h, const char *name, size_t offset, struct err *e)
{
	const char *value = h->lines.data + offset;

	if (strcasecmp(name, "Content-Length") == 0)
		return note_length(h, value, e);
	if (strcasecmp(name, "Content-Type") == 0) {
		h->content_type = offset;
	} else if (strcasecmp(name, "Location") == 0) {
		h->location = offset;
	} else if (strcasecmp(name, "Retry-After") == 0) {
		h->retry_after = offset;
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		return note_transfer_coding(h, value, e);
	} else if (strcasecmp(name, "Content-Encoding") == 0) {
		h->content_encoding = offset;
		if (strcasecmp(value, "gzip") == 0 || strcasecmp(value, "x-gzip") == 0)
			h->coding = HTTP_CODING_GZIP;
		else if (strcasecmp(value, "identity") != 0 && value[0] != '\0')
			h->coding = HTTP_CODING_UNKNOWN;
	}
	return 0;
}

static int complete_head(struct http_transfer *t, struct err *e)
{
	struct http_head *h = &t->head;

	h->is_complete = true;
	if (h->is_chunked && h->has_length) /* RFC 9112, 6.3: two readers would see two bodies */
		return err_set(e, ERR_MEASURE, "the answer has both chunks and a Content-Length");
	if (t->preview == NULL)
		return 0;
	*t->preview = (struct http_preview){.status = h->status};
	if (h->content_type > 0)
		(void)snprintf(t->preview->content_type, sizeof(t->preview->content_type), "%s",
			       h->lines.data + h->content_type); /* cut as the header says */
	if (h->retry_after > 0)
		(void)snprintf(t->preview->retry_after, sizeof(t->preview->retry_after), "%s",
			       h->lines.data + h->retry_after); /* same */
	return 0;
}

static int add_header(struct http_head *h, const char *line, size_t n, struct err *e)
{
	struct buf *b = &h->lines;
	const char *colon = memchr(line, ':', n), *name = line, *value;
	size_t n_name, n_value, at = b->len;

	/* RFC 9112, 5.2: obsolete; some join the lines, some take the next for a header. */
	if (line[0] == ' ' || line[0] == '\t')
		return err_set(e, ERR_MEASURE,
			       "the answer has a header that goes on in the next line, which not "
			       "every program joins to it");
	if (colon == NULL)
		return 0; /* curl has its own opinion on such lines */
	n_name = trim(&name, (size_t)(colon - line));
	value = colon + 1;
	n_value = trim(&value, n - (size_t)(value - line));
	(void)buf_add(b, name, n_name); /* looked at once, below */
	(void)buf_putc(b, '\0');
	(void)buf_add(b, value, n_value);
	(void)buf_putc(b, '\0');
	if (b->is_full || h->n_headers >= HTTP_MAX_HEADERS)
		return err_set(e, ERR_MEASURE,
			       "the answer has more than %d headers or %d KiB of them",
			       HTTP_MAX_HEADERS, HTTP_MAX_HEAD_BYTES / 1024);
	h->n_headers++;
	return note_header(h, b->data + at, at + n_name + 1, e);
}

/* Fields behind the body say nothing of it that could still be heeded; only endless is too many. */
static int skip_trailer(struct http_head *h, size_t n, struct err *e)
{
	h->n_trailer_bytes += n;
	if (h->n_trailer_bytes <= HTTP_MAX_HEAD_BYTES)
		return 0;
	return err_set(e, ERR_MEASURE, "the answer has more than %d KiB of trailers",
		       HTTP_MAX_HEAD_BYTES / 1024);
}

static size_t on_header(char *line, size_t size, size_t n, void *ctx)
{
	struct http_transfer *t = ctx;
	struct http_head *h = &t->head;
	struct err e = {0};
	long status = 0;
	int code;

	(void)size; /* always 1 */
	if ((!h->is_complete || h->status < 200) && n > 5 && memcmp(line, "HTTP/", 5) == 0) {
		/* The status line of a new head: a 100 Continue may have come before. */
		if (curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
			status = 0;
		head_reset(h, status);
		code = t->wants_chain ? http_chain_read(t, &e) : 0;
	} else if (h->is_complete) {
		code = skip_trailer(h, n, &e);
	} else if (n > 0 && (line[0] == '\r' || line[0] == '\n')) {
		code = complete_head(t, &e);
	} else {
		code = add_header(h, line, n, &e);
	}
	if (code == 0)
		return n;
	(void)fail(t, &e); /* always -1 */
	return 0;
}

/* Is this an answer on the way to another one? */
static bool is_passed_over(const struct http_transfer *t)
{
	long s = t->head.status;

	return t->max_redirects > 0 && t->head.location > 0 && s >= 300 && s < 400;
}

static int deliver(void *ctx, const char *p, size_t n, struct err *e)
{
	struct http_transfer *t = ctx;

	t->n_body += (int64_t)n;
	if (t->max_body_bytes > 0 && t->n_body > t->max_body_bytes) {
		char size[NUM_REAL_MAX];

		(void)num_format_size(t->max_body_bytes, size); /* cannot fail */
		return err_set(e, ERR_MEASURE, "the body is larger than %s", size);
	}
	if (t->handler.on_body == NULL)
		return 0;
	return t->handler.on_body(t->ctx, p, n, e);
}

static size_t on_data(char *p, size_t size, size_t n, void *ctx)
{
	struct http_transfer *t = ctx;
	struct err e = {0};
	int code = -1;

	(void)size; /* always 1 */
	t->n_raw += (int64_t)n;
	if (is_passed_over(t))
		return n;
	switch (t->head.coding) {
	case HTTP_CODING_IDENTITY:
		code = deliver(t, p, n, &e);
		break;
	case HTTP_CODING_GZIP:
		if (t->gunzip == NULL)
			t->gunzip = http_gunzip_new();
		code = http_gunzip_feed(t->gunzip, p, n, deliver, t, &e);
		break;
	case HTTP_CODING_UNKNOWN:
		code = err_set(&e, ERR_MEASURE,
			       "the body has the content coding \"%s\", only gzip was asked for",
			       t->head.lines.data + t->head.content_encoding);
		break;
	}
	if (code == 0)
		return n;
	(void)fail(t, &e); /* always -1 */
	return 0;
}

/* ---- what is sent ---- */

static bool is_header_safe(const char *name, const char *value)
{
	if (name[0] == '\0' || strpbrk(name, " \t\r\n:;") != NULL)
		return false;
	return strpbrk(value, "\r\n") == NULL;
}

static bool has_header(const struct pairs *p, const char *name)
{
	for (size_t i = 0; p != NULL && i < p->n; i++)
		if (strcasecmp(p->items[i].name, name) == 0)
			return true;
	return false;
}

/* A line in curl's language. */
static void append_curl(struct http_transfer *t, const char *line)
{
	struct curl_slist *longer = curl_slist_append(t->lines, line);

	if (longer == NULL)
		oom();
	t->lines = longer;
}

static void append_line(struct http_transfer *t, const char *name, const char *value)
{
	size_t n = strlen(name) + strlen(value) + 3;
	char *line = xmalloc(n);

	/* In curl's language "Name;" is a header without a value and "Name:" takes one away. */
	if (value[0] == '\0')
		(void)snprintf(line, n, "%s;", name); /* n is large enough */
	else
		(void)snprintf(line, n, "%s: %s", name, value); /* n is exact */
	append_curl(t, line);
	free(line);
}

static int append_headers(struct http_transfer *t, const struct pairs *p,
			  const struct pairs *stronger, struct err *e)
{
	for (size_t i = 0; p != NULL && i < p->n; i++) {
		const struct pair *h = &p->items[i];

		if (!is_header_safe(h->name, h->value))
			return err_set(
				e, ERR_MEASURE,
				"cannot send header \"%s\": its name or value holds a byte that "
				"would end it",
				h->name);
		if (!has_header(stronger, h->name))
			append_line(t, h->name, h->value);
	}
	return 0;
}

int http_transfer_headers(struct http_transfer *t, struct err *e)
{
	const struct pairs *target = t->is_other_origin ? NULL : t->headers;
	const struct pairs *check = t->is_other_origin ? NULL : t->extra_headers;

	curl_slist_free_all(t->lines);
	t->lines = NULL;
	if (append_headers(t, target, check, e) != 0 || append_headers(t, check, NULL, e) != 0)
		return -1;
	if (!has_header(target, "Accept") && !has_header(check, "Accept"))
		append_line(t, "Accept", t->accept);
	if (!has_header(target, "Accept-Encoding") && !has_header(check, "Accept-Encoding"))
		append_line(t, "Accept-Encoding", "gzip");
	/* Else libcurl would call every body a form. */
	if (t->body != NULL && !has_header(target, "Content-Type") &&
	    !has_header(check, "Content-Type"))
		append_curl(t, "Content-Type:");
	/* Waiting for "100 Continue" would add a second to every larger request. */
	append_curl(t, "Expect:");
	return 0;
}

#define SET(option, value) HTTP_SET(t, e, option, value)

static int prepare_method(struct http_transfer *t, struct err *e)
{
	if (strcmp(t->method, "HEAD") == 0) {
		SET(CURLOPT_NOBODY, 1L);
	} else if (t->body != NULL) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)(t->n_sent > 0 ? t->n_sent : strlen(t->body)));
		SET(CURLOPT_POSTFIELDS, t->body);
	} else if (strcmp(t->method, "POST") == 0) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
		SET(CURLOPT_POSTFIELDS, "");
	}
	if (strcmp(t->method, "GET") != 0 && strcmp(t->method, "HEAD") != 0)
		SET(CURLOPT_CUSTOMREQUEST, t->method);
	else if (t->body != NULL)
		SET(CURLOPT_CUSTOMREQUEST, "GET");
	return 0;
}

int http_transfer_prepare(struct http_transfer *t, int64_t now_ms, long buffer_bytes, struct err *e)
{
	if (now_ms >= t->deadline_ms)
		return err_set(e, ERR_MEASURE, "its time was over before it could begin");
	if (http_transfer_headers(t, e) != 0)
		return -1;
	SET(CURLOPT_URL, t->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);
	SET(CURLOPT_HTTPHEADER, t->lines);
	SET(CURLOPT_USERAGENT, "assize");
	SET(CURLOPT_NOSIGNAL, 1L);
	/* A name is looked up in a thread that nobody can stop: past the time nobody waits for it.
	 */
	SET(CURLOPT_QUICK_EXIT, 1L);
	/* Else libcurl walks all names it knows after each transfer, in search of old ones. */
	SET(CURLOPT_DNS_CACHE_TIMEOUT, -1L);
	SET(CURLOPT_TIMEOUT_MS, (long)(t->deadline_ms - now_ms));
	SET(CURLOPT_BUFFERSIZE, buffer_bytes);
	SET(CURLOPT_ERRORBUFFER, t->curl_error);
	SET(CURLOPT_PRIVATE, t);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_WRITEFUNCTION, on_data);
	SET(CURLOPT_WRITEDATA, t);
	if (t->ca_file != NULL) {
		if (http_set_issuers(t->easy, CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB, t->ca_file, e) !=
		    0)
			return -1;
		SET(CURLOPT_CAPATH, NULL); /* the system's folder would be trusted beside it */
	}
	if (http_route_prepare(t, e) != 0 || prepare_method(t, e) != 0)
		return -1;
	head_reset(&t->head, 0);
	t->n_raw = t->n_body = 0;
	t->curl_error[0] = '\0';
	return 0;
}

/* ---- redirects ---- */

static void become_get(struct http_transfer *t)
{
	/* RFC 9110, 15.4: 303 always, 301 and 302 for POST as everybody does. */
	if (t->head.status == 303 ? strcmp(t->method, "HEAD") == 0 : strcmp(t->method, "POST") != 0)
		return;
	if (t->head.status == 307 || t->head.status == 308)
		return;
	free(t->method);
	t->method = xstrdup("GET");
	t->body = NULL;
}

static bool is_same_origin(const char *a, const char *b)
{
	char *x = http_url_origin(a), *y = http_url_origin(b);
	bool is_same = x != NULL && str_equal(x, y);

	free(x);
	free(y);
	return is_same;
}

/*
 * May what t sends next go to another origin? Headers stay behind anyway; a body cannot, because
 * the request would be another one without it.
 */
static int check_origin(struct http_transfer *t, const char *to, struct err *e)
{
	bool is_downgrade =
		strncasecmp(t->url, "https:", 6) == 0 && strncasecmp(to, "https:", 6) != 0;
	char *shown;

	if (is_same_origin(t->url, to))
		return 0;
	t->is_other_origin = true;
	if (!is_downgrade && t->body == NULL)
		return 0;
	shown = http_url_shown(to);
	if (is_downgrade)
		(void)err_set(e, ERR_MEASURE,
			      "redirected from https to \"%s\": that way is not protected", shown);
	else
		(void)err_set(e, ERR_MEASURE,
			      "redirected to \"%s\": the body is not sent to another origin",
			      shown);
	free(shown);
	return -1;
}

/* The caller's; as it came but for credentials, or nothing of it: see http_url_shown(). */
static char *shown_location(const char *location)
{
	size_t at, n = http_url_credentials(location, &at);
	char *shown;

	if (strlen(location) > MAX_LOCATION)
		return xstrdup("...");
	shown = xstrdup(location);
	memmove(shown + at, location + at + n, strlen(location + at + n) + 1);
	return shown;
}

static int refuse_location(const char *location, const char *why, struct err *e)
{
	char *shown = shown_location(location);

	(void)err_set(e, ERR_MEASURE, "redirected to \"%s\"%s", shown, why);
	free(shown);
	return -1;
}

/* The URL to follow, owned by the caller; NULL = refused. */
static char *resolve(struct http_transfer *t, const char *location, struct err *e)
{
	char *to = http_url_resolve(t->url, location);

	if (to == NULL) {
		(void)refuse_location(strchr(location, '@') == NULL ? location : "...",
				      ", which is no URL", e);
		return NULL;
	}
	if (!http_url_is_http(to)) {
		free(to);
		(void)refuse_location(location, ": only http and https are followed", e);
		return NULL;
	}
	return to;
}

int http_transfer_redirect(struct http_transfer *t, bool *is_followed, struct err *e)
{
	const char *location = t->head.lines.data + t->head.location;
	char *to;

	*is_followed = false;
	if (!is_passed_over(t))
		return 0;
	if (t->redirects_left == 0) {
		to = shown_location(location);
		(void)err_set(e, ERR_MEASURE, "more than %ld redirects, the last one to \"%s\"",
			      t->max_redirects, to);
		free(to);
		return -1;
	}
	to = resolve(t, location, e);
	if (to == NULL)
		return -1;
	become_get(t);
	if (check_origin(t, to, e) != 0) {
		free(to);
		return -1;
	}
	free(t->url);
	t->url = to;
	t->redirects_left--;
	*is_followed = true;
	return 0;
}
