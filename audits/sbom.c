/*
 * sbom: a bill of materials that is there, current, complete, and about this artifact.
 *
 * sbom_read.c reads. A document that says nothing about something is no measurement of it.
 */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "audits/kind_rows.h"
#include "audits/sbom_read.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/io/clock.h"
#include "runner/io/digest.h"
#include "runner/io/file.h"
#include "runner/io/json.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

struct sbom_spec {
	const char *path, *artifact;
	int64_t max_size;
};

static const struct key_row sbom_keys[] = {
	{.name = "path",
	 .type = KEY_PATH,
	 .flags = KEY_REQUIRED | KEY_WORLD,
	 .offset = offsetof(struct sbom_spec, path),
	 .help = "the bill of materials, relative to the definition: CycloneDX JSON 1.4 to 1.6, "
		 "SPDX "
		 "JSON 2.2, 2.3 or 3.0",
	 .example = "dist/shop.cdx.json"},
	{.name = "artifact",
	 .type = KEY_PATH,
	 .flags = KEY_WORLD,
	 .offset = offsetof(struct sbom_spec, artifact),
	 .help = "the file it must be about, by the SHA-256 of its subject",
	 .example = "dist/shop.tar.gz"},
	{.name = "max_size",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct sbom_spec, max_size),
	 .min = 1,
	 .max = 1024 * 1024 * 1024,
	 .def = "64MiB",
	 .help = "a larger document is not read"},
	KEY_END,
};

static const struct value_row sbom_values[] = {
	{.name = "components",
	 .type = VALUE_INT,
	 .unit = "",
	 .implied = ">= 1",
	 .help = "how many it lists, the subject apart"},
	{.name = "is_about",
	 .type = VALUE_INT,
	 .unit = "",
	 .most = 1,
	 .implied = "== 1",
	 .needs_key = "artifact",
	 .help = "1 when the digest of its subject is that of `artifact`"},
	{.name = "unversioned",
	 .type = VALUE_INT,
	 .unit = "",
	 .counts_of_total = true,
	 .help = "components without a version, or with NOASSERTION, NONE and UNKNOWN"},
	{.name = "unlicensed",
	 .type = VALUE_INT,
	 .unit = "",
	 .counts_of_total = true,
	 .help = "components without a licence, or with NOASSERTION, NONE and UNKNOWN alone"},
	{.name = "age",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "time since it says it was made"},
	{.name = "subject", .type = VALUE_TEXT, .unit = "", .help = "name of what it is about"},
	{.name = "version", .type = VALUE_TEXT, .unit = "", .help = "version of what it is about"},
	{.name = "format", .type = VALUE_TEXT, .unit = "", .help = "CycloneDX or SPDX"},
	{.name = "spec", .type = VALUE_TEXT, .unit = "", .help = "version of the format: 1.5, 2.3"},
	{.name = NULL},
};

static void sbom_describe(struct probe *p, struct buf *out)
{
	const struct sbom_spec *spec = p->checks[0]->spec;

	(void)buf_puts(out, spec->path); /* the definition is bounded */
	if (spec->artifact)
		(void)buf_printf(out, " about %s", spec->artifact);
	(void)buf_putc(out, '\n');
}

static struct measurement count_of(struct arena *a, const char *name, int64_t n, int64_t total,
				   const char *first)
{
	struct measurement m = measurement_int(name, n, "");

	m.n = m.n_total = total;
	if (total > 0)
		m.share = (double)n / (double)total;
	if (n > 0)
		m.evidence =
			arena_printf(a, "%s%s", str_escaped(a, first), n > 1 ? ", and others" : "");
	return m;
}

static struct measurement measure_age(struct probe *p, const char *name, const struct sbom_facts *f)
{
	int64_t created_ms, now_ms = clock_wall_ms(p->world->clock);
	int has_zone;

	if (!f->created[0])
		return measurement_none(name, "it does not say when it was made");
	if (utc_parse(f->created, strlen(f->created), &created_ms, &has_zone) < 0 || !has_zone)
		return measurement_none(name,
					arena_printf(p->arena, "\"%s\" is no time with a zone",
						     str_escaped(p->arena, f->created)));
	if (created_ms > now_ms)
		return measurement_none(name, "it says it was made in the future");
	return measurement_real(name, (double)(now_ms - created_ms) / 1000, "s");
}

