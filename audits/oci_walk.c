/*
 * oci_walk: from a descriptor to everything it leads to, each blob looked at once.
 *
 * A blob is right when it is there, has the size that was promised and hashes to its name. Only a
 * right document is followed: what a damaged one says is somebody else's word, so what it would
 * have led to stays unknown (is_partial), and nobody counts orphans or missing platforms from
 * there.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "audits/oci.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/http_gunzip.h"
#include "runner/model/kind.h"

#define EVIDENCE_LINES 50

const char *oci_short(struct arena *a, const char *digest)
{
	return oci_is_digest(digest)
		       ? arena_printf(a, "%.19s\xE2\x80\xA6", digest)
		       : str_escaped(a, arena_strndup(a, digest, strnlen(digest, 80)));
}

void oci_find(struct oci_walk *w, enum oci_severity severity, const char *fmt, ...)
{
	va_list ap;

	if (w->n_findings == w->cap_findings) {
		size_t cap = w->cap_findings ? w->cap_findings * 2 : 16;
		struct oci_finding *grown = arena_array(w->probe->arena, cap, sizeof(*grown));

		if (w->n_findings > 0)
			memcpy(grown, w->findings, w->n_findings * sizeof(*grown));
		w->findings = grown;
		w->cap_findings = cap;
	}
	va_start(ap, fmt);
	w->findings[w->n_findings++] = (struct oci_finding){
		.severity = severity,
		.text = arena_vprintf(w->probe->arena, fmt, ap),
	};
	va_end(ap);
	w->n_problems += severity == OCI_PROBLEM;
	w->n_blind += severity == OCI_BLIND;
	w->n_orphans += severity == OCI_ORPHAN;
}

const char *oci_findings_text(struct oci_walk *w, enum oci_severity first, enum oci_severity last)
{
	struct buf b;
	size_t n = 0;

	buf_init(&b, BUF_UNBOUNDED); /* bounded by the lines below and by probe_emit() */
	for (int severity = (int)first; severity <= (int)last; severity++)
		for (size_t i = 0; i < w->n_findings; i++)
			if ((int)w->findings[i].severity == severity && n++ < EVIDENCE_LINES)
				(void)buf_printf(&b, "%s%s", b.len > 0 ? "\n" : "",
						 w->findings[i].text);
	if (n > EVIDENCE_LINES)
		(void)buf_printf(&b, "\nand %zu more", n - EVIDENCE_LINES);

	const char *text = n > 0 ? arena_strndup(w->probe->arena, b.data, b.len) : NULL;
	buf_release(&b);
	return text;
}

/* One step: a descriptor, and what to call the blob in messages. */
struct step {
	const struct oci_descriptor *descriptor;
	const char *name; /* "layer 1 of linux/amd64" */
	unsigned wants;	  /* bits of enum oci_reading */
};

static const char *blob_words(struct oci_walk *w, const struct step *s)
{
	return arena_printf(w->probe->arena, "%s (%s)",
			    oci_short(w->probe->arena, s->descriptor->digest), s->name);
}

static void check_size(struct oci_walk *w, const struct step *s, const struct oci_node *node)
{
	if (node->is_here && s->descriptor->size >= 0 && node->size != s->descriptor->size)
		oci_find(w, OCI_PROBLEM, "%s: %lld bytes were promised, it has %lld",
			 blob_words(w, s), (long long)s->descriptor->size, (long long)node->size);
}

/* What the unpacked layer hashes to, or a word about why that is not known. */
static void note_unpacked(struct oci_walk *w, const struct step *s, struct oci_blob *blob,
			  struct oci_node *node)
{
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];

	if (blob->is_gzip_damaged || !http_gunzip_is_ended(blob->gunzip)) {
		oci_find(w, OCI_PROBLEM, "%s: cannot be unpacked: %s", blob_words(w, s),
			 blob->is_gzip_damaged ? blob->gzip_error : "the gzip stream has no end");
		return;
	}
	sha256_final(&blob->unpacked_hash, digest);
	sha256_hex(digest, hex);
	node->unpacked = arena_printf(w->probe->arena, "sha256:%s", hex);
}

