/*
 * Text from outside is bytes until shown otherwise. What could change how the rest of a line is
 * read is decided by utf8.c; here it is made visible.
 */
#include "runner/base/str.h"

#include <stdint.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/utf8.h"

#define MAX_NAME_BYTES 128

bool str_is_utf8(const char *s, size_t n)
{
	uint32_t code;

	while (n != 0) {
		size_t k = utf8_decode(s, n, &code);

		if (k == 0)
			return false;
		s += k;
		n -= k;
	}
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool str_is_name(const char *s)
{
	size_t n = 0;

	if (!is_letter(s[0]) && s[0] != '_')
		return false;
	for (; s[n] != '\0'; n++) {
		if (n == MAX_NAME_BYTES)
			return false;
		if (!is_letter(s[n]) && !(s[n] >= '0' && s[n] <= '9') &&
		    strchr("_.-", s[n]) == NULL)
			return false;
	}
	return true;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), k = strlen(suffix);

	return n >= k && memcmp(s + n - k, suffix, k) == 0;
}

bool str_equal(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

/* The next character of UTF-8 text, or the next byte of anything else. */
static const char *after_character(const char *s)
{
	uint32_t code;
	size_t k = utf8_decode(s, strnlen(s, 4), &code);

	return s + (k != 0 ? k : 1);
}

static char lower(char c, bool folds)
{
	return folds && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool glob(const char *pattern, const char *s, bool folds)
{
	const char *star = NULL, *retry = NULL;

	/* Only the last star is ever tried again: an earlier one already matched the least it can.
	 */
	while (*s != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			retry = s;
		} else if (*pattern == '?') {
			pattern++;
			s = after_character(s);
		} else if (lower(*pattern, folds) == lower(*s, folds)) {
			pattern++;
			s++;
		} else if (star != NULL) {
			pattern = star;
			retry = after_character(retry);
			s = retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

bool str_glob(const char *pattern, const char *s)
{
	return glob(pattern, s, false);
}

bool str_glob_fold(const char *pattern, const char *s)
{
	return glob(pattern, s, true);
}

struct range {
	uint32_t first, last;
};

static bool is_in(const struct range *ranges, size_t n, uint32_t code)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (code > ranges[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && code >= ranges[low].first;
}

static void escape_character(struct buf *out, const char *s, size_t k, uint32_t code)
{
	/* The results need no look: is_full tells. */
	if (code == '\n')
		(void)buf_puts(out, "\\n");
	else if (code == '\t')
		(void)buf_puts(out, "\\t");
	else if (code == '\\')
		(void)buf_puts(out, "\\\\");
	else if (!utf8_is_deceptive(code))
		(void)buf_add(out, s, k);
	else if (code < 0x80)
		(void)buf_printf(out, "\\x%02x", code);
	else
		(void)buf_printf(out, "\\u{%04X}", code);
}

static bool is_harmless(char c)
{
	return c >= ' ' && c <= '~' && c != '\\';
}

void str_escape(struct buf *out, const char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t start = i, k;
		uint32_t code;

		while (i < n && is_harmless(s[i]))
			i++;
		(void)buf_add(out, s + start, i - start); /* is_full tells */
		if (i == n)
			return;
		k = utf8_decode(s + i, n - i, &code);
		if (k == 0) {
			(void)buf_printf(out, "\\x%02x", (unsigned)(unsigned char)s[i]);
			k = 1;
		} else {
			escape_character(out, s + i, k, code);
		}
		i += k;
	}
}

const char *str_escaped(struct arena *a, const char *s)
{
	struct buf out;
	const char *text;

	buf_init(&out, BUF_UNBOUNDED); /* at most eight times as long as s */
	str_escape(&out, s, strlen(s));
	text = arena_strndup(a, out.data, out.len);
	buf_release(&out);
	return text;
}

/* Marks that are drawn on the character before them, for the scripts in common use. */
static bool is_combining(uint32_t code)
{
	static const struct range ranges[] = {
		{0x300, 0x36F},	  {0x483, 0x489},   {0x591, 0x5BD},   {0x5BF, 0x5BF},
		{0x5C1, 0x5C2},	  {0x5C4, 0x5C5},   {0x5C7, 0x5C7},   {0x610, 0x61A},
		{0x64B, 0x65F},	  {0x670, 0x670},   {0x6D6, 0x6DC},   {0x6DF, 0x6E4},
		{0x6E7, 0x6E8},	  {0x6EA, 0x6ED},   {0x711, 0x711},   {0x730, 0x74A},
		{0x900, 0x902},	  {0x93A, 0x93A},   {0x93C, 0x93C},   {0x941, 0x948},
		{0x94D, 0x94D},	  {0xE31, 0xE31},   {0xE34, 0xE3A},   {0xE47, 0xE4E},
		{0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x20D0, 0x20FF},
		{0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF},
	};

	return is_in(ranges, sizeof(ranges) / sizeof(ranges[0]), code);
}

size_t str_width(const char *s)
{
	size_t n = strlen(s), width = 0;
	uint32_t code;

	while (n != 0) {
		size_t k = utf8_decode(s, n, &code);

		if (k == 0) {
			k = 1;
			width++;
		} else if (!is_combining(code)) {
			width++;
		}
		s += k;
		n -= k;
	}
	return width;
}

/* Length of the character at s when it can stand in a line as it is, else 0. */
static size_t shown_length(const char *s, size_t n)
{
	uint32_t code;
	size_t k = utf8_decode(s, n, &code);

	return k > 0 && !utf8_is_deceptive(code) ? k : 0;
}

static bool is_shown(const char *s, size_t n)
{
	for (size_t k; n > 0; s += k, n -= k) {
		k = shown_length(s, n);
		if (k == 0)
			return false;
	}
	return true;
}

/* Escapes need no look at the buffer: is_full tells. */
void str_quote(struct buf *out, const char *s, size_t n)
{
	bool is_escaped = !is_shown(s, n);

	(void)buf_puts(out, is_escaped ? "$'" : "'");
	for (size_t i = 0, k; i < n; i += k) {
		k = shown_length(s + i, n - i);
		if (k == 0) {
			(void)buf_printf(out, "\\%03o", (unsigned)(unsigned char)s[i]);
			k = 1;
		} else if (is_escaped && (s[i] == '\\' || s[i] == '\'')) {
			(void)buf_printf(out, "\\%c", s[i]);
		} else if (s[i] == '\'') {
			(void)buf_puts(out, "'\\''");
		} else {
			(void)buf_add(out, s + i, k);
		}
	}
	(void)buf_putc(out, '\'');
}

static bool is_word(const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_-./:@%+=,";

	return s[0] != '\0' && s[strspn(s, plain)] == '\0';
}

void str_word(struct buf *out, const char *s)
{
	if (is_word(s))
		(void)buf_puts(out, s);
	else
		str_quote(out, s, strlen(s));
}

const char *str_as_word(struct arena *a, const char *s)
{
	struct buf out;
	const char *text;

	if (is_word(s))
		return s;
	buf_init(&out, BUF_UNBOUNDED); /* at most four times as long as s */
	str_quote(&out, s, strlen(s));
	text = arena_strndup(a, out.data, out.len);
	buf_release(&out);
	return text;
}

/* What was found last, as long as it is not passed. */
static const char *next_of(const char **known, char c, const char *p, const char *end)
{
	if (!*known || *known < p)
		*known = memchr(p, c, (size_t)(end - p));
	*known = *known ? *known : end;
	return *known;
}

const char *str_line_end(struct str_line_ends *x, const char *p, const char *end)
{
	const char *lf = next_of(&x->lf, '\n', p, end), *cr = next_of(&x->cr, '\r', p, end);

	return lf < cr ? lf : cr;
}
