#include "runner/challenge_keep.h"

#include <string.h>

#include "runner/app.h"
#include "runner/challenge.h"
#include "runner/history/challenges.h"
#include "runner/identity.h"
#include "runner/model/definition.h"

int challenge_keep(struct app *app, const struct definition *d, struct record *record,
		   struct challenger *challenger, const struct challenged *c, struct err *e)
{
	struct challenge_origin origin = {.definition_file = d->root_file};
	struct run_info who = {.id = 0};

	if (atomic_load(challenger_interrupt(challenger)))
		return 0;
	identity_fill(app, d, &who);
	origin.commit = who.commit;
	origin.is_dirty = who.is_dirty;
	origin.host = who.host;
	origin.user = who.user;
	origin.version = who.version;
	memcpy(origin.definition_digest, d->digest, sizeof(origin.definition_digest));
	origin.recorded_ms = clock_wall_ms(&app->clock);
	return record_challenge_add(record, c, &origin, NULL, e);
}
