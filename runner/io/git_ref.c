/*
 * git_ref: names are resolved here and not by libgit2's rev-parse, which takes the first of several
 * that fit and knows a language (`@{-1}`, `:/text`) in which a name can be made to mean anything.
 *
 * Trees are walked entry by entry instead of by whole paths, so that each step can be judged: a
 * link is followed in the same tree, as the system follows it in a checkout of that tree.
 */
#include "runner/io/git_ref.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/git.h"
#include "runner/io/git_library.h"

#define MAX_LINKS     16
#define MAX_NAME      1024
#define MAX_MATCHES   10000
#define MAX_LINK_TEXT 4096
#define MAX_TREE      ((size_t)64 << 20)

struct git_ref {
	struct arena *arena;
	const char *ref, *top, *commit;
	git_repository *repo;
	git_oid tree;
};

/* ---- which commit ---- */

static bool is_full_id(const char *s)
{
	return strlen(s) == GIT_OID_HEXSZ && strspn(s, "0123456789abcdef") == GIT_OID_HEXSZ;
}

/* git-check-ref-format(1), and nothing that git would take for more than a name. */
static bool is_name(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > MAX_NAME || *s == '-' || *s == '/' || *s == '.' || s[n - 1] == '/' ||
	    s[n - 1] == '.' || strcmp(s, "@") == 0)
		return false;
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("~^:?*[\\", *p))
			return false;
	return !strstr(s, "..") && !strstr(s, "@{") && !strstr(s, "//") && !strstr(s, "/.") &&
	       !strstr(s, ".lock/") && !str_ends(s, ".lock");
}

static int bad_name(const char *ref, struct err *e)
{
	err_set(e, ERR_USAGE, "\"%s\" cannot be the name of a git ref", ref);
	return err_help(e, "a branch of the remote (origin/main), a tag, a full name "
			   "(refs/remotes/origin/main) or a full commit id of 40 digits");
}

static int no_ref(const struct git_ref *g, struct err *e)
{
	err_set(e, ERR_MEASURE, "no ref \"%s\" in git repository \"%s\"", g->ref, g->top);
	if (strspn(g->ref, "0123456789abcdef") == strlen(g->ref))
		return err_help(e, "a commit is named by all 40 digits of its id");
	return err_help(e, "a shallow or single-branch clone lacks other refs: git fetch origin, "
			   "then name it origin/BRANCH");
}

/* Where the full name leads, links of refs followed: 1 = to id, 0 = it is not there, -1 error. */
static int lookup(const struct git_ref *g, const char *name, git_oid *id, struct err *e)
{
	int rc = git_reference_name_to_id(id, g->repo, name);

	if (rc == GIT_ENOTFOUND || rc == GIT_EINVALIDSPEC)
		return 0;
	if (rc < 0)
		return err_set(e, ERR_MEASURE, "could not read the ref \"%s\" of \"%s\": %s", name,
			       g->top, git_door_message());
	return 1;
}

static int find_ref(const struct git_ref *g, git_oid *out, struct err *e)
{
	static const char *const places[] = {"refs/tags/%s", "refs/heads/%s", "refs/remotes/%s",
					     "refs/%s"};
	const char *found = NULL;

	if (is_full_id(g->ref))
		return git_oid_fromstr(out, g->ref);
	if (!is_name(g->ref))
		return bad_name(g->ref, e);
	if (str_starts(g->ref, "refs/") || strcmp(g->ref, "HEAD") == 0) {
		int rc = lookup(g, g->ref, out, e);

		return rc == 0 ? no_ref(g, e) : rc < 0 ? -1 : 0;
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const char *at = strchr(places[i], '%');
		const char *name =
			arena_printf(g->arena, "%.*s%s", (int)(at - places[i]), places[i], g->ref);
		git_oid id;
		int rc = lookup(g, name, &id, e);

		if (rc < 0)
			return -1;
		if (rc > 0 && found) {
			err_set(e, ERR_MEASURE, "\"%s\" is ambiguous: there are %s and %s", g->ref,
				found, name);
			return err_help(e, "write the full name of the one that is meant");
		}
		if (rc > 0) {
			found = name;
			git_oid_cpy(out, &id);
		}
	}
	return found ? 0 : no_ref(g, e);
}

static int missing_object(const struct git_ref *g, const char *what, const git_oid *id,
			  struct err *e)
{
	char hex[GIT_OID_HEXSZ + 1];

	err_set(e, ERR_MEASURE, "could not read %s %s at %s: %s", what,
		git_oid_tostr(hex, sizeof(hex), id), g->ref, git_door_message());
	return err_help(e, "a shallow or partial clone lacks objects: git fetch --unshallow, or "
			   "clone without --filter; git fsck finds damage");
}

