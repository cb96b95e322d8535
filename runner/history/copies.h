/*
 * copies: a whole record as one file, out of one and in place of one.
 *
 * A copy is made with SQLite's backup, in one read transaction, so that it is whole whatever others
 * write meanwhile; it is verified as a hostile file before it gets its name, and the name is there
 * only with all of it (mode 0600, synced). Nothing is ever overwritten but a record by one that
 * extends it.
 */
#ifndef ASSIZE_HISTORY_COPIES_H
#define ASSIZE_HISTORY_COPIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/history/ledger.h"

struct arena;
struct err;
struct record;

struct copy_options {
	struct ledger_trust trust; /* of the verification; its progress tells of that as well */
	/* How many pages of all are copied; may be NULL. */
	void (*progress)(void *ctx, uint64_t done, uint64_t n);
	void *progress_ctx;
};

/* Into a file that is not there yet. */
int record_export(struct record *r, struct arena *a, const char *path, const struct copy_options *o,
		  struct ledger_head *out, struct err *e);

struct imported {
	struct ledger_head head;
	bool is_new, is_same; /* there was no record; it was this very one, and stays */
	uint64_t n_more;      /* records it has more than the one that was there */
};
/*
 * The record at path becomes a copy of the one at from. One that is there must be the beginning of
 * it: the same identity, and the root of that many records the same. Programs that have the old one
 * open cannot write any more and say so.
 */
int record_import(const char *path, const char *from, struct arena *a, const struct copy_options *o,
		  struct imported *out, struct err *e);

#endif
