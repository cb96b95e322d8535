/*
 * Dependencies: another gate must have been decided open, lately, about this very subject, under
 * this very definition: the same files, and what variables have made of them.
 *
 * The newest decision counts, whatever an older one said. A dependency that was disproved is
 * disproved; everything else that is not open is undecided, and its remedy is to ask that gate.
 * An override and waivers let through until a moment that was said beforehand. A decision that one
 * of them opened counts until then and no longer, and is told as what it is: otherwise one gate
 * would keep open at another what is over at itself. So does one that rests on such a decision, by
 * however many gates between.
 *
 * Another gate's word is never evidence of its own: a gate that requires nothing else stays shut.
 */
#include <string.h>

#include "gates/lines.h"
#include "gates/refuse.h"
#include "runner/base/arena.h"
#include "runner/base/str.h"

static bool is_same_definition(const struct gate_input *in, const struct decision *d)
{
	return memcmp(in->definition_digest, d->definition_digest, sizeof(d->definition_digest)) ==
	       0;
}

/* The requirement whose waiver expires first; NULL = none was waived. */
static const struct waived *first_waiver(const struct decision *d)
{
	const struct waived *first = NULL;

	for (size_t i = 0; i < d->n_lines; i++) {
		const struct waived *w = d->lines[i].waived;

		if (w != NULL && d->lines[i].is_hard &&
		    (first == NULL || w->expires_ms < first->expires_ms))
			first = w;
	}
	return first;
}

int64_t gate_opened_until(const struct decision *d)
{
	const struct waived *w = first_waiver(d);

	if (d->override != NULL)
		return d->override->until_ms;
	return w != NULL ? w->expires_ms : INT64_MAX;
}

/* What let it through was for a time, and that is over; NULL = it is not. */
static const char *ended_itself(struct lines *l, const struct gate_input *in,
				const struct decision *d)
{
	const char *age;

	if (in->now_ms < gate_opened_until(d))
		return NULL;
	age = lines_age(l, gate_opened_until(d), in->now_ms);
	return d->override != NULL
		       ? arena_printf(l->arena, "was opened by an override of %s, which ended %s",
				      d->override->actor, age)
		       : arena_printf(l->arena, "was opened with waiver %s, which expired %s",
				      first_waiver(d)->id, age);
}

/* The same of it and all it rests on. */
static const char *ended(struct lines *l, const struct gate_input *in, const struct gate_opened *p)
{
	const char *why = gate_is_before_edition(in, 2) ? NULL : ended_itself(l, in, p->newest);

	if (why != NULL || p->lender == NULL || gate_is_before_edition(in, 3))
		return why;
	why = ended_itself(l, in, p->lender);
	return why != NULL ? arena_printf(l->arena, "rests on gate \"%s\", which %s",
					  p->lender->gate, why)
			   : NULL;
}

/* What stands against the newest decision; NULL = it counts and is open. */
static const char *objection(struct lines *l, const struct gate_input *in,
			     const struct gate_opened *p, enum outcome *outcome)
{
	const struct decision *d = p->newest;
	const char *age;

	*outcome = OUTCOME_UNDECIDED;
	if (d == NULL || !str_equal(d->gate, p->on->gate) || !str_equal(d->subject, in->subject))
		return arena_printf(l->arena, "was never decided about \"%s\"",
				    in->subject != NULL ? in->subject : "");
	age = lines_age(l, d->at_ms, in->now_ms);
	if (refuse_is_future(d->at_ms, in->now_ms))
		return arena_printf(l->arena, "was decided %s: a clock is wrong", age);
	if (refuse_is_stale(d->at_ms, in->now_ms, p->on->within_ms))
		return arena_printf(l->arena, "was decided %s, limit %s", age,
				    lines_duration(l, p->on->within_ms));
	if (!is_same_definition(in, d) && d->is_open) /* what is shut is shut under any */
		return arena_printf(
			l->arena, "was decided %s under another definition or with other variables",
			age);
	if (p->is_other_policy && d->is_open)
		return arena_printf(l->arena,
				    "was decided %s by other rules or with other variables", age);
	if (refuse_is_moved(in, d->subject, p->subject_commit) && d->is_open)
		return arena_printf(l->arena, "was decided %s about %s: \"%s\" %s", age,
				    refuse_moved_what(in), d->subject,
				    refuse_moved_text(l->arena, in, p->subject_commit));
	if (d->override != NULL && !p->on->is_overridden_accepted)
		return arena_printf(l->arena, "was overridden by %s %s", d->override->actor, age);
	if (!d->is_open)
		*outcome = d->outcome == OUTCOME_FAIL ? OUTCOME_FAIL : OUTCOME_UNDECIDED;
	return d->is_open ? ended(l, in, p)
			  : arena_printf(l->arena, "was decided shut (%s) %s",
					 outcome_name(d->outcome), age);
}

/* Of one that counts: let through is no pass, here as there. */
static const char *open_text(struct lines *l, const struct gate_input *in,
			     const struct gate_opened *p, enum outcome *outcome)
{
	const struct decision *d = p->newest;
	const char *text =
		arena_printf(l->arena, "was decided open %s", lines_age(l, d->at_ms, in->now_ms));

	*outcome = OUTCOME_PASS;
	if (gate_is_before_edition(in, 2))
		return text;
	if (d->override == NULL && decision_waived(d) == 0) {
		if (p->lender == NULL || gate_is_before_edition(in, 3))
			return text;
		d = p->lender;
		text = arena_printf(l->arena, "%s, resting on gate \"%s\"", text, d->gate);
	}
	*outcome = OUTCOME_WARN;
	return d->override != NULL
		       ? arena_printf(l->arena, "%s, overridden by %s", text, d->override->actor)
		       : arena_printf(l->arena, "%s, with %zu waived", text, decision_waived(d));
}

static void decide(struct lines *l, const struct gate_input *in, const struct gate_opened *p)
{
	enum outcome outcome;
	const char *why = objection(l, in, p, &outcome);
	const char *text = why != NULL ? why : open_text(l, in, p, &outcome);
	struct decision_line *line = lines_add(l, "depends_on", outcome, true, text);

	line->series = p->on->gate;
	line->file = p->on->pos.file;
	line->line = p->on->pos.line;
	line->col = p->on->pos.col;
	if (why != NULL && in->subject != NULL)
		line->remedy = arena_printf(l->arena, "assize gate %s --subject %s", p->on->gate,
					    lines_word(l, in->subject));
}

void depends_rule_decide(struct lines *l, const struct gate_input *in)
{
	for (size_t i = 0; i < in->n_depends; i++)
		decide(l, in, &in->depends[i]);
}
