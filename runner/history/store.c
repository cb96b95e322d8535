/*
 * Opening the file, and the few ways everything else in this room talks to SQLite.
 *
 * Rollback journal with synchronous=EXTRA: with FULL a commit in DELETE mode can roll back on power
 * loss because the journal's removal is not synced. Not WAL: SQLite before 3.51.3 can corrupt a WAL
 * database when the log is reset. BEGIN IMMEDIATE: with DEFERRED, writers that meet fail at once
 * whatever the busy timeout.
 *
 * A reader opens the file writable when it may and then forbids itself to write (query_only): a
 * writer that was killed leaves a hot journal, and SQLite must be able to roll that back before
 * anybody can read.
 *
 * The file is taken as hostile: no triggers, no views, no schema functions, cells checked.
 */
#include "runner/history/store.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/leaf.h"
#include "runner/history/shared.h"
#include "runner/io/file.h"
#include "runner/io/shared_log.h"

static const char pragmas[] = "PRAGMA page_size = 4096; PRAGMA temp_store = MEMORY";

static int fail_plainly(const struct record *r, const char *verb, struct err *e)
{
	if (r->file != NULL && shared_url_is(r->path)) /* the server is not to blame */
		return err_set(e, ERR_RECORD, "could not %s \"%s\", the copy of record \"%s\": %s",
			       verb, r->file, r->path, sqlite3_errmsg(r->db));
	return err_set(e, ERR_RECORD, "could not %s record \"%s\": %s", verb, r->path,
		       sqlite3_errmsg(r->db));
}

int store_fail(struct record *r, struct err *e)
{
	int code = sqlite3_extended_errcode(r->db);
	const char *verb = r->mode == RECORD_WRITE ? "write" : "read";

	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(e, ERR_RECORD,
			       "could not %s record \"%s\": another process has held it for %d s",
			       verb, r->path, STORE_BUSY_MS / 1000);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		if (r->shared != NULL)
			return shared_fail_damaged(r, sqlite3_errmsg(r->db), e);
		(void)err_set(e, ERR_RECORD, "cannot trust record \"%s\": %s", r->path,
			      sqlite3_errmsg(r->db));
		return err_help(e, "put the file aside and restore a copy; sqlite3 .recover may "
				   "save what is left"),
		       -1;
	case SQLITE_NOMEM:
		oom();
	case SQLITE_READONLY:
		(void)fail_plainly(r, verb, e);
		return err_help(e, "whoever records must be able to write the file, and to make a "
				   "journal beside it: assize doctor says which cannot be done");
	default:
		return fail_plainly(r, verb, e);
	}
}

