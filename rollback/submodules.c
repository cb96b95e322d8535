/*
 * submodules: commits of other repositories inside the tag's tree.
 *
 * A submodule is restored from the clone that `git submodule` keeps below .git/modules, found by
 * the name that the tag's own .gitmodules gives its path. Its commit and tree are read and
 * re-hashed there like everything else, and its submodules after it. What is not cloned, or lacks
 * the commit, is unproven. A .gitmodules with a name or URL that git takes for an option or a way
 * out of .git/modules (CVE-2018-17456, CVE-2018-11235) is disproof: no such tag should be checked
 * out.
 */
#include "rollback/room.h"

#include <string.h>
#include <sys/stat.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/git.h"

#define GITMODULES_BYTES ((size_t)1 << 20)

struct module {
	const char *name, *path, *url;
};

static char *trimmed(char *s)
{
	size_t n;

	s += strspn(s, " \t\r");
	n = strlen(s);
	while (n > 0 && strchr(" \t\r", s[n - 1]))
		s[--n] = '\0';
	return s;
}

/* Value of `key = value` without its quotes; escapes other than \" and \\ are left as they are. */
static const char *value_of(char *s)
{
	char *out = s, *begin;
	bool is_quoted = false;

	s = begin = out = trimmed(s);
	for (; *s; s++) {
		if (*s == '"') {
			is_quoted = !is_quoted;
		} else if (*s == '\\' && (s[1] == '"' || s[1] == '\\')) {
			*out++ = *++s;
		} else if (!is_quoted && (*s == '#' || *s == ';')) {
			break;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
	return is_quoted ? begin : trimmed(begin);
}

/* One line of .gitmodules into m; a new section begins m anew. */
static void read_line(char *line, struct module *m)
{
	char *equals;

	line = trimmed(line);
	if (*line == '[') {
		char *end = strrchr(line, ']');

		*m = (struct module){0};
		if (end && str_starts(line, "[submodule \"")) {
			*end = '\0';
			m->name = value_of(line + strlen("[submodule "));
		}
		return;
	}
	equals = strchr(line, '=');
	if (!m->name || !equals)
		return;
	*equals = '\0';
	if (strcmp(trimmed(line), "path") == 0)
		m->path = value_of(equals + 1);
	else if (strcmp(trimmed(line), "url") == 0)
		m->url = value_of(equals + 1);
}

/* The section of text (which is cut up) that has this path. */
static bool find_module(char *text, const char *path, struct module *out)
{
	struct module m = {0}, found = {0};
	char *rest = text;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		read_line(line, &m);
		if (m.path && strcmp(m.path, path) == 0)
			found = m;
	}
	if (found.path)
		*out = found;
	return found.path != NULL;
}

static bool is_safe_name(const char *name)
{
	if (*name == '\0' || *name == '/' || *name == '-')
		return false;
	for (const char *p = name; *p; p += strspn(p, "/\\")) {
		size_t n = strcspn(p, "/\\");

		if (n == 2 && memcmp(p, "..", 2) == 0)
			return false;
		p += n;
	}
	return true;
}

/* .gitmodules of the tree the submodule is in: its section for the submodule. */
static int read_module(struct verification *v, struct step *s, const struct entry *entry,
		       struct module *out)
{
	const struct entry *root = v->stores[entry->store].root;
	const struct entry *file = entry_child(root, ".gitmodules", strlen(".gitmodules"));
	const char *path = entry->path + strlen(root->path) + (*root->path ? 1 : 0);
	const char *shown = str_escaped(v->a, entry->path);
	git_odb_object *blob = NULL;
	char *text = NULL;

	if (file && file->type != ENTRY_DIRECTORY) {
		const struct wanted w = room_wanted(v, file);

		if (room_read(v, &w, s, &blob) < 0)
			return -1;
		if (git_odb_object_size(blob) <= GITMODULES_BYTES)
			text = arena_strndup(v->a, git_odb_object_data(blob),
					     git_odb_object_size(blob));
		git_odb_object_free(blob);
	}
	if (!text || !find_module(text, path, out))
		return step_find(s, OUTCOME_UNDECIDED, "add the submodule to .gitmodules",
				 "submodule \"%s\" is not in .gitmodules of the tag", shown);
	if (!is_safe_name(out->name) || *path == '-' || (out->url && *out->url == '-'))
		return step_find(s, OUTCOME_FAIL, NULL,
				 ".gitmodules of the tag would have git run an option or leave its "
				 "directory: submodule \"%s\", url \"%s\"",
				 str_escaped(v->a, out->name),
				 str_escaped(v->a, out->url ? out->url : ""));
	return 0;
}

static const char *find_clone(struct verification *v, const struct entry *entry, const char *name)
{
	git_repository *super = v->stores[entry->store].repo;
	const char *work = git_repository_workdir(v->repo);
	const char *candidates[] = {
		arena_printf(v->a, "%smodules/%s", git_repository_path(super), name),
		arena_printf(v->a, "%smodules/%s", git_repository_commondir(super), name),
		work ? arena_printf(v->a, "%s%s/.git", work, entry->path) : NULL,
	};
	struct stat st;

	for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++)
		if (candidates[i] && stat(candidates[i], &st) == 0 && S_ISDIR(st.st_mode))
			return candidates[i];
	return NULL;
}

