/*
 * db_postgres_error: what the server or libpq said, as messages that say what to do.
 *
 * A statement that failed leaves the session usable; a connection that failed does not. Whatever is
 * shown has the password taken out, though neither server nor libpq is known to repeat it.
 *
 * Source: PostgreSQL manual, appendix A (SQLSTATE), 55.8 (error fields).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/db_postgres.h"

#define MAX_MESSAGE_BYTES 800

/* text, at most n bytes of it, without the password. */
static void add_clean(struct buf *out, const struct postgres_db *s, const char *text, size_t n)
{
	const char *secret = s->source->password;
	size_t length = secret ? strlen(secret) : 0;

	while (n > 0) {
		if (length > 0 && n >= length && strncmp(text, secret, length) == 0) {
			/* Cut at the ceiling: a message, not data. */
			(void)buf_puts(out, "***");
			text += length;
			n -= length;
			continue;
		}
		(void)buf_putc(out, *text++);
		n--;
	}
}

int postgres_fail_late(struct postgres_db *s, struct err *e)
{
	char allowed[NUM_REAL_MAX];

	(void)num_format_duration(s->deadline_ms - s->started_ms, allowed);
	return err_set(e, ERR_MEASURE, "could not finish the query: it took longer than %s",
		       allowed);
}

/* ---- statements ---- */

/* The last name of the first quoted or bare one: relation "a.b", column o.total. */
static void note_absence(struct postgres_db *s, enum db_absence absence, const char *message)
{
	const char *name = strchr(message, '"');
	size_t n;

	if (name) {
		name++;
		n = strcspn(name, "\"");
	} else {
		name = strchr(message, ' ');
		if (!name)
			return;
		name++;
		n = strcspn(name, " ");
	}
	for (size_t i = n; i > 0; i--) {
		if (name[i - 1] != '.')
			continue;
		name += i;
		n -= i;
		break;
	}
	s->db.absence = absence;
	/* Cut at its size: for a hint only. */
	(void)snprintf(s->db.missing, sizeof(s->db.missing), "%.*s", (int)n, name);
}

static void help_statement(struct postgres_db *s, const char *state, const char *message,
			   struct err *e)
{
	const char *relation = strstr(message, " for table ");

	if (strcmp(state, "42P01") == 0)
		note_absence(s, DB_ABSENT_TABLE, message);
	else if (strcmp(state, "42703") == 0)
		note_absence(s, DB_ABSENT_COLUMN, message);
	else if (strcmp(state, "42501") == 0 && strstr(message, "row-level security"))
		(void)err_help(
			e,
			"a policy would hide rows: ALTER ROLE \"%s\" BYPASSRLS, or read a view "
			"whose owner sees all rows",
			s->pq->PQuser(s->conn));
	else if (strcmp(state, "42501") == 0 && relation)
		(void)err_help(e, "GRANT SELECT ON %s TO \"%s\"", relation + strlen(" for table "),
			       s->pq->PQuser(s->conn));
	else if (strcmp(state, "42501") == 0)
		(void)err_help(e, "grant role \"%s\" what it needs to read this",
			       s->pq->PQuser(s->conn));
	else if (strcmp(state, "25006") == 0)
		(void)err_help(e, "an audit only reads: SELECT, VALUES, WITH ... SELECT");
	else if (strcmp(state, "42883") == 0 && strstr(message, "operator"))
		(void)err_help(e, "compare values of one type, or cast one of them: x::text");
	else if (strcmp(state, "42883") == 0)
		(void)err_help(e, "PostgreSQL looks for a function by its name and the types of "
				  "its arguments");
	else if (strcmp(state, "55P03") == 0)
		(void)err_help(e, "find who holds the lock in pg_locks, or raise the timeout");
}

/* The session is gone or about to go: administrators, crashes, transport, idle timeouts. */
static bool ends_session(const char *state)
{
	return str_starts(state, "57P0") || str_starts(state, "08") || strcmp(state, "25P03") == 0;
}

