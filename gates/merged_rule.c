/*
 * Evidence that was merged from a record nobody trusted had signed for: whoever had the file can
 * have written it. Where the definition says whose signature counts, it does not; where it does not
 * say so, what the gate rests on is told.
 */
#include <inttypes.h>

#include "gates/lines.h"
#include "runner/base/arena.h"

static void decide(struct lines *l, const struct gate_input *in, const struct gate_merged *x)
{
	const char *runs = x->n_runs == 1
				   ? arena_printf(l->arena, "run %" PRId64 " was", x->run_id)
				   : arena_printf(l->arena, "run %" PRId64 " and %zu more were",
						  x->run_id, x->n_runs - 1);
	const char *text = arena_printf(l->arena, "%s merged (merge %" PRId64 " of %s), and %s",
					runs, x->merge_id, x->origin,
					x->is_own_key ? "vouched for by its own key only"
						      : "nobody vouched for it");
	struct decision_line *line =
		lines_add(l, "merged", in->is_trust_named ? OUTCOME_UNDECIDED : OUTCOME_PASS,
			  in->is_trust_named && x->is_hard, text);

	line->is_absolute = x->is_absolute;
	line->run_id = x->run_id;
	line->file = in->gate->pos.file;
	line->line = in->gate->pos.line;
	line->col = in->gate->pos.col;
	if (in->is_trust_named)
		line->remedy = "merge it, signed with a key that is trusted, into a new record";
}

void merged_rule_decide(struct lines *l, const struct gate_input *in)
{
	for (size_t i = 0; i < in->n_merged; i++)
		decide(l, in, &in->merged[i]);
}
