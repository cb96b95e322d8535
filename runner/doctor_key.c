/* The key that signs for the record, and how much of the record it has signed for. */
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
#include "runner/io/sign.h"
#include "runner/model/definition.h"
#include "runner/vouch.h"

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
		doctor_find(d, DOCTOR_BROKEN, about,
			    "put the key back that was made for this record, or name it with key:",
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
		doctor_find(d, DOCTOR_DOUBT, path,
			    "put the key back that was made for this record, or name it with key:",
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

void doctor_look_checkpoint(struct doctor *d)
{
	struct ledger_checkpoint *newest;
	struct err e = {0};
	int64_t up_to_ms = -1;
	uint64_t since;
	size_t n = 0;

	if (d->record == NULL)
		return;
	look_at_origin(d);
	if (ledger_checkpoints(d->record, d->arena, 1, &newest, &n, &e) != 0 ||
	    (n > 0 && record_newest_ms(d->record, (int64_t)newest[0].size, &up_to_ms, &e) != 0)) {
		doctor_find(d, DOCTOR_BROKEN, NULL, NULL, "%s", arena_strdup(d->arena, e.message));
		return;
	}
	if (n == 0) {
		if (d->head.origin != NULL)
			doctor_find(d, DOCTOR_DOUBT, NULL, "assize ledger checkpoint",
				    "the record has a key, and nothing was signed with it");
		return;
	}
	since = d->head.size > newest[0].size ? d->head.size - newest[0].size : 0;
	if (since == 0)
		doctor_find(d, DOCTOR_OK, NULL, NULL, "all %" PRIu64 " records are signed for",
			    d->head.size);
	else
		doctor_find(d, DOCTOR_NOTE, NULL, "assize ledger checkpoint",
			    "%" PRIu64 " of %" PRIu64 " records are signed for%s%s", newest[0].size,
			    d->head.size, up_to_ms < 0 ? "" : ", up to ",
			    up_to_ms < 0 ? "" : doctor_age(d, up_to_ms));
}
