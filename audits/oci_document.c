/*
 * oci_document: JSON documents of an image, read strictly where two readers could read two things.
 *
 * A document that has both `manifests` and `layers` is an image to one tool and an index to another
 * (CVE-2021-41190), so it is neither here. Unknown members are ignored, as the specification asks,
 * but for those that are known ones to a reader without regard to case.
 */
#include <string.h>

#include "audits/alike.h"
#include "audits/oci.h"
#include "runner/base/arena.h"
#include "runner/base/base64.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/digest.h"
#include "runner/io/json.h"

#define OCI    "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."

bool oci_is_index(const char *media_type)
{
	return strcmp(media_type, OCI "index.v1+json") == 0 ||
	       strcmp(media_type, DOCKER "distribution.manifest.list.v2+json") == 0;
}

bool oci_is_manifest(const char *media_type)
{
	return strcmp(media_type, OCI "manifest.v1+json") == 0 ||
	       strcmp(media_type, DOCKER "distribution.manifest.v2+json") == 0;
}

bool oci_is_config(const char *media_type)
{
	return strcmp(media_type, OCI "config.v1+json") == 0 ||
	       strcmp(media_type, DOCKER "container.image.v1+json") == 0;
}

enum oci_layer oci_layer_of(const char *media_type)
{
	static const struct {
		const char *type;
		enum oci_layer layer;
	} layers[] = {
		{OCI "layer.v1.tar", OCI_LAYER_TAR},
		{OCI "layer.v1.tar+gzip", OCI_LAYER_GZIP},
		{OCI "layer.v1.tar+zstd", OCI_LAYER_OTHER},
		{OCI "layer.nondistributable.v1.tar", OCI_LAYER_TAR},
		{OCI "layer.nondistributable.v1.tar+gzip", OCI_LAYER_GZIP},
		{OCI "layer.nondistributable.v1.tar+zstd", OCI_LAYER_OTHER},
		{DOCKER "image.rootfs.diff.tar", OCI_LAYER_TAR},
		{DOCKER "image.rootfs.diff.tar.gzip", OCI_LAYER_GZIP},
		{DOCKER "image.rootfs.diff.tar.zstd", OCI_LAYER_OTHER},
		{DOCKER "image.rootfs.foreign.diff.tar.gzip", OCI_LAYER_GZIP},
	};

	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
		if (strcmp(media_type, layers[i].type) == 0)
			return layers[i].layer;
	return OCI_LAYER_UNKNOWN;
}

bool oci_is_digest(const char *s)
{
	return strlen(s) == OCI_DIGEST_CHARS && str_starts(s, "sha256:") &&
	       strspn(s + 7, "0123456789abcdef") == 64;
}

/* Of 64-bit ARM there is one variant that everybody leaves out. */
static const char *without_default(const char *platform)
{
	return strcmp(platform, "linux/arm64/v8") == 0 ? "linux/arm64" : platform;
}

bool oci_platform_matches(const char *wanted, const char *has)
{
	const char *architecture = strchr(wanted, '/');
	size_t n = strlen(wanted);

	if (strcmp(without_default(wanted), without_default(has)) == 0)
		return true;
	/* Without a variant any will do: linux/arm is also linux/arm/v7. */
	return architecture && !strchr(architecture + 1, '/') && strncmp(wanted, has, n) == 0 &&
	       has[n] == '/';
}

/* A document while it is read: the first thing that is wrong is kept. */
struct reading {
	struct arena *arena;
	const struct json_doc *doc;
	struct err *e;
};

/* Of the structures that image-spec and the images of Docker have. */
static const char *const document_members[] = {
	"schemaVersion", "mediaType", "artifactType", "config", "layers",
	"manifests",	 "subject",   "annotations",  NULL,
};
static const char *const descriptor_members[] = {
	"mediaType", "digest",	 "size",	 "urls", "annotations",
	"data",	     "platform", "artifactType", NULL,
};
static const char *const platform_members[] = {
	"architecture", "os", "os.version", "os.features", "variant", NULL,
};
static const char *const config_members[] = {
	"created", "author", "architecture", "os",	"os.version", "os.features",
	"variant", "config", "rootfs",	     "history", NULL,
};
static const char *const program_members[] = {
	"User",	   "ExposedPorts", "Env",	  "Entrypoint", "Cmd",
	"Volumes", "WorkingDir",   "Labels",	  "StopSignal", "ArgsEscaped",
	"OnBuild", "Shell",	   "Healthcheck", "Hostname",	"Domainname",
	"Memory",  "MemorySwap",   "CpuShares",	  NULL,
};
static const char *const rootfs_members[] = {"type", "diff_ids", NULL};

static int refuse_alike(struct reading *r, struct json_t *object, const char *const *known)
{
	const char *as, *name = alike_member(object, known, &as);

	if (name == NULL)
		return 0;
	return err_set(r->e, ERR_MEASURE,
		       "its member \"%s\" is \"%s\" to readers without regard to case: two readers "
		       "would see two images",
		       str_escaped(r->arena, name), as);
}

