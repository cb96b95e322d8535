/*
 * db_odbc_error: SQLSTATEs as messages. The rest is in the driver's words.
 *
 * Some drivers say HY000 for everything, so that what does not exist is also looked for in words.
 */
#include <stdio.h>
#include <string.h>

#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/db_odbc.h"

#define MAX_MESSAGE_UNITS 512

int odbc_fail_late(struct odbc_db *s, struct err *e)
{
	char allowed[NUM_REAL_MAX];

	num_format_duration(s->deadline_ms - s->started_ms, allowed);
	return err_set(e, ERR_MEASURE, "could not finish the query: it took longer than %s",
		       allowed);
}

/* What does not exist, when the words of the driver say it. */
static void note_absence(struct odbc_db *s, const char *state, const char *message)
{
	static const struct {
		const char *state, *words, *end; /* the name is between words and end */
		enum db_absence absence;
	} rows[] = {
		{"42S02", "no such table: ", " (", DB_ABSENT_TABLE},
		{"42S22", "no such column: ", " (", DB_ABSENT_COLUMN},
		{"42P01", "relation \"", "\" does not exist", DB_ABSENT_TABLE},
		{"42703", "column \"", "\" does not exist", DB_ABSENT_COLUMN},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *at = strstr(message, rows[i].words);
		const char *name = at ? at + strlen(rows[i].words) : "";
		const char *end = strstr(name, rows[i].end);

		if (!end && strcmp(state, rows[i].state) != 0)
			continue;
		s->db.absence = rows[i].absence;
		/* Cut at its size: for a hint only. */
		(void)snprintf(s->db.missing, sizeof(s->db.missing), "%.*s",
			       end ? (int)(end - name) : 0, name);
	}
}

/* One line: drivers end their messages with line feeds, and put some in between. */
static void flatten(struct buf *words)
{
	size_t n = 0;

	for (size_t i = 0; i < words->len; i++) {
		bool is_blank = strchr(" \t\r\n", words->data[i]) != NULL;

		if (is_blank && (n == 0 || words->data[n - 1] == ' '))
			continue;
		words->data[n++] = is_blank ? ' ' : words->data[i];
	}
	if (n > 0 && words->data[n - 1] == ' ')
		n--;
	words->data[n] = '\0';
	words->len = n;
}

int odbc_fail(struct odbc_db *s, SQLSMALLINT type, SQLHANDLE handle, struct err *e)
{
	SQLWCHAR state[6] = {0}, message[MAX_MESSAGE_UNITS] = {0};
	SQLINTEGER number = 0;
	SQLSMALLINT len = 0;
	struct buf words, code;
	bool is_said = SQL_SUCCEEDED(s->client->diagnosis(type, handle, 1, state, &number, message,
							  MAX_MESSAGE_UNITS, &len));

	buf_init(&words, sizeof(s->db.missing) * 16);
	buf_init(&code, sizeof(state));
	odbc_narrow(&code, state, is_said ? 5 : 0);
	odbc_narrow(&words, message, len < MAX_MESSAGE_UNITS ? (size_t)len : MAX_MESSAGE_UNITS - 1);
	flatten(&words);
	if (str_starts(code.data, "08") && s->is_connected)
		s->db.is_broken = true;
	if (!is_said)
		(void)err_set(e, ERR_MEASURE,
			      "could not run the query: the driver does not say why");
	else if (type == SQL_HANDLE_DBC && !s->is_connected)
		(void)err_set(e, ERR_MEASURE, "could not connect to target \"%s\": %s",
			      s->source->name, words.data);
	else
		(void)err_set(e, ERR_MEASURE, "could not run the query: %s", words.data);
	note_absence(s, code.data, words.data);
	if (strcmp(code.data, "IM002") == 0)
		(void)err_help(e, "look at DSN or DRIVER, and at what `odbcinst -j` says about the "
				  "files they are in");
	buf_release(&words);
	buf_release(&code);
	return -1;
}
