/*
 * A web page as a source: one look says what it is, five rounds of the same request say what of it
 * holds still.
 *
 * Of a JSON answer the members with texts, numbers and truth values are candidates, and that an
 * array has elements; left out is what moved between the answers, what is a moment and would move
 * by tomorrow, and what may be a secret. Each omission is written down.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/init.h"
#include "runner/init_json.h"
#include "runner/model/result.h"
#include "runner/stats/summary.h"

#define N_ROUNDS 5
/* A bound of time: so often the median, more than the slowest, and no less than this. */
#define TIME_FACTOR    3.0
#define SLOWEST_FACTOR 1.5
#define TIME_FLOOR_S   0.25

#define HTML_END_BYTES 7 /* of </html> */

struct web {
	struct init_url url;
	struct init_page page;
	const char *media_type; /* "text/html" */
	const char *html_end;	/* "</html>" as the page spells it; NULL = it has none */
	struct init_leaf *leaves;
	size_t n_leaves, n_more; /* more: beyond those */
	double samples[N_ROUNDS];
};

static int begin(struct init *in, struct init_subject *s, struct err *e)
{
	struct web *w = arena_alloc(in->app->arena, sizeof(*w));

	s->state = w;
	return init_url_begin(in, s, &w->url, e);
}

static void put_target(const struct init_subject *s, struct buf *out, bool is_draft)
{
	const struct web *w = s->state;

	init_url_target(s, &w->url, out, is_draft);
}

/* What the page ends with when that is </html>, newlines behind it aside. */
static const char *html_end_of(struct arena *a, const struct init_page *page)
{
	const char *end;
	size_t n = page->n_body;

	while (n > 0 && (page->body[n - 1] == '\n' || page->body[n - 1] == '\r'))
		n--;
	if ((int64_t)page->n_body != page->n_bytes || n < HTML_END_BYTES)
		return NULL;
	end = page->body + n - HTML_END_BYTES;
	return strncasecmp(end, "</html>", HTML_END_BYTES) == 0
		       ? arena_strndup(a, end, HTML_END_BYTES)
		       : NULL;
}

static int look(struct init *in, struct init_subject *s, struct err *e)
{
	struct arena *a = in->app->arena;
	struct web *w = s->state;

	if (init_url_fetch(in, s, w->url.path, NULL, &w->page, e) != 0)
		return -1;
	if (!w->page.is_length_known && w->page.n_bytes <= 1)
		return err_set(e, ERR_MEASURE,
			       "%s: the body is empty and nothing marks its end, which is nothing "
			       "to begin with",
			       s->given);
	w->media_type =
		arena_strndup(a, w->page.content_type, strcspn(w->page.content_type, "; \t"));
	if (!str_is_utf8(w->media_type, strlen(w->media_type)))
		w->media_type = "";
	w->html_end = html_end_of(a, &w->page);
	if ((int64_t)w->page.n_body == w->page.n_bytes)
		init_json_leaves(a, &w->page, clock_wall_ms(&in->app->clock), &w->leaves,
				 &w->n_leaves, &w->n_more);
	return 0;
}

/* ---- the request ---- */

/* Nothing marks the end of the body, and nothing in it does: how long it is at least. */
static bool needs_length(const struct web *w)
{
	return !w->page.is_length_known && !w->html_end && w->page.n_bytes > 1;
}

/* "http: /health" or "http: { path: /, redirects: 1", open for more keys when has_more. */
static void put_request(struct buf *out, const struct web *w, bool has_more)
{
	bool is_short = w->page.n_redirects == 0 && !has_more;

	(void)buf_puts(out, is_short ? "http: " : "http: { path: ");
	init_put_text(out, w->url.path);
	if (w->page.n_redirects > 0)
		(void)buf_printf(out, ", redirects: %ld", w->page.n_redirects);
	if (!is_short && !has_more)
		(void)buf_puts(out, " }");
}

static void put_whole(struct buf *out, const struct web *w)
{
	if (w->html_end) {
		(void)buf_puts(out, ", ends_with: ");
		init_put_text(out, w->html_end);
	} else if (needs_length(w)) {
		(void)buf_puts(out, ", min_body: ");
		init_put_size(out, (double)w->page.n_bytes / 2, false);
	}
	if (w->media_type[0])
		(void)buf_puts(out, ", capture: { content_type: \"header:Content-Type\" }");
}

