/*
 * oci: a container image, all of it: what the index promises is there, whole and nothing else.
 *
 * Every blob is read to its end and hashed, whatever it is called, once however many lead to it.
 * Damage is a count with a line of evidence each; what could not be read makes the count no
 * measurement, since the damage found is then a lower bound. What depends on documents that could
 * not be followed (orphans, platforms that seem to be missing) is no measurement either.
 */
#include "audits/oci.h"

#include <stddef.h>
#include <string.h>

#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/io/clock.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

static const struct key_row oci_keys[] = {
	{.name = "layout",
	 .type = KEY_PATH,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct oci_spec, layout),
	 .help = "the folder of an image layout (oci-layout, index.json, blobs/)",
	 .example = "dist/image"},
	{.name = "ref",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct oci_spec, ref),
	 .help = "name or digest of the image meant; all of a layout if absent",
	 .example = "v2.31.0"},
	{.name = "platforms",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct oci_spec, platforms),
	 .help = "platforms there must be an image for: os/architecture[/variant]",
	 .example = "[linux/amd64, linux/arm64]"},
	{.name = "labels",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct oci_spec, labels),
	 .help = "labels each image must have, and their values; * stands for anything",
	 .example = "{ org.opencontainers.image.version: \"2.31.*\" }"},
	{.name = "referrers",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct oci_spec, referrers),
	 .help = "artifact types of what must refer to the image (signature, SBOM); * stands for "
		 "anything",
	 .example = "[application/spdx+json]"},
	{.name = "unpack",
	 .type = KEY_BOOL,
	 .offset = offsetof(struct oci_spec, unpack),
	 .def = "true",
	 .help = "unpack gzip layers and compare with the config's diff_ids; nothing is stored"},
	KEY_END,
};

static const struct value_row oci_values[] = {
	{.name = "problems",
	 .type = VALUE_INT,
	 .unit = "problems",
	 .implied = "== 0",
	 .help = "blobs missing, damaged or of another size, documents that contradict"},
	{.name = "orphans",
	 .type = VALUE_INT,
	 .unit = "blobs",
	 .implied = "== 0",
	 .help = "files below blobs/ that nothing leads to"},
	{.name = "missing_platforms",
	 .type = VALUE_INT,
	 .unit = "platforms",
	 .implied = "== 0",
	 .needs_key = "platforms",
	 .help = "those of `platforms` without an image"},
	{.name = "label_differences",
	 .type = VALUE_INT,
	 .unit = "labels",
	 .implied = "== 0",
	 .needs_key = "labels",
	 .help = "labels that are absent or have another value, over all images"},
	{.name = "missing_referrers",
	 .type = VALUE_INT,
	 .unit = "types",
	 .implied = "== 0",
	 .needs_key = "referrers",
	 .help = "those of `referrers` that nothing has which refers to the image"},
	{.name = "digest",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "of the manifest or index that is meant, as sha256:..."},
	{.name = "images", .type = VALUE_INT, .unit = "", .help = "images that are meant"},
	{.name = "total_size",
	 .type = VALUE_INT,
	 .unit = "B",
	 .help = "all blobs, each once, as they are stored"},
	{.name = "size",
	 .type = VALUE_INT,
	 .unit = "B",
	 .help = "manifest, config and layers as they are stored, a series a platform"},
	{.name = "layers", .type = VALUE_INT, .unit = "", .help = "a series a platform"},
	{.name = "user",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "who runs it, \"root\" when nobody is named or number 0, a series a platform"},
	{.name = "age",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .help = "time since the config says it was created, a series a platform"},
	{.name = NULL},
};

static void oci_check(struct keys_context *ctx, struct check *c)
{
	const struct oci_spec *spec = c->spec;

	for (size_t i = 0; i < spec->platforms.n; i++) {
		const char *platform = spec->platforms.items[i], *slash = strchr(platform, '/');

		if (!slash || slash == platform || slash[1] == '\0')
			(void)diags_at(ctx->diags, spec->platforms.positions[i],
				       "write os/architecture, for example linux/arm64",
				       "check \"%s\": \"%s\" is no platform", c->name,
				       str_escaped(ctx->arena, platform));
	}
	if (spec->ref && str_starts(spec->ref, "sha256:") && !oci_is_digest(spec->ref))
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "ref"),
			       "write sha256: and 64 hexadecimal digits, all in lower case",
			       "check \"%s\": \"ref\" is a digest that is cut or misspelt",
			       c->name);
}

