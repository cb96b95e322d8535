/*
 * Files are exchanged under an exclusive lock on the one that is there: nothing can be committed to
 * it between the look at what it holds and the moment its name is another file's. Who has it open
 * and writes later is refused by SQLite, which notices that the file was moved.
 */
#include "runner/history/copies.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/ledger_parts.h"
#include "runner/history/shared.h"
#include "runner/io/place.h"
#include "runner/io/random.h"

#define STEP_PAGES 4096 /* 16 MiB between two words about progress */

/* ---- copying ---- */

static int copy_pages(struct record *from, struct record *to, const struct copy_options *o,
		      struct err *e)
{
	sqlite3_backup *b = sqlite3_backup_init(to->db, "main", from->db, "main");
	int rc = SQLITE_OK;

	if (b == NULL)
		return store_fail(to, e);
	/* the transaction of `from` keeps it as it is: no step begins anew */
	while ((rc = sqlite3_backup_step(b, STEP_PAGES)) == SQLITE_OK)
		if (o->progress != NULL)
			o->progress(o->progress_ctx,
				    (uint64_t)(sqlite3_backup_pagecount(b) -
					       sqlite3_backup_remaining(b)),
				    (uint64_t)sqlite3_backup_pagecount(b));
	if (sqlite3_backup_finish(b) != SQLITE_OK || rc != SQLITE_DONE)
		return err_set(e, ERR_RECORD, "could not copy record \"%s\" to \"%s\": %s",
			       from->path, to->path, sqlite3_errstr(rc));
	return 0;
}

/* Into a file that is made for it. */
static int make_copy(struct record *from, const char *path, const struct copy_options *o,
		     struct err *e)
{
	struct record *to;
	int rc;

	if (record_open(path, RECORD_WRITE, &to, e) != 0)
		return -1;
	for (size_t i = 0; i < to->n_statements; i++)
		(void)sqlite3_finalize(to->statements[i].stmt); /* of what is not there any more */
	to->n_statements = 0;
	rc = copy_pages(from, to, o, e);
	/* What makes a file the copy of a record on a server is no part of the record. */
	if (rc == 0 && from->shared != NULL &&
	    sqlite3_exec(to->db, "DROP TABLE " SHARED_POSITION_TABLE, NULL, NULL, NULL) !=
		    SQLITE_OK)
		rc = store_fail(to, e);
	record_close(to);
	return rc;
}

static int verify_copy(const char *path, const char *of, struct arena *a,
		       const struct ledger_trust *trust, struct ledger_verification *v,
		       struct err *e)
{
	struct record *r;
	int rc;

	if (record_open(path, RECORD_READ, &r, e) != 0)
		return -1;
	rc = ledger_verify(r, a, trust, v, e);
	record_close(r);
	if (rc != 0 || v->n_broken == 0)
		return rc;
	(void)err_set(e, ERR_RECORD, "record \"%s\" cannot be believed: %s", of,
		      v->findings[0].text);
	return err_help(e, "assize ledger verify --record %s says more", of);
}

/* Beside the file it is to become, so that a rename can make it that. */
static int scratch_name(struct arena *a, const char *path, const char **out, struct err *e)
{
	const char *hex;

	if (random_hex(a, 6, &hex, e) != 0)
		return -1;
	*out = arena_printf(a, "%s.%s.part", path, hex);
	return 0;
}

static void remove_scratch(struct arena *a, const char *path)
{
	(void)unlink(path); /* what is left is told by its name */
	(void)unlink(arena_printf(a, "%s-journal", path));
}

static int sync_parent(struct arena *a, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	const char *dir = slash == NULL	  ? "."
			  : slash == path ? "/"
					  : arena_strndup(a, path, (size_t)(slash - path));

	if (place_sync_directory(dir) == 0)
		return 0;
	return err_set(e, ERR_RECORD, "could not sync directory \"%s\": %s", dir, strerror(errno));
}

/* ---- export ---- */

/* A journal that is left of another file of the name would be played into this one. */
static int check_journal(struct arena *a, const char *path, struct err *e)
{
	static const char *const ends[] = {"-journal", "-wal"};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const char *name = arena_printf(a, "%s%s", path, ends[i]);
		struct stat st;

		if (lstat(name, &st) != 0 && errno == ENOENT)
			continue;
		(void)err_set(e, ERR_RECORD, "could not write \"%s\": \"%s\" is there", path, name);
		return err_help(e, "it belongs to a database that had this name: put it aside");
	}
	return 0;
}

/* A name that is there is never taken: link() refuses what rename() would replace. */
static int name_copy(struct arena *a, const char *scratch, const char *path, struct err *e)
{
	if (check_journal(a, path, e) != 0)
		return -1;
	if (link(scratch, path) != 0) {
		bool is_there = errno == EEXIST;

		(void)err_set(e, is_there ? ERR_USAGE : ERR_RECORD, "could not write \"%s\": %s",
			      path, strerror(errno));
		return err_help(e, is_there ? "name a file that is not there yet"
					    : "name a file on a local disk");
	}
	(void)unlink(scratch); /* the same file under its other name */
	return sync_parent(a, path, e);
}

