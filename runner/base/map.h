/*
 * map: names to pointers, in the order they were added.
 *
 * Keys and values are borrowed and must outlive the map; the map's own memory is in its arena.
 * Lookup is a hash (FNV-1a, seeded per process start is not needed: input is size-limited).
 */
#ifndef ASSIZE_BASE_MAP_H
#define ASSIZE_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct map_entry {
	const char *key;
	void *value;
};

/* The hash is kept, so that neither growing nor passing over a slot looks at a key. */
struct map_slot {
	uint32_t hash;
	uint32_t index; /* + 1 into entries, 0 = free */
};

struct map {
	struct arena *arena;
	struct map_entry *entries; /* insertion order */
	size_t n, cap;
	struct map_slot *slots;
	size_t n_slots;
};

void map_init(struct map *m, struct arena *a);
/* Room for n keys at once: a map that grows leaves what it outgrew in the arena. */
void map_reserve(struct map *m, size_t n);
bool map_put(struct map *m, const char *key, void *value); /* false: key exists, nothing changed */
void *map_get(const struct map *m, const char *key);	   /* NULL when absent */

#endif
