/*
 * A record on a server as a handle like any other: opening its copy, and what store_enter() and
 * store_leave() do more for it than for a file.
 *
 * The copy is in $ASSIZE_RECORD_CACHE, $XDG_CACHE_HOME/assize/records or ~/.cache/assize/records,
 * in a directory named by the digest of server, database, schema and record: another server's
 * record of that name is another record. It is as private as a record is, and holds the same.
 */
#include "runner/history/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/history/shared_session.h"
#include "runner/history/store.h"
#include "runner/io/deflate.h"
#include "runner/io/file.h"

#define MAX_SEEN_BYTES	 256
#define FRESH_MS	 1000
#define ATTEMPTS	 8
#define MAX_PACKED_BYTES (256u * 1024 * 1024)
#define MAX_CHANGE_BYTES (1024u * 1024 * 1024)

/* ---- where the copy is ---- */

static int make_directories(const char *path, struct err *e)
{
	char *partial = xstrdup(path);
	int rc = 0;

	for (char *p = partial + 1; rc == 0; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(partial, 0700) != 0 && errno != EEXIST)
			rc = err_set(e, ERR_RECORD,
				     "could not make directory \"%s\" for the record's copy: %s",
				     partial, strerror(errno));
		*p = c;
		if (c == '\0')
			break;
	}
	free(partial);
	return rc;
}

static const char *cache(struct arena *a, struct err *e)
{
	static const struct {
		const char *variable, *below;
	} places[] = {
		{"ASSIZE_RECORD_CACHE", ""},
		{"XDG_CACHE_HOME", "/assize/records"},
		{"HOME", "/.cache/assize/records"},
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *value = getenv(places[i].variable);

		if (value != NULL && value[0] == '/')
			return arena_printf(a, "%s%s", value, places[i].below);
	}
	(void)err_set(e, ERR_RECORD, "there is no place for a copy of the record");
	(void)err_help(e,
		       "set HOME, XDG_CACHE_HOME or ASSIZE_RECORD_CACHE to a directory"); /* NULL */
	return NULL;
}

static int find_directory(struct shared *s, struct err *e)
{
	const char *all = cache(s->arena, e), *network;
	const char *what =
		arena_printf(s->arena, "%s %s", s->log->driver->place(s->log), s->url.name);
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];

	if (all == NULL)
		return -1;
	sha256_of(what, strlen(what), digest);
	sha256_hex(digest, hex);
	s->dir = arena_printf(s->arena, "%s/%.32s", all, hex);
	if (make_directories(s->dir, e) != 0)
		return -1;
	network = file_network_fs(s->dir);
	if (network == NULL)
		return 0;
	(void)err_set(e, ERR_RECORD, "cannot keep a copy of the record in \"%s\": it is on %s",
		      s->dir, network);
	return err_help(e, "name a local directory in ASSIZE_RECORD_CACHE");
}

