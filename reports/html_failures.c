/*
 * What did not pass: each check with every fact somebody needs to believe it and to reproduce it.
 * The figure is drawn where there is enough past to show; it uses the scale of its own values and
 * bounds.
 */
#include "reports/html.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "reports/spark.h"
#include "reports/svg.h"
#include "reports/text.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/model/unit.h"

#define MAX_ARTICLES 200
#define MAX_SERIES   8	/* of one check */
#define MAX_LINES    20 /* of evidence of one series */
#define MIN_FIGURE   5	/* runs */

/* The axis' ends: the scale of the figure is over values and bounds alike. */
static void find_ends(const struct spark_point *points, size_t n, double *low, double *high)
{
	*low = INFINITY;
	*high = -INFINITY;
	for (size_t i = 0; i < n; i++) {
		if (points[i].has_y) {
			*low = fmin(*low, points[i].y);
			*high = fmax(*high, points[i].y);
		}
		if (points[i].has_limit) {
			*low = fmin(*low, points[i].limit);
			*high = fmax(*high, points[i].limit);
		}
	}
}

static const char *axis_text(const struct page *p, double v, const struct result *s)
{
	struct buf plain, markup;
	const char *text;

	buf_init(&plain, BUF_UNBOUNDED);
	buf_init(&markup, BUF_UNBOUNDED);
	unit_format(&plain, v, result_is_share(s) ? "%" : s->unit);
	text_markup_n(&markup, plain.data, plain.len);
	text = arena_strndup(p->a, markup.data, markup.len);
	buf_release(&plain);
	buf_release(&markup);
	return text;
}

static const char *day_text(const struct page *p, int64_t ms)
{
	struct buf b;
	const char *text;

	buf_init(&b, BUF_UNBOUNDED);
	text_day(&b, ms);
	text = arena_strndup(p->a, b.data, b.len);
	buf_release(&b);
	return text;
}

static const char *figure_title(const struct page *p, const struct point *trail, size_t n,
				const struct result *s)
{
	struct buf plain, markup;
	const char *text;

	buf_init(&plain, BUF_UNBOUNDED);
	buf_init(&markup, BUF_UNBOUNDED);
	text_series(&plain, s->check->name, s->series);
	(void)buf_puts(&plain, ", ");
	text_count(&plain, (int64_t)n, "run");
	(void)buf_puts(&plain, " from ");
	text_point(&plain, &trail[0], s);
	(void)buf_puts(&plain, " to ");
	text_value(&plain, s);
	text_markup_n(&markup, plain.data, plain.len);
	text = arena_strndup(p->a, markup.data, markup.len);
	buf_release(&plain);
	buf_release(&markup);
	return text;
}

static void put_figure(const struct page *p, size_t i)
{
	const struct result *s = &p->r->results[i];
	const struct point *trail;
	struct spark_point *points;
	size_t n_trail, n;
	double low, high;

	if (p->r->trails == NULL || p->r->n_trails[i] < MIN_FIGURE || s->outcome == OUTCOME_SKIP)
		return;
	trail = p->r->trails[i];
	n_trail = p->r->n_trails[i];
	points = spark_points(p->a, trail, n_trail, result_is_share(s), SVG_SPARK_POINTS, &n);
	find_ends(points, n, &low, &high);
	if (!isfinite(low) || !isfinite(high))
		return;
	html_puts(p, "<figure>");
	svg_figure(p->out, points, n, s->outcome,
		   &(struct figure_labels){
			   .title = figure_title(p, trail, n_trail, s),
			   .low = axis_text(p, low, s),
			   .high = axis_text(p, high, s),
			   .bound = "bound",
			   .from = day_text(p, trail[0].measured_ms),
			   .to = day_text(p, trail[n_trail - 1].measured_ms),
		   });
	html_puts(p, "</figure>\n");
}

