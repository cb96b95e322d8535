/*
 * URLs are taken apart by curl's own parser, so that what is checked is what is fetched.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/http_internal.h"

#define MAX_SHOWN 200 /* bytes of a URL in a message */

/* The text of one part as our own memory; NULL = absent. */
static char *part(CURLU *u, CURLUPart what, unsigned flags)
{
	char *theirs = NULL, *ours;

	if (curl_url_get(u, what, &theirs, flags) != CURLUE_OK || theirs == NULL)
		return NULL;
	ours = xstrdup(theirs);
	curl_free(theirs);
	return ours;
}

static CURLU *parse(const char *url, unsigned flags, CURLUcode *why)
{
	CURLU *u;

	*why = CURLUE_OUT_OF_MEMORY;
	if (http_library(NULL) < 0)
		return NULL;
	u = curl_url();
	if (u == NULL)
		oom();
	*why = curl_url_set(u, CURLUPART_URL, url, flags);
	if (*why == CURLUE_OK)
		return u;
	curl_url_cleanup(u);
	return NULL;
}

bool http_url_is_http(const char *url)
{
	return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

static bool has_credentials(CURLU *u)
{
	char *user = part(u, CURLUPART_USER, 0), *password = part(u, CURLUPART_PASSWORD, 0);
	bool has = user != NULL || password != NULL;

	free(user);
	free(password);
	return has;
}

static bool has_space_or_control(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return true;
	return false;
}

int http_check_url(const char *url, struct err *e)
{
	CURLUcode why;
	CURLU *u;
	bool is_secretive;

	if (!http_url_is_http(url)) {
		(void)err_set(e, ERR_DEFINITION, "\"%s\" is not an http or https URL", url);
		return err_help(e, "write it in full, like \"http://127.0.0.1:9100\"");
	}
	if (has_space_or_control(url))
		return err_set(e, ERR_DEFINITION, "URL \"%s\" holds a space or a control byte",
			       url);
	if (http_library(e) < 0)
		return -1;
	u = parse(url, 0, &why);
	if (u == NULL)
		return err_set(e, ERR_DEFINITION, "cannot use URL \"%s\": %s", url,
			       curl_url_strerror(why));
	is_secretive = has_credentials(u);
	curl_url_cleanup(u);
	if (is_secretive) {
		(void)err_set(e, ERR_DEFINITION, "a URL must not carry a user name or password");
		return err_help(e, "write headers: { Authorization: \"Basic ${env:NAME}\" }, or "
				   "\"Bearer ${env:NAME}\", at the target");
	}
	return 0;
}

char *http_url_origin(const char *url)
{
	CURLUcode why;
	CURLU *u = parse(url, 0, &why);
	char *scheme, *host, *port, *origin = NULL;

	if (u == NULL)
		return NULL;
	scheme = part(u, CURLUPART_SCHEME, 0);
	host = part(u, CURLUPART_HOST, 0);
	port = part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	if (scheme != NULL && host != NULL && port != NULL) {
		size_t n = strlen(scheme) + strlen(host) + strlen(port) + 5;

		origin = xmalloc(n);
		(void)snprintf(origin, n, "%s://%s:%s", scheme, host, port); /* n is exact */
		for (char *p = origin; *p != '\0'; p++)
			*p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
	}
	free(scheme);
	free(host);
	free(port);
	curl_url_cleanup(u);
	return origin;
}

char *http_url_resolve(const char *base, const char *location)
{
	CURLUcode why;
	CURLU *u = parse(base, 0, &why);
	char *out = NULL;

	if (u == NULL)
		return NULL;
	if (curl_url_set(u, CURLUPART_URL, location, CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE) ==
	    CURLUE_OK)
		out = part(u, CURLUPART_URL, 0);
	curl_url_cleanup(u);
	return out;
}

char *http_url_without_credentials(const char *url)
{
	CURLUcode why;
	CURLU *u = parse(url, CURLU_NON_SUPPORT_SCHEME, &why);
	char *out;

	if (u == NULL)
		return xstrdup("");
	/* Clearing a part cannot fail. */
	(void)curl_url_set(u, CURLUPART_USER, NULL, 0);
	(void)curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
	out = part(u, CURLUPART_URL, 0);
	curl_url_cleanup(u);
	return out != NULL ? out : xstrdup("");
}

char *http_url_shown(const char *url)
{
	char *shown = http_url_without_credentials(url), *host = strstr(shown, "://"), *cut;
	size_t n_host;

	if (host == NULL || strlen(shown) <= MAX_SHOWN)
		return shown;
	n_host = (size_t)(host - shown) + 3 + strcspn(host + 3, "/?#");
	if (n_host > MAX_SHOWN) /* longer than any name is */
		n_host = MAX_SHOWN;
	cut = xmalloc(n_host + sizeof("/..."));
	(void)snprintf(cut, n_host + sizeof("/..."), "%.*s/...", (int)n_host, shown); /* exact */
	free(shown);
	return cut;
}

size_t http_url_credentials(const char *url, size_t *at)
{
	size_t scheme = strcspn(url, ":/?#"), n, end;

	*at = url[scheme] == ':' ? scheme + 1 : 0;
	n = strspn(url + *at, "/\\");
	if (n == 0 || (*at == 0 && n < 2)) /* a path, or of a scheme without hosts */
		return 0;
	*at += n;
	end = strcspn(url + *at, "/\\?#");
	while (end > 0 && url[*at + end - 1] != '@')
		end--;
	return end;
}

const char *http_join(struct arena *a, const char *base, const char *path)
{
	size_t n = strlen(base);

	if (http_url_is_http(path)) {
		char *ours = http_url_origin(base), *theirs = http_url_origin(path);
		bool is_same = ours != NULL && str_equal(ours, theirs);

		free(ours);
		free(theirs);
		return is_same ? arena_strdup(a, path) : NULL;
	}
	while (n > 0 && base[n - 1] == '/')
		n--;
	path += strspn(path, "/");
	return arena_printf(a, "%.*s/%s", (int)n, base, path);
}
