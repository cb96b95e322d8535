/*
 * hash_table: 64-bit hashes to small numbers, for sets too large to keep their members.
 *
 * Nine bytes a slot, at most 16 slots for each 11 members. Two members with one hash are taken for
 * the same one; users must make sure that such an accident can only cost a measurement (of a
 * million names, one in thirty million times), never invent one.
 */
#ifndef ASSIZE_AUDITS_HASH_TABLE_H
#define ASSIZE_AUDITS_HASH_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_table {
	uint64_t *keys; /* 0 = free; the hash 0 is stored as 1 */
	uint8_t *values;
	size_t n, n_slots;
};

/* The zero value is an empty table. */
void hash_table_release(struct hash_table *t);
void hash_table_clear(struct hash_table *t); /* keeps the memory of a small one */
/* The value's place, which the next put may move; *is_new when it was not there. */
uint8_t *hash_table_put(struct hash_table *t, uint64_t hash, bool *is_new);
uint8_t *hash_table_get(const struct hash_table *t, uint64_t hash); /* NULL when absent */

/* FNV-1a; begin with HASH_SEED, feed piece by piece. */
#define HASH_SEED 14695981039346656037ULL
uint64_t hash_bytes(uint64_t h, const char *p, size_t n);
/* Spreads a hash, so that hashes of parts may be added up in any order. */
uint64_t hash_mix(uint64_t h);

#endif