static struct measurement measure_artifact(struct probe *p, const char *name,
					   const struct sbom_spec *spec, const struct sbom_facts *f)
{
	unsigned char digest[SHA256_BYTES], claimed[SHA256_BYTES];
	char hex[SHA256_HEX], claimed_hex[SHA256_HEX];
	struct err e = {.class = ERR_NONE};
	struct stat st;
	int64_t size;

	if (f->n_subjects == 0)
		return measurement_none(name, "it does not say what it is about");
	if (!f->subject_sha256)
		return measurement_none(name,
					"it gives two SHA-256 that differ of what it is about");
	if (!f->subject_sha256[0])
		return measurement_none(name, "it does not give the SHA-256 of what it is about");
	if (sha256_from_hex(f->subject_sha256, strlen(f->subject_sha256), claimed) < 0)
		return measurement_none(name, "the SHA-256 of what it is about is not 64 "
					      "hexadecimal digits");
	int fd = file_open(spec->artifact, &st, &e);
	int rc = fd < 0 ? -1 : sha256_file(fd, p->deadline_ms, digest, &size, &e);
	if (fd >= 0)
		(void)close(fd); /* only read from */
	if (rc < 0)
		return measurement_none(name, arena_strdup(p->arena, e.message));
	sha256_hex(digest, hex);
	sha256_hex(claimed, claimed_hex);

	struct measurement m =
		measurement_int(name, memcmp(digest, claimed, sizeof(digest)) == 0, "");
	m.evidence = arena_printf(p->arena,
				  "it is about %.12s\xE2\x80\xA6, the artifact is "
				  "%.12s\xE2\x80\xA6",
				  claimed_hex, hex);
	return m;
}

static struct measurement measure_text(struct arena *a, const char *name, const char *text)
{
	return text[0] ? measurement_text(name, str_escaped(a, text))
		       : measurement_none(name, "it does not say what it is about");
}

static struct measurement measure(struct probe *p, const char *name, const struct sbom_spec *spec,
				  const struct sbom_facts *f)
{
	struct arena *a = p->arena;

	if (strcmp(name, "components") == 0)
		return measurement_int(name, f->n_components, "");
	if (strcmp(name, "is_about") == 0)
		return measure_artifact(p, name, spec, f);
	if (strcmp(name, "age") == 0)
		return measure_age(p, name, f);
	if (strcmp(name, "subject") == 0)
		return measure_text(a, name, f->subject);
	if (strcmp(name, "version") == 0)
		return measure_text(a, name, f->subject_version);
	if (strcmp(name, "format") == 0)
		return measurement_text(name, f->format);
	if (strcmp(name, "spec") == 0)
		return measurement_text(name, f->spec);
	/* Of no components, none is without anything: that is no news about them. */
	if (f->n_components == 0)
		return measurement_none(name, "it lists no components");
	if (strcmp(name, "unversioned") == 0)
		return count_of(a, name, f->n_unversioned, f->n_components, f->first_unversioned);
	if (f->n_unlicensed < 0)
		return measurement_none(name, "licences of SPDX 3 are not read");
	return count_of(a, name, f->n_unlicensed, f->n_components, f->first_unlicensed);
}

static int sbom_probe(struct probe *p, struct err *e)
{
	const struct check *c = p->checks[0];
	const struct sbom_spec *spec = c->spec;
	struct json_doc *doc = NULL;
	struct sbom_facts facts;
	struct buf text;

	buf_init(&text, (size_t)spec->max_size);
	int rc = file_read(spec->path, &text, e);
	if (rc == 0) {
		rc = json_parse(text.data, text.len, &doc, e);
		if (rc == 0)
			rc = sbom_read(p->arena, doc, &facts, e);
		if (rc < 0)
			rc = err_context(e, "bill of materials \"%s\"", spec->path);
	}
	json_free(doc);
	buf_release(&text);
	if (rc < 0)
		return -1;
	for (size_t i = 0; i < c->n_expects; i++) {
		struct measurement m = measure(p, c->expects[i].name, spec, &facts);

		if (m.n < 0)
			m.n = facts.n_components;
		m.query = spec->path;
		probe_emit(p, 0, &m);
	}
	return 0;
}

const struct audit_kind audit_kind_sbom = {
	.name = "sbom",
	.family = "artifact",
	.summary =
		"a bill of materials (CycloneDX, SPDX): there, current, complete, about this file",
	.blind =
		"It reads what the document claims: whether the components are those that were "
		"built "
		"in is known only to whoever built. The document is not validated against its "
		"schema, its signature is not looked at, and no vulnerability is looked up. "
		"Licences of SPDX 3, kept as relationships, are not read. When a document is about "
		"several packages, the first counts as its subject.",
	.spec_size = sizeof(struct sbom_spec),
	.keys = sbom_keys,
	.values = sbom_values,
	.scalar_key = "path",
	.arsenal = &arsenal_sbom,
	.describe = sbom_describe,
	.probe = sbom_probe,
};
