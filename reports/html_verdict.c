/*
 * The head of the page: the verdict as one sentence that names what matters most, where the numbers
 * come from, and how many of each. The sentence is composed from the results alone; a gate's word
 * (open, shut) appears only where a gate decided.
 */
#include "reports/html.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "reports/text.h"
#include "runner/base/buf.h"

#define DIGEST_SHOWN 6 /* bytes */

/* The check to name when only one can be: highest severity, then most room used, then first. */
static const struct check_view *worst_of(const struct page *p, enum outcome o)
{
	const struct check_view *worst = NULL;

	for (size_t i = 0; i < p->n_views; i++) {
		const struct check_view *v = &p->views[i];
		double room = v->series[v->worst].room;

		if (v->outcome != o)
			continue;
		if (worst == NULL || v->info->severity > worst->info->severity ||
		    (v->info->severity == worst->info->severity &&
		     room > worst->series[worst->worst].room))
			worst = v;
	}
	return worst;
}

static size_t n_checks(const struct page *p)
{
	return p->tally.n_checks + p->tally.n_missing;
}

static void put_failed(const struct page *p)
{
	const struct check_view *v = worst_of(p, OUTCOME_FAIL);
	const struct result *s = &v->series[v->worst];

	html_printf(p, "%zu of ", p->tally.n_fail);
	html_count(p, n_checks(p), "check");
	html_printf(p, " %s disproved%s", p->tally.n_fail == 1 ? "is" : "are",
		    p->tally.n_fail == 1 ? ": " : "; the gravest is ");
	html_series(p, s->check->name, s->series);
	html_puts(p, ": measured ");
	html_value(p, s);
	if (s->bound[0] != '\0') {
		html_puts(p, ", bound ");
		html_bound(p, s->bound);
	}
	html_puts(p, ".");
}

static void put_undecided(const struct page *p)
{
	const struct check_view *v = worst_of(p, OUTCOME_UNDECIDED);
	const struct result *s = &v->series[v->worst];

	html_printf(p, "%zu of ", p->tally.n_undecided);
	html_count(p, n_checks(p), "check");
	html_puts(p, " could not be measured: ");
	html_series(p, s->check->name, s->series);
	if (s->reason != NULL) {
		html_puts(p, ", ");
		html_text(p, s->reason);
	}
	html_puts(p, ". Unknown is not green.");
}

static void put_passed(const struct page *p)
{
	html_puts(p, n_checks(p) == 1 ? "The one check holds" : "All ");
	if (n_checks(p) != 1) {
		html_count(p, n_checks(p), "check");
		html_puts(p, " hold");
	}
	if (p->tally.n_warn > 0)
		html_printf(p, ", %zu with a warning", p->tally.n_warn);
	html_puts(p, ".");
}

static void put_unfinished(const struct page *p)
{
	html_printf(p, "%zu of ", p->tally.n_checks);
	html_count(p, n_checks(p), "check");
	html_printf(p, " %s a result; what was not measured is unknown.",
		    p->tally.n_checks == 1 ? "has" : "have");
}

/* The sentence after the word, from checks alone. */
static void put_reason(const struct page *p)
{
	if (p->tally.n_fail > 0)
		put_failed(p);
	else if (p->r->run.state != RUN_COMPLETE || p->tally.n_missing > 0)
		put_unfinished(p);
	else if (p->tally.n_undecided > 0)
		put_undecided(p);
	else if (p->n_views == 0)
		html_puts(p, "No check was measured.");
	else if (p->tally.n_skip > 0)
		html_printf(p, "%zu of %zu checks %s skipped.", p->tally.n_skip, n_checks(p),
			    p->tally.n_skip == 1 ? "was" : "were");
	else
		put_passed(p);
}

static const char *verdict_word(const struct page *p)
{
	if (p->decision != NULL)
		return html_decision_word(p->decision);
	if (p->tally.n_fail > 0)
		return "Failed";
	switch (p->r->run.state) {
	case RUN_INCOMPLETE:
		return "Incomplete";
	case RUN_INTERRUPTED:
		return "Interrupted";
	case RUN_COMPLETE:
		break;
	}
	if (p->tally.n_missing > 0)
		return "Incomplete";
	if (p->tally.n_undecided > 0 || p->n_views == 0)
		return "Undecided";
	return p->tally.n_skip > 0 ? "Skipped" : "Passed";
}

static const char *verdict_class(const struct page *p)
{
	if (p->decision != NULL)
		return p->decision->is_open && !decision_is_overridden(p->decision) ? "" : " bad";
	if (p->tally.n_fail > 0)
		return " bad";
	return strcmp(verdict_word(p), "Passed") == 0 ? "" : " wv";
}

static void put_override(const struct page *p, const struct override *o)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	override_put(&b, o);
	html_puts(p, ", ");
	html_text(p, b.data);
	buf_release(&b);
}

