/*
 * db_sqlite_file: a look at the file before SQLite opens it, for what SQLite would do silently or
 * say badly: a missing or empty file, one that is no database, a WAL database that cannot be read
 * without writing beside it.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/err.h"
#include "runner/io/db_sqlite.h"
#include "runner/io/file.h"
#include "runner/io/file_registry.h"

#define SQLITE_HEADER_BYTES 100

/*
 * SQLite would create the -shm of a WAL database that nobody has open. Owned by us and not writable
 * by the owner of the database, it would stop the audited program itself.
 */
static int check_wal(const char *location, const struct stat *st, struct err *e)
{
	char *real = realpath(location, NULL); /* SQLite names the files after the link's target */
	struct stat shm_st;
	char shm[PATH_MAX + 8];

	if (!real)
		return err_set(e, ERR_MEASURE, "could not open database \"%s\": %s", location,
			       strerror(errno));
	/* A path that long could not have been opened. */
	(void)snprintf(shm, sizeof(shm), "%s-shm", real);
	bool has_shm = stat(shm, &shm_st) == 0;
	bool can_create = access(dirname(real), W_OK | X_OK) == 0;
	bool is_ours = geteuid() == 0 || geteuid() == st->st_uid;

	free(real);
	if (has_shm)
		return 0;
	if (!can_create)
		return sqlite_fail_wal(location, e);
	if (is_ours || (st->st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	err_set(e, ERR_MEASURE,
		"could not read database \"%s\": it is in WAL mode and nobody has it open, so "
		"reading would create a -shm file its owner cannot write",
		location);
	return err_help(e, "run as the owner of the database, or keep the program that writes it "
			   "running");
}

static int check_header(const char *location, int fd, const struct stat *st, struct err *e)
{
	unsigned char header[SQLITE_HEADER_BYTES];
	ssize_t n = pread(fd, header, sizeof(header), 0);

	if (n < 0)
		return err_set(e, ERR_MEASURE, "could not read database \"%s\": %s", location,
			       strerror(errno));
	if (st->st_size == 0)
		return err_set(e, ERR_MEASURE,
			       "cannot read database \"%s\": the file is empty (0 bytes)",
			       location);
	if (n < SQLITE_HEADER_BYTES || memcmp(header, "SQLite format 3", 16) != 0)
		return err_set(
			e, ERR_MEASURE,
			"cannot read database \"%s\": the file is not an SQLite database, or "
			"it is encrypted",
			location);
	return header[18] == 2 ? check_wal(location, st, e) : 0;
}

int sqlite_preflight(const char *location, struct err *e)
{
	struct stat st;

	if (stat(location, &st) != 0)
		return err_set(e, ERR_MEASURE, "could not open database \"%s\": %s", location,
			       strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_MEASURE, "cannot open database \"%s\": it is a directory",
			       location);
	/* Open under another name: looked at already, and reading it now would drop its locks. */
	if (file_is_registered(AT_FDCWD, location, &st))
		return 0;
	int fd = file_open(location, &st, e);

	if (fd < 0)
		return err_context(e, "could not open database \"%s\"", location);
	int rc = check_header(location, fd, &st, e);

	/* Nothing was written. */
	(void)close(fd);
	return rc;
}
