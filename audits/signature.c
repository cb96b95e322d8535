/*
 * signature: was this file signed by somebody the check trusts?
 *
 * The check names the keys; no keyring, agent or home directory of the user is ever asked, so the
 * answer is the same on every machine. A signature that is missing, malformed, of another file, of
 * another key, expired or revoked is an answer (valid = 0) with its reason; keys that cannot be
 * read are none.
 */
#include "audits/signature.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

static const struct key_row minisign_keys[] = {
	{.name = "key",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct minisign_spec, key),
	 .help = "the public key itself: the line that begins with RW",
	 .example = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"},
	{.name = "key_file",
	 .type = KEY_PATH,
	 .flags = KEY_POLICY,
	 .offset = offsetof(struct minisign_spec, key_file),
	 .help = "or the file it is in",
	 .example = "keys/minisign.pub"},
	KEY_END,
};

static const struct key_row ssh_keys[] = {
	{.name = "allowed_signers",
	 .type = KEY_PATH,
	 .flags = KEY_REQUIRED | KEY_POLICY,
	 .offset = offsetof(struct ssh_keys, allowed_signers),
	 .help = "who may sign, in the format of ssh-keygen(1)",
	 .example = "keys/allowed_signers"},
	{.name = "identity",
	 .type = KEY_TEXT,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct ssh_keys, identity),
	 .help = "the principal who must have signed",
	 .example = "release@example.com"},
	{.name = "namespace",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct ssh_keys, namespace),
	 .def = "file",
	 .help = "what it was signed for, as given to ssh-keygen -Y sign -n",
	 .example = "release"},
	{.name = "revoked",
	 .type = KEY_PATH,
	 .flags = KEY_POLICY,
	 .offset = offsetof(struct ssh_keys, revoked),
	 .help = "public keys that no longer count, one a line",
	 .example = "keys/revoked"},
	KEY_END,
};

static const struct key_row gpg_keys[] = {
	{.name = "keyring",
	 .type = KEY_PATH,
	 .flags = KEY_REQUIRED | KEY_POLICY,
	 .offset = offsetof(struct gpg_keys, keyring),
	 .help = "the public keys that count, as gpg --export writes them; no other keyring is "
		 "asked",
	 .example = "keys/release.gpg"},
	{.name = "fingerprints",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct gpg_keys, fingerprints),
	 .help = "which of them, of a key or its primary key; any of the keyring if absent",
	 .example = "5E14A3C3E8F6B4D0C2A19B7D6F0812E4A7C95D31"},
	KEY_END,
};

static const struct key_row signature_keys[] = {
	{.name = "file",
	 .type = KEY_PATH,
	 .flags = KEY_REQUIRED | KEY_WORLD,
	 .offset = offsetof(struct signature_spec, file),
	 .help = "the file that is signed, relative to the definition",
	 .example = "dist/shop.tar.gz"},
	{.name = "signature",
	 .type = KEY_PATH,
	 .flags = KEY_WORLD,
	 .offset = offsetof(struct signature_spec, signature),
	 .help = "its detached signature; beside it as .minisig, .sig or (gpg) .asc if absent",
	 .example = "dist/shop.tar.gz.minisig"},
	{.name = "minisign",
	 .type = KEY_GROUP,
	 .flags = KEY_SHOWN,
	 .offset = offsetof(struct signature_spec, minisign),
	 .sub = minisign_keys,
	 .sub_size = sizeof(struct minisign_spec),
	 .help = "signed with minisign",
	 .example = "{ key_file: keys/minisign.pub }"},
	{.name = "ssh",
	 .type = KEY_GROUP,
	 .offset = offsetof(struct signature_spec, ssh),
	 .sub = ssh_keys,
	 .sub_size = sizeof(struct ssh_keys),
	 .help = "signed with ssh-keygen -Y sign",
	 .example = "{ allowed_signers: keys/allowed_signers, identity: release@example.com }"},
	{.name = "gpg",
	 .type = KEY_GROUP,
	 .offset = offsetof(struct signature_spec, gpg),
	 .sub = gpg_keys,
	 .sub_size = sizeof(struct gpg_keys),
	 .help = "signed with gpg --detach-sign",
	 .example = "{ keyring: keys/release.gpg }"},
	KEY_END,
};

