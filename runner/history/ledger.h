/*
 * ledger: the record as a log that cannot be changed unnoticed.
 *
 * Every record (leaf.h) is a leaf of a Merkle tree (RFC 6962) whose head is saved with the same
 * commit. A checkpoint (C2SP tlog-checkpoint, a signed note) vouches for the head with a key that
 * is not in the record; whoever keeps one elsewhere can tell, later, whether the record still has
 * that history. Key and record on one machine that is under audit: everything since the last
 * checkpoint that left it can be made up.
 *
 * The origin, the first line of every checkpoint, is NAME/HEX: the name the first key was made for
 * and the 16 random bytes that tell this record from every other.
 *
 * Source: RFC 6962 section 2.1, RFC 9162 section 2.1, C2SP tlog-checkpoint and signed-note.
 */
#ifndef ASSIZE_HISTORY_LEDGER_H
#define ASSIZE_HISTORY_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/history/merkle.h"
#include "runner/history/record.h"
#include "runner/io/note.h"

struct ledger_head {
	uint64_t size; /* leaves, the genesis included */
	struct merkle_hash root;
	const char *origin;   /* NULL = no key was ever made */
	const char *identity; /* the random bytes, hex */
};
int ledger_head(struct record *r, struct arena *a, struct ledger_head *out, struct err *e);

/* ---- keys ---- */

struct ledger_key {
	int64_t id, seq, at_ms;
	struct note_key key;
	const unsigned char *endorsement; /* SIGN_SIGNATURE_BYTES, of the key before; NULL = none */
	const char *host, *user;
};
/* Oldest first: the last one signs. */
int ledger_keys(struct record *r, struct arena *a, struct ledger_key **out, size_t *n,
		struct err *e);
/* What a key is to be made known with. */
struct ledger_new_key {
	const char *name; /* of the first; later ones keep it */
	const struct sign_key *key;
	const struct sign_key *former; /* signs for the new one; NULL when there was none */
	int64_t at_ms;
	const char *host, *user;
};
int ledger_add_key(struct record *r, struct arena *a, const struct ledger_new_key *k,
		   struct err *e);

/* ---- checkpoints ---- */

struct ledger_checkpoint {
	const char *origin;
	uint64_t size;
	struct merkle_hash root;
	const char *note; /* as signed */
};
/* ERR_MEASURE: why it is none. Signatures are not looked at. */
int ledger_checkpoint_parse(struct arena *a, const char *note, size_t n,
			    struct ledger_checkpoint *out, struct err *e);
/*
 * Vouches for the present head: a note, kept in the record as well. The key must be the newest of
 * the record. With a head that has one already that one is given. ERR_RECORD: the head is not that
 * of the newest leaves, or denies the checkpoint before; older leaves are not looked at.
 */
int ledger_checkpoint_make(struct record *r, struct arena *a, const struct sign_key *key,
			   const char **note, struct err *e);
/* Newest first, at most limit. */
int ledger_checkpoints(struct record *r, struct arena *a, size_t limit,
		       struct ledger_checkpoint **out, size_t *n, struct err *e);

/* ---- anchors ---- */

/*
 * A checkpoint that was put where the keeper of the record cannot change it, and what was given in
 * return: of "git" the id of the commit that holds it, of "timestamp" the token (RFC 3161), of
 * "witness" the lines of the witness's signatures. That it was put there is a record; whether it
 * still is there, and whether the receipt is good, is for a verifier to look at (runner/anchors.h).
 */
struct ledger_anchor {
	int64_t id, seq, at_ms;
	const char *kind, *place; /* a URL without credentials */
	uint64_t size;
	struct merkle_hash root;
	const unsigned char *receipt;
	size_t n_receipt;
	const char *host, *user;
};
#define LEDGER_MAX_RECEIPT 65536
/* id, seq are set by it. size and root are those of a checkpoint of the record. */
int ledger_add_anchor(struct record *r, const struct ledger_anchor *x, struct err *e);
/* Newest first, at most limit. kind and place NULL = whatever. */
int ledger_anchors(struct record *r, struct arena *a, const char *kind, const char *place,
		   size_t limit, struct ledger_anchor **out, size_t *n, struct err *e);
/* How far the record was anchored when the run ended: whatever came later is not looked at. */
struct ledger_reach {
	int64_t size;	     /* records there were, the run's last one included */
	int64_t anchored;    /* of them, those an anchor vouches for; 0 = none */
	int64_t anchored_ms; /* when it was put there */
	const char *place;   /* where; NULL = nowhere */
};
int ledger_reach(struct record *r, struct arena *a, int64_t run_id, struct ledger_reach *out,
		 struct err *e);
/* The record's own checkpoint of that size; 1 = there is none. */
int ledger_checkpoint_at(struct record *r, struct arena *a, uint64_t size,
			 struct ledger_checkpoint *out, struct err *e);

/* ---- proofs ---- */

