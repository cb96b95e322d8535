/*
 * git_pack: objects in packs, located and inflated without libgit2: by several threads at once, and
 * by whoever wants to inflate the base of many deltas once only.
 *
 * Nothing here is proof, and nothing here is an error to tell. An index is a hint where an object
 * might begin; the caller hashes what came out and compares it with the name. Whatever cannot be
 * used (a damaged index, a pack that is cut short, another version, loose objects) is simply not
 * found, and is left to libgit2, which finds the words.
 *
 * Files are read by pread(), not mapped: one that shrinks meanwhile then gives a short read, where
 * a map would end the process by SIGBUS. The descriptors stay open, so a pack that gc replaces goes
 * on being readable; packs that arrive later are not seen.
 *
 * Source: gitformat-pack(5): index version 2, pack versions 2 and 3, SHA-1 names.
 */
#ifndef ASSIZE_IO_GIT_PACK_H
#define ASSIZE_IO_GIT_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct git_packs;
struct git_pack_reader;

#define GIT_PACK_ID 20

/* As they stand in a pack. */
enum git_pack_type {
	GIT_PACK_COMMIT = 1,
	GIT_PACK_TREE = 2,
	GIT_PACK_BLOB = 3,
	GIT_PACK_TAG = 4,
	GIT_PACK_OFS_DELTA = 6,
	GIT_PACK_REF_DELTA = 7,
};

struct git_pack_entry {
	uint32_t pack; /* which of the packs */
	uint64_t offset;
	enum git_pack_type type;
	size_t header_bytes; /* before the stream */
	uint64_t size;	     /* inflated: of the object, or of the delta */
	uint64_t base;	     /* of a delta: offset of its base, in the same pack */
};

/* Offset of an entry that is not known. */
#define GIT_PACK_NOWHERE UINT64_MAX

static inline bool git_pack_is_delta(const struct git_pack_entry *entry)
{
	return entry->type == GIT_PACK_OFS_DELTA || entry->type == GIT_PACK_REF_DELTA;
}

/*
 * The packs of an object directory and of those it borrows from, those with most objects first; at
 * most a few hundred. Closed with the arena. Not changed afterwards: any number of readers may use
 * it at once.
 */
struct git_packs *git_packs_open(struct arena *a, const char *objects);
/* How many could be used. */
size_t git_packs_count(const struct git_packs *packs);

/* Of one of them; as long as the packs live. */
const char *git_pack_path(const struct git_packs *packs, uint32_t pack);

/*
 * One thread's buffers. No object and no delta whose stream could take more than max_bytes is read.
 * Borrows the packs.
 */
struct git_pack_reader *git_pack_reader_new(const struct git_packs *packs, size_t max_bytes);
void git_pack_reader_free(struct git_pack_reader *r); /* NULL is allowed */

/* Where an index says that an object is. */
bool git_pack_find(struct git_pack_reader *r, const unsigned char id[static GIT_PACK_ID],
		   uint32_t *pack, uint64_t *offset);

/* The header of an entry. -1: there cannot be one. */
int git_pack_entry(struct git_pack_reader *r, uint32_t pack, uint64_t offset,
		   struct git_pack_entry *out);

/* Size of the object itself; that of a delta is read from its first bytes. */
int git_pack_object_size(struct git_pack_reader *r, const struct git_pack_entry *entry,
			 uint64_t *size);

/*
 * Inflates entry->size bytes. next is where another entry of that pack begins, as far as the caller
 * knows: it saves reading more than there is.
 */
int git_pack_inflate(struct git_pack_reader *r, const struct git_pack_entry *entry, uint64_t next,
		     void *out);

#endif
