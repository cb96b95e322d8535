/*
 * db_postgres_log: what the files of the shared log on PostgreSQL share; private to them.
 *
 * _log.c is the driver and its transactions, _log_session.c sends a statement and says what went
 * wrong, _log_place.c finds the tables, _log_read.c reads changes and bases.
 */
#ifndef ASSIZE_IO_DB_POSTGRES_LOG_H
#define ASSIZE_IO_DB_POSTGRES_LOG_H

#include "runner/io/clock.h"
#include "runner/io/db_postgres.h"
#include "runner/io/shared_log.h"

#define POSTGRES_LOG_CALL_MS	 60000
#define POSTGRES_LOG_TRANSFER_MS 600000
#define POSTGRES_LOG_MAX_BODY	 (256u * 1024 * 1024)
#define POSTGRES_LOG_STATE_BYTES 6

struct postgres_log {
	struct shared_log log; /* first: a struct shared_log * of ours is a struct postgres_log * */
	struct arena *arena;
	struct shared_url url; /* in the arena */
	struct db_source source;
	struct clock clock;
	struct postgres_db session;
	const char *place, *standby;	      /* in the arena; NULL = not asked yet, none */
	char state[POSTGRES_LOG_STATE_BYTES]; /* of the last failure; "" = no statement's */
	bool is_locked;
};

static inline struct postgres_log *postgres_log_of(struct shared_log *l)
{
	return (struct postgres_log *)l;
}

/* ---- _log_session.c ---- */

int postgres_log_connect(struct postgres_log *l, struct err *e);
void postgres_log_disconnect(struct postgres_log *l);
bool postgres_log_is_state(const struct postgres_log *l, const char *state);
/* The transaction is gone, and may succeed when it is tried again. */
bool postgres_log_wants_retry(const struct postgres_log *l);

/* A row of a result; 1 = enough, -1 = an error. */
typedef int postgres_log_row_fn(void *ctx, struct postgres_log *l, const PGresult *r, int row,
				struct err *e);
struct postgres_log_answer {
	postgres_log_row_fn *row; /* NULL = rows are not wanted */
	void *ctx;
	char tag[32]; /* of the last command: "INSERT 0 1" */
};

/* Takes all answers to what was sent under the deadline of the call; the first failure counts. */
int postgres_log_receive(struct postgres_log *l, int was_sent, struct postgres_log_answer *x,
			 struct err *e);
/* One message of statements without parameters. */
int postgres_log_run(struct postgres_log *l, const char *sql, struct postgres_log_answer *x,
		     struct err *e);

int postgres_log_examine(struct shared_log *log, struct err *e); /* of the driver */

/* -1 for what is no number. */
int64_t postgres_log_integer(const struct postgres_log *l, const PGresult *r, int row, int at);
#define POSTGRES_LOG_COLUMNS "number, kind, version, size, root, digest"
/* The first columns are these, as text. */
int postgres_log_read_change(const struct postgres_log *l, const PGresult *r, int row,
			     struct shared_change *out, struct err *e);
int postgres_log_damaged(const struct postgres_log *l, const char *what, struct err *e);

/* ---- _log_place.c ---- */

/* Sets place and standby; an error where the tables are and this role does not look. */
int postgres_log_find_place(struct postgres_log *l, struct err *e);

/* ---- _log_read.c: of the driver ---- */

int postgres_log_changes(struct shared_log *log, int64_t from, int64_t to,
			 int (*take)(void *ctx, const struct shared_change *c, struct err *e),
			 void *ctx, struct err *e);
int postgres_log_parts(struct shared_log *log, int64_t number,
		       int (*take)(void *ctx, const void *p, size_t n, struct err *e), void *ctx,
		       struct err *e);

#endif
