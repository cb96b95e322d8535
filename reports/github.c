/*
 * Annotations of GitHub Actions: workflow commands on lines of their own (workflow-commands in
 * GitHub's documentation). '%', CR and LF of a message and ':' and ',' of a property are escaped as
 * the runner undoes it; properties stand in the order @actions/core writes them.
 *
 * A step shows ten annotations of a level and drops the rest without a word, so the last of ten
 * says how many there are beyond. What the run and the gates have to say comes first. What the gate
 * the report is about does not mind (ruling.h) is a notice.
 */
#include "reports/report.h"

#include <inttypes.h>
#include <string.h>

#include "reports/cases.h"
#include "reports/text.h"
#include "reports/view.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/utf8.h"

/* Buffers here are unbounded and never refuse, hence the (void) before every append. */

#define MAX_ANNOTATIONS 10 /* of one level, in one step */
#define MAX_TITLE	200
#define MAX_MESSAGE	4000

/* Visible text, escaped; at most max bytes of it. */
static void put_escaped(struct buf *out, const char *s, bool is_property, size_t max)
{
	size_t n = strlen(s), kept = utf8_fit(s, n, max);

	for (size_t i = 0; i < kept; i++) {
		bool is_special = s[i] == '%' || s[i] == '\r' || s[i] == '\n' ||
				  (is_property && (s[i] == ':' || s[i] == ','));

		if (is_special)
			(void)buf_printf(out, "%%%02X", (unsigned)(unsigned char)s[i]);
		else
			(void)buf_putc(out, s[i]);
	}
	if (kept < n)
		(void)buf_puts(out, " ...");
}

static void put_property(struct buf *out, const char *name, const char *s, size_t max)
{
	(void)buf_printf(out, "%s=", name);
	put_escaped(out, s, true, max);
}

static const char *title_of(struct arena *a, const struct report_case *c)
{
	switch (c->kind) {
	case CASE_GATE:
		return !c->decision->is_open		  ? "gate shut"
		       : c->is_let_through		  ? "gate overridden"
		       : decision_waived(c->decision) > 0 ? "gate open with waivers"
							  : "gate open with warnings";
	case CASE_RUN:
		return "nothing proven";
	case CASE_SERIES:
		return arena_printf(a, "%s %s", case_word(c), c->name);
	}
	return c->name;
}

static void put_annotation(struct arena *a, struct buf *out, const char *level,
			   const struct report_case *c)
{
	struct buf file;

	(void)buf_printf(out, "::%s ", level);
	put_property(out, "title", title_of(a, c), MAX_TITLE);
	if (c->file[0] != '\0') {
		buf_init(&file, BUF_UNBOUNDED);
		text_put(&file, c->file);
		(void)buf_putc(out, ',');
		put_property(out, "file", file.data, MAX_MESSAGE);
		buf_release(&file);
		if (c->line > 0)
			(void)buf_printf(out, ",line=%" PRId64, c->line);
		if (c->line > 0 && c->col > 0)
			(void)buf_printf(out, ",col=%" PRId64, c->col);
	}
	(void)buf_puts(out, "::");
	put_escaped(out, c->message, false, MAX_MESSAGE);
	if (c->details[0] != '\0') {
		(void)buf_puts(out, "%0A");
		put_escaped(out, arena_strndup(a, c->details, strlen(c->details) - 1), false,
			    MAX_MESSAGE);
	}
	(void)buf_putc(out, '\n');
}

enum level { LEVEL_NONE, LEVEL_NOTICE, LEVEL_WARNING, LEVEL_ERROR };

static const char *const level_names[] = {"", "notice", "warning", "error"};

static enum level level_of(const struct report_case *c)
{
	if (c->is_failure)
		return LEVEL_ERROR;
	if (c->is_aside)
		return LEVEL_NOTICE;
	return c->is_let_through || c->outcome == OUTCOME_WARN ? LEVEL_WARNING : LEVEL_NONE;
}

static void put_level(struct arena *a, struct buf *out, struct report_case *const *ranked, size_t n,
		      enum level level, size_t max)
{
	size_t n_level = 0, n_put = 0, n_shown;

	for (size_t i = 0; i < n; i++)
		n_level += level_of(ranked[i]) == level;
	n_shown = n_level > max ? max - 1 : n_level;
	for (size_t i = 0; i < n && n_put < n_shown; i++) {
		if (level_of(ranked[i]) != level)
			continue;
		put_annotation(a, out, level_names[level], ranked[i]);
		n_put++;
	}
	if (n_level > n_shown)
		(void)buf_printf(out, "::%s title=and %zu more::%zu more %ss are in the report\n",
				 level_names[level], n_level - n_shown, n_level - n_shown,
				 level_names[level]);
}

void report_github(struct buf *out, const struct report *r)
{
	struct arena *a = arena_new();
	size_t n;
	struct report_case *cases = report_cases(a, r, &n);
	struct report_case **ranked = report_cases_ranked(a, cases, n);

	put_level(a, out, ranked, n, LEVEL_ERROR, MAX_ANNOTATIONS);
	put_level(a, out, ranked, n, LEVEL_WARNING, MAX_ANNOTATIONS);
	put_level(a, out, ranked, n, LEVEL_NOTICE, MAX_ANNOTATIONS - 1);
	(void)buf_puts(out, "::notice title=assize::"); /* the tenth */
	put_escaped(out, report_verdict(a, r), false, MAX_MESSAGE);
	(void)buf_putc(out, '\n');
	arena_free(a);
}
