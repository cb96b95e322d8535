/*
 * content: every object under the tag, under a hash that nobody has broken.
 *
 * An object's name is a SHA-1, and the kind that notices collision attacks takes three times as
 * long as a plain one, a quarter of a verification. So each object's SHA-256 is taken as well (the
 * comparison with what was restored needs it anyway), and all of them go into one digest: SHA-256
 * over (name, size as 8 bytes big endian, SHA-256) of every object, by name. When the record has
 * the digest of an earlier verification of this very tree that proved each name, blobs need not be
 * hashed twice: an equal digest says that they are the same. A different one proves nothing yet,
 * and every name is proven after all (verify.c).
 */
#include "rollback/room.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/io/digest.h"

#define SIZE_BYTES 8

/* By name among the sorted ids; each object has one thread that reads it. */
static void place(struct verification *v, const git_oid *id, const struct content *content)
{
	const struct tree_plan *plan = &v->plan;
	const git_oid *found = bsearch(id, plan->ids, plan->n_ids, sizeof(*id), tree_by_id);

	if (found)
		plan->contents[found - plan->ids] = *content;
}

void content_place(struct verification *v, const git_oid *id, const unsigned char *sha256,
		   size_t size)
{
	struct content content = {.size = size, .is_known = true};

	memcpy(content.sha256, sha256, sizeof(content.sha256));
	place(v, id, &content);
}

void content_note(struct verification *v, const git_oid *id, const void *data, size_t size)
{
	struct noted *noted = arena_alloc(v->a, sizeof(*noted));

	noted->id = *id;
	noted->content.size = size;
	noted->content.is_known = true;
	sha256_of(data, size, noted->content.sha256);
	noted->next = v->plan.noted;
	v->plan.noted = noted;
}

void content_begin(struct verification *v)
{
	struct tree_plan *plan = &v->plan;

	plan->contents = arena_array(v->a, plan->n_ids, sizeof(*plan->contents));
}

const char *content_digest(struct verification *v)
{
	const struct tree_plan *plan = &v->plan;
	unsigned char digest[SHA256_BYTES], size[SIZE_BYTES];
	char hex[SHA256_HEX];
	struct sha256 h;
	bool is_whole = true;

	for (const struct noted *noted = plan->noted; noted; noted = noted->next)
		place(v, &noted->id, &noted->content);
	sha256_init(&h);
	for (size_t i = 0; i < plan->n_ids; i++) {
		const struct content *content = &plan->contents[i];

		for (unsigned k = 0; k < SIZE_BYTES; k++)
			size[k] =
				(unsigned char)(content->size >> (8 * (SIZE_BYTES - 1 - k)) & 255);
		sha256_add(&h, plan->ids[i].id, GIT_OID_RAWSZ);
		sha256_add(&h, size, sizeof(size));
		sha256_add(&h, content->sha256, sizeof(content->sha256));
		is_whole = is_whole && content->is_known;
	}
	sha256_final(&h, digest);
	if (!is_whole)
		return NULL;
	sha256_hex(digest, hex);
	return arena_strdup(v->a, hex);
}