static const char *what_is_read(struct probe *p)
{
	const struct oci_spec *spec = p->checks[0]->spec;

	return arena_printf(p->arena, "%s%s%s", spec->layout, spec->ref ? ":" : "",
			    spec->ref ? spec->ref : "");
}

static void oci_describe(struct probe *p, struct buf *out)
{
	const struct oci_spec *spec = p->checks[0]->spec;

	(void)buf_printf(out, "%s: every blob hashed%s\n", what_is_read(p), /* is bounded */
			 spec->unpack ? ", gzip layers unpacked" : "");
}

/* What the walk found out, on its way into measurements. */
struct picture {
	struct oci_walk *walk;
	const struct oci_root *roots;
	size_t n_roots, n_selected; /* images that are meant */
	const char *query;
	const char *orphans_error; /* why they could not be listed */
};

static void emit(struct picture *pic, struct measurement m)
{
	m.query = pic->query;
	probe_emit(pic->walk->probe, 0, &m);
}

static struct measurement unknown(const char *name)
{
	return measurement_none(name, "a part of the image could not be followed, so it is not "
				      "known; problems says which");
}

static struct measurement measure_problems(struct picture *pic)
{
	struct oci_walk *w = pic->walk;
	struct arena *a = w->probe->arena;
	struct measurement m = measurement_int("problems", (int64_t)w->n_problems, "problems");

	if (w->n_blind > 0)
		m = measurement_none("problems",
				     arena_printf(a, "%zu blob%s could not be verified", w->n_blind,
						  w->n_blind == 1 ? "" : "s"));
	else if (w->nodes.n == 0)
		m = measurement_none("problems", "there is nothing in it to verify");
	else
		m.reason = oci_findings_text(w, OCI_NOTE, OCI_NOTE);
	m.evidence = oci_findings_text(w, OCI_BLIND, OCI_PROBLEM);
	m.n = (int64_t)w->nodes.n;
	return m;
}

static struct measurement measure_orphans(struct picture *pic)
{
	struct oci_walk *w = pic->walk;
	struct measurement m = measurement_int("orphans", (int64_t)w->n_orphans, "blobs");

	if (w->is_partial)
		return unknown("orphans");
	if (pic->orphans_error)
		return measurement_none("orphans", pic->orphans_error);
	m.evidence = oci_findings_text(w, OCI_ORPHAN, OCI_ORPHAN);
	m.n = (int64_t)(w->nodes.n + w->n_orphans);
	return m;
}

/* Lines of evidence, then the number of them as the value; NULL lines = nothing was found. */
static struct measurement counted(struct picture *pic, const char *name, const char *unit,
				  int64_t n_found, int64_t n_of, struct buf *lines)
{
	struct measurement m = measurement_int(name, n_found, unit);

	m.n = m.n_total = n_of;
	m.evidence = lines->len > 0
			     ? arena_strndup(pic->walk->probe->arena, lines->data, lines->len)
			     : NULL;
	buf_release(lines);
	return m;
}

static bool has_platform(const struct picture *pic, const char *wanted)
{
	for (size_t i = 0; i < pic->walk->n_images; i++) {
		const struct oci_image *image = &pic->walk->images[i];

		if (image->is_selected && oci_platform_matches(wanted, image->config->platform))
			return true;
	}
	return false;
}

static struct measurement measure_platforms(struct picture *pic)
{
	const struct texts *wanted = &pic->walk->spec->platforms;
	struct arena *a = pic->walk->probe->arena;
	struct buf lines;
	int64_t n = 0;

	buf_init(&lines, EVIDENCE_MAX_BYTES);
	for (size_t i = 0; i < wanted->n; i++) {
		if (has_platform(pic, wanted->items[i]))
			continue;
		(void)buf_printf(&lines, "%s%s: no image", n++ > 0 ? "\n" : "",
				 str_escaped(a, wanted->items[i]));
	}
	for (size_t i = 0; n > 0 && i < pic->walk->n_images; i++)
		if (pic->walk->images[i].is_selected)
			(void)buf_printf(&lines, "\nthere is: %s", pic->walk->images[i].platform);
	if (n > 0 && pic->walk->is_partial) {
		buf_release(&lines);
		return unknown("missing_platforms");
	}
	return counted(pic, "missing_platforms", "platforms", n, (int64_t)wanted->n, &lines);
}

static struct measurement measure_labels(struct picture *pic)
{
	const struct pairs *wanted = &pic->walk->spec->labels;
	struct arena *a = pic->walk->probe->arena;
	struct buf lines;
	int64_t n = 0;

