/*
 * signature: was this signed by somebody who is trusted? OpenSSH and OpenPGP.
 *
 * What is signed is a file or bytes in memory; the signature is a text. Keys are those that are
 * named: no keyring, agent or home directory of the user is ever asked, so the answer is the same
 * on every machine. "No" is an answer and comes with a sentence and a fault; what could not be
 * found out (keys that cannot be read, no gpgv) is -1.
 *
 * Keys count as they stood at at_ms: a caller who knows when a signature was first seen may judge
 * by that. What a signature says about its own time is only told, it proves nothing.
 *
 * Sources: PROTOCOL.sshsig and ssh-keygen(1) ALLOWED SIGNERS of OpenSSH, doc/DETAILS of GnuPG.
 */
#ifndef ASSIZE_IO_SIGNATURE_H
#define ASSIZE_IO_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/pairs.h"
#include "runner/io/digest_verify.h"

struct arena;
struct clock;
struct err;

#define SIGNATURE_MAX_BYTES (1024 * 1024)

struct ssh_keys {
	const char *allowed_signers; /* path */
	const char *identity;	     /* the principal who must have signed; NULL = any listed */
	const char *namespace;
	const char *revoked; /* path of public keys, one a line; NULL = none */
};

struct gpg_keys {
	const char *keyring;	   /* path, as gpg --export writes it */
	struct texts fingerprints; /* which of them; n 0 = any */
};

struct signature_job {
	struct arena *arena;
	const struct clock *clock;
	int64_t deadline_ms; /* monotonic */
	int64_t limit_ms;    /* what the user wrote, for messages */
	int64_t at_ms;	     /* Unix time by which keys are judged */
	bool is_past;	     /* at_ms is not now: what has ended since then still counts */
	const char *file;    /* what is signed; NULL = message */
	struct bytes message;
	const char *signature; /* path; NULL = there is only its text */
	const char *text;
	size_t n;
	const char *scratch; /* below which what gpgv is to read may be written */
	bool wants_expiry;   /* of the key: costs a call of gpg */
};

enum signature_fault {
	SIGNATURE_MALFORMED = 0, /* it is none, or says something else than it should */
	SIGNATURE_BAD,		 /* it is not of these bytes */
	SIGNATURE_UNKNOWN_KEY,	 /* nobody said that this key counts */
	SIGNATURE_OTHER_PURPOSE, /* the key may sign other things only */
	SIGNATURE_TOO_EARLY,	 /* the key did not count yet */
	SIGNATURE_EXPIRED,	 /* the key, or the signature, had ended */
	SIGNATURE_REVOKED,
};

struct signature_answer {
	bool is_valid;
	enum signature_fault fault; /* when it is not */
	const char *reason;	    /* why not; or a remark */
	const char *signer;	    /* key id, principal, fingerprint; NULL = unknown */
	const char *key;	/* fingerprint of the key it says it is made with; NULL = none */
	const char *public_key; /* ssh: "ssh-ed25519 AAAA..."; NULL = not known */
	const char *comment;	/* that the signature covers; NULL = none */
	int64_t made_ms;	/* 0 = the signature does not say */
	int64_t expires_ms;	/* of the key; 0 = see no_expiry */
	const char *no_expiry;	/* why there is none */
	const char *evidence;	/* what the tool said; NULL = nothing */
};

int signature_ssh(struct signature_job *job, const struct ssh_keys *keys,
		  struct signature_answer *out, struct err *e);
int signature_gpg(struct signature_job *job, const struct gpg_keys *keys,
		  struct signature_answer *out, struct err *e);

/* For those who verify other schemes. "It is not valid, because": always 0. */
int signature_no(struct signature_job *job, struct signature_answer *out,
		 enum signature_fault fault, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Digest of what is signed. */
int signature_digest(struct signature_job *job, enum digest_type type,
		     unsigned char out[static DIGEST_MAX_BYTES], struct err *e);

/* Of OpenPGP: 40 hexadecimal digits; shorter ids can be forged. */
bool signature_is_fingerprint(const char *s);

/* One line of text without its end; moves on. false: nothing is left. CR LF ends are taken off. */
bool signature_line(const char **text, const char *end, const char **line, size_t *n);

#endif
