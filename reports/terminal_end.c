/*
 * What stays on the screen: every check that did not pass, in full, then one line that sums up. The
 * facts come in the order somebody on call asks for them: what, against which bound, since when,
 * which rows, asked how, written where, and what to type next.
 */
#include "reports/terminal.h"

#include <inttypes.h>
#include <string.h>

#include "reports/spark.h"
#include "reports/terminal_lines.h"
#include "reports/text.h"
#include "reports/view.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"

#define MAX_IN_FULL   25 /* checks */
#define MAX_SERIES    5	 /* of one check */
#define MAX_EVIDENCE  12 /* lines of one series */
#define SPARK_COLUMNS 30
#define COLUMN_FACT   12

/* Appending to our own unbounded buffers cannot fail, hence the (void) before every append. */

static void put_label(struct buf *out, const char *label)
{
	(void)buf_printf(out, "  %-*s", COLUMN_FACT - 2, label);
}

static void put_before(struct buf *out, const struct report *r, size_t i)
{
	const struct point *before = trail_previous(r, i);

	if (before == NULL)
		return;
	put_label(out, "before");
	text_point(out, before, &r->results[i]);
	(void)buf_printf(out, "   run %" PRId64 ", ", before->run_id);
	text_minute(out, before->measured_ms);
	(void)buf_puts(out, " UTC\n");
}

static void put_since(struct buf *out, const struct report *r, size_t i)
{
	struct stretch s;

	if (r->trails == NULL)
		return;
	s = stretch(r->trails[i], r->n_trails[i]);
	if (s.n_runs < 2)
		return;
	put_label(out, "since");
	(void)buf_printf(out, "%srun %" PRId64 ", ", s.before == NULL ? "at least " : "",
			 s.first->run_id);
	text_minute(out, s.first->measured_ms);
	(void)buf_printf(out, " UTC, %zu runs\n", s.n_runs);
}

static void put_trail(struct buf *out, struct arena *a, const struct report *r, size_t i)
{
	struct buf blocks;
	size_t n;
	struct spark_point *points;

	if (r->trails == NULL || r->n_trails[i] < 3)
		return;
	points = spark_points(a, r->trails[i], r->n_trails[i], result_is_share(&r->results[i]),
			      SPARK_COLUMNS, &n);
	buf_init(&blocks, BUF_UNBOUNDED);
	spark_blocks(&blocks, points, n);
	if (blocks.len > 0) {
		put_label(out, "trail");
		(void)buf_printf(out, "%s   last %zu runs\n", blocks.data, r->n_trails[i]);
	}
	buf_release(&blocks);
}

/*
 * Several lines under one label, each made safe on its own. The bar keeps foreign text from being
 * the first thing on a line, where "::error::" is a command to whoever runs the job.
 */
static void put_lines(struct buf *out, const char *label, const char *text)
{
	const char *rest = text, *line;
	size_t n, printed = 0;

	while (printed < MAX_EVIDENCE && text_line(&rest, &line, &n)) {
		if (printed == 0)
			put_label(out, label);
		else
			(void)buf_printf(out, "%*s| ", COLUMN_FACT - 2, "");
		text_visible(out, line, n);
		(void)buf_putc(out, '\n');
		printed++;
	}
	if (rest == NULL || *rest == '\0')
		return;
	for (printed = 0; text_line(&rest, &line, &n);)
		printed++;
	put_label(out, "");
	(void)buf_puts(out, "... ");
	text_count(out, (int64_t)printed, "more line");
	(void)buf_putc(out, '\n');
}

static void put_measured(struct buf *out, const struct result *s)
{
	size_t start;

	put_label(out, "measured");
	start = out->len;
	text_value(out, s);
	if (s->n >= 0 || s->n_total >= 0) {
		terminal_pad(out, start, 10);
		(void)buf_puts(out, "  ");
		text_sample(out, s);
	}
	(void)buf_putc(out, '\n');
}

