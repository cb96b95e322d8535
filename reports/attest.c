#include "reports/attest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/io/digest.h"
#include "runner/io/json.h"
#include "runner/model/result.h"

#define STATEMENT   "https://in-toto.io/Statement/v1"
#define TEST_RESULT "https://in-toto.io/attestation/test-result/v0.1"
#define VSA	    "https://slsa.dev/verification_summary/v1"

#define COMMIT_DIGITS 40
#define SHA256_DIGITS 64

/* ---- what it is about ---- */

struct subject {
	const char *name;
	size_t n_name;
	const char *algorithm, *digits;
};

static bool is_hex(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

/* False: it is no digest. */
static bool read_subject(const char *text, struct subject *out)
{
	const char *at = strrchr(text, '@');
	const char *digest = at ? at + 1 : text;

	*out = (struct subject){.name = text, .n_name = at ? (size_t)(at - text) : strlen(text)};
	out->digits = str_starts(digest, "sha256:") ? digest + 7 : digest;
	out->algorithm = is_hex(out->digits, SHA256_DIGITS) ? "sha256" : "gitCommit";
	return out->n_name > 0 && (is_hex(out->digits, SHA256_DIGITS) ||
				   (out->digits == digest && is_hex(digest, COMMIT_DIGITS)));
}

int attest_check_subject(const char *subject, struct err *e)
{
	struct subject s;

	if (read_subject(subject, &s))
		return 0;
	(void)err_set(e, ERR_USAGE, "cannot attest to \"%s\": it is no digest", subject);
	return err_help(e, "what is signed has to be about something that cannot change: "
			   "--subject \"$(git rev-parse HEAD)\", or NAME@sha256:DIGEST");
}

const char *attest_digest(struct arena *a, const char *subject)
{
	struct subject s;

	return read_subject(subject, &s) ? arena_printf(a, "%s:%s", s.algorithm, s.digits) : NULL;
}

/* ---- parts of both ---- */

static void put_hex(struct json_writer *w, const char *key, const unsigned char *digest)
{
	char hex[SHA256_HEX];

	sha256_hex(digest, hex);
	json_put_text(w, key, hex);
}

/* urn:assize:KIND:TEXT, percent-encoded (RFC 8141). */
static const char *urn(struct arena *a, const char *kind, const char *text, size_t n)
{
	struct buf b;
	const char *out;

	buf_init(&b, BUF_UNBOUNDED); /* a name is bounded */
	(void)buf_printf(&b, "urn:assize:%s:", kind);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c && strchr("-._~", c)))
			(void)buf_putc(&b, (char)c);
		else
			(void)buf_printf(&b, "%%%02X", (unsigned)c);
	}
	out = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return out;
}

static void open_statement(struct json_writer *w, const struct attest *x, const char *predicate)
{
	struct subject s;

	(void)read_subject(x->decision->subject, &s); /* was checked */
	json_open(w, NULL, '{');
	json_put_text(w, "_type", STATEMENT);
	json_open(w, "subject", '[');
	json_open(w, NULL, '{');
	json_put_text_n(w, "name", s.name, s.n_name);
	json_open(w, "digest", '{');
	json_put_text(w, s.algorithm, s.digits);
	json_close(w, '}');
	json_close(w, '}');
	json_close(w, ']');
	json_put_text(w, "predicateType", predicate);
	json_open(w, "predicate", '{');
}

static void close_statement(struct json_writer *w)
{
	json_close(w, '}');
	json_close(w, '}');
}

/* The policy as a resource: the digest is assize's own, over definitions and the files they name.
 */
static void put_policy(struct json_writer *w, const char *key, const struct attest *x)
{
	json_open(w, key, '{');
	json_put_text(w, "name", x->definition_file);
	json_open(w, "digest", '{');
	put_hex(w, "sha256", x->decision->definition_digest);
	json_close(w, '}');
	json_open(w, "annotations", '{');
	json_put_text(w, "gate", x->decision->gate);
	json_put_int(w, "decision", x->decision->id);
	if (x->commit)
		json_put_text(w, "gitCommit", x->commit);
	json_close(w, '}');
	json_close(w, '}');
}

/* ---- test result ---- */

enum list { PASSED, WARNED, FAILED };

static enum list list_of(const struct decision_line *l)
{
	if (decision_line_shuts(l))
		return FAILED;
	return l->outcome == OUTCOME_PASS ? PASSED : WARNED;
}

/* Lines about the gate itself are tests of it; the one that tells the policy is none. */
static bool is_test(const struct decision_line *l)
{
	return l->check[0] != '\0' || l->outcome != OUTCOME_PASS;
}

static void put_list(struct json_writer *w, const char *key, const struct decision *d,
		     enum list which)
{
	struct buf name;

	buf_init(&name, BUF_UNBOUNDED); /* names are bounded */
	json_open(w, key, '[');
	for (size_t i = 0; i < d->n_lines; i++) {
		const struct decision_line *l = &d->lines[i];

		if (!is_test(l) || list_of(l) != which)
			continue;
		buf_reset(&name);
		if (l->check[0] == '\0') /* fails never in appending to an unbounded buffer */
			(void)buf_printf(&name, "gate/%s", d->gate);
		else
			(void)buf_puts(&name, l->check);
		if (l->series && l->series[0])
			(void)buf_printf(&name, "%s%s", l->series[0] == '{' ? "" : ":", l->series);
		json_put_text_n(w, NULL, name.data, name.len);
	}
	json_close(w, ']');
	buf_release(&name);
}

