/*
 * signature_gpg: OpenPGP through gpgv(1), the verifier that has no opinions of its own.
 *
 * Only the keyring that is named is read: gpgv is given a home directory that does not exist and no
 * environment to find another in. What it says on its status channel is read strictly: every
 * signature in the file must be GOODSIG with a VALIDSIG, and anything else it says about one is an
 * answer of its own. Its sentences for people become evidence and decide nothing.
 *
 * When a key expires is known to gpg(1) alone, which is therefore asked when, and only when, that
 * is wanted, or when a key has ended by now and the question is whether it had ended then; its home
 * is a scratch directory. What is in memory is written to another for gpgv to read.
 */
#include "runner/io/signature.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/io/proc.h"

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
		.deadline_ms = job->deadline_ms,
		.limit_ms = job->limit_ms,
		.max_output_bytes = MAX_OUTPUT,
	};

	if (proc_run(job->arena, job->clock, &request, out, e) < 0)
		return out->is_late ? -1 : err_help(e, "install %s (Debian: gpgv, gnupg)", argv[0]);
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

struct objection {
	enum signature_fault fault;
	const char *text; /* NULL = none */
};

/* Of a signature that gpgv could not look at: ERRSIG keyid pkalgo hashalgo class time rc [fpr] */
static struct objection unchecked(const char *const *f)
{
	if (strcmp(f[3], "1") == 0 || strcmp(f[3], "2") == 0 || strcmp(f[3], "3") == 0)
		return (struct objection){
			SIGNATURE_BAD,
			"it is made with a broken digest (MD5, SHA-1 or RIPEMD-160)"};
	return (struct objection){SIGNATURE_MALFORMED,
				  "it cannot be checked: its algorithm is not supported"};
}

/* What one status line says against the signature. */
static struct objection objection(struct signature_job *job, const char *const *f, size_t n)
{
	struct arena *a = job->arena;
	const char *key = n > 1 ? str_escaped(a, f[1]) : "";

	if (strcmp(f[0], "BADSIG") == 0)
		return (struct objection){
			SIGNATURE_BAD,
			arena_printf(a,
				     "it does not fit the %s: either was changed, or it is of "
				     "another %s",
				     job->file ? "file" : "text", job->file ? "file" : "text")};
	if (strcmp(f[0], "EXPKEYSIG") == 0)
		return (struct objection){SIGNATURE_EXPIRED,
					  arena_printf(a, "the key %s has expired", key)};
	if (strcmp(f[0], "REVKEYSIG") == 0)
		return (struct objection){SIGNATURE_REVOKED,
					  arena_printf(a, "the key %s is revoked", key)};
	if (strcmp(f[0], "EXPSIG") == 0)
		return (struct objection){SIGNATURE_EXPIRED, "the signature has expired"};
	if (strcmp(f[0], "NODATA") == 0 || strcmp(f[0], "UNEXPECTED") == 0)
		return (struct objection){SIGNATURE_MALFORMED, "it is no OpenPGP signature"};
	if (strcmp(f[0], "NO_PUBKEY") == 0)
		return (struct objection){
			SIGNATURE_UNKNOWN_KEY,
			arena_printf(a, "it was made with key %s, which is not in the keyring",
				     key)};
	/* 9 is a missing key, which has its own line. */
	if (strcmp(f[0], "ERRSIG") == 0 && n > 6 && strcmp(f[6], "9") != 0)
		return unchecked(f);
	return (struct objection){.text = NULL};
}

static bool is_wanted_key(const struct gpg_keys *keys, const char *fingerprint)
{
	for (size_t i = 0; i < keys->fingerprints.n; i++) {
		const char *wanted = keys->fingerprints.items[i];
		size_t k = 0;

		while (wanted[k] && (wanted[k] & ~0x20) == (fingerprint[k] & ~0x20))
			k++;
		if (!wanted[k] && !fingerprint[k])
			return true;
	}
	return keys->fingerprints.n == 0;
}

struct reading {
	struct signature_job *job;
	const struct gpg_keys *keys;
	struct signature_answer *out;
	size_t n_new, n_good, n_valid;
	const char *primary;	  /* of the last valid signature */
	int64_t ends_ms;	  /* that signature itself; 0 = never */
	struct objection against; /* the first */
};

static void object(struct reading *r, struct objection o)
{
	if (!r->against.text)
		r->against = o;
}

