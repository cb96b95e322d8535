/*
 * The record itself: it must be what was recorded, as far as anybody can tell, and its history must
 * have been put where its keeper cannot change it, lately.
 *
 * A record that is not what was recorded is a failure; one that could not be verified, is in doubt,
 * or is anchored nowhere, too long ago or in the future is undecided. So is a gate that rests on
 * what no key that is trusted has signed for: whoever took the key away wrote it, for all that is
 * known. That the record is whole says nothing about what is in it: a gate that requires nothing
 * else stays shut.
 */
#include <inttypes.h>

#include "gates/lines.h"
#include "gates/refuse.h"
#include "runner/base/arena.h"

/* What stands against the anchors; NULL = nothing. */
static const char *not_anchored(struct lines *l, const struct gate_ledger *x, int64_t now_ms)
{
	const char *age;

	if (x->anchored_within_ms == 0)
		return NULL;
	if (x->anchored <= 0 || x->anchored_ms <= 0)
		return "no anchor vouches for the record";
	age = lines_age(l, x->anchored_ms, now_ms);
	if (refuse_is_future(x->anchored_ms, now_ms))
		return arena_printf(l->arena, "the record was anchored %s: a clock is wrong", age);
	if (refuse_is_stale(x->anchored_ms, now_ms, x->anchored_within_ms))
		return arena_printf(l->arena, "the record was anchored %s, limit %s", age,
				    lines_duration(l, x->anchored_within_ms));
	return NULL;
}

/* What stands against the evidence; NULL = nothing. */
static const char *not_signed(struct lines *l, const struct gate_unsigned *x)
{
	const char *by = "signed for by no key that is trusted";

	if (x->n_runs > 1)
		return arena_printf(l->arena, "run %" PRId64 " and %zu more are %s", x->run_id,
				    x->n_runs - 1, by);
	if (x->n_runs == 1)
		return arena_printf(l->arena, "run %" PRId64 " is %s", x->run_id, by);
	if (x->decided != NULL)
		return arena_printf(l->arena, "the decision of gate \"%s\" is %s", x->decided, by);
	return NULL;
}

static const char *whole_text(struct lines *l, const struct gate_ledger *x, int64_t now_ms)
{
	const char *whole =
		arena_printf(l->arena, "%" PRId64 " records are what was recorded", x->size);

	if (x->anchored_within_ms == 0)
		return whole;
	return arena_printf(l->arena, "%s, %" PRId64 " of them anchored %s", whole, x->anchored,
			    lines_age(l, x->anchored_ms, now_ms));
}

void ledger_rule_decide(struct lines *l, const struct gate_input *in)
{
	const struct gate_ledger *x = in->ledger;
	enum outcome outcome = OUTCOME_UNDECIDED;
	const char *text, *remedy = "assize ledger verify";
	struct decision_line *line;
	bool is_absolute = false;

	if (x == NULL)
		return;
	if (x->error != NULL) {
		text = arena_printf(l->arena, "the record could not be verified: %s", x->error);
	} else if (x->n_broken > 0) {
		outcome = OUTCOME_FAIL;
		text = arena_printf(l->arena, "the record is not what was recorded: %s",
				    x->finding != NULL ? x->finding : "");
	} else if (x->n_doubts > 0) {
		text = arena_printf(l->arena, "the record is in doubt: %s",
				    x->finding != NULL ? x->finding : "");
	} else if ((text = not_signed(l, &in->not_signed)) != NULL) {
		remedy = "assize ledger checkpoint";
		is_absolute = in->not_signed.is_absolute;
	} else if ((text = not_anchored(l, x, in->now_ms)) != NULL) {
		remedy = "assize ledger anchor";
	} else {
		outcome = OUTCOME_PASS;
		text = whole_text(l, x, in->now_ms);
		remedy = NULL;
	}
	line = lines_add(l, "ledger", outcome, true, text);
	line->is_absolute = is_absolute;
	line->remedy = remedy;
	line->file = x->pos.file;
	line->line = x->pos.line;
	line->col = x->pos.col;
}
