/*
 * file_registry: which files are databases this process has open, and which of those it is going to
 * write over it has read; private to the file door.
 */
#ifndef ASSIZE_IO_FILE_REGISTRY_H
#define ASSIZE_IO_FILE_REGISTRY_H

#include <stdbool.h>
#include <sys/stat.h>

struct err;

/*
 * Is the file at path (relative to dir as for openat(2)), of which st is the stat(), a registered
 * database or its shared memory?
 */
bool file_is_registered(int dir, const char *path, const struct stat *st);

/* The file of which st is the stat() is read now. */
void file_registry_note(const struct stat *st);
/* -1: it is one of file_guard_output() that was read since, or is a definition. */
int file_registry_refuse(const struct stat *st, struct err *e);

#endif