/* One sentence: what was measured, of how many, against which bound. */
static void put_lead(const struct page *p, const struct result *s)
{
	html_puts(p, "<p class=\"lead\">");
	if (s->series[0] != '\0') {
		html_code(p, s->series);
		html_puts(p, " ");
	}
	if (s->value.type == VALUE_NONE) {
		html_puts(p, s->outcome == OUTCOME_SKIP ? "Not run: " : "No measurement: ");
		html_text(p, s->reason != NULL ? s->reason : "no reason was recorded");
		html_puts(p, ".");
	} else {
		html_printf(p, "<b class=\"%s\">", html_class(s->outcome));
		html_value(p, s);
		html_puts(p, "</b>");
		if (s->n >= 0 || s->n_total >= 0) {
			html_puts(p, ", ");
			html_sample(p, s);
		}
		html_puts(p, ".");
	}
	if (s->bound[0] != '\0') {
		html_puts(p, " The bound is ");
		html_bound(p, s->bound);
		html_puts(p, ".");
	}
	if (s->value.type != VALUE_NONE && result_has_remark(s)) {
		html_puts(p, s->outcome == OUTCOME_WARN ? " Warned: " : " Why: ");
		html_told(p, s->reason);
		html_puts(p, ".");
	}
	html_puts(p, "</p>\n");
}

static void put_past(const struct page *p, size_t i)
{
	const struct point *before = trail_previous(p->r, i);
	struct stretch s;

	if (before == NULL)
		return;
	html_puts(p, "<p class=\"past\">Before: ");
	html_point(p, before, &p->r->results[i]);
	html_printf(p, " in run %" PRId64 ", ", before->run_id);
	html_minute(p, before->measured_ms);
	html_puts(p, " UTC.");
	s = stretch(p->r->trails[i], p->r->n_trails[i]);
	if (s.n_runs > 1) {
		html_printf(p, " %s %s for %zu runs, %s run %" PRId64 ", ",
			    s.n_runs == p->r->n_trails[i] ? "Has been" : "It has been",
			    outcome_word(p->r->results[i].outcome), s.n_runs,
			    s.before != NULL ? "since" : "at least since", s.first->run_id);
		html_minute(p, s.first->measured_ms);
		html_puts(p, " UTC.");
	}
	html_puts(p, "</p>\n");
}

static void put_evidence(const struct page *p, const struct result *s)
{
	const char *rest = s->evidence, *line;
	size_t n, printed = 0, left = 0;

	if (rest == NULL || *rest == '\0')
		return;
	html_puts(p, "<ul class=\"ev\" aria-label=\"Evidence\">\n");
	while (printed < MAX_LINES && text_line(&rest, &line, &n)) {
		html_puts(p, "<li><code>");
		text_markup_n(p->out, line, n);
		html_puts(p, "</code></li>\n");
		printed++;
	}
	while (text_line(&rest, &line, &n))
		left++;
	if (left > 0)
		html_printf(p, "<li>and %zu more in the record</li>\n", left);
	html_puts(p, "</ul>\n");
}

static void put_heading(const struct page *p, const struct check_view *v)
{
	html_printf(p, "<h3><span class=\"%s\">", html_class(v->outcome));
	html_state(p, v->outcome);
	html_printf(p, " · severity %" PRId64 "</span> ", v->info->severity);
	html_code(p, v->info->name);
	if (v->info->title != NULL) {
		html_puts(p, " <span class=\"ti\">");
		html_text(p, v->info->title);
		html_puts(p, "</span>");
	}
	html_puts(p, "</h3>\n");
	if (v->info->why != NULL) {
		html_puts(p, "<p class=\"why\">Why it is checked: ");
		html_text(p, v->info->why);
		html_puts(p, "</p>\n");
	}
}

/* About the same subject: about another one it would be no evidence of this. */
static const char *run_again(const struct page *p, const char *check)
{
	const char *subject = p->r->run.subject;

	return arena_printf(p->a, "assize run %s%s%s", str_as_word(p->a, check),
			    subject[0] != '\0' ? " --subject " : "",
			    subject[0] != '\0' ? str_as_word(p->a, subject) : "");
}

