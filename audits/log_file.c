/*
 * Finding and reading. A file is opened anew each time it is looked into and must still be the one
 * that was found: a thousand descriptors are not kept open for the sake of one rotation.
 */
#include "audits/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/digest.h"
#include "runner/io/file.h"
#include "runner/io/http_gunzip.h"

#define BLOCK_BYTES (128 * 1024)

void log_digest(const void *p, size_t n, char out[static LOG_HEX])
{
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];

	sha256_of(p, n, digest);
	sha256_hex(digest, hex);
	memcpy(out, hex, LOG_HEX - 1);
	out[LOG_HEX - 1] = '\0';
}

/* ---- reading ---- */

static int reopen(const struct log_file *f, struct err *e)
{
	struct stat st;
	int fd = file_open(f->path, &st, e);

	if (fd < 0)
		return -1;
	if ((uint64_t)st.st_dev == f->device && (uint64_t)st.st_ino == f->inode &&
	    (int64_t)st.st_size >= f->size)
		return fd;
	(void)close(fd); /* only read from */
	(void)err_set(e, ERR_MEASURE, "%s was replaced or cut while it was looked at", f->name);
	return err_help(e, "it was rotated just now: the next run reads it");
}

/* Bytes at a place; fewer than asked for are an error. */
static int read_at(int fd, const struct log_file *f, char *to, size_t n, int64_t at, struct err *e)
{
	ssize_t got = file_read_at(fd, to, n, (uint64_t)at);

	if (got < 0)
		return err_set(e, ERR_MEASURE, "could not read %s: %s", f->name, strerror(errno));
	if ((size_t)got < n)
		return err_set(e, ERR_MEASURE, "%s was cut while it was read", f->name);
	return 0;
}

static int check_limits(const struct log_file *f, struct err *e)
{
	const struct log_limits *l = f->limits;

	if (atomic_load(l->is_interrupted))
		return err_set(e, ERR_MEASURE, "the run was interrupted");
	if (clock_monotonic_ms(l->clock) <= l->deadline_ms)
		return 0;
	(void)err_set(e, ERR_MEASURE, "could not read %s to the end in time", f->name);
	return err_help(e, "give the check a longer timeout; nothing is passed over meanwhile");
}

static int read_stored(int fd, const struct log_file *f, int64_t from, log_sink *sink, void *ctx,
		       struct err *e)
{
	char *block = xmalloc(BLOCK_BYTES);
	int rc = 0;

	while (rc == 0 && from < f->size) {
		int64_t left = f->size - from;
		size_t n = left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;

		rc = check_limits(f, e);
		if (rc == 0)
			rc = read_at(fd, f, block, n, from, e);
		if (rc == 0)
			rc = sink(ctx, block, n, e);
		from += (int64_t)n;
	}
	free(block);
	return rc;
}

/* What of an unpacked stream goes on to the sink. */
struct unpacking {
	int64_t skip;
	log_sink *sink;
	void *ctx;
	struct http_gunzip *gunzip;
};

static int on_unpacked(void *ctx, const char *p, size_t n, struct err *e)
{
	struct unpacking *u = ctx;

	if ((int64_t)n <= u->skip) {
		u->skip -= (int64_t)n;
		return 0;
	}
	p += u->skip;
	n -= (size_t)u->skip;
	u->skip = 0;
	return u->sink(u->ctx, p, n, e);
}

static int on_packed(void *ctx, const char *p, size_t n, struct err *e)
{
	struct unpacking *u = ctx;

	return http_gunzip_feed(u->gunzip, p, n, on_unpacked, u, e);
}

static int read_packed(int fd, const struct log_file *f, int64_t from, log_sink *sink, void *ctx,
		       struct err *e)
{
	struct unpacking u = {from, sink, ctx, http_gunzip_new()};
	int rc = read_stored(fd, f, 0, on_packed, &u, e);

	if (rc == 0 && !http_gunzip_is_ended(u.gunzip))
		rc = err_set(e, ERR_MEASURE, "its gzip stream is not whole");
	else if (rc == 0 && u.skip > 0)
		rc = err_set(e, ERR_MEASURE, "it is shorter than before it was packed");
	http_gunzip_free(u.gunzip);
	return rc == 0 ? 0 : err_context(e, "%s", f->name);
}

