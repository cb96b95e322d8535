/*
 * Mappings of a definition are small (a check, a table's columns): a walk over the keys is enough.
 */
#include "runner/base/node.h"

#include <string.h>

struct node *node_get(const struct node *map, const char *key)
{
	if (map == NULL || map->type != NODE_MAPPING)
		return NULL;
	for (size_t i = 0; i < map->n; i++) {
		if (strcmp(map->keys[i]->text, key) == 0)
			return map->items[i];
	}
	return NULL;
}
