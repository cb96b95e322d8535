/* sbom_read: told apart by the key each format must have; one reader for each. */
#include "audits/sbom_read.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "audits/alike.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/base/str.h"
#include "runner/io/json.h"

#define MAX_DEPTH 64 /* of components in components */
#define BLANKS	  " \t\r\n"

struct reading {
	struct arena *arena;
	const struct json_doc *doc;
	struct sbom_facts *out;
	struct map roots; /* ids of what the document is about */
	struct map ids;	  /* of packages, or of components and services, that were read */
};

/* What is read of each structure: to Go's readers these have no case. */
static const char *const root_members[] = {
	"bomFormat",	"specVersion",	 "metadata",
	"components",	"spdxVersion",	 "SPDXID",
	"packages",	"relationships", "documentDescribes",
	"creationInfo", "@graph",	 "services",
	NULL,
};
static const char *const metadata_members[] = {"timestamp", "component", NULL};
static const char *const component_members[] = {
	"name", "version", "hashes", "licenses", "components", "bom-ref", NULL,
};
static const char *const service_members[] = {"bom-ref", "services", NULL};
static const char *const package_members[] = {
	"SPDXID", "name", "versionInfo", "checksums", "licenseConcluded", "licenseDeclared", NULL,
};
static const char *const relation_members[] = {
	"spdxElementId",
	"relatedSpdxElement",
	"relationshipType",
	NULL,
};

static int refuse_alike(const struct reading *r, struct json_t *object, const char *const *known,
			struct err *e)
{
	const char *as, *name = alike_member(object, known, &as);

	if (name == NULL)
		return 0;
	return err_set(e, ERR_MEASURE,
		       "its member \"%s\" is \"%s\" to readers without regard to case: two readers "
		       "would see two bills",
		       str_escaped(r->arena, name), as);
}

/* The text of a member, copied; "" when it is not there or no text. */
static const char *text_of(const struct reading *r, const struct json_t *object, const char *name)
{
	struct json_value v;

	json_read(r->doc, object ? json_member(object, name) : NULL, &v);
	return v.type == JSON_IS_TEXT ? arena_strdup(r->arena, v.text) : "";
}

static size_t items_in(const struct reading *r, const struct json_t *array)
{
	struct json_value v;

	json_read(r->doc, array, &v);
	return v.type == JSON_IS_ARRAY ? v.n : 0;
}

static const struct json_t *list_of(const struct json_t *object, const char *name)
{
	return object ? json_member(object, name) : NULL;
}

/* The SHA-256 among the digests of a subject, whatever they are called; NULL = two that differ. */
static const char *sha256_in(const struct reading *r, const struct json_t *list, const char *key,
			     const char *algorithm, const char *value)
{
	const char *found = NULL;

	for (size_t i = 0; i < items_in(r, list); i++) {
		const struct json_t *hash = json_item(list, i);
		const char *digest;

		if (strcmp(text_of(r, hash, key), algorithm) != 0)
			continue;
		digest = text_of(r, hash, value);
		if (found && strcasecmp(found, digest) != 0)
			return NULL;
		found = digest;
	}
	return found ? found : "";
}

/* The list that counts; *list is NULL when it is not there. What is there and no list is torn. */
static int counted_list(const struct reading *r, const struct json_t *object, const char *name,
			const struct json_t **list, struct err *e)
{
	struct json_value v;

	*list = list_of(object, name);
	json_read(r->doc, *list, &v);
	return !*list || v.type == JSON_IS_ARRAY
		       ? 0
		       : err_set(e, ERR_MEASURE, "its \"%s\" is no list", name);
}

/* What generators write where they know neither version nor licence says neither. */
static bool is_stated(const char *text)
{
	static const char *const nothing[] = {"NOASSERTION", "NONE", "unknown"};
	size_t n;

	text += strspn(text, BLANKS);
	n = strcspn(text, BLANKS);
	if (text[n + strspn(text + n, BLANKS)] != '\0')
		return true;
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		if (n == strlen(nothing[i]) && strncasecmp(text, nothing[i], n) == 0)
			return false;
	return n > 0;
}

