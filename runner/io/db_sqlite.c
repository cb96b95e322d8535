/*
 * db_sqlite: read-only sessions on SQLite databases, the only file of this room that knows
 * sqlite3.h.
 *
 * No switch of SQLite's is read-only by itself. Opening READONLY still allows VACUUM INTO and
 * temporary tables; query_only can be turned off by a PRAGMA; sqlite3_stmt_readonly() says yes to
 * ATTACH; immutable=1 misses what is in the write-ahead log. So all of these hold at once:
 *
 *   READONLY            the file descriptor cannot write
 *   authorizer          an allow-list: SELECT, READ, RECURSIVE, FUNCTION except a few, and PRAGMAs
 * that only read. Everything else is refused while preparing, by name LIMIT_ATTACHED 0    no second
 * database DEFENSIVE, query_only, TRUSTED_SCHEMA off, no triggers, no extensions DQS off "nosuch"
 * is a missing column, never the text 'nosuch' one statement       that SQLite itself calls
 * read-only and that gives columns
 *
 * What remains: sorting spills into unlinked temporary files, and reading a database in WAL mode
 * creates its -shm and an empty -wal when no other program has it open, as any SQLite reader does.
 * Where that could lock the owner out or is impossible, preflight refuses and says what to do.
 * immutable=1 is never used. R-tree tables cannot be queried: their constructor prepares INSERTs.
 *
 * Sources: https://sqlite.org/security.html, walformat.html, c3ref/set_authorizer.html.
 */
#include <assert.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/db_driver.h"
#include "runner/io/file.h"
#include "runner/io/file_registry.h"

#define SQLITE_HEADER_BYTES 100
#define MAX_SQL_BYTES	    (4 * 1024 * 1024)
#define MAX_VALUE_BYTES	    (32 * 1024 * 1024)
/* VM steps between two looks at the clock: some 20 us of work. */
#define PROGRESS_STEPS 1000
#define BUSY_PAUSE_MS  5
#define PREPARE_MAX_MS 30000

struct sqlite_db {
	struct db db; /* first: a struct db * of ours is a struct sqlite_db * */
	sqlite3 *handle;
	const struct clock *clock;
	char *location;
	int64_t started_ms, deadline_ms; /* of the call under way */
	bool is_late;			 /* the deadline ended it */
	bool was_locked;		 /* ... while waiting for another program's lock */
	bool is_own;			 /* the driver's own query */
	char denied[160];		 /* what the authorizer refused first, in words */
	struct db_value *values;
	const char **names;
	size_t cap;
};

static struct sqlite_db *of_db(struct db *db)
{
	return (struct sqlite_db *)db;
}

/* ---- what a statement may do ---- */

static bool is_listed(const char *const *list, const char *word)
{
	for (; *list; list++)
		if (sqlite3_stricmp(*list, word) == 0)
			return true;
	return false;
}

static bool is_allowed_function(const char *name)
{
	static const char *const refused[] = {
		"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit", NULL,
	};

	return !is_listed(refused, name);
}

/*
 * integrity_check and quick_check read only, too, but walk a whole b-tree without looking at the
 * clock: no deadline would hold.
 */
static bool is_allowed_pragma(const char *name, const char *argument)
{
	static const char *const plain[] = {
		"user_version",	  "schema_version", "application_id", "page_count", "page_size",
		"freelist_count", "encoding",	    "data_version",   NULL,
	};
	static const char *const with_argument[] = {
		"table_info",  "table_xinfo",	   "table_list",	"index_list", "index_info",
		"index_xinfo", "foreign_key_list", "foreign_key_check", NULL,
	};

	return is_listed(with_argument, name) || (!argument && is_listed(plain, name));
}

