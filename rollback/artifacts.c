/*
 * artifacts: what was built of the tag is still there, sound, and the same as ever.
 *
 * Looking into archives and images is the business of a room above; here each is asked for, and its
 * digest compared with the first good one that was recorded for this tag: the same tree built again
 * into other bytes is another artifact, whoever built it.
 */
#include "rollback/room.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"

static const struct artifact_digest *first_seen(const struct verification *v, const char *name)
{
	const struct pin *pin = v->set->is_pinned ? v->req->pin : NULL;

	for (size_t i = 0; pin && i < pin->n_artifacts; i++)
		if (strcmp(pin->artifacts[i].name, name) == 0)
			return &pin->artifacts[i];
	return NULL;
}

/* A good one: is it the one that was seen first? */
static void compare_first(struct verification *v, struct step *s,
			  const struct rollback_found *found)
{
	const struct artifact_digest *first = first_seen(v, found->name);
	const char *name = str_escaped(v->a, found->name);

	if (first && strcmp(first->digest, found->digest) != 0) {
		(void)step_find(
			s, OUTCOME_FAIL,
			arena_printf(v->a,
				     "put back the one with sha256 %s, or release the new "
				     "build under a tag of its own",
				     first->digest),
			"\"%s\" has other bytes than when it was recorded first: sha256 %s, "
			"not %s",
			name, found->digest, first->digest);
		return;
	}
	step_note(s, "%s sha256 %s", name, found->digest);
	v->out->artifacts[v->out->n_artifacts++] =
		(struct artifact_digest){.name = found->name, .digest = found->digest};
}

static void look_at(struct verification *v, struct step *s, const struct rollback_place *place,
		    size_t i)
{
	struct rollback_found found = {.outcome = OUTCOME_UNDECIDED};

	s->order = i;
	v->req->artifact(v->req->look_ctx, place, i, &found);
	if (found.note)
		step_note(s, "%s", found.note);
	if (found.outcome == OUTCOME_PASS && found.name && found.digest)
		compare_first(v, s, &found);
	else if (found.outcome != OUTCOME_PASS)
		(void)step_find(s, found.outcome, found.remedy, "%s",
				found.finding ? found.finding : outcome_name(found.outcome));
}

int artifacts_run(struct verification *v, struct step *s)
{
	const struct rollback_place place = room_place(v);

	if (!v->req->artifact)
		return step_find(s, OUTCOME_UNDECIDED, "assize rollback verify",
				 "nothing here can look at artifacts");
	v->out->artifacts = arena_array(v->a, v->set->n_artifacts, sizeof(*v->out->artifacts));
	for (size_t i = 0; i < v->set->n_artifacts; i++) {
		if (room_is_late(v))
			return room_late(v, s);
		look_at(v, s, &place, i);
	}
	return 0;
}
