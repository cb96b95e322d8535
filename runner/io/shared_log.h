/*
 * shared_log: a log on a server that many machines append to, one change after the other.
 *
 * What it holds of a record is its head (the newest change), the changes, and bases: whole records
 * in parts, from which a machine that has nothing begins. It knows nothing of what is in them. A
 * change is appended between lock() and commit(), under the lock of the head's row; whoever else
 * wants it waits. Nothing of a lock() that ends otherwise is there afterwards.
 *
 * PostgreSQL is the one server there is a driver for (db_postgres_log.c), with SQL that CockroachDB
 * and YugabyteDB know too: row locks, no advisory locks, no LISTEN. It takes libpq's environment
 * (PGPASSWORD, ~/.pgpass, PGSERVICE, PGSSLMODE, ...), unlike a database that is audited.
 *
 * Errors are ERR_RECORD and name the record as shared_url.shown does: without a secret. One thread.
 */
#ifndef ASSIZE_IO_SHARED_LOG_H
#define ASSIZE_IO_SHARED_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/io/digest.h"

struct arena;
struct err;

#define SHARED_LOG_WAIT_MS 30000 /* for another runner to let go of the record */

/* ---- names of records on a server ---- */

#define SHARED_URL_DEFAULT_NAME "main"

struct shared_url {
	const char *conninfo; /* what libpq gets: without password and record */
	const char *password; /* NULL = none in the URL */
	bool has_secret;      /* conninfo has another one: of a key, of OAuth */
	const char *name;     /* of the record: ?record=NAME */
	const char *shown;    /* for messages, reports and records */
};
/* postgresql://... or postgres://...; NULL is allowed */
bool shared_url_is(const char *path);
/*
 * Of what somebody called a record: an ERR_USAGE where it looks like one on a server and is no such
 * URL. As the name of a file it would be told, with the password in it. Nothing of it is in e.
 */
int shared_url_check(const char *path, struct err *e);
/* The URL to be said again, without secrets; NULL = it is none. */
const char *shared_url_again(struct arena *a, const char *url);
int shared_url_parse(struct arena *a, const char *url, struct shared_url *out, struct err *e);
/* Does it hold a password? True also when it cannot be read. */
bool shared_url_has_secret(const char *url);

/* ---- the log ---- */

enum shared_kind {
	SHARED_CHANGE = 0, /* rows */
	SHARED_MADE = 1, /* a base that no change leads to: the first, or one of a newer version */
	SHARED_KEPT = 2, /* a base of what was there already */
};

/* As the log has it. digest is over all of the change and the digest of the one before. */
struct shared_change {
	int64_t number; /* from 1, without gaps */
	enum shared_kind kind;
	int64_t version; /* of the record's tables */
	int64_t size;	 /* leaves of its ledger */
	unsigned char root[SHA256_BYTES], digest[SHA256_BYTES];
	const void *body; /* NULL = not asked for */
	size_t n;
};

struct shared_head {
	struct shared_change newest;	 /* number 0: nobody made the record yet, and all is 0 */
	int64_t base;			 /* number of the newest base */
	int64_t base_bytes, since_bytes; /* its size, and that of all changes after it */
};

struct shared_log {
	const struct shared_log_driver *driver;
};

struct shared_log_driver {
	void (*close)(struct shared_log *l);
	/* Hosts, ports, database and schema: tells one server's records from another's. */
	const char *(*place)(const struct shared_log *l);
	/* "has what was committed until .." of a server that follows another; NULL = it leads. */
	const char *(*standby)(const struct shared_log *l);
	/* Would the server take a change? -1: what stands in the way. Nothing is changed. */
	int (*examine)(struct shared_log *l, struct err *e);
	/* One round trip. A connection that was lost while nothing was under way is opened again.
	 */
	int (*head)(struct shared_log *l, struct shared_head *out, struct err *e);
	/* Waits for the head's lock, as long as the record's files are waited for. Makes what is
	 * not there: tables, and the row of a record nobody made yet. */
	int (*lock)(struct shared_log *l, struct shared_head *out, struct err *e);
	/*
	 * While locked: adds the change, which with base, base_bytes and since_bytes is the head
	 * then; parts of a base before it. 1: the server wants the transaction anew, from lock()
	 * on.
	 */
	int (*append)(struct shared_log *l, const struct shared_head *head, struct err *e);
	int (*put_part)(struct shared_log *l, int64_t number, int64_t part, const void *p, size_t n,
			struct err *e);
	/* 0: durable. 1: as of append. -1: not recorded, or nobody knows. */
	int (*commit)(struct shared_log *l, struct err *e);
	/* Without having changed anything; also after a failure. */
	void (*unlock)(struct shared_log *l);
	/*
	 * Changes with from <= number <= to in their order, with bodies but that of `from` itself.
	 * take() returns -1 with an error, or 1 = enough.
	 */
	int (*changes)(struct shared_log *l, int64_t from, int64_t to,
		       int (*take)(void *ctx, const struct shared_change *c, struct err *e),
		       void *ctx, struct err *e);
	/* Parts of the base of this number, in order. */
	int (*parts)(struct shared_log *l, int64_t number,
		     int (*take)(void *ctx, const void *p, size_t n, struct err *e), void *ctx,
		     struct err *e);
};

/* Connects; an error where this assize was built without a driver. */
int shared_log_open(const struct shared_url *url, struct shared_log **out, struct err *e);

#ifdef ASSIZE_POSTGRES
int shared_log_open_postgres(const struct shared_url *url, struct shared_log **out, struct err *e);
#endif

#endif
