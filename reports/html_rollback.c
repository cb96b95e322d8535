/*
 * The releases one could go back to: what was proven about each tag, how long a restore takes, and
 * for those that were not proven the finding and the exact command that fixes it. And the gate's
 * requirements.
 */
#include "reports/html.h"

#include <inttypes.h>
#include <string.h>

#include "reports/svg.h"
#include "reports/text.h"
#include "runner/base/buf.h"
#include "runner/model/unit.h"

static void put_number(const struct page *p, int64_t n, const char *unit)
{
	struct buf b;

	html_puts(p, "<td class=\"num\">");
	if (n >= 0) {
		buf_init(&b, BUF_UNBOUNDED);
		unit_format(&b, (double)n, unit);
		html_text(p, b.data);
		buf_release(&b);
	}
	html_puts(p, "</td>");
}

/* The restoration's own words; a check has other ones. */
static const char *proof_word(enum outcome o)
{
	switch (o) {
	case OUTCOME_PASS:
	case OUTCOME_WARN:
		return "proven";
	case OUTCOME_FAIL:
		return "FAILED";
	case OUTCOME_UNDECIDED:
	case OUTCOME_SKIP:
		return "unproven";
	}
	return "unproven";
}

static void put_steps(const struct page *p, const struct restoration *t)
{
	html_puts(p, "<td class=\"steps\">");
	for (size_t i = 0; i < t->n_steps; i++) {
		const struct restoration_step *s = &t->steps[i];

		html_printf(p, "<span class=\"%s\">", html_class(s->outcome));
		svg_mark(p->out, s->outcome);
		html_text(p, s->name);
		if (s->outcome != OUTCOME_PASS)
			html_printf(p, "<span class=\"vh\"> %s</span>", outcome_name(s->outcome));
		html_puts(p, "</span> ");
	}
	html_puts(p, "</td>");
}

static void put_tag(const struct page *p, const struct restoration *t)
{
	const char *class = html_class(t->outcome);
	bool is_restored = t->restore_us >= 0; /* else nothing is known about the copy */

	html_printf(p, "<tr class=\"%s\"><td class=\"st\">", class);
	svg_mark(p->out, t->outcome);
	html_printf(p, " %s</td><th scope=\"row\">", proof_word(t->outcome));
	html_code(p, t->tag);
	html_puts(p, "</th><td>");
	if (t->commit != NULL) {
		html_puts(p, "<code>");
		text_markup_n(p->out, t->commit, strnlen(t->commit, 9));
		html_puts(p, "</code>");
	}
	html_puts(p, "</td>");
	put_steps(p, t);
	put_number(p, is_restored || t->n_objects > 0 ? t->n_objects : -1, "");
	put_number(p, is_restored ? t->n_files : -1, "");
	put_number(p, is_restored ? t->n_bytes : -1, "B");
	html_puts(p, "<td class=\"num v\">");
	if (t->restore_us >= 0)
		html_duration(p, t->restore_us);
	html_puts(p, "</td></tr>\n");
}

static bool has_words(const struct restoration_step *s)
{
	return s->note != NULL || (s->outcome != OUTCOME_PASS && s->finding != NULL);
}

static void put_note(const struct page *p, const char *note)
{
	while (*note) {
		size_t n = strcspn(note, "\n");

		html_puts(p, "<br><span class=\"note\">");
		text_markup_n(p->out, note, n);
		html_puts(p, "</span>");
		note += n + (note[n] == '\n');
	}
}

static void put_findings(const struct page *p, const struct restoration *t)
{
	for (size_t i = 0; i < t->n_steps; i++) {
		const struct restoration_step *s = &t->steps[i];

		if (!has_words(s))
			continue;
		html_printf(p, "<li><b class=\"%s\">", html_class(s->outcome));
		html_text(p, t->tag);
		html_puts(p, "</b> ");
		html_text(p, s->name);
		html_puts(p, ": ");
		html_text(p, s->outcome != OUTCOME_PASS && s->finding != NULL
				     ? s->finding
				     : outcome_name(s->outcome));
		if (s->remedy != NULL) {
			html_puts(p, "<br><span class=\"fix\">To do:</span> ");
			html_code(p, s->remedy);
		}
		if (s->note != NULL)
			put_note(p, s->note);
		html_puts(p, "</li>\n");
	}
}

static void put_all_findings(const struct page *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->r->n_restorations; i++)
		for (size_t k = 0; k < p->r->restorations[i].n_steps; k++)
			n += has_words(&p->r->restorations[i].steps[k]) ? 1 : 0;
	if (n == 0)
		return;
	html_puts(p, "<ul class=\"chg find\">\n");
	for (size_t i = 0; i < p->r->n_restorations; i++)
		put_findings(p, &p->r->restorations[i]);
	html_puts(p, "</ul>\n");
}

void html_rollback(const struct page *p)
{
	const struct report *r = p->r;

	if (r->n_restorations == 0)
		return;
	html_puts(p, "<section id=\"rollback\">\n<h2>Rollback</h2>\n<table class=\"rb\">"
		     "<caption class=\"vh\">Releases and what was proven about restoring each"
		     "</caption><thead><tr><th scope=\"col\">restore</th>"
		     "<th scope=\"col\">tag</th><th scope=\"col\">commit</th>"
		     "<th scope=\"col\">steps</th><th scope=\"col\" class=\"num\">objects</th>"
		     "<th scope=\"col\" class=\"num\">files</th>"
		     "<th scope=\"col\" class=\"num\">size</th>"
		     "<th scope=\"col\" class=\"num\">restored in</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < r->n_restorations; i++)
		put_tag(p, &r->restorations[i]);
	html_puts(p, "</tbody></table>\n");
	put_all_findings(p);
	html_puts(p, "</section>\n");
}
