/*
 * prune: bodies of evidence, of queries and of repetitions are let go of, so that a record does not
 * grow for ever. Every leaf stays what it was: leaves hold such bodies by their SHA-256 and size
 * alone (leaf.h), which are kept in their place.
 *
 * A body goes when all results that have it were measured before a time. These stay, whatever their
 * age: what the newest result of a series has; what results of runs have that a decision not older
 * than that rests on; the repetitions of the newest `keep_runs` runs of a series, which the next
 * one is held against; and every body that something else in the record has as well.
 *
 * Facts that lost a body are never found again by what a new result says (store.h): a result that
 * says the same gets facts of its own, with the body.
 *
 * A record on a server (shared.h) cannot be pruned: whoever follows it takes nothing but additions.
 *
 * A pruning is a record itself, with what went by its digests. The whole record is verified, in the
 * same transaction, before it is committed: from a record that is broken nothing is pruned.
 */
#ifndef ASSIZE_HISTORY_PRUNE_H
#define ASSIZE_HISTORY_PRUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct record;

struct prune_options {
	int64_t at_ms, before_ms; /* before_ms <= at_ms */
	int64_t keep_runs;
	const char *host, *user;
	bool is_dry; /* counts, and changes nothing */
	/* Of the verification; may be NULL. */
	void (*progress)(void *ctx, uint64_t done, uint64_t size);
	void *progress_ctx;
};

struct pruned {
	int64_t id; /* of the pruning; 0 = nothing was pruned */
	int64_t n_texts, n_samples, n_bytes;
	uint64_t n_verified; /* records */
};
int record_prune(struct record *r, struct arena *a, const struct prune_options *o,
		 struct pruned *out, struct err *e);

/* Of its file, in bytes. */
int record_size(struct record *r, int64_t *out, struct err *e);
/*
 * Gives room that is not used back to the file system, which takes as much room again while it is
 * done: where there is less, that is the error (ERR_MEASURE), and nothing was done. The size of the
 * file before and after.
 */
int record_compact(struct record *r, int64_t *before, int64_t *after, struct err *e);

#endif
