/*
 * shared: a record that many runners write, on a server. Private to runner/history.
 *
 * The server holds a log of changes (runner/io/shared_log.h), every runner a copy of the record it
 * amounts to: a SQLite file below its cache, which is all the rest of this room knows. Instead of
 * one statement in two dialects there is one store and one way to bring it from place to place, so
 * that what holds for a file (its queries, its ledger, its verification) holds for a shared record.
 *
 * Writing: the head's row is locked on the server, the copy is brought up to it, the work is done
 * in a transaction on the copy under SQLite's session extension; what changed is appended to the
 * log and committed there, which is the moment it is recorded, and then committed in the copy. A
 * copy that misses the second commit is behind, and follows.
 *
 * Reading: the copy is brought up to the head first, unless that was done less than a second ago. A
 * server that does not answer is an error, never an old answer.
 *
 * Following is taking nothing on trust: a change continues a chain of digests from the one the copy
 * has, touches history by inserting alone, the leaves hashed from the rows it brought give the root
 * it was recorded with, and no row is of anything else (shared_rows.h). A base has the size and
 * root of the change before it, or a newer version, and is hashed from its first leaf before it is
 * a copy. What does not fit makes the copy be thrown away once and made anew
 * from a base; what does not fit then either is an error. A head that is behind the copy, or of
 * another history, is one at once: somebody put an older log there, and the copy is the evidence.
 *
 * A base is a whole record: the first, one a newer version of the tables made (changes know no
 * DDL), and one whenever the changes since the last are as long as it.
 *
 * What it costs, measured on two busy cores with the server beside them and nothing synced to a
 * disk: a batch of 1,000 results 33 to 65 ms, where a file took 11 to 43; any other write 2 to 6
 * ms; a read that follows and finds nothing new one round trip, 0.5 to 0.9 ms; opening 7 to 18 ms;
 * a copy of 6,000 results from nothing 0.2 to 0.33 s, of 126,000 one second.
 *
 * shared.c opens a copy and goes through a transaction, shared_session.c writes down what changed,
 * shared_follow.c takes in what others changed, shared_caches.c and shared_rows.c say what of it
 * follows from its leaves, shared_base.c makes and fetches bases,
 * shared_written.c looks at what the server has of it, shared_verify.c replays all of it.
 */
#ifndef ASSIZE_HISTORY_SHARED_H
#define ASSIZE_HISTORY_SHARED_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "runner/history/ledger.h"
#include "runner/history/record.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/io/shared_log.h"

struct arena;
struct buf;
struct err;
struct record;
struct shared_watch;

/* Where in the log a copy is: after this change. number 0 = it is no copy yet. */
struct shared_position {
	int64_t number;
	unsigned char digest[SHA256_BYTES];
};

struct shared {
	struct arena *arena;
	struct clock clock;
	struct shared_url url;
	struct shared_log *log;
	const char *dir;  /* of the copy */
	bool is_busy;	  /* following: its own statements are not to follow again */
	bool is_damaged;  /* the copy: thrown away when it is closed */
	int64_t fresh_ms; /* monotonic: it was up to the head then; -1 = follow at once */
	struct shared_head head;
	struct shared_position seen; /* by a copy that was thrown away; number 0 = none was */
	struct shared_watch *watch;  /* of the transaction under way */
};

/* ---- shared.c: what store.c calls ---- */

int shared_open(const char *url, enum record_mode mode, struct record **out, struct err *e);
void shared_close(struct record *r);
/* Before a read; does nothing inside a transaction. */
int shared_refresh(struct record *r, struct err *e);
/* In place of BEGIN IMMEDIATE: locked here and on the server, with the copy at its head. */
int shared_begin(struct record *r, struct err *e);
/* Before COMMIT: the server has it, or it is not recorded. */
int shared_commit(struct record *r, struct err *e);
/* After COMMIT or ROLLBACK. */
void shared_end(struct record *r);
/* SQLite says the copy is damaged; always -1. */
int shared_fail_damaged(struct record *r, const char *why, struct err *e);

/* One process at a time makes a copy or throws it away; -1 = an error. */
int shared_hold_copy(const struct shared *s, struct err *e);
void shared_release_copy(int lock);
/* While held, before a copy that was at this position is thrown away: it is not forgotten. */
int shared_remember(struct shared *s, const struct shared_position *at, struct err *e);

/* ---- shared_session.c ---- */

/* What changes from now on, until shared_watch_end(). */
int shared_watch_begin(struct record *r, struct err *e);
/* Appends what changed, as SQLite's changeset; nothing when nothing did. */
int shared_watch_take(struct record *r, struct buf *out, struct err *e);
void shared_watch_end(struct record *r);
/* The position's table of a copy. */
#define SHARED_POSITION_TABLE "shared_position"

/* ---- shared_follow.c ---- */

int shared_read_position(struct record *r, struct shared_position *out, struct err *e);
/* The change of this number is not the one that was seen; always -1. */
int shared_is_another(const struct shared *s, int64_t number, struct err *e);
int shared_write_position(struct record *r, const struct shared_position *p, struct err *e);
/* Of a change that comes after `before`. */
void shared_digest(const struct shared_change *c, const unsigned char before[static SHA256_BYTES],
		   unsigned char out[static SHA256_BYTES]);
/*
 * Brings the copy r (s->log is the log, whatever r is) up to change `to`. 1: it does not fit, e
 * says why: the copy or the log is not what it was. 2: the next change is a base that has to be
 * fetched.
 */
#define SHARED_DOUBT	  1
#define SHARED_NEEDS_BASE 2
int shared_follow(struct record *r, struct shared *s, int64_t to, struct err *e);
/* The copy of s to s->head, whatever it takes. */
int shared_pull(struct record *r, struct err *e);

/* ---- shared_base.c ---- */

/* A directory beside the copy, for files that are gone when it is. */
struct shared_work {
	struct arena *arena;
	struct scratch scratch;
	const char *file; /* "base.db" in it: there is none yet */
};
int shared_begin_work(struct shared *s, struct shared_work *w, struct err *e);
void shared_end_work(struct shared_work *w);

/* Makes r's file the base of this number. 1 = SHARED_DOUBT. */
int shared_fetch_base(struct record *r, struct shared *s, int64_t number, struct err *e);
/* Where there is no record, or one of an older version: a base of this version. */
int shared_make(struct record *r, struct err *e);
/* A base of what there is, when it is time for one. */
int shared_keep_base(struct record *r, struct err *e);
/* A file in a work's directory as a record of its own, whatever is in it. */
int shared_open_file(const char *path, const char *file, struct record **out, struct err *e);
/* Every page of one database over another; r for messages. */
int shared_copy_pages(const struct record *r, sqlite3 *to, sqlite3 *from, struct err *e);

/* ---- shared_written.c ---- */

/* Between append and commit: does the server have the change, and the head, as they are? */
int shared_read_back(struct shared *s, const struct shared_head *head, struct err *e);
/* Of a copy that is at the head: does that say of the record what the copy has? */
int shared_check_head(struct record *r, struct err *e);
/* The first change that the log has behind its head, where none should be; 0 = none. */
int shared_find_behind(struct shared *s, int64_t *first, struct err *e);

/* ---- shared_verify.c ---- */

/* ledger_verify() of a record that is replayed from its first base in a file of its own. */
int shared_verify(struct record *r, struct arena *a, const struct ledger_trust *trust,
		  struct ledger_verification *out, struct err *e);

#endif
