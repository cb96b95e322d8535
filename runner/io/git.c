/*
 * git: opens repositories for reading and names the commit a directory belongs to.
 *
 * libgit2's switches are process-wide and its init is counted; both are done once, under
 * pthread_once, and last as long as the process. That leaves this file one mutable object, the
 * result of that call, written once before anybody can read it.
 */
#include "runner/io/git.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <git2.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"

static pthread_once_t init_once = PTHREAD_ONCE_INIT;
static int init_result = -1;

static void init_libgit2(void)
{
	/*
	 * Accepted because they change nothing for somebody who only reads objects and refs; names
	 * in the form libgit2 compares with, lower case.
	 */
	const char *extensions[] = {"partialclone", "worktreeconfig", "preciousobjects"};

	if (git_libgit2_init() < 0)
		return;
	if (git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions,
			     sizeof(extensions) / sizeof(extensions[0])) < 0)
		return;
	if (git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1) < 0)
		return;
	init_result = git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
}

const char *git_door_message(void)
{
	const git_error *last = git_error_last();

	return last && last->message ? last->message : "unknown error";
}

bool git_door_is_machine_error(void)
{
	const git_error *last = git_error_last();

	return last && (last->klass == GIT_ERROR_OS || last->klass == GIT_ERROR_NOMEMORY ||
			last->klass == GIT_ERROR_FILESYSTEM);
}

int git_door_init(struct err *e)
{
	/* Only an invalid once-control can make this fail. */
	(void)pthread_once(&init_once, init_libgit2);
	if (init_result < 0)
		return err_set(e, ERR_INTERNAL, "could not start libgit2: %s", git_door_message());
	return 0;
}

int git_door_open(const char *path, struct git_repository **out, struct err *e)
{
	git_repository *repo;
	int rc;

	if (git_door_init(e) < 0)
		return -1;
	rc = git_repository_open_ext(&repo, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
	if (rc == GIT_ENOTFOUND) {
		err_set(e, ERR_MEASURE, "could not open git repository \"%s\": no repository there",
			path);
		return err_help(e, "name the repository itself or the top of its work tree");
	}
	if (rc < 0) {
		err_set(e, ERR_MEASURE, "could not open git repository \"%s\": %s", path,
			git_door_message());
		if (strstr(git_door_message(), "objectformat") ||
		    strstr(git_door_message(), "refstorage"))
			return err_help(e,
					"SHA-256 repositories and reftables cannot be read; use a "
					"clone with SHA-1 names and file refs");
		return -1;
	}
	*out = repo;
	return 0;
}

/* Does the file differ from what the tree has under the same name? */
static bool file_differs(git_repository *repo, const git_tree *tree, const char *root,
			 const char *file)
{
	char real[PATH_MAX];
	git_tree_entry *entry = NULL;
	git_oid id;
	size_t n = strlen(root);
	bool differs = true;

	/* The work tree's path has its links resolved, so the file's must have, too. */
	if (!realpath(file, real) || strncmp(real, root, n) != 0)
		return false;
	if (git_tree_entry_bypath(&entry, tree, real + n) == 0 &&
	    git_repository_hashfile(&id, repo, real, GIT_OBJECT_BLOB, NULL) == 0)
		differs = !git_oid_equal(&id, git_tree_entry_id(entry));
	git_tree_entry_free(entry);
	return differs;
}

void git_door_describe(struct arena *a, const char *dir, const char *const *files, size_t n_files,
		       const char **commit, bool *is_dirty)
{
	git_repository *repo = NULL;
	git_object *head = NULL;
	git_tree *tree = NULL;
	char hex[GIT_OID_HEXSZ + 1];

	*commit = "";
	*is_dirty = false;
	if (git_door_init(NULL) < 0 || git_repository_open_ext(&repo, dir, 0, NULL) < 0)
		return;
	if (git_revparse_single(&head, repo, "HEAD^{commit}") < 0)
		goto out;
	*commit = arena_strdup(a, git_oid_tostr(hex, sizeof(hex), git_object_id(head)));
	if (git_repository_workdir(repo) && git_commit_tree(&tree, (const git_commit *)head) == 0) {
		const char *root = git_repository_workdir(repo);

		for (size_t i = 0; i < n_files && !*is_dirty; i++)
			*is_dirty = file_differs(repo, tree, root, files[i]);
	}
out:
	git_tree_free(tree);
	git_object_free(head);
	git_repository_free(repo);
}