/* VALIDSIG fpr date time expires version reserved pkalgo hashalgo class primary */
static void read_valid(struct reading *r, const char *const *f, size_t n)
{
	struct arena *a = r->job->arena;
	int64_t made_s, ends_s;

	r->n_valid++;
	r->primary = n > 10 ? f[10] : f[1];
	r->out->signer = r->out->key = str_escaped(a, f[1]);
	if (n > 3 && num_parse_int(f[3], strlen(f[3]), &made_s) == 0 && made_s > 0 &&
	    made_s < INT64_MAX / 1000)
		r->out->made_ms = made_s * 1000;
	if (n > 4 && num_parse_int(f[4], strlen(f[4]), &ends_s) == 0 && ends_s > 0 &&
	    ends_s < INT64_MAX / 1000)
		r->ends_ms = ends_s * 1000;
	if (!is_wanted_key(r->keys, f[1]) && !is_wanted_key(r->keys, r->primary))
		object(r, (struct objection){SIGNATURE_UNKNOWN_KEY,
					     arena_printf(a,
							  "it was made with key %s, which is not "
							  "one of `fingerprints`",
							  r->out->signer)});
	if (n > 9 && strcmp(f[9], "00") != 0 && strcmp(f[9], "01") != 0)
		object(r, (struct objection){SIGNATURE_MALFORMED, "it is no signature of a file"});
}

static void read_status(struct reading *r, const char *text, size_t n)
{
	const char *at = text, *end = text + n, *line;
	const char *f[MAX_FIELDS];
	const size_t n_mark = sizeof(STATUS_MARK) - 1;
	size_t len;

	while (signature_line(&at, end, &line, &len)) {
		struct arena *a = r->job->arena;

		if (len < n_mark || memcmp(line, STATUS_MARK, n_mark) != 0)
			continue;

		size_t n_fields = split(a, line + n_mark, len - n_mark, ' ', f);
		object(r, objection(r->job, f, n_fields));
		r->n_new += strcmp(f[0], "NEWSIG") == 0;
		r->n_good += strcmp(f[0], "GOODSIG") == 0;
		if (strcmp(f[0], "NO_PUBKEY") == 0 && n_fields > 1)
			r->out->key = str_escaped(a, f[1]);
		if (strcmp(f[0], "VALIDSIG") == 0 && n_fields > 1)
			read_valid(r, f, n_fields);
	}
}

/* Reads a keyring that gpgv can read; it takes an armoured one for an empty one. */
static int read_keyring(const char *path, struct buf *text, struct err *e)
{
	if (file_read(path, text, e) < 0)
		return -1;
	if (text->len == 0)
		return err_set(e, ERR_MEASURE, "keyring \"%s\" is empty", path);
	if (!str_starts(text->data, ARMOUR))
		return 0;
	(void)err_set(e, ERR_MEASURE, "keyring \"%s\" is armoured, which gpgv cannot read", path);
	return err_help(e, "gpg --dearmor <%s >keyring.gpg", path);
}

