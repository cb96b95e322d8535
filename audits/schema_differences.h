/*
 * schema_differences: what a comparison found, as lines; private to this room.
 *
 * A difference is one line that names where, what, what was expected and what is there. Lines are
 * grouped by object; the object with the most serious difference comes first, and in an object the
 * most serious line. All of them are counted, as many are shown as evidence has room.
 */
#ifndef ASSIZE_AUDITS_SCHEMA_DIFFERENCES_H
#define ASSIZE_AUDITS_SCHEMA_DIFFERENCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/io/db.h"

struct arena;

/* The most serious first. */
enum schema_weight {
	SCHEMA_GONE = 0, /* what somebody uses is not there, or cannot be read */
	SCHEMA_RULES,	 /* values other than before are let in, kept or refused: types, keys */
	SCHEMA_CHANGED,	 /* the rest of what is there: defaults, indexes, comments */
	SCHEMA_EXTRA,	 /* what nobody expected */
};

struct difference {
	const char *object;
	enum schema_weight weight;
	size_t order; /* of appearance */
	const char *line;
};

struct differences {
	struct arena *arena;
	enum db_engine engine;
	const char *object; /* of the lines that are added now */
	struct difference *items;
	size_t n, cap;
	int64_t n_facts; /* compared, equal or not */
};

void differences_init(struct differences *d, struct arena *a, enum db_engine engine);
/* What follows belongs to this object; it is borrowed. */
void differences_begin(struct differences *d, const char *object);
/* Counts a fact; when it does not hold, adds the line. */
void differences_expect(struct differences *d, bool holds, enum schema_weight weight,
			const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The lines in order, at most EVIDENCE_MAX_BYTES of them, "and N more" last; NULL = none. */
const char *differences_text(struct differences *d);

#endif
