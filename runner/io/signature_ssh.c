/*
 * signature_ssh: what ssh-keygen -Y sign writes, judged as ssh-keygen -Y verify would.
 *
 * The armour holds one blob (PROTOCOL.sshsig): the key, a namespace, a digest's name and a
 * signature of all three with the digest of what is signed. The key counts when allowed_signers
 * lists it for the identity and the namespace, at the time asked for, and the list of revoked keys
 * does not. SHA-1 and RSA keys below 2048 bits never count, whatever is listed.
 */
#include "runner/io/signature.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/base64.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/io/signature_ssh_format.h"

#define MIN_RSA_BITS 2048

/* The whole of the armour, the blob inside it decoded; NULL or what is wrong. */
static const char *unwrap(struct signature_job *job, struct bytes *blob)
{
	static const char begin[] = "-----BEGIN SSH SIGNATURE-----";
	static const char finish[] = "-----END SSH SIGNATURE-----";
	const char *at = job->text, *end = job->text + job->n, *line;
	struct buf joined;
	size_t n;
	bool has_end = false;

	if (!signature_line(&at, end, &line, &n) || n != sizeof(begin) - 1 ||
	    memcmp(line, begin, n) != 0)
		return "it is no signature of OpenSSH: it does not begin with \"-----BEGIN SSH "
		       "SIGNATURE-----\"";
	buf_init(&joined, SIGNATURE_MAX_BYTES);
	while (!has_end && signature_line(&at, end, &line, &n)) {
		has_end = n == sizeof(finish) - 1 && memcmp(line, finish, n) == 0;
		if (!has_end)
			(void)buf_add(&joined, line, n); /* no longer than the file */
	}
	blob->p = base64_decode(job->arena, joined.data, joined.len, &blob->n);
	buf_release(&joined);
	if (!has_end)
		return "it is cut: its last line is missing";
	if (at < end)
		return "there is something behind its end";
	return blob->p ? NULL : "what is between its first and last line is not base64";
}

/* "ssh-ed25519 SHA256:..." */
static const char *shown_key(struct arena *a, const struct ssh_blob *blob)
{
	return arena_printf(a, "%s %s", blob->key_type, ssh_fingerprint(a, blob->key));
}

/* A listed key that is that of the signature, for this identity: did it count then? */
static bool counts(struct signature_job *job, const struct ssh_keys *keys,
		   const struct ssh_signer *s, const char *shown, struct signature_answer *out)
{
	const char *then = job->is_past ? "was" : "is";

	if (s->namespaces && !ssh_list_matches(s->namespaces, keys->namespace)) {
		(void)signature_no(job, out, SIGNATURE_OTHER_PURPOSE,
				   "line %u of allowed_signers lets %s sign for \"%s\" only",
				   s->line, shown, str_escaped(job->arena, s->namespaces));
		return false;
	}
	if (s->after_ms != 0 && job->at_ms < s->after_ms) {
		(void)signature_no(job, out, SIGNATURE_TOO_EARLY,
				   "%s %s not valid yet (line %u of allowed_signers)", shown, then,
				   s->line);
		return false;
	}
	out->expires_ms = s->before_ms;
	if (s->before_ms != 0 && job->at_ms > s->before_ms) {
		(void)signature_no(job, out, SIGNATURE_EXPIRED,
				   "%s %s no longer valid (line %u of allowed_signers)", shown,
				   then, s->line);
		return false;
	}
	return true;
}

/* Goes through allowed_signers: is_valid, or the reason why not. -1: it cannot be read. */
static int find_signer(struct signature_job *job, const struct ssh_keys *keys,
		       const struct ssh_blob *blob, struct signature_answer *out, struct err *e)
{
	struct arena *a = job->arena;
	const char *shown = shown_key(a, blob);
	const char *at, *end, *line;
	struct buf text;
	unsigned number = 0;
	bool is_named = false; /* the key is the identity's, but does not count then */
	size_t n;

	(void)signature_no(job, out, SIGNATURE_UNKNOWN_KEY,
			   "it was made with %s, which allowed_signers does not list", shown);
	buf_init(&text, SIGNATURE_MAX_BYTES);
	int rc = file_read(keys->allowed_signers, &text, e);
	at = text.data;
	end = text.data + text.len;
	while (rc == 0 && !out->is_valid && signature_line(&at, end, &line, &n)) {
		struct ssh_signer s = {.line = ++number};

		rc = ssh_signer_parse(a, line, n, &s, e);
		if (rc < 0)
			(void)err_context(e, "\"%s\": line %u", keys->allowed_signers, number);
		else if (s.key.n != blob->key.n || s.is_authority ||
			 memcmp(s.key.p, blob->key.p, s.key.n) != 0)
			continue;
		else if (!keys->identity || ssh_list_matches(s.principals, keys->identity)) {
			is_named = true;
			out->is_valid = counts(job, keys, &s, shown, out);
			out->signer =
				str_escaped(a, keys->identity ? keys->identity : s.principals);
		} else if (!is_named)
			(void)signature_no(job, out, SIGNATURE_UNKNOWN_KEY,
					   "it was made with %s, which is %s, not %s", shown,
					   str_escaped(a, s.principals),
					   str_escaped(a, keys->identity));
	}
	buf_release(&text);
	return rc;
}