/* "insert into orders": the refused act in words, for the message. */
static const char *action_words(int action, const char *first)
{
	switch (action) {
	case SQLITE_INSERT:
		return first && str_starts(first, "sqlite_") ? "change the catalog" : "insert into";
	case SQLITE_UPDATE:
		return first && str_starts(first, "sqlite_") ? "change the catalog" : "update";
	case SQLITE_DELETE:
		return first && str_starts(first, "sqlite_") ? "change the catalog" : "delete from";
	case SQLITE_ATTACH:
		return "attach a database";
	case SQLITE_DETACH:
		return "detach a database";
	case SQLITE_PRAGMA:
		return "run PRAGMA";
	case SQLITE_FUNCTION:
		return "call function";
	case SQLITE_TRANSACTION:
	case SQLITE_SAVEPOINT:
		return "control a transaction:";
	case SQLITE_ALTER_TABLE:
	case SQLITE_REINDEX:
	case SQLITE_ANALYZE:
		return "change the database:";
	default:
		return "change the catalog";
	}
}

static int authorize(void *ctx, int action, const char *first, const char *second, const char *db,
		     const char *inner)
{
	struct sqlite_db *s = ctx;

	(void)db;
	(void)inner;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		if (is_allowed_function(second))
			return SQLITE_OK;
		break;
	case SQLITE_PRAGMA:
		if (is_allowed_pragma(first, second))
			return SQLITE_OK;
		break;
	case SQLITE_UPDATE:
		/*
		 * What a virtual table says when it declares its columns, in memory. Written by a
		 * user it gets no further: SQLite refuses to modify this table unless
		 * writable_schema is on.
		 */
		if (strcmp(first, "sqlite_master") == 0 || s->is_own)
			return SQLITE_OK;
		break;
	case SQLITE_INSERT:
	case SQLITE_DELETE:
		/* Prepared by the constructor of a virtual table, never run: READONLY holds. */
		if (s->is_own)
			return SQLITE_OK;
		break;
	default:
		break;
	}
	if (!s->denied[0]) {
		const char *words = action_words(action, first);
		const char *what = action == SQLITE_FUNCTION ? second : first;
		bool is_named = what && *what && action != SQLITE_ATTACH &&
				strcmp(words, "change the catalog") != 0;

		/* Cut at its size: a message, not data. */
		(void)snprintf(s->denied, sizeof(s->denied), "%s%s%s", words, is_named ? " " : "",
			       is_named ? what : "");
	}
	return SQLITE_DENY;
}

/* ---- time ---- */

static bool is_past_deadline(struct sqlite_db *s)
{
	if (clock_monotonic_ms(s->clock) < s->deadline_ms)
		return false;
	s->is_late = true;
	return true;
}

static int on_progress(void *ctx)
{
	return is_past_deadline(ctx) ? 1 : 0;
}

/* SQLite found the file locked; 0 gives up. */
static int on_busy(void *ctx, int n_before)
{
	struct sqlite_db *s = ctx;
	struct timespec pause = {.tv_nsec = BUSY_PAUSE_MS * 1000000L};

	(void)n_before;
	s->was_locked = true;
	if (is_past_deadline(s))
		return 0;
	/* Waking early only asks again sooner. */
	(void)nanosleep(&pause, NULL);
	return 1;
}

static void begin_call(struct sqlite_db *s, int64_t deadline_ms)
{
	s->started_ms = clock_monotonic_ms(s->clock);
	s->deadline_ms = deadline_ms;
	s->is_late = false;
	s->was_locked = false;
	s->denied[0] = '\0';
}

/* ---- what went wrong ---- */

static int fail_wal(const char *location, struct err *e)
{
	err_set(e, ERR_MEASURE,
		"could not read database \"%s\": it is in WAL mode, and its -shm file neither "
		"exists nor can be created here",
		location);
	return err_help(e, "keep the program that writes it running, let this user write to the "
			   "directory, or audit a copy made with VACUUM INTO");
}

static int fail_locked(struct sqlite_db *s, struct err *e)
{
	char waited[NUM_REAL_MAX];

	num_format_duration(clock_monotonic_ms(s->clock) - s->started_ms, waited);
	err_set(e, ERR_MEASURE,
		"could not read database \"%s\": it stayed locked by another program for %s",
		s->location, waited);
	return err_help(e, "find who holds a write transaction open, or raise the timeout");
}