/* Both formats want a name of whatever they list: without one it is nothing to count. */
static int count(struct reading *r, const struct json_t *c, const char *version, bool has_license,
		 struct err *e)
{
	bool has_version = is_stated(text_of(r, c, version));
	const char *name = text_of(r, c, "name");
	struct sbom_facts *out = r->out;

	if (!name[0])
		return err_set(e, ERR_MEASURE, "component %lld of it has no name",
			       (long long)out->n_components + 1);
	out->n_components++;
	if (!has_version && out->n_unversioned++ == 0)
		out->first_unversioned = name;
	if (!has_license && out->n_unlicensed >= 0 && out->n_unlicensed++ == 0)
		out->first_unlicensed = name;
	return 0;
}

static void take_subject(struct reading *r, const struct json_t *subject, const char *version,
			 const char *sha256)
{
	if (r->out->n_subjects++ > 0)
		return;
	r->out->subject = text_of(r, subject, "name");
	r->out->subject_version = text_of(r, subject, version);
	r->out->subject_sha256 = sha256;
}

/* Which of two with one id is meant by it would depend on their order. what: "packages of it have
 * the id".
 */
static int take_id(struct reading *r, const char *what, const char *id, struct err *e)
{
	if (id[0] == '\0' || map_put(&r->ids, id, r))
		return 0;
	return err_set(e, ERR_MEASURE, "two %s \"%s\"", what, str_escaped(r->arena, id));
}

static int unknown_version(const char *format, const char *version, const char *known,
			   struct err *e)
{
	(void)err_set(e, ERR_MEASURE, "cannot read %s \"%s\"", format, version);
	return err_help(e, "known are %s", known);
}

/* --- CycloneDX --- */

static bool has_choice(const struct reading *r, const struct json_t *list)
{
	for (size_t i = 0; i < items_in(r, list); i++) {
		const struct json_t *choice = json_item(list, i);
		const struct json_t *license = list_of(choice, "license");

		if (is_stated(text_of(r, choice, "expression")) ||
		    is_stated(text_of(r, license, "id")) || is_stated(text_of(r, license, "name")))
			return true;
	}
	return false;
}

/* Of the bill it has to be the only one, whatever has it. */
static int take_ref(struct reading *r, const struct json_t *object, struct err *e)
{
	return take_id(r, "components or services of it have the bom-ref",
		       text_of(r, object, "bom-ref"), e);
}

/* Those of a component, or of the document. */
static int count_components(struct reading *r, const struct json_t *parent, int depth,
			    struct err *e)
{
	const struct json_t *list;

	if (counted_list(r, parent, "components", &list, e) < 0)
		return -1;
	if (depth > MAX_DEPTH)
		return err_set(e, ERR_MEASURE, "its components are nested too deep");
	for (size_t i = 0; i < items_in(r, list); i++) {
		struct json_t *c = json_item(list, i);

		if (refuse_alike(r, c, component_members, e) < 0 || take_ref(r, c, e) < 0 ||
		    count(r, c, "version", has_choice(r, list_of(c, "licenses")), e) < 0 ||
		    count_components(r, c, depth + 1, e) < 0)
			return -1;
	}
	return 0;
}

/* They are no components: only their ids are of interest. */
static int look_at_services(struct reading *r, const struct json_t *parent, int depth,
			    struct err *e)
{
	const struct json_t *list;

	if (counted_list(r, parent, "services", &list, e) < 0)
		return -1;
	if (depth > MAX_DEPTH)
		return err_set(e, ERR_MEASURE, "its services are nested too deep");
	for (size_t i = 0; i < items_in(r, list); i++) {
		struct json_t *service = json_item(list, i);

		if (refuse_alike(r, service, service_members, e) < 0 ||
		    take_ref(r, service, e) < 0 || look_at_services(r, service, depth + 1, e) < 0)
			return -1;
	}
	return 0;
}

