/*
 * Taking in what other runners wrote: one change after the other, each held against what the server
 * says of it and against what this copy has.
 *
 * In the world as it should be the copy is behind the head, or at it. Everything else is told
 * apart: a log that ends before the copy, or has something else where the copy is (never repaired
 * here: the copy knows what was recorded), and changes that do not fit (the copy may be at fault,
 * so it is made anew, once).
 */
#include "runner/history/shared.h"

#include <inttypes.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/history/shared_rows.h"
#include "runner/history/shared_session.h"
#include "runner/history/store.h"
#include "runner/io/deflate.h"

#define ATTEMPTS	 8
#define MAX_CHANGE_BYTES (1024u * 1024 * 1024)

/* ---- positions ---- */

void shared_digest(const struct shared_change *c, const unsigned char before[static SHA256_BYTES],
		   unsigned char out[static SHA256_BYTES])
{
	static const char what[] = "assize/shared/1";
	const int64_t numbers[] = {c->number, c->kind, c->version, c->size};
	struct sha256 h;

	sha256_init(&h);
	sha256_add(&h, what, sizeof(what));
	sha256_add(&h, before, SHA256_BYTES);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		unsigned char bytes[8];

		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (unsigned char)((uint64_t)numbers[i] >> (56 - 8 * k));
		sha256_add(&h, bytes, sizeof(bytes));
	}
	sha256_add(&h, c->root, SHA256_BYTES);
	if (c->n > 0)
		sha256_add(&h, c->body, c->n);
	sha256_final(&h, out);
}

int shared_read_position(struct record *r, struct shared_position *out, struct err *e)
{
	struct shared_position p = {0};
	sqlite3_stmt *s = store_sql(
		r, "SELECT count(*) FROM sqlite_schema WHERE name = '" SHARED_POSITION_TABLE "'",
		e);
	int64_t is_there = 0;
	int rc;

	if (s == NULL || store_integer(r, s, &is_there, e) < 0)
		return -1;
	if (is_there != 0) {
		s = store_sql(r, "SELECT number, digest FROM " SHARED_POSITION_TABLE, e);
		if (s == NULL || (rc = store_step(r, s, e)) < 0)
			return -1;
		if (rc == 1) {
			p.number = sqlite3_column_int64(s, 0);
			store_digest(s, 1, p.digest, sizeof(p.digest));
			(void)sqlite3_reset(s); /* after a row: nothing to tell */
		}
	}
	*out = p;
	return 0;
}

int shared_write_position(struct record *r, const struct shared_position *p, struct err *e)
{
	sqlite3_stmt *s =
		store_sql(r, "UPDATE " SHARED_POSITION_TABLE " SET number = ?1, digest = ?2", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, p->number);
	store_bind_digest(s, 2, p->digest, sizeof(p->digest));
	return store_run(r, s, e);
}

/* ---- what cannot be followed ---- */

static int is_behind(const struct shared *s, int64_t have, int64_t newest, struct err *e)
{
	(void)err_set(e, ERR_RECORD,
		      "cannot trust record \"%s\": the server has changes up to %" PRId64
		      ", this machine has seen %" PRId64 " of them",
		      s->url.shown, newest, have);
	return err_help(e,
			"an older backup was put there, or something deleted, or a standby that is "
			"behind has answered; what was recorded is in \"%s\". To go on with what "
			"the server has, remove that directory",
			s->dir);
}

int shared_is_another(const struct shared *s, int64_t number, struct err *e)
{
	(void)err_set(e, ERR_RECORD,
		      "cannot trust record \"%s\": change %" PRId64
		      " on the server is not the one this machine has seen",
		      s->url.shown, number);
	return err_help(e,
			"history was rewritten, or it is another record; what was recorded is in "
			"\"%s\". To go on with what the server has, remove that directory",
			s->dir);
}

static int is_doubtful(const struct shared *s, int64_t number, const char *why, struct err *e)
{
	(void)err_set(e, ERR_RECORD, "cannot trust record \"%s\": change %" PRId64 " %s",
		      s->url.shown, number, why);
	(void)err_help(e, "restore the server's tables from a backup; assize ledger verify says "
			  "what else is"); /* SHARED_DOUBT below */
	return SHARED_DOUBT;
}

/* ---- following ---- */

struct following {
	struct record *r;
	struct shared *s;
	struct shared_position at;
	bool has_begun; /* the change the copy is at was seen */
	int rc;		/* SHARED_..., of a change that was not taken */
};

/* The rows of one change, and its leaves. */
struct taken {
	struct record *r;
	const struct shared_change *c;
	struct buf rows;
	struct shared_leaves leaves;
	int64_t from;  /* number of the first leaf */
	bool is_whole; /* the leaves are what the head says */
	bool is_so;    /* and the rows what the leaves say */
};

/* Hashes the leaves, computes the caches, and holds every row against them. */
static int take_leaves(struct taken *x, struct err *e)
{
	struct record *r = x->r;

	if (ledger_follow(r, shared_leaves_take, &x->leaves, &x->is_whole, e) != 0 ||
	    shared_leaves_end(&x->leaves, x->from, e) != 0)
		return -1;
	return shared_rows_agree(&x->leaves, x->rows.data, x->rows.len, x->from, r->next_seq,
				 &x->is_so, e);
}

