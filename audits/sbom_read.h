/*
 * sbom_read: what a bill of materials says of itself: CycloneDX JSON 1.4 to 1.6, SPDX JSON 2.2, 2.3
 * and 3.0.
 *
 * Any other format or version is an error: its fields could mean something else. So is a list of
 * components that is none, or that holds one without a name. Only what is
 * counted is read; the document is not validated against its schema. Texts live in the arena.
 */
#ifndef ASSIZE_AUDITS_SBOM_READ_H
#define ASSIZE_AUDITS_SBOM_READ_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct json_doc;

struct sbom_facts {
	const char *format, *spec; /* "CycloneDX" or "SPDX", "1.5" */
	const char *created;	   /* as written; "" = not said, as for the texts below */
	const char *subject, *subject_version;
	const char *subject_sha256; /* NULL = it gives two that differ */
	int64_t n_subjects;	    /* one is wanted; the texts above are those of the first */
	int64_t n_components;	    /* the subject apart */
	int64_t n_unversioned;
	int64_t n_unlicensed; /* -1 = it cannot be said (SPDX 3 keeps licences elsewhere) */
	const char *first_unversioned, *first_unlicensed; /* names, for evidence */
};

int sbom_read(struct arena *a, const struct json_doc *doc, struct sbom_facts *out, struct err *e);

#endif