int log_file_read(const struct log_file *f, int64_t from, log_sink *sink, void *ctx, struct err *e)
{
	int fd = reopen(f, e), rc;

	if (fd < 0)
		return -1;
	rc = f->is_packed ? read_packed(fd, f, from, sink, ctx, e)
			  : read_stored(fd, f, from, sink, ctx, e);
	(void)close(fd); /* only read from */
	return rc;
}

static int find_newline(int fd, const struct log_file *f, char *block, int64_t *out, struct err *e)
{
	for (int64_t end = f->size; end > 0;) {
		int64_t from = end > BLOCK_BYTES ? end - BLOCK_BYTES : 0;
		size_t n = (size_t)(end - from);

		if (check_limits(f, e) < 0 || read_at(fd, f, block, n, from, e) < 0)
			return -1;
		while (n > 0 && block[n - 1] != '\n')
			n--;
		if (n > 0) {
			*out = from + (int64_t)n;
			return 0;
		}
		end = from;
	}
	*out = 0;
	return 0;
}

int log_file_last_line(const struct log_file *f, int64_t *out, struct err *e)
{
	int fd = reopen(f, e), rc;
	char *block;

	if (fd < 0)
		return -1;
	block = xmalloc(BLOCK_BYTES);
	rc = find_newline(fd, f, block, out, e);
	free(block);
	(void)close(fd); /* only read from */
	return rc;
}

/* ---- what is in front of a place ---- */

struct window {
	int64_t from, before, at; /* of the bytes that come: where, and which are wanted */
	char bytes[LOG_HEAD_BYTES];
	size_t n;
	bool is_full; /* nothing further is needed */
};

static int on_window(void *ctx, const char *p, size_t n, struct err *e)
{
	struct window *w = ctx;

	for (size_t i = 0; i < n && !w->is_full; i++, w->at++) {
		if (w->at >= w->from && w->at < w->before)
			w->bytes[w->n++] = p[i];
		w->is_full = w->at + 1 >= w->before;
	}
	return w->is_full ? err_set(e, ERR_MEASURE, "read far enough") : 0;
}

/* The bytes from..before of the file. 0 whole, 1 the file is shorter. */
static int read_window(int fd, const struct log_file *f, struct window *w, struct err *e)
{
	struct err stopped = {.class = ERR_NONE};
	int rc;

	if (w->before <= w->from)
		return 0;
	if (!f->is_packed) {
		if (w->before > f->size)
			return 1;
		w->n = (size_t)(w->before - w->from);
		return read_at(fd, f, w->bytes, w->n, w->from, e);
	}
	rc = read_packed(fd, f, 0, on_window, w, &stopped);
	if (rc == 0 || w->is_full)
		return w->is_full ? 0 : 1;
	*e = stopped;
	return -1;
}

int log_file_tail(const struct log_file *f, int64_t before, char out[static LOG_HEX], struct err *e)
{
	struct window w = {.before = before,
			   .from = before > LOG_HEAD_BYTES ? before - LOG_HEAD_BYTES : 0};
	int fd = reopen(f, e), rc;

	if (fd < 0)
		return -1;
	rc = read_window(fd, f, &w, e);
	(void)close(fd); /* only read from */
	if (rc == 0)
		log_digest(w.bytes, w.n, out);
	return rc;
}

/* ---- finding ---- */

static int read_head(int fd, struct log_file *f, struct err *e)
{
	unsigned char magic[2] = {0};
	struct window w = {.before = LOG_HEAD_BYTES};
	int rc;

	if (f->size >= 2 && read_at(fd, f, (char *)magic, 2, 0, e) < 0)
		return -1;
	f->is_packed = magic[0] == 0x1f && magic[1] == 0x8b;
	if (!f->is_packed && f->size < w.before)
		w.before = f->size;
	rc = read_window(fd, f, &w, e);
	if (rc < 0)
		return -1;
	memcpy(f->head, w.bytes, w.n);
	f->n_head = w.n;
	return 0;
}

