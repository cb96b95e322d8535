/*
 * signature: what the files of the kind `signature` share; private to this room.
 *
 * signature.c reads the check and emits; each scheme has a file of its own, which answers whether
 * the file was signed by somebody the check trusts: signature_minisign.c, signature_ssh.c and
 * signature_gpg.c. "No" comes with a sentence; what could not be found out is -1.
 */
#ifndef ASSIZE_AUDITS_SIGNATURE_H
#define ASSIZE_AUDITS_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/pairs.h"
#include "runner/io/digest_verify.h"

struct arena;
struct buf;
struct err;
struct probe;

#define SIGNATURE_MAX_BYTES (1024 * 1024)

struct minisign_spec {
	const char *key, *key_file;
};

struct ssh_spec {
	const char *allowed_signers, *identity, *namespace, *revoked;
};

struct gpg_spec {
	const char *keyring;
	struct texts fingerprints;
};

struct signature_spec {
	const char *file, *signature;
	struct minisign_spec minisign;
	struct ssh_spec ssh;
	struct gpg_spec gpg;
};

struct signature_job {
	struct probe *probe;
	const struct signature_spec *spec;
	const char *signature; /* path */
	const char *text;      /* its content */
	size_t n;
	bool wants_expiry; /* key_days_left is asked for */
};

struct signature_answer {
	bool is_valid;
	const char *reason;    /* why not; or a remark */
	const char *signer;    /* key id, principal, fingerprint; NULL = unknown */
	const char *comment;   /* that the signature covers; NULL = none */
	int64_t made_ms;       /* 0 = the signature does not say */
	int64_t expires_ms;    /* of the key; 0 = see no_expiry */
	const char *no_expiry; /* why there is none */
	const char *evidence;  /* what the tool said; NULL = nothing */
};

/* "It is not valid, because": always 0. */
int signature_no(struct signature_job *job, struct signature_answer *out, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

int signature_minisign(struct signature_job *job, struct signature_answer *out, struct err *e);
int signature_ssh(struct signature_job *job, struct signature_answer *out, struct err *e);
int signature_gpg(struct signature_job *job, struct signature_answer *out, struct err *e);

/* Digest of the file that is signed. */
int signature_digest(struct signature_job *job, enum digest_type type,
		     unsigned char out[static DIGEST_MAX_BYTES], struct err *e);

/* One line of text without its end; moves on. false: nothing is left. CR LF ends are taken off. */
bool signature_line(const char **text, const char *end, const char **line, size_t *n);

#endif
