/*
 * What web sources share: an address is taken apart into target and path, and the page behind it
 * is fetched once to see what it is. Nothing that could be a secret gets into the definition: not
 * from the address, and not from a header unless it names a variable of the environment.
 */
#include <string.h>
#include <strings.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/init.h"
#include "runner/io/file.h"
#include "runner/io/http.h"
#include "runner/io/http_fetch.h"

#define TIMEOUT_MS	   30000
#define MAX_TRANSFER_BYTES (INT64_C(128) << 20)
#define MAX_REDIRECTS	   5

bool init_is_secret_name(const char *name)
{
	static const char *const words[] = {"token",   "secret",     "passw",	  "passphrase",
					    "apikey",  "api_key",    "api-key",	  "access_key",
					    "private", "credential", "session",	  "cookie",
					    "csrf",    "nonce",	     "signature", "authorization"};
	static const char *const whole[] = {"key", "auth", "sig", "pwd", "code", "otp", "pin"};

	for (const char *at = name; *at; at++)
		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
			if (strncasecmp(at, words[i], strlen(words[i])) == 0)
				return true;
	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++)
		if (strcasecmp(name, whole[i]) == 0)
			return true;
	return false;
}

/* "a" of "?a=1&b=2", one after the other; NULL behind the last. */
static const char *next_parameter(struct arena *a, const char **at)
{
	const char *begin = *at;
	size_t n = strcspn(begin, "=&;");

	if (!*begin)
		return NULL;
	*at = begin + strcspn(begin, "&;");
	*at += **at != '\0';
	return arena_strndup(a, begin, n);
}

static int check_query(struct arena *a, const char *path, struct err *e)
{
	const char *at = strchr(path, '?'), *name;

	for (at = at ? at + 1 : ""; (name = next_parameter(a, &at)) != NULL;) {
		if (!init_is_secret_name(name))
			continue;
		(void)err_set(e, ERR_USAGE,
			      "\"%s\" in the query of the URL may be a secret, and would be "
			      "written down",
			      str_escaped(a, name)); /* -1 below */
		return err_help(e,
				"name the URL without it, then write path: \"...?%s=${env:NAME}\" "
				"into the definition",
				str_escaped(a, name));
	}
	return 0;
}

/* "NAME: VALUE", whose value is no secret or names a variable of the environment. */
static int check_header(struct init *in, const char *header, struct err *e)
{
	struct arena *a = in->app->arena;
	const char *colon = strchr(header, ':');
	const char *name = colon ? arena_strndup(a, header, (size_t)(colon - header)) : header;

	if (!colon || colon == header || !colon[1 + strspn(colon + 1, " ")] ||
	    !str_is_utf8(header, strlen(header))) {
		(void)err_set(e, ERR_USAGE, "cannot read --header: it is \"NAME: VALUE\"");
		return err_help(e, "--header 'Authorization: Bearer ${env:API_TOKEN}'");
	}
	if (!init_is_secret_name(name) || strstr(colon, "${env:") || strstr(colon, "${file:"))
		return 0;
	(void)err_set(e, ERR_USAGE,
		      "the value of header \"%s\" is a secret, and would be written down",
		      str_escaped(a, name)); /* -1 below */
	return err_help(e,
			"put it into the environment and name it there, in single quotes: "
			"--header '%s: ${env:NAME}'",
			str_escaped(a, name));
}

/* As everywhere in assize, and with what to do here. */
static int check_address(const char *url, struct err *e)
{
	const char *host = strstr(url, "://");

	if (host && memchr(host + 3, '@', strcspn(host + 3, "/?#"))) {
		(void)err_set(e, ERR_USAGE,
			      "a URL must not carry a user name or password"); /* -1 below */
		return err_help(e, "name it without them, and the variable of the secret beside "
				   "it: --header 'Authorization: Basic ${env:NAME}' or 'Bearer "
				   "...'");
	}
	if (!str_is_utf8(url, strlen(url)))
		return err_set(e, ERR_USAGE, "a definition cannot hold the URL \"%s\"", url);
	if (http_check_url(url, e) == 0)
		return 0;
	e->class = ERR_USAGE;
	return -1;
}

