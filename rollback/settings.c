/*
 * settings: what a repository's own configuration would have git restore otherwise.
 *
 * libgit2 reads the files and follows `include`. What `includeIf` adds counts whatever its
 * condition: libgit2 knows two of git's, and one that does not hold here and now may where somebody
 * goes back (on another branch, in a worktree, whose directory is another). So does what stops git
 * at once: a file it cannot read, a value that is none.
 *
 * Of LFS files the filter is noted only, since the attributes are not known yet.
 */
#include "rollback/room.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/io/git.h"

#define MAX_DEPTH 10 /* of includes, as in git */
#define MAX_FILES 100

struct reading {
	struct verification *v;
	struct step *s;
	const struct store *store;
	size_t n_files;
	git_config *config;
	const char *unset; /* the words that undo a setting, but for its name */
	const char *place; /* behind what is found: " (FILE, by includeIf ...)" */
};

/* A key of the file; its last value, as git takes it. */
struct setting {
	const char *key;
	bool is_there, is_included;
	const char *value; /* NULL = the key alone, which says yes */
};

static struct setting look(const struct reading *r, const char *key)
{
	struct setting found = {.key = key};
	git_config_entry *entry = NULL;

	if (git_config_get_entry(&entry, r->config, key) == 0) {
		found.is_there = true;
		found.is_included = entry->include_depth > 0;
		found.value = entry->value ? arena_strdup(r->v->a, entry->value) : NULL;
	}
	git_config_entry_free(entry);
	return found;
}

static bool is_word(const struct setting *found, const char *word)
{
	return found->value && strcasecmp(found->value, word) == 0;
}

static const char *as_set(const struct reading *r, const struct setting *found)
{
	return found->value ? arena_printf(r->v->a, "%s=%s", found->key,
					   str_escaped(r->v->a, found->value))
			    : arena_printf(r->v->a, "%s without a value", found->key);
}

static const char *undo(const struct reading *r, const struct setting *found)
{
	const char *git = room_git(r->v, r->store);

	if (!*r->place && strcmp(found->key, "core.sparseCheckout") == 0)
		return arena_printf(r->v->a, "%s sparse-checkout disable", git);
	if (!*r->place && found->is_included)
		return arena_printf(r->v->a, "%s config --show-origin %s, and there: %s %s", git,
				    found->key, "git config --file FILE --unset", found->key);
	return arena_printf(r->v->a, "%s %s", r->unset, found->key);
}

static void find(struct reading *r, const struct setting *found, const char *what)
{
	step_find(r->s, OUTCOME_UNDECIDED, undo(r, found), "%s: git in this clone %s%s%s",
		  as_set(r, found), what, room_whose(r->v, r->store), r->place);
}

static bool is_set_to(struct reading *r, const struct setting *found, bool wanted)
{
	int yes;

	if (!found->is_there)
		return false;
	if (git_config_parse_bool(&yes, found->value) == 0)
		return (yes != 0) == wanted;
	find(r, found, "refuses to work, as that is neither yes nor no");
	return false;
}

static void check_text(struct reading *r)
{
	const struct setting autocrlf = look(r, "core.autocrlf"), eol = look(r, "core.eol");

	/* "input" changes nothing on the way out. */
	if (!is_word(&autocrlf, "input") && is_set_to(r, &autocrlf, true))
		find(r, &autocrlf, "rewrites line ends");
	if (is_word(&eol, "crlf"))
		find(r, &eol, "rewrites line ends");
	else if (eol.is_there && !eol.value)
		find(r, &eol, "may write other line ends, or refuse to work");
}

/* Of this repository; NULL = it has none. */
static const struct entry *first_link(const struct reading *r)
{
	const struct entries *links = &r->v->plan.links;

	for (size_t i = 0; i < links->n; i++)
		if (&r->v->stores[links->items[i]->store] == r->store)
			return links->items[i];
	return NULL;
}

static void check_core(struct reading *r)
{
	const struct setting symlinks = look(r, "core.symlinks"),
			     sparse = look(r, "core.sparseCheckout"),
			     attributes = look(r, "core.attributesFile"),
			     partial = look(r, "extensions.partialClone");
	const struct entry *link = first_link(r);

	if (is_set_to(r, &symlinks, false) && link)
		find(r, &symlinks,
		     arena_printf(r->v->a, "writes the symbolic link \"%s\" as a plain file",
				  str_escaped(r->v->a, link->path)));
	if (is_set_to(r, &sparse, true))
		find(r, &sparse, "leaves out part of the tree");
	check_text(r);
	if (attributes.is_there && !attributes.value)
		find(r, &attributes, "refuses to work");
	else if (attributes.is_there && *attributes.value)
		find(r, &attributes, "applies attributes that are no part of the tag");
	if (partial.is_there && !partial.value)
		find(r, &partial, "refuses to work");
}

/* What `git lfs install` sets, of today and of earlier; they write the object that a pointer names.
 */
