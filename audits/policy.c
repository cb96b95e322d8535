#include "audits/policy.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/file.h"
#include "runner/io/git_ref.h"
#include "runner/model/definition.h"

#define MAX_LIST_BYTES ((size_t)64 << 20)

/* The commit is named by its id: what the ref leads to may have changed since. */
const char *policy_name(struct arena *a, const struct definition *d, const char *path,
			struct err *e)
{
	enum git_ref_type type;
	const char *name;
	struct git_ref *g;
	struct buf content;
	size_t n;
	int rc;

	if (!d->commit)
		return path;
	path = file_absolute(a, "/", path);
	n = strlen(d->work_tree);
	if (strncmp(path, d->work_tree, n) != 0 || path[n] != '/') {
		if (!file_leads_below(path, d->work_tree))
			return path;
		(void)err_set(e, ERR_MEASURE, "\"%s\" leads into the work tree by a link", path);
		(void)err_help(e, "name the file in the work tree itself: it is then read at %s",
			       d->ref);
		return NULL;
	}
	if (git_ref_open(a, d->work_tree, d->commit, &g, e) < 0 ||
	    git_ref_look(g, path + n + 1, &type, e) < 0)
		return NULL;
	if (type != GIT_REF_FILE)
		return path;
	name = arena_printf(a, "git:%s:%s", d->ref, path + n + 1);
	buf_init(&content, MAX_LIST_BYTES);
	rc = git_ref_read(g, path + n + 1, &content, e);
	if (rc == 0)
		file_hold(a, name, content.data, content.len);
	buf_release(&content);
	return rc == 0 ? name : NULL;
}
