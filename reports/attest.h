/*
 * attest: a gate's decision as in-toto statements, for whoever decides further on without our
 * record: a registry, an admission controller, an auditor.
 *
 * Two predicates say the same in two ways. A test result (0.1) names every requirement as passed,
 * warned or failed. A verification summary (SLSA VSA 1) says only whether the policy was met. What
 * is undecided or skipped has failed in both, what is waived or advice has a warning: no reader can
 * take for a pass what was none.
 *
 * A statement is about a digest, so the subject has to be one: a commit id of 40 digits, or SHA-256
 * as 64 digits or "sha256:" with them; "NAME@" before it gives the artifact's name, best a URI as
 * package registries have it (pkg:oci/shop). Texts are unsigned; runner/io/dsse.h signs them.
 *
 * Sources: in-toto/attestation spec v1, predicates test-result.md and vsa.md; slsa.dev
 * verification_summary/v1.
 */
#ifndef ASSIZE_REPORTS_ATTEST_H
#define ASSIZE_REPORTS_ATTEST_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;
struct decision;
struct err;

struct attest {
	const struct decision *decision;
	const char *definition_file;
	const char *commit; /* that the definition was read from; NULL = the file system */
	const char *host, *version;
	const char *job_url; /* "" = none */
};

/* ERR_USAGE when the subject is no digest. */
int attest_check_subject(const char *subject, struct err *e);

/* "sha256:DIGITS" or "gitCommit:DIGITS"; NULL = it is none. */
const char *attest_digest(struct arena *a, const char *subject);

/* One JSON document without a newline; the subject was checked. */
void attest_test_result(struct buf *out, const struct attest *x);
void attest_vsa(struct buf *out, const struct attest *x);

/* What either says of the gate. */
struct attested {
	const char *gate, *digest; /* digest: as attest_digest() */
	const char *policy;	   /* SHA-256 in hexadecimal digits */
	const char *at;		   /* when it was verified; NULL = it does not say */
	bool is_open;
};
/* ERR_MEASURE: it is not a statement of these two kinds, of a gate. */
int attest_read(struct arena *a, const char *text, size_t n, struct attested *out, struct err *e);

#endif