/* 1 = there, 0 = gone meanwhile, or no file. */
static int look_at(struct arena *a, const struct log_paths *paths, const char *path, bool is_live,
		   struct log_file *out, struct err *e)
{
	struct stat st;
	int fd, rc;

	if (stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	fd = file_open(path, &st, e);
	if (fd < 0)
		return -1;
	*out = (struct log_file){
		.limits = paths->limits,
		.path = path,
		.name = str_escaped(a, file_shown(a, paths->root_dir, path)),
		.is_live = is_live,
		.device = (uint64_t)st.st_dev,
		.inode = (uint64_t)st.st_ino,
		.size = (int64_t)st.st_size,
		.modified_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000,
	};
	rc = read_head(fd, out, e);
	(void)close(fd); /* only read from */
	return rc == 0 ? 1 : -1;
}

struct finding {
	struct arena *arena;
	const struct log_paths *paths;
	struct log_file *files;
	size_t n, cap;
};

static bool is_known(const struct finding *f, const struct log_file *file)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->files[i].inode == file->inode && f->files[i].device == file->device)
			return true;
	return false;
}

/* A packed file beside the one it is made from is not whole yet, or holds nothing else. */
static bool is_being_packed(const char *path)
{
	size_t n = strlen(path);
	char plain[4096];

	if (!str_ends(path, ".gz") || n >= sizeof(plain))
		return false;
	memcpy(plain, path, n - 3);
	plain[n - 3] = '\0';
	return access(plain, F_OK) == 0;
}

static void grow(struct finding *f)
{
	struct log_file *files;

	f->cap = f->cap > 0 ? 2 * f->cap : 4;
	files = arena_array(f->arena, f->cap, sizeof(*files));
	if (f->n > 0)
		memcpy(files, f->files, f->n * sizeof(*files));
	f->files = files;
}

static int take_glob(struct finding *f, const char *pattern, bool is_live, struct err *e)
{
	const char **paths;
	size_t n;

	if (file_glob(f->arena, pattern, &paths, &n, e) < 0)
		return -1;
	if (n == 0) { /* a name may look like a pattern that does not match itself */
		paths = arena_alloc(f->arena, sizeof(*paths));
		paths[n++] = pattern;
	}
	for (size_t i = 0; i < n; i++) {
		struct log_file file;
		int rc;

		if (is_being_packed(paths[i]))
			continue;
		rc = look_at(f->arena, f->paths, paths[i], is_live, &file, e);
		if (rc < 0)
			return -1;
		if (rc == 0 || is_known(f, &file))
			continue;
		if (f->n == LOG_MAX_FILES)
			return err_set(e, ERR_MEASURE, "\"%s\" names more than %d files", pattern,
				       LOG_MAX_FILES);
		if (f->n == f->cap)
			grow(f);
		f->files[f->n++] = file;
	}
	return 0;
}

static int compare_files(const void *a, const void *b)
{
	const struct log_file *x = a, *y = b;

	if (x->is_live != y->is_live)
		return x->is_live ? 1 : -1;
	if (x->modified_ms != y->modified_ms)
		return x->modified_ms < y->modified_ms ? -1 : 1;
	return strcmp(x->path, y->path);
}

int log_files_find(struct arena *a, const struct log_paths *paths, struct log_file **out, size_t *n,
		   struct err *e)
{
	struct finding f = {.arena = a, .paths = paths};
	int rc = take_glob(&f, paths->live, true, e);

	if (rc == 0 && paths->rotated)
		rc = take_glob(&f, paths->rotated, false, e);
	else if (rc == 0 && (take_glob(&f, arena_printf(a, "%s.[0-9]*", paths->live), false, e) ||
			     take_glob(&f, arena_printf(a, "%s-[0-9]*", paths->live), false, e)))
		rc = -1;
	if (rc < 0)
		return -1;
	if (f.n > 1)
		qsort(f.files, f.n, sizeof(*f.files), compare_files);
	*out = f.files;
	*n = f.n;
	return 0;
}
