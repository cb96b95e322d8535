/*
 * oci: what the files of the kind `oci` share; private to this room.
 *
 * oci.c reads the check and says where to look, oci_measure.c emits, oci_walk.c goes from
 * descriptor to descriptor and verifies, oci_blob.c takes one blob in, oci_document.c parses
 * indexes, manifests and configs. A store says where bytes come from: oci_layout.c reads a folder,
 * oci_registry.c asks a registry. The walk believes nothing a store says: it hashes and counts what
 * it was given itself.
 *
 * Sources: OCI Image Specification 1.1, OCI Distribution Specification 1.1, Docker Image Manifest
 * Version 2 Schema 2. Everything lives in the arena of the probe.
 */
#ifndef ASSIZE_AUDITS_OCI_H
#define ASSIZE_AUDITS_OCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/map.h"
#include "runner/base/pairs.h"
#include "runner/io/digest.h"

struct arena;
struct buf;
struct err;
struct http_gunzip;
struct probe;

#define OCI_DIGEST_CHARS  71		     /* "sha256:" and 64 hexadecimal digits */
#define OCI_MAX_DOCUMENT  (4 * 1024 * 1024)  /* what registries accept as a manifest */
#define OCI_MAX_ITEMS	  10000		     /* descriptors of one document */
#define OCI_MAX_DOCUMENTS (64 * 1024 * 1024) /* all of them together */
#define OCI_MAX_DEPTH	  8		     /* indexes inside indexes */
#define OCI_MAX_SIZE	  (INT64_C(1) << 48) /* of a blob: sums of OCI_MAX_ITEMS stay numbers */

struct oci_spec {
	const char *layout, *repository, *ref;
	struct texts platforms, referrers;
	struct pairs labels;
	const char *user, *password, *realm;
	bool unpack;
};

/* What is promised about a blob. */
struct oci_descriptor {
	const char *media_type; /* "" when it does not say */
	const char *digest;
	int64_t size;	      /* -1 = nobody said */
	const char *platform; /* of an entry of an index: "linux/arm64/v8"; NULL = none */
	const char *ref;      /* annotation org.opencontainers.image.ref.name, NULL = none */
	bool has_urls;	      /* may be kept elsewhere */
};

/* An index (items are manifests) or a manifest (items are layers). */
struct oci_document {
	bool is_index;
	const char *media_type;		      /* what it says of itself, "" = nothing */
	const char *artifact_type;	      /* "" = none */
	const struct oci_descriptor *subject; /* what it refers to, NULL = nothing */
	struct oci_descriptor config;
	struct oci_descriptor *items;
	size_t n_items;
};

struct oci_config {
	const char *platform; /* "linux/arm64/v8"; NULL = it names none */
	const char *created;  /* NULL = does not say */
	const char *user;     /* "" = root */
	const char **diff_ids;
	size_t n_diff_ids;
	const char **labels; /* in the order wanted; NULL = no such label */
};

bool oci_is_index(const char *media_type);
bool oci_is_manifest(const char *media_type);
bool oci_is_config(const char *media_type);
enum oci_layer { OCI_LAYER_UNKNOWN, OCI_LAYER_TAR, OCI_LAYER_GZIP, OCI_LAYER_OTHER };
enum oci_layer oci_layer_of(const char *media_type);
bool oci_is_digest(const char *s); /* sha256 in the one form that is allowed */
/* Any variant when none is wanted; linux/arm64 and linux/arm64/v8 are one. */
bool oci_platform_matches(const char *wanted, const char *has);

/* -1: it is not such a document; e is a sentence about it. */
int oci_document_parse(struct arena *a, const char *text, size_t n, struct oci_document *out,
		       struct err *e);
int oci_config_parse(struct arena *a, const char *text, size_t n, const struct pairs *labels,
		     struct oci_config *out, struct err *e);

/* A blob on its way in: hashed, counted, kept when it is a document, unpacked when it is gzip. */
struct oci_blob {
	int64_t max_bytes; /* more than that is not taken: it is wrong already */
	int64_t n_bytes;
	bool is_too_long;
	struct sha256 hash, unpacked_hash;
	struct buf *text;	    /* NULL = not kept */
	struct http_gunzip *gunzip; /* NULL = not unpacked */
	bool is_gzip_damaged;
	const char *gzip_error;
	struct arena *arena;
};

