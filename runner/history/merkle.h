/*
 * merkle: the tree of RFC 6962 (Certificate Transparency, section 2.1) and its proofs.
 *
 * A leaf's hash is SHA-256(0x00 || leaf), a node's SHA-256(0x01 || left || right); the root of no
 * leaves is SHA-256 of nothing. A tree under construction is its frontier: the roots of the perfect
 * subtrees its size is the sum of, at most 63, so that appending and the present root cost O(log
 * n).
 *
 * Verification is by the algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2. Proofs of a tree of
 * size 0 are refused: nothing is in it, and that a later tree extends it says nothing about either.
 */
#ifndef ASSIZE_HISTORY_MERKLE_H
#define ASSIZE_HISTORY_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/io/digest.h"

struct err;

#define MERKLE_LEVELS	   63
#define MERKLE_MAX_PROOF   64
#define MERKLE_LEAF_PREFIX 0x00

struct merkle_hash {
	unsigned char bytes[SHA256_BYTES];
};

struct merkle {
	uint64_t size;
	struct merkle_hash peaks[MERKLE_LEVELS]; /* [level], there when size has that bit */
};

void merkle_init(struct merkle *m);
/*
 * Gives the highest level of a subtree this leaf completed (0 = none but itself); path[0] to
 * path[level] are the roots of those it completed on the way.
 */
unsigned merkle_add(struct merkle *m, const struct merkle_hash *leaf,
		    struct merkle_hash path[static MERKLE_LEVELS]);
void merkle_root(const struct merkle *m, struct merkle_hash *out);

/* The frontier as bytes, largest subtree first; size says how many there are. */
size_t merkle_save(const struct merkle *m, unsigned char out[static MERKLE_LEVELS * SHA256_BYTES]);
int merkle_load(struct merkle *m, uint64_t size, const void *bytes, size_t n);

/* leaf begins with MERKLE_LEAF_PREFIX, which counts in n. */
void merkle_hash_leaf(const void *leaf, size_t n, struct merkle_hash *out);
void merkle_hash_node(const struct merkle_hash *left, const struct merkle_hash *right,
		      struct merkle_hash *out);

struct merkle_proof {
	size_t n;
	struct merkle_hash items[MERKLE_MAX_PROOF];
};

/* Gives the root of the perfect subtree number `at` of height `level`: leaves at << level on. */
struct merkle_nodes {
	int (*node)(void *ctx, unsigned level, uint64_t at, struct merkle_hash *out, struct err *e);
	void *ctx;
};

/* Root of the first `size` leaves. */
int merkle_root_at(const struct merkle_nodes *nodes, uint64_t size, struct merkle_hash *out,
		   struct err *e);
/* index < size */
int merkle_prove_inclusion(const struct merkle_nodes *nodes, uint64_t index, uint64_t size,
			   struct merkle_proof *out, struct err *e);
/* 0 < old <= size */
int merkle_prove_consistency(const struct merkle_nodes *nodes, uint64_t old, uint64_t size,
			     struct merkle_proof *out, struct err *e);

bool merkle_includes(const struct merkle_hash *leaf, uint64_t index, uint64_t size,
		     const struct merkle_proof *proof, const struct merkle_hash *root);
bool merkle_is_consistent(uint64_t old, const struct merkle_hash *old_root, uint64_t size,
			  const struct merkle_hash *root, const struct merkle_proof *proof);

#endif
