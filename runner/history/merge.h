/*
 * merge: what other records have measured, taken over into this one.
 *
 * Taken over are runs with their results, restorations and repetitions, measurements of others, and
 * challenges with their attacks, with host, user, times and subject as they were; each gets a
 * number of this record. Definitions come along as far as results need them. Decisions, overrides,
 * notices, keys and how far checks have read are the other record's own and stay there, and so does
 * what it merged itself: that is to be merged from where it was made.
 *
 * A record is verified before anything is taken, as a hostile file, and read in the transaction it
 * was verified in. What is taken is a range of it: from where the last merge of it ended to its
 * newest checkpoint. That its beginning is still what was taken then is checked by its root. All of
 * it is one transaction here; a `merge` leaf says what it was. Parts would be shorter, but a gate
 * that decided between two of them would open on a pass whose later failure is in the next one.
 *
 * A run stands among others by when it began (store.h), whenever it is merged. One that had no end
 * then gets it by the next merge.
 */
#ifndef ASSIZE_HISTORY_MERGE_H
#define ASSIZE_HISTORY_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "runner/history/ledger.h"

struct arena;
struct err;
struct record;

struct merge_options {
	struct ledger_trust trust; /* keys it must be signed with, n 0: with any of its own */
	bool is_unsigned;	   /* whoever signed: all of it is taken */
	int64_t at_ms;
	const char *host, *user;
	/* How much of the range is taken; may be NULL. The trust has one for the verification. */
	void (*progress)(void *ctx, uint64_t done, uint64_t n);
	void *progress_ctx;
};

struct merged {
	int64_t id;	    /* of the merge; 0 = there was nothing new */
	const char *origin; /* or its random bytes, hex */
	uint64_t from, size;
	int vouched;	 /* 0 nobody, 1 its own key alone, 2 a key that is trusted */
	uint64_t n_left; /* its records after the newest checkpoint that counts */
	int64_t n_runs, n_results, n_restorations, n_externals, n_challenges;
	int64_t n_foreign; /* runs, measurements and challenges it has from others */
	int64_t n_taken;   /* measurements whose id is here with another value: the first stays */
};

/* -1, ERR_RECORD: it is refused and nothing of it was taken; ERR_USAGE: it cannot be meant. */
int record_merge(struct record *into, struct record *from, struct arena *a,
		 const struct merge_options *o, struct merged *out, struct err *e);

#endif
