/*
 * Nothing of an envelope is believed before its one signature fits, the payload's type included:
 * the type is signed, too, but it is compared first so that the message can say what is amiss.
 */
#include "runner/io/dsse.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/base64.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/digest.h"
#include "runner/io/digest_verify.h"
#include "runner/io/json.h"

#define BUNDLE_TYPE "application/vnd.dev.sigstore.bundle.v0.3+json"

/* RFC 8410: SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING } with 32 bytes behind it. */
static const unsigned char spki[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
				     0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

/* "DSSEv1 LEN TYPE LEN PAYLOAD" */
static void put_pae(struct buf *out, const char *type, const char *payload, size_t n)
{
	(void)buf_printf(out, "DSSEv1 %zu %s %zu ", strlen(type), type, n); /* unbounded */
	(void)buf_add(out, payload, n);
}

static const char *hint_of(struct arena *a, const unsigned char *public)
{
	unsigned char der[sizeof(spki) + SIGN_PUBLIC_BYTES], digest[SHA256_BYTES];
	char hex[SHA256_HEX];

	memcpy(der, spki, sizeof(spki));
	memcpy(der + sizeof(spki), public, SIGN_PUBLIC_BYTES);
	sha256_of(der, sizeof(der), digest);
	sha256_hex(digest, hex);
	return arena_strdup(a, hex);
}

static void put_envelope(struct json_writer *w, const char *key, const char *type,
			 const char *payload, const char *signature, const char *hint)
{
	json_open(w, key, '{');
	json_put_text(w, "payload", payload);
	json_put_text(w, "payloadType", type);
	json_open(w, "signatures", '[');
	json_open(w, NULL, '{');
	json_put_text(w, "keyid", hint);
	json_put_text(w, "sig", signature);
	json_close(w, '}');
	json_close(w, ']');
	json_close(w, '}');
}

/* No log and no timestamp: the material is the key, which the verifier has from elsewhere. */
static void put_bundle(struct json_writer *w, const char *type, const char *payload,
		       const char *signature, const char *hint)
{
	json_open(w, NULL, '{');
	json_put_text(w, "mediaType", BUNDLE_TYPE);
	json_open(w, "verificationMaterial", '{');
	json_open(w, "publicKey", '{');
	json_put_text(w, "hint", hint);
	json_close(w, '}');
	json_open(w, "tlogEntries", '[');
	json_close(w, ']');
	json_close(w, '}');
	put_envelope(w, "dsseEnvelope", type, payload, signature, hint);
	json_close(w, '}');
}

int dsse_sign(struct arena *a, enum dsse_form form, const char *type, const char *payload, size_t n,
	      const struct sign_key *key, const char **out, struct err *e)
{
	unsigned char public[SIGN_PUBLIC_BYTES], signature[SIGN_SIGNATURE_BYTES];
	const char *body, *sig, *hint;
	struct json_writer w;
	struct buf b;
	int rc;

	buf_init(&b, BUF_UNBOUNDED); /* the payload is in memory */
	put_pae(&b, type, payload, n);
	rc = sign_message(key, b.data, b.len, signature, e);
	buf_reset(&b);
	if (rc == 0) {
		sign_key_public(key, public);
		hint = hint_of(a, public);
		body = base64_encode(a, payload, n);
		sig = base64_encode(a, signature, sizeof(signature));
		json_writer_init(&w, &b, false);
		switch (form) {
		case DSSE_ENVELOPE:
			put_envelope(&w, NULL, type, body, sig, hint);
			break;
		case DSSE_BUNDLE:
			put_bundle(&w, type, body, sig, hint);
			break;
		}
		(void)buf_putc(&b, '\n');
		*out = arena_strndup(a, b.data, b.len);
	}
	buf_release(&b);
	return rc;
}

/* ---- verifying ---- */

/* Standard or URL alphabet, not mixed; the latter also without its padding. NULL = neither. */
static unsigned char *decode(struct arena *a, const char *text, size_t *n)
{
	size_t len = strlen(text), padded = (len + 3) / 4 * 4;
	char *plain;

	if (!strpbrk(text, "-_") && len == padded)
		return base64_decode(a, text, len, n);
	if (strpbrk(text, "+/") || len % 4 == 1)
		return NULL;
	plain = arena_alloc(a, padded + 1);
	memset(plain, '=', padded);
	for (size_t i = 0; i < len; i++)
		plain[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
	return base64_decode(a, plain, padded, n);
}

static int not_one(const char *why, struct err *e)
{
	return err_set(e, ERR_MEASURE, "it is no signed statement: %s", why);
}

/* A text member, NULL = it is not there or none. */
static const char *text_of(const struct json_doc *d, const struct json_t *object, const char *name)
{
	struct json_value v;

	json_read(d, json_member(object, name), &v);
	return v.type == JSON_IS_TEXT ? v.text : NULL;
}

/* The envelope in a bundle, or the document itself. */
static const struct json_t *find_envelope(struct arena *a, const struct json_doc *d, struct err *e)
{
	const struct json_t *root = json_root(d);
	const char *type = text_of(d, root, "mediaType");
	struct json_value v;

	if (!type)
		return root;
	if (strcmp(type, BUNDLE_TYPE) != 0) {
		(void)err_set(e, ERR_MEASURE, "it is a bundle of another version, \"%s\"",
			      str_escaped(a, type));
		return NULL;
	}
	json_read(d, json_member(root, "dsseEnvelope"), &v);
	if (v.type == JSON_IS_OBJECT)
		return json_member(root, "dsseEnvelope");
	(void)not_one("the bundle has no envelope", e);
	return NULL;
}

static int verify(struct arena *a, const struct json_doc *d, const char *type,
		  const unsigned char *public, struct dsse *out, struct err *e)
{
	const struct json_t *envelope = find_envelope(a, d, e), *list;
	const char *payload, *its_type, *signature;
	unsigned char *body, *sig;
	struct json_value v;
	size_t n, n_sig;
	struct buf pae;
	bool is_good;

	if (!envelope)
		return -1;
	payload = text_of(d, envelope, "payload");
	its_type = text_of(d, envelope, "payloadType");
	list = json_member(envelope, "signatures");
	json_read(d, list, &v);
	if (!payload || !its_type || v.type != JSON_IS_ARRAY)
		return not_one("payload, payloadType or signatures are missing", e);
	if (v.n != 1)
		return not_one("it does not have one signature, but none or several", e);
	if (strcmp(its_type, type) != 0)
		return not_one("its payload is of another type", e);
	signature = text_of(d, json_item(list, 0), "sig");
	body = decode(a, payload, &n);
	sig = signature ? decode(a, signature, &n_sig) : NULL;
	if (!body || !sig)
		return not_one("payload or signature are not base64", e);
	buf_init(&pae, BUF_UNBOUNDED); /* as large as the text */
	put_pae(&pae, its_type, (const char *)body, n);
	is_good = n_sig == SIGN_SIGNATURE_BYTES &&
		  verify_ed25519((struct bytes){public, SIGN_PUBLIC_BYTES},
				 (struct bytes){sig, n_sig},
				 (struct bytes){(const unsigned char *)pae.data, pae.len});
	buf_release(&pae);
	if (!is_good)
		return err_set(e, ERR_MEASURE,
			       "the signature is not of this key over this statement");
	*out = (struct dsse){.payload = (const char *)body, .n = n};
	return 0;
}

int dsse_verify(struct arena *a, const char *text, size_t n, const char *type,
		const unsigned char public[static SIGN_PUBLIC_BYTES], struct dsse *out,
		struct err *e)
{
	struct json_doc *d;
	int rc;

	if (n > DSSE_MAX_BYTES)
		return not_one("it is too large", e);
	if (json_parse(text, n, &d, e) != 0)
		return -1;
	rc = verify(a, d, type, public, out, e);
	json_free(d);
	return rc;
}

int dsse_public_key(struct arena *a, const char *pem, size_t n,
		    unsigned char out[static SIGN_PUBLIC_BYTES], struct err *e)
{
	static const char head[] = "-----BEGIN PUBLIC KEY-----",
			  tail[] = "-----END PUBLIC KEY-----";
	const char *text = arena_strndup(a, pem, n), *from = strstr(text, head), *to;
	char *line = arena_alloc(a, n + 1);
	unsigned char *der;
	size_t len = 0, n_der;

	if (strstr(text, "PRIVATE KEY-----")) {
		(void)err_set(e, ERR_MEASURE, "it is a private key, and who verifies needs none");
		return err_help(e, "openssl pkey -in KEY -pubout writes the public one; replace a "
				   "key that was given away");
	}
	to = from ? strstr(from, tail) : NULL;
	if (to) {
		for (from += sizeof(head) - 1; from < to; from++)
			if (!strchr(" \t\r\n", *from))
				line[len++] = *from;
		der = base64_decode(a, line, len, &n_der);
		if (der && n_der == sizeof(spki) + SIGN_PUBLIC_BYTES &&
		    memcmp(der, spki, sizeof(spki)) == 0) {
			memcpy(out, der + sizeof(spki), SIGN_PUBLIC_BYTES);
			return 0;
		}
	}
	(void)err_set(e, ERR_MEASURE, "it is no Ed25519 public key in PEM");
	return err_help(e, "openssl pkey -in KEY -pubout writes one");
}
