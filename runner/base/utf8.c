/*
 * The decoder follows table 3-7 of the Unicode standard: the second byte's range depends on the
 * first, which is what excludes overlong forms, surrogates and everything above U+10FFFF.
 */
#include "runner/base/utf8.h"

#include <string.h>

static bool is_tail(unsigned char c)
{
	return (c & 0xC0) == 0x80;
}

size_t utf8_decode(const char *s, size_t n, uint32_t *code_point)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xBF;
	uint32_t value;
	size_t len;

	if (n == 0)
		return 0;
	if (p[0] < 0x80) {
		*code_point = p[0];
		return 1;
	}
	if (p[0] < 0xC2 || p[0] > 0xF4)
		return 0;
	len = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
	if (p[0] == 0xE0)
		low = 0xA0;
	else if (p[0] == 0xED)
		high = 0x9F;
	else if (p[0] == 0xF0)
		low = 0x90;
	else if (p[0] == 0xF4)
		high = 0x8F;
	if (n < len || p[1] < low || p[1] > high)
		return 0;
	value = p[0] & (0xFFu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if (!is_tail(p[i]))
			return 0;
		value = value << 6 | (p[i] & 0x3Fu);
	}
	*code_point = value;
	return len;
}

size_t utf8_fit(const char *s, size_t n, size_t most)
{
	if (n <= most)
		return n;
	while (most > 0 && is_tail((unsigned char)s[most]))
		most--;
	return most;
}

/* Letters and joiners that are drawn as nothing. */
static bool is_filler(uint32_t c)
{
	return c == 0x34F || c == 0x115F || c == 0x1160 || c == 0x3164 || c == 0xFFA0;
}

bool utf8_is_deceptive(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C || c == 0x180E ||
	       (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
	       (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
	       (c >= 0xE0000 && c <= 0xE0FFF) || is_filler(c) || (c & 0xFFFE) == 0xFFFE;
}

static bool is_space(uint32_t c)
{
	return c == ' ' || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
	       c == 0x202F || c == 0x205F || c == 0x2800 || c == 0x3000;
}

bool utf8_is_blank(const char *text)
{
	size_t n = strlen(text), len;
	uint32_t c;

	for (; n > 0; text += len, n -= len) {
		len = utf8_decode(text, n, &c);
		if (len == 0 || !(is_space(c) || utf8_is_deceptive(c)))
			return false;
	}
	return true;
}
