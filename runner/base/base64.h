/*
 * base64: RFC 4648, the standard alphabet, padding required, nothing forgiven.
 *
 * One text has one reading: no white space, no characters behind the padding, and the bits that
 * padding leaves over must be zero, so that no two texts stand for the same bytes.
 */
#ifndef ASSIZE_BASE_BASE64_H
#define ASSIZE_BASE_BASE64_H

#include <stddef.h>

struct arena;

/* The bytes, in a; NULL when it is not base64. NUL terminated behind *out_n for convenience. */
unsigned char *base64_decode(struct arena *a, const char *text, size_t n, size_t *out_n);
const char *base64_encode(struct arena *a, const void *p, size_t n);

#endif
