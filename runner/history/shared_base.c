/*
 * Bases: whole records, as pages of their file in parts. The change that stands for a base in the
 * log has SHA-256 and length of the file as its body, so that the chain of digests goes through it.
 *
 * A base is made in a file of its own: a copy of the copy, which is then opened as any file is, and
 * thereby made or brought to this version. That takes as long as it takes, and happens before the
 * head is locked; when it has moved meanwhile all is done again.
 *
 * A base that is fetched becomes the copy in one transaction of SQLite (its backup), with the
 * position in it: there is no moment at which the copy is half of something.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/history/ledger_parts.h"
#include "runner/history/shared.h"
#include "runner/history/store.h"
#include "runner/io/deflate.h"
#include "runner/io/file.h"

#define PART_BYTES     (1024 * 1024)
#define MAX_PACKED     (2u * PART_BYTES)
#define BODY_BYTES     (SHA256_BYTES + 8)
#define MAKE_ATTEMPTS  3
#define KEEP_ALL_BYTES (1024 * 1024) /* of changes, before a base is worth its room */

/* ---- files beside the copy ---- */

int shared_begin_work(struct shared *s, struct shared_work *w, struct err *e)
{
	*w = (struct shared_work){.arena = arena_new()};
	(void)scratch_sweep(s->dir); /* how many were left behind is of no interest */
	if (scratch_hold(w->arena, s->dir, &w->scratch, e) != 0) {
		if (e != NULL)
			e->class = ERR_RECORD;
		arena_free(w->arena);
		return -1;
	}
	w->file = arena_printf(w->arena, "%s/base.db", w->scratch.path);
	return 0;
}

void shared_end_work(struct shared_work *w)
{
	(void)scratch_release(&w->scratch, NULL); /* swept the next time */
	arena_free(w->arena);
}

static int fail_file(const struct shared_work *w, const char *verb, struct err *e)
{
	return err_set(e, ERR_RECORD, "could not %s \"%s\": %s", verb, w->file, strerror(errno));
}

/* ---- pages ---- */

static int back_up(sqlite3 *to, sqlite3 *from)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");

	if (b == NULL)
		return sqlite3_errcode(to);
	(void)sqlite3_backup_step(b, -1); /* told by the next line */
	return sqlite3_backup_finish(b);
}

int shared_open_file(const char *path, const char *file, struct record **out, struct err *e)
{
	struct record *r = xmalloc(sizeof(*r));

	memset(r, 0, sizeof(*r));
	r->path = xstrdup(path);
	r->mode = RECORD_WRITE;
	r->owner = getpid();
	r->lock_bytes.fd = -1;
	if (store_open_file(r, file, e) == 0) {
		*out = r;
		return 0;
	}
	record_close(r);
	return -1;
}

int shared_copy_pages(const struct record *r, sqlite3 *to, sqlite3 *from, struct err *e)
{
	int rc = back_up(to, from);

	/* What is no database cannot be written over before it is made an empty one. */
	if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB) {
		(void)sqlite3_db_config(to, SQLITE_DBCONFIG_RESET_DATABASE, 1, NULL);
		rc = sqlite3_exec(to, "VACUUM", NULL, NULL, NULL);
		(void)sqlite3_db_config(to, SQLITE_DBCONFIG_RESET_DATABASE, 0, NULL);
		if (rc == SQLITE_OK)
			rc = back_up(to, from);
	}
	return rc == SQLITE_OK
		       ? 0
		       : err_set(e, ERR_RECORD,
				 "could not copy the pages of record \"%s\" into \"%s\": %s",
				 r->path, sqlite3_db_filename(to, "main"), sqlite3_errstr(rc));
}

