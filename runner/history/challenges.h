/*
 * challenges: what checks noticed when what they look at was damaged (runner/model/challenge.h).
 *
 * A challenge is no evidence: it belongs to no run, and no gate, status of a run, history of
 * results, rate or trend knows of it. It is a record of its own in the ledger, all of its attacks
 * in its leaf, so that none of them can be changed, left out or put elsewhere unnoticed; its counts
 * are those of its attacks, or the record is broken.
 *
 * Nothing here looks for secrets: whatever text is given is kept. The loop (runner/challenge.h)
 * redacts every text an arsenal or an error gives (objects, sentences of damages, reasons,
 * remedies); values and bounds as shown are those of results, redacted as those of runs are.
 *
 * Outcomes are kept by their names, which stay what they are; a name that nobody knows is read as
 * inconclusive, which counts for nothing.
 */
#ifndef ASSIZE_HISTORY_CHALLENGES_H
#define ASSIZE_HISTORY_CHALLENGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/model/challenge.h"

struct arena;
struct err;
struct record;

/* Under what definition, and by whom. Text MAY be NULL, which is "". */
struct challenge_origin {
	const char *definition_file, *commit; /* commit "" = unknown, or in none */
	unsigned char definition_digest[32];
	bool is_dirty;
	const char *host, *user, *version; /* of assize */
	int64_t recorded_ms;		   /* wall clock: when it was over */
};

struct recorded_challenge {
	int64_t id, seq;
	int64_t merge_id; /* that brought it from another record; 0 = it was made here */
	struct challenged challenged;
	struct challenge_origin origin;
};

/*
 * One transaction: it is recorded with all of its attacks when this returned 0. c was counted
 * (challenged_count()). *id: its number; MAY be NULL.
 */
int record_challenge_add(struct record *r, const struct challenged *c,
			 const struct challenge_origin *origin, int64_t *id, struct err *e);

/*
 * Newest first: those made here in the order they were recorded, those merged right behind the
 * newest made here that had begun before them. Lists come without attacks: n_attacks is 0.
 */
struct challenge_query {
	const char *check;	   /* NULL = of all */
	const unsigned char *hash; /* of the check's definition, 32 bytes; NULL = of whichever */
	int64_t since_ms;	   /* of at_ms */
	size_t limit;
};
int record_challenges_of(struct record *r, struct arena *a, const struct challenge_query *q,
			 struct recorded_challenge **out, size_t *n, struct err *e);
/* Of each check the newest under each of its definitions: by name, those of a check newest first.
 */
int record_challenges_newest(struct record *r, struct arena *a, struct recorded_challenge **out,
			     size_t *n, struct err *e);
/* Of these the first of the check, with that definition (hash as above); NULL = there is none. */
const struct recorded_challenge *challenge_find(const struct recorded_challenge *items, size_t n,
						const char *check, const unsigned char *hash);
/* One, with its attacks; an ERR_RECORD where there is none. */
int record_challenge(struct record *r, struct arena *a, int64_t id, struct recorded_challenge *out,
		     struct err *e);

#endif
