/*
 * git_ref: files as a commit has them, for texts that decide what is allowed.
 *
 * A branch under audit controls its own work tree and its own commits, so nothing of either may
 * change what is read here. The repository is the one whose `.git` is found at or above a
 * directory; a directory that merely looks like a bare one, which a commit can hold, never comes
 * before that. Environment variables (GIT_DIR and its kin), core.worktree, the index, attributes
 * and filters, grafts and replacements are not looked at. Every object is compared with its name as
 * it is read, so an object database one borrows from can refuse, but not lie.
 *
 * A REF is a full commit id, a full name (refs/remotes/origin/main), HEAD (what is committed of the
 * work tree, which whoever controls that controls), or a short one that is exactly one of a tag, a
 * branch and a remote branch: two of them are an error, never a guess, since one of the two is
 * easily made by somebody else. It is resolved once.
 *
 * A symbolic link is followed inside the tree; one that leads out of it, a submodule, a Git LFS
 * pointer and an object that is not there (shallow and partial clones) are errors. Errors are
 * ERR_MEASURE. Paths are relative to the top of the tree, without "." and "..". A handle belongs to
 * one thread; everything is in the arena and closed with it.
 */
#ifndef ASSIZE_IO_GIT_REF_H
#define ASSIZE_IO_GIT_REF_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;
struct err;
struct git_ref;

/*
 * The work tree that an absolute directory is in; of a bare repository the directory itself. Asks
 * the file system only.
 */
int git_ref_top(struct arena *a, const char *dir, const char **top, struct err *e);

/* The repository as well; -1: dir is in none. */
int git_ref_find(struct arena *a, const char *dir, const char **repository, const char **top,
		 struct err *e);

/* Tags of tags that are followed. */
#define GIT_REF_MAX_TAGS 8

/*
 * What a full name (refs/tags/v1) leads to in the repository of dir, links of refs and tags
 * followed: the id of a commit, or else of whatever object it leads to, there or not. *id NULL =
 * dir is in no repository, or that has no such ref. -1: it has a repository that cannot be read.
 */
int git_ref_target(struct arena *a, const char *dir, const char *name, const char **id,
		   struct err *e);

/* Opens the repository of dir at ref. */
int git_ref_open(struct arena *a, const char *dir, const char *ref, struct git_ref **out,
		 struct err *e);

/* Full id of the commit. */
const char *git_ref_commit(const struct git_ref *g);
/* As git_ref_top() says. */
const char *git_ref_work_tree(const struct git_ref *g);

enum git_ref_type { GIT_REF_ABSENT = 0, GIT_REF_FILE, GIT_REF_DIRECTORY };

/* What a path is, links followed; what is neither file nor directory is an error. */
int git_ref_look(struct git_ref *g, const char *path, enum git_ref_type *out, struct err *e);

/* Appends the content of a file. More than the buffer's ceiling is an error naming the limit. */
int git_ref_read(struct git_ref *g, const char *path, struct buf *out, struct err *e);

/* Files that match a glob(7) pattern, sorted bytewise; none is not an error. */
int git_ref_glob(struct git_ref *g, const char *pattern, const char ***out, size_t *n,
		 struct err *e);

/* Has the tree an entry of that path, whatever it is? Its last name is not followed. */
int git_ref_has_name(struct git_ref *g, const char *path, bool *out, struct err *e);

/*
 * git_ref_checkout.c: the file of the absolute path, whose content is what counts, has to come from
 * elsewhere than the commit that is checked out (HEAD) at the work tree of dir. 0 = it does. -1 =
 * that commit has the path, a link on the way to it, or what SQLite reads beside a database of that
 * name, under this or another name of the same file; or it cannot be told. what: "the record".
 * e is ERR_DEFINITION.
 */
int git_ref_not_checked_out(const char *dir, const char *path, const char *what, struct err *e);

#endif
