/*
 * git_files: a commit's tree, walked below one directory.
 *
 * The repository is looked for from the directory upwards, because a directory that only the commit
 * has is still below the work tree. It is then opened exactly there (git_door_open), so that the
 * objects are read through our own backends like everywhere else.
 */
#include "runner/io/git_files.h"

#include <string.h>
#include <sys/stat.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/git.h"
#include "runner/io/git_library.h"

struct git_files {
	struct arena *arena;
	const char *ref;
	const char *top; /* absolute path of the work tree, or of the bare repository */
	const char *commit;
	git_repository *repo;
	git_tree *tree;
};

static void free_repository(void *repo)
{
	git_repository_free(repo);
}

static void free_tree(void *tree)
{
	git_tree_free(tree);
}

static bool is_repository(struct arena *a, const char *path)
{
	struct stat st;

	if (stat(arena_printf(a, "%s/.git", path), &st) == 0)
		return true;
	return stat(arena_printf(a, "%s/HEAD", path), &st) == 0 && S_ISREG(st.st_mode) &&
	       stat(arena_printf(a, "%s/objects", path), &st) == 0 && S_ISDIR(st.st_mode);
}

/* The nearest directory at or above an absolute path that is a repository; NULL = none. */
static const char *find_top(struct arena *a, const char *dir)
{
	char *path = arena_strdup(a, dir);

	for (;;) {
		char *slash = strrchr(path, '/');

		if (is_repository(a, path))
			return path;
		if (!slash || slash == path)
			return NULL;
		*slash = '\0';
	}
}

int git_files_open(struct arena *a, const char *dir, const char *ref, struct git_files **out,
		   struct err *e)
{
	struct git_files *g = arena_alloc(a, sizeof(*g));
	git_object *object = NULL;
	char hex[GIT_OID_HEXSZ + 1];

	*g = (struct git_files){.arena = a, .ref = ref, .top = find_top(a, dir)};
	if (!g->top)
		return err_set(e, ERR_MEASURE, "\"%s\" is in no git repository", dir);
	if (git_door_open(g->top, &g->repo, e) < 0)
		return -1;
	arena_defer(a, free_repository, g->repo);
	if (git_revparse_single(&object, g->repo, arena_printf(a, "%s^{commit}", ref)) < 0) {
		err_set(e, ERR_MEASURE, "could not find \"%s\" in git repository \"%s\": %s", ref,
			g->top, git_door_message());
		return err_help(e, "a shallow or single-branch clone lacks other refs: git fetch "
				   "origin, then name it origin/BRANCH");
	}
	g->commit = arena_strdup(a, git_oid_tostr(hex, sizeof(hex), git_object_id(object)));
	int rc = git_commit_tree(&g->tree, (const git_commit *)object);

	git_object_free(object);
	if (rc < 0)
		return err_set(e, ERR_MEASURE, "could not read the tree of \"%s\": %s", ref,
			       git_door_message());
	arena_defer(a, free_tree, g->tree);
	*out = g;
	return 0;
}

const char *git_files_commit(const struct git_files *g)
{
	return g->commit;
}

/* The directory as the tree names it: "" for the top. */
static const char *path_in_tree(const struct git_files *g, const char *dir)
{
	size_t n = strlen(g->top);

	return dir[n] == '/' ? dir + n + 1 : "";
}

static int absent(const struct git_files *g, const char *path, struct err *e)
{
	return err_set(e, ERR_MEASURE, "could not read \"%s\" at %s: %s", path, g->ref,
		       git_door_message());
}

struct walk {
	struct git_files *g;
	git_files_fn *fn;
	void *ctx;
	struct err *e;
	int rc;
};

static int visit(const char *root, const git_tree_entry *entry, void *payload)
{
	struct walk *w = payload;
	git_filemode_t mode = git_tree_entry_filemode(entry);

	if (mode != GIT_FILEMODE_BLOB && mode != GIT_FILEMODE_BLOB_EXECUTABLE)
		return 0;
	w->rc = w->fn(w->ctx, arena_printf(w->g->arena, "%s%s", root, git_tree_entry_name(entry)),
		      w->e);
	return w->rc != 0 ? -1 : 0;
}

int git_files_walk(struct git_files *g, const char *dir, git_files_fn *fn, void *ctx, struct err *e)
{
	const char *path = path_in_tree(g, dir);
	struct walk w = {.g = g, .fn = fn, .ctx = ctx, .e = e};
	git_tree_entry *entry = NULL;
	git_tree *below = NULL;
	int rc;

	if (*path) {
		if (git_tree_entry_bypath(&entry, g->tree, path) < 0)
			return absent(g, path, e);
		rc = git_tree_lookup(&below, g->repo, git_tree_entry_id(entry));
		git_tree_entry_free(entry);
		if (rc < 0)
			return absent(g, path, e);
	}
	rc = git_tree_walk(below ? below : g->tree, GIT_TREEWALK_PRE, visit, &w);
	git_tree_free(below);
	if (w.rc != 0)
		return w.rc;
	return rc < 0 ? absent(g, path, e) : 0;
}

int git_files_read(struct git_files *g, const char *dir, const char *path, struct buf *out,
		   struct err *e)
{
	const char *below = path_in_tree(g, dir);
	const char *full = *below ? arena_printf(g->arena, "%s/%s", below, path) : path;
	git_tree_entry *entry = NULL;
	git_blob *blob = NULL;
	int rc;

	if (git_tree_entry_bypath(&entry, g->tree, full) < 0)
		return absent(g, full, e);
	rc = git_blob_lookup(&blob, g->repo, git_tree_entry_id(entry));
	git_tree_entry_free(entry);
	if (rc < 0)
		return absent(g, full, e);
	rc = buf_add(out, git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
	git_blob_free(blob);
	if (rc < 0)
		return err_set(e, ERR_MEASURE,
			       "could not read \"%s\" at %s: larger than the limit of %zu bytes",
			       full, g->ref, out->ceiling_bytes);
	return 0;
}
