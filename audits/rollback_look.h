/*
 * rollback_look: what kind rollback looks at besides the tree, for the rollback room to call back.
 * Private to this room.
 */
#ifndef ASSIZE_AUDITS_ROLLBACK_LOOK_H
#define ASSIZE_AUDITS_ROLLBACK_LOOK_H

#include <stdbool.h>

#include "rollback/rollback.h"

struct arena;
struct probe;

struct rollback_look {
	struct probe *probe;
	const struct rollback_set *set;
};

/* {tag}, {version} (the tag from its first digit on) and {commit} replaced. */
const char *rollback_expand(struct arena *a, const char *text, const struct rollback_place *place);

/* ctx: struct rollback_look */
rollback_look_fn rollback_smoke;
rollback_artifact_fn rollback_artifact;

#endif
