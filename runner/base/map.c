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

/* The slot that holds key, whose hash is h, or the free one where it belongs. */
static struct map_slot *find_slot(const struct map *m, const char *key, uint32_t h)
{
	size_t i = h & (m->n_slots - 1);

	while (m->slots[i].index != 0 &&
	       (m->slots[i].hash != h || strcmp(m->entries[m->slots[i].index - 1].key, key) != 0))
		i = (i + 1) & (m->n_slots - 1);
	return &m->slots[i];
}

/* Puts a slot into a table that has no equal one. */
static void move_slot(struct map *m, struct map_slot slot)
{
	size_t i = slot.hash & (m->n_slots - 1);

	while (m->slots[i].index != 0)
		i = (i + 1) & (m->n_slots - 1);
	m->slots[i] = slot;
}

static void grow(struct map *m, size_t cap)
{
	const struct map_slot *old = m->slots;
	size_t n_old = m->n_slots;
	struct map_entry *entries = arena_array(m->arena, cap, sizeof(*entries));

	if (cap > UINT32_MAX / 2)
		oom();
	if (m->n != 0)
		memcpy(entries, m->entries, m->n * sizeof(*entries));
	m->entries = entries;
	m->cap = cap;
	m->n_slots = cap * 2;
	m->slots = arena_array(m->arena, m->n_slots, sizeof(*m->slots));
	for (size_t i = 0; i < n_old; i++)
		if (old[i].index != 0)
			move_slot(m, old[i]);
}

void map_init(struct map *m, struct arena *a)
{
	*m = (struct map){.arena = a};
}

void map_reserve(struct map *m, size_t n)
{
	size_t cap = m->cap != 0 ? m->cap : 8;

	while (cap < n)
		cap *= 2;
	if (cap > m->cap)
		grow(m, cap);
}

bool map_put(struct map *m, const char *key, void *value)
{
	uint32_t h = hash(key);
	struct map_slot *slot;

	if (m->n == m->cap)
		grow(m, m->cap != 0 ? m->cap * 2 : 8);
	slot = find_slot(m, key, h);
	if (slot->index != 0)
		return false;
	m->entries[m->n] = (struct map_entry){.key = key, .value = value};
	*slot = (struct map_slot){.hash = h, .index = (uint32_t)++m->n};
	return true;
}

void *map_get(const struct map *m, const char *key)
{
	const struct map_slot *slot;

	if (m->n == 0)
		return NULL;
	slot = find_slot(m, key, hash(key));
	return slot->index != 0 ? m->entries[slot->index - 1].value : NULL;
}
