/*
 * utf8: one character at a time out of text that may not be UTF-8 at all (RFC 3629).
 *
 * For emitters that must turn any bytes into something a format allows. Nothing allocates.
 */
#ifndef ASSIZE_BASE_UTF8_H
#define ASSIZE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Length in bytes of the character at s, of which n bytes are there, and its code point. 0 when n
 * is 0 or no well-formed character starts here (overlong forms and surrogates included).
 */
size_t utf8_decode(const char *s, size_t n, uint32_t *code_point);

/* How many of the n bytes at s fit into most, when no character is cut in two. */
size_t utf8_fit(const char *s, size_t n, size_t most);

/*
 * Would a reader be misled by this character in one line of text? Control characters, line and
 * paragraph separators, zero-width and bidirectional formatting (Unicode TR 36), noncharacters.
 */
bool utf8_is_deceptive(uint32_t code_point);

/* Is there nothing in the text that a reader would see? What is no UTF-8 would be seen. */
bool utf8_is_blank(const char *text);

#endif
