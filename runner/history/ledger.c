/*
 * The tree grows with every transaction: what was numbered in it is read back from its rows, hashed
 * and added, and the head is saved with the same commit. There is no moment at which the record has
 * a row that the ledger has not.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/leaf.h"
#include "runner/history/ledger_parts.h"

#define LEDGER_SINCE_VERSION 8

static int keep_node(struct record *r, unsigned level, uint64_t at, const struct merkle_hash *hash,
		     struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "INSERT INTO nodes VALUES (?1, ?2, ?3)", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, level);
	store_bind_int(s, 2, (int64_t)at);
	store_bind_digest(s, 3, hash->bytes, SHA256_BYTES);
	return store_run(r, s, e);
}

static int hash_leaf(struct record *r, const struct leaf *leaf, struct err *e)
{
	struct merkle_hash hash, path[MERKLE_LEVELS];
	uint64_t index = r->tree.size;
	unsigned reached;

	merkle_hash_leaf(leaf->bytes, leaf->n, &hash);
	reached = merkle_add(&r->tree, &hash, path);
	for (unsigned level = LEDGER_KEPT_LEVELS; level <= reached; level += LEDGER_KEPT_LEVELS)
		if (keep_node(r, level, index >> level, &path[level], e) != 0)
			return -1;
	return 0;
}

static int add_leaf(struct record *r, const struct leaf *leaf, struct err *e)
{
	if (leaf->is_missing || leaf->seq != (int64_t)r->tree.size)
		return err_set(e, ERR_INTERNAL, "record %llu of \"%s\" is not where it should be",
			       (unsigned long long)r->tree.size, r->path);
	return hash_leaf(r, leaf, e);
}

static int add_leaves(struct record *r, struct arena *a, struct err *e)
{
	struct leaf_walk *w;
	struct leaf leaf;
	int rc;

	if (leaf_walk_begin(r, a, (int64_t)r->tree.size, r->next_seq, &w, e) != 0)
		return -1;
	while ((rc = leaf_walk_next(w, &leaf, e)) == 1)
		if (add_leaf(r, &leaf, e) != 0) {
			rc = -1;
			break;
		}
	leaf_walk_end(w);
	if (rc == 0 && (int64_t)r->tree.size != r->next_seq)
		rc = err_set(e, ERR_INTERNAL, "\"%s\" has %lld records and rows for %llu", r->path,
			     (long long)r->next_seq, (unsigned long long)r->tree.size);
	return rc;
}

static int save_head(struct record *r, struct err *e)
{
	unsigned char frontier[MERKLE_LEVELS * SHA256_BYTES];
	size_t n = merkle_save(&r->tree, frontier);
	struct merkle_hash root;
	sqlite3_stmt *s =
		store_sql(r, "UPDATE head SET next_seq = ?1, frontier = ?2, root = ?3", e);

	if (s == NULL)
		return -1;
	merkle_root(&r->tree, &root);
	store_bind_int(s, 1, r->next_seq);
	store_bind_digest(s, 2, frontier, n);
	store_bind_digest(s, 3, root.bytes, SHA256_BYTES);
	return store_run(r, s, e);
}

int ledger_extend(struct record *r, struct err *e)
{
	struct arena *a;
	int rc;

	if (r->next_seq == (int64_t)r->tree.size)
		return 0;
	a = arena_new();
	rc = add_leaves(r, a, e);
	if (rc == 0)
		rc = save_head(r, e);
	arena_free(a);
	return rc;
}

/* ---- rows that another machine wrote ---- */

static int follow_leaves(struct record *r, struct arena *a, int64_t to,
			 int (*take)(void *ctx, const struct leaf *leaf, struct err *e), void *ctx,
			 struct err *e)
{
	struct leaf_walk *w;
	struct leaf leaf;
	int rc;

	if (leaf_walk_begin(r, a, (int64_t)r->tree.size, to, &w, e) != 0)
		return -1;
	while ((rc = leaf_walk_next(w, &leaf, e)) == 1) {
		if (leaf.is_missing || leaf.seq != (int64_t)r->tree.size)
			break;
		if (hash_leaf(r, &leaf, e) != 0 || take(ctx, &leaf, e) != 0) {
			rc = -1;
			break;
		}
	}
	leaf_walk_end(w);
	return rc < 0 ? -1 : 0;
}

/* The root the head names, beside the frontier it follows from. */
static int read_root(struct record *r, struct merkle_hash *out, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT root FROM head", e);

	if (s == NULL || store_step(r, s, e) < 0)
		return -1;
	store_digest(s, 0, out->bytes, SHA256_BYTES);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

int ledger_follow(struct record *r, int (*take)(void *ctx, const struct leaf *leaf, struct err *e),
		  void *ctx, bool *is_so, struct err *e)
{
	struct merkle tree = r->tree;
	struct merkle_hash said, named, is;
	struct arena *a = arena_new();
	int rc;

	rc = store_read_head(r, e) == 0 ? read_root(r, &named, e) : -1;
	if (rc == 0) {
		merkle_root(&r->tree, &said);
		r->tree = tree;
		rc = follow_leaves(r, a, r->next_seq, take, ctx, e);
	}
	if (rc == 0) {
		merkle_root(&r->tree, &is);
		*is_so = (int64_t)r->tree.size == r->next_seq &&
			 memcmp(&said, &is, sizeof(is)) == 0 &&
			 memcmp(&named, &is, sizeof(is)) == 0;
	}
	arena_free(a);
	return rc;
}

/* ---- records that are older than the ledger ---- */

/* Ids ascend from 1 without gaps where rows are only ever inserted; a gap is somebody's doing. */
static int name_rows(struct record *r, const char *count,
		     int (*name)(struct record *, int64_t, struct err *), struct err *e)
{
	sqlite3_stmt *s = store_sql(r, count, e);
	int64_t n = 0;

	if (s == NULL || store_integer(r, s, &n, e) < 0)
		return -1;
	for (int64_t id = 1; id <= n; id++)
		if (name(r, id, e) != 0)
			return -1;
	return 0;
}

static int note_migration(struct record *r, int64_t from, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r, "INSERT INTO migrations(seq, version_from, version_to) VALUES (?1, ?2, ?3)", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, store_take_seq(r, 1));
	store_bind_int(s, 2, from);
	store_bind_int(s, 3, STORE_VERSION);
	return store_run(r, s, e);
}

static int begin_tree(struct record *r, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT next_seq FROM head", e);

	if (s == NULL || store_integer(r, s, &r->next_seq, e) < 0)
		return -1;
	merkle_init(&r->tree);
	return name_rows(r, "SELECT coalesce(max(id), 0) FROM definitions", intern_name_definition,
			 e) != 0 ||
			       name_rows(r, "SELECT coalesce(max(id), 0) FROM facts",
					 intern_name_facts, e) != 0
		       ? -1
		       : 0;
}

int ledger_catch_up(struct record *r, int64_t from_version, struct err *e)
{
	int rc = from_version < LEDGER_SINCE_VERSION ? begin_tree(r, e) : store_read_head(r, e);

	if (rc == 0 && from_version > 0)
		rc = note_migration(r, from_version, e);
	if (rc == 0)
		rc = ledger_extend(r, e);
	return rc == 0 ? ledger_seal_working(r, e) : -1;
}
