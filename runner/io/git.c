/*
 * git: opens repositories for reading and names the commit a directory belongs to.
 *
 * libgit2's switches are process-wide and its init is counted; both are done once, under
 * pthread_once, and last as long as the process. That leaves this file one mutable object, the
 * result of that call, written once before anybody can read it.
 */
#include "runner/io/git.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/library_version.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/io/git_index.h"
#include "runner/io/git_library.h"
#include "runner/io/git_loose.h"

#define MAX_ALTERNATES	     64
#define MAX_ALTERNATES_DEPTH 5 /* as git */
#define MAX_ALTERNATES_BYTES ((size_t)1 << 20)

static pthread_once_t init_once = PTHREAD_ONCE_INIT;
static int init_result = -1;

static void init_libgit2(void)
{
	/*
	 * Accepted because they change nothing for somebody who only reads objects and refs; names
	 * in the form libgit2 compares with, lower case.
	 */
	const char *extensions[] = {"partialclone", "worktreeconfig", "preciousobjects"};

	if (git_library(NULL) < 0 || git_libgit2_init() < 0)
		return;
	if (git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions,
			     sizeof(extensions) / sizeof(extensions[0])) < 0)
		return;
	if (git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1) < 0)
		return;
	init_result = git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
}

int git_door_version(struct arena *a, struct library_version *out, struct err *e)
{
	int major = 0, minor = 0, revision = 0, features;

	if (git_door_init(e) != 0)
		return -1;
	(void)git_libgit2_version(&major, &minor, &revision); /* cannot fail */
	features = git_libgit2_features();
	out->in_use = arena_printf(a, "%d.%d.%d", major, minor, revision);
	out->built = LIBGIT2_VERSION;
	out->more = arena_printf(a, "%s HTTPS, %s SSH",
				 (features & GIT_FEATURE_HTTPS) != 0 ? "with" : "without",
				 (features & GIT_FEATURE_SSH) != 0 ? "with" : "without");
	return 0;
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
	if (git_library(e) < 0)
		return -1;
	if (init_result < 0)
		return err_set(e, ERR_INTERNAL, "could not start libgit2: %s", git_door_message());
	return 0;
}

struct alternates {
	const char **dirs;
	size_t n;
};

