/* merge_parts: what the merge's files share. Private to runner/history. */
#ifndef ASSIZE_HISTORY_MERGE_PARTS_H
#define ASSIZE_HISTORY_MERGE_PARTS_H

#include "runner/history/id_map.h"
#include "runner/history/merge.h"
#include "runner/history/row.h"
#include "runner/history/store.h"

#define MERGE_IDENTITY_BYTES 16

struct merging {
	struct record *into, *from;
	struct arena *arena;
	const struct merge_options *o;
	struct merged *out;
	unsigned char identity[MERGE_IDENTITY_BYTES];
	struct id_map runs; /* run of the other record -> int64_t *, its number here */
	/* of what is read there; made anew when it has grown large */
	struct arena *scratch;
	struct facts_cache *facts;
};

/* Everything from <= seq < to that is taken over, in order (merge_take.c). */
int merge_take(struct merging *m, int64_t from, int64_t to, struct err *e);

#endif
