/*
 * A summary for people, in GitHub Flavored Markdown (0.29): step summaries, merge requests, chat.
 *
 * The verdict first, then what did not pass with its evidence, then a table of everything, folded.
 * Foreign text is never Markdown: a name is a code span when it holds nothing that could end one,
 * else <code> with every punctuation mark as an entity (in a table nothing else keeps '|' from
 * being the end of a cell: neither a code span nor a backslash that itself follows one); evidence
 * is text inside <pre>, where only '<' and '&' mean anything. No blank line and no newline of the
 * world's gets through (text.h), so nothing foreign begins a line.
 *
 * GitHub refuses a summary of 1 MiB; this one stays below 900 KiB and says what it left out.
 */
#include "reports/report.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "reports/cases.h"
#include "reports/text.h"
#include "reports/view.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/utf8.h"

/* Buffers here are unbounded and never refuse, hence the (void) before every append. */

#define MAX_BYTES   ((size_t)900 * 1024)
#define MAX_DETAILS ((size_t)16 * 1024) /* of one case */
#define MAX_NAME    ((size_t)2 * 1024)
#define TABLE_SHARE (MAX_BYTES / 2) /* what the failures may take; the rest is the table's */

/* s is visible text. */
static void put_code(struct buf *out, const char *s)
{
	size_t n = utf8_fit(s, strlen(s), MAX_NAME);
	bool is_plain = n > 0 && s[0] != ' ' && s[n - 1] != ' ' && strcspn(s, "`|") >= n;

	if (is_plain) {
		(void)buf_putc(out, '`');
		(void)buf_add(out, s, n);
		(void)buf_putc(out, '`');
	} else {
		(void)buf_puts(out, "<code>");
		for (size_t i = 0; i < n; i++) {
			unsigned char c = (unsigned char)s[i];

			if (c < 0x80 && ispunct(c))
				(void)buf_printf(out, "&#%u;", (unsigned)c);
			else
				(void)buf_putc(out, s[i]);
		}
		(void)buf_puts(out, "</code>");
	}
	if (s[n] != '\0')
		(void)buf_puts(out, " ...");
}

static void put_foreign(struct buf *out, const char *s)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_put(&b, s);
	put_code(out, b.data);
	buf_release(&b);
}

static void put_reach(struct buf *out, const struct ledger_reach *x)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_reach(&b, x);
	if (x->place != NULL)
		put_code(out, b.data);
	else
		(void)buf_puts(out, b.data);
	buf_release(&b);
}

static void put_verdict(struct arena *a, struct buf *out, const struct report *r)
{
	const struct decision *d = report_decision(r);
	const char *problem = report_problem(a, r);
	size_t n_views;
	struct check_view *views = check_views(a, r->results, r->n_results, &n_views);
	const struct tally n = tally(views, n_views, r->run.n_planned);
	const struct {
		size_t n;
		const char *word;
	} parts[] = {{n.n_fail, "fail"}, {n.n_undecided, "undecided"},
		     {n.n_skip, "skip"}, {n.n_warn, "warn"},
		     {n.n_pass, "pass"}, {n.n_missing, "without a result"}};

	(void)buf_puts(out, "## assize: ");
	if (d != NULL) {
		(void)buf_puts(out, decision_is_overridden(d) ? "OVERRIDDEN, gate "
				    : d->is_open	      ? "OPEN, gate "
							      : "SHUT, gate ");
		put_foreign(out, d->gate);
		(void)buf_puts(out, " for ");
		put_foreign(out, d->subject[0] != '\0' ? d->subject : "no subject");
	} else if (problem != NULL) {
		(void)buf_puts(out, "undecided");
	} else {
		(void)buf_puts(out, outcome_word(r->run.outcome));
	}
	(void)buf_puts(out, "\n\n");
	if (problem != NULL) {
		(void)buf_puts(out, report_rests_on_others(r) ? "**This run proves nothing:** "
							      : "**Nothing is proven:** ");
		put_foreign(out, problem);
		(void)buf_puts(out, "\n\n");
	}
	text_count(out, (int64_t)n.n_checks, "check");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].n > 0)
			(void)buf_printf(out, ", %zu %s", parts[i].n, parts[i].word);
	(void)buf_printf(out, ". Run %" PRId64 ", ", r->run.id);
	text_when(out, r->run.begin_ms);
	(void)buf_puts(out, ", subject ");
	put_foreign(out, r->run.subject[0] != '\0' ? r->run.subject : "none");
	(void)buf_puts(out, ", definition ");
	put_foreign(out, r->run.definition_file);
	(void)buf_puts(out, " ");
	text_digest(out, r->run.definition_digest, 4);
	if (report_decided_otherwise(r) != NULL) {
		(void)buf_puts(out, ", decided under ");
		text_digest(out, report_decided_otherwise(r)->definition_digest, 4);
	}
	if (d == NULL && r->run.state == RUN_INCOMPLETE)
		(void)buf_puts(out, ", no exit status. Anchored: ");
	else
		(void)buf_printf(out, ", exit status %d. Anchored: ", report_exit_status(r));
	put_reach(out, &r->reach);
	(void)buf_puts(out, ".\n\n");
}

