/*
 * series_map: hashes of series to items of one size, in the order they were met.
 *
 * At most SERIES_MAP_MAX series. Two series with one hash are taken for the same one; see
 * hash_table.h.
 */
#ifndef ASSIZE_AUDITS_SERIES_MAP_H
#define ASSIZE_AUDITS_SERIES_MAP_H

#include <stddef.h>
#include <stdint.h>

#define SERIES_MAP_MAX 200000

struct series_map {
	size_t item_size;
	void *items;	/* owned, n of them */
	uint64_t *keys; /* owned, of the items */
	size_t n, cap;
	uint32_t *slots; /* owned: place + 1, 0 = free */
	size_t n_slots;
};

void series_map_init(struct series_map *m, size_t item_size);
void series_map_release(struct series_map *m);
void series_map_clear(struct series_map *m);
/* The item of the key, all zero when it is new; the next put may move it. NULL: too many. */
void *series_map_put(struct series_map *m, uint64_t key);
void *series_map_get(const struct series_map *m, uint64_t key); /* NULL when absent */

#endif
