/*
 * refuse: what keeps evidence from counting, before anybody looks at what it says. Private to
 * gates, but for refuse_known().
 */
#ifndef ASSIZE_GATES_REFUSE_H
#define ASSIZE_GATES_REFUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "gates/gate.h"

/* In the order they are told: the first one that applies is the one to act on. */
enum refusal {
	REFUSE_NOTHING = 0,
	REFUSE_SUBJECT,	   /* about another subject */
	REFUSE_MOVED,	   /* about another commit: the subject is a tag that was moved since, or
			      nobody can tell */
	REFUSE_CHECK,	   /* of another check: the caller mixed them up */
	REFUSE_DEFINITION, /* measured under another definition of the check */
	REFUSE_INCOMPLETE, /* the run has no end */
	REFUSE_INTERRUPTED,
	REFUSE_FUTURE,
	REFUSE_STALE,
	REFUSE_N,
};

/* Of the input: gate, subject and its commit, time. */
enum refusal refuse_evidence(const struct gate_input *in, const struct gate_item *item,
			     const struct evidence *e);

/*
 * Was the subject, if it is the one that is asked about, another commit then? Perhaps, where it
 * was one and is no tag now. No, where it was none: tags can be made after what they name was
 * measured, and elsewhere.
 */
bool refuse_is_moved(const struct gate_input *in, const char *subject, const char *commit);
/* Of which it is evidence then: "another commit". */
const char *refuse_moved_what(const struct gate_input *in);
/* "was 1a2b3c4d5e6f then, and is 0f1e2d3c4b5a now" */
const char *refuse_moved_text(struct arena *a, const struct gate_input *in, const char *commit);

/*
 * Why no gate would let it pass, whatever its outcome: it is of another definition of the check, of
 * a run without its end, or of a time to come. NULL: nothing is wrong with it.
 */
const char *refuse_known(struct arena *a, const struct check *check, const struct evidence *x,
			 int64_t now_ms);

/* Is `at` further ahead of `now` than clocks may differ, or before time began? */
bool refuse_is_future(int64_t at_ms, int64_t now_ms);
bool refuse_has_future(const struct gate_past *past, int64_t now_ms);
/* Is `at` more than max_age before `now`? */
bool refuse_is_stale(int64_t at_ms, int64_t now_ms, int64_t max_age_ms);

#endif