/* Through tags to the commit, and its tree. */
static int find_commit(struct git_ref *g, const git_oid *from, struct err *e)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_commit *commit = NULL;
	git_oid id = *from;
	git_tag *tag = NULL;
	int n_tags = 0;

	while (n_tags++ < GIT_REF_MAX_TAGS && git_tag_lookup(&tag, g->repo, &id) == 0) {
		git_oid_cpy(&id, git_tag_target_id(tag));
		git_tag_free(tag);
		tag = NULL;
	}
	if (git_commit_lookup(&commit, g->repo, &id) < 0)
		return missing_object(g, "the commit", &id, e);
	g->commit = arena_strdup(g->arena, git_oid_tostr(hex, sizeof(hex), &id));
	git_oid_cpy(&g->tree, git_commit_tree_id(commit));
	git_commit_free(commit);
	return 0;
}

static void free_repository(void *repo)
{
	git_repository_free(repo);
}

int git_ref_open(struct arena *a, const char *dir, const char *ref, struct git_ref **out,
		 struct err *e)
{
	struct git_ref *g = arena_alloc(a, sizeof(*g));
	const char *repository;
	git_oid id;

	*g = (struct git_ref){.arena = a, .ref = ref};
	if (git_ref_find(a, dir, &repository, &g->top, e) < 0 ||
	    git_door_open(repository, &g->repo, e) < 0)
		return -1;
	arena_defer(a, free_repository, g->repo);
	if (find_ref(g, &id, e) < 0 || find_commit(g, &id, e) < 0)
		return -1;
	*out = g;
	return 0;
}

const char *git_ref_commit(const struct git_ref *g)
{
	return g->commit;
}

const char *git_ref_work_tree(const struct git_ref *g)
{
	return g->top;
}

/* ---- paths ---- */

/* One step of a path: what a name is in a tree. mode 0 = it is not there. */
struct step {
	git_oid id;
	git_filemode_t mode;
};

static int size_of(struct git_ref *g, const char *path, const git_oid *id, size_t most,
		   size_t *size, struct err *e)
{
	git_odb *odb = NULL;
	git_object_t type;
	int rc = git_repository_odb(&odb, g->repo);

	if (rc == 0)
		rc = git_odb_read_header(size, &type, odb, id);
	git_odb_free(odb);
	if (rc < 0)
		return missing_object(g, arena_printf(g->arena, "\"%s\", object", path), id, e);
	if (*size > most)
		return err_set(e, ERR_MEASURE,
			       "could not read \"%s\" at %s: larger than the limit of %zu bytes",
			       path, g->ref, most);
	return 0;
}

static int open_tree(struct git_ref *g, const char *path, const git_oid *id, git_tree **out,
		     struct err *e)
{
	size_t size;

	if (size_of(g, path, id, MAX_TREE, &size, e) < 0)
		return -1;
	return git_tree_lookup(out, g->repo, id) < 0 ? missing_object(g, "the tree", id, e) : 0;
}

static int enter(struct git_ref *g, const char *path, const git_oid *tree, const char *name,
		 struct step *out, struct err *e)
{
	const git_tree_entry *entry;
	git_tree *t;

	if (open_tree(g, path, tree, &t, e) < 0)
		return -1;
	entry = git_tree_entry_byname(t, name);
	*out = (struct step){0};
	if (entry) {
		out->mode = git_tree_entry_filemode(entry);
		git_oid_cpy(&out->id, git_tree_entry_id(entry));
	}
	git_tree_free(t);
	return 0;
}

static int read_blob(struct git_ref *g, const char *path, const git_oid *id, struct buf *out,
		     struct err *e)
{
	size_t size, room = out->ceiling_bytes - out->len;
	git_blob *blob;
	int rc;