static void put_draft(const struct init_subject *s, struct buf *out)
{
	const struct web *w = s->state;
	const char *sep = ", json: { ", *end = "";

	(void)buf_puts(out, "      - { id: answer, ");
	put_request(out, w, true);
	put_whole(out, w);
	for (size_t i = 0; i < w->n_leaves; i++) {
		if (w->leaves[i].omitted)
			continue;
		(void)buf_printf(out, "%s%s: ", sep, w->leaves[i].name);
		init_put_text(out, w->leaves[i].path);
		sep = ", ";
		end = " }";
	}
	(void)buf_printf(
		out, "%s }, expect: { status: \">= 100\", total: \">= 0s\", size: \">= 0 B\"", end);
	if (w->media_type[0])
		(void)buf_puts(out, ", content_type: \"matches /^/\"");
	if (w->page.n_redirects > 0)
		(void)buf_puts(out, ", url: \"matches /^/\"");
	if (w->url.is_https)
		(void)buf_puts(out, ", tls_days_left: \">= 0\"");
	for (size_t i = 0; i < w->n_leaves; i++)
		if (!w->leaves[i].omitted)
			(void)buf_printf(out, ", %s: \"matches /^/\"", w->leaves[i].name);
	(void)buf_puts(out, " } }\n");
}

/* ---- what was measured ---- */

/* Sorts what all rounds measured of a value into w->samples. */
static int take_samples(const struct init_subject *s, const char *series, struct err *e)
{
	struct web *w = s->state;

	for (size_t i = 0; i < N_ROUNDS; i++) {
		const char *reason = "";
		const struct result *r = init_value(s, i, "answer", series, &reason);

		if (!r)
			return err_set(e, ERR_MEASURE, "%s: answer %zu of %d: %s", s->given, i + 2,
				       N_ROUNDS + 1, reason);
		w->samples[i] = init_number(r);
	}
	stats_sort(w->samples, N_ROUNDS);
	return 0;
}

static int check_status(const struct init_subject *s, struct err *e)
{
	const struct web *w = s->state;

	if (take_samples(s, "status", e) != 0)
		return -1;
	if ((long)w->samples[0] == w->page.status &&
	    (long)w->samples[N_ROUNDS - 1] == w->page.status)
		return 0;
	return err_set(e, ERR_MEASURE,
		       "%s: answered %ld, %ld and %ld within two seconds, which is nothing to "
		       "begin with",
		       s->given, w->page.status, (long)w->samples[0],
		       (long)w->samples[N_ROUNDS - 1]);
}

/* A header that came twice, or not always, is no value. */
static void settle_type(const struct init_subject *s)
{
	struct web *w = s->state;

	for (size_t k = 0; k < N_ROUNDS; k++)
		if (!init_value(s, k, "answer", "content_type", NULL))
			w->media_type = "";
}

static void settle_leaves(const struct init_subject *s)
{
	const struct web *w = s->state;

	for (size_t i = 0; i < w->n_leaves; i++) {
		struct init_leaf *leaf = &w->leaves[i];

		for (size_t k = 0; k < N_ROUNDS && !leaf->omitted; k++) {
			const struct result *r = init_value(s, k, "answer", leaf->name, NULL);

			if (!r)
				leaf->omitted = "it is not always there";
			else if (k > 0 && !init_json_is_same(leaf->value, r))
				leaf->omitted = "it changes";
			leaf->value = r;
		}
	}
}

/* ---- the definition ---- */

/* That a value begins with this text, and what may follow. */
static void put_beginning(struct buf *out, const char *text, size_t n, const char *rest)
{
	struct buf pattern;

	buf_init(&pattern, BUF_UNBOUNDED);
	(void)buf_puts(&pattern, "matches /^");
	for (size_t i = 0; i < n; i++) {
		if (strchr("/\\.+*?()[]{}^$|", text[i]))
			(void)buf_putc(&pattern, '\\');
		(void)buf_putc(&pattern, text[i]);
	}
	(void)buf_printf(&pattern, "%s/", rest);
	init_put_text(out, pattern.data);
	buf_release(&pattern);
}

/* As long as an address says where, and not who or when: what it asks there may be a secret. */
static size_t destination_length(const char *url)
{
	return strcspn(url, "?#;");
}

/* Did all answers come from the same place? */
static bool is_destination_steady(const struct init_subject *s)
{
	const struct web *web = s->state;
	size_t n = destination_length(web->page.url);

	for (size_t k = 0; k < N_ROUNDS; k++) {
		const struct result *r = init_value(s, k, "answer", "url", NULL);

		if (!r || r->value.type != VALUE_TEXT || destination_length(r->value.text) != n ||
		    memcmp(r->value.text, web->page.url, n) != 0)
			return false;
	}
	return true;
}

