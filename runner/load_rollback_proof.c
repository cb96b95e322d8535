/*
 * What a rollback set proves besides the tree: who signed a tag, that it runs.
 */
#include <string.h>

#include "audits/command.h"
#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/signature.h"
#include "runner/load_parts.h"

const struct key_row signature_rows[] = {
	{.name = "allowed_signers",
	 .type = KEY_PATH,
	 .flags = KEY_POLICY,
	 .offset = offsetof(struct rollback_signature, allowed_signers),
	 .help = "OpenSSH: who may sign, in the format of ssh-keygen(1); a key counts for "
		 "namespace "
		 "git, from valid-after to valid-before",
	 .example = ".assize/allowed_signers"},
	{.name = "identity",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = offsetof(struct rollback_signature, identity),
	 .help = "OpenSSH: the principal who must have signed; any that is listed if absent",
	 .example = "release@example.com"},
	{.name = "revoked",
	 .type = KEY_PATH,
	 .flags = KEY_POLICY,
	 .offset = offsetof(struct rollback_signature, revoked),
	 .help = "OpenSSH: public keys that no longer count, whatever they signed when, one a line",
	 .example = ".assize/revoked"},
	{.name = "keyring",
	 .type = KEY_PATH,
	 .flags = KEY_POLICY,
	 .offset = offsetof(struct rollback_signature, keyring),
	 .help = "OpenPGP: the public keys that count, as gpg --export writes them; no other "
		 "keyring is asked",
	 .example = ".assize/release.gpg"},
	{.name = "fingerprints",
	 .type = KEY_TEXTS,
	 .flags = KEY_NO_SECRET,
	 .offset = offsetof(struct rollback_signature, fingerprints),
	 .help = "OpenPGP: which of them, of a key or its primary key; any of the keyring if "
		 "absent",
	 .example = "5E14A3C3E8F6B4D0C2A19B7D6F0812E4A7C95D31"},
	{.name = "required",
	 .type = KEY_BOOL,
	 .offset = offsetof(struct rollback_signature, is_required),
	 .def = "true",
	 .help = "a tag that is not signed is unproven; with false it passes, and one that is "
		 "signed "
		 "must still be signed well"},
	KEY_END,
};

static const char *const sandboxes[] = {"required", "available", NULL};
static const char *const networks[] = {"none", "loopback", "any", NULL};

const struct key_row smoke_rows[] = {
	{.name = "run",
	 .type = KEY_TEXTS,
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .offset = offsetof(struct rollback_smoke, run),
	 .help = "the program and its arguments, one a list item; with a slash it is one of the "
		 "tree, "
		 "else it is looked up in PATH; {tag}, {version} and {commit} are replaced",
	 .example = "[./bin/app, --self-test]"},
	{.name = "timeout",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct rollback_smoke, timeout_ms),
	 .min = 1,
	 .max = 86400000,
	 .def = "30s",
	 .help = "one that runs longer fails and is ended with all it started",
	 .example = "30s"},
	{.name = "env",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct rollback_smoke, env),
	 .help = "the whole environment, besides PATH, LC_ALL=C.UTF-8 and, as HOME and TMPDIR, the "
		 "one "
		 "directory it may write to",
	 .example = "{ MODE: test }"},
	{.name = "max_output",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct rollback_smoke, max_output),
	 .min = 1,
	 .max = 64 * 1024 * 1024,
	 .def = "1MiB",
	 .help = "a program that writes more, on either stream, is ended and not judged",
	 .example = "64KiB"},
	{.name = "sandbox",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct rollback_smoke, sandbox),
	 .choices = sandboxes,
	 .def = "required",
	 .help = "required: without all of it nothing is run and the tag is unproven; available: "
		 "what "
		 "the kernel cannot keep from it is said, and the tree compared once more",
	 .example = "required"},
	{.name = "network",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct rollback_smoke, network),
	 .choices = networks,
	 .def = "none",
	 .help = "none; loopback: one of its own, where only what it started itself answers; any",
	 .example = "loopback"},
	{.name = "user",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = offsetof(struct rollback_smoke, user),
	 .help = "who it runs as when root runs assize, nobody if absent",
	 .example = "www-data"},
	{.name = "memory",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct rollback_smoke, memory),
	 .min = 1024 * 1024,
	 .max = INT64_C(1) << 46,
	 .help = "most address space of one process",
	 .example = "512MiB"},
	{.name = "processes",
	 .type = KEY_INT,
	 .offset = offsetof(struct rollback_smoke, processes),
	 .min = 1,
	 .max = 100000,
	 .help = "most processes and threads beyond those its user runs when it starts",
	 .example = "16"},
	KEY_END,
};

static void check_signature(struct loader *l, const struct rollback_signature *s,
			    const struct node *node)
{
	bool has_ssh = s->allowed_signers != NULL, has_gpg = s->keyring != NULL;

	if (!node || node->type != NODE_MAPPING)
		return;
	if (!has_ssh && !has_gpg)
		(void)diags_at(l->diags, node->pos, "add allowed_signers: or keyring:",
			       "\"signature\" does not say whose keys count");
	else if ((s->identity || s->revoked) && !has_ssh)
		(void)diags_at(l->diags, keys_pos(node, s->identity ? "identity" : "revoked"),
			       "add allowed_signers:", "\"%s\" is about keys of OpenSSH",
			       s->identity ? "identity" : "revoked");
	else if (s->fingerprints.n > 0 && !has_gpg)
		(void)diags_at(l->diags, keys_pos(node, "fingerprints"),
			       "add keyring:", "\"fingerprints\" is about keys of OpenPGP");
	for (size_t i = 0; i < s->fingerprints.n; i++)
		if (!signature_is_fingerprint(s->fingerprints.items[i]))
			(void)diags_at(l->diags, s->fingerprints.positions[i],
				       "all 40 hexadecimal digits; shorter ids can be forged",
				       "\"%s\" is no fingerprint",
				       str_escaped(l->arena, s->fingerprints.items[i]));
}

static void check_smoke(struct loader *l, const struct rollback_smoke *s)
{
	const char *program = s->run.n > 0 ? s->run.items[0] : "";

	for (size_t i = 0; i < s->env.n; i++)
		if (!command_is_variable(s->env.items[i].name))
			(void)diags_at(l->diags, s->env.items[i].pos, NULL,
				       "\"%s\" cannot be the name of an environment variable",
				       str_escaped(l->arena, s->env.items[i].name));
	if (s->run.n == 0)
		return;
	if (*program == '/' || strstr(program, "../"))
		(void)diags_at(
			l->diags, s->run.positions[0],
			"write a path of the tag's tree, such as ./bin/app, or a name to look up "
			"in PATH",
			"\"%s\" is not in the restored tree", str_escaped(l->arena, program));
	else if (*program == '\0' || (s->run.n == 1 && strpbrk(program, " \t\n")))
		(void)diags_at(l->diags, s->run.positions[0],
			       "write a list, one word an item: run: [./bin/app, --self-test]",
			       "\"run\" is a line, and no shell splits it");
}

void load_proof(struct loader *l, const struct set_raw *raw, const struct node *node)
{
	check_signature(l, &raw->signature, node_get(node, "signature"));
	check_smoke(l, &raw->smoke);
}
