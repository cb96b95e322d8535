/*
 * One pass over each line. What is kept of lines to be shown is kept as it came and masked at the
 * end, when it is known which the last ones are.
 */
#define _GNU_SOURCE /* memmem */
#include "audits/log_count.h"

#include <inttypes.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"
#include "runner/base/utf16.h"
#include "runner/model/pattern.h"

void log_rules_hasten(struct log_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		const char *const *texts;
		size_t n = pattern_texts(rules->patterns[i], &texts);

		if (n == 0 || rules->n_texts + n > LOG_MAX_TEXTS) {
			rules->n_texts = 0;
			return;
		}
		for (size_t k = 0; k < n; k++)
			rules->texts[rules->n_texts++] = texts[k];
	}
}

void log_count_init(struct log_count *c, struct arena *a, const struct log_rules *rules)
{
	*c = (struct log_count){.rules = rules, .arena = a, .name = ""};
	c->matches = arena_array(a, rules->n + 1, sizeof(*c->matches));
	buf_init(&c->carry, rules->max_line);
}

void log_count_release(struct log_count *c)
{
	buf_release(&c->carry);
}

/* ---- one line ---- */

struct line {
	const char *p;
	size_t n;	  /* without its end, at most max_line */
	int64_t position; /* in its file */
	int64_t bytes;	  /* all of it */
	bool is_cut;
};

static void keep(struct log_count *c, const struct line *l)
{
	struct log_line *at = c->matching <= LOG_SHOWN_LINES
				      ? &c->first[c->matching - 1]
				      : &c->last[c->matching % LOG_SHOWN_LINES];

	at->name = c->name;
	at->position = l->position;
	at->bytes = l->is_cut ? l->bytes : (int64_t)l->n;
	at->n_text = l->n < LOG_KEPT_BYTES ? l->n : LOG_KEPT_BYTES;
	memcpy(at->text, l->p, at->n_text);
}

static void give_up(struct log_count *c, const struct line *l, const char *why)
{
	if (c->unjudged++ == 0)
		c->why_unjudged = arena_printf(c->arena, "%s, byte %" PRId64 ": %s", c->name,
					       l->position, why);
}

/* The line with U+FFFD where it is no UTF-8. */
static void make_valid(struct buf *out, const char *p, size_t n)
{
	while (n > 0) {
		size_t k = (unsigned char)*p < 0x80   ? 1
			   : (unsigned char)*p < 0xe0 ? 2
			   : (unsigned char)*p < 0xf0 ? 3
						      : 4;

		if (k <= n && str_is_utf8(p, k)) {
			(void)buf_add(out, p, k); /* three times the line is its ceiling */
		} else {
			(void)buf_puts(out, "\xef\xbf\xbd");
			k = 1;
		}
		p += k;
		n -= k;
	}
}

/* As pattern_search(), of any bytes. */
static int search(const struct pattern *pattern, const struct line *l, struct err *e)
{
	int rc = pattern_search(pattern, l->p, l->n, e);
	struct buf valid;

	if (rc >= 0 || str_is_utf8(l->p, l->n))
		return rc;
	buf_init(&valid, 3 * l->n + 1);
	make_valid(&valid, l->p, l->n);
	rc = pattern_search(pattern, valid.data, valid.len, e);
	buf_release(&valid);
	return rc;
}

enum found { FOUND_ERROR = -1, FOUND_NOTHING, FOUND_EXCEPTED, FOUND_MATCH };

static enum found find(const struct log_rules *rules, const struct pattern *pattern,
		       const struct line *l, struct err *e)
{
	int rc = search(pattern, l, e);

	if (rc > 0 && rules->except) {
		rc = search(rules->except, l, e);
		return rc < 0 ? FOUND_ERROR : rc > 0 ? FOUND_EXCEPTED : FOUND_MATCH;
	}
	return rc < 0 ? FOUND_ERROR : rc > 0 ? FOUND_MATCH : FOUND_NOTHING;
}

/*
 * In all of the line, or in what is between two CR of it: a program that writes its progress over
 * itself ends with its error message what it began as a bar.
 */
static enum found find_between(const struct log_rules *rules, const struct pattern *pattern,
			       const struct line *l, struct err *e)
{
	enum found found = find(rules, pattern, l, e);
	const char *p = l->p, *end = l->p + l->n, *cr;

	if (found == FOUND_ERROR || found == FOUND_MATCH || l->n == 0 || !memchr(p, '\r', l->n))
		return found;
	for (; p < end; p = cr + 1) {
		struct line part = {.p = p};
		enum found here;

		cr = memchr(p, '\r', (size_t)(end - p));
		cr = cr ? cr : end;
		part.n = (size_t)(cr - p);
		here = find(rules, pattern, &part, e);
		if (here == FOUND_ERROR || here == FOUND_MATCH)
			return here;
		found = here == FOUND_EXCEPTED ? here : found;
	}
	return found;
}

static void judge(struct log_count *c, const struct line *l)
{
	const struct log_rules *rules = c->rules;
	struct err e = {.class = ERR_NONE};
	bool is_matching = false, is_excepted = false, is_unknown = false;

	for (size_t i = 0; i < rules->n; i++) {
		enum found found = find_between(rules, rules->patterns[i], l, &e);

		c->matches[i] += found == FOUND_MATCH;
		is_matching = is_matching || found == FOUND_MATCH;
		is_excepted = is_excepted || found == FOUND_EXCEPTED;
		is_unknown = is_unknown || found == FOUND_ERROR;
	}
	if (is_matching) {
		c->matching++;
		keep(c, l);
	}
	if (is_unknown)
		give_up(c, l, arena_strdup(c->arena, e.message));
	else if (l->is_cut && !is_matching && !is_excepted && rules->n > 0)
		give_up(c, l,
			arena_printf(c->arena,
				     "a line of %" PRId64 " bytes, looked at as far as max_line",
				     l->bytes));
}