/* The whole blob came in, or more of it than was promised. */
static void judge_blob(struct oci_walk *w, const struct step *s, struct oci_blob *blob,
		       struct oci_node *node)
{
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];

	if (blob->is_too_long) {
		oci_find(w, OCI_PROBLEM, "%s: it is longer than the %lld bytes %s",
			 blob_words(w, s), (long long)blob->max_bytes,
			 blob->max_bytes == s->descriptor->size ? "that were promised"
								: "a document may have");
		return;
	}
	node->is_here = true;
	node->size = blob->n_bytes;
	sha256_final(&blob->hash, digest);
	sha256_hex(digest, hex);
	node->is_right = strcmp(hex, s->descriptor->digest + 7) == 0;
	check_size(w, s, node);
	if (!node->is_right)
		oci_find(w, OCI_PROBLEM, "%s: its digest differs (found sha256:%.12s\xE2\x80\xA6)",
			 blob_words(w, s), hex);
	else if (blob->gunzip)
		note_unpacked(w, s, blob, node);
}

/* A digest that can be asked for; else a finding. */
static bool is_askable(struct oci_walk *w, const struct step *s)
{
	if (oci_is_digest(s->descriptor->digest))
		return true;
	if (str_starts(s->descriptor->digest, "sha512:"))
		oci_find(w, OCI_BLIND, "%s: only SHA-256 digests can be verified",
			 blob_words(w, s));
	else
		oci_find(w, OCI_PROBLEM, "%s: this is no digest", blob_words(w, s));
	w->is_partial = true;
	return false;
}

/* Does it lead to other blobs, or say what the image is? */
static bool is_document(const struct step *s)
{
	return s->wants & (OCI_AS_DOCUMENT | OCI_AS_CONFIG);
}

/* Asks the store. -1: the time is up. */
static int take(struct oci_walk *w, const struct step *s, struct buf *text, struct oci_node *node,
		struct err *e)
{
	struct err failure = {.class = ERR_NONE};
	struct oci_blob blob;

	oci_blob_init(&blob, w->probe->arena, s->descriptor->size, text, s->wants & OCI_UNPACKED);
	enum oci_answer answer = w->store->fetch(w->store, s->descriptor, &blob, &failure);
	w->n_bytes += blob.n_bytes;

	switch (answer) {
	case OCI_HERE:
		judge_blob(w, s, &blob, node);
		break;
	case OCI_ABSENT:
		if (s->descriptor->has_urls)
			oci_find(w, is_document(s) ? OCI_BLIND : OCI_NOTE,
				 "%s: is kept elsewhere and was not looked at", blob_words(w, s));
		else
			oci_find(w, OCI_PROBLEM, "%s: is missing", blob_words(w, s));
		break;
	case OCI_WRONG:
		oci_find(w, OCI_PROBLEM, "%s: %s", blob_words(w, s), failure.message);
		break;
	case OCI_UNREADABLE:
		oci_find(w, OCI_BLIND, "%s: %s", blob_words(w, s), failure.message);
		break;
	}
	oci_blob_release(&blob);
	if (clock_monotonic_ms(w->probe->world->clock) > w->probe->deadline_ms)
		return err_set(e, ERR_MEASURE,
			       "did not finish in time: %zu blobs with %lld bytes looked at",
			       w->nodes.n, (long long)w->n_bytes);
	return 0;
}

/*
 * Looks at the blob unless that was done before. *node is NULL when it has no digest to look for.
 * A document's text is added to text, and *is_new says whether it is the first time. What was right
 * and passed for something else before (the layer of another image) is looked at once more.
 */
static int look(struct oci_walk *w, const struct step *s, struct buf *text, struct oci_node **node,
		bool *is_new, struct err *e)
{
	*node = NULL;
	*is_new = false;
	if (!is_askable(w, s))
		return 0;
	*node = map_get(&w->nodes, s->descriptor->digest);
	if (*node && (!(*node)->is_right || (s->wants & ~(*node)->read_as) == 0)) {
		check_size(w, s, *node);
		return 0;
	}
	*is_new = true;
	if (!*node) {
		*node = arena_alloc(w->probe->arena, sizeof(**node));
		(*node)->digest = s->descriptor->digest;
		(void)map_put(&w->nodes, (*node)->digest, *node); /* it was not there */
	}
	(*node)->is_here = (*node)->is_right = false;
	(*node)->read_as |= s->wants;
	return take(w, s, text, *node, e);
}

