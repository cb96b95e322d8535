/*
 * Everything follows from one split: a tree of n > 1 leaves is a perfect tree of the largest power
 * of two below n, and the rest.
 */
#include "runner/history/merkle.h"

#include <assert.h>
#include <string.h>

#include "runner/base/err.h"

void merkle_init(struct merkle *m)
{
	*m = (struct merkle){.size = 0};
}

void merkle_hash_leaf(const void *leaf, size_t n, struct merkle_hash *out)
{
	assert(n > 0 && *(const unsigned char *)leaf == MERKLE_LEAF_PREFIX);
	sha256_of(leaf, n, out->bytes);
}

void merkle_hash_node(const struct merkle_hash *left, const struct merkle_hash *right,
		      struct merkle_hash *out)
{
	unsigned char both[1 + 2 * SHA256_BYTES] = {0x01};

	memcpy(both + 1, left->bytes, SHA256_BYTES);
	memcpy(both + 1 + SHA256_BYTES, right->bytes, SHA256_BYTES);
	sha256_of(both, sizeof(both), out->bytes);
}

unsigned merkle_add(struct merkle *m, const struct merkle_hash *leaf,
		    struct merkle_hash path[static MERKLE_LEVELS])
{
	unsigned level = 0;

	path[0] = *leaf;
	for (; (m->size >> level & 1) != 0; level++)
		merkle_hash_node(&m->peaks[level], &path[level], &path[level + 1]);
	m->peaks[level] = path[level];
	m->size++;
	return level;
}

void merkle_root(const struct merkle *m, struct merkle_hash *out)
{
	bool has_any = false;

	if (m->size == 0)
		sha256_of("", 0, out->bytes);
	for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
		if ((m->size >> level & 1) == 0)
			continue;
		if (has_any)
			merkle_hash_node(&m->peaks[level], out, out);
		else
			*out = m->peaks[level];
		has_any = true;
	}
}

size_t merkle_save(const struct merkle *m, unsigned char out[static MERKLE_LEVELS * SHA256_BYTES])
{
	size_t n = 0;

	for (unsigned level = MERKLE_LEVELS; level-- > 0;) {
		if ((m->size >> level & 1) == 0)
			continue;
		memcpy(out + n, m->peaks[level].bytes, SHA256_BYTES);
		n += SHA256_BYTES;
	}
	return n;
}

int merkle_load(struct merkle *m, uint64_t size, const void *bytes, size_t n)
{
	const unsigned char *from = bytes;
	struct merkle loaded = {.size = size};
	size_t at = 0;

	if (size >> MERKLE_LEVELS != 0)
		return -1;
	for (unsigned level = MERKLE_LEVELS; level-- > 0;) {
		if ((size >> level & 1) == 0)
			continue;
		if (n - at < SHA256_BYTES)
			return -1;
		memcpy(loaded.peaks[level].bytes, from + at, SHA256_BYTES);
		at += SHA256_BYTES;
	}
	if (at != n)
		return -1;
	*m = loaded;
	return 0;
}

/* The largest power of two below n, as a level; n > 1. */
static unsigned split_level(uint64_t n)
{
	unsigned level = 0;

	while ((n - 1) >> (level + 1) != 0)
		level++;
	return level;
}

/* Root of the leaves [begin, begin + n): begin is a multiple of what the tree is split by. */
static int hash_range(const struct merkle_nodes *nodes, uint64_t begin, uint64_t n,
		      struct merkle_hash *out, struct err *e)
{
	struct merkle_hash parts[MERKLE_LEVELS];
	size_t n_parts = 0;

	while (n > 0) {
		unsigned level = n == 1 ? 0 : split_level(n);

		if (n > 1 && (n & (n - 1)) == 0)
			level++; /* the whole of it is perfect */
		assert(n_parts < MERKLE_LEVELS && (begin & ((UINT64_C(1) << level) - 1)) == 0);
		if (nodes->node(nodes->ctx, level, begin >> level, &parts[n_parts++], e) != 0)
			return -1;
		begin += UINT64_C(1) << level;
		n -= UINT64_C(1) << level;
	}
	*out = parts[n_parts - 1];
	for (size_t i = n_parts - 1; i-- > 0;)
		merkle_hash_node(&parts[i], out, out);
	return 0;
}

