/*
 * Open addressing with linear probing, at most half full. The arena keeps outgrown tables until it
 * is freed; all of them together are no larger than the last.
 */
#include "runner/base/map.h"

#include <string.h>

#include "runner/base/arena.h"

static uint32_t hash(const char *key)
{
	uint32_t h = 2166136261u;

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 16777619u;
	return h;
}

/* The slot that holds key, or the free one where it belongs. */
static size_t find_slot(const struct map *m, const char *key)
{
	size_t i = hash(key) & (m->n_slots - 1);

	while (m->slots[i] != 0 && strcmp(m->entries[m->slots[i] - 1].key, key) != 0)
		i = (i + 1) & (m->n_slots - 1);
	return i;
}

static void grow(struct map *m)
{
	size_t cap = m->cap != 0 ? m->cap * 2 : 8;
	struct map_entry *entries = arena_array(m->arena, cap, sizeof(*entries));

	if (cap > UINT32_MAX / 2)
		oom();
	if (m->n != 0)
		memcpy(entries, m->entries, m->n * sizeof(*entries));
	m->entries = entries;
	m->cap = cap;
	m->n_slots = cap * 2;
	m->slots = arena_array(m->arena, m->n_slots, sizeof(*m->slots));
	for (size_t i = 0; i < m->n; i++)
		m->slots[find_slot(m, entries[i].key)] = (uint32_t)i + 1;
}

void map_init(struct map *m, struct arena *a)
{
	*m = (struct map){.arena = a};
}

bool map_put(struct map *m, const char *key, void *value)
{
	size_t slot;

	if (m->n == m->cap)
		grow(m);
	slot = find_slot(m, key);
	if (m->slots[slot] != 0)
		return false;
	m->entries[m->n] = (struct map_entry){.key = key, .value = value};
	m->slots[slot] = (uint32_t)++m->n;
	return true;
}

void *map_get(const struct map *m, const char *key)
{
	size_t slot;

	if (m->n == 0)
		return NULL;
	slot = find_slot(m, key);
	return m->slots[slot] != 0 ? m->entries[m->slots[slot] - 1].value : NULL;
}
