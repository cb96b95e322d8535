/*
 * file_held: is a name one of held content? Private to the file door.
 */
#ifndef ASSIZE_IO_FILE_HELD_H
#define ASSIZE_IO_FILE_HELD_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* The content held under the name, which lasts as long as the arena it was given in. */
bool file_held_find(const char *name, const char **p, size_t *n);
/* A descriptor of a file in memory with that content, which cannot be changed. -1 on error. */
int file_held_open(const char *name, const char *p, size_t n, struct err *e);

#endif
