/*
 * Open addressing where a small id is its own hash: ids are dense and come in order, so their slots
 * do, too, and the processor has the next one at hand. What two ids are packed into has the upper
 * one scattered over them.
 */
#include "runner/history/id_map.h"

#include "runner/base/arena.h"

static size_t slot_of(const struct id_map *m, int64_t id)
{
	uint64_t upper = ((uint64_t)id >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)((uint64_t)id ^ upper >> 32) & (m->cap - 1);

	while (m->slots[at].id != 0 && m->slots[at].id != id)
		at = (at + 1) & (m->cap - 1);
	return at;
}

void *id_map_get(const struct id_map *m, int64_t id)
{
	return m->cap == 0 ? NULL : m->slots[slot_of(m, id)].value;
}

void id_map_put(struct id_map *m, int64_t id, void *value)
{
	if (2 * (m->n + 1) > m->cap) {
		struct id_map grown = {m->arena, m->n, m->cap == 0 ? 64 : m->cap * 2, NULL};

		grown.slots = arena_array(m->arena, grown.cap, sizeof(*grown.slots));
		for (size_t i = 0; i < m->cap; i++)
			if (m->slots[i].id != 0)
				grown.slots[slot_of(&grown, m->slots[i].id)] = m->slots[i];
		*m = grown;
	}
	size_t at = slot_of(m, id);
	m->slots[at].id = id;
	m->slots[at].value = value;
	m->n++;
}
