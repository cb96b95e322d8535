/*
 * html: the parts of the page for reviewers, one file a part.
 *
 * The page is one file: no script, no request, one style whose hash is in its content security
 * policy. Each part writes itself or nothing: there are no empty sections. State is never told by
 * colour alone (a word and a mark go with it). All foreign text passes text_markup().
 */
#ifndef ASSIZE_REPORTS_HTML_H
#define ASSIZE_REPORTS_HTML_H

#include <stddef.h>
#include <stdint.h>

#include "reports/report.h"
#include "reports/view.h"

struct page {
	struct buf *out;
	struct arena *a;
	const struct report *r;
	struct check_view *views;
	size_t n_views;
	struct tally tally;
	struct result_index previous;
	const struct decision *decision; /* the newest, NULL = none */
};

/* html_style.c: the style sheet in pieces, ended by NULL; its contrast is checked by a test. */
extern const char *const html_style[];

/* The sections in the order of the page. */
void html_header(const struct page *p);	    /* verdict, provenance, tally: html_verdict.c */
void html_changes(const struct page *p);    /* since the last run */
void html_gate(const struct page *p);	    /* what the gate asked for */
void html_ledger(const struct page *p);	    /* every check */
void html_failures(const struct page *p);   /* what did not pass, with evidence */
void html_benchmarks(const struct page *p); /* repetitions, run by run */
void html_rollback(const struct page *p);
void html_verify(const struct page *p); /* how to check the page: html.c */

/* html_text.c: small pieces. Numbers get no-break spaces, "<=" becomes its sign. */
void html_puts(const struct page *p, const char *markup);
void html_printf(const struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void html_text(const struct page *p, const char *s);
void html_code(const struct page *p, const char *s);
void html_series(const struct page *p, const char *check, const char *series); /* in <code> */
void html_value(const struct page *p, const struct result *s);
void html_point(const struct page *p, const struct point *at, const struct result *of);
void html_sample(const struct page *p, const struct result *s);
void html_bound(const struct page *p, const char *bound);
/* What was told at the time: its bounds and numbers as the page has them everywhere. */
void html_told(const struct page *p, const char *text);
void html_state(const struct page *p, enum outcome o); /* mark and word */
/* The mark of an outcome with another word. */
void html_state_word(const struct page *p, enum outcome mark, const char *word);
void html_when(const struct page *p, int64_t ms);
void html_minute(const struct page *p, int64_t ms);
void html_duration(const struct page *p, int64_t us);
void html_count(const struct page *p, size_t n, const char *noun);
void html_position(const struct page *p, const struct result *s);
void html_command(const struct page *p, const char *label, const char *command);
/* A command of assize's with the options it is to be run with (text_command()). */
const char *html_pasted(const struct page *p, const char *command);
/* "Open", "Shut", "Overridden". */
const char *html_decision_word(const struct decision *d);
/* Class of a row or mark: "bad", "wv" or "". */
const char *html_class(enum outcome o);

#endif
