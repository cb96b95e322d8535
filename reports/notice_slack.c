/*
 * Slack: Block Kit. Foreign text stands in code spans, where neither formatting nor a mention
 * (@channel, which some of those who read the same format obey in plain text) means anything; & < >
 * are entities, because <!channel> would be obeyed everywhere.
 *
 * Limits of api.slack.com: 50 blocks, 150 characters of a header, 3,000 of a section; a text of
 * 4,000 is not cut. Bytes are counted, so that characters never exceed them.
 */
#include <inttypes.h>
#include <string.h>

#include "reports/notice.h"
#include "reports/text.h"
#include "runner/base/buf.h"
#include "runner/base/utc.h"
#include "runner/base/utf8.h"
#include "runner/io/json.h"
#include "runner/model/notify.h"

#define MAX_ITEMS      20
#define MAX_HEADER     140
#define MAX_TEXT       3800
#define MAX_NAME       300
#define MAX_REASON     600
#define MAX_BOUND_TEXT 200

/* Buffers here are unbounded and never refuse, hence the (void) before every append. */

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '`': /* would end the span */
		return "'";
	}
	return NULL;
}

/* Visible text in a code span, cut where what is written would be longer. */
static void put_code(struct buf *out, const char *visible, size_t most)
{
	const char *s = visible;
	size_t end = out->len + 1 + most;

	(void)buf_putc(out, '`');
	while (*s != '\0') {
		const char *name = entity(*s);
		uint32_t c = 0;
		size_t n = utf8_decode(s, strlen(s), &c);
		size_t cost = name != NULL ? strlen(name) : n;

		if (out->len + cost > end)
			break;
		(void)buf_add(out, name != NULL ? name : s, cost);
		s += n;
	}
	(void)buf_puts(out, *s != '\0' ? "...`" : "`");
}

static void put_foreign(struct buf *out, const char *before, const char *text, size_t most)
{
	struct buf visible;

	if (text == NULL || text[0] == '\0')
		return;
	buf_init(&visible, BUF_UNBOUNDED);
	text_put(&visible, text);
	(void)buf_puts(out, before);
	put_code(out, visible.data, most);
	buf_release(&visible);
}

static void put_built(struct buf *out, const char *before, const struct transition *t,
		      void (*build)(struct buf *, const struct transition *))
{
	struct buf text;

	buf_init(&text, BUF_UNBOUNDED);
	build(&text, t);
	if (text.len > 0) {
		(void)buf_puts(out, before);
		put_code(out, text.data, MAX_NAME);
	}
	buf_release(&text);
}

static const char *words(const struct transition *t)
{
	switch (t->kind) {
	case TRANSITION_FAILURE:
		return t->is_repeat ? "still failing" : "failure";
	case TRANSITION_UNDECIDED:
		return t->is_repeat ? "still undecided" : "undecided";
	case TRANSITION_INCOMPLETE:
		return "incomplete run";
	case TRANSITION_OVERDUE:
		return "overdue";
	case TRANSITION_GATE_SHUT:
		return "gate shut";
	case TRANSITION_GATE_OPEN:
		return outcome_is_passing(t->outcome) ? "gate open again" : "gate overridden";
	case TRANSITION_RECOVERY:
		return "recovery";
	case TRANSITION_TEST:
		return "test message";
	}
	return "";
}

static void put_item(struct buf *out, const struct transition *t)
{
	char since[UTC_MAX];

	(void)buf_printf(out, "*%s* ", words(t));
	put_built(out, "", t, notice_what);
	put_foreign(out, "\n", t->title, MAX_NAME);
	put_foreign(out, "\nvalue ", t->value, MAX_BOUND_TEXT);
	put_foreign(out, t->value[0] != '\0' ? ", bound " : "\nbound ", t->bound, MAX_BOUND_TEXT);
	put_foreign(out, "\n", t->reason, MAX_REASON);
	if (t->since_ms >= 0) {
		(void)utc_format(t->since_ms, 0, since); /* its length */
		(void)buf_printf(out, "\n%s %s",
				 t->kind == TRANSITION_RECOVERY ? "stood from" : "since", since);
	}
	if (t->severity > 0)
		(void)buf_printf(out, ", severity %" PRId64, t->severity);
	put_foreign(out, ", owner ", t->owner, MAX_BOUND_TEXT);
	put_built(out, "\n", t, notice_explain);
	put_foreign(out, " defined in ", t->file, MAX_NAME);
	if (t->file != NULL)
		(void)buf_printf(out, " line %" PRId64, t->line);
}

static void put_section(struct json_writer *w, const char *text)
{
	json_open(w, NULL, '{');
	json_put_text(w, "type", "section");
	json_open(w, "text", '{');
	json_put_text(w, "type", "mrkdwn");
	json_put_text(w, "text", text);
	json_close(w, '}');
	json_close(w, '}');
}

static void put_header(struct json_writer *w, const char *title)
{
	json_open(w, NULL, '{');
	json_put_text(w, "type", "header");
	json_open(w, "text", '{');
	json_put_text(w, "type", "plain_text");
	json_put_text_n(w, "text", title, utf8_fit(title, strlen(title), MAX_HEADER));
	json_close(w, '}');
	json_close(w, '}');
}

/* Whose run it was, in small letters below. */
static void put_context(struct json_writer *w, const struct notice_view *v, int64_t n_more)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	if (n_more > 0)
		(void)buf_printf(&b, "and %" PRId64 " more. ", n_more);
	if (v->run != NULL) {
		(void)buf_printf(&b, "run %" PRId64, v->run->id);
		put_foreign(&b, ", subject ", v->run->subject, MAX_NAME);
		put_foreign(&b, ", of ", v->definition, MAX_NAME);
		put_foreign(&b, " on ", v->run->host, MAX_BOUND_TEXT);
		put_foreign(&b, ", ", v->run->job_url, MAX_NAME);
	} else {
		put_foreign(&b, "of ", v->definition, MAX_NAME);
	}
	json_open(w, NULL, '{');
	json_put_text(w, "type", "context");
	json_open(w, "elements", '[');
	json_open(w, NULL, '{');
	json_put_text(w, "type", "mrkdwn");
	json_put_text(w, "text", b.data);
	json_close(w, '}');
	json_close(w, ']');
	json_close(w, '}');
	buf_release(&b);
}

void notice_slack(struct buf *out, const struct notice_view *v)
{
	const struct notice *n = v->notice;
	size_t shown = n->n < MAX_ITEMS ? n->n : MAX_ITEMS;
	struct json_writer w;
	struct buf title, all, item;

	buf_init(&title, BUF_UNBOUNDED);
	buf_init(&all, MAX_TEXT); /* what does not fit is left out whole */
	buf_init(&item, BUF_UNBOUNDED);
	(void)buf_puts(&title, "assize: ");
	notice_title(&title, n);
	(void)buf_puts(&all, title.data);
	json_writer_init(&w, out, false);
	json_open(&w, NULL, '{');
	json_open(&w, "blocks", '[');
	put_header(&w, title.data);
	for (size_t i = 0; i < shown; i++) {
		buf_reset(&item);
		put_item(&item, &n->items[i]);
		put_section(&w, item.data);
		(void)buf_printf(&all, "\n%s", item.data);
	}
	put_context(&w, v, n->n_total - (int64_t)shown);
	json_close(&w, ']');
	json_put_text(&w, "text", all.data);
	json_close(&w, '}');
	buf_release(&item);
	buf_release(&all);
	buf_release(&title);
}
