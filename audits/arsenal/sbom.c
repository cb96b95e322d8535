/*
 * arsenal_sbom: a bill of materials of another build, or one that lost some of what it says.
 *
 * The document is written anew with one thing left out or put otherwise, so it stays sound JSON and
 * sound in its format; the control "rewritten" shows that writing it anew is no damage. That a
 * component has another version is out of reach: the kind counts components and does not know them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/arsenal/artifact.h"
#include "audits/kind_rows.h"
#include "audits/sbom_read.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/io/json.h"
#include "runner/model/definition.h"

#define MAX_DEPTH 200 /* of the document; deeper ones are not written anew */
#define YEAR_S	  (365 * 86400.0)

static const struct attack_row sbom_rows[] = {
	ROW_IDENTITY,
	ROW_NEIGHBOUR,
	ROW_TOUCHED,
	{.name = "rewritten", .help = "the same document without spaces", .is_control = true},
	ROWS_OF_BYTES,
	{.name = "components-lost", .help = "a share of the components is gone"},
	{.name = "version-lost", .help = "components have no version"},
	{.name = "licence-lost", .help = "components have no licence"},
	{.name = "other-versions", .help = "components have other versions"},
	{.name = "other-digest", .help = "it is about another file"},
	{.name = "other-artifact", .help = "the artifact is another one"},
	{.name = "artifact-missing", .help = "the artifact is gone"},
	{.name = "other-subject", .help = "it is about something else by name"},
	{.name = "other-version", .help = "it is about another version"},
	{.name = "other-format", .help = "it is written in another version of its format"},
	{.name = "stale", .help = "it was made earlier"},
	{.name = "ahead", .help = "it was made in the future"},
	{.name = NULL},
};

enum change {
	CHANGE_NOTHING,
	CHANGE_LOST,	/* components, a share */
	CHANGE_VERSION, /* they have none, a share */
	CHANGE_LICENCE,
	CHANGE_DIGEST,
	CHANGE_SUBJECT,
	CHANGE_OF_SUBJECT, /* its version */
	CHANGE_FORMAT,
	CHANGE_TIME,
};

/* A document that is written anew. */
struct rewriting {
	struct arena *arena;
	const struct json_doc *doc;
	const struct sbom_facts *facts;
	enum change change;
	double dose; /* a share, or seconds earlier */
	struct buf *out;
	int64_t n_seen; /* components so far */
	int depth;
	bool is_deep;
};

/* --- what is what --- */

static const char *text_of(const struct rewriting *r, const struct json_t *at, const char *name)
{
	struct json_value v;

	json_read(r->doc, at != NULL ? json_member(at, name) : NULL, &v);
	return v.type == JSON_IS_TEXT ? v.text : "";
}

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names != NULL && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

static bool is_version_key(const char *key)
{
	static const char *const keys[] = {"version", "versionInfo", "software_packageVersion",
					   NULL};

	return is_one_of(key, keys);
}

static bool is_subject(const struct rewriting *r, const struct json_t *at)
{
	const char *name = text_of(r, at, "name");

	if (name[0] == '\0' || strcmp(name, r->facts->subject) != 0)
		return false;
	return strcmp(text_of(r, at, "version"), r->facts->subject_version) == 0 ||
	       strcmp(text_of(r, at, "versionInfo"), r->facts->subject_version) == 0 ||
	       strcmp(text_of(r, at, "software_packageVersion"), r->facts->subject_version) == 0;
}

/* Is the item of the list under this key a component? */
static bool is_component(const struct rewriting *r, const char *list, const struct json_t *item)
{
	if (strcmp(list, "components") == 0)
		return true;
	if (strcmp(list, "packages") == 0)
		return !is_subject(r, item);
	return strcmp(list, "@graph") == 0 && !is_subject(r, item) &&
	       strcmp(text_of(r, item, "type"), "software_Package") == 0;
}

/* --- writing --- */

static void write_value(struct rewriting *r, const char *list, struct json_t *at, bool is_hit);

static void write_text(struct rewriting *r, const char *text, size_t n)
{
	struct json_writer w;

	json_writer_init(&w, r->out, false);
	json_put_text_n(&w, NULL, text, n);
}

static const char *other_time(struct rewriting *r, const char *text)
{
	char out[UTC_MAX];
	int64_t ms;
	int has_zone;

	if (utc_parse(text, strlen(text), &ms, &has_zone) != 0)
		return text;
	(void)utc_format(ms - (int64_t)(r->dose * 1000), 0, out);
	return arena_strdup(r->arena, out);
}