/* What was asked, of every series; where it is written and what to type, once. */
static void put_how(const struct page *p, const struct check_view *v, const struct result *s,
		    bool is_last)
{
	if (s->query == NULL && !is_last)
		return;
	html_puts(p, "<ul class=\"how\">\n");
	if (s->query != NULL)
		html_command(p, "Asked", s->query);
	if (!is_last) {
		html_puts(p, "</ul>\n");
		return;
	}
	html_puts(p, "<li><span>Written at</span> <div>");
	html_position(p, s);
	if (v->info->owner != NULL) {
		html_puts(p, ", owner ");
		html_text(p, v->info->owner);
	}
	html_puts(p, "</div></li>\n");
	html_command(p, "Everything recorded",
		     html_pasted(p, arena_printf(p->a, "assize explain %" PRId64 " %s",
						 p->r->run.id, str_as_word(p->a, v->info->name))));
	html_command(p, "Same check now", html_pasted(p, run_again(p, v->info->name)));
	html_puts(p, "</ul>\n");
}

/* Words on the left, evidence and figure on the right; the last series carries what to do next. */
static void put_series(const struct page *p, const struct check_view *v, size_t i, bool is_last)
{
	const struct result *s = &p->r->results[i];

	html_puts(p, "<div class=\"se1\">\n<div>");
	put_lead(p, s);
	put_past(p, i);
	put_how(p, v, s, is_last);
	html_puts(p, "</div>\n<div>");
	put_evidence(p, s);
	put_figure(p, i);
	html_puts(p, "</div>\n</div>\n");
}

static size_t n_shown_series(const struct check_view *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		n += v->series[i].outcome != OUTCOME_PASS ? 1 : 0;
	return n < MAX_SERIES ? n : MAX_SERIES;
}

static void put_article(const struct page *p, const struct check_view *v)
{
	size_t n = n_shown_series(v), shown = 0, left = 0;

	html_printf(p, "<article id=\"c%zu\" class=\"fail\">\n", v->first + 1);
	put_heading(p, v);
	for (size_t i = 0; i < v->n; i++) {
		if (v->series[i].outcome == OUTCOME_PASS)
			continue;
		if (++shown <= MAX_SERIES)
			put_series(p, v, v->first + i, shown == n);
		else
			left++;
	}
	if (left > 0)
		html_printf(p, "<p class=\"past\">And %zu more series that did not pass.</p>\n",
			    left);
	html_puts(p, "</article>\n");
}

/* Order of the articles; PASS has none. */
static int rank(enum outcome o)
{
	switch (o) {
	case OUTCOME_FAIL:
		return 0;
	case OUTCOME_UNDECIDED:
		return 1;
	case OUTCOME_WARN:
		return 2;
	case OUTCOME_SKIP:
		return 3;
	case OUTCOME_PASS:
		return 4;
	}
	return 1;
}

/* What is disproved first, then by severity, then as defined. */
static int compare(const void *a, const void *b)
{
	const struct check_view *const *x = a, *const *y = b;
	int by_rank = rank((*x)->outcome) - rank((*y)->outcome);

	if (by_rank != 0)
		return by_rank;
	if ((*x)->info->severity != (*y)->info->severity)
		return (*x)->info->severity > (*y)->info->severity ? -1 : 1;
	return (*x)->first < (*y)->first ? -1 : 1;
}

void html_failures(const struct page *p)
{
	const struct check_view **order = arena_array(p->a, p->n_views, sizeof(*order));
	size_t n = 0;

	for (size_t i = 0; i < p->n_views; i++)
		if (p->views[i].outcome != OUTCOME_PASS)
			order[n++] = &p->views[i];
	if (n == 0)
		return;
	qsort(order, n, sizeof(order[0]), compare);
	html_printf(p, "<section id=\"fails\">\n<h2>%s</h2>\n",
		    p->tally.n_fail > 0 ? "What failed, and the evidence"
					: "What did not plainly pass, and why");
	for (size_t i = 0; i < n && i < MAX_ARTICLES; i++)
		put_article(p, order[i]);
	if (n > MAX_ARTICLES)
		html_printf(p,
			    "<p class=\"past\">And %zu more; the table above has them all.</p>\n",
			    n - MAX_ARTICLES);
	html_puts(p, "</section>\n");
}
