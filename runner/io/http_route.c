/*
 * Proxies, client certificates and the version of HTTP: what curl is told, and what their failures
 * are called. The environment is never asked, so that a run says the same wherever it runs. A
 * client certificate is shown to the target's own origin only, like its headers.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/route.h"
#include "runner/io/file.h"
#include "runner/io/http_internal.h"

#define MAX_ISSUERS_BYTES ((size_t)16 << 20)

/* A look, because libssl would wait for a named pipe, and everybody in this thread with it. */
static int set_path(CURL *easy, CURLoption option, const char *name, struct err *e)
{
	struct stat st;
	int fd = file_open(name, &st, e);

	if (fd < 0)
		return err_context(e, "could not use ca_file \"%s\"", name);
	(void)close(fd); /* nothing was read from it */
	return curl_easy_setopt(easy, option, name) == CURLE_OK
		       ? 0
		       : err_set(e, ERR_INTERNAL, "libcurl refused the path \"%s\"", name);
}

int http_set_issuers(CURL *easy, CURLoption path, CURLoption blob, const char *name, struct err *e)
{
	struct curl_blob content = {.flags = CURL_BLOB_COPY};
	struct buf text;
	int rc = 0;

	if (!file_is_held_name(name))
		return set_path(easy, path, name, e);
	buf_init(&text, MAX_ISSUERS_BYTES);
	if (file_read(name, &text, e) < 0) {
		rc = -1;
	} else {
		content.data = text.data;
		content.len = text.len;
		if (curl_easy_setopt(easy, blob, &content) != CURLE_OK)
			rc = err_set(e, ERR_INTERNAL, "libcurl refused certificates of \"%s\"",
				     name);
	}
	buf_release(&text);
	return rc;
}

