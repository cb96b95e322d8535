/*
 * signature_minisign: minisign and signify's format with a comment that is signed as well.
 *
 *	untrusted comment: whatever		(not covered by anything, ignored)
 *	base64("ED" key-id[8] signature[64])	of BLAKE2b-512 of the file; "Ed": of the file itself
 *	trusted comment: timestamp:... file:...
 *	base64(signature[64])			of the first signature and the comment
 *
 * Four lines and nothing behind them: a file that says more was not written by minisign. A key is
 * for ever, so there is no expiry to tell.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "audits/signature.h"
#include "runner/base/arena.h"
#include "runner/base/base64.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/file.h"

#define KEY_ID_BYTES	 8
#define KEY_BYTES	 (2 + KEY_ID_BYTES + 32)
#define SIGNATURE_BYTES	 (2 + KEY_ID_BYTES + 64)
#define MAX_LEGACY_BYTES (256 * 1024 * 1024) /* held in memory: the scheme wants it whole */

static const char trusted[] = "trusted comment: ";

/* As minisign prints it. */
static const char *key_id_text(struct arena *a, const unsigned char *id)
{
	uint64_t n = 0;

	for (int i = KEY_ID_BYTES - 1; i >= 0; i--)
		n = n << 8 | id[i];
	return arena_printf(a, "%016" PRIX64, n);
}

/* The key of the check: the text itself, or the second line of a .pub file. */
static int read_key(struct signature_job *job, const struct minisign_spec *spec,
		    const unsigned char **key, struct err *e)
{
	struct arena *a = job->arena;
	const char *path = spec->key_file, *text = spec->key;
	struct buf content;
	size_t n = text ? strlen(text) : 0, n_key;

	if (!text) {
		buf_init(&content, SIGNATURE_MAX_BYTES);
		int rc = file_read(path, &content, e);
		text = arena_strndup(a, content.data, content.len);
		const char *at = text, *end = text + content.len;
		buf_release(&content);
		if (rc < 0)
			return -1;
		/* The comment line may be missing, as -P takes the key alone. */
		while (signature_line(&at, end, &text, &n) && memchr(text, ' ', n))
			continue;
	}
	*key = base64_decode(a, text, n, &n_key);
	if (!*key || n_key != KEY_BYTES || memcmp(*key, "Ed", 2) != 0) {
		(void)err_set(e, ERR_MEASURE, "%s%s%s is no public key of minisign",
			      path ? "\"" : "the key", path ? path : "", path ? "\"" : "");
		return err_help(e, "it is the line of 56 characters that begins with RW");
	}
	return 0;
}

struct parts {
	const unsigned char *signature; /* SIGNATURE_BYTES */
	const unsigned char *global;	/* 64 */
	const char *comment;
	size_t n_comment;
};

/* NULL, or what is wrong with the four lines. */
static const char *take_apart(struct signature_job *job, struct parts *out)
{
	struct arena *a = job->arena;
	const char *at = job->text, *end = job->text + job->n, *line;
	size_t n, n_signature = 0, n_global = 0;

	if (!signature_line(&at, end, &line, &n) || n < 19 ||
	    memcmp(line, "untrusted comment: ", 19) != 0)
		return "it is no signature of minisign: it does not begin with \"untrusted "
		       "comment: \"";
	if (signature_line(&at, end, &line, &n))
		out->signature = base64_decode(a, line, n, &n_signature);
	if (!out->signature || n_signature != SIGNATURE_BYTES ||
	    (memcmp(out->signature, "ED", 2) != 0 && memcmp(out->signature, "Ed", 2) != 0))
		return "its second line is no signature";
	if (!signature_line(&at, end, &line, &n) || n < sizeof(trusted) - 1 ||
	    memcmp(line, trusted, sizeof(trusted) - 1) != 0)
		return "it has no trusted comment";
	out->comment = line + sizeof(trusted) - 1;
	out->n_comment = n - (sizeof(trusted) - 1);
	if (signature_line(&at, end, &line, &n))
		out->global = base64_decode(a, line, n, &n_global);
	if (!out->global || n_global != 64)
		return "its fourth line is no signature of the comment";
	return at < end ? "there is something behind its end" : NULL;
}