static const struct value_row signature_values[] = {
	{.name = "valid",
	 .type = VALUE_INT,
	 .unit = "",
	 .most = 1,
	 .implied = "== 1",
	 .help = "1 when the file is what a trusted key signed, else 0"},
	{.name = "signer",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "key id (minisign), principal (ssh) or fingerprint (gpg)"},
	{.name = "comment",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "minisign: the trusted comment"},
	{.name = "age",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "time since it was signed, where the signature says when (minisign, gpg)"},
	{.name = "key_days_left",
	 .type = VALUE_REAL,
	 .unit = "days",
	 .help = "until the key expires: valid-before (ssh), the key itself (gpg)"},
	{.name = NULL},
};

static int verify_minisign(struct signature_job *job, const struct signature_spec *spec,
			   struct signature_answer *out, struct err *e)
{
	return signature_minisign(job, &spec->minisign, out, e);
}

static int verify_ssh(struct signature_job *job, const struct signature_spec *spec,
		      struct signature_answer *out, struct err *e)
{
	return signature_ssh(job, &spec->ssh, out, e);
}

static int verify_gpg(struct signature_job *job, const struct signature_spec *spec,
		      struct signature_answer *out, struct err *e)
{
	return signature_gpg(job, &spec->gpg, out, e);
}

/* A scheme by its key, where its signatures lie, and what verifies it. */
static const struct scheme {
	const char *name;
	const char *suffixes[2];
	int (*verify)(struct signature_job *job, const struct signature_spec *spec,
		      struct signature_answer *out, struct err *e);
} schemes[] = {
	{"minisign", {".minisig", NULL}, verify_minisign},
	{"ssh", {".sig", NULL}, verify_ssh},
	{"gpg", {".asc", ".sig"}, verify_gpg},
};
#define N_SCHEMES (sizeof(schemes) / sizeof(schemes[0]))

static const struct scheme *scheme_of(const struct check *c)
{
	for (size_t i = 0; i < N_SCHEMES; i++)
		if (node_get(c->spec_node, schemes[i].name))
			return &schemes[i];
	return NULL;
}

static void signature_check(struct keys_context *ctx, struct check *c)
{
	const struct signature_spec *spec = c->spec;
	size_t n = 0;

	for (size_t i = 0; i < N_SCHEMES; i++)
		n += node_get(c->spec_node, schemes[i].name) != NULL;
	if (n != 1)
		(void)diags_at(ctx->diags, c->kind_pos, "write one of minisign, ssh and gpg",
			       "check \"%s\": %s", c->name,
			       n == 0 ? "nothing says how the file is signed"
				      : "a signature is of one kind");
	if (node_get(c->spec_node, "minisign") && !spec->minisign.key == !spec->minisign.key_file)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "minisign"), NULL,
			       "check \"%s\": write either key or key_file", c->name);
	for (size_t i = 0; i < spec->gpg.fingerprints.n; i++) {
		const char *fingerprint = spec->gpg.fingerprints.items[i];

		if (!signature_is_fingerprint(fingerprint))
			(void)diags_at(ctx->diags, spec->gpg.fingerprints.positions[i],
				       "all 40 hexadecimal digits; shorter ids can be forged",
				       "check \"%s\": \"%s\" is no fingerprint", c->name,
				       str_escaped(ctx->arena, fingerprint));
	}
}

static bool signature_runs_program(const struct check *c)
{
	return node_get(c->spec_node, "gpg") != NULL;
}

static void signature_describe(struct probe *p, struct buf *out)
{
	const struct check *c = p->checks[0];
	const struct signature_spec *spec = c->spec;

	/* The definition is bounded; check() saw to it that there is a scheme. */
	(void)buf_printf(out, "%s: signed (%s)%s%s\n", spec->file, scheme_of(c)->name,
			 spec->signature ? " in " : "", spec->signature ? spec->signature : "");
}

