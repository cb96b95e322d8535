/*
 * Proofs need the roots of subtrees. Those of every eighth level are kept; between two kept levels
 * at most 128 of them are put together, and below the lowest the 256 leaves are hashed again.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/history/leaf.h"
#include "runner/history/ledger_parts.h"

#define BLOCK_LEAVES (UINT64_C(1) << LEDGER_KEPT_LEVELS)

struct prover {
	struct record *r;
	uint64_t size;
	/* the leaves hashed last */
	bool has_block;
	uint64_t block;
	size_t n_leaves;
	struct merkle_hash leaves[BLOCK_LEAVES];
};

static int read_block(struct prover *p, uint64_t block, struct err *e)
{
	uint64_t from = block * BLOCK_LEAVES;
	struct arena *a = arena_new();
	struct leaf_walk *w;
	struct leaf leaf;
	int rc = -1;

	p->has_block = false;
	p->n_leaves = 0;
	if (leaf_walk_begin(p->r, a, (int64_t)from, (int64_t)(from + BLOCK_LEAVES), &w, e) == 0) {
		while ((rc = leaf_walk_next(w, &leaf, e)) == 1 && !leaf.is_missing &&
		       leaf.seq == (int64_t)(from + p->n_leaves) && p->n_leaves < BLOCK_LEAVES)
			merkle_hash_leaf(leaf.bytes, leaf.n, &p->leaves[p->n_leaves++]);
		if (rc == 1)
			rc = err_set(e, ERR_RECORD,
				     "cannot trust record \"%s\": record %" PRIu64 " is gone",
				     p->r->path, from + p->n_leaves);
		leaf_walk_end(w);
	}
	arena_free(a);
	p->block = block;
	p->has_block = rc == 0;
	return rc;
}

static int leaf_hash(struct prover *p, uint64_t at, struct merkle_hash *out, struct err *e)
{
	uint64_t block = at / BLOCK_LEAVES;

	if ((!p->has_block || p->block != block) && read_block(p, block, e) != 0)
		return -1;
	if (at % BLOCK_LEAVES >= p->n_leaves)
		return err_set(e, ERR_RECORD,
			       "cannot trust record \"%s\": record %" PRIu64 " is gone", p->r->path,
			       at);
	*out = p->leaves[at % BLOCK_LEAVES];
	return 0;
}

static int kept_node(struct prover *p, unsigned level, uint64_t at, struct merkle_hash *out,
		     struct err *e)
{
	sqlite3_stmt *s = store_sql(p->r, "SELECT hash FROM nodes WHERE level = ?1 AND at = ?2", e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, level);
	store_bind_int(s, 2, (int64_t)at);
	rc = store_step(p->r, s, e);
	if (rc == 0)
		return err_set(e, ERR_RECORD,
			       "cannot trust record \"%s\": node %" PRIu64 " of level %u is gone",
			       p->r->path, at, level);
	if (rc < 0)
		return -1;
	store_digest(s, 0, out->bytes, SHA256_BYTES);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

/* At most seven levels deep: then a level is kept. */
static int node(void *ctx, unsigned level, uint64_t at, struct merkle_hash *out, struct err *e)
{
	struct prover *p = ctx;
	struct merkle_hash left, right;

	if (level == 0)
		return leaf_hash(p, at, out, e);
	if (level % LEDGER_KEPT_LEVELS == 0)
		return kept_node(p, level, at, out, e);
	if (node(p, level - 1, 2 * at, &left, e) != 0 ||
	    node(p, level - 1, 2 * at + 1, &right, e) != 0)
		return -1;
	merkle_hash_node(&left, &right, out);
	return 0;
}

/* NULL = the record cannot be read, e says why; else it is to be ended. */
static struct prover *begin(struct record *r, struct arena *a, struct err *e)
{
	struct prover *p = arena_alloc(a, sizeof(*p));

	p->r = r;
	if (store_enter(r, STORE_READING, e) != 0)
		return NULL;
	return p;
}

static int end(struct prover *p, int rc, struct err *e)
{
	return store_leave(p->r, rc, e);
}

/* The present size where none is asked for; it must not be beyond. */
static int choose_size(struct prover *p, struct arena *a, uint64_t size, struct err *e)
{
	struct ledger_head head;

	if (ledger_read_head(p->r, a, &head, e) != 0)
		return -1;
	p->size = size == 0 ? head.size : size;
	if (p->size > head.size)
		return err_set(e, ERR_USAGE, "the ledger has %" PRIu64 " records, not %" PRIu64,
			       head.size, size);
	return 0;
}

/* What a result or a definition names by digest, as text. */
static int read_contents(struct prover *p, struct arena *a, const struct leaf *leaf,
			 struct ledger_proof *out, struct err *e)
{
	int64_t definition = leaf->definition_id;
	struct buf text;
	int rc = 0;

	buf_init(&text, BUF_UNBOUNDED);
	if (leaf->is_result) {
		rc = leaf_facts_text(p->r, leaf->facts_id, &text, e);
		out->facts = arena_strndup(a, text.data, text.len);
	}
	buf_reset(&text);
	if (rc == 0 && definition != 0) {
		rc = leaf_definition_text(p->r, definition, &text, e);
		out->definition = arena_strndup(a, text.data, text.len);
	}
	buf_release(&text);
	return rc;
}

static int read_leaf(struct prover *p, struct arena *a, uint64_t seq, struct ledger_proof *out,
		     struct err *e)
{
	struct leaf_walk *w;
	struct leaf leaf;
	int rc;

