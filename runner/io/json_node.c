/*
 * The walk is jansson's: its objects keep the order in which members were read.
 */
#include "runner/io/json_node.h"

#include <jansson.h>

struct json_node json_node_item(struct json_node node, size_t i)
{
	return (struct json_node){json_array_get(node.at, i)};
}

struct json_node json_node_member(struct json_node node, const char *name, size_t n)
{
	return (struct json_node){json_object_getn(node.at, name, n)};
}

struct json_members json_members_of(struct json_node object)
{
	return (struct json_members){.object = object, .next = json_object_iter(object.at)};
}

bool json_members_next(struct json_members *m)
{
	if (m->next == NULL)
		return false;
	m->name = json_object_iter_key(m->next);
	m->value = (struct json_node){json_object_iter_value(m->next)};
	m->next = json_object_iter_next(m->object.at, m->next);
	return true;
}
