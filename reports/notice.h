/*
 * notice: a message about what changed, in the languages of those who are told.
 *
 * All are functions of the notice and its run alone, bounded in size whatever names and reasons
 * hold: at most so many transitions in full, then a count of the rest. No text is trusted: control
 * and bidirectional characters are made visible, the language's own characters escaped.
 */
#ifndef ASSIZE_REPORTS_NOTICE_H
#define ASSIZE_REPORTS_NOTICE_H

#include <stdint.h>

#include "runner/history/record.h"

struct buf;

struct notice_view {
	const struct notice *notice;
	const struct run_info *run; /* NULL = it is about none */
	const char *definition;	    /* as shown */
	int64_t now_ms;
	int64_t lasts_ms; /* Alertmanager: how long an alert stands that is not told again */
};

/* "2 failures, 1 recovery", of all there were. */
void notice_title(struct buf *out, const struct notice *n);

/* notify/1, documented in assize.yaml(5). */
void notice_json(struct buf *out, const struct notice_view *v);
/* Block Kit, with the same as text for whoever knows no blocks. */
void notice_slack(struct buf *out, const struct notice_view *v);
/* The body of POST /api/v2/alerts: one alert each, all of them. */
void notice_alerts(struct buf *out, const struct notice_view *v);
/* Lines of plain text. */
void notice_text(struct buf *out, const struct notice_view *v);

/* ---- shared by the formats ---- */
/* "orders/rows{region="eu"}", "gate release", "run 12". */
void notice_what(struct buf *out, const struct transition *t);
/* What to type for more; nothing when there is nothing to ask. */
void notice_explain(struct buf *out, const struct transition *t);

#endif