static int read_and_copy(struct record *r, struct arena *a, const char *scratch,
			 const struct copy_options *o, struct ledger_head *out, struct err *e)
{
	int rc;

	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	rc = ledger_read_head(r, a, out, e); /* the transaction begins to read */
	if (rc == 0)
		rc = make_copy(r, scratch, o, e);
	return store_leave(r, rc, e);
}

int record_export(struct record *r, struct arena *a, const char *path, const struct copy_options *o,
		  struct ledger_head *out, struct err *e)
{
	struct ledger_verification v;
	struct ledger_head head;
	const char *scratch;
	struct stat st;
	int rc;

	if (lstat(path, &st) == 0) {
		(void)err_set(e, ERR_USAGE, "cannot export to \"%s\": it is there", path);
		return err_help(e, "name a file that is not there yet");
	}
	if (scratch_name(a, path, &scratch, e) != 0)
		return -1;
	rc = read_and_copy(r, a, scratch, o, &head, e) != 0 ||
			     verify_copy(scratch, r->path, a, &o->trust, &v, e) != 0 ||
			     name_copy(a, scratch, path, e) != 0
		     ? -1
		     : 0;
	remove_scratch(a, scratch);
	if (rc == 0)
		*out = head;
	return rc;
}

/* ---- import ---- */

/* What is there now, and the key that signs for it: n_keys 0 = it has none. 1 = nothing. */
static int read_present(const char *path, struct arena *a, struct ledger_head *out,
			struct ledger_key **keys, size_t *n_keys, struct err *e)
{
	struct record *r;
	struct stat st;
	int rc;

	*out = (struct ledger_head){.size = 0};
	*n_keys = 0;
	if (stat(path, &st) != 0 && errno == ENOENT)
		return 1;
	if (record_open(path, RECORD_READ, &r, e) != 0)
		return -1;
	rc = ledger_head(r, a, out, e) != 0 || ledger_keys(r, a, keys, n_keys, e) != 0 ? -1 : 0;
	record_close(r);
	return rc;
}

/* Nobody can write to it until it is closed, and nobody has since it was looked at. */
static int hold_present(const char *path, struct arena *a, const struct ledger_head *was,
			struct record **out, struct err *e)
{
	struct ledger_head is;
	struct record *r;
	int rc;

	if (record_open(path, RECORD_WRITE, &r, e) != 0)
		return -1;
	rc = sqlite3_exec(r->db, "BEGIN EXCLUSIVE", NULL, NULL, NULL) == SQLITE_OK
		     ? ledger_read_head(r, a, &is, e)
		     : store_fail(r, e);
	if (rc == 0 &&
	    (is.size != was->size || memcmp(is.root.bytes, was->root.bytes, SHA256_BYTES) != 0))
		rc = err_set(e, ERR_RECORD, "\"%s\" was written to meanwhile: try again", path);
	if (rc == 0)
		*out = r;
	else
		record_close(r);
	return rc;
}

static int check_same(const char *path, const char *from, const struct ledger_head *is,
		      const struct ledger_head *copy, struct err *e)
{
	if (strcmp(is->identity, copy->identity) == 0)
		return 0;
	(void)err_set(e, ERR_RECORD, "\"%s\" is another record than \"%s\"", from, path);
	return err_help(e, "assize ledger merge takes over what another one has measured");
}

static int check_extends(const char *path, const char *from, const struct ledger_head *is,
			 const struct ledger_verification *v, struct err *e)
{
	if (v->head.size < is->size)
		return err_set(e, ERR_RECORD,
			       "\"%s\" is older than \"%s\": it has %" PRIu64 " records, %" PRIu64
			       " are there",
			       from, path, v->head.size, is->size);
	if (v->has_root_at && memcmp(v->root_at.bytes, is->root.bytes, SHA256_BYTES) == 0)
		return 0;
	return err_set(e, ERR_RECORD,
		       "\"%s\" does not extend \"%s\": its first %" PRIu64
		       " records are not those that are there",
		       from, path, is->size);
}

/* All of it, not only its beginning: what nobody has signed for anybody can have added. */
static int check_signed(const char *from, const struct ledger_verification *v, struct err *e)
{
	if (v->n_signed > 0 && v->signed_size == v->head.size)
		return 0;
	(void)err_set(e, ERR_RECORD,
		      "cannot import \"%s\": a key that counts has signed for %" PRIu64
		      " of its %" PRIu64 " records",
		      from, v->signed_size, v->head.size);
	return err_help(e, "assize ledger checkpoint, there, signs for all of them; --unsigned "
			   "takes it all the same");
}

