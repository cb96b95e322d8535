/*
 * Where definitions, and what they name as policy, are read from: the file system, or a commit
 * (`-f git:REF:PATH`).
 *
 * Inside the loader a path is always the absolute one it has in the work tree. What is below the
 * top of the work tree is looked up in the commit and there only: a file the commit lacks is not
 * taken from the branch that wants it. What is not below it is the machine's, which no commit can
 * change, unless a link leads back in. Content from a commit is read once, here, and held under the
 * name that messages show, so what was hashed is what is used.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/digest.h"
#include "runner/io/file.h"
#include "runner/io/git_ref.h"
#include "runner/load_parts.h"

#define MAX_POLICY_BYTES ((size_t)64 << 20)  /* a file */
#define MAX_HELD_BYTES	 ((size_t)256 << 20) /* all of them */

bool load_policy_is_ref(const char *path)
{
	return path && str_starts(path, LOAD_REF);
}

/* ---- the root ---- */

/* PATH of git:REF:PATH: one that a tree could have. */
static bool is_tree_path(const char *path)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 0 || (n == 1 && *path == '.') || (n == 2 && memcmp(path, "..", 2) == 0))
			return false;
		path += n;
		if (*path == '/' && *++path == '\0')
			return false;
	}
	return true;
}

int load_policy_split(struct arena *a, const char *spec, const char **ref, const char **path,
		      struct err *e)
{
	const char *rest = spec + strlen(LOAD_REF), *colon = strchr(rest, ':');

	if (!colon || colon == rest || !colon[1]) {
		(void)err_set(e, ERR_USAGE, "cannot read \"%s\": it is git:REF:PATH", spec);
		return err_help(e,
				"for example git:origin/main:" LOAD_FILE "; a file of that name "
				"is ./%s",
				spec);
	}
	if (!is_tree_path(colon + 1)) {
		(void)err_set(e, ERR_USAGE,
			      "cannot read \"%s\": \"%s\" is no path from the top of the tree",
			      spec, colon + 1);
		return err_help(e, "write it without \".\", \"..\" and a slash at an end");
	}
	*ref = arena_strndup(a, rest, (size_t)(colon - rest));
	*path = arena_strdup(a, colon + 1);
	return 0;
}

int load_policy_open(struct loader *l, const char *spec, const char **root, struct err *e)
{
	enum git_ref_type type;
	const char *ref, *path;

	if (load_policy_split(l->arena, spec, &ref, &path, e) < 0 ||
	    git_ref_open(l->arena, l->options->cwd, ref, &l->git, e) < 0 ||
	    git_ref_look(l->git, path, &type, e) < 0)
		return -1;
	l->ref = ref;
	l->definition->commit = git_ref_commit(l->git);
	l->definition->ref = ref;
	l->definition->work_tree = git_ref_work_tree(l->git);
	if (type == GIT_REF_DIRECTORY)
		path = arena_printf(l->arena, "%s/" LOAD_FILE, path);
	*root = file_absolute(l->arena, git_ref_work_tree(l->git), path);
	return 0;
}

/* ---- paths ---- */

/* The path within the commit's tree; NULL = it is not below the work tree. */
static const char *in_tree(const struct loader *l, const char *path)
{
	const char *top = git_ref_work_tree(l->git);
	const char *plain = file_absolute(l->arena, "/", path);
	size_t n = strcmp(top, "/") == 0 ? 0 : strlen(top);

	return strncmp(plain, top, n) == 0 && plain[n] == '/' ? plain + n + 1 : NULL;
}

/* Does a path that is not below the work tree lead into it all the same? */
static bool leads_in(const struct loader *l, const char *path)
{
	return file_leads_below(path, git_ref_work_tree(l->git));
}

static int refuse_elsewhere(const struct loader *l, const char *path, struct err *e)
{
	(void)err_set(e, ERR_DEFINITION, "\"%s\" leads into the work tree by a link",
		      str_escaped(l->arena, path));
	return err_help(e, "name the file in the work tree itself: it is then read at %s", l->ref);
}

