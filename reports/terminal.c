/*
 * The work under way. A terminal gets one live line that is rewritten in place, a line for every
 * check of a small run and for every check that is not plain pass in a large one. Anything else
 * gets one line an event, whose order and columns are stable: TIME I/N OUTCOME SERIES VALUE bound
 * BOUND DURATION. The end of a run is in terminal_end.c, decisions are in terminal_gate.c.
 */
#include "reports/terminal.h"

#include <inttypes.h>
#include <string.h>

#include "reports/terminal_lines.h"
#include "reports/text.h"
#include "reports/view.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/base/utf8.h"

#define HEARTBEAT_MS 10000
/* On a terminal, passing checks of larger runs only count: nobody reads a thousand lines of pass.
 */
#define SMALL_RUN	50
#define COLUMN_SERIES	13
#define COLUMN_VALUE	52
#define COLUMN_BOUND	66
#define COLUMN_DURATION 84

/* Appending to our own unbounded buffers cannot fail, hence the (void) before every append. */

void terminal_put_stamp(struct buf *out, int64_t ms)
{
	char stamp[UTC_MAX];

	(void)utc_format(ms, 0, stamp);
	(void)buf_printf(out, "%s ", stamp);
}

static const char *color_of(enum outcome o)
{
	switch (o) {
	case OUTCOME_FAIL:
		return "\033[1;31m";
	case OUTCOME_UNDECIDED:
	case OUTCOME_WARN:
		return "\033[33m";
	case OUTCOME_PASS:
	case OUTCOME_SKIP:
		return NULL;
	}
	return NULL;
}

void terminal_put_outcome(struct buf *out, const struct terminal *t, enum outcome o, size_t width)
{
	const char *color = t->has_color ? color_of(o) : NULL;
	const char *word = outcome_word(o);

	if (color != NULL)
		(void)buf_puts(out, color);
	(void)buf_puts(out, word);
	if (color != NULL)
		(void)buf_puts(out, "\033[0m");
	for (size_t n = strlen(word); n < width; n++)
		(void)buf_putc(out, ' ');
}

void terminal_pad(struct buf *out, size_t start, size_t width)
{
	size_t n = str_width(out->data + start);

	do
		(void)buf_putc(out, ' ');
	while (++n < width);
}

static void erase_live_line(struct terminal *t)
{
	if (t->has_live_line)
		(void)fputs("\r\033[K", t->out);
	t->has_live_line = false;
}

/* Whether the stream took it all is asked once, by the command, when it closes its output. */
void terminal_flush(struct terminal *t, struct buf *out)
{
	erase_live_line(t);
	(void)fwrite(out->data, 1, out->len, t->out);
	(void)fflush(t->out);
	buf_release(out);
}

static void put_begin_live(struct buf *out, const struct run_info *run, size_t n_planned)
{
	text_put(out, run->definition_file);
	(void)buf_puts(out, "   ");
	text_count(out, (int64_t)n_planned, "check");
	if (run->subject[0] != '\0') {
		(void)buf_puts(out, "   subject ");
		text_put(out, run->subject);
	}
	if (run->shard.index != 0)
		(void)buf_printf(out, "   shard %" PRId64 " of %" PRId64, run->shard.index,
				 run->shard.total);
	if (run->commit[0] != '\0')
		(void)buf_printf(out, "   commit %.7s%s", run->commit,
				 run->is_dirty ? ", with changes" : "");
	(void)buf_putc(out, '\n');
}

static void put_begin_event(struct buf *out, const struct run_info *run, size_t n_planned)
{
	terminal_put_stamp(out, run->begin_ms);
	(void)buf_printf(out, "run=%" PRId64 " subject=", run->id);
	str_word(out, run->subject);
	(void)buf_puts(out, " def=");
	for (size_t i = 0; i < 4; i++)
		(void)buf_printf(out, "%02x", (unsigned)run->definition_digest[i]);
	if (run->shard.index != 0)
		(void)buf_printf(out, " shard=%" PRId64 "/%" PRId64, run->shard.index,
				 run->shard.total);
	(void)buf_printf(out, " checks=%zu\n", n_planned);
}

void terminal_begin(struct terminal *t, const struct run_info *run, size_t n_planned)
{
	struct buf out;

	t->n_done = 0;
	t->n_planned = n_planned;
	t->last_event_ms = run->begin_ms;
	if (t->is_quiet)
		return;
	buf_init(&out, BUF_UNBOUNDED);
	if (t->is_live)
		put_begin_live(&out, run, n_planned);
	else
		put_begin_event(&out, run, n_planned);
	terminal_flush(t, &out);
}

/* Why there is no value matters more than what was expected of it. */
static bool shows_reason(const struct result *r)
{
	return r->reason != NULL && (r->value.type == VALUE_NONE || r->outcome == OUTCOME_SKIP);
}

static void put_more(struct buf *out, const struct check_view *v)
{
	if (v->n > 1)
		(void)buf_printf(out, "  (+%zu more series)", v->n - 1);
}

