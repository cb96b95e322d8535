/*
 * acl: what a mode does not tell: whom an access list lets write to a file or directory, beside its
 * owner and everybody, and whether a program gets privileges that its caller has not.
 *
 * Lists are those of POSIX.1e as Linux keeps them (acl(5)): they name users and groups, whose
 * rights a mask bounds, which lstat() shows as the bits of the group. Where that bit of writing is
 * not set no list lets anybody write. Lists of NFSv4 and of Windows are not read.
 */
#ifndef ASSIZE_IO_ACL_H
#define ASSIZE_IO_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct arena;

struct acl_writer {
	bool is_group;
	id_t id;
};

/*
 * owning: the group of the file. 0: there is a list, and who may write by it in the arena, in its
 * order; 1: there is none, the mode tells all; -1: it cannot be read, errno tells.
 */
int acl_writers(struct arena *a, const char *path, gid_t owning, struct acl_writer **out,
		size_t *n);

/* Capabilities of a file (capabilities(7)), for whoever runs it. */
bool acl_gives_privileges(int fd);

#endif