int postgres_fail(struct postgres_db *s, const PGresult *r, struct err *e)
{
	const char *state = s->pq->PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *message = s->pq->PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	struct buf b;

	if (!state || !message) {
		/* libpq's own: the connection went away while it was reading. */
		state = "08006";
		message = s->pq->PQresultErrorMessage(r);
	}
	if (strcmp(state, "08P01") == 0 && str_starts(message, "bind message supplies ")) {
		(void)err_set(e, ERR_MEASURE, "cannot run the query: $1 has no value");
		return err_help(e, "nothing fills parameters in: write the value");
	}
	if (strcmp(state, "57014") == 0 && (s->is_late || postgres_is_past(s)))
		return postgres_fail_late(s, e);
	if (ends_session(state))
		s->db.is_broken = true;
	buf_init(&b, MAX_MESSAGE_BYTES);
	add_clean(&b, s, message, strcspn(message, "\n"));
	(void)err_set(e, ERR_MEASURE, "%s: %s",
		      s->db.is_broken ? "lost the connection" : "could not run the query", b.data);
	if (e && !s->db.is_broken)
		help_statement(s, state, b.data, e);
	else
		help_statement(s, state, b.data, NULL);
	buf_release(&b);
	return -1;
}

/* ---- connections ---- */

/* What the server adds to its error; libpq's words about a connection are English, its own not. */
static bool is_addition(const char *line)
{
	return *line == '\t' || str_starts(line, "DETAIL:") || str_starts(line, "HINT:") ||
	       str_starts(line, "CONTEXT:");
}

/*
 * With several addresses, the error of the last one tried; else the last line that is more than an
 * addition to one.
 */
static void add_cause(struct buf *out, const struct postgres_db *s, const char *text)
{
	const char *last = text;
	bool is_address = false;

	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");
		bool begins = str_starts(line, "connection to server ");

		if (begins || (length > 0 && !is_address && !is_addition(line)))
			last = line;
		is_address = is_address || begins;
		line += length + (line[length] == '\n');
	}
	add_clean(out, s, last, strcspn(last, "\n"));
}

/* The server's words are not always English; then there is no help, but still its words. */
static void help_connection(const struct postgres_db *s, const char *message, struct err *e)
{
	static const struct {
		const char *words, *help;
	} rows[] = {
		{"password authentication failed", "look at password: of the target"},
		{"no password supplied", "add password: \"${env:NAME}\" to the target"},
		{"Connection refused", "is the server running there, and does it listen on that "
				       "address and port?"},
		{"No such file or directory",
		 "is the server running, and is its socket in that directory?"},
		{"could not translate host name", "look at host= of the target"},
		{"no pg_hba.conf entry", "let the role in: a line in the server's pg_hba.conf"},
		{"too many clients", "lower max_connections of the target"},
		{"too many connections", "lower max_connections of the target"},
		{"remaining connection slots", "lower max_connections of the target"},
		{"starting up", "try again when the server has started"},
		{"shutting down", "try again when the server has started"},
		{"SSL", "look at sslmode and sslrootcert of the target"},
		{"invalid command-line argument",
		 "in options a blank that belongs to a value is written \"\\\\ \""},
		{"certificate", "look at sslmode and sslrootcert of the target"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!strstr(message, rows[i].words))
			continue;
		(void)err_help(e, "%s", rows[i].help);
		return;
	}
	if (strstr(message, "database \"") && strstr(message, "does not exist"))
		(void)err_help(e, "look at dbname= of the target; without it the database is "
				  "called like the user");
	else if (strstr(message, "role \"") && strstr(message, "does not exist"))
		(void)err_help(e, "CREATE ROLE \"%s\" LOGIN, and grant it what it is to read",
			       s->pq->PQuser(s->conn));
}

int postgres_fail_connection(struct postgres_db *s, struct err *e)
{
	struct buf b;

	s->db.is_broken = true;
	buf_init(&b, MAX_MESSAGE_BYTES);
	if (s->is_late)
		(void)buf_printf(&b, "no answer from \"%s\", port %s, within the timeout",
				 s->pq->PQhost(s->conn), s->pq->PQport(s->conn));
	else
		add_cause(&b, s, s->pq->PQerrorMessage(s->conn));
	(void)err_set(e, ERR_MEASURE, "%s: %s",
		      s->is_open ? "lost the connection" : "could not connect to the server",
		      b.data);
	if (e)
		help_connection(s, b.data, e);
	buf_release(&b);
	return -1;
}
