/*
 * pack: the tag's blobs as they lie in packs, each base of a delta inflated once.
 *
 * libgit2 reads one object at a time and inflates the base of every delta again, inside a lock of
 * the handle. Here all blobs of the tag are located first and laid out in *families*: an entry that
 * is no delta, and everything that is made from it. A family is the work of one thread, which goes
 * depth first through it and hands out the blobs that are wanted.
 *
 * Only bytes that hash to the name are handed out (or such as are compared with proven content
 * once all are read, see content.c), and nothing here ever makes a finding: what
 * cannot be had this way (loose objects, damage, an absent base, more memory than allowed) is left
 * to the reader of read.c, which alone finds words. Anonymous memory is bounded by PACK_MAX_BYTES
 * for all threads together and by PACK_MAX_NODES entries.
 */
#ifndef ASSIZE_ROLLBACK_PACK_H
#define ASSIZE_ROLLBACK_PACK_H

#include "rollback/room.h"
#include "runner/io/git_pack.h"

#define PACK_MAX_BYTES ((size_t)128 << 20)
#define PACK_MAX_NODES 500000

#define PACK_NONE UINT32_MAX

/* The bytes of a blob; valid during the call. */
typedef void pack_blob_fn(struct worker *w, struct entry *owner, const void *data, size_t size);

/* An entry of a pack: a wanted blob, or the base of one. */
struct pack_node {
	struct git_pack_entry entry;
	bool is_usable;
	uint32_t store;
	uint64_t size;	     /* of the object; not known (0) of a delta that is only a base */
	uint64_t next;	     /* offset where the next node of its pack begins */
	struct entry *owner; /* of the blob; NULL = a base only */
	uint32_t first_child, next_sibling;
};

struct pack_plan {
	const struct git_packs **packs; /* of each store */
	struct pack_node *nodes;
	size_t n, cap;
	uint32_t *roots; /* of the families, in the order they are best begun */
	size_t n_roots;
	pack_blob_fn *fn; /* of the pass under way */
};

/* Locates blobs and sets the sizes of their entries. Findings: none but that time ran out. */
int pack_prepare(struct verification *v, struct step *s);
void pack_release(struct verification *v);

/*
 * Hands out the blobs it can, none without a plan, and marks their owners is_read; as crew_run()
 * otherwise.
 */
int pack_run(struct verification *v, pack_blob_fn *fn, struct step *first, struct step *second);

/* The worker's own reader of a store's packs. */
struct git_pack_reader *pack_reader(struct worker *w, size_t store);
/* Frees what a worker has kept for reading packs. */
void pack_worker_release(struct worker *w);

#endif
