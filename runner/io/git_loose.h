/*
 * git_loose: a backend of libgit2 for loose objects that ends on any file. Private to the git door.
 */
#ifndef ASSIZE_IO_GIT_LOOSE_H
#define ASSIZE_IO_GIT_LOOSE_H

struct git_odb_backend;

/* For the directory that holds 00..ff; libgit2 frees it through the object database it is added to.
 */
struct git_odb_backend *git_loose_backend(const char *objects);

#endif
