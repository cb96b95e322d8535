/*
 * db_mysql_snapshot: one state of the database for several statements and several sessions.
 *
 * A transaction WITH CONSISTENT SNAPSHOT opens an InnoDB read view and keeps it until it ends. No
 * statement gives a session the view of another, so that several are the same has to be proven.
 * SHOW ENGINE INNODB STATUS says of every transaction "Trx read view will not see trx with id >= A,
 * sees < B": below B everything is seen, from A on nothing, and in between what was not under way.
 * Where A = B nothing was, the view is exactly "all below A", and two views with the same A are the
 * same. Where somebody was writing at that moment the views are opened again, a few times; then
 * there is no guarantee, and the caller goes on with one session.
 *
 * (The number of bytes logged says less: a commit becomes visible some time after it is logged.)
 *
 * The status needs the privilege PROCESS, which lets nobody write. All of this holds for InnoDB;
 * tables of other engines have no snapshots, with one session or several.
 *
 * Source: storage/innobase/lock/lock0lock.cc and trx/trx0sys.cc of MariaDB and MySQL.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/base/err.h"
#include "runner/io/db_mysql.h"

#define MAX_ATTEMPTS 5

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

struct proof {
	struct db *const *dbs;
	size_t n;
	bool is_given;
};

/* The number behind words that stand between text and end; 0 = they do not. */
static unsigned long long number_after(const char *text, const char *end, const char *words)
{
	const char *at = strstr(text, words);

	return at && at < end ? strtoull(at + strlen(words), NULL, 10) : 0;
}

/* The limit of a session's view; 0 = it is not told, or somebody was writing. */
static unsigned long long limit_of(const char *status, unsigned long id)
{
	static const char separator[] = "---TRANSACTION";
	const char *end;

	for (const char *at = strstr(status, separator); at; at = *end ? end : NULL) {
		end = strstr(at + 1, separator);
		if (!end)
			end = at + strlen(at);
		if (number_after(at, end, " thread id ") != id)
			continue;
		unsigned long long limit = number_after(at, end, "will not see trx with id >= ");

		return number_after(at, end, ", sees < ") == limit ? limit : 0;
	}
	return 0;
}

/* A row of type, name and status. */
static int take_status(void *ctx, const struct db_row *row, struct err *e)
{
	struct proof *p = ctx;
	unsigned long long limit;

	(void)e;
	if (row->n != 3 || row->values[2].type != DB_TEXT)
		return 0;
	limit = limit_of(row->values[2].text, of_db(p->dbs[0])->id);
	p->is_given = limit != 0;
	for (size_t i = 1; i < p->n; i++)
		if (limit_of(row->values[2].text, of_db(p->dbs[i])->id) != limit)
			p->is_given = false;
	return 0;
}

/* 0: all see one state; 1: that is not proven; -1: it never will be. */
static int begin_all(struct db *const *dbs, size_t n, int64_t deadline_ms)
{
	struct proof proof = {.dbs = dbs, .n = n};

	for (size_t i = 0; i < n; i++)
		if (begin(of_db(dbs[i]), deadline_ms, NULL) != 0)
			return -1;
	if (mysql_own_query(of_db(dbs[0]), "SHOW ENGINE INNODB STATUS", NULL, 0, deadline_ms,
			    take_status, &proof, NULL) != 0)
		return -1;
	return proof.is_given ? 0 : 1;
}

int mysql_begin_read(struct db *const *dbs, size_t n, int64_t deadline_ms, struct err *e)
{
	int rc = 1;

	if (n == 1)
		return begin(of_db(dbs[0]), deadline_ms, e);
	for (int attempt = 0; attempt < MAX_ATTEMPTS && rc == 1; attempt++) {
		rc = begin_all(dbs, n, deadline_ms);
		if (rc == 0)
			return 0;
		for (size_t i = 0; i < n; i++)
			mysql_end_read(dbs[i]);
	}
	return 1; /* also when one could not begin: it is not needed */
}