const char *load_policy_shown(const struct loader *l, const char *path)
{
	const char *below = l->git ? in_tree(l, path) : NULL, *shown;

	if (below)
		return arena_printf(l->arena, LOAD_REF "%s:%s", l->ref, below);
	shown = file_shown(l->arena, l->options->cwd, path);
	/* A file of such a name is never shown, or recorded, as one of a commit. */
	return load_policy_is_ref(shown) ? arena_printf(l->arena, "./%s", shown) : shown;
}

int load_policy_read(struct loader *l, const char *path, struct buf *out, struct err *e)
{
	const char *below;

	if (!l->git)
		return file_read(path, out, e);
	below = in_tree(l, path);
	if (below)
		return git_ref_read(l->git, below, out, e);
	return leads_in(l, path) ? refuse_elsewhere(l, path, e) : file_read(path, out, e);
}

int load_policy_glob(struct loader *l, const char *pattern, const char ***out, size_t *n,
		     struct err *e)
{
	const char *below;

	if (!l->git)
		return file_glob(l->arena, pattern, out, n, e);
	below = in_tree(l, pattern);
	if (!below)
		return err_set(e, ERR_DEFINITION, "\"%s\" is not in the tree of %s", pattern,
			       l->ref);
	if (git_ref_glob(l->git, below, out, n, e) < 0)
		return -1;
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = file_absolute(l->arena, git_ref_work_tree(l->git), (*out)[i]);
	return 0;
}

bool load_policy_is_in_tree(const struct loader *l, const char *path)
{
	return l->git && in_tree(l, path);
}

bool load_policy_leads_in_tree(const struct loader *l, const char *path)
{
	return l->git && (in_tree(l, path) || leads_in(l, path));
}

/* ---- what was read ---- */

/* Relative to the root file's directory, so that a commit and its checkout say the same. */
static const char *relative(const struct loader *l, const char *path)
{
	return file_shown(l->arena, l->definition->root_dir, file_absolute(l->arena, "/", path));
}

struct policy_file *load_policy_add(struct loader *l, const char *path, const char *name,
				    const struct buf *content)
{
	struct policy_file *f = map_get(&l->policies, name);

	if (f)
		return f;
	f = arena_alloc(l->arena, sizeof(*f));
	*f = (struct policy_file){.name = name, .path = relative(l, path)};
	if (content) {
		f->is_there = true;
		sha256_of(content->data, content->len, f->digest);
	}
	(void)map_put(&l->policies, name, f); /* was absent */
	return f;
}

static int compare_files(const void *x, const void *y)
{
	const struct policy_file *const *a = x, *const *b = y;

	return strcmp((*a)->path, (*b)->path);
}

static void add_line(struct sha256 *hash, const char *what, const char *path,
		     const unsigned char *digest)
{
	char hex[SHA256_HEX] = "absent";

	if (digest)
		sha256_hex(digest, hex);
	sha256_add(hash, what, strlen(what));
	sha256_add(hash, hex, strlen(hex));
	sha256_add(hash, " ", 1);
	sha256_add(hash, path, strlen(path) + 1); /* with its NUL: none can hold a line */
}

void load_policy_digest(struct loader *l)
{
	struct definition *d = l->definition;
	struct policy_file **files = arena_array(l->arena, l->policies.n, sizeof(*files));
	struct sha256 hash;

	for (size_t i = 0; i < l->policies.n; i++)
		files[i] = l->policies.entries[i].value;
	if (l->policies.n > 0)
		qsort(files, l->policies.n, sizeof(*files), compare_files);
	sha256_init(&hash);
	sha256_add(&hash, "assize policy 1\n", 16);
	for (size_t i = 0; i < l->n_documents; i++)
		add_line(&hash, "definition ", relative(l, l->documents[i].path),
			 d->sources[l->documents[i].source].digest);
	for (size_t i = 0; i < l->policies.n; i++)
		add_line(&hash, "file ", files[i]->path,
			 files[i]->is_there ? files[i]->digest : NULL);
	load_vars_digest(l, &hash);
	sha256_final(&hash, d->digest);
}