/* Opens the file for pages to come or go; the caller closes *out also after a failure. */
static int open_pages(const struct shared_work *w, sqlite3 **out, struct err *e)
{
	int rc = sqlite3_open(w->file, out);

	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(*out, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(*out, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return rc == SQLITE_OK ? 0
			       : err_set(e, ERR_RECORD, "could not open \"%s\": %s", w->file,
					 sqlite3_errstr(rc));
}

static int execute(const struct shared_work *w, sqlite3 *db, const char *sql, struct err *e)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : err_set(e, ERR_RECORD, "could not use \"%s\": %s", w->file,
				 sqlite3_errmsg(db));
}

/* ---- fetching ---- */

struct wanted {
	struct shared *s;
	int64_t number;
	unsigned char body[BODY_BYTES];
	struct shared_change before; /* the one before; number 0 = there is none */
	struct shared_change change; /* number 0 = not there; body is the one above */
};

static int take_entry(void *ctx, const struct shared_change *c, struct err *e)
{
	struct wanted *x = ctx;

	(void)e;
	if (c->number == x->number - 1)
		x->before = *c;
	if (c->number != x->number || c->n != BODY_BYTES)
		return 0;
	x->change = *c;
	memcpy(x->body, c->body, BODY_BYTES);
	x->change.body = x->body;
	return 0;
}

static int doubt(const struct shared *s, int64_t number, struct err *e)
{
	(void)err_set(e, ERR_RECORD,
		      "cannot trust record \"%s\": base %" PRId64 " is not as it was recorded",
		      s->url.shown, number);
	(void)err_help(e, "restore the server's tables from a backup"); /* SHARED_DOUBT below */
	return SHARED_DOUBT;
}

/* One that was kept has what was there before, one that was made comes of a newer version. */
static bool is_in_place(const struct shared_change *before, const struct shared_change *c)
{
	if (c->kind == SHARED_MADE)
		return c->version > before->version;
	return c->kind == SHARED_KEPT && c->version == before->version && c->size == before->size &&
	       memcmp(c->root, before->root, SHA256_BYTES) == 0;
}

static int find_entry(struct wanted *x, struct err *e)
{
	unsigned char digest[SHA256_BYTES];

	if (x->s->log->driver->changes(x->s->log, x->number - 1, x->number, take_entry, x, e) != 0)
		return -1;
	if (x->change.number == 0 || !is_in_place(&x->before, &x->change))
		return doubt(x->s, x->number, e);
	shared_digest(&x->change, x->before.digest, digest);
	return memcmp(digest, x->change.digest, sizeof(digest)) == 0 ? 0
								     : doubt(x->s, x->number, e);
}

struct incoming {
	const struct shared_work *w;
	int fd;
	struct sha256 h;
	struct buf part;
	bool is_damaged;
};

static int take_part(void *ctx, const void *p, size_t n, struct err *e)
{
	struct incoming *in = ctx;

	buf_reset(&in->part);
	in->is_damaged = in->is_damaged || deflate_unpack(p, n, &in->part) != 0;
	if (in->is_damaged)
		return 1;
	sha256_add(&in->h, in->part.data, in->part.len);
	return file_write_all(in->fd, in->part.data, in->part.len) == 0
		       ? 0
		       : fail_file(in->w, "write", e);
}

static int fetch_file(struct wanted *x, const struct shared_work *w, struct err *e)
{
	struct incoming in = {.w = w};
	unsigned char digest[SHA256_BYTES];
	int rc;

	in.fd = open(w->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (in.fd < 0)
		return fail_file(w, "make", e);
	sha256_init(&in.h);
	buf_init(&in.part, MAX_PACKED);
	rc = x->s->log->driver->parts(x->s->log, x->number, take_part, &in, e);
	buf_release(&in.part);
	sha256_final(&in.h, digest);
	if (close(in.fd) != 0 && rc == 0)
		rc = fail_file(w, "write", e);
	if (rc != 0)
		return -1;
	return !in.is_damaged && memcmp(digest, x->body, sizeof(digest)) == 0
		       ? 0
		       : doubt(x->s, x->number, e);
}

static int put_position(const struct shared_work *w, sqlite3 *db, const struct wanted *x,
			struct err *e)
{
	char digest[SHA256_HEX], sql[512];

	sha256_hex(x->change.digest, digest);
	(void)sqlite3_snprintf(sizeof(sql), sql,
			       "PRAGMA synchronous = OFF; CREATE TABLE " SHARED_POSITION_TABLE
			       "(one INTEGER PRIMARY KEY, number INTEGER NOT NULL, digest BLOB NOT "
			       "NULL) STRICT; INSERT INTO " SHARED_POSITION_TABLE
			       " VALUES (1, %lld, x'%s')",
			       (long long)x->number, digest);
	return execute(w, db, sql, e);
}

/* ---- does it go on from what this machine has seen? ---- */

struct chain {
	struct shared *s;
	int64_t at; /* of the change before */
	unsigned char digest[SHA256_BYTES];
	struct shared_change seen; /* number 0 = not come to */
	bool is_broken;
};

static int take_link(void *ctx, const struct shared_change *c, struct err *e)
{
	struct chain *x = ctx;
	unsigned char digest[SHA256_BYTES];

	(void)e;
	if (c->number >= x->s->seen.number) {
		shared_digest(c, x->digest, digest);
		x->is_broken = c->number != x->at + 1 ||
			       memcmp(digest, c->digest, SHA256_BYTES) != 0 ||
			       (c->number == x->s->seen.number &&
				memcmp(digest, x->s->seen.digest, SHA256_BYTES) != 0);
	}
	if (c->number == x->s->seen.number)
		x->seen = *c;
	x->at = c->number;
	memcpy(x->digest, c->digest, SHA256_BYTES);
	return x->is_broken ? 1 : 0;
}

/* Through every change since then, and in the tree. */
static int check_seen(struct shared *s, struct record *fetched, const struct shared_change *base,
		      struct err *e)
{
	struct chain x = {.s = s, .at = s->seen.number - 1};
	struct merkle_hash root;

	if (s->seen.number == 0 || base->number < s->seen.number)
		return 0;
	if (s->log->driver->changes(s->log, s->seen.number - 1, base->number, take_link, &x, e) !=
	    0)
		return -1;
	if (x.is_broken || x.seen.number == 0 || x.at != base->number ||
	    memcmp(x.digest, base->digest, SHA256_BYTES) != 0)
		return shared_is_another(s, s->seen.number, e);
	if (base->version != STORE_VERSION) /* its leaves are read when it has this version */
		return 0;
	if (ledger_root_at(fetched, (uint64_t)x.seen.size, &root, e) != 0)
		return -1;
	return memcmp(root.bytes, x.seen.root, SHA256_BYTES) == 0
		       ? 0
		       : shared_is_another(s, base->number, e);
}

/*
 * Whoever may write to the record may put a base there. What it says is hashed again, else it could
 * say anything of what is older than the newest nodes of the tree. An older version's is not read.
 */
static int check_rows(struct shared *s, struct record *fetched, const struct shared_change *c,
		      struct err *e)
{
	struct arena *a = arena_new();
	const char *broken = NULL;
	int rc = store_enter(fetched, STORE_READING, e);

	if (rc == 0)
		rc = store_leave(fetched, ledger_check_rows(fetched, a, &broken, e), e);
	if (rc != 0)
		rc = doubt(s, c->number, e);
	if (rc == 0 && broken != NULL) {
		(void)err_set(e, ERR_RECORD,
			      "cannot trust record \"%s\": base %" PRId64
			      " is not what was recorded: %s",
			      s->url.shown, c->number, broken);
		(void)err_help(
			e, "restore the server's tables from a backup"); /* SHARED_DOUBT below */
		rc = SHARED_DOUBT;
	}
	arena_free(a);
	return rc;
}

/* Is it what its change says? */
static int check_fetched(struct shared *s, struct record *fetched, const struct shared_change *c,
			 struct err *e)
{
	sqlite3_stmt *version = store_sql(fetched, "PRAGMA user_version", e);
	struct merkle_hash root;
	int64_t v = 0;
	int rc;

	if (version == NULL || store_integer(fetched, version, &v, NULL) < 0 ||
	    store_read_head(fetched, NULL) != 0)
		return doubt(s, c->number, e);
	merkle_root(&fetched->tree, &root);
	if (v != c->version || fetched->next_seq != c->size ||
	    memcmp(root.bytes, c->root, SHA256_BYTES) != 0)
		return doubt(s, c->number, e);
	rc = v == STORE_VERSION ? check_rows(s, fetched, c, e) : 0;
	return rc == 0 ? check_seen(s, fetched, c, e) : rc;
}

static int fetch_into(struct record *r, struct wanted *x, const struct shared_work *w,
		      struct err *e)
{
	struct record *fetched;
	int rc = fetch_file(x, w, e);

	if (rc != 0)
		return rc;
	rc = shared_open_file(r->path, w->file, &fetched, e);
	if (rc != 0)
		return doubt(x->s, x->number, e);
	rc = check_fetched(x->s, fetched, &x->change, e);
	if (rc == 0)
		rc = put_position(w, fetched->db, x, e);
	if (rc == 0)
		rc = shared_copy_pages(r, r->db, fetched->db, e);
	record_close(fetched);
	return rc;
}

int shared_fetch_base(struct record *r, struct shared *s, int64_t number, struct err *e)
{
	struct wanted x = {.s = s, .number = number};
	struct shared_work w;
	int rc = find_entry(&x, e);

	if (rc != 0)
		return rc;
	if (shared_begin_work(s, &w, e) != 0)
		return -1;
	rc = fetch_into(r, &x, &w, e);
	shared_end_work(&w);
	return rc;
}

/* ---- making ---- */

/* The copy's pages, without what makes them a copy. */
static int write_pages(struct record *r, const struct shared_work *w, struct err *e)
{
	sqlite3 *db = NULL;
	int rc = open_pages(w, &db, e);

	if (rc == 0)
		rc = shared_copy_pages(r, db, r->db, e);
	if (rc == 0)
		rc = execute(w, db, "DROP TABLE " SHARED_POSITION_TABLE, e);
	(void)sqlite3_close(db); /* nothing is open: cannot fail */
	return rc;
}

/* In parts, of which the server has none before; fills in what the change says of it. */
static int send_file(struct shared *s, const struct shared_work *w, struct shared_head *head,
		     unsigned char body[static BODY_BYTES], struct err *e)
{
	struct sha256 h;
	struct buf packed;
	char *raw = xmalloc(PART_BYTES);
	int fd = open(w->file, O_RDONLY | O_CLOEXEC), rc = fd < 0 ? fail_file(w, "read", e) : 0;
	int64_t n_bytes = 0, n_sent = 0;
	ssize_t n = 0;

	sha256_init(&h);
	buf_init(&packed, MAX_PACKED);
	for (int64_t part = 0; rc == 0 && (n = read(fd, raw, PART_BYTES)) > 0; part++) {
		sha256_add(&h, raw, (size_t)n);
		n_bytes += n;
		buf_reset(&packed);
		(void)deflate_pack(raw, (size_t)n,
				   &packed); /* fits: a part is half of the ceiling */
		n_sent += (int64_t)packed.len;
		rc = s->log->driver->put_part(s->log, head->newest.number, part, packed.data,
					      packed.len, e);
	}
	if (rc == 0 && n < 0)
		rc = fail_file(w, "read", e);
	if (fd >= 0)
		(void)close(fd); /* only read */
	sha256_final(&h, body);
	for (int i = 0; i < 8; i++)
		body[SHA256_BYTES + i] = (unsigned char)((uint64_t)n_bytes >> (56 - 8 * i));
	buf_release(&packed);
	free(raw);
	head->base = head->newest.number;
	head->base_bytes = n_sent;
	head->since_bytes = 0;
	return rc;
}

/* While locked: sends the file and the change that stands for it, and ends the transaction. */
static int publish(struct shared *s, const struct shared_work *w, struct shared_head *head,
		   struct err *e)
{
	unsigned char before[SHA256_BYTES], body[BODY_BYTES];
	struct shared_change *c = &head->newest;
	int rc;

	memcpy(before, c->digest, sizeof(before));
	c->number++;
	rc = send_file(s, w, head, body, e);
	if (rc != 0)
		return rc;
	c->body = body;
	c->n = sizeof(body);
	shared_digest(c, before, c->digest);
	rc = s->log->driver->append(s->log, head, e);
	if (rc == 0)
		rc = shared_read_back(s, head, e);
	if (rc == 0)
		rc = s->log->driver->commit(s->log, e);
	c->body = NULL;
	return rc;
}

/* Opened as a file it is made, or brought to this version. */
static int make_file(const struct shared_work *w, struct shared_change *c, struct err *e)
{
	struct ledger_head head;
	struct record *made;
	int rc;

	if (record_open(w->file, RECORD_WRITE, &made, e) != 0)
		return -1;
	rc = ledger_head(made, w->arena, &head, e);
	record_close(made);
	if (rc != 0)
		return -1;
	c->kind = SHARED_MADE;
	c->version = STORE_VERSION;
	c->size = (int64_t)head.size;
	memcpy(c->root, head.root.bytes, SHA256_BYTES);
	return 0;
}

/* 0 = made, 1 = the head has moved. */
static int make_once(struct record *r, const struct shared_work *w, struct err *e)
{
	struct shared *s = r->shared;
	struct shared_head was = s->head, head;
	struct shared_change made;
	int rc = 0;

	if (was.newest.number > 0)
		rc = write_pages(r, w, e);
	if (rc != 0 || make_file(w, &made, e) != 0 || s->log->driver->lock(s->log, &head, e) != 0)
		return -1;
	if (head.newest.number == was.newest.number) {
		struct shared_change *c = &head.newest;

		made.number = c->number;
		memcpy(made.digest, c->digest, sizeof(made.digest));
		*c = made;
		c->body = NULL;
		c->n = 0;
		rc = publish(s, w, &head, e);
	} else {
		rc = 1;
	}
	if (rc != 0)
		s->log->driver->unlock(s->log);
	return rc;
}

int shared_make(struct record *r, struct err *e)
{
	struct shared *s = r->shared;

	for (int i = 0; i < MAKE_ATTEMPTS; i++) {
		struct shared_work w;
		struct err why = {0};
		int rc;

		if (s->head.newest.version >= STORE_VERSION)
			return 0;
		if (s->head.newest.number > 0 && shared_pull(r, e) != 0)
			return -1;
		if (shared_begin_work(s, &w, e) != 0)
			return -1;
		rc = make_once(r, &w, &why);
		shared_end_work(&w);
		if (rc < 0) {
			if (e != NULL)
				*e = why;
			return -1;
		}
		if (s->log->driver->head(s->log, &s->head, e) != 0)
			return -1;
	}
	return s->head.newest.version >= STORE_VERSION
		       ? 0
		       : err_set(e, ERR_RECORD,
				 "could not bring record \"%s\" up to version %d: others write to "
				 "it",
				 s->url.shown, STORE_VERSION);
}

/* While locked, with the copy at the head. */
static int keep(struct record *r, struct shared_head *head, struct err *e)
{
	struct shared_work w;
	int rc;

	if (shared_begin_work(r->shared, &w, e) != 0)
		return -1;
	rc = write_pages(r, &w, e);
	head->newest.kind = SHARED_KEPT;
	if (rc == 0)
		rc = publish(r->shared, &w, head, e);
	shared_end_work(&w);
	return rc;
}

int shared_keep_base(struct record *r, struct err *e)
{
	struct shared *s = r->shared;
	int rc;

	if (s->head.since_bytes < s->head.base_bytes + KEEP_ALL_BYTES)
		return 0;
	if (s->log->driver->lock(s->log, &s->head, e) != 0)
		return -1;
	rc = s->head.since_bytes < s->head.base_bytes + KEEP_ALL_BYTES ? 1 : shared_pull(r, e);
	if (rc == 0)
		rc = keep(r, &s->head, e);
	if (rc != 0)
		s->log->driver->unlock(s->log);
	return rc < 0 ? -1 : 0;
}
