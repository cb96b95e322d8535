/*
 * read: one object at a time, never trusted.
 *
 * libgit2 hashes what it read and compares with the name (strict hash verification, switched on in
 * git_door_init), whatever an .idx claimed. An absent object is "missing
 * source", hence undecided, where the repository says itself that it does not hold everything
 * (shallow, partial, an alternate that is gone); in a repository that claims to be whole it is
 * disproof: nobody can go back to this tag from here. Errors of the machine (permission, I/O,
 * memory) decide nothing.
 */
#include "rollback/room.h"

#include <string.h>
#include <sys/stat.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"
#include "runner/io/git.h"
#include "runner/io/git_index.h"

const char *room_hex(struct arena *a, const git_oid *id)
{
	char hex[GIT_OID_HEXSZ + 1];

	return arena_strdup(a, git_oid_tostr(hex, sizeof(hex), id));
}

const char *room_fetch(const struct verification *v, struct arena *a)
{
	const struct source_facts *f = &v->source;

	if (!f->remote)
		return "";
	if (f->promisor)
		return arena_printf(a, "git fetch --refetch --no-filter %s %s",
				    str_as_word(a, f->promisor), room_refspec(a, v->tag));
	return arena_printf(a, "git fetch %s %s %s", f->is_shallow ? "--depth=1" : "--refetch",
			    str_as_word(a, f->remote), room_refspec(a, v->tag));
}

static const char *remedy(struct verification *v, struct step *s, const char *why)
{
	const char *place = v->set->repo->location;

	if (v->source.lost_alternate && !v->source.remote)
		return arena_printf(s->a, "bring back \"%s\", the store this clone borrows from",
				    str_escaped(s->a, v->source.lost_alternate));
	if (v->source.remote)
		return arena_strdup(s->a, why);
	return arena_printf(s->a, "git -C %s fetch --refetch <a complete clone> %s",
			    str_as_word(s->a, place), room_refspec(s->a, v->tag));
}

/* "blob 1a2b.. of "src/a.c"" */
static const char *named(struct step *s, const struct wanted *w)
{
	const char *hex = room_hex(s->a, w->id);
	const char *kind = w->type == GIT_OBJECT_ANY ? "object" : git_object_type2string(w->type);

	if (!w->path)
		return arena_printf(s->a, "%s %s", kind, hex);
	if (!*w->path)
		return arena_printf(s->a, "root %s %s", kind, hex);
	return arena_printf(s->a, "%s %s of \"%s\"", kind, hex, str_escaped(s->a, w->path));
}

/* Is there a copy of the object in a pack? */
static bool is_packed(const char *objects, const git_oid *id)
{
	git_odb *packs = NULL;
	bool found = git_odb_new(&packs) == 0 && git_door_add_packs(packs, objects, 1) == 0 &&
		     git_odb_exists(packs, id) == 1;

	git_odb_free(packs);
	return found;
}

/* The command that gets a submodule's commit again. */
static const char *fetch_submodule(const struct verification *v, struct step *s, size_t store)
{
	return arena_printf(s->a, "git -C %s fetch --refetch origin %s",
			    str_as_word(s->a, v->stores[store].gitdir), v->stores[store].commit);
}

/*
 * Fetching does not replace what git believes to have. A loose copy can be removed first; a damaged
 * pack holds history that may be nowhere else and is left alone beside a fresh clone.
 */
static const char *repair(struct verification *v, struct step *s, const struct wanted *w)
{
	const char *objects = arena_printf(s->a, "%sobjects", git_repository_commondir(v->repo));
	const char *hex = room_hex(s->a, w->id);
	const char *loose = arena_printf(s->a, "%s/%.2s/%s", objects, hex, hex + 2);
	const char *get = remedy(v, s, room_fetch(v, s->a));
	struct stat st;

	if (w->store > 0)
		return fetch_submodule(v, s, w->store);
	if (stat(loose, &st) == 0 && !is_packed(objects, w->id))
		return arena_printf(s->a, "rm -f %s && %s", str_as_word(s->a, loose), get);
	if (!v->source.remote && v->source.lost_alternate)
		return get;
	if (!v->source.remote)
		return "git clone --mirror <a complete clone> fresh.git";
	return arena_printf(s->a, "git clone --mirror \"$(git remote get-url %s)\" fresh.git",
			    str_as_word(s->a, v->source.remote));
}

/* An index for whose sake nothing of its pack is read. */
static const char *bad_index(const struct verification *v, struct arena *a,
			     enum git_index_state *state)
{
	const char *objects = arena_printf(a, "%sobjects", git_repository_commondir(v->repo));
	const char *index = git_index_find_bad(a, objects, state);
	const char *const *lenders;
	size_t n;

