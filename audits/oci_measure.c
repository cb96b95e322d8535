/*
 * oci_measure: values out of what the walk found.
 *
 * What depends on documents that could not be followed is no measurement: a platform whose index is
 * damaged is not missing, and what would hang on a damaged manifest is no orphan.
 */
#include <string.h>

#include "audits/oci.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/io/clock.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

static void emit(struct oci_picture *pic, struct measurement m)
{
	m.query = pic->query;
	probe_emit(pic->walk->probe, 0, &m);
}

static struct measurement unknown(const char *name)
{
	return measurement_none(name, "a part of the image could not be followed, so it is not "
				      "known; problems says which");
}

static struct measurement measure_problems(struct oci_picture *pic)
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

static struct measurement measure_orphans(struct oci_picture *pic)
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
static struct measurement counted(struct oci_picture *pic, const char *name, const char *unit,
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

static bool has_platform(const struct oci_picture *pic, const char *wanted)
{
	for (size_t i = 0; i < pic->walk->n_images; i++) {
		const struct oci_image *image = &pic->walk->images[i];

		if (image->is_selected && oci_platform_matches(wanted, image->config->platform))
			return true;
	}
	return false;
}

static struct measurement measure_platforms(struct oci_picture *pic)
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

static struct measurement measure_labels(struct oci_picture *pic)
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
static bool has_referrer(const struct oci_picture *pic, const char *type)
{
	for (size_t i = 0; i < pic->walk->n_referrers; i++) {
		const struct oci_referrer *r = &pic->walk->referrers[i];

		for (size_t k = 0; k < pic->n_roots; k++)
			if (pic->roots[k].is_selected && !pic->roots[k].is_referrer &&
			    strcmp(pic->roots[k].descriptor.digest, r->subject->digest) == 0 &&
			    str_glob(type, r->artifact_type))
				return true;
	}
	return false;
}

static struct measurement measure_referrers(struct oci_picture *pic)
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

static struct measurement measure_digest(struct oci_picture *pic)
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

static struct measurement measure_total_size(struct oci_picture *pic)
{
	int64_t n = 0;

	if (pic->walk->n_problems > 0 || pic->walk->n_blind > 0)
		return unknown("total_size");
	for (size_t i = 0; i < pic->walk->nodes.n; i++)
		n += ((const struct oci_node *)pic->walk->nodes.entries[i].value)->size;
	return measurement_int("total_size", n, "B");
}

static struct measurement measure_age(struct oci_picture *pic, const struct oci_image *image)
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
static struct measurement measure_user(struct oci_picture *pic, const struct oci_image *image)
{
	const char *user = image->config->user;
	size_t n = strcspn(user, ":"), sign = n > 1 && strchr("+-", *user) ? 1 : 0;

	/* "" and 0, however it is written: runtimes read it as a number with a sign. */
	if (sign + strspn(user + sign, "0") == n)
		return measurement_text("user", "root");
	return measurement_text("user", arena_strndup(pic->walk->probe->arena, user, n));
}

static struct measurement measure_image(struct oci_picture *pic, const char *name,
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
static const char *ambiguous_platform(const struct oci_picture *pic)
{
	const struct oci_walk *w = pic->walk;

	for (size_t i = 0; i < w->n_images; i++)
		for (size_t k = i + 1; k < w->n_images; k++)
			if (w->images[i].is_selected && w->images[k].is_selected &&
			    strcmp(w->images[i].platform, w->images[k].platform) == 0)
				return w->images[i].platform;
	return NULL;
}

/* One series an image and label that is asked for. */
static void emit_labels(struct oci_picture *pic, const struct oci_image *image)
{
	const struct pairs *wanted = &pic->walk->spec->labels;

	for (size_t k = 0; k < wanted->n; k++) {
		struct label *labels = arena_array(pic->walk->probe->arena, 2, sizeof(*labels));
		const char *has = image->config->labels[k];
		struct measurement m = has ? measurement_text("label", has)
					   : measurement_none("label", "there is no such label");

		labels[0] = (struct label){.name = "platform", .value = image->platform};
		labels[1] = (struct label){.name = "label", .value = wanted->items[k].name};
		m.labels = labels;
		m.n_labels = 2;
		emit(pic, m);
	}
}

/* One series an image. */
static void emit_images(struct oci_picture *pic, const char *name)
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
		if (strcmp(name, "label") == 0) {
			emit_labels(pic, image);
			continue;
		}
		*label = (struct label){.name = "platform", .value = image->platform};
		struct measurement m = measure_image(pic, name, image);
		m.labels = label;
		m.n_labels = 1;
		emit(pic, m);
	}
}

static const struct {
	const char *name;
	struct measurement (*measure)(struct oci_picture *pic);
} whole_values[] = {
	{"problems", measure_problems},		  {"orphans", measure_orphans},
	{"missing_platforms", measure_platforms}, {"label_differences", measure_labels},
	{"missing_referrers", measure_referrers}, {"digest", measure_digest},
	{"total_size", measure_total_size},
};

void oci_emit(struct oci_picture *pic, const char *name)
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
