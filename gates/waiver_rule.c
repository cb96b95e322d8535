/*
 * Waivers: a failure somebody answers for does not keep a gate shut until a moment that was said
 * beforehand.
 *
 * Only a failure that was measured, and that nothing refuses, can be waived: what could not be
 * measured is unknown, and nobody can answer for that. The line keeps its outcome and its words;
 * it counts neither for nor against the gate, so that a gate cannot open on waivers alone. What the
 * loader refuses (absolute checks, a waiver longer than the gate allows) is refused here once more,
 * since this is where it would do harm.
 */
#include <string.h>

#include "gates/lines.h"
#include "gates/refuse.h"
#include "runner/base/arena.h"
#include "runner/base/str.h"

static bool names(const struct waiver *w, const char *check, const char *series)
{
	return str_equal(w->check->name, check) &&
	       (w->series == NULL || str_equal(w->series, series));
}

/* Why it does not count now; NULL = it counts. */
static const char *objection(struct lines *l, const struct gate_input *in, const struct waiver *w)
{
	if (w->check->is_absolute)
		return "does not count: the check is absolute";
	if (w->granted_ms >= w->expires_ms)
		return "does not count: it expires before it is granted";
	if ((uint64_t)w->expires_ms - (uint64_t)w->granted_ms > (uint64_t)in->gate->max_waiver_ms)
		return arena_printf(l->arena, "does not count: it is longer than %s",
				    lines_duration(l, in->gate->max_waiver_ms));
	if (refuse_is_future(w->granted_ms, in->now_ms))
		return arena_printf(l->arena, "does not count yet: granted %s",
				    lines_age(l, w->granted_ms, in->now_ms));
	if (in->now_ms >= w->expires_ms)
		return arena_printf(l->arena, "expired %s",
				    lines_age(l, w->expires_ms, in->now_ms));
	return NULL;
}

static const struct waived *waived_by(struct lines *l, const struct waiver *w)
{
	struct waived *out = arena_alloc(l->arena, sizeof(*out));

	*out = (struct waived){
		.id = w->id,
		.owner = w->owner,
		.reason = w->reason,
		.ticket = w->ticket,
		.granted_ms = w->granted_ms,
		.expires_ms = w->expires_ms,
	};
	return out;
}

void waiver_rule_apply(struct lines *l, const struct gate_input *in, const struct gate_item *item,
		       struct decision_line *line)
{
	const char *said = line->text;

	if (line->outcome != OUTCOME_FAIL)
		return;
	for (size_t i = 0; i < in->n_waivers; i++) {
		const struct waiver *w = in->waivers[i];
		const char *why;

		if (!waiver_is_of_gate(w, in->gate) || !names(w, item->check->name, line->series))
			continue;
		why = objection(l, in, w);
		if (why == NULL) {
			line->waived = waived_by(l, w);
			return;
		}
		said = arena_printf(l->arena, "%s; waiver %s %s", said, w->id, why);
	}
	line->text = said;
}

static void advise(struct lines *l, const struct waiver *w, const char *what)
{
	struct decision_line *line = lines_add(l, w->check->name, OUTCOME_WARN, false,
					       arena_printf(l->arena, "waiver %s %s", w->id, what));

	line->series = w->series != NULL ? w->series : "";
	line->file = w->pos.file;
	line->line = w->pos.line;
	line->col = w->pos.col;
}

/* Was anything said about the waiver, because something it names fails? */
static bool has_failure(const struct lines *l, size_t n, const struct waiver *w)
{
	for (size_t i = 0; i < n; i++)
		if (l->items[i].outcome == OUTCOME_FAIL &&
		    names(w, l->items[i].check, l->items[i].series))
			return true;
	return false;
}

/*
 * A pass that was measured, of the gate's own: another gate's word is nothing to open on, nor is a
 * rule about history, which speaks of other runs than the one that is waived, or of values that
 * never passed.
 */
static bool has_evidence(const struct lines *l, const struct gate_input *in)
{
	size_t end = gate_is_before_edition(in, 3) ? l->end_streak : l->end_history;

	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].is_hard && l->items[i].run_id != 0 &&
		    (i < l->first_streak || i >= end) && outcome_is_passing(l->items[i].outcome))
			return true;
	return false;
}

static bool has_pass(const struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].is_hard && outcome_is_passing(l->items[i].outcome))
			return true;
	return false;
}

static bool has_waived(const struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].is_hard && l->items[i].waived != NULL)
			return true;
	return false;
}

#define MAX_SHOWN 5

/* That the check was measured and has no series of this name; NULL = it has, or nobody knows. */
static const char *no_series(struct lines *l, const struct gate_input *in, const struct waiver *w)
{
	const struct gate_item *item = NULL;
	const char *has = "";

	for (size_t i = 0; i < in->n_items && item == NULL; i++)
		if (str_equal(in->items[i].check->name, w->check->name))
			item = &in->items[i];
	if (gate_is_before_edition(in, 2) || w->series == NULL || item == NULL ||
	    item->n_evidence == 0)
		return NULL;
	for (size_t i = 0; i < item->n_evidence; i++) {
		const char *series = item->evidence[i].result.series;

		if (str_equal(series, w->series))
			return NULL;
		if (i < MAX_SHOWN)
			has = arena_printf(l->arena, "%s%s%s", has, i > 0 ? ", " : "",
					   series == NULL || *series == '\0' ? "one without a name"
									     : series);
	}
	if (item->n_evidence > MAX_SHOWN)
		has = arena_printf(l->arena, "%s and %zu more", has, item->n_evidence - MAX_SHOWN);
	return arena_printf(l->arena, "does not count: the check has no series \"%s\", it has %s",
			    w->series, has);
}

void waiver_rule_close(struct lines *l, const struct gate_input *in)
{
	size_t n = l->n;

	for (size_t i = 0; i < in->n_waivers; i++) {
		const struct waiver *w = in->waivers[i];
		const char *why;

		if (!waiver_is_of_gate(w, in->gate) || has_failure(l, n, w))
			continue;
		why = objection(l, in, w);
		why = why != NULL ? why : no_series(l, in, w);
		advise(l, w, why != NULL ? why : "is not needed: nothing it names fails");
	}
	if (has_waived(l) && !has_evidence(l, in))
		(void)lines_add(l, "", OUTCOME_UNDECIDED, true,
				has_pass(l) ? "every check that is required is waived, and what "
					      "passes besides is nothing to open on"
					    : "every requirement is waived: there is nothing to "
					      "open on");
}
