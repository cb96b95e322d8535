/*
 * signature: what the files of the kind `signature` share; private to this room.
 *
 * signature.c reads the check and emits; whether the file was signed by somebody the check trusts
 * is answered by runner/io/signature.h, and for minisign by signature_minisign.c in the same words.
 */
#ifndef ASSIZE_AUDITS_SIGNATURE_H
#define ASSIZE_AUDITS_SIGNATURE_H

#include "runner/io/signature.h"

struct check;

struct minisign_spec {
	const char *key, *key_file;
};

struct signature_spec {
	const char *file, *signature;
	struct minisign_spec minisign;
	struct ssh_keys ssh;
	struct gpg_keys gpg;
};

/* Where the signature of a check is, or would be. */
const char *signature_place(struct arena *a, const struct check *c);

int signature_minisign(struct signature_job *job, const struct minisign_spec *spec,
		       struct signature_answer *out, struct err *e);

#endif
