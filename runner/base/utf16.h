/*
 * utf16: UTF-16 as UTF-8, in pieces of any size (RFC 2781).
 *
 * Half a pair becomes U+FFFD. Nothing allocates but the buffer written to.
 */
#ifndef ASSIZE_BASE_UTF16_H
#define ASSIZE_BASE_UTF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define UTF16_BOM_BYTES 2

/* The zero value reads little endian from the beginning. */
struct utf16 {
	bool is_big_endian, has_byte;
	unsigned char byte; /* half a unit, has_byte */
	uint16_t high;	    /* half a pair, 0 = none */
};

/* Do these bytes begin with a byte order mark of UTF-16? *is_big_endian: which. */
bool utf16_has_bom(const void *p, size_t n, bool *is_big_endian);
/*
 * Does it begin with two characters of ASCII in UTF-16, marked or not? A pattern for UTF-8 would be
 * held against it in vain, and a byte that is zero is valid UTF-8.
 */
bool utf16_is_likely(const void *p, size_t n);
/* Appends at most 3 bytes for each 2, and 3 more. */
void utf16_add(struct utf16 *u, const void *p, size_t n, struct buf *out);
void utf16_add_unit(struct utf16 *u, uint16_t unit, struct buf *out);
/* What is left in the middle of a unit or a pair is told as U+FFFD. */
void utf16_end(struct utf16 *u, struct buf *out);

#endif