static int open_store(struct verification *v, struct step *s, const struct entry *entry,
		      const char *gitdir)
{
	struct store store = {.gitdir = gitdir, .root = entry};
	struct err e = {0};

	store.commit = room_hex(v->a, &entry->id);
	if (git_door_open_bare(gitdir, &store.repo, &e) < 0)
		return step_find(s, OUTCOME_UNDECIDED, NULL, "%s", e.message);
	if (git_repository_odb(&store.odb, store.repo) < 0) {
		git_repository_free(store.repo);
		return step_find(s, OUTCOME_UNDECIDED, NULL, "could not open \"%s\": %s", gitdir,
				 git_door_message());
	}
	if (v->n_stores == v->cap_stores) {
		struct store *more = arena_array(v->a, 2 * v->cap_stores, sizeof(*more));

		memcpy(more, v->stores, v->n_stores * sizeof(*more));
		v->stores = more;
		v->cap_stores *= 2;
	}
	v->stores[v->n_stores++] = store;
	return 0;
}

/* The tree a commit names in its first line. */
static int tree_of_commit(struct verification *v, struct step *s, const struct entry *entry,
			  size_t store, git_oid *tree)
{
	const struct wanted w = {v->stores[store].odb, &entry->id, GIT_OBJECT_COMMIT, entry->path,
				 store};
	git_odb_object *object;
	const char *text;
	bool ok;

	if (room_read(v, &w, s, &object) < 0)
		return -1;
	text = git_odb_object_data(object);
	ok = git_odb_object_size(object) > strlen("tree ") + GIT_OID_HEXSZ &&
	     str_starts(text, "tree ") && git_oid_fromstrn(tree, text + 5, GIT_OID_HEXSZ) == 0;
	content_note(v, &entry->id, git_odb_object_data(object), git_odb_object_size(object));
	git_odb_object_free(object);
	if (!ok)
		return step_find(s, OUTCOME_FAIL, NULL,
				 "the commit of submodule \"%s\" has no tree",
				 str_escaped(v->a, entry->path));
	return 0;
}

static int depth_of(const struct entry *entry)
{
	int depth = 0;

	for (; entry; entry = entry->parent)
		depth++;
	return depth;
}

/* Turns the entry into the directory it stands for. */
static int walk_submodule(struct verification *v, struct step *s, struct entry *entry)
{
	struct module module = {0};
	const char *gitdir;
	size_t store = v->n_stores;
	git_oid tree;

	s->order = entry->order;
	if (read_module(v, s, entry, &module) < 0)
		return -1;
	gitdir = find_clone(v, entry, module.name);
	if (!gitdir)
		return step_find(
			s, OUTCOME_UNDECIDED,
			arena_printf(v->a, "git submodule update --init --recursive %s",
				     str_as_word(v->a, entry->path)),
			"submodule \"%s\" at commit %s is not cloned here, so it cannot be proven",
			str_escaped(v->a, entry->path), room_hex(v->a, &entry->id));
	if (open_store(v, s, entry, gitdir) < 0 || tree_of_commit(v, s, entry, store, &tree) < 0)
		return -1;
	tree_add_id(v, &entry->id);
	tree_add_id(v, &tree);
	entry->id = tree;
	entry->type = ENTRY_DIRECTORY;
	entry->store = store;
	entries_add(v->a, &v->plan.directories, entry);
	return tree_walk_from(v, s, entry, depth_of(entry));
}

int submodules_walk(struct verification *v, struct step *s)
{
	const struct entries *list = &v->plan.submodules;
	int rc = 0;

	/* The list grows while submodules of submodules are found. */
	for (size_t i = 0; i < list->n && !step_is_full(s); i++)
		if (walk_submodule(v, s, list->items[i]) < 0)
			rc = -1;
	return rc;
}

void submodules_release(struct verification *v)
{
	for (size_t i = 1; i < v->n_stores; i++) {
		git_odb_free(v->stores[i].odb);
		git_repository_free(v->stores[i].repo);
	}
	v->n_stores = 1;
}