/*
 * What an older version wrote before a newer one made its base is hashed there: leaves are read
 * from the columns of this version.
 */
static int apply_rows(struct taken *x, struct arena *a, struct err *e)
{
	bool is_current = x->c->version == STORE_VERSION;
	struct record *r = x->r;
	int rc;

	if (store_read_head(r, e) != 0)
		return -1;
	x->from = r->next_seq;
	if (is_current && shared_leaves_begin(&x->leaves, r, a, e) != 0)
		return -1;
	rc = shared_apply(r, x->rows.data, x->rows.len, !is_current, e);
	if (rc != 0)
		return rc;
	x->is_whole = x->is_so = true;
	return is_current ? take_leaves(x, e) : store_read_head(r, e);
}

/* The rows of one change, and whether they are what the server says they are. */
static int take_rows(struct following *f, const struct shared_change *c, struct err *e)
{
	struct record *r = f->r;
	struct taken x = {.r = r, .c = c};
	struct merkle_hash root;
	struct arena *a;
	int rc;

	buf_init(&x.rows, MAX_CHANGE_BYTES);
	a = arena_new();
	rc = deflate_unpack(c->body, c->n, &x.rows) == 0 ? apply_rows(&x, a, e) : 1;
	buf_release(&x.rows);
	arena_free(a);
	if (rc == 1)
		return is_doubtful(f->s, c->number, "does not fit what was recorded before it", e);
	if (rc != 0)
		return SHARED_DOUBT;
	merkle_root(&r->tree, &root);
	if (!x.is_whole || r->next_seq != c->size || memcmp(root.bytes, c->root, SHA256_BYTES) != 0)
		return is_doubtful(f->s, c->number, "does not hold the records it is said to", e);
	return x.is_so ? 0
		       : is_doubtful(f->s, c->number,
				     "has rows that do not follow from the records it holds", e);
}

static int read_version(struct following *f, int64_t *out, struct err *e)
{
	sqlite3_stmt *s = store_sql(f->r, "PRAGMA user_version", e);

	*out = -1;
	return s == NULL || store_integer(f->r, s, out, e) < 0 ? -1 : 0;
}

/* Only a newer version makes a base that takes the place of what was there. */
static int check_made(struct following *f, const struct shared_change *c, struct err *e)
{
	int64_t version;

	if (read_version(f, &version, e) != 0)
		return -1;
	return c->version > version
		       ? SHARED_NEEDS_BASE
		       : is_doubtful(f->s, c->number,
				     "is a base in the place of what was recorded, and of no newer "
				     "version",
				     e);
}

/* A base comes before the first change of a newer version, and nothing goes back to an older. */
static int check_version(struct following *f, const struct shared_change *c, struct err *e)
{
	int64_t version;

	if (read_version(f, &version, e) != 0)
		return -1;
	return version == c->version
		       ? 0
		       : is_doubtful(f->s, c->number, "is of another version than the record", e);
}

static int take_next(struct following *f, const struct shared_change *c, struct err *e)
{
	unsigned char digest[SHA256_BYTES];
	int rc;

	if (c->number != f->at.number + 1)
		return is_doubtful(f->s, f->at.number + 1, "is gone", e);
	shared_digest(c, f->at.digest, digest);
	if (memcmp(digest, c->digest, sizeof(digest)) != 0)
		return is_doubtful(f->s, c->number, "is not as it was recorded", e);
	if (c->kind == SHARED_MADE)
		return check_made(f, c, e);
	rc = check_version(f, c, e);
	return rc == 0 && c->kind == SHARED_CHANGE ? take_rows(f, c, e) : rc;
}

/* By a copy that is no more. */
static bool is_as_seen(const struct shared *s, const struct shared_change *c)
{
	return c->number != s->seen.number || memcmp(c->digest, s->seen.digest, SHA256_BYTES) == 0;
}

static int take_change(void *ctx, const struct shared_change *c, struct err *e)
{
	struct following *f = ctx;

	if (!f->has_begun) {
		f->has_begun = true;
		if (c->number == f->at.number && memcmp(c->digest, f->at.digest, SHA256_BYTES) == 0)
			return 0;
		f->rc = -1;
		return shared_is_another(f->s, f->at.number, e);
	}
	f->rc = take_next(f, c, e);
	if (f->rc == 0 && !is_as_seen(f->s, c))
		f->rc = shared_is_another(f->s, c->number, e);
	if (f->rc != 0)
		return f->rc < 0 ? -1 : 1;
	f->at.number = c->number;
	memcpy(f->at.digest, c->digest, SHA256_BYTES);
	return 0;
}

