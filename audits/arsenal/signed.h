/*
 * arsenal_signed: signatures of a file by a key that nobody trusts, in the formats of minisign,
 * OpenSSH and OpenPGP.
 *
 * Each is as sound as one of the real tool: all that is wrong with it is the key. Made in process
 * with a key of its own, which lives in the challenge's private directory and goes with it.
 *
 * Sources: minisign's "Signature format", PROTOCOL.sshsig of OpenSSH, RFC 4880 and
 * draft-koch-eddsa-for-openpgp (version 4, EdDSA).
 */
#ifndef ASSIZE_AUDITS_ARSENAL_SIGNED_H
#define ASSIZE_AUDITS_ARSENAL_SIGNED_H

#include <stdint.h>

struct arena;
struct buf;
struct err;

struct signing {
	struct arena *arena;
	const char *file;    /* what is signed */
	const char *scratch; /* the key, and what else is needed on the way */
	int64_t deadline_ms; /* monotonic */
	int64_t now_ms;
	const char *namespace;	 /* ssh: what it is signed for */
	const unsigned char *id; /* minisign: the key's id, 8 bytes; NULL = one of its own */
};

/* Append the signature as it stands in its file. */
int signed_minisign(const struct signing *s, struct buf *out, struct err *e);
int signed_ssh(const struct signing *s, struct buf *out, struct err *e);
int signed_gpg(const struct signing *s, struct buf *out, struct err *e);

#endif
