/*
 * db_shadow_lists: what a statement defines itself, and what a bare name means beside it; private
 * to the db_shadow files.
 */
#ifndef ASSIZE_IO_DB_SHADOW_LISTS_H
#define ASSIZE_IO_DB_SHADOW_LISTS_H

#include "runner/io/db_shadow_text.h"

/* The tokens from the name of a CTE that is called like a target up to the next; 0 = there is none.
 */
struct shadow_rival {
	size_t at, end;
};

/* The definitions of a WITH: its tokens, and the rival of each target. */
struct shadow_list {
	size_t from, to;
	bool is_recursive;
	struct shadow_rival *rivals;
};

struct shadow_lists {
	const struct shadow_text *text;
	const struct db_tokens *tokens;
	struct shadow_list *items; /* the first is that which the statement begins with, or empty */
	size_t n;
	bool has_with;	    /* it begins with one */
	const char *insert; /* where a definition of ours goes */
};

void shadow_read_lists(const struct shadow_text *text, struct shadow_lists *w);

/* What the bare name of target k means at token i. */
enum shadow_meaning {
	SHADOW_MEANS_FOUND = 0, /* the table, where a shadow of its name is found */
	SHADOW_MEANS_TABLE,	/* the table, where none is */
	SHADOW_MEANS_OTHER,	/* something of the statement's own */
	SHADOW_MEANS_UNKNOWN,
};

enum shadow_meaning shadow_meaning_of(const struct shadow_lists *w, size_t k, size_t i);

/* Is token i where no shadow is found at all, neither by its own name nor by a private one? */
bool shadow_is_nested(const struct shadow_lists *w, size_t i);

/* Is token i this name, in the case rules of the engine's tables? */
bool shadow_is_named(const struct shadow_text *text, size_t i, const char *name);

#endif
