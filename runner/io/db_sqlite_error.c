/*
 * db_sqlite_error: SQLite's result codes as messages that say what to do.
 *
 * Each way not to read a database has words of its own: locked, late, refused, damaged, encrypted,
 * interrupted, in WAL mode without its shared memory.
 */
#include <stdio.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/db_sqlite.h"

int sqlite_fail_wal(const char *location, struct err *e)
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
		return sqlite_fail_wal(s->location, e);
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

/* A value that was read or made on the way; also a statement that is too long. */
static int fail_too_big(struct sqlite_db *s, struct err *e)
{
	if (strstr(sqlite3_errmsg(s->handle), "statement"))
		return fail_statement(s, e);
	return db_fail_long_row(e);
}

int sqlite_fail(struct sqlite_db *s, struct err *e)
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
	case SQLITE_TOOBIG:
		return fail_too_big(s, e);
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