static void put_check_live(struct buf *out, const struct terminal *t, const struct check_view *v)
{
	const struct result *r = &v->series[v->worst];
	size_t start;

	(void)buf_puts(out, "  ");
	terminal_put_outcome(out, t, v->outcome, COLUMN_SERIES - 2);
	start = out->len;
	text_series(out, r->check->name, r->series);
	terminal_pad(out, start, COLUMN_VALUE - COLUMN_SERIES);
	if (shows_reason(r)) {
		text_put(out, r->reason);
	} else {
		text_value(out, r);
		terminal_pad(out, start, COLUMN_BOUND - COLUMN_SERIES);
		text_put(out, r->bound);
		terminal_pad(out, start, COLUMN_DURATION - COLUMN_SERIES);
		text_duration(out, v->duration_us);
	}
	put_more(out, v);
	if (r->is_flaky)
		(void)buf_printf(out, "  flaky: attempt %" PRId64, r->attempts);
	(void)buf_putc(out, '\n');
}

static void put_check_event(struct buf *out, const struct terminal *t, const struct check_view *v,
			    int64_t now_ms)
{
	const struct result *r = &v->series[v->worst];

	terminal_put_stamp(out, now_ms);
	(void)buf_printf(out, "%zu/%zu %s ", t->n_done, t->n_planned, outcome_word(v->outcome));
	text_series(out, r->check->name, r->series);
	(void)buf_putc(out, ' ');
	text_value(out, r);
	if (r->bound[0] != '\0') {
		(void)buf_puts(out, " bound ");
		text_put(out, r->bound);
	}
	(void)buf_putc(out, ' ');
	text_duration(out, v->duration_us);
	if (shows_reason(r)) {
		(void)buf_puts(out, ": ");
		text_put(out, r->reason);
	}
	put_more(out, v);
	if (r->is_flaky)
		(void)buf_printf(out, " flaky attempts=%" PRId64, r->attempts);
	(void)buf_putc(out, '\n');
}

void terminal_check(struct terminal *t, const struct result *series, size_t n, int64_t now_ms)
{
	struct check_view v = check_view(series, n, 0);
	struct buf out;

	t->n_done++;
	t->last_event_ms = now_ms;
	if (t->is_quiet)
		return;
	if (t->is_live && v.outcome == OUTCOME_PASS && t->n_planned > SMALL_RUN)
		return;
	buf_init(&out, BUF_UNBOUNDED);
	if (t->is_live)
		put_check_live(&out, t, &v);
	else
		put_check_event(&out, t, &v, now_ms);
	terminal_flush(t, &out);
}

/* Bytes of s that fit into width columns: a live line that wraps could not be erased again. */
static size_t fit(const char *s, size_t n, size_t width)
{
	size_t used = 0, columns = 0;

	while (used < n && columns < width) {
		uint32_t c = 0;
		size_t len = utf8_decode(s + used, n - used, &c);

		used += len > 0 ? len : 1;
		columns++;
	}
	return used;
}

static void put_running(struct buf *out, const char *const *running, const int64_t *running_ms,
			size_t n, const char *detail)
{
	for (size_t i = 0; i < n && i < 3; i++) {
		(void)buf_puts(out, i == 0 ? "" : i == 1 ? "   (" : ", ");
		text_put(out, running[i]);
		if (i == 0 && detail != NULL) {
			(void)buf_puts(out, "  ");
			text_put(out, detail);
			(void)buf_putc(out, ';');
		}
		(void)buf_printf(out, " %" PRId64 " s", running_ms[i] / 1000);
	}
	if (n > 3)
		(void)buf_printf(out, ", %zu more", n - 3);
	if (n > 1)
		(void)buf_putc(out, ')');
}

static void draw_live_line(struct terminal *t, struct buf *work)
{
	/* braille dots, a wheel of ten */
	static const char wheel[10][4] = {
		"\xE2\xA0\x8B", "\xE2\xA0\x99", "\xE2\xA0\xB9", "\xE2\xA0\xB8", "\xE2\xA0\xBC",
		"\xE2\xA0\xB4", "\xE2\xA0\xA6", "\xE2\xA0\xA7", "\xE2\xA0\x87", "\xE2\xA0\x8F",
	};
	size_t width = t->width > 1 ? t->width - 1 : 79;
	struct buf line;

	buf_init(&line, BUF_UNBOUNDED);
	(void)buf_printf(&line, "  %s %zu/%zu  ", wheel[t->spin++ % 10], t->n_done, t->n_planned);
	(void)buf_add(&line, work->data, work->len);
	erase_live_line(t);
	(void)fwrite(line.data, 1, fit(line.data, line.len, width), t->out);
	(void)fflush(t->out);
	t->has_live_line = true;
	buf_release(&line);
}

void terminal_tick(struct terminal *t, const char *const *running, const int64_t *running_ms,
		   size_t n_running, const char *detail, int64_t now_ms)
{
	struct buf work;

	if (t->is_quiet || n_running == 0)
		return;
	if (!t->is_live && now_ms - t->last_event_ms < HEARTBEAT_MS)
		return;
	buf_init(&work, BUF_UNBOUNDED);
	put_running(&work, running, running_ms, n_running, detail);
	if (t->is_live) {
		draw_live_line(t, &work);
		buf_release(&work);
	} else {
		struct buf out;

		buf_init(&out, BUF_UNBOUNDED);
		terminal_put_stamp(&out, now_ms);
		(void)buf_printf(&out, "%zu/%zu running %s\n", t->n_done, t->n_planned, work.data);
		buf_release(&work);
		t->last_event_ms = now_ms;
		terminal_flush(t, &out);
	}
}
