/*
 * store: what the files of this room share. Private to runner/history.
 *
 * Every access goes through four steps: store_enter() opens a transaction (every read that takes
 * more than one statement, every write), store_sql() gives a prepared statement, store_step() runs
 * it, store_leave() ends the transaction. A write is acknowledged when store_leave() returned 0 and
 * by nothing else. Statements are prepared once a handle and kept.
 *
 * Numbers in the tables: integers as they are; reals as SQLite reals, except NaN and -0.0 which
 * SQLite would turn into NULL and 0 and which are therefore blobs of eight bytes (IEEE 754, big
 * endian). Absent text is NULL, text ids point into `texts`.
 */
#ifndef ASSIZE_HISTORY_STORE_H
#define ASSIZE_HISTORY_STORE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/history/merkle.h"
#include "runner/history/record.h"

struct arena;
struct definition;
struct err;

#define STORE_APPLICATION_ID 0x41535a45 /* "ASZE" */
#define STORE_VERSION	     19
#define STORE_BUSY_MS	     30000

/* A result's key: run and series in one integer (schema.c says why). */
#define STORE_SERIES_BITS 24
#define STORE_MAX_SERIES  ((INT64_C(1) << STORE_SERIES_BITS) - 1)
#define STORE_MAX_RUN	  ((INT64_C(1) << (62 - STORE_SERIES_BITS)) - 1)

#define STORE_MAX_STATEMENTS 200

/* What record_tell() was given; definition NULL = nobody is told. */
struct teller {
	const struct definition *definition;
	struct arena *arena;
	const struct transition *early;
	size_t n_early;
	struct run_info late; /* a gate's run, told with its decision; id 0 = none */
};

/* lock_byte.c: bytes of RECORD-locks that this transaction took or is to let go of. */
struct lock_bytes {
	int fd; /* -1 = not open */
	struct lock_byte {
		int64_t start;
		bool is_release;
	} * items;
	size_t n, cap;
};

struct record {
	sqlite3 *db;
	char *path;	       /* owned; of a shared record its URL without secrets */
	char *file;	       /* owned; that SQLite has open: path, or this machine's copy */
	struct shared *shared; /* owned; NULL = a file of its own (shared.h) */
	enum record_mode mode;
	pid_t owner; /* a connection never crosses fork */
	struct lock_bytes lock_bytes;
	bool is_held;		    /* record_hold(): reading is inside a transaction already */
	bool is_writing;	    /* inside a write transaction */
	bool is_working_changed;    /* the same: store_work() was called */
	bool is_seal_broken;	    /* the same: somebody else changed tables of work before */
	struct leaf_memory *memory; /* the same: for its leaves (leaf.h); NULL = nothing yet */
	int64_t next_seq;	    /* while is_writing */
	struct merkle tree;	    /* the same: of the leaves before this transaction */
	struct teller teller;
	size_t n_statements;
	struct {
		const char *sql; /* static text, compared by address */
		sqlite3_stmt *stmt;
	} statements[STORE_MAX_STATEMENTS];
};

/* A handle on a SQLite file that exists; r->file is set from it. */
int store_open_file(struct record *r, const char *file, struct err *e);

/* What every handle is: hostile files are read with care, others waited for. */
int store_configure(struct record *r, struct err *e);
/*
 * Every page is looked through when it is read: damage is met before it is written on, and whoever
 * verifies meets it at once. On in what can be written; it is a quarter of the time of reading a
 * series.
 */
int store_check_pages(struct record *r, struct err *e);
/* Of the pages read so many stay in memory: a run's rows and the upper levels of every tree. */
#define STORE_KEPT_KIB 4096
void store_keep_pages(struct record *r, int kib);

/*
 * The record as it is now, to be read while others write to it; to be closed (aside.c). It takes as
 * much room as the record where SQLite keeps temporary files.
 */
int store_aside(struct record *r, struct record **out, struct err *e);

