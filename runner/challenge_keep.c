#include "runner/challenge_keep.h"

#include <string.h>

#include "runner/app.h"
#include "runner/challenge.h"
#include "runner/history/challenges.h"
#include "runner/identity.h"
#include "runner/model/definition.h"

void challenge_keep_begin(struct app *app, const struct definition *d, struct challenge_origin *out)
{
	struct run_info who = {.id = 0};

	identity_fill(app, d, &who);
	*out = (struct challenge_origin){
		.definition_file = d->root_file,
		.commit = who.commit,
		.is_dirty = who.is_dirty,
		.host = who.host,
		.user = who.user,
		.version = who.version,
	};
	memcpy(out->definition_digest, d->digest, sizeof(out->definition_digest));
}

int challenge_keep(struct record *record, const struct clock *clock,
		   const struct challenge_origin *origin, struct challenger *challenger,
		   const struct challenged *c, struct err *e)
{
	struct challenge_origin now = *origin;

	if (atomic_load(challenger_interrupt(challenger)))
		return 0;
	now.recorded_ms = clock_wall_ms(clock);
	return record_challenge_add(record, c, &now, NULL, e);
}
