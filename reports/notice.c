/*
 * What all messages share, and the two plainest of them: JSON for programs, lines for people.
 */
#include "reports/notice.h"

#include <inttypes.h>
#include <math.h>

#include "reports/text.h"
#include "runner/base/buf.h"
#include "runner/base/utc.h"
#include "runner/base/str.h"
#include "runner/io/json.h"
#include "runner/model/notify.h"

#define MAX_TEXT_ITEMS 100

/* Buffers here are unbounded and never refuse, hence the (void) before every append. */

static const char *noun(enum transition_kind kind, bool is_one)
{
	switch (kind) {
	case TRANSITION_FAILURE:
		return is_one ? "failure" : "failures";
	case TRANSITION_UNDECIDED:
		return "undecided";
	case TRANSITION_INCOMPLETE:
		return is_one ? "incomplete run" : "incomplete runs";
	case TRANSITION_OVERDUE:
		return "overdue";
	case TRANSITION_GATE_SHUT:
		return is_one ? "gate shut" : "gates shut";
	case TRANSITION_GATE_OPEN:
		return is_one ? "gate open again" : "gates open again";
	case TRANSITION_RECOVERY:
		return is_one ? "recovery" : "recoveries";
	case TRANSITION_TEST:
		return "test message";
	}
	return "";
}

static bool is_let(const struct transition *t)
{
	return t->kind == TRANSITION_GATE_OPEN && !outcome_is_passing(t->outcome);
}

static void put_let(struct buf *out, const struct notice *n, bool is_first)
{
	size_t count = 0;

	for (size_t i = 0; i < n->n; i++)
		count += is_let(&n->items[i]);
	if (count > 0)
		(void)buf_printf(out, "%s%zu gate%s overridden", is_first ? "" : ", ", count,
				 count == 1 ? "" : "s");
}

void notice_title(struct buf *out, const struct notice *n)
{
	size_t start = out->len;
	int64_t more = n->n_total - (int64_t)n->n;

	for (int k = 0; k <= TRANSITION_TEST; k++) {
		size_t count = 0, standing = 0;

		for (size_t i = 0; i < n->n; i++) {
			if ((int)n->items[i].kind != k || is_let(&n->items[i]))
				continue;
			count++;
			standing += n->items[i].is_repeat;
		}
		if (count == 0)
			continue;
		(void)buf_printf(out, "%s%zu %s", out->len > start ? ", " : "", count,
				 noun((enum transition_kind)k, count == 1));
		if (standing == count)
			(void)buf_puts(out, " still");
		else if (standing > 0)
			(void)buf_printf(out, " (%zu still)", standing);
	}
	put_let(out, n, out->len == start);
	if (more > 0)
		(void)buf_printf(out, " and %" PRId64 " more", more);
}

void notice_what(struct buf *out, const struct transition *t)
{
	switch (t->kind) {
	case TRANSITION_GATE_SHUT:
	case TRANSITION_GATE_OPEN:
		(void)buf_puts(out, "gate ");
		text_put(out, t->check);
		if (t->subject[0] != '\0') {
			(void)buf_puts(out, " for ");
			text_put(out, t->subject);
		}
		return;
	case TRANSITION_INCOMPLETE:
		(void)buf_printf(out, "run %" PRId64, t->run_id);
		return;
	case TRANSITION_TEST:
		text_put(out, t->check);
		return;
	case TRANSITION_FAILURE:
	case TRANSITION_UNDECIDED:
	case TRANSITION_OVERDUE:
	case TRANSITION_RECOVERY:
		if (transition_is_of_gate(t))
			(void)buf_puts(out, "gate ");
		text_series(out, t->check, t->series);
		return;
	}
}

void notice_explain(struct buf *out, const struct transition *t)
{
	switch (t->kind) {
	case TRANSITION_FAILURE:
	case TRANSITION_UNDECIDED:
	case TRANSITION_RECOVERY:
		if (t->run_id == 0)
			return;
		(void)buf_printf(out, "assize explain %" PRId64 " ", t->run_id);
		str_word(out, t->check);
		return;
	case TRANSITION_INCOMPLETE:
		(void)buf_puts(out, "assize history");
		return;
	case TRANSITION_OVERDUE:
	case TRANSITION_GATE_SHUT:
	case TRANSITION_GATE_OPEN:
		(void)buf_puts(out, "assize status");
		return;
	case TRANSITION_TEST:
		return;
	}
}

/* ---- JSON ---- */

static void put_built(struct json_writer *w, const char *key, const struct transition *t,
		      void (*build)(struct buf *, const struct transition *))
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	build(&b, t);
	json_put_text(w, key, b.len > 0 ? b.data : NULL);
	buf_release(&b);
}