static int follow_locked(struct following *f, int64_t to, struct err *e)
{
	const struct shared_log_driver *d = f->s->log->driver;

	if (shared_read_position(f->r, &f->at, e) != 0)
		return -1;
	if (f->at.number >= to) /* another process of this machine did it */
		return 0;
	if (d->changes(f->s->log, f->at.number, to, take_change, f, e) != 0)
		return -1;
	if (!f->has_begun)
		return shared_is_another(f->s, f->at.number, e);
	/* What fits is kept, whatever comes after it. */
	if (f->rc != SHARED_DOUBT && shared_write_position(f->r, &f->at, e) != 0)
		return -1;
	if (f->rc == 0 && f->at.number != to)
		return is_doubtful(f->s, f->at.number + 1, "is gone", e);
	return f->rc;
}

int shared_follow(struct record *r, struct shared *s, int64_t to, struct err *e)
{
	struct following f = {.r = r, .s = s};
	int rc;

	if (sqlite3_exec(r->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(r, e);
	rc = follow_locked(&f, to, e);
	if ((rc == 0 || rc == SHARED_NEEDS_BASE) &&
	    sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		rc = store_fail(r, e);
	if (sqlite3_get_autocommit(r->db) == 0)
		(void)sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL); /* the cause is told */
	return rc;
}

/* ---- up to the head ---- */

/* 0: there; 1: something is to be done. */
static int compare(struct shared *s, const struct shared_position *at, struct err *e)
{
	const struct shared_change *newest = &s->head.newest;

	if (newest->version > STORE_VERSION) {
		(void)err_set(e, ERR_RECORD,
			      "record \"%s\" has version %" PRId64
			      ", this assize knows versions up to %d",
			      s->url.shown, newest->version, STORE_VERSION);
		return err_help(e, "a newer assize wrote it: use that one");
	}
	if (at->number > newest->number || s->seen.number > newest->number)
		return is_behind(s, at->number > s->seen.number ? at->number : s->seen.number,
				 newest->number, e);
	if (at->number < newest->number)
		return 1;
	return memcmp(at->digest, newest->digest, SHA256_BYTES) == 0
		       ? 0
		       : shared_is_another(s, at->number, e);
}

/* Reads the position of a file that may be none; one that is damaged is at none. */
static int look_at_copy(struct record *r, struct shared_position *out)
{
	struct err e = {0};

	if (shared_read_position(r, out, &e) == 0)
		return 0;
	*out = (struct shared_position){.number = 0};
	return r->shared->is_damaged ? 0 : -1;
}

/* had: where the copy was when it was found to be of no use. */
static int make_copy(struct record *r, const struct shared_position *had, struct err *e)
{
	struct shared *s = r->shared;
	struct shared_position at;
	int lock = shared_hold_copy(s, e), rc;

	if (lock < 0)
		return -1;
	/* Another process may have made it while this one waited. */
	if (look_at_copy(r, &at) == 0 && at.number > 0 && at.number != had->number)
		rc = 0;
	else if (shared_remember(s, had, e) == 0)
		rc = shared_fetch_base(r, s, s->head.base, e);
	else
		rc = -1;
	s->is_damaged = s->is_damaged && rc != 0;
	shared_release_copy(lock);
	return rc;
}

static int pull(struct record *r, struct err *e)
{
	struct shared *s = r->shared;
	struct shared_position at;
	bool is_anew = false;
	int rc;

	for (int i = 0; i < ATTEMPTS; i++) {
		struct err why = {0};

		if (look_at_copy(r, &at) != 0)
			return shared_read_position(r, &at, e);
		/* Another process of this machine may have followed a head later than ours. */
		if (at.number > s->head.newest.number &&
		    s->log->driver->head(s->log, &s->head, e) != 0)
			return -1;
		rc = compare(s, &at, e);
		if (rc <= 0)
			return rc == 0 ? shared_check_head(r, e) : rc;
		rc = at.number > 0 && !s->is_damaged
			     ? shared_follow(r, s, s->head.newest.number, &why)
			     : make_copy(r, &at, &why);
		if (rc == SHARED_NEEDS_BASE || (rc == SHARED_DOUBT && !is_anew)) {
			is_anew = is_anew || rc == SHARED_DOUBT;
			s->is_damaged = true; /* the copy is made anew */
		} else if (rc != 0) {
			*e = why;
			return -1;
		}
	}
	return err_set(e, ERR_RECORD, "could not read record \"%s\": its head moves too fast",
		       s->url.shown);
}

int shared_pull(struct record *r, struct err *e)
{
	struct shared *s = r->shared;
	bool is_only_read = r->mode == RECORD_READ, was_busy = s->is_busy;
	struct err why = {0};
	int rc;

	s->is_busy = true;
	if (is_only_read)
		(void)sqlite3_exec(r->db, "PRAGMA query_only = OFF", NULL, NULL,
				   NULL); /* is its own */
	rc = pull(r, &why);
	if (is_only_read)
		(void)sqlite3_exec(r->db, "PRAGMA query_only = ON", NULL, NULL, NULL); /* same */
	s->is_busy = was_busy;
	s->fresh_ms = rc == 0 ? clock_monotonic_ms(&s->clock) : -1;
	if (rc != 0 && e != NULL)
		*e = why;
	return rc;
}
