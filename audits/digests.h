/*
 * digests: what a check of the kind `digests` says; for the kind and for its arsenal.
 */
#ifndef ASSIZE_AUDITS_DIGESTS_H
#define ASSIZE_AUDITS_DIGESTS_H

#include <stdbool.h>

#include "runner/base/pairs.h"

struct arena;

struct digests_spec {
	const char *manifest, *root;
	const char *place; /* of the manifest on the machine, also when it is read from a commit */
	struct texts ignore;
	bool exact;
};

/* The folder that the names of the manifest are relative to. */
const char *digests_root(struct arena *a, const struct digests_spec *spec);

#endif
