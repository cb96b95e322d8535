/*
 * The record is damaged as a disk or a hand would damage it, byte by byte and behind SQLite's back:
 * a moment is six bytes in it, and few other six bytes lie within the seconds of the world's
 * making.
 */
#include "runner/challenge_self_world.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/io/proc.h"
#include "runner/io/sandbox.h"

/* Three bytes that no other number of these records has. */
#define DATA_BYTES	 0x5a5b5c
#define MOMENT_BYTES	 6
#define MAX_RECORD_BYTES (64 * 1024 * 1024)
#define MAX_OUTPUT_BYTES (1024 * 1024)

static const char *path_of(const struct self_world *w, const char *name)
{
	return arena_printf(w->arena, "%s/%s", w->dir, name);
}

static const char *moment(const struct self_world *w, int64_t by_ms)
{
	char text[UTC_MAX];

	(void)utc_format(clock_wall_ms(w->clock) + by_ms, 0, text); /* its length */
	return arena_strdup(w->arena, text);
}

/* What @NAME@ stands for; NULL = nothing. */
static const char *meaning(const struct self_world *w, const char *name, size_t n)
{
	const struct {
		const char *name, *text;
	} rows[] = {
		{"PROGRAM", w->program},
		{"POLICY", w->policy != NULL ? w->policy : ""},
		{"LAST_WEEK", moment(w, -7 * SELF_DAY_MS)},
		{"YESTERDAY", moment(w, -SELF_DAY_MS)},
		{"TOMORROW", moment(w, SELF_DAY_MS)},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0)
			return rows[i].text;
	return NULL;
}

static const char *filled_in(const struct self_world *w, const char *text)
{
	struct buf b;
	const char *out;

	buf_init(&b, BUF_UNBOUNDED); /* texts of this program */
	for (const char *at = text; *at != '\0'; at++) {
		const char *end = *at == '@' ? strchr(at + 1, '@') : NULL;
		const char *value = end != NULL ? meaning(w, at + 1, (size_t)(end - at) - 1) : NULL;

		if (value == NULL) {
			(void)buf_putc(&b, *at);
			continue;
		}
		(void)buf_puts(&b, value);
		at = end;
	}
	out = arena_strndup(w->arena, b.data, b.len);
	buf_release(&b);
	return out;
}

int self_write(struct self_world *w, const char *name, const char *text, struct err *e)
{
	const char *filled = filled_in(w, text);

	return file_write_atomic(path_of(w, name), filled, strlen(filled), e);
}