/* Does the signature fit the file? -1: that could not be found out. */
static int fits_file(struct signature_job *job, const struct parts *parts, struct bytes key,
		     bool *fits, struct err *e)
{
	struct bytes signature = {.p = parts->signature + 2 + KEY_ID_BYTES, .n = 64};
	unsigned char digest[DIGEST_MAX_BYTES];
	struct buf content;
	int rc;

	if (memcmp(parts->signature, "ED", 2) == 0) {
		if (signature_digest(job, DIGEST_BLAKE2B512, digest, e) < 0)
			return -1;
		*fits = verify_ed25519(key, signature, (struct bytes){.p = digest, .n = 64});
		return 0;
	}
	buf_init(&content, MAX_LEGACY_BYTES);
	rc = file_read(job->file, &content, e);
	if (rc == 0)
		*fits = verify_ed25519(
			key, signature,
			(struct bytes){.p = (const unsigned char *)content.data, .n = content.len});
	buf_release(&content);
	return rc;
}

/* The comment is signed together with the signature before it. */
static bool fits_comment(struct arena *a, const struct parts *parts, struct bytes key)
{
	size_t n = 64 + parts->n_comment;
	unsigned char *both = arena_alloc(a, n);

	memcpy(both, parts->signature + 2 + KEY_ID_BYTES, 64);
	memcpy(both + 64, parts->comment, parts->n_comment);
	return verify_ed25519(key, (struct bytes){.p = parts->global, .n = 64},
			      (struct bytes){.p = both, .n = n});
}

/* "timestamp:1700000000\tfile:..." as minisign writes it; 0 = no such thing. */
static int64_t time_in(const char *comment)
{
	static const char mark[] = "timestamp:";
	const char *at = strstr(comment, mark);
	int64_t s;

	if (!at)
		return 0;
	at += sizeof(mark) - 1;
	if (num_parse_int(at, strspn(at, "0123456789"), &s) < 0 || s > INT64_MAX / 1000)
		return 0;
	return s * 1000;
}

int signature_minisign(struct signature_job *job, const struct minisign_spec *spec,
		       struct signature_answer *out, struct err *e)
{
	struct arena *a = job->arena;
	const unsigned char *public_key;
	struct parts parts = {.signature = NULL};
	bool fits = false;

	out->no_expiry = "keys of minisign do not expire";
	if (read_key(job, spec, &public_key, e) < 0)
		return -1;

	const char *wrong = take_apart(job, &parts);
	if (wrong)
		return signature_no(job, out, SIGNATURE_MALFORMED, "%s", wrong);

	const unsigned char *id = public_key + 2;
	struct bytes key = {.p = id + KEY_ID_BYTES, .n = 32};
	if (memcmp(parts.signature + 2, id, KEY_ID_BYTES) != 0)
		return signature_no(job, out, SIGNATURE_UNKNOWN_KEY,
				    "it was made with key %s, not with %s",
				    key_id_text(a, parts.signature + 2), key_id_text(a, id));
	if (fits_file(job, &parts, key, &fits, e) < 0)
		return -1;
	if (!fits)
		return signature_no(job, out, SIGNATURE_BAD,
				    "it does not fit the file: either was changed, or "
				    "it is of another file");
	if (!fits_comment(a, &parts, key))
		return signature_no(job, out, SIGNATURE_BAD, "its trusted comment was changed");
	out->is_valid = true;
	out->signer = key_id_text(a, id);
	out->comment = str_escaped(a, arena_strndup(a, parts.comment, parts.n_comment));
	out->made_ms = time_in(out->comment);
	return 0;
}
