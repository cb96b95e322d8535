/*
 * http: one curl multi loop, the only door to libcurl.
 *
 * One loop belongs to one thread. Transfers are added by http_start() from that thread (or from the
 * wake callback); http_loop_run() drives them until http_loop_stop(). http_loop_wake() may be
 * called from any thread. Caps: per-host connections, total transfers in flight; the rest wait in
 * the loop's queue.
 *
 * A body is delivered decoded, in pieces, to on_body. done is called exactly once per transfer. It
 * is an error (ERR_MEASURE), each with its own message: refused, reset, name unknown, TLS, timeout
 * (naming the phase reached), a body shorter than its Content-Length, chunked encoding cut short, a
 * gzip stream that ends early or has bytes behind it, too many redirects, a redirect to a scheme
 * other than http and https, a body over max_body_bytes. A close-delimited body (no length, no
 * chunking) cannot be told from a torn one: is_length_known is false and the kinds look for another
 * proof or refuse it.
 */
#ifndef ASSIZE_IO_HTTP_H
#define ASSIZE_IO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct clock;
struct err;
struct http_loop;
struct http_turns;
struct library_version;
struct pairs;
struct route;

/* What is known before the body: lets a reader of a stream choose how to read it. */
struct http_preview {
	long status;
	char content_type[128]; /* "" when absent, cut when longer */
	char retry_after[64];	/* same */
};

/* The methods a definition may name; NULL behind the last. */
extern const char *const http_methods[];

struct http_request {
	const char *method; /* GET when NULL */
	const char *url;
	const struct pairs *headers;	   /* of the target; NULL = none. Borrowed until done */
	const struct pairs *extra_headers; /* of the check; override */
	const char *body;		   /* NULL = none; Borrowed until done */
	size_t n_body;			   /* of one that is no text; 0 = its length as text */
	const char *ca_file;
	const char *accept;
	const struct route *route; /* NULL = directly. Borrowed until done */
	bool is_fresh;		   /* on a connection of its own, so that every phase happens */
	bool wants_chain;	   /* the certificates, through the response */
	bool hides_url;		   /* it is a secret: no failure names it */
	int64_t deadline_ms;	   /* monotonic; everything is included */
	/*
	 * On the loop: how long all of it may take, counted from the start of the first request; a
	 * wait for a turn at a host is not part of it. With it, deadline_ms is not looked at. 0 =
	 * the deadline alone.
	 */
	int64_t timeout_ms;
	int64_t delay_ms;	/* on the loop: begin no sooner, and wait for a turn only then */
	int64_t max_body_bytes; /* after decoding */
	long max_redirects;	/* 0 = a redirect is an answer like any other */
	long max_connections;	/* to this origin at once; 0 = as the loop was told */
	/* NULL, or filled before the first call of on_body; the caller's, until done. */
	struct http_preview *preview;
};

struct http_header {
	const char *name, *value;
};

/* One the server sent, or one the chain was built of on this side. */
struct http_certificate {
	const char *subject; /* "/CN=example.com" */
	int64_t not_after_s; /* Unix seconds */
};

struct http_response {
	long status;
	const char *http_version; /* "1.1", "2" */
	const char *content_type; /* "" when absent */
	const char *url;	  /* after redirects, credentials removed */
	bool is_length_known;	  /* Content-Length, chunked, gzip, HTTP/2: the end was marked */
	int64_t n_body_bytes;
	/* seconds since the start; dns, connect and tls are 0 when a connection was reused */
	double dns_s, connect_s, tls_s, first_byte_s, total_s;
	double request_s; /* when the last request began: redirects came before it */
	long n_redirects;
	const struct http_certificate *chain; /* when wanted; NULL without TLS */
	size_t n_chain;
	const struct http_header *headers;
	size_t n_headers;
};

/*
 * How many bytes of a URL, or of what a redirect leads to, are credentials with their '@', and
 * where: nobody may see them. 0 = none are. It need not be a sound one.
 */
size_t http_url_credentials(const char *url, size_t *at);

struct http_handler {
	/* MAY be NULL. Called when the first request is sent: its turn has come. */
	void (*started)(void *ctx);
	int (*on_body)(void *ctx, const char *data, size_t n, struct err *e);
	/* res is NULL when the transfer failed; e says why. */
	void (*done)(void *ctx, const struct http_response *res, struct err *e);
};

struct http_loop *http_loop_new(const struct clock *clock, long max_total, long max_per_host);
void http_loop_free(struct http_loop *l);
/* Others ask the same hosts: the caps hold for all together. Before the first transfer. */
void http_loop_share(struct http_loop *l, struct http_turns *turns);
/* on_wake runs on the loop's thread each time it was woken; it starts transfers. */
void http_loop_run(struct http_loop *l, void (*on_wake)(void *ctx), void *ctx);
void http_loop_wake(struct http_loop *l);
/* From on_wake or done: the loop returns after cancelling (done is called) what is left. */
void http_loop_stop(struct http_loop *l);

/* Header text and body are borrowed until done. -1: cannot even start; done is not called. */
int http_start(struct http_loop *l, const struct http_request *req,
	       const struct http_handler *handler, void *ctx, struct err *e);

/*
 * How long a server that answers 429 or 503 asks to be left alone: Retry-After, in seconds or as a
 * date (RFC 9110, 10.2.3). 0 = no wish, one that cannot be read, or a date that has passed; a wish
 * for more than HTTP_RETRY_MAX_MS is that.
 */
#define HTTP_RETRY_MAX_MS (INT64_C(366) * 24 * 3600 * 1000)
int64_t http_retry_after_ms(const struct http_response *res, int64_t now_ms);
/* The same of a status and the header's value, for who stops before the body. */
int64_t http_retry_wish_ms(long status, const char *retry_after, int64_t now_ms);

/* When its server says it was made (Date), Unix milliseconds; -1 = it does not say. */
int64_t http_date_ms(const struct http_response *res);

/* Of libcurl; -1: it cannot be used. */
int http_version(struct arena *a, struct library_version *out, struct err *e);

/*
 * "http://host:port" + path, exactly one slash between. path may be an absolute URL of the same
 * origin; one of another origin gives NULL, because the target's headers must not go there.
 */
const char *http_join(struct arena *a, const char *base, const char *path);
/* Is this an http or https URL curl can parse, without credentials in it? e says what is wrong. */
int http_check_url(const char *url, struct err *e);

#endif
