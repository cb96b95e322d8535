/*
 * A gate's decision: the word first on a terminal, last in a log (where the last line is what a job
 * shows), and every requirement that is not met with what would meet it. Evidence that passes is
 * counted, not listed: it is in the record and on the page.
 */
#include "reports/terminal.h"

#include <inttypes.h>
#include <string.h>

#include "reports/terminal_lines.h"
#include "reports/text.h"
#include "reports/view.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"

#define COLUMN_TEXT 13

/* Appending to our own unbounded buffers cannot fail, hence the (void) before every append. */

static void put_age(struct buf *out, const struct decision *d)
{
	if (d->oldest_ms < 0)
		return;
	(void)buf_puts(out, "   oldest evidence ");
	text_duration(out, (d->at_ms - d->oldest_ms) * 1000);
}

static void put_line_position(struct buf *out, const struct decision_line *line)
{
	text_put(out, line->file);
	if (line->line > 0)
		(void)buf_printf(out, ":%" PRId64 ":%" PRId64, line->line, line->col);
}

/* A command of assize's to be pasted, with the options of this one; other words as they are. */
static void put_command(struct buf *out, const struct terminal *t, const char *text)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_command(&b, text, t->repeated);
	text_put(out, b.data);
	buf_release(&b);
}

/* Where it is written and what would meet it, on a line of their own. */
static void put_next(struct buf *out, const struct terminal *t, const struct decision_line *line)
{
	if (line->file == NULL && line->remedy == NULL)
		return;
	(void)buf_printf(out, "%*s", COLUMN_TEXT, "");
	if (line->file != NULL) {
		(void)buf_puts(out, "at ");
		put_line_position(out, line);
	}
	if (line->remedy != NULL) {
		(void)buf_puts(out, line->file != NULL ? ", to do: " : "to do: ");
		put_command(out, t, line->remedy);
	}
	(void)buf_putc(out, '\n');
}

static void put_waived(struct buf *out, const struct waived *w)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	waived_put(&b, w);
	text_put(out, b.data);
	buf_release(&b);
}

static void put_override(struct buf *out, const struct override *o)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	override_put(&b, o);
	text_put(out, b.data);
	buf_release(&b);
}

static const char *word_of(const struct decision *d)
{
	if (decision_is_overridden(d))
		return "OVERRIDDEN";
	return d->is_open ? "OPEN" : "SHUT";
}

/* What is let through is not coloured like what shuts. */
static void put_state(struct buf *out, const struct terminal *t, const struct decision_line *line)
{
	if (line->waived != NULL)
		(void)buf_printf(out, "%-*s", COLUMN_TEXT - 2, decision_line_state(line));
	else
		terminal_put_outcome(out, t, line->outcome, COLUMN_TEXT - 2);
}

static void put_line_live(struct buf *out, const struct terminal *t,
			  const struct decision_line *line)
{
	size_t start;

	(void)buf_puts(out, "  ");
	put_state(out, t, line);
	start = out->len;
	text_series(out, line->check[0] != '\0' ? line->check : "gate", line->series);
	terminal_pad(out, start, 32);
	text_put(out, line->text);
	if (!line->is_hard)
		(void)buf_puts(out, "  (advice)");
	(void)buf_putc(out, '\n');
	if (line->waived != NULL) {
		(void)buf_printf(out, "%*s", COLUMN_TEXT, "");
		put_waived(out, line->waived);
		(void)buf_putc(out, '\n');
	}
	put_next(out, t, line);
}

static void put_line_event(struct buf *out, const struct terminal *t, const struct decision *d,
			   const struct decision_line *line)
{
	terminal_put_stamp(out, d->at_ms);
	(void)buf_printf(out, "%s %s ", line->is_hard ? "require" : "advise",
			 line->waived != NULL ? decision_line_state(line)
					      : outcome_word(line->outcome));
	text_series(out, line->check[0] != '\0' ? line->check : "gate", line->series);
	(void)buf_putc(out, ' ');
	text_put(out, line->text);
	if (line->waived != NULL) {
		(void)buf_puts(out, "; ");
		put_waived(out, line->waived);
	}
	if (line->file != NULL) {
		(void)buf_puts(out, "  ");
		put_line_position(out, line);
	}
	if (line->remedy != NULL) {
		(void)buf_puts(out, " to do: ");
		put_command(out, t, line->remedy);
	}
	(void)buf_putc(out, '\n');
}