static void put_series(struct buf *out, struct arena *a, const struct terminal *t,
		       const struct report *r, size_t i)
{
	const struct result *s = &r->results[i];

	if (s->series[0] != '\0') {
		put_label(out, "series");
		text_put(out, s->series);
		(void)buf_putc(out, '\n');
	}
	put_measured(out, s);
	if (s->bound[0] != '\0') {
		put_label(out, "bound");
		text_put(out, s->bound);
		(void)buf_putc(out, '\n');
	}
	if (result_has_remark(s))
		put_lines(out, "reason", s->reason);
	put_before(out, r, i);
	put_since(out, r, i);
	if (t->is_live)
		put_trail(out, a, r, i);
	put_lines(out, "evidence", s->evidence);
	put_lines(out, "query", s->query);
}

static void put_commands(struct buf *out, const struct terminal *t, const struct report *r,
			 const struct check_view *v)
{
	const char *repeated = t->repeated != NULL ? t->repeated : "";

	put_label(out, "at");
	text_position(out, &v->series[v->worst]);
	(void)buf_putc(out, '\n');
	put_label(out, "explain");
	(void)buf_printf(out, "assize explain %" PRId64 " ", r->run.id);
	str_word(out, v->info->name);
	(void)buf_printf(out, "%s\n", repeated);
	put_label(out, "again");
	(void)buf_puts(out, "assize run ");
	str_word(out, v->info->name);
	if (r->run.subject[0] != '\0') {
		(void)buf_puts(out, " --subject ");
		str_word(out, r->run.subject);
	}
	(void)buf_printf(out, "%s\n", repeated);
}

static void put_check(struct buf *out, struct arena *a, const struct terminal *t,
		      const struct report *r, const struct check_view *v)
{
	size_t shown = 0;

	(void)buf_putc(out, '\n');
	terminal_put_outcome(out, t, v->outcome, 0);
	(void)buf_putc(out, ' ');
	text_put(out, v->info->name);
	if (v->info->title != NULL) {
		(void)buf_puts(out, "   ");
		text_put(out, v->info->title);
	}
	(void)buf_printf(out, "   severity %" PRId64 "\n", v->info->severity);
	for (size_t i = 0; i < v->n && shown < MAX_SERIES; i++) {
		if (v->series[i].outcome == OUTCOME_PASS)
			continue;
		put_series(out, a, t, r, v->first + i);
		shown++;
	}
	if (v->n_not_passing > shown) {
		put_label(out, "");
		(void)buf_printf(out, "... and %zu more series that did not pass\n",
				 v->n_not_passing - shown);
	}
	put_lines(out, "why", v->info->why);
	put_commands(out, t, r, v);
}

static bool is_shown_in_full(const struct check_view *v)
{
	return v->outcome == OUTCOME_FAIL || v->outcome == OUTCOME_UNDECIDED;
}

static void put_all_in_full(struct buf *out, struct arena *a, const struct terminal *t,
			    const struct report *r, const struct check_view *views, size_t n)
{
	size_t shown = 0, left_out = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_shown_in_full(&views[i]))
			continue;
		if (shown < MAX_IN_FULL) {
			put_check(out, a, t, r, &views[i]);
			shown++;
		} else {
			left_out++;
		}
	}
	if (left_out > 0)
		(void)buf_printf(out, "\n... and %zu more: assize report %" PRId64 "\n", left_out,
				 r->run.id);
	if (shown > 0)
		(void)buf_putc(out, '\n');
}

static void put_warning(struct buf *out, const struct restoration_step *s)
{
	(void)buf_printf(out, "  %s: ", s->name);
	text_put(out, s->finding);
	(void)buf_putc(out, '\n');
	if (s->remedy == NULL)
		return;
	(void)buf_puts(out, "  fix: ");
	text_put(out, s->remedy);
	(void)buf_putc(out, '\n');
}

