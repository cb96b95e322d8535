/*
 * Dependencies: another gate must have been decided open, lately, about this very subject, under
 * this very definition: the same files, and what variables have made of them.
 *
 * The newest decision counts, whatever an older one said. A dependency that was disproved is
 * disproved; everything else that is not open is undecided, and its remedy is to ask that gate.
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
	if (d->override != NULL && !p->on->is_overridden_accepted)
		return arena_printf(l->arena, "was overridden by %s %s", d->override->actor, age);
	if (!d->is_open)
		*outcome = d->outcome == OUTCOME_FAIL ? OUTCOME_FAIL : OUTCOME_UNDECIDED;
	return d->is_open ? NULL
			  : arena_printf(l->arena, "was decided shut (%s) %s",
					 outcome_name(d->outcome), age);
}

static void decide(struct lines *l, const struct gate_input *in, const struct gate_opened *p)
{
	enum outcome outcome = OUTCOME_PASS;
	const char *why = objection(l, in, p, &outcome);
	const char *text = why != NULL ? why
				       : arena_printf(l->arena, "was decided open %s",
						      lines_age(l, p->newest->at_ms, in->now_ms));
	struct decision_line *line =
		lines_add(l, "depends_on", why != NULL ? outcome : OUTCOME_PASS, true, text);

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
