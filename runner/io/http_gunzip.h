/*
 * http_gunzip: decodes gzip (RFC 1952) in pieces, strictly, for bodies of responses and for layers
 * of images.
 *
 * Every member must end with a right checksum, and what follows a member must be another one.
 * Memory is constant whatever the stream expands to; how much is enough is the sink's business.
 */
#ifndef ASSIZE_IO_HTTP_GUNZIP_H
#define ASSIZE_IO_HTTP_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct http_gunzip;

struct http_gunzip *http_gunzip_new(void);
void http_gunzip_free(struct http_gunzip *g); /* NULL is allowed */
/* Decodes a piece and hands it on; stops with -1 when sink does or when the stream is damaged. */
int http_gunzip_feed(struct http_gunzip *g, const char *p, size_t n,
		     int (*sink)(void *ctx, const char *p, size_t n, struct err *e), void *ctx,
		     struct err *e);
/* Has the stream come to its own end? */
bool http_gunzip_is_ended(const struct http_gunzip *g);

#endif
