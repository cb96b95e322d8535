/*
 * oci_blob: bytes of one blob as they come, from wherever they come.
 *
 * One pass: the digest, the size, the digest of what a gzip layer unpacks to. A damaged gzip stream
 * does not end the pass, since the digest of the blob is still worth knowing.
 */
#include "audits/oci.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/http_gunzip.h"

void oci_blob_init(struct oci_blob *b, struct arena *a, int64_t size, struct buf *text, bool unpack)
{
	*b = (struct oci_blob){.arena = a, .text = text, .max_bytes = size};
	if (text && (size < 0 || size > OCI_MAX_DOCUMENT))
		b->max_bytes = OCI_MAX_DOCUMENT;
	sha256_init(&b->hash);
	if (unpack) {
		sha256_init(&b->unpacked_hash);
		b->gunzip = http_gunzip_new();
	}
}

static int add_unpacked(void *ctx, const char *p, size_t n, struct err *e)
{
	struct oci_blob *b = ctx;

	(void)e; /* a digest takes anything */
	sha256_add(&b->unpacked_hash, p, n);
	return 0;
}

int oci_blob_add(struct oci_blob *b, const char *p, size_t n, struct err *e)
{
	struct err damage = {.class = ERR_NONE};

	b->n_bytes += (int64_t)n;
	if (b->max_bytes >= 0 && b->n_bytes > b->max_bytes) {
		b->is_too_long = true;
		return err_set(e, ERR_MEASURE, "more than %lld bytes", (long long)b->max_bytes);
	}
	sha256_add(&b->hash, p, n);
	if (b->text && buf_add(b->text, p, n) < 0)
		return err_set(e, ERR_MEASURE, "it is larger than a document may be");
	if (b->gunzip && !b->is_gzip_damaged &&
	    http_gunzip_feed(b->gunzip, p, n, add_unpacked, b, &damage) < 0) {
		b->is_gzip_damaged = true;
		b->gzip_error = arena_strdup(b->arena, damage.message);
	}
	return 0;
}

void oci_blob_release(struct oci_blob *b)
{
	http_gunzip_free(b->gunzip);
	b->gunzip = NULL;
}
