/*
 * former: checks as the definition of a released tag has them, run against today's targets.
 *
 * Would the release one would go back to still find what it needs: the columns it reads, books of
 * migrations it understands? Its own definition says what that is. The rollback room, which knows
 * the tag and has restored it, asks; the runner, which knows how definitions are loaded and results
 * are judged, answers. Everything is in the asker's arena.
 */
#ifndef ASSIZE_MODEL_FORMER_H
#define ASSIZE_MODEL_FORMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/model/outcome.h"

struct arena;
struct definition;
struct err;
struct rollback_set;

struct former_request {
	const struct rollback_set *set; /* its compatible names the checks */
	const char *tag;
	const char *root; /* absolute: the tag's tree, restored */
	int64_t deadline_ms;
};

struct former_result {
	const char *check; /* full name */
	enum outcome outcome;
	const char *finding; /* one line; NULL = passes */
	const char *detail;  /* all that was found, lines; NULL = nothing beyond the finding */
	const char *remedy;  /* or NULL */
	const char *note;    /* lines worth knowing whatever the outcome, or NULL */
};

/* One result a check, in the set's order. -1: nothing could be asked, e says why. */
typedef int former_fn(void *ctx, struct arena *a, const struct former_request *req,
		      struct former_result **out, size_t *n, struct err *e);

/* A migration that was applied to a target of today and that the tag does not have. */
struct former_migration {
	const char *name, *shown; /* shown: its file, as a message names it */
	const char *text;	  /* of the file */
	size_t n_text;
	bool has_down;
};

/* What probes of such checks are told, and tell. */
struct former {
	struct arena *arena;
	const char *tag, *dir; /* dir: in the restored tree, what today's root directory is */
	const struct definition *then; /* NULL = the tag has none */
	const struct definition *today;
	struct former_migration *migrations;
	size_t n_migrations;
};

/* Room for one more migration, which the caller fills in. */
struct former_migration *former_add(struct former *f);
/* Bytes of the name (letters, digits, _) that s begins with. */
size_t former_word(const char *s);
/* Does the migration's text have the name, whole and in any case? */
bool former_names(const struct former_migration *m, const char *word, size_t n);

#endif