static void put_transition(struct json_writer *w, const struct transition *t)
{
	bool is_gate = transition_is_of_gate(t);

	json_open(w, NULL, '{');
	json_put_text(w, "kind", transition_name(t->kind));
	json_put_bool(w, "repeat", t->is_repeat);
	json_put_text(w, "check", is_gate || t->check[0] == '\0' ? NULL : t->check);
	json_put_text(w, "series", is_gate ? NULL : t->series);
	json_put_text(w, "gate", is_gate ? t->check : NULL);
	json_put_text(w, "subject", t->subject[0] != '\0' ? t->subject : NULL);
	json_put_text(w, "outcome", outcome_name(t->outcome));
	json_put_int(w, "severity", t->severity);
	json_put_text(w, "title", t->title);
	json_put_text(w, "owner", t->owner);
	json_put_text(w, "value", t->value[0] != '\0' ? t->value : NULL);
	json_put_real(w, "number", t->number);
	json_put_text(w, "unit", t->unit);
	json_put_text(w, "bound", t->bound[0] != '\0' ? t->bound : NULL);
	json_put_text(w, "reason", t->reason);
	text_json_time(w, "since", t->since_ms);
	text_json_time(w, "at", t->at_ms);
	if (t->run_id != 0)
		json_put_int(w, "run", t->run_id);
	else
		json_put_null(w, "run");
	json_put_text(w, "file", t->file);
	json_put_int(w, "line", t->line);
	json_put_int(w, "column", t->col);
	put_built(w, "explain", t, notice_explain);
	json_close(w, '}');
}

void notice_json(struct buf *out, const struct notice_view *v)
{
	const struct notice *n = v->notice;
	const struct run_info *run = v->run;
	struct json_writer w;
	struct buf title;

	buf_init(&title, BUF_UNBOUNDED);
	notice_title(&title, n);
	json_writer_init(&w, out, false);
	json_open(&w, NULL, '{');
	json_put_text(&w, "assize", "notify/1");
	json_put_text(&w, "id", n->key);
	json_put_text(&w, "name", n->sink);
	text_json_time(&w, "at", n->at_ms);
	json_put_text(&w, "title", title.data);
	json_put_text(&w, "definition", v->definition);
	if (run != NULL)
		json_put_int(&w, "run", run->id);
	else
		json_put_null(&w, "run");
	json_put_text(&w, "subject", run != NULL && run->subject[0] != '\0' ? run->subject : NULL);
	json_put_text(&w, "commit", run != NULL && run->commit[0] != '\0' ? run->commit : NULL);
	json_put_text(&w, "host", run != NULL ? run->host : NULL);
	json_put_text(&w, "job_url", run != NULL && run->job_url[0] != '\0' ? run->job_url : NULL);
	json_put_int(&w, "total", n->n_total);
	json_open(&w, "transitions", '[');
	for (size_t i = 0; i < n->n; i++)
		put_transition(&w, &n->items[i]);
	json_close(&w, ']');
	json_close(&w, '}');
	buf_release(&title);
}

/* ---- lines ---- */

static void put_line(struct buf *out, const char *name, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	(void)buf_printf(out, "  %-8s ", name);
	text_put(out, text);
	(void)buf_putc(out, '\n');
}

static void put_since(struct buf *out, const struct transition *t)
{
	char since[UTC_MAX];

	if (t->since_ms < 0)
		return;
	(void)utc_format(t->since_ms, 0, since); /* its length */
	(void)buf_printf(out, "  %-8s %s\n",
			 t->kind == TRANSITION_RECOVERY ? "stood from" : "since", since);
}

static void put_item(struct buf *out, const struct transition *t)
{
	struct buf explain;

	(void)buf_printf(out, "%s%s  ", transition_name(t->kind), t->is_repeat ? " still" : "");
	notice_what(out, t);
	(void)buf_putc(out, '\n');
	put_line(out, "title", t->title);
	put_line(out, "value", t->value);
	put_line(out, "bound", t->bound);
	put_line(out, "reason", t->reason);
	put_since(out, t);
	put_line(out, "owner", t->owner);
	if (t->severity > 0)
		(void)buf_printf(out, "  severity %" PRId64 "\n", t->severity);
	if (t->file != NULL) {
		(void)buf_puts(out, "  defined  ");
		text_put(out, t->file);
		(void)buf_printf(out, ":%" PRId64 ":%" PRId64 "\n", t->line, t->col);
	}
	buf_init(&explain, BUF_UNBOUNDED);
	notice_explain(&explain, t);
	if (explain.len > 0)
		(void)buf_printf(out, "  explain  %s\n", explain.data);
	buf_release(&explain);
	(void)buf_putc(out, '\n');
}

void notice_text(struct buf *out, const struct notice_view *v)
{
	const struct notice *n = v->notice;
	size_t shown = n->n < MAX_TEXT_ITEMS ? n->n : MAX_TEXT_ITEMS;

	for (size_t i = 0; i < shown; i++)
		put_item(out, &n->items[i]);
	if (n->n_total > (int64_t)shown)
		(void)buf_printf(out, "and %" PRId64 " more: assize status\n\n",
				 n->n_total - (int64_t)shown);
	if (v->run == NULL)
		return;
	(void)buf_printf(out, "run %" PRId64, v->run->id);
	if (v->run->subject[0] != '\0') {
		(void)buf_puts(out, ", subject ");
		text_put(out, v->run->subject);
	}
	(void)buf_puts(out, ", of ");
	text_put(out, v->definition);
	(void)buf_puts(out, " on ");
	text_put(out, v->run->host);
	(void)buf_putc(out, '\n');
	if (v->run->job_url[0] != '\0') {
		text_put(out, v->run->job_url);
		(void)buf_putc(out, '\n');
	}
}