/* What was overridden has not passed, and no statement says so. */
static bool is_passed(const struct decision *d)
{
	return d->is_open && !decision_is_overridden(d);
}

void attest_test_result(struct buf *out, const struct attest *x)
{
	const struct decision *d = x->decision;
	struct json_writer w;

	json_writer_init(&w, out, false);
	open_statement(&w, x, TEST_RESULT);
	json_put_text(&w, "result",
		      !is_passed(d)		   ? "FAILED"
		      : d->outcome == OUTCOME_PASS ? "PASSED"
						   : "WARNED");
	json_open(&w, "configuration", '[');
	put_policy(&w, NULL, x);
	json_close(&w, ']');
	if (x->job_url[0] != '\0')
		json_put_text(&w, "url", x->job_url);
	put_list(&w, "passedTests", d, PASSED);
	put_list(&w, "warnedTests", d, WARNED);
	put_list(&w, "failedTests", d, FAILED);
	close_statement(&w);
}

/* ---- verification summary ---- */

void attest_vsa(struct buf *out, const struct attest *x)
{
	const struct decision *d = x->decision;
	struct arena *a = arena_new();
	struct json_writer w;
	struct subject s;
	char at[UTC_MAX];

	(void)read_subject(d->subject, &s); /* was checked */
	(void)utc_format(d->at_ms, 1, at);  /* a time of ours */
	json_writer_init(&w, out, false);
	open_statement(&w, x, VSA);
	json_open(&w, "verifier", '{');
	json_put_text(&w, "id", urn(a, "host", x->host, strlen(x->host)));
	json_open(&w, "version", '{');
	json_put_text(&w, "assize", x->version);
	json_close(&w, '}');
	json_close(&w, '}');
	json_put_text(&w, "timeVerified", at);
	/* A name with a scheme is a URI already. */
	json_put_text(&w, "resourceUri",
		      s.n_name < strlen(d->subject) && memchr(s.name, ':', s.n_name)
			      ? arena_strndup(a, s.name, s.n_name)
			      : urn(a, "subject", s.name, s.n_name));
	put_policy(&w, "policy", x);
	json_put_text(&w, "verificationResult", is_passed(d) ? "PASSED" : "FAILED");
	/* Properties beside SLSA's own levels are allowed; none of theirs was looked at. */
	json_open(&w, "verifiedLevels", '[');
	json_put_text(&w, NULL,
		      is_passed(d) ? arena_printf(a, "ASSIZE_GATE_%s", d->gate) : "FAILED");
	json_close(&w, ']');
	json_put_text(&w, "slsaVersion", "1.0");
	close_statement(&w);
	arena_free(a);
}

/* ---- reading ---- */

static const char *text_at(struct arena *a, const struct json_doc *d, const char *pointer)
{
	struct json_value v;

	if (json_pointer(d, pointer, &v, NULL) != 0 || v.type != JSON_IS_TEXT)
		return NULL;
	return arena_strdup(a, v.text);
}

/* Of the one subject; NULL = it does not have one digest of those we write. */
static const char *digest_at(struct arena *a, const struct json_doc *d)
{
	static const char *const algorithms[] = {"sha256", "gitCommit"};
	struct json_value subjects, digests;

	if (json_pointer(d, "/subject", &subjects, NULL) != 0 || subjects.n != 1 ||
	    json_pointer(d, "/subject/0/digest", &digests, NULL) != 0 || digests.n != 1)
		return NULL;
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++) {
		const char *digits =
			text_at(a, d, arena_printf(a, "/subject/0/digest/%s", algorithms[i]));

		if (digits)
			return arena_printf(a, "%s:%s", algorithms[i], digits);
	}
	return NULL;
}

/* Only what says so in words is a pass. */
static bool is_pass(const char *result)
{
	return str_equal(result, "PASSED") || str_equal(result, "WARNED");
}

static bool read_statement(struct arena *a, const struct json_doc *d, struct attested *out)
{
	const char *type = text_at(a, d, "/predicateType"), *result;
	bool is_vsa = str_equal(type, VSA);

	if (!str_equal(text_at(a, d, "/_type"), STATEMENT) ||
	    !(is_vsa || str_equal(type, TEST_RESULT)))
		return false;
	out->digest = digest_at(a, d);
	out->gate = text_at(a, d,
			    is_vsa ? "/predicate/policy/annotations/gate"
				   : "/predicate/configuration/0/annotations/gate");
	out->policy = text_at(a, d,
			      is_vsa ? "/predicate/policy/digest/sha256"
				     : "/predicate/configuration/0/digest/sha256");
	out->at = text_at(a, d, "/predicate/timeVerified");
	result = text_at(a, d, is_vsa ? "/predicate/verificationResult" : "/predicate/result");
	out->is_open = is_vsa ? str_equal(result, "PASSED") : is_pass(result);
	return out->digest && out->gate && out->policy && result;
}

int attest_read(struct arena *a, const char *text, size_t n, struct attested *out, struct err *e)
{
	struct attested said = {0};
	struct json_doc *d;
	bool is_one;

	if (json_parse(text, n, &d, e) != 0)
		return -1;
	is_one = read_statement(a, d, &said);
	json_free(d);
	if (!is_one)
		return err_set(e, ERR_MEASURE, "it is signed, but says nothing of a gate");
	*out = said;
	return 0;
}
