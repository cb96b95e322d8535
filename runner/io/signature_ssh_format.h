/*
 * signature_ssh_format: OpenSSH's formats for signatures and keys, without files.
 *
 * Sources: PROTOCOL.sshsig and ssh-keygen(1) ALLOWED SIGNERS of OpenSSH, RFC 4251 (strings, mpint),
 * RFC 8332 (rsa-sha2), RFC 5656 (ecdsa), RFC 8709 (ed25519), PROTOCOL.u2f of OpenSSH (sk-*). Bytes
 * are borrowed from what was parsed, or in the arena given.
 */
#ifndef ASSIZE_IO_SIGNATURE_SSH_FORMAT_H
#define ASSIZE_IO_SIGNATURE_SSH_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/io/digest_verify.h"

struct arena;
struct buf;
struct err;

struct ssh_blob {
	struct bytes key, namespace, reserved, digest_name;
	enum digest_type digest; /* of the file */
	const char *key_type;
	bool is_certificate;
	bool is_token; /* a key on a security token: what is signed is wrapped, see ssh_verify() */
	size_t rsa_bits; /* 0 = no RSA key */
	/* what the key and the signature are made of, by type */
	struct bytes point, modulus, exponent, r, s, raw;
	struct bytes application, used; /* of a token: who asked it; flags and counter, 5 bytes */
	enum digest_type scheme;	/* of the signature itself */
};

/* NULL, or a sentence about what is wrong with it. */
const char *ssh_blob_parse(struct arena *a, struct bytes raw, struct ssh_blob *out);
bool ssh_verify(const struct ssh_blob *blob, struct bytes message);
void ssh_put_string(struct buf *out, struct bytes s);
/* "SHA256:...", as ssh-keygen -l prints it. */
const char *ssh_fingerprint(struct arena *a, struct bytes key);

struct ssh_signer {
	unsigned line;
	const char *principals;
	const char *namespaces; /* NULL = any */
	bool is_authority;
	int64_t after_ms, before_ms; /* 0 = no bound */
	struct bytes key;	     /* n = 0: an empty line or a comment */
};

/* One line of allowed_signers. -1: it is none, which makes the whole file doubtful. */
int ssh_signer_parse(struct arena *a, const char *line, size_t n, struct ssh_signer *out,
		     struct err *e);
/* "type base64 comment" of a public key file; n = 0 for an empty line or a comment. */
int ssh_key_parse(struct arena *a, const char *line, size_t n, struct bytes *key, struct err *e);
/* Comma separated patterns, ! in front of those that exclude. */
bool ssh_list_matches(const char *list, const char *word);
/*
 * YYYYMMDD[HHMM[SS]][Z], after 1970 began; without Z in the machine's zone, as ssh-keygen reads it.
 * -1: it is none.
 */
int ssh_time_parse(const char *s, size_t n, int64_t *ms);

#endif