/* As editors and shells of Windows begin a file: it belongs to no line. */
static size_t mark_bytes(const struct log_count *c, const char *p, size_t n)
{
	return c->position == 0 && n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* p: the first n bytes of a line of `bytes`, its end excluded; may_match: it is to be tried. */
static void take_line(struct log_count *c, const char *p, size_t n, int64_t bytes, bool may_match)
{
	struct line l = {.p = p, .n = n, .bytes = bytes, .position = c->position};

	l.is_cut = (int64_t)l.n < bytes || l.n > c->rules->max_line;
	if (l.n > c->rules->max_line)
		l.n = c->rules->max_line;
	else if (!l.is_cut && l.n > 0 && p[l.n - 1] == '\r')
		l.n--;

	size_t n_mark = mark_bytes(c, l.p, l.n);

	l.p += n_mark;
	l.n -= n_mark;
	c->lines++;
	if (c->rules->n > 0 && utf16_is_likely(l.p, l.n))
		give_up(c, &l, "the line is UTF-16, and a pattern reads UTF-8");
	else if (c->rules->n > 0 && (may_match || l.is_cut))
		judge(c, &l);
}

/* ---- the stream ---- */

void log_count_begin(struct log_count *c, const char *name, int64_t position)
{
	c->name = name;
	c->position = position;
	buf_reset(&c->carry);
	c->carried = 0;
}

static void carry(struct log_count *c, const char *p, size_t n)
{
	size_t room = c->rules->max_line - c->carry.len;

	(void)buf_add(&c->carry, p, n < room ? n : room); /* never beyond its ceiling */
	c->carried += (int64_t)n;
}

static void end_line(struct log_count *c, int64_t end_bytes)
{
	int64_t all = c->carried + end_bytes;

	take_line(c, c->carry.data, c->carry.len, c->carried, true);
	c->bytes += all;
	c->position += all;
	buf_reset(&c->carry);
	c->carried = 0;
}

/* Where each of the texts is next in a block; NULL = in the rest of it there is none. */
struct hits {
	const struct log_rules *rules;
	const char *next[LOG_MAX_TEXTS], *end;
};

static void hits_from(struct hits *h, size_t i, const char *p)
{
	const char *text = h->rules->texts[i];

	h->next[i] = memmem(p, (size_t)(h->end - p), text, strlen(text));
}

/* Is one of the texts in the line? Lines are asked about in order. */
static bool has_text(struct hits *h, const char *p, size_t n)
{
	bool is_there = h->rules->n_texts == 0;

	for (size_t i = 0; i < h->rules->n_texts; i++) {
		if (h->next[i] && h->next[i] < p)
			hits_from(h, i, p);
		is_there = is_there || (h->next[i] && h->next[i] < p + n);
	}
	return is_there;
}

int log_count_add(void *ctx, const char *p, size_t n, struct err *e)
{
	struct log_count *c = ctx;
	const char *end = p + n;
	struct hits hits = {.rules = c->rules, .end = end};

	(void)e; /* nothing can fail */
	for (size_t i = 0; i < c->rules->n_texts; i++)
		hits_from(&hits, i, p);
	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t k = (size_t)((newline ? newline : end) - p);

		if (newline && c->carried == 0) {
			take_line(c, p, k, (int64_t)k, has_text(&hits, p, k));
			c->bytes += (int64_t)k + 1;
			c->position += (int64_t)k + 1;
		} else {
			carry(c, p, k);
			if (newline)
				end_line(c, 1);
		}
		p += newline ? k + 1 : k;
	}
	return 0;
}

int64_t log_count_pending(const struct log_count *c)
{
	return c->carried;
}

void log_count_end(struct log_count *c)
{
	if (c->carried > 0)
		end_line(c, 0);
}

void log_count_end_match(struct log_count *c)
{
	const struct log_rules *rules = c->rules;
	struct line l = {.p = c->carry.data, .n = c->carry.len};
	bool is_matching = false;

	for (size_t i = 0; i < rules->n && c->carried > 0 && !is_matching; i++)
		is_matching = search(rules->patterns[i], &l, NULL) > 0;
	if (is_matching && (!rules->except || search(rules->except, &l, NULL) == 0))
		end_line(c, 0);
}

/* ---- evidence ---- */

static void show_line(const struct log_count *c, const struct log_line *l, struct buf *out)
{
	(void)buf_printf(out, "%s%s, byte %" PRId64 ": ", out->len > 0 ? "\n" : "", l->name,
			 l->position); /* a full buffer says so */
	redact_show(c->rules->redactor, c->arena, l->text, l->n_text, LOG_SHOWN_BYTES, out);
	if (l->bytes > LOG_SHOWN_BYTES)
		(void)buf_printf(out, "... (%" PRId64 " bytes)", l->bytes);
}

void log_count_show(const struct log_count *c, struct buf *out)
{
	int64_t first = c->matching < LOG_SHOWN_LINES ? c->matching : LOG_SHOWN_LINES;
	int64_t last =
		c->matching - first < LOG_SHOWN_LINES ? c->matching - first : LOG_SHOWN_LINES;

	for (int64_t i = 0; i < first; i++)
		show_line(c, &c->first[i], out);
	if (c->matching > first + last)
		(void)buf_printf(out, "\n(%" PRId64 " more)", c->matching - first - last);
	for (int64_t i = c->matching - last + 1; i <= c->matching; i++)
		show_line(c, &c->last[i % LOG_SHOWN_LINES], out);
}
