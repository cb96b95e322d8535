/*
 * leaf_parts: what the walk and the writer of results share. Private to runner/history.
 */
#ifndef ASSIZE_HISTORY_LEAF_PARTS_H
#define ASSIZE_HISTORY_LEAF_PARTS_H

#include "runner/history/id_map.h"
#include "runner/history/leaf.h"

#define LEAF_RESULT_TYPE "assize/result/1"

struct leaf_source {
	const struct leaf_kind *kind;
	sqlite3_stmt *s;
	int seq_column;
	int id_column; /* of definitions */
	int64_t seq;   /* of the row it stands on */
	bool is_over;
};

/* Rows beside the results (samples, places), in step with them. */
struct leaf_beside {
	sqlite3_stmt *s;
	int64_t id; /* INT64_MAX = no more */
};

struct leaf_batch {
	bool is_open;
	int64_t run, number, begin_ms, subject, behind;
	char head[64], tail[64]; /* ,"batch":3,"duration_us": and ,"run":7: the same in each leaf */
	size_t n_head, n_tail;
	int64_t next_seq, end_seq;
	const char *members;		  /* what is left of them */
	int64_t next_series, last_series; /* of the present range */
	sqlite3_stmt *rows;
	int64_t row_id; /* of the row it stands on; INT64_MAX = no more */
	struct leaf_beside samples, places;
};

/* What leaves say of facts and series, by their ids. */
struct leaf_memory {
	struct arena *arena;
	struct id_map facts, series;
};

struct leaf_walk {
	struct record *r;
	struct arena *arena;
	int64_t from, to;
	struct buf text;
	size_t n_sources;
	struct leaf_source sources[LEAF_MAX_KINDS];
	struct leaf_source
		*next; /* of the sources, the one with the smallest number; NULL = all over */
	sqlite3_stmt *batches;
	int64_t batch_seq; /* of the batch `batches` stands on; INT64_MAX = no more */
	struct leaf_batch batch;
	struct leaf_memory *memory; /* that of the writer's transaction, or one of its own */
	bool has_prunings;
};

struct leaf_memory *leaf_memory_new(struct arena *a);
/* Once a batch: what its leaves have in common. */
void leaf_result_common(struct leaf_batch *b);
/* The leaf of the row the batch stands on: its text, and what a verifier wants to know of it. */
int leaf_put_result(struct leaf_walk *w, struct leaf *leaf, struct err *e);

#endif