enum store_access { STORE_READING, STORE_WRITING };

int store_enter(struct record *r, enum store_access access, struct err *e);
/* rc 0: commit; else roll back. Returns rc, or -1 when the commit failed. */
int store_leave(struct record *r, int rc, struct err *e);

/* next_seq and tree as the file has them. */
int store_read_head(struct record *r, struct err *e);
/* The next n numbers of the record's gapless sequence; only while writing. */
int64_t store_take_seq(struct record *r, int64_t n);

/* sql is a string literal. Reset and unbound. NULL = error. */
sqlite3_stmt *store_sql(struct record *r, const char *sql, struct err *e);
/* 1 = a row, 0 = done, -1 = error. A statement that is done or failed is reset. */
int store_step(struct record *r, sqlite3_stmt *s, struct err *e);
/*
 * The row whose number is ?1 of sql, a string literal; the caller resets the statement. NULL =
 * error: also when it is missing, although the record names it; what: "run", for the message.
 */
sqlite3_stmt *store_row(struct record *r, const char *sql, const char *what, int64_t id,
			struct err *e);
/* Runs a statement that gives no rows. */
int store_run(struct record *r, sqlite3_stmt *s, struct err *e);
/* Runs a statement that gives one integer: 1 found, 0 none, -1 error. */
int store_integer(struct record *r, sqlite3_stmt *s, int64_t *out, struct err *e);
/* The same of many, in their order; 0, -1. */
int store_integers(struct record *r, sqlite3_stmt *s, struct arena *a, int64_t **out, size_t *n,
		   struct err *e);
/* Runs SELECT EXISTS (..), which asks nothing of the caller. */
int store_exists(struct record *r, const char *sql, bool *out, struct err *e);
/* The present SQLite failure as ERR_RECORD; returns -1. */
int store_fail(struct record *r, struct err *e);

/* Binding. Binding a column that exists cannot fail but for memory, which ends in the step. */
void store_bind_int(sqlite3_stmt *s, int at, int64_t v);
void store_bind_id(sqlite3_stmt *s, int at, int64_t id); /* 0 = NULL */
void store_bind_real(sqlite3_stmt *s, int at, double v);
void store_bind_text(sqlite3_stmt *s, int at, const char *text); /* NULL = NULL; borrowed */
void store_bind_digest(sqlite3_stmt *s, int at, const unsigned char *digest, size_t n);

double store_real(sqlite3_stmt *s, int at);			  /* NULL = NaN */
const char *store_text(sqlite3_stmt *s, int at, struct arena *a); /* NULL = NULL */
const char *store_text_or(sqlite3_stmt *s, int at, struct arena *a, const char *absent);
void store_digest(sqlite3_stmt *s, int at, unsigned char *out, size_t n);
enum outcome store_outcome(sqlite3_stmt *s, int at);	 /* anything unknown is UNDECIDED */
enum run_state store_run_state(sqlite3_stmt *s, int at); /* NULL and unknown: RUN_INCOMPLETE */

/* Room for one more item than n: items itself or a larger copy in a; *cap is kept by the caller. */
void *store_grow(struct arena *a, void *items, size_t size, size_t n, size_t *cap);

/* Brings an empty or older file to STORE_VERSION, or refuses what is not ours. */
int store_migrate(struct record *r, struct err *e);
extern const char *const *const store_migrations[STORE_VERSION]; /* schema.c; ended by NULL each */
/* An empty record in memory: what every file of this version looks like. */
int store_pattern(sqlite3 **out, struct err *e);

/*
 * Puts the records that were numbered since tree.size into the tree, from their rows as they are
 * stored; part of every transaction that numbered any (ledger.c).
 */
int ledger_extend(struct record *r, struct err *e);
/*
 * After rows came from another machine: has the tree of before, which r has, grown by what is in
 * them to the one the head has now? r has that one then, and its nodes are kept. take() is given
 * every leaf.
 */
