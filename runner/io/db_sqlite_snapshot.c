/*
 * db_sqlite_snapshot: one state of the database for several statements and several sessions.
 *
 * A read transaction sees the state of its first read until it ends. That several sessions see the
 * same one is proven by PRAGMA data_version: two readings of it by one session are equal exactly
 * when nobody committed anything in between. So the first session reads it, all others begin, the
 * first begins as the last, and reads it again: equal, and all transactions began between the two
 * readings. (sqlite3_snapshot_open() would be direct, but is left out of most builds.)
 *
 * Without WAL a reader keeps writers from committing, as one long statement does. A writer who
 * waits keeps new readers out, and for us to begin one more he would wait in vain: several sessions
 * therefore try for a quarter of a second only, and the caller goes on with one.
 *
 * A state that is held for long must not keep writers out for that long. Without WAL there is then
 * no transaction: behind every statement data_version says whether anybody wrote since the first.
 *
 * Source: https://sqlite.org/pragma.html#pragma_data_version, isolation.html.
 */
#include <string.h>

#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/db_sqlite.h"

#define MAX_ATTEMPTS 3
#define MAX_WAIT_MS  250

static struct sqlite_db *of_db(struct db *db)
{
	return (struct sqlite_db *)db;
}

bool sqlite_has_snapshot(const struct sqlite_db *s)
{
	return !s->is_reading || sqlite3_get_autocommit(s->handle) == 0;
}

/* BEGIN and COMMIT, which give no columns and are therefore no query. */
static int control(struct sqlite_db *s, const char *sql)
{
	s->is_own = true;
	int rc = sqlite3_exec(s->handle, sql, NULL, NULL, NULL);

	s->is_own = false;
	return rc == SQLITE_OK ? 0 : -1;
}

static int begin(struct sqlite_db *s, int64_t deadline_ms, struct err *e)
{
	if (control(s, "BEGIN") != 0)
		return sqlite_fail(s, e);
	s->is_reading = true;
	/* The state is that of the first read. */
	return sqlite_own_query(&s->db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, 0, deadline_ms,
				NULL, NULL, e);
}

void sqlite_end_read(struct db *db)
{
	struct sqlite_db *s = of_db(db);

	if (s->is_reading && sqlite_has_snapshot(s) && control(s, "COMMIT") != 0)
		s->db.is_broken = true;
	s->is_reading = false;
	s->is_watching = false;
}

static int take_version(void *ctx, const struct db_row *row, struct err *e)
{
	int64_t *version = ctx;

	(void)e;
	*version = row->values[0].integer;
	return 0;
}

static int read_version(struct db *db, int64_t deadline_ms, int64_t *out, struct err *e)
{
	return sqlite_own_query(db, "PRAGMA data_version", NULL, 0, deadline_ms, take_version, out,
				e);
}

/* 0: all see one state; 1: somebody wrote meanwhile. */
static int begin_all(struct db *const *dbs, size_t n, int64_t deadline_ms, struct err *e)
{
	int64_t before, after;

	if (read_version(dbs[0], deadline_ms, &before, e) != 0)
		return -1;
	for (size_t i = n; i > 0; i--)
		if (begin(of_db(dbs[i - 1]), deadline_ms, e) != 0)
			return -1;
	if (read_version(dbs[0], deadline_ms, &after, e) != 0)
		return -1;
	return before == after ? 0 : 1;
}

int sqlite_begin_read(struct db *const *dbs, size_t n, int64_t deadline_ms, struct err *e)
{
	int64_t until_ms = clock_monotonic_ms(of_db(dbs[0])->clock) + MAX_WAIT_MS;
	int rc = 1;

	if (n == 1) {
		rc = begin(of_db(dbs[0]), deadline_ms, e);
		if (rc != 0)
			sqlite_end_read(dbs[0]);
		return rc;
	}
	if (until_ms > deadline_ms)
		until_ms = deadline_ms;
	for (int attempt = 0; attempt < MAX_ATTEMPTS && rc == 1; attempt++) {
		rc = begin_all(dbs, n, until_ms, NULL);
		if (rc == 0)
			return 0;
		for (size_t i = 0; i < n; i++)
			sqlite_end_read(dbs[i]);
	}
	return 1; /* also when one could not begin: it is not needed */
}

/* ---- for long ---- */

static int take_mode(void *ctx, int n, char **values, char **names)
{
	bool *is_wal = ctx;

	(void)names;
	*is_wal = n == 1 && values[0] && strcmp(values[0], "wal") == 0;
	return 0;
}

/* Not a query of ours: SQLite calls it one that may write, though without a value it does not. */
static int read_mode(struct sqlite_db *s, bool *is_wal)
{
	s->is_own = true;
	int rc = sqlite3_exec(s->handle, "PRAGMA journal_mode", take_mode, is_wal, NULL);

	s->is_own = false;
	return rc == SQLITE_OK ? 0 : -1;
}

int sqlite_hold(struct db *db, int64_t deadline_ms, struct err *e)
{
	struct sqlite_db *s = of_db(db);
	bool is_wal = false;

	if (read_version(db, deadline_ms, &s->version, e) != 0)
		return -1;
	if (read_mode(s, &is_wal) != 0)
		return sqlite_fail(s, e);
	if (is_wal)
		return sqlite_begin_read(&db, 1, deadline_ms, e);
	s->is_watching = true;
	return 0;
}

int sqlite_check_state(struct sqlite_db *s, int64_t deadline_ms, struct err *e)
{
	int64_t version;

	if (!s->is_watching)
		return 0;
	if (read_version(&s->db, deadline_ms, &version, e) != 0)
		return -1;
	if (version == s->version)
		return 0;
	s->db.is_broken = true;
	(void)err_set(e, ERR_MEASURE,
		      "could not keep one state of database \"%s\": somebody wrote to it",
		      s->location);
	return err_help(e,
			"try again when nobody writes, use a copy made with VACUUM INTO, or bring "
			"the database into WAL mode, where readers and writers do not meet");
}
