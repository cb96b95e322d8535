/*
 * git: the door to libgit2 for everybody outside the rollback room.
 *
 * Reads only, starts no program, talks to no remote. Opened exactly where the path says (a
 * repository directory or the top of a work tree): a parent directory's repository is never taken
 * for the one that was named, since that would prove the wrong thing.
 *
 * Limits of libgit2 1.5: repositories with SHA-256 object names or reftables cannot be opened, and
 * the message says so. Thread-safe; handles are not shared between threads.
 */
#ifndef ASSIZE_IO_GIT_H
#define ASSIZE_IO_GIT_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;
struct git_odb;
struct git_repository;
struct library_version;

/*
 * Makes libgit2 ready, once for the process whoever calls first: strict hash verification on every
 * read, the extensions git itself writes accepted, no owner check (nothing a repository configures
 * is ever executed, and CI checkouts usually belong to somebody else).
 */
int git_door_init(struct err *e);
/* Of libgit2; -1: it cannot be used. */
int git_door_version(struct arena *a, struct library_version *out, struct err *e);

/*
 * Calls git_door_init(). Objects are read through libgit2's backend for single packs and our own
 * for loose ones (git_loose.c), so that reading ends on any damage; what is packed anew meanwhile
 * is not seen. The caller frees the handle with git_repository_free(). */
int git_door_open(const char *path, struct git_repository **out, struct err *e);
/* The same for a directory of git's own, whose work tree may be gone (a submodule's clone). */
int git_door_open_bare(const char *path, struct git_repository **out, struct err *e);

/*
 * Object directories a repository borrows from (objects/info/alternates, their own ones included),
 * in git's order, whether they exist or not.
 */
void git_door_alternates(struct arena *a, const char *objects, const char *const **dirs, size_t *n);

/* Adds every pack of an object directory to an object database, for the rollback room. */
int git_door_add_packs(struct git_odb *odb, const char *objects, int priority);

/* libgit2's last error on this thread, never NULL. */
const char *git_door_message(void);

/* Is libgit2's last error on this thread the machine's (permission, I/O, memory), not the data's?
 */
bool git_door_is_machine_error(void);

/*
 * Commit of the work tree that dir is in (searched upwards, as git does), "" when there is none or
 * it has no commit yet. is_dirty: one of the files (absolute paths) differs from that commit or is
 * not in it; files outside the work tree do not count. Looks at these files only, so the cost does
 * not follow the size of the work tree. Never an error: what cannot be told is "" and false.
 */
void git_door_describe(struct arena *a, const char *dir, const char *const *files, size_t n_files,
		       const char **commit, bool *is_dirty);

#endif
