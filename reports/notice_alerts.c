/*
 * Alertmanager: its API v2 (api/v2/openapi.yaml, postableAlerts).
 *
 * An alert is known by its labels, so these are what stays the same while it stands: what it is
 * about, not how it is (a series that failed and can no longer be measured is one alert). An alert
 * without an end is over after resolve_timeout, minutes later; these are told once and say how long
 * they stand unless their recovery is told first.
 */
#include <inttypes.h>
#include <string.h>

#include "reports/notice.h"
#include "reports/text.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/io/json.h"
#include "runner/model/notify.h"

#define MOMENT_MS  (INT64_C(3600) * 1000) /* what is over when it is told stands so long */
#define ORIGIN_LEN 12

/* Buffers here are unbounded and never refuse, hence the (void) before every append. */

/* A label without a value is no label. */
static void put(struct json_writer *w, const char *name, const char *value)
{
	if (value != NULL && value[0] != '\0')
		json_put_text(w, name, value);
}

static void put_number(struct json_writer *w, const char *name, int64_t v)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_printf(&b, "%" PRId64, v);
	json_put_text(w, name, b.data);
	buf_release(&b);
}

static void put_built(struct json_writer *w, const char *name, const struct transition *t,
		      void (*build)(struct buf *, const struct transition *))
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	build(&b, t);
	put(w, name, b.data);
	buf_release(&b);
}

static const char *alert_name(const struct transition *t)
{
	switch (t->kind) {
	case TRANSITION_RECOVERY:
		if (transition_is_of_gate(t))
			return "AssizeGate";
		return t->was == TRANSITION_BIT(TRANSITION_OVERDUE) ? "AssizeOverdue"
								    : "AssizeCheck";
	case TRANSITION_FAILURE:
	case TRANSITION_UNDECIDED:
		return "AssizeCheck";
	case TRANSITION_OVERDUE:
		return "AssizeOverdue";
	case TRANSITION_INCOMPLETE:
		return "AssizeRun";
	case TRANSITION_GATE_SHUT:
	case TRANSITION_GATE_OPEN:
		return "AssizeGate";
	case TRANSITION_TEST:
		return "AssizeTest";
	}
	return "";
}

static void put_labels(struct json_writer *w, const struct notice_view *v,
		       const struct transition *t)
{
	bool is_gate = transition_is_of_gate(t);
	const char *slash = strchr(t->check, '/'), *key = v->notice->key;

	json_open(w, "labels", '{');
	json_put_text(w, "alertname", alert_name(t));
	if (key != NULL) /* two records may know checks of the same name */
		json_put_text_n(w, "record", key,
				strcspn(key, "/") < ORIGIN_LEN ? strcspn(key, "/") : ORIGIN_LEN);
	put(w, is_gate ? "gate" : "check", t->check);
	if (slash != NULL)
		json_put_text_n(w, "audit", t->check, (size_t)(slash - t->check));
	put(w, "series", t->series);
	if (t->kind == TRANSITION_INCOMPLETE)
		put_number(w, "run", t->run_id);
	put_number(w, "severity", t->severity);
	put(w, "owner", t->owner);
	json_close(w, '}');
}

static void put_summary(struct buf *out, const struct transition *t)
{
	(void)buf_printf(out, "%s: ", transition_name(t->kind));
	notice_what(out, t);
	if (t->value[0] != '\0') {
		(void)buf_puts(out, ", ");
		text_put(out, t->value);
	}
	if (t->bound[0] != '\0') {
		(void)buf_puts(out, ", bound ");
		text_put(out, t->bound);
	}
}

static void put_definition(struct buf *out, const struct transition *t)
{
	if (t->file != NULL)
		(void)buf_printf(out, "%s:%" PRId64 ":%" PRId64, t->file, t->line, t->col);
}

static void put_annotations(struct json_writer *w, const struct transition *t)
{
	json_open(w, "annotations", '{');
	put_built(w, "summary", t, put_summary);
	put(w, "title", t->title);
	json_put_text(w, "outcome", outcome_name(t->outcome));
	put(w, "value", t->value);
	put(w, "bound", t->bound);
	put(w, "reason", t->reason);
	put(w, "subject", t->subject);
	if (t->run_id != 0)
		put_number(w, "run", t->run_id);
	put_built(w, "definition", t, put_definition);
	put_built(w, "explain", t, notice_explain);
	json_close(w, '}');
}

/* When it is over, unless it is told again. */
static int64_t end_of(const struct notice_view *v, const struct transition *t)
{
	switch (t->kind) {
	case TRANSITION_GATE_OPEN:
		if (!outcome_is_passing(t->outcome)) /* overridden: it stands, with the reason */
			break;
		return t->at_ms;
	case TRANSITION_RECOVERY:
		return t->at_ms;
	case TRANSITION_INCOMPLETE:
	case TRANSITION_TEST:
		return v->now_ms + MOMENT_MS;
	case TRANSITION_FAILURE:
	case TRANSITION_UNDECIDED:
	case TRANSITION_OVERDUE:
	case TRANSITION_GATE_SHUT:
		break;
	}
	return v->now_ms + v->lasts_ms;
}

static bool is_url(const char *s)
{
	return (str_starts(s, "http://") || str_starts(s, "https://")) &&
	       !strpbrk(s, " \t\r\n\"<>");
}

void notice_alerts(struct buf *out, const struct notice_view *v)
{
	const struct notice *n = v->notice;
	struct json_writer w;

	json_writer_init(&w, out, false);
	json_open(&w, NULL, '[');
	for (size_t i = 0; i < n->n; i++) {
		const struct transition *t = &n->items[i];
		int64_t end = end_of(v, t), start = t->since_ms >= 0 ? t->since_ms : t->at_ms;

		json_open(&w, NULL, '{');
		put_labels(&w, v, t);
		put_annotations(&w, t);
		text_json_time(&w, "startsAt", start <= end ? start : end);
		text_json_time(&w, "endsAt", end);
		if (v->run != NULL && is_url(v->run->job_url))
			json_put_text(&w, "generatorURL", v->run->job_url);
		json_close(&w, '}');
	}
	json_close(&w, ']');
}
