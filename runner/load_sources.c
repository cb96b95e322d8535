/*
 * Which files make up a definition. Includes are followed depth first in the order written, each
 * file once however often it is named, so that cycles end by themselves.
 */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/digest.h"
#include "runner/io/file.h"
#include "runner/io/git_ref.h"
#include "runner/io/yaml.h"
#include "runner/load_parts.h"

/* Absolute path of the root file: a directory stands for the LOAD_FILE in it. */
static int root_path(struct loader *l, const char **path)
{
	const struct load_options *o = l->options;
	struct err e = {0};
	struct stat st;

	if (load_policy_is_ref(o->path)) {
		if (load_policy_open(l, o->path, path, &e) == 0)
			return 0;
		e.class = ERR_DEFINITION;
		diags_add(l->diags, &e);
		return -1;
	}
	*path = file_absolute(l->arena, o->cwd, o->path ? o->path : LOAD_FILE);
	if (stat(*path, &st) == 0 && S_ISDIR(st.st_mode))
		*path = arena_printf(l->arena, "%s/" LOAD_FILE, *path);
	return 0;
}

static const char *directory_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

/* As the commit has it; where that is gone, as the work tree has it. */
static bool is_ref_dir(struct arena *a, const char *cwd, const char *ref, const char *below,
		       const char *path)
{
	enum git_ref_type type;
	struct git_ref *g;
	struct stat st;

	if (git_ref_open(a, cwd, ref, &g, NULL) == 0 && git_ref_look(g, below, &type, NULL) == 0 &&
	    type != GIT_REF_ABSENT)
		return type == GIT_REF_DIRECTORY;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int load_ref_dir(struct arena *a, const char *cwd, const char *path, const char **dir,
		 struct err *e)
{
	const char *ref, *below, *top;

	if (load_policy_split(a, path, &ref, &below, e) < 0 || git_ref_top(a, cwd, &top, e) < 0)
		return -1;
	path = file_absolute(a, top, below);
	*dir = is_ref_dir(a, cwd, ref, below, path) ? path : directory_of(a, path);
	return 0;
}

static void add_document(struct loader *l, struct node *root, size_t source, const char *path)
{
	l->documents = load_grow(l->arena, l->documents, l->n_documents, sizeof(*l->documents));
	l->documents[l->n_documents++] =
		(struct document){.root = root, .source = source, .path = path};
}

static struct source *add_source(struct loader *l)
{
	struct definition *d = l->definition;

	d->sources = load_grow(l->arena, d->sources, d->n_sources, sizeof(*d->sources));
	return &d->sources[d->n_sources++];
}

static struct node *parse_source(struct loader *l, const char *path, const char *text, size_t len)
{
	struct source *s = add_source(l);
	struct node *root = NULL;

	s->file = load_policy_shown(l, path);
	s->text = arena_strndup(l->arena, text, len);
	s->len = len;
	sha256_of(s->text, s->len, s->digest);
	(void)yaml_parse(l->arena, s->file, s->text, s->len, &root, l->diags); /* reports itself */
	return root;
}

static bool is_instead(const struct loader *l, const char *path)
{
	const struct load_instead *x = l->options->instead;
	struct stat st;

	return x != NULL &&
	       strcmp(file_absolute(l->arena, l->definition->root_dir, x->path), path) == 0 &&
	       (!x->is_when_absent || (l->git == NULL && stat(path, &st) != 0 && errno == ENOENT));
}

/*
 * Reads and parses one file. at: where it was named; line 0 for the root. The tree or NULL;
 * everything wrong is reported.
 */
static struct node *read_source(struct loader *l, const char *path, struct pos at)
{
	struct err e = {0};
	struct stat st;
	struct buf text;
	struct node *root = NULL;

	if (is_instead(l, path))
		return parse_source(l, path, l->options->instead->text, l->options->instead->len);
	if (!l->git && stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > YAML_MAX_BYTES) {
		at = (struct pos){file_shown(l->arena, l->options->cwd, path), 1, 1};
		(void)diags_at(l->diags, at, "split it into several files and use include:",
			       "the file is larger than 1 MiB");
		return NULL;
	}
	buf_init(&text, YAML_MAX_BYTES);
	if (load_policy_read(l, path, &text, &e)) {
		e.class = ERR_DEFINITION;
		e.pos = at;
		if (at.line == 0 && !l->git)
			(void)err_help(&e,
				       "name the definition with -f FILE, or run where " LOAD_FILE
				       " is");
		diags_add(l->diags, &e);
		buf_release(&text);
		return NULL;
	}
	root = parse_source(l, path, text.data, text.len);
	buf_release(&text);
	return root;
}

/* A file that is to be made is among those the glob will match. */
static void add_instead(struct loader *l, const char *pattern, const char ***paths, size_t *n)
{
	const struct load_instead *x = l->options->instead;
	const char *path, **more;

	if (x == NULL || l->git != NULL)
		return;
	path = file_absolute(l->arena, l->definition->root_dir, x->path);
	if (fnmatch(pattern, path, FNM_PATHNAME | FNM_PERIOD) != 0)
		return;
	for (size_t i = 0; i < *n; i++)
		if (strcmp((*paths)[i], path) == 0)
			return;
	more = arena_array(l->arena, *n + 1, sizeof(*more));
	if (*n > 0)
		memcpy(more, *paths, *n * sizeof(*more));
	more[(*n)++] = path;
	*paths = more;
}

static int no_match(struct loader *l, const struct node *item)
{
	const struct load_instead *x = l->options->instead;

	return diags_at(l->diags, item->pos,
			x != NULL && x->is_when_absent
				? "name a file that it matches, with -o"
				: arena_printf(l->arena,
					       "it is looked for in the root file's directory, %s",
					       load_policy_shown(l, l->definition->root_dir)),
			"include \"%s\" matches no file", str_escaped(l->arena, item->text));
}

/* One item of include: the files it names, which must be some. */
static int include_paths(struct loader *l, const struct node *item, const char ***paths, size_t *n)
{
	const char *path = file_absolute(l->arena, l->definition->root_dir, item->text);
	struct err e = {0};

	if (strstr(item->text, "${"))
		return diags_at(l->diags, item->pos, "write the path out",
				"include cannot use variables");
	if (l->git && !load_policy_is_in_tree(l, path))
		return diags_at(l->diags, item->pos,
				"what a definition from a commit includes is in that commit",
				"include \"%s\" leads out of the tree of %s",
				str_escaped(l->arena, item->text), l->ref);
	if (strpbrk(item->text, "*?[") == NULL) {
		*paths = arena_array(l->arena, 1, sizeof(**paths));
		(*paths)[0] = path;
		*n = 1;
		return 0;
	}
	if (load_policy_glob(l, path, paths, n, &e)) {
		e.class = ERR_DEFINITION;
		e.pos = item->pos;
		diags_add(l->diags, &e);
		return -1;
	}
	add_instead(l, path, paths, n);
	return *n == 0 ? no_match(l, item) : 0;
}

/* Files still to be read, the next one on top: depth first without recursion. */
struct waiting {
	const char *path;
	struct pos at;
};

struct stack {
	struct waiting *items;
	size_t n;
};

static void push(struct loader *l, struct stack *s, const char *path, struct pos at)
{
	s->items = load_grow(l->arena, s->items, s->n, sizeof(*s->items));
	s->items[s->n++] = (struct waiting){.path = path, .at = at};
}

/* Pushes what a document includes, last first. What is no text is reported when the rows are read.
 */
static void push_includes(struct loader *l, struct stack *s, const struct node *root)
{
	const struct node *list =
		root && root->type == NODE_MAPPING ? node_get(root, "include") : NULL;
	size_t n = !list ? 0 : list->type == NODE_SEQUENCE ? list->n : 1;

	for (size_t i = n; i-- > 0;) {
		const struct node *item = list->type == NODE_SEQUENCE ? list->items[i] : list;
		const char **paths;
		size_t n_paths;

		if (++l->n_includes > LOAD_MAX_SOURCES) {
			(void)diags_at(l->diags, item->pos, "use a glob", "more than %d includes",
				       LOAD_MAX_SOURCES);
			return;
		}
		if (item->type != NODE_SCALAR || item->len == 0 ||
		    include_paths(l, item, &paths, &n_paths))
			continue;
		for (size_t k = n_paths; k-- > 0;)
			push(l, s, paths[k], item->pos);
	}
}

int load_sources(struct loader *l)
{
	struct definition *d = l->definition;
	const char *path;
	struct map seen;
	struct stack stack = {0};

	if (root_path(l, &path) < 0)
		return -1;
	map_init(&seen, l->arena);
	d->root_file = load_policy_shown(l, path);
	d->root_dir = directory_of(l->arena, path);
	d->root_name = strrchr(path, '/') + 1;
	/* at the bottom: seen by then if anything includes it */
	if (l->options->instead && !l->options->instead->is_when_absent)
		push(l, &stack, l->options->instead->path, (struct pos){0});
	push(l, &stack, path, (struct pos){0});
	while (stack.n > 0) {
		size_t source = d->n_sources;
		struct pos at;
		struct node *root;

		stack.n--;
		path = stack.items[stack.n].path;
		at = stack.items[stack.n].at;
		if (!map_put(&seen, path, d))
			continue;
		if (source == LOAD_MAX_SOURCES) {
			(void)diags_at(l->diags, at, NULL, "more than %d definition files",
				       LOAD_MAX_SOURCES);
			break;
		}
		root = read_source(l, path, at);
		if (d->n_sources == 0)
			return -1;
		if (!root)
			continue;
		add_document(l, root, source, path);
		push_includes(l, &stack, root);
	}
	return 0;
}
