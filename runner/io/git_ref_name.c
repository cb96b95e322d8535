/*
 * git_ref_name: which repository a directory is in, and what a name stands for there.
 *
 * A name that leads to something else than a commit stands for that: it is not as if there were no
 * such name.
 */
#include "runner/io/git_ref.h"

#include <string.h>
#include <sys/stat.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/git.h"
#include "runner/io/git_library.h"

static bool exists(struct arena *a, const char *dir, const char *name, mode_t type)
{
	struct stat st;

	return stat(arena_printf(a, "%s/%s", dir, name), &st) == 0 &&
	       (type == 0 || (st.st_mode & S_IFMT) == type);
}

static bool is_bare(struct arena *a, const char *dir)
{
	return exists(a, dir, "HEAD", S_IFREG) && exists(a, dir, "objects", S_IFDIR) &&
	       exists(a, dir, "refs", S_IFDIR);
}

/* The nearest directory at or above dir for which the claim holds; NULL = none. */
static const char *search(struct arena *a, const char *dir, bool is_bare_sought)
{
	char *path = arena_strdup(a, dir);

	for (;;) {
		char *slash = strrchr(path, '/');

		if (is_bare_sought ? is_bare(a, path) : exists(a, path, ".git", 0))
			return path;
		if (!slash || !path[1])
			return NULL;
		slash[slash == path] = '\0'; /* "/" is the last one */
	}
}

/* A commit can hold the files of a bare repository, but nothing named .git: that one goes first. */
int git_ref_find(struct arena *a, const char *dir, const char **repository, const char **top,
		 struct err *e)
{
	*repository = search(a, dir, false);
	*top = *repository;
	if (*repository)
		return 0;
	*repository = search(a, dir, true);
	*top = dir;
	return *repository ? 0 : err_set(e, ERR_MEASURE, "\"%s\" is in no git repository", dir);
}

int git_ref_top(struct arena *a, const char *dir, const char **top, struct err *e)
{
	const char *repository;

	return git_ref_find(a, dir, &repository, top, e);
}

/* Through tags; an object that is not there stands for itself. */
static const char *end_of(struct arena *a, git_repository *repo, git_oid id)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_tag *tag = NULL;

	for (int n = 0; n < GIT_REF_MAX_TAGS && git_tag_lookup(&tag, repo, &id) == 0; n++) {
		git_oid_cpy(&id, git_tag_target_id(tag));
		git_tag_free(tag);
		tag = NULL;
	}
	return arena_strdup(a, git_oid_tostr(hex, sizeof(hex), &id));
}

int git_ref_target(struct arena *a, const char *dir, const char *name, const char **id,
		   struct err *e)
{
	const char *repository, *top;
	git_repository *repo = NULL;
	struct err ignored = {0}; /* no repository is an answer */
	int rc, is_valid = 0;
	git_oid oid;

	*id = NULL;
	if (git_ref_find(a, dir, &repository, &top, &ignored) < 0)
		return 0;
	if (git_door_init(e) < 0)
		return -1;
	if (git_reference_name_is_valid(&is_valid, name) < 0 || !is_valid)
		return 0;
	if (git_door_open(repository, &repo, e) < 0)
		return -1;
	rc = git_reference_name_to_id(&oid, repo, name);
	if (rc == 0)
		*id = end_of(a, repo, oid);
	else if (rc != GIT_ENOTFOUND)
		err_set(e, ERR_MEASURE, "could not read the ref \"%s\" of \"%s\": %s", name, top,
			git_door_message());
	git_repository_free(repo);
	return rc == 0 || rc == GIT_ENOTFOUND ? 0 : -1;
}