	if (pic->walk->is_partial)
		return unknown("label_differences");
	if (pic->n_selected == 0)
		return measurement_none("label_differences", "there is no image to look at");
	buf_init(&lines, EVIDENCE_MAX_BYTES);
	for (size_t i = 0; i < pic->walk->n_images; i++) {
		const struct oci_image *image = &pic->walk->images[i];

		for (size_t k = 0; image->is_selected && k < wanted->n; k++) {
			const char *has = image->config->labels[k];

			if (has && str_glob(wanted->items[k].value, has))
				continue;
			(void)buf_printf(&lines, "%s%s: %s is %s%s%s, not \"%s\"",
					 n++ > 0 ? "\n" : "", image->platform,
					 str_escaped(a, wanted->items[k].name), has ? "\"" : "",
					 has ? str_escaped(a, has) : "absent", has ? "\"" : "",
					 str_escaped(a, wanted->items[k].value));
		}
	}
	return counted(pic, "label_differences", "labels", n,
		       (int64_t)(wanted->n * pic->n_selected), &lines);
}

/* Does something of that type refer to a root that is meant? */
static bool has_referrer(const struct picture *pic, const char *type)
{
	for (size_t i = 0; i < pic->walk->n_referrers; i++) {
		const struct oci_referrer *r = &pic->walk->referrers[i];

		for (size_t k = 0; k < pic->n_roots; k++)
			if (pic->roots[k].is_selected && !pic->roots[k].is_referrer &&
			    strcmp(pic->roots[k].descriptor.digest, r->subject) == 0 &&
			    str_glob(type, r->artifact_type))
				return true;
	}
	return false;
}

static struct measurement measure_referrers(struct picture *pic)
{
	const struct texts *wanted = &pic->walk->spec->referrers;
	struct arena *a = pic->walk->probe->arena;
	struct buf lines;
	int64_t n = 0;

	buf_init(&lines, EVIDENCE_MAX_BYTES);
	for (size_t i = 0; i < wanted->n; i++)
		if (!has_referrer(pic, wanted->items[i]))
			(void)buf_printf(&lines, "%s%s: nothing of this type refers to the image",
					 n++ > 0 ? "\n" : "", str_escaped(a, wanted->items[i]));
	if (n > 0 && pic->walk->is_partial) {
		buf_release(&lines);
		return unknown("missing_referrers");
	}
	return counted(pic, "missing_referrers", "types", n, (int64_t)wanted->n, &lines);
}

static struct measurement measure_digest(struct picture *pic)
{
	const char *digest = NULL;

	for (size_t i = 0; i < pic->n_roots; i++) {
		if (!pic->roots[i].is_selected || pic->roots[i].is_referrer)
			continue;
		if (digest && strcmp(digest, pic->roots[i].descriptor.digest) != 0)
			return measurement_none("digest", "there are several images: name one with "
							  "`ref`");
		digest = pic->roots[i].descriptor.digest;
	}
	return digest ? measurement_text("digest", digest)
		      : measurement_none("digest", "there is no image");
}

static struct measurement measure_total_size(struct picture *pic)
{
	int64_t n = 0;

	if (pic->walk->n_problems > 0 || pic->walk->n_blind > 0)
		return unknown("total_size");
	for (size_t i = 0; i < pic->walk->nodes.n; i++)
		n += ((const struct oci_node *)pic->walk->nodes.entries[i].value)->size;
	return measurement_int("total_size", n, "B");
}

static struct measurement measure_age(struct picture *pic, const struct oci_image *image)
{
	const char *created = image->config->created;
	int64_t ms, age_ms;
	int has_zone;

	if (!created)
		return measurement_none("age", "the config does not say when it was created");
	if (utc_parse(created, strlen(created), &ms, &has_zone) < 0 || !has_zone)
		return measurement_none("age", "the config's time of creation cannot be read");
	age_ms = clock_wall_ms(pic->walk->probe->world->clock) - ms;
	if (age_ms < 0)
		return measurement_none("age", "the config was created in the future");
	return measurement_real("age", (double)age_ms / 1000, "s");
}

/* Who runs it, without the group. */
static struct measurement measure_user(struct picture *pic, const struct oci_image *image)
{
	const char *user = image->config->user;
	size_t n = strcspn(user, ":");

	if (strspn(user, "0") == n)
		return measurement_text("user", "root");
	return measurement_text("user", arena_strndup(pic->walk->probe->arena, user, n));
}

