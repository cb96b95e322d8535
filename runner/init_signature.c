/*
 * Signatures: one that lies beside the artifact is verified when somebody says whose it must be
 * (--key). A key that is found beside the artifact proves nothing, since whoever replaces the one
 * replaces the other; so without --key the question is written down and no check is made.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/init_artifact.h"
#include "runner/io/file.h"
#include "runner/model/result.h"

#define MAX_BYTES (1024 * 1024)

enum scheme { SCHEME_MINISIGN, SCHEME_SSH, SCHEME_GPG };

struct signature {
	enum scheme scheme;
	const char *absolute; /* of the signature */
	const char *key;      /* absolute; NULL = not known */
	const char *identity; /* ssh: who must have signed */
};

static enum scheme scheme_of(const struct buf *text)
{
	if (str_starts(text->data, "untrusted comment:"))
		return SCHEME_MINISIGN;
	return str_starts(text->data, "-----BEGIN SSH SIGNATURE-----") ? SCHEME_SSH : SCHEME_GPG;
}

/* "release@example.com" of the first line of allowed_signers that is not a comment. */
static const char *first_principal(struct arena *a, const char *text)
{
	while (*text == '#' || *text == '\n')
		text += strcspn(text, "\n") + (text[strcspn(text, "\n")] != '\0');
	return arena_strndup(a, text, strcspn(text, " \t,\n"));
}

static int read_key(struct artifact *t, struct signature *x, struct err *e)
{
	struct buf text;
	int rc;

	x->key = file_absolute(t->arena, t->in->app->cwd, t->in->o.key);
	buf_init(&text, MAX_BYTES);
	rc = file_read(x->key, &text, e);
	if (rc == 0 && x->scheme == SCHEME_SSH) {
		x->identity = first_principal(t->arena, text.data ? text.data : "");
		if (!*x->identity || strpbrk(x->identity, "*?!"))
			rc = err_set(
				e, ERR_USAGE,
				"\"%s\" does not begin with the name of a signer, as a list of "
				"allowed signers does",
				t->in->o.key);
	}
	buf_release(&text);
	return rc;
}

static int look(struct artifact *t, void **state, struct err *e)
{
	static const char *const suffixes[] = {".minisig", ".sig", ".asc"};
	struct signature *x = arena_alloc(t->arena, sizeof(*x));
	struct buf text;
	int rc;

	*state = x;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes) && !x->absolute; i++) {
		const char *path = arena_printf(t->arena, "%s%s", t->absolute, suffixes[i]);

		if (access(path, F_OK) == 0)
			x->absolute = path;
	}
	if (!x->absolute && !t->in->o.key)
		return 0;
	if (!x->absolute) {
		(void)err_set(e, ERR_USAGE,
			      "%s: there is no signature beside it (.minisig, .sig, .asc) for "
			      "--key",
			      t->subject->given); /* -1 below */
		return err_help(e, "name what is not signed without --key, and -o another file");
	}
	buf_init(&text, MAX_BYTES);
	rc = file_read(x->absolute, &text, e);
	if (rc == 0 && text.len == 0)
		rc = err_set(e, ERR_MEASURE, "the signature beside \"%s\" is empty",
			     t->subject->given);
	if (rc == 0)
		x->scheme = scheme_of(&text);
	buf_release(&text);
	if (rc == 0 && t->in->o.key)
		rc = read_key(t, x, e);
	return rc == 0 ? 1 : -1;
}

/* "minisign: { key_file: keys/minisign.pub }" */
static void put_scheme(struct buf *out, const struct signature *x, const char *key)
{
	static const char *const heads[] = {
		"minisign: { key_file: ", "ssh: { allowed_signers: ", "gpg: { keyring: "};

	(void)buf_puts(out, heads[x->scheme]);
	init_put_text(out, key);
	if (x->identity) {
		(void)buf_puts(out, ", identity: ");
		init_put_text(out, x->identity);
	}
	(void)buf_puts(out, " }");
}

static void put_signature(struct buf *out, const struct signature *x, const char *file,
			  const char *signature, const char *key)
{
	(void)buf_puts(out, "signature: { file: ");
	init_put_text(out, file);
	(void)buf_puts(out, ", signature: ");
	init_put_text(out, signature);
	(void)buf_puts(out, ", ");
	put_scheme(out, x, key);
	(void)buf_puts(out, " }");
}

static void put_draft(const struct artifact *t, const void *state, struct buf *out)
{
	const struct signature *x = state;

	if (!x->key)
		return;
	put_signature(out, x, t->absolute, x->absolute, x->key);
	(void)buf_puts(out, ", expect: { valid: \">= 0\", signer: \"matches /^/\" }");
}

/* As a comment, with the key to be filled in. */
static void put_question(struct init_writer *w, struct artifact *t, const struct signature *x)
{
	static const char *const keys[] = {"keys/minisign.pub", "keys/allowed_signers",
					   "keys/release.gpg"};
	struct signature shown = *x;

	if (x->scheme == SCHEME_SSH)
		shown.identity = "release@example.com";
	(void)buf_puts(w->out,
		       "      # It is signed. By whom must it be? Name the key, from a place "
		       "that whoever\n      # replaces the artifact cannot reach, and the "
		       "signature is verified:\n      # - id: signature\n      #   ");
	put_signature(w->out, &shown, t->path, init_path(t->in, x->absolute), keys[x->scheme]);
	(void)buf_putc(w->out, '\n');
	init_note(t->subject,
		  "%s: signed, and nothing says by whom it must be: the signature is not verified "
		  "(--key FILE, or see the comment)",
		  t->subject->given);
}

static int put(struct init_writer *w, struct artifact *t, void *state, struct err *e)
{
	const struct signature *x = state;
	const char *reason = "";
	const struct result *valid, *signer;

	if (!x->key) {
		put_question(w, t, x);
		return 0;
	}
	valid = artifact_value(t, "signature", "valid", &reason);
	if (!valid)
		return artifact_unmeasured(t, reason, e);
	if (valid->value.integer != 1) {
		(void)err_set(e, ERR_MEASURE, "%s: the signature beside it is not by \"%s\"%s%s",
			      t->subject->given, t->in->o.key, valid->reason ? ": " : "",
			      valid->reason ? valid->reason : ""); /* -1 below */
		return err_help(e, "a signature that is not valid is no baseline");
	}
	signer = artifact_value(t, "signature", "signer", NULL);
	init_put_id(w, "signature", NULL, NULL);
	(void)buf_printf(w->out, " # signed by %s\n        ",
			 signer ? str_escaped(w->arena, signer->value.text) : "that key");
	put_signature(w->out, x, t->path, init_path(t->in, x->absolute), init_path(t->in, x->key));
	(void)buf_putc(w->out, '\n');
	return 0;
}

const struct artifact_part artifact_signature = {
	.id = "signature",
	.is_of_files = true,
	.look = look,
	.put_draft = put_draft,
	.put = put,
};