static bool is_lfs(const struct setting *found)
{
	static const char *const known[] = {"git-lfs smudge -- %f", "git-lfs smudge %f",
					    "git lfs smudge -- %f", "git lfs smudge %f",
					    "git-lfs filter-process"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (found->value && strcmp(found->value, known[i]) == 0)
			return true;
	return false;
}

static void note_lfs(struct reading *r)
{
	struct source_facts *f = &r->v->source;
	const struct setting programs[] = {look(r, "filter.lfs.process"),
					   look(r, "filter.lfs.smudge")};
	const struct setting storage = look(r, "lfs.storage");
	const struct setting *odd = storage.is_there ? &storage : NULL;

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]) && !odd; i++)
		if (programs[i].is_there && !is_lfs(&programs[i]))
			odd = &programs[i];
	if (!odd || f->lfs_setting || r->store != r->v->stores)
		return; /* attributes of a submodule are told on their own */
	f->lfs_setting = arena_printf(r->v->a, "%s%s", as_set(r, odd), r->place);
	f->lfs_remedy = undo(r, odd);
}

static void check_file(struct reading *r, const char *file, const char *condition, int depth);

const char *settings_middle(struct arena *a, const char *name, const char *begin, const char *end)
{
	size_t n = strlen(name), n_around = strlen(begin) + strlen(end);

	if (n <= n_around || !str_starts(name, begin) || !str_ends(name, end))
		return NULL;
	return arena_strndup(a, name + strlen(begin), n - n_around);
}

/* The file that a path in another one means; NULL: only git can tell (~user). */
static const char *included(const struct reading *r, const char *file, const char *path)
{
	const char *slash = strrchr(file, '/'), *home = getenv("HOME"); /* as libgit2 takes it */

	if (str_starts(path, "~/"))
		return home ? file_absolute(r->v->a, home, path + 2) : NULL;
	if (*path == '~' || str_starts(path, "%("))
		return NULL;
	return file_absolute(r->v->a, arena_strndup(r->v->a, file, (size_t)(slash - file)), path);
}

static void unreadable(struct reading *r, const char *file, const char *why)
{
	step_find(r->s, OUTCOME_UNDECIDED,
		  arena_printf(r->v->a, "%s config --list --show-origin", room_git(r->v, r->store)),
		  "what git in this clone does by \"%s\" cannot be told: %s",
		  str_escaped(r->v->a, file), str_escaped(r->v->a, why));
}

/* Files that this one names itself; of those that they name their own pass tells. */
static void follow(struct reading *r, git_config *config, const char *file, int depth)
{
	git_config_iterator *it = NULL;
	git_config_entry *entry;

	if (git_config_iterator_new(&it, config) < 0) {
		unreadable(r, file, git_door_message());
		return;
	}
	while (git_config_next(&entry, it) == 0) {
		const char *condition =
			settings_middle(r->v->a, entry->name, "includeif.", ".path");
		const char *path = entry->value;

		if (entry->include_depth > 0 ||
		    (!condition && strcmp(entry->name, "include.path") != 0))
			continue;
		path = path ? included(r, file, path) : NULL;
		if (path)
			check_file(r, path, condition, depth + 1);
		else
			unreadable(r, file,
				   arena_printf(r->v->a,
						"only git finds the file \"%s\" that it includes",
						entry->value ? entry->value : ""));
	}
	git_config_iterator_free(it);
}

/* condition: of the includeIf that names the file, "" = none and not included. NULL: by include. */
static void check_file(struct reading *r, const char *file, const char *condition, int depth)
{
	git_config *config = NULL;

	if (!room_is_there(file))
		return; /* git passes over it as well */
	if (depth > MAX_DEPTH || ++r->n_files > MAX_FILES) {
		unreadable(r, file, "too many files include others");
		return;
	}
	if (git_config_open_ondisk(&config, file) < 0) {
		unreadable(r, file, git_door_message());
		return;
	}
	if (condition) {
		const char *shown = str_escaped(r->v->a, condition);

		r->config = config;
		r->place = *condition ? arena_printf(r->v->a, " (\"%s\", by includeIf \"%s\")",
						     str_escaped(r->v->a, file), shown)
				      : "";
		if (*r->place)
			r->unset = arena_printf(r->v->a, "git config --file %s --unset",
						str_as_word(r->v->a, file));
		check_core(r);
		note_lfs(r);
	}
	follow(r, config, file, depth);
	git_config_free(config);
}

void settings_prove(struct verification *v, struct step *s, const struct store *store)
{
	const char *git = room_git(v, store);
	struct reading r = {.v = v, .s = s, .store = store};

	r.unset = arena_printf(v->a, "%s config --unset", git);
	check_file(&r, arena_printf(v->a, "%sconfig", git_repository_commondir(store->repo)), "",
		   0);
	r.unset = arena_printf(v->a, "%s config --worktree --unset", git);
	check_file(&r, arena_printf(v->a, "%sconfig.worktree", git_repository_path(store->repo)),
		   "", 0);
}

void settings_prove_lfs(struct verification *v, struct step *s)
{
	if (v->plan.has_lfs && v->source.lfs_setting)
		step_find(s, OUTCOME_UNDECIDED, v->source.lfs_remedy,
			  "%s: what git in this clone writes in place of an LFS pointer cannot be "
			  "told",
			  v->source.lfs_setting);
}
