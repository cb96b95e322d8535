/*
 * A record as it is now, in a file without a name that goes with its handle: what takes long to be
 * looked at would else keep everybody from committing meanwhile.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/history/store.h"

static int copy_pages(struct record *from, sqlite3 *to, struct err *e)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from->db, "main");
	int rc = b != NULL ? sqlite3_backup_step(b, -1) : SQLITE_ERROR;

	if (b != NULL)
		(void)sqlite3_backup_finish(b); /* tells the same failure again */
	return rc == SQLITE_DONE ? 0
				 : err_set(e, ERR_RECORD, "could not copy record \"%s\": %s",
					   from->path, sqlite3_errstr(rc));
}

static int copy(struct record *from, sqlite3 *to, struct err *e)
{
	bool is_there;
	int rc;

	if (store_enter(from, STORE_READING, e) != 0)
		return -1;
	/* the transaction begins to read, and waits for who writes, which a copy would not */
	rc = store_exists(from, "SELECT EXISTS (SELECT 1 FROM head)", &is_there, e);
	if (rc == 0)
		rc = copy_pages(from, to, e);
	return store_leave(from, rc, e);
}

int store_aside(struct record *r, struct record **out, struct err *e)
{
	struct record *aside = xmalloc(sizeof(*aside));
	int rc;

	memset(aside, 0, sizeof(*aside));
	aside->path = xstrdup(r->path);
	aside->mode = RECORD_READ;
	aside->owner = getpid();
	aside->lock_bytes.fd = -1;
	/* SQLite removes it once it is open, so that nothing is left of a process that is killed */
	rc = sqlite3_open_v2("", &aside->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
			     SQLITE_OK
		     ? copy(r, aside->db, e)
		     : err_set(e, ERR_RECORD, "could not open a copy of record \"%s\"", r->path);
	if (rc == 0)
		rc = store_configure(aside, e);
	if (rc != 0) {
		record_close(aside);
		return -1;
	}
	*out = aside;
	return 0;
}
