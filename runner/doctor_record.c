/*
 * The record: first as a file, before anything has it open, then as a database.
 *
 * What a killed writer left is told, and the record then stays closed: opening it would put that
 * right, and whoever asks a doctor wants to know what there was.
 */
#include "runner/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/history/record.h"
#include "runner/io/file.h"
#include "runner/io/shared_log.h"

#define OTHERS_WRITE (S_IWGRP | S_IWOTH)
#define FREE_LEAST   INT64_C(67108864) /* a day of a large definition fits many times over */
#define FREE_SHARE   4		       /* of the record's size, for its journal */
#define INODES_LEAST 16

static const char *said(const struct doctor *d, const struct err *e)
{
	return arena_strdup(d->arena, e->message);
}

static void find_said(struct doctor *d, enum doctor_grade grade, const struct err *e)
{
	doctor_find(d, grade, NULL, e->help[0] != '\0' ? arena_strdup(d->arena, e->help) : NULL,
		    "%s", said(d, e));
}

static const char *size_of(const struct doctor *d, int64_t bytes)
{
	char text[NUM_REAL_MAX];

	(void)num_format_size(bytes, text); /* its length */
	return arena_strdup(d->arena, text);
}

/* ---- is it one, and can it be opened ---- */

/* Says so and gives false when it is not to be opened. */
static bool is_usable(struct doctor *d)
{
	const struct record_file *f = &d->file;

	if (file_leads_nowhere(d->path))
		doctor_find(d, DOCTOR_BROKEN, NULL,
			    "put that back, or name another file with --record",
			    "\"%s\" is a link, and what it leads to is not there", d->path);
	else if (!f->exists)
		doctor_find(d, DOCTOR_DOUBT, NULL, "assize run makes one",
			    "there is none: \"%s\" does not exist", d->path);
	else if (!f->is_regular)
		doctor_find(d, DOCTOR_BROKEN, NULL, "name another file with --record",
			    "\"%s\" is not a file", d->path);
	else if (f->is_empty)
		doctor_find(d, DOCTOR_DOUBT, NULL, "assize run makes one", "\"%s\" is empty",
			    d->path);
	else if (!f->is_database || !f->is_record)
		doctor_find(d, DOCTOR_BROKEN, NULL, "name another file with --record",
			    "\"%s\" is %s, not a record", d->path,
			    f->is_database ? "a database of something else" : "no SQLite database");
	else if (f->version > f->newest || f->version < 1)
		doctor_find(d, DOCTOR_BROKEN, NULL, "a newer assize wrote it: use that one",
			    "\"%s\" has version %lld, this assize knows versions up to %lld",
			    d->path, (long long)f->version, (long long)f->newest);
	else if (f->version < f->newest)
		doctor_find(d, DOCTOR_DOUBT, NULL, "assize run brings it up to date",
			    "\"%s\" has version %lld, older than %lld: nothing in it was looked at",
			    d->path, (long long)f->version, (long long)f->newest);
	else
		return true;
	return false;
}

/* Of one that cannot be reached whoever reads it says so. */
static void look_at_writing(struct doctor *d, const struct shared_url *url)
{
	struct shared_log *log;
	struct err e = {0};

	if (shared_log_open(url, &log, NULL) != 0)
		return;
	if (log->driver->examine(log, &e) != 0)
		find_said(d, DOCTOR_DOUBT, &e); /* of who only reads, nothing is wrong */
	log->driver->close(log);
}

/* On a server: there is no file of its own to look at. */
static void look_at_shared(struct doctor *d, const char *url)
{
	struct shared_url parsed;
	struct err e = {0};
	int64_t behind;

	d->path = "a record on a server"; /* until it is known what may be shown of the URL */
	if (shared_url_parse(d->arena, url, &parsed, &e) == 0) {
		d->path = parsed.shown;
		look_at_writing(d, &parsed);
	}
	if (e.class != ERR_NONE || record_open(url, RECORD_READ, &d->record, &e) != 0 ||
	    ledger_head(d->record, d->arena, &d->head, &e) != 0 ||
	    record_find_behind(d->record, &behind, &e) != 0) {
		find_said(d, DOCTOR_BROKEN, &e);
		record_close(d->record);
		d->record = NULL;
		return;
	}
	if (behind > 0)
		doctor_find(d, DOCTOR_BROKEN, NULL, "assize run says what is to be removed",
			    "nobody can write to %s: the server has change %lld behind its head",
			    d->path, (long long)behind);
	doctor_find(d, DOCTOR_OK, NULL, NULL, "%s: %llu records", d->path,
		    (unsigned long long)d->head.size);
	doctor_find(d, DOCTOR_NOTE, NULL, "assize ledger verify holds it against the server",
		    "this machine's copy was not looked at: who can write it decides what is read");
}

