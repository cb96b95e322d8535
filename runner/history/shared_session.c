/*
 * What changed in a transaction, as a changeset of SQLite's session extension.
 *
 * The extension of SQLite 3.40 refuses tables with generated columns, and `results` has two. New
 * rows of it are therefore noted by their id and, at the end, written into a table of the same
 * columns but those in a database in memory, which has a session of its own: applied to a table
 * with generated columns its changeset does what it should. Rows of `results` are never changed.
 *
 * The extension is not in every SQLite library: its functions are weak symbols, and where they are
 * not there a shared record cannot be written or read.
 */
#include "runner/history/shared_session.h"

#define SQLITE_ENABLE_SESSION	     /* declares them */
#define SQLITE_ENABLE_PREUPDATE_HOOK /* same */
#include <sqlite3.h>

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/history/shared.h"
#include "runner/history/shared_rows.h"
#include "runner/history/store.h"

#pragma weak sqlite3session_create
#pragma weak sqlite3session_attach
#pragma weak sqlite3session_table_filter
#pragma weak sqlite3session_changeset
#pragma weak sqlite3session_delete
#pragma weak sqlite3changeset_start
#pragma weak sqlite3changeset_next
#pragma weak sqlite3changeset_op
#pragma weak sqlite3changeset_finalize
#pragma weak sqlite3changeset_apply

#define MIRRORED "results"

struct shared_watch {
	sqlite3_session *session;
	int64_t *ids; /* new rows of MIRRORED */
	size_t n, cap;
	bool is_changed; /* a row of it: cannot be written down */
};

int shared_session_is_here(const struct record *r, struct err *e)
{
	if (sqlite3session_create != NULL && sqlite3changeset_apply != NULL)
		return 0;
	(void)err_set(e, ERR_RECORD,
		      "cannot open record \"%s\": this SQLite library (%s) is without its session "
		      "extension",
		      r->path, sqlite3_libversion());
	return err_help(e, "a shared record needs SQLite built with SQLITE_ENABLE_SESSION and "
			   "SQLITE_ENABLE_PREUPDATE_HOOK, as Debian's is");
}

static int is_watched(void *ctx, const char *table)
{
	(void)ctx;
	return strcmp(table, MIRRORED) != 0 && strcmp(table, SHARED_POSITION_TABLE) != 0;
}

static void note_row(void *ctx, int op, const char *database, const char *table, sqlite3_int64 id)
{
	struct shared_watch *w = ctx;

	if (strcmp(table, MIRRORED) != 0 || strcmp(database, "main") != 0)
		return;
	w->is_changed = w->is_changed || op != SQLITE_INSERT;
	if (w->n == w->cap) {
		w->cap = w->cap > 0 ? 2 * w->cap : 256;
		w->ids = xrealloc(w->ids, w->cap * sizeof(*w->ids));
	}
	w->ids[w->n++] = id;
}

int shared_watch_begin(struct record *r, struct err *e)
{
	struct shared_watch *w = xmalloc(sizeof(*w));

	*w = (struct shared_watch){.session = NULL};
	r->shared->watch = w;
	if (sqlite3session_create(r->db, "main", &w->session) != SQLITE_OK)
		return store_fail(r, e);
	sqlite3session_table_filter(w->session, is_watched, NULL);
	if (sqlite3session_attach(w->session, NULL) != SQLITE_OK)
		return store_fail(r, e);
	(void)sqlite3_update_hook(r->db, note_row, w); /* gives the former one: there is none */
	return 0;
}

void shared_watch_end(struct record *r)
{
	struct shared_watch *w = r->shared->watch;

	r->shared->watch = NULL;
	if (w == NULL)
		return;
	(void)sqlite3_update_hook(r->db, NULL, NULL); /* gives ours */
	if (w->session != NULL)
		sqlite3session_delete(w->session);
	free(w->ids);
	free(w);
}

/* ---- the table with generated columns ---- */

