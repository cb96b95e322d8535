/*
 * The record as a ledger: is it what was recorded, by which key it is signed for, and how much of
 * it. That something is well is said of what was verified alone.
 */
#include "runner/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/record.h"
#include "runner/io/shared_log.h"
#include "runner/io/sign.h"
#include "runner/model/definition.h"
#include "runner/vouch.h"

#define MAX_VERIFIED UINT64_C(1000000) /* records: a second or two */

/* ---- is it what was recorded ---- */

/* The first of a grade stands for all of them: a verification of its own tells the others. */
static void tell_first(struct doctor *d, enum ledger_grade wanted, enum doctor_grade grade,
		       size_t n)
{
	const struct ledger_verification *v = &d->verification;
	const char *help =
		wanted == LEDGER_BROKEN
			? "put the file aside and restore a copy; assize ledger verify says more"
			: "assize ledger verify says more";
	size_t i = 0;

	while (i < v->n_findings && v->findings[i].grade != wanted)
		i++;
	if (n == 0 || i == v->n_findings)
		return;
	if (n == 1 && v->findings[i].help != NULL)
		help = v->findings[i].help;
	doctor_find(d, grade, NULL, help, "%s%s", v->findings[i].text,
		    n > 1 ? arena_printf(d->arena, " (and %zu more)", n - 1) : "");
}

void doctor_look_ledger(struct doctor *d)
{
	const struct ledger_trust nobody = {
		.key_here = vouch_key_here(d->app, d->definition, d->url),
		.key_here_help = VOUCH_UNKNOWN_KEY_HELP,
	};
	struct err e = {0};

	if (d->record == NULL || shared_url_is(d->url)) /* told by the row "record" */
		return;
	if (d->head.size > MAX_VERIFIED) {
		doctor_find(d, DOCTOR_NOTE, NULL, "assize ledger verify",
			    "whether the %" PRIu64
			    " records are what was recorded was not looked at: "
			    "that is done here up to %" PRIu64,
			    d->head.size, MAX_VERIFIED);
		return;
	}
	if (ledger_verify(d->record, d->arena, &nobody, &d->verification, &e) != 0) {
		doctor_find(d, DOCTOR_BROKEN, NULL, NULL, "%s", arena_strdup(d->arena, e.message));
		return;
	}
	d->is_verified = true;
	d->head = d->verification.head;
	tell_first(d, LEDGER_BROKEN, DOCTOR_BROKEN, d->verification.n_broken);
	tell_first(d, LEDGER_DOUBT, DOCTOR_DOUBT, d->verification.n_doubts);
	if (d->verification.n_broken + d->verification.n_doubts == 0)
		doctor_find(d, DOCTOR_OK, NULL, NULL,
			    "the %" PRIu64 " records are what was recorded", d->head.size);
}

/* ---- the key ---- */

static bool is_newest(struct doctor *d, const struct sign_key *key, bool *is_known)
{
	unsigned char public[SIGN_PUBLIC_BYTES];
	struct ledger_key *keys;
	size_t n = 0;

	*is_known = d->record != NULL && ledger_keys(d->record, d->arena, &keys, &n, NULL) == 0 &&
		    n > 0;
	sign_key_public(key, public);
	return *is_known && memcmp(keys[n - 1].key.public, public, sizeof(public)) == 0;
}

/* What was loaded, against what the record says. */
static void look_at_key(struct doctor *d, const char *about, const struct sign_key *key)
{
	bool is_known, is_it = is_newest(d, key, &is_known);

	if (d->record == NULL)
		return;
	if (!is_known)
		doctor_find(d, DOCTOR_NOTE, about, "assize ledger init",
			    "the record does not know it: nothing is signed");
	else if (!is_it)
		doctor_find(d, DOCTOR_BROKEN, about, VOUCH_LOST_KEY_HELP,
			    "it is not the newest key of the record: nothing can be signed");
	else
		doctor_find(d, DOCTOR_OK, about, NULL, "it is the newest key of the record");
}

static void look_at_file(struct doctor *d, const char *path)
{
	unsigned mode;
	struct stat st;

	if (stat(path, &st) != 0) {
		doctor_find(d, DOCTOR_BROKEN, path, NULL, "it cannot be looked at: %s",
			    strerror(errno));
		return;
	}
	mode = st.st_mode & 07777;
	if ((mode & (S_IRWXG | S_IRWXO)) != 0)
		doctor_find(d, DOCTOR_BROKEN, path,
			    arena_printf(d->arena,
					 "chmod 600 %s; what others may have read vouches "
					 "for nothing: assize ledger rotate",
					 path),
			    "mode %04o: others may use it", mode);
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		doctor_find(d, DOCTOR_DOUBT, path, NULL, "it belongs to another user");
	else
		doctor_find(d, DOCTOR_OK, path, NULL, "mode %04o", mode);
	doctor_find(d, DOCTOR_NOTE, path,
		    "keep checkpoints elsewhere: assize ledger anchor; or the key: key_pem",
		    "it is on the machine of the record: whoever has both can make up what no "
		    "anchor holds");
}

