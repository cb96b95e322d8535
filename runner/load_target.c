/*
 * Targets: exactly one of the type keys says what a target is and where, the others qualify it.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/load_parts.h"

const struct key_row target_rows[] = {
	{.name = "sqlite",
	 .type = KEY_PATH,
	 .offset = offsetof(struct target_raw, sqlite),
	 .help = "a SQLite database file",
	 .example = "data/shop.db"},
	{.name = "http",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct target_raw, http),
	 .help = "a base URL, http or https, without credentials",
	 .example = "\"https://api.example.com\""},
	{.name = "git",
	 .type = KEY_PATH,
	 .offset = offsetof(struct target_raw, git),
	 .help = "a git repository, bare or with a work tree",
	 .example = "."},
	{.name = "headers",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct target_raw, headers),
	 .help = "http only: headers sent with every request",
	 .example = "{ Authorization: \"Bearer ${env:API_TOKEN}\" }"},
	{.name = "ca_file",
	 .type = KEY_PATH,
	 .offset = offsetof(struct target_raw, ca_file),
	 .help = "http only: certificate authorities to trust instead of the system's (PEM)",
	 .example = "ca.pem"},
	{.name = "max_connections",
	 .type = KEY_INT,
	 .offset = offsetof(struct target_raw, max_connections),
	 .min = 1,
	 .max = 64,
	 .def = "4",
	 .help = "at most so many sessions or requests at once"},
	KEY_END,
};

/* The node that says what the target is; NULL with a diagnostic unless there is exactly one. */
static struct node *type_node(struct loader *l, const struct group *g, const struct node *node,
			      enum target_type *type)
{
	static const char *const names[] = {NULL, "sqlite", "http", "git"};
	struct node *found = NULL;

	for (int t = TARGET_SQLITE; t <= TARGET_GIT; t++) {
		struct node *value = node_get(node, names[t]);

		if (!value)
			continue;
		if (found) {
			(void)diags_at(l->diags, value->pos, "split it into two targets",
				       "target \"%s\" is both %s and %s", g->name, names[*type],
				       names[t]);
			return NULL;
		}
		found = value;
		*type = (enum target_type)t;
	}
	if (!found && !keys_has_unknown(target_rows, node))
		(void)diags_at(l->diags, g->pos, "add one of sqlite, http, git",
			       "target \"%s\" does not say what it is", g->name);
	return found;
}

/*
 * A URL that can be requested. What an authority holds before @ are credentials, which belong where
 * they are neither written down nor shown.
 */
static void check_url(struct loader *l, const struct node *node)
{
	const char *host = NULL, *at;
	size_t n;

	if (node->type != NODE_SCALAR || node->len == 0)
		return; /* reported by its row */
	if (str_starts(node->text, "http://") || str_starts(node->text, "https://"))
		host = strstr(node->text, "://") + 3;
	if (!host || strcspn(host, "/?#") == 0 || strpbrk(node->text, " \t\n") ||
	    strpbrk(host, "?#")) {
		(void)diags_at(l->diags, node->pos, "for example \"https://api.example.com\"",
			       "\"http\" must be an http or https URL without query or fragment");
		return;
	}
	n = strcspn(host, "/");
	at = memchr(host, '@', n);
	if (at && !node->has_secret)
		(void)diags_at(l->diags, node->pos,
			       "use headers: { Authorization: \"Basic ${env:NAME}\" }",
			       "the URL of a target cannot hold credentials");
}

static void check_option(struct loader *l, const struct group *g, const struct node *node,
			 const char *key, enum target_type type)
{
	const struct node *value = node_get(node, key);

	if (value && type != TARGET_HTTP)
		(void)diags_at(l->diags, value->pos, "remove it",
			       "\"%s\" belongs to http targets, \"%s\" is none", key, g->name);
}

void load_target(struct loader *l, const struct group *g, const struct node *node)
{
	const struct target_raw *raw = g->value;
	struct definition *d = l->definition;
	struct target *t = arena_alloc(l->arena, sizeof(*t));
	const char *paths[] = {[TARGET_SQLITE] = raw->sqlite, [TARGET_GIT] = raw->git};
	struct node *what;

	if (!load_name(l, &l->targets, "target", g, t) || node->type != NODE_MAPPING)
		return;
	t->name = g->name;
	t->pos = g->pos;
	t->headers = raw->headers;
	t->ca_file = raw->ca_file;
	t->max_connections = raw->max_connections;
	what = type_node(l, g, node, &t->type);
	if (!what)
		return;
	if (t->type == TARGET_HTTP) {
		check_url(l, what);
		t->location = raw->http;
	} else if (paths[t->type]) {
		t->location = file_absolute(l->arena, d->root_dir, paths[t->type]);
	}
	check_option(l, g, node, "headers", t->type);
	check_option(l, g, node, "ca_file", t->type);
	(void)map_put(&l->target_nodes, g->name, what); /* the name is new */
	d->targets = load_grow(l->arena, d->targets, d->n_targets, sizeof(struct target *));
	d->targets[d->n_targets++] = t;
}
