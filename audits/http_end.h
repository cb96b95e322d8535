/*
 * http_end: is the body that came the whole one?
 *
 * A length, chunks, HTTP/2 and a gzip stream mark where a body ends. Without any of these
 * (HTTP/1.0, a connection that is closed) a body that broke off looks like one that is complete,
 * and only what the definition says of it can tell: how long it is at least, or how it ends. What
 * it says is held against bodies with a marked end as well, because a program may fail in the
 * middle of a page that its server then ends in all form.
 *
 * The last bytes are kept as the body arrives. Newlines at its very end are looked past, if there
 * are not more than HTTP_END_NEWLINES.
 */
#ifndef ASSIZE_AUDITS_HTTP_END_H
#define ASSIZE_AUDITS_HTTP_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct http_response;

#define HTTP_END_MAX	  256 /* bytes of ends_with */
#define HTTP_END_NEWLINES 16

/* What the definition says; 0 and NULL where it says nothing. */
struct http_end_spec {
	int64_t min_body;
	const char *ends_with; /* at most HTTP_END_MAX bytes, the last one no newline */
};

struct http_end {
	char tail[HTTP_END_MAX + HTTP_END_NEWLINES];
	size_t n_tail;
};

void http_end_feed(struct http_end *x, const char *data, size_t n);
/* NULL, or how the body differs from what the definition says of its end. */
const char *http_end_problem(const struct http_end *x, const struct http_end_spec *spec,
			     const struct http_response *res, struct arena *a);
/* May the body have broken off without anybody noticing? */
bool http_end_is_unknown(const struct http_end_spec *spec, const struct http_response *res);

#endif