/* What stands there instead; key: of the member. */
static const char *other_text(struct rewriting *r, const struct json_t *object, const char *key,
			      const char *text)
{
	const struct sbom_facts *f = r->facts;
	char *copy;

	switch (r->change) {
	case CHANGE_NOTHING:
	case CHANGE_LOST:
	case CHANGE_VERSION:
	case CHANGE_LICENCE:
		return text;
	case CHANGE_DIGEST:
		if (f->subject_sha256 == NULL || f->subject_sha256[0] == '\0' ||
		    strcasecmp(text, f->subject_sha256) != 0)
			return text;
		copy = arena_strdup(r->arena, text);
		copy[0] = copy[0] == '0' ? '1' : '0';
		return copy;
	case CHANGE_SUBJECT:
		return strcmp(key, "name") == 0 && strcmp(text, f->subject) == 0
			       ? arena_printf(r->arena, "other-%s", text)
			       : text;
	case CHANGE_OF_SUBJECT:
		return is_version_key(key) && is_subject(r, object)
			       ? arena_printf(r->arena, "%s-other", text)
			       : text;
	case CHANGE_FORMAT:
		if (strcmp(key, "specVersion") != 0 && strcmp(key, "spdxVersion") != 0)
			return text;
		copy = arena_strdup(r->arena, text);
		copy[strlen(copy) - 1] = str_starts(text, "1.") ? (str_ends(text, "4") ? '5' : '4')
					 : str_starts(text, "SPDX-")
						 ? (str_ends(text, "2") ? '3' : '2')
					 : str_ends(text, "0") ? '1'
							       : '0';
		return copy;
	case CHANGE_TIME:
		return (strcmp(key, "timestamp") == 0 || strcmp(key, "created") == 0) &&
				       strcmp(text, f->created) == 0
			       ? other_time(r, text)
			       : text;
	}
	return text;
}

static bool is_left_out(const struct rewriting *r, const char *key, bool is_hit)
{
	static const char *const licences[] = {"licenses", "licenseConcluded", "licenseDeclared",
					       NULL};

	if (!is_hit)
		return false;
	return (r->change == CHANGE_VERSION && is_version_key(key)) ||
	       (r->change == CHANGE_LICENCE && is_one_of(key, licences));
}

static void write_object(struct rewriting *r, struct json_t *at, bool is_hit)
{
	struct json_t *value;
	const char *name;
	void *place = NULL;
	bool is_first = true;

	(void)buf_putc(r->out, '{');
	while (json_member_next(at, &place, &name, &value)) {
		struct json_value v;

		if (is_left_out(r, name, is_hit))
			continue;
		if (!is_first)
			(void)buf_putc(r->out, ',');
		is_first = false;
		write_text(r, name, strlen(name));
		(void)buf_putc(r->out, ':');
		json_read(r->doc, value, &v);
		if (v.type == JSON_IS_TEXT) {
			const char *text = other_text(r, at, name, v.text);

			write_text(r, text, strlen(text));
		} else {
			write_value(r, name, value, false);
		}
	}
	(void)buf_putc(r->out, '}');
}

/* How many of n components the dose speaks of. */
static int64_t count_of(double dose, int64_t n)
{
	return (int64_t)ceil(dose * (double)n - 1e-9);
}

/* Is this component, the next one, among those that the dose speaks of? */
static bool takes(struct rewriting *r, const struct json_t *item)
{
	struct json_value parts;

	/* What has parts would take them with it. */
	json_read(r->doc, json_member(item, "components"), &parts);
	if (r->change == CHANGE_LOST && parts.type == JSON_IS_ARRAY && parts.n > 0 && r->dose < 1)
		return false;
	return r->n_seen++ < count_of(r->dose, r->facts->n_components);
}

static void write_array(struct rewriting *r, const char *list, struct json_t *at, size_t n)
{
	bool is_first = true;

	(void)buf_putc(r->out, '[');
	for (size_t i = 0; i < n; i++) {
		struct json_t *item = json_item(at, i);
		bool is_hit = is_component(r, list, item) && takes(r, item);

		if (is_hit && r->change == CHANGE_LOST)
			continue;
		if (!is_first)
			(void)buf_putc(r->out, ',');
		is_first = false;
		write_value(r, "", item, is_hit);
	}
	(void)buf_putc(r->out, ']');
}