struct leaf;
int ledger_follow(struct record *r, int (*take)(void *ctx, const struct leaf *leaf, struct err *e),
		  void *ctx, bool *is_so, struct err *e);
/*
 * Tables of work under way (locks, what was told, what waits to be sent) are no history: their rows
 * change and go. A seal over all of them in the head tells whether somebody else changed one. Every
 * function that writes to one says so (ledger_working.c). A seal that does not fit is left as it
 * is, whatever is written after: else the next run would hide it.
 */
void store_work(struct record *r);
int ledger_seal_working(struct record *r, struct err *e);
/* Are they still what the seal in the head was made of? */
int ledger_is_working_sealed(struct record *r, bool *is_so, struct err *e);
/* What version 8 adds to rows of earlier ones, and the tree over all of them. */
int ledger_catch_up(struct record *r, int64_t from_version, struct err *e);

/* Content addressing (intern.c): the id of what is there, adding it when it is new. */
int intern_text(struct record *r, const char *text, int64_t *id, struct err *e); /* NULL: id 0 */
int intern_check(struct record *r, const char *name, int64_t *id, struct err *e);
int intern_series(struct record *r, int64_t check_id, const char *name, int64_t *id, struct err *e);
int intern_definition(struct record *r, int64_t check_id, const struct check_info *c, int64_t *id,
		      struct err *e);
/*
 * last_id: of a result that may well have the same, such as the series' last one; 0 = none.
 * usual_limit: the limit kept with the facts; meaningless where the result has none.
 */
int intern_facts(struct record *r, int64_t check_id, const struct result *result, int64_t last_id,
		 int64_t *id, double *usual_limit, struct err *e);
/* What the hash of a text, and the digest a row is found by, must be. */
#define INTERN_DIGEST_BYTES 16
struct facts_cache;
int64_t intern_text_hash(const char *text);
int64_t intern_hash_of(const unsigned char digest[static SHA256_BYTES]); /* of the text */
int intern_digest_of_definition(struct facts_cache *c, int64_t id,
				unsigned char out[static SHA256_BYTES], struct err *e);
int intern_digest_of_facts(struct facts_cache *c, int64_t id,
			   unsigned char out[static SHA256_BYTES], struct err *e);
/*
 * The digest of facts that lost a body: one no result has, so that none is ever recorded with them.
 */
void intern_digest_of_pruned(int64_t id, const unsigned char leaf[static SHA256_BYTES],
			     unsigned char out[static SHA256_BYTES]);
/* Gives a row that is whole the name the ledger knows its content by (leaf.h). */
int intern_name_definition(struct record *r, int64_t id, struct err *e);
int intern_name_facts(struct record *r, int64_t id, struct err *e);
/* The text read last: what repeats from row to row is read when its id changes. */
struct last_text {
	int64_t id; /* 0 = none yet, or the text of none: "" */
	const char *body;
};
int lookup_body(struct record *r, struct arena *a, int64_t id, struct last_text *last,
		struct err *e); /* an id that is not there has "" */
/* Without adding: 0 = not there. */
int lookup_text(struct record *r, const char *text, int64_t *id, struct err *e);
int lookup_check(struct record *r, const char *name, int64_t *id, struct err *e);
int lookup_series(struct record *r, int64_t check_id, const char *name, int64_t *id, struct err *e);

/*
 * Where a run stands among all (place.c): those made here in the order of their numbers, one that
 * was merged right behind the newest made here that had begun before it, among others of its kind
 * by when it began. So nothing that is merged late passes for newer than what was measured since.
 */
