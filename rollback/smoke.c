/*
 * smoke: does what was restored run?
 *
 * Running is the business of a room above; here is what it is given, and that it left the restored
 * tree as it was. A sandbox keeps the tree from being written, so only where there was none, or not
 * a whole one, the tree is compared with the tag once more.
 */
#include "rollback/room.h"

int smoke_run(struct verification *v, struct step *s)
{
	const struct rollback_place place = room_place(v);
	struct rollback_found found = {.outcome = OUTCOME_UNDECIDED};

	if (!v->req->smoke)
		return step_find(s, OUTCOME_UNDECIDED, "assize rollback verify",
				 "nothing here can run the smoke test");
	v->req->smoke(v->req->look_ctx, &place, &found);
	if (found.note)
		step_note(s, "%s", found.note);
	if (found.outcome != OUTCOME_PASS)
		step_find(s, found.outcome, found.remedy, "%s",
			  found.finding ? found.finding : outcome_name(found.outcome));
	return found.may_have_written ? compare_run(v, s) : 0;
}
