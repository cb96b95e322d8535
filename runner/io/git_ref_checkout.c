/*
 * git_ref_checkout: could the commit that is checked out have put a file where it is read?
 *
 * A branch that brings along what it is to be judged by need not use the file's own name: a link on
 * the way, or a journal that SQLite rolls back into the database when it opens it, do as well. So
 * every name that leads to the file is asked for, and a commit that cannot be read answers nothing.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/io/git_ref.h"

struct question {
	struct arena *a;
	struct git_ref *head;
	const char *top, *real_top;
	const char *path, *what; /* as asked */
};

/* The path without links; of what is not there, that of the nearest directory that is. */
static const char *real(struct arena *a, const char *path)
{
	const char *rest = "", *slash;
	char out[PATH_MAX];

	while (!realpath(path, out)) {
		slash = strrchr(path, '/');
		if (!slash || !path[1])
			return arena_printf(a, "/%s", rest); /* of no use, as nothing is there */
		rest = *rest ? arena_printf(a, "%s/%s", slash + 1, rest)
			     : arena_strdup(a, slash + 1);
		path = slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
	}
	return *rest ? file_absolute(a, out, rest) : arena_strdup(a, out);
}

/* The part of path below top; NULL = it is not below. */
static const char *below(const char *top, const char *path)
{
	size_t n = strcmp(top, "/") == 0 ? 0 : strlen(top);

	return strncmp(path, top, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

static int refuse(const struct question *q, const char *shown, struct err *e)
{
	return err_set(e, ERR_DEFINITION,
		       "%s \"%s\" is part of the commit that is checked out: it has \"%s\"",
		       q->what, str_escaped(q->a, q->path), str_escaped(q->a, shown));
}

static int unknown(const struct question *q, struct err *e)
{
	return err_context(e,
			   "could not tell whether %s \"%s\" is part of the commit that is "
			   "checked out",
			   q->what, str_escaped(q->a, q->path));
}

/* What HEAD has under a path of the tree, and the links on the disk on the way to it. */
static int ask_tree(const struct question *q, const char *path, struct err *e)
{
	enum git_ref_type type;
	struct stat st;
	bool is_there;

	for (const char *s = path; s; s = strchr(s, '/')) {
		s += *s == '/';
		const char *part = arena_strndup(q->a, path, (size_t)(s - path) + strcspn(s, "/"));

		if (lstat(arena_printf(q->a, "%s/%s", q->top, part), &st) < 0 ||
		    !S_ISLNK(st.st_mode))
			continue;
		if (git_ref_has_name(q->head, part, &is_there, e) < 0)
			return unknown(q, e);
		if (is_there)
			return refuse(q, part, e);
	}
	if (git_ref_look(q->head, path, &type, e) < 0)
		return unknown(q, e);
	return type == GIT_REF_ABSENT ? 0 : refuse(q, path, e);
}

static int ask(const struct question *q, const char *path, struct err *e)
{
	const char *plain = below(q->top, file_absolute(q->a, "/", path));
	const char *followed = below(q->real_top, real(q->a, path));

	if (plain && ask_tree(q, plain, e) < 0)
		return -1;
	if (followed && (!plain || strcmp(plain, followed) != 0))
		return ask_tree(q, followed, e);
	return 0;
}

int git_ref_not_checked_out(const char *dir, const char *path, const char *what, struct err *e)
{
	/* https://www.sqlite.org/tempfiles.html */
	static const char *const beside[] = {"", "-journal", "-wal", "-shm"};
	struct arena *a = arena_new();
	struct question q = {.a = a, .path = path, .what = what};
	int rc = git_ref_open(a, dir, "HEAD", &q.head, e);

	if (rc < 0) {
		(void)unknown(&q, e);
	} else {
		q.top = git_ref_work_tree(q.head);
		q.real_top = real(a, q.top);
	}
	for (size_t i = 0; i < sizeof(beside) / sizeof(*beside) && rc == 0; i++) {
		rc = ask(&q, arena_printf(a, "%s%s", path, beside[i]), e);
		if (rc == 0) /* SQLite puts them beside the file that a link leads to */
			rc = ask(&q, arena_printf(a, "%s%s", real(a, path), beside[i]), e);
	}
	if (rc < 0 && e)
		e->class = ERR_DEFINITION;
	arena_free(a);
	return rc;
}