struct run_place {
	int64_t id;
	int64_t behind; /* -1 = it was made here */
	int64_t begin_ms;
};
bool run_place_is_before(const struct run_place *a, const struct run_place *b);
int store_run_place(struct record *r, int64_t run_id, struct run_place *out, struct err *e);
/* Only where some run was merged does the order of places differ from that of numbers. */
int store_has_merges(struct record *r, bool *out, struct err *e);
/* A run that began before a window may have measured inside it; no run is taken to last longer. */
#define STORE_LONGEST_RUN_MS INT64_C(86400000)
/* The order by places of `runs r`, newest first. */
#define STORE_NEWEST_FIRST                                                                         \
	"coalesce(r.behind, r.id) DESC, r.behind IS NOT NULL DESC, r.begin_ms DESC, r.id DESC"

/* Where a check stands (standing.c). */
struct standing {
	int64_t check_id;
	int64_t series_id; /* of the series asked for; 0 = new */
	bool is_known;	   /* has a result: the rest is set */
	int64_t run, subject;
	enum outcome outcome;
	int64_t measured_ms, since_ms, finished_ms; /* finished_ms -1 = never but skipped */
};
/* Adds the check when it is new. */
int standing_read(struct record *r, const char *check, const char *series, struct standing *out,
		  struct err *e);
/* What one batch says of a check, series by series. */
struct standing_news {
	bool has_any;
	enum outcome outcome;
	int64_t measured_ms, finished_ms;
};
struct standing_news standing_news_begin(void);
void standing_news_add(struct standing_news *n, enum outcome outcome, int64_t measured_ms);
/* An entry of `latest` to be brought up to this run; run 0 = none. */
struct standing_about {
	int64_t subject, run;
};
/*
 * Where the check stands afterwards: what standing_update() writes and a verifier recomputes.
 * old_run: the place of old->run; meaningless where old is not known.
 */
struct standing standing_advance(const struct standing *old, const struct run_place *run,
				 const struct run_place *old_run, int64_t subject,
				 const struct standing_news *news, struct standing_about *about);
/* The newest run decides, also when an older one is still writing, or merged. */
int standing_update(struct record *r, const struct standing *old, const struct run_place *run,
		    int64_t subject, const struct result *series, size_t n, struct err *e);
/* The same for what a batch that another machine wrote says of the check. */
int standing_follow(struct record *r, int64_t check_id, const struct run_place *run,
		    int64_t subject, const struct standing_news *news, struct err *e);
/* Newest run that has the check about the subject (NULL = any); 0 = none. */
int standing_newest_run(struct record *r, int64_t check_id, const char *subject, int64_t *run_id,
			struct err *e);

/* As record_evidence(), record_run_evidence() and record_is_before(), inside a transaction. */
int store_evidence(struct record *r, struct arena *a, const char *check, const char *subject,
		   struct evidence **out, size_t *n, struct err *e);
int store_run_evidence(struct record *r, struct arena *a, const char *check, int64_t run_id,
		       struct evidence **out, size_t *n, struct err *e);
int store_is_before(struct record *r, int64_t a, int64_t b, bool *out, struct err *e);

/* What the seal of a lock that is held must be (lock.c). */
int store_lock_seal(struct record *r, const char *name, unsigned char out[static SHA256_BYTES],
		    struct err *e);

/* One override, in the transaction at hand; an ERR_RECORD where there is none. */
int store_override(struct record *r, struct arena *a, int64_t id, const struct override **out,
		   struct err *e);

/*
 * As record_challenge_add(), inside a transaction that writes; merge_id 0 = it was made here. And
 * as record_challenge(), inside a transaction.
 */
struct challenged;
struct challenge_origin;
struct recorded_challenge;
int store_challenge(struct record *r, const struct challenged *c,
		    const struct challenge_origin *origin, int64_t merge_id, int64_t *id,
		    struct err *e);
int store_challenge_of(struct record *r, struct arena *a, int64_t id,
		       struct recorded_challenge *out, struct err *e);
