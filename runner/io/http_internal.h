/*
 * http_internal: what the files of the HTTP door share; private to runner/io/http*.c and
 * runner/io/mail.c.
 *
 * http.c owns the loop: turns and epoll; http_hosts.h the queues. http_transfer.c owns one
 * transfer: what curl is told, what its callbacks learn, what a failure is called. http_gunzip.c
 * decodes, because libcurl does not notice a gzip stream that ends early. http_url.c takes URLs
 * apart.
 */
#ifndef ASSIZE_IO_HTTP_INTERNAL_H
#define ASSIZE_IO_HTTP_INTERNAL_H

#include "runner/base/buf.h"
#include "runner/io/http.h"
#include "runner/io/http_gunzip.h"
#include "runner/io/http_library.h"

/* All header lines of one response. Real ones are below 16 KiB. */
#define HTTP_MAX_HEAD_BYTES (256 * 1024)
#define HTTP_MAX_HEADERS    1000

struct http_chain;
struct http_host;

enum http_coding { HTTP_CODING_IDENTITY, HTTP_CODING_GZIP, HTTP_CODING_UNKNOWN };

/* What the head of the present response said. */
struct http_head {
	long status;
	bool is_complete; /* what follows are trailers */
	bool is_chunked, has_length;
	size_t n_trailer_bytes;
	int64_t length;
	enum http_coding coding;
	struct buf lines; /* name NUL value NUL ... */
	size_t n_headers;
	size_t location; /* offset of the value in lines; 0 = none, since a name stands before it */
	size_t content_type, content_encoding, retry_after;
};

struct http_transfer {
	struct http_loop *loop;
	struct http_host *host;
	struct http_transfer *next, *prev; /* in the loop's queue or list of active ones */
	struct http_handler handler;
	void *ctx;

	/* the request; text is owned, except headers and body */
	char *method, *url, *ca_file, *accept;
	const struct pairs *headers, *extra_headers;
	size_t n_sent; /* of body; 0 = its length as text */
	const char *body;
	const struct route *route;
	bool is_fresh, wants_chain, hides_url;
	struct http_preview *preview;
	int64_t deadline_ms, timeout_ms, max_body_bytes;
	long redirects_left, max_redirects, max_connections;
	bool is_other_origin; /* after a redirect: the target's headers stay behind */

	/* the transfer */
	CURL *easy;
	struct curl_slist *lines;
	char curl_error[CURL_ERROR_SIZE];
	int64_t not_before_us;
	int64_t begin_us; /* of the first request when redirects were followed; 0 = not yet */
	int64_t request_us;
	int64_t queued_us; /* a redirect waits for its turn since */
	struct http_head head;
	int64_t n_raw, n_body; /* body bytes as received, and decoded */
	struct http_gunzip *gunzip;
	struct http_chain *chain; /* read once the head begins, when it is wanted; owned */
	struct err *failure;	  /* set by a callback that stopped the transfer; owned */
};

/* http_transfer.c */
struct http_transfer *http_transfer_new(struct http_loop *l, const struct http_request *req,
					const struct http_handler *handler, void *ctx);
void http_transfer_free(struct http_transfer *t);
/* Makes t->lines, what is sent as headers, in curl's language. */
int http_transfer_headers(struct http_transfer *t, struct err *e);
/* Tells curl everything about the next request of t. t->easy is set and fresh. */
int http_transfer_prepare(struct http_transfer *t, int64_t now_ms, long buffer_bytes,
			  struct err *e);
/* Should the response in t->head be followed elsewhere? Takes on the new URL. -1 = refused. */
int http_transfer_redirect(struct http_transfer *t, bool *is_followed, struct err *e);
/* Calls done, once, with the response or with what went wrong. */
void http_transfer_finish(struct http_transfer *t, CURLcode code, int64_t now_us);
/* Calls done with an error the loop found. */
void http_transfer_fail(struct http_transfer *t, struct err *e);

/* Options whose failure could only mean exhausted memory or a libcurl too old to link with. */
#define HTTP_SET(t, e, option, value)                                                              \
	do {                                                                                       \
		if (curl_easy_setopt((t)->easy, option, value) != CURLE_OK)                        \
			return err_set(e, ERR_INTERNAL, "libcurl refused " #option);               \
	} while (0)

/*
 * http_route.c: whom to trust, in a file or in held content (file_hold()); the options are those
 * for a path and for bytes.
 */
int http_set_issuers(CURL *easy, CURLoption path, CURLoption blob, const char *name, struct err *e);
/* http_route.c: proxy, client certificate, version of HTTP. */
int http_route_prepare(struct http_transfer *t, struct err *e);
/* Does a failure that libcurl words so belong to them? Then -1 with better words, else 0. */
int http_route_explain(struct http_transfer *t, CURLcode code, const char *why, struct err *e);
/* libcurl is content: -1 when the answer is not what the route demands. */
int http_route_check(struct http_transfer *t, struct err *e);

/* http_chain.c */
/* Reads the certificates of t's present connection, if it has some, into t->chain. -1: too many. */
int http_chain_read(struct http_transfer *t, struct err *e);
const struct http_certificate *http_chain_items(const struct http_chain *c, size_t *n);
void http_chain_free(struct http_chain *c); /* NULL is allowed */

/* http_url.c; results are owned by the caller */
/* "http://host:8080", port always there; NULL when url cannot be parsed. */
char *http_url_origin(const char *url);
/* location as seen from base; NULL when it cannot be parsed. */
char *http_url_resolve(const char *base, const char *location);
bool http_url_is_http(const char *url);
char *http_url_without_credentials(const char *url);
/*
 * The same for a message: of a long one the host alone. A part of it could end within a secret,
 * which nobody would recognise and mask.
 */
char *http_url_shown(const char *url);

#endif