/* Its other columns, as "a", "b"; the first is its key. */
static int mirror_columns(struct record *r, struct buf *out, int *n, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT name FROM pragma_table_info('" MIRRORED "')", e);
	int rc;

	*n = 0;
	if (s == NULL)
		return -1;
	while ((rc = store_step(r, s, e)) == 1)
		(void)buf_printf(out, "%s\"%s\"",
				 (*n)++ > 0 ? ", " : "", /* unbounded: cannot fail */
				 sqlite3_column_text(s, 0));
	return rc;
}

static int copy_row(sqlite3_stmt *from, sqlite3_stmt *to, int n, int64_t id)
{
	int rc;

	(void)sqlite3_reset(from);	       /* its failure was told */
	(void)sqlite3_reset(to);	       /* same */
	(void)sqlite3_bind_int64(from, 1, id); /* the parameter exists */
	if (sqlite3_step(from) != SQLITE_ROW)
		return SQLITE_CORRUPT;
	for (int i = 0; i < n; i++)
		if ((rc = sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i))) !=
		    SQLITE_OK)
			return rc;
	rc = sqlite3_step(to);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *before, const char *columns,
			     const char *after, int *rc)
{
	sqlite3_stmt *s = NULL;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_printf(&b, "%s%s%s", before, columns, after); /* unbounded: cannot fail */
	*rc = sqlite3_prepare_v2(db, b.data, -1, &s, NULL);
	buf_release(&b);
	return s;
}

/* The rows into the table of db, which a session watches. */
static int mirror_rows(struct record *r, sqlite3 *db, const char *columns, int n)
{
	const struct shared_watch *w = r->shared->watch;
	sqlite3_stmt *from = NULL, *to;
	struct buf marks;
	int rc;

	buf_init(&marks, BUF_UNBOUNDED);
	for (int i = 0; i < n; i++)
		(void)buf_puts(&marks, i > 0 ? ", ?" : "?"); /* unbounded: cannot fail */
	to = prepare(db, "INSERT INTO " MIRRORED " VALUES (", marks.data, ")", &rc);
	if (rc == SQLITE_OK)
		from = prepare(r->db, "SELECT ", columns, " FROM " MIRRORED " WHERE id = ?1", &rc);
	for (size_t i = 0; i < w->n && rc == SQLITE_OK; i++)
		rc = copy_row(from, to, n, w->ids[i]);
	(void)sqlite3_finalize(from); /* its failure was told by the step */
	(void)sqlite3_finalize(to);   /* same */
	buf_release(&marks);
	return rc;
}

static int take_session(sqlite3_session *session, struct buf *out)
{
	void *bytes = NULL;
	int n = 0, rc = sqlite3session_changeset(session, &n, &bytes);

	if (rc == SQLITE_OK && buf_add(out, bytes, (size_t)n) != 0)
		rc = SQLITE_TOOBIG;
	sqlite3_free(bytes);
	return rc;
}

static int take_mirrored(struct record *r, struct buf *out, struct err *e)
{
	sqlite3_session *session = NULL;
	sqlite3 *db = NULL;
	struct buf columns;
	int n, rc;

	buf_init(&columns, BUF_UNBOUNDED);
	if (mirror_columns(r, &columns, &n, e) != 0) {
		buf_release(&columns);
		return -1;
	}
	rc = sqlite3_open(":memory:", &db);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_stmt *make = prepare(db, "CREATE TABLE " MIRRORED "(", columns.data,
					     ", PRIMARY KEY (id))", &rc);

		if (rc == SQLITE_OK)
			(void)sqlite3_step(make); /* told by the next line */
		rc = sqlite3_finalize(make);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3session_create(db, "main", &session);
	if (rc == SQLITE_OK)
		rc = sqlite3session_attach(session, MIRRORED);
	if (rc == SQLITE_OK)
		rc = mirror_rows(r, db, columns.data, n);
	if (rc == SQLITE_OK)
		rc = take_session(session, out);
	if (session != NULL)
		sqlite3session_delete(session);
	(void)sqlite3_close(db); /* nothing is open: cannot fail */
	buf_release(&columns);
	return rc == SQLITE_OK
		       ? 0
		       : err_set(e, ERR_RECORD, "could not write record \"%s\": its results: %s",
				 r->path, sqlite3_errstr(rc));
}

