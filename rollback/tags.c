/*
 * tags: which tags a set stands for right now.
 *
 * refs/tags/ only, in full, never a name that git would have to guess about. A tag that does not
 * lead to a commit stays in the list: leaving it out would hide what verification is to disprove.
 */
#include "rollback/room.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/base/str.h"
#include "runner/io/git.h"

#define TAG_PREFIX "refs/tags/"
#define MAX_DEPTH  32

struct names {
	const char **items;
	size_t n, cap;
};

static void names_add(struct arena *a, struct names *list, const char *name)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 64;
		const char **items = arena_array(a, cap, sizeof(*items));

		if (list->n > 0)
			memcpy(items, list->items, list->n * sizeof(*items));
		list->items = items;
		list->cap = cap;
	}
	list->items[list->n++] = arena_strdup(a, name);
}

static int newest_first(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return version_compare(*right, *left);
}

bool rollback_has(const struct rollback_set *set, const char *tag)
{
	for (size_t i = 0; i < set->except.n; i++)
		if (str_glob(set->except.items[i], tag))
			return false;
	return str_glob(set->tags, tag);
}

static int collect(struct arena *a, git_repository *repo, const struct rollback_set *set,
		   struct names *out, struct err *e)
{
	git_reference_iterator *it = NULL;
	const char *name;
	int rc = git_reference_iterator_glob_new(&it, repo, TAG_PREFIX "*");

	while (rc == 0 && (rc = git_reference_next_name(&name, it)) == 0)
		if (rollback_has(set, name + strlen(TAG_PREFIX)))
			names_add(a, out, name + strlen(TAG_PREFIX));
	git_reference_iterator_free(it);
	if (rc != GIT_ITEROVER)
		return err_set(e, ERR_MEASURE, "could not list the tags: %s", git_door_message());
	return 0;
}

/* Loose tags from the directory prefix on; what git could not have written there is none. */
static void add_loose(struct arena *a, const char *root, const char *prefix,
		      const struct rollback_set *set, struct map *known, struct names *out,
		      int depth)
{
	DIR *dir = opendir(arena_printf(a, "%s" TAG_PREFIX "%s", root, prefix));
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *name = arena_printf(a, "%s%s", prefix, entry->d_name);
		struct stat st;

		if (entry->d_name[0] == '.' || str_ends(name, ".lock") ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
			add_loose(a, root, arena_printf(a, "%s/", name), set, known, out,
				  depth + 1);
		else if (S_ISREG(st.st_mode) && rollback_has(set, name) && !map_get(known, name))
			names_add(a, out, name);
	}
	if (dir)
		(void)closedir(dir); /* only read */
}

/* Tags whose file is damaged: nobody but verification would miss them. */
static void add_damaged(struct arena *a, git_repository *repo, const struct rollback_set *set,
			struct names *list)
{
	struct map known;

	map_init(&known, a);
	for (size_t i = 0; i < list->n; i++)
		(void)map_put(&known, list->items[i], list); /* once each */
	add_loose(a, git_repository_commondir(repo), "", set, &known, list, 0);
}

/* The commit a tag leads to; NULL when it leads to none. The caller frees it. */
static git_object *peel_tag(struct arena *a, git_repository *repo, const char *tag)
{
	git_reference *ref = NULL;
	git_object *commit = NULL;

	if (git_reference_lookup(&ref, repo, arena_printf(a, TAG_PREFIX "%s", tag)) == 0 &&
	    git_reference_peel(&commit, ref, GIT_OBJECT_COMMIT) != 0)
		commit = NULL;
	git_reference_free(ref);
	return commit;
}

/* 1 = reachable from head or not leading to a commit, 0 = not reachable, -1 = could not tell. */
static int is_reachable(struct arena *a, git_repository *repo, const git_oid *head, const char *tag,
			struct err *e)
{
	git_object *commit = peel_tag(a, repo, tag);
	int result = 1;

	if (commit != NULL && !git_oid_equal(head, git_object_id(commit)))
		result = git_graph_descendant_of(repo, head, git_object_id(commit));
	if (result < 0)
		err_set(e, ERR_MEASURE, "could not tell whether tag \"%s\" is reachable: %s", tag,
			git_door_message());
	git_object_free(commit);
	return result;
}

