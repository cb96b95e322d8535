/*
 * migrations_hash: the checksums migration tools keep, byte for byte.
 *
 * Flyway: CRC-32 over the bytes of each line without its end, a byte order mark at the beginning
 * left out, shown as a signed 32 bit number; so line ends never matter. refinery: SipHash-1-3 with
 * zero keys, https://www.aumasson.jp/siphash/siphash.pdf with c = 1 and d = 3.
 */
#include "audits/migrations.h"

#include <string.h>

#include "runner/io/digest.h"

void migrations_hex(const unsigned char *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
}

void migrations_base64(const unsigned char *p, size_t n, char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (; n > 0; p += 3) {
		size_t taken = n < 3 ? n : 3;
		unsigned long v = (unsigned long)p[0] << 16;

		v |= taken > 1 ? (unsigned long)p[1] << 8 : 0;
		v |= taken > 2 ? p[2] : 0;
		*out++ = digits[v >> 18 & 63];
		*out++ = digits[v >> 12 & 63];
		*out++ = '=';
		*out++ = '=';
		if (taken > 1)
			out[-2] = digits[v >> 6 & 63];
		if (taken > 2)
			out[-1] = digits[v & 63];
		n -= taken;
	}
	*out = '\0';
}

int32_t migrations_flyway_crc(const char *text, size_t n)
{
	const char *s = text, *end = text + n;
	uint32_t crc = 0;

	if (n >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0)
		s += 3;
	while (s < end) {
		const char *line = s;

		while (s < end && *s != '\n' && *s != '\r')
			s++;
		crc = crc32_add(crc, line, (size_t)(s - line));
		while (s < end && (*s == '\n' || *s == '\r'))
			s++; /* empty lines add nothing */
	}
	return crc > INT32_MAX ? (int32_t)((int64_t)crc - ((int64_t)1 << 32)) : (int32_t)crc;
}

static uint64_t rotate(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

static void sip_round(uint64_t v[static 4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

uint64_t migrations_siphash13(const void *p, size_t n)
{
	const unsigned char *s = p;
	uint64_t v[4] = {0x736f6d6570736575, 0x646f72616e646f6d, 0x6c7967656e657261,
			 0x7465646279746573};

	for (size_t at = 0; at <= n; at += 8) {
		/* The last word is what is left, with the length in its top byte. */
		size_t left = n - at < 8 ? n - at : 8;
		uint64_t word = left < 8 ? (uint64_t)(n & 0xff) << 56 : 0;

		for (size_t i = 0; i < left; i++)
			word |= (uint64_t)s[at + i] << (8 * i);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

bool migrations_is_sha256(const char *text, size_t n, const char *hex)
{
	unsigned char digest[SHA256_BYTES];
	char got[SHA256_HEX];

	sha256_of(text, n, digest);
	sha256_hex(digest, got);
	return strcmp(got, hex) == 0;
}

bool migrations_is_sha384(const char *text, size_t n, const char *hex)
{
	unsigned char digest[SHA384_BYTES];
	char got[2 * SHA384_BYTES + 1];

	sha384_of(text, n, digest);
	migrations_hex(digest, sizeof(digest), got);
	return strcmp(got, hex) == 0;
}

bool migrations_is_sha1(const char *text, size_t n, const char *hex)
{
	unsigned char digest[SHA1_BYTES];
	char got[2 * SHA1_BYTES + 1];

	sha1_of(text, n, digest);
	migrations_hex(digest, sizeof(digest), got);
	return strcmp(got, hex) == 0;
}