static void put_gate(const struct page *p)
{
	const struct decision *d = p->decision;
	size_t n_unmet = 0;

	for (size_t i = 0; i < d->n_lines; i++)
		n_unmet += decision_line_shuts(&d->lines[i]) ? 1 : 0;
	html_puts(p, "Gate ");
	html_code(p, d->gate);
	html_puts(p, d->is_open ? " lets " : " keeps out ");
	html_text(p, d->subject[0] != '\0' ? d->subject : "whatever is released");
	html_puts(p, d->is_open ? " through" : ": ");
	if (decision_is_overridden(d))
		put_override(p, d->override);
	html_puts(p, d->is_open ? ". " : "");
	if (n_unmet > 0) {
		html_count(p, n_unmet, "requirement");
		html_printf(p, " %s not met. ", n_unmet == 1 ? "is" : "are");
	}
	if (decision_waived(d) > 0) {
		html_count(p, decision_waived(d), "requirement");
		html_printf(p, " %s waived. ", decision_waived(d) == 1 ? "is" : "are");
	}
}

static void put_subject(const struct page *p)
{
	const struct run_info *run = &p->r->run;

	if (run->subject[0] == '\0' && run->commit[0] == '\0')
		return;
	html_puts(p, "<div><dt>Subject</dt><dd>");
	html_text(p, run->subject[0] != '\0' ? run->subject : "none given");
	if (run->commit[0] != '\0') {
		html_puts(p, ", definitions at <code>");
		text_markup_n(p->out, run->commit, strnlen(run->commit, 9));
		html_printf(p, "</code>%s", run->is_dirty ? " with changes" : "");
	}
	html_puts(p, "</dd></div>\n");
}

static void put_provenance(const struct page *p)
{
	const struct run_info *run = &p->r->run;
	struct buf b;

	html_puts(p, "<dl class=\"prov\">\n");
	put_subject(p);
	html_puts(p, "<div><dt>When</dt><dd>");
	html_when(p, run->begin_ms);
	if (run->end_ms >= 0) {
		html_puts(p, ", took ");
		html_duration(p, (run->end_ms - run->begin_ms) * 1000);
	}
	html_puts(p, "</dd></div>\n<div><dt>Where, who</dt><dd>");
	html_text(p, run->host);
	html_puts(p, ", as ");
	html_code(p, run->user);
	html_puts(p, "</dd></div>\n<div><dt>Definition</dt><dd>");
	html_code(p, run->definition_file);
	html_puts(p, " <code>");
	text_digest(p->out, run->definition_digest, DIGEST_SHOWN);
	html_puts(p, "</code></dd></div>\n");
	if (run->selection[0] != '\0') {
		html_puts(p, "<div><dt>Selected</dt><dd>");
		html_code(p, run->selection);
		html_puts(p, "</dd></div>\n");
	}
	html_printf(p, "<div><dt>Record</dt><dd>run %" PRId64, run->id);
	if (p->r->record_path != NULL) {
		html_puts(p, " of ");
		html_code(p, p->r->record_path);
	}
	html_puts(p, "</dd></div>\n<div><dt>Anchored</dt><dd>");
	buf_init(&b, BUF_UNBOUNDED);
	text_reach(&b, &p->r->reach);
	html_text(p, b.data);
	buf_release(&b);
	html_puts(p, "</dd></div>\n</dl>\n");
}

static void put_tally_item(const struct page *p, const char *class, size_t n, const char *words)
{
	if (n > 0)
		html_printf(p, "<li%s%s%s><b>%zu</b> %s</li>", class[0] != '\0' ? " class=\"" : "",
			    class, class[0] != '\0' ? "\"" : "", n, words);
}

static void put_tally(const struct page *p)
{
	const struct tally *n = &p->tally;

	html_puts(p, "<ul class=\"tally\" aria-label=\"Summary\">\n");
	html_printf(p, "<li><b>%zu</b> %s</li><li><b>%zu</b> pass</li>", n_checks(p),
		    n_checks(p) == 1 ? "check" : "checks", n->n_pass);
	put_tally_item(p, "wv", n->n_warn, "pass with a warning");
	put_tally_item(p, "bad", n->n_fail, "fail");
	put_tally_item(p, "wv", n->n_undecided, "undecided");
	put_tally_item(p, "", n->n_skip, "skipped");
	put_tally_item(p, "wv", n->n_missing, "without a result");
	html_puts(p, "\n</ul>\n");
}

void html_header(const struct page *p)
{
	html_puts(p, "<header>\n<p class=\"kicker\">Audit report · ");
	html_code(p, p->r->run.definition_file);
	html_printf(p, " · run %" PRId64 "</p>\n<h1><span class=\"vd%s\">%s.</span> ", p->r->run.id,
		    verdict_class(p), verdict_word(p));
	if (p->decision != NULL)
		put_gate(p);
	put_reason(p);
	html_puts(p, "</h1>\n");
	put_provenance(p);
	put_tally(p);
	html_puts(p, "</header>\n");
}