static int is_revoked(struct signature_job *job, const char *path, const struct ssh_blob *blob,
		      bool *out, struct err *e)
{
	const char *at, *end, *line;
	struct buf text;
	size_t n;

	*out = false;
	if (!path)
		return 0;
	buf_init(&text, SIGNATURE_MAX_BYTES);
	int rc = file_read(path, &text, e);
	at = text.data;
	end = text.data + text.len;
	if (rc == 0 && str_starts(at, "SSHKRL"))
		rc = err_set(e, ERR_MEASURE,
			     "\"%s\" is a binary revocation list, which cannot be read: list the "
			     "public keys, one a line",
			     path);
	while (rc == 0 && !*out && signature_line(&at, end, &line, &n)) {
		struct bytes key;

		rc = ssh_key_parse(job->arena, line, n, &key, e);
		if (rc < 0)
			(void)err_context(e, "\"%s\"", path);
		else
			*out = key.n == blob->key.n && key.n > 0 &&
			       memcmp(key.p, blob->key.p, key.n) == 0;
	}
	buf_release(&text);
	return rc;
}

/* What was signed: names and the file's digest. -1: the file cannot be read. */
static int message_of(struct signature_job *job, const struct ssh_blob *blob, struct buf *out,
		      struct err *e)
{
	unsigned char digest[DIGEST_MAX_BYTES];

	if (signature_digest(job, blob->digest, digest, e) < 0)
		return -1;
	(void)buf_add(out, "SSHSIG", 6); /* the buffer takes all of it */
	ssh_put_string(out, blob->namespace);
	ssh_put_string(out, blob->reserved);
	ssh_put_string(out, blob->digest_name);
	ssh_put_string(out, (struct bytes){.p = digest, .n = digest_size(blob->digest)});
	return 0;
}

static int judge(struct signature_job *job, const struct ssh_keys *keys,
		 const struct ssh_blob *blob, struct signature_answer *out, struct err *e)
{
	bool revoked;
	struct buf message;

	if (is_revoked(job, keys->revoked, blob, &revoked, e) < 0)
		return -1;
	if (revoked)
		return signature_no(job, out, SIGNATURE_REVOKED, "%s is revoked",
				    shown_key(job->arena, blob));
	if (find_signer(job, keys, blob, out, e) < 0)
		return -1;
	if (!out->is_valid)
		return 0;
	out->is_valid = false;
	buf_init(&message, BUF_UNBOUNDED); /* parts of the signature, and a digest */
	int rc = message_of(job, blob, &message, e);
	bool fits =
		rc == 0 && ssh_verify(blob, (struct bytes){.p = (const unsigned char *)message.data,
							   .n = message.len});
	buf_release(&message);
	if (rc < 0)
		return -1;
	if (!fits)
		return signature_no(job, out, SIGNATURE_BAD,
				    "it does not fit the %s: either was changed, or it is of "
				    "another %s",
				    job->file ? "file" : "text", job->file ? "file" : "text");
	out->is_valid = true;
	out->reason = NULL;
	return 0;
}

int signature_ssh(struct signature_job *job, const struct ssh_keys *keys,
		  struct signature_answer *out, struct err *e)
{
	struct arena *a = job->arena;
	const char *wrong;
	struct ssh_blob blob;
	struct bytes raw;

	out->no_expiry = "allowed_signers sets the key no valid-before";
	wrong = unwrap(job, &raw);
	if (!wrong)
		wrong = ssh_blob_parse(a, raw, &blob);
	if (wrong)
		return signature_no(job, out, SIGNATURE_MALFORMED, "%s", wrong);
	if (blob.is_certificate) {
		(void)err_set(e, ERR_MEASURE,
			      "the signature is by a %s, and certificates cannot be verified",
			      blob.key_type);
		return err_help(e, "sign with the key itself, and list that");
	}
	out->key = ssh_fingerprint(a, blob.key);
	out->public_key =
		arena_printf(a, "%s %s", blob.key_type, base64_encode(a, blob.key.p, blob.key.n));
	if (blob.rsa_bits != 0 && blob.rsa_bits < MIN_RSA_BITS)
		return signature_no(job, out, SIGNATURE_BAD, "%s has %zu bits, fewer than %d",
				    shown_key(a, &blob), blob.rsa_bits, MIN_RSA_BITS);
	if (blob.namespace.n != strlen(keys->namespace) ||
	    memcmp(blob.namespace.p, keys->namespace, blob.namespace.n) != 0)
		return signature_no(job, out, SIGNATURE_MALFORMED,
				    "it was made for namespace \"%s\", not \"%s\"",
				    str_escaped(a, arena_strndup(a, (const char *)blob.namespace.p,
								 blob.namespace.n)),
				    str_escaped(a, keys->namespace));
	return judge(job, keys, &blob, out, e);
}