static int walk_layer(struct oci_walk *w, const struct oci_descriptor *d, size_t number,
		      const char *diff_id, struct oci_image *image, struct err *e)
{
	struct arena *a = w->probe->arena;
	enum oci_layer layer = oci_layer_of(d->media_type);
	struct step s = {
		.descriptor = d,
		.name = arena_printf(a, "layer %zu of %s", number, image->platform),
		.wants = layer == OCI_LAYER_GZIP && w->spec->unpack ? OCI_UNPACKED : 0,
	};
	struct oci_node *node;
	bool is_new;

	if (look(w, &s, NULL, &node, &is_new, e) < 0)
		return -1;
	if (layer == OCI_LAYER_UNKNOWN)
		oci_find(w, OCI_NOTE, "%s: its media type \"%s\" is not one of a layer",
			 blob_words(w, &s), str_escaped(a, d->media_type));
	if (!node || !node->is_right || !diff_id || !w->spec->unpack)
		return 0;
	if (layer == OCI_LAYER_OTHER)
		oci_find(w, OCI_NOTE, "%s: zstd, what it unpacks to was not verified",
			 blob_words(w, &s));

	const char *found = layer == OCI_LAYER_TAR ? node->digest : node->unpacked;
	if (found && strcmp(found, diff_id) != 0)
		oci_find(w, OCI_PROBLEM, "%s: unpacks to %s, the config says %s", blob_words(w, &s),
			 oci_short(a, found), oci_short(a, diff_id));
	return 0;
}

static void add_image(struct oci_walk *w, const struct oci_image *image)
{
	if (w->n_images == w->cap_images) {
		size_t cap = w->cap_images ? w->cap_images * 2 : 8;
		struct oci_image *grown = arena_array(w->probe->arena, cap, sizeof(*grown));

		if (w->n_images > 0)
			memcpy(grown, w->images, w->n_images * sizeof(*grown));
		w->images = grown;
		w->cap_images = cap;
	}
	w->images[w->n_images++] = *image;
}

static void add_referrer(struct oci_walk *w, const char *name, const struct oci_document *doc)
{
	const char *type = doc->artifact_type[0] ? doc->artifact_type : doc->config.media_type;

	if (w->n_referrers == w->cap_referrers) {
		size_t cap = w->cap_referrers ? w->cap_referrers * 2 : 8;
		struct oci_referrer *grown = arena_array(w->probe->arena, cap, sizeof(*grown));

		if (w->n_referrers > 0)
			memcpy(grown, w->referrers, w->n_referrers * sizeof(*grown));
		w->referrers = grown;
		w->cap_referrers = cap;
	}
	w->referrers[w->n_referrers++] = (struct oci_referrer){name, type, doc->subject};
}

/* The text of a right config. */
static void read_config(struct oci_walk *w, const struct step *s, const struct buf *text,
			struct oci_node *node)
{
	struct oci_config *config = arena_alloc(w->probe->arena, sizeof(*config));
	struct err failure = {.class = ERR_NONE};

	if (oci_config_parse(w->probe->arena, text->data, text->len, &w->spec->labels, config,
			     &failure) < 0)
		oci_find(w, OCI_PROBLEM, "%s: %s", blob_words(w, s), failure.message);
	else
		node->config = config;
}

