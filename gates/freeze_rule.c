/*
 * Freezes: inside a window of the calendar the gate is shut, whatever was proven.
 *
 * That is a failure and not undecided: nothing is missing, and measuring again would not help; the
 * definition says no until the window ends. A window nobody can place in time is undecided.
 */
#include "gates/lines.h"

#include "runner/base/arena.h"
#include "runner/base/utc.h"

static const char *text_of(struct lines *l, const struct gate_window *w, int64_t now_ms)
{
	char until[UTC_MAX];

	if (w->error != NULL)
		return arena_printf(l->arena, "could not tell whether the gate is frozen: %s",
				    w->error);
	(void)utc_format(w->to_ms, 0, until);
	return arena_printf(l->arena, "frozen until %s, which is %s: %s", until,
			    lines_age(l, w->to_ms, now_ms), w->freeze->reason);
}

void freeze_rule_decide(struct lines *l, const struct gate_input *in)
{
	for (size_t i = 0; i < in->n_windows; i++) {
		const struct gate_window *w = &in->windows[i];
		bool is_inside = in->now_ms >= w->from_ms && in->now_ms < w->to_ms;
		struct decision_line *line;

		if (w->error == NULL && !is_inside)
			continue;
		line = lines_add(l, "freeze", w->error != NULL ? OUTCOME_UNDECIDED : OUTCOME_FAIL,
				 true, text_of(l, w, in->now_ms));
		line->file = w->freeze->pos.file;
		line->line = w->freeze->pos.line;
		line->col = w->freeze->pos.col;
	}
}