void load_policy_compare(struct loader *l)
{
	const struct definition *d = l->definition;
	const char *pinned = l->options->pinned;
	unsigned char want[SHA256_BYTES];
	char hex[SHA256_HEX];

	if (!pinned)
		return;
	if (sha256_from_hex(pinned, strlen(pinned), want) < 0) {
		(void)diags_at(l->diags, (struct pos){0}, "assize check prints it",
			       "--policy-sha256 %s: it is 64 hexadecimal digits",
			       str_escaped(l->arena, pinned));
		return;
	}
	if (memcmp(want, d->digest, sizeof(want)) == 0)
		return;
	sha256_hex(d->digest, hex);
	(void)diags_at(l->diags, (struct pos){0},
		       "see what changed, then pin the new one: assize check prints it",
		       "the policy of %s is %s, not %s, which is pinned", d->root_file, hex,
		       pinned);
}

static void use(struct loader *l, struct policy_file *f)
{
	l->uses = load_grow(l->arena, l->uses, l->n_uses, sizeof(*l->uses));
	l->uses[l->n_uses++] = f;
}

static int hold(struct loader *l, const char *name, const struct buf *content, struct err *e)
{
	l->n_held += content->len;
	if (l->n_held > MAX_HELD_BYTES)
		return err_set(e, ERR_DEFINITION, "policy files of more than %zu bytes in all",
			       MAX_HELD_BYTES);
	file_hold(l->arena, name, content->data, content->len);
	return 0;
}

/* -1: cannot be said, e says why; else 1 = from the commit, 0 = the machine's. */
static int is_from_commit(struct loader *l, const struct key_row *row, const char *path,
			  struct err *e)
{
	enum git_ref_type type = GIT_REF_ABSENT;
	const char *below = in_tree(l, path);

	if (!below)
		return leads_in(l, path) ? refuse_elsewhere(l, path, e) : 0;
	if (!(row->flags & KEY_WORLD))
		return 1;
	if (git_ref_look(l->git, below, &type, e) < 0)
		return -1;
	return type == GIT_REF_FILE;
}

/* The name a file is held under; NULL = it is not held. */
static const char *held_name(struct loader *l, const char *path)
{
	if (load_policy_is_in_tree(l, path))
		return load_policy_shown(l, path);
	return l->options->pinned ? arena_printf(l->arena, "pinned:%s", load_policy_shown(l, path))
				  : NULL;
}

/* From a commit: every file has to be there, and stays what it is now. */
static const char *from_commit(struct loader *l, const struct node *node, const char *path)
{
	const char *name = held_name(l, path);
	struct err e = {0};
	struct buf content;

	if (map_get(&l->policies, name)) {
		use(l, map_get(&l->policies, name));
		return name;
	}
	buf_init(&content, MAX_POLICY_BYTES);
	if (load_policy_read(l, path, &content, &e) == 0 && hold(l, name, &content, &e) == 0) {
		use(l, load_policy_add(l, path, name, &content));
	} else {
		e.class = ERR_DEFINITION;
		e.pos = node->pos;
		diags_add(l->diags, &e);
		name = NULL;
	}
	buf_release(&content);
	return name;
}

/*
 * From the file system: what a check compares with is part of its definition, so its content is
 * part of the hash. That it is not there is for the check to tell.
 */
static const char *from_machine(struct loader *l, const struct key_row *row, const char *path)
{
	const char *held = held_name(l, path), *name = held ? held : path;
	struct buf content;
	bool is_there;

	if (row->flags & KEY_WORLD) {
		file_note_read(path); /* by the check, when it runs */
		return path;
	}
	if (!map_get(&l->policies, name)) {
		buf_init(&content, MAX_POLICY_BYTES);
		is_there = file_read(path, &content, NULL) == 0 &&
			   (!held || hold(l, held, &content, NULL) == 0);
		(void)load_policy_add(l, path, name, is_there ? &content : NULL);
		buf_release(&content);
	}
	use(l, map_get(&l->policies, name));
	return name;
}

const char *load_policy_path(void *ctx, const struct key_row *row, const struct node *node,
			     const char *path)
{
	struct loader *l = ctx;
	struct err e = {0};
	int rc;

	if (!l->git)
		return from_machine(l, row, path);
	rc = is_from_commit(l, row, path, &e);
	if (rc > 0)
		return from_commit(l, node, path);
	if (rc == 0)
		return from_machine(l, row, path);
	e.class = ERR_DEFINITION;
	e.pos = node->pos;
	diags_add(l->diags, &e);
	return NULL;
}
