/*
 * db_mysql_watch: how a statement of MySQL's or MariaDB's is ended from outside.
 *
 * KILL QUERY needs a connection of its own, and no privilege against a session of the same role.
 * Some functions do not look up while they compute; then the socket is shut.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "runner/io/db_mysql.h"

#define KILL_TIMEOUT_MS 2000

bool mysql_stop(void *ctx)
{
	struct mysql_db *s = ctx;
	char sql[48];
	bool is_done = false;
	MYSQL *other = mysql_dial(s, KILL_TIMEOUT_MS, &is_done);

	/* Fits: the number has at most 20 digits. */
	(void)snprintf(sql, sizeof(sql), "KILL QUERY %lu", s->id);
	if (is_done)
		is_done = s->client->real_query(other, sql, strlen(sql)) == 0;
	s->client->close(other);
	return is_done;
}

void mysql_cut(void *ctx)
{
	struct mysql_db *s = ctx;

	/* Already gone is as good. */
	(void)shutdown(s->socket, SHUT_RDWR);
}