	if (leaf_walk_begin(p->r, a, (int64_t)seq, (int64_t)seq + 1, &w, e) != 0)
		return -1;
	rc = leaf_walk_next(w, &leaf, e);
	if (rc == 0 || (rc == 1 && leaf.is_missing))
		rc = err_set(e, ERR_RECORD,
			     "cannot trust record \"%s\": record %" PRIu64 " is gone", p->r->path,
			     seq);
	if (rc == 1) {
		out->leaf = arena_strndup(a, (const char *)leaf.bytes + 1, leaf.n - 1);
		merkle_hash_leaf(leaf.bytes, leaf.n, &out->leaf_hash);
		rc = read_contents(p, a, &leaf, out, e);
	}
	leaf_walk_end(w);
	return rc;
}

static int prove(struct prover *p, struct arena *a, uint64_t seq, uint64_t size,
		 struct ledger_proof *out, struct err *e)
{
	const struct merkle_nodes nodes = {node, p};
	struct ledger_proof proof = {.index = seq};

	if (choose_size(p, a, size, e) != 0)
		return -1;
	if (seq >= p->size)
		return err_set(e, ERR_USAGE, "record %" PRIu64 " is not among the first %" PRIu64,
			       seq, p->size);
	proof.size = p->size;
	if (read_leaf(p, a, seq, &proof, e) != 0 ||
	    merkle_root_at(&nodes, p->size, &proof.root, e) != 0 ||
	    merkle_prove_inclusion(&nodes, seq, p->size, &proof.proof, e) != 0)
		return -1;
	if (!merkle_includes(&proof.leaf_hash, seq, p->size, &proof.proof, &proof.root))
		return err_set(e, ERR_RECORD,
			       "cannot trust record \"%s\": record %" PRIu64
			       " does not fit the tree it was put into",
			       p->r->path, seq);
	*out = proof;
	return 0;
}

int ledger_prove(struct record *r, struct arena *a, uint64_t seq, uint64_t size,
		 struct ledger_proof *out, struct err *e)
{
	struct prover *p = begin(r, a, e);

	return p == NULL ? -1 : end(p, prove(p, a, seq, size, out, e), e);
}

static int prove_extension(struct prover *p, struct arena *a, uint64_t old, uint64_t size,
			   struct merkle_proof *out, struct err *e)
{
	const struct merkle_nodes nodes = {node, p};

	if (choose_size(p, a, size, e) != 0)
		return -1;
	if (old == 0 || old > p->size)
		return err_set(e, ERR_USAGE,
			       "nothing can be proven between %" PRIu64 " and %" PRIu64 " records",
			       old, p->size);
	return merkle_prove_consistency(&nodes, old, p->size, out, e);
}

int ledger_prove_extension(struct record *r, struct arena *a, uint64_t old, uint64_t size,
			   struct merkle_proof *out, struct err *e)
{
	struct prover *p = begin(r, a, e);

	return p == NULL ? -1 : end(p, prove_extension(p, a, old, size, out, e), e);
}

static int walk_leaves(struct record *r, struct leaf_walk *w,
		       int (*take)(void *ctx, uint64_t seq, const char *json, size_t n), void *ctx,
		       struct err *e)
{
	struct leaf leaf;
	int rc;

	while ((rc = leaf_walk_next(w, &leaf, e)) == 1) {
		if (leaf.is_missing)
			return err_set(e, ERR_RECORD,
				       "cannot trust record \"%s\": record %lld is gone", r->path,
				       (long long)leaf.seq);
		if (take(ctx, (uint64_t)leaf.seq, (const char *)leaf.bytes + 1, leaf.n - 1) != 0)
			return err_set(e, ERR_USAGE, "could not write record %lld",
				       (long long)leaf.seq);
	}
	return rc;
}

int ledger_leaves(struct record *r, uint64_t from, uint64_t to,
		  int (*take)(void *ctx, uint64_t seq, const char *json, size_t n), void *ctx,
		  struct err *e)
{
	struct arena *a = arena_new();
	struct leaf_walk *w;
	int rc = store_enter(r, STORE_READING, e);

	if (rc == 0) {
		rc = leaf_walk_begin(r, a, (int64_t)from, (int64_t)to, &w, e);
		if (rc == 0) {
			rc = walk_leaves(r, w, take, ctx, e);
			leaf_walk_end(w);
		}
		rc = store_leave(r, rc, e);
	}
	arena_free(a);
	return rc;
}

int ledger_root_at(struct record *r, uint64_t size, struct merkle_hash *out, struct err *e)
{
	struct prover *p = xmalloc(sizeof(*p));
	const struct merkle_nodes nodes = {.node = node, .ctx = p};
	int rc;

	*p = (struct prover){.r = r, .size = size};
	rc = merkle_root_at(&nodes, size, out, e);
	free(p);
	return rc;
}
