/*
 * db_sqlite_guard: what makes a session on an SQLite database read-only.
 *
 * No switch of SQLite's is read-only by itself. Opening READONLY still allows VACUUM INTO and
 * temporary tables; query_only can be turned off by a PRAGMA; sqlite3_stmt_readonly() says yes to
 * ATTACH; immutable=1 misses what is in the write-ahead log. So all of these hold at once:
 *
 * - READONLY: the file descriptor cannot write.
 * - An authorizer with an allow-list: SELECT, READ, RECURSIVE, FUNCTION except a few, and PRAGMAs
 * that only read. Everything else is refused while preparing, by name.
 * - LIMIT_ATTACHED 0: no second database.
 * - DEFENSIVE, query_only, TRUSTED_SCHEMA off, no triggers, no extensions.
 * - DQS off: "nosuch" is a missing column, never the text 'nosuch'.
 * - One statement, which SQLite itself calls read-only and which gives columns (db_sqlite.c).
 *
 * TRUSTED_SCHEMA is turned on again for a database whose views or generated columns need it: SQLite
 * 3.40 does not mark its JSON functions as harmless, and such a database could not even be opened.
 * What could do harm from a schema is DIRECTONLY there, refused by the authorizer, or not loaded.
 *
 * What remains: sorting spills into unlinked temporary files, and reading a database in WAL mode
 * creates its -shm and an empty -wal when no other program has it open, as any SQLite reader does.
 * Where that could lock the owner out or is impossible, db_sqlite_file.c refuses and says what to
 * do. immutable=1 is never used. R-tree tables cannot be queried: their constructor prepares
 * INSERTs.
 *
 * Sources: https://sqlite.org/security.html, walformat.html, c3ref/set_authorizer.html.
 */
#include <stdio.h>
#include <string.h>

#include "runner/base/str.h"
#include "runner/io/db_sqlite.h"

#define MAX_SQL_BYTES (4 * 1024 * 1024)

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
		if (is_allowed_pragma(first, second) ||
		    (s->is_own && !second && strcmp(first, "journal_mode") == 0))
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
	case SQLITE_TRANSACTION:
	case SQLITE_INSERT:
	case SQLITE_DELETE:
		/* Prepared by the constructor of a virtual table, never run: READONLY holds. A
		 * transaction is db_sqlite_snapshot.c's. */
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

int sqlite_protect(struct sqlite_db *s)
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
	(void)sqlite3_limit(s->handle, SQLITE_LIMIT_LENGTH, DB_MAX_ROW_BYTES);
	s->db.max_columns = (size_t)sqlite3_limit(s->handle, SQLITE_LIMIT_COLUMN, -1);
	if (sqlite3_exec(s->handle, "PRAGMA query_only = 1", NULL, NULL, NULL) != SQLITE_OK)
		return -1;
	return sqlite3_set_authorizer(s->handle, authorize, s) == SQLITE_OK ? 0 : -1;
}
