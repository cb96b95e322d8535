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

/* Value of a key in the repository's own configuration files; NULL when not set there. */
static const char *local_value(struct verification *v, const char *file, const char *key)
{
	git_config *config = NULL;
	git_config_entry *entry = NULL;
	const char *value = NULL;

	if (git_config_open_ondisk(&config, file) < 0)
		return NULL;
	if (git_config_get_entry(&entry, config, key) == 0)
		value = arena_strdup(v->a, entry->value);
	git_config_entry_free(entry);
	git_config_free(config);
	return value;
}

static bool is_true(const char *value)
{
	int yes = 0;

	return git_config_parse_bool(&yes, value) == 0 && yes;
}

static void check_settings(struct verification *v, struct step *s, const char *file)
{
	const char *symlinks = local_value(v, file, "core.symlinks");
	const char *sparse = local_value(v, file, "core.sparsecheckout");
	const char *autocrlf = local_value(v, file, "core.autocrlf");
	const char *eol = local_value(v, file, "core.eol");
	const char *attributes = local_value(v, file, "core.attributesfile");

	if (symlinks && !is_true(symlinks) && v->plan.links.n > 0)
		step_find(
			s, OUTCOME_UNDECIDED, "git config --unset core.symlinks",
			"core.symlinks=false: git in this clone writes the symbolic link \"%s\" as "
			"a plain file",
			str_escaped(v->a, v->plan.links.items[0]->path));
	if (sparse && is_true(sparse))
		step_find(s, OUTCOME_UNDECIDED, "git sparse-checkout disable",
			  "core.sparseCheckout: git in this clone leaves out part of the tree");
	/* "input" changes nothing on the way out. */
	if (autocrlf && is_true(autocrlf))
		step_find(s, OUTCOME_UNDECIDED, "git config --unset core.autocrlf",
			  "core.autocrlf=true: git in this clone rewrites line ends");
	if (eol && strcmp(eol, "crlf") == 0)
		step_find(s, OUTCOME_UNDECIDED, "git config --unset core.eol",
			  "core.eol=crlf: git in this clone rewrites line ends");
	if (attributes && *attributes)
		step_find(s, OUTCOME_UNDECIDED, "git config --unset core.attributesFile",
			  "core.attributesFile: git in this clone applies attributes of \"%s\", "
			  "which are no part of the tag",
			  str_escaped(v->a, attributes));
}

static void check_local_attributes(struct verification *v, struct step *s)
{
	const char *path =
		arena_printf(v->a, "%sinfo/attributes", git_repository_commondir(v->repo));
	struct buf text;

	buf_init(&text, (size_t)1 << 20);
	if (file_read(path, &text, NULL) == 0 && attributes_matter(text.data, text.len))
		step_find(s, OUTCOME_UNDECIDED,
			  arena_printf(v->a, "rm %s", str_as_word(v->a, path)),
			  "info/attributes of this clone change what git writes here");
	buf_release(&text);
}

int clone_prove(struct verification *v, struct step *s)
{
	const char *common = git_repository_commondir(v->repo);

	check_replaced(v, s);
	check_settings(v, s, arena_printf(v->a, "%sconfig", common));
	check_settings(v, s, arena_printf(v->a, "%sconfig.worktree", git_repository_path(v->repo)));
	check_local_attributes(v, s);
	return step_is_passing(s) ? 0 : -1;
}
