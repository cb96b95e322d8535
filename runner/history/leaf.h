/*
 * leaf: the records of the sequence as the ledger hashes them. Private to runner/history.
 *
 * A leaf is canonical JSON (runner/io/jcs.h) with "t", what kind of record it is and in which
 * version of its form, and "seq", its place. It is always made from the rows as they are stored,
 * when they are written and when they are verified, by the same statement: whatever SQLite makes of
 * a value is made before it is hashed. Each kind is a statement in leaf_rows.c whose column names
 * are the members.
 *
 * What many results share is hashed once: a result names its facts by the SHA-256 of their own
 * canonical JSON (facts.leaf), and facts their definition (definitions.leaf). Nested lists (steps,
 * lines, labels) stand as {"n":..,"sha256":..} of their JSON array, long text and everything that
 * may be pruned as {"sha256":..,"size":..}.
 *
 * A walk gives the leaves of a range in order of their numbers. It finds nothing wrong by itself
 * but a result that its batch names and nobody has: gaps and doubles show in the numbers.
 */
#ifndef ASSIZE_HISTORY_LEAF_H
#define ASSIZE_HISTORY_LEAF_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/buf.h"
#include "runner/io/digest.h"
#include "runner/model/outcome.h"

struct arena;
struct err;
struct record;

struct leaf {
	int64_t seq;
	const char *type; /* "assize/result/1" */
	/* MERKLE_LEAF_PREFIX and the JSON, n bytes together; until the next step of the walk */
	const unsigned char *bytes;
	size_t n;
	bool is_missing; /* a result without a row: there are no bytes */
	bool is_result, has_samples, has_place;
	/* of a result */
	int64_t run, batch, subject, series_id, check_id, measured_ms;
	int64_t behind, begin_ms; /* of its run; struct run_place */
	int64_t facts_id;
	int64_t definition_id;	/* of a definition, and of what the facts are of */
	int64_t facts_check_id; /* of the definition its facts are of; check_id is its series' */
	enum outcome outcome;
	bool is_pruned;	   /* its samples, which it has none of then */
	int64_t pruned_ms; /* what it lost was of results older than this; INT64_MAX = nothing */
};

struct leaf_walk;

/* Leaves numbered from <= seq < to. The walk borrows r and uses its statements until the end. */
int leaf_walk_begin(struct record *r, struct arena *a, int64_t from, int64_t to,
		    struct leaf_walk **out, struct err *e);
int leaf_walk_next(struct leaf_walk *w, struct leaf *out, struct err *e); /* 1, 0 = end, -1 */
void leaf_walk_end(struct leaf_walk *w);

/*
 * The next "250" or "1-250" of a batch's members, of which *members is what is left; false = there
 * is none, or none that can be read.
 */
bool leaf_next_members(const char **members, int64_t *first, int64_t *last);

/* SHA-256 of the content of one row of facts or definitions; an ERR_RECORD where there is none. */
int leaf_of_facts(struct record *r, int64_t id, unsigned char out[static SHA256_BYTES],
		  struct err *e);
int leaf_of_definition(struct record *r, int64_t id, unsigned char out[static SHA256_BYTES],
		       struct err *e);
/* The same as text, appended: what a proof shows beside a result. */
int leaf_facts_text(struct record *r, int64_t id, struct buf *out, struct err *e);
int leaf_definition_text(struct record *r, int64_t id, struct buf *out, struct err *e);

/*
 * What a writer has just read or written of facts and series, kept for the leaves of its
 * transaction, which would else look up each again. leaf is facts.leaf; a name may be "".
 */
void leaf_remember_facts(struct record *r, int64_t id, const void *leaf, enum outcome outcome);
void leaf_remember_series(struct record *r, int64_t id, const char *name);
void leaf_forget(struct record *r); /* at the end of the transaction */

/* ---- the table of kinds (leaf_rows.c) ---- */

struct leaf_child {
	const char *name; /* member of the parent, whose column gives what ?1 is */
	const char *sql;
};

/*
 * Columns are members in the order of their names. A mark before the name says how a column is
 * written; without one integers are numbers, text is text (long text its digest), blobs are hex:
 *	$  the text of this id		   !  the outcome of this number
 *	&  the digest of the text	   #  the digest of what is there
 *	%  a real, whatever its storage	   =  a value with its type: 5, {"real":..}, {"text":..}
 *	*  the rows of the child of this name
 * What # stands before may be the id of a text that was pruned, whose digest was kept (prune.h).
 * NULL is left out. ?1 <= seq < ?2.
 */
struct leaf_kind {
	const char *type;
	const char *table; /* every row of which is one record */
	const char *sql;
	const struct leaf_child *children; /* ended by a NULL name; NULL = none */
};

extern const struct leaf_kind leaf_kinds[]; /* ended by a NULL type */
#define LEAF_MAX_KINDS 20

extern const char leaf_facts_sql[], leaf_definition_sql[]; /* one row, ?1 = id */

/* {"sha256":..,"size":..} as it was kept, in columns at and at + 1. */
struct jcs;
void leaf_put_kept_digest(struct jcs *j, const char *name, sqlite3_stmt *s, int at);

/* One row as a JSON object. */
int leaf_put_row(struct record *r, sqlite3_stmt *s, const struct leaf_child *children,
		 struct buf *out, struct err *e);

#endif