static void free_json(void *doc)
{
	json_free(doc);
}

static int open_document(struct reading *r, const char *text, size_t n, struct json_t **root)
{
	struct json_doc *doc;
	struct json_value v;

	if (json_parse(text, n, &doc, r->e) < 0)
		return -1;
	arena_defer(r->arena, free_json, doc); /* texts are borrowed from it */
	r->doc = doc;
	*root = json_root(doc);
	json_read(doc, *root, &v);
	return v.type == JSON_IS_OBJECT ? 0 : err_set(r->e, ERR_MEASURE, "it is no JSON object");
}

/* A text without NUL bytes (the reader refuses them), or what stands for an absent one. */
static int read_text(struct reading *r, const struct json_t *object, const char *name,
		     const char *absent, const char **out)
{
	struct json_value v;

	json_read(r->doc, json_member(object, name), &v);
	if (v.type == JSON_ABSENT || v.type == JSON_IS_NULL) {
		*out = absent;
		return 0;
	}
	if (v.type != JSON_IS_TEXT)
		return err_set(r->e, ERR_MEASURE, "its \"%s\" is no text", name);
	*out = v.text;
	return 0;
}

/* "os/architecture[/variant]"; NULL when os or architecture is missing. */
static int read_platform(struct reading *r, struct json_t *object, const char **out)
{
	const char *os, *architecture, *variant;

	if (read_text(r, object, "os", NULL, &os) < 0 ||
	    read_text(r, object, "architecture", NULL, &architecture) < 0 ||
	    read_text(r, object, "variant", NULL, &variant) < 0)
		return -1;
	*out = NULL;
	if (os && os[0] && architecture && architecture[0])
		*out = arena_printf(r->arena, "%s/%s%s%s", os, architecture,
				    variant && variant[0] ? "/" : "", variant ? variant : "");
	return 0;
}

/* A copy of what the descriptor is about, for who does not fetch it (image-spec, descriptor.md). */
static int check_data(struct reading *r, const struct json_t *object,
		      const struct oci_descriptor *d)
{
	unsigned char digest[SHA256_BYTES], *bytes;
	char hex[SHA256_HEX];
	const char *data;
	size_t n;

	if (read_text(r, object, "data", NULL, &data) < 0)
		return -1;
	if (data == NULL || data[0] == '\0')
		return 0;
	bytes = base64_decode(r->arena, data, strlen(data), &n);
	if (bytes == NULL)
		return err_set(r->e, ERR_MEASURE, "the data of %s in it is no base64",
			       oci_short(r->arena, d->digest));
	sha256_of(bytes, n, digest);
	sha256_hex(digest, hex);
	if ((int64_t)n != d->size || (oci_is_digest(d->digest) && strcmp(d->digest + 7, hex) != 0))
		return err_set(r->e, ERR_MEASURE,
			       "the data of %s in it is not what the digest is of",
			       oci_short(r->arena, d->digest));
	return 0;
}

static int read_descriptor(struct reading *r, struct json_t *object, struct oci_descriptor *out)
{
	struct json_t *platform = json_member(object, "platform");
	struct json_value v;

	json_read(r->doc, object, &v);
	if (v.type != JSON_IS_OBJECT)
		return err_set(r->e, ERR_MEASURE, "a descriptor in it is no JSON object");
	if (refuse_alike(r, object, descriptor_members) < 0 ||
	    refuse_alike(r, platform, platform_members) < 0)
		return -1;
	if (read_text(r, object, "mediaType", "", &out->media_type) < 0 ||
	    read_text(r, object, "digest", NULL, &out->digest) < 0 ||
	    read_text(r, json_member(object, "annotations"), "org.opencontainers.image.ref.name",
		      NULL, &out->ref) < 0 ||
	    (platform && read_platform(r, platform, &out->platform) < 0))
		return -1;
	if (!out->digest)
		return err_set(r->e, ERR_MEASURE, "a descriptor in it has no digest");
	if (!out->media_type[0])
		return err_set(r->e, ERR_MEASURE, "the descriptor of %s in it has no mediaType",
			       oci_short(r->arena, out->digest));
	json_read(r->doc, json_member(object, "size"), &v);
	if (v.type != JSON_IS_INT || v.integer < 0 || v.integer > OCI_MAX_SIZE)
		return err_set(r->e, ERR_MEASURE, "the descriptor of %s in it has no valid size",
			       oci_short(r->arena, out->digest));
	out->size = v.integer;
	json_read(r->doc, json_member(object, "urls"), &v);
	out->has_urls = v.type == JSON_IS_ARRAY && v.n > 0;
	return check_data(r, object, out);
}

static int read_items(struct reading *r, const struct json_t *array, const char *name,
		      struct oci_document *out)
{
	struct json_value v;

	json_read(r->doc, array, &v);
	if (v.type != JSON_IS_ARRAY)
		return err_set(r->e, ERR_MEASURE, "its \"%s\" is no list", name);
	if (v.n > OCI_MAX_ITEMS)
		return err_set(r->e, ERR_MEASURE, "its \"%s\" has %zu entries, more than %d", name,
			       v.n, OCI_MAX_ITEMS);
	out->items = arena_array(r->arena, v.n, sizeof(*out->items));
	out->n_items = v.n;
	for (size_t i = 0; i < v.n; i++)
		if (read_descriptor(r, json_item(array, i), &out->items[i]) < 0)
			return -1;
	return 0;
}

