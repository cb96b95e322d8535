/*
 * pairs: short lists of text that remember where they were written, plain and by name.
 *
 * Read from a definition by runner/model/keys.h, and handed as they are to what uses them (headers
 * of a request, variables). Own nothing: items live in the arena of whoever filled them.
 */
#ifndef ASSIZE_BASE_PAIRS_H
#define ASSIZE_BASE_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/err.h"

struct texts {
	const char **items;
	struct pos *positions;
	size_t n;
};

struct pair {
	const char *name, *value;
	struct pos pos;
	bool has_secret;
};

struct pairs {
	struct pair *items;
	size_t n;
};

#endif