/* Where redirects lead to. */
static void put_destination(struct init_writer *w, struct init_subject *s)
{
	const struct web *web = s->state;
	size_t n = destination_length(web->page.url);

	if (web->page.n_redirects == 0 || !str_is_utf8(web->page.url, n))
		return; /* what is no text cannot be written down */
	if (!is_destination_steady(s)) {
		init_note(s, "%s: redirected, and each time to another place: it was left out",
			  s->given);
		return;
	}
	if (init_holds_secret(arena_strndup(w->arena, web->page.url, n))) {
		init_note(s, "%s: where it is redirected to may hold a secret: it was left out",
			  s->given);
		return;
	}
	(void)buf_puts(w->out, "          url: ");
	put_beginning(w->out, web->page.url, n, "([?#;]|$)");
	(void)buf_puts(w->out, " # redirected there: is that what visitors should see?\n");
	init_note(s, "%s: redirected to %s", s->given,
		  str_escaped(w->arena, arena_strndup(w->arena, web->page.url, n)));
}

static int put_size(struct init_writer *w, const struct init_subject *s, struct err *e)
{
	const struct web *web = s->state;
	const double *n = web->samples;
	char low[NUM_REAL_MAX], high[NUM_REAL_MAX];

	if (take_samples(s, "size", e) != 0)
		return -1;
	if (n[N_ROUNDS - 1] == 0) {
		(void)buf_puts(w->out, "          size: \"== 0 B\" # an empty body\n");
		return 0;
	}
	(void)num_format_size((int64_t)n[0], low); /* their length */
	(void)num_format_size((int64_t)n[N_ROUNDS - 1], high);
	(void)buf_puts(w->out, "          size: \"between ");
	init_put_size(w->out, n[0] / 2, false);
	(void)buf_puts(w->out, " and ");
	init_put_size(w->out, n[N_ROUNDS - 1] * 2, true);
	(void)buf_printf(w->out, "\" # %s%s%s: half to twice as much\n", low,
			 strcmp(low, high) == 0 ? "" : " to ", strcmp(low, high) == 0 ? "" : high);
	return 0;
}

static int put_answer(struct init_writer *w, struct init_subject *s, struct err *e)
{
	const struct web *web = s->state;
	bool has_more = web->html_end != NULL || needs_length(web) || web->media_type[0];

	init_put_id(w, "answer", NULL, NULL);
	(void)buf_printf(w->out, " # as in %d answers\n        ", N_ROUNDS + 1);
	put_request(w->out, web, has_more);
	if (has_more) {
		put_whole(w->out, web);
		(void)buf_puts(w->out, " }");
	}
	(void)buf_printf(w->out, "\n        expect:\n          status: \"== %ld\"\n",
			 web->page.status);
	if (web->media_type[0]) {
		(void)buf_puts(w->out, "          content_type: ");
		put_beginning(w->out, web->media_type, strlen(web->media_type), "( *;|$)");
		(void)buf_putc(w->out, '\n');
	}
	put_destination(w, s);
	if (needs_length(web))
		init_note(s,
			  "%s: weak: nothing marks where the body ends: of a torn one half is "
			  "taken for whole",
			  s->given);
	return put_size(w, s, e);
}

static void put_implied_status(struct init_writer *w, const struct web *web)
{
	if (web->page.status != 200)
		(void)buf_printf(w->out, "status: \"== %ld\", ", web->page.status);
}

static int put_time(struct init_writer *w, const struct init_subject *s, struct err *e)
{
	const struct web *web = s->state;
	double median, slowest, bound;

	if (take_samples(s, "total", e) != 0)
		return -1;
	median = web->samples[N_ROUNDS / 2];
	slowest = web->samples[N_ROUNDS - 1];
	bound = fmax(fmax(median * TIME_FACTOR, slowest * SLOWEST_FACTOR), TIME_FLOOR_S);
	init_put_id(w, "time", NULL, NULL);
	(void)buf_printf(w->out, " # %d answers: median ", N_ROUNDS);
	init_put_duration(w->out, median, true);
	(void)buf_puts(w->out, ", slowest ");
	init_put_duration(w->out, slowest, true);
	(void)buf_printf(w->out,
			 "; %g times the median, %g times the slowest,\n"
			 "        # and at least %g ms. Measured from here: elsewhere the way is "
			 "another\n        ",
			 TIME_FACTOR, SLOWEST_FACTOR, TIME_FLOOR_S * 1000);
	put_request(w->out, web, false);
	(void)buf_puts(w->out, "\n        expect: { ");
	put_implied_status(w, web);
	(void)buf_puts(w->out, "total: \"<= ");
	init_put_duration(w->out, bound, true);
	(void)buf_puts(w->out, "\" }\n");
	return 0;
}

