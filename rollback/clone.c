/*
 * clone: would git, in this clone, restore what the tag stores?
 *
 * The stored objects can be whole and git still write something else, with exit status 0: a
 * replacement for an object of the tag, local attributes, core.symlinks=false, autocrlf, a sparse
 * checkout. The restoration of assize ignores all of them; people in a hurry use git. So where such
 * a setting touches this tag, going back from this clone is unproven, with the command that removes
 * it. A replaced commit that keeps its tree (how histories are joined) is only remarked.
 */
#include "rollback/room.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/io/git.h"

/* Does the replacement of the tag's commit have the same tree? */
static bool keeps_tree(struct verification *v, const char *ref)
{
	git_oid id;
	git_commit *commit = NULL;
	bool same;

	if (git_reference_name_to_id(&id, v->repo, ref) < 0 ||
	    git_commit_lookup(&commit, v->repo, &id) < 0)
		return false;
	same = git_oid_equal(git_commit_tree_id(commit), &v->tree_id);
	git_commit_free(commit);
	return same;
}

static void check_replaced(struct verification *v, struct step *s)
{
	const struct source_facts *f = &v->source;
	const struct tree_plan *plan = &v->plan;

	for (size_t i = 0; i < f->n_replaced; i++) {
		const git_oid *id = &f->replaced[i];
		const char *hex = room_hex(v->a, id);
		bool is_commit = git_oid_equal(id, &v->commit_id);

		if (!is_commit &&
		    !bsearch(id, plan->ids, plan->n_ids, sizeof(*plan->ids), tree_by_id))
			continue;
		if (is_commit && keeps_tree(v, arena_printf(v->a, "refs/replace/%s", hex))) {
			step_find(s, OUTCOME_WARN, NULL,
				  "refs/replace has another commit with the same tree for %s; "
				  "ignored",
				  hex);
			continue;
		}
		step_find(s, OUTCOME_UNDECIDED, arena_printf(v->a, "git replace -d %s", hex),
			  "refs/replace swaps %s %s of the tag: git in this clone restores other "
			  "content than is stored",
			  is_commit ? "commit" : "object", hex);
	}
}

/* A file of the repository's own that git would obey, which cannot be read or is too large to be.
 */
static void check_unread(struct verification *v, struct step *s, const char *path, const char *why)
{
	step_find(s, OUTCOME_UNDECIDED, arena_printf(v->a, "rm %s", str_as_word(v->a, path)),
		  "what git in this clone writes by \"%s\" cannot be told: %s",
		  str_escaped(v->a, path), why);
}

static void check_local_attributes(struct verification *v, struct step *s)
{
	const char *path =
		arena_printf(v->a, "%sinfo/attributes", git_repository_commondir(v->repo));
	struct err e = {0};
	struct buf text;

	buf_init(&text, (size_t)1 << 20);
	if (file_read(path, &text, &e) < 0) {
		if (room_is_there(path))
			check_unread(v, s, path, e.message);
	} else if (attributes_matter(text.data, text.len)) {
		step_find(s, OUTCOME_UNDECIDED,
			  arena_printf(v->a, "rm %s", str_as_word(v->a, path)),
			  "info/attributes of this clone change what git writes here");
	}
	buf_release(&text);
}

int clone_prove(struct verification *v, struct step *s)
{
	check_replaced(v, s);
	settings_prove(v, s);
	check_local_attributes(v, s);
	return step_is_passing(s) ? 0 : -1;
}