static void add_alternates(struct arena *a, const char *objects, int depth, struct alternates *out)
{
	struct buf text;
	char *line, *rest;

	buf_init(&text, MAX_ALTERNATES_BYTES);
	if (file_read(arena_printf(a, "%s/info/alternates", objects), &text, NULL) < 0)
		buf_reset(&text); /* absent, as a rule */
	rest = arena_strndup(a, text.data, text.len);
	buf_release(&text);
	for (line = strtok_r(rest, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (*line == '#' || out->n == MAX_ALTERNATES)
			continue;
		out->dirs[out->n] = file_absolute(a, objects, line);
		if (depth < MAX_ALTERNATES_DEPTH)
			add_alternates(a, out->dirs[out->n++], depth + 1, out);
	}
}

void git_door_alternates(struct arena *a, const char *objects, const char *const **dirs, size_t *n)
{
	struct alternates found = {.dirs = arena_array(a, MAX_ALTERNATES, sizeof(*found.dirs))};

	add_alternates(a, objects, 1, &found);
	*dirs = found.dirs;
	*n = found.n;
}

/* Takes the backend, also when it fails. */
static int add_backend(git_odb *odb, git_odb_backend *backend, int priority)
{
	int rc = git_odb_add_backend(odb, backend, priority);

	if (rc < 0)
		backend->free(backend);
	return rc;
}

/*
 * One backend a pack: libgit2's backend for a whole directory believes the multi-pack-index there,
 * and a damaged one makes it read outside its memory; so does an index that points outside its pack
 * (git_index.h), whose objects are not here then.
 */
int git_door_add_packs(git_odb *odb, const char *objects, int priority)
{
	struct arena *a = arena_new();
	const char *path = arena_printf(a, "%s/pack", objects);
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int rc = 0;

	while (dir && rc == 0 && (entry = readdir(dir))) {
		const char *index = arena_printf(a, "%s/%s", path, entry->d_name);
		git_odb_backend *pack;

		if (!str_ends(entry->d_name, ".idx") || git_index_look(index) != GIT_INDEX_GOOD)
			continue;
		/* An index without its pack is no pack, for git as well. */
		if (git_odb_backend_one_pack(&pack, index) == 0)
			rc = add_backend(odb, pack, priority);
	}
	if (dir)
		(void)closedir(dir); /* only read */
	arena_free(a);
	return rc;
}

/* Packs first, as git does; the repository's own directory before those it borrows from. */
static int add_directory(git_odb *odb, const char *objects, int priority)
{
	struct stat st;

	if (stat(objects, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	if (git_door_add_packs(odb, objects, priority + 1) < 0)
		return -1;
	return add_backend(odb, git_loose_backend(objects), priority);
}

static int replace_odb(git_repository *repo)
{
	struct arena *a = arena_new();
	const char *objects = arena_printf(a, "%sobjects", git_repository_commondir(repo));
	const char *const *dirs;
	git_odb *odb = NULL;
	size_t n;
	int rc;

	git_door_alternates(a, objects, &dirs, &n);
	rc = git_odb_new(&odb);
	if (rc == 0)
		rc = add_directory(odb, objects, 2 * MAX_ALTERNATES + 2);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = add_directory(odb, dirs[i], 2 * (MAX_ALTERNATES - (int)i));
	if (rc == 0)
		rc = git_repository_set_odb(repo, odb);
	git_odb_free(odb); /* the repository has its own reference */
	arena_free(a);
	return rc;
}

/* A file that `git bundle create` wrote: gitformat-bundle(5). */
static bool is_bundle(const char *path)
{
	char head[] = "# v? git bundle\n";
	int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head) - 1);

	if (fd >= 0)
		(void)close(fd); /* only read from */
	head[3] = '?';
	return n == (ssize_t)sizeof(head) - 1 && strcmp(head, "# v? git bundle\n") == 0;
}

static int not_found(const char *path, struct err *e)
{
	if (is_bundle(path)) {
		err_set(e, ERR_MEASURE,
			"could not open git repository \"%s\": it is a bundle, of which nothing "
			"is proven before it is unpacked",
			path);
		return err_help(e, "git clone --mirror %s DIRECTORY, and name that", path);
	}
	err_set(e, ERR_MEASURE, "could not open git repository \"%s\": no repository there", path);
	return err_help(e, "name the repository itself or the top of its work tree");
}

static int open_with(const char *path, unsigned flags, struct git_repository **out, struct err *e)
{
	git_repository *repo;
	int rc;

	if (git_door_init(e) < 0)
		return -1;
	rc = git_repository_open_ext(&repo, path, flags | GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
	if (rc == GIT_ENOTFOUND)
		return not_found(path, e);
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
	if (replace_odb(repo) < 0) {
		git_repository_free(repo);
		return err_set(e, ERR_MEASURE, "could not open the objects of \"%s\": %s", path,
			       git_door_message());
	}
	*out = repo;
	return 0;
}

int git_door_open(const char *path, struct git_repository **out, struct err *e)
{
	return open_with(path, 0, out, e);
}

int git_door_open_bare(const char *path, struct git_repository **out, struct err *e)
{
	return open_with(path, GIT_REPOSITORY_OPEN_BARE, out, e);
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

/*
 * Is there a .git in the directory or above? Asked first, because libgit2 reads all authorities of
 * the machine when it starts: half of the time of a small run, and as much memory as SQLite.
 */
static bool is_in_work_tree(struct arena *a, const char *dir)
{
	char real[PATH_MAX];
	struct stat st;

	if (!realpath(dir, real))
		return false;
	for (;;) {
		char *slash = strrchr(real, '/');

		if (stat(arena_printf(a, "%s/.git", real), &st) == 0)
			return true;
		if (!slash || !real[1])
			return false;
		slash[slash == real] = '\0'; /* "/" is the last one */
	}
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
	if (!is_in_work_tree(a, dir) || git_door_init(NULL) < 0 ||
	    git_repository_open_ext(&repo, dir, 0, NULL) < 0)
		return;
	if (replace_odb(repo) < 0)
		goto out;
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