/* A block of HTML that ends where it says, whatever is in it. */
static void put_details(struct buf *out, const struct report_case *c)
{
	size_t n = utf8_fit(c->details, strlen(c->details), MAX_DETAILS);
	const char *text = c->details, *line;
	size_t len, used = 0;

	if (text[0] == '\0')
		return;
	(void)buf_puts(out, "<pre>");
	while (used < n && text_line(&text, &line, &len)) {
		size_t kept = len < n - used ? len : n - used;

		text_markup_n(out, line, kept);
		(void)buf_putc(out, '\n');
		used += len + 1;
	}
	(void)buf_puts(out, c->details[n] != '\0' ? "...\n</pre>\n\n" : "</pre>\n\n");
}

static void put_case(struct buf *out, const struct report_case *c)
{
	(void)buf_printf(out, "### %s ", case_word(c));
	put_code(out, c->name);
	(void)buf_puts(out, "\n\n");
	if (c->title != NULL) {
		put_code(out, c->title);
		(void)buf_puts(out, "  \n");
	}
	put_code(out, c->message);
	if (c->file[0] != '\0') {
		(void)buf_puts(out, "  \nat ");
		put_foreign(out, c->file);
		if (c->line > 0)
			(void)buf_printf(out, " line %" PRId64, c->line);
	}
	(void)buf_puts(out, "\n\n");
	put_details(out, c);
}

static void put_failures(struct buf *out, struct report_case *const *ranked, size_t n)
{
	size_t n_left_out = 0;

	for (size_t i = 0; i < n; i++) {
		if (!ranked[i]->is_failure && !ranked[i]->is_let_through)
			continue;
		if (out->len < TABLE_SHARE)
			put_case(out, ranked[i]);
		else
			n_left_out++;
	}
	if (n_left_out > 0)
		(void)buf_printf(out, "**%zu more that did not pass are left out here.**\n\n",
				 n_left_out);
}

static void put_warnings(struct buf *out, const struct report *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_restorations; i++) {
		const struct restoration *x = &r->restorations[i];

		for (size_t k = 0; k < x->n_steps && out->len < TABLE_SHARE; k++) {
			const struct restoration_step *s = &x->steps[k];

			if (!restoration_step_warns(x, s))
				continue;
			(void)buf_puts(out, n++ == 0 ? "### Warnings about releases that are "
						       "proven\n\n- "
						     : "- ");
			put_foreign(out, x->tag);
			(void)buf_printf(out, " %s: ", s->name);
			put_foreign(out, s->finding);
			if (s->remedy != NULL) {
				(void)buf_puts(out, "  \n  to do: ");
				put_foreign(out, s->remedy);
			}
			(void)buf_putc(out, '\n');
		}
	}
	if (n > 0)
		(void)buf_putc(out, '\n');
}

static void put_row(struct buf *out, const struct report_case *c)
{
	(void)buf_printf(out, "| %s | ", case_word(c));
	put_code(out, c->name);
	(void)buf_puts(out, " | ");
	put_code(out, c->message);
	(void)buf_puts(out, " |\n");
}

static void put_table(struct buf *out, struct report_case *const *ranked, size_t n)
{
	size_t n_put = 0;

	(void)buf_printf(out,
			 "<details><summary>All %zu cases</summary>\n\n"
			 "| outcome | case | found |\n| --- | --- | --- |\n",
			 n);
	while (n_put < n && out->len < MAX_BYTES - 32 * MAX_NAME)
		put_row(out, ranked[n_put++]);
	(void)buf_putc(out, '\n');
	if (n_put < n)
		(void)buf_printf(out, "%zu more are left out here.\n\n", n - n_put);
	(void)buf_puts(out, "</details>\n");
}

void report_markdown_verdict(struct buf *out, const struct report *r)
{
	struct arena *a = arena_new();

	put_verdict(a, out, r);
	arena_free(a);
}

void report_markdown(struct buf *out, const struct report *r)
{
	struct arena *a = arena_new();
	size_t n;
	struct report_case *cases = report_cases(a, r, &n);
	struct report_case **ranked = report_cases_ranked(a, cases, n);

	put_verdict(a, out, r);
	put_failures(out, ranked, n);
	put_warnings(out, r);
	put_table(out, ranked, n);
	arena_free(a);
}