static int fail_late(struct sqlite_db *s, struct err *e)
{
	char allowed[NUM_REAL_MAX];

	if (s->was_locked)
		return fail_locked(s, e);
	num_format_duration(s->deadline_ms - s->started_ms, allowed);
	return err_set(e, ERR_MEASURE, "could not finish the query: it took longer than %s",
		       allowed);
}

static int fail_readonly(struct sqlite_db *s, int extended, struct err *e)
{
	if (extended == SQLITE_READONLY_CANTINIT || extended == SQLITE_READONLY_RECOVERY)
		return fail_wal(s->location, e);
	if (extended != SQLITE_READONLY_ROLLBACK)
		return err_set(e, ERR_MEASURE, "could not read database \"%s\": %s", s->location,
			       sqlite3_errmsg(s->handle));
	err_set(e, ERR_MEASURE,
		"could not read database \"%s\": a transaction was cut off and its journal must "
		"first be rolled back, which is a write",
		s->location);
	return err_help(e, "open it once with the program that owns it");
}

/* Remembers which table or column does not exist: "no such column: o.total" is "total". */
static void note_absence(struct sqlite_db *s, const char *message)
{
	static const struct {
		const char *words;
		enum db_absence absence;
	} rows[] = {
		{"no such table: ", DB_ABSENT_TABLE},
		{"no such column: ", DB_ABSENT_COLUMN},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!str_starts(message, rows[i].words))
			continue;
		const char *name = message + strlen(rows[i].words);
		const char *dot = strrchr(name, '.');

		s->db.absence = rows[i].absence;
		/* Cut at its size: for a hint only. */
		(void)snprintf(s->db.missing, sizeof(s->db.missing), "%s", dot ? dot + 1 : name);
	}
}

static int fail_statement(struct sqlite_db *s, struct err *e)
{
	const char *message = sqlite3_errmsg(s->handle);

	note_absence(s, message);
	return err_set(e, ERR_MEASURE, "could not run the query: %s", message);
}

static int fail_denied(struct sqlite_db *s, struct err *e)
{
	return err_set(e, ERR_MEASURE, "cannot run the query: it would %s, and an audit only reads",
		       s->denied);
}

static int fail(struct sqlite_db *s, struct err *e)
{
	int extended = sqlite3_extended_errcode(s->handle);

	if (s->is_late)
		return fail_late(s, e);
	if (s->denied[0])
		return fail_denied(s, e);
	switch (extended & 0xff) {
	case SQLITE_NOMEM:
		oom();
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return fail_locked(s, e);
	case SQLITE_NOTADB:
		s->db.is_broken = true;
		return err_set(
			e, ERR_MEASURE,
			"cannot read database \"%s\": the file is not an SQLite database, or "
			"it is encrypted",
			s->location);
	case SQLITE_CORRUPT:
		s->db.is_broken = true;
		err_set(e, ERR_MEASURE, "cannot read database \"%s\": it is damaged: %s",
			s->location, sqlite3_errmsg(s->handle));
		return err_help(e, "see what `PRAGMA integrity_check` says, and restore a backup");
	case SQLITE_READONLY:
		return fail_readonly(s, extended, e);
	case SQLITE_CANTOPEN:
		s->db.is_broken = true;
		return err_set(e, ERR_MEASURE, "could not open database \"%s\": %s", s->location,
			       sqlite3_errmsg(s->handle));
	case SQLITE_IOERR:
		s->db.is_broken = true;
		return err_set(e, ERR_MEASURE, "could not read database \"%s\": %s", s->location,
			       strerror(sqlite3_system_errno(s->handle)));
	default:
		return fail_statement(s, e);
	}
}

/* ---- before opening ---- */

/*
 * SQLite would create the -shm of a WAL database that nobody has open. Owned by us and not writable
 * by the owner of the database, it would stop the audited program itself.
 */
