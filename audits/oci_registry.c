/*
 * oci_registry: the distribution API, read only, one request after another on one connection.
 *
 * Credentials go to two places: the registry itself, when it asks for Basic, and the token server
 * it names, when that is of the same origin or named by `realm`. Any other is asked without them,
 * and only over https. Where a blob is redirected to (a bucket, a mirror) no header of ours goes
 * along. Tokens live as long as the probe and are shown nowhere.
 *
 * "It does not have it" is believed when the registry says so in its own words (an error code); a
 * 404 from whatever stands before it is no answer.
 */
#include <string.h>
#include <strings.h>

#include "audits/oci.h"
#include "audits/oci_auth.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/http.h"
#include "runner/io/http_fetch.h"
#include "runner/io/json.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

#define MAX_ERROR_BYTES (64 * 1024)
#define MAX_REDIRECTS	5

static const char manifest_types[] = "application/vnd.oci.image.index.v1+json, "
				     "application/vnd.oci.image.manifest.v1+json, "
				     "application/vnd.docker.distribution.manifest.list.v2+json, "
				     "application/vnd.docker.distribution.manifest.v2+json";

struct registry {
	struct oci_store store;
	const struct oci_spec *spec;
	const struct target *target;
	struct http_session *session;
	const char *authorization; /* NULL = none was asked for yet */
};

/* One exchange: bytes of a good answer go into the blob, those of any other are its words. */
struct exchange {
	struct oci_blob *into;
	struct http_preview preview;
	struct buf words;
	struct http_response res;
};

static int take_piece(void *ctx, const char *data, size_t n, struct err *e)
{
	struct exchange *x = ctx;

	if (x->preview.status == 200)
		return oci_blob_add(x->into, data, n, e);
	(void)buf_add(&x->words, data, n); /* a longer text is no error of a registry */
	return 0;
}

static int get(struct registry *r, const char *url, const char *accept, struct exchange *x,
	       struct err *e)
{
	struct probe *p = r->store.probe;
	struct pair items[] = {
		{.name = "Accept-Encoding", .value = "identity"},
		{.name = "Authorization", .value = r->authorization, .has_secret = true},
	};
	struct pairs headers = {.items = items, .n = r->authorization ? 2 : 1};
	struct http_request req = {
		.url = url,
		.headers = &r->target->headers,
		.extra_headers = &headers,
		.ca_file = r->target->ca_file,
		.route = &r->target->route,
		.accept = accept,
		.deadline_ms = p->deadline_ms,
		/* The blob stops what is longer than promised; this only has to be more. */
		.max_body_bytes = x->into->max_bytes + MAX_ERROR_BYTES,
		.max_redirects = MAX_REDIRECTS,
		.max_connections = (long)r->target->max_connections,
		.preview = &x->preview,
	};
	const struct http_sink sink = {take_piece, x};

	buf_reset(&x->words);
	x->preview = (struct http_preview){.status = 0};
	return http_fetch(r->session, &req, &sink, &x->res, e);
}

/* ---- who we are ---- */

static bool is_same_origin(struct registry *r, const char *url)
{
	return http_join(r->store.probe->arena, r->target->location, url) != NULL;
}

/* May the token server be asked, and with the password? -1: it may not. */
static int check_realm(struct registry *r, const char *realm, bool *with_password, struct err *e)
{
	struct arena *a = r->store.probe->arena;
	bool is_ours = is_same_origin(r, realm) || str_equal(r->spec->realm, realm);

	*with_password = r->spec->user && is_ours;
	if (http_check_url(realm, e) < 0)
		return err_context(e, "the registry's token server");
	if (is_ours || (str_starts(realm, "https://") && !r->spec->user))
		return 0;
	(void)err_set(e, ERR_MEASURE, "the registry wants %s shown to \"%s\", which is %s",
		      r->spec->user ? "the password" : "us", str_escaped(a, realm),
		      str_starts(realm, "https://") ? "another host" : "another host, not https");
	return err_help(e, "if that is its token server, add realm: \"%s\" to the check",
			str_escaped(a, realm));
}

static int get_token(struct registry *r, const struct oci_challenge *c, struct err *e)
{
	struct probe *p = r->store.probe;
	bool with_password;
	struct buf body;

	if (check_realm(r, c->realm, &with_password, e) < 0)
		return -1;
	buf_init(&body, MAX_ERROR_BYTES);

	struct pair item = {.name = "Authorization", .has_secret = true};
	struct pairs headers = {.items = &item, .n = with_password};
	if (with_password)
		item.value = oci_basic(p->arena, r->spec->user, r->spec->password);
	struct http_request req = {
		.url = oci_token_url(p->arena, c),
		.extra_headers = &headers,
		.ca_file = r->target->ca_file,
		.route = &r->target->route,
		.accept = "application/json",
		.deadline_ms = p->deadline_ms,
		.max_body_bytes = MAX_ERROR_BYTES,
	};
	const struct http_sink sink = {http_sink_buf, &body};
	struct http_response res;
	int rc = http_fetch(r->session, &req, &sink, &res, e);
	if (rc == 0 && res.status != 200)
		rc = err_set(e, ERR_MEASURE, "it answers %ld%s", res.status,
			     res.status == 401 || res.status == 403
				     ? ": user or password are wrong, or do not suffice"
				     : "");
	if (rc == 0) {
		r->authorization = oci_bearer(p->arena, body.data, body.len, e);
		rc = r->authorization ? 0 : -1;
	}
	buf_release(&body);
	return rc < 0 ? err_context(e, "token server \"%s\"", str_escaped(p->arena, c->realm)) : 0;
}

