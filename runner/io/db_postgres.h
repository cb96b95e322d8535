/*
 * db_postgres: one session on a PostgreSQL server, shared by the db_postgres files; private to
 * them.
 *
 * db_postgres.c is the driver: what a statement goes through. _connect.c opens a session, _wire.c
 * sends and receives under a deadline, _statement.c reads what a user wrote and wraps it, _guard.c
 * decides what may run and as whom, _limit.c keeps long rows away, _value.c turns fields into
 * values, _error.c says what went wrong, _catalog.c reads the schema, _library.c loads libpq.
 * _log.c is no part of the driver: records that are kept on a server (shared_log.h), over the same
 * session.
 */
#ifndef ASSIZE_IO_DB_POSTGRES_H
#define ASSIZE_IO_DB_POSTGRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "runner/base/buf.h"
#include "runner/io/db_driver.h"

struct arena;
struct clock;
struct err;
struct library_version;

/* What is called of libpq: result, name, arguments. */
#define POSTGRES_FUNCTIONS(X)                                                                      \
	X(PGconn *, PQconnectStart, (const char *))                                                \
	X(PostgresPollingStatusType, PQconnectPoll, (PGconn *))                                    \
	X(PQconninfoOption *, PQconninfoParse, (const char *, char **))                            \
	X(void, PQconninfoFree, (PQconninfoOption *))                                              \
	X(ConnStatusType, PQstatus, (const PGconn *))                                              \
	X(PGTransactionStatusType, PQtransactionStatus, (const PGconn *))                          \
	X(void, PQfinish, (PGconn *))                                                              \
	X(int, PQsocket, (const PGconn *))                                                         \
	X(char *, PQerrorMessage, (const PGconn *))                                                \
	X(char *, PQhost, (const PGconn *))                                                        \
	X(char *, PQport, (const PGconn *))                                                        \
	X(char *, PQuser, (const PGconn *))                                                        \
	X(int, PQlibVersion, (void))                                                               \
	X(PQconninfoOption *, PQconninfo, (PGconn *))                                              \
	X(int, PQserverVersion, (const PGconn *))                                                  \
	X(int, PQsetnonblocking, (PGconn *, int))                                                  \
	X(PQnoticeReceiver, PQsetNoticeReceiver, (PGconn *, PQnoticeReceiver, void *))             \
	X(int, PQsendQuery, (PGconn *, const char *))                                              \
	X(int, PQsendQueryParams,                                                                  \
	  (PGconn *, const char *, int, const Oid *, const char *const *, const int *,             \
	   const int *, int))                                                                      \
	X(int, PQsendQueryPrepared,                                                                \
	  (PGconn *, const char *, int, const char *const *, const int *, const int *, int))       \
	X(int, PQsendPrepare, (PGconn *, const char *, const char *, int, const Oid *))            \
	X(int, PQsendDescribePrepared, (PGconn *, const char *))                                   \
	X(int, PQsetSingleRowMode, (PGconn *))                                                     \
	X(int, PQflush, (PGconn *))                                                                \
	X(int, PQconsumeInput, (PGconn *))                                                         \
	X(int, PQisBusy, (PGconn *))                                                               \
	X(PGresult *, PQgetResult, (PGconn *))                                                     \
	X(ExecStatusType, PQresultStatus, (const PGresult *))                                      \
	X(char *, PQresultErrorField, (const PGresult *, int))                                     \
	X(char *, PQresultErrorMessage, (const PGresult *))                                        \
	X(char *, PQcmdStatus, (PGresult *))                                                       \
	X(void, PQclear, (PGresult *))                                                             \
	X(int, PQntuples, (const PGresult *))                                                      \
	X(int, PQnfields, (const PGresult *))                                                      \
	X(char *, PQfname, (const PGresult *, int))                                                \
	X(Oid, PQftype, (const PGresult *, int))                                                   \
	X(int, PQfsize, (const PGresult *, int))                                                   \
	X(int, PQfmod, (const PGresult *, int))                                                    \
	X(char *, PQgetvalue, (const PGresult *, int, int))                                        \
	X(int, PQgetlength, (const PGresult *, int, int))                                          \
	X(int, PQgetisnull, (const PGresult *, int, int))                                          \
	X(PGcancel *, PQgetCancel, (PGconn *))                                                     \
	X(int, PQcancel, (PGcancel *, char *, int))                                                \
	X(void, PQfreeCancel, (PGcancel *))                                                        \
	X(void, PQfreemem, (void *))

struct postgres_api {
#define POSTGRES_MEMBER(result, name, arguments) result(*name) arguments;
	POSTGRES_FUNCTIONS(POSTGRES_MEMBER)
#undef POSTGRES_MEMBER
};

