/*
 * clone: would git, in this clone, restore what the tag stores?
 *
 * The stored objects can be whole and git still write something else, with exit status 0: a
 * replacement for an object of the tag, local attributes, core.symlinks=false, autocrlf, a sparse
 * checkout; so can the clone of a submodule. The restoration of assize ignores all of them; people
 * in a hurry use git. So where such a setting touches this tag, going back from this clone is
 * unproven, with the command that removes it. A replaced commit that keeps its tree (how histories
 * are joined) is only remarked.
 */
#include "rollback/room.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/io/git.h"

#define REPLACE_PREFIX "refs/replace/"

static bool tree_of(git_repository *repo, const git_oid *id, git_oid *tree)
{
	git_commit *commit = NULL;

	if (git_commit_lookup(&commit, repo, id) < 0)
		return false;
	git_oid_cpy(tree, git_commit_tree_id(commit));
	git_commit_free(commit);
	return true;
}

/* Is it a commit whose replacement has the same tree? */
static bool keeps_tree(git_repository *repo, const char *ref, const git_oid *id)
{
	git_oid other, tree, other_tree;

	return git_reference_name_to_id(&other, repo, ref) == 0 && tree_of(repo, id, &tree) &&
	       tree_of(repo, &other, &other_tree) && git_oid_equal(&tree, &other_tree);
}

/* Is it the tag object, or one of those that it leads through? */
static bool is_tag_object(struct verification *v, const git_oid *id)
{
	git_oid at = v->tag_id;
	git_tag *tag = NULL;
	bool is_one = false;

	for (int level = 0; v->is_annotated && level < ROOM_MAX_DEPTH && !is_one; level++) {
		if (git_tag_lookup(&tag, v->repo, &at) < 0)
			break;
		is_one = git_oid_equal(&at, id);
		git_oid_cpy(&at, git_tag_target_id(tag));
		git_tag_free(tag);
	}
	return is_one;
}

static void check_replaced(struct verification *v, struct step *s, const struct store *store,
			   const char *ref, const git_oid *id)
{
	const struct tree_plan *plan = &v->plan;
	const char *hex = room_hex(v->a, id), *what = "object";

	if (git_oid_equal(id, &v->commit_id))
		what = "commit";
	else if (is_tag_object(v, id))
		what = "tag object";
	else if (!bsearch(id, plan->ids, plan->n_ids, sizeof(*plan->ids), tree_by_id))
		return;
	if (keeps_tree(store->repo, ref, id))
		step_find(s, OUTCOME_WARN, NULL,
			  "refs/replace has another commit with the same tree for %s%s; ignored",
			  hex, room_whose(v, store));
	else
		step_find(s, OUTCOME_UNDECIDED,
			  arena_printf(v->a, "%s replace -d %s", room_git(v, store), hex),
			  "refs/replace swaps %s %s of the tag%s: git in this clone restores other "
			  "content than is stored",
			  what, hex, room_whose(v, store));
}

static void find_replaced(struct verification *v, struct step *s, const struct store *store)
{
	git_reference_iterator *it = NULL;
	const char *name;
	int rc = git_reference_iterator_glob_new(&it, store->repo, REPLACE_PREFIX "*");

	while (rc == 0 && (rc = git_reference_next_name(&name, it)) == 0) {
		git_oid id;

		/* what is no object name git takes no notice of either */
		if (git_oid_fromstr(&id, name + strlen(REPLACE_PREFIX)) == 0)
			check_replaced(v, s, store, name, &id);
	}
	git_reference_iterator_free(it);
	if (rc != GIT_ITEROVER)
		step_find(s, OUTCOME_UNDECIDED,
			  arena_printf(v->a, "%s for-each-ref refs/replace", room_git(v, store)),
			  "could not list refs/replace%s: %s", room_whose(v, store),
			  git_door_message());
}

/* A file of the repository's own that git would obey, which cannot be read or is too large to be.
 */
static void check_unread(struct verification *v, struct step *s, const char *path, const char *why)
{
	step_find(s, OUTCOME_UNDECIDED, arena_printf(v->a, "rm %s", str_as_word(v->a, path)),
		  "what git in this clone writes by \"%s\" cannot be told: %s",
		  str_escaped(v->a, path), why);
}

static void check_local_attributes(struct verification *v, struct step *s,
				   const struct store *store)
{
	const char *path =
		arena_printf(v->a, "%sinfo/attributes", git_repository_commondir(store->repo));
	struct err e = {0};
	struct buf text;

	buf_init(&text, (size_t)1 << 20);
	if (file_read(path, &text, &e) < 0) {
		if (room_is_there(path))
			check_unread(v, s, path, e.message);
	} else if (attributes_matter(text.data, text.len)) {
		step_find(s, OUTCOME_UNDECIDED,
			  arena_printf(v->a, "rm %s", str_as_word(v->a, path)),
			  "info/attributes of this clone change what git writes here%s",
			  room_whose(v, store));
	}
	buf_release(&text);
}

int clone_prove(struct verification *v, struct step *s)
{
	for (size_t i = 0; i < v->n_stores; i++) {
		find_replaced(v, s, &v->stores[i]);
		settings_prove(v, s, &v->stores[i]);
		check_local_attributes(v, s, &v->stores[i]);
	}
	return step_is_passing(s) ? 0 : -1;
}