/* gpgv waits for a pipe, and takes a directory for another file than the one that was signed. */
static int check_file(const char *path, struct err *e)
{
	struct stat st;
	int fd = file_open(path, &st, e);

	if (fd < 0)
		return -1;
	(void)close(fd); /* nothing was read */
	return 0;
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
		size_t n_fields = split(job->arena, line, len, ':', f);

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

static int ask_expiry(struct reading *r, struct err *e)
{
	struct signature_job *job = r->job;
	struct proc_result result;
	const char *home;
	int rc;

	if (scratch_create(job->arena, job->scratch, &home, e) < 0)
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
				    r->keys->keyring,
				    NULL};
	rc = run_tool(job, argv, &result, e);
	if (rc == 0)
		read_listing(job, result.out, result.out_len, r->out->signer, r->primary, r->out);
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

static int run_gpgv(struct signature_job *job, const struct gpg_keys *keys, const char *signature,
		    const char *file, struct proc_result *result, struct err *e)
{
	const char *const argv[] = {"gpgv", "--homedir", NO_HOME,	"--weak-digest",
				    "SHA1", "--keyring", keys->keyring, "--status-fd",
				    "1",    "--",	 signature,	file,
				    NULL};

	return run_tool(job, argv, result, e);
}

/* gpgv reads files only: what is in memory is written for it, and removed. */
static int run_on_memory(struct signature_job *job, const struct gpg_keys *keys,
			 struct proc_result *result, struct err *e)
{
	const char *dir, *signature, *message;
	int rc;

	if (scratch_create(job->arena, job->scratch, &dir, e) < 0)
		return -1;
	signature = arena_printf(job->arena, "%s/signature", dir);
	message = arena_printf(job->arena, "%s/message", dir);
	rc = file_write_atomic(signature, job->text, job->n, e);
	if (rc == 0)
		rc = file_write_atomic(message, job->message.p, job->message.n, e);
	if (rc == 0)
		rc = run_gpgv(job, keys, signature, message, result, e);
	if (scratch_remove(dir, rc == 0 ? e : NULL) < 0)
		return -1;
	return rc;
}

/* A key or signature that has ended by now: did it count then? Else the objection stands. */
static int look_back(struct reading *r, bool *counts, struct err *e)
{
	int64_t ends_ms = r->ends_ms;

	*counts = false;
	if (!r->job->is_past || r->against.fault != SIGNATURE_EXPIRED || r->n_valid != 1 ||
	    r->n_new != 1)
		return 0;
	if (ask_expiry(r, e) < 0)
		return -1;
	if (ends_ms == 0 || (r->out->expires_ms != 0 && r->out->expires_ms < ends_ms))
		ends_ms = r->out->expires_ms;
	*counts = ends_ms != 0 && r->job->at_ms <= ends_ms;
	return 0;
}

static int not_told(const struct proc_result *result, const char *said, struct err *e)
{
	const char *last = said ? strrchr(said, '\n') : NULL;

	(void)err_set(e, ERR_MEASURE, "gpgv does not say whether it is good (exit status %d)",
		      result->exit_status);
	return said ? err_help(e, "it said: %s", last ? last + 1 : said) : -1;
}

static int judge(struct signature_job *job, const struct gpg_keys *keys,
		 struct signature_answer *out, struct err *e)
{
	struct reading r = {.job = job, .keys = keys, .out = out};
	struct proc_result result;
	bool counted_then;

	if ((job->file ? run_gpgv(job, keys, job->signature, job->file, &result, e)
		       : run_on_memory(job, keys, &result, e)) < 0)
		return -1;
	out->evidence = said(job->arena, result.err, result.err_len);
	read_status(&r, result.out, result.out_len);
	if (r.against.text) {
		if (look_back(&r, &counted_then, e) < 0)
			return -1;
		if (!counted_then)
			return signature_no(job, out, r.against.fault, "%s", r.against.text);
		out->is_valid = true;
		return 0;
	}
	/* It saw no signature at all, or one it has no words for. */
	if (r.n_new == 0 || r.n_good != r.n_new || r.n_valid != r.n_new || result.exit_status != 0)
		return not_told(&result, out->evidence, e);
	out->is_valid = true;
	return job->wants_expiry ? ask_expiry(&r, e) : 0;
}

/* A keyring in memory (of a commit) is written for the tools, and removed. */
static int judge_by_held(struct signature_job *job, const struct gpg_keys *keys,
			 const struct buf *keyring, struct signature_answer *out, struct err *e)
{
	struct gpg_keys written = *keys;
	const char *dir;

	if (scratch_create(job->arena, job->scratch, &dir, e) < 0)
		return -1;
	written.keyring = arena_printf(job->arena, "%s/keyring", dir);
	int rc = file_write_atomic(written.keyring, keyring->data, keyring->len, e);
	if (rc == 0)
		rc = judge(job, &written, out, e);
	if (scratch_remove(dir, rc == 0 ? e : NULL) < 0)
		return -1;
	return rc;
}

int signature_gpg(struct signature_job *job, const struct gpg_keys *keys,
		  struct signature_answer *out, struct err *e)
{
	struct buf keyring;

	out->no_expiry = "the key does not expire";
	buf_init(&keyring, 64 * SIGNATURE_MAX_BYTES);
	int rc = read_keyring(keys->keyring, &keyring, e);
	if (rc == 0 && job->file)
		rc = check_file(job->file, e);
	if (rc == 0)
		rc = file_is_held_name(keys->keyring) ? judge_by_held(job, keys, &keyring, out, e)
						      : judge(job, keys, out, e);
	buf_release(&keyring);
	return rc;
}
