/*
 * rollback: the spec of kind rollback, for the command that verifies a single tag.
 */
#ifndef ASSIZE_AUDITS_ROLLBACK_H
#define ASSIZE_AUDITS_ROLLBACK_H

#include <stdbool.h>
#include <stddef.h>

struct rollback_set;

enum rollback_tags_rule { ROLLBACK_ALL = 0, ROLLBACK_ANY };

enum rollback_verb { ROLLBACK_VERIFY = 0, ROLLBACK_WARM, ROLLBACK_DRILL };

struct rollback_spec {
	const char *set; /* name of a rollback set of the definition */
	int tags;	 /* enum rollback_tags_rule */
	/*
	 * Not keys: the commands of `rollback` narrow a copy of the check to one tag (NULL = the
	 * set's), of which so many newer ones are good, and say what is done about it.
	 */
	const char *only;
	bool runs_program; /* not a key: the set has a smoke test, or keys that gpgv reads */
	size_t n_newer;
	enum rollback_verb verb;
	const char *previous; /* drill: the next older tag; NULL = there is none */
	bool is_cold;	      /* the same */
	/* Not a key: what a challenge puts in the set's place; NULL = the definition's. */
	const struct rollback_set *stand_in;
};

#endif