struct ledger_proof {
	struct merkle_hash leaf_hash;
	const char *leaf;	/* its JSON */
	const char *facts;	/* of a result: the JSON its facts' digest is of; NULL */
	const char *definition; /* of facts and definition leaves: the same */
	struct merkle_proof proof;
	uint64_t index, size;
	struct merkle_hash root;
};
/* That record `seq` is in the first `size` leaves; size 0 = all there are. */
int ledger_prove(struct record *r, struct arena *a, uint64_t seq, uint64_t size,
		 struct ledger_proof *out, struct err *e);
/* That the first `size` leaves begin with the first `old`. */
int ledger_prove_extension(struct record *r, struct arena *a, uint64_t old, uint64_t size,
			   struct merkle_proof *out, struct err *e);

/* The JSON of every leaf from <= seq < to, in order. */
int ledger_leaves(struct record *r, uint64_t from, uint64_t to,
		  int (*take)(void *ctx, uint64_t seq, const char *json, size_t n), void *ctx,
		  struct err *e);

/* ---- verification ---- */

enum ledger_grade {
	LEDGER_BROKEN, /* the record is not what was recorded */
	LEDGER_DOUBT,  /* it is what was recorded, and that cannot be believed as it stands */
	LEDGER_NOTE,   /* to be known */
};
struct ledger_finding {
	enum ledger_grade grade;
	const char *text;
	const char *help; /* NULL = none */
};

/* Where checkpoints of the record are looked for, besides files. */
struct ledger_place {
	const char *kind, *name; /* as ledger_anchor has them */
	bool is_branch;		 /* it keeps all that was ever put there, others may write to it */
	bool is_read;		 /* all of them are among the kept */
};

/* A checkpoint that was kept where the record's keeper cannot change it. */
struct ledger_kept {
	const char *from; /* for messages: a file, a branch */
	const char *note;
	size_t n;
	int64_t at_ms;	   /* when it is known to have been there; 0 = not known */
	const char *why;   /* there is no note, or it does not count: why; NULL */
	size_t place;	   /* 1 + its index in the places, of one newest first; 0 = a file */
	bool is_misdated;  /* no such time can be: it vouches for what was recorded, not for when */
	bool is_time_only; /* who gave it does not know what else there was */
};

struct ledger_trust {
	const struct note_key *keys; /* n 0: the record's own word for its first key */
	size_t n_keys;
	const struct ledger_kept *kept;
	size_t n_kept;
	/* n 0: nobody says where. Else the record may name no other, and branches hold what it
	 * says.
	 */
	const struct ledger_place *places;
	size_t n_places;
	const char *origin; /* it must be this record; NULL = any */
	const char
		*key_here; /* a key lies where one that signs for the record would; NULL = none */
	const char *key_here_help;
	const unsigned char
		*definition; /* 32 bytes: runs and decisions under others are told; NULL */
	uint64_t root_at;    /* of so many leaves the root is wanted as well; 0 = of none */
	/* How far it is; may be NULL. */
	void (*progress)(void *ctx, uint64_t done, uint64_t size);
	void *progress_ctx;
};

struct ledger_verification {
	struct ledger_head head;
	struct ledger_finding *findings; /* most severe first */
	size_t n_findings, n_broken, n_doubts;
	bool is_cut;		/* there are more findings than are kept */
	const char *time_doubt; /* the first that is about times; NULL = there is none */
	uint64_t n_results, n_runs, n_decisions;
	uint64_t n_pruned, n_prunings; /* bodies that are known by their digests alone */
	size_t n_checkpoints,
		n_signed;	 /* in the record; those a key of it or of yours has signed */
	uint64_t signed_size;	 /* leaves the newest of these vouches for */
	const char *signed_note; /* that checkpoint; NULL = there is none */
	struct merkle_hash signed_root;
	bool has_root_at; /* as trust->root_at wanted it */
	struct merkle_hash root_at;
	size_t n_kept_good;
	uint64_t kept_size; /* leaves a kept checkpoint vouches for */
	/*
	 * The greatest that holds of those whose keeper has seen the history before it, and when it
	 * was there first: what was put there again later is no younger. 0 = none.
	 */
	uint64_t anchored_size;
	int64_t anchored_ms;
	bool is_key_trusted;
	const char *key;   /* the line of the newest; NULL = none */
	int64_t n_changes; /* of a shared record: that were replayed; 0 = it is a file */
};

/*
 * Looks at everything, taking the file for hostile: nothing is believed that can be computed. 0:
 * the findings say; -1: it could not be read to the end. A shared record is what the server holds,
 * replayed from its first change, and this machine's copy is held against that. It is done on a
 * copy where there is room for one, so that nobody has to wait with a commit; not where it is held.
 */
int ledger_verify(struct record *r, struct arena *a, const struct ledger_trust *trust,
		  struct ledger_verification *out, struct err *e);

#endif