static int keep_newest(struct arena *a, git_repository *repo, const struct rollback_set *set,
		       struct names *list, struct err *e)
{
	size_t keep = set->keep > 0 ? (size_t)set->keep : 1, kept = 0;
	git_oid head;

	if (set->is_reachable_only && list->n > 0 && git_reference_name_to_id(&head, repo, "HEAD"))
		return err_set(e, ERR_MEASURE, "could not resolve HEAD: %s", git_door_message());
	for (size_t i = 0; i < list->n && kept < keep; i++) {
		int ok = set->is_reachable_only ? is_reachable(a, repo, &head, list->items[i], e)
						: 1;

		if (ok < 0)
			return -1;
		if (ok)
			list->items[kept++] = list->items[i];
	}
	list->n = kept;
	return 0;
}

int rollback_tags(struct arena *a, const struct rollback_set *set, const char *const **tags,
		  size_t *n, struct err *e)
{
	git_repository *repo = NULL;
	struct names list = {0};
	int rc = -1;

	if (git_door_open(set->repo->location, &repo, e) < 0)
		return -1;
	if (collect(a, repo, set, &list, e) < 0)
		goto out;
	add_damaged(a, repo, set, &list);
	if (list.n > 0)
		qsort(list.items, list.n, sizeof(*list.items), newest_first);
	if (keep_newest(a, repo, set, &list, e) < 0)
		goto out;
	*tags = list.items;
	*n = list.n;
	rc = 0;
out:
	git_repository_free(repo);
	return rc;
}

bool rollback_is_shallow(const struct rollback_set *set)
{
	git_repository *repo = NULL;
	struct err e = {0};
	bool is_shallow;

	if (git_door_open(set->repo->location, &repo, &e) < 0)
		return false; /* whoever lists its tags is told why */
	is_shallow = git_repository_is_shallow(repo) == 1;
	git_repository_free(repo);
	return is_shallow;
}

const char *rollback_tags_help(struct arena *a, const struct rollback_set *set)
{
	if (rollback_is_shallow(set))
		return arena_printf(a,
				    "a shallow clone has no tags: git fetch --depth=1 origin "
				    "'refs/tags/%s:refs/tags/%s'",
				    set->tags, set->tags);
	return "git fetch --tags brings those of a remote, git tag v1.0.0 makes the first";
}

/* git tag makes none with a dash in front. */
const char *rollback_retag(struct arena *a, const char *tag, const char *commit, bool is_moved)
{
	const char *ref = arena_printf(a, "refs/tags/%s", tag);

	if (tag[0] == '-')
		return arena_printf(a, "git update-ref %s %s", str_as_word(a, ref), commit);
	return arena_printf(a, "git tag %s%s %s", is_moved ? "--force " : "", str_as_word(a, tag),
			    commit);
}

const char *rollback_bring_back(struct arena *a, const struct restoration *x, const char *pinned)
{
	const char *commit = pinned != NULL		  ? pinned
			     : x->outcome != OUTCOME_FAIL ? x->commit
							  : NULL;

	return commit != NULL ? rollback_retag(a, x->tag, commit, false) : NULL;
}