static bool is_absent(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* Where the signature is, or would be. */
static const char *signature_path(struct arena *a, const struct signature_spec *spec,
				  const struct scheme *scheme)
{
	const char *first = NULL;

	if (spec->signature)
		return spec->signature;
	for (size_t i = 0; i < 2 && scheme->suffixes[i]; i++) {
		const char *path = arena_printf(a, "%s%s", spec->file, scheme->suffixes[i]);

		if (!is_absent(path))
			return path;
		first = first ? first : path;
	}
	return first;
}

const char *signature_place(struct arena *a, const struct check *c)
{
	return signature_path(a, c->spec, scheme_of(c));
}

static int answer(struct signature_job *job, const struct signature_spec *spec,
		  const struct scheme *scheme, struct signature_answer *out, struct err *e)
{
	struct buf text;

	out->no_expiry = "a signature that is not valid has no key";
	if (is_absent(spec->file))
		return signature_no(job, out, SIGNATURE_MALFORMED, "there is no such file: \"%s\"",
				    spec->file);
	if (is_absent(job->signature))
		return signature_no(job, out, SIGNATURE_MALFORMED, "there is no signature: \"%s\"",
				    job->signature);
	buf_init(&text, SIGNATURE_MAX_BYTES);
	int rc = file_read(job->signature, &text, e);
	if (rc == 0) {
		job->text = arena_strndup(job->arena, text.data, text.len);
		job->n = text.len;
		rc = job->n > 0 ? scheme->verify(job, spec, out, e)
				: signature_no(job, out, SIGNATURE_MALFORMED,
					       "the signature is an empty file");
	}
	buf_release(&text);
	return rc;
}

static struct measurement measure_age(struct probe *p, const struct signature_answer *answer)
{
	int64_t now_ms = clock_wall_ms(p->world->clock);

	if (!answer->is_valid || answer->made_ms == 0)
		return measurement_none(
			"age", answer->is_valid ? "the signature does not say when it was made"
						: answer->reason);
	if (answer->made_ms > now_ms)
		return measurement_none("age", "it says it was made in the future");
	return measurement_real("age", (double)(now_ms - answer->made_ms) / 1000, "s");
}

static struct measurement measure(struct probe *p, const struct signature_answer *answer,
				  const char *name)
{
	if (strcmp(name, "valid") == 0) {
		struct measurement m = measurement_int(name, answer->is_valid, "");

		m.reason = answer->reason;
		return m;
	}
	if (strcmp(name, "age") == 0)
		return measure_age(p, answer);
	if (strcmp(name, "key_days_left") == 0) {
		int64_t left_ms = answer->expires_ms - clock_wall_ms(p->world->clock);

		if (answer->expires_ms == 0)
			return measurement_none(name, answer->no_expiry);
		return measurement_real(name, (double)left_ms / 86400000, "days");
	}
	if (!answer->is_valid)
		return measurement_none(name, answer->reason);

	bool is_signer = strcmp(name, "signer") == 0;
	const char *text = is_signer ? answer->signer : answer->comment;
	return text ? measurement_text(name, text)
		    : measurement_none(name, "signatures of this kind have none");
}

static bool wants(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->n_expects; i++)
		if (strcmp(c->expects[i].name, name) == 0)
			return true;
	return false;
}

static int signature_probe(struct probe *p, struct err *e)
{
	const struct check *c = p->checks[0];
	const struct scheme *scheme = scheme_of(c);
	const struct signature_spec *spec = c->spec;
	const char *parent = getenv("TMPDIR");
	struct signature_job job = {
		.arena = p->arena,
		.clock = p->world->clock,
		.deadline_ms = p->deadline_ms,
		.limit_ms = c->timeout_ms,
		.at_ms = clock_wall_ms(p->world->clock),
		.file = spec->file,
		.signature = signature_path(p->arena, spec, scheme),
		.scratch = parent && parent[0] == '/' ? parent : "/tmp",
		.wants_expiry = wants(c, "key_days_left"),
	};
	struct signature_answer found = {.is_valid = false};

	if (answer(&job, spec, scheme, &found, e) < 0)
		return -1;

	const char *evidence = found.evidence;
	if (found.reason)
		evidence = arena_printf(p->arena, "%s%s%s", found.reason, evidence ? "\n" : "",
					evidence ? evidence : "");
	for (size_t i = 0; i < c->n_expects; i++) {
		struct measurement m = measure(p, &found, c->expects[i].name);

		m.evidence = evidence;
		m.query = job.signature;
		probe_emit(p, 0, &m);
	}
	return 0;
}

const struct audit_kind audit_kind_signature = {
	.name = "signature",
	.family = "artifact",
	.summary = "a detached signature by a named key: minisign, OpenSSH, GPG",
	.blind =
		"It proves that somebody who holds the key signed these bytes, not that the key is "
		"still in the right hands, nor what was meant: an old release with its old "
		"signature is valid, so look at `comment`, `age` or a digest as well. Keys of "
		"minisign cannot be revoked. Of OpenSSH, certificates are not verified, nor are "
		"binary revocation lists read, and whether somebody touched the security token "
		"that signed is not asked; of GPG, keyrings are taken as they are, no server is "
		"asked for revocations, and a signature made in text mode fits the file whether "
		"its lines end with LF or CR LF.",
	.spec_size = sizeof(struct signature_spec),
	.keys = signature_keys,
	.values = signature_values,
	.check = signature_check,
	.runs_program = signature_runs_program,
	.arsenal = &arsenal_signature,
	.describe = signature_describe,
	.probe = signature_probe,
};
