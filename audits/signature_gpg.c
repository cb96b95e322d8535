/*
 * signature_gpg: OpenPGP through gpgv(1), the verifier that has no opinions of its own.
 *
 * Only the keyring of the check is read: gpgv is given a home directory that does not exist and no
 * environment to find another in. What it says on its status channel is read strictly: every
 * signature in the file must be GOODSIG with a VALIDSIG, and anything else it says about one is an
 * answer of its own. Its sentences for people become evidence and decide nothing.
 *
 * When a key expires is known to gpg(1) alone, which is therefore asked when, and only when, that
 * is expected of the check; its home is a scratch directory.
 */
#include <stdlib.h>
#include <string.h>

#include "audits/signature.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/io/proc.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

#define MAX_OUTPUT  (1024 * 1024)
#define MAX_FIELDS  16
#define ARMOUR	    "-----BEGIN PGP PUBLIC KEY BLOCK-----"
#define NO_HOME	    "/nonexistent"
#define STATUS_MARK "[GNUPG:] "

static int run_tool(struct signature_job *job, const char *const *argv, struct proc_result *out,
		    struct err *e)
{
	static const char *const env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8",
					  "HOME=" NO_HOME, NULL};
	struct proc_request request = {
		.argv = argv,
		.env = env,
		.cwd = "/",
		.deadline_ms = job->probe->deadline_ms,
		.limit_ms = job->probe->checks[0]->timeout_ms,
		.max_output_bytes = MAX_OUTPUT,
	};

	if (proc_run(job->probe->arena, job->probe->world->clock, &request, out, e) < 0)
		return err_help(e, "install %s (Debian: gpgv, gnupg)", argv[0]);
	if (out->signal != 0)
		return err_set(e, ERR_MEASURE, "%s was killed by signal %d", argv[0], out->signal);
	return 0;
}

/* Fields of a line, split at c; what is more than MAX_FIELDS stays in the last. */
static size_t split(struct arena *a, const char *line, size_t n, char c,
		    const char *fields[static MAX_FIELDS])
{
	char *copy = arena_strndup(a, line, n);
	size_t n_fields = 0;

	while (n_fields < MAX_FIELDS) {
		char *next = strchr(copy, c);

		fields[n_fields++] = copy;
		if (!next || n_fields == MAX_FIELDS)
			break;
		*next = '\0';
		copy = next + 1;
	}
	return n_fields;
}

/* What one status line says against the signature; NULL = nothing. */
static const char *objection(struct arena *a, const char *const *f, size_t n)
{
	const char *key = n > 1 ? str_escaped(a, f[1]) : "";

	if (strcmp(f[0], "BADSIG") == 0)
		return "it does not fit the file: either was changed, or it is of another file";
	if (strcmp(f[0], "EXPKEYSIG") == 0)
		return arena_printf(a, "the key %s has expired", key);
	if (strcmp(f[0], "REVKEYSIG") == 0)
		return arena_printf(a, "the key %s is revoked", key);
	if (strcmp(f[0], "EXPSIG") == 0)
		return "the signature has expired";
	if (strcmp(f[0], "NODATA") == 0 || strcmp(f[0], "UNEXPECTED") == 0)
		return "it is no OpenPGP signature";
	if (strcmp(f[0], "NO_PUBKEY") == 0)
		return arena_printf(a, "it was made with key %s, which is not in the keyring", key);
	/* ERRSIG keyid pkalgo hashalgo class time rc: 9 is a missing key, which has its own line.
	 */
	if (strcmp(f[0], "ERRSIG") == 0 && n > 6 && strcmp(f[6], "9") != 0)
		return strcmp(f[3], "1") == 0 || strcmp(f[3], "2") == 0 || strcmp(f[3], "3") == 0
			       ? "it is made with a broken digest (MD5, SHA-1 or RIPEMD-160)"
			       : "it cannot be checked: its algorithm is not supported";
	return NULL;
}

static bool is_wanted_key(const struct gpg_spec *spec, const char *fingerprint)
{
	for (size_t i = 0; i < spec->fingerprints.n; i++) {
		const char *wanted = spec->fingerprints.items[i];
		size_t k = 0;

		while (wanted[k] && (wanted[k] & ~0x20) == (fingerprint[k] & ~0x20))
			k++;
		if (!wanted[k] && !fingerprint[k])
			return true;
	}
	return spec->fingerprints.n == 0;
}

struct reading {
	struct signature_job *job;
	struct signature_answer *out;
	size_t n_new, n_good, n_valid;
	const char *primary; /* of the last valid signature */
	const char *against; /* the first objection */
};

/* VALIDSIG fpr date time expires version reserved pkalgo hashalgo class primary */
static void read_valid(struct reading *r, const char *const *f, size_t n)
{
	struct arena *a = r->job->probe->arena;
	int64_t made_s;

	r->n_valid++;
	r->primary = n > 10 ? f[10] : f[1];
	r->out->signer = str_escaped(a, f[1]);
	if (n > 3 && num_parse_int(f[3], strlen(f[3]), &made_s) == 0 && made_s > 0 &&
	    made_s < INT64_MAX / 1000)
		r->out->made_ms = made_s * 1000;
	if (!is_wanted_key(&r->job->spec->gpg, f[1]) &&
	    !is_wanted_key(&r->job->spec->gpg, r->primary) && !r->against)
		r->against = arena_printf(a,
					  "it was made with key %s, which is not one of "
					  "`fingerprints`",
					  r->out->signer);
	if (n > 9 && strcmp(f[9], "00") != 0 && strcmp(f[9], "01") != 0 && !r->against)
		r->against = "it is no signature of a file";
}

