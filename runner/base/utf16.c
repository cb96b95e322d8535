/*
 * Units first, then pairs: a low half without a high one, or a high one without a low, is no
 * character.
 */
#include "runner/base/utf16.h"

#include "runner/base/buf.h"

#define REPLACEMENT 0xFFFDu

bool utf16_has_bom(const void *p, size_t n, bool *is_big_endian)
{
	const unsigned char *s = p;

	if (n < UTF16_BOM_BYTES)
		return false;
	*is_big_endian = s[0] == 0xFE && s[1] == 0xFF;
	return *is_big_endian || (s[0] == 0xFF && s[1] == 0xFE);
}

bool utf16_is_likely(const void *p, size_t n)
{
	const unsigned char *s = p;
	bool is_big_endian;

	if (utf16_has_bom(p, n, &is_big_endian)) {
		s += UTF16_BOM_BYTES;
		n -= UTF16_BOM_BYTES;
	}
	return n >= 4 && (s[0] == 0) == (s[2] == 0) && (s[1] == 0) == (s[3] == 0) &&
	       (s[0] == 0) != (s[1] == 0);
}

static void put_point(struct buf *out, uint32_t point)
{
	static const unsigned leads[] = {0, 0xC0, 0xE0, 0xF0};
	size_t n_more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;

	(void)buf_putc(out, (char)(leads[n_more] | point >> 6 * n_more)); /* full: see is_full */
	while (n_more-- > 0)
		(void)buf_putc(out, (char)(0x80 | (point >> 6 * n_more & 0x3F)));
}

void utf16_add_unit(struct utf16 *u, uint16_t unit, struct buf *out)
{
	bool is_low = unit >= 0xDC00 && unit < 0xE000;
	uint16_t high = u->high;

	u->high = 0;
	if (high != 0 && is_low) {
		put_point(out, 0x10000 + ((uint32_t)(high - 0xD800) << 10) + (unit - 0xDC00u));
		return;
	}
	if (high != 0)
		put_point(out, REPLACEMENT);
	if (unit >= 0xD800 && unit < 0xDC00)
		u->high = unit;
	else
		put_point(out, is_low ? REPLACEMENT : unit);
}

void utf16_add(struct utf16 *u, const void *p, size_t n, struct buf *out)
{
	const unsigned char *s = p;

	for (size_t i = 0; i < n; i++) {
		if (!u->has_byte) {
			u->byte = s[i];
		} else {
			unsigned high = u->is_big_endian ? u->byte : s[i];
			unsigned low = u->is_big_endian ? s[i] : u->byte;

			utf16_add_unit(u, (uint16_t)(high << 8 | low), out);
		}
		u->has_byte = !u->has_byte;
	}
}

void utf16_end(struct utf16 *u, struct buf *out)
{
	if (u->high != 0 || u->has_byte)
		put_point(out, REPLACEMENT);
	u->high = 0;
	u->has_byte = false;
}
