/*
 * Strings come from anywhere: bytes that are not UTF-8 become U+FFFD, and characters that would
 * mislead whoever reads the JSON on a terminal (controls, bidirectional overrides, zero width) are
 * written as \uXXXX, which any parser turns back into the same string.
 */
#include "runner/io/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/base/num.h"
#include "runner/base/utf8.h"

#define MAX_DEPTH (sizeof(((struct json_writer *)0)->needs_comma))

/* Appending never checks its result: a full buffer says so in is_full, once, at the end. */

void json_writer_init(struct json_writer *w, struct buf *out, bool is_pretty)
{
	*w = (struct json_writer){.out = out, .is_pretty = is_pretty};
}

static void put_escaped(struct buf *out, uint32_t c)
{
	switch (c) {
	case '"':
		(void)buf_puts(out, "\\\"");
		return;
	case '\\':
		(void)buf_puts(out, "\\\\");
		return;
	case '\n':
		(void)buf_puts(out, "\\n");
		return;
	case '\t':
		(void)buf_puts(out, "\\t");
		return;
	}
	if (c >= 0x10000)
		(void)buf_printf(out, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xD7C0 + (c >> 10),
				 0xDC00 + (c & 0x3FF));
	else
		(void)buf_printf(out, "\\u%04" PRIx32, c);
}

static void put_string(struct buf *out, const char *s, size_t n)
{
	const char *plain = s; /* start of what can be copied as it is */
	const char *end = s + n;

	(void)buf_putc(out, '"');
	while (s < end) {
		uint32_t c = 0;
		size_t len = utf8_decode(s, (size_t)(end - s), &c);

		if (len > 0 && c != '"' && c != '\\' && !utf8_is_deceptive(c)) {
			s += len;
			continue;
		}
		(void)buf_add(out, plain, (size_t)(s - plain));
		if (len == 0)
			(void)buf_puts(out, "\xEF\xBF\xBD");
		else
			put_escaped(out, c);
		s += len > 0 ? len : 1;
		plain = s;
	}
	(void)buf_add(out, plain, (size_t)(s - plain));
	(void)buf_putc(out, '"');
}

static void new_line(struct json_writer *w)
{
	if (!w->is_pretty)
		return;
	(void)buf_putc(w->out, '\n');
	for (unsigned i = 0; i < w->depth; i++)
		(void)buf_puts(w->out, "  ");
}

/* Everything that stands before a value: comma, line, key. */
static void begin_value(struct json_writer *w, const char *key)
{
	if (w->needs_comma[w->depth])
		(void)buf_putc(w->out, ',');
	w->needs_comma[w->depth] = true;
	if (w->depth > 0)
		new_line(w);
	if (key != NULL) {
		put_string(w->out, key, strlen(key));
		(void)buf_puts(w->out, w->is_pretty ? ": " : ":");
	}
}

void json_open(struct json_writer *w, const char *key, char bracket)
{
	assert(bracket == '{' || bracket == '[');
	assert(w->depth + 1 < MAX_DEPTH);
	begin_value(w, key);
	(void)buf_putc(w->out, bracket);
	w->needs_comma[++w->depth] = false;
}

void json_close(struct json_writer *w, char bracket)
{
	bool had_items = w->needs_comma[w->depth];

	assert(bracket == '}' || bracket == ']');
	assert(w->depth > 0);
	w->depth--;
	if (had_items)
		new_line(w);
	(void)buf_putc(w->out, bracket);
	if (w->depth == 0 && w->is_pretty)
		(void)buf_putc(w->out, '\n');
}

void json_put_text(struct json_writer *w, const char *key, const char *s)
{
	if (s == NULL)
		json_put_null(w, key);
	else
		json_put_text_n(w, key, s, strlen(s));
}

void json_put_text_n(struct json_writer *w, const char *key, const char *s, size_t n)
{
	begin_value(w, key);
	put_string(w->out, s, n);
}

void json_put_int(struct json_writer *w, const char *key, int64_t v)
{
	begin_value(w, key);
	(void)buf_printf(w->out, "%" PRId64, v);
}

void json_put_real(struct json_writer *w, const char *key, double v)
{
	char text[NUM_REAL_MAX];
	size_t n;

	if (!isfinite(v)) {
		json_put_null(w, key);
		return;
	}
	n = num_format_real(v, text);
	begin_value(w, key);
	(void)buf_add(w->out, text, n);
}

void json_put_bool(struct json_writer *w, const char *key, bool v)
{
	begin_value(w, key);
	(void)buf_puts(w->out, v ? "true" : "false");
}

void json_put_null(struct json_writer *w, const char *key)
{
	begin_value(w, key);
	(void)buf_puts(w->out, "null");
}
