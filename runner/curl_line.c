#include "runner/curl_line.h"

#include <stdbool.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/io/http.h"
#include "runner/io/http_curl.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

static bool is_plain(const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_./:=,@%+";

	return *s != '\0' && s[strspn(s, plain)] == '\0';
}

static bool has_control(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return true;
	return false;
}

/* n bytes without a secret in them, quoted. Nothing written here is bounded by anything but s. */
static void put_quoted(struct buf *out, const char *s, size_t n)
{
	bool is_escaped = has_control(s, n);

	if (n == 0)
		return;
	(void)buf_puts(out, is_escaped ? "$'" : "'");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (is_escaped && (c < ' ' || c == 0x7f))
			(void)buf_printf(out, "\\%03o", (unsigned)c);
		else if (is_escaped && (c == '\\' || c == '\''))
			(void)buf_printf(out, "\\%c", c);
		else if (c == '\'')
			(void)buf_puts(out, "'\\''");
		else
			(void)buf_putc(out, (char)c);
	}
	(void)buf_putc(out, '\'');
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
		put_quoted(out, from, (size_t)(s - from));
		if (variable != NULL)
			(void)buf_printf(out, "\"$%s\"", variable);
		else
			(void)buf_puts(out, "'***'");
		s += n;
		from = s;
	}
	if (is_plain(from) && (size_t)(s - from) > 0)
		(void)buf_puts(out, from);
	else
		put_quoted(out, from, (size_t)(s - from));
}

const char *curl_line(struct probe *p, const struct definition *d, struct err *e)
{
	const struct check *c = p->checks[0];
	struct http_request req = {.timeout_ms = c->timeout_ms};
	const char **arguments, *line;
	struct buf b;
	size_t n;

	if (c->kind->begin == NULL || c->kind->begin(p, &req, e) != 0 ||
	    http_curl_arguments(&req, p->arena, &arguments, &n, e) != 0)
		return NULL;
	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	for (size_t i = 0; i < n; i++)
		put_argument(&b, arguments[i], d->redactor);
	/* What is not spelled as it is, like a password in base64. */
	line = arena_strdup(p->arena, redact_text(d->redactor, p->arena, b.data));
	buf_release(&b);
	return line;
}