/* Under one heading for each release. */
static void put_warnings(struct buf *out, const struct terminal *t, const struct report *r)
{
	for (size_t i = 0; i < r->n_restorations; i++) {
		const struct restoration *x = &r->restorations[i];
		bool has_heading = false;

		for (size_t k = 0; k < x->n_steps; k++) {
			if (!restoration_step_warns(x, &x->steps[k]))
				continue;
			if (!has_heading) {
				terminal_put_outcome(out, t, OUTCOME_WARN, 0);
				(void)buf_puts(out, " tag ");
				text_put(out, x->tag);
				(void)buf_puts(out, " of rollback set ");
				text_put(out, x->set);
				(void)buf_puts(out, ", which is proven\n");
			}
			has_heading = true;
			put_warning(out, &x->steps[k]);
		}
	}
}

static void put_tally_item(struct buf *out, size_t n, const char *word)
{
	if (n > 0)
		(void)buf_printf(out, ", %zu %s", n, word);
}

static void put_summary_live(struct buf *out, const struct report *r, const struct tally *n)
{
	text_count(out, (int64_t)(n->n_checks + n->n_missing), "check");
	(void)buf_printf(out, ": %zu pass", n->n_pass);
	put_tally_item(out, n->n_warn, "warn");
	put_tally_item(out, n->n_fail, "fail");
	put_tally_item(out, n->n_undecided, "undecided");
	put_tally_item(out, n->n_skip, "skip");
	put_tally_item(out, n->n_missing, "without a result");
	put_tally_item(out, n->n_flaky, "flaky");
	if (r->run.end_ms >= 0) {
		(void)buf_puts(out, "   ");
		text_duration(out, (r->run.end_ms - r->run.begin_ms) * 1000);
	}
	if (r->run.state == RUN_INTERRUPTED)
		(void)buf_puts(out, "   interrupted");
	(void)buf_printf(out, "   record %" PRId64 "   exit %d\n", r->run.id, r->run.exit_status);
}

static void put_summary_event(struct buf *out, const struct report *r, const struct tally *n)
{
	terminal_put_stamp(out, r->run.end_ms >= 0 ? r->run.end_ms : r->run.begin_ms);
	(void)buf_printf(out, "result=%s pass=%zu warn=%zu fail=%zu undecided=%zu skip=%zu",
			 outcome_name(r->run.outcome), n->n_pass, n->n_warn, n->n_fail,
			 n->n_undecided, n->n_skip);
	if (n->n_missing > 0)
		(void)buf_printf(out, " missing=%zu", n->n_missing);
	if (n->n_flaky > 0)
		(void)buf_printf(out, " flaky=%zu", n->n_flaky);
	if (r->run.state == RUN_INTERRUPTED)
		(void)buf_puts(out, " interrupted=yes");
	(void)buf_printf(out, " record=%" PRId64 " exit=%d\n", r->run.id, r->run.exit_status);
}

void terminal_end(struct terminal *t, const struct report *r)
{
	struct arena *a = arena_new();
	size_t n_views;
	struct check_view *views = check_views(a, r->results, r->n_results, &n_views);
	struct tally n = tally(views, n_views, r->run.n_planned);
	bool is_silent = t->is_quiet && n.n_pass + n.n_warn == n_views && n.n_missing == 0 &&
			 r->run.state == RUN_COMPLETE && r->run.exit_status == 0;
	struct buf out;

	buf_init(&out, BUF_UNBOUNDED);
	if (!is_silent && t->is_quiet) {
		/* the line a quiet run owed until it had something to say */
		t->is_quiet = false;
		terminal_begin(t, &r->run, (size_t)r->run.n_planned);
		t->is_quiet = true;
	}
	if (!is_silent) {
		put_all_in_full(&out, a, t, r, views, n_views);
		put_warnings(&out, t, r);
		if (t->is_live)
			put_summary_live(&out, r, &n);
		else
			put_summary_event(&out, r, &n);
	}
	terminal_flush(t, &out);
	arena_free(a);
}
