/*
 * What the gate asked for and what the record had about it, in the decision's own words: the page
 * neither judges again nor leaves a line out.
 */
#include "reports/html.h"

#include <inttypes.h>

#include "runner/base/buf.h"

static void put_waived(const struct page *p, const struct waived *w)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	waived_put(&b, w);
	html_puts(p, "<br>");
	html_text(p, b.data);
	buf_release(&b);
}

/* What is let through has a word and a mark of its own: neither those of a pass nor of a stop. */
static void put_state(const struct page *p, const struct decision_line *l)
{
	if (l->waived == NULL) {
		html_state(p, l->outcome);
		return;
	}
	html_state_word(p, OUTCOME_WARN, decision_line_state(l));
}

static void put_decision_line(const struct page *p, const struct decision_line *l)
{
	html_printf(p, "<tr class=\"%s\"><td class=\"st\">",
		    html_class(l->waived != NULL ? OUTCOME_WARN : l->outcome));
	put_state(p, l);
	html_puts(p, "</td><th scope=\"row\">");
	if (l->check[0] != '\0')
		html_series(p, l->check, l->series);
	else
		html_puts(p, "the gate itself");
	html_printf(p, "%s</th><td>", l->is_hard ? "" : " <span class=\"soft\">advice</span>");
	html_told(p, l->text);
	if (l->waived != NULL)
		put_waived(p, l->waived);
	if (l->remedy != NULL) {
		html_puts(p, "<br><span class=\"fix\">To do:</span> ");
		html_code(p, html_pasted(p, l->remedy));
	}
	html_puts(p, "</td><td class=\"num\">");
	if (l->measured_ms >= 0) {
		html_printf(p, "run %" PRId64 ", ", l->run_id);
		html_minute(p, l->measured_ms);
	}
	html_puts(p, "</td></tr>\n");
}

void html_gate(const struct page *p)
{
	const struct decision *d = p->decision;

	if (d == NULL || d->n_lines == 0)
		return;
	html_puts(p, "<section id=\"gate\">\n<h2>What gate <span class=\"nm\">");
	html_text(p, d->gate);
	html_puts(p, "</span> asked for</h2>\n<p class=\"intro\">Decided ");
	html_when(p, d->at_ms);
	if (d->oldest_ms >= 0) {
		html_puts(p, " on evidence at most ");
		html_duration(p, (d->at_ms - d->oldest_ms) * 1000);
		html_puts(p, " old");
	}
	html_puts(p,
		  ". Only a fresh, recorded pass meets a requirement.</p>\n"
		  "<table class=\"rb gt\"><caption class=\"vh\">Requirements of the gate</caption>"
		  "<thead><tr><th scope=\"col\">state</th><th scope=\"col\">requirement</th>"
		  "<th scope=\"col\">evidence</th>"
		  "<th scope=\"col\" class=\"num\">measured, UTC</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < d->n_lines; i++)
		put_decision_line(p, &d->lines[i]);
	html_puts(p, "</tbody></table>\n</section>\n");
}