/* The config of a manifest: what it says when it is that of an image, else NULL. */
static int walk_config(struct oci_walk *w, const struct oci_document *doc, const char *name,
		       const struct oci_config **out, struct err *e)
{
	bool is_config = oci_is_config(doc->config.media_type), is_new;
	struct step s = {
		.descriptor = &doc->config,
		.name = arena_printf(w->probe->arena, "config of %s", name),
		.wants = is_config ? OCI_AS_CONFIG : 0,
	};
	struct oci_node *node;
	struct buf text;

	buf_init(&text, OCI_MAX_DOCUMENT);
	int rc = look(w, &s, is_config ? &text : NULL, &node, &is_new, e);
	if (rc == 0 && is_config && is_new && node->is_right)
		read_config(w, &s, &text, node);
	w->n_document_bytes += (int64_t)text.len;
	buf_release(&text);
	*out = rc == 0 && is_config && node ? node->config : NULL;
	if (is_config && !*out)
		w->is_partial = true;
	return rc;
}

/* Is this manifest an image that somebody can run? */
static bool is_image(const struct oci_document *doc, const struct oci_config *config)
{
	return config && config->platform && strcmp(config->platform, "unknown/unknown") != 0 &&
	       (doc->n_items == 0 || oci_layer_of(doc->items[0].media_type) != OCI_LAYER_UNKNOWN);
}

/* What an entry of an index promises of the image it leads to. */
static void check_promise(struct oci_walk *w, const struct step *s, const char *platform)
{
	const char *promised = s->descriptor->platform;

	if (promised && !oci_platform_matches(promised, platform))
		oci_find(w, OCI_PROBLEM, "%s: the index says it is for %s, its config says %s",
			 blob_words(w, s), str_escaped(w->probe->arena, promised),
			 str_escaped(w->probe->arena, platform));
}

/* Another entry that leads to an image which was looked at has a promise of its own. */
static void check_again(struct oci_walk *w, const struct step *s)
{
	for (size_t i = 0; i < w->n_images; i++)
		if (strcmp(w->images[i].digest, s->descriptor->digest) == 0)
			check_promise(w, s, w->images[i].config->platform);
}

static int walk_manifest(struct oci_walk *w, const struct step *s, const struct oci_document *doc,
			 bool is_selected, struct err *e)
{
	struct oci_image image = {
		.platform = s->name,
		.digest = s->descriptor->digest,
		.is_selected = is_selected,
		.n_layers = doc->n_items,
		.size = s->descriptor->size + doc->config.size,
	};
	const char *promised = s->descriptor->platform;

	if (walk_config(w, doc, s->name, &image.config, e) < 0)
		return -1;

	bool runs = is_image(doc, image.config);
	if (promised && image.config && !image.config->platform &&
	    strcmp(promised, "unknown/unknown") != 0)
		oci_find(w, OCI_PROBLEM, "%s: the index says it is for %s, its config names none",
			 blob_words(w, s), str_escaped(w->probe->arena, promised));
	if (runs) {
		image.platform = str_escaped(w->probe->arena, image.config->platform);
		check_promise(w, s, image.config->platform);
		if (image.config->n_diff_ids != doc->n_items)
			oci_find(w, OCI_PROBLEM, "%s: it has %zu layers, its config counts %zu",
				 blob_words(w, s), doc->n_items, image.config->n_diff_ids);
	}
	for (size_t i = 0; i < doc->n_items; i++) {
		const char *diff_id =
			runs && i < image.config->n_diff_ids ? image.config->diff_ids[i] : NULL;

		image.size += doc->items[i].size;
		if (walk_layer(w, &doc->items[i], i + 1, diff_id, &image, e) < 0)
			return -1;
	}
	if (doc->subject)
		add_referrer(w, blob_words(w, s), doc);
	else if (runs)
		add_image(w, &image);
	return 0;
}

static int walk_document(struct oci_walk *w, const struct step *s, struct oci_root *root, int depth,
			 struct err *e);

static unsigned wants_of(const struct oci_descriptor *d)
{
	return oci_is_index(d->media_type) || oci_is_manifest(d->media_type) ? OCI_AS_DOCUMENT : 0;
}

static int walk_index(struct oci_walk *w, const struct oci_document *doc, const char *name,
		      struct oci_root *root, int depth, struct err *e)
{
	struct arena *a = w->probe->arena;

