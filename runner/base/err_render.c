/*
 * An error as people read it. A source line is shown as it is written, but tabs become spaces and
 * control characters become visible, so that the caret stands under the character meant. Of a long
 * line only a window around the caret is shown: a hostile line may be a megabyte long, and there
 * may be a thousand errors in it.
 */
#include "runner/base/err.h"

#include <stdbool.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/base/str.h"

#define WINDOW_BEFORE 60 /* bytes */
#define WINDOW_AFTER  60
#define TAB_WIDTH     8
#define MAX_USERINFO  1024
#define INDENT	      "    "

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

/* Escaped, but a backslash stays one: paths and regular expressions are easier to recognise so. */
static void put_message(struct buf *out, const char *s, size_t n)
{
	while (n != 0) {
		const char *stop = memchr(s, '\\', n);
		size_t k = stop != NULL ? (size_t)(stop - s) : n;

		str_escape(out, s, k);
		if (stop == NULL)
			return;
		(void)buf_putc(out, '\\'); /* is_full tells */
		s += k + 1;
		n -= k + 1;
	}
}

/* A piece of a source line, tabs as spaces. Starts in column 0 of what is shown. */
static void put_source(struct buf *out, const char *s, size_t n)
{
	size_t column = 0;

	while (n != 0) {
		const char *stop = memchr(s, '\t', n);
		size_t k = stop != NULL ? (size_t)(stop - s) : n;
		size_t start = out->len;

		put_message(out, s, k);
		column += str_width(out->data + start);
		if (stop == NULL)
			return;
		do {
			(void)buf_putc(out, ' '); /* is_full tells */
		} while (++column % TAB_WIDTH != 0);
		s += k + 1;
		n -= k + 1;
	}
}

/* The bytes of line number `line`, without its end. False when there are not so many lines. */
static bool find_line(const char *source, size_t len, uint32_t line, const char **out, size_t *n)
{
	const char *p = source, *end = source + len, *stop;

	for (uint32_t i = 1; i < line; i++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (p == NULL)
			return false;
		p++;
	}
	if (p == end)
		return false;
	stop = memchr(p, '\n', (size_t)(end - p));
	if (stop == NULL)
		stop = end;
	if (stop > p && stop[-1] == '\r')
		stop--;
	*out = p;
	*n = (size_t)(stop - p);
	return true;
}

/* Where what a URL has before '@' ends, at s behind "://"; s = it has nothing there. */
static const char *end_of_userinfo(const char *s, const char *end)
{
	const char *p = s, *at = NULL;

	for (; p < end && p - s < MAX_USERINFO && strchr("/?# \t\"'", *p) == NULL; p++)
		if (*p == '@')
			at = p;
	return at != NULL ? at : s;
}

/*
 * A piece of a source line as put_source() does, credentials in a URL as asterisks: it may be the
 * very error that they are there. Those of the environment, "${env:..}", are no secret as written.
 */
static void put_piece(struct buf *out, const char *line, size_t n, size_t from, size_t to)
{
	size_t first = from > MAX_USERINFO ? from - MAX_USERINFO : 0;
	struct buf piece;

	buf_init(&piece, BUF_UNBOUNDED); /* at most the window */
	(void)buf_add(&piece, line + from, to - from);
	for (size_t i = first; i < to && n - i > 3; i++) {
		const char *s = line + i + 3, *end;

		if (memcmp(line + i, "://", 3) != 0)
			continue;
		end = end_of_userinfo(s, line + n);
		for (const char *p = s; p + 1 < end; p++)
			if (p[0] == '$' && p[1] == '{')
				end = s;
		for (; s < end; s++)
			if (s >= line + from && s < line + to)
				piece.data[s - line - (ptrdiff_t)from] = '*';
	}
	if (piece.len > 0)
		put_source(out, piece.data, piece.len);
	buf_release(&piece);
}

static void render_line(struct buf *out, const char *line, size_t n, uint32_t col)
{
	size_t at = col != 0 ? col - 1 : 0, from, to, start;
	struct buf before;

	if (at > n)
		at = n;
	from = at > WINDOW_BEFORE ? at - WINDOW_BEFORE : 0;
	while (from > 0 && is_continuation(line[from]))
		from--;
	to = n - at > WINDOW_AFTER ? at + WINDOW_AFTER : n;
	while (to < n && is_continuation(line[to]))
		to++;

	(void)buf_puts(out, INDENT); /* is_full tells, here and below */
	if (from > 0)
		(void)buf_puts(out, ERR_ELLIPSIS);
	put_piece(out, line, n, from, to);
	(void)buf_puts(out, to < n ? ERR_ELLIPSIS "\n" : "\n");
	if (col == 0)
		return;

	buf_init(&before, BUF_UNBOUNDED); /* at most the window */
	put_piece(&before, line, n, from, at);
	start = str_width(before.data) + (from > 0 ? 1 : 0);
	buf_release(&before);
	(void)buf_printf(out, INDENT "%*s^\n", (int)start, "");
}

/* Each line of the help apart: a remedy may be several commands. */
static void render_help(struct buf *out, const char *help)
{
	const char *label = "help: ";

	while (*help != '\0') {
		size_t n = strcspn(help, "\n");

		(void)buf_puts(out, label); /* is_full tells, here and below */
		put_message(out, help, n);
		(void)buf_putc(out, '\n');
		label = "      ";
		help += n + (help[n] == '\n');
	}
}

void err_render(struct buf *out, const struct err *e, const char *source, size_t source_len)
{
	const char *line;
	size_t n;

	if (e->pos.file != NULL) {
		str_escape(out, e->pos.file, strlen(e->pos.file));
		if (e->pos.line != 0)
			(void)buf_printf(out, ":%u", e->pos.line); /* is_full tells, as below */
		if (e->pos.line != 0 && e->pos.col != 0)
			(void)buf_printf(out, ":%u", e->pos.col);
		(void)buf_puts(out, ": ");
	}
	put_message(out, e->message, strlen(e->message));
	(void)buf_putc(out, '\n');
	if (source != NULL && e->pos.file != NULL && e->pos.line != 0 &&
	    find_line(source, source_len, e->pos.line, &line, &n))
		render_line(out, line, n, e->pos.col);
	render_help(out, e->help);
}