/* Answers the first challenge that can be answered. */
static int authenticate(struct registry *r, const struct http_response *res, struct err *e)
{
	struct arena *a = r->store.probe->arena;
	struct oci_challenge c;

	if (r->authorization)
		return err_set(e, ERR_MEASURE,
			       "the registry answers 401 to what it was shown: user "
			       "or password are wrong, or do not suffice");
	for (size_t i = 0; i < res->n_headers; i++) {
		if (strcasecmp(res->headers[i].name, "WWW-Authenticate") != 0 ||
		    !oci_challenge_parse(a, res->headers[i].value, &c))
			continue;
		if (c.is_bearer)
			return get_token(r, &c, e);
		if (!r->spec->user)
			return err_help(
				(err_set(e, ERR_MEASURE, "the registry asks for a password"), e),
				"add user and password to the check");
		r->authorization = oci_basic(a, r->spec->user, r->spec->password);
		return 0;
	}
	return err_set(e, ERR_MEASURE,
		       "the registry answers 401 and asks for nothing that is known");
}

/* ---- what it has ---- */

/* Is this the registry saying that there is no such thing? */
static bool says_absent(const struct exchange *x)
{
	static const char *const codes[] = {"MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "NAME_UNKNOWN",
					    "NOT_FOUND"};
	struct err none = {.class = ERR_NONE};
	struct json_doc *doc;
	struct json_value v;
	bool is_absent = false;

	if (x->res.status != 404 || json_parse(x->words.data, x->words.len, &doc, &none) < 0)
		return false;
	if (json_pointer(doc, "/errors/0/code", &v, &none) == 0 && v.type == JSON_IS_TEXT)
		for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
			is_absent = is_absent || strcmp(v.text, codes[i]) == 0;
	json_free(doc);
	return is_absent;
}

/* GET, once more when it asks who we are. x->res holds the last answer. */
static enum oci_answer ask(struct registry *r, const char *path, const char *accept,
			   struct exchange *x, struct err *e)
{
	struct arena *a = r->store.probe->arena;
	const char *url = http_join(a, r->target->location,
				    arena_printf(a, "/v2/%s/%s", r->spec->repository, path));
	bool had_answer = r->authorization != NULL;

	if (!url) {
		(void)err_set(e, ERR_MEASURE, "\"%s\" is no path", str_escaped(a, path));
		return OCI_UNREADABLE;
	}
	int rc = get(r, url, accept, x, e);
	if (rc == 0 && x->res.status == 401) {
		/* A token ends; what was good for the last blob may need to be asked for again. */
		if (had_answer && str_starts(r->authorization, "Bearer "))
			r->authorization = NULL;
		rc = authenticate(r, &x->res, e);
		if (rc == 0)
			rc = get(r, url, accept, x, e);
	}
	if (rc < 0)
		return x->into->is_too_long ? OCI_HERE : OCI_UNREADABLE;
	if (x->res.status == 200)
		return OCI_HERE;
	if (says_absent(x))
		return OCI_ABSENT;
	(void)err_set(e, ERR_MEASURE, "the registry answers %ld%s", x->res.status,
		      x->res.status == 404 ? ", not in the words of a registry"
		      : x->res.status == 401 || x->res.status == 403
			      ? ": user or password are wrong, or do not "
				"suffice"
			      : "");
	return OCI_UNREADABLE;
}

static enum oci_answer fetch(struct oci_store *store, const struct oci_descriptor *d,
			     struct oci_blob *into, struct err *e)
{
	/* The store is the first member: this is the registry it is part of. */
	struct registry *r = (struct registry *)(void *)store;
	struct arena *a = store->probe->arena;
	bool is_manifest = oci_is_index(d->media_type) || oci_is_manifest(d->media_type);
	struct exchange x = {.into = into};

	buf_init(&x.words, MAX_ERROR_BYTES);
	enum oci_answer answer =
		ask(r, arena_printf(a, "%s/%s", is_manifest ? "manifests" : "blobs", d->digest),
		    is_manifest ? manifest_types : NULL, &x, e);
	buf_release(&x.words);
	return answer;
}

static const char *header_of(const struct http_response *res, const char *name)
{
	for (size_t i = 0; i < res->n_headers; i++)
		if (strcasecmp(res->headers[i].name, name) == 0)
			return res->headers[i].value;
	return NULL;
}

/* A document of which only the place is known. */
static enum oci_answer read_document(struct registry *r, const char *path, struct buf *text,
				     struct exchange *x, struct err *e)
{
	struct oci_blob blob;

