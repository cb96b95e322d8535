/*
 * A shared record is verified from what the server holds: its first base and every change after it,
 * replayed in a file of its own, which is then verified as any record is. Nobody's cache is
 * believed; this machine's is held against the result, row by row, and so is the newest base, from
 * which others begin.
 *
 * Where a newer version of the tables was made a base takes the place of what was replayed: its
 * tree must be that of before, grown.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/ledger_parts.h"
#include "runner/history/shared.h"
#include "runner/history/store.h"

#define MAX_FINDINGS 4

struct replay {
	struct record *r;	 /* whose handle the verification was asked of */
	struct record *replayed; /* a file of its own */
	struct shared_work work;
	struct arena *arena;
	struct ledger_finding findings[MAX_FINDINGS];
	size_t n;
};

static void find(struct replay *x, const char *text, const char *help)
{
	if (x->n < MAX_FINDINGS)
		x->findings[x->n++] = (struct ledger_finding){LEDGER_BROKEN, text, help};
}

/* ---- are two records the same? ---- */

static bool is_same_value(sqlite3_stmt *a, sqlite3_stmt *b, int at)
{
	int type = sqlite3_column_type(a, at), n;
	double x, y;

	if (type != sqlite3_column_type(b, at))
		return false;
	switch (type) {
	case SQLITE_NULL:
		return true;
	case SQLITE_INTEGER:
		return sqlite3_column_int64(a, at) == sqlite3_column_int64(b, at);
	case SQLITE_FLOAT:
		x = sqlite3_column_double(a, at);
		y = sqlite3_column_double(b, at);
		return memcmp(&x, &y, sizeof(x)) == 0;
	default:
		n = sqlite3_column_bytes(a, at);
		return n == sqlite3_column_bytes(b, at) &&
		       (n == 0 || memcmp(sqlite3_column_blob(a, at), sqlite3_column_blob(b, at),
					 (size_t)n) == 0);
	}
}

static bool is_same_row(sqlite3_stmt *a, sqlite3_stmt *b)
{
	int n = sqlite3_column_count(a);

	if (n != sqlite3_column_count(b))
		return false;
	for (int i = 0; i < n; i++)
		if (!is_same_value(a, b, i))
			return false;
	return true;
}

