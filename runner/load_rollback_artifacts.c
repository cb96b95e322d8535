/*
 * What was built of a tag, as a rollback set lists it: files, archives, images.
 */
#include <string.h>

#include "audits/kinds.h"
#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/digest.h"
#include "runner/load_parts.h"
#include "runner/model/kind.h"

#define FIELD(name) offsetof(struct artifact_raw, artifact.name)

const struct key_row artifact_rows[] = {
	{.name = "path",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = FIELD(path),
	 .help = "a file, relative to the definition; in it and in the other names {tag}, "
		 "{version} "
		 "(the tag from its first digit on) and {commit} are replaced",
	 .example = "\"dist/app-{version}.tar.gz\""},
	{.name = "digests",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = FIELD(digests),
	 .help = "the list that has its SHA-256, as sha256sum writes it",
	 .example = "dist/SHA256SUMS"},
	{.name = "sha256",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = FIELD(sha256),
	 .help = "or the digest itself, 64 hexadecimal digits; of an image that of its manifest or "
		 "index",
	 .example = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"},
	{.name = "extract",
	 .type = KEY_BOOL,
	 .offset = FIELD(is_extracted),
	 .help = "it is an archive that can be unpacked safely and to its end, as kind archive "
		 "sees "
		 "it; true for names that end like one",
	 .example = "true"},
	{.name = "archive",
	 .type = KEY_NODE,
	 .offset = FIELD(archive),
	 .help = "further keys of kind archive: required, forbidden, allow, max_ratio, ...",
	 .example = "{ required: [bin/app], allow: [setuid] }"},
	{.name = "commit_file",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = FIELD(commit_file),
	 .help = "member of the archive that names the commit, in full or by at least 7 digits",
	 .example = "app/REVISION"},
	{.name = "signature",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = FIELD(signature),
	 .help = "its detached signature (ssh-keygen -Y sign -n file, gpg --detach-sign), by a key "
		 "of the set's `signature`",
	 .example = "\"dist/app-{version}.tar.gz.sig\""},
	{.name = "oci",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = FIELD(oci),
	 .help = "or an image of a registry, asked by https: every blob hashed; its label "
		 "org.opencontainers.image.revision, where it has one, is the tag's commit",
	 .example = "\"registry.example.com/app:{version}\""},
	{.name = "registry",
	 .type = KEY_NAME,
	 .offset = offsetof(struct artifact_raw, registry),
	 .help = "the http target that `oci` is then relative to, with its headers and ca_file",
	 .example = "registry"},
	{.name = "user",
	 .type = KEY_TEXT,
	 .offset = FIELD(user),
	 .help = "who may read the image, if not everybody",
	 .example = "audit"},
	{.name = "password",
	 .type = KEY_TEXT,
	 .offset = FIELD(password),
	 .help = "shown to the registry when it asks, to nobody else",
	 .example = "\"${env:REGISTRY_PASSWORD}\""},
	{.name = "layout",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = FIELD(layout),
	 .help = "or an image layout, a folder or a tar of it, relative to the definition",
	 .example = "\"dist/image-{version}\""},
	{.name = "ref",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = FIELD(ref),
	 .help = "tag or digest of the image meant in the layout; the only one if absent",
	 .example = "\"{version}\""},
	KEY_END,
};

static bool is_archive_name(const char *path)
{
	static const char *const ends[] = {".tar",    ".tgz",	  ".tar.gz", ".tar.bz2",
					   ".tar.xz", ".tar.zst", ".tar.lz", ".tar.lz4",
					   ".tbz2",   ".txz",	  ".zip",    ".7z",
					   ".cpio",   ".deb",	  ".jar",    ".whl"};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (str_ends(path, ends[i]))
			return true;
	return false;
}

/* {name} that is none of those that are replaced: almost always a misspelling. */
static void check_placeholders(struct loader *l, const struct group *g, const char *key,
			       const char *text)
{
	static const char *const names[] = {"tag", "version", "commit"};

	for (const char *open = strchr(text, '{'); open; open = strchr(open + 1, '{')) {
		size_t n = strcspn(open + 1, "}"), i = 0;

		while (i < 3 && (strlen(names[i]) != n || memcmp(open + 1, names[i], n) != 0))
			i++;
		if (i == 3)
			(void)diags_at(l->diags, keys_pos(g->node, key),
				       "{tag}, {version} and {commit} are replaced",
				       "\"%s\" has a placeholder that nothing stands for",
				       str_escaped(l->arena, text));
	}
}

/* The keys that go with one sort of artifact only. */
static void check_sort(struct loader *l, const struct group *g, const char *sort,
		       const char *const *keys)
{
	for (; *keys; keys++)
		if (keys_has(g, *keys) && !keys_has(g, sort))
			(void)diags_at(l->diags, keys_pos(g->node, *keys), NULL,
				       "\"%s\" goes with \"%s\" only", *keys, sort);
}

static void check_reference(struct loader *l, const struct group *g,
			    const struct rollback_artifact *x, bool has_registry)
{
	const char *slash = strchr(x->oci, '/'), *last = strrchr(x->oci, '/');
	bool has_host = slash && strcspn(x->oci, ".:") < (size_t)(slash - x->oci);

	if (!has_registry && !has_host)
		(void)diags_at(l->diags, keys_pos(g->node, "oci"),
			       "write registry.example.com/app:{version}, or add registry: NAME",
			       "\"%s\" does not say which registry", str_escaped(l->arena, x->oci));
	if (!strpbrk(last ? last : x->oci, ":@"))
		(void)diags_at(l->diags, keys_pos(g->node, "oci"), "add :{version}",
			       "\"%s\" does not say which image of the repository",
			       str_escaped(l->arena, x->oci));
	if (!x->user != !x->password)
		(void)diags_at(l->diags, g->pos, NULL, "user and password go together");
}

/* As kind archive would read them, with a path. */
static void check_archive_keys(struct loader *l, const struct node *node)
{
	const struct audit_kind *kind = audit_kind_find("archive");
	struct keys_context keys = l->keys;
	struct node path = {.type = NODE_SCALAR, .pos = node->pos, .text = "path", .len = 4};
	struct node map = {.type = NODE_MAPPING, .pos = node->pos, .n = node->n + 1};
	struct check c = {
		.name = "archive", .kind = kind, .kind_pos = node->pos, .spec_node = &map};

	if (node->type != NODE_MAPPING) {
		(void)diags_at(l->diags, node->pos, "for example { required: [bin/app] }",
			       "\"archive\" must be a mapping");
		return;
	}
	map.keys = arena_array(l->arena, map.n, sizeof(struct node *));
	map.items = arena_array(l->arena, map.n, sizeof(struct node *));
	for (size_t i = 0; i < node->n; i++) {
		map.keys[i] = node->keys[i];
		map.items[i] = node->items[i];
		if (strcmp(node->keys[i]->text, "path") == 0)
			(void)diags_at(l->diags, node->keys[i]->pos, NULL,
				       "the path of the archive is that of the artifact");
	}
	map.keys[node->n] = map.items[node->n] = &path;
	keys.what = "kind \"archive\"";
	keys.policy = NULL; /* names of a tag's own: read when the tag is known */
	c.spec = arena_alloc(l->arena, kind->spec_size);
	if (keys_read(&keys, kind->keys, &map, c.spec) == 0)
		kind->check(&keys, &c);
}

static void check_file(struct loader *l, const struct group *g, const struct set_raw *set,
		       const struct rollback_artifact *x)
{
	const char *of_archive = x->archive ? "archive" : x->commit_file ? "commit_file" : NULL;
	unsigned char digest[SHA256_BYTES];

	if (x->sha256 && sha256_from_hex(x->sha256, strlen(x->sha256), digest) < 0)
		(void)diags_at(l->diags, keys_pos(g->node, "sha256"), "sha256sum prints it",
			       "\"sha256\" is not 64 hexadecimal digits");
	if (of_archive && x->path && !x->is_extracted)
		(void)diags_at(l->diags, keys_pos(g->node, of_archive), "add extract: true",
			       "\"%s\" is about an archive", of_archive);
	if (x->archive)
		check_archive_keys(l, x->archive);
	if (x->signature && !set->signature.allowed_signers && !set->signature.keyring)
		(void)diags_at(l->diags, keys_pos(g->node, "signature"),
			       "add signature: { allowed_signers: } to the set",
			       "nothing says whose keys count");
}

static void find_registry(struct loader *l, const struct group *g, const char *name,
			  struct rollback_artifact *x)
{
	x->registry = name ? map_get(&l->targets, name) : NULL;
	if (name && !x->registry)
		load_no_target(l, name, keys_pos(g->node, "registry"));
	else if (x->registry && x->registry->type != TARGET_HTTP &&
		 x->registry->type != TARGET_NONE)
		(void)diags_at(l->diags, keys_pos(g->node, "registry"), "name an http target",
			       "target \"%s\" is no http target", name);
}

static void load_one(struct loader *l, const struct group *g, const struct set_raw *set,
		     struct rollback_artifact *x)
{
	static const char *const of_file[] = {"digests",     "extract",	  "archive",
					      "commit_file", "signature", NULL};
	static const char *const of_registry[] = {"registry", "user", "password", NULL};
	static const char *const of_layout[] = {"ref", NULL};
	static const char *const keys[] = {"path", "digests", "commit_file", "signature",
					   "oci",  "layout",  "ref"};
	const struct artifact_raw *raw = g->value;

	*x = raw->artifact;
	if (g->node->type != NODE_MAPPING)
		return; /* reported by its row */
	if (keys_has(g, "path") + keys_has(g, "oci") + keys_has(g, "layout") != 1)
		(void)diags_at(l->diags, g->pos, "for example path: \"dist/app-{version}.tar.gz\"",
			       "an artifact is one of path, oci and layout");
	check_sort(l, g, "path", of_file);
	check_sort(l, g, "oci", of_registry);
	check_sort(l, g, "layout", of_layout);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct node *value = node_get(g->node, keys[i]);

		if (value && value->type == NODE_SCALAR)
			check_placeholders(l, g, keys[i], value->text);
	}
	if (x->path && !keys_has(g, "extract"))
		x->is_extracted = is_archive_name(x->path);
	check_file(l, g, set, x);
	find_registry(l, g, raw->registry, x);
	if (x->oci)
		check_reference(l, g, x, raw->registry != NULL);
}

void load_artifacts(struct loader *l, const struct set_raw *raw, struct rollback_set *set)
{
	set->n_artifacts = raw->artifacts.n;
	set->artifacts = arena_array(l->arena, raw->artifacts.n, sizeof(*set->artifacts));
	for (size_t i = 0; i < raw->artifacts.n; i++)
		load_one(l, &raw->artifacts.items[i], raw, &set->artifacts[i]);
}