sqlite3_stmt *store_sql(struct record *r, const char *sql, struct err *e)
{
	sqlite3_stmt *s = NULL;

	if (r->shared != NULL && shared_refresh(r, e) != 0)
		return NULL;
	for (size_t i = 0; i < r->n_statements; i++) {
		if (r->statements[i].sql != sql)
			continue;
		s = r->statements[i].stmt;
		(void)sqlite3_reset(s); /* its last failure was reported by the step */
		(void)sqlite3_clear_bindings(s);
		return s;
	}
	if (r->n_statements == STORE_MAX_STATEMENTS) {
		(void)err_set(e, ERR_INTERNAL, "too many kinds of statements for a record");
		return NULL;
	}
	if (sqlite3_prepare_v3(r->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK) {
		(void)store_fail(r, e);
		return NULL;
	}
	r->statements[r->n_statements].sql = sql;
	r->statements[r->n_statements].stmt = s;
	r->n_statements++;
	return s;
}

int store_step(struct record *r, sqlite3_stmt *s, struct err *e)
{
	int rc = sqlite3_step(s);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		(void)store_fail(r, e);
	(void)sqlite3_reset(s); /* tells the same failure again */
	return rc == SQLITE_DONE ? 0 : -1;
}

sqlite3_stmt *store_row(struct record *r, const char *sql, const char *what, int64_t id,
			struct err *e)
{
	sqlite3_stmt *s = store_sql(r, sql, e);
	int rc;

	if (s == NULL)
		return NULL;
	store_bind_int(s, 1, id);
	rc = store_step(r, s, e);
	if (rc == 0)
		(void)err_set(e, ERR_RECORD, "cannot trust record \"%s\": %s %lld is missing",
			      r->path, what, (long long)id);
	return rc == 1 ? s : NULL;
}

int store_run(struct record *r, sqlite3_stmt *s, struct err *e)
{
	int rc = store_step(r, s, e);

	if (rc == 1)
		(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return rc < 0 ? -1 : 0;
}

int store_integer(struct record *r, sqlite3_stmt *s, int64_t *out, struct err *e)
{
	int rc = store_step(r, s, e);

	if (rc == 1) {
		*out = sqlite3_column_int64(s, 0);
		(void)sqlite3_reset(s); /* after a row: nothing to tell */
	}
	return rc;
}

int store_integers(struct record *r, sqlite3_stmt *s, struct arena *a, int64_t **out, size_t *n,
		   struct err *e)
{
	size_t cap = 0;
	int rc;

	*out = NULL;
	*n = 0;
	while ((rc = store_step(r, s, e)) == 1) {
		*out = store_grow(a, *out, sizeof(**out), *n, &cap);
		(*out)[(*n)++] = sqlite3_column_int64(s, 0);
	}
	return rc;
}

int store_exists(struct record *r, const char *sql, bool *out, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, sql, e);
	int64_t found = 0;

	if (s == NULL || store_integer(r, s, &found, e) < 0)
		return -1;
	*out = found != 0;
	return 0;
}

int store_read_head(struct record *r, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT next_seq, frontier FROM head", e);
	int rc;

	if (s == NULL || store_step(r, s, e) < 0)
		return -1;
	r->next_seq = sqlite3_column_int64(s, 0);
	rc = r->next_seq < 1
		     ? -1
		     : merkle_load(&r->tree, (uint64_t)r->next_seq, sqlite3_column_blob(s, 1),
				   (size_t)sqlite3_column_bytes(s, 1));
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	if (rc != 0) {
		(void)err_set(e, ERR_RECORD,
			      "cannot trust record \"%s\": the head of its ledger is damaged",
			      r->path);
		return err_help(e, "assize ledger verify says what else is");
	}
	return 0;
}

static int look_at_seal(struct record *r, struct err *e)
{
	bool is_sealed;

	if (ledger_is_working_sealed(r, &is_sealed, e) != 0)
		return -1;
	r->is_seal_broken = !is_sealed;
	return 0;
}

static int begin_writing(struct record *r, struct err *e)
{
	int rc = 0;

	if (r->mode != RECORD_WRITE)
		return err_set(e, ERR_INTERNAL, "record \"%s\" was opened for reading", r->path);
	if (r->shared != NULL)
		rc = shared_begin(r, e);
	else if (sqlite3_exec(r->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		rc = store_fail(r, e);
	if (rc != 0)
		return -1;
	r->is_seal_broken = false;
	if (store_read_head(r, e) != 0 || (r->shared == NULL && look_at_seal(r, e) != 0)) {
		(void)sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL); /* the cause is told */
		if (r->shared != NULL)
			shared_end(r);
		return -1;
	}
	r->is_writing = true;
	return 0;
}

int store_enter(struct record *r, enum store_access access, struct err *e)
{
	if (getpid() != r->owner)
		return err_set(e, ERR_INTERNAL, "record \"%s\" was opened before a fork", r->path);
	if (r->is_held)
		return access == STORE_READING
			       ? 0
			       : err_set(e, ERR_INTERNAL,
					 "record \"%s\" is held: nothing is written", r->path);
	switch (access) {
	case STORE_READING:
		if (r->shared != NULL && shared_refresh(r, e) != 0)
			return -1;
		if (sqlite3_exec(r->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
			return store_fail(r, e);
		return 0;
	case STORE_WRITING:
		return begin_writing(r, e);
	}
	return -1;
}

static void reset_statements(struct record *r)
{
	for (size_t i = 0; i < r->n_statements; i++)
		(void)sqlite3_reset(r->statements[i].stmt); /* the cause is told */
}

static void roll_back(struct record *r)
{
	reset_statements(r);
	(void)sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL); /* may have happened */
}

/*
 * What the server has is recorded, whatever becomes of the copy: that is behind then, and follows
 * before it is read.
 */
static int leave_shared(struct record *r, int rc, struct err *e)
{
	r->is_writing = r->is_working_changed = false;
	if (rc == 0)
		rc = shared_commit(r, e);
	if (rc != 0 || sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
		roll_back(r);
		r->shared->fresh_ms = -1;
	}
	shared_end(r);
	return rc;
}

int record_hold(struct record *r, struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	r->is_held = true;
	return 0;
}

int record_let_go(struct record *r, int rc, struct err *e)
{
	r->is_held = false;
	return store_leave(r, rc, e);
}

int store_leave(struct record *r, int rc, struct err *e)
{
	if (r->is_held) {
		if (rc != 0)
			reset_statements(r);
		return rc;
	}
	if (rc == 0 && r->is_writing)
		rc = ledger_extend(r, e);
	leaf_forget(r);
	if (rc == 0 && r->is_working_changed && !r->is_seal_broken)
		rc = ledger_seal_working(r, e);
	if (r->is_writing && r->shared != NULL)
		return leave_shared(r, rc, e);
	r->is_writing = r->is_working_changed = false;
	if (rc == 0 && sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		rc = store_fail(r, e);
	if (rc != 0)
		roll_back(r);
	lock_bytes_settle(r, rc == 0);
	return rc;
}

void store_work(struct record *r)
{
	r->is_working_changed = true;
}

int64_t store_take_seq(struct record *r, int64_t n)
{
	int64_t first = r->next_seq;

	r->next_seq += n;
	return first;
}

/* A new directory is durable once the one it is in is synced; SQLite syncs only the inner one. */
static int make_directory(const char *dir, struct err *e)
{
	char *parent = xmalloc(strlen(dir) + sizeof("/.."));
	int fd, rc = 0;

	(void)strcat(strcpy(parent, dir), "/.."); /* sized for it */
	if (mkdir(dir, 0700) == 0) {
		fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		/* EINVAL: a file system that cannot sync a directory has nothing to say about it */
		if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
			rc = err_set(e, ERR_RECORD, "could not sync directory \"%s\": %s", parent,
				     strerror(errno));
		if (fd >= 0)
			(void)close(fd); /* nothing was written through it */
	} else if (errno != EEXIST && errno != EISDIR) {
		rc = err_set(e, ERR_RECORD, "could not make directory \"%s\" for the record: %s",
			     dir, strerror(errno));
	}
	free(parent);
	return rc;
}

/* The directory the file is in, made (0700) when only it is missing. */
static int prepare_directory(const char *path, enum record_mode mode, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *dir =
		slash == NULL || slash == path ? xstrdup(slash == NULL ? "." : "/") : xstrdup(path);
	const char *network;
	int rc = 0;

	if (slash != NULL && slash != path)
		dir[slash - path] = '\0';
	if (mode == RECORD_WRITE)
		rc = make_directory(dir, e);
	network = rc == 0 ? file_network_fs(dir) : NULL;
	if (network != NULL) {
		rc = err_set(e, ERR_RECORD, "cannot keep a record in \"%s\": it is on %s", dir,
			     network);
		(void)err_help(e, "file locks and syncs cannot be relied on over a network; name a "
				  "local file with --record");
	}
	free(dir);
	return rc;
}

/* What it led to may be on a disk that is not mounted: none is made instead. */
static int fail_link(const char *path, const char *verb, struct err *e)
{
	(void)err_set(e, ERR_RECORD,
		      "could not %s record \"%s\": it is a link, and what it leads to is not there",
		      verb, path);
	return err_help(e, "put that back, or name another file with --record");
}

/* An empty file with mode 0600; SQLite gives the journal the mode of the file. */
static int prepare_file(const char *path, enum record_mode mode, struct err *e)
{
	struct stat st;
	int fd;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(e, ERR_RECORD, "cannot use \"%s\" as record: not a file", path);
	if (mode == RECORD_READ) {
		if (stat(path, &st) == 0)
			return 0;
		if (file_leads_nowhere(path))
			return fail_link(path, "read", e);
		if (errno != ENOENT)
			return err_set(e, ERR_RECORD, "could not read record \"%s\": %s", path,
				       strerror(errno));
		(void)err_set(e, ERR_RECORD, "there is no record yet: \"%s\" does not exist", path);
		return err_help(e, "assize run makes one"), -1;
	}
	if (file_leads_nowhere(path))
		return fail_link(path, "write", e);
	/* O_EXCL: closing a descriptor of a file SQLite has open here would drop its locks. */
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)close(fd); /* nothing was written */
	else if (errno != EEXIST)
		return err_set(e, ERR_RECORD, "could not make record \"%s\": %s", path,
			       strerror(errno));
	return 0;
}

int store_configure(struct record *r, struct err *e)
{
	static const int off[] = {
		SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW,
		SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_DQS_DML,
		SQLITE_DBCONFIG_DQS_DDL,
	};
	/* A copy may lose what it had last; it must not be damaged. */
	const char *access = r->shared != NULL	       ? "PRAGMA synchronous = FULL"
			     : r->mode == RECORD_WRITE ? "PRAGMA synchronous = EXTRA"
						       : "PRAGMA query_only = ON";
	int rc = SQLITE_OK;

	(void)sqlite3_extended_result_codes(r->db, 1);	  /* cannot fail on an open handle */
	(void)sqlite3_busy_timeout(r->db, STORE_BUSY_MS); /* same */
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]) && rc == SQLITE_OK; i++)
		rc = sqlite3_db_config(r->db, off[i], 0, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(r->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(r->db, pragmas, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(r->db, access, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return store_fail(r, e);
	store_keep_pages(r, STORE_KEPT_KIB);
	return r->shared != NULL || r->mode == RECORD_WRITE ? store_check_pages(r, e) : 0;
}

void store_keep_pages(struct record *r, int kib)
{
	char sql[48];

	(void)sqlite3_snprintf(sizeof(sql), sql, "PRAGMA cache_size = -%d", kib);
	(void)sqlite3_exec(r->db, sql, NULL, NULL, NULL); /* the same is read either way */
}

int store_check_pages(struct record *r, struct err *e)
{
	int rc = sqlite3_exec(r->db, "PRAGMA cell_size_check = ON", NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : store_fail(r, e);
}

/* Somebody may have switched the file to WAL with another tool. */
static int check_journal(struct record *r, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "PRAGMA journal_mode = DELETE", e);
	bool is_delete;

	if (s == NULL)
		return -1;
	if (store_step(r, s, e) < 0)
		return -1;
	is_delete = strcmp((const char *)sqlite3_column_text(s, 0), "delete") == 0;
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	if (is_delete)
		return 0;
	return err_set(e, ERR_RECORD,
		       "could not write record \"%s\": it does not accept a rollback journal",
		       r->path);
}

int store_open_file(struct record *r, const char *file, struct err *e)
{
	r->file = xstrdup(file);
	if (sqlite3_open_v2(file, &r->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return r->db == NULL
			       ? err_set(e, ERR_RECORD, "could not open record \"%s\"", r->path)
			       : store_fail(r, e);
	file_register_database(file);
	return store_configure(r, e);
}

int record_open(const char *path, enum record_mode mode, struct record **out, struct err *e)
{
	struct record *r;
	int rc;

	if (shared_url_is(path))
		return shared_open(path, mode, out, e);
	if (prepare_directory(path, mode, e) != 0 || prepare_file(path, mode, e) != 0)
		return -1;
	r = xmalloc(sizeof(*r));
	memset(r, 0, sizeof(*r));
	r->path = xstrdup(path);
	r->mode = mode;
	r->owner = getpid();
	r->lock_bytes.fd = -1;
	rc = store_open_file(r, path, e);
	if (rc == 0)
		rc = store_migrate(r, e);
	if (rc == 0 && mode == RECORD_WRITE)
		rc = check_journal(r, e);
	if (rc != 0) {
		record_close(r);
		return -1;
	}
	*out = r;
	return 0;
}

int record_open_there(const char *path, struct record **out, struct err *e)
{
	if (!shared_url_is(path) && prepare_file(path, RECORD_READ, e) != 0)
		return -1;
	return record_open(path, RECORD_WRITE, out, e);
}

void record_close(struct record *r)
{
	if (r == NULL)
		return;
	if (r->shared != NULL)
		shared_close(r);
	if (r->file != NULL)
		file_unregister_database(r->file);
	for (size_t i = 0; i < r->n_statements; i++)
		(void)sqlite3_finalize(r->statements[i].stmt); /* its failure was reported */
	(void)sqlite3_close(r->db); /* no statement is left: cannot fail */
	lock_bytes_release(r);
	free(r->path);
	free(r->file);
	free(r);
}

const char *record_standby(const struct record *r)
{
	return r->shared != NULL ? r->shared->log->driver->standby(r->shared->log) : NULL;
}

const char *record_path(const struct record *r)
{
	return r->path;
}

const char *record_file(const struct record *r)
{
	return r->file;
}