static int read_subject(struct reading *r, const struct json_t *root, struct oci_document *out)
{
	struct json_t *subject = json_member(root, "subject");
	struct oci_descriptor *d = arena_alloc(r->arena, sizeof(*d));
	struct json_value v;

	json_read(r->doc, subject, &v);
	if (v.type == JSON_ABSENT || v.type == JSON_IS_NULL)
		return 0;
	*d = (struct oci_descriptor){.size = -1};
	out->subject = d;
	return read_descriptor(r, subject, d);
}

int oci_document_parse(struct arena *a, const char *text, size_t n, struct oci_document *out,
		       struct err *e)
{
	struct reading r = {.arena = a, .e = e};
	struct oci_document doc = {.is_index = false};
	struct json_t *root;
	struct json_value version;

	if (open_document(&r, text, n, &root) < 0 || refuse_alike(&r, root, document_members) < 0)
		return -1;
	json_read(r.doc, json_member(root, "schemaVersion"), &version);
	if (version.type != JSON_IS_INT || version.integer != 2)
		return err_set(e, ERR_MEASURE, "its schemaVersion is not 2");
	if (read_text(&r, root, "mediaType", "", &doc.media_type) < 0 ||
	    read_text(&r, root, "artifactType", "", &doc.artifact_type) < 0 ||
	    read_subject(&r, root, &doc) < 0)
		return -1;

	const struct json_t *manifests = json_member(root, "manifests");
	const struct json_t *layers = json_member(root, "layers");
	struct json_t *config = json_member(root, "config");
	if (manifests && (layers || config))
		return err_set(e, ERR_MEASURE,
			       "it is an index and a manifest at once: two readers would see two "
			       "images");
	doc.is_index = manifests != NULL;
	if (doc.is_index ? oci_is_manifest(doc.media_type) : oci_is_index(doc.media_type))
		return err_set(e, ERR_MEASURE, "its mediaType \"%s\" is not what it contains",
			       str_escaped(a, doc.media_type));
	if (!doc.is_index && (!config || !layers))
		return err_set(e, ERR_MEASURE, "it has no %s", config ? "layers" : "config");
	if (!doc.is_index && read_descriptor(&r, config, &doc.config) < 0)
		return -1;
	if (read_items(&r, doc.is_index ? manifests : layers, doc.is_index ? "manifests" : "layers",
		       &doc) < 0)
		return -1;
	*out = doc;
	return 0;
}

static int read_diff_ids(struct reading *r, const struct json_t *root, struct oci_config *out)
{
	const struct json_t *list = json_member(json_member(root, "rootfs"), "diff_ids");
	struct json_value v;

	json_read(r->doc, list, &v);
	if (v.type != JSON_IS_ARRAY)
		return v.type == JSON_ABSENT
			       ? 0
			       : err_set(r->e, ERR_MEASURE, "its \"diff_ids\" is no list");
	if (v.n > OCI_MAX_ITEMS)
		return err_set(r->e, ERR_MEASURE, "its \"diff_ids\" has %zu entries", v.n);
	out->diff_ids = arena_array(r->arena, v.n, sizeof(*out->diff_ids));
	out->n_diff_ids = v.n;
	for (size_t i = 0; i < out->n_diff_ids; i++) {
		json_read(r->doc, json_item(list, i), &v);
		if (v.type != JSON_IS_TEXT)
			return err_set(r->e, ERR_MEASURE,
				       "entry %zu of its \"diff_ids\" is no text", i + 1);
		out->diff_ids[i] = v.text;
	}
	return 0;
}

int oci_config_parse(struct arena *a, const char *text, size_t n, const struct pairs *labels,
		     struct oci_config *out, struct err *e)
{
	struct reading r = {.arena = a, .e = e};
	struct oci_config config = {.platform = NULL};
	struct json_t *root;

	if (open_document(&r, text, n, &root) < 0)
		return -1;

	struct json_t *inner = json_member(root, "config");
	if (refuse_alike(&r, root, config_members) < 0 ||
	    refuse_alike(&r, inner, program_members) < 0 ||
	    refuse_alike(&r, json_member(root, "rootfs"), rootfs_members) < 0 ||
	    read_platform(&r, root, &config.platform) < 0 ||
	    read_text(&r, root, "created", NULL, &config.created) < 0 ||
	    read_text(&r, inner, "User", "", &config.user) < 0 ||
	    read_diff_ids(&r, root, &config) < 0)
		return -1;
	config.labels = arena_array(a, labels->n, sizeof(*config.labels));
	for (size_t i = 0; i < labels->n; i++)
		if (read_text(&r, json_member(inner, "Labels"), labels->items[i].name, NULL,
			      &config.labels[i]) < 0)
			return -1;
	*out = config;
	return 0;
}
