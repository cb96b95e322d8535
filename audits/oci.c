/*
 * oci: a container image, all of it: what the index promises is there, whole and nothing else.
 *
 * Every blob is read to its end and hashed, whatever it is called, once however many lead to it.
 * Damage is a count with a line of evidence each; what could not be read makes the count no
 * measurement, since the damage found is then a lower bound. What depends on documents that could
 * not be followed (orphans, platforms that seem to be missing) is no measurement either.
 */
#include "audits/oci.h"

#include <stddef.h>
#include <string.h>

#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

static const struct key_row oci_keys[] = {
	{.name = "layout",
	 .type = KEY_PATH,
	 .flags = KEY_WORLD,
	 .offset = offsetof(struct oci_spec, layout),
	 .help = "an image layout: the folder with oci-layout, index.json and blobs/, or a tar of "
		 "it",
	 .example = "dist/image"},
	{.name = "repository",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct oci_spec, repository),
	 .help = "or a repository of the registry that is the check's own target",
	 .example = "shop/api"},
	{.name = "ref",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct oci_spec, ref),
	 .help = "tag or digest of the image meant; all of a layout if absent",
	 .example = "v2.31.0"},
	{.name = "platforms",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct oci_spec, platforms),
	 .help = "platforms there must be an image for: os/architecture[/variant]",
	 .example = "[linux/amd64, linux/arm64]"},
	{.name = "labels",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct oci_spec, labels),
	 .help = "labels each image must have, and their values; * stands for anything",
	 .example = "{ org.opencontainers.image.version: \"2.31.*\" }"},
	{.name = "referrers",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct oci_spec, referrers),
	 .help = "artifact types of what must refer to the image (signature, SBOM); * stands for "
		 "anything",
	 .example = "[application/spdx+json]"},
	{.name = "user",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct oci_spec, user),
	 .help = "who may read the repository, if not everybody",
	 .example = "audit"},
	{.name = "password",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct oci_spec, password),
	 .help = "shown to the registry when it asks, to nobody else",
	 .example = "\"${env:REGISTRY_PASSWORD}\""},
	{.name = "realm",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct oci_spec, realm),
	 .help = "the token server on another host that the password may be shown to as well",
	 .example = "\"https://auth.example.com/token\""},
	{.name = "unpack",
	 .type = KEY_BOOL,
	 .offset = offsetof(struct oci_spec, unpack),
	 .def = "true",
	 .help = "unpack gzip layers and compare with the config's diff_ids; nothing is stored"},
	KEY_END,
};

static const struct value_row oci_values[] = {
	{.name = "problems",
	 .type = VALUE_INT,
	 .unit = "problems",
	 .implied = "== 0",
	 .help = "blobs missing, damaged or of another size, documents that contradict"},
	{.name = "orphans",
	 .type = VALUE_INT,
	 .unit = "blobs",
	 .implied = "== 0",
	 .is_optional = true,
	 .help = "files below blobs/ of a layout that nothing leads to"},
	{.name = "missing_platforms",
	 .type = VALUE_INT,
	 .unit = "platforms",
	 .implied = "== 0",
	 .needs_key = "platforms",
	 .help = "those of `platforms` without an image"},
	{.name = "label_differences",
	 .type = VALUE_INT,
	 .unit = "labels",
	 .implied = "== 0",
	 .needs_key = "labels",
	 .help = "labels that are absent or have another value, over all images"},
	{.name = "label",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .needs_key = "labels",
	 .help = "what the image has for each of `labels`, a series a platform and label"},
	{.name = "missing_referrers",
	 .type = VALUE_INT,
	 .unit = "types",
	 .implied = "== 0",
	 .needs_key = "referrers",
	 .help = "those of `referrers` that nothing has which refers to the image"},
	{.name = "digest",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "of the manifest or index that is meant, as sha256:..."},
	{.name = "images", .type = VALUE_INT, .unit = "", .help = "images that are meant"},
	{.name = "total_size",
	 .type = VALUE_INT,
	 .unit = "B",
	 .help = "all blobs, each once, as they are stored"},
	{.name = "size",
	 .type = VALUE_INT,
	 .unit = "B",
	 .help = "manifest, config and layers as they are stored, a series a platform"},
	{.name = "layers", .type = VALUE_INT, .unit = "", .help = "a series a platform"},
	{.name = "user",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "who runs it, \"root\" when nobody is named or number 0, a series a platform"},
	{.name = "age",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "time since the config says it was created, a series a platform"},
	{.name = NULL},
};

