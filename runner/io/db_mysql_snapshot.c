/*
 * db_mysql_snapshot: one state of the database for several statements and several sessions.
 *
 * A transaction WITH CONSISTENT SNAPSHOT sees one state until it ends. Neither server lets another
 * session join it, so that several see the same one has to be shown: InnoDB counts every byte it
 * logs, and when that number is the same before the first transaction begins and after the last has
 * begun, nobody wrote in between. A commit becomes visible some instructions after it is logged, so
 * between the first reading and the first beginning there is a pause, many times as long. A server
 * that is written to all the time gives no such moment: the caller goes on with one session.
 *
 * Tables of other engines have no snapshots. While there are any outside of the system's, several
 * sessions are never promised the same state.
 *
 * Sources: https://mariadb.com/kb/en/innodb-status-variables/ (Innodb_lsn_current),
 * https://dev.mysql.com/doc/refman/8.0/en/server-status-variables.html.
 */
#include <time.h>

#include "runner/base/err.h"
#include "runner/io/db_mysql.h"

#define MAX_ATTEMPTS 5
#define PAUSE_MS     20

static struct mysql_db *of_db(struct db *db)
{
	return (struct mysql_db *)db;
}

static int begin(struct mysql_db *s, int64_t deadline_ms, struct err *e)
{
	if (mysql_own_query(s, MYSQL_BEGIN, NULL, 0, deadline_ms, NULL, NULL, e) != 0)
		return -1;
	s->is_reading = true;
	return 0;
}

void mysql_end_read(struct db *db)
{
	struct mysql_db *s = of_db(db);
	bool is_reading = s->is_reading;

	s->is_reading = false;
	if (!is_reading || db->is_broken)
		return;
	if (mysql_own_query(s, "ROLLBACK", NULL, 0, INT64_MAX, NULL, NULL, NULL) != 0)
		db->is_broken = true;
}

/* What the query gives, when it is an integer. */
static int take_integer(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = &row->values[0];
	int64_t *out = ctx;

	(void)e;
	if (v->type == DB_INT)
		*out = v->integer;
	return 0;
}

/* -1 where the server does not say it. */
static int64_t logged_bytes(struct mysql_db *s, int64_t deadline_ms)
{
	int64_t bytes = -1;

	if (mysql_own_query(s,
			    s->is_mariadb ? "SELECT CAST(VARIABLE_VALUE AS SIGNED) FROM"
					    " information_schema.GLOBAL_STATUS"
					    " WHERE VARIABLE_NAME = 'INNODB_LSN_CURRENT'"
					  : "SELECT CAST(VARIABLE_VALUE AS SIGNED) FROM"
					    " performance_schema.global_status"
					    " WHERE VARIABLE_NAME = 'Innodb_redo_log_current_lsn'",
			    NULL, 0, deadline_ms, take_integer, &bytes, NULL) != 0)
		return -1;
	return bytes;
}

static bool has_snapshots(struct mysql_db *s, int64_t deadline_ms)
{
	int64_t n_others = -1;

	return mysql_own_query(s,
			       "SELECT COUNT(*) FROM information_schema.TABLES"
			       " WHERE TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema',"
			       " 'performance_schema') AND ENGINE <> 'InnoDB'",
			       NULL, 0, deadline_ms, take_integer, &n_others, NULL) == 0 &&
	       n_others == 0;
}

/* 0: all see one state; 1: somebody wrote meanwhile, or nobody knows; -1: one could not begin. */
static int begin_all(struct db *const *dbs, size_t n, int64_t deadline_ms)
{
	struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
	int64_t before = logged_bytes(of_db(dbs[0]), deadline_ms);

	if (before < 0)
		return -1;
	while (nanosleep(&pause, &pause) != 0)
		; /* a signal: the rest of it */
	for (size_t i = 0; i < n; i++)
		if (begin(of_db(dbs[i]), deadline_ms, NULL) != 0)
			return -1;
	return logged_bytes(of_db(dbs[0]), deadline_ms) == before ? 0 : 1;
}

int mysql_begin_read(struct db *const *dbs, size_t n, int64_t deadline_ms, struct err *e)
{
	int rc = 1;

	if (n == 1)
		return begin(of_db(dbs[0]), deadline_ms, e);
	if (!has_snapshots(of_db(dbs[0]), deadline_ms))
		return 1;
	for (int attempt = 0; attempt < MAX_ATTEMPTS && rc == 1; attempt++) {
		rc = begin_all(dbs, n, deadline_ms);
		if (rc == 0)
			return 0;
		for (size_t i = 0; i < n; i++)
			mysql_end_read(dbs[i]);
	}
	return 1; /* also when one could not begin: it is not needed */
}
