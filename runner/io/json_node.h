/*
 * json_node: a walk through a document that json.h has read.
 *
 * A node is a place in a document: it is passed by value, borrows from the document and is good as
 * long as that is. The node of nothing (.at == NULL) is a value like any other: asking it
 * for an item or a member gives nothing again.
 */
#ifndef ASSIZE_IO_JSON_NODE_H
#define ASSIZE_IO_JSON_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/io/json.h"

struct json_node {
	void *at; /* the parser's; NULL = nothing */
};

struct json_node json_root(const struct json_doc *d);
/* What is there; text is borrowed from the document. */
struct json_value json_node_value(const struct json_doc *d, struct json_node node);
/* Element i of an array, from 0; nothing when there is none or when it is no array. */
struct json_node json_node_item(struct json_node node, size_t i);
/* The member of that name of an object. */
struct json_node json_node_member(struct json_node node, const char *name, size_t n);

/* The members of an object, in the order of the document. */
struct json_members {
	struct json_node object;
	void *next;
	const char *name; /* NUL terminated */
	struct json_node value;
};

struct json_members json_members_of(struct json_node object);
/* Moves on to the next member; false behind the last one, and at once when it is no object. */
bool json_members_next(struct json_members *m);

#endif
