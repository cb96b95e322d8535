/*
 * Override (break-glass): a recorded word of somebody that this gate opens for this subject until a
 * moment, whatever it says.
 *
 * It lets failures and undecided lines through alike, since it says openly that it does; every line
 * stays as it is, and so does the outcome. It does not let through what an absolute check says, and
 * it does not make a gate out of one that asks for nothing.
 */
#include <inttypes.h>
#include <string.h>

#include "gates/lines.h"
#include "gates/refuse.h"
#include "runner/base/arena.h"
#include "runner/base/str.h"
#include "runner/io/digest.h"

static bool is_about(const struct override *o, const struct gate_input *in)
{
	/* "any" is nothing that is released: nobody can answer for all of it */
	return in->subject != NULL && in->subject[0] != '\0' && strcmp(in->subject, "any") != 0 &&
	       str_equal(o->subject, in->subject) && str_equal(o->gate, in->gate->name);
}

/* Of a definition that was edited since, or is written elsewhere: one of the two is the same. */
static bool is_of_another(const struct gate_input *in, const struct override *o)
{
	char digest[SHA256_HEX];

	sha256_hex(in->definition_digest, digest);
	return in->definition_file != NULL && o->definition_file != NULL &&
	       !str_equal(o->definition_file, in->definition_file) &&
	       !str_equal(o->definition, digest);
}

bool override_is_too_long(const struct override *o)
{
	return o->until_ms <= o->at_ms ||
	       (uint64_t)o->until_ms - (uint64_t)o->at_ms > GATE_MAX_OVERRIDE_MS;
}

/* Why it does not count now; NULL = it counts. */
static const char *objection(struct lines *l, const struct gate_input *in, const struct override *o)
{
	if (refuse_is_future(o->at_ms, in->now_ms))
		return arena_printf(l->arena, "does not count: dated %s",
				    lines_age(l, o->at_ms, in->now_ms));
	if (override_is_too_long(o))
		return "does not count: it is longer than 24 h, or over before it began";
	if (is_of_another(in, o))
		return arena_printf(l->arena,
				    "does not count: it is about the gate of another definition, "
				    "%s",
				    o->definition_file);
	if (refuse_is_moved(in, o->subject, o->subject_commit))
		return arena_printf(l->arena, "does not count: it is about %s: \"%s\" %s",
				    refuse_moved_what(in), o->subject,
				    refuse_moved_text(l->arena, in, o->subject_commit));
	if (in->now_ms >= o->until_ms)
		return arena_printf(l->arena, "ended %s", lines_age(l, o->until_ms, in->now_ms));
	return NULL;
}

static void say(struct lines *l, const struct override *o, const char *what)
{
	(void)lines_add(
		l, "", OUTCOME_WARN, false,
		arena_printf(l->arena, "override %" PRId64 " by %s %s", o->id, o->actor, what));
}

/* The newest one that counts; what stands against the newest one is said when none does. */
static const struct override *find(struct lines *l, const struct gate_input *in)
{
	const struct override *newest = NULL;
	const char *why = NULL;

	for (size_t i = 0; i < in->n_overrides; i++) {
		const struct override *o = &in->overrides[i];
		const char *against;

		if (!is_about(o, in))
			continue;
		against = objection(l, in, o);
		if (against == NULL)
			return o;
		if (newest == NULL) {
			newest = o;
			why = against;
		}
	}
	if (newest != NULL)
		say(l, newest, why);
	return NULL;
}

static bool has_absolute(const struct gate_pasts *past, const char *check)
{
	for (size_t i = 0; i < past->n; i++)
		if (str_equal(past->items[i].check->name, check))
			return past->items[i].check->is_absolute;
	return false;
}

/* Is a line of this name about an absolute check, as evidence or as the past of a rule? */
static bool is_absolute(const struct gate_input *in, const char *check)
{
	for (size_t i = 0; i < in->n_items; i++)
		if (str_equal(in->items[i].check->name, check))
			return in->items[i].check->is_absolute;
	for (size_t i = 0; i < in->n_baselines; i++)
		if (has_absolute(&in->baselines[i].past, check))
			return true;
	return false;
}

/* Is a line that of a budget which an absolute check spends? */
static bool is_absolute_budget(const struct gate_input *in, const struct decision_line *line)
{
	for (size_t i = 0; i < in->n_budgets && str_equal(line->check, "budget"); i++) {
		const struct gate_budget *b = &in->budgets[i];

		if (line->line != b->rule->pos.line || line->col != b->rule->pos.col ||
		    !str_equal(line->file, b->rule->pos.file))
			continue;
		for (size_t k = 0; k < b->past.n; k++)
			if (b->past.items[k].check->is_absolute)
				return true;
	}
	return false;
}

void override_rule_apply(struct lines *l, const struct gate_input *in, struct decision *out)
{
	const struct override *o = find(l, in);
	bool is_let = true;

	if (o == NULL)
		return;
	if (!gate_requires(in)) {
		say(l, o, "does not count: the gate requires nothing");
		return;
	}
	if (clock_rule_is_broken(in) && o->seq < in->latest.seq) {
		say(l, o,
		    arena_printf(l->arena, "does not count: it was recorded before that %s",
				 in->latest.what));
		return;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct decision_line *line = &l->items[i];

		if (!decision_line_shuts(line) ||
		    !(is_absolute(in, line->check) || is_absolute_budget(in, line) ||
		      (line->is_absolute && !gate_is_before_edition(in, 2))))
			continue;
		line->text = arena_printf(
			l->arena,
			"%s; override %" PRId64 " does not let it through: %s is absolute",
			line->text, o->id,
			line->is_absolute ? "a check that rests on it" : "the check");
		is_let = false;
	}
	if (!is_let)
		return;
	out->is_open = true;
	out->override = o;
}
