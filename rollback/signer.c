/*
 * signer: the tag object was signed by somebody who may.
 *
 * Only a tag object has a signature that covers the tag's name: a lightweight tag counts as not
 * signed, also where the commit it leads to is, since anybody may point a name at a signed commit.
 * That the name inside is that of the ref was seen by identity.c.
 *
 * Keys are judged by when this record first saw the tag on its commit, or now if it never did: the
 * date in a tag is written by whoever holds the key, an expired one as well. Signed bytes that were
 * changed, and revoked keys, disprove; all other ways of not being signed well prove nothing.
 */
#include "rollback/room.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/io/clock.h"
#include "runner/io/git.h"
#include "runner/io/signature.h"

enum scheme { SCHEME_NONE = 0, SCHEME_SSH, SCHEME_OPENPGP, SCHEME_X509 };

static const struct {
	const char *begin, *end;
	enum scheme scheme;
} armours[] = {
	{"-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----", SCHEME_SSH},
	{"-----BEGIN PGP SIGNATURE-----", "-----END PGP SIGNATURE-----", SCHEME_OPENPGP},
	{"-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----", SCHEME_OPENPGP},
	{"-----BEGIN SIGNED MESSAGE-----", "-----END SIGNED MESSAGE-----", SCHEME_X509},
};
#define N_ARMOURS (sizeof(armours) / sizeof(armours[0]))

/* A tag object taken apart: what is signed, then the signature. */
struct signed_tag {
	struct bytes payload;
	const char *text;
	size_t n;
	enum scheme scheme;
	const char *last_line; /* of the armour */
	const char *tagger;    /* his address, "" = none */
};

static bool is_line(const char *line, size_t n, const char *text)
{
	return n == strlen(text) && memcmp(line, text, n) == 0;
}

/* As git does: the signature begins at the last line that begins one. */
static void take_apart(struct arena *a, const char *data, size_t n, struct signed_tag *out)
{
	const char *at = data, *end = data + n, *line, *open, *close;
	size_t length;

	*out = (struct signed_tag){.text = end, .tagger = ""};
	while (signature_line(&at, end, &line, &length)) {
		for (size_t i = 0; i < N_ARMOURS; i++) {
			if (!is_line(line, length, armours[i].begin))
				continue;
			out->text = line;
			out->scheme = armours[i].scheme;
			out->last_line = armours[i].end;
		}
		if (length < 7 || memcmp(line, "tagger ", 7) != 0 || *out->tagger)
			continue;
		open = memchr(line, '<', length);
		close = open ? memchr(open, '>', length - (size_t)(open - line)) : NULL;
		if (close)
			out->tagger = arena_strndup(a, open + 1, (size_t)(close - open) - 1);
	}
	out->payload =
		(struct bytes){.p = (const unsigned char *)data, .n = (size_t)(out->text - data)};
	out->n = (size_t)(end - out->text);
}

/* Nothing but blank lines behind the armour, or it is not covered by anything. */
static bool is_whole(const struct signed_tag *t)
{
	const char *at = t->text, *end = t->text + t->n, *line;
	bool has_end = false;
	size_t n;

	while (signature_line(&at, end, &line, &n)) {
		if (has_end && n > 0)
			return false;
		has_end = has_end || is_line(line, n, t->last_line);
	}
	return has_end;
}

int64_t room_seen_ms(const struct verification *v)
{
	const struct pin *pin = v->req->pin;
	bool is_same =
		pin && str_equal(pin->commit, v->out->commit) && str_equal(pin->tree, v->out->tree);

	return is_same ? pin->first_seen_ms : 0;
}

static int not_signed(struct verification *v, struct step *s)
{
	const char *tag = str_as_word(v->a, v->tag);

	if (!v->set->signature.is_required) {
		step_note(s, "not signed");
		return 0;
	}
	(void)step_find(s, OUTCOME_UNDECIDED,
			arena_printf(v->a, "git tag --sign --force -m %s %s %s^{commit}", tag, tag,
				     str_as_word(v->a, v->ref)),
			v->is_annotated
				? "the tag is not signed"
				: "the tag is lightweight, so nothing is signed that names it");
	return 0; /* the rest can still be told */
}

/* The line or key to add, for whoever knows that the key is a good one. */
static const char *admit(struct verification *v, const struct signed_tag *t,
			 const struct signature_answer *answer)
{
	const struct rollback_signature *keys = &v->set->signature;
	const char *who = keys->identity ? keys->identity : *t->tagger ? t->tagger : "NAME";

	if (t->scheme == SCHEME_SSH)
		return arena_printf(
			v->a, "echo %s >>%s  # if the key is one of yours",
			str_as_word(v->a, arena_printf(v->a, "%s namespaces=\"git\" %s",
						       str_escaped(v->a, who), answer->public_key)),
			str_as_word(v->a, keys->allowed_signers));
	return arena_printf(v->a, "gpg --export %s >>%s  # if the key is one of yours",
			    answer->key ? answer->key : "KEY", str_as_word(v->a, keys->keyring));
}

