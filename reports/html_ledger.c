/*
 * The ledger: a row for every check, a row for each of its series while they are few. Room used and
 * trail are pictures of the same numbers that stand beside them. Rows that passed are plain ink:
 * the eye should find what did not.
 */
#include "reports/html.h"

#include <inttypes.h>
#include <math.h>

#include "reports/spark.h"
#include "reports/svg.h"
#include "reports/text.h"
#include "runner/base/buf.h"
#include "runner/model/unit.h"

/* More series than these: only the worst has a row, the rest is counted. */
#define MAX_ROWS 6

/* "12 runs since 24 Oct 2026, now 1.30 %, bound <= 0.1 %": what the picture says, as markup. */
static void put_spark_label(struct buf *label, const struct point *trail, size_t n,
			    const struct result *s)
{
	struct buf plain;

	buf_init(&plain, BUF_UNBOUNDED);
	text_count(&plain, (int64_t)n, "run");
	(void)buf_puts(&plain, " since ");
	text_day(&plain, trail[0].measured_ms);
	(void)buf_puts(&plain, ", now ");
	text_value(&plain, s);
	if (s->bound[0] != '\0') {
		(void)buf_puts(&plain, ", bound ");
		text_put(&plain, s->bound);
	}
	text_markup_n(label, plain.data, plain.len);
	buf_release(&plain);
}

static void put_spark(const struct page *p, size_t i)
{
	const struct result *s = &p->r->results[i];
	struct spark_point *points;
	struct buf label;
	size_t n;

	if (p->r->trails == NULL || p->r->n_trails[i] < 2)
		return;
	points = spark_points(p->a, p->r->trails[i], p->r->n_trails[i], result_is_share(s),
			      SVG_SPARK_POINTS, &n);
	buf_init(&label, BUF_UNBOUNDED);
	put_spark_label(&label, p->r->trails[i], p->r->n_trails[i], s);
	svg_spark(p->out, points, n, s->outcome, label.data);
	buf_release(&label);
}

static void put_n(const struct page *p, const struct result *s)
{
	int64_t n = s->n_total >= 0 ? s->n_total : s->n;
	struct buf b;

	if (n < 0)
		return;
	buf_init(&b, BUF_UNBOUNDED);
	unit_format(&b, (double)n, "");
	html_text(p, b.data);
	buf_release(&b);
}

static bool has_article(const struct check_view *v)
{
	return v->outcome != OUTCOME_PASS;
}

static void put_name(const struct page *p, const struct check_view *v, size_t row, size_t n_rows)
{
	const struct result *s = &v->series[row];
	bool is_first = n_rows == 1 || row == 0;

	html_puts(p, "<th scope=\"row\">");
	if (is_first && has_article(v))
		html_printf(p, "<a href=\"#c%zu\">", v->first + 1);
	if (is_first)
		html_code(p, v->info->name);
	if (is_first && has_article(v))
		html_puts(p, "</a>");
	if (is_first && v->info->title != NULL) {
		html_puts(p, "<span class=\"sub\">");
		html_text(p, v->info->title);
		html_puts(p, "</span>");
	}
	if (s->series[0] != '\0') {
		html_puts(p, "<span class=\"se\">");
		html_code(p, s->series);
		html_puts(p, "</span>");
	}
	if (n_rows < v->n)
		html_printf(p,
			    "<span class=\"sub\">the worst of %zu series, %zu not passing</span>",
			    v->n, v->n_not_passing);
	html_puts(p, "</th>");
}

static void put_measured(const struct page *p, const struct result *s)
{
	html_puts(p, "<td class=\"num v\">");
	if (s->value.type == VALUE_NONE)
		html_puts(p, s->outcome == OUTCOME_SKIP ? "not\xC2\xA0run" : "no\xC2\xA0value");
	else
		html_value(p, s);
	if (s->is_flaky)
		html_printf(p, "<span class=\"sub\">attempt %" PRId64 "</span>", s->attempts);
	html_puts(p, "</td><td class=\"num b\">");
	html_bound(p, s->bound);
	html_puts(p, "</td>");
}

static void put_row(const struct page *p, const struct check_view *v, size_t row, size_t n_rows)
{
	const struct result *s = &v->series[row];
	bool is_continued = row + 1 < n_rows;

	html_printf(p, "<tr class=\"%s%s\"><td class=\"st\">", html_class(s->outcome),
		    is_continued ? " co" : "");
	if (result_is_noted(s->outcome, s->bound))
		html_puts(p, result_state(s->outcome, s->bound)); /* no sign of a pass beside it */
	else
		html_state(p, s->outcome);
	html_puts(p, "</td>");
	put_name(p, v, row, n_rows);
	put_measured(p, s);
	html_puts(p, "<td class=\"rm\">");
	if (!isnan(s->room) && s->value.type != VALUE_NONE)
		svg_room(p->out, s->room, s->outcome);
	html_puts(p, "</td><td class=\"tr\">");
	put_spark(p, v->first + row);
	html_puts(p, "</td><td class=\"num n\">");
	put_n(p, s);
	html_puts(p, "</td></tr>\n");
}

static void put_key(const struct page *p)
{
	html_puts(p, "<p class=\"key\"><span>"
		     "<svg viewBox=\"0 0 60 14\" width=\"60\" height=\"14\" aria-hidden=\"true\">"
		     "<line class=\"ax\" x1=\"0\" x2=\"60\" y1=\"7\" y2=\"7\"/>"
		     "<line class=\"bar\" x1=\"0\" x2=\"24\" y1=\"7\" y2=\"7\"/>"
		     "<line class=\"bd\" x1=\"44\" x2=\"44\" y1=\"1\" y2=\"13\"/>"
		     "<circle class=\"d\" cx=\"24\" cy=\"7\" r=\"2.6\"/></svg>"
		     " room used: none at the left, the bound at the tick</span>");
	if (p->r->trails != NULL)
		html_puts(p, "<span><svg viewBox=\"0 0 60 14\" width=\"60\" height=\"14\" "
			     "aria-hidden=\"true\"><path class=\"th\" d=\"M0,3 60,3\"/>"
			     "<path class=\"l\" d=\"M0,10 12,9 24,11 36,8 48,9 57,8\"/></svg>"
			     " one point a run; dashed: the bound, stepping where it was "
			     "changed</span>");
	html_puts(p, "</p>\n");
}

void html_ledger(const struct page *p)
{
	if (p->n_views == 0)
		return;
	html_puts(p,
		  "<section id=\"ledger\">\n<h2>The checks</h2>\n<table class=\"led\">"
		  "<caption class=\"vh\">Every check with its state, measured value, bound, share "
		  "of the allowed room used, history and sample size</caption>\n"
		  "<thead><tr><th scope=\"col\">state</th><th scope=\"col\">check</th>"
		  "<th scope=\"col\" class=\"num\">measured</th>"
		  "<th scope=\"col\" class=\"num\">bound</th><th scope=\"col\">room used</th>"
		  "<th scope=\"col\">history</th><th scope=\"col\" class=\"num\">n</th></tr>"
		  "</thead>\n<tbody>\n");
	for (size_t i = 0; i < p->n_views; i++) {
		const struct check_view *v = &p->views[i];

		if (v->n > MAX_ROWS)
			put_row(p, v, v->worst, 1);
		for (size_t row = 0; row < v->n && v->n <= MAX_ROWS; row++)
			put_row(p, v, row, v->n);
	}
	html_puts(p, "</tbody></table>\n");
	put_key(p);
	html_puts(p, "</section>\n");
}
