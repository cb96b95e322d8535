/*
 * git_index: does the index of a pack point into its pack?
 *
 * libgit2 1.5 maps the place an index names without asking whether the pack is that long, and reads
 * outside its memory where it is not. git refuses such a place when it meets it.
 *
 * Source: gitformat-pack(5), "pack-*.idx files have the following format", versions 1 and 2.
 */
#ifndef ASSIZE_IO_GIT_INDEX_H
#define ASSIZE_IO_GIT_INDEX_H

#include <stdbool.h>

struct arena;

/*
 * index: path of an .idx file beside its pack. Reads four bytes an object. True as well for what is
 * no index or too short for one: libgit2 refuses that by itself.
 */
bool git_index_is_bounded(const char *index);

/* The first index of an object directory that points outside its pack; NULL = none. In the arena.
 */
const char *git_index_find_unbounded(struct arena *a, const char *objects);

#endif
