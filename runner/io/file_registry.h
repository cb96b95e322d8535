/*
 * file_registry: which files are databases this process has open; private to the file door.
 */
#ifndef ASSIZE_IO_FILE_REGISTRY_H
#define ASSIZE_IO_FILE_REGISTRY_H

#include <stdbool.h>
#include <sys/stat.h>

/*
 * Is the file at path (relative to dir as for openat(2)), of which st is the stat(), a registered
 * database or its shared memory?
 */
bool file_is_registered(int dir, const char *path, const struct stat *st);

#endif
