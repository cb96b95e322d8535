/*
 * id_map: row ids to what was read of them. Private to runner/history.
 *
 * Begins as { .arena = a }, which it grows in; ids are positive; values are the caller's.
 */
#ifndef ASSIZE_HISTORY_ID_MAP_H
#define ASSIZE_HISTORY_ID_MAP_H

#include <stddef.h>
#include <stdint.h>

struct arena;

struct id_map {
	struct arena *arena;
	size_t n, cap; /* cap is a power of two, kept at most half full */
	struct id_map_slot {
		int64_t id;
		void *value;
	} * slots;
};

void *id_map_get(const struct id_map *m, int64_t id);	    /* NULL = not there */
void id_map_put(struct id_map *m, int64_t id, void *value); /* an id that is not there */

#endif
