/*
 * Rollback sets, and the hidden check each brings along: `rollback/SET` verifies all tags of the
 * set, so that a gate's evidence about a rollback is recorded, aged and shown like any other.
 */
#include <stdint.h>
#include <string.h>

#include "audits/kinds.h"
#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/load_parts.h"
#include "runner/model/kind.h"

#define HIDDEN_AUDIT	  "rollback"
#define HIDDEN_TIMEOUT_MS 3600000

static const char *const contents[] = {"raw", "checkout", NULL};
static const char *const missings[] = {"undecided", "current", NULL};

static const struct key_row restore_rows[] = {
	{.name = "budget",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct set_raw, budget_ms),
	 .min = 1,
	 .max = 86400000,
	 .help = "a tag that takes longer to restore fails; no budget unless given",
	 .example = "60s"},
	{.name = "scratch",
	 .type = KEY_PATH,
	 .flags = KEY_WORLD,
	 .offset = offsetof(struct set_raw, scratch),
	 .def = "/var/tmp",
	 .help = "directory below which tags are restored and removed again",
	 .example = "/var/tmp"},
	KEY_END,
};

static const struct key_row limit_rows[] = {
	{.name = "entries",
	 .type = KEY_INT,
	 .offset = offsetof(struct set_raw, max_entries),
	 .min = 1,
	 .max = 100000000,
	 .def = "1000000",
	 .help = "a tag with more files and directories is not restored",
	 .example = "200000"},
	{.name = "bytes",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct set_raw, max_bytes),
	 .min = 1,
	 .max = INT64_C(1) << 50,
	 .def = "20GiB",
	 .help = "a tag with more content is not restored",
	 .example = "5GiB"},
	KEY_END,
};

static const struct key_row warm_rows[] = {
	{.name = "path",
	 .type = KEY_PATH,
	 .flags = KEY_REQUIRED | KEY_WORLD,
	 .offset = offsetof(struct set_raw, warm_path),
	 .help = "where the copy of a tag stands; {tag} once, in its last part",
	 .example = "\"/srv/rollback/{tag}\""},
	{.name = "keep",
	 .type = KEY_INT,
	 .offset = offsetof(struct set_raw, warm_keep),
	 .min = 1,
	 .max = 50,
	 .def = "2",
	 .help = "the newest so many proven tags of the set have a copy",
	 .example = "2"},
	{.name = "rehash",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct set_raw, rehash_ms),
	 .max = INT64_C(366) * 86400000,
	 .def = "7d",
	 .help = "all bytes of a copy are compared when the last time is longer ago; until then "
		 "its stamps are; 0s: always",
	 .example = "7d"},
	KEY_END,
};