static int check_wal(const char *location, const struct stat *st, struct err *e)
{
	char *real = realpath(location, NULL); /* SQLite names the files after the link's target */
	struct stat shm_st;
	char shm[4096 + 8];

	if (!real)
		return err_set(e, ERR_MEASURE, "could not open database \"%s\": %s", location,
			       strerror(errno));
	/* A path that long could not have been opened. */
	(void)snprintf(shm, sizeof(shm), "%s-shm", real);
	bool has_shm = stat(shm, &shm_st) == 0;
	bool can_create = access(dirname(real), W_OK | X_OK) == 0;
	bool is_ours = geteuid() == 0 || geteuid() == st->st_uid;

	free(real);
	if (has_shm)
		return 0;
	if (!can_create)
		return fail_wal(location, e);
	if (is_ours || (st->st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	err_set(e, ERR_MEASURE,
		"could not read database \"%s\": it is in WAL mode and nobody has it open, so "
		"reading would create a -shm file its owner cannot write",
		location);
	return err_help(e, "run as the owner of the database, or keep the program that writes it "
			   "running");
}

static int check_header(const char *location, int fd, const struct stat *st, struct err *e)
{
	unsigned char header[SQLITE_HEADER_BYTES];
	ssize_t n = pread(fd, header, sizeof(header), 0);

	if (n < 0)
		return err_set(e, ERR_MEASURE, "could not read database \"%s\": %s", location,
			       strerror(errno));
	if (st->st_size == 0)
		return err_set(e, ERR_MEASURE,
			       "cannot read database \"%s\": the file is empty (0 bytes)",
			       location);
	if (n < SQLITE_HEADER_BYTES || memcmp(header, "SQLite format 3", 16) != 0)
		return err_set(
			e, ERR_MEASURE,
			"cannot read database \"%s\": the file is not an SQLite database, or "
			"it is encrypted",
			location);
	return header[18] == 2 ? check_wal(location, st, e) : 0;
}

static int sqlite_preflight(const char *location, struct err *e)
{
	struct stat st;

	if (stat(location, &st) != 0)
		return err_set(e, ERR_MEASURE, "could not open database \"%s\": %s", location,
			       strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_MEASURE, "cannot open database \"%s\": it is a directory",
			       location);
	/* Open under another name: looked at already, and reading it now would drop its locks. */
	if (file_is_registered(location, &st))
		return 0;
	int fd = file_open(location, &st, e);

	if (fd < 0)
		return err_context(e, "could not open database \"%s\"", location);
	int rc = check_header(location, fd, &st, e);

	/* Nothing was written. */
	(void)close(fd);
	return rc;
}

/* ---- a session ---- */

static void sqlite_session_close(struct db *db)
{
	struct sqlite_db *s = of_db(db);

	/* Every statement is finalized, so it cannot be busy. */
	(void)sqlite3_close(s->handle);
	free(s->location);
	free(s->values);
	free(s->names);
	free(s);
}

/* 0, or -1: a protection that cannot be set up is not one. */
static int protect(struct sqlite_db *s)
{
	static const struct {
		int verb, on;
	} switches[] = {
		{SQLITE_DBCONFIG_DEFENSIVE, 1},
		{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		{SQLITE_DBCONFIG_DQS_DML, 0},
		{SQLITE_DBCONFIG_DQS_DDL, 0},
		{SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0},
		{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
		{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
		{SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
	};
	int is_on;

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		if (sqlite3_db_config(s->handle, switches[i].verb, switches[i].on, &is_on) !=
			    SQLITE_OK ||
		    is_on != switches[i].on)
			return -1;
	(void)sqlite3_limit(s->handle, SQLITE_LIMIT_ATTACHED, 0); /* returns the old value */
	(void)sqlite3_limit(s->handle, SQLITE_LIMIT_SQL_LENGTH, MAX_SQL_BYTES);
	(void)sqlite3_limit(s->handle, SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES);
	s->db.max_columns = (size_t)sqlite3_limit(s->handle, SQLITE_LIMIT_COLUMN, -1);
	if (sqlite3_busy_handler(s->handle, on_busy, s) != SQLITE_OK ||
	    sqlite3_exec(s->handle, "PRAGMA query_only = 1", NULL, NULL, NULL) != SQLITE_OK)
		return -1;
	sqlite3_progress_handler(s->handle, PROGRESS_STEPS, on_progress, s);
	return sqlite3_set_authorizer(s->handle, authorize, s) == SQLITE_OK ? 0 : -1;
}

static int sqlite_session_open(const char *location, const struct clock *clock, int64_t deadline_ms,
			       struct db **out, struct err *e)
{
	struct sqlite_db *s = xmalloc(sizeof(*s));
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
		    SQLITE_OPEN_EXRESCODE;

	/* A relative "file:..." would be read as a URI, and that can carry immutable=1. */
	assert(location[0] == '/');
	*s = (struct sqlite_db){
		.db = {.driver = &db_driver_sqlite},
		.clock = clock,
		.location = xstrdup(location),
	};
	begin_call(s, deadline_ms);
	int rc = sqlite3_open_v2(location, &s->handle, flags, NULL);

	if (!s->handle)
		oom();
	if (rc != SQLITE_OK || protect(s) != 0) {
		fail(s, e);
	} else if (sqlite_own_query(&s->db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, 0,
				    deadline_ms, NULL, NULL, e) == 0) {
		*out = &s->db; /* it can be read, and the schema makes sense */
		return 0;
	}
	sqlite_session_close(&s->db);
	return -1;
}

/* ---- statements ---- */

/* Is there anything but white space and comments behind the statement? */
static bool has_more(struct sqlite_db *s, const char *tail)
{
	while (*tail) {
		sqlite3_stmt *next = NULL;
		const char *rest = tail;

		if (sqlite3_prepare_v2(s->handle, tail, -1, &next, &rest) != SQLITE_OK || next) {
			/* The result repeats what is known. */
			(void)sqlite3_finalize(next);
			return true;
		}
		if (rest == tail)
			return false;
		tail = rest;
	}
	return false;
}

static int prepare(struct sqlite_db *s, const char *sql, sqlite3_stmt **out, struct err *e)
{
	const char *tail = NULL;
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(s->handle, sql, -1, &stmt, &tail) != SQLITE_OK)
		return fail(s, e);
	if (!stmt)
		return err_set(e, ERR_MEASURE, "cannot run the query: there is no statement in it");
	if (has_more(s, tail)) {
		err_set(e, ERR_MEASURE,
			"cannot run the query: it has several statements, and a check runs one");
	} else if (!sqlite3_stmt_readonly(stmt) || sqlite3_column_count(stmt) == 0) {
		err_set(e, ERR_MEASURE,
			"cannot run the query: an audit only reads (SELECT, VALUES, "
			"WITH ... SELECT), and this statement does something else");
	} else {
		*out = stmt;
		return 0;
	}
	/* It never ran: there is no result to lose. */
	(void)sqlite3_finalize(stmt);
	return -1;
}

static void read_value(sqlite3_stmt *stmt, int i, struct db_value *out)
{
	*out = (struct db_value){.type = DB_NULL, .text = ""};
	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		out->type = DB_INT;
		out->integer = sqlite3_column_int64(stmt, i);
		return;
	case SQLITE_FLOAT:
		out->type = DB_REAL;
		out->real = sqlite3_column_double(stmt, i);
		return;
	case SQLITE_TEXT:
		out->type = DB_TEXT;
		out->text = (const char *)sqlite3_column_text(stmt, i);
		break;
	case SQLITE_BLOB:
		out->type = DB_BLOB;
		out->text = sqlite3_column_blob(stmt, i);
		break;
	default:
		return;
	}
	out->len = (size_t)sqlite3_column_bytes(stmt, i);
	if (!out->text && out->len > 0)
		oom();
	if (!out->text)
		out->text = "";
}

static int read_names(struct sqlite_db *s, sqlite3_stmt *stmt)
{
	int n = sqlite3_column_count(stmt);

	if ((size_t)n > s->cap) {
		s->cap = (size_t)n;
		s->values = xrealloc(s->values, s->cap * sizeof(*s->values));
		s->names = xrealloc(s->names, s->cap * sizeof(*s->names));
	}
	for (int i = 0; i < n; i++) {
		s->names[i] = sqlite3_column_name(stmt, i);
		if (!s->names[i])
			oom();
	}
	return n;
}

/* Steps to the end or until fn has enough. */
static int step_all(struct sqlite_db *s, sqlite3_stmt *stmt, db_row_fn *fn, void *ctx,
		    struct err *e)
{
	int n = 0;
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		/* Not before the first step: that may prepare again, after a change of schema. */
		if (n == 0)
			n = read_names(s, stmt);
		struct db_row row = {.n = (size_t)n, .values = s->values, .names = s->names};

		for (int i = 0; i < n; i++)
			read_value(stmt, i, &s->values[i]);
		int wish = fn ? fn(ctx, &row, e) : 0;

		if (wish != 0)
			return wish > 0 ? 0 : -1;
	}
	return rc == SQLITE_DONE ? 0 : fail(s, e);
}

static int run(struct sqlite_db *s, const char *sql, const char *const *params, size_t n_params,
	       db_row_fn *fn, void *ctx, struct err *e)
{
	sqlite3_stmt *stmt;
	int rc = 0;

	if (prepare(s, sql, &stmt, e) != 0)
		return -1;
	for (size_t i = 0; i < n_params && rc == 0; i++)
		if (sqlite3_bind_text(stmt, (int)i + 1, params[i], -1, SQLITE_STATIC) != SQLITE_OK)
			rc = fail(s, e);
	if (rc == 0)
		rc = step_all(s, stmt, fn, ctx, e);
	/* Repeats the result of the last step. */
	(void)sqlite3_finalize(stmt);
	return rc;
}

static int sqlite_query(struct db *db, const char *sql, const char *const *params, size_t n_params,
			int64_t deadline_ms, db_row_fn *fn, void *ctx, struct err *e)
{
	struct sqlite_db *s = of_db(db);

	begin_call(s, deadline_ms);
	if (is_past_deadline(s))
		return err_set(e, ERR_MEASURE,
			       "could not start the query: the deadline has passed");
	return run(s, sql, params, n_params, fn, ctx, e);
}

int sqlite_own_query(struct db *db, const char *sql, const char *const *params, size_t n_params,
		     int64_t deadline_ms, db_row_fn *fn, void *ctx, struct err *e)
{
	struct sqlite_db *s = of_db(db);

	s->is_own = true;
	int rc = sqlite_query(db, sql, params, n_params, deadline_ms, fn, ctx, e);

	s->is_own = false;
	return rc;
}

/* Bounded by the length of the text; the ceiling is for a lock met while reading the schema. */
static int sqlite_prepare(struct db *db, const char *sql, size_t *n_columns, struct err *e)
{
	struct sqlite_db *s = of_db(db);
	sqlite3_stmt *stmt;

	begin_call(s, clock_monotonic_ms(s->clock) + PREPARE_MAX_MS);
	if (prepare(s, sql, &stmt, e) != 0)
		return -1;
	*n_columns = (size_t)sqlite3_column_count(stmt);
	/* It never ran: there is no result to lose. */
	(void)sqlite3_finalize(stmt);
	return 0;
}

const struct db_driver db_driver_sqlite = {
	.name = "sqlite",
	.preflight = sqlite_preflight,
	.open = sqlite_session_open,
	.close = sqlite_session_close,
	.query = sqlite_query,
	.prepare = sqlite_prepare,
	.objects = sqlite_objects,
	.describe = sqlite_describe,
};