	if (size_of(g, path, id, room, &size, e) < 0)
		return -1;
	if (git_blob_lookup(&blob, g->repo, id) < 0)
		return missing_object(g, arena_printf(g->arena, "\"%s\", blob", path), id, e);
	rc = buf_add(out, git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
	git_blob_free(blob);
	return rc < 0 ? err_set(e, ERR_MEASURE, "could not read \"%s\" at %s: too large", path,
				g->ref)
		      : 0;
}

/*
 * A walk along a path. Where it is are the trees it is below, so that ".." leads to the one a
 * checkout would lead to: the parent of what a link has led to, not of the link.
 */
struct walk {
	struct step *steps; /* the top first, the current place last */
	const char **names; /* of the steps; "" for the top */
	size_t n, room;
	const char *rest;   /* what is still to be walked */
	const char *asked;  /* for messages */
	const char *target; /* of the last link */
	int n_links;
};

static void push(struct git_ref *g, struct walk *w, const char *name, const struct step *step)
{
	if (w->n == w->room) {
		size_t room = 2 * w->n + 8;
		struct step *steps = arena_array(g->arena, room, sizeof(*steps));
		const char **names = arena_array(g->arena, room, sizeof(*names));

		if (w->n > 0) {
			memcpy(steps, w->steps, w->n * sizeof(*steps));
			memcpy(names, w->names, w->n * sizeof(*names));
		}
		w->steps = steps;
		w->names = names;
		w->room = room;
	}
	w->steps[w->n] = *step;
	w->names[w->n++] = name;
}

static int leads_out(const struct git_ref *g, const struct walk *w, struct err *e)
{
	return err_set(e, ERR_MEASURE,
		       "cannot read \"%s\" at %s: the symbolic link to \"%s\" leads out of the "
		       "tree",
		       w->asked, g->ref, w->target);
}

static int is_submodule(struct git_ref *g, const struct walk *w, const char *name, struct err *e)
{
	const char *place = "";

	for (size_t i = 1; i < w->n; i++)
		place = arena_printf(g->arena, "%s%s/", place, w->names[i]);
	return err_set(e, ERR_MEASURE,
		       "cannot read \"%s\" at %s: \"%s%s\" is a submodule, whose files are in "
		       "another repository",
		       w->asked, g->ref, place, name);
}

/* Puts the target of a link before what is still to be walked. */
static int follow(struct git_ref *g, struct walk *w, const git_oid *link, struct err *e)
{
	struct buf text;

	if (++w->n_links > MAX_LINKS)
		return err_set(e, ERR_MEASURE,
			       "cannot read \"%s\" at %s: more than %d symbolic links", w->asked,
			       g->ref, MAX_LINKS);
	buf_init(&text, MAX_LINK_TEXT);
	if (read_blob(g, w->asked, link, &text, e) < 0) {
		buf_release(&text);
		return -1;
	}
	w->target = arena_strndup(g->arena, text.data, text.len);
	buf_release(&text);
	if (*w->target == '/' || *w->target == '\0')
		return leads_out(g, w, e);
	w->rest = arena_printf(g->arena, "%s%s", w->target, w->rest);
	return 0;
}

/* One name of the path. 1 = the walk goes on, 0 = nothing is there, -1 = error. */
static int walk_name(struct git_ref *g, struct walk *w, const char *name, struct err *e)
{
	struct step step;

	if (enter(g, w->asked, &w->steps[w->n - 1].id, name, &step, e) < 0)
		return -1;
	if (step.mode == 0)
		return 0;
	if (step.mode == GIT_FILEMODE_COMMIT)
		return is_submodule(g, w, name, e);
	if (step.mode == GIT_FILEMODE_LINK)
		return follow(g, w, &step.id, e) < 0 ? -1 : 1;
	push(g, w, name, &step);
	return 1;
}

/* What the path is, without links. "" is the top. */
static int resolve(struct git_ref *g, const char *path, struct step *out, struct err *e)
{
	struct walk w = {.rest = path, .asked = path, .target = path};
	int rc = 1;

	push(g, &w, "", &(struct step){.id = g->tree, .mode = GIT_FILEMODE_TREE});
	while (*w.rest && rc > 0) {
		size_t n = strcspn(w.rest, "/");
		const char *name = arena_strndup(g->arena, w.rest, n);

		w.rest += n;
		if (w.steps[w.n - 1].mode != GIT_FILEMODE_TREE) {
			rc = 0; /* something below a file */
		} else if (n == 0) {
			w.rest++;
		} else if (strcmp(name, "..") == 0) {
			rc = w.n > 1 ? 1 : leads_out(g, &w, e);
			w.n--;
		} else if (strcmp(name, ".") != 0) {
			rc = walk_name(g, &w, name, e);
		}
	}
	if (rc < 0)
		return -1;
	*out = rc > 0 ? w.steps[w.n - 1] : (struct step){0};
	return 0;
}

static bool is_file(const struct step *s)
{
	return s->mode == GIT_FILEMODE_BLOB || s->mode == GIT_FILEMODE_BLOB_EXECUTABLE;
}

int git_ref_look(struct git_ref *g, const char *path, enum git_ref_type *out, struct err *e)
{
	struct step s;

	if (resolve(g, path, &s, e) < 0)
		return -1;
	*out = is_file(&s)		     ? GIT_REF_FILE
	       : s.mode == GIT_FILEMODE_TREE ? GIT_REF_DIRECTORY
					     : GIT_REF_ABSENT;
	return 0;
}

int git_ref_has_name(struct git_ref *g, const char *path, bool *out, struct err *e)
{
	const char *slash = strrchr(path, '/');
	struct step dir, step = {0};

	if (resolve(g, slash ? arena_strndup(g->arena, path, (size_t)(slash - path)) : "", &dir,
		    e) < 0)
		return -1;
	if (dir.mode == GIT_FILEMODE_TREE &&
	    enter(g, path, &dir.id, slash ? slash + 1 : path, &step, e) < 0)
		return -1;
	*out = step.mode != 0;
	return 0;
}

/* gitformat of Git LFS: a pointer is a short text that begins so. */
static bool is_lfs_pointer(const char *p, size_t n)
{
	static const char head[] = "version https://git-lfs.github.com/spec/v1\n";

	return n >= sizeof(head) - 1 && n < 1024 && memcmp(p, head, sizeof(head) - 1) == 0;
}

int git_ref_read(struct git_ref *g, const char *path, struct buf *out, struct err *e)
{
	size_t before = out->len;
	struct step s;

	if (resolve(g, path, &s, e) < 0)
		return -1;
	if (!is_file(&s))
		return err_set(e, ERR_MEASURE, "could not read \"%s\" at %s: %s", path, g->ref,
			       s.mode == GIT_FILEMODE_TREE ? "a directory, not a file"
							   : "the commit has no such file");
	if (read_blob(g, path, &s.id, out, e) < 0)
		return -1;
	if (!is_lfs_pointer(out->data + before, out->len - before))
		return 0;
	err_set(e, ERR_MEASURE,
		"cannot read \"%s\" at %s: it is kept in Git LFS, the commit has only a pointer",
		path, g->ref);
	return err_help(e, "keep what a gate is decided by in git itself");
}

/* ---- globs ---- */

struct matches {
	struct git_ref *g;
	const char **items;
	size_t n, room;
	struct err *e;
};

static int add_match(struct matches *m, const char *path)
{
	if (m->n == MAX_MATCHES)
		return err_set(m->e, ERR_MEASURE, "more than %d files match", MAX_MATCHES);
	if (m->n == m->room) {
		const char **grown = arena_array(m->g->arena, 2 * m->room + 16, sizeof(*grown));

		if (m->n > 0)
			memcpy(grown, m->items, m->n * sizeof(*grown));
		m->items = grown;
		m->room = 2 * m->room + 16;
	}
	m->items[m->n++] = path;
	return 0;
}

static int match(struct matches *m, const char *dir, const char *pattern);

/* An entry whose name fits the first part of the pattern; rest is what follows, or NULL. */
static int match_entry(struct matches *m, const char *path, const char *rest)
{
	enum git_ref_type type;

	if (git_ref_look(m->g, path, &type, m->e) < 0)
		return -1;
	if (rest && type == GIT_REF_DIRECTORY)
		return match(m, path, rest);
	return !rest && type == GIT_REF_FILE ? add_match(m, path) : 0;
}

/* The pattern has a part for each level, so it bounds the depth. */
static int match(struct matches *m, const char *dir, const char *pattern)
{
	struct arena *a = m->g->arena;
	size_t n = strcspn(pattern, "/");
	const char *part = arena_strndup(a, pattern, n);
	const char *rest = pattern[n] ? pattern + n + 1 : NULL;
	git_tree *tree;
	struct step s;
	int rc = 0;

	if (resolve(m->g, dir, &s, m->e) < 0)
		return -1;
	if (s.mode != GIT_FILEMODE_TREE)
		return 0;
	if (open_tree(m->g, dir, &s.id, &tree, m->e) < 0)
		return -1;
	for (size_t i = 0; i < git_tree_entrycount(tree) && rc == 0; i++) {
		const char *name = git_tree_entry_name(git_tree_entry_byindex(tree, i));

		if (fnmatch(part, name, FNM_PERIOD) == 0)
			rc = match_entry(m,
					 *dir ? arena_printf(a, "%s/%s", dir, name)
					      : arena_strdup(a, name),
					 rest);
	}
	git_tree_free(tree);
	return rc;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int git_ref_glob(struct git_ref *g, const char *pattern, const char ***out, size_t *n,
		 struct err *e)
{
	struct matches m = {.g = g, .e = e};

	if (match(&m, "", pattern) < 0)
		return -1;
	if (m.n > 0)
		qsort(m.items, m.n, sizeof(*m.items), compare_paths);
	*out = m.items;
	*n = m.n;
	return 0;
}