/* Do both give the same rows? Neither can be read: no. */
static bool is_same_answer(sqlite3 *a, sqlite3 *b, const char *sql)
{
	sqlite3_stmt *x = NULL, *y = NULL;
	int rc = SQLITE_ERROR, other = SQLITE_DONE;

	if (sqlite3_prepare_v2(a, sql, -1, &x, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(b, sql, -1, &y, NULL) == SQLITE_OK)
		do {
			rc = sqlite3_step(x);
			other = sqlite3_step(y);
		} while (rc == SQLITE_ROW && other == SQLITE_ROW && is_same_row(x, y));
	(void)sqlite3_finalize(x); /* its failure is in rc */
	(void)sqlite3_finalize(y); /* same */
	return rc == SQLITE_DONE && other == SQLITE_DONE;
}

/* The table in which they differ, or "schema"; NULL = in none. */
static const char *difference(struct arena *a, sqlite3 *x, sqlite3 *y)
{
	static const char schema[] = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE "
				     "name <> '" SHARED_POSITION_TABLE "' ORDER BY type, name";
	sqlite3_stmt *s = NULL;
	const char *table = NULL;
	int rc = SQLITE_ROW;

	if (!is_same_answer(x, y, schema))
		return "schema";
	if (sqlite3_prepare_v2(x,
			       "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> "
			       "'" SHARED_POSITION_TABLE "' ORDER BY name",
			       -1, &s, NULL) != SQLITE_OK)
		return "schema";
	while (table == NULL && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		const char *name = arena_strdup(a, (const char *)sqlite3_column_text(s, 0));

		/* By key: the schemas are those of a record, where a key comes first. */
		if (!is_same_answer(x, y,
				    arena_printf(a, "SELECT * FROM \"%s\" NOT INDEXED", name)))
			table = name;
	}
	(void)sqlite3_finalize(s); /* its failure is in rc */
	return table != NULL ? table : rc == SQLITE_DONE ? NULL : "schema";
}

/* ---- replaying ---- */

static struct record *new_file(struct replay *x, const char *name, struct err *e)
{
	const char *file = arena_printf(x->work.arena, "%s/%s", x->work.scratch.path, name);
	struct record *r;
	int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		(void)close(fd); /* nothing was written; SQLite says what is wrong with it */
	return shared_open_file(x->r->path, file, &r, e) == 0 ? r : NULL;
}

/* The base after what was replayed, made by a newer version, in its place. */
static int replace(struct replay *x, const struct shared_position *at, struct err *e)
{
	struct merkle_hash before, after;
	uint64_t size;
	int rc;

	if (store_read_head(x->replayed, e) != 0)
		return -1;
	size = x->replayed->tree.size;
	merkle_root(&x->replayed->tree, &before);
	rc = shared_fetch_base(x->replayed, x->r->shared, at->number + 1, e);
	if (rc != 0)
		return rc;
	if (ledger_root_at(x->replayed, size, &after, e) != 0)
		return -1;
	if (memcmp(&before, &after, sizeof(after)) != 0)
		find(x,
		     arena_printf(x->arena,
				  "base %" PRId64 " does not begin with the %" PRIu64
				  " records of before",
				  at->number + 1, size),
		     NULL);
	return 0;
}

/* SHARED_DOUBT: e says what stopped it. */
static int replay_to(struct replay *x, int64_t number, struct err *e)
{
	struct shared_position at;
	int rc;

	do {
		if (shared_read_position(x->replayed, &at, e) != 0)
			return -1;
		rc = at.number == 0 ? shared_fetch_base(x->replayed, x->r->shared, 1, e)
				    : shared_follow(x->replayed, x->r->shared, number, e);
		if (rc == SHARED_NEEDS_BASE && shared_read_position(x->replayed, &at, e) != 0)
			return -1;
		if (rc == SHARED_NEEDS_BASE)
			rc = replace(x, &at, e);
		if (rc != 0)
			return rc;
		if (shared_read_position(x->replayed, &at, e) != 0)
			return -1;
	} while (at.number < number);
	return 0;
}

/* The newest base against what was replayed up to it. */
static int check_base(struct replay *x, int64_t number, struct err *e)
{
	struct record *base;
	const char *table;
	int rc;

	if (number <= 1)
		return 0;
	rc = replay_to(x, number, e);
	if (rc != 0)
		return rc;
	base = new_file(x, "newest.db", e);
	if (base == NULL)
		return -1;
	rc = shared_fetch_base(base, x->r->shared, number, e);
	table = rc == 0 ? difference(x->arena, x->replayed->db, base->db) : NULL;
	if (table != NULL)
		find(x,
		     arena_printf(x->arena,
				  "base %" PRId64 " is not what the changes before it give (%s)",
				  number, table),
		     "runners that begin with it see something else than those that do not");
	record_close(base);
	return rc;
}

/* This machine's copy, as it was at a position up to which was replayed. */
static int check_copy(struct replay *x, struct record *copy, struct err *e)
{
	struct shared_position at;
	const char *table;
	int rc;

	if (shared_read_position(copy, &at, e) != 0)
		return -1;
	rc = replay_to(x, at.number, e);
	if (rc != 0)
		return rc;
	table = difference(x->arena, x->replayed->db, copy->db);
	if (table == NULL)
		return 0;
	find(x,
	     arena_printf(
		     x->arena,
		     "this machine's copy is not what the server holds: somebody changed it (%s)",
		     table),
	     "it is thrown away; what was decided here meanwhile may rest on it");
	x->r->shared->is_damaged = true;
	return 0;
}

static int check_behind(struct replay *x, struct err *e)
{
	int64_t first;

	if (shared_find_behind(x->r->shared, &first, e) != 0)
		return -1;
	if (first > 0)
		find(x,
		     arena_printf(x->arena,
				  "the server has change %" PRId64 " behind the record's head",
				  first),
		     "nobody can write any more: delete what assize_record_change and "
		     "assize_record_base have behind the number in assize_record, or restore that");
	return 0;
}

static int replay_all(struct replay *x, struct err *e)
{
	struct shared *s = x->r->shared;
	struct record *copy;
	int rc;

	s->fresh_ms = -1;
	if (shared_refresh(x->r, e) != 0 || check_behind(x, e) != 0)
		return -1;
	copy = new_file(x, "copy.db", e);
	if (copy == NULL)
		return -1;
	x->replayed = new_file(x, "replayed.db", e);
	rc = x->replayed == NULL ? -1 : shared_copy_pages(x->r, copy->db, x->r->db, e);
	if (rc == 0)
		rc = check_base(x, s->head.base, e);
	if (rc == 0)
		rc = check_copy(x, copy, e);
	record_close(copy);
	return rc;
}

/* ---- the verification ---- */

/* Before those of the file, which are less grave or as grave. */
static void add_findings(const struct replay *x, struct ledger_verification *v)
{
	struct ledger_finding *all = arena_array(x->arena, v->n_findings + x->n, sizeof(*all));

	memcpy(all, x->findings, x->n * sizeof(*all));
	if (v->n_findings > 0)
		memcpy(all + x->n, v->findings, v->n_findings * sizeof(*all));
	v->findings = all;
	v->n_findings += x->n;
	v->n_broken += x->n;
}

static int verify_replayed(struct replay *x, const struct ledger_trust *trust,
			   struct ledger_verification *v, struct err *e)
{
	struct shared_position at;

	if (shared_read_position(x->replayed, &at, e) != 0)
		return -1;
	if (at.number > 0 && sqlite3_exec(x->replayed->db, "DROP TABLE " SHARED_POSITION_TABLE,
					  NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(x->replayed, e);
	if (at.number > 0 && ledger_verify(x->replayed, x->arena, trust, v, e) != 0)
		return -1;
	v->n_changes = at.number;
	return 0;
}

int shared_verify(struct record *r, struct arena *a, const struct ledger_trust *trust,
		  struct ledger_verification *out, struct err *e)
{
	struct replay x = {.r = r, .arena = a};
	struct ledger_verification v = {.n_changes = 0};
	struct err why = {0};
	int rc;

	if (shared_begin_work(r->shared, &x.work, e) != 0)
		return -1;
	rc = replay_all(&x, &why);
	if (rc == SHARED_DOUBT) {
		find(&x, arena_strdup(a, why.message), NULL);
		rc = 0;
	} else if (rc != 0 && e != NULL) {
		*e = why;
	}
	if (rc == 0)
		rc = verify_replayed(&x, trust, &v, e);
	record_close(x.replayed);
	shared_end_work(&x.work);
	if (rc != 0)
		return -1;
	add_findings(&x, &v);
	*out = v;
	return 0;
}