/* One place to look in, and all that it takes. */
static void check_place(struct keys_context *ctx, const struct check *c)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-/";
	const struct oci_spec *spec = c->spec;
	const char *repository = spec->repository;

	if (!spec->layout == !repository)
		(void)diags_at(ctx->diags, c->kind_pos, NULL,
			       "check \"%s\": write either layout or repository", c->name);
	if (!repository) {
		if (spec->user || spec->password || spec->realm)
			(void)diags_at(ctx->diags, c->kind_pos, NULL,
				       "check \"%s\": a layout asks for no password", c->name);
		return;
	}
	if (!c->target)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "repository"),
			       "add target: NAME to the check itself, an http target such as "
			       "https://registry.example.com",
			       "check \"%s\": nothing says which registry", c->name);
	if (!spec->ref)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "repository"),
			       "add ref: with a tag or a digest",
			       "check \"%s\": nothing says which image of the repository", c->name);
	if (!repository[0] || repository[strspn(repository, letters)] || strstr(repository, "..") ||
	    strstr(repository, "//") || repository[0] == '/' || str_ends(repository, "/"))
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "repository"),
			       "for example shop/api, in lower case, without the host and the tag",
			       "check \"%s\": \"%s\" cannot be a repository", c->name,
			       str_escaped(ctx->arena, repository));
	if (!spec->user != !spec->password)
		(void)diags_at(ctx->diags, c->kind_pos, NULL,
			       "check \"%s\": user and password go together", c->name);
}

/* A tag, where only those can be meant. */
static bool is_tag(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";

	return s[0] && !strchr(".-", s[0]) && strlen(s) <= 128 && !s[strspn(s, letters)];
}

static void oci_check(struct keys_context *ctx, struct check *c)
{
	const struct oci_spec *spec = c->spec;

	check_place(ctx, c);
	for (size_t i = 0; i < spec->platforms.n; i++) {
		const char *platform = spec->platforms.items[i], *slash = strchr(platform, '/');

		if (!slash || slash == platform || slash[1] == '\0')
			(void)diags_at(ctx->diags, spec->platforms.positions[i],
				       "write os/architecture, for example linux/arm64",
				       "check \"%s\": \"%s\" is no platform", c->name,
				       str_escaped(ctx->arena, platform));
	}
	if (spec->ref && str_starts(spec->ref, "sha256:") && !oci_is_digest(spec->ref))
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "ref"),
			       "write sha256: and 64 hexadecimal digits, all in lower case",
			       "check \"%s\": \"ref\" is a digest that is cut or misspelt",
			       c->name);
	else if (spec->repository && spec->ref && !is_tag(spec->ref) && !oci_is_digest(spec->ref))
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "ref"), "a tag or a digest",
			       "check \"%s\": \"ref\" is neither a tag nor a digest", c->name);
}

static const char *what_is_read(struct probe *p)
{
	const struct oci_spec *spec = p->checks[0]->spec;

	return arena_printf(p->arena, "%s%s%s%s%s",
			    spec->layout ? spec->layout : p->checks[0]->target->location,
			    spec->layout ? "" : "/", spec->layout ? "" : spec->repository,
			    !spec->ref			       ? ""
			    : str_starts(spec->ref, "sha256:") ? "@"
							       : ":",
			    spec->ref ? spec->ref : "");
}

static void oci_describe(struct probe *p, struct buf *out)
{
	const struct oci_spec *spec = p->checks[0]->spec;

	(void)buf_printf(out, "%s: every blob hashed%s\n", what_is_read(p), /* is bounded */
			 spec->unpack ? ", gzip layers unpacked" : "");
}

static int walk_layout(struct oci_picture *pic, struct err *e)
{
	struct oci_walk *w = pic->walk;
	struct err failure = {.class = ERR_NONE};
	struct oci_root *roots;

	if (oci_layout_open(w->probe, w->spec->layout, &w->store, &roots, &pic->n_roots, e) < 0)
		return -1;
	pic->roots = roots;
	for (size_t i = 0; i < pic->n_roots; i++)
		if (oci_walk_root(w, &roots[i], e) < 0)
			return -1;
	if (oci_layout_orphans(w->store, w, &failure) < 0)
		pic->orphans_error = arena_strdup(w->probe->arena, failure.message);
	return 0;
}