static int read_cyclonedx(struct reading *r, const struct json_t *root, struct err *e)
{
	struct json_t *metadata = json_member(root, "metadata");
	struct json_t *subject = metadata ? json_member(metadata, "component") : NULL;
	const char *spec = text_of(r, root, "specVersion");

	if (refuse_alike(r, metadata, metadata_members, e) < 0 ||
	    refuse_alike(r, subject, component_members, e) < 0)
		return -1;

	if (strcmp(spec, "1.4") != 0 && strcmp(spec, "1.5") != 0 && strcmp(spec, "1.6") != 0)
		return unknown_version("CycloneDX", spec, "1.4, 1.5 and 1.6", e);
	r->out->format = "CycloneDX";
	r->out->spec = spec;
	r->out->created = text_of(r, metadata, "timestamp");
	if (subject)
		take_subject(r, subject, "version",
			     sha256_in(r, list_of(subject, "hashes"), "alg", "SHA-256", "content"));
	/* Parts of the subject may be listed within it. */
	if (take_ref(r, subject, e) < 0 || count_components(r, subject, 0, e) < 0 ||
	    count_components(r, root, 0, e) < 0)
		return -1;
	return look_at_services(r, root, 0, e);
}

/* --- SPDX 2 --- */

static bool has_license(const struct reading *r, const struct json_t *package)
{
	static const char *const keys[] = {"licenseConcluded", "licenseDeclared"};

	for (size_t i = 0; i < 2; i++)
		if (is_stated(text_of(r, package, keys[i])))
			return true;
	return false;
}

static void add_id(struct reading *r, const struct json_t *id)
{
	struct json_value v;

	json_read(r->doc, id, &v);
	if (v.type == JSON_IS_TEXT)
		(void)map_put(&r->roots, arena_strdup(r->arena, v.text), r); /* twice is once */
}

static void add_ids(struct reading *r, const struct json_t *list)
{
	for (size_t i = 0; i < items_in(r, list); i++)
		add_id(r, json_item(list, i));
}

/* What the document describes: by its list, or by a relationship in either direction. */
static int find_described(struct reading *r, const struct json_t *root, struct err *e)
{
	const struct json_t *relations = json_member(root, "relationships");
	const char *own = text_of(r, root, "SPDXID");
	const char *document = *own ? own : "SPDXRef-DOCUMENT";

	add_ids(r, json_member(root, "documentDescribes"));
	for (size_t i = 0; i < items_in(r, relations); i++) {
		struct json_t *relation = json_item(relations, i);
		const char *type = text_of(r, relation, "relationshipType");
		bool is_inverse = strcmp(type, "DESCRIBED_BY") == 0;
		const char *const ends[] = {"spdxElementId", "relatedSpdxElement"};

		if (refuse_alike(r, relation, relation_members, e) < 0)
			return -1;
		if ((is_inverse || strcmp(type, "DESCRIBES") == 0) &&
		    strcmp(text_of(r, relation, ends[is_inverse]), document) == 0)
			add_id(r, json_member(relation, ends[!is_inverse]));
	}
	return 0;
}

static int read_spdx2(struct reading *r, const struct json_t *root, struct err *e)
{
	const char *spec = text_of(r, root, "spdxVersion");
	const struct json_t *packages;

	if (strcmp(spec, "SPDX-2.2") != 0 && strcmp(spec, "SPDX-2.3") != 0)
		return unknown_version("SPDX", spec, "SPDX-2.2, SPDX-2.3 and 3.0", e);
	r->out->format = "SPDX";
	r->out->spec = spec + 5;
	r->out->created = text_of(r, json_member(root, "creationInfo"), "created");
	if (find_described(r, root, e) < 0 || counted_list(r, root, "packages", &packages, e) < 0)
		return -1;
	for (size_t i = 0; i < items_in(r, packages); i++) {
		struct json_t *p = json_item(packages, i);

		if (refuse_alike(r, p, package_members, e) < 0 ||
		    take_id(r, "packages of it have the id", text_of(r, p, "SPDXID"), e) < 0)
			return -1;
		/* Documents describe one package or a few: what is further down is none of them. */
		if (r->out->n_subjects < 1 && map_get(&r->roots, text_of(r, p, "SPDXID")))
			take_subject(r, p, "versionInfo",
				     sha256_in(r, list_of(p, "checksums"), "algorithm", "SHA256",
					       "checksumValue"));
		else if (count(r, p, "versionInfo", has_license(r, p), e) < 0)
			return -1;
	}
	return 0;
}