static void write_value(struct rewriting *r, const char *list, struct json_t *at, bool is_hit)
{
	struct json_value v;
	struct json_writer w;

	json_read(r->doc, at, &v);
	json_writer_init(&w, r->out, false);
	if (r->depth++ > MAX_DEPTH)
		r->is_deep = true;
	switch (r->is_deep ? JSON_IS_NULL : v.type) {
	case JSON_ABSENT:
	case JSON_IS_NULL:
		json_put_null(&w, NULL);
		break;
	case JSON_IS_BOOL:
		json_put_bool(&w, NULL, v.boolean);
		break;
	case JSON_IS_INT:
		json_put_int(&w, NULL, v.integer);
		break;
	case JSON_IS_REAL:
		json_put_real(&w, NULL, v.real);
		break;
	case JSON_IS_TEXT:
		write_text(r, v.text, strlen(v.text));
		break;
	case JSON_IS_ARRAY:
		write_array(r, list, at, v.n);
		break;
	case JSON_IS_OBJECT:
		write_object(r, at, is_hit);
		break;
	}
	r->depth--;
}

/* --- acts --- */

static int read_bill(struct scene *s, const char *path, struct json_doc **doc,
		     struct sbom_facts *facts, struct err *e)
{
	const int64_t *max_size = artifact_field(s->check, "max_size");
	struct buf text;
	int rc;

	*doc = NULL;
	buf_init(&text, (size_t)*max_size);
	rc = file_read(path, &text, e);
	if (rc == 0)
		rc = json_parse(text.data, text.len, doc, e);
	if (rc == 0)
		rc = sbom_read(s->arena, *doc, facts, e);
	buf_release(&text);
	if (rc < 0) {
		json_free(*doc);
		*doc = NULL;
	}
	return rc;
}

static int put_bill(struct scene *s, const struct deed *d, const struct rewriting *r, struct err *e)
{
	struct bytes_held h;
	int rc;

	if (r->is_deep)
		return err_set(e, ERR_MEASURE, "it is nested too deep to be written anew");
	if (bytes_open(s, d->path, &h, e) < 0)
		return -1;
	rc = ftruncate(h.fd, 0) != 0 ? err_set(e, ERR_MEASURE, "could not cut \"%s\"", d->path)
				     : bytes_write_at(&h, r->out->data, r->out->len, 0, e);
	return bytes_close(&h, rc == 0 ? e : NULL) < 0 ? -1 : rc;
}

/* number: enum change. */
static int act_rewritten(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	struct json_doc *doc;
	struct sbom_facts facts;
	struct rewriting r = {
		.arena = s->arena, .facts = &facts, .change = (enum change)d->number, .dose = dose};
	struct buf out;
	int rc;

	if (d->text != NULL) /* of what has no dose */
		r.dose = strtod(d->text, NULL);
	if (read_bill(s, d->path, &doc, &facts, e) < 0)
		return -1;
	r.doc = doc;
	buf_init(&out, BUF_UNBOUNDED); /* of what was read within bounds */
	r.out = &out;
	write_value(&r, "", json_root(doc), false);
	rc = put_bill(s, d, &r, e);
	buf_release(&out);
	json_free(doc);
	return rc;
}

static const char *tell_share(struct arena *a, const struct deed *d, double dose)
{
	const int64_t *n = d->more;
	const char *what = (enum change)d->number == CHANGE_LOST      ? "gone"
			   : (enum change)d->number == CHANGE_VERSION ? "without a version"
								      : "without a licence";

	int64_t n_lost = count_of(dose, *n);

	return arena_printf(a, "%lld of its %lld components %s %s", (long long)n_lost,
			    (long long)*n, n_lost == 1 ? "is" : "are", what);
}

static const char *tell_stale(struct arena *a, const struct deed *d, double dose)
{
	char text[NUM_REAL_MAX];

	(void)d;
	(void)num_format_duration((int64_t)(dose * 1000), text);
	return arena_printf(a, "it says it was made %s earlier", text);
}

/* --- survey --- */

struct bill {
	struct scene *scene;
	const char *path;
	struct sbom_facts facts;
};

static bool is_expected(const struct bill *b, const char *value)
{
	return artifact_expects(b->scene->check, value) != NULL;
}

static struct attack *add(const struct bill *b, const char *name, enum change change,
			  const char *words)
{
	return scene_add(
		b->scene, name, "",
		&(struct deed){
			.act = act_rewritten, .path = b->path, .number = change, .words = words});
}

static struct attack *add_share(const struct bill *b, const char *name, enum change change,
				double dose)
{
	struct attack *a = scene_add(b->scene, name, "",
				     &(struct deed){.act = act_rewritten,
						    .path = b->path,
						    .number = change,
						    .more = &b->facts.n_components,
						    .tell = tell_share});

	a->dose = dose;
	a->least = 1 / (double)b->facts.n_components;
	a->most = 1;
	return a;
}

/* A bound that lets some through does not claim to notice one more. */
static double dose_of(const struct bill *b, const char *value, int64_t now)
{
	struct measurement m = measurement_int(value, now + 1, "");

	m.n_total = b->facts.n_components;
	m.share = (double)(now + 1) / (double)m.n_total;
	return artifact_minds(b->scene->arena, b->scene->check, &m) ? 1 / (double)m.n_total : 1;
}