const struct key_row set_rows[] = {
	{.name = "repo",
	 .type = KEY_NAME,
	 .offset = offsetof(struct set_raw, repo),
	 .flags = KEY_REQUIRED,
	 .help = "a git target",
	 .example = "repo"},
	{.name = "tags",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct set_raw, tags),
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .help = "which tags are releases, as a glob",
	 .example = "\"v*\""},
	{.name = "except",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct set_raw, except),
	 .flags = KEY_NO_SECRET,
	 .help = "globs of those that are none: release candidates, releases that were withdrawn",
	 .example = "[\"*-rc*\", v1.4.0]"},
	{.name = "keep",
	 .type = KEY_INT,
	 .offset = offsetof(struct set_raw, keep),
	 .min = 1,
	 .max = 50,
	 .def = "3",
	 .help = "the newest so many, in version order, must be restorable",
	 .example = "3"},
	{.name = "pin",
	 .type = KEY_BOOL,
	 .offset = offsetof(struct set_raw, is_pinned),
	 .def = "true",
	 .help = "the first recorded commit and tree of a tag are what it must stay",
	 .example = "true"},
	{.name = "signature",
	 .type = KEY_GROUP,
	 .offset = offsetof(struct set_raw, signature),
	 .sub = signature_rows,
	 .help = "tags are annotated and signed by one of these keys, as the keys stood when this "
		 "record first saw the tag",
	 .example = "{ allowed_signers: .assize/allowed_signers }"},
	{.name = "artifacts",
	 .type = KEY_LIST,
	 .offset = offsetof(struct set_raw, artifacts),
	 .sub = artifact_rows,
	 .sub_size = sizeof(struct artifact_raw),
	 .help = "what was built of a tag: it is there, as it was recorded, can be unpacked, and "
		 "is of "
		 "the tag's commit where it says so; with `pin` it is also the same as ever",
	 .example = "[{ path: \"dist/app-{version}.tar.gz\", digests: dist/SHA256SUMS }]"},
	{.name = "smoke",
	 .type = KEY_GROUP,
	 .offset = offsetof(struct set_raw, smoke),
	 .sub = smoke_rows,
	 .help = "a program that is run in the restored tree, in a sandbox, and must exit 0",
	 .example = "{ run: [./bin/app, --self-test], timeout: 30s }"},
	{.name = "reachable",
	 .type = KEY_BOOL,
	 .offset = offsetof(struct set_raw, is_reachable_only),
	 .def = "false",
	 .help = "only tags reachable from HEAD",
	 .example = "false"},
	{.name = "restore",
	 .type = KEY_GROUP,
	 .sub = restore_rows,
	 .help = "how a tag is restored",
	 .example = "{ budget: 60s }"},
	{.name = "content",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct set_raw, content),
	 .choices = contents,
	 .def = "raw",
	 .help = "files as stored, or as a checkout would write them (eol, export-subst)",
	 .example = "raw"},
	{.name = "compatible",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct set_raw, compatible),
	 .flags = KEY_NO_SECRET,
	 .help = "checks (audit/check) as the tag's own definition has them, run against today's "
		 "targets: would the old release still find what it needs",
	 .example = "[shop/columns, shop/migrations]"},
	{.name = "definition",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct set_raw, definition),
	 .flags = KEY_NO_SECRET,
	 .help = "file of the tag's definition within its tree; where this one is, unless given",
	 .example = "ops/assize.yaml"},
	{.name = "missing",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct set_raw, missing),
	 .choices = missings,
	 .def = "undecided",
	 .help = "a tag whose definition lacks a compatible check is unproven, or held to "
		 "today's check",
	 .example = "undecided"},
	{.name = "limits",
	 .type = KEY_GROUP,
	 .sub = limit_rows,
	 .help = "guards against trees made to fill a disk",
	 .example = "{ entries: 200000, bytes: 5GiB }"},
	{.name = "warm",
	 .type = KEY_GROUP,
	 .sub = warm_rows,
	 .help = "copies of the newest tags that stand ready to be swapped in",
	 .example = "{ path: \"/srv/rollback/{tag}\", keep: 2, rehash: 7d }"},
	KEY_END,
};

#define TAG_MARK "{tag}"

/* One directory for all copies of a set, one name in it for each tag, and no other set's. */
static void check_warm_path(struct loader *l, const struct set_raw *raw, const struct node *node)
{
	const struct node *warm = node_get(node, "warm");
	const char *slash, *mark;

	if (!raw->warm_path || !warm)
		return;
	slash = strrchr(raw->warm_path, '/'); /* absolute: there is one */
	mark = strstr(raw->warm_path, TAG_MARK);
	if (!mark)
		(void)diags_at(l->diags, keys_pos(warm, "path"),
			       "write where the tag's name goes: \"/srv/rollback/{tag}\"",
			       "the path of warm copies has no {tag}");
	else if (mark < slash || strstr(mark + 1, TAG_MARK))
		(void)diags_at(l->diags, keys_pos(warm, "path"),
			       "all copies of a set stand in one directory: \"DIRECTORY/{tag}\"",
			       "{tag} must be in the last part of the path, once");
	for (size_t i = 0; i < l->definition->n_rollbacks; i++)
		if (str_equal(l->definition->rollbacks[i]->warm_path, raw->warm_path))
			(void)diags_at(l->diags, keys_pos(warm, "path"), NULL,
				       "the warm copies of set \"%s\" stand there already",
				       l->definition->rollbacks[i]->name);
}

/* The definition is one of the tag's own tree, never a file beside it. */
static void check_definition(struct loader *l, const struct rollback_set *set,
			     const struct node *node)
{
	const char *path = set->definition;

	if (path && !str_starts(file_absolute(l->arena, "/tree", path), "/tree/"))
		(void)diags_at(l->diags, keys_pos(node, "definition"),
			       "write its path within the tag's tree, such as ops/assize.yaml",
			       "\"%s\" is not in the tree of a tag", str_escaped(l->arena, path));
}

