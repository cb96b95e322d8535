/*
 * ledger_parts: what the ledger's files share. Private to runner/history.
 *
 * A verification is one read transaction in this order: what the file says of itself
 * (ledger_tables.c), every leaf and what is computed along the way (ledger_walk.c), caches and rows
 * nobody reached (ledger_tables.c), keys and checkpoints (ledger_signed.c), times (ledger_times.c).
 */
#ifndef ASSIZE_HISTORY_LEDGER_PARTS_H
#define ASSIZE_HISTORY_LEDGER_PARTS_H

#include "runner/history/days.h"
#include "runner/history/id_map.h"
#include "runner/history/ledger.h"
#include "runner/history/store.h"

/* Levels whose nodes are kept in `nodes`: every eighth. */
#define LEDGER_KEPT_LEVELS 8

/* Inside a transaction. */
int ledger_verify_entered(struct record *r, struct arena *a, const struct ledger_trust *trust,
			  struct ledger_verification *out, struct err *e);
/*
 * Without what was signed, and when: do schema, rows, leaves, tree and caches say the same? *broken
 * = what does not first, NULL = they do.
 */
int ledger_check_rows(struct record *r, struct arena *a, const char **broken, struct err *e);
int ledger_read_head(struct record *r, struct arena *a, struct ledger_head *out, struct err *e);
int ledger_read_keys(struct record *r, struct arena *a, struct ledger_key **out, size_t *n,
		     struct err *e);
/* What the former key signs to make a key known. */
const char *ledger_endorsed(struct arena *a, const char *identity, const struct note_key *key);

/* The root of the first `size` leaves, from the nodes that are kept. Inside a transaction. */
int ledger_root_at(struct record *r, uint64_t size, struct merkle_hash *out, struct err *e);
int ledger_read_anchors(struct record *r, struct arena *a, const char *kind, const char *place,
			size_t limit, struct ledger_anchor **out, size_t *n, struct err *e);

#define LEDGER_MAX_FINDINGS 200

/* The root of the first `size` leaves, computed when the walk came by. */
struct ledger_root {
	uint64_t size;
	bool is_known;
	struct merkle_hash root;
};

/* What is found of one of trust's places. */
struct ledger_place_found {
	uint64_t newest; /* size of the newest checkpoint that counts; 0 = none yet */
	bool goes_back;
	size_t n_unsigned;		     /* nobody trusted says any of it */
	const struct ledger_anchor *missing; /* the newest that the record says is there */
	size_t n_missing;
};

int ledger_root_order(const void *a, const void *b); /* by size */

struct ledger_check {
	struct record *r;
	struct arena *a;
	const struct ledger_trust *trust;
	struct ledger_verification *out;
	size_t cap_findings;
	/* sizes at which somebody vouched for a root; ascending, each once */
	struct ledger_root *roots;
	size_t n_roots;
	struct ledger_kept *kept; /* of trust, those that could be read */
	struct ledger_checkpoint *kept_checkpoints;
	struct ledger_checkpoint *own;
	size_t n_own;
	struct ledger_anchor *anchors; /* of the record, newest first */
	size_t n_anchors;
	struct ledger_place_found *places;     /* [0] is of the files */
	const struct ledger_anchor *elsewhere; /* the newest at none of the places; NULL */
	size_t n_elsewhere;
	/* recomputed caches */
	struct id_map standings; /* check -> struct standing */
	struct id_map latest;	 /* subject << 32 | check -> int64_t run */
	struct days_sum days;
	uint64_t *n_rows; /* of each leaf kind, in their order */
	uint64_t n_samples, n_pruned_samples, n_places;
};

/* Always 0, so that a check may end with it. */
int ledger_find(struct ledger_check *c, enum ledger_grade grade, const char *help, const char *fmt,
		...) __attribute__((format(printf, 4, 5)));
#define LEDGER_FIND(c, grade, ...) ledger_find((c), (grade), NULL, __VA_ARGS__)

int ledger_check_file(struct ledger_check *c, struct err *e);
int ledger_check_contents(struct ledger_check *c, struct err *e);
int ledger_check_leaves(struct ledger_check *c, struct err *e);
int ledger_check_caches(struct ledger_check *c, struct err *e);
/* Before the walk: which roots are wanted. After it: were they as signed? */
int ledger_gather_signed(struct ledger_check *c, struct err *e);
int ledger_check_signed(struct ledger_check *c, struct err *e);
int ledger_check_times(struct ledger_check *c, struct err *e);

/* NULL = the walk did not come to this size. */
const struct merkle_hash *ledger_root_of(const struct ledger_check *c, uint64_t size);

#endif
