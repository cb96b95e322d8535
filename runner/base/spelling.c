/*
 * Everything looked at is bounded, so that reading costs the same wherever it begins in a long run
 * of backslashes or zeros.
 */
#include "runner/base/spelling.h"

#include <stdint.h>
#include <string.h>

#include "runner/base/str.h"

#define MAX_BACKSLASHES 8 /* escaped three times */
#define MAX_DIGITS	8
#define MAX_BEGUN	20

bool spelling_is_escape(char c)
{
	return c == '%' || c == '\\' || c == '&';
}

int spelling_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Up to `most` digits of a base at s; how many. */
static size_t read_digits(const char *s, size_t most, int base, uint32_t *value)
{
	size_t n = 0;

	*value = 0;
	for (; n < most && spelling_hex(s[n]) >= 0 && spelling_hex(s[n]) < base; n++)
		*value = *value * (uint32_t)base + (uint32_t)spelling_hex(s[n]);
	return n;
}

static size_t put_byte(struct spelling *out, uint32_t byte, size_t length)
{
	*out = (struct spelling){.n_bytes = 1, .length = length};
	out->bytes[0] = (char)(unsigned char)byte;
	return 1;
}

/* 0 = there is no such character. */
static size_t put_character(struct spelling *out, uint32_t code, size_t length)
{
	static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
	size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
		return 0;
	if (code < 0x80)
		return put_byte(out, code, length);
	*out = (struct spelling){.n_bytes = n, .length = length};
	for (size_t i = n - 1; i > 0; i--) {
		out->bytes[i] = (char)(unsigned char)(0x80 | (code & 0x3F));
		code >>= 6;
	}
	out->bytes[0] = (char)(unsigned char)(leads[n] | code);
	return 1;
}

/* \uXXXX, two of them for one character, or \u{X...}; u is at s[n]. */
static size_t read_unicode(const char *s, size_t n, struct spelling *out)
{
	uint32_t code, low;
	size_t at = n + 1, k;

	if (s[at] == '{') {
		k = read_digits(s + at + 1, MAX_DIGITS, 16, &code);
		return k > 0 && s[at + 1 + k] == '}' ? put_character(out, code, at + k + 2) : 0;
	}
	if (read_digits(s + at, 4, 16, &code) != 4)
		return 0;
	at += 4;
	if (code < 0xD800 || code > 0xDBFF)
		return put_character(out, code, at);
	if (strncmp(s + at, s, n + 1) != 0 || read_digits(s + at + n + 1, 4, 16, &low) != 4 ||
	    low < 0xDC00 || low > 0xDFFF)
		return 0;
	return put_character(out, 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00), at + n + 5);
}

/* What is behind n backslashes. */
static size_t read_letter(const char *s, size_t n, struct spelling *out)
{
	static const char letters[] = "nrtbf", meant[] = "\n\r\t\b\f";
	const char *letter;
	char c = s[n];
	uint32_t byte;

	if (c == '\0' || c == '\\')
		return 0;
	if (c == 'u')
		return read_unicode(s, n, out);
	if (c == 'x')
		return read_digits(s + n + 1, 2, 16, &byte) == 2 ? put_byte(out, byte, n + 3) : 0;
	letter = strchr(letters, c);
	if (letter != NULL)
		return put_byte(out, (unsigned char)meant[letter - letters], n + 1);
	return put_byte(out, (unsigned char)c, n + 1);
}

static size_t read_backslashes(const char *s, struct spelling *out)
{
	size_t run = 1, n = 0;

	while (run <= MAX_BACKSLASHES && s[run] == '\\')
		run++;
	if (run <= MAX_BACKSLASHES)
		n = read_letter(s, run, out);
	for (size_t k = MAX_BACKSLASHES; k > 1; k /= 2)
		if (run >= k)
			n += put_byte(&out[n], '\\', k);
	return n;
}

/* A reference, s behind its '&'; `before` bytes are to be counted as well. */
static size_t read_reference(const char *s, size_t before, struct spelling *out)
{
	static const struct {
		const char *name;
		char c;
	} names[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
	bool is_hex = s[0] == '#' && (s[1] == 'x' || s[1] == 'X');
	size_t at = is_hex ? 2 : 1, k;
	uint32_t code;

	if (s[0] == '#') {
		k = read_digits(s + at, MAX_DIGITS, is_hex ? 16 : 10, &code);
		return k > 0 && s[at + k] == ';' ? put_character(out, code, before + at + k + 1)
						 : 0;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_starts(s, names[i].name))
			return put_byte(out, (unsigned char)names[i].c,
					before + strlen(names[i].name));
	return 0;
}

size_t spelling_read(const char *s, struct spelling out[SPELLING_MAX])
{
	uint32_t byte;
	size_t n = 0;

	if (s[0] == '\\')
		return read_backslashes(s, out);
	if (s[0] == '%')
		return read_digits(s + 1, 2, 16, &byte) == 2 ? put_byte(out, byte, 3) : 0;
	if (s[0] != '&')
		return 0;
	if (str_starts(s, "&amp;")) /* escaped twice */
		n = read_reference(s + 5, 5, out);
	return n + read_reference(s + 1, 1, &out[n]);
}

bool spelling_is_begun(const char *s)
{
	const char *more = s[0] == '\\' ? "\\ux{" : "#xampltgquos";

	if (s[0] == '%')
		return s[1] == '\0' || s[2] == '\0';
	if (!spelling_is_escape(s[0]))
		return false;
	for (size_t i = 1; i < MAX_BEGUN; i++) {
		if (s[i] == '\0')
			return true;
		if (strchr(more, s[i]) == NULL && spelling_hex(s[i]) < 0)
			return false;
	}
	return false;
}
