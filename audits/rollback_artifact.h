/*
 * rollback_artifact: one artifact being looked at, for the files that do so. Private to this room.
 *
 * rollback_artifacts.c looks at files, rollback_image.c at container images.
 */
#ifndef ASSIZE_AUDITS_ROLLBACK_ARTIFACT_H
#define ASSIZE_AUDITS_ROLLBACK_ARTIFACT_H

#include <stdbool.h>
#include <stddef.h>

#include "audits/rollback_ask.h"
#include "audits/rollback_look.h"

struct artifact {
	struct arena *a;
	const struct rollback_look *look;
	const struct rollback_place *place;
	const struct rollback_artifact *spec;
	const char *path; /* absolute, of a file */
	struct rollback_found *out;
};

/* The worst finding is kept, the first of its kind. Always -1. */
int artifact_find(struct artifact *x, enum outcome outcome, const char *remedy, const char *fmt,
		  ...) __attribute__((format(printf, 4, 5)));
/* What a kind had against it, if anything. */
void artifact_find_answer(struct artifact *x, const struct ask_answer *answer, const char *remedy);

/* Placeholders replaced; absolute: a path of the definition besides. NULL stays NULL. */
const char *artifact_expand(struct artifact *x, const char *text);
const char *artifact_absolute(struct artifact *x, const char *text);
struct ask artifact_ask(struct artifact *x, const char *kind, struct node *spec);
/* Is the word the tag's commit, in full or by at least seven digits? */
bool artifact_is_commit(const struct artifact *x, const char *word, size_t n);
/* The digest that the definition gives itself, as digests are written; NULL = none. */
const char *artifact_given_digest(struct artifact *x);

void artifact_look_at_image(struct artifact *x);

#endif
