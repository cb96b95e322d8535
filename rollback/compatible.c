/*
 * compatible: would the release still find what it needs?
 *
 * The tag's own definition, as it was just restored, says what its code relies on: columns, books
 * of migrations, values in a table. The set names the checks; they are run against today's targets
 * by whoever asked for the verification (former.h). A schema that moved on without the release is
 * disproof: one cannot go back to it as things are.
 */
#include "rollback/room.h"

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/model/former.h"

int compatible_run(struct verification *v, struct step *s)
{
	const struct former_request ask = {
		.set = v->set,
		.tag = v->tag,
		.root = arena_printf(v->a, "%s/tree", v->scratch),
		.deadline_ms = v->req->deadline_ms,
	};
	struct former_result *results;
	struct err e = {0};
	size_t n;

	if (!v->req->former)
		return step_find(s, OUTCOME_UNDECIDED, NULL,
				 "the checks of a tag cannot be run from here");
	if (v->req->former(v->req->former_ctx, v->a, &ask, &results, &n, &e) < 0)
		return step_find(s, OUTCOME_UNDECIDED, *e.help ? e.help : NULL, "%s", e.message);
	for (size_t i = 0; i < n; i++) {
		const struct former_result *r = &results[i];

		s->order = i;
		if (r->note)
			step_note(s, "%s", r->note);
		if (!outcome_is_passing(r->outcome) || r->finding)
			step_find(s, r->outcome, r->remedy, "%s: %s", r->check,
				  r->finding ? r->finding : outcome_name(r->outcome));
		else
			step_note(s, "%s: passes as %s has it", r->check, v->tag);
	}
	return step_is_passing(s) ? 0 : -1;
}
