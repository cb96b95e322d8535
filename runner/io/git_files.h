/*
 * git_files: the files below a directory as a commit has them, for whoever compares with a ref
 * instead of the work tree.
 *
 * Reads objects only: no attribute, filter or line-end conversion is applied, the bytes are those
 * that were committed. Symbolic links and submodules are not files. Errors are ERR_MEASURE.
 */
#ifndef ASSIZE_IO_GIT_FILES_H
#define ASSIZE_IO_GIT_FILES_H

struct arena;
struct buf;
struct err;
struct git_files;

/*
 * Opens the repository whose work tree (or bare directory) holds the absolute path dir, which need
 * not exist itself, at a commit: branch, tag, remote branch or anything git rev-parse takes.
 * Closed with the arena.
 */
int git_files_open(struct arena *a, const char *dir, const char *ref, struct git_files **out,
		   struct err *e);

/* The full name of the commit that was opened. */
const char *git_files_commit(const struct git_files *g);

/* path is relative to dir, in the arena. Non-zero ends the walk and is returned. */
typedef int git_files_fn(void *ctx, const char *path, struct err *e);

/* Calls fn for every regular file below dir, in git's order. A dir the commit lacks is an error. */
int git_files_walk(struct git_files *g, const char *dir, git_files_fn *fn, void *ctx,
		   struct err *e);

/* Appends the content of dir/path. More than the buffer's ceiling is an error. */
int git_files_read(struct git_files *g, const char *dir, const char *path, struct buf *out,
		   struct err *e);

#endif