static struct measurement measure_image(struct picture *pic, const char *name,
					const struct oci_image *image)
{
	if (strcmp(name, "size") == 0)
		return measurement_int(name, image->size, "B");
	if (strcmp(name, "layers") == 0)
		return measurement_int(name, (int64_t)image->n_layers, "");
	if (strcmp(name, "user") == 0)
		return measure_user(pic, image);
	return measure_age(pic, image);
}

/* A platform with two images has no series of its own. */
static const char *ambiguous_platform(const struct picture *pic)
{
	const struct oci_walk *w = pic->walk;

	for (size_t i = 0; i < w->n_images; i++)
		for (size_t k = i + 1; k < w->n_images; k++)
			if (w->images[i].is_selected && w->images[k].is_selected &&
			    strcmp(w->images[i].platform, w->images[k].platform) == 0)
				return w->images[i].platform;
	return NULL;
}

/* One series an image. */
static void emit_images(struct picture *pic, const char *name)
{
	struct arena *a = pic->walk->probe->arena;
	const char *twice = ambiguous_platform(pic);

	if (pic->walk->is_partial) {
		emit(pic, unknown(name));
		return;
	}
	if (twice || pic->n_selected == 0) {
		emit(pic,
		     measurement_none(name, twice ? arena_printf(a,
								 "there are several images for "
								 "%s: name one with `ref`",
								 twice)
						  : "there is no image"));
		return;
	}
	for (size_t i = 0; i < pic->walk->n_images; i++) {
		const struct oci_image *image = &pic->walk->images[i];
		struct label *label = arena_alloc(a, sizeof(*label));

		if (!image->is_selected)
			continue;
		*label = (struct label){.name = "platform", .value = image->platform};
		struct measurement m = measure_image(pic, name, image);
		m.labels = label;
		m.n_labels = 1;
		emit(pic, m);
	}
}

static const struct {
	const char *name;
	struct measurement (*measure)(struct picture *pic);
} whole_values[] = {
	{"problems", measure_problems},		  {"orphans", measure_orphans},
	{"missing_platforms", measure_platforms}, {"label_differences", measure_labels},
	{"missing_referrers", measure_referrers}, {"digest", measure_digest},
	{"total_size", measure_total_size},
};

static void emit_value(struct picture *pic, const char *name)
{
	if (strcmp(name, "images") == 0) {
		emit(pic, pic->walk->is_partial
				  ? unknown(name)
				  : measurement_int(name, (int64_t)pic->n_selected, ""));
		return;
	}
	for (size_t i = 0; i < sizeof(whole_values) / sizeof(whole_values[0]); i++) {
		if (strcmp(name, whole_values[i].name) == 0) {
			emit(pic, whole_values[i].measure(pic));
			return;
		}
	}
	emit_images(pic, name);
}

static int oci_probe(struct probe *p, struct err *e)
{
	const struct check *c = p->checks[0];
	struct oci_walk w = {.probe = p, .spec = c->spec};
	struct picture pic = {.walk = &w, .query = what_is_read(p)};
	struct err failure = {.class = ERR_NONE};
	struct oci_root *roots;

	map_init(&w.nodes, p->arena);
	if (oci_layout_open(p, w.spec->layout, &w.store, &roots, &pic.n_roots, e) < 0)
		return -1;
	pic.roots = roots;
	for (size_t i = 0; i < pic.n_roots; i++)
		if (oci_walk_root(&w, &roots[i], e) < 0)
			return -1;
	if (oci_layout_orphans(w.store, &w, &failure) < 0)
		pic.orphans_error = arena_strdup(p->arena, failure.message);
	for (size_t i = 0; i < w.n_images; i++)
		pic.n_selected += w.images[i].is_selected;
	for (size_t i = 0; i < c->n_expects; i++)
		emit_value(&pic, c->expects[i].name);
	return 0;
}

const struct audit_kind audit_kind_oci = {
	.name = "oci",
	.family = "artifact",
	.summary =
		"a container image: every blob hashed, platforms, labels, size, signatures there",
	.blind =
		"It proves that the image is whole and is what its index promises, not that the "
		"index is the one that was released: pin `digest`, or verify a signature. That a "
		"signature or SBOM refers to the image is not that it is valid or true. What is in "
		"the layers is not looked at, nor that a layer is a proper tar; layers packed with "
		"zstd are hashed but not unpacked. Files beside blobs/ are not looked at.",
	.spec_size = sizeof(struct oci_spec),
	.keys = oci_keys,
	.values = oci_values,
	.scalar_key = "layout",
	.check = oci_check,
	.describe = oci_describe,
	.probe = oci_probe,
};
