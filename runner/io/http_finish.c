/*
 * The end of a transfer: either a response, or one sentence that says what went wrong. The sentence
 * names the phase reached, because "timed out" alone sends people to the wrong machine.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/route.h"
#include "runner/io/http_internal.h"
#include "runner/io/tls_issuers.h"

static double seconds(CURL *easy, CURLINFO what)
{
	curl_off_t us = 0;

	if (curl_easy_getinfo(easy, what, &us) != CURLE_OK)
		return 0;
	return (double)us / 1e6;
}

static long number(CURL *easy, CURLINFO what)
{
	long n = 0;

	return curl_easy_getinfo(easy, what, &n) == CURLE_OK ? n : 0;
}

/* libcurl's own words, without the trailing newline some of them have. */
static const char *detail(struct http_transfer *t, CURLcode code)
{
	size_t n = strlen(t->curl_error);

	while (n > 0 && (t->curl_error[n - 1] == '\n' || t->curl_error[n - 1] == ' '))
		t->curl_error[--n] = '\0';
	return n > 0 ? t->curl_error : curl_easy_strerror(code);
}

static int explain_timeout(struct http_transfer *t, int64_t now_us, struct err *e)
{
	char after[NUM_REAL_MAX];

	(void)num_format_duration((now_us - t->begin_us) / 1000, after); /* cannot fail */
	if (t->n_raw > 0)
		return err_set(e, ERR_MEASURE,
			       "timed out after %s in the middle of the body, with %" PRId64
			       " bytes of it",
			       after, t->n_raw);
	if (t->head.status != 0)
		return err_set(e, ERR_MEASURE, "timed out after %s, the answer had only begun",
			       after);
	if (seconds(t->easy, CURLINFO_PRETRANSFER_TIME_T) > 0)
		return err_set(e, ERR_MEASURE, "timed out after %s waiting for an answer", after);
	if (seconds(t->easy, CURLINFO_CONNECT_TIME_T) > 0)
		return err_set(e, ERR_MEASURE, "timed out after %s in the TLS handshake", after);
	if (seconds(t->easy, CURLINFO_NAMELOOKUP_TIME_T) > 0)
		return err_set(e, ERR_MEASURE, "timed out after %s connecting", after);
	return err_set(e, ERR_MEASURE, "timed out after %s looking up the name", after);
}

static int explain_torn(struct http_transfer *t, struct err *e)
{
	if (t->head.has_length && !t->head.is_chunked)
		return err_set(e, ERR_MEASURE,
			       "the body is torn: it ended after %" PRId64 " of %" PRId64 " bytes",
			       t->n_raw, t->head.length);
	return err_set(e, ERR_MEASURE,
		       "the body is torn: its chunks ended after %" PRId64
		       " bytes without a last one",
		       t->n_raw);
}

/* libcurl does not say whether it means those of the server or those of the proxy. */
static int explain_issuers(struct http_transfer *t, CURLcode code, struct err *e)
{
	const char *of_proxy = t->route != NULL ? t->route->proxy_ca_file : NULL;

	if ((t->ca_file != NULL && tls_issuers_explain(t->ca_file, e)) ||
	    (of_proxy != NULL && tls_issuers_explain(of_proxy, e)))
		return -1;
	return err_set(e, ERR_MEASURE, "could not use ca_file \"%s\": %s",
		       t->ca_file != NULL ? t->ca_file
		       : of_proxy != NULL ? of_proxy
					  : "",
		       detail(t, code));
}

static int explain_broken(struct http_transfer *t, CURLcode code, struct err *e)
{
	long os = number(t->easy, CURLINFO_OS_ERRNO);
	const char *why = detail(t, code);

	if (strstr(why, "Too large response headers") != NULL) /* interim heads count as well */
		return err_set(e, ERR_MEASURE,
			       "the heads of the answer are larger than libcurl takes: %s", why);
	if (strstr(why, "chunked-encoding") != NULL)
		return err_set(e, ERR_MEASURE, "the chunked encoding of the body is broken: %s",
			       why);
	if (strstr(why, "reset") != NULL || os == ECONNRESET) {
		if (t->n_raw > 0)
			return err_set(e, ERR_MEASURE,
				       "the connection was reset in the middle of the body, after "
				       "%" PRId64 " bytes",
				       t->n_raw);
		return err_set(e, ERR_MEASURE, "the connection was reset before an answer");
	}
	return err_set(e, ERR_MEASURE, "the connection broke: %s", why);
}

