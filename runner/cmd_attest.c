/*
 * assize attest verify FILE..: what a gate decided, as somebody without its record may know it.
 *
 * For the machine that deploys. Only the key it was given counts, never one that a file names, and
 * a statement is taken for the decision it says only when the signature fits, the types are known
 * and it is about the subject, the gate and the policy asked for: a gate that demands little, or
 * one that another definition has under the same name, is signed by the same key.
 */
#include <stdio.h>
#include <string.h>

#include "reports/attest.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/digest.h"
#include "runner/io/dsse.h"
#include "runner/io/file.h"
#include "runner/io/json.h"
#include "runner/options.h"

static int run_attest(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"key", "subject", "gate", "policy-sha256", "quiet", NULL};

static const struct option_meaning meanings[] = {
	{"key", "the public key of who signed"},
	{"gate", "the gate that must have decided"},
	{"policy-sha256",
	 "of the definition it must have been decided under; assize check prints it"},
	{"subject", "what it must be about"},
	{NULL, NULL},
};

const struct command command_attest = {
	.name = "attest",
	.group = "decide",
	.words = "verify FILE.. --key FILE",
	.summary = "is a statement of gate --attest by this key, and was the gate open?",
	.accepts = accepts,
	.meanings = meanings,
	.run = run_attest,
};

struct verification {
	struct app *app;
	struct options o;
	unsigned char key[SIGN_PUBLIC_BYTES];
	const char *digest; /* that it has to be about; NULL = any, as of those below */
	const char *gate, *policy;
};

static int read_file(struct app *app, const char *path, struct buf *out, struct err *e)
{
	return file_read(file_absolute(app->arena, app->cwd, path), out, e);
}

static int read_key(struct verification *v, struct err *e)
{
	struct buf text;
	int rc;

	if (v->o.key == NULL) {
		(void)err_set(e, ERR_USAGE, "assize attest verify needs --key FILE");
		return err_help(e, "the public key of who decides: openssl pkey -in KEY -pubout");
	}
	buf_init(&text, 64 * 1024);
	rc = read_file(v->app, v->o.key, &text, e);
	if (rc == 0)
		rc = dsse_public_key(v->app->arena, text.data, text.len, v->key, e);
	buf_release(&text);
	if (rc != 0) {
		(void)err_context(e, "key \"%s\"", v->o.key);
		e->class = ERR_USAGE;
	}
	return rc;
}

/* As statements have it, in small letters. */
static int read_policy(struct verification *v, struct err *e)
{
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];

	if (v->o.pinned == NULL)
		return 0;
	if (sha256_from_hex(v->o.pinned, strlen(v->o.pinned), digest) != 0) {
		(void)err_set(e, ERR_USAGE, "--policy-sha256 %s: it is 64 hexadecimal digits",
			      v->o.pinned);
		return err_help(e, "assize check prints it");
	}
	sha256_hex(digest, hex);
	v->policy = arena_strdup(v->app->arena, hex);
	return 0;
}

static int read_words(struct verification *v, struct err *e)
{
	if (v->o.n_words < 2 || strcmp(v->o.words[0], "verify") != 0)
		return err_set(e, ERR_USAGE, "assize attest verify takes files of gate --attest");
	if (v->o.subject != NULL) {
		v->digest = attest_digest(v->app->arena, v->o.subject);
		if (v->digest == NULL)
			return attest_check_subject(v->o.subject, e);
	}
	if (v->o.gates.n > 1)
		return err_set(e, ERR_USAGE, "a statement is of one gate: --gate once");
	if (v->o.gates.n == 1)
		v->gate = v->o.gates.items[0];
	if (read_policy(v, e) != 0)
		return -1;
	return read_key(v, e);
}

/* What was said, shown: OPEN or SHUT. */
static void tell(struct verification *v, const char *file, const struct attested *x)
{
	struct arena *a = v->app->arena;

	if (v->o.is_quiet && x->is_open)
		return;
	(void)fprintf(v->app->out, "%s: gate %s is %s for %s%s%s\n", str_escaped(a, file),
		      str_escaped(a, x->gate), x->is_open ? "OPEN" : "SHUT",
		      str_escaped(a, x->digest), x->at ? ", " : "",
		      x->at ? str_escaped(a, x->at) : "");
}

static int verify(struct verification *v, const char *file, struct err *e)
{
	struct arena *a = v->app->arena;
	struct attested said;
	struct dsse signed_text;
	struct buf text;
	int rc;

	buf_init(&text, DSSE_MAX_BYTES);
	rc = read_file(v->app, file, &text, e);
	if (rc == 0)
		rc = dsse_verify(a, text.data, text.len, DSSE_IN_TOTO, v->key, &signed_text, e);
	if (rc == 0)
		rc = attest_read(a, signed_text.payload, signed_text.n, &said, e);
	buf_release(&text);
	if (rc != 0)
		return -1;
	if (v->digest != NULL && strcmp(v->digest, said.digest) != 0)
		return err_set(e, ERR_MEASURE, "it is about %s, not about %s",
			       str_escaped(a, said.digest), v->digest);
	if (v->gate != NULL && strcmp(v->gate, said.gate) != 0)
		return err_set(e, ERR_MEASURE, "it is of gate \"%s\", not of \"%s\"",
			       str_escaped(a, said.gate), str_escaped(a, v->gate));
	if (v->policy != NULL && strcmp(v->policy, said.policy) != 0)
		return err_set(e, ERR_MEASURE, "it was decided by policy %s, not by %s",
			       str_escaped(a, said.policy), v->policy);
	tell(v, file, &said);
	return said.is_open ? EXIT_PASS : EXIT_DISPROVED;
}

/* All are looked at; disproved weighs more than undecided. */
static int run_attest(struct app *app, const struct command *self, int argc, char **argv)
{
	struct verification v = {.app = app};
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &v.o, &status))
		return status;
	if (read_words(&v, &e) != 0)
		return app_fail(app, &e);
	status = EXIT_PASS;
	for (size_t i = 1; i < v.o.n_words; i++) {
		struct err one = {0};
		int rc = verify(&v, v.o.words[i], &one);

		if (rc < 0) {
			(void)err_context(&one, "\"%s\"", v.o.words[i]);
			rc = app_fail(app, &one);
		}
		if (rc == EXIT_DISPROVED || (rc != EXIT_PASS && status == EXIT_PASS))
			status = rc;
	}
	return status;
}
