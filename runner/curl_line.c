#include "runner/curl_line.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"
#include "runner/io/http.h"
#include "runner/io/http_curl.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

/* n bytes without a secret in them. Nothing written here is bounded by anything but s. */
static void put_piece(struct buf *out, const char *s, size_t n)
{
	if (n > 0)
		str_quote(out, s, n);
}

static void put_argument(struct buf *out, const char *s, const struct redactor *r)
{
	const char *from = s;

	if (out->len > 0)
		(void)buf_putc(out, ' ');
	if (*s == '\0')
		(void)buf_puts(out, "''");
	while (*s != '\0') {
		const char *variable = NULL;
		size_t n = redactor_find(r, s, &variable);

		if (n == 0) {
			s++;
			continue;
		}
		put_piece(out, from, (size_t)(s - from));
		if (variable != NULL)
			(void)buf_printf(out, "\"$%s\"", variable);
		else
			(void)buf_puts(out, "'***'");
		s += n;
		from = s;
	}
	if (s > from)
		str_word(out, from);
}

/* The request as a line; -1: e says what is wrong with it. */
static int put_line(struct buf *out, struct probe *p, const struct http_request *req,
		    const struct http_curl_more *more, const struct redactor *r, struct err *e)
{
	const char **arguments;
	struct buf b;
	size_t n;

	if (http_curl_arguments(req, more, p->arena, &arguments, &n, e) != 0)
		return -1;
	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	for (size_t i = 0; i < n; i++)
		put_argument(&b, arguments[i], r);
	if (req->max_redirects > 0 && !http_curl_follows(req))
		(void)buf_puts(out, "# redirects are not followed: curl would send the headers to "
				    "other hosts, too\n");
	(void)buf_printf(out, "%s\n", b.data);
	buf_release(&b);
	return 0;
}

static int put_all(struct buf *out, struct probe *p, const struct definition *d, struct err *e)
{
	static const char cookies[] = "~file~of~cookies~";
	struct redactor *r = redactor_new(p->arena);
	struct http_request req;
	int more = 1;

	redactor_add_all(r, d->redactor);
	redactor_add_variable(r, cookies, "jar");
	for (size_t i = 0; more == 1; i++) {
		struct planned_request planned = {.request = &req, .variables = r};
		struct http_curl_more beside = {.form = &planned.form};

		more = p->checks[0]->kind->request(p, i, &planned, e);
		if (more != 1)
			break;
		if (planned.has_cookies)
			beside.cookies = cookies;
		if (i == 0 && planned.has_cookies)
			(void)buf_puts(out, "jar=$(mktemp)\n");
		(void)buf_printf(out, "# %s\n", planned.comment);
		if (put_line(out, p, &req, &beside, r, e) != 0)
			more = -1;
	}
	return more;
}

const char *curl_lines(struct probe *p, const struct definition *d, struct err *e)
{
	const struct check *c = p->checks[0];
	struct http_request req = {.timeout_ms = c->timeout_ms};
	const char *lines = NULL;
	struct buf b;
	int code = -1;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	if (c->kind->request != NULL)
		code = put_all(&b, p, d, e);
	else if (c->kind->begin != NULL && c->kind->begin(p, &req, e) == 0)
		code = put_line(&b, p, &req, NULL, d->redactor, e);
	if (code == 0) /* what is not spelled as it is, like a password in base64 */
		lines = arena_strdup(p->arena, redact_text(d->redactor, p->arena, b.data));
	buf_release(&b);
	return lines;
}
