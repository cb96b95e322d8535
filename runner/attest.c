/*
 * A decision that cannot be attested is found out before checks are run for it, and a statement
 * that could not be written fails the command: a pipeline that waits for a file must not read an
 * old one for a new one.
 */
#include "runner/attest.h"

#include <string.h>

#include "reports/attest.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/dsse.h"
#include "runner/io/file.h"
#include "runner/io/sign.h"
#include "runner/options.h"
#include "runner/vouch.h"

/* The beginning of every in-toto statement, in base64. */
#define STATEMENT_BEGINS "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQv"
#define BUNDLE_BEGINS	 "{\"mediaType\":\"application/vnd.dev.sigstore.bundle."
#define ENVELOPE_BEGINS	 "{\"payload\":\"" STATEMENT_BEGINS

static const struct format {
	const char *name;
	enum dsse_form form;
	void (*render)(struct buf *out, const struct attest *x);
	const char *begins; /* so does every one */
} formats[] = {
	{"test-result", DSSE_BUNDLE, attest_test_result, BUNDLE_BEGINS},
	{"vsa", DSSE_BUNDLE, attest_vsa, BUNDLE_BEGINS},
	{"test-result-dsse", DSSE_ENVELOPE, attest_test_result, ENVELOPE_BEGINS},
	{"vsa-dsse", DSSE_ENVELOPE, attest_vsa, ENVELOPE_BEGINS},
};

/* The format of FORMAT=FILE and, behind it, the file. */
static const struct format *find(const char *word, const char **file, struct err *e)
{
	const char *eq = strchr(word, '=');
	size_t n = eq ? (size_t)(eq - word) : 0;

	for (size_t i = 0; eq && eq[1] && i < sizeof(formats) / sizeof(*formats); i++) {
		if (strlen(formats[i].name) != n || memcmp(formats[i].name, word, n) != 0)
			continue;
		*file = eq + 1;
		return &formats[i];
	}
	(void)err_set(e, ERR_USAGE, "cannot read --attest %s: it is FORMAT=FILE", word);
	(void)err_help(e, "formats are test-result, vsa (Sigstore bundles), test-result-dsse and "
			  "vsa-dsse");
	return NULL;
}

const char *attest_begins(const char *word, const char **file)
{
	struct err ignored = {0};
	const struct format *f = find(word, file, &ignored);

	return f != NULL ? f->begins : NULL;
}

static int load_key(struct app *app, const char *where, struct sign_key **out, struct err *e)
{
	const char *pem;

	if (!str_starts(where, "env:"))
		return sign_key_load(file_absolute(app->arena, app->cwd, where), out, e);
	pem = app->env(app->env_ctx, where + strlen("env:"));
	if (pem == NULL || pem[0] == '\0')
		return err_set(e, ERR_USAGE, "environment variable %s of --sign-key is not set",
			       where + strlen("env:"));
	sign_guard_process();
	return sign_key_parse(pem, strlen(pem), out, e);
}

int attest_begin(struct app *app, const struct options *o, const struct definition *d,
		 const char *subject, struct sign_key **key, struct err *e)
{
	const char *file;
	int rc;

	*key = NULL;
	if (o->attests.n == 0)
		return 0;
	for (size_t i = 0; i < o->attests.n; i++)
		if (find(o->attests.items[i], &file, e) == NULL)
			return -1;
		else if (file_check_writable(file_absolute(app->arena, app->cwd, file), e) != 0)
			return err_context(e, "attest \"%s\"", o->attests.items[i]);
	if (attest_check_subject(subject, e) != 0)
		return -1;
	rc = o->sign_key != NULL ? load_key(app, o->sign_key, key, e)
				 : vouch_key(app, d, app_record_path(app, o, d), key, e);
	if (rc <= 0)
		return rc < 0 ? err_context(e, "could not sign") : 0;
	(void)err_set(e, ERR_USAGE, "--attest needs --sign-key FILE: the record has no key");
	return err_help(e, "openssl genpkey -algorithm ed25519 -out KEY makes one (mode 0600); "
			   "--sign-key env:NAME takes it from a secret");
}

int attest_write(struct app *app, const struct options *o, const struct attest *what,
		 const struct sign_key *key, struct err *e)
{
	for (size_t i = 0; i < o->attests.n; i++) {
		const char *file, *text;
		const struct format *f = find(o->attests.items[i], &file, e);
		struct buf statement;
		int rc;

		if (f == NULL)
			return -1;
		buf_init(&statement, BUF_UNBOUNDED); /* a decision is bounded */
		f->render(&statement, what);
		rc = dsse_sign(app->arena, f->form, DSSE_IN_TOTO, statement.data, statement.len,
			       key, &text, e);
		buf_release(&statement);
		if (rc != 0 || file_write_atomic(file_absolute(app->arena, app->cwd, file), text,
						 strlen(text), e) != 0)
			return err_context(e, "attest \"%s\"", o->attests.items[i]);
	}
	return 0;
}
