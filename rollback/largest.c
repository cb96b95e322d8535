/*
 * largest: the file of a tag that most is to be lost of, and where its bytes lie, for whoever wants
 * to see what its loss would do to a copy of the repository.
 */
#include "rollback/rollback.h"

#include <string.h>
#include <sys/stat.h>

#include "rollback/room.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/git.h"
#include "runner/io/git_pack.h"

/* Behind the header of a zlib stream: what is there cannot be another without being noticed. */
#define ZLIB_HEADER 2
/* Of the reader, which only looks at headers. */
#define HEADER_BYTES 4096

struct walk {
	struct arena *a;
	git_odb *odb;
	size_t size;
	const char *path;
	git_oid id;
};

static int look_at(const char *root, const git_tree_entry *entry, void *payload)
{
	struct walk *w = payload;
	git_object_t type;
	size_t size;

	if (git_tree_entry_type(entry) != GIT_OBJECT_BLOB ||
	    git_odb_read_header(&size, &type, w->odb, git_tree_entry_id(entry)) < 0 ||
	    (w->path && size <= w->size))
		return 0;
	w->size = size;
	w->path = arena_printf(w->a, "%s%s", root, git_tree_entry_name(entry));
	w->id = *git_tree_entry_id(entry);
	return 0;
}

static int find_largest(git_repository *repo, const char *tag, struct walk *w)
{
	git_reference *ref = NULL;
	git_object *tree = NULL;
	int rc = git_repository_odb(&w->odb, repo);

	if (rc == 0)
		rc = git_reference_lookup(&ref, repo, arena_printf(w->a, "refs/tags/%s", tag));
	if (rc == 0)
		rc = git_reference_peel(&tree, ref, GIT_OBJECT_TREE);
	if (rc == 0)
		rc = git_tree_walk((git_tree *)tree, GIT_TREEWALK_PRE, look_at, w);
	git_object_free(tree);
	git_reference_free(ref);
	git_odb_free(w->odb);
	return rc;
}

static bool find_loose(const struct walk *w, const char *objects, struct rollback_blob *out)
{
	char hex[GIT_OID_HEXSZ + 1];
	const char *file;
	struct stat st;

	(void)git_oid_tostr(hex, sizeof(hex), &w->id); /* it fits */
	file = arena_printf(w->a, "%s/%.2s/%s", objects, hex, hex + 2);
	if (lstat(file, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	out->file = file;
	out->at = (int64_t)st.st_size / 2;
	return true;
}

static void find_packed(const struct walk *w, const char *objects, struct rollback_blob *out)
{
	struct git_packs *packs = git_packs_open(w->a, objects);
	struct git_pack_reader *reader = git_pack_reader_new(packs, HEADER_BYTES);
	struct git_pack_entry entry;
	uint32_t pack;
	uint64_t offset;

	if (git_pack_find(reader, w->id.id, &pack, &offset) &&
	    str_starts(git_pack_path(packs, pack), objects) &&
	    git_pack_entry(reader, pack, offset, &entry) == 0) {
		out->file = git_pack_path(packs, pack);
		out->at = (int64_t)(offset + entry.header_bytes + ZLIB_HEADER);
		out->is_packed = true;
	}
	git_pack_reader_free(reader);
}

int rollback_largest(struct arena *a, const struct rollback_set *set, const char *tag,
		     struct rollback_blob *out, struct err *e)
{
	struct walk w = {.a = a};
	git_repository *repo = NULL;
	const char *objects;

	*out = (struct rollback_blob){0};
	if (git_door_open(set->repo->location, &repo, e) < 0)
		return -1;
	if (find_largest(repo, tag, &w) < 0) {
		(void)err_set(e, ERR_MEASURE, "could not read the tree of tag \"%s\": %s", tag,
			      git_door_message());
		git_repository_free(repo);
		return -1;
	}
	objects = arena_printf(a, "%sobjects", git_repository_commondir(repo));
	git_repository_free(repo);
	out->path = w.path;
	if (w.path && !find_loose(&w, objects, out))
		find_packed(&w, objects, out);
	return 0;
}