void doctor_look_record(struct doctor *d)
{
	struct err e = {0};

	if (d->path == NULL)
		return;
	d->url = d->path;
	if (shared_url_is(d->url)) {
		look_at_shared(d, d->url);
		return;
	}
	if (record_examine(d->arena, d->path, &d->file, &e) != 0) {
		doctor_find(d, DOCTOR_BROKEN, NULL, "run it as the user the record belongs to",
			    "%s", said(d, &e));
		return;
	}
	if (!is_usable(d))
		return;
	if (d->file.is_journal_hot || d->file.is_wal) {
		doctor_find(d, DOCTOR_DOUBT, NULL, NULL,
			    "\"%s\" was left as it is, nothing in it was looked at: see journal",
			    d->path);
	} else if (record_open(d->path, RECORD_READ, &d->record, &e) != 0 ||
		   ledger_head(d->record, d->arena, &d->head, &e) != 0) {
		find_said(d, DOCTOR_BROKEN, &e);
		record_close(d->record);
		d->record = NULL;
	} else {
		doctor_find(d, DOCTOR_OK, NULL, NULL, "%s: version %lld, %s, %llu records", d->path,
			    (long long)d->file.version, size_of(d, d->file.stat.st_size),
			    (unsigned long long)d->head.size);
	}
}

/* ---- where it is ---- */

void doctor_look_file_system(struct doctor *d)
{
	enum file_system kind;
	const char *name = d->file.has_dir ? file_system(d->arena, d->file.dir, &kind) : NULL;

	if (name == NULL)
		return;
	switch (kind) {
	case FILE_SYSTEM_LOCAL:
		doctor_find(d, DOCTOR_OK, NULL, NULL, "%s", name);
		break;
	case FILE_SYSTEM_UNKNOWN:
		doctor_find(d, DOCTOR_NOTE, NULL,
			    "locks and syncs must hold there: it must be local",
			    "%s, of which nothing is known", name);
		break;
	case FILE_SYSTEM_PASSING:
		doctor_find(d, DOCTOR_DOUBT, NULL, "keep it on a disk: --record PATH",
			    "%s: the record is gone when the machine or its container is", name);
		break;
	case FILE_SYSTEM_NETWORK:
		doctor_find(d, DOCTOR_BROKEN, NULL, "name a local file with --record",
			    "%s: file locks and syncs cannot be relied on over a network", name);
		break;
	}
}

/* By group or others, who must get through the directory as well. */
static bool is_readable(mode_t mode, mode_t dir_mode)
{
	return ((mode & S_IRGRP) != 0 && (dir_mode & S_IXGRP) != 0) ||
	       ((mode & S_IROTH) != 0 && (dir_mode & S_IXOTH) != 0);
}

static const char *user_of(const struct doctor *d, uid_t uid)
{
	struct passwd entry, *found = NULL;
	char text[4096];

	if (getpwuid_r(uid, &entry, text, sizeof(text), &found) == 0 && found != NULL)
		return arena_strdup(d->arena, entry.pw_name);
	return arena_printf(d->arena, "uid %lu", (unsigned long)uid);
}

static void look_at_mode(struct doctor *d, const char *path, const struct stat *st, bool is_dir)
{
	unsigned mode = st->st_mode & 07777;
	const char *what = is_dir ? "what is in the directory" : "the record";

	if ((mode & OTHERS_WRITE) != 0)
		doctor_find(d, DOCTOR_BROKEN, path, arena_printf(d->arena, "chmod go-w %s", path),
			    "mode %04o: others may %s %s", mode, is_dir ? "replace" : "rewrite",
			    what);
	else if (st->st_uid != geteuid() && st->st_uid != 0)
		doctor_find(d, DOCTOR_DOUBT, path, NULL, "belongs to %s, who may change it",
			    user_of(d, st->st_uid));
	else if (!is_dir && is_readable(mode, d->file.dir_stat.st_mode))
		doctor_find(d, DOCTOR_NOTE, path, arena_printf(d->arena, "chmod go-r %s", path),
			    "mode %04o: others may read it, queries and evidence included", mode);
	else
		doctor_find(d, DOCTOR_OK, path, NULL, "mode %04o, of %s", mode,
			    user_of(d, st->st_uid));
}