	if (doc->n_items == 0)
		oci_find(w, OCI_PROBLEM,
			 "%s: it is an index that is empty: \"manifests\" lists nothing", name);
	for (size_t i = 0; i < doc->n_items; i++) {
		const struct oci_descriptor *d = &doc->items[i];
		struct step s = {
			.descriptor = d,
			.name = d->platform ? str_escaped(a, d->platform)
					    : arena_printf(a, "entry %zu of %s", i + 1, name),
			.wants = wants_of(d),
		};

		if (walk_document(w, &s, root, depth + 1, e) < 0)
			return -1;
	}
	return 0;
}

/* The text of a document that is right. */
static int follow(struct oci_walk *w, const struct step *s, const struct buf *text,
		  struct oci_root *root, int depth, struct err *e)
{
	struct err failure = {.class = ERR_NONE};
	const char *said = s->descriptor->media_type;
	struct oci_document doc;

	if (oci_document_parse(w->probe->arena, text->data, text->len, &doc, &failure) < 0) {
		oci_find(w, OCI_PROBLEM, "%s: %s", blob_words(w, s), failure.message);
		w->is_partial = true;
		return 0;
	}
	if (doc.is_index != oci_is_index(said) ||
	    (doc.media_type[0] && strcmp(doc.media_type, said) != 0))
		oci_find(w, OCI_PROBLEM, "%s: it is announced as \"%s\" and is \"%s\"",
			 blob_words(w, s), str_escaped(w->probe->arena, said),
			 doc.media_type[0] ? str_escaped(w->probe->arena, doc.media_type)
			 : doc.is_index	   ? "an index"
					   : "a manifest");
	if (depth == 0)
		root->is_referrer = doc.subject != NULL;
	if (doc.is_index)
		return walk_index(w, &doc, s->name, root, depth, e);
	return walk_manifest(w, s, &doc, root->is_selected, e);
}

/*
 * A document of a type that is not known: what it leads to was not seen. Beside images in an index
 * the specification wants it ignored; in the place of one it would be a way to ship anything.
 */
static void pass_over(struct oci_walk *w, const struct step *s, int depth)
{
	bool is_in_place = depth == 0 || s->descriptor->platform != NULL;

	oci_find(w, is_in_place ? OCI_BLIND : OCI_NOTE,
		 "%s: a document of type \"%s\" is not followed", blob_words(w, s),
		 str_escaped(w->probe->arena, s->descriptor->media_type));
	w->is_partial = w->is_partial || is_in_place;
}

static int walk_document(struct oci_walk *w, const struct step *s, struct oci_root *root, int depth,
			 struct err *e)
{
	struct oci_node *node;
	struct buf text;
	bool is_new;
	int rc;

	if (depth > OCI_MAX_DEPTH || w->n_document_bytes > OCI_MAX_DOCUMENTS) {
		oci_find(w, OCI_BLIND, "%s: %s", blob_words(w, s),
			 depth > OCI_MAX_DEPTH ? "indexes are nested too deep"
					       : "there are more than 64 MiB of documents");
		w->is_partial = true;
		return 0;
	}
	buf_init(&text, OCI_MAX_DOCUMENT);
	rc = look(w, s, is_document(s) ? &text : NULL, &node, &is_new, e);
	w->n_document_bytes += (int64_t)text.len;
	if (rc == 0 && !is_document(s))
		pass_over(w, s, depth);
	else if (rc == 0 && is_new && node->is_right)
		rc = follow(w, s, &text, root, depth, e);
	else if (rc == 0 && node && node->is_right)
		check_again(w, s);
	else if (rc == 0 && (!node || !node->is_right))
		w->is_partial = true;
	buf_release(&text);
	return rc;
}

int oci_walk_root(struct oci_walk *w, struct oci_root *root, struct err *e)
{
	const char *ref = root->descriptor.ref;
	struct step s = {
		.descriptor = &root->descriptor,
		.name = ref ? str_escaped(w->probe->arena, ref)
			: root->descriptor.platform
				? str_escaped(w->probe->arena, root->descriptor.platform)
				: "image",
		.wants = wants_of(&root->descriptor),
	};

	return walk_document(w, &s, root, 0, e);
}