static const char *remedy(struct verification *v, const struct signed_tag *t,
			  const struct signature_answer *answer)
{
	const struct rollback_signature *keys = &v->set->signature;
	const char *file = t->scheme == SCHEME_SSH ? keys->allowed_signers : keys->keyring;

	switch (answer->fault) {
	case SIGNATURE_MALFORMED:
	case SIGNATURE_BAD:
		return v->source.remote ? arena_printf(v->a, "git fetch --force %s %s",
						       str_as_word(v->a, v->source.remote),
						       room_refspec(v->a, v->tag))
					: arena_printf(v->a, "git cat-file tag %s",
						       str_as_word(v->a, v->ref));
	case SIGNATURE_UNKNOWN_KEY:
		return admit(v, t, answer);
	case SIGNATURE_OTHER_PURPOSE:
		return arena_printf(v->a, "add git to namespaces= in %s", str_as_word(v->a, file));
	case SIGNATURE_TOO_EARLY:
	case SIGNATURE_EXPIRED:
		return arena_printf(v->a,
				    "let the key count longer in %s, if it was in good hands then",
				    str_as_word(v->a, file));
	case SIGNATURE_REVOKED:
		return arena_printf(v->a,
				    "git tag --sign --force -m %s %s %s^{commit}  # by "
				    "another key, once the content was looked at",
				    str_as_word(v->a, v->tag), str_as_word(v->a, v->tag),
				    str_as_word(v->a, v->ref));
	}
	return NULL;
}

static bool is_about_time(enum signature_fault fault)
{
	return fault == SIGNATURE_TOO_EARLY || fault == SIGNATURE_EXPIRED;
}

static int judge(struct verification *v, struct step *s, const struct signed_tag *t,
		 const struct signature_job *job, const struct signature_answer *answer)
{
	bool is_disproved = answer->fault == SIGNATURE_MALFORMED ||
			    answer->fault == SIGNATURE_BAD || answer->fault == SIGNATURE_REVOKED;
	char when[UTC_MAX];
	const char *words = "";

	if (answer->is_valid) {
		if (t->scheme == SCHEME_SSH)
			step_note(s, "signed by %s (%s)", answer->signer, answer->key);
		else
			step_note(s, "signed with OpenPGP key %s", answer->signer);
		return 0;
	}
	(void)utc_format(job->at_ms, 0, when);
	if (is_about_time(answer->fault))
		words = job->is_past
				? arena_printf(v->a, ", when this record first saw the tag (%s)",
					       when)
				: ", and this record has not seen the tag before; the date in a "
				  "tag "
				  "proves nothing";
	(void)step_find(s, is_disproved ? OUTCOME_FAIL : OUTCOME_UNDECIDED, remedy(v, t, answer),
			"the tag's signature: %s%s", answer->reason, words);
	return is_disproved ? -1 : 0; /* what is unproven lets the rest be told */
}

static int verify(struct verification *v, struct step *s, const struct signed_tag *t)
{
	const struct rollback_signature *set = &v->set->signature;
	const struct ssh_keys ssh = {.allowed_signers = set->allowed_signers,
				     .identity = set->identity,
				     .namespace = "git",
				     .revoked = set->revoked};
	const struct gpg_keys gpg = {.keyring = set->keyring, .fingerprints = set->fingerprints};
	struct signature_answer answer = {.is_valid = false};
	struct err e = {0};
	int64_t seen_ms = room_seen_ms(v);
	struct signature_job job = {
		.arena = v->a,
		.clock = v->req->clock,
		.deadline_ms = v->req->deadline_ms,
		.at_ms = seen_ms > 0 ? seen_ms : clock_wall_ms(v->req->clock),
		.is_past = seen_ms > 0,
		.message = t->payload,
		.text = t->text,
		.n = t->n,
		.scratch = v->set->scratch,
	};
	int rc;

	if (!is_whole(t))
		rc = signature_no(&job, &answer, SIGNATURE_MALFORMED,
				  "something that nobody signed stands behind it, or it is cut");
	else if (t->scheme == SCHEME_SSH)
		rc = signature_ssh(&job, &ssh, &answer, &e);
	else
		rc = signature_gpg(&job, &gpg, &answer, &e);
	if (rc == 0)
		return judge(v, s, t, &job, &answer);
	(void)step_find(s, OUTCOME_UNDECIDED, *e.help ? e.help : NULL,
			"the tag's signature could not be verified: %s", e.message);
	return 0; /* the rest can still be told */
}

/* A scheme for which the set names no keys. */
static int no_keys(struct verification *v, struct step *s, const struct signed_tag *t)
{
	const char *const schemes[] = {
		[SCHEME_SSH] = "OpenSSH", [SCHEME_OPENPGP] = "OpenPGP", [SCHEME_X509] = "X.509"};
	const char *const keys[] = {
		[SCHEME_SSH] = "add signature: { allowed_signers: }",
		[SCHEME_OPENPGP] = "add signature: { keyring: }",
		[SCHEME_X509] = arena_printf(v->a, "git verify-tag %s", room_word(v->a, v->tag))};

	(void)step_find(s, OUTCOME_UNDECIDED, keys[t->scheme],
			t->scheme == SCHEME_X509
				? "the tag is signed with %s, which is not verified here"
				: "the tag is signed with %s, of which the set names no keys",
			schemes[t->scheme]);
	return 0; /* the rest can still be told */
}

int signer_prove(struct verification *v, struct step *s)
{
	const struct rollback_signature *keys = &v->set->signature;
	const struct wanted w = {v->odb, &v->tag_id, GIT_OBJECT_TAG, NULL, 0};
	struct signed_tag tag;
	git_odb_object *object;
	int rc;

	if (!keys->allowed_signers && !keys->keyring)
		return 0;
	if (!v->is_annotated)
		return not_signed(v, s);
	if (room_read(v, &w, s, &object) < 0)
		return -1;
	take_apart(v->a, git_odb_object_data(object), git_odb_object_size(object), &tag);
	if (tag.scheme == SCHEME_NONE)
		rc = not_signed(v, s);
	else if (tag.scheme == SCHEME_X509 ||
		 !(tag.scheme == SCHEME_SSH ? keys->allowed_signers : keys->keyring))
		rc = no_keys(v, s, &tag);
	else
		rc = verify(v, s, &tag);
	git_odb_object_free(object);
	return rc;
}