static int set_proxy(struct http_transfer *t, const struct route *r, struct err *e)
{
	if (r->proxy_user != NULL)
		HTTP_SET(t, e, CURLOPT_PROXYUSERNAME, r->proxy_user);
	if (r->proxy_password != NULL)
		HTTP_SET(t, e, CURLOPT_PROXYPASSWORD, r->proxy_password);
	if (r->proxy_ca_file != NULL) {
		if (http_set_issuers(t->easy, CURLOPT_PROXY_CAINFO, CURLOPT_PROXY_CAINFO_BLOB,
				     r->proxy_ca_file, e) != 0)
			return -1;
		HTTP_SET(t, e, CURLOPT_PROXY_CAPATH, NULL);
	}
	/* The head of the answer to CONNECT is not the server's; our headers are not the proxy's.
	 */
	HTTP_SET(t, e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	HTTP_SET(t, e, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	return 0;
}

static int set_client(struct http_transfer *t, const struct route *r, struct err *e)
{
	if (r->cert_file == NULL || t->is_other_origin)
		return 0;
	HTTP_SET(t, e, CURLOPT_SSLCERT, r->cert_file);
	HTTP_SET(t, e, CURLOPT_SSLKEY, r->key_file != NULL ? r->key_file : r->cert_file);
	if (r->key_password != NULL)
		HTTP_SET(t, e, CURLOPT_KEYPASSWD, r->key_password);
	return 0;
}

static bool is_https(const struct http_transfer *t)
{
	return strncmp(t->url, "https:", 6) == 0;
}

int http_route_prepare(struct http_transfer *t, struct err *e)
{
	const struct route *r = t->route;

	HTTP_SET(t, e, CURLOPT_PROXY, r != NULL && r->proxy != NULL ? r->proxy : "");
	HTTP_SET(t, e, CURLOPT_NOPROXY, "");
	if (t->is_fresh)
		HTTP_SET(t, e, CURLOPT_FRESH_CONNECT, 1L);
	if (r == NULL)
		return 0;
	if (r->proxy != NULL && set_proxy(t, r, e) != 0)
		return -1;
	if (set_client(t, r, e) != 0)
		return -1;
	switch ((enum route_http)r->http_version) {
	case ROUTE_HTTP_AUTO:
		break;
	case ROUTE_HTTP_1_1:
		HTTP_SET(t, e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
		break;
	case ROUTE_HTTP_2:
		HTTP_SET(t, e, CURLOPT_HTTP_VERSION,
			 (long)(is_https(t) ? CURL_HTTP_VERSION_2TLS
					    : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE));
		break;
	}
	return 0;
}

/* ---- failures ---- */

static long number(const struct http_transfer *t, CURLINFO what)
{
	long n = 0;

	return curl_easy_getinfo(t->easy, what, &n) == CURLE_OK ? n : 0;
}

static bool wants_http_2(const struct http_transfer *t)
{
	return t->route != NULL && t->route->http_version == ROUTE_HTTP_2;
}

static int explain_proxy(struct http_transfer *t, CURLcode code, const char *why, struct err *e)
{
	long connect = number(t, CURLINFO_HTTP_CONNECTCODE), os = number(t, CURLINFO_OS_ERRNO);

	if (connect == 407) {
		(void)err_set(e, ERR_MEASURE,
			      "the proxy refuses to connect: it wants other "
			      "credentials (407)");
		return err_help(e, "look at proxy_user and proxy_password of the target");
	}
	if (connect >= 300)
		return err_set(e, ERR_MEASURE, "the proxy refuses to connect: it answered %ld",
			       connect);
	switch ((int)code) {
	case CURLE_COULDNT_RESOLVE_PROXY:
		return err_set(e, ERR_MEASURE, "could not look up the name of the proxy: %s", why);
	case CURLE_COULDNT_CONNECT:
		return err_set(e, ERR_MEASURE, "could not connect to the proxy: %s",
			       os != 0 ? strerror((int)os) : why);
	case CURLE_PROXY:
		return err_set(e, ERR_MEASURE, "the proxy could not connect: %s", why);
	default: /* libcurl has a hundred codes; the others are not about the proxy */
		return 0;
	}
}

static int explain_http_2(struct http_transfer *t, CURLcode code, const char *why, struct err *e)
{
	switch ((int)code) {
	case CURLE_HTTP2_STREAM:
		if (t->n_raw > 0)
			return err_set(e, ERR_MEASURE,
				       "the server reset the HTTP/2 stream in the middle of the "
				       "body, after %" PRId64 " bytes",
				       t->n_raw);
		return err_set(e, ERR_MEASURE, "the server reset the HTTP/2 stream: %s", why);
	case CURLE_GOT_NOTHING:
		if (wants_http_2(t) && !is_https(t))
			return err_set(e, ERR_MEASURE,
				       "the server does not speak HTTP/2 without TLS: it closed "
				       "the connection without an answer");
		return 0;
	case CURLE_HTTP2:
		if (wants_http_2(t) && t->head.status == 0 && !is_https(t))
			return err_set(e, ERR_MEASURE, "the server does not speak HTTP/2: %s", why);
		return err_set(e, ERR_MEASURE, "the HTTP/2 connection broke: %s", why);
	default: /* see above */
		return 0;
	}
}

/* TLS alerts about us, by which OpenSSL's words end. */
static int explain_client(struct http_transfer *t, CURLcode code, const char *why, struct err *e)
{
	bool has_certificate = t->route != NULL && t->route->cert_file != NULL;

	if (code == CURLE_SSL_CERTPROBLEM)
		return err_set(e, ERR_MEASURE, "could not use cert_file and key_file: %s", why);
	if (strstr(why, "alert certificate required") != NULL)
		return err_set(e, ERR_MEASURE,
			       has_certificate ? "the server did not take the client certificate"
					       : "the server wants a client certificate "
						 "(cert_file of the target)");
	if (has_certificate && strstr(why, " alert ") != NULL &&
	    (strstr(why, "certificate") != NULL || strstr(why, "unknown ca") != NULL))
		return err_set(e, ERR_MEASURE, "the server refuses the client certificate: %s",
			       why);
	return 0;
}

int http_route_explain(struct http_transfer *t, CURLcode code, const char *why, struct err *e)
{
	if (t->route != NULL && t->route->proxy != NULL && explain_proxy(t, code, why, e) != 0)
		return -1;
	if (explain_http_2(t, code, why, e) != 0)
		return -1;
	return explain_client(t, code, why, e);
}

int http_route_check(struct http_transfer *t, struct err *e)
{
	bool has_proxy = t->route != NULL && t->route->proxy != NULL;

	if (has_proxy && t->head.status == 407) {
		(void)err_set(e, ERR_MEASURE, "the proxy wants other credentials (407)");
		return err_help(e, "look at proxy_user and proxy_password of the target");
	}
	if (wants_http_2(t) && number(t, CURLINFO_HTTP_VERSION) != CURL_HTTP_VERSION_2_0)
		return err_set(e, ERR_MEASURE,
			       "the server does not speak HTTP/2: it answered in an older "
			       "version");
	return 0;
}
