/*
 * db_driver: what an engine must offer to the pool; private to the db files of this room.
 *
 * A driver's session embeds struct db as its first member. Every function but open() is called by
 * the one thread that holds the session. A session that is_broken after a call is closed, never
 * handed out again.
 */
#ifndef ASSIZE_IO_DB_DRIVER_H
#define ASSIZE_IO_DB_DRIVER_H

#include "runner/io/db.h"

struct db_home;
struct db_tokens;
struct db_view;

struct db_driver {
	enum db_engine engine;
	/*
	 * MAY be NULL: look at the location while the process has no session on it (SQLite: reading
	 * the file then cannot drop a lock of ours). Called before the first open, under the pool's
	 * lock.
	 */
	int (*preflight)(const char *location, struct err *e);
	/* MAY be NULL: see db_check_location(). Touches nothing. */
	int (*check)(struct arena *a, const char *location, struct err *e);
	/*
	 * MUST: connect, protect, and refuse a role that could write unless the source allows it.
	 * The source lives as long as the pool. A file is registered with the file door by the
	 * caller.
	 */
	int (*open)(const struct db_source *source, const struct clock *clock, int64_t deadline_ms,
		    struct db **out, struct err *e);
	void (*close)(struct db *db);
	int (*query)(struct db *db, const char *sql, const char *const *params, size_t n_params,
		     int64_t deadline_ms, db_row_fn *fn, void *ctx, struct err *e);
	int (*prepare)(struct db *db, const char *sql, size_t *n_columns, struct err *e);
	/* MUST: a statement as the engine reads it (db_token.h). Asks nobody. -1: it cannot be. */
	int (*tokens)(struct db_tokens *out, const char *sql, size_t n_params, struct err *e);
	/*
	 * MAY both be NULL: see db_begin_read(). end_read() cannot fail: a session that cannot
	 * leave its snapshot is_broken.
	 */
	int (*begin_read)(struct db *const *dbs, size_t n, int64_t deadline_ms, struct err *e);
	void (*end_read)(struct db *db);
	/*
	 * MAY be NULL: begin_read() of one session for a long time, in which nobody who writes may
	 * have to wait for it. Ended by end_read(). Where that is impossible a query fails once
	 * somebody has written, and the session is_broken.
	 */
	int (*hold)(struct db *db, int64_t deadline_ms, struct err *e);
	int (*objects)(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
		       size_t *n, struct err *e);
	/* MAY be NULL: there is nothing, or it has to be asked for as another database. */
	int (*elsewhere)(struct db *db, struct arena *a, int64_t deadline_ms,
			 struct db_object **out, size_t *n, struct err *e);
	int (*describe)(struct db *db, struct arena *a, const char *name, int64_t deadline_ms,
			struct db_table *out, struct err *e);
	/*
	 * MAY be NULL: then objects() and describe() of each. Fills *out, which is zero but for its
	 * engine, in any order (db_catalog_build.h). It may read more than is wanted.
	 */
	int (*catalog)(struct db *db, struct arena *a, const struct db_wanted *wanted,
		       int64_t deadline_ms, struct db_catalog *out, struct err *e);
	/* MAY be NULL, where the library is linked: load it, and tell which one it is. */
	int (*version)(struct arena *a, struct library_version *out, struct err *e);
};

struct db {
	const struct db_driver *driver;
	struct db_home *home; /* the target the session belongs to; the pool's business */
	struct db_view *view; /* how the pool wants it to see that (db_shadow_view.h) */
	struct db *next;      /* in the pool's list of idle sessions */
	size_t max_columns;
	enum db_absence absence;
	char missing[128];
	bool is_broken;
};

/* What a driver answered, as the session's lens shows it. -1: it shows no such table. */
void db_lens_catalog(const struct db *db, struct arena *a, struct db_catalog *c);
void db_lens_objects(const struct db *db, struct arena *a, struct db_object **objects, size_t *n);
int db_lens_table(struct db *db, struct arena *a, struct db_table *t, struct err *e);

/* A row longer than DB_MAX_ROW_BYTES. Always -1. */
int db_fail_long_row(struct err *e);

/* NULL with an error: left out of this build. */
const struct db_driver *db_driver_of(enum db_engine engine, struct err *e);

extern const struct db_driver db_driver_sqlite;
#ifdef ASSIZE_POSTGRES
extern const struct db_driver db_driver_postgres;
#endif
#ifdef ASSIZE_MYSQL
extern const struct db_driver db_driver_mysql;
#endif
#ifdef ASSIZE_ODBC
extern const struct db_driver db_driver_odbc;
#endif

#endif