/* Of `challenges x`: is it of a definition there is, with the counts of its attacks? */
#define STORE_CHALLENGE_AGREES                                                                     \
	"(EXISTS (SELECT 1 FROM definitions WHERE id = x.definition_id) AND (n_noticed, "          \
	"n_survived, n_steady, n_false_alarms, n_noticed + n_survived + n_steady + "               \
	"n_false_alarms + n_uncounted) = (SELECT count(*) FILTER (WHERE o IN ('failed', 'no "      \
	"value', 'error')), count(*) FILTER (WHERE o IN ('blind', 'tolerated', 'wrong way')), "    \
	"count(*) FILTER (WHERE o = 'steady'), count(*) FILTER (WHERE o = 'false alarm'), "        \
	"count(*) FROM (SELECT (SELECT body FROM texts WHERE id = outcome) AS o FROM attacks "     \
	"WHERE challenge = x.id)))"

/* Repetitions of one result, inside its batch's transaction. */
int store_samples(struct record *r, int64_t result_id, const struct result *x, struct err *e);
/* What column `at` of a row holds of them. */
int store_read_samples(struct record *r, sqlite3_stmt *s, int at, struct arena *a,
		       const double **values, size_t *n, struct err *e);

/* Moves the cursor of a check, inside its batch's transaction. */
int store_cursor(struct record *r, int64_t check_id, int64_t run_id, const char *state,
		 struct err *e);

/* lock.c, inside a transaction that writes: */
/* Sets *is_held; *said describes who holds it, or who held it and is gone; else NULL. */
int lock_take(struct record *r, const char *name, struct arena *a, bool *is_held, const char **said,
	      struct err *e);
/* Of a lock of this process, taken with this record. */
int lock_let_go(struct record *r, const char *name, struct err *e);
/* *why: how it is known that the holder is gone; NULL = nobody holds it, or somebody who lives. */
int lock_death(struct record *r, struct arena *a, const char *name, const char **why,
	       struct err *e);

/* lock_byte.c, of lock.c and store.c alone. *is_busy: another process has it, whatever the rows
 * say. */
int lock_byte_take(struct record *r, const char *name, bool *is_busy, struct err *e);
void lock_byte_let_go(struct record *r, const char *name); /* with the commit */
/* When the transaction is over: what it took stays, or what it let go of. */
void lock_bytes_settle(struct record *r, bool is_committed);
void lock_bytes_release(struct record *r);
/* Also when that cannot be found out. */
bool lock_byte_is_held(const struct record *r, const char *name);

/* notices.c, inside the transaction that begins a run, ends it, or records a decision. */
int tell_begin(struct record *r, int64_t run_id, struct err *e);
int tell_end(struct record *r, const struct run_info *run, struct err *e);
int tell_decision(struct record *r, const struct decision *d, int64_t id, struct err *e);
/* With its lines; it is in nobody's outbox yet. */
int notice_insert(struct record *r, const struct notice *x, int64_t *id, struct err *e);

/* One row as it stands, inside a transaction; an ERR_RECORD where there is none. */
int store_external_of(struct record *r, struct arena *a, int64_t id, struct external *out,
		      struct err *e);
/* Its artifacts are those it was the first to find good. */
int store_restoration_of(struct record *r, struct arena *a, int64_t id, struct restoration_row *out,
			 struct err *e);
/* As record_external(), inside a transaction that writes; merge_id 0 = it was given here. */
int store_external(struct record *r, const struct external *x, int64_t merge_id, struct err *e);

/* write.c, inside a transaction that writes. */
int store_run_begin(struct record *r, const struct run_info *run, int64_t *id, struct err *e);
/* *restorations_ms: how old restorations are that came with these results. */
int store_batch(struct record *r, int64_t run_id, const struct result *results, size_t n,
		int64_t *restorations_ms, struct err *e);
int store_run_end(struct record *r, const struct run_info *run, struct err *e);

/* Restorations of a batch, inside its transaction. */
int store_restorations(struct record *r, int64_t run_id, int64_t at_ms,
		       const struct restoration *items, size_t n, struct err *e);

#endif