int merkle_root_at(const struct merkle_nodes *nodes, uint64_t size, struct merkle_hash *out,
		   struct err *e)
{
	if (size == 0) {
		sha256_of("", 0, out->bytes);
		return 0;
	}
	return hash_range(nodes, 0, size, out, e);
}

/* Proofs go from the leaf up; the walk goes down: items are written from the end and moved. */
static void reverse(struct merkle_proof *p)
{
	for (size_t i = 0; i < p->n / 2; i++) {
		struct merkle_hash x = p->items[i];

		p->items[i] = p->items[p->n - 1 - i];
		p->items[p->n - 1 - i] = x;
	}
}

int merkle_prove_inclusion(const struct merkle_nodes *nodes, uint64_t index, uint64_t size,
			   struct merkle_proof *out, struct err *e)
{
	uint64_t begin = 0, n = size;

	assert(index < size);
	out->n = 0;
	while (n > 1) {
		uint64_t left = UINT64_C(1) << split_level(n);
		bool is_right = index - begin >= left;
		uint64_t from = is_right ? begin : begin + left;

		if (hash_range(nodes, from, is_right ? left : n - left, &out->items[out->n++], e) !=
		    0)
			return -1;
		begin += is_right ? left : 0;
		n = is_right ? n - left : left;
	}
	reverse(out);
	return 0;
}

int merkle_prove_consistency(const struct merkle_nodes *nodes, uint64_t old, uint64_t size,
			     struct merkle_proof *out, struct err *e)
{
	uint64_t begin = 0, n = size;
	bool is_whole = true; /* the old tree is all of what is left of it: its root is known */

	assert(old > 0 && old <= size);
	out->n = 0;
	while (old - begin != n) {
		uint64_t left = UINT64_C(1) << split_level(n);
		bool is_right = old - begin > left;
		uint64_t from = is_right ? begin : begin + left;

		if (hash_range(nodes, from, is_right ? left : n - left, &out->items[out->n++], e) !=
		    0)
			return -1;
		is_whole = is_whole && !is_right;
		begin += is_right ? left : 0;
		n = is_right ? n - left : left;
	}
	if (!is_whole && hash_range(nodes, begin, n, &out->items[out->n++], e) != 0)
		return -1;
	reverse(out);
	return 0;
}

static bool is_same(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a->bytes, b->bytes, SHA256_BYTES) == 0;
}

/* RFC 9162, 2.1.3.2 */
bool merkle_includes(const struct merkle_hash *leaf, uint64_t index, uint64_t size,
		     const struct merkle_proof *proof, const struct merkle_hash *root)
{
	struct merkle_hash hash = *leaf;
	uint64_t fn = index, sn;

	if (index >= size)
		return false;
	sn = size - 1;
	for (size_t i = 0; i < proof->n; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn) {
			merkle_hash_node(&proof->items[i], &hash, &hash);
			for (; (fn & 1) == 0 && fn != 0; sn >>= 1)
				fn >>= 1;
		} else {
			merkle_hash_node(&hash, &proof->items[i], &hash);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && is_same(&hash, root);
}

/* RFC 9162, 2.1.4.2 */
bool merkle_is_consistent(uint64_t old, const struct merkle_hash *old_root, uint64_t size,
			  const struct merkle_hash *root, const struct merkle_proof *proof)
{
	struct merkle_hash fr, sr;
	uint64_t fn, sn;
	size_t i = 0;

	if (old == 0 || old > size)
		return false;
	if (old == size)
		return proof->n == 0 && is_same(old_root, root);
	if (proof->n == 0)
		return false;
	fr = (old & (old - 1)) == 0 ? *old_root : proof->items[i++];
	sr = fr;
	fn = old - 1;
	sn = size - 1;
	for (; (fn & 1) != 0; sn >>= 1)
		fn >>= 1;
	for (; i < proof->n; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn) {
			merkle_hash_node(&proof->items[i], &fr, &fr);
			merkle_hash_node(&proof->items[i], &sr, &sr);
			for (; (fn & 1) == 0 && fn != 0; sn >>= 1)
				fn >>= 1;
		} else {
			merkle_hash_node(&sr, &proof->items[i], &sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && is_same(&fr, old_root) && is_same(&sr, root);
}
