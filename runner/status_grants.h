/*
 * status_grants: the part of `assize status` about what is let through: waivers of the definition,
 * overrides of the record, and when each ends.
 */
#ifndef ASSIZE_RUNNER_STATUS_GRANTS_H
#define ASSIZE_RUNNER_STATUS_GRANTS_H

#include <stddef.h>
#include <stdint.h>

struct app;
struct definition;
struct err;
struct json_writer;
struct override;
struct record;

struct status_grants {
	const struct definition *definition;
	const char **states;	    /* of the definition's waivers */
	struct override *overrides; /* that are not over, newest first */
	size_t n_overrides;
	int64_t now_ms;
};

int status_grants_read(struct app *app, struct record *record, const struct definition *d,
		       struct status_grants *out, struct err *e);
/* A table of each after an empty line; nothing of what there is none of. */
void status_grants_print(struct app *app, const struct status_grants *g);
/*
 * The members "waivers" (id, check, series, gates, owner, reason, ticket, granted, expires, state)
 * and "overrides" (id, gate, subject, actor, reason, at, until, state).
 */
void status_grants_put(struct json_writer *w, const struct status_grants *g);

#endif
