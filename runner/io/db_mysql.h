/*
 * db_mysql: one session on MySQL or MariaDB, shared by the db_mysql files; private to them.
 *
 * db_mysql.c opens sessions and runs statements, _client.c loads the library, _location.c reads the
 * connection string, _grants.c refuses roles that could write, _watch.c ends what takes too long
 * (db_watch.h), _snapshot.c lets several sessions see one state, _value.c reads rows, _error.c says
 * what went wrong, _catalog.c and _facts.c read the schema.
 */
#ifndef ASSIZE_IO_DB_MYSQL_H
#define ASSIZE_IO_DB_MYSQL_H

#include <stdbool.h>
#include <stdint.h>

#include <mysql.h>

#include "runner/io/db_driver.h"
#include "runner/io/db_watch.h"

struct arena;
struct clock;
struct err;
struct library_version;

/* _client.c: the functions of libmariadb which are called. */
struct mysql_client {
	int (*server_init)(int, char **, char **);
	MYSQL *(*init)(MYSQL *);
	void (*close)(MYSQL *);
	int (*options)(MYSQL *, enum mysql_option, const void *);
	int (*options4)(MYSQL *, enum mysql_option, const void *, const void *);
	MYSQL *(*real_connect)(MYSQL *, const char *, const char *, const char *, const char *,
			       unsigned, const char *, unsigned long);
	int (*real_query)(MYSQL *, const char *, unsigned long);
	MYSQL_RES *(*use_result)(MYSQL *);
	void (*free_result)(MYSQL_RES *);
	MYSQL_ROW (*fetch_row)(MYSQL_RES *);
	unsigned long *(*fetch_lengths)(MYSQL_RES *);
	MYSQL_FIELD *(*fetch_fields)(MYSQL_RES *);
	unsigned (*num_fields)(MYSQL_RES *);
	unsigned (*warning_count)(MYSQL *);
	unsigned (*error_number)(MYSQL *);
	const char *(*error)(MYSQL *);
	const char *(*get_ssl_cipher)(MYSQL *);
	const char *(*get_client_info)(void);
	char *(*get_server_info)(MYSQL *);
	unsigned long (*get_server_version)(MYSQL *);
	unsigned long (*thread_id)(MYSQL *);
	my_socket (*get_socket)(MYSQL *);
	MYSQL_STMT *(*stmt_init)(MYSQL *);
	int (*stmt_prepare)(MYSQL_STMT *, const char *, unsigned long);
	unsigned (*stmt_field_count)(MYSQL_STMT *);
	unsigned (*stmt_errno)(MYSQL_STMT *);
	const char *(*stmt_error)(MYSQL_STMT *);
	my_bool (*stmt_close)(MYSQL_STMT *);
};

/* Loaded once a process; NULL = not there. */
const struct mysql_client *mysql_client(struct err *e);
int mysql_version(struct arena *a, struct library_version *out, struct err *e);

/* _location.c: where to connect; text in the session's arena, NULL = not said. */
struct mysql_place {
	const char *host, *socket, *user, *dbname;
	const char *ssl_ca, *ssl_capath, *ssl_cert, *ssl_key;
	unsigned port; /* 0 = the usual one */
	bool has_tls;  /* without it no connection */
	bool verifies; /* the certificate and the name in it */
};

int mysql_place_parse(struct arena *a, const char *location, struct mysql_place *out,
		      struct err *e);

/* "2026-11-26T10:00:00.123456Z" */
#define MYSQL_TIME_MAX 32

struct mysql_db {
	struct db db; /* first: a struct db * of ours is a struct mysql_db * */
	const struct mysql_client *client;
	MYSQL *handle;
	unsigned long id; /* the server's number of the session */
	int socket;	  /* a duplicate: libmariadb may close its own at any time */
	struct arena *arena;
	struct mysql_place place;
	const struct db_source *source;
	const struct clock *clock;
	struct db_watch watch;
	bool is_mariadb;
	bool is_reading;		 /* between begin_read() and end_read() */
	unsigned long version;		 /* 101119 is 10.11.19 */
	bool folds_tables;		 /* lower_case_table_names is not 0 */
	int64_t server_limit_ms;	 /* the server ends statements of this role; 0 = never */
	int64_t limit_s;		 /* which the server was told last */
	int64_t started_ms, deadline_ms; /* of the call under way */
	struct db_value *values;
	const char **names;
	char (*times)[MYSQL_TIME_MAX]; /* of the present row, rewritten */
	size_t cap;
};

/* _watch.c: what the watch does when a statement is late; ctx is the session. */
bool mysql_stop(void *ctx);
void mysql_cut(void *ctx);

/* A connection, also for the watch. Its handle is the caller's, also after an error. */
MYSQL *mysql_dial(struct mysql_db *s, int64_t timeout_ms, bool *is_connected);

/* _grants.c: refuses a role that could write. */
int mysql_check_grants(struct mysql_db *s, struct err *e);
/* The grants in effect as the server prints them, one a row. */
int mysql_read_grants(struct mysql_db *s, int64_t deadline_ms, db_row_fn *fn, void *ctx,
		      struct err *e);

/* _value.c */
void mysql_read_names(struct mysql_db *s, MYSQL_RES *result);
void mysql_read_row(struct mysql_db *s, MYSQL_RES *result, MYSQL_ROW row);

/*
 * _error.c: was the answer that was just read made of what the server could not read? Where others
 * refuse, it takes 'x' for 0, cuts a text short, calls a pattern that ran out of budget "no match",
 * and only warns. It keeps the first 64 warnings (max_error_count), so any of them counts.
 */
int mysql_check_warnings(struct mysql_db *s, struct err *e);

/* The handle's last error as a message. Always -1. */
int mysql_fail(struct mysql_db *s, struct err *e);
int mysql_fail_numbered(struct mysql_db *s, unsigned number, const char *message, struct err *e);
int mysql_fail_connect(struct mysql_db *s, struct err *e);
int mysql_fail_late(struct mysql_db *s, struct err *e);

/* A query of the driver's own: not looked at, not in a transaction. Parameters are ?1, ?2, ... */
int mysql_own_query(struct mysql_db *s, const char *sql, const char *const *params, size_t n_params,
		    int64_t deadline_ms, db_row_fn *fn, void *ctx, struct err *e);

#define MYSQL_BEGIN "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"

/* _snapshot.c */
int mysql_begin_read(struct db *const *dbs, size_t n, int64_t deadline_ms, struct err *e);
void mysql_end_read(struct db *db);

/* _catalog.c */
int mysql_objects(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
		  size_t *n, struct err *e);
int mysql_describe(struct db *db, struct arena *a, const char *name, int64_t deadline_ms,
		   struct db_table *out, struct err *e);
int mysql_catalog(struct db *db, struct arena *a, const struct db_wanted *wanted,
		  int64_t deadline_ms, struct db_catalog *out, struct err *e);

#endif
