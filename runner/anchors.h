/*
 * anchors: checkpoints of the record where its keeper cannot change them, put there and looked at
 * again.
 *
 * git: a commit on a branch, of a file named after the record's identity; the branch keeps all of
 * them. timestamp: a token of an authority (RFC 3161). witness: a signature of somebody who has
 * seen that each checkpoint extends the last (C2SP tlog-witness). What was given in return is kept
 * in the record, and was looked at before: what would not convince a verifier is not recorded.
 */
#ifndef ASSIZE_RUNNER_ANCHORS_H
#define ASSIZE_RUNNER_ANCHORS_H

#include <stdbool.h>
#include <stddef.h>

struct anchor;
struct app;
struct definition;
struct err;
struct ledger_checkpoint;
struct ledger_trust;
struct record;

/* "git", "timestamp", "witness". */
const char *anchor_kind(const struct anchor *x);
/* Where it is, without credentials and secrets: the URL, and of a repository the branch. */
const char *anchor_place(struct app *app, const struct anchor *x);

/* 0 = put there and recorded; 1 = this checkpoint, or a newer one, was there already. -1: why not.
 */
int anchors_put(struct app *app, struct record *record, const struct anchor *x,
		const struct ledger_checkpoint *checkpoint, struct err *e);

/*
 * What the anchors of a definition hold, for a verification: what cannot be read or does not count
 * is there with a reason. Time stamps and signatures of witnesses are in the record, repositories
 * are asked (is_offline: are left out). Added to t, as the places are.
 */
int anchors_gather(struct app *app, const struct definition *d, struct record *record,
		   bool is_offline, struct ledger_trust *t, struct err *e);

#endif
