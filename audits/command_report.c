/*
 * command: report files. A build that stopped before its tests leaves yesterday's report where it
 * was; read again it would pass for ever. So a file counts only when it is another than before, or
 * was written. The inode's change time does not tell: `chown -R` behind a build that failed moves
 * it for all of them.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "audits/command.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/file.h"

#define MAX_FILES 10000

struct command_report {
	const char *pattern;
	const char **paths; /* sorted */
	struct stat *stats;
	size_t n;
};

/* Nothing that can be found before is nothing that could be old. */
struct command_report *command_report_before(struct arena *a, const char *pattern)
{
	struct command_report *r = arena_alloc(a, sizeof(*r));

	*r = (struct command_report){.pattern = pattern};
	if (file_glob(a, pattern, &r->paths, &r->n, NULL) < 0)
		r->n = 0;
	r->stats = arena_array(a, r->n, sizeof(*r->stats));
	for (size_t i = 0; i < r->n; i++)
		if (stat(r->paths[i], &r->stats[i]) < 0)
			r->stats[i] = (struct stat){0}; /* unlike any that is there later */
	return r;
}

static bool is_as_before(const struct command_report *r, const char *path, const struct stat *now)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct stat *was = &r->stats[i];

		if (strcmp(r->paths[i], path) == 0)
			return was->st_dev == now->st_dev && was->st_ino == now->st_ino &&
			       was->st_size == now->st_size &&
			       was->st_mtim.tv_sec == now->st_mtim.tv_sec &&
			       was->st_mtim.tv_nsec == now->st_mtim.tv_nsec;
	}
	return false;
}

static int read_one(struct arena *a, const struct command_report *before, const char *path,
		    size_t max_bytes, struct command_document *out, struct err *e)
{
	struct stat now;
	struct buf text;
	int rc = -1;

	if (stat(path, &now) < 0)
		return err_set(e, ERR_MEASURE, "could not read \"%s\": %s", path, strerror(errno));
	if (is_as_before(before, path, &now))
		return err_set(e, ERR_MEASURE,
			       "\"%s\" is as old as before: the program did not write it", path);
	if (now.st_size > 0 && (uint64_t)now.st_size > max_bytes)
		return err_set(e, ERR_MEASURE, "with \"%s\" the reports are larger than max_output",
			       path);
	buf_init(&text, max_bytes);
	if (file_read(path, &text, e) == 0) {
		*out = (struct command_document){
			.path = path,
			.text = arena_strndup(a, text.data, text.len),
			.n = text.len,
		};
		rc = 0;
	}
	buf_release(&text);
	return rc;
}

int command_report_read(struct arena *a, const struct command_report *before, size_t max_bytes,
			const struct command_document **documents, size_t *n, struct err *e)
{
	struct command_document *found;
	const char **paths;
	size_t n_paths;

	if (file_glob(a, before->pattern, &paths, &n_paths, e) < 0)
		return -1;
	if (n_paths == 0)
		return err_set(e, ERR_MEASURE, "the program wrote no \"%s\"", before->pattern);
	if (n_paths > MAX_FILES)
		return err_set(e, ERR_MEASURE, "\"%s\" names more than %d files", before->pattern,
			       MAX_FILES);
	found = arena_array(a, n_paths, sizeof(*found));
	for (size_t i = 0; i < n_paths; i++) {
		if (read_one(a, before, paths[i], max_bytes, &found[i], e) < 0)
			return -1;
		max_bytes -= found[i].n;
	}
	*documents = found;
	*n = n_paths;
	return 0;
}
