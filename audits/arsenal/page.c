#include "audits/arsenal/page.h"

#include <string.h>
#include <strings.h>

#include "audits/scrape_spec.h"
#include "audits/series_selector.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/http_tape.h"

struct reading {
	struct page *page;
	const struct series_selector *selector;
	bool is_histogram;
	enum { OTHER, ASKED, COUNT } at_hand;
};

/* ---- one line ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t skip_quoted(const struct page_line *line, size_t at)
{
	for (at++; at < line->n && line->s[at] != '"'; at++)
		at += line->s[at] == '\\' ? 1 : 0;
	return at + 1;
}

/* Behind the name and the labels. */
static size_t skip_series(const struct page_line *line)
{
	size_t at = 0;

	while (at < line->n && !is_blank(line->s[at]) && line->s[at] != '{')
		at++;
	while (at < line->n && is_blank(line->s[at]))
		at++;
	if (at == line->n || line->s[at] != '{')
		return at;
	while (at < line->n && line->s[at] != '}')
		at = line->s[at] == '"' ? skip_quoted(line, at) : at + 1;
	return at + 1;
}

static struct page_part next_word(const struct page_line *line, size_t at)
{
	struct page_part word = {at, 0};

	while (word.at < line->n && is_blank(line->s[word.at]))
		word.at++;
	while (word.at + word.n < line->n && strchr(" \t\r\n", line->s[word.at + word.n]) == NULL)
		word.n++;
	return word;
}

struct page_part page_label(const struct page_line *line, const char *name)
{
	const char *open = memchr(line->s, '{', line->n);
	size_t at = open != NULL ? (size_t)(open - line->s) + 1 : line->n, n = strlen(name);

	while (at < line->n && line->s[at] != '}') {
		size_t begin, quote;

		while (at < line->n && (is_blank(line->s[at]) || line->s[at] == ','))
			at++;
		begin = at;
		while (at < line->n && line->s[at] != '"' && line->s[at] != '}')
			at++;
		if (at >= line->n || line->s[at] == '}')
			break;
		quote = at;
		at = skip_quoted(line, at);
		if (quote > begin + n && strncmp(line->s + begin, name, n) == 0 &&
		    strspn(line->s + begin + n, "= \t") >= quote - begin - n)
			return (struct page_part){quote + 1, at - quote - 2};
	}
	return (struct page_part){0, 0};
}

bool page_is_of(const struct page_line *line, const char *base, size_t n, size_t *name_at)
{
	static const char *const metadata[] = {"# HELP ", "# TYPE ", "# UNIT "};
	static const char *const suffixes[] = {"",     "_total", "_bucket",
					       "_sum", "_count", "_created"};
	size_t at = 0, n_name = 0;

	for (size_t i = 0; i < sizeof(metadata) / sizeof(metadata[0]); i++)
		if (line->n > strlen(metadata[i]) &&
		    strncmp(line->s, metadata[i], strlen(metadata[i])) == 0)
			at = strlen(metadata[i]);
	while (at + n_name < line->n && strchr(" \t{\r\n", line->s[at + n_name]) == NULL)
		n_name++;
	if (n_name < n || strncmp(line->s + at, base, n) != 0)
		return false;
	*name_at = at;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (strlen(suffixes[i]) == n_name - n &&
		    strncmp(line->s + at + n, suffixes[i], n_name - n) == 0)
			return true;
	return false;
}

void page_put(struct buf *out, const struct page_line *line, struct page_part part, const char *by)
{
	/* no longer than the page, and what is ours */
	(void)buf_add(out, line->s, part.at);
	(void)buf_puts(out, by);
	(void)buf_add(out, line->s + part.at + part.n, line->n - part.at - part.n);
}

/* ---- all of them ---- */

static bool wants(void *ctx, const char *name, size_t n)
{
	struct reading *r = ctx;
	size_t n_base = r->selector->n_name - strlen("_bucket");

	r->at_hand = OTHER;
	if (series_selector_is_named(r->selector, name, n))
		r->at_hand = ASKED;
	else if (r->is_histogram && n == n_base + strlen("_count") &&
		 memcmp(name, r->selector->name, n_base) == 0 &&
		 memcmp(name + n_base, "_count", strlen("_count")) == 0)
		r->at_hand = COUNT;
	return r->at_hand != OTHER;
}

static int on_sample(void *ctx, const struct exposition_sample *sample, struct err *e)
{
	struct reading *r = ctx;
	struct page *page = r->page;
	struct page_line *line = &page->lines[sample->line - 1];

	line->number = sample->value;
	line->timestamp_s = sample->timestamp_s;
	line->value = next_word(line, skip_series(line));
	if (sample->has_timestamp)
		line->timestamp = next_word(line, line->value.at + line->value.n);
	line->is_count = r->at_hand == COUNT;
	page->n_named += r->at_hand == ASKED ? 1 : 0;
	if (r->at_hand != ASKED ||
	    series_selector_matches(r->selector, sample->labels, sample->n_labels, e) != 1)
		return 0;
	line->is_selected = true;
	page->has_timestamps = page->has_timestamps || sample->has_timestamp;
	page->n_selected++;
	return 0;
}

static void cut_lines(struct page *page, struct arena *a, const char *body, size_t n)
{
	size_t lines = 1;

	for (size_t i = 0; i < n; i++)
		lines += body[i] == '\n' ? 1 : 0;
	page->lines = arena_array(a, lines, sizeof(*page->lines));
	for (size_t at = 0; at < n;) {
		const char *end = memchr(body + at, '\n', n - at);
		size_t length = end != NULL ? (size_t)(end - body) + 1 - at : n - at;

		page->lines[page->n_lines++] = (struct page_line){.s = body + at, .n = length};
		at += length;
	}
}

static bool is_openmetrics(const struct scrape_spec *spec, const char *content_type)
{
	static const char type[] = "application/openmetrics-text";

	return spec->format == FORMAT_OPENMETRICS ||
	       (spec->format == FORMAT_AUTO &&
		strncasecmp(content_type, type, sizeof(type) - 1) == 0);
}

int page_read(struct page *out, struct arena *a, const struct scrape_spec *spec,
	      const struct http_taped *answer, struct err *e)
{
	static const struct exposition_handler handler = {wants, on_sample, NULL};
	struct reading r = {out, &spec->selector, spec->quantile > 0, OTHER};
	struct exposition *x;
	int rc;

	*out = (struct page){.format = is_openmetrics(spec, answer->response.content_type)
					       ? EXPOSITION_OPENMETRICS
					       : EXPOSITION_PROMETHEUS};
	cut_lines(out, a, answer->body, answer->n_body);
	x = exposition_new(out->format, &handler, &r);
	rc = exposition_feed(x, answer->body, answer->n_body, e);
	if (rc == 0)
		rc = exposition_end(x, e);
	exposition_free(x);
	return rc;
}
