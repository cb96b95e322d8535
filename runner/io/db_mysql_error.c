/*
 * db_mysql_error: error numbers as messages that say what to do.
 *
 * After an error of the connection nothing is known about the statement, so the session is not used
 * again. Numbers below 2000 or from 3000 on are the server's (MySQL reference, "Server Error
 * Message Reference"; MariaDB adds its own from 1900 and 4000 on), those between the library's.
 */
#include <stdio.h>
#include <string.h>

#include <errmsg.h>
#include <mysqld_error.h>

#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/db_mysql.h"

/* Not in the header of the library: what only newer servers, or only MySQL, say. */
#define CONNECTION_WAS_KILLED	    1927
#define MARIADB_STATEMENT_TIMEOUT   1969
#define MYSQL_STATEMENT_TIMEOUT	    3024
#define MYSQL_DISCONNECTED_INACTIVE 4031

int mysql_fail_late(struct mysql_db *s, struct err *e)
{
	char allowed[NUM_REAL_MAX];

	num_format_duration(s->deadline_ms - s->started_ms, allowed);
	return err_set(e, ERR_MEASURE, "could not finish the query: it took longer than %s",
		       allowed);
}

/* The name in quotes at the beginning of what follows words: "Unknown column 'o.total' in ...". */
static void note_absence(struct mysql_db *s, enum db_absence absence, const char *words,
			 const char *message)
{
	if (!str_starts(message, words))
		return;
	const char *name = message + strlen(words);
	size_t n = strcspn(name, "'");

	for (size_t i = n; i > 0; i--)
		if (name[i - 1] == '.') {
			name += i;
			n -= i;
			break;
		}
	s->db.absence = absence;
	/* Cut at its size: for a hint only. */
	(void)snprintf(s->db.missing, sizeof(s->db.missing), "%.*s", (int)n, name);
}

static int fail_lost(struct mysql_db *s, const char *message, struct err *e)
{
	s->db.is_broken = true;
	(void)err_set(e, ERR_MEASURE,
		      "could not finish the query: the connection to target \"%s\" "
		      "was lost: %s",
		      s->source->name, message);
	return err_help(e, "look at the server's log; it may have been restarted, or have ended "
			   "this session");
}

/*
 * The library calls a packet longer than it may hold a lost connection (it means to name it, and
 * loses the number on the way), but only then is net.error 1: what the network does makes it 2.
 */
static bool is_long_row(const struct mysql_db *s, unsigned number)
{
	return number == CR_NET_PACKET_TOO_LARGE ||
	       (number == CR_SERVER_LOST && s->handle->net.error == 1);
}

int mysql_fail_numbered(struct mysql_db *s, unsigned number, const char *message, struct err *e)
{
	if (is_long_row(s, number)) {
		s->db.is_broken = true;
		return db_fail_long_row(e);
	}
	if (number >= CR_MIN_ERROR && number <= CR_MAX_ERROR)
		return fail_lost(s, message, e);
	switch (number) {
	case CONNECTION_WAS_KILLED:
	case MYSQL_DISCONNECTED_INACTIVE:
	case ER_SERVER_SHUTDOWN:
	case ER_NORMAL_SHUTDOWN:
		return fail_lost(s, message, e);
	case MARIADB_STATEMENT_TIMEOUT:
	case MYSQL_STATEMENT_TIMEOUT:
		return mysql_fail_late(s, e);
	case ER_NO_SUCH_TABLE:
		note_absence(s, DB_ABSENT_TABLE, "Table '", message);
		break;
	case ER_BAD_FIELD_ERROR:
		note_absence(s, DB_ABSENT_COLUMN, "Unknown column '", message);
		break;
	case ER_TABLEACCESS_DENIED_ERROR:
	case ER_COLUMNACCESS_DENIED_ERROR:
	case ER_DBACCESS_DENIED_ERROR:
		(void)err_set(e, ERR_MEASURE, "could not run the query: %s", message);
		return err_help(e, "grant the role SELECT on it; a table that does not exist is "
				   "refused in the same words");
	default:
		break;
	}
	return err_set(e, ERR_MEASURE, "could not run the query: %s", message);
}

/* A row of level, number and text: is it about how the statement is written, not what it gave? */
static bool is_about_syntax(const MYSQL_ROW row)
{
	static const char *const numbers[] = {
		"1287", /* deprecated syntax */
		"1681", /* deprecated, no replacement */
		"3719", /* utf8 is an alias */
		"3778", /* collation deprecated */
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (strcmp(row[1], numbers[i]) == 0)
			return true;
	return false;
}

static int fail_warned(unsigned n, const char *message, struct err *e)
{
	if (n == 1)
		(void)err_set(e, ERR_MEASURE, "cannot trust the query: the server warned: %s",
			      message);
	else
		(void)err_set(e, ERR_MEASURE,
			      "cannot trust the query: the server warned %u times, first: %s", n,
			      message);
	return err_help(e, "rewrite the expression so that it says what such a value is to be: a "
			   "warning replaces it by NULL, 0 or a part of it");
}

int mysql_check_warnings(struct mysql_db *s, struct err *e)
{
	static const char ask[] = "SHOW WARNINGS";
	const struct mysql_client *c = s->client;
	unsigned n = c->warning_count(s->handle);
	unsigned n_listed = 0;
	MYSQL_RES *result;
	MYSQL_ROW row;
	int rc = 0;

	if (n == 0)
		return 0;
	if (c->real_query(s->handle, ask, sizeof(ask) - 1) != 0)
		return mysql_fail(s, e);
	result = c->use_result(s->handle);
	if (!result)
		return mysql_fail(s, e);
	while ((row = c->fetch_row(result))) {
		if (!row[1] || !row[2])
			continue;
		n_listed++;
		if (rc == 0 && !is_about_syntax(row))
			rc = fail_warned(n, row[2], e);
	}
	if (c->error_number(s->handle) != 0)
		rc = mysql_fail(s, e);
	c->free_result(result);
	if (rc == 0 && n_listed < n)
		rc = err_set(e, ERR_MEASURE,
			     "cannot trust the query: the server warned %u times, but lists only "
			     "%u of the warnings",
			     n, n_listed);
	return rc;
}

int mysql_fail(struct mysql_db *s, struct err *e)
{
	return mysql_fail_numbered(s, s->client->error_number(s->handle),
				   s->client->error(s->handle), e);
}

int mysql_fail_connect(struct mysql_db *s, struct err *e)
{
	unsigned number = s->client->error_number(s->handle);

	(void)err_set(e, ERR_MEASURE, "could not connect to target \"%s\": %s", s->source->name,
		      s->client->error(s->handle));
	switch (number) {
	case ER_ACCESS_DENIED_ERROR:
		return err_help(e, s->source->password
					   ? "look at `user` and at `password` of the target"
					   : "add `password: \"${env:NAME}\"` to the target");
	case ER_DBACCESS_DENIED_ERROR:
	case ER_BAD_DB_ERROR:
		return err_help(e, "look at `dbname`, and grant the role SELECT on it");
	case CR_CONNECTION_ERROR:
	case CR_CONN_HOST_ERROR:
	case CR_UNKNOWN_HOST:
		return err_help(e, "is the server running, and are `host`, `port` and `socket` "
				   "those it listens at?");
	case CR_SSL_CONNECTION_ERROR:
		return err_help(e, "look at the ssl_ keywords of the connection string, and at "
				   "the server's certificate");
	default:
		return -1;
	}
}