static bool has_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 || errno != ENOENT;
}

/* Records behind the newest checkpoint; 0 also where they cannot be told. */
static uint64_t not_signed(struct doctor *d)
{
	struct ledger_checkpoint *newest;
	size_t n = 0;

	if (ledger_checkpoints(d->record, d->arena, 1, &newest, &n, NULL) != 0)
		return 0;
	if (n == 0)
		return d->head.size;
	return d->head.size > newest[0].size ? d->head.size - newest[0].size : 0;
}

/* Where a machine is not to sign, its definition says so (key_pem). */
static void tell_no_key(struct doctor *d, const char *path)
{
	uint64_t n;

	if (d->record == NULL)
		doctor_find(d, DOCTOR_NOTE, path, NULL,
			    "it is not here; whether the record has one was not looked at");
	else if (d->head.origin == NULL)
		doctor_find(d, DOCTOR_NOTE, path, "assize ledger init makes one",
			    "there is none: nobody signs for the record");
	else if (path == NULL || (n = not_signed(d)) == 0)
		doctor_find(d, DOCTOR_NOTE, path, NULL,
			    "it is not here: nobody signs for what is recorded from here");
	else
		doctor_find(d, DOCTOR_DOUBT, path, VOUCH_LOST_KEY_HELP,
			    "it is not here, and nobody has signed for the %" PRIu64
			    " newest records",
			    n);
}

void doctor_look_key(struct doctor *d)
{
	const char *path;
	struct sign_key *key;
	struct err e = {0};
	int rc;

	if (d->path == NULL || (d->definition == NULL && !d->file.exists && d->record == NULL))
		return;
	path = vouch_key_path(d->app, d->definition, d->url);
	if (path != NULL && has_file(path))
		look_at_file(d, path);
	rc = vouch_key(d->app, d->definition, d->url, &key, &e);
	if (rc < 0) {
		doctor_find(d, DOCTOR_BROKEN, path, NULL, "%s", arena_strdup(d->arena, e.message));
	} else if (rc == 1) {
		tell_no_key(d, path);
	} else {
		look_at_key(d, path != NULL ? path : "key_pem", key);
		sign_key_free(key);
	}
}

/* ---- what is signed for ---- */

/* Is it the record the definition asks for? */
static void look_at_origin(struct doctor *d)
{
	struct err e = {0};

	if (d->definition == NULL || d->definition->ledger == NULL ||
	    d->definition->ledger->origin == NULL)
		return;
	if (vouch_origin(d->app, d->definition, d->record, &e) != 0)
		doctor_find(d, DOCTOR_BROKEN, NULL, arena_strdup(d->arena, e.help), "%s",
			    arena_strdup(d->arena, e.message));
	else
		doctor_find(d, DOCTOR_OK, NULL, NULL, "the record is %s, as the definition asks",
			    d->head.origin);
}

static void tell_signed(struct doctor *d, uint64_t size, int64_t up_to_ms)
{
	if (d->is_verified && size == 0)
		doctor_find(d, DOCTOR_BROKEN, NULL, "assize ledger verify says why",
			    "none of the record's checkpoints holds");
	else if (size < d->head.size)
		doctor_find(d, DOCTOR_NOTE, NULL, "assize ledger checkpoint",
			    "%" PRIu64 " of %" PRIu64 " records are signed for%s%s", size,
			    d->head.size, up_to_ms < 0 ? "" : ", up to ",
			    up_to_ms < 0 ? "" : doctor_age(d, up_to_ms));
	else if (!d->is_verified)
		doctor_find(d, DOCTOR_NOTE, NULL, "assize ledger verify",
			    "the newest is of all %" PRIu64
			    " records; whether it holds was not looked at",
			    d->head.size);
	else
		doctor_find(d, DOCTOR_OK, NULL, NULL, "all %" PRIu64 " records are signed for",
			    d->head.size);
}

void doctor_look_checkpoint(struct doctor *d)
{
	struct ledger_checkpoint *newest;
	struct err e = {0};
	int64_t up_to_ms = -1;
	uint64_t size;
	size_t n = 0;

	if (d->record == NULL)
		return;
	look_at_origin(d);
	if (ledger_checkpoints(d->record, d->arena, 1, &newest, &n, &e) != 0) {
		doctor_find(d, DOCTOR_BROKEN, NULL, NULL, "%s", arena_strdup(d->arena, e.message));
		return;
	}
	if (n == 0) {
		if (d->head.origin != NULL)
			doctor_find(d, DOCTOR_DOUBT, NULL, "assize ledger checkpoint",
				    "the record has a key, and nothing was signed with it");
		return;
	}
	size = d->is_verified ? d->verification.signed_size : newest[0].size;
	if (size > 0 && record_newest_ms(d->record, (int64_t)size, &up_to_ms, &e) != 0)
		doctor_find(d, DOCTOR_BROKEN, NULL, NULL, "%s", arena_strdup(d->arena, e.message));
	else
		tell_signed(d, size, up_to_ms);
}
