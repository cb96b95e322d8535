/*
 * An open hash table of places in a list, so that what is said of series follows the page.
 */
#include "audits/series_map.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"

void series_map_init(struct series_map *m, size_t item_size)
{
	*m = (struct series_map){.item_size = item_size};
}

void series_map_release(struct series_map *m)
{
	free(m->items);
	free(m->keys);
	free(m->slots);
}

void series_map_clear(struct series_map *m)
{
	m->n = 0;
	if (m->n_slots > 0)
		memset(m->slots, 0, m->n_slots * sizeof(*m->slots));
}

static void *item_at(const struct series_map *m, size_t place)
{
	return (char *)m->items + place * m->item_size;
}

/* The slot of the key: taken by it, or free. */
static uint32_t *slot_of(const struct series_map *m, uint64_t key)
{
	size_t i = (size_t)key & (m->n_slots - 1);

	while (m->slots[i] != 0 && m->keys[m->slots[i] - 1] != key)
		i = (i + 1) & (m->n_slots - 1);
	return &m->slots[i];
}

static void grow(struct series_map *m)
{
	m->cap = m->cap > 0 ? 2 * m->cap : 16;
	m->items = xrealloc(m->items, m->cap * m->item_size);
	m->keys = xrealloc(m->keys, m->cap * sizeof(*m->keys));
	m->n_slots = 2 * m->cap; /* a power of two, at most half full */
	m->slots = xrealloc(m->slots, m->n_slots * sizeof(*m->slots));
	memset(m->slots, 0, m->n_slots * sizeof(*m->slots));
	for (size_t i = 0; i < m->n; i++)
		*slot_of(m, m->keys[i]) = (uint32_t)(i + 1);
}

void *series_map_put(struct series_map *m, uint64_t key)
{
	uint32_t *slot;

	if (m->n == m->cap)
		grow(m);
	slot = slot_of(m, key);
	if (*slot == 0) {
		if (m->n == SERIES_MAP_MAX)
			return NULL;
		m->keys[m->n] = key;
		memset(item_at(m, m->n), 0, m->item_size);
		*slot = (uint32_t)++m->n;
	}
	return item_at(m, *slot - 1);
}

void *series_map_get(const struct series_map *m, uint64_t key)
{
	uint32_t slot = m->n_slots > 0 ? *slot_of(m, key) : 0;

	return slot > 0 ? item_at(m, slot - 1) : NULL;
}
