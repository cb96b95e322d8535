/*
 * past: what a kind may know of what was recorded before the run began.
 *
 * A kind never reads the record. It says what it wishes to know (audit_kind.wish), the runner reads
 * that once, before the first check starts, and every probe finds it in its world. Text lives as
 * long as the run.
 */
#ifndef ASSIZE_MODEL_PAST_H
#define ASSIZE_MODEL_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/model/measurement.h"

/* A measurement that somebody else made: `assize record NAME VALUE`. */
struct external {
	const char *name;
	const struct label *labels; /* sorted by name, no name twice */
	size_t n_labels;
	const char *series; /* measurement_series() of the labels: "" or {shop="paris"} */
	struct value value; /* VALUE_INT or VALUE_REAL, finite, in unit */
	const char *unit;   /* as it was given; "" = none */
	const char *id;	    /* given by whoever records it, once for a name; NULL = none */
	int64_t at_ms;	    /* when it was true */
	bool is_now;	    /* nobody said when: it is recorded as it is measured */
	int64_t recorded_ms;
	const char *host, *user; /* that recorded it */
	bool is_unvouched;	 /* merged, and no key that is trusted had signed for it */
};

struct wish {
	/* Externals of this name, those of window_ms and the newest of each series; NULL = none. */
	const char *external;
	int64_t window_ms;
	bool cursor; /* how far the check itself has read (probe_cursor) */
	/* When these checks were last measured, and last gave a verdict. */
	const struct check *const *checks;
	size_t n_checks;
};

struct past_externals {
	const char *name;
	const struct external *items; /* oldest first, by at_ms; it may hold more than was wished */
	size_t n;
	size_t n_left_out; /* of the window: too many to be looked at */
	bool is_untrusted; /* one was merged without a signature of a key the definition trusts */
};

struct past_check {
	const char *name;
	int64_t measured_ms; /* last time it came to an end with any outcome but skip; -1 = never */
	int64_t verdict_ms;  /* last time that was a verdict: pass, warn or fail; -1 = never */
	bool is_scheduled;
	int64_t due_ms; /* the first moment of its schedule since the verdict; -1 = not due */
};

/* States are as the kind gave them; NULL = there is none. */
struct past_cursor {
	const struct check *check;
	const char *state; /* of the last run that counts, under this definition of the check */
	const char *other; /* the same under whichever */
};

struct past {
	const struct past_externals *externals; /* each name once */
	size_t n_externals;
	const struct past_check *checks;
	size_t n_checks;
	const struct past_cursor *cursors;
	size_t n_cursors;
};

#endif