int shared_watch_take(struct record *r, struct buf *out, struct err *e)
{
	const struct shared_watch *w = r->shared->watch;
	int rc;

	if (w->is_changed)
		return err_set(e, ERR_INTERNAL, "a result of record \"%s\" was changed", r->path);
	rc = take_session(w->session, out);
	if (rc != SQLITE_OK)
		return err_set(e, ERR_RECORD, "could not write record \"%s\": what changed: %s",
			       r->path, sqlite3_errstr(rc));
	return w->n > 0 ? take_mirrored(r, out, e) : 0;
}

/* ---- applying ---- */

/* Their rows move; every other table is history, whose rows are only inserted. */
static const char *const moving[] = {"head", "states", "latest",      "locks", "told",
				     "gaps", "outbox", "checkpoints", "days"};

static bool may_move(const char *table)
{
	for (size_t i = 0; i < sizeof(moving) / sizeof(moving[0]); i++)
		if (strcmp(table, moving[i]) == 0)
			return true;
	return false;
}

/* 1 = there is no such table, which sqlite3changeset_apply() would pass over. */
static int is_unknown(struct record *r, const char *table, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1", e);
	int64_t n = 0;

	if (s == NULL)
		return -1;
	store_bind_text(s, 1, table);
	if (store_integer(r, s, &n, e) < 0)
		return -1;
	return n == 0 || strcmp(table, SHARED_POSITION_TABLE) == 0;
}

static int look_at(struct record *r, sqlite3_changeset_iter *changes, struct err *e)
{
	const char *table, *known = "";
	int n, op, indirect, rc;
	char last[64];

	while ((rc = sqlite3changeset_next(changes)) == SQLITE_ROW) {
		if (sqlite3changeset_op(changes, &table, &n, &op, &indirect) != SQLITE_OK)
			return 1;
		if (op != SQLITE_INSERT && !may_move(table))
			return 1;
		if (strcmp(table, known) == 0)
			continue;
		if ((rc = is_unknown(r, table, e)) != 0)
			return rc;
		(void)sqlite3_snprintf(sizeof(last), last, "%s", table); /* cut: asked again */
		known = last;
	}
	return rc == SQLITE_DONE ? 0 : 1;
}

static int give_up(void *ctx, int kind, sqlite3_changeset_iter *at)
{
	(void)ctx;
	(void)kind;
	(void)at;
	return SQLITE_CHANGESET_ABORT;
}

static int is_no_cache(void *ctx, const char *table)
{
	(void)ctx;
	return !shared_is_cache(table);
}

int shared_apply(struct record *r, const void *bytes, size_t n, bool has_caches, struct err *e)
{
	sqlite3_changeset_iter *changes;
	void *theirs = xmalloc(n + 1); /* SQLite reads through pointers that are not const */
	int rc;

	memcpy(theirs, bytes, n);
	rc = sqlite3changeset_start(&changes, (int)n, theirs) == SQLITE_OK ? 0 : 1;
	if (rc == 0) {
		rc = look_at(r, changes, e);
		(void)sqlite3changeset_finalize(changes); /* a failure was seen by look_at() */
	}
	if (rc == 0) {
		int code = sqlite3changeset_apply(r->db, (int)n, theirs,
						  has_caches ? NULL : is_no_cache, give_up, NULL);

		if (code == SQLITE_NOMEM)
			oom();
		rc = code == SQLITE_OK ? 0 : 1;
	}
	free(theirs);
	return rc;
}
