/*
 * file_kept: what no report, proof or snapshot takes the place of, by what it holds and whatever
 * its name is; private to the file door.
 */
#ifndef ASSIZE_IO_FILE_KEPT_H
#define ASSIZE_IO_FILE_KEPT_H

#include <stdbool.h>

struct err;
struct stat;

/* -1: the file at path, of which st is the stat(), is a database, its journal or a private key. */
int file_refuse_kept(const char *path, const struct stat *st, struct err *e);
/* Is "assize: 1" the first thing in it that is no comment? */
bool file_begins_as_definition(const char *path);

#endif
