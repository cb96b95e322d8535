/*
 * http_curl: the same request for curl(1), so that a person can repeat what assize asked.
 */
#ifndef ASSIZE_IO_HTTP_CURL_H
#define ASSIZE_IO_HTTP_CURL_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;
struct http_request;
struct pairs;

/* What a request has beside itself; NULL or zero = nothing. */
struct http_curl_more {
	const struct pairs *form; /* in place of a body: names encoded, values for curl to encode */
	const char *cookies;	  /* file to keep them in */
};

/*
 * Does curl follow redirects as the request wants? Not when it has headers that curl would send to
 * another host, too: they stay at their origin here.
 */
bool http_curl_follows(const struct http_request *req);
/*
 * The arguments, "curl" first, as they are before any shell: they hold the request's secrets. The
 * headers are made by the same code that sends them. *n is their number; text is a's or the
 * request's.
 */
int http_curl_arguments(const struct http_request *req, const struct http_curl_more *more,
			struct arena *a, const char ***out, size_t *n, struct err *e);

#endif