int shared_hold_copy(const struct shared *s, struct err *e)
{
	const char *path = arena_printf(s->arena, "%s/lock", s->dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	while (fd >= 0 && flock(fd, LOCK_EX) != 0) {
		if (errno == EINTR)
			continue;
		(void)close(fd); /* nothing was written */
		fd = -1;
	}
	return fd >= 0 ? fd
		       : err_set(e, ERR_RECORD, "could not lock \"%s\": %s", path, strerror(errno));
}

void shared_release_copy(int lock)
{
	(void)close(lock); /* lets go */
}

/* ---- what a copy had seen that is no more ---- */

static const char *seen_file(const struct shared *s)
{
	return arena_printf(s->arena, "%s/seen", s->dir);
}

int shared_remember(struct shared *s, const struct shared_position *at, struct err *e)
{
	char hex[SHA256_HEX];
	const char *text;

	if (at->number <= s->seen.number)
		return 0;
	sha256_hex(at->digest, hex);
	text = arena_printf(s->arena, "%" PRId64 " %s\n", at->number, hex);
	if (file_write_atomic(seen_file(s), text, strlen(text), e) != 0) {
		if (e != NULL)
			e->class = ERR_RECORD;
		return -1;
	}
	s->seen = *at;
	return 0;
}

static int recall(struct shared *s, struct err *e)
{
	const char *file = seen_file(s), *space;
	struct shared_position p;
	struct buf text;
	int rc;

	if (access(file, F_OK) != 0)
		return errno == ENOENT ? 0
				       : err_set(e, ERR_RECORD, "could not read \"%s\": %s", file,
						 strerror(errno));
	buf_init(&text, MAX_SEEN_BYTES);
	rc = file_read(file, &text, NULL);
	space = strchr(text.data, ' ');
	if (rc == 0)
		rc = space != NULL &&
				     num_parse_int(text.data, (size_t)(space - text.data),
						   &p.number) == 0 &&
				     sha256_from_hex(space + 1, strcspn(space + 1, "\n"),
						     p.digest) == 0
			     ? 0
			     : -1;
	buf_release(&text);
	if (rc == 0)
		s->seen = p;
	return rc == 0 ? 0 : err_set(e, ERR_RECORD, "could not read \"%s\"", file);
}

static int open_copy(struct record *r, struct err *e)
{
	const char *file = arena_printf(r->shared->arena, "%s/copy.db", r->shared->dir);
	int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		(void)close(fd); /* nothing was written */
	else if (errno != EEXIST)
		return err_set(e, ERR_RECORD, "could not make \"%s\": %s", file, strerror(errno));
	if (store_open_file(r, file, e) == 0)
		return 0;
	/* What is no database is made anew like a copy that is missing. */
	return r->shared->is_damaged ? 0 : -1;
}

/* ---- opening ---- */

static int no_record(const struct shared *s, struct err *e)
{
	(void)err_set(e, ERR_RECORD, "there is no record yet: \"%s\" was never written to",
		      s->url.shown);
	return err_help(e, "assize run makes one");
}

/* A server without a record that this machine has seen there is no empty one. */
static int make(struct record *r, struct err *e)
{
	struct shared *s = r->shared;
	struct shared_position at = {0};
	struct err why = {0};

	if (s->head.newest.number == 0 && !s->is_damaged &&
	    shared_read_position(r, &at, &why) != 0 && !s->is_damaged) {
		*e = why;
		return -1;
	}
	return at.number > 0 || s->seen.number > 0 ? shared_pull(r, e) : shared_make(r, e);
}

static int open_record(struct record *r, const char *url, struct err *e)
{
	struct shared *s = r->shared;
	int rc;

	if (shared_url_parse(s->arena, url, &s->url, e) != 0)
		return -1;
	r->path = xstrdup(s->url.shown);
	if (shared_session_is_here(r, e) != 0 || shared_log_open(&s->url, &s->log, e) != 0 ||
	    s->log->driver->head(s->log, &s->head, e) != 0 || find_directory(s, e) != 0 ||
	    recall(s, e) != 0)
		return -1;
	s->is_busy = true;
	rc = open_copy(r, e);
	if (rc == 0 && r->mode == RECORD_WRITE && s->head.newest.version < STORE_VERSION)
		rc = make(r, e);
	s->is_busy = false;
	if (rc == 0)
		rc = shared_pull(r, e);
	if (rc == 0 && s->head.newest.number == 0)
		rc = no_record(s, e);
	/* A copy is never brought to another version here: in that it is not the server's. */
	return rc == 0 && r->mode == RECORD_READ ? store_migrate(r, e) : rc;
}

int shared_open(const char *url, enum record_mode mode, struct record **out, struct err *e)
{
	struct record *r = xmalloc(sizeof(*r));
	struct arena *a = arena_new();

	memset(r, 0, sizeof(*r));
	r->mode = mode;
	r->owner = getpid();
	r->lock_bytes.fd = -1;
	r->shared = arena_alloc(a, sizeof(*r->shared));
	*r->shared = (struct shared){.arena = a, .clock = clock_system(), .fresh_ms = -1};
	if (open_record(r, url, e) != 0) {
		record_close(r);
		return -1;
	}
	if (mode == RECORD_READ)
		(void)sqlite3_exec(r->db, "PRAGMA query_only = ON", NULL, NULL,
				   NULL); /* own care */
	*out = r;
	return 0;
}

/* So that the next command fetches it. */
static void throw_away(struct record *r)
{
	int lock = shared_hold_copy(r->shared, NULL);
	struct shared_position at;

	if (lock < 0)
		return;
	for (size_t i = 0; i < r->n_statements; i++)
		(void)sqlite3_reset(r->statements[i].stmt); /* its failure was told */
	if (shared_read_position(r, &at, NULL) == 0 && shared_remember(r->shared, &at, NULL) != 0) {
		shared_release_copy(lock);
		return;
	}
	(void)sqlite3_exec(r->db, "PRAGMA query_only = OFF", NULL, NULL, NULL); /* own care */
	/* What cannot be emptied is found to be damaged again. */
	(void)sqlite3_db_config(r->db, SQLITE_DBCONFIG_RESET_DATABASE, 1, NULL);
	(void)sqlite3_exec(r->db, "VACUUM", NULL, NULL, NULL); /* same */
	(void)sqlite3_db_config(r->db, SQLITE_DBCONFIG_RESET_DATABASE, 0, NULL);
	shared_release_copy(lock);
}

void shared_close(struct record *r)
{
	struct shared *s = r->shared;

	s->is_busy = true;
	shared_watch_end(r);
	if (r->db != NULL && s->log != NULL && r->owner == getpid()) {
		if (s->is_damaged)
			throw_away(r);
		else if (r->mode == RECORD_WRITE)
			(void)shared_keep_base(r, NULL); /* the next one does it */
	}
	/* A child's farewell would end the session of the process that opened it. */
	if (s->log != NULL && r->owner == getpid())
		s->log->driver->close(s->log);
	arena_free(s->arena);
	r->shared = NULL;
}

/* ---- reading ---- */

/* One statement that gives rows is an answer of one moment. */
static bool is_reading(const struct record *r)
{
	for (size_t i = 0; i < r->n_statements; i++)
		if (sqlite3_stmt_busy(r->statements[i].stmt))
			return true;
	return false;
}

int shared_refresh(struct record *r, struct err *e)
{
	struct shared *s = r->shared;

	if (s->is_busy || sqlite3_get_autocommit(r->db) == 0)
		return 0;
	if (s->fresh_ms >= 0 && clock_monotonic_ms(&s->clock) - s->fresh_ms < FRESH_MS)
		return 0;
	if (is_reading(r))
		return 0;
	s->is_busy = true;
	int rc = s->log->driver->head(s->log, &s->head, e);

	s->is_busy = false;
	return rc == 0 ? shared_pull(r, e) : -1;
}

int shared_fail_damaged(struct record *r, const char *why, struct err *e)
{
	r->shared->is_damaged = true;
	(void)err_set(e, ERR_RECORD, "could not read the copy of record \"%s\" in \"%s\": %s",
		      r->path, r->shared->dir, why);
	return err_help(e, "it is thrown away: run the command again");
}

/* ---- writing ---- */

/* 1 = another process of this machine has put an older copy there meanwhile. */
static int begin_here(struct record *r, struct err *e)
{
	struct shared *s = r->shared;
	struct shared_position at;

	if (sqlite3_exec(r->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(r, e);
	if (shared_read_position(r, &at, e) != 0)
		return -1;
	return at.number == s->head.newest.number &&
			       memcmp(at.digest, s->head.newest.digest, SHA256_BYTES) == 0
		       ? 0
		       : 1;
}

int shared_begin(struct record *r, struct err *e)
{
	struct shared *s = r->shared;
	int rc;

	s->is_busy = true;
	if (s->log->driver->lock(s->log, &s->head, e) != 0) {
		s->is_busy = false;
		return -1;
	}
	rc = 1;
	for (int i = 0; i < ATTEMPTS && rc == 1; i++) {
		rc = shared_pull(r, e) == 0 ? begin_here(r, e) : -1;
		if (rc != 0 && sqlite3_get_autocommit(r->db) == 0)
			(void)sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL); /* told */
	}
	if (rc == 1)
		rc = err_set(e, ERR_RECORD, "could not write record \"%s\": its copy is in use",
			     r->path);
	if (rc == 0)
		rc = s->head.newest.version == STORE_VERSION ? shared_watch_begin(r, e)
							     : no_record(s, e);
	if (rc != 0) {
		if (sqlite3_get_autocommit(r->db) == 0)
			(void)sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL); /* told */
		shared_end(r);
	}
	return rc;
}

void shared_end(struct record *r)
{
	struct shared *s = r->shared;

	shared_watch_end(r);
	s->log->driver->unlock(s->log);
	s->is_busy = false;
}

/* The change as the server is to have it; *packed is its body. */
static int write_change(struct record *r, struct buf *packed, struct shared_head *head,
			struct err *e)
{
	struct shared_change *c = &head->newest;
	unsigned char before[SHA256_BYTES];
	sqlite3_stmt *s = store_sql(r, "SELECT root FROM head", e);

	if (s == NULL || store_step(r, s, e) != 1)
		return -1;
	store_digest(s, 0, c->root, SHA256_BYTES);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	memcpy(before, c->digest, sizeof(before));
	c->number++;
	c->kind = SHARED_CHANGE;
	c->version = STORE_VERSION;
	c->size = r->next_seq;
	c->body = packed->data;
	c->n = packed->len;
	shared_digest(c, before, c->digest);
	head->since_bytes += (int64_t)packed->len;
	return 0;
}

/*
 * A server that wants the transaction anew has nothing of it. The work of this one rests on the
 * head it locked: where that is still the head, the same change is appended again.
 */
static int send_change(struct shared *s, const struct shared_head *head, struct err *e)
{
	int rc = 1;

	for (int i = 0; i < ATTEMPTS && rc == 1; i++) {
		struct shared_head now = s->head;

		if (i > 0) {
			s->log->driver->unlock(s->log);
			if (s->log->driver->lock(s->log, &now, e) != 0)
				return -1;
		}
		if (memcmp(now.newest.digest, s->head.newest.digest, SHA256_BYTES) != 0)
			return err_set(e, ERR_RECORD,
				       "could not write record \"%s\": another runner was first",
				       s->url.shown);
		rc = s->log->driver->append(s->log, head, e);
		if (rc == 0)
			rc = shared_read_back(s, head, e);
		if (rc == 0)
			rc = s->log->driver->commit(s->log, e);
	}
	return rc == 0 ? 0 : -1;
}

static int commit(struct record *r, const struct buf *rows, struct err *e)
{
	struct shared *s = r->shared;
	struct shared_head head = s->head;
	struct shared_position at;
	struct err why = {0};
	struct buf packed;
	int rc;

	buf_init(&packed, MAX_PACKED_BYTES);
	rc = deflate_pack(rows->data, rows->len, &packed) == 0
		     ? write_change(r, &packed, &head, e)
		     : err_set(e, ERR_RECORD,
			       "could not write record \"%s\": too much changes at once", r->path);
	if (rc == 0) {
		at.number = head.newest.number;
		memcpy(at.digest, head.newest.digest, sizeof(at.digest));
		rc = shared_write_position(r, &at, e);
	}
	if (rc == 0 && (rc = send_change(s, &head, &why)) != 0 && e != NULL)
		*e = why;
	buf_release(&packed);
	if (rc != 0)
		return -1;
	head.newest.body = NULL;
	head.newest.n = 0;
	s->head = head;
	return 0;
}

int shared_commit(struct record *r, struct err *e)
{
	struct buf rows;
	int rc;

	buf_init(&rows, MAX_CHANGE_BYTES);
	rc = shared_watch_take(r, &rows, e);
	/* Nothing changed: nothing is to be told. */
	if (rc == 0 && rows.len > 0)
		rc = commit(r, &rows, e);
	buf_release(&rows);
	r->shared->fresh_ms = rc == 0 ? clock_monotonic_ms(&r->shared->clock) : -1;
	return rc;
}
