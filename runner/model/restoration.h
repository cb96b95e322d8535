/*
 * restoration: what the rollback room found out about one tag, as a record.
 *
 * Outcomes: PASS = proven, FAIL = disproved (moved tag, wrong byte, over budget), UNDECIDED =
 * unproven. Everything borrowed from the probe's arena until recorded.
 */
#ifndef ASSIZE_MODEL_RESTORATION_H
#define ASSIZE_MODEL_RESTORATION_H

#include <stddef.h>
#include <stdint.h>

#include "runner/model/outcome.h"

struct restoration_step {
	const char *name; /* identity, source, closure, materialise, compare, ... */
	enum outcome outcome;
	int64_t duration_us;
	const char *finding; /* NULL on pass, else what and where */
	const char *remedy;  /* the exact command that fixes it, or NULL */
	const char *note;    /* what it found that decides nothing (who signed), lines, or NULL */
};

/* What was built of a tag, by its name in the definition and the SHA-256 of its bytes, hex. */
struct artifact_digest {
	const char *name, *digest;
};

struct restoration {
	const char *set, *tag;
	const char *commit, *tree; /* hex, NULL when the tag did not resolve */
	enum outcome outcome;
	int64_t tag_time_ms; /* of the commit; -1 unknown */
	int64_t n_objects, n_files, n_bytes;
	int64_t restore_us; /* closure + materialise + compare; -1 = did not get there */
	struct restoration_step *steps;
	size_t n_steps;
	struct artifact_digest *artifacts; /* those found to be good */
	size_t n_artifacts;
	const char *content; /* digest of all objects, hex; NULL = not all were proven */
};

/* The first recorded identity of a tag and of what was built of it: what they must stay. */
struct pin {
	const char *set, *tag;
	const char *commit, *tree;
	int64_t first_seen_ms;
	struct artifact_digest *artifacts; /* the first good ones */
	size_t n_artifacts;
	const char *content; /* digest of all objects of that tree when last proven, or NULL */
};

#endif
