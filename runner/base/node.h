/*
 * node: a document tree that remembers where everything stood.
 *
 * The YAML door builds it, the loader reads it; nobody else. All memory is in the arena given to
 * the builder. Keys of a mapping are unique (the builder refuses duplicates).
 */
#ifndef ASSIZE_BASE_NODE_H
#define ASSIZE_BASE_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/err.h"

enum node_type { NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING };

struct node {
	enum node_type type;
	struct pos pos;
	/* scalar */
	const char *text; /* NUL terminated; no NUL inside (refused by the builder) */
	size_t len;
	bool is_plain;	 /* unquoted in the source */
	bool has_secret; /* contains a value from ${env:} or ${file:}, after substitution */
	/*
	 * After substitution, when text holds a ${env:} or ${file:} reference: the same text with
	 * these references as written, to be hashed or shown. NULL = text itself.
	 */
	const char *written;
	/* sequence: items; mapping: keys[i] -> items[i] */
	size_t n;
	struct node **keys; /* scalars */
	struct node **items;
};

/* Value of key in a mapping, or NULL. */
struct node *node_get(const struct node *map, const char *key);

#endif