/* What refers to the image, which only then is known to the walk. */
static int walk_referrers(struct oci_picture *pic, struct err *e)
{
	struct oci_walk *w = pic->walk;
	struct err failure = {.class = ERR_NONE};
	struct oci_root *roots;
	size_t n;

	if (oci_registry_referrers(w->store, pic->roots[0].descriptor.digest, &roots, &n,
				   &failure) < 0) {
		oci_find(w, OCI_BLIND, "%s", failure.message);
		w->is_partial = true;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		if (oci_walk_root(w, &roots[i], e) < 0)
			return -1;
	return 0;
}

static int walk_registry(struct oci_picture *pic, struct err *e)
{
	struct oci_walk *w = pic->walk;
	struct arena *a = w->probe->arena;
	struct oci_root *root = arena_alloc(a, sizeof(*root));

	if (oci_registry_open(w->probe, &w->store, root, e) < 0)
		return -1;
	pic->orphans_error = "a registry does not tell what else it has";
	pic->roots = root;
	pic->n_roots = 1;
	if (root->claim && strcmp(root->claim, root->descriptor.digest) != 0)
		oci_find(w, OCI_PROBLEM, "the registry calls it %s and sends %s",
			 oci_short(a, root->claim), oci_short(a, root->descriptor.digest));
	if (oci_walk_root(w, root, e) < 0)
		return -1;
	return w->spec->referrers.n > 0 ? walk_referrers(pic, e) : 0;
}

/* A referrer promises of its subject what an index does of its entries. */
static void check_subjects(const struct oci_picture *pic)
{
	struct oci_walk *w = pic->walk;
	struct arena *a = w->probe->arena;

	for (size_t i = 0; i < w->n_referrers; i++) {
		const struct oci_descriptor *said = w->referrers[i].subject;

		for (size_t k = 0; k < pic->n_roots; k++) {
			const struct oci_descriptor *is = &pic->roots[k].descriptor;

			if (strcmp(said->digest, is->digest) != 0)
				continue;
			if (said->size != is->size || strcmp(said->media_type, is->media_type) != 0)
				oci_find(w, OCI_PROBLEM,
					 "%s: its subject is announced as \"%s\" of %lld bytes and "
					 "is \"%s\" of %lld",
					 w->referrers[i].name, str_escaped(a, said->media_type),
					 (long long)said->size, str_escaped(a, is->media_type),
					 (long long)is->size);
			break;
		}
	}
}

/* A registry has no orphans to be told of, so none are implied. */
static bool is_asked(const struct oci_picture *pic, const struct named_expectation *x)
{
	return !(pic->walk->spec->repository && x->is_implied && strcmp(x->name, "orphans") == 0);
}

static int oci_probe(struct probe *p, struct err *e)
{
	const struct check *c = p->checks[0];
	struct oci_walk w = {.probe = p, .spec = c->spec};
	struct oci_picture pic = {.walk = &w, .query = what_is_read(p)};

	map_init(&w.nodes, p->arena);
	if ((w.spec->layout ? walk_layout(&pic, e) : walk_registry(&pic, e)) < 0)
		return -1;
	check_subjects(&pic);
	for (size_t i = 0; i < w.n_images; i++)
		pic.n_selected += w.images[i].is_selected;
	for (size_t i = 0; i < c->n_expects; i++)
		if (is_asked(&pic, &c->expects[i]))
			oci_emit(&pic, c->expects[i].name);
	return 0;
}

const struct audit_kind audit_kind_oci = {
	.name = "oci",
	.family = "artifact",
	.summary =
		"a container image: every blob hashed, platforms, labels, size, signatures there",
	.blind =
		"It proves that the image is whole and is what its index promises, not that the "
		"index is the one that was released: pin `digest`, or verify a signature. That a "
		"signature or SBOM refers to the image is not that it is valid or true. What is in "
		"the layers is not looked at, nor that a layer is a proper tar; layers packed with "
		"zstd are hashed but not unpacked, layers kept elsewhere (`urls`) not asked for. "
		"Files beside blobs/ are not looked at; what "
		"else a "
		"registry has, and signatures that refer to an image by their tag alone, neither.",
	.spec_size = sizeof(struct oci_spec),
	.keys = oci_keys,
	.values = oci_values,
	.targets = TARGET_BIT(TARGET_HTTP),
	.is_target_optional = true,
	.scalar_key = "layout",
	.check = oci_check,
	.arsenal = &arsenal_oci,
	.describe = oci_describe,
	.probe = oci_probe,
};