	git_door_alternates(a, objects, &lenders, &n);
	for (size_t i = 0; i < n && !index; i++)
		index = git_index_find_bad(a, lenders[i], state);
	return index;
}

static int missing(struct verification *v, const struct wanted *w, struct step *s)
{
	const struct source_facts *f = &v->source;
	const char *object = named(s, w), *get = remedy(v, s, room_fetch(v, s->a)), *index;
	enum git_index_state state;

	if (w->store > 0)
		return step_find(s, OUTCOME_UNDECIDED, fetch_submodule(v, s, w->store),
				 "%s is not in the clone of its submodule", object);
	if (f->promisor)
		return step_find(s, OUTCOME_UNDECIDED, get,
				 "%s is not here: partial clone, the rest is only at remote \"%s\"",
				 object, str_escaped(s->a, f->promisor));
	if (f->lost_alternate)
		return step_find(s, OUTCOME_UNDECIDED, get,
				 "%s is not here: the alternate \"%s\" this clone borrows from is "
				 "gone",
				 object, str_escaped(s->a, f->lost_alternate));
	if (f->is_shallow)
		return step_find(s, OUTCOME_UNDECIDED, get, "%s is not here: shallow clone",
				 object);
	index = bad_index(v, s->a, &state);
	if (index && state == GIT_INDEX_UNREAD)
		return step_find(s, OUTCOME_UNDECIDED,
				 arena_printf(s->a, "cat %s >/dev/null", str_as_word(s->a, index)),
				 "%s cannot be had: the index \"%s\" could not be read", object,
				 str_escaped(s->a, index));
	if (index)
		return step_find(s, OUTCOME_FAIL, repair(v, s, w),
				 "%s cannot be had: the pack is shorter than its index \"%s\" says",
				 object, str_escaped(s->a, index));
	return step_find(s, OUTCOME_FAIL, get, "%s is missing from the repository", object);
}

int room_unreadable(struct verification *v, int rc, const struct wanted *w, struct step *s)
{
	/* Copied now: finding the remedy asks libgit2 again. */
	const char *reason = str_escaped(s->a, git_door_message());
	bool is_machine = git_door_is_machine_error();

	if (rc == GIT_ENOTFOUND)
		return missing(v, w, s);
	if (rc == GIT_EMISMATCH)
		return step_find(s, OUTCOME_FAIL, repair(v, s, w), "%s holds other bytes: %s",
				 named(s, w), reason);
	if (is_machine)
		return step_find(s, OUTCOME_UNDECIDED,
				 arena_printf(s->a, "ls -lR %s/objects",
					      str_as_word(s->a, git_repository_commondir(v->repo))),
				 "%s could not be read: %s", named(s, w), reason);
	return step_find(s, OUTCOME_FAIL, repair(v, s, w), "%s is damaged: %s", named(s, w),
			 reason);
}

struct wanted room_wanted(const struct verification *v, const struct entry *entry)
{
	return (struct wanted){
		.odb = v->stores[entry->store].odb,
		.id = &entry->id,
		.type = entry->type == ENTRY_DIRECTORY ? GIT_OBJECT_TREE : GIT_OBJECT_BLOB,
		.path = entry->path,
		.store = entry->store,
	};
}

int room_read(struct verification *v, const struct wanted *w, struct step *s, git_odb_object **out)
{
	git_odb_object *object;
	git_object_t found;
	int rc = git_odb_read(&object, w->odb, w->id);

	if (rc < 0)
		return room_unreadable(v, rc, w, s);
	found = git_odb_object_type(object);
	if (found != w->type) {
		git_odb_object_free(object);
		return step_find(s, OUTCOME_FAIL, NULL, "%s is a %s", named(s, w),
				 git_object_type2string(found));
	}
	*out = object;
	return 0;
}

int room_read_size(struct verification *v, const struct wanted *w, struct step *s,
		   int64_t *size_bytes)
{
	git_object_t type;
	size_t size;
	int rc = git_odb_read_header(&size, &type, w->odb, w->id);

	if (rc < 0)
		return room_unreadable(v, rc, w, s);
	if (type != w->type) {
		git_odb_object *object;

		/* A header is not hashed: read it all to tell a wrong file from a wrong tree. */
		if (room_read(v, w, s, &object) < 0)
			return -1;
		size = git_odb_object_size(object);
		git_odb_object_free(object);
	}
	if (size > INT64_MAX / 2)
		return step_find(s, OUTCOME_FAIL, repair(v, s, w), "%s claims an impossible size",
				 named(s, w));
	*size_bytes = (int64_t)size;
	return 0;
}