	oci_blob_init(&blob, r->store.probe->arena, -1, text, false);
	x->into = &blob;
	enum oci_answer answer = ask(r, path, manifest_types, x, e);
	if (answer == OCI_HERE && blob.is_too_long) {
		(void)err_set(e, ERR_MEASURE, "the registry's answer is longer than a document is");
		answer = OCI_UNREADABLE;
	}
	oci_blob_release(&blob);
	return answer;
}

/* What the name stands for now. */
static int read_root(struct registry *r, struct oci_root *root, struct err *e)
{
	struct arena *a = r->store.probe->arena;
	struct exchange x = {.into = NULL};
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];
	struct buf text;
	int rc = 0;

	buf_init(&text, OCI_MAX_DOCUMENT);
	buf_init(&x.words, MAX_ERROR_BYTES);
	enum oci_answer answer =
		read_document(r, arena_printf(a, "manifests/%s", r->spec->ref), &text, &x, e);
	if (answer == OCI_HERE) {
		const char *claim = header_of(&x.res, "Docker-Content-Digest");
		const char *type = x.res.content_type;

		sha256_of(text.data, text.len, digest);
		sha256_hex(digest, hex);
		root->descriptor = (struct oci_descriptor){
			.media_type = arena_strndup(a, type, strcspn(type, "; ")),
			.digest = oci_is_digest(r->spec->ref) ? r->spec->ref
							      : arena_printf(a, "sha256:%s", hex),
			.size = (int64_t)text.len,
			.ref = r->spec->ref,
		};
		root->is_selected = true;
		root->claim = claim ? arena_strdup(a, claim) : NULL;
	} else if (answer == OCI_ABSENT) {
		rc = err_set(e, ERR_MEASURE, "there is no \"%s\"", str_escaped(a, r->spec->ref));
	} else {
		rc = -1;
	}
	buf_release(&x.words);
	buf_release(&text);
	return rc < 0 ? err_context(e, "%s", r->store.where) : 0;
}

static void close_session(void *session)
{
	http_session_free(session);
}

int oci_registry_open(struct probe *p, struct oci_store **store, struct oci_root *root,
		      struct err *e)
{
	const struct check *c = p->checks[0];
	const struct http_session_options options = {
		.clock = p->world->clock,
		.turns = p->world->turns,
		.is_cancelled = &p->world->is_interrupted,
	};
	struct registry *r = arena_alloc(p->arena, sizeof(*r));
	struct http_session_options *kept = arena_alloc(p->arena, sizeof(*kept));

	*kept = options; /* borrowed as long as the session */
	r->spec = c->spec;
	r->target = c->target;
	r->session = http_session_new(kept);
	arena_defer(p->arena, close_session, r->session);
	r->store = (struct oci_store){
		.fetch = fetch,
		.probe = p,
		.where = arena_printf(p->arena, "%s on %s", r->spec->repository, c->target->name),
	};
	if (read_root(r, root, e) < 0)
		return -1;
	*store = &r->store;
	return 0;
}

/* The list out of its text. */
static int read_list(struct registry *r, const struct buf *text, const struct http_response *res,
		     struct oci_root **roots, size_t *n, struct err *e)
{
	struct oci_document index;

	if (oci_document_parse(r->store.probe->arena, text->data, text->len, &index, e) < 0)
		return -1;
	if (!index.is_index)
		return err_set(e, ERR_MEASURE, "it is no index");
	if (header_of(res, "Link"))
		return err_set(e, ERR_MEASURE, "it goes on on another page, which is not followed");
	*roots = arena_array(r->store.probe->arena, index.n_items, sizeof(**roots));
	for (size_t i = 0; i < index.n_items; i++)
		(*roots)[i].descriptor = index.items[i];
	*n = index.n_items;
	return 0;
}

int oci_registry_referrers(struct oci_store *s, const char *digest, struct oci_root **roots,
			   size_t *n, struct err *e)
{
	struct registry *r = (struct registry *)(void *)s;
	struct arena *a = s->probe->arena;
	struct exchange x = {.into = NULL};
	struct err first = {.class = ERR_NONE};
	struct buf text;
	int rc = 0;

	*n = 0;
	buf_init(&text, OCI_MAX_DOCUMENT);
	buf_init(&x.words, MAX_ERROR_BYTES);
	enum oci_answer answer =
		read_document(r, arena_printf(a, "referrers/%s", digest), &text, &x, &first);
	/* A registry without that API has no words for it: there the list is a tag. */
	if (answer != OCI_HERE && x.res.status == 404) {
		buf_reset(&text);
		answer = read_document(r, arena_printf(a, "manifests/sha256-%s", digest + 7), &text,
				       &x, e);
	} else if (answer != OCI_HERE && e) {
		*e = first;
	}
	if (answer == OCI_HERE)
		rc = read_list(r, &text, &x.res, roots, n, e);
	else if (answer != OCI_ABSENT)
		rc = -1;
	buf_release(&x.words);
	buf_release(&text);
	return rc < 0 ? err_context(e, "the list of what refers to %s", oci_short(a, digest)) : 0;
}