int init_url_begin(struct init *in, struct init_subject *s, struct init_url *out, struct err *e)
{
	struct arena *a = in->app->arena;
	const char *host, *path;
	size_t n_host;

	for (size_t i = 0; i < in->o.headers.n; i++)
		if (check_header(in, in->o.headers.items[i], e) != 0)
			return -1;
	if (check_address(s->given, e) != 0)
		return -1;
	host = strstr(s->given, "://") + 3;
	n_host = strcspn(host, "/?#");
	path = arena_strndup(a, host + n_host, strcspn(host + n_host, "#"));
	out->origin = arena_strndup(a, s->given, (size_t)(host + n_host - s->given));
	out->path = path[0] == '/' ? path : arena_printf(a, "/%s", path);
	out->init = in;
	s->title = s->given;
	out->is_https = strncasecmp(s->given, "https:", 6) == 0;
	init_name(in, s, host, strcspn(host, ":/?#"), s->source->option);
	return check_query(a, out->path, e);
}

void init_url_target(const struct init_subject *s, const struct init_url *url, struct buf *out,
		     bool is_draft)
{
	const struct init *in = url->init;
	const struct texts *headers = &in->o.headers;

	(void)buf_printf(out, "  %s: { http: ", s->name);
	init_put_text(out, url->origin);
	for (size_t i = 0; i < headers->n; i++) {
		const char *colon = strchr(headers->items[i], ':');
		const char *name = arena_strndup(s->arena, headers->items[i],
						 (size_t)(colon - headers->items[i]));

		(void)buf_puts(out, i == 0 ? ", headers: { " : ", ");
		init_put_text(out, name);
		(void)buf_puts(out, ": ");
		init_put_verbatim(out, colon + 1 + strspn(colon + 1, " "));
	}
	(void)buf_puts(out, headers->n > 0 ? " }" : "");
	if (in->o.ca_file && url->is_https) {
		const char *path = file_absolute(s->arena, in->app->cwd, in->o.ca_file);

		(void)buf_puts(out, ", ca_file: ");
		init_put_text(out, is_draft ? path : init_path(in, path));
	}
	(void)buf_puts(out, " }\n");
}

/* The beginning of a body. */
static int keep(void *ctx, const char *data, size_t n, struct err *e)
{
	struct buf *text = ctx;
	size_t room = INIT_MAX_PAGE - text->len;

	(void)e; /* a long body is no failure */
	return buf_add(text, data, n < room ? n : room);
}

/* url: what was asked, as it was given where that is all of it. */
static int check_status(const char *url, const struct http_response *res, struct err *e)
{
	if (res->status >= 200 && res->status < 300)
		return 0;
	(void)err_set(e, ERR_MEASURE, "%s: answered %ld, which is nothing to begin with", url,
		      res->status); /* -1 below */
	if (res->status == 401 || res->status == 403)
		return err_help(e, "say who asks: --header 'Authorization: Bearer ${env:NAME}'");
	return err_help(e, res->status >= 500 ? "begin when it is well"
					      : "name a page that answers 200");
}

int init_url_fetch(struct init *in, const struct init_subject *s, const char *path,
		   const char *accept, struct init_page *out, struct err *e)
{
	struct arena *a = in->app->arena;
	struct http_session_options options = {.clock = &in->app->clock};
	struct http_session *session = http_session_new(&options);
	struct http_request req = {
		.url = http_join(a, s->target->location, path),
		.headers = &s->target->headers,
		.ca_file = s->target->ca_file,
		.route = &s->target->route,
		.accept = accept,
		.deadline_ms = clock_monotonic_ms(&in->app->clock) + TIMEOUT_MS,
		.max_body_bytes = MAX_TRANSFER_BYTES,
		.max_redirects = MAX_REDIRECTS,
	};
	bool is_more = strlen(req.url) > strlen(s->given) + 1; /* than a / behind it */
	const char *asked = is_more ? req.url : s->given;
	struct http_response res;
	struct buf body;
	int rc;

	buf_init(&body, INIT_MAX_PAGE);
	rc = http_fetch(session, &req, &(struct http_sink){keep, &body}, &res, e);
	if (rc != 0)
		(void)err_context(e, "%s", asked); /* always -1 */
	else
		rc = check_status(asked, &res, e);
	if (rc == 0)
		*out = (struct init_page){
			.status = res.status,
			.n_redirects = res.n_redirects,
			.content_type = arena_strdup(a, res.content_type),
			.url = arena_strdup(a, res.url),
			.is_length_known = res.is_length_known,
			.n_bytes = res.n_body_bytes,
			.body = arena_strndup(a, body.len > 0 ? body.data : "", body.len),
			.n_body = body.len,
		};
	buf_release(&body);
	http_session_free(session);
	return rc;
}
