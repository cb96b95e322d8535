/*
 * rollback: the spec of kind rollback, for the command that verifies a single tag.
 */
#ifndef ASSIZE_AUDITS_ROLLBACK_H
#define ASSIZE_AUDITS_ROLLBACK_H

#include <stdbool.h>

enum rollback_tags_rule { ROLLBACK_ALL = 0, ROLLBACK_ANY };

struct rollback_spec {
	const char *set; /* name of a rollback set of the definition */
	int tags;	 /* enum rollback_tags_rule */
	/* Not a key: `rollback verify TAG` narrows a copy of the check to one tag. NULL = the
	 * set's. */
	const char *only;
	bool runs_program; /* not a key: the set has a smoke test, or keys that gpgv reads */
};

#endif