static int explain(struct http_transfer *t, CURLcode code, int64_t now_us, struct err *e)
{
	long os = number(t->easy, CURLINFO_OS_ERRNO);

	if (http_route_explain(t, code, detail(t, code), e) != 0)
		return -1;
	/* libcurl has a hundred codes, so this switch has a default; it shows libcurl's own words.
	 */
	switch ((int)code) {
	case CURLE_OPERATION_TIMEDOUT:
		return explain_timeout(t, now_us, e);
	case CURLE_PARTIAL_FILE:
		return explain_torn(t, e);
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return explain_broken(t, code, e);
	case CURLE_COULDNT_RESOLVE_HOST:
		return err_set(e, ERR_MEASURE, "could not look up the name: %s", detail(t, code));
	case CURLE_COULDNT_CONNECT:
		if (os != 0)
			return err_set(e, ERR_MEASURE, "could not connect: %s", strerror((int)os));
		return err_set(e, ERR_MEASURE, "could not connect: %s", detail(t, code));
	case CURLE_OUT_OF_MEMORY: /* also of a line over its limit */
		if (!t->head.is_complete && t->request_us > 0)
			return err_set(e, ERR_MEASURE,
				       "a header line of the answer is longer than libcurl takes "
				       "(100 KiB)");
		return err_set(e, ERR_MEASURE, "the transfer failed: %s", detail(t, code));
	case CURLE_GOT_NOTHING:
		return err_set(e, ERR_MEASURE,
			       "the server closed the connection without an answer");
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return err_set(e, ERR_MEASURE, "the answer is not HTTP: %s", detail(t, code));
	case CURLE_PEER_FAILED_VERIFICATION:
		return err_set(e, ERR_MEASURE, "the server's certificate is not trusted: %s",
			       detail(t, code));
	case CURLE_SSL_CONNECT_ERROR:
		return err_set(e, ERR_MEASURE, "the TLS handshake failed: %s", detail(t, code));
	case CURLE_SSL_CACERT_BADFILE:
		return explain_issuers(t, code, e);
	default:
		return err_set(e, ERR_MEASURE, "the transfer failed: %s", detail(t, code));
	}
}

static bool is_bodiless(const struct http_transfer *t)
{
	return strcmp(t->method, "HEAD") == 0 || t->head.status == 204 || t->head.status == 304;
}

/* libcurl says all is well: is it? */
static int check_whole(struct http_transfer *t, struct err *e)
{
	if (http_route_check(t, e) != 0)
		return -1;
	if (is_bodiless(t))
		return 0;
	if (t->head.has_length && !t->head.is_chunked && t->n_raw != t->head.length)
		return explain_torn(t, e);
	if (t->head.coding == HTTP_CODING_GZIP &&
	    (t->gunzip == NULL || !http_gunzip_is_ended(t->gunzip)))
		return err_set(e, ERR_MEASURE,
			       "the body is torn: the gzip stream ends early, after %" PRId64
			       " bytes",
			       t->n_raw);
	return 0;
}

static const char *version(long v)
{
	switch (v) {
	case CURL_HTTP_VERSION_1_0:
		return "1.0";
	case CURL_HTTP_VERSION_2_0:
		return "2";
	case CURL_HTTP_VERSION_3:
		return "3";
	default: /* not an enum: a long that future libraries may extend */
		return "1.1";
	}
}

static void fill_times(struct http_transfer *t, int64_t now_us, struct http_response *res)
{
	/* Redirects came before: everything counts from the first request. */
	double before = (double)(t->request_us - t->begin_us) / 1e6;

	res->request_s = before;
	if (number(t->easy, CURLINFO_NUM_CONNECTS) > 0) {
		res->dns_s = before + seconds(t->easy, CURLINFO_NAMELOOKUP_TIME_T);
		res->connect_s = before + seconds(t->easy, CURLINFO_CONNECT_TIME_T);
		res->tls_s = seconds(t->easy, CURLINFO_APPCONNECT_TIME_T);
		if (res->tls_s > 0)
			res->tls_s += before;
	}
	res->first_byte_s = before + seconds(t->easy, CURLINFO_STARTTRANSFER_TIME_T);
	res->total_s = before + seconds(t->easy, CURLINFO_TOTAL_TIME_T);
	if (res->total_s <= 0)
		res->total_s = (double)(now_us - t->begin_us) / 1e6;
}

static void respond(struct http_transfer *t, int64_t now_us)
{
	const struct http_head *h = &t->head;
	struct http_header *headers = xmalloc((h->n_headers + 1) * sizeof(*headers));
	const char *at = h->lines.data;
	char *url = http_url_without_credentials(t->url);
	long v = number(t->easy, CURLINFO_HTTP_VERSION);
	struct http_response res = {
		.status = h->status,
		.http_version = version(v),
		.content_type = h->content_type > 0 ? h->lines.data + h->content_type : "",
		.url = url,
		.is_length_known = is_bodiless(t) || h->has_length || h->is_chunked ||
				   h->coding == HTTP_CODING_GZIP || /* its end was checked */
				   v == CURL_HTTP_VERSION_2_0 || v == CURL_HTTP_VERSION_3,
		.n_body_bytes = t->n_body,
		.n_redirects = t->max_redirects - t->redirects_left,
		.headers = headers,
		.n_headers = h->n_headers,
	};
	struct err none = {0};

	for (size_t i = 0; i < h->n_headers; i++) {
		headers[i].name = at;
		at += strlen(at) + 1;
		headers[i].value = at;
		at += strlen(at) + 1;
	}
	res.chain = http_chain_items(t->chain, &res.n_chain);
	fill_times(t, now_us, &res);
	t->handler.done(t->ctx, &res, &none);
	free(url);
	free(headers);
}

void http_transfer_fail(struct http_transfer *t, struct err *e)
{
	char *url = t->hides_url ? NULL : http_url_shown(t->url);

	if (url != NULL)
		(void)err_context(e, "%s %s", t->method, url); /* always -1 */
	free(url);
	t->handler.done(t->ctx, NULL, e);
}

void http_transfer_finish(struct http_transfer *t, CURLcode code, int64_t now_us)
{
	struct err e = {0};

	if (t->failure != NULL)
		e = *t->failure;
	else if (code != CURLE_OK)
		(void)explain(t, code, now_us, &e);
	else
		(void)check_whole(t, &e);
	if (e.class != ERR_NONE)
		http_transfer_fail(t, &e);
	else
		respond(t, now_us);
}