/* Whoever could read and write the record still can, and nobody else. */
static int keep_access(const char *scratch, const char *path, struct err *e)
{
	int fd = open(scratch, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct stat was, is;
	bool is_kept;

	if (fd < 0)
		return err_set(e, ERR_RECORD, "could not open \"%s\": %s", scratch,
			       strerror(errno));
	is_kept = stat(path, &was) == 0 && fstat(fd, &is) == 0 &&
		  ((was.st_uid == is.st_uid && was.st_gid == is.st_gid) ||
		   fchown(fd, was.st_uid, was.st_gid) == 0) &&
		  fchmod(fd, was.st_mode & 07777) == 0 && fsync(fd) == 0;
	if (!is_kept) {
		(void)err_set(e, ERR_RECORD,
			      "could not give the copy the owner and mode of \"%s\": %s", path,
			      strerror(errno));
		(void)err_help(e, "import it as the user the record belongs to");
	}
	(void)close(fd); /* synced */
	return is_kept ? 0 : -1;
}

/* The old file has a second name until the new one is known to stay. */
static int exchange(struct arena *a, const char *scratch, const char *path, struct err *e)
{
	const char *aside = arena_printf(a, "%s.before", path);

	if (link(path, aside) != 0) {
		bool is_there = errno == EEXIST;

		(void)err_set(e, ERR_RECORD, "could not keep \"%s\" as \"%s\": %s", path, aside,
			      strerror(errno));
		return err_help(e, is_there ? "an import was stopped: assize ledger verify says "
					      "which of the two is whole; remove the other"
					    : "name a file on a local disk");
	}
	if (rename(scratch, path) != 0) {
		(void)err_set(e, ERR_RECORD, "could not rename \"%s\" to \"%s\": %s", scratch, path,
			      strerror(errno));
		(void)unlink(aside); /* path is still the same file */
		return -1;
	}
	if (sync_parent(a, path, e) != 0)
		return -1;
	(void)unlink(aside); /* what is left is told by its name */
	return 0;
}

static int copy_in(const char *scratch, const char *from, struct arena *a,
		   const struct copy_options *o, struct ledger_head *out, struct err *e)
{
	struct record *r;
	int rc;

	if (record_open(from, RECORD_READ, &r, e) != 0)
		return -1;
	rc = read_and_copy(r, a, scratch, o, out, e);
	record_close(r);
	return rc;
}

/* Without a record that is there nothing has to be held: who makes one meanwhile is told. */
static int put_in_place(const char *scratch, const char *path, struct arena *a,
			const struct ledger_head *was, bool has_present, struct err *e)
{
	struct record *present;
	int rc;

	if (!has_present)
		return name_copy(a, scratch, path, e);
	if (hold_present(path, a, was, &present, e) != 0)
		return -1;
	rc = keep_access(scratch, path, e) != 0 ? -1 : exchange(a, scratch, path, e);
	record_close(present); /* its transaction wrote nothing */
	return rc;
}

/* Where no key is trusted that of the record that is there counts. */
static struct ledger_trust trust_of(const struct copy_options *o, const struct ledger_key *keys,
				    size_t n_keys)
{
	struct ledger_trust t = o->trust;

	if (o->is_unsigned) {
		t.keys = NULL;
		t.n_keys = 0;
	} else if (t.n_keys == 0 && n_keys > 0) {
		t.keys = &keys[n_keys - 1].key;
		t.n_keys = 1;
	}
	return t;
}

static int import(const char *scratch, const char *path, const char *from, struct arena *a,
		  const struct copy_options *o, struct imported *out, struct err *e)
{
	struct ledger_verification v;
	struct ledger_trust trust;
	struct ledger_key *keys = NULL;
	struct ledger_head is, copy;
	size_t n_keys;
	int absent;

	if (copy_in(scratch, from, a, o, &copy, e) != 0)
		return -1;
	absent = read_present(path, a, &is, &keys, &n_keys, e);
	trust = trust_of(o, keys, n_keys);
	trust.root_at = is.size;
	if (absent < 0 || (absent == 0 && check_same(path, from, &is, &copy, e) != 0) ||
	    verify_copy(scratch, from, a, &trust, &v, e) != 0 ||
	    (absent == 0 && check_extends(path, from, &is, &v, e) != 0))
		return -1;
	*out = (struct imported){
		.head = v.head,
		.is_new = absent == 1,
		.is_same = absent == 0 && v.head.size == is.size,
		.n_more = v.head.size - is.size,
	};
	if (out->is_same)
		return 0;
	if (trust.n_keys > 0 && check_signed(from, &v, e) != 0)
		return -1;
	return put_in_place(scratch, path, a, &is, absent == 0, e);
}

/* A link stays one: it is the file that is replaced. A name without a file is itself. */
static int follow_links(const char *path, struct arena *a, const char **out, struct err *e)
{
	char *real;
	struct stat st;

	*out = path;
	if (lstat(path, &st) != 0 && errno == ENOENT)
		return 0;
	real = realpath(path, NULL);
	if (real == NULL)
		return err_set(e, ERR_RECORD, "could not follow \"%s\": %s", path, strerror(errno));
	*out = arena_strdup(a, real);
	free(real);
	return 0;
}

int record_import(const char *path, const char *from, struct arena *a, const struct copy_options *o,
		  struct imported *out, struct err *e)
{
	const char *scratch;
	int rc;

	if (follow_links(path, a, &path, e) != 0)
		return -1;

	if (scratch_name(a, path, &scratch, e) != 0)
		return -1;
	rc = import(scratch, path, from, a, o, out, e);
	remove_scratch(a, scratch);
	return rc;
}