void load_set(struct loader *l, const struct group *g, const struct node *node)
{
	const struct set_raw *raw = g->value;
	struct definition *d = l->definition;
	struct rollback_set *set = arena_alloc(l->arena, sizeof(*set));
	const struct target *repo = raw->repo ? map_get(&l->targets, raw->repo) : NULL;

	if (!load_name(l, &l->sets, "rollback set", g, set) || node->type != NODE_MAPPING)
		return;
	if (raw->repo && !repo)
		load_no_target(l, raw->repo, keys_pos(node, "repo"));
	else if (repo && repo->type != TARGET_GIT && repo->type != TARGET_NONE)
		(void)diags_at(l->diags, keys_pos(node, "repo"), "name a git target",
			       "target \"%s\" is no git repository", raw->repo);
	load_proof(l, raw, node);
	check_warm_path(l, raw, node);
	*set = (struct rollback_set){
		.name = g->name,
		.pos = g->pos,
		.repo = repo,
		.tags = raw->tags,
		.except = raw->except,
		.keep = raw->keep,
		.is_pinned = raw->is_pinned,
		.is_reachable_only = raw->is_reachable_only,
		.budget_ms = raw->budget_ms,
		.scratch = raw->scratch,
		.content = raw->content,
		.max_entries = raw->max_entries,
		.max_bytes = raw->max_bytes,
		.signature = raw->signature,
		.compatible = raw->compatible,
		.definition = raw->definition,
		.missing = raw->missing,
		.smoke = raw->smoke,
		.warm_path = raw->warm_path,
		.warm_keep = raw->warm_keep,
		.rehash_ms = raw->rehash_ms,
	};
	check_definition(l, set, node);
	load_artifacts(l, raw, set);
	d->rollbacks =
		load_grow(l->arena, d->rollbacks, d->n_rollbacks, sizeof(struct rollback_set *));
	d->rollbacks[d->n_rollbacks++] = set;
	(void)map_put(&l->set_nodes, g->name, (void *)(uintptr_t)node); /* the name is new */
}

/* What a tag is held to has to be a check one knows, and one that asks a database. */
static void check_compatible(struct loader *l, const struct rollback_set *set)
{
	const struct texts *names = &set->compatible;

	for (size_t i = 0; i < names->n; i++) {
		const struct check *c = definition_check(l->definition, names->items[i]);
		struct map known;

		if (c && (c->kind->targets & TARGET_DATABASES) && c->kind->probe)
			continue;
		if (c) {
			(void)diags_at(l->diags, names->positions[i],
				       "name checks of the kinds that ask a database: schema, "
				       "migrations, sql, rows, ...",
				       "\"%s\" is of kind %s, which asks no database",
				       names->items[i], c->kind->name);
			continue;
		}
		map_init(&known, l->arena);
		for (size_t k = 0; k < l->definition->n_checks; k++)
			(void)map_put(&known, l->definition->checks[k]->name, l); /* unique */
		(void)diags_at(l->diags, names->positions[i],
			       load_closest(l, names->items[i], &known), "there is no check \"%s\"",
			       str_escaped(l->arena, names->items[i]));
	}
}

static struct node *scalar(struct arena *a, struct pos pos, const char *text)
{
	struct node *node = arena_alloc(a, sizeof(*node));

	node->type = NODE_SCALAR;
	node->pos = pos;
	node->text = text;
	node->len = strlen(text);
	return node;
}

/* As if the set's author had written `rollback: { set: NAME, tags: all }`. */
static struct node *hidden_spec(struct arena *a, const struct rollback_set *set)
{
	struct node *map = arena_alloc(a, sizeof(*map));

	map->type = NODE_MAPPING;
	map->pos = set->pos;
	map->n = 2;
	map->keys = arena_array(a, 2, sizeof(struct node *));
	map->items = arena_array(a, 2, sizeof(struct node *));
	map->keys[0] = scalar(a, set->pos, "set");
	map->items[0] = scalar(a, set->pos, set->name);
	map->keys[1] = scalar(a, set->pos, "tags");
	map->items[1] = scalar(a, set->pos, "all");
	return map;
}

void load_hidden_checks(struct loader *l)
{
	const struct audit_kind *kind = audit_kind_find("rollback");
	struct definition *d = l->definition;

	for (size_t i = 0; kind && i < d->n_rollbacks; i++) {
		const struct rollback_set *set = d->rollbacks[i];
		struct check *c = load_check_new(l, HIDDEN_AUDIT, set->name, set->pos);

		check_compatible(l, set);
		c->is_hidden = true;
		c->kind = kind;
		c->kind_pos = set->pos;
		c->title = arena_printf(l->arena, "Tags of %s can be restored", set->name);
		c->severity = 5;
		c->time_zone = "UTC";
		c->timeout_ms = HIDDEN_TIMEOUT_MS;
		if (set->repo && (kind->targets & TARGET_BIT(set->repo->type)))
			c->target = set->repo;
		load_check_spec(l, c, hidden_spec(l->arena, set));
		load_expectations(l, c, NULL, NULL, false);
		load_hash(l, c);
		(void)load_check_register(l, c); /* set names are unique, "rollback" is reserved */
	}
}
