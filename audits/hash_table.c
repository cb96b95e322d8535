/*
 * Open addressing with linear probing; grows by doubling at 11/16.
 */
#include "audits/hash_table.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"

#define FIRST_SLOTS 64
#define KEPT_SLOTS  4096

uint64_t hash_bytes(uint64_t h, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 1099511628211ULL;
	return h;
}

/* The finaliser of MurmurHash3, which is in the public domain. */
uint64_t hash_mix(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	return h ^ h >> 33;
}

void hash_table_release(struct hash_table *t)
{
	free(t->keys);
	free(t->values);
	*t = (struct hash_table){0};
}

void hash_table_clear(struct hash_table *t)
{
	if (t->n_slots > KEPT_SLOTS)
		hash_table_release(t);
	else if (t->n > 0)
		memset(t->keys, 0, t->n_slots * sizeof(*t->keys));
	t->n = 0;
}

static size_t slot_of(const struct hash_table *t, uint64_t key)
{
	size_t i = (size_t)hash_mix(key) & (t->n_slots - 1);

	while (t->keys[i] != 0 && t->keys[i] != key)
		i = (i + 1) & (t->n_slots - 1);
	return i;
}

static void grow(struct hash_table *t)
{
	struct hash_table bigger = {.n = t->n};

	bigger.n_slots = t->n_slots == 0 ? FIRST_SLOTS : t->n_slots * 2;
	if (bigger.n_slots > SIZE_MAX / sizeof(*bigger.keys))
		oom();
	bigger.keys = xmalloc(bigger.n_slots * sizeof(*bigger.keys));
	bigger.values = xmalloc(bigger.n_slots);
	memset(bigger.keys, 0, bigger.n_slots * sizeof(*bigger.keys));
	memset(bigger.values, 0, bigger.n_slots);
	for (size_t i = 0; i < t->n_slots; i++) {
		if (t->keys[i] != 0) {
			size_t to = slot_of(&bigger, t->keys[i]);

			bigger.keys[to] = t->keys[i];
			bigger.values[to] = t->values[i];
		}
	}
	free(t->keys);
	free(t->values);
	*t = bigger;
}

uint8_t *hash_table_put(struct hash_table *t, uint64_t hash, bool *is_new)
{
	size_t i;

	if (hash == 0)
		hash = 1;
	if (t->n_slots == 0 || t->n >= t->n_slots / 16 * 11)
		grow(t);
	i = slot_of(t, hash);
	*is_new = t->keys[i] == 0;
	if (*is_new) {
		t->keys[i] = hash;
		t->values[i] = 0;
		t->n++;
	}
	return &t->values[i];
}

uint8_t *hash_table_get(const struct hash_table *t, uint64_t hash)
{
	size_t i;

	if (t->n_slots == 0)
		return NULL;
	if (hash == 0)
		hash = 1;
	i = slot_of(t, hash);
	return t->keys[i] != 0 ? &t->values[i] : NULL;
}