/* --- SPDX 3 --- */

static int read_spdx3(struct reading *r, const struct json_t *root, struct err *e)
{
	const struct json_t *graph;
	const char *creation = "";

	if (counted_list(r, root, "@graph", &graph, e) < 0)
		return -1;

	r->out->format = "SPDX";
	r->out->n_unlicensed = -1;
	/* Roots of the document, and of the bill in it; who made the document, and when. */
	for (size_t i = 0; i < items_in(r, graph); i++) {
		const struct json_t *element = json_item(graph, i);

		add_ids(r, list_of(element, "rootElement"));
		if (strcmp(text_of(r, element, "type"), "SpdxDocument") == 0)
			creation = text_of(r, element, "creationInfo");
	}
	for (size_t i = 0; i < items_in(r, graph); i++) {
		const struct json_t *element = json_item(graph, i);
		const char *type = text_of(r, element, "type");

		/* What was taken over from elsewhere keeps its own. */
		if (strcmp(type, "CreationInfo") == 0 &&
		    (creation[0] == '\0' || strcmp(text_of(r, element, "@id"), creation) == 0)) {
			r->out->spec = text_of(r, element, "specVersion");
			r->out->created = text_of(r, element, "created");
		} else if (strcmp(type, "software_Package") == 0) {
			if (take_id(r, "packages of it have the id", text_of(r, element, "spdxId"),
				    e) < 0)
				return -1;
			if (r->out->n_subjects < 1 &&
			    map_get(&r->roots, text_of(r, element, "spdxId")))
				take_subject(r, element, "software_packageVersion",
					     sha256_in(r, list_of(element, "verifiedUsing"),
						       "algorithm", "sha256", "hashValue"));
			else if (count(r, element, "software_packageVersion", true, e) < 0)
				return -1;
		}
	}
	if (!str_starts(r->out->spec, "3.0"))
		return unknown_version("SPDX", r->out->spec, "SPDX-2.2, SPDX-2.3 and 3.0", e);
	return 0;
}

int sbom_read(struct arena *a, const struct json_doc *doc, struct sbom_facts *out, struct err *e)
{
	struct sbom_facts facts = {.spec = "",
				   .created = "",
				   .subject = "",
				   .subject_version = "",
				   .subject_sha256 = ""};
	struct reading r = {.arena = a, .doc = doc, .out = &facts};
	struct json_t *root = json_root(doc);
	struct json_value v;
	int rc;

	map_init(&r.roots, a);
	map_init(&r.ids, a);
	json_read(doc, root, &v);
	if (v.type != JSON_IS_OBJECT)
		return err_set(e, ERR_MEASURE, "it is no bill of materials: not a JSON object");
	if (refuse_alike(&r, root, root_members, e) < 0)
		return -1;
	if (strcmp(text_of(&r, root, "bomFormat"), "CycloneDX") == 0)
		rc = read_cyclonedx(&r, root, e);
	else if (json_member(root, "spdxVersion"))
		rc = read_spdx2(&r, root, e);
	else if (json_member(root, "@graph") && json_member(root, "@context"))
		rc = read_spdx3(&r, root, e);
	else
		rc = err_set(e, ERR_MEASURE,
			     "it is no bill of materials: neither CycloneDX nor SPDX JSON");
	if (rc == 0)
		*out = facts;
	return rc;
}