/* text NULL and unpack false: hashed only. size -1: bounded by the text's ceiling alone. */
void oci_blob_init(struct oci_blob *b, struct arena *a, int64_t size, struct buf *text,
		   bool unpack);
/* Takes a piece. -1: that is too much, stop. */
int oci_blob_add(struct oci_blob *b, const char *p, size_t n, struct err *e);
void oci_blob_release(struct oci_blob *b);

enum oci_answer {
	OCI_UNREADABLE = 0, /* could not be had; e says why: nothing is known */
	OCI_HERE,	    /* all of it went into the blob, or the blob is too long */
	OCI_ABSENT,	    /* the store says it does not have it */
	OCI_WRONG,	    /* what is in its place is no blob; e says what */
};

struct oci_store {
	enum oci_answer (*fetch)(struct oci_store *s, const struct oci_descriptor *d,
				 struct oci_blob *into, struct err *e);
	const char *where; /* "dist/image", "shop/api on registry.example.com" */
	struct probe *probe;
};

/* What a blob is looked at for, besides its digest and size. */
enum oci_reading { OCI_AS_DOCUMENT = 1, OCI_AS_CONFIG = 2, OCI_UNPACKED = 4 };

/* A blob that was looked at. */
struct oci_node {
	const char *digest;
	int64_t size; /* as found */
	bool is_here, is_right;
	unsigned read_as;		 /* bits of enum oci_reading: what was found out besides */
	const char *unpacked;		 /* digest of the unpacked layer; NULL = not unpacked */
	const struct oci_config *config; /* what it says, when it is one */
};

/* One image: a manifest whose config names a platform. */
struct oci_image {
	const char *platform, *digest;
	bool is_selected;
	int64_t size; /* of its manifest, config and layers */
	size_t n_layers;
	const struct oci_config *config;
};

struct oci_referrer {
	const char *name, *artifact_type;
	const struct oci_descriptor *subject;
};

enum oci_severity { OCI_BLIND, OCI_PROBLEM, OCI_ORPHAN, OCI_MISSING, OCI_NOTE };

struct oci_finding {
	enum oci_severity severity;
	const char *text;
};

struct oci_walk {
	struct probe *probe;
	const struct oci_spec *spec;
	struct oci_store *store;
	struct map nodes; /* digest -> struct oci_node */
	struct oci_image *images;
	size_t n_images, cap_images;
	struct oci_referrer *referrers;
	size_t n_referrers, cap_referrers;
	struct oci_finding *findings;
	size_t n_findings, cap_findings;
	size_t n_problems, n_blind, n_orphans;
	bool is_partial; /* a document could not be followed: what it leads to is not known */
	int64_t n_bytes, n_document_bytes;
};

/* Where a walk begins. */
struct oci_root {
	struct oci_descriptor descriptor;
	bool is_selected;
	bool is_referrer;  /* found out by the walk */
	const char *claim; /* what a registry says its digest is; NULL = it does not say */
};

void oci_find(struct oci_walk *w, enum oci_severity severity, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
const char *oci_findings_text(struct oci_walk *w, enum oci_severity first, enum oci_severity last);

/* Follows one descriptor to its end. -1: the time is up. */
int oci_walk_root(struct oci_walk *w, struct oci_root *root, struct err *e);
/* "sha256:88275f9e20d5…", escaped: for messages. */
const char *oci_short(struct arena *a, const char *digest);

/* A folder, or -1 with e when it is no image layout. Roots are those of its index.json. */
int oci_layout_open(struct probe *p, const char *path, struct oci_store **store,
		    struct oci_root **roots, size_t *n, struct err *e);
/* Everything below blobs/ that the walk did not meet. */
int oci_layout_orphans(struct oci_store *s, struct oci_walk *w, struct err *e);

/* The manifest or index that `ref` stands for in the check's repository. */
int oci_registry_open(struct probe *p, struct oci_store **store, struct oci_root *root,
		      struct err *e);
/* What refers to that digest, by the API or by the tag that stands in for it. */
int oci_registry_referrers(struct oci_store *s, const char *digest, struct oci_root **roots,
			   size_t *n, struct err *e);

/* What the walk found out, on its way into measurements. */
struct oci_picture {
	struct oci_walk *walk;
	const struct oci_root *roots;
	size_t n_roots, n_selected; /* images that are meant */
	const char *query;
	const char *orphans_error; /* why they could not be listed */
};

/* Emits the value of that name: once, or a series an image. */
void oci_emit(struct oci_picture *pic, const char *name);

#endif
