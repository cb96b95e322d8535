/*
 * Values that were measured several times in the run, and that somebody expects something of: how
 * their repetitions lie, beside those of the runs before. Whatever came of it, for a pass is only
 * believed when one sees what passed.
 */
#include "reports/html.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "reports/svg_distribution.h"
#include "reports/text.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/model/unit.h"
#include "runner/stats/summary.h"

#define MAX_FIGURES 60
#define MAX_LINES   4 /* of evidence: the comparison and the spread stand first */

static const char *markup(const struct page *p, struct buf *plain)
{
	struct buf b;
	const char *text;

	buf_init(&b, BUF_UNBOUNDED);
	text_markup_n(&b, plain->data, plain->len);
	text = arena_strndup(p->a, b.data, b.len);
	buf_release(&b);
	buf_release(plain);
	return text;
}

static const char *number(const struct page *p, double v, const char *unit)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	unit_format(&b, v, unit);
	return markup(p, &b);
}

static const char *title(const struct page *p, const struct result *s, const struct distribution *d,
			 bool is_elsewhere)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_series(&b, s->check->name, s->series);
	(void)buf_puts(&b, ", ");
	text_count(&b, (int64_t)d->n, "repetition");
	(void)buf_puts(&b, " around ");
	text_value(&b, s);
	if (d->n_before > 0) {
		(void)buf_puts(&b, ", beside ");
		text_count(&b, (int64_t)d->n_before, "run");
		(void)buf_puts(&b, is_elsewhere ? " on other hosts" : " before");
	}
	return markup(p, &b);
}

static const char *beyond(const struct page *p, const struct result *s,
			  const struct distribution *d)
{
	struct buf b;

	if (d->n_beyond == 0)
		return NULL;
	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_printf(&b, "%zu further right, up to ", d->n_beyond);
	unit_format(&b, d->values[d->n - 1], s->unit);
	return markup(p, &b);
}

static void put_figure(const struct page *p, size_t i)
{
	const struct result *s = &p->r->results[i];
	const struct earlier_samples *before = &p->r->before[i];
	double *sorted = arena_array(p->a, s->n_samples, sizeof(*sorted));
	struct distribution d = {
		.values = sorted,
		.n = s->n_samples,
		.before = before->runs,
		.n_before = before->n,
		.has_limit = s->has_limit && isfinite(s->limit),
		.limit = s->limit,
	};

	memcpy(sorted, s->samples, s->n_samples * sizeof(*sorted));
	stats_sort(sorted, s->n_samples);
	if (!distribution_fit(&d))
		return;
	html_puts(p, "<figure>");
	svg_distribution(p->out, &d, s->outcome,
			 &(struct distribution_labels){
				 .title = title(p, s, &d, before->is_elsewhere),
				 .low = number(p, d.low, s->unit),
				 .high = number(p, d.high, s->unit),
				 .limit = "limit",
				 .before = before->is_elsewhere ? "other hosts" : "runs before",
				 .now = "this run",
				 .beyond = beyond(p, s, &d),
			 });
	html_puts(p, "</figure>\n");
}

/* What the comparison came to, and how the repetitions lie. */
static void put_lines(const struct page *p, const struct result *s)
{
	const char *rest = s->evidence, *line;
	size_t n, printed = 0;

	if (result_has_remark(s)) {
		html_puts(p, "<p class=\"past\">");
		html_told(p, s->reason);
		html_puts(p, ".</p>\n");
	}
	while (rest != NULL && printed < MAX_LINES && text_line(&rest, &line, &n)) {
		html_puts(p, "<p class=\"past\">");
		text_markup_n(p->out, line, n);
		html_puts(p, ".</p>\n");
		printed++;
	}
}

static void put_series(const struct page *p, size_t i)
{
	const struct result *s = &p->r->results[i];

	html_puts(p, "<article class=\"fail\">\n<h3>");
	html_printf(p, "<span class=\"%s\">", html_class(s->outcome));
	html_state(p, s->outcome);
	html_puts(p, "</span> ");
	html_series(p, s->check->name, s->series);
	if (s->check->title != NULL) {
		html_puts(p, " <span class=\"ti\">");
		html_text(p, s->check->title);
		html_puts(p, "</span>");
	}
	html_printf(p, "</h3>\n<div class=\"se1\">\n<div>\n<p class=\"lead\"><b class=\"%s\">",
		    html_class(s->outcome));
	html_value(p, s);
	html_puts(p, "</b>. The bound is ");
	html_bound(p, s->bound);
	html_puts(p, ".</p>\n");
	put_lines(p, s);
	html_puts(p, "</div>\n<div>");
	put_figure(p, i);
	html_puts(p, "</div>\n</div>\n</article>\n");
}

static bool is_shown(const struct page *p, size_t i)
{
	const struct result *s = &p->r->results[i];

	return s->n_samples > 0 && s->bound[0] != '\0' && s->value.type != VALUE_NONE;
}

void html_benchmarks(const struct page *p)
{
	size_t n = 0;

	for (size_t i = 0; p->r->before != NULL && i < p->r->n_results; i++) {
		if (!is_shown(p, i))
			continue;
		if (n == 0)
			html_puts(
				p,
				"<section id=\"benchmarks\">\n<h2>Benchmarks, repetition by "
				"repetition</h2>\n<p class=\"intro\">A row a run, oldest on top: a "
				"line over the middle 80 % of its repetitions, a tick at their "
				"median. Below it this run, a dot a repetition.</p>\n");
		if (n++ < MAX_FIGURES)
			put_series(p, i);
	}
	if (n > MAX_FIGURES)
		html_printf(p,
			    "<p class=\"past\">And %zu more; the table above has them all.</p>\n",
			    n - MAX_FIGURES);
	if (n > 0)
		html_puts(p, "</section>\n");
}