static void put_omitted(struct init_writer *w, const struct web *web)
{
	bool has_any = false;

	for (size_t i = 0; i < web->n_leaves; i++) {
		if (!web->leaves[i].omitted)
			continue;
		(void)buf_printf(w->out, "%s%s (%s)", has_any ? ", " : "        # left out: ",
				 str_escaped(w->arena, web->leaves[i].path),
				 web->leaves[i].omitted);
		has_any = true;
	}
	if (web->n_more > 0)
		(void)buf_printf(w->out, "%s%zu more",
				 has_any ? ", and " : "        # left out: ", web->n_more);
	if (has_any || web->n_more > 0)
		(void)buf_putc(w->out, '\n');
}

static void put_content(struct init_writer *w, const struct web *web)
{
	size_t n = 0;

	for (size_t i = 0; i < web->n_leaves; i++)
		n += !web->leaves[i].omitted;
	if (n == 0) {
		put_omitted(w, web);
		return;
	}
	init_put_id(w, "content", NULL, NULL);
	(void)buf_printf(w->out, " # the same in %d answers; loosen what may move\n", N_ROUNDS);
	put_omitted(w, web);
	(void)buf_puts(w->out, "        http:\n          path: ");
	init_put_text(w->out, web->url.path);
	if (web->page.n_redirects > 0)
		(void)buf_printf(w->out, "\n          redirects: %ld", web->page.n_redirects);
	(void)buf_puts(w->out, "\n          json:\n");
	for (size_t i = 0; i < web->n_leaves; i++) {
		if (web->leaves[i].omitted)
			continue;
		(void)buf_printf(w->out, "            %s: ", web->leaves[i].name);
		init_put_text(w->out, web->leaves[i].path);
		(void)buf_putc(w->out, '\n');
	}
	(void)buf_puts(w->out, "        expect:\n");
	if (web->page.status != 200)
		(void)buf_printf(w->out, "          status: \"== %ld\"\n", web->page.status);
	for (size_t i = 0; i < web->n_leaves; i++) {
		if (web->leaves[i].omitted)
			continue;
		(void)buf_printf(w->out, "          %s: ", web->leaves[i].name);
		init_json_put_bound(w->out, &web->leaves[i]);
		(void)buf_putc(w->out, '\n');
	}
}

/* A bound that is a warning in time; none when there is no time left for one. */
static void put_certificates(struct init_writer *w, struct init_subject *s)
{
	static const int bounds[] = {14, 7, 3, 1};
	const struct web *web = s->state;
	const struct result *r = init_value(s, N_ROUNDS - 1, "answer", "tls_days_left", NULL);
	double days = r ? init_number(r) : NAN;
	size_t i = 0;

	while (i < sizeof(bounds) / sizeof(*bounds) && !(days >= bounds[i] * 2))
		i++;
	if (i == sizeof(bounds) / sizeof(*bounds)) {
		if (r)
			init_note(s,
				  "%s: a certificate expires in %.1f days: no bound was put on "
				  "it, renew it first",
				  s->given, days);
		return;
	}
	if (i > 0)
		init_note(s, "%s: a certificate expires in %.0f days already", s->given,
			  floor(days));
	init_put_id(w, "certificates", NULL, NULL);
	(void)buf_printf(w->out, " # the first of the chain expires in %.0f days\n        ",
			 floor(days));
	put_request(w->out, web, false);
	(void)buf_puts(w->out, "\n        expect: { ");
	put_implied_status(w, web);
	(void)buf_printf(w->out, "tls_days_left: \">= %d\" }\n", bounds[i]);
}

static int put(struct init_writer *w, struct init_subject *s, struct err *e)
{
	const struct web *web = s->state;

	if (check_status(s, e) != 0)
		return -1;
	settle_leaves(s);
	settle_type(s);
	if (put_answer(w, s, e) != 0 || put_time(w, s, e) != 0)
		return -1;
	put_content(w, web);
	if (web->url.is_https)
		put_certificates(w, s);
	return 0;
}

const struct init_source init_http = {
	.option = "http",
	.offset = offsetof(struct options, http),
	.type = TARGET_HTTP,
	.n_rounds = N_ROUNDS,
	.begin = begin,
	.put_target = put_target,
	.look = look,
	.put_draft = put_draft,
	.put = put,
};