struct postgres_db {
	struct db db; /* first: a struct db * of ours is a struct postgres_db * */
	const struct postgres_api *pq;
	const struct db_source *source; /* lives as long as the pool */
	const struct clock *clock;
	PGconn *conn;
	int64_t started_ms, deadline_ms; /* of the call under way */
	bool is_late;			 /* the deadline ended it */
	bool is_open;			 /* it was connected once */
	bool is_record;			 /* of a record, not audited: libpq's environment counts */
	bool is_reading;		 /* between begin_read and end_read */
	bool is_limited;		 /* the last column is the flag of a row that is too long */
	struct db_value *values;
	const char **names;
	size_t cap;
	struct buf decoded; /* values that are not what was sent: blobs, times */
};

static inline struct postgres_db *postgres_of(struct db *db)
{
	return (struct postgres_db *)db;
}

/* _library.c: NULL with an error: libpq is not here. */
const struct postgres_api *postgres_library(struct err *e);
int postgres_version(struct arena *a, struct library_version *out, struct err *e);

/* _connect.c: connects s, whose source and deadline are set. */
int postgres_connect(struct postgres_db *s, struct err *e);

/*
 * _wire.c: every wait ends at the deadline of the call, where the server is told to cancel. What
 * does not answer that either makes the session broken.
 */
void postgres_begin_call(struct postgres_db *s, int64_t deadline_ms);
bool postgres_is_past(struct postgres_db *s);
int64_t postgres_limit_ms(const struct postgres_db *s); /* what one statement may take */
/* Waits for the socket; poll(2)'s events. false: the time has passed. */
bool postgres_wait(struct postgres_db *s, short events, int64_t until_ms);
/* After a PQsend...(), whose result is was_sent. */
int postgres_flush(struct postgres_db *s, int was_sent, struct err *e);
/* NULL: no more results of what was sent, or the session is broken (-1 through *rc). */
PGresult *postgres_next(struct postgres_db *s, int *rc, struct err *e);
/* Takes what is left; the first error among it counts unless rc is one already. Returns that. */
int postgres_drain(struct postgres_db *s, int rc, struct err *e);
/* Ends the statement under way, whatever it answers, and takes what is left. */
void postgres_stop(struct postgres_db *s);
/* Statements of the driver's own whose rows nobody wants. */
int postgres_do(struct postgres_db *s, const char *sql, struct err *e);

/* _value.c: names and row of a result; the row lives until the next. */
void postgres_read_names(struct postgres_db *s, const PGresult *r);
void postgres_read_row(struct postgres_db *s, const PGresult *r, int row);

/* _error.c: always -1. */
int postgres_fail(struct postgres_db *s, const PGresult *r, struct err *e);
int postgres_fail_late(struct postgres_db *s, struct err *e);
int postgres_fail_connection(struct postgres_db *s, struct err *e);

/* _statement.c: what a user wrote, ready to be sent, and what the guard has to know about it. */
struct postgres_statement {
	struct arena *arena;
	const char *sql; /* wrapped */
	bool is_explain;
	/* Array literals: every word; names that are called; those called with their schema. */
	const char *words, *calls, *call_schemas, *call_names;
	const char *operators; /* every operator character, as they stand */
};
int postgres_read_statement(struct postgres_statement *st, struct arena *a, const char *sql,
			    size_t n_params, struct err *e);
int postgres_tokens(struct db_tokens *out, const char *sql, size_t n_params, struct err *e);

/*
 * _limit.c: the statement, as described, with a last column that is true, and all others NULL, for
 * a row longer than DB_MAX_ROW_BYTES; NULL: no row of it can be.
 */
const char *postgres_limit_rows(struct postgres_db *s, struct arena *a, const char *sql,
				const PGresult *description);

/* _guard.c: refuses the role, or what a statement would call. Within a transaction. */
int postgres_check_role(struct postgres_db *s, struct err *e);
int postgres_check_calls(struct postgres_db *s, const struct postgres_statement *st, struct err *e);

/* db_postgres.c: one statement of the driver's own within the transaction under way. */
int postgres_rows(struct postgres_db *s, const char *sql, const char *const *params,
		  size_t n_params, db_row_fn *fn, void *ctx, struct err *e);
int postgres_begin(struct postgres_db *s, struct err *e);
/*
 * The same, to read the catalogs: by their indexes, in the order the joins are written in. What is
 * looked up is little of them, and a new session spends more on planning than on reading.
 */
int postgres_begin_catalog(struct postgres_db *s, struct err *e);
void postgres_end(struct postgres_db *s);

/* _catalog.c */
int postgres_read_catalog(struct db *db, struct arena *a, const struct db_wanted *wanted,
			  int64_t deadline_ms, struct db_catalog *out, struct err *e);
int postgres_objects(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
		     size_t *n, struct err *e);
int postgres_elsewhere(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
		       size_t *n, struct err *e);
int postgres_describe(struct db *db, struct arena *a, const char *name, int64_t deadline_ms,
		      struct db_table *out, struct err *e);

#endif