/* A journal is made beside the file for every change: both must be open to whoever asks. */
static void look_at_access(struct doctor *d, const char *path, bool is_dir)
{
	const char *why;

	if (faccessat(AT_FDCWD, path, is_dir ? W_OK | X_OK : W_OK, AT_EACCESS) == 0)
		return;
	why = strerror(errno);
	doctor_find(d, DOCTOR_DOUBT, path,
		    "run assize as the user it belongs to, or name another record with --record",
		    "%s: %s: nothing can be recorded by %s",
		    is_dir ? "no journal can be made in it" : "it cannot be written", why,
		    user_of(d, geteuid()));
}

void doctor_look_permissions(struct doctor *d)
{
	if (d->file.has_dir) {
		look_at_mode(d, d->file.dir, &d->file.dir_stat, true);
		look_at_access(d, d->file.dir, true);
	}
	if (d->file.exists && d->file.is_regular) {
		look_at_mode(d, d->path, &d->file.stat, false);
		look_at_access(d, d->path, false);
	}
}

void doctor_look_journal(struct doctor *d)
{
	const struct record_file *f = &d->file;

	if (!f->is_record)
		return;
	if (f->is_wal)
		doctor_find(d, DOCTOR_DOUBT, NULL,
			    "ask who did; the next assize that writes switches it back",
			    "another tool switched the record to a write-ahead log");
	else if (f->is_journal_hot)
		doctor_find(d, DOCTOR_DOUBT, NULL,
			    "assize status opens the record and takes back what was not committed",
			    "%s-journal was left by a writer that is gone", d->path);
	else if (f->has_journal)
		doctor_find(d, DOCTOR_OK, NULL, NULL, "a rollback journal, of a writer at work");
	else
		doctor_find(d, DOCTOR_OK, NULL, NULL, "a rollback journal, and none was left");
}

void doctor_look_space(struct doctor *d)
{
	int64_t bytes, inodes, needed = FREE_LEAST + d->file.stat.st_size / FREE_SHARE;
	struct err e = {0};

	if (!d->file.has_dir)
		return;
	if (file_free_space(d->file.dir, &bytes, &inodes, &e) != 0)
		doctor_find(d, DOCTOR_DOUBT, NULL, NULL, "%s", said(d, &e));
	else if (bytes < needed)
		doctor_find(
			d, DOCTOR_DOUBT, NULL,
			"make room, assize prune does: what cannot be recorded is exit status 4",
			"%s, less than %s", size_of(d, bytes), size_of(d, needed));
	else if (inodes < INODES_LEAST)
		doctor_find(d, DOCTOR_DOUBT, NULL, "remove files: a journal is a file of its own",
			    "%lld files more can be made there", (long long)inodes);
	else
		doctor_find(d, DOCTOR_OK, NULL, NULL, "%s", size_of(d, bytes));
}

/* ---- what is in it ---- */

void doctor_look_pages(struct doctor *d)
{
	const char *why;
	struct err e = {0};

	if (d->record == NULL)
		return;
	if (record_quick_check(d->record, d->arena, &why, &e) != 0)
		why = said(d, &e);
	if (why == NULL)
		doctor_find(d, DOCTOR_OK, NULL, NULL, "SQLite finds nothing wrong with any");
	else
		doctor_find(d, DOCTOR_BROKEN, NULL,
			    "put the file aside and restore a copy; assize ledger verify says more",
			    "%s", why);
}

void doctor_look_runs(struct doctor *d)
{
	int64_t n, newest, newest_ms;
	struct err e = {0};

	if (d->record == NULL)
		return;
	if (record_unended(d->record, &n, &newest, &e) != 0 ||
	    record_newest_ms(d->record, 0, &newest_ms, &e) != 0) {
		doctor_find(d, DOCTOR_BROKEN, NULL, NULL, "%s", said(d, &e));
		return;
	}
	if (newest_ms < 0)
		doctor_find(d, DOCTOR_NOTE, NULL, "assize run", "nothing was recorded yet");
	else
		doctor_find(d, DOCTOR_OK, NULL, NULL, "the newest record was made %s",
			    doctor_age(d, newest_ms));
	if (n > 0)
		doctor_find(
			d, DOCTOR_NOTE, NULL,
			"killed, or at work: assize history lists them; none of them opens a gate",
			"%lld without an end, the newest is run %lld", (long long)n,
			(long long)newest);
}
