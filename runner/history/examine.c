/*
 * The header of a database file, its journal, and the lock that tells a writer at work from one
 * that was killed.
 *
 * Source: SQLite's file format (sections 1.3 and 3), and its locking protocol: a rollback journal
 * is hot when its first byte is not zero and nobody holds the RESERVED byte or more.
 */
#include "runner/history/examine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/library_version.h"
#include "runner/base/num.h"
#include "runner/history/store.h"
#include "runner/io/file.h"

#define HEADER_BYTES 100
#define AT_VERSIONS  18 /* 1, 1 = rollback journal; 2, 2 = write-ahead log */
#define AT_USER	     60
#define AT_ID	     68
#define LOCK_START   0x40000000 /* PENDING, then RESERVED */
#define LOCK_BYTES   2

static const char magic[] = "SQLite format 3"; /* with its NUL */

static int64_t number(const unsigned char *p)
{
	uint32_t v = num_be32(p);

	return v <= INT32_MAX ? (int64_t)v : (int64_t)v - ((int64_t)1 << 32);
}

static void read_header(const unsigned char *p, size_t n, struct record_file *out)
{
	out->is_empty = n == 0;
	out->is_database = n == HEADER_BYTES && memcmp(p, magic, sizeof(magic)) == 0;
	if (!out->is_database)
		return;
	out->is_record = number(p + AT_ID) == STORE_APPLICATION_ID;
	out->version = number(p + AT_USER);
	out->is_wal = p[AT_VERSIONS] == 2 || p[AT_VERSIONS + 1] == 2;
}

static bool is_held(int fd)
{
	struct flock lock = {.l_type = F_WRLCK,
			     .l_whence = SEEK_SET,
			     .l_start = LOCK_START,
			     .l_len = LOCK_BYTES};

	return fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

static bool begins_with_nothing(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	unsigned char first = 0;
	ssize_t n = fd < 0 ? 1 : read(fd, &first, 1);

	if (fd < 0)
		return errno == ENOENT; /* gone since; else it cannot be read, and may be hot */
	(void)close(fd);		/* was read only */
	return n == 0 || (n == 1 && first == 0);
}

static void look_at_journal(struct arena *a, const char *path, int fd, struct record_file *out)
{
	const char *journal = arena_printf(a, "%s-journal", path);
	struct stat st;

	out->has_journal = lstat(journal, &st) == 0;
	/* In this order: a writer who ends between the two has taken his journal away. */
	out->is_journal_hot = out->has_journal && !is_held(fd) && lstat(journal, &st) == 0 &&
			      !begins_with_nothing(journal);
}

static const char *directory_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return ".";
	return slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

static int look_inside(struct arena *a, const char *path, struct record_file *out, struct err *e)
{
	unsigned char header[HEADER_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : pread(fd, header, sizeof(header), 0);

	if (n < 0)
		(void)err_set(e, ERR_RECORD, "could not read record \"%s\": %s", path,
			      strerror(errno));
	else
		read_header(header, (size_t)n, out);
	if (n >= 0)
		look_at_journal(a, path, fd, out);
	if (fd >= 0)
		(void)close(fd); /* was read only */
	return n < 0 ? -1 : 0;
}

int record_examine(struct arena *a, const char *path, struct record_file *out, struct err *e)
{
	*out = (struct record_file){.dir = directory_of(a, path), .newest = STORE_VERSION};
	out->has_dir = stat(out->dir, &out->dir_stat) == 0;
	if (stat(path, &out->stat) != 0) {
		if (errno == ENOENT || file_leads_nowhere(path))
			return 0;
		return err_set(e, ERR_RECORD, "could not look at record \"%s\": %s", path,
			       strerror(errno));
	}
	out->exists = true;
	out->is_regular = S_ISREG(out->stat.st_mode);
	return out->is_regular ? look_inside(a, path, out, e) : 0;
}

/* ---- of an open record ---- */

int record_quick_check(struct record *r, struct arena *a, const char **why, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "PRAGMA quick_check(1)", e);
	const char *text;

	if (s == NULL || store_step(r, s, e) < 0)
		return -1;
	text = store_text_or(s, 0, a, "it says nothing");
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	*why = strcmp(text, "ok") == 0 ? NULL : text;
	return 0;
}

/* Of each kind the one numbered last: the numbers are indexed, the times are not. */
int record_newest_ms(struct record *r, int64_t before_seq, int64_t *out, struct err *e)
{
	static const char sql[] =
		"SELECT coalesce(max(ms), -1) FROM ("
		"SELECT * FROM (SELECT begin_ms AS ms FROM runs WHERE seq < ?1 ORDER BY seq DESC "
		"LIMIT 1) UNION ALL "
		"SELECT * FROM (SELECT end_ms FROM run_ends WHERE seq < ?1 ORDER BY seq DESC LIMIT "
		"1) "
		"UNION ALL SELECT * FROM (SELECT at_ms FROM decisions WHERE seq < ?1 ORDER BY seq "
		"DESC LIMIT 1) UNION ALL "
		"SELECT * FROM (SELECT at_ms FROM overrides WHERE seq < ?1 ORDER BY seq DESC LIMIT "
		"1) "
		"UNION ALL SELECT * FROM (SELECT recorded_ms FROM externals WHERE seq < ?1 ORDER "
		"BY "
		"seq DESC LIMIT 1) UNION ALL "
		"SELECT * FROM (SELECT recorded_ms FROM challenges WHERE seq < ?1 ORDER BY seq "
		"DESC "
		"LIMIT 1) UNION ALL "
		"SELECT * FROM (SELECT at_ms FROM keys WHERE seq < ?1 ORDER BY seq DESC LIMIT 1) "
		"UNION ALL SELECT * FROM (SELECT at_ms FROM anchors WHERE seq < ?1 ORDER BY seq "
		"DESC "
		"LIMIT 1) UNION ALL "
		"SELECT * FROM (SELECT at_ms FROM merges WHERE seq < ?1 ORDER BY seq DESC LIMIT 1) "
		"UNION ALL SELECT * FROM (SELECT at_ms FROM prunings WHERE seq < ?1 ORDER BY seq "
		"DESC "
		"LIMIT 1))";
	sqlite3_stmt *s = store_sql(r, sql, e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, before_seq > 0 ? before_seq : INT64_MAX);
	return store_integer(r, s, out, e) < 0 ? -1 : 0;
}

int record_unended(struct record *r, int64_t *n, int64_t *newest, struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "SELECT count(*), coalesce(max(id), 0) FROM runs WHERE NOT "
				    "EXISTS (SELECT 1 FROM run_ends WHERE run = runs.id)",
				    e);

	if (s == NULL || store_step(r, s, e) < 0)
		return -1;
	*n = sqlite3_column_int64(s, 0);
	*newest = sqlite3_column_int64(s, 1);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

void record_library(struct arena *a, struct library_version *out, bool *is_thread_safe)
{
	*is_thread_safe = sqlite3_threadsafe() != 0;
	*out = (struct library_version){
		.in_use = sqlite3_libversion(),
		.built = SQLITE_VERSION,
		.more = arena_printf(a, "THREADSAFE=%d", sqlite3_threadsafe()),
	};
}
