/* base64: four characters, three bytes. */
#include "runner/base/base64.h"

#include <stdint.h>

#include "runner/base/arena.h"

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

unsigned char *base64_decode(struct arena *a, const char *text, size_t n, size_t *out_n)
{
	unsigned char *out = arena_alloc(a, n / 4 * 3 + 1);
	size_t n_padding = 0, made = 0;

	if (n % 4 != 0)
		return NULL;
	while (n_padding < 2 && n_padding < n && text[n - 1 - n_padding] == '=')
		n_padding++;
	for (size_t i = 0; i < n; i += 4) {
		size_t n_here = i + 4 == n ? 4 - n_padding : 4;
		uint32_t bits = 0;

		for (size_t k = 0; k < 4; k++) {
			int v = k < n_here ? value_of(text[i + k]) : 0;

			if (v < 0)
				return NULL;
			bits = bits << 6 | (uint32_t)v;
		}
		if (n_here < 4 && (bits & (n_here == 2 ? 0xFFFFU : 0xFFU)) != 0)
			return NULL;
		for (size_t k = 0; k + 1 < n_here; k++)
			out[made++] = (unsigned char)(bits >> (16 - 8 * k));
	}
	*out_n = made;
	return out;
}

const char *base64_encode(struct arena *a, const void *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	const unsigned char *bytes = p;
	char *out = arena_alloc(a, (n + 2) / 3 * 4 + 1), *at = out;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t bits = (uint32_t)bytes[i] << 16;

		if (i + 1 < n)
			bits |= (uint32_t)bytes[i + 1] << 8;
		if (i + 2 < n)
			bits |= bytes[i + 2];
		*at++ = digits[bits >> 18];
		*at++ = digits[bits >> 12 & 63];
		*at++ = i + 1 < n ? digits[bits >> 6 & 63] : '=';
		*at++ = i + 2 < n ? digits[bits & 63] : '=';
	}
	return out;
}
