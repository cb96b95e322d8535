/*
 * Bringing a file up to the present version: what schema.c says, version by version, in one
 * transaction, and the ledger over what is there.
 */
#include <sqlite3.h>

#include "runner/base/err.h"
#include "runner/history/ledger.h"
#include "runner/history/store.h"

struct file_state {
	int64_t application_id, version, n_objects;
};

static int read_state(struct record *r, struct file_state *out, struct err *e)
{
	struct file_state s = {0};
	const struct {
		const char *sql;
		int64_t *to;
	} asks[] = {
		{"PRAGMA application_id", &s.application_id},
		{"PRAGMA user_version", &s.version},
		{"SELECT count(*) FROM sqlite_schema", &s.n_objects},
	};

	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		sqlite3_stmt *q = store_sql(r, asks[i].sql, e);

		if (q == NULL || store_integer(r, q, asks[i].to, e) < 0)
			return -1;
	}
	*out = s;
	return 0;
}

/* 0 = ours and usable, else the reason it is not. */
static int check_state(struct record *r, const struct file_state *s, struct err *e)
{
	bool is_ours = s->application_id == STORE_APPLICATION_ID;
	bool is_empty = s->application_id == 0 && s->version == 0 && s->n_objects == 0;

	if (!is_ours && !is_empty) {
		(void)err_set(e, ERR_RECORD,
			      "\"%s\" is a SQLite database of something else, not a record",
			      r->path);
		return err_help(e, "name another file with --record"), -1;
	}
	if (s->version > STORE_VERSION) {
		(void)err_set(e, ERR_RECORD,
			      "record \"%s\" has version %lld, this assize knows versions up to %d",
			      r->path, (long long)s->version, STORE_VERSION);
		return err_help(e, "a newer assize wrote it: use that one"), -1;
	}
	if (s->version < 0)
		return err_set(e, ERR_RECORD, "record \"%s\" has version %lld: it is damaged",
			       r->path, (long long)s->version);
	return 0;
}

int store_pattern(sqlite3 **out, struct err *e)
{
	sqlite3 *db = NULL;
	bool is_made = sqlite3_open(":memory:", &db) == SQLITE_OK;

	for (int64_t v = 0; v < STORE_VERSION && is_made; v++)
		for (const char *const *part = store_migrations[v]; *part != NULL && is_made;
		     part++)
			is_made = sqlite3_exec(db, *part, NULL, NULL, NULL) == SQLITE_OK;
	if (is_made) {
		*out = db;
		return 0;
	}
	(void)err_set(e, ERR_INTERNAL, "could not make an empty record: %s", sqlite3_errmsg(db));
	(void)sqlite3_close(db); /* nothing is open: cannot fail */
	return -1;
}

static int apply(struct record *r, int64_t from, struct err *e)
{
	char numbers[96];

	for (int64_t v = from; v < STORE_VERSION; v++)
		for (const char *const *part = store_migrations[v]; *part != NULL; part++)
			if (sqlite3_exec(r->db, *part, NULL, NULL, NULL) != SQLITE_OK)
				return store_fail(r, e);
	if (ledger_catch_up(r, from, e) != 0)
		return -1;
	(void)sqlite3_snprintf(sizeof(numbers), numbers,
			       "PRAGMA application_id = %d; PRAGMA user_version = %d",
			       STORE_APPLICATION_ID, STORE_VERSION);
	return sqlite3_exec(r->db, numbers, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_fail(r, e);
}

int store_migrate(struct record *r, struct err *e)
{
	struct file_state s;
	int rc;

	if (read_state(r, &s, e) != 0 || check_state(r, &s, e) != 0)
		return -1;
	if (s.version == STORE_VERSION)
		return 0;
	if (r->mode == RECORD_READ && s.version == 0) {
		(void)err_set(e, ERR_RECORD, "there is no record yet: \"%s\" is empty", r->path);
		return err_help(e, "assize run makes one"), -1;
	}
	if (r->mode == RECORD_READ) {
		(void)err_set(e, ERR_RECORD, "record \"%s\" has version %lld, older than %d",
			      r->path, (long long)s.version, STORE_VERSION);
		return err_help(e, "assize run brings it up to date"), -1;
	}
	/* Another process may be doing the same: look again once the file is ours. */
	if (sqlite3_exec(r->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(r, e);
	rc = read_state(r, &s, e);
	if (rc == 0)
		rc = check_state(r, &s, e);
	if (rc == 0)
		rc = apply(r, s.version, e);
	if (rc == 0 && sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		rc = store_fail(r, e);
	if (rc != 0)
		(void)sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL); /* the cause is told */
	return rc;
}