int rollback_commits(struct arena *a, const struct rollback_set *set, const char *const *tags,
		     size_t n, const char *const **commits, struct err *e)
{
	const char **out = arena_array(a, n, sizeof(*out));
	git_repository *repo = NULL;

	if (git_door_open(set->repo->location, &repo, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		git_object *commit = peel_tag(a, repo, tags[i]);

		if (commit != NULL)
			out[i] = arena_strdup(a, git_oid_tostr_s(git_object_id(commit)));
		git_object_free(commit);
	}
	git_repository_free(repo);
	*commits = out;
	return 0;
}

int rollback_trees(struct arena *a, const struct rollback_set *set, const char *const *commits,
		   size_t n, const char *const **trees, struct err *e)
{
	const char **out = arena_array(a, n, sizeof(*out));
	git_repository *repo = NULL;

	if (git_door_open(set->repo->location, &repo, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		git_commit *commit = NULL;
		git_oid id;

		if (commits[i] == NULL || git_oid_fromstr(&id, commits[i]) < 0 ||
		    git_commit_lookup(&commit, repo, &id) < 0)
			continue;
		out[i] = arena_strdup(a, git_oid_tostr_s(git_commit_tree_id(commit)));
		git_commit_free(commit);
	}
	git_repository_free(repo);
	*trees = out;
	return 0;
}

/* Names with a ":" are paths or searches to git, and digests to everybody else. */
static git_object *find_commit(git_repository *repo, const char *name)
{
	git_object *found = NULL, *commit = NULL;

	if (*name == '\0' || *name == '-' || strchr(name, ':') != NULL)
		return NULL;
	if (git_revparse_single(&found, repo, name) == 0 &&
	    git_object_peel(&commit, found, GIT_OBJECT_COMMIT) != 0)
		commit = NULL;
	git_object_free(found);
	return commit;
}

/* A release that is not tagged yet is called as its tag will be, also one that is left out. */
static bool is_tag_to_be(struct arena *a, git_repository *repo, const struct rollback_set *set,
			 const char *name)
{
	const char *tag = str_starts(name, TAG_PREFIX) ? name + strlen(TAG_PREFIX) : name;
	const char *ref = arena_printf(a, TAG_PREFIX "%s", tag);
	int is_valid = 0;
	git_oid id;

	return str_glob(set->tags, tag) && git_reference_name_is_valid(&is_valid, ref) == 0 &&
	       is_valid && git_reference_name_to_id(&id, repo, ref) == GIT_ENOTFOUND;
}

/* What git describe says of a work tree with changes is said of the commit below them. */
static const char *without_mark(struct arena *a, const char *name)
{
	const char *const marks[] = {"-dirty", "-broken"};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (str_ends(name, marks[i]))
			return arena_strndup(a, name, strlen(name) - strlen(marks[i]));
	return name;
}

/* The commit in TAG-N-gCOMMIT, as git describe writes it and git reads it; NULL = it is no such. */
static const char *described(const char *name)
{
	const char *end = strrchr(name, '-'), *digits = end;

	if (end == NULL || end[1] != 'g' || strlen(end + 2) < 4 ||
	    strspn(end + 2, "0123456789abcdefABCDEF") != strlen(end + 2))
		return NULL;
	while (digits > name && strchr("0123456789", digits[-1]) != NULL)
		digits--;
	return digits < end && digits > name + 1 && digits[-1] == '-' ? end + 2 : NULL;
}

int rollback_resolve(struct arena *a, const struct rollback_set *set, const char *name,
		     const char **commit, struct err *e)
{
	const char *plain = without_mark(a, name), *of_commit = described(plain);
	git_repository *repo = NULL;
	git_object *found;

	if (git_door_open(set->repo->location, &repo, e) < 0)
		return -1;
	*commit = of_commit == NULL && is_tag_to_be(a, repo, set, name) ? NULL : "";
	found = peel_tag(a, repo, name); /* before a branch of that name */
	if (found == NULL)
		found = find_commit(repo, name);
	if (found == NULL && plain != name)
		found = peel_tag(a, repo, plain);
	if (found == NULL && of_commit != NULL)
		found = find_commit(repo, of_commit);
	if (found != NULL)
		*commit = arena_strdup(a, git_oid_tostr_s(git_object_id(found)));
	git_object_free(found);
	git_repository_free(repo);
	return 0;
}

static bool is_among(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

int rollback_gone(struct arena *a, const struct rollback_set *set, const char *const *names,
		  size_t n, const char *const **gone, size_t *n_gone, struct err *e)
{
	size_t keep = set->keep > 0 ? (size_t)set->keep : 1, n_newest;
	struct rollback_set all = *set;
	const char *const *there, *const *newest;
	struct names out = {0};
	size_t n_there;

	all.keep = INT64_MAX;
	all.is_reachable_only = false;
	if (rollback_tags(a, set, &newest, &n_newest, e) < 0 ||
	    rollback_tags(a, &all, &there, &n_there, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		bool is_old =
			n_newest == keep && version_compare(newest[n_newest - 1], names[i]) > 0;

		if (!is_old && rollback_has(set, names[i]) && !is_among(names[i], there, n_there) &&
		    !is_among(names[i], out.items, out.n))
			names_add(a, &out, names[i]);
	}
	*gone = out.items;
	*n_gone = out.n;
	return 0;
}