static void add_components(const struct bill *b)
{
	const struct sbom_facts *f = &b->facts;

	if (f->n_components == 0)
		return;
	if (artifact_minds_int(b->scene->arena, b->scene->check, "components", 0))
		(void)add_share(b, "components-lost", CHANGE_LOST, 0.5);
	if (is_expected(b, "unversioned"))
		(void)add_share(b, "version-lost", CHANGE_VERSION,
				dose_of(b, "unversioned", f->n_unversioned));
	if (is_expected(b, "unlicensed") && f->n_unlicensed >= 0)
		(void)add_share(b, "licence-lost", CHANGE_LICENCE,
				dose_of(b, "unlicensed", f->n_unlicensed));
	attack_settle(add(b, "other-versions", CHANGE_NOTHING, "components have other versions"),
		      ATTACK_OUT_OF_REACH,
		      "components are counted, not compared with another list");
}

static void add_artifact(const struct bill *b)
{
	const char *artifact = artifact_path(b->scene->check, "artifact");
	struct stat st;

	if (artifact == NULL || !is_expected(b, "is_about") || stat(artifact, &st) != 0)
		return;
	(void)add(b, "other-digest", CHANGE_DIGEST, "the digest of its subject is another");
	(void)scene_add(b->scene, "other-artifact", "",
			&(struct deed){.act = act_appended,
				       .path = artifact,
				       .words = "the artifact has a byte more"});
	(void)scene_add(b->scene, "artifact-missing", "",
			&(struct deed){.act = act_missing,
				       .path = artifact,
				       .words = "the artifact is gone"});
}

static void add_facts(const struct bill *b)
{
	struct arena *arena = b->scene->arena;
	struct attack *a;
	int64_t made_ms;
	int has_zone;

	if (is_expected(b, "subject"))
		(void)add(b, "other-subject", CHANGE_SUBJECT, "the name of its subject is another");
	if (is_expected(b, "version"))
		(void)add(b, "other-version", CHANGE_OF_SUBJECT,
			  "the version of its subject is another");
	if (is_expected(b, "spec"))
		(void)add(b, "other-format", CHANGE_FORMAT, "its format has another version");
	if (!is_expected(b, "age"))
		return;
	if (artifact_minds_real(arena, b->scene->check, "age", 100 * YEAR_S)) {
		a = scene_add(b->scene, "stale", "",
			      &(struct deed){.act = act_rewritten,
					     .path = b->path,
					     .number = CHANGE_TIME,
					     .tell = tell_stale});
		a->dose = YEAR_S;
		a->least = 1;
		a->most = 50 * YEAR_S;
	}
	if (utc_parse(b->facts.created, strlen(b->facts.created), &made_ms, &has_zone) != 0)
		return;
	made_ms -= clock_wall_ms(b->scene->challenge->world->clock);
	(void)scene_add(b->scene, "ahead", "",
			&(struct deed){.act = act_rewritten,
				       .path = b->path,
				       .number = CHANGE_TIME,
				       .text = arena_printf(arena, "%lld",
							    (long long)(made_ms / 1000 - 86400)),
				       .words = "it says it is made tomorrow"});
}

static int sbom_survey(struct challenge *c, struct err *e)
{
	struct bill *b = arena_alloc(c->arena, sizeof(*b)); /* deeds look at it */
	struct json_doc *doc;

	*b = (struct bill){.scene = c->state};
	b->path = artifact_path(b->scene->check, "path");
	if (read_bill(b->scene, b->path, &doc, &b->facts, e) < 0)
		return -1;
	json_free(doc);
	controls_add(b->scene, b->path, b->path);
	(void)add(b, "rewritten", CHANGE_NOTHING, "the same document, without spaces");
	bytes_add(b->scene, b->path, "", BYTES_MISSING | BYTES_EMPTY | BYTES_TORN_HALF);
	add_components(b);
	add_artifact(b);
	add_facts(b);
	return 0;
}

static int sbom_open(struct challenge *c, struct err *e)
{
	struct scene *s = scene_new(c, sbom_rows);

	if (scene_stage_file(s, "path", e) < 0)
		return -1;
	if (artifact_path(c->check, "artifact") != NULL && scene_stage_file(s, "artifact", e) < 0)
		return -1;
	scene_seal(s);
	return 0;
}

const struct arsenal arsenal_sbom = {
	.rows = sbom_rows,
	.open = sbom_open,
	.survey = sbom_survey,
	.strike = artifact_strike,
	.words = artifact_words,
};