int self_write_data(struct self_world *w, struct err *e)
{
	const char *path = path_of(w, "data");
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc = fd >= 0 ? ftruncate(fd, DATA_BYTES) : -1;

	if (rc != 0)
		(void)err_set(e, ERR_INTERNAL, "could not write \"%s\": %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd); /* nothing was written through it */
	return rc;
}

/* ---- programs ---- */

/* Landlock keeps the record as it is, for root as well. */
static const struct sandbox *without_writing(const struct self_world *w)
{
	struct sandbox *s = arena_alloc(w->arena, sizeof(*s));

	*s = (struct sandbox){.is_required = true,
			      .network = SANDBOX_ANY,
			      .has_local = true,
			      .user = geteuid() == 0 ? "root" : NULL};
	return s;
}

static const char *const *argv_of(const struct self_world *w, enum self_way way,
				  const char *const *words)
{
	const char **argv = arena_array(w->arena, SELF_MAX_WORDS + 4, sizeof(*argv));
	size_t n = 0;

	if (way == SELF_WITHOUT_ROOM) {
		argv[n++] = "/bin/sh";
		argv[n++] = "-c";
		argv[n++] = "ulimit -f 0; exec \"$0\" \"$@\"";
	}
	for (; *words != NULL && n < SELF_MAX_WORDS + 3; words++)
		argv[n++] = filled_in(w, *words);
	return argv;
}

int self_run(struct self_world *w, enum self_way way, const char *const *words, struct err *e)
{
	const char *const env[] = {
		"PATH=/usr/local/bin:/usr/bin:/bin",
		"LC_ALL=C.UTF-8",
		"TZ=UTC",
		arena_printf(w->arena, "HOME=%s", w->dir),
		arena_printf(w->arena, "TMPDIR=%s", w->dir),
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=assize",
		"GIT_AUTHOR_EMAIL=assize@localhost",
		"GIT_COMMITTER_NAME=assize",
		"GIT_COMMITTER_EMAIL=assize@localhost",
		NULL,
	};
	struct proc_request req = {
		.argv = argv_of(w, way, words),
		.env = env,
		.cwd = w->dir,
		.deadline_ms = clock_monotonic_ms(w->clock) + SELF_TIMEOUT_MS,
		.is_cancelled = w->is_interrupted,
		.max_output_bytes = MAX_OUTPUT_BYTES,
		.sandbox = way == SELF_WITHOUT_WRITING ? without_writing(w) : NULL,
	};
	struct proc_result result;

	if (proc_run(w->arena, w->clock, &req, &result, e) != 0)
		return -1;
	w->status = result.exit_status;
	w->out = result.out;
	w->err = result.err;
	return 0;
}

int self_ask(struct self_world *w, enum self_way way, const char *const *words, struct err *e)
{
	const char *all[SELF_MAX_WORDS + 1] = {w->program};
	size_t n = 1;

	while (*words != NULL && n < SELF_MAX_WORDS - 2)
		all[n++] = *words++;
	all[n++] = "--record";
	all[n++] = SELF_RECORD;
	return self_run(w, way, all, e);
}

int self_must(struct self_world *w, const char *const *words, struct err *e)
{
	if (self_run(w, SELF_FREELY, words, e) != 0)
		return -1;
	if (w->status == 0)
		return 0;
	return err_set(e, ERR_INTERNAL, "\"%s\" exited with %d: %s", words[0], w->status,
		       str_escaped(w->arena, w->err));
}

/* ---- the record ---- */

static int read_record(const struct self_world *w, struct buf *b, struct err *e)
{
	buf_init(b, MAX_RECORD_BYTES);
	return file_read(path_of(w, SELF_RECORD), b, e);
}

/* In place, which file_write_atomic() is too careful for: this is a database. */
static int write_record(const struct self_world *w, const struct buf *b, struct err *e)
{
	const char *path = path_of(w, SELF_RECORD);
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	int rc = fd >= 0 ? file_write_all(fd, b->data, b->len) : -1;

	if (fd >= 0 && close(fd) != 0)
		rc = -1;
	if (rc != 0)
		(void)err_set(e, ERR_INTERNAL, "could not damage \"%s\": %s", path,
			      strerror(errno));
	return rc;
}

static int64_t read_moment(const char *at)
{
	int64_t v = 0;

	for (size_t i = 0; i < MOMENT_BYTES; i++)
		v = v << 8 | (unsigned char)at[i];
	return v;
}

static void write_moment(char *at, int64_t v)
{
	for (size_t i = MOMENT_BYTES; i > 0; i--, v >>= 8)
		at[i - 1] = (char)(unsigned char)(v & 0xff);
}

int self_shift(struct self_world *w, int64_t by_ms, struct err *e)
{
	int64_t until_ms = clock_wall_ms(w->clock);
	struct buf b;
	size_t n = 0;
	int rc = read_record(w, &b, e);

	for (size_t i = 0; rc == 0 && i + MOMENT_BYTES <= b.len; i++) {
		int64_t v = read_moment(b.data + i);

		if (v < w->begin_ms || v > until_ms)
			continue;
		write_moment(b.data + i, v + by_ms);
		i += MOMENT_BYTES - 1;
		n++;
	}
	if (rc == 0 && n == 0)
		rc = err_set(e, ERR_INTERNAL, "the record holds no moment that could be moved");
	if (rc == 0)
		rc = write_record(w, &b, e);
	buf_release(&b);
	return rc;
}

int self_edit_row(struct self_world *w, struct err *e)
{
	static const char value[] = {0x5a, 0x5b, 0x5c};
	struct buf b;
	size_t n = 0;
	int rc = read_record(w, &b, e);

	for (size_t i = 0; rc == 0 && i + sizeof(value) <= b.len; i++) {
		if (memcmp(b.data + i, value, sizeof(value)) != 0)
			continue;
		b.data[i]++;
		n++;
	}
	if (rc == 0 && n == 0)
		rc = err_set(e, ERR_INTERNAL, "the record does not hold the value in plain sight");
	if (rc == 0)
		rc = write_record(w, &b, e);
	buf_release(&b);
	return rc;
}

int self_tear_record(struct self_world *w, struct err *e)
{
	struct buf b;
	int rc = read_record(w, &b, e);

	if (rc == 0) {
		b.len /= 2;
		rc = write_record(w, &b, e);
	}
	buf_release(&b);
	return rc;
}

int self_remove(struct self_world *w, const char *name, struct err *e)
{
	const char *path = path_of(w, name);

	if (unlink(path) == 0)
		return 0;
	return err_set(e, ERR_INTERNAL, "could not remove \"%s\": %s", path, strerror(errno));
}