/* A line about the gate itself that passes says by what is decided. */
static void put_policy(struct buf *out, const struct terminal *t, const struct decision *d,
		       const struct decision_line *line)
{
	if (line->check[0] != '\0')
		return;
	if (t->is_live)
		(void)buf_puts(out, "  ");
	else
		terminal_put_stamp(out, d->at_ms);
	text_put(out, line->text);
	(void)buf_putc(out, '\n');
}

static void put_decision_live(struct buf *out, const struct terminal *t, const struct decision *d,
			      size_t n_evidence)
{
	bool is_plain = d->is_open && !decision_is_overridden(d);
	const char *color = !t->has_color || is_plain ? "" : "\033[1;31m";

	(void)buf_printf(out, "%s%s%s  ", color, word_of(d), color[0] != '\0' ? "\033[0m" : "");
	text_put(out, d->gate);
	if (d->subject[0] != '\0') {
		(void)buf_puts(out, "  ");
		text_put(out, d->subject);
	}
	(void)buf_puts(out, "   ");
	text_count(out, (int64_t)n_evidence, "requirement");
	(void)buf_puts(out, " met");
	if (decision_waived(d) > 0)
		(void)buf_printf(out, ", %zu waived", decision_waived(d));
	put_age(out, d);
	(void)buf_printf(out, "   exit %d\n", decision_exit_status(d));
	if (decision_is_overridden(d)) {
		(void)buf_printf(out, "%*s", COLUMN_TEXT, "");
		put_override(out, d->override);
		(void)buf_putc(out, '\n');
	}
}

static void put_decision_event(struct buf *out, const struct decision *d, size_t n_evidence,
			       size_t n_shut)
{
	if (decision_is_overridden(d)) {
		terminal_put_stamp(out, d->at_ms);
		put_override(out, d->override);
		(void)buf_putc(out, '\n');
	}
	terminal_put_stamp(out, d->at_ms);
	(void)buf_puts(out, "gate=");
	str_word(out, d->gate);
	(void)buf_puts(out, " subject=");
	str_word(out, d->subject);
	(void)buf_printf(out, " decision=%s outcome=%s met=%zu unmet=%zu", word_of(d),
			 decision_is_overridden(d) ? outcome_name(d->outcome) : decision_state(d),
			 n_evidence, n_shut);
	if (decision_waived(d) > 0)
		(void)buf_printf(out, " waived=%zu", decision_waived(d));
	(void)buf_printf(out, " id=%" PRId64 " exit=%d\n", d->id, decision_exit_status(d));
}

void terminal_decision(struct terminal *t, const struct decision *d)
{
	size_t n_evidence = 0, n_shut = 0;
	struct buf out;

	if (t->is_quiet && d->is_open && !decision_is_overridden(d))
		return;
	for (size_t i = 0; i < d->n_lines; i++) {
		n_shut += decision_line_shuts(&d->lines[i]) ? 1 : 0;
		n_evidence += d->lines[i].is_hard && outcome_is_passing(d->lines[i].outcome);
	}
	buf_init(&out, BUF_UNBOUNDED);
	if (t->is_live)
		put_decision_live(&out, t, d, n_evidence);
	for (size_t i = 0; i < d->n_lines; i++) {
		if (d->lines[i].outcome == OUTCOME_PASS) {
			put_policy(&out, t, d, &d->lines[i]);
			continue;
		}
		if (t->is_live)
			put_line_live(&out, t, &d->lines[i]);
		else
			put_line_event(&out, t, d, &d->lines[i]);
	}
	if (!t->is_live)
		put_decision_event(&out, d, n_evidence, n_shut);
	terminal_flush(t, &out);
}
