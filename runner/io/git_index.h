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

struct arena;

enum git_index_state {
	GIT_INDEX_GOOD,	   /* as far as this looks */
	GIT_INDEX_OUTSIDE, /* a place is behind the end of the pack */
	GIT_INDEX_UNREAD,  /* the machine could not read it, so nobody knows */
};

/*
 * index: path of an .idx file beside its pack. Reads four bytes an object. What is no index, or too
 * short for one, is good as well: libgit2 refuses that by itself.
 */
enum git_index_state git_index_look(const char *index);

/* The first index of an object directory that is not good, in the arena; NULL = all are. */
const char *git_index_find_bad(struct arena *a, const char *objects, enum git_index_state *state);

#endif
