/*
 * spelling: one character of text as other programs escape it.
 *
 * Knows percent-encoding, the escapes of JSON, of str_escape() and of most languages (a backslash,
 * also where text was escaped several times and there are more), and the references of HTML and
 * XML. Says what could be meant; which it is, is the caller's to find out. Nothing allocates.
 */
#ifndef ASSIZE_BASE_SPELLING_H
#define ASSIZE_BASE_SPELLING_H

#include <stdbool.h>
#include <stddef.h>

#define SPELLING_MAX 5

struct spelling {
	char bytes[4]; /* what is meant: one byte, or a character in UTF-8 */
	size_t n_bytes;
	size_t length; /* of the text that spells it */
};

/* May an escape begin with this byte? */
bool spelling_is_escape(char c);
/* What an escape at s (NUL terminated) may stand for, the longest escape first; how many. */
size_t spelling_read(const char *s, struct spelling out[SPELLING_MAX]);
/* Is all of s the beginning of an escape? */
bool spelling_is_begun(const char *s);
int spelling_hex(char c); /* the value of a digit, -1 = none */

#endif
