/*
 * shard: one of N parts of a selection, so that N machines can share its checks among them.
 *
 * A check goes where the hash of its name says: part 1 + (first 8 bytes of SHA-256 of the name, big
 * endian) mod N. Neither order nor machine matters, and one check more or less moves no other.
 * Checks that need one another, directly or not, stay together: they go where the smallest hash
 * among those of them that need nothing says. So every part is closed: no check is skipped, or run
 * twice, because what it needs is in another part. What the selection does not name and something
 * in it needs belongs to it.
 *
 * The manifest is a SHA-256 of everything the parts of one whole must agree on: digest of the
 * definitions, variables, subject, words of the selection, N, and of every check of the whole its
 * name and the hash of its definition. Runs are parts of one whole when they have the same; whoever
 * decides by one of them asks for all of them (gates/shards_rule.c).
 */
#ifndef ASSIZE_RUNNER_SHARD_H
#define ASSIZE_RUNNER_SHARD_H

#include <stddef.h>
#include <stdint.h>

#include "runner/history/record.h"
#include "runner/model/result.h"

struct app;
struct arena;
struct check;
struct definition;
struct err;
struct options;
struct selection;

/* "3/4"; else ERR_USAGE. The manifest is not touched. */
int shard_parse(const char *text, struct run_shard *out, struct err *e);

/*
 * What `whole` checks, n of them, and all they need come to, in definition order, and the part of N
 * each of them is in, from 1. In the arena; their number.
 */
size_t shard_split(struct arena *a, const struct definition *d, const struct check *const *whole,
		   size_t n, int64_t total, const struct check ***checks, int64_t **parts);

/*
 * Of --shard: narrows the selection to that part, which may be empty, and fills in the rest of out.
 * Without the option nothing is narrowed and out->index is 0. subject: of the run, "" = none.
 */
int shard_take(struct app *app, const struct definition *d, const struct options *o,
	       const char *subject, struct selection *s, struct run_shard *out, struct err *e);

#endif