static void read_status(struct reading *r, const char *text, size_t n)
{
	const char *at = text, *end = text + n, *line;
	const char *f[MAX_FIELDS];
	const size_t n_mark = sizeof(STATUS_MARK) - 1;
	size_t len;

	while (signature_line(&at, end, &line, &len)) {
		struct arena *a = r->job->probe->arena;

		if (len < n_mark || memcmp(line, STATUS_MARK, n_mark) != 0)
			continue;

		size_t n_fields = split(a, line + n_mark, len - n_mark, ' ', f);
		const char *against = objection(a, f, n_fields);
		r->against = r->against ? r->against : against;
		r->n_new += strcmp(f[0], "NEWSIG") == 0;
		r->n_good += strcmp(f[0], "GOODSIG") == 0;
		if (strcmp(f[0], "VALIDSIG") == 0 && n_fields > 1)
			read_valid(r, f, n_fields);
	}
}

/* A keyring that gpgv can read; it takes an armoured one for an empty one. */
static int check_keyring(struct signature_job *job, struct err *e)
{
	const char *path = job->spec->gpg.keyring;
	struct buf text;

	buf_init(&text, 64 * SIGNATURE_MAX_BYTES);
	int rc = file_read(path, &text, e);
	if (rc == 0 && str_starts(text.data, ARMOUR)) {
		rc = err_set(e, ERR_MEASURE, "keyring \"%s\" is armoured, which gpgv cannot read",
			     path);
		(void)err_help(e, "gpg --dearmor <%s >keyring.gpg", path);
	} else if (rc == 0 && text.len == 0) {
		rc = err_set(e, ERR_MEASURE, "keyring \"%s\" is empty", path);
	}
	buf_release(&text);
	return rc;
}

/* When the key or its primary key expires, whichever is first, out of gpg's listing. */
static void read_listing(struct signature_job *job, const char *text, size_t n, const char *key,
			 const char *primary, struct signature_answer *out)
{
	const char *at = text, *end = text + n, *line;
	int64_t expires_s = 0, s;
	bool has_key = false;
	const char *f[MAX_FIELDS];
	size_t len;

	while (signature_line(&at, end, &line, &len)) {
		size_t n_fields = split(job->probe->arena, line, len, ':', f);

		if (strcmp(f[0], "pub") == 0 || strcmp(f[0], "sub") == 0) {
			expires_s = 0;
			if (n_fields > 6 && num_parse_int(f[6], strlen(f[6]), &s) == 0)
				expires_s = s;
		}
		if (strcmp(f[0], "fpr") != 0 || n_fields < 10 ||
		    (strcmp(f[9], key) != 0 && strcmp(f[9], primary) != 0))
			continue;
		has_key = true;
		if (expires_s > 0 && expires_s < INT64_MAX / 1000 &&
		    (out->expires_ms == 0 || expires_s * 1000 < out->expires_ms))
			out->expires_ms = expires_s * 1000;
	}
	out->no_expiry = has_key ? "the key does not expire" : "gpg does not list the key";
}

static int ask_expiry(struct signature_job *job, const char *primary, struct signature_answer *out,
		      struct err *e)
{
	const char *parent = getenv("TMPDIR"), *home;
	struct proc_result result;
	int rc;

	if (scratch_create(job->probe->arena, parent && parent[0] == '/' ? parent : "/tmp", &home,
			   e) < 0)
		return -1;

	const char *const argv[] = {"gpg",
				    "--homedir",
				    home,
				    "--batch",
				    "--no-options",
				    "--no-autostart",
				    "--with-colons",
				    "--show-keys",
				    "--",
				    job->spec->gpg.keyring,
				    NULL};
	rc = run_tool(job, argv, &result, e);
	if (rc == 0)
		read_listing(job, result.out, result.out_len, out->signer, primary, out);
	if (scratch_remove(home, rc == 0 ? e : NULL) < 0)
		return -1;
	return rc;
}

/* The tool's sentences, a line each; NULL = it said nothing. */
static const char *said(struct arena *a, const char *text, size_t n)
{
	const char *at = text, *line;
	struct buf b;
	size_t len;

	buf_init(&b, BUF_UNBOUNDED); /* no longer than a few times the output, which is bounded */
	while (signature_line(&at, text + n, &line, &len)) {
		(void)buf_puts(&b, b.len > 0 ? "\n" : "");
		str_escape(&b, line, len);
	}

	const char *copy = b.len > 0 ? arena_strndup(a, b.data, b.len) : NULL;
	buf_release(&b);
	return copy;
}

int signature_gpg(struct signature_job *job, struct signature_answer *out, struct err *e)
{
	const char *const argv[] = {"gpgv",
				    "--homedir",
				    NO_HOME,
				    "--weak-digest",
				    "SHA1",
				    "--keyring",
				    job->spec->gpg.keyring,
				    "--status-fd",
				    "1",
				    "--",
				    job->signature,
				    job->spec->file,
				    NULL};
	struct reading r = {.job = job, .out = out};
	struct proc_result result;

	out->no_expiry = "the key does not expire";
	if (check_keyring(job, e) < 0 || run_tool(job, argv, &result, e) < 0)
		return -1;
	out->evidence = said(job->probe->arena, result.err, result.err_len);
	read_status(&r, result.out, result.out_len);
	if (r.against)
		return signature_no(job, out, "%s", r.against);
	/* It saw no signature at all, or one it has no words for. */
	if (r.n_new == 0 || r.n_good != r.n_new || r.n_valid != r.n_new || result.exit_status != 0)
		return err_set(e, ERR_MEASURE,
			       "gpgv does not say whether it is good (exit status %d)",
			       result.exit_status);
	out->is_valid = true;
	return job->wants_expiry ? ask_expiry(job, r.primary, out, e) : 0;
}
