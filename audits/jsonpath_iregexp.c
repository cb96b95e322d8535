/*
 * I-Regexp (RFC 9485, section 3) into PCRE2: what its grammar does not have is refused, not passed
 * on, because the next reader would understand it differently. A dot is any character but a line's
 * end (section 5.4), and ^ and $ are the ends of the text, as every tool in use understands them.
 */
#include <string.h>

#include "audits/jsonpath.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/utf8.h"

#define MAX_NESTING 32

struct reader {
	const char *text;
	size_t n, at;
	unsigned depth;
	struct buf out; /* bounded by a multiple of the input */
};

static int branches(struct reader *r);

static bool takes(struct reader *r, char c)
{
	if (r->at >= r->n || r->text[r->at] != c)
		return false;
	r->at++;
	return true;
}

static char next(const struct reader *r)
{
	return r->at < r->n ? r->text[r->at] : '\0';
}

static void put(struct reader *r, const char *s)
{
	(void)buf_puts(&r->out, s); /* looked at once, at the end */
}

/* A character as itself, whatever it means in a pattern or between brackets. */
static void put_literal(struct reader *r, const char *s, size_t n)
{
	static const char special[] = "\\^$.[]|()?*+{}-#&~";

	if (n == 1 && s[0] != '\0' && strchr(special, s[0]) != NULL)
		(void)buf_putc(&r->out, '\\');
	(void)buf_add(&r->out, s, n);
}

/* \p{Lu}, \P{L}: behind the p. */
static int category(struct reader *r)
{
	static const struct {
		char first;
		const char *second;
	} known[] = {{'L', "lmotu"}, {'M', "cen"},  {'N', "dlo"}, {'P', "cdefios"},
		     {'Z', "lps"},   {'S', "ckmo"}, {'C', "cfno"}};
	char c[2] = {'\0', '\0'};

	(void)buf_putc(&r->out, '\\');
	(void)buf_putc(&r->out, r->text[r->at - 1]);
	if (!takes(r, '{'))
		return -1;
	c[0] = next(r);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (c[0] != known[i].first)
			continue;
		r->at++;
		c[1] = next(r);
		if (c[1] != '\0' && strchr(known[i].second, c[1]) != NULL)
			r->at++;
		else
			c[1] = '\0';
		(void)buf_putc(&r->out, '{');
		(void)buf_putc(&r->out, c[0]);
		if (c[1] != '\0')
			(void)buf_putc(&r->out, c[1]);
		(void)buf_putc(&r->out, '}');
		return takes(r, '}') ? 0 : -1;
	}
	return -1;
}

/* Behind a backslash: one character. */
static int escaped(struct reader *r)
{
	char c = next(r);

	if (c == '\0' || strchr("()*+-.?[\\]^nrt{|}", c) == NULL)
		return -1;
	r->at++;
	if (c == 'n' || c == 'r' || c == 't') {
		(void)buf_putc(&r->out, '\\');
		(void)buf_putc(&r->out, c);
	} else {
		put_literal(r, &c, 1);
	}
	return 0;
}

/* One character that stands for itself. */
static int literal(struct reader *r)
{
	uint32_t c;
	size_t n = utf8_decode(r->text + r->at, r->n - r->at, &c);

	if (n == 0)
		return -1;
	put_literal(r, r->text + r->at, n);
	r->at += n;
	return 0;
}

/* One end of a range, or a character alone. */
static int class_character(struct reader *r)
{
	if (takes(r, '\\'))
		return escaped(r);
	if (r->at >= r->n || strchr("-[]", next(r)) != NULL)
		return -1;
	return literal(r);
}

static int class_item(struct reader *r)
{
	bool is_escape = r->at + 1 < r->n && r->text[r->at] == '\\';

	if (is_escape && (r->text[r->at + 1] == 'p' || r->text[r->at + 1] == 'P')) {
		r->at += 2;
		return category(r);
	}
	if (class_character(r) != 0)
		return -1;
	if (r->at + 1 >= r->n || r->text[r->at] != '-' || r->text[r->at + 1] == ']')
		return 0;
	r->at++;
	put(r, "-");
	return class_character(r);
}

/* Behind [. */
static int class_expression(struct reader *r)
{
	put(r, "[");
	if (takes(r, '^'))
		put(r, "^");
	if (takes(r, '-'))
		put(r, "\\-");
	else if (class_item(r) != 0)
		return -1;
	while (r->at < r->n && next(r) != ']' && next(r) != '-')
		if (class_item(r) != 0)
			return -1;
	if (takes(r, '-'))
		put(r, "\\-");
	put(r, "]");
	return takes(r, ']') ? 0 : -1;
}

static int atom(struct reader *r)
{
	char c = next(r);

	if (takes(r, '(')) {
		if (r->depth++ >= MAX_NESTING)
			return -1;
		put(r, "(?:");
		if (branches(r) != 0)
			return -1;
		put(r, ")");
		r->depth--;
		return takes(r, ')') ? 0 : -1;
	}
	if (takes(r, '.')) {
		put(r, "[^\\n\\r]");
		return 0;
	}
	if (takes(r, '['))
		return class_expression(r);
	if (takes(r, '\\')) {
		if (takes(r, 'p') || takes(r, 'P'))
			return category(r);
		return escaped(r);
	}
	if (takes(r, '^') || takes(r, '$')) {
		put(r, c == '^' ? "\\A" : "\\z");
		return 0;
	}
	if (c != '\0' && strchr(")*+?]{|}", c) != NULL)
		return -1;
	return literal(r);
}

/* {2}, {2,}, {2,5}: behind {. */
static int counted(struct reader *r)
{
	bool has_comma = false;

	put(r, "{");
	for (;;) {
		size_t from = r->at;

		while (next(r) >= '0' && next(r) <= '9')
			r->at++;
		if (r->at == from && !has_comma)
			return -1;
		(void)buf_add(&r->out, r->text + from, r->at - from);
		if (has_comma || !takes(r, ','))
			break;
		has_comma = true;
		put(r, ",");
	}
	put(r, "}");
	return takes(r, '}') ? 0 : -1;
}

static int piece(struct reader *r)
{
	if (atom(r) != 0)
		return -1;
	if (takes(r, '*'))
		put(r, "*");
	else if (takes(r, '+'))
		put(r, "+");
	else if (takes(r, '?'))
		put(r, "?");
	else if (takes(r, '{'))
		return counted(r);
	return 0;
}

static int branches(struct reader *r)
{
	for (;;) {
		while (r->at < r->n && next(r) != '|' && next(r) != ')')
			if (piece(r) != 0)
				return -1;
		if (!takes(r, '|'))
			return 0;
		put(r, "|");
	}
}

const char *iregexp_translate(struct arena *a, const char *text, size_t n, size_t *at)
{
	struct reader r = {.text = text, .n = n};
	const char *out = NULL;

	buf_init(&r.out, n * 8 + 16);
	put(&r, "(?:");
	if (memchr(text, '\0', n) == NULL && branches(&r) == 0 && r.at == n) {
		put(&r, ")");
		if (!r.out.is_full)
			out = arena_strdup(a, r.out.data);
	}
	*at = r.at;
	buf_release(&r.out);
	return out;
}
