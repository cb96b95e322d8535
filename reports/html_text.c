/*
 * Small pieces of the page. Whatever holds foreign text goes through text_markup(); what is set as
 * a number gets no-break spaces so that "1 297" never ends a line after the 1.
 */
#include "reports/html.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "reports/svg.h"
#include "reports/text.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"

/* Appending to our own unbounded buffers cannot fail, hence the (void) before every append. */

#define NO_BREAK_SPACE "\xC2\xA0"
#define LONGEST_UNIT   3 /* letters */
#define LONGEST_DATE   24

void html_puts(const struct page *p, const char *markup)
{
	(void)buf_puts(p->out, markup);
}

void html_printf(const struct page *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)buf_vprintf(p->out, fmt, ap);
	va_end(ap);
}

void html_text(const struct page *p, const char *s)
{
	text_markup(p->out, s);
}

void html_code(const struct page *p, const char *s)
{
	html_puts(p, "<code>");
	html_text(p, s);
	html_puts(p, "</code>");
}

/* Takes the plain text in b: escapes it into the page, blanks unbreakable. */
static void put_unbreakable(const struct page *p, struct buf *b)
{
	const char *s = b->data, *end = b->data + b->len;

	while (s < end) {
		const char *blank = memchr(s, ' ', (size_t)(end - s));
		const char *stop = blank != NULL ? blank : end;

		text_markup_n(p->out, s, (size_t)(stop - s));
		if (blank != NULL)
			html_puts(p, NO_BREAK_SPACE);
		s = blank != NULL ? blank + 1 : end;
	}
	buf_release(b);
}

void html_series(const struct page *p, const char *check, const char *series)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_series(&b, check, series);
	html_code(p, b.data);
	buf_release(&b);
}

/* A text may be 60 characters of anything and must be able to wrap. */
static void put_shown(const struct page *p, struct buf *b, enum value_type type)
{
	if (type == VALUE_TEXT) {
		text_markup_n(p->out, b->data, b->len);
		buf_release(b);
	} else {
		put_unbreakable(p, b);
	}
}

void html_value(const struct page *p, const struct result *s)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_value(&b, s);
	put_shown(p, &b, s->value.type);
}

void html_point(const struct page *p, const struct point *at, const struct result *of)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_point(&b, at, of);
	put_shown(p, &b, at->value.type);
}

void html_sample(const struct page *p, const struct result *s)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_sample(&b, s);
	put_unbreakable(p, &b);
}

/* Length of the operator at s and its sign, 0 when there is none. */
static size_t operator_at(const char *s, const char **sign)
{
	static const char *const signs[][2] = {{"<=", "\xE2\x89\xA4"},
					       {">=", "\xE2\x89\xA5"},
					       {"!=", "\xE2\x89\xA0"},
					       {"==", "="}};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (strncmp(s, signs[i][0], 2) == 0) {
			*sign = signs[i][1];
			return 2;
		}
	}
	return 0;
}

/* Signs at the start of a term only; nothing is touched behind a quote or a slash, where text
 * begins. */
static void put_signs(struct buf *out, const char *bound)
{
	bool is_start = true, is_text = false;

	for (const char *s = bound; *s != '\0'; s++) {
		const char *sign = NULL;
		size_t n = is_start && !is_text ? operator_at(s, &sign) : 0;

		is_text = is_text || *s == '"' || *s == '/';
		is_start = s > bound && s[-1] == ',' && *s == ' ';
		if (n > 0) {
			(void)buf_puts(out, sign);
			s += n - 1;
		} else {
			(void)buf_putc(out, *s);
		}
	}
}

void html_bound(const struct page *p, const char *bound)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	put_signs(&b, bound);
	if (b.len <= 24) {
		put_unbreakable(p, &b);
	} else {
		text_markup_n(p->out, b.data, b.len);
		buf_release(&b);
	}
}

/* Does a number end here, and a unit begin behind the blank: "64 s", "0.1 %", "24 min"? */
static bool is_before_unit(const char *text, const char *blank)
{
	size_t n = strspn(blank + 1, "%abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return blank > text && blank[-1] >= '0' && blank[-1] <= '9' && n > 0 && n <= LONGEST_UNIT;
}

/* A browser ends lines within "2026-11-28T09:47:11Z". */
static bool is_date(const char *word, size_t n)
{
	for (size_t i = 1; i + 1 < n; i++)
		if (word[i] == '-' && word[i - 1] >= '0' && word[i - 1] <= '9' &&
		    word[i + 1] >= '0' && word[i + 1] <= '9')
			return n <= LONGEST_DATE;
	return false;
}

/* Takes the words in b. */
static void put_words(const struct page *p, struct buf *b)
{
	for (const char *s = b->data, *end; *s != '\0'; s = end) {
		size_t n = strcspn(s, " ");
		bool is_whole = is_date(s, n);

		end = s + n;
		html_puts(p, is_whole ? "<span class=\"nb\">" : "");
		text_markup_n(p->out, s, n);
		html_puts(p, is_whole ? "</span>" : "");
		if (*end != '\0')
			html_puts(p, is_before_unit(b->data, end++) ? NO_BREAK_SPACE : " ");
	}
	buf_release(b);
}

/* The bound a text tells of: "14 rows, bound >= 1", "(warning bound <= 250 ms)". */
static const char *find_bound(const char *text)
{
	static const char *const before[] = {", bound ", "(warning bound "};

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		const char *at = strstr(text, before[i]);

		if (at != NULL)
			return at + strlen(before[i]);
	}
	return text + strlen(text);
}

void html_told(const struct page *p, const char *text)
{
	const char *bound = find_bound(text);
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_add(&b, text, (size_t)(bound - text));
	put_signs(&b, bound);
	put_words(p, &b);
}

const char *html_class(enum outcome o)
{
	switch (o) {
	case OUTCOME_FAIL:
		return "bad";
	case OUTCOME_UNDECIDED:
	case OUTCOME_WARN:
		return "wv";
	case OUTCOME_PASS:
	case OUTCOME_SKIP:
		return "";
	}
	return "";
}

const char *html_decision_word(const struct decision *d)
{
	if (decision_is_overridden(d))
		return "Overridden";
	return d->is_open ? "Open" : "Shut";
}

void html_state_word(const struct page *p, enum outcome mark, const char *word)
{
	svg_mark(p->out, mark);
	html_printf(p, NO_BREAK_SPACE "%s", word);
}

void html_state(const struct page *p, enum outcome o)
{
	html_state_word(p, o, outcome_word(o));
}

void html_when(const struct page *p, int64_t ms)
{
	text_when(p->out, ms);
}

void html_minute(const struct page *p, int64_t ms)
{
	text_minute(p->out, ms);
}

void html_duration(const struct page *p, int64_t us)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_duration(&b, us);
	put_unbreakable(p, &b);
}

void html_count(const struct page *p, size_t n, const char *noun)
{
	text_count(p->out, (int64_t)n, noun);
}

void html_position(const struct page *p, const struct result *s)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_position(&b, s);
	html_code(p, b.data);
	buf_release(&b);
}

void html_command(const struct page *p, const char *label, const char *command)
{
	html_printf(p, "<li><span>%s</span> ", label);
	html_code(p, command);
	html_puts(p, "</li>\n");
}

const char *html_pasted(const struct page *p, const char *command)
{
	const char *text;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_command(&b, command, p->r->repeated);
	text = arena_strndup(p->a, b.data, b.len);
	buf_release(&b);
	return text;
}
